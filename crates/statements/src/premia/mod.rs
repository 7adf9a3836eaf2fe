//! The premia statement: a venue's entropic value at risk, and the premia of its trades. See `STATEMENT.md`.

mod claim;
mod example;
mod lifts;
mod receipt;
mod rows;
mod said;
mod statement;
mod steps;
mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{PremiaClaim, PricedChange, PublicChange, Shown};
pub use receipt::{Receipt, ReceiptError};
pub use statement::{Context, Premia};
pub use venue::premia::{Shows, Terms};
pub use witness::{Prepared, Witness, check};
pub use words::words;
