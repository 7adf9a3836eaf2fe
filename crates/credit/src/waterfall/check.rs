//! Tests and triggers.

use fixed::{Decimal, Rounding};
use records::units::Cents;

use super::report::{RATIO_DECIMALS, TestReport};
use super::run::Run;
use super::{WaterfallError, total};
use crate::deal::step::{Bound, Fact, Measure};
use crate::deal::{TestPlan, WHOLE, WhenPlan};

/// What tests and triggers said of a period.
#[derive(Default)]
pub(super) struct Outcome {
    pub tests: Vec<TestReport>,
    pub tripped: Vec<bool>,
}

impl Outcome {
    /// Whether a condition holds on a payment date; it looks only at what has an outcome already.
    pub(super) fn holds(&self, when: &WhenPlan, date: i64) -> bool {
        when.holds(|fact| match *fact {
            Fact::Passed(test) => self.tests[test].passed,
            Fact::Failed(test) => !self.tests[test].passed,
            Fact::Tripped(trigger) => self.tripped[trigger],
            Fact::NotTripped(trigger) => !self.tripped[trigger],
            Fact::From(day) => date >= day,
            Fact::Before(day) => date < day,
        })
    }
}

/// Measures all tests, then trips or resets all triggers.
pub(super) fn outcome(run: &Run<'_>, before: &[bool]) -> Result<Outcome, WaterfallError> {
    let tests = run.plan.tests.iter().map(|t| measured(run, t));
    let mut outcome = Outcome {
        tests: tests.collect::<Result<_, _>>()?,
        tripped: Vec::new(),
    };
    for (trigger, before) in run.plan.triggers.iter().zip(before) {
        let stays = *before && !trigger.curable;
        let tripped = stays || outcome.holds(&trigger.when, run.date);
        outcome.tripped.push(tripped);
    }
    Ok(outcome)
}

fn measured(run: &Run<'_>, test: &TestPlan) -> Result<TestReport, WaterfallError> {
    let (numerator, denominator) = ratio(run, &test.measure)?;
    let (n, d) = (u128::from(numerator.0), u128::from(denominator.0));
    // Below 2^64 * 2^34.
    let scaled = n * u128::from(WHOLE);
    let (passed, rounding) = match test.passes {
        Bound::AtLeast(bound) => (scaled >= u128::from(bound) * d, Rounding::Floor),
        Bound::AtMost(bound) => (scaled <= u128::from(bound) * d, Rounding::Ceil),
    };
    // Only a zero denominator fails.
    let value = Decimal::new(i128::from(numerator.0) * 100, 0)
        .div(
            &Decimal::new(denominator.0.into(), 0),
            RATIO_DECIMALS,
            rounding,
        )
        .ok();
    Ok(TestReport {
        name: test.name.clone(),
        numerator,
        denominator,
        value,
        passed: passed || denominator == Cents(0),
    })
}

/// What is divided by what, in cents.
fn ratio(run: &Run<'_>, measure: &Measure<usize>) -> Result<(Cents, Cents), WaterfallError> {
    let of = |tranches: &[usize], values: &[Cents], what| {
        total(tranches.iter().map(|&t| values[t]), what)
    };
    let pool = run.collections.balance_after;
    match measure {
        Measure::Overcollateralization { tranches } => Ok((
            run.cover()?,
            of(tranches, &run.balances, "what tranches are owed")?,
        )),
        Measure::InterestCoverage { tranches, fees } => {
            let fees = of(fees, &run.fees_due, "the fees due")?;
            let cash = run.accounts[run.plan.interest_account];
            Ok((
                cash.saturating_sub(fees),
                of(tranches, &run.interest_due, "the interest due")?,
            ))
        }
        Measure::CumulativeLoss => Ok((run.loss(), run.plan.original_pool)),
        Measure::CumulativeDefault => Ok((run.defaulted, run.plan.original_pool)),
        Measure::Delinquency { days } => {
            let first = (days / 30 - 1) as usize;
            let late = run.collections.delinquent[first..].iter().copied();
            Ok((total(late, "what delinquent loans owe")?, pool))
        }
        Measure::PoolFactor => Ok((pool, run.plan.original_pool)),
    }
}
