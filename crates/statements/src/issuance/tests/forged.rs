//! What is false is not accepted.

use super::*;
use crate::issuance::claim::PRODUCT;
use records::units::Cents;

/// Each numbered constraint is broken, alone, by some change of one cell. The key and what opens the seal are hashed, too,
/// so changes of them break more than one; they are below.
#[test]
fn every_constraint_breaks_alone() {
    let alone = broken_alone(&prepared(150), &[0, 1, 2, 90, 149, 150, 200, 255]);
    let mut expected: Vec<String> = (1..=4).map(|i| format!("ORDER-{i}")).collect();
    expected.extend(
        [
            "NULLIFIER-3",
            "CODES-1",
            "POSEIDON2",
            "TOTALS-2",
            "TOTALS-5",
        ]
        .map(String::from),
    );
    let idle: Vec<_> = expected
        .iter()
        .filter(|id| !alone.contains(id.as_str()))
        .collect();
    assert!(idle.is_empty(), "no change breaks {idle:?} alone");
}

/// One loan twice in the pool, in the place of another.
#[test]
fn a_loan_counted_twice_is_rejected() {
    let tape = mortgages(3, 60);
    let good = prepared_of(&tape);
    let found = wrong(&good, |rows| {
        rows.loans[8] = rows.loans[7].clone();
        rows.leaves[8] = rows.leaves[7].clone();
    });
    assert!(found.contains(&"COMPARE-4".into()), "{found:?}");
    // Its nullifier stands twice in the list.
    let mut claim = good.claim().clone();
    claim.nullifiers[8] = claim.nullifiers[7];
    assert!(refused(&claim).contains("a loan is pledged twice"));
    // The list hides the second by another nullifier.
    let found = forged(&tape, &key(), |claim, sealed| {
        sealed.leaves[8] = sealed.leaves[7].clone();
        sealed.loans[8] = sealed.loans[7].clone();
        claim.nullifiers[0] = key().nullifier(&Identity::of("made up"));
    });
    assert!(found.contains(&"COMPARE-4".into()), "{found:?}");
    assert!(found.contains(&"TOTALS-5".into()), "{found:?}");
    // The tape itself.
    let mut twice = tape;
    twice.loans[4] = twice.loans[1].clone();
    let error = check(&twice, &deal(&twice)).expect_err("an id stands twice");
    assert!(matches!(
        error.reason(),
        Some(IssuanceError::Tape(TapeError::SameId(_)))
    ));
}

/// A loan that is pledged elsewhere is to be known by another nullifier here.
#[test]
fn nullifiers_are_those_of_the_loans() {
    let tape = mortgages(3, 60);
    let none = Vec::<String>::new();
    assert_eq!(forged(&tape, &key(), |_, _| ()), none);
    // One replaced.
    let found = forged(&tape, &key(), |claim, _| {
        claim.nullifiers[5] = key().nullifier(&Identity::of("made up"));
    });
    assert_eq!(found, ["TOTALS-5"]);
    // Those of another key: of all rows, and of this claim's registry.
    let under = |claim: &mut IssuanceClaim, sealed: &Sealed, key: &RegistryKey| {
        let leaves = sealed.leaves.iter();
        claim.nullifiers = leaves.map(|l| key.nullifier(&l.identity)).collect();
    };
    let found = forged(&tape, &other_key(), |claim, sealed| {
        under(claim, sealed, &other_key());
    });
    assert_eq!(found, ["SPONGE-5"]);
    let found = forged(&tape, &key(), |claim, sealed| {
        under(claim, sealed, &other_key());
    });
    assert_eq!(found, ["TOTALS-5"]);
    // Of all rows but the first, whose key is hashed.
    let mut claim = prepared_of(&tape).claim().clone();
    let sealed = Sealed::new(&tape, &secret()).expect("ids differ");
    under(&mut claim, &sealed, &other_key());
    let first = key().nullifier(&sealed.leaves[0].identity);
    let hidden = other_key().nullifier(&sealed.leaves[0].identity);
    let at = claim.nullifiers.iter().position(|n| *n == hidden);
    claim.nullifiers[at.expect("it is listed")] = first;
    claim.nullifiers.sort_unstable();
    let forged_key =
        Prepared::unchecked(claim, sealed, &key(), &secret()).expect("it is well formed");
    let found = wrong(&forged_key, |rows| {
        rows.key[1] = other_key().elements();
        let product = registers_of(forged_key.context().product);
        rows.after[SALTS + PRODUCT..].copy_from_slice(&product);
    });
    assert_eq!(found, ["NULLIFIER-1"]);
    // A loan whose seal hides the rest of another identity under the same sort key.
    let found = forged(&tape, &key(), |claim, sealed| {
        let own = key().nullifier(&sealed.leaves[3].identity);
        sealed.leaves[3].identity.0[5] += F::ONE;
        let at = claim.nullifiers.iter().position(|n| *n == own);
        claim.nullifiers[at.expect("it is listed")] = key().nullifier(&sealed.leaves[3].identity);
    });
    assert_eq!(found, ["NULLIFIER-2"]);
    let found = forged(&tape, &key(), |_, sealed| {
        sealed.leaves[3].salt[0] += F::ONE
    });
    assert_eq!(found, ["NULLIFIER-2"]);
}

