//! Waterfalls against tables computed by hand.
//!
//! A row is a period: what comes in, and what must follow. Amounts are in the currency; what is not written is zero.
//! Columns of a tranche: `.int` interest paid, `.short` interest due and not paid, `.prin` principal paid, `.down` and
//! `.up` written down and up, `.bal` balance, `.ledger` deficiency ledger. `fee` is what all fees received.

// The cents stand apart: 100_00 is a hundred.
#![allow(clippy::inconsistent_digit_grouping)]

#[path = "common/deals.rs"]
mod deals;

use credit::collections::Collections;
use credit::waterfall::{DealState, Index, called, run, run_period};
use deals::{ScriptedDeal, check_table, mini, mini_without_equity, quiet};
use records::units::Cents;
use serde_json::json;

#[test]
fn sequential() {
    let deal = mini();
    // 0.5% a month on A, 0.75% on B, 100 for the trustee.
    let last = check_table(
        &deal.deal(),
        &[],
        "
        interest  sched   prepaid | fee  A.int  A.prin   A.bal    B.int  B.prin   B.bal    equity
        7000      10000   40000   | 100  3500   50000    650000   1500   0        200000   1900
        6700      200000  400000  | 100  3250   600000   50000    1500   0        200000   1850
        2400      5000    145000  | 100  250    50000    0        1500   100000   100000   550
        1300      200000  0       | 100  0      0        0        750    100000   0        100450
        ",
    );
    assert_eq!(last.period, 4);
    assert_eq!(last.accounts, [Cents(0); 2]);
}

/// In proportion, until losses are more than 1% of the original pool.
fn pro_rata(curable: bool) -> ScriptedDeal {
    mini()
        .set("/tests", json!([{"name": "losses", "measure": "cumulative_loss", "passes": {"at_most": "1"}}]))
        .set("/triggers", json!([{
            "name": "switch", "when": {"all": [{"failed": "losses"}]}, "curable": curable,
            "switch": {"waterfall": "principal", "to": "sequential"}
        }]))
        .set("/waterfalls/sequential", mini().get("/waterfalls/principal"))
        .set("/waterfalls/principal", json!([
            {"account": "principal", "do": {"pay_principal": {"tranches": ["A", "B"], "order": "pro_rata"}}},
            {"account": "principal", "do": "pay_residual"}
        ]))
}

#[test]
fn pro_rata_until_a_trigger_switches() {
    // Losses of exactly 1% still pass. A's share is rounded up: 10000 * 693000 / 891000 = 7777.77...
    let first = "
        interest  sched  default recovered | fee A.int    A.prin   A.bal      B.int    B.prin   B.bal      equity
        7000      9000   0       0         | 100 3500     7000     693000     1500     2000     198000     1900
        6900      10000  10000   0         | 100 3465     7777.78  685222.22  1485     2222.22  195777.78  1850
        6000      5000   1000    0         | 100 3426.11  5000     680222.22  1468.33  0        195777.78  1005.56
        ";
    // Recoveries bring the loss back to 0.6%: that resets only a curable trigger.
    let sticky = "6000     2000   0       5000      | 100 3401.11  7000     673222.22  1468.33  0        195777.78  1030.56";
    // 7000 * 680222.22 / 876000 = 5435.5657...
    let cured = "6000     2000   0       5000      | 100 3401.11  5435.57  674786.65  1468.33  1564.43  194213.35  1030.56";
    let last = check_table(&pro_rata(false).deal(), &[], &format!("{first}\n{sticky}"));
    assert_eq!(last.tripped, [true]);
    let last = check_table(&pro_rata(true).deal(), &[], &format!("{first}\n{cured}"));
    assert_eq!(last.tripped, [false]);
}

/// A reserve that pays fees and interest, and is filled up before equity.
fn with_reserve(opening: &str, target: serde_json::Value) -> ScriptedDeal {
    mini()
        .push("/accounts", json!({"name": "reserve", "opening": opening, "target": target}))
        .set("/waterfalls/interest", json!([
            {"account": "reserve", "do": {"transfer": {"to": "interest", "amount": "excess"}}},
            {"account": "interest", "support": "reserve", "do": {"pay_fee": {"fees": ["trustee"]}}},
            {"account": "interest", "support": "reserve", "do": {"pay_interest": {"tranches": ["A"]}}},
            {"account": "interest", "support": "reserve", "do": {"pay_interest": {"tranches": ["B"]}}},
            {"account": "interest", "do": {"transfer": {"to": "reserve", "amount": "gap"}}},
            {"account": "interest", "do": "pay_residual"}
        ]))
}

