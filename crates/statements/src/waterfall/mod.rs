//! The waterfall statement: what a sealed pool brought in, month by month, and how a deal paid it. See STATEMENT.md.

mod claim;
mod example;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{PoolAt, Waterfall, WaterfallClaim};
pub use credit::waterfall::Terms;
pub use witness::{Checked, Prepared, Witness, check};
pub use words::{Findings, words};
