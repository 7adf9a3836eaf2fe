//! What is true is accepted, and agrees with `market`.

use market::array::MOVE_BITS;
use market::margin::{MarginTables, Undermargined, evaluate, losses};
use market::{Level, sample};
use records::units::Lots;
use stark::{Rejection, Statement, TARGET_BITS, cell_test, security_report, verify, violations};

use super::{LEVELS, account, alone, book, secret, set_dollars, single};
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
    let rows = [("accounts", 400), ("lines", 400), ("losses", 2399)];
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
        "largest losses",
        "price",
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

/// The sizes of one account's tables.
const SIZES: plan::Sizes = plan::Sizes {
    single: true,
    accounts: 1,
    slots: 64,
    underlyings: 2,
};

/// The public digits times the private numbers are exactly the losses that `market` finds.
#[test]
fn the_circuit_adds_up_as_market_does() {
    let snapshot = sample::snapshot();
    for (seed, level) in (10..40).zip(LEVELS.into_iter().cycle()) {
        let tables = MarginTables::new(&snapshot, level).expect("valid");
        let account = account(&snapshot, seed, 1 + seed as usize);
        let plan = plan::Plan::new(&tables, &SIZES).expect("it fits");
        let join = |digits: &[i64]| {
            let digits = digits.iter().rev();
            digits.fold(0i128, |v, &d| v * 1024 + i128::from(d))
        };
        let result = evaluate(&tables, &account).expect("it is small");
        let expected = losses(&tables, &account).expect("it is small");
        for loss in &result.losses {
            let balance = loss.balance.0;
            let row = 2 * (loss.underlying + 1) + usize::from(balance < 0);
            for (s, expected) in expected[loss.underlying].iter().enumerate() {
                let coin = match tables.coins.contains(&Some(loss.underlying)) {
                    true => balance * join(plan.moves.of(row, s)),
                    false => 0,
                };
                let on = account.positions.iter().filter(|p| {
                    plan.rates.underlying(crate::account::position_key(p)) == loss.underlying + 1
                });
                let won = on.map(|p| {
                    let change = plan.rates.change(crate::account::position_key(p), s);
                    i128::from(p.lots.0) * join(change)
                });
                let won = (won.sum::<i128>() << MOVE_BITS) + coin;
                assert_eq!(-won, *expected, "account {seed}, column {s}");
            }
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
        plan::Plan::new(&tables, &SIZES)
    };
    assert!(many(64).is_ok());
    assert!(many(65).unwrap_err().contains("tiers"));
    // More assets than one sum holds.
    let mut snapshot = sample::snapshot();
    for i in 0..60 {
        let mut asset = snapshot.assets[1].clone();
        asset.symbol = format!("COIN{i}");
        snapshot.assets.push(asset);
    }
    let tables = MarginTables::new(&snapshot, Level::Initial).expect("valid");
    let refused = plan::Plan::new(&tables, &SIZES).unwrap_err();
    assert!(refused.contains("leave out assets"), "{refused}");
}

/// Snapshots whose tables look otherwise: balances that stand still, scenarios of an underlying's own, underlyings without a coin, no
/// coin at all, and more underlyings than a claim has places for by default.
#[test]
fn markets_of_every_kind_have_a_witness() {
    let sample = sample::snapshot();
    let changed = |change: &dyn Fn(&mut market::Snapshot)| {
        let mut snapshot = sample.clone();
        change(&mut snapshot);
        snapshot.validate().expect("it is a market");
        snapshot
    };
    let linear = |snapshot: &mut market::Snapshot| {
        let on = |i: &market::Instrument| i.settlement == market::Settlement::Linear;
        snapshot.instruments.retain(on);
    };
    let snapshots = [
        changed(&|s| s.parameters.balances_move = false),
        changed(&|s| {
            let mut short = s.grid.clone();
            short
                .price_moves
                .retain(|m| m.abs() < fixed::Decimal::new(10, 2));
            s.grids.insert("ETH".into(), short);
        }),
        changed(&|s| {
            linear(s);
            for i in &mut s.instruments {
                i.underlying = format!("index of {}", i.underlying).replace(' ', "-");
            }
        }),
        changed(&|s| {
            linear(s);
            s.parameters.stable_assets = vec!["SHIB".into()];
            for (asset, name) in s.assets.iter_mut().skip(1).zip(["BTC", "ETH"]) {
                assert_eq!(asset.symbol, name);
                asset.price = fixed::Decimal::ZERO;
            }
        }),
        changed(&|s| {
            linear(s);
            for (n, i) in s.instruments.iter_mut().enumerate() {
                i.underlying = format!("U{}", n / 5);
            }
        }),
    ];
    for (i, snapshot) in snapshots.iter().enumerate() {
        let count = snapshot.instruments.len().min(8);
        let book = sample::book(snapshot, 3, 20, count, 2);
        let sealed = SealedBook::new(snapshot, book.accounts(), 8, &secret()).expect("it fits");
        let one = &book.accounts()[10].id;
        for id in [None, Some(one.as_str())] {
            let prepared = Prepared::new(&sealed, id, Level::Maintenance).expect("it is true");
            let found = violations(&prepared.tables(0), &prepared.traces(0));
            assert_eq!(found, [], "market {i}, {id:?}");
        }
    }
}

/// More collateral never worsens a margin, and never makes a provable claim unprovable.
#[test]
fn more_collateral_never_hurts() {
    let snapshot = sample::snapshot();
    for (seed, level) in (10..30).zip(LEVELS.into_iter().cycle()) {
        let tables = MarginTables::new(&snapshot, level).expect("valid");
        let poor = account(&snapshot, seed, 1 + seed as usize);
        let before = evaluate(&tables, &poor).expect("it is small").excess;
        for asset in 0..snapshot.assets.len() {
            let mut rich = poor.clone();
            rich.balances[asset].equity += 1 << (20 + seed % 20);
            let after = evaluate(&tables, &rich).expect("it is small").excess;
            assert!(after >= before, "account {seed}, asset {asset}");
            alone(&snapshot, &rich, Level::Initial, 64).expect("still met");
        }
    }
}

/// What nets with one underlying does not with another, and coins move with positions on them: in the tables as in `market`.
#[test]
fn accounts_of_every_kind_have_a_witness() {
    let snapshot = sample::snapshot();
    let symbol = |symbol: &str| snapshot.instrument(symbol).expect("it is listed");
    let position = |name: &str, side, lots, entry| market::Position {
        instrument: symbol(name),
        side,
        lots: Lots(lots),
        entry,
    };
    use market::Side::{Long, Short};
    let coins = [("BTC", 10), ("ETH", -40), ("SHIB", -1_000_000), ("BTC", -2)];
    let positions = [
        vec![],
        vec![position("ETH-PERP", Short, 17_980, 65_000_000_000)],
        vec![
            position("BTC-PERP", Long, 10_000, 651_000_000_000),
            position("ETH-PERP", Short, 17_980, 65_000_000_000),
        ],
        vec![
            position("BTC-PERP-COIN", Short, 5_000, 76_000_000),
            position("BTC-30JAN26-50000-C", Short, 100, 238_850_346),
        ],
    ];
    for (symbol, amount) in coins {
        for positions in &positions {
            let mut account = account(&snapshot, 1, 0);
            let asset = snapshot.asset(symbol).expect("it is listed");
            let units = amount * 10i64.pow(snapshot.assets[asset].decimals.into());
            account.balances.fill(market::Balance::default());
            let balance = &mut account.balances[asset];
            (balance.equity, balance.debt) = match units {
                0.. => (units as u64, 0),
                _ => (0, units.unsigned_abs()),
            };
            account.balances[0].equity = 10_000_000_000_000;
            account.positions.clone_from(positions);
            for level in LEVELS {
                let prepared = alone(&snapshot, &account, level, 4).expect("it is rich");
                let found = violations(&prepared.tables(0), &prepared.traces(0));
                assert_eq!(found, [], "{symbol} {amount}, {positions:?}, {level}");
            }
        }
    }
}

/// At the requirement to the last subtick an account meets the level; a unit of dollars less and it does not.
#[test]
fn the_boundary_is_exact() {
    let snapshot = sample::snapshot();
    let mut account = account(&snapshot, 3, 12);
    account.balances[0] = market::Balance {
        equity: 10_000_000_000_000,
        ..Default::default()
    };
    let tables = MarginTables::new(&snapshot, Level::Maintenance).expect("valid");
    let excess = evaluate(&tables, &account).expect("it is small").excess.0;
    // A unit of dollars is a tick, 2^20 subticks.
    let dollars = 10_000_000_000_000 - (excess >> 20);
    set_dollars(&mut account, dollars);
    let met = alone(&snapshot, &account, Level::Maintenance, 16).expect("it is met");
    assert_eq!(violations(&met.tables(0), &met.traces(0)), []);
    set_dollars(&mut account, dollars - 1);
    alone(&snapshot, &account, Level::Maintenance, 16).expect_err("it is below");
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
    let snapshot = market::import::optionchain::read(&chain, lot).expect("it reads");
    let mut account = account(&sample::snapshot(), 1, 0);
    account.balances = vec![
        market::Balance {
            equity: 50_0000_0000,
            ..Default::default()
        };
        snapshot.assets.len()
    ]
    .into();
    account.positions = (0..60)
        .map(|i| market::Position {
            instrument: 3 * i,
            side: if i % 2 == 0 {
                market::Side::Long
            } else {
                market::Side::Short
            },
            lots: Lots(1 + i as u64),
            entry: 1_000_000 * (1 + i as u64),
        })
        .collect();
    let prepared =
        alone(&snapshot, &account, Level::Maintenance, 64).expect("fifty coins cover it");
    let proof = vec![prepared.prove_part(0).expect("proves")];
    verify::<Margin>(prepared.claim(), &proof).expect("verifies");
}
