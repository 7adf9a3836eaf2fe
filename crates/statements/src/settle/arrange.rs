//! Which part opens which account and which receipt.

use std::collections::BTreeMap;

use gadgets::hash::{DIGEST, Digest};
use rayon::prelude::*;
use stark::PrimeField32;

use super::plan::{Plan, When};
use crate::orders::{Opening, Outcome, Status};
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
    #[error("{orders} orders of one account could trade; a part has {slots} receipts")]
    TooMany {
        /// Orders of an account that count.
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

impl Entry {
    /// Whether something follows for the order's account: it took part, or would if enough were free or it had room.
    pub(super) fn counts(&self) -> bool {
        use Status::{Margin, Room, TookPart};
        matches!(self.outcome.status, TookPart | Margin | Room)
    }
}

/// One part's accounts and receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartOf {
    /// Numbers of leaves, rising.
    pub touched: Vec<usize>,
    /// Places in the list of entries, in the order of accounts.
    pub entries: Vec<usize>,
}

impl PartOf {
    /// The accounts of a group that are not touched yet; groups come in the order of keys.
    fn new_of<'a>(&self, group: &'a Self) -> impl Iterator<Item = usize> + use<'a> {
        let last = self.touched.last().copied();
        let touched = group.touched.iter().copied();
        touched.filter(move |index| last.is_none_or(|last| *index > last))
    }
}

/// Accounts and receipts, part by part. All orders of an account that count are in one part, and the keys of such accounts rise from
/// part to part. An account may be opened in several parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrangement {
    pub(super) plan: Plan,
    pub(super) parts: Vec<PartOf>,
    /// In which part an account's orders count, by the number of its leaf.
    counted: BTreeMap<usize, usize>,
}

impl Arrangement {
    /// Of these entries in a book of accounts with these keys.
    pub(super) fn new(plan: Plan, entries: &[Entry], keys: &[u64]) -> Result<Self, NotArranged> {
        let mut parts = vec![PartOf::default()];
        let mut counted = BTreeMap::new();
        for group in groups(entries, keys) {
            if group.entries.len() > plan.receipts() {
                return Err(NotArranged::TooMany {
                    orders: group.entries.len(),
                    slots: plan.receipts(),
                });
            }
            let last = &parts[parts.len() - 1];
            if last.entries.len() + group.entries.len() > plan.receipts()
                || last.touched.len() + last.new_of(&group).count() > plan.touched()
            {
                parts.push(PartOf::default());
            }
            let last = parts.len() - 1;
            if entries[group.entries[0]].counts() {
                counted.insert(group.touched[0], last);
            }
            let new: Vec<usize> = parts[last].new_of(&group).collect();
            parts[last].touched.extend(new);
            parts[last].entries.extend(group.entries);
        }
        // A size class, so that the number of parts says little of how many accounts sent orders.
        parts.resize(parts.len().next_power_of_two(), PartOf::default());
        Ok(Self {
            plan,
            parts,
            counted,
        })
    }

    /// Whether an account's orders count in a part.
    pub(super) fn counts_in(&self, part: usize, index: usize) -> bool {
        self.counted.get(&index) == Some(&part)
    }

    /// Whether an account is as after the batch, before a part or after it.
    pub(super) fn is_settled(&self, part: usize, index: usize, when: When) -> bool {
        let counted = self.counted.get(&index);
        counted.is_some_and(|own| *own < part || (*own == part && when == When::After))
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

/// What must be in one part, in the order of keys: the orders of an account that count; each other order alone, with its account or,
/// if nobody has its key, with its neighbours in the book.
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
        let mut push = |entries: Vec<usize>| {
            groups.push(PartOf {
                touched: touched.clone().collect(),
                entries,
            });
        };
        let (counted, others): (Vec<usize>, Vec<usize>) =
            places.into_iter().partition(|i| entries[*i].counts());
        if !counted.is_empty() {
            push(counted);
        }
        others.into_iter().for_each(|other| push(vec![other]));
    }
    groups
}
