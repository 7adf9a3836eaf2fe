//! What all of finance here shares: units, names, dates, and how files are read. No finance.
//!
//! - [`units`]: cents, ticks, subticks, lots. [`names`]: names and ids. [`date`]: days, months and moments.
//! - [`record`]: what a record is, as data. [`table`]: records in CSV, Parquet and JSON, row by row. [`layout`]: files of another make.
//!   [`text`]: the one rule for texts.
//! - [`files`]: errors that say where, whole files. [`json`]: JSON in which nothing stands twice.

pub mod date;
pub mod files;
pub mod json;
pub mod layout;
pub mod names;
pub mod record;
mod scan;
pub mod table;
pub mod text;
pub mod units;
