//! `sealbook` with deals: months one after another, stresses, issuances.

mod common;

use std::path::Path;
use std::process::Command;

use common::told as run;
use serde_json::Value;

/// Months of a pool, one after another: each starts with what the one before wrote.
#[test]
fn months_are_proven_one_after_another() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --loans 300", 0);
    let deal = "--deal deal.json --indices indices.json";
    let first = "--tape pool.csv --cut-off 2026-10-31 --remittances remittances-1.csv";
    let shown = at(&format!("check waterfall {first} {deal} --json"), 0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["loans"], 300);
    at(
        &format!(
            "prove waterfall {first} {deal} --secret s --tape-after t.csv --deal-after d.json --out 1.proof"
        ),
        0,
    );
    let second = "--tape t.csv --cut-off 2026-11-30 --remittances remittances-2.csv";
    at(
        &format!("prove waterfall {second} {deal} --secret s --deal-state d.json --out 2.proof"),
        0,
    );
    let accepted = at("verify 2.proof --with 1.proof", 0);
    assert!(accepted.contains("month to 2026-12-31"), "{accepted}");
    assert!(accepted.contains("month to 2026-11-30"), "{accepted}");
    let what = "the pool and the deal and its state that it";
    assert!(
        accepted.contains(&format!("`1.proof` ends with {what} starts with")),
        "{accepted}"
    );
    let later = at("verify 1.proof --with 2.proof", 0);
    assert!(
        later.contains(&format!("`2.proof` starts with {what} ends with")),
        "{later}"
    );
    at("verify 1.proof --with pool.csv", 2);
    let text = std::fs::read_to_string(dir.path().join("d.json")).unwrap();
    let mut rich: Value = serde_json::from_str(&text).unwrap();
    rich["period"] = 0.into();
    rich["accounts"] = serde_json::json!([0, 9_000_000_000_u64, 1_000_000_000]);
    std::fs::write(dir.path().join("rich.json"), rich.to_string()).unwrap();
    deals_link(dir.path(), &at, deal);

    // A page from a proof that is accepted, and none from another.
    let report = at("report 2.proof --out r.html", 0);
    assert!(report.contains("r.html: report of 2.proof, which was verified"));
    let page = std::fs::read_to_string(dir.path().join("r.html")).unwrap();
    assert!(page.contains("2027-02-25") && page.ends_with("</html>\n"));
    let mut proof = std::fs::read(dir.path().join("2.proof")).unwrap();
    let middle = proof.len() / 2;
    proof[middle] ^= 1;
    std::fs::write(dir.path().join("bad.proof"), proof).unwrap();
    at("report bad.proof --out bad.html", 1);
    assert!(!dir.path().join("bad.html").exists());
    at("report pool.csv --out bad.html", 2);

    // Both months at once end with the same state.
    at(
        &format!(
            "check waterfall {first} --remittances remittances-2.csv {deal} --deal-after both.json"
        ),
        0,
    );
    at(
        &format!("check waterfall {second} {deal} --deal-state d.json --deal-after one.json"),
        0,
    );
    let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    assert_eq!(read("both.json"), read("one.json"));

    // The servicer signs the later tape.
    at(
        "attest pool --tape t.csv --cut-off 2026-11-30 --secret s --key k --out a.json",
        0,
    );
    let attestation: Value = serde_json::from_slice(&read("a.json")).unwrap();
    let key = attestation["key"].as_str().unwrap();
    for (proof, when) in [
        ("1.proof", "after the last month, not the first one"),
        ("2.proof", "before the first month"),
    ] {
        let signed = format!("verify {proof} --attestation a.json --trust {key}");
        let accepted = at(&signed, 0);
        assert!(
            accepted.contains(&format!("attests the pool {when}")),
            "{accepted}"
        );
        assert!(accepted.contains("on 2026-11-30"), "{accepted}");
    }

    // A month that cannot be.
    let month = std::fs::read_to_string(dir.path().join("remittances-1.csv")).unwrap();
    let wrong = month.replacen("loan-000001,payment,", "loan-000001,recovery,", 1);
    std::fs::write(dir.path().join("wrong.csv"), wrong).unwrap();
    let error = at(
        &format!(
            "check waterfall --tape pool.csv --cut-off 2026-10-31 --remittances wrong.csv {deal}"
        ),
        2,
    );
    assert!(
        error.contains("wrong.csv: loan `loan-000001`: the loan has not defaulted"),
        "{error}"
    );
}

