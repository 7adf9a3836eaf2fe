//! The stress statement: what a sealed pool brings in month by month, and what tranches lose under public stresses.
//! See `STATEMENT.md`.

#[cfg(test)]
mod attack;
pub(crate) mod claim;
pub mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{Context, Model, Scenario, StressClaim, Stressed};
pub use witness::{Detail, NamedStress, Prepared, StressFailure, Terms};
pub use words::{outcomes, stress_in_words, words};
