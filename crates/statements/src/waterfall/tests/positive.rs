//! What is true is accepted, and said.

use super::*;

#[test]
fn true_claims_have_a_witness() {
    for (loans, months) in [(1, 1), (2, 2), (256, 1), (300, 12)] {
        let prepared = prepared(loans, months);
        for part in 0..months {
            let found = found(&prepared, part);
            assert_eq!(found, Vec::new(), "{loans} loans, month {part}");
        }
    }
}

#[test]
fn samples_have_a_witness() {
    let tape = mortgages(5, 600);
    let months = vec![sample_pool::remittances(7, &tape)];
    let terms = Terms {
        months,
        ..terms(&tape, 0)
    };
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    assert_eq!(wrong(&prepared, |_| ()), Vec::<String>::new());
}

/// Months of a quarter are paid together, and loans of templates with smaller numbers roll.
#[test]
fn deals_of_quarters_and_car_loans() {
    let template = read_template("auto").expect("it comes with the crate");
    let fields = [
        ("balance", "20000.00"),
        ("rate", "6.5"),
        ("remaining_term", "48"),
        ("frequency", "monthly"),
        ("amortization", "level-pay"),
        ("days_past_due", "0"),
        ("status", "performing"),
        ("vehicle", "used"),
        ("state", "CA"),
        ("borrower", "somebody"),
        ("original_balance", "30000"),
    ];
    let loan = |i: usize| {
        let mut loan = Loan {
            id: format!("car-{i}"),
            values: vec![None; template.fields.len()],
        };
        for (name, text) in fields {
            let field = template.field(name).expect("the template has it");
            loan.values[field] = Some(template.fields[field].parse(text).expect("a constant"));
        }
        fill_computed(&mut loan, &template).expect("it is a loan");
        loan
    };
    let tape = Tape {
        cut_off: "2026-10-31".to_string().try_into().expect("a date"),
        loans: (0..20).map(loan).collect(),
        template: template.clone(),
    };
    let mut terms = terms(&tape, 3);
    let monthly = terms.clone();
    terms.deal.dates.frequency = credit::deal::Frequency::Quarterly;
    terms.deal.dates.first_payment = "2027-02-25".into();
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    assert_eq!(prepared.claim().reports.len(), 1);
    assert_eq!(wrong(&prepared, |_| ()), Vec::<String>::new());
    let two = Terms {
        months: monthly.months[..2].to_vec(),
        ..terms
    };
    let error = Prepared::new(&tape, &two, &secret())
        .err()
        .expect("no quarter");
    assert_eq!(
        error.to_string(),
        "the deal's payment date 2027-02-25 pays 3 months, and 2 are left for it"
    );
    assert_eq!(
        Prepared::new(&tape, &monthly, &secret())
            .expect("it is true")
            .claim()
            .reports
            .len(),
        3
    );
}

#[test]
fn every_cell_is_pinned() {
    let prepared = prepared(150, 1);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    for air in tables.airs() {
        println!("{air:?} {:?}", air.interactions());
    }
    let rows: Vec<(&str, usize)> = (1..40)
        .map(|row| ("loans", row))
        .chain([("loans", 200), ("totals", 100), ("calendar", 200)])
        .collect();
    assert_pinned(&prepared, &rows);
}

/// Months and subtrees, linked by commitments and hidden states.
#[test]
fn parts_link() {
    let prepared = prepared(300, 2);
    let claim = prepared.claim();
    assert_eq!(prepared.parts(), 2);
    let proofs = proven(&prepared);
    assert_parts_in_order(&prepared, &proofs);
    assert!(verify::<Waterfall>(claim, &proofs[..1]).is_err());
    assert_100_bits(&prepared);
}

/// A large pool has a hidden state between its parts.
#[test]
fn large_pools_have_parts() {
    let tape = mortgages(6, (1 << 13) + 40);
    let terms = Terms {
        months: vec![sample_pool::remittances(8, &tape)],
        ..terms(&tape, 0)
    };
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    assert_eq!(prepared.claim().months[0].states.len(), 1);
    for part in 0..2 {
        assert_eq!(found(&prepared, part), Vec::new(), "part {part}");
    }
}

/// The pools are those of pool claims about the tapes; the same loans have other leaves at another date.
#[test]
fn pools_are_those_of_other_claims() {
    let tape = tape(50);
    let terms = terms(&tape, 1);
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    for (tape, pool) in [&tape, prepared.after()]
        .iter()
        .zip(&prepared.claim().pools)
    {
        let facts = crate::pool::Prepared::new(tape, &Default::default(), &secret());
        assert_eq!(facts.expect("it is true").claim().pool, pool.pool);
        assert_eq!(tape.cut_off, pool.cut_off);
    }
    let rows = rows(&prepared);
    let seals = rows.leaves.iter().map(|l| l.seal);
    assert!(seals.zip(&rows.seals_after).all(|(a, b)| a != *b));
}

/// What is said without a secret is the same but for the commitments.
#[test]
fn a_check_says_what_a_claim_says() {
    let tape = tape(40);
    let terms = terms(&tape, 2);
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    let mut found = check(&tape, &terms).expect("it is true").findings().words();
    for pool in &prepared.claim().pools {
        let named = format!("pool {} of {}", pool.pool, pool.cut_off);
        found[0] = found[0].replacen(&format!("the pool of {}", pool.cut_off), &named, 1);
    }
    assert_eq!(found, words(prepared.claim()));
}
