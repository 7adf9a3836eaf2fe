//! Exponential, logarithm and normal distribution on integers, with proven errors.
//!
//! Arguments and results are in units of 2^-56. Inside, series run in units of 2^-62 ("ulps" below)
//! in 64 bits, and their truncation and rounding errors are added up in the comments. Each function
//! returns two numbers that enclose the true value: the computed one less and plus its error,
//! rounded down and up to units. Rounding widens an enclosure by less than 2 units.

use std::sync::LazyLock;

use crate::interval::FRACTION_BITS;
use crate::tables::{CDF, ODD, PDF, TAYLOR};
use crate::{Rounding, mul_div};

/// Fraction bits inside.
const Q: u32 = 62;
const ONE: i128 = 1 << Q;
/// One, in units.
const UNIT: i128 = 1 << FRACTION_BITS;
const GUARD: u32 = Q - FRACTION_BITS;
/// ln 2 in units of 2^-120, rounded down.
const LN2: i128 = 921350637599661305226344307672478454;
/// 1 / ln 2 in units of 2^-26, to the nearest.
const INVERSE_LN2: i128 = 96_817_625;
/// 1 / sqrt(2 pi) in ulps, to the nearest.
const INVERSE_ROOT_TWO_PI: i128 = 1_839_796_536_686_825_613;

/// The exponential of an exact argument is at most `EXP_ERROR + e^x` units of 2^-56 wide; so for
/// `x <= 0` two units (3e-17), and 1.4e-17 relative for large `x`.
pub const EXP_ERROR: i128 = 2;
/// The logarithm of an exact argument is at most this many units of 2^-56 wide (3e-17).
pub const LN_ERROR: i128 = 2;
/// The normal distribution function of an exact argument is at most this many units of 2^-56 wide
/// (3e-17).
pub const CDF_ERROR: i128 = 2;
/// The normal density of an exact argument is at most this many units of 2^-56 wide (3e-17).
pub const PDF_ERROR: i128 = 2;

/// `a * b` of two numbers in ulps, rounded down. Both must be below 2 in magnitude, so that they and
/// the product of at least one below 1 fit 64 bits.
fn times(a: i64, b: i64) -> i64 {
    ((i128::from(a) * i128::from(b)) >> Q) as i64
}

/// Largest error of [`exp_parts`], in ulps.
const EXP_PARTS_ERROR: i128 = 5;

/// `e^x = m * 2^k` as `(m, k)`, with `m` in `[0.7, 1.42]` in ulps, for `x` in units of 2^-120 with
/// `|x| < 42`.
fn exp_parts(x: i128) -> (i128, i128) {
    // x in units of 2^-30 is below 2^36, so the product is below 2^63. k is off x / ln 2 by at most
    // 0.5 + 1e-6, hence |r| < 0.347.
    let k = ((x >> 90) * INVERSE_LN2 + (1 << 55)) >> 56;
    let r = ((x - k * LN2) >> (120 - Q)) as i64;
    // The series of e^r to r^17 / 17!; the rest is below 1e-24. Each step cuts at most 1 ulp, each
    // coefficient is off by 0.5, and later ones shrink by r: 1.5 / (1 - 0.347) < 2.3. r itself is
    // off by 1 ulp, times e^r < 1.42. Together below 4 ulps.
    let mut sum = 0;
    for c in TAYLOR.iter().rev() {
        sum = c + times(sum, r);
    }
    (i128::from(sum), k)
}

/// From ulps to units, times `2^k`, outward.
fn units(lo: i128, hi: i128, k: i128) -> (i128, i128) {
    let shift = i128::from(GUARD) - k;
    if shift >= 0 {
        (lo >> shift, (hi >> shift) + 1)
    } else {
        (lo << -shift, hi << -shift)
    }
}

