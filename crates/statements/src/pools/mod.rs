//! What statements about pools share: loan leaves, months of loans, public tables of codes and calendars, where a claim starts.

pub(crate) mod calendar;
pub mod codes;
pub mod loan;
pub(crate) mod month;
pub mod start;
pub(crate) mod terms;
