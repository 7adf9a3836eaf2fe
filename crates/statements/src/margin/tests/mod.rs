//! Tests of the margin statement: what is true is accepted, what is false is not, and every number
//! agrees with `market`.

mod forged;
mod groups;
mod moments;
mod needed;
mod offsets;
mod positive;

use market::margin::{MarginTables, Margins};
use market::{Account, Level, Snapshot, sample};
use stark::{TableAir, Trace};

use super::fill::{Filled, fill_from, fill_part};
use super::statement::PartTables;
use super::*;
use crate::account::{Identity, Layout, Leaf, Secret};
use crate::book::{Member, SealedBook};
use crate::kit::Refusal;
use crate::testing::{self, broken_constraints, expect_alone, unbalanced};

pub(crate) const LEVELS: [Level; 3] = [
    Level::Initial,
    Level::Maintenance,
    Level::MaintenancePlusBuffer,
];

pub(crate) fn secret() -> Secret {
    testing::secret_of('7')
}

pub(crate) fn account(snapshot: &Snapshot, seed: u64, positions: usize) -> Account {
    sample::book(snapshot, seed, 1, positions, 0).accounts()[0].clone()
}

/// The claim about one account, alone in its book.
pub(crate) fn alone(
    snapshot: &Snapshot,
    account: &Account,
    level: Level,
    slots: usize,
) -> Result<Prepared, Refusal> {
    let accounts = std::slice::from_ref(account);
    let sealed = SealedBook::new(snapshot, accounts, slots, &secret());
    Prepared::new(
        &sealed.map_err(Refusal::malformed)?,
        Some(&account.id),
        level,
    )
}

/// The tables of a claim's first part and how they are filled, one by one.
pub(crate) fn separate(prepared: &Prepared) -> (Vec<TableAir>, Vec<Trace>) {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let traces = prepared.witness.separate(prepared.context(), &tables, 0);
    (tables.airs().into_vec(), traces.into_vec())
}

/// The tables of a claim's first part, filled from any accounts: `before` and `after` count those below the level.
pub(crate) fn filled_from(
    claim: &MarginClaim,
    context: &Context,
    members: &[Member],
    [before, after]: [u128; 2],
) -> (Vec<TableAir>, Vec<Trace>) {
    let tables = PartTables::new(claim, context, 0);
    let accounts: Vec<_> = members.iter().map(|m| &m.account).collect();
    let margins = Margins::new(&claim.snapshot, &accounts, claim.level).expect("valid");
    let [before, after] = [before, after].map(|count| [0, 0, count]);
    let ends = [&before[..], &after[..]];
    let traces = fill_part(&tables, &context.plan, members, &margins.results, ends);
    (tables.airs().into_vec(), traces.into_vec())
}

/// The context of a claim that need not be true.
pub(crate) fn context(claim: &MarginClaim) -> Context {
    let tables = MarginTables::new(&claim.snapshot, claim.level).expect("valid");
    Context::new(claim, &tables).expect("it fits")
}

/// The leaf of an account in so many position slots.
pub(crate) fn leaf(snapshot: &Snapshot, slots: usize, account: &Account, secret: &Secret) -> Leaf {
    let identity = Identity::of(&account.id);
    Layout::new(slots, snapshot).leaf(identity, account, secret)
}

/// One account with a full set of positions.
pub(crate) fn single() -> Prepared {
    let snapshot = sample::snapshot();
    let account = account(&snapshot, 1, 64);
    alone(&snapshot, &account, Level::Initial, 64).expect("it is met")
}

/// A book with unused slots and two accounts below the level.
pub(crate) fn book(accounts: usize) -> Prepared {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 2, accounts, 4, 2);
    let sealed = SealedBook::new(&snapshot, book.accounts(), 4, &secret()).expect("it fits");
    Prepared::new(&sealed, None, Level::Maintenance).expect("it is well-formed")
}

/// Gives an account so many units of dollars, the first asset; below zero it owes them.
pub(crate) fn set_dollars(account: &mut Account, dollars: i128) {
    let balance = &mut account.balances[0];
    (balance.equity, balance.debt) = match dollars {
        0.. => (dollars as u64, 0),
        _ => (0, dollars.unsigned_abs() as u64),
    };
}
