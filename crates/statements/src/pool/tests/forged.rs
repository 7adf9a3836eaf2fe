//! What is false is not accepted.

use super::*;

/// Each numbered constraint is broken, alone, by some change of one cell. What rules and figures read is hashed, too, so
/// changes of it break more than one; they are below.
#[test]
fn every_constraint_breaks_alone() {
    let alone = broken_alone(&prepared(150), &[0, 1, 2, 90, 149, 150, 200, 255]);
    let mut expected: Vec<String> = (1..=4).map(|i| format!("ORDER-{i}")).collect();
    expected.extend([1, 2, 4, 5, 7].map(|i| format!("LOANS-{i}")));
    expected.extend((1..=10).filter(|i| *i != 2).map(|i| format!("GROUPS-{i}")));
    expected.extend((1..=3).map(|i| format!("FIGURES-{i}")));
    expected.extend(["CODES-1", "POSEIDON2", "TOTALS-2", "TOTALS-3"].map(String::from));
    let idle: Vec<_> = expected
        .iter()
        .filter(|id| !alone.contains(id.as_str()))
        .collect();
    assert!(idle.is_empty(), "no change breaks {idle:?} alone");
}

/// The number of a loan without debt to income.
fn without_dti(prepared: &Prepared) -> usize {
    let loans = rows(prepared).loans;
    let absent = loans.iter().position(|l| l.values[field("dti")].is_none());
    absent.expect("one in eight has none")
}

#[test]
fn presence_is_bits_and_what_is_not_there_is_zero() {
    let prepared = prepared(150);
    let broken = broken_on(&prepared, 0, without_dti(&prepared));
    assert!(broken.contains("LOAN-1"), "{broken:?}");
    assert!(broken.contains("LOAN-2"), "{broken:?}");
    assert!(broken_on(&prepared, 0, 200).contains("LOAN-3"));
    assert!(broken_on(&prepared, 1, 200).contains("GROUPS-2"));
}

#[test]
fn loans_that_break_a_rule_cannot_be_proven_to_keep_it() {
    let tape = tape(60);
    let none = Vec::<String>::new();
    assert_eq!(claimed(&tape, &["ltv <= 95", "rate < 6"], vec![]), none);
    for rule in [
        "ltv <= 60",
        "state != CA",
        "days_past_due = 0",
        "borrower != \"borrower 7\"",
        // Absent values pass nothing.
        "dti <= 999",
        "dti >= 0",
        "not (dti > 998)",
        "dti not in [1, 2]",
        "units is present",
    ] {
        assert_eq!(claimed(&tape, &[rule], vec![]), ["LOANS-3"], "{rule}");
    }
}

#[test]
fn false_figures_cannot_be_proven() {
    use Claimed::{AtLeast, AtMost, Exact};
    let tape = tape(60);
    let exact = |measure: &Measure| {
        let wanted = figure("it", measure.clone(), Wanted::Exact);
        match wanted.claim(&tape).expect("it has a value").shown {
            Exact(value) => value,
            _ => unreachable!("an exact value was wanted"),
        }
    };
    let claim = |measure: &Measure, shown: Claimed| {
        let figure = Figure {
            name: "it".into(),
            measure: measure.clone(),
            over: Over::Open,
            shown,
        };
        claimed(&tape, &[], vec![figure])
    };
    let sum = Measure::Sum {
        of: "balance".into(),
        rule: None,
    };
    let count = Measure::Count {
        rule: Some("ltv <= 70".into()),
    };
    for measure in [
        count,
        sum,
        average("rate", None),
        average("dti", Some("dti is present")),
        share("days_past_due >= 30"),
        largest("state", 2),
        largest("borrower", 5),
    ] {
        let value = exact(&measure);
        let unit = fixed::Decimal::new(1, value.scale());
        let more = value.checked_add(&unit).expect("it fits");
        let less = value.checked_sub(&unit).expect("it fits");
        for (shown, holds) in [
            (Exact(value), true),
            (AtLeast(value), true),
            (AtMost(more), true),
            (Exact(more), false),
            (Exact(less), false),
            (AtLeast(more), false),
            (AtMost(less), false),
        ] {
            let expected: &[&str] = if holds { &[] } else { &["FIGURES-3"] };
            let broken = claim(&measure, shown.clone());
            assert_eq!(broken, expected, "{measure:?} {shown:?}");
        }
    }
    // A mean over late loans only, claimed of the whole pool.
    let late = average("days_past_due", Some("days_past_due >= 30"));
    let whole = average("days_past_due", None);
    assert!(exact(&late) > exact(&whole));
    assert_eq!(claim(&whole, AtLeast(exact(&late))), ["FIGURES-3"]);
    // The mean of no loans is not every value at once.
    let nothing = average("ltv", Some("ltv > 998"));
    let zero = fixed::Decimal::ZERO;
    for shown in [AtMost(zero), AtLeast(zero), Exact(zero)] {
        assert_eq!(claim(&nothing, shown), ["FIGURES-3"]);
    }
}

