//! Schedules that tell less: a pool's months summed into steps.
//!
//! A monthly schedule of a pool tells of single loans: when one loan ends in a month and none in the months beside it, what all
//! pay together falls by that loan's instalment. Where every step has many loans' ends, only sums over them can be told apart.
//!
//! A *step* is so many months, of which one row of a [`Schedule`] says interest and principal together and what is owed at the
//! end. Steps are a list of numbers of months, one a row; an empty list says that each row is a month.
//!
//! A projection needs months, and takes a step's interest and principal evenly over its months ([`spread`]): running totals
//! rounded down to a cent, so that what does not divide comes later. That is a rule, not what the loans do: within a step they may
//! pay sooner or later.

use crate::amortization::{LoanState, MAX_TERM, RollError};
use crate::projection::{Schedule, ScheduleRow, check_doubtful};
use records::units::Cents;

/// If fewer loans than this end in a step, what they pay may be told.
pub const FEW_LOANS: u32 = 10;

/// When loans end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// How many loans end in each month: it is the last one in which they owe something. Doubtful loans have none.
    pub months: Vec<u32>,
    /// How many loans are doubtful.
    pub doubtful: u32,
}

impl Endings {
    /// When these loans end.
    ///
    /// # Errors
    /// If the number of days is out of range.
    pub fn of(loans: &[LoanState], doubtful_days: u16) -> Result<Self, RollError> {
        check_doubtful(doubtful_days)?;
        let mut endings = Self::default();
        for loan in loans {
            let schedule = Schedule::of_loan(loan, doubtful_days);
            let months = schedule.rows.len();
            endings.doubtful += u32::from(schedule.doubtful > Cents(0));
            if let Some(last) = months.checked_sub(1) {
                let length = endings.months.len().max(months);
                endings.months.resize(length, 0);
                endings.months[last] += 1;
            }
        }
        Ok(endings)
    }
}

/// The fewest steps over these months that have a multiple of `every` months each and at least `at_least` loans' ends; one step, if
/// there are not as many loans. Empty if each is a month.
pub fn steps(endings: &[u32], every: u16, at_least: u32) -> Vec<u16> {
    let unit = usize::from(every.max(1));
    let mut steps = Vec::new();
    let (mut months, mut ended) = (0u16, 0u32);
    for unit_endings in endings.chunks(unit) {
        months += every.max(1);
        ended += unit_endings.iter().sum::<u32>();
        if ended >= at_least {
            steps.push(months);
            (months, ended) = (0, 0);
        }
    }
    // What is left at the end joins the step before it.
    match steps.last_mut() {
        _ if months == 0 => {}
        Some(last) => *last += months,
        None => steps.push(months),
    }
    if steps.iter().all(|step| *step == 1) {
        steps.clear();
    }
    steps
}

/// In how many steps some loans end, but few.
pub fn few(endings: &[u32], steps: &[u16]) -> usize {
    let mut left = endings;
    let mut row = 0;
    let mut few = 0;
    while !left.is_empty() {
        let (step, rest) = left.split_at(months_of(steps, row).min(left.len()));
        few += usize::from((1..FEW_LOANS).contains(&step.iter().sum()));
        (left, row) = (rest, row + 1);
    }
    few
}

/// How many months a row has.
pub fn months_of(steps: &[u16], row: usize) -> usize {
    // Not zero: [`months`] refuses that.
    steps
        .get(row)
        .map_or(1, |months| usize::from(*months).max(1))
}

/// How many months so many rows have together.
///
/// # Errors
/// If there are not as many steps as rows, one is empty, all are months (which no steps say), or there are more than [`MAX_TERM`]
/// months.
pub fn months(steps: &[u16], rows: usize) -> Result<usize, RollError> {
    let months = match steps {
        [] => rows,
        _ if steps.len() != rows => return Err(RollError::Range("number of steps")),
        _ if steps.contains(&0) => return Err(RollError::Range("months of a step (at least 1)")),
        _ if steps.iter().all(|step| *step == 1) => {
            return Err(RollError::Range("list of steps (none, if each is a month)"));
        }
        _ => steps.iter().map(|step| usize::from(*step)).sum(),
    };
    match months <= usize::from(MAX_TERM) {
        true => Ok(months),
        false => Err(RollError::Range("number of months (at most 600)")),
    }
}

