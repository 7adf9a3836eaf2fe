//! What all loans of a part bring in, month by month, and summed over the steps of the schedule.

use gadgets::limbs::signed;
use gadgets::range::{LIMB_BITS, limb};
use gadgets::totals::{COUNT_LIMBS, COUNTS, SALTS};
use stark::{Bus, F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, When};

use crate::pools::month::{AMOUNT_LIMBS, BALANCE_LIMBS};
use crate::stress::claim::FIRST_STEP;

/// `[month, limb]`, as often as loans have of this limb in this month: of interest first, then of the balance.
pub const MONTHS: Bus = Bus::new("month");
/// Limbs of interest and balance.
pub const FLOW_LIMBS: usize = AMOUNT_LIMBS + BALANCE_LIMBS;

/// One month a row. Of a step's months interest is summed, and the last one's balance counts.
///
/// - MONTHS-1: the row's month, its step's register, whether it is its step's last, and whether it is in the schedule, are the
///   public ones.
/// - MONTHS-2: behind the schedule nothing is paid and nothing owed.
/// - MONTHS-3: the limbs of the step's interest up to this month: those up to the month before, and what is counted in this one; a
///   step starts from zero.
///
/// Intervals: a part has 256 loans, so a limb is counted less than 2^18 times a month; with a limb and a carry of the sum that is
/// below 2^19, so carries are below 2^10. The sum's highest limb is not cut: over 600 months it stays below 2^20.
#[derive(Clone, Debug)]
pub struct MonthsTable {
    /// How many months each step has.
    pub steps: Vec<usize>,
    /// Months for which loans have rows.
    pub slots: usize,
}

/// A month.
#[derive(Clone, Copy, Debug, Default)]
pub struct MonthRow {
    /// How often each limb is counted.
    pub counts: [u64; FLOW_LIMBS],
    /// The limbs of the step's interest before this month.
    pub before: [u64; COUNT_LIMBS],
}

impl MonthRow {
    /// The limbs of the step's interest after this month.
    pub fn after(&self) -> [u64; COUNT_LIMBS] {
        let mut carry = 0;
        std::array::from_fn(|i| {
            let value = self.before[i] + carry;
            if i == AMOUNT_LIMBS {
                return value;
            }
            let value = value + self.counts[i];
            carry = value >> LIMB_BITS;
            value % (1 << LIMB_BITS)
        })
    }
}

// Fixed columns.
const MONTH: usize = 0;
const USED: usize = 1;
const REGISTER: usize = 2;
const ENDS: usize = 3;
const CONTINUES: usize = 4;

impl Table for MonthsTable {
    type Row = MonthRow;

    fn name(&self) -> &'static str {
        "months"
    }

    fn log_height(&self) -> usize {
        (self.slots.next_power_of_two().ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let height = 1usize << self.log_height();
        let mut columns = vec![vec![F::ZERO; height]; 5];
        columns[MONTH] = (0..height).map(F::from_usize).collect();
        let mut row = 0;
        for (step, months) in self.steps.iter().enumerate() {
            for month in 1..=*months {
                let ends = month == *months;
                columns[USED][row] = F::ONE;
                columns[REGISTER][row] = F::from_usize(SALTS + FIRST_STEP + 2 * step);
                columns[ENDS][row] = F::from_bool(ends);
                columns[CONTINUES][row] = F::from_bool(!ends);
                row += 1;
            }
        }
        columns
    }

    fn row<B: RowBuilder<MonthRow>>(&self, b: &mut B) {
        let month = b.pinned("MONTHS-1", MONTH);
        let register = b.pinned("MONTHS-1", REGISTER);
        let ends = b.pinned("MONTHS-1", ENDS);
        let (used, continues) = (b.fixed(USED), b.fixed(CONTINUES));
        let counts: Vec<B::E> = (0..FLOW_LIMBS)
            .map(|i| {
                let count = b.cell(|w| F::from_u64(w.counts[i]));
                b.zero("MONTHS-2", (b.one() - used.clone()) * count.clone());
                let which = b.constant(F::from_usize(i));
                b.provide(MONTHS, count.clone(), &[month.clone(), which]);
                count
            })
            .collect();
        let (interest, balance) = counts.split_at(AMOUNT_LIMBS);
        let mut carry = b.constant(F::ZERO);
        let mut message = vec![register.clone()];
        for i in 0..COUNT_LIMBS {
            let (before, next) = b.state(|w| F::from_u64(w.before[i]));
            b.assert_zero("MONTHS-3", When::First, before.clone());
            let mut after = before + carry;
            carry = b.constant(F::ZERO);
            if let Some(count) = interest.get(i) {
                let value = after + count.clone();
                let low = b.derive([&value], |[v]| F::from_i64(signed(v) % (1 << LIMB_BITS)));
                let low = limb(b, low).into_inner();
                carry = b.derive([&value], |[v]| F::from_i64(signed(v) >> LIMB_BITS));
                limb(b, carry.clone());
                let whole = low.clone() + carry.clone() * F::from_u64(1 << LIMB_BITS);
                b.integer("MONTHS-3", value - whole);
                after = low;
            }
            let kept = continues.clone() * after.clone();
            b.assert_zero("MONTHS-3", When::Transition, next - kept);
            message.push(after);
        }
        b.send(COUNTS, ends.clone(), &message);
        let mut message = vec![register + b.one()];
        message.extend_from_slice(balance);
        message.resize(1 + COUNT_LIMBS, b.constant(F::ZERO));
        b.send(COUNTS, ends, &message);
    }
}
