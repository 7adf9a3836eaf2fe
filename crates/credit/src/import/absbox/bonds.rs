//! Bonds.

use fixed::Decimal;
use records::date;

use super::Checked;
use super::dates::{Payments, day, pattern};
use super::fees::nothing_yet;
use super::value::{Fields, Node};
use crate::deal::{Coupon, DayCount, MAX_PAYMENTS, RateStep, Shortfall, Tranche};

/// A bond as it is read.
pub(super) struct Read {
    pub tranche: Tranche,
    /// What it is owed now.
    pub balance: Decimal,
    /// Interest that fell due and was not paid.
    pub unpaid_interest: Decimal,
    pub principal: Principal,
}

/// When a bond is paid principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// At any time.
    Sequential,
    /// From this day on.
    Lockout(i64),
    /// Down to an amount, from each of these days on.
    Planned(Vec<(i64, Decimal)>),
}

/// Whether a bond is the deal's equity.
pub(super) fn is_equity(node: &Node<'_>) -> bool {
    let members = node.members().unwrap_or_default();
    let kind = members.iter().find(|(n, _)| *n == "bondType");
    let kind = kind.and_then(|(_, v)| v.members().ok());
    kind.is_some_and(|k| k.iter().map(|(n, _)| *n).eq(["Equity"]))
}

/// The day since which a bond is owed, if it says so.
pub(super) fn since(node: &Node<'_>) -> Checked<Option<i64>> {
    let members = node.members()?;
    let start = members.iter().find(|(n, _)| *n == "startDate");
    start.map(|(_, node)| day(node)).transpose()
}

pub(super) fn bond(name: &str, node: &Node<'_>, payments: &Payments) -> Checked<Read> {
    let fields = node.map(&[
        "balance",
        "rate",
        "originBalance",
        "originRate",
        "startDate",
        "rateType",
        "bondType",
        "maturityDate",
        "lastAccrueDate",
        "lastIntPayDate",
        "dueInt",
        "dueIntOverInt",
        "stepUp",
    ])?;
    let original = fields.need("originBalance")?.money()?;
    let balance = fields.get("balance").map(Node::money).transpose()?;
    let unpaid_interest = owed_from_before(&fields, original, payments)?;
    // Without a current rate AbsBox takes the first.
    let rate = fields.any(&["rate"])?.or(fields.get("originRate"));
    let Some(rate) = rate else {
        return node.refuse("has no `rate`; add it");
    };
    let (mut coupon, day_count) = coupon(fields.need("rateType")?, rate, payments)?;
    if let Some(step) = fields.get("stepUp") {
        let Coupon::Fixed(first) = coupon else {
            return step.refuse("is supported of fixed rates only; remove it");
        };
        coupon = step_up(step, first, payments)?;
    }
    Ok(Read {
        tranche: Tranche {
            name: name.to_string(),
            balance: original,
            coupon,
            day_count,
            shortfall: Shortfall::Compounding,
        },
        balance: balance.unwrap_or(original),
        unpaid_interest,
        principal: principal(fields.need("bondType")?, payments)?,
    })
}

/// Interest that a bond of a deal under way is owed from before.
fn owed_from_before(
    fields: &Fields<'_>,
    original: Decimal,
    payments: &Payments,
) -> Checked<Decimal> {
    if !payments.is_under_way {
        nothing_yet(
            fields,
            &[
                "lastAccrueDate",
                "lastIntPayDate",
                "dueInt",
                "dueIntOverInt",
            ],
        )?;
        return match fields.get("balance") {
            Some(balance) if balance.money()? != original => balance.refuse(
                "is not `originBalance`, and by its `dates` the deal has not closed; make them equal, or give `dates.collect` \
                 and `dates.pay`",
            ),
            _ => Ok(Decimal::ZERO),
        };
    }
    nothing_yet_over(fields)?;
    if let Some(node) = fields.get("lastAccrueDate")
        && day(node)? != payments.start
    {
        return node.refuse(format!(
            "is not {}, the last payment date, from which ours accrue; make them equal",
            date::written(payments.start)
        ));
    }
    fields.get("dueInt").map_or(Ok(Decimal::ZERO), Node::money)
}

