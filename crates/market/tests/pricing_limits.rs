//! Greeks against floats, the price alone against the price with Greeks, and what happens where time
//! or volatility vanish.

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval};
use market::OptionType;
use market::OptionType::{Call, Put};
use market::pricing::{
    Greeks, OptionTerms, black76_price, black76_ratio, greeks, price, years_between,
};
use proptest::prelude::*;

fn point(text: &str) -> Interval {
    Interval::from_decimal(&text.parse().unwrap()).unwrap()
}

fn float(x: &Interval) -> f64 {
    (x.lo() as f64 + x.hi() as f64) / 2.0 / 2f64.powi(FRACTION_BITS as i32)
}

/// Terms in the order S, X, T, r, b, sigma.
fn terms(option_type: OptionType, t: [&str; 6]) -> OptionTerms {
    let [underlying, strike, years, rate, carry, volatility] = t.map(point);
    OptionTerms {
        option_type,
        underlying,
        strike,
        years,
        rate,
        carry,
        volatility,
    }
}

fn meets(a: &Interval, b: &Interval) -> bool {
    a.intersection(b).is_ok()
}

/// The normal distribution function by its power series about zero, with the density's factor.
fn cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return f64::from(u8::from(x > 0.0));
    }
    let (mut sum, mut term, mut n) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs().max(1e-300) && n < 400.0 {
        term *= x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    0.5 + sum * pdf(x)
}

