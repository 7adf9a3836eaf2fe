//! The margin statement: an account meets its margin requirement, or exactly so many accounts of a
//! book do not. See `STATEMENT.md` in this folder.
//!
//! What a lot of each instrument is worth in each scenario is public ([`market::array`]), and the
//! verifier computes it itself. An account meets the level if, in every scenario, its collateral
//! after haircuts, less debts, plus the sum over its positions of lots times that value, less what
//! the positions were entered at, is not negative. No maximum over scenarios is needed.

mod claim;
mod digits;
mod example;
mod fill;
mod plan;
mod statement;
mod tables;
mod witness;
mod words;

#[cfg(test)]
mod tests;

pub use claim::{MarginClaim, Subject, haircuts_digest, parameters_digest, snapshot_digest};
pub use plan::{MAX_COLUMNS, SEGMENT};
pub use statement::{Context, Margin};
pub use witness::{NoAccount, Prepared, Witness, check};
pub use words::words;
