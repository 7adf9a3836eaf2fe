//! What Sealbook proves: one folder per statement, and the commitment they share.

pub mod account;
pub mod book;
pub mod collateral;
pub mod inclusion;
pub mod inventory;
pub mod issuance;
pub mod kit;
pub mod margin;
pub mod nonce;
mod opening;
pub mod ordered;
pub mod parts {
    //! Until every statement is prepared by the kit.
    pub use crate::kit::{ProvingError as PartsError, prove_claim};
}
pub mod pool;
pub mod pools;
pub mod risk;
pub mod solvency;
pub mod stress;
pub mod systemic;
#[cfg(test)]
mod testing;
pub mod trees;
#[cfg(test)]
mod unused;
pub mod waterfall;
pub mod words;