#[test]
fn a_reserve_is_drawn_and_replenished() {
    let last = check_table(
        &with_reserve("5000", json!({"fixed": "5000"})).deal(),
        &[],
        "
        interest | fee  A.int  A.short  B.int  B.short  reserve  equity
        4000     | 100  3500   0        1500   0        3900     0
        5600     | 100  3500   0        1500   0        4400     0
        7000     | 100  3500   0        1500   0        5000     1300
        0        | 100  3500   0        1400   100      0        0
        0        | 0    0      3500     0      1600     0        0
        ",
    );
    assert_eq!(last.fee_arrears, [Cents(100_00)]);
    // 1% of the tranches before the payment, at least 8500: the excess flows through the interest waterfall.
    let percent = json!({"percent": {"percent": "1", "of": "tranches", "floor": "8500"}});
    check_table(
        &with_reserve("9000", percent).deal(),
        &[],
        "
        interest sched  | fee  A.int  A.prin  A.bal   B.int  reserve  equity
        7000     20000  | 100  3500   20000   680000  1500   9000     1900
        6000     100000 | 100  3400   100000  580000  1500   8800     1200
        4800     0      | 100  2900   0       580000  1500   8500     600
        ",
    );
}

#[test]
fn losses_are_written_down_and_recoveries_up() {
    // No equity: C bears the first loss. Its interest is 0.8% a month.
    let deal = mini_without_equity().set("/losses", json!("write_down"));
    let last = check_table(
        &deal.deal(),
        &[],
        "
        interest sched default recovered | A.int A.prin A.bal  B.int B.down B.up  B.bal  C.int C.down C.up  C.bal  equity
        6000     20000 30000   0         | 3500  20000  680000 1500  0      0     200000 800   30000  0     70000  100
        5600     10000 90000   0         | 3400  10000  670000 1500  20000  0     180000 560   70000  0     0      40
        4900     0     0       45000     | 3350  45000  625000 1350  0      20000 200000 0     0      25000 25000  100
        5000     0     0       200000    | 3125  200000 425000 1500  0      0     200000 200   0      75000 100000 75
        ",
    );
    assert!(last.tranches.iter().all(|t| t.written_down == Cents(0)));
}

#[test]
fn only_recoveries_write_balances_up() {
    // Excess interest pays A faster than the pool shrinks: that is cover for all, and restores no balance.
    let deal = mini_without_equity()
        .set("/losses", json!("write_down"))
        .set(
            "/waterfalls/interest/4",
            json!({"account": "interest", "do": {"pay_principal": {"tranches": ["A"]}}}),
        );
    check_table(
        &deal.deal(),
        &[],
        "
        interest default recovered | A.int   A.prin  A.bal     B.int C.int   C.down C.up  C.bal
        6000     30000   0         | 3500    100     699900    1500  800     29900  0     70100
        10000    0       0         | 3499.50 4339.70 695560.30 1500  560.80  0      0     70100
        0        0       1000      | 0       1000    694560.30 0     0       0      1000  71100
        ",
    );
}

#[test]
fn ledgers_are_filled_from_the_junior_and_cured_from_interest() {
    let deal = mini_without_equity().set(
        "/waterfalls/interest",
        json!([
            {"account": "interest", "do": {"pay_fee": {"fees": ["trustee"]}}},
            {"account": "interest", "do": {"pay_interest": {"tranches": ["A"]}}},
            {"account": "interest", "do": {"cure_deficiency": {"tranches": ["A"]}}},
            {"account": "interest", "do": {"pay_interest": {"tranches": ["B"]}}},
            {"account": "interest", "do": {"cure_deficiency": {"tranches": ["B"]}}},
            {"account": "interest", "do": {"pay_interest": {"tranches": ["C"]}}},
            {"account": "interest", "do": {"cure_deficiency": {"tranches": ["C"]}}},
            {"account": "interest", "do": "pay_residual"}
        ]),
    );
    // 2nd row: 129900 is not covered, 100000 of it C's. What interest cures is paid as principal.
    check_table(
        &deal.deal(),
        &[],
        "
        interest sched default recovered | A.int   A.prin   A.bal     B.int B.ledger C.int   C.short C.ledger C.bal  equity
        6000     20000 30000   0         | 3500    20100    679900    1500  0        800     0       29900    100000 0
        20000    0     100000  0         | 3399.50 15000.50 664899.50 1500  14899.50 0       800     100000   100000 0
        6000     0     0       20000     | 3324.49 20000    644899.50 1500  0        1075.51 524.49  94899.50 100000 0
        ",
    );
}

