//! What an attacker tried, and what holds. Where a test shows a limit, `STATEMENT.md` says so under "What is not proven".

use credit::deal::Deal;
use credit::deal::step::{Action, Order, Step};
use credit::issuance::backing;
use credit::pool::Tape;
use credit::sample_deal::sample_deal_for;
use credit::sample_pool;
use fixed::Decimal;
use gadgets::totals::{SALTS, commit};
use stark::{P, Statement, verify, violated};

use crate::account::Identity;
use crate::issuance::claim::{PRODUCT, PartTables};
use crate::issuance::*;
use crate::pools::loan::{pool_digest, pool_listing, segments};
use crate::testing::{mortgages, secret_of};

fn prepared(tape: &Tape, deal: &Deal) -> Prepared {
    Prepared::new(tape, deal, &secret_of('5').into(), &secret_of('7')).expect("it is true")
}

/// The same point with other decimals is another text of the same number, and a record quotes texts.
#[test]
fn points_are_written_in_one_way() {
    let tape = mortgages(3, 20);
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let good = prepared(&tape, &deal).claim().clone();
    Issuance::context(&good).expect("it is true");
    for text in ["100", "100.0", "100.000000000000000000"] {
        let mut claim = good.clone();
        claim.tranches[0].detachment = Decimal::parse(text).expect("a number");
        assert_eq!(claim, good, "numbers are equal by value");
        let error = Issuance::context(&claim).expect_err("another text");
        assert!(error.contains("not where the deal"), "{error}");
    }
}

/// Points follow from the order of the tranches. A deal that pays the last of them first, or equity before all, has the same.
#[test]
fn points_do_not_follow_waterfalls() {
    let tape = mortgages(3, 20);
    let pool = sample_pool::owed(&tape);
    let deal = sample_deal_for(pool);
    let good = prepared(&tape, &deal).claim().tranches.clone();
    let step = |action: Action| Step {
        account: "principal".to_string(),
        action,
        support: None,
        limit: None,
        when: None,
    };
    let to_last = Action::PayPrincipal {
        tranches: vec!["C".into(), "B".into(), "A".into()],
        order: Order::Sequential,
        until: None,
    };
    for action in [to_last, Action::PayResidual] {
        let mut other = deal.clone();
        let steps = vec![step(action)];
        for name in ["principal", "sequential"] {
            other.waterfalls.insert(name.into(), steps.clone());
        }
        assert_ne!(other, deal);
        assert_eq!(backing(&other, pool), Ok(good.clone()));
        assert_eq!(prepared(&tape, &other).claim().tranches, good);
    }
}

/// A tape has no currency: loans that owe euros back a deal in any. And a template's name is no more than a name.
#[test]
fn currencies_and_templates_are_only_named() {
    let tape = mortgages(3, 20);
    let mut deal = sample_deal_for(sample_pool::owed(&tape));
    for currency in ["USD", "EUR", "JPY"] {
        deal.currency = currency.into();
        let claim = prepared(&tape, &deal).claim().clone();
        assert_eq!(claim.balance, sample_pool::owed(&tape));
    }
    let mut other = tape.clone();
    let balance = other.template.field("balance").expect("it has one");
    other.template.fields[balance].about = "what the house is said to be worth".into();
    let claim = prepared(&other, &deal).claim().clone();
    assert_eq!(claim.template.name, tape.template.name);
    assert_ne!(claim.pool, prepared(&tape, &deal).claim().pool);
}

/// Numbers are equal by value, texts are not: a deal has as many digests as it can be written in.
#[test]
fn a_deal_has_a_digest_for_each_text() {
    let tape = mortgages(3, 20);
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let mut other = deal.clone();
    let longer = format!("{}000", deal.original_pool);
    other.original_pool = Decimal::parse(&longer).expect("a number");
    assert_eq!(other, deal);
    let (one, two) = (prepared(&tape, &deal), prepared(&tape, &other));
    assert_eq!(one.claim(), two.claim());
    assert_ne!(one.claim().deal_digest(), two.claim().deal_digest());
}

