//! What of a Python file is read as a deal, and what is refused in which line.

#[path = "common/absbox.rs"]
mod absbox;

use absbox::{OFF_CYCLE, STEPS, UNDER_WAY, read, read_whole};

/// The line of a file in which a text stands first, from 1.
fn line_of(file: &str, text: &str) -> usize {
    let before = &file[..file.find(text).expect(text)];
    1 + before.matches('\n').count()
}

/// A change is refused in the line of some text, for a reason.
fn refused(file: &str, from: &str, to: &str, at: &str, problem: &str) {
    assert!(file.contains(from), "{from}");
    let changed = file.replacen(from, to, 1);
    let error = read_whole(&changed).unwrap_err().to_string();
    let line = format!(":{}: ", line_of(&changed, at));
    assert!(error.contains(&line), "{error}\nnot in {line} of `{at}`");
    assert!(error.contains(problem), "{error}\nnot {problem}");
}

#[test]
fn what_is_no_value_is_refused() {
    for (from, to, problem) in [
        (
            "{\"Fixed\":0.06}",
            "{\"Fixed\":rate_of(1)}",
            "`rate_of(...)` is not read",
        ),
        (
            "\"2026-06-15\"",
            "date(2026,6,15)",
            "`date(...)` is not read",
        ),
        (
            "{\"Fixed\":0.06}",
            "{\"Fixed\":SPREAD}",
            "`SPREAD` has no value above",
        ),
        ("\"Off cycle \"", "f\"Off {1}\"", "`f` before a text"),
        (
            "\"rate\":0.06",
            "\"rate\":0.2/3",
            "0.2 / 3 has no end of decimals",
        ),
        ("\"rate\":0.06", "\"rate\":\"0\"*2", "that are no numbers"),
        ("\"rate\":0.06", "\"rate\":2**2", "`*`"),
        ("\"rate\":0.06", "\"rate\":API.rate", "after a point"),
        (
            "\"rate\":0.06",
            "\"rate\":0.06 if True else 0",
            "`}` was expected and `if` found",
        ),
        (
            "\"rate\":0.06",
            "\"rate\":0.06,\"rate\":0.06",
            "`rate` stands twice",
        ),
        ("\"rate\":0.06", "\"rate\":0.06,1:2", "a key is no text"),
        ("\"rate\":0.06", "\"rate\":'0.06", "never ends"),
    ] {
        let file = format!("API = 1\n{OFF_CYCLE}");
        refused(&file, from, to, to.split(',').next().unwrap(), problem);
    }
}

#[test]
fn a_deal_is_made_once_and_not_changed() {
    let twice = format!("{OFF_CYCLE}\nautumn = Generic(\"b\")\n");
    refused(
        &twice,
        "autumn",
        "autumn",
        "autumn",
        "second deal of this file",
    );
    refused(
        OFF_CYCLE,
        "spring = G",
        "if True:\n    spring = G",
        "    spring = G",
        "inside a block",
    );
    refused(
        OFF_CYCLE,
        "spring = G",
        "def made(): return G",
        "def made",
        "inside a block",
    );
    for change in [
        "steps[\"fees\"] = {}",
        "steps.update(status=\"Revolving\")",
        "steps |= {}",
        "for key in steps: steps[key] = None",
        "edit(steps)",
        "if True:\n    steps[\"fees\"] = {}",
    ] {
        let at = change.lines().last().unwrap();
        refused(
            STEPS,
            "},\n}\n",
            &format!("}},\n}}\n{change}\n"),
            at,
            "may be changed here",
        );
        // Before it, it changes nothing.
        let before = format!("steps = {{}}\n{change}\n{STEPS}");
        assert_eq!(read(&before), read(STEPS), "{change}");
    }
    for change in [
        "spring.status = \"Revolving\"",
        "spring[\"a\"] = 1",
        "spring, x = 1, 2",
    ] {
        refused(
            OFF_CYCLE,
            "if __name__",
            &format!("{change}\nif __name__"),
            change,
            "may be changed here",
        );
    }
    for use_of_it in [
        "spring",
        "spring.json",
        "print(spring.run(a == 1))",
        "r = api.run(spring, x=1)",
    ] {
        let later = OFF_CYCLE.replacen("if __name__", &format!("{use_of_it}\nif __name__"), 1);
        assert_eq!(read(&later), read(OFF_CYCLE), "{use_of_it}");
    }
    let call = "n = edit(day)";
    refused(
        STEPS,
        "start = ",
        &format!("{call}\nstart = "),
        call,
        "`day` may be changed here",
    );
    let pair = "day, other = 1, 2";
    refused(
        STEPS,
        "start = ",
        &format!("{pair}\nstart = "),
        pair,
        "`day` may be changed here",
    );
    let changed = "day[1] = 26";
    refused(
        STEPS,
        "start = ",
        &format!("{changed}\nstart = "),
        changed,
        "`day` may be changed here",
    );
    let unread = "day = [x for x in (1, 2)]";
    refused(
        STEPS,
        "day = [\"DayOfMonth\", 25]",
        unread,
        unread,
        "`x` has no value above",
    );
    let error = read("from absbox import Generic\n\nx = 1\n")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(":1: there is no deal in this file"),
        "{error}"
    );
    let error = read("{\"cells\": [], \"nbformat\": 4}").unwrap_err();
    assert!(
        error
            .problem
            .starts_with("is a notebook; save it as Python"),
        "{error}"
    );
    let error = read("{\"tag\": \"MDeal\", \"contents\": {}}").unwrap_err();
    assert!(
        error
            .problem
            .contains("give the Python that it was made from"),
        "{error}"
    );
    let error = read("x = (1,\n").unwrap_err().to_string();
    assert!(
        error.contains(":1: a bracket that opens here never closes"),
        "{error}"
    );
    let error = read("x = 1)\n").unwrap_err().to_string();
    assert!(
        error.contains(":1: `)` closes what was never opened"),
        "{error}"
    );
}

