//! Value at risk, conditional value at risk, and entropic value at risk of losses, equally likely or not.
//!
//! EVaR (Ahmadi-Javid, 2012) is the tightest bound on VaR and CVaR that Chernoff's inequality gives:
//!
//! ```text
//! EVaR(X) = inf over z > 0 of (1/z) ln(E[exp(z X)] / alpha)          alpha = 1 - confidence
//!         = max of E_Q[X] over Q with relative entropy KL(Q | P) <= ln(1 / alpha)
//! ```
//!
//! At the optimum Q is the *tilt*, Q proportional to exp(z X), and its entropy is ln(1 / alpha). The first line
//! bounds EVaR from above for any z, the second from below for any Q that is allowed, so [`evar`] gives an
//! enclosure. If the largest loss has probability alpha or more, EVaR is the largest loss and z runs to
//! infinity.
//!
//! The solver looks for the scale `1/z` between two ends that enclose it whatever the losses are: at a 128th of the
//! gap between the two largest losses nothing but the largest counts, at the losses' whole spread the entropy is
//! below 1/8. Entropy falls with the scale, so Newton's steps are taken only where they stay between the ends. What
//! it finds is what the [certificate](crate::certificate) is made from, and what that is judged by: one path for
//! what is quoted and what is proven.

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval, Rounding, mul_div};
use serde::{Deserialize, Serialize};

use crate::certificate::MAX_GAIN;
use crate::scenarios::{MAX_PART, ScenarioSet};

/// How sure: 0.95 means that the worst 5% count. At least 0.5, below 1, at most six decimals. (Libraries
/// disagree about what `alpha` means, so it is not a parameter here.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Confidence {
    /// The tail's probability in millionths, 1 to 500,000.
    tail: u64,
}

/// Why a risk measure has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvarError {
    /// The confidence is out of range.
    #[error("the confidence must be at least 0.5 and below 1, with at most six decimals")]
    Confidence,
    /// There is nothing to measure.
    #[error("there are no scenarios")]
    Empty,
    /// Losses spread too far.
    #[error("losses differ by 2^58 units or more; use a coarser unit")]
    Range,
    /// Not one probability a loss, or one that does not fit.
    #[error(
        "there must be one probability a loss, of 1 to 2^40 parts, or none if losses are equally likely"
    )]
    Probabilities,
    /// What was found cannot be told apart from other values to a unit.
    #[error(
        "EVaR cannot be enclosed to a unit and a 2^40th of the losses' spread; use a coarser unit"
    )]
    Imprecise,
    /// Arithmetic failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

impl Confidence {
    /// The tail's probability, in millionths.
    pub fn tail_millionths(&self) -> u64 {
        self.tail
    }

    /// ln(1 / alpha).
    pub fn entropy(&self) -> Result<Interval, DomainError> {
        let alpha = Decimal::new(i128::from(self.tail), 6);
        Ok(Interval::from_decimal(&alpha)?.ln()?.neg())
    }
}

impl TryFrom<Decimal> for Confidence {
    type Error = EvarError;
    fn try_from(confidence: Decimal) -> Result<Self, EvarError> {
        let millionths = confidence
            .rescale_exact(6)
            .map_err(|_| EvarError::Confidence)?;
        if (500_000..1_000_000).contains(&millionths) {
            Ok(Self {
                tail: (1_000_000 - millionths) as u64,
            })
        } else {
            Err(EvarError::Confidence)
        }
    }
}

impl From<Confidence> for Decimal {
    fn from(confidence: Confidence) -> Self {
        Decimal::new(1_000_000 - i128::from(confidence.tail), 6).normalized()
    }
}

/// Losses, and how likely each is.
#[derive(Clone, Copy, Debug)]
pub struct Losses<'a> {
    ticks: &'a [i64],
    /// In parts of their sum; empty if all are equally likely.
    parts: &'a [u64],
}

impl<'a> Losses<'a> {
    /// Losses in the scenarios of a set, in their order.
    pub fn over(set: &'a ScenarioSet, ticks: &'a [i64]) -> Self {
        Self::weighted(ticks, &set.probabilities)
    }

