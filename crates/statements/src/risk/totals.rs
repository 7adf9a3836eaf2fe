//! What is said of a day on a grid, and how far above EVaR each state's private EVaR is drawn.
//!
//! A receipt tells its trader what the private EVaR rose by. If that were EVaR itself, whoever has receipts over all markets
//! would solve for the inventory. So each private EVaR is drawn from the tolerance above the true one.

use fixed::Decimal;
use gadgets::hash::{Digest, Domain, hash};
use stark::{P, PrimeField32};
use venue::evar::Confidence;
use venue::scenarios::ScenarioSet;
use venue::state::{charge, round_up, ticks};

use super::claim::{PublicChange, Shown, whole_ticks};
use super::evaluate::{Evaluated, claim, funding_rates, place};
use super::steps::slack_units;
use super::tables::premia::{Hidden, SLACK_BITS};
use super::witness::{RiskError, Shows, Terms};
use crate::account::{PublicDigest, Secret, text_digest};
use crate::venues::commitments::state_elements;

/// The least grid, in ticks.
const LEAST_GRID: u64 = 100_000;
/// The tolerance is this part of the grid. The grid is at least twice what any change moves EVaR by, so a premium is off by
/// less than a tenth of the grid where the dearest change pays up to half of it; and a fit of twenty receipts fails by more than
/// the inventory itself (`receipts_of_a_day_do_not_give_the_inventory_away`).
const TOLERANCE_PART: u64 = 10;

/// What is stated is a multiple of the grid; the private EVaR lies within the tolerance above the true one. In ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rounding {
    grid: u64,
    tolerance: u64,
    /// The certificates' slack in 2^-40.
    slack: u64,
}

impl Rounding {
    /// Chooses what the terms leave open, for states that are not lifted yet; `None` if no totals are shown. No change alone
    /// moves a private EVaR by as much as the grid: then the rounded ends and the rounded total of a day, even of a single
    /// trade, are those of many others.
    pub fn chosen(
        set: &ScenarioSet,
        evaluated: &[Evaluated],
        terms: &Terms,
    ) -> Result<Option<Self>, RiskError> {
        let Shows::Totals { grid, tolerance } = terms.shows else {
            return Ok(None);
        };
        let (most, at) = largest_move(evaluated);
        let ends = evaluated[0]
            .evar()
            .max(evaluated[evaluated.len() - 1].evar());
        let coarse = u128::from(ends / 10).max(2 * u128::from(most));
        let least = round_up(coarse.max(LEAST_GRID.into()));
        let given = |what, amount: Option<Decimal>| {
            let ticks = amount.map(|amount| whole_ticks(what, &amount));
            ticks.transpose().map_err(RiskError::Claim)
        };
        let grid = given("a grid", grid)?.unwrap_or(u64::try_from(least).unwrap_or(u64::MAX));
        let quote = &set.quote;
        if grid <= most || grid < LEAST_GRID {
            return Err(RiskError::Claim(format!(
                "a grid of {} {quote} does not hide {}, which moves EVaR by {} {quote}; give one of {} {quote} or more",
                ticks(grid.into()),
                place(at),
                ticks(most.into()),
                ticks(least as i128),
            )));
        }
        let slack = slack_units(set.values.len(), terms.confidence).map_err(claim)?;
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
        if evaluated.iter().any(|e| rounding.room(e).is_none()) {
            return Err(RiskError::Claim(format!(
                "a tolerance of {} {quote} is too small to prove; give a larger one",
                ticks(rounding.tolerance.into())
            )));
        }
        if most.saturating_add(rounding.tolerance) >= grid {
            return Err(RiskError::Claim(format!(
                "a grid of {} {quote} does not hide {}, which moves EVaR by {} {quote}, to within a tolerance of {} {quote}; give a \
                 grid of {} {quote} or more, or a smaller tolerance",
                ticks(grid.into()),
                place(at),
                ticks(most.into()),
                ticks(rounding.tolerance.into()),
                ticks(least.max(round_up(
                    2 * (u128::from(most) + u128::from(rounding.tolerance))
                )) as i128),
            )));
        }
        Ok(Some(rounding))
    }

