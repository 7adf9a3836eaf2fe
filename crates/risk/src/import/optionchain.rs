//! A venue's option chain: one line per option, marked in coin.
//!
//! Columns read: `instrument_name, option_type, strike, expiration_timestamp, timestamp,
//! underlying_price` (forward), `index_price, mark_iv` (percent), `mark_price` (coin). The snapshot's
//! time is the latest timestamp, its coin price the index price of that line.

use std::path::Path;

use fixed::Decimal;

use super::{At, Header, ImportError, csv_error, csv_reader};
use crate::snapshot::{Asset, Haircuts, Instrument, Kind, OptionType, Settlement, Snapshot, Tier};

/// Reads a chain as a snapshot with the coin as its asset and the options as inverse instruments of
/// one coin, in lots of `lot`. The coin counts as collateral in full up to 10^9 of the quote.
///
/// # Errors
/// Says what is wrong where.
pub fn read(path: &Path, coin: &str, lot: Decimal) -> Result<Snapshot, ImportError> {
    let file = At::file(path);
    let mut reader = csv_reader(path)?;
    let header = Header::new(reader.headers().map_err(|e| csv_error(&file, &e))?);
    let names = [
        "instrument_name",
        "option_type",
        "strike",
        "expiration_timestamp",
        "timestamp",
        "underlying_price",
        "index_price",
        "mark_iv",
        "mark_price",
    ];
    let mut columns = [0; 9];
    for (column, name) in columns.iter_mut().zip(names) {
        *column = header.column(&file, name)?;
    }
    let mut instruments = Vec::new();
    let (mut as_of_ms, mut index) = (0u64, Decimal::ZERO);
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(&file, &e))?;
        let at = file.line(record.position().map_or(0, csv::Position::line));
        let text = |i: usize| &record[columns[i]];
        let number = |i: usize| at.number(names[i], text(i));
        let moment = |i: usize| {
            text(i).parse::<u64>().map_err(|_| {
                at.error(
                    Some(names[i]),
                    format!("'{}' is not a time in milliseconds", text(i)),
                )
            })
        };
        let option_type = match text(1) {
            "call" => OptionType::Call,
            "put" => OptionType::Put,
            other => {
                return Err(at.error(Some(names[1]), format!("'{other}' is neither call nor put")));
            }
        };
        let percent = number(7)?;
        let implied_volatility = percent
            .checked_mul(&Decimal::new(1, 2))
            .map_err(|e| at.error(Some(names[7]), e.to_string()))?;
        let timestamp = moment(4)?;
        if timestamp >= as_of_ms {
            (as_of_ms, index) = (timestamp, number(6)?);
        }
        instruments.push(Instrument {
            symbol: text(0).to_string(),
            kind: Kind::Option {
                option_type,
                strike: number(2)?,
                expiry_ms: moment(3)?,
                implied_volatility,
            },
            settlement: Settlement::Inverse(coin.to_string()),
            mark: number(8)?,
            forward: Some(number(5)?),
            lot,
            contract_size: Decimal::ONE,
        });
    }
    let full = vec![Tier {
        up_to: Decimal::from_int(1_000_000_000),
        percent: Decimal::from_int(100),
    }];
    let snapshot = Snapshot {
        as_of_ms,
        source: crate::snapshot::unstated(),
        quote: "USD".into(),
        assets: vec![Asset {
            symbol: coin.to_string(),
            price: index,
            decimals: 8,
            haircuts: Haircuts {
                loan: full.clone(),
                margin: full.clone(),
                portfolio: full,
            },
        }],
        instruments,
        grid: Default::default(),
        parameters: Default::default(),
    };
    snapshot
        .validate()
        .map_err(|e| file.error(Some(&e.field), e.problem))?;
    Ok(snapshot)
}
