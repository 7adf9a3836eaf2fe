//! A deal over the months of its pool.

use super::{DealState, Index, Report, WaterfallError, check_payment_date, payment_date, run};
use crate::amortization::{RollError, then};
use crate::collections::Collections;
use crate::deal::{Deal, DealError};
use crate::pool::remittance::{RemittanceError, Remittances, Rolled, roll_tape};
use crate::pool::tape::CutOff;
use crate::pool::{Tape, TapeError};
use crate::protection::{ProtectionError, check_indices};

/// Most months together.
pub const MAX_MONTHS: usize = 120;

/// What is to be claimed of a pool and a deal.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What became of the loans, month by month.
    pub months: Vec<Remittances>,
    /// The deal.
    pub deal: Deal,
    /// The deal before the first month; at closing, if not given.
    pub deal_state: Option<DealState>,
    /// The fixings of its indices.
    pub indices: Vec<Index>,
}

/// Why months cannot be paid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MonthsError {
    /// The tape has no loans, or two of the same id.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// What was reported of the loans cannot be.
    #[error("month {month}: {error}")]
    Remittance {
        /// Which month, from 1 on.
        month: usize,
        /// Why.
        error: RemittanceError,
    },
    /// The deal contradicts itself, or is too long.
    #[error("deal: {0}")]
    Deal(#[from] DealError),
    /// There are too many indices, or two of the same name.
    #[error(transparent)]
    Indices(ProtectionError),
    /// There are no months, or too many.
    #[error("there are 1 to {MAX_MONTHS} months, not {0}")]
    Number(usize),
    /// The months are no whole periods.
    #[error("the deal's payment date {date} pays {period} months, and {months} are left for it")]
    Periods {
        /// The payment date.
        date: String,
        /// Months that it pays.
        period: usize,
        /// Months that there are.
        months: usize,
    },
    /// Months of a period do not follow each other, or their sum does not fit.
    #[error(transparent)]
    Sum(#[from] RollError),
    /// A period cannot be paid.
    #[error("period {period}: {error}")]
    Period {
        /// Which, from 1 on.
        period: usize,
        /// Why.
        error: WaterfallError,
    },
}

/// What a pool brought in, month by month, and what the deal paid from it.
#[derive(Clone, Debug)]
pub struct Months {
    /// The months.
    pub rolled: Vec<Rolled>,
    /// The deal before them.
    pub deal_before: DealState,
    /// What it paid, period by period.
    pub reports: Vec<Report>,
    /// The deal after them.
    pub deal_after: DealState,
}

impl Terms {
    /// Rolls a tape over the months, and runs the deal over what came in.
    ///
    /// # Errors
    /// If something was reported that cannot be, or the deal does not fit the pool or cannot be run.
    pub fn run(&self, tape: &Tape) -> Result<Months, MonthsError> {
        tape.check()?;
        if !(1..=MAX_MONTHS).contains(&self.months.len()) {
            return Err(MonthsError::Number(self.months.len()));
        }
        let mut rolled: Vec<Rolled> = Vec::with_capacity(self.months.len());
        for (i, month) in self.months.iter().enumerate() {
            let now = rolled.last().map_or(tape, |before| &before.tape);
            let next = roll_tape(now, month);
            rolled.push(next.map_err(|error| MonthsError::Remittance {
                month: i + 1,
                error,
            })?);
        }
        let deal_before = match &self.deal_state {
            Some(state) => state.clone(),
            None => DealState::of(&self.deal.plan()?),
        };
        let collections: Vec<Collections> = rolled.iter().map(|m| m.collections).collect();
        let after: Vec<&CutOff> = rolled.iter().map(|m| &m.tape.cut_off).collect();
        let paid = pay(
            &self.deal,
            &deal_before,
            &self.indices,
            &collections,
            &after,
        );
        let (deal_after, reports) = paid?;
        Ok(Months {
            rolled,
            deal_before,
            reports,
            deal_after,
        })
    }
}

/// Runs a deal over months: the state after them, and what was paid, period by period. `after` are the cut-off dates at their ends.
///
/// # Errors
/// If the deal is wrong, the months are no whole periods, a period's payment date does not fit its last cut-off date, or the deal
/// cannot be run.
pub fn pay(
    deal: &Deal,
    before: &DealState,
    indices: &[Index],
    months: &[Collections],
    after: &[&CutOff],
) -> Result<(DealState, Vec<Report>), MonthsError> {
    deal.check_size()?;
    let plan = deal.plan()?;
    check_indices(indices).map_err(MonthsError::Indices)?;
    if after.len() != months.len() {
        return Err(MonthsError::Number(after.len()));
    }
    let mut state = before.clone();
    let mut reports = Vec::new();
    let mut left = months;
    loop {
        let number = state.period.saturating_add(1);
        let at = |error| MonthsError::Period {
            period: reports.len() + 1,
            error,
        };
        let period = match plan.months(number) {
            // A payment date that pays no month is right after the one before it.
            Some(period) if period == 0 || !left.is_empty() => period,
            None if !left.is_empty() => return Err(at(WaterfallError::Ended(plan.periods))),
            _ => break,
        };
        if period > left.len() {
            return Err(MonthsError::Periods {
                date: payment_date(&plan, number).map_err(at)?,
                period,
                months: left.len(),
            });
        }
        let (paid, rest) = left.split_at(period);
        left = rest;
        let whole = match paid.split_first() {
            Some((first, others)) => others
                .iter()
                .try_fold(*first, |sum, month| then(&sum, month))?,
            None => nothing_new(
                &state,
                months.len().checked_sub(left.len() + 1).map(|i| &months[i]),
            ),
        };
        let (next, report) = run(&plan, &state, &whole, indices).map_err(at)?;
        if let Some(until) = (after.len() - left.len()).checked_sub(1) {
            check_payment_date(&plan, next.period, after[until]).map_err(at)?;
        }
        state = next;
        reports.push(report);
    }
    Ok((state, reports))
}

/// What a payment date sees that pays no month's collections: loans as they were at the end of the last one.
pub(crate) fn nothing_new(state: &DealState, last: Option<&Collections>) -> Collections {
    Collections {
        balance_before: state.pool_balance,
        balance_after: state.pool_balance,
        delinquent: last.map_or_else(Default::default, |month| month.delinquent),
        ..Collections::default()
    }
}
