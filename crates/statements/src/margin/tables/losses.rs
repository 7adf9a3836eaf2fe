//! The largest loss of every account on each of its underlyings.

use gadgets::limbs::{Limbs, limb_of};
use stark::{F, Field, PrimeCharacteristicRing, RowBuilder, Table, When, signed_felt};

use super::{BALANCE, BELOW, END, LAST, LOSS, MOVES, PNL, Placed, ROW, USED};
use crate::margin::digits::{Digit, sign_with};
use crate::margin::plan::{BALANCE_LIMBS, MOVE_LIMBS, Plan, SIGNED_LIMB, TOP_LIMB};

/// Some columns of one underlying of one account a row. Rows stand by account, place among its underlyings, columns. Which
/// underlying stands where is the prover's choice; a place may be unused.
///
/// - LOSSES-1: the row's place: the number of its account and the public columns.
/// - LOSSES-2: without positions on the underlying nothing is won on them; without a coin balance nothing is had in the coin;
///   an unused place or row holds zeros.
/// - LOSSES-3: the rows of a place speak of one underlying and one largest loss.
/// - LOSSES-4: the largest loss is no less than the loss in each column, in 2^-40 of a tick.
/// - LOSSES-5: it is the loss in one of them.
///
/// Where there are groups with offsets, a row tells by how much each loss is below the largest, if its underlying is in one.
#[derive(Clone, Debug)]
pub(crate) struct LossesTable {
    pub plan: Plan,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct LossRow {
    pub row: usize,
    /// The underlying, from 1 on, and whether its coin moves; zero if the place is unused.
    pub underlying: usize,
    pub moves: bool,
    /// Whether the account's lines speak of the underlying.
    pub lines: bool,
    /// What there is in the coin, in ticks.
    pub balance: i128,
    /// The coefficients of what positions win in each column.
    pub pnl: Vec<F>,
    /// The largest loss.
    pub loss: u128,
    /// It is the loss in a column of a row above.
    pub found: bool,
}

// Fixed columns.
/// Its block, and its number in it.
const BLOCK: usize = 4;
const PIECE: usize = 5;
/// The place's number.
const PLACE: usize = 6;

/// What a row speaks of.
struct Subject<E> {
    account: E,
    underlying: E,
    moves: E,
    lines: E,
    used: E,
    last: E,
}

impl LossesTable {
    fn placed(&self) -> Placed {
        Placed {
            accounts: self.plan.accounts,
            per_account: self.plan.account_losses(),
            per_place: self.plan.loss_rows(),
        }
    }
}

impl Table for LossesTable {
    type Row = LossRow;

    fn name(&self) -> &'static str {
        "losses"
    }

    fn log_height(&self) -> usize {
        self.placed().log_height()
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let plan = &self.plan;
        let (placed, per_place) = (self.placed(), plan.loss_rows());
        let mut columns = placed.columns();
        columns.push(placed.numbers(|row| row % per_place / plan.groups));
        columns.push(placed.numbers(|row| row % per_place % plan.groups));
        columns.push(placed.numbers(|row| row % placed.per_account / per_place));
        columns
    }

    fn row<B: RowBuilder<LossRow>>(&self, b: &mut B) {
        let subject = self.subject(b);
        let pnl = self.pnl(b, &subject);
        let (balance, negative) = self.balance(b, &subject);
        let (moves, grouped) = self.moves(b, &subject, &negative);
        let loss = self.loss(b, &subject);
        let carries = self.plan.carries();
        let differences: Vec<Vec<B::E>> = (0..self.plan.width)
            .map(|column| {
                let pnl = &pnl[column * self.plan.pnl_len()..(column + 1) * self.plan.pnl_len()];
                let digits = self.plan.moves.digits;
                let moves = &moves[column * digits..(column + 1) * digits];
                let digits = self.difference(&loss, &balance, &negative, moves, pnl);
                sign_with(b, "LOSSES-4", &digits, false, carries).0
            })
            .collect();
        let id = "LOSSES-5";
        attained(b, id, &subject.last, &differences, |w: &LossRow| w.found);
        if let Some(grouped) = grouped {
            let row = b.pinned("LOSSES-1", ROW);
            let mut message = vec![subject.account, subject.underlying, row];
            message.extend(differences.into_iter().flatten());
            b.send(BELOW, grouped, &message);
        }
    }
}

