//! Positions, and their sums per account.

use gadgets::limbs::{AMOUNT_LIMBS, join, limb_of};
use gadgets::range::limb;
use gadgets::sponge::QUADS;
use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder, Table, When, signed_felt};

use super::{CARRY, ENTRY, PNL, RATES, flags, ones};
use crate::margin::plan::{LOT_LIMBS, Plan};

/// A line: one block of columns of some position slots. Lines stand by account, block, slot.
///
/// - LINES-1: the row's place: its number, its group and the public flags.
/// - LINES-2: slots of unused accounts are empty, and entries count in the first block only.
/// - LINES-3: the running sum of lots times value, per column, over the lines of a block.
/// - LINES-4: the running sum of entry times entry rate.
#[derive(Clone, Debug)]
pub(crate) struct LinesTable {
    pub plan: Plan,
    /// Used accounts; they come first.
    pub used: usize,
}

/// The private data of one line.
pub(crate) struct LineRow {
    pub row: usize,
    pub slots: Vec<Slot>,
    /// The running sums: of each column's coefficients, then of the entry's.
    pub sums: Vec<F>,
}

/// A position slot on a line.
pub(crate) struct Slot {
    pub key: usize,
    pub lots: u64,
    /// Zero but in the first block.
    pub entry: u64,
}

// Fixed columns.
/// The last line of a block.
const LAST: usize = 0;
/// The line opens the commitment: first block of a used account.
const OPENS: usize = 1;
/// The last line of those.
const CLOSES: usize = 2;
/// There is a block after this one.
const HANDS: usize = 3;
/// There is a block before this one.
const TAKES: usize = 4;

impl LinesTable {
    fn opens(&self, row: usize) -> bool {
        let per_account = self.plan.blocks * self.plan.block_lines();
        row / per_account < self.used && row % per_account < self.plan.block_lines()
    }
}

/// `sum[i + j] += a[i] * b[j]`.
fn add_product<E: Expr>(sum: &mut [E], a: &[E], b: &[E]) {
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            sum[i + j] += x.clone() * y.clone();
        }
    }
}

/// Cells of this row and of the next.
type Cells<E> = (Vec<E>, Vec<E>);

/// The cells of a slot that are multiplied.
struct Factors<E> {
    lots: Cells<E>,
    entry: Cells<E>,
    rate: Cells<E>,
    values: Cells<E>,
}

impl Table for LinesTable {
    type Row = LineRow;

    fn name(&self) -> &'static str {
        "lines"
    }

    fn log_height(&self) -> usize {
        self.plan.line_rows().ilog2() as usize
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (per_block, rows) = (self.plan.block_lines(), self.plan.line_rows());
        let last = |row: usize| row % per_block == per_block - 1;
        let mut columns = vec![flags(per_block, last)];
        if self.plan.blocks == 1 && self.used == self.plan.accounts {
            columns.push(ones());
            columns.push(flags(per_block, last));
        } else {
            columns.push(flags(rows, |row| self.opens(row)));
            columns.push(flags(rows, |row| self.opens(row) && last(row)));
        }
        if self.plan.blocks > 1 {
            columns.push(flags(rows, |row| row < rows - per_block));
            columns.push(flags(rows, |row| row >= per_block));
        }
        columns
    }

    fn row<B: RowBuilder<LineRow>>(&self, b: &mut B) {
        let (row, group) = self.place(b);
        let last = b.pinned("LINES-1", LAST);
        let opens = b.pinned("LINES-1", OPENS);
        let closes = b.pinned("LINES-1", CLOSES);
        let slots: Vec<Factors<B::E>> = (0..self.plan.per_line)
            .map(|slot| self.slot(b, slot, &row, &group, &opens))
            .collect();
        self.sums(b, &group, &last, &slots);

        let zeros = vec![b.constant(F::ZERO); self.plan.entry_len()];
        let mut terms = [zeros.clone(), zeros];
        for slot in &slots {
            add_product(&mut terms[0], &slot.entry.0, &slot.rate.0);
            add_product(&mut terms[1], &slot.entry.1, &slot.rate.1);
        }
        let offset = self.plan.block_columns() * self.plan.pnl_len();
        let sums = running(b, "LINES-4", &last, terms, offset);
        let mut message = vec![group];
        message.extend(sums);
        b.send(ENTRY, closes, &message);
    }
}

/// A running sum that starts anew below a last line; `rows` are this row's terms and the next's.
fn running<B: RowBuilder<LineRow>>(
    b: &mut B,
    id: &'static str,
    last: &B::E,
    rows: [Vec<B::E>; 2],
    offset: usize,
) -> Vec<B::E> {
    let [here, next] = rows;
    let goes_on = b.one() - last.clone();
    let mut sums = Vec::with_capacity(here.len());
    for (i, (term, next_term)) in here.into_iter().zip(next).enumerate() {
        let (sum, next_sum) = b.state(|w| w.sums[offset + i]);
        b.assert_zero(id, When::First, sum.clone() - term);
        let step = next_sum - next_term - goes_on.clone() * sum.clone();
        b.assert_zero(id, When::Transition, step);
        sums.push(sum);
    }
    sums
}

