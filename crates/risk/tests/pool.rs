//! Loan tapes, rules and figures.

mod common;

use std::path::{Path, PathBuf};

use fixed::Decimal;
use proptest::prelude::*;
use risk::import::tape::{read_layout, read_tape, read_template};
use risk::pool::figures::check_eligibility;
use risk::pool::standing::check_closed;
use risk::pool::template::BUILT_IN;
use risk::pool::{
    Claimed, Condition, Figure, Kind, Loan, Measure, Over, PoolError, Tape, Template, Wanted,
    template_words,
};

fn mortgage() -> Template {
    read_template("mortgage").unwrap()
}

/// A performing loan in California of 100,000.00 at 3.5% over 360 months.
fn loan(id: &str, template: &Template, fields: &[(&str, &str)]) -> Loan {
    let usual = [
        ("original_balance", "100000"),
        ("balance", "100000"),
        ("rate", "3.5"),
        ("remaining_term", "360"),
        ("frequency", "monthly"),
        ("amortization", "level-pay"),
        ("instalment", "449.05"),
        ("borrower", id),
        ("state", "CA"),
        ("days_past_due", "0"),
        ("status", "performing"),
    ];
    let mut values = vec![None; template.fields.len()];
    for (name, text) in usual.iter().chain(fields) {
        let field = template.field(name).unwrap();
        values[field] = (!text.is_empty()).then(|| template.fields[field].parse(text).unwrap());
    }
    Loan {
        id: id.into(),
        values,
    }
}

fn tape(loans: Vec<Loan>) -> Tape {
    Tape {
        template: mortgage(),
        cut_off: "2020-04-01".to_string().try_into().unwrap(),
        loans,
    }
}

fn holds(rule: &str, fields: &[(&str, &str)]) -> bool {
    let template = mortgage();
    let condition = Condition::parse(rule, &template).unwrap();
    condition.holds(&loan("l", &template, fields))
}

#[test]
fn templates_are_valid() {
    for name in BUILT_IN {
        let template = read_template(name).unwrap();
        assert_eq!(template.name, *name);
        assert!(template.fields.iter().all(|f| !f.about.is_empty()));
    }
}

/// A template is said to be built in only if nothing of it was changed, texts and the form of numbers included.
#[test]
fn own_templates_are_known_by_their_digests() {
    for name in BUILT_IN {
        let words = template_words(&read_template(name).unwrap());
        assert_eq!(words, format!("built-in template `{name}`"));
    }
    let changes: [fn(&mut Template); 4] = [
        |t| t.fields[1].about = "what the house is said to be worth".into(),
        |t| t.fields[18].optional = true,
        |t| t.weight = "original_balance".into(),
        |t| {
            if let Kind::Number { max, .. } = &mut t.fields[1].kind {
                *max = "1000000000.0".parse().unwrap();
            }
        },
    ];
    let mut seen = std::collections::BTreeSet::new();
    for change in changes {
        let mut own = mortgage();
        change(&mut own);
        let words = template_words(&own);
        let begin = "template `mortgage` of the prover's own, SHA3-256 ";
        assert!(words.starts_with(begin) && words.ends_with(&own.digest()));
        assert_eq!(own.digest().len(), 64);
        assert!(seen.insert(words));
    }
}

#[test]
fn rules_say_what_they_read_like() {
    let some = [
        ("ltv", "80"),
        ("fico", "700"),
        ("origination", "2020-02-03"),
    ];
    for (rule, expected) in [
        ("ltv <= 80", true),
        ("ltv < 80", false),
        ("ltv < 80.5", true),
        ("ltv <= 79.9", false),
        ("ltv > 79.9", true),
        ("ltv >= 80.1", false),
        ("ltv > 80", false),
        ("ltv = 80", true),
        ("ltv != 80", false),
        ("ltv in [70, 80]", true),
        ("ltv not in [70, 80]", false),
        ("not ltv in [70, 90]", true),
        ("state in [CA, NY]", true),
        ("state not in [CA, NY]", false),
        ("state = NY or ltv <= 80 and fico >= 620", true),
        ("(state = NY or ltv <= 80) and fico >= 720", false),
        ("not (state = NY or fico > 700)", true),
        ("not not state = CA", true),
        (
            "origination >= 2020-02-03 and origination < 2020-02-04",
            true,
        ),
        ("borrower = \"l\"", true),
        ("borrower != \"somebody else\"", true),
        ("rate = 3.5", true),
        ("balance <= 100000.00", true),
        ("ltv is present and not (dti is present)", true),
        ("units is absent", true),
    ] {
        assert_eq!(holds(rule, &some), expected, "{rule}");
    }
}

/// Neither a comparison nor its contrary holds for an absent value.
#[test]
fn absent_values_pass_nothing() {
    for rule in [
        "dti <= 43",
        "dti > 43",
        "not (dti <= 43)",
        "not dti > 43",
        "dti = 0",
        "dti != 0",
        "dti not in [50]",
        "occupancy in [primary, second, investment]",
        "not occupancy = second",
        "not (dti <= 43 and state = CA)",
        "dti <= 43 or state = NY",
        "dti is present",
    ] {
        assert!(!holds(rule, &[]), "{rule}");
    }
    assert!(holds("dti <= 43 or state = CA", &[]));
    assert!(holds("not (dti <= 43 and state = NY)", &[]));
    assert!(holds("dti is absent", &[]));
}

