//! Exact decimal fixed-point numbers, and approximated functions that carry their own error bound.
//!
//! - [`Decimal`] keeps every digit a user wrote, or fails.
//! - [`Interval`] encloses a real number between two binary fixed-point numbers; every operation
//!   rounds outward, so whatever is computed from intervals is a proven bound.
//!
//! No floats, no crypto.

mod decimal;
mod functions;
mod interval;
mod tables;
mod wide;

pub use decimal::{Decimal, FixedError, ParseError};
pub use functions::{CDF_ERROR, EXP_ERROR, LN_ERROR, PDF_ERROR};
pub use interval::{DomainError, FRACTION_BITS, Interval};
pub use wide::mul_div;

/// How a result that does not fit its last digit is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards minus infinity.
    Floor,
    /// Towards plus infinity.
    Ceil,
    /// Towards zero.
    TowardZero,
    /// Away from zero.
    AwayFromZero,
    /// To the nearest, ties to the even digit.
    HalfEven,
}
