//! The solvency statement: end to end, cell by cell, and what a dishonest venue would try.

use std::collections::BTreeSet;
use std::sync::Arc;

use market::solvency::NotSolvent;
use market::{Account, Balance, Balances, sample};
use records::units::MAX_AMOUNT;
use stark::{
    F, PrimeCharacteristicRing, Rejection, Statement, TableAir, Trace, broken_alone, cell_test,
    verify, violated, violations,
};
use statements::account::Secret;
use statements::book::{BookError, SealedBook};
use statements::kit::Refusal;
use statements::solvency::{Options, Prepared, Solvency, SolvencyClaim};

fn accounts(n: u64) -> Vec<Account> {
    (0..n).map(|i| sample::exchange_account(9, i)).collect()
}

/// An account with a debt that its worthless collateral does not cover.
fn dummy(id: &str, debt: u64) -> Account {
    let mut balances = Balances::none(4);
    balances[0] = Balance {
        debt,
        ..Balance::default()
    };
    balances[3] = Balance {
        equity: 1 << 40,
        loan: 1 << 40,
        ..Balance::default()
    };
    Account {
        id: id.into(),
        balances,
        positions: Vec::new(),
    }
}

fn with_dummies() -> Vec<Account> {
    let mut some = accounts(150);
    some.extend([dummy("d1", 1_000), dummy("d2", 123_456_789)]);
    some
}

fn try_prepare(accounts: &[Account], options: &Options) -> Result<Prepared, Refusal> {
    Prepared::new(&seal(accounts, &Secret::random()).unwrap(), options)
}

fn seal(accounts: &[Account], secret: &Secret) -> Result<Arc<SealedBook>, BookError> {
    SealedBook::new(&sample::exchange_snapshot(), accounts, 4, secret)
}

fn prepared(accounts: &[Account], options: &Options) -> Prepared {
    try_prepare(accounts, options).unwrap()
}

fn tables(prepared: &Prepared, part: usize) -> (Vec<TableAir>, Vec<Trace>) {
    let context = Solvency::context(prepared.claim()).unwrap();
    (
        Solvency::part(prepared.claim(), &context, part).tables,
        prepared.traces(part),
    )
}

// POSITIVE

#[test]
fn every_cell_is_pinned() {
    for accounts in [accounts(150), with_dummies()] {
        let (tables, traces) = tables(&prepared(&accounts, &Options::default()), 0);
        assert_eq!(violations(&tables, &traces), Vec::new());
        let padding = [("accounts", 200), ("totals", 40), ("shortfall", 100)];
        assert_eq!(cell_test(&tables, &traces, &padding), Vec::new());
    }
}

/// Two parts, linked by a hidden state; the cell test covers the sponge, too.
#[test]
fn parts_link() {
    let many = accounts((1 << 14) + 5);
    let sealed = seal(&many, &Secret::random()).unwrap();
    let prepared = Prepared::new(&sealed, &Options::default()).unwrap();
    assert_eq!(prepared.parts(), 2);
    // The last part is as small as its accounts allow, and its users still find their account.
    let last = sealed.inclusions().last().unwrap();
    assert_eq!(last.place.index, (1 << 14) + 4);
    let SolvencyClaim { snapshot, book, .. } = prepared.claim();
    assert!(last.check(snapshot, book).is_ok());
    let first = sealed.inclusions().next().unwrap();
    assert!(first.check(snapshot, book).is_ok());
    let context = Solvency::context(prepared.claim()).unwrap();
    let height = |part| Solvency::part(prepared.claim(), &context, part).tables[0].height();
    assert_eq!([height(0), height(1)], [1 << 14, 1 << 8]);
    // The small second part is checked table by table; the first is too large to check here.
    let (tables, traces) = tables(&prepared, 1);
    assert!(
        violations(&tables[1..3], &traces[1..3])
            .iter()
            .all(|v| { matches!(v, stark::Violation::Bus { .. }) })
    );
    assert_eq!(cell_test(&tables[1..3], &traces[1..3], &[]), Vec::new());
    let parts = [
        prepared.prove_part(0).unwrap(),
        prepared.prove_part(1).unwrap(),
    ];
    verify::<Solvency>(prepared.claim(), &parts).unwrap();
    let swapped = [parts[1].clone(), parts[0].clone()];
    assert!(verify::<Solvency>(prepared.claim(), &swapped).is_err());
    let twice = [parts[0].clone(), parts[0].clone()];
    assert!(verify::<Solvency>(prepared.claim(), &twice).is_err());
}

#[test]
fn sizes_at_the_edge() {
    // One account; a full table; the largest amounts, whose sums do not fit 64 bits.
    for n in [1, 2, 255, 256] {
        let (tables, traces) = tables(&prepared(&accounts(n), &Options::default()), 0);
        assert_eq!(violations(&tables, &traces), Vec::new(), "{n} accounts");
    }
    let rich = |i: u64| Account {
        id: format!("rich-{i}"),
        balances: vec![
            Balance {
                equity: MAX_AMOUNT - 1,
                ..Balance::default()
            };
            4
        ]
        .into(),
        positions: Vec::new(),
    };
    let book: Vec<Account> = (0..100).map(rich).collect();
    let prepared = prepared(&book, &Options::default());
    let sum = prepared.claim().totals.as_ref().unwrap()[0].liabilities;
    assert_eq!(sum.units(), 100 * i128::from(MAX_AMOUNT - 1));
    let (tables, traces) = tables(&prepared, 0);
    assert_eq!(violations(&tables, &traces), Vec::new());
}