/// A stress goes on from the months before it, these from the issuance; what the prover only states is said.
fn deals_link(dir: &Path, at: &dyn Fn(&str, i32) -> String, deal: &str) {
    let stress = format!("{deal} --stresses stresses.json");
    let later = "--tape t.csv --cut-off 2026-11-30 --deal-state d.json";
    at(
        &format!(
            "prove stress {later} {stress} --secret s --schedule-step annual --loans-per-row 10 --out s.proof"
        ),
        0,
    );
    let alone = at("verify s.proof", 0);
    assert!(alone.contains("THE PROVER STATES this start"), "{alone}");
    assert!(
        alone.contains("after payment date 1 of 361, 2027-01-25"),
        "{alone}"
    );
    at(
        "prove issuance --tape pool.csv --cut-off 2026-10-31 --deal deal.json --secret s --registry r --out i.proof",
        0,
    );
    let linked = at("verify s.proof --with 1.proof --with i.proof", 0);
    let what = "the pool and the deal and its state that";
    assert!(
        linked.contains(&format!(
            "`1.proof` ends with {what} it is about: 300 loans"
        )),
        "{linked}"
    );
    assert!(
        linked.contains(&format!("`i.proof` is about {what} `1.proof` starts with")),
        "{linked}"
    );
    assert!(
        linked.contains("its start follows from the deal's closing"),
        "{linked}"
    );
    let error = at("verify s.proof --with i.proof", 1);
    assert!(
        error.contains("if proofs lie between, give them, too"),
        "{error}"
    );
    let beside = at("verify s.proof --with 2.proof", 0);
    assert!(
        beside.contains(&format!("`2.proof` starts with {what} it is about")),
        "{beside}"
    );
    assert!(
        beside.contains("its start follows from payment date 1 on"),
        "{beside}"
    );
    // Another deal at closing, over the same pool, and a proof that links them by the pool alone: the stress does not start there.
    let months: Value = serde_json::from_str(&at("inspect 1.proof --json", 0)).unwrap();
    let owed = months["claim"]["deal_after"]["pool_balance"]
        .as_u64()
        .unwrap();
    let text = std::fs::read_to_string(dir.join("deal.json")).unwrap();
    let mut another: Value = serde_json::from_str(&text).unwrap();
    another["original_pool"] = format!("{}.{:02}", owed / 100, owed % 100).into();
    std::fs::write(dir.join("another.json"), another.to_string()).unwrap();
    let pool = "--tape t.csv --cut-off 2026-11-30 --secret s";
    at(&format!("prove pool {pool} --out pool.proof"), 0);
    at(
        &format!("prove issuance {pool} --deal another.json --registry r --out j.proof"),
        0,
    );
    at("verify s.proof --with j.proof", 1);
    let apart = at("verify s.proof --with pool.proof --with j.proof", 0);
    assert!(
        apart.contains("`j.proof` is about the pool that `pool.proof` is about"),
        "{apart}"
    );
    assert!(
        apart.contains("its start follows from payment date 1 on"),
        "{apart}"
    );
    at("verify 1.proof --with i.proof", 0);
    at("verify 2.proof --with 1.proof --with i.proof", 0);
    let error = at("verify i.proof --with i.proof", 1);
    assert!(error.contains("300 loan(s) stand in pool"), "{error}");

    // More cash than the deal has at closing; and doubt beyond a year.
    let first = "--tape pool.csv --cut-off 2026-10-31";
    let error = at(
        &format!("check stress {first} {stress} --deal-state rich.json"),
        2,
    );
    assert!(error.contains("is not that of closing"), "{error}");
    let month = "--remittances remittances-1.csv --deal-state rich.json";
    let error = at(&format!("check waterfall {first} {month} {deal}"), 2);
    assert!(error.contains("is not that of closing"), "{error}");
    let error = at(
        &format!("check stress {first} {stress} --doubtful-days 65535"),
        2,
    );
    assert!(error.contains("(1 to 365)"), "{error}");
}

