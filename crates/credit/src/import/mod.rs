//! Reading and writing tapes and deals.
//!
//! - [`tape`]: loan tapes and their templates. [`remittances`]: what loans brought in during a month.
//! - [`deal`]: securitization deals, and the indices of floating coupons.
//! - [`absbox`]: the deals of AbsBox that pay the same with us.

pub mod absbox;
pub mod deal;
pub mod remittances;
pub mod tape;
