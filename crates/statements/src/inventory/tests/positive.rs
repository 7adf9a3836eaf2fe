//! What is true is accepted, and said.

use super::*;
use records::units::Ticks;

#[test]
fn true_claims_have_a_witness() {
    for (markets, accounts) in [(1, 1), (3, 2), (4, 256), (2, 1100)] {
        let prepared = prepared(markets, accounts);
        for part in 0..prepared.claim().segments.len() {
            let tables = PartTables::new(prepared.claim(), prepared.context(), part);
            let found = violations(&tables.airs(), &prepared.traces(part));
            assert_eq!(found, Vec::new(), "{markets} markets, {accounts} accounts");
        }
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(3, 1100);
    assert_eq!(prepared.claim().segments.len(), 2);
    for part in 0..2 {
        let airs = PartTables::new(prepared.claim(), prepared.context(), part).airs();
        let rows = [
            ("positions", 75),
            ("positions", 76),
            ("leaves", 75),
            ("leaves", 76),
        ];
        let unpinned = cell_test(&airs, &prepared.traces(part), &rows);
        assert_eq!(unpinned, Vec::new(), "{} cells", unpinned.len());
    }
}

/// One book and one state in four statements.
#[test]
fn book_and_state_are_those_of_the_other_claims() {
    let sample = sample(3, 300);
    let prepared = sample.prepare(4).expect("it is true");
    let solvency = crate::solvency::Prepared::new(&sample.seal(4), &Default::default());
    let solvency = solvency.expect("it is true");
    assert_eq!(solvency.claim().book, prepared.claim().book);
    let margin = crate::margin::Prepared::new(&sample.seal(4), None, market::Level::Maintenance);
    let margin = margin.expect("it is well-formed");
    let crate::margin::Subject::Book { book, .. } = margin.claim().subject else {
        panic!("a book's claim is about a book")
    };
    assert_eq!(book, prepared.claim().book);
    let terms = crate::premia::Terms {
        confidence: testing::confidence(),
        shows: crate::premia::Shows::Prices { lots: false },
        funding: false,
        until_ms: None,
    };
    let risk = crate::premia::Prepared::new(&sample.set, &sample.state, &[], &terms, &secret());
    let risk = risk.expect("it is true");
    assert_eq!(risk.claim().before, prepared.claim().state);
    assert_eq!(risk.claim().scenarios.markets, prepared.claim().markets);
}

/// As many markets as a state can have.
#[test]
fn many_markets_fit() {
    let prepared = sample(20, 5).prepare(32).expect("it is true");
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let found = violations(&tables.airs(), &prepared.traces(0));
    assert_eq!(found, Vec::new());
}

/// What lies between parts does not show that a part changes nothing.
#[test]
fn links_do_not_repeat() {
    let set = sample(2, 1).set;
    let listing = crate::venues::markets_listing(&set.quote, &set.markets, 0, 0);
    let state = VenueState::flat(2, Ticks(5), Ticks(5));
    let link = |i| crate::venues::commitments::link(&state, &secret(), &listing, i, None);
    assert_ne!(link(1), link(2));
    assert_ne!(
        link(1),
        crate::venues::commitment(&state, &secret(), &listing)
    );
}
