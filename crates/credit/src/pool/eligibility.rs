//! Which loans may be in a pool, and why a pool is not what it should be.

use fixed::Decimal;

use super::rules::{Condition, RuleError};
use super::standing::Standings;
use super::tape::{Tape, TapeError};

/// Most loans named in an error.
const NAMED: usize = 5;

/// Why a pool is not what it should be, or cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The tape has no loans, or two of the same id.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// Loans that break an eligibility rule.
    #[error("{count} loan(s) break `{rule}`: {named}")]
    Ineligible {
        /// The rule.
        rule: String,
        /// How many loans break it.
        count: usize,
        /// The first ones, and why.
        named: String,
    },
    /// Loans that are gone and still owe something.
    #[error(
        "{count} closed loan(s) still owe something: {named}; a closed loan owes nothing: correct the status or the balance"
    )]
    Closed {
        /// How many loans.
        count: usize,
        /// The first ones.
        named: String,
    },
    /// A figure is beyond its bound.
    #[error("{name} is {value}, not {bound}")]
    Bound {
        /// The figure.
        name: String,
        /// What it is, rounded down.
        value: Decimal,
        /// What it should be.
        bound: String,
    },
    /// A mean of nothing.
    #[error("{0}: no loan counts, so there is no value")]
    Nothing(String),
    /// A rule is wrong.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A figure asks what the template does not have.
    #[error("figure `{name}`: {problem}")]
    Figure {
        /// The figure.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl PoolError {
    /// Whether the question is fine but the answer is no.
    pub fn is_false(&self) -> bool {
        matches!(
            self,
            Self::Ineligible { .. } | Self::Bound { .. } | Self::Nothing(_)
        )
    }
}

/// Requires every loan that is not closed to satisfy every rule.
///
/// # Errors
/// Names the first loans that do not, and why; or says what is wrong with a rule.
pub fn check_eligibility(tape: &Tape, rules: &[String]) -> Result<(), PoolError> {
    let closed = Standings::new(&tape.template).is_closed();
    for rule in rules {
        let condition = Condition::parse(rule, &tape.template)?;
        let mut failing = tape
            .loans
            .iter()
            .filter(|l| !closed.holds(l) && !condition.holds(l));
        let named: Vec<String> = failing
            .by_ref()
            .take(NAMED)
            .map(|l| format!("`{}` ({})", l.id, condition.why_not(l, &tape.template)))
            .collect();
        if !named.is_empty() {
            let count = named.len() + failing.count();
            let more = if count > named.len() { ", ..." } else { "" };
            return Err(PoolError::Ineligible {
                rule: rule.clone(),
                count,
                named: named.join(", ") + more,
            });
        }
    }
    Ok(())
}
