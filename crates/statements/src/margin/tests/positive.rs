//! What is true is accepted, and agrees with `market`.

use market::margin::{MarginTables, Undermargined, evaluate, margins};
use market::{Level, sample};
use records::units::SUBTICKS_PER_TICK;
use stark::{Rejection, Statement, TARGET_BITS, cell_test, security_report, verify, violations};

use super::{LEVELS, account, alone, book, secret, single};
use crate::book::{BookError, SealedBook};
use crate::margin::*;

#[test]
fn an_account_end_to_end() {
    let prepared = single();
    assert_eq!(violations(&prepared.tables(0), &prepared.traces(0)), []);
    let proof = vec![prepared.prove_part(0).expect("proves")];
    let claim = prepared.claim();
    let verified = verify::<Margin>(claim, &proof).expect("verifies");
    assert_eq!(verified.claim(), claim);
    let part = Margin::part(claim, &prepared.context, 0);
    assert!(security_report(&part).proven_bits >= TARGET_BITS);

    // Under any other claim it does not verify.
    let mut other = claim.clone();
    other.level = Level::Maintenance;
    assert!(matches!(
        verify::<Margin>(&other, &proof),
        Err(Rejection::Invalid { .. })
    ));
    let mut other = claim.clone();
    let mut commitment = single().witness.members()[0].leaf.digest();
    commitment[0] += stark::felt(1);
    other.subject = Subject::Account {
        commitment: commitment.into(),
        slots: 64,
    };
    assert!(matches!(
        verify::<Margin>(&other, &proof),
        Err(Rejection::Invalid { .. })
    ));
    let mut other = claim.clone();
    other.snapshot.as_of_ms += 1;
    assert!(matches!(
        verify::<Margin>(&other, &proof),
        Err(Rejection::Claim(_))
    ));
    other.snapshot_digest = snapshot_digest(&other.snapshot);
    assert!(verify::<Margin>(&other, &proof).is_err());
    let mut other = claim.clone();
    let with_slots = |other: &mut MarginClaim, new| {
        if let Subject::Account { slots, .. } = &mut other.subject {
            *slots = new;
        }
    };
    with_slots(&mut other, 32);
    assert!(verify::<Margin>(&other, &proof).is_err());
    with_slots(&mut other, 5);
    assert!(matches!(
        verify::<Margin>(&other, &proof),
        Err(Rejection::Claim(_))
    ));
}

#[test]
fn accounts_of_all_sizes_and_levels() {
    let snapshot = sample::snapshot();
    for (seed, (slots, positions)) in [(4, 0), (4, 3), (8, 8), (16, 5), (32, 32), (64, 1)]
        .into_iter()
        .enumerate()
    {
        let account = account(&snapshot, seed as u64, positions);
        for level in LEVELS {
            let prepared = alone(&snapshot, &account, level, slots).expect("the level is met");
            let found = violations(&prepared.tables(0), &prepared.traces(0));
            assert_eq!(found, [], "{slots} slots, {level}");
        }
    }
}

#[test]
fn a_book_end_to_end() {
    let prepared = book(300);
    let Subject::Book { book, below, .. } = prepared.claim().subject else {
        panic!("a book's claim is about a book")
    };
    assert_eq!((book.accounts, below), (300, 2));
    let proof = vec![prepared.prove_part(0).expect("proves")];
    verify::<Margin>(prepared.claim(), &proof).expect("verifies");
    let part = Margin::part(prepared.claim(), &prepared.context, 0);
    assert!(security_report(&part).proven_bits >= TARGET_BITS);

    let mut other = prepared.claim().clone();
    if let Subject::Book { below, .. } = &mut other.subject {
        *below = 1;
    }
    assert!(matches!(
        verify::<Margin>(&other, &proof),
        Err(Rejection::Invalid { .. })
    ));
    if let Subject::Book { below, book, .. } = &mut other.subject {
        (*below, book.accounts) = (2, 299);
    }
    assert!(verify::<Margin>(&other, &proof).is_err());
}

