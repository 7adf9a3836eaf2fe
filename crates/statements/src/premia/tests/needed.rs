//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use stark::needless;
use venue::fact::Fact;
use venue::state::Transfer;

use super::*;
use crate::premia::statement::PartTables;

/// Those of the constraints that the tables of a day of two trades could do without.
fn idle(shows: Shows, ids: &[&'static str]) -> Vec<&'static str> {
    let set = scenarios(2, 300);
    let (mut state, mut changes) = (state(&set), changes(&trades(&set, 2)));
    if let Shows::Fact(_) = shows {
        state.collected = Ticks(1 << 50);
        // A funded venue without cash is one that owes nothing.
        if shows != Shows::Fact(Fact::Funded) {
            changes.push(Change::Roll { at_ms: 1 });
        }
        changes.push(Change::Transfer(Transfer {
            collected: Ticks(1 << 50),
            ..Transfer::default()
        }));
    }
    let terms = Terms { shows, ..terms() };
    let prepared = Prepared::new(&set, &state, &changes, &terms, &secret()).expect("it is true");
    let airs = PartTables::new(prepared.context(), 0).airs();
    // Ends of states, of groups, and padding.
    let rows = [
        ("scenarios", 299),
        ("scenarios", 300),
        ("scenarios", 511),
        ("scenarios", 512),
        ("scenarios", 3 * 512),
        ("groups", 7),
        ("groups", 8),
        ("groups", 24),
        ("states", 2),
        ("states", 3),
        ("states", 4),
        ("holdings", 7),
        ("holdings", 8),
        ("holdings", 30),
        ("funding", 2),
        ("funding", 3),
    ];
    needless(&airs, &prepared.traces(0), &rows, ids)
}

const PRICES: Shows = Shows::Prices { lots: false };
const TOTALS: Shows = Shows::Totals {
    grid: None,
    tolerance: None,
};

#[test]
fn each_constraint_of_a_fact_is_needed() {
    let ids = [
        "SCENARIOS-4",
        "STATES-4",
        "STATES-5",
        "STATES-8",
        "STATES-9",
    ];
    for fact in Fact::ALL {
        assert_eq!(idle(Shows::Fact(fact), &ids), [""; 0], "{fact}");
    }
}

#[test]
fn each_constraint_of_scenarios_is_needed() {
    let ids = [
        "SCENARIOS-1",
        "SCENARIOS-2",
        "SCENARIOS-3",
        "SCENARIOS-4",
        "SCENARIOS-5",
        "SCENARIOS-6",
        "SCENARIOS-7",
        "SCENARIOS-8",
    ];
    assert_eq!(idle(PRICES, &ids), [""; 0]);
}

#[test]
fn each_constraint_of_groups_is_needed() {
    let ids = ["GROUPS-1", "GROUPS-2", "GROUPS-3"];
    assert_eq!(idle(PRICES, &ids), [""; 0]);
}

#[test]
fn each_constraint_of_states_is_needed() {
    let ids = [
        "STATES-1",
        "STATES-2",
        "STATES-3",
        "STATES-4",
        "STATES-5",
        "STATES-6",
        "STATES-7",
        "STATES-8",
        "STATES-9",
        "STATES-10",
        "STATES-11",
        "STATES-12",
    ];
    assert_eq!(idle(PRICES, &ids), [""; 0]);
}

#[test]
fn each_constraint_of_hidden_states_is_needed() {
    let ids = [
        "STATES-13",
        "STATES-14",
        "STATES-15",
        "STATES-16",
        "STATES-17",
    ];
    assert_eq!(idle(TOTALS, &ids), [""; 0]);
}

#[test]
fn each_constraint_of_holdings_is_needed() {
    let ids = ["HOLDINGS-1", "HOLDINGS-2", "HOLDINGS-3"];
    assert_eq!(idle(PRICES, &ids), [""; 0]);
}

#[test]
fn each_constraint_of_funding_is_needed() {
    let ids = ["FUNDING-1", "FUNDING-2", "FUNDING-3", "FUNDING-4"];
    assert_eq!(idle(PRICES, &ids), [""; 0]);
}

#[test]
fn each_constraint_of_exponential_is_needed() {
    let ids = ["EXPONENTIAL-1"];
    assert_eq!(idle(PRICES, &ids), [""; 0]);
}
