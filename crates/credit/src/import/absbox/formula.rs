//! Formulas, limits and conditions.

use fixed::Decimal;

use super::dates::day;
use super::value::{Json, Node};
use super::{Checked, Parts};
pub(super) use crate::deal::Base;
use crate::deal::step::{Bound, Extent, Fact, Measure, Until, When};
use crate::deal::{Amount, Test};
use records::date;

const FORMULAS: &str = "is not a supported formula; supported: [\"const\", n], [\"poolBalance\"], [\"originalPoolBalance\"], \
     [\"bondBalance\"], [\"originalBondBalance\"], [\"*\", one of them, part], and [\"max\", that, [\"const\", n]]";

/// A list's first text, and what follows.
pub(super) fn call<'a>(node: &Node<'a>, problem: &str) -> Checked<(&'a str, Vec<Node<'a>>)> {
    match node.list()?.split_first() {
        Some((name, arguments)) => match name.text() {
            Ok(name) => Ok((name, arguments.to_vec())),
            Err(_) => name.refuse(problem),
        },
        None => node.refuse(problem),
    }
}

impl Base {
    /// What a formula without numbers is.
    pub(super) fn of(node: &Node<'_>, parts: &Parts) -> Checked<Self> {
        let (name, arguments) = call(node, FORMULAS)?;
        match (name, arguments.as_slice()) {
            ("poolBalance", []) => Ok(Self::Pool),
            ("originalPoolBalance", []) => Ok(Self::OriginalPool),
            ("bondBalance", bonds) => Self::of_tranches(node, bonds, parts, Self::Tranches),
            ("originalBondBalance", bonds) => {
                Self::of_tranches(node, bonds, parts, Self::OriginalTranches)
            }
            _ => node.refuse(FORMULAS),
        }
    }

