//! Measures in numbers: fractions of sums over loans.

use std::collections::BTreeMap;

use fixed::Decimal;

use super::eligibility::PoolError;
use super::figures::Over;
use super::rules::Condition;
use super::standing::Standings;
use super::tape::Loan;
use super::template::{Kind, Template};

/// Decimals of a percentage.
pub const PERCENT_DECIMALS: u8 = 4;
/// Decimals that an average has more than its field.
const AVERAGE_DECIMALS: u8 = 3;
/// Limbs of a product of weight and field.
pub const PRODUCT_LIMBS: usize = 6;
/// Most groups that a concentration adds up.
pub const MAX_TOP: u32 = 1000;
/// No group of loans may weigh as much, in units of the weight: a proof has six limbs for what a group weighs.
pub const MAX_GROUP: u64 = 1 << 60;

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
pub struct Measured {
    /// What is divided.
    pub numerator: Total,
    /// By what; by one if there is nothing.
    pub denominator: Option<Total>,
    /// Units of the value in one numerator.
    pub scale: u64,
    /// Decimals of the value.
    pub decimals: u8,
}

/// Makes the plan of a figure.
pub(super) struct Planner<'a> {
    /// The figure's name.
    name: &'a str,
    /// Over which loans it is.
    over: Over,
    template: &'a Template,
    standings: Standings,
}

impl<'a> Planner<'a> {
    pub(super) fn new(name: &'a str, over: Over, template: &'a Template) -> Self {
        Self {
            name,
            over,
            template,
            standings: Standings::new(template),
        }
    }

    fn error(&self, problem: String) -> PoolError {
        PoolError::Figure {
            name: self.name.to_string(),
            problem,
        }
    }

    fn field(&self, name: &str) -> Result<usize, PoolError> {
        let field = self.template.field(name);
        field.ok_or_else(|| self.error(format!("there is no field `{name}` in the template")))
    }

    /// The template's weight, if none is named.
    fn weight(&self, name: Option<&str>) -> Result<usize, PoolError> {
        let number = self.field(name.unwrap_or(&self.template.weight))?;
        match self.template.fields[number].is_weight() {
            true => Ok(number),
            false => Err(self.error("a weight must be a number that is always present".into())),
        }
    }

    fn rule(&self, text: Option<&str>) -> Result<Condition, PoolError> {
        let Some(text) = text else {
            return Ok(Condition::always());
        };
        let rule = Condition::parse(text, self.template)?;
        if self.over == Over::Open && !self.standings.is_clear_over_open(&rule) {
            return Err(self.error(format!(
                "it is over open loans ({}), and `{text}` asks for others; add \"over\": \"all\", or name statuses of open \
                 loans only",
                self.standings.words(self.template, &self.standings.open)
            )));
        }
        Ok(rule)
    }

    /// Those that a condition holds for, of the loans that the figure is over.
    fn counted(&self, condition: Condition) -> Condition {
        match self.over {
            Over::Open => self.standings.and_open(condition),
            Over::All => condition,
        }
    }

    /// A number, and its decimals; it must be there wherever the condition holds.
    fn number(&self, name: &str, condition: &Condition) -> Result<(usize, u8), PoolError> {
        let number = self.field(name)?;
        let Kind::Number { decimals, .. } = self.template.fields[number].kind else {
            return Err(self.error(format!("`{name}` is not a number")));
        };
        if self.template.fields[number].optional && !condition.implies_present(number) {
            return Err(self.error(format!(
                "`{name}` may be absent; say over which loans, as in `{name} is present`"
            )));
        }
        Ok((number, decimals))
    }

    /// A total in percent of the weight of all loans that count.
    fn percent(&self, numerator: Total, weight: usize) -> Measured {
        let all = self.counted(Condition::always());
        Measured {
            numerator,
            denominator: Some(Total::Sum(Quantity::Field(weight), all)),
            scale: 100 * 10u64.pow(PERCENT_DECIMALS.into()),
            decimals: PERCENT_DECIMALS,
        }
    }

    pub(super) fn count(&self, rule: Option<&str>) -> Result<Measured, PoolError> {
        Ok(Measured {
            numerator: Total::Sum(Quantity::One, self.counted(self.rule(rule)?)),
            denominator: None,
            scale: 1,
            decimals: 0,
        })
    }

