//! The tables of the auction statement. STATEMENT.md explains every numbered constraint.

pub mod ladder;
pub mod markets;
pub mod orders;
mod rule;
pub mod trade;
