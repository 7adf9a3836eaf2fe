//! Figures of pools, by hand and of a real tape.

#[path = "../../records/tests/common/mod.rs"]
mod common;
#[path = "common/loans.rs"]
mod loans;

use credit::import::tape::{read_layout, read_tape};
use credit::pool::figures::check_eligibility;
use credit::pool::standing::check_closed;
use credit::pool::{Claimed, Figure, Measure, Over, PoolError, Tape, Wanted};
use fixed::Decimal;
use loans::{loan, mortgage, tape};

fn figure(measure: Measure, shown: Wanted) -> Figure<Wanted> {
    Figure {
        name: "figure".into(),
        measure,
        over: Over::Open,
        shown,
    }
}

fn exact(tape: &Tape, measure: Measure) -> Result<Decimal, PoolError> {
    match figure(measure, Wanted::Exact).claim(tape)?.shown {
        Claimed::Exact(value) => Ok(value),
        _ => unreachable!("an exact figure was wanted"),
    }
}

fn average(of: &str, rule: Option<&str>) -> Measure {
    Measure::Average {
        of: of.into(),
        weight: None,
        rule: rule.map(Into::into),
    }
}

fn share(rule: &str) -> Measure {
    Measure::Share {
        rule: rule.into(),
        weight: None,
    }
}

fn largest(by: &str, top: u32) -> Measure {
    Measure::Largest {
        by: by.into(),
        top,
        weight: None,
    }
}

#[test]
fn figures_by_hand() {
    let template = mortgage();
    let tape = tape(vec![
        loan(
            "a",
            &template,
            &[("balance", "100"), ("ltv", "80"), ("rate", "3")],
        ),
        loan(
            "b",
            &template,
            &[
                ("balance", "200"),
                ("ltv", "95"),
                ("rate", "4"),
                ("state", "NY"),
            ],
        ),
        loan(
            "c",
            &template,
            &[
                ("balance", "300.01"),
                ("rate", "5"),
                ("state", "TX"),
                ("days_past_due", "31"),
            ],
        ),
    ]);
    let show = |measure| exact(&tape, measure).unwrap().to_string();
    assert_eq!(show(Measure::Count { rule: None }), "3");
    assert_eq!(
        show(Measure::Count {
            rule: Some("ltv is present".into())
        }),
        "2"
    );
    let sum = |rule: Option<&str>| Measure::Sum {
        of: "balance".into(),
        rule: rule.map(Into::into),
    };
    assert_eq!(show(sum(None)), "600.01");
    // (3 * 100 + 4 * 200 + 5 * 300.01) / 600.01 = 2600.05 / 600.01
    assert_eq!(show(average("rate", None)), "4.3333444");
    // 80 and 95, weighted 1 to 2.
    assert_eq!(show(average("ltv", Some("ltv is present"))), "90.000");
    // 300.01 of 600.01; the denominator is always the whole pool.
    assert_eq!(show(share("days_past_due >= 30")), "50.0008");
    assert_eq!(show(share("ltv <= 80")), "16.6663");
    assert_eq!(show(largest("state", 1)), "50.0008");
    assert_eq!(show(largest("borrower", 2)), "83.3336");
    assert_eq!(show(largest("state", 10)), "100.0000");
    let bounded = |shown| figure(share("days_past_due >= 30"), shown).claim(&tape);
    assert!(bounded(Wanted::AtMost("50.0009".parse().unwrap())).is_ok());
    assert!(bounded(Wanted::AtLeast("50.0008".parse().unwrap())).is_ok());
    let error = bounded(Wanted::AtMost("50.0008".parse().unwrap())).unwrap_err();
    assert_eq!(error.to_string(), "figure is 50.0008, not at most 50.0008");
    assert!(error.is_false());
}

/// Loan `a` is open, `b` was given up, `c` was bought back.
fn three() -> Tape {
    let template = mortgage();
    tape(vec![
        loan("a", &template, &[("balance", "100"), ("ltv", "80")]),
        loan(
            "b",
            &template,
            &[("balance", "300"), ("ltv", "60"), ("status", "defaulted")],
        ),
        loan(
            "c",
            &template,
            &[("balance", "0"), ("ltv", "10"), ("status", "repurchased")],
        ),
    ])
}

