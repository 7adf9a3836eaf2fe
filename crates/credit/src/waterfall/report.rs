//! What investors are told after a payment date.

use fixed::Decimal;
use records::units::Cents;
use serde::{Deserialize, Serialize};

/// Decimals of a factor.
pub const FACTOR_DECIMALS: u8 = 8;
/// Decimals of what a test measured, in percent.
pub const RATIO_DECIMALS: u8 = 4;

/// The report of one period. Amounts are in cents; lists are in the deal's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The deal's name.
    pub deal: String,
    /// Which payment date, from 1 on.
    pub period: u32,
    /// The day, such as `2026-11-25`.
    pub payment_date: String,
    /// What the pool's loans owe at the period's end.
    pub pool_balance: Cents,
    /// What loans owed that have defaulted since closing, less recoveries; zero if recoveries are more.
    pub cumulative_loss: Cents,
    /// Whether the clean-up call could be exercised.
    pub can_call: bool,
    /// Whether it was.
    pub called: bool,
    /// The tranches.
    pub tranches: Vec<TrancheReport>,
    /// The fees.
    pub fees: Vec<FeeReport>,
    /// The accounts.
    pub accounts: Vec<AccountReport>,
    /// The tests.
    pub tests: Vec<TestReport>,
    /// The triggers.
    pub triggers: Vec<TriggerReport>,
    /// What was paid to equity.
    pub equity: Cents,
    /// The steps of the waterfalls that ran, in their order.
    pub steps: Vec<StepReport>,
}

/// A tranche. `interest_due = unpaid_interest_before + interest_on_unpaid + interest`, and
/// `balance = balance_before - principal_paid + written_up - written_down`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrancheReport {
    /// Its name.
    pub name: String,
    /// What was owed before.
    pub balance_before: Cents,
    /// The rate of the period, in percent a year.
    pub rate: Decimal,
    /// Interest on the balance, rounded down.
    pub interest: Cents,
    /// Interest owed from before.
    pub unpaid_interest_before: Cents,
    /// Interest on it, rounded down; zero unless it is compounding.
    pub interest_on_unpaid: Cents,
    /// All interest due.
    pub interest_due: Cents,
    /// Interest paid.
    pub interest_paid: Cents,
    /// Interest due and not paid.
    pub interest_shortfall: Cents,
    /// What of it is owed in the next period.
    pub unpaid_interest: Cents,
    /// Principal paid.
    pub principal_paid: Cents,
    /// What was added to the balance out of recoveries.
    pub written_up: Cents,
    /// What was taken off the balance since nothing covers it.
    pub written_down: Cents,
    /// What is owed after.
    pub balance: Cents,
    /// What is owed of what was owed at closing, rounded down.
    pub factor: Decimal,
    /// What its ledger held before the period.
    pub deficiency_before: Cents,
    /// What it held after the period's losses and before payments.
    pub deficiency_after_losses: Cents,
    /// What it holds after.
    pub deficiency: Cents,
}

/// A fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeReport {
    /// Its name.
    pub name: String,
    /// What was owed from before.
    pub arrears_before: Cents,
    /// What fell due, rounded down.
    pub charged: Cents,
    /// What was paid.
    pub paid: Cents,
    /// What is still owed.
    pub arrears: Cents,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountReport {
    /// Its name.
    pub name: String,
    /// What it held before.
    pub before: Cents,
    /// What was collected in it.
    pub collected: Cents,
    /// What it holds after.
    pub after: Cents,
    /// What it should hold, after payments, rounded up.
    pub target: Option<Cents>,
}

/// A test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestReport {
    /// Its name.
    pub name: String,
    /// What is divided, in cents.
    pub numerator: Cents,
    /// By what, in cents.
    pub denominator: Cents,
    /// The quotient in percent, rounded down if it should be at least something, otherwise up. None if there is
    /// nothing to divide by.
    pub value: Option<Decimal>,
    /// Whether it passed.
    pub passed: bool,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerReport {
    /// Its name.
    pub name: String,
    /// Whether it was tripped before.
    pub before: bool,
    /// Whether it is.
    pub tripped: bool,
}

/// A step of a waterfall that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    /// The waterfall.
    pub waterfall: String,
    /// Its number in it, from 0.
    pub step: usize,
    /// Whether its condition held.
    pub ran: bool,
    /// What it could move at most if there was cash.
    pub due: Cents,
    /// What it took from its account.
    pub from_account: Cents,
    /// What it took from its support.
    pub from_support: Cents,
}
