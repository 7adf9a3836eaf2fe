//! Which loans count, and for what: open ones, those given up, closed ones.

use super::*;

/// The attack: loans that were bought back, with balances and a low loan to value. Before, the circuit accepted them.
#[test]
fn closed_loans_owe_nothing() {
    let none = Vec::<String>::new();
    assert_eq!(claimed(&with_closed(), &["ltv >= 40"], vec![]), none);
    for loan in [1, 2] {
        let mut tape = with_closed();
        // The least of a balance, and one in its highest limb.
        for cents in [1, 1 << 30] {
            tape.loans[loan].values[field("balance")] = Some(cents);
            assert_eq!(claimed(&tape, &[], vec![]), ["LOANS-6"], "{loan}");
            let terms = Terms::default();
            let refused = check(&tape, &terms).expect_err("it contradicts itself");
            let error = refused.to_string();
            let named = format!("`loan-{loan}` (");
            assert!(
                error.contains(&named) && error.contains("closed"),
                "{error}"
            );
        }
    }
    // What was given up may still owe something.
    assert!(with_closed().loans[3].values[field("balance")] > Some(0));
}

#[test]
fn open_and_defaulted_loans_are_counted() {
    let tape = with_closed();
    let good = Counts {
        open: 57,
        defaulted: 1,
    };
    let prepared = Prepared::new(&tape, &Terms::default(), &secret()).expect("it is true");
    assert_eq!((prepared.claim().open, prepared.claim().defaulted), (57, 1));
    assert_eq!(counted(&tape, &[], vec![], good), Vec::<String>::new());
    for (open, defaulted) in [(58, 1), (56, 1), (57, 0), (57, 2), (58, 0), (60, 0), (0, 0)] {
        let counts = Counts { open, defaulted };
        assert_eq!(
            counted(&tape, &[], vec![], counts),
            ["TOTALS-5"],
            "{counts:?}"
        );
    }
    // More than there are is refused before any proof.
    let mut claim = prepared.claim().clone();
    claim.open = 60;
    assert!(Pool::context(&claim).is_err());
    claim.open = u64::MAX;
    assert!(Pool::context(&claim).is_err());
    // Another status of a loan is another leaf.
    let broken = wrong(&prepared, |rows| {
        let gone = |l: &&mut std::sync::Arc<Loan>| l.values[field("status")] == Some(4);
        let loan = rows.loans.iter_mut().find(gone).expect("there is one");
        std::sync::Arc::make_mut(loan).values[field("status")] = Some(0);
    });
    assert!(broken.contains(&"bus tree".into()), "{broken:?}");
}

/// What a figure shows for a pool.
fn value(tape: &Tape, measure: Measure, over: Over) -> fixed::Decimal {
    let wanted = Figure {
        name: "it".into(),
        measure,
        over,
        shown: Wanted::Exact,
    };
    match wanted.claim(tape).expect("it has a value").shown {
        Claimed::Exact(value) => value,
        _ => unreachable!("an exact value was wanted"),
    }
}

/// Loans that are given up or gone move no figure over open loans, and are counted in those over all.
#[test]
fn figures_are_over_open_loans() {
    let tape = with_closed();
    let mut open = tape.clone();
    open.loans.retain(|l| l.values[field("status")] == Some(0));
    assert_eq!(open.loans.len(), 57);
    let sum = |of: &str| Measure::Sum {
        of: of.into(),
        rule: None,
    };
    let weighted = Measure::Largest {
        by: "borrower".into(),
        top: 2,
        weight: Some("original_balance".into()),
    };
    let all_state = |m: &Measure| value(&tape, m.clone(), Over::All);
    for measure in [
        Measure::Count { rule: None },
        sum("balance"),
        sum("original_balance"),
        average("rate", None),
        average("ltv", Some("ltv is present")),
        share("days_past_due >= 30"),
        largest("state", 1),
        weighted,
    ] {
        let expected = value(&open, measure.clone(), Over::Open);
        assert_eq!(value(&tape, measure.clone(), Over::Open), expected);
        assert_eq!(value(&open, measure.clone(), Over::All), expected);
        let over_all = all_state(&measure);
        assert_ne!(over_all, expected, "{measure:?}");
        let claim = |over: Over, value: fixed::Decimal| {
            let figure = Figure {
                name: "it".into(),
                measure: measure.clone(),
                over,
                shown: Claimed::Exact(value),
            };
            claimed(&tape, &[], vec![figure])
        };
        let none = Vec::<String>::new();
        assert_eq!(claim(Over::Open, expected), none, "{measure:?}");
        assert_eq!(claim(Over::All, over_all), none, "{measure:?}");
        assert_eq!(claim(Over::Open, over_all), ["FIGURES-3"], "{measure:?}");
        assert_eq!(claim(Over::All, expected), ["FIGURES-3"], "{measure:?}");
    }
}

