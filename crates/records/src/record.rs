//! What a record is: its columns, their kinds, units and checks. One definition serves CSV, Parquet and JSON, and the page of
//! all file formats is written from it.
//!
//! ```
//! use records::record::{Column, Kind, Record};
//! let remittance = Record::new(
//!     "remittance",
//!     "What loans brought in during a month.",
//!     vec![
//!         Column::new("id", Kind::Id, "the loan"),
//!         Column::new("amount", Kind::amount(2), "what came in").unit("the pool's currency").may_be_empty(),
//!     ],
//! );
//! assert_eq!(remittance.column("amount"), Some(1));
//! ```

use std::borrow::Cow;

use fixed::Decimal;

use crate::date;
use crate::names;
use crate::text;

/// A record type.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name, such as `remittance`; a layout names it.
    pub name: String,
    /// What it is, in a sentence.
    pub about: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// What becomes of columns that are not among them.
    pub others: Others,
}

/// What becomes of columns that a record type does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Others {
    /// They are not read.
    Ignored,
    /// They are refused with these words, which say what to do.
    Refused(String),
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// Other names under which it may stand there, such as those of a standard.
    pub aliases: Vec<String>,
    /// What its cells are.
    pub kind: Kind,
    /// What its numbers are counted in; empty if that goes without saying.
    pub unit: String,
    /// Whether it may be missing or empty.
    pub presence: Presence,
    /// What it means, in a few words.
    pub about: String,
}

/// Whether a column may be missing or empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It stands in every file, and no cell is empty.
    Required,
    /// It stands in every file (JSON objects may leave it out), and cells may be empty.
    MayBeEmpty,
    /// It may be missing as a whole.
    Optional,
}

/// What the cells of a column are.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// An id: 1 to 128 printable ASCII characters ([`text::check_id`]).
    Id,
    /// An account's id: as [`names::is_id`] says.
    Account,
    /// A text without control characters.
    Text,
    /// One of these words. Where they are `yes` and `no`, Parquet's and JSON's `true` and `false` say so, too.
    Code(Vec<String>),
    /// A whole number from and to, both included.
    Whole {
        /// The least.
        min: i128,
        /// The most.
        max: i128,
    },
    /// An exact decimal.
    Decimal {
        /// Most digits behind the point, if the column itself bounds them.
        decimals: Option<u8>,
        /// The least.
        min: Option<Decimal>,
        /// The most.
        max: Option<Decimal>,
    },
    /// A day, written `2026-11-21`, from 1970 on.
    Date,
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A text or an id.
    Text(Cow<'a, str>),
    /// The number of a code in its list.
    Code(Code),
    /// A whole number.
    Whole(i128),
    /// A decimal.
    Decimal(Decimal),
    /// A day.
    Days(Days),
}

/// The number of a code in its column's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub usize);

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(pub i64);

macro_rules! value_as {
    ($($variant:ident => $kind:ty),*) => {$(
        /// # Panics
        /// If the column is of another kind: a mistake of the program, which no file can cause.
        impl<'a> From<Value<'a>> for $kind {
            fn from(value: Value<'a>) -> Self {
                match value {
                    Value::$variant(value) => value.into(),
                    other => panic!("{other:?} is asked for as another kind"),
                }
            }
        }
    )*};
}
value_as!(Text => String, Code => Code, Whole => i128, Decimal => Decimal, Days => Days);

impl Record {
    /// A record type that ignores other columns.
    pub fn new(name: &str, about: &str, columns: Vec<Column>) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            columns,
            others: Others::Ignored,
        }
    }

    /// The same, but other columns are refused; `remedy` says what to do.
    #[must_use]
    pub fn refusing_others(mut self, remedy: &str) -> Self {
        self.others = Others::Refused(remedy.into());
        self
    }

    /// The number of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

impl Column {
    /// A column in which no cell is empty.
    pub fn new(name: impl Into<String>, kind: Kind, about: &str) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            kind,
            unit: String::new(),
            presence: Presence::Required,
            about: about.into(),
        }
    }

    /// With the unit of its numbers.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        self.unit = unit.into();
        self
    }

    /// It may also stand under one of these names.
    #[must_use]
    pub fn also(mut self, aliases: &[&str]) -> Self {
        self.aliases = aliases.iter().map(|a| (*a).to_string()).collect();
        self
    }

    /// Whether it stands under a name of the header.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|a| a == name)
    }

    /// Cells may be empty.
    #[must_use]
    pub fn may_be_empty(mut self) -> Self {
        self.presence = Presence::MayBeEmpty;
        self
    }

    /// It may be missing as a whole.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.presence = Presence::Optional;
        self
    }
}

impl Kind {
    /// One of these words.
    pub fn code(words: &[&str]) -> Self {
        Self::Code(words.iter().map(|w| (*w).to_string()).collect())
    }

    /// Yes or no: codes 0 for no, 1 for yes.
    pub fn yes_no() -> Self {
        Self::code(&["no", "yes"])
    }

    /// Any exact decimal.
    pub const fn number() -> Self {
        Self::Decimal {
            decimals: None,
            min: None,
            max: None,
        }
    }

