//! What a claim says of a day.

use fixed::DomainError;
use gadgets::hash::Digest;
use venue::premia::{Day, Evaluated, Shows, Terms, rate_step};
use venue::rounding::Rounding;
use venue::scenarios::ScenarioSet;
use venue::state::ticks;

use super::claim::{PricedChange, PublicChange, Shown, public};
use crate::account::PublicDigest;

/// What a claim says of a day whose private EVaRs are drawn, but for receipts.
pub(super) fn said(set: &ScenarioSet, day: &Day, terms: &Terms) -> Result<Shown, DomainError> {
    let changed = || {
        let states = day.states.iter();
        states.filter_map(|e| e.change.as_ref().map(|change| (e, change)))
    };
    let public_changes = || changed().map(|(_, change)| public(change, false)).collect();
    Ok(match (terms.shows, &day.rounding) {
        (Shows::Totals { .. }, Some(rounding)) => {
            totals(rounding, set, day, terms, public_changes())
        }
        (Shows::Fact(fact), _) => Shown::Fact {
            fact,
            changes: public_changes(),
        },
        (shows, _) => {
            let lots = shows == Shows::Prices { lots: true };
            let priced = changed().map(|(e, change)| PricedChange {
                change: public(change, lots),
                evar: e.evar().to_quote(),
                premium: e.premium.to_quote(),
            });
            Shown::Prices {
                evar: day.states[0].evar().to_quote(),
                tolerance: day.tolerance(set, terms.confidence)?.to_quote(),
                changes: priced.collect(),
                funding: terms.funding.then(|| day.last().funding(set, |_| 1)),
            }
        }
    })
}

/// EVaR is rounded up, premia are rounded down.
fn totals(
    rounding: &Rounding,
    set: &ScenarioSet,
    day: &Day,
    terms: &Terms,
    changes: Vec<PublicChange>,
) -> Shown {
    let grid = u128::from(rounding.grid);
    let rounded = |e: &Evaluated| ticks((u128::from(e.evar().0).div_ceil(grid) * grid) as i128);
    let premia: u128 = day.states.iter().map(|e| u128::from(e.premium.0)).sum();
    Shown::Totals {
        evar_before: rounded(&day.states[0]),
        evar_after: rounded(day.last()),
        premia: ticks((premia / grid * grid) as i128),
        grid: ticks(grid as i128),
        tolerance: ticks(rounding.tolerance.into()),
        receipts: vec![PublicDigest::from(Digest::default()); changes.len()],
        changes,
        funding: terms
            .funding
            .then(|| day.last().funding(set, |market| rate_step(set, market))),
    }
}
