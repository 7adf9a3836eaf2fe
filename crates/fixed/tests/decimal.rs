//! Decimals: every digit or an error.

use fixed::{Decimal, FixedError, ParseError, Rounding, mul_div};
use proptest::prelude::*;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn keeps_every_digit() {
    for text in [
        "0",
        "1",
        "-1",
        "12.50",
        "0.00001797",
        "246.39171959000004",
        "-0.5",
        "65100.22000000",
    ] {
        assert_eq!(d(text).to_string(), text);
    }
    assert_eq!(d("7e-05"), d("0.00007"));
    assert_eq!(d("1.5E3"), d("1500"));
    assert_eq!(d(".5"), d("0.5"));
    assert_eq!(d("5."), d("5"));
}

#[test]
fn refuses_what_is_not_a_number() {
    for text in [
        "", ".", "-", "1.2.3", "1,5", "nan", "inf", "0x1", "1e", "1e+", " 1", "1 ", "--1", "1e1.5",
    ] {
        assert!(
            matches!(Decimal::parse(text), Err(ParseError::NotANumber(_))),
            "{text}"
        );
    }
    assert!(matches!(
        Decimal::parse(&"9".repeat(40)),
        Err(ParseError::TooLong(_))
    ));
    assert!(matches!(
        Decimal::parse("1e-40"),
        Err(ParseError::TooLong(_))
    ));
    assert!(matches!(
        Decimal::parse("1e99999999999"),
        Err(ParseError::TooLong(_))
    ));
}

#[test]
fn equality_and_order_are_by_value() {
    assert_eq!(d("1.50"), d("1.5"));
    assert!(d("-2") < d("-1.9"));
    assert!(d("1e25") > d("1e-25"));
    assert!(d("-1e25") < d("1e-25"));
    assert!(d("170141183460469231731687303715884105727") > d("0.000000000000000000000000000001"));
}

/// Numbers whose whole parts agree, but which do not fit at a common scale.
#[test]
fn order_where_scales_do_not_meet() {
    let ordered = [
        "-1e38",
        "-170141183.9",
        "-170141183.200000000000000000000000000001",
        "-1e-30",
        "0",
        "1e-30",
        "170141183.200000000000000000000000000001",
        "170141183.9",
        "1e38",
    ];
    for (i, a) in ordered.iter().enumerate() {
        for (j, b) in ordered.iter().enumerate() {
            assert_eq!(d(a).cmp(&d(b)), i.cmp(&j), "{a} {b}");
        }
    }
}

/// What does not fit is an error, at every entrance.
#[test]
fn limits() {
    let huge = Decimal::from_int(i128::MAX);
    assert_eq!(huge.checked_add(&Decimal::ONE), Err(FixedError::Overflow));
    // The sum would be `i128::MIN`, which has no negative.
    assert_eq!(
        huge.neg().checked_sub(&Decimal::ONE),
        Err(FixedError::Overflow)
    );
    assert_eq!(Decimal::from_units(i128::MIN, 0), Err(FixedError::Overflow));
    assert!(Decimal::from_units(1, 31).is_err());
    assert!(Decimal::ONE.div(&d("3"), 31, Rounding::Floor).is_err());
    assert_eq!(
        Decimal::ONE.div(&Decimal::ZERO, 2, Rounding::Floor),
        Err(FixedError::DivisionByZero)
    );
    // Digits beyond 30 decimals are refused, zeros there are not.
    assert_eq!(
        d("0.0000000000000005").checked_mul(&d("0.000000000000002")),
        Ok(d("1e-30"))
    );
    assert!(
        d("0.0000000000000005")
            .checked_mul(&d("0.000000000000003"))
            .is_err()
    );
    assert_eq!(Decimal::new(0, 5).rescale(200, Rounding::Floor), Ok(0));
    assert_eq!(d("-12.5").abs(), d("12.5"));
    assert!(d("-12.5").is_negative() && !d("-0").is_negative() && d("-0.00").is_zero());
}

