//! The sizes and public numbers of a margin claim's tables, all from the snapshot and the level.

use std::ops::Range;
use std::sync::Arc;

use gadgets::limbs::{AMOUNT_LIMBS, LIMB_MAX, SIGNED_LIMB_MAX};
use gadgets::sum::Sum;
use market::margin::MarginTables;
use market::snapshot::MAX_INSTRUMENTS;
use stark::MIN_LOG_HEIGHT;

use super::digits::{balanced, balanced_len, headroom};
use crate::collateral::{MAX_TIERS, Piece, piece_limbs, pieces, rate_limbs};
use crate::opening::Opening;

/// Limbs of a position's lots.
pub(crate) const LOT_LIMBS: usize = 3;
/// Limbs of subticks below a tick: equity is cut to whole ticks, which changes no sign.
pub(crate) const SUBTICK_LIMBS: usize = 2;
/// The bound up to which coefficients can be normalized (see [`gadgets::sum`]).
const MAX_SUM: u64 = (1 << 29) - (1 << 20);
/// What one asset adds to the coefficients of equity: two products of six limbs and an intercept.
const MAX_PER_ASSET: u64 = 2 * 6 * LIMB_MAX * LIMB_MAX + LIMB_MAX;
/// Rows of the smallest table.
const MIN_HEIGHT: usize = 1 << MIN_LOG_HEIGHT;
/// Most scenario columns.
pub const MAX_COLUMNS: usize = 256;
/// Account slots of one part of a book's proof.
pub const SEGMENT: usize = 1024;
/// Rows per account in the outcome table of a book.
const BOOK_OUTCOMES: usize = 4;
/// Position slots on a line of a book: a row costs as much as a hundred columns besides its own.
const BOOK_LINE: usize = 4;

/// The public numbers of one asset.
#[derive(Clone, Debug)]
pub(crate) struct AssetNumbers {
    /// The margin schedule.
    pub pieces: Vec<Piece>,
    /// subticks per unit of debt, rounded up.
    pub debt: u64,
}

/// What a lot and an entry unit of each position key are worth, as balanced digits.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    /// Position keys, the empty slot's included.
    pub keys: usize,
    /// Scenario columns, padded by repeating the last.
    pub columns: usize,
    /// Scenario columns without padding.
    pub scenarios: usize,
    /// Digits of a value.
    pub value_digits: usize,
    /// Digits of an entry rate.
    pub entry_digits: usize,
    values: Vec<i64>,
    entries: Vec<i64>,
}

impl Rates {
    fn new(tables: &MarginTables, columns: usize) -> Self {
        let arrays = &tables.arrays;
        let value_digits = balanced_len(arrays.values.iter().flatten().flatten().copied());
        let entry_digits = balanced_len(arrays.entry_rates.iter().flatten().copied());
        let mut values = vec![0; columns * value_digits];
        for side in arrays.values.iter().flatten() {
            for s in 0..columns {
                values.extend(balanced(side[s.min(arrays.columns - 1)], value_digits));
            }
        }
        let mut entries = vec![0; entry_digits];
        for &rate in arrays.entry_rates.iter().flatten() {
            entries.extend(balanced(rate, entry_digits));
        }
        let keys = 1 + 2 * arrays.values.len();
        Self {
            keys,
            columns,
            scenarios: arrays.columns,
            value_digits,
            entry_digits,
            values,
            entries,
        }
    }

    /// The digits of a key's value in a column, least significant first.
    pub fn value(&self, key: usize, column: usize) -> &[i64] {
        let at = (key * self.columns + column) * self.value_digits;
        &self.values[at..at + self.value_digits]
    }

    /// The digits of a key's entry rate.
    pub fn entry(&self, key: usize) -> &[i64] {
        &self.entries[key * self.entry_digits..(key + 1) * self.entry_digits]
    }
}

/// Sizes and public numbers.
///
/// A position's scenario columns are cut into `blocks` blocks, one line each; a block into `groups`
/// groups of `width` columns, one outcome row each. A single account has many blocks, so that its
/// lines fill the smallest table; a book has one.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// One account, whose margin must not be negative; otherwise a book, where it is counted.
    pub single: bool,
    /// Account slots in a part.
    pub accounts: usize,
    /// Position slots per account.
    pub slots: usize,
    /// Blocks per position.
    pub blocks: usize,
    /// Position slots on a line.
    pub per_line: usize,
    /// Outcome rows per block.
    pub groups: usize,
    /// Columns per outcome row.
    pub width: usize,
    /// Per position key.
    pub rates: Arc<Rates>,
    /// Per asset.
    pub assets: Arc<Vec<AssetNumbers>>,
    /// Limbs of an account's equity in ticks.
    pub equity_limbs: usize,
}

