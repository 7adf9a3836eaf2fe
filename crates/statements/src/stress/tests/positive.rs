//! What is true is accepted, and said.

use super::*;

#[test]
fn true_claims_have_a_witness() {
    for loans in [1, 2, 100, 256] {
        assert_eq!(found(&prepared(loans), 0), Vec::new(), "{loans} loans");
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(150);
    // Where steps end and begin, and behind the schedule.
    let rows = (1..9)
        .map(|row| ("months", row))
        .chain((18..25).map(|row| ("months", row)));
    let steps = prepared_in(150, QUARTERS);
    let (airs, traces) = (&steps.tables(0)[2..3], &steps.traces(0)[2..3]);
    let rows: Vec<(&str, usize)> = rows.collect();
    assert_eq!(cell_test(airs, traces, &rows), Vec::new());
    let padding = [
        ("loans", 200),
        ("schedule", 900),
        ("months", 100),
        ("totals", 100),
    ];
    assert_pinned(&prepared, &padding);
}

/// Several parts, linked by hidden states.
#[test]
fn parts_link() {
    let prepared = prepared(600);
    assert_eq!(prepared.claim().segments.len(), 3);
    assert_parts_in_order(&prepared, &proven(&prepared));
    assert_100_bits(&prepared);
}

/// A pool claim and a stress claim about one tape under one secret name the same pool.
#[test]
fn the_pool_is_that_of_the_other_claims() {
    let tape = tape(300);
    let facts =
        crate::pool::Prepared::new(&tape, &Default::default(), &secret()).expect("it is true");
    let stressed = Prepared::new(&tape, &terms(&tape), &secret()).expect("it is true");
    assert_eq!(facts.claim().pool, stressed.claim().pool);
}
