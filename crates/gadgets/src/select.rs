//! Selection: one of two, one of a list, the largest of a list. Constraints SELECT-1 to SELECT-3: `GADGETS.md`.
//!
//! The largest is found by the comparison of [`compare`](crate::compare): each number is at most the maximum, and less if it
//! stands before the selected one. So the selected number is the first of the largest, and no bit is left open where two are
//! equal.

use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder};

use crate::compare::{assert_at_most_less, chunks};

/// `a` if `bit` is 1, `b` if it is 0. The caller knows that it is one of the two. Raises the degree by one.
pub fn select<E: Expr>(bit: &E, a: &E, b: &E) -> E {
    b.clone() + bit.clone() * (a.clone() - b.clone())
}

/// A selector of one of `n`: `n` bits of which exactly one is 1, at the hinted place.
pub fn one_hot<W, B: RowBuilder<W>>(b: &mut B, n: usize, place: impl Fn(&W) -> usize) -> Vec<B::E> {
    let bits: Vec<B::E> = (0..n)
        .map(|i| b.cell(|w| F::from_bool(place(w) == i)))
        .collect();
    constrain_one_hot(b, &bits);
    bits
}

fn constrain_one_hot<W, B: RowBuilder<W>>(b: &mut B, bits: &[B::E]) {
    for bit in bits {
        b.boolean("SELECT-1", bit);
    }
    let sum = bits
        .iter()
        .fold(b.constant(F::ZERO), |sum, bit| sum + bit.clone());
    let one = b.one();
    b.equal("SELECT-2", sum, one);
}

/// The selected value: `sum selector[i] * values[i]`. Raises the degree by one.
///
/// # Panics
/// If there is not one bit for each value.
pub fn pick<E: Expr>(selector: &[E], values: &[E]) -> E {
    assert_eq!(selector.len(), values.len(), "one bit for each value");
    selector
        .iter()
        .zip(values)
        .fold(E::ZERO, |sum, (s, v)| sum + s.clone() * v.clone())
}

/// The largest of a list of numbers in `N` range-checked limbs, and the selector of the first that
/// attains it. Adds `N` cells, a bit for each number and, for each number, the cells of a comparison.
///
/// # Panics
/// If the list is empty.
pub fn maximum<W, B: RowBuilder<W>, const N: usize>(
    b: &mut B,
    numbers: &[[B::E; N]],
) -> ([B::E; N], Vec<B::E>) {
    assert!(!numbers.is_empty(), "the largest of no numbers");
    let flat: Vec<B::E> = numbers.as_flattened().to_vec();
    let selector: Vec<B::E> = (0..numbers.len())
        .map(|i| b.derive_many(&flat, |limbs| F::from_bool(first_largest::<N>(limbs) == i)))
        .collect();
    constrain_one_hot(b, &selector);
    let largest: [B::E; N] = std::array::from_fn(|l| {
        let column: Vec<B::E> = numbers.iter().map(|n| n[l].clone()).collect();
        let picked = pick(&selector, &column);
        let cell = b.derive([&picked], |[v]| v);
        b.equal("SELECT-3", cell.clone(), picked);
        cell
    });
    // 1 as long as the selected number is still to come.
    let mut before = b.one();
    for (number, selected) in numbers.iter().zip(&selector) {
        before -= selected.clone();
        assert_at_most_less(b, &chunks(number), &chunks(&largest), &before);
    }
    (largest, selector)
}

/// Which of the numbers, `N` limbs each, least significant first, is the first of the largest.
fn first_largest<const N: usize>(limbs: &[F]) -> usize {
    use stark::PrimeField32;
    let key = |number: &[F]| -> Vec<u32> {
        number
            .iter()
            .rev()
            .map(PrimeField32::as_canonical_u32)
            .collect()
    };
    let mut best = 0;
    for (i, number) in limbs.chunks(N).enumerate() {
        if key(number) > key(&limbs[best * N..(best + 1) * N]) {
            best = i;
        }
    }
    best
}