    /// What all tranches are owed is only known to be meant where equity, which has a balance there and none with us,
    /// is not counted.
    fn of_tranches(
        node: &Node<'_>,
        bonds: &[Node<'_>],
        parts: &Parts,
        base: Self,
    ) -> Checked<Self> {
        let mut named = bonds.iter().map(Node::text).collect::<Checked<Vec<_>>>()?;
        named.sort_unstable();
        let mut all: Vec<&str> = parts.tranches.iter().map(|t| t.name.as_str()).collect();
        all.sort_unstable();
        if named == all || named.is_empty() && parts.equity.is_none() {
            return Ok(base);
        }
        node.refuse(format!(
            "is not what all tranches are owed, the only such sum we have; name all bonds but equity: {}",
            parts.tranche_names()
        ))
    }
}

/// An amount that a formula gives.
pub(super) fn amount_of(node: &Node<'_>, parts: &Parts) -> Checked<Amount> {
    let (name, arguments) = call(node, FORMULAS)?;
    match (name, arguments.as_slice()) {
        ("const" | "constant", [amount]) => Ok(Amount::Fixed(amount.money()?)),
        ("*" | "factor", [base, part]) => Ok(Amount::Percent {
            percent: part.percent()?,
            of: Base::of(base, parts)?,
            floor: None,
        }),
        ("max" | "floorWith", [a, b]) => larger(node, amount_of(a, parts)?, amount_of(b, parts)?),
        _ => Ok(Amount::Percent {
            percent: Decimal::from_int(100),
            of: Base::of(node, parts)?,
            floor: None,
        }),
    }
}

/// The larger of a part of something and a number.
pub(super) fn larger(node: &Node<'_>, a: Amount, b: Amount) -> Checked<Amount> {
    let (percent, of, least) = match (a, b) {
        (
            Amount::Percent {
                percent,
                of,
                floor: None,
            },
            Amount::Fixed(least),
        )
        | (
            Amount::Fixed(least),
            Amount::Percent {
                percent,
                of,
                floor: None,
            },
        ) => (percent, of, least),
        _ => return node.refuse("is not the larger of one part of a balance and one number"),
    };
    Ok(Amount::Percent {
        percent,
        of,
        floor: Some(least),
    })
}

/// How far an action pays.
pub(super) enum Limit {
    Most(Amount),
    Until(Until),
    Reserve(Extent),
}

/// A limit such as `{"balCapAmt": 500}`, of an action that pays these.
pub(super) fn limit(node: &Node<'_>, paid: &[String], parts: &Parts) -> Checked<Limit> {
    let fields = node.map(&["balCapAmt", "formula", "reserve"])?;
    let Some((kind, value)) = fields.first() else {
        return node.refuse("is empty; remove it");
    };
    if node.members()?.len() != 1 {
        return node.refuse("has more than one member; keep one");
    }
    match kind {
        "balCapAmt" => Ok(Limit::Most(Amount::Fixed(value.money()?))),
        "reserve" => match value.text()? {
            "gap" => Ok(Limit::Reserve(Extent::Gap)),
            "excess" => Ok(Limit::Reserve(Extent::Excess)),
            _ => value.refuse("is not `gap` or `excess`"),
        },
        _ => {
            let (name, arguments) = call(value, FORMULAS)?;
            match (name, arguments.as_slice()) {
                ("excess", [owed, rest]) => until(owed, rest, paid, parts),
                _ => Ok(Limit::Most(amount_of(value, parts)?)),
            }
        }
    }
}

/// `["excess", ["bondBalance", ...], x]` of the bonds that are paid: they are paid down to x.
fn until(owed: &Node<'_>, rest: &Node<'_>, paid: &[String], parts: &Parts) -> Checked<Limit> {
    let (name, bonds) = call(owed, FORMULAS)?;
    let mut named = bonds.iter().map(Node::text).collect::<Checked<Vec<_>>>()?;
    let mut paid: Vec<&str> = paid.iter().map(String::as_str).collect();
    named.sort_unstable();
    paid.sort_unstable();
    if name != "bondBalance" || named != paid {
        return owed.refuse("is not [\"bondBalance\", ...] of the bonds that the action pays");
    }
    Ok(Limit::Until(Until::Balance(amount_of(rest, parts)?)))
}

/// When an action runs or a trigger fires. Measures of the pool become tests, which are added to the list.
pub(super) fn condition(node: &Node<'_>, tests: &mut Vec<Test>) -> Checked<When> {
    let list = node.list()?;
    match list.split_first() {
        Some((kind, facts)) if kind.text() == Ok("all") || kind.text() == Ok("any") => {
            let facts = facts.iter().map(|f| fact(f, tests));
            let facts = facts.collect::<Checked<Vec<_>>>()?;
            Ok(if kind.text() == Ok("all") {
                When::All(facts)
            } else {
                When::Any(facts)
            })
        }
        _ => Ok(When::All(vec![fact(node, tests)?])),
    }
}

const FACTS: &str = "is not a supported condition; supported: [\">=\", date], [[\"poolFactor\"], \"<\", part] and \
     [[\"cumPoolDefaultedRate\"], \">\", part] with any of < <= > >=, [[\"trigger\", place, name], True], and \"all\" or \"any\" of \
     them, not nested";

fn fact(node: &Node<'_>, tests: &mut Vec<Test>) -> Checked<Fact> {
    let list = node.list()?;
    match list.as_slice() {
        [measured, flag] if matches!(flag.value(), Json::Bool(_)) => match call(measured, FACTS)? {
            ("trigger", arguments) => match arguments.as_slice() {
                [_, name] => {
                    let name = name.text()?.to_string();
                    Ok(match flag.value() {
                        Json::Bool(true) => Fact::Tripped(name),
                        _ => Fact::NotTripped(name),
                    })
                }
                _ => measured.refuse(FACTS),
            },
            _ => measured.refuse(FACTS),
        },
        [comparison, date] => {
            let days = day(date)?;
            // Days are whole.
            let next = |days: i64| date::written(days + 1);
            match comparison.text()? {
                ">=" => Ok(Fact::From(date::written(days))),
                "<" => Ok(Fact::Before(date::written(days))),
                ">" => Ok(Fact::From(next(days))),
                "<=" => Ok(Fact::Before(next(days))),
                _ => comparison.refuse(FACTS),
            }
        }
        [measured, comparison, part] => compared(measured, comparison, part, tests),
        _ => node.refuse(FACTS),
    }
}

/// A measure of the pool beside a part of one.
fn compared(
    measured: &Node<'_>,
    comparison: &Node<'_>,
    part: &Node<'_>,
    tests: &mut Vec<Test>,
) -> Checked<Fact> {
    let (measure, shown) = match call(measured, FACTS)? {
        ("poolFactor", arguments) if arguments.is_empty() => (Measure::PoolFactor, "pool-factor"),
        ("cumPoolDefaultedRate", arguments) if arguments.is_empty() => {
            (Measure::CumulativeDefault, "defaulted")
        }
        _ => return measured.refuse(FACTS),
    };
    let percent = part.percent()?;
    let whole = Decimal::from_int(100);
    if percent.is_negative() || whole.checked_sub(&percent).is_ok_and(|d| d.is_negative()) {
        return part.refuse("is not between 0 and 1");
    }
    let (is_least, passes) = match comparison.text()? {
        ">=" => (true, true),
        "<" => (true, false),
        "<=" => (false, true),
        ">" => (false, false),
        _ => return comparison.refuse(FACTS),
    };
    let (word, bound) = if is_least {
        ("least", Bound::AtLeast(percent))
    } else {
        ("most", Bound::AtMost(percent))
    };
    let name = format!("{shown}-at-{word}-{percent}%");
    if tests.iter().all(|t| t.name != name) {
        tests.push(Test {
            name: name.clone(),
            measure,
            passes: bound,
        });
    }
    Ok(if passes {
        Fact::Passed(name)
    } else {
        Fact::Failed(name)
    })
}

/// Whether a condition, once true on a day of collections, stays true until payments: it looks only at what never goes back.
pub(super) fn stays_true(node: &Node<'_>) -> Checked<bool> {
    let list = node.list()?;
    match list.as_slice() {
        [kind, facts @ ..] if kind.text() == Ok("all") || kind.text() == Ok("any") => {
            let stay = facts.iter().map(stays_true).collect::<Checked<Vec<_>>>()?;
            Ok(stay.into_iter().all(|s| s))
        }
        [measured, comparison, _] => {
            let (name, _) = call(measured, FACTS)?;
            let falls = comparison.text()?.starts_with('<');
            // A pool's factor only falls, and what has defaulted only rises.
            Ok(match name {
                "poolFactor" => falls,
                "cumPoolDefaultedRate" => !falls,
                _ => false,
            })
        }
        _ => Ok(false),
    }
}

/// The opposite of a condition.
pub(super) fn opposite(when: When) -> When {
    let flip = |facts: Vec<Fact>| facts.into_iter().map(not).collect();
    match when {
        When::All(facts) => When::Any(flip(facts)),
        When::Any(facts) => When::All(flip(facts)),
    }
}

fn not(fact: Fact) -> Fact {
    match fact {
        Fact::Passed(name) => Fact::Failed(name),
        Fact::Failed(name) => Fact::Passed(name),
        Fact::Tripped(name) => Fact::NotTripped(name),
        Fact::NotTripped(name) => Fact::Tripped(name),
        Fact::From(date) => Fact::Before(date),
        Fact::Before(date) => Fact::From(date),
    }
}
