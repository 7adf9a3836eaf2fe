//! The inventory statement: a venue's state holds what its account book adds up to. See `STATEMENT.md`.

mod claim;
mod example;
pub(crate) mod statement;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::InventoryClaim;
pub use statement::{Context, Inventory};
pub use witness::{Prepared, Witness, check};
pub use words::words;
