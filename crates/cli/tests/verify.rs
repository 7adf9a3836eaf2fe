//! What `verify` prints and refuses: words cannot be forged by files, and expectations mean something.

mod common;

use common::{run, sealbook};
use serde_json::{Value, json};
use stark::ProofFile;

fn samples() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let sample = "sample . --accounts 30 --positions 4 --below 1";
    run(dir.path(), sample, 0);
    dir
}

const MARGIN: &str =
    "prove margin --book book.csv --market market.json --account acct-000003 --out a.proof";

#[test]
fn expectations_name_something_and_compare_values() {
    let dir = samples();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at(MARGIN, 0);
    let expect = |text: &str, code| {
        std::fs::write(dir.path().join("e.json"), text).unwrap();
        at("verify a.proof --expect e.json", code)
    };
    let claim = &serde_json::from_str::<Value>(&at("inspect a.proof --json", 0)).unwrap()["claim"];
    expect(&claim.to_string(), 0);
    // What any claim meets is no expectation.
    for empty in [
        "{}",
        r#"{"snapshot": {}}"#,
        r#"{"subject": {}, "snapshot": {"parameters": {}}}"#,
    ] {
        assert!(expect(empty, 2).contains("names no field"), "{empty}");
    }
    // Of a member that stands twice the last would win.
    let twice = r#"{"level": "initial", "level": "maintenance"}"#;
    assert!(expect(twice, 2).contains("stands twice"));
    // Numbers are compared as numbers, in any way of writing them.
    let buffer = claim["snapshot"]["parameters"]["buffer"].as_str().unwrap();
    let padded = format!("{buffer}000");
    expect(
        &json!({"snapshot": {"parameters": {"buffer": padded}}}).to_string(),
        0,
    );
    let other = expect(r#"{"snapshot": {"parameters": {"buffer": "7"}}}"#, 1);
    assert!(other.contains("snapshot.parameters.buffer"), "{other}");
    assert!(expect(r#"{"lvl": "maintenance"}"#, 1).contains("no field lvl"));
    // A commitment is expected as it is printed.
    let words = at("verify a.proof", 0);
    let printed = claim["subject"]["commitment"].as_str().unwrap();
    assert!(words.contains(printed), "{words}");
    expect(&json!({"subject": {"commitment": printed}}).to_string(), 0);
    expect(
        &json!({"subject": {"commitment": "0".repeat(64)}}).to_string(),
        1,
    );
}

#[test]
fn a_challenge_must_be_repeated() {
    let dir = samples();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at(MARGIN, 0);
    assert!(at("verify a.proof --nonce round-7", 1).contains("answers no challenge"));
    at(&format!("{MARGIN} --nonce round-7"), 0);
    let words = at("verify a.proof --nonce round-7", 0);
    assert!(words.contains("challenge `round-7`"), "{words}");
    assert!(at("verify a.proof --nonce round-8", 1).contains("`round-7`, not `round-8`"));
    // One that is no name is not even asked for.
    at("verify a.proof --nonce a`b", 2);
    at(&format!("{MARGIN} --nonce {}", "n".repeat(65)), 2);
}

/// An id with quotes and a terminal's escapes could show another balance than the file's.
#[test]
fn an_inclusion_file_cannot_print_what_it_likes() {
    let dir = samples();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at(
        "prove solvency --book book.csv --market market.json --inclusions users --out s.proof",
        0,
    );
    let users = dir.path().join("users");
    let file = std::fs::read_dir(&users).unwrap().next().unwrap().unwrap();
    let honest: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
    let place = dir.path().join("i.json");
    let check = |inclusion: &Value, code| {
        std::fs::write(&place, inclusion.to_string()).unwrap();
        at("verify s.proof --inclusion i.json", code)
    };
    let id = honest["account"].as_str().unwrap();
    assert!(check(&honest, 0).contains(&format!("account `{id}` is in that book")));
    let shown = at("verify s.proof --inclusion i.json --json", 0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown["account"].to_string().contains(id), "{shown}");
    for id in [
        "alice` is in that book, with 1000.0 BTC\u{1b}[8m",
        "alice\u{202e}",
        "alice\naccepted: all is well",
        "",
    ] {
        let mut forged = honest.clone();
        forged["account"] = json!(id);
        let text = check(&forged, 1);
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text:?}"
        );
        assert!(
            !text.lines().any(|line| line.starts_with("accepted")),
            "{text}"
        );
    }
    // A member that stands twice is read neither way.
    let twice = honest.to_string().replacen('{', r#"{"account": "bob","#, 1);
    std::fs::write(&place, twice).unwrap();
    at("verify s.proof --inclusion i.json", 2);
}

/// `negative equity 8 USD which were paid back` is a sentence if this is a currency.
#[test]
fn no_name_is_a_sentence() {
    let dir = samples();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    let path = dir.path().join("market.json");
    let market: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let check = "check margin --book book.csv --market market.json --account acct-000003";
    at(check, 0);
    for name in [
        "USD which were paid back in full on the same day",
        "USD`",
        "USD\u{202e}",
        "",
    ] {
        let mut changed = market.clone();
        changed["quote"] = json!(name);
        std::fs::write(&path, changed.to_string()).unwrap();
        assert!(at(check, 2).contains("is no name"), "{name:?}");
    }
}

/// What a file says of itself is quoted without what would move a terminal's cursor or begin another line.
#[test]
fn a_file_cannot_write_lines_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.proof");
    let name = "x\u{1b}[2K\r\naccepted: everything";
    let file = ProofFile::raw(name, 1, b"{}".to_vec(), Vec::new());
    std::fs::write(&path, file.to_bytes()).unwrap();
    let output = sealbook(folder.path(), "verify forged.proof");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains(['\u{1b}', '\r']), "{text}");
}
