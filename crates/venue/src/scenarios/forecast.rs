//! Forecasts of how markets will move together, from the log returns of a price history.
//!
//! A forecast is a matrix of *loadings* `A`: over the horizon, the log returns of the markets are `A z` with
//! independent standard normal `z`. Means are taken as zero, as usual for horizons of days.
//!
//! - EWMA (RiskMetrics 1996): `S <- decay S + (1 - decay) r r^T`, started from the mean of `r r^T` over the history.
//! - GARCH(1,1) (Bollerslev 1986) with constant correlations (Bollerslev 1990): every market's variance follows
//!   `h <- 1 - p + a x^2 + (p - a) h` in units of its mean square, `x` being the return in units of the root of it;
//!   correlations are those of `x / sqrt(h)`.
//! - Orthogonal GARCH (Alexander 2001): the same for the principal components of the correlation matrix, which are
//!   taken as independent.
//!
//! `a` and the persistence `p` maximize the Gaussian likelihood over whole thousandths. Variances over several steps add
//! up, and revert to the mean square by `p` a step. That reverting is a restriction: a series that ends far from its mean
//! square is off by some percent. So new sets are made with processes of which nothing is fixed before ([`super::garch`]), whose
//! parameters their recipe names; sets of the restricted one can still be made again.

use fixed::{DomainError, Interval};
use rayon::prelude::*;

use super::garch::{self, Filtered, Garch};
use super::linear::{Matrix, UNIT, cholesky, eigenvectors, exact, times};

/// Log returns in units of 2^-56, at most `ln 64` in magnitude (`history::MAX_RATIO`): per observation, per market.
pub(super) type Returns = [Vec<i128>];

/// The loadings of the EWMA forecast.
///
/// # Errors
/// If a number is out of range.
pub(super) fn ewma(returns: &Returns, decay: &Interval, steps: u32) -> Result<Matrix, DomainError> {
    let decay = decay.center().lo();
    let mut covariance = second_moments(returns)?;
    for r in returns {
        for (i, row) in covariance.iter_mut().enumerate() {
            for (j, c) in row.iter_mut().enumerate() {
                *c = times(decay, *c) + times(UNIT - decay, times(r[i], r[j]));
            }
        }
    }
    let (deviations, correlations) = correlations(&covariance)?;
    let scaled = deviations
        .iter()
        .map(|d| Ok(exact(*d)?.mul(&root_of(steps)?)?.center().lo()));
    Ok(scale(
        &scaled.collect::<Result<Vec<_>, DomainError>>()?,
        &cholesky(&correlations)?,
    ))
}

/// The EWMA standard deviation of one series before each observation, and after the last, in units of 2^-56.
///
/// # Errors
/// If a number is out of range.
pub(super) fn ewma_deviations(
    series: impl Iterator<Item = i128> + Clone,
    decay: &Interval,
) -> Result<Vec<i128>, DomainError> {
    let decay = decay.center().lo();
    let count = series.clone().count().max(1) as i128;
    let mut variance = series.clone().map(|r| times(r, r)).sum::<i128>() / count;
    let mut deviations = vec![exact(variance)?.sqrt()?.lo()];
    for r in series {
        variance = times(decay, variance) + times(UNIT - decay, times(r, r));
        deviations.push(exact(variance)?.sqrt()?.lo());
    }
    Ok(deviations)
}

/// Which processes a forecast takes.
#[derive(Clone, Copy)]
pub(super) enum Processes<'a> {
    /// Fitted here, and reverting to the mean square.
    Targeted,
    /// These, a market or a component each.
    Given(&'a [Garch]),
}

impl Processes<'_> {
    fn filter(&self, i: usize, series: &[i128], steps: u32) -> Result<Filtered, DomainError> {
        match self {
            Self::Targeted => {
                let fit = Targeted::fit(series)?;
                let ahead = fit.ahead(steps)?;
                let residuals = fit.residuals;
                Ok(Filtered { residuals, ahead })
            }
            Self::Given(fits) => fits
                .get(i)
                .ok_or(DomainError::Overflow)?
                .filter(series, steps),
        }
    }
}

