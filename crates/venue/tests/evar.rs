//! Entropic value at risk against independent values, and its properties.

#[path = "../../records/tests/common/mod.rs"]
mod common;

use fixed::{Decimal, FRACTION_BITS, Interval};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use venue::certificate::{Certificate, Gains, budget, least, slack, tail_octaves};
use venue::evar::{Confidence, Evar, EvarError, Losses, cvar, evar, var};

fn confidence(percent: i128) -> Confidence {
    Decimal::new(percent, 2).try_into().unwrap()
}

/// The middle of an enclosure in units of `10^-decimals`, for comparison with printed values.
fn middle(value: &Interval, unit: f64) -> f64 {
    (value.lo() + (value.hi() - value.lo()) / 2) as f64 / 2f64.powi(FRACTION_BITS as i32) * unit
}

fn assert_close(value: &Interval, unit: f64, expected: f64, tolerance: f64) {
    let found = middle(value, unit);
    assert!(
        (found / expected - 1.0).abs() <= tolerance,
        "{found} instead of {expected}"
    );
}

/// Daily losses of the stocks in `stock-prices.csv`, in 10^-15, by an exact division rounded once.
fn stock_losses() -> Option<(Vec<String>, Vec<Vec<i64>>)> {
    let path = common::data("stock-prices.csv")?;
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .skip(1)
        .map(str::to_string)
        .collect();
    let rows: Vec<Vec<Decimal>> = reader
        .records()
        .map(|r| {
            r.unwrap()
                .iter()
                .skip(1)
                .map(|x| x.parse().unwrap())
                .collect()
        })
        .collect();
    let losses = (0..names.len())
        .map(|i| {
            rows.windows(2)
                .map(|w| {
                    let change = w[0][i].checked_sub(&w[1][i]).unwrap();
                    let loss = change.div(&w[0][i], 15, fixed::Rounding::HalfEven).unwrap();
                    loss.units() as i64
                })
                .collect()
        })
        .collect();
    Some((names, losses))
}

#[test]
fn stocks_have_the_published_evar() {
    let Some((names, losses)) = stock_losses() else {
        return;
    };
    let expected = [
        ("AMZN", 0.0539099986, 0.0685716272),
        ("APA", 0.0800069180, 0.1032755769),
        ("JPM", 0.0420802843, 0.0555087521),
        ("MMC", 0.0302083617, 0.0384066021),
    ];
    for (name, at_95, at_99) in expected {
        let i = names.iter().position(|n| n == name).unwrap();
        for (percent, expected) in [(95, at_95), (99, at_99)] {
            let found = evar(&losses[i], confidence(percent)).unwrap();
            // The published values have ten decimals: 2e-9 relative at most.
            assert_close(&found.value, 1e-15, expected, 5e-11 / expected + 1e-12);
            assert!(
                found.value.width() < (1i128 << FRACTION_BITS) * 1000,
                "{name}"
            );
        }
    }
    let n = losses.len() as i64;
    let mean: Vec<i64> = (0..losses[0].len())
        .map(|t| losses.iter().map(|l| l[t]).sum::<i64>() / n)
        .collect();
    for (percent, expected) in [(95, 0.0272921390), (99, 0.0341447208)] {
        let found = evar(&mean, confidence(percent)).unwrap();
        assert_close(&found.value, 1e-15, expected, 5e-11 / expected + 1e-12);
    }
}

/// Midpoints of `n` equally likely slices of a distribution, in 10^-12.
fn quantiles(n: u32, quantile: impl Fn(f64) -> f64) -> Vec<i64> {
    (0..n)
        .map(|i| (quantile((f64::from(i) + 0.5) / f64::from(n)) * 1e12).round() as i64)
        .collect()
}

