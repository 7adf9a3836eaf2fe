//! The table of accounts over a long list of assets: a row for every eight holdings of an account.

use std::sync::Arc;

use gadgets::compare::{
    Chunks, assert_at_most, assert_at_most_less, assert_sum_at_most, less_than,
};
use gadgets::hash::{DIGEST, Digest, Domain, HEAD, hash_row, hash_row_with_head, node_row};
use gadgets::limbs::{Amount, CHUNKS, LIMB_MAX, Limbs, chunks_of};
use gadgets::range::limb;
use gadgets::sum::Sum;
use gadgets::totals::pass;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When, felt};

use super::list::{ASSET, HELD, List, PIECE, SCHEDULES};
use super::split::Forest;
use super::tables::{EQUITY, register};
use crate::account::{AMOUNTS, HOLDINGS, SLOT_LEN};
use crate::ordered::{KEY_REGISTER, TREE, accumulate};

/// A slot of eight holdings a row, account by account. The part's tree stands in the same rows.
///
/// - SLOTS-1: the row's number, and what stands there in the tree.
/// - SLOTS-2: used rows come first, an account's rows follow each other, and there are so many accounts.
/// - SLOTS-3: keys rise strictly from account to account, and are one account's on its rows.
/// - SLOTS-4: an account's holdings are in rising order of codes, without gaps, empty ones last.
/// - SLOTS-5: the seal stands on the account's last row, and slots are hashed one behind the other.
/// - SLOTS-6: what collateral exceeds debts by, from row to row; the account is covered, or counts as uncovered.
/// - SLOTS-7: what equity exceeds debts by, from row to row.
/// - SLOTS-8: nodes have the children that stand in the tree, and roots are the public ones.
/// - COMPARE-1 to COMPARE-5: keys; whether equity is below debt; a piece holds the pledge.
/// - COMPARE-6, COMPARE-7: pledges do not exceed equity.
/// - POSEIDON2: slot, leaf and node hashes.
#[derive(Clone, Debug)]
pub struct SlotsTable {
    /// The list of assets.
    pub list: Arc<List>,
    /// What stands where in the tree.
    pub(crate) forest: Forest,
    /// The roots of the part's granules.
    pub roots: Vec<Digest>,
    /// Whether uncovered accounts are allowed (and counted).
    pub allow_uncovered: bool,
}

/// One holding; an empty one is all zero, but for the rows of its pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The asset's number from 1.
    pub code: usize,
    /// Equity, debt, and the three pledges.
    pub amounts: [u64; AMOUNTS],
    /// The rows of the pieces that hold the pledges.
    pub pieces: [usize; SCHEDULES],
}

impl Holding {
    /// No holding: its pieces are those of code 0.
    pub const EMPTY: Self = Self {
        code: 0,
        amounts: [0; AMOUNTS],
        pieces: [0, 1, 2],
    };
}

/// The private data of one row.
#[derive(Clone, Debug)]
pub struct SlotRow {
    /// The row's number.
    pub row: usize,
    /// Whether it is used.
    pub active: bool,
    /// Whether its account has rows above.
    pub goes_on: bool,
    /// Whether its account has rows below.
    pub more: bool,
    /// Accounts that end above.
    pub above: usize,
    /// The account's key.
    pub key: u64,
    /// The key of the row above, from the previous part on the first row.
    pub previous_key: u64,
    /// The leaf's seal, on the account's last row.
    pub seal: Digest,
    /// The digest of the account's slots above; zero if there are none.
    pub before: Digest,
    /// The code of the account's last holding above; zero if there is none.
    pub last_code: usize,
    /// What the account holds in this slot.
    pub holdings: [Holding; HOLDINGS],
    /// What collateral and equity exceed debts by in the account's rows above, in subticks.
    pub excess: [i128; 2],
    /// Uncovered accounts above.
    pub uncovered: u64,
    /// The digests of nodes `2 row` and `2 row + 1`, if they are there.
    pub children: [Digest; 2],
}

// Fixed columns.
const FIRST: usize = 0;
const LAST: usize = 1;
const CHILD: usize = 2;
const SENDS: usize = 4;
const IS_ROOT: usize = 5;
const ROOT: usize = 6;

/// Where a row stands.
struct Place<E> {
    row: E,
    last: E,
    active: E,
    goes_on: E,
    more: E,
    above: E,
    key: [E; 2],
}