    /// How far a state's EVaR can be lifted, in ticks, rounded down: what is left of the tolerance by the certificate's gap and
    /// slack. `None` if it cannot even be left where it is.
    fn room(&self, e: &Evaluated) -> Option<u64> {
        let hidden = Hidden {
            tolerance: self.tolerance,
            slack: self.slack,
            grid: self.grid,
            first: 0,
            premia: None,
        };
        // The slack is that of the highest EVaR that may be drawn.
        let allowed = hidden.allowed(e.evar().checked_add(self.tolerance)?)?;
        u64::try_from(allowed >> SLACK_BITS)
            .ok()?
            .checked_sub(e.gap())
    }

    /// What is said of lifted states, but for receipts. EVaR is rounded up, premia are rounded down.
    pub fn totals(
        &self,
        set: &ScenarioSet,
        evaluated: &[Evaluated],
        terms: &Terms,
        changes: Vec<PublicChange>,
    ) -> Shown {
        let grid = self.grid;
        let rounded =
            |e: &Evaluated| ticks((u128::from(e.evar().div_ceil(grid)) * u128::from(grid)) as i128);
        let pairs = evaluated.windows(2);
        let premia: u128 = pairs
            .map(|pair| u128::from(charge(pair[0].evar(), pair[1].evar())))
            .sum();
        let premia = premia / u128::from(grid) * u128::from(grid);
        Shown::Totals {
            evar_before: rounded(&evaluated[0]),
            evar_after: rounded(&evaluated[evaluated.len() - 1]),
            premia: ticks(premia as i128),
            grid: ticks(grid.into()),
            tolerance: ticks(self.tolerance.into()),
            receipts: vec![PublicDigest::from(Digest::default()); changes.len()],
            changes,
            funding: terms.funding.then(|| funding_rates(set, evaluated, true)),
        }
    }
}

fn too_fine(grid: u64) -> RiskError {
    RiskError::Claim(format!(
        "a grid of {} is too fine to prove; give a coarser one",
        ticks(grid.into())
    ))
}

/// The largest move of EVaR by one change, and where.
fn largest_move(evaluated: &[Evaluated]) -> (u64, usize) {
    let moves = evaluated.windows(2).enumerate();
    let moves = moves.map(|(i, pair)| (pair[0].evar().abs_diff(pair[1].evar()), i + 1));
    moves.max().unwrap_or((0, 0))
}

/// Draws how far each private EVaR lies above the true one. A draw follows from the secret and all that EVaR depends on, so
/// proving again gives the same, a change that leaves the state as it was pays nothing, and who comes back to a state learns
/// nothing new of it. Where scenarios, confidence, tolerance or the first state are others, so are all draws: two claims with the
/// same draws would tell their difference exactly.
pub(super) struct Lifts<'a> {
    secret: &'a Secret,
    about: Vec<stark::F>,
    rounding: Rounding,
}

impl<'a> Lifts<'a> {
    pub fn new(
        before: &PublicDigest,
        secret: &'a Secret,
        scenarios: &str,
        confidence: Confidence,
        rounding: &Rounding,
    ) -> Self {
        let terms = (scenarios, confidence, rounding.grid, rounding.tolerance);
        let text = serde_json::to_string(&terms).expect("plain data");
        let mut about = before.elements().to_vec();
        about.extend(text_digest(Domain::Lift, &text));
        Self {
            secret,
            about,
            rounding: *rounding,
        }
    }

    /// How far the EVaR of a state that has not collected anything yet is lifted: uniform from zero to the room that it has,
    /// rounded down to a tick.
    pub fn of(&self, e: &Evaluated) -> u64 {
        let room = self.rounding.room(e).expect("checked when it was chosen");
        let mut about = self.about.clone();
        about.extend(state_elements(&e.state));
        let drawn = self.secret.salt_for(&hash(Domain::Lift, &about));
        // Two elements are a number below p^2, about 2^62: all ticks of the room are as likely, to within 2^-62 of it.
        let [high, low] = [drawn[0], drawn[1]].map(|x| u128::from(x.as_canonical_u32()));
        let p = u128::from(P);
        ((high * p + low) * (u128::from(room) + 1) / (p * p)) as u64
    }
}
