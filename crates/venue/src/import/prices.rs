//! Price histories: a table whose first column is the date, and each other column a market's price ([`record`]).

use std::path::Path;

use fixed::Decimal;

use crate::history::{HistoryError, PriceHistory};
use records::date::written;
use records::files::{ImportError, Place};
use records::record::{Column, Days, Kind, Record};
use records::table::Table;

/// A day's prices: the columns follow from the header.
pub fn record(header: &[String]) -> Record {
    let mut names = header.iter();
    let date = names.next().map_or("date", String::as_str);
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
    columns.extend(names.map(price));
    Record::new(
        "prices",
        "A history of prices, one record a day. The first column is the date, whatever its name; each other is a market.",
        columns,
    )
}

/// Reads a price history.
///
/// # Errors
/// Says what is wrong where.
pub fn read_prices(path: &Path) -> Result<PriceHistory, ImportError> {
    let mut table = Table::open(path, None, |_, header| Ok(record(header)))?;
    let file = table.file().clone();
    let names = table.header().to_vec();
    let symbols = names.iter().skip(1).cloned().collect::<Vec<_>>();
    let (mut days, mut prices) = (Vec::new(), Vec::new());
    let mut places: Vec<Place> = Vec::new();
    while let Some(row) = table.next_row()? {
        let day: Days = row.need(0)?;
        let numbers = (1..names.len()).map(|column| row.need(column));
        days.push(day.0);
        prices.push(numbers.collect::<Result<Vec<Decimal>, _>>()?);
        places.push(row.place());
    }
    let date = names.first().map(String::as_str);
    PriceHistory::new(symbols, days, prices).map_err(|e| match &e {
        HistoryError::Shape(t) => file.place(places[*t].clone()).error(
            date,
            "is not later than the line before; sort the lines by date",
        ),
        HistoryError::Price {
            symbol,
            observation,
        } => file.place(places[*observation].clone()).error(
            Some(symbol),
            "is not positive, or more than 64 times off the line before; correct it or adjust for splits",
        ),
        HistoryError::Day(t) => file.place(places[*t].clone()).error(
            date,
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
