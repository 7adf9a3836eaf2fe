//! Fees.

use fixed::Decimal;
use records::date;

use super::Checked;
use super::dates::{Payments, day, pattern};
use super::value::{Fields, Node};
use crate::deal::{DatedAmount, DayCount, Fee, FeeAmount, MAX_PAYMENTS};

const KINDS: &str = "is not a supported fee; supported: fixFee, recurFee, customFee, and annualPctFee of [\"poolBalance\"]";

/// A fee as it is read.
pub(super) struct Read {
    pub fee: Fee,
    /// Whether an action must accrue it.
    pub accrues: bool,
    /// What of it is owed from before.
    pub arrears: Decimal,
}

/// When a fee begins.
struct Start<'a> {
    node: Node<'a>,
    day: i64,
    /// The day from which on it is not charged yet, if it was charged before.
    charged_until: Option<i64>,
}

pub(super) fn fee(name: &str, node: &Node<'_>, payments: &Payments) -> Checked<Read> {
    let fields = node.map(&[
        "type",
        "feeStart",
        "feeDue",
        "feeDueDate",
        "feeLastPaidDate",
    ])?;
    if !payments.is_under_way {
        nothing_yet(&fields, &["feeDue", "feeDueDate", "feeLastPaidDate"])?;
    }
    let start = fields.get("feeStart");
    let start = Start {
        day: start.map(day).transpose()?.unwrap_or(payments.start),
        node: start.unwrap_or(fields.node()).clone(),
        charged_until: fields.get("feeDueDate").map(day).transpose()?,
    };
    let kind = fields.need("type")?;
    let members = kind.members()?;
    let [(kind_name, node)] = members.as_slice() else {
        return kind.refuse(KINDS);
    };
    let (amount, accrues) = amount(kind_name, node, &start, payments)?;
    Ok(Read {
        fee: Fee {
            name: name.to_string(),
            amount,
        },
        accrues,
        arrears: match fields.get("feeDue") {
            Some(due) => due.money()?,
            None => Decimal::ZERO,
        },
    })
}

fn amount(
    kind: &str,
    node: &Node<'_>,
    start: &Start<'_>,
    payments: &Payments,
) -> Checked<(FeeAmount, bool)> {
    match kind {
        "fixFee" => {
            let amount = node.money()?;
            // Once it is charged, what is left of it is `feeDue`.
            let charges = match start.charged_until {
                Some(_) => Vec::new(),
                None => vec![(start.day, amount)],
            };
            Ok((dated(node, charges, payments)?, false))
        }
        "customFee" => {
            let charges = node.list()?.into_iter().map(|pair| {
                let list = pair.list()?;
                match list.as_slice() {
                    [date, amount] => Ok((day(date)?, amount.money()?)),
                    _ => pair.refuse("is not [date, amount]"),
                }
            });
            let charges: Vec<(i64, Decimal)> = charges.collect::<Checked<_>>()?;
            if charges.windows(2).any(|w| w[1].0 < w[0].0) {
                return node.refuse("has dates out of their order; sort them");
            }
            Ok((dated(node, charges, payments)?, false))
        }
        "recurFee" => {
            let list = node.list()?;
            match list.as_slice() {
                [days, amount] => Ok((recurring(days, amount, start, payments)?, false)),
                _ => node.refuse("is not [date pattern, amount]"),
            }
        }
        "annualPctFee" => {
            let list = node.list()?;
            match list.as_slice() {
                [base, rate] => Ok((annual(base, rate, start, payments)?, true)),
                _ => node.refuse("is not [formula, rate]"),
            }
        }
        _ => node.refuse(KINDS),
    }
}

/// A fee on the days of a pattern.
fn recurring(
    days: &Node<'_>,
    amount: &Node<'_>,
    start: &Start<'_>,
    payments: &Payments,
) -> Checked<FeeAmount> {
    let (pattern, amount) = (pattern(days)?, amount.money()?);
    let from = match start.charged_until {
        Some(day) => day - 1,
        // Whether AbsBox charges it on its first day depends on its version.
        None if pattern.has(start.day) => {
            return start.node.refuse(format!(
                "begins the fee on {}, a day of its own pattern, on which it is or is not charged; write a `feeStart` one day \
                 before it if it is, one day after it if not",
                date::written(start.day)
            ));
        }
        None => start.day,
    };
    let last = payments.days.last().copied().unwrap_or(from);
    let charged = pattern.days(from, last);
    // One charge a period, from the first one on.
    if charged == payments.days {
        return Ok(FeeAmount::Fixed(amount));
    }
    let charges = charged.into_iter().map(|day| (day, amount)).collect();
    dated(days, charges, payments)
}

/// A part of the pool a year.
fn annual(
    base: &Node<'_>,
    rate: &Node<'_>,
    start: &Start<'_>,
    payments: &Payments,
) -> Checked<FeeAmount> {
    let is_pool = base.list()?.iter().map(Node::text).collect::<Vec<_>>();
    if is_pool != [Ok("poolBalance")] {
        return base
            .refuse("is no base of an annual fee that is supported; supported: [\"poolBalance\"]");
    }
    if !payments.collects_when_paying {
        return base.refuse(
            "is the average over the days between payments, where ours is the balance at the period's start; the two are the \
             same where `dates.poolFreq` gives the same days as `dates.payFreq`, so write that if that is meant",
        );
    }
    if start.charged_until.unwrap_or(start.day) != payments.start {
        return start.node.refuse(format!(
            "does not begin the fee on {}, from which ours accrue",
            date::written(payments.start)
        ));
    }
    Ok(FeeAmount::PercentOfPool {
        percent: rate.percent()?,
        day_count: DayCount::Actual365,
    })
}

/// Amounts on days. What AbsBox charges late, since a deal under way was not charged it before, is due next.
fn dated(node: &Node<'_>, charges: Vec<(i64, Decimal)>, payments: &Payments) -> Checked<FeeAmount> {
    if charges.is_empty() {
        return Ok(FeeAmount::Fixed(Decimal::ZERO));
    }
    if charges.len() > MAX_PAYMENTS {
        return node.refuse(format!("is charged more than {MAX_PAYMENTS} times"));
    }
    let amount = |(day, amount): (i64, Decimal)| DatedAmount {
        date: date::written(match payments.is_under_way {
            true => day.max(payments.start + 1),
            false => day,
        }),
        amount,
    };
    Ok(FeeAmount::Dated(charges.into_iter().map(amount).collect()))
}

/// What a deal that starts must not have.
pub(super) fn nothing_yet(fields: &Fields<'_>, names: &[&str]) -> Checked<()> {
    for name in names {
        if let Some(node) = fields.get(name)
            && node.number() != Ok(Decimal::ZERO)
        {
            return node.refuse(
                "is of a deal under way, and this one has not closed by its `dates`; remove it, or give `dates.collect` and \
                 `dates.pay`",
            );
        }
    }
    Ok(())
}
