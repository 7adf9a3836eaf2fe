//! The states of a day, evaluated, and what is said of them.

use fixed::Decimal;
use rayon::prelude::*;
use venue::certificate::{Certificate, Sums, slack};
use venue::evar::{Confidence, EvarError};
use venue::scenarios::ScenarioSet;
use venue::state::{Change, VenueError, VenueState, charge, ticks};

use super::claim::{PricedChange, RATE_DECIMALS, Shown, public, rate_step};
use super::totals::Rounding;
use super::witness::{RiskError, Shows, Terms, Uncovered};

/// An evaluated state.
pub(super) struct Evaluated {
    pub state: VenueState,
    /// What leads to it.
    pub change: Option<Change>,
    pub liabilities: Vec<i64>,
    pub certificate: Certificate,
    pub sums: Sums,
    /// How far above EVaR the private one is drawn, in ticks; zero where EVaR is public.
    pub lift: u64,
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
            lift: 0,
        })
    }

    /// What is said of its EVaR, in public or in private: the certificate's, rounded up to a tick, and the lift.
    pub fn evar(&self) -> u64 {
        evar_ticks(&self.certificate).saturating_add(self.lift)
    }

    /// How far the weights' mean gain is below the bound, in ticks, rounded up.
    pub fn epsilon(&self) -> u64 {
        self.below(self.certificate.bound)
    }

    /// How far it is below the EVaR that is not lifted, in ticks, rounded up.
    pub fn gap(&self) -> u64 {
        self.below(u128::from(evar_ticks(&self.certificate)) << 20)
    }

    fn below(&self, phi: u128) -> u64 {
        let below = (phi * self.sums.weights).saturating_sub(self.sums.gains << 20);
        below.div_ceil(self.sums.weights << 20) as u64
    }
}

/// The funding rates of the last state, by its certificate's weights, rounded down to their steps: `floor(10^12 (A - W v) / (2 h Y))` in 10^-12 of
/// the quote currency a lot and day (see [`FundingTable`](super::tables::funding::FundingTable)).
pub(super) fn funding_rates(
    set: &ScenarioSet,
    evaluated: &[Evaluated],
    rounded: bool,
) -> Vec<Decimal> {
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

pub(super) fn place(state: usize) -> String {
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
    rounding: Option<&Rounding>,
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
        Shows::Totals { .. } => {
            let rounding = rounding.expect("chosen for totals");
            let changes = changes.map(|change| public(change, false)).collect();
            Ok(rounding.totals(set, evaluated, terms, changes))
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

pub(super) fn claim(e: fixed::DomainError) -> RiskError {
    RiskError::Claim(e.to_string())
}

/// The states before the first change and after each, but for what changes collect: EVaR does not depend on that, so all can
/// be evaluated at once.
pub(super) fn evaluate(
    set: &ScenarioSet,
    state: &VenueState,
    changes: &[Change],
    terms: &Terms,
) -> Result<Vec<Evaluated>, RiskError> {
    let mut states = vec![(state.clone(), None)];
    for (i, change) in changes.iter().enumerate() {
        let after = states[i].0.changed(&change.without_collected(), 0);
        states.push((after.map_err(at(i + 1))?, Some(*change)));
    }
    states
        .into_par_iter()
        .enumerate()
        .map(|(i, (state, change))| {
            Evaluated::new(state, change, set, terms.confidence).map_err(at(i))
        })
        .collect()
}

fn at(i: usize) -> impl Fn(VenueError) -> RiskError {
    move |error| RiskError::State {
        place: place(i),
        error,
    }
}

/// Adds up what changes collect. Premia are collected but for [`Shows::Covered`], so a state depends on the EVaR of the one
/// before and of its own.
pub(super) fn collect(
    evaluated: &mut [Evaluated],
    changes: &[Change],
    terms: &Terms,
) -> Result<(), RiskError> {
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
    Ok(())
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
