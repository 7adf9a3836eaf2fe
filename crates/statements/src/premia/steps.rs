//! The states that a claim speaks of, as its tables need them.

use fixed::Decimal;
use gadgets::hash::Digest;
use records::units::{Lots, Ticks};
use venue::certificate::{MAX_GAIN, slack};
use venue::evar::Confidence;
use venue::premia::{RATE_DECIMALS, rate_step, slack_ticks, whole_ticks};
use venue::rounding::slack_units;
use venue::scenarios::{MAX_VALUE, ScenarioSet};
use venue::state::{charge, quantity_fits};

use super::claim::{PublicChange, Shown};
use super::statement::MAX_CHANGES;
use super::tables::funding::FundingTable;
use super::tables::states::{Outcome, StateStep};

/// What is public of a day whose EVaR and premia are private, in ticks.
#[derive(Clone, Debug)]
pub struct HiddenDay {
    /// How far below the private EVaR of a state the true one may lie.
    pub tolerance: u64,
    /// The certificates' slack in 2^-40, rounded up.
    pub slack: u64,
    /// What is stated is a multiple of this.
    pub grid: u64,
    /// The premia's total, rounded down.
    pub premia: u64,
    /// The digests of the receipts.
    pub receipts: Vec<Digest>,
}

/// The evaluated states: the one before the first change, and the one after each.
pub(super) fn steps(
    set: &ScenarioSet,
    confidence: Confidence,
    shown: &Shown,
) -> Result<Vec<StateStep>, String> {
    if shown.changes() > MAX_CHANGES {
        let count = shown.changes();
        return Err(format!("{count} changes; at most {MAX_CHANGES} fit"));
    }
    match shown {
        Shown::Fact { changes, .. } => {
            let mut steps = vec![StateStep::initial(Outcome::Fact)];
            for change in changes {
                steps.push(step(set, change, Outcome::Fact)?);
            }
            Ok(steps)
        }
        Shown::Totals {
            evar_before,
            evar_after,
            changes,
            ..
        } => {
            let ends = [evar_ticks(evar_before)?, evar_ticks(evar_after)?];
            if changes.is_empty() && ends[0] != ends[1] {
                return Err("nothing changes, but EVaR does".into());
            }
            let outcome = |i: usize| Outcome::Hidden {
                stated: match i {
                    0 => Some(ends[0].0),
                    i if i == changes.len() => Some(ends[1].0),
                    _ => None,
                },
            };
            let mut steps = vec![StateStep::initial(outcome(0))];
            for (i, change) in changes.iter().enumerate() {
                steps.push(step(set, change, outcome(i + 1))?);
            }
            Ok(steps)
        }
        Shown::Prices { .. } => priced_steps(set, confidence, shown),
    }
}

/// The steps where every EVaR and every premium is public.
fn priced_steps(
    set: &ScenarioSet,
    confidence: Confidence,
    shown: &Shown,
) -> Result<Vec<StateStep>, String> {
    let Shown::Prices {
        evar,
        tolerance,
        changes,
        funding: _,
    } = shown
    else {
        return Ok(Vec::new());
    };
    let tolerance = whole_ticks("the tolerance", tolerance)?;
    let slack =
        slack(set.values.len(), set.is_weighted(), confidence).map_err(|e| e.to_string())?;
    let outcome = |evar: Ticks<u64>| {
        // (1 - slack) (t - epsilon) >= t - epsilon - slack t, and t is less than a tick below.
        let below = slack_ticks(&slack, evar).map_err(|e| e.to_string())?;
        let epsilon = i128::from(tolerance.0) - below.0 - 1;
        match u64::try_from(epsilon) {
            Ok(epsilon) if epsilon > 0 => Ok(Outcome::Evar {
                evar: evar.0,
                epsilon,
            }),
            _ => Err(format!(
                "a tolerance of {tolerance} ticks is too small to prove"
            )),
        }
    };
    let mut last = evar_ticks(evar)?;
    let mut steps = vec![StateStep::initial(outcome(last)?)];
    for priced in changes {
        let after = evar_ticks(&priced.evar)?;
        let premium = whole_ticks("a premium", &priced.premium)?;
        let due = match priced.change {
            PublicChange::Roll { .. } => Ticks(0),
            _ => charge(last, after),
        };
        if premium != due {
            return Err("a premium is not what EVaR rose by".into());
        }
        last = after;
        let mut step = step(set, &priced.change, outcome(after)?)?;
        // Both are below 2^60; together they may not be, and then no state has them.
        step.changes[2] += premium.0 as i64;
        if step.changes[2].unsigned_abs() >= records::units::MAX_AMOUNT {
            return Err("a transfer and its premium are too large".into());
        }
        steps.push(step);
    }
    Ok(steps)
}

fn evar_ticks(evar: &Decimal) -> Result<Ticks<u64>, String> {
    let ticks = whole_ticks("an EVaR", evar)?;
    if ticks.0 < MAX_GAIN {
        Ok(ticks)
    } else {
        Err("an EVaR is too large".into())
    }
}

