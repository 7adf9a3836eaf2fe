//! The tables of the inventory statement. STATEMENT.md explains every numbered constraint.

use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, LIMB_MAX, Limbs, SignedLimbs, halves_of, limb_of, signed_limb};
use gadgets::public::Publics;
use gadgets::range::limb;
use gadgets::sponge::{QUAD, QUADS};
use gadgets::sum::Sum;
use stark::{
    Bus, F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace,
    When, fill,
};
use venue::state::VenueState;

use crate::account::{Leaf, position_key, tail_len};
use crate::book::Member;
use crate::opening::{Hidden, Opening};
use crate::venues::commitments::commitment_quads;
use crate::venues::tables::{ENTRY_DIGITS, QUANTITY_DIGITS, packed, signed_digits};

/// `[key, limb]`, as often as the positions with this key have of this limb: a histogram.
pub const POSITIONS: Bus = Bus::new("position");

/// Limbs of a position's lots.
pub const LOT_LIMBS: usize = 3;
/// Limbs of lots and of an entry.
pub const POSITION_LIMBS: usize = LOT_LIMBS + AMOUNT_LIMBS;
/// Position slots on a row.
pub const PER_ROW: usize = 4;
/// Position slots of a part, so that a limb is counted less than 2^24 times.
pub const MAX_SLOTS: usize = 1 << 14;
/// The bound on a limb's count.
const COUNT_BOUND: u64 = MAX_SLOTS as u64 * LIMB_MAX;

/// Four position slots a row, account by account.
///
/// - POSITIONS-1: the row's number and whether its account is used.
/// - POSITIONS-2: slots of unused accounts are empty.
///
/// Each limb of lots and of entry is counted on the bus for its key.
#[derive(Clone, Debug)]
pub struct PositionsTable {
    /// Where the quads stand.
    pub(crate) opening: Opening,
    /// Used accounts; they come first.
    pub used: usize,
}

/// The private data of one row: its number, and key, lots and entry of each slot.
#[derive(Clone, Debug)]
pub struct PositionsRow {
    pub row: usize,
    pub slots: [(usize, u64, u64); PER_ROW],
}

impl Table for PositionsTable {
    type Row = PositionsRow;

    fn name(&self) -> &'static str {
        "positions"
    }

    fn log_height(&self) -> usize {
        let rows = self.opening.accounts * self.opening.slots / PER_ROW;
        (rows.ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let used = self.used * self.opening.slots / PER_ROW;
        let rows = 0..1 << self.log_height();
        vec![rows.map(|r| F::from_bool(r < used)).collect()]
    }

    fn row<B: RowBuilder<PositionsRow>>(&self, b: &mut B) {
        let row = number(b, "POSITIONS-1", |w: &PositionsRow| w.row);
        let used = b.pinned("POSITIONS-1", 0);
        let unused = b.one() - used.clone();
        for slot in 0..PER_ROW {
            let key = b.cell(|w| F::from_usize(w.slots[slot].0));
            b.zero("POSITIONS-2", unused.clone() * key.clone());
            let limbs: Limbs<B::E> = (0..POSITION_LIMBS)
                .map(|i| {
                    let cell = b.cell(|w| {
                        let (_, lots, entry) = w.slots[slot];
                        F::from_u64(limbs_of_position(lots, entry)[i])
                    });
                    let cell = limb(b, cell);
                    b.zero("POSITIONS-2", unused.clone() * (*cell).clone());
                    cell
                })
                .collect();
            let quad = packed(&limbs);
            let address = row.clone() * F::from_usize(PER_ROW) + F::from_usize(slot);
            let mut message = vec![address, key.clone()];
            message.extend(quad);
            b.send(QUADS, used.clone(), &message);
            for (i, cell) in limbs.into_iter().enumerate() {
                let which = b.constant(F::from_usize(i));
                b.send_limb(POSITIONS, cell, &[key.clone(), which]);
            }
        }
    }
}

/// The limbs of a position: of its lots, then of its entry.
pub fn limbs_of_position(lots: u64, entry: u64) -> [u64; POSITION_LIMBS] {
    std::array::from_fn(|index| match index.checked_sub(LOT_LIMBS) {
        None => limb_of(lots.into(), index),
        Some(i) => limb_of(entry.into(), i),
    })
}

/// How often the limbs of each key's positions are counted, from key 1 on.
pub(crate) fn count_positions(
    members: &[Member],
    instruments: usize,
) -> Vec<[u64; POSITION_LIMBS]> {
    let mut counts = vec![[0; POSITION_LIMBS]; 2 * instruments];
    for position in members.iter().flat_map(|m| &m.account.positions) {
        let limbs = limbs_of_position(position.lots.0, position.entry);
        for (count, limb) in counts[position_key(position) - 1].iter_mut().zip(limbs) {
            *count += limb;
        }
    }
    counts
}