/// The markets' deviations, their correlations, and their series in units of their deviations.
type Standardized = (Vec<i128>, Matrix, Vec<Vec<i128>>);

fn markets(returns: &Returns) -> Result<Standardized, DomainError> {
    let (deviations, correlations) = correlations(&second_moments(returns)?)?;
    let series = (0..deviations.len())
        .map(|i| standardized(returns.iter().map(|r| r[i]), deviations[i]))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((deviations, correlations, series))
}

/// A principal component: its deviation, its vector, and its series in units of its deviation.
type Component = (i128, Vec<i128>, Vec<i128>);

/// The principal components of the series' correlations.
fn components(correlations: &Matrix, series: &[Vec<i128>]) -> Result<Vec<Component>, DomainError> {
    let count = series.first().map_or(0, Vec::len);
    let pairs = eigenvectors(correlations)?.into_iter();
    pairs
        .map(|(value, vector)| {
            // A component that does not move but for rounding is left out.
            let value = if value > UNIT >> 40 { value } else { 0 };
            let deviation = exact(value)?.sqrt()?.lo();
            let factor = (0..count).map(|t| {
                let terms = vector.iter().zip(series);
                terms.map(|(w, x)| times(*w, x[t])).sum()
            });
            let factor = standardized(factor, deviation)?;
            Ok((deviation, vector, factor))
        })
        .collect()
}

/// The series whose processes a forecast takes: the markets' own, or those of the principal components.
///
/// # Errors
/// If a number is out of range.
pub(super) fn series_of(
    returns: &Returns,
    orthogonal: bool,
) -> Result<Vec<Vec<i128>>, DomainError> {
    let (_, correlations, series) = markets(returns)?;
    if !orthogonal {
        return Ok(series);
    }
    let components = components(&correlations, &series)?.into_iter();
    Ok(components.map(|(_, _, factor)| factor).collect())
}

/// The most likely process of each series.
///
/// # Errors
/// If a number is out of range.
pub(super) fn fits(series: &[Vec<i128>]) -> Result<Vec<Garch>, DomainError> {
    series.par_iter().map(|series| garch::fit(series)).collect()
}

/// The loadings of the GARCH(1,1) forecast with constant correlations.
///
/// # Errors
/// If a number is out of range.
pub(super) fn garch(
    returns: &Returns,
    processes: Processes,
    steps: u32,
) -> Result<Matrix, DomainError> {
    let (deviations, _, series) = markets(returns)?;
    let filtered = series.par_iter().enumerate();
    let filtered = filtered
        .map(|(i, series)| processes.filter(i, series, steps))
        .collect::<Result<Vec<_>, _>>()?;
    let residuals: Vec<Vec<i128>> = (0..returns.len())
        .map(|t| filtered.iter().map(|own| own.residuals[t]).collect())
        .collect();
    let (_, correlations) = correlations(&second_moments(&residuals)?)?;
    let scaled = deviations
        .iter()
        .zip(&filtered)
        .map(|(d, own)| Ok(exact(*d)?.mul(&own.ahead.sqrt()?)?.center().lo()));
    Ok(scale(
        &scaled.collect::<Result<Vec<_>, DomainError>>()?,
        &cholesky(&correlations)?,
    ))
}

/// The loadings of the orthogonal GARCH forecast.
///
/// # Errors
/// If a number is out of range.
pub(super) fn orthogonal_garch(
    returns: &Returns,
    processes: Processes,
    steps: u32,
) -> Result<Matrix, DomainError> {
    let (deviations, correlations, series) = markets(returns)?;
    let components = components(&correlations, &series)?
        .into_par_iter()
        .enumerate()
        .map(|(i, (deviation, vector, factor))| {
            let ahead = processes.filter(i, &factor, steps)?.ahead;
            let ahead = ahead.sqrt()?.mul(&exact(deviation)?)?;
            Ok((ahead.center().lo(), vector))
        })
        .collect::<Result<Vec<_>, DomainError>>()?;
    let n = deviations.len();
    let mut loadings = vec![vec![0; n]; n];
    for (i, deviation) in deviations.iter().enumerate() {
        for (loading, (ahead, vector)) in loadings[i].iter_mut().zip(&components) {
            *loading = times(*deviation, times(vector[i], *ahead));
        }
    }
    Ok(loadings)
}

