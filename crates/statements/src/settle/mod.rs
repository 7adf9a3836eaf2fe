//! The settlement statement: the account book moves from root to root by what the orders of a batch traded. See `STATEMENT.md`.

mod admissions;
mod arrange;
mod claim;
mod example;
mod fill;
pub(crate) mod plan;
mod refusal;
pub(crate) mod statement;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod traded;
mod witness;
mod words;

pub use admissions::admissions;
pub use arrange::{Arrangement, Entry, NotArranged};
pub use claim::SettleClaim;
pub use refusal::NotSettled;
pub use statement::{Context, Settle};
pub use witness::{Prepared, Secrets, Settled, Witness, arrangement, check};
pub use words::words;
