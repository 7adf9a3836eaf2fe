//! From an account's secret for the batch to the root of its one-time secrets.

use gadgets::hash::{DIGEST, Digest};
use gadgets::merkle::step_with;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::SECRETS;
use crate::owner::LOG_SECRETS;
use crate::settle::plan::Plan;

/// Rows of an account, of which each is a node of the way from its secret's digest up. The bits of the batch's number say on which
/// side it stands.
///
/// - SECRETS-1: the row's account, and the public columns.
/// - SECRETS-2: an account's rows are used or not; unused ones lead up from zeros, with zeros beside.
/// - SECRETS-3: a row goes on from the node above it.
#[derive(Clone, Debug)]
pub(crate) struct SecretsTable {
    pub plan: Plan,
    /// The batch's number.
    pub batch: u64,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretRow {
    pub row: usize,
    /// Whether the account's secret is shown.
    pub used: bool,
    /// The node that the row leads up from.
    pub below: Digest,
    pub sibling: Digest,
}

// Fixed columns.
/// The first and the last row of an account.
const FIRST: usize = 0;
const LAST: usize = 1;
/// Whether the node is a right child.
const RIGHT: usize = 2;

impl Table for SecretsTable {
    type Row = SecretRow;

    fn name(&self) -> &'static str {
        "secrets"
    }

    fn log_height(&self) -> usize {
        self.plan.log_touched + LOG_SECRETS.ilog2() as usize
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let column = |of: &dyn Fn(usize) -> bool| -> Vec<F> {
            (0..LOG_SECRETS).map(|row| F::from_bool(of(row))).collect()
        };
        vec![
            column(&|row| row == 0),
            column(&|row| row + 1 == LOG_SECRETS),
            column(&|row| self.batch >> row & 1 == 1),
        ]
    }

    fn row<B: RowBuilder<SecretRow>>(&self, b: &mut B) {
        let id = "SECRETS-1";
        let [first, last, right] = [FIRST, LAST, RIGHT].map(|column| b.pinned(id, column));
        let (account, next) = b.state(|w| F::from_usize(w.row / LOG_SECRETS));
        b.assert_zero(id, When::First, account.clone());
        b.assert_zero(id, When::Transition, next - account.clone() - last.clone());
        let goes_on = b.one() - last.clone();

        let id = "SECRETS-2";
        let (used, next) = b.state(|w| F::from_bool(w.used));
        b.boolean(id, &used);
        let change = next - used.clone();
        b.assert_zero(id, When::Transition, goes_on.clone() * change);
        let unused = b.one() - used.clone();
        let (below, next): (Vec<B::E>, Vec<B::E>) =
            (0..DIGEST).map(|i| b.state(|w| w.below[i])).unzip();
        for cell in &below {
            b.zero(id, first.clone() * unused.clone() * cell.clone());
        }
        let below: [B::E; DIGEST] = std::array::from_fn(|i| below[i].clone());
        let sibling: [B::E; DIGEST] = std::array::from_fn(|i| b.cell(|w| w.sibling[i]));
        for cell in &sibling {
            b.zero(id, unused.clone() * cell.clone());
        }
        let parent = step_with(b, &right, &below, &sibling);
        for (next, parent) in next.into_iter().zip(&parent) {
            let step = goes_on.clone() * (next - parent.clone());
            b.assert_zero("SECRETS-3", When::Transition, step);
        }
        for (side, (at, node)) in [(first, &below), (last, &parent)].into_iter().enumerate() {
            let count = b.derive([&at, &used], |[at, used]| at * used);
            b.zero(id, count.clone() - at * used.clone());
            let mut message = vec![account.clone(), b.constant(F::from_usize(side))];
            message.extend(node.iter().cloned());
            b.receive(SECRETS, count, &message);
        }
    }
}
