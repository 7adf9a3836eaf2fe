//! Reading and writing markets and books.
//!
//! - [`layout`]: Sealbook's own layout, in JSON, CSV and Parquet.
//! - [`exchange`]: the user and asset files of a large exchange's proof-of-solvency prover.
//! - [`optionchain`]: a venue's option chain.

pub mod exchange;
pub mod layout;
pub mod optionchain;
mod shape;
mod write;
