//! Accounts: the commitment's leaves and what collateral is worth.

use gadgets::hash::Digest;
use gadgets::limbs::{Amount, halves_of, join};
use gadgets::public::Publics;
use gadgets::sum::Sum;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::{ENTRY, EQUITY, flags, ones};
use crate::account::{ELEMENTS_PER_ASSET, Leaf};
use crate::collateral::{haircut, public_pieces, rate_limbs, rate_values};
use crate::margin::digits::{Digit, sign};
use crate::margin::plan::{Plan, SUBTICK_LIMBS};
use crate::opening::Hidden;

/// One account a row.
///
/// - ACCOUNTS-1: the row's number and whether it is used.
/// - ACCOUNTS-2: an unused row holds zeros.
/// - ACCOUNTS-3: the haircut value of each asset (see [`crate::collateral`]).
/// - ACCOUNTS-4: the limbs and the sign of collateral less debts plus entries, in subticks. Cutting the
///   two lowest limbs rounds down to a tick.
/// - ACCOUNTS-5: nothing is owed in an asset without a price, where a debt would count for nothing.
#[derive(Clone, Debug)]
pub(crate) struct AccountsTable {
    pub plan: Plan,
    /// What the places of the snapshot's lists stand for: every account was committed to over these.
    pub listing: Digest,
    /// Used accounts; they come first.
    pub used: usize,
}

/// The private data of one row.
#[derive(Clone, Default)]
pub(crate) struct AccountRow {
    pub row: usize,
    /// `None` if unused.
    pub leaf: Option<Leaf>,
    /// The coefficients of the sum of entries.
    pub entry: Vec<F>,
}

impl AccountRow {
    fn amount(&self, asset: usize, which: usize) -> u64 {
        self.leaf
            .as_ref()
            .map_or(0, |leaf| leaf.balances[asset][which])
    }
}

impl Table for AccountsTable {
    type Row = AccountRow;

    fn name(&self) -> &'static str {
        "accounts"
    }

    fn log_height(&self) -> usize {
        (self.plan.accounts.ilog2() as usize).max(stark::MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let height = 1 << self.log_height();
        vec![if self.used == height {
            ones()
        } else {
            flags(height, |row| row < self.used)
        }]
    }

    fn public(&self) -> Vec<F> {
        let assets = self.plan.assets.iter();
        let numbers = assets.flat_map(|a| [public_pieces(&a.pieces), rate_values(a.debt)]);
        numbers.flatten().chain(self.listing).collect()
    }

    fn row<B: RowBuilder<AccountRow>>(&self, b: &mut B) {
        let mut publics = Publics::from(0);
        let (row, next_row) = b.state(|w| F::from_usize(w.row));
        b.assert_zero("ACCOUNTS-1", When::First, row.clone());
        let step = next_row - row.clone() - b.one();
        b.assert_zero("ACCOUNTS-1", When::Transition, step);
        let active = b.pinned("ACCOUNTS-1", 0);

        let mut equity = self.entry(b, &row, &active);
        let hidden = Hidden::read(b, |w: &AccountRow| w.leaf.as_ref());
        let mut leaf = Vec::new();
        for (asset, numbers) in self.plan.assets.iter().enumerate() {
            let [holding, debt]: [Amount<B::E>; 2] =
                std::array::from_fn(|i| Amount::read(b, |w: &AccountRow| w.amount(asset, i)));
            leaf.extend(holding.halves());
            leaf.extend(debt.halves());
            if numbers.debt == 0 {
                // Six limbs below 2^10: their sum is zero only if each is.
                let sum = debt.limbs().iter().cloned();
                let sum = sum.fold(b.constant(F::ZERO), |a, l| a + l);
                b.zero("ACCOUNTS-5", sum);
            }
            // Pledges are committed to, but play no part here.
            leaf.extend(
                (0..ELEMENTS_PER_ASSET - 4)
                    .map(|i| b.cell(|w| halves_of(w.amount(asset, 2 + i / 2))[i % 2])),
            );
            let value = haircut(b, "ACCOUNTS-3", &holding, &numbers.pieces, &mut publics);
            let rate = publics.limbs(b, "ACCOUNTS-3", rate_limbs(numbers.debt));
            equity = equity
                .plus(&value)
                .minus(&Sum::product(&debt.to_sum(), &rate.sum()));
        }
        for element in hidden.cells().chain(&leaf) {
            b.zero("ACCOUNTS-2", (b.one() - active.clone()) * element.clone());
        }
        let opening = self.plan.opening();
        opening.send_leaf(b, &row, &active, &mut publics, hidden, leaf);
        self.provide_equity(b, &row, &active, &equity);
    }
}

impl AccountsTable {
    /// The sum of the account's entries, from its lines.
    fn entry<B: RowBuilder<AccountRow>>(&self, b: &mut B, row: &B::E, active: &B::E) -> Sum<B::E> {
        let cells: Vec<B::E> = (0..self.plan.entry_len())
            .map(|i| {
                let cell = b.cell(|w| w.entry.get(i).copied().unwrap_or(F::ZERO));
                b.zero("ACCOUNTS-2", (b.one() - active.clone()) * cell.clone());
                cell
            })
            .collect();
        let mut message = vec![row.clone()];
        message.extend(cells.iter().cloned());
        b.receive(ENTRY, active.clone(), &message);
        Sum::declared(b, "ACCOUNTS-4", cells, self.plan.entry_bound())
    }

    /// Normalizes equity and provides its whole ticks to every outcome row of the account.
    fn provide_equity<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        row: &B::E,
        active: &B::E,
        equity: &Sum<B::E>,
    ) {
        let total = self.plan.equity_limbs + SUBTICK_LIMBS;
        let bound = equity.bound() as i64;
        let zero = b.constant(F::ZERO);
        let digits: Vec<Digit<B::E>> = (0..total)
            .map(|i| match equity.coefficients().get(i) {
                Some(c) => Digit {
                    value: c.clone(),
                    range: (-bound, bound),
                    limbs: 1,
                },
                None => Digit {
                    value: zero.clone(),
                    range: (0, 0),
                    limbs: 1,
                },
            })
            .collect();
        let (limbs, negative) = sign(b, "ACCOUNTS-4", &digits, true);
        let mut message = vec![row.clone()];
        let mut at = SUBTICK_LIMBS;
        for width in self.plan.equity_widths() {
            message.push(join(&limbs[at..at + width]));
            at += width;
        }
        message.extend(negative);
        // Outcome rows exist for all slots of a book, for the one account otherwise.
        let slot = if self.plan.single {
            active.clone()
        } else {
            b.one()
        };
        let rows = F::from_usize(self.plan.outcomes());
        b.provide(EQUITY, slot * rows, &message);
    }
}
