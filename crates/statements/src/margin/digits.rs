//! From sums of products to signs, with the fewest range checks.
//!
//! An integer stands as `sum coefficient[i] * 2^(10 place[i])`, each coefficient with a bound on its
//! magnitude. [`sign`] carries from the lowest coefficient up. The bound of each carry follows from
//! the bounds of the coefficients, and a small carry costs less than a large one.

use gadgets::limbs::{Limbs, join, signed};
use gadgets::range::{CARRY_BITS, LIMB_BITS, carry as range_carry};
use gadgets::sum::Sum;
use stark::{Expr, F, P, PrimeCharacteristicRing, RowBuilder};

/// A coefficient that covers `limbs` limbs of 10 bits (one or two) and lies in `range`, both ends
/// included.
#[derive(Clone, Debug)]
pub(crate) struct Digit<E> {
    /// The coefficient.
    pub value: E,
    /// Least and greatest value.
    pub range: Range,
    /// One or two.
    pub limbs: usize,
}

/// Least and greatest value of an integer.
pub(crate) type Range = (i64, i64);

/// How carries of two limbs are known to be small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// By a lookup for each limb.
    Limbs,
    /// By one lookup of 16 bits, where they fit: half the lookups, and a table that answers them.
    Whole,
}

/// The offset that makes carries of 16 bits positive.
const CARRY_OFFSET: i64 = 1 << (CARRY_BITS - 1);

/// How a carry is known to be small.
enum Carry {
    /// It is -1, 0 or 1, by a constraint.
    Unit,
    /// With an offset it is that many limbs.
    Limbs(usize),
    /// With an offset it has 16 bits.
    Whole,
}

impl Carry {
    fn of((low, high): Range, carries: Carries) -> Self {
        match low.unsigned_abs().max(high.unsigned_abs()) {
            0..=1 => Self::Unit,
            2..512 => Self::Limbs(1),
            512..=MOST_WHOLE if carries == Carries::Whole => Self::Whole,
            _ => Self::Limbs(2),
        }
    }
    /// The magnitude that the check lets through.
    fn reach(&self) -> u64 {
        match self {
            Self::Unit => 1,
            Self::Limbs(n) => 1 << (LIMB_BITS * n - 1),
            Self::Whole => 1 << (CARRY_BITS - 1),
        }
    }
}

/// The largest magnitude of a carry of 16 bits.
pub(crate) const MOST_WHOLE: u64 = (1 << (CARRY_BITS - 1)) - 1;

fn plus(a: Range, b: Range) -> Range {
    (a.0 + b.0, a.1 + b.1)
}

/// The carry out of a digit with this range, the carry into it included.
fn carry_out(range: Range, limbs: usize) -> Range {
    let radix = 1 << (LIMB_BITS * limbs);
    (range.0.div_euclid(radix), range.1.div_euclid(radix))
}

/// How many one-limb digits must be put on top of coefficients with these ranges, so that the
/// integer is at least `-2^(10 limbs)` and below `2^(10 limbs)`.
pub(crate) fn headroom(digits: impl IntoIterator<Item = (Range, usize)>) -> usize {
    let mut carry = digits.into_iter().fold((0, 0), |carry, (range, limbs)| {
        carry_out(plus(range, carry), limbs)
    });
    let mut extra = 0;
    while carry.0 < -1 || carry.1 > 0 {
        carry = carry_out(carry, 1);
        extra += 1;
    }
    extra
}

/// One-limb digits that hold a sum, at least so many.
pub(crate) fn digits_of<E: Expr>(sum: &Sum<E>, least: usize) -> Vec<Digit<E>> {
    let (coefficients, bound) = (sum.coefficients(), sum.bound() as i64);
    let len = held(coefficients.len(), bound).max(least);
    let digits = (0..len).map(|i| match coefficients.get(i) {
        Some(c) => Digit {
            value: c.clone(),
            range: (-bound, bound),
            limbs: 1,
        },
        None => Digit {
            value: E::ZERO,
            range: (0, 0),
            limbs: 1,
        },
    });
    digits.collect()
}

/// How many one-limb digits hold a number of so many coefficients with this bound.
pub(crate) fn held(coefficients: usize, bound: i64) -> usize {
    coefficients + headroom(std::iter::repeat_n(((-bound, bound), 1), coefficients))
}

/// The limbs of an integer, range-checked, and its sign.
///
/// With `signed_result`, the bit is 1 if and only if the integer is negative, and then the limbs
/// are those of the integer plus `2^(10 limbs)`. Without, the integer is required to be non-negative.
///
/// Constraint `id`: `coefficient + carry = limbs + 2^(10 n) next carry`. Both sides stay below `p`
/// in magnitude, which is asserted here, so it holds over the integers.
pub(crate) fn sign<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    digits: &[Digit<B::E>],
    signed_result: bool,
) -> (Vec<B::E>, Option<B::E>) {
    sign_with(b, id, digits, signed_result, Carries::Limbs)
}

