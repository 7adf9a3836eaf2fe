//! Tables in Parquet, row by row, with a reader of our own.
//!
//! It reads what tables have: columns of the first level, all their types and encodings, and all compressions but LZO, in pure
//! Rust. It is our own since a general reader allocates what a file says: here no page becomes larger than it says and than
//! [`codec::MAX_PAGE`], all pages that are held together no larger than [`MAX_HELD`], and no length is believed that the bytes do
//! not bear out.
//!
//! Exact types become texts: integers, decimals, days, texts. Floats are refused where a number is needed, since they are not
//! what was written into them. A moment is a day if it is midnight.

mod codec;
mod encoding;
mod schema;
mod thrift;

use std::borrow::Cow;
use std::path::Path;

use super::Raw;
use crate::date;
use crate::files::{At, ImportError, read_file};
use crate::text;
use encoding::Values;
use schema::{Chunk, Field, Footer, Meaning, Physical};

/// Most bytes of all pages that are held together.
const MAX_HELD: usize = 1 << 30;
/// Most rows for a byte of the file: what repeats more is no table of records.
const MAX_ROWS_PER_BYTE: u64 = 64;
/// The day number of 1970-01-01 in the old timestamps.
const JULIAN_1970: i64 = 2_440_588;

/// A file and its row.
pub(super) struct Parquet {
    bytes: Vec<u8>,
    footer: Footer,
    header: Vec<String>,
    /// The columns that are read.
    cursors: Vec<Option<Cursor>>,
    group: usize,
    /// Rows that are left in the group.
    left: u64,
    row: u64,
    held: usize,
}

/// Where the reader is in a column.
#[derive(Default)]
struct Cursor {
    at: usize,
    end: usize,
    /// Values and nulls that are left in the chunk, those of the page included.
    left: u64,
    dictionary: Option<Values>,
    page: Option<Page>,
    held: usize,
    /// The row's value in the page.
    now: Option<usize>,
}

/// A page's values.
struct Page {
    /// Which rows have a value; all if there is no list.
    present: Option<Vec<u32>>,
    rows: usize,
    row: usize,
    values: Values,
    value: usize,
}

/// What is wrong with a column.
struct Wrong {
    column: usize,
    problem: String,
}

