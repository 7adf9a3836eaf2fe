//! Comparison of numbers in chunks of 20 bits.
//!
//! A number is a slice of limbs, least significant first, each range-checked to be below `2^10`:
//! three limbs hold 30 bits, six hold 60. It is compared in chunks of two limbs ([`chunks`]). One field
//! element cannot tell the sign of a difference of 30-bit numbers: `p < 2^31`, so a large negative
//! difference looks like a positive one below `2^30`. A difference of chunks lies in `(-2^20, 2^20)`.
//!
//! Two numbers are ordered as words are in a dictionary: by the highest chunk in which they differ. The
//! prover points at that chunk, which costs a bit a chunk, and only its difference is range-checked: two
//! lookups, however long the numbers are.
//!
//! A signed number is held with an offset: the limbs of `v + 2^(10 n - 1)`. So the same comparison
//! serves signed numbers, and the top bit tells the sign.
//!
//! Constraints COMPARE-1 to COMPARE-10: `GADGETS.md`.

use stark::{Expr, F, PrimeCharacteristicRing, PrimeField32, RowBuilder};

use crate::limbs::{join, limb_of, signed};
use crate::range::{LIMB_BITS, limb};

/// Limbs in a chunk.
const CHUNK_LIMBS: usize = 2;
const CHUNK: i64 = 1 << (LIMB_BITS * CHUNK_LIMBS);

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

/// The chunks of a number in limbs, least significant first; the last has 10 bits if their number is odd.
pub fn chunks<E: Expr>(limbs: &[E]) -> Vec<E> {
    limbs.chunks(CHUNK_LIMBS).map(join).collect()
}

/// A bit that is 1 if and only if `x < y`. Both are chunks in `[0, 2^20)`, equally many.
///
/// Adds a cell per chunk and three more, two lookups. Degree 3 for chunks of degree 1.
///
/// # Panics
/// If the numbers have no chunks or different numbers of them.
pub fn less_than<W, B: RowBuilder<W>>(b: &mut B, x: &[B::E], y: &[B::E]) -> B::E {
    let differences = differences(x, y);
    let less = b.derive_many(&differences, |d| {
        F::from_bool(pointed(d).is_some_and(|c| signed(d[c]) > 0))
    });
    b.boolean("COMPARE-5", &less);
    // 1 if x < y, -1 otherwise.
    let direction = less.clone() + less.clone() - b.one();
    let directed: Vec<B::E> = differences
        .into_iter()
        .map(|d| d * direction.clone())
        .collect();
    rising(b, &directed, &less);
    less
}

/// Requires `x < y`. As [`less_than`], with one cell less; degree 2.
pub fn assert_less<W, B: RowBuilder<W>>(b: &mut B, x: &[B::E], y: &[B::E]) {
    let strict = b.one();
    rising(b, &differences(x, y), &strict);
}

/// Requires `x <= y`. As [`assert_less`].
pub fn assert_at_most<W, B: RowBuilder<W>>(b: &mut B, x: &[B::E], y: &[B::E]) {
    let strict = b.constant(F::ZERO);
    rising(b, &differences(x, y), &strict);
}

/// Requires `x < y` if the bit `strict` is 1, else `x <= y`.
pub fn assert_at_most_less<W, B: RowBuilder<W>>(b: &mut B, x: &[B::E], y: &[B::E], strict: &B::E) {
    rising(b, &differences(x, y), strict);
}

/// `y - x`, chunk by chunk.
fn differences<E: Expr>(x: &[E], y: &[E]) -> Vec<E> {
    assert!(
        !x.is_empty() && x.len() == y.len(),
        "numbers of equally many chunks"
    );
    x.iter()
        .zip(y)
        .map(|(x, y)| y.clone() - x.clone())
        .collect()
}

/// The highest chunk that differs.
fn pointed(differences: &[F]) -> Option<usize> {
    differences.iter().rposition(|&d| d != F::ZERO)
}

