//! Tests of the issuance statement: what is true is accepted, what is false is not.

mod needed;

use std::collections::BTreeSet;

use fixed::Decimal;
use gadgets::totals::SALTS;
use risk::deal::Deal;
use risk::import::tape::read_template;
use risk::issuance::{IssuanceError, backing};
use risk::pool::Tape;
use risk::sample_deal::sample_deal_for;
use risk::sample_pool;
use stark::{
    F, PrimeCharacteristicRing, Statement, broken_alone, cell_test, security_report, verify,
    violated, violations,
};

use super::claim::{PRODUCT, PartTables};
use super::witness::Rows;
use super::*;
use crate::account::{Identity, Secret};
use crate::loan::Sealed;
use crate::pool::registers_of;

fn secret() -> Secret {
    Secret::from_hex(&"00000007".repeat(8)).expect("a constant")
}

fn key() -> RegistryKey {
    Secret::from_hex(&"00000011".repeat(8))
        .expect("a constant")
        .into()
}

fn other_key() -> RegistryKey {
    Secret::from_hex(&"00000012".repeat(8))
        .expect("a constant")
        .into()
}

fn tape(seed: u64, loans: usize) -> Tape {
    let template = read_template("mortgage").expect("it comes with the crate");
    sample_pool::tape(seed, loans, &template)
}

fn deal(tape: &Tape) -> Deal {
    sample_deal_for(sample_pool::owed(tape))
}

fn prepared_of(tape: &Tape) -> Prepared {
    Prepared::new(tape, &deal(tape), &key(), &secret()).expect("it is true")
}

fn prepared(loans: usize) -> Prepared {
    prepared_of(&tape(3, loans))
}

fn broken(prepared: &Prepared) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    violated(&tables.airs(), &prepared.traces(0))
}

/// What is wrong with the first part's rows after a change.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut rows = prepared.rows(0);
    change(&mut rows);
    violated(&tables.airs(), &rows.fill(&tables))
}

/// What is wrong with the honest tables of this pool under another claim, which is well formed, and a key: everything that
/// follows from the claim, and all running values, are as a forger would have them.
fn forged(
    tape: &Tape,
    key: &RegistryKey,
    change: impl FnOnce(&mut IssuanceClaim, &mut Sealed),
) -> Vec<String> {
    let mut claim = prepared_of(tape).claim().clone();
    let mut sealed = Sealed::new(tape, &secret()).expect("ids differ");
    change(&mut claim, &mut sealed);
    claim.nullifiers.sort_unstable();
    let forged = Prepared::unchecked(claim, sealed, key, &secret());
    broken(&forged.unwrap_or_else(|e| panic!("the claim is well formed: {e}")))
}

/// Why a claim is refused before its proof is looked at.
fn refused(claim: &IssuanceClaim) -> String {
    Issuance::context(claim).expect_err("it contradicts itself")
}

// POSITIVE