impl Parquet {
    pub fn open(path: &Path, file: &At) -> Result<Self, ImportError> {
        let bytes = read_file(path)?;
        let footer = schema::footer(&bytes).map_err(|e| file.error(None, e))?;
        if footer.rows > (bytes.len() as u64).saturating_mul(MAX_ROWS_PER_BYTE) {
            let problem = format!(
                "says {} rows in {} bytes, which no table of records has; the file is broken",
                footer.rows,
                bytes.len()
            );
            return Err(file.error(None, problem));
        }
        let header = footer
            .fields
            .iter()
            .map(|f| text::trimmed(&f.name).to_string());
        Ok(Self {
            header: header.collect(),
            cursors: footer.fields.iter().map(|_| None).collect(),
            bytes,
            footer,
            group: 0,
            left: 0,
            row: 0,
            held: 0,
        })
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Reads this column, too.
    pub fn want(&mut self, place: usize) {
        self.cursors[place] = Some(Cursor::default());
    }

    pub fn row(&self) -> u64 {
        self.row
    }

    /// Goes to the next row.
    pub fn advance(&mut self, file: &At) -> Result<bool, ImportError> {
        let wrong = |wrong: Wrong, this: &Self| {
            let name = this.header.get(wrong.column).map(String::as_str);
            file.row(this.row + 1).error(name, wrong.problem)
        };
        while self.left == 0 {
            let Some(group) = self.footer.groups.get(self.group) else {
                return Ok(false);
            };
            self.left = group.rows;
            self.start_group().map_err(|e| wrong(e, self))?;
            self.group += 1;
        }
        for column in 0..self.cursors.len() {
            self.step(column).map_err(|e| wrong(e, self))?;
        }
        self.left -= 1;
        self.row += 1;
        Ok(true)
    }

    /// Puts the cursors at the start of a row group.
    fn start_group(&mut self) -> Result<(), Wrong> {
        let group = &self.footer.groups[self.group];
        for (column, (field, cursor)) in
            self.footer.fields.iter().zip(&mut self.cursors).enumerate()
        {
            let (Some(cursor), Some(leaf)) = (cursor.as_mut(), field.leaf) else {
                continue;
            };
            let Chunk {
                values,
                start,
                length,
                ..
            } = group.chunks[leaf];
            if values != group.rows {
                let problem = format!(
                    "has {values} values where the row group has {} rows; the file is broken",
                    group.rows
                );
                return Err(Wrong { column, problem });
            }
            self.held -= cursor.held;
            *cursor = Cursor {
                at: start as usize,
                end: (start + length) as usize,
                left: values,
                ..Cursor::default()
            };
        }
        Ok(())
    }

    /// Goes to a column's next value.
    fn step(&mut self, column: usize) -> Result<(), Wrong> {
        let field = &self.footer.fields[column];
        let (Some(cursor), Some(leaf)) = (self.cursors[column].as_mut(), field.leaf) else {
            return Ok(());
        };
        let codec = self.footer.groups[self.group.saturating_sub(1)].chunks[leaf].codec;
        let wrong = |problem: String| Wrong { column, problem };
        while cursor.page.as_ref().is_none_or(|p| p.row == p.rows) {
            self.held -= cursor.held;
            cursor.page = None;
            cursor.next_page(&self.bytes, field, codec).map_err(wrong)?;
            self.held += cursor.held;
            if self.held > MAX_HELD {
                let problem =
                    format!("its pages take more than {MAX_HELD} bytes; write smaller pages");
                return Err(wrong(problem));
            }
        }
        cursor.now = cursor.page.as_mut().and_then(Page::step);
        cursor.left -= 1;
        Ok(())
    }

    pub fn cell(&self, place: usize) -> Raw<'_> {
        let field = &self.footer.fields[place];
        if field.leaf.is_none() {
            return Raw::Refused("is a list or a group in this file; a cell is one value".into());
        }
        let Some(cursor) = &self.cursors[place] else {
            return Raw::Absent;
        };
        match (&cursor.page, cursor.now) {
            (Some(page), Some(index)) => match &page.values {
                Values::Indices(indices) => match &cursor.dictionary {
                    Some(dictionary) => raw(field, dictionary, indices[index] as usize),
                    None => Raw::Absent,
                },
                values => raw(field, values, index),
            },
            _ => Raw::Absent,
        }
    }
}

impl Page {
    /// Goes to the next row; the number of its value, if it has one.
    fn step(&mut self) -> Option<usize> {
        let has = self.present.as_ref().is_none_or(|p| p[self.row] == 1);
        self.row += 1;
        let value = self.value;
        self.value += usize::from(has);
        has.then_some(value)
    }
}

/// A page as its header and its bytes have it.
struct Packed<'a> {
    kind: i64,
    head: thrift::Struct<'a>,
    bytes: &'a [u8],
    size: usize,
}

impl Cursor {
    /// Reads the next page with values; a dictionary on the way.
    fn next_page(&mut self, bytes: &[u8], field: &Field, codec: i64) -> Result<(), String> {
        self.held = self.dictionary.as_ref().map_or(0, size_of_values);
        while self.page.is_none() {
            let packed = self.packed(bytes)?;
            match packed.kind {
                0 => self.page = Some(self.data_page(&packed, field, codec)?),
                3 => self.page = Some(self.data_page_2(&packed, field, codec)?),
                2 => {
                    let head = packed
                        .head
                        .inner(7)
                        .ok_or("a dictionary has no header; the file is broken")?;
                    if self.dictionary.is_some() {
                        return Err("has two dictionaries; the file is broken".into());
                    }
                    let plain = codec::decompress(codec, packed.bytes, packed.size)?;
                    let count = count_of(head.int(1), plain.len() as u64 * 8)?;
                    self.dictionary = Some(encoding::values(0, field.physical, &plain, count)?);
                }
                _ => {}
            }
        }
        self.held = self.dictionary.as_ref().map_or(0, size_of_values)
            + self.page.as_ref().map_or(0, |p| {
                size_of_values(&p.values) + 4 * p.present.as_ref().map_or(0, Vec::len)
            });
        Ok(())
    }

