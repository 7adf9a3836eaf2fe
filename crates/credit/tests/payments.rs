//! Payment dates one by one, fees on certain days, rates that step: what is refused, and what months are paid.

// The cents stand apart: 100_00 is a hundred.
#![allow(clippy::inconsistent_digit_grouping)]

#[path = "common/deals.rs"]
mod deals;

use credit::collections::Collections;
use credit::deal::{DealError, MAX_PAYMENTS};
use credit::pool::tape::CutOff;
use credit::projection::{Schedule, ScheduleRow};
use credit::protection::{check_dates, life};
use credit::stress::{Defaults, Prepayments, Stress};
use credit::waterfall::{DealState, MonthsError, pay};
use deals::{ScriptedDeal, check_table, mini};
use fixed::Decimal;
use records::units::Cents;
use serde_json::{Value, json};

/// The small deal with these payment dates and months.
fn listed(payments: &[(&str, u32)]) -> ScriptedDeal {
    let list = payments
        .iter()
        .map(|(date, months)| json!({"date": date, "months": months}));
    mini()
        .set("/dates/first_payment", json!(payments[0].0))
        .set("/dates/payments", list.collect::<Vec<Value>>().into())
}

fn refused(deal: &ScriptedDeal, place: &str, problem: &str) {
    let DealError {
        place: at,
        problem: why,
    } = deal.deal().validate().unwrap_err();
    assert_eq!(at, place, "{why}");
    assert!(why.contains(problem), "{why}");
}

#[test]
fn a_list_that_says_what_the_frequency_says_is_the_same() {
    let regular = mini().set("/dates/legal_final", json!("2027-04-24"));
    let list = [("2027-01-25", 1), ("2027-02-25", 1), ("2027-03-25", 1)];
    let list = listed(&list).set("/dates/legal_final", json!("2027-04-24"));
    assert_eq!(list.deal().plan(), regular.deal().plan());
    // Old deals say nothing of a list.
    let written = serde_json::to_string(&regular.deal()).unwrap();
    assert!(!written.contains("payments"), "{written}");
}

#[test]
fn payments_are_in_order_and_end_in_time() {
    let (a, b) = (("2027-01-25", 1), ("2027-02-28", 1));
    refused(
        &listed(&[a, b, b]),
        "dates.payments[2].date",
        "not after the one above",
    );
    refused(
        &listed(&[a, ("2032-01-26", 1)]),
        "dates.payments[1].date",
        "after `legal_final`",
    );
    refused(
        &listed(&[a, ("2027-02-30", 1)]),
        "dates.payments[1].date",
        "is not a date",
    );
    refused(
        &listed(&[a, ("2027-02-25", 61)]),
        "dates.payments[1].months",
        "61 is more than 60",
    );
    let first = listed(&[a, b]).set("/dates/first_payment", json!("2027-01-26"));
    refused(&first, "dates.payments[0].date", "is not `first_payment`");
    let many: Vec<Value> = vec![json!({"date": "2027-01-25", "months": 1}); MAX_PAYMENTS + 1];
    refused(
        &mini().set("/dates/payments", many.into()),
        "dates.payments",
        "more than 1200",
    );
    // Of days that not every month has there is a list, and no frequency.
    refused(
        &mini().set("/dates/first_payment", json!("2027-01-31")),
        "dates.first_payment",
        "list all dates",
    );
    assert_eq!(listed(&[("2027-01-31", 1)]).deal().validate(), Ok(()));
}

#[test]
fn dated_fees_and_steps_are_in_order() {
    let fee = |list: Value| mini().set("/fees/0/amount", json!({"dated": list}));
    let place = "fees[0].amount.dated";
    refused(&fee(json!([])), place, "is empty");
    let late =
        json!([{"date": "2027-02-01", "amount": "1"}, {"date": "2027-01-31", "amount": "1"}]);
    refused(
        &fee(late),
        &format!("{place}[1].date"),
        "before the one above",
    );
    let small = json!([{"date": "2027-02-01", "amount": "0.001"}]);
    refused(&fee(small), &format!("{place}[0].amount"), "two decimals");
    let coupon = |steps: Value| {
        let stepped = json!({"stepped": {"rate": "6", "steps": steps}});
        mini().set("/tranches/0/coupon", stepped)
    };
    let place = "tranches[0].coupon.stepped.steps";
    refused(&coupon(json!([])), place, "is empty");
    let twice = json!([{"from": "2027-02-01", "rate": "7"}, {"from": "2027-02-01", "rate": "8"}]);
    refused(
        &coupon(twice),
        &format!("{place}[1].from"),
        "not after the one above",
    );
    let high = json!([{"from": "2027-02-01", "rate": "101"}]);
    refused(&coupon(high), &format!("{place}[0].rate"), "101 percent");
}

/// Interest of A: 700000 at 6% to 10 January (15 days of 360), 12% to 20 January (10), 3.6% to 25 January (5): 1750 + 2333.33 + 350;
/// then 3.6%. What fell due before closing and in January is charged first, a day after a payment date with the next one, a payment date
/// with itself.
#[test]
fn steps_and_dated_fees_pay_as_the_table_says() {
    let steps =
        json!([{"from": "2027-01-10", "rate": "12"}, {"from": "2027-01-20", "rate": "3.6"}]);
    let dated = json!([
        {"date": "2020-01-01", "amount": "1"}, {"date": "2027-01-25", "amount": "20"}, {"date": "2027-01-26", "amount": "300"},
        {"date": "2027-02-25", "amount": "4000"}
    ]);
    let deal = mini()
        .set(
            "/tranches/0/coupon",
            json!({"stepped": {"rate": "6", "steps": steps}}),
        )
        .set("/fees/0/amount", json!({"dated": dated}));
    check_table(
        &deal.deal(),
        &[],
        "
        interest sched | fee  A.int   B.int equity
        10000    0     | 21   4433.33 1500  4045.67
        10000    0     | 4300 2100    1500  2100
        10000    0     | 0    2100    1500  6400
        ",
    );
}