#[test]
fn a_deal_under_stress_is_proven() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --loans 60", 0);
    let tape = "--tape pool.csv --cut-off 2026-10-31";
    let inputs = format!("{tape} --deal deal.json --indices indices.json --stresses stresses.json");
    let shown = at(&format!("check stress {inputs} --breakeven A --json"), 0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["scenarios"].as_array().unwrap().len(), 6);
    let expected = &shown["models"][0]["expected"];
    assert_eq!(expected.as_array().unwrap().len(), 3);
    at(
        &format!("prove stress {inputs} --breakeven A --secret s --out d.proof"),
        0,
    );
    let accepted = at("verify d.proof", 0);
    assert!(
        accepted.contains("`A` loses nothing, is paid in full by payment date"),
        "{accepted}"
    );
    let words = "a Gaussian factor of correlation 0.2, averaged over 50 values of it]: `A` is expected to lose";
    assert!(accepted.contains(words), "{accepted}");
    assert!(at("inspect d.proof", 0).contains(words));
    assert!(at(&format!("check stress {inputs}"), 0).contains(words));
    // The prover alone is told what the published schedule gives away.
    let warned = |more: &str| {
        let arguments = format!("check stress {inputs} {more}");
        let output = Command::new(env!("CARGO_BIN_EXE_sealbook"))
            .args(arguments.split_whitespace())
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!String::from_utf8_lossy(&output.stdout).contains("warning"));
        told
    };
    let told = warned("");
    assert!(
        told.contains("warning: in ") && told.contains("fewer than 10"),
        "{told}"
    );
    let told = warned("--loans-per-row 10");
    assert!(!told.contains("fewer than 10"), "{told}");
    // Whose doubtful balance is published is told, too, where they are few.
    assert!(told.contains("warning: 1 loan(s) are doubtful"), "{told}");
    // The same pool as in a pool claim, attested by the same signature.
    at(
        &format!("attest pool {tape} --secret s --key k --out a.json"),
        0,
    );
    let attestation: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("a.json")).unwrap()).unwrap();
    let key = attestation["key"].as_str().unwrap();
    at(
        &format!("verify d.proof --attestation a.json --trust {key}"),
        0,
    );
    let shown: Value = serde_json::from_str(&at("inspect d.proof --json", 0)).unwrap();
    assert!(shown["proven_bits"].as_f64().unwrap() >= 100.0);
    // A deal over another pool, a tranche that is not there, a wrong stress.
    let lines = std::fs::read_to_string(dir.path().join("pool.csv")).unwrap();
    let fewer: Vec<&str> = lines.lines().take(50).collect();
    std::fs::write(dir.path().join("fewer.csv"), fewer.join("\n")).unwrap();
    let error = at(
        &format!("check stress {}", inputs.replace("pool.csv", "fewer.csv")),
        2,
    );
    assert!(error.contains("the deal's state says"), "{error}");
    let error = at(&format!("check stress {inputs} --breakeven Z"), 2);
    assert!(error.contains("no tranche `Z`"), "{error}");
    let sample = std::fs::read_to_string(dir.path().join("stresses.json")).unwrap();
    for (from, to, say) in [
        ("\"0.2\"", "\"1\"", "must be from 0 to 0.9"),
        ("\"nodes\": 50", "\"nodes\": 5", "give 20 to 100 nodes"),
    ] {
        let wrong = sample.replace(from, to);
        assert_ne!(wrong, sample);
        std::fs::write(dir.path().join("stresses.json"), wrong).unwrap();
        let error = at(&format!("check stress {inputs}"), 2);
        assert!(error.contains("base-over-a-factor"), "{error}");
        assert!(error.contains(say), "{error}");
    }
    std::fs::write(dir.path().join("stresses.json"), "[\n{\"name\": 5}]").unwrap();
    let error = at(&format!("check stress {inputs}"), 2);
    assert!(error.contains("stresses.json:2:"), "{error}");
}

