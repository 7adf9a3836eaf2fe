//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use super::*;

/// Those of the constraints that the tables of a month could do without.
fn idle(ids: &[&'static str]) -> Vec<&'static str> {
    let prepared = prepared(150, 1);
    let rows: Vec<(&str, usize)> = (1..40)
        .chain([149, 150, 200])
        .map(|row| ("loans", row))
        .collect();
    crate::testing::idle(&prepared, &rows, ids)
}

#[test]
fn each_constraint_of_loans_is_needed() {
    let ids = [
        "LOAN-3", "LOANS-1", "ROLL-1", "ROLL-2", "ROLL-3", "ROLL-4", "ROLL-5", "ROLL-6", "ROLL-7",
        "ROLL-8", "ROLL-9", "ROLL-10", "ROLL-11", "ROLL-12", "ROLL-13",
    ];
    assert_eq!(idle(&ids), [""; 0]);
}
