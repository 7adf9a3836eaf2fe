//! Enclosures in binary fixed point.

use crate::functions;
use crate::{Decimal, FixedError, Rounding, mul_div};

/// Fraction bits of an interval's ends: a unit is 2^-56, about 1.4e-17.
pub const FRACTION_BITS: u32 = 56;
const ONE: i128 = 1 << FRACTION_BITS;

/// Two numbers, in units of 2^-56, between which a real number lies. Every operation encloses all
/// results of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    lo: i128,
    hi: i128,
}

/// An operation outside its domain, or a result that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Logarithm of a number that may not be positive.
    #[error("the logarithm needs a positive number")]
    Logarithm,
    /// Square root of a number that may be negative.
    #[error("the square root needs a number that is not negative")]
    SquareRoot,
    /// Division by a number that may be zero.
    #[error("division by a number that may be zero")]
    Division,
    /// The result does not fit.
    #[error("the result is too large")]
    Overflow,
}

impl From<FixedError> for DomainError {
    fn from(_: FixedError) -> Self {
        Self::Overflow
    }
}

impl Interval {
    /// Zero.
    pub const ZERO: Self = Self { lo: 0, hi: 0 };
    /// One.
    pub const ONE: Self = Self { lo: ONE, hi: ONE };

    /// From ends in units of 2^-56.
    pub(crate) const fn new(lo: i128, hi: i128) -> Self {
        Self { lo, hi }
    }

    /// A whole number.
    pub fn from_int(value: i64) -> Self {
        let v = i128::from(value) * ONE;
        Self { lo: v, hi: v }
    }

