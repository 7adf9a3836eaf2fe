//! Loans, pools and securitization deals. Plain finance on fixed numbers: the executable specification of what Sealbook
//! proves of a pool.
//!
//! - [`pool`]: loan tapes, eligibility rules, and the figures of a pool.
//! - [`amortization`], [`collections`]: how loans pay, month by month, and what they bring in.
//! - [`stress`], [`projection`], [`copula`]: what a pool brings in when loans default and prepay, and what tranches lose when
//!   they default together.
//! - [`deal`], [`waterfall`], [`protection`]: securitization deals, who is paid what on a payment date, and what tranches lose
//!   under a stress.
//! - [`coarse`]: the same with months summed into steps, which tells less of single loans.
//! - [`factor`]: what tranches are expected to lose when the pool's loans default together by a factor.
//! - [`measures`]: average life, price, yield and duration of tranches.
//! - [`issuance`]: what a pool pledges for a deal's tranches.
//! - [`import`], [`sample_pool`], [`sample_deal`]: reading tapes and deals, making realistic ones.

pub mod amortization;
pub mod coarse;
pub mod collections;
pub mod copula;
pub mod deal;
pub mod factor;
pub mod import;
pub mod issuance;
pub mod measures;
pub mod pool;
pub mod projection;
pub mod protection;
pub mod sample_deal;
pub mod sample_pool;
pub mod stress;
pub mod waterfall;
