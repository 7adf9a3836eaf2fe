//! What the pool no longer covers: ledgers, write-downs and write-ups.

use super::{WaterfallError, add, total};
use crate::deal::Plan;
use records::units::Cents;

/// What covers the tranches: what the pool's loans owe, and what accounts of principal hold.
pub(super) fn cover(plan: &Plan, pool: Cents, accounts: &[Cents]) -> Result<Cents, WaterfallError> {
    let held = accounts.iter().zip(&plan.accounts);
    let cash = total(
        held.filter(|(_, a)| a.is_principal).map(|(cash, _)| *cash),
        "the cash of accounts of principal",
    )?;
    add(pool, cash, "what covers the tranches")
}

/// Distributes over tranches what is owed beyond the cover: the last one's balance first.
pub(super) fn ledgers(balances: &[Cents], cover: Cents) -> Vec<Cents> {
    let mut covered = cover;
    let ledger = |balance: &Cents| {
        let part = covered.min(*balance);
        covered -= part;
        *balance - part
    };
    balances.iter().map(ledger).collect()
}

/// What of recoveries is added to balances that were written down, the most senior first, as far as the tranches stay
/// covered.
pub(super) fn write_ups(
    balances: &[Cents],
    written_down: &[Cents],
    recoveries: Cents,
    cover: Cents,
) -> Result<Vec<Cents>, WaterfallError> {
    let owed = total(balances.iter().copied(), "what tranches are owed")?;
    let mut left = recoveries.min(cover.saturating_sub(owed));
    let up = |down: &Cents| {
        let up = left.min(*down);
        left -= up;
        up
    };
    Ok(written_down.iter().map(up).collect())
}
