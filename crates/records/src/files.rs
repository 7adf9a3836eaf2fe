//! How files are read: errors that say where, and whole files.
//!
//! A file is read whole or not at all: the first thing that is wrong ends the import with an
//! [`ImportError`] that says where it is and what to do.

use std::fmt;
use std::path::Path;

use fixed::Decimal;

use crate::units::MAX_AMOUNT;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// The file.
    pub file: String,
    /// Where in the file: a line, a record or a path.
    pub place: Option<Place>,
    /// The field.
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub problem: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a text file, from 1.
    Line(u64),
    /// A row of a table, from 1.
    Row(u64),
    /// An item of a list, from 0, that starts on a line.
    Item {
        /// The line, from 1.
        line: u64,
        /// The number of the item, from 0.
        index: u64,
    },
    /// A path in a JSON document.
    Path(String),
}

fn write_place(f: &mut fmt::Formatter<'_>, file: &str, place: Option<&Place>) -> fmt::Result {
    f.write_str(file)?;
    match place {
        Some(Place::Line(line)) => write!(f, ":{line}"),
        Some(Place::Row(row)) => write!(f, ": row {row}"),
        Some(Place::Item { line, index }) => write!(f, ":{line}: [{index}]"),
        Some(Place::Path(path)) => write!(f, ": {path}"),
        None => Ok(()),
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, &self.file, self.place.as_ref())?;
        if let Some(field) = &self.field {
            write!(f, ": field `{field}`")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for ImportError {}

/// Makes errors about one record.
#[derive(Clone, Debug)]
pub struct At {
    /// The file.
    pub file: String,
    /// The record.
    pub place: Option<Place>,
}

impl Place {
    /// The number of the line, the row or the item; of a path 0.
    pub fn number(&self) -> u64 {
        match self {
            Self::Line(n) | Self::Row(n) => *n,
            Self::Item { index, .. } => *index,
            Self::Path(_) => 0,
        }
    }
}

/// The place in words, such as `line 3`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::Item { line, index } => write!(f, "line {line} ([{index}])"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

/// The file and the place, such as `tape.csv:3`.
impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, &self.file, self.place.as_ref())
    }
}

impl At {
    /// A whole file.
    pub fn file(path: &Path) -> Self {
        Self {
            file: path.display().to_string(),
            place: None,
        }
    }
    /// A line of it, from 1.
    pub fn line(&self, line: u64) -> Self {
        Self {
            place: Some(Place::Line(line)),
            ..self.clone()
        }
    }
    /// A row of it, from 1.
    pub fn row(&self, row: u64) -> Self {
        Self {
            place: Some(Place::Row(row)),
            ..self.clone()
        }
    }
    /// A place in it.
    pub fn place(&self, place: Place) -> Self {
        Self {
            place: Some(place),
            ..self.clone()
        }
    }
    /// A path in it.
    pub fn path(&self, path: String) -> Self {
        Self {
            place: Some(Place::Path(path)),
            ..self.clone()
        }
    }
    /// An error here.
    pub fn error(&self, field: Option<&str>, problem: impl Into<String>) -> ImportError {
        ImportError {
            file: self.file.clone(),
            place: self.place.clone(),
            field: field.map(str::to_string),
            problem: problem.into(),
        }
    }
    /// A number.
    pub fn number(&self, field: &str, text: &str) -> Result<Decimal, ImportError> {
        crate::text::number(text).map_err(|e| self.error(Some(field), e))
    }
    /// An amount that must not be negative and must fit its asset's decimals.
    pub fn amount(&self, field: &str, text: &str, decimals: u8) -> Result<u64, ImportError> {
        if let Some(units) = plain_units(text, decimals) {
            return Ok(units);
        }
        let number = if text.is_empty() {
            Decimal::ZERO
        } else {
            self.number(field, text)?
        };
        if number.is_negative() {
            return Err(self.error(
                Some(field),
                format!("{text} is negative; what an account owes belongs in `debt`"),
            ));
        }
        let units = number.rescale_exact(decimals).map_err(|e| match e {
            fixed::FixedError::TooManyDecimals { .. } => self.error(
                Some(field),
                format!("{text} has more than the asset's {decimals} decimals; raise the asset's decimals or cut the amount"),
            ),
            e => self.error(Some(field), format!("{text}: {e}")),
        })?;
        u64::try_from(units)
            .ok()
            .filter(|u| *u < MAX_AMOUNT)
            .ok_or_else(|| {
                self.error(
                    Some(field),
                    format!(
                        "{text} is too large: with {decimals} decimals an amount must be below {}",
                        Decimal::new(i128::from(MAX_AMOUNT), decimals)
                    ),
                )
            })
    }
}

/// The units of an amount written as digits with at most one point, if they are less than 18 digits
/// and lose none: the usual case, which large files need fast. `None` leaves the rest to `Decimal`.
pub fn plain_units(text: &str, decimals: u8) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padding = usize::from(decimals).checked_sub(fraction.len())?;
    if whole.is_empty() || whole.len() + usize::from(decimals) > 17 {
        return None;
    }
    let mut units = 0u64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        units = units * 10 + u64::from(digit - b'0');
    }
    Some(units * 10u64.pow(padding as u32))
}

/// Reads a whole file.
pub fn read_file(path: &Path) -> Result<Vec<u8>, ImportError> {
    std::fs::read(path)
        .map_err(|e| At::file(path).error(None, format!("cannot be read: {e}; check the path")))
}

/// Reads a JSON document; what is wrong is said with its line and field.
pub fn json<T: serde::de::DeserializeOwned>(file: &At, bytes: &[u8]) -> Result<T, ImportError> {
    super::json::read(bytes).map_err(|e| {
        file.line(e.line)
            .error(None, format!("column {}: {}", e.column, e.problem))
    })
}
