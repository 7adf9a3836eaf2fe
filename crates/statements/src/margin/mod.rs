//! The margin statement: an account meets its margin requirement, or exactly so many accounts of a
//! book do not. See `STATEMENT.md` in this folder.
//!
//! What a lot of each instrument wins in each scenario is public ([`market::array`]), and the verifier computes it itself. An
//! account meets the level if its equity is no less than its contingency and, for each underlying by itself, its largest loss
//! in one of the scenarios. That a loss is the largest is shown by comparing it with all, and by naming one that equals it.

mod claim;
pub(crate) mod digits;
mod example;
pub(crate) mod fill;
pub(crate) mod plan;
pub(crate) mod statement;
pub(crate) mod tables;
pub(crate) mod witness;
mod words;

#[cfg(test)]
mod tests;

pub use claim::{MarginClaim, Subject, haircuts_digest, parameters_digest, snapshot_digest};
pub use plan::{MAX_COLUMNS, SEGMENT};
pub use statement::{Context, Margin};
pub use witness::{NoAccount, Prepared, Witness, check};
pub use words::words;