impl<E: stark::Expr> Place<E> {
    /// 1 on an account's last row.
    fn ends(&self) -> E {
        self.active.clone() - self.more.clone()
    }
}

/// A number from row to row.
struct Carried<E> {
    limbs: Vec<(E, E)>,
    negative: (E, E),
}

impl Table for SlotsTable {
    type Row = SlotRow;

    fn name(&self) -> &'static str {
        "slots"
    }

    fn log_height(&self) -> usize {
        self.forest.log_rows
    }

    fn public(&self) -> Vec<F> {
        vec![felt(self.forest.used as u64)]
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let (forest, height) = (&self.forest, 1usize << self.forest.log_rows);
        let flags = |is: &dyn Fn(usize) -> bool| -> Vec<F> {
            (0..height).map(|row| F::from_bool(is(row))).collect()
        };
        let is_root = |row: usize| forest.root(row).is_some();
        let mut columns = vec![
            flags(&|row| row == 0),
            flags(&|row| row + 1 == height),
            flags(&|row| forest.is_node(row) && forest.is_there(2 * row)),
            flags(&|row| forest.is_node(row) && forest.is_there(2 * row + 1)),
            flags(&|row| forest.is_node(row) && !is_root(row)),
            flags(&is_root),
        ];
        let root = |row: usize| {
            forest
                .root(row)
                .map_or([F::ZERO; DIGEST], |i| self.roots[i])
        };
        columns.extend((0..DIGEST).map(|i| (0..height).map(|row| root(row)[i]).collect()));
        columns
    }

    fn row<B: RowBuilder<SlotRow>>(&self, b: &mut B) {
        let place = self.place(b);
        let seal: Vec<B::E> = (0..DIGEST).map(|i| b.cell(|w| w.seal[i])).collect();
        for cell in &seal {
            b.zero("SLOTS-5", (b.one() - place.ends()) * cell.clone());
        }
        let holdings = self.slot(b, &place);
        self.leaf(b, &place, seal, &holdings);
        self.node(b, &place);
    }
}

impl SlotsTable {
    fn place<B: RowBuilder<SlotRow>>(&self, b: &mut B) -> Place<B::E> {
        let id = "SLOTS-1";
        let (row, next_row) = b.state(|w| F::from_usize(w.row));
        let one = b.one();
        b.assert_zero(id, When::First, row.clone());
        b.assert_zero(id, When::Transition, next_row - row.clone() - one.clone());
        let [first, last] = [FIRST, LAST].map(|column| b.pinned(id, column));

        let id = "SLOTS-2";
        let (active, next_active) = b.state(|w| F::from_bool(w.active));
        let (goes_on, next_goes_on) = b.state(|w| F::from_bool(w.goes_on));
        let more = b.cell(|w| F::from_bool(w.more));
        for bit in [&active, &goes_on, &more] {
            b.boolean(id, bit);
        }
        let inactive = one - active.clone();
        b.assert_zero(id, When::Transition, next_active * inactive.clone());
        b.zero(id, more.clone() * inactive.clone());
        b.zero(id, goes_on.clone() * inactive);
        b.assert_zero(id, When::First, goes_on.clone());
        b.assert_zero(id, When::Transition, next_goes_on - more.clone());
        b.assert_zero(id, When::Last, more.clone());
        let (above, next_above) = b.state(|w| F::from_usize(w.above));
        let after = above.clone() + active.clone() - more.clone();
        b.assert_zero(id, When::First, above.clone());
        b.assert_zero(id, When::Transition, next_above - after.clone());
        b.assert_zero(id, When::Last, after - b.public(0));

        let key = self.key(b, [&first, &last], &active, &goes_on);
        Place {
            row,
            last,
            active,
            goes_on,
            more,
            above,
            key: key.halves(),
        }
    }