#[test]
fn loses_no_digit_silently() {
    assert_eq!(d("1.25").rescale_exact(2), Ok(125));
    assert_eq!(d("1.2500").rescale_exact(2), Ok(125));
    assert_eq!(
        d("1.251").rescale_exact(2),
        Err(FixedError::TooManyDecimals { decimals: 2 })
    );
    assert_eq!(
        d("170141183460469231731687303715884105727").rescale_exact(1),
        Err(FixedError::Overflow)
    );
}

#[test]
fn rounds_in_the_stated_direction() {
    use Rounding::*;
    let cases = [
        ("1.5", [1, 2, 1, 2, 2]),
        ("2.5", [2, 3, 2, 3, 2]),
        ("-1.5", [-2, -1, -1, -2, -2]),
        ("-2.5", [-3, -2, -2, -3, -2]),
        ("1.1", [1, 2, 1, 2, 1]),
        ("-1.1", [-2, -1, -1, -2, -1]),
        ("3", [3, 3, 3, 3, 3]),
    ];
    for (text, expected) in cases {
        for (rounding, expected) in [Floor, Ceil, TowardZero, AwayFromZero, HalfEven]
            .into_iter()
            .zip(expected)
        {
            assert_eq!(
                d(text).rescale(0, rounding),
                Ok(expected),
                "{text} {rounding:?}"
            );
        }
    }
    assert_eq!(mul_div(1, 1, 0, Floor), Err(FixedError::DivisionByZero));
    assert_eq!(
        mul_div(i128::MAX, i128::MAX, i128::MAX, Floor),
        Ok(i128::MAX)
    );
    assert_eq!(mul_div(i128::MAX, 2, 1, Floor), Err(FixedError::Overflow));
    assert_eq!(mul_div(i128::MIN, 1, 1, Floor), Ok(i128::MIN));
}

#[test]
fn serde_is_text_and_refuses_floats() {
    assert_eq!(serde_json::to_string(&d("1.50")).unwrap(), "\"1.50\"");
    assert_eq!(
        serde_json::from_str::<Decimal>("\"1.50\"").unwrap(),
        d("1.5")
    );
    assert_eq!(serde_json::from_str::<Decimal>("7").unwrap(), d("7"));
    assert!(serde_json::from_str::<Decimal>("1.5").is_err());
    assert!(serde_json::from_str::<Decimal>("100000000000000000000000000").is_err());
    assert!(serde_json::from_str::<Decimal>("null").is_err());
    // A format that does not describe itself.
    let bytes = postcard::to_allocvec(&d("-1.50")).unwrap();
    assert_eq!(
        postcard::from_bytes::<Decimal>(&bytes).unwrap().to_string(),
        "-1.50"
    );
}

proptest! {
    #[test]
    fn text_round_trips(units in any::<i64>(), scale in 0u8..18) {
        let x = Decimal::new(units.into(), scale);
        prop_assert_eq!(d(&x.to_string()), x);
        prop_assert_eq!(d(&x.to_string()).scale(), scale);
    }

    #[test]
    fn arithmetic_is_exact(a in any::<i64>(), b in any::<i64>(), sa in 0u8..12, sb in 0u8..12) {
        let (x, y) = (Decimal::new(a.into(), sa), Decimal::new(b.into(), sb));
        let sum = x.checked_add(&y).unwrap();
        prop_assert_eq!(sum.checked_sub(&y).unwrap(), x);
        let product = x.checked_mul(&y).unwrap();
        prop_assert_eq!(product, Decimal::new(i128::from(a) * i128::from(b), sa + sb));
        if b != 0 {
            let (lo, hi) = (x.div(&y, 10, Rounding::Floor).unwrap(), x.div(&y, 10, Rounding::Ceil).unwrap());
            prop_assert!(hi.checked_sub(&lo).unwrap() <= Decimal::new(1, 10));
        }
    }

    #[test]
    fn mul_div_agrees_with_plain_arithmetic(a in any::<i64>(), b in any::<i64>(), c in any::<i64>()) {
        prop_assume!(c != 0);
        let product = i128::from(a) * i128::from(b);
        prop_assert_eq!(mul_div(a.into(), b.into(), c.into(), Rounding::Floor).unwrap(), {
            let (q, r) = (product / i128::from(c), product % i128::from(c));
            if r != 0 && (r < 0) != (c < 0) { q - 1 } else { q }
        });
    }
}