    /// Losses with their probabilities, in parts of the sum of these; without any, all are equally likely.
    pub fn weighted(ticks: &'a [i64], parts: &'a [u64]) -> Self {
        Self { ticks, parts }
    }

    /// Each with its parts, and all parts.
    fn each(&self) -> Result<(Vec<(i64, u64)>, u128), EvarError> {
        if self.ticks.is_empty() {
            return Err(EvarError::Empty);
        }
        if self.parts.is_empty() {
            let each = self.ticks.iter().map(|&x| (x, 1)).collect();
            return Ok((each, self.ticks.len() as u128));
        }
        let fits = |part: &u64| (1..=MAX_PART).contains(part);
        if self.parts.len() != self.ticks.len() || !self.parts.iter().all(fits) {
            return Err(EvarError::Probabilities);
        }
        let each = self.ticks.iter().copied().zip(self.parts.iter().copied());
        let total = self.parts.iter().map(|&p| u128::from(p)).sum();
        Ok((each.collect(), total))
    }
}

impl<'a> From<&'a [i64]> for Losses<'a> {
    fn from(ticks: &'a [i64]) -> Self {
        Self::weighted(ticks, &[])
    }
}

impl<'a> From<&'a Vec<i64>> for Losses<'a> {
    fn from(ticks: &'a Vec<i64>) -> Self {
        Self::weighted(ticks, &[])
    }
}

impl<'a, const N: usize> From<&'a [i64; N]> for Losses<'a> {
    fn from(ticks: &'a [i64; N]) -> Self {
        Self::weighted(ticks, &[])
    }
}

/// The entropic value at risk of a set of losses.
#[derive(Clone, Debug)]
pub struct Evar {
    /// An enclosure, in the unit of the losses; not above the largest loss.
    pub value: Interval,
    /// Losses per e-fold of weight, 1/z, in the unit of the losses; zero if z runs to infinity.
    pub scale: Interval,
    /// The tilt: the weight of each scenario, its probability included, in units of 2^-56. Not normalized.
    pub weights: Vec<i128>,
}

/// A loss such that larger ones have no more than the tail's probability: the least one.
///
/// # Errors
/// If there are no losses, or their probabilities do not fit.
pub fn var<'a>(losses: impl Into<Losses<'a>>, confidence: Confidence) -> Result<i64, EvarError> {
    let (mut sorted, total) = losses.into().each()?;
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    // Parts that may be larger, in millionths.
    let larger = u128::from(confidence.tail) * total;
    let mut parts = 0;
    for &(x, p) in &sorted {
        parts += u128::from(p) * 1_000_000;
        if parts > larger {
            return Ok(x);
        }
    }
    // The parts of all losses are more than those of the tail.
    Err(EvarError::Empty)
}

/// The mean of the worst losses with the tail's probability (Rockafellar and Uryasev, 2002), enclosed.
///
/// # Errors
/// If there are no losses or they do not fit.
pub fn cvar<'a>(
    losses: impl Into<Losses<'a>>,
    confidence: Confidence,
) -> Result<Interval, EvarError> {
    // VaR + E[(X - VaR)+] / alpha
    let losses = losses.into();
    let var = var(losses, confidence)?;
    let (each, total) = losses.each()?;
    // Below 2^59 * 2^40 * 2^24.
    let above = |x: i64| (i128::from(x) - i128::from(var)).max(0);
    let excess: i128 = each.iter().map(|&(x, p)| above(x) * i128::from(p)).sum();
    let weight = i128::from(confidence.tail) * total as i128;
    let end = |rounding| {
        mul_div(excess, 1_000_000 << FRACTION_BITS, weight, rounding).map_err(DomainError::from)
    };
    let mean = Interval::from_ends(end(Rounding::Floor)?, end(Rounding::Ceil)?)?;
    Ok(mean.add(&Interval::from_int(var))?)
}

