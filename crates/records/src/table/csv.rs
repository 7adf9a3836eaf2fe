//! Text with delimiters, record by record: RFC 4180, with any of four delimiters and any line end.
//!
//! A line ends with CR LF, LF or a lone CR. A cell in quotes may hold delimiters, line ends and doubled quotes; what it holds is its
//! text. Quotes inside a cell that does not start with one are characters like others. Empty lines are no records. All records
//! have as many cells as the first.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::Raw;
use crate::files::{At, ImportError};
use crate::layout::{DELIMITERS, Layout};
use crate::scan::without_mark;
use crate::text;

/// Bytes that are read at once.
const BUFFER: usize = 1 << 16;
/// Most bytes of a record: an open quote must not take the rest of a file into memory.
const MAX_RECORD: usize = 1 << 24;

/// A file and its record.
pub(super) struct Csv {
    file: File,
    buffer: Vec<u8>,
    at: usize,
    /// The line that is read, from 1.
    line: u64,
    delimiter: u8,
    /// The bytes of a record's cells, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The line on which the record starts.
    start: u64,
    /// How many cells a record has.
    count: usize,
    /// The record was read already, as there is no header.
    ready: bool,
    /// `sep=`.
    said: Option<char>,
}

/// The first record of a file, not yet cut into cells.
pub(super) struct First {
    pub line: u64,
    text: String,
    said: Option<char>,
}

impl Csv {
    pub fn open(path: &Path, file: &At) -> Result<Self, ImportError> {
        let handle = File::open(path)
            .map_err(|e| file.error(None, format!("cannot be read: {e}; check the path")))?;
        let mut csv = Self {
            file: handle,
            buffer: Vec::new(),
            at: 0,
            line: 1,
            delimiter: b',',
            bytes: Vec::new(),
            ends: Vec::new(),
            start: 1,
            count: 0,
            ready: false,
            said: None,
        };
        csv.fill(file)?;
        let marked = without_mark(&csv.buffer).map_err(|e| file.error(None, e))?;
        csv.at = csv.buffer.len() - marked.len();
        csv.take_said(file)?;
        Ok(csv)
    }

    /// Takes a first line such as `sep=;`, by which spreadsheets are told the delimiter.
    fn take_said(&mut self, file: &At) -> Result<(), ImportError> {
        let rest = &self.buffer[self.at..];
        let line = rest
            .split(|b| matches!(b, b'\r' | b'\n'))
            .next()
            .unwrap_or(rest);
        let bare = match line {
            [b'"', inside @ .., b'"'] => inside,
            line => line,
        };
        let [s, e, p, b'=', after @ ..] = bare else {
            return Ok(());
        };
        if ![*s, *e, *p].eq_ignore_ascii_case(b"sep") {
            return Ok(());
        }
        let said = match after {
            [one] => DELIMITERS.into_iter().find(|d| *d as u8 == *one),
            _ => None,
        };
        let Some(said) = said else {
            let problem = format!(
                "`{}` names none of the delimiters `,`, `;`, `|` and a tab",
                text::shown(&String::from_utf8_lossy(bare))
            );
            return Err(file.line(1).error(None, problem));
        };
        self.said = Some(said);
        self.at += line.len();
        if let Some(end @ (b'\r' | b'\n')) = self.next(file)? {
            self.end_line(end, file)?;
        }
        Ok(())
    }