    /// Takes a page's header and bytes.
    fn packed<'a>(&mut self, bytes: &'a [u8]) -> Result<Packed<'a>, String> {
        let broken = "its pages end too early or are broken; the file is broken";
        let rest = bytes.get(self.at..self.end).ok_or(broken)?;
        let (head, taken) = thrift::read(rest).ok_or(broken)?;
        let number = |id| head.int(id).and_then(|n| usize::try_from(n).ok());
        let (kind, size) = (head.int(1).ok_or(broken)?, number(2).ok_or(broken)?);
        let length = number(3).ok_or(broken)?;
        let inside = taken
            .checked_add(length)
            .and_then(|end| rest.get(taken..end))
            .ok_or(broken)?;
        self.at += taken + length;
        if let Some(sum) = head.int(4)
            && sum as u32 != crc32fast::hash(inside)
        {
            return Err("a page's checksum is wrong; the file is damaged".into());
        }
        Ok(Packed {
            kind,
            head,
            bytes: inside,
            size,
        })
    }

    /// A page of the first version: levels and values are compressed together.
    fn data_page(&self, packed: &Packed<'_>, field: &Field, codec: i64) -> Result<Page, String> {
        let broken = "a page's header is broken; the file is broken";
        let head = packed.head.inner(5).ok_or(broken)?;
        let rows = count_of(head.int(1), self.left)?;
        let plain = codec::decompress(codec, packed.bytes, packed.size)?;
        let mut rest = plain.as_slice();
        let mut present = None;
        if field.optional {
            if head.int(3) != Some(3) {
                return Err("marks nulls by an old encoding; write it with a newer program".into());
            }
            let (length, after) = rest.split_at_checked(4).ok_or(broken)?;
            let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
            let (levels, after) = after.split_at_checked(length).ok_or(broken)?;
            present = Some(levels_of(levels, rows)?);
            rest = after;
        }
        self.page(present, rows, head.int(2).ok_or(broken)?, rest, field)
    }

    /// A page of the second version: levels stand before what is compressed.
    fn data_page_2(&self, packed: &Packed<'_>, field: &Field, codec: i64) -> Result<Page, String> {
        let broken = "a page's header is broken; the file is broken";
        let head = packed.head.inner(8).ok_or(broken)?;
        let rows = count_of(head.int(1), self.left)?;
        let length = |id| head.int(id).and_then(|n| usize::try_from(n).ok());
        let (levels, repeats) = (length(5).ok_or(broken)?, length(6).ok_or(broken)?);
        let (bytes, size) = (packed.bytes, packed.size);
        let (levels, bytes) = bytes.split_at_checked(levels).ok_or(broken)?;
        let size = size
            .checked_sub(levels.len())
            .filter(|_| repeats == 0)
            .ok_or(broken)?;
        let codec = if head.bool(7) == Some(false) {
            0
        } else {
            codec
        };
        let plain = codec::decompress(codec, bytes, size)?;
        let present = match field.optional {
            true => Some(levels_of(levels, rows)?),
            false => None,
        };
        self.page(present, rows, head.int(4).ok_or(broken)?, &plain, field)
    }

    fn page(
        &self,
        present: Option<Vec<u32>>,
        rows: usize,
        encoding: i64,
        bytes: &[u8],
        field: &Field,
    ) -> Result<Page, String> {
        let count = present
            .as_ref()
            .map_or(rows, |p| p.iter().filter(|v| **v == 1).count());
        let values = match count {
            // A page of nulls may have no values at all.
            0 => Values::Ints(Vec::new()),
            _ => encoding::values(encoding, field.physical, bytes, count)?,
        };
        if let Values::Indices(indices) = &values {
            let known = self.dictionary.as_ref().map_or(0, Values::len);
            if indices.iter().any(|i| *i as usize >= known) {
                return Err(
                    "a page names a value that its dictionary lacks; the file is broken".into(),
                );
            }
        }
        Ok(Page {
            present,
            rows,
            row: 0,
            values,
            value: 0,
        })
    }
}

/// How many values a header says, of at most so many.
fn count_of(said: Option<i64>, most: u64) -> Result<usize, String> {
    let count = said
        .and_then(|n| u64::try_from(n).ok())
        .filter(|n| *n <= most);
    count
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| "a page says more values than there are; the file is broken".into())
}

