//! Stresses against the published conventions, and projections against the standard formulas in floats.

use credit::amortization::{Frequency, LoanState, Rule};
use credit::collections::Collections;
use credit::projection::{Schedule, ScheduleRow, life, project};
use credit::stress::{
    Defaults, Prepayments, Stress, StressError, WEIGHT_ONE, annual, monthly, psa, sda,
};
use fixed::{Decimal, Interval};
use proptest::prelude::*;
use records::units::Cents;

/// What loans are expected to bring in under a stress.
fn project_pool(
    loans: &[LoanState],
    stress: &Stress,
    doubtful_days: u16,
) -> Result<Vec<Collections>, StressError> {
    let schedule = Schedule::of_pool(loans, doubtful_days)?;
    let weights = stress.months(schedule.rows.len())?;
    let severity = stress.severity_units()?;
    project(&schedule, &weights, severity, stress.recovery_lag)
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn number(d: &Decimal) -> f64 {
    d.to_string().parse().unwrap()
}

fn middle(x: &Interval) -> f64 {
    number(&x.middle().unwrap())
}

fn stress(defaults: Defaults, prepayments: Prepayments, severity: i128, lag: u16) -> Stress {
    Stress {
        defaults,
        prepayments,
        severity: Decimal::from_int(severity),
        recovery_lag: lag,
        age: 0,
        delinquency: None,
    }
}

fn calm() -> Stress {
    stress(
        Defaults::Cdr(vec![Decimal::ZERO]),
        Prepayments::Cpr(vec![Decimal::ZERO]),
        40,
        6,
    )
}

fn level(balance: u64, rate: u32, term: u16) -> LoanState {
    LoanState::new(
        Cents(balance),
        rate,
        term,
        Frequency::Monthly,
        Rule::LevelPay,
    )
    .unwrap()
}

fn holds(rows: &[Collections]) {
    for c in rows {
        let gone = c.scheduled_principal + c.prepaid_principal + c.defaulted + c.repurchased;
        assert_eq!(c.balance_before, c.balance_after + gone, "{c:?}");
    }
    for pair in rows.windows(2) {
        assert_eq!(pair[0].balance_after, pair[1].balance_before);
    }
}

fn loss(rows: &[Collections]) -> u64 {
    let all = life(rows).unwrap();
    (all.defaulted - all.recoveries).0
}

/// Published: 6% CPR is 0.514301% SMM, and back.
#[test]
fn annual_and_monthly() {
    let smm = monthly(&decimal("6")).unwrap();
    assert!((middle(&smm) * 100.0 - 0.514301).abs() < 5e-7);
    for text in ["0.0001", "0.2", "6", "10", "33.3333", "50", "99", "99.9999"] {
        let cpr = decimal(text);
        let smm = monthly(&cpr).unwrap();
        let exact = -((-number(&cpr) / 100.0).ln_1p() / 12.0).exp_m1();
        assert!((middle(&smm) - exact).abs() < 1e-12, "{text}");
        // The stated width: 10^-12, and far less for rates that are met.
        assert!(
            smm.width() as f64 / 2f64.powi(56) < 1e-12,
            "{text}: {}",
            smm.width()
        );
        assert!(
            number(&cpr) > 50.0 || smm.width() < 16,
            "{text}: {}",
            smm.width()
        );
        let back = annual(&smm).unwrap();
        let hundredth = cpr.checked_mul(&decimal("0.01")).unwrap();
        assert!(back.contains(&hundredth).unwrap(), "{text}");
    }
    assert_eq!(monthly(&Decimal::ZERO).unwrap().lo(), 0);
    assert_eq!(monthly(&decimal("100")).unwrap(), Interval::ONE);
    assert!(monthly(&decimal("100.1")).is_err() && monthly(&decimal("-1")).is_err());

    // Defaults are rounded up, prepayments down.
    let same = stress(
        Defaults::Cdr(vec![decimal("6")]),
        Prepayments::Cpr(vec![decimal("6")]),
        0,
        0,
    );
    let (up, down) = (
        same.default_rates(1).unwrap()[0],
        same.prepayment_rates(1).unwrap()[0],
    );
    assert_eq!(up, down + 1);
    assert_eq!(down / 1_000_000, 5_143);
}

/// The ramps at the months that define them.
#[test]
fn ramps() {
    for (month, rate) in [
        (1, "0.2"),
        (2, "0.4"),
        (29, "5.8"),
        (30, "6"),
        (31, "6"),
        (360, "6"),
    ] {
        assert_eq!(psa(month), decimal(rate), "{month}");
    }
    for (month, rate) in [
        (1, "0.02"),
        (29, "0.58"),
        (30, "0.6"),
        (60, "0.6"),
        (61, "0.5905"),
        (90, "0.315"),
        (119, "0.0395"),
        (120, "0.03"),
        (121, "0.03"),
        (360, "0.03"),
    ] {
        assert_eq!(sda(month), decimal(rate), "{month}");
    }
    // 150% PSA is 9% from month 30 on: 0.782842% a month; 165% in month 5 is 1.65%.
    let fast = |age| Stress {
        age,
        prepayments: Prepayments::Psa(decimal("150")),
        ..calm()
    };
    let rates = fast(0).prepayment_rates(40).unwrap();
    let smm = |cpr: &str| monthly(&decimal(cpr)).unwrap().floor_at(12).unwrap() as u64;
    assert_eq!(
        (rates[0], rates[29], rates[39]),
        (smm("0.3"), smm("9"), smm("9"))
    );
    assert_eq!(rates[29] / 10_000, 782_842);
    assert_eq!(fast(29).prepayment_rates(11).unwrap(), rates[29..]);
    // No ramp goes beyond everything.
    let all = Stress {
        prepayments: Prepayments::Psa(decimal("100000")),
        ..calm()
    };
    assert_eq!(all.prepayment_rates(30).unwrap()[29], WEIGHT_ONE);
    let defaults = Stress {
        defaults: Defaults::Sda(decimal("200")),
        ..calm()
    };
    let twice = monthly(&decimal("1.2")).unwrap().ceil_at(12).unwrap() as u64;
    assert_eq!(defaults.default_rates(45).unwrap()[44], twice);
}

/// Fabozzi's passthrough (Bond Markets, Analysis and Strategies; the exhibit "Monthly cash flow for a $400
/// million passthrough"): WAC 8.125%, WAM 357 months, 100% PSA; in month 1 a payment of 2,975,868, 267,535 of
/// it principal, and 267,470 prepaid.
#[test]
fn published_cash_flow() {
    let pool = [level(40_000_000_000, 81_250, 357)];
    assert_eq!((pool[0].instalment.0 + 50) / 100, 2_975_868);
    let stress = Stress {
        age: 3,
        prepayments: Prepayments::Psa(decimal("100")),
        ..calm()
    };
    let rows = project_pool(&pool, &stress, 90).unwrap();
    holds(&rows);
    assert_eq!((rows[0].scheduled_principal.0 + 50) / 100, 267_535);
    assert_eq!((rows[0].prepaid_principal.0 + 50) / 100, 267_470);
    assert_eq!(loss(&rows), 0);
}

/// A level-pay loan under defaults and prepayments by the standard formulas in floats.
#[test]
fn projection_in_floats() {
    let (balance, rate, term) = (25_000_000u64, 52_500u32, 240u16);
    let (cdr, cpr, severity, lag) = (0.03, 0.11, 0.35, 9);
    let stress = stress(
        Defaults::Cdr(vec![decimal("3")]),
        Prepayments::Cpr(vec![decimal("11")]),
        35,
        lag,
    );
    let rows = project_pool(&[level(balance, rate, term)], &stress, 90).unwrap();
    holds(&rows);
    assert_eq!(rows.len(), usize::from(term + lag));
    let part = |year: f64| 1.0 - (1.0 - year).powf(1.0 / 12.0);
    let (mdr, smm, r) = (part(cdr), part(cpr), f64::from(rate) / 12e6);
    let mut left = balance as f64;
    let mut lost = Vec::new();
    for (t, row) in rows.iter().enumerate() {
        let remaining = i32::from(term) - t as i32;
        let defaulted = left * mdr;
        lost.push(defaulted);
        let pays = left - defaulted;
        let scheduled = if remaining > 0 {
            pays * r / ((1.0 + r).powi(remaining) - 1.0)
        } else {
            0.0
        };
        let prepaid = (pays - scheduled) * smm;
        let recovered = if t >= lag.into() {
            lost[t - usize::from(lag)] * (1.0 - severity)
        } else {
            0.0
        };
        let close = |ours: u64, exact: f64, what: &str| {
            // The integer instalment is up to a cent above the exact one, which adds up over the life.
            assert!(
                (ours as f64 - exact).abs() < 150.0,
                "{t} {what}: {ours} for {exact}"
            );
        };
        close(row.interest.0, pays * r, "interest");
        close(row.scheduled_principal.0, scheduled, "scheduled");
        close(row.prepaid_principal.0, prepaid, "prepaid");
        close(row.defaulted.0, defaulted, "defaulted");
        close(row.recoveries.0, recovered, "recovered");
        left = pays - scheduled - prepaid;
        close(row.balance_after.0, left, "balance");
    }
    let exact: f64 = lost.iter().sum::<f64>() * severity;
    assert!((loss(&rows) as f64 - exact).abs() < 100.0);
}

/// Without stress, loans pay as scheduled, which is also what rolling them gives.
#[test]
fn no_stress_is_the_schedule() {
    let loans = [
        level(25_000_000, 36_250, 171),
        level(1, 99_999, 3),
        LoanState::new(
            Cents(7_654_321),
            81_000,
            61,
            Frequency::Quarterly,
            Rule::LevelPay,
        )
        .unwrap(),
        LoanState::new(
            Cents(5_000_000),
            45_000,
            24,
            Frequency::Semiannual,
            Rule::InterestOnly,
        )
        .unwrap(),
        LoanState::new(Cents(900_000), 0, 2, Frequency::Once, Rule::ZeroCoupon).unwrap(),
        LoanState::new(Cents(900_000), 120_000, 30, Frequency::Once, Rule::Bullet).unwrap(),
    ];
    let schedule = Schedule::of_pool(&loans, 90).unwrap();
    let rows = project_pool(&loans, &calm(), 90).unwrap();
    holds(&rows);
    let mut rolled = loans.to_vec();
    for (t, row) in rows.iter().enumerate() {
        let events: Vec<_> = rolled.iter().map(LoanState::as_scheduled).collect();
        let (next, sum) = credit::amortization::roll_pool(&rolled, &events).unwrap();
        assert_eq!(*row, sum, "{t}");
        if let Some(planned) = schedule.rows.get(t) {
            let paid = ScheduleRow {
                interest: sum.interest,
                principal: sum.scheduled_principal,
                balance: sum.balance_after,
            };
            assert_eq!(*planned, paid);
        }
        rolled = next;
    }
    assert_eq!(rows.len(), 171 + 6);
    assert_eq!(loss(&rows), 0);
}

#[test]
fn doubtful_loans_default_at_once() {
    let good = level(10_000_000, 50_000, 120);
    let matured = LoanState {
        term: 0,
        ..level(500_000, 50_000, 10)
    };
    let mut gone = level(700_000, 50_000, 10);
    gone = gone.roll(credit::amortization::Event::Default).unwrap().0;
    let pool = [good, good.past_due(89), good.past_due(90), matured, gone];
    let schedule = Schedule::of_pool(&pool, 90).unwrap();
    assert_eq!(
        (schedule.balance, schedule.doubtful),
        (Cents(20_000_000), Cents(10_500_000))
    );
    let rows = project_pool(&pool, &calm(), 90).unwrap();
    holds(&rows);
    assert_eq!(
        (rows[0].balance_before, rows[0].defaulted),
        (Cents(30_500_000), Cents(10_500_000))
    );
    assert_eq!(rows[6].recoveries, Cents(6_300_000));
    // Nothing but doubtful loans, and nothing at all.
    let rows = project_pool(&[matured], &calm(), 90).unwrap();
    assert_eq!(
        (rows.len(), rows[0].balance_after, rows[6].recoveries),
        (7, Cents(0), Cents(300_000))
    );
    let none = project_pool(&[], &calm(), 90).unwrap();
    assert!(none.iter().all(|r| *r == Collections::default()));
}

#[test]
fn everything_defaults_or_prepays() {
    let pool = [level(10_000_000, 50_000, 120)];
    let all = decimal("100");
    let dead = stress(
        Defaults::Cdr(vec![all]),
        Prepayments::Cpr(vec![all]),
        100,
        0,
    );
    let rows = project_pool(&pool, &dead, 90).unwrap();
    assert_eq!(
        (rows[0].defaulted, rows[0].interest, loss(&rows)),
        (Cents(10_000_000), Cents(0), 10_000_000)
    );
    let free = Stress {
        defaults: Defaults::Mdr(vec![Decimal::ZERO]),
        ..dead.clone()
    };
    let rows = project_pool(&pool, &free, 90).unwrap();
    assert_eq!((rows[0].balance_after, loss(&rows)), (Cents(0), 0));
    let saved = Stress {
        severity: Decimal::ZERO,
        recovery_lag: 0,
        ..dead
    };
    let rows = project_pool(&pool, &saved, 90).unwrap();
    assert_eq!((rows[0].recoveries, loss(&rows)), (Cents(10_000_000), 0));
}

#[test]
fn wrong_stresses() {
    let wrong = [
        Stress {
            defaults: Defaults::Cdr(vec![]),
            ..calm()
        },
        Stress {
            defaults: Defaults::Cdr(vec![decimal("101")]),
            ..calm()
        },
        Stress {
            defaults: Defaults::Mdr(vec![decimal("-1")]),
            ..calm()
        },
        Stress {
            prepayments: Prepayments::Smm(vec![Decimal::ZERO; 601]),
            ..calm()
        },
        Stress {
            severity: decimal("100.5"),
            ..calm()
        },
        Stress {
            severity: decimal("33.33333"),
            ..calm()
        },
        Stress {
            recovery_lag: 121,
            ..calm()
        },
    ];
    for stress in wrong {
        assert!(stress.months(3).is_err(), "{stress:?}");
    }
    let error = Stress {
        severity: decimal("101"),
        ..calm()
    }
    .validate()
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`severity`: 101 is not from 0 to 100 percent"
    );
    let schedule = Schedule::of_pool(&[level(100, 0, 3)], 90).unwrap();
    let few = calm().months(2).unwrap();
    assert!(matches!(
        project(&schedule, &few, 0, 0),
        Err(StressError::Roll(_))
    ));
    let text = r#"{"defaults": {"sda": "200"}, "prepayments": {"cpr": ["5", "6.5"]}, "severity": "40", "recovery_lag": 12}"#;
    let read: Stress = serde_json::from_str(text).unwrap();
    assert_eq!(
        read.scaled(&decimal("1.5")).unwrap().defaults,
        Defaults::Sda(decimal("300"))
    );
    assert!(read.scaled(&decimal("-1")).is_err());
    let vector = Stress {
        defaults: Defaults::Cdr(vec![decimal("30"), decimal("40")]),
        ..read
    };
    let scaled = vector.scaled(&decimal("2.75")).unwrap().defaults;
    assert_eq!(scaled, Defaults::Cdr(vec![decimal("82.5"), decimal("100")]));
}