    fn key<B: RowBuilder<SlotRow>>(
        &self,
        b: &mut B,
        [first, last]: [&B::E; 2],
        active: &B::E,
        goes_on: &B::E,
    ) -> Amount<B::E> {
        let id = "SLOTS-3";
        let key = Amount::read(b, |w: &SlotRow| w.key);
        let (previous, next_previous): (Vec<B::E>, Vec<B::E>) = (0..CHUNKS)
            .map(|c| b.state(|w| felt(chunks_of(w.previous_key)[c])))
            .unzip();
        let chunks = key.chunks();
        for (chunk, previous) in chunks.iter().zip(&previous) {
            b.zero(id, (b.one() - active.clone()) * chunk.clone());
            b.zero(id, goes_on.clone() * (chunk.clone() - previous.clone()));
        }
        // An unused row compares zero with zero.
        let this = chunks.times_bit(active);
        let before = Chunks::declared(b, id, previous.clone()).times_bit(active);
        let starts = active.clone() - goes_on.clone();
        assert_at_most_less(b, &before, &this, &starts);
        let kept: Vec<B::E> = (0..CHUNKS)
            .map(|c| {
                previous[c].clone() + active.clone() * (chunks[c].clone() - previous[c].clone())
            })
            .collect();
        for (next, kept) in next_previous.into_iter().zip(&kept) {
            b.assert_zero(id, When::Transition, next - kept.clone());
        }
        pass(b, KEY_REGISTER, first, last, &previous, &kept);
        key
    }

    /// The slot's holdings, their sums and their cover. Gives the digest of the account's slots so far.
    fn slot<B: RowBuilder<SlotRow>>(&self, b: &mut B, place: &Place<B::E>) -> Vec<B::E> {
        let (last_code, next_code) = b.state(|w| F::from_usize(w.last_code));
        b.assert_zero("SLOTS-4", When::First, last_code.clone());
        let (before, next_before): (Vec<B::E>, Vec<B::E>) =
            (0..DIGEST).map(|i| b.state(|w| w.before[i])).unzip();
        let mut elements = Vec::with_capacity(SLOT_LEN);
        let (mut code, mut full) = (last_code, place.active.clone());
        let (mut excess, mut equity) = (Sum::zero(), Sum::zero());
        for index in 0..HOLDINGS {
            let used = b.bit("SLOTS-4", |w| w.holdings[index].code != 0);
            b.zero("SLOTS-4", used.clone() * (b.one() - full));
            if index == 0 {
                // A slot that goes on with an account is not empty.
                b.zero("SLOTS-4", place.goes_on.clone() * (b.one() - used.clone()));
            }
            code = self.code(b, index, &used, &code);
            full = used;
            self.holding(b, index, &code, &mut elements, [&mut excess, &mut equity]);
        }
        // All slots but an account's last are full.
        b.zero("SLOTS-4", place.more.clone() * (b.one() - full));
        let after = place.more.clone() * code;
        b.assert_zero("SLOTS-4", When::Transition, next_code - after);

        elements.extend(before.iter().cloned());
        let digest = hash_row(b, Domain::Holdings, &elements);
        for ((before, next), digest) in before.into_iter().zip(next_before).zip(&digest) {
            b.assert_zero("SLOTS-5", When::First, before);
            let after = place.more.clone() * digest.clone();
            b.assert_zero("SLOTS-5", When::Transition, next - after);
        }
        self.cover(b, place, &excess, &equity);
        digest.to_vec()
    }

    /// The code of a holding, above the one before.
    fn code<B: RowBuilder<SlotRow>>(
        &self,
        b: &mut B,
        index: usize,
        used: &B::E,
        before: &B::E,
    ) -> B::E {
        let code = b.cell(|w| F::from_usize(w.holdings[index].code));
        b.zero("SLOTS-4", (b.one() - used.clone()) * code.clone());
        let step = code.clone() - before.clone() - b.one();
        let gap = b.derive([used, &step], |[used, step]| used * step);
        let gap = limb(b, gap).into_inner();
        b.integer("SLOTS-4", used.clone() * step - gap);
        code
    }

