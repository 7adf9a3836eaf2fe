//! Functions against reference values of 26 decimals, computed by an independent arbitrary-precision
//! library (mpmath, 50 digits).

use fixed::{
    CDF_ERROR, Decimal, EXP_ERROR, FRACTION_BITS, Interval, LN_ERROR, PDF_ERROR, Rounding,
};
use proptest::prelude::*;

const REFERENCE: &[(&str, &str, &str)] = &[
    ("exp", "-39.5", "0.00000000000000000700435202"),
    ("exp", "-20.25", "0.00000000160522805518561160"),
    ("exp", "-3.7", "0.02472352647033939120275738"),
    ("exp", "-1", "0.36787944117144232159552377"),
    ("exp", "-0.5", "0.60653065971263342360379953"),
    ("exp", "-0.0001", "0.99990000499983333749991666"),
    ("exp", "0", "1.00000000000000000000000000"),
    ("exp", "0.0001", "1.00010000500016667083341666"),
    ("exp", "0.34657359", "1.41421356197715392347459066"),
    ("exp", "0.5", "1.64872127070012814684865078"),
    ("exp", "1", "2.71828182845904523536028747"),
    ("exp", "2.302585", "9.99999907005958639928140852"),
    ("exp", "3.7", "40.44730436006739052889418923"),
    ("exp", "10", "22026.46579480671651695790064528"),
    ("exp", "20.25", "622964442.19844548365393829138489895"),
    ("exp", "40.9", "578954334632843124.5720185917659385"),
    ("ln", "0.0000001", "-16.11809565095831978812594018"),
    ("ln", "0.001", "-6.90775527898213705205397436"),
    ("ln", "0.1", "-2.30258509299404568401799145"),
    ("ln", "0.5", "-0.69314718055994530941723212"),
    ("ln", "0.7", "-0.35667494393873237891263871"),
    ("ln", "0.70710678", "-0.34657359195800425752440611"),
    ("ln", "0.99999", "-0.00001000005000033333583335"),
    ("ln", "1", "0.0"),
    ("ln", "1.00001", "0.00000999995000033333083335"),
    ("ln", "1.3999", "0.33640080549864246724238617"),
    ("ln", "1.4001", "0.33654366264174256442485974"),
    ("ln", "1.41421357", "0.34657359567300885062377654"),
    ("ln", "2", "0.69314718055994530941723212"),
    ("ln", "9.5", "2.25129179860649515059179531"),
    ("ln", "1234.5678", "7.11847622829778629250879253"),
    ("ln", "65100.22", "11.08368320760723303821393626"),
    ("ln", "16000.123", "9.68035168869236961303477386"),
    ("sqrt", "0", "0.0"),
    ("sqrt", "0.0001", "0.01000000000000000000000000"),
    ("sqrt", "0.25", "0.50000000000000000000000000"),
    ("sqrt", "2", "1.41421356237309504880168872"),
    ("sqrt", "3.1415926535", "1.77245385088018582239116491"),
    ("sqrt", "9096.11", "95.37352882220516852421911482"),
    ("sqrt", "15000", "122.47448713915890490986420373"),
    ("cdf", "-9", "0.00000000000000000011285884"),
    ("pdf", "-9", "0.00000000000000000102797735"),
    ("cdf", "-8.49", "0.00000000000000001033185498"),
    ("pdf", "-8.49", "0.00000000000000008890275577"),
    ("cdf", "-6.1", "0.00000000053034232629488297"),
    ("pdf", "-6.1", "0.00000000331788424354729427"),
    ("cdf", "-3.0625", "0.00109748237743786462035934"),
    ("pdf", "-3.0625", "0.00366696234629422603523289"),
    ("cdf", "-1.9999", "0.02275553158476718707051703"),
    ("pdf", "-1.9999", "0.05400176551637318312272003"),
    ("cdf", "-1", "0.15865525393145705141476745"),
    ("pdf", "-1", "0.24197072451914334979783019"),
    ("cdf", "-0.1", "0.46017216272297101853459538"),
    ("pdf", "-0.1", "0.39695254747701176551052974"),
    ("cdf", "-0.03125", "0.48753508256562287269740670"),
    ("pdf", "-0.03125", "0.39874753191596668011250334"),
    ("cdf", "0", "0.50000000000000000000000000"),
    ("pdf", "0", "0.39894228040143267793994605"),
    ("cdf", "0.0001", "0.50003989422797365288782682"),
    ("pdf", "0.0001", "0.39894227840672128091956116"),
    ("cdf", "0.0625", "0.52491766902924722119528620"),
    ("pdf", "0.0625", "0.39816385668688658504169512"),
    ("cdf", "0.3", "0.61791142218895263730652896"),
    ("pdf", "0.3", "0.38138781546052408560803050"),
    ("cdf", "0.6744897501960817", "0.74999999999999998627134436"),
    ("pdf", "0.6744897501960817", "0.31777657268410694324793393"),
    ("cdf", "1", "0.84134474606854294858523254"),
    ("pdf", "1", "0.24197072451914334979783019"),
    ("cdf", "1.5", "0.93319279873114193399550595"),
    ("pdf", "1.5", "0.12951759566589172761409955"),
    ("cdf", "1.959963984540054", "0.97499999999999998623474863"),
    ("pdf", "1.959963984540054", "0.05844506980503538797838701"),
    ("cdf", "2.3263478740408408", "0.98999999999999999198075403"),
    ("pdf", "2.3263478740408408", "0.02665214220345806678771880"),
    ("cdf", "3.3", "0.99951657585761622279888989"),
    ("pdf", "3.3", "0.00172256893905368014151293"),
    ("cdf", "4.4375", "0.99999544951390147107797450"),
    ("pdf", "4.4375", "0.00002113369951344547394641"),
    ("cdf", "5.5", "0.99999998101043753411228061"),
    ("pdf", "5.5", "0.00000010769760042543276358"),
    ("cdf", "7.77", "0.99999999999999607569368386"),
    ("pdf", "7.77", "0.00000000000003098142594051"),
    ("cdf", "8.4", "0.99999999999999997767606802"),
    ("pdf", "8.4", "0.00000000000000019010815379"),
    ("cdf", "8.6", "0.99999999999999999601419503"),
    ("pdf", "8.6", "0.00000000000000003472962748"),
];

