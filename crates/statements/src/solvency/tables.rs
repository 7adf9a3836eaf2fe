//! The tables of the solvency statement. STATEMENT.md explains every numbered constraint.

use gadgets::compare::{Chunks, assert_sum_at_most, less_than};
use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, Amount, join};
use gadgets::public::Publics;
use gadgets::sum::Sum;
use gadgets::totals::{COUNT_LIMBS, COUNTS, SALTS};
use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, Table, When};

use crate::account::Leaf;
use crate::collateral::{Piece, haircut, public_pieces, rate_limbs, rate_values};
use crate::ordered::{Ordered, OrderedRow, PUBLIC, Place, accumulate};

/// An uncovered account's equity, from the account to the shortfall table.
pub const EQUITY: Bus = Bus::new("equity");

/// Registers of the running totals, after the salts.
pub mod register {
    /// The last account's key.
    pub const KEY: usize = 0;
    /// The first asset's equity, debt and liabilities; the others follow.
    pub const FIRST_ASSET: usize = 1;
    /// Registers per asset.
    pub const PER_ASSET: usize = 3;

    /// Accounts whose debts are not covered; only there if some are allowed.
    pub const fn uncovered(assets: usize) -> usize {
        FIRST_ASSET + PER_ASSET * assets
    }
    /// The sum of negative equity, in ticks; only there if uncovered accounts are allowed.
    pub const fn negative_equity(assets: usize) -> usize {
        uncovered(assets) + 1
    }
}

/// The public numbers of one asset, in the units of the circuits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRates {
    /// Haircut schedules of loan, margin and portfolio collateral.
    pub schedules: [Vec<Piece>; 3],
    /// subticks per unit of debt, rounded up.
    pub debt: u64,
    /// subticks per unit of equity, rounded down.
    pub equity: u64,
}

/// One account a row.
///
/// - ORDER-1 to ORDER-4: leaves in the order of their keys below the part's root, sums of equity, debt, liabilities
///   and uncovered accounts ([`crate::ordered`]).
/// - ACCOUNTS-1: an unused row has no balances.
/// - ACCOUNTS-2: one piece of each haircut schedule is selected.
/// - ACCOUNTS-3: haircut collateral covers debts; or the account counts as uncovered.
/// - COMPARE-1 to COMPARE-5: keys rise strictly; whether equity is below debt, per asset; the selected
///   piece of a schedule holds the pledge.
/// - COMPARE-6, COMPARE-7: pledges do not exceed equity, per asset.
/// - POSEIDON2: leaf and node hashes.
#[derive(Clone, Debug)]
pub struct AccountsTable {
    /// Per asset.
    pub assets: Vec<AssetRates>,
    /// Where the leaves stand.
    pub leaves: Ordered,
    /// Whether uncovered accounts are allowed (and counted).
    pub allow_uncovered: bool,
}

/// The private data of one row.
pub struct AccountRow {
    /// The row's place.
    pub place: OrderedRow,
    /// The leaf; `None` for an unused slot.
    pub leaf: Option<Leaf>,
    /// The leaf's seal.
    pub seal: Digest,
    /// Per asset, the sums over the rows above of the limbs of equity and debt, and of what the limbs of
    /// equity exceed those of debt by where equity exceeds debt (single limbs may be negative).
    pub sums: Vec<[[i64; AMOUNT_LIMBS]; register::PER_ASSET]>,
    /// Uncovered accounts above.
    pub uncovered: u64,
}

impl AccountRow {
    fn amount(&self, asset: usize, which: usize) -> u64 {
        self.leaf
            .as_ref()
            .map_or(0, |leaf| leaf.amount(asset, which))
    }
}

impl Table for AccountsTable {
    type Row = AccountRow;

    fn name(&self) -> &'static str {
        "accounts"
    }

    fn log_height(&self) -> usize {
        self.leaves.log_height
    }

    fn public(&self) -> Vec<F> {
        let mut public = self.leaves.public();
        for rates in &self.assets {
            let schedules = rates.schedules.iter();
            public.extend(schedules.flat_map(|pieces| public_pieces(pieces)));
            public.extend(rate_values(rates.debt));
            if self.allow_uncovered {
                public.extend(rate_values(rates.equity));
            }
        }
        public
    }

    fn row<B: RowBuilder<AccountRow>>(&self, b: &mut B) {
        let place = self.leaves.place(b, |w| &w.place);
        let leaf = self.balances(b, &place);
        self.leaves.tree(b, |w| &w.place, &place, &leaf);
    }
}