    /// A holding: what it counts for its asset, and what it adds to the account's collateral and equity less debts.
    fn holding<B: RowBuilder<SlotRow>>(
        &self,
        b: &mut B,
        index: usize,
        code: &B::E,
        elements: &mut Vec<B::E>,
        [excess, equities]: [&mut Sum<B::E>; 2],
    ) {
        let amounts: [Amount<B::E>; AMOUNTS] = std::array::from_fn(|which| {
            Amount::read(b, |w: &SlotRow| w.holdings[index].amounts[which])
        });
        elements.push(code.clone());
        elements.extend(amounts.iter().flat_map(Amount::halves));
        let [equity, debt, pledges @ ..] = &amounts;
        let owes = less_than(b, &equity.chunks(), &debt.chunks());
        for (i, limb) in equity.limbs().iter().chain(debt.limbs()).enumerate() {
            let which = b.constant(F::from_usize(i));
            b.send_limb(HELD, limb.clone(), &[code.clone(), which, owes.clone()]);
        }
        let parts: Vec<Chunks<B::E>> = pledges.iter().map(Amount::chunks).collect();
        assert_sum_at_most(b, &parts, &equity.chunks());

        let [debt_rate, equity_rate] = self.rates(b, index, code);
        let debts = Sum::product(&debt.to_sum(), &debt_rate);
        *excess = excess.minus(&debts);
        for (schedule, pledge) in pledges.iter().enumerate() {
            *excess = excess.plus(&self.haircut(b, index, schedule, code, pledge));
        }
        if self.allow_uncovered {
            let value = Sum::product(&equity.to_sum(), &equity_rate);
            *equities = equities.plus(&value).minus(&debts);
        }
    }

    /// The rates of debt and equity of a holding's asset.
    fn rates<B: RowBuilder<SlotRow>>(
        &self,
        b: &mut B,
        index: usize,
        code: &B::E,
    ) -> [Sum<B::E>; 2] {
        let list = &self.list;
        let mut message = vec![code.clone()];
        let mut read = |b: &mut B, limbs: usize, of: fn(&super::tables::AssetRates) -> u64| {
            let cell = |i: usize| {
                b.cell(|w| {
                    let rate = list.rates(w.holdings[index].code).map_or(0, of);
                    felt(gadgets::limbs::limb_of(rate.into(), i))
                })
            };
            let cells: Vec<B::E> = (0..limbs).map(cell).collect();
            message.extend(cells.iter().cloned());
            Limbs::declared(b, "SLOTS-6", cells).sum()
        };
        let debt = read(b, list.debt_limbs, |r| r.debt);
        let equity = if self.allow_uncovered {
            read(b, list.equity_limbs, |r| r.equity)
        } else {
            Sum::zero()
        };
        let one = b.one();
        b.lookup(ASSET, code, one, &message);
        [debt, equity]
    }

    /// The haircut value of a pledge: that of the piece of its schedule that holds it.
    fn haircut<B: RowBuilder<SlotRow>>(
        &self,
        b: &mut B,
        index: usize,
        schedule: usize,
        code: &B::E,
        pledge: &Amount<B::E>,
    ) -> Sum<B::E> {
        let list = &self.list;
        let of = |w: &SlotRow, element: usize| {
            let row = w.holdings[index].pieces[schedule];
            list.element(row, element)
        };
        let row = b.cell(|w| of(w, 0));
        let len = 2 * CHUNKS + list.rate_limbs + list.intercept_limbs;
        let cells: Vec<B::E> = (0..len).map(|i| b.cell(|w| of(w, 2 + i))).collect();
        let key = code.clone() * F::from_usize(SCHEDULES) + F::from_usize(schedule);
        let mut looked_up = vec![row.clone(), key];
        looked_up.extend(cells.iter().cloned());
        let one = b.one();
        b.lookup(PIECE, &row, one, &looked_up);

        let (bounds, value) = cells.split_at(2 * CHUNKS);
        let (start, end) = bounds.split_at(CHUNKS);
        let start = Chunks::declared(b, "SLOTS-6", start.to_vec());
        let end = Chunks::declared(b, "SLOTS-6", end.to_vec());
        assert_at_most(b, &start, &pledge.chunks());
        assert_at_most(b, &pledge.chunks(), &end);
        let (rate, intercept) = value.split_at(list.rate_limbs);
        let rate = Limbs::declared(b, "SLOTS-6", rate.to_vec());
        let intercept = Limbs::declared(b, "SLOTS-6", intercept.to_vec());
        Sum::product(&pledge.to_sum(), &rate.sum()).plus(&intercept.sum())
    }