    /// A decimal that is not negative, with at most so many digits behind the point.
    pub const fn amount(decimals: u8) -> Self {
        Self::Decimal {
            decimals: Some(decimals),
            min: Some(Decimal::ZERO),
            max: None,
        }
    }

    /// Whether it is yes or no.
    pub fn is_yes_no(&self) -> bool {
        matches!(self, Self::Code(words) if words.len() == 2 && ["yes", "no"].iter().all(|w| words.iter().any(|v| v == w)))
    }

    /// Whether its cells are numbers.
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Whole { .. } | Self::Decimal { .. })
    }

    /// Whether its cells are texts, of which every character counts.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Id | Self::Account | Self::Text)
    }

    /// Reads a trimmed text that is not empty.
    ///
    /// # Errors
    /// Says what is wrong with the text and what to do.
    pub fn read<'a>(&self, text: Cow<'a, str>) -> Result<Value<'a>, String> {
        match self {
            Self::Id => text::check_id(&text).map(|()| Value::Text(text)),
            Self::Account if names::is_id(&text) => {
                text::check_id(&text).map(|()| Value::Text(text))
            }
            Self::Account => Err(format!("`{}` {}", text::shown(&text), names::NO_ID)),
            Self::Text => text::check_text(&text).map(|()| Value::Text(text)),
            Self::Code(words) => match words.iter().position(|w| *w == text) {
                Some(i) => Ok(Value::Code(Code(i))),
                None => Err(no_code(words, &text)),
            },
            Self::Whole { min, max } => whole(&text, *min, *max).map(Value::Whole),
            Self::Decimal { decimals, min, max } => {
                let number = text::number(&text)?;
                check_decimal(&text, &number, *decimals, *min, *max)?;
                Ok(Value::Decimal(number))
            }
            Self::Date => match date::days_of(&text) {
                Some(days) => Ok(Value::Days(Days(days))),
                None => Err(no_date(&text)),
            },
        }
    }

    /// In words, for the page of file formats.
    pub fn words(&self) -> String {
        match self {
            Self::Id => "id (printable ASCII)".into(),
            Self::Account => "account id (letters, digits, `-_./+&#%*@:=`)".into(),
            Self::Text => "text".into(),
            Self::Code(words) => {
                let words: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Whole { min, max } => match (*min, *max) {
                (i128::MIN, i128::MAX) => "whole number".into(),
                (0, i128::MAX) => "whole number, not negative".into(),
                (min, max) => format!("whole number, {min} to {max}"),
            },
            Self::Decimal { decimals, min, max } => {
                let mut words = match decimals {
                    Some(0) => "number without decimals".to_string(),
                    Some(n) => format!("number, at most {n} decimals"),
                    None => "number".to_string(),
                };
                match (min, max) {
                    (Some(min), Some(max)) => words += &format!(", {min} to {max}"),
                    (Some(min), None) if min.is_zero() => words += ", not negative",
                    (Some(min), None) => words += &format!(", at least {min}"),
                    (None, Some(max)) => words += &format!(", at most {max}"),
                    (None, None) => {}
                }
                words
            }
            Self::Date => "date, `2026-11-21`".into(),
        }
    }
}

fn no_code(words: &[String], text: &str) -> String {
    let told = text::shown(text);
    match words {
        [one, other] => format!("'{told}' is neither {one} nor {other}"),
        words => format!("'{told}' is not one of {}", words.join(", ")),
    }
}

fn no_date(text: &str) -> String {
    let remedy = if text::is_no_value(text) {
        "leave it empty if there is none, or list the word under `absent_if` in a layout"
    } else {
        "write it as 2026-11-21, or give its form in a layout, such as `\"date\": \"DD/MM/YYYY\"`"
    };
    format!("'{}' is not a date; {remedy}", text::shown(text))
}

fn whole(text: &str, min: i128, max: i128) -> Result<i128, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        let reason = match text::number(text) {
            Err(reason) => reason,
            Ok(_) => "write it without a point or an exponent".into(),
        };
        return Err(format!(
            "'{}' is not a whole number: {reason}",
            text::shown(text)
        ));
    }
    let number = text.parse().ok().filter(|n| (min..=max).contains(n));
    number.ok_or_else(|| format!("{} is not between {min} and {max}", text::shown(text)))
}

fn check_decimal(
    text: &str,
    number: &Decimal,
    decimals: Option<u8>,
    min: Option<Decimal>,
    max: Option<Decimal>,
) -> Result<(), String> {
    let told = || text::shown(text);
    if let Some(min) = min.filter(|min| number < min) {
        return Err(match min.is_zero() {
            true => format!("{} is negative; it must be at least 0", told()),
            false => format!("{} is less than {min}", told()),
        });
    }
    if let Some(decimals) = decimals.filter(|d| number.normalized().scale() > *d) {
        return Err(format!(
            "{} has more than {decimals} decimals; cut it",
            told()
        ));
    }
    match max.filter(|max| number > max) {
        Some(max) => Err(format!("{} is more than {max}", told())),
        None => Ok(()),
    }
}
