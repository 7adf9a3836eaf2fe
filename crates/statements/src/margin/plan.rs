//! The sizes and public numbers of a margin claim's tables, all from the snapshot and the level.

use std::ops::Range;
use std::sync::Arc;

use gadgets::limbs::{AMOUNT_LIMBS, LIMB_MAX, SIGNED_LIMB_MAX};
use gadgets::range::LIMB_BITS;
use market::array::{LotNumbers, MOVE_BITS};
use market::margin::{MAX_COIN_BALANCE, MarginTables};
use market::snapshot::MAX_INSTRUMENTS;
use stark::MIN_LOG_HEIGHT;

use super::digits::{Carries, MOST_WHOLE, balanced, balanced_len, held};
use super::tables::coins::Coin;
use crate::account::SHORT_LIST;
use crate::collateral::{MAX_TIERS, Piece, piece_limbs, pieces, rate_limbs};
use crate::opening::Opening;

/// Limbs of a position's lots.
pub(crate) const LOT_LIMBS: usize = 3;
/// Limbs of subticks below a tick: equity is cut to whole ticks, which changes no sign.
pub(crate) const SUBTICK_LIMBS: usize = 2;
/// Limbs of a coin balance in whole ticks.
pub(crate) const BALANCE_LIMBS: usize = 6;
/// Limbs of a move below one, and of losses below a tick.
pub(crate) const MOVE_LIMBS: usize = MOVE_BITS as usize / LIMB_BITS;
/// The largest limb, and the largest magnitude of a balanced digit.
pub(crate) const TOP_LIMB: i64 = LIMB_MAX as i64;
pub(crate) const SIGNED_LIMB: i64 = SIGNED_LIMB_MAX as i64;
/// The bound up to which coefficients can be normalized (see [`gadgets::sum`]).
pub(crate) const MAX_SUM: u64 = (1 << 29) - (1 << 20);
/// Rows of the smallest table.
const MIN_HEIGHT: usize = 1 << MIN_LOG_HEIGHT;
/// Most underlyings, coins included: their numbers are limbs.
const MAX_UNDERLYINGS: usize = 1000;
/// Most scenario columns.
pub const MAX_COLUMNS: usize = 256;
/// Account slots of one part of a book's proof.
pub const SEGMENT: usize = 1024;
/// Rows for an underlying of an account in the table of losses of a book.
const BOOK_LOSSES: usize = 4;

/// The public numbers of one asset.
#[derive(Clone, Debug)]
pub(crate) struct AssetNumbers {
    /// The margin schedule.
    pub pieces: Vec<Piece>,
    /// Subticks per unit of debt, rounded up.
    pub debt: u64,
    /// If scenarios move its price.
    pub coin: Option<Coin>,
}

/// What a lot and an entry unit of each position key are worth, as balanced digits.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    /// Position keys, the empty slot's included.
    pub keys: usize,
    /// Scenario columns, padded by repeating the last.
    pub columns: usize,
    /// Digits of a value and of a change.
    pub value_digits: usize,
    /// Digits of an entry rate.
    pub entry_digits: usize,
    /// Of each key: its underlying from 1 on, and whether that is a coin that moves.
    underlyings: Vec<(usize, bool)>,
    values: Vec<i64>,
    changes: Vec<i64>,
    entries: Vec<i64>,
    coin_entries: Vec<i64>,
}

impl Rates {
    fn new(tables: &MarginTables, columns: usize) -> Self {
        let lots = &tables.arrays.lots;
        let sides = |lot: &LotNumbers, side: usize| {
            let changes = lot.changes[side].iter().copied();
            changes.chain([lot.value[side]]).collect::<Vec<_>>()
        };
        let all = lots.iter().flat_map(|lot| [sides(lot, 0), sides(lot, 1)]);
        let value_digits = balanced_len(all.flatten());
        let entry_digits = balanced_len(lots.iter().flat_map(|lot| lot.entry));
        let mut rates = Self {
            keys: 1 + 2 * lots.len(),
            columns,
            value_digits,
            entry_digits,
            underlyings: vec![(0, false)],
            values: vec![0; value_digits],
            changes: vec![0; columns * value_digits],
            entries: vec![0; entry_digits],
            coin_entries: vec![0; entry_digits],
        };
        for (lot, side) in lots.iter().flat_map(|lot| [(lot, 0), (lot, 1)]) {
            let moves = tables.coins.contains(&Some(lot.underlying));
            rates.underlyings.push((lot.underlying + 1, moves));
            let last = tables.arrays.columns - 1;
            let columns = (0..columns).map(|s| lot.changes[side][s.min(last)]);
            let digits = columns.flat_map(|change| balanced(change, value_digits));
            rates.changes.extend(digits);
            let value = balanced(lot.value[side], value_digits);
            rates.values.extend(value);
            let entry = balanced(lot.entry[side], entry_digits);
            let coin = if lot.in_coin {
                entry.clone()
            } else {
                vec![0; entry_digits]
            };
            rates.entries.extend(entry);
            rates.coin_entries.extend(coin);
        }
        rates
    }

