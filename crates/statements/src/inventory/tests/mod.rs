//! Tests of the inventory statement: what is true is accepted, what is false is not.

mod forged;
mod needed;
mod positive;

use std::collections::BTreeSet;
use std::sync::Arc;

use market::{Book, Side, Snapshot};
use stark::{
    Rejection, Statement, broken_alone, cell_test, security_report, verify, violated, violations,
};
use venue::scenarios::ScenarioSet;
use venue::state::VenueState;

use super::statement::PartTables;
use super::tables::count_positions;
use super::witness::Rows;
use super::*;
use crate::account::{Layout, Secret};
use crate::book::{Member, SealedBook};
use crate::kit::Refusal;
use crate::testing;

fn secret() -> Secret {
    testing::secret_of('7')
}

struct Sample {
    set: ScenarioSet,
    snapshot: Snapshot,
    state: VenueState,
    book: Book,
}

fn sample(markets: usize, accounts: usize) -> Sample {
    let set = venue::sample::scenarios(3, markets, 10);
    let mut state = venue::sample::state(&set);
    state.collected = records::units::Ticks(12_345);
    Sample {
        snapshot: venue::sample::snapshot(&set),
        book: venue::sample::book(4, &set, &state, accounts),
        state,
        set,
    }
}

impl Sample {
    fn seal(&self, slots: usize) -> Arc<SealedBook> {
        let accounts = self.book.accounts();
        SealedBook::new(&self.snapshot, accounts, slots, &secret()).expect("it fits")
    }

    fn prepare(&self, slots: usize) -> Result<Prepared, Refusal> {
        Prepared::new(&self.seal(slots), &self.set, &self.state, &secret())
    }
}

impl Prepared {
    fn rows(&self, part: usize) -> Rows<'_> {
        self.witness.rows(self.claim(), self.context(), part)
    }
}

fn prepared(markets: usize, accounts: usize) -> Prepared {
    sample(markets, accounts).prepare(4).expect("it is true")
}

/// What is wrong with a part's rows after a change.
fn wrong<'a>(
    prepared: &'a Prepared,
    part: usize,
    change: impl FnOnce(&mut Rows<'a>),
) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), part);
    let mut rows = prepared.rows(part);
    change(&mut rows);
    violated(
        &tables.airs(),
        &rows.fill(&tables, prepared.claim().markets.len()),
    )
}
