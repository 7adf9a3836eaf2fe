//! What a pool's loans brought in during a period: the joint between loans and a deal's waterfall.

use records::units::Cents;
use serde::{Deserialize, Serialize};

/// What a pool's loans brought in during one period, and what became of them. In cents (10^-2 of the currency).
///
/// `balance_after = balance_before - scheduled_principal - prepaid_principal - defaulted - repurchased`, where balances are
/// those of loans that are neither defaulted, prepaid nor repurchased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collections {
    /// What loans owed at the start.
    pub balance_before: Cents,
    /// What they owe at the end.
    pub balance_after: Cents,
    /// Interest paid.
    pub interest: Cents,
    /// Principal paid when due.
    pub scheduled_principal: Cents,
    /// Principal paid early.
    pub prepaid_principal: Cents,
    /// What loans owed that defaulted in the period; they no longer count in the balance.
    pub defaulted: Cents,
    /// What came in from loans that had defaulted.
    pub recoveries: Cents,
    /// What loans owed that were bought back; it came in.
    pub repurchased: Cents,
    /// What loans owe at the end that are 30 to 59, 60 to 89, and 90 or more days past due.
    pub delinquent: [Cents; 3],
}
