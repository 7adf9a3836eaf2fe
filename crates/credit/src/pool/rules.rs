//! The language of eligibility rules and strata: `ltv <= 95 and fico >= 620 and state in [CA, NY]`.
//!
//! Comparisons (`= != < <= > >=`), sets (`in [..]`, `not in [..]`), `is absent`, `is present`, joined by `and`, `or`,
//! `not` and parentheses; `and` binds stronger than `or`. Texts stand in quotes.
//!
//! *Absent values.* No comparison holds for an absent value, and neither does its contrary: with `dti` absent,
//! `dti <= 43`, `dti > 43` and `not (dti <= 43)` are all false (Kleene's logic, of which a rule asks "certainly true").
//! Only `is absent` and `is present` tell.

use std::collections::BTreeSet;

use fixed::{Decimal, Rounding};
use pest::Parser;
use pest::iterators::Pair;

use super::tape::Loan;
use super::template::{Field, Kind, Template};

/// Words that cannot name a field.
pub const KEYWORDS: [&str; 7] = ["and", "or", "not", "in", "is", "absent", "present"];
/// Most bytes of a rule.
const MAX_LENGTH: usize = 2_000;
/// Most parentheses and negations of a rule: parsing goes one level deeper for each.
const MAX_DEPTH: usize = 50;

/// The parser that follows from the grammar.
mod grammar {
    #![allow(missing_docs)]
    #[derive(pest_derive::Parser)]
    #[grammar = "pool/rules.pest"]
    pub struct RuleParser;
}
use grammar::{Rule as Is, RuleParser};

/// What is wrong with a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {problem}")]
pub struct RuleError {
    /// The rule.
    pub rule: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// A rule without negations: they were pushed down to the tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// All hold; without any, it always holds.
    All(Vec<Condition>),
    /// One holds.
    Any(Vec<Condition>),
    /// A test of one field.
    Test(Test),
}

/// A test of one field. All but `Holds::Absent` fail for an absent value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Test {
    /// The field's number.
    pub field: usize,
    /// What holds.
    pub holds: Holds,
}

/// What a test asks of a value, in the field's units.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holds {
    /// It is there.
    Present,
    /// It is not.
    Absent,
    /// It is at least this.
    AtLeast(u64),
    /// It is less than this.
    Below(u64),
    /// It is this.
    Equal(u64),
    /// It is another.
    NotEqual(u64),
    /// Its code is one of these.
    OneOf(BTreeSet<u64>),
}

/// Whether a text may stand without quotes.
pub fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !text.is_empty() && text.chars().all(plain) && !KEYWORDS.contains(&text)
}

impl Condition {
    /// What always holds.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    /// What never holds.
    pub fn never() -> Self {
        Self::Any(Vec::new())
    }

