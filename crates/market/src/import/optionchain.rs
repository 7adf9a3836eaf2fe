//! A venue's option chain: one line per option, with the columns of [`record`].
//!
//! - The coin is that of `base_currency`, else what stands first in each name, as in `BTC-22MAY20-9250-P`. A chain is of one coin.
//! - Marks are in coin and options pay coin, unless `settlement_currency`, or else the name (`BTC_USDC-22MAY20-9250-P`), says that
//!   they pay dollars (USD, USDC, USDT): then marks are in these dollars, and so are all prices of the snapshot. A chain pays one.
//! - Times are moments of this century since 1970 in seconds, milliseconds, microseconds or nanoseconds, which cannot be mistaken for
//!   each other; a chain has one unit, and parts of a millisecond are cut off.
//! - Volatilities are in percent. One below [`LEAST_PERCENT`] is refused: no coin shows it, and it is most likely a fraction.
//!
//! The snapshot's time is the latest timestamp, its coin price the index price of that line. The file does not say where prices come
//! from, so its source is unstated until someone states it. A line whose option has expired by the snapshot's time is refused:
//! someone else's clock is wrong, or the file is of two moments. So is a second line of the same option, whatever its name.

use std::collections::HashMap;
use std::path::Path;

use fixed::Decimal;

use crate::snapshot::{
    self, Asset, Haircuts, Instrument, OptionType, Settlement, Snapshot, SnapshotError, Tier,
};
use records::date::{FIRST_MOMENT, LAST_MOMENT, moment};
use records::files::{At, ImportError, Place, read_file};
use records::record::{Code, Column, Kind, Record};
use records::table::{Format, Row, Table};

/// The snapshot's fields that are read from the columns of [`record`], in their order.
const FIELDS: [&str; 10] = [
    "symbol",
    "option_type",
    "strike",
    "expiry_ms",
    "as_of_ms",
    "forward",
    "price",
    "implied_volatility",
    "mark",
    "mark_reason",
];
const NAME: usize = 0;
const EXPIRY: usize = 3;
const TIMESTAMP: usize = 4;
const VOLATILITY: usize = 7;
/// Currencies that are dollars or coins of one dollar each.
const DOLLARS: [&str; 3] = ["USD", "USDC", "USDT"];
/// The least implied volatility, in percent.
pub const LEAST_PERCENT: i128 = 3;
/// Most lines that an error names.
const NAMED: usize = 20;

/// What a time is counted in: its name, and how many make a second.
const UNITS: [(&str, u64); 4] = [
    ("seconds", 1),
    ("milliseconds", 1_000),
    ("microseconds", 1_000_000),
    ("nanoseconds", 1_000_000_000),
];

/// An option of a chain.
pub fn record() -> Record {
    let time = Kind::Whole {
        min: 0,
        max: u64::MAX as i128,
    };
    const SINCE: &str = "s, ms, µs or ns since 1970, UTC; all in one";
    Record::new(
        "options",
        "A venue's option chain, one record an option.",
        vec![
            Column::new("instrument_name", Kind::Text, "the option"),
            Column::new("option_type", Kind::code(&["call", "put"]), "its type"),
            Column::new("strike", Kind::number(), "its strike").unit("USD"),
            Column::new("expiration_timestamp", time.clone(), "when it expires")
                .unit(SINCE),
            Column::new(
                "timestamp",
                time,
                "when it was marked; the latest is the snapshot's",
            )
            .unit(SINCE),
            Column::new("underlying_price", Kind::number(), "the forward").unit("USD"),
            Column::new("index_price", Kind::number(), "the coin's price").unit("USD"),
            Column::new("mark_iv", Kind::number(), "its implied volatility").unit("percent"),
            Column::new("mark_price", Kind::number(), "its mark").unit("coin, or dollars if it pays them"),
            Column::new(
                "mark_reason",
                Kind::Text,
                "why the mark is far from its model price",
            )
            .optional(),
            Column::new("base_currency", Kind::Text, "the coin, if the name does not start with it").optional(),
            Column::new(
                "settlement_currency",
                Kind::Text,
                "what it pays: the coin, USD, USDC or USDT; if not given, what the name says after `_`, or the coin",
            )
            .optional(),
        ],
    )
}

