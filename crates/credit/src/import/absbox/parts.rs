//! Dates, accounts, collection rules, fees, bonds.

use fixed::Decimal;

use super::formula::{Base, amount_of, larger};
use super::value::{Fields, Node};
use super::{Checked, Parts};
use crate::deal::{
    Account, Amount, Collect, Coupon, Dates, DayCount, Fee, FeeAmount, Frequency, Shortfall,
    Tranche,
};
use records::date;

/// A series of days, one every so many months, all on the same day of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    every: i64,
    day: i64,
    /// Months since year zero of one of them, modulo `every`.
    phase: i64,
}

const PATTERNS: &str = "supported: [\"DayOfMonth\", d], \"MonthFirst\", \"QuarterFirst\", \"YearFirst\", [\"MonthDayOfYear\", m, d], \
     [\"EveryNMonth\", date, n] with n of 1, 3, 6 or 12";

/// Months since year zero, and the day of the month.
fn months_and_day(node: &Node<'_>) -> Checked<(i64, i64)> {
    let days = day(node)?;
    let text = node.text()?;
    // A date is written as 2026-11-21.
    let part = |range| text.get(range).and_then(|t: &str| t.parse::<i64>().ok());
    match (part(0..4), part(5..7)) {
        (Some(y), Some(m)) => Ok((12 * y + m, date::day_of_month(days))),
        _ => node.refuse("is not a date; write it as 2026-11-21"),
    }
}

/// A date in days.
pub(super) fn day(node: &Node<'_>) -> Checked<i64> {
    match date::days_of(node.text()?) {
        Some(days) => Ok(days),
        None => node.refuse("is not a date; write it as 2026-11-21"),
    }
}

fn whole(node: &Node<'_>, from: i64, to: i64) -> Checked<i64> {
    let number = node.number()?;
    let number = number.rescale_exact(0).ok();
    match number.and_then(|n| i64::try_from(n).ok()) {
        Some(n) if (from..=to).contains(&n) => Ok(n),
        _ => node.refuse(format!("is not a whole number from {from} to {to}")),
    }
}

fn pattern(node: &Node<'_>) -> Checked<Pattern> {
    let make = |every, day, phase: i64| {
        Ok(Pattern {
            every,
            day,
            phase: phase.rem_euclid(every),
        })
    };
    if let Ok(name) = node.text() {
        return match name {
            "MonthFirst" => make(1, 1, 0),
            // The firsts of March, June, September and December.
            "QuarterFirst" => make(3, 1, 0),
            "YearFirst" => make(12, 1, 1),
            _ => node.refuse(format!("does not give the same day of a month; {PATTERNS}")),
        };
    }
    let list = node.list()?;
    match list.split_first() {
        Some((name, [d])) if name.text() == Ok("DayOfMonth") => make(1, whole(d, 1, 31)?, 0),
        Some((name, [m, d])) if name.text() == Ok("MonthDayOfYear") => {
            make(12, whole(d, 1, 31)?, whole(m, 1, 12)?)
        }
        Some((name, [start, n])) if name.text() == Ok("EveryNMonth") => {
            let (months, day) = months_and_day(start)?;
            match whole(n, 1, 12)? {
                every @ (1 | 3 | 6 | 12) => make(every, day, months),
                _ => n.refuse("is not 1, 3, 6 or 12"),
            }
        }
        _ => node.refuse(format!("is not a supported date pattern; {PATTERNS}")),
    }
}

/// The payment dates.
pub(super) struct Payments {
    pub dates: Dates,
    pattern: Pattern,
    closing: i64,
    first: i64,
    /// Whether the pool's proceeds are collected on payment dates.
    collects_when_paying: bool,
}

pub(super) fn dates(node: &Node<'_>) -> Checked<Payments> {
    let fields = node.map(&[
        "cutoff", "closing", "firstPay", "payFreq", "poolFreq", "stated",
    ])?;
    let [closing, first, stated] = [
        fields.need("closing")?,
        fields.need("firstPay")?,
        fields.need("stated")?,
    ];
    let frequency = fields.need("payFreq")?;
    let pattern = pattern(frequency)?;
    let is_payment = |(months, day): (i64, i64)| {
        day == pattern.day && (months - pattern.phase) % pattern.every == 0
    };
    if !is_payment(months_and_day(first)?) {
        return first.refuse(
            "is not one of the days of `payFreq`, and ours are all on the same day of the month; move it onto one",
        );
    }
    // Whether AbsBox pays on the day itself depends on its version.
    if is_payment(months_and_day(stated)?) {
        return stated.refuse(
            "is itself a day of `payFreq`; write the day after it if it is a payment date, the day before if not",
        );
    }
    let pool = fields.get("poolFreq").map(self::pattern);
    Ok(Payments {
        closing: day(closing)?,
        first: day(first)?,
        collects_when_paying: pool == Some(Ok(pattern)),
        dates: Dates {
            closing: closing.text()?.to_string(),
            first_payment: first.text()?.to_string(),
            frequency: match pattern.every {
                1 => Frequency::Monthly,
                3 => Frequency::Quarterly,
                6 => Frequency::Semiannual,
                _ => Frequency::Annual,
            },
            legal_final: stated.text()?.to_string(),
        },
        pattern,
    })
}

