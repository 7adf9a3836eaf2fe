//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use stark::needless;

use super::*;

/// Those of the constraints that the tables of a claim's last part, with unused rows, could do without.
fn idle(part: usize, ids: &[&'static str]) -> Vec<&'static str> {
    let prepared = prepared(3, 1100);
    let airs = PartTables::new(prepared.claim(), prepared.context(), part).airs();
    let rows = [
        ("positions", 75),
        ("positions", 76),
        ("leaves", 75),
        ("leaves", 76),
    ];
    needless(&airs, &prepared.traces(part), &rows, ids)
}

#[test]
fn each_constraint_of_positions_is_needed() {
    let ids = ["POSITIONS-1", "POSITIONS-2"];
    assert_eq!(idle(1, &ids), [""; 0]);
}

#[test]
fn each_constraint_of_leaves_is_needed() {
    let ids = ["LEAVES-1", "LEAVES-2"];
    assert_eq!(idle(1, &ids), [""; 0]);
}

#[test]
fn each_constraint_of_state_is_needed() {
    let ids = ["STATE-1", "STATE-2", "STATE-3", "STATE-4", "STATE-5"];
    assert_eq!(idle(0, &ids), [""; 0]);
}
