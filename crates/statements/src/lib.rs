//! What Sealbook proves: one folder per statement, and the commitment they share.

pub mod account;
pub mod auction;
pub mod book;
pub mod collateral;
mod expect;
pub mod exposure;
pub mod inclusion;
pub mod inventory;
pub mod issuance;
pub mod kit;
pub mod margin;
pub mod nonce;
mod opening;
pub mod ordered;
pub mod orders;
pub mod owner;
pub mod pool;
pub mod pools;
pub mod premia;
pub mod registry;
pub mod settle;
pub mod solvency;
pub mod stress;
pub mod systemic;
#[cfg(test)]
mod testing;
pub mod trees;
#[cfg(test)]
mod unused;
pub mod venues;
pub mod waterfall;
pub mod words;