#[test]
fn a_book_of_two_segments() {
    let prepared = book(1100);
    assert_eq!(prepared.parts(), 2);
    for part in 0..2 {
        assert_eq!(
            violations(&prepared.tables(part), &prepared.traces(part)),
            [],
            "part {part}"
        );
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = single();
    assert_eq!(
        cell_test(&prepared.tables(0), &prepared.traces(0), &[("joined", 40)]),
        []
    );
    let prepared = book(300);
    let rows = [("accounts", 400), ("lines", 400), ("outcomes", 1601)];
    assert_eq!(
        cell_test(&prepared.tables(0), &prepared.traces(0), &rows),
        []
    );
}

#[test]
fn a_book_resumes() {
    let snapshot = sample::snapshot();
    let small = sample::book(&snapshot, 4, 3, 2, 0);
    let folder = tempfile::tempdir().expect("a folder");
    let sealed = SealedBook::new(&snapshot, small.accounts(), 4, &secret()).expect("it fits");
    let prepared = Prepared::new(&sealed, None, Level::Initial).expect("it is well-formed");
    let prove = || {
        let proof = prepared.prove(&mut |_, _| {}, Some(folder.path()));
        (prepared.claim().clone(), proof.expect("proves"))
    };
    let first = prove();
    // Proofs are random, so an equal one was not made again.
    assert_eq!(prove(), first);
    for file in std::fs::read_dir(folder.path()).expect("a folder") {
        let path = file.expect("a file").path();
        let mut bytes = std::fs::read(&path).expect("a file");
        bytes[100] ^= 1;
        std::fs::write(&path, bytes).expect("writes");
    }
    let again = prove();
    assert!(
        again.0 == first.0 && again.1 != first.1,
        "a broken part is made again"
    );
    verify::<Margin>(&again.0, &again.1).expect("verifies");
}

#[test]
fn what_is_not_met_is_refused_in_words() {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 5, 1, 8, 1);
    let poor = &book.accounts()[0];
    let error = alone(&snapshot, poor, Level::Maintenance, 8)
        .expect_err("it is below")
        .to_string();
    for word in [
        "acct-000000",
        "maintenance",
        "worst scenario",
        "equity",
        "requirement",
    ] {
        assert!(error.contains(word), "{error}");
    }
    let below = |id| check(&snapshot, book.accounts(), id, Level::Maintenance);
    assert_eq!(below(None).expect("it is well-formed").below.len(), 1);
    // The same reason, and the same predicate, whether it is only checked or proven.
    let refused = below(Some(&poor.id)).expect_err("it is below");
    assert!(refused.is_false() && refused.reason::<Undermargined>().is_some());
    assert_eq!(refused.to_string(), error);
    let refused = below(Some("nobody")).expect_err("there is no such account");
    assert!(!refused.is_false() && refused.reason::<NoAccount>().is_some());
    let many = account(&snapshot, 1, 9);
    let error = alone(&snapshot, &many, Level::Initial, 8);
    let error = error.expect_err("there are too few slots");
    let reason = error.reason::<BookError>();
    assert!(matches!(reason, Some(BookError::TooManyPositions { .. })));
}

/// The public digits times the private numbers are exactly the margins that `market` finds.
#[test]
fn the_circuit_adds_up_as_market_does() {
    let snapshot = sample::snapshot();
    for (seed, level) in (10..40).zip(LEVELS.into_iter().cycle()) {
        let tables = MarginTables::new(&snapshot, level).expect("valid");
        let account = account(&snapshot, seed, 1 + seed as usize);
        let prepared =
            alone(&snapshot, &account, Level::Initial, 64).expect("initial margin is met");
        let result = evaluate(&snapshot, &tables, &account);
        let plan = plan::Plan::new(&tables, true, 1, 64).expect("it fits");
        let rates = &plan.rates;
        let join = |digits: &[i64]| {
            digits
                .iter()
                .rev()
                .fold(0i128, |v, &d| v * 1024 + i128::from(d))
        };
        for (s, margin) in margins(&tables, &account).iter().enumerate() {
            let sum: i128 = prepared.witness.members()[0]
                .account
                .positions
                .iter()
                .map(|p| {
                    let key = crate::account::position_key(p);
                    i128::from(p.lots) * join(rates.value(key, s)) * SUBTICKS_PER_TICK
                        + i128::from(p.entry) * join(rates.entry(key))
                })
                .sum();
            assert_eq!(
                result.collateral + sum,
                *margin,
                "account {seed}, column {s}"
            );
        }
    }
}