/// The original balance of the pool.
pub(super) fn pool(node: &Node<'_>) -> Checked<Decimal> {
    let fields = node.map(&["assets", "cashflow", "issuanceStat", "extendBy"])?;
    let Some(stat) = fields.get("issuanceStat") else {
        return node.refuse(
            "has no `issuanceStat`; add {\"IssuanceBalance\": ...}, what the loans owe at closing",
        );
    };
    let stat = stat.map(&["IssuanceBalance"])?;
    stat.need("IssuanceBalance")?.money()
}

pub(super) fn account(name: &str, node: &Node<'_>, parts: &Parts) -> Checked<Account> {
    let fields = node.map(&["balance", "type"])?;
    let target = fields.get("type");
    Ok(Account {
        name: name.to_string(),
        opening: fields.need("balance")?.money()?,
        target: target.map(|t| reserve(t, parts)).transpose()?,
    })
}

/// What a reserve should hold. AbsBox has two notations: a map of one member, and a list that begins with a name.
fn reserve(node: &Node<'_>, parts: &Parts) -> Checked<Amount> {
    const KINDS: &str =
        "is not a supported reserve; supported: fixReserve, targetReserve, and max of one of each";
    let (kind, arguments) = if node.is_map() {
        let members = node.members()?;
        let [(kind, argument)] = members.as_slice() else {
            return node.refuse(KINDS);
        };
        let arguments = match *kind {
            "fixReserve" => vec![argument.clone()],
            "targetReserve" if argument.is_map() => {
                let fields = argument.map(&["formula", "factor"])?;
                vec![
                    fields.need("formula")?.clone(),
                    fields.need("factor")?.clone(),
                ]
            }
            "targetReserve" | "max" => argument.list()?,
            _ => return argument.refuse(KINDS),
        };
        (*kind, arguments)
    } else {
        let list = node.list()?;
        match list.split_first() {
            Some((kind, arguments)) => (kind.text()?, arguments.to_vec()),
            None => return node.refuse(KINDS),
        }
    };
    match (kind, arguments.as_slice()) {
        ("fixReserve" | "fix", [amount]) => Ok(Amount::Fixed(amount.money()?)),
        ("targetReserve" | "target", [base]) => amount_of(base, parts),
        ("targetReserve" | "target", [base, rate]) => Ok(Amount::Percent {
            percent: rate.percent()?,
            of: Base::of(base, parts)?,
            floor: None,
        }),
        ("max", [a, b]) => larger(node, reserve(a, parts)?, reserve(b, parts)?),
        _ => node.refuse(KINDS),
    }
}

/// Which account receives what, and whether interest and principal share one.
pub(super) fn collect(node: &Node<'_>) -> Checked<(Collect, bool)> {
    let mut found: [Option<&str>; 4] = [None; 4];
    for rule in node.list()? {
        let pair = rule.list()?;
        let [source, account] = pair.as_slice() else {
            return rule.refuse("is not a pair of what comes in and an account");
        };
        let number = match source.text()? {
            "CollectedInterest" | "Interest" => 0,
            "CollectedPrincipal" | "Principal" => 1,
            "CollectedPrepayment" | "Prepayment" => 2,
            "CollectedRecoveries" | "Recovery" => 3,
            _ => {
                return source.refuse(
                    "is not supported; supported: CollectedInterest, CollectedPrincipal, CollectedPrepayment, \
                     CollectedRecoveries",
                );
            }
        };
        let Ok(name) = account.text() else {
            return account.refuse(
                "is not the name of one account; ours are not split, so name one and split it in the waterfall",
            );
        };
        if found[number].replace(name).is_some() {
            return source.refuse("stands twice; remove one");
        }
    }
    let [
        Some(interest),
        Some(principal),
        Some(prepaid),
        Some(recoveries),
    ] = found
    else {
        return node.refuse(
            "must say where all of CollectedInterest, CollectedPrincipal, CollectedPrepayment and CollectedRecoveries \
             go; add what is missing",
        );
    };
    if principal != prepaid {
        return node.refuse(
            "collects principal and prepayments in two accounts, which ours does not; name the same for both",
        );
    }
    let collect = Collect {
        interest: interest.to_string(),
        principal: principal.to_string(),
        recoveries: recoveries.to_string(),
        repurchased: principal.to_string(),
    };
    Ok((collect, interest == principal))
}

