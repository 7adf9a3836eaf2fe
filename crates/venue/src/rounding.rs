//! The grid that a day's totals are rounded to, and how far above EVaR each state's private EVaR may lie.

use fixed::{Decimal, DomainError};

use crate::certificate::slack;
use crate::evar::Confidence;
use crate::premia::{Evaluated, place, whole_ticks};
use crate::scenarios::ScenarioSet;
use crate::state::{round_up, ticks};

/// Bits of the unit of a certificate's slack.
pub const SLACK_BITS: u32 = 40;
/// The least grid, in ticks.
const LEAST_GRID: u64 = 100_000;
/// The tolerance is this part of the grid. The grid is at least twice what any change moves EVaR by, so a premium is off by
/// less than a tenth of the grid where the dearest change pays up to half of it; and a fit of twenty receipts fails by more than
/// the inventory itself (`receipts_of_a_day_do_not_give_the_inventory_away`).
const TOLERANCE_PART: u64 = 10;

/// Why a grid or a tolerance does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundingError {
    /// It is no amount, hides nothing, or cannot be proven; what would fit.
    #[error("{0}")]
    Unfit(String),
    /// Arithmetic failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// What is stated is a multiple of the grid; the private EVaR lies within the tolerance above the true one. In ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// The grid.
    pub grid: u64,
    /// The tolerance.
    pub tolerance: u64,
    /// The certificates' slack in 2^-40.
    pub slack: u64,
}

impl Rounding {
    /// Chooses what is not given, for states that are not lifted yet. No change alone
    /// moves a private EVaR by as much as the grid: then the rounded ends and the rounded total of a day, even of a single
    /// trade, are those of many others.
    ///
    /// # Errors
    /// If what is given hides nothing or cannot be proven.
    pub fn chosen(
        set: &ScenarioSet,
        evaluated: &[Evaluated],
        confidence: Confidence,
        grid: Option<Decimal>,
        tolerance: Option<Decimal>,
    ) -> Result<Self, RoundingError> {
        let (most, at) = largest_move(evaluated);
        let ends = evaluated[0]
            .evar()
            .max(evaluated[evaluated.len() - 1].evar())
            .0;
        let coarse = u128::from(ends / 10).max(2 * u128::from(most));
        let least = round_up(coarse.max(LEAST_GRID.into()));
        let given = |what, amount: Option<Decimal>| {
            let ticks = amount.map(|amount| whole_ticks(what, &amount).map(|ticks| ticks.0));
            ticks.transpose().map_err(RoundingError::Unfit)
        };
        let grid = given("a grid", grid)?.unwrap_or(u64::try_from(least).unwrap_or(u64::MAX));
        let quote = &set.quote;
        if grid <= most || grid < LEAST_GRID {
            return Err(RoundingError::Unfit(format!(
                "a grid of {} {quote} does not hide {}, which moves EVaR by {} {quote}; give one of {} {quote} or more",
                ticks(grid.into()),
                place(at),
                ticks(most.into()),
                ticks(least as i128),
            )));
        }
        let slack = slack_units(set.values.len(), set.is_weighted(), confidence)?;
        let chosen = |tolerance| Self {
            grid,
            tolerance,
            slack,
        };
        let rounding = match given("a tolerance", tolerance)? {
            Some(tolerance) => chosen(tolerance),
            None => {
                // Doubled until half of it is left to draw from: it tells no more of the certificates than that.
                let doubled = |t: &u64| t.checked_mul(2).filter(|&t| t < grid);
                let all = std::iter::successors(Some(grid / TOLERANCE_PART), doubled);
                let roomy = |r: &Self| evaluated.iter().all(|e| r.room(e) > Some(r.tolerance / 2));
                let found = all.map(chosen).find(roomy);
                found.ok_or_else(|| too_fine(grid))?
            }
        };
        rounding.check(evaluated, quote, least)?;
        Ok(rounding)
    }

    /// Whether every state's EVaR can be proven within the tolerance, and no change moves it by as much as the grid.
    fn check(
        &self,
        evaluated: &[Evaluated],
        quote: &str,
        least: u128,
    ) -> Result<(), RoundingError> {
        let (most, at) = largest_move(evaluated);
        if evaluated.iter().any(|e| self.room(e).is_none()) {
            return Err(RoundingError::Unfit(format!(
                "a tolerance of {} {quote} is too small to prove; give a larger one",
                ticks(self.tolerance.into())
            )));
        }
        if most.saturating_add(self.tolerance) >= self.grid {
            let enough = round_up(2 * (u128::from(most) + u128::from(self.tolerance)));
            return Err(RoundingError::Unfit(format!(
                "a grid of {} {quote} does not hide {}, which moves EVaR by {} {quote}, to within a tolerance of {} {quote}; give a \
                 grid of {} {quote} or more, or a smaller tolerance",
                ticks(self.grid.into()),
                place(at),
                ticks(most.into()),
                ticks(self.tolerance.into()),
                ticks(least.max(enough) as i128),
            )));
        }
        Ok(())
    }

    /// How far a state's EVaR can be lifted, in ticks, rounded down: what is left of the tolerance by the certificate's gap and
    /// slack. `None` if it cannot even be left where it is.
    pub fn room(&self, e: &Evaluated) -> Option<u64> {
        // The slack is that of the highest EVaR that may be drawn.
        let allowed = allowed(
            self.tolerance,
            self.slack,
            e.evar().0.checked_add(self.tolerance)?,
        )?;
        u64::try_from(allowed >> SLACK_BITS)
            .ok()?
            .checked_sub(e.gap().0)
    }
}

/// How far the mean gain of a state may be below this private EVaR, in 2^-40 ticks; `None` if the tolerance is too small.
pub fn allowed(tolerance: u64, slack: u64, evar: u64) -> Option<u128> {
    let most = u128::from(tolerance) << SLACK_BITS;
    most.checked_sub(u128::from(slack) * u128::from(evar))
}

/// The slack of certificates in 2^-40, rounded up.
///
/// # Errors
/// Never for up to 2^24 scenarios.
pub fn slack_units(
    scenarios: usize,
    weighted: bool,
    confidence: Confidence,
) -> Result<u64, DomainError> {
    let units = slack(scenarios, weighted, confidence)?
        .times(1 << SLACK_BITS)?
        .ceil_at(0)?;
    // Not negative, and below one.
    Ok(units.max(0) as u64)
}

fn too_fine(grid: u64) -> RoundingError {
    RoundingError::Unfit(format!(
        "a grid of {} is too fine to prove; give a coarser one",
        ticks(grid.into())
    ))
}

/// The largest move of EVaR by one change, and where.
fn largest_move(evaluated: &[Evaluated]) -> (u64, usize) {
    let moves = evaluated.windows(2).enumerate();
    let moves = moves.map(|(i, pair)| (pair[0].evar().0.abs_diff(pair[1].evar().0), i + 1));
    moves.max().unwrap_or((0, 0))
}
