//! `sealbook attest`, and what `verify` says of who vouches for what.

mod common;

use std::path::Path;

use common::told as run;
use serde_json::Value;

fn key_of(folder: &Path, file: &str) -> String {
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let attestation: Value = serde_json::from_slice(&bytes).unwrap();
    attestation["key"].as_str().unwrap().to_string()
}

fn assert_told(told: &str, expected: &[&str]) {
    for part in expected {
        assert!(told.contains(part), "{told}\nlacks\n{part}");
    }
}

/// A margin proof stands on a market, which somebody vouches for, or nobody.
#[test]
fn a_market_is_attested_for_margin() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --accounts 8 --positions 4 --loans 50", 0);
    at(
        "prove margin --book book.csv --market market.json --account acct-000005 --out m.proof",
        0,
    );
    let nobody = "nobody vouches for that market of 2026-01-02 08:00:00 UTC (source `sample`)";
    let alone = at("verify m.proof", 0);
    assert_told(&alone, &[nobody]);
    let signed = at("attest market --market market.json --key k --out m.json", 0);
    assert_told(
        &signed,
        &[
            "m.json: market ",
            " of 2026-01-02 08:00:00 UTC from `sample` attested by key ",
        ],
    );
    let key = key_of(dir.path(), "m.json");
    let verify = |attestations: &str, trust: &str, code| {
        at(
            &format!("verify m.proof {attestations} --trust {trust}"),
            code,
        )
    };
    let accepted = verify("--attestation m.json", &key, 0);
    assert_told(
        &accepted,
        &[&format!(
            "accepted: key {key} attests that market of 2026-01-02"
        )],
    );
    assert!(!accepted.contains("nobody vouches"), "{accepted}");
    let shown: Value =
        serde_json::from_str(&verify("--json --attestation m.json", &key, 0)).unwrap();
    assert_eq!(shown["nobody_vouches"], serde_json::json!([]));
    assert!(shown["attested"][0].as_str().unwrap().contains(&key));
    // A key that is not trusted, a weak one, none.
    let other = at(
        "attest market --market market.json --key other --out o.json",
        0,
    );
    assert!(!other.contains(&key));
    assert_told(
        &verify("--attestation o.json", &key, 1),
        &["o.json: rejected: its key ", "not one that you trust"],
    );
    assert_told(
        &verify("--attestation m.json", &"0".repeat(64), 2),
        &["--trust `0000", "is a weak key"],
    );
    assert_told(
        &verify("--attestation m.json", "mine", 2),
        &["--trust `mine`: is no public key"],
    );
    at("verify m.proof --attestation m.json", 2);
    // Another market, only its assets' prices, or another kind of thing.
    let text = std::fs::read_to_string(dir.path().join("market.json")).unwrap();
    let moved = text.replacen("1767340800000", "1767340800001", 1);
    std::fs::write(dir.path().join("later.json"), moved).unwrap();
    at(
        "attest market --market later.json --key k --out later-m.json",
        0,
    );
    assert_told(
        &verify("--attestation later-m.json", &key, 1),
        &["it is about another market than the claim"],
    );
    let assets = "attest market --assets assets.csv --as-of 2026-01-02T08:00:00Z --source sample";
    at(&format!("{assets} --key k --out a.json"), 0);
    assert_told(
        &verify("--attestation a.json", &key, 1),
        &["it is about another market than the claim"],
    );
    at(
        "attest scenarios --scenarios scenarios.json --key k --out s.json",
        0,
    );
    assert_told(
        &verify("--attestation s.json", &key, 2),
        &["it is about scenarios, and the claim rests on none"],
    );
    // A signature is worth nothing on another subject.
    let mut forged: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("later-m.json")).unwrap()).unwrap();
    let good: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("m.json")).unwrap()).unwrap();
    forged["subject"] = good["subject"].clone();
    std::fs::write(dir.path().join("f.json"), forged.to_string()).unwrap();
    assert_told(
        &verify("--attestation f.json", &key, 1),
        &["its signature is wrong"],
    );
}

/// A solvency claim takes prices and haircuts from its market, which one may attest who has no book.
#[test]
fn prices_of_assets_are_attested_for_solvency() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --accounts 4 --positions 2 --loans 50", 0);
    let origin = "--as-of 2026-01-02T08:00:00Z --source venue-x-mark";
    at(
        &format!("prove solvency --users users.csv --assets assets.csv {origin} --out s.proof"),
        0,
    );
    let what = "the prices and haircuts of 2026-01-02 08:00:00 UTC (source `venue-x-mark`)";
    assert_told(
        &at("verify s.proof", 0),
        &[&format!("nobody vouches for {what}")],
    );
    at(
        &format!("attest market --assets assets.csv {origin} --key k --out a.json"),
        0,
    );
    let key = key_of(dir.path(), "a.json");
    let verify = |file: &str, code| {
        at(
            &format!("verify s.proof --attestation {file} --trust {key}"),
            code,
        )
    };
    let accepted = verify("a.json", 0);
    assert_told(&accepted, &[&format!("key {key} attests {what}")]);
    assert!(!accepted.contains("nobody vouches"), "{accepted}");
    // Other prices, another moment, another source.
    let text = std::fs::read_to_string(dir.path().join("assets.csv")).unwrap();
    std::fs::write(
        dir.path().join("other.csv"),
        text.replacen("65100.22", "65100.23", 1),
    )
    .unwrap();
    for (assets, origin) in [
        ("other.csv", origin),
        (
            "assets.csv",
            "--as-of 2026-01-02T08:00:01Z --source venue-x-mark",
        ),
        (
            "assets.csv",
            "--as-of 2026-01-02T08:00:00Z --source venue-y-mark",
        ),
    ] {
        at(
            &format!("attest market --assets {assets} {origin} --key k --out b.json"),
            0,
        );
        assert_told(
            &verify("b.json", 1),
            &["it is about another market than the claim"],
        );
    }
}

