//! A venue's option chain: one line per option, marked in coin.
//!
//! Columns read: `instrument_name, option_type, strike, expiration_timestamp, timestamp,
//! underlying_price` (forward), `index_price, mark_iv` (percent), `mark_price` (coin), and, where it is there, `mark_reason`
//! (why a mark is far from its model price). The snapshot's time is the latest timestamp, its coin price the index price of
//! that line. The file does not say where prices come from, so its source is unstated until someone states it. A line whose
//! option has expired by the snapshot's time is refused: someone else's clock is wrong, or the file is of two moments.

use std::path::Path;

use fixed::Decimal;

use crate::snapshot::{
    Asset, Haircuts, Instrument, Kind, OptionType, Settlement, Snapshot, SnapshotError, Tier,
};
use records::date::moment;
use records::files::{At, Header, ImportError, csv_error, csv_reader};

/// The columns, and the snapshot's fields that are read from them.
const COLUMNS: [(&str, &str); 9] = [
    ("instrument_name", "symbol"),
    ("option_type", "option_type"),
    ("strike", "strike"),
    ("expiration_timestamp", "expiry_ms"),
    ("timestamp", "as_of_ms"),
    ("underlying_price", "forward"),
    ("index_price", "price"),
    ("mark_iv", "implied_volatility"),
    ("mark_price", "mark"),
];
const REASON: &str = "mark_reason";

/// Reads a chain as a snapshot with the coin as its asset and the options as inverse instruments of
/// one coin, in lots of `lot`. The coin counts as collateral in full up to 10^9 of the quote.
///
/// # Errors
/// Says what is wrong where.
pub fn read(path: &Path, coin: &str, lot: Decimal) -> Result<Snapshot, ImportError> {
    let file = At::file(path);
    let mut reader = csv_reader(path)?;
    let header = Header::new(reader.headers().map_err(|e| csv_error(&file, &e))?);
    let names = COLUMNS.map(|(name, _)| name);
    let mut columns = [0; COLUMNS.len()];
    for (column, name) in columns.iter_mut().zip(names) {
        *column = header.column(&file, name)?;
    }
    let reason = match header.names().iter().any(|n| n == REASON) {
        true => Some(header.column(&file, REASON)?),
        false => None,
    };
    let (mut instruments, mut lines) = (Vec::new(), Vec::new());
    let (mut as_of_ms, mut index) = (0u64, Decimal::ZERO);
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(&file, &e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let at = file.line(line);
        let text = |i: usize| &record[columns[i]];
        let number = |i: usize| at.number(names[i], text(i));
        let millis = |i: usize| {
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
        let timestamp = millis(4)?;
        records::date::check_moment(timestamp).map_err(|e| at.error(Some(names[4]), e))?;
        if timestamp >= as_of_ms {
            (as_of_ms, index) = (timestamp, number(6)?);
        }
        instruments.push(Instrument {
            symbol: text(0).to_string(),
            kind: Kind::Option {
                option_type,
                strike: number(2)?,
                expiry_ms: millis(3)?,
                implied_volatility,
            },
            settlement: Settlement::Inverse(coin.to_string()),
            mark: number(8)?,
            forward: Some(number(5)?),
            lot,
            contract_size: Decimal::ONE,
            mark_reason: (reason.map(|i| &record[i]))
                .filter(|text| !text.is_empty())
                .map(str::to_string),
        });
        lines.push(line);
    }
    if instruments.is_empty() {
        return Err(file.error(None, "holds no option"));
    }
    check_expired(&file, &instruments, &lines, as_of_ms)?;
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
    snapshot.validate().map_err(|e| placed(&file, &lines, &e))?;
    Ok(snapshot)
}

/// Refuses all lines at once whose options have expired.
fn check_expired(
    file: &At,
    instruments: &[Instrument],
    lines: &[u64],
    as_of_ms: u64,
) -> Result<(), ImportError> {
    let expired = |i: &Instrument| matches!(&i.kind, Kind::Option { expiry_ms, .. } if *expiry_ms <= as_of_ms);
    let expired: Vec<u64> = (instruments.iter().zip(lines))
        .filter(|(i, _)| expired(i))
        .map(|(_, line)| *line)
        .collect();
    let Some(first) = expired.first() else {
        return Ok(());
    };
    let listed: Vec<String> = expired.iter().take(20).map(u64::to_string).collect();
    let more = match expired.len().saturating_sub(listed.len()) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Err(file.line(*first).error(
        Some(COLUMNS[3].0),
        format!(
            "expired by {}, the latest timestamp of the file; remove what has expired: line(s) {}{more}",
            moment(as_of_ms),
            listed.join(", ")
        ),
    ))
}

/// A snapshot's error at the line and the column that it is about.
fn placed(file: &At, lines: &[u64], e: &SnapshotError) -> ImportError {
    let instrument = e.field.strip_prefix("instruments[");
    let Some((index, field)) = instrument.and_then(|rest| rest.split_once("].")) else {
        return file.error(Some(&e.field), e.problem.clone());
    };
    let line = index.parse().ok().and_then(|i: usize| lines.get(i));
    let at = line.map_or(file.clone(), |line| file.line(*line));
    let column = COLUMNS.iter().find(|(_, of)| *of == field);
    at.error(
        Some(column.map_or(field, |(name, _)| name)),
        e.problem.clone(),
    )
}
