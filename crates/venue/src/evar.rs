//! Value at risk, conditional value at risk, and entropic value at risk of equally likely losses.
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

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval, Rounding, mul_div};
use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, MAX_GAIN};

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

/// The entropic value at risk of a set of losses.
#[derive(Clone, Debug)]
pub struct Evar {
    /// An enclosure, in the unit of the losses.
    pub value: Interval,
    /// Losses per e-fold of weight, 1/z, in the unit of the losses; zero if z runs to infinity.
    pub scale: Interval,
    /// The tilt: the weight of each scenario, in units of 2^-56, with the largest loss at most 1. Not
    /// normalized.
    pub weights: Vec<i128>,
}

/// A loss such that no more than the tail's share of scenarios is larger: the least one.
///
/// # Errors
/// If there are no losses.
pub fn var(losses: &[i64], confidence: Confidence) -> Result<i64, EvarError> {
    let mut sorted = losses.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let n = losses.len() as u128;
    // floor(alpha n) scenarios may be larger.
    let larger = (u128::from(confidence.tail) * n / 1_000_000) as usize;
    sorted.get(larger).copied().ok_or(EvarError::Empty)
}

/// The mean of the worst losses with the tail's probability (Rockafellar and Uryasev, 2002), enclosed.
///
/// # Errors
/// If there are no losses or they do not fit.
pub fn cvar(losses: &[i64], confidence: Confidence) -> Result<Interval, EvarError> {
    // VaR + E[(X - VaR)+] / alpha
    let var = var(losses, confidence)?;
    let excess: i128 = losses
        .iter()
        .map(|&x| (i128::from(x) - i128::from(var)).max(0))
        .sum();
    let weight = i128::from(confidence.tail) * losses.len() as i128;
    let end = |rounding| {
        mul_div(excess, 1_000_000 << FRACTION_BITS, weight, rounding).map_err(DomainError::from)
    };
    let mean = Interval::from_ends(end(Rounding::Floor)?, end(Rounding::Ceil)?)?;
    Ok(mean.add(&Interval::from_int(var))?)
}

/// The entropic value at risk, enclosed to about 10^-12 of the spread of the losses.
///
/// # Errors
/// If there are no losses or they spread too far.
pub fn evar(losses: &[i64], confidence: Confidence) -> Result<Evar, EvarError> {
    let most = *losses.iter().max().ok_or(EvarError::Empty)?;
    let least = *losses.iter().min().ok_or(EvarError::Empty)?;
    if i128::from(most) - i128::from(least) >= i128::from(MAX_GAIN) {
        return Err(EvarError::Range);
    }
    let n = losses.len() as u128;
    let at_most = losses.iter().filter(|&&x| x == most).count() as u128;
    if at_most * 1_000_000 >= u128::from(confidence.tail) * n {
        let one = 1i128 << FRACTION_BITS;
        return Ok(Evar {
            value: Interval::from_int(most),
            scale: Interval::ZERO,
            weights: losses
                .iter()
                .map(|&x| if x == most { one } else { 0 })
                .collect(),
        });
    }
    // A scale that is right to about 2^-20, from the integers that are proven.
    let gains: Vec<u64> = losses
        .iter()
        .map(|&x| (i128::from(x) - i128::from(least)) as u64)
        .collect();
    let certificate = Certificate::find(&gains, confidence)?;
    let mut scale = certificate.units_per_efold()?;
    let entropy = confidence.entropy()?;
    let mut tilt = Tilt::new(losses, most, &scale)?;
    // Newton on KL(scale) = ln(1 / alpha): the slope is -Var(u) / scale. Quadratic, so three steps from 2^-20
    // reach the precision of the numbers.
    for _ in 0..3 {
        let step = tilt
            .entropy()?
            .sub(&entropy)?
            .div(&tilt.variance()?)?
            .mul(&scale)?;
        scale = scale.add(&step)?.center();
        tilt = Tilt::new(losses, most, &scale)?;
    }
    let upper = tilt.upper(&entropy)?;
    // A slightly flatter tilt is allowed: its mean is a lower bound.
    let mut flatter = scale;
    let mut widen = scale.lo() >> 44;
    let lower = loop {
        flatter = Interval::from_ends(flatter.lo() + widen, flatter.lo() + widen)?;
        widen = 2 * widen.max(1);
        let tilt = Tilt::new(losses, most, &flatter)?;
        if tilt.entropy()?.hi() <= entropy.lo() {
            break tilt.mean()?;
        }
    };
    Ok(Evar {
        value: Interval::from_ends(lower.lo().min(upper.hi()), upper.hi())?,
        scale,
        weights: tilt.weights.iter().map(|w| w.center().lo()).collect(),
    })
}

/// The tilt of losses at a scale, with its sums.
struct Tilt {
    most: Interval,
    scale: Interval,
    count: Interval,
    /// exp(u), u = (x - most) / scale.
    weights: Vec<Interval>,
    total: Interval,
    /// E_Q[u] and E_Q[u^2].
    mean_u: Interval,
    mean_square: Interval,
}

impl Tilt {
    fn new(losses: &[i64], most: i64, scale: &Interval) -> Result<Self, DomainError> {
        let mut weights = Vec::with_capacity(losses.len());
        let [mut total, mut first, mut second] = [Interval::ZERO; 3];
        for &x in losses {
            let below = Interval::from_int(x).sub(&Interval::from_int(most))?;
            let u = below.div(scale)?;
            let weight = u.exp()?;
            // Beyond 60 e-folds a weight is an enclosure of zero: its moments are below 60^2 e^-60.
            let u = if u.hi() < -(60i128 << FRACTION_BITS) {
                Interval::from_int(-60)
            } else {
                u
            };
            let term = weight.mul(&u)?;
            total = total.add(&weight)?;
            first = first.add(&term)?;
            second = second.add(&term.mul(&u)?)?;
            weights.push(weight);
        }
        Ok(Self {
            most: Interval::from_int(most),
            scale: *scale,
            count: Interval::from_int(losses.len() as i64),
            weights,
            total,
            mean_u: first.div(&total)?,
            mean_square: second.div(&total)?,
        })
    }

    /// KL(Q | P) = E_Q[u] - ln(mean of exp(u)).
    fn entropy(&self) -> Result<Interval, DomainError> {
        self.mean_u.sub(&self.total.ln()?)?.add(&self.count.ln()?)
    }

    fn variance(&self) -> Result<Interval, DomainError> {
        self.mean_square.sub(&self.mean_u.mul(&self.mean_u)?)
    }

    /// most + scale (ln(mean of exp(u)) + ln(1 / alpha)): not below EVaR, whatever the scale.
    fn upper(&self, entropy: &Interval) -> Result<Interval, DomainError> {
        let log = self.total.ln()?.sub(&self.count.ln()?)?.add(entropy)?;
        self.most.add(&self.scale.mul(&log)?)
    }

    /// E_Q of the losses.
    fn mean(&self) -> Result<Interval, DomainError> {
        self.most.add(&self.scale.mul(&self.mean_u)?)
    }
}