/// An independent solver in floating point: golden section over ln z.
fn golden_section(losses: &[f64], alpha: f64) -> f64 {
    let most = losses.iter().copied().fold(f64::MIN, f64::max);
    let value = |log_z: f64| {
        let z = log_z.exp();
        let mean = losses.iter().map(|x| (z * (x - most)).exp()).sum::<f64>() / losses.len() as f64;
        most + (mean / alpha).ln() / z
    };
    let (mut a, mut b) = (-12f64, 12f64);
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    while b - a > 1e-9 {
        let (c, d) = (b - ratio * (b - a), a + ratio * (b - a));
        if value(c) < value(d) {
            b = d;
        } else {
            a = c;
        }
    }
    value((a + b) / 2.0)
}

/// The standard normal quantile by bisection of the distribution function.
fn normal_quantile(u: f64) -> f64 {
    if u > 0.5 {
        return -normal_quantile(1.0 - u);
    }
    let (mut lo, mut hi) = (-9f64, 0f64);
    for _ in 0..60 {
        let middle = (lo + hi) / 2.0;
        let x = Interval::from_ends(
            (middle * 2f64.powi(56)) as i128,
            (middle * 2f64.powi(56)) as i128,
        );
        if (x.unwrap().normal_cdf().lo() as f64) < u * 2f64.powi(56) {
            lo = middle;
        } else {
            hi = middle;
        }
    }
    lo
}

/// Closed forms, reached through grids of `n` equally likely slices. A grid ends where the distribution goes on, so
/// its EVaR is below the true one. What is cut off weighs `exp(z x)`, and the error falls as `1/n^2` for a uniform
/// loss, about as `1/n^0.55` for a normal one at 95% and only as `n^(z - 1)`, `z = 0.83` or `0.87`, for an
/// exponential one. On the grid itself the value agrees with an independent solver to 10^-9.
#[test]
fn closed_forms_are_reached_through_quantile_grids() {
    type Quantile = fn(f64) -> f64;
    let exponential: Quantile = |u| -(-u).ln_1p();
    let cases: [(&str, Quantile, i128, f64, f64); 5] = [
        ("uniform", |u| u, 50, 0.815172, 1e-6),
        ("normal", normal_quantile, 95, 2.4477468307, 3e-3),
        ("normal", normal_quantile, 99, 3.0348542588, 2e-2),
        ("exponential", exponential, 95, 5.7438645, 5e-2),
        ("exponential", exponential, 99, 7.6383521, 0.07),
    ];
    for (name, quantile, percent, expected, tolerance) in cases {
        let error = |n: u32| {
            let losses = quantiles(n, quantile);
            let found = evar(&losses, confidence(percent)).unwrap().value;
            let floats: Vec<f64> = losses.iter().map(|&x| x as f64 * 1e-12).collect();
            let other = golden_section(&floats, 1.0 - percent as f64 / 100.0);
            assert_close(&found, 1e-12, other, 1e-9);
            expected - middle(&found, 1e-12)
        };
        let (coarse, fine) = (error(1 << 12), error(1 << 16));
        eprintln!(
            "{name} {percent}%: the grid's error is {coarse:.2e} at 2^12, {fine:.2e} at 2^16"
        );
        assert!(
            fine.abs() < tolerance * expected,
            "{name} {percent}: {fine}"
        );
        assert!(
            fine.abs() <= coarse.abs().max(1e-6),
            "{name} {percent}: {coarse} {fine}"
        );
    }
}

