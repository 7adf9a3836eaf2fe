//! What falls due in a period: dates, rates, interest, fees.

use fixed::Decimal;
use records::units::Cents;

use super::report::{FeeReport, TrancheReport};
use super::state::DealState;
use super::{Index, WaterfallError, total};
use crate::deal::{Charge, DayCount, PERCENT_DECIMALS, Plan, Rate, Shortfall, WHOLE};
use crate::pool::tape::CutOff;
use records::date;

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

/// Most days from the last day on which collections come in to the date on which they are paid.
pub const MAX_DELAY: i64 = 366;

/// Checks that a period's payment date fits the cut-off date until which came in what it pays: not before it, and not more than
/// [`MAX_DELAY`] days after it.
///
/// # Errors
/// If it does not, or there is no such payment date.
pub fn check_payment_date(plan: &Plan, period: u32, until: &CutOff) -> Result<(), WaterfallError> {
    let date = payment_date(plan, period)?;
    let days = |text: &str| date::days_of(text).unwrap_or(i64::MAX);
    let delay = days(&date).saturating_sub(days(&until.to_string()));
    if (0..=MAX_DELAY).contains(&delay) {
        return Ok(());
    }
    Err(WaterfallError::Delay {
        date,
        until: until.to_string(),
        problem: match delay < 0 {
            true => "before",
            false => "more than a year after",
        },
    })
}

/// A part of a period: its rate in millionths of a percent a year, its first day, and the day after it.
type Part = (u64, (i64, i64));

/// The parts of a period that bear one rate each, in their order: one, unless the rate steps within it.
fn parts(
    rate: &Rate,
    period: u32,
    (start, end): (i64, i64),
    indices: &[Index],
) -> Result<Vec<Part>, WaterfallError> {
    let Rate::Stepped(first, steps) = rate else {
        return Ok(vec![(self::rate(rate, period, indices)?, (start, end))]);
    };
    let mut parts = vec![(*first, (start, end))];
    for (from, rate) in steps.iter().filter(|(from, _)| *from < end) {
        let last = parts.len() - 1;
        if *from <= start {
            parts[last].0 = *rate;
        } else {
            parts[last].1.1 = *from;
            parts.push((*rate, (*from, end)));
        }
    }
    Ok(parts)
}

/// The rate of a period, in millionths of a percent a year.
fn rate(rate: &Rate, period: u32, indices: &[Index]) -> Result<u64, WaterfallError> {
    let (name, margin, floor, cap) = match rate {
        Rate::Fixed(rate) | Rate::Stepped(rate, _) => return Ok(*rate),
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
fn show_rate(rate: u64) -> Decimal {
    Decimal::new(rate.into(), PERCENT_DECIMALS).normalized()
}

/// The sum over the parts of a period of `amount * rate * part of a year`, rounded down. Rates are in millionths of a percent a
/// year.
fn accrued(amount: Cents, parts: &[Part], day_count: DayCount) -> Result<Cents, WaterfallError> {
    // Below 2^64 * 2^28 * 2^16 each, and there are at most 2^11.
    let product: u128 = parts
        .iter()
        .map(|(rate, (from, to))| {
            let days = u128::from(day_count.days(*from, *to));
            u128::from(amount.0) * u128::from(*rate) * days
        })
        .sum();
    let accrued = product / (u128::from(WHOLE) * u128::from(day_count.year()));
    u64::try_from(accrued)
        .map(Cents)
        .map_err(|_| WaterfallError::TooLarge("interest"))
}

/// What a fee is in a period. The first one has what fell due before it, too.
fn charged(
    charge: &Charge,
    pool: Cents,
    period: u32,
    dates: (i64, i64),
) -> Result<Cents, WaterfallError> {
    match charge {
        Charge::Fixed(cents) => Ok(*cents),
        Charge::PercentOfPool(rate, day_count) => accrued(pool, &[(*rate, dates)], *day_count),
        Charge::Dated(list) => {
            let is_due = |date: i64| (period == 1 || date > dates.0) && date <= dates.1;
            let due = list.iter().filter(|(date, _)| is_due(*date));
            total(due.map(|(_, amount)| *amount), "a fee")
        }
    }
}

/// The tranches of the period after a state, with what is due to them and nothing paid yet.
pub(super) fn tranches_due(
    plan: &Plan,
    state: &DealState,
    indices: &[Index],
) -> Result<Vec<TrancheReport>, WaterfallError> {
    let period = state.period + 1;
    let dates = plan.dates(period);
    let mut tranches = Vec::with_capacity(plan.tranches.len());
    for (terms, before) in plan.tranches.iter().zip(&state.tranches) {
        let parts = parts(&terms.rate, period, dates, indices)?;
        let rate = parts.last().map_or(0, |(rate, _)| *rate);
        let interest = accrued(before.balance, &parts, terms.day_count)?;
        let on_unpaid = match terms.shortfall {
            Shortfall::Compounding => accrued(before.unpaid_interest, &parts, terms.day_count)?,
            Shortfall::Lost | Shortfall::Carried => Cents(0),
        };
        let due = total(
            [before.unpaid_interest, on_unpaid, interest],
            "interest due",
        )?;
        tranches.push(TrancheReport {
            name: terms.name.clone(),
            balance_before: before.balance,
            rate: show_rate(rate),
            interest,
            unpaid_interest_before: before.unpaid_interest,
            interest_on_unpaid: on_unpaid,
            interest_due: due,
            interest_paid: Cents(0),
            interest_shortfall: Cents(0),
            unpaid_interest: Cents(0),
            principal_paid: Cents(0),
            written_up: Cents(0),
            written_down: Cents(0),
            balance: before.balance,
            factor: Decimal::ZERO,
            deficiency_before: before.deficiency,
            deficiency_after_losses: Cents(0),
            deficiency: Cents(0),
        });
    }
    Ok(tranches)
}

/// The fees of the period after a state, nothing paid yet.
pub(super) fn fees_due(plan: &Plan, state: &DealState) -> Result<Vec<FeeReport>, WaterfallError> {
    let period = state.period + 1;
    let dates = plan.dates(period);
    let mut fees = Vec::with_capacity(plan.fees.len());
    for (fee, arrears) in plan.fees.iter().zip(&state.fee_arrears) {
        fees.push(FeeReport {
            name: fee.name.clone(),
            arrears_before: *arrears,
            charged: charged(&fee.charge, state.pool_balance, period, dates)?,
            paid: Cents(0),
            arrears: Cents(0),
        });
    }
    Ok(fees)
}
