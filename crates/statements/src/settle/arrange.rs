//! Which part opens which account and which receipt.

use std::collections::BTreeMap;

use gadgets::hash::Digest;

use super::plan::Plan;
use crate::orders::{Opening, Outcome};
use crate::trees::tree;

/// An order of the batch's list and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The order.
    pub opening: Opening,
    /// What its receipt says.
    pub outcome: Outcome,
}

/// Why receipts do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{orders} orders are of one account, or name none between neighbours; a part has {slots} receipts"
)]
pub struct NotArranged {
    /// Orders that can't be told apart in parts.
    pub orders: usize,
    /// Receipts of a part.
    pub slots: usize,
}

/// One part's accounts and receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartOf {
    /// Numbers of leaves, rising.
    pub touched: Vec<usize>,
    /// Places in the list of entries, in the order of receipt slots.
    pub entries: Vec<usize>,
}

/// Accounts and receipts, part by part. All orders of an account are in one part, and keys rise from part to part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrangement {
    plan: Plan,
    pub(super) parts: Vec<PartOf>,
}

impl Arrangement {
    /// Of these entries in a book of accounts with these keys.
    pub(super) fn new(plan: Plan, entries: &[Entry], keys: &[u64]) -> Result<Self, NotArranged> {
        let mut parts = vec![PartOf::default()];
        for group in groups(entries, keys) {
            if group.entries.len() > plan.receipts() || group.touched.len() > plan.touched() {
                return Err(NotArranged {
                    orders: group.entries.len(),
                    slots: plan.receipts(),
                });
            }
            let last = &parts[parts.len() - 1];
            if last.entries.len() + group.entries.len() > plan.receipts()
                || last.touched.len() + group.touched.len() > plan.touched()
            {
                parts.push(PartOf::default());
            }
            let last = parts.len() - 1;
            parts[last].touched.extend(group.touched);
            parts[last].entries.extend(group.entries);
        }
        // A size class, so that the number of parts says little of how many accounts sent orders.
        parts.resize(parts.len().next_power_of_two(), PartOf::default());
        Ok(Self { plan, parts })
    }

    /// The receipt slot of each entry, as they were given.
    pub fn slots(&self) -> Vec<usize> {
        let parts = self.parts.iter().enumerate();
        let placed = parts.flat_map(|(part, of)| {
            let slots = (part << self.plan.log_receipts)..;
            of.entries.iter().copied().zip(slots)
        });
        let placed: BTreeMap<usize, usize> = placed.collect();
        placed.into_values().collect()
    }

    /// The parts' trees of receipts.
    pub(super) fn trees(&self, entries: &[Entry]) -> Vec<Vec<Digest>> {
        let levels = self.plan.levels;
        let receipts = |part: &PartOf| {
            let receipt = |i: &usize| {
                let Entry { opening, outcome } = &entries[*i];
                outcome.receipt(&opening.digests(levels)[1])
            };
            let mut leaves: Vec<Digest> = part.entries.iter().map(receipt).collect();
            leaves.resize(self.plan.receipts(), Digest::default());
            tree(leaves)
        };
        self.parts.iter().map(receipts).collect()
    }
}

/// What must be in one part: all orders with a key, and, if nobody has it, its neighbours in the book, with all that share an account.
fn groups(entries: &[Entry], keys: &[u64]) -> Vec<PartOf> {
    let mut by_key: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (i, entry) in entries.iter().enumerate() {
        by_key.entry(entry.opening.account).or_default().push(i);
    }
    let mut groups: Vec<PartOf> = Vec::new();
    for (key, mut places) in by_key {
        places.sort_by_key(|i| {
            let Entry { opening, outcome } = &entries[*i];
            (opening.instrument, opening.nonce, outcome.place)
        });
        let touched = match keys.binary_search(&key) {
            Ok(leaf) => leaf..leaf + 1,
            Err(above) => above.saturating_sub(1)..(above + 1).min(keys.len()),
        };
        let last = groups.last_mut();
        match last.filter(|group| group.touched.last() >= Some(&touched.start)) {
            Some(group) => {
                let next = group.touched[group.touched.len() - 1] + 1;
                group.touched.extend(next.max(touched.start)..touched.end);
                group.entries.extend(places);
            }
            None => groups.push(PartOf {
                touched: touched.collect(),
                entries: places,
            }),
        }
    }
    groups
}
