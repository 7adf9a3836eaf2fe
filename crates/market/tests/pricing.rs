//! Option prices and Greeks against published values, parity, floats, and a venue's own numbers.

use fixed::{Decimal, Interval};
use market::OptionType;
use market::OptionType::{Call, Put};
use market::pricing::{Greeks, OptionTerms, black76_ratio, greeks, years_between};
use proptest::prelude::*;

#[path = "../../records/tests/common/mod.rs"]
mod common;

fn point(text: &str) -> Interval {
    Interval::from_decimal(&text.parse().unwrap()).unwrap()
}

fn value(x: &Interval) -> f64 {
    (x.lo() as f64 + x.hi() as f64) / 2.0 / 2f64.powi(56)
}

/// Terms in the order type, S, X, T, r, b, sigma.
fn terms(option_type: OptionType, t: [&str; 6]) -> Greeks {
    let [underlying, strike, years, rate, carry, volatility] = t.map(point);
    greeks(&OptionTerms {
        option_type,
        underlying,
        strike,
        years,
        rate,
        carry,
        volatility,
    })
    .unwrap()
}

/// Haug, *The Complete Guide to Option Pricing Formulas*, chapters 1 and 2.
#[test]
fn haug_published_values() {
    let near = |got: Interval, published: f64| {
        assert!(
            (value(&got) - published).abs() <= 0.51e-4,
            "{} is not {published}",
            value(&got)
        );
    };
    // Black-Scholes call: S = 60, X = 65, T = 0.25, r = 8%, sigma = 30%.
    near(
        terms(Call, ["60", "65", "0.25", "0.08", "0.08", "0.3"]).price,
        2.1334,
    );
    // Merton put with dividend yield: S = 100, X = 95, T = 0.5, r = 10%, q = 5%, sigma = 20%.
    near(
        terms(Put, ["100", "95", "0.5", "0.1", "0.05", "0.2"]).price,
        2.4648,
    );
    // Black-76: F = 19, X = 19, T = 0.75, r = 10%, sigma = 28%.
    near(
        terms(Call, ["19", "19", "0.75", "0.1", "0", "0.28"]).price,
        1.7011,
    );
    near(
        terms(Put, ["19", "19", "0.75", "0.1", "0", "0.28"]).price,
        1.7011,
    );
    // Garman-Kohlhagen call: S = 1.56, X = 1.6, T = 0.5, r = 6%, rf = 8%, sigma = 12%.
    near(
        terms(Call, ["1.56", "1.6", "0.5", "0.06", "-0.02", "0.12"]).price,
        0.0291,
    );
    // Delta of futures options: F = 105, X = 100, T = 0.5, r = 10%, sigma = 36%.
    near(
        terms(Call, ["105", "100", "0.5", "0.1", "0", "0.36"]).delta,
        0.5946,
    );
    near(
        terms(Put, ["105", "100", "0.5", "0.1", "0", "0.36"]).delta,
        -0.3566,
    );
    // Gamma: S = 55, X = 60, T = 0.75, r = b = 10%, sigma = 30%.
    near(
        terms(Call, ["55", "60", "0.75", "0.1", "0.1", "0.3"]).gamma,
        0.0278,
    );
    // Vega: S = 55, X = 60, T = 0.75, r = 10.5%, b = 6.95%, sigma = 30%.
    near(
        terms(Call, ["55", "60", "0.75", "0.105", "0.0695", "0.3"]).vega,
        18.5027,
    );
    // Theta of a put: S = 430, X = 405, T = 0.0833, r = 7%, b = 2%, sigma = 20%.
    near(
        terms(Put, ["430", "405", "0.0833", "0.07", "0.02", "0.2"]).theta,
        -31.1924,
    );
    // Rho: S = 72, X = 75, T = 1, r = b = 9%, sigma = 19%.
    near(
        terms(Call, ["72", "75", "1", "0.09", "0.09", "0.19"]).rho,
        38.7325,
    );
}

