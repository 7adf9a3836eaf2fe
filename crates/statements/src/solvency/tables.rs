//! The tables of the solvency statement. STATEMENT.md explains every numbered constraint.

use gadgets::compare::{assert_at_most_less, assert_sum_at_most, less_than};
use gadgets::hash::{DIGEST, Digest, Domain, HEAD, hash_row_with_head, node_row};
use gadgets::limbs::{AMOUNT_LIMBS, Amount, CHUNKS, Sum, chunks_of, join};
use gadgets::totals::{COUNT_LIMBS, COUNTS, PASSES, SALTS};
use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, Table, When, felt};

use crate::account::Leaf;
use crate::collateral::{Piece, haircut, public_rate};

/// `[heap index, digest]`: tree nodes, from leaf to root.
pub const TREE: Bus = Bus::new("tree");
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
    /// PHI per unit of debt, rounded up.
    pub debt: u64,
    /// PHI per unit of equity, rounded down.
    pub equity: u64,
}

/// One account a row.
///
/// - ACCOUNTS-1: the row's place: index, first and last row.
/// - ACCOUNTS-2: accounts fill the table from the top; their number is public.
/// - ACCOUNTS-3: an unused row has no balances.
/// - ACCOUNTS-4: the previous key is that of the last used row above.
/// - ACCOUNTS-5: one piece of each haircut schedule is selected.
/// - ACCOUNTS-6: haircut collateral covers debts; or the account counts as uncovered.
/// - ACCOUNTS-7: running sums of equity, debt and liabilities.
/// - ACCOUNTS-8: the first key of the part is carried to its last row.
/// - COMPARE-1 to COMPARE-5: keys rise strictly; whether equity is below debt, per asset; the selected
///   piece of a schedule holds the pledge.
/// - COMPARE-6, COMPARE-7: pledges do not exceed equity, per asset.
/// - POSEIDON2: leaf and node hashes.
#[derive(Clone, Debug)]
pub struct AccountsTable {
    /// Per asset.
    pub assets: Vec<AssetRates>,
    /// log2 of the leaf slots.
    pub log_height: usize,
    /// Accounts in this part.
    pub accounts: usize,
    /// The part's subtree root.
    pub root: Digest,
    /// Whether uncovered accounts are allowed (and counted).
    pub allow_uncovered: bool,
}

/// The private data of one row.
pub struct AccountRow {
    /// The leaf; `None` for an unused slot.
    pub leaf: Option<Leaf>,
    /// The leaf's seal.
    pub seal: Digest,
    /// The number of accounts above.
    pub above: usize,
    /// The key of the account above, from the previous part on the first row.
    pub previous_key: u64,
    /// The key before the part's first account.
    pub start_key: u64,
    /// Per asset, the sums over the rows above of the limbs of equity and debt, and of what the limbs of
    /// equity exceed those of debt by where equity exceeds debt (single limbs may be negative).
    pub sums: Vec<[[i64; AMOUNT_LIMBS]; register::PER_ASSET]>,
    /// Uncovered accounts above.
    pub uncovered: u64,
    /// The row's number.
    pub index: usize,
    /// The digests of nodes `2 index` and `2 index + 1`.
    pub children: [Digest; 2],
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
        self.log_height
    }

    fn public(&self) -> Vec<F> {
        let mut public = vec![felt(self.accounts as u64)];
        public.extend(self.root);
        public
    }

    fn row<B: RowBuilder<AccountRow>>(&self, b: &mut B) {
        let place = self.place(b);
        let (active, key) = self.key(b, &place);
        let leaf = self.balances(b, &place, &active);
        self.tree(b, &place, &active, key, leaf);
    }
}

/// Where a row stands.
struct Place<E> {
    index: E,
    first: E,
    last: E,
}

impl AccountsTable {
    fn place<B: RowBuilder<AccountRow>>(&self, b: &mut B) -> Place<B::E> {
        let id = "ACCOUNTS-1";
        let height = 1usize << self.log_height;
        let (index, next_index) = b.state(|w| F::from_usize(w.index));
        let (first, next_first) = b.state(|w| F::from_bool(w.index == 0));
        let last = b.cell(|w| F::from_bool(w.index + 1 == height));
        let one = b.one();
        b.assert_zero(id, When::First, index.clone());
        b.assert_zero(
            id,
            When::Transition,
            next_index - index.clone() - one.clone(),
        );
        b.assert_zero(id, When::First, first.clone() - one.clone());
        b.assert_zero(id, When::Transition, next_first);
        b.assert_zero(id, When::Last, last.clone() - one);
        b.assert_zero(id, When::Transition, last.clone());
        Place { index, first, last }
    }

