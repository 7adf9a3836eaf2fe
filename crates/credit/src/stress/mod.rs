//! Public stresses: which part of the loans defaults, and which part of the others is paid off early.
//!
//! A stress gives both for each month from the cut-off date on, and the same part for every loan. So what
//! becomes of a balance in a month, whatever the loan, is a public number ([`Month`]), and a pool's cash
//! flows under a stress are its scheduled ones, weighted ([`projection`](crate::projection)).
//!
//! The order within a month is that of the standard formulas (SIFMA, Standard Formulas for the Analysis of
//! Mortgage-Backed Securities): a part of the balance at the start defaults and pays nothing; the others pay
//! what is scheduled, and then a part of them pays off the rest.
//!
//! [`Terms`] ask what a deal's tranches lose under stresses of its pool; [`Outcomes`] are the answer.
//!
//! Weights have 12 decimals. Defaults are rounded up and everything that is paid is rounded down, so rounding
//! never helps the investor.

mod outcomes;
mod pipeline;

pub use outcomes::{
    Detail, Model, NamedStress, OutcomeError, Outcomes, Scenario, Setting, Terms, Told, check_work,
};
pub use pipeline::{MAX_LATE, Pipeline};

use fixed::{Decimal, DomainError, Interval};
use serde::{Deserialize, Serialize};

use crate::amortization::{MAX_TERM, RollError};

/// Decimals of weights and of monthly rates.
pub const WEIGHT_DECIMALS: u8 = 12;
/// The weight of a whole balance.
pub const WEIGHT_ONE: u64 = 10u64.pow(WEIGHT_DECIMALS as u32);
/// The whole of a default, of which severity is a part.
pub const SEVERITY_ONE: u64 = 1_000_000;
/// The longest recovery lag, in months.
pub const MAX_LAG: u16 = 120;
/// The largest percentage of a standard ramp.
const MAX_RAMP: i128 = 100_000;

/// Which part of the balance defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defaults {
    /// Constant default rate: percent a year, by month; the last holds from then on.
    Cdr(Vec<Decimal>),
    /// Monthly default rate: percent a month, by month; the last holds from then on.
    Mdr(Vec<Decimal>),
    /// Percent of the standard default assumption (PSA, 1993): 0.02% a year in the first month of a loan's
    /// life and 0.02% more each month to 0.6% in the 30th, that to the 60th, then 0.0095% less each month to
    /// 0.03% in the 120th, and that from then on. (That defaults cease some months before maturity is not
    /// assumed.)
    Sda(Decimal),
}

/// Which part of the balance is paid early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prepayments {
    /// Constant prepayment rate: percent a year, by month; the last holds from then on.
    Cpr(Vec<Decimal>),
    /// Single monthly mortality: percent a month, by month; the last holds from then on.
    Smm(Vec<Decimal>),
    /// Percent of the PSA ramp (1985): 0.2% a year in the first month of a loan's life and 0.2% more each
    /// month to 6% in the 30th, and that from then on.
    Psa(Decimal),
}

/// A public stress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stress {
    /// Which part defaults.
    pub defaults: Defaults,
    /// Which part is paid early.
    pub prepayments: Prepayments,
    /// What is lost of a default, in percent, at most 4 decimals.
    pub severity: Decimal,
    /// Months from a default until the rest of it comes in, at most [`MAX_LAG`]; zero is the same month.
    pub recovery_lag: u16,
    /// How many months old the loans are at the cut-off date, for the ramps.
    #[serde(default)]
    pub age: u16,
    /// How long loans are late before they default. If it is not given, none are, and no test of delinquency can fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delinquency: Option<Pipeline>,
}

/// What is wrong with a stress, or with what is projected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StressError {
    /// A part of the stress is not what it should be.
    #[error("`{field}`: {problem}")]
    Invalid {
        /// Which part.
        field: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A loan or a sum out of range.
    #[error(transparent)]
    Roll(#[from] RollError),
}

/// The weights of a month, in 10^-12 of the balance at the cut-off date. `start = default + pay` and
/// `pay = prepay + end`, exactly; the next month's `start` is this one's `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Month {
    /// Which part of the loans is left at the start.
    pub start: u64,
    /// Which part defaults: `start * rate`, rounded up.
    pub default: u64,
    /// Which part pays what is scheduled.
    pub pay: u64,
    /// Which part pays off the rest early: `pay * rate`, rounded down.
    pub prepay: u64,
    /// Which part is left at the end.
    pub end: u64,
}

fn hundred() -> Decimal {
    Decimal::from_int(100)
}

/// Up or down, at 12 decimals, and at most one.
fn weight(rate: &Interval, up: bool) -> Result<u64, DomainError> {
    let units = if up {
        rate.ceil_at(WEIGHT_DECIMALS)?
    } else {
        rate.floor_at(WEIGHT_DECIMALS)?
    };
    Ok(units.clamp(0, WEIGHT_ONE.into()) as u64)
}

