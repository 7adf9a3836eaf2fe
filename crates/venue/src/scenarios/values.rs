//! What a lot of each market is worth in the scenarios of a recipe.

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval, Rounding, mul_div};
use rayon::prelude::*;

use super::beacon::Draws;
use super::forecast::ewma_deviations;
use super::linear::{Matrix, exact};
use super::mixture::Shocks;
use super::normal::Words;
use super::recipe::{Method, Recipe, RecipeError, Setting, decay_of};
use super::{Market, ScenarioError};
use crate::history::PriceHistory;

/// What a lot of each market is worth in each scenario, and how likely these are, in parts; none if equally.
pub(super) fn values(
    recipe: &Recipe,
    history: &PriceHistory,
    markets: &[Market],
    setting: &Setting,
) -> Result<(Vec<Vec<u64>>, Vec<u64>), RecipeError> {
    let steps = recipe.steps;
    let values = match &recipe.method {
        Method::Historical => historical(markets, history, steps)?,
        Method::FilteredHistorical { decay } => {
            filtered(markets, history, steps, &decay_of(decay)?)?
        }
        Method::MonteCarlo {
            forecast,
            scenarios,
            seed,
        } => {
            let loadings = forecast.loadings(history, steps)?;
            let each = (0..*scenarios).into_par_iter();
            each.map(|s| simulated(markets, &loadings, &mut Words::new(seed, s.into())))
                .collect::<Result<_, _>>()?
        }
        Method::DefensiveMixture {
            forecast,
            shocks,
            scenarios,
            window,
            seed,
        } => {
            let draws = Draws {
                steps,
                forecast,
                shocks,
                scenarios: *scenarios,
                window: *window,
            };
            let seed = seed.text(draws, history, setting)?;
            let loadings = forecast.loadings(history, steps)?;
            return mixed(markets, &loadings, shocks, *scenarios, &seed);
        }
    };
    Ok((values, Vec::new()))
}

/// Values after what happened over each horizon of the history: `now * p[t + steps] / p[t]`, rounded to the nearest
/// tick.
fn historical(
    markets: &[Market],
    history: &PriceHistory,
    steps: u32,
) -> Result<Vec<Vec<u64>>, RecipeError> {
    let prices = history.prices();
    let windows = prices.iter().zip(prices.iter().skip(steps as usize));
    windows
        .map(|(from, to)| {
            let each = markets.iter().zip(from.iter().zip(to));
            each.map(|(market, (from, to))| {
                let scale = from.scale().max(to.scale());
                let units = |p: &Decimal| p.rescale_exact(scale).map_err(DomainError::from);
                let value = mul_div(
                    market.value.into(),
                    units(to)?,
                    units(from)?,
                    Rounding::HalfEven,
                );
                value_of(market, value.map_err(DomainError::from)?)
            })
            .collect()
        })
        .collect()
}

/// Values after what happened over each horizon of the history, in today's volatility.
fn filtered(
    markets: &[Market],
    history: &PriceHistory,
    steps: u32,
    decay: &Interval,
) -> Result<Vec<Vec<u64>>, RecipeError> {
    let daily = history.log_returns(1)?;
    let moves = history.log_returns(steps as usize)?;
    let deviations = (0..markets.len())
        .map(|i| ewma_deviations(daily.iter().map(|r| r[i]), decay))
        .collect::<Result<Vec<_>, _>>()?;
    let scaled = |t: usize, i: usize| {
        let (then, now) = (deviations[i][t], deviations[i][deviations[i].len() - 1]);
        let scaled = match then {
            0 => Interval::ZERO,
            _ => exact(moves[t][i])?.mul(&exact(now)?)?.div(&exact(then)?)?,
        };
        moved(&markets[i], &scaled.center())
    };
    (0..moves.len())
        .map(|t| (0..markets.len()).map(|i| scaled(t, i)).collect())
        .collect()
}

/// Values after draws from a mixture, and their probabilities in parts.
fn mixed(
    markets: &[Market],
    loadings: &Matrix,
    shocks: &Shocks,
    scenarios: u32,
    seed: &str,
) -> Result<(Vec<Vec<u64>>, Vec<u64>), RecipeError> {
    let each = (0..scenarios).into_par_iter().map(|s| {
        let mut words = Words::new(seed, s.into());
        let (shocks, parts) = shocks.draw(&mut words, markets.len())?;
        Ok((shocked(markets, loadings, &shocks)?, parts))
    });
    let each = each.collect::<Result<Vec<_>, RecipeError>>()?;
    Ok(each.into_iter().unzip())
}

/// Values after a random move.
fn simulated(
    markets: &[Market],
    loadings: &Matrix,
    words: &mut Words,
) -> Result<Vec<u64>, RecipeError> {
    shocked(markets, loadings, &words.normals(markets.len())?)
}

/// Values after shocks, in units of 2^-56.
fn shocked(
    markets: &[Market],
    loadings: &Matrix,
    normals: &[i128],
) -> Result<Vec<u64>, RecipeError> {
    let each = markets.iter().zip(loadings);
    each.map(|(market, row)| {
        // A loading is below 2^7, a shock below 2^4.
        let terms = row.iter().zip(normals);
        let sum: i128 = terms.map(|(a, z)| (a * z) >> FRACTION_BITS).sum();
        moved(market, &exact(sum)?)
    })
    .collect()
}

/// What a lot is worth after a log return: `now * exp(r)`, rounded down.
fn moved(market: &Market, log_return: &Interval) -> Result<u64, RecipeError> {
    let now = Interval::from_decimal(&Decimal::new(market.value.into(), 0))?;
    value_of(market, now.mul(&log_return.exp()?.center())?.floor_at(0)?)
}

fn value_of(market: &Market, value: i128) -> Result<u64, RecipeError> {
    u64::try_from(value).map_err(|_| {
        ScenarioError::TooLarge {
            place: "a scenario".into(),
            symbol: market.symbol.clone(),
        }
        .into()
    })
}
