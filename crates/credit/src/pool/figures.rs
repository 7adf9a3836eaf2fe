//! What an investor asks of a pool: counts, sums, averages, shares, concentrations; each shown exactly or bounded.
//!
//! Every measure is a fraction `scale * numerator / denominator` of sums over the loans, of which a figure shows the
//! value rounded down to [`Plan::decimals`], or claims that it is, before rounding, at least or at most a bound.
//!
//! Figures are over open loans unless they say that they are over all ([`Over`]); rules hold for all loans that are not
//! closed ([`standing`](super::standing)).

use std::collections::BTreeMap;

use fixed::Decimal;
use serde::{Deserialize, Serialize};

pub use super::eligibility::{PoolError, check_eligibility};
use super::rules::Condition;
use super::standing::Standings;
use super::tape::{Loan, Tape};
use super::template::{Kind, Template};

/// Decimals of a percentage.
pub const PERCENT_DECIMALS: u8 = 4;
/// Decimals that an average has more than its field.
const AVERAGE_DECIMALS: u8 = 3;
/// Limbs of a product of weight and field.
pub const PRODUCT_LIMBS: usize = 6;
/// Most groups that a concentration adds up.
pub const MAX_TOP: u32 = 1000;
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

/// What a loan adds to a sum.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantity {
    /// One.
    One,
    /// A field.
    Field(usize),
    /// A weight times a field.
    Product(usize, usize),
}

/// A sum over loans.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Total {
    /// Of a quantity, over the loans for which a condition holds.
    Sum(Quantity, Condition),
    /// Of the weight of the largest groups.
    Largest {
        /// The field that tells groups apart.
        by: usize,
        /// How many groups.
        top: u32,
        /// The weight.
        weight: usize,
        /// Which loans count.
        counted: Condition,
    },
}

/// A measure in numbers: `scale * numerator / denominator`, with so many decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is divided.
    pub numerator: Total,
    /// By what; by one if there is nothing.
    pub denominator: Option<Total>,
    /// Units of the value in one numerator.
    pub scale: u64,
    /// Decimals of the value.
    pub decimals: u8,
}

impl Quantity {
    /// What a loan adds; an absent field adds nothing.
    pub fn of(&self, loan: &Loan) -> u64 {
        let value = |field: usize| loan.values[field].unwrap_or(0);
        match *self {
            Self::One => 1,
            Self::Field(field) => value(field),
            // Below 2^60: `Measure::plan` sees to it.
            Self::Product(weight, field) => value(weight) * value(field),
        }
    }
}

impl Total {
    /// The sum over a pool's loans.
    pub fn of(&self, loans: &[Loan]) -> u128 {
        match self {
            Self::Sum(quantity, condition) => {
                let counted = loans.iter().filter(|l| condition.holds(l));
                counted.map(|l| u128::from(quantity.of(l))).sum()
            }
            Self::Largest {
                by,
                top,
                weight,
                counted,
            } => {
                let mut groups = group_totals(loans, *by, *weight, counted);
                groups.sort_unstable_by(|a, b| b.cmp(a));
                groups.iter().take(*top as usize).sum()
            }
        }
    }
}

