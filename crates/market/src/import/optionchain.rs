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

/// Where the file has its columns.
struct Columns {
    /// Those of [`COLUMNS`].
    needed: [usize; COLUMNS.len()],
    reason: Option<usize>,
}

impl Columns {
    fn new(file: &At, header: &Header) -> Result<Self, ImportError> {
        let mut needed = [0; COLUMNS.len()];
        for (column, (name, _)) in needed.iter_mut().zip(COLUMNS) {
            *column = header.column(file, name)?;
        }
        let reason = match header.names().iter().any(|n| n == REASON) {
            true => Some(header.column(file, REASON)?),
            false => None,
        };
        Ok(Self { needed, reason })
    }
}

/// A line of the file; its fields are numbered as in [`COLUMNS`].
struct Line<'a> {
    at: At,
    record: &'a csv::StringRecord,
    columns: &'a Columns,
}

impl Line<'_> {
    fn text(&self, i: usize) -> &str {
        &self.record[self.columns.needed[i]]
    }

    fn error(&self, i: usize, problem: impl Into<String>) -> ImportError {
        self.at.error(Some(COLUMNS[i].0), problem)
    }

    fn number(&self, i: usize) -> Result<Decimal, ImportError> {
        self.at.number(COLUMNS[i].0, self.text(i))
    }

    fn millis(&self, i: usize) -> Result<u64, ImportError> {
        let text = self.text(i);
        text.parse()
            .map_err(|_| self.error(i, format!("'{text}' is not a time in milliseconds")))
    }

    fn option_type(&self) -> Result<OptionType, ImportError> {
        match self.text(1) {
            "call" => Ok(OptionType::Call),
            "put" => Ok(OptionType::Put),
            other => Err(self.error(1, format!("'{other}' is neither call nor put"))),
        }
    }

    /// A part of one, written in percent.
    fn implied_volatility(&self) -> Result<Decimal, ImportError> {
        (self.number(7)?)
            .checked_mul(&Decimal::new(1, 2))
            .map_err(|e| self.error(7, e.to_string()))
    }

    fn timestamp(&self) -> Result<u64, ImportError> {
        let timestamp = self.millis(4)?;
        records::date::check_moment(timestamp).map_err(|e| self.error(4, e))?;
        Ok(timestamp)
    }

    fn mark_reason(&self) -> Option<String> {
        (self.columns.reason.map(|i| &self.record[i]))
            .filter(|text| !text.is_empty())
            .map(str::to_string)
    }
}

/// Reads a chain as a snapshot with the coin as its asset and the options as inverse instruments of
/// one coin, in lots of `lot`. The coin counts as collateral in full up to 10^9 of the quote.
///
/// # Errors
/// Says what is wrong where.
pub fn read(path: &Path, coin: &str, lot: Decimal) -> Result<Snapshot, ImportError> {
    let file = At::file(path);
    let mut reader = csv_reader(path)?;
    let header = Header::new(reader.headers().map_err(|e| csv_error(&file, &e))?);
    let columns = Columns::new(&file, &header)?;
    let (mut instruments, mut lines) = (Vec::new(), Vec::new());
    let (mut as_of_ms, mut index) = (0u64, Decimal::ZERO);
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(&file, &e))?;
        let number = record.position().map_or(0, csv::Position::line);
        let line = Line {
            at: file.line(number),
            record: &record,
            columns: &columns,
        };
        let option_type = line.option_type()?;
        let implied_volatility = line.implied_volatility()?;
        let timestamp = line.timestamp()?;
        if timestamp >= as_of_ms {
            (as_of_ms, index) = (timestamp, line.number(6)?);
        }
        instruments.push(Instrument {
            symbol: line.text(0).to_string(),
            kind: Kind::Option {
                option_type,
                strike: line.number(2)?,
                expiry_ms: line.millis(3)?,
                implied_volatility,
            },
            underlying: coin.to_string(),
            settlement: Settlement::Inverse(coin.to_string()),
            mark: line.number(8)?,
            forward: Some(line.number(5)?),
            lot,
            contract_size: Decimal::ONE,
            mark_reason: line.mark_reason(),
        });
        lines.push(number);
    }
    if instruments.is_empty() {
        return Err(file.error(None, "holds no option"));
    }
    check_expired(&file, &instruments, &lines, as_of_ms)?;
    let snapshot = Snapshot {
        as_of_ms,
        source: crate::snapshot::unstated(),
        quote: "USD".into(),
        assets: vec![counted_in_full(coin, index)],
        instruments,
        grid: Default::default(),
        grids: Default::default(),
        parameters: Default::default(),
    };
    snapshot.validate().map_err(|e| placed(&file, &lines, &e))?;
    Ok(snapshot)
}

/// The coin as collateral.
fn counted_in_full(coin: &str, price: Decimal) -> Asset {
    let full = vec![Tier {
        up_to: Decimal::from_int(1_000_000_000),
        percent: Decimal::from_int(100),
    }];
    Asset {
        symbol: coin.to_string(),
        price,
        decimals: 8,
        haircuts: Haircuts {
            loan: full.clone(),
            margin: full.clone(),
            portfolio: full,
        },
    }
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
