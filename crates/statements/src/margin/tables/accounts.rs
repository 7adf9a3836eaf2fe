//! Accounts: the commitment's leaves, what collateral is worth, and whether equity covers the requirement.

use gadgets::hash::Digest;
use gadgets::limbs::{Amount, Limbs, halves_of, limb_of};
use gadgets::public::{Publics, limb_values};
use gadgets::sum::Sum;
use gadgets::totals::{COUNT_LIMBS, COUNTS, SALTS};
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When};

use super::coins::{CoinRow, coin};
use super::{ENTRY, LOSS, SPREAD, flags, ones};
use crate::account::{ELEMENTS_PER_ASSET, Leaf};
use crate::collateral::{haircut, public_pieces, rate_limbs, rate_values};
use crate::margin::digits::{digits_of, sign};
use crate::margin::plan::{MOVE_LIMBS, Plan, SUBTICK_LIMBS};
use crate::opening::Hidden;

/// Limbs of an offset in 10^-6.
const OFFSET_LIMBS: usize = 2;
/// The register of accounts below the level, after the salts.
pub(crate) const BELOW: usize = 0;

/// One account a row.
///
/// - ACCOUNTS-1: the row's number and whether it is used.
/// - ACCOUNTS-2: an unused row holds zeros.
/// - ACCOUNTS-3: the haircut value of each asset (see [`crate::collateral`]).
/// - ACCOUNTS-4: the sign of equity less contingency less the largest losses, in 2^-40 of a tick; of a single account it must
///   not be negative.
/// - ACCOUNTS-5: nothing is owed in an asset without a price, where a debt would count for nothing.
/// - ACCOUNTS-6: the number of accounts in the rows above of which it is negative.
/// - ACCOUNTS-7: with groups, the sign after what offsets take off the sum of the largest losses, in 10^-6 of that.
/// - COINS-1 to COINS-4: what the account has in each coin (see [`super::coins`]).
#[derive(Clone, Debug)]
pub(crate) struct AccountsTable {
    pub plan: Plan,
    /// What the places of the snapshot's lists stand for: every account was committed to over these.
    pub lists: Digest,
    /// Used accounts; they come first.
    pub used: usize,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountRow {
    pub row: usize,
    /// `None` if unused.
    pub leaf: Option<Leaf>,
    /// The coefficients of the sums of entries and of values.
    pub entry: Vec<F>,
    pub value: Vec<F>,
    /// Per asset that moves.
    pub coins: Vec<CoinRow>,
    /// The largest loss on each of its underlyings, by their places.
    pub losses: Vec<u128>,
    /// Of each group: by how much the largest joint loss is below the sum of the largest losses.
    pub spreads: Vec<u128>,
    /// Accounts below the level in the rows above.
    pub count: u64,
}

impl AccountRow {
    fn amount(&self, asset: usize, which: usize) -> u64 {
        self.leaf
            .as_ref()
            .map_or(0, |leaf| leaf.amount(asset, which))
    }
}

// Fixed columns.
/// The account exists.
const ACTIVE: usize = 0;
/// There is a place for it.
const SLOT: usize = 1;

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
        let first = |count: usize| match count == height {
            true => ones(),
            false => flags(height, |row| row < count),
        };
        vec![first(self.used), first(self.plan.accounts)]
    }

    fn public(&self) -> Vec<F> {
        let assets = self.plan.assets.iter();
        let numbers = assets.flat_map(|a| {
            let coin = a.coin.as_ref().map_or(Vec::new(), |coin| coin.public());
            [public_pieces(&a.pieces), rate_values(a.debt), coin]
        });
        let offsets = self.plan.offsets.iter();
        let offsets = offsets.flat_map(|group| limb_values(group.offset.into(), OFFSET_LIMBS));
        let numbers = numbers.flatten().chain(self.lists);
        numbers.chain(offsets).collect()
    }

    fn row<B: RowBuilder<AccountRow>>(&self, b: &mut B) {
        let mut publics = Publics::from(0);
        let (row, next_row) = b.state(|w| F::from_usize(w.row));
        b.assert_zero("ACCOUNTS-1", When::First, row.clone());
        let step = next_row - row.clone() - b.one();
        b.assert_zero("ACCOUNTS-1", When::Transition, step);
        let active = b.pinned("ACCOUNTS-1", ACTIVE);

        // In 2^-40 of a tick: two limbs below a subtick.
        let (mut equity, mut lost) = (self.positions(b, &row, &active), Sum::zero());
        let hidden = Hidden::read(b, |w: &AccountRow| w.leaf.as_ref());
        let (mut leaf, mut coins) = (Vec::new(), 0);
        for (asset, numbers) in self.plan.assets.iter().enumerate() {
            let own = self.asset(b, asset, &mut publics, &mut leaf);
            if let Some(numbers) = &numbers.coin {
                let place = super::coins::Place {
                    plan: &self.plan,
                    row: &row,
                    number: coins,
                };
                lost = lost.plus(&coin(b, &place, numbers, &own, &mut publics));
                coins += 1;
            }
            equity = equity.plus(&own);
        }
        for element in hidden.cells().chain(&leaf) {
            b.zero("ACCOUNTS-2", (b.one() - active.clone()) * element.clone());
        }
        let opening = self.plan.opening();
        opening.send_leaf(b, &row, &active, &mut publics, hidden, leaf);
        let lost = self.losses(b, &row, lost);
        let left = equity.shifted(MOVE_LIMBS - SUBTICK_LIMBS).minus(&lost);
        let id = "ACCOUNTS-4";
        let below = match self.plan.offsets.is_empty() {
            true => sign(b, id, &digits_of(&left, 0), !self.plan.single).1,
            false => {
                let (limbs, negative) = sign(b, id, &digits_of(&left, 0), true);
                let negative = Sum::bit(b, id, negative.expect("a sign was asked for"));
                let above = negative.shifted(limbs.len());
                let left = Limbs::declared(b, id, limbs).sum().minus(&above);
                let left = Sum::product(&left, &Sum::constant(1_000_000));
                let left = left.plus(&self.credits(b, &row, &mut publics));
                sign(b, "ACCOUNTS-7", &digits_of(&left, 0), !self.plan.single).1
            }
        };
        if let Some(below) = below {
            self.count(b, &below);
        }
    }
}

