//! The tables of the waterfall statement. STATEMENT.md explains every numbered constraint.

pub mod amounts;
pub mod loans;
pub mod roll;
