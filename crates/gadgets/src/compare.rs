//! Comparison of numbers in chunks of 20 bits.
//!
//! A number is compared in [`Chunks`] of two of its [`Limbs`]. One field
//! element cannot tell the sign of a difference of 30-bit numbers: `p < 2^31`, so a large negative
//! difference looks like a positive one below `2^30`. A difference of chunks lies in `(-2^20, 2^20)`.
//!
//! Two numbers are ordered as words are in a dictionary: by the highest chunk in which they differ. The
//! prover points at that chunk, which costs a bit a chunk, and only its difference is range-checked: two
//! lookups, however long the numbers are.
//!
//! Constraints COMPARE-1 to COMPARE-8: `GADGETS.md`.

use stark::{Expr, F, Field, PrimeCharacteristicRing, RowBuilder};

use crate::limbs::{Limbs, elements, join, signed};
use crate::range::LIMB_BITS;

/// Limbs in a chunk.
const CHUNK_LIMBS: usize = 2;
pub(crate) const CHUNK_BITS: usize = LIMB_BITS * CHUNK_LIMBS;
const CHUNK: i64 = 1 << CHUNK_BITS;

/// A number in chunks in `[0, 2^20)`, least significant first.
#[derive(Clone, Debug)]
pub struct Chunks<E>(Vec<E>);

impl<E: Expr> Chunks<E> {
    /// The chunks of a number in limbs; the last has 10 bits if their number is odd.
    pub(crate) fn of(limbs: &Limbs<E>) -> Self {
        Self(limbs[..].chunks(CHUNK_LIMBS).map(join).collect())
    }

    /// Chunks that were checked in the table or on the row that they come from, or that the verifier computes. The interval
    /// reading proves it under `id`.
    pub fn declared<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        id: &'static str,
        chunks: Vec<E>,
    ) -> Self {
        for chunk in &chunks {
            b.bounded(id, chunk, 0, CHUNK - 1);
        }
        Self(chunks)
    }

    /// The number if the bit is 1, else zero; raises the degree by one.
    #[must_use]
    pub fn times_bit(&self, bit: &E) -> Self {
        Self(self.iter().map(|c| c.clone() * bit.clone()).collect())
    }

    /// A public number in so many chunks.
    pub fn constant(value: u64, count: usize) -> Self {
        let chunk = |c: usize| (value >> (CHUNK_BITS * c)) % CHUNK as u64;
        Self((0..count).map(|c| E::from(F::from_u64(chunk(c)))).collect())
    }
}

elements!(Chunks);

