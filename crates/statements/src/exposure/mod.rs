//! The exposure statement: what a book is net long of an underlying lies in a public interval. See `STATEMENT.md`.

mod claim;
mod example;
mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{Context, Exposure, ExposureClaim};
pub use witness::{Prepared, Terms, Witness, check};
pub use words::words;
