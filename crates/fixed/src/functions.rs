//! Exponential, logarithm and normal distribution on integers, with proven errors.
//!
//! Arguments and results are in units of 2^-56; inside, series run in units of 2^-62 ("ulps" below)
//! and their truncation and rounding errors are added up in the comments. Each function returns two
//! numbers that enclose the true value.

use std::sync::LazyLock;

use crate::interval::{FRACTION_BITS, Interval};
use crate::{Rounding, mul_div};

const Q: u32 = 62;
const ONE: i128 = 1 << Q;
const GUARD: u32 = Q - FRACTION_BITS;
/// ln 2 in units of 2^-120, rounded down.
const LN2: i128 = 921350637599661305226344307672478454;
/// 1 / sqrt(2 pi).
pub(crate) const INVERSE_ROOT_TWO_PI: Interval =
    Interval::new(28746820885731650, 28746820885731651);

/// `exp`: relative error at most this many units of 2^-56, plus one unit.
pub const EXP_ERROR: i128 = 1;
/// `ln`: width at most this many units of 2^-56 (7e-17).
pub const LN_ERROR: i128 = 2;
/// `normal_cdf`: width at most this many units of 2^-56 (7e-17) for an exact argument.
pub const CDF_ERROR: i128 = 5;

/// `e^x`, or `None` above 2^60.
pub(crate) fn exp(x: i128) -> Option<(i128, i128)> {
    const SMALLEST: i128 = -(40 << FRACTION_BITS);
    const LARGEST: i128 = 41 << FRACTION_BITS;
    if x < SMALLEST {
        // e^-40 < 2^-57
        return Some((0, 1));
    }
    if x > LARGEST {
        return None;
    }
    // x = k ln 2 + r with |r| <= 0.35; |x| < 2^62 units, so x in units of 2^-120 fits.
    let exact = x << (120 - FRACTION_BITS);
    let k = (exact + LN2 / 2).div_euclid(LN2);
    let r = (exact - k * LN2) >> (120 - Q);
    // Horner for sum r^n / n!, n <= 17: the rest is below 1e-24. Each step cuts at most 2 ulps and
    // later steps shrink them by r/n, so at most 4; r itself is off by 1 ulp, so at most 1.5 more.
    let mut sum = ONE;
    for n in (1..=17).rev() {
        sum = ONE + ((sum * r) >> Q) / n;
    }
    const ERROR: i128 = 8;
    let shift = i128::from(GUARD) - k;
    let (lo, hi) = (sum - ERROR, sum + ERROR);
    Some(if shift >= 0 {
        (lo >> shift, (hi >> shift) + 1)
    } else {
        (lo << -shift, hi << -shift)
    })
}

/// `ln x` for `x > 0`.
pub(crate) fn ln(x: i128) -> (i128, i128) {
    let bits = 127 - x.leading_zeros();
    // x = m * 2^e with m in [0.7, 1.42); cutting m costs at most 1 ulp (relative 1.5).
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
    // ln m = 2 artanh z, |z| <= 0.17: z is off by at most 2 ulps.
    let z = ((m - ONE) << Q) / (m + ONE);
    let w = (z * z) >> Q;
    let mut sum = 0;
    for n in (1..=27).rev().step_by(2) {
        // 1/n + w * sum: at most 2 ulps a step, shrunk by w < 0.03.
        sum = ONE / n + ((sum * w) >> Q);
    }
    // 2 z sum: 2 * (2 * 1.02 + 0.17 * 3 + 1) < 8 ulps; e ln 2: 1 ulp; the rest of the series: 0.01 ulp.
    let value = ((2 * z * sum) >> Q) + ((e * LN2) >> (120 - Q));
    const ERROR: i128 = 10;
    ((value - ERROR) >> GUARD, ((value + ERROR) >> GUARD) + 1)
}

/// The standard normal distribution function.
pub(crate) fn normal_cdf(x: i128) -> (i128, i128) {
    const UNIT: i128 = 1 << FRACTION_BITS;
    let (lo, hi) = upper_cdf(x.abs());
    if x >= 0 {
        (lo, hi)
    } else {
        (UNIT - hi, UNIT - lo)
    }
}

/// Terms of the expansions; the rest is below 0.44 sqrt(12!) / 13! / 16^13 < 1e-21, since
/// `|He_n(x)| pdf(x) <= 0.44 sqrt(n!)` (Cramer).
const TERMS: usize = 12;

/// Around each eighth `g`: `cdf(g + h) = cdf(g) + h * sum c[n] h^n` with
/// `c[n] = (-1)^n He_n(g) pdf(g) / (n + 1)!`.
static EXPANSIONS: LazyLock<Vec<[i128; TERMS]>> = LazyLock::new(|| {
    (0..PDF.len())
        .map(|j| {
            // He_n(j / 8) * 8^n is whole and below 2^70; the quotient is below 2^62.
            let g = j as i128;
            let (mut before, mut hermite) = (0i128, 1i128);
            let mut divisor = 1i128;
            std::array::from_fn(|n| {
                divisor *= n as i128 + 1;
                let scale = 8i128.pow(n as u32) * divisor;
                let exact = mul_div(hermite, PDF[j], scale, Rounding::HalfEven).unwrap_or(0);
                let sign = if n % 2 == 0 { 1 } else { -1 };
                let next = g * hermite - 64 * n as i128 * before;
                (before, hermite) = (hermite, next);
                sign * exact
            })
        })
        .collect()
});

