//! Patterns of dates, payment dates, and which months' collections they pay.

use std::collections::BTreeSet;

use records::date;

use super::Checked;
use super::value::{Fields, Node};
use crate::deal::{Dates, Frequency, MAX_DAYS, MAX_MONTHS, MAX_PAYMENTS, Payment};
use crate::waterfall::MAX_DELAY;

/// What gives days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// A day of every so many months; a month without that day has its last one instead.
    Months {
        every: i64,
        /// Months since year zero of one of them, modulo `every`.
        phase: i64,
        day: i64,
    },
    /// These days.
    Days(BTreeSet<i64>),
    /// Days after this one.
    After(i64, Box<Pattern>),
    /// The days of all of them.
    All(Vec<Pattern>),
    /// The days of the first that are not days of the others.
    Without(Box<Pattern>, Vec<Pattern>),
}

const PATTERNS: &str = "supported: \"MonthFirst\", \"MonthEnd\", \"QuarterFirst\", \"QuarterEnd\", \"YearFirst\", \"YearEnd\", \
     [\"DayOfMonth\", d], [\"MonthDayOfYear\", m, d], [\"EveryNMonth\", date, n], [\"CustomDate\", date, ...], [\"After\", date, \
     pattern], [\"AllDatePattern\", pattern, ...], [\"ExcludeDatePattern\", pattern, pattern, ...]";

/// Months since year zero.
fn months_of(days: i64) -> i64 {
    let text = date::written(days);
    // A date is written as 2026-11-21.
    let part = |range| text.get(range).and_then(|t: &str| t.parse::<i64>().ok());
    12 * part(0..4).unwrap_or(0) + part(5..7).unwrap_or(1) - 1
}

/// A day of a month, or its last day.
fn day_in(months: i64, day: i64) -> i64 {
    // Days count from the first of January of 1970.
    let first = date::months_later(0, months - 12 * 1970);
    (first + day - 1).min(date::months_later(first, 1) - 1)
}

impl Pattern {
    /// Its days after one and up to another, in their order.
    pub(super) fn days(&self, after: i64, until: i64) -> Vec<i64> {
        let in_range = |d: &i64| after < *d && *d <= until;
        match self {
            Self::Months { every, phase, day } => {
                let months = months_of(after.max(0))..=months_of(until.max(0));
                let months = months.filter(|m| (m - phase).rem_euclid(*every) == 0);
                months.map(|m| day_in(m, *day)).filter(in_range).collect()
            }
            Self::Days(days) => days.iter().copied().filter(in_range).collect(),
            Self::After(day, pattern) => pattern.days(after.max(*day), until),
            Self::All(patterns) => {
                let days = patterns.iter().flat_map(|p| p.days(after, until));
                days.collect::<BTreeSet<_>>().into_iter().collect()
            }
            Self::Without(pattern, others) => {
                let not: BTreeSet<i64> = others.iter().flat_map(|p| p.days(after, until)).collect();
                let mut days = pattern.days(after, until);
                days.retain(|d| !not.contains(d));
                days
            }
        }
    }

