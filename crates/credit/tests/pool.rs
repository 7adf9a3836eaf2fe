//! Loan tapes and rules.

#[path = "common/loans.rs"]
mod loans;

use std::path::{Path, PathBuf};

use credit::import::tape::{read_tape, read_template};
use credit::pool::template::BUILT_IN;
use credit::pool::{Condition, Kind, Template, template_words};
use loans::{loan, mortgage};
use proptest::prelude::*;

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
            .contains("name one of mortgage, auto, receivable")
    );
    let twice = written(
        folder.path(),
        "t.json",
        &credit::pool::template::built_in("carbon")
            .unwrap()
            .replace("vintage", "tonnes"),
    );
    let error = read_template(twice.to_str().unwrap())
        .unwrap_err()
        .to_string();
    assert!(error.contains("field `tonnes`: stands twice"), "{error}");
}