    /// Notes the optional fields whose values it compares: where they are absent no comparison holds.
    pub fn compared(&self, template: &Template, fields: &mut BTreeSet<usize>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|p| p.compared(template, fields));
            }
            Self::Test(test) => {
                if template.fields[test.field].optional && test.holds != Holds::Absent {
                    fields.insert(test.field);
                }
            }
        }
    }

    /// Reads a rule over the fields of a template.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub fn parse(text: &str, template: &Template) -> Result<Self, RuleError> {
        let error = |problem: String| RuleError {
            rule: text.chars().take(200).collect(),
            problem,
        };
        // Rules stand in claims, which are printed.
        let plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
        if !text.chars().all(plain) {
            return Err(RuleError {
                rule: text.escape_debug().take(200).collect(),
                problem: "a rule is letters, digits, signs and spaces; put it on one line".into(),
            });
        }
        let depth = text.matches('(').count() + text.matches("not").count();
        if text.len() > MAX_LENGTH || depth > MAX_DEPTH {
            return Err(error(format!(
                "has more than {MAX_LENGTH} bytes or {MAX_DEPTH} parentheses and negations; split it"
            )));
        }
        let mut parsed = RuleParser::parse(Is::rule, text).map_err(|e| {
            let (line, column) = match e.line_col {
                pest::error::LineColLocation::Pos(at)
                | pest::error::LineColLocation::Span(at, _) => at,
            };
            let what = e.variant.message();
            error(format!("line {line}, column {column}: {what}"))
        })?;
        let any = parsed
            .next()
            .and_then(|rule| rule.into_inner().next())
            .ok_or_else(|| error("is empty".into()))?;
        condition(any, template, false).map_err(error)
    }

    /// Whether it holds for a loan.
    pub fn holds(&self, loan: &Loan) -> bool {
        match self {
            Self::All(all) => all.iter().all(|c| c.holds(loan)),
            Self::Any(any) => any.iter().any(|c| c.holds(loan)),
            Self::Test(test) => test.holds(loan.values[test.field]),
        }
    }

    /// Whether it can only hold where the field is present.
    pub fn implies_present(&self, field: usize) -> bool {
        match self {
            Self::All(all) => all.iter().any(|c| c.implies_present(field)),
            Self::Any(any) => !any.is_empty() && any.iter().all(|c| c.implies_present(field)),
            Self::Test(test) => test.field == field && test.holds != Holds::Absent,
        }
    }

    /// The tests that fail and make the rule fail, as `ltv is 97`.
    pub fn why_not(&self, loan: &Loan, template: &Template) -> String {
        let mut fields = BTreeSet::new();
        self.failing(loan, &mut fields);
        let shown = fields.into_iter().map(|i| {
            let field = &template.fields[i];
            let value = loan.values[i].map_or("absent".into(), |v| field.show(v));
            format!("{} is {value}", field.name)
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    fn failing(&self, loan: &Loan, fields: &mut BTreeSet<usize>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts.iter().filter(|p| !p.holds(loan)) {
                    part.failing(loan, fields);
                }
            }
            Self::Test(test) => {
                fields.insert(test.field);
            }
        }
    }
}

impl Test {
    /// Whether it holds for a value.
    pub fn holds(&self, value: Option<u64>) -> bool {
        let Some(value) = value else {
            return self.holds == Holds::Absent;
        };
        match &self.holds {
            Holds::Present => true,
            Holds::Absent => false,
            Holds::AtLeast(least) => value >= *least,
            Holds::Below(bound) => value < *bound,
            Holds::Equal(other) => value == *other,
            Holds::NotEqual(other) => value != *other,
            Holds::OneOf(codes) => codes.contains(&value),
        }
    }
}

fn condition(pair: Pair<'_, Is>, template: &Template, negated: bool) -> Result<Condition, String> {
    let is_all = pair.as_rule() == Is::all;
    match pair.as_rule() {
        Is::any | Is::all => {
            let parts = pair
                .into_inner()
                .filter(|p| !matches!(p.as_rule(), Is::or | Is::and))
                .map(|p| condition(p, template, negated))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(match parts.len() {
                1 => parts.into_iter().next().expect("one part"),
                _ if is_all != negated => Condition::All(parts),
                _ => Condition::Any(parts),
            })
        }
        Is::negation => {
            let part = pair.into_inner().find(|p| p.as_rule() != Is::not);
            condition(part.ok_or("`not` stands alone")?, template, !negated)
        }
        Is::test => test(pair, template, negated),
        other => Err(format!("{other:?} is no part of a rule")),
    }
}

