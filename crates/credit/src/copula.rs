//! Defaults that come together: the Gaussian one-factor copula, and what tranches lose under it.
//!
//! Name `i` has defaulted by a date if `sqrt(c) M + sqrt(1 - c) Z_i` is below the quantile of its
//! probability, where the factor `M` and all `Z_i` are independent standard normal and `c` is the correlation
//! (Vasicek 1987, Li 2000). Given the factor, names default independently, each with probability
//! `cdf((quantile(p) - sqrt(c) M) / sqrt(1 - c))`.
//!
//! The factor takes public values with public weights ([`Factor`]). Given it, a pool of finitely many names
//! has a loss distribution by the recurrence of Andersen, Sidenius and Basu (2003) and Hull and White (2004),
//! and an infinitely granular one loses the conditional probability itself ([`large_pool`]); under
//! [`conditional_defaults`] a pool of loans is projected as under any other stress.
//!
//! Probabilities are in 10^-18. Every rounding moves probability from smaller to larger losses. The
//! recurrence adds at most 10^-18 of the portfolio for each unit it may lose, and the conditional
//! probabilities less than 10^-12 as long as the names' own are above 10^-4 and the correlation is at most
//! 0.9. How far a grid of factors is from the integral is a matter of the grid, and measured in the tests.

use fixed::{Decimal, DomainError, Interval};
use rayon::prelude::*;

use crate::stress::{WEIGHT_DECIMALS, WEIGHT_ONE};

/// Decimals of probabilities.
pub const PROBABILITY_DECIMALS: u8 = 18;
/// Certainty.
pub const CERTAIN: u64 = 10u64.pow(PROBABILITY_DECIMALS as u32);
/// Most values that a factor may take.
pub const MAX_FACTORS: usize = 10_000;
/// Most units that a portfolio may lose.
pub const MAX_UNITS: usize = 100_000;
/// Widest grid of a factor: beyond nine deviations there is less than 10^-18.
const MAX_DEVIATIONS: u32 = 9;

/// The values a factor may take, and their probabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Values, rising, and their probabilities in 10^-18, which add up to one.
    pub points: Vec<(Interval, u64)>,
}

/// A name of a portfolio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Probability of a default, in 10^-18.
    pub probability: u64,
    /// What is lost by it, in units.
    pub units: u32,
}

/// How much a portfolio loses with what probability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossDistribution {
    /// At `k`: the probability, in 10^-18 and rounded up, that at least `k + 1` units are lost.
    tails: Vec<u64>,
}

