//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use stark::needless;

use super::*;

/// Those of the constraints that the tables of a claim could do without.
fn idle(prepared: &Prepared, ids: &[&'static str]) -> Vec<&'static str> {
    let (airs, traces) = separate(prepared);
    let rows: Vec<(&str, usize)> = airs
        .iter()
        .flat_map(|air| ROWS.map(|row| (air.name(), row)))
        .collect();
    needless(&airs, &traces, &rows, ids)
}

/// Of accounts, of the list's end, and unused ones.
const ROWS: [usize; 6] = [2, 3, 64, 199, 200, 255];

#[test]
fn each_constraint_of_lines_is_needed() {
    let ids = [
        "LINES-1", "LINES-2", "LINES-3", "LINES-4", "LINES-5", "LINES-6",
    ];
    assert_eq!(idle(&book(200), &ids), [""; 0]);
}

#[test]
fn each_constraint_of_accounts_is_needed() {
    let ids = [
        "ACCOUNTS-1",
        "ACCOUNTS-2",
        "ACCOUNTS-3",
        "ACCOUNTS-4",
        "COINS-1",
        "COINS-2",
        "COINS-4",
    ];
    assert_eq!(idle(&single(), &ids), [""; 0]);
    assert_eq!(idle(&book(200), &["ACCOUNTS-6"]), [""; 0]);
}

#[test]
fn each_constraint_of_losses_is_needed() {
    let ids = ["LOSSES-1", "LOSSES-2", "LOSSES-3", "LOSSES-4", "LOSSES-5"];
    assert_eq!(idle(&book(200), &ids), [""; 0]);
}

#[test]
fn each_constraint_of_rates_is_needed() {
    assert_eq!(idle(&single(), &["RATES-1", "MOVES-1"]), [""; 0]);
}
