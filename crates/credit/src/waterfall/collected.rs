//! What came in: whether it follows the state, and whether it is the clean-up call.

use super::WaterfallError;
use super::state::DealState;
use crate::collections::Collections;
use crate::deal::{Plan, WHOLE};
use fixed::Decimal;
use records::units::Cents;

/// Whether the clean-up call can be exercised in a period with these collections, whether or not it is.
pub fn can_call(plan: &Plan, collections: &Collections) -> bool {
    let Some(call) = plan.clean_up else {
        return false;
    };
    let left = u128::from(collections.balance_after.0) + u128::from(collections.repurchased.0);
    left * u128::from(WHOLE) < u128::from(plan.original_pool.0) * u128::from(call.below)
}

/// The same collections if the clean-up call is exercised: whoever calls buys all loans for what they owe. `None` if
/// the call cannot be exercised.
pub fn called(plan: &Plan, collections: &Collections) -> Option<Collections> {
    can_call(plan, collections).then_some(Collections {
        balance_after: Cents(0),
        repurchased: collections
            .repurchased
            .saturating_add(collections.balance_after),
        delinquent: [Cents(0); 3],
        ..*collections
    })
}

/// Whether it was exercised.
pub(super) fn is_called(plan: &Plan, collections: &Collections) -> bool {
    can_call(plan, collections)
        && collections.balance_after == Cents(0)
        && collections.repurchased > Cents(0)
}

/// Checks that collections follow a state.
pub(super) fn check_collections(state: &DealState, c: &Collections) -> Result<(), WaterfallError> {
    let error = |field, problem: String| Err(WaterfallError::Collections { field, problem });
    if c.balance_before != state.pool_balance {
        let problem = format!(
            "loans owe {}, but by the deal{} the pool owes {}; {}",
            Decimal::new(c.balance_before.0.into(), 2),
            if state.period == 0 { "" } else { "'s state" },
            Decimal::new(state.pool_balance.0.into(), 2),
            match state.period {
                0 =>
                    "take the tape that the deal closed over, or correct what the deal says of its pool",
                _ =>
                    "take the tape of the last month that the state has paid, or the state that goes with the tape",
            }
        );
        return error("balance_before", problem);
    }
    let gone = [
        c.scheduled_principal,
        c.prepaid_principal,
        c.defaulted,
        c.repurchased,
    ];
    let gone: u128 = gone.iter().map(|x| u128::from(x.0)).sum();
    if u128::from(c.balance_after.0) + gone != u128::from(c.balance_before.0) {
        let problem = format!(
            "is {} cents, but {} less {gone} of principal, defaults and repurchases is owed",
            c.balance_after, c.balance_before
        );
        return error("balance_after", problem);
    }
    let late: u128 = c.delinquent.iter().map(|x| u128::from(x.0)).sum();
    if late > u128::from(c.balance_after.0) {
        let problem = format!("are {late} cents, more than all loans owe");
        return error("delinquent", problem);
    }
    Ok(())
}
