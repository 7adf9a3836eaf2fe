//! Tables in CSV or Parquet, row by row, as text.

use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field as Value;

use crate::files::{At, Header, ImportError, csv_error, csv_reader};

/// Reads a table: `.csv`, or `.parquet` with columns of text. `header` gets the column names first, `row` then each row's
/// cells in their order, where a Parquet null is empty.
pub fn read_table<C>(
    path: &Path,
    header: impl FnOnce(&At, &Header) -> Result<C, ImportError>,
    mut row: impl FnMut(&C, &At, &[&str]) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let file = At::file(path);
    match path.extension().and_then(|e| e.to_str()) {
        Some("csv") => {
            let mut reader = csv_reader(path)?;
            let names = Header::new(reader.headers().map_err(|e| csv_error(&file, &e))?);
            let columns = header(&file, &names)?;
            for record in reader.records() {
                let record = record.map_err(|e| csv_error(&file, &e))?;
                let at = file.line(record.position().map_or(0, csv::Position::line));
                row(&columns, &at, &record.iter().collect::<Vec<_>>())?;
            }
            Ok(())
        }
        Some("parquet") => {
            let broken = |e: &dyn std::fmt::Display| {
                file.error(None, format!("is not a Parquet file that can be read: {e}"))
            };
            let handle = std::fs::File::open(path)
                .map_err(|e| file.error(None, format!("cannot be read: {e}; check the path")))?;
            let reader = SerializedFileReader::new(handle).map_err(|e| broken(&e))?;
            let schema = reader.metadata().file_metadata().schema().clone();
            let names: csv::StringRecord = schema.get_fields().iter().map(|f| f.name()).collect();
            let columns = header(&file, &Header::new(&names))?;
            let rows = reader.get_row_iter(None).map_err(|e| broken(&e))?;
            for (number, record) in rows.enumerate() {
                let record = record.map_err(|e| broken(&e))?;
                let at = file.row(number as u64 + 1);
                let mut texts = Vec::with_capacity(names.len());
                for (name, value) in record.get_column_iter() {
                    texts.push(match value {
                        Value::Str(text) => text.as_str(),
                        Value::Null => "",
                        _ => {
                            let problem = "must be a text (UTF-8) column, so that no digit is lost";
                            return Err(at.error(Some(name), problem));
                        }
                    });
                }
                row(&columns, &at, &texts)?;
            }
            Ok(())
        }
        _ => Err(file.error(None, "a table is a .csv or .parquet file; rename it")),
    }
}
