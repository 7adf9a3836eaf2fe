//! Positions, and their sums per account and underlying.

use gadgets::limbs::{AMOUNT_LIMBS, join, limb_of};
use gadgets::range::limb;
use gadgets::sponge::QUADS;
use stark::{Expr, F, PrimeCharacteristicRing, RowBuilder, Table, When, signed_felt};

use super::{CARRY, COIN, ENTRY, HELD, PNL, RATES, flags, ones};
use crate::margin::plan::{LOT_LIMBS, Plan};

/// A line: one block of columns of one position slot. Lines stand by account, block, slot. Within a block the positions on one
/// underlying stand together, with underlyings rising; an empty slot counts with what stands before it.
///
/// - LINES-1: the row's place: its number, its group (account and block) and the public flags.
/// - LINES-2: slots of unused accounts are empty, and entries count in the first block only.
/// - LINES-3: the running sum of lots times change, per column, over the lines of an underlying.
/// - LINES-4: the running sums of entry times entry rate, and of lots times value, over the lines of a block.
/// - LINES-5: where the lines of an underlying end: at the last line of a block, and before every other underlying, which has a
///   larger number.
/// - LINES-6: the running sum of entry times coin entry rate over the lines of an underlying.
#[derive(Clone, Debug)]
pub(crate) struct LinesTable {
    pub plan: Plan,
    /// Used accounts; they come first.
    pub used: usize,
    /// Whether positions are told to another table, too, which says how many lots of each are closed: these don't count.
    pub tells: bool,
}

/// The private data of one line.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineRow {
    pub row: usize,
    pub key: usize,
    /// Lots that count.
    pub lots: u64,
    /// Lots that are closed, where positions are told.
    pub closed: u64,
    /// Zero but in the first block.
    pub entry: u64,
    /// The underlying, from 1 on.
    pub underlying: usize,
    /// Whether its coin moves.
    pub moves: bool,
    /// The lines of the underlying end here.
    pub ends: bool,
    /// Where they end before another underlying: how many numbers lie between the two.
    pub step: usize,
    /// The running sums, as [`Plan`] says where.
    pub sums: Vec<F>,
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
        let per_account = self.plan.blocks * self.plan.slots;
        row / per_account < self.used && row % per_account < self.plan.slots
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

/// The product of two numbers, on this row and on the next.
fn product<E: Expr>(len: usize, zero: &E, a: &Cells<E>, b: &Cells<E>) -> [Vec<E>; 2] {
    let mut terms = [vec![zero.clone(); len], vec![zero.clone(); len]];
    add_product(&mut terms[0], &a.0, &b.0);
    add_product(&mut terms[1], &a.1, &b.1);
    terms
}

/// A line's place and where its underlying's lines stand.
struct Place<E> {
    row: E,
    /// Account and block.
    group: E,
    underlying: E,
    moves: E,
    ends: E,
}

/// The numbers of a position, and what it is worth.
struct Position<E> {
    lots: Cells<E>,
    entry: Cells<E>,
    entry_rate: Cells<E>,
    coin_rate: Cells<E>,
    value: Cells<E>,
    changes: Cells<E>,
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
        let (per_block, rows) = (self.plan.slots, self.plan.line_rows());
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
        let last = b.pinned("LINES-1", LAST);
        let opens = b.pinned("LINES-1", OPENS);
        let closes = b.pinned("LINES-1", CLOSES);
        let place = self.place(b, &last);
        let position = self.position(b, &place, &opens);
        self.changes(b, &place, &position);
        self.entries(b, &place, &last, &closes, &position);
        self.coin_entries(b, &place, &opens, &position);
    }
}

