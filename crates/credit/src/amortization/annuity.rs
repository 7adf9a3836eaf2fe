//! What a level-pay loan pays each time.

use fixed::{DomainError, Interval};
use records::units::Cents;

use super::{MAX_BALANCE, MAX_RATE, MAX_TERM, RollError};

/// Decimals of an annuity factor.
pub const FACTOR_DECIMALS: u8 = 12;
const FACTOR_ONE: u128 = 10u128.pow(FACTOR_DECIMALS as u32);

/// The part of a loan that each of so many payments is, in 10^-12, rounded up: `1 / (v + v^2 + ... + v^n)`
/// with `v = 1 / (1 + rate * months / 12)`, where payments are so many months apart and the rate is in 10^-6
/// a year.
///
/// It is above the exact number by at most 1.02 units: the sum, of up to 600 terms that each carry an
/// enclosure, is enclosed within a relative 10^-14, and nothing cancels in it. It is at most `2 * 10^12`.
///
/// # Errors
/// If there are no payments or more than [`MAX_TERM`], or the rate is above [`MAX_RATE`].
pub fn annuity_factor(rate: u32, months: u16, payments: u16) -> Result<u64, RollError> {
    if !(1..=MAX_TERM).contains(&payments) || !(1..=12).contains(&months) {
        return Err(RollError::Range("number of payments"));
    }
    if rate > MAX_RATE {
        return Err(RollError::Range("rate"));
    }
    let factor = || -> Result<i128, DomainError> {
        let year = 12 * i64::from(MAX_RATE);
        let growth = year + i64::from(rate) * i64::from(months);
        let v = Interval::from_int(year).div_int(growth)?;
        // v (1 + v (1 + ...)).
        let mut sum = Interval::ZERO;
        for _ in 0..payments {
            sum = Interval::ONE.add(&sum)?.mul(&v)?;
        }
        Interval::ONE.div(&sum)?.ceil_at(FACTOR_DECIMALS)
    };
    let factor = factor().ok().and_then(|f| u64::try_from(f).ok());
    factor.ok_or(RollError::Range("annuity factor"))
}

/// What each of so many payments must be to pay off a balance: `balance * factor / 10^12` rounded up, with
/// [`annuity_factor`]; without interest `balance / payments` rounded up, so that 36,000 over 36 months are 1,000.00 each. The
/// product is at most `2 * 10^23` (78 bits).
///
/// # Errors
/// As [`annuity_factor`], and if the balance is above [`MAX_BALANCE`].
pub fn instalment(
    balance: Cents,
    rate: u32,
    months: u16,
    payments: u16,
) -> Result<Cents, RollError> {
    if balance > MAX_BALANCE {
        return Err(RollError::Range("balance"));
    }
    let factor = annuity_factor(rate, months, payments)?;
    if rate == 0 {
        // The factor is rounded up; the quotient is exact.
        return Ok(Cents(balance.0.div_ceil(payments.into())));
    }
    let exact = u128::from(balance.0) * u128::from(factor);
    Ok(Cents(exact.div_ceil(FACTOR_ONE) as u64))
}
