//! The risk statement: a venue's entropic value at risk, and the premia of its trades. See `STATEMENT.md`.

mod claim;
mod evaluate;
mod receipt;
mod rows;
mod statement;
mod steps;
mod tables;
#[cfg(test)]
mod tests;
mod totals;
mod witness;
mod words;

pub use claim::{PricedChange, PublicChange, RiskClaim, Shown, rate_step};
pub use receipt::{Receipt, ReceiptError};
pub use statement::{Context, Risk};
pub use witness::{Prepared, RiskError, Shows, Terms, Uncovered};
pub use words::words;
