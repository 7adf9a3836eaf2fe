//! Tiered haircuts inside a row.
//!
//! A haircut schedule is a continuous, concave, piecewise linear function with public pieces: in
//! piece `k`, from `start[k]` on, the value of an amount `x` is `intercept[k] + rate[k] * x`. The
//! piece is selected by one-hot bits and pinned from both sides, so no piece but the right one
//! (which, by concavity, is the one that gives the least value) can be used.

use gadgets::limbs::{AMOUNT_LIMBS, Amount, CHUNKS, Sum, chunks_of, difference, limbs_of};
use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder};

/// One piece of a haircut schedule, in the units of the circuits (see [`risk::haircut`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First amount of the piece, in asset units.
    pub start: u64,
    /// PHI per asset unit.
    pub rate: u64,
    /// PHI at amount zero, on the piece's line.
    pub intercept: u128,
}

/// The pieces of a schedule, from `(start, base, rate)` with `base` the value at `start`.
///
/// # Panics
/// If the schedule does not start at zero or is not concave; `risk` never makes such a one.
pub fn pieces(tiers: &[(u64, u128, u64)]) -> Vec<Piece> {
    assert!(
        tiers.first().is_none_or(|t| t.0 == 0 && t.1 == 0),
        "a schedule starts at zero"
    );
    assert!(
        tiers
            .windows(2)
            .all(|w| w[0].0 < w[1].0 && w[0].2 >= w[1].2),
        "rates fall"
    );
    tiers
        .iter()
        .map(|&(start, base, rate)| {
            let intercept = base
                .checked_sub(u128::from(start) * u128::from(rate))
                .expect("a concave function through zero has non-negative intercepts");
            Piece {
                start,
                rate,
                intercept,
            }
        })
        .collect()
}

/// The haircut value of `x` in PHI. An empty schedule is worth nothing.
///
/// Constraint `id`: exactly one piece is selected (bits, sum 1); `x - start >= 0`; and, but for the
/// last piece, `next start - 1 - x >= 0`.
pub fn haircut<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    x: &Amount<B::E>,
    pieces: &[Piece],
) -> Sum<B::E> {
    let Some(last) = pieces.len().checked_sub(1) else {
        return Sum::zero();
    };
    let limbs = x.limbs();
    let selectors: Vec<B::E> = (0..=last)
        .map(|k| {
            let bit = b.derive_many(limbs, |limbs| {
                let x = limbs
                    .iter()
                    .rev()
                    .fold(0, |v, l| v << 10 | u64::from(value(*l)));
                F::from_bool(
                    pieces[k].start <= x && pieces.get(k + 1).is_none_or(|next| x < next.start),
                )
            });
            b.boolean(id, &bit);
            bit
        })
        .collect();
    let sum = selectors
        .iter()
        .cloned()
        .fold(b.constant(F::ZERO), |a, s| a + s);
    b.zero(id, sum - b.one());

    let start = select_chunks(
        &selectors,
        &pieces.iter().map(|p| p.start).collect::<Vec<_>>(),
    );
    difference(b, id, &x.chunks(), &start, 1, AMOUNT_LIMBS, false);
    if last > 0 {
        let ends: Vec<u64> = pieces[1..].iter().map(|p| p.start - 1).collect();
        let end = select_chunks(&selectors[..last], &ends);
        let inner = b.one() - selectors[last].clone();
        let x_inner = x.chunks().map(|c| c * inner.clone());
        let needed = limbs_of(u128::from(ends[last - 1]))
            .len()
            .next_multiple_of(2);
        difference(b, id, &end, &x_inner, 1, needed.min(AMOUNT_LIMBS), false);
    }
    let rate = Sum::selected(
        &selectors,
        &pieces
            .iter()
            .map(|p| u128::from(p.rate))
            .collect::<Vec<_>>(),
    );
    let intercept = Sum::selected(
        &selectors,
        &pieces.iter().map(|p| p.intercept).collect::<Vec<_>>(),
    );
    Sum::product(&x.to_sum(), &rate).plus(&intercept)
}

fn value(x: F) -> u32 {
    use stark::PrimeField32;
    x.as_canonical_u32()
}

fn select_chunks<E: Expr>(selectors: &[E], values: &[u64]) -> [E; CHUNKS] {
    let chunks: Vec<[u64; CHUNKS]> = values.iter().map(|&v| chunks_of(v)).collect();
    std::array::from_fn(|c| {
        selectors
            .iter()
            .zip(&chunks)
            .fold(E::ZERO, |sum, (s, chunk)| {
                sum + s.clone() * F::from_u64(chunk[c])
            })
    })
}

/// A public rate as limbs.
pub fn public_rate<E: Expr>(rate: u64) -> Sum<E> {
    Sum::constant(i128::from(rate))
}