/// The entropic value at risk, enclosed to a unit, and where losses spread over more than 2^40 units to a 2^40th of the
/// spread.
///
/// # Errors
/// If there are no losses, they spread too far, or the enclosure is wider.
pub fn evar<'a>(losses: impl Into<Losses<'a>>, confidence: Confidence) -> Result<Evar, EvarError> {
    let (each, total) = losses.into().each()?;
    let ends = || each.iter().map(|&(x, _)| x);
    let (most, least) = (ends().max().unwrap_or(0), ends().min().unwrap_or(0));
    let spread = i128::from(most) - i128::from(least);
    if spread >= i128::from(MAX_GAIN) {
        return Err(EvarError::Range);
    }
    let at_most = each.iter().filter(|(x, _)| *x == most);
    let at_most: u128 = at_most.map(|&(_, p)| u128::from(p)).sum();
    if at_most * 1_000_000 >= u128::from(confidence.tail) * total {
        let one = 1i128 << FRACTION_BITS;
        let weight = |&(x, _): &(i64, u64)| if x == most { one } else { 0 };
        return Ok(Evar {
            value: Interval::from_int(most),
            scale: Interval::ZERO,
            weights: each.iter().map(weight).collect(),
        });
    }
    let found = solve(&Tilted::new(&each, total, most)?, &confidence.entropy()?)?;
    // An enclosure of the true value, so what is above the largest loss can be cut off.
    let value = Interval::from_ends(
        found.value.lo(),
        found.value.hi().min(Interval::from_int(most).hi()),
    )?;
    if value.width() > (1 << FRACTION_BITS).max(spread << (FRACTION_BITS - 40)) {
        return Err(EvarError::Imprecise);
    }
    Ok(Evar { value, ..found })
}

/// Losses as their tilt sees them.
struct Tilted {
    most: Interval,
    /// How far each is below the largest, in units.
    below: Vec<Interval>,
    /// The logarithm of each one's probability times their number: -38 to 10.
    odds: Vec<Interval>,
    count: Interval,
}

impl Tilted {
    fn new(each: &[(i64, u64)], total: u128, most: i64) -> Result<Self, DomainError> {
        let number = |x: u128| Interval::from_decimal(&Decimal::new(x as i128, 0));
        let count = each.len() as u128;
        let mut below = Vec::with_capacity(each.len());
        let mut odds = Vec::with_capacity(each.len());
        for &(x, p) in each {
            below.push(number((i128::from(most) - i128::from(x)) as u128)?);
            odds.push(if total == count {
                Interval::from_int(p as i64).ln()?
            } else {
                let own = number(count * u128::from(p))?.ln()?;
                own.sub(&number(total)?.ln()?)?
            });
        }
        Ok(Self {
            most: Interval::from_int(most),
            below,
            odds,
            count: number(count)?,
        })
    }
}

/// Steps at most; a fourth of them halve the ends, first by their ratio of 2^65 at most, then to a 2^50th of a scale.
const MOST_STEPS: usize = 256;

/// EVaR where the largest loss is less likely than the tail.
fn solve(losses: &Tilted, entropy: &Interval) -> Result<Evar, EvarError> {
    let gaps = losses.below.iter().map(Interval::lo);
    let nearest = gaps.clone().filter(|&gap| gap > 0).min().unwrap_or(0);
    let spread = gaps.max().unwrap_or(0);
    // The scale lies between these.
    let (mut low, mut high) = ((nearest >> 7).max(1), spread.max(1));
    let point = |x: i128| Interval::from_ends(x, x);
    let mut tilt = Tilt::new(losses, point(low)?)?;
    if tilt.entropy()?.center().lo() > entropy.center().lo() {
        let mut scale = high;
        for step in 0..MOST_STEPS {
            tilt = Tilt::new(losses, point(scale)?)?;
            let excess = tilt.entropy()?.sub(entropy)?.center();
            if excess.lo() > 0 {
                low = scale;
            } else {
                high = scale;
            }
            if high - low <= 1 + (low >> 50) {
                break;
            }
            // The slope of the entropy is -Var(u) / scale.
            let newton = excess.div(&tilt.variance()?);
            let newton = newton.and_then(|step| step.mul(&point(scale)?));
            let next = newton.map(|step| scale + step.center().lo());
            let inside = |x: &i128| low < *x && *x < high;
            // Newton creeps where the tilt goes over from one loss to another: every fourth step halves the ends.
            let moved = next.ok().filter(inside).filter(|_| step % 4 != 3);
            if moved.is_some_and(|x| (x - scale).abs() <= scale >> 48) {
                break;
            }
            // Halfway, by ratio while the ends are far apart.
            scale = moved.unwrap_or_else(|| match (high / low).ilog2() {
                0 | 1 => low + (high - low) / 2,
                octaves => low << octaves.div_ceil(2),
            });
        }
    }
    let scale = tilt.scale;
    let upper = tilt.upper(entropy)?;
    // A slightly flatter tilt is allowed: its mean is a lower bound.
    let mut flatter = scale.lo();
    let mut widen = scale.lo() >> 50;
    let lower = loop {
        let allowed = Tilt::new(losses, point(flatter)?)?;
        if allowed.entropy()?.hi() <= entropy.lo() {
            break allowed.mean()?;
        }
        widen = 2 * widen.max(1);
        flatter += widen;
    };
    Ok(Evar {
        value: Interval::from_ends(lower.lo().min(upper.hi()), upper.hi())?,
        scale,
        weights: tilt.weights.iter().map(|w| w.center().lo()).collect(),
    })
}