fn root_of(steps: u32) -> Result<Interval, DomainError> {
    Interval::from_int(steps.into()).sqrt()
}

/// The mean of `r r^T`.
fn second_moments(returns: &Returns) -> Result<Matrix, DomainError> {
    let n = returns.first().map_or(0, Vec::len);
    let count = returns.len().max(1) as i64;
    (0..n)
        .map(|i| {
            let mean = |j: usize| {
                let products = returns.iter().map(|r| exact(r[i])?.mul(&exact(r[j])?));
                Ok(sum(products)?.div_int(count)?.center().lo())
            };
            (0..n).map(mean).collect()
        })
        .collect()
}

fn sum(
    mut terms: impl Iterator<Item = Result<Interval, DomainError>>,
) -> Result<Interval, DomainError> {
    terms.try_fold(Interval::ZERO, |sum, term| sum.add(&term?))
}

/// Standard deviations and correlations; a market that does not move is correlated with none.
fn correlations(covariance: &Matrix) -> Result<(Vec<i128>, Matrix), DomainError> {
    let deviations = covariance
        .iter()
        .enumerate()
        .map(|(i, row)| Ok(exact(row[i])?.sqrt()?.lo()))
        .collect::<Result<Vec<i128>, DomainError>>()?;
    let entry = |i: usize, j: usize| {
        if i == j {
            return Ok(UNIT);
        }
        if deviations[i] == 0 || deviations[j] == 0 {
            return Ok(0);
        }
        let entry = exact(covariance[i][j])?.div(&exact(deviations[i])?)?;
        let entry = entry.div(&exact(deviations[j])?)?.center().lo();
        Ok(entry.clamp(-UNIT, UNIT))
    };
    let n = deviations.len();
    let correlations = (0..n)
        .map(|i| (0..n).map(|j| entry(i, j)).collect())
        .collect::<Result<_, DomainError>>()?;
    Ok((deviations, correlations))
}

/// Rows of a matrix, each times a number.
fn scale(factors: &[i128], matrix: &Matrix) -> Matrix {
    let rows = factors.iter().zip(matrix);
    rows.map(|(f, row)| row.iter().map(|x| times(*f, *x)).collect())
        .collect()
}

/// A series in units of its deviation; zeros if it does not move.
fn standardized(
    series: impl Iterator<Item = i128>,
    deviation: i128,
) -> Result<Vec<i128>, DomainError> {
    series
        .map(|x| match deviation {
            0 => Ok(0),
            d => Ok(exact(x)?.div(&exact(d)?)?.center().lo()),
        })
        .collect()
}

/// A fitted GARCH(1,1) process that reverts to a unit mean square.
struct Targeted {
    /// Persistence, in thousandths.
    persistence: i64,
    /// The variance of the next observation.
    next: Interval,
    /// The series in units of its deviation at the time.
    residuals: Vec<i128>,
}