/// Requires that the highest difference that is not zero is positive, and that there is one if the bit
/// `strict` is 1. The differences lie in `(-2^20, 2^20)`.
fn rising<W, B: RowBuilder<W>>(b: &mut B, differences: &[B::E], strict: &B::E) {
    // Built from the top: the sum of the pointers down to a chunk.
    for difference in differences {
        b.bounded("COMPARE-3", difference, 1 - CHUNK, CHUNK - 1);
    }
    let mut pointers = b.constant(F::ZERO);
    let mut step = b.constant(F::ZERO);
    for (c, difference) in differences.iter().enumerate().rev() {
        let pointer = b.derive_many(differences, |d| F::from_bool(pointed(d) == Some(c)));
        b.boolean("COMPARE-1", &pointer);
        step += pointer.clone() * difference.clone();
        pointers += pointer;
        b.zero(
            "COMPARE-2",
            (b.one() - pointers.clone()) * difference.clone(),
        );
    }
    b.boolean("COMPARE-1", &pointers);
    let limbs: [B::E; CHUNK_LIMBS] = std::array::from_fn(|i| {
        let cell = b.derive_many(differences, |d| {
            let step = pointed(d).map_or(0, |c| (signed(d[c]) - 1).rem_euclid(CHUNK));
            F::from_u64(limb_of(step as u128, i))
        });
        limb(b, &cell);
        cell
    });
    b.integer("COMPARE-3", step - pointers.clone() - join(&limbs));
    b.zero("COMPARE-4", strict.clone() * (b.one() - pointers));
}

/// Most numbers that [`assert_sum_at_most`] adds up: a borrow of two bits holds what three borrow.
pub const MOST_PARTS: usize = 3;

/// Requires that a sum of at most three numbers does not exceed a total, all in chunks in `[0, 2^20)`.
/// Two cells and two lookups a chunk, and two bits for each chunk but the last. Degree 2.
///
/// # Panics
/// If there are no or too many parts, or numbers of different lengths.
pub fn assert_sum_at_most<W, B: RowBuilder<W>>(b: &mut B, parts: &[&[B::E]], total: &[B::E]) {
    assert!(
        (1..=MOST_PARTS).contains(&parts.len()) && parts.iter().all(|p| p.len() == total.len()),
        "one to three numbers of equally many chunks"
    );
    let mut borrow = b.constant(F::ZERO);
    for (c, total_chunk) in total.iter().enumerate() {
        let sum = parts
            .iter()
            .fold(borrow.clone(), |sum, part| sum + part[c].clone());
        let value = total_chunk.clone() - sum;
        let slack: [B::E; CHUNK_LIMBS] = std::array::from_fn(|i| {
            let cell = b.derive([&value], |[v]| {
                F::from_u64(limb_of(signed(v).rem_euclid(CHUNK) as u128, i))
            });
            limb(b, &cell);
            cell
        });
        borrow = b.constant(F::ZERO);
        if c + 1 < total.len() {
            for i in 0..2 {
                let bit = b.derive([&value], |[v]| {
                    F::from_u64(((-signed(v).div_euclid(CHUNK)) as u64 >> i) & 1)
                });
                b.boolean("COMPARE-6", &bit);
                borrow += bit * F::from_u64(1 << i);
            }
        }
        let shifted = borrow.clone() * F::from_i64(CHUNK);
        b.integer("COMPARE-7", value + shifted - join(&slack));
    }
}

/// The sign of a number with offset (see [`with_offset`]): 1 if and only if it is negative.
///
/// # Panics
/// If the number has no limbs.
pub fn sign<W, B: RowBuilder<W>>(b: &mut B, limbs: &[B::E]) -> B::E {
    let top = limbs.last().expect("a number has limbs");
    let half = 1u64 << (LIMB_BITS - 1);
    let negative = b.derive([top], |[v]| F::from_bool(signed(v) < half as i64));
    b.boolean("COMPARE-8", &negative);
    let rest = b.derive([top], |[v]| F::from_i64(signed(v).rem_euclid(half as i64)));
    limb(b, &rest);
    limb(b, &(rest.clone() + rest.clone()));
    let positive = b.one() - negative.clone();
    b.integer(
        "COMPARE-9",
        top.clone() - positive * F::from_u64(half) - rest,
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
    b.equal("COMPARE-10", raised, join(&limbs));
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
