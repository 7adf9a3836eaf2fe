//! Which loans of a pool count: open ones, those given up, and those that are gone.
//!
//! A template says it by the codes of its field `status`:
//!
//! | a loan is | codes | |
//! |---|---|---|
//! | *open* | all others, such as `performing`, `delinquent` | it counts in the pool's balance and in figures |
//! | *defaulted* | `defaulted` | given up: it may still bring something in; it counts only where figures are over all loans |
//! | *closed* | `prepaid`, `repurchased`; of credits `retired`, `cancelled` | it is gone: what it owes (`balance`) is 0 |
//!
//! Without such a field all loans are open.

use std::collections::BTreeSet;

use serde_json::Value;

use super::figures::PoolError;
use super::rules::{Condition, Holds, Test};
use super::tape::{Loan, Tape};
use super::template::{Kind, Template};
use crate::amortization::Status;

/// The field that says where a loan stands.
pub const STATUS: &str = "status";
/// The field that says what a loan owes.
pub const BALANCE: &str = "balance";
/// Codes of what is no loan but is closed, too.
const GONE: [&str; 2] = ["retired", "cancelled"];
/// Most loans named in an error.
const NAMED: usize = 5;

/// What a template's statuses mean for a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standings {
    /// The field of the status; without one all loans are open.
    pub status: Option<usize>,
    /// The field of what a loan owes, if there is one: 0 of a closed loan.
    pub balance: Option<usize>,
    /// The codes of open loans.
    pub open: BTreeSet<u64>,
    /// The codes of loans that were given up.
    pub defaulted: BTreeSet<u64>,
    /// The codes of loans that are gone.
    pub closed: BTreeSet<u64>,
}

/// How many loans of a pool are open, and how many were given up; the others are closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open loans.
    pub open: u64,
    /// Defaulted loans.
    pub defaulted: u64,
}

impl Standings {
    /// What a template's statuses mean.
    pub fn new(template: &Template) -> Self {
        let status = template.field(STATUS);
        // The template is valid, so the status is a code that is always there.
        let status = status.filter(|&i| !template.fields[i].kind.codes().is_empty());
        let number = |&i: &usize| matches!(template.fields[i].kind, Kind::Number { .. });
        let mut standings = Self {
            status,
            balance: template.field(BALANCE).filter(number),
            open: BTreeSet::new(),
            defaulted: BTreeSet::new(),
            closed: BTreeSet::new(),
        };
        let codes = status.map_or(&[][..], |i| template.fields[i].kind.codes());
        for (code, word) in (0..).zip(codes) {
            let known = serde_json::from_value::<Status>(Value::String(word.clone()));
            let set = match known {
                Ok(Status::Defaulted) => &mut standings.defaulted,
                Ok(status) if status.is_closed() => &mut standings.closed,
                Err(_) if GONE.contains(&word.as_str()) => &mut standings.closed,
                _ => &mut standings.open,
            };
            set.insert(code);
        }
        standings
    }

    fn is(&self, codes: &BTreeSet<u64>) -> Option<Condition> {
        let holds = Holds::OneOf(codes.clone());
        self.status
            .map(|field| Condition::Test(Test { field, holds }))
    }

    /// Holds for open loans.
    pub fn is_open(&self) -> Condition {
        self.is(&self.open).unwrap_or_else(Condition::always)
    }

    /// Holds for loans that were given up.
    pub fn is_defaulted(&self) -> Condition {
        self.is(&self.defaulted).unwrap_or_else(Condition::never)
    }

    /// Holds for loans that are gone.
    pub fn is_closed(&self) -> Condition {
        self.is(&self.closed).unwrap_or_else(Condition::never)
    }

    /// A rule, for all loans but closed ones.
    pub fn unless_closed(&self, rule: Condition) -> Condition {
        if self.closed.is_empty() {
            rule
        } else {
            Condition::Any(vec![self.is_closed(), rule])
        }
    }

    /// A condition, for open loans only.
    pub fn and_open(&self, condition: Condition) -> Condition {
        match (self.status, condition == Condition::always()) {
            (None, _) => condition,
            (_, true) => self.is_open(),
            _ => Condition::All(vec![self.is_open(), condition]),
        }
    }

    /// Whether a rule means the same for open loans as for all: it asks of no status that leaves some open ones out and lets
    /// others than open ones in. Over open loans `status = defaulted` would hold for none.
    pub fn is_clear_over_open(&self, rule: &Condition) -> bool {
        match rule {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().all(|p| self.is_clear_over_open(p))
            }
            Condition::Test(Test { field, holds }) if Some(*field) == self.status => match holds {
                Holds::OneOf(codes) => codes.is_subset(&self.open) || self.open.is_subset(codes),
                _ => true,
            },
            Condition::Test(_) => true,
        }
    }

    /// How many loans are open, and how many were given up.
    pub fn counts(&self, loans: &[Loan]) -> Counts {
        let count = |condition: Condition| loans.iter().filter(|l| condition.holds(l)).count();
        Counts {
            open: count(self.is_open()) as u64,
            defaulted: count(self.is_defaulted()) as u64,
        }
    }

    /// What a closed loan still owes, in the units of the balance: 0 unless the tape contradicts itself.
    pub fn owed_though_closed(&self, loan: &Loan) -> u64 {
        match self.balance {
            Some(balance) if self.is_closed().holds(loan) => loan.values[balance].unwrap_or(0),
            _ => 0,
        }
    }

    /// Codes of the status in words: `performing or delinquent`.
    pub fn words(&self, template: &Template, codes: &BTreeSet<u64>) -> String {
        let all = self.status.map(|i| template.fields[i].kind.codes());
        let words = all.unwrap_or_default().iter().enumerate();
        let words: Vec<&str> = words
            .filter(|(code, _)| codes.contains(&(*code as u64)))
            .map(|(_, word)| word.as_str())
            .collect();
        words.join(" or ")
    }
}

/// Requires closed loans to owe nothing: else a figure of what is owed speaks of loans that are gone.
///
/// # Errors
/// Names the first loans that are closed and still owe something.
pub fn check_closed(tape: &Tape) -> Result<(), PoolError> {
    let standings = Standings::new(&tape.template);
    let mut owing = tape
        .loans
        .iter()
        .filter(|l| standings.owed_though_closed(l) > 0);
    let named: Vec<String> = owing
        .by_ref()
        .take(NAMED)
        .map(|l| format!("`{}` ({})", l.id, describe(&standings, l, &tape.template)))
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let count = named.len() + owing.count();
    let more = if count > named.len() { ", ..." } else { "" };
    Err(PoolError::Closed {
        count,
        named: named.join(", ") + more,
    })
}

/// A closed loan's status and balance: `repurchased, owes 100.00`.
pub fn describe(standings: &Standings, loan: &Loan, template: &Template) -> String {
    let show = |field: Option<usize>| {
        let field = field?;
        Some(template.fields[field].show(loan.values[field]?))
    };
    let (status, balance) = (show(standings.status), show(standings.balance));
    format!(
        "{}, owes {}",
        status.unwrap_or_default(),
        balance.unwrap_or_default()
    )
}