/// A cent less of a balance, and closed loans that are counted.
#[test]
fn the_balance_is_that_of_open_loans() {
    let tape = mortgages(3, 60);
    let pool = sample_pool::owed(&tape);
    for other in [pool - Cents(1), pool + Cents(1)] {
        let found = forged(&tape, &key(), |claim, _| {
            claim.balance = other;
            claim.deal.original_pool = Decimal::new(other.0.into(), 2);
            claim.tranches = backing(&claim.deal, other).expect("it is backed");
        });
        assert_eq!(found, ["TOTALS-5"], "{other}");
    }
    let mut closed = tape;
    let status = closed.template.field("status").expect("it has one");
    closed.loans[9].values[status] = Some(2);
    let claim = prepared_of(&closed).claim().clone();
    let less = claim.balance;
    let balance = closed.template.field("balance").expect("it has one");
    assert_eq!(
        pool - less,
        Cents(closed.loans[9].values[balance].expect("it owes"))
    );
    // The loan is said to be open after all.
    let found = wrong(&prepared_of(&closed), |rows| {
        let loan = rows.loans.iter_mut().find(|l| l.values[status] == Some(2));
        std::sync::Arc::make_mut(loan.expect("there is one")).values[status] = Some(0);
    });
    assert!(found.contains(&"bus tree".into()), "{found:?}");
}

/// Loans that were bought back or paid off and still owe something: before, the circuit passed over what they owe.
#[test]
fn closed_loans_owe_nothing() {
    let mut closed = mortgages(3, 60);
    let [status, balance] =
        ["status", "balance"].map(|n| closed.template.field(n).expect("it has one"));
    for (loan, code) in [(4, 3), (9, 4)] {
        closed.loans[loan].values[status] = Some(code);
        closed.loans[loan].values[balance] = Some(0);
    }
    let good = prepared_of(&closed);
    assert_eq!(broken(&good, 0), Vec::<String>::new());
    let counts = (good.claim().open, good.claim().defaulted);
    assert_eq!(counts.0 + counts.1, 58);
    for (loan, cents) in [(4, 1), (9, 1 << 30)] {
        let mut owing = closed.clone();
        owing.loans[loan].values[balance] = Some(cents);
        let id = owing.loans[loan].id.clone();
        let refused = Prepared::new(&owing, &deal(&closed), &key(), &secret());
        let error = refused
            .map(|_| ())
            .expect_err("it contradicts itself")
            .to_string();
        assert!(error.contains(&id) && error.contains("closed"), "{error}");
        let sealed = Sealed::new(&owing, &secret()).expect("ids differ");
        let mut claim = good.claim().clone();
        claim.pool = sealed.pool.into();
        claim.segments = sealed.trees.iter().map(|t| t[1].into()).collect();
        let forged = Prepared::unchecked(claim, sealed, &key(), &secret());
        let forged = forged.unwrap_or_else(|e| panic!("the claim is well formed: {e}"));
        assert_eq!(broken(&forged, 0), ["PLEDGE-1"]);
    }
    // Other numbers of open and defaulted loans.
    let (open, defaulted) = counts;
    for (open, defaulted) in [(open + 1, defaulted), (open - 1, defaulted + 1), (0, 0)] {
        let found = forged(&closed, &key(), |claim, _| {
            (claim.open, claim.defaulted) = (open, defaulted);
        });
        assert_eq!(found, ["TOTALS-5"], "{open} {defaulted}");
    }
}

/// A key that nobody filled in is none: everyone would guess it.
#[test]
fn a_key_of_zeros_is_refused() {
    let zeros = "0".repeat(64);
    assert!(Secret::from_hex(&zeros).is_none());
    assert!(Secret::from_hex(&format!("{}1", &zeros[..63])).is_some());
    let registry = gadgets::hash::hash(gadgets::hash::Domain::Registry, &[F::ZERO; 8]);
    let mut claim = prepared(5).claim().clone();
    claim.registry = registry.into();
    assert!(refused(&claim).contains("zeros"));
}