    /// The number of a key's underlying, from 1 on; 0 of the empty slot.
    pub fn underlying(&self, key: usize) -> usize {
        self.underlyings[key].0
    }

    /// Whether a key's underlying is a coin that moves.
    pub fn moves(&self, key: usize) -> bool {
        self.underlyings[key].1
    }

    /// The digits of what a key's lot wins in a column, least significant first.
    pub fn change(&self, key: usize, column: usize) -> &[i64] {
        let at = (key * self.columns + column) * self.value_digits;
        &self.changes[at..at + self.value_digits]
    }

    /// The digits of the value of a key's lot less its contingency.
    pub fn value(&self, key: usize) -> &[i64] {
        &self.values[key * self.value_digits..(key + 1) * self.value_digits]
    }

    /// The digits of a key's entry rate.
    pub fn entry(&self, key: usize) -> &[i64] {
        &self.entries[key * self.entry_digits..(key + 1) * self.entry_digits]
    }

    /// The same, of entries in a coin.
    pub fn coin_entry(&self, key: usize) -> &[i64] {
        &self.coin_entries[key * self.entry_digits..(key + 1) * self.entry_digits]
    }
}

/// How coins move in each column, as balanced digits, in 2^-40; and which underlyings are in a group.
#[derive(Clone, Debug)]
pub(crate) struct Moves {
    /// Digits of a move.
    pub digits: usize,
    columns: usize,
    /// The largest magnitude.
    most: u64,
    moves: Vec<i64>,
    /// Of each underlying, from 1 on; 0 is in none.
    grouped: Vec<bool>,
}

impl Moves {
    fn new(tables: &MarginTables, columns: usize) -> Self {
        let all = tables.arrays.moves.iter().flatten().flatten().copied();
        let digits = balanced_len(all.clone());
        let most = all.map(i64::unsigned_abs).max().unwrap_or(0);
        let last = tables.arrays.columns - 1;
        let mut moves = vec![0; 2 * columns * digits];
        for (underlying, sides) in tables.arrays.moves.iter().enumerate() {
            let is_coin = tables.coins.contains(&Some(underlying));
            for side in sides {
                for s in 0..columns {
                    let change = if is_coin { side[s.min(last)] } else { 0 };
                    moves.extend(balanced(change, digits));
                }
            }
        }
        let mut grouped = vec![false; 1 + tables.arrays.moves.len()];
        for underlying in tables.groups.iter().flat_map(|g| &g.underlyings) {
            grouped[underlying + 1] = true;
        }
        Self {
            digits,
            columns,
            most,
            moves,
            grouped,
        }
    }

    /// Whether an underlying, from 1 on, is in a group with an offset; 0 is not.
    pub fn is_grouped(&self, underlying: usize) -> bool {
        self.grouped[underlying]
    }

    /// Rows: two for each underlying, from 1 on, behind two that move nothing.
    pub fn rows(&self) -> usize {
        self.moves.len() / (self.columns * self.digits)
    }

    /// The digits of a row's move in a column.
    pub fn of(&self, row: usize, column: usize) -> &[i64] {
        let at = (row * self.columns + column) * self.digits;
        &self.moves[at..at + self.digits]
    }
}

