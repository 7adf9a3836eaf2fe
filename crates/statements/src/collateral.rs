//! Tiered haircuts inside a row.
//!
//! A haircut schedule is a continuous, concave, piecewise linear function with public pieces: in
//! piece `k`, from `start[k]` on, the value of an amount `x` is `intercept[k] + rate[k] * x`. The
//! piece is selected by one-hot bits and pinned from both sides, so no piece but the right one
//! (which, by concavity, is the one that gives the least value) can be used.

use gadgets::compare::{Chunks, assert_at_most};
use gadgets::limbs::{Amount, CHUNKS, Limbs, limbs_of};
use gadgets::public::{Publics, chunk_values, limb_values};
use gadgets::sum::Sum;
use stark::{F, PrimeCharacteristicRing, RowBuilder};

/// Most tiers of a schedule: each is a cell of every row, and a verifier builds the rows it is told.
pub const MAX_TIERS: usize = 64;

/// One piece of a haircut schedule, in the units of the circuits (see [`market::haircut`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First amount of the piece, in asset units.
    pub start: u64,
    /// subticks per asset unit.
    pub rate: u64,
    /// subticks at amount zero, on the piece's line.
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

/// Limbs of the largest rate and of the largest intercept of a schedule.
pub fn piece_limbs(pieces: &[Piece]) -> [usize; 2] {
    let most = |of: fn(&Piece) -> u128| pieces.iter().map(of).max().unwrap_or(0);
    [most(|p| p.rate.into()), most(|p| p.intercept)].map(|most| limbs_of(most).len())
}

/// A schedule as public values, in the order in which [`haircut`] reads them.
pub fn public_pieces(pieces: &[Piece]) -> Vec<F> {
    let [rate, intercept] = piece_limbs(pieces);
    let mut values = Vec::new();
    if pieces.len() > 1 {
        values.extend(pieces.iter().flat_map(|p| chunk_values(p.start, CHUNKS)));
        let ends = pieces[1..].iter().map(|p| p.start - 1);
        values.extend(ends.flat_map(|end| chunk_values(end, CHUNKS)));
    }
    values.extend(pieces.iter().flat_map(|p| limb_values(p.rate.into(), rate)));
    let intercepts = pieces.iter().map(|p| limb_values(p.intercept, intercept));
    values.extend(intercepts.flatten());
    values
}

/// The haircut value of `x` in subticks. An empty schedule is worth nothing. The schedule's numbers are the next public values.
///
/// Constraint `id`: exactly one piece is selected (bits, sum 1). That it holds `x`, `start <= x` and, but
/// for the last piece, `x < next start`, are comparisons with the constraints of
/// [`gadgets::compare`].
pub fn haircut<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    x: &Amount<B::E>,
    pieces: &[Piece],
    publics: &mut Publics,
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

    if last > 0 {
        let start = select_chunks(b, id, &selectors, publics);
        assert_at_most(b, &start, &x.chunks());
        let end = select_chunks(b, id, &selectors[..last], publics);
        // The last piece has no end: it compares zero with zero.
        let inner = b.one() - selectors[last].clone();
        assert_at_most(b, &x.chunks().times_bit(&inner), &end);
    }
    let [rate, intercept] = piece_limbs(pieces).map(|limbs| {
        let values: Vec<Limbs<B::E>> = (pieces.iter())
            .map(|_| publics.limbs(b, id, limbs))
            .collect();
        Sum::selected(&selectors, &values)
    });
    Sum::product(&x.to_sum(), &rate).plus(&intercept)
}

fn value(x: F) -> u32 {
    use stark::PrimeField32;
    x.as_canonical_u32()
}

/// The number that a one-hot selector points at; the numbers are the next public values.
fn select_chunks<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    selectors: &[B::E],
    publics: &mut Publics,
) -> Chunks<B::E> {
    let mut selected = vec![b.constant(F::ZERO); CHUNKS];
    for selector in selectors {
        for (sum, chunk) in selected.iter_mut().zip(publics.elements(b, CHUNKS)) {
            *sum += selector.clone() * chunk;
        }
    }
    Chunks::declared(b, id, selected)
}

/// Limbs of a public rate.
pub fn rate_limbs(rate: u64) -> usize {
    limbs_of(rate.into()).len()
}

/// A public rate as public values.
pub fn rate_values(rate: u64) -> Vec<F> {
    limb_values(rate.into(), rate_limbs(rate))
}

#[cfg(test)]
mod tests {
    use gadgets::limbs::AMOUNT_LIMBS;
    use gadgets::range::RangeTable;
    use stark::{Table, TableAir, Tally, Trace, cell_test, fill, violated};

    use super::*;

    /// An amount (columns 0 to 5), its selectors, its comparisons, and its value, pinned by a cell each.
    #[derive(Clone)]
    struct Holding(Vec<Piece>);

