//! Products of two 128-bit numbers, divided exactly once.

use crate::{FixedError, Rounding};

/// `a * b / c` with a 256-bit product, rounded once.
///
/// # Errors
/// If `c` is zero or the result does not fit.
pub fn mul_div(a: i128, b: i128, c: i128, rounding: Rounding) -> Result<i128, FixedError> {
    if c == 0 {
        return Err(FixedError::DivisionByZero);
    }
    let negative = (a < 0) ^ (b < 0) ^ (c < 0);
    let (high, low) = full_product(a.unsigned_abs(), b.unsigned_abs());
    let (quotient, remainder) = divide(high, low, c.unsigned_abs()).ok_or(FixedError::Overflow)?;
    round(quotient, remainder, c.unsigned_abs(), negative, rounding)
}

/// Rounds `(quotient + remainder / divisor)`, with a sign.
fn round(
    quotient: u128,
    remainder: u128,
    divisor: u128,
    negative: bool,
    rounding: Rounding,
) -> Result<i128, FixedError> {
    let away = remainder != 0
        && match rounding {
            Rounding::Floor => negative,
            Rounding::Ceil => !negative,
            Rounding::TowardZero => false,
            Rounding::AwayFromZero => true,
            Rounding::HalfEven => match remainder.cmp(&(divisor - remainder)) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => !quotient.is_multiple_of(2),
            },
        };
    let magnitude = quotient
        .checked_add(u128::from(away))
        .ok_or(FixedError::Overflow)?;
    if negative {
        0i128
            .checked_sub_unsigned(magnitude)
            .ok_or(FixedError::Overflow)
    } else {
        i128::try_from(magnitude).map_err(|_| FixedError::Overflow)
    }
}

/// The high and low half of a 256-bit product.
fn full_product(a: u128, b: u128) -> (u128, u128) {
    const MASK: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & MASK, b >> 64, b & MASK);
    let low = a0 * b0;
    let cross = a1 * b0 + (low >> 64);
    let middle = a0 * b1 + (cross & MASK);
    (
        a1 * b1 + (cross >> 64) + (middle >> 64),
        (middle << 64) | (low & MASK),
    )
}

/// Quotient and remainder of a 256-bit number, if the quotient fits 128 bits.
fn divide(high: u128, low: u128, divisor: u128) -> Option<(u128, u128)> {
    if high == 0 {
        return Some((low / divisor, low % divisor));
    }
    if high >= divisor {
        return None;
    }
    let (mut quotient, mut remainder) = (0u128, high);
    for bit in (0..128).rev() {
        let carry = remainder >> 127 == 1;
        remainder = (remainder << 1) | ((low >> bit) & 1);
        if carry || remainder >= divisor {
            remainder = remainder.wrapping_sub(divisor);
            quotient |= 1 << bit;
        }
    }
    Some((quotient, remainder))
}
