//! Positions, and their sums per account.

use gadgets::hash::DIGEST;
use gadgets::limbs::{AMOUNT_LIMBS, Sum, join, limb_of};
use gadgets::range::limb;
use gadgets::sponge::QUADS;
use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder, Table, When, signed_felt};

use super::{CARRY, ENTRY, PNL, RATES, flags, ones};
use crate::margin::plan::{LOT_LIMBS, Plan};

/// A line: one block of columns of one position slot. Lines stand by account, block, slot.
///
/// - LINES-1: the row's place: its number, its group and the public flags.
/// - LINES-2: slots of unused accounts are empty, and entries count in the first block only.
/// - LINES-3: the running sum of lots times value, per column, over the slots of a block.
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
    pub key: usize,
    pub lots: u64,
    /// Zero but in the first block.
    pub entry: u64,
    /// The running sums: of each column's coefficients, then of the entry's.
    pub sums: Vec<F>,
}

// Fixed columns.
/// The last slot of a block.
const LAST: usize = 0;
/// The line opens the commitment: first block of a used account.
const OPENS: usize = 1;
/// The last slot of those.
const CLOSES: usize = 2;
/// There is a block after this one.
const HANDS: usize = 3;
/// There is a block before this one.
const TAKES: usize = 4;

impl LinesTable {
    fn opens(&self, row: usize) -> bool {
        let per_account = self.plan.blocks * self.plan.slots;
        row / per_account < self.used && row % per_account < self.plan.slots
    }
}

/// `a[i] * b[j]` at `i + j`.
fn product<E: Expr>(a: &[E], b: &[E]) -> Vec<E> {
    // The bound is asserted where the sums are used; here only the coefficients matter.
    Sum::product(&Sum::new(a.to_vec(), 1), &Sum::new(b.to_vec(), 1))
        .coefficients()
        .to_vec()
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
        let (slots, rows) = (self.plan.slots, self.plan.line_rows());
        let last = |row: usize| row % slots == slots - 1;
        let mut columns = vec![flags(slots, last)];
        if self.plan.blocks == 1 && self.used == self.plan.accounts {
            columns.push(ones());
            columns.push(flags(slots, last));
        } else {
            columns.push(flags(rows, |row| self.opens(row)));
            columns.push(flags(rows, |row| self.opens(row) && last(row)));
        }
        if self.plan.blocks > 1 {
            columns.push(flags(rows, |row| row < rows - slots));
            columns.push(flags(rows, |row| row >= slots));
        }
        columns
    }

    fn row<B: RowBuilder<LineRow>>(&self, b: &mut B) {
        let one = b.one();
        let (row, group) = self.place(b);
        let last = b.pinned("LINES-1", LAST);
        let opens = b.pinned("LINES-1", OPENS);
        let closes = b.pinned("LINES-1", CLOSES);

        let key = b.cell(|w| F::from_usize(w.key));
        let (lots, next_lots): (Vec<B::E>, Vec<B::E>) = (0..LOT_LIMBS)
            .map(|i| b.state(|w| F::from_u64(limb_of(u128::from(w.lots), i))))
            .unzip();
        let (entry, next_entry): (Vec<B::E>, Vec<B::E>) = (0..AMOUNT_LIMBS)
            .map(|i| b.state(|w| F::from_u64(limb_of(u128::from(w.entry), i))))
            .unzip();
        for cell in lots.iter().chain(&entry) {
            limb(b, cell);
        }
        let closed = one.clone() - opens.clone();
        for cell in &entry {
            b.zero("LINES-2", closed.clone() * cell.clone());
        }
        let lots_whole = join(&lots);
        if self.plan.blocks == 1 {
            b.zero("LINES-2", closed.clone() * key.clone());
            b.zero("LINES-2", closed * lots_whole.clone());
        } else {
            self.carry(b, &row, &key, &lots_whole);
        }
        let quad = [
            row,
            key.clone(),
            lots_whole,
            join(&entry[..LOT_LIMBS]),
            join(&entry[LOT_LIMBS..]),
        ];
        b.send(QUADS, opens, &quad);

        let (rate, next_rate, values, next_values) = self.rates(b, &key, &group);
        self.sums(
            b,
            &group,
            &last,
            [&lots, &next_lots],
            [&values, &next_values],
        );

        let rows = [product(&entry, &rate), product(&next_entry, &next_rate)];
        let offset = self.plan.block_columns() * self.plan.pnl_len();
        let sums = running(b, "LINES-4", &last, rows, offset);
        let mut message = vec![group];
        message.extend(sums);
        b.send(ENTRY, closes, &message);
    }
}

