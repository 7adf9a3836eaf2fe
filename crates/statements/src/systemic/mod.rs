//! The systemic statement: the risk of several venues together. See `STATEMENT.md`.

mod claim;
mod example;
mod statement;
mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{DatedState, SystemicClaim};
pub use statement::{Context, MAX_VENUES, Systemic};
pub use witness::{Prepared, Venue, Witness, check};
pub use words::words;