#[test]
fn loans_are_those_of_the_pool() {
    let prepared = prepared(60);
    let set = |rows: &mut Rows, loan: usize, name: &str, value: u64| {
        std::sync::Arc::make_mut(&mut rows.loans[loan]).values[field(name)] = Some(value);
    };
    // A loan reported defaulted, a balance that is another, a value that was absent.
    for (loan, name, value) in [
        (7, "status", 2),
        (7, "balance", 99),
        (without_dti(&prepared), "dti", 0),
    ] {
        let broken = wrong(&prepared, |rows| set(rows, loan, name, value));
        assert!(broken.contains(&"bus tree".into()), "{name}: {broken:?}");
    }
    // One loan twice, in the place of another.
    let broken = wrong(&prepared, |rows| {
        rows.loans[8] = rows.loans[7].clone();
        rows.leaves[8] = rows.leaves[7].clone();
    });
    assert!(broken.contains(&"COMPARE-4".into()), "{broken:?}");
}

/// What an issuer would try to make a group look small.
#[test]
fn groups_are_whole() {
    let prepared = prepared(60);
    let borrowers = 1;
    let second = rows(&prepared).groups[borrowers]
        .iter()
        .position(|r| !r.starts)
        .expect("borrowers owe several loans");
    // A group's second loan starts another group of the same name, or of another.
    let broken = wrong(&prepared, |rows| {
        rows.groups[borrowers][second].starts = true;
    });
    assert!(broken.contains(&"COMPARE-4".into()), "{broken:?}");
    let broken = wrong(&prepared, |rows| {
        let row = &mut rows.groups[borrowers][second];
        (row.group, row.starts) = (row.group + 1, true);
    });
    assert!(broken.contains(&"SPONGE-5".into()), "{broken:?}");
    // A loan that weighs less in the list than in its leaf, also with a commitment to that list.
    let mut lighter = tape(60);
    lighter.loans[3].values[field("balance")] = Some(1);
    let other = Prepared::new(&lighter, &terms(), &secret()).expect("it is true");
    let broken = wrong(&prepared, |rows| rows.groups = self::rows(&other).groups);
    assert!(broken.contains(&"SPONGE-5".into()), "{broken:?}");
    let mut claim = prepared.claim().clone();
    claim.lists = other.claim().lists.clone();
    let context = Pool::context(&claim).expect("it is well formed");
    let tables = PartTables::new(&claim, &context, 0);
    let mut forged = rows(&prepared);
    forged.groups = rows(&other).groups;
    let broken = violated(&tables.airs(), &forged.fill(&tables));
    assert!(broken.contains(&"GROUPS-9".into()), "{broken:?}");
    // A threshold that moves, a group chosen by half.
    let broken = wrong(&prepared, |rows| rows.groups[borrowers][30].threshold += 5);
    assert!(broken.contains(&"GROUPS-7".into()), "{broken:?}");
    let broken = wrong(&prepared, |rows| {
        let row = &mut rows.groups[borrowers][second];
        row.chosen = !row.chosen;
    });
    assert!(broken.contains(&"GROUPS-6".into()), "{broken:?}");
}

