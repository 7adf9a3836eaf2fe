//! Sealbook: facts about a sealed book.
//!
//! A *book* is what a financial firm keeps private. Sealbook proves facts about it while it stays sealed: an account is
//! margined, a venue is solvent, a risk price is right, a loan pool is what its issuer says. [`verify`] checks a proof file
//! and says what it shows, [`linked`] what several proofs show together, [`vouch`] who vouches for what no proof shows.
//! The crates re-exported here make proofs.

pub mod attestation;
mod links;
pub mod vouch;

pub use links::{Rejected, linked};
pub use statements::registry::{Fact, Kind, NotVerified, STATEMENTS, Unexpected, kind, verify};
pub use {credit, fixed, market, records, stark, statements, venue};