/// The filled table of a part's accounts.
pub(crate) fn fill_positions(
    table: &PositionsTable,
    air: &TableAir,
    tally: &Tally,
    members: &[Member],
) -> Trace {
    let slots = table.opening.slots;
    fill(table, air, tally, |row| PositionsRow {
        row,
        slots: std::array::from_fn(|i| {
            let at = row * PER_ROW + i;
            let member = members.get(at / slots);
            let position = member.and_then(|m| m.account.positions.get(at % slots));
            position.map_or((0, 0, 0), |p| (position_key(p), p.lots.0, p.entry))
        }),
    })
}

/// The filled table of a part's accounts.
pub(crate) fn fill_leaves(
    table: &LeavesTable,
    air: &TableAir,
    tally: &Tally,
    members: &[Member],
) -> Trace {
    fill(table, air, tally, |row| LeafRow {
        row,
        leaf: members.get(row).map(|m| m.leaf.clone()),
    })
}

/// The row's number, from zero.
fn number<W, B: RowBuilder<W>>(b: &mut B, id: &'static str, of: impl Fn(&W) -> usize) -> B::E {
    let (row, next) = b.state(|w| F::from_usize(of(w)));
    b.assert_zero(id, When::First, row.clone());
    let step = next - row.clone() - b.one();
    b.assert_zero(id, When::Transition, step);
    row
}

/// A leaf a row.
///
/// - LEAVES-1: the row's number and whether it is used.
/// - LEAVES-2: an unused row holds zeros.
#[derive(Clone, Debug)]
pub struct LeavesTable {
    /// Where the quads stand.
    pub(crate) opening: Opening,
    /// What the places of the book's lists stand for.
    pub lists: Digest,
    /// Used accounts; they come first.
    pub used: usize,
}

/// The private data of one row.
#[derive(Clone, Debug)]
pub struct LeafRow {
    pub row: usize,
    /// `None` if unused.
    pub leaf: Option<Leaf>,
}

impl Table for LeavesTable {
    type Row = LeafRow;

    fn name(&self) -> &'static str {
        "leaves"
    }

    fn log_height(&self) -> usize {
        (self.opening.accounts.ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let rows = 0..1 << self.log_height();
        vec![rows.map(|r| F::from_bool(r < self.used)).collect()]
    }

    fn public(&self) -> Vec<F> {
        self.lists.to_vec()
    }

    fn row<B: RowBuilder<LeafRow>>(&self, b: &mut B) {
        let row = number(b, "LEAVES-1", |w: &LeafRow| w.row);
        let used = b.pinned("LEAVES-1", 0);
        let hidden = Hidden::read(b, |w: &LeafRow| w.leaf.as_ref());
        // Balances are committed to, but play no part here.
        let balances: Vec<B::E> = (0..tail_len(self.opening.assets))
            .map(|i| b.cell(|w| w.leaf.as_ref().map_or(F::ZERO, |l| l.tail(i))))
            .collect();
        for cell in hidden.cells().chain(&balances) {
            b.zero("LEAVES-2", (b.one() - used.clone()) * cell.clone());
        }
        let opening = &self.opening;
        let mut lists = Publics::from(0);
        opening.send_leaf(b, &row, &used, &mut lists, hidden, balances);
    }
}

/// The first row holds the state before this part's accounts and the one after them.
///
/// - STATE-1: which row is used, and whether the state before is committed to or empty.
/// - STATE-2: an unused row holds zeros.
/// - STATE-3: the empty state has no quantities, entries and salt.
/// - STATE-4: each market's quantity grows by the counted lots of its long positions less its short ones.
/// - STATE-5: so does the sum of entries.
#[derive(Clone, Debug)]
pub struct StateTable {
    /// Per market, its instrument's number in the book.
    pub instruments: Vec<usize>,
    /// What the places of the state stand for.
    pub listing: Digest,
    /// Whether this is the first part, which starts from the empty state.
    pub first: bool,
    /// The address of the first quad of the state before; the state after comes behind.
    pub address: usize,
}

/// The private data of the first row.
#[derive(Clone, Debug)]
pub struct StateRow {
    /// The state before; capital and what was collected are those of the state after.
    pub before: VenueState,
    /// The state after.
    pub after: VenueState,
    /// What hides the two.
    pub salts: [Digest; 2],
    /// Per position key from 1 on, how often each limb was counted.
    pub counts: Vec<[u64; POSITION_LIMBS]>,
}

const USED: usize = 0;
const COMMITTED: usize = 1;

impl Table for StateTable {
    type Row = Option<StateRow>;