#[test]
fn principal_that_pays_interest_is_a_deficiency() {
    let interest = json!([
        {"account": "interest", "support": "principal", "do": {"pay_interest": {"tranches": ["A"]}}}
    ]);
    check_table(
        &mini_without_equity()
            .set("/waterfalls/interest", interest)
            .deal(),
        &[],
        "
        interest sched  | A.int  A.prin  A.bal   C.ledger
        1000     20000  | 3500   17500   682500  2500
        ",
    );
}

#[test]
fn unpaid_interest_is_carried_with_interest_or_lost() {
    // A compounds, B is carried without interest. 7017.50 * 0.5% = 35.0875, rounded down.
    check_table(
        &mini().deal(),
        &[],
        "
        interest | fee  A.int     A.short  B.int  B.short  equity
        2100     | 100  2000      1500     0      1500     0
        10000    | 100  5007.50   0        3000   0        1892.50
        0        | 0    0         3500     0      1500     0
        0        | 0    0         7017.50  0      3000     0
        20000    | 300  10552.58  0        4500   0        4647.42
        ",
    );
    check_table(
        &mini().set("/tranches/1/shortfall", json!("lost")).deal(),
        &[],
        "
        interest | fee  A.int  A.short  B.int  B.short  equity
        4000     | 100  3500   0        400    1100     0
        6000     | 100  3500   0        1500   0        900
        ",
    );
    // In proportion to what is due: 2900 * 3500 / 5000, and 4000 * 4977.35 / 7107.35 = 2801.2409...
    let both = json!([
        {"account": "interest", "do": {"pay_fee": {"fees": ["trustee"]}}},
        {"account": "interest", "do": {"pay_interest": {"tranches": ["A", "B"], "order": "pro_rata"}}}
    ]);
    check_table(
        &mini().set("/waterfalls/interest", both).deal(),
        &[],
        "
        interest | fee  A.int    A.short  B.int    B.short
        3000     | 100  2030     1470     870      630
        4100     | 100  2801.25  2176.10  1198.75  931.25
        ",
    );
}

#[test]
fn floating_coupons_have_a_cap_and_a_floor() {
    let coupon = json!({"floating": {"index": "SOFR", "margin": "1", "floor": "2", "cap": "6"}});
    let deal = mini()
        .set("/tranches/0/coupon", coupon)
        .set("/tranches/0/day_count", json!("ACT/360"))
        .set("/tranches/1/day_count", json!("ACT/365"));
    let sofr = |fixings: &[&str]| Index {
        name: "SOFR".into(),
        fixings: fixings.iter().map(|f| f.parse().unwrap()).collect(),
    };
    let indices = [sofr(&["4", "7", "-0.5", "1.123456"])];
    // Days: 31, 31, 28, 31. Rates of A: 5%, 6% (cap), 2% (floor), 2.123456%.
    let last = check_table(
        &deal.deal(),
        &indices,
        "
        interest | fee  A.int    B.int    equity
        7000     | 100  3013.88  1528.76  2357.36
        7000     | 100  3616.66  1528.76  1754.58
        7000     | 100  1088.88  1380.82  4430.30
        7000     | 100  1279.97  1528.76  4091.27
        ",
    );
    let missing = run_period(&deal.deal(), &last, &quiet(&last), &indices).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "index `SOFR`: has no fixing for period 5; add it"
    );
    let missing = run_period(&deal.deal(), &last, &quiet(&last), &[]).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "index `SOFR`: is not given; add its fixings"
    );
    let wrong = [sofr(&["4", "7", "-0.5", "1", "100.1"])];
    let wrong = run_period(&deal.deal(), &last, &quiet(&last), &wrong).unwrap_err();
    assert!(wrong.to_string().contains("the fixing 100.1 of period 5"));
    // Without a floor a rate is never below zero.
    let coupon = json!({"floating": {"index": "SOFR", "margin": "1"}});
    check_table(
        &mini().set("/tranches/0/coupon", coupon).deal(),
        &[sofr(&["-3", "9"])],
        "
        interest | fee  A.int    B.int  equity
        7000     | 100  0        1500   5400
        9000     | 100  5833.33  1500   1566.67
        ",
    );
}

