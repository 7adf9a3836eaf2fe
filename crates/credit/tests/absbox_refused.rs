//! What is not read of AbsBox's deals, and where it says so.

#[path = "common/absbox.rs"]
mod absbox;
#[path = "common/deals.rs"]
mod deals;

use absbox::{FLOATER, SEQUENTIAL, read};
use credit::import::absbox::read_absbox;
use deals::ScriptedDeal;
use serde_json::json;

fn script(text: &str) -> ScriptedDeal {
    ScriptedDeal(serde_json::from_str(text).unwrap())
}

/// A change is refused at a place, for a reason.
fn refused(deal: &ScriptedDeal, place: &str, problem: &str) {
    let error = read(&deal.0.to_string()).unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains(&format!(": {place}: ")),
        "{shown}\nnot at {place}"
    );
    assert!(error.problem.contains(problem), "{shown}\nnot {problem}");
}

/// Rows of what is changed, to what, where that is refused, and why.
fn all_refused(text: &str, table: &str) {
    for row in table.lines().filter(|l| !l.is_empty()) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [pointer, value, place, problem] = cells[..] else {
            panic!("{row}");
        };
        let value = serde_json::from_str(value).expect(row);
        refused(&script(text).set(pointer, value), place, problem);
    }
}

const SEQUENTIAL_CHANGED: &str = r#"
/swap | 1 | swap | supported here: name, currency
/rateCap | {"cap": 1} | rateCap | remove it
/ledger | {"pdl": {}} | ledger | remove it
/status | "Revolving" | status | "Amortizing"
/fee | {} | fees | means the same as another key
/pool/PoolA | {} | pool.PoolA | issuanceStat
/pool/assets | 1 | pool.assets | not a list
/pool/assets/0/2/currentBalance | -1 | pool.assets[0][2].currentBalance | negative
/pool/issuanceStat/AccruedInterest | 1 | pool.issuanceStat.AccruedInterest | loans of the tape
/pool/issuanceStat/HistoryDefaults | 1 | pool.issuanceStat.HistoryDefaults | has not closed
/pool/issuanceStat/x | 1 | pool.issuanceStat.x | not supported
/dates/collect | [] | dates.collect | supported here: cutoff
/dates/payFreq | "MonthEnd" | fees.servicer.type.annualPctFee[0] | dates.poolFreq
/dates/payFreq | "MonthMiddle" | dates.payFreq | date pattern
/dates/payFreq | ["Weekday", 1] | dates.payFreq | date pattern
/dates/payFreq | ["EveryNMonth", "2027-01-25", 13] | dates.payFreq[2] | from 1 to 12
/dates/firstPay | "2027-01-26" | fees.servicer.type.annualPctFee[0] | average
/dates/firstPay | "2026-12-25" | dates.firstPay | dates.closing
/dates/poolFreq | null | dates | has no `poolFreq`
/dates/cutoff | "2019-01-31" | dates | pay 95 months
/dates/stated | "2032-01-25" | dates.stated | the day after
/dates/stated | "2026-01-01" | dates.stated | before the first payment
/dates/closing | "2026-13-01" | dates.closing | not a date
/dates/stated | "2126-12-27" | dates.stated | more than a hundred years after closing
/dates/stated | "9999-12-31" | dates.stated | more than a hundred years after closing
/dates/cutoff | "2027-02-01" | dates.cutoff | is after the payment date 2027-01-25, which
/accounts/acc01/balance | 0.001 | accounts.acc01.balance | two decimals
/accounts/acc01/balance | -1 | accounts.acc01.balance | negative
/accounts/acc01/interest | {"rate": 0.01} | accounts.acc01.interest | not supported
/accounts/reserve/type | {"min": []} | accounts.reserve.type.min | supported reserve
/accounts/reserve/type | ["when", 1] | accounts.reserve.type | supported reserve
/accounts/reserve/type | {"targetReserve": [["bondBalance"], 0.01]} | accounts.reserve.type.targetReserve[0] | all bonds but equity: A, B
/accounts/reserve/type | {"targetReserve": [["poolBalance"], 1.01]} | accounts.reserve | 101 percent
/collect/0/0 | "CollectedRental" | collect[0][0] | CollectedInterest
/collect/0/0 | "CollectedCash" | collect[1][0] | twice
/collect/0 | ["Interest", [0.8, "acc01"], [0.2, "reserve"]] | collect[0] | not split
/collect/0/1 | [[0.8, "acc01"], [0.2, "reserve"]] | collect[0][1] | one account
/collect/2/1 | "reserve" | collect | two accounts
/collect/3 | ["Interest", "acc01"] | collect[3][0] | twice
/collect | [["Interest", "acc01"]] | collect | CollectedRecoveries
/collect/3/1 | "cash" | collect | no account `cash`
/fees/trustee/type | {"byPeriod": 15} | fees.trustee.type.byPeriod | recurFee
/fees/trustee/type | {"pctFee": [["poolBalance"], 0.02]} | fees.trustee.type.pctFee | supported fee
/fees/trustee/type | {"numFee": [["DayOfMonth", 20], ["borrowerNumber"], 1]} | fees.trustee.type.numFee | supported fee
/fees/trustee/type | {"targetBalanceFee": [["poolBalance"], ["bondBalance"]]} | fees.trustee.type.targetBalanceFee | supported fee
/fees/trustee/type | {"byTable": ["MonthEnd", ["poolBalance"], [[0, 5]]]} | fees.trustee.type.byTable | supported fee
/fees/trustee/type | {"customFee": [["2027-02-01", 1], ["2027-01-01", 1]]} | fees.trustee.type.customFee | sort them
/fees/trustee/type | {"customFee": [["2027-02-01"]]} | fees.trustee.type.customFee[0] | [date, amount]
/fees/trustee/feeStart | "2026-12-25" | fees.trustee.feeStart | own pattern
/fees/trustee/feeStart | null | fees.trustee | one day before it
/fees/trustee/type | {"recurFee": ["MonthFirst"]} | fees.trustee.type.recurFee | date pattern
/fees/servicer/type/annualPctFee/0 | ["bondBalance"] | fees.servicer.type.annualPctFee[0] | poolBalance
/dates/poolFreq | "MonthEnd" | fees.servicer.type.annualPctFee[0] | dates.poolFreq
/fees/servicer/feeStart | "2026-12-26" | fees.servicer.feeStart | 2026-12-25, from which
/fees/servicer/feeDue | 10 | fees.servicer.feeDue | has not closed
/bonds/A/balance | 650000 | bonds.A.balance | originBalance
/bonds/A/startDate | "yesterday" | bonds.A.startDate | not a date
/bonds/A/dueInt | 3 | bonds.A.dueInt | has not closed
/bonds/A/stepUp | ["twice", "2028-01-01", 0.01] | bonds.A.stepUp | supported step
/bonds/A/stepUp | ["once", "2026-12-25", 0.01] | bonds.A.stepUp | has that step already
/bonds/A/stepUp | ["once", "2028-01-01", 0.95] | bonds.A | 101 percent
/bonds/A/bondType | {"Z": null} | bonds.A.bondType | Sequential
/bonds/A/bondType | {"PAC": [["2027-02-25", 1]]} | bonds.A.bondType.PAC | begin it
/bonds/A/bondType | {"PAC": [["2027-01-25", 1]]} | waterfall.amortizing[6] | plan of a PAC bond
/bonds/A/bondType | {} | bonds.A.bondType | Sequential
/bonds/A/rateType/dayCount | "DC_ACT_ACT" | bonds.A.rateType.dayCount | DC_30E_360
/bonds/A/rateType | {"interimYield": 0.1} | bonds.A.rateType.interimYield | fix, Fixed
/bonds/A/rateType | ["withIntOverInt", 0.1, {}] | bonds.A.rateType[0] | supported rate
/bonds/A/rateType | ["cap", 0.1, {"fix": 0.06}] | bonds.A.rateType[2] | not a floater
/bonds/B/rateType/dayCount | "DC_ACT_360" | bonds.B.rateType.Fixed | write `fix`
/bonds/B/bondType | {"Equity": null} | bonds.E | second bond
/bonds/A/originBalance | 0 | bonds.A.balance | originBalance
/waterfall/cleanUp | [["payPrin", "acc01", ["A"]]] | waterfall.cleanUp | assumptions
/waterfall/endOfCollection | [["calcInt", "A"]] | waterfall.endOfCollection | amortizing or default
/waterfall/Defaulted | [["calcInt", "A", "B"], ["calcFee", "servicer"]] | waterfall.Defaulted | never runs
/waterfall/amortizing | [] | waterfall.amortizing | calcInt
/waterfall/Amortizing | [] | waterfall.Amortizing | never accrues
/waterfall/amortizing/2 | ["writeOff", "A"] | waterfall.amortizing[2] | accrueAndPayIntBySeq
/waterfall/amortizing/2 | ["payPrin", "acc01"] | waterfall.amortizing[2] | supported action
/waterfall/amortizing/2 | ["payFee", "acc01", ["servicer"]] | waterfall.amortizing[2][2][0] | before it is accrued
/waterfall/amortizing/2 | ["calcAndPayFee", "acc01", ["trustee"]] | waterfall.amortizing[2][2][0] | by itself
/waterfall/amortizing/2 | ["payInt", "acc01", ["A"]] | waterfall.amortizing[2][2][0] | before it is accrued
/waterfall/amortizing/2 | ["payPrin", "acc01", ["A"]] | waterfall.amortizing[2][2][0] | before its interest
/waterfall/amortizing/2 | ["inspect", "x", ["poolBalance"]] | waterfall.amortizing | ["calcFee", "servicer"]
/waterfall/amortizing/2 | ["accrueAndPayInt", "acc01", ["E"]] | waterfall.amortizing[2][2][0] | no bond that is paid here
/waterfall/amortizing/2 | ["payFee", "acc01", ["x"]] | waterfall.amortizing[2][2][0] | there are: servicer, trustee
/waterfall/amortizing/2 | ["calcAndPayFee", "cash", ["servicer"]] | waterfall.amortizing[2] | no account `cash`
/waterfall/amortizing/2 | ["calcAndPayFee", ["acc01", "reserve"], ["servicer"]] | waterfall.amortizing[2][1] | not a text
/waterfall/amortizing/2 | ["calcAndPayFee", "acc01", ["servicer"], {"limit": {"balPct": 0.1}}] | waterfall.amortizing[2][3].limit.balPct | balCapAmt
/waterfall/amortizing/2 | ["calcAndPayFee", "acc01", ["servicer"], {"formula": ["const", 1]}] | waterfall.amortizing[2][3].formula | limit, support
/waterfall/amortizing/2 | ["calcAndPayFee", "acc01", ["servicer"], {"support": ["facility", "x"]}] | waterfall.amortizing[2][3].support | only support
/waterfall/amortizing/2 | ["calcAndPayFee", "acc01", ["servicer"], {"limit": {"reserve": "gap"}}] | waterfall.amortizing[2][3].limit | transfer
/waterfall/amortizing/2 | ["calcAndPayFee", "acc01", ["servicer"], {"limit": {"formula": ["custom", "x"]}}] | waterfall.amortizing[2][3].limit.formula | supported formula
/waterfall/amortizing/2 | ["If", ["status", "Amortizing"], ["calcFee", "servicer"]] | waterfall.amortizing[2][1][1] | not a date
/waterfall/amortizing/2 | ["If", [["poolFactor"], "=", 0.1], ["calcFee", "servicer"]] | waterfall.amortizing[2][1][1] | supported condition
/waterfall/amortizing/2 | ["If", [["cumPoolNetLossRate"], ">", 0.1], ["calcFee", "servicer"]] | waterfall.amortizing[2][1][0] | supported condition
/waterfall/amortizing/2 | ["If", ["<", "2028-01-01"], ["calcFee", "servicer"]] | waterfall.amortizing[2][2][1] | under a condition
/waterfall/amortizing/2 | ["transfer", "acc01", "reserve", {"balPct": 0.1}] | waterfall.amortizing[2][3].balPct | balCapAmt
/waterfall/amortizing/0 | ["transfer", "acc01", "acc01"] | waterfall.amortizing[0] | own account
/waterfall/amortizing/9 | ["inspect", "x"] | waterfall.amortizing[8] | follow at once
/waterfall/amortizing/9 | ["payIntResidual", "acc01", "B"] | waterfall.amortizing[8] | follow at once
/waterfall/amortizing/8 | ["payIntResidual", "acc01", "B"] | waterfall.amortizing[8][2] | type Equity
/trigger | {"InDistribution": {"x": {}}} | trigger.InDistribution | BeforeDistribution
/trigger | {"AfterCollect": {"x": {"condition": [">", "2029-01-01"], "effects": ["newStatus", "Accelerated"]}}} | trigger.AfterCollect.x.condition | when ours are measured
/trigger | {"AfterCollect": {"x": {"condition": [["poolFactor"], ">", 0.9], "effects": ["newStatus", "Accelerated"]}}} | trigger.AfterCollect.x.condition | no longer on the payment date
/trigger | {"BeforeDistribution": {"x": {"curable": true}}} | trigger.BeforeDistribution.x.curable | False
/trigger | {"BeforeDistribution": {"x": {"effects": ["accrueFees", "y"]}}} | trigger.BeforeDistribution.x.effects | newStatus
/trigger | {"BeforeDistribution": {"x": {"condition": [">", "2029-01-01"], "effects": ["newStatus", "Defaulted"]}}} | trigger.BeforeDistribution | no waterfall `Defaulted`
"#;