fn point(text: &str) -> Interval {
    Interval::from_decimal(&text.parse().unwrap()).unwrap()
}

/// The enclosure holds, and is as narrow as promised: the argument is first rounded to units, so the
/// promise is kept at its two neighbours, and the enclosure of the argument itself is wider by the
/// slope.
#[test]
fn enclosures_hold_and_are_narrow() {
    for &(function, x, expected) in REFERENCE {
        let x = point(x);
        let (got, promise, slope) = match function {
            "exp" => {
                let got = x.exp().unwrap();
                let value = (got.hi() >> FRACTION_BITS) + 1;
                (got, EXP_ERROR + value, value)
            }
            "ln" => (x.ln().unwrap(), LN_ERROR, (1 << 56) / x.lo() + 1),
            "sqrt" => (x.sqrt().unwrap(), 1, (1 << 56) / (x.lo() + 1) + 1),
            "cdf" => (x.normal_cdf(), CDF_ERROR, 3),
            _ => (x.normal_pdf(), PDF_ERROR, 1),
        };
        let expected: Decimal = expected.parse().unwrap();
        assert!(
            got.contains(&expected).unwrap(),
            "{function}({x:?}) = {got:?}, not {expected}"
        );
        assert!(
            got.width() <= promise + slope * x.width(),
            "{function}({x:?}) is {} wide",
            got.width()
        );
        // 1e-14 relative to the larger of one and the value.
        let limit = (1i128 << FRACTION_BITS).max(got.hi().abs()) / 100_000_000_000_000;
        assert!(
            got.width() <= limit || x.lo() < 1 << 36,
            "{function}({x:?})"
        );
    }
}

