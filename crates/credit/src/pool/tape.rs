//! Loan tapes.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::template::Template;

/// A loan, or whatever else an asset class is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loan {
    /// What tells it from all others.
    pub id: String,
    /// The values of the template's fields, in their units; `None` where absent.
    // Plain numbers: only the template, which is data, knows which of them are money and in how many decimals.
    pub values: Vec<Option<u64>>,
}

/// What is known of a pool's loans at a cut-off date.
#[derive(Clone, Debug, PartialEq)]
pub struct Tape {
    /// What fields the loans have.
    pub template: Template,
    /// The day the values are of.
    pub cut_off: CutOff,
    /// The loans; their order says nothing. Ids are distinct.
    pub loans: Vec<Loan>,
}

/// Why nothing can be said of a tape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TapeError {
    /// There are no loans.
    #[error("the pool has no loan")]
    Empty,
    /// Two loans have this id.
    #[error("two loans have the id `{0}`; rename one of them")]
    SameId(String),
}

impl Tape {
    /// Requires at least one loan, and distinct ids.
    ///
    /// # Errors
    /// If there is no loan, or names an id that two loans have.
    pub fn check(&self) -> Result<(), TapeError> {
        if self.loans.is_empty() {
            return Err(TapeError::Empty);
        }
        let mut seen = HashSet::with_capacity(self.loans.len());
        match self.loans.iter().find(|loan| !seen.insert(&loan.id)) {
            Some(loan) => Err(TapeError::SameId(loan.id.clone())),
            None => Ok(()),
        }
    }
}

/// A cut-off date, written `2026-11-21`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CutOff(String);

impl CutOff {
    /// The cut-off date a month later: the same day, the last day of a month after the last day of one.
    pub fn next(&self) -> Self {
        let days = records::date::days_of(&self.0).expect("it is a date");
        Self(records::date::written(records::date::next_month(days)))
    }
}

impl CutOff {
    /// The months from it to a day since 1970, a part of a month as one; none if the day is not later.
    pub fn months_until(&self, day: u64) -> u64 {
        let from = records::date::days_of(&self.0).expect("it is a date");
        let day = i64::try_from(day).unwrap_or(i64::MAX);
        // Counted from the first of a month, which every month has.
        let first = from - records::date::day_of_month(from) + 1;
        let last = i64::from(u16::MAX);
        let whole = (0..last)
            .take_while(|m| records::date::months_later(first, m + 1) <= day)
            .count();
        let part = day - records::date::months_later(first, whole as i64) > from - first;
        if day <= from {
            0
        } else {
            whole as u64 + u64::from(part)
        }
    }
}

impl TryFrom<String> for CutOff {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match records::date::days_of(&text) {
            // Room for all months of any deal.
            Some(_) if !("1900-01-01"..="2999-12-31").contains(&text.as_str()) => {
                Err(format!("{text} is not between 1900 and 2999"))
            }
            Some(_) => Ok(Self(text)),
            None => Err(format!("'{text}' is not a date; write it as 2026-11-21")),
        }
    }
}

impl From<CutOff> for String {
    fn from(date: CutOff) -> Self {
        date.0
    }
}

impl std::fmt::Display for CutOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