/// The distribution function of `x >= 0`.
fn upper_cdf(x: i128) -> (i128, i128) {
    const UNIT: i128 = 1 << FRACTION_BITS;
    const EIGHTH: i128 = UNIT / 8;
    let j = ((x + EIGHTH / 2) / EIGHTH) as usize;
    let Some(coefficients) = EXPANSIONS.get(j) else {
        // 1 - cdf(8.5) < 2^-56
        return (UNIT - 1, UNIT);
    };
    let h = (x - j as i128 * EIGHTH) << GUARD;
    let mut sum = 0;
    for c in coefficients.iter().rev() {
        sum = c + ((sum * h) >> Q);
    }
    // Coefficients are off by at most 1 ulp (c[0]) or shrunk by h^n <= 16^-n; cutting adds 1.1 and
    // the last product 1; the table half: below 4 ulps.
    let value = CDF[j] + ((sum * h) >> Q);
    const ERROR: i128 = 8;
    (
        (value - ERROR) >> GUARD,
        (((value + ERROR) >> GUARD) + 1).min(UNIT),
    )
}

/// The distribution function at 0, 1/8, .., 68/8, in ulps, to the nearest.
const CDF: [i128; 69] = [
    2305843009213693952,
    2535220085244123522,
    2761045591295973482,
    2979932078495087847,
    3188807764924755389,
    3385044273009483820,
    3566551826077767973,
    3731836495459099400,
    3880017802121640553,
    4010808615469818815,
    4124462434357933487,
    4221695459021520514,
    4303592182405530712,
    4371503510326409790,
    4426945764808533099,
    4471507541863471185,
    4506769553004591622,
    4534240561875910021,
    4555310588801470318,
    4571220894309331986,
    4583048991665392751,
    4591706126886124263,
    4597944285978062842,
    4602369778609702930,
    4605460712548616745,
    4607586112885461321,
    4609024960107111933,
    4609983944480104784,
    4610613206156120133,
    4611019718683909169,
    4611278265669440050,
    4611440158609431262,
    4611539960604239872,
    4611600532812635320,
    4611636726302514038,
    4611658018004286871,
    4611670349425743400,
    4611677380776343252,
    4611681327958818573,
    4611683509475232202,
    4611684696480341708,
    4611685332352055447,
    4611685667710487058,
    4611685841839745705,
    4611685930853488184,
    4611685975652161244,
    4611685997849249587,
    4611686008677284113,
    4611686013877555455,
    4611686016336366302,
    4611686017480948450,
    4611686018005504061,
    4611686018242182567,
    4611686018347317925,
    4611686018393297132,
    4611686018413094016,
    4611686018421485810,
    4611686018424987967,
    4611686018426426894,
    4611686018427008950,
    4611686018427240750,
    4611686018427331634,
    4611686018427366715,
    4611686018427380047,
    4611686018427385035,
    4611686018427386872,
    4611686018427387539,
    4611686018427387777,
    4611686018427387860,
];

/// The density at 0, 1/8, .., 68/8, in ulps, to the nearest.
const PDF: [i128; 69] = [
    1839796536686825613,
    1825479126449738574,
    1783191948031347826,
    1714878937280217170,
    1623614745011989545,
    1513375350457354302,
    1388751285493437582,
    1254632232265614766,
    1115893007133678520,
    977108564955085493,
    842320233367102420,
    714867897298765467,
    597294485072724533,
    491321041565287300,
    397883904939625201,
    317220706489644840,
    248989385390250638,
    192404084381671939,
    146373308600300598,
    109628542688755904,
    80835018312983906,
    58679930366038589,
    41936655046283039,
    29506121981180119,
    20438293357124130,
    13937705125005932,
    9357332556566593,
    6184819157924663,
    4024538583266064,
    2578216205518807,
    1626060578531812,
    1009643972870471,
    617182981002903,
    371427260521704,
    220063368955493,
    128361826491300,
    73711995384879,
    41672983685025,
    23194508442380,
    12709541944710,
    6856283599423,
    3641344733055,
    1903921193575,
    980054639366,
    496667518100,
    247796618884,
    121713609811,
    58856855886,
    28020063988,
    13132739680,
    6059763813,
    2752771781,
    1231115692,
    542052903,
    234962541,
    100269705,
    42126462,
    17424262,
    7095254,
    2844433,
    1122632,
    436208,
    166864,
    62842,
    23299,
    8505,
    3056,
    1081,
    377,
];