/// A fee, and whether an action must accrue it.
pub(super) fn fee(name: &str, node: &Node<'_>, payments: &Payments) -> Checked<(Fee, bool)> {
    const KINDS: &str = "is not supported; supported: annualPctFee of [\"poolBalance\"], and recurFee on payment dates";
    let fields = node.map(&[
        "type",
        "feeStart",
        "feeDue",
        "feeDueDate",
        "feeLastPaidDate",
    ])?;
    nothing_yet(&fields, &["feeDue", "feeDueDate", "feeLastPaidDate"])?;
    let start = fields.get("feeStart");
    let start_day = start.map(day).transpose()?.unwrap_or(payments.closing);
    let start = start.unwrap_or(fields.node());
    let members = fields.need("type")?.members()?;
    let [(kind, node)] = members.as_slice() else {
        return fields.need("type")?.refuse(KINDS);
    };
    let arguments = match *kind {
        "annualPctFee" | "recurFee" => node.list()?,
        _ => return node.refuse(KINDS),
    };
    let (amount, accrues) = match (*kind, arguments.as_slice()) {
        ("annualPctFee", [base, rate]) => {
            let is_pool = base.list()?.iter().map(Node::text).collect::<Vec<_>>();
            if is_pool != [Ok("poolBalance")] {
                return base.refuse(KINDS);
            }
            if !payments.collects_when_paying {
                return base.refuse(
                    "is the average over the days between payments, where ours is the balance at the period's start; the \
                     two are the same where `dates.poolFreq` gives the same days as `dates.payFreq`, so write that",
                );
            }
            if start_day != payments.closing {
                return start.refuse("is not `dates.closing`, from which ours accrue");
            }
            let amount = FeeAmount::PercentOfPool {
                percent: rate.percent()?,
                day_count: DayCount::Actual365,
            };
            (amount, true)
        }
        ("recurFee", [days, amount]) => {
            if pattern(days)? != payments.pattern {
                return days
                    .refuse("does not give the payment dates; write what `dates.payFreq` is");
            }
            // AbsBox charges it on each of these days from the fee's start on, that day included.
            let earlier = date::months_later(payments.first, -payments.pattern.every);
            if start_day <= earlier || start_day > payments.first {
                return start.refuse(
                    "charges it more or less than once before the first payment; write a `feeStart` that is less than one \
                     period before `dates.firstPay`",
                );
            }
            (FeeAmount::Fixed(amount.money()?), false)
        }
        _ => return node.refuse(KINDS),
    };
    let fee = Fee {
        name: name.to_string(),
        amount,
    };
    Ok((fee, accrues))
}

/// What a deal that starts must not have.
fn nothing_yet(fields: &Fields<'_>, names: &[&str]) -> Checked<()> {
    for name in names {
        if let Some(node) = fields.get(name)
            && node.number() != Ok(Decimal::ZERO)
        {
            return node.refuse("is not supported: a deal is read as it closes; remove it");
        }
    }
    Ok(())
}

/// Whether a bond is the deal's equity.
pub(super) fn is_equity(node: &Node<'_>) -> bool {
    let members = node.members().unwrap_or_default();
    let kind = members.iter().find(|(n, _)| *n == "bondType");
    let kind = kind.and_then(|(_, v)| v.members().ok());
    kind.is_some_and(|k| k.iter().map(|(n, _)| *n).eq(["Equity"]))
}

