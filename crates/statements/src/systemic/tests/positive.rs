//! What is true is accepted, and said.

use super::*;

#[test]
fn true_claims_have_a_witness() {
    for (markets, scenarios, count) in [(1, 1, 1), (3, 300, 2), (2, 256, 3), (4, 70, MAX_VENUES)] {
        let prepared = prepared(markets, scenarios, count);
        let airs = Tables::new(prepared.context()).airs();
        let found = violations(&airs, &prepared.traces(0));
        assert_eq!(found, Vec::new(), "{markets} {scenarios} {count}");
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(2, 300, 3);
    let airs = Tables::new(prepared.context()).airs();
    let rows = [
        ("scenarios", 299),
        ("scenarios", 300),
        ("groups", 7),
        ("venues", 2),
        ("venues", 3),
    ];
    let unpinned = cell_test(&airs, &prepared.traces(0), &rows);
    assert_eq!(unpinned, Vec::new(), "{} cells", unpinned.len());
}

/// The sum of the losses, not the loss of the sum: one venue's surplus pays for no other.
#[test]
fn the_bound_is_the_evar_of_the_sum_of_losses() {
    let set = venue::sample::scenarios(9, 3, 400);
    let venues = venues(&set, 3);
    let mut sum = vec![0i64; 400];
    let mut apart = 0;
    for venue in &venues {
        let gains = venue.state.gains(&set).expect("it fits");
        for (sum, gain) in sum.iter_mut().zip(&gains) {
            *sum += gain.0 as i64;
        }
        let own = venue.state.evar(&set, confidence()).expect("it fits");
        apart += own.value.ceil_at(0).expect("it fits");
    }
    let exact = evar(&sum, confidence()).expect("it fits").value;
    let prepared = Prepared::new(&set, venues, confidence(), None).expect("it is true");
    let bound = ticks(prepared.claim().bound);
    let (low, high) = (exact.floor_at(0).unwrap(), exact.ceil_at(0).unwrap());
    assert!(
        low <= bound && bound <= high + high / 1_000_000 + 1,
        "{bound} {high}"
    );
    // Together they risk less than apart.
    assert!(bound < apart, "{bound} {apart}");
}

/// One commitment in two statements: a premia claim's state is the systemic claim's venue.
#[test]
fn venues_are_those_of_risk_claims() {
    let set = venue::sample::scenarios(9, 3, 300);
    let prepared = prepared_with(&set, None).expect("it is true");
    let terms = crate::premia::Terms {
        confidence: confidence(),
        shows: crate::premia::Shows::Prices { lots: false },
        funding: false,
        until_ms: None,
    };
    for (i, venue) in venues(&set, 2).iter().enumerate() {
        let risk = crate::premia::Prepared::new(&set, &venue.state, &[], &terms, &venue.secret);
        let risk = risk.expect("it is true");
        let venue = prepared.claim().venues[i];
        assert_eq!(risk.claim().after, venue.state);
        assert_eq!(risk.claim().until_ms, venue.as_of_ms);
    }
}