impl Targeted {
    fn fit(series: &[i128]) -> Result<Self, DomainError> {
        let squares = series
            .iter()
            .map(|x| exact(*x)?.mul(&exact(*x)?))
            .collect::<Result<Vec<_>, _>>()?;
        let mut best = (0, 0);
        let mut least = cost(&squares, best)?;
        let mut consider = |candidate: (i64, i64), best: &mut (i64, i64)| {
            let (a, p) = candidate;
            if a < 0 || a > p || p > 999 {
                return Ok::<bool, DomainError>(false);
            }
            let cost = cost(&squares, candidate)?;
            let better = cost < least;
            if better {
                (least, *best) = (cost, candidate);
            }
            Ok(better)
        };
        for a in [20, 50, 100, 200, 350] {
            for p in [400, 700, 850, 930, 970, 990] {
                consider((a, p), &mut best)?;
            }
        }
        // A compass search from the best of the grid.
        let mut step = 32;
        while step > 0 {
            let (a, p) = best;
            let mut moved = false;
            for (da, dp) in [
                (1, 0),
                (-1, 0),
                (0, 1),
                (0, -1),
                (1, 1),
                (-1, -1),
                (1, -1),
                (-1, 1),
            ] {
                moved |= consider((a + da * step, p + dp * step), &mut best)?;
            }
            if !moved {
                step /= 2;
            }
        }
        let mut residuals = Vec::with_capacity(series.len());
        let mut variance = Interval::ONE;
        for (x, square) in series.iter().zip(&squares) {
            residuals.push(exact(*x)?.div(&variance.sqrt()?)?.center().lo());
            variance = step_of(&variance, square, best)?;
        }
        Ok(Self {
            persistence: best.1,
            next: variance,
            residuals,
        })
    }

    /// The variance of so many observations from now on, together.
    fn ahead(&self, steps: u32) -> Result<Interval, DomainError> {
        let mut excess = self.next.sub(&Interval::ONE)?;
        let mut sum = Interval::ZERO;
        for _ in 0..steps {
            sum = sum.add(&Interval::ONE)?.add(&excess)?;
            excess = excess.times(self.persistence)?.div_int(1000)?.center();
        }
        // A variance: rounding may take it a unit below zero.
        Ok(sum.max_zero())
    }
}

/// The variance after an observation with this square.
fn step_of(
    variance: &Interval,
    square: &Interval,
    (a, p): (i64, i64),
) -> Result<Interval, DomainError> {
    let sum = Interval::from_int(1000 - p)
        .add(&square.times(a)?)?
        .add(&variance.times(p - a)?)?;
    Ok(sum.div_int(1000)?.center())
}