/// Which rows have a value.
fn levels_of(bytes: &[u8], rows: usize) -> Result<Vec<u32>, String> {
    let levels = encoding::hybrid(bytes, 1, rows);
    levels.ok_or_else(|| "a page does not mark its nulls; the file is broken".into())
}

fn size_of_values(values: &Values) -> usize {
    match values {
        Values::Ints(v) => 8 * v.len(),
        Values::Bytes { bytes, ends } => bytes.len() + 8 * ends.len(),
        Values::Indices(v) => 4 * v.len(),
        Values::Floats(_) => 0,
    }
}

/// A value as a cell.
fn raw<'a>(field: &Field, values: &'a Values, index: usize) -> Raw<'a> {
    match values {
        Values::Ints(ints) => of_int(field, ints[index]),
        Values::Bytes { bytes, ends } => {
            let (start, end) = ends[index];
            of_bytes(field, &bytes[start as usize..end as usize])
        }
        Values::Floats(_) => Raw::Refused(
            "is a column of floats, which do not hold decimals exactly; cast it to a decimal, or to a text with all its digits, \
             and write the file again"
                .into(),
        ),
        Values::Indices(_) => Raw::Absent,
    }
}

fn of_int(field: &Field, value: i64) -> Raw<'static> {
    match field.meaning {
        _ if field.physical == Physical::Boolean => Raw::Bool(value == 1),
        Meaning::Plain | Meaning::Text => Raw::Whole(Cow::Owned(value.to_string())),
        Meaning::Unsigned => {
            let text = match field.physical {
                Physical::Int32 => (value as u32).to_string(),
                _ => (value as u64).to_string(),
            };
            Raw::Whole(Cow::Owned(text))
        }
        Meaning::Decimal(scale) => number(value.into(), scale),
        Meaning::Date => day(value),
        Meaning::Moment(units) => moment(value.div_euclid(units), value.rem_euclid(units)),
        Meaning::Other(what) => other(what),
    }
}

fn of_bytes<'a>(field: &Field, bytes: &'a [u8]) -> Raw<'a> {
    match (field.meaning, field.physical) {
        (Meaning::Decimal(_), _) if bytes.len() > 16 || bytes.is_empty() => {
            Raw::Refused("has more digits than can be kept exactly; cast the column to a decimal of at most 38 digits".into())
        }
        (Meaning::Decimal(scale), _) => {
            let sign = if bytes[0] >= 0x80 { -1 } else { 0 };
            number(bytes.iter().fold(sign, |n, b| n << 8 | i128::from(*b)), scale)
        }
        (Meaning::Other(what), _) => other(what),
        (_, Physical::Int96) => {
            let nanos = i64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
            let julian = i32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
            moment(i64::from(julian) - JULIAN_1970, nanos)
        }
        (Meaning::Plain, Physical::Fixed(_)) => other("of bytes"),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Raw::Text(Cow::Borrowed(text)),
            Err(_) => Raw::Refused("is not UTF-8 text; write the column as text".into()),
        },
    }
}

fn other(what: &str) -> Raw<'static> {
    Raw::Refused(format!("is {what} in this file, which no cell can be; cast the column to text, a number or a date").into())
}

/// A decimal, which is a whole number if it has no digits behind the point.
fn number(units: i128, scale: u8) -> Raw<'static> {
    let digits = format!(
        "{:0>width$}",
        units.unsigned_abs(),
        width = usize::from(scale) + 1
    );
    let sign = if units < 0 { "-" } else { "" };
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    match scale {
        0 => Raw::Whole(Cow::Owned(format!("{sign}{whole}"))),
        _ => Raw::Number(Cow::Owned(format!("{sign}{whole}.{fraction}"))),
    }
}

fn day(days: i64) -> Raw<'static> {
    let day = (0..=2_932_896).contains(&days).then(|| date::written(days));
    match day {
        Some(day) => Raw::Date(day),
        None => Raw::Refused("is a day before 1970 or after 9999; correct it".into()),
    }
}

/// A moment, which is a day if nothing is past midnight.
fn moment(days: i64, rest: i64) -> Raw<'static> {
    match rest {
        0 => day(days),
        _ => Raw::Refused(
            "is a moment within a day where a day is needed; cast the column to a date".into(),
        ),
    }
}
