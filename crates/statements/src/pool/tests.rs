//! Tests of the pool statement: what is true is accepted, what is false is not.

mod needed;

use std::collections::BTreeSet;

use gadgets::totals::SALTS;
use risk::import::tape::read_template;
use risk::pool::{Claimed, Counts, Figure, Loan, Measure, Over, Standings, Tape, Template, Wanted};
use stark::{
    EF, F, PrimeCharacteristicRing, Statement, broken_alone, cell_test, security_report, verify,
    violated, violations,
};

use super::claim::PartTables;
use super::witness::Rows;
use super::*;
use crate::account::Secret;
use crate::loan::Sealed;

fn secret() -> Secret {
    Secret::from_hex(&"00000007".repeat(8)).expect("a constant")
}

/// A number below `n`, the same for the same seed.
fn noise(seed: u64, n: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) % n
}

fn template() -> Template {
    read_template("mortgage").expect("it comes with the crate")
}

/// Loans of which one in eight has no debt to income, with borrowers that owe three loans each.
fn loan(template: &Template, i: u64) -> Loan {
    let text = |name: &str| -> String {
        let pick = |words: &[&str]| {
            words[noise(i * 31 + name.len() as u64, words.len() as u64) as usize].to_string()
        };
        match name {
            "original_balance" | "balance" => (50_000 + noise(i, 900_000)).to_string() + ".25",
            "rate" => format!("{}.125", 3 + noise(i, 3)),
            "remaining_term" => (100 + noise(i, 260)).to_string(),
            "frequency" => "monthly".into(),
            "amortization" => "level-pay".into(),
            "instalment" => (400 + noise(i, 5_000)).to_string(),
            "borrower" => format!("borrower {}", i / 3),
            "state" => pick(&["CA", "NY", "TX", "FL", "WA", "OR"]),
            "fico" => (620 + noise(i + 5, 200)).to_string(),
            "ltv" => (40 + noise(i + 9, 56)).to_string(),
            "dti" if i % 8 != 3 => (10 + noise(i + 2, 40)).to_string(),
            "days_past_due" => (noise(i, 10) / 8 * 35).to_string(),
            "status" => "performing".into(),
            "origination" => "2020-02-03".into(),
            _ => String::new(),
        }
    };
    let values = template.fields.iter().map(|field| {
        let text = text(&field.name);
        (!text.is_empty()).then(|| field.parse(&text).expect("a constant"))
    });
    Loan {
        id: format!("loan-{i}"),
        values: values.collect(),
    }
}

fn tape(loans: u64) -> Tape {
    let template = template();
    Tape {
        cut_off: "2020-03-31".to_string().try_into().expect("a date"),
        loans: (0..loans).map(|i| loan(&template, i)).collect(),
        template,
    }
}

fn figure(name: &str, measure: Measure, shown: Wanted) -> Figure<Wanted> {
    Figure {
        name: name.into(),
        measure,
        over: Over::Open,
        shown,
    }
}

fn share(rule: &str) -> Measure {
    Measure::Share {
        rule: rule.into(),
        weight: None,
    }
}

fn average(of: &str, rule: Option<&str>) -> Measure {
    Measure::Average {
        of: of.into(),
        weight: None,
        rule: rule.map(Into::into),
    }
}

fn largest(by: &str, top: u32) -> Measure {
    Measure::Largest {
        by: by.into(),
        top,
        weight: None,
    }
}

fn at_most(bound: &str) -> Wanted {
    Wanted::AtMost(bound.parse().expect("a number"))
}

fn at_least(bound: &str) -> Wanted {
    Wanted::AtLeast(bound.parse().expect("a number"))
}

fn terms() -> Terms {
    let sum = Measure::Sum {
        of: "balance".into(),
        rule: None,
    };
    Terms {
        eligibility: vec![
            "ltv <= 95 and fico >= 620 and state in [CA, NY, TX, FL, WA, OR]".into(),
            "not (status = defaulted) and (dti is absent or dti <= 50)".into(),
        ],
        figures: vec![
            figure("loans", Measure::Count { rule: None }, Wanted::Exact),
            figure("balance", sum, Wanted::Exact),
            figure("coupon", average("rate", None), at_least("3")),
            figure("ltv", average("ltv", Some("ltv is present")), Wanted::Exact),
            figure("dti", average("dti", Some("dti != 7")), at_most("50")),
            figure("late", share("days_past_due >= 30"), Wanted::Exact),
            figure("west", share("state not in [NY, TX, FL]"), at_least("0")),
            figure("state", largest("state", 2), Wanted::Exact),
            figure("borrowers", largest("borrower", 3), at_most("100")),
        ],
    }
}

fn prepared(loans: u64) -> Prepared {
    Prepared::new(&tape(loans), &terms(), &secret()).expect("it is true")
}

fn found(prepared: &Prepared, part: usize) -> Vec<stark::Violation> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), part);
    violations(&tables.airs(), &prepared.traces(part))
}

