//! `scenarios`, and `check` and `prove` of `systemic` and `inventory`, as scripts use them.

mod common;

use common::{run, samples};
use serde_json::Value;

const VENUE: &str = "--scenarios scenarios.json --state venue.json";

fn folder() -> tempfile::TempDir {
    samples("--accounts 2 --below 0 --positions 1")
}

#[test]
fn venues_together_are_checked_and_proven() {
    let dir = folder();
    let dir = dir.path();
    let venues = "--scenarios scenarios.json --state venue.json --state other-venue.json";
    let checked = run(dir, &format!("check systemic {venues} --json"), 0);
    let checked: Value = serde_json::from_str(&checked).unwrap();
    let least: f64 = checked["bound"].as_str().unwrap().parse().unwrap();
    assert!(least > 0.0);
    let text = run(dir, &format!("check systemic {venues} --bound 1"), 1);
    assert!(text.contains("above the bound of 1 USD"), "{text}");
    let refused = format!("prove systemic {venues} --bound 1 --out p.proof");
    run(dir, &refused, 1);
    let few = format!("prove systemic {venues} --secret a --out p.proof");
    assert!(run(dir, &few, 2).contains("1 secrets for 2 states"));
    let prove =
        format!("prove systemic {venues} --secret a --secret b --bound 200000 --out p.proof");
    run(dir, &prove, 0);
    let accepted = run(dir, "verify p.proof", 0);
    assert!(
        accepted.contains("added up, is at most 200000 `USD`"),
        "{accepted}"
    );
    let inspected = run(dir, "inspect p.proof --json", 0);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    assert!(inspected["proven_bits"].as_f64().unwrap() >= 100.0);
    // A venue counts once, by its file and by its commitment.
    let one = "--scenarios scenarios.json --state venue.json --state";
    let text = run(dir, &format!("check systemic {one} venue.json"), 2);
    assert!(text.contains("venue.json: is given twice"), "{text}");
    std::fs::copy(dir.join("venue.json"), dir.join("copy.json")).unwrap();
    let twice = format!("prove systemic {one} copy.json --secret a --secret a --out p.proof");
    let text = run(dir, &twice, 2);
    assert!(text.contains("venues 1 and 2 are one"), "{text}");
    // The first venue's own claim speaks of the same state.
    let own = format!("prove premia {VENUE} --secret a --out own.proof");
    run(dir, &own, 0);
    let own: Value = serde_json::from_str(&run(dir, "inspect own.proof --json", 0)).unwrap();
    assert_eq!(
        own["claim"]["after"],
        inspected["claim"]["venues"][0]["state"]
    );
}

/// The venue's state is what its traders' accounts add up to, and the premia claim is about that state.
#[test]
fn an_inventory_is_checked_proven_and_linked() {
    let dir = folder();
    let dir = dir.path();
    let book = "--book traders.csv --market perpetuals.json --scenarios scenarios.json";
    let text = run(
        dir,
        &format!("check inventory {book} --state venue.json"),
        0,
    );
    assert!(
        text.contains("what 50 accounts add up to in 4 market(s)"),
        "{text}"
    );
    let text = run(
        dir,
        &format!("check inventory {book} --state other-venue.json"),
        1,
    );
    assert!(text.contains("in BTC the accounts are net long"), "{text}");
    let prove =
        format!("prove inventory {book} --state venue.json --secret s --out inventory.proof");
    run(dir, &prove, 0);
    assert!(run(dir, "verify inventory.proof", 0).contains("the 50 accounts of book"));
    run(
        dir,
        &format!("prove premia {VENUE} --secret s --out risk.proof"),
        0,
    );
    let linked = run(dir, "verify risk.proof --with inventory.proof", 0);
    assert!(
        linked.contains(
            "`inventory.proof` is about the state of the venue that it starts with: the venue's state"
        ),
        "{linked}"
    );
    // Another venue's risk is not that of this book.
    let other = "--scenarios scenarios.json --state other-venue.json";
    run(
        dir,
        &format!("prove premia {other} --secret s --out other.proof"),
        0,
    );
    let text = run(dir, "verify other.proof --with inventory.proof", 1);
    let none = "it does not speak of the state of the venue that the claim speaks of";
    assert!(text.contains(none), "{text}");
    assert!(run(dir, "verify risk.proof --with other.proof", 1).contains(none));
    // Another book, with other markets.
    let text = run(
        dir,
        "check inventory --book book.csv --market market.json --scenarios scenarios.json --state venue.json",
        2,
    );
    assert!(
        text.contains("`BTC-PERP` is not a market of the scenarios"),
        "{text}"
    );
    // The book is the one of a solvency claim under the same secret.
    run(
        dir,
        "prove solvency --book traders.csv --market perpetuals.json --secret s --out solvency.proof",
        0,
    );
    let root = |proof: &str| -> Value {
        let inspected = run(dir, &format!("inspect {proof} --json"), 0);
        serde_json::from_str::<Value>(&inspected).unwrap()["claim"]["book"]["commitment"].clone()
    };
    assert!(root("solvency.proof").is_string());
    assert_eq!(root("solvency.proof"), root("inventory.proof"));
}