    pub(super) fn has(&self, day: i64) -> bool {
        !self.days(day - 1, day).is_empty()
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

/// Reads a pattern.
pub(super) fn pattern(node: &Node<'_>) -> Checked<Pattern> {
    let make = |every, phase: i64, day| {
        let phase = phase.rem_euclid(every);
        Ok(Pattern::Months { every, phase, day })
    };
    let unknown = || node.refuse(format!("is not a supported date pattern; {PATTERNS}"));
    if let Ok(name) = node.text() {
        return match name {
            "MonthFirst" => make(1, 0, 1),
            "MonthEnd" => make(1, 0, 31),
            // Those of March, June, September and December.
            "QuarterFirst" => make(3, 2, 1),
            "QuarterEnd" => make(3, 2, 31),
            "YearFirst" => make(12, 0, 1),
            "YearEnd" => make(12, 11, 31),
            _ => unknown(),
        };
    }
    let list = node.list()?;
    let Some((name, arguments)) = list.split_first() else {
        return unknown();
    };
    let all = |nodes: &[Node<'_>]| nodes.iter().map(pattern).collect::<Checked<Vec<_>>>();
    match (name.text()?, arguments) {
        ("DayOfMonth", [d]) => make(1, 0, whole(d, 1, 31)?),
        ("MonthDayOfYear", [m, d]) => make(12, whole(m, 1, 12)? - 1, whole(d, 1, 31)?),
        ("EveryNMonth", [start, n]) => {
            let first = day(start)?;
            let months = make(
                whole(n, 1, 12)?,
                months_of(first),
                date::day_of_month(first),
            )?;
            Ok(Pattern::After(first - 1, Box::new(months)))
        }
        ("CustomDate", days) => {
            let days = days.iter().map(day).collect::<Checked<_>>()?;
            Ok(Pattern::Days(days))
        }
        ("After", [start, inner]) => Ok(Pattern::After(day(start)?, Box::new(pattern(inner)?))),
        ("AllDatePattern", patterns) => Ok(Pattern::All(all(patterns)?)),
        ("ExcludeDatePattern", [first, others @ ..]) => {
            Ok(Pattern::Without(Box::new(pattern(first)?), all(others)?))
        }
        _ => unknown(),
    }
}

/// The payment dates.
pub(super) struct Payments {
    pub dates: Dates,
    /// When interest and fees begin to accrue: closing, or the last payment date of a deal under way.
    pub start: i64,
    /// The payment dates after it.
    pub days: Vec<i64>,
    /// Whether the deal has paid before.
    pub is_under_way: bool,
    /// Whether proceeds are collected on payment dates and on no other day.
    pub collects_when_paying: bool,
}

/// Reads the dates of a deal, of which bonds began to be owed on a day.
pub(super) fn dates(node: &Node<'_>, bonds_since: Option<i64>) -> Checked<Payments> {
    let has = |name: &str| {
        node.members()
            .is_ok_and(|m| m.iter().any(|(n, _)| *n == name))
    };
    if has("pay") {
        under_way(node, bonds_since)
    } else if has("poolCollection") {
        custom(node)
    } else {
        preclosing(node)
    }
}

/// Of a deal that has not closed yet.
fn preclosing(node: &Node<'_>) -> Checked<Payments> {
    let fields = node.map(&[
        "cutoff", "closing", "firstPay", "payFreq", "poolFreq", "stated",
    ])?;
    let (closing, first) = (fields.need("closing")?, fields.need("firstPay")?);
    let start = day(closing)?;
    let stated = Stated::of(&fields, start)?;
    let days = stated.payments(day(first)?, fields.need("payFreq")?)?;
    if day(first)? <= start {
        return first.refuse("is not after `dates.closing`; correct one of the two");
    }
    let cutoff = fields.get("cutoff").unwrap_or(closing);
    let pool = pattern(fields.need("poolFreq")?)?;
    // What came in by closing is collected then.
    let mut collected = vec![start];
    collected.extend(pool.days(start, stated.day));
    let months = months(node, cutoff, &collected, &days)?;
    Ok(Payments {
        dates: ours(start, &days, &months, stated.text),
        start,
        collects_when_paying: collected[1..]
            .iter()
            .filter(|c| **c <= days[days.len() - 1])
            .eq(&days),
        days,
        is_under_way: false,
    })
}

/// Of a deal that has paid before: the last payment date and the next one.
fn under_way(node: &Node<'_>, bonds_since: Option<i64>) -> Checked<Payments> {
    let fields = node.map(&["collect", "pay", "payFreq", "poolFreq", "stated"])?;
    let pair = |name: &str| {
        let node = fields.need(name)?;
        match node.list()?.as_slice() {
            [last, next] if day(last)? < day(next)? => Ok((day(last)?, day(next)?)),
            _ => node.refuse("is not [the last date, the next one], in this order"),
        }
    };
    let ((last_collected, next_collected), (last, next)) = (pair("collect")?, pair("pay")?);
    let Some(closing) = bonds_since.filter(|d| *d < last) else {
        return fields.need("pay")?.refuse(
            "says that the deal has paid, but no bond has a `startDate` before the last payment date; correct one of the two",
        );
    };
    let stated = Stated::of(&fields, closing)?;
    let days = stated.payments(next, fields.need("payFreq")?)?;
    let mut collected = vec![next_collected];
    let pool = pattern(fields.need("poolFreq")?)?;
    collected.extend(pool.days(next_collected, stated.day));
    let cutoff = &fields.need("collect")?.list()?[0];
    fits(node, cutoff, last, last_collected)?;
    let months = months(node, cutoff, &collected, &days)?;
    let collects_when_paying = last_collected == last
        && collected
            .iter()
            .filter(|c| **c <= days[days.len() - 1])
            .eq(&days);
    let all: Vec<i64> = std::iter::once(last).chain(days.iter().copied()).collect();
    // What the last payment date paid is past; it counts as one period, so that the next is the second.
    let all_months: Vec<u32> = months.first().copied().into_iter().chain(months).collect();
    Ok(Payments {
        dates: ours(closing, &all, &all_months, stated.text),
        start: last,
        days,
        is_under_way: true,
        collects_when_paying,
    })
}

/// All dates, one by one.
fn custom(node: &Node<'_>) -> Checked<Payments> {
    let fields = node.map(&[
        "poolCollection",
        "distirbution",
        "distribution",
        "cutoff",
        "closing",
        "stated",
    ])?;
    let closing = fields.need("closing")?;
    let start = day(closing)?;
    let list = |node: &Node<'_>| {
        let days: Vec<i64> = node.list()?.iter().map(day).collect::<Checked<_>>()?;
        match days.is_empty() || days.windows(2).any(|w| w[1] <= w[0]) {
            true => node.refuse("is not a list of dates, each later than the one before"),
            false => Ok(days),
        }
    };
    // AbsBox knows the key by this spelling.
    let paid = fields.needs_any(&["distirbution", "distribution"])?;
    let days = list(paid)?;
    if days[0] <= start {
        return paid.refuse("begins before `dates.closing`; correct one of the two");
    }
    if days[days.len() - 1] - start > MAX_DAYS {
        return paid.refuse(A_CENTURY);
    }
    let collected = list(fields.need("poolCollection")?)?;
    let last = days[days.len() - 1];
    let stated = match fields.get("stated") {
        Some(node) if day(node)? < last => {
            return node.refuse("is before the last payment date; correct one of the two");
        }
        Some(node) => Stated::of_node(node, start)?.text,
        None => date::written(last),
    };
    let cutoff = fields.get("cutoff").unwrap_or(closing);
    let months = months(node, cutoff, &collected, &days)?;
    Ok(Payments {
        dates: ours(start, &days, &months, stated),
        start,
        collects_when_paying: collected == days,
        days,
        is_under_way: false,
    })
}

/// What is wrong with dates of which patterns would give more days than any deal has.
const A_CENTURY: &str = "is more than a hundred years after closing; correct one of the two";

/// The day on which a deal ends.
struct Stated<'n, 'a> {
    node: &'n Node<'a>,
    day: i64,
    text: String,
}

impl<'n, 'a> Stated<'n, 'a> {
    /// Of a deal that closed on a day.
    fn of(fields: &'n Fields<'a>, closing: i64) -> Checked<Self> {
        Self::of_node(fields.need("stated")?, closing)
    }

    fn of_node(node: &'n Node<'a>, closing: i64) -> Checked<Self> {
        let day = day(node)?;
        if day - closing > MAX_DAYS {
            return node.refuse(A_CENTURY);
        }
        Ok(Self {
            node,
            day,
            text: node.text()?.to_string(),
        })
    }

    /// The first payment date, and those after it that a pattern gives.
    fn payments(&self, first: i64, freq: &Node<'_>) -> Checked<Vec<i64>> {
        let pattern = pattern(freq)?;
        if self.day < first {
            return self
                .node
                .refuse("is before the first payment; correct one of the two");
        }
        // Whether AbsBox pays on the day itself depends on its version.
        if pattern.has(self.day) {
            return self.node.refuse(
                "is itself a day of `payFreq`; write the day after it if it is a payment date, the day before if not",
            );
        }
        let mut days = vec![first];
        days.extend(pattern.days(first, self.day));
        if days.len() > MAX_PAYMENTS {
            return self
                .node
                .refuse(format!("makes more than {MAX_PAYMENTS} payment dates"));
        }
        Ok(days)
    }
}

/// How many months' collections each payment date pays. Months are those of the tape from the cut-off date on: one is paid as soon as
/// its last day has been collected.
fn months(
    node: &Node<'_>,
    cutoff: &Node<'_>,
    collected: &[i64],
    days: &[i64],
) -> Checked<Vec<u32>> {
    let mut months = Vec::with_capacity(days.len());
    // Until then has been paid.
    let mut until = day(cutoff)?;
    let mut collected = collected.iter().copied().peekable();
    let mut last = None;
    for pay in days {
        while let Some(day) = collected.next_if(|c| c <= pay) {
            last = Some(day);
        }
        let mut paid = 0;
        // A month that ends on the first, such as one from 1 March to 1 April, has been collected on the day before.
        while last.is_some_and(|last| date::next_month(until) <= last + 1) {
            paid += 1;
            until = date::next_month(until);
        }
        if paid > MAX_MONTHS {
            return node.refuse(format!(
                "makes the payment date {} pay {paid} months of collections, and at most {MAX_MONTHS} are supported; correct \
                 `cutoff` or the first payment date",
                date::written(*pay)
            ));
        }
        fits(node, cutoff, *pay, until)?;
        months.push(paid);
    }
    Ok(months)
}

/// Checks that a payment date fits the day until which came in what it pays, as whoever pays the deal does.
fn fits(node: &Node<'_>, cutoff: &Node<'_>, pay: i64, until: i64) -> Checked<()> {
    let (paid, ends) = (date::written(pay), date::written(until));
    let from = day(cutoff)?;
    match pay - until {
        0..=MAX_DELAY => Ok(()),
        ..0 if from == until => cutoff.refuse(format!(
            "is after the payment date {paid}, which pays what came in by then; correct one of the two"
        )),
        // Collected on the last day of a month and paid on it, where the tape's month ends on the first of the next.
        ..0 => cutoff.refuse(format!(
            "makes the payment date {paid} pay a month that ends on {ends}, after it; write the day before, {}, and give the tape \
             of that day, or move the payment date",
            date::written((from - 1).max(0))
        )),
        _ => node.refuse(format!(
            "make the payment date {paid} pay what came in until {ends}, more than a year before; correct the dates on which the \
             pool is collected, or `cutoff`"
        )),
    }
}

/// Our dates: the first one and a frequency if these say it all, otherwise one by one.
fn ours(closing: i64, days: &[i64], months: &[u32], legal_final: String) -> Dates {
    let first = days[0];
    let end = date::days_of(&legal_final).unwrap_or(first);
    let frequencies = [
        Frequency::Monthly,
        Frequency::Quarterly,
        Frequency::Semiannual,
        Frequency::Annual,
    ];
    let regular = frequencies.iter().copied().find(|f| {
        let every = f.months();
        let dates = (0..).map(|n| date::months_later(first, n * every));
        date::day_of_month(first) <= 28
            && dates.take_while(|d| *d <= end).eq(days.iter().copied())
            && months.iter().all(|m| i64::from(*m) == every)
    });
    let payment = |(day, months): (&i64, &u32)| Payment {
        date: date::written(*day),
        months: *months,
    };
    Dates {
        closing: date::written(closing),
        first_payment: date::written(first),
        // The one that comes next below the usual distance says nothing where dates are listed.
        frequency: regular.unwrap_or(Frequency::Monthly),
        legal_final,
        payments: match regular {
            Some(_) => Vec::new(),
            None => days.iter().zip(months).map(payment).collect(),
        },
    }
}
