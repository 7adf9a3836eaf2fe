//! Price histories: a CSV whose first column is the date (`2026-11-21`), and each other column a market's price.

use std::path::Path;

use fixed::Decimal;

use crate::history::{HistoryError, MAX_RATIO, PriceHistory};
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
    let (mut days, mut prices) = (Vec::new(), Vec::new());
    let (mut cells, mut lines) = (Vec::new(), Vec::new());
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
        cells.push(record);
    }
    let texts = Texts {
        file: &file,
        header: header.names(),
        cells: &cells,
        lines: &lines,
    };
    PriceHistory::new(symbols, days, prices).map_err(|e| texts.refused(&e))
}

/// A history as its file writes it.
struct Texts<'a> {
    file: &'a At,
    header: &'a [String],
    /// The cells of each observation, the date first.
    cells: &'a [csv::StringRecord],
    lines: &'a [u64],
}

impl Texts<'_> {
    /// What is wrong, where it stands.
    fn refused(&self, e: &HistoryError) -> ImportError {
        let date = self.header.first().map(String::as_str);
        match e {
            HistoryError::Shape(t) => {
                let (now, before) = (&self.cells[*t][0], &self.cells[*t - 1][0]);
                let problem = match now == before {
                    true => format!(
                        "'{now}' stands twice, first on line {}; remove one of the lines",
                        self.lines[*t - 1]
                    ),
                    false => format!(
                        "'{now}' is before '{before}' of the line before; sort the lines by date, oldest first"
                    ),
                };
                self.at(*t).error(date, problem)
            }
            HistoryError::Price {
                symbol,
                observation: t,
            } => {
                let column = self.header.iter().position(|name| name == symbol);
                let cell = |t: usize| column.and_then(|c| self.cells[t].get(c)).unwrap_or("");
                let now = cell(*t);
                let positive = |text: &str| text.parse().is_ok_and(|p: Decimal| p > Decimal::ZERO);
                let problem = match t.checked_sub(1).map(cell) {
                    _ if !positive(now) => {
                        format!("'{now}' is not above zero; correct it, or remove the line")
                    }
                    None => format!(
                        "'{now}' is too small for a price; quote a thousand or a million units instead"
                    ),
                    Some(before) => format!(
                        "'{now}' is more than {MAX_RATIO} times off '{before}' of the line before; correct it, bring all lines to one \
                         unit, or adjust for splits"
                    ),
                };
                self.at(*t).error(Some(symbol), problem)
            }
            HistoryError::Day(t) => {
                let problem = format!(
                    "'{}' is not between 1970-01-01 and 2099-12-31; correct it",
                    &self.cells[*t][0]
                );
                self.at(*t).error(date, problem)
            }
            HistoryError::Name(_) | HistoryError::Duplicate(_) | HistoryError::Markets(_) => {
                (self.file.line(1)).error(None, format!("{e}; correct the header"))
            }
            HistoryError::Observations(_) => {
                (self.file).error(None, format!("{e}; give more lines, or fewer"))
            }
        }
    }

    fn at(&self, observation: usize) -> At {
        self.file.line(self.lines[observation])
    }
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
