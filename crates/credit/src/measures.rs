//! What investors compare tranches by: average life, price, yield, duration, and what is not paid.
//!
//! The definitions are those of the standard formulas of the Securities Industry and Financial Markets Association (SIFMA,
//! "Standard Formulas for the Analysis of Mortgage-Backed Securities and Other Related Securities"). Time is counted in years from
//! the settlement date, by the 30/360 rule of the Municipal Securities Rulemaking Board (rule G-33) and the former Securities
//! Industry Association ([`days_30_360_us`]).
//!
//! All follow from the cash flows of one run of a deal ([`life`](crate::protection::life)), with the rates that its fixings give.
//! They are reported, not proven. They are computed in enclosures ([`Interval`]), which are narrower than a unit of what is shown
//! by far; each says how it is rounded.

use fixed::{Decimal, DomainError, Interval, Rounding};
use records::date::{self, days_30_360_us};
use records::units::Cents;

use crate::deal::{PERCENT_DECIMALS, Plan};
use crate::waterfall::{DealState, Report};

/// Decimals of years: of average lives and durations.
pub const YEAR_DECIMALS: u8 = 4;
/// Decimals of yields, in percent.
pub const YIELD_DECIMALS: u8 = 4;
/// Decimals of prices, in percent of what is owed.
pub const PRICE_DECIMALS: u8 = 6;
/// Yields are sought between these, in 10^-4 percent: -190% and 1,000%.
const YIELDS: (i64, i64) = (-1_900_000, 10_000_000);

/// What a tranche's owner receives on a date, and what is written off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The payment date, in days from 1970-01-01.
    pub date: i64,
    /// Interest paid.
    pub interest: Cents,
    /// Principal paid.
    pub principal: Cents,
    /// What is written down, less what is written up; on the last date also what is still owed then.
    pub written_down: Cents<i64>,
}

/// A tranche from a settlement date on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The day on which it is paid for, in days from 1970-01-01.
    pub settlement: i64,
    /// What is owed at settlement.
    pub balance: Cents,
    /// Interest that accrued from the last payment date to settlement: a buyer pays for it.
    pub accrued: Cents,
    /// Its rate at settlement, in percent a year.
    pub coupon: Decimal,
    /// What comes after settlement, by date.
    pub flows: Vec<Flow>,
}

/// A tranche's duration, in years at [`YEAR_DECIMALS`], to the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    /// The mean time of what is paid, weighted by present values.
    pub macaulay: Decimal,
    /// The same divided by `1 + y / 2`: the relative fall of the price for a rise of the yield.
    pub modified: Decimal,
}

/// A monthly rate as a bond-equivalent yield: `2 ((1 + i)^6 - 1)`, compounded twice a year.
///
/// # Errors
/// If it does not fit.
pub fn bond_equivalent(monthly: &Interval) -> Result<Interval, DomainError> {
    let growth = Interval::ONE.add(monthly)?;
    let third = growth.mul(&growth)?.mul(&growth)?;
    third.mul(&third)?.sub(&Interval::ONE)?.times(2)
}

/// A percentage as a fraction.
fn fraction(percent: &Decimal) -> Result<Interval, DomainError> {
    Interval::from_decimal(percent)?.div_int(100)
}

/// Cents as a number; all amounts of a deal fit.
fn number(amount: Cents) -> Interval {
    Interval::from_int(i64::try_from(amount.0).unwrap_or(i64::MAX))
}

/// To the nearest.
fn nearest(value: &Interval, decimals: u8) -> Result<Decimal, DomainError> {
    let units = value.middle()?.rescale(decimals, Rounding::HalfEven)?;
    Ok(Decimal::from_units(units, decimals)?)
}