    /// Whether the row is used, and its account's key, which stands in the order.
    fn key<B: RowBuilder<AccountRow>>(&self, b: &mut B, place: &Place<B::E>) -> (B::E, [B::E; 2]) {
        let id = "ACCOUNTS-2";
        let (active, next_active) = b.state(|w| F::from_bool(w.leaf.is_some()));
        b.boolean(id, &active);
        let (above, next_above) = b.state(|w| F::from_usize(w.above));
        b.assert_zero(id, When::First, above.clone());
        b.assert_zero(
            id,
            When::Transition,
            next_above - above.clone() - active.clone(),
        );
        b.assert_zero(
            id,
            When::Transition,
            next_active * (b.one() - active.clone()),
        );
        b.assert_zero(id, When::Last, above + active.clone() - b.public(0));

        let id = "ACCOUNTS-4";
        let key = Amount::read(b, |w: &AccountRow| {
            w.leaf.as_ref().map_or(0, |l| l.identity.key())
        });
        let (previous, next_previous): (Vec<B::E>, Vec<B::E>) = (0..CHUNKS)
            .map(|c| b.state(|w| felt(chunks_of(w.previous_key)[c])))
            .unzip();
        let chunks = key.chunks();
        // An unused row compares zero with zero.
        let this = chunks.clone().map(|c| active.clone() * c);
        let before: Vec<B::E> = previous
            .iter()
            .map(|c| active.clone() * c.clone())
            .collect();
        assert_at_most_less(b, &before, &this, &active);
        let kept: Vec<B::E> = (0..CHUNKS)
            .map(|c| {
                previous[c].clone() + active.clone() * (chunks[c].clone() - previous[c].clone())
            })
            .collect();
        for (next, kept) in next_previous.into_iter().zip(&kept) {
            b.assert_zero(id, When::Transition, next - kept.clone());
        }

        let id = "ACCOUNTS-8";
        let mut message = vec![b.constant(F::from_usize(SALTS + register::KEY))];
        for (c, previous) in previous.iter().enumerate() {
            let (start, next_start) = b.state(|w| felt(chunks_of(w.start_key)[c]));
            b.assert_zero(id, When::First, start.clone() - previous.clone());
            b.assert_zero(id, When::Transition, next_start - start.clone());
            message.push(start);
        }
        message.extend(kept);
        b.receive(PASSES, place.last.clone(), &message);

        (active, key.halves())
    }

