//! The risk statement: a venue's entropic value at risk, and the premia of its trades. See `STATEMENT.md`.

mod claim;
mod commitments;
mod evaluate;
pub(crate) mod grid;
mod receipt;
mod rows;
mod statement;
mod steps;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod totals;
mod witness;
mod words;

pub use claim::{PricedChange, PublicChange, RiskClaim, Shown, rate_step, scenarios_digest};
pub use commitments::commitment;
pub(crate) use commitments::{link, salt};
pub use receipt::{Receipt, ReceiptError};
pub use statement::{Context, Risk};
pub use witness::{Prepared, RiskError, Shows, Terms, Uncovered};
pub use words::words;
pub(crate) use words::{over, scenario_lines};