/// The part a month that makes a part a year (in percent): `1 - (1 - annual)^(1/12)`, CPR to SMM or CDR to MDR.
/// Up to 99.9999% it is enclosed within 10^-12, up to 50% within 16 units of 2^-56; 0 and 100% are exact.
///
/// # Errors
/// If the part is not from 0 to 100%.
pub fn monthly(annual: &Decimal) -> Result<Interval, DomainError> {
    if annual.is_negative() || *annual > hundred() {
        return Err(DomainError::Negative);
    }
    if annual.is_zero() {
        return Ok(Interval::ZERO);
    }
    if *annual == hundred() {
        return Ok(Interval::ONE);
    }
    let left = hundred().checked_sub(annual)?;
    let left = Interval::from_decimal(&left)?.div_int(100)?;
    Interval::ONE.sub(&left.ln()?.div_int(12)?.exp()?)
}

/// The part a year that a part a month makes: `1 - (1 - monthly)^12`.
///
/// # Errors
/// If it does not fit.
pub fn annual(monthly: &Interval) -> Result<Interval, DomainError> {
    let left = Interval::ONE.sub(monthly)?;
    let third = left.mul(&left)?.mul(&left)?;
    let half = third.mul(&third)?;
    Interval::ONE.sub(&half.mul(&half)?)
}

/// The annual rate of 100% PSA in a month of a loan's life, in percent.
pub fn psa(month: u32) -> Decimal {
    Decimal::new((2 * i128::from(month)).min(60), 1)
}

/// The annual rate of 100% SDA in a month of a loan's life, in percent.
pub fn sda(month: u32) -> Decimal {
    let month = i128::from(month);
    let units = match month {
        ..=30 => 200 * month,
        31..=60 => 6_000,
        61..=120 => 6_000 - 95 * (month - 60),
        _ => 300,
    };
    Decimal::new(units, 4)
}

fn invalid(field: &'static str) -> impl Fn(DomainError) -> StressError {
    move |e| StressError::Invalid {
        field,
        problem: e.to_string(),
    }
}

/// A percentage from 0 to some most.
fn percentage(field: &'static str, value: &Decimal, most: i128) -> Result<(), StressError> {
    if value.is_negative() || *value > Decimal::from_int(most) {
        let problem = format!("{value} is not from 0 to {most} percent");
        return Err(StressError::Invalid { field, problem });
    }
    Ok(())
}

impl Stress {
    /// Checks what a file or a claim says.
    ///
    /// # Errors
    /// Says which part is wrong and why.
    pub fn validate(&self) -> Result<(), StressError> {
        let all = |field, rates: &[Decimal]| {
            if rates.is_empty() || rates.len() > usize::from(MAX_TERM) {
                let problem = format!("give 1 to {MAX_TERM} rates");
                return Err(StressError::Invalid { field, problem });
            }
            rates.iter().try_for_each(|r| percentage(field, r, 100))
        };
        match &self.defaults {
            Defaults::Cdr(rates) => all("cdr", rates)?,
            Defaults::Mdr(rates) => all("mdr", rates)?,
            Defaults::Sda(multiple) => percentage("sda", multiple, MAX_RAMP)?,
        }
        match &self.prepayments {
            Prepayments::Cpr(rates) => all("cpr", rates)?,
            Prepayments::Smm(rates) => all("smm", rates)?,
            Prepayments::Psa(multiple) => percentage("psa", multiple, MAX_RAMP)?,
        }
        percentage("severity", &self.severity, 100)?;
        self.delinquency
            .as_ref()
            .map_or(Ok(()), Pipeline::validate)?;
        self.severity_units()?;
        if self.recovery_lag > MAX_LAG {
            return Err(StressError::Invalid {
                field: "recovery_lag",
                problem: format!("at most {MAX_LAG} months"),
            });
        }
        Ok(())
    }

    /// What is lost of a default, in 10^-6.
    ///
    /// # Errors
    /// If it has more than 4 decimals of a percent.
    pub fn severity_units(&self) -> Result<u64, StressError> {
        let field = "severity";
        let units = self.severity.rescale_exact(4).ok();
        let units = units.and_then(|u| u64::try_from(u).ok());
        units.ok_or_else(|| StressError::Invalid {
            field,
            problem: "at most 4 decimals of a percent".into(),
        })
    }