/// A monthly schedule's months summed into steps, which have at least as many months.
///
/// # Errors
/// If a sum does not fit.
pub fn grouped(schedule: &Schedule, steps: &[u16]) -> Result<Schedule, RollError> {
    let mut rows = Vec::new();
    let mut left = &schedule.rows[..];
    while !left.is_empty() {
        let (step, rest) = left.split_at(months_of(steps, rows.len()).min(left.len()));
        let mut sum = ScheduleRow::default();
        for month in step {
            let plus = |a: Cents, b: Cents| a.checked_add(b).ok_or(RollError::Overflow("schedule"));
            sum.interest = plus(sum.interest, month.interest)?;
            sum.principal = plus(sum.principal, month.principal)?;
            sum.balance = month.balance;
        }
        rows.push(sum);
        left = rest;
    }
    Ok(Schedule { rows, ..*schedule })
}

/// The months of a schedule of steps: interest and principal of each step evenly over its months, running totals rounded down to a
/// cent.
///
/// # Errors
/// As [`months`], or if a balance does not fall by its row's principal.
pub fn spread(schedule: &Schedule, steps: &[u16]) -> Result<Schedule, RollError> {
    let mut rows = Vec::with_capacity(months(steps, schedule.rows.len())?);
    let mut owed = schedule.balance;
    for (i, row) in schedule.rows.iter().enumerate() {
        if row.balance.checked_add(row.principal) != Some(owed) {
            return Err(RollError::Range("schedule: a balance"));
        }
        let months = months_of(steps, i) as u64;
        let until = |amount: Cents, month: u64| {
            Cents((u128::from(amount.0) * u128::from(month) / u128::from(months)) as u64)
        };
        for month in 1..=months {
            let of = |amount| until(amount, month) - until(amount, month - 1);
            rows.push(ScheduleRow {
                interest: of(row.interest),
                principal: of(row.principal),
                balance: owed - until(row.principal, month),
            });
        }
        owed = row.balance;
    }
    Ok(Schedule { rows, ..*schedule })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(interest: u64, principal: u64, balance: u64) -> ScheduleRow {
        ScheduleRow {
            interest: Cents(interest),
            principal: Cents(principal),
            balance: Cents(balance),
        }
    }

    #[test]
    fn steps_have_enough_ends() {
        let endings = [3, 0, 9, 1, 0, 0, 12, 2];
        assert_eq!(steps(&endings, 1, 0), [0u16; 0]);
        assert_eq!(steps(&endings, 1, 1), [1, 2, 1, 3, 1]);
        // The two loans of the last month join the step before it.
        assert_eq!(steps(&endings, 1, 10), [3, 5]);
        assert_eq!(steps(&endings, 3, 0), [3, 3, 3]);
        assert_eq!(steps(&endings, 3, 10), [3, 6]);
        // There are 27 loans.
        assert_eq!(steps(&endings, 1, 28), [8]);
        assert_eq!(steps(&endings, 12, 100), [12]);
        assert_eq!(steps(&[], 3, 10), [0u16; 0]);
        assert_eq!(few(&endings, &[]), 4);
        assert_eq!(few(&endings, &[3, 5]), 0);
        assert_eq!(few(&endings, &[3, 3, 3]), 1);
        assert_eq!(months(&[], 8), Ok(8));
        assert_eq!(months(&[3, 5], 2), Ok(8));
        assert_eq!(months(&[600], 1), Ok(600));
        for (steps, rows) in [(&[3, 5][..], 3), (&[3, 0], 2), (&[1, 1], 2), (&[599, 2], 2)] {
            assert!(months(steps, rows).is_err(), "{steps:?}");
        }
    }

    /// 100 over three months: 33, 33 and 34.
    #[test]
    fn a_step_is_spread_evenly_and_its_rest_comes_late() {
        let schedule = Schedule {
            balance: Cents(1_000),
            doubtful: Cents(7),
            rows: vec![row(50, 300, 700), row(9, 200, 500), row(100, 500, 0)],
        };
        let steps = [1, 1, 3];
        let months = spread(&schedule, &steps).expect("it fits");
        let expected = [
            row(50, 300, 700),
            row(9, 200, 500),
            row(33, 166, 334),
            row(33, 167, 167),
            row(34, 167, 0),
        ];
        assert_eq!(months.rows, expected);
        assert_eq!((months.balance, months.doubtful), (Cents(1_000), Cents(7)));
        assert_eq!(grouped(&months, &steps).expect("it fits"), schedule);
        // A last step may be longer than what is left.
        let longer = grouped(&months, &[4, 4]).expect("it fits");
        assert_eq!(longer.rows, [row(125, 833, 167), row(34, 167, 0)]);
        let mut wrong = schedule;
        wrong.rows[1].balance += Cents(1);
        assert!(spread(&wrong, &steps).is_err());
        // The largest amounts.
        let all = Schedule {
            balance: Cents(u64::MAX),
            doubtful: Cents(0),
            rows: vec![row(u64::MAX, u64::MAX, 0)],
        };
        let months = spread(&all, &[600]).expect("it fits");
        assert_eq!(grouped(&months, &[600]).expect("it fits"), all);
    }
}
