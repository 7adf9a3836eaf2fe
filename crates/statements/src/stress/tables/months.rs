//! What all loans of a part bring in, month by month.

use gadgets::totals::{COUNT_LIMBS, COUNTS, SALTS};
use stark::{Bus, F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table};

use crate::month::{AMOUNT_LIMBS, BALANCE_LIMBS};
use crate::stress::claim::FIRST_MONTH;

/// `[month, limb]`, as often as loans have of this limb in this month: of interest first, then of the balance.
pub const MONTHS: Bus = Bus::new("month");
/// Limbs of interest and balance.
pub const FLOW_LIMBS: usize = AMOUNT_LIMBS + BALANCE_LIMBS;

/// One month a row.
///
/// - MONTHS-1: the row's month, and whether it is in the schedule, are the public ones.
/// - MONTHS-2: behind the schedule nothing is paid and nothing owed.
///
/// A part has 256 loans, so a limb is counted less than 2^18 times.
#[derive(Clone, Debug)]
pub struct MonthsTable {
    /// Months of the schedule.
    pub months: usize,
    /// Months for which loans have rows.
    pub slots: usize,
}

/// How often each limb is counted.
pub type MonthRow = [u64; FLOW_LIMBS];

impl Table for MonthsTable {
    type Row = MonthRow;

    fn name(&self) -> &'static str {
        "months"
    }

    fn log_height(&self) -> usize {
        (self.slots.next_power_of_two().ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let rows = 0..1usize << self.log_height();
        vec![
            rows.clone().map(F::from_usize).collect(),
            rows.map(|r| F::from_bool(r < self.months)).collect(),
        ]
    }

    fn row<B: RowBuilder<MonthRow>>(&self, b: &mut B) {
        let month = b.pinned("MONTHS-1", 0);
        let used = b.pinned("MONTHS-1", 1);
        let counts: Vec<B::E> = (0..FLOW_LIMBS)
            .map(|i| {
                let count = b.cell(|w| F::from_u64(w[i]));
                b.zero("MONTHS-2", (b.one() - used.clone()) * count.clone());
                let which = b.constant(F::from_usize(i));
                b.provide(MONTHS, count.clone(), &[month.clone(), which]);
                count
            })
            .collect();
        let (interest, balance) = counts.split_at(AMOUNT_LIMBS);
        for (which, limbs) in [interest, balance].into_iter().enumerate() {
            let register =
                month.clone() * F::from_usize(2) + F::from_usize(SALTS + FIRST_MONTH + which);
            let mut message = vec![register];
            message.extend_from_slice(limbs);
            message.resize(1 + COUNT_LIMBS, b.constant(F::ZERO));
            b.send(COUNTS, used.clone(), &message);
        }
    }
}