/// A running sum that starts anew below a row where `ends` is one; `rows` are this row's terms and the next's.
fn running<B: RowBuilder<LineRow>>(
    b: &mut B,
    id: &'static str,
    ends: &B::E,
    rows: [Vec<B::E>; 2],
    offset: usize,
) -> Vec<B::E> {
    let [here, next] = rows;
    let goes_on = b.one() - ends.clone();
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
    /// The line's number, from which the address of its quad follows; the number of its group of lines, account by account,
    /// block by block; and its underlying.
    fn place<B: RowBuilder<LineRow>>(&self, b: &mut B, last: &B::E) -> Place<B::E> {
        let id = "LINES-1";
        let (row, next_row) = b.state(|w| F::from_usize(w.row));
        b.assert_zero(id, When::First, row.clone());
        let step = next_row - row.clone() - b.one();
        b.assert_zero(id, When::Transition, step);
        let per_block = self.plan.slots;
        let (group, next_group) = b.state(|w| F::from_usize(w.row / per_block));
        b.assert_zero(id, When::First, group.clone());
        let step = next_group - group.clone() - last.clone();
        b.assert_zero(id, When::Transition, step);

        let id = "LINES-5";
        let one = b.one();
        let (underlying, next_underlying) = b.state(|w| F::from_usize(w.underlying));
        limb(b, underlying.clone());
        let (moves, next_moves) = b.state(|w| F::from_bool(w.moves));
        b.boolean(id, &moves);
        let ends = b.cell(|w| F::from_bool(w.ends));
        b.boolean(id, &ends);
        b.zero(id, last.clone() * (one.clone() - ends.clone()));
        // What is between an underlying's number and the next one's, besides one.
        let step = b.cell(|w| F::from_usize(w.step));
        limb(b, step.clone());
        let goes_on = one.clone() - ends.clone();
        b.zero(id, goes_on.clone() * step.clone());
        b.zero(id, last.clone() * step.clone());
        let rise = next_underlying - underlying.clone() - ends.clone() - step;
        b.assert_zero(id, When::Transition, (one - last.clone()) * rise);
        let change = next_moves - moves.clone();
        b.assert_zero(id, When::Transition, goes_on * change);
        Place {
            row,
            group,
            underlying,
            moves,
            ends,
        }
    }

    /// The position: opens its commitment and looks up what it is worth.
    fn position<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        opens: &B::E,
    ) -> Position<B::E> {
        let key = b.cell(|w| F::from_usize(w.key));
        let mut limbs = |n: usize, of: fn(&LineRow) -> u64| -> Cells<B::E> {
            (0..n)
                .map(|i| b.state(|w| F::from_u64(limb_of(u128::from(of(w)), i))))
                .unzip()
        };
        let lots = limbs(LOT_LIMBS, |w| w.lots);
        let entry = limbs(AMOUNT_LIMBS, |w| w.entry);
        for cell in lots.0.iter().chain(&entry.0) {
            limb(b, cell.clone());
        }
        let closed = b.one() - opens.clone();
        for cell in &entry.0 {
            b.zero("LINES-2", closed.clone() * cell.clone());
        }
        let mut lots_whole = join(&lots.0);
        let closed_lots = self.tells.then(|| b.cell(|w| F::from_u64(w.closed)));
        if let Some(closed) = &closed_lots {
            lots_whole += closed.clone();
        }
        if self.plan.blocks == 1 {
            b.zero("LINES-2", closed.clone() * key.clone());
            b.zero("LINES-2", closed * lots_whole.clone());
        } else {
            self.carry(b, &place.row, &key, &lots_whole);
        }
        let [low, high] = [&entry.0[..LOT_LIMBS], &entry.0[LOT_LIMBS..]].map(join);
        let quad = [place.row.clone(), key.clone(), lots_whole, low, high];
        b.send(QUADS, opens.clone(), &quad);
        if let Some(closed) = closed_lots {
            let told = [&quad[..], &[closed]].concat();
            b.send(HELD, opens.clone(), &told);
        }

        let [entry_rate, coin_rate, value, changes] = self.rates(b, &key, place);
        Position {
            lots,
            entry,
            entry_rate,
            coin_rate,
            value,
            changes,
        }
    }

    /// Hands the position to the next block of columns.
    fn carry<B: RowBuilder<LineRow>>(&self, b: &mut B, row: &B::E, key: &B::E, lots: &B::E) {
        let hands = b.pinned("LINES-1", HANDS);
        let takes = b.pinned("LINES-1", TAKES);
        let below = row.clone() + F::from_usize(self.plan.slots);
        b.send(CARRY, hands, &[below, key.clone(), lots.clone()]);
        b.receive(CARRY, takes, &[row.clone(), key.clone(), lots.clone()]);
    }

    /// Looks up the digits of the key's entry rates, of its value and of its changes in the block's columns. The key is one of
    /// an instrument on the line's underlying, or that of an empty slot.
    fn rates<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        key: &B::E,
        place: &Place<B::E>,
    ) -> [Cells<B::E>; 4] {
        let plan = &self.plan;
        let rates = &plan.rates;
        let mut digits = |n: usize, of: &dyn Fn(&LineRow, usize) -> i64| -> Cells<B::E> {
            (0..n).map(|i| b.state(|w| signed_felt(of(w, i)))).unzip()
        };
        let entry = digits(rates.entry_digits, &|w, i| rates.entry(w.key)[i]);
        let coin = digits(rates.entry_digits, &|w, i| rates.coin_entry(w.key)[i]);
        let value = digits(rates.value_digits, &|w, i| rates.value(w.key)[i]);
        let per_column = rates.value_digits;
        let changes = digits(plan.block_columns() * per_column, &|w, i| {
            let block = (w.row / plan.slots) % plan.blocks;
            let column = block * plan.block_columns() + i / per_column;
            rates.change(w.key, column)[i % per_column]
        });
        // Of an empty slot both are zero.
        let underlying = b.cell(|w| F::from_usize(if w.key == 0 { 0 } else { w.underlying }));
        let moves = b.cell(|w| F::from_bool(w.key != 0 && w.moves));
        let other = underlying.clone() - place.underlying.clone();
        b.zero("LINES-5", underlying.clone() * other);
        let other = moves.clone() - place.moves.clone();
        b.zero("LINES-5", underlying.clone() * other);
        // With several blocks there is one account, so the group is the block.
        let block = if plan.blocks > 1 {
            place.group.clone()
        } else {
            b.constant(F::ZERO)
        };
        let mut message = vec![key.clone(), block.clone(), underlying, moves];
        for cells in [&entry, &coin, &value, &changes] {
            message.extend(cells.0.iter().cloned());
        }
        let index = key.clone() * F::from_usize(plan.blocks) + block;
        let one = b.one();
        b.lookup(RATES, &index, one, &message);
        [entry, coin, value, changes]
    }

    /// Adds up lots times changes and sends the sums of an underlying.
    fn changes<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        position: &Position<B::E>,
    ) {
        let plan = &self.plan;
        let (digits, len) = (plan.rates.value_digits, plan.pnl_len());
        let zero = b.constant(F::ZERO);
        for row in 0..plan.groups {
            let mut message = vec![
                place.group.clone(),
                place.underlying.clone(),
                place.moves.clone(),
                b.constant(F::from_usize(row)),
            ];
            for column in row * plan.width..(row + 1) * plan.width {
                let at = column * digits..(column + 1) * digits;
                let (here, next) = &position.changes;
                let change = (here[at.clone()].to_vec(), next[at].to_vec());
                let terms = product(len, &zero, &position.lots, &change);
                message.extend(running(b, "LINES-3", &place.ends, terms, column * len));
            }
            b.send(PNL, place.ends.clone(), &message);
        }
    }

    /// Adds up what the account's positions were entered at and are worth, and sends both.
    fn entries<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        last: &B::E,
        closes: &B::E,
        position: &Position<B::E>,
    ) {
        let plan = &self.plan;
        let zero = b.constant(F::ZERO);
        let entries = product(
            plan.entry_len(),
            &zero,
            &position.entry,
            &position.entry_rate,
        );
        let values = product(plan.pnl_len(), &zero, &position.lots, &position.value);
        let mut message = vec![place.group.clone()];
        let [entry, _, value] = plan.account_sums();
        message.extend(running(b, "LINES-4", last, entries, entry.start));
        message.extend(running(b, "LINES-4", last, values, value.start));
        b.send(ENTRY, closes.clone(), &message);
    }

    /// Adds up the entries in the underlying's coin and sends them, if there is a coin.
    fn coin_entries<B: RowBuilder<LineRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        opens: &B::E,
        position: &Position<B::E>,
    ) {
        let zero = b.constant(F::ZERO);
        let len = self.plan.entry_len();
        let entries = product(len, &zero, &position.entry, &position.coin_rate);
        let mut message = vec![place.group.clone(), place.underlying.clone()];
        let [_, coin, _] = self.plan.account_sums();
        message.extend(running(b, "LINES-6", &place.ends, entries, coin.start));
        let closes = place.ends.clone() * place.moves.clone();
        let closes = b.derive([&closes, opens], |[ends, opens]| ends * opens);
        let expected = place.ends.clone() * place.moves.clone() * opens.clone();
        b.zero("LINES-6", closes.clone() - expected);
        b.send(COIN, closes, &message);
    }
}

const _: () = assert!(AMOUNT_LIMBS == 2 * LOT_LIMBS);
