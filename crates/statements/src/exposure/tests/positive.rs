//! What is true is accepted, and said.

use super::*;

#[test]
fn every_cell_is_pinned() {
    assert_pinned(&prepared(40), &[("exposure", 1), ("positions", 90)]);
}

#[test]
fn the_interval_may_be_as_narrow_as_the_exposure() {
    let book = book(40);
    let net = net(&book);
    assert!(!net.is_zero());
    let exact = Terms {
        low: net,
        high: net,
        ..terms(0, 0)
    };
    proven(&Prepared::new(&book, &exact).expect("it is true"));
}

#[test]
fn parts_link() {
    let prepared = prepared(2_100);
    assert_eq!(prepared.parts(), 3);
    let proofs = proven(&prepared);
    assert_parts_in_order(&prepared, &proofs);
}