impl LossesTable {
    fn subject<B: RowBuilder<LossRow>>(&self, b: &mut B) -> Subject<B::E> {
        let id = "LOSSES-1";
        let per_account = self.plan.account_losses();
        let accounts = self.plan.accounts;
        let (account, next_account) =
            b.state(|w| F::from_usize((w.row / per_account).min(accounts)));
        b.assert_zero(id, When::First, account.clone());
        let step = next_account - account.clone() - b.fixed(END);
        b.assert_zero(id, When::Transition, step);
        let [used, last] = [USED, LAST].map(|column| b.pinned(id, column));

        let one = b.one();
        let goes_on = one.clone() - last.clone();
        let (underlying, next) = b.state(|w| F::from_usize(w.underlying));
        let change = next - underlying.clone();
        b.assert_zero("LOSSES-3", When::Transition, goes_on.clone() * change);
        let (moves, next) = b.state(|w| F::from_bool(w.moves));
        b.boolean("LOSSES-2", &moves);
        let change = next - moves.clone();
        b.assert_zero("LOSSES-3", When::Transition, goes_on.clone() * change);
        let (lines, next) = b.state(|w| F::from_bool(w.lines));
        b.boolean("LOSSES-2", &lines);
        let change = next - lines.clone();
        b.assert_zero("LOSSES-3", When::Transition, goes_on * change);

        let unused = one.clone() - used.clone();
        b.zero("LOSSES-2", unused.clone() * moves.clone());
        b.zero("LOSSES-2", unused * lines.clone());
        let nothing = (one.clone() - moves.clone()) * (one - lines.clone());
        b.zero("LOSSES-2", nothing * underlying.clone());
        Subject {
            account,
            underlying,
            moves,
            lines,
            used,
            last,
        }
    }

    /// What positions on the underlying win in each column, from the account's lines.
    fn pnl<B: RowBuilder<LossRow>>(&self, b: &mut B, subject: &Subject<B::E>) -> Vec<B::E> {
        let plan = &self.plan;
        let none = b.one() - subject.lines.clone();
        let pnl: Vec<B::E> = (0..plan.width * plan.pnl_len())
            .map(|i| b.cell(|w| w.pnl.get(i).copied().unwrap_or(F::ZERO)))
            .collect();
        for cell in &pnl {
            b.zero("LOSSES-2", none.clone() * cell.clone());
        }
        // With several blocks there is one account, so the group is the block.
        let group = match plan.blocks {
            1 => subject.account.clone(),
            _ => b.pinned("LOSSES-1", BLOCK),
        };
        let piece = b.pinned("LOSSES-1", PIECE);
        let mut message = vec![
            group,
            subject.underlying.clone(),
            subject.moves.clone(),
            piece,
        ];
        message.extend(pnl.iter().cloned());
        b.receive(PNL, subject.lines.clone(), &message);
        pnl
    }

    /// What the account has in the coin: limbs, and whether it is below zero; the limbs are then those of it plus the power
    /// above them.
    fn balance<B: RowBuilder<LossRow>>(
        &self,
        b: &mut B,
        subject: &Subject<B::E>,
    ) -> (Vec<B::E>, B::E) {
        let none = b.one() - subject.moves.clone();
        let limbs: Vec<B::E> = (0..BALANCE_LIMBS)
            .map(|i| {
                b.cell(|w| {
                    let balance = w.balance.rem_euclid(1 << (10 * BALANCE_LIMBS));
                    F::from_u64(limb_of(balance as u128, i))
                })
            })
            .collect();
        let negative = b.cell(|w| F::from_bool(w.balance < 0));
        for cell in limbs.iter().chain([&negative]) {
            b.zero("LOSSES-2", none.clone() * cell.clone());
        }
        let mut message = vec![subject.account.clone(), subject.underlying.clone()];
        message.extend(limbs.iter().cloned());
        message.push(negative.clone());
        b.lookup(BALANCE, &subject.account, subject.moves.clone(), &message);
        (limbs, negative)
    }

    /// How the coin moves in each column, if the underlying is one, and, if there are groups, whether it is in one.
    fn moves<B: RowBuilder<LossRow>>(
        &self,
        b: &mut B,
        subject: &Subject<B::E>,
        negative: &B::E,
    ) -> (Vec<B::E>, Option<B::E>) {
        let plan = &self.plan;
        let row = b.pinned("LOSSES-1", ROW);
        let underlying = subject.underlying.clone();
        let grouped = (!plan.offsets.is_empty())
            .then(|| b.cell(|w| F::from_bool(plan.moves.is_grouped(w.underlying))));
        let digits: Vec<B::E> = (0..plan.width * plan.moves.digits)
            .map(|i| {
                b.cell(|w| {
                    let key = 2 * w.underlying + usize::from(w.balance < 0);
                    let column = w.row % plan.loss_rows() * plan.width + i / plan.moves.digits;
                    signed_felt(plan.moves.of(key, column)[i % plan.moves.digits])
                })
            })
            .collect();
        let mut message = vec![underlying.clone(), negative.clone(), row.clone()];
        message.extend(grouped.iter().chain(&digits).cloned());
        let key = underlying.clone() + underlying + negative.clone();
        let index = key * F::from_usize(plan.loss_rows()) + row;
        let one = b.one();
        // Rows behind the last account look up the first row's first columns.
        b.lookup(MOVES, &index, one, &message);
        (digits, grouped)
    }

