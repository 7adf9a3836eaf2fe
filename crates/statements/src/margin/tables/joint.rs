//! The largest joint loss of every account on each group of underlyings.

use gadgets::limbs::{Limbs, limb_of};
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::losses::attained;
use super::{BELOW, END, LAST, Placed, ROW, SPREAD, USED};
use crate::margin::digits::{Digit, sign};
use crate::margin::plan::{Plan, TOP_LIMB};

/// Some columns of one group of one account a row. Rows stand by account, group, columns. In each column the losses on the
/// group's underlyings are below the largest ones by some amounts; the largest joint loss is below the sum of the largest losses
/// by the least sum of these amounts, the spread.
///
/// - JOINT-1: the row's place: the number of its account and the public columns.
/// - JOINT-2: an underlying that the account has nothing on is below by nothing; an unused row holds zeros.
/// - JOINT-3: the rows of a group speak of one spread.
/// - JOINT-4: the spread is no more than the sum in each column, in 2^-40 of a tick.
/// - JOINT-5: it is the sum in one of them.
#[derive(Clone, Debug)]
pub(crate) struct JointTable {
    pub plan: Plan,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct JointRow {
    pub row: usize,
    /// By how much losses are below the largest, of each of the group's underlyings in each column of the row; `None` if the
    /// account has nothing on it.
    pub below: Vec<Option<Vec<u128>>>,
    /// The least sum.
    pub spread: u128,
    /// It is the sum in a column of a row above.
    pub found: bool,
}

// Fixed columns.
/// The group's number.
const GROUP: usize = 4;
/// The group's underlyings; 0 where there is none.
const UNDERLYINGS: usize = 5;

impl JointTable {
    /// A group is a place.
    fn placed(&self) -> Placed {
        Placed {
            accounts: self.plan.accounts,
            per_account: self.per_account(),
            per_place: self.plan.loss_rows(),
        }
    }

    fn per_account(&self) -> usize {
        self.plan.offsets.len() * self.plan.loss_rows()
    }
}

impl Table for JointTable {
    type Row = JointRow;

    fn name(&self) -> &'static str {
        "joint"
    }

    fn log_height(&self) -> usize {
        self.placed().log_height()
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let plan = &self.plan;
        let placed = self.placed();
        let group = |row: usize| row % placed.per_account / placed.per_place;
        let mut columns = placed.columns();
        columns.push(placed.numbers(group));
        for place in 0..plan.joint_places() {
            columns.push(placed.numbers(|row| {
                let underlyings = &plan.offsets[group(row)].underlyings;
                underlyings.get(place).copied().unwrap_or(0)
            }));
        }
        columns
    }

    fn row<B: RowBuilder<JointRow>>(&self, b: &mut B) {
        let plan = &self.plan;
        let id = "JOINT-1";
        let accounts = plan.accounts;
        let per_account = self.per_account();
        let (account, next_account) =
            b.state(|w| F::from_usize((w.row / per_account).min(accounts)));
        b.assert_zero(id, When::First, account.clone());
        let step = next_account - account.clone() - b.fixed(END);
        b.assert_zero(id, When::Transition, step);
        let [used, last] = [USED, LAST].map(|column| b.pinned(id, column));

        let sums = self.sums(b, &account, &used);
        let spread = self.spread(b, &account, &used, &last);
        let differences: Vec<Vec<B::E>> = sums
            .iter()
            .map(|sum| {
                let digits = difference(plan, sum, &spread);
                sign(b, "JOINT-4", &digits, false).0
            })
            .collect();
        attained(b, "JOINT-5", &last, &differences, |w: &JointRow| w.found);
    }
}

impl JointTable {
    /// By how much all losses on the group's underlyings together are below the largest ones, in each column of the row.
    fn sums<B: RowBuilder<JointRow>>(
        &self,
        b: &mut B,
        account: &B::E,
        used: &B::E,
    ) -> Vec<Vec<B::E>> {
        let plan = &self.plan;
        let (id, len) = ("JOINT-2", plan.difference_len());
        let row = b.pinned("JOINT-1", ROW);
        let mut sums = vec![vec![b.constant(F::ZERO); len]; plan.width];
        for place in 0..plan.joint_places() {
            let held = b.cell(|w| F::from_bool(w.below.get(place).is_some_and(Option::is_some)));
            b.boolean(id, &held);
            b.zero(id, held.clone() * (b.one() - used.clone()));
            let none = b.one() - held.clone();
            let underlying = b.pinned("JOINT-1", UNDERLYINGS + place);
            let mut message = vec![account.clone(), underlying, row.clone()];
            for (column, sum) in sums.iter_mut().enumerate() {
                for (i, sum) in sum.iter_mut().enumerate() {
                    let cell = b.cell(|w| {
                        let below = w.below.get(place).and_then(Option::as_ref);
                        F::from_u64(below.map_or(0, |below| limb_of(below[column], i)))
                    });
                    b.zero(id, none.clone() * cell.clone());
                    *sum += cell.clone();
                    message.push(cell);
                }
            }
            b.receive(BELOW, held, &message);
        }
        sums
    }

    /// The spread, told to the account by the last row of the group.
    fn spread<B: RowBuilder<JointRow>>(
        &self,
        b: &mut B,
        account: &B::E,
        used: &B::E,
        last: &B::E,
    ) -> Limbs<B::E> {
        let one = b.one();
        let unused = one.clone() - used.clone();
        let goes_on = one - last.clone();
        let mut cells = Vec::new();
        for i in 0..self.plan.spread_limbs() {
            let (cell, next) = b.state(|w| F::from_u64(limb_of(w.spread, i)));
            let change = next - cell.clone();
            b.assert_zero("JOINT-3", When::Transition, goes_on.clone() * change);
            b.zero("JOINT-2", unused.clone() * cell.clone());
            cells.push(cell);
        }
        let spread: Limbs<B::E> = cells
            .into_iter()
            .map(|cell| gadgets::range::limb(b, cell))
            .collect();
        let mut message = vec![account.clone(), b.pinned("JOINT-1", GROUP)];
        message.extend(spread.iter().cloned());
        b.send(SPREAD, last.clone(), &message);
        spread
    }
}

/// A sum of amounts less the spread.
fn difference<E: stark::Expr>(plan: &Plan, sum: &[E], spread: &Limbs<E>) -> Vec<Digit<E>> {
    let most = plan.joint_places() as i64 * TOP_LIMB;
    let digits = (0..plan.joint_len()).map(|i| {
        let mut digit = Digit {
            value: E::ZERO,
            range: (0, 0),
            limbs: 1,
        };
        if let Some(sum) = sum.get(i) {
            digit.value += sum.clone();
            digit.range.1 += most;
        }
        if let Some(limb) = spread.get(i) {
            digit.value -= limb.clone();
            digit.range.0 -= TOP_LIMB;
        }
        digit
    });
    digits.collect()
}
