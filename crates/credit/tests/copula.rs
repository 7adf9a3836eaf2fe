//! The copula against floating-point evaluations by other methods.

use credit::amortization::{Frequency, LoanState, Rule};
use credit::copula::{CERTAIN, DefaultTimes, Factor, quantile};
use credit::projection::{Schedule, life, project};
use credit::stress::{Defaults, Prepayments, Stress, WEIGHT_ONE, weights};
use fixed::{Decimal, Interval};
use records::units::Cents;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn middle(x: &Interval) -> f64 {
    x.middle().unwrap().to_string().parse().unwrap()
}

/// The normal distribution function: its series (Marsaglia 2004), and in the tail its continued fraction.
fn cdf(x: f64) -> f64 {
    let pdf = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x.abs() > 5.0 {
        let tail = pdf
            / (1..60)
                .rev()
                .fold(x.abs(), |sum, k| x.abs() + f64::from(k) / sum);
        return if x > 0.0 { 1.0 - tail } else { tail };
    }
    let (mut sum, mut term, mut i) = (x, x, 1.0);
    while sum + term != sum {
        i += 2.0;
        term *= x * x / i;
        sum += term;
    }
    0.5 + sum * pdf
}

/// Its inverse by bisection.
fn inverse(p: f64) -> f64 {
    let (mut lo, mut hi) = (-9.0, 9.0);
    for _ in 0..200 {
        let x = (lo + hi) / 2.0;
        if cdf(x) < p { lo = x } else { hi = x }
    }
    lo
}

#[test]
fn quantiles_invert_the_distribution() {
    for text in [
        "0.5",
        "0.025",
        "0.975",
        "0.0001",
        "0.9999",
        "0.000000000001",
    ] {
        let p = Interval::from_decimal(&decimal(text)).unwrap();
        let x = quantile(&p).unwrap();
        let back = x.normal_cdf();
        assert!(back.lo() <= p.lo() && p.hi() <= back.hi(), "{text}");
        assert!((back.width() as f64) < 30.0, "{text}: {}", back.width());
    }
    // Standard tables.
    let at = |text| middle(&quantile(&Interval::from_decimal(&decimal(text)).unwrap()).unwrap());
    assert!((at("0.975") - 1.959963984540054).abs() < 1e-14);
    assert!((at("0.001") + 3.090232306167813).abs() < 1e-13);
    assert!(at("0.5").abs() < 1e-15);
    for text in ["0", "1", "0.0000000000000001"] {
        assert!(quantile(&Interval::from_decimal(&decimal(text)).unwrap()).is_err());
    }
}

/// Months of defaults given the factor: the mean over the factor is what they were without it, and a worse
/// factor means more.
#[test]
fn conditional_months() {
    let rates: Vec<u64> = (0..60u64).map(|i| (i % 7) * 300_000_000).collect();
    let survives = |rates: &[u64]| {
        let left = |r: &u64| 1.0 - *r as f64 / WEIGHT_ONE as f64;
        rates
            .iter()
            .map(left)
            .scan(1.0, |s, l| {
                *s *= l;
                Some(*s)
            })
            .collect::<Vec<f64>>()
    };
    let c = decimal("0.2");
    let factor = Factor::steps(200, 6).unwrap();
    let plain = survives(&rates);
    let mut sum = [0.0; 60];
    let mut before = [-1.0; 60];
    for (value, weight) in &factor.points {
        let given = DefaultTimes::new(&rates).unwrap().given(value, &c).unwrap();
        let given = survives(&given);
        for t in 0..60 {
            let gone = 1.0 - plain[t];
            if gone > 1e-4 {
                let (root, own) = (0.2f64.sqrt(), 0.8f64.sqrt());
                let exact = 1.0 - cdf((inverse(gone) - root * middle(value)) / own);
                assert!(
                    (given[t] - exact).abs() < 2e-10,
                    "{t}: {} for {exact}",
                    given[t]
                );
            }
            assert!(given[t] >= before[t] - 1e-11);
            before[t] = given[t];
            sum[t] += given[t] * *weight as f64 / CERTAIN as f64;
        }
    }
    for t in 0..60 {
        assert!(
            (sum[t] - plain[t]).abs() < 1e-5,
            "{t}: {} for {}",
            sum[t],
            plain[t]
        );
    }
    // Without correlation nothing changes, but for the last digit.
    let same = DefaultTimes::new(&rates)
        .unwrap()
        .given(&factor.points[0].0, &Decimal::ZERO)
        .unwrap();
    for (a, b) in same.iter().zip(&rates) {
        assert!(a.abs_diff(*b) <= 2, "{a} {b}");
    }
    // Certain defaults stay certain, and none stay none.
    let ends = DefaultTimes::new(&[0, WEIGHT_ONE, 5])
        .unwrap()
        .given(&Interval::ONE, &c)
        .unwrap();
    assert_eq!(ends, [0, WEIGHT_ONE, 0]);
}

