//! The private amounts of a loan's month: what its row is filled from.

use credit::amortization::{Event, LoanState, month_interest};
use records::units::Cents;

use crate::pools::calendar::{CalendarTable, Month};
use crate::pools::month::Fields;

/// The private amounts of a month. Cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// It was given up.
    pub defaults: bool,
    /// It was bought back.
    pub repurchases: bool,
    /// What came in.
    pub paid: u64,
    /// What the calendar says.
    pub month: Month,
    /// Interest that comes due.
    pub interest: u64,
    /// What the instalment is beyond the interest so far, if that comes due at all.
    pub over: u64,
    /// What it lacks of it.
    pub lack: u64,
    /// Principal that comes due.
    pub principal: u64,
    /// Principal that is not due and does not come due.
    pub kept: u64,
    /// What of an instalment is beyond the balance.
    pub beyond: u64,
    /// Of what came in: what interest due leaves, what principal due leaves of that, what interest not yet due leaves of that.
    /// Of a recovery, the first is what the balance leaves; of a repurchase, what the balance leaves, and what of the interest
    /// owed it does not pay.
    pub rests: [u64; 3],
    /// Whether at least what comes due came in, and by how much; or how much less, less one.
    pub slack: (bool, u64),
    /// The loan after the month.
    pub after: After,
}

/// What a month changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// What is owed.
    pub balance: u64,
    /// Interest not yet due.
    pub accrued: u64,
    /// Interest due and not paid.
    pub overdue_interest: u64,
    /// Principal due and not paid.
    pub overdue_principal: u64,
    /// Days past due.
    pub days: u64,
    /// Months to maturity.
    pub term: u64,
    /// The code of the status.
    pub status: u64,
}

impl Amounts {
    /// The amounts of a month that can be. The instalment is that of the leaf, also of a loan that pays none.
    pub fn new(
        before: &LoanState,
        instalment: u64,
        month: Month,
        event: Event,
        after: After,
    ) -> Self {
        let earned = match month.bears {
            true => month_interest(before.balance, before.rate).0,
            false => 0,
        };
        let total = before.accrued.0 + earned;
        let all = if month.pays { total } else { 0 };
        let (over, lack) = (
            instalment.saturating_sub(all),
            all.saturating_sub(instalment),
        );
        // What a level payment lacks stays accrued.
        let interest = if month.level { all - lack } else { all };
        let not_due = before.balance.0 - before.overdue_principal.0;
        let principal = match (before.term <= 1, month.level) {
            (true, _) => not_due,
            (_, true) => over.min(not_due),
            _ => 0,
        };
        let (paid, rests) = match event {
            Event::Payment(Cents(paid)) if before.status.is_open() => {
                let first = paid.saturating_sub(before.overdue_interest.0 + interest);
                let second = first.saturating_sub(before.overdue_principal.0 + principal);
                (
                    paid,
                    [first, second, second.saturating_sub(total - interest)],
                )
            }
            Event::Recovery(Cents(paid)) => (paid, [paid.saturating_sub(before.balance.0), 0, 0]),
            Event::Repurchase(Cents(paid)) => {
                let of_interest = paid.saturating_sub(before.balance.0);
                let owed = before.overdue_interest.0 + total;
                (paid, [of_interest, owed.saturating_sub(of_interest), 0])
            }
            Event::Default | Event::Payment(_) => (0, [0; 3]),
        };
        let bill = interest + principal;
        Self {
            defaults: event == Event::Default,
            repurchases: matches!(event, Event::Repurchase(_)),
            paid,
            month,
            interest,
            over,
            lack,
            principal,
            kept: not_due - principal,
            beyond: if month.level { over - principal } else { 0 },
            rests,
            slack: match paid.checked_sub(bill) {
                Some(slack) => (true, slack),
                None => (false, bill - paid - 1),
            },
            after,
        }
    }

    /// The amounts of an unused row.
    pub fn unused(calendar: &CalendarTable) -> Self {
        Self {
            month: Month::new(0, calendar.frequencies[0], calendar.rules[0]),
            slack: (true, 0),
            ..Self::default()
        }
    }
}

impl After {
    /// The fields of a leaf.
    pub fn of(fields: &Fields, value: impl Fn(usize) -> u64) -> Self {
        Self {
            balance: value(fields.balance),
            accrued: value(fields.accrued),
            overdue_interest: value(fields.overdue_interest),
            overdue_principal: value(fields.overdue_principal),
            days: value(fields.days),
            term: value(fields.term),
            status: value(fields.status),
        }
    }
}
