//! The states of a day, evaluated, and what is said of them.

use fixed::Decimal;
use rayon::prelude::*;
use risk::certificate::{Certificate, Sums, slack};
use risk::evar::{Confidence, EvarError};
use risk::scenarios::ScenarioSet;
use risk::venue::{Change, VenueError, VenueState, charge, round_up, ticks};

use super::claim::{
    PricedChange, PublicChange, RATE_DECIMALS, Shown, public, rate_step, whole_ticks,
};
use super::steps::slack_units;
use super::tables::premia::Hidden;
use super::witness::{RiskError, Shows, Terms, Uncovered};
use crate::account::PublicDigest;

/// An evaluated state.
pub(super) struct Evaluated {
    pub state: VenueState,
    /// What leads to it.
    pub change: Option<Change>,
    pub liabilities: Vec<i64>,
    pub certificate: Certificate,
    pub sums: Sums,
}
/// The EVaR of a certificate, in whole ticks, rounded up.
fn evar_ticks(certificate: &Certificate) -> u64 {
    u64::try_from(certificate.bound.div_ceil(1 << 20)).unwrap_or(u64::MAX)
}

impl Evaluated {
    pub fn new(
        state: VenueState,
        change: Option<Change>,
        set: &ScenarioSet,
        confidence: Confidence,
    ) -> Result<Self, VenueError> {
        let liabilities = state.liabilities(set)?;
        let gains: Vec<u64> = liabilities.iter().map(|&x| x.max(0) as u64).collect();
        let certificate = Certificate::find(&gains, confidence)?;
        let sums = certificate
            .sums(&gains)
            .ok_or(VenueError::Evar(EvarError::Range))?;
        Ok(Self {
            state,
            change,
            liabilities,
            certificate,
            sums,
        })
    }

    pub fn evar(&self) -> u64 {
        evar_ticks(&self.certificate)
    }

    /// How far the weights' mean gain is below the bound, in ticks, rounded up.
    pub fn epsilon(&self) -> u64 {
        let most = self.certificate.bound * self.sums.weights;
        let below = most.saturating_sub(self.sums.gains << 20);
        below.div_ceil(self.sums.weights << 20) as u64
    }
}
/// The funding rates of the last state, by its certificate's weights, rounded down to their steps: `floor(10^12 (A - W v) / (2 h Y))` in 10^-12 of
/// the quote currency a lot and day (see [`FundingTable`](super::tables::funding::FundingTable)).
fn funding_rates(set: &ScenarioSet, evaluated: &[Evaluated], rounded: bool) -> Vec<Decimal> {
    let last = &evaluated[evaluated.len() - 1];
    let weights: Vec<u64> = last
        .liabilities
        .iter()
        .map(|&x| match last.certificate.weight(x.max(0) as u64) {
            Some(weight) if x > 0 => weight.weight,
            _ => 0,
        })
        .collect();
    let divisor = last.sums.weights as i128 * 2 * i128::from(set.horizon_micro_days());
    let rate = |i: usize| {
        // At most 2^14 times 2^47 times 2^40.
        let change: i128 = weights
            .iter()
            .zip(&set.values)
            .map(|(&w, v)| i128::from(w) * (i128::from(v[i]) - i128::from(set.markets[i].value)))
            .sum();
        let rate = fixed::mul_div(change, 1_000_000_000_000, divisor, fixed::Rounding::Floor);
        let rate = rate.expect("below 2^101");
        let step = if rounded {
            rate_step(set, i) as i128
        } else {
            1
        };
        Decimal::new(rate.div_euclid(step) * step, RATE_DECIMALS)
    };
    (0..set.markets.len()).map(rate).collect()
}

fn place(state: usize) -> String {
    if state == 0 {
        "before the first trade".into()
    } else {
        format!("after change {state}")
    }
}

/// What a claim says of evaluated states, but for receipts.
pub(super) fn said(
    set: &ScenarioSet,
    evaluated: &[Evaluated],
    terms: &Terms,
) -> Result<Shown, RiskError> {
    let changes = evaluated.iter().filter_map(|e| e.change.as_ref());
    match terms.shows {
        Shows::Prices { lots } => {
            let tolerance = tolerance(set, evaluated, terms.confidence)?;
            let priced = evaluated.windows(2).zip(changes);
            let priced = priced.map(|(pair, change)| PricedChange {
                change: public(change, lots),
                evar: ticks(pair[1].evar().into()),
                premium: ticks(charge(pair[0].evar(), pair[1].evar()).into()),
            });
            Ok(Shown::Prices {
                evar: ticks(evaluated[0].evar().into()),
                tolerance: ticks(tolerance.into()),
                changes: priced.collect(),
                funding: terms.funding.then(|| funding_rates(set, evaluated, false)),
            })
        }
        Shows::Totals { grid } => {
            let changes = changes.map(|change| public(change, false)).collect();
            totals(set, evaluated, terms, grid, changes)
        }
        Shows::Covered => {
            for (i, e) in evaluated.iter().enumerate() {
                check_covered(set, i, e)?;
            }
            let changes = changes.map(|change| public(change, false));
            Ok(Shown::Covered {
                changes: changes.collect(),
            })
        }
    }
}

fn check_covered(set: &ScenarioSet, i: usize, e: &Evaluated) -> Result<(), RiskError> {
    let means = i128::from(e.state.capital) + i128::from(e.state.collected);
    let evar = i128::from(e.evar());
    if evar <= means {
        return Ok(());
    }
    Err(RiskError::Uncovered(Box::new(Uncovered {
        place: place(i),
        evar: ticks(evar),
        means: ticks(means),
        excess: ticks(evar - means),
        quote: set.quote.clone(),
    })))
}

