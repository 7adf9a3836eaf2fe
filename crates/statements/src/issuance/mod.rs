//! The issuance statement: tranches are backed by a sealed pool, and no loan is pledged twice. See `STATEMENT.md`.

mod claim;
mod example;
mod record;
mod registry;
pub mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{Context, Issuance, IssuanceClaim};
pub use record::{PledgedTwice, Record, pledged_twice};
pub use registry::{NULLIFIER, Nullifier, RegistryKey};
pub use witness::{Checked, Prepared, Witness, check};
pub use words::{Findings, words};