pub(super) fn bond(name: &str, node: &Node<'_>, payments: &Payments) -> Checked<Tranche> {
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
    nothing_yet(
        &fields,
        &[
            "lastAccrueDate",
            "lastIntPayDate",
            "dueInt",
            "dueIntOverInt",
        ],
    )?;
    if let Some(step) = fields.get("stepUp") {
        return step.refuse("is not supported; rates do not step up");
    }
    let kind = fields.need("bondType")?;
    if kind.map(&["Sequential", "Equity"])?.node().members()?.len() != 1 {
        return kind.refuse("is not {\"Sequential\": null} or {\"Equity\": null}");
    }
    let original = fields.need("originBalance")?.money()?;
    if let Some(balance) = fields.get("balance")
        && balance.money()? != original
    {
        return balance
            .refuse("is not `originBalance`: a deal is read as it closes; make them equal");
    }
    let start = fields.need("startDate")?;
    if day(start)? != payments.closing {
        return start.refuse("is not `dates.closing`, from which ours accrue; make them equal");
    }
    // Without a current rate AbsBox takes the first.
    let rate = fields.any(&["rate"])?.or(fields.get("originRate"));
    let Some(rate) = rate else {
        return node.refuse("has no `rate`; add it");
    };
    let (coupon, day_count, starts_at) = coupon(fields.need("rateType")?, payments)?;
    if rate.percent()? != starts_at {
        return rate.refuse("is not the rate in `rateType`, and both cannot hold; make them equal");
    }
    Ok(Tranche {
        name: name.to_string(),
        balance: original,
        coupon,
        day_count,
        shortfall: Shortfall::Compounding,
    })
}

/// A coupon, its day count, and the rate it starts at.
fn coupon(node: &Node<'_>, payments: &Payments) -> Checked<(Coupon, DayCount, Decimal)> {
    const KINDS: &str = "is not a supported rate; supported: {\"fix\": rate}, {\"floater\": [rate, index, spread, reset]}, \
         [\"cap\", rate, ...] and [\"floor\", rate, ...] of a floater";
    if !node.is_map() {
        let list = node.list()?;
        let [name, limit, inner] = list.as_slice() else {
            return node.refuse(KINDS);
        };
        let is_cap = match name.text()? {
            "cap" => true,
            "floor" => false,
            _ => return name.refuse(KINDS),
        };
        let (mut coupon, day_count, start) = coupon(inner, payments)?;
        let Coupon::Floating { floor, cap, .. } = &mut coupon else {
            return inner.refuse("is not a floater, and only floaters have a cap or a floor");
        };
        let slot = if is_cap { cap } else { floor };
        if slot.replace(limit.percent()?).is_some() {
            return node.refuse("sets the same limit twice; remove one");
        }
        return Ok((coupon, day_count, start));
    }
    let fields = node.map(&["fix", "Fixed", "floater", "dayCount"])?;
    let day_count = match fields.get("dayCount") {
        None => DayCount::Actual365,
        Some(node) => day_count(node)?,
    };
    match (fields.any(&["fix", "Fixed"])?, fields.get("floater")) {
        (Some(rate), None) => {
            // AbsBox takes the day count only of `fix`, and forgets it silently of `Fixed`.
            if fields.get("Fixed").is_some() && fields.get("dayCount").is_some() {
                return rate
                    .refuse("has a day count, which AbsBox reads only of `fix`; write `fix`");
            }
            let rate = rate.percent()?;
            Ok((Coupon::Fixed(rate), day_count, rate))
        }
        (None, Some(floater)) => {
            let list = floater.list()?;
            let [start, index, spread, reset] = list.as_slice() else {
                return floater.refuse("is not [rate, index, spread, reset]");
            };
            if pattern(reset)? != payments.pattern {
                return reset.refuse(
                    "does not reset on payment dates, where ours have one rate a period; write what `dates.payFreq` is",
                );
            }
            let coupon = Coupon::Floating {
                index: index.text()?.to_string(),
                margin: spread.percent()?,
                floor: None,
                cap: None,
            };
            Ok((coupon, day_count, start.percent()?))
        }
        _ => node.refuse(KINDS),
    }
}

fn day_count(node: &Node<'_>) -> Checked<DayCount> {
    match node.text()? {
        "DC_ACT_365F" => Ok(DayCount::Actual365),
        "DC_ACT_360" => Ok(DayCount::Actual360),
        // They differ only in a period that ends on a 31st, and payment dates are on the 28th at the latest.
        "DC_30E_360" | "DC_30Ep_360" | "DC_30_360_ISDA" => Ok(DayCount::Thirty360),
        "DC_30_360_US" => Ok(DayCount::Thirty360Us),
        _ => node.refuse(
            "is not supported; supported: DC_ACT_365F, DC_ACT_360, DC_30E_360, DC_30Ep_360, DC_30_360_ISDA, DC_30_360_US",
        ),
    }
}