#[test]
fn wrong_rules_are_refused_with_their_place() {
    let template = mortgage();
    for (rule, problem) in [
        ("", "line 1, column 1"),
        ("ltv <= ", "line 1, column 8"),
        ("ltv <= 80 and", "line 1, column 14"),
        ("lvt <= 80", "there is no field `lvt`"),
        ("ltv <= 2000", "is not between 0 and 999"),
        ("ltv <= -1", "is not between 0 and 999"),
        ("ltv <= CA", "is not a number"),
        ("ltv = 80.5", "more than 0 decimals"),
        ("state <= CA", "has no order"),
        ("state in [CA, XX]", "'XX' is not one of"),
        ("origination > 2020-02-30", "is not a date"),
        ("state in []", "line 1, column 11"),
        ("ltv <= 80)", "line 1, column 10"),
    ] {
        let error = Condition::parse(rule, &template).unwrap_err().to_string();
        assert!(error.contains(problem), "{rule}: {error}");
    }
    let line = Condition::parse("ltv <= 80\naccepted: all", &template).unwrap_err();
    assert!(!line.to_string().contains('\n'), "{line}");
    // Nothing that ends the quotation of a rule.
    let quote = Condition::parse("borrower != \"x`; sum of balance is 1\"", &template);
    assert!(quote.is_err());
    let deep = "(".repeat(10_000) + "ltv <= 80" + &")".repeat(10_000);
    assert!(Condition::parse(&deep, &template).is_err());
    let deep = "not ".repeat(400) + "ltv <= 80";
    assert!(Condition::parse(&deep, &template).is_err());
}

proptest! {
    /// With all values present a rule and its negation are contrary; with some absent, not both hold.
    #[test]
    fn negation(ltv in proptest::option::of(0u32..999), dti in proptest::option::of(0u32..999), a in 0u32..999, b in 0u32..999) {
        let text = |v: Option<u32>| v.map_or(String::new(), |v| v.to_string());
        let (ltv_text, dti_text) = (text(ltv), text(dti));
        let fields = [("ltv", ltv_text.as_str()), ("dti", dti_text.as_str())];
        for rule in [
            format!("ltv <= {a} and dti > {b}"),
            format!("ltv = {a} or dti != {b}"),
            format!("not (ltv < {a}) or state = NY and dti in [{a}, {b}]"),
        ] {
            let one = holds(&rule, &fields);
            let other = holds(&format!("not ({rule})"), &fields);
            prop_assert!(!(one && other));
            if ltv.is_some() && dti.is_some() {
                prop_assert_ne!(one, other);
            }
        }
    }
}

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
        risk::import::tape::write_tape(&path, &other).unwrap();
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

// FILES

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn broken_tapes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let template = read_template("carbon").unwrap();
    let header = "id,tonnes,vintage,registry,project,method,status,rating\n";
    let good = "c1,10.5,2020,verra,p1,forestry,active,\n";
    let read = |text: String| {
        let path = written(folder.path(), "tape.csv", &text);
        let date = "2020-04-01".to_string().try_into().unwrap();
        let tape = read_tape(&path, &template, None, date);
        tape.map_err(|e| e.to_string().replace(&path.display().to_string(), "F"))
    };
    let tape = read(format!("{header}{good}")).unwrap();
    assert_eq!(tape.loans[0].values[0], Some(10_500));
    assert_eq!(
        tape.loans[0].values[template.field("rating").unwrap()],
        None
    );
    for (text, problem) in [
        (
            format!("{header}{good}{good}"),
            "F:3: field `id`: duplicate loan `c1`, first at F:2",
        ),
        (
            format!("{header}{}", good.replace("c1", "")),
            "F:2: field `id`: is empty",
        ),
        (
            format!("{header}{}", good.replace("verra", "verrra")),
            "F:2: field `registry`: 'verrra' is not one of",
        ),
        (
            format!("{header}{}", good.replace("10.5", "10.5001")),
            "F:2: field `tonnes`: 10.5001 has more than 3 decimals",
        ),
        (
            format!("{header}{}", good.replace("10.5", "-1")),
            "F:2: field `tonnes`: -1 is negative",
        ),
        (
            format!("{header}{}", good.replace("10.5", "")),
            "F:2: field `tonnes`: is empty",
        ),
        (
            format!("{header}{}", good.replace("2020", "2201")),
            "F:2: field `vintage`: 2201 is more than 2200",
        ),
        (header.to_string(), "F: has no loan"),
        (
            format!("{}{good}", header.replace("vintage", "year")),
            "F:1: field `year`: is no field",
        ),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(problem), "{error}");
    }
    assert!(
        read_template("car")
            .unwrap_err()
            .to_string()
            .contains("name one of mortgage, auto")
    );
    let twice = written(
        folder.path(),
        "t.json",
        &risk::pool::template::built_in("carbon")
            .unwrap()
            .replace("vintage", "tonnes"),
    );
    let error = read_template(twice.to_str().unwrap())
        .unwrap_err()
        .to_string();
    assert!(error.contains("field `tonnes`: stands twice"), "{error}");
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