fn month(balance: u64) -> Collections {
    Collections {
        balance_before: Cents(balance),
        balance_after: Cents(balance - 10_000_00),
        interest: Cents(8_000_00),
        scheduled_principal: Cents(10_000_00),
        delinquent: [Cents(5_00), Cents(0), Cents(0)],
        ..Collections::default()
    }
}

/// Two months, none, one: the second date pays from what accounts hold, right after the first.
#[test]
fn a_payment_date_pays_the_months_that_it_says() {
    let deal = listed(&[
        ("2027-01-25", 2),
        ("2027-01-29", 0),
        ("2027-03-01", 1),
        ("2027-03-25", 1),
    ])
    .deal();
    let state = DealState::of(&deal.plan().unwrap());
    let months = [month(1_000_000_00), month(990_000_00), month(980_000_00)];
    let cut_offs = ["2026-12-25", "2027-01-25", "2027-02-25"]
        .map(|d| CutOff::try_from(d.to_string()).unwrap());
    let paid = |months: &[Collections]| {
        let after: Vec<&CutOff> = cut_offs[..months.len()].iter().collect();
        pay(&deal, &state, &[], months, &after)
    };
    let (after, reports) = paid(&months).unwrap();
    let dates: Vec<&str> = reports.iter().map(|r| r.payment_date.as_str()).collect();
    assert_eq!(dates, ["2027-01-25", "2027-01-29", "2027-03-01"]);
    assert_eq!(after.period, 3);
    let owed: Vec<Cents> = reports.iter().map(|r| r.tranches[0].balance).collect();
    assert_eq!(
        owed,
        [Cents(680_000_00), Cents(680_000_00), Cents(670_000_00)]
    );
    // Nothing came in, and interest of four days is due: 680000 * 6% * 4 / 360.
    assert_eq!(reports[1].tranches[0].interest_shortfall, Cents(453_33));
    // The same in two steps.
    let (between, first) = paid(&months[..2]).unwrap();
    assert_eq!((between.period, first.as_slice()), (2, &reports[..2]));
    let error = paid(&months[..1]).unwrap_err();
    assert!(
        matches!(
            error,
            MonthsError::Periods {
                period: 2,
                months: 1,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "the deal's payment date 2027-01-25 pays 2 months, and 1 are left for it"
    );
}

/// A run to the end pays the same months, and the cut-off date fits them.
#[test]
fn a_run_to_the_end_pays_the_months_of_each_date() {
    let deal = listed(&[
        ("2027-01-25", 2),
        ("2027-01-29", 0),
        ("2027-03-01", 1),
        ("2027-03-25", 1),
    ])
    .deal();
    let state = DealState::of(&deal.plan().unwrap());
    let row = |n: u64| ScheduleRow {
        interest: Cents(8_000_00),
        principal: Cents(250_000_00),
        balance: Cents((3 - n) * 250_000_00),
    };
    let schedule = Schedule {
        balance: Cents(1_000_000_00),
        doubtful: Cents(0),
        rows: (0..4).map(row).collect(),
    };
    let stress = Stress {
        defaults: Defaults::Cdr(vec![Decimal::ZERO]),
        prepayments: Prepayments::Cpr(vec![Decimal::ZERO]),
        severity: Decimal::ZERO,
        recovery_lag: 0,
        age: 0,
        delinquency: None,
    };
    let life = life(&deal, &state, &[], &schedule, &stress).unwrap();
    let paid: Vec<(&str, Cents)> = std::iter::zip(&life.reports, &life.collections)
        .map(|(r, c)| (r.payment_date.as_str(), c.scheduled_principal))
        .collect();
    assert_eq!(
        paid,
        [
            ("2027-01-25", Cents(500_000_00)),
            ("2027-01-29", Cents(0)),
            ("2027-03-01", Cents(250_000_00)),
            ("2027-03-25", Cents(250_000_00))
        ]
    );
    let fits = |cut_off: &str| check_dates(&deal, &state, &cut_off.to_string().try_into().unwrap());
    assert!(fits("2026-11-25").is_ok());
    // Its two months would end after the payment date.
    assert!(fits("2026-11-26").is_err());
}

/// Every listed date pays what came in until it: thirty years of collections are not paid within days.
#[test]
fn no_listed_date_pays_what_has_not_come_in() {
    let fits = |payments: &[(&str, u32)]| {
        let deal = listed(payments).deal();
        let state = DealState::initial(&deal).unwrap();
        let cut_off: CutOff = "2026-12-31".to_string().try_into().unwrap();
        check_dates(&deal, &state, &cut_off).map_err(|e| e.to_string())
    };
    let honest = [("2027-01-31", 1), ("2027-02-10", 0), ("2027-04-30", 3)];
    assert_eq!(fits(&honest), Ok(()));
    let early = [("2027-01-31", 1), ("2027-02-01", 60), ("2027-02-02", 60)];
    let problem = fits(&early).unwrap_err();
    assert!(
        problem.starts_with("payment date 2: payment date 2027-02-01 is before"),
        "{problem}"
    );
}