/// Sizes and public numbers.
///
/// A position's scenario columns are cut into `blocks` blocks, one line each; a block into `groups` groups of `width` columns,
/// one row each in the table of losses, for each of an account's underlyings. A single account has many blocks, so that its
/// lines fill the smallest table; a book has one.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// One account, whose margin must not be negative; otherwise a book, where it is counted.
    pub single: bool,
    /// Account slots in a part.
    pub accounts: usize,
    /// Position slots per account.
    pub slots: usize,
    /// Places for underlyings per account.
    pub underlyings: usize,
    /// Blocks per position.
    pub blocks: usize,
    /// Rows of losses per block.
    pub groups: usize,
    /// Columns per row of losses.
    pub width: usize,
    /// Per position key.
    pub rates: Arc<Rates>,
    /// Per underlying.
    pub moves: Arc<Moves>,
    /// The groups with an offset.
    pub offsets: Arc<Vec<OffsetNumbers>>,
    /// Per asset.
    pub assets: Arc<Vec<AssetNumbers>>,
    /// Whether balances move with their coin, or entries alone.
    pub balances_move: bool,
    /// Limbs of a largest loss in 2^-40 of a tick.
    pub loss_limbs: usize,
}

/// A group of underlyings with an offset.
#[derive(Clone, Debug)]
pub(crate) struct OffsetNumbers {
    /// From 1 on.
    pub underlyings: Vec<usize>,
    /// In 10^-6.
    pub offset: u64,
}

/// The sizes that a claim states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// One account; otherwise a book.
    pub single: bool,
    /// Account slots per part.
    pub accounts: usize,
    /// Position slots per account.
    pub slots: usize,
    /// Places for underlyings per account.
    pub underlyings: usize,
}

impl Plan {
    /// The plan of a claim.
    ///
    /// # Errors
    /// If the snapshot has more assets, scenarios or instruments than the tables hold.
    pub fn new(tables: &MarginTables, sizes: &Sizes) -> Result<Self, String> {
        check_sizes(tables, sizes)?;
        let columns = tables.arrays.columns;
        let (blocks, groups, width) = if sizes.single {
            let blocks = MIN_HEIGHT / sizes.slots;
            (blocks, columns.div_ceil(blocks), 1)
        } else {
            (1, BOOK_LOSSES, columns.div_ceil(BOOK_LOSSES))
        };
        let columns = blocks * groups * width;
        let mut plan = Self {
            single: sizes.single,
            accounts: sizes.accounts,
            slots: sizes.slots,
            underlyings: sizes.underlyings,
            blocks,
            groups,
            width,
            rates: Arc::new(Rates::new(tables, columns)),
            moves: Arc::new(Moves::new(tables, columns)),
            offsets: Arc::new(offsets(tables)),
            assets: Arc::new(assets(tables)),
            balances_move: tables.balances_move,
            loss_limbs: 0,
        };
        if plan.assets.len() > SHORT_LIST {
            return Err(format!(
                "{} assets: over a list of more than {SHORT_LIST} a leaf has a digest of what is held, which this statement does not open; leave out assets",
                plan.assets.len()
            ));
        }
        plan.loss_limbs = plan.loss_limbs(tables);
        if plan.compared_bound() > MAX_SUM {
            return Err(format!(
                "{} assets, {} underlyings an account: equity has too many terms for one sum; leave out assets",
                plan.assets.len(),
                plan.underlyings
            ));
        }
        Ok(plan)
    }

    /// Columns per block.
    pub fn block_columns(&self) -> usize {
        self.groups * self.width
    }

    /// Rows of losses per underlying.
    pub fn loss_rows(&self) -> usize {
        self.blocks * self.groups
    }

    /// Rows of losses per account.
    pub fn account_losses(&self) -> usize {
        self.underlyings * self.loss_rows()
    }

    /// Rows of the line table: all of them are used.
    pub fn line_rows(&self) -> usize {
        self.accounts * self.blocks * self.slots
    }

    /// Coefficients of a column's profit and loss, in ticks.
    pub fn pnl_len(&self) -> usize {
        LOT_LIMBS + self.rates.value_digits - 1
    }

    /// The bound on them.
    pub fn pnl_bound(&self) -> u64 {
        let terms = LOT_LIMBS.min(self.rates.value_digits) as u64;
        terms * self.slots as u64 * LIMB_MAX * SIGNED_LIMB_MAX
    }

    /// Coefficients of the sum of entries, in subticks.
    pub fn entry_len(&self) -> usize {
        AMOUNT_LIMBS + self.rates.entry_digits - 1
    }

