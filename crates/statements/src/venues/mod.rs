//! What statements about venues share: commitments to their states, the scenarios as the tables see them, and the tables that
//! prove EVaR. See `TABLES.md`.

pub(crate) mod commitments;
pub(crate) mod grid;
pub(crate) mod tables;
pub(crate) mod words;

pub use commitments::{commitment, markets_listing, scenarios_digest};
