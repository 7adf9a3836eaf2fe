//! Tests and triggers.

use fixed::Decimal;

use super::{Checked, Names, USUAL, day, error, find, find_all, percent_below};
use crate::deal::Deal;
use crate::deal::plan::{TestPlan, TriggerPlan, WHOLE, WhenPlan};
use crate::deal::step::{Bound, Fact, Measure, When};

/// The largest percentage of a test's bound.
const MAX_BOUND: u64 = 100 * WHOLE;

pub(super) fn tests(deal: &Deal, names: &Names<'_>) -> Checked<Vec<TestPlan>> {
    let tests = deal.tests.iter().enumerate().map(|(i, test)| {
        let place = format!("tests[{i}]");
        let tranches = |measure: &str, list: &[String]| {
            let place = format!("{place}.measure.{measure}.tranches");
            find_all(&place, "tranche", &names.tranches, list)
        };
        let measure = match &test.measure {
            Measure::Overcollateralization { tranches: list } => Measure::Overcollateralization {
                tranches: tranches("overcollateralization", list)?,
            },
            Measure::InterestCoverage {
                tranches: list,
                fees,
            } => {
                let at = format!("{place}.measure.interest_coverage.fees");
                Measure::InterestCoverage {
                    tranches: tranches("interest_coverage", list)?,
                    fees: match fees.as_slice() {
                        [] => Vec::new(),
                        fees => find_all(&at, "fee", &names.fees, fees)?,
                    },
                }
            }
            Measure::CumulativeLoss => Measure::CumulativeLoss,
            Measure::CumulativeDefault => Measure::CumulativeDefault,
            Measure::PoolFactor => Measure::PoolFactor,
            Measure::Delinquency { days } if [30, 60, 90].contains(days) => {
                Measure::Delinquency { days: *days }
            }
            Measure::Delinquency { days } => {
                return error(
                    format!("{place}.measure.delinquency.days"),
                    format!("{days} days are not counted; write 30, 60 or 90"),
                );
            }
        };
        // Cover may be many times what is due; a part of the pool is not more than all of it.
        let most = match measure {
            Measure::Overcollateralization { .. } | Measure::InterestCoverage { .. } => MAX_BOUND,
            _ => WHOLE,
        };
        let bound = |field: &str, value: &Decimal| {
            percent_below(&format!("{place}.passes.{field}"), value, most)
        };
        Ok(TestPlan {
            name: test.name.clone(),
            measure,
            passes: match &test.passes {
                Bound::AtLeast(value) => Bound::AtLeast(bound("at_least", value)?),
                Bound::AtMost(value) => Bound::AtMost(bound("at_most", value)?),
            },
        })
    });
    tests.collect()
}

pub(super) fn trigger(deal: &Deal, names: &Names<'_>, number: usize) -> Checked<TriggerPlan> {
    let trigger = &deal.triggers[number];
    let place = format!("triggers[{number}]");
    let switch = match &trigger.switch {
        None => None,
        Some(switch) => {
            let from = format!("{place}.switch.waterfall");
            let to = format!("{place}.switch.to");
            if !USUAL.contains(&switch.waterfall.as_str()) {
                return error(
                    from,
                    "is neither `interest` nor `principal`, and no other is switched",
                );
            }
            if USUAL.contains(&switch.to.as_str()) {
                return error(
                    to,
                    format!("`{}` runs anyway; name another waterfall", switch.to),
                );
            }
            Some((
                find(&from, "waterfall", &names.waterfalls, &switch.waterfall)?,
                find(&to, "waterfall", &names.waterfalls, &switch.to)?,
            ))
        }
    };
    Ok(TriggerPlan {
        name: trigger.name.clone(),
        when: when(&format!("{place}.when"), &trigger.when, names, number)?,
        curable: trigger.curable,
        switch,
    })
}

/// A condition that may look at so many of the triggers: one that looked at itself, directly or through others, would
/// have no answer.
pub(super) fn when(
    place: &str,
    condition: &When,
    names: &Names<'_>,
    triggers: usize,
) -> Checked<WhenPlan> {
    let kind = match condition {
        When::All(_) => "all",
        When::Any(_) => "any",
    };
    let facts = condition.facts();
    if facts.is_empty() {
        return error(
            format!("{place}.{kind}"),
            "is empty; name at least one fact",
        );
    }
    let fact = |(i, fact): (usize, &Fact)| {
        let at = |field: &str| format!("{place}.{kind}[{i}].{field}");
        let test = |field: &str, name| find(&at(field), "test", &names.tests, name);
        let trigger = |field: &str, name| {
            let number = find(&at(field), "trigger", &names.triggers, name)?;
            if number >= triggers {
                return error(
                    at(field),
                    format!(
                        "`{name}` does not stand before this trigger, which could make a cycle; a trigger may only look \
                         at earlier ones"
                    ),
                );
            }
            Ok(number)
        };
        Ok(match fact {
            Fact::Passed(name) => Fact::Passed(test("passed", name)?),
            Fact::Failed(name) => Fact::Failed(test("failed", name)?),
            Fact::Tripped(name) => Fact::Tripped(trigger("tripped", name)?),
            Fact::NotTripped(name) => Fact::NotTripped(trigger("not_tripped", name)?),
            Fact::From(date) => Fact::From(day(&at("from"), date)?),
            Fact::Before(date) => Fact::Before(day(&at("before"), date)?),
        })
    };
    let facts = facts.iter().enumerate().map(fact).collect::<Checked<_>>()?;
    Ok(match condition {
        When::All(_) => When::All(facts),
        When::Any(_) => When::Any(facts),
    })
}
