//! Tables in CSV, Parquet and JSON, row by row: one definition of a record type reads them all.
//!
//! ```no_run
//! # use records::{record::{Column, Kind, Record}, table::Table, files::ImportError};
//! # fn read(path: &std::path::Path) -> Result<(), ImportError> {
//! let record = Record::new("payment", "What came in.", vec![
//!     Column::new("id", Kind::Id, "the loan"),
//!     Column::new("amount", Kind::amount(2), "what came in").may_be_empty(),
//! ]);
//! let mut table = Table::of(path, record)?;        // `Table::open` takes a layout, and records that follow from the header
//! while let Some(row) = table.next_row()? {
//!     let id: String = row.need(0)?;
//!     let amount: Option<fixed::Decimal> = row.get(1)?;
//! #   drop((id, amount));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The format follows from the name: `.csv`, `.tsv`, `.txt` and no extension are text with delimiters, `.parquet`, `.json` (a list of objects, or
//! lines of objects) and `.jsonl` or `.ndjson`. XML is refused. What a cell may hold is said by [`crate::text`] and [`crate::record::Kind`];
//! a [`Layout`] says how files of another make are read.

mod cell;
mod csv;
mod json;
mod parquet;
mod plan;

use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;

use crate::files::{At, ImportError, Place, plain_units};
use crate::layout::Layout;
use crate::record::{Presence, Record, Value};
pub use cell::Raw;
use plan::Plan;

/// A table that is being read.
pub struct Table {
    file: At,
    record: Record,
    plans: Vec<Plan>,
    header: Vec<String>,
    source: Source,
    decimal_comma: bool,
}

/// The format of a table, which follows from its file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text with delimiters: `.csv`, `.tsv`, `.txt` and no extension.
    Text,
    /// A list of objects, or lines of objects: `.json`, `.jsonl`, `.ndjson`.
    Json,
    /// `.parquet`.
    Parquet,
}

impl Format {
    /// The format of a file of this name; `None` if it is no table's.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        match extension.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" | "" => Some(Self::Text),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// A file by its format.
enum Source {
    Csv(csv::Csv),
    Json(json::Json),
    Parquet(Box<parquet::Parquet>),
}

/// A record of a table.
#[derive(Clone, Copy)]
pub struct Row<'t> {
    table: &'t Table,
}

/// The record of a file by the names of its header.
type ByHeader<'a> = dyn Fn(&At, &[String]) -> Result<Record, ImportError> + 'a;

impl Table {
    /// Opens a file of a record type.
    ///
    /// # Errors
    /// If it cannot be read, or its columns are not those of the record.
    pub fn of(path: &Path, record: Record) -> Result<Self, ImportError> {
        Self::open(path, None, |_, _| Ok(record.clone()))
    }

    /// Opens a file, in a layout or in our own. `record` gets the names of the header, those of the first object in JSON, and none
    /// where a layout says that there is no header; it may be asked more than once.
    ///
    /// # Errors
    /// If it cannot be read, or its columns are not those of the record or of the layout.
    pub fn open(
        path: &Path,
        layout: Option<&Layout>,
        record: impl Fn(&At, &[String]) -> Result<Record, ImportError>,
    ) -> Result<Self, ImportError> {
        let file = At::file(path);
        if is_markup(path) {
            return Err(file.error(None, markup(layout, &record(&file, &[])?)));
        }
        match Format::of(path) {
            Some(Format::Text) => Self::open_csv(path, file, layout, &record),
            Some(Format::Json) => {
                let mut source = json::Json::open(path, &file)?;
                let header = source.header().to_vec();
                let record = record(&file, &header)?;
                let mut plans =
                    plan::plans(&file, &record, &header, layout, plan::Missing::Allowed)?;
                for plan in &mut plans {
                    plan.place = plan.wanted().map(|name| source.place_of(name));
                }
                Ok(Self::new(
                    file,
                    record,
                    plans,
                    header,
                    Source::Json(source),
                    layout,
                ))
            }
            Some(Format::Parquet) => {
                let mut source = parquet::Parquet::open(path, &file)?;
                let header = source.header().to_vec();
                let record = record(&file, &header)?;
                let plans = plan::plans(&file, &record, &header, layout, plan::Missing::Refused)?;
                for place in plans.iter().filter_map(|p| p.place) {
                    source.want(place);
                }
                let source = Source::Parquet(Box::new(source));
                Ok(Self::new(file, record, plans, header, source, layout))
            }
            None => Err(file.error(None, "a table is a .csv, .parquet or .json file; rename it")),
        }
    }

