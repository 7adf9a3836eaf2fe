//! What an account book makes of the orders of a batch.

use std::collections::{BTreeMap, BTreeSet};

use market::auction::{Admission, Refusal as NotAdmitted, UNBOUNDED};
use market::settlement::{Refusal as NoFit, Sent, Settlement};
use market::{Account, Snapshot};
use records::units::Lots;

use super::fill::closing;
use super::statement::without_offsets;
use crate::account::Identity;
use crate::auction::Instrument;
use crate::kit::Refusal;
use crate::orders::Opening;

/// Which orders the accounts of a book, of so many position slots each, let in, and how much those that only reduce may trade.
/// `is_own` says whether an order has its account's secret for the batch. All orders of an account that could take part are let in
/// together or not at all.
///
/// # Errors
/// If the market can't be settled.
pub fn admissions(
    snapshot: &Snapshot,
    accounts: &[Account],
    slots: usize,
    instruments: &[Instrument],
    openings: &[Opening],
    is_own: impl Fn(&Opening) -> bool,
) -> Result<Vec<Admission>, Refusal> {
    let settlement = Settlement::new(&without_offsets(snapshot), slots);
    let settlement = settlement.map_err(Refusal::malformed)?;
    let accounts: BTreeMap<u64, &Account> = accounts
        .iter()
        .map(|a| (Identity::of(&a.id).key(), a))
        .collect();
    let terms: BTreeMap<usize, &Instrument> =
        instruments.iter().map(|i| (i.number as usize, i)).collect();
    // By account and instrument, the order that lives.
    let mut live: BTreeMap<u64, BTreeMap<usize, (u64, usize)>> = BTreeMap::new();
    let own: Vec<bool> = openings.iter().map(is_own).collect();
    for (place, o) in openings.iter().enumerate().filter(|(i, _)| own[*i]) {
        let of_account = live.entry(o.account).or_default();
        let best = of_account.entry(o.instrument).or_insert((o.nonce, place));
        *best = (*best).max((o.nonce, place));
    }
    let mut refusals: BTreeMap<u64, Option<NotAdmitted>> = BTreeMap::new();
    for (key, of_account) in &live {
        let Some(account) = accounts.get(key) else {
            continue;
        };
        let sent = of_account.iter().filter_map(|(instrument, (_, place))| {
            let terms = terms.get(instrument)?;
            let ladder = openings[*place].ladder.clone();
            // What is void for another reason plays no part.
            ladder.check(&terms.band).ok()?;
            Some(Sent {
                instrument: *instrument,
                ladder,
                reduce_only: openings[*place].reduce_only,
                band: terms.band,
                fees: terms.fees,
            })
        });
        let sent: Vec<Sent> = sent.collect();
        // An order that only reduces has a slot, too, so that its position can be looked up.
        let held = account.positions.iter().map(|p| p.instrument);
        let needs: BTreeSet<usize> = held.chain(sent.iter().map(|s| s.instrument)).collect();
        let refusal = match settlement.admit(account, &sent) {
            _ if needs.len() > slots => Some(NotAdmitted::Room),
            Ok(()) => None,
            Err(NoFit::Margin { .. }) => Some(NotAdmitted::Margin),
            Err(_) => Some(NotAdmitted::Room),
        };
        refusals.insert(*key, refusal);
    }
    let admission = |(i, o): (usize, &Opening)| {
        let account = accounts.get(&o.account);
        let refusal = match account {
            None => Some(NotAdmitted::NoAccount),
            Some(_) if !own[i] => Some(NotAdmitted::Secret),
            Some(_) => refusals.get(&o.account).copied().flatten(),
        };
        let position = account.and_then(|a| {
            let mut positions = a.positions.iter();
            positions.find(|p| p.instrument == o.instrument)
        });
        Admission {
            refusal,
            most: match o.reduce_only {
                true => closing(position).map(Lots),
                false => UNBOUNDED,
            },
        }
    };
    Ok(openings.iter().enumerate().map(admission).collect())
}