fn any_loans() -> impl Strategy<Value = Vec<LoanState>> {
    let frequency = prop_oneof![
        4 => Just(Frequency::Monthly),
        1 => Just(Frequency::Quarterly),
        1 => Just(Frequency::Once),
    ];
    let rule = prop_oneof![
        4 => Just(Rule::LevelPay),
        1 => Just(Rule::InterestOnly),
        1 => Just(Rule::Bullet),
        1 => Just(Rule::ZeroCoupon),
    ];
    let one = (
        1u64..50_000_000,
        0u32..250_000,
        1u16..361,
        frequency,
        rule,
        0u16..120,
    )
        .prop_map(|(b, r, t, f, rule, days)| {
            let loan = LoanState::new(Cents(b), r, t, f, rule).unwrap();
            if days > 30 { loan.past_due(days) } else { loan }
        });
    prop::collection::vec(one, 1..12)
}

fn any_stress() -> impl Strategy<Value = Stress> {
    let rates = || prop::collection::vec((0i128..=600_000).prop_map(|r| Decimal::new(r, 4)), 1..30);
    let small = || prop::collection::vec((0i128..=50_000).prop_map(|r| Decimal::new(r, 4)), 1..30);
    let ramp = || (0i128..3_000).prop_map(Decimal::from_int);
    let defaults = prop_oneof![
        rates().prop_map(Defaults::Cdr),
        small().prop_map(Defaults::Mdr),
        ramp().prop_map(Defaults::Sda),
    ];
    let prepayments = prop_oneof![
        rates().prop_map(Prepayments::Cpr),
        small().prop_map(Prepayments::Smm),
        ramp().prop_map(Prepayments::Psa),
    ];
    (defaults, prepayments, 0i128..=1_000_000, 0u16..25, 0u16..60).prop_map(
        |(defaults, prepayments, severity, recovery_lag, age)| Stress {
            defaults,
            prepayments,
            severity: Decimal::new(severity, 4),
            recovery_lag,
            age,
            delinquency: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Principal and defaults add up to the initial balance, and what is lost is the defaults' severity, and
    /// less than two cents more.
    #[test]
    fn projections_conserve(loans in any_loans(), stress in any_stress()) {
        let rows = project_pool(&loans, &stress, 90).unwrap();
        holds(&rows);
        let all = life(&rows).unwrap();
        let initial: Cents = loans.iter().map(LoanState::pool_balance).sum();
        prop_assert_eq!(all.balance_before, initial);
        prop_assert_eq!(all.balance_after, Cents(0));
        prop_assert_eq!(all.scheduled_principal + all.prepaid_principal + all.defaulted, initial);
        let severity = number(&stress.severity) / 100.0;
        let lost = (all.defaulted - all.recoveries).0 as f64;
        let exact = all.defaulted.0 as f64 * severity;
        prop_assert!(lost > exact - 0.01 && lost < exact + 2.0, "{lost} {exact}");
    }

    /// Weights split exactly, and follow the monthly rates.
    #[test]
    fn weights_split(stress in any_stress()) {
        let months = stress.months(360).unwrap();
        let (mdr, smm) = (stress.default_rates(360).unwrap(), stress.prepayment_rates(360).unwrap());
        let mut start = WEIGHT_ONE;
        for (t, m) in months.iter().enumerate() {
            prop_assert_eq!(m.start, start);
            prop_assert_eq!(m.start, m.default + m.pay);
            prop_assert_eq!(m.pay, m.prepay + m.end);
            let one = u128::from(WEIGHT_ONE);
            let exact = u128::from(m.start) * u128::from(mdr[t]);
            prop_assert!(u128::from(m.default) * one >= exact && u128::from(m.default) * one < exact + one);
            let exact = u128::from(m.pay) * u128::from(smm[t]);
            prop_assert!(u128::from(m.prepay) * one <= exact && u128::from(m.prepay) * one + one > exact);
            start = m.end;
        }
    }

    /// A pool is the sum of its loans but for rounding: at most two cents a loan and flow, and never to the
    /// investor's gain.
    #[test]
    fn pools_are_sums(loans in any_loans(), stress in any_stress()) {
        let pool = life(&project_pool(&loans, &stress, 90).unwrap()).unwrap();
        let mut sum = Collections::default();
        for loan in &loans {
            let rows = project_pool(std::slice::from_ref(loan), &stress, 90).unwrap();
            credit::amortization::add(&mut sum, &life(&rows).unwrap()).unwrap();
        }
        let n = 2 * loans.len() as u64;
        prop_assert!(sum.interest <= pool.interest && pool.interest <= sum.interest + Cents(n));
        prop_assert!(sum.defaulted >= pool.defaulted && sum.defaulted <= pool.defaulted + Cents(n));
        prop_assert!(sum.recoveries <= pool.recoveries + Cents(n) && pool.recoveries <= sum.recoveries + Cents(n));
        prop_assert!(sum.scheduled_principal.0.abs_diff(pool.scheduled_principal.0) <= n);
    }

    /// More defaults, or more lost of each, never lose less; the multiple one changes nothing.
    #[test]
    fn losses_rise(loans in any_loans(), stress in any_stress(), more in 10_100i128..40_000, worse in 0i128..1_000_000) {
        let base = loss(&project_pool(&loans, &stress, 90).unwrap());
        let same = stress.scaled(&Decimal::ONE).unwrap();
        prop_assert_eq!(base, loss(&project_pool(&loans, &same, 90).unwrap()));
        let scaled = stress.scaled(&Decimal::new(more, 4)).unwrap();
        let lost = loss(&project_pool(&loans, &scaled, 90).unwrap());
        // Weights are rounded at the twelfth decimal.
        prop_assert!(lost + 2 >= base, "{lost} {base}");
        let severity = stress.severity.max(Decimal::new(worse, 4));
        let severe = Stress { severity, ..stress };
        prop_assert!(loss(&project_pool(&loans, &severe, 90).unwrap()) >= base);
    }
}
