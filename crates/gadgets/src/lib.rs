//! Reusable pieces of rows, and the tables behind them.

pub mod hash;
pub mod limbs;
pub mod merkle;
pub mod range;
pub mod sponge;
pub mod totals;