    /// Reads on, keeping what is not yet used.
    fn fill(&mut self, file: &At) -> Result<bool, ImportError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let before = self.buffer.len();
        let chunk = (&self.file)
            .take(BUFFER as u64)
            .read_to_end(&mut self.buffer);
        chunk.map_err(|e| file.error(None, format!("cannot be read: {e}")))?;
        Ok(self.buffer.len() > before)
    }

    fn peek(&mut self, file: &At) -> Result<Option<u8>, ImportError> {
        if self.at == self.buffer.len() && !self.fill(file)? {
            return Ok(None);
        }
        Ok(Some(self.buffer[self.at]))
    }

    fn next(&mut self, file: &At) -> Result<Option<u8>, ImportError> {
        let byte = self.peek(file)?;
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    /// After a byte that ends a line: takes the LF of a CR LF.
    fn end_line(&mut self, byte: u8, file: &At) -> Result<(), ImportError> {
        if byte == b'\r' && self.peek(file)? == Some(b'\n') {
            self.at += 1;
        }
        self.line += 1;
        Ok(())
    }

    /// Skips empty lines; whether there is a record.
    fn skip_empty(&mut self, file: &At) -> Result<bool, ImportError> {
        while let Some(byte) = self.peek(file)? {
            if byte != b'\r' && byte != b'\n' {
                return Ok(true);
            }
            self.at += 1;
            self.end_line(byte, file)?;
        }
        Ok(false)
    }

    /// The first record as it stands, which is not taken.
    pub fn first_line(&mut self, file: &At) -> Result<First, ImportError> {
        if !self.skip_empty(file)? {
            return Err(file.error(None, "is empty; it needs a header"));
        }
        let mut quoted = false;
        let mut length = 0;
        loop {
            while self.at + length == self.buffer.len() {
                if !self.fill(file)? {
                    break;
                }
            }
            match self.buffer.get(self.at + length) {
                None => break,
                Some(b'"') => quoted = !quoted,
                Some(b'\r' | b'\n') if !quoted => break,
                Some(_) => {}
            }
            length += 1;
            if length > MAX_RECORD {
                let problem = "is too long for a line; check its quotes and line ends";
                return Err(file.line(self.line).error(None, problem));
            }
        }
        let line = &self.buffer[self.at..self.at + length];
        Ok(First {
            line: self.line,
            text: String::from_utf8_lossy(line).into_owned(),
            said: self.said,
        })
    }

    /// Reads the header, whose names are returned; if there is none, the first record is kept, and its cells are returned.
    pub fn start(
        &mut self,
        file: &At,
        delimiter: char,
        has_header: bool,
    ) -> Result<Vec<String>, ImportError> {
        self.delimiter = delimiter as u8;
        self.read(file)?;
        self.count = self.ends.len();
        self.ready = !has_header;
        let names = (0..self.count).map(|i| text::trimmed(self.slice(i)).to_string());
        Ok(names.collect())
    }

    /// Reads the next record.
    pub fn advance(&mut self, file: &At) -> Result<bool, ImportError> {
        if std::mem::take(&mut self.ready) {
            return Ok(true);
        }
        if !self.read(file)? {
            return Ok(false);
        }
        if self.ends.len() != self.count {
            let problem = format!(
                "has {} fields where the header has {}; check for missing or stray delimiters (`{}`) and quotes",
                self.ends.len(),
                self.count,
                char::from(self.delimiter).escape_debug(),
            );
            return Err(file.line(self.start).error(None, problem));
        }
        Ok(true)
    }

    /// The line on which the record starts.
    pub fn first_line_of_record(&self) -> u64 {
        self.start
    }

    fn slice(&self, cell: usize) -> &str {
        let start = cell.checked_sub(1).map_or(0, |before| self.ends[before]);
        std::str::from_utf8(&self.bytes[start..self.ends[cell]]).unwrap_or("")
    }

    pub fn cell(&self, cell: usize) -> Raw<'_> {
        Raw::Text(Cow::Borrowed(self.slice(cell)))
    }

    /// Reads a record; false at the end of the file.
    fn read(&mut self, file: &At) -> Result<bool, ImportError> {
        self.bytes.clear();
        self.ends.clear();
        if !self.skip_empty(file)? {
            return Ok(false);
        }
        self.start = self.line;
        while self.read_cell(file)? {}
        let wrong = |problem: &str| Err(file.line(self.start).error(None, problem));
        if self.bytes.contains(&0) {
            return wrong("holds zero bytes, as UTF-16 text does; save the file as UTF-8");
        }
        // No delimiter is part of a longer character, so that cells are UTF-8 if the record is.
        if std::str::from_utf8(&self.bytes).is_err() {
            return wrong("is not UTF-8 text; save the file as UTF-8");
        }
        Ok(true)
    }

    /// Reads a cell and what ends it; whether another follows.
    fn read_cell(&mut self, file: &At) -> Result<bool, ImportError> {
        let more = match self.peek(file)? {
            Some(b'"') => self.read_quoted(file),
            _ => self.read_plain(file),
        }?;
        self.ends.push(self.bytes.len());
        Ok(more)
    }

    /// Takes what comes before the next of the bytes that end a stretch.
    fn take_until(&mut self, ends: impl Fn(u8) -> bool, file: &At) -> Result<(), ImportError> {
        while self.peek(file)?.is_some() {
            let rest = &self.buffer[self.at..];
            let plain = rest.iter().position(|b| ends(*b)).unwrap_or(rest.len());
            self.bytes.extend_from_slice(&rest[..plain]);
            self.at += plain;
            if self.bytes.len() > MAX_RECORD {
                let problem = "is too long for a record; check its quotes and line ends";
                return Err(file.line(self.start).error(None, problem));
            }
            if self.at < self.buffer.len() {
                break;
            }
        }
        Ok(())
    }

    /// Takes what ends a cell, if it stands here; whether another cell follows.
    fn take_end(&mut self, file: &At) -> Result<Option<bool>, ImportError> {
        Ok(match self.peek(file)? {
            None => Some(false),
            Some(byte) if byte == self.delimiter => {
                self.at += 1;
                Some(true)
            }
            Some(byte @ (b'\r' | b'\n')) => {
                self.at += 1;
                self.end_line(byte, file)?;
                Some(false)
            }
            Some(_) => None,
        })
    }

    fn read_plain(&mut self, file: &At) -> Result<bool, ImportError> {
        let begin = self.bytes.len();
        let delimiter = self.delimiter;
        loop {
            let ends = |b| b == delimiter || matches!(b, b'\r' | b'\n' | b'"');
            self.take_until(ends, file)?;
            if let Some(more) = self.take_end(file)? {
                return Ok(more);
            }
            // It is a quote.
            if self.bytes[begin..]
                .iter()
                .all(|b| matches!(b, b' ' | b'\t'))
            {
                let problem =
                    "spaces stand before a quote; write the quote right after the delimiter";
                return Err(file.line(self.line).error(None, problem));
            }
            self.bytes.push(b'"');
            self.at += 1;
        }
    }

    fn read_quoted(&mut self, file: &At) -> Result<bool, ImportError> {
        let opened = self.line;
        let wrong = |problem: &str| Err(file.line(opened).error(None, problem));
        self.at += 1;
        loop {
            self.take_until(|b| matches!(b, b'"' | b'\r' | b'\n'), file)?;
            match self.next(file)? {
                None => {
                    return wrong(
                        "a quote opens on this line and never closes; close it, or double it if it is part of the text",
                    );
                }
                Some(b'"') if self.peek(file)? == Some(b'"') => {
                    self.at += 1;
                    self.bytes.push(b'"');
                }
                Some(b'"') => break,
                Some(byte) => {
                    self.bytes.push(byte);
                    if byte == b'\r' && self.peek(file)? == Some(b'\n') {
                        self.at += 1;
                        self.bytes.push(b'\n');
                    }
                    self.line += 1;
                }
            }
        }
        while let Some(b' ' | b'\t') = self.peek(file)?.filter(|b| *b != self.delimiter) {
            self.at += 1;
        }
        match self.take_end(file)? {
            Some(more) => Ok(more),
            None => wrong(
                "text stands after the closing quote of a cell that opens on this line; double the quotes inside a cell",
            ),
        }
    }
}

