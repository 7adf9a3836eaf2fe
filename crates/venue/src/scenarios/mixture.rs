//! Draws of a defensive mixture: half of them as the forecast says, half two and a half times as wide, with probabilities
//! that make up for it (Hesterberg 1995).
//!
//! EVaR lives on the far tail, which plain draws hardly reach: of 16,384 they give an EVaR that is some percent low and says
//! nothing of it. With the density `f` of the forecast's shocks `z` and that of the wide ones, `h(z) = c^-k f(z / c)`, `c = 5/2`
//! and `k` markets, a draw has the probability
//!
//! ```text
//! p proportional to f / (f/2 + h/2) = 2 / (1 + h/f)
//! normal shocks:     ln h/f = 21/50 |z|^2 - k ln c
//! Student's shocks:  ln h/f = (nu + k)/2 ln((1 + |z|^2/(nu - 2)) / (1 + |z|^2/(c^2 (nu - 2)))) - k ln c
//! ```
//!
//! in parts of 2^-39, one at least. Support is bounded: a draw with a shock beyond ten deviations is dropped and half chosen
//! anew, which leaves the ratio of densities as it is. Without a bound fat tails have no EVaR at all.

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval};
use serde::{Deserialize, Serialize};

use super::linear::{UNIT, exact, times};
use super::normal::Words;

/// What shocks are distributed like; with mean zero and deviation one, before they are bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shocks {
    /// Independent normal numbers.
    Normal,
    /// Those, divided by one common factor: Student's t of several dimensions, with fat tails that come together.
    StudentT {
        /// Degrees of freedom, 3 to 30.
        freedom: u32,
    },
}

/// Shocks are at most so many deviations.
const MOST: i128 = 10 * UNIT;
/// Parts that a probability of one of an even mixture has.
const PART_BITS: u32 = 39;

impl Shocks {
    /// Whether there are such shocks.
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Normal => true,
            Self::StudentT { freedom } => (3..=30).contains(freedom),
        }
    }

    /// So many shocks at once, in units of 2^-56, and the parts of their probability.
    ///
    /// # Errors
    /// If a number is out of range.
    pub(super) fn draw(
        &self,
        words: &mut Words,
        count: usize,
    ) -> Result<(Vec<i128>, u64), DomainError> {
        loop {
            let wide = words.bit();
            let mut shocks = words.normals(count)?;
            if let Self::StudentT { freedom } = self {
                let squares = words.normals(*freedom as usize)?;
                let chi: i128 = squares.iter().map(|x| times(*x, *x)).sum();
                let factor =
                    Interval::from_int(i64::from(*freedom) - 2).div(&exact(chi.max(1))?)?;
                let factor = factor.sqrt()?.center().lo();
                for x in &mut shocks {
                    *x = exact(*x)?.mul(&exact(factor)?)?.lo();
                }
            }
            if wide {
                shocks.iter_mut().for_each(|x| *x = *x * 5 / 2);
            }
            if shocks.iter().all(|x| x.abs() <= MOST) {
                let parts = self.parts(&shocks)?;
                return Ok((shocks, parts));
            }
        }
    }

    /// The parts of the probability of a draw.
    fn parts(&self, shocks: &[i128]) -> Result<u64, DomainError> {
        // At most 64 * 100.
        let square = exact(shocks.iter().map(|x| times(*x, *x)).sum())?;
        let markets = shocks.len() as i64;
        let widths = Interval::from_int(5).div_int(2)?.ln()?.times(markets)?;
        let exponent = match self {
            Self::Normal => square.times(21)?.div_int(50)?,
            Self::StudentT { freedom } => {
                let nu = i64::from(*freedom);
                let own = square.div_int(nu - 2)?;
                let wide = own.times(4)?.div_int(25)?;
                let ratio = Interval::ONE.add(&own)?.ln()?;
                let ratio = ratio.sub(&Interval::ONE.add(&wide)?.ln()?)?;
                ratio.times(nu + markets)?.div_int(2)?
            }
        };
        let exponent = exponent.sub(&widths)?.center();
        // Beyond 40 e-folds nothing is left but the least part.
        if exponent.lo() > 40 << FRACTION_BITS {
            return Ok(1);
        }
        let ratio = Interval::ONE.add(&exponent.exp()?)?;
        let share = Interval::from_int(2).div(&ratio)?.center().lo();
        Ok(((share >> (FRACTION_BITS - PART_BITS)) as u64).max(1))
    }
}