impl AccountsTable {
    /// Balances, their sums, their cover. Gives the leaf's elements behind its head.
    fn balances<B: RowBuilder<AccountRow>>(&self, b: &mut B, place: &Place<B::E>) -> Vec<B::E> {
        let inactive = b.one() - place.active.clone();
        // What the seal commits to is not looked at here.
        let mut elements: Vec<B::E> = (0..DIGEST).map(|i| b.cell(|w| w.seal[i])).collect();
        // On an unused row nothing reads what is only hashed, but no cell is left open.
        for cell in &elements {
            b.zero("ACCOUNTS-1", inactive.clone() * cell.clone());
        }
        let mut publics = Publics::from(PUBLIC);
        let mut collateral = Sum::zero();
        let mut debts = Sum::zero();
        let mut equities = Sum::zero();
        for (asset, rates) in self.assets.iter().enumerate() {
            let [equity, debt]: [Amount<B::E>; 2] =
                std::array::from_fn(|i| Amount::read(b, |w: &AccountRow| w.amount(asset, i)));
            for cell in equity.limbs().iter().chain(debt.limbs()) {
                b.zero("ACCOUNTS-1", inactive.clone() * cell.clone());
            }
            elements.extend(equity.halves());
            elements.extend(debt.halves());

            let owes = less_than(b, &equity.chunks(), &debt.chunks());
            let owed = b.one() - owes;
            let liability: Vec<B::E> = equity
                .limbs()
                .iter()
                .zip(debt.limbs())
                .map(|(e, d)| owed.clone() * (e.clone() - d.clone()))
                .collect();
            let parts = [equity.limbs().to_vec(), debt.limbs().to_vec(), liability];
            for (part, limbs) in parts.into_iter().enumerate() {
                let register = register::FIRST_ASSET + register::PER_ASSET * asset + part;
                accumulate(b, &place.last, register, &limbs, |w: &AccountRow, i| {
                    w.sums[asset][part][i]
                });
            }

            let mut pledges: Vec<Chunks<B::E>> = Vec::new();
            for (schedule, pieces) in rates.schedules.iter().enumerate() {
                let which = schedule + 2;
                if pieces.is_empty() {
                    // Worth nothing, so nothing about it needs proof.
                    for half in 0..2 {
                        let cell =
                            b.cell(|w| gadgets::limbs::halves_of(w.amount(asset, which))[half]);
                        b.zero("ACCOUNTS-1", inactive.clone() * cell.clone());
                        elements.push(cell);
                    }
                    continue;
                }
                let pledge = Amount::read(b, |w: &AccountRow| w.amount(asset, which));
                elements.extend(pledge.halves());
                let value = haircut(b, "ACCOUNTS-2", &pledge, pieces, &mut publics);
                collateral = collateral.plus(&value);
                pledges.push(pledge.chunks());
            }
            if !pledges.is_empty() {
                assert_sum_at_most(b, &pledges, &equity.chunks());
            }
            let rate = publics.limbs(b, "ACCOUNTS-3", rate_limbs(rates.debt));
            debts = debts.plus_product(&debt.to_sum(), &rate.sum());
            if self.allow_uncovered {
                let rate = publics.limbs(b, "ACCOUNTS-3", rate_limbs(rates.equity));
                equities = equities.plus_product(&equity.to_sum(), &rate.sum());
            }
        }
        self.cover(b, place, &collateral.minus(&debts), &equities.minus(&debts));
        let padding = elements.len().next_multiple_of(4);
        elements.resize(padding, b.constant(F::ZERO));
        elements
    }

    fn cover<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        excess: &Sum<B::E>,
        equity: &Sum<B::E>,
    ) {
        let id = "ACCOUNTS-3";
        if !self.allow_uncovered {
            excess.assert_non_negative(b, id);
            return;
        }
        let (_, uncovered) = excess.sign(b, id);
        let register = register::uncovered(self.assets.len());
        let one = std::slice::from_ref(&uncovered);
        accumulate(b, &place.last, register, one, |w: &AccountRow, _| {
            w.uncovered as i64
        });

        let mut message = vec![place.index.clone()];
        for coefficient in equity.coefficients() {
            let cell = b.derive([coefficient], |[c]| c);
            b.equal(id, cell.clone(), coefficient.clone());
            message.push(cell);
        }
        b.send(EQUITY, uncovered, &message);
    }
}

