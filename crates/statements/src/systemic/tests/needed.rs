//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use stark::needless;

use super::*;

/// Those of the constraints that the tables of a claim could do without.
fn idle(ids: &[&'static str]) -> Vec<&'static str> {
    let prepared = prepared(2, 300, 3);
    let airs = Tables::new(prepared.context()).airs();
    let rows = [
        ("scenarios", 299),
        ("scenarios", 300),
        ("groups", 7),
        ("venues", 2),
        ("venues", 3),
    ];
    needless(&airs, &prepared.traces(0), &rows, ids)
}

#[test]
fn each_constraint_of_venues_is_needed() {
    let ids = ["VENUES-1", "VENUES-2", "VENUES-3", "VENUES-4"];
    assert_eq!(idle(&ids), [""; 0]);
}

/// Of several venues.
#[test]
fn gains_are_added_up() {
    let ids = ["SCENARIOS-3"];
    assert_eq!(idle(&ids), [""; 0]);
}
