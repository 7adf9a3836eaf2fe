//! A venue's option chain: one line per option.
//!
//! Columns read: `instrument_name, option_type, strike, expiration_timestamp, timestamp,
//! underlying_price` (forward), `index_price, mark_iv` (percent), `mark_price`, and, where they are there, `mark_reason`
//! (why a mark is far from its model price), `base_currency` (the coin) and `settlement_currency` (what is paid in).
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
    Asset, Haircuts, Instrument, Kind, OptionType, Settlement, Snapshot, SnapshotError, Tier,
};
use records::date::{FIRST_MOMENT, LAST_MOMENT, moment};
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
/// Columns that need not be there.
const OPTIONAL: [&str; 3] = ["mark_reason", "base_currency", "settlement_currency"];
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

/// Where the file has its columns.
struct Columns {
    /// Those of [`COLUMNS`].
    needed: [usize; COLUMNS.len()],
    /// Those of [`OPTIONAL`].
    optional: [Option<usize>; OPTIONAL.len()],
}

impl Columns {
    fn new(file: &At, header: &Header) -> Result<Self, ImportError> {
        let mut needed = [0; COLUMNS.len()];
        for (column, (name, _)) in needed.iter_mut().zip(COLUMNS) {
            *column = header.column(file, name)?;
        }
        let mut optional = [None; OPTIONAL.len()];
        for (column, name) in optional.iter_mut().zip(OPTIONAL) {
            if header.names().iter().any(|n| n == name) {
                *column = Some(header.column(file, name)?);
            }
        }
        Ok(Self { needed, optional })
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

    /// Of a column of [`OPTIONAL`], if it is there and not empty here.
    fn optional(&self, i: usize) -> Option<&str> {
        let text = self.columns.optional[i].map(|column| &self.record[column]);
        text.filter(|text| !text.is_empty())
    }

    fn error(&self, i: usize, problem: impl Into<String>) -> ImportError {
        self.at.error(Some(COLUMNS[i].0), problem)
    }

    fn number(&self, i: usize) -> Result<Decimal, ImportError> {
        self.at.number(COLUMNS[i].0, self.text(i))
    }

    /// A time in milliseconds since 1970, and the place of its unit in [`UNITS`].
    fn time(&self, i: usize) -> Result<(u64, usize), ImportError> {
        let text = self.text(i);
        let number: u64 = text.parse().map_err(|_| {
            let problem = "is not a whole number; write a time as milliseconds since 1970 in UTC";
            self.error(i, format!("'{text}' {problem}"))
        })?;
        let as_ms = |per_second: u64| {
            u64::try_from(u128::from(number) * 1_000 / u128::from(per_second)).unwrap_or(u64::MAX)
        };
        let fits = |(_, per_second): &(&str, u64)| {
            (FIRST_MOMENT..LAST_MOMENT).contains(&as_ms(*per_second))
        };
        let unit = UNITS.iter().position(fits).ok_or_else(|| {
            let problem = "is no moment between 2000-01-01 and 2100-01-01 in seconds, milliseconds, microseconds or nanoseconds since \
                           1970; write milliseconds since 1970 in UTC, such as 1795718886000 for 2026-11-26 18:48:06 UTC";
            self.error(i, format!("{text} {problem}"))
        })?;
        Ok((as_ms(UNITS[unit].1), unit))
    }

    fn option_type(&self) -> Result<OptionType, ImportError> {
        match self.text(1) {
            "call" => Ok(OptionType::Call),
            "put" => Ok(OptionType::Put),
            other => Err(self.error(
                1,
                format!("'{other}' is neither call nor put; remove what is no option"),
            )),
        }
    }

    /// A part of one, written in percent.
    fn implied_volatility(&self) -> Result<Decimal, ImportError> {
        let percent = self.number(7)?;
        if percent > Decimal::ZERO && percent < Decimal::from_int(LEAST_PERCENT) {
            return Err(self.error(
                7,
                format!(
                    "'{}' would be {percent}% a year, which no coin shows; it looks like a fraction: write percent, 65 for 0.65",
                    self.text(7)
                ),
            ));
        }
        percent
            .checked_mul(&Decimal::new(1, 2))
            .map_err(|e| self.error(7, format!("'{}': {e}; correct it", self.text(7))))
    }

    /// The coin, and what is paid in.
    fn currencies(&self) -> Result<(String, String), ImportError> {
        let name = self.text(0);
        let (first, dated) = name.split_once('-').unwrap_or((name, ""));
        let (coin, paid) = match first.split_once('_') {
            Some((coin, paid)) => (coin, Some(paid)),
            None => (first, None),
        };
        let coin = match self.optional(1) {
            Some(coin) => coin,
            None if dated.is_empty() || coin.is_empty() => {
                let problem = "does not start with its coin, as BTC-22MAY20-9250-P does; rename it, or add a column \
                               `base_currency`";
                return Err(self.error(0, format!("'{name}' {problem}")));
            }
            None => coin,
        };
        if DOLLARS.contains(&coin) {
            let problem = "are dollars, in which prices are; name the coin that they are prices of";
            return Err(self.error(0, format!("'{name}': `{coin}` {problem}")));
        }
        let paid = self.optional(2).or(paid).unwrap_or(coin);
        if paid != coin && !DOLLARS.contains(&paid) {
            let problem = format!(
                "'{name}' pays `{paid}`, which is neither its coin `{coin}` nor one of {}; remove the line",
                DOLLARS.join(", ")
            );
            return Err(self.error(0, problem));
        }
        Ok((coin.to_string(), paid.to_string()))
    }

    /// The instrument, and its time.
    fn instrument(&self, common: &Common, lot: Decimal) -> Result<Instrument, ImportError> {
        let Common { coin, paid, unit } = common;
        let (expiry_ms, of_expiry) = self.time(3)?;
        if of_expiry != *unit {
            let problem = format!(
                "'{}' is a time in {}, and `{}` of the first line is one in {}; write all times in one unit",
                self.text(3),
                UNITS[of_expiry].0,
                COLUMNS[4].0,
                UNITS[*unit].0
            );
            return Err(self.error(3, problem));
        }
        Ok(Instrument {
            symbol: self.text(0).to_string(),
            kind: Kind::Option {
                option_type: self.option_type()?,
                strike: self.number(2)?,
                expiry_ms,
                implied_volatility: self.implied_volatility()?,
            },
            underlying: coin.clone(),
            settlement: match paid == coin {
                true => Settlement::Inverse(coin.clone()),
                false => Settlement::Linear,
            },
            mark: self.number(8)?,
            forward: Some(self.number(5)?),
            lot,
            contract_size: Decimal::ONE,
            mark_reason: self.optional(0).map(str::to_string),
        })
    }
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
    fn of(line: &Line<'_>) -> Result<(Self, u64), ImportError> {
        let (coin, paid) = line.currencies()?;
        let (timestamp, unit) = line.time(4)?;
        Ok((Self { coin, paid, unit }, timestamp))
    }

    /// Refuses a line that has something else.
    fn check(&self, line: &Line<'_>, other: &Self) -> Result<(), ImportError> {
        let name = line.text(0);
        if self.coin != other.coin {
            let problem = format!(
                "'{name}' is on `{}`, and the first line on `{}`; split the file into one for each coin",
                other.coin, self.coin
            );
            return Err(line.error(0, problem));
        }
        if self.paid != other.paid {
            let problem = format!(
                "'{name}' pays `{}`, and the first line `{}`; split the file into one for each",
                other.paid, self.paid
            );
            return Err(line.error(0, problem));
        }
        if self.unit != other.unit {
            let problem = format!(
                "'{}' is a time in {}, and that of the first line is in {}; write all times in one unit",
                line.text(4),
                UNITS[other.unit].0,
                UNITS[self.unit].0
            );
            return Err(line.error(4, problem));
        }
        Ok(())
    }
}

/// Reads a chain as a snapshot with its coin as an asset and the options as instruments of one coin, in lots of `lot`. The coin
/// counts as collateral in full up to 10^9 of the quote.
///
/// # Errors
/// Names the line and the column that is missing, no number, no time, in another unit, or that no market shows.
pub fn read(path: &Path, lot: Decimal) -> Result<Snapshot, ImportError> {
    let file = At::file(path);
    let mut reader = csv_reader(path)?;
    let header = Header::new(reader.headers().map_err(|e| csv_error(&file, &e))?);
    let columns = Columns::new(&file, &header)?;
    let (mut instruments, mut lines) = (Vec::new(), Vec::new());
    let mut seen = HashMap::new();
    let mut first: Option<Common> = None;
    let (mut as_of_ms, mut index) = (0u64, Decimal::ZERO);
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(&file, &e))?;
        let number = record.position().map_or(0, csv::Position::line);
        let line = Line {
            at: file.line(number),
            record: &record,
            columns: &columns,
        };
        let (own, timestamp) = Common::of(&line)?;
        let common = first.get_or_insert_with(|| own.clone());
        common.check(&line, &own)?;
        let instrument = line.instrument(common, lot)?;
        check_once(&line, number, &instrument, &mut seen)?;
        if timestamp >= as_of_ms {
            (as_of_ms, index) = (timestamp, line.number(6)?);
        }
        instruments.push(instrument);
        lines.push(number);
    }
    let Some(common) = first else {
        return Err(file.error(None, "holds no option; a chain has a line an option"));
    };
    check_expired(&file, &instruments, &lines, as_of_ms)?;
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
    snapshot.validate().map_err(|e| placed(&file, &lines, &e))?;
    Ok(snapshot)
}

/// The lines on which names and options stand, by both.
type Seen = HashMap<(String, String, u64, bool), u64>;

/// Refuses a line of an option, or of a name, that another line had before.
fn check_once(
    line: &Line<'_>,
    number: u64,
    instrument: &Instrument,
    seen: &mut Seen,
) -> Result<(), ImportError> {
    let Kind::Option {
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
        if let Some(first) = seen.insert(key, number) {
            let problem = format!(
                "`{}` stands twice: line {first} has {what}; remove one",
                instrument.symbol
            );
            return Err(line.error(0, problem));
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
    let listed: Vec<String> = expired.iter().take(NAMED).map(u64::to_string).collect();
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