impl Plan {
    /// The plan of a claim over `accounts` account slots per part.
    ///
    /// # Errors
    /// If the snapshot has more assets, scenarios or instruments than the tables hold.
    pub fn new(
        tables: &MarginTables,
        single: bool,
        accounts: usize,
        slots: usize,
    ) -> Result<Self, String> {
        if !(slots.is_power_of_two() && (4..=64).contains(&slots)) {
            return Err(format!(
                "{slots} position slots per account; use 4, 8, 16, 32 or 64"
            ));
        }
        let columns = tables.arrays.columns;
        if columns > MAX_COLUMNS {
            return Err(format!(
                "{columns} scenario columns; at most {MAX_COLUMNS} fit"
            ));
        }
        let instruments = tables.arrays.values.len();
        if instruments > MAX_INSTRUMENTS {
            return Err(format!(
                "{instruments} instruments; at most {MAX_INSTRUMENTS} fit"
            ));
        }
        if tables
            .assets
            .iter()
            // One more for what lies beyond the last tier.
            .any(|a| a.schedules[1].len() > MAX_TIERS + 1)
        {
            return Err(format!("a margin schedule has more than {MAX_TIERS} tiers"));
        }
        let (blocks, groups, width) = if single {
            let blocks = MIN_HEIGHT / slots;
            (blocks, columns.div_ceil(blocks), 1)
        } else {
            (1, BOOK_OUTCOMES, columns.div_ceil(BOOK_OUTCOMES))
        };
        let assets: Vec<AssetNumbers> = tables
            .assets
            .iter()
            .map(|a| {
                let tiers: Vec<_> = a.schedules[1]
                    .iter()
                    .map(|p| (p.start, p.base, p.rate))
                    .collect();
                AssetNumbers {
                    pieces: pieces(&tiers),
                    debt: a.debt,
                }
            })
            .collect();
        let rates = Rates::new(tables, blocks * groups * width);
        let mut plan = Self {
            single,
            accounts,
            slots,
            blocks,
            per_line: if single { 1 } else { BOOK_LINE },
            groups,
            width,
            rates: Arc::new(rates),
            assets: Arc::new(assets),
            equity_limbs: 0,
        };
        let most = MAX_SUM.saturating_sub(plan.entry_bound()) / MAX_PER_ASSET;
        if plan.assets.len() as u64 > most {
            return Err(format!("{} assets; at most {most} fit", plan.assets.len()));
        }
        let (len, bound) = plan.equity_shape();
        let range = (-(bound as i64), bound as i64);
        let limbs = len + headroom(std::iter::repeat_n((range, 1), len));
        plan.equity_limbs = limbs.saturating_sub(SUBTICK_LIMBS).max(plan.pnl_len());
        Ok(plan)
    }

    /// Columns per block.
    pub fn block_columns(&self) -> usize {
        self.groups * self.width
    }

    /// Outcome rows per account.
    pub fn outcomes(&self) -> usize {
        self.blocks * self.groups
    }

    /// Lines per block of an account.
    pub fn block_lines(&self) -> usize {
        self.slots / self.per_line
    }

    /// Rows of the line table: all of them are used.
    pub fn line_rows(&self) -> usize {
        self.accounts * self.blocks * self.block_lines()
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

    /// Coefficients of an account's equity in subticks, and the bound on them.
    fn equity_shape(&self) -> (usize, u64) {
        let amount = Sum::shape(AMOUNT_LIMBS, LIMB_MAX);
        let mut sum = Sum::shape(self.entry_len(), self.entry_bound());
        for asset in self.assets.iter() {
            let number = |limbs: usize| Sum::shape(limbs, LIMB_MAX);
            if !asset.pieces.is_empty() {
                let [rate, intercept] = piece_limbs(&asset.pieces).map(number);
                sum = sum.plus(&Sum::product(&amount, &rate)).plus(&intercept);
            }
            sum = sum.plus(&Sum::product(&amount, &number(rate_limbs(asset.debt))));
        }
        (sum.coefficients().len(), sum.bound())
    }

    /// Where a line's running sums of a group's columns stand.
    pub fn pnl_sums(&self, group: usize) -> Range<usize> {
        let len = self.width * self.pnl_len();
        group * len..(group + 1) * len
    }

    /// Where a line's running sum of entries stands: behind those of the block's columns.
    pub fn entry_sums(&self) -> Range<usize> {
        let start = self.block_columns() * self.pnl_len();
        start..start + self.entry_len()
    }

    /// How equity travels to the outcomes: first single limbs, one for each coefficient of profit
    /// and loss, then pairs of limbs.
    pub fn equity_widths(&self) -> Vec<usize> {
        let mut widths = vec![1; self.pnl_len()];
        let rest = self.equity_limbs - self.pnl_len();
        widths.extend(std::iter::repeat_n(2, rest / 2));
        widths.extend(std::iter::repeat_n(1, rest % 2));
        widths
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
