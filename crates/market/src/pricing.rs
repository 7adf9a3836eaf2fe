//! Option prices and Greeks with a proven error bound.
//!
//! Black and Scholes (1973) with a cost of carry `b` as in Haug, *The Complete Guide to Option
//! Pricing Formulas* (2007), chapter 1; `b = 0` on a forward is Black (1976). Everything is computed
//! in intervals that enclose the exact result, so the width of a result is its error bound.

use fixed::{Decimal, DomainError, Interval, Rounding};

use crate::snapshot::OptionType;

/// What an option's price depends on. Money is in any one currency; the rest are plain numbers.
#[derive(Clone, Copy, Debug)]
pub struct OptionTerms {
    /// Call or put.
    pub option_type: OptionType,
    /// Spot, or forward for Black-76; positive.
    pub underlying: Interval,
    /// Strike; positive.
    pub strike: Interval,
    /// Years to expiry; not negative.
    pub years: Interval,
    /// Risk-free rate per year, continuously compounded.
    pub rate: Interval,
    /// Cost of carry per year: the rate for a stock without dividends, 0 on a forward.
    pub carry: Interval,
    /// Volatility per year; not negative.
    pub volatility: Interval,
}

/// A price and its derivatives.
#[derive(Clone, Copy, Debug)]
pub struct Greeks {
    /// The price.
    pub price: Interval,
    /// By the underlying.
    pub delta: Interval,
    /// Twice by the underlying.
    pub gamma: Interval,
    /// By volatility (1.00 is 100 percentage points).
    pub vega: Interval,
    /// By passing time, per year.
    pub theta: Interval,
    /// By the rate (1.00 is 100 percentage points), the carry moving along unless it is zero.
    pub rho: Interval,
}

/// Years between two moments in milliseconds, of 365 days; zero if past.
///
/// # Errors
/// If it does not fit.
pub fn years_between(from_ms: u64, to_ms: u64) -> Result<Interval, DomainError> {
    const YEAR_MS: i128 = 365 * 86_400_000;
    let ms = Decimal::from_int(i128::from(to_ms.saturating_sub(from_ms)));
    let year = Decimal::from_int(YEAR_MS);
    Interval::from_decimal(&ms)?.div(&Interval::from_decimal(&year)?)
}

/// Black-76 in units of the forward and undiscounted: `price / F` of a call or put, from
/// `ln(F / K)`, `K / F` and the deviation `sigma sqrt(T)`.
///
/// A deviation of zero gives intrinsic value; so this is the price without time or volatility too.
/// An enclosure of the deviation that reaches below zero is cut there.
///
/// The result is at most `12 + 2 k` units of 2^-56 wide, with `k = K / F`, plus twice the width of `k`
/// and 0.4 times that of the deviation `s`: some 2e-16 of the forward. Small deviations add the
/// smaller of `0.4 s` and `(1 + k) (w / s)^2 / 8`, where `w` is half the logarithm's width plus a
/// unit: at most 8e-12 for `k` near 1, and less than a unit for `s` above 1e-7.
///
/// # Errors
/// If the deviation is negative, the logarithm is not that of the ratio, or an intermediate does not
/// fit.
pub fn black76_ratio(
    option_type: OptionType,
    log_moneyness: &Interval,
    strike_ratio: &Interval,
    deviation: &Interval,
) -> Result<Interval, DomainError> {
    if deviation.hi() < 0 {
        return Err(DomainError::Negative);
    }
    // The derivative by the deviation is the normal density, between 0 and 2/5: a call lies between
    // intrinsic value and that plus 2/5 of the deviation.
    let slope = |by: &Interval| by.times(2)?.div_int(5);
    let intrinsic = Interval::ONE.sub(strike_ratio)?.max_zero();
    let bounds = intrinsic.hull(&intrinsic.add(&slope(&deviation.max_zero())?)?);
    let call = if deviation.lo() <= 0 {
        bounds
    } else {
        // With k = K / F, a call is the maximum over d1 of N(d1) - k N(d1 - deviation). So any d1
        // gives a lower bound, and one that is off by e is too low by at most
        // e^2 (1 + k) max |x n(x)| / 2 < e^2 (1 + k) / 8. Rounding d1, a quotient by a possibly small
        // deviation, hence costs next to nothing, which plain interval arithmetic would not see.
        let s = deviation.center();
        let d1 = log_moneyness.div(&s)?.add(&s.half())?;
        let tried = d1.center();
        let off = d1.sub(&tried)?;
        let too_low = off
            .mul(&off)?
            .mul(&Interval::ONE.add(strike_ratio)?)?
            .div_int(8)?
            .max_zero();
        let (n1, n2) = (tried.normal_cdf(), tried.sub(&s)?.normal_cdf());
        n1.sub(&strike_ratio.mul(&n2)?)?
            .add(&Interval::ZERO.hull(&too_low))?
            .add(&slope(&deviation.sub(&s)?)?)?
            .intersection(&bounds)?
    };
    match option_type {
        OptionType::Call => Ok(call),
        // Put-call parity: put = call - 1 + K / F.
        OptionType::Put => Ok(call.sub(&Interval::ONE)?.add(strike_ratio)?.max_zero()),
    }
}

