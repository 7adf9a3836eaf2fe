//! Powers of two with fractional exponents, by lookup.

use gadgets::limbs::limb_of;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace, fill};
use venue::certificate::{COARSE as COARSE_TABLE, FINE as FINE_TABLE, FINE_BITS};

use super::{COARSE, FACTOR_LIMBS, FINE, WEIGHT_LIMBS};

/// Coarse values on a row.
const PER_ROW: usize = 4;
const HEIGHT: usize = 1 << FINE_BITS;

/// Answers `[key, limbs]` on two buses: row `r` holds the fine value of `r` and the coarse values of `r`,
/// `r + 2^12`, `r + 2 * 2^12`, `r + 3 * 2^12`.
///
/// - EXPONENTIAL-1: the cells are the public numbers of `venue::certificate`.
///
/// Multiplicities are free; a wrong one unbalances the bus.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialTable;

/// How often each value of a row is asked for: the fine one, then the coarse ones.
pub struct ExponentialRow([u32; 1 + PER_ROW]);

impl ExponentialTable {
    /// What a [`Tally`] must count for this table.
    pub fn tallied() -> [(stark::Bus, usize); 2] {
        [(FINE, HEIGHT), (COARSE, PER_ROW * HEIGHT)]
    }

    /// The trace that answers what was tallied.
    pub fn trace(&self, air: &TableAir, tally: &Tally) -> Trace {
        fill(self, air, &Tally::default(), |row| {
            ExponentialRow(std::array::from_fn(|i| match i {
                0 => tally.count(FINE, row),
                _ => tally.count(COARSE, row + (i - 1) * HEIGHT),
            }))
        })
    }
}

impl Table for ExponentialTable {
    type Row = ExponentialRow;

    fn name(&self) -> &'static str {
        "exponential"
    }

    fn log_height(&self) -> usize {
        FINE_BITS as usize
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let column = |of: &dyn Fn(usize) -> u64| (0..HEIGHT).map(|r| F::from_u64(of(r))).collect();
        let mut columns = vec![column(&|r| r as u64)];
        for i in 0..FACTOR_LIMBS {
            columns.push(column(&|r| limb_of(FINE_TABLE[r].into(), i)));
        }
        for part in 0..PER_ROW {
            for i in 0..WEIGHT_LIMBS {
                columns.push(column(&|r| {
                    limb_of(COARSE_TABLE[r + part * HEIGHT].into(), i)
                }));
            }
        }
        columns
    }

    fn row<B: RowBuilder<ExponentialRow>>(&self, b: &mut B) {
        let id = "EXPONENTIAL-1";
        let key = b.pinned(id, 0);
        let mut at = 1;
        for part in 0..=PER_ROW {
            let (bus, limbs, offset) = match part {
                0 => (FINE, FACTOR_LIMBS, 0),
                _ => (COARSE, WEIGHT_LIMBS, (part - 1) * HEIGHT),
            };
            let mut message = vec![key.clone() + F::from_usize(offset)];
            message.extend((at..at + limbs).map(|column| b.pinned(id, column)));
            at += limbs;
            let multiplicity = b.multiplicity(|w| F::new(w.0[part]));
            b.provide(bus, multiplicity, &message);
        }
    }
}
