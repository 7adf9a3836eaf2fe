//! The auction statement: sealed orders cleared at the price of the rule. See `STATEMENT.md`.

mod claim;
mod example;
mod fill;
mod receipt;
pub mod tables;
#[cfg(test)]
mod tests;
mod witness;
pub(crate) mod words;

pub use claim::{Auction, AuctionClaim, Commitment, Context, MAX_ENTRIES};
pub use receipt::{NoReceipt, Receipt};
pub use witness::{Checked, Entry, Inputs, Instrument, Opened, Prepared, Witness, check};
pub use words::words;
