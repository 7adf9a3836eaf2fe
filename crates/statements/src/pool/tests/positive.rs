//! What is true is accepted, and said.

use super::*;

#[test]
fn true_claims_have_a_witness() {
    for loans in [1, 2, 100, 256, 257] {
        assert_eq!(found(&prepared(loans), 0), Vec::new(), "{loans} loans");
    }
    let nothing = Prepared::new(&tape(3), &Terms::default(), &secret()).expect("it is true");
    assert_eq!(found(&nothing, 0), Vec::new());
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(150);
    let padding = [
        ("loans", 200),
        ("groups", 200),
        ("figures", 100),
        ("totals", 80),
        ("codes", 120),
    ];
    assert_pinned(&prepared, &padding);
}

/// Two parts, linked by hidden states; the largest groups run through both.
#[test]
fn parts_link() {
    let prepared = prepared((1 << 13) + 300);
    assert_eq!(prepared.claim().segments.len(), 2);
    for part in 0..2 {
        assert_eq!(found(&prepared, part), Vec::new());
    }
    assert_parts_in_order(&prepared, &proven(&prepared));
}

#[test]
fn a_claim_is_proven_with_100_bits() {
    let prepared = prepared(300);
    proven(&prepared);
    assert_100_bits(&prepared);
}

#[test]
fn words_say_what_decides() {
    // The terms ask for no defaulted loans.
    assert!(check(&with_closed(), &terms()).is_err());
    let mut terms = terms();
    terms.eligibility.pop();
    terms.figures.push(Figure {
        over: Over::All,
        ..figure("given-up", share("status = defaulted"), at_most("50"))
    });
    let tape = with_closed();
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    let text = words(prepared.claim()).join("\n");
    // What is said without a secret is the same but for the commitment.
    let checked = check(&tape, &terms).expect("it is true");
    let named = format!("pool {}", prepared.claim().pool);
    let found = checked.findings().words().join("\n");
    assert_eq!(found.replacen("the pool", &named, 1), text);
    for part in [
        "60 loans with distinct ids (built-in template `mortgage`, cut-off 2020-03-31); 57 of them are open (status performing or \
         delinquent), 1 are given up (status defaulted), 2 are closed (status prepaid or repurchased), and owe nothing",
        "each loan that is not closed satisfies `ltv <= 95 and",
        "`loans`: number of open loans is 57",
        "`ltv`: average of ltv, weighted by balance, over open loans where `ltv is present` is ",
        ", rounded down",
        "`given-up`: percent of the balance of all loans (open or not) that those have where `status = defaulted` is at most 50",
        "`state`: percent of the balance of all open loans that the 2 largest groups by state have is ",
        "values of fico, ltv, dti may be absent",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let mut claim = prepared.claim().clone();
    claim.template.fields[0].about = "something else".into();
    let other = words(&claim).join("\n");
    assert!(other.contains("of the prover's own, SHA3-256 "), "{other}");
}