    /// The stress with so many times its defaults: annual rates, monthly rates or the percentage of SDA,
    /// whichever it gives, times the multiple, and at most 100% each.
    ///
    /// # Errors
    /// If the multiple is negative or the product does not fit.
    pub fn scaled(&self, multiple: &Decimal) -> Result<Self, StressError> {
        let field = "multiple";
        if multiple.is_negative() {
            return Err(invalid(field)(DomainError::Negative));
        }
        let times = |rate: &Decimal| {
            let product = rate.checked_mul(multiple);
            product.map_err(|e| invalid(field)(e.into()))
        };
        let each = |rates: &[Decimal]| {
            let capped = |r| Ok(times(r)?.min(hundred()));
            rates
                .iter()
                .map(capped)
                .collect::<Result<Vec<_>, StressError>>()
        };
        let defaults = match &self.defaults {
            Defaults::Cdr(rates) => Defaults::Cdr(each(rates)?),
            Defaults::Mdr(rates) => Defaults::Mdr(each(rates)?),
            Defaults::Sda(part) => Defaults::Sda(times(part)?),
        };
        let scaled = Self {
            defaults,
            ..self.clone()
        };
        scaled.validate()?;
        Ok(scaled)
    }

    /// Which part defaults in each of the first months, in 10^-12, rounded up: above the exact part by at
    /// most 1 unit, and 1 more beyond 99% a year.
    ///
    /// # Errors
    /// If the stress is invalid.
    pub fn default_rates(&self, months: usize) -> Result<Vec<u64>, StressError> {
        self.validate()?;
        match &self.defaults {
            Defaults::Cdr(rates) => by_year("cdr", months, true, |i| Ok(at(rates, i))),
            Defaults::Mdr(rates) => by_month("mdr", months, true, rates),
            Defaults::Sda(part) => by_year("sda", months, true, |i| ramp(sda(self.life(i)), part)),
        }
    }

    /// Which part of the others is paid early in each of the first months, in 10^-12, rounded down: below the
    /// exact part by at most 1 unit, and 1 more beyond 99% a year.
    ///
    /// # Errors
    /// If the stress is invalid.
    pub fn prepayment_rates(&self, months: usize) -> Result<Vec<u64>, StressError> {
        self.validate()?;
        match &self.prepayments {
            Prepayments::Cpr(rates) => by_year("cpr", months, false, |i| Ok(at(rates, i))),
            Prepayments::Smm(rates) => by_month("smm", months, false, rates),
            Prepayments::Psa(part) => {
                by_year("psa", months, false, |i| ramp(psa(self.life(i)), part))
            }
        }
    }

    /// The month of a loan's life, from one, in a month after the cut-off date, from zero.
    fn life(&self, month: usize) -> u32 {
        u32::from(self.age) + month as u32 + 1
    }

    /// The weights of the first months.
    ///
    /// # Errors
    /// If the stress is invalid.
    pub fn months(&self, months: usize) -> Result<Vec<Month>, StressError> {
        Ok(weights(
            &self.default_rates(months)?,
            &self.prepayment_rates(months)?,
        ))
    }
}

/// The weights that follow from monthly rates, both in 10^-12 and at most one; as many months as both have.
pub fn weights(defaults: &[u64], prepayments: &[u64]) -> Vec<Month> {
    let mut start = WEIGHT_ONE;
    let one = u128::from(WEIGHT_ONE);
    let month = |(mdr, smm): (&u64, &u64)| {
        let default = (u128::from(start) * u128::from(*mdr)).div_ceil(one) as u64;
        let pay = start - default;
        let prepay = (u128::from(pay) * u128::from(*smm) / one) as u64;
        let month = Month {
            start,
            default,
            pay,
            prepay,
            end: pay - prepay,
        };
        start = month.end;
        month
    };
    defaults.iter().zip(prepayments).map(month).collect()
}

/// The rate of a month; the last holds from its month on.
fn at(rates: &[Decimal], month: usize) -> Decimal {
    rates[month.min(rates.len() - 1)]
}

/// A ramp's annual rate times a percentage, at most 100%.
fn ramp(rate: Decimal, part: &Decimal) -> Result<Decimal, DomainError> {
    let product = rate.checked_mul(part)?;
    let percent = product.checked_mul(&Decimal::new(1, 2))?;
    Ok(percent.min(hundred()))
}

fn by_year(
    field: &'static str,
    months: usize,
    up: bool,
    rate: impl Fn(usize) -> Result<Decimal, DomainError>,
) -> Result<Vec<u64>, StressError> {
    let one = |i| weight(&monthly(&rate(i)?)?, up);
    (0..months)
        .map(|i| one(i).map_err(invalid(field)))
        .collect()
}

fn by_month(
    field: &'static str,
    months: usize,
    up: bool,
    rates: &[Decimal],
) -> Result<Vec<u64>, StressError> {
    let one = |i| weight(&Interval::from_decimal(&at(rates, i))?.div_int(100)?, up);
    (0..months)
        .map(|i| one(i).map_err(invalid(field)))
        .collect()
}
