//! The public board: where orders stand before an auction, so that nobody can add, omit, withhold or read one early.
pub mod beacon;
mod bytes;
pub mod close;
mod curve;
pub mod disclosure;
pub mod file;
pub mod keys;
pub mod seal;
pub mod terms;
pub mod ticket;
pub mod timelock;

pub use bytes::{Digest, Hex};
