//! Reusable pieces of rows, and the tables behind them. Their constraints stand in `GADGETS.md`.

pub mod compare;
pub mod hash;
pub mod limbs;
pub mod merkle;
pub mod product;
pub mod public;
pub mod range;
pub mod sponge;
pub mod sum;
pub mod totals;
