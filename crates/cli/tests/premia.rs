//! `price`, `check premia`, `prove premia` as scripts use them.

mod common;

use common::{run, samples, told};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use stark::ProofFile;

const VENUE: &str = "--scenarios scenarios.json --state venue.json";

fn folder() -> tempfile::TempDir {
    samples("--accounts 2 --below 0 --positions 1")
}

#[test]
fn a_trade_is_quoted_or_refused() {
    let dir = folder();
    let dir = dir.path();
    // A warning of few effective scenarios goes to stderr.
    let quote = told(
        dir,
        &format!("price {VENUE} --trade BTC:5 --plot p.svg --json"),
        0,
    );
    let quote: Value = serde_json::from_str(&quote).unwrap();
    assert_eq!(quote["accepted"], true);
    let number = |name: &str| quote[name].as_str().unwrap().parse::<f64>().unwrap();
    let rise = number("evar_after") - number("evar_before");
    assert!((number("premium") - rise).abs() < 3e-6 && rise > 0.0);
    assert_eq!(
        quote["funding_per_lot_and_day"].as_object().unwrap().len(),
        4
    );
    let svg = std::fs::read_to_string(dir.join("p.svg")).unwrap();
    // The picture says what is decided, over what, and what its marks mean.
    for shown in [
        "What the venue may owe beyond all its capital: adequate, funded",
        "1000 scenarios 1 day(s) ahead of 2020-05-20 18:40:00 UTC, at confidence 0.95",
        "of 1000 scenarios owe more than all capital",
        "scenarios as given, noted: sample of 1000 scenarios, seed 1",
        "EVaR: adequate if it is at most the cash",
        "cash: what the window collected",
    ] {
        assert!(svg.contains(shown), "{shown}\n{svg}");
    }
    let owing = quote["owing_scenarios"].as_u64().unwrap();
    assert!(
        svg.contains(&format!("{owing} of 1000 scenarios owe")),
        "{owing}"
    );
    assert!(owing > 0 && owing < 100, "{owing}");
    assert_eq!(quote["facts"]["funded"], true);
    assert_eq!(quote["facts"]["adequate-without-providers"], false);
    // The allocation adds up to EVaR.
    let shares = quote["allocation"].as_object().unwrap().values();
    let sum: f64 = shares
        .map(|x| x.as_str().unwrap().parse::<f64>().unwrap())
        .sum();
    // But for the certificate's rounding: a millionth of it.
    assert!((sum - number("evar_after")).abs() < 1e-6 * sum, "{sum}");
    assert!(number("providers_premium") >= 0.0);
    // A withdrawal pays for the risk it leaves.
    let withdrawal = told(dir, &format!("price {VENUE} --withdraw 20000 --json"), 0);
    let withdrawal: Value = serde_json::from_str(&withdrawal).unwrap();
    assert!(withdrawal["premium"].as_str().unwrap() > "0");
    let text = run(dir, &format!("price {VENUE} --withdraw 900000"), 2);
    assert!(
        text.contains("more providers' capital is taken out than there is"),
        "{text}"
    );
    // Three losses have three names, and shares add up to EVaR with what was rounded.
    let text = run(dir, &format!("price {VENUE} --trade BTC:5"), 0);
    for told in [
        "  funded: EVaR of what it owes beyond all capital, surplus as zero, is ",
        "  adequate: EVaR of what it owes beyond all capital, less surplus, is -",
        "  not adequate without providers' capital: EVaR of what it owes beyond its own capital, less surplus, is ",
        "effective scenarios; shares of it:",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with("EVaR after"));
    let micros = |line: &str| -> i64 {
        let amount = line.split_once(" USD").unwrap().0;
        amount
            .rsplit(' ')
            .next()
            .unwrap()
            .replace('.', "")
            .parse()
            .unwrap()
    };
    let lines: Vec<i64> = lines.take(7).map(micros).collect();
    assert_eq!(lines[0], lines[1..].iter().sum::<i64>(), "{text}");
    // A sale hedges the venue: it costs nothing.
    let hedge = run(dir, &format!("price {VENUE} --trade BTC:-5:6400.5"), 0);
    assert!(hedge.contains("premium      0.000000 USD"), "{hedge}");
    let refused = run(
        dir,
        &format!("price {VENUE} --trade BTC:500 --plot p.svg"),
        1,
    );
    assert!(
        refused
            .contains("after it the venue is not adequate: EVaR of what it may owe its traders is"),
        "{refused}"
    );
    let svg = std::fs::read_to_string(dir.join("p.svg")).unwrap();
    assert!(
        svg.contains("beyond all its capital: not adequate, not funded"),
        "{svg}"
    );
    for (wrong, expected) in [
        ("--trade X:1", "there is no market `X`"),
        ("--trade BTC:1 --confidence 0.3", "the confidence must be"),
        ("--trade BTC", "write MARKET:LOTS"),
    ] {
        let text = run(dir, &format!("price {VENUE} {wrong}"), 2);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_day_of_trades_is_checked_proven_and_continued() {
    let dir = folder();
    let dir = dir.path();
    let text = run(dir, &format!("check premia {VENUE} --trades trades.csv"), 0);
    assert!(text.starts_with("true: EVaR of"), "{text}");
    std::fs::write(dir.join("none.csv"), "market,lots,price\nBTC,0,\n").unwrap();
    for what in ["check premia", "prove premia --out x.proof"] {
        let text = run(dir, &format!("{what} {VENUE} --trades none.csv"), 2);
        assert!(
            text.contains("none.csv:2: field `lots`: a trade of 0 lots is none"),
            "{text}"
        );
    }
    let prove = format!(
        "prove premia {VENUE} --trades trades.csv --funding --secret secret --after after.json --out day.proof"
    );
    run(dir, &prove, 0);
    let accepted = run(dir, "verify day.proof", 0);
    assert!(
        accepted.contains("20 trade(s) and transfer(s) paid"),
        "{accepted}"
    );
    let claim = |proof: &str| -> Value {
        let inspected = run(dir, &format!("inspect {proof} --json"), 0);
        let inspected: Value = serde_json::from_str(&inspected).unwrap();
        assert!(inspected["proven_bits"].as_f64().unwrap() >= 100.0);
        inspected["claim"].clone()
    };
    let day = claim("day.proof");
    assert!(
        day["shown"]["changes"][0]["change"].get("lots").is_none(),
        "sizes stay private"
    );
    assert_eq!(day["shown"]["funding"].as_array().unwrap().len(), 4);
    // The next claim starts from the state this one ended with.
    run(
        dir,
        "prove premia --scenarios scenarios.json --state after.json --secret secret --out next.proof",
        0,
    );
    assert_eq!(claim("next.proof")["before"], day["after"]);
    // Expectations and tampering.
    std::fs::write(dir.join("e.json"), r#"{"confidence":"0.99"}"#).unwrap();
    run(dir, "verify day.proof --expect e.json", 1);
    let bytes = std::fs::read(dir.join("next.proof")).unwrap();
    let good = ProofFile::from_bytes(&bytes).unwrap();
    let mut rng = StdRng::seed_from_u64(7);
    for i in 0..200 {
        let mut file = good.clone();
        let at = rng.random_range(0..file.parts[0].len());
        file.parts[0][at] ^= 1 << rng.random_range(0..8);
        let error = sealbook::verify(&file.to_bytes())
            .expect_err("it was changed")
            .to_string();
        assert!(
            !error.contains("unexpectedly"),
            "{i}: the verifier panicked"
        );
    }
}

#[test]
fn a_venue_that_cannot_bear_its_state_proves_nothing() {
    let dir = folder();
    let dir = dir.path();
    let state = std::fs::read_to_string(dir.join("venue.json")).unwrap();
    std::fs::write(
        dir.join("poor.json"),
        state.replace("60000.000000", "1.000000"),
    )
    .unwrap();
    let poor = "--scenarios scenarios.json --state poor.json";
    // Without a fact the claim is true, and says what EVaR is; the prover is told what does not hold.
    let text = run(dir, &format!("check premia {poor}"), 0);
    let told = |place: &str| {
        format!(
            "{place} the venue is not funded: EVaR of what it may owe beyond all capital is 72052.559353 USD, and the window's cash is"
        )
    };
    assert!(
        text.contains("note: ") && text.contains(&told("after the day")),
        "{text}"
    );
    let text = run(dir, &format!("check premia {poor} --funded"), 1);
    assert!(text.contains(&told("before the first change")), "{text}");
    let text = run(
        dir,
        &format!("prove premia {poor} --funded --out p.proof"),
        1,
    );
    assert!(text.contains(&told("before the first change")), "{text}");
    assert!(!dir.join("p.proof").exists());
    std::fs::write(
        dir.join("bad.csv"),
        "market,lots,price\nBTC,1,2\nBTC,1.5,2\n",
    )
    .unwrap();
    let text = run(dir, &format!("check premia {VENUE} --trades bad.csv"), 2);
    assert!(text.contains("bad.csv:3: field `lots`"), "{text}");
}

/// Sizes and premia stay private, and each trader opens what their own trade paid.
#[test]
fn a_private_day_gives_receipts() {
    let dir = folder();
    let dir = dir.path();
    let prove = format!(
        "prove premia {VENUE} --trades trades.csv --totals --grid 10000 --funding --receipts receipts --out day.proof"
    );
    run(dir, &prove, 0);
    let accepted = run(dir, "verify day.proof", 0);
    assert!(
        accepted.contains("EVaR of at most 40000.000000 `USD`"),
        "{accepted}"
    );
    assert!(
        accepted.contains("nobody vouches for those scenarios"),
        "{accepted}"
    );
    let files = std::fs::read_dir(dir.join("receipts")).unwrap();
    assert_eq!(files.count(), 20);
    let path = dir.join("receipts/receipt-0003.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let receipt: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let premium = receipt["premium"].as_str().unwrap();
    let opened = run(
        dir,
        "verify day.proof --receipt receipts/receipt-0003.json",
        0,
    );
    assert!(opened.contains("accepted: change 3 of 20, a"), "{opened}");
    assert!(
        opened.contains(&format!("paid a premium of {premium} `USD`")),
        "{opened}"
    );
    // Nothing of it stands in the proof's claim.
    let inspected = run(dir, "inspect day.proof --json", 0);
    assert!(!inspected.contains(premium) || premium == "0.000000");
    let lots = receipt["change"]["lots"].as_i64().unwrap();
    let forged = receipt.to_string().replace(
        &format!("\"lots\":{lots}"),
        &format!("\"lots\":{}", lots + 1),
    );
    std::fs::write(dir.join("forged.json"), forged).unwrap();
    let text = run(dir, "verify day.proof --receipt forged.json", 1);
    assert!(
        text.contains("not what the claim commits to for change 3"),
        "{text}"
    );
    let text = run(
        dir,
        &format!("prove premia {VENUE} --trades trades.csv --totals --grid 1 --out x.proof"),
        2,
    );
    assert!(text.contains("does not hide"), "{text}");
    run(
        dir,
        &format!("prove premia {VENUE} --receipts receipts --out x.proof"),
        2,
    );
}

/// Money that goes in before a trade and out behind it spares no premium, and is printed.
#[test]
fn transfers_pay_and_are_printed() {
    let dir = folder();
    let dir = dir.path();
    let flat = r#"{"capital":"1000","providers":"0","quantities":{}}"#;
    std::fs::write(dir.join("flat.json"), flat).unwrap();
    let flat = "--scenarios scenarios.json --state flat.json";
    let header = "market,lots,price,transfer,amount\n";
    let trades = |name: &str, lines: &str| {
        std::fs::write(dir.join(name), format!("{header}{lines}")).unwrap();
    };
    trades("alone.csv", "BTC,20,,,\n");
    trades(
        "around.csv",
        ",,,capital,5000000\nBTC,20,,,\n,,,capital,-5000000\n",
    );
    let paid = |name: &str| -> f64 {
        let text = run(
            dir,
            &format!("prove premia {flat} --trades {name} --out {name}.proof"),
            0,
        );
        assert!(text.contains("premia proven"), "{text}");
        let claim: Value =
            serde_json::from_str(&run(dir, &format!("inspect {name}.proof --json"), 0)).unwrap();
        let changes = claim["claim"]["shown"]["changes"].as_array().unwrap();
        let premia = changes.iter().map(|c| c["premium"].as_str().unwrap());
        premia.map(|p| p.parse::<f64>().unwrap()).sum()
    };
    let (alone, around) = (paid("alone.csv"), paid("around.csv"));
    assert!(alone > 10_000.0, "{alone}");
    assert!(around > alone - 0.001, "{around} {alone}");
    let words = run(dir, "verify around.csv.proof", 0);
    for expected in [
        "change 1: a transfer of 5000000.000000 `USD` into capital, paid 0.000000",
        "change 3: a transfer of 5000000.000000 `USD` out of capital, paid ",
        "transfers in all: 5000000.000000 into and 5000000.000000 out of capital",
    ] {
        assert!(words.contains(expected), "{expected}\n{words}");
    }
    // A deposit that makes a fact true is in its words, too.
    trades("deposit.csv", ",,,capital,900000000\nBTC,20,,,\n");
    run(
        dir,
        &format!("prove premia {flat} --trades deposit.csv --adequate --out c.proof"),
        0,
    );
    let words = run(dir, "verify c.proof", 0);
    assert!(
        words.contains("a transfer of 900000000.000000 `USD` into capital"),
        "{words}"
    );
}

/// A state of another day is another state, and both are dated in words.
#[test]
fn states_are_dated() {
    let dir = folder();
    let dir = dir.path();
    let prove = format!(
        "prove premia {VENUE} --secret s --until 2026-11-26T18:48:06Z --after after.json --nonce asked-1 --out a.proof"
    );
    run(dir, &prove, 0);
    let words = run(dir, "verify a.proof --nonce asked-1", 0);
    assert!(words.contains("as of 2026-11-26 18:48:06 UTC"), "{words}");
    assert!(
        words.contains("made for the challenge `asked-1`"),
        "{words}"
    );
    let claim: Value = serde_json::from_str(&run(dir, "inspect a.proof --json", 0)).unwrap();
    assert_ne!(claim["claim"]["before"], claim["claim"]["after"]);
    let text = run(
        dir,
        &format!("prove premia {VENUE} --until 2020-05-20 --out b.proof"),
        2,
    );
    assert!(
        text.contains("the last state is older than the first one"),
        "{text}"
    );
    let text = run(
        dir,
        &format!("check premia {VENUE} --until 1795718886000"),
        2,
    );
    assert!(
        text.contains("--until: `1795718886000` is no moment in UTC"),
        "{text}"
    );
}

/// Where a state and scenarios are further apart than these look ahead, that is said; nothing is refused.
#[test]
fn dates_that_do_not_fit_are_told() {
    let dir = folder();
    let dir = dir.path();
    // The sample's history ends where its venue stands, so that the state fits what is made of the history.
    let make = "scenarios make --prices prices.csv --method ewma --count 300 --out made.json";
    run(dir, make, 0);
    let text = run(
        dir,
        "price --scenarios made.json --state venue.json --trade BTC:1",
        0,
    );
    assert!(text.contains("ahead of 2020-05-20 00:00:00 UTC"), "{text}");
    assert!(!text.contains("the state is of"), "{text}");
    let set = std::fs::read(dir.join("scenarios.json")).unwrap();
    let mut set: Value = serde_json::from_slice(&set).unwrap();
    let (as_of, day) = (set["as_of_ms"].as_u64().unwrap(), 86_400_000);
    for (moved, told) in [
        (as_of - day - 1, true),
        (as_of - day, false),
        (as_of + day, false),
        (as_of + day + 1, true),
    ] {
        set["as_of_ms"] = moved.into();
        std::fs::write(dir.join("moved.json"), set.to_string()).unwrap();
        for what in ["check premia", "price --trade BTC:1", "price --withdraw 5"] {
            let text = run(
                dir,
                &format!("{what} --scenarios moved.json --state venue.json"),
                0,
            );
            let warning =
                "warning: the state is of 2020-05-20 18:40:00 UTC, the scenarios of 2020-05-";
            assert_eq!(text.contains(warning), told, "{what} {moved}: {text}");
            let why = "more than their horizon of 1 day(s) apart";
            assert_eq!(text.contains(why), told, "{what} {moved}: {text}");
        }
    }
}

/// The window's cash rolls into capital: the venue stays adequate, and is funded no more, without any trade.
#[test]
fn a_roll_leaves_a_venue_adequate() {
    let dir = folder();
    let dir = dir.path();
    let roll = "market,lots,price,transfer,amount\n,,,roll,2020-05-20T18:40:00Z\n";
    std::fs::write(dir.join("roll.csv"), roll).unwrap();
    let venue = format!("{VENUE} --secret s");
    for fact in ["--funded", "--adequate"] {
        run(dir, &format!("check premia {VENUE} {fact}"), 0);
    }
    run(
        dir,
        &format!("check premia {VENUE} --adequate --trades roll.csv"),
        0,
    );
    let text = run(
        dir,
        &format!("check premia {VENUE} --funded --trades roll.csv"),
        1,
    );
    assert!(
        text.contains("after change 1 the venue is not funded"),
        "{text}"
    );
    let text = run(
        dir,
        &format!("check premia {VENUE} --adequate --without-providers"),
        1,
    );
    assert!(
        text.contains("not adequate without providers' capital")
            && text.contains("capital and the window's cash are 110000"),
        "{text}"
    );
    let prove = "--adequate --trades roll.csv --after after.json --out r.proof";
    run(dir, &format!("prove premia {venue} {prove}"), 0);
    let words = run(dir, "verify r.proof", 0);
    for told in [
        "is adequate: EVaR of what it may owe its traders is at most its capital, its providers' capital and what it collected",
        "with what it collected since 2020-04-20 18:40:00 UTC",
        "a roll: all that was collected until 2020-05-20 18:40:00 UTC moves into capital",
    ] {
        assert!(words.contains(told), "{told}\n{words}");
    }
    let after: Value =
        serde_json::from_slice(&std::fs::read(dir.join("after.json")).unwrap()).unwrap();
    assert_eq!(after["capital"], "110000.000000");
    assert_eq!(after["collected"], "0.000000");
}
