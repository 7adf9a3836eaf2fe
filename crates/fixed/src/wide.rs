//! Products of two 128-bit numbers, divided exactly once.

use crate::{FixedError, Rounding};

const MASK: u128 = u64::MAX as u128;

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
    let (a1, a0, b1, b0) = (a >> 64, a & MASK, b >> 64, b & MASK);
    let low = a0 * b0;
    let cross = a1 * b0 + (low >> 64);
    let middle = a0 * b1 + (cross & MASK);
    (
        a1 * b1 + (cross >> 64) + (middle >> 64),
        (middle << 64) | (low & MASK),
    )
}

/// `a * b * 2^-bits` with a 256-bit product, rounded down or up; much faster than [`mul_div`].
/// `None` if it does not fit.
pub(crate) fn mul_shift(a: i128, b: i128, bits: u32, up: bool) -> Option<i128> {
    debug_assert!(0 < bits && bits < 128);
    if let Some(p) = a.checked_mul(b) {
        // Arithmetic shifts round down.
        let cut = p & ((1 << bits) - 1) != 0;
        return Some((p >> bits) + i128::from(up && cut));
    }
    let (high, low) = full_product(a.unsigned_abs(), b.unsigned_abs());
    if high >> (bits - 1) != 0 {
        return None;
    }
    let negative = (a < 0) ^ (b < 0);
    // The magnitude is below 2^127, and grows if the result is rounded away from zero.
    let magnitude = ((high << (128 - bits)) | (low >> bits)) as i128;
    let away = low & ((1 << bits) - 1) != 0 && negative != up;
    let magnitude = magnitude.checked_add(i128::from(away))?;
    Some(if negative { -magnitude } else { magnitude })
}

/// Quotient and remainder of a 256-bit number, if the quotient fits 128 bits.
///
/// Schoolbook division with two digits of 64 bits (Knuth, *The Art of Computer Programming*,
/// volume 2, algorithm 4.3.1 D).
fn divide(high: u128, low: u128, divisor: u128) -> Option<(u128, u128)> {
    if high == 0 {
        return Some((low / divisor, low % divisor));
    }
    if high >= divisor {
        return None;
    }
    // With the divisor's top bit set, a guessed digit is at most 2 too large.
    let shift = divisor.leading_zeros();
    let divisor = divisor << shift;
    let (high, low) = match shift {
        0 => (high, low),
        s => ((high << s) | (low >> (128 - s)), low << s),
    };
    let (first, rest) = digit(high, low >> 64, divisor);
    let (second, rest) = digit(rest, low & MASK, divisor);
    Some(((first << 64) | second, rest >> shift))
}

/// Divides `rest * 2^64 + next` by a divisor above `rest` whose top bit is set: the digit, below
/// 2^64, and what remains.
fn digit(rest: u128, next: u128, divisor: u128) -> (u128, u128) {
    let (top, bottom) = (divisor >> 64, divisor & MASK);
    let (mut q, mut r) = (rest / top, rest % top);
    // `rest < divisor < 2^128` and `top >= 2^63`, so `q < 2^65`; `q * bottom` is only formed once
    // `q < 2^64`, and `r < 2^64` whenever it is shifted.
    while q > MASK || q * bottom > ((r << 64) | next) {
        q -= 1;
        r += top;
        if r > MASK {
            break;
        }
    }
    // The difference is below the divisor, so cutting at 128 bits loses nothing.
    let remainder = ((rest << 64) | next).wrapping_sub(q.wrapping_mul(divisor));
    (q, remainder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One bit at a time.
    fn long_division(high: u128, low: u128, divisor: u128) -> (u128, u128) {
        let (mut quotient, mut remainder) = (0u128, high);
        for bit in (0..128).rev() {
            let carry = remainder >> 127 == 1;
            remainder = (remainder << 1) | ((low >> bit) & 1);
            if carry || remainder >= divisor {
                remainder = remainder.wrapping_sub(divisor);
                quotient |= 1 << bit;
            }
        }
        (quotient, remainder)
    }

    /// Numbers of all sizes, and those next to powers of two, where carries happen.
    fn number() -> impl Strategy<Value = u128> {
        prop_oneof![
            (any::<u128>(), 0u32..128).prop_map(|(x, s)| x >> s),
            (0u32..128, -2i8..=2)
                .prop_map(|(s, d)| (1u128 << s).wrapping_add_signed(i128::from(d))),
            (0u32..64, any::<u64>()).prop_map(|(s, x)| (u128::MAX << 64 << s) | u128::from(x)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn division_agrees_with_long_division(a in number(), low in number(), divisor in number()) {
            prop_assume!(divisor != 0);
            let high = a % divisor;
            prop_assert_eq!(divide(high, low, divisor), Some(long_division(high, low, divisor)));
            prop_assert_eq!(divide(divisor, low, divisor), None);
        }

        #[test]
        fn shifting_agrees_with_dividing(a in number(), b in number(), bits in 1u32..127, up: bool) {
            let (a, b) = (a as i128, b as i128);
            let rounding = if up { Rounding::Ceil } else { Rounding::Floor };
            let shifted = mul_shift(a, b, bits, up);
            let divided = mul_div(a, b, 1 << bits, rounding).ok();
            // `i128::MIN` alone may be refused.
            prop_assert!(shifted == divided || shifted.is_none() && divided == Some(i128::MIN));
        }
    }
}