#[test]
fn the_order_of_accounts_says_nothing() {
    let (mut forward, secret) = (accounts(40), Secret::random());
    let claim = |accounts: &[Account]| {
        let sealed = seal(accounts, &secret).unwrap();
        let prepared = Prepared::new(&sealed, &Options::default()).unwrap();
        prepared.claim().clone()
    };
    let one = claim(&forward);
    forward.reverse();
    assert_eq!(one, claim(&forward));
}

/// Equal salts would show up to which part two claims' uncovered accounts agree.
#[test]
fn the_same_book_at_other_prices_has_other_states() {
    let many = accounts((1 << 14) + 1);
    let secret = Secret::random();
    let states = |snapshot: &market::Snapshot| {
        let sealed = SealedBook::new(snapshot, &many, 4, &secret).unwrap();
        let prepared = Prepared::new(&sealed, &Options::default()).unwrap();
        (prepared.claim().book, prepared.claim().states.clone())
    };
    let mut snapshot = sample::exchange_snapshot();
    let (book, one) = states(&snapshot);
    assert_eq!(states(&snapshot), (book, one.clone()));
    snapshot.assets[0].price = fixed::Decimal::from_int(60_001);
    let (same_book, other) = states(&snapshot);
    assert_eq!(book, same_book);
    assert_ne!(one, other);
}

// NEGATIVE

/// Each numbered constraint is broken, alone, by some change of one cell.
#[test]
fn every_constraint_breaks_alone() {
    let (tables, traces) = tables(&prepared(&with_dummies(), &Options::default()), 0);
    let mut alone: BTreeSet<&str> = BTreeSet::new();
    for (air, trace) in tables.iter().zip(&traces) {
        alone.extend(broken_alone(air, trace, &[0, 1, 90, 200, 255]));
    }
    let mut expected: Vec<String> = (1..=4).map(|i| format!("ORDER-{i}")).collect();
    expected.push("ACCOUNTS-3".into());
    // The others break alone in the tests of the gadget.
    expected.extend([2, 3, 7].map(|i| format!("COMPARE-{i}")));
    expected.extend((1..=4).map(|i| format!("SHORTFALL-{i}")));
    expected.extend([1, 2, 3, 4, 5, 7].map(|i| format!("TOTALS-{i}")));
    expected.extend(["RANGE-2", "POSEIDON2", "BLIND-2"].map(String::from));
    let idle: Vec<_> = expected
        .iter()
        .filter(|id| !alone.contains(id.as_str()))
        .collect();
    assert!(idle.is_empty(), "no change breaks {idle:?} alone");
}

/// A range table that starts at one has no zero, and breaks only its first constraint.
#[test]
fn a_range_starts_at_zero() {
    let (tables, mut traces) = tables(&prepared(&accounts(5), &Options::default()), 0);
    let last = tables.len() - 1;
    let width = tables[last].width();
    traces[last]
        .values
        .iter_mut()
        .step_by(width)
        .for_each(|counter| *counter += F::ONE);
    let broken = violated(&tables[last..], &traces[last..]);
    let constraints: Vec<&String> = broken.iter().filter(|id| !id.starts_with("bus")).collect();
    assert_eq!(constraints, ["RANGE-1"]);
}

/// A bound on hidden totals is broken alone by its borrow bits and limbs.
#[test]
fn hidden_totals_stay_below_reserves() {
    let reserves = Some(vec![1 << 60; 4]);
    let options = Options {
        publish_totals: false,
        reserves,
        ..Options::default()
    };
    let (tables, traces) = tables(&prepared(&accounts(50), &options), 0);
    assert_eq!(violations(&tables, &traces), Vec::new());
    let totals = tables.iter().position(|t| t.name() == "totals").unwrap();
    let alone = broken_alone(&tables[totals], &traces[totals], &[5, 6]);
    assert!(alone.contains("TOTALS-6"), "{alone:?}");
}

#[test]
fn false_books_are_refused_with_the_reason() {
    let strict = Options {
        require_covered: true,
        ..Options::default()
    };
    let refused = try_prepare(&with_dummies(), &strict).err().unwrap();
    let reason = refused.reason::<NotSolvent>();
    assert!(refused.is_false() && matches!(reason, Some(NotSolvent::Uncovered(2, _))));
    let short = Options {
        reserves: Some(vec![0; 4]),
        ..Options::default()
    };
    let refused = try_prepare(&accounts(3), &short).err().unwrap();
    let reason = refused.reason::<NotSolvent>();
    assert!(refused.is_false() && matches!(reason, Some(NotSolvent::Insolvent(_))));
    let mut twice = accounts(3);
    twice.push(twice[0].clone());
    let secret = Secret::random();
    assert!(matches!(seal(&twice, &secret), Err(BookError::SameKey(..))));
    let mut pledged = accounts(1);
    pledged[0].balances[0].loan = pledged[0].balances[0].equity + 1;
    assert!(matches!(
        seal(&pledged, &secret),
        Err(BookError::Account(_))
    ));
    assert!(matches!(seal(&[], &secret), Err(BookError::Empty)));
}

