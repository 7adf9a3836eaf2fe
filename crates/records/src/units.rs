//! Units of money.
//!
//! A *tick* is 10^-6 of the quote currency; *PHI* is 2^-20 of a tick, the unit in which money is added up inside proofs.

/// Decimals of a tick: 10^-6 of the quote currency.
pub const TICK_DECIMALS: u8 = 6;
/// PHI in a tick.
pub const PHI_PER_TICK: i128 = 1 << 20;
/// Amounts are below this many of their unit.
pub const MAX_AMOUNT: u64 = 1 << 60;

/// An amount of PHI in the quote currency, rounded towards minus infinity at a tick.
pub fn phi_to_quote(phi: i128) -> fixed::Decimal {
    fixed::Decimal::new(phi.div_euclid(PHI_PER_TICK), TICK_DECIMALS)
}
