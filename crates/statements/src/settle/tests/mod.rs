//! Tests of the settlement statement: what is true is accepted, what is false is not.

mod alone;
mod forged;
mod needed;
mod positive;

use std::sync::Arc;

use stark::violated;

use super::example::Sample;
use super::fill::{Rows, chain};
use super::statement::PartTables;
use super::*;
use crate::account::Secret;
use crate::book::SealedBook;
use crate::kit::Refusal;
use crate::orders::Batch;
use crate::testing;

fn secret() -> Secret {
    testing::secret_of('7')
}

/// Position slots of an account.
const SLOTS: usize = 8;

/// A batch of orders, and the book before it.
struct Settled {
    sample: Sample,
    before: Arc<SealedBook>,
}

impl Settled {
    fn new(seed: u64, accounts: usize, senders: usize, orders: usize) -> Self {
        let sample = Sample::new(seed, accounts, senders, orders, SLOTS, 1);
        Self::of(sample)
    }

    fn of(sample: Sample) -> Self {
        let before = sample.seal(&secret()).expect("it fits");
        Self { sample, before }
    }

    fn prepare(&self) -> Result<Prepared, Refusal> {
        let Sample {
            snapshot,
            batch,
            entries,
            secrets,
            ..
        } = &self.sample;
        let (entries, secrets) = (entries.clone(), secrets.clone());
        Prepared::new(&self.before, snapshot, batch, entries, secrets, &secret())
    }
}

/// Twenty accounts of thirty, one part.
fn small() -> Prepared {
    Settled::new(1, 30, 20, 120).prepare().expect("it is true")
}

impl Prepared {
    fn tables_of(&self, part: usize) -> PartTables {
        PartTables::new(self.claim(), self.context(), part)
    }

    fn rows(&self, part: usize) -> Rows {
        Rows::new(self.claim(), self.context(), &self.witness, part)
    }
}

/// What is wrong with a part's rows after a change, after which rows take from those above what they should.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = prepared.tables_of(0);
    let mut rows = prepared.rows(0);
    change(&mut rows);
    chain(&mut rows.trades, SLOTS);
    violated(&tables.airs(), &rows.fill(&tables))
}

/// The batch of these entries, whose receipts are put where the book's parts have them.
fn batch_of(
    before: &SealedBook,
    snapshot: &market::Snapshot,
    like: &Batch,
    entries: &mut [Entry],
) -> Batch {
    let members = before.members.iter();
    let keys: Vec<u64> = members.map(|m| m.leaf.identity.key()).collect();
    let arranged = arrangement((&keys, before.slots), snapshot, like, entries);
    let arranged = arranged.expect("it is small");
    let slots = arranged.slots(entries);
    for (entry, slot) in entries.iter_mut().zip(slots) {
        entry.slot = slot;
    }
    let roots = arranged.trees(entries).iter().map(|tree| tree[1]).collect();
    Batch {
        orders: entries.len() as u64,
        log_slots: arranged.log_slots() as u32,
        receipts: crate::trees::tree(roots)[1].into(),
        ..like.clone()
    }
}
