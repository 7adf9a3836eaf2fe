//! Who is paid what on a payment date: runs a [`Deal`] for one period.
//!
//! In a period, in this order:
//!
//! 1. Collections go to the accounts that the deal names.
//! 2. Fees and interest fall due: on what the pool's loans and the tranches owed at the period's start.
//! 3. What the pool no longer covers is recorded in ledgers; or recoveries write balances up.
//! 4. Tests are measured, triggers tripped or reset in their order. Neither changes until the next period.
//! 5. The waterfalls run: that of interest, then that of principal, or those that replace them; or that of the
//!    clean-up call alone.
//! 6. Ledgers are measured again; or balances are written down by what is not covered.
//! 7. What was not paid is carried forward, as the deal says.
//!
//! [`Terms`] ask what a deal pays over months of its pool; [`Months`] are the answer.
//!
//! Amounts are in cents. Fees and interest are rounded down, against who receives them; what steps say of roundings
//! stands at [`step`](crate::deal::step). What comes in and what accounts held equals what is paid and what accounts
//! hold, to the cent; this is checked each time.
//!
//! ```
//! use credit::collections::Collections;
//! use credit::sample_deal::{sample_deal, sample_indices};
//! use credit::waterfall::{DealState, run_period};
//! use records::units::Cents;
//!
//! let deal = sample_deal();
//! let state = DealState::initial(&deal)?;
//! let collections = Collections {
//!     balance_before: state.pool_balance,
//!     balance_after: state.pool_balance - Cents(250_000_000),
//!     interest: Cents(225_000_000),
//!     scheduled_principal: Cents(100_000_000),
//!     prepaid_principal: Cents(150_000_000),
//!     ..Collections::default()
//! };
//! let (state, report) = run_period(&deal, &state, &collections, &sample_indices())?;
//! assert_eq!(state.period, 1);
//! assert_eq!(report.tranches[0].principal_paid, Cents(250_000_000));
//! # Ok::<(), credit::waterfall::WaterfallError>(())
//! ```

mod check;
mod collected;
mod due;
mod losses;
mod months;
mod pay;
mod report;
mod run;
mod state;

use records::units::Cents;
use serde::{Deserialize, Serialize};

use fixed::Decimal;

pub use collected::{called, can_call};
pub use due::{MAX_DELAY, check_payment_date, payment_date};
pub(crate) use months::nothing_new;
pub use months::{MAX_MONTHS, Months, MonthsError, Terms, pay};
pub use report::{
    AccountReport, FACTOR_DECIMALS, FeeReport, RATIO_DECIMALS, Report, StepReport, TestReport,
    TrancheReport, TriggerReport,
};
pub use run::run;
pub use state::{DealState, TrancheState};

use crate::collections::Collections;
use crate::deal::{Deal, DealError};

/// A public index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The name by which coupons know it.
    pub name: String,
    /// What interest of each period is computed with, from the first on, in percent a year, -100 to 100, with at most
    /// six decimals.
    pub fixings: Vec<Decimal>,
}

/// Why a period cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaterfallError {
    /// The deal is not valid.
    #[error("deal: {0}")]
    Deal(#[from] DealError),
    /// The state is not one of this deal.
    #[error("state: {field}: {problem}")]
    State {
        /// Where.
        field: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The collections contradict themselves or the state.
    #[error("collections: {field}: {problem}")]
    Collections {
        /// Where.
        field: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
    /// An index has no value for the period.
    #[error("index `{index}`: {problem}")]
    Index {
        /// The index.
        index: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// There is no such payment date.
    #[error("the deal has {0} payment dates, all of which have passed")]
    Ended(u32),
    /// Collections are paid before they came in, or long after.
    #[error("payment date {date} is {problem} the cut-off date {until} of what it pays")]
    Delay {
        /// The payment date.
        date: String,
        /// The last day of what it pays.
        until: String,
        /// How they lie.
        problem: &'static str,
    },
    /// An amount does not fit 64 bits.
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// Cash came from nowhere or went nowhere, which is a mistake of this program.
    #[error(
        "{cash_in} cents came in and {cash_out} went out; this is a mistake of the program, please report it"
    )]
    NotConserved {
        /// Collections, and what accounts held.
        cash_in: Cents<u128>,
        /// Payments, and what accounts hold.
        cash_out: Cents<u128>,
    },
}

/// Runs a deal for the period after a state: the new state, and what investors are told.
///
/// # Errors
/// If the deal is not valid, the state or the collections do not fit it, an index has no value, or the last payment
/// date has passed.
pub fn run_period(
    deal: &Deal,
    state: &DealState,
    collections: &Collections,
    indices: &[Index],
) -> Result<(DealState, Report), WaterfallError> {
    run(&deal.plan()?, state, collections, indices)
}

/// A sum that fits.
fn add(a: Cents, b: Cents, what: &'static str) -> Result<Cents, WaterfallError> {
    a.checked_add(b).ok_or(WaterfallError::TooLarge(what))
}

/// A sum that fits.
fn total(
    amounts: impl IntoIterator<Item = Cents>,
    what: &'static str,
) -> Result<Cents, WaterfallError> {
    amounts
        .into_iter()
        .try_fold(Cents(0), |sum, x| add(Cents(sum.0), x, what))
}