    /// The bound on them.
    pub fn entry_bound(&self) -> u64 {
        let terms = AMOUNT_LIMBS.min(self.rates.entry_digits) as u64;
        terms * self.slots as u64 * LIMB_MAX * SIGNED_LIMB_MAX
    }

    /// Limbs that the largest possible loss on an underlying fits.
    fn loss_limbs(&self, tables: &MarginTables) -> usize {
        let changes = tables.arrays.lots.iter().flat_map(|lot| &lot.changes);
        let most = changes.flatten().map(|c| c.unsigned_abs()).max();
        let lots = (u128::from(most.unwrap_or(0)) * (self.slots as u128)) << (10 * LOT_LIMBS);
        let coin = MAX_COIN_BALANCE as u128 * u128::from(self.moves.most);
        let most = (lots << MOVE_BITS) + coin;
        ((u128::BITS - most.leading_zeros()) as usize)
            .div_ceil(LIMB_BITS)
            .max(1)
    }

    /// Digits of the difference between the largest loss and another one.
    pub fn difference_len(&self) -> usize {
        let len = (self.loss_limbs)
            .max(MOVE_LIMBS + self.pnl_len())
            .max(BALANCE_LIMBS + self.moves.digits);
        held(len, self.difference_bound() as i64)
    }

    /// The bound on its coefficients.
    fn difference_bound(&self) -> u64 {
        let terms = BALANCE_LIMBS.min(self.moves.digits) as u64;
        self.pnl_bound() + (terms + 1) * LIMB_MAX * SIGNED_LIMB_MAX + 2 * LIMB_MAX
    }

    /// How the carries in these differences are known to be small. A book has so many that a table for 16 bits pays.
    pub fn carries(&self) -> Carries {
        match !self.single && self.difference_bound() / LIMB_MAX < MOST_WHOLE {
            true => Carries::Whole,
            false => Carries::Limbs,
        }
    }

    /// Places for underlyings in a row of joint losses: those of the largest group.
    pub fn joint_places(&self) -> usize {
        let sizes = self.offsets.iter().map(|group| group.underlyings.len());
        sizes.max().unwrap_or(0)
    }

    /// Limbs of what a group's joint loss lies below the sum of its largest losses.
    pub fn spread_limbs(&self) -> usize {
        // At most 2^10 underlyings add up.
        self.loss_limbs + 1
    }

    /// Digits of the difference between that in a scenario and the least.
    pub fn joint_len(&self) -> usize {
        let len = self.difference_len().max(self.spread_limbs());
        held(len, TOP_LIMB * (self.joint_places() as i64 + 1))
    }

    /// The bound on the coefficients of equity less the requirement, in 2^-40 of a tick: as the accounts' row adds up.
    pub fn compared_bound(&self) -> u64 {
        let amount = Shape::number(AMOUNT_LIMBS);
        let entries = Shape::new(self.entry_len(), self.entry_bound());
        let values = Shape::new(SUBTICK_LIMBS + self.pnl_len(), self.pnl_bound());
        let (mut equity, mut lost) = (entries.plus(values), Shape::new(0, 0));
        for asset in self.assets.iter() {
            equity = equity.plus(amount.times(Shape::number(rate_limbs(asset.debt))));
            if !asset.pieces.is_empty() {
                let [rate, intercept] = piece_limbs(&asset.pieces).map(Shape::number);
                equity = equity.plus(amount.times(rate)).plus(intercept);
            }
            if let Some(coin) = &asset.coin {
                let [long, short] = coin.losses.map(|loss| Shape::number(rate_limbs(loss)));
                lost = lost.plus(Shape::number(BALANCE_LIMBS).times(long));
                // The power above the balance's limbs, less these.
                let balance = Shape::new(BALANCE_LIMBS + 1, LIMB_MAX + 1);
                lost = lost.plus(balance.times(short));
            }
        }
        for _ in 0..self.underlyings {
            lost = lost.plus(Shape::number(self.loss_limbs));
        }
        let equity = Shape::new(equity.len + MOVE_LIMBS - SUBTICK_LIMBS, equity.bound);
        equity.plus(lost).bound
    }

    /// Where a line's running sums of a column stand.
    pub fn change_sums(&self, column: usize) -> Range<usize> {
        column * self.pnl_len()..(column + 1) * self.pnl_len()
    }