/// What is wrong with the first part's rows after a change.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut rows = prepared.rows(0);
    change(&mut rows);
    violated(&tables.airs(), &rows.fill(&tables))
}

// POSITIVE

#[test]
fn extension_elements_multiply_as_those_of_the_proof_system() {
    use stark::Field;
    let element = |seed: u64| -> [F; 5] {
        std::array::from_fn(|i| F::from_u64(noise(seed * 5 + i as u64, u64::from(stark::P))))
    };
    let basis = |e: [F; 5]| EF::new(e);
    for seed in 0..100 {
        let (x, y) = (element(2 * seed), element(2 * seed + 1));
        let product = tables::groups::multiply(&x, &y);
        assert_eq!(basis(product), basis(x) * basis(y));
        assert!(basis(x).try_inverse().is_some());
    }
}

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
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let padding = [
        ("loans", 200),
        ("groups", 200),
        ("figures", 100),
        ("totals", 80),
        ("codes", 120),
    ];
    let unpinned = cell_test(&tables.airs(), &prepared.traces(0), &padding);
    assert_eq!(unpinned, Vec::new());
}

/// Two parts, linked by hidden states; the largest groups run through both.
#[test]
fn parts_link() {
    let prepared = prepared((1 << 13) + 300);
    let context = prepared.context();
    assert_eq!(prepared.claim().segments.len(), 2);
    for part in 0..2 {
        let tables = PartTables::new(prepared.claim(), context, part);
        assert_eq!(
            violations(&tables.airs(), &prepared.traces(part)),
            Vec::new()
        );
    }
    let proofs = prepared.prove(&mut |_, _| (), None).expect("it is true");
    verify::<Pool>(prepared.claim(), &proofs).expect("it is true");
    let swapped = [proofs[1].clone(), proofs[0].clone()];
    assert!(verify::<Pool>(prepared.claim(), &swapped).is_err());
}

#[test]
fn a_claim_is_proven_with_100_bits() {
    let prepared = prepared(300);
    let proofs = prepared.prove(&mut |_, _| (), None).expect("it is true");
    verify::<Pool>(prepared.claim(), &proofs).expect("it is true");
    let part = Pool::part(prepared.claim(), prepared.context(), 0);
    for air in &part.tables {
        println!("{air:?} {:?}", air.interactions());
    }
    let report = security_report(&part);
    assert!(report.proven_bits >= 100.0, "{report:?}");
}

// NEGATIVE

/// Each numbered constraint is broken, alone, by some change of one cell. What rules and figures read is hashed, too, so
/// changes of it break more than one; they are below.
#[test]
fn every_constraint_breaks_alone() {
    let prepared = prepared(150);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut alone: BTreeSet<&str> = BTreeSet::new();
    for (air, trace) in tables.airs().iter().zip(&prepared.traces(0)) {
        alone.extend(broken_alone(air, trace, &[0, 1, 2, 90, 149, 150, 200, 255]));
    }
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

/// The constraints that a change of some cell of a row breaks.
fn broken_on(prepared: &Prepared, table: usize, row: usize) -> BTreeSet<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let (air, mut trace) = (
        tables.airs()[table].clone(),
        prepared.traces(0)[table].clone(),
    );
    let mut broken = BTreeSet::new();
    for column in 0..air.width() {
        let at = row * air.width() + column;
        trace.values[at] += F::new(2);
        broken.extend(violated(
            std::slice::from_ref(&air),
            std::slice::from_ref(&trace),
        ));
        trace.values[at] -= F::new(2);
    }
    broken
}

fn field(name: &str) -> usize {
    template().field(name).expect("the template has it")
}

