//! Tests of the exposure statement: what is true is accepted, what is false is not.

use std::sync::Arc;

use fixed::Decimal;
use market::exposure::OutOfInterval;
use market::{Position, Side, sample};

use super::claim::PartTables;
use super::witness::fill_part;
use super::*;
use crate::book::{SealedBook, least_slots};
use crate::kit::Refusal;
use crate::testing::{assert_parts_in_order, assert_pinned, assert_rejected, idle, proven, secret};

fn terms(low: i128, high: i128) -> Terms {
    Terms {
        instruments: vec!["BTC-PERP".into()],
        low: Decimal::from_int(low),
        high: Decimal::from_int(high),
    }
}

/// So many accounts; each holds 3 more or less lots of the first instrument, long and short in turn, and others.
fn book(accounts: usize) -> Arc<SealedBook> {
    let snapshot = sample::snapshot();
    let perpetual = snapshot
        .instruments
        .iter()
        .position(|i| i.symbol == "BTC-PERP");
    let perpetual = perpetual.expect("it is in the sample");
    let book = sample::book(&snapshot, 5, accounts, 3, 0);
    let mut all = book.accounts().to_vec();
    for (i, account) in all.iter_mut().enumerate() {
        account.positions.retain(|p| p.instrument != perpetual);
        account.positions.push(Position {
            instrument: perpetual,
            side: if i % 3 == 2 { Side::Short } else { Side::Long },
            lots: 1_000 + i as u64,
            entry: 1,
        });
        account.positions.sort_by_key(|p| p.instrument);
    }
    let slots = least_slots(&all);
    SealedBook::new(&snapshot, &all, slots, &secret()).expect("it fits")
}

/// The exposure, by its textbook sum.
fn net(book: &SealedBook) -> Decimal {
    let accounts = book.members.iter().map(|m| &m.account);
    let wide = terms(-1_000_000_000, 1_000_000_000);
    check(&book.snapshot, accounts, &wide).expect("it lies there")
}

fn prepared(accounts: usize) -> Prepared {
    Prepared::new(&book(accounts), &terms(-1_000_000, 1_000_000)).expect("it is true")
}

// POSITIVE

#[test]
fn every_cell_is_pinned() {
    assert_pinned(&prepared(40), &[("exposure", 1), ("positions", 90)]);
}

/// No trace is read: sums stay integers for every witness.
#[test]
fn declared_bounds_follow() {
    assert_eq!(stark::unproven(&prepared(40).tables(0)), []);
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

// NEGATIVE

#[test]
fn what_is_false_or_does_not_fit_is_refused() {
    let book = book(40);
    let refused = |terms: &Terms| Prepared::new(&book, terms).err().expect("it is refused");
    let net = net(&book);
    let one = Decimal::new(1, net.scale());
    let above = Terms {
        low: net.checked_add(&one).expect("it fits"),
        high: Decimal::from_int(1_000_000),
        ..terms(0, 0)
    };
    let why = refused(&above);
    assert!(
        why.is_false() && why.reason::<OutOfInterval>().is_some(),
        "{why}"
    );
    let malformed = |terms: Terms| {
        let why = refused(&terms);
        assert!(matches!(why, Refusal::Input(_)), "{why}");
    };
    malformed(terms(1, 0));
    malformed(Terms {
        instruments: Vec::new(),
        ..terms(0, 1)
    });
    malformed(Terms {
        instruments: vec!["BTC-PERP".into(), "BTC-PERP".into()],
        ..terms(0, 1)
    });
    let option = book
        .snapshot
        .instruments
        .iter()
        .find(|i| i.symbol.ends_with("-C"));
    malformed(Terms {
        instruments: vec![option.expect("the sample has one").symbol.clone()],
        ..terms(0, 1)
    });
}

#[test]
fn each_constraint_of_exposure_is_needed() {
    let rows = [0, 1, 255].map(|row| ("exposure", row));
    let ids = ["EXPOSURE-1", "EXPOSURE-2"];
    assert_eq!(idle(&prepared(40), &rows, &ids), [""; 0]);
}

/// With all rows honest, an interval that the exposure does not lie in breaks the comparison and nothing else.
#[test]
fn an_exposure_outside_breaks_the_totals() {
    let prepared = prepared(40);
    let net = net(prepared.book());
    let (whole, far) = (
        net.rescale(0, fixed::Rounding::Floor).expect("it fits"),
        1_000_000,
    );
    for (low, high) in [(-far, whole - 1), (whole + 1, far)] {
        let mut claim = prepared.claim().clone();
        (claim.low, claim.high) = (Decimal::from_int(low), Decimal::from_int(high));
        let context = <Exposure as stark::Statement>::context(&claim).expect("it is well-formed");
        let tables = PartTables::new(&claim, &context, 0);
        let states = &prepared.witness.states;
        let members = &prepared.book().members;
        let traces = fill_part(&tables, members, states.before(0), states.after(0));
        assert_eq!(stark::violated(&tables.airs(), &traces), ["TOTALS-6"]);
    }
}

#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(40);
    let proofs = proven(&prepared);
    assert_rejected::<Exposure>(
        prepared.claim(),
        &proofs,
        &[
            ("a narrower interval", |c| {
                c.low = Decimal::from_int(-999_999)
            }),
            ("another instrument", |c| {
                c.instruments = vec!["ETH-PERP".into()]
            }),
            ("fewer accounts", |c| c.book.accounts -= 1),
        ],
    );
}