/// A pool's defaults over the factor: what is expected to default is what defaults without the factor,
/// prepayments included, and tranches of the loss have expected losses that add up.
#[test]
fn pools_over_the_factor() {
    let loan = |i: u64| {
        let (balance, term) = (10_000_000 + 77_777 * i, 60 + 30 * i as u16);
        LoanState::new(
            Cents(balance),
            65_000,
            term,
            Frequency::Monthly,
            Rule::LevelPay,
        )
        .unwrap()
    };
    let loans: Vec<LoanState> = (0..10).map(loan).collect();
    let schedule = Schedule::of_pool(&loans, 90).unwrap();
    let months = schedule.rows.len();
    let stress = Stress {
        defaults: Defaults::Cdr(vec![decimal("2")]),
        prepayments: Prepayments::Psa(decimal("150")),
        severity: decimal("45"),
        recovery_lag: 12,
        age: 10,
        delinquency: None,
    };
    let severity = stress.severity_units().unwrap();
    let (plain, prepaid) = (
        stress.default_rates(months).unwrap(),
        stress.prepayment_rates(months).unwrap(),
    );
    let lost = |rates: &[u64]| {
        let rows = project(&schedule, &weights(rates, &prepaid), severity, 12).unwrap();
        let all = life(&rows).unwrap();
        (all.defaulted - all.recoveries).0
    };
    let factor = Factor::steps(60, 6).unwrap();
    let given = |(value, _): &(Interval, u64)| {
        lost(
            &DefaultTimes::new(&plain)
                .unwrap()
                .given(value, &decimal("0.2"))
                .unwrap(),
        )
    };
    let losses: Vec<u64> = factor.points.iter().map(given).collect();
    assert!(losses.windows(2).all(|pair| pair[0] + 1 >= pair[1]));
    let mean = |(a, d): (u64, u64)| {
        let borne: Vec<u64> = losses.iter().map(|l| (*l).clamp(a, d) - a).collect();
        factor.mean(&borne).unwrap()
    };
    let all = mean((0, schedule.balance.0));
    let cuts = [
        0,
        schedule.balance.0 / 20,
        schedule.balance.0 / 8,
        schedule.balance.0,
    ];
    let tranches: u128 = cuts.windows(2).map(|w| mean((w[0], w[1]))).sum();
    assert_eq!(tranches, all);
    let expected = all as f64 / CERTAIN as f64;
    assert!((expected - lost(&plain) as f64).abs() < 5.0, "{expected}");
}

#[test]
fn weights_add_up() {
    for factor in [Factor::steps(1, 1).unwrap(), Factor::steps(97, 5).unwrap()] {
        let total: u64 = factor.points.iter().map(|(_, w)| w).sum();
        assert_eq!(total, CERTAIN);
        let ones = vec![1; factor.points.len()];
        assert_eq!(factor.mean(&ones).unwrap(), CERTAIN.into());
        assert!(factor.points.windows(2).all(|w| w[0].0.hi() < w[1].0.lo()));
    }
    assert!(Factor::steps(0, 6).is_err());
    assert!(Factor::steps(10, 10).is_err());
}