/// A change without its premium.
fn step(set: &ScenarioSet, change: &PublicChange, outcome: Outcome) -> Result<StateStep, String> {
    match change {
        PublicChange::Trade {
            market,
            price,
            lots,
        } => {
            if !lots.is_none_or(quantity_fits) {
                return Err(String::from("a trade is too large"));
            }
            let number = usize::try_from(*market).ok();
            let number = number.filter(|&m| m < set.markets.len());
            let price = whole_ticks("a price", price)?;
            if price.0 >= MAX_VALUE {
                return Err("a price is 2^40 ticks or more".into());
            }
            Ok(StateStep {
                market: Some(number.ok_or_else(|| format!("there is no market number {market}"))?),
                price: price.0,
                lots: lots.map(|Lots(lots)| lots),
                changes: [0; 3],
                rolls: false,
                outcome,
            })
        }
        PublicChange::Transfer {
            capital,
            providers,
            collected,
        } => {
            let mut step = StateStep::initial(outcome);
            for (change, amount) in step.changes.iter_mut().zip([capital, providers, collected]) {
                let magnitude = whole_ticks("a transfer", &amount.abs())?.0 as i64;
                *change = if amount.is_negative() {
                    -magnitude
                } else {
                    magnitude
                };
            }
            Ok(step)
        }
        // When it rolls, the claim's dates say.
        PublicChange::Roll { .. } => Ok(StateStep {
            rolls: true,
            ..StateStep::initial(outcome)
        }),
    }
}

/// What is public of a day whose EVaR and premia are private.
pub(super) fn hidden(
    set: &ScenarioSet,
    confidence: Confidence,
    shown: &Shown,
) -> Result<Option<HiddenDay>, String> {
    let Shown::Totals {
        evar_before,
        evar_after,
        premia,
        grid,
        tolerance,
        changes,
        receipts,
        funding: _,
    } = shown
    else {
        return Ok(None);
    };
    let grid = whole_ticks("the grid", grid)?;
    let tolerance = whole_ticks("the tolerance", tolerance)?;
    if tolerance == Ticks(0) || tolerance >= grid {
        return Err("the tolerance must be above 0 and below the grid".into());
    }
    for (what, amount) in [
        ("EVaR before", evar_before),
        ("EVaR after", evar_after),
        ("the premia's total", premia),
    ] {
        if !whole_ticks(what, amount)?.0.is_multiple_of(grid.0) {
            return Err(format!("{what} is not a multiple of the grid"));
        }
    }
    if receipts.len() != changes.len() {
        return Err("there must be one receipt a change".into());
    }
    let shows = |c: &PublicChange| matches!(c, PublicChange::Trade { lots: Some(_), .. });
    if changes.iter().any(shows) {
        return Err("a trade's size is shown, where only totals are".into());
    }
    // What a change pays is what the private EVaR rises by, and nobody is there to pay for a roll.
    if changes
        .iter()
        .any(|c| matches!(c, PublicChange::Roll { .. }))
    {
        return Err("a window rolls, where only totals are shown".into());
    }
    let slack = slack_units(set.values.len(), set.is_weighted(), confidence);
    Ok(Some(HiddenDay {
        tolerance: tolerance.0,
        slack: slack.map_err(|e| e.to_string())?,
        grid: grid.0,
        premia: whole_ticks("the premia's total", premia)?.0,
        receipts: receipts.iter().map(|r| r.elements()).collect(),
    }))
}

/// The table of the stated funding rates.
pub(super) fn funding(set: &ScenarioSet, shown: &Shown) -> Result<Option<FundingTable>, String> {
    let Some(rates) = shown.funding() else {
        return Ok(None);
    };
    if rates.len() != set.markets.len() {
        return Err("there must be one funding rate a market".into());
    }
    let rounded = matches!(shown, Shown::Totals { .. });
    let steps = (0..rates.len()).map(|market| {
        let step = if rounded { rate_step(set, market) } else { 1 };
        u64::try_from(step)
            .ok()
            .filter(|&s| s < records::units::MAX_AMOUNT)
            .ok_or("a funding rate is rounded to too large a step")
    });
    let steps = steps.collect::<Result<Vec<u64>, _>>()?;
    let rates = rates.iter().zip(&steps).map(|(rate, &step)| {
        let units = rate
            .rescale_exact(RATE_DECIMALS)
            .ok()
            .and_then(|r| i64::try_from(r).ok())
            .filter(|r| r.unsigned_abs() < records::units::MAX_AMOUNT)
            .ok_or_else(|| {
                format!("a funding rate of {rate} has more than 12 decimals or is too large")
            })?;
        if units.unsigned_abs().is_multiple_of(step) {
            Ok(units)
        } else {
            Err(format!(
                "a funding rate of {rate} is not rounded to its step"
            ))
        }
    });
    Ok(Some(FundingTable {
        values: set.markets.iter().map(|m| m.value).collect(),
        rates: rates.collect::<Result<_, String>>()?,
        steps,
        horizon: set.horizon_micro_days(),
    }))
}
