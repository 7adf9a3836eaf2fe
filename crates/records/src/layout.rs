//! Layouts: how a file of another make holds the columns of a record type. A layout is a JSON file.
//!
//! ```json
//! {"record": "mortgage", "about": "An agency's origination file.", "delimiter": "|", "header": false, "count": 32,
//!  "columns": {
//!    "id":       {"position": 20},
//!    "balance":  {"position": 11},
//!    "rate":     {"position": 13, "scale": 2},
//!    "maturity": {"position": 4, "date": "YYYYMM"},
//!    "fico":     {"position": 1, "absent_if": ["9999"]},
//!    "purpose":  {"position": 21, "codes": {"P": "purchase", "C": "cash-out"}},
//!    "status":   {"value": "performing"},
//!    "origination": {"absent": true}}}
//! ```
//!
//! Of the whole file: `delimiter` (`,`, `;`, `|` or a tab; found from the header if it is not given), `header` (false if the
//! first line is a record), `count` (how many columns a line has, checked), `decimal` (`,` for decimal commas).
//!
//! Of a column: where it stands, as one of `column` (a name in the header), `position` (from 1), `value` (the same for all, as
//! our own layout writes it) and `absent`; and how it is read, in this order: `absent_if` (texts that mean "no value"), `codes` (what
//! the source's words are called here; others are refused), `width` (an id of digits is filled up with zeros on the left),
//! `date` (its form, of `YYYY`, `MM`, `DD`, `MMM` for `Jan`, `M` and `D` for one or two digits; without a day it is the first of
//! the month), `scale` (how many places the point moves to the right: 2 makes percents of fractions, -2 units of cents; 0 says that
//! the numbers are in our unit already).
//!
//! Where every column is given by `position`, the header's names do not count, and may stand twice.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::date;
use crate::json::Pairs;
use crate::text;

/// How a file holds the columns of a record type.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "File")]
pub struct Layout {
    /// The record type or the template that it is for.
    pub record: String,
    /// What files have this layout.
    pub about: String,
    /// What stands between cells, if it is given.
    pub delimiter: Option<char>,
    /// Whether the first line names the columns.
    pub header: bool,
    /// How many columns a line has, if it is given.
    pub count: Option<usize>,
    /// Whether numbers have a decimal comma.
    pub decimal_comma: bool,
    /// Where each column comes from.
    pub columns: Pairs<Source>,
}

/// Where a column's cells come from, and how they are read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// A column of the header.
    pub column: Option<String>,
    /// A column by its number, from 1.
    pub position: Option<usize>,
    /// The same for all records, as our own layout writes it.
    pub value: Option<String>,
    /// There is none.
    pub absent: bool,
    /// Texts that mean "no value", besides an empty cell.
    pub absent_if: Vec<String>,
    /// What the source's words are called here; others are refused.
    pub codes: BTreeMap<String, String>,
    /// How many places the point moves to the right; none unless it is given.
    pub scale: Option<i8>,
    /// The form of a date.
    pub date: Option<DateForm>,
    /// To how many digits an id is filled up with zeros.
    pub width: Option<usize>,
    /// The same as `"date": "YYYYMM"`.
    pub(crate) month: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(alias = "template")]
    record: String,
    about: String,
    delimiter: Option<char>,
    #[serde(default = "yes")]
    header: bool,
    count: Option<usize>,
    decimal: Option<char>,
    /// The same as a column `id` of this name.
    id: Option<String>,
    #[serde(alias = "fields")]
    columns: Pairs<Source>,
}

fn yes() -> bool {
    true
}

impl TryFrom<File> for Layout {
    type Error = String;

