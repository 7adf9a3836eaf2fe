//! What all of finance here shares: units, names, dates, and how files are read. No finance.
//!
//! - [`units`]: cents, ticks, subticks, lots. [`names`]: names and ids. [`date`]: days, months and moments.
//! - [`files`]: errors that say where, CSV headers, whole files. [`table`]: CSV and Parquet row by row. [`json`]: JSON in which
//!   nothing stands twice.

pub mod date;
pub mod files;
pub mod json;
pub mod names;
pub mod table;
pub mod units;