/// A time in milliseconds since 1970, and the place of its unit in [`UNITS`].
fn time(row: &Row<'_>, column: usize) -> Result<(u64, usize), ImportError> {
    let number: i128 = row.need(column)?;
    let as_ms = |per_second: u64| number.saturating_mul(1_000) / i128::from(per_second);
    let century = i128::from(FIRST_MOMENT)..i128::from(LAST_MOMENT);
    let unit = UNITS.iter().position(|(_, n)| century.contains(&as_ms(*n)));
    let unit = unit.ok_or_else(|| {
        let problem = "is no moment between 2000-01-01 and 2100-01-01 in seconds, milliseconds, microseconds or nanoseconds since 1970; \
                       write milliseconds since 1970 in UTC, such as 1795718886000 for 2026-11-26 18:48:06 UTC";
        row.error(column, format!("{number} {problem}"))
    })?;
    Ok((as_ms(UNITS[unit].1) as u64, unit))
}

/// A part of one, written in percent.
fn implied_volatility(row: &Row<'_>) -> Result<Decimal, ImportError> {
    let percent: Decimal = row.need(VOLATILITY)?;
    if percent > Decimal::ZERO && percent < Decimal::from_int(LEAST_PERCENT) {
        let problem =
            "a year, which no coin shows; it looks like a fraction: write percent, 65 for 0.65";
        return Err(row.error(
            VOLATILITY,
            format!("{percent} would be {percent}% {problem}"),
        ));
    }
    let part = percent.checked_mul(&Decimal::new(1, 2));
    part.map_err(|e| row.error(VOLATILITY, format!("{percent}: {e}; correct it")))
}

/// The coin, and what is paid in.
fn currencies(row: &Row<'_>) -> Result<(String, String), ImportError> {
    let name: String = row.need(NAME)?;
    let (first, dated) = name.split_once('-').unwrap_or((&name, ""));
    let (coin, paid) = match first.split_once('_') {
        Some((coin, paid)) => (coin, Some(paid)),
        None => (first, None),
    };
    let coin = match row.get::<String>(10)? {
        Some(coin) => coin,
        None if dated.is_empty() || coin.is_empty() => {
            let problem = "does not start with its coin, as BTC-22MAY20-9250-P does; rename it, or add a column `base_currency`";
            return Err(row.error(NAME, format!("'{name}' {problem}")));
        }
        None => coin.to_string(),
    };
    if DOLLARS.contains(&coin.as_str()) {
        let problem = "is a dollar, in which prices are; name the coin that they are prices of";
        return Err(row.error(NAME, format!("'{name}': `{coin}` {problem}")));
    }
    let paid = row.get(11)?.or(paid.map(str::to_string));
    let paid = paid.unwrap_or_else(|| coin.clone());
    if paid != coin && !DOLLARS.contains(&paid.as_str()) {
        let problem = format!(
            "'{name}' pays `{paid}`, which is neither its coin `{coin}` nor one of {}; remove the line",
            DOLLARS.join(", ")
        );
        return Err(row.error(NAME, problem));
    }
    Ok((coin, paid))
}

