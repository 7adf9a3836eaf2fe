//! When loans pay, as a public table.

use credit::amortization::{Frequency, Rule, is_due};
use stark::{
    Bus, F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace,
    fill,
};

/// `[frequency, rule, months left mod 12, whether none are left, pays, level, bears]`.
pub const CALENDAR: Bus = Bus::new("calendar");

/// Months of a year: whether a loan pays depends on the months left modulo this, and on whether none are left.
const YEAR: usize = 12;

/// What happens in a month, for each frequency, rule, number of months left in the year after it, and whether no month is left.
///
/// Constraint CALENDAR-1: `SHARED.md`. Multiplicities are free; a wrong one unbalances the bus.
#[derive(Clone, Debug)]
pub struct CalendarTable {
    /// What each frequency code means.
    pub frequencies: Vec<Frequency>,
    /// What each rule code means.
    pub rules: Vec<Rule>,
}

/// What happens in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Month {
    /// Interest is due.
    pub pays: bool,
    /// Part of an instalment is principal, and it is not the last one.
    pub level: bool,
    /// It bears interest.
    pub bears: bool,
}

impl Month {
    /// The month after which so many are left.
    pub fn new(left: u64, frequency: Frequency, rule: Rule) -> Self {
        // Only the remainder counts, and whether nothing is left.
        let months =
            (left % YEAR as u64) as u16 + if left >= YEAR as u64 { YEAR as u16 } else { 0 };
        let (pays, last) = is_due(months + 1, frequency, rule);
        Self {
            pays,
            level: rule == Rule::LevelPay && pays && !last,
            bears: rule != Rule::ZeroCoupon,
        }
    }
}

impl CalendarTable {
    /// What a [`Tally`] must count for this table.
    pub fn tallied(&self) -> (Bus, usize) {
        (CALENDAR, 1 << self.log_height())
    }

    /// The trace that answers what was tallied.
    pub fn trace(&self, air: &TableAir, tally: &Tally) -> Trace {
        fill(self, air, &Tally::default(), |row| {
            tally.count(CALENDAR, row)
        })
    }

    /// Looks up what happens in a month: bits `pays`, `level`, `bears`, which the hints give.
    pub fn look_up<W, B: RowBuilder<W>>(
        &self,
        b: &mut B,
        [frequency, rule, rest, none_left]: [&B::E; 4],
        hint: impl Fn(&W) -> Month,
    ) -> [B::E; 3] {
        let bits = [
            b.cell(|w| F::from_bool(hint(w).pays)),
            b.cell(|w| F::from_bool(hint(w).level)),
            b.cell(|w| F::from_bool(hint(w).bears)),
        ];
        let place = (frequency.clone() * F::from_usize(self.rules.len()) + rule.clone())
            * F::from_usize(2)
            + none_left.clone();
        let index = place * F::from_usize(YEAR) + rest.clone();
        let mut message = vec![
            frequency.clone(),
            rule.clone(),
            rest.clone(),
            none_left.clone(),
        ];
        message.extend(bits.iter().cloned());
        let one = b.one();
        b.lookup(CALENDAR, &index, one, &message);
        bits
    }

    fn rows(&self) -> usize {
        self.frequencies.len() * self.rules.len() * 2 * YEAR
    }
}

impl Table for CalendarTable {
    /// The multiplicity.
    type Row = u32;

    fn name(&self) -> &'static str {
        "calendar"
    }

    fn log_height(&self) -> usize {
        (self.rows().next_power_of_two().ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let mut columns = vec![Vec::new(); 7];
        for row in 0..1 << self.log_height() {
            // Below the last row the first is repeated: a second answer of the same.
            let at = if row < self.rows() { row } else { 0 };
            let (rest, none_left) = (at % YEAR, at / YEAR % 2);
            let (rule, frequency) = (
                at / YEAR / 2 % self.rules.len(),
                at / YEAR / 2 / self.rules.len(),
            );
            let left = match none_left {
                // Where something is left, a year more changes nothing.
                0 => YEAR + rest,
                _ => 0,
            };
            let month = Month::new(left as u64, self.frequencies[frequency], self.rules[rule]);
            let cells = [
                frequency,
                rule,
                rest,
                none_left,
                usize::from(month.pays),
                usize::from(month.level),
                usize::from(month.bears),
            ];
            for (column, cell) in columns.iter_mut().zip(cells) {
                column.push(F::from_usize(cell));
            }
        }
        columns
    }

    fn row<B: RowBuilder<u32>>(&self, b: &mut B) {
        let message: Vec<B::E> = (0..7)
            .map(|column| b.pinned("CALENDAR-1", column))
            .collect();
        let multiplicity = b.multiplicity(|w| F::new(*w));
        b.provide(CALENDAR, multiplicity, &message);
    }
}