/// Twice the Gaussian log likelihood with its sign turned, but for a constant: what the fit makes least. Compared by
/// its middle.
fn cost(squares: &[Interval], parameters: (i64, i64)) -> Result<i128, DomainError> {
    let mut variance = Interval::ONE;
    let mut sum = Interval::ZERO;
    for square in squares {
        sum = sum.add(&variance.ln()?)?.add(&square.div(&variance)?)?;
        variance = step_of(&variance, square, parameters)?;
    }
    Ok(sum.center().lo())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(x: f64) -> i128 {
        (x * UNIT as f64) as i128
    }

    fn float(x: i128) -> f64 {
        x as f64 / UNIT as f64
    }

    /// A GARCH path with shocks from the documented generator.
    fn path(a: f64, p: f64, count: usize) -> Vec<f64> {
        let shocks = super::super::normal::Words::new("a path", 0)
            .normals(count)
            .unwrap();
        let mut h = 1.0;
        shocks
            .iter()
            .map(|z| {
                let x = float(*z) * f64::sqrt(h);
                h = 1.0 - p + a * x * x + (p - a) * h;
                x
            })
            .collect()
    }

    /// The likelihood's cost in floats, for comparison.
    fn cost_in_floats(xs: &[f64], a: f64, p: f64) -> f64 {
        let mut h = 1.0;
        xs.iter()
            .map(|x| {
                let term = f64::ln(h) + x * x / h;
                h = 1.0 - p + a * x * x + (p - a) * h;
                term
            })
            .sum()
    }

    #[test]
    fn garch_fits_are_the_most_likely_ones() {
        for (a, p) in [(0.08, 0.97), (0.25, 0.8), (0.0, 0.0)] {
            let xs = path(a, p, 1500);
            let mean = xs.iter().map(|x| x * x).sum::<f64>() / xs.len() as f64;
            let xs: Vec<f64> = xs.iter().map(|x| x / mean.sqrt()).collect();
            let squares: Vec<Interval> = xs.iter().map(|x| exact(number(x * x)).unwrap()).collect();
            // The cost in integers is that in floats.
            let found = float(cost(&squares, (80, 970)).unwrap());
            assert!((found - cost_in_floats(&xs, 0.08, 0.97)).abs() < 1e-9 * found.abs());
            let series: Vec<i128> = xs.iter().map(|x| number(*x)).collect();
            let fit = Targeted::fit(&series).unwrap();
            // No point of a fine grid is better by more than a thousandth of what a parameter is worth.
            let mut best = f64::MAX;
            for a in 0..80 {
                for p in a..200 {
                    best = best.min(cost_in_floats(
                        &xs,
                        f64::from(a) / 200.0,
                        f64::from(p) / 200.0,
                    ));
                }
            }
            let residuals: Vec<f64> = fit.residuals.iter().map(|x| float(*x)).collect();
            let own: f64 = xs
                .iter()
                .zip(&residuals)
                .map(|(x, e)| {
                    let h = if *e == 0.0 { 1.0 } else { (x / e) * (x / e) };
                    f64::ln(h) + x * x / h
                })
                .sum();
            assert!(own < best + 0.1, "{own} against {best}");
        }
    }

    #[test]
    fn variances_ahead_revert() {
        let fit = Targeted {
            persistence: 900,
            next: Interval::from_int(3),
            residuals: Vec::new(),
        };
        // 3 + 2.8 + 2.62, as 1 + 2 * 0.9^k.
        let ahead = fit.ahead(3).unwrap();
        assert!((float(ahead.lo()) - 8.42).abs() < 1e-12);
    }

    #[test]
    fn ewma_is_the_textbook_recursion() {
        let returns: Vec<Vec<i128>> = [[0.01, 0.02], [-0.03, 0.01], [0.02, -0.02]]
            .iter()
            .map(|r| r.iter().map(|x| number(*x)).collect())
            .collect();
        let decay = Interval::from_decimal(&"0.9".parse().unwrap()).unwrap();
        let loadings = ewma(&returns, &decay, 4).unwrap();
        // By hand: the start is the mean of the products, then three steps; times four for four days.
        let mut s = [[14e-4 / 3.0, -5e-4 / 3.0], [-5e-4 / 3.0, 9e-4 / 3.0]];
        for r in [[0.01, 0.02], [-0.03, 0.01], [0.02, -0.02]] {
            for i in 0..2 {
                for j in 0..2 {
                    s[i][j] = 0.9 * s[i][j] + 0.1 * r[i] * r[j];
                }
            }
        }
        for i in 0..2 {
            for j in 0..2 {
                let found: f64 = (0..2)
                    .map(|k| float(loadings[i][k]) * float(loadings[j][k]))
                    .sum();
                assert!((found - 4.0 * s[i][j]).abs() < 1e-11, "{i} {j} {found}");
            }
        }
        let deviations = ewma_deviations(returns.iter().map(|r| r[0]), &decay).unwrap();
        assert_eq!(deviations.len(), 4);
        assert!((float(deviations[3]).powi(2) - s[0][0]).abs() < 1e-11);
    }

    #[test]
    fn orthogonal_and_plain_garch_agree_on_one_market_and_keep_still_ones_still() {
        let returns: Vec<Vec<i128>> = path(0.1, 0.95, 300)
            .iter()
            .map(|x| vec![number(x * 0.02), 0])
            .collect();
        let (plain, orthogonal) = (
            garch(&returns, Processes::Targeted, 2).unwrap(),
            orthogonal_garch(&returns, Processes::Targeted, 2).unwrap(),
        );
        let variance = |l: &Matrix, i: usize| l[i].iter().map(|x| float(*x).powi(2)).sum::<f64>();
        assert!((variance(&plain, 0) / variance(&orthogonal, 0) - 1.0).abs() < 1e-9);
        assert!(variance(&plain, 0) > 1e-5);
        assert_eq!((variance(&plain, 1), variance(&orthogonal, 1)), (0.0, 0.0));
    }
}