    /// Where a line's running sums of entries, of entries in coin and of values stand: behind those of the block's columns.
    pub fn account_sums(&self) -> [Range<usize>; 3] {
        let entry = self.block_columns() * self.pnl_len();
        let coin = entry + self.entry_len();
        let value = coin + self.entry_len();
        [entry..coin, coin..value, value..value + self.pnl_len()]
    }

    /// Where the accounts' quads stand; the running totals' come behind.
    pub fn opening(&self) -> Opening {
        Opening {
            accounts: self.accounts,
            slots: self.slots,
            assets: self.assets.len(),
            single: self.single,
        }
    }
}

/// The coefficients of a [`gadgets::sum::Sum`] and the bound on them, however large.
#[derive(Clone, Copy, Debug)]
struct Shape {
    len: usize,
    bound: u64,
}

impl Shape {
    fn new(len: usize, bound: u64) -> Self {
        Self { len, bound }
    }
    fn number(limbs: usize) -> Self {
        Self::new(limbs, LIMB_MAX)
    }
    fn plus(self, other: Self) -> Self {
        Self::new(self.len.max(other.len), self.bound + other.bound)
    }
    fn times(self, other: Self) -> Self {
        let terms = self.len.min(other.len) as u64;
        let len = (self.len + other.len).saturating_sub(1);
        Self::new(len, terms * self.bound * other.bound)
    }
}

fn check_sizes(tables: &MarginTables, sizes: &Sizes) -> Result<(), String> {
    let Sizes {
        slots, underlyings, ..
    } = *sizes;
    if !(slots.is_power_of_two() && (4..=64).contains(&slots)) {
        return Err(format!(
            "{slots} position slots per account; use 4, 8, 16, 32 or 64"
        ));
    }
    // Positions on each, and balances in coins that are in a group.
    let most = slots + grouped_coins(tables).count();
    if !(1..=most).contains(&underlyings) {
        return Err(format!(
            "{underlyings} underlyings per account; use 1 to {most}, the number of position slots and of coins in offset groups"
        ));
    }
    let arrays = &tables.arrays;
    for (count, most, what) in [
        (arrays.columns, MAX_COLUMNS, "scenario columns"),
        (arrays.lots.len(), MAX_INSTRUMENTS, "instruments"),
        (arrays.moves.len(), MAX_UNDERLYINGS, "underlyings and coins"),
    ] {
        if count > most {
            return Err(format!("{count} {what}; at most {most} fit"));
        }
    }
    // One more for what lies beyond the last tier.
    let mut schedules = tables.assets.iter().map(|a| &a.schedules[1]);
    if schedules.any(|schedule| schedule.len() > MAX_TIERS + 1) {
        return Err(format!("a margin schedule has more than {MAX_TIERS} tiers"));
    }
    Ok(())
}

/// Coins in offset groups: a balance in one takes a place of its own.
pub(crate) fn grouped_coins(tables: &MarginTables) -> impl Iterator<Item = usize> {
    let grouped = tables.groups.iter().flat_map(|g| &g.underlyings).copied();
    grouped.filter(|underlying| tables.coins.contains(&Some(*underlying)))
}

fn offsets(tables: &MarginTables) -> Vec<OffsetNumbers> {
    let groups = tables.groups.iter().map(|group| OffsetNumbers {
        underlyings: group.underlyings.iter().map(|u| u + 1).collect(),
        offset: group.offset,
    });
    groups.collect()
}

fn assets(tables: &MarginTables) -> Vec<AssetNumbers> {
    let assets = tables.assets.iter().zip(&tables.coins);
    let numbers = assets.map(|(rates, coin)| {
        let tiers = rates.schedules[1].iter();
        let tiers: Vec<_> = tiers.map(|p| (p.start, p.base, p.rate)).collect();
        AssetNumbers {
            pieces: pieces(&tiers),
            debt: rates.debt,
            coin: coin.as_ref().map(|underlying| Coin {
                underlying: underlying + 1,
                grouped: tables
                    .groups
                    .iter()
                    .any(|g| g.underlyings.contains(underlying)),
                losses: tables.coin_losses[*underlying].map(i64::unsigned_abs),
            }),
        }
    });
    numbers.collect()
}
