//! Tilted worths, added up exactly.

use gadgets::limbs::{LIMB_MAX, Limbs};
use gadgets::sum::Sum;
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::{TILTED, WORTH_LIMBS};
use crate::venues::grid::{GROUP, Grid};
use crate::venues::tables::scenarios::worth_len;
use crate::venues::tables::{HOLDINGS, LAST_WEIGHT, WEIGHT_LIMBS, limb_felt};

/// What 64 scenarios of the last state add to one series, a row: series by series, group by group. A series is a
/// market's worth under the tilt; the one after the last market is the tilt's own weight.
///
/// - HOLDINGS-1: the row's flags and numbers are the public ones; unused rows hold zeros.
/// - HOLDINGS-2: a series starts from zero, every other row from what the row above ended with.
/// - HOLDINGS-3: what was before plus the group's sum is what is after, over the integers. The group's sum is what
///   the scenarios sent, which leaves the last one out, and its weight times its value.
#[derive(Clone, Debug)]
pub struct HoldingsTable {
    /// The scenarios.
    pub grid: Grid,
}

// Fixed columns.
const USED: usize = 0;
const ENDS: usize = 1;
const SERIES: usize = 2;
const GROUP_NUMBER: usize = 3;
/// The values of the group's last scenario; one for the series of the weight.
const VALUE: usize = 4;

/// The private data of one row.
#[derive(Clone, Default)]
pub struct HoldingRow {
    /// The sum before.
    pub before: u128,
    /// The sum after.
    pub after: u128,
    /// The coefficients of the sum of the group's scenarios but the last.
    pub coefficients: Vec<u64>,
    /// The tilted weight of the last one.
    pub last_weight: u64,
}

impl HoldingsTable {
    /// Groups of a series.
    pub fn per_series(&self) -> usize {
        (1 << self.grid.log_block) / GROUP
    }
    fn used(&self) -> usize {
        (self.grid.markets + 1) * self.per_series()
    }
    /// 63 sums of at most five products of limbs.
    fn bound(&self) -> u64 {
        ((GROUP - 1) * WEIGHT_LIMBS.min(self.grid.value_limbs)) as u64 * LIMB_MAX * LIMB_MAX
    }
}

impl Table for HoldingsTable {
    type Row = HoldingRow;

    fn name(&self) -> &'static str {
        "holdings"
    }

    fn log_height(&self) -> usize {
        (self.used().next_power_of_two().ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (per_series, used) = (self.per_series(), self.used());
        let column = |of: &dyn Fn(usize) -> usize| -> Vec<F> {
            (0..1 << self.log_height())
                .map(|r| F::from_usize(if r < used { of(r) } else { 0 }))
                .collect()
        };
        let mut columns = vec![
            column(&|_| 1),
            column(&|r| usize::from(r % per_series == per_series - 1)),
            column(&|r| r / per_series),
            column(&|r| r % per_series),
        ];
        for i in 0..self.grid.value_limbs {
            columns.push(column(&|r| {
                let scenario = (r % per_series + 1) * GROUP - 1;
                match r / per_series {
                    market if market < self.grid.markets => {
                        self.grid.limb(scenario, market, i) as usize
                    }
                    _ => usize::from(i == 0),
                }
            }));
        }
        columns
    }

    fn row<B: RowBuilder<HoldingRow>>(&self, b: &mut B) {
        let used = b.pinned("HOLDINGS-1", USED);
        let ends = b.pinned("HOLDINGS-1", ENDS);
        let series = b.pinned("HOLDINGS-1", SERIES);
        let group = b.pinned("HOLDINGS-1", GROUP_NUMBER);
        let sum: Vec<B::E> = (0..worth_len(self.grid.value_limbs))
            .map(|i| {
                let cell = b.cell(|w| F::from_u64(w.coefficients.get(i).copied().unwrap_or(0)));
                b.zero("HOLDINGS-1", (b.one() - b.fixed(USED)) * cell.clone());
                cell
            })
            .collect();
        let after = Limbs::read(b, WORTH_LIMBS, |w: &HoldingRow| w.after);
        let before: Vec<B::E> = (0..WORTH_LIMBS)
            .map(|i| {
                let (cell, next) = b.state(|w| limb_felt(w.before, i));
                b.assert_zero("HOLDINGS-2", When::First, cell.clone());
                let goes_on = b.one() - b.fixed(ENDS);
                let step = next - goes_on * after[i].clone();
                b.assert_zero("HOLDINGS-2", When::Transition, step);
                cell
            })
            .collect();
        let mut last = vec![group.clone()];
        let weight: Vec<B::E> = (0..WEIGHT_LIMBS)
            .map(|i| {
                let cell = b.cell(|w| limb_felt(w.last_weight.into(), i));
                b.zero("HOLDINGS-1", (b.one() - b.fixed(USED)) * cell.clone());
                cell
            })
            .collect();
        last.extend(weight.iter().cloned());
        b.lookup(LAST_WEIGHT, &group, used.clone(), &last);
        // Checked on the scenario's row; what is before on the row above.
        let weight = Limbs::declared(b, "HOLDINGS-1", weight);
        let before = Limbs::declared(b, "HOLDINGS-2", before);
        let value = Limbs::fixed(b, "HOLDINGS-3", VALUE..VALUE + self.grid.value_limbs);
        let last = Sum::product(&weight.sum(), &value.sum());
        let mut message = vec![series.clone(), group];
        message.extend(sum.iter().cloned());
        Sum::declared(b, "HOLDINGS-3", sum, self.bound())
            .plus(&last)
            .plus(&before.sum())
            .minus(&after.sum())
            .assert_zero(b, "HOLDINGS-3");
        b.receive(HOLDINGS, used, &message);
        let mut total = vec![series];
        total.extend(after);
        b.send(TILTED, ends, &total);
    }
}
