//! Public stresses, and what a pool is expected to bring in under them.
//!
//! A stress gives for each month from the cut-off date on which part of the loans defaults and which part of the others is
//! paid off early. It is the same part for every loan, so what a pool brings in under a stress is *linear* in what it would
//! bring in without one: the [`Schedule`], a sum over loans that depends on no stress, is weighted each month by
//! public numbers ([`Month`]). Only the schedule touches the loans.
//!
//! The order within a month is that of the standard formulas (SIFMA, Standard Formulas for the Analysis of
//! Mortgage-Backed Securities): a part of the balance at the start defaults and pays nothing; the others pay what is
//! scheduled, and then a part of them pays off the rest.
//!
//! Weights have 12 decimals. Defaults are rounded up and everything that is paid is rounded down, so rounding never helps the
//! investor; sums of money are exact and are cut to cents once, as running totals, so that over the whole life rounding
//! costs a cent for each kind of flow, not one a month.

use fixed::{Decimal, DomainError, Interval};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::amortization::{LoanState, MAX_TERM, RollError, add};
use crate::collections::Collections;

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
    /// Percent of the standard default assumption (PSA, 1993): 0.02% a year in the first month of a loan's life and 0.02% more
    /// each month to 0.6% in the 30th, that to the 60th, then 0.0095% less each month to 0.03% in the 120th, and that
    /// from then on. (That defaults cease some months before maturity is not assumed.)
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
    /// Percent of the PSA ramp (1985): 0.2% a year in the first month of a loan's life and 0.2% more each month to 6% in the
    /// 30th, and that from then on.
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

    /// The stress with so many times its defaults: annual rates, monthly rates or the percentage of SDA, whichever it gives,
    /// times the multiple, and at most 100% each.
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

    /// Which part defaults in each of the first months, in 10^-12, rounded up: above the exact part by at most 1 unit, and 1
    /// more beyond 99% a year.
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

    /// Which part of the others is paid early in each of the first months, in 10^-12, rounded down: below the exact part by at
    /// most 1 unit, and 1 more beyond 99% a year.
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

/// What loans bring in when all pay as scheduled. Cents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What the loans owe at the cut-off date, the doubtful ones aside.
    pub balance: u64,
    /// What doubtful loans owe at the cut-off date: those so many days past due, and those past maturity.
    pub doubtful: u64,
    /// Month by month until nothing is owed.
    pub rows: Vec<ScheduleRow>,
}

/// A month of a schedule. Cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRow {
    /// Interest due.
    pub interest: u64,
    /// Principal due.
    pub principal: u64,
    /// What is owed at the end.
    pub balance: u64,
}

impl Schedule {
    /// The schedule of one loan: its [`LoanState::due`], month by month, all of it paid. What is overdue at the cut-off date
    /// is not counted on: its interest is left out, its principal comes at the end. A loan that is at least `doubtful_days` past due,
    /// or past maturity, is doubtful; one that is not open has no schedule.
    pub fn of_loan(loan: &LoanState, doubtful_days: u16) -> Self {
        let balance = loan.pool_balance();
        if balance > 0 && (loan.days_past_due >= doubtful_days || loan.term == 0) {
            return Self {
                doubtful: balance,
                ..Self::default()
            };
        }
        let mut loan = LoanState {
            overdue_interest: 0,
            overdue_principal: 0,
            ..*loan
        };
        let mut rows = Vec::with_capacity(loan.term.into());
        while loan.pool_balance() > 0 {
            let due = loan.due();
            loan.balance -= due.principal;
            loan.accrued += due.earned;
            loan.accrued -= due.interest;
            loan.term -= 1;
            rows.push(ScheduleRow {
                interest: due.interest,
                principal: due.principal,
                balance: loan.balance,
            });
        }
        Self {
            balance,
            doubtful: 0,
            rows,
        }
    }

    /// The sum of the loans' schedules, as long as the longest.
    ///
    /// # Errors
    /// Names a loan's number that is out of range, or a sum that does not fit.
    pub fn of_pool(loans: &[LoanState], doubtful_days: u16) -> Result<Self, RollError> {
        let empty = || Ok(Self::default());
        let part = |sum: Result<Self, RollError>, loan: &LoanState| {
            loan.check()?;
            sum?.plus(&Self::of_loan(loan, doubtful_days))
        };
        let parts = loans.par_iter().fold(empty, part);
        parts.reduce(empty, |a, b| a?.plus(&b?))
    }

    fn plus(mut self, other: &Self) -> Result<Self, RollError> {
        let plus = |a: &mut u64, b: u64| -> Result<(), RollError> {
            *a = a.checked_add(b).ok_or(RollError::Overflow("schedule"))?;
            Ok(())
        };
        plus(&mut self.balance, other.balance)?;
        plus(&mut self.doubtful, other.doubtful)?;
        if self.rows.len() < other.rows.len() {
            self.rows.resize(other.rows.len(), ScheduleRow::default());
        }
        for (a, b) in self.rows.iter_mut().zip(&other.rows) {
            plus(&mut a.interest, b.interest)?;
            plus(&mut a.principal, b.principal)?;
            plus(&mut a.balance, b.balance)?;
        }
        Ok(self)
    }
}