#[test]
fn the_clean_up_call_pays_all() {
    let deal = mini_without_equity()
        .push("/accounts", json!({"name": "reserve", "opening": "5000"}))
        .set("/clean_up", json!({"below": "10", "waterfall": "clean-up"}))
        .set(
            "/waterfalls/clean-up",
            json!([
                {"account": "reserve", "do": {"transfer": {"to": "interest", "amount": "all"}}},
                {"account": "principal", "do": {"transfer": {"to": "interest", "amount": "all"}}},
                {"account": "interest", "do": {"pay_fee": {"fees": ["trustee"]}}},
                {"account": "interest", "do": {"pay_interest": {"tranches": ["A", "B", "C"]}}},
                {"account": "interest", "do": {"pay_principal": {"tranches": ["A", "B", "C"]}}},
                {"account": "interest", "do": "pay_residual"}
            ]),
        );
    let plan = deal.deal().plan().unwrap();
    let before = check_table(
        &deal.deal(),
        &[],
        "
        interest sched   prepaid | fee A.int A.prin  A.bal B.int B.prin  B.bal  C.int C.prin C.bal   reserve equity
        5900     890000  0       | 100 3500  700000  0     1500  190000  10000  800   0      100000  5000    0
        1000     0       20000   | 100 0     0       0     75    10000   0      800   10000  90000   5000    25
        ",
    );
    // 1000 is paid, and 89000 would be left: below 10% of a million.
    let ordinary = Collections {
        interest: Cents(500_00),
        scheduled_principal: Cents(1_000_00),
        balance_after: Cents(89_000_00),
        ..quiet(&before)
    };
    let (_, report) = run(&plan, &before, &ordinary, &[]).unwrap();
    assert!(report.can_call && !report.called);
    let collections = called(&plan, &ordinary).unwrap();
    let (after, report) = run(&plan, &before, &collections, &[]).unwrap();
    assert!(report.can_call && report.called);
    // 500 + 1000 + 89000 + 5000 = 100 (fee) + 720 (0.8% of 90000) + 90000 + 4680.
    assert_eq!(report.tranches[2].interest_paid, Cents(720_00));
    assert_eq!(report.tranches[2].principal_paid, Cents(90_000_00));
    assert_eq!(
        (report.fees[0].paid, report.equity),
        (Cents(100_00), Cents(4_680_00))
    );
    assert_eq!(
        (after.balances(), after.accounts),
        (vec![Cents(0); 3], vec![Cents(0); 3])
    );
    // Not below 10%: repurchases of everything are no call.
    let first = DealState::of(&plan);
    let all = Collections {
        scheduled_principal: Cents(900_000_00),
        repurchased: Cents(100_000_00),
        balance_after: Cents(0),
        ..quiet(&first)
    };
    assert_eq!(called(&plan, &all), None);
    let (_, report) = run(&plan, &first, &all, &[]).unwrap();
    assert!(!report.can_call && !report.called);
    assert_eq!(report.accounts[2].after, Cents(5_000_00));
}

#[test]
fn target_balances() {
    let part = |percent: &str| json!({"balance": {"percent": {"percent": percent, "of": "pool"}}});
    let deal = mini().set("/waterfalls/principal", json!([
        {"account": "principal", "do": {"pay_principal": {"tranches": ["A"], "until": part("60")}}},
        {"account": "principal", "do": {"pay_principal": {"tranches": ["B"], "until": part("25")}}},
        {"account": "principal", "do": "pay_residual"}
    ]));
    // 60% and 25% of the pool: 950000, 800000, 750000, 700000, 600000.
    check_table(
        &deal.deal(),
        &[],
        "
        interest sched   | fee A.int  A.prin  A.bal   B.int  B.prin  B.bal   equity
        5100     50000   | 100 3500   50000   650000  1500   0       200000  0
        4850     150000  | 100 3250   150000  500000  1500   0       200000  0
        4100     50000   | 100 2500   50000   450000  1500   0       200000  0
        3850     50000   | 100 2250   30000   420000  1500   20000   180000  0
        3550     100000  | 100 2100   60000   360000  1350   30000   150000  10000
        ",
    );
}