    fn cover<B: RowBuilder<SlotRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        excess: &Sum<B::E>,
        equity: &Sum<B::E>,
    ) {
        let (_, negative) = self.carry(b, "SLOTS-6", 0, place, excess);
        let lacking = place.ends() * negative;
        if !self.allow_uncovered {
            b.zero("SLOTS-6", lacking);
            return;
        }
        let uncovered = b.derive([&lacking], |[x]| x);
        b.equal("SLOTS-6", uncovered.clone(), lacking);
        let register = register::uncovered(self.list.assets());
        let one = std::slice::from_ref(&uncovered);
        accumulate(b, &place.last, register, one, |w: &SlotRow, _| {
            w.uncovered as i64
        });
        let (mut limbs, negative) = self.carry(b, "SLOTS-7", 1, place, equity);
        let top = limbs.last_mut().expect("there are limbs");
        *top -= negative * F::from_u64(LIMB_MAX + 1);
        let mut message = vec![place.row.clone()];
        message.extend(limbs);
        b.send(EQUITY, uncovered, &message);
    }

    /// The sum over the account's rows so far, in limbs and whether it is negative: the same with `2^(10 n)` more.
    fn carry<B: RowBuilder<SlotRow>>(
        &self,
        b: &mut B,
        id: &'static str,
        which: usize,
        place: &Place<B::E>,
        added: &Sum<B::E>,
    ) -> (Vec<B::E>, B::E) {
        let n = self.list.sum_limbs();
        let above = |w: &SlotRow, i: usize| felt(limb_of_signed(w.excess[which], i));
        let carried = Carried {
            limbs: (0..n).map(|i| b.state(|w| above(w, i))).collect(),
            negative: b.state(|w| F::from_bool(w.excess[which] < 0)),
        };
        let limbs: Vec<B::E> = carried.limbs.iter().map(|(limb, _)| limb.clone()).collect();
        for cell in limbs.iter().chain([&carried.negative.0]) {
            b.assert_zero(id, When::First, cell.clone());
        }
        let mut coefficients = limbs;
        coefficients[n - 1] -= carried.negative.0.clone() * F::from_u64(LIMB_MAX + 1);
        let before = Sum::declared(b, id, coefficients, 2 * LIMB_MAX + 1);
        let (limbs, negative) = before.plus(added).sign_in(b, id, n);
        let nexts = carried.limbs.into_iter().map(|(_, next)| next);
        let nexts = nexts.chain([carried.negative.1]);
        for (next, value) in nexts.zip(limbs.iter().chain([&negative])) {
            let after = place.more.clone() * value.clone();
            b.assert_zero(id, When::Transition, next - after);
        }
        (limbs.to_vec(), negative)
    }

    /// The leaf of an account on its last row.
    fn leaf<B: RowBuilder<SlotRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        mut seal: Vec<B::E>,
        holdings: &[B::E],
    ) {
        let zero = b.constant(F::ZERO);
        let [low, high] = place.key.clone();
        let head: [B::E; HEAD] = [low, high, zero.clone(), zero];
        seal.extend_from_slice(holdings);
        let digest = hash_row_with_head(b, Domain::Account, &head, &seal);
        let mut message = vec![place.above.clone() + F::from_usize(1 << self.forest.log_rows)];
        message.extend(digest);
        b.send(TREE, place.ends(), &message);
    }

    /// The node of the tree that stands in the row.
    fn node<B: RowBuilder<SlotRow>>(&self, b: &mut B, place: &Place<B::E>) {
        let twice = place.row.clone() + place.row.clone();
        let children: [[B::E; DIGEST]; 2] = std::array::from_fn(|c| {
            let is_there = b.pinned("SLOTS-1", CHILD + c);
            let child: [B::E; DIGEST] = std::array::from_fn(|i| b.cell(|w| w.children[c][i]));
            for cell in &child {
                b.zero("SLOTS-8", (b.one() - is_there.clone()) * cell.clone());
            }
            let mut message = vec![twice.clone() + F::from_usize(c)];
            message.extend(child.iter().cloned());
            b.receive(TREE, is_there, &message);
            child
        });
        let parent = node_row(b, &children[0], &children[1]);
        let sends = b.pinned("SLOTS-1", SENDS);
        let mut message = vec![place.row.clone()];
        message.extend(parent.iter().cloned());
        b.send(TREE, sends, &message);
        for (i, cell) in parent.into_iter().enumerate() {
            b.zero("SLOTS-8", b.fixed(IS_ROOT) * (cell - b.fixed(ROOT + i)));
        }
    }
}

/// A limb of a number, or of it and a power of two above it if it is negative.
pub(crate) fn limb_of_signed(value: i128, index: usize) -> u64 {
    ((value >> (10 * index).min(127)) & 1023) as u64
}
