//! What proves an EVaR: a bound `t` and a scale `d`, in exact integers.
//!
//! Gains (what a venue owes beyond its means, never negative) are in whole ticks; `t` is in subticks, `d` in subticks per
//! octave of weight. Scenario by scenario
//!
//! ```text
//! (t - 2^20 gain) 2^20 + 16 * 2^20 d = d e + r,  0 <= r < d        e: octaves below the bound, plus 16, in 2^-20
//! weight = floor of 2^(34 + 16 - e / 2^20), by two tables and a product; 0 from 64 octaves on
//! ```
//!
//! so a weight is `2^34 exp(z (gain - t))` for `z = ln 2 / d`. Of scenarios that are not equally likely, the weight is
//! `2^34 S p_s exp(z (gain - t))`: each has a public shift, `log2(1 / (S p_s))` in 2^-20 rounded down ([`shifts`]), which is
//! added to the exponent `e`. Then, for S scenarios and tail alpha (both bounds are derived in the statement's page):
//!
//! - if the weights add up to at most [`budget`], EVaR is at most `t`, whatever `d` is;
//! - if they add up to at least [`least`] and their mean gain is between `t - epsilon` and `t`, EVaR is at least
//!   `(1 - slack) (t - epsilon)` with the public [`slack`], about 5.4 * 10^-7 at 95%.

use std::sync::LazyLock;

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval};

use crate::evar::{Confidence, Evar, EvarError, Losses, evar};
use crate::scenarios::ScenarioSet;

/// Bits of an exponent below an octave.
pub const FRACTION: u32 = 20;
/// Octaves by which a weight may exceed 1: exponents are offset by so many.
pub const OFFSET: u32 = 16;
/// A weight of 1 is `2^WEIGHT_BITS`.
pub const WEIGHT_BITS: u32 = 34;
/// Bits of the second table's argument: the lowest of an exponent.
pub const FINE_BITS: u32 = 12;
/// Bits of the first table's argument: six of octaves and eight of their fraction.
pub const COARSE_BITS: u32 = 14;
/// Bits of the second factor below its point.
pub const FACTOR_BITS: u32 = 29;
/// Bits of an exponent.
pub const EXPONENT_BITS: u32 = 46;
/// Gains are below this.
pub const MAX_GAIN: u64 = 1 << 58;
/// subticks per tick, as a shift.
const PHI_BITS: u32 = 20;
/// The least scale: a 32nd of a tick. The weights of losses a tick apart then differ by 32 octaves, and a loss that is as
/// likely as the tail or likelier is exceeded by at most 20 octaves, which is less than a tick; but where it is likelier by a power of
/// two or another simple ratio, weights meet their budget from above only at scales of up to a tick.
const MIN_SCALE: u128 = 1 << 15;
/// Octaves between the weights of the least and the largest gain, at most: 2^26 less what bounds, shifts and the offset take.
const MAX_OCTAVES: u128 = (1 << (EXPONENT_BITS - FRACTION)) - 256;
/// How far a shift may be off, and an exponent by its division, in 2^-22: together below 9/4 steps of 2^-20.
const SHIFTED_ROUNDING: i64 = 9;
/// The weights' sum lies within 2^-22 of its budget.
const LEAST_BITS: u32 = 20;

/// `floor(2^(50 - k / 2^8))` for `k = 0 .. 2^14`, at most one too low; capped below 2^50.
pub static COARSE: LazyLock<Vec<u64>> = LazyLock::new(|| {
    (0..1u32 << COARSE_BITS)
        .map(|k| {
            let mantissa = power_of_half(k % 256, 8);
            let shift = FRACTION_BITS - (WEIGHT_BITS + OFFSET) + k / 256;
            let value = (mantissa >> shift) as u64;
            value.min((1 << (WEIGHT_BITS + OFFSET)) - 1)
        })
        .collect()
});

/// `floor(2^(29 - k / 2^20))` for `k = 0 .. 2^12`, at most one too low.
pub static FINE: LazyLock<Vec<u32>> = LazyLock::new(|| {
    (0..1u32 << FINE_BITS)
        .map(|k| (power_of_half(k, FRACTION) >> (FRACTION_BITS - FACTOR_BITS)) as u32)
        .collect()
});

