//! The tables of the stress statement. STATEMENT.md explains every numbered constraint.

pub mod loans;
pub mod months;
pub mod schedule;
