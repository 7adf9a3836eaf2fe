//! Tests of the exposure statement: what is true is accepted, what is false is not.

mod forged;
mod needed;
mod positive;

use std::sync::Arc;

use fixed::Decimal;
use gadgets::totals::SALTS;
use market::exposure::OutOfInterval;
use market::{Position, Settlement, Side, sample};
use records::units::Lots;
use stark::{P, Statement, violated};

use super::claim::PartTables;
use super::tables::{Counts, OFFSET};
use super::witness::{Rows, added};
use super::*;
use crate::account::{Layout, Leaf, listing, lists};
use crate::book::{BookRef, Member, SealedBook, least_slots};
use crate::inventory::statement::segment;
use crate::inventory::tables::count_positions;
use crate::kit::Refusal;
use crate::testing::{assert_parts_in_order, assert_pinned, assert_rejected, idle, proven, secret};

fn terms(low: i128, high: i128) -> Terms {
    Terms {
        instruments: vec!["BTC-PERP".into()],
        low: Decimal::from_int(low),
        high: Decimal::from_int(high),
    }
}

/// So many accounts; each holds 3 more or less lots of the first instrument, long and short in turn, and others.
fn book(accounts: usize) -> Arc<SealedBook> {
    let snapshot = sample::snapshot();
    let perpetual = snapshot
        .instruments
        .iter()
        .position(|i| i.symbol == "BTC-PERP");
    let perpetual = perpetual.expect("it is in the sample");
    let book = sample::book(&snapshot, 5, accounts, 3, 0);
    let mut all = book.accounts().to_vec();
    for (i, account) in all.iter_mut().enumerate() {
        account.positions.retain(|p| p.instrument != perpetual);
        account.positions.push(Position {
            instrument: perpetual,
            side: if i % 3 == 2 { Side::Short } else { Side::Long },
            lots: Lots(1_000 + i as u64),
            entry: 1,
        });
        account.positions.sort_by_key(|p| p.instrument);
    }
    let slots = least_slots(&all);
    SealedBook::new(&snapshot, &all, slots, &secret()).expect("it fits")
}

/// The exposure, by its textbook sum.
fn net(book: &SealedBook) -> Decimal {
    let accounts = book.members.iter().map(|m| &m.account);
    let wide = terms(-1_000_000_000, 1_000_000_000);
    check(&book.snapshot, accounts, &wide).expect("it lies there")
}

fn prepared(accounts: usize) -> Prepared {
    Prepared::new(&book(accounts), &terms(-1_000_000, 1_000_000)).expect("it is true")
}

/// With an interval that says nothing, so that it refuses no forgery.
fn unbounded(accounts: usize) -> Prepared {
    let far = 1_000_000_000_000;
    Prepared::new(&book(accounts), &terms(-far, far)).expect("it is true")
}

/// What is wrong with a part's rows after a change.
fn wrong<'a>(
    prepared: &'a Prepared,
    part: usize,
    change: impl FnOnce(&mut Rows<'a>, &PartTables),
) -> Vec<String> {
    wrong_under(prepared, prepared.claim(), part, change)
}

/// The same under another claim.
fn wrong_under<'a>(
    prepared: &'a Prepared,
    claim: &ExposureClaim,
    part: usize,
    change: impl FnOnce(&mut Rows<'a>, &PartTables),
) -> Vec<String> {
    let context = Exposure::context(claim).expect("it is well-formed");
    let tables = PartTables::new(claim, &context, part);
    let mut rows = prepared.witness.rows(&tables, part);
    change(&mut rows, &tables);
    violated(&tables.airs(), &rows.fill(&tables))
}

/// Lets the registers follow from what is counted, so that nothing else shows a wrong count.
fn follow(rows: &mut Rows<'_>, tables: &PartTables) {
    let added = added(tables, &rows.counts);
    for (register, count) in added.iter().enumerate().skip(SALTS) {
        let limbs = count.iter().rev();
        let sum = limbs.fold(0, |sum, limb| (sum << 10) + i128::from(*limb));
        rows.after[register] = rows.before[register].wrapping_add_signed(sum);
    }
}