/// A loan that does not count is given its weight in a concentration.
#[test]
fn what_does_not_count_weighs_nothing() {
    let tape = with_closed();
    let terms = Terms {
        eligibility: Vec::new(),
        figures: vec![figure("state", largest("state", 2), Wanted::Exact)],
    };
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    assert_eq!(found(&prepared, 0), Vec::new());
    let all = Figure {
        over: Over::All,
        ..figure("state", largest("state", 2), Wanted::Exact)
    };
    let over_all = Terms {
        figures: vec![all],
        ..terms
    };
    let other = Prepared::new(&tape, &over_all, &secret()).expect("it is true");
    assert_ne!(
        prepared.claim().figures[0].shown,
        other.claim().figures[0].shown
    );
    // The list in which the loan that was given up weighs what it owes.
    let broken = wrong(&prepared, |rows| rows.groups = self::rows(&other).groups);
    assert!(broken.contains(&"SPONGE-5".into()), "{broken:?}");
    let mut claim = prepared.claim().clone();
    claim.lists = other.claim().lists.clone();
    let context = Pool::context(&claim).expect("it is well formed");
    let tables = PartTables::new(&claim, &context, 0);
    let mut forged = rows(&prepared);
    forged.groups = rows(&other).groups;
    // Everything that follows from the list is as the forger would have it: then the loans' own product is another.
    let own = SALTS + prepared.context().plan.group_register(0);
    let own = own..own + plan::group::COUNT;
    forged.after[own.clone()].copy_from_slice(&rows(&other).after[own]);
    let broken = violated(&tables.airs(), &forged.fill(&tables));
    assert!(broken.contains(&"bus pass".into()), "{broken:?}");
}

/// Rules hold for what was given up, not for what is gone.
#[test]
fn rules_hold_for_all_but_closed_loans() {
    let mut tape = with_closed();
    let none = Vec::<String>::new();
    for (loan, broken) in [(1, false), (2, false), (3, true), (4, true)] {
        let before = tape.loans[loan].values[field("ltv")].replace(120);
        let expected: &[&str] = if broken { &["LOANS-3"] } else { &[] };
        assert_eq!(claimed(&tape, &["ltv <= 110"], vec![]), expected, "{loan}");
        let terms = Terms {
            eligibility: vec!["ltv <= 110".into()],
            figures: vec![],
        };
        let refused = check(&tape, &terms).is_err();
        assert_eq!(refused, broken, "{loan}");
        tape.loans[loan].values[field("ltv")] = before;
    }
    assert_eq!(
        claimed(&tape, &["status != defaulted"], vec![]),
        ["LOANS-3"]
    );
    assert_eq!(claimed(&tape, &["status != repurchased"], vec![]), none);
}

/// Templates without a status, with one of their own words, and of what is no loan.
#[test]
fn templates_say_which_loans_are_open() {
    let broken = |template: Template, change: &dyn Fn(&mut Loan)| {
        let mut tape = tape(40);
        let places: Vec<Option<usize>> = template
            .fields
            .iter()
            .map(|f| tape.template.field(&f.name))
            .collect();
        for loan in &mut tape.loans {
            loan.values = places
                .iter()
                .map(|i| i.and_then(|i| loan.values[i]))
                .collect();
        }
        tape.template = template;
        change(&mut tape.loans[5]);
        let counts = Standings::new(&tape.template).counts(&tape.loans);
        let figures = vec![
            figure("it", largest("state", 1), Wanted::Exact)
                .claim(&tape)
                .expect("it has a value"),
        ];
        (
            counts.open,
            counts.defaulted,
            claimed(&tape, &["rate < 7"], figures),
        )
    };
    let none = Vec::<String>::new();
    let mut without = template();
    without.fields.remove(field("status"));
    assert_eq!(broken(without.clone(), &|_| ()), (40, 0, none.clone()));
    let words = |template: &Template| super::words::standing(template, 40, 40, 0);
    assert!(words(&without).contains("no status"));
    let mut own = template();
    let codes = ["current", "defaulted", "retired"].map(String::from);
    own.fields[field("status")].kind = credit::pool::Kind::Code(codes.to_vec());
    let status = field("status");
    assert_eq!(broken(own.clone(), &|_| ()), (40, 0, none.clone()));
    let gone = |l: &mut Loan| l.values[status] = Some(2);
    assert_eq!(broken(own.clone(), &gone), (39, 0, vec!["LOANS-6".into()]));
    assert_eq!(
        broken(own.clone(), &|l| l.values[status] = Some(1)),
        (39, 1, none)
    );
    assert!(words(&own).contains("status current"), "{}", words(&own));
    // A status that may be absent would let a loan be neither.
    own.fields[status].optional = true;
    assert!(own.validate().is_err());
}