    fn open_csv(
        path: &Path,
        file: At,
        layout: Option<&Layout>,
        record: &ByHeader<'_>,
    ) -> Result<Self, ImportError> {
        let mut source = csv::Csv::open(path, &file)?;
        let has_header = layout.is_none_or(|l| l.header);
        let first = source.first_line(&file)?;
        let at = file.line(first.line);
        let fits = |header: &[String]| -> Result<(Record, Vec<Plan>), ImportError> {
            let names: &[String] = if has_header { header } else { &[] };
            let record = record(&at, names)?;
            let missing = match has_header {
                true => plan::Missing::Refused,
                false => plan::Missing::Positional(header.len()),
            };
            let plans = plan::plans(&at, &record, names, layout, missing)?;
            Ok((record, plans))
        };
        let delimiter = first.delimiter(&at, layout, |header| fits(header).is_ok())?;
        let header = source.start(&file, delimiter, has_header)?;
        if let Some(count) = layout.and_then(|l| l.count).filter(|c| *c != header.len()) {
            let problem = format!(
                "has {} columns where the layout has {count}; correct the layout, or give its delimiter",
                header.len()
            );
            return Err(at.error(None, problem));
        }
        let (record, plans) = fits(&header)?;
        let header = if has_header { header } else { Vec::new() };
        Ok(Self::new(
            file,
            record,
            plans,
            header,
            Source::Csv(source),
            layout,
        ))
    }

    fn new(
        file: At,
        record: Record,
        plans: Vec<Plan>,
        header: Vec<String>,
        source: Source,
        layout: Option<&Layout>,
    ) -> Self {
        Self {
            file,
            record,
            plans,
            header,
            source,
            decimal_comma: layout.is_some_and(|l| l.decimal_comma),
        }
    }

    /// The next record.
    ///
    /// # Errors
    /// If the file is broken here.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ImportError> {
        let more = match &mut self.source {
            Source::Csv(csv) => csv.advance(&self.file)?,
            Source::Json(json) => json.advance(&self.file)?,
            Source::Parquet(parquet) => parquet.advance(&self.file)?,
        };
        Ok(more.then_some(Row { table: self }))
    }

    /// The names of the header, those of the first object in JSON.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The name of a column as the file has it.
    pub fn name(&self, column: usize) -> &str {
        &self.plans[column].name
    }

    /// The file as a place of errors.
    pub fn file(&self) -> &At {
        &self.file
    }

    /// Whether a column of the record stands in the file, or may stand in a JSON object.
    pub fn has(&self, column: usize) -> bool {
        self.plans[column].place.is_some() || self.plans[column].source.value.is_some()
    }

    fn place(&self) -> Place {
        match &self.source {
            Source::Csv(csv) => Place::Line(csv.first_line_of_record()),
            Source::Json(json) => json.place(),
            Source::Parquet(parquet) => Place::Row(parquet.row()),
        }
    }
}

/// Whether a file is XML, by its name or its first bytes: a filing, most often.
fn is_markup(path: &Path) -> bool {
    let named = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("xml"));
    let starts = || -> std::io::Result<bool> {
        let mut start = Vec::new();
        std::io::Read::take(std::fs::File::open(path)?, 64).read_to_end(&mut start)?;
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
        let start = start.trim_ascii_start();
        Ok(start.starts_with(b"<?xml") || start.starts_with(b"<!"))
    };
    named || (path.is_file() && starts().unwrap_or(false))
}