#[test]
fn what_a_deal_says_is_refused_in_its_line() {
    for (from, to, at, problem) in [
        (
            "((\"acc01\",{\"balance\":0}),)",
            "(\"acc01\",{\"balance\":0})",
            "(\"acc01\",",
            "accounts[0]: is not a pair of a name and a map; a tuple of one pair ends with a comma",
        ),
        (
            "(\"PreClosing\",\"Amortizing\")",
            "\"Revolving\"",
            "\"Revolving\"",
            "status: is not supported; supported: \"Amortizing\" and [\"PreClosing\", \"Amortizing\"] (here stands `\\\"Revolving\\\"`)",
        ),
        (
            "\"type\":{\"fixFee\":300}",
            "\"type\":{\"annualPctFee\":[(\"poolBalance\",),0.01]}",
            "annualPctFee",
            "is the average over the days between payments",
        ),
        (
            "[\"CollectedInterest\",\"acc01\"]",
            "[\"CollectedInterest\",[0.8,\"acc01\"],[0.2,\"acc02\"]]",
            "CollectedInterest",
            "collect[0]: is not a pair of what comes in and one account; ours are not split",
        ),
        (
            "{'assets':[[",
            "{\"PoolA\":{'assets':[]},'assets':[[",
            "PoolA",
            "pool.PoolA: is not supported",
        ),
        (
            "    ,None\n    ,None\n    ,None\n",
            "    ,None\n    ,{\"bank\":{\"type\":{\"fixSupport\":1}}}\n    ,None\n",
            "fixSupport",
            "liqFacility: is not supported; remove it and what refers to it",
        ),
        (
            "[\"payPrin\",\"acc01\",[\"B\"]]",
            "[\"payPrinResidual\",\"acc01\",[\"B\"]]",
            "payPrinResidual",
            "waterfall.amortizing[4][2]: is not the one bond of type Equity",
        ),
        (
            "\"accrueAndPayInt\",\"acc01\",[\"B\"]",
            "\"payInt\",\"acc01\",[\"B\"]",
            "payInt\"",
            "is paid interest before it is accrued",
        ),
        (
            "{\"Sequential\":None}})\n      ,(\"A2\"",
            "{\"Lockout\":\"2027-01-01\"},\"stepUp\":(\"once\",\"2026-06-15\",0.01)})\n      ,(\"A2\"",
            "stepUp",
            "bonds.A1.stepUp: steps before 2026-06-15",
        ),
    ] {
        refused(OFF_CYCLE, from, to, at, problem);
    }
}

