//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use super::*;

/// Rows to look at, besides the usual.
const ROWS: [(&str, usize); 9] = [
    ("orders", 1),
    ("orders", 119),
    ("orders", 120),
    ("trades", 3),
    ("trades", 9),
    ("trades", 160),
    ("touched", 19),
    ("touched", 20),
    ("changes", 40),
];

fn assert_needed(ids: &[&'static str]) {
    assert_eq!(testing::idle(&small(), &ROWS, ids), [""; 0]);
}

#[test]
fn each_constraint_of_trades_is_needed() {
    assert_needed(&[
        "TRADES-1",
        "TRADES-2",
        "TRADES-3",
        "TRADES-4",
        "TRADES-5",
        "TRADES-6",
        "TRADES-7",
        "TRADES-8",
        "TRADES-9",
        "TRADES-10",
    ]);
}

#[test]
fn each_constraint_of_touched_accounts_is_needed() {
    assert_needed(&[
        "TOUCHED-1",
        "TOUCHED-2",
        "TOUCHED-3",
        "TOUCHED-4",
        "TOUCHED-5",
        "TOUCHED-7",
        "TOUCHED-8",
        "TOUCHED-9",
        "TOUCHED-10",
        "TOUCHED-11",
        "TOUCHED-12",
    ]);
}

#[test]
fn each_constraint_of_orders_is_needed() {
    assert_needed(&[
        "ORDERS-1",
        "ORDERS-2",
        "ORDERS-3",
        "ORDERS-4",
        "ORDERS-5",
        "ORDERS-6",
        "ORDERS-8",
        "ORDERS-9",
        "ORDERS-10",
        "ORDERS-11",
    ]);
}

#[test]
fn each_constraint_of_reserves_is_needed() {
    assert_needed(&[
        "RESERVE-1",
        "RESERVE-2",
        "RESERVE-3",
        "RESERVE-4",
        "RESERVE-5",
        "RESERVE-6",
    ]);
}

#[test]
fn each_constraint_of_trees_and_public_rows_is_needed() {
    assert_needed(&[
        "CHANGES-1",
        "CHANGES-3",
        "SECRETS-1",
        "SECRETS-2",
        "SECRETS-3",
        "PRICES-1",
    ]);
}
