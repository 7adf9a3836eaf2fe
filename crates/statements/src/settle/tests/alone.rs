//! Forgeries with all that follows from them, so that one constraint breaks and nothing else.

use gadgets::totals::SALTS;
use market::Level;
use market::margin::{MarginTables, evaluate};
use market::settlement::Closing;
use records::units::{Lots, Ticks};

use super::forged::{order, receipts, traded};
use super::*;
use crate::margin::fill::Filled;
use crate::orders::Status;
use crate::settle::plan::ROOM_REGISTER;
use crate::settle::statement::without_offsets;
use crate::settle::tables::orders::Placed;

/// An account of which no order counts is looked at as if it closed a lot, with all that follows.
#[test]
fn lots_count_unless_an_order_closes_them() {
    let prepared = small();
    let (tables, mut rows) = (prepared.tables_of(0), prepared.rows(0));
    let orders = rows.orders.iter().filter_map(|row| row.order.as_ref());
    let counted: Vec<usize> = orders.filter(|o| o.counts()).map(|o| o.account).collect();
    let holds = |row: usize| rows.trades[row * SLOTS].positions[0].is_some();
    let mut others = (0..rows.touched.len()).filter(|row| !counted.contains(row) && holds(*row));
    let row = others.next().expect("a neighbour of nobody");
    let trade = &mut rows.trades[row * SLOTS];
    trade.closed = 1;
    let closing = Closing {
        instrument: trade.instrument.expect("it holds something"),
        lots: Lots(1),
        owed: Ticks(0),
    };
    let member = &prepared.witness.before.members[rows.touched[row].index];
    let market = without_offsets(&prepared.claim().snapshot);
    let margins = MarginTables::new(&market, Level::Initial).expect("a market");
    let left = evaluate(&margins, &closing.left(&member.account)).expect("a small account");
    let plan = &prepared.context().margin;
    rows.margins[row] = Filled::of_left(plan, Some((member, &left)), Some(closing));
    assert_eq!(violated(&tables.airs(), &rows.fill(&tables)), ["TRADES-11"]);
}

/// One order of an account is refused for want of room, and another one takes part, with all that follows: the claim counts it.
#[test]
fn all_orders_of_an_account_have_room_or_none() {
    let prepared = small();
    let mut rows = prepared.rows(0);
    let all: Vec<Placed> = rows
        .orders
        .iter()
        .filter_map(|row| row.order.clone())
        .collect();
    let row = order(&rows, |o| {
        let others = all.iter().filter(|p| p.account == o.account && p.counts());
        let held = o.holds != [0; 2];
        o.outcome.status == Status::TookPart && !traded(o) && held && others.count() > 2
    });
    let placed = rows.orders[row].order.as_mut().expect("used");
    placed.outcome.status = Status::Room;
    placed.outcome.most = market::auction::UNBOUNDED;
    rows.states[1][SALTS + ROOM_REGISTER] += 1;
    let mut claim = prepared.claim().clone();
    claim.without_room += 1;
    let mut tables = PartTables::new(&claim, prepared.context(), 0);
    tables.orders.root = receipts(&mut rows);
    assert_eq!(
        violated(&tables.airs(), &rows.fill(&tables)),
        ["TOUCHED-13"]
    );
}