    impl Table for Holding {
        type Row = u64;
        fn name(&self) -> &'static str {
            "holding"
        }
        fn log_height(&self) -> usize {
            stark::MIN_LOG_HEIGHT
        }
        fn public(&self) -> Vec<F> {
            public_pieces(&self.0)
        }
        fn row<B: RowBuilder<u64>>(&self, b: &mut B) {
            let x = Amount::read(b, |w: &u64| *w);
            let value = haircut(b, "HAIRCUT", &x, &self.0, &mut Publics::from(0));
            for coefficient in value.coefficients() {
                let cell = b.derive([coefficient], |[c]| c);
                b.equal("VALUE", cell, coefficient.clone());
            }
        }
    }

    fn filled(pieces: &[Piece], amounts: &[u64]) -> (Vec<TableAir>, Vec<Trace>) {
        let table = Holding(pieces.to_vec());
        let range = RangeTable::limbs(stark::MIN_LOG_HEIGHT);
        let airs = vec![TableAir::new(table.clone()), TableAir::new(range)];
        let tally = Tally::new(&[range.tallied()]);
        let trace = fill(&table, &airs[0], &tally, |i| amounts[i % amounts.len()]);
        let answers = range.trace(&airs[1], &tally);
        (airs, vec![trace, answers])
    }

    /// 100 % of the first 2^20 + 3 units, 50 % up to 2^50, nothing of the rest.
    fn three_pieces() -> Vec<Piece> {
        let start = (1 << 20) + 3;
        let rest = u128::from((1u64 << 50) - start) * 50;
        pieces(&[
            (0, 0, 100),
            (start, u128::from(start) * 100, 50),
            (1 << 50, u128::from(start) * 100 + rest, 0),
        ])
    }

    #[test]
    fn values_are_those_of_the_schedule_at_every_boundary() {
        let start = (1u64 << 20) + 3;
        let amounts = [
            0,
            1,
            start - 1,
            start,
            start + 1,
            (1 << 50) - 1,
            1 << 50,
            (1 << 60) - 1,
        ];
        let pieces = three_pieces();
        let (airs, traces) = filled(&pieces, &amounts);
        assert_eq!(cell_test(&airs[1..], &traces[1..], &[]), Vec::new());
        assert_eq!(violated(&airs, &traces), [""; 0]);
        // The value's coefficients are the last cells before the blinding's seven.
        let [rate, intercept] = piece_limbs(&pieces);
        let len = (AMOUNT_LIMBS + rate - 1).max(intercept);
        let width = airs[0].width();
        for (row, &amount) in amounts.iter().enumerate() {
            let cells = &traces[0].values[(row + 1) * width - 7 - len..(row + 1) * width - 7];
            let proven: u128 = cells
                .iter()
                .enumerate()
                .map(|(i, c)| u128::from(value(*c)) << (10 * i))
                .sum();
            let piece = pieces.iter().rev().find(|p| p.start <= amount).unwrap();
            let expected = piece.intercept + u128::from(piece.rate) * u128::from(amount);
            assert_eq!(proven, expected, "{amount}");
        }
    }

    /// Exactly one piece is selected: without any, collateral is worth nothing; with two halves, the mean.
    #[test]
    fn a_piece_is_selected() {
        let (airs, traces) = filled(&pieces(&[(0, 0, 100)]), &[1000]);
        let mut forged = traces;
        let width = airs[0].width();
        // The one selector, and the one coefficient of the value that is not zero.
        for selector in [F::ZERO, F::TWO] {
            forged[0].values[6] = selector;
            for cell in 7..width - 7 {
                let old = forged[0].values[cell];
                if old != F::ZERO {
                    forged[0].values[cell] = F::from_u32(100_000) * selector;
                }
            }
            assert_eq!(violated(&airs, &forged), ["HAIRCUT"]);
            forged[0].values[7] = F::from_u32(100_000);
        }
    }

    /// No piece but the one that holds the amount.
    #[test]
    fn another_piece_is_refused() {
        for (amount, right, wrong) in [
            (5u64, 0, 1),
            (1 << 21, 1, 0),
            (1 << 21, 1, 2),
            (1 << 51, 2, 1),
        ] {
            let (airs, mut traces) = filled(&three_pieces(), &[amount]);
            let selector = |k: usize| 6 + k;
            traces[0].values[selector(right)] = F::ZERO;
            traces[0].values[selector(wrong)] = F::ONE;
            let broken = violated(&airs, &traces);
            assert!(
                broken.iter().any(|id| id.starts_with("COMPARE")),
                "{broken:?}"
            );
            assert!(!broken.contains(&"HAIRCUT".into()), "{broken:?}");
        }
    }
}
