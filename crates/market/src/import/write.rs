//! Writing markets and books in Sealbook's own layout (see [`super::layout`]).

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use fixed::Decimal;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::layout::{AMOUNTS, COIN_DECIMALS, COLUMNS, ENTRY_NOTIONAL, JsonAccount, JsonBook};
use crate::book::{Book, Side};
use crate::snapshot::{Settlement, Snapshot};
use records::json::Pairs;

/// The records of a book, as rows of [`COLUMNS`] with `entry_notional` in place of `entry_price`.
fn rows<'a>(book: &'a Book, snapshot: &'a Snapshot) -> impl Iterator<Item = [String; 11]> + 'a {
    book.accounts().iter().flat_map(move |account| {
        let balances = account
            .balances
            .iter()
            .zip(&snapshot.assets)
            .map(|(b, asset)| {
                let amount = |u: u64| Decimal::new(i128::from(u), asset.decimals).to_string();
                let mut row: [String; 11] = Default::default();
                row[..3].clone_from_slice(&[
                    account.id.clone(),
                    "balance".into(),
                    asset.symbol.clone(),
                ]);
                row[3..8].clone_from_slice(
                    &[b.equity, b.debt, b.loan, b.margin, b.portfolio].map(amount),
                );
                row
            });
        let positions = account.positions.iter().map(|p| {
            let instrument = &snapshot.instruments[p.instrument];
            let decimals = if instrument.settlement == Settlement::Linear {
                records::units::TICK_DECIMALS
            } else {
                COIN_DECIMALS
            };
            let quantity = Decimal::from_int(i128::from(p.lots.0))
                .checked_mul(&instrument.lot)
                .unwrap_or(Decimal::ZERO);
            let mut row: [String; 11] = Default::default();
            row[..3].clone_from_slice(&[
                account.id.clone(),
                "position".into(),
                instrument.symbol.clone(),
            ]);
            row[8] = if p.side == Side::Long {
                "long"
            } else {
                "short"
            }
            .into();
            row[9] = quantity.to_string();
            row[10] = Decimal::new(i128::from(p.entry), decimals).to_string();
            row
        });
        balances.chain(positions)
    })
}

/// The header of [`rows`].
fn header() -> [&'static str; 11] {
    let mut names = COLUMNS;
    names[10] = ENTRY_NOTIONAL;
    names
}

/// Writes a book in the format its name asks for.
///
/// # Errors
/// If the file cannot be written, or its name asks for no format that there is.
pub fn write_book(path: &Path, book: &Book, snapshot: &Snapshot) -> std::io::Result<()> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("parquet") => write_parquet(path, book, snapshot),
        Some("json") => write_json(path, book, snapshot),
        Some("csv") => {
            let mut writer = csv::Writer::from_path(path)?;
            writer.write_record(header())?;
            for row in rows(book, snapshot) {
                writer.write_record(&row)?;
            }
            writer.flush()
        }
        _ => Err(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "a book is a .json, .csv or .parquet file; rename it",
        )),
    }
}

fn write_parquet(path: &Path, book: &Book, snapshot: &Snapshot) -> std::io::Result<()> {
    let all: Vec<[String; 11]> = rows(book, snapshot).collect();
    let fields: Vec<String> = header()
        .iter()
        .map(|n| format!("REQUIRED BINARY {n} (STRING);"))
        .collect();
    let schema = format!("message book {{ {} }}", fields.concat());
    let write = || -> Result<(), parquet::errors::ParquetError> {
        let schema = Arc::new(parse_message_type(&schema)?);
        let file = std::fs::File::create(path)?;
        let mut writer = SerializedFileWriter::new(file, schema, Default::default())?;
        let mut group = writer.next_row_group()?;
        for c in 0..header().len() {
            let values: Vec<ByteArray> = all.iter().map(|r| r[c].as_str().into()).collect();
            if let Some(mut column) = group.next_column()? {
                column
                    .typed::<ByteArrayType>()
                    .write_batch(&values, None, None)?;
                column.close()?;
            }
        }
        group.close()?;
        writer.close()?;
        Ok(())
    };
    write().map_err(std::io::Error::other)
}

fn write_json(path: &Path, book: &Book, snapshot: &Snapshot) -> std::io::Result<()> {
    let mut accounts: Vec<JsonAccount> = Vec::new();
    for row in rows(book, snapshot) {
        if accounts.last().is_none_or(|a| a.account != row[0]) {
            accounts.push(JsonAccount {
                account: row[0].clone(),
                balances: Pairs::default(),
                positions: Vec::new(),
            });
        }
        let account = accounts.last_mut().expect("pushed above");
        if row[1] == "balance" {
            let amounts = AMOUNTS
                .iter()
                .zip(&row[3..8])
                .map(|(n, v)| ((*n).to_string(), v.parse().unwrap_or(Decimal::ZERO)));
            let amounts = Pairs(amounts.collect());
            account.balances.0.push((row[2].clone(), amounts));
        } else {
            let names = ["instrument", "side", "quantity", ENTRY_NOTIONAL];
            let values = [&row[2], &row[8], &row[9], &row[10]];
            let fields = names
                .iter()
                .zip(values)
                .map(|(n, v)| ((*n).to_string(), v.clone().into()));
            account.positions.push(Pairs(fields.collect()));
        }
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    serde_json::to_writer_pretty(&mut file, &JsonBook { accounts })?;
    file.flush()
}

/// Writes a market.
///
/// # Errors
/// If the file cannot be written.
pub fn write_market(path: &Path, snapshot: &Snapshot) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    serde_json::to_writer_pretty(&mut file, snapshot)?;
    file.flush()
}
