//! Tests of the pool statement: what is true is accepted, what is false is not.

use std::collections::BTreeSet;

use risk::import::tape::read_template;
use risk::pool::{Claimed, Figure, Loan, Measure, Tape, Template, Wanted};
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
    expected.extend([1, 2, 4, 5].map(|i| format!("LOANS-{i}")));
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
    let sealed = Sealed::new(tape, &secret()).expect("ids differ");
    let rules: Vec<String> = eligibility.iter().map(|r| r.to_string()).collect();
    let prepared = Prepared::unchecked(tape, sealed, &rules, figures, &secret()).expect("it fits");
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