const FLOATER_CHANGED: &str = r#"
/bonds/A/rateType/2/floater/3 | "QuarterEnd" | bonds.A.rateType[2].floater[3] | on no other day
/bonds/A/rateType/2/floater/3 | ["DayOfMonth", 15] | bonds.A.rateType[2].floater[3] | one rate a period
/bonds/A/rateType/2/floater/2 | -0.01 | bonds.A | -1 percent
/bonds/A/rateType/2/floater/0 | 0.04 | bonds.A.rate | both cannot hold
/pool/issuanceStat | null | pool | IssuanceBalance
/bonds/A/stepUp | ["once", "2028-01-01", 0.01] | bonds.A.stepUp | fixed rates only
/bonds/A/rateType/2/floater | [0.01, "QuarterEnd"] | bonds.A.rateType[2].floater | [rate, index, spread, reset]
/bonds/A/rateType/1 | 1.5 | bonds.A | 150 percent
/trigger/BeforeDistribution/half/condition/1/2 | 1.01 | trigger.BeforeDistribution.half.condition[1][2] | between 0 and 1
/trigger/BeforeDistribution/half/condition/1 | ["any"] | trigger.BeforeDistribution.half.condition[1] | supported condition
"#;

#[test]
fn what_is_not_supported_is_refused_with_its_place() {
    all_refused(SEQUENTIAL, SEQUENTIAL_CHANGED);
    all_refused(FLOATER, FLOATER_CHANGED);
}