    /// Balances, their sums, their cover. Gives the leaf's elements behind its head.
    fn balances<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        active: &B::E,
    ) -> Vec<B::E> {
        let inactive = b.one() - active.clone();
        // What the seal commits to is not looked at here.
        let mut elements: Vec<B::E> = (0..DIGEST).map(|i| b.cell(|w| w.seal[i])).collect();
        let mut collateral = Sum::zero();
        let mut debts = Sum::zero();
        let mut equities = Sum::zero();
        for (asset, rates) in self.assets.iter().enumerate() {
            let [equity, debt]: [Amount<B::E>; 2] =
                std::array::from_fn(|i| Amount::read(b, |w: &AccountRow| w.amount(asset, i)));
            for cell in equity.limbs().iter().chain(debt.limbs()) {
                b.zero("ACCOUNTS-3", inactive.clone() * cell.clone());
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
                self.accumulate(b, place, asset, part, &limbs);
            }

            let mut pledges: Vec<[B::E; CHUNKS]> = Vec::new();
            for (schedule, pieces) in rates.schedules.iter().enumerate() {
                let which = schedule + 2;
                if pieces.is_empty() {
                    // Worth nothing, so nothing about it needs proof.
                    elements.extend((0..2).map(|half| {
                        b.cell(|w| gadgets::limbs::halves_of(w.amount(asset, which))[half])
                    }));
                    continue;
                }
                let pledge = Amount::read(b, |w: &AccountRow| w.amount(asset, which));
                elements.extend(pledge.halves());
                collateral = collateral.plus(&haircut(b, "ACCOUNTS-5", &pledge, pieces));
                pledges.push(pledge.chunks());
            }
            if !pledges.is_empty() {
                let parts: Vec<&[B::E]> = pledges.iter().map(|p| p.as_slice()).collect();
                assert_sum_at_most(b, &parts, &equity.chunks());
            }
            debts = debts.plus(&Sum::product(&debt.to_sum(), &public_rate(rates.debt)));
            if self.allow_uncovered {
                let worth = Sum::product(&equity.to_sum(), &public_rate(rates.equity));
                equities = equities.plus(&worth);
            }
        }
        self.cover(b, place, &collateral.minus(&debts), &equities.minus(&debts));
        let padding = elements.len().next_multiple_of(4);
        elements.resize(padding, b.constant(F::ZERO));
        elements
    }

    /// Carries the sum of one amount's limbs over the rows and sends it from the last one.
    fn accumulate<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        asset: usize,
        part: usize,
        limbs: &[B::E],
    ) {
        let id = "ACCOUNTS-7";
        let number = SALTS + register::FIRST_ASSET + register::PER_ASSET * asset + part;
        let mut message = vec![b.constant(F::from_usize(number))];
        for (i, limb) in limbs.iter().enumerate() {
            // At most 2^14 rows of limbs of magnitude below 2^10.
            let (sum, next) = b.state(|w| F::from_i64(w.sums[asset][part][i]));
            b.assert_zero(id, When::First, sum.clone());
            let total = sum + limb.clone();
            b.assert_zero(id, When::Transition, next - total.clone());
            message.push(total);
        }
        b.send(COUNTS, place.last.clone(), &message);
    }

    fn cover<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        excess: &Sum<B::E>,
        equity: &Sum<B::E>,
    ) {
        let id = "ACCOUNTS-6";
        if !self.allow_uncovered {
            excess.assert_non_negative(b, id);
            return;
        }
        let (_, uncovered) = excess.sign(b, id);
        let (above, next) = b.state(|w| F::from_u64(w.uncovered));
        b.assert_zero(id, When::First, above.clone());
        let total = above + uncovered.clone();
        b.assert_zero(id, When::Transition, next - total.clone());
        let mut message = vec![
            b.constant(F::from_usize(
                SALTS + register::uncovered(self.assets.len()),
            )),
            total,
        ];
        message.resize(1 + COUNT_LIMBS, b.constant(F::ZERO));
        b.send(COUNTS, place.last.clone(), &message);

        let mut message = vec![place.index.clone()];
        for coefficient in equity.coefficients() {
            let cell = b.derive([coefficient], |[c]| c);
            b.equal(id, cell.clone(), coefficient.clone());
            message.push(cell);
        }
        b.send(EQUITY, uncovered, &message);
    }

    /// Every row is a leaf and, but for row 0, an inner node of the tree in heap order.
    fn tree<B: RowBuilder<AccountRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        active: &B::E,
        [low, high]: [B::E; 2],
        leaf: Vec<B::E>,
    ) {
        let height = F::from_usize(1 << self.log_height);
        let zero = b.constant(F::ZERO);
        let head: [B::E; HEAD] = [low, high, zero.clone(), zero];
        let digest = hash_row_with_head(b, Domain::Account, &head, &leaf);
        let mut message = vec![place.index.clone() + height];
        message.extend(digest.into_iter().map(|d| d * active.clone()));
        let one = b.one();
        b.send(TREE, one.clone(), &message);

        let is_node = one - place.first.clone();
        let children: [[B::E; DIGEST]; 2] =
            std::array::from_fn(|c| std::array::from_fn(|i| b.cell(|w| w.children[c][i])));
        let twice = place.index.clone() + place.index.clone();
        for (c, child) in children.iter().enumerate() {
            let mut message = vec![twice.clone() + F::from_usize(c)];
            message.extend(child.iter().cloned());
            b.receive(TREE, is_node.clone(), &message);
            // Row 0 is no node; its cells hash zeros.
            for cell in child {
                b.zero("ACCOUNTS-1", place.first.clone() * cell.clone());
            }
        }
        let parent = node_row(b, &children[0], &children[1]);
        let mut message = vec![place.index.clone()];
        message.extend(parent);
        b.send(TREE, is_node, &message);
        let mut root = vec![b.one()];
        root.extend((0..DIGEST).map(|i| b.public(1 + i)));
        b.receive(TREE, place.first.clone(), &root);
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

/// Limbs of PHI below a tick.
const PHI_LIMBS: usize = 2;

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
        let missing = Sum::new(
            message[1..].iter().map(|c| -c.clone()).collect(),
            self.coefficients.1,
        );
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
                .get(PHI_LIMBS + i)
                .cloned()
                .unwrap_or(b.constant(F::ZERO));
            if i == 0 {
                tick_limb += any.clone();
            }
            let sum = sum + tick_limb * positive.clone();
            b.assert_zero("SHORTFALL-4", When::Transition, next - sum.clone());
            total.push(sum);
        }
        for high in limbs.iter().skip(PHI_LIMBS + COUNT_LIMBS) {
            b.zero("SHORTFALL-4", high.clone() * positive.clone());
        }
        b.send(COUNTS, last, &total);
    }
}

impl ShortfallTable {
    /// A bit that is 1 if and only if some of the lowest limbs (the fraction of a tick) is not zero.
    fn any<B: RowBuilder<ShortfallRow>>(&self, b: &mut B, limbs: &[B::E]) -> B::E {
        let low = join(&limbs[..PHI_LIMBS]);
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