    pub(super) fn sum(&self, of: &str, rule: Option<&str>) -> Result<Measured, PoolError> {
        let condition = self.rule(rule)?;
        let (of, decimals) = self.number(of, &condition)?;
        Ok(Measured {
            numerator: Total::Sum(Quantity::Field(of), self.counted(condition)),
            denominator: None,
            scale: 1,
            decimals,
        })
    }

    pub(super) fn average(
        &self,
        of: &str,
        weight: Option<&str>,
        rule: Option<&str>,
    ) -> Result<Measured, PoolError> {
        let condition = self.rule(rule)?;
        let (of, decimals) = self.number(of, &condition)?;
        let weight = self.weight(weight)?;
        let [weighted, by] = [of, weight].map(|field| &self.template.fields[field]);
        if weighted.kind.limbs() + by.kind.limbs() > PRODUCT_LIMBS {
            return Err(self.error(format!(
                "`{}` times `{}` has more than 60 bits; lower their largest values in the template",
                by.name, weighted.name
            )));
        }
        let condition = self.counted(condition);
        Ok(Measured {
            numerator: Total::Sum(Quantity::Product(weight, of), condition.clone()),
            denominator: Some(Total::Sum(Quantity::Field(weight), condition)),
            scale: 10u64.pow(AVERAGE_DECIMALS.into()),
            decimals: decimals + AVERAGE_DECIMALS,
        })
    }

    pub(super) fn share(&self, rule: &str, weight: Option<&str>) -> Result<Measured, PoolError> {
        let weight = self.weight(weight)?;
        let condition = self.counted(self.rule(Some(rule))?);
        Ok(self.percent(Total::Sum(Quantity::Field(weight), condition), weight))
    }

    pub(super) fn largest(
        &self,
        by: &str,
        top: u32,
        weight: Option<&str>,
    ) -> Result<Measured, PoolError> {
        let by = self.field(by)?;
        let groups = &self.template.fields[by];
        if groups.optional || !matches!(groups.kind, Kind::Code(_) | Kind::Text) {
            return Err(self.error(format!(
                "`{}` must be a code or a text that is never absent",
                groups.name
            )));
        }
        if !(1..=MAX_TOP).contains(&top) {
            return Err(self.error(format!("`top` is between 1 and {MAX_TOP}")));
        }
        let weight = self.weight(weight)?;
        let largest = Total::Largest {
            by,
            top,
            weight,
            counted: self.counted(Condition::always()),
        };
        Ok(self.percent(largest, weight))
    }
}

impl Quantity {
    /// What a loan adds; an absent field adds nothing.
    pub fn of(&self, loan: &Loan) -> u64 {
        let value = |field: usize| loan.values[field].unwrap_or(0);
        match *self {
            Self::One => 1,
            Self::Field(field) => value(field),
            // Below 2^60: [`Planner::average`] sees to it.
            Self::Product(weight, field) => value(weight) * value(field),
        }
    }
}

impl Total {
    /// The sum over a pool's loans; `None` if one of the groups weighs [`MAX_GROUP`] or more.
    pub fn of(&self, loans: &[Loan]) -> Option<u128> {
        match self {
            Self::Sum(quantity, condition) => {
                let counted = loans.iter().filter(|l| condition.holds(l));
                Some(counted.map(|l| u128::from(quantity.of(l))).sum())
            }
            Self::Largest {
                by,
                top,
                weight,
                counted,
            } => {
                let mut groups = group_totals(loans, *by, *weight, counted);
                groups.sort_unstable_by(|a, b| b.cmp(a));
                let heaviest = groups.first().copied().unwrap_or(0);
                (heaviest < MAX_GROUP.into()).then(|| groups.iter().take(*top as usize).sum())
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

impl Measured {
    /// Numerator and denominator, as [`Total::of`]. Sums are below 2^90, scales below 2^20.
    pub(super) fn sums(&self, loans: &[Loan]) -> Option<(u128, u128)> {
        let denominator = self.denominator.as_ref().map(|d| d.of(loans));
        Some((self.numerator.of(loans)?, denominator.unwrap_or(Some(1))?))
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