fn instrument(row: &Row<'_>, common: &Common, lot: Decimal) -> Result<Instrument, ImportError> {
    let Common { coin, paid, unit } = common;
    let (expiry_ms, of_expiry) = time(row, EXPIRY)?;
    if of_expiry != *unit {
        let problem = format!(
            "{} is a time in {}, and `{}` is in {}; write all times in one unit",
            row.need::<i128>(EXPIRY)?,
            UNITS[of_expiry].0,
            row.name(TIMESTAMP),
            UNITS[*unit].0
        );
        return Err(row.error(EXPIRY, problem));
    }
    let option_type = match row.need::<Code>(1)?.0 {
        0 => OptionType::Call,
        _ => OptionType::Put,
    };
    Ok(Instrument {
        symbol: row.need(NAME)?,
        kind: snapshot::Kind::Option {
            option_type,
            strike: row.need(2)?,
            expiry_ms,
            implied_volatility: implied_volatility(row)?,
        },
        underlying: coin.clone(),
        settlement: match paid == coin {
            true => Settlement::Inverse(coin.clone()),
            false => Settlement::Linear,
        },
        mark: row.need(8)?,
        forward: Some(row.need(5)?),
        lot,
        contract_size: Decimal::ONE,
        mark_reason: row.get(9)?,
    })
}

/// What all lines of a chain have in common.
#[derive(Clone, PartialEq, Eq)]
struct Common {
    coin: String,
    /// The coin itself, or dollars.
    paid: String,
    /// The place in [`UNITS`] of times.
    unit: usize,
}

impl Common {
    /// What a line has of it, and the line's time in milliseconds.
    fn of(row: &Row<'_>) -> Result<(Self, u64), ImportError> {
        let (coin, paid) = currencies(row)?;
        let (timestamp, unit) = time(row, TIMESTAMP)?;
        Ok((Self { coin, paid, unit }, timestamp))
    }

    /// Refuses a line that has something else.
    fn check(&self, row: &Row<'_>, other: &Self) -> Result<(), ImportError> {
        let name: String = row.need(NAME)?;
        if self.coin != other.coin {
            let problem = format!(
                "'{name}' is on `{}`, and the first line on `{}`; split the file into one for each coin",
                other.coin, self.coin
            );
            return Err(row.error(NAME, problem));
        }
        if self.paid != other.paid {
            let problem = format!(
                "'{name}' pays `{}`, and the first line `{}`; split the file into one for each",
                other.paid, self.paid
            );
            return Err(row.error(NAME, problem));
        }
        if self.unit != other.unit {
            let problem = format!(
                "{} is a time in {}, and that of the first line is in {}; write all times in one unit",
                row.need::<i128>(TIMESTAMP)?,
                UNITS[other.unit].0,
                UNITS[self.unit].0
            );
            return Err(row.error(TIMESTAMP, problem));
        }
        Ok(())
    }
}

/// Whether a file of a market is a chain rather than a snapshot of ours. A snapshot is one JSON object; a chain is any table, in JSON
/// a list of objects, or objects with the columns of [`record`].
///
/// # Errors
/// If it cannot be read.
pub fn is_chain(path: &Path) -> Result<bool, ImportError> {
    // A pipe can be read once, and is a snapshot.
    let is_pipe = path.exists() && !path.is_file();
    let format = Format::of(path).filter(|_| !is_pipe);
    match format {
        None => Ok(false),
        Some(Format::Parquet) => Ok(true),
        Some(Format::Text) => Ok(first_byte(path)? != Some(b'{')),
        Some(Format::Json) if first_byte(path)? == Some(b'[') => Ok(true),
        // What is broken is no chain, and said where a snapshot is read.
        Some(Format::Json) => Ok(Table::of(path, record()).is_ok_and(|table| {
            let name = table.name(NAME);
            table.header().iter().any(|n| n == name)
        })),
    }
}

/// The first byte of a file that is no space.
fn first_byte(path: &Path) -> Result<Option<u8>, ImportError> {
    let bytes = read_file(path)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    Ok(text.trim_ascii_start().first().copied())
}

