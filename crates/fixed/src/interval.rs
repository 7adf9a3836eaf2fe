//! Enclosures in binary fixed point.

use crate::functions;
use crate::wide::mul_shift;
use crate::{Decimal, FixedError, Rounding, mul_div};

/// Fraction bits of an interval's ends: a unit is 2^-56, about 1.4e-17.
pub const FRACTION_BITS: u32 = 56;
const ONE: i128 = 1 << FRACTION_BITS;
/// No end is larger in magnitude, so that differences and negatives always fit.
const LARGEST: i128 = 1 << 126;

/// Two numbers, in units of 2^-56, between which a real number lies. Every operation encloses all
/// results of its operands, so whatever is computed carries its own proven error bound.
///
/// The ends are at most 2^70 (1.2e21) in magnitude; a result beyond that is an error.
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
    /// A negative number where none may be.
    #[error("the number must not be negative")]
    Negative,
    /// Two enclosures of one number that do not meet.
    #[error("the numbers contradict each other")]
    Contradiction,
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

    /// A whole number.
    pub fn from_int(value: i64) -> Self {
        let v = i128::from(value) * ONE;
        Self { lo: v, hi: v }
    }

    /// The numbers between two ends, in units of 2^-56.
    ///
    /// # Errors
    /// If the lower end is above the upper one, or an end does not fit.
    pub fn from_ends(lo: i128, hi: i128) -> Result<Self, DomainError> {
        if lo > hi {
            return Err(DomainError::Contradiction);
        }
        Ok(Self {
            lo: fit(Some(lo))?,
            hi: fit(Some(hi))?,
        })
    }

    /// The tightest enclosure of a decimal.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn from_decimal(d: &Decimal) -> Result<Self, DomainError> {
        let power = 10i128
            .checked_pow(u32::from(d.scale()))
            .ok_or(DomainError::Overflow)?;
        let end = |rounding| fit(mul_div(d.units(), ONE, power, rounding).ok());
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
        mul_shift(self.lo, power, FRACTION_BITS, false).ok_or(DomainError::Overflow)
    }

    /// The upper end times `10^scale`, rounded up.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn ceil_at(&self, scale: u8) -> Result<i128, DomainError> {
        let power = 10i128
            .checked_pow(u32::from(scale))
            .ok_or(DomainError::Overflow)?;
        mul_shift(self.hi, power, FRACTION_BITS, true).ok_or(DomainError::Overflow)
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
        Ok(Decimal::from_units(units, 18)?)
    }

    /// The number in the middle, rounded down to a unit; exact from here on.
    #[must_use]
    pub const fn center(&self) -> Self {
        let middle = self.lo + self.width() / 2;
        Self {
            lo: middle,
            hi: middle,
        }
    }

    /// Whether a decimal lies inside, exactly.
    ///
    /// # Errors
    /// If the decimal does not fit.
    pub fn contains(&self, d: &Decimal) -> Result<bool, DomainError> {
        let d = Self::from_decimal(d)?;
        // An end is whole, so it is below the decimal just if it is not above its floor.
        Ok(self.lo <= d.lo && d.hi <= self.hi)
    }

    /// The smallest enclosure of both.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
        }
    }

    /// Where both lie, for two enclosures of the same number.
    ///
    /// # Errors
    /// If they do not meet, so that one of them is wrong.
    pub fn intersection(&self, other: &Self) -> Result<Self, DomainError> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        if lo > hi {
            return Err(DomainError::Contradiction);
        }
        Ok(Self { lo, hi })
    }

    /// `self + other`.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn add(&self, other: &Self) -> Result<Self, DomainError> {
        Ok(Self {
            lo: fit(self.lo.checked_add(other.lo))?,
            hi: fit(self.hi.checked_add(other.hi))?,
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

    /// Half the number, at most one unit wider than half.
    #[must_use]
    pub const fn half(&self) -> Self {
        Self {
            lo: self.lo >> 1,
            hi: (self.hi + 1) >> 1,
        }
    }

    /// `self * factor`; no rounding.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn times(&self, factor: i64) -> Result<Self, DomainError> {
        let end = |x: i128| fit(x.checked_mul(factor.into()));
        let (a, b) = (end(self.lo)?, end(self.hi)?);
        Ok(Self {
            lo: a.min(b),
            hi: a.max(b),
        })
    }

    /// `self / divisor`. Rounding widens it by less than 2 units.
    ///
    /// # Errors
    /// If the divisor is zero.
    pub fn div_int(&self, divisor: i64) -> Result<Self, DomainError> {
        if divisor == 0 {
            return Err(DomainError::Division);
        }
        let d = i128::from(divisor).abs();
        let x = if divisor > 0 { *self } else { self.neg() };
        Ok(Self {
            lo: x.lo.div_euclid(d),
            hi: -(-x.hi).div_euclid(d),
        })
    }

    /// `self * other`. Rounding widens it by less than 2 units.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn mul(&self, other: &Self) -> Result<Self, DomainError> {
        let down = |a, b| fit(mul_shift(a, b, FRACTION_BITS, false));
        let up = |a, b| fit(mul_shift(a, b, FRACTION_BITS, true));
        let (a, b) = (self, other);
        // The product is monotone in each factor, in a direction that the other's sign decides.
        let (lo, hi) = match (a.lo >= 0, a.hi <= 0, b.lo >= 0, b.hi <= 0) {
            (true, _, true, _) => (down(a.lo, b.lo)?, up(a.hi, b.hi)?),
            (true, _, _, true) => (down(a.hi, b.lo)?, up(a.lo, b.hi)?),
            (true, _, _, _) => (down(a.hi, b.lo)?, up(a.hi, b.hi)?),
            (_, true, true, _) => (down(a.lo, b.hi)?, up(a.hi, b.lo)?),
            (_, true, _, true) => (down(a.hi, b.hi)?, up(a.lo, b.lo)?),
            (_, true, _, _) => (down(a.lo, b.hi)?, up(a.lo, b.lo)?),
            (_, _, true, _) => (down(a.lo, b.hi)?, up(a.hi, b.hi)?),
            (_, _, _, true) => (down(a.hi, b.lo)?, up(a.lo, b.lo)?),
            _ => (
                down(a.lo, b.hi)?.min(down(a.hi, b.lo)?),
                up(a.lo, b.lo)?.max(up(a.hi, b.hi)?),
            ),
        };
        Ok(Self { lo, hi })
    }

    /// `self / other`. Rounding widens it by less than 2 units.
    ///
    /// # Errors
    /// If the divisor may be zero or the result does not fit.
    pub fn div(&self, other: &Self) -> Result<Self, DomainError> {
        if other.lo <= 0 && other.hi >= 0 {
            return Err(DomainError::Division);
        }
        let (a, b) = if other.lo > 0 {
            (*self, *other)
        } else {
            (self.neg(), other.neg())
        };
        let end = |a, b, rounding| fit(mul_div(a, ONE, b, rounding).ok());
        let (low, high) = (
            if a.lo >= 0 { b.hi } else { b.lo },
            if a.hi >= 0 { b.lo } else { b.hi },
        );
        Ok(Self {
            lo: end(a.lo, low, Rounding::Floor)?,
            hi: end(a.hi, high, Rounding::Ceil)?,
        })
    }

    /// The square root. An exact argument has one of zero width if it is a square, else of one unit
    /// below 2^16 and relative 2^-62 above.
    ///
    /// # Errors
    /// If the argument may be negative.
    pub fn sqrt(&self) -> Result<Self, DomainError> {
        Ok(Self {
            lo: root(self.lo)?.0,
            hi: root(self.hi)?.1,
        })
    }

    /// The exponential. Its width for an exact argument is in [`EXP_ERROR`](crate::EXP_ERROR).
    ///
    /// # Errors
    /// If the argument may be above 41.
    pub fn exp(&self) -> Result<Self, DomainError> {
        let (lo, above) = functions::exp(self.lo).ok_or(DomainError::Overflow)?;
        let hi = if self.lo == self.hi {
            above
        } else {
            functions::exp(self.hi).ok_or(DomainError::Overflow)?.1
        };
        Ok(Self { lo, hi })
    }

    /// The natural logarithm. Its width for an exact argument is [`LN_ERROR`](crate::LN_ERROR).
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

    /// The standard normal distribution function. Its width for an exact argument is
    /// [`CDF_ERROR`](crate::CDF_ERROR), and at most `0.4 w + 3` units more for one of width `w`.
    #[must_use]
    pub fn normal_cdf(&self) -> Self {
        let width = self.width();
        if width > 1 << 10 {
            return Self {
                lo: functions::normal_cdf(self.lo).0,
                hi: functions::normal_cdf(self.hi).1,
            };
        }
        // The density is below 2/5, so one evaluation in the middle serves a narrow argument.
        let (lo, hi) = functions::normal_cdf(self.lo + width / 2);
        let slack = ((width - width / 2) * 2 + 4) / 5;
        Self {
            lo: (lo - slack).max(0),
            hi: (hi + slack).min(ONE),
        }
    }

    /// The standard normal density. Its width for an exact argument is
    /// [`PDF_ERROR`](crate::PDF_ERROR).
    #[must_use]
    pub fn normal_pdf(&self) -> Self {
        // It falls with the distance from zero.
        let (a, b) = (self.lo.abs(), self.hi.abs());
        let near = if self.lo <= 0 && self.hi >= 0 {
            0
        } else {
            a.min(b)
        };
        Self {
            lo: functions::normal_pdf(a.max(b)).0,
            hi: functions::normal_pdf(near).1,
        }
    }
}

/// An end that may be kept.
fn fit(end: Option<i128>) -> Result<i128, DomainError> {
    end.filter(|x| (-LARGEST..=LARGEST).contains(x))
        .ok_or(DomainError::Overflow)
}

/// The square root rounded down and up.
fn root(x: i128) -> Result<(i128, i128), DomainError> {
    let x = u128::try_from(x).map_err(|_| DomainError::SquareRoot)?;
    // The root of x 2^56, from as many leading bits as 128 hold; what is cut is even in number.
    let shift = FRACTION_BITS.min(x.leading_zeros()) & !1;
    let cut = (FRACTION_BITS - shift) / 2;
    let scaled = x << shift;
    let lo = scaled.isqrt();
    let hi = lo + u128::from(lo * lo != scaled);
    Ok(((lo << cut) as i128, (hi << cut) as i128))
}
