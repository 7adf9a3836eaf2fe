//! What a lot and an entry unit of each position are worth.

use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, signed_felt};

use super::RATES;
use crate::margin::plan::Plan;

/// One position key a row: all of it public, recomputed by the verifier.
///
/// - RATES-1: the cells are the public numbers.
///
/// Key 0 is the empty slot, worth nothing. Rows below the last key repeat it. Multiplicities are
/// free; a wrong one unbalances the bus.
#[derive(Clone, Debug)]
pub(crate) struct RatesTable {
    pub plan: Plan,
}

/// How often each block of a row was looked up.
pub(crate) struct RateRow {
    pub multiplicities: Vec<u32>,
}

impl Table for RatesTable {
    type Row = RateRow;

    fn name(&self) -> &'static str {
        "rates"
    }

    fn log_height(&self) -> usize {
        let rows = self.plan.rates.keys.next_power_of_two().ilog2() as usize;
        rows.max(stark::MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let rates = &self.plan.rates;
        let height = 1usize << self.log_height();
        // Below the last key, the empty slot again.
        let keys: Vec<usize> = (0..height)
            .map(|k| if k < rates.keys { k } else { 0 })
            .collect();
        let column = |f: &dyn Fn(usize) -> F| keys.iter().map(|&k| f(k)).collect::<Vec<F>>();
        let mut columns = vec![
            column(&F::from_usize),
            column(&|k| F::from_usize(rates.underlying(k))),
            column(&|k| F::from_bool(rates.moves(k))),
        ];
        for digit in 0..rates.entry_digits {
            columns.push(column(&|k| signed_felt(rates.entry(k)[digit])));
        }
        for digit in 0..rates.entry_digits {
            columns.push(column(&|k| signed_felt(rates.coin_entry(k)[digit])));
        }
        for digit in 0..rates.value_digits {
            columns.push(column(&|k| signed_felt(rates.value(k)[digit])));
        }
        for s in 0..rates.columns {
            for digit in 0..rates.value_digits {
                columns.push(column(&|k| signed_felt(rates.change(k, s)[digit])));
            }
        }
        columns
    }

    fn row<B: RowBuilder<RateRow>>(&self, b: &mut B) {
        let rates = &self.plan.rates;
        let id = "RATES-1";
        let head = 3 + 2 * rates.entry_digits + rates.value_digits;
        let shared: Vec<B::E> = (0..head).map(|i| b.pinned(id, i)).collect();
        let per_block = self.plan.block_columns() * rates.value_digits;
        for block in 0..self.plan.blocks {
            let mut message = vec![shared[0].clone(), b.constant(F::from_usize(block))];
            message.extend(shared[1..].iter().cloned());
            message.extend((0..per_block).map(|i| b.pinned(id, head + block * per_block + i)));
            let multiplicity = b.multiplicity(|w| F::new(w.multiplicities[block]));
            b.provide(RATES, multiplicity, &message);
        }
    }
}
