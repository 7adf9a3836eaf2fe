//! What falls due in a period: dates, rates, interest, fees.

use fixed::Decimal;

use super::{Index, WaterfallError};
use crate::date;
use crate::deal::{Charge, DayCount, PERCENT_DECIMALS, Plan, Rate, WHOLE};

/// The payment date of a period, from 1 on, such as `2026-11-25`.
///
/// # Errors
/// If the deal has no such payment date.
pub fn payment_date(plan: &Plan, period: u32) -> Result<String, WaterfallError> {
    if (1..=plan.periods).contains(&period) {
        Ok(date::written(plan.dates(period).1))
    } else {
        Err(WaterfallError::Ended(plan.periods))
    }
}

/// The rate of a period, in millionths of a percent a year.
pub(super) fn rate(rate: &Rate, period: u32, indices: &[Index]) -> Result<u64, WaterfallError> {
    let (name, margin, floor, cap) = match rate {
        Rate::Fixed(rate) => return Ok(*rate),
        Rate::Floating {
            index,
            margin,
            floor,
            cap,
        } => (index, *margin, *floor, *cap),
    };
    let error = |problem: String| {
        Err(WaterfallError::Index {
            index: name.clone(),
            problem,
        })
    };
    let Some(index) = indices.iter().find(|i| i.name == *name) else {
        return error("is not given; add its fixings".into());
    };
    let Some(fixing) = period
        .checked_sub(1)
        .and_then(|i| index.fixings.get(i as usize))
    else {
        return error(format!("has no fixing for period {period}; add it"));
    };
    let units = fixing.rescale_exact(PERCENT_DECIMALS).ok();
    let units = units.filter(|u| u.unsigned_abs() <= u128::from(WHOLE));
    let Some(units) = units.and_then(|u| i64::try_from(u).ok()) else {
        return error(format!(
            "the fixing {fixing} of period {period} is not between -100 and 100 with at most {PERCENT_DECIMALS} decimals"
        ));
    };
    // At most 200 percent; a rate below zero is zero.
    let rate = (units + margin as i64).max(0) as u64;
    let rate = rate.max(floor);
    Ok(cap.map_or(rate, |cap| rate.min(cap)))
}

/// A rate as people write it.
pub(super) fn show_rate(rate: u64) -> Decimal {
    Decimal::new(rate.into(), PERCENT_DECIMALS).normalized()
}

/// `amount * rate * part of a year`, rounded down. The rate is in millionths of a percent a year.
pub(super) fn accrued(
    amount: u64,
    rate: u64,
    day_count: DayCount,
    (from, to): (i64, i64),
) -> Result<u64, WaterfallError> {
    let days = u128::from(day_count.days(from, to));
    // Below 2^64 * 2^28 * 2^16.
    let product = u128::from(amount) * u128::from(rate) * days;
    let accrued = product / (u128::from(WHOLE) * u128::from(day_count.year()));
    u64::try_from(accrued).map_err(|_| WaterfallError::TooLarge("interest"))
}

/// What a fee is in a period.
pub(super) fn charged(charge: Charge, pool: u64, dates: (i64, i64)) -> Result<u64, WaterfallError> {
    match charge {
        Charge::Fixed(cents) => Ok(cents),
        Charge::PercentOfPool(rate, day_count) => accrued(pool, rate, day_count, dates),
    }
}