#[test]
fn a_dominating_scenario_is_the_evar() {
    let mut losses = vec![0i64; 100];
    losses[3] = 1000;
    // One of a hundred is the whole tail at 99%, and more than that at 99.5%.
    for percent in [9900, 9950, 9999] {
        let confidence: Confidence = Decimal::new(percent, 4).try_into().unwrap();
        let found = evar(&losses, confidence).unwrap();
        assert_eq!(found.value, Interval::from_int(1000));
        assert_eq!(found.scale, Interval::ZERO);
    }
    let found = evar(&losses, confidence(98)).unwrap();
    assert!(found.value.hi() < 1000i128 << FRACTION_BITS);
    assert_eq!(
        evar(&[7; 5], confidence(95)).unwrap().value,
        Interval::from_int(7)
    );
    assert!(matches!(evar(&[], confidence(95)), Err(EvarError::Empty)));
    assert!(matches!(
        evar(&[i64::MIN / 2, i64::MAX / 2], confidence(95)),
        Err(EvarError::Range)
    ));
    for wrong in ["0.4", "1", "0.9999999", "-1", "1.5"] {
        let decimal: Decimal = wrong.parse().unwrap();
        assert!(Confidence::try_from(decimal).is_err(), "{wrong}");
    }
}

/// VaR and CVaR by hand.
#[test]
fn var_and_cvar_of_ten_losses() {
    let losses: Vec<i64> = (1..=10).collect();
    assert_eq!(var(&losses, confidence(90)).unwrap(), 9);
    assert_eq!(var(&losses, confidence(80)).unwrap(), 8);
    // The worst fifth: (10 + 9) / 2; the worst quarter: (10 + 9 + 8 / 2) / 2.5 = 9.2.
    assert_close(&cvar(&losses, confidence(80)).unwrap(), 1.0, 9.5, 1e-15);
    assert_close(&cvar(&losses, confidence(75)).unwrap(), 1.0, 9.2, 1e-15);
}

/// The gradient by the tilt's weights against finite differences.
#[test]
fn the_tilt_is_the_gradient() {
    let losses: Vec<i64> = (0..200)
        .map(|i| (i * i * 37) % 10_007 * 1_000_000)
        .collect();
    let other: Vec<i64> = (0..200).map(|i| (i * 91) % 997 * 10_000_000).collect();
    let value = |h: i64| {
        let moved: Vec<i64> = losses
            .iter()
            .zip(&other)
            .map(|(x, y)| x + h * (y / 1000))
            .collect();
        evar(&moved, confidence(95)).unwrap()
    };
    let Evar { weights, .. } = value(0);
    let total: f64 = weights.iter().map(|w| *w as f64).sum();
    let tilted: f64 = weights
        .iter()
        .zip(&other)
        .map(|(w, y)| *w as f64 * (y / 1000) as f64)
        .sum::<f64>()
        / total;
    let difference = middle(&value(1).value, 1.0) - middle(&value(-1).value, 1.0);
    assert!(
        (difference / 2.0 / tilted - 1.0).abs() < 1e-4,
        "{difference} {tilted}"
    );
}

/// Losses of a kind that makes solvers stumble: few or many, tied or not, next to each other or far apart, tiny or huge,
/// equally likely or not.
fn odd_losses(seed: u64) -> (Vec<i64>, Vec<u64>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = match rng.random_range(0..8) {
        0 => rng.random_range(1..4),
        7 => rng.random_range(100..400),
        _ => rng.random_range(4..60),
    };
    let least = [0, 1, 1_000_000, 123_456_789_012, 1 << 55][rng.random_range(0..5)];
    let spread = [1, 3, 1_000, 1_000_000_000, 1 << 42, 1 << 56][rng.random_range(0..6)];
    let ties = rng.random_range(0..4) == 0;
    let one_in = rng.random_range(1..30);
    let losses = (0..count).map(|_| {
        if ties || rng.random_range(0..one_in) != 0 {
            return least + spread * rng.random_range(0..4) / 3;
        }
        least + rng.random_range(0..=spread)
    });
    let losses: Vec<i64> = losses.collect();
    let parts = match rng.random_range(0..3) {
        0 => losses
            .iter()
            .map(|_| 1 << rng.random_range(0..40))
            .collect(),
        1 => losses.iter().map(|_| rng.random_range(1..5)).collect(),
        _ => Vec::new(),
    };
    (losses, parts)
}