/// A tape's month may end on the day after the payment date that pays it: who pays the deal would refuse that, once a tape is there.
#[test]
fn a_month_that_ends_after_its_payment_date_is_refused() {
    let ends = |cutoff: &str| {
        let dates = json!({"cutoff": cutoff, "closing": "2026-12-25", "firstPay": "2027-01-31", "stated": "2032-01-01",
                           "payFreq": "MonthEnd", "poolFreq": "MonthEnd"});
        let fees = json!({"trustee": {"type": {"fixFee": 1}}});
        let deal = script(SEQUENTIAL).set("/dates", dates).set("/fees", fees);
        deal.set("/waterfall/amortizing/2", json!(["calcInt", "A", "B"]))
    };
    refused(
        &ends("2026-12-01"),
        "dates.cutoff",
        "makes the payment date 2027-01-31 pay a month that ends on 2027-02-01, after it; write the day before, 2026-11-30, and",
    );
    let deal = read(&ends("2026-11-30").0.to_string()).unwrap();
    let first = &deal.dates.payments[0];
    assert_eq!((first.date.as_str(), first.months), ("2027-01-31", 2));
}

/// A hundred years after closing are read, as ours are.
#[test]
fn a_hundred_years_are_read() {
    let deal = script(SEQUENTIAL).set("/dates/stated", json!("2126-12-26"));
    let deal = read(&deal.0.to_string()).unwrap();
    assert_eq!(deal.plan().unwrap().periods, 1200);
    // Listed dates of which the last is too far, and one that is paid more than a year after what it pays.
    let listed = |last: &str| {
        let dates = json!({"closing": "2026-12-25", "cutoff": "2026-11-30", "poolCollection": ["2026-12-31"],
                           "distribution": ["2027-01-25", last]});
        let fees = json!({"trustee": {"type": {"recurFee": ["MonthEnd", 1]}}});
        let deal = script(SEQUENTIAL).set("/dates", dates).set("/fees", fees);
        deal.set("/waterfall/amortizing/2", json!(["calcInt", "A", "B"]))
    };
    refused(
        &listed("9999-01-25"),
        "dates.distribution",
        "more than a hundred years after closing",
    );
    refused(
        &listed("2028-01-25"),
        "dates",
        "make the payment date 2028-01-25 pay what came in until 2026-12-31, more than a year before",
    );
}

