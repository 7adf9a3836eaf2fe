//! Index prints: a table with a time, a symbol and its price from then on ([`record`]).

use std::collections::BTreeMap;
use std::path::Path;

use fixed::Decimal;
use records::date::{check_moment, moment, moment_of};
use records::files::ImportError;
use records::record::{Column, Kind, Record};
use records::table::{Row, Table};

use crate::funding::{MAX_PRINT, PRICE_DECIMALS, Print};

/// The prints of each symbol, in the order of time.
pub type Prints = BTreeMap<String, Vec<Print>>;

const TIME: usize = 0;
const SYMBOL: usize = 1;
const PRICE: usize = 2;

/// A print.
pub fn record() -> Record {
    let price = Kind::Decimal {
        decimals: Some(PRICE_DECIMALS),
        min: Some(Decimal::ZERO),
        max: None,
    };
    Record::new(
        "prints",
        "Prices behind funding and delivery prices, one record a print. The prints of a symbol stand in the order of time; each counts until \
         the next one.",
        vec![
            Column::new(
                "time",
                Kind::Text,
                "from when on; `2026-11-26T18:48:06Z`, with or without milliseconds, or milliseconds since 1970",
            )
            .unit("UTC"),
            Column::new("symbol", Kind::Text, "an index or an instrument"),
            Column::new("price", price, "its price, above zero").unit("quote currency"),
        ],
    )
}

/// Reads prints.
///
/// # Errors
/// Says what is wrong where.
pub fn read_prints(path: &Path) -> Result<Prints, ImportError> {
    let mut table = Table::of(path, record())?;
    let mut prints = Prints::new();
    while let Some(row) = table.next_row()? {
        let at_ms = time(&row)?;
        let symbol: String = row.need(SYMBOL)?;
        if !records::names::is_name(&symbol) {
            let problem = format!(
                "`{}` {}",
                records::text::shown(&symbol),
                records::names::NO_NAME
            );
            return Err(row.error(SYMBOL, problem));
        }
        let price: Decimal = row.need(PRICE)?;
        if price.is_zero() || price >= Decimal::from_int(MAX_PRINT) {
            let problem =
                format!("{price} is no price; it must be above zero and below {MAX_PRINT}");
            return Err(row.error(PRICE, problem));
        }
        let of = prints.entry(symbol).or_default();
        if let Some(last) = of.last().filter(|last| last.at_ms >= at_ms) {
            let problem = match last.at_ms == at_ms {
                true => format!(
                    "{} has a print of this symbol already; remove one",
                    moment(at_ms)
                ),
                false => format!(
                    "{} is before {} of this symbol's last print; sort the records by time, oldest first",
                    moment(at_ms),
                    moment(last.at_ms)
                ),
            };
            return Err(row.error(TIME, problem));
        }
        of.push(Print { at_ms, price });
    }
    Ok(prints)
}

fn time(row: &Row<'_>) -> Result<u64, ImportError> {
    let text = row.text(TIME)?.unwrap_or_default();
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parsed = match is_number {
        true => text.parse().ok(),
        false => moment_of(&text),
    };
    let Some(at_ms) = parsed else {
        let problem = format!(
            "'{}' is not a time; write it as 2026-11-26T18:48:06Z or in milliseconds since 1970",
            records::text::shown(&text)
        );
        return Err(row.error(TIME, problem));
    };
    check_moment(at_ms).map_err(|problem| row.error(TIME, problem))?;
    Ok(at_ms)
}
