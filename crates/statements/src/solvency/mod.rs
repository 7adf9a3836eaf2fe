//! The solvency statement: see `STATEMENT.md`.

pub mod list;
pub mod slots;
pub mod tables;

mod claim;
mod example;
mod fill;
mod split;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use crate::account::MAX_ASSETS;
pub use claim::{AssetTotals, Context, Solvency, SolvencyClaim};
pub use split::SlotSizes;
pub use witness::{Options, Prepared, Witness, check};
pub use words::words;
