//! The tables of the margin statement. STATEMENT.md explains every numbered constraint.
//!
//! A position is a line. Lines look up what a lot is worth in [`rates`] and add up, per account,
//! in [`lines`]; [`accounts`] opens the commitment and values the collateral; [`outcomes`] puts both
//! together and tells the sign of each scenario's margin.

pub(crate) mod accounts;
pub(crate) mod joined;
pub(crate) mod lines;
pub(crate) mod outcomes;
pub(crate) mod rates;

use stark::{Bus, F};

/// `[key, block, entry digits, value digits of the block's columns]`.
pub(crate) const RATES: Bus = Bus::new("rate");
/// `[line, key, lots]`: a position, from one block's line to the next block's.
pub(crate) const CARRY: Bus = Bus::new("carry");
/// `[outcome row, coefficients of its columns]`: profit and loss, in ticks.
pub(crate) const PNL: Bus = Bus::new("pnl");
/// `[account, coefficients]`: what its positions were entered at, in subticks.
pub(crate) const ENTRY: Bus = Bus::new("entry");
/// `[account, limbs, sign]`: equity without the value of positions, in ticks.
pub(crate) const EQUITY: Bus = Bus::new("equity");

/// A public column that is one everywhere.
pub(crate) fn ones() -> Vec<F> {
    vec![F::new(1); 2]
}

/// A public column of flags.
pub(crate) fn flags(rows: usize, on: impl Fn(usize) -> bool) -> Vec<F> {
    // A period of one is written twice.
    (0..rows.max(2))
        .map(|row| F::new(u32::from(on(row % rows))))
        .collect()
}
