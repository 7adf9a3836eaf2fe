//! What cleared, as a public table.

use gadgets::limbs::limb_of;
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, signed_felt};

use super::{PRICES, TERMS};
use crate::margin::digits::balanced;

/// Limbs of a price: below 2^40 ticks a lot.
pub(crate) const PRICE_LIMBS: usize = 4;
/// Limbs of a fee in millionths.
pub(crate) const FEE_LIMBS: usize = 2;

/// What is public of an instrument and counts for reserves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LotTerms {
    /// A lot's worst value, held long and short: its value less contingency and its largest loss, in ticks.
    pub worst: [i64; 2],
    /// In millionths.
    pub fee: u32,
}

/// An instrument a row, with its price, or zero if nothing traded, and what counts for reserves. Rows below the list repeat the first instrument.
///
/// - PRICES-1: the rows are the public ones.
#[derive(Clone, Debug)]
pub(crate) struct PricesTable {
    /// Per instrument.
    pub prices: Vec<u64>,
    pub terms: Vec<LotTerms>,
    /// Digits of a worst value.
    pub digits: usize,
}

/// How often a row is asked for its price, and for its terms.
pub(crate) type PriceRow = [u32; 2];

impl Table for PricesTable {
    type Row = PriceRow;

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
        for side in 0..2 {
            columns.extend((0..self.digits).map(|i| {
                let digits = |r: usize| balanced(self.terms[row(r)].worst[side], self.digits);
                let digit = |r: usize| signed_felt(digits(r)[i]);
                rows.clone().map(digit).collect::<Vec<F>>()
            }));
        }
        columns.extend((0..FEE_LIMBS).map(|i| {
            let limb = |r: usize| F::from_u64(limb_of(self.terms[row(r)].fee.into(), i));
            rows.clone().map(limb).collect::<Vec<F>>()
        }));
        columns
    }

    fn row<B: RowBuilder<PriceRow>>(&self, b: &mut B) {
        let id = "PRICES-1";
        let prices: Vec<B::E> = (0..=PRICE_LIMBS).map(|i| b.pinned(id, i)).collect();
        let multiplicity = b.multiplicity(|m| F::new(m[0]));
        b.provide(PRICES, multiplicity, &prices);
        let mut terms = vec![prices[0].clone()];
        terms.extend((0..2 * self.digits + FEE_LIMBS).map(|i| b.pinned(id, 1 + PRICE_LIMBS + i)));
        let multiplicity = b.multiplicity(|m| F::new(m[1]));
        b.provide(TERMS, multiplicity, &terms);
    }
}