fn pdf(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Haug's formulas in floats: price, delta, gamma, vega, theta, rho.
fn in_floats(z: f64, [s, k, t, r, b, v]: [f64; 6]) -> [f64; 6] {
    let deviation = v * t.sqrt();
    let d1 = ((s / k).ln() + (b + v * v / 2.0) * t) / deviation;
    let d2 = d1 - deviation;
    let (e, discount) = (((b - r) * t).exp(), (-r * t).exp());
    let (n1, n2) = (cdf(z * d1), cdf(z * d2));
    [
        z * (s * e * n1 - k * discount * n2),
        z * e * n1,
        pdf(d1) * e / (s * deviation),
        s * e * pdf(d1) * t.sqrt(),
        -s * e * pdf(d1) * v / (2.0 * t.sqrt())
            - z * (b - r) * s * e * n1
            - z * r * k * discount * n2,
        z * t * k * discount * n2,
    ]
}

fn all(g: &Greeks) -> [Interval; 6] {
    [g.price, g.delta, g.gamma, g.vega, g.theta, g.rho]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn greeks_agree_with_floats(
        s in 1.0f64..100_000.0, moneyness in 0.4f64..2.5, t in 0.003f64..3.0, r in -0.02f64..0.15,
        b in prop_oneof![-0.1f64..-0.001, 0.001f64..0.15], v in 0.05f64..2.0, put: bool,
    ) {
        let text = [s, s / moneyness, t, r, b, v].map(|x| format!("{x:.9}"));
        let numbers = text.each_ref().map(|x| x.parse::<f64>().unwrap());
        let (option_type, z) = if put { (Put, -1.0) } else { (Call, 1.0) };
        let terms = terms(option_type, text.each_ref().map(|x| x.as_str()));
        let got = greeks(&terms).unwrap();
        let size = numbers[0].max(numbers[1]);
        // What each may be off by: floats lose about 1e-13 of the sizes that cancel.
        let scale = [size, 1.0, 1.0 / numbers[0] / numbers[5] / numbers[2].sqrt(), size, 100.0 * size, 3.0 * size];
        for ((x, expected), scale) in all(&got).iter().zip(in_floats(z, numbers)).zip(scale) {
            prop_assert!((float(x) - expected).abs() <= 1e-11 * scale, "{} {expected}", float(x));
            // The proven error.
            prop_assert!(x.width() as f64 / 2f64.powi(FRACTION_BITS as i32) <= 1e-10 * scale.max(1.0));
        }
        let alone = price(&terms).unwrap();
        prop_assert!(meets(&alone, &got.price));
        prop_assert!(alone.lo() >= 0);
    }

    /// More volatility never makes an option cheaper, and the price stays between intrinsic value
    /// and the forward, down to the smallest deviations.
    #[test]
    fn price_grows_with_deviation(
        k in prop_oneof![Just(1_000_000u32), 1u32..4_000_000], digits in 0u8..17, d in 1u32..2_000_000, put: bool,
    ) {
        let ratio = Interval::from_decimal(&Decimal::new(k.into(), 6)).unwrap();
        let log = ratio.ln().unwrap().neg();
        let option_type = if put { Put } else { Call };
        let intrinsic = black76_ratio(option_type, &log, &ratio, &Interval::ZERO).unwrap();
        let small = Interval::from_decimal(&Decimal::new(d.into(), 6 + digits)).unwrap();
        let large = small.times(2).unwrap();
        let at = |deviation| black76_ratio(option_type, &log, &ratio, deviation).unwrap();
        let (a, b) = (at(&small), at(&large));
        prop_assert!(intrinsic.lo() <= a.hi() && a.lo() <= b.hi());
        prop_assert!(b.hi() <= Interval::ONE.hull(&ratio).hi() + 8);
        // The promises of `black76_ratio`, with K / F and the deviation one unit wide.
        let k = (ratio.hi() >> FRACTION_BITS) + 1;
        let unit = 2f64.powi(-(FRACTION_BITS as i32));
        for (x, deviation) in [(a, float(&small)), (b, float(&large))] {
            let off = (log.width() as f64 / 2.0 + 1.0) * unit / deviation;
            let small = (0.4 * deviation).min((1 + k) as f64 * off * off / 8.0);
            let limit = 12 + 2 * k + 3 + (small * 1.001 / unit) as i128 + 1;
            prop_assert!(x.width() <= limit, "{} > {limit}", x.width());
        }
    }
}

/// Without time or without volatility: intrinsic value and the Greeks' limits.
#[test]
fn limits() {
    let discount = (-0.1f64 * 0.5).exp();
    // Option, terms, price, delta.
    let cases = [
        (Call, ["105", "100", "0", "0.1", "0.1", "0.3"], 5.0, 1.0),
        (Put, ["105", "100", "0", "0.1", "0.1", "0.3"], 0.0, 0.0),
        (Put, ["95", "100", "0", "0.1", "0", "0.3"], 5.0, -1.0),
        (Call, ["95", "100", "0", "0.1", "0", "0.3"], 0.0, 0.0),
        (
            Call,
            ["105", "100", "0.5", "0.1", "0", "0"],
            5.0 * discount,
            discount,
        ),
        (
            Call,
            ["100", "100", "0.5", "0.1", "0.1", "0"],
            100.0 - 100.0 * discount,
            1.0,
        ),
        (Put, ["100", "100", "0.5", "0.1", "0.1", "0"], 0.0, 0.0),
    ];
    for (option_type, t, expected, delta) in cases {
        let terms = terms(option_type, t);
        let g = greeks(&terms).unwrap();
        assert!((float(&g.price) - expected).abs() < 1e-12, "{t:?}");
        assert!((float(&g.delta) - delta).abs() < 1e-12, "{t:?}");
        assert_eq!((g.gamma, g.vega), (Interval::ZERO, Interval::ZERO), "{t:?}");
        assert!(meets(&price(&terms).unwrap(), &g.price), "{t:?}");
    }
    // At the money the derivatives do not exist, the price does.
    let at_the_money = terms(Call, ["100", "100", "0", "0.1", "0", "0.3"]);
    assert!(matches!(greeks(&at_the_money), Err(DomainError::Division)));
    assert_eq!(price(&at_the_money), Ok(Interval::ZERO));
}

/// A millisecond before expiry, at any volatility, the price is there and narrow.
#[test]
fn last_millisecond() {
    let years = years_between(1_700_000_000_000, 1_700_000_000_001).unwrap();
    let expired = years_between(1_700_000_000_001, 1_700_000_000_000).unwrap();
    assert_eq!(expired, Interval::ZERO);
    for strike in ["60000", "65000", "65000.01", "70000"] {
        for volatility in ["0", "0.0000000001", "0.6", "5"] {
            for option_type in [Call, Put] {
                let terms = OptionTerms {
                    years,
                    ..terms(option_type, ["65000", strike, "0", "0", "0", volatility])
                };
                let got = price(&terms).unwrap();
                let z = if option_type == Call { 1.0 } else { -1.0 };
                let intrinsic = (z * (65000.0 - strike.parse::<f64>().unwrap())).max(0.0);
                // 0.4 F sigma sqrt(T) at the money.
                let time_value = 0.4 * 65000.0 * volatility.parse::<f64>().unwrap() * 5.7e-6;
                assert!((float(&got) - intrinsic).abs() <= time_value + 1e-10);
                assert!((got.width() as f64) < 1e-6 * 2f64.powi(FRACTION_BITS as i32));
            }
        }
    }
}

#[test]
fn bad_terms_are_errors() {
    let base = ["100", "100", "0.5", "0.1", "0", "0.3"];
    for (i, value) in [
        (0, "0"),
        (0, "-1"),
        (1, "0"),
        (1, "-1"),
        (2, "-1"),
        (5, "-0.3"),
    ] {
        let mut t = base;
        t[i] = value;
        assert!(greeks(&terms(Call, t)).is_err(), "{t:?}");
        assert!(price(&terms(Call, t)).is_err(), "{t:?}");
    }
    // A logarithm that is not that of the ratio.
    let (wrong, ratio) = (point("1"), point("1.5"));
    let got = black76_ratio(Call, &wrong, &ratio, &point("0.1"));
    assert_eq!(got, Err(DomainError::Contradiction));
}

/// Haug, chapter 1: Black-76 with F = X = 19, T = 0.75, r = 10%, sigma = 28% is 1.7011.
#[test]
fn black76_by_its_own_terms() {
    let deviation = point("0.28").mul(&point("0.75").sqrt().unwrap()).unwrap();
    let discount = point("-0.075").exp().unwrap();
    let forward = point("19");
    for option_type in [Call, Put] {
        let got = black76_price(option_type, &forward, &forward, &deviation, &discount).unwrap();
        assert!((float(&got) - 1.7011).abs() < 0.5e-4);
        let by_terms = price(&terms(
            option_type,
            ["19", "19", "0.75", "0.1", "0", "0.28"],
        ));
        assert!(meets(&got, &by_terms.unwrap()));
    }
}

/// `K / F`, deviation, and the undiscounted call over the forward, cut after 28 decimals; computed by
/// an independent arbitrary-precision library (mpmath, 60 digits).
const REFERENCE: &[(&str, &str, &str)] = &[
    ("1", "0.1", "0.0398776116767449231926429435"),
    ("1", "0.0000001", "0.0000000398942280401432511713"),
    ("0.5", "0.3", "0.5007463173018529669175890968"),
    ("2", "0.7", "0.0808409597936469860335787878"),
    ("1.001", "0.001", "0.0000834364559297910482851352"),
    ("0.999", "0.00001", "0.0009999999999999999999999999"),
    ("1.0000001", "0.0000001", "0.0000000083315482686222524340"),
    ("0.25", "2.5", "0.9035807690501587200207071827"),
    ("7", "1.5", "0.1498860894253093606482788177"),
    ("1.3", "0.05", "0.0000000007861849490499479012"),
    ("0.77", "0.0625", "0.2300001723129280280771668337"),
    (
        "1.00000000001",
        "0.00000000001",
        "0.0000000000008331547058889615",
    ),
];

#[test]
fn encloses_reference_prices() {
    for &(ratio, deviation, expected) in REFERENCE {
        let (ratio, deviation) = (point(ratio), point(deviation));
        let log = ratio.ln().unwrap().neg();
        let call = black76_ratio(Call, &log, &ratio, &deviation).unwrap();
        let expected: Decimal = expected.parse().unwrap();
        assert!(
            call.contains(&expected).unwrap(),
            "{ratio:?} {deviation:?}: {call:?}, not {expected}"
        );
        let put = black76_ratio(Put, &log, &ratio, &deviation).unwrap();
        let parity = call.sub(&put).unwrap();
        assert!(meets(&parity, &Interval::ONE.sub(&ratio).unwrap()));
    }
}