/// What an issuer would change in its claim, each rejected by the same proof or before it.
#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(60);
    let good = prepared.claim();
    let proofs = proven(&prepared);
    let changes: Vec<(&str, Change<Issuance>)> = vec![
        ("a loan less", |c| c.loans -= 1),
        ("a loan less, and its nullifier", |c| {
            c.loans -= 1;
            c.nullifiers.pop();
        }),
        ("a nullifier left out", |c| {
            c.nullifiers.remove(30);
        }),
        ("a nullifier more", |c| {
            c.nullifiers.push(key().nullifier(&Identity::of("x")));
            c.nullifiers.sort_unstable();
        }),
        ("a nullifier replaced", |c| {
            c.nullifiers[30] = key().nullifier(&Identity::of("x"));
            c.nullifiers.sort_unstable();
        }),
        ("a nullifier twice", |c| c.nullifiers[30] = c.nullifiers[31]),
        ("a list that does not rise", |c| c.nullifiers.swap(3, 4)),
        ("another registry", |c| c.registry = other_key().registry()),
        ("another pool", |c| c.pool = c.segments[0]),
        ("another subtree", |c| c.segments[0] = c.pool),
        ("more states", |c| c.states.push(c.pool)),
        ("no subtree", |c| c.segments.clear()),
        ("an open loan less", |c| c.open -= 1),
        ("a defaulted loan for an open one", |c| {
            c.open -= 1;
            c.defaulted += 1;
        }),
        ("more open loans than loans", |c| c.open = u64::MAX),
        ("another day", |c| {
            c.cut_off = "2020-06-30".to_string().try_into().expect("a date");
        }),
        ("a cent less", |c| c.balance -= Cents(1)),
        ("a cent less in the deal, too", |c| {
            c.balance -= Cents(1);
            c.deal.original_pool = Decimal::new(c.balance.0.into(), 2);
            c.tranches = backing(&c.deal, c.balance).expect("it is backed");
        }),
        ("a pool beyond all deals", |c| c.balance = Cents(u64::MAX)),
        ("a larger tranche", |c| c.tranches[0].notional += Cents(1)),
        ("a higher attachment point", |c| {
            c.tranches[1].attachment = c.tranches[1].detachment;
        }),
        ("a tranche less", |c| {
            c.tranches.pop();
        }),
        ("tranches above the pool", |c| {
            c.deal.tranches[2].balance = c.deal.original_pool;
        }),
        ("another deal", |c| c.deal.currency = "EUR".into()),
        ("a line of output", |c| {
            c.deal.name = "x\naccepted: all".into()
        }),
        ("credits, which owe nothing", |c| {
            c.template = read_template("carbon").expect("it comes with the crate");
        }),
        ("no fields", |c| c.template.fields.clear()),
        ("no loans", |c| c.loans = 0),
        ("more loans than there are numbers", |c| c.loans = u64::MAX),
    ];
    assert_rejected::<Issuance>(good, &proofs, &changes);
    // What a claim makes its verifier do is bounded.
    let mut claim = good.clone();
    claim.deal.tranches[0].name = "x".repeat(300_000);
    assert!(refused(&claim).contains("bytes"));
}

#[test]
fn false_claims_are_refused_with_the_reason() {
    let tape = mortgages(3, 30);
    let pool = sample_pool::owed(&tape);
    let error = check(&tape, &sample_deal_for(pool - Cents(1))).expect_err("another pool");
    assert!(error.is_false());
    assert!(matches!(error.reason(), Some(IssuanceError::Pool { .. })));
    let mut above = sample_deal_for(pool);
    above.tranches[2].balance = above.original_pool;
    above.accounts[1].opening = above.original_pool;
    let error = check(&tape, &above).expect_err("it is not the pool's");
    assert!(error.is_false());
    assert!(matches!(
        error.reason(),
        Some(IssuanceError::Unbacked { .. })
    ));
    let shared = Secret::from_hex(&"00000011".repeat(8)).expect("a constant");
    let error = Prepared::new(&tape, &sample_deal_for(pool), &key(), &shared).err();
    let error = error.expect("issuers know the secret").to_string();
    assert!(error.contains("use another secret"), "{error}");
    let empty = Tape {
        loans: Vec::new(),
        ..tape.clone()
    };
    let error = check(&empty, &sample_deal_for(pool)).expect_err("there is no loan");
    assert!(!error.is_false());
}
