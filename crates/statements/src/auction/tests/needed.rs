//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else. And no cell can change unnoticed.

use super::*;
use crate::testing::*;

fn prepared() -> Prepared {
    Prepared::new(&sample(60, 3, 1, 2)).expect("it fits")
}

/// Those of the constraints that the tables of a claim could do without.
fn idle(ids: &[&'static str]) -> Vec<&'static str> {
    let prepared = prepared();
    crate::testing::idle(&prepared, &in_all_tables(&prepared, &ROWS), ids)
}

/// Orders of all kinds, unused rows, the auctions.
const ROWS: [usize; 14] = [2, 3, 4, 5, 6, 10, 20, 30, 40, 45, 50, 57, 60, 200];

#[test]
fn each_constraint_of_orders_is_needed() {
    let ids = [
        "ORDERS-1", "ORDERS-2", "ORDERS-3", "ORDERS-4", "ORDERS-5", "ORDERS-6", "ORDERS-8",
    ];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_ladders_is_needed() {
    let ids = ["LADDER-1", "LADDER-3"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_trades_is_needed() {
    let ids = [
        "TRADE-1", "TRADE-2", "TRADE-3", "TRADE-4", "TRADE-5", "TRADE-6", "TRADE-7", "TRADE-8",
    ];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_auctions_is_needed() {
    let ids = [
        "MARKETS-1",
        "MARKETS-2",
        "MARKETS-3",
        "MARKETS-4",
        "MARKETS-5",
        "MARKETS-6",
        "MARKETS-7",
        "MARKETS-8",
        "MARKETS-9",
        "MARKETS-10",
        "MARKETS-11",
        "MARKETS-12",
        "MARKETS-13",
        "MARKETS-14",
        "MARKETS-15",
    ];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn no_cell_can_change_unnoticed() {
    for levels in [1, 2] {
        let prepared = Prepared::new(&sample(60, 3, levels, 2)).expect("it fits");
        assert_pinned(&prepared, &in_all_tables(&prepared, &ROWS));
    }
}

/// Among them ORDERS-7, LADDER-2 and LADDER-4.
#[test]
fn what_is_declared_follows() {
    let declared = ["ORDERS-7", "LADDER-2", "LADDER-4"];
    for levels in [1, 2, 4] {
        let prepared = Prepared::new(&sample(60, 3, levels, 2)).expect("it fits");
        let tables = prepared.tables(0);
        assert_eq!(stark::unproven(&tables), Vec::new());
        let ids = tables.iter().flat_map(|table| table.constraints());
        let ids: std::collections::BTreeSet<&str> = ids.collect();
        // These are declared, and no constraints but for sums over several levels.
        assert!(declared[..2].iter().all(|id| !ids.contains(id)), "{ids:?}");
    }
}
