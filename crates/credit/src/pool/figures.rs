//! What an investor asks of a pool: counts, sums, averages, shares, concentrations; each shown exactly or bounded.
//!
//! Every measure is a fraction `scale * numerator / denominator` of sums over the loans, of which a figure shows the
//! value rounded down to [`Measured::decimals`], or claims that it is, before rounding, at least or at most a bound.
//!
//! Who profits from rounding: a value shown is rounded down. Where investors want much (a rate, a score, a balance) that is
//! against the issuer. Where they want little (a loan-to-value ratio, a share, a concentration) it is in the issuer's favor, by
//! less than one unit of the last decimal; who must be sure there asks for `at_most`, which compares exactly, before rounding.
//!
//! Figures are over open loans unless they say that they are over all ([`Over`]); rules hold for all loans that are not
//! closed ([`standing`](super::standing)).

use fixed::Decimal;
use serde::{Deserialize, Serialize};

pub use super::eligibility::{PoolError, check_eligibility};
use super::measured::{MAX_GROUP, Measured, Planner};
use super::standing::Standings;
use super::tape::Tape;
use super::template::Template;

/// A figure of a pool, with what is wanted ([`Wanted`]) or claimed ([`Claimed`]) of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure<S> {
    /// What an investor knows it by.
    pub name: String,
    /// What it measures.
    pub measure: Measure,
    /// Over which loans.
    #[serde(default, skip_serializing_if = "Over::is_open")]
    pub over: Over,
    /// How it is shown.
    pub shown: S,
}

/// Which loans a figure speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Those that are open.
    #[default]
    Open,
    /// All on the tape, those that were given up and those that are gone, too.
    All,
}

impl Over {
    fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

/// What a figure measures. Rules are in the language of [`rules`](super::rules); without one, all loans count that the
/// figure is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure {
    /// How many loans.
    Count {
        /// Which.
        #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
    },
    /// The sum of a field.
    Sum {
        /// The field; where it is optional, the rule must require it.
        of: String,
        /// Over which loans.
        #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
    },
    /// The mean of a field, weighted by another: `sum of weight * field / sum of weight`.
    Average {
        /// The field; where it is optional, the rule must require it.
        of: String,
        /// The weight; the template's, if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight: Option<String>,
        /// Over which loans.
        #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
    },
    /// Which part of the weight of all loans that the figure is over some of them have, in percent.
    Share {
        /// Which loans.
        #[serde(rename = "where")]
        rule: String,
        /// The weight; the template's, if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight: Option<String>,
    },
    /// Which part of the weight of all loans that the figure is over the largest groups have together, in percent.
    Largest {
        /// What loans of one group have in common: a code or a text, never absent.
        by: String,
        /// How many groups.
        top: u32,
        /// The weight; the template's, if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight: Option<String>,
    },
}

/// How a figure is to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wanted {
    /// Its value, rounded down.
    Exact,
    /// Only that it is at least this.
    AtLeast(Decimal),
    /// Only that it is at most this.
    AtMost(Decimal),
}

/// What is claimed of a figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Claimed {
    /// It is this, rounded down.
    Exact(Decimal),
    /// It is at least this.
    AtLeast(Decimal),
    /// It is at most this.
    AtMost(Decimal),
}

impl Measure {
    /// The measure in words: a figure's name is whatever its claimant calls it. `loans` says which loans it is over.
    fn in_words(&self, template: &Template, loans: &str) -> String {
        let over = |rule: &Option<String>| match rule {
            Some(rule) => format!("{loans} where `{rule}`"),
            None => loans.to_string(),
        };
        let weight = |weight: &Option<String>| weight.as_ref().unwrap_or(&template.weight).clone();
        match self {
            Self::Count { rule } => format!("number of {}", over(rule)),
            Self::Sum { of, rule } => format!("sum of {of} over {}", over(rule)),
            Self::Average {
                of,
                weight: by,
                rule,
            } => format!(
                "average of {of}, weighted by {}, over {}",
                weight(by),
                over(rule)
            ),
            Self::Share { rule, weight: by } => {
                format!(
                    "percent of the {} of all {loans} that those have where `{rule}`",
                    weight(by)
                )
            }
            Self::Largest {
                by,
                top,
                weight: weighted,
            } => format!(
                "percent of the {} of all {loans} that the {top} largest groups by {by} have",
                weight(weighted)
            ),
        }
    }