/// What is quoted and proven, and the enclosure that it is judged by, lie between CVaR and the largest loss: the enclosure
/// within its own width, the certificate up to its own rounding: a tick and a 2^20th of the spread, and where the largest losses
/// are as likely as the tail another tick an octave of `1 / alpha`.
fn lies_between(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let percent = [50, 90, 95, 99][rng.random_range(0..4)];
    let (losses, parts) = odd_losses(seed);
    let c = confidence(percent);
    let most = *losses.iter().max().unwrap();
    let spread = most - losses.iter().min().unwrap();
    let of = Losses::weighted(&losses, &parts);
    let told = format!("{seed}: {percent}% of {losses:?} with {parts:?}");
    let ev = evar(of, c).unwrap_or_else(|e| panic!("{e}: {told}")).value;
    let cv = cvar(of, c).unwrap();
    assert!(cv.lo() <= ev.hi(), "{told}");
    assert!(ev.hi() <= Interval::from_int(most).hi(), "{told}");
    assert!(
        ev.width() <= (1 << FRACTION_BITS).max(i128::from(spread) << 16),
        "{told}"
    );
    let gains = losses.iter().map(|&x| x as u64).collect();
    let gains = Gains::weighted(gains, parts.clone());
    let certificate = Certificate::find(&gains, c).unwrap_or_else(|e| panic!("{e}: {told}"));
    let proven = i128::from(certificate.evar_ticks());
    assert!(cv.floor_at(0).unwrap() <= proven, "{told}");
    assert!(ev.floor_at(0).unwrap() <= proven, "{told}");
    let mut allowed = 1 + (i128::from(spread) >> 20);
    if ev.lo() == Interval::from_int(most).lo() {
        allowed += i128::from(tail_octaves(c));
    }
    assert!(proven <= i128::from(most) + allowed, "{proven}, {told}");
    let sums = certificate.sums(&gains).unwrap();
    assert!(sums.weights <= budget(losses.len(), c), "{told}");
    assert!(sums.weights >= least(losses.len(), c), "{told}");
    assert!(
        sums.gains << 20 <= certificate.bound * sums.weights,
        "{told}"
    );
}

#[test]
fn evar_lies_between_cvar_and_the_largest_loss() {
    (0..200).for_each(lies_between);
}

/// By hand, in an optimized build.
#[test]
#[ignore = "minutes"]
fn evar_of_a_hundred_thousand_sets_lies_between_cvar_and_the_largest_loss() {
    use rayon::prelude::*;
    (0..100_000u64).into_par_iter().for_each(lies_between);
}

/// Losses a tick apart, by an independent solver in floats over ln z: 2.461231 and 0.865850 above the least.
#[test]
fn losses_a_tick_apart_are_told_apart() {
    let set = |of: &[(usize, i64)]| -> Vec<i64> {
        let each = of.iter().map(|&(n, x)| vec![x; n]);
        each.flatten().collect()
    };
    let four = |base: i64| set(&[(90, base), (6, base + 1), (3, base + 2), (1, base + 3)]);
    for base in [0, 1_000_000] {
        for (losses, expected) in [
            (four(base), 2.461231),
            (set(&[(49, base), (1, base + 1)]), 0.865850),
        ] {
            let found = evar(&losses, confidence(95)).unwrap().value;
            assert!((middle(&found, 1.0) - base as f64 - expected).abs() < 1e-6);
            let gains = Gains::equal(losses.iter().map(|&x| x as u64).collect());
            let proven = Certificate::find(&gains, confidence(95))
                .unwrap()
                .evar_ticks();
            assert_eq!(proven as i64, base + (expected.ceil() as i64));
        }
    }
}

fn losses() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(-1_000_000_000i64..1_000_000_000, 2..300)
}

