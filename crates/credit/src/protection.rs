//! What protects a tranche: a deal run to its end under a public stress.
//!
//! The pool's projected collections ([`projection`](crate::projection)) run through the deal, payment date by payment date,
//! to the legal final date. Loans are late before they default if the stress says so. What a tranche is owed then is lost. Nobody exercises the clean-up call.

use fixed::Decimal;
use records::units::Cents;
use serde::{Deserialize, Serialize};

use crate::amortization::then;
use crate::collections::Collections;
use crate::deal::{Deal, Plan};
use crate::pool::tape::CutOff;
use crate::projection::{Schedule, project};
use crate::stress::{Month, Stress, StressError};
use crate::waterfall::{
    DealState, Index, Report, TrancheState, WaterfallError, check_payment_date, nothing_new, run,
};

/// Most payment dates of a deal, most indices and most fixings of one: a claim must not make its verifier run for ever.
const MAX_DATES: u32 = 1_200;
const MAX_INDICES: usize = 64;

/// What became of a tranche. In cents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrancheOutcome {
    /// Its name.
    pub tranche: String,
    /// Principal that was never paid: what is owed at the end, and what was written down for good.
    pub principal_lost: Cents,
    /// Interest that fell due and is never paid, each amount as it fell due: not discounted.
    pub interest_lost: Cents,
    /// The payment date, from 1 on, after which nothing was owed; none if something was lost.
    pub paid_off: Option<u32>,
}

impl TrancheOutcome {
    /// Whether principal and interest were paid.
    pub fn is_whole(&self) -> bool {
        self.principal_lost == Cents(0) && self.interest_lost == Cents(0)
    }
}

/// Why a deal cannot be run to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtectionError {
    /// The stress is wrong, or a number is out of range.
    #[error("stress: {0}")]
    Stress(#[from] StressError),
    /// The factor is wrong.
    #[error("factor: {0}")]
    Factor(String),
    /// The deal or its state is wrong.
    #[error("payment date {period}: {error}")]
    Waterfall {
        /// Which, from 1 on; 0 before the first.
        period: u32,
        /// What is wrong.
        error: WaterfallError,
    },
    /// More than a verifier should run through.
    #[error(
        "at most {MAX_INDICES} indices of different names, {MAX_DATES} fixings of each and {MAX_DATES} payment dates fit"
    )]
    TooMuch,
    /// The pool and the deal are not of one another.
    #[error("the pool owes {pool} cents, and the deal's state says {state}")]
    Pool {
        /// What the loans owe.
        pool: Cents<u128>,
        /// What the state says.
        state: Cents,
    },
}

/// Checks that there are few indices of different names, with few fixings.
///
/// # Errors
/// If there are more than a verifier should look through, or two of the same name, of which a deal would take the first.
pub fn check_indices(indices: &[Index]) -> Result<(), ProtectionError> {
    let long = |i: &Index| i.fixings.len() > MAX_DATES as usize;
    let mut names: Vec<&str> = indices.iter().map(|i| i.name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).any(|w| w[0] == w[1]);
    if indices.len() > MAX_INDICES || twice || indices.iter().any(long) {
        return Err(ProtectionError::TooMuch);
    }
    Ok(())
}

/// Checks that a deal's payment dates fit the cut-off date of its pool: the last one paid what came in until then, the next one pays
/// what comes in in the months after it, and so does every further one that is listed.
///
/// # Errors
/// If a payment date is before the end of what it pays, or more than a year after it, or the deal is wrong.
pub fn check_dates(
    deal: &Deal,
    state: &DealState,
    cut_off: &CutOff,
) -> Result<(), ProtectionError> {
    let at = |period: u32| move |error| ProtectionError::Waterfall { period, error };
    let plan = deal.plan().map_err(|e| at(0)(WaterfallError::Deal(e)))?;
    if state.period > 0 {
        check_payment_date(&plan, state.period, cut_off).map_err(at(state.period))?;
    }
    let mut until = cut_off.clone();
    let mut period = state.period.saturating_add(1);
    while let Some(months) = plan.months(period) {
        until = (0..months).fold(until, |day, _| day.next());
        check_payment_date(&plan, period, &until).map_err(at(period))?;
        // Dates by a pattern follow from the first one; listed ones may each be any.
        if deal.dates.payments.is_empty() {
            break;
        }
        period = period.saturating_add(1);
    }
    Ok(())
}