    /// The tightest enclosure of a decimal.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn from_decimal(d: &Decimal) -> Result<Self, DomainError> {
        let power = 10i128
            .checked_pow(u32::from(d.scale()))
            .ok_or(DomainError::Overflow)?;
        let end = |rounding| mul_div(d.units(), ONE, power, rounding);
        Ok(Self {
            lo: end(Rounding::Floor)?,
            hi: end(Rounding::Ceil)?,
        })
    }

    /// The lower end, in units of 2^-56.
    pub const fn lo(&self) -> i128 {
        self.lo
    }
    /// The upper end, in units of 2^-56.
    pub const fn hi(&self) -> i128 {
        self.hi
    }
    /// `hi - lo`, in units of 2^-56.
    pub const fn width(&self) -> i128 {
        self.hi - self.lo
    }

    /// The lower end times `10^scale`, rounded down.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn floor_at(&self, scale: u8) -> Result<i128, DomainError> {
        let power = 10i128
            .checked_pow(u32::from(scale))
            .ok_or(DomainError::Overflow)?;
        Ok(mul_div(self.lo, power, ONE, Rounding::Floor)?)
    }

    /// The upper end times `10^scale`, rounded up.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn ceil_at(&self, scale: u8) -> Result<i128, DomainError> {
        let power = 10i128
            .checked_pow(u32::from(scale))
            .ok_or(DomainError::Overflow)?;
        Ok(mul_div(self.hi, power, ONE, Rounding::Ceil)?)
    }

    /// The middle as a decimal of 18 digits after the point, for display.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn middle(&self) -> Result<Decimal, DomainError> {
        let units = mul_div(
            self.lo + (self.hi - self.lo) / 2,
            10i128.pow(18),
            ONE,
            Rounding::HalfEven,
        )?;
        Ok(Decimal::new(units, 18))
    }

    /// Whether a decimal lies inside.
    ///
    /// # Errors
    /// If the decimal does not fit.
    pub fn contains(&self, d: &Decimal) -> Result<bool, DomainError> {
        let d = Self::from_decimal(d)?;
        Ok(self.lo <= d.hi && d.lo <= self.hi)
    }

    /// `self + other`.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn add(&self, other: &Self) -> Result<Self, DomainError> {
        let sum = |a: i128, b: i128| a.checked_add(b).ok_or(DomainError::Overflow);
        Ok(Self {
            lo: sum(self.lo, other.lo)?,
            hi: sum(self.hi, other.hi)?,
        })
    }

    /// `self - other`.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn sub(&self, other: &Self) -> Result<Self, DomainError> {
        self.add(&other.neg())
    }

    /// `-self`.
    #[must_use]
    pub const fn neg(&self) -> Self {
        Self {
            lo: -self.hi,
            hi: -self.lo,
        }
    }

    /// The larger of the number and zero.
    #[must_use]
    pub fn max_zero(&self) -> Self {
        Self {
            lo: self.lo.max(0),
            hi: self.hi.max(0),
        }
    }

    /// Half the number.
    #[must_use]
    pub const fn half(&self) -> Self {
        Self {
            lo: self.lo.div_euclid(2),
            hi: -((-self.hi).div_euclid(2)),
        }
    }

    /// `self * other`.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn mul(&self, other: &Self) -> Result<Self, DomainError> {
        if self.lo >= 0 && other.lo >= 0 {
            let lo = product(self.lo, other.lo, Rounding::Floor)?;
            return Ok(Self {
                lo,
                hi: product(self.hi, other.hi, Rounding::Ceil)?,
            });
        }
        let (mut lo, mut hi) = (i128::MAX, i128::MIN);
        for a in [self.lo, self.hi] {
            for b in [other.lo, other.hi] {
                lo = lo.min(product(a, b, Rounding::Floor)?);
                hi = hi.max(product(a, b, Rounding::Ceil)?);
            }
        }
        Ok(Self { lo, hi })
    }

    /// `self / other`.
    ///
    /// # Errors
    /// If the divisor may be zero or the result does not fit.
    pub fn div(&self, other: &Self) -> Result<Self, DomainError> {
        if other.lo <= 0 && other.hi >= 0 {
            return Err(DomainError::Division);
        }
        let (mut lo, mut hi) = (i128::MAX, i128::MIN);
        for a in [self.lo, self.hi] {
            for b in [other.lo, other.hi] {
                lo = lo.min(mul_div(a, ONE, b, Rounding::Floor)?);
                hi = hi.max(mul_div(a, ONE, b, Rounding::Ceil)?);
            }
        }
        Ok(Self { lo, hi })
    }

    /// The square root; one unit wider than its argument's roots.
    ///
    /// # Errors
    /// If the argument may be negative or does not fit.
    pub fn sqrt(&self) -> Result<Self, DomainError> {
        let root = |x: i128| -> Result<i128, DomainError> {
            let x = u128::try_from(x).map_err(|_| DomainError::SquareRoot)?;
            let scaled = x.checked_mul(ONE as u128).ok_or(DomainError::Overflow)?;
            Ok(scaled.isqrt() as i128)
        };
        let (lo, hi) = (root(self.lo)?, root(self.hi)?);
        Ok(Self { lo, hi: hi + 1 })
    }

    /// The exponential. Relative width beyond the argument's: [`EXP_ERROR`](crate::EXP_ERROR).
    ///
    /// # Errors
    /// If the result exceeds 2^60.
    pub fn exp(&self) -> Result<Self, DomainError> {
        let (lo, _) = functions::exp(self.lo).ok_or(DomainError::Overflow)?;
        let (_, hi) = functions::exp(self.hi).ok_or(DomainError::Overflow)?;
        Ok(Self { lo, hi })
    }

    /// The natural logarithm. Width beyond the argument's: [`LN_ERROR`](crate::LN_ERROR).
    ///
    /// # Errors
    /// If the argument may not be positive.
    pub fn ln(&self) -> Result<Self, DomainError> {
        if self.lo <= 0 {
            return Err(DomainError::Logarithm);
        }
        Ok(Self {
            lo: functions::ln(self.lo).0,
            hi: functions::ln(self.hi).1,
        })
    }

    /// The standard normal distribution function. Width beyond the argument's:
    /// [`CDF_ERROR`](crate::CDF_ERROR).
    #[must_use]
    pub fn normal_cdf(&self) -> Self {
        // The density is below 2/5, so one evaluation in the middle serves a narrow argument.
        let half = (self.hi - self.lo) / 2 + 1;
        let (lo, hi) = functions::normal_cdf(self.lo + (self.hi - self.lo) / 2);
        if half > 1 << 40 {
            return Self {
                lo: functions::normal_cdf(self.lo).0,
                hi: functions::normal_cdf(self.hi).1,
            };
        }
        let slack = half * 2 / 5 + 1;
        Self {
            lo: (lo - slack).max(0),
            hi: (hi + slack).min(ONE),
        }
    }

    /// The standard normal density.
    ///
    /// # Errors
    /// If the argument's square does not fit.
    pub fn normal_pdf(&self) -> Result<Self, DomainError> {
        let square = self.mul(self)?;
        let square = Self {
            lo: square.lo.max(0),
            hi: square.hi,
        };
        let half = Self {
            lo: -(square.hi / 2) - 1,
            hi: -(square.lo / 2),
        };
        half.exp()?.mul(&functions::INVERSE_ROOT_TWO_PI)
    }
}

fn product(a: i128, b: i128, rounding: Rounding) -> Result<i128, DomainError> {
    match a.checked_mul(b) {
        // Arithmetic shifts round down.
        Some(p) if rounding == Rounding::Floor => Ok(p >> FRACTION_BITS),
        Some(p) => Ok(-((-p) >> FRACTION_BITS)),
        None => Ok(mul_div(a, b, ONE, rounding)?),
    }
}
