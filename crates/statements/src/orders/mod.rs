//! Orders as traders seal them, and what they get back: shared by the statements `auction` and `settle`.
//!
//! ```text
//! order      = the two digests of hash(Order, head: key (low 30 bits, high 30 bits), instrument + 2^10 quote + 2^11 reduce only, nonce;
//!              per level: bid lots, bid limit (low 20 bits, high 20 bits), ask lots, ask limit (the same) | session (2) | secret (8))
//! session    = the first two elements of hash(Session, the batch's number and the venue's name)
//! commitment = its first digest, which stands on the public board
//! tag        = its second digest, which nobody can compute who does not know the order
//! receipt    = hash(Outcome, head: status, place in the list, 0, 0;
//!              tag (8) | bought | sold | cash (low 30 bits, high 30 bits) | charge (the same) | most bought | most sold)
//! ```
//!
//! A commitment says nothing about its order, since a secret of 248 bits is in it. A receipt has the tag and not the commitment,
//! which is public: else whoever sees a receipt's digest could guess what it says. Receipts are the leaves of a Merkle tree in the order of
//! their tags, which says nothing; the slots behind them are zero digests.
//!
//! The secret is the account's own for the batch: the one at the batch's place in the tree of its one-time secrets. Nobody else
//! knows it before the list is closed, if orders are sealed under a time lock, and it is worth nothing after. All orders of an account
//! in a batch have the same one, so whoever shows one of them lets others guess at the rest.

mod batch;
mod bytes;
mod file;
mod opening;
mod openings;
mod receipt;

pub use batch::{Auction, Batch, LEVELS, LOG_SLOTS, MAX_BATCH, MAX_INSTRUMENTS, Randomness};
pub use bytes::NoOrder;
pub use opening::{LEVEL, Opening, levels_len, session};
pub use openings::{About, Listed, Openings};
pub use receipt::{Outcome, Status};
