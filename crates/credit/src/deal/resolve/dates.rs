//! Payment dates.

use records::date;

use super::{Checked, check_length, day, error};
use crate::deal::plan::PaymentPlan;
use crate::deal::{Deal, MAX_DAYS, MAX_MONTHS};

/// Closing, and all payment dates.
pub(super) fn dates(deal: &Deal) -> Checked<(i64, Vec<PaymentPlan>)> {
    let closing = day("dates.closing", &deal.dates.closing)?;
    let first = day("dates.first_payment", &deal.dates.first_payment)?;
    let last = day("dates.legal_final", &deal.dates.legal_final)?;
    if first <= closing {
        return error(
            "dates.first_payment",
            "is not after closing; correct one of the two",
        );
    }
    if last < first {
        return error(
            "dates.legal_final",
            "is before the first payment; correct one of the two",
        );
    }
    if last - closing > MAX_DAYS {
        return error(
            "dates.legal_final",
            "is more than a hundred years after closing",
        );
    }
    let payments = if deal.dates.payments.is_empty() {
        regular(deal, first, last)?
    } else {
        listed(deal, first, last)?
    };
    Ok((closing, payments))
}

/// One every so many months, all on the same day of the month.
fn regular(deal: &Deal, first: i64, last: i64) -> Checked<Vec<PaymentPlan>> {
    if date::day_of_month(first) > 28 {
        return error(
            "dates.first_payment",
            "falls on a day that not every month has; choose a day up to the 28th, or list all dates in `payments`",
        );
    }
    let months = deal.dates.frequency.months();
    let dates = (0..).map(|n| date::months_later(first, n * months));
    let payment = |date| PaymentPlan {
        date,
        months: months as usize,
    };
    Ok(dates.take_while(|d| *d <= last).map(payment).collect())
}

/// The ones that the deal lists.
fn listed(deal: &Deal, first: i64, last: i64) -> Checked<Vec<PaymentPlan>> {
    let list = &deal.dates.payments;
    check_length("dates.payments", list.len())?;
    let mut payments: Vec<PaymentPlan> = Vec::with_capacity(list.len());
    for (i, payment) in list.iter().enumerate() {
        let place = format!("dates.payments[{i}]");
        let date = day(&format!("{place}.date"), &payment.date)?;
        let problem = match payments.last() {
            None if date != first => "is not `first_payment`; correct one of the two",
            Some(before) if date <= before.date => {
                "is not after the one above it; write dates in their order"
            }
            _ if date > last => "is after `legal_final`; remove it, or correct one of the two",
            _ => "",
        };
        if !problem.is_empty() {
            return error(format!("{place}.date"), problem);
        }
        if payment.months > MAX_MONTHS {
            return error(
                format!("{place}.months"),
                format!("{} is more than {MAX_MONTHS}", payment.months),
            );
        }
        payments.push(PaymentPlan {
            date,
            months: payment.months as usize,
        });
    }
    Ok(payments)
}