/// Up to the enclosures' own widths.
fn at_most(a: &Interval, b: &Interval) -> bool {
    a.lo() <= b.hi()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn evar_is_at_least_cvar_is_at_least_var(losses in losses(), percent in 50i128..100) {
        let c = confidence(percent);
        let (v, cv, ev) = (var(&losses, c).unwrap(), cvar(&losses, c).unwrap(), evar(&losses, c).unwrap());
        prop_assert!(at_most(&Interval::from_int(v), &cv));
        prop_assert!(at_most(&cv, &ev.value));
        prop_assert!(at_most(&ev.value, &Interval::from_int(*losses.iter().max().unwrap())));
        // The enclosure is tight: 10^-10 of the spread.
        prop_assert!(ev.value.width() >> FRACTION_BITS <= 1, "{:?}", ev.value);
    }

    #[test]
    fn translation_and_homogeneity(losses in losses(), by in -1_000_000i64..1_000_000, factor in 1i64..50) {
        let c = confidence(95);
        let value = evar(&losses, c).unwrap().value;
        let moved: Vec<i64> = losses.iter().map(|x| x + by).collect();
        let moved = evar(&moved, c).unwrap().value;
        let expected = value.add(&Interval::from_int(by)).unwrap();
        prop_assert!(at_most(&moved, &expected) && at_most(&expected, &moved));
        let scaled: Vec<i64> = losses.iter().map(|x| x * factor).collect();
        let scaled = evar(&scaled, c).unwrap().value;
        let expected = value.times(factor).unwrap();
        prop_assert!(at_most(&scaled, &expected) && at_most(&expected, &scaled));
    }

    #[test]
    fn subadditivity_and_monotonicity(
        pairs in prop::collection::vec((-1_000_000i64..1_000_000, -1_000_000i64..1_000_000, 0i64..1000), 2..200),
    ) {
        let c = confidence(95);
        let of = |f: &dyn Fn(&(i64, i64, i64)) -> i64| {
            evar(&pairs.iter().map(f).collect::<Vec<_>>(), c).unwrap().value
        };
        let (x, y, sum) = (of(&|p| p.0), of(&|p| p.1), of(&|p| p.0 + p.1));
        prop_assert!(at_most(&sum, &x.add(&y).unwrap()));
        prop_assert!(at_most(&x, &of(&|p| p.0 + p.2)));
    }

    /// What is proven encloses what is true, in a few 10^-7 of it.
    #[test]
    fn certificates_enclose_evar(
        gains in prop::collection::vec(0u64..1_000_000_000_000, 1..400),
        percent in 50i128..100,
    ) {
        let c = confidence(percent);
        let exact: Vec<i64> = gains.iter().map(|&g| g as i64).collect();
        let gains = Gains::equal(gains);
        let found = Certificate::find(&gains, c).unwrap();
        let sums = found.sums(&gains).unwrap();
        prop_assert!(sums.weights <= budget(exact.len(), c));
        prop_assert!(sums.weights >= least(exact.len(), c));
        let most = found.bound * sums.weights;
        prop_assert!(sums.gains << 20 <= most);
        // In subticks, rounded up.
        let epsilon = (most - (sums.gains << 20)).div_ceil(sums.weights);
        let count = exact.len();
        let exact = evar(&exact, c).unwrap().value;
        let bound = Interval::from_ends((found.bound as i128) << 36, (found.bound as i128) << 36).unwrap();
        let lower = Interval::from_ends(((found.bound - epsilon) as i128) << 36, ((found.bound - epsilon) as i128) << 36).unwrap();
        let lower = lower.sub(&lower.mul(&slack(count, false, c).unwrap()).unwrap()).unwrap();
        prop_assert!(at_most(&exact, &bound), "{exact:?} {bound:?}");
        prop_assert!(at_most(&lower, &exact), "{exact:?} {lower:?}");
        if percent >= 90 {
            let width = (bound.hi() - lower.lo()) as f64 / bound.hi() as f64;
            prop_assert!(width < 1e-6, "{width}");
        }
    }
}
