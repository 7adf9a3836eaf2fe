//! Which part opens which account and which receipt.

use std::collections::BTreeMap;

use gadgets::hash::{DIGEST, Digest};
use rayon::prelude::*;
use stark::PrimeField32;

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
    /// The slot of its receipt in the batch's tree.
    pub slot: usize,
}

/// Why receipts do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotArranged {
    /// Too many orders in one part.
    #[error(
        "{orders} orders are of one account, or name none between neighbours; a part has {slots} receipts"
    )]
    TooMany {
        /// Orders that can't be told apart in parts.
        orders: usize,
        /// Receipts of a part.
        slots: usize,
    },
    /// A receipt in another part's slots.
    #[error(
        "the receipt of order {0} of the list is in a slot of another part than its account; clear the batch for this book"
    )]
    Slot(usize),
}

/// One part's accounts and receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartOf {
    /// Numbers of leaves, rising.
    pub touched: Vec<usize>,
    /// Places in the list of entries, in the order of accounts.
    pub entries: Vec<usize>,
}

/// Accounts and receipts, part by part. All orders of an account are in one part, and keys rise from part to part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrangement {
    pub(super) plan: Plan,
    pub(super) parts: Vec<PartOf>,
}

impl Arrangement {
    /// Of these entries in a book of accounts with these keys.
    pub(super) fn new(plan: Plan, entries: &[Entry], keys: &[u64]) -> Result<Self, NotArranged> {
        let mut parts = vec![PartOf::default()];
        for group in groups(entries, keys) {
            if group.entries.len() > plan.receipts() || group.touched.len() > plan.touched() {
                return Err(NotArranged::TooMany {
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

    /// The receipt slot of each entry, as they were given: by tags within each part, so that a slot tells a trader nothing about other
    /// orders but for the part.
    pub fn slots(&self, entries: &[Entry]) -> Vec<usize> {
        let mut slots = vec![0; entries.len()];
        for (part, of) in self.parts.iter().enumerate() {
            let tag = |i: &usize| {
                entries[*i]
                    .tag(self.plan.levels)
                    .map(|x| x.as_canonical_u32())
            };
            let mut tagged: Vec<([u32; DIGEST], usize)> =
                of.entries.iter().map(|i| (tag(i), *i)).collect();
            tagged.sort_unstable();
            for (rank, (_, i)) in tagged.into_iter().enumerate() {
                slots[i] = (part << self.plan.log_receipts) + rank;
            }
        }
        slots
    }

    /// log2 of the slots of all parts.
    pub fn log_slots(&self) -> usize {
        self.plan.log_receipts + self.parts.len().ilog2() as usize
    }

    /// Whether each receipt is in a slot of its part.
    pub(super) fn check(&self, entries: &[Entry]) -> Result<(), NotArranged> {
        for (part, of) in self.parts.iter().enumerate() {
            let is_other = |i: &&usize| entries[**i].slot >> self.plan.log_receipts != part;
            if let Some(other) = of.entries.iter().find(is_other) {
                return Err(NotArranged::Slot(entries[*other].outcome.place));
            }
        }
        Ok(())
    }

    /// The parts' trees of receipts.
    pub(super) fn trees(&self, entries: &[Entry]) -> Vec<Vec<Digest>> {
        let receipts = |part: &PartOf| {
            let mut leaves = vec![Digest::default(); self.plan.receipts()];
            for entry in part.entries.iter().map(|i| &entries[*i]) {
                let leaf = entry.outcome.receipt(&entry.tag(self.plan.levels));
                leaves[entry.slot % self.plan.receipts()] = leaf;
            }
            tree(leaves)
        };
        self.parts.par_iter().map(receipts).collect()
    }
}

impl Entry {
    fn tag(&self, levels: usize) -> Digest {
        let [_, tag] = self.opening.digests(levels);
        tag
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
            let Entry {
                opening, outcome, ..
            } = &entries[*i];
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