/// A deal, its state and its pool's schedule, which fit each other: to be run to its end under any number of stresses.
#[derive(Clone, Debug)]
pub(crate) struct RunOff<'a> {
    plan: Plan,
    state: &'a DealState,
    indices: &'a [Index],
    schedule: &'a Schedule,
}

impl<'a> RunOff<'a> {
    /// # Errors
    /// If the deal is wrong, too long, or the pool is not the one that its state speaks of.
    pub(crate) fn new(
        deal: &Deal,
        state: &'a DealState,
        indices: &'a [Index],
        schedule: &'a Schedule,
    ) -> Result<Self, ProtectionError> {
        let at = |error| ProtectionError::Waterfall { period: 0, error };
        let plan: Plan = deal.plan().map_err(|e| at(WaterfallError::Deal(e)))?;
        if plan.periods > MAX_DATES {
            return Err(ProtectionError::TooMuch);
        }
        check_indices(indices)?;
        // Also where nothing comes in, so that no payment date would check it.
        state.check(&plan).map_err(at)?;
        let pool = schedule.balance.widen() + schedule.doubtful.widen::<u128>();
        if pool != state.pool_balance.widen() {
            return Err(ProtectionError::Pool {
                pool,
                state: state.pool_balance,
            });
        }
        Ok(Self {
            plan,
            state,
            indices,
            schedule,
        })
    }

    /// The tranches' names, and what each is owed at the cut-off date: its balance, and what was written down and may come back.
    pub(crate) fn tranches(&self) -> impl Iterator<Item = (&str, Cents)> {
        let owed = |t: &TrancheState| t.balance.saturating_add(t.written_down);
        let names = self.plan.tranches.iter().map(|t| t.name.as_str());
        names.zip(self.state.tranches.iter().map(owed))
    }

    /// What becomes of the tranches if so much defaults and prepays each month; severity and recovery lag are the stress's.
    ///
    /// # Errors
    /// If a number is out of range, there are too few months, or the indices are too short.
    pub(crate) fn under(
        &self,
        weights: &[Month],
        stress: &Stress,
    ) -> Result<Vec<TrancheOutcome>, ProtectionError> {
        self.follow(weights, stress, |_, _| ())
    }

    /// The same, and shows what came in before each payment date and what was paid.
    fn follow(
        &self,
        weights: &[Month],
        stress: &Stress,
        mut each: impl FnMut(&Collections, Report),
    ) -> Result<Vec<TrancheOutcome>, ProtectionError> {
        let at = |period: u32| move |error| ProtectionError::Waterfall { period, error };
        let severity = stress.severity_units()?;
        let mut rows = project(self.schedule, weights, severity, stress.recovery_lag)?;
        stress.fill_delinquency(&mut rows)?;
        let (plan, indices) = (&self.plan, self.indices);
        let mut state = self.state.clone();
        let mut paid_off: Vec<Option<u32>> = vec![None; plan.tranches.len()];
        let mut forgone = vec![Cents(0); plan.tranches.len()];
        let mut left = rows.as_slice();
        let mut last: Option<Collections> = None;
        while !left.is_empty() {
            let period = state.period + 1;
            // What comes in after the legal final date helps nobody.
            let Some(months) = plan.months(period) else {
                break;
            };
            let (months, rest) = left.split_at(months.min(left.len()));
            left = rest;
            let collections = match months.split_first() {
                Some((first, others)) => others
                    .iter()
                    .try_fold(*first, |sum, month| then(&sum, month))
                    .map_err(StressError::Roll)?,
                None => nothing_new(&state, last.as_ref()),
            };
            last = months.last().copied().or(last);
            let (next, report) = match run(plan, &state, &collections, indices) {
                Ok(next) => next,
                Err(error) => return Err(at(period)(error)),
            };
            state = next;
            note(&state, &report, &mut paid_off, &mut forgone);
            each(&collections, report);
        }
        // What accounts still hold is paid by the deal's rules, which may name later dates.
        let owes = |state: &DealState| state.tranches.iter().any(is_owed);
        while owes(&state) {
            let nothing = Collections::default();
            let (next, report) = match run(plan, &state, &nothing, indices) {
                Ok(next) => next,
                // The legal final date: what is owed is lost.
                Err(WaterfallError::Ended(_)) => break,
                Err(error) => return Err(at(state.period + 1)(error)),
            };
            state = next;
            note(&state, &report, &mut paid_off, &mut forgone);
            each(&nothing, report);
        }
        let tranches = plan.tranches.iter().zip(&state.tranches);
        let outcomes = tranches.zip(paid_off.iter().zip(&forgone));
        Ok(outcomes
            .map(|((terms, tranche), (paid_off, forgone))| {
                let mut outcome = TrancheOutcome {
                    tranche: terms.name.clone(),
                    principal_lost: tranche.balance.saturating_add(tranche.written_down),
                    interest_lost: tranche.unpaid_interest.saturating_add(*forgone),
                    paid_off: None,
                };
                if outcome.is_whole() {
                    outcome.paid_off = *paid_off;
                }
                outcome
            })
            .collect())
    }
}

