//! Deals as AbsBox's users write them, in Python: what they pay against tables made by hand.
//!
//! Each table was worked out apart from this program, with fractions, from what the deal's file says: interest is the balance before,
//! times the rate, times days over the year's days, rounded down; shares in proportion are rounded up in their order.

// The cents stand apart: 100_00 is a hundred.
#![allow(clippy::inconsistent_digit_grouping)]

#[path = "common/absbox.rs"]
mod absbox;
#[path = "common/deals.rs"]
mod deals;

use absbox::{LISTED, OFF_CYCLE, STEPS, UNDER_WAY, read, read_whole};
use credit::deal::step::Measure;
use credit::deal::{Coupon, Deal, FeeAmount};
use deals::{check_table, check_table_from};
use records::units::Cents;

/// The first payment dates, each with the months that it pays.
fn payments(deal: &Deal, count: usize) -> String {
    let list = deal.dates.payments.iter().take(count);
    let list: Vec<String> = list.map(|p| format!("{} {}", p.date, p.months)).collect();
    list.join(", ")
}

/// Interest of the first period is of 41 days, then of 25 and 31; B has 30/360. The first payment pays the months that end on 1 April,
/// May, June and July; the set-up fee is due with it, the listing fee with the second. The third is after 5.5% has defaulted: A1 is
/// paid before A2.
#[test]
fn a_first_payment_off_the_cycle_pays_as_the_table_says() {
    let deal = read(OFF_CYCLE).unwrap();
    assert_eq!(deal.name, "Off-cycle-2026-1");
    assert_eq!(
        payments(&deal, 4),
        "2026-07-26 4, 2026-08-20 1, 2026-09-20 1, 2026-10-20 1"
    );
    assert_eq!(deal.dates.payments.len(), 1 + 5 + 4 * 12);
    assert_eq!(deal.tests[0].measure, Measure::CumulativeDefault);
    let last = check_table(
        &deal,
        &[],
        "
        interest sched default | fee    A1.int  A1.prin  A1.bal    A2.int  A2.prin  A2.bal    B.int B.prin B.bal  equity
        30000    40000 0       | 300    2695.89 36179.50 363820.50 1640.00 27134.61 272865.39 2050  0      200000 0
        8000     10000 20000   | 75.50  1495.15 8182.75  355637.75 909.55  6137.05  266728.34 1200  0      200000 0
        7000     9000  35000   | 0      1812.29 11585.24 344052.51 1102.47 0        266728.34 1500  0      200000 0
        ",
    );
    assert_eq!(last.tripped, [true]);
}

/// Periods of 46, 31, 32 and 32 days. The third payment date is itself the end of a month, so it pays two. Fees: 100 on 20 January;
/// 50 and 25.50 in March; 40 at the end of the quarter; a period pays at most 60 of them, and the rest is owed. In the second period
/// the reserve pays what interest and fees lack.
#[test]
fn listed_dates_pay_as_the_table_says() {
    let deal = read(LISTED).unwrap();
    assert_eq!(
        payments(&deal, 9),
        "2027-02-26 1, 2027-03-29 1, 2027-04-30 2, 2027-06-01 1"
    );
    assert_eq!(deal.dates.legal_final, "2027-06-01");
    let FeeAmount::Dated(audit) = &deal.fees[1].amount else {
        panic!("{:?}", deal.fees[1]);
    };
    let audit: Vec<&str> = audit.iter().map(|d| d.date.as_str()).collect();
    assert_eq!(audit, ["2027-03-31"]);
    check_table(
        &deal,
        &[],
        "
        interest sched prepaid | fee   A.int   A.prin A.bal  B.int   B.short B.bal  reserve equity
        5000     30000 0       | 60    5111.11 30000  770000 0       1323.28 150000 4828.89 0
        1000     20000 0       | 60    3315.27 20000  750000 0       2222.92 150000 2453.62 0
        9000     25000 5000    | 60    3333.33 30000  720000 3157.10 0       150000 4903.19 0
        4200     10000 0       | 35.50 3200    10000  710000 920.54  0       150000 4947.15 0
        ",
    );
}

