//! Comparison of numbers in 10-bit limbs.
//!
//! A number is a slice of limbs, least significant first, each range-checked to be below `2^10`:
//! three limbs hold 30 bits, six hold 60. One field element cannot tell the sign of a difference of
//! 30-bit numbers: `p < 2^31`, so a large negative difference looks like a positive one below `2^30`.
//! Therefore the difference is taken in chunks of 20 bits, with borrows.
//!
//! A signed number is held with an offset: the limbs of `v + 2^(10 n - 1)`. So the same comparison
//! serves signed numbers, and the top bit tells the sign.
//!
//! The constraints of this module:
//!
//! - COMPARE-1: a borrow is 0 or 1.
//! - COMPARE-2: in every chunk, `x - y - borrow_in + 2^20 borrow_out = difference`, with the difference's
//!   limbs below `2^10` by lookup. Both sides lie in `(-2^21, 2^21)`, so this holds over the integers and
//!   determines borrow and difference. (The top chunk of an odd number of limbs has 10 bits.)
//! - COMPARE-3: a sign is 0 or 1.
//! - COMPARE-4: the top limb of a number with offset is `2^9 (1 - sign) + rest`, with the rest below
//!   `2^9`: both it and its double are looked up as limbs.
//! - COMPARE-5: a small signed number, plus `2^29`, is the number in its three limbs.

use stark::{Expr, F, PrimeCharacteristicRing, PrimeField32, RowBuilder};

use crate::limbs::{join, limb_of, signed};
use crate::range::{LIMB_BITS, limb};

/// Limbs in a chunk.
const CHUNK_LIMBS: usize = 2;

/// Bits of a small signed number; see [`is_negative`].
pub const SMALL_BITS: usize = 3 * LIMB_BITS;

/// Reads a number below `2^(10 N)` from the witness: `N` cells, `N` lookups.
pub fn read_limbs<W, B: RowBuilder<W>, const N: usize>(
    b: &mut B,
    hint: impl Fn(&W) -> u64,
) -> [B::E; N] {
    std::array::from_fn(|i| {
        let cell = b.cell(|w| F::from_u64(limb_of(u128::from(hint(w)), i)));
        limb(b, &cell);
        cell
    })
}

/// A signed number as [`read_limbs`] takes it: `value + 2^(10 limbs - 1)`, or `None` outside of
/// `[-2^(10 limbs - 1), 2^(10 limbs - 1))` or beyond six limbs.
pub fn with_offset(value: i64, limbs: usize) -> Option<u64> {
    if limbs == 0 || limbs > 6 {
        return None;
    }
    let half = 1i64 << (LIMB_BITS * limbs - 1);
    (-half..half)
        .contains(&value)
        .then(|| (value + half).unsigned_abs())
}

/// A bit that is 1 if and only if `x < y`. Both have the same number of limbs.
///
/// Adds a limb cell per limb and a borrow cell per 20 bits. Degree 2 for limbs of degree 1.
///
/// # Panics
/// If the numbers have no limbs or different numbers of them.
pub fn less_than<W, B: RowBuilder<W>>(b: &mut B, x: &[B::E], y: &[B::E]) -> B::E {
    let zero = b.constant(F::ZERO);
    let result = borrows(b, x, y, zero, Known::Unknown);
    result.unwrap_or_else(|| b.constant(F::ZERO))
}

/// Requires `x < y`. As [`less_than`], with one cell less.
pub fn assert_less<W, B: RowBuilder<W>>(b: &mut B, x: &[B::E], y: &[B::E]) {
    let zero = b.constant(F::ZERO);
    borrows(b, x, y, zero, Known::Borrows);
}

/// Requires `x <= y`. As [`less_than`], with one cell less.
pub fn assert_at_most<W, B: RowBuilder<W>>(b: &mut B, x: &[B::E], y: &[B::E]) {
    let zero = b.constant(F::ZERO);
    borrows(b, y, x, zero, Known::DoesNot);
}

