//! A venue that is its traders' counterparty: what it may come to owe, and what it charges for that. Plain finance on fixed
//! numbers: the executable specification of what Sealbook proves of it.
//!
//! - [`evar`], [`certificate`]: entropic value at risk, and the integers that prove it.
//! - [`history`], [`scenarios`]: price histories, and scenario sets made from them.
//! - [`state`]: positions and capital, and what changes them.
//! - [`premia`]: a day of trades: EVaR, what each pays, and funding.
//! - [`fact`]: what bears the risk: whether a venue is funded, and whether it is adequate.
//! - [`precision`]: how far an EVaR over drawn scenarios may be off for the draws alone.
//! - [`rounding`]: what a day's totals are rounded to, if no more is said.
//! - [`systemic`]: the risk of several venues together.
//! - [`inventory`]: a venue's net positions from its account book.
//! - [`import`], [`sample`]: reading scenarios, states, trades and prices, making realistic ones.

pub mod certificate;
pub mod evar;
pub mod fact;
pub mod history;
pub mod import;
pub mod inventory;
pub mod precision;
pub mod premia;
pub mod rounding;
pub mod sample;
pub mod scenarios;
pub mod state;
pub mod systemic;
