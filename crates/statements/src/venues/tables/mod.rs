//! EVaR of states: the tables that several statements have, and what their own tables of states need. `TABLES.md` explains
//! every numbered constraint.

pub mod exponential;
pub mod groups;
pub mod scenarios;

use gadgets::limbs::{Limbs, SignedLimbs, join, limb_of, signed_limb};
use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder};

/// `[number, quantities' digits, means' digits]`: a state, to the scenarios it is evaluated in.
pub const STATE: Bus = Bus::new("state");
/// `[block, bound, scale]`: a certificate, to the scenarios it is for.
pub const CERTIFICATE: Bus = Bus::new("certificate");
/// `[group, coefficients of the weights' sum, of the weighted gains' sum]`.
pub const GROUPS: Bus = Bus::new("group");
/// `[block, limbs of the weights' sum, of the weighted gains' sum]`.
pub const SUMS: Bus = Bus::new("sum");
/// `[key, limbs]`: `2^(50 - key / 2^8)`.
pub const COARSE: Bus = Bus::new("coarse");
/// `[key, limbs]`: `2^(29 - key / 2^20)`.
pub const FINE: Bus = Bus::new("fine");

/// `[series, group, coefficients]`: what all scenarios of a group but the last add to a market's tilted worth, or to
/// the tilted weight. The last one's values are fixed columns, which cannot stand in a message.
pub const HOLDINGS: Bus = Bus::new("holding");
/// `[group, limbs]`: the tilted weight of a group's last scenario.
pub const LAST_WEIGHT: Bus = Bus::new("last-weight");
/// Balanced digits of a quantity.
pub const QUANTITY_DIGITS: usize = 4;
/// Balanced digits of the sum of entry notionals.
pub const ENTRY_DIGITS: usize = 6;
/// Balanced digits of the means.
pub const MEANS_DIGITS: usize = 7;
/// Limbs of a bound and of a scale.
pub const BOUND_LIMBS: usize = 8;
/// Limbs of a weight and of a sum of weights.
pub const WEIGHT_LIMBS: usize = 5;
/// Limbs of a sum of weighted gains.
pub const GAINS_LIMBS: usize = 11;
/// Limbs of the second factor of a weight.
pub const FACTOR_LIMBS: usize = 3;
/// Coefficients of a weight times a gain.
pub const PRODUCT_LEN: usize = WEIGHT_LIMBS + gadgets::limbs::AMOUNT_LIMBS - 1;

/// Signed digits of a number in `[-512, 512)`, base 2^10, least significant first: one encoding a number.
pub fn signed_digits(value: i128, count: usize) -> Vec<i64> {
    let mut rest = value;
    (0..count)
        .map(|_| {
            let low = (rest + 512).rem_euclid(1024) - 512;
            rest = (rest - low) >> 10;
            low as i64
        })
        .collect()
}

/// A limb of a number as a field element.
pub fn limb_felt(value: u128, index: usize) -> F {
    F::from_u64(limb_of(value, index))
}

/// The number that coefficients stand for.
pub fn value_of(coefficients: &[u64]) -> u128 {
    let digits = coefficients.iter().rev();
    digits.fold(0, |value, &c| (value << 10) + u128::from(c))
}

/// Three limbs an element.
pub fn packed<E: stark::Expr>(limbs: &[E]) -> Vec<E> {
    limbs.chunks(3).map(join).collect()
}

/// The digits of `C` and the capitals that count.
pub fn means<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    of: impl Fn(&W) -> i128,
    entry: &SignedLimbs<B::E>,
    capitals: &[&Limbs<B::E>],
) -> SignedLimbs<B::E> {
    let digits: SignedLimbs<B::E> = (0..MEANS_DIGITS)
        .map(|i| {
            let digit = b.cell(|w| F::from_i64(signed_digits(of(w), MEANS_DIGITS)[i]));
            signed_limb(b, digit)
        })
        .collect();
    capitals
        .iter()
        .fold(entry.sum(), |sum, capital| sum.plus(&capital.sum()))
        .minus(&digits.sum())
        .assert_zero(b, id);
    digits
}
