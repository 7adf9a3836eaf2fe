//! Price histories: a CSV whose first column is the date (`2026-11-21`), and each other column a market's price.

use std::path::Path;

use fixed::Decimal;

use crate::history::{HistoryError, PriceHistory};
use records::date::{days_of, written};
use records::files::{At, Header, ImportError, csv_error, csv_reader};

/// Reads a price history.
///
/// # Errors
/// Says what is wrong where.
pub fn read_prices(path: &Path) -> Result<PriceHistory, ImportError> {
    let file = At::file(path);
    let mut reader = csv_reader(path)?;
    let header = Header::new(reader.headers().map_err(|e| csv_error(&file, &e))?);
    let symbols = header.names().iter().skip(1).cloned().collect::<Vec<_>>();
    let (mut days, mut prices, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(&file, &e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let at = file.line(line);
        let day = days_of(&record[0]).ok_or_else(|| {
            let problem = format!("'{}' is not a date; write it as 2026-11-21", &record[0]);
            at.error(header.names().first().map(String::as_str), problem)
        })?;
        let numbers = record.iter().skip(1).zip(&symbols);
        let numbers = numbers.map(|(text, symbol)| at.number(symbol, text));
        days.push(day);
        prices.push(numbers.collect::<Result<Vec<Decimal>, _>>()?);
        lines.push(line);
    }
    PriceHistory::new(symbols, days, prices).map_err(|e| match &e {
        HistoryError::Shape(t) => file.line(lines[*t]).error(
            header.names().first().map(String::as_str),
            "is not later than the line before; sort the lines by date",
        ),
        HistoryError::Price {
            symbol,
            observation,
        } => file.line(lines[*observation]).error(
            Some(symbol),
            "is not positive, or more than 64 times off the line before; correct it or adjust for splits",
        ),
        HistoryError::Day(t) => file.line(lines[*t]).error(
            header.names().first().map(String::as_str),
            "is not between 1970-01-01 and 2099-12-31; correct it",
        ),
        HistoryError::Name(_) | HistoryError::Duplicate(_) | HistoryError::Markets(_) => {
            file.line(1).error(None, format!("{e}; correct the header"))
        }
        e @ HistoryError::Observations(_) => file.error(None, e.to_string()),
    })
}

/// Writes a price history.
///
/// # Errors
/// If the file cannot be written.
pub fn write_prices(path: &Path, history: &PriceHistory) -> std::io::Result<()> {
    let mut text = format!("date,{}\n", history.symbols().join(","));
    for (&day, prices) in history.days().iter().zip(history.prices()) {
        text += &written(day);
        for price in prices {
            text += &format!(",{price}");
        }
        text.push('\n');
    }
    std::fs::write(path, text)
}
