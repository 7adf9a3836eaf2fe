//! The tables of the auction statement. STATEMENT.md explains every numbered constraint.

pub mod ladder;
pub mod markets;
pub mod orders;
pub mod trade;
