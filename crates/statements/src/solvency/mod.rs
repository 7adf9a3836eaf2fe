//! The solvency statement: see `STATEMENT.md`.

pub mod tables;

mod claim;
mod example;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{AssetTotals, Context, MAX_ASSETS, Solvency, SolvencyClaim};
pub use witness::{Options, Prepared, Witness, check};
pub use words::words;