#[test]
fn an_issuance_is_proven_and_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    let path = |name: &str| dir.path().join(name);
    let json = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
    };
    at("sample . --loans 60", 0);
    at("sample other --loans 60 --seed 2", 0);
    let inputs = "--tape pool.csv --cut-off 2026-10-31 --deal deal.json";
    let shown = at(&format!("check issuance {inputs}"), 0);
    assert!(
        shown.starts_with("true: the pool of 60 loans with distinct ids"),
        "{shown}"
    );
    assert!(at(&format!("prove issuance {inputs} --out p.proof"), 2).contains("--registry"));
    at(
        &format!("prove issuance {inputs} --registry r --secret s --out p.proof"),
        0,
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path("r")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // The record is what the proof says, and attested by the same signature as other claims about the pool.
    at(
        "attest pool --tape pool.csv --cut-off 2026-10-31 --secret s --key k --out a.json",
        0,
    );
    let key = json("a.json")["key"].as_str().unwrap().to_string();
    let accepted = at(
        &format!("verify p.proof --attestation a.json --trust {key} --record r.json"),
        0,
    );
    assert!(accepted.contains("backs the deal `"), "{accepted}");
    assert!(accepted.contains("detaches at 100.000000%"), "{accepted}");
    let shown: Value = serde_json::from_str(&at("inspect p.proof --json", 0)).unwrap();
    assert!(shown["proven_bits"].as_f64().unwrap() >= 100.0);
    let record = json("r.json");
    for field in [
        "pool",
        "registry",
        "balance",
        "tranches",
        "open",
        "defaulted",
    ] {
        assert_eq!(record[field], shown["claim"][field], "{field}");
    }
    // Another pool of the same issuers: its sample ids are the same, so its loans are pledged twice.
    let second = "--tape other/pool.csv --cut-off 2026-10-31 --deal other/deal.json";
    at(
        &format!("prove issuance {second} --registry r --secret t --out twice.proof"),
        0,
    );
    let error = at("verify p.proof --with twice.proof --record no.json", 1);
    assert!(error.contains("60 loan(s) stand in pool"), "{error}");
    assert!(!path("no.json").exists());
    let text = std::fs::read_to_string(path("other/pool.csv")).unwrap();
    std::fs::write(path("other/pool.csv"), text.replace("\nloan-", "\nlot-")).unwrap();
    at(
        &format!("prove issuance {second} --registry r --secret t --out q.proof"),
        0,
    );
    // A proof that is given twice pledges its loans twice.
    at(
        "verify p.proof --with q.proof --with q.proof --record no.json",
        1,
    );
    let accepted = at("verify p.proof --with q.proof --record r.json", 0);
    let distinct = "`q.proof` pledges none of the loans that it pledges";
    assert!(accepted.contains(distinct), "{accepted}");
    assert_eq!(json("r.json")["distinct_from"].as_array().unwrap().len(), 1);
    // Another registry says nothing; nor does another kind of proof.
    at(
        &format!("prove issuance {second} --registry r2 --secret t --out apart.proof"),
        0,
    );
    let error = at("verify p.proof --with apart.proof", 1);
    assert!(error.contains("different registries"), "{error}");
    at(
        "prove pool --tape pool.csv --cut-off 2026-10-31 --secret s --out pool.proof",
        0,
    );
    let linked = at("verify p.proof --with pool.proof", 0);
    assert!(
        linked.contains("`pool.proof` is about the pool that it is about"),
        "{linked}"
    );
    at("verify pool.proof --with p.proof", 0);
    assert!(at("verify pool.proof --with q.proof", 1).contains("does not speak of the pool"));
    assert!(at("verify pool.proof --record n.json", 2).contains("--record goes with"));
}

