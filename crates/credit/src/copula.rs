//! Defaults that come together: the Gaussian one-factor copula.
//!
//! Name `i` has defaulted by a date if `sqrt(c) M + sqrt(1 - c) Z_i` is below the quantile of its
//! probability, where the factor `M` and all `Z_i` are independent standard normal and `c` is the correlation
//! (Vasicek 1987, Li 2000). Given the factor, names default independently, each with probability
//! `cdf((quantile(p) - sqrt(c) M) / sqrt(1 - c))`.
//!
//! The factor takes public values with public weights ([`Factor`]). Given it, an infinitely granular pool loses the conditional
//! probability itself, month by month ([`DefaultTimes`]): so it is projected as under any other stress.
//!
//! Probabilities are in 10^-18. Every rounding moves probability from smaller to larger losses: the conditional ones are above the
//! exact ones by less than 10^-12 as long as the names' own are above 10^-4 and the correlation is at most 0.9. How far a grid of
//! factors is from the integral is a matter of the grid, and measured in the tests.

use fixed::{Decimal, DomainError, Interval};
use rayon::prelude::*;

use crate::stress::{WEIGHT_DECIMALS, WEIGHT_ONE};

/// Decimals of probabilities.
pub const PROBABILITY_DECIMALS: u8 = 18;
/// Certainty.
pub const CERTAIN: u64 = 10u64.pow(PROBABILITY_DECIMALS as u32);
/// Most values that a factor may take.
pub const MAX_FACTORS: usize = 10_000;
/// Widest grid of a factor: beyond nine deviations there is less than 10^-18.
const MAX_DEVIATIONS: u32 = 9;

/// The values a factor may take, and their probabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Values, rising, and their probabilities in 10^-18, which add up to one.
    pub points: Vec<(Interval, u64)>,
}

/// The number below which a standard normal one is with this probability. What is nearer to 0 or 1 than
/// 10^-15 is an error; else the enclosure is at most `2 (w + 4) / pdf + 2` units of 2^-56 wide for an
/// argument of width `w`.
///
/// # Errors
/// If the probability may be too near to 0 or 1.
pub fn quantile(p: &Interval) -> Result<Interval, DomainError> {
    let least = Interval::from_decimal(&Decimal::new(1, 15))?.hi();
    let one = Interval::ONE.lo();
    if p.lo() < least || p.hi() > one - least {
        return Err(DomainError::Logarithm);
    }
    // The largest number whose distribution function is surely not above the lower end, and the smallest one
    // whose is surely not below the upper end.
    let search = |holds: &dyn Fn(&Interval) -> bool, mut yes: i128, mut no: i128| {
        while (yes - no).abs() > 1 {
            let middle = yes + (no - yes) / 2;
            match Interval::from_ends(middle, middle) {
                Ok(x) if holds(&x.normal_cdf()) => yes = middle,
                _ => no = middle,
            }
        }
        yes
    };
    let end = 8 * one;
    let lo = search(&|c| c.hi() <= p.lo(), -end, end);
    let hi = search(&|c| c.lo() >= p.hi(), end, -end);
    Interval::from_ends(lo.min(hi), hi)
}

impl Factor {
    /// A grid of equal steps from minus to plus so many deviations: in the middle of each step, with a
    /// probability proportional to the density there. For smooth functions the sum converges faster than any
    /// power of the step.
    ///
    /// # Errors
    /// If there are no steps or too many, or no deviations or more than 9.
    pub fn steps(count: usize, deviations: u32) -> Result<Self, DomainError> {
        if !(1..=MAX_FACTORS).contains(&count) || !(1..=MAX_DEVIATIONS).contains(&deviations) {
            return Err(DomainError::Overflow);
        }
        let middle = |k: usize| {
            let part = i64::from(deviations) * (2 * k as i64 + 1 - count as i64);
            Interval::from_int(part).div_int(count as i64)
        };
        let values = (0..count).map(middle).collect::<Result<Vec<_>, _>>()?;
        let density = |x: &Interval| x.normal_pdf().lo().max(0) as u64;
        let weights: Vec<u64> = values.iter().map(density).collect();
        Ok(Self::weighted(values, &weights))
    }

    /// The mean of what has one value for each value of the factor, such as a tranche's loss in cents under
    /// each, in 10^-18 of its unit, exactly.
    ///
    /// # Errors
    /// If there is not one for each.
    pub fn mean(&self, values: &[u64]) -> Result<u128, DomainError> {
        if values.len() != self.points.len() {
            return Err(DomainError::Contradiction);
        }
        let weighted = self.points.iter().zip(values);
        let parts = weighted.map(|((_, weight), value)| u128::from(*weight) * u128::from(*value));
        Ok(parts.sum())
    }

