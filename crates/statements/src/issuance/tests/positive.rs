//! What is true is accepted, and said.

use super::*;
use records::units::Cents;

#[test]
fn true_claims_have_a_witness() {
    for loans in [1, 2, 100, 256, 257] {
        assert_eq!(found(&prepared(loans), 0), Vec::new(), "{loans} loans");
    }
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(150);
    let padding = [
        ("loans", 200),
        ("codes", 120),
        ("totals", 100),
        ("sponge", 100),
    ];
    assert_pinned(&prepared, &padding);
}

#[test]
fn a_claim_is_proven_with_100_bits() {
    let prepared = prepared(300);
    proven(&prepared);
    assert_100_bits(&prepared);
}

/// Two parts, linked by hidden states; the nullifiers of both are one list.
#[test]
fn parts_link() {
    let prepared = prepared((1 << 13) + 300);
    assert_eq!(prepared.claim().segments.len(), 2);
    assert_parts_in_order(&prepared, &proven(&prepared));
    assert_100_bits(&prepared);
    // The first loan of the second part replaced in the list by another loan: only the last part can tell.
    let mut claim = prepared.claim().clone();
    let sealed = Sealed::new(&mortgages(3, (1 << 13) + 300), &secret()).expect("ids differ");
    let own = key().nullifier(&sealed.leaves[1 << 13].identity);
    let at = claim.nullifiers.iter().position(|n| *n == own);
    claim.nullifiers[at.expect("it is listed")] = key().nullifier(&Identity::of("another"));
    claim.nullifiers.sort_unstable();
    let forged = Prepared::unchecked(claim, sealed, &key(), &secret()).expect("it is well formed");
    assert_eq!(broken(&forged, 1), ["TOTALS-5"]);
}

/// One loan is known by one nullifier in every pool of a registry, whatever the pool's secret, date and other loans; in
/// another registry by another.
#[test]
fn a_loan_in_two_pools_is_seen() {
    let (ours, mut theirs) = (mortgages(3, 20), mortgages(4, 20));
    for (i, loan) in theirs.loans.iter_mut().enumerate() {
        loan.id = format!("other-{i}");
    }
    let elsewhere = secret_of('8');
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
    let tape = mortgages(3, 30);
    let facts =
        crate::pool::Prepared::new(&tape, &Default::default(), &secret()).expect("it is true");
    assert_eq!(facts.claim().pool, prepared_of(&tape).claim().pool);
}

/// The list is in the order of the nullifiers, whatever the order of the tape.
#[test]
fn the_order_of_the_tape_says_nothing() {
    let mut shuffled = mortgages(3, 40);
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
    let (ours, mut theirs) = (mortgages(3, 5), mortgages(4, 5));
    for (i, loan) in theirs.loans.iter_mut().enumerate() {
        loan.id = format!("other-{i}");
    }
    let verified = |tape: &Tape| {
        let prepared = prepared_of(tape);
        verify::<Issuance>(prepared.claim(), &proven(&prepared)).expect("it is true")
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
            Decimal::new(claim.balance.0.into(), 2)
        ),
        format!("(SHA3-256 {})", claim.deal_digest()),
        format!(
            "{} of them are open (status performing or delinquent)",
            claim.open
        ),
        format!("in registry {}", claim.registry),
        "below all tranches: ".into(),
        "names of the deal and its tranches are the prover's".into(),
    ] {
        assert!(text.contains(&part), "{part}\n{text}");
    }
    // What is said without a secret is the same, in its place and order, but for commitments.
    let tape = mortgages(3, 60);
    let deal = deal(&tape);
    let checked = check(&tape, &deal).expect("it is true");
    let found = checked.findings().words();
    let said = words(claim);
    assert_eq!(found.len(), said.len());
    assert_eq!(
        found[0].replacen("the pool", &format!("pool {}", claim.pool), 1),
        said[0]
    );
    assert!(said[1].starts_with(&format!("{}; the nullifiers", found[1])));
    assert_eq!(found[2..], said[2..]);
    let mut seen = std::collections::BTreeSet::from([text]);
    let changes: [fn(&mut IssuanceClaim); 9] = [
        |c| c.loans += 1,
        |c| c.open -= 1,
        |c| c.defaulted += 1,
        |c| c.balance += Cents(1),
        |c| c.registry = c.pool,
        |c| c.nullifiers.swap(0, 1),
        |c| c.deal.tranches[0].balance = c.deal.original_pool,
        |c| c.template.fields[0].about = "x".into(),
        |c| c.tranches[1].notional += Cents(1),
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut claim = claim.clone();
        change(&mut claim);
        assert!(seen.insert(words(&claim).join("\n")), "change {i}");
    }
}