/// A bit that is 1 if and only if `x < y`. Both have equally many chunks.
///
/// Adds a cell per chunk and three more, two lookups. Degree 3 for chunks of degree 1.
///
/// # Panics
/// If the numbers have no chunks or different numbers of them.
pub fn less_than<W, B: RowBuilder<W>>(b: &mut B, x: &Chunks<B::E>, y: &Chunks<B::E>) -> B::E {
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
pub fn assert_less<W, B: RowBuilder<W>>(b: &mut B, x: &Chunks<B::E>, y: &Chunks<B::E>) {
    let strict = b.one();
    rising(b, &differences(x, y), &strict);
}

/// Requires `x <= y`. As [`assert_less`].
pub fn assert_at_most<W, B: RowBuilder<W>>(b: &mut B, x: &Chunks<B::E>, y: &Chunks<B::E>) {
    let strict = b.constant(F::ZERO);
    rising(b, &differences(x, y), &strict);
}

/// Requires `x < y` if the bit `strict` is 1, else `x <= y`.
pub fn assert_at_most_less<W, B: RowBuilder<W>>(
    b: &mut B,
    x: &Chunks<B::E>,
    y: &Chunks<B::E>,
    strict: &B::E,
) {
    rising(b, &differences(x, y), strict);
}

/// Requires `x < y` if the bit `strict` is 1, else `x <= y`, and tells where they differ: a bit for each chunk, which is 1 for the
/// highest chunk that differs and 0 for all others. As [`assert_less`].
pub fn assert_rising<W, B: RowBuilder<W>>(
    b: &mut B,
    x: &Chunks<B::E>,
    y: &Chunks<B::E>,
    strict: &B::E,
) -> Vec<B::E> {
    rising(b, &differences(x, y), strict)
}

/// A bit that is 1 if and only if a value is not zero, with the inverse as the evidence: two cells.
pub fn is_not_zero<W, B: RowBuilder<W>>(b: &mut B, value: &B::E) -> B::E {
    let id = "COMPARE-8";
    let inverse = b.derive([value], |[v]| v.try_inverse().unwrap_or(F::ZERO));
    let differs = b.derive([value], |[v]| F::from_bool(v != F::ZERO));
    b.zero(id, value.clone() * inverse.clone() - differs.clone());
    let same = b.one() - differs.clone();
    b.zero(id, same.clone() * value.clone());
    b.zero(id, same * inverse);
    differs
}

/// `y - x`, chunk by chunk.
fn differences<E: Expr>(x: &Chunks<E>, y: &Chunks<E>) -> Vec<E> {
    assert!(
        !x.is_empty() && x.len() == y.len(),
        "numbers of equally many chunks"
    );
    x.iter()
        .zip(&y.0)
        .map(|(x, y)| y.clone() - x.clone())
        .collect()
}

/// The highest chunk that differs.
fn pointed(differences: &[F]) -> Option<usize> {
    differences.iter().rposition(|&d| d != F::ZERO)
}

/// Requires that the highest difference that is not zero is positive, and that there is one if the bit
/// `strict` is 1. The differences lie in `(-2^20, 2^20)`. Gives the pointers, the lowest chunk's first.
fn rising<W, B: RowBuilder<W>>(b: &mut B, differences: &[B::E], strict: &B::E) -> Vec<B::E> {
    // Built from the top: the sum of the pointers down to a chunk.
    for difference in differences {
        b.bounded("COMPARE-3", difference, 1 - CHUNK, CHUNK - 1);
    }
    let mut pointers = b.constant(F::ZERO);
    let mut list = Vec::with_capacity(differences.len());
    let mut step = b.constant(F::ZERO);
    for (c, difference) in differences.iter().enumerate().rev() {
        let pointer = b.derive_many(differences, |d| F::from_bool(pointed(d) == Some(c)));
        b.boolean("COMPARE-1", &pointer);
        step += pointer.clone() * difference.clone();
        pointers += pointer.clone();
        list.push(pointer);
        b.zero(
            "COMPARE-2",
            (b.one() - pointers.clone()) * difference.clone(),
        );
    }
    b.boolean("COMPARE-1", &pointers);
    let limbs = Limbs::derive(b, differences, CHUNK_LIMBS, |d| {
        pointed(d).map_or(0, |c| (signed(d[c]) - 1).rem_euclid(CHUNK)) as u128
    });
    b.integer("COMPARE-3", step - pointers.clone() - join(&limbs));
    b.zero("COMPARE-4", strict.clone() * (b.one() - pointers));
    list.reverse();
    list
}

/// Most numbers that [`assert_sum_at_most`] adds up: a borrow of two bits holds what three borrow.
pub const MOST_PARTS: usize = 3;

/// Requires that a sum of at most three numbers does not exceed a total.
/// Two cells and two lookups a chunk, and two bits for each chunk but the last. Degree 2.
///
/// # Panics
/// If there are no or too many parts, or numbers of different lengths.
pub fn assert_sum_at_most<W, B: RowBuilder<W>>(
    b: &mut B,
    parts: &[Chunks<B::E>],
    total: &Chunks<B::E>,
) {
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
        let slack = Limbs::derive(b, std::slice::from_ref(&value), CHUNK_LIMBS, |v| {
            signed(v[0]).rem_euclid(CHUNK) as u128
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