/// `2^(-k / 2^bits)` in units of 2^-56, from below.
fn power_of_half(k: u32, bits: u32) -> i128 {
    let two = Interval::from_int(2).ln().expect("2 is positive");
    let k = Decimal::new(-i128::from(k), 0);
    Interval::from_decimal(&k)
        .and_then(|k| two.mul(&k))
        .and_then(|x| x.div_int(1 << bits))
        .and_then(|x| x.exp())
        .expect("small numbers")
        .lo()
}

/// Scales that are tried for the smallest gap between bound and mean gain.
const CANDIDATES: u128 = 24;

/// How a scenario's weight comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The exponent.
    pub exponent: u64,
    /// The remainder of the division by the scale.
    pub remainder: u128,
    /// The weight.
    pub weight: u64,
}

/// The weight of an exponent.
pub fn weight_of(exponent: u64) -> u64 {
    if exponent >> (COARSE_BITS + FINE_BITS) != 0 {
        return 0;
    }
    let coarse = COARSE[(exponent >> FINE_BITS) as usize];
    let fine = FINE[(exponent % (1 << FINE_BITS)) as usize];
    ((u128::from(coarse) * u128::from(fine)) >> FACTOR_BITS) as u64
}

/// alpha S 2^34, rounded down.
fn share(scenarios: usize, confidence: Confidence) -> u128 {
    ((u128::from(confidence.tail_millionths()) * scenarios as u128) << WEIGHT_BITS) / 1_000_000
}

/// What the weights may add up to. A weight `w` stands for a true one of at most `w (1 + 2^-28) + 3`: the first
/// table is at most 1.04 too low, the second 1.01, the product 1, and the second factor at least 0.99.
pub fn budget(scenarios: usize, confidence: Confidence) -> u128 {
    let share = share(scenarios, confidence).saturating_sub(3 * scenarios as u128);
    (share << 28) / ((1 << 28) + 1)
}

/// What they add up to at least, where the value is proven from below too.
pub fn least(scenarios: usize, confidence: Confidence) -> u128 {
    let budget = budget(scenarios, confidence);
    budget - (budget >> LEAST_BITS)
}

/// By which fraction of the weights' mean gain EVaR may lie below it: their entropy exceeds ln(1 / alpha) by at
/// most `x + 2^-20 ln 2`, with `x = ln(share / least)`, so mixing them with the scenarios' own probabilities in the proportion
/// `slack = excess / (ln(1 / alpha) + excess)` makes them allowed. Of `weighted` scenarios shifts are rounded too: there it is
/// `x + (9/4) 2^-20 ln 2`.
///
/// # Errors
/// Never for up to 2^24 scenarios.
pub fn slack(
    scenarios: usize,
    weighted: bool,
    confidence: Confidence,
) -> Result<Interval, DomainError> {
    let number = |x: u128| Interval::from_decimal(&Decimal::new(x as i128 + 1, 0));
    let ratio = number(share(scenarios, confidence))?.div(&Interval::from_decimal(
        &Decimal::new(least(scenarios, confidence) as i128, 0),
    )?)?;
    let octave = Interval::from_int(2).ln()?;
    let rounding = if weighted {
        octave.times(SHIFTED_ROUNDING)?.div_int(4 << FRACTION)?
    } else {
        octave.div_int(1 << FRACTION)?
    };
    let excess = ratio.ln()?.add(&rounding)?;
    excess.div(&confidence.entropy()?.add(&excess)?)
}

/// What is owed in each scenario, in ticks, and how likely that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gains {
    ticks: Vec<u64>,
    /// In parts of their sum; empty if all are equally likely.
    parts: Vec<u64>,
    /// One a scenario.
    shifts: Vec<i64>,
}

impl Gains {
    /// Gains in the scenarios of a set, in their order.
    pub fn over(set: &ScenarioSet, ticks: Vec<u64>) -> Self {
        Self::weighted(ticks, set.probabilities.clone())
    }

    /// Equally likely gains.
    pub fn equal(ticks: Vec<u64>) -> Self {
        Self::weighted(ticks, Vec::new())
    }

    /// Gains with their probabilities, in parts of the sum of these.
    pub fn weighted(ticks: Vec<u64>, parts: Vec<u64>) -> Self {
        let mut shifts = shifts(&parts);
        shifts.resize(ticks.len(), 0);
        Self {
            ticks,
            parts,
            shifts,
        }
    }

    fn each(&self) -> impl Iterator<Item = (u64, i64)> {
        self.ticks.iter().copied().zip(self.shifts.iter().copied())
    }

