//! Tests of the pool statement: what is true is accepted, what is false is not.

mod forged;
mod needed;
mod positive;
mod standing;

use credit::import::tape::read_template;
use credit::pool::{
    Claimed, Counts, Facts, Figure, Loan, Measure, Over, PoolError, Standings, Tape, TapeError,
    Template, Wanted,
};
use gadgets::totals::SALTS;
use stark::{Statement, violated};

use super::claim::PartTables;
use super::witness::Rows;
use super::*;
use crate::pools::loan::Sealed;
use crate::testing::*;

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

fn rows(prepared: &Prepared) -> Rows {
    prepared.witness.rows(prepared.context(), 0)
}

/// What is wrong with the first part's rows after a change.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut rows = rows(prepared);
    change(&mut rows);
    violated(&tables.airs(), &rows.fill(&tables))
}

fn field(name: &str) -> usize {
    template().field(name).expect("the template has it")
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
    let facts = Facts { counts, figures };
    let prepared = Prepared::unchecked(tape, sealed, &rules, facts, &secret());
    broken(&prepared.expect("it fits"), 0)
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
