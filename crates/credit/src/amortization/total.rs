//! What all loans of a pool bring in together, and over several months.

use super::{Event, LoanState, RollError};
use crate::collections::Collections;
use records::units::Cents;

/// Adds what one loan, or another part of the pool, brought in during the same period.
///
/// # Errors
/// Names the sum that does not fit.
pub fn add(total: &mut Collections, part: &Collections) -> Result<(), RollError> {
    let mut plus = |name: &'static str, get: fn(&mut Collections) -> &mut Cents| {
        let mut part = *part;
        let sum = get(total).checked_add(*get(&mut part));
        *get(total) = sum.ok_or(RollError::Overflow(name))?;
        Ok(())
    };
    plus("balance before", |c| &mut c.balance_before)?;
    plus("balance after", |c| &mut c.balance_after)?;
    plus("interest", |c| &mut c.interest)?;
    plus("scheduled principal", |c| &mut c.scheduled_principal)?;
    plus("prepaid principal", |c| &mut c.prepaid_principal)?;
    plus("defaults", |c| &mut c.defaulted)?;
    plus("recoveries", |c| &mut c.recoveries)?;
    plus("repurchases", |c| &mut c.repurchased)?;
    plus("30 days past due", |c| &mut c.delinquent[0])?;
    plus("60 days past due", |c| &mut c.delinquent[1])?;
    plus("90 days past due", |c| &mut c.delinquent[2])
}

/// Appends the collections of the next period, so that several months make one period of a deal.
///
/// # Errors
/// Names the sum that does not fit; the balance, if the later period does not start where the earlier one
/// ended.
pub fn then(first: &Collections, second: &Collections) -> Result<Collections, RollError> {
    if first.balance_after != second.balance_before {
        return Err(RollError::Range("balance between the periods"));
    }
    let (mut total, mut later) = (*first, *second);
    (total.balance_after, total.delinquent) = (Cents(0), [Cents(0); 3]);
    later.balance_before = Cents(0);
    add(&mut total, &later)?;
    Ok(total)
}

/// The loans a month later, and what they brought in together. The events are in the order of the loans.
///
/// # Errors
/// The number of the loan that is wrong, and why; the number of loans if there are not as many events, or if
/// a sum does not fit.
pub fn roll_pool(
    loans: &[LoanState],
    events: &[Event],
) -> Result<(Vec<LoanState>, Collections), (usize, RollError)> {
    if loans.len() != events.len() {
        return Err((loans.len(), RollError::Range("number of events")));
    }
    let mut total = Collections::default();
    let mut after = Vec::with_capacity(loans.len());
    for (i, (loan, event)) in loans.iter().zip(events).enumerate() {
        let (next, sum) = loan.roll(*event).map_err(|e| (i, e))?;
        add(&mut total, &sum).map_err(|e| (loans.len(), e))?;
        after.push(next);
    }
    Ok((after, total))
}
