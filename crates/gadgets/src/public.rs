//! Public values of a table, in the order in which its row reads them.
//!
//! Numbers of a claim are never constants of a constraint: they enter rows as public values or fixed columns, so that tables
//! of one shape are one program, whatever they say.

use stark::{F, RowBuilder, felt};

use crate::compare::{CHUNK_BITS, Chunks};
use crate::limbs::{Limbs, limb_of, limbs_of};

/// A row's place in its table's public values.
#[derive(Debug)]
pub struct Publics(usize);

impl Publics {
    /// Reads from this public value on.
    pub fn from(first: usize) -> Self {
        Self(first)
    }

    /// The next public value.
    pub fn element<W, B: RowBuilder<W>>(&mut self, b: &B) -> B::E {
        self.0 += 1;
        b.public(self.0 - 1)
    }

    /// The next public values.
    pub fn elements<W, B: RowBuilder<W>>(&mut self, b: &B, count: usize) -> Vec<B::E> {
        (0..count).map(|_| self.element(b)).collect()
    }

    /// The next number, in so many limbs (see [`limb_values`]). The interval reading takes the values themselves: it finds
    /// under `id` that they are below 2^10.
    pub fn limbs<W, B: RowBuilder<W>>(
        &mut self,
        b: &mut B,
        id: &'static str,
        count: usize,
    ) -> Limbs<B::E> {
        let limbs = self.elements(b, count);
        Limbs::declared(b, id, limbs)
    }

    /// The next number, in so many chunks (see [`chunk_values`]), as [`limbs`](Self::limbs).
    pub fn chunks<W, B: RowBuilder<W>>(
        &mut self,
        b: &mut B,
        id: &'static str,
        count: usize,
    ) -> Chunks<B::E> {
        let chunks = self.elements(b, count);
        Chunks::declared(b, id, chunks)
    }
}

/// A number as public values, one a limb.
///
/// # Panics
/// If it has more limbs.
pub fn limb_values(value: u128, count: usize) -> Vec<F> {
    assert!(limbs_of(value).len() <= count, "a number fits its limbs");
    (0..count).map(|i| felt(limb_of(value, i))).collect()
}

/// A number as public values, one for 20 bits.
///
/// # Panics
/// If it has more bits.
pub fn chunk_values(value: u64, count: usize) -> Vec<F> {
    let limbs = limb_values(value.into(), 2 * count);
    let chunk = |pair: &[F]| pair[0] + pair[1] * felt(1 << (CHUNK_BITS / 2));
    limbs.chunks(2).map(chunk).collect()
}
