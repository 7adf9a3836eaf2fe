//! What is not read of AbsBox's deals, and where it says so.

#[path = "common/absbox.rs"]
mod absbox;
#[path = "common/deals.rs"]
mod deals;

use absbox::{FLOATER, SEQUENTIAL, read};
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
/pool/issuanceStat | null | pool | IssuanceBalance
/pool/issuanceStat/HistoryLoss | 1 | pool.issuanceStat.HistoryLoss | not supported
/dates/collect | [] | dates.collect | supported here: cutoff
/dates/payFreq | "MonthEnd" | dates.payFreq | same day of a month
/dates/payFreq | ["Weekday", 1] | dates.payFreq | date pattern
/dates/payFreq | ["EveryNMonth", "2027-01-25", 2] | dates.payFreq[2] | 1, 3, 6 or 12
/dates/firstPay | "2027-01-26" | dates.firstPay | `payFreq`
/dates/stated | "2032-01-25" | dates.stated | the day after
/dates/stated | "2026-01-01" | dates.stated | before the first payment
/dates/closing | "2026-13-01" | dates.closing | not a date
/accounts/acc01/balance | 0.001 | accounts.acc01.balance | two decimals
/accounts/acc01/balance | -1 | accounts.acc01.balance | negative
/accounts/acc01/interest | {"rate": 0.01} | accounts.acc01.interest | not supported
/accounts/reserve/type | {"min": []} | accounts.reserve.type.min | supported reserve
/accounts/reserve/type | ["when", 1] | accounts.reserve.type | supported reserve
/accounts/reserve/type | {"targetReserve": [["bondBalance"], 0.01]} | accounts.reserve.type.targetReserve[0] | all bonds but equity: A, B
/accounts/reserve/type | {"targetReserve": [["poolBalance"], 1.01]} | accounts.reserve | 101 percent
/collect/0/0 | "CollectedCash" | collect[0][0] | CollectedInterest
/collect/0/1 | [[0.8, "acc01"], [0.2, "reserve"]] | collect[0][1] | one account
/collect/2/1 | "reserve" | collect | two accounts
/collect/3 | ["Interest", "acc01"] | collect[3][0] | twice
/collect | [["Interest", "acc01"]] | collect | CollectedRecoveries
/collect/3/1 | "cash" | collect | no account `cash`
/fees/trustee/type | {"fixFee": 30} | fees.trustee.type.fixFee | recurFee
/fees/trustee/feeStart | "2026-12-25" | fees.trustee.feeStart | more or less than once
/fees/trustee/feeStart | null | fees.trustee | more or less than once
/fees/trustee/type | {"recurFee": ["MonthFirst", 1]} | fees.trustee.type.recurFee[0] | payment dates
/fees/servicer/type/annualPctFee/0 | ["bondBalance"] | fees.servicer.type.annualPctFee[0] | poolBalance
/dates/poolFreq | "MonthEnd" | fees.servicer.type.annualPctFee[0] | dates.poolFreq
/fees/servicer/feeStart | "2026-12-26" | fees.servicer.feeStart | dates.closing
/fees/servicer/feeDue | 10 | fees.servicer.feeDue | as it closes
/bonds/A/balance | 650000 | bonds.A.balance | originBalance
/bonds/A/rate | 0.07 | bonds.A.rate | both cannot hold
/bonds/A/startDate | "2020-01-03" | bonds.A.startDate | dates.closing
/bonds/A/dueInt | 3 | bonds.A.dueInt | as it closes
/bonds/A/stepUp | ["once", "2028-01-01", 0.01] | bonds.A.stepUp | step up
/bonds/A/bondType | {"Lockout": "2027-09-20"} | bonds.A.bondType.Lockout | Sequential
/bonds/A/bondType | {} | bonds.A.bondType | Sequential
/bonds/A/rateType/dayCount | "DC_ACT_ACT" | bonds.A.rateType.dayCount | DC_30E_360
/bonds/A/rateType | {"interimYield": 0.1} | bonds.A.rateType.interimYield | fix, Fixed
/bonds/A/rateType | ["withIntOverInt", 0.1, {}] | bonds.A.rateType[0] | supported rate
/bonds/A/rateType | ["cap", 0.1, {"fix": 0.06}] | bonds.A.rateType[2] | not a floater
/bonds/B/rateType/dayCount | "DC_ACT_360" | bonds.B.rateType.Fixed | write `fix`
/bonds/B/bondType | {"Equity": null} | bonds.E | second bond
/bonds/A/originBalance | 0 | bonds.A.balance | originBalance
/waterfall/cleanUp | [["payPrin", "acc01", ["A"]]] | waterfall.cleanUp | assumptions
/waterfall/endOfCollection | [["calcInt", "A"]] | waterfall.endOfCollection | amortizing, Accelerated
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
/waterfall/amortizing/2 | ["calcAndPayFee", ["acc01"], ["servicer"]] | waterfall.amortizing[2][1] | not a text
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
/trigger | {"AfterCollect": {"x": {}}} | trigger.AfterCollect | BeforeDistribution
/trigger | {"BeforeDistribution": {"x": {"curable": true}}} | trigger.BeforeDistribution.x.curable | false
/trigger | {"BeforeDistribution": {"x": {"effects": ["accrueFees", "y"]}}} | trigger.BeforeDistribution.x.effects | newStatus
/trigger | {"BeforeDistribution": {"x": {"condition": [">", "2029-01-01"], "effects": ["newStatus", "Defaulted"]}}} | trigger.BeforeDistribution | no waterfall `Defaulted`
"#;

const FLOATER_CHANGED: &str = r#"
/bonds/A/rateType/2/floater/3 | "QuarterEnd" | bonds.A.rateType[2].floater[3] | same day of a month
/bonds/A/rateType/2/floater/3 | ["DayOfMonth", 15] | bonds.A.rateType[2].floater[3] | one rate a period
/bonds/A/rateType/2/floater/2 | -0.01 | bonds.A | -1 percent
/bonds/A/rateType/2/floater/0 | 0.04 | bonds.A.rate | both cannot hold
/bonds/A/rateType/1 | 1.5 | bonds.A | 150 percent
/trigger/BeforeDistribution/half/condition/1/2 | 1.01 | trigger.BeforeDistribution.half.condition[1][2] | between 0 and 1
/trigger/BeforeDistribution/half/condition/1 | ["any"] | trigger.BeforeDistribution.half.condition[1] | supported condition
"#;

#[test]
fn what_is_not_supported_is_refused_with_its_place() {
    all_refused(SEQUENTIAL, SEQUENTIAL_CHANGED);
    all_refused(FLOATER, FLOATER_CHANGED);
}

#[test]
fn of_two_triggers_or_members_none_is_chosen() {
    let second = json!({"condition": [">", "2029-01-01"], "effects": ["newStatus", "Accelerated"]});
    let deal = script(FLOATER).set("/trigger/BeforeDistribution/other", second);
    refused(&deal, "trigger.BeforeDistribution.other", "second trigger");
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
    let error = read(&SEQUENTIAL.replacen("\"currency\": \"USD\",", "", 1)).unwrap_err();
    assert!(error.problem.contains("\"currency\": \"USD\""), "{error}");
    let error = read("{} {}").unwrap_err().to_string();
    assert!(error.contains(":1: trailing characters"), "{error}");
}