/// Between two parts a coordinate of the product may stand as itself or with multiples of p: the same element, and the last
/// part still shows the one that the list has.
#[test]
fn states_may_hold_more_than_p() {
    let tape = mortgages(3, (1 << 13) + 3);
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let prepared = prepared(&tape, &deal);
    let (mut first, mut second) = ([0, 1])
        .map(|part| prepared.witness.rows(prepared.claim(), part))
        .into();
    for (register, shift) in [(0, 0), (0, 40), (1, 0), (2, 0), (2, 40)] {
        let more = u128::from(P) << shift;
        first.after[SALTS + PRODUCT + register] += more * 400;
        second.before[SALTS + PRODUCT + register] += more * 400;
    }
    let mut claim = prepared.claim().clone();
    claim.states[0] = commit(&first.after).into();
    assert_ne!(claim.states, prepared.claim().states);
    let none = Vec::<String>::new();
    for (part, rows) in [(0, first), (1, second)] {
        let tables = PartTables::new(&claim, prepared.context(), part);
        assert_eq!(
            violated(&tables.airs(), &rows.fill(&tables)),
            none,
            "{part}"
        );
    }
    // At the end there is one way.
    let mut last = prepared.witness.rows(prepared.claim(), 1);
    last.after[SALTS + PRODUCT] += u128::from(P);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 1);
    assert_eq!(
        violated(&tables.airs(), &last.fill(&tables)),
        ["TOTALS-5".to_string()]
    );
}

/// A claim of a million loans without a proof of any is refused after the work of its hashes.
#[test]
fn a_large_claim_is_refused_soon() {
    let small = prepared(
        &mortgages(3, 20),
        &sample_deal_for(sample_pool::owed(&mortgages(3, 20))),
    );
    let mut claim = small.claim().clone();
    claim.loans = 1 << 20;
    let split = segments(claim.loans);
    let parts = split.count() as usize;
    claim.segments = vec![claim.segments[0]; parts];
    claim.states = vec![claim.segments[0]; parts - 1];
    let roots: Vec<_> = claim.segments.iter().map(|s| s.elements()).collect();
    let listing = pool_listing(&claim.template, &claim.cut_off);
    claim.pool = pool_digest(&listing, &split.root(&roots), claim.loans).into();
    claim.nullifiers = (0..1u32 << 20)
        .map(|i| Nullifier::try_from(format!("{i:032x}")).expect("it is one"))
        .collect();
    Issuance::context(&claim).expect("nothing in it contradicts itself");
    for proofs in [vec![Vec::new(); parts], vec![vec![0; 1000]; parts], vec![]] {
        let start = std::time::Instant::now();
        let outcome = verify::<Issuance>(&claim, &proofs);
        println!("{:?}", start.elapsed());
        let text = format!("{:?}", outcome.expect_err("nothing is proven"));
        assert!(!text.contains("unexpectedly"), "{text}");
    }
}

/// Every way to leave a loan out that keeps the lengths right.
#[test]
fn lists_of_other_loans_have_other_products() {
    let tape = mortgages(3, 20);
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let good = prepared(&tape, &deal);
    let product = good.context().product;
    let key: RegistryKey = secret_of('5').into();
    let other: RegistryKey = secret_of('6').into();
    for (from, to) in [
        (key.nullifier(&Identity::of("x")), 0),
        (other.nullifier(&Identity::of("x")), 7),
        // Zero, and the largest that there is.
        (Nullifier::try_from("0".repeat(32)).expect("it is one"), 19),
        (
            Nullifier::try_from("7f000000".repeat(4)).expect("it is one"),
            19,
        ),
    ] {
        let mut claim = good.claim().clone();
        claim.nullifiers[to] = from;
        claim.nullifiers.sort_unstable();
        let context = Issuance::context(&claim).expect("it is well formed");
        assert_ne!(context.product, product);
        assert_ne!(context.product, [Default::default(); 5]);
    }
}