fn test(pair: Pair<'_, Is>, template: &Template, negated: bool) -> Result<Condition, String> {
    let mut inner = pair.into_inner();
    let (name, what) = match (inner.next(), inner.next()) {
        (Some(name), Some(what)) => (name.as_str(), what),
        _ => return Err("a test needs a field and what to ask of it".into()),
    };
    let number = template.field(name).ok_or_else(|| {
        let names: Vec<&str> = template.fields.iter().map(|f| f.name.as_str()).collect();
        format!("there is no field `{name}`; there are {}", names.join(", "))
    })?;
    let field = &template.fields[number];
    let holds = |holds| {
        Condition::Test(Test {
            field: number,
            holds,
        })
    };
    match what.as_rule() {
        Is::presence => {
            let absent = what.into_inner().any(|p| p.as_rule() == Is::absent);
            Ok(holds(if absent == negated {
                Holds::Present
            } else {
                Holds::Absent
            }))
        }
        Is::membership => {
            let mut without = negated;
            let mut values = Vec::new();
            for part in what.into_inner() {
                match part.as_rule() {
                    Is::not => without = !without,
                    Is::value => values.push(part),
                    _ => {}
                }
            }
            let equal = |value: &Pair<'_, Is>| exact(field, text_of(value));
            let values = values.iter().map(equal).collect::<Result<Vec<_>, _>>()?;
            Ok(one_of(field, &values, without, &holds))
        }
        _ => {
            let mut inner = what.into_inner();
            let (operator, value) = match (inner.next(), inner.next()) {
                (Some(operator), Some(value)) => (operator.as_str(), value),
                _ => return Err("a comparison needs a value".into()),
            };
            let text = text_of(&value);
            if matches!(operator, "=" | "!=") {
                let values = [exact(field, text)?];
                return Ok(one_of(
                    field,
                    &values,
                    negated != (operator == "!="),
                    &holds,
                ));
            }
            let (bound, exact) = bound(field, text)?;
            // What lies between two units is above the lower one.
            let next = bound + 1;
            let (at_least, least) = match operator {
                ">=" => (true, if exact { bound } else { next }),
                ">" => (true, next),
                "<" => (false, if exact { bound } else { next }),
                _ => (false, next),
            };
            Ok(holds(if at_least == negated {
                Holds::Below(least)
            } else {
                Holds::AtLeast(least)
            }))
        }
    }
}

fn one_of(
    field: &Field,
    values: &[u64],
    without: bool,
    holds: &dyn Fn(Holds) -> Condition,
) -> Condition {
    if !field.kind.codes().is_empty() {
        let all = 0..field.kind.codes().len() as u64;
        let chosen = all.filter(|code| values.contains(code) != without);
        return holds(Holds::OneOf(chosen.collect()));
    }
    let mut tests = values.iter().map(|&v| {
        holds(if without {
            Holds::NotEqual(v)
        } else {
            Holds::Equal(v)
        })
    });
    match (values.len(), without) {
        (1, _) => tests.next().expect("one value"),
        (_, true) => Condition::All(tests.collect()),
        (_, false) => Condition::Any(tests.collect()),
    }
}

fn text_of<'a>(value: &Pair<'a, Is>) -> &'a str {
    value.as_str().trim_matches('"')
}

/// A value that a field can have.
fn exact(field: &Field, text: &str) -> Result<u64, String> {
    field
        .parse(text)
        .map_err(|e| format!("field `{}`: {e}", field.name))
}

/// A value to compare with, rounded down to a unit, and whether it was one.
fn bound(field: &Field, text: &str) -> Result<(u64, bool), String> {
    match &field.kind {
        Kind::Number { decimals, max, .. } => {
            let error = |problem: String| format!("field `{}`: {problem}", field.name);
            let number = Decimal::parse(text).map_err(|e| error(e.to_string()))?;
            let units = number
                .rescale(*decimals, Rounding::Floor)
                .map_err(|e| error(e.to_string()))?;
            let units = u64::try_from(units)
                .ok()
                .filter(|u| *u <= field.kind.most())
                .ok_or_else(|| error(format!("{text} is not between 0 and {max}")))?;
            Ok((units, number.rescale_exact(*decimals).is_ok()))
        }
        Kind::Date => Ok((exact(field, text)?, true)),
        Kind::Code(_) | Kind::Text => Err(format!(
            "field `{}` has no order; compare it with `=`, `!=` or `in`",
            field.name
        )),
    }
}