/// Runs a deal to its end under a stress. Each payment date pays out what came in during the months before it, from the
/// schedule's first month on. After the deal's last payment date nothing is paid.
///
/// # Errors
/// If the stress, the deal or the state is wrong, or the indices are too short.
pub fn protect(
    deal: &Deal,
    state: &DealState,
    indices: &[Index],
    schedule: &Schedule,
    stress: &Stress,
) -> Result<Vec<TrancheOutcome>, ProtectionError> {
    let run_off = RunOff::new(deal, state, indices, schedule)?;
    run_off.under(&stress.months(schedule.rows.len())?, stress)
}

/// A deal run to its end: payment date by payment date, and what became of its tranches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// What came in before each payment date.
    pub collections: Vec<Collections>,
    /// What investors would be told after it.
    pub reports: Vec<Report>,
    /// The tranches, in the deal's order.
    pub outcome: Vec<TrancheOutcome>,
}

/// The same as [`protect`], with the payment dates themselves.
///
/// # Errors
/// As [`protect`].
pub fn life(
    deal: &Deal,
    state: &DealState,
    indices: &[Index],
    schedule: &Schedule,
    stress: &Stress,
) -> Result<Life, ProtectionError> {
    let run_off = RunOff::new(deal, state, indices, schedule)?;
    let months = stress.months(schedule.rows.len())?;
    let (mut collections, mut reports) = (Vec::new(), Vec::new());
    let outcome = run_off.follow(&months, stress, |collected, report| {
        collections.push(*collected);
        reports.push(report);
    })?;
    Ok(Life {
        collections,
        reports,
        outcome,
    })
}

/// Whether anything is owed, or may be again. A claim's state may say any unpaid interest: the sum might not fit.
fn is_owed(tranche: &TrancheState) -> bool {
    [
        tranche.balance,
        tranche.unpaid_interest,
        tranche.written_down,
    ]
    .iter()
    .any(|owed| *owed > Cents(0))
}

/// Notes which tranches are paid off, and interest that the deal does not carry forward.
fn note(state: &DealState, report: &Report, paid_off: &mut [Option<u32>], forgone: &mut [Cents]) {
    for (tranche, paid) in state.tranches.iter().zip(paid_off) {
        // A balance that was written down may come back.
        if is_owed(tranche) {
            *paid = None;
        } else if paid.is_none() {
            *paid = Some(state.period);
        }
    }
    for (tranche, forgone) in report.tranches.iter().zip(forgone) {
        let lost = tranche
            .interest_shortfall
            .saturating_sub(tranche.unpaid_interest);
        *forgone = forgone.saturating_add(lost);
    }
}

/// The largest multiple of a stress's defaults, in hundredths up to 100, under which a tranche is whole, and zero if there is
/// none. A tranche that is whole under a multiple is taken to be under smaller ones.
///
/// # Errors
/// As [`protect`].
pub fn breakeven(
    deal: &Deal,
    state: &DealState,
    indices: &[Index],
    schedule: &Schedule,
    stress: &Stress,
    tranche: usize,
) -> Result<Decimal, ProtectionError> {
    let multiple = |hundredths: i128| Decimal::new(hundredths, 2);
    let whole = |hundredths: i128| -> Result<bool, ProtectionError> {
        let stress = stress.scaled(&multiple(hundredths))?;
        let outcome = protect(deal, state, indices, schedule, &stress)?;
        Ok(outcome[tranche].is_whole())
    };
    let (mut low, mut high) = (0, 10_001);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if whole(middle)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(multiple(low))
}