    fn name(&self) -> &'static str {
        "state"
    }

    fn log_height(&self) -> usize {
        MIN_LOG_HEIGHT
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let flag = |on: bool| -> Vec<F> {
            (0..1 << MIN_LOG_HEIGHT)
                .map(|r| F::from_bool(on && r == 0))
                .collect()
        };
        vec![flag(true), flag(!self.first)]
    }

    /// What the places of the state stand for, then the key of each market's long positions.
    fn public(&self) -> Vec<F> {
        let keys = self.instruments.iter().map(|&i| F::from_usize(2 * i + 1));
        self.listing.into_iter().chain(keys).collect()
    }

    fn row<B: RowBuilder<Option<StateRow>>>(&self, b: &mut B) {
        let mut publics = Publics::from(0);
        let listing = publics.elements(b, DIGEST);
        let used = b.pinned("STATE-1", USED);
        let committed = b.pinned("STATE-1", COMMITTED);
        let salts = [0, 1].map(|i| {
            (0..DIGEST)
                .map(|j| cell(b, &used, |w| w.salts[i][j]))
                .collect::<Vec<B::E>>()
        });
        for element in &salts[0] {
            b.zero("STATE-3", (b.one() - committed.clone()) * element.clone());
        }
        let mut states = [Vec::new(), Vec::new()];
        let mut entries = vec![b.constant(F::ZERO); AMOUNT_LIMBS];
        for (market, &instrument) in self.instruments.iter().enumerate() {
            let pair = digits(b, [&used, &committed], QUANTITY_DIGITS, &|s| {
                s.quantities[market].0.into()
            });
            // Keys as in the account's commitment: long, then short.
            let key = publics.element(b);
            let long = count(b, &used, 2 * instrument, &key);
            let short = count(b, &used, 2 * instrument + 1, &(key + b.one()));
            grows(b, "STATE-4", &pair, &long[..LOT_LIMBS], &short[..LOT_LIMBS]);
            let counts = long[LOT_LIMBS..].iter().zip(&short[LOT_LIMBS..]);
            for (entry, (long, short)) in entries.iter_mut().zip(counts) {
                *entry += long.clone() - short.clone();
            }
            for (state, digits) in states.iter_mut().zip(pair) {
                state.extend(packed(&digits.raised()));
            }
        }
        let [before, after] = digits(b, [&used, &committed], ENTRY_DIGITS, &|s| s.entry.0.into());
        // All positions of a part together have fewer than 2^24 of a limb, whatever their keys.
        let entries = Sum::declared(b, "STATE-5", entries, COUNT_BOUND);
        before
            .sum()
            .plus(&entries)
            .minus(&after.sum())
            .assert_zero(b, "STATE-5");
        let capitals: Vec<B::E> = (0..6)
            .map(|i| {
                cell(b, &used, |w| {
                    let s = &w.after;
                    halves_of([s.capital, s.providers, s.collected][i / 2].0)[i % 2]
                })
            })
            .collect();
        let quads = commitment_quads(self.instruments.len());
        let ends = [(before, committed), (after, used)];
        for (i, ((entry, sends), (salt, state))) in ends
            .into_iter()
            .zip(salts.into_iter().zip(states))
            .enumerate()
        {
            let mut elements = salt;
            elements.extend(listing.iter().cloned());
            elements.extend(state);
            elements.extend(packed(&entry.raised()));
            elements.extend(capitals.iter().cloned());
            elements.resize(elements.len().next_multiple_of(QUAD), b.constant(F::ZERO));
            for (q, quad) in elements.chunks(QUAD).enumerate() {
                let mut message = vec![b.constant(F::from_usize(self.address + i * quads + q))];
                message.extend_from_slice(quad);
                b.send(QUADS, sends.clone(), &message);
            }
        }
    }
}

/// A cell of the used row.
fn cell<B: RowBuilder<Option<StateRow>>>(
    b: &mut B,
    used: &B::E,
    of: impl Fn(&StateRow) -> F,
) -> B::E {
    let cell = b.cell(|w| w.as_ref().map_or(F::ZERO, of));
    b.zero("STATE-2", (b.one() - used.clone()) * cell.clone());
    cell
}

/// The digits of a number before and after.
fn digits<B: RowBuilder<Option<StateRow>>>(
    b: &mut B,
    [used, committed]: [&B::E; 2],
    count: usize,
    of: &dyn Fn(&VenueState) -> i128,
) -> [SignedLimbs<B::E>; 2] {
    [false, true].map(|is_after| {
        (0..count)
            .map(|i| {
                let digit = cell(b, used, |w| {
                    let state = if is_after { &w.after } else { &w.before };
                    F::from_i64(signed_digits(of(state), count)[i])
                });
                let digit = signed_limb(b, digit);
                if !is_after {
                    b.zero("STATE-3", (b.one() - committed.clone()) * (*digit).clone());
                }
                digit
            })
            .collect()
    })
}

/// How often each limb of the positions with key `key`, which is `at + 1`, was counted.
fn count<B: RowBuilder<Option<StateRow>>>(
    b: &mut B,
    used: &B::E,
    at: usize,
    key: &B::E,
) -> Vec<B::E> {
    (0..POSITION_LIMBS)
        .map(|i| {
            let count = cell(b, used, |w| F::from_u64(w.counts[at][i]));
            let which = b.constant(F::from_usize(i));
            b.provide(POSITIONS, count.clone(), &[key.clone(), which]);
            count
        })
        .collect()
}

/// `before + long - short = after`.
fn grows<W, B: RowBuilder<W>>(
    b: &mut B,
    id: &'static str,
    [before, after]: &[SignedLimbs<B::E>; 2],
    long: &[B::E],
    short: &[B::E],
) {
    let [long, short] =
        [long, short].map(|counts| Sum::declared(b, id, counts.to_vec(), COUNT_BOUND));
    before
        .sum()
        .plus(&long)
        .minus(&short)
        .minus(&after.sum())
        .assert_zero(b, id);
}