#[test]
fn scenarios_are_made_checked_and_made_again() {
    let dir = folder();
    let dir = dir.path();
    for method in [
        "historical",
        "filtered-historical",
        "ewma",
        "garch",
        "orthogonal-garch",
    ] {
        let make = format!(
            "scenarios make --prices prices.csv --method {method} --count 300 --steps 2 --lot BTC=0.1 --out made.json"
        );
        run(dir, &make, 0);
        let checked = run(dir, "scenarios check made.json --prices prices.csv", 0);
        assert!(
            checked.contains("true: its recipe makes it again"),
            "{checked}"
        );
        assert!(checked.contains("over 2 day(s)"), "{checked}");
        // The venue's files speak of the same markets.
        run(
            dir,
            "check premia --scenarios made.json --state venue.json",
            0,
        );
        let text = std::fs::read_to_string(dir.join("made.json")).unwrap();
        let mut set: Value = serde_json::from_str(&text).unwrap();
        let value = set["values"][7][1].as_u64().unwrap();
        set["values"][7][1] = (value + 1).into();
        std::fs::write(dir.join("made.json"), set.to_string()).unwrap();
        let text = run(dir, "scenarios check made.json --prices prices.csv", 1);
        assert!(text.contains("scenario 7 differs"), "{text}");
    }
    let given = run(dir, "scenarios check scenarios.json --prices prices.csv", 1);
    assert!(given.contains("was given, not made"), "{given}");
    let prices = std::fs::read_to_string(dir.join("prices.csv")).unwrap();
    std::fs::write(
        dir.join("other.csv"),
        prices.replacen("2019-01-07", "2019-01-06", 1),
    )
    .unwrap();
    let other = run(dir, "scenarios check made.json --prices other.csv", 1);
    assert!(other.contains("other.csv has"), "{other}");
    for (wrong, expected) in [
        ("--lot X=1", "there is no market `X`; there are BTC"),
        ("--lot BTC=0", "a lot must be positive"),
        ("--lot BTC", "write SYMBOL=AMOUNT"),
        ("--steps 900", "do not fit a history of 500 observations"),
        (
            "--method ewma --decay 1.5",
            "a decay must be above 0 and below 1",
        ),
        ("--method ewma --count 20000", "there must be 1 to 16384"),
        ("--lot BTC=1000", "use a smaller lot"),
        ("--lot XRP=0.0000001", "take a lot of 1: `--lot XRP=1`"),
        ("--window 501", "--window 501: "),
        ("--method ewma --freedom 2", "3 to 30 degrees of freedom"),
        (
            "--method ewma --beacon quicknet:1692803367000:3000",
            "it has no round after these prices",
        ),
        (
            "--method ewma --beacon old:1000000000000:3000",
            "give --beacon-value with what it says in round ",
        ),
    ] {
        let text = run(
            dir,
            &format!("scenarios make --prices prices.csv --out x.json {wrong}"),
            2,
        );
        assert!(text.contains(expected), "{text}");
    }
    assert!(!dir.join("x.json").exists());
}
