//! The table of the exposure statement. STATEMENT.md explains every numbered constraint.

use gadgets::limbs::LIMB_MAX;
use gadgets::sum::Sum;
use gadgets::totals::{COUNT_LIMBS, COUNTS, SALTS};
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table};

use crate::inventory::tables::{LOT_LIMBS, MAX_SLOTS, POSITION_LIMBS, POSITIONS};

/// What both registers start with, in lots, so that they are never negative.
pub const OFFSET: u128 = OFFSET_LIMB << 50;
/// The offset as the sixth limb of a count.
pub const OFFSET_LIMB: u128 = 1 << 20;

/// The first row holds how often each limb of the part's positions was counted, for each position key.
///
/// - EXPOSURE-1: which row is used.
/// - EXPOSURE-2: an unused row holds zeros.
#[derive(Clone, Debug)]
pub struct ExposureTable {
    /// Instruments of the book.
    pub instruments: usize,
    /// Those that count.
    pub exposed: Vec<usize>,
    /// Whether this is the first part, which adds the offset.
    pub is_first: bool,
}

/// The private data of the first row: how often each limb was counted, by position key from 1 on.
pub type Counts = Vec<[u64; POSITION_LIMBS]>;

impl ExposureTable {
    /// The sign that the key `at + 1` counts with: zero, if it does not.
    pub fn sign(&self, at: usize) -> i64 {
        // Keys as in the account's commitment: long, then short.
        match self.exposed.contains(&(at / 2)) {
            true if at.is_multiple_of(2) => 1,
            true => -1,
            false => 0,
        }
    }

    /// The offset that this part adds, as the last limb of a count.
    pub fn offset(&self) -> u64 {
        if self.is_first { OFFSET_LIMB as u64 } else { 0 }
    }
}

impl Table for ExposureTable {
    type Row = Option<Counts>;

    fn name(&self) -> &'static str {
        "exposure"
    }

    fn log_height(&self) -> usize {
        MIN_LOG_HEIGHT
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let rows = 0..1 << MIN_LOG_HEIGHT;
        vec![rows.map(|row| F::from_bool(row == 0)).collect()]
    }

    fn row<B: RowBuilder<Option<Counts>>>(&self, b: &mut B) {
        let used = b.pinned("EXPOSURE-1", 0);
        let mut lots = vec![b.constant(F::ZERO); LOT_LIMBS];
        for at in 0..2 * self.instruments {
            let sign = F::from_i64(self.sign(at));
            for i in 0..POSITION_LIMBS {
                let count = b.cell(|w| w.as_ref().map_or(F::ZERO, |c| F::from_u64(c[at][i])));
                b.zero("EXPOSURE-2", (b.one() - used.clone()) * count.clone());
                let [key, which] = [at + 1, i].map(|n| b.constant(F::from_usize(n)));
                b.provide(POSITIONS, count.clone(), &[key, which]);
                if let Some(lots) = lots.get_mut(i).filter(|_| sign != F::ZERO) {
                    *lots += count * sign;
                }
            }
        }
        // All positions of a part together have fewer than 2^24 of a limb, whatever their keys.
        let lots = Sum::declared(b, "EXPOSURE-2", lots, MAX_SLOTS as u64 * LIMB_MAX);
        for (register, sign) in [(SALTS, F::ONE), (SALTS + 1, F::NEG_ONE)] {
            let mut message = vec![b.constant(F::from_usize(register))];
            message.extend(lots.coefficients().iter().map(|lots| lots.clone() * sign));
            message.resize(COUNT_LIMBS, b.constant(F::ZERO));
            message.push(b.constant(F::from_u64(self.offset())));
            b.send(COUNTS, used.clone(), &message);
        }
    }
}
