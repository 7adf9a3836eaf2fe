//! GARCH(1,1) with zero mean (Bollerslev 1986), by maximum likelihood with its constant free.
//!
//! In units of the series' mean square, with returns `x`:
//!
//! ```text
//! h[0] = omega + (alpha + beta) b,   h[t+1] = omega + alpha x[t]^2 + beta h[t]
//! cost = sum of ln h[t] + x[t]^2 / h[t]                       twice the negative log likelihood, but for a constant
//! ```
//!
//! where the backcast `b` is the mean of the first 75 squares with weights `0.94^t`: the start and the likelihood of the
//! `arch` package for Python. `omega > 0`, `alpha, beta >= 0`, `alpha + beta <= 0.9999`.
//!
//! A recipe holds the fitted numbers, in billionths, so that scenarios are made again from these and not from a search. The
//! search is by whole numbers, the same everywhere: a grid of starts, from the best few of which a pattern search goes on
//! (Hooke and Jeeves 1961).

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval};
use serde::{Deserialize, Serialize};

use super::linear::{UNIT, exact};

/// Parameters are in billionths.
const DECIMALS: u8 = 9;
const BILLION: i128 = 1_000_000_000;
/// The largest persistence `alpha + beta`.
const MAX_PERSISTENCE: i128 = 999_900_000;
/// The largest constant, in mean squares.
const MAX_OMEGA: i128 = 100 * BILLION;
/// Squares that the start is the mean of, and the decay of their weights.
const BACKCAST: usize = 75;
const DECAY: (i128, i128) = (94, 100);

/// The parameters of a GARCH(1,1) process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Garch {
    /// The constant, in units of the mean square of the history's log returns.
    pub omega: Decimal,
    /// The weight of the last square.
    pub alpha: Decimal,
    /// The weight of the last variance.
    pub beta: Decimal,
}

impl Garch {
    /// Whether the parameters are allowed, and have at most nine decimals.
    pub fn is_valid(&self) -> bool {
        self.point().is_some_and(|point| point.is_allowed())
    }

    /// Which bound a fit ran into, if any: the maximum may lie beyond it, and its errors are not the usual ones.
    pub fn on_boundary(&self) -> Option<&'static str> {
        let Point { omega, alpha, beta } = self.point()?;
        match () {
            () if alpha + beta >= MAX_PERSISTENCE => Some("alpha + beta is 0.9999, its largest"),
            () if alpha == 0 => Some("alpha is 0: variance does not react to returns"),
            () if beta == 0 => Some("beta is 0: variance does not last"),
            () if omega == 1 => Some("omega is all but 0"),
            () if omega == MAX_OMEGA => Some("omega is at its largest"),
            () => None,
        }
    }

    fn point(&self) -> Option<Point> {
        let units = |x: &Decimal| x.rescale_exact(DECIMALS).ok();
        Some(Point {
            omega: units(&self.omega)?,
            alpha: units(&self.alpha)?,
            beta: units(&self.beta)?,
        })
    }
}

impl From<Point> for Garch {
    fn from(point: Point) -> Self {
        let decimal = |x| Decimal::new(x, DECIMALS).normalized();
        Self {
            omega: decimal(point.omega),
            alpha: decimal(point.alpha),
            beta: decimal(point.beta),
        }
    }
}

/// Parameters in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    omega: i128,
    alpha: i128,
    beta: i128,
}

impl Point {
    fn is_allowed(&self) -> bool {
        (1..=MAX_OMEGA).contains(&self.omega)
            && self.alpha >= 0
            && self.beta >= 0
            && self.alpha + self.beta <= MAX_PERSISTENCE
    }

    fn persistence(&self) -> i128 {
        self.alpha + self.beta
    }

    /// The next variance. Squares are below 2^70 and variances below 2^84, in units of 2^-56.
    fn step(&self, square: i128, variance: i128) -> i128 {
        let sum = self.omega * UNIT + self.alpha * square + self.beta * variance;
        (sum / BILLION).max(1)
    }
}

/// The squares of a series of unit mean square, at most 2^14 of them, in units of 2^-56.
struct Squares {
    each: Vec<i128>,
    backcast: i128,
}