impl First {
    /// The file's delimiter: what the layout or a line `sep=` says; else the only one that the header has, or the only one by which the
    /// header has the columns that are read.
    pub fn delimiter(
        &self,
        at: &At,
        layout: Option<&Layout>,
        fits: impl Fn(&[String]) -> bool,
    ) -> Result<char, ImportError> {
        let given = layout.and_then(|l| l.delimiter);
        match (given, self.said) {
            (Some(given), Some(said)) if given != said => {
                let problem = format!(
                    "`sep={}` contradicts the layout's delimiter `{}`; correct one",
                    said.escape_debug(),
                    given.escape_debug()
                );
                return Err(at.line(1).error(None, problem));
            }
            (Some(one), _) | (None, Some(one)) => return Ok(one),
            (None, None) => {}
        }
        let mut there: Vec<(usize, char)> = DELIMITERS
            .into_iter()
            .map(|d| (self.count(d), d))
            .filter(|(count, _)| *count > 0)
            .collect();
        // The most frequent first, for what is said if none fits.
        there.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        match there[..] {
            [] => Ok(','),
            [(_, one)] => Ok(one),
            [(_, most), ..] => {
                let mut fitting = there.iter().filter(|(_, d)| fits(&self.cells(*d)));
                match (fitting.next(), fitting.next()) {
                    (None, _) => Ok(most),
                    (Some((_, one)), None) => Ok(*one),
                    (Some((_, one)), Some((_, other))) => Err(at.error(
                        None,
                        format!(
                            "may be cut at `{}` or at `{}`; say which by a first line `sep={}` or a layout's `delimiter`",
                            one.escape_debug(),
                            other.escape_debug(),
                            one.escape_debug()
                        ),
                    )),
                }
            }
        }
    }

    fn count(&self, delimiter: char) -> usize {
        self.cells(delimiter).len() - 1
    }

    /// The cells of a header, if this is its delimiter.
    fn cells(&self, delimiter: char) -> Vec<String> {
        let mut cells = vec![String::new()];
        let mut quoted = false;
        for c in self.text.chars() {
            match c {
                '"' => quoted = !quoted,
                c if c == delimiter && !quoted => cells.push(String::new()),
                c => cells.last_mut().expect("there is one").push(c),
            }
        }
        cells.iter().map(|c| text::trimmed(c).to_string()).collect()
    }
}