#[test]
fn what_does_not_back_a_deal_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --loans 60", 0);
    let inputs = "--tape pool.csv --cut-off 2026-10-31 --deal deal.json";
    let tape = std::fs::read_to_string(dir.path().join("pool.csv")).unwrap();
    let fewer: Vec<&str> = tape.lines().take(50).collect();
    std::fs::write(dir.path().join("fewer.csv"), fewer.join("\n")).unwrap();
    let error = at(
        &format!("check issuance {}", inputs.replace("pool.csv", "fewer.csv")),
        1,
    );
    assert!(error.contains("the deal's `original_pool` is"), "{error}");
    let error = at(
        &format!("prove issuance {inputs} --registry same --secret same --out p.proof"),
        2,
    );
    assert!(error.contains("use another secret"), "{error}");
    let credits =
        "id,tonnes,vintage,registry,project,method,status\nc1,5,2024,verra,p,biochar,active\n";
    std::fs::write(dir.path().join("credits.csv"), credits).unwrap();
    let error = at(
        &format!(
            "check issuance {} --template carbon",
            inputs.replace("pool.csv", "credits.csv")
        ),
        2,
    );
    assert!(error.contains("needs a field `balance`"), "{error}");
    // Nobody filled it in, so everybody knows it.
    std::fs::write(dir.path().join("r"), "0".repeat(64)).unwrap();
    for option in ["--registry r", "--registry new --secret r"] {
        let error = at(
            &format!("prove issuance {inputs} {option} --out p.proof"),
            2,
        );
        assert!(error.contains("is not a secret"), "{error}");
    }
    std::fs::write(dir.path().join("r"), "not a key").unwrap();
    let error = at(
        &format!("prove issuance {inputs} --registry r --out p.proof"),
        2,
    );
    assert!(error.contains("is not a secret"), "{error}");
    assert!(!dir.path().join("p.proof").exists());
}

/// A deal of AbsBox over the sample pool: off the cycle at closing, or under way.
fn deal_of_absbox(dates: &str, balances: [&str; 3], pool: &str) -> String {
    let [a, original_a, cash] = balances;
    format!(
        "# over the sample pool
from absbox import SPV

deal = SPV(
    name='Autumn' ' 2026', dates={dates},
    pool={{'assets': [['Mortgage', {{}}, {{'currentBalance': {pool}}}]], 'issuanceStat': {{'IssuanceBalance': {pool} + 1_000_000}}}},
    accounts=(('cash', {{'balance': {cash}}}),),
    bonds=(('A', {{'balance': {a}, 'originBalance': {original_a}, 'rate': 0.03, 'originRate': 0.03, 'startDate': '2026-01-15',
                  'rateType': {{'Fixed': 0.03}}, 'bondType': {{'Sequential': None}}, 'stepUp': ('once', '2027-01-05', 0.01)}}),
           ('E', {{'balance': 1, 'originBalance': 1, 'rate': 0, 'startDate': '2026-01-15', 'rateType': {{'Fixed': 0}},
                  'bondType': {{'Equity': None}}}})),
    fees=(('setup', {{'type': {{'fixFee': 1500}}}}),),
    waterfall={{'amortizing': [['payFee', 'cash', ['setup']], ['accrueAndPayInt', 'cash', ['A']], ['payPrin', 'cash', ['A']],
                             ['payPrin', 'cash', ['E']], ['payIntResidual', 'cash', 'E']]}},
    collection=[['CollectedCash', 'cash']],
)
"
    )
}

