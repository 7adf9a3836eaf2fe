//! Strictly increasing keys from row to row. So no key occurs twice, which makes a list a set.
//!
//! The first rows of the table are used, one key each; the rest is padding with key zero. A key is
//! below `2^60`, in six limbs.
//!
//! A key's limbs are range-checked too, so a key has one encoding. Constraints SORTED-1 to SORTED-6: `GADGETS.md`.

use stark::{F, PrimeCharacteristicRing, RowBuilder, When};

use crate::limbs::{join, limb_of};
use crate::range::{LIMB_BITS, limb};

/// Limbs of a key.
pub const KEY_LIMBS: usize = 6;
/// Bits of a key.
pub const KEY_BITS: usize = KEY_LIMBS * LIMB_BITS;

/// A row's part in the sorted list.
#[derive(Clone, Debug)]
pub struct Sorted<E> {
    /// 1 on a used row, 0 on padding.
    pub used: E,
    /// The key's limbs, least significant first; zero on padding.
    pub key: [E; KEY_LIMBS],
}

impl<E: stark::Expr> Sorted<E> {
    /// The key's two 30-bit halves, low first.
    pub fn halves(&self) -> [E; 2] {
        [
            join(&self.key[..KEY_LIMBS / 2]),
            join(&self.key[KEY_LIMBS / 2..]),
        ]
    }
}

/// Requires the keys of the used rows to increase strictly. `keys` gives the key of this row and that
/// of the next, each below `2^60`, `None` on padding and, for the next, on the last row.
///
/// Adds 17 cells and 12 lookups. Degree 2.
pub fn strictly_increasing<W, B: RowBuilder<W>>(
    b: &mut B,
    keys: impl Fn(&W) -> [Option<u64>; 2],
) -> Sorted<B::E> {
    let one = b.one();
    let (used, next_used) = b.state(|w| F::from_bool(keys(w)[0].is_some()));
    b.boolean("SORTED-1", &used);
    b.assert_zero(
        "SORTED-2",
        When::Transition,
        next_used.clone() * (one.clone() - used.clone()),
    );
    let states: [(B::E, B::E); KEY_LIMBS] = std::array::from_fn(|i| {
        let (cell, next) = b.state(|w| F::from_u64(limb_of(keys(w)[0].unwrap_or(0).into(), i)));
        limb(b, &cell);
        b.zero("SORTED-3", (one.clone() - used.clone()) * cell.clone());
        (cell, next)
    });
    let key = states.clone().map(|(cell, _)| cell);
    let next_key = states.map(|(_, next)| next);

    let linked = b.cell(|w| F::from_bool(keys(w)[1].is_some()));
    b.assert_zero("SORTED-4", When::Transition, linked.clone() - next_used);
    b.assert_zero("SORTED-4", When::Last, linked.clone());

    let mut borrow = b.constant(F::ZERO);
    for c in 0..KEY_LIMBS / 2 {
        let at = 2 * c..2 * c + 2;
        let mut value = join(&next_key[at.clone()]) - join(&key[at]);
        if c == 0 {
            value -= one.clone();
        }
        let value = linked.clone() * value - borrow;
        let gap: [B::E; 2] = std::array::from_fn(|i| {
            let cell = b.cell(|w| F::from_u64(limb_of(gap(keys(w)).into(), 2 * c + i)));
            limb(b, &cell);
            cell
        });
        borrow = if 2 * c + 2 == KEY_LIMBS {
            b.constant(F::ZERO)
        } else {
            let bit = b.cell(|w| F::from_bool(borrows(keys(w), 2 * c + 2)));
            b.boolean("SORTED-6", &bit);
            bit
        };
        let shifted = borrow.clone() * F::from_u64(1 << (2 * LIMB_BITS));
        b.integer("SORTED-5", value + shifted - join(&gap));
    }
    Sorted { used, key }
}

/// `next - key - 1`, modulo `2^60` where the keys do not increase.
fn gap(keys: [Option<u64>; 2]) -> u64 {
    match keys {
        [Some(key), Some(next)] => next.wrapping_sub(key).wrapping_sub(1) % (1 << KEY_BITS),
        _ => 0,
    }
}

/// Whether `next - key - 1` borrows out of its lowest `limbs` limbs.
fn borrows(keys: [Option<u64>; 2], limbs: usize) -> bool {
    let low = |x: u64| x % (1 << (LIMB_BITS * limbs));
    matches!(keys, [Some(key), Some(next)] if low(next) <= low(key))
}