/// `e^x`, or `None` for `x` above 41.
///
/// Width: the error of 5 ulps relative to a mantissa of at least 0.7 is `10 / 0.7 / 64 < 0.23` units
/// times `e^x`, and rounding adds less than 2.
pub(crate) fn exp(x: i128) -> Option<(i128, i128)> {
    if x < -(40 << FRACTION_BITS) {
        // e^-40 < 2^-57
        return Some((0, 1));
    }
    if x > 41 << FRACTION_BITS {
        return None;
    }
    // |x| < 2^62 units, so x in units of 2^-120 fits.
    let (m, k) = exp_parts(x << (120 - FRACTION_BITS));
    Some(units(m - EXP_PARTS_ERROR, m + EXP_PARTS_ERROR, k))
}

/// `ln x` for `x > 0`.
///
/// Width: `2 * 7 / 64 < 0.22` units, and rounding adds less than 2.
pub(crate) fn ln(x: i128) -> (i128, i128) {
    let bits = 127 - x.leading_zeros();
    // x = m * 2^e with m in [0.7, 1.4]; cutting m costs at most 1 ulp, relative 1.43.
    let mut m = if bits <= Q {
        x << (Q - bits)
    } else {
        x >> (bits - Q)
    };
    let mut e = i128::from(bits) - i128::from(FRACTION_BITS);
    if m > ONE + ONE * 2 / 5 {
        m >>= 1;
        e += 1;
    }
    // ln m = 2 artanh z, |z| < 0.177: the quotient is off by 1 ulp.
    let z = (((m - ONE) << Q) / (m + ONE)) as i64;
    let w = times(z, z);
    // The series of artanh z / z to w^13 / 27; the rest is below 1e-23. Each step cuts 1 ulp, each
    // coefficient is off by 0.5, later ones shrink by w < 0.032, w is off by 1 with a slope of 0.4:
    // below 2 ulps.
    let mut sum = 0;
    for c in ODD.iter().rev() {
        sum = c + times(sum, w);
    }
    // 2 z sum: 2 * (1 * 1.02 + 0.177 * 2) + 1 < 3.8 ulps; e ln 2: 1 ulp; m: 1.43. Below 7.
    let value = ((2 * i128::from(z) * i128::from(sum)) >> Q) + ((e * LN2) >> (120 - Q));
    const ERROR: i128 = 7;
    units(value - ERROR, value + ERROR, 0)
}

/// The standard normal density of `x >= 0`.
///
/// Width: `2 * 6 / 64 < 0.19` units, and rounding adds less than 2.
pub(crate) fn normal_pdf(x: i128) -> (i128, i128) {
    if x >= 9 << FRACTION_BITS {
        // pdf(9) < 2^-59
        return (0, 1);
    }
    // -x^2 / 2 exactly: x^2 is in units of 2^-112, below 2^119.
    let (m, k) = exp_parts(-(x * x) << (120 - 1 - 2 * FRACTION_BITS));
    let value = (m * INVERSE_ROOT_TWO_PI) >> Q;
    // 5 * 0.4 of the exponential, 0.5 * 1.42 of the constant, 1 cut: below 4 ulps.
    const ERROR: i128 = 6;
    units(value - ERROR, value + ERROR, k)
}

/// The standard normal distribution function.
///
/// Width: `2 * 8 / 64 = 0.25` units, and rounding adds less than 2. From 8.5625 on it is enclosed
/// between `1 - 2^-56` and 1, and likewise on the other side.
pub(crate) fn normal_cdf(x: i128) -> (i128, i128) {
    if x >= 0 {
        upper_cdf(x)
    } else {
        let (lo, hi) = upper_cdf(-x);
        (UNIT - hi, UNIT - lo)
    }
}

/// Terms of the expansions; the rest is below 0.44 sqrt(12!) / 13! / 16^13 < 1e-21, since
/// `|He_n(x)| pdf(x) <= 0.44 sqrt(n!)` (Cramer's inequality; Abramowitz and Stegun 22.14.17).
const TERMS: usize = 12;