impl Holding {
    /// A tranche of a deal, bought on the last payment date (or at closing): nothing has accrued. The reports are those of the
    /// payment dates after the state, to the end.
    pub fn of(plan: &Plan, state: &DealState, reports: &[Report], tranche: usize) -> Self {
        let before = &state.tranches[tranche];
        let mut flows = Vec::with_capacity(reports.len());
        for (i, report) in reports.iter().enumerate() {
            let t = &report.tranches[tranche];
            // Below 2^56 each.
            let signed = |amount: Cents| Cents(amount.0 as i64);
            let mut written_down = signed(t.written_down) - signed(t.written_up);
            if i + 1 == reports.len() {
                written_down += signed(t.balance);
            }
            flows.push(Flow {
                date: plan.dates(report.period).1,
                interest: t.interest_paid,
                principal: t.principal_paid,
                written_down,
            });
        }
        Self {
            settlement: plan.dates(state.period + 1).0,
            balance: before.balance,
            accrued: Cents(0),
            coupon: reports
                .first()
                .map_or(Decimal::ZERO, |r| r.tranches[tranche].rate),
            flows,
        }
    }

    /// Days from settlement, where a year has 360.
    fn days(&self, flow: &Flow) -> i64 {
        days_30_360_us(self.settlement, flow.date).max(0)
    }

    /// Weighted-average life: `sum of t * principal / sum of principal`, in years at [`YEAR_DECIMALS`], to the nearest. What is
    /// written down is no principal paid, and left out. None if no principal is paid.
    pub fn average_life(&self) -> Option<Decimal> {
        let weight = |f: &Flow| i128::from(f.principal.0);
        let paid: i128 = self.flows.iter().map(weight).sum();
        let weighted = self.flows.iter();
        let weighted: i128 = weighted.map(|f| weight(f) * i128::from(self.days(f))).sum();
        let (n, d) = (Decimal::new(weighted, 0), Decimal::new(paid * 360, 0));
        n.div(&d, YEAR_DECIMALS, Rounding::HalfEven).ok()
    }

    /// The sum of `amount * (1 + y / 2)^(-2 t)` over the flows, with a yield in percent; and the same of `t * amount`.
    fn present(&self, percent: &Decimal) -> Result<(Interval, Interval), DomainError> {
        let log = Interval::ONE.add(&fraction(percent)?.half())?.ln()?;
        let (mut sum, mut timed) = (Interval::ZERO, Interval::ZERO);
        for flow in &self.flows {
            let cash = flow.interest + flow.principal;
            if cash == Cents(0) {
                continue;
            }
            let days = self.days(flow);
            let factor = log.times(-days)?.div_int(180)?.exp()?;
            let value = factor.mul(&number(cash))?;
            timed = timed.add(&value.times(days)?.div_int(360)?)?;
            sum = sum.add(&value)?;
        }
        Ok((sum, timed))
    }

    /// The price at a bond-equivalent yield, dirty (with accrued interest) and clean (without), in percent of what is owed at
    /// [`PRICE_DECIMALS`], to the nearest. None if nothing is owed.
    ///
    /// # Errors
    /// If a number does not fit, or the yield is -200% or less.
    pub fn price(&self, percent: &Decimal) -> Result<Option<(Decimal, Decimal)>, DomainError> {
        if self.balance == Cents(0) {
            return Ok(None);
        }
        let (dirty, _) = self.present(percent)?;
        let of_balance = |value: &Interval| -> Result<Decimal, DomainError> {
            let percent = value.times(100)?.div(&number(self.balance))?;
            nearest(&percent, PRICE_DECIMALS)
        };
        let clean = dirty.sub(&number(self.accrued))?;
        Ok(Some((of_balance(&dirty)?, of_balance(&clean)?)))
    }