/// The negative equity of uncovered accounts, one account a row.
///
/// - SHORTFALL-1: used rows come first.
/// - SHORTFALL-2: an unused row holds zeros.
/// - SHORTFALL-3: the sign and limbs of equity.
/// - SHORTFALL-4: the running sum, in ticks, each account rounded up.
#[derive(Clone, Debug)]
pub struct ShortfallTable {
    /// How many assets there are.
    pub assets: usize,
    /// Coefficients of an account's equity, and the bound on them.
    pub coefficients: (usize, u64),
    /// log2 of the rows: at most so many uncovered accounts in a part.
    pub log_height: usize,
}

/// The private data of one row.
#[derive(Clone, Default)]
pub struct ShortfallRow {
    /// The account's row and the coefficients of its equity, if the row is used.
    pub account: Option<(usize, Vec<F>)>,
    /// The limb sums of the rows above.
    pub sums: [u64; COUNT_LIMBS],
    /// Whether this is the last row.
    pub last: bool,
}

/// Limbs of subticks below a tick.
const SUBTICK_LIMBS: usize = 2;

impl Table for ShortfallTable {
    type Row = ShortfallRow;

    fn name(&self) -> &'static str {
        "shortfall"
    }

    fn log_height(&self) -> usize {
        self.log_height
    }

    fn row<B: RowBuilder<ShortfallRow>>(&self, b: &mut B) {
        let one = b.one();
        let (used, next_used) = b.state(|w| F::from_bool(w.account.is_some()));
        b.boolean("SHORTFALL-1", &used);
        b.assert_zero(
            "SHORTFALL-1",
            When::Transition,
            next_used * (one.clone() - used.clone()),
        );
        let last = b.cell(|w| F::from_bool(w.last));
        b.assert_zero("SHORTFALL-1", When::Last, last.clone() - one.clone());
        b.assert_zero("SHORTFALL-1", When::Transition, last.clone());

        let index = b.cell(|w| w.account.as_ref().map_or(F::ZERO, |a| F::from_usize(a.0)));
        let mut message = vec![index];
        message.extend(
            (0..self.coefficients.0)
                .map(|i| b.cell(|w| w.account.as_ref().map_or(F::ZERO, |a| a.1[i]))),
        );
        let unused = one.clone() - used.clone();
        for cell in &message {
            b.zero("SHORTFALL-2", unused.clone() * cell.clone());
        }
        b.receive(EQUITY, used, &message);

        // What is missing: minus equity. Its limbs are those of the magnitude if it is positive.
        let coefficients = message[1..].iter().map(|c| -c.clone()).collect();
        let missing = Sum::declared(b, "SHORTFALL-3", coefficients, self.coefficients.1);
        let (limbs, negative) = missing.sign(b, "SHORTFALL-3");
        let positive = one.clone() - negative;
        // Zero is not rounded up to a tick: the flag says that some limb is not zero.
        let mut total = vec![b.constant(F::from_usize(
            SALTS + register::negative_equity(self.assets),
        ))];
        let any = self.any(b, &limbs);
        for i in 0..COUNT_LIMBS {
            let (sum, next) = b.state(|w| F::from_u64(w.sums[i]));
            b.assert_zero("SHORTFALL-4", When::First, sum.clone());
            let mut tick_limb = limbs
                .get(SUBTICK_LIMBS + i)
                .cloned()
                .unwrap_or(b.constant(F::ZERO));
            if i == 0 {
                tick_limb += any.clone();
            }
            let sum = sum + tick_limb * positive.clone();
            b.assert_zero("SHORTFALL-4", When::Transition, next - sum.clone());
            total.push(sum);
        }
        for high in limbs.iter().skip(SUBTICK_LIMBS + COUNT_LIMBS) {
            b.zero("SHORTFALL-4", high.clone() * positive.clone());
        }
        b.send(COUNTS, last, &total);
    }
}

impl ShortfallTable {
    /// A bit that is 1 if and only if some of the lowest limbs (the fraction of a tick) is not zero.
    fn any<B: RowBuilder<ShortfallRow>>(&self, b: &mut B, limbs: &[B::E]) -> B::E {
        let low = join(&limbs[..SUBTICK_LIMBS]);
        let any = b.derive([&low], |[x]| F::from_bool(x != F::ZERO));
        let inverse = b.derive([&low], |[x]| {
            use stark::Field;
            x.try_inverse().unwrap_or(F::ZERO)
        });
        b.zero("SHORTFALL-3", low.clone() * inverse.clone() - any.clone());
        b.zero("SHORTFALL-3", low * (b.one() - any.clone()));
        b.zero("SHORTFALL-3", inverse * (b.one() - any.clone()));
        any
    }
}