    fn try_from(file: File) -> Result<Self, String> {
        let mut columns = file.columns;
        if let Some(name) = file.id {
            if columns.get("id").is_some() {
                return Err("`id` stands twice: as such and among the columns; remove one".into());
            }
            let id = Source {
                column: Some(name),
                ..Source::default()
            };
            columns.0.push(("id".into(), id));
        }
        if let Some(other) = file.delimiter.filter(|c| !DELIMITERS.contains(c)) {
            return Err(format!(
                "delimiter `{other}` is none of `,`, `;`, `|` and a tab"
            ));
        }
        if let Some(other) = file.decimal.filter(|c| ![',', '.'].contains(c)) {
            return Err(format!("decimal `{other}` is neither `.` nor `,`"));
        }
        for (name, source) in &mut columns.0 {
            source
                .check(file.header)
                .map_err(|e| format!("column `{name}`: {e}"))?;
        }
        Ok(Self {
            record: file.record,
            about: file.about,
            delimiter: file.delimiter,
            header: file.header,
            count: file.count,
            decimal_comma: file.decimal == Some(','),
            columns,
        })
    }
}

/// What may stand between cells.
pub const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

impl Layout {
    /// Whether all columns are read by their position.
    pub fn is_positional(&self) -> bool {
        self.columns
            .iter()
            .all(|(_, source)| source.column.is_none())
    }
}

impl Source {
    fn check(&mut self, header: bool) -> Result<(), String> {
        let ways = [
            self.column.is_some(),
            self.position.is_some(),
            self.value.is_some(),
            self.absent,
        ];
        if ways.iter().filter(|w| **w).count() != 1 {
            return Err("give one of `column`, `position`, `value`, `absent`".into());
        }
        if self.column.is_some() && !header {
            return Err("the file has no header; give its `position`".into());
        }
        if self.position == Some(0) {
            return Err("positions are counted from 1".into());
        }
        if self.month {
            if self.date.is_some() {
                return Err("give one of `date` and `month`".into());
            }
            self.date = Some("YYYYMM".to_string().try_into()?);
        }
        Ok(())
    }

    /// Whether a text stands for "no value".
    pub(crate) fn is_absent(&self, text: &str) -> bool {
        text.is_empty() || self.absent_if.iter().any(|a| a == text)
    }

    /// The translation of one of the source's words.
    pub(crate) fn word(&self, text: &str) -> Result<Option<&str>, String> {
        if self.codes.is_empty() {
            return Ok(None);
        }
        self.codes
            .get(text)
            .map(|word| Some(word.as_str()))
            .ok_or_else(|| {
                let known: Vec<&str> = self.codes.keys().map(String::as_str).collect();
                format!(
                    "'{}' is not one of the layout's codes {}; add it there",
                    text::shown(text),
                    known.join(", ")
                )
            })
    }

    /// An id of digits, filled up with zeros.
    pub(crate) fn padded(&self, text: &str) -> Result<Option<String>, String> {
        let Some(width) = self
            .width
            .filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
        else {
            return Ok(None);
        };
        if text.len() > width {
            return Err(format!(
                "'{}' has more than the layout's {width} digits; correct the width",
                text::shown(text)
            ));
        }
        Ok(Some(format!("{text:0>width$}")))
    }
}

