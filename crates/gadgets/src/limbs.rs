//! Exact integers in a 31-bit field: numbers in 10-bit limbs, each range-checked.
//!
//! Being range-checked is a type: [`Limb`], [`Limbs`], [`SignedLimb`], [`SignedLimbs`] and [`Amount`] are made by functions
//! that look their values up, and give a [`Sum`] whose bound they know. What another table checked, or the verifier computes,
//! is [declared](Limbs::declared), and the interval reading proves it.

use std::ops::{Deref, Range};

use stark::{Expr, F, P, PrimeCharacteristicRing, PrimeField32, RowBuilder};

use crate::compare::Chunks;
use crate::range::{LIMB_BITS, Limb, limb};
use crate::sum::Sum;

/// Limbs of an [`Amount`].
pub const AMOUNT_LIMBS: usize = 6;
/// Bits of an [`Amount`].
pub const AMOUNT_BITS: usize = AMOUNT_LIMBS * LIMB_BITS;
/// Chunks of 20 bits in an [`Amount`].
pub const CHUNKS: usize = 3;
const LIMB: u64 = 1 << LIMB_BITS;
/// The largest limb.
pub const LIMB_MAX: u64 = LIMB - 1;
/// The largest magnitude of a signed limb, which lies in `[-512, 512)`.
pub const SIGNED_LIMB_MAX: u64 = LIMB / 2;

/// The 10-bit limb `index` of a number.
pub fn limb_of(value: u128, index: usize) -> u64 {
    // Above the number's 128 bits there is nothing.
    let rest = value.checked_shr((LIMB_BITS * index) as u32).unwrap_or(0);
    (rest % u128::from(LIMB)) as u64
}

/// The number that limbs stand for, which is below 2^128.
pub fn number_of(limbs: &[F]) -> u128 {
    let add = |number, limb: &F| (number << LIMB_BITS) + u128::from(limb.as_canonical_u32());
    limbs.iter().rev().fold(0, add)
}

/// The three 20-bit chunks of a number below 2^60.
pub fn chunks_of(value: u64) -> [u64; CHUNKS] {
    std::array::from_fn(|i| (value >> (2 * LIMB_BITS * i)) % (LIMB * LIMB))
}

/// The two 30-bit halves of a number below 2^60, low first: how amounts enter hashes.
pub fn halves_of(value: u64) -> [F; 2] {
    [F::from_u64(value % (1 << 30)), F::from_u64(value >> 30)]
}

/// The integer of least magnitude that a field element stands for.
pub fn signed(x: F) -> i64 {
    let v = i64::from(x.as_canonical_u32());
    if v > i64::from(P / 2) {
        v - i64::from(P)
    } else {
        v
    }
}

/// A checked list is read as a slice of expressions.
macro_rules! elements {
    ($list:ident) => {
        impl<E> std::ops::Deref for $list<E> {
            type Target = [E];
            fn deref(&self) -> &[E] {
                &self.0
            }
        }

        impl<E> IntoIterator for $list<E> {
            type Item = E;
            type IntoIter = std::vec::IntoIter<E>;
            fn into_iter(self) -> Self::IntoIter {
                self.0.into_iter()
            }
        }

        impl<'a, E> IntoIterator for &'a $list<E> {
            type Item = &'a E;
            type IntoIter = std::slice::Iter<'a, E>;
            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
    };
}
pub(crate) use elements;

/// A number in limbs below 2^10, least significant first: `sum limbs[i] * 2^(10 i)`.
#[derive(Clone, Debug)]
pub struct Limbs<E>(Vec<E>);

impl<E: Expr> Limbs<E> {
    /// Reads a number from the witness: a cell and a lookup for each limb.
    pub fn read<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        count: usize,
        hint: impl Fn(&W) -> u128,
    ) -> Self {
        let read = |i| {
            let cell = b.cell(|w| F::from_u64(limb_of(hint(w), i)));
            limb(b, cell)
        };
        (0..count).map(read).collect()
    }

    /// A number computed from expressions of the same row: a cell and a lookup for each limb.
    pub fn derive<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        from: &[E],
        count: usize,
        hint: impl Fn(&[F]) -> u128,
    ) -> Self {
        let derive = |i| {
            let cell = b.derive_many(from, |v| F::from_u64(limb_of(hint(v), i)));
            limb(b, cell)
        };
        (0..count).map(derive).collect()
    }

    /// Limbs that are below 2^10 for another reason than a lookup on their row: they were checked in the table or on the row
    /// that they come from. The interval reading proves it under `id`.
    pub fn declared<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        id: &'static str,
        limbs: Vec<E>,
    ) -> Self {
        for limb in &limbs {
            b.bounded(id, limb, 0, LIMB_MAX as i64);
        }
        Self(limbs)
    }

    /// A public number that stands in fixed columns. The interval reading proves under `id` that they hold limbs.
    pub fn fixed<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        id: &'static str,
        columns: Range<usize>,
    ) -> Self {
        let limbs = columns.map(|column| b.fixed(column)).collect();
        Self::declared(b, id, limbs)
    }

    /// The number as so many limbs, with zeros on top.
    ///
    /// # Panics
    /// If it has more.
    #[must_use]
    pub fn padded(mut self, count: usize) -> Self {
        assert!(self.0.len() <= count, "a number keeps its limbs");
        self.0.resize(count, E::ZERO);
        self
    }

    /// One number's limbs above the other's.
    pub fn concat(parts: Vec<Self>) -> Self {
        Self(parts.into_iter().flatten().collect())
    }

    /// The number as an exact integer.
    pub fn sum(&self) -> Sum<E> {
        Sum::new(self.0.clone(), LIMB_MAX)
    }

    /// The number in chunks of 20 bits; the last has 10 if the limbs are odd in number.
    pub fn chunks(&self) -> Chunks<E> {
        Chunks::of(self)
    }
}