impl std::fmt::Display for Shocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Normal => write!(f, "normal"),
            Self::StudentT { freedom } => write!(f, "Student's t of {freedom} degrees of freedom"),
        }
    }
}

/// The largest shock, in deviations.
pub fn most() -> Decimal {
    Decimal::from_int(MOST >> FRACTION_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(x: i128) -> f64 {
        x as f64 / UNIT as f64
    }

    /// Draws with their weights, which add up to one.
    fn drawn(shocks: &Shocks, markets: usize, count: u64) -> Vec<(Vec<f64>, f64)> {
        let draws = (0..count).map(|s| {
            let mut words = Words::new("a mixture", s);
            let (shocks, parts) = shocks.draw(&mut words, markets).unwrap();
            (
                shocks.into_iter().map(float).collect::<Vec<_>>(),
                parts as f64,
            )
        });
        let draws: Vec<_> = draws.collect();
        let total: f64 = draws.iter().map(|(_, w)| w).sum();
        draws.into_iter().map(|(z, w)| (z, w / total)).collect()
    }

    /// A weighted mean of draws is `expected` within four and a half standard errors, and the error is as small as it must be.
    fn assert_mean(
        draws: &[(Vec<f64>, f64)],
        f: impl Fn(&[f64]) -> f64,
        expected: f64,
        error_at_most: f64,
    ) {
        let mean: f64 = draws.iter().map(|(z, w)| w * f(z)).sum();
        let squares = draws.iter().map(|(z, w)| (w * (f(z) - mean)).powi(2));
        let error = squares.sum::<f64>().sqrt();
        assert!(
            (mean - expected).abs() < 4.5 * error,
            "{mean} is not {expected} +- {error}"
        );
        assert!(error < error_at_most, "{error}");
    }

    #[test]
    fn weights_make_up_for_the_wide_half() {
        let draws = drawn(&Shocks::Normal, 2, 16_384);
        assert_mean(&draws, |z| z[0], 0.0, 0.02);
        assert_mean(&draws, |z| z[0] * z[0], 1.0, 0.02);
        assert_mean(&draws, |z| z[0] * z[1], 0.0, 0.02);
        assert_mean(&draws, |z| z[1].powi(4), 3.0, 0.1);
        // One in 31,574: plain draws have none or one of them.
        let far = |z: &[f64]| f64::from(u8::from(z[0] > 4.0));
        assert_mean(&draws, far, 3.167e-5, 5e-6);
        assert!(draws.iter().all(|(z, _)| z.iter().all(|x| x.abs() <= 10.0)));
        assert!(draws.iter().any(|(z, _)| z.iter().any(|x| x.abs() > 7.0)));
    }

    /// Of six degrees: 0.5% lie beyond 3.0270 deviations, which is 3.7074 by the root of 3/2.
    #[test]
    fn fat_tails_are_those_of_the_tables() {
        let draws = drawn(&Shocks::StudentT { freedom: 6 }, 2, 16_384);
        let far = |z: &[f64]| f64::from(u8::from(z[0] > 3.7074 / 1.5f64.sqrt()));
        assert_mean(&draws, far, 0.005, 3e-4);
        assert_mean(&draws, |z| z[1], 0.0, 0.02);
        // 1.4398 by the root of 3/2: a tenth.
        let near = |z: &[f64]| f64::from(u8::from(z[1] < -1.4398 / 1.5f64.sqrt()));
        assert_mean(&draws, near, 0.1, 3e-3);
        // They come together: given a far one, the other is wide.
        let both = |z: &[f64]| f64::from(u8::from(z[0].abs() > 3.0)) * (z[1] * z[1] - 1.0);
        let joint: f64 = draws.iter().map(|(z, w)| w * both(z)).sum();
        assert!(joint > 0.005, "{joint}");
        assert!(draws.iter().all(|(z, _)| z.iter().all(|x| x.abs() <= 10.0)));
    }
}
