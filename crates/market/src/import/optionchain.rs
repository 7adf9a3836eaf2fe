//! A venue's option chain: one line per option, marked in coin, with the columns of [`record`].
//! The snapshot's time is the latest timestamp, its coin price the index price of
//! that line. The file does not say where prices come from, so its source is unstated until someone states it. A line whose
//! option has expired by the snapshot's time is refused: someone else's clock is wrong, or the file is of two moments.

use std::path::Path;

use fixed::Decimal;

use crate::snapshot::{
    self, Asset, Haircuts, Instrument, OptionType, Settlement, Snapshot, SnapshotError, Tier,
};
use records::date::moment;
use records::files::{At, ImportError, Place};
use records::record::{Code, Column, Kind, Record};
use records::table::{Row, Table};

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
/// The column of the expiry.
const EXPIRY: usize = 3;
/// The column of the time.
const TIMESTAMP: usize = 4;

/// An option of a chain.
pub fn record() -> Record {
    let time = Kind::Whole {
        min: 0,
        max: u64::MAX as i128,
    };
    Record::new(
        "options",
        "A venue's option chain, one record an option.",
        vec![
            Column::new("instrument_name", Kind::Text, "the option"),
            Column::new("option_type", Kind::code(&["call", "put"]), "its type"),
            Column::new("strike", Kind::number(), "its strike").unit("USD"),
            Column::new("expiration_timestamp", time.clone(), "when it expires")
                .unit("milliseconds since 1970, UTC"),
            Column::new(
                "timestamp",
                time,
                "when it was marked; the latest is the snapshot's",
            )
            .unit("milliseconds since 1970, UTC"),
            Column::new("underlying_price", Kind::number(), "the forward").unit("USD"),
            Column::new("index_price", Kind::number(), "the coin's price").unit("USD"),
            Column::new("mark_iv", Kind::number(), "its implied volatility").unit("percent"),
            Column::new("mark_price", Kind::number(), "its mark").unit("coin"),
            Column::new(
                "mark_reason",
                Kind::Text,
                "why the mark is far from its model price",
            )
            .optional(),
        ],
    )
}

/// A part of one, written in percent.
fn implied_volatility(row: &Row<'_>) -> Result<Decimal, ImportError> {
    let percent: Decimal = row.need(7)?;
    let part = percent.checked_mul(&Decimal::new(1, 2));
    part.map_err(|e| row.error(7, e.to_string()))
}

fn millis(row: &Row<'_>, column: usize) -> Result<u64, ImportError> {
    let time: i128 = row.need(column)?;
    u64::try_from(time)
        .map_err(|_| row.error(column, format!("{time} is not a time in milliseconds")))
}

fn timestamp(row: &Row<'_>) -> Result<u64, ImportError> {
    let timestamp = millis(row, TIMESTAMP)?;
    records::date::check_moment(timestamp).map_err(|e| row.error(TIMESTAMP, e))?;
    Ok(timestamp)
}

fn instrument(row: &Row<'_>, coin: &str, lot: Decimal) -> Result<Instrument, ImportError> {
    let option_type = match row.need::<Code>(1)?.0 {
        0 => OptionType::Call,
        _ => OptionType::Put,
    };
    Ok(Instrument {
        symbol: row.need(0)?,
        kind: snapshot::Kind::Option {
            option_type,
            strike: row.need(2)?,
            expiry_ms: millis(row, EXPIRY)?,
            implied_volatility: implied_volatility(row)?,
        },
        underlying: coin.to_string(),
        settlement: Settlement::Inverse(coin.to_string()),
        mark: row.need(8)?,
        forward: Some(row.need(5)?),
        lot,
        contract_size: Decimal::ONE,
        mark_reason: row.get(9)?,
    })
}

/// Reads a chain as a snapshot with the coin as its asset and the options as inverse instruments of
/// one coin, in lots of `lot`. The coin counts as collateral in full up to 10^9 of the quote.
///
/// # Errors
/// Says what is wrong where.
pub fn read(path: &Path, coin: &str, lot: Decimal) -> Result<Snapshot, ImportError> {
    let file = At::file(path);
    let mut table = Table::of(path, record())?;
    let (mut instruments, mut places) = (Vec::new(), Vec::new());
    let (mut as_of_ms, mut index) = (0u64, Decimal::ZERO);
    while let Some(row) = table.next_row()? {
        instruments.push(instrument(&row, coin, lot)?);
        places.push(row.place());
        let timestamp = timestamp(&row)?;
        if timestamp >= as_of_ms {
            (as_of_ms, index) = (timestamp, row.need(6)?);
        }
    }
    if instruments.is_empty() {
        return Err(file.error(None, "holds no option"));
    }
    check_expired(&file, &instruments, &places, as_of_ms)?;
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
    snapshot
        .validate()
        .map_err(|e| placed(&file, &places, &e))?;
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
        .take(20)
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
