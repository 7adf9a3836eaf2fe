//! An attacker with all receipts of a day: a least-squares fit of the inventory and the means, over the public scenarios.
//!
//! Whoever knows the trades' sizes knows every state but for the inventory and the means that the day starts with. A premium is
//! what the private EVaR rose by, so premia add up to how private EVaRs differ, up to a change that paid nothing. Each lies within
//! the tolerance above the true one, independently of the others: so the true ones differ from them by about a constant.

use fixed::Decimal;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use statements::premia::{PremiaClaim, PublicChange, Receipt, Shown};

/// Quantities by market and, last, the means.
type Unknowns = Vec<f64>;

/// Fits that are started, each from another venue.
const STARTS: usize = 12;
/// Steps of a fit.
const STEPS: usize = 100;

struct Attack {
    /// What a lot of each market is worth in each scenario.
    values: Vec<Vec<f64>>,
    /// ln(1 / alpha).
    entropy: f64,
    /// Market, lots and price of each trade.
    trades: Vec<(usize, f64, f64)>,
    /// What the premia before each state add up to, since the last change that paid nothing: a list for each such run of states.
    runs: Vec<Vec<f64>>,
    /// EVaR at both ends, rounded up to the grid.
    ends: [f64; 2],
    grid: f64,
}

fn number(amount: &Decimal) -> f64 {
    amount.to_string().parse().unwrap()
}

/// The inventory that fits the receipts best.
pub fn inventory(claim: &PremiaClaim, receipts: &[Receipt], seed: u64) -> Vec<f64> {
    let attack = Attack::new(claim, receipts);
    let now: Vec<f64> = claim
        .scenarios
        .markets
        .iter()
        .map(|m| m.value as f64 / 1e6)
        .collect();
    let mut rng = StdRng::seed_from_u64(seed);
    let fits = (0..STARTS).map(|i| {
        // Half of them from venues whose traders are long everywhere.
        let least = if i % 2 == 0 { 0.0 } else { -200.0 };
        let start: Vec<f64> = now.iter().map(|_| rng.random_range(least..200.0)).collect();
        attack.fit(attack.with_means(&start, &now))
    });
    let (_, mut best) = fits.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    best.pop();
    best
}

impl Attack {
    fn new(claim: &PremiaClaim, receipts: &[Receipt]) -> Self {
        let Shown::Totals {
            evar_before,
            evar_after,
            grid,
            ..
        } = &claim.shown
        else {
            panic!("totals are claimed")
        };
        let mut runs = vec![vec![0.0]];
        let trades = receipts.iter().map(|receipt| {
            let premium = number(&receipt.premium);
            let run = runs.last_mut().unwrap();
            if premium > 0.0 {
                run.push(run[run.len() - 1] + premium);
            } else {
                runs.push(vec![0.0]);
            }
            match &receipt.change {
                PublicChange::Trade {
                    market,
                    price,
                    lots: Some(lots),
                } => (*market as usize, lots.0 as f64, number(price)),
                _ => panic!("they are receipts of trades"),
            }
        });
        let trades = trades.collect();
        let values = claim.scenarios.values.iter();
        let values = values.map(|v| v.iter().map(|&v| v as f64 / 1e6).collect());
        Self {
            values: values.collect(),
            entropy: -(1.0 - number(&claim.confidence.into())).ln(),
            trades,
            runs,
            ends: [number(evar_before), number(evar_after)],
            grid: number(grid),
        }
    }

    /// A venue with this inventory and means such that EVaR is in the middle of what is published.
    fn with_means(&self, quantities: &[f64], now: &[f64]) -> Unknowns {
        let worth: f64 = quantities.iter().zip(now).map(|(q, v)| q * v).sum();
        let mut venue = quantities.to_vec();
        venue.push(worth);
        let means = quantities.len();
        let (mut low, mut high) = (worth - 2e6, worth + 2e6);
        for _ in 0..30 {
            venue[means] = f64::midpoint(low, high);
            if self.evar(&venue, &mut 0.0).0 > self.ends[0] - self.grid / 2.0 {
                low = venue[means];
            } else {
                high = venue[means];
            }
        }
        venue
    }

    /// EVaR and its slope in every unknown, by Newton steps for the tilt from the last one.
    fn evar(&self, venue: &[f64], tilt: &mut f64) -> (f64, Vec<f64>) {
        let markets = venue.len() - 1;
        let gains = self.values.iter().map(|v| {
            let worth: f64 = v.iter().zip(venue).map(|(v, q)| v * q).sum();
            (worth - venue[markets]).max(0.0)
        });
        let gains: Vec<f64> = gains.collect();
        let top = gains.iter().copied().fold(0.0, f64::max);
        let mut slopes = vec![0.0; venue.len()];
        if top <= 0.0 {
            return (0.0, slopes);
        }
        if *tilt <= 0.0 {
            *tilt = 3.0 / top;
        }
        let mut weights = vec![0.0; gains.len()];
        let (mut evar, mut total) = (0.0, 1.0);
        for _ in 0..40 {
            let [mut first, mut second] = [0.0; 2];
            total = 0.0;
            for (weight, gain) in weights.iter_mut().zip(&gains) {
                let u = *tilt * (gain - top);
                *weight = u.exp();
                total += *weight;
                first += *weight * u;
                second += *weight * u * u;
            }
            let mean = first / total;
            let log = (total / gains.len() as f64).ln();
            evar = top + (log + self.entropy) / *tilt;
            // The entropy of the tilt less what is allowed, by its slope in ln(tilt).
            let step = (self.entropy + log - mean) / (second / total - mean * mean);
            if step.abs() < 1e-9 || !step.is_finite() || *tilt > 1e6 / top {
                break;
            }
            *tilt *= step.clamp(-1.0, 1.0).exp();
        }
        for ((weight, gain), values) in weights.iter().zip(&gains).zip(&self.values) {
            if *gain > 0.0 {
                for (slope, value) in slopes.iter_mut().zip(values) {
                    *slope += weight * value / total;
                }
                slopes[markets] -= weight / total;
            }
        }
        (evar, slopes)
    }