/// A premia claim stands on scenarios; who knows only the prices vouches for these, and the words say so.
#[test]
fn scenarios_or_their_prices_are_attested_for_risk() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --accounts 4 --positions 2 --loans 50", 0);
    at(
        "scenarios make --prices prices.csv --method historical --out h.json",
        0,
    );
    at("attest prices --prices prices.csv --key k --out p.json", 0);
    at(
        "attest scenarios --scenarios h.json --key k --out s.json",
        0,
    );
    at(
        "attest scenarios --scenarios scenarios.json --key k --out g.json",
        0,
    );
    let key = key_of(dir.path(), "p.json");
    at(
        "prove premia --scenarios scenarios.json --state venue.json --out g.proof",
        0,
    );
    // The same numbers, under another secret.
    std::fs::copy(dir.path().join("venue.json"), dir.path().join("other.json")).unwrap();
    at(
        "prove systemic --scenarios scenarios.json --state venue.json --state other.json --out y.proof",
        0,
    );
    for proof in ["g.proof", "y.proof"] {
        assert_told(
            &at(&format!("verify {proof}"), 0),
            &["nobody vouches for those scenarios of 20"],
        );
        let verify = |file: &str, code| {
            at(
                &format!("verify {proof} --attestation {file} --trust {key}"),
                code,
            )
        };
        let accepted = verify("g.json", 0);
        assert_told(&accepted, &["attests those scenarios of 20"]);
        assert!(!accepted.contains("nobody vouches"), "{accepted}");
        // These were not made from that history.
        assert_told(
            &verify("p.json", 1),
            &["it is about another price history than the claim"],
        );
        assert_told(
            &verify("s.json", 1),
            &["it is about another scenarios than the claim"],
        );
    }
    at(
        "prove premia --scenarios h.json --state venue.json --out h.proof",
        0,
    );
    let accepted = at(
        &format!("verify h.proof --attestation p.json --trust {key}"),
        0,
    );
    assert_told(
        &accepted,
        &[
            "attests the price history from 2019-01-07 to 2020-05-20",
            "that those scenarios say they were made from; whether they were was not checked here",
        ],
    );
    let both = format!("verify h.proof --attestation p.json --attestation s.json --trust {key}");
    assert_told(
        &at(&both, 0),
        &["attests the price history", "attests those scenarios of 20"],
    );
}

/// What an exchange's files do not say is asked for, and what a market says itself is not said twice.
#[test]
fn moments_and_sources_are_stated_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --accounts 4 --positions 2 --loans 50", 0);
    let check = |more: &str, code| {
        at(
            &format!("check solvency --users users.csv --assets assets.csv {more}"),
            code,
        )
    };
    let good = "--as-of 2026-01-02T08:00:00Z --source sample";
    assert_told(&check(good, 0), &["true: "]);
    for (more, expected) in [
        (
            "",
            "the file does not say when balances and prices were taken; give --as-of",
        ),
        (
            "--as-of 2026-01-02",
            "the file does not say where prices come from; give --source",
        ),
        (
            "--as-of 1767340800 --source s",
            "--as-of: `1767340800` is no moment in UTC; write 2026-",
        ),
        (
            "--as-of 1999-12-31 --source s",
            "--as-of: `1999-12-31` is not between 2000 and 2100",
        ),
        (
            "--as-of 2026-01-02 --source a;b",
            "--source: `a;b` is no name",
        ),
    ] {
        assert_told(&check(more, 2), &[expected]);
    }
    let margin = "check margin --book book.csv --market market.json --account acct-000003";
    at(margin, 0);
    assert_told(
        &at(&format!("{margin} --source s"), 2),
        &["market.json says itself where its prices come from"],
    );
    let solvency = "check solvency --book book.csv --market market.json";
    at(solvency, 0);
    assert_told(
        &at(&format!("{solvency} --as-of 2026-01-02"), 2),
        &["market.json says itself when"],
    );
}

/// A market may be an option chain in any format of tables; whatever its file is called, it is the same market.
#[test]
fn an_option_chain_is_a_market_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let csv = "instrument_name,option_type,strike,expiration_timestamp,timestamp,underlying_price,index_price,mark_iv,mark_price\n\
               BTC-13SEP20-9000-C,call,9000,1600000000000,1590000000000,9100,9090,70,0.161\n";
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
    write("chain.csv", csv.to_string());
    write("chain.tsv", csv.replace(',', "\t"));
    write("chain.txt", csv.replace(',', ";"));
    let rows: Vec<Vec<&str>> = csv.lines().map(|l| l.split(',').collect()).collect();
    let object: serde_json::Map<String, Value> = rows[0]
        .iter()
        .zip(&rows[1])
        .map(|(n, c)| (n.to_string(), (*c).into()))
        .collect();
    write("chain.json", Value::from(vec![object]).to_string());
    let subject = |name: &str| {
        let command = format!("attest market --market {name} --source v --key k --out a.json");
        run(dir.path(), &command, 0);
        let bytes = std::fs::read(dir.path().join("a.json")).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["subject"].clone()
    };
    let expected = subject("chain.csv");
    for name in ["chain.tsv", "chain.txt", "chain.json"] {
        assert_eq!(subject(name), expected, "{name}");
    }
    let told = run(
        dir.path(),
        "attest market --market none.tsv --key k --out a.json",
        2,
    );
    assert!(told.contains("none.tsv: cannot be read"), "{told}");
}
