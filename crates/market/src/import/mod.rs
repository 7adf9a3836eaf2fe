//! Reading and writing markets and books.
//!
//! - [`layout`]: Sealbook's own layout, in JSON, CSV and Parquet.
//! - [`exchange`]: the user and asset files of a large exchange's proof-of-solvency prover.
//! - [`optionchain`]: a venue's option chain.
//! - [`orders`], [`auctions`], [`fills`]: what traders send for an auction, what it is held by, and what became of each order.
//! - [`prints`]: index prices behind funding and delivery prices.

pub mod auctions;
pub mod exchange;
pub mod fills;
pub mod layout;
pub mod optionchain;
pub mod orders;
pub mod prints;
mod shape;
mod units;
mod write;

pub use units::Traded;
