//! The pool statement: facts about a sealed loan tape. See `STATEMENT.md`.

mod claim;
mod example;
pub mod plan;
pub mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{Context, Pool, PoolClaim};
pub use credit::pool::Terms;
pub use witness::{Checked, Prepared, Witness, check};
pub use words::{Findings, standing, words};