/// Reads a chain as a snapshot with its coin as an asset and the options as instruments of one coin, in lots of `lot`. The coin
/// counts as collateral in full up to 10^9 of the quote.
///
/// # Errors
/// Names the line and the column that is missing, no number, no time, in another unit, or that no market shows.
pub fn read(path: &Path, lot: Decimal) -> Result<Snapshot, ImportError> {
    let file = At::file(path);
    let mut table = Table::of(path, record())?;
    let (mut instruments, mut places) = (Vec::new(), Vec::new());
    let mut seen = HashMap::new();
    let mut first: Option<Common> = None;
    let (mut as_of_ms, mut index) = (0u64, Decimal::ZERO);
    while let Some(row) = table.next_row()? {
        let (own, timestamp) = Common::of(&row)?;
        let common = first.get_or_insert_with(|| own.clone());
        common.check(&row, &own)?;
        let instrument = instrument(&row, common, lot)?;
        check_once(&row, &instrument, &mut seen)?;
        if timestamp >= as_of_ms {
            (as_of_ms, index) = (timestamp, row.need(6)?);
        }
        instruments.push(instrument);
        places.push(row.place());
    }
    let Some(common) = first else {
        return Err(file.error(None, "holds no option; a chain has a line an option"));
    };
    check_expired(&file, &instruments, &places, as_of_ms)?;
    let snapshot = Snapshot {
        as_of_ms,
        source: crate::snapshot::unstated(),
        quote: match common.paid == common.coin {
            true => "USD".into(),
            false => common.paid,
        },
        assets: vec![counted_in_full(&common.coin, index)],
        instruments,
        grid: Default::default(),
        grids: Default::default(),
        parameters: Default::default(),
    };
    snapshot
        .validate()
        .map_err(|e| placed(&file, &places, &e))?;
    Ok(snapshot)
}

/// Where names and options stand, by both.
type Seen = HashMap<(String, String, u64, bool), Place>;

/// Refuses a line of an option, or of a name, that another line had before.
fn check_once(row: &Row<'_>, instrument: &Instrument, seen: &mut Seen) -> Result<(), ImportError> {
    let snapshot::Kind::Option {
        option_type,
        strike,
        expiry_ms,
        ..
    } = &instrument.kind
    else {
        return Ok(());
    };
    let option = (
        String::new(),
        strike.normalized().to_string(),
        *expiry_ms,
        *option_type == OptionType::Call,
    );
    let name = (instrument.symbol.clone(), String::new(), 0, false);
    for (key, what) in [(name, "this name"), (option, "the same option")] {
        if let Some(first) = seen.insert(key, row.place()) {
            let problem = format!(
                "`{}` stands twice: line {} has {what}; remove one",
                instrument.symbol,
                first.number()
            );
            return Err(row.error(NAME, problem));
        }
    }
    Ok(())
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
    places: &[Place],
    as_of_ms: u64,
) -> Result<(), ImportError> {
    let expired = |i: &Instrument| matches!(&i.kind, snapshot::Kind::Option { expiry_ms, .. } if *expiry_ms <= as_of_ms);
    let expired: Vec<&Place> = (instruments.iter().zip(places))
        .filter(|(i, _)| expired(i))
        .map(|(_, place)| place)
        .collect();
    let Some(first) = expired.first() else {
        return Ok(());
    };
    let listed: Vec<String> = expired
        .iter()
        .take(NAMED)
        .map(|place| place.number().to_string())
        .collect();
    let more = match expired.len().saturating_sub(listed.len()) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Err(file.place((*first).clone()).error(
        Some(&record().columns[EXPIRY].name),
        format!(
            "expired by {}, the latest timestamp of the file; remove what has expired: line(s) {}{more}",
            moment(as_of_ms),
            listed.join(", ")
        ),
    ))
}

/// A snapshot's error at the line and the column that it is about.
fn placed(file: &At, places: &[Place], e: &SnapshotError) -> ImportError {
    let instrument = e.field.strip_prefix("instruments[");
    let Some((index, field)) = instrument.and_then(|rest| rest.split_once("].")) else {
        return file.error(Some(&e.field), e.problem.clone());
    };
    let place = index.parse().ok().and_then(|i: usize| places.get(i));
    let at = place.map_or(file.clone(), |place| file.place(place.clone()));
    let column = FIELDS.iter().position(|of| *of == field);
    let name = column.map_or(field.to_string(), |c| record().columns[c].name.clone());
    at.error(Some(&name), e.problem.clone())
}