/// The number of a loan without debt to income.
fn without_dti(prepared: &Prepared) -> usize {
    let loans = prepared.rows(0).loans;
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

/// What a claim about this tape breaks, whether or not it is true.
fn claimed(tape: &Tape, eligibility: &[&str], figures: Vec<Figure<Claimed>>) -> Vec<String> {
    counted(
        tape,
        eligibility,
        figures,
        Standings::new(&tape.template).counts(&tape.loans),
    )
}

/// The same with other numbers of open and defaulted loans.
fn counted(
    tape: &Tape,
    eligibility: &[&str],
    figures: Vec<Figure<Claimed>>,
    counts: Counts,
) -> Vec<String> {
    let sealed = Sealed::new(tape, &secret()).expect("ids differ");
    let rules: Vec<String> = eligibility.iter().map(|r| r.to_string()).collect();
    let prepared =
        Prepared::unchecked(tape, sealed, &rules, figures, counts, &secret()).expect("it fits");
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    violated(&tables.airs(), &prepared.traces(0))
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

/// A tape of sixty loans: number 1 was bought back, 2 paid off, 3 given up; closed ones owe nothing.
fn with_closed() -> Tape {
    let mut tape = tape(60);
    for (loan, status) in [(1, 4), (2, 3), (3, 2)] {
        let values = &mut tape.loans[loan].values;
        values[field("status")] = Some(status);
        if status > 2 {
            values[field("balance")] = Some(0);
        }
    }
    tape
}

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
            let refused = Prepared::new(&tape, &Terms::default(), &secret());
            let error = refused
                .map(|_| ())
                .expect_err("it contradicts itself")
                .to_string();
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
    let broken = wrong(&prepared, |rows| rows.groups = other.rows(0).groups);
    assert!(broken.contains(&"SPONGE-5".into()), "{broken:?}");
    let mut claim = prepared.claim().clone();
    claim.lists = other.claim().lists.clone();
    let context = Pool::context(&claim).expect("it is well formed");
    let tables = PartTables::new(&claim, &context, 0);
    let mut rows = prepared.rows(0);
    rows.groups = other.rows(0).groups;
    // Everything that follows from the list is as the forger would have it: then the loans' own product is another.
    let own = SALTS + prepared.context().plan.group_register(0);
    let own = own..own + plan::group::COUNT;
    rows.after[own.clone()].copy_from_slice(&other.rows(0).after[own]);
    let broken = violated(&tables.airs(), &rows.fill(&tables));
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
        let refused = Prepared::new(&tape, &terms, &secret()).is_err();
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
    own.fields[field("status")].kind = risk::pool::Kind::Code(codes.to_vec());
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

#[test]
fn words_say_what_decides() {
    let prepared = Prepared::new(&with_closed(), &terms(), &secret());
    // The terms ask for no defaulted loans.
    assert!(prepared.is_err());
    let mut terms = terms();
    terms.eligibility.pop();
    terms.figures.push(Figure {
        over: Over::All,
        ..figure("given-up", share("status = defaulted"), at_most("50"))
    });
    let prepared = Prepared::new(&with_closed(), &terms, &secret()).expect("it is true");
    let lines = words(prepared.claim());
    let text = lines.join("\n");
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
    let second = prepared.rows(0).groups[borrowers]
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
    let broken = wrong(&prepared, |rows| rows.groups = other.rows(0).groups);
    assert!(broken.contains(&"SPONGE-5".into()), "{broken:?}");
    let mut claim = prepared.claim().clone();
    claim.lists = other.claim().lists.clone();
    let context = Pool::context(&claim).expect("it is well formed");
    let tables = PartTables::new(&claim, &context, 0);
    let mut rows = prepared.rows(0);
    rows.groups = other.rows(0).groups;
    let broken = violated(&tables.airs(), &rows.fill(&tables));
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
    let proofs = prepared.prove(&mut |_, _| (), None).expect("it is true");
    verify::<Pool>(good, &proofs).expect("it is true");
    type Change = fn(&mut PoolClaim);
    let changes: Vec<(&str, Change)> = vec![
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
            if let risk::pool::Kind::Number { decimals, .. } = &mut c.template.fields[0].kind {
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
    for (what, change) in changes {
        let mut claim = good.clone();
        change(&mut claim);
        assert_ne!(claim, *good, "{what} changes nothing");
        let outcome = verify::<Pool>(&claim, &proofs);
        assert!(outcome.is_err(), "{what} was accepted");
        let text = format!("{outcome:?}");
        assert!(!text.contains("unexpectedly"), "{what}: {text}");
    }
}

#[test]
fn false_claims_are_refused_with_the_reason() {
    let refused = |change: &dyn Fn(&mut Terms)| {
        let mut terms = terms();
        change(&mut terms);
        match Prepared::new(&tape(60), &terms, &secret()) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("it was accepted"),
        }
    };
    let error = refused(&|t| t.eligibility[0] = "ltv <= 60".into());
    let named = error.contains("break `ltv <= 60`: `loan-") && error.contains("(ltv is ");
    assert!(named, "{error}");
    let error = refused(&|t| t.figures[6].shown = at_least("99"));
    let says = error.starts_with("west is ") && error.ends_with("not at least 99");
    assert!(says, "{error}");
    let mut twice = tape(5);
    twice.loans[4] = twice.loans[1].clone();
    assert!(matches!(
        Prepared::new(&twice, &terms(), &secret()),
        Err(PoolFailure::SameKey(..))
    ));
}

/// What a group weighs has six limbs in its table.
#[test]
fn groups_that_weigh_too_much_are_refused() {
    let mut tape = tape(1_025);
    let most = (1u64 << 50) - 2;
    let max = fixed::Decimal::new(most.into(), 2);
    let balance = field("balance");
    if let risk::pool::Kind::Number { max: largest, .. } = &mut tape.template.fields[balance].kind {
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
    let made = |tape: &Tape| Prepared::new(tape, &terms, &secret()).map(|_| ());
    let error = made(&tape).expect_err("it does not fit").to_string();
    assert!(error.contains("split the pool"), "{error}");
    tape.loans[3].values[field("state")] = Some(1);
    assert!(made(&tape).is_ok());
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
    match Prepared::new(&tape(5), &terms, &secret()) {
        Err(PoolFailure::Input(problem)) => assert!(problem.contains("comparisons"), "{problem}"),
        other => panic!("{:?}", other.map(|p| p.claim().clone())),
    }
}
