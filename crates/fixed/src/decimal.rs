//! Exact decimals.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Rounding, mul_div};

/// Most decimals a number may have.
const MAX_SCALE: u8 = 30;

/// `units * 10^-scale`, exactly. Equality and order are by value.
///
/// There are at most 30 decimals, and the units are never `i128::MIN`, so that every number has
/// its negative.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    units: i128,
    scale: u8,
}

/// Arithmetic that would lose digits or does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixedError {
    /// The result does not fit 127 bits.
    #[error("the number is too large")]
    Overflow,
    /// Division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// Digits would be lost.
    #[error("it has more than {decimals} decimals")]
    TooManyDecimals {
        /// How many there may be.
        decimals: u8,
    },
}

/// Text that is not a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not a decimal number.
    #[error("'{0}' is not a number; write digits with at most one point, such as -12.5")]
    NotANumber(String),
    /// More digits than can be kept.
    #[error("'{0}' has more digits than can be kept exactly")]
    TooLong(String),
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { units: 0, scale: 0 };
    /// One.
    pub const ONE: Self = Self { units: 1, scale: 0 };

    /// `units * 10^-scale`, for numbers the program itself chooses; text goes through
    /// [`parse`](Self::parse), computed numbers through [`from_units`](Self::from_units).
    ///
    /// # Panics
    /// If there are more than 30 decimals or the units are `i128::MIN`.
    pub const fn new(units: i128, scale: u8) -> Self {
        assert!(scale <= MAX_SCALE, "at most 30 decimals");
        assert!(units != i128::MIN, "the units must have a negative");
        Self { units, scale }
    }

    /// `units * 10^-scale`.
    ///
    /// # Errors
    /// If there are more than 30 decimals or the units are `i128::MIN`.
    pub const fn from_units(units: i128, scale: u8) -> Result<Self, FixedError> {
        if scale > MAX_SCALE {
            return Err(FixedError::TooManyDecimals {
                decimals: MAX_SCALE,
            });
        }
        if units == i128::MIN {
            return Err(FixedError::Overflow);
        }
        Ok(Self { units, scale })
    }

    /// A whole number.
    ///
    /// # Panics
    /// If it is `i128::MIN`.
    pub const fn from_int(value: i128) -> Self {
        Self::new(value, 0)
    }

    /// The number times `10^scale`.
    pub const fn units(&self) -> i128 {
        self.units
    }

    /// The number of decimals held, trailing zeros included.
    pub const fn scale(&self) -> u8 {
        self.scale
    }

    /// Reads a number; keeps every digit or fails. Scientific notation is accepted.
    ///
    /// # Errors
    /// If the text is not a number or has too many digits.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let fail = || ParseError::NotANumber(text.to_string());
        let long = || ParseError::TooLong(text.to_string());
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((m, e)) => {
                let digits = e.strip_prefix(['+', '-']).unwrap_or(e);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(fail());
                }
                (m, e.parse::<i32>().map_err(|_| long())?)
            }
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix(['-', '+']) {
            Some(rest) => (mantissa.starts_with('-'), rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty()
            || !whole
                .bytes()
                .chain(fraction.bytes())
                .all(|b| b.is_ascii_digit())
        {
            return Err(fail());
        }
        let mut units: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            units = units
                .checked_mul(10)
                .and_then(|u| u.checked_add(i128::from(digit - b'0')))
                .ok_or_else(long)?;
        }
        let scale = i32::try_from(fraction.len()).map_err(|_| long())?;
        let mut scale = scale.checked_sub(exponent).ok_or_else(long)?;
        while scale > i32::from(MAX_SCALE) && units % 10 == 0 && units != 0 {
            units /= 10;
            scale -= 1;
        }
        if units == 0 {
            scale = scale.clamp(0, i32::from(MAX_SCALE));
        }
        while scale < 0 {
            units = units.checked_mul(10).ok_or_else(long)?;
            scale += 1;
        }
        let scale = u8::try_from(scale)
            .ok()
            .filter(|s| *s <= MAX_SCALE)
            .ok_or_else(long)?;
        Ok(Self {
            units: if negative { -units } else { units },
            scale,
        })
    }

    /// Without trailing zeros.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut n = *self;
        while n.scale > 0 && n.units % 10 == 0 {
            n.units /= 10;
            n.scale -= 1;
        }
        n
    }

    /// The units at another scale.
    ///
    /// # Errors
    /// If digits would be lost or the number does not fit.
    pub fn rescale_exact(&self, scale: u8) -> Result<i128, FixedError> {
        let n = self.normalized();
        if n.scale > scale {
            return Err(FixedError::TooManyDecimals { decimals: scale });
        }
        n.rescale(scale, Rounding::TowardZero)
    }

    /// The units at another scale, rounded.
    ///
    /// # Errors
    /// If the number does not fit.
    pub fn rescale(&self, scale: u8, rounding: Rounding) -> Result<i128, FixedError> {
        if self.units == 0 {
            Ok(0)
        } else if scale >= self.scale {
            self.units
                .checked_mul(power(scale - self.scale)?)
                .ok_or(FixedError::Overflow)
        } else {
            mul_div(self.units, 1, power(self.scale - scale)?, rounding)
        }
    }

    fn aligned(&self, other: &Self) -> Result<(i128, i128, u8), FixedError> {
        let scale = self.scale.max(other.scale);
        let exact = Rounding::TowardZero;
        Ok((
            self.rescale(scale, exact)?,
            other.rescale(scale, exact)?,
            scale,
        ))
    }

    /// The exact sum.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn checked_add(&self, other: &Self) -> Result<Self, FixedError> {
        let (a, b, scale) = self.aligned(other)?;
        Self::from_units(a.checked_add(b).ok_or(FixedError::Overflow)?, scale)
    }

    /// The exact difference.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, FixedError> {
        self.checked_add(&other.neg())
    }

    /// The exact product.
    ///
    /// # Errors
    /// If it does not fit or has more than 30 decimals.
    pub fn checked_mul(&self, other: &Self) -> Result<Self, FixedError> {
        let (a, b) = (self.normalized(), other.normalized());
        let (mut units, mut scale) = (
            a.units.checked_mul(b.units).ok_or(FixedError::Overflow)?,
            a.scale + b.scale,
        );
        while scale > MAX_SCALE && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        Self::from_units(units, scale)
    }

    /// The quotient at a scale, rounded once.
    ///
    /// # Errors
    /// If the divisor is zero or the result does not fit.
    pub fn div(&self, by: &Self, scale: u8, rounding: Rounding) -> Result<Self, FixedError> {
        let (a, b) = (self.normalized(), by.normalized());
        // a / 10^sa / (b / 10^sb) * 10^scale = a * 10^(scale + sb) / (b * 10^sa)
        let up = power(scale.checked_add(b.scale).ok_or(FixedError::Overflow)?)?;
        let down = b
            .units
            .checked_mul(power(a.scale)?)
            .ok_or(FixedError::Overflow)?;
        Self::from_units(mul_div(a.units, up, down, rounding)?, scale)
    }

    /// Whether it is below zero.
    pub const fn is_negative(&self) -> bool {
        self.units < 0
    }

    /// Whether it is zero.
    pub const fn is_zero(&self) -> bool {
        self.units == 0
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(&self) -> Self {
        Self {
            units: self.units.abs(),
            scale: self.scale,
        }
    }

    /// With the other sign.
    #[must_use]
    pub const fn neg(&self) -> Self {
        Self {
            units: -self.units,
            scale: self.scale,
        }
    }
}