#[test]
fn figures_are_over_open_loans_by_hand() {
    let tape = three();
    let show = |measure: Measure, over| {
        let figure = Figure {
            over,
            ..figure(measure, Wanted::Exact)
        };
        match figure.claim(&tape).unwrap().shown {
            Claimed::Exact(value) => value.to_string(),
            _ => unreachable!("an exact figure was wanted"),
        }
    };
    let (open, all) = (Over::Open, Over::All);
    let ltv = || average("ltv", Some("ltv is present"));
    assert_eq!(show(ltv(), open), "80.000");
    // 80 * 100 + 60 * 300 over 400; what is gone owes nothing.
    assert_eq!(show(ltv(), all), "65.000");
    assert_eq!(show(Measure::Count { rule: None }, open), "1");
    assert_eq!(show(Measure::Count { rule: None }, all), "3");
    assert_eq!(show(share("status = defaulted"), all), "75.0000");
    assert_eq!(show(share("ltv <= 80"), open), "100.0000");
    assert_eq!(show(largest("borrower", 1), open), "100.0000");
    assert_eq!(show(largest("borrower", 1), all), "75.0000");
    // Over open loans a rule about others would hold for none, or for some without saying so.
    for rule in [
        "status = defaulted",
        "status in [delinquent, defaulted]",
        "ltv < 5 or status = prepaid",
    ] {
        let error = figure(share(rule), Wanted::Exact)
            .claim(&tape)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("over open loans (performing or delinquent)"),
            "{error}"
        );
    }
    for rule in [
        "status = delinquent",
        "status != defaulted",
        "status not in [prepaid, repurchased]",
    ] {
        assert!(
            figure(share(rule), Wanted::Exact).claim(&tape).is_ok(),
            "{rule}"
        );
    }
}

#[test]
fn closed_loans_that_owe_something_are_named() {
    let mut tape = three();
    assert_eq!(check_closed(&tape), Ok(()));
    let balance = tape.template.field("balance").unwrap();
    tape.loans[2].values[balance] = Some(1);
    let error = check_closed(&tape).unwrap_err();
    assert!(!error.is_false());
    assert_eq!(
        error.to_string(),
        "1 closed loan(s) still owe something: `c` (repurchased, owes 0.01); a closed loan owes nothing: correct the status or \
         the balance"
    );
    // On import, with the line.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape.csv");
    for (status, refused) in [
        ("repurchased", true),
        ("prepaid", true),
        ("defaulted", false),
    ] {
        let mut other = three();
        let code = other.template.field("status").unwrap();
        other.loans[1].values[code] = Some(other.template.fields[code].parse(status).unwrap());
        credit::import::tape::write_tape(&path, &other).unwrap();
        let date = "2020-03-31".to_string().try_into().unwrap();
        let read = read_tape(&path, &mortgage(), None, date);
        let Err(error) = read else {
            assert!(!refused, "{status}");
            continue;
        };
        let text = error.to_string();
        let says =
            text.contains("tape.csv:3: field `balance`: loan `b` is") && text.contains(status);
        assert!(refused && says, "{text}");
    }
    // Rules are for what is not gone.
    let rules = ["ltv >= 60".to_string()];
    assert_eq!(check_eligibility(&three(), &rules), Ok(()));
    let error = check_eligibility(&three(), &["status = performing".into()]).unwrap_err();
    assert!(
        error.to_string().contains("`b` (status is defaulted)"),
        "{error}"
    );
}

/// A bound times a denominator may be beyond 128 bits.
#[test]
fn bounds_of_large_pools_are_compared_rightly() {
    let template = mortgage();
    let loan = loan("a", &template, &[("balance", "1000000000")]);
    let field = template.field("balance").unwrap();
    let mut tape = tape(vec![loan; 3]);
    for loan in &mut tape.loans {
        // More than a tape can say, as 2^24 loans of the largest balance do together.
        loan.values[field] = Some(u64::MAX);
    }
    let most: Decimal = "1000000000000000".parse().unwrap();
    let share = || share("state = CA");
    assert!(
        figure(share(), Wanted::AtMost("100000000000000".parse().unwrap()))
            .claim(&tape)
            .is_ok()
    );
    assert!(
        figure(share(), Wanted::AtLeast("100000000000000".parse().unwrap()))
            .claim(&tape)
            .is_err()
    );
    assert!(
        figure(share(), Wanted::AtMost(most)).claim(&tape).is_err(),
        "more than a bound can be"
    );
}