    fn evar(&self, confidence: Confidence) -> Result<Evar, EvarError> {
        let losses: Vec<i64> = self.ticks.iter().map(|&x| x as i64).collect();
        evar(Losses::weighted(&losses, &self.parts), confidence)
    }
}

/// Octaves of `1 / alpha`, rounded up: 1 to 20.
pub fn tail_octaves(confidence: Confidence) -> u32 {
    let tail = confidence.tail_millionths();
    1_000_000u64.div_ceil(tail).next_power_of_two().ilog2()
}

/// The shift of each scenario's exponent: `log2(1 / (S p_s))` octaves in 2^-20, rounded down by less than 5/4 of a step; none if
/// all are equally likely. A probability is 1 to 2^40 parts of a sum, so shifts are below 2^26 in magnitude.
pub fn shifts(parts: &[u64]) -> Vec<i64> {
    let count = parts.len() as u128;
    let total: u128 = parts.iter().map(|&p| u128::from(p)).sum();
    // In 2^-32, from above and from below by at most two: 3/2^12 of a step.
    let above = |p: u64| log2(count * u128::from(p)) + 2;
    let octaves = parts.iter().map(|&p| log2(total) - above(p));
    octaves.map(|x| (x >> (32 - FRACTION)) as i64).collect()
}

/// A bound and a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// EVaR is at most this, in subticks.
    pub bound: u128,
    /// subticks per octave of weight.
    pub scale: u128,
}

/// What the weights of a certificate add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// The weights, in 2^-34.
    pub weights: u128,
    /// The weights times the gains, in 2^-34 ticks.
    pub gains: u128,
}

impl Certificate {
    /// EVaR is at most this, in whole ticks.
    pub fn evar_ticks(&self) -> u64 {
        u64::try_from(self.bound.div_ceil(1 << PHI_BITS)).unwrap_or(u64::MAX)
    }

    /// The weight of a gain in a scenario with this shift, or `None` if it exceeds the bound by more than 16 octaves, less the
    /// shift, or lies too far below.
    pub fn weight(&self, gain: u64, shift: i64) -> Option<Weight> {
        let distance = i128::try_from(self.bound).ok()? - (i128::from(gain) << PHI_BITS);
        let scale = self.scale as i128;
        let numerator = (distance << FRACTION) + (scale << (FRACTION + OFFSET.ilog2()));
        let exponent = numerator.div_euclid(scale) + i128::from(shift);
        let exponent = u64::try_from(exponent).ok()?;
        (exponent >> EXPONENT_BITS == 0).then(|| Weight {
            exponent,
            remainder: numerator.rem_euclid(scale) as u128,
            weight: weight_of(exponent),
        })
    }

    /// The sums, or `None` if some gain has no weight.
    pub fn sums(&self, gains: &Gains) -> Option<Sums> {
        let mut sums = Sums {
            weights: 0,
            gains: 0,
        };
        for (gain, shift) in gains.each() {
            let weight = u128::from(self.weight(gain, shift)?.weight);
            sums.weights += weight;
            sums.gains += weight * u128::from(gain);
        }
        Some(sums)
    }

    /// Finds the least bound that the weights' budget allows, at the scale at which their mean gain meets it: that of
    /// [`evar`], or what is nearest to it among scales at which exponents fit. It is at least EVaR, and above it by at most
    /// a tick and a 2^20th of the largest gain. Where the largest gain is as likely as the tail or likelier, EVaR is that gain,
    /// which no finite scale proves: there it is above by up to another tick an octave of `1 / alpha`.
    ///
    /// # Errors
    /// If there are no gains, one is too large, or EVaR cannot be told to a tick.
    pub fn find(gains: &Gains, confidence: Confidence) -> Result<Self, EvarError> {
        let most = *gains.ticks.iter().max().ok_or(EvarError::Empty)?;
        let least = gains.ticks.iter().min().unwrap_or(&most);
        if most >= MAX_GAIN {
            return Err(EvarError::Range);
        }
        let exact = gains.evar(confidence)?;
        let spread = u128::from(most - least) << PHI_BITS;
        let lowest = (spread / MAX_OCTAVES + 1).max(MIN_SCALE);
        // In subticks an octave: below 2^78.
        let octave = exact.scale.mul(&Interval::from_int(2).ln()?)?;
        let scale = (octave.center().lo() >> (FRACTION_BITS - PHI_BITS)) as u128;
        let found = Self::near(gains, most, scale.max(lowest), lowest, confidence);
        // What is found holds whatever it is; that it is near is checked too.
        let below = (exact.value.lo() >> (FRACTION_BITS - PHI_BITS)) as u128;
        let ticks = 1 + u128::from(tail_octaves(confidence));
        let allowed = (ticks << PHI_BITS) + ((u128::from(most) << PHI_BITS) >> 20);
        if found.bound + 1 < below || found.bound > below + allowed {
            return Err(EvarError::Imprecise);
        }
        Ok(found)
    }