/// A running sum that starts anew below a last slot; `rows` are this row's terms and the next's.
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
    /// The line's number, which is also the address of its quad, and the number of its group of
    /// slots: account by account, block by block.
    fn place<B: RowBuilder<LineRow>>(&self, b: &mut B) -> (B::E, B::E) {
        let id = "LINES-1";
        let (row, next_row) = b.state(|w| F::from_usize(w.row));
        b.assert_zero(id, When::First, row.clone());
        let step = next_row - row.clone() - b.one();
        b.assert_zero(id, When::Transition, step);
        let slots = self.plan.slots;
        let (group, next_group) = b.state(|w| F::from_usize(w.row / slots));
        b.assert_zero(id, When::First, group.clone());
        let step = next_group - group.clone() - b.fixed(LAST);
        b.assert_zero(id, When::Transition, step);
        (row, group)
    }

    /// Hands the position to the next block of columns.
    fn carry<B: RowBuilder<LineRow>>(&self, b: &mut B, row: &B::E, key: &B::E, lots: &B::E) {
        let hands = b.pinned("LINES-1", HANDS);
        let takes = b.pinned("LINES-1", TAKES);
        let below = row.clone() + F::from_usize(self.plan.slots);
        b.send(CARRY, hands, &[below, key.clone(), lots.clone()]);
        b.receive(CARRY, takes, &[row.clone(), key.clone(), lots.clone()]);
    }

    /// Looks up the digits of the key's entry rate and of its values in the block's columns.
    #[expect(
        clippy::type_complexity,
        reason = "this row's and the next row's cells, twice"
    )]
    fn rates<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        key: &B::E,
        group: &B::E,
    ) -> (Vec<B::E>, Vec<B::E>, Vec<B::E>, Vec<B::E>) {
        let plan = &self.plan;
        let rates = &plan.rates;
        let (rate, next_rate): (Vec<B::E>, Vec<B::E>) = (0..rates.entry_digits)
            .map(|i| b.state(|w| signed_felt(rates.entry(w.key)[i])))
            .unzip();
        let (values, next_values): (Vec<B::E>, Vec<B::E>) = (0..plan.block_columns())
            .flat_map(|column| (0..rates.value_digits).map(move |digit| (column, digit)))
            .map(|(column, digit)| {
                b.state(|w| {
                    let block = (w.row / plan.slots) % plan.blocks;
                    let column = block * plan.block_columns() + column;
                    signed_felt(rates.value(w.key, column)[digit])
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
        message.extend(rate.iter().chain(&values).cloned());
        let index = key.clone() * F::from_usize(plan.blocks) + block;
        let one = b.one();
        b.lookup(RATES, &index, one, &message);
        (rate, next_rate, values, next_values)
    }

    /// Adds up lots times values and sends the sums of each outcome row.
    fn sums<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        group: &B::E,
        last: &B::E,
        lots: [&[B::E]; 2],
        values: [&[B::E]; 2],
    ) {
        let plan = &self.plan;
        let digits = plan.rates.value_digits;
        for j in 0..plan.groups {
            let row = group.clone() * F::from_usize(plan.groups) + F::from_usize(j);
            let mut message = vec![row];
            for column in j * plan.width..(j + 1) * plan.width {
                let terms = std::array::from_fn(|t| {
                    product(lots[t], &values[t][column * digits..(column + 1) * digits])
                });
                message.extend(running(b, "LINES-3", last, terms, column * plan.pnl_len()));
            }
            b.send(PNL, last.clone(), &message);
        }
    }
}

const _: () = assert!(DIGEST == 8 && AMOUNT_LIMBS == 2 * LOT_LIMBS);