/// From 15 October 2026 on: 32, 4 and 30 days (of B 31, 4 and 30). Of before, A is owed 120.50 of interest and fees 30 and 12.25. The
/// second date pays no month. In the third period the pool's factor falls below 0.6.
#[test]
fn a_deal_under_way_pays_as_the_table_says() {
    let read = read_whole(UNDER_WAY).unwrap();
    let (deal, state) = (read.deal, read.state.unwrap());
    assert_eq!(deal.dates.closing, "2024-01-10");
    assert_eq!(
        payments(&deal, 4),
        "2026-10-15 1, 2026-11-16 1, 2026-11-20 0, 2026-12-20 1"
    );
    assert_eq!((state.period, state.pool_balance), (1, Cents(620000_00)));
    assert_eq!(
        (state.defaulted, state.recoveries),
        (Cents(15000_00), Cents(5000_00))
    );
    assert_eq!(state.fee_arrears, [Cents(30_00), Cents(12_25)]);
    assert_eq!(state.balances(), [Cents(350000_00), Cents(200000_00)]);
    let last = check_table_from(
        &deal,
        state,
        &[],
        "
        interest sched default | fee    A.int   A.short A.prin   A.bal     B.int   B.short B.bal  res     equity
        4000     10000 0       | 132.25 1808.75 0       9000     341000    1377.77 0       200000 2000    2481.23
        0        0     0       | 0      205.53  0       0        341000    177.77  0       200000 1616.70 0
        3800     15000 1000    | 90     1541.50 0       15835.17 325164.83 1333.33 0       200000 1616.70 0
        ",
    );
    assert_eq!(last.tripped, [true]);
    assert_eq!(last.defaulted, Cents(16000_00));
}

/// A bears 5% to 10 February 2027 and 6% from then on. B bears half a percent more from each 25th on, from February. C bears 7% to the
/// end of February, then a quarter more each month's end. B is paid principal from 25 March on; C down to its plan.
#[test]
fn rates_that_step_up_pay_as_the_table_says() {
    let deal = read(STEPS).unwrap();
    assert!(deal.dates.payments.is_empty());
    let Coupon::Stepped { rate, steps } = &deal.tranches[1].coupon else {
        panic!("{:?}", deal.tranches[1]);
    };
    let steps: Vec<String> = steps[..2]
        .iter()
        .map(|s| format!("{} {}", s.from, s.rate))
        .collect();
    assert_eq!(rate.to_string(), "6");
    assert_eq!(steps, ["2027-02-25 6.5", "2027-03-25 7"]);
    check_table(
        &deal,
        &[],
        "
        interest sched | fee    A.int   A.prin   A.bal     B.int   B.prin   B.bal     C.int  C.prin   C.bal    equity
        7000     20000 | 620    2123.28 0        500000    1250    0        250000    594.52 10000    90000    12412.20
        6500     30000 | 607.60 2328.76 21779.08 478220.92 1250    0        250000    535.06 9999.50  80000.50 0
        6000     40000 | 532    2201.12 27232.88 450988.04 1354.16 14236.55 235763.45 443.29 0        80000.50 0
        5500     10000 | 564.20 2298.18 0        450988.04 1375.28 0        235763.45 506.30 10756.04 69244.46 0
        ",
    );
}

/// What AbsBox pays is `rate`; it looks at the number in `fix` only where that is missing.
#[test]
fn the_rate_of_a_bond_is_its_rate() {
    let deal = read(&OFF_CYCLE.replacen("\"Fixed\":0.06", "\"Fixed\":0.08", 1)).unwrap();
    assert_eq!(deal, read(OFF_CYCLE).unwrap());
}