/// A verifier builds the tables a claim tells it to, before it looks at a proof: their sizes are capped.
#[test]
fn claims_of_endless_tables_are_refused() {
    let many = |tiers: u32| {
        let mut snapshot = sample::snapshot();
        let schedule = &mut snapshot.assets[0].haircuts.margin;
        let tier = schedule[0].clone();
        *schedule = (0..tiers)
            .map(|i| {
                let mut tier = tier.clone();
                tier.up_to = fixed::Decimal::from_int(1_000 * (i128::from(i) + 1));
                tier.percent = fixed::Decimal::new(i128::from(9_000 - i), 2);
                tier
            })
            .collect();
        let tables = MarginTables::new(&snapshot, Level::Initial).expect("valid");
        plan::Plan::new(&tables, true, 1, 64)
    };
    assert!(many(64).is_ok());
    assert!(many(65).unwrap_err().contains("tiers"));
}

/// More collateral never worsens a margin, and never makes a provable claim unprovable.
#[test]
fn more_collateral_never_hurts() {
    let snapshot = sample::snapshot();
    for (seed, level) in (10..30).zip(LEVELS.into_iter().cycle()) {
        let tables = MarginTables::new(&snapshot, level).expect("valid");
        let poor = account(&snapshot, seed, 1 + seed as usize);
        let before = margins(&tables, &poor);
        for asset in 0..snapshot.assets.len() {
            let mut rich = poor.clone();
            rich.balances[asset].equity += 1 << (20 + seed % 20);
            let after = margins(&tables, &rich);
            for (before, after) in before.iter().zip(&after) {
                assert!(after >= before, "account {seed}, asset {asset}");
            }
            alone(&snapshot, &rich, Level::Initial, 64).expect("still met");
        }
    }
}

/// The value of positions is linear in their size: twice the lots and entries at twice the sum.
#[test]
fn twice_the_positions_are_worth_twice() {
    let snapshot = sample::snapshot();
    for (seed, level) in (10..30).zip(LEVELS.into_iter().cycle()) {
        let tables = MarginTables::new(&snapshot, level).expect("valid");
        let once = account(&snapshot, seed, 1 + seed as usize);
        let mut twice = once.clone();
        for p in &mut twice.positions {
            p.lots *= 2;
            p.entry *= 2;
        }
        let (once, twice) = (margins(&tables, &once), margins(&tables, &twice));
        for (once, twice) in once.iter().zip(&twice) {
            let doubled = 2 * (once - before_positions(&snapshot, &tables, seed));
            assert_eq!(twice - before_positions(&snapshot, &tables, seed), doubled);
        }
    }
}

/// Collateral less debts of the account of this seed.
fn before_positions(snapshot: &market::Snapshot, tables: &MarginTables, seed: u64) -> i128 {
    evaluate(
        snapshot,
        tables,
        &account(snapshot, seed, 1 + seed as usize),
    )
    .collateral
}

/// Options of the real chain, coin-settled.
#[test]
fn an_account_with_real_options() {
    let data = std::env::var_os("SEALBOOK_DATA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        std::path::PathBuf::from,
    );
    let chain = data.join("option-chain.csv");
    if !chain.exists() {
        println!("skipped: there is no {}", chain.display());
        return;
    }
    let lot = fixed::Decimal::new(1, 1);
    let snapshot = market::import::optionchain::read(&chain, "BTC", lot).expect("it reads");
    let mut account = account(&sample::snapshot(), 1, 0);
    account.balances = vec![
        market::Balance {
            equity: 50_0000_0000,
            ..Default::default()
        };
        snapshot.assets.len()
    ];
    account.positions = (0..60)
        .map(|i| market::Position {
            instrument: 3 * i,
            side: if i % 2 == 0 {
                market::Side::Long
            } else {
                market::Side::Short
            },
            lots: 1 + i as u64,
            entry: 1_000_000 * (1 + i as u64),
        })
        .collect();
    let prepared =
        alone(&snapshot, &account, Level::Maintenance, 64).expect("fifty coins cover it");
    let proof = vec![prepared.prove_part(0).expect("proves")];
    verify::<Margin>(prepared.claim(), &proof).expect("verifies");
}