/// Black-76 on the forward with the venue's implied volatility reproduces its Greeks, for all 230
/// options, within the bounds that the data's description states.
#[test]
fn venue_greeks() {
    let Some(path) = common::data("option-chain.csv") else {
        return;
    };
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|h| h == name).unwrap();
    let mut options = 0;
    for record in reader.records() {
        let record = record.unwrap();
        let text = |name: &str| &record[column(name)];
        let float = |name: &str| text(name).parse::<f64>().unwrap();
        let (now, expiry) = (
            text("timestamp").parse().unwrap(),
            text("expiration_timestamp").parse().unwrap(),
        );
        let iv: Decimal = text("mark_iv").parse().unwrap();
        let zero = Interval::ZERO;
        let forward = point(text("underlying_price"));
        let years = years_between(now, expiry).unwrap();
        let g = greeks(&OptionTerms {
            option_type: if text("option_type") == "call" {
                Call
            } else {
                Put
            },
            underlying: forward,
            strike: point(text("strike")),
            years,
            rate: zero,
            carry: zero,
            volatility: Interval::from_decimal(&iv.checked_mul(&Decimal::new(1, 2)).unwrap())
                .unwrap(),
        })
        .unwrap();
        let close = |name: &str, got: f64, bound: f64| {
            let published = float(name);
            assert!(
                (got - published).abs() <= bound,
                "{}: {name} {got} is not {published}",
                text("instrument_name")
            );
        };
        close("delta", value(&g.delta), 1.1e-4);
        close("gamma", value(&g.gamma), 5.1e-6);
        close("vega", value(&g.vega) / 100.0, 1.2e-3);
        close("mark_price", value(&g.price.div(&forward).unwrap()), 2.4e-4);
        if value(&years) > 1.5 / 365.0 {
            // Theta has no stated bound; the venue rounds to five digits of a number of tens.
            close(
                "theta",
                value(&g.theta) / 365.0,
                0.02 * float("theta").abs() + 0.01,
            );
        }
        options += 1;
    }
    assert_eq!(options, 230);
}

fn erfc_cdf(x: f64) -> f64 {
    // Abramowitz and Stegun 26.2.17 is too coarse; use a series, independent of the crate under test.
    if x < -8.0 {
        return 0.0;
    }
    if x > 8.0 {
        return 1.0;
    }
    let (mut sum, mut term, mut n) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs().max(1e-300) && n < 400.0 {
        term *= x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// call - put = e^(-rT) (F - K), inside the enclosures.
    #[test]
    fn put_call_parity(f in 1u32..200_000, k in 1u32..200_000, t in 1u32..2000, v in 1u32..300, r in 0u32..20) {
        let t = format!("{}", f64::from(t) / 1000.0);
        let (f, k) = (f.to_string(), k.to_string());
        prop_assume!(f.parse::<f64>().unwrap() / k.parse::<f64>().unwrap() < 1000.0);
        let (v, r) = (format!("{}", f64::from(v) / 100.0), format!("{}", f64::from(r) / 100.0));
        let call = terms(Call, [&f, &k, &t, &r, "0", &v]).price;
        let put = terms(Put, [&f, &k, &t, &r, "0", &v]).price;
        let discount = point(&r).neg().mul(&point(&t)).unwrap().exp().unwrap();
        let parity = point(&f).sub(&point(&k)).unwrap().mul(&discount).unwrap();
        let difference = call.sub(&put).unwrap();
        prop_assert!(difference.lo() <= parity.hi() && parity.lo() <= difference.hi());
    }

    #[test]
    fn agrees_with_floats(f in 50.0f64..100_000.0, moneyness in 0.3f64..3.0, t in 0.003f64..3.0, v in 0.05f64..3.0) {
        let k = f / moneyness;
        let (fs, ks, ts, vs) = (format!("{f:.6}"), format!("{k:.6}"), format!("{t:.9}"), format!("{v:.9}"));
        let [f, k, t, v] = [&fs, &ks, &ts, &vs].map(|s| s.parse::<f64>().unwrap());
        let s = v * t.sqrt();
        let d1 = (f / k).ln() / s + s / 2.0;
        let call = f * erfc_cdf(d1) - k * erfc_cdf(d1 - s);
        let got = terms(Call, [&fs, &ks, &ts, "0", "0", &vs]);
        prop_assert!((value(&got.price) - call).abs() <= 1e-9 * f, "{} {call}", value(&got.price));
        prop_assert!((value(&got.delta) - erfc_cdf(d1)).abs() < 1e-10);
        // The proven error bound is far below a tick of 10^-6 for a price of this size.
        prop_assert!((got.price.width() as f64) / 2f64.powi(56) < 1e-10 * f);
        // The fast form used for risk arrays is the same price.
        let ratio = point(&ks).div(&point(&fs)).unwrap();
        let deviation = point(&vs).mul(&point(&ts).sqrt().unwrap()).unwrap();
        let fast = black76_ratio(Call, &ratio.ln().unwrap().neg(), &ratio, &deviation).unwrap();
        let fast = fast.mul(&point(&fs)).unwrap();
        prop_assert!(fast.lo() <= got.price.hi() && got.price.lo() <= fast.hi());
    }
}

#[test]
fn no_time_or_no_volatility_is_intrinsic() {
    let ratio = point("0.9");
    let log = ratio.ln().unwrap().neg();
    let call = black76_ratio(Call, &log, &ratio, &Interval::ZERO).unwrap();
    assert!(call.contains(&"0.1".parse().unwrap()).unwrap());
    let put = black76_ratio(Put, &log, &ratio, &Interval::ZERO).unwrap();
    assert!(put.contains(&Decimal::ZERO).unwrap());
}