impl AccountsTable {
    /// The sum of the account's entries and what its positions are worth less contingency, in subticks, from its lines.
    pub fn positions<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        row: &B::E,
        active: &B::E,
    ) -> Sum<B::E> {
        let plan = &self.plan;
        let unused = b.one() - active.clone();
        let cells = |b: &mut B, count: usize, of: fn(&AccountRow) -> &[F]| -> Vec<B::E> {
            let read = |i: usize| {
                let cell = b.cell(|w| of(w).get(i).copied().unwrap_or(F::ZERO));
                b.zero("ACCOUNTS-2", unused.clone() * cell.clone());
                cell
            };
            (0..count).map(read).collect()
        };
        let entries = cells(b, plan.entry_len(), |w| &w.entry);
        let values = cells(b, plan.pnl_len(), |w| &w.value);
        let mut message = vec![row.clone()];
        message.extend(entries.iter().chain(&values).cloned());
        b.receive(ENTRY, active.clone(), &message);
        let entries = Sum::declared(b, "ACCOUNTS-4", entries, plan.entry_bound());
        let values = Sum::declared(b, "ACCOUNTS-4", values, plan.pnl_bound());
        entries.plus(&values.shifted(SUBTICK_LIMBS))
    }

    /// What the account has in an asset after haircut, less its debt, in subticks. Its amounts are added to the leaf.
    pub fn asset<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        asset: usize,
        publics: &mut Publics,
        leaf: &mut Vec<B::E>,
    ) -> Sum<B::E> {
        let numbers = &self.plan.assets[asset];
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
        let value = haircut(b, "ACCOUNTS-3", &holding, &numbers.pieces, publics);
        let rate = publics.limbs(b, "ACCOUNTS-3", rate_limbs(numbers.debt));
        value.minus(&Sum::product(&debt.to_sum(), &rate.sum()))
    }

    /// The largest losses on the account's underlyings, added to what coins lose by themselves.
    pub fn losses<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        row: &B::E,
        mut lost: Sum<B::E>,
    ) -> Sum<B::E> {
        // Rows of losses exist for unused accounts, too, and are zero there.
        let slot = b.pinned("ACCOUNTS-1", SLOT);
        let unused = b.one() - slot.clone();
        for place in 0..self.plan.underlyings {
            let limbs: Vec<B::E> = (0..self.plan.loss_limbs)
                .map(|i| {
                    let loss = |w: &AccountRow| w.losses.get(place).copied().unwrap_or(0);
                    b.cell(|w| F::from_u64(limb_of(loss(w), i)))
                })
                .collect();
            for limb in &limbs {
                b.zero("ACCOUNTS-2", unused.clone() * limb.clone());
            }
            let mut message = vec![row.clone(), b.constant(F::from_usize(place))];
            message.extend(limbs.iter().cloned());
            b.receive(LOSS, slot.clone(), &message);
            lost = lost.plus(&Limbs::declared(b, "ACCOUNTS-4", limbs).sum());
        }
        lost
    }

    /// What offsets take off the sum of the largest losses, in 10^-6 of 2^-40 of a tick.
    fn credits<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        row: &B::E,
        publics: &mut Publics,
    ) -> Sum<B::E> {
        let id = "ACCOUNTS-7";
        // Rows of joint losses exist for unused accounts, too, and are zero there.
        let slot = b.pinned("ACCOUNTS-1", SLOT);
        let unused = b.one() - slot.clone();
        let mut credits = Sum::zero();
        for group in 0..self.plan.offsets.len() {
            let cells: Vec<B::E> = (0..self.plan.spread_limbs())
                .map(|i| {
                    let spread = |w: &AccountRow| w.spreads.get(group).copied().unwrap_or(0);
                    let cell = b.cell(|w| F::from_u64(limb_of(spread(w), i)));
                    b.zero("ACCOUNTS-2", unused.clone() * cell.clone());
                    cell
                })
                .collect();
            let mut message = vec![row.clone(), b.constant(F::from_usize(group))];
            message.extend(cells.iter().cloned());
            b.receive(SPREAD, slot.clone(), &message);
            let offset = publics.limbs(b, id, OFFSET_LIMBS);
            let spread = Limbs::declared(b, id, cells);
            credits = credits.plus_product(&spread.sum(), &offset.sum());
        }
        credits
    }

    /// Counts the accounts that are below the level.
    fn count<B: RowBuilder<AccountRow>>(&self, b: &mut B, below: &B::E) {
        let id = "ACCOUNTS-6";
        let (count, next_count) = b.state(|w| F::from_u64(w.count));
        b.assert_zero(id, When::First, count.clone());
        let step = next_count - count.clone() - below.clone();
        b.assert_zero(id, When::Transition, step);
        let (end, _) = b.state(|w| F::from_bool(w.row + 1 == 1 << self.log_height()));
        let one = b.one();
        b.assert_zero(id, When::Last, end.clone() - one);
        b.assert_zero(id, When::Transition, end.clone());
        let mut message = vec![
            b.constant(F::from_usize(SALTS + BELOW)),
            count + below.clone(),
        ];
        message.resize(1 + COUNT_LIMBS, b.constant(F::ZERO));
        b.send(COUNTS, end, &message);
    }
}
