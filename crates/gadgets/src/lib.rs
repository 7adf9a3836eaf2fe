//! Reusable pieces of rows, and the tables behind them. Their constraints stand in `GADGETS.md`.

pub mod compare;
pub mod hash;
pub mod limbs;
pub mod merkle;
pub mod muldiv;
pub mod permutation;
pub mod range;
pub mod select;
pub mod sorted;
pub mod sponge;
pub mod totals;
