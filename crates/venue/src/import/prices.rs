//! Price histories: a table with a column of dates, and each other column a market's price ([`record`]).

use std::path::Path;

use fixed::Decimal;

use crate::history::{HistoryError, MAX_RATIO, PriceHistory};
use records::date::written;
use records::files::{At, ImportError, Place};
use records::record::{Column, Days, Kind, Record};
use records::table::{Format, Table};

/// The column of dates.
const DATE: &str = "date";

/// A day's prices: the columns follow from the header.
pub fn record(date: &str, markets: &[String]) -> Record {
    let mut columns = vec![Column::new(
        date,
        Kind::Date,
        "the day; later than the one before",
    )];
    let price = |name: &String| {
        Column::new(
            name,
            Kind::number(),
            "the price of the market that the header names",
        )
        .unit("quote currency")
    };
    columns.extend(markets.iter().map(price));
    Record::new(
        "prices",
        "A history of prices, one record a day. The column `date` has the dates; a CSV or a Parquet file without one has them in \
         its first column, whatever its name. Each other column is a market.",
        columns,
    )
}

/// The column of dates, and the others in their order: by its name, however it is written; else the first one. The members of a JSON
/// object have no order, so that there is no first one.
fn split(file: &At, header: &[String], format: Option<Format>) -> Result<Vec<String>, ImportError> {
    let named = header.iter().position(|n| n.eq_ignore_ascii_case(DATE));
    if named.is_none() && format == Some(Format::Json) && !header.is_empty() {
        let problem = "is no member of the first object; write the day of each object as its `date`, such as \"date\": \"2026-11-21\"";
        return Err(file.error(Some(DATE), problem));
    }
    let mut names = header.to_vec();
    let date = match names.is_empty() {
        true => DATE.to_string(),
        false => names.remove(named.unwrap_or(0)),
    };
    records::text::check_text(&date)
        .map_err(|e| file.error(None, format!("the name of the first column: {e}")))?;
    names.insert(0, date);
    Ok(names)
}

/// Reads a price history.
///
/// # Errors
/// Says what is wrong where.
pub fn read_prices(path: &Path) -> Result<PriceHistory, ImportError> {
    let format = Format::of(path);
    let mut table = Table::open(path, None, |at, header| {
        let names = split(at, header, format)?;
        Ok(record(&names[0], &names[1..]))
    })?;
    let file = table.file().clone();
    let names = split(&file, table.header(), format)?;
    let symbols = names[1..].to_vec();
    let (mut days, mut prices) = (Vec::new(), Vec::new());
    let (mut cells, mut places) = (Vec::new(), Vec::new());
    while let Some(row) = table.next_row()? {
        let day: Days = row.need(0)?;
        let numbers = (1..names.len()).map(|column| row.need(column));
        days.push(day.0);
        prices.push(numbers.collect::<Result<Vec<Decimal>, _>>()?);
        let texts =
            (0..names.len()).map(|column| Ok(row.text(column)?.unwrap_or_default().into_owned()));
        cells.push(texts.collect::<Result<Vec<String>, ImportError>>()?);
        places.push(row.place());
    }
    let texts = Texts {
        file: &file,
        header: &names,
        cells: &cells,
        places: &places,
    };
    PriceHistory::new(symbols, days, prices).map_err(|e| texts.refused(&e))
}

/// A history as its file writes it.
struct Texts<'a> {
    file: &'a At,
    /// The column of dates first.
    header: &'a [String],
    /// The cells of each observation, the date first.
    cells: &'a [Vec<String>],
    places: &'a [Place],
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
                        self.places[*t - 1].number()
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
                let cell = |t: usize| {
                    column
                        .and_then(|c| self.cells[t].get(c))
                        .map_or("", String::as_str)
                };
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
        self.file.place(self.places[observation].clone())
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