#[test]
fn out_of_domain_is_an_error() {
    assert!(Interval::ZERO.ln().is_err());
    assert!(point("-1").ln().is_err());
    assert!(point("-1").sqrt().is_err());
    assert!(point("42").exp().is_err());
    assert!(Interval::ONE.div(&Interval::ZERO).is_err());
    // 2^70 is the largest number; beyond it everything is an error, never a wrong number.
    let big = Interval::from_int(1 << 62).times(1 << 8).unwrap();
    assert!(big.add(&big).is_err() && big.neg().sub(&big).is_err());
    assert!(big.mul(&big).is_err() && big.mul(&big.neg()).is_err());
    assert!(big.div(&point("0.5")).is_err() && big.times(2).is_err());
    assert_eq!(big.mul(&Interval::ONE), Ok(big));
    assert_eq!(big.sqrt(), Ok(Interval::from_int(1 << 35)));
    assert!(big.exp().is_err() && big.ceil_at(30).is_err());
    assert!(Interval::from_decimal(&Decimal::from_int(i128::MAX)).is_err());
    assert!(Interval::from_decimal(&Decimal::from_int(1 << 71)).is_err());
    assert_eq!(big.normal_cdf().hi(), 1 << 56);
    assert_eq!(big.neg().normal_pdf().lo(), 0);
}

/// Decimals are rounded outward in both directions.
#[test]
fn decimals_are_enclosed() {
    let third = Interval::ONE.div(&Interval::from_int(3)).unwrap();
    assert_eq!(third.width(), 1);
    assert_eq!(
        (third.floor_at(6), third.ceil_at(6)),
        (Ok(333_333), Ok(333_334))
    );
    let (lo, hi) = (third.neg().floor_at(6), third.neg().ceil_at(6));
    assert_eq!((lo, hi), (Ok(-333_334), Ok(-333_333)));
    let tenth = point("0.1");
    assert_eq!(tenth.width(), 1);
    assert_eq!(point("0.5").width(), 0);
    assert!(tenth.contains(&"0.1".parse().unwrap()).unwrap());
    // The unit is 1.4e-17: a neighbour 1e-17 above the upper end is outside.
    let above = tenth
        .middle()
        .unwrap()
        .checked_add(&Decimal::new(3, 17))
        .unwrap();
    assert!(!tenth.contains(&above).unwrap());
    assert_eq!(point("4").sqrt(), Ok(point("2")));
    assert_eq!(Interval::ZERO.sqrt(), Ok(Interval::ZERO));
    assert_eq!(
        point("123456789012.25")
            .sqrt()
            .unwrap()
            .middle()
            .unwrap()
            .rescale(6, Rounding::HalfEven),
        Ok(351_364_182_882)
    );
}

