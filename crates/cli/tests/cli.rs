//! The program as scripts use it: outputs, exit codes, files.

mod common;

use std::path::Path;
use std::process::Command;

use common::run;
use serde_json::Value;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    run(
        dir.path(),
        "sample . --accounts 30 --positions 4 --below 1",
        0,
    );
    dir
}

#[test]
fn margin_from_check_to_verify() {
    let dir = folder();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    let inputs = "margin --book book.csv --market market.json";
    assert!(at(&format!("check {inputs} --account acct-000003"), 0).contains("true"));
    // An account below margin: who, where, how much.
    let false_claim = at(&format!("check {inputs} --account acct-000000"), 1);
    for word in [
        "acct-000000",
        "equity",
        "excess -",
        "a contingency of",
        "is short of the requirement",
        "its largest losses are",
        "(price ",
    ] {
        assert!(false_claim.contains(word), "{false_claim} lacks {word}");
    }
    assert!(at(&format!("check {inputs}"), 1).contains("1 of 30 accounts"));
    at(
        &format!("prove {inputs} --account acct-000000 --out x.proof"),
        1,
    );
    assert!(!dir.path().join("x.proof").exists());
    at(
        &format!("prove {inputs} --account acct-000003 --out a.proof"),
        0,
    );
    assert!(at("verify a.proof", 0).contains("meets maintenance margin"));
    at("inspect a.proof", 0);
    let shown: Value = serde_json::from_str(&at("inspect a.proof --json", 0)).unwrap();
    assert_eq!(shown["statement"], "margin");
    assert!(shown["proven_bits"].as_f64().unwrap() >= 100.0);
    // Pinning the claim.
    std::fs::write(dir.path().join("e.json"), r#"{"level": "maintenance"}"#).unwrap();
    at("verify a.proof --expect e.json", 0);
    std::fs::write(dir.path().join("e.json"), r#"{"level": "initial"}"#).unwrap();
    assert!(at("verify a.proof --expect e.json", 1).contains("level"));
    // One changed byte.
    let mut bytes = std::fs::read(dir.path().join("a.proof")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(dir.path().join("b.proof"), bytes).unwrap();
    assert!(at("verify b.proof", 1).contains("rejected"));
    std::fs::write(dir.path().join("b.proof"), "nothing").unwrap();
    at("verify b.proof", 2);
}

/// What `check margin --json` says adds up: equity, contingency, requirement, excess, and a loss for each underlying.
#[test]
fn margin_as_json_adds_up() {
    let dir = folder();
    let inputs = "check margin --json --book book.csv --market market.json";
    let json = |arguments: &str, code| -> Value {
        let out = common::sealbook(dir.path(), arguments);
        assert_eq!(out.status.code(), Some(code), "{arguments}");
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let number = |value: &Value| -> f64 { value.as_str().unwrap().parse().unwrap() };
    let adds_up = |account: &Value| {
        let losses = account["losses"].as_array().unwrap();
        assert!(!losses.is_empty());
        for loss in losses {
            assert!(
                ["BTC", "ETH"].contains(&loss["underlying"].as_str().unwrap()),
                "{loss}"
            );
            let scenario = loss["scenario"].as_str().unwrap();
            assert!(
                scenario.starts_with("price ") || scenario == "short-option minimum",
                "{loss}"
            );
            assert!(number(&loss["amount"]) >= 0.0);
        }
        let lost: f64 = losses.iter().map(|loss| number(&loss["amount"])).sum();
        let [equity, contingency, requirement, excess] =
            ["equity", "contingency", "requirement", "excess"].map(|name| number(&account[name]));
        // Each is rounded to a millionth.
        assert!((contingency + lost - requirement).abs() < 5e-6, "{account}");
        assert!((equity - requirement - excess).abs() < 5e-6, "{account}");
        excess
    };
    let met = json(&format!("{inputs} --account acct-000003"), 0);
    assert!(adds_up(&met) >= 0.0);
    assert_eq!(
        (&met["account"], &met["level"], &met["true"]),
        (&"acct-000003".into(), &"maintenance".into(), &true.into())
    );
    assert!(adds_up(&json(&format!("{inputs} --account acct-000000"), 1)) < 0.0);
    let book = json(inputs, 1);
    let below = book["below"].as_array().unwrap();
    assert_eq!((below.len(), &book["accounts"]), (1, &30.into()));
    assert_eq!(below[0]["account"], "acct-000000");
    assert!(adds_up(&below[0]) < 0.0);
}

#[test]
fn one_secret_makes_one_book() {
    let dir = folder();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    let inputs = "--book book.parquet --market market.json --secret book.secret";
    at(&format!("prove margin {inputs} --out m.proof"), 0);
    at(
        &format!("prove solvency {inputs} --out s.proof --inclusions inclusions"),
        0,
    );
    let claim = |file: &str| -> Value {
        serde_json::from_str(&at(&format!("inspect {file} --json"), 0)).unwrap()
    };
    let (margin, solvency) = (claim("m.proof"), claim("s.proof"));
    let book = &solvency["claim"]["book"];
    assert_eq!(&margin["claim"]["subject"]["book"], book);
    assert_eq!(book.as_object().unwrap().len(), 3);
    assert_eq!(margin["claim"]["subject"]["below"], 1);
    assert!(margin["proven_bits"].as_f64().unwrap() >= 100.0);
    assert!(solvency["proven_bits"].as_f64().unwrap() >= 100.0);
    let file = std::fs::read_dir(dir.path().join("inclusions"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let file = file.path();
    for proof in ["s.proof", "m.proof"] {
        at(&format!("verify {proof} --inclusion {}", file.display()), 0);
    }
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replacen("acct-", "acct_", 1);
    std::fs::write(dir.path().join("forged.json"), text).unwrap();
    assert!(at("verify s.proof --inclusion forged.json", 1).contains("not in it"));
}

/// The account of a margin proof is tied to a book by a path; users find their positions from each of the book's proofs.
#[test]
fn one_book_for_margin_and_solvency() {
    let dir = folder();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    let given = "--book book.csv --market market.json --secret book.secret";
    let id = "acct-000005";
    at(
        &format!("prove margin {given} --account {id} --path a.path --out a.proof"),
        0,
    );
    at(
        &format!("prove margin {given} --inclusions m --out m.proof"),
        0,
    );
    at(
        &format!("prove solvency {given} --inclusions s --out s.proof"),
        0,
    );
    let text = at("verify a.proof --path a.path --with s.proof", 0);
    assert!(text.contains("that account is one of the"), "{text}");
    at("verify a.proof --path a.path --with m.proof", 0);
    at("verify a.proof --path a.path", 2);
    at("verify s.proof --path a.path --with s.proof", 2);
    at("verify a.proof --path a.path --with a.proof", 2);
    at(&format!("prove margin {given} --path x --out x.proof"), 2);
    // The same book under another secret is another one.
    let other = given.replace("book.secret", "other.secret");
    at(&format!("prove solvency {other} --out o.proof"), 0);
    assert!(at("verify a.proof --path a.path --with o.proof", 1).contains("not in it"));

    let file = |folder: &str| {
        let mut files = std::fs::read_dir(dir.path().join(folder)).unwrap();
        let name = |f: std::fs::DirEntry| f.file_name().into_string().unwrap();
        files.find_map(|f| Some(name(f.unwrap())).filter(|n| n.starts_with(id)))
    };
    let name = file("s").unwrap();
    assert_eq!(file("m").unwrap(), name);
    let text = at(&format!("verify s.proof --inclusion s/{name}"), 0);
    for words in [
        "owns",
        "owes",
        "pledged",
        "position: ",
        "says nothing about positions",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let text = at(&format!("verify m.proof --inclusion s/{name}"), 0);
    assert!(text.contains("pledges play no part"), "{text}");
    // A position left out is noticed.
    let path = dir.path().join("s").join(&name);
    let mut json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    json["positions"].as_array_mut().unwrap().pop();
    std::fs::write(dir.path().join("less.json"), json.to_string()).unwrap();
    assert!(at("verify s.proof --inclusion less.json", 1).contains("not in it"));
}

#[test]
fn solvency_of_the_exchange_layout() {
    let dir = folder();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    let inputs = "solvency --users users.csv --assets assets.csv --as-of 2026-01-02T08:00:00Z --source sample";
    at(&format!("check {inputs} --reserves reserves.csv"), 0);
    at(
        &format!(
            "prove {inputs} --reserves reserves.csv --hide-totals --require-covered --out h.proof"
        ),
        0,
    );
    assert!(at("verify h.proof", 0).contains("totals stay hidden"));
    let poor = "symbol,reserve\nbtc,0.5\neth,1\nbnb,1\nshib,1\n";
    std::fs::write(dir.path().join("poor.csv"), poor).unwrap();
    let text = at(&format!("check {inputs} --reserves poor.csv"), 1);
    assert!(text.contains("reserves of btc are 0.5"), "{text}");
    at(
        &format!("prove {inputs} --reserves poor.csv --out n.proof"),
        1,
    );
    std::fs::write(dir.path().join("poor.csv"), "symbol,reserve\nbtc,x\n").unwrap();
    assert!(at(&format!("check {inputs} --reserves poor.csv"), 2).contains("poor.csv:2"));
}

/// A list of 500 assets is read and added up; a proof over a long list (30 assets here) has all slots of an account.
#[test]
fn solvency_of_a_long_list() {
    use market::{import::exchange, sample};
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    let write = |assets: usize, held: fn(u64) -> usize| {
        let listed = sample::listed_snapshot(assets).assets;
        let users = (0..20).map(|i| sample::listed_account(5, i, assets, held(i)));
        exchange::write_assets(&dir.path().join("assets.csv"), &listed).unwrap();
        exchange::write_users(&dir.path().join("users.csv"), &listed, users).unwrap();
    };
    let inputs = "solvency --users users.csv --assets assets.csv --as-of 2026-01-02T08:00:00Z --source sample";
    write(500, |_| 8);
    assert!(at(&format!("check {inputs}"), 0).contains("coin499"));
    write(30, |i| 1 + i as usize);
    let prove = "--require-covered --inclusions users --out l.proof";
    at(&format!("prove {inputs} {prove}"), 0);
    assert!(at("verify l.proof", 0).contains("20 distinct accounts"));
    // The account that holds 20 assets, of which one is less.
    let heavy = format!("{:064x}", 19);
    let mut files = std::fs::read_dir(dir.path().join("users")).unwrap();
    let of_heavy = |f: &std::fs::DirEntry| f.file_name().to_string_lossy().starts_with(&heavy);
    let path = files.find_map(|f| f.ok().filter(of_heavy)).unwrap().path();
    let verify = format!("verify l.proof --inclusion {}", path.display());
    at(&verify, 0);
    let mut json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let balances = json["balances"].as_array_mut().unwrap();
    let held = balances.iter_mut().rfind(|b| b[0] != 0).unwrap();
    *held = serde_json::json!([0, 0, 0, 0, 0]);
    std::fs::write(&path, json.to_string()).unwrap();
    let refused = at(&verify, 1);
    assert!(refused.contains("not in it"), "{refused}");
}

/// The real files: totals equal an exact sum made here, digit by digit.
#[test]
fn real_files() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let data = std::env::var("SEALBOOK_DATA").unwrap_or_else(|_| beside.into());
    let users = Path::new(&data).join("exchange-users.csv");
    if !users.exists() {
        eprintln!("skipped: the exchange files are not here (set SEALBOOK_DATA)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let assets = Path::new(&data).join("exchange-assets.csv");
    let prove = format!(
        "prove solvency --users {} --assets {} --as-of 2024-05-01 --source exchange-published --out r.proof",
        users.display(),
        assets.display()
    );
    run(dir.path(), &prove, 0);
    run(dir.path(), "verify r.proof", 0);
    let shown: Value = serde_json::from_str(&run(dir.path(), "inspect r.proof --json", 0)).unwrap();
    let text = std::fs::read_to_string(&users).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut sum = 0u128;
    let column = header.iter().position(|h| *h == "e_btc").unwrap();
    for line in lines {
        let field = line.split(',').nth(column).unwrap();
        let (whole, fraction) = field.split_once('.').unwrap_or((field, ""));
        sum += format!("{whole}{fraction:0<8}").parse::<u128>().unwrap();
    }
    let equity = shown["claim"]["totals"][0]["equity"]
        .as_str()
        .unwrap()
        .replace('.', "");
    assert_eq!(equity.parse::<u128>().unwrap(), sum);
}

#[test]
fn bad_usage_and_bad_input_exit_2() {
    let dir = folder();
    let at = |arguments: &str| run(dir.path(), arguments, 2);
    at("prove");
    at("prove solvency --out x");
    at("verify none.proof");
    assert!(at("check margin --book none.csv --market market.json").contains("none.csv"));
    assert!(at("prove margin --book book.csv --market market.json").contains("--out"));
    let broken = std::fs::read_to_string(dir.path().join("book.csv"))
        .unwrap()
        .replacen(",long,", ",up,", 1);
    std::fs::write(dir.path().join("bad.csv"), broken).unwrap();
    assert!(at("check margin --book bad.csv --market market.json").contains("bad.csv:"));
    assert!(
        at("check margin --book book.csv --market market.json --account nobody")
            .contains("no account `nobody`")
    );
    assert!(run(dir.path(), "completions bash", 0).contains("sealbook"));
    assert!(run(dir.path(), "--help", 0).contains("Exit codes"));
    let help = run(dir.path(), "prove margin --help", 0);
    assert!(
        help.starts_with("An account") && help.contains("--out <OUT>"),
        "{help}"
    );
    let both =
        "prove margin --book book.csv --market market.json --account a --inclusions i --out o";
    assert!(at(both).contains("cannot be used with"));
}

/// What only proofs have is no option of `check`: it is neither listed nor passed over in silence.
#[test]
fn check_does_not_look_at_options_of_proofs() {
    let dir = folder();
    for (claim, options) in [
        ("margin", "out nonce secret path inclusions slots"),
        ("solvency", "out nonce secret hide-totals inclusions slots"),
        ("premia", "out nonce secret receipts after"),
        ("inventory", "out nonce secret inclusions slots"),
        ("exposure", "out nonce secret inclusions slots"),
        ("systemic", "out nonce secret"),
        ("pool", "out nonce secret"),
        ("stress", "out nonce secret"),
        ("issuance", "out nonce secret registry"),
        ("waterfall", "out nonce secret"),
    ] {
        let [check, prove] =
            ["check", "prove"].map(|what| run(dir.path(), &format!("{what} {claim} --help"), 0));
        for option in options.split(' ') {
            let listed = format!("      --{option}");
            assert!(prove.contains(&listed), "{claim} {option}: {prove}");
            assert!(!check.contains(&listed), "{claim} {option}: {check}");
        }
        assert!(check.contains("--json"), "{check}");
    }
    let inputs = "margin --book book.csv --market market.json --account acct-000003";
    for option in ["out o", "secret s", "path p", "nonce n", "slots 9"] {
        let text = run(dir.path(), &format!("check {inputs} --{option}"), 0);
        let name = option.split(' ').next().unwrap();
        assert!(
            text.contains(&format!("note: --{name}: `check` makes no proof")),
            "{text}"
        );
    }
    for file in ["o", "s", "p"] {
        assert!(!dir.path().join(file).exists(), "{file}");
    }
}

/// A killed prover goes on from the parts it had finished, and leaves nothing behind when done.
#[test]
fn a_killed_proof_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --accounts 1100 --positions 2", 0);
    // Two parts of a thousand accounts. Killed once the first is kept.
    let prove =
        "prove margin --book book.csv --market market.json --secret book.secret --out m.proof";
    let mut child = Command::new(env!("CARGO_BIN_EXE_sealbook"))
        .args(prove.split_whitespace())
        .current_dir(dir.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let work = dir.path().join("m.proof.sealbook-work");
    let finished = || -> Vec<std::path::PathBuf> {
        std::fs::read_dir(&work)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "part"))
            .collect()
    };
    while finished().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "done before the kill");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!dir.path().join("m.proof").exists());
    let kept = finished();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let first = std::fs::read(&kept[0]).unwrap();

    at(prove, 0);
    at("verify m.proof", 0);
    assert!(!work.exists());
    // The kept part stands in the proof, which was made anew nowhere else: proofs are random.
    let proof = std::fs::read(dir.path().join("m.proof")).unwrap();
    let part = &first[32..];
    assert!(proof.windows(part.len()).any(|window| window == part));
}

/// Runs the program with a place to write to, and gives what it says on stderr, and its exit code.
fn told(folder: &Path, arguments: &str, stdout: std::process::Stdio) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_sealbook"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stdout(stdout)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("the program runs");
    (
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status.code(),
    )
}

/// A pipe that nobody reads.
fn closed_pipe() -> std::process::Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// A reader that has seen enough, such as `head`, is no error, and hides none.
#[test]
fn a_closed_pipe_is_no_error() {
    let dir = folder();
    let at = |arguments: &str| told(dir.path(), arguments, closed_pipe());
    assert_eq!(at("completions bash"), (String::new(), Some(0)));
    // The table of amounts is not read; that the claim is false is told all the same.
    let poor = "symbol,reserve\nbtc,0.5\neth,1\nbnb,1\nshib,1\n";
    std::fs::write(dir.path().join("poor.csv"), poor).unwrap();
    let inputs =
        "--users users.csv --assets assets.csv --as-of 2026-01-02T08:00:00Z --source sample";
    let (error, code) = at(&format!("check solvency {inputs} --reserves poor.csv"));
    assert!(error.contains("reserves of btc are 0.5"), "{error}");
    assert_eq!(code, Some(1));
}

/// What cannot be written is told, and is no error of the program.
#[cfg(target_os = "linux")]
#[test]
fn a_full_output_is_told() {
    let dir = folder();
    let full = || {
        let file = std::fs::OpenOptions::new().write(true).open("/dev/full");
        file.expect("it is there").into()
    };
    for arguments in [
        "completions bash",
        "check margin --book book.csv --market market.json --account acct-000003",
    ] {
        let (error, code) = told(dir.path(), arguments, full());
        assert!(
            error.starts_with("error: cannot write to standard output: No space left on device"),
            "{error}"
        );
        assert_eq!(code, Some(2));
    }
}

/// An endless file that is no proof is refused from its start.
#[cfg(target_os = "linux")]
#[test]
fn of_an_endless_file_the_start_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    for command in ["verify", "inspect", "report --out page.html"] {
        let told = run(dir.path(), &format!("{command} /dev/zero"), 2);
        assert_eq!(
            told,
            "error: /dev/zero: this is not a Sealbook proof file (it does not start with SEALBOOK)\n"
        );
    }
}