/// Around each eighth `g`: `cdf(g + h) = cdf(g) + h * sum c[n] h^n` with
/// `c[n] = (-1)^n He_n(g) pdf(g) / (n + 1)!`, where `He` are Hermite polynomials (Abramowitz and
/// Stegun 26.2.31).
static EXPANSIONS: LazyLock<Vec<[i64; TERMS]>> = LazyLock::new(|| {
    (0..PDF.len())
        .map(|j| {
            // He_n(j / 8) * 8^n is whole and below 2^70; by Cramer's inequality the quotient is
            // below 2^61, and so is each coefficient.
            let g = j as i128;
            let (mut before, mut hermite) = (0i128, 1i128);
            let mut divisor = 1i128;
            std::array::from_fn(|n| {
                divisor *= n as i128 + 1;
                let scale = 8i128.pow(n as u32) * divisor;
                let exact = mul_div(hermite, PDF[j].into(), scale, Rounding::HalfEven);
                let exact = exact.expect("the quotient is below 2^61") as i64;
                let next = g * hermite - 64 * n as i128 * before;
                (before, hermite) = (hermite, next);
                if n % 2 == 0 { exact } else { -exact }
            })
        })
        .collect()
});

/// The distribution function of `x >= 0`.
fn upper_cdf(x: i128) -> (i128, i128) {
    const EIGHTH: i128 = UNIT / 8;
    const LAST: i128 = (PDF.len() as i128 - 1) * EIGHTH + EIGHTH / 2;
    if x >= LAST {
        // 1 - cdf(8.5625) < 2^-57
        return (UNIT - 1, UNIT);
    }
    let j = ((x + EIGHTH / 2) / EIGHTH) as usize;
    let h = ((x - j as i128 * EIGHTH) << GUARD) as i64;
    let mut sum = 0;
    for c in EXPANSIONS[j].iter().rev() {
        sum = c + times(sum, h);
    }
    // c[n] is off by 0.5 He_n(g) / (n + 1)! + 0.5 ulps, shrunk by h^n <= 16^-n: together below 1.
    // Cutting adds 1.1; the product with h <= 1/16 shrinks both, and adds 1; the table half: below
    // 2 ulps.
    let value = i128::from(CDF[j]) + i128::from(times(sum, h));
    const ERROR: i128 = 8;
    let (lo, hi) = units(value - ERROR, value + ERROR, 0);
    (lo, hi.min(UNIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half way between two eighths both expansions give the same number: a wrong entry in a table
    /// would show. Each density in the table is the one that the exponential gives.
    #[test]
    fn tables_agree_with_each_other() {
        for (j, &entry) in PDF.iter().enumerate() {
            let (lo, hi) = normal_pdf(j as i128 * (UNIT / 8));
            let entry = i128::from(entry);
            assert!(lo << GUARD <= entry && entry <= hi << GUARD, "pdf {j}");
        }
        let at = |j: usize, h: i64| {
            let mut sum = 0;
            for c in EXPANSIONS[j].iter().rev() {
                sum = c + times(sum, h);
            }
            CDF[j] + times(sum, h)
        };
        let sixteenth = 1i64 << (Q - 4);
        for j in 1..CDF.len() {
            let difference = at(j - 1, sixteenth) - at(j, -sixteenth);
            assert!(difference.abs() <= 4, "cdf {j}: {difference}");
        }
        assert_eq!(CDF[0], 1 << (Q - 1));
    }

    /// Nothing panics or leaves its bounds at the ends of what an interval may hold.
    #[test]
    fn far_arguments() {
        let far = 1i128 << 126;
        for x in [far, far - 1, 1 << 124, (1 << 117) + 5, 9 << FRACTION_BITS] {
            assert_eq!(normal_cdf(x), (UNIT - 1, UNIT));
            assert_eq!(normal_cdf(-x), (0, 1));
            assert_eq!(normal_pdf(x), (0, 1));
        }
        assert_eq!(exp(far), None);
        assert_eq!(exp(-far), Some((0, 1)));
        assert!(exp(41 << FRACTION_BITS).is_some() && exp(-(40 << FRACTION_BITS)).is_some());
        let (lo, hi) = ln(far);
        // ln 2^70 = 48.52..
        assert!(lo > 48 * UNIT && hi < 49 * UNIT && hi - lo <= LN_ERROR);
    }
}
