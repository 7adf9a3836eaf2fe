//! The stress statement: what a sealed pool brings in month by month, and what tranches lose under public stresses.
//! See `STATEMENT.md`.

pub(crate) mod claim;
mod example;
pub mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{Context, StressClaim, Stressed};
pub use credit::stress::{Detail, Model, NamedStress, Scenario, Terms, Told};
pub use witness::{Checked, Prepared, Witness, check};
pub use words::{Findings, stress_in_words, words};