/// The weight of each group.
fn group_totals(loans: &[Loan], by: usize, weight: usize, counted: &Condition) -> Vec<u128> {
    let mut groups: BTreeMap<Option<u64>, u128> = BTreeMap::new();
    for loan in loans.iter().filter(|l| counted.holds(l)) {
        *groups.entry(loan.values[by]).or_default() += u128::from(loan.values[weight].unwrap_or(0));
    }
    groups.into_values().collect()
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
    fn plan(&self, name: &str, over: Over, template: &Template) -> Result<Plan, PoolError> {
        let standings = Standings::new(template);
        let error = |problem: String| PoolError::Figure {
            name: name.to_string(),
            problem,
        };
        let field = |name: &str| {
            template
                .field(name)
                .ok_or_else(|| error(format!("there is no field `{name}` in the template")))
        };
        let weight = |name: &Option<String>| {
            let number = field(name.as_ref().unwrap_or(&template.weight))?;
            if template.fields[number].is_weight() {
                Ok(number)
            } else {
                Err(error(
                    "a weight must be a number that is always present".into(),
                ))
            }
        };
        let parse = |text: &str| {
            let rule = Condition::parse(text, template)?;
            if over == Over::Open && !standings.is_clear_over_open(&rule) {
                return Err(error(format!(
                    "it is over open loans ({}), and `{text}` asks for others; add \"over\": \"all\", or name statuses of open \
                     loans only",
                    standings.words(template, &standings.open)
                )));
            }
            Ok(rule)
        };
        let rule = |rule: &Option<String>| match rule {
            Some(text) => parse(text),
            None => Ok(Condition::always()),
        };
        // Those that a condition holds for, of the loans that the figure is over.
        let counted = |condition: Condition| match over {
            Over::Open => standings.and_open(condition),
            Over::All => condition,
        };
        // A number, and its decimals; it must be there wherever the condition holds.
        let number = |name: &str, condition: &Condition| {
            let number = field(name)?;
            let Kind::Number { decimals, .. } = template.fields[number].kind else {
                return Err(error(format!("`{name}` is not a number")));
            };
            if template.fields[number].optional && !condition.implies_present(number) {
                return Err(error(format!(
                    "`{name}` may be absent; say over which loans, as in `{name} is present`"
                )));
            }
            Ok((number, decimals))
        };
        let percent = |numerator, weight| Plan {
            numerator,
            denominator: Some(Total::Sum(
                Quantity::Field(weight),
                counted(Condition::always()),
            )),
            scale: 100 * 10u64.pow(PERCENT_DECIMALS.into()),
            decimals: PERCENT_DECIMALS,
        };
        match self {
            Self::Count { rule: text } => Ok(Plan {
                numerator: Total::Sum(Quantity::One, counted(rule(text)?)),
                denominator: None,
                scale: 1,
                decimals: 0,
            }),
            Self::Sum { of, rule: text } => {
                let condition = rule(text)?;
                let (of, decimals) = number(of, &condition)?;
                Ok(Plan {
                    numerator: Total::Sum(Quantity::Field(of), counted(condition)),
                    denominator: None,
                    scale: 1,
                    decimals,
                })
            }
            Self::Average {
                of,
                weight: by,
                rule: text,
            } => {
                let condition = rule(text)?;
                let (of, decimals) = number(of, &condition)?;
                let weight = weight(by)?;
                let limbs = |field: usize| template.fields[field].kind.limbs();
                if limbs(of) + limbs(weight) > PRODUCT_LIMBS {
                    return Err(error(format!(
                        "`{}` times `{}` has more than 60 bits; lower their largest values in the template",
                        template.fields[weight].name, template.fields[of].name
                    )));
                }
                let condition = counted(condition);
                Ok(Plan {
                    numerator: Total::Sum(Quantity::Product(weight, of), condition.clone()),
                    denominator: Some(Total::Sum(Quantity::Field(weight), condition)),
                    scale: 10u64.pow(AVERAGE_DECIMALS.into()),
                    decimals: decimals + AVERAGE_DECIMALS,
                })
            }
            Self::Share {
                rule: text,
                weight: by,
            } => {
                let weight = weight(by)?;
                let condition = counted(parse(text)?);
                Ok(percent(
                    Total::Sum(Quantity::Field(weight), condition),
                    weight,
                ))
            }
            Self::Largest {
                by,
                top,
                weight: weighted,
            } => {
                let by = field(by)?;
                let groups = &template.fields[by];
                if groups.optional || !matches!(groups.kind, Kind::Code(_) | Kind::Text) {
                    return Err(error(format!(
                        "`{}` must be a code or a text that is never absent",
                        groups.name
                    )));
                }
                if !(1..=MAX_TOP).contains(top) {
                    return Err(error(format!("`top` is between 1 and {MAX_TOP}")));
                }
                let weight = weight(weighted)?;
                let top = *top;
                let largest = Total::Largest {
                    by,
                    top,
                    weight,
                    counted: counted(Condition::always()),
                };
                Ok(percent(largest, weight))
            }
        }
    }
}

impl Plan {
    /// The value for a pool, rounded down, in units of its decimals; `None` if the denominator is zero.
    pub fn value(&self, loans: &[Loan]) -> Option<u128> {
        let (numerator, denominator) = self.sums(loans);
        (numerator * u128::from(self.scale)).checked_div(denominator)
    }

    /// Numerator and denominator. Sums are below 2^90, scales below 2^20.
    fn sums(&self, loans: &[Loan]) -> (u128, u128) {
        let denominator = self.denominator.as_ref().map_or(1, |d| d.of(loans));
        (self.numerator.of(loans), denominator)
    }

    /// A bound in units of the value.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn units(&self, name: &str, bound: &Decimal) -> Result<u64, PoolError> {
        let units = bound.rescale_exact(self.decimals).ok();
        units
            .and_then(|u| u64::try_from(u).ok())
            .filter(|u| *u < 1 << 60)
            .ok_or_else(|| PoolError::Figure {
                name: name.to_string(),
                problem: format!(
                    "{bound} is negative, has more than {} decimals or is too large",
                    self.decimals
                ),
            })
    }
}

impl<S> Figure<S> {
    /// The figure in numbers.
    ///
    /// # Errors
    /// If a rule is wrong, or the template does not have what it asks.
    pub fn plan(&self, template: &Template) -> Result<Plan, PoolError> {
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
    /// If it is beyond its bound, has no value, or asks what the template does not have.
    pub fn claim(&self, tape: &Tape) -> Result<Figure<Claimed>, PoolError> {
        let plan = self.plan(&tape.template)?;
        let (numerator, denominator) = plan.sums(&tape.loans);
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