/// Running totals of a projection, in 10^-12 cents. Each is at most the balance or the interest of the whole schedule, so below
/// 10^32 (107 bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    interest: u128,
    scheduled: u128,
    prepaid: u128,
    defaulted: u128,
}

/// What a pool is expected to bring in, month by month until nothing is owed and nothing more recovered, under weights
/// that last at least as long as the schedule. Doubtful loans default in the first month. Delinquency is not projected.
///
/// Running totals, exact in 10^-12 cents, are cut to cents, defaults up, all else down; a month's flow is the difference of two of
/// them. Up to the last month of the schedule what is owed follows from them; in it, what is left (at most one cent) is
/// scheduled principal. So all principal and defaults add up to the initial balance.
///
/// # Errors
/// If there are too few weights, or a number is out of range.
pub fn project(
    schedule: &Schedule,
    weights: &[Month],
    severity: u64,
    recovery_lag: u16,
) -> Result<Vec<Collections>, StressError> {
    let lag = usize::from(recovery_lag);
    let months = schedule.rows.len().max(usize::from(schedule.doubtful > 0));
    if weights.len() < schedule.rows.len() {
        return Err(RollError::Range("number of weights").into());
    }
    if severity > SEVERITY_ONE || recovery_lag > MAX_LAG {
        return Err(RollError::Range("severity or lag").into());
    }
    let one = u128::from(WEIGHT_ONE);
    let kept = u128::from(SEVERITY_ONE - severity);
    let recovered = |defaulted: u128| -> Result<u64, RollError> {
        let product = defaulted.checked_mul(kept);
        let product = product.ok_or(RollError::Overflow("recoveries"))?;
        cents(product / u128::from(SEVERITY_ONE) / one)
    };
    let initial = schedule.balance.checked_add(schedule.doubtful);
    let initial = initial.ok_or(RollError::Overflow("balance"))?;

    let mut sum = Totals::default();
    let mut history: Vec<u128> = Vec::with_capacity(months);
    let mut before = Collections::default();
    let mut out = Vec::with_capacity(months + lag);
    let mut owed = schedule.balance;
    for t in 0..months + lag {
        if let (Some(row), Some(w)) = (schedule.rows.get(t), weights.get(t)) {
            let times = |amount: u64, weight: u64| u128::from(amount) * u128::from(weight);
            sum.interest += times(row.interest, w.pay);
            sum.scheduled += times(row.principal, w.pay);
            sum.prepaid += times(row.balance, w.prepay);
            sum.defaulted += times(owed, w.default);
            owed = row.balance;
        }
        if t == 0 {
            sum.defaulted += u128::from(schedule.doubtful) * one;
        }
        history.push(sum.defaulted);
        let late = t.checked_sub(lag).map_or(0, |i| history[i]);
        // The running totals in cents; the balance is what they leave.
        let mut total = Collections {
            interest: cents(sum.interest / one)?,
            scheduled_principal: cents(sum.scheduled / one)?,
            prepaid_principal: cents(sum.prepaid / one)?,
            defaulted: cents(sum.defaulted.div_ceil(one))?,
            recoveries: recovered(late)?,
            ..Collections::default()
        };
        let gone = |c: &Collections| c.scheduled_principal + c.prepaid_principal + c.defaulted;
        let left = initial.checked_sub(gone(&total));
        let mut left = left.ok_or(RollError::Range("schedule"))?;
        if t + 1 >= months {
            total.scheduled_principal += left;
            left = 0;
        }
        out.push(Collections {
            balance_before: initial - gone(&before),
            balance_after: left,
            interest: total.interest - before.interest,
            scheduled_principal: total.scheduled_principal - before.scheduled_principal,
            prepaid_principal: total.prepaid_principal - before.prepaid_principal,
            defaulted: total.defaulted - before.defaulted,
            recoveries: total.recoveries - before.recoveries,
            ..Collections::default()
        });
        before = total;
    }
    Ok(out)
}

fn cents(amount: u128) -> Result<u64, RollError> {
    u64::try_from(amount).map_err(|_| RollError::Overflow("projection"))
}

/// What loans are expected to bring in under a stress.
///
/// # Errors
/// If the stress is invalid, a loan's number is out of range, or a sum does not fit.
pub fn project_pool(
    loans: &[LoanState],
    stress: &Stress,
    doubtful_days: u16,
) -> Result<Vec<Collections>, StressError> {
    let schedule = Schedule::of_pool(loans, doubtful_days)?;
    let weights = stress.months(schedule.rows.len())?;
    let severity = stress.severity_units()?;
    project(&schedule, &weights, severity, stress.recovery_lag)
}

/// The sum of all periods, from the first balance to the last; the net loss is its defaults less its recoveries.
///
/// # Errors
/// If a sum does not fit.
pub fn life(rows: &[Collections]) -> Result<Collections, RollError> {
    let mut total = Collections::default();
    for row in rows {
        let flows = Collections {
            balance_before: 0,
            balance_after: 0,
            delinquent: [0; 3],
            ..*row
        };
        add(&mut total, &flows)?;
    }
    total.balance_before = rows.first().map_or(0, |r| r.balance_before);
    total.balance_after = rows.last().map_or(0, |r| r.balance_after);
    Ok(total)
}