/// The tilt of losses at a scale, with its sums.
struct Tilt<'a> {
    losses: &'a Tilted,
    scale: Interval,
    /// n p exp(u - shift), u = (x - most) / scale; the largest is about 1.
    weights: Vec<Interval>,
    /// The logarithm of E[exp(u)].
    log_mean: Interval,
    /// E_Q[u] and E_Q[u^2].
    mean_u: Interval,
    mean_square: Interval,
}

impl<'a> Tilt<'a> {
    fn new(losses: &'a Tilted, scale: Interval) -> Result<Self, DomainError> {
        // Beyond 256 e-folds a weight is nothing whatever the odds.
        let far = |below: &Interval| below.lo() >> 8 > scale.hi();
        let of = |below: &Interval| match far(below) {
            true => Ok(Interval::from_int(-256)),
            false => below.div(&scale).map(|u| u.neg()),
        };
        let us = losses.below.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        let logs = us.iter().zip(&losses.odds).map(|(u, odds)| u.add(odds));
        let logs = logs.collect::<Result<Vec<_>, _>>()?;
        let shift = logs.iter().map(|log| log.center().lo()).max().unwrap_or(0);
        let shift = Interval::from_ends(shift, shift)?;
        let mut weights = Vec::with_capacity(logs.len());
        let [mut total, mut first, mut second] = [Interval::ZERO; 3];
        // Beyond y = 60 e-folds weight and moments, of which u is below y + 100 in magnitude, are below 2^-56.
        let (cut, unit) = (Interval::from_int(-60), Interval::from_ends(0, 1)?);
        for (u, log) in us.iter().zip(&logs) {
            let log = log.sub(&shift)?;
            let (weight, term, square) = if log.hi() < cut.lo() {
                (unit, unit.neg(), unit)
            } else {
                let weight = log.exp()?;
                let term = weight.mul(u)?;
                (weight, term, term.mul(u)?)
            };
            total = total.add(&weight)?;
            first = first.add(&term)?;
            second = second.add(&square)?;
            weights.push(weight);
        }
        Ok(Self {
            losses,
            scale,
            log_mean: total.ln()?.add(&shift)?.sub(&losses.count.ln()?)?,
            weights,
            mean_u: first.div(&total)?,
            mean_square: second.div(&total)?,
        })
    }

    /// KL(Q | P) = E_Q[u] - ln(E[exp(u)]).
    fn entropy(&self) -> Result<Interval, DomainError> {
        self.mean_u.sub(&self.log_mean)
    }

    fn variance(&self) -> Result<Interval, DomainError> {
        self.mean_square.sub(&self.mean_u.mul(&self.mean_u)?)
    }

    /// most + scale (ln(E[exp(u)]) + ln(1 / alpha)): not below EVaR, whatever the scale.
    fn upper(&self, entropy: &Interval) -> Result<Interval, DomainError> {
        let log = self.log_mean.add(entropy)?;
        self.losses.most.add(&self.scale.mul(&log)?)
    }

    /// E_Q of the losses.
    fn mean(&self) -> Result<Interval, DomainError> {
        self.losses.most.add(&self.scale.mul(&self.mean_u)?)
    }
}
