//! The tables of the margin statement. STATEMENT.md explains every numbered constraint.
//!
//! A position is a line. Lines look up what a lot is worth in [`rates`] and add up in [`lines`], for each underlying what it
//! wins in every scenario; [`accounts`] opens the commitment, values the collateral and says what there is in each coin;
//! [`losses`] finds the largest loss on each underlying, and [`joint`] the largest joint loss of each group that has an offset;
//! accounts compare equity with the sum of those.

pub(crate) mod accounts;
pub(crate) mod coins;
pub(crate) mod joined;
pub(crate) mod joint;
pub(crate) mod lines;
pub(crate) mod losses;
pub(crate) mod moves;
pub(crate) mod rates;
pub(crate) mod view;

use stark::{Bus, F};

/// `[key, block, underlying, whether its coin moves, entry digits, coin entry digits, value digits, digits of the changes in
/// the block's columns]`.
pub(crate) const RATES: Bus = Bus::new("rate");
/// `[underlying, sign, row of an underlying, whether it is in a group if there are any, digits of the row's columns]`: how a
/// coin moves.
pub(crate) const MOVES: Bus = Bus::new("move");
/// `[line, key, lots]`: a position, from one block's line to the next block's.
pub(crate) const CARRY: Bus = Bus::new("carry");
/// `[account and block, underlying, whether its coin moves, row of the block, coefficients of the row's columns]`: what
/// positions on an underlying win, in ticks.
pub(crate) const PNL: Bus = Bus::new("pnl");
/// `[line, key, lots, entry (2), lots that are closed]`: a position, told to another table.
pub(crate) const HELD: Bus = Bus::new("held");
/// `[account, entry coefficients, value coefficients]`: what its positions were entered at, in subticks, and are worth less
/// contingency, in ticks.
pub(crate) const ENTRY: Bus = Bus::new("entry");
/// `[account, underlying, coefficients]`: the entries in its coin, in subticks.
pub(crate) const COIN: Bus = Bus::new("coin");
/// `[account, underlying, limbs, sign]`: what the account has in a coin, in ticks.
pub(crate) const BALANCE: Bus = Bus::new("balance");
/// `[account, place, limbs]`: the largest loss on one of its underlyings.
pub(crate) const LOSS: Bus = Bus::new("loss");

/// `[account, underlying, row of an underlying, limbs]`: by how much the loss in each of the row's columns is below the largest.
pub(crate) const BELOW: Bus = Bus::new("below");
/// `[account, group, limbs]`: by how much the largest joint loss is below the sum of the largest losses.
pub(crate) const SPREAD: Bus = Bus::new("spread");

/// A public column that is one everywhere.
pub(crate) fn ones() -> Vec<F> {
    vec![F::new(1); 2]
}

/// A public column of flags.
pub(crate) fn flags(rows: usize, on: impl Fn(usize) -> bool) -> Vec<F> {
    numbers(rows, |row| usize::from(on(row)))
}

/// A public column of numbers.
pub(crate) fn numbers(rows: usize, number: impl Fn(usize) -> usize) -> Vec<F> {
    // A period of one is written twice.
    (0..rows.max(2))
        .map(|row| F::new(number(row % rows) as u32))
        .collect()
}

/// Rows that stand by account, place, columns: those of `losses` and `joint`.
pub(crate) struct Placed {
    pub accounts: usize,
    pub per_account: usize,
    pub per_place: usize,
}

impl Placed {
    fn rows(&self) -> usize {
        self.accounts * self.per_account
    }

    pub fn log_height(&self) -> usize {
        (self.rows().next_power_of_two().ilog2() as usize).max(stark::MIN_LOG_HEIGHT)
    }

    /// A public column of numbers, zero behind the last row. Where every row is used, it repeats itself account by account.
    pub fn numbers(&self, number: impl Fn(usize) -> usize) -> Vec<F> {
        let (rows, height) = (self.rows(), 1 << self.log_height());
        let period = if rows == height {
            self.per_account
        } else {
            height
        };
        numbers(period, |row| if row < rows { number(row) } else { 0 })
    }

    /// The public columns [`LAST`] to [`ROW`].
    pub fn columns(&self) -> Vec<Vec<F>> {
        let (place, account) = (self.per_place, self.per_account);
        vec![
            self.numbers(|row| usize::from(row % place == place - 1)),
            self.numbers(|row| usize::from(row % account == account - 1)),
            self.numbers(|_| 1),
            self.numbers(|row| row % place),
        ]
    }
}

/// The last row of a place.
pub(crate) const LAST: usize = 0;
/// The last row of an account.
pub(crate) const END: usize = 1;
pub(crate) const USED: usize = 2;
/// The row's number among those of its place.
pub(crate) const ROW: usize = 3;