/// A probability in 10^-18, rounded up.
///
/// # Errors
/// If it may be negative or above one.
pub fn probability(p: &Interval) -> Result<u64, DomainError> {
    let units = p.ceil_at(PROBABILITY_DECIMALS)?;
    let units = u64::try_from(units).map_err(|_| DomainError::Negative)?;
    if units > CERTAIN + 1_000 {
        return Err(DomainError::Overflow);
    }
    Ok(units.min(CERTAIN))
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
    /// A grid of quantiles: in the middle of each of so many equally likely parts, `quantile((k + 1/2) / n)`.
    ///
    /// # Errors
    /// If there are no parts or too many.
    pub fn quantiles(count: usize) -> Result<Self, DomainError> {
        if !(1..=MAX_FACTORS).contains(&count) {
            return Err(DomainError::Overflow);
        }
        let one = |k: usize| {
            let middle = Interval::from_int(2 * k as i64 + 1).div_int(2 * count as i64)?;
            quantile(&middle)
        };
        let values = (0..count).into_par_iter().map(one);
        let values = values.collect::<Result<Vec<_>, _>>()?;
        Ok(Self::weighted(values, &vec![1; count]))
    }

    /// A grid of equal steps from minus to plus so many deviations: in the middle of each step, with a
    /// probability proportional to the density there. For smooth functions the sum converges faster than any
    /// power of the step: 50 steps over 6 deviations give a tranche's expected loss to 10^-8 of the
    /// portfolio, where 1,000 quantiles give 10^-5.
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

/// The probability of a default given the factor: `cdf((quantile(p) - sqrt(c) M) / sqrt(1 - c))`, for a
/// probability's quantile.
///
/// # Errors
/// If the correlation is not from 0 to below 1.
pub fn conditional(
    quantile: &Interval,
    factor: &Interval,
    correlation: &Decimal,
) -> Result<Interval, DomainError> {
    let (common, own) = loadings(correlation)?;
    shifted(quantile, &common.mul(factor)?, &own)
}

/// `cdf((quantile - shift) / own)`.
fn shifted(quantile: &Interval, shift: &Interval, own: &Interval) -> Result<Interval, DomainError> {
    Ok(quantile.sub(shift)?.div(own)?.normal_cdf())
}

impl LossDistribution {
    /// The distribution of what independent names lose, name by name: with probability `p` what was lost
    /// before and the name's units, else what was lost before. `q[k] * p` is rounded up to 10^-18 and taken
    /// from `q[k]`, so that the whole stays one and rounding moves it to larger losses. (The recurrence of
    /// Andersen, Sidenius and Basu.)
    ///
    /// # Errors
    /// If more than [`MAX_UNITS`] may be lost, or a probability is above one.
    pub fn independent(names: &[Name]) -> Result<Self, DomainError> {
        Ok(Self::from_density(&density(names)?))
    }

    fn from_density(density: &[u64]) -> Self {
        let mut tails: Vec<u64> = density.iter().skip(1).copied().collect();
        for k in (1..tails.len()).rev() {
            tails[k - 1] += tails[k];
        }
        Self { tails }
    }

    /// The distribution over all values of a factor: names' probabilities given each, then the mean. All
    /// names have the same correlation. Tail probabilities are summed exactly, in 10^-36, and rounded up
    /// once.
    ///
    /// # Errors
    /// If the correlation is not from 0 to below 1, a probability too near to 0 or 1 (exactly 0 and 1 are
    /// fine), or more than [`MAX_UNITS`] may be lost.
    pub fn over_factor(
        names: &[Name],
        correlation: &Decimal,
        factor: &Factor,
    ) -> Result<Self, DomainError> {
        let mut levels: Vec<u64> = names.iter().map(|n| n.probability).collect();
        levels.sort_unstable();
        levels.dedup();
        let quantiles = levels.iter().map(|p| level_quantile(*p));
        let quantiles = quantiles.collect::<Result<Vec<_>, _>>()?;
        let one = |(value, weight): &(Interval, u64)| -> Result<(Self, u64), DomainError> {
            let given = |level: usize| match &quantiles[level] {
                Some(q) => probability(&conditional(q, value, correlation)?),
                None => Ok(levels[level]),
            };
            let given = (0..levels.len())
                .map(given)
                .collect::<Result<Vec<_>, _>>()?;
            let name = |n: &Name| Name {
                probability: given[levels.binary_search(&n.probability).unwrap_or(0)],
                units: n.units,
            };
            let names: Vec<Name> = names.iter().map(name).collect();
            Ok((Self::independent(&names)?, *weight))
        };
        let parts = factor.points.par_iter().map(one);
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let units = parts.first().map_or(0, |(d, _)| d.tails.len());
        let mut sums = vec![0u128; units];
        for (part, weight) in &parts {
            for (sum, tail) in sums.iter_mut().zip(&part.tails) {
                *sum += u128::from(*tail) * u128::from(*weight);
            }
        }
        let tails = sums.iter().map(|s| s.div_ceil(u128::from(CERTAIN)) as u64);
        Ok(Self {
            tails: tails.collect(),
        })
    }

    /// The probability, in 10^-18 and rounded up, that at least so many units are lost.
    pub fn at_least(&self, units: usize) -> u64 {
        match units.checked_sub(1) {
            Some(k) => self.tails.get(k).copied().unwrap_or(0),
            None => CERTAIN,
        }
    }

    /// What a tranche is expected to lose, in 10^-18 of the money that its ends and the unit are in: the mean
    /// of `min(max(loss - attachment, 0), detachment - attachment)`, as the sum over units of the probability
    /// that the unit is lost times the part of it that the tranche bears. It is exact from the tail
    /// probabilities, so tranches that share a portfolio lose together exactly what it loses.
    ///
    /// # Errors
    /// If the tranche is empty or money does not fit 2^60.
    pub fn tranche_loss(
        &self,
        unit: u64,
        attachment: u64,
        detachment: u64,
    ) -> Result<u128, DomainError> {
        let most = unit.checked_mul(self.tails.len() as u64);
        if detachment <= attachment || detachment > 1 << 60 || most.is_none_or(|m| m > 1 << 60) {
            return Err(DomainError::Overflow);
        }
        let bears = |loss: u64| loss.clamp(attachment, detachment) - attachment;
        let part = |(k, tail): (usize, &u64)| {
            let before = unit * k as u64;
            u128::from(*tail) * u128::from(bears(before + unit) - bears(before))
        };
        Ok(self.tails.iter().enumerate().map(part).sum())
    }
}

/// How likely it is that exactly so many units are lost by independent names.
fn density(names: &[Name]) -> Result<Vec<u64>, DomainError> {
    let units: u64 = names.iter().map(|n| u64::from(n.units)).sum();
    if units > MAX_UNITS as u64 || names.iter().any(|n| n.probability > CERTAIN) {
        return Err(DomainError::Overflow);
    }
    let mut density = vec![0u64; units as usize + 1];
    density[0] = CERTAIN;
    let mut reached = 0;
    for name in names {
        let step = name.units as usize;
        if step == 0 {
            continue;
        }
        for k in (0..=reached).rev() {
            let product = u128::from(density[k]) * u128::from(name.probability);
            let moved = product.div_ceil(u128::from(CERTAIN)) as u64;
            density[k] -= moved;
            density[k + step] += moved;
        }
        reached += step;
    }
    Ok(density)
}

/// The quantile of a probability; none of what is certain either way.
fn level_quantile(p: u64) -> Result<Option<Interval>, DomainError> {
    if p == 0 || p == CERTAIN {
        return Ok(None);
    }
    quantile(&Interval::from_decimal(&Decimal::new(
        p.into(),
        PROBABILITY_DECIMALS,
    ))?)
    .map(Some)
}

/// What a tranche of an infinitely granular pool of equal loans is expected to lose, in 10^-18 of the money
/// that `at_stake` (what is lost if all default) and its ends are in: the mean over the factor of the
/// tranche's part of `at_stake * p(M)` rounded up (Vasicek's limit).
///
/// # Errors
/// If the tranche is empty, money does not fit 2^60, the correlation is not from 0 to below 1, or the
/// probability too near to 0 or 1.
pub fn large_pool(
    p: u64,
    correlation: &Decimal,
    factor: &Factor,
    at_stake: u64,
    (attachment, detachment): (u64, u64),
) -> Result<u128, DomainError> {
    if detachment <= attachment || detachment.max(at_stake) > 1 << 60 || p > CERTAIN {
        return Err(DomainError::Overflow);
    }
    let level = level_quantile(p)?;
    let mut sum = 0;
    for (value, weight) in &factor.points {
        let given = match &level {
            Some(q) => probability(&conditional(q, value, correlation)?)?,
            None => p,
        };
        let loss = (u128::from(given) * u128::from(at_stake)).div_ceil(CERTAIN.into()) as u64;
        let borne = loss.clamp(attachment, detachment) - attachment;
        sum += u128::from(borne) * u128::from(*weight);
    }
    Ok(sum)
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

/// [`DefaultTimes::given`] one value of the factor.
///
/// # Errors
/// If a rate is above one, or the correlation is not from 0 to below 1.
pub fn conditional_defaults(
    rates: &[u64],
    factor: &Interval,
    correlation: &Decimal,
) -> Result<Vec<u64>, DomainError> {
    DefaultTimes::new(rates)?.given(factor, correlation)
}

/// What a tranche's protection costs: a synthetic CDO tranche, paid for in arrears on what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrancheSwap {
    /// The tranche's size, in some money.
    pub size: u64,
    /// Continuous interest rate, as a part a year.
    pub rate: Decimal,
    /// Payments a year.
    pub frequency: u32,
}

impl TrancheSwap {
    /// The fair spread, as a part a year, from the tranche's expected losses by each payment date, in 10^-18
    /// of its money. Losses come in the middle between payment dates; then the protection is paid, and so is
    /// the spread accrued (Hull and White 2004): `C / (A + B)`, where with discount factors `v(t)`, years `d`
    /// between dates and expected sizes `E`
    ///
    /// - `A = sum d E(t) v(t)`,
    /// - `B = sum d/2 (E(t - d) - E(t)) v(t - d/2)`,
    /// - `C = sum (E(t - d) - E(t)) v(t - d/2)`.
    ///
    /// # Errors
    /// If expected losses fall or exceed the size, or nothing is ever left to pay on.
    pub fn spread(&self, losses: &[u128]) -> Result<Interval, DomainError> {
        if self.size == 0 || self.frequency == 0 {
            return Err(DomainError::Division);
        }
        let size = u128::from(self.size) * u128::from(CERTAIN);
        let rate = Interval::from_decimal(&self.rate)?;
        // In halves of the time between payments.
        let discount = |half: usize| -> Result<Interval, DomainError> {
            let years = Interval::from_int(half as i64).div_int(2 * i64::from(self.frequency))?;
            rate.mul(&years)?.neg().exp()
        };
        // A part of the size, within 10^-18 of it.
        let part = |amount: u128| -> Result<Interval, DomainError> {
            let units = (amount / u128::from(self.size)) as i128;
            let decimal = |u| Interval::from_decimal(&Decimal::new(u, PROBABILITY_DECIMALS));
            Ok(decimal(units)?.hull(&decimal(units + 1)?))
        };
        let (mut regular, mut lost) = (Interval::ZERO, Interval::ZERO);
        let mut before = 0;
        for (i, loss) in losses.iter().enumerate() {
            let more = loss.checked_sub(before).ok_or(DomainError::Negative)?;
            let left = size.checked_sub(*loss).ok_or(DomainError::Overflow)?;
            regular = regular.add(&part(left)?.mul(&discount(2 * i + 2)?)?)?;
            lost = lost.add(&part(more)?.mul(&discount(2 * i + 1)?)?)?;
            before = *loss;
        }
        let paid = regular.add(&lost.half())?.div_int(self.frequency.into())?;
        lost.div(&paid)
    }
}
