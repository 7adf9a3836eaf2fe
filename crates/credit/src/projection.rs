//! What a pool is expected to bring in under a stress.
//!
//! A stress takes the same part of every loan, so what a pool brings in under it is *linear* in what it would
//! bring in without one: the [`Schedule`], a sum over loans that depends on no stress, is weighted each month
//! by public numbers ([`Month`]). Only the schedule touches the loans: any number of stresses, multiples of
//! one, or scenarios of a factor need it once.
//!
//! Sums of money are exact, in 10^-12 cents, and are cut to cents as running totals, so that rounding costs a
//! cent for each kind of flow over the whole life, not one a month or one a loan. All roundings are against
//! the investor: defaults up, interest, principal and recoveries down.

use rayon::prelude::*;
use records::units::Cents;
use serde::{Deserialize, Serialize};

use crate::amortization::{LoanState, RollError, add};
use crate::collections::Collections;
use crate::stress::{MAX_LAG, Month, SEVERITY_ONE, StressError, WEIGHT_ONE};

/// What loans bring in when all pay as scheduled. Cents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What the loans owe at the cut-off date, the doubtful ones aside.
    pub balance: Cents,
    /// What doubtful loans owe at the cut-off date: those so many days past due, and those past maturity.
    pub doubtful: Cents,
    /// Month by month until nothing is owed.
    pub rows: Vec<ScheduleRow>,
}

/// A month of a schedule. Cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRow {
    /// Interest due.
    pub interest: Cents,
    /// Principal due.
    pub principal: Cents,
    /// What is owed at the end.
    pub balance: Cents,
}

/// The most days past due from which a loan can be doubtful: after a year without a payment nobody counts on one. (Banks are told
/// 90 days; mortgages are written off after 180.)
pub const MAX_DOUBTFUL_DAYS: u16 = 365;

/// Checks from how many days past due on a loan is doubtful: 1 to [`MAX_DOUBTFUL_DAYS`].
///
/// # Errors
/// If it is out of range.
pub fn check_doubtful(days: u16) -> Result<(), RollError> {
    match (1..=MAX_DOUBTFUL_DAYS).contains(&days) {
        true => Ok(()),
        false => Err(RollError::Range(
            "number of days past due from which a loan is doubtful (1 to 365)",
        )),
    }
}

impl Schedule {
    /// The schedule of one loan: its [`LoanState::due`], month by month, all of it paid. What is overdue at
    /// the cut-off date is not counted on: its interest is left out, its principal comes at the end. A loan
    /// that is at least `doubtful_days` past due, or past maturity, is doubtful; one that is not open has no
    /// schedule.
    pub fn of_loan(loan: &LoanState, doubtful_days: u16) -> Self {
        let balance = loan.pool_balance();
        if balance > Cents(0) && (loan.days_past_due >= doubtful_days || loan.term == 0) {
            return Self {
                doubtful: balance,
                ..Self::default()
            };
        }
        let mut loan = LoanState {
            overdue_interest: Cents(0),
            overdue_principal: Cents(0),
            ..*loan
        };
        let mut rows = Vec::with_capacity(loan.term.into());
        while loan.pool_balance() > Cents(0) {
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
            doubtful: Cents(0),
            rows,
        }
    }

    /// The sum of the loans' schedules, as long as the longest.
    ///
    /// # Errors
    /// Names a loan's number that is out of range, or a sum that does not fit; or if `doubtful_days` is out of range.
    pub fn of_pool(loans: &[LoanState], doubtful_days: u16) -> Result<Self, RollError> {
        check_doubtful(doubtful_days)?;
        let empty = || Ok(Self::default());
        let part = |sum: Result<Self, RollError>, loan: &LoanState| {
            loan.check()?;
            if loan.balance == Cents(0) && loan.accrued > Cents(0) {
                return Err(RollError::InterestOnly);
            }
            sum?.plus(&Self::of_loan(loan, doubtful_days))
        };
        let parts = loans.par_iter().fold(empty, part);
        parts.reduce(empty, |a, b| a?.plus(&b?))
    }

    fn plus(mut self, other: &Self) -> Result<Self, RollError> {
        let plus = |a: &mut Cents, b: Cents| -> Result<(), RollError> {
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

/// Running totals of a projection, in 10^-12 cents. Each is at most the balance or the interest of the whole
/// schedule, so below 10^32 (107 bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    // Plain numbers: 10^-12 cents are no unit that anything else has.
    interest: u128,
    scheduled: u128,
    prepaid: u128,
    defaulted: u128,
}

/// What a pool is expected to bring in, month by month until nothing is owed and nothing more recovered,
/// under weights that last at least as long as the schedule. Doubtful loans default in the first month.
/// Which loans are late is another matter ([`Pipeline`](crate::stress::Pipeline)).
///
/// Running totals, exact in 10^-12 cents, are cut to cents, defaults up, all else down; a month's flow is the
/// difference of two of them. Up to the last month of the schedule what is owed follows from them; in it,
/// what is left (at most one cent) is scheduled principal. So all principal and defaults add up to the
/// initial balance.
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
    let months = schedule
        .rows
        .len()
        .max(usize::from(schedule.doubtful > Cents(0)));
    if weights.len() < schedule.rows.len() {
        return Err(RollError::Range("number of weights").into());
    }
    if severity > SEVERITY_ONE || recovery_lag > MAX_LAG {
        return Err(RollError::Range("severity or lag").into());
    }
    let one = u128::from(WEIGHT_ONE);
    let kept = u128::from(SEVERITY_ONE - severity);
    let recovered = |defaulted: u128| -> Result<Cents, RollError> {
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
            let times = |amount: Cents, weight: u64| u128::from(amount.0) * u128::from(weight);
            sum.interest += times(row.interest, w.pay);
            sum.scheduled += times(row.principal, w.pay);
            sum.prepaid += times(row.balance, w.prepay);
            sum.defaulted += times(owed, w.default);
            owed = row.balance;
        }
        if t == 0 {
            sum.defaulted += u128::from(schedule.doubtful.0) * one;
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
            left = Cents(0);
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

fn cents(amount: u128) -> Result<Cents, RollError> {
    u64::try_from(amount)
        .map(Cents)
        .map_err(|_| RollError::Overflow("projection"))
}

/// The sum of all periods, from the first balance to the last; the net loss is its defaults less its
/// recoveries.
///
/// # Errors
/// If a sum does not fit.
pub fn life(rows: &[Collections]) -> Result<Collections, RollError> {
    let mut total = Collections::default();
    for row in rows {
        let flows = Collections {
            balance_before: Cents(0),
            balance_after: Cents(0),
            delinquent: [Cents(0); 3],
            ..*row
        };
        add(&mut total, &flows)?;
    }
    total.balance_before = rows.first().map_or(Cents(0), |r| r.balance_before);
    total.balance_after = rows.last().map_or(Cents(0), |r| r.balance_after);
    Ok(total)
}