/// Deals as AbsBox's users write them are checked and proven like ours.
#[test]
fn deals_of_absbox_are_paid() {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str, code| run(dir.path(), arguments, code);
    at("sample . --loans 300", 0);
    let ours = std::fs::read_to_string(dir.path().join("deal.json")).unwrap();
    let ours: Value = serde_json::from_str(&ours).unwrap();
    let pool = ours["original_pool"].as_str().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let closing = "{'cutoff': '2026-10-31', 'closing': '2026-11-16', 'firstPay': '2026-12-28', 'payFreq': ['DayOfMonth', 20], \
                   'poolFreq': 'MonthEnd', 'stated': '2060-01-01'}";
    // The pool owes at closing what the assets owe.
    let text = deal_of_absbox(closing, ["90_000_000", "90_000_000", "0"], pool);
    write("closing.py", &text.replace(" + 1_000_000", ""));
    let months = "--tape pool.csv --cut-off 2026-10-31 --remittances remittances-1.csv --remittances remittances-2.csv";
    let missing = at(&format!("check waterfall {months} --deal closing.py"), 2);
    assert!(
        missing.contains("closing.py:4: has no `currency`"),
        "{missing}"
    );
    assert!(missing.contains("give --currency USD"), "{missing}");
    let shown = at(
        &format!("check waterfall {months} --deal closing.py --currency USD --json"),
        0,
    );
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let report = |i: usize, pointer: &str| shown["reports"][i].pointer(pointer).unwrap().clone();
    assert_eq!(report(0, "/payment_date"), "2026-12-28");
    assert_eq!(report(1, "/payment_date"), "2027-01-20");
    // 42 days at 3%: 90,000,000.00 * 0.03 * 42 / 365.
    assert_eq!(report(0, "/tranches/0/interest_paid"), 31_068_493);
    assert_eq!(
        (report(0, "/fees/0/paid"), report(1, "/fees/0/paid")),
        (150_000.into(), 0.into())
    );
    assert_eq!(
        (report(0, "/tranches/0/rate"), report(1, "/tranches/0/rate")),
        ("3".into(), "4".into())
    );
    let checked = at(
        "check issuance --tape pool.csv --cut-off 2026-10-31 --deal closing.py --currency USD",
        0,
    );
    assert!(checked.contains("Autumn-2026"), "{checked}");

    // The sample of one, as `docs/absbox.md` shows it; and over another pool than its own.
    let sample =
        "check waterfall --cut-off 2026-10-31 --remittances remittances-1.csv --currency USD";
    let shown = at(&format!("{sample} --tape pool.csv --deal absbox.py"), 0);
    assert!(
        shown.contains("2026-12-20 (payment date 1): `A` receives"),
        "{shown}"
    );
    write(
        "small.py",
        &std::fs::read_to_string(dir.path().join("absbox.py"))
            .unwrap()
            .replace(&format!("pool = {pool}"), "pool = 200_000_000"),
    );
    let refused = at(&format!("{sample} --tape pool.csv --deal small.py"), 2);
    assert!(
        refused.contains(&format!(
            "loans owe {pool}, but by the deal the pool owes 200000000.00"
        )),
        "{refused}"
    );

    let under_way = "{'collect': ['2026-10-31', '2026-11-30'], 'pay': ['2026-11-20', '2026-12-21'], 'payFreq': ['DayOfMonth', 20], \
                     'poolFreq': 'MonthEnd', 'stated': '2060-01-01'}";
    let text = deal_of_absbox(under_way, ["80_000_000", "90_000_000", "123.45"], pool);
    write("later.py", &text);
    let proven = format!("{months} --deal later.py --currency USD --secret s");
    at(
        &format!("prove waterfall {proven} --deal-after after.json --out later.proof"),
        0,
    );
    let accepted = at("verify later.proof", 0);
    assert!(
        accepted.contains("it starts after payment date 1 of"),
        "{accepted}"
    );
    assert!(
        accepted.contains("THE PROVER STATES this start") || accepted.contains("STATES this start"),
        "{accepted}"
    );
    assert!(
        accepted.contains("`A` 80000000.00 of 90000000.00 at closing"),
        "{accepted}"
    );
    let refused = at(
        "check issuance --tape pool.csv --cut-off 2026-10-31 --deal later.py --currency USD",
        2,
    );
    assert!(refused.contains("is of a deal under way"), "{refused}");
}