/// Requires `x + more <= y` for a `more` that is 0 or 1: `x < y` if it is 1, else `x <= y`.
pub fn assert_at_most_less<W, B: RowBuilder<W>>(b: &mut B, x: &[B::E], y: &[B::E], more: &B::E) {
    borrows(b, y, x, more.clone(), Known::DoesNot);
}

/// Whether the whole difference is known to be negative.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Unknown,
    Borrows,
    DoesNot,
}

/// `x - y - borrow`, chunk by chunk; gives the last borrow where it is not known.
fn borrows<W, B: RowBuilder<W>>(
    b: &mut B,
    x: &[B::E],
    y: &[B::E],
    mut borrow: B::E,
    known: Known,
) -> Option<B::E> {
    assert!(
        !x.is_empty() && x.len() == y.len(),
        "numbers of equally many limbs"
    );
    let chunks = x.len().div_ceil(CHUNK_LIMBS);
    for (c, (x, y)) in x.chunks(CHUNK_LIMBS).zip(y.chunks(CHUNK_LIMBS)).enumerate() {
        let radix = 1i64 << (LIMB_BITS * x.len());
        let value = join(x) - join(y) - borrow;
        borrow = if c + 1 < chunks || known == Known::Unknown {
            let bit = b.derive([&value], |[v]| F::from_bool(signed(v) < 0));
            b.boolean("COMPARE-1", &bit);
            bit
        } else {
            b.constant(F::from_bool(known == Known::Borrows))
        };
        let difference: Vec<B::E> = (0..x.len())
            .map(|i| {
                let cell = b.derive([&value], |[v]| {
                    F::from_u64(limb_of(signed(v).rem_euclid(radix) as u128, i))
                });
                limb(b, &cell);
                cell
            })
            .collect();
        let shifted = borrow.clone() * F::from_i64(radix);
        b.equal("COMPARE-2", value + shifted, join(&difference));
    }
    (known == Known::Unknown).then_some(borrow)
}

/// The sign of a number with offset (see [`with_offset`]): 1 if and only if it is negative.
///
/// # Panics
/// If the number has no limbs.
pub fn sign<W, B: RowBuilder<W>>(b: &mut B, limbs: &[B::E]) -> B::E {
    let top = limbs.last().expect("a number has limbs");
    let half = 1u64 << (LIMB_BITS - 1);
    let negative = b.derive([top], |[v]| F::from_bool(signed(v) < half as i64));
    b.boolean("COMPARE-3", &negative);
    let rest = b.derive([top], |[v]| F::from_i64(signed(v).rem_euclid(half as i64)));
    limb(b, &rest);
    limb(b, &(rest.clone() + rest.clone()));
    let positive = b.one() - negative.clone();
    b.equal(
        "COMPARE-4",
        top.clone(),
        positive * F::from_u64(half) + rest,
    );
    negative
}

/// Requires `-2^29 <= x < 2^29` and gives a bit that is 1 if and only if `x < 0`. Five cells, five
/// lookups; `x` may be any expression.
pub fn is_negative<W, B: RowBuilder<W>>(b: &mut B, x: &B::E) -> B::E {
    let offset = F::from_u64(1 << (SMALL_BITS - 1));
    let raised = x.clone() + offset;
    let limbs: [B::E; 3] = std::array::from_fn(|i| {
        let cell = b.derive([&raised], |[v]| {
            F::from_u64(limb_of(v.as_canonical_u32().into(), i))
        });
        limb(b, &cell);
        cell
    });
    b.equal("COMPARE-5", raised, join(&limbs));
    sign(b, &limbs)
}

/// The value of a number with offset, for up to three limbs: `sum limbs[i] 2^(10 i) - 2^(10 n - 1)`.
///
/// # Panics
/// If the number has no limbs or more than three.
pub fn signed_value<E: Expr>(limbs: &[E]) -> E {
    assert!((1..=3).contains(&limbs.len()), "one to three limbs");
    join(limbs) - F::from_u64(1 << (LIMB_BITS * limbs.len() - 1))
}