/// The same, with carries that are known to be small in a way of choice.
pub(crate) fn sign_with<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    digits: &[Digit<B::E>],
    signed_result: bool,
    carries: Carries,
) -> (Vec<B::E>, Option<B::E>) {
    let bounds = digits.iter().map(|d| (d.range, d.limbs));
    assert_eq!(
        headroom(bounds),
        0,
        "{id}: the digits do not hold the integer"
    );
    let mut carry = b.constant(F::ZERO);
    let mut carry_range = (0, 0);
    let mut limbs = Vec::new();
    let mut negative = None;
    for (i, digit) in digits.iter().enumerate() {
        let radix = 1u64 << (LIMB_BITS * digit.limbs);
        b.bounded(id, &digit.value, digit.range.0, digit.range.1);
        let value = digit.value.clone() + carry;
        let range = plus(digit.range, carry_range);
        carry_range = carry_out(range, digit.limbs);
        let from = std::slice::from_ref(&value);
        let low = Limbs::derive(b, from, digit.limbs, |v| {
            signed(v[0]).rem_euclid(radix as i64) as u128
        });
        let quotient = move |v: F| signed(v).div_euclid(radix as i64);
        carry = if i + 1 < digits.len() {
            let check = Carry::of(carry_range, carries);
            let magnitude = range.0.unsigned_abs().max(range.1.unsigned_abs());
            let equation = magnitude + radix + radix * check.reach();
            assert!(
                equation < u64::from(P),
                "{id}: an equation exceeds the field"
            );
            match check {
                Carry::Unit => {
                    let cell = b.derive([&value], |[v]| F::from_i64(quotient(v)));
                    let square = cell.clone() * cell.clone();
                    b.zero(id, cell.clone() * square - cell.clone());
                    cell
                }
                Carry::Limbs(n) => {
                    let offset = 1i64 << (LIMB_BITS * n - 1);
                    let parts =
                        Limbs::derive(b, from, n, |v| (quotient(v[0]) + offset).max(0) as u128);
                    join(&parts) - F::from_i64(offset)
                }
                Carry::Whole => {
                    let raised = b.derive([&value], |[v]| {
                        F::from_i64((quotient(v) + CARRY_OFFSET).rem_euclid(2 * CARRY_OFFSET))
                    });
                    range_carry(b, &raised);
                    raised - F::from_i64(CARRY_OFFSET)
                }
            }
        } else if signed_result {
            // The top: nothing is left, or minus one if the integer is negative.
            let bit = b.derive([&value], |[v]| F::from_bool(signed(v) < 0));
            b.boolean(id, &bit);
            negative = Some(bit.clone());
            -bit
        } else {
            b.constant(F::ZERO)
        };
        b.integer(id, value - join(&low) - carry.clone() * F::from_u64(radix));
        limbs.extend(low);
    }
    (limbs, negative)
}

/// The balanced digits of a number, base 2^10, least significant first: each but the top one lies
/// in `[-512, 512)`.
pub(crate) fn balanced(mut value: i64, digits: usize) -> Vec<i64> {
    let mut out = Vec::with_capacity(digits);
    for i in 0..digits {
        let low = if i + 1 == digits {
            value
        } else {
            (value + 512).rem_euclid(1024) - 512
        };
        out.push(low);
        value = (value - low) >> LIMB_BITS;
    }
    out
}

/// How many balanced digits of magnitude at most 512 hold every one of these numbers.
pub(crate) fn balanced_len(values: impl IntoIterator<Item = i64>) -> usize {
    let most = values.into_iter().map(i64::unsigned_abs).max().unwrap_or(0);
    let mut digits = 1;
    let fits = |n: usize| {
        let top = |v: i64| balanced(v, n)[n - 1].unsigned_abs() <= 512;
        top(most as i64) && top(-(most as i64))
    };
    while !fits(digits) {
        digits += 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn balanced_digits_add_up(value in -(1i64 << 60)..1i64 << 60) {
            let n = balanced_len([value]);
            let digits = balanced(value, n);
            prop_assert!(digits.iter().all(|d| d.abs() <= 512));
            let sum = digits.iter().rev().fold(0i128, |sum, &d| sum * 1024 + i128::from(d));
            prop_assert_eq!(sum, i128::from(value));
        }
    }

    #[test]
    fn headroom_grows_with_the_bound() {
        assert_eq!(headroom([((0, 1023), 1)]), 0);
        assert_eq!(headroom([((-1024, 0), 1)]), 0);
        assert_eq!(headroom([((0, 1024), 1)]), 1);
        assert_eq!(headroom([((0, (1 << 20) - 1), 2)]), 0);
        assert_eq!(headroom([((-(1 << 29), 1 << 29), 1); 8]), 2);
    }
}