#[test]
fn of_two_triggers_or_members_none_is_chosen() {
    let second = json!({"condition": [">", "2029-01-01"], "effects": ["newStatus", "Defaulted"]});
    let deal = script(FLOATER).set("/trigger/BeforeDistribution/other", second);
    refused(
        &deal,
        "trigger.BeforeDistribution.other",
        "to another status",
    );
    let twice = SEQUENTIAL.replacen("\"B\": {", "\"A\": {", 1);
    let error = read(&twice).unwrap_err().to_string();
    assert!(error.contains(":13: `A` stands twice"), "{error}");
}

#[test]
fn a_file_that_is_no_deal_is_refused() {
    for deep in [100, 100_000] {
        let error = read(&format!("{}{}", "[".repeat(deep), "]".repeat(deep)));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("nested"), "{error}");
        assert!(read(&"[".repeat(deep)).is_err());
    }
    let error = read("{} {}").unwrap_err().to_string();
    assert!(error.contains(":1: stands after the end"), "{error}");
}

#[test]
fn a_currency_is_stated_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deal.json");
    let told = |text: &str, currency| {
        std::fs::write(&path, text).unwrap();
        read_absbox(&path, currency).map_err(|e| e.to_string())
    };
    let without = SEQUENTIAL.replacen("\"currency\": \"USD\",", "", 1);
    let error = told(&without, None).unwrap_err();
    assert!(
        error.contains("give --currency USD, or add \"currency\": \"USD\""),
        "{error}"
    );
    assert_eq!(told(&without, Some("EUR")).unwrap().deal.currency, "EUR");
    let error = told(SEQUENTIAL, Some("EUR")).unwrap_err();
    assert!(
        error.contains(":3: currency: is not EUR, the currency that was asked for"),
        "{error}"
    );
}