#[test]
fn what_a_deal_under_way_does_not_say_is_refused() {
    for (from, to, at, problem) in [
        (
            "\"2026-11-16\"]",
            "\"2026-10-10\"]",
            "\"pay\"",
            "dates.pay: is not [the last date, the next one]",
        ),
        (
            "\"lastAccrueDate\": \"2026-10-15\"",
            "\"lastAccrueDate\": \"2026-10-14\"",
            "2026-10-14",
            "is not 2026-10-15, the last payment date",
        ),
        (
            "\"dueInt\": 120.5",
            "\"dueIntOverInt\": 1",
            "dueIntOverInt",
            "add it to `dueInt`",
        ),
        (
            "\"currentBalance\": 520_000",
            "\"balance\": 520_000",
            "pool={",
            "has no assets with a `currentBalance`",
        ),
        (
            "\"IssuanceBalance\": 1_000_000",
            "\"IssuanceBalance\": 600_000",
            "bonds=",
            "are owed 900000.00 together",
        ),
        (
            "\"HistoryRecoveries\": 5_000",
            "\"HistoryRecoveries\": 15_000.01",
            "HistoryRecoveries",
            "pool.issuanceStat.HistoryRecoveries: is more than the 15000 that `HistoryDefaults` says",
        ),
        (
            "\"collect\": [\"2026-09-30\"",
            "\"collect\": [\"2026-10-16\"",
            "\"collect\"",
            "dates.collect[0]: is after the payment date 2026-10-15, which",
        ),
        (
            "\"stated\": \"2035-01-01\"",
            "\"stated\": \"2124-01-12\"",
            "2124-01-12",
            "dates.stated: is more than a hundred years after closing",
        ),
        (
            "\"balance\": 350_000",
            "\"balance\": 700_001",
            "pool={",
            "is more than the 70000000 cents of closing",
        ),
        (
            "\"feeDueDate\": \"2026-10-16\"",
            "\"feeStart\": \"2026-10-01\"",
            "\"audit\"",
            "own pattern",
        ),
    ] {
        refused(UNDER_WAY, from, to, at, problem);
    }
    let early = UNDER_WAY.replace("2024-01-10", "2026-10-15");
    refused(
        &early,
        "x",
        "x",
        "\"pay\"",
        "no bond has a `startDate` before",
    );
}

/// What `import *` gives is in another file: a name that has no value above is refused in its line, and so is one that the import may
/// replace. Where it changes nothing, it is passed over.
#[test]
fn a_star_import_is_not_followed() {
    let file = format!("from absbox import *\n{OFF_CYCLE}\nfrom other import *\n");
    assert_eq!(read(&file), read(OFF_CYCLE));
    let rate = "\"rate\":SENIOR_RATE";
    refused(
        &format!("import absbox\nfrom ours import   *  # rates\n{OFF_CYCLE}"),
        "\"rate\":0.06",
        rate,
        rate,
        "`SENIOR_RATE` has no value above, and `import *` in line 2 is not followed; write the value itself",
    );
    for star in [
        "from ours import *",
        "try:\n    from ours import *\nexcept ImportError: pass",
        "if x: from ours import *",
    ] {
        refused(
            STEPS,
            "start = ",
            &format!("{star}\nstart = "),
            "from ours",
            "`day` may be replaced by `import *` here, which is not followed; write it above the values",
        );
    }
}

/// Names could double what they stand for, line by line.
#[test]
fn names_do_not_grow_without_end() {
    for first in ["x = [1, 2]", "x = 'sixteen letters!'"] {
        let file = format!("{first}\n{}y = Generic(x)\n", "x = x + x\n".repeat(100));
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("more than 200000 values"), "{error}");
    }
}

/// Two names may be of one map; a member of a made deal may be changed; a function above may change what it names; and a line
/// that Python does not join to the one above is not read with it.
#[test]
fn changes_by_another_name_are_seen() {
    for change in [
        "spring.waterfall[(\"amortizing\", \"accelerated\")] = []",
        "spring.bonds[\"A\"].update(rate=0.1)",
        "spring.fees.pop(\"x\")",
        "if True:\n    spring.status = \"Revolving\"",
        "del spring.bonds[\"B\"]",
        "setattr(spring, \"status\", \"Revolving\")",
    ] {
        let at = change.lines().last().unwrap();
        refused(
            OFF_CYCLE,
            "if __name__",
            &format!("{change}\nif __name__"),
            at,
            "may be changed here",
        );
    }
    let alias = "other = steps\nother[\"fees\"] = {}";
    let at = "other[\"fees\"] = {}";
    refused(
        STEPS,
        "},\n}\n",
        &format!("}},\n}}\n{alias}\n"),
        at,
        "may be changed here",
    );
    let function = format!("def edit():\n    steps[\"fees\"] = {{}}\n{STEPS}\nedit()\n");
    assert!(read(&function).is_err());
    let two_lines = read("x = 5\n+ 1\ndeal = Generic(x)\n").unwrap_err();
    assert!(
        two_lines.to_string().contains("goes on in a line"),
        "{two_lines}"
    );
}
