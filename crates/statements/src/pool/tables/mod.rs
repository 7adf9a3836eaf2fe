//! The tables of the pool statement. STATEMENT.md explains every numbered constraint.

pub mod figures;
pub mod groups;
pub mod loans;
