//! Sums of a few scenarios, added up exactly.

use gadgets::limbs::{AMOUNT_LIMBS, LIMB_MAX, Limbs};
use gadgets::sum::Sum;
use stark::{F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::scenarios::ScenarioRow;
use super::{GAINS_LIMBS, GROUPS, PRODUCT_LEN, SUMS, WEIGHT_LIMBS, limb_felt, value_of};
use crate::venues::grid::GROUP;

/// One group of 64 scenarios of one block a row.
///
/// - GROUPS-1: the row's flags and numbers are the public ones; unused rows hold zeros.
/// - GROUPS-2: a block starts from zero, every other row from what the row above ended with.
/// - GROUPS-3: what was before plus the group's sum is what is after, over the integers.
#[derive(Clone, Debug)]
pub struct GroupsTable {
    /// log2 of the rows of a block.
    pub log_block: usize,
    /// Blocks.
    pub blocks: usize,
}

// Fixed columns.
const USED: usize = 0;
const ENDS: usize = 1;
const GROUP_NUMBER: usize = 2;
const BLOCK: usize = 3;

/// The private data of one row.
#[derive(Clone, Default)]
pub struct GroupRow {
    /// Sums before and after the group: weights, weighted gains.
    pub before: [u128; 2],
    /// After.
    pub after: [u128; 2],
    /// The coefficients of the group's sums: of the weights, then of the weighted gains.
    pub coefficients: Vec<u64>,
}

/// Fills in the running sums of scenarios, block by block, and gives their groups.
pub fn add_up(scenarios: &mut [ScenarioRow], blocks: usize, log_block: usize) -> Vec<GroupRow> {
    let per_block = (1 << log_block) / GROUP;
    let mut groups: Vec<GroupRow> = Vec::with_capacity(blocks * per_block);
    for (g, rows) in scenarios.chunks_mut(GROUP).enumerate() {
        let mut sums = [0; WEIGHT_LIMBS + PRODUCT_LEN];
        for row in rows {
            row.sums = sums;
            for (sum, term) in sums.iter_mut().zip(row.contribution()) {
                *sum += term;
            }
        }
        if g < blocks * per_block {
            let before = match groups.last() {
                Some(above) if g % per_block != 0 => above.after,
                _ => [0; 2],
            };
            let (weights, gains) = sums.split_at(WEIGHT_LIMBS);
            groups.push(GroupRow {
                before,
                after: [before[0] + value_of(weights), before[1] + value_of(gains)],
                coefficients: sums.to_vec(),
            });
        }
    }
    groups
}

/// The bound on a group's coefficients: 64 sums of at most five products of limbs, one of which may be 1024.
const BOUND: u64 = (GROUP * WEIGHT_LIMBS) as u64 * LIMB_MAX * (LIMB_MAX + 1);

impl GroupsTable {
    fn per_block(&self) -> usize {
        (1 << self.log_block) / GROUP
    }
}

impl Table for GroupsTable {
    type Row = GroupRow;

    fn name(&self) -> &'static str {
        "groups"
    }

    fn log_height(&self) -> usize {
        let rows = self.blocks * self.per_block();
        (rows.next_power_of_two().ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (per_block, used) = (self.per_block(), self.blocks * self.per_block());
        let column = |of: &dyn Fn(usize) -> usize| -> Vec<F> {
            (0..1 << self.log_height())
                .map(|r| F::from_usize(if r < used { of(r) } else { 0 }))
                .collect()
        };
        vec![
            column(&|_| 1),
            column(&|r| usize::from(r % per_block == per_block - 1)),
            column(&|r| r),
            column(&|r| r / per_block),
        ]
    }

    fn row<B: RowBuilder<GroupRow>>(&self, b: &mut B) {
        let used = b.pinned("GROUPS-1", USED);
        let ends = b.pinned("GROUPS-1", ENDS);
        let mut group = vec![b.pinned("GROUPS-1", GROUP_NUMBER)];
        let mut sums = vec![b.pinned("GROUPS-1", BLOCK)];
        let lengths = [(WEIGHT_LIMBS, WEIGHT_LIMBS), (GAINS_LIMBS, PRODUCT_LEN)];
        let mut at = 0;
        for (which, (limbs, coefficients)) in lengths.into_iter().enumerate() {
            let group_sum: Vec<B::E> = (0..coefficients)
                .map(|i| b.cell(|w| F::from_u64(w.coefficients.get(at + i).copied().unwrap_or(0))))
                .collect();
            at += coefficients;
            for cell in &group_sum {
                b.zero("GROUPS-1", (b.one() - b.fixed(USED)) * cell.clone());
            }
            let after = Limbs::read(b, limbs, |w: &GroupRow| w.after[which]);
            let before: Vec<B::E> = (0..limbs)
                .map(|i| {
                    let (cell, next) = b.state(|w| limb_felt(w.before[which], i));
                    b.assert_zero("GROUPS-2", When::First, cell.clone());
                    let goes_on = b.one() - b.fixed(ENDS);
                    b.assert_zero(
                        "GROUPS-2",
                        When::Transition,
                        next - goes_on * after[i].clone(),
                    );
                    cell
                })
                .collect();
            // Checked on the row above.
            let before = Limbs::declared(b, "GROUPS-2", before);
            let sum = Sum::declared(b, "GROUPS-3", group_sum.clone(), BOUND)
                .plus(&before.sum())
                .minus(&after.sum());
            sum.assert_zero(b, "GROUPS-3");
            group.extend(group_sum);
            sums.extend(after);
        }
        b.receive(GROUPS, used, &group);
        b.send(SUMS, ends, &sums);
    }
}

// A gain's lowest limb may be 1024 (see the scenarios table).
const _: () = assert!(AMOUNT_LIMBS + WEIGHT_LIMBS - 1 == PRODUCT_LEN && GAINS_LIMBS > PRODUCT_LEN);
