//! Tables in JSON: a list of objects, or lines of objects. An object is a record, and its members are the cells.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use super::Raw;
use crate::files::{At, ImportError, Place, read_file};
use crate::scan::{Fault, Scalar, Scanner, position, without_mark};
use crate::text;

/// A document and where its reader is.
pub(super) struct Json {
    bytes: Vec<u8>,
    scanner: Scanner,
    is_list: bool,
    ended: bool,
    header: Vec<String>,
    places: HashMap<String, usize>,
    cells: Vec<Raw<'static>>,
    /// How many records were read.
    count: u64,
    /// The line of the record, and the byte up to which lines are counted.
    line: u64,
    counted: usize,
}

impl Json {
    pub fn open(path: &Path, file: &At) -> Result<Self, ImportError> {
        let bytes = read_file(path)?;
        let wrong = |problem| file.error(None, problem);
        let bytes = without_mark(&bytes).map_err(wrong)?.to_vec();
        let mut scanner = Scanner { at: 0 };
        let is_list = scanner.take(&bytes, b'[');
        let mut json = Self {
            bytes,
            scanner,
            is_list,
            ended: false,
            header: Vec::new(),
            places: HashMap::new(),
            cells: Vec::new(),
            count: 0,
            line: 1,
            counted: 0,
        };
        json.read_header(file)?;
        Ok(json)
    }

    /// The names of the first object, which is not taken.
    fn read_header(&mut self, file: &At) -> Result<(), ImportError> {
        let mut ahead = self.scanner.clone();
        if ahead.peek(&self.bytes) != Some(b'{') {
            return Ok(());
        }
        let mut header = Vec::new();
        ahead
            .members(&self.bytes, 0, |_, name, _| {
                header.push(text::trimmed(&name).to_string());
                Ok(())
            })
            .map_err(|fault| self.broken(file, &fault))?;
        for name in &header {
            let place = self.places.len();
            self.places.entry(name.clone()).or_insert(place);
        }
        self.header = header;
        Ok(())
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The place of a name's cells.
    pub fn place_of(&mut self, name: &str) -> usize {
        let next = self.places.len();
        *self.places.entry(name.to_string()).or_insert(next)
    }

    pub fn place(&self) -> Place {
        if self.is_list {
            Place::Item {
                line: self.line,
                index: self.count.saturating_sub(1),
            }
        } else {
            Place::Line(self.line)
        }
    }

    pub fn cell(&self, place: usize) -> Raw<'_> {
        match &self.cells[place] {
            Raw::Text(t) => Raw::Text(Cow::Borrowed(t)),
            Raw::Whole(t) => Raw::Whole(Cow::Borrowed(t)),
            Raw::Number(t) => Raw::Number(Cow::Borrowed(t)),
            other => other.clone(),
        }
    }

    fn broken(&self, file: &At, fault: &Fault) -> ImportError {
        let (line, column) = position(&self.bytes, fault.at);
        let problem = format!("column {column}: {}", fault.problem);
        file.line(line).error(None, problem)
    }

    /// Reads the next object.
    pub fn advance(&mut self, file: &At) -> Result<bool, ImportError> {
        if self.ended {
            return Ok(false);
        }
        let mut scanner = self.scanner.clone();
        let more = self.before_object(&mut scanner);
        let more = more.map_err(|fault| self.broken(file, &fault))?;
        if more {
            let (line, _) = position(&self.bytes[self.counted..], scanner.at - self.counted);
            self.line += line - 1;
            self.counted = scanner.at;
            self.count += 1;
            let mut cells = vec![Raw::Absent; self.places.len()];
            let object = self.object(&mut scanner, &mut cells);
            object.map_err(|fault| self.broken(file, &fault))?;
            self.cells = cells;
        }
        self.ended = !more;
        self.scanner = scanner;
        Ok(more)
    }

    /// Goes to the start of the next object, if there is one.
    fn before_object(&self, scanner: &mut Scanner) -> Result<bool, Fault> {
        let fault = |scanner: &Scanner, problem: &str| {
            Err(Fault {
                at: scanner.at,
                problem: problem.into(),
            })
        };
        let bytes = &self.bytes;
        if self.is_list {
            if scanner.take(bytes, b']') {
                return match scanner.peek(bytes) {
                    None => Ok(false),
                    Some(_) => fault(scanner, "stands after the end of the list; remove it"),
                };
            }
            if self.count > 0 && !scanner.take(bytes, b',') {
                return fault(
                    scanner,
                    "`,` or `]` is expected here; the file was cut or is broken",
                );
            }
        }
        match scanner.peek(bytes) {
            Some(b'{') => Ok(true),
            None if !self.is_list => Ok(false),
            _ => fault(scanner, "an object is expected here; a record is an object"),
        }
    }

    fn object(&self, scanner: &mut Scanner, cells: &mut [Raw<'static>]) -> Result<(), Fault> {
        scanner.members(&self.bytes, 0, |at, name, scalar| {
            let name = text::trimmed(&name);
            let Some(&place) = self.places.get(name) else {
                let problem = format!(
                    "`{}` is not in the first object and no column that is read; all objects have the same members",
                    text::shown(name)
                );
                return Err(Fault { at, problem });
            };
            if cells[place] != Raw::Absent {
                let problem = format!("`{}` stands twice in one object; remove one", text::shown(name));
                return Err(Fault { at, problem });
            }
            cells[place] = match scalar {
                Scalar::Null => Raw::Absent,
                Scalar::Bool(value) => Raw::Bool(value),
                Scalar::Number(digits) if digits.contains(['.', 'e', 'E']) => {
                    Raw::Number(Cow::Owned(digits.to_string()))
                }
                Scalar::Number(digits) => Raw::Whole(Cow::Owned(digits.to_string())),
                Scalar::Text(text) => Raw::Text(Cow::Owned(text.into_owned())),
                Scalar::Nested => Raw::Refused("is a list or an object; a cell is a text, a number, true, false or null".into()),
            };
            Ok(())
        })
    }
}
