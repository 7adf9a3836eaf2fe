//! Price histories: a CSV whose first column is the date (`2026-11-21`), and each other column a market's price.

use std::path::Path;

use fixed::Decimal;

use super::{At, Header, ImportError, csv_error, csv_reader};
use crate::history::{HistoryError, PriceHistory};

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
        let day = day(&record[0]).ok_or_else(|| {
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
        e => file.error(None, e.to_string()),
    })
}

/// Writes a price history.
///
/// # Errors
/// If the file cannot be written.
pub fn write_prices(path: &Path, history: &PriceHistory) -> std::io::Result<()> {
    let mut text = format!("date,{}\n", history.symbols().join(","));
    for (&day, prices) in history.days().iter().zip(history.prices()) {
        let (y, m, d) = civil(day);
        text += &format!("{y:04}-{m:02}-{d:02}");
        for price in prices {
            text += &format!(",{price}");
        }
        text.push('\n');
    }
    std::fs::write(path, text)
}

/// The days from 1970-01-01 to a date of the Gregorian calendar; years count from March, so that a leap day ends one.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let mut part = |length: usize| -> Option<i64> {
        let part = parts.next()?;
        let digits = part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok())?
    };
    let (y, m, d) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() || !(1970..=9999).contains(&y) || !(1..=12).contains(&m) {
        return None;
    }
    let (year, month) = if m > 2 { (y, m - 3) } else { (y - 1, m + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + d - 1;
    let days = days - 719_468;
    (civil(days) == (y, m, d)).then_some(days)
}

/// The date so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let d = day - (153 * month + 2) / 5 + 1;
    let (m, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, m, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1970-03-01", 59),
            ("2000-02-29", 11_016),
            ("2016-01-04", 16_804),
            ("2026-11-21", 20_778),
        ] {
            assert_eq!(day(text), Some(days), "{text}");
        }
        for text in [
            "2001-02-29",
            "1900-01-01",
            "2020-1-01",
            "2020-13-01",
            "2020-01-32",
            "+020-01-01",
            "",
            "2020-01-01-",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
        let mut last = (1969, 12, 31);
        for days in 0..100_000 {
            let (y, m, d) = civil(days);
            assert!((y, m, d) > last);
            assert_eq!(day(&format!("{y:04}-{m:02}-{d:02}")), Some(days));
            last = (y, m, d);
        }
    }
}
