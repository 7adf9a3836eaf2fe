//! What index prints say: averages over time, and what holding a lot costs.
//!
//! *Funding* keeps a perpetual near its index: who is long pays who is short what the perpetual was dearer than the index, or
//! receives it. Cumulative funding `F` of an instrument is a public number of ticks a lot, positive if longs have paid since the last
//! sweep. Positions are kept at entries less `F`, and a lot counts its mark less `F` (see [`crate::settlement`]): so a payment changes one public
//! number, and no account. All lots of an instrument pay the same whole number of ticks, so that what longs pay is exactly
//! what shorts receive.

use fixed::{Decimal, FixedError, Rounding};
use records::date::moment;
use records::units::{TICK_DECIMALS, Ticks};

use crate::auction::rule::MAX_PRICE;

/// Decimals of a print, and of an average.
pub const PRICE_DECIMALS: u8 = 12;
/// Prints are below this, in the quote currency.
pub const MAX_PRINT: i128 = 1_000_000_000_000;

/// A price of a symbol from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// In the quote currency, above zero and below [`MAX_PRINT`], with at most [`PRICE_DECIMALS`] decimals.
    pub price: Decimal,
}

/// A time from a moment to a later one, which is not part of it. In milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from_ms: u64,
    /// The moment after the last.
    pub to_ms: u64,
    /// For how long a print may stand before the next one.
    pub most_gap_ms: u64,
}

/// Why there is no average.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPrice {
    /// Nothing to average.
    #[error("the time from {} to {} is empty; give a later end", moment(*.0), moment(*.1))]
    Empty(u64, u64),
    /// Nothing is known at the start.
    #[error("there is no print at {} or before it; add one", moment(*.0))]
    Start(u64),
    /// A print is too old.
    #[error("there is no print between {} and {}, which is longer than {} ms; add one, or allow longer gaps", moment(*.from_ms), moment(*.to_ms), .most_ms)]
    Gap {
        /// The print before the gap.
        from_ms: u64,
        /// The print after it, or the end.
        to_ms: u64,
        /// The longest that is allowed.
        most_ms: u64,
    },
    /// Not in the order of time, or no prices.
    #[error("prints are above zero, have at most 12 decimals and stand in the order of time; correct the one at {}", moment(*.0))]
    Print(u64),
    /// Numbers that do not fit.
    #[error("funding does not fit: {0}")]
    TooLarge(FixedError),
    /// Funding of a price or more.
    #[error("cumulative funding reaches 2^40 ticks a lot; sweep the book")]
    Cumulative,
}

/// The average of a price weighted by time: each print counts until the next one. Exact until the last division, which is rounded
/// down at 12 decimals.
///
/// # Errors
/// Says what is missing.
pub fn average(prints: &[Print], period: &Period) -> Result<Decimal, NoPrice> {
    let Period {
        from_ms,
        to_ms,
        most_gap_ms,
    } = *period;
    if from_ms >= to_ms {
        return Err(NoPrice::Empty(from_ms, to_ms));
    }
    let disorder = prints.windows(2).find(|w| w[0].at_ms >= w[1].at_ms);
    if let Some(pair) = disorder {
        return Err(NoPrice::Print(pair[1].at_ms));
    }
    let later = prints.partition_point(|print| print.at_ms <= from_ms);
    let first = later.checked_sub(1).ok_or(NoPrice::Start(from_ms))?;
    let mut sum = 0i128;
    for (place, print) in prints.iter().enumerate().skip(first) {
        if print.at_ms >= to_ms {
            break;
        }
        let next = prints
            .get(place + 1)
            .map_or(to_ms, |next| next.at_ms.min(to_ms));
        if next - print.at_ms > most_gap_ms {
            return Err(NoPrice::Gap {
                from_ms: print.at_ms,
                to_ms: next,
                most_ms: most_gap_ms,
            });
        }
        let units = print.price.rescale_exact(PRICE_DECIMALS).ok();
        let units = units
            .filter(|_| print.price > Decimal::ZERO && print.price < Decimal::from_int(MAX_PRINT));
        let units = units.ok_or(NoPrice::Print(print.at_ms))?;
        // Below 10^24 times 2^64 milliseconds in all only if moments are: those of files are below 2^42.
        let lasted = i128::from(next - print.at_ms.max(from_ms));
        let part = units
            .checked_mul(lasted)
            .and_then(|part| sum.checked_add(part));
        sum = part.ok_or(NoPrice::TooLarge(FixedError::Overflow))?;
    }
    Ok(Decimal::new(
        sum / i128::from(to_ms - from_ms),
        PRICE_DECIMALS,
    ))
}

/// How funding follows from prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Over this time a lot pays the whole difference between its perpetual and the index, such as eight hours; above zero.
    pub interval_ms: u64,
    /// The largest difference that counts, as a fraction of the index.
    pub cap: Decimal,
}

/// What a lot held long pays over a period, or receives if it is negative: the average of the perpetual less that of the index, at most
/// the cap to both sides, times what of the interval has passed. `size` is what a lot is worth at a price of 1.
///
/// Rounded once, towards minus infinity, to a tick a lot.
///
/// # Errors
/// Says what is missing.
pub fn increment(
    rule: &Rule,
    size: &Decimal,
    [perpetual, index]: [&[Print]; 2],
    period: &Period,
) -> Result<Ticks<i64>, NoPrice> {
    let index = average(index, period)?;
    let perpetual = average(perpetual, period)?;
    let pay = || -> Result<i128, FixedError> {
        let cap = index.checked_mul(&rule.cap)?;
        let difference = perpetual.checked_sub(&index)?;
        let difference = difference.min(cap).max(cap.neg());
        let passed = Decimal::from_int(i128::from(period.to_ms - period.from_ms));
        let all = Decimal::from_int(i128::from(rule.interval_ms));
        let lot = difference.normalized().checked_mul(size)?;
        let pay = lot.checked_mul(&passed)?;
        Ok(pay.div(&all, TICK_DECIMALS, Rounding::Floor)?.units())
    };
    let ticks = Ticks(pay().map_err(NoPrice::TooLarge)?);
    ticks.narrow().filter(fits).ok_or(NoPrice::Cumulative)
}

/// Cumulative funding after a payment.
///
/// # Errors
/// If it would not be below 2^40 ticks a lot.
pub fn accrue(cumulative: Ticks<i64>, increment: Ticks<i64>) -> Result<Ticks<i64>, NoPrice> {
    let sum = cumulative.0.checked_add(increment.0).map(Ticks);
    sum.filter(fits).ok_or(NoPrice::Cumulative)
}

fn fits(funding: &Ticks<i64>) -> bool {
    funding.0.unsigned_abs() < MAX_PRICE
}
