//! Option prices and Greeks with a proven error bound.
//!
//! Black and Scholes (1973) with a cost of carry `b` as in Haug, *The Complete Guide to Option
//! Pricing Formulas* (2007), chapter 1; `b = 0` on a forward is Black (1976). Everything is computed
//! in intervals that enclose the exact result, so the width of a result is its error bound.

use fixed::{Decimal, DomainError, Interval, Rounding};

use crate::snapshot::OptionType;

/// What an option's price depends on.
#[derive(Clone, Copy, Debug)]
pub struct OptionTerms {
    /// Call or put.
    pub option_type: OptionType,
    /// Spot, or forward for Black-76.
    pub underlying: Interval,
    /// Strike.
    pub strike: Interval,
    /// Years to expiry.
    pub years: Interval,
    /// Risk-free rate per year.
    pub rate: Interval,
    /// Cost of carry per year: the rate for a stock without dividends, 0 on a forward.
    pub carry: Interval,
    /// Volatility per year.
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
pub fn years_between(from_ms: u64, to_ms: u64) -> Result<Interval, DomainError> {
    const YEAR_MS: i128 = 365 * 86_400_000;
    let ms = Decimal::from_int(i128::from(to_ms.saturating_sub(from_ms)));
    let year = Decimal::from_int(YEAR_MS);
    Interval::from_decimal(&ms)?.div(&Interval::from_decimal(&year)?)
}

/// Black-76 in units of the forward and undiscounted: `price / F` of a call or put, from
/// `ln(F / K)`, `K / F` and `sigma sqrt(T)`. Intrinsic value if the deviation is zero.
///
/// # Errors
/// If an intermediate does not fit.
pub fn black76_ratio(
    option_type: OptionType,
    log_moneyness: &Interval,
    strike_ratio: &Interval,
    deviation: &Interval,
) -> Result<Interval, DomainError> {
    let call = if deviation.hi() <= 0 {
        Interval::ONE.sub(strike_ratio)?.max_zero()
    } else {
        let half = deviation.half();
        let d1 = log_moneyness.div(deviation)?.add(&half)?;
        let d2 = d1.sub(deviation)?;
        d1.normal_cdf()
            .sub(&strike_ratio.mul(&d2.normal_cdf())?)?
            .max_zero()
    };
    match option_type {
        OptionType::Call => Ok(call),
        // Put-call parity: put = call - 1 + K / F.
        OptionType::Put => Ok(call.sub(&Interval::ONE)?.add(strike_ratio)?.max_zero()),
    }
}

/// Price and Greeks.
///
/// # Errors
/// If a term is outside its domain: the underlying, strike, years and volatility must be positive.
pub fn greeks(o: &OptionTerms) -> Result<Greeks, DomainError> {
    let root = o.years.sqrt()?;
    let deviation = o.volatility.mul(&root)?;
    let variance = o.volatility.mul(&o.volatility)?;
    let drift = o.carry.add(&variance.half())?.mul(&o.years)?;
    let d1 = o
        .underlying
        .div(&o.strike)?
        .ln()?
        .add(&drift)?
        .div(&deviation)?;
    let d2 = d1.sub(&deviation)?;
    let carry_factor = o.carry.sub(&o.rate)?.mul(&o.years)?.exp()?;
    let discount = o.rate.neg().mul(&o.years)?.exp()?;
    let carried = o.underlying.mul(&carry_factor)?;
    let discounted = o.strike.mul(&discount)?;
    let density = d1.normal_pdf()?;
    let (call, put) = (
        o.option_type == OptionType::Call,
        o.option_type == OptionType::Put,
    );
    let sign = |x: Interval| if put { x.neg() } else { x };
    let n1 = sign(d1).normal_cdf();
    let n2 = sign(d2).normal_cdf();
    let price = sign(carried.mul(&n1)?.sub(&discounted.mul(&n2)?)?).max_zero();
    let gamma = density
        .mul(&carry_factor)?
        .div(&o.underlying.mul(&deviation)?)?;
    let vega = carried.mul(&density)?.mul(&root)?;
    let decay = carried
        .mul(&density)?
        .mul(&o.volatility)?
        .div(&root)?
        .half()
        .neg();
    let growth = o.carry.sub(&o.rate)?.mul(&carried)?.mul(&n1)?;
    let interest = o.rate.mul(&discounted)?.mul(&n2)?;
    let theta = if call {
        decay.sub(&growth)?.sub(&interest)?
    } else {
        decay.add(&growth)?.add(&interest)?
    };
    let rho = if o.carry.lo() == 0 && o.carry.hi() == 0 {
        o.years.mul(&price)?.neg()
    } else {
        sign(o.years.mul(&discounted)?.mul(&n2)?)
    };
    let delta = sign(carry_factor.mul(&n1)?);
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
