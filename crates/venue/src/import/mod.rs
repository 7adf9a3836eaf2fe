//! Reading and writing what a venue's risk is computed from.
//!
//! - [`prices`]: price histories.
//! - [`states`]: scenarios, a venue's state, its trades.

pub mod prices;
pub mod states;