fn nothing_yet_over(fields: &Fields<'_>) -> Checked<()> {
    match fields.get("dueIntOverInt") {
        Some(node) if node.number() != Ok(Decimal::ZERO) => {
            node.refuse("is not kept apart with us; add it to `dueInt`")
        }
        _ => Ok(()),
    }
}

fn principal(node: &Node<'_>, payments: &Payments) -> Checked<Principal> {
    let members = node.members()?;
    match members.as_slice() {
        [("Sequential", _)] => Ok(Principal::Sequential),
        [("Lockout", date)] => Ok(Principal::Lockout(day(date)?)),
        [("PAC", plan)] => {
            let plan_days = plan.list()?.into_iter().map(|pair| {
                let list = pair.list()?;
                match list.as_slice() {
                    [date, amount] => Ok((day(date)?, amount.money()?)),
                    _ => pair.refuse("is not [date, balance]"),
                }
            });
            let days: Vec<(i64, Decimal)> = plan_days.collect::<Checked<_>>()?;
            let first = payments.days.first().copied().unwrap_or(payments.start);
            if days.first().is_none_or(|(day, _)| *day > first) {
                return plan.refuse(
                    "begins after the next payment date, and what is paid before is not said; begin it with that date",
                );
            }
            if days.windows(2).any(|w| w[1].0 <= w[0].0) {
                return plan.refuse("has dates out of their order; sort them");
            }
            Ok(Principal::Planned(days))
        }
        _ => node.refuse(
            "is not a supported type; supported: {\"Sequential\": None}, {\"Lockout\": date}, {\"PAC\": [[date, balance], ...]} \
             and {\"Equity\": None}",
        ),
    }
}

const RATES: &str = "is not a supported rate; supported: {\"fix\": rate}, {\"StepUp\": rate, \"Spread\": spread, \"When\": pattern}, \
     {\"floater\": [rate, index, spread, reset]}, [\"cap\", rate, ...] and [\"floor\", rate, ...] of a floater";

/// A coupon and its day count. A rate that does not float is the bond's `rate`, which is what AbsBox pays, whatever `fix` says.
fn coupon(node: &Node<'_>, rate: &Node<'_>, payments: &Payments) -> Checked<(Coupon, DayCount)> {
    if !node.is_map() {
        return limited(node, rate, payments);
    }
    let fields = node.map(&[
        "fix", "Fixed", "floater", "Floater", "StepUp", "Spread", "When", "dayCount",
    ])?;
    let day_count = match fields.get("dayCount") {
        None => DayCount::Actual365,
        Some(node) => self::day_count(node, payments)?,
    };
    let floater = fields.any(&["floater", "Floater"])?;
    match (
        fields.any(&["fix", "Fixed"])?,
        floater,
        fields.get("StepUp"),
    ) {
        (Some(fixed), None, None) => {
            // AbsBox takes the day count only of `fix`, and forgets it silently of `Fixed`.
            if fields.get("Fixed").is_some() && fields.get("dayCount").is_some() {
                return fixed
                    .refuse("has a day count, which AbsBox reads only of `fix`; write `fix`");
            }
            fixed.percent()?;
            Ok((Coupon::Fixed(rate.percent()?), day_count))
        }
        (None, Some(floater), None) => Ok((floating(floater, rate, payments)?, day_count)),
        (None, None, Some(first)) => {
            first.percent()?;
            let when = pattern(fields.need("When")?)?;
            let end = payments.days.last().copied().unwrap_or(payments.start);
            let days = when.days(payments.start, end);
            let spread = fields.need("Spread")?;
            Ok((stepped(node, rate.percent()?, spread, &days)?, day_count))
        }
        _ => node.refuse(RATES),
    }
}

/// A floater with a cap or a floor.
fn limited(node: &Node<'_>, rate: &Node<'_>, payments: &Payments) -> Checked<(Coupon, DayCount)> {
    let list = node.list()?;
    let [name, limit, inner] = list.as_slice() else {
        return node.refuse(RATES);
    };
    let is_cap = match name.text()? {
        "cap" => true,
        "floor" => false,
        _ => return name.refuse(RATES),
    };
    let (mut coupon, day_count) = coupon(inner, rate, payments)?;
    let Coupon::Floating { floor, cap, .. } = &mut coupon else {
        return inner.refuse("is not a floater, and only floaters have a cap or a floor");
    };
    let slot = if is_cap { cap } else { floor };
    if slot.replace(limit.percent()?).is_some() {
        return node.refuse("sets the same limit twice; remove one");
    }
    Ok((coupon, day_count))
}

