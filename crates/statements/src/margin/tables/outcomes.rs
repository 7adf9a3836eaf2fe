//! The margin of every account in every scenario, and its sign.

use gadgets::totals::{COUNT_LIMBS, COUNTS, SALTS};
use stark::{F, Field, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::{EQUITY, PNL, flags, ones};
use crate::margin::digits::{Digit, sign};
use crate::margin::plan::Plan;

/// The register of accounts below the level, after the salts.
pub(crate) const BELOW: usize = 0;

/// Some columns of one account a row. Outcomes stand by account, block, group.
///
/// - OUTCOMES-1: the row's place: its number, its account and the public flags.
/// - OUTCOMES-2: an unused row holds zeros.
/// - OUTCOMES-3: the sign of equity plus profit and loss, in ticks; for a single account it must
///   not be negative.
/// - OUTCOMES-4: whether any margin of the account is negative.
/// - OUTCOMES-5: the number of such accounts above.
#[derive(Clone, Debug)]
pub(crate) struct OutcomesTable {
    pub plan: Plan,
}

/// The private data of one row.
#[derive(Clone, Default)]
pub(crate) struct OutcomeRow {
    pub row: usize,
    /// Equity as it travels: limbs, pairs of limbs, sign.
    pub equity: Vec<F>,
    /// The coefficients of each column's profit and loss.
    pub pnl: Vec<F>,
    /// Negative margins of the account in the rows above.
    pub above: u64,
    /// Accounts below the level that end above this row.
    pub count: u64,
}

// Fixed columns.
/// The last row of an account.
const LAST: usize = 0;
const USED: usize = 1;

impl Table for OutcomesTable {
    type Row = OutcomeRow;

    fn name(&self) -> &'static str {
        "outcomes"
    }

    fn log_height(&self) -> usize {
        let rows = self.plan.accounts * self.plan.outcomes();
        (rows.next_power_of_two().ilog2() as usize).max(stark::MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (height, per_account) = (1 << self.log_height(), self.plan.outcomes());
        if self.plan.accounts * per_account == height {
            vec![flags(per_account, |row| row + 1 == per_account), ones()]
        } else {
            let used = self.plan.accounts * per_account;
            let last = |row: usize| row < used && row % per_account == per_account - 1;
            vec![flags(height, last), flags(height, |row| row < used)]
        }
    }

    fn row<B: RowBuilder<OutcomeRow>>(&self, b: &mut B) {
        let plan = &self.plan;
        let one = b.one();
        let (row, account, used) = self.place(b);

        let widths = plan.equity_widths();
        let equity: Vec<B::E> = (0..=widths.len())
            .map(|i| b.cell(|w| w.equity.get(i).copied().unwrap_or(F::ZERO)))
            .collect();
        let pnl: Vec<B::E> = (0..plan.width * plan.pnl_len())
            .map(|i| b.cell(|w| w.pnl.get(i).copied().unwrap_or(F::ZERO)))
            .collect();
        let unused = one - used.clone();
        for cell in equity.iter().chain(&pnl) {
            b.zero("OUTCOMES-2", unused.clone() * cell.clone());
        }
        let mut message = vec![account.clone()];
        message.extend(equity.iter().cloned());
        b.lookup(EQUITY, &account, used.clone(), &message);
        let mut message = vec![row];
        message.extend(pnl.iter().cloned());
        b.receive(PNL, used, &message);

        let mut negatives = b.constant(F::ZERO);
        for column in pnl.chunks(plan.pnl_len()) {
            let (_, negative) = sign(
                b,
                "OUTCOMES-3",
                &self.margin(&equity, &widths, column),
                !plan.single,
            );
            if let Some(bit) = negative {
                negatives += bit;
            }
        }
        if !plan.single {
            self.count(b, negatives);
        }
    }
}

impl OutcomesTable {
    fn place<B: RowBuilder<OutcomeRow>>(&self, b: &mut B) -> (B::E, B::E, B::E) {
        let id = "OUTCOMES-1";
        let (row, next_row) = b.state(|w| F::from_usize(w.row));
        b.assert_zero(id, When::First, row.clone());
        let step = next_row - row.clone() - b.one();
        b.assert_zero(id, When::Transition, step);
        let per_account = self.plan.outcomes();
        let accounts = self.plan.accounts;
        let (account, next_account) =
            b.state(|w| F::from_usize((w.row / per_account).min(accounts)));
        b.assert_zero(id, When::First, account.clone());
        let step = next_account - account.clone() - b.fixed(LAST);
        b.assert_zero(id, When::Transition, step);
        let used = b.pinned(id, USED);
        (row, account, used)
    }

    /// Equity plus a column's profit and loss, as digits.
    fn margin<E: stark::Expr>(&self, equity: &[E], widths: &[usize], pnl: &[E]) -> Vec<Digit<E>> {
        let bound = self.plan.pnl_bound() as i64;
        let mut digits: Vec<Digit<E>> = widths
            .iter()
            .enumerate()
            .map(|(i, &limbs)| {
                let top = (1 << (10 * limbs)) - 1;
                match pnl.get(i) {
                    Some(c) => Digit {
                        value: equity[i].clone() + c.clone(),
                        range: (-bound, bound + top),
                        limbs,
                    },
                    None => Digit {
                        value: equity[i].clone(),
                        range: (0, top),
                        limbs,
                    },
                }
            })
            .collect();
        // A negative equity's limbs are those of the equity plus the power above them.
        digits.push(Digit {
            value: -equity[widths.len()].clone(),
            range: (-1, 0),
            limbs: 1,
        });
        digits
    }

    /// Counts accounts with a negative margin and sends the count from the last row.
    fn count<B: RowBuilder<OutcomeRow>>(&self, b: &mut B, negatives: B::E) {
        let id = "OUTCOMES-4";
        let one = b.one();
        let (above, next_above) = b.state(|w| F::from_u64(w.above));
        let total = above.clone() + negatives;
        b.assert_zero(id, When::First, above);
        let step = next_above - (one.clone() - b.fixed(LAST)) * total.clone();
        b.assert_zero(id, When::Transition, step);
        // below = (total != 0), with the inverse as the evidence.
        let below = b.derive([&total], |[t]| F::from_bool(t != F::ZERO));
        let inverse = b.derive([&total], |[t]| t.try_inverse().unwrap_or(F::ZERO));
        b.zero(id, total.clone() * inverse.clone() - below.clone());
        b.zero(id, total * (one.clone() - below.clone()));
        b.zero(id, inverse * (one.clone() - below.clone()));

        let id = "OUTCOMES-5";
        let (count, next_count) = b.state(|w| F::from_u64(w.count));
        b.assert_zero(id, When::First, count.clone());
        let step = next_count - count.clone() - b.fixed(LAST) * below.clone();
        b.assert_zero(id, When::Transition, step);
        let (end, _) = b.state(|w| F::from_bool(w.row + 1 == 1 << self.log_height()));
        b.assert_zero(id, When::Last, end.clone() - one);
        b.assert_zero(id, When::Transition, end.clone());
        let mut message = vec![b.constant(F::from_usize(SALTS + BELOW)), count + below];
        message.resize(1 + COUNT_LIMBS, b.constant(F::ZERO));
        b.send(COUNTS, end, &message);
    }
}
