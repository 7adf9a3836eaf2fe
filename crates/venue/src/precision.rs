//! How far an EVaR over drawn scenarios may be off for the draws alone. For display: nothing here is proven, and floats will do.
//!
//! By the delta method: with probabilities `p_s` and the tilt `q_s` of the optimum, EVaR moves by `(q_s - p_s) / z` as scenario
//! `s` gets likelier, so its standard error is the root of the sum of the squares of these, if scenarios were drawn
//! independently of each other. That of a premium is the same of the differences, since both EVaRs are over the same scenarios.
//! The error is told too small where few scenarios bear the tilt: their *effective number* is `1 / sum q_s^2`.

use crate::premia::Evaluated;
use crate::scenarios::ScenarioSet;

/// Fewer effective scenarios than these say little.
pub const FEW: f64 = 100.0;

/// What each scenario does to an EVaR.
#[derive(Clone, Debug)]
pub struct Precision {
    /// In ticks, as it gets likelier.
    moves: Vec<f64>,
    /// How many scenarios bear the tilt.
    pub effective: f64,
}

impl Precision {
    /// Of the EVaR of a state.
    pub fn of(state: &Evaluated, set: &ScenarioSet) -> Self {
        let count = set.values.len();
        let total: f64 = set.probabilities.iter().map(|&p| p as f64).sum();
        let even = 1.0 / count as f64;
        let probability = |s: usize| set.probabilities.get(s).map_or(even, |&p| p as f64 / total);
        let weights = state.sums.weights as f64;
        // Ticks per e-fold: subticks per octave by ln 2.
        let scale = state.certificate.scale as f64 / 2f64.powi(20) / std::f64::consts::LN_2;
        let tilt = |s: usize| state.tilt(s) as f64 / weights;
        let moves = (0..count).map(|s| scale * (tilt(s) - probability(s)));
        let squares: f64 = (0..count).map(|s| tilt(s) * tilt(s)).sum();
        Self {
            moves: moves.collect(),
            effective: 1.0 / squares,
        }
    }

    /// The standard error, in ticks.
    pub fn error(&self) -> f64 {
        self.moves.iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    /// The standard error of this EVaR less another one's, over the same scenarios.
    pub fn error_of_rise(&self, before: &Self) -> f64 {
        let pairs = self.moves.iter().zip(&before.moves);
        pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
    }
}