fn power(exponent: u8) -> Result<i128, FixedError> {
    10i128
        .checked_pow(u32::from(exponent))
        .ok_or(FixedError::Overflow)
}

impl FromStr for Decimal {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.normalized(), other.normalized());
        match a.aligned(&b) {
            Ok((x, y, _)) => x.cmp(&y),
            // The one with fewer decimals does not fit at the other's scale, where the other does
            // fit: it is the larger in magnitude, and its sign decides.
            Err(_) if a.scale < b.scale => a.units.cmp(&0),
            Err(_) => 0.cmp(&b.units),
        }
    }
}
impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Decimal {}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.units.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let point = if scale == 0 { "" } else { "." };
        f.pad_integral(self.units >= 0, "", &format!("{whole}{point}{fraction}"))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Decimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes, such as \"12.5\", or a whole number")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Decimal, E> {
                Decimal::parse(v).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Decimal, E> {
                Ok(Decimal::from_int(v.into()))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Decimal, E> {
                Ok(Decimal::from_int(v.into()))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Decimal, E> {
                Err(E::custom(
                    "a number with a point must stand in quotes, so that no digit is lost",
                ))
            }
        }
        if d.is_human_readable() {
            d.deserialize_any(Text)
        } else {
            // Formats that do not describe themselves hold what `serialize` wrote.
            d.deserialize_str(Text)
        }
    }
}
