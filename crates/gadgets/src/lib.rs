//! Reusable pieces of rows, and the tables behind them.

pub mod hash;
pub mod range;
