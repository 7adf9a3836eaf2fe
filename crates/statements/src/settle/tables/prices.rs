//! What cleared, as a public table.

use gadgets::limbs::limb_of;
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table};

use super::PRICES;

/// Limbs of a price: below 2^40 ticks a lot.
pub(crate) const PRICE_LIMBS: usize = 4;

/// An instrument a row, with its price, or zero if nothing traded. Rows below the list repeat the first instrument.
///
/// - PRICES-1: the rows are the public ones.
#[derive(Clone, Debug)]
pub(crate) struct PricesTable {
    /// Per instrument.
    pub prices: Vec<u64>,
}

impl Table for PricesTable {
    type Row = u32;

    fn name(&self) -> &'static str {
        "prices"
    }

    fn log_height(&self) -> usize {
        let rows = self.prices.len().next_power_of_two();
        (rows.ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let rows = 0..1usize << self.log_height();
        let row = |row: usize| if row < self.prices.len() { row } else { 0 };
        let mut columns = vec![rows.clone().map(|r| F::from_usize(row(r))).collect()];
        columns.extend((0..PRICE_LIMBS).map(|i| {
            let limb = |r: usize| F::from_u64(limb_of(self.prices[row(r)].into(), i));
            rows.clone().map(limb).collect::<Vec<F>>()
        }));
        columns
    }

    fn row<B: RowBuilder<u32>>(&self, b: &mut B) {
        let message: Vec<B::E> = (0..=PRICE_LIMBS)
            .map(|column| b.pinned("PRICES-1", column))
            .collect();
        let multiplicity = b.multiplicity(|m| F::new(*m));
        b.provide(PRICES, multiplicity, &message);
    }
}