impl Squares {
    fn new(series: &[i128]) -> Result<Self, DomainError> {
        let square = |x: &i128| Ok(exact(*x)?.mul(&exact(*x)?)?.center().lo());
        let each = series
            .iter()
            .map(square)
            .collect::<Result<Vec<_>, DomainError>>()?;
        let (mut weight, mut weights, mut sum) = (UNIT, 0, 0);
        for square in each.iter().take(BACKCAST) {
            // Below 2^126.
            sum += (weight * (square >> 16)) >> (FRACTION_BITS - 16);
            weights += weight;
            weight = weight * DECAY.0 / DECAY.1;
        }
        let backcast = match weights {
            0 => 0,
            _ => exact(sum)?.div(&exact(weights)?)?.center().lo(),
        };
        Ok(Self { each, backcast })
    }

    fn first(&self, point: &Point) -> i128 {
        point.step(self.backcast, self.backcast)
    }

    /// What the fit makes least.
    fn cost(&self, point: &Point) -> Result<i128, DomainError> {
        let mut variance = self.first(point);
        // The product of all variances: 2^octaves times a mantissa from 2^62 to 2^63.
        let (mut mantissa, mut octaves, mut sum) = (1u128 << 62, 0i64, 0i128);
        for &square in &self.each {
            let own = variance as u128;
            let bits = own.ilog2();
            let scaled = if bits > 62 {
                own >> (bits - 62)
            } else {
                own << (62 - bits)
            };
            mantissa = (mantissa * scaled) >> 62;
            octaves += i64::from(bits) - i64::from(FRACTION_BITS);
            if mantissa >> 63 != 0 {
                mantissa >>= 1;
                octaves += 1;
            }
            // A square is below 2^70, and a quotient below 2^100.
            sum += (square << FRACTION_BITS) / variance;
            variance = point.step(square, variance);
        }
        let mantissa = exact((mantissa >> (62 - FRACTION_BITS)) as i128)?.ln()?;
        let product = mantissa.add(&Interval::from_int(2).ln()?.times(octaves)?)?;
        Ok(sum + product.center().lo())
    }
}

/// The most likely parameters of a series of unit mean square. One that does not move has a constant variance.
///
/// # Errors
/// If a number is out of range.
pub(super) fn fit(series: &[i128]) -> Result<Garch, DomainError> {
    let squares = Squares::new(series)?;
    let mut starts = Vec::new();
    if squares.each.iter().all(|&x| x == 0) {
        return Ok(Point {
            omega: BILLION,
            alpha: 0,
            beta: 0,
        }
        .into());
    }
    for persistence in [300, 700, 900, 970, 990, 998] {
        for alpha in [20, 50, 100, 200, 350] {
            for level in [300, 1000, 3000] {
                let point = Point {
                    omega: level * (1000 - persistence) * BILLION / 1_000_000,
                    alpha: alpha * BILLION / 1000,
                    beta: (persistence - alpha) * BILLION / 1000,
                };
                if point.is_allowed() {
                    starts.push((squares.cost(&point)?, point));
                }
            }
        }
    }
    starts.sort_by_key(|(cost, _)| *cost);
    starts.truncate(STARTS);
    let found = starts.into_iter().map(|start| search(&squares, start));
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let best = found.into_iter().min_by_key(|(cost, _)| *cost);
    let (_, best) = best.expect("some starts are allowed");
    Ok(best.into())
}

/// Starts that a search goes on from.
const STARTS: usize = 4;
/// The first step, in billionths, and the last.
const STEPS: (i128, i128) = (32_000_000, 1_000);
/// What a step must gain at least, or a smaller step is tried: else a search creeps along where the likelihood is flat.
fn least_gain(step: i128) -> i128 {
    (UNIT / 16 * step / BILLION * step / BILLION).max(UNIT >> 24)
}

type Costed = (i128, Point);

/// The nearest point from which no step leads lower.
fn search(squares: &Squares, mut best: Costed) -> Result<Costed, DomainError> {
    let mut step = STEPS.0;
    while step >= STEPS.1 {
        let base = best;
        best = explored(squares, base, step)?;
        if best == base {
            step /= 2;
            continue;
        }
        // What led here may lead on.
        let mut before = base;
        loop {
            let on = Point {
                omega: 2 * best.1.omega - before.1.omega,
                alpha: 2 * best.1.alpha - before.1.alpha,
                beta: 2 * best.1.beta - before.1.beta,
            };
            if !on.is_allowed() {
                break;
            }
            let further = explored(squares, (squares.cost(&on)?, on), step)?;
            if further.0 >= best.0 - least_gain(step) {
                break;
            }
            (before, best) = (best, further);
        }
    }
    Ok(best)
}