#[test]
fn turbo_until_overcollateralized() {
    // Excess interest pays principal until the pool is 103000 more than the tranches.
    let deal = mini()
        .set(
            "/waterfalls/interest",
            json!([
                {"account": "interest", "do": {"pay_fee": {"fees": ["trustee"]}}},
                {"account": "interest", "do": {"pay_interest": {"tranches": ["A", "B"]}}}
            ]),
        )
        .set(
            "/waterfalls/principal",
            json!([
                {"account": "principal", "do": {"pay_principal": {"tranches": ["A", "B"]}}},
                {"account": "interest", "do": {"pay_principal": {
                    "tranches": ["A", "B"], "until": {"overcollateralization": {"fixed": "103000"}}
                }}},
                {"account": "interest", "do": "pay_residual"}
            ]),
        );
    check_table(
        &deal.deal(),
        &[],
        "
        interest sched  | fee A.int    A.prin  A.bal   B.int  equity
        7000     50000  | 100 3500     51900   648100  1500   0
        6700     10000  | 100 3240.50  11100   637000  1500   759.50
        6700     0      | 100 3185     0       637000  1500   1915
        ",
    );
    // Without a stop, and only when coverage of interest is below 150%.
    let deal = mini()
        .set("/tests", json!([{
            "name": "IC", "measure": {"interest_coverage": {"tranches": ["A", "B"], "fees": ["trustee"]}},
            "passes": {"at_least": "150"}
        }]))
        .set("/waterfalls/interest", json!([
            {"account": "interest", "do": {"pay_fee": {"fees": ["trustee"]}}},
            {"account": "interest", "do": {"pay_interest": {"tranches": ["A", "B"]}}},
            {"account": "interest", "when": {"all": [{"failed": "IC"}]},
             "limit": {"fixed": "2000"}, "do": {"pay_principal": {"tranches": ["A", "B"]}}},
            {"account": "interest", "do": "pay_residual"}
        ]));
    // 7500 of 5000 is 150%; 7499.99 is not, and at most 2000 is paid; 5900 of 4990 is not.
    check_table(
        &deal.deal(),
        &[],
        "
        interest sched  | fee A.int    A.prin   A.bal   B.int  equity
        7600     0      | 100 3500     0        700000  1500   2500
        7599.99  0      | 100 3500     2000     698000  1500   499.99
        6000     0      | 100 3490     910      697090  1500   0
        ",
    );
}

#[test]
fn fees_are_a_part_of_the_pool_and_wait() {
    let deal = mini()
        .push("/fees", json!({"name": "servicer", "amount": {"percent_of_pool": {"percent": "0.5", "day_count": "ACT/360"}}}))
        .set("/waterfalls/interest", json!([
            {"account": "interest", "limit": {"fixed": "400"},
             "do": {"pay_fee": {"fees": ["trustee", "servicer"], "order": "pro_rata"}}}
        ]));
    // 0.5% of 1000000 over 31/360 of a year: 430.5555; of 900000: 387.50; of 900000 over 28/360: 350.
    // Shares of 400: 100 of 530.55 is 75.3934; 124.60 of 618.05 is 80.6407; 143.95 of 668.05 is 86.1911.
    let plan = deal.deal().plan().unwrap();
    let mut state = DealState::of(&plan);
    for (sched, paid, arrears) in [
        (100_000_00, [75_40, 324_60], [24_60, 105_95]),
        (0, [80_65, 319_35], [43_95, 174_10]),
        (0, [86_20, 313_80], [57_75, 210_30]),
    ] {
        let collections = Collections {
            interest: Cents(1_000_00),
            scheduled_principal: Cents(sched),
            balance_after: state.pool_balance - Cents(sched),
            ..quiet(&state)
        };
        let (next, report) = run(&plan, &state, &collections, &[]).unwrap();
        let found: Vec<Cents> = report.fees.iter().map(|f| f.paid).collect();
        assert_eq!(
            (found.as_slice(), next.fee_arrears.as_slice()),
            (&paid.map(Cents)[..], &arrears.map(Cents)[..])
        );
        state = next;
    }
    assert_eq!(state.accounts[0], Cents(1_800_00));
}

#[test]
fn targets_limits_and_stops_are_rounded_against_equity() {
    let percent = |percent: &str, of: &str| json!({"percent": {"percent": percent, "of": of}});
    let deal = with_reserve("0", percent("0.333333", "tranches")).set("/waterfalls/principal", json!([
        {"account": "principal", "do": {"pay_principal": {"tranches": ["A"], "until": {"balance": percent("73", "pool")}}}},
        {"account": "principal", "do": {"pay_principal": {
            "tranches": ["B"], "until": {"overcollateralization": percent("7", "pool")}
        }}},
        {"account": "principal", "limit": percent("0.001", "pool"), "do": {"pay_principal": {"tranches": ["B"]}}},
        {"account": "principal", "do": "pay_residual"}
    ]));
    // The reserve's 2999.997 up to 3000; of a pool of 950000.01: A down to 693500.0073, cut to 693500; then 66500.0007,
    // raised to 66500.01, beyond the tranches, which leaves them 883500; then at most 9.5000001, cut to 9.50.
    check_table(
        &deal.deal(),
        &[],
        "
        interest sched    | fee  A.int  B.int  reserve  A.prin  A.bal   B.prin    B.bal      equity
        10000    49999.99 | 100  3500   1500   3000     6500    693500  10009.50  189990.50  35390.49
        ",
    );
}
