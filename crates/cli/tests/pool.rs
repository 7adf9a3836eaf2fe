//! `sealbook` with loan pools: the program's own samples, attestations, and the real tape.

mod common;

use std::path::Path;

use common::told as run;
use serde_json::Value;

#[test]
fn a_pool_is_proven_and_attested() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample .", 0);
    let inputs = "--tape pool.csv --cut-off 2026-10-31";
    let shown = at(
        &format!("check pool {inputs} --terms pool-terms.json --json"),
        0,
    );
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["loans"], 2000);
    at(
        &format!("prove pool {inputs} --terms pool-terms.json --secret s --out p.proof"),
        0,
    );
    at(
        &format!("attest pool {inputs} --secret s --key k --out a.json"),
        0,
    );
    at(
        &format!("attest pool {inputs} --secret s --key other --out b.json"),
        0,
    );
    let attestation: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("a.json")).unwrap()).unwrap();
    let key = attestation["key"].as_str().unwrap();
    let accepted = at(
        &format!("verify p.proof --attestation a.json --trust {key}"),
        0,
    );
    assert!(
        accepted.contains("each loan that is not closed satisfies `ltv <= 95 and fico >= 640`"),
        "{accepted}"
    );
    assert!(accepted.contains(&format!("key {key} attests that pool on 2026-10-31")));
    let error = at(
        &format!("verify p.proof --attestation b.json --trust {key}"),
        1,
    );
    assert!(error.contains("not one that you trust"), "{error}");
    at("verify p.proof --attestation a.json", 2);
    let shown: Value = serde_json::from_str(&at("inspect p.proof --json", 0)).unwrap();
    assert!(shown["proven_bits"].as_f64().unwrap() >= 100.0);
    // Another tape under the same secret is another pool.
    let text = std::fs::read_to_string(dir.path().join("pool.csv")).unwrap();
    std::fs::write(
        dir.path().join("later.csv"),
        text.replacen(",performing,", ",defaulted,", 1),
    )
    .unwrap();
    at(
        "prove pool --tape later.csv --cut-off 2026-10-31 --secret s --out l.proof",
        0,
    );
    let error = at(
        &format!("verify l.proof --attestation a.json --trust {key}"),
        1,
    );
    assert!(error.contains("about another pool"), "{error}");
}

#[test]
fn what_is_wrong_with_a_pool_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample .", 0);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("strict.json", r#"{"eligibility": ["ltv <= 60"]}"#);
    let inputs = "--tape pool.csv --cut-off 2026-10-31";
    let error = at(&format!("check pool {inputs} --terms strict.json"), 1);
    assert!(error.contains("break `ltv <= 60`: `loan-"), "{error}");
    at(
        &format!("prove pool {inputs} --terms strict.json --out p.proof"),
        1,
    );
    assert!(!dir.path().join("p.proof").exists());
    write("wrong.json", r#"{"eligibility": ["lvt <= 60"]}"#);
    let error = at(&format!("check pool {inputs} --terms wrong.json"), 2);
    assert!(error.contains("there is no field `lvt`"), "{error}");
    write("broken.json", "{\n\"eligible\": []}");
    let error = at(&format!("check pool {inputs} --terms broken.json"), 2);
    assert!(error.contains("broken.json:2:"), "{error}");
    assert!(at("check pool --tape pool.csv --cut-off yesterday", 2).contains("--cut-off"));
    let error = at(
        "check pool --tape pool.csv --template car --cut-off 2026-10-31",
        2,
    );
    assert!(error.contains("mortgage, auto"), "{error}");
    let tape = std::fs::read_to_string(dir.path().join("pool.csv")).unwrap();
    write("bad.csv", &tape.replacen("level-pay", "level", 1));
    let error = at("check pool --tape bad.csv --cut-off 2026-10-31", 2);
    assert!(error.contains("bad.csv:2: field `amortization`"), "{error}");
}