    /// EVaR of each state of the day, with its slopes.
    fn states(&self, venue: &[f64], tilts: &mut Vec<f64>) -> Vec<(f64, Vec<f64>)> {
        let markets = venue.len() - 1;
        tilts.resize(self.trades.len() + 1, 0.0);
        let mut now = venue.to_vec();
        let mut states = vec![self.evar(&now, &mut tilts[0])];
        for ((market, lots, price), tilt) in self.trades.iter().zip(&mut tilts[1..]) {
            now[*market] += lots;
            now[markets] += lots * price;
            states.push(self.evar(&now, tilt));
        }
        states
    }

    /// What does not fit, each with its slopes: how far EVaR less premia is from its mean over a run of states; a rise of EVaR
    /// that paid nothing; and EVaR at the ends outside of what is published.
    fn misfits(&self, venue: &[f64], tilts: &mut Vec<f64>) -> Vec<(f64, Vec<f64>)> {
        let states = self.states(venue, tilts);
        let mut misfits: Vec<(f64, Vec<f64>)> = Vec::new();
        for (at, end) in [0, states.len() - 1].into_iter().zip(self.ends) {
            let from_middle = states[at].0 - (end - self.grid / 2.0);
            let out = from_middle.abs() - self.grid / 2.0;
            if out > 0.0 {
                misfits.push((out.copysign(from_middle), states[at].1.clone()));
            }
        }
        let mut start = 0;
        for run in &self.runs {
            if start > 0 && states[start].0 > states[start - 1].0 {
                let own = states[start].1.iter().zip(&states[start - 1].1);
                let rise = states[start].0 - states[start - 1].0;
                misfits.push((rise, own.map(|(a, b)| a - b).collect()));
            }
            let own = &states[start..start + run.len()];
            start += run.len();
            let count = run.len() as f64;
            let mean = own.iter().zip(run).map(|(s, paid)| s.0 - paid).sum::<f64>() / count;
            let slopes: Vec<f64> = (0..venue.len())
                .map(|i| own.iter().map(|s| s.1[i]).sum::<f64>() / count)
                .collect();
            misfits.extend(own.iter().zip(run).map(|((evar, own), paid)| {
                let own = own.iter().zip(&slopes).map(|(a, b)| a - b).collect();
                (evar - paid - mean, own)
            }));
        }
        misfits
    }

    /// Gauss-Newton steps, damped as Levenberg and Marquardt do: the sum of squares, and the venue.
    fn fit(&self, start: Unknowns) -> (f64, Unknowns) {
        let squares = |m: &[(f64, Vec<f64>)]| m.iter().map(|(x, _)| x * x).sum::<f64>();
        let mut venue = start;
        let mut tilts = Vec::new();
        let mut misfits = self.misfits(&venue, &mut tilts);
        let mut least = squares(&misfits);
        let mut damping = 1e-2;
        for _ in 0..STEPS {
            let step = normal_step(&misfits, venue.len(), damping);
            let moved: Vec<f64> = venue.iter().zip(&step).map(|(x, d)| x + d).collect();
            let others = self.misfits(&moved, &mut tilts);
            let sum = squares(&others);
            if sum.is_finite() && sum < least {
                let gained = (least - sum) / least;
                (venue, misfits, least) = (moved, others, sum);
                damping = (damping * 0.3_f64).max(1e-12);
                if gained < 1e-9 {
                    break;
                }
            } else {
                damping *= 4.0;
                if damping > 1e12 {
                    break;
                }
            }
        }
        (least, venue)
    }
}

/// Solves the damped normal equations by elimination.
fn normal_step(misfits: &[(f64, Vec<f64>)], n: usize, damping: f64) -> Vec<f64> {
    let mut rows = vec![vec![0.0; n + 1]; n];
    for (misfit, slopes) in misfits {
        for i in 0..n {
            rows[i][n] -= slopes[i] * misfit;
            for j in 0..n {
                rows[i][j] += slopes[i] * slopes[j];
            }
        }
    }
    for (i, row) in rows.iter_mut().enumerate() {
        row[i] = row[i] * (1.0 + damping) + 1e-9;
    }
    for i in 0..n {
        let pivot = (i..n).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()));
        rows.swap(i, pivot.unwrap_or(i));
        let own = rows[i].clone();
        for (j, row) in rows.iter_mut().enumerate() {
            if j != i {
                let times = row[i] / own[i];
                for (x, y) in row.iter_mut().zip(&own) {
                    *x -= times * y;
                }
            }
        }
    }
    rows.iter()
        .enumerate()
        .map(|(i, row)| row[n] / row[i])
        .collect()
}