/// Black-76 with a forward, a strike, the deviation `sigma sqrt(T)` and a discount factor. The price
/// is in the currency of forward and strike.
///
/// # Errors
/// If forward or strike may not be positive, the deviation is negative, or a result does not fit.
pub fn black76_price(
    option_type: OptionType,
    forward: &Interval,
    strike: &Interval,
    deviation: &Interval,
    discount: &Interval,
) -> Result<Interval, DomainError> {
    let ratio = strike.div(forward)?;
    let log_moneyness = ratio.ln()?.neg();
    black76_ratio(option_type, &log_moneyness, &ratio, deviation)?
        .mul(forward)?
        .mul(discount)
}

/// `e^(rate years)`.
fn growth(rate: &Interval, years: &Interval) -> Result<Interval, DomainError> {
    if *rate == Interval::ZERO || *years == Interval::ZERO {
        return Ok(Interval::ONE);
    }
    rate.mul(years)?.exp()
}

/// The price alone; several times faster than [`greeks`] where it would be called for the price.
///
/// # Errors
/// If a term is outside its domain or a result does not fit.
pub fn price(o: &OptionTerms) -> Result<Interval, DomainError> {
    if o.volatility.hi() < 0 {
        return Err(DomainError::Negative);
    }
    let deviation = o.volatility.mul(&o.years.sqrt()?)?;
    let forward = o.underlying.mul(&growth(&o.carry, &o.years)?)?;
    let discount = growth(&o.rate.neg(), &o.years)?;
    black76_price(o.option_type, &forward, &o.strike, &deviation, &discount)
}

/// Price and Greeks. Without time or volatility they are the limits: intrinsic value, and no gamma,
/// vega or decay.
///
/// # Errors
/// If a term is outside its domain or a result does not fit. Without time or volatility also at the
/// money, where the derivatives do not exist.
pub fn greeks(o: &OptionTerms) -> Result<Greeks, DomainError> {
    if o.volatility.hi() < 0 {
        return Err(DomainError::Negative);
    }
    let root = o.years.sqrt()?;
    let deviation = o.volatility.mul(&root)?;
    let carried = growth(&o.carry, &o.years)?;
    let discount = growth(&o.rate.neg(), &o.years)?;
    let forward = o.underlying.mul(&carried)?;
    let ratio = o.strike.div(&forward)?;
    let moneyness = ratio.ln()?.neg();
    let price = black76_ratio(o.option_type, &moneyness, &ratio, &deviation)?
        .mul(&forward)?
        .mul(&discount)?;

    // Present values per unit exercised, and e^((b - r) T).
    let (paid, received) = (o.strike.mul(&discount)?, forward.mul(&discount)?);
    let carry_factor = carried.mul(&discount)?;
    let put = o.option_type == OptionType::Put;
    let sign = |x: Interval| if put { x.neg() } else { x };
    // N(d1), N(d2), n(d1) and n(d1) / deviation of the formulas.
    let (n1, n2, density, over_deviation) = if deviation == Interval::ZERO {
        let exercised = if sign(moneyness).lo() > 0 {
            Interval::ONE
        } else if sign(moneyness).hi() < 0 {
            Interval::ZERO
        } else {
            return Err(DomainError::Division);
        };
        (exercised, exercised, Interval::ZERO, Interval::ZERO)
    } else {
        let d1 = moneyness.div(&deviation)?.add(&deviation.half())?;
        let d2 = d1.sub(&deviation)?;
        let density = d1.normal_pdf();
        (
            sign(d1).normal_cdf(),
            sign(d2).normal_cdf(),
            density,
            density.div(&deviation)?,
        )
    };

    let delta = sign(carry_factor.mul(&n1)?);
    let gamma = over_deviation.mul(&carry_factor)?.div(&o.underlying)?;
    let vega = received.mul(&density)?.mul(&root)?;
    // S e^((b-r)T) n(d1) sigma / (2 sqrt(T)), where sigma / sqrt(T) = sigma^2 / deviation.
    let decay = received
        .mul(&over_deviation)?
        .mul(&o.volatility.mul(&o.volatility)?)?
        .half();
    let drift = o.carry.sub(&o.rate)?.mul(&received)?.mul(&n1)?;
    let interest = o.rate.mul(&paid)?.mul(&n2)?;
    let theta = sign(drift.add(&interest)?).neg().sub(&decay)?;
    let rho = if o.carry == Interval::ZERO {
        o.years.mul(&price)?.neg()
    } else {
        sign(o.years.mul(&paid)?.mul(&n2)?)
    };
    Ok(Greeks {
        price,
        delta,
        gamma,
        vega,
        theta,
        rho,
    })
}

/// The middle of an enclosure as a decimal with `scale` digits, for display.
///
/// # Errors
/// If it does not fit.
pub fn shown(x: &Interval, scale: u8) -> Result<Decimal, DomainError> {
    let middle = x.middle()?;
    Ok(Decimal::new(
        middle.rescale(scale, Rounding::HalfEven)?,
        scale,
    ))
}