/// The best point after a step in each direction in turn.
fn explored(squares: &Squares, from: Costed, step: i128) -> Result<Costed, DomainError> {
    let mut best = from;
    for direction in 0..5 {
        for step in [step, -step] {
            let Some(point) = stepped(&best.1, direction, step) else {
                continue;
            };
            let cost = squares.cost(&point)?;
            if cost < best.0 - least_gain(step) {
                best = (cost, point);
                break;
            }
        }
    }
    Ok(best)
}

/// A step: of the constant, of each weight, of one weight to the other, and of persistence with the variance that it reverts to
/// left as it is. Steps stop at the bounds.
fn stepped(point: &Point, direction: usize, step: i128) -> Option<Point> {
    let mut to = *point;
    match direction {
        0 => to.omega += (to.omega * 8 * step / BILLION) + step.signum(),
        1 => to.alpha += step,
        2 => to.beta += step,
        3 => (to.alpha, to.beta) = (to.alpha + step, to.beta - step),
        _ => to.beta += step,
    }
    to.omega = to.omega.clamp(1, MAX_OMEGA);
    to.alpha = to.alpha.clamp(0, MAX_PERSISTENCE);
    to.beta = to.beta.clamp(0, MAX_PERSISTENCE);
    let above = to.persistence() - MAX_PERSISTENCE;
    if above > 0 {
        let cut = above.min(to.beta);
        to.beta -= cut;
        to.alpha -= above - cut;
    }
    if direction == 4 {
        let (now, then) = (BILLION - to.persistence(), BILLION - point.persistence());
        to.omega = (to.omega * now / then).clamp(1, MAX_OMEGA);
    }
    (to != *point).then_some(to)
}

/// What a process says of a series.
pub(super) struct Filtered {
    /// The series in units of its deviation at the time.
    pub residuals: Vec<i128>,
    /// The variance of the horizon's observations together.
    pub ahead: Interval,
}

impl Garch {
    /// The series' residuals, and its variance over so many steps.
    ///
    /// # Errors
    /// If the parameters are not allowed, or a number is out of range.
    pub(super) fn filter(&self, series: &[i128], steps: u32) -> Result<Filtered, DomainError> {
        let point = self.point().filter(Point::is_allowed);
        let point = point.ok_or(DomainError::Overflow)?;
        let squares = Squares::new(series)?;
        let mut variance = squares.first(&point);
        let mut residuals = Vec::with_capacity(series.len());
        for (x, square) in series.iter().zip(&squares.each) {
            let deviation = exact(variance)?.sqrt()?;
            residuals.push(exact(*x)?.div(&deviation)?.center().lo());
            variance = point.step(*square, variance);
        }
        let mut ahead = 0;
        for _ in 0..steps {
            ahead += variance;
            // A square is expected to be as large as its variance.
            variance = point.step(variance, variance);
        }
        Ok(Filtered {
            residuals,
            ahead: exact(ahead)?,
        })
    }

    /// By how much the most likely parameters have a larger log likelihood, in units of 2^-56.
    ///
    /// # Errors
    /// As [`fit`].
    pub(super) fn shortfall(&self, series: &[i128]) -> Result<i128, DomainError> {
        let squares = Squares::new(series)?;
        let cost = |garch: &Self| {
            let point = garch.point().ok_or(DomainError::Overflow)?;
            squares.cost(&point)
        };
        Ok((cost(self)? - cost(&fit(series)?)?) / 2)
    }
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

    fn normals(count: usize) -> Vec<f64> {
        let shocks = super::super::normal::Words::new("a path", 0).normals(count);
        shocks.unwrap().into_iter().map(float).collect()
    }

    fn unit(xs: &[f64]) -> Vec<f64> {
        let mean = xs.iter().map(|x| x * x).sum::<f64>() / xs.len() as f64;
        xs.iter().map(|x| x / mean.sqrt()).collect()
    }

    fn cost_in_floats(xs: &[f64], [omega, alpha, beta]: [f64; 3]) -> f64 {
        let start = xs.iter().take(75).enumerate();
        let weighted = start.map(|(i, x)| (0.94f64.powi(i as i32), x * x));
        let (weights, sum) = weighted.fold((0.0, 0.0), |(w, s), (v, x)| (w + v, s + v * x));
        let mut h = omega + (alpha + beta) * sum / weights;
        let mut cost = 0.0;
        for x in xs {
            cost += h.ln() + x * x / h;
            h = omega + alpha * x * x + beta * h;
        }
        cost
    }

