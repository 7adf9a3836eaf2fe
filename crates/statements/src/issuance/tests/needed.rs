//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use super::*;

/// Those of the constraints that the tables of a claim could do without.
fn idle(ids: &[&'static str]) -> Vec<&'static str> {
    let prepared = prepared(150);
    crate::testing::idle(&prepared, &in_all_tables(&prepared, &ROWS), ids)
}

/// Of loans, of the list's end, and unused ones.
const ROWS: [usize; 8] = [2, 3, 4, 5, 90, 149, 150, 200];

#[test]
fn each_constraint_of_loans_is_needed() {
    let ids = ["LOAN-3", "NULLIFIER-1", "NULLIFIER-2", "NULLIFIER-3"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_leaves_is_needed() {
    let ids = ["ORDER-1", "ORDER-2", "ORDER-3", "ORDER-4"];
    assert_eq!(idle(&ids), [""; 0]);
}
