//! What is odd about a set that can be used all the same.

use fixed::{Decimal, DomainError, FRACTION_BITS};
use rayon::prelude::*;
use records::date::written;

use super::forecast::series_of;
use super::linear::exact;
use super::recipe::{Forecast, Recipe, Setting};
use crate::history::PriceHistory;

/// What whoever makes or uses a set should know: where a fit ran into a bound or is not the most likely one, and where the
/// horizon is not that of the history's days. A set can be used all the same.
///
/// # Errors
/// If a number is out of range.
pub fn warnings(
    recipe: &Recipe,
    history: &PriceHistory,
    setting: &Setting,
) -> Result<Vec<String>, DomainError> {
    let mut found = dates(recipe, history, setting)?;
    let drawn = recipe.method.forecast();
    let Some((fits, orthogonal)) = drawn.and_then(Forecast::processes) else {
        return Ok(found);
    };
    let series = series_of(&history.log_returns(1)?, orthogonal)?;
    let shortfalls = fits.par_iter().zip(&series);
    let shortfalls = shortfalls
        .map(|(fit, series)| fit.shortfall(series))
        .collect::<Result<Vec<_>, _>>()?;
    for (i, (fit, shortfall)) in fits.iter().zip(shortfalls).enumerate() {
        let name = match orthogonal {
            true => format!("component {}", i + 1),
            false => format!("`{}`", history.symbols()[i]),
        };
        if let Some(boundary) = fit.on_boundary() {
            found.push(format!(
                "the GARCH process of {name} is on a boundary: {boundary}"
            ));
        }
        if shortfall > TOLERATED {
            let worse = exact(shortfall)?.ceil_at(2)?;
            found.push(format!(
                "the GARCH process of {name} is not the most likely one: its log likelihood is lower by {}",
                Decimal::new(worse, 2)
            ));
        }
    }
    Ok(found)
}

/// By how much a log likelihood may be below the largest one, in units of 2^-56: a hundredth.
const TOLERATED: i128 = (1 << FRACTION_BITS) / 100;

/// Where the horizon and the history's days do not agree.
fn dates(
    recipe: &Recipe,
    history: &PriceHistory,
    setting: &Setting,
) -> Result<Vec<String>, DomainError> {
    let gaps: Vec<i64> = history.days().windows(2).map(|d| d[1] - d[0]).collect();
    let mut sorted = gaps.clone();
    sorted.sort_unstable();
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(1);
    let mut found = Vec::new();
    let days = Decimal::from_int(i128::from(usual) * i128::from(recipe.steps));
    if setting.horizon_days != days {
        found.push(format!(
            "the horizon is {} day(s), but {} step(s) of a history whose observations are mostly {usual} day(s) apart are {days}",
            setting.horizon_days, recipe.steps
        ));
    }
    let wide = |gap: i64| gap > WEEK && 2 * gap > 3 * usual;
    let mut wide = gaps.into_iter().enumerate().filter(|(_, gap)| wide(*gap));
    for (t, gap) in wide.by_ref().take(NAMED) {
        let [from, to] = [t, t + 1].map(|t| written(history.days()[t]));
        found.push(format!(
            "no observation lies between {from} and {to} (observations {} and {}): what happened in {gap} days counts as one step",
            t + 1,
            t + 2
        ));
    }
    match wide.count() {
        0 => {}
        more => found.push(format!("{more} more gap(s) count as one step each")),
    }
    Ok(found)
}

/// The longest that markets which are closed now and then are closed, in days. A longer gap of half again the usual one is told.
const WEEK: i64 = 7;
/// Most gaps that are told one by one.
const NAMED: usize = 5;