    /// Weights as probabilities that add up to one: each rounded down, and what is left to the first, where
    /// losses are the largest.
    fn weighted(values: Vec<Interval>, weights: &[u64]) -> Self {
        let total: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        let part = |w: &u64| (u128::from(*w) * u128::from(CERTAIN) / total) as u64;
        let mut points: Vec<_> = values.into_iter().zip(weights.iter().map(part)).collect();
        let sum: u64 = points.iter().map(|(_, w)| w).sum();
        points[0].1 += CERTAIN - sum;
        Self { points }
    }
}

/// A correlation's square root, and that of the rest.
fn loadings(correlation: &Decimal) -> Result<(Interval, Interval), DomainError> {
    let c = Interval::from_decimal(correlation)?;
    let rest = Interval::ONE.sub(&c)?;
    if c.lo() < 0 || rest.lo() <= 0 {
        return Err(DomainError::SquareRoot);
    }
    Ok((c.sqrt()?, rest.sqrt()?))
}

/// `cdf((quantile - shift) / own)`.
fn shifted(quantile: &Interval, shift: &Interval, own: &Interval) -> Result<Interval, DomainError> {
    Ok(quantile.sub(shift)?.div(own)?.normal_cdf())
}

/// When the loans of a pool default: one default time a loan, from the monthly rates of a stress, and a factor that they share.
/// What depends on no factor is computed once, for any number of its values.
#[derive(Clone, Debug)]
pub struct DefaultTimes {
    rates: Vec<u64>,
    months: Vec<Gone>,
}

/// What has defaulted by the end of a month, without the factor.
#[derive(Clone, Copy, Debug)]
enum Gone {
    Nothing,
    Everything,
    Part(Interval),
}

impl DefaultTimes {
    /// From monthly default rates in 10^-12. What has defaulted with less than 10^-15 counts as that much.
    ///
    /// # Errors
    /// If a rate is above one.
    pub fn new(rates: &[u64]) -> Result<Self, DomainError> {
        let one = Interval::ONE;
        let least = Interval::from_decimal(&Decimal::new(1, 15))?.hi();
        let mut left = one;
        let mut parts = Vec::with_capacity(rates.len());
        for rate in rates {
            if *rate > WEIGHT_ONE {
                return Err(DomainError::Overflow);
            }
            let rate = Interval::from_decimal(&Decimal::new((*rate).into(), WEIGHT_DECIMALS))?;
            left = left.mul(&one.sub(&rate)?)?;
            let gone = one.sub(&left)?;
            parts.push(if gone.hi() <= 0 {
                Gone::Nothing
            } else if left.lo() < least {
                Gone::Everything
            } else {
                let (lo, hi) = (gone.lo().max(least), gone.hi().max(least));
                Gone::Part(Interval::from_ends(lo, hi)?)
            });
        }
        let quantiles = parts.into_par_iter().map(|part| match part {
            Gone::Part(gone) => quantile(&gone).map(Gone::Part),
            certain => Ok(certain),
        });
        Ok(Self {
            rates: rates.to_vec(),
            months: quantiles.collect::<Result<_, _>>()?,
        })
    }

    /// Monthly default rates given the factor, in 10^-12: those under which at least as much has defaulted by each
    /// month as the copula says. With these, in place of a stress's own, a pool is projected under one public scenario of
    /// the factor. Without correlation they are the stress's own.
    ///
    /// What survives is enclosed, and its lower end taken, so rounding only adds defaults: at most 10^-12 a month for the
    /// rates' last decimal, and less than 10^-10 besides, once more than 10^-4 has defaulted.
    ///
    /// # Errors
    /// If the correlation is not from 0 to below 1.
    pub fn given(&self, factor: &Interval, correlation: &Decimal) -> Result<Vec<u64>, DomainError> {
        let (common, own) = loadings(correlation)?;
        if correlation.is_zero() {
            return Ok(self.rates.clone());
        }
        let shift = common.mul(factor)?;
        let one = Interval::ONE;
        // A lower bound of what is left given the factor.
        let mut given = one;
        let mut out = Vec::with_capacity(self.months.len());
        for gone in &self.months {
            let now = match gone {
                Gone::Nothing => one.lo(),
                Gone::Everything => 0,
                Gone::Part(quantile) => one.lo() - shifted(quantile, &shift, &own)?.hi(),
            };
            let now = Interval::from_ends(now.min(given.lo()), now.min(given.lo()))?;
            let units = if now == given {
                0
            } else {
                one.sub(&now.div(&given)?)?.ceil_at(WEIGHT_DECIMALS)?
            };
            out.push(units.clamp(0, WEIGHT_ONE.into()) as u64);
            given = now;
        }
        Ok(out)
    }
}
