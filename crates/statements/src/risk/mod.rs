//! The risk statement: a venue's entropic value at risk, and the premia of its trades. See `STATEMENT.md`.

mod claim;
pub(crate) mod grid;
mod statement;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{PricedChange, PublicChange, RiskClaim, Shown, scenarios_digest};
pub use statement::{Context, Risk};
pub use witness::{Prepared, RiskError, Terms, Uncovered, commitment};
pub(crate) use witness::{link, salt};
pub(crate) use words::over;
pub use words::words;