/// What to do with an XML file.
fn markup(layout: Option<&Layout>, record: &Record) -> String {
    let needed = record.columns.iter().filter(|column| {
        let source = layout.and_then(|l| l.columns.get(&column.name));
        match (layout, source) {
            (None, _) => column.presence != Presence::Optional,
            (Some(_), source) => source.is_some_and(|s| s.column.is_some()),
        }
    });
    let name = |column: &crate::record::Column| {
        let source = layout.and_then(|l| l.columns.get(&column.name));
        let named = source.and_then(|s| s.column.clone());
        format!("`{}`", named.unwrap_or_else(|| column.name.clone()))
    };
    let mut names: Vec<String> = needed.map(name).collect();
    // One column may give two fields.
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    format!(
        "is XML, which is not read; extract it to CSV, a line a record, with the columns {}",
        names.join(", ")
    )
}

impl<'t> Row<'t> {
    /// Where it stands.
    pub fn at(&self) -> At {
        self.table.file.place(self.table.place())
    }

    /// The line, the row or the number of the item, which says where it stands without a text of its own.
    pub fn place(&self) -> Place {
        self.table.place()
    }

    /// The name of a column as the file has it.
    pub fn name(&self, column: usize) -> &'t str {
        &self.table.plans[column].name
    }

    /// An error in a column of this record.
    pub fn error(&self, column: usize, problem: impl Into<String>) -> ImportError {
        self.at().error(Some(self.name(column)), problem)
    }

    /// A cell as it stands.
    fn raw(&self, column: usize) -> Raw<'t> {
        let plan = &self.table.plans[column];
        match (plan.place, &plan.source.value) {
            (Some(place), _) => match &self.table.source {
                Source::Csv(csv) => csv.cell(place),
                Source::Json(json) => json.cell(place),
                Source::Parquet(parquet) => parquet.cell(place),
            },
            (None, Some(value)) => Raw::Text(Cow::Borrowed(value)),
            (None, None) => Raw::Absent,
        }
    }

    /// The text of a cell in our own form: trimmed, and as the layout translates it; `None` if it is absent. What the column's kind
    /// demands of it is not checked; [`Row::get`] does.
    ///
    /// # Errors
    /// If it is absent where the record needs it, or its type in the file is not one that the column can have.
    pub fn text(&self, column: usize) -> Result<Option<Cow<'t, str>>, ImportError> {
        let plan = &self.table.plans[column];
        let of = &self.table.record.columns[column];
        let text = cell::text(
            self.raw(column),
            &of.kind,
            &plan.source,
            self.table.decimal_comma,
        )
        .map_err(|problem| self.error(column, problem))?;
        if text.is_none() && of.presence == Presence::Required {
            return Err(self.error(column, "is empty; it is needed in every record"));
        }
        Ok(text)
    }

    /// What a cell holds, checked; `None` if it is absent.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn value(&self, column: usize) -> Result<Option<Value<'t>>, ImportError> {
        let Some(text) = self.text(column)? else {
            return Ok(None);
        };
        let value = self.table.record.columns[column].kind.read(text);
        value
            .map(Some)
            .map_err(|problem| self.error(column, problem))
    }

    /// What a cell holds, as a `String` (ids, texts), a [`crate::record::Code`], an `i128` (whole numbers), a
    /// [`fixed::Decimal`] or [`crate::record::Days`]; `None` if it is absent.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn get<T: From<Value<'t>>>(&self, column: usize) -> Result<Option<T>, ImportError> {
        Ok(self.value(column)?.map(T::from))
    }

    /// What a cell holds, which must not be absent.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn need<T: From<Value<'t>>>(&self, column: usize) -> Result<T, ImportError> {
        let empty = || self.error(column, "is empty; give a value");
        self.get(column)?.ok_or_else(empty)
    }

    /// An amount that must not be negative and must fit its asset's decimals ([`At::amount`]); zero if it is absent.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn amount(&self, column: usize, decimals: u8) -> Result<u64, ImportError> {
        let text = self.text(column)?.unwrap_or(Cow::Borrowed(""));
        match plain_units(&text, decimals) {
            Some(units) => Ok(units),
            None => self.at().amount(self.name(column), &text, decimals),
        }
    }
}