/// The form of a date.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DateForm {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    /// Of two digits, of one or two, or a name's first three letters.
    Month(Digits),
    Day(Digits),
    Literal(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digits {
    Two,
    OneOrTwo,
    Name,
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

impl TryFrom<String> for DateForm {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let tokens: [(&str, Part); 6] = [
            ("YYYY", Part::Year),
            ("MMM", Part::Month(Digits::Name)),
            ("MM", Part::Month(Digits::Two)),
            ("M", Part::Month(Digits::OneOrTwo)),
            ("DD", Part::Day(Digits::Two)),
            ("D", Part::Day(Digits::OneOrTwo)),
        ];
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            match tokens.iter().find(|(token, _)| rest.starts_with(token)) {
                Some((token, part)) => {
                    parts.push(*part);
                    rest = &rest[token.len()..];
                }
                None if c == 'Y' => {
                    return Err(format!("'{text}' is no form of a date: a year is `YYYY`"));
                }
                None => {
                    parts.push(Part::Literal(c));
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        let count = |is: fn(&Part) -> bool| parts.iter().filter(|p| is(p)).count();
        let years = count(|p| matches!(p, Part::Year));
        let months = count(|p| matches!(p, Part::Month(_)));
        let days = count(|p| matches!(p, Part::Day(_)));
        if years != 1 || months != 1 || days > 1 {
            return Err(format!(
                "'{text}' is no form of a date: it names `YYYY` and `MM` once, and `DD` at most once"
            ));
        }
        Ok(Self { text, parts })
    }
}

impl DateForm {
    /// A date of this form in our own, `2026-11-21`; without a day the first of the month.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn read(&self, text: &str) -> Result<String, String> {
        let fail = || {
            format!(
                "'{}' is not a date of the layout's form {}; correct the cell or the layout",
                text::shown(text),
                self.text
            )
        };
        let (mut year, mut month, mut day) = (0, 0, 1);
        let mut rest = text;
        for part in &self.parts {
            let taken = match part {
                Part::Year => digits(&mut rest, 4, 4).map(|n| year = n),
                Part::Month(Digits::Two) => digits(&mut rest, 2, 2).map(|n| month = n),
                Part::Month(Digits::OneOrTwo) => digits(&mut rest, 1, 2).map(|n| month = n),
                Part::Month(Digits::Name) => month_name(&mut rest).map(|n| month = n),
                Part::Day(Digits::OneOrTwo) => digits(&mut rest, 1, 2).map(|n| day = n),
                Part::Day(_) => digits(&mut rest, 2, 2).map(|n| day = n),
                Part::Literal(c) => rest.strip_prefix(*c).map(|r| rest = r),
            };
            taken.ok_or_else(fail)?;
        }
        let written = format!("{year:04}-{month:02}-{day:02}");
        if rest.is_empty() && date::days_of(&written).is_some() {
            Ok(written)
        } else {
            Err(fail())
        }
    }
}

/// Takes a number of so many digits from the front of a text.
fn digits(text: &mut &str, least: usize, most: usize) -> Option<u32> {
    let length = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if length < least {
        return None;
    }
    let (number, rest) = text.split_at(length);
    *text = rest;
    number.parse().ok()
}

fn month_name(text: &mut &str) -> Option<u32> {
    let name = text.get(..3)?.to_ascii_uppercase();
    let month = MONTHS.iter().position(|m| *m == name)?;
    *text = &text[3..];
    Some(month as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_by_their_form() {
        for (form, text, date) in [
            ("YYYYMM", "203002", "2030-02-01"),
            ("MMYYYY", "022030", "2030-02-01"),
            ("MM/YYYY", "02/2030", "2030-02-01"),
            ("YYYYMMDD", "20300228", "2030-02-28"),
            ("DD/MM/YYYY", "03/02/2030", "2030-02-03"),
            ("MM/DD/YYYY", "03/02/2030", "2030-03-02"),
            ("M/D/YYYY", "3/2/2030", "2030-03-02"),
            ("M/D/YYYY", "12/31/2030", "2030-12-31"),
            ("DD-MMM-YYYY", "03-Feb-2030", "2030-02-03"),
            ("YYYY-MM-DD 00:00:00", "2030-02-03 00:00:00", "2030-02-03"),
        ] {
            let form = DateForm::try_from(form.to_string()).unwrap();
            assert_eq!(form.read(text).as_deref(), Ok(date));
        }
        for (form, text) in [
            ("YYYYMM", "203013"),
            ("YYYYMM", "20300"),
            ("YYYYMM", "2030020"),
            ("MMYYYY", "203002"),
            ("DD/MM/YYYY", "31/02/2030"),
            ("YYYY-MM-DD 00:00:00", "2030-02-03 12:00:00"),
            ("YYYYMM", ""),
            ("MMMYYYY", "\u{e9}b2030"),
        ] {
            let told = DateForm::try_from(form.to_string())
                .unwrap()
                .read(text)
                .unwrap_err();
            assert!(
                told.contains("is not a date of the layout's form"),
                "{told}"
            );
        }
        for form in ["YYMM", "YYYY", "MMDD", "YYYYMMMM", ""] {
            assert!(DateForm::try_from(form.to_string()).is_err(), "{form}");
        }
    }
}