/// What a dishonest issuer would change in its claim, each rejected by the same proof.
#[test]
fn changed_claims_are_rejected() {
    let prepared = prepared(60);
    let good = prepared.claim();
    let changes: [(&str, Change<Pool>); 16] = [
        ("a loan less", |c| c.loans -= 1),
        ("an open loan less", |c| c.open -= 1),
        ("a defaulted loan for an open one", |c| {
            c.open -= 1;
            c.defaulted += 1;
        }),
        ("over other loans", |c| c.figures[1].over = Over::All),
        ("another day", |c| {
            c.cut_off = "2020-06-30".to_string().try_into().expect("a date");
        }),
        ("fields swapped", |c| {
            let (ltv, dti) = (field("ltv"), field("dti"));
            c.template.fields.swap(ltv, dti);
        }),
        ("another unit", |c| {
            if let credit::pool::Kind::Number { decimals, .. } = &mut c.template.fields[0].kind {
                *decimals = 0;
            }
        }),
        ("a stricter rule", |c| c.eligibility[0] = "ltv <= 80".into()),
        ("one more rule", |c| c.eligibility.push("rate < 6".into())),
        ("another exact figure", |c| {
            c.figures[0].shown = Claimed::Exact(fixed::Decimal::from_int(61));
        }),
        ("a tighter bound", |c| {
            c.figures[2].shown = Claimed::AtLeast(fixed::Decimal::from_int(4));
        }),
        ("another measure", |c| {
            c.figures[5].measure = share("days_past_due >= 36");
        }),
        ("another list", |c| c.lists[0][0] = c.lists[1][0]),
        ("another subtree", |c| c.segments[0] = c.lists[0][0]),
        ("another pool", |c| c.pool = c.lists[0][0]),
        ("a figure less", |c| {
            c.figures.pop();
        }),
    ];
    assert_rejected::<Pool>(good, &proven(&prepared), &changes);
}

#[test]
fn false_claims_are_refused_with_the_reason() {
    let refused = |change: &dyn Fn(&mut Terms)| {
        let mut terms = terms();
        change(&mut terms);
        let error = check(&tape(60), &terms).expect_err("it is false");
        assert!(error.is_false());
        error.to_string()
    };
    let error = refused(&|t| t.eligibility[0] = "ltv <= 60".into());
    let named = error.contains("break `ltv <= 60`: `loan-") && error.contains("(ltv is ");
    assert!(named, "{error}");
    let error = refused(&|t| t.figures[6].shown = at_least("99"));
    let says = error.starts_with("west is ") && error.ends_with("not at least 99");
    assert!(says, "{error}");
    let mut twice = tape(5);
    twice.loans[4] = twice.loans[1].clone();
    let error = check(&twice, &terms()).expect_err("an id stands twice");
    let same = PoolError::Tape(TapeError::SameId("loan-1".into()));
    assert_eq!(error.reason(), Some(&same));
}

/// What a group weighs has six limbs in its table.
#[test]
fn groups_that_weigh_too_much_are_refused() {
    let mut tape = tape(1_025);
    let most = (1u64 << 50) - 2;
    let max = fixed::Decimal::new(most.into(), 2);
    let balance = field("balance");
    if let credit::pool::Kind::Number { max: largest, .. } = &mut tape.template.fields[balance].kind
    {
        *largest = max;
    }
    for loan in &mut tape.loans {
        loan.values[balance] = Some(most);
        loan.values[field("state")] = Some(0);
    }
    let terms = Terms {
        eligibility: Vec::new(),
        figures: vec![figure("state", largest("state", 1), Wanted::Exact)],
    };
    let error = check(&tape, &terms)
        .expect_err("it does not fit")
        .to_string();
    assert!(error.contains("split the pool"), "{error}");
    tape.loans[3].values[field("state")] = Some(1);
    assert!(Prepared::new(&tape, &terms, &secret()).is_ok());
}

/// What a claim makes its verifier do is bounded.
#[test]
fn too_many_comparisons_are_refused() {
    let many: Vec<String> = (0..600).map(|i| i.to_string()).collect();
    let rule = format!("ltv not in [{}]", many.join(", "));
    assert!(rule.len() > 2_000);
    let halves = [&many[..300], &many[300..]].map(|m| format!("ltv not in [{}]", m.join(",")));
    let figures = halves
        .iter()
        .map(|rule| figure("share", share(rule), at_least("0")));
    let terms = Terms {
        eligibility: Vec::new(),
        figures: figures.collect(),
    };
    let error = check(&tape(5), &terms).expect_err("it is too much");
    assert!(
        !error.is_false() && error.to_string().contains("comparisons"),
        "{error}"
    );
}