    fn floats(garch: &Garch) -> [f64; 3] {
        [garch.omega, garch.alpha, garch.beta].map(|x| x.to_string().parse().unwrap())
    }

    /// No point of a fine grid is likelier, also after a break: there the constant that targets the mean square is far off, and
    /// the grid's best is where a search from one start does not end.
    #[test]
    fn fits_are_the_most_likely_ones() {
        let path = |omega: f64, alpha: f64, beta: f64| {
            let mut h = omega / (1.0 - alpha - beta);
            let step = |z: &f64| {
                let x = z * f64::sqrt(h);
                h = omega + alpha * x * x + beta * h;
                x
            };
            normals(600).iter().map(step).collect::<Vec<f64>>()
        };
        let jump = normals(600).into_iter().enumerate();
        let jump = jump.map(|(t, z)| if t < 400 { z } else { 6.0 * z });
        let drop = normals(600).into_iter().enumerate();
        let drop = drop.map(|(t, z)| if t < 150 { 9.0 * z } else { z });
        for xs in [
            path(0.05, 0.08, 0.87),
            path(0.3, 0.25, 0.45),
            path(1.0, 0.0, 0.0),
            jump.collect(),
            drop.collect(),
        ] {
            let xs = unit(&xs);
            let series: Vec<i128> = xs.iter().map(|x| number(*x)).collect();
            let fitted = fit(&series).unwrap();
            assert!(fitted.is_valid());
            let squares = Squares::new(&series).unwrap();
            let found = float(squares.cost(&fitted.point().unwrap()).unwrap());
            let again = cost_in_floats(&xs, floats(&fitted));
            assert!(
                (found - again).abs() < 1e-8 * found.abs(),
                "{found} {again}"
            );
            let mut least = f64::MAX;
            for alpha in (0..40).map(|a| f64::from(a) / 80.0) {
                for left in (0..28).map(|k| 0.0001 * 1.4f64.powi(k)) {
                    for level in (0..20).map(|k| 0.02 * 1.5f64.powi(k)) {
                        if left < 1.0 - alpha {
                            let point = [level * left, alpha, 1.0 - left - alpha];
                            least = least.min(cost_in_floats(&xs, point));
                        }
                    }
                }
            }
            assert!(found < least + 1e-4, "{found} against {least}: {fitted:?}");
        }
    }

    #[test]
    fn variances_ahead_follow_the_recursion() {
        let garch = Garch {
            omega: "0.1".parse().unwrap(),
            alpha: "0.3".parse().unwrap(),
            beta: "0.6".parse().unwrap(),
        };
        // Start at 0.1 + 0.9 * 4; one square of 4; then variances 3.52, 3.268, 3.0412.
        let ahead = garch.filter(&[2 * UNIT], 3).unwrap().ahead;
        let next = 0.1 + 0.3 * 4.0 + 0.6 * 3.7;
        let expected = next + (0.1 + 0.9 * next) + (0.1 + 0.9 * (0.1 + 0.9 * next));
        assert!((float(ahead.lo()) - expected).abs() < 1e-8);
    }

    #[test]
    fn parameters_out_of_bounds_are_refused() {
        let garch = |[omega, alpha, beta]: [&str; 3]| Garch {
            omega: omega.parse().unwrap(),
            alpha: alpha.parse().unwrap(),
            beta: beta.parse().unwrap(),
        };
        assert!(garch(["0.000000001", "0", "0.9999"]).is_valid());
        for bad in [
            ["0", "0.1", "0.8"],
            ["0.1", "-0.1", "0.8"],
            ["0.1", "0.1", "-0.1"],
            ["0.1", "0.1", "0.8999000001"],
            ["0.1", "0.1", "0.899900001"],
            ["100.1", "0.1", "0.8"],
        ] {
            assert!(!garch(bad).is_valid(), "{bad:?}");
            assert!(garch(bad).filter(&[UNIT], 1).is_err());
        }
        assert!(garch(["0.1", "0.2", "0.7999"]).on_boundary().is_some());
        assert!(garch(["0.1", "0", "0.5"]).on_boundary().is_some());
        assert!(garch(["0.1", "0.5", "0"]).on_boundary().is_some());
        assert!(garch(["0.1", "0.1", "0.5"]).on_boundary().is_none());
    }
}