/// What a dishonest venue would change in its claim, each rejected by the same proof.
#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(
        &with_dummies(),
        &Options {
            reserves: Some(vec![u128::from(MAX_AMOUNT); 4]),
            ..Options::default()
        },
    );
    let proof = [prepared.prove_part(0).unwrap()];
    let good = prepared.claim();
    verify::<Solvency>(good, &proof).unwrap();
    type Change = fn(&mut SolvencyClaim);
    let changes: Vec<(&str, Change)> = vec![
        ("a leaf left out", |c| c.book.accounts -= 1),
        ("one account more", |c| c.book.accounts += 1),
        ("fewer uncovered", |c| c.uncovered -= 1),
        ("none uncovered", |c| c.uncovered = 0),
        ("less negative equity", |c| {
            c.negative_equity = fixed::Decimal::ZERO
        }),
        ("less liabilities", |c| {
            let total = &mut c.totals.as_mut().unwrap()[0].liabilities;
            *total = total.checked_sub(&fixed::Decimal::new(1, 8)).unwrap();
        }),
        ("more equity", |c| {
            let total = &mut c.totals.as_mut().unwrap()[1].equity;
            *total = total.checked_add(&fixed::Decimal::new(1, 8)).unwrap();
        }),
        ("a better haircut", |c| {
            c.snapshot.assets[0].haircuts.loan[1].percent = fixed::Decimal::from_int(100);
        }),
        ("collateral from a worthless asset", |c| {
            c.snapshot.assets[3].haircuts = c.snapshot.assets[0].haircuts.clone();
        }),
        ("another price", |c| {
            c.snapshot.assets[0].price = fixed::Decimal::from_int(1)
        }),
        ("another book", |c| c.book.commitment = stark_digest(1)),
        ("other slots", |c| c.book.slots = 8),
        ("another day", |c| c.snapshot.as_of_ms += 86_400_000),
        ("another source", |c| c.snapshot.source = "elsewhere".into()),
        ("another asset", |c| {
            c.snapshot.assets[3].symbol = "BTC-2".into()
        }),
        ("other decimals", |c| c.snapshot.assets[3].decimals += 1),
        ("another subtree", |c| c.segments[0] = stark_digest(1)),
        ("no totals", |c| c.totals = None),
        ("reserves below liabilities", |c| {
            c.reserves.as_mut().unwrap()[0] = fixed::Decimal::new(1, 8);
        }),
        ("another currency", |c| c.snapshot.quote = "EUR".into()),
    ];
    for (what, change) in changes {
        let mut claim = good.clone();
        change(&mut claim);
        let outcome = verify::<Solvency>(&claim, &proof);
        assert!(outcome.is_err(), "{what} was accepted");
        assert!(
            !matches!(&outcome, Err(Rejection::Invalid { reason, .. }) if reason.contains("unexpectedly")),
            "{what} made the verifier panic"
        );
    }
}

fn stark_digest(value: u32) -> statements::account::PublicDigest {
    format!("{value:08x}").repeat(8).try_into().unwrap()
}

/// A witness made for another claim: the tables' own answer, without a proof.
#[test]
fn witnesses_of_other_books_break_the_tables() {
    let honest = prepared(&accounts(60), &Options::default());
    // The same row twice: a duplicate account.
    let (airs, mut traces) = tables(&honest, 0);
    let width = airs[0].width();
    let (above, below) = traces[0].values.split_at_mut(11 * width);
    below[..width].copy_from_slice(&above[10 * width..]);
    assert!(violated(&airs, &traces).contains(&"ORDER-3".into()));

    // Liabilities of one account dropped: the tree still opens, the sums do not.
    let mut poorer = accounts(60);
    poorer[3].balances = Balances::none(4);
    let secret = Secret::random();
    let make =
        |a: &[Account]| Prepared::new(&seal(a, &secret).unwrap(), &Options::default()).unwrap();
    let (rich, poor) = (make(&accounts(60)), make(&poorer));
    let (airs, _) = tables(&rich, 0);
    let broken = violated(&airs, &poor.traces(0));
    assert!(
        broken.contains(&"TOTALS-5".into()) && broken.contains(&"bus tree".into()),
        "{broken:?}"
    );

    // A multiplicity on a row of the range table that nobody asked for.
    let (airs, mut traces) = tables(&honest, 0);
    let last = traces.len() - 1;
    let end = traces[last].values.len();
    traces[last].values[end - airs[last].width() + 1] += F::ONE;
    assert_eq!(violated(&airs, &traces), ["bus limb"]);
}