/// The largest move of EVaR by one change, and where.
fn largest_move(evaluated: &[Evaluated]) -> (u64, usize) {
    let moves = evaluated.windows(2).enumerate();
    let moves = moves.map(|(i, pair)| (pair[0].evar().abs_diff(pair[1].evar()), i + 1));
    moves.max().unwrap_or((0, 0))
}

/// What is said on a grid. No change alone moves EVaR by as much as the grid: then the rounded ends and the rounded total
/// of a day, even of a single trade, are those of many others.
fn totals(
    set: &ScenarioSet,
    evaluated: &[Evaluated],
    terms: &Terms,
    grid: Option<Decimal>,
    changes: Vec<PublicChange>,
) -> Result<Shown, RiskError> {
    let ends = [evaluated[0].evar(), evaluated[evaluated.len() - 1].evar()];
    let (most, at) = largest_move(evaluated);
    let coarse = u128::from(ends[0].max(ends[1]) / 10).max(2 * u128::from(most));
    let least = round_up(coarse.max(LEAST_GRID.into()));
    let grid = match grid {
        None => u64::try_from(least).unwrap_or(u64::MAX),
        Some(grid) => whole_ticks("a grid", &grid).map_err(RiskError::Claim)?,
    };
    if grid <= most || grid < LEAST_GRID {
        return Err(RiskError::Claim(format!(
            "a grid of {} {quote} does not hide {}, which moves EVaR by {} {quote}; give one of {} {quote} or more",
            ticks(grid.into()),
            place(at),
            ticks(most.into()),
            ticks(least as i128),
            quote = set.quote
        )));
    }
    let rounded =
        |amount: u64| ticks((u128::from(amount.div_ceil(grid)) * u128::from(grid)) as i128);
    let pairs = evaluated.windows(2);
    let premia: u128 = pairs
        .map(|pair| u128::from(charge(pair[0].evar(), pair[1].evar())))
        .sum();
    let premia = premia / u128::from(grid) * u128::from(grid);
    Ok(Shown::Totals {
        evar_before: rounded(ends[0]),
        evar_after: rounded(ends[1]),
        premia: ticks(premia as i128),
        grid: ticks(grid.into()),
        tolerance: ticks(hidden_tolerance(set, evaluated, terms.confidence, grid)?.into()),
        receipts: vec![PublicDigest::from(gadgets::hash::Digest::default()); changes.len()],
        changes,
        funding: terms.funding.then(|| funding_rates(set, evaluated, true)),
    })
}

/// The least grid, in ticks.
const LEAST_GRID: u64 = 100_000;

/// What every state's interval fits in: a thousandth of the grid, doubled until it does, so that it says no more than that.
fn hidden_tolerance(
    set: &ScenarioSet,
    evaluated: &[Evaluated],
    confidence: Confidence,
    grid: u64,
) -> Result<u64, RiskError> {
    let slack = slack_units(set.values.len(), confidence).map_err(claim)?;
    let mut tolerance = grid / 1000;
    while tolerance < grid {
        let hidden = Hidden {
            tolerance,
            slack,
            grid,
            first: 0,
            premia: None,
        };
        let fits = |e: &Evaluated| {
            let allowed = hidden.allowed(e.evar());
            allowed.is_some_and(|a| a >> super::tables::premia::SLACK_BITS >= e.epsilon().into())
        };
        if evaluated.iter().all(fits) {
            return Ok(tolerance);
        }
        tolerance *= 2;
    }
    Err(RiskError::Claim(format!(
        "a grid of {} is too fine to prove; give a coarser one",
        ticks(grid.into())
    )))
}

fn claim(e: fixed::DomainError) -> RiskError {
    RiskError::Claim(e.to_string())
}

/// The states before the first change and after each. Premia are collected where they are stated, so a state
/// depends on the EVaR of the one before and of its own.
pub(super) fn evaluate(
    set: &ScenarioSet,
    state: &VenueState,
    changes: &[Change],
    terms: &Terms,
) -> Result<Vec<Evaluated>, RiskError> {
    // EVaR does not depend on what was collected: all states can be evaluated at once, without it.
    let at = |i: usize| {
        move |error| RiskError::State {
            place: place(i),
            error,
        }
    };
    let mut states = vec![(state.clone(), None)];
    for (i, change) in changes.iter().enumerate() {
        let after = states[i].0.changed(&change.without_collected(), 0);
        states.push((after.map_err(at(i + 1))?, Some(*change)));
    }
    let mut evaluated = states
        .into_par_iter()
        .enumerate()
        .map(|(i, (state, change))| {
            Evaluated::new(state, change, set, terms.confidence).map_err(at(i))
        })
        .collect::<Result<Vec<_>, _>>()?;
    for (i, change) in changes.iter().enumerate() {
        let premium = match terms.shows {
            Shows::Covered => 0,
            _ => charge(evaluated[i].evar(), evaluated[i + 1].evar()),
        };
        let after = evaluated[i]
            .state
            .changed(change, premium)
            .map_err(at(i + 1))?;
        evaluated[i + 1].state = after;
    }
    Ok(evaluated)
}

/// What every state's interval fits in: a millionth of the largest EVaR, or what it takes.
fn tolerance(
    set: &ScenarioSet,
    evaluated: &[Evaluated],
    confidence: Confidence,
) -> Result<u64, RiskError> {
    let slack = slack(set.values.len(), confidence).map_err(claim)?;
    let most = evaluated.iter().map(Evaluated::evar).max().unwrap_or(0);
    let mut tolerance = most / 1_000_000;
    for e in evaluated {
        let below = slack.times(e.evar() as i64).and_then(|x| x.ceil_at(0));
        let below = below.map_err(claim)?;
        tolerance = tolerance.max(below as u64 + e.epsilon() + 2);
    }
    Ok(tolerance)
}