    /// The bond-equivalent yield at a clean price in percent of what is owed: `2 ((1 + i)^6 - 1)` for the monthly `i` at which
    /// the flows are worth the price and accrued interest. In percent at [`YIELD_DECIMALS`], rounded down. None if there is no
    /// such yield between -190% and 1,000%, as where nothing is paid.
    ///
    /// # Errors
    /// If a number does not fit.
    pub fn yield_at(&self, clean: &Decimal) -> Result<Option<Decimal>, DomainError> {
        let price = fraction(clean)?.mul(&number(self.balance))?;
        let price = price.add(&number(self.accrued))?;
        if price.lo() <= 0 {
            return Ok(None);
        }
        let percent = |units: i64| Decimal::new(units.into(), YIELD_DECIMALS);
        let reaches = |units: i64| match self.present(&percent(units)) {
            Ok((value, _)) => Ok(value.hi() >= price.lo()),
            // Far below zero, distant flows are worth more than any price.
            Err(DomainError::Overflow) if units < 0 => Ok(true),
            Err(error) => Err(error),
        };
        let (mut low, mut high) = YIELDS;
        if !reaches(low)? || reaches(high)? || self.flows.iter().all(|f| self.days(f) == 0) {
            return Ok(None);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match reaches(middle)? {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(Some(percent(low)))
    }

    /// The bond-equivalent yield of the coupon at settlement, paid monthly: in percent at [`YIELD_DECIMALS`], to the nearest. At it a
    /// tranche that pays all in time, by 30/360 and on its rate at settlement, is worth what it owes.
    ///
    /// # Errors
    /// If a number does not fit.
    pub fn coupon_yield(&self) -> Result<Decimal, DomainError> {
        let monthly = fraction(&self.coupon)?.div_int(12)?;
        nearest(&bond_equivalent(&monthly)?.times(100)?, YIELD_DECIMALS)
    }

    /// Durations at a bond-equivalent yield in percent. None if nothing is paid.
    ///
    /// # Errors
    /// As [`Holding::price`].
    pub fn durations(&self, percent: &Decimal) -> Result<Option<Durations>, DomainError> {
        let (sum, timed) = self.present(percent)?;
        if sum.lo() <= 0 {
            return Ok(None);
        }
        let macaulay = timed.div(&sum)?;
        let half = Interval::ONE.add(&fraction(percent)?.half())?;
        Ok(Some(Durations {
            macaulay: nearest(&macaulay, YEAR_DECIMALS)?,
            modified: nearest(&macaulay.div(&half)?, YEAR_DECIMALS)?,
        }))
    }

    /// What is written down for good, undiscounted.
    pub fn written_down(&self) -> Cents<i64> {
        self.flows.iter().map(|f| f.written_down).sum()
    }

    /// What is written down, each amount discounted from its date at the tranche's coupon at settlement, a twelfth a month of 30
    /// days; rounded up.
    ///
    /// # Errors
    /// If a number does not fit.
    pub fn written_down_discounted(&self) -> Result<Cents<i64>, DomainError> {
        let monthly = fraction(&self.coupon)?.div_int(12)?;
        let log = Interval::ONE.add(&monthly)?.ln()?;
        let mut sum = Interval::ZERO;
        for flow in self.flows.iter().filter(|f| f.written_down != Cents(0)) {
            let factor = log.times(-self.days(flow))?.div_int(30)?.exp()?;
            sum = sum.add(&factor.mul(&Interval::from_int(flow.written_down.0))?)?;
        }
        let cents = i64::try_from(sum.ceil_at(0)?).map_err(|_| DomainError::Overflow)?;
        Ok(Cents(cents))
    }
}

/// A settlement date and the interest that accrued until then: `balance * rate * days / year`, rounded down, as the deal pays it.
///
/// # Errors
/// If the day is not in the first period after the state, or nothing comes after it.
pub fn settled(
    mut holding: Holding,
    plan: &Plan,
    tranche: usize,
    day: i64,
) -> Result<Holding, String> {
    let first = holding.flows.first().map(|f| f.date);
    if day < holding.settlement || first.is_none_or(|first| day >= first) {
        let from = date::written(holding.settlement);
        return Err(format!(
            "{} is not between the last payment date, {from}, and the next",
            date::written(day)
        ));
    }
    let count = plan.tranches[tranche].day_count;
    let rate = holding.coupon.rescale_exact(PERCENT_DECIMALS);
    let rate = rate.map_err(|e| e.to_string())?.unsigned_abs();
    let days = u128::from(count.days(holding.settlement, day));
    // Below 2^56 * 2^28 * 2^16.
    let product = u128::from(holding.balance.0) * rate * days;
    let year = u128::from(crate::deal::WHOLE) * u128::from(count.year());
    holding.accrued = Cents((product / year) as u64);
    holding.settlement = day;
    Ok(holding)
}