fn floating(floater: &Node<'_>, rate: &Node<'_>, payments: &Payments) -> Checked<Coupon> {
    let list = floater.list()?;
    // Older deals do not repeat the rate that it starts at.
    let (index, spread, reset) = match list.as_slice() {
        [start, index, spread, reset] => {
            if rate.percent()? != start.percent()? {
                return rate.refuse(
                    "is not the rate that the floater starts at, and both cannot hold; make them equal",
                );
            }
            (index, spread, reset)
        }
        [index, spread, reset] if index.text().is_ok() => (index, spread, reset),
        _ => return floater.refuse("is not [rate, index, spread, reset]"),
    };
    let resets = pattern(reset)?;
    // From the first payment date to the one before the last, each begins a period.
    let begins = &payments.days[..payments.days.len() - 1];
    let last = begins.last().copied().unwrap_or(payments.start);
    if resets.days(payments.start, last) != begins {
        return reset.refuse(
            "does not reset on the payment dates and on no other day, where ours have one rate a period; write what \
             `dates.payFreq` is",
        );
    }
    Ok(Coupon::Floating {
        index: index.text()?.to_string(),
        margin: spread.percent()?,
        floor: None,
        cap: None,
    })
}

/// `("once", date, spread)`, or `("ladder", date, spread, pattern)`: on the date and on days of the pattern after it.
fn step_up(node: &Node<'_>, first: Decimal, payments: &Payments) -> Checked<Coupon> {
    let list = node.list()?;
    let end = payments.days.last().copied().unwrap_or(payments.start);
    let (days, spread) = match list.as_slice() {
        [kind, date, spread] if kind.text() == Ok("once") => (vec![day(date)?], spread),
        [kind, date, spread, days] if kind.text() == Ok("ladder") => {
            let from = day(date)?;
            let mut all = vec![from];
            all.extend(pattern(days)?.days(from, end));
            (all, spread)
        }
        _ => {
            return node.refuse(
                "is not a supported step; supported: (\"once\", date, spread) and (\"ladder\", date, spread, pattern)",
            );
        }
    };
    if days[0] <= payments.start {
        return node.refuse(format!(
            "steps before {}, and whether `rate` has that step already is not said; begin it after that day",
            date::written(payments.start)
        ));
    }
    stepped(node, first, spread, &days)
}

/// A rate to which each of these days adds a spread.
fn stepped(node: &Node<'_>, first: Decimal, spread: &Node<'_>, days: &[i64]) -> Checked<Coupon> {
    if days.is_empty() {
        return Ok(Coupon::Fixed(first));
    }
    if days.len() > MAX_PAYMENTS {
        return node.refuse(format!("steps more than {MAX_PAYMENTS} times"));
    }
    let spread_percent = spread.percent()?;
    let mut rate = first;
    let mut steps = Vec::with_capacity(days.len());
    for day in days {
        rate = match rate.checked_add(&spread_percent) {
            Ok(rate) => rate.normalized(),
            Err(e) => return spread.refuse(e.to_string()),
        };
        steps.push(RateStep {
            from: date::written(*day),
            rate,
        });
    }
    Ok(Coupon::Stepped { rate: first, steps })
}

fn day_count(node: &Node<'_>, payments: &Payments) -> Checked<DayCount> {
    match node.text()? {
        "DC_ACT_365F" => Ok(DayCount::Actual365),
        "DC_ACT_360" => Ok(DayCount::Actual360),
        "DC_30E_360" => Ok(DayCount::Thirty360),
        "DC_30_360_US" => Ok(DayCount::Thirty360Us),
        "DC_30Ep_360" | "DC_30_360_ISDA" => {
            // They differ from 30E/360 only where a period begins or ends on a 31st.
            let mut days = payments.days.iter().chain([&payments.start]);
            match days.any(|d| date::day_of_month(*d) == 31) {
                false => Ok(DayCount::Thirty360),
                true => node.refuse("is not supported with a payment date on a 31st; write DC_30E_360 if that is meant"),
            }
        }
        _ => node.refuse(
            "is not supported; supported: DC_ACT_365F, DC_ACT_360, DC_30E_360, DC_30Ep_360, DC_30_360_ISDA, DC_30_360_US",
        ),
    }
}
