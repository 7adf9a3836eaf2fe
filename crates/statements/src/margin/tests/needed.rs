//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use stark::{F, PrimeCharacteristicRing, needless, violated};

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
    let ids = ["LINES-1", "LINES-2", "LINES-3", "LINES-4"];
    assert_eq!(idle(&book(200), &ids), [""; 0]);
}

#[test]
fn each_constraint_of_accounts_is_needed() {
    let ids = ["ACCOUNTS-1", "ACCOUNTS-2", "ACCOUNTS-3", "ACCOUNTS-4"];
    assert_eq!(idle(&single(), &ids), [""; 0]);
}

#[test]
fn each_constraint_of_outcomes_is_needed() {
    let ids = ["OUTCOMES-1", "OUTCOMES-3", "OUTCOMES-4", "OUTCOMES-5"];
    assert_eq!(idle(&book(200), &ids), [""; 0]);
}

#[test]
fn each_constraint_of_rates_is_needed() {
    let ids = ["RATES-1"];
    assert_eq!(idle(&single(), &ids), [""; 0]);
}

/// On a row of no account, equity and a margin that follows from it: no table sends them.
#[test]
fn an_unused_row_has_no_equity() {
    let prepared = single();
    let (airs, mut traces) = separate(&prepared);
    let (outcomes, limbs) = (2, airs.len() - 1);
    // A margin's limb is looked up: one where there was a zero.
    let answers = airs[limbs].width();
    traces[limbs].values[1] -= F::ONE;
    traces[limbs].values[answers + 1] += F::ONE;
    let width = airs[outcomes].width();
    let equity = 255 * width + 3;
    traces[outcomes].values[equity] += F::ONE;
    let forged = (equity + 1..256 * width).any(|limb| {
        let mut traces = traces.clone();
        traces[outcomes].values[limb] += F::ONE;
        violated(&airs, &traces) == ["OUTCOMES-2"]
    });
    assert!(forged, "no margin follows");
}