fn to_f64(x: i128) -> f64 {
    x as f64 / 2f64.powi(56)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn exp_agrees_with_floats(x in -30.0f64..30.0) {
        let got = point(&format!("{x:.17}")).exp().unwrap();
        let expected = x.exp();
        prop_assert!((to_f64(got.lo()) - expected).abs() <= 1e-14 * expected.max(1.0));
        prop_assert!(to_f64(got.width()) <= 1e-14 * expected.max(1.0));
    }

    #[test]
    fn ln_agrees_with_floats(x in 1e-6f64..15000.0) {
        let d = format!("{x:.17}").parse::<Decimal>().unwrap();
        let exact = Interval::from_decimal(&d).unwrap();
        let got = exact.ln().unwrap();
        // The argument has 17 decimals, so it differs from x by at most 1e-17.
        prop_assert!((to_f64(got.lo()) - x.ln()).abs() <= 1e-17 / x + 1e-14);
        if exact.width() == 0 { prop_assert!(got.width() <= LN_ERROR); }
    }

    #[test]
    fn pdf_agrees_with_floats(x in -9.0f64..9.0) {
        let got = point(&format!("{x:.17}")).normal_pdf();
        let expected = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        prop_assert!((to_f64(got.lo()) - expected).abs() <= 1e-15);
        prop_assert!(got.width() <= PDF_ERROR + 1);
    }

    #[test]
    fn sqrt_agrees_with_squares(x in 0i64..i64::MAX, shift in 0u32..60) {
        let x = Interval::from_int(x >> shift);
        let root = x.sqrt().unwrap();
        let square = root.mul(&root).unwrap();
        prop_assert!(square.lo() <= x.lo() && x.hi() <= square.hi());
        prop_assert!(root.width() <= 1 + (root.hi() >> 60));
    }

    /// What is computed from the middle of wide operands lies inside what is computed from them.
    #[test]
    fn wide_operands_enclose_their_inside(
        a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000,
        wa in 0i64..1_000_000, wb in 0i64..1_000_000, ta in 0i64..=4, tb in 0i64..=4,
    ) {
        let thousandth = |x: i64| Interval::from_decimal(&Decimal::new(x.into(), 3)).unwrap();
        let wide = |x: i64, w: i64| thousandth(x).hull(&thousandth(x + 4 * w));
        let (x, y) = (wide(a, wa), wide(b, wb));
        let (p, q) = (thousandth(a + ta * wa), thousandth(b + tb * wb));
        let inside = |inner: Interval, outer: Interval| outer.lo() <= inner.hi() && inner.lo() <= outer.hi();
        prop_assert!(inside(p.add(&q).unwrap(), x.add(&y).unwrap()));
        prop_assert!(inside(p.sub(&q).unwrap(), x.sub(&y).unwrap()));
        prop_assert!(inside(p.mul(&q).unwrap(), x.mul(&y).unwrap()));
        prop_assert!(inside(p.half(), x.half()) && inside(p.max_zero(), x.max_zero()));
        prop_assert!(inside(p.times(b).unwrap(), x.times(b).unwrap()));
        if b != 0 {
            prop_assert!(inside(p.div_int(b).unwrap(), x.div_int(b).unwrap()));
            let same = p.div_int(b).unwrap().intersection(&p.div(&Interval::from_int(b)).unwrap());
            prop_assert!(same.is_ok_and(|s| s.width() <= 3));
        }
        prop_assert!(inside(p.normal_cdf(), x.normal_cdf()) && inside(p.normal_pdf(), x.normal_pdf()));
        if let Ok(quotient) = x.div(&y) {
            prop_assert!(inside(p.div(&q).unwrap(), quotient));
        }
    }

    #[test]
    fn cdf_is_monotone_symmetric_and_narrow(a in -9.0f64..9.0, step in 1e-9f64..0.5) {
        let x = point(&format!("{a:.15}"));
        let y = point(&format!("{:.15}", a + step));
        let (p, q) = (x.normal_cdf(), y.normal_cdf());
        prop_assert!(p.lo() <= q.hi());
        prop_assert!(p.width() <= CDF_ERROR + 3 * x.width());
        let mirrored = x.neg().normal_cdf();
        let sum = p.add(&mirrored).unwrap();
        prop_assert!(sum.lo() <= 1 << 56 && sum.hi() >= 1 << 56);
    }

    #[test]
    fn exp_and_ln_invert_each_other(x in 1e-3f64..15000.0) {
        let x = point(&format!("{x:.12}"));
        let back = x.ln().unwrap().exp().unwrap();
        prop_assert!(back.lo() <= x.hi() && back.hi() >= x.lo());
    }

    #[test]
    fn products_and_quotients_enclose(a in -1000i64..1000, b in 1i64..1000) {
        let (x, y) = (Interval::from_int(a), Interval::from_int(b));
        let back = x.div(&y).unwrap().mul(&y).unwrap();
        prop_assert!(back.lo() <= x.lo() && back.hi() >= x.hi());
        prop_assert!(back.width() <= 1 + i128::from(b) * 2);
    }
}