impl<E> FromIterator<Limb<E>> for Limbs<E> {
    fn from_iter<I: IntoIterator<Item = Limb<E>>>(limbs: I) -> Self {
        Self(limbs.into_iter().map(Limb::into_inner).collect())
    }
}

elements!(Limbs);

/// A value in `[-512, 512)`: only [`signed_limb`] makes one.
#[derive(Clone, Debug)]
pub struct SignedLimb<E>(E);

impl<E> Deref for SignedLimb<E> {
    type Target = E;
    fn deref(&self) -> &E {
        &self.0
    }
}

/// Requires `-512 <= x < 512`.
pub fn signed_limb<W, B: RowBuilder<W>>(b: &mut B, x: B::E) -> SignedLimb<B::E> {
    limb(b, x.clone() + F::from_u64(SIGNED_LIMB_MAX));
    SignedLimb(x)
}

/// A signed number in limbs in `[-512, 512)`, least significant first: one encoding a number.
#[derive(Clone, Debug)]
pub struct SignedLimbs<E>(Vec<E>);

impl<E: Expr> SignedLimbs<E> {
    /// Limbs that lie in `[-512, 512]` for another reason than a lookup on their row, as [`Limbs::declared`].
    pub fn declared<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        id: &'static str,
        limbs: Vec<E>,
    ) -> Self {
        let most = SIGNED_LIMB_MAX as i64;
        for limb in &limbs {
            b.bounded(id, limb, -most, most);
        }
        Self(limbs)
    }

    /// The number as an exact integer.
    pub fn sum(&self) -> Sum<E> {
        Sum::new(self.0.clone(), SIGNED_LIMB_MAX)
    }

    /// The limbs plus 512 each, as they enter hashes.
    pub fn raised(&self) -> Vec<E> {
        let raised = |limb: &E| limb.clone() + F::from_u64(SIGNED_LIMB_MAX);
        self.0.iter().map(raised).collect()
    }
}

impl<E> FromIterator<SignedLimb<E>> for SignedLimbs<E> {
    fn from_iter<I: IntoIterator<Item = SignedLimb<E>>>(limbs: I) -> Self {
        Self(limbs.into_iter().map(|limb| limb.0).collect())
    }
}

elements!(SignedLimbs);

/// A number below 2^60, in six [`Limbs`].
#[derive(Clone, Debug)]
pub struct Amount<E>(Limbs<E>);

impl<E: Expr> Amount<E> {
    /// Reads an amount from the witness: six cells, six lookups.
    pub fn read<W, B: RowBuilder<W, E = E>>(b: &mut B, hint: impl Fn(&W) -> u64) -> Self {
        Self(Limbs::read(b, AMOUNT_LIMBS, |w| hint(w).into()))
    }

    /// An amount computed from expressions of the same row: six cells, six lookups.
    pub fn derive<W, B: RowBuilder<W, E = E>>(
        b: &mut B,
        from: &[E],
        hint: impl Fn(&[F]) -> u64,
    ) -> Self {
        Self(Limbs::derive(b, from, AMOUNT_LIMBS, |v| hint(v).into()))
    }

    /// The limbs, least significant first.
    pub fn limbs(&self) -> &Limbs<E> {
        &self.0
    }

    /// The three 20-bit chunks.
    pub fn chunks(&self) -> Chunks<E> {
        self.0.chunks()
    }

    /// The two 30-bit halves, low first; canonical, since the limbs are.
    pub fn halves(&self) -> [E; 2] {
        [join(&self.0[..3]), join(&self.0[3..])]
    }

    /// The amount as an exact integer.
    pub fn to_sum(&self) -> Sum<E> {
        self.0.sum()
    }
}

/// `sum limbs[i] * 2^(10 i)`. The caller knows that it stays below `p`.
pub fn join<E: Expr>(limbs: &[E]) -> E {
    let mut value = E::ZERO;
    for limb in limbs.iter().rev() {
        value = value * F::from_u64(LIMB) + limb.clone();
    }
    value
}

/// The limbs of a public number, without leading zeros.
pub fn limbs_of(value: u128) -> Vec<u64> {
    let bits = (u128::BITS - value.leading_zeros()) as usize;
    (0..bits.div_ceil(LIMB_BITS))
        .map(|i| limb_of(value, i))
        .collect()
}
