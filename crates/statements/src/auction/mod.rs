//! The auction statement: sealed orders cleared at the price of the rule. See `STATEMENT.md`.

mod claim;
mod example;
mod fill;
pub mod tables;
#[cfg(test)]
mod tests;
mod witness;
mod words;

pub use claim::{Auction, AuctionClaim, Context, MAX_ENTRIES};
pub use witness::{Checked, Entry, Inputs, Instrument, Opened, Prepared, Witness, check};
pub use words::words;
