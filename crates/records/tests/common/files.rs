//! Small files of our own making, in every format, and what is read from them.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use records::layout::Layout;
use records::record::{Column, Kind, Record, Value};
use records::table::Table;

/// A folder for a test's files.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// A record with a column of every kind.
pub fn record() -> Record {
    Record::new(
        "sample",
        "A record of tests.",
        vec![
            Column::new("id", Kind::Id, "an id"),
            Column::new("amount", Kind::amount(4), "an amount").may_be_empty(),
            Column::new(
                "count",
                Kind::Whole {
                    min: -1000,
                    max: 1000,
                },
                "a number",
            )
            .optional(),
            Column::new("day", Kind::Date, "a day").optional(),
            Column::new("kind", Kind::code(&["purchase", "cash-out"]), "a code").optional(),
            Column::new("told", Kind::yes_no(), "yes or no").optional(),
            Column::new("note", Kind::Text, "a text").optional(),
        ],
    )
}

/// What a cell holds, as a text.
fn word(value: Option<Value<'_>>, kind: &Kind) -> String {
    match (value, kind) {
        (None, _) => "-".into(),
        (Some(Value::Text(text)), _) => text.into_owned(),
        (Some(Value::Code(code)), Kind::Code(words)) => words[code.0].clone(),
        (Some(Value::Whole(n)), _) => n.to_string(),
        (Some(Value::Decimal(n)), _) => n.normalized().to_string(),
        (Some(Value::Days(days)), _) => records::date::written(days.0),
        (Some(other), _) => panic!("{other:?}"),
    }
}

/// All cells of a file of a record, or the error without the folder.
pub fn read_as(
    path: &Path,
    record: &Record,
    layout: Option<&Layout>,
) -> Result<Vec<Vec<String>>, String> {
    let read = || {
        let mut table = Table::open(path, layout, |_, _| Ok(record.clone()))?;
        let mut rows = Vec::new();
        while let Some(row) = table.next_row()? {
            let cells = record.columns.iter().enumerate();
            let cells = cells.map(|(i, column)| Ok(word(row.value(i)?, &column.kind)));
            rows.push(cells.collect::<Result<Vec<_>, records::files::ImportError>>()?);
        }
        Ok(rows)
    };
    read().map_err(|e: records::files::ImportError| {
        let folder = path.parent().unwrap().display().to_string();
        e.to_string().replace(&format!("{folder}/"), "")
    })
}

/// All cells of a file of [`record`].
pub fn read(path: &Path) -> Result<Vec<Vec<String>>, String> {
    read_as(path, &record(), None)
}

/// A layout from its JSON.
pub fn layout(json: &str) -> Layout {
    records::json::read(json.as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

/// The first two cells of each row, which most tests are about.
pub fn pairs(rows: Result<Vec<Vec<String>>, String>) -> Result<Vec<(String, String)>, String> {
    Ok(rows?
        .into_iter()
        .map(|r| (r[0].clone(), r[1].clone()))
        .collect())
}

/// A refusal, which must say all of this.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, String>, says: &str) {
    let told = result.expect_err("it must be refused");
    assert!(told.contains(says), "{told}\nlacks\n{says}");
}

/// A Parquet column's values.
#[derive(Clone, Debug)]
pub enum Cells {
    Text(Vec<Option<String>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Int96(Vec<Option<[u32; 3]>>),
    Bool(Vec<Option<bool>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    /// Bytes of any length.
    Bytes(Vec<Option<Vec<u8>>>),
    /// Bytes of one length.
    Fixed(Vec<Option<Vec<u8>>>),
}

/// Texts, all there.
pub fn texts(values: &[&str]) -> Cells {
    Cells::Text(values.iter().map(|v| Some((*v).to_string())).collect())
}

/// Compressions by name; `lzo` cannot be written.
pub const COMPRESSIONS: [&str; 7] = ["none", "snappy", "gzip", "brotli", "lz4", "lz4_raw", "zstd"];

pub fn compression(name: &str) -> Compression {
    match name {
        "snappy" => Compression::SNAPPY,
        "gzip" => Compression::GZIP(GzipLevel::default()),
        "brotli" => Compression::BROTLI(BrotliLevel::default()),
        "lz4" => Compression::LZ4,
        "lz4_raw" => Compression::LZ4_RAW,
        "zstd" => Compression::ZSTD(ZstdLevel::default()),
        _ => Compression::UNCOMPRESSED,
    }
}

fn present<T: Clone>(values: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    let levels = values.iter().map(|v| i16::from(v.is_some())).collect();
    (values.iter().flatten().cloned().collect(), levels)
}

/// Writes a Parquet file by another writer than ours: a field of the schema and its values for each column, in row groups of so
/// many rows.
pub fn parquet(path: &Path, fields: &[(&str, Cells)], properties: WriterProperties) {
    let schema: String = fields.iter().map(|(f, _)| format!("{f};")).collect();
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (field, cells) in fields {
        let mut column = group.next_column().unwrap().unwrap();
        let optional = field.trim_start().to_uppercase().starts_with("OPTIONAL");
        macro_rules! write {
            ($kind:ty, $values:expr) => {{
                let (values, levels) = present(&$values);
                let levels = optional.then_some(levels.as_slice());
                column
                    .typed::<$kind>()
                    .write_batch(&values, levels, None)
                    .unwrap();
            }};
        }
        let bytes = |values: &[Option<Vec<u8>>]| -> Vec<Option<ByteArray>> {
            values
                .iter()
                .map(|v| v.clone().map(ByteArray::from))
                .collect()
        };
        match cells {
            Cells::Text(v) => {
                let v: Vec<_> = v
                    .iter()
                    .map(|t| t.clone().map(String::into_bytes))
                    .collect();
                write!(ByteArrayType, bytes(&v));
            }
            Cells::Bytes(v) => write!(ByteArrayType, bytes(v)),
            Cells::Int32(v) => write!(Int32Type, v),
            Cells::Int64(v) => write!(Int64Type, v),
            Cells::Bool(v) => write!(BoolType, v),
            Cells::Float(v) => write!(FloatType, v),
            Cells::Double(v) => write!(DoubleType, v),
            Cells::Int96(v) => {
                let v: Vec<_> = v
                    .iter()
                    .map(|t| t.map(|t| Int96::from(t.to_vec())))
                    .collect();
                write!(Int96Type, v);
            }
            Cells::Fixed(v) => {
                let v: Vec<_> = v
                    .iter()
                    .map(|t| t.clone().map(FixedLenByteArray::from))
                    .collect();
                write!(FixedLenByteArrayType, v);
            }
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

/// Properties with a compression.
pub fn compressed(name: &str) -> WriterProperties {
    WriterProperties::builder()
        .set_compression(compression(name))
        .build()
}