/// The attack: forty loans that were bought back and still say what they owed, with a low loan to value. And the same pool
/// with what closed loans owe, which is nothing: no figure moves.
#[test]
fn closed_loans_move_no_figure() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    at("sample . --loans 100", 0);
    let tape = std::fs::read_to_string(dir.path().join("pool.csv")).unwrap();
    let column = |name: &str| {
        tape.lines()
            .next()
            .unwrap()
            .split(',')
            .position(|c| c == name)
            .unwrap()
    };
    let closed = |balance: Option<&str>, status: &str| -> String {
        let lines = tape.lines().skip(1).take(40).enumerate().map(|(i, line)| {
            let mut cells: Vec<String> = line.split(',').map(String::from).collect();
            cells[0] = format!("gone-{i}");
            cells[column("status")] = status.into();
            cells[column("ltv")] = "1".into();
            if let Some(balance) = balance {
                cells[column("balance")] = balance.into();
            }
            cells.join(",") + "\n"
        });
        tape.clone() + &lines.collect::<String>()
    };
    write(
        "terms.json",
        r#"{"eligibility": ["ltv >= 30"], "figures": [
            {"name": "ltv", "measure": {"average": {"of": "ltv", "where": "ltv is present"}}, "shown": "exact"}]}"#,
    );
    let inputs = "--cut-off 2026-10-31 --terms terms.json";
    for status in ["repurchased", "prepaid"] {
        write("owing.csv", &closed(None, status));
        for command in ["check pool", "prove pool --out p.proof"] {
            let error = at(&format!("{command} --tape owing.csv {inputs}"), 2);
            let place = "owing.csv:102: field `balance`: loan `gone-0` is";
            assert!(error.contains(place) && error.contains(status), "{error}");
        }
    }
    let figure = |file: &str| {
        let shown = at(&format!("check pool --tape {file} {inputs} --json"), 0);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        (
            shown["figures"].clone(),
            shown["loans"].clone(),
            shown["open"].clone(),
        )
    };
    write("closed.csv", &closed(Some("0"), "repurchased"));
    let (before, after) = (figure("pool.csv"), figure("closed.csv"));
    assert_eq!(before.0, after.0);
    assert_eq!((&before.1, &after.1), (&100.into(), &140.into()));
    assert_eq!(before.2, after.2);
    at(
        &format!("prove pool --tape closed.csv {inputs} --out p.proof"),
        0,
    );
    let accepted = at("verify p.proof", 0);
    let open = format!(
        "{} of them are open (status performing or delinquent)",
        after.2
    );
    for part in [
        "holds 140 loans with distinct ids (built-in template `mortgage`",
        &open,
        "40 are closed (status prepaid or repurchased), and owe nothing",
        "over open loans where `ltv is present` is ",
    ] {
        assert!(accepted.contains(part), "{part}: {accepted}");
    }
}