#[test]
fn true_claims_have_a_witness() {
    for loans in [1, 2, 100, 256, 257] {
        let prepared = prepared(loans);
        let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
        let found = violations(&tables.airs(), &prepared.traces(0));
        assert_eq!(found, Vec::new(), "{loans} loans");
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(150);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let padding = [
        ("loans", 200),
        ("codes", 120),
        ("totals", 100),
        ("sponge", 100),
    ];
    let unpinned = cell_test(&tables.airs(), &prepared.traces(0), &padding);
    assert_eq!(unpinned, Vec::new());
}

#[test]
fn a_claim_is_proven_with_100_bits() {
    let prepared = prepared(300);
    let proofs = prepared.prove(&mut |_, _| (), None).expect("it is true");
    verify::<Issuance>(prepared.claim(), &proofs).expect("it is true");
    let part = Issuance::part(prepared.claim(), prepared.context(), 0);
    for air in &part.tables {
        println!("{air:?} {:?}", air.interactions());
    }
    let report = security_report(&part);
    assert!(report.proven_bits >= 100.0, "{report:?}");
}

/// Two parts, linked by hidden states; the nullifiers of both are one list.
#[test]
fn parts_link() {
    let prepared = prepared((1 << 13) + 300);
    assert_eq!(prepared.claim().segments.len(), 2);
    let proofs = prepared.prove(&mut |_, _| (), None).expect("it is true");
    verify::<Issuance>(prepared.claim(), &proofs).expect("it is true");
    let swapped = [proofs[1].clone(), proofs[0].clone()];
    assert!(verify::<Issuance>(prepared.claim(), &swapped).is_err());
    let part = Issuance::part(prepared.claim(), prepared.context(), 0);
    assert!(security_report(&part).proven_bits >= 100.0);
    // The first loan of the second part replaced in the list by another loan: only the last part can tell.
    let mut claim = prepared.claim().clone();
    let sealed = Sealed::new(&tape(3, (1 << 13) + 300), &secret()).expect("ids differ");
    let own = key().nullifier(&sealed.leaves[1 << 13].identity);
    let at = claim.nullifiers.iter().position(|n| *n == own);
    claim.nullifiers[at.expect("it is listed")] = key().nullifier(&Identity::of("another"));
    claim.nullifiers.sort_unstable();
    let forged = Prepared::unchecked(claim, sealed, &key(), &secret()).expect("it is well formed");
    let tables = PartTables::new(forged.claim(), forged.context(), 1);
    assert_eq!(
        violated(&tables.airs(), &forged.traces(1)),
        ["TOTALS-5".to_string()]
    );
}

/// One loan is known by one nullifier in every pool of a registry, whatever the pool's secret, date and other loans; in
/// another registry by another.
#[test]
fn a_loan_in_two_pools_is_seen() {
    let (ours, mut theirs) = (tape(3, 20), tape(4, 20));
    for (i, loan) in theirs.loans.iter_mut().enumerate() {
        loan.id = format!("other-{i}");
    }
    let elsewhere = Secret::from_hex(&"00000008".repeat(8)).expect("a constant");
    let issue = |tape: &Tape, key: &RegistryKey, secret: &Secret| {
        Prepared::new(tape, &deal(tape), key, secret)
            .expect("it is true")
            .claim()
            .clone()
    };
    let first = issue(&ours, &key(), &secret());
    let second = issue(&theirs, &key(), &elsewhere);
    assert_eq!(pledged_twice(&[]), Ok(()));
    assert_eq!(pledged_twice(&[&first]), Ok(()));
    assert_eq!(pledged_twice(&[&first, &second]), Ok(()));
    // Two loans of ours among theirs, as they are on another day with other balances.
    theirs.cut_off = "2026-11-30".to_string().try_into().expect("a date");
    theirs.loans[4].id = ours.loans[11].id.clone();
    theirs.loans[7].id = ours.loans[2].id.clone();
    let third = issue(&theirs, &key(), &elsewhere);
    let error = pledged_twice(&[&first, &third]).expect_err("two loans are in both");
    let PledgedTwice::Loan {
        first: one,
        second: two,
        loans,
        nullifier,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((one, two, loans), (first.pool, third.pool, 2));
    assert!(first.nullifiers.contains(&nullifier) && third.nullifiers.contains(&nullifier));
    assert!(pledged_twice(&[&second, &first, &third]).is_err());
    assert!(pledged_twice(&[&first, &first]).is_err());
    // Under another key nothing can be said.
    let apart = issue(&theirs, &other_key(), &elsewhere);
    let shared = |n: &&Nullifier| third.nullifiers.contains(n);
    assert_eq!(apart.nullifiers.iter().filter(shared).count(), 0);
    assert!(matches!(
        pledged_twice(&[&first, &apart]),
        Err(PledgedTwice::Registry { .. })
    ));
}

/// The commitment is that of the other statements.
#[test]
fn the_pool_is_that_of_the_other_claims() {
    let tape = tape(3, 30);
    let facts =
        crate::pool::Prepared::new(&tape, &Default::default(), &secret()).expect("it is true");
    assert_eq!(facts.claim().pool, prepared_of(&tape).claim().pool);
}

/// The list is in the order of the nullifiers, whatever the order of the tape.
#[test]
fn the_order_of_the_tape_says_nothing() {
    let mut shuffled = tape(3, 40);
    let claim = prepared_of(&shuffled).claim().clone();
    shuffled.loans.reverse();
    assert_eq!(*prepared_of(&shuffled).claim(), claim);
    assert!(claim.nullifiers.is_sorted());
}

#[test]
fn a_nullifier_has_one_text() {
    let good = "0000000100000002000000037f000000";
    let parse = |text: &str| Nullifier::try_from(text.to_string());
    assert_eq!(parse(good).expect("it is one").to_string(), good);
    for bad in [
        "",
        "0000000100000002000000037f00000",
        "0000000100000002000000037F000000",
        "+000000100000002000000037f000000",
        // p itself, which would be a second zero.
        "0000000100000002000000037f000001",
        "000000010000000200000003ffffffff",
        "00000001000000020000000é7f00000",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn records_are_of_verified_claims() {
    let (ours, mut theirs) = (tape(3, 5), tape(4, 5));
    for (i, loan) in theirs.loans.iter_mut().enumerate() {
        loan.id = format!("other-{i}");
    }
    let verified = |tape: &Tape| {
        let prepared = prepared_of(tape);
        let proofs = prepared.prove(&mut |_, _| (), None).expect("it is true");
        verify::<Issuance>(prepared.claim(), &proofs).expect("it is true")
    };
    let (first, second) = (verified(&ours), verified(&theirs));
    let record = Record::new(&first, &[&second]).expect("they share no loan");
    let json = serde_json::to_value(&record).expect("plain data");
    assert_eq!(json["statement"], "issuance");
    assert_eq!(json["tranches"][0]["tranche"], "A");
    assert_eq!(json["tranches"][0]["detachment"], "100.000000");
    assert_eq!(json["distinct_from"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["deal_digest"], first.claim().deal_digest());
    assert_eq!(json["open"], first.claim().open);
    assert_eq!(json["template"], "mortgage");
    assert_eq!(json["template_digest"], first.claim().template.digest());
    assert_eq!(json["pool"], first.claim().pool.to_string());
    assert!(Record::new(&first, &[&second, &first]).is_err());
}

// NEGATIVE

/// Each numbered constraint is broken, alone, by some change of one cell. The key and what opens the seal are hashed, too,
/// so changes of them break more than one; they are below.
#[test]
fn every_constraint_breaks_alone() {
    let prepared = prepared(150);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut alone: BTreeSet<&str> = BTreeSet::new();
    for (air, trace) in tables.airs().iter().zip(&prepared.traces(0)) {
        alone.extend(broken_alone(air, trace, &[0, 1, 2, 90, 149, 150, 200, 255]));
    }
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
    let tape = tape(3, 60);
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
    assert!(matches!(
        Prepared::new(&twice, &deal(&twice), &key(), &secret()),
        Err(IssuanceFailure::SameKey(..))
    ));
}

/// A loan that is pledged elsewhere is to be known by another nullifier here.
#[test]
fn nullifiers_are_those_of_the_loans() {
    let tape = tape(3, 60);
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
    let tape = tape(3, 60);
    let pool = sample_pool::owed(&tape);
    for other in [pool - 1, pool + 1] {
        let found = forged(&tape, &key(), |claim, _| {
            claim.balance = other;
            claim.deal.original_pool = Decimal::new(other.into(), 2);
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
        closed.loans[9].values[balance].expect("it owes")
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
    let mut closed = tape(3, 60);
    let [status, balance] =
        ["status", "balance"].map(|n| closed.template.field(n).expect("it has one"));
    for (loan, code) in [(4, 3), (9, 4)] {
        closed.loans[loan].values[status] = Some(code);
        closed.loans[loan].values[balance] = Some(0);
    }
    let good = prepared_of(&closed);
    assert_eq!(broken(&good), Vec::<String>::new());
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
        assert_eq!(broken(&forged), ["PLEDGE-1"]);
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

#[test]
fn words_say_what_decides() {
    let prepared = prepared(60);
    let claim = prepared.claim();
    let text = words(claim).join("\n");
    for part in [
        format!(
            "pool {} of 60 loans with distinct ids (built-in template `mortgage`, cut-off 2026-10-31)",
            claim.pool
        ),
        format!(
            "whose open loans owe {} `USD`",
            Decimal::new(claim.balance.into(), 2)
        ),
        format!("(SHA3-256 {})", claim.deal_digest()),
        format!(
            "{} of them are open (status performing or delinquent)",
            claim.open
        ),
        format!("in registry {}", claim.registry),
        "below all tranches: ".into(),
    ] {
        assert!(text.contains(&part), "{part}\n{text}");
    }
    let mut seen = BTreeSet::from([text]);
    let changes: [fn(&mut IssuanceClaim); 9] = [
        |c| c.loans += 1,
        |c| c.open -= 1,
        |c| c.defaulted += 1,
        |c| c.balance += 1,
        |c| c.registry = c.pool,
        |c| c.nullifiers.swap(0, 1),
        |c| c.deal.tranches[0].balance = c.deal.original_pool,
        |c| c.template.fields[0].about = "x".into(),
        |c| c.tranches[1].notional += 1,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut claim = claim.clone();
        change(&mut claim);
        assert!(seen.insert(words(&claim).join("\n")), "change {i}");
    }
}

/// What an issuer would change in its claim, each rejected by the same proof or before it.
#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(60);
    let good = prepared.claim();
    let proofs = prepared.prove(&mut |_, _| (), None).expect("it is true");
    verify::<Issuance>(good, &proofs).expect("it is true");
    type Change = fn(&mut IssuanceClaim);
    let changes: Vec<(&str, Change)> = vec![
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
        ("a cent less", |c| c.balance -= 1),
        ("a cent less in the deal, too", |c| {
            c.balance -= 1;
            c.deal.original_pool = Decimal::new(c.balance.into(), 2);
            c.tranches = backing(&c.deal, c.balance).expect("it is backed");
        }),
        ("a pool beyond all deals", |c| c.balance = u64::MAX),
        ("a larger tranche", |c| c.tranches[0].notional += 1),
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
    for (what, change) in changes {
        let mut claim = good.clone();
        change(&mut claim);
        assert_ne!(claim, *good, "{what} changes nothing");
        let outcome = verify::<Issuance>(&claim, &proofs);
        assert!(outcome.is_err(), "{what} was accepted");
        let text = format!("{outcome:?}");
        assert!(!text.contains("unexpectedly"), "{what}: {text}");
    }
    // What a claim makes its verifier do is bounded.
    let mut claim = good.clone();
    claim.deal.tranches[0].name = "x".repeat(300_000);
    assert!(refused(&claim).contains("bytes"));
}

#[test]
fn false_claims_are_refused_with_the_reason() {
    let tape = tape(3, 30);
    let pool = sample_pool::owed(&tape);
    let issue = |deal: &Deal, secret: &Secret| match Prepared::new(&tape, deal, &key(), secret) {
        Err(error) => error,
        Ok(_) => panic!("it was accepted"),
    };
    let error = issue(&sample_deal_for(pool - 1), &secret());
    assert!(matches!(
        error,
        IssuanceFailure::Issuance(IssuanceError::Pool { .. })
    ));
    let mut above = sample_deal_for(pool);
    above.tranches[2].balance = above.original_pool;
    above.accounts[1].opening = above.original_pool;
    let error = issue(&above, &secret());
    assert!(matches!(
        error,
        IssuanceFailure::Issuance(IssuanceError::Unbacked { .. })
    ));
    let shared = Secret::from_hex(&"00000011".repeat(8)).expect("a constant");
    let error = issue(&sample_deal_for(pool), &shared).to_string();
    assert!(error.contains("use another secret"), "{error}");
    let empty = Tape {
        loans: Vec::new(),
        ..tape.clone()
    };
    assert!(Prepared::new(&empty, &sample_deal_for(pool), &key(), &secret()).is_err());
}