impl LinesTable {
    /// The line's number, from which the addresses of its quads follow, and the number of its group
    /// of lines: account by account, block by block.
    fn place<B: RowBuilder<LineRow>>(&self, b: &mut B) -> (B::E, B::E) {
        let id = "LINES-1";
        let (row, next_row) = b.state(|w| F::from_usize(w.row));
        b.assert_zero(id, When::First, row.clone());
        let step = next_row - row.clone() - b.one();
        b.assert_zero(id, When::Transition, step);
        let per_block = self.plan.block_lines();
        let (group, next_group) = b.state(|w| F::from_usize(w.row / per_block));
        b.assert_zero(id, When::First, group.clone());
        let step = next_group - group.clone() - b.fixed(LAST);
        b.assert_zero(id, When::Transition, step);
        (row, group)
    }

    /// One position: opens its commitment and looks up what it is worth.
    fn slot<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        slot: usize,
        row: &B::E,
        group: &B::E,
        opens: &B::E,
    ) -> Factors<B::E> {
        let key = b.cell(|w| F::from_usize(w.slots[slot].key));
        let mut limbs = |n: usize, of: fn(&Slot) -> u64| -> Cells<B::E> {
            (0..n)
                .map(|i| b.state(|w| F::from_u64(limb_of(u128::from(of(&w.slots[slot])), i))))
                .unzip()
        };
        let lots = limbs(LOT_LIMBS, |s| s.lots);
        let entry = limbs(AMOUNT_LIMBS, |s| s.entry);
        for cell in lots.0.iter().chain(&entry.0) {
            limb(b, cell.clone());
        }
        let closed = b.one() - opens.clone();
        for cell in &entry.0 {
            b.zero("LINES-2", closed.clone() * cell.clone());
        }
        let lots_whole = join(&lots.0);
        if self.plan.blocks == 1 {
            b.zero("LINES-2", closed.clone() * key.clone());
            b.zero("LINES-2", closed * lots_whole.clone());
        } else {
            self.carry(b, row, &key, &lots_whole);
        }
        let address = row.clone() * F::from_usize(self.plan.per_line) + F::from_usize(slot);
        let [low, high] = [&entry.0[..LOT_LIMBS], &entry.0[LOT_LIMBS..]].map(join);
        b.send(
            QUADS,
            opens.clone(),
            &[address, key.clone(), lots_whole, low, high],
        );
        let (rate, values) = self.rates(b, slot, &key, group);
        Factors {
            lots,
            entry,
            rate,
            values,
        }
    }

    /// Hands the position to the next block of columns.
    fn carry<B: RowBuilder<LineRow>>(&self, b: &mut B, row: &B::E, key: &B::E, lots: &B::E) {
        let hands = b.pinned("LINES-1", HANDS);
        let takes = b.pinned("LINES-1", TAKES);
        let below = row.clone() + F::from_usize(self.plan.block_lines());
        b.send(CARRY, hands, &[below, key.clone(), lots.clone()]);
        b.receive(CARRY, takes, &[row.clone(), key.clone(), lots.clone()]);
    }

    /// Looks up the digits of the key's entry rate and of its values in the block's columns.
    fn rates<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        slot: usize,
        key: &B::E,
        group: &B::E,
    ) -> (Cells<B::E>, Cells<B::E>) {
        let plan = &self.plan;
        let rates = &plan.rates;
        let rate: Cells<B::E> = (0..rates.entry_digits)
            .map(|i| b.state(|w| signed_felt(rates.entry(w.slots[slot].key)[i])))
            .unzip();
        let values: Cells<B::E> = (0..plan.block_columns())
            .flat_map(|column| (0..rates.value_digits).map(move |digit| (column, digit)))
            .map(|(column, digit)| {
                b.state(|w| {
                    let block = (w.row / plan.block_lines()) % plan.blocks;
                    let column = block * plan.block_columns() + column;
                    signed_felt(rates.value(w.slots[slot].key, column)[digit])
                })
            })
            .unzip();
        // With several blocks there is one account, so the group is the block.
        let block = if plan.blocks > 1 {
            group.clone()
        } else {
            b.constant(F::ZERO)
        };
        let mut message = vec![key.clone(), block.clone()];
        message.extend(rate.0.iter().chain(&values.0).cloned());
        let index = key.clone() * F::from_usize(plan.blocks) + block;
        let one = b.one();
        b.lookup(RATES, &index, one, &message);
        (rate, values)
    }

    /// Adds up lots times values and sends the sums of each outcome row.
    fn sums<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        group: &B::E,
        last: &B::E,
        slots: &[Factors<B::E>],
    ) {
        let plan = &self.plan;
        let digits = plan.rates.value_digits;
        for j in 0..plan.groups {
            let row = group.clone() * F::from_usize(plan.groups) + F::from_usize(j);
            let mut message = vec![row];
            for column in j * plan.width..(j + 1) * plan.width {
                let zeros = vec![b.constant(F::ZERO); plan.pnl_len()];
                let mut terms = [zeros.clone(), zeros];
                let value = column * digits..(column + 1) * digits;
                for slot in slots {
                    add_product(&mut terms[0], &slot.lots.0, &slot.values.0[value.clone()]);
                    add_product(&mut terms[1], &slot.lots.1, &slot.values.1[value.clone()]);
                }
                message.extend(running(b, "LINES-3", last, terms, column * plan.pnl_len()));
            }
            b.send(PNL, last.clone(), &message);
        }
    }
}

const _: () = assert!(AMOUNT_LIMBS == 2 * LOT_LIMBS);