#[test]
fn figures_that_ask_too_much_are_refused() {
    let template = mortgage();
    let tape = tape(vec![loan("a", &template, &[])]);
    let error = |measure| exact(&tape, measure).unwrap_err().to_string();
    assert!(error(average("ltv", None)).contains("may be absent"));
    assert!(error(average("ltv", Some("ltv <= 80 or state = CA"))).contains("may be absent"));
    assert!(error(average("ltv", Some("ltv <= 80"))).contains("no loan counts"));
    assert!(error(average("state", None)).contains("is not a number"));
    assert!(error(average("original_balance", None)).contains("60 bits"));
    assert!(error(largest("fico", 1)).contains("a code or a text"));
    assert!(error(largest("occupancy", 1)).contains("never absent"));
    assert!(error(largest("state", 0)).contains("`top`"));
}

#[test]
fn ineligible_loans_are_named() {
    let template = mortgage();
    let tape = tape(vec![
        loan("good", &template, &[("ltv", "80"), ("dti", "43")]),
        loan("high", &template, &[("ltv", "97"), ("dti", "50")]),
        loan("gap", &template, &[("ltv", "80")]),
    ]);
    let rule = "ltv <= 95 and dti <= 43".to_string();
    let error = check_eligibility(&tape, &[rule]).unwrap_err();
    assert!(error.is_false());
    assert_eq!(
        error.to_string(),
        "2 loan(s) break `ltv <= 95 and dti <= 43`: `high` (ltv is 97, dti is 50), `gap` (dti is absent)"
    );
    assert!(check_eligibility(&tape, &["state = CA".into()]).is_ok());
}

/// The figures of the real tape, against sums over its columns as they stand in the file.
#[test]
fn the_real_tape() {
    let Some(path) = common::data("mortgage-tape.csv") else {
        return;
    };
    let layout = read_layout("mortgage-dataset").unwrap();
    let date = "2020-03-31".to_string().try_into().unwrap();
    let tape = read_tape(&path, &mortgage(), Some(&layout), date).unwrap();
    assert_eq!(tape.loans.len(), 6000);

    let mut reader = csv::Reader::from_path(&path).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |name: &str| names.iter().position(|n| n == name).unwrap();
    let number = |row: &csv::StringRecord, name: &str| row[column(name)].parse::<i128>().unwrap();
    let total: i128 = rows.iter().map(|r| number(r, "orig_upb")).sum();
    let balance = exact(
        &tape,
        Measure::Sum {
            of: "balance".into(),
            rule: None,
        },
    )
    .unwrap();
    assert_eq!(balance, Decimal::new(total * 100, 2));
    for (name, field, missing) in [
        ("fico", "fico", 9999),
        ("dti", "dti", 999),
        ("ltv", "ltv", 999),
        ("orig_loan_term", "remaining_term", 0),
    ] {
        let known = || rows.iter().filter(|r| number(r, name) != missing);
        let weight: i128 = known().map(|r| number(r, "orig_upb")).sum();
        let sum: i128 = known()
            .map(|r| number(r, "orig_upb") * number(r, name))
            .sum();
        let rule = (missing != 0).then(|| format!("{field} is present"));
        let value = exact(&tape, average(field, rule.as_deref())).unwrap();
        assert_eq!(value, Decimal::new(sum * 1000 / weight, 3), "{field}");
        let absent = tape
            .loans
            .iter()
            .filter(|l| l.values[tape.template.field(field).unwrap()].is_none());
        assert_eq!(absent.count(), rows.len() - known().count(), "{field}");
    }
    let in_state = |state: &str| -> i128 {
        let there = rows.iter().filter(|r| &r[column("st")] == state);
        there.map(|r| number(r, "orig_upb")).sum()
    };
    let california = exact(&tape, share("state = CA")).unwrap();
    assert_eq!(
        california,
        Decimal::new(in_state("CA") * 1_000_000 / total, 4)
    );
    let mut states: Vec<i128> = tape.template.fields[tape.template.field("state").unwrap()]
        .kind
        .codes()
        .iter()
        .map(|s| in_state(s))
        .collect();
    states.sort_unstable();
    let ten: i128 = states.iter().rev().take(10).sum();
    assert_eq!(
        exact(&tape, largest("state", 10)).unwrap(),
        Decimal::new(ten * 1_000_000 / total, 4)
    );
    assert!(
        check_eligibility(&tape, &["fico >= 620".into()])
            .unwrap_err()
            .to_string()
            .contains("fico is absent")
    );
}
