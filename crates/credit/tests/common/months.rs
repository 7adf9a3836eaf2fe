//! Loans month by month.

use credit::amortization::{Frequency, LoanState, Rule};
use credit::collections::Collections;
use records::units::Cents;

/// A loan that nothing is overdue of: cents, millionths of a percent a year, months.
pub fn loan(balance: u64, rate: u32, term: u16, frequency: Frequency, rule: Rule) -> LoanState {
    LoanState::new(Cents(balance), rate, term, frequency, rule).unwrap()
}

/// Pays as scheduled until nothing is left: what came in each month.
pub fn life(mut loan: LoanState) -> Vec<Collections> {
    let mut out = Vec::new();
    while loan.status.is_open() {
        let (next, row) = loan.roll(loan.as_scheduled()).unwrap();
        holds(&row);
        loan = next;
        out.push(row);
    }
    out
}

/// What is gone from the balance is somewhere.
pub fn holds(c: &Collections) {
    let gone = c.scheduled_principal + c.prepaid_principal + c.defaulted + c.repurchased;
    assert_eq!(c.balance_before, c.balance_after + gone, "{c:?}");
    assert!(c.delinquent.iter().sum::<Cents>() <= c.balance_after);
}