    /// Weights are rounded, so the mean gain meets the bound only up to their steps: the best of a few scales.
    fn near(gains: &Gains, most: u64, scale: u128, lowest: u128, confidence: Confidence) -> Self {
        let count = gains.ticks.len();
        let (budget, least) = (budget(count, confidence), least(count, confidence));
        let top = u128::from(most) << PHI_BITS;
        let mut best: Option<(u128, Self)> = None;
        let mut step = (scale >> 26).max(1);
        let mut first = scale.saturating_sub(CANDIDATES / 2 * step).max(lowest);
        loop {
            for i in 0..CANDIDATES {
                let found = Self::at_scale(gains, top, first + i * step, budget);
                let found = found.tightened(gains, budget);
                if let Some(gap) = found.gap(gains, least)
                    && best.is_none_or(|(least, _)| gap < least)
                {
                    best = Some((gap, found));
                }
            }
            if let Some((_, best)) = best {
                return best;
            }
            first += CANDIDATES * step;
            step *= 4;
        }
    }

    /// How far the weights' mean gain is below the bound, in subticks; `None` if it is above, or the weights do not add up to
    /// their `least`.
    fn gap(&self, gains: &Gains, least: u128) -> Option<u128> {
        let sums = self.sums(gains).filter(|sums| sums.weights >= least)?;
        let below = (self.bound * sums.weights).checked_sub(sums.gains << PHI_BITS)?;
        Some(below / sums.weights)
    }

    /// The bound at a scale, to about 2^-20 of the scale.
    fn at_scale(gains: &Gains, top: u128, scale: u128, budget: u128) -> Self {
        let mut found = Self { bound: top, scale };
        for _ in 0..3 {
            let sum = found.sums(gains).map_or(1, |s| s.weights);
            // Octaves in 2^-32 by which the weights exceed their budget.
            let octaves = log2(sum) - log2(budget);
            // At most 2^38 times 2^80.
            let change = (octaves * scale as i128) >> 32;
            found.bound = found.bound.saturating_add_signed(change);
        }
        found
    }

    /// The least bound at this scale that the budget allows, to about 2^-26 of the scale.
    fn tightened(&self, gains: &Gains, budget: u128) -> Self {
        let allowed = |bound: u128| {
            let candidate = Self { bound, ..*self };
            candidate.sums(gains).is_some_and(|s| s.weights <= budget)
        };
        let mut width = (self.scale >> 20).max(1);
        let close = (self.scale >> 26).max(1);
        let mut high = self.bound;
        while !allowed(high) {
            high += width;
            width *= 2;
        }
        let mut low = self.bound.saturating_sub(width);
        while low > 0 && allowed(low) {
            high = low;
            width *= 2;
            low = low.saturating_sub(width);
        }
        while high - low > close {
            let middle = low + (high - low) / 2;
            if allowed(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Self {
            bound: high,
            ..*self
        }
    }
}

/// log2 in units of 2^-32, rounded down, at most two too low; of zero as of one. The mantissa and each square are cut at 2^-62:
/// what the `k`-th is cut by counts a `2^k`-th in the result, so all cuts together are below 2^-59.
fn log2(x: u128) -> i128 {
    let x = x.max(1);
    let bits = x.ilog2();
    let mantissa = if bits >= 62 {
        (x >> (bits - 62)) as u64
    } else {
        (x as u64) << (62 - bits)
    };
    let mut fraction = 0i128;
    let mut m = u128::from(mantissa);
    for bit in (0..32).rev() {
        m = (m * m) >> 62;
        if m >> 63 != 0 {
            fraction |= 1 << bit;
            m >>= 1;
        }
    }
    (i128::from(bits) << 32) + fraction
}