    /// Its rule, if it has one.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Count { rule } | Self::Sum { rule, .. } | Self::Average { rule, .. } => {
                rule.as_deref()
            }
            Self::Share { rule, .. } => Some(rule),
            Self::Largest { .. } => None,
        }
    }

    /// The measure in numbers.
    ///
    /// # Errors
    /// If a rule is wrong, or the template does not have what it asks.
    fn plan(&self, name: &str, over: Over, template: &Template) -> Result<Measured, PoolError> {
        let planner = Planner::new(name, over, template);
        match self {
            Self::Count { rule } => planner.count(rule.as_deref()),
            Self::Sum { of, rule } => planner.sum(of, rule.as_deref()),
            Self::Average { of, weight, rule } => {
                planner.average(of, weight.as_deref(), rule.as_deref())
            }
            Self::Share { rule, weight } => planner.share(rule, weight.as_deref()),
            Self::Largest { by, top, weight } => planner.largest(by, *top, weight.as_deref()),
        }
    }
}

impl<S> Figure<S> {
    /// The figure in numbers.
    ///
    /// # Errors
    /// If a rule is wrong, or the template does not have what it asks.
    pub fn plan(&self, template: &Template) -> Result<Measured, PoolError> {
        self.measure.plan(&self.name, self.over, template)
    }
}

impl Figure<Claimed> {
    /// The figure in words, without its name.
    pub fn in_words(&self, template: &Template) -> String {
        let loans = match (self.over, Standings::new(template).status) {
            (_, None) => "loans",
            (Over::Open, _) => "open loans",
            (Over::All, _) => "loans (open or not)",
        };
        let measure = self.measure.in_words(template, loans);
        let is_divided = !matches!(self.measure, Measure::Count { .. } | Measure::Sum { .. });
        match &self.shown {
            Claimed::Exact(value) if is_divided => format!("{measure} is {value}, rounded down"),
            Claimed::Exact(value) => format!("{measure} is {value}"),
            Claimed::AtLeast(value) => format!("{measure} is at least {value}"),
            Claimed::AtMost(value) => format!("{measure} is at most {value}"),
        }
    }
}

impl Figure<Wanted> {
    /// What can be claimed of the figure for a pool.
    ///
    /// # Errors
    /// If it is beyond its bound, has no value, asks what the template does not have, or a group of loans weighs too much.
    pub fn claim(&self, tape: &Tape) -> Result<Figure<Claimed>, PoolError> {
        let plan = self.plan(&tape.template)?;
        let (numerator, denominator) = plan.sums(&tape.loans).ok_or_else(|| PoolError::Figure {
            name: self.name.clone(),
            problem: format!(
                "a group of loans weighs {MAX_GROUP} units or more together; split the pool"
            ),
        })?;
        let scaled = numerator * u128::from(plan.scale);
        let value = scaled
            .checked_div(denominator)
            .ok_or_else(|| PoolError::Nothing(self.name.clone()))?;
        let value = Decimal::new(value as i128, plan.decimals);
        let against = |bound: &Decimal, least: bool| {
            // A bound is below 2^60 and a sum below 2^90, so the product may not fit: then it is more than all others.
            let limit = u128::from(plan.units(&self.name, bound)?).saturating_mul(denominator);
            let holds = if least {
                scaled >= limit
            } else {
                scaled <= limit
            };
            holds.then_some(()).ok_or_else(|| PoolError::Bound {
                name: self.name.clone(),
                value,
                bound: format!("at {} {bound}", if least { "least" } else { "most" }),
            })
        };
        let shown = match &self.shown {
            Wanted::Exact => {
                plan.units(&self.name, &value)?;
                Claimed::Exact(value)
            }
            Wanted::AtLeast(bound) => {
                against(bound, true)?;
                Claimed::AtLeast(*bound)
            }
            Wanted::AtMost(bound) => {
                against(bound, false)?;
                Claimed::AtMost(*bound)
            }
        };
        Ok(Figure {
            name: self.name.clone(),
            measure: self.measure.clone(),
            over: self.over,
            shown,
        })
    }
}