/// The real tape: facts proven, equal to sums over the file's columns.
#[test]
fn the_real_tape() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let data = std::env::var("SEALBOOK_DATA").unwrap_or_else(|_| beside.into());
    let tape = Path::new(&data).join("mortgage-tape.csv");
    if !tape.exists() {
        eprintln!("skipped: the mortgage tape is not here (set SEALBOOK_DATA)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let terms = r#"{"eligibility": ["ltv <= 97 and rate < 7", "fico is absent or fico >= 600"], "figures": [
        {"name": "balance", "measure": {"sum": {"of": "balance"}}, "shown": "exact"},
        {"name": "coupon", "measure": {"average": {"of": "rate"}}, "shown": "exact"},
        {"name": "score", "measure": {"average": {"of": "fico", "where": "fico is present"}}, "shown": "exact"},
        {"name": "california", "measure": {"share": {"where": "state = CA"}}, "shown": "exact"},
        {"name": "ten-states", "measure": {"largest": {"by": "state", "top": 10}}, "shown": "exact"}]}"#;
    std::fs::write(dir.path().join("terms.json"), terms).unwrap();
    let inputs = format!(
        "--tape {} --layout mortgage-dataset --cut-off 2020-03-31",
        tape.display()
    );
    run(
        dir.path(),
        &format!("prove pool {inputs} --terms terms.json --out p.proof"),
        0,
    );
    run(dir.path(), "verify p.proof", 0);
    let shown: Value = serde_json::from_str(&run(dir.path(), "inspect p.proof --json", 0)).unwrap();
    assert_eq!(shown["claim"]["loans"], 6000);

    let text = std::fs::read_to_string(&tape).unwrap();
    let mut lines = text.lines().map(|l| l.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let column = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let (balance, rate, fico, state) = (
        column("orig_upb"),
        column("orig_int_rt"),
        column("fico"),
        column("st"),
    );
    let whole = |text: &str| text.parse::<u128>().unwrap();
    // In ten-thousandths of a percent.
    let in_units = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{fraction:0<4}").parse::<u128>().unwrap()
    };
    let total: u128 = rows.iter().map(|r| whole(r[balance])).sum();
    let coupon: u128 = rows
        .iter()
        .map(|r| whole(r[balance]) * in_units(r[rate]))
        .sum();
    let scored = || rows.iter().filter(|r| r[fico] != "9999");
    let score: u128 = scored().map(|r| whole(r[balance]) * whole(r[fico])).sum();
    let weight: u128 = scored().map(|r| whole(r[balance])).sum();
    let mut states = std::collections::BTreeMap::<&str, u128>::new();
    for row in &rows {
        *states.entry(row[state]).or_default() += whole(row[balance]);
    }
    let mut largest: Vec<u128> = states.values().copied().collect();
    largest.sort_unstable();
    let ten: u128 = largest.iter().rev().take(10).sum();
    let expected = [
        total * 100,
        coupon * 1000 / total,
        score * 1000 / weight,
        states["CA"] * 1_000_000 / total,
        ten * 1_000_000 / total,
    ];
    for (i, expected) in expected.into_iter().enumerate() {
        let figure = &shown["claim"]["figures"][i];
        let value = figure["shown"]["exact"].as_str().unwrap().replace('.', "");
        assert_eq!(value.parse::<u128>().unwrap(), expected, "{figure}");
    }

    // A month in which every borrower pays the interest and nothing more: it adds up, and all are late.
    at_interest(&dir, &inputs, &rows, [column("id_loan"), balance], |row| {
        whole(row[balance]) * 100 * in_units(row[rate]) / 12_000_000
    });
}

/// Proves a month of the real tape, and compares its collections with sums over the file's columns.
fn at_interest(
    dir: &tempfile::TempDir,
    inputs: &str,
    rows: &[Vec<&str>],
    [id, balance]: [usize; 2],
    interest: impl Fn(&[&str]) -> u128,
) {
    run(dir.path(), "sample .", 0);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let (mut month, mut sum, mut owed) = (String::from("id,event,amount\n"), 0, 0);
    for row in rows {
        let cents = interest(row);
        month += &format!("{},payment,{}.{:02}\n", row[id], cents / 100, cents % 100);
        sum += cents;
        owed += row[balance].parse::<u128>().unwrap() * 100;
    }
    write("month.csv", &month);
    let deal = std::fs::read_to_string(dir.path().join("deal.json")).unwrap();
    let mut deal: Value = serde_json::from_str(&deal).unwrap();
    deal["original_pool"] = format!("{}.00", owed / 100).into();
    // The tape is of March 2020.
    deal["dates"] = serde_json::json!({
        "closing": "2020-04-01", "first_payment": "2020-05-25", "frequency": "monthly", "legal_final": "2050-05-25",
    });
    write("real.json", &deal.to_string());
    run(
        dir.path(),
        &format!(
            "prove waterfall {inputs} --remittances month.csv --month 2020-04-30 --deal real.json --indices indices.json --out w.proof"
        ),
        0,
    );
    run(dir.path(), "verify w.proof", 0);
    let shown: Value = serde_json::from_str(&run(dir.path(), "inspect w.proof --json", 0)).unwrap();
    let collections = &shown["claim"]["months"][0]["collections"];
    assert_eq!(collections["interest"], sum as u64);
    assert_eq!(collections["scheduled_principal"], 0);
    assert_eq!(collections["balance_after"], owed as u64);
    assert_eq!(collections["delinquent"][0], owed as u64);
}