    /// The largest loss, told to the account by the last row of the place.
    fn loss<B: RowBuilder<LossRow>>(&self, b: &mut B, subject: &Subject<B::E>) -> Limbs<B::E> {
        let one = b.one();
        let unused = one.clone() - subject.used.clone();
        let goes_on = one - subject.last.clone();
        let (mut cells, mut message) = (Vec::new(), vec![subject.account.clone()]);
        message.push(b.pinned("LOSSES-1", PLACE));
        for i in 0..self.plan.loss_limbs {
            let (cell, next) = b.state(|w| F::from_u64(limb_of(w.loss, i)));
            let change = next - cell.clone();
            b.assert_zero("LOSSES-3", When::Transition, goes_on.clone() * change);
            b.zero("LOSSES-2", unused.clone() * cell.clone());
            cells.push(cell);
        }
        let loss: Limbs<B::E> = cells
            .into_iter()
            .map(|cell| gadgets::range::limb(b, cell))
            .collect();
        message.extend(loss.iter().cloned());
        b.send(LOSS, subject.last.clone(), &message);
        loss
    }

    /// The largest loss less the loss in a column: plus what positions and the coin win there, in 2^-40 of a tick.
    fn difference<E: stark::Expr>(
        &self,
        loss: &Limbs<E>,
        balance: &[E],
        negative: &E,
        moves: &[E],
        pnl: &[E],
    ) -> Vec<Digit<E>> {
        let plan = &self.plan;
        let pnl_bound = plan.pnl_bound() as i64;
        (0..plan.difference_len())
            .map(|i| {
                let mut digit = Digit {
                    value: E::ZERO,
                    range: (0, 0),
                    limbs: 1,
                };
                let mut add = |value: E, low: i64, high: i64| {
                    digit.value += value;
                    digit.range = (digit.range.0 + low, digit.range.1 + high);
                };
                if let Some(limb) = loss.get(i) {
                    add(limb.clone(), 0, TOP_LIMB);
                }
                for (j, change) in moves.iter().enumerate() {
                    if let Some(limb) = i.checked_sub(j).and_then(|at| balance.get(at)) {
                        let most = TOP_LIMB * SIGNED_LIMB;
                        add(limb.clone() * change.clone(), -most, most);
                    }
                    if i == j + BALANCE_LIMBS {
                        let value = negative.clone() * change.clone();
                        add(-value, -SIGNED_LIMB, SIGNED_LIMB);
                    }
                }
                if let Some(coefficient) = i.checked_sub(MOVE_LIMBS).and_then(|at| pnl.get(at)) {
                    add(coefficient.clone(), -pnl_bound, pnl_bound);
                }
                digit
            })
            .collect()
    }
}

/// In some column, of the rows down to the last of a place, the difference is zero. `found` says so of the rows above.
pub(super) fn attained<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    last: &B::E,
    differences: &[Vec<B::E>],
    found: impl FnOnce(&W) -> bool,
) {
    let one = b.one();
    let mut equal = b.constant(F::ZERO);
    for limbs in differences {
        // Limbs below 2^10: their sum is zero only if each is.
        let sum = limbs
            .iter()
            .cloned()
            .fold(b.constant(F::ZERO), |a, l| a + l);
        equal += one.clone() - differs(b, id, &sum);
    }
    // At most as many as there are columns on a row.
    let here = differs(b, id, &equal);
    let (found, next_found) = b.state(|w| F::from_bool(found(w)));
    let missing = (one.clone() - found.clone()) * (one.clone() - here);
    b.assert_zero(id, When::First, found);
    let goes_on = one.clone() - last.clone();
    let step = next_found - goes_on * (one - missing.clone());
    b.assert_zero(id, When::Transition, step);
    b.zero(id, last.clone() * missing);
}

/// Whether a value is not zero: one or zero, with the inverse as the evidence.
fn differs<W, B: RowBuilder<W>>(b: &mut B, id: &'static str, value: &B::E) -> B::E {
    let differs = b.derive([value], |[v]| F::from_bool(v != F::ZERO));
    let inverse = b.derive([value], |[v]| v.try_inverse().unwrap_or(F::ZERO));
    let same = b.one() - differs.clone();
    b.zero(id, value.clone() * inverse.clone() - differs.clone());
    b.zero(id, value.clone() * same.clone());
    b.zero(id, inverse * same);
    differs
}
