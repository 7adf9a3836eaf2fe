//! Sealbook's own layout.
//!
//! A market is one JSON file, the serialized [`Snapshot`]; numbers with a point stand in quotes, so
//! that no digit is lost. Each instrument names its `underlying`: what its price follows, such as `BTC`.
//!
//! A book is a table of records, one per balance or position ([`record`]):
//!
//! ```csv
//! account,record,name,equity,debt,loan,margin,portfolio,side,quantity,entry_price
//! alice,balance,USD,25000.00,0,0,25000.00,0,,,
//! alice,position,BTC-PERP,,,,,,long,0.5,64120.5
//! ```
//!
//! `quantity` is in contracts and must be a whole number of lots. `entry_price` may be replaced by a
//! column `entry_notional` (the whole position's, in the quote currency, or in coin for inverse
//! instruments). Empty amounts are zero; an asset without a record is held at zero. Or as JSON:
//!
//! ```json
//! {"accounts": [{"account": "alice",
//!   "balances": {"USD": {"equity": "25000.00", "margin": "25000.00"}},
//!   "positions": [{"instrument": "BTC-PERP", "side": "long", "quantity": "0.5", "entry_price": "64120.5"}]}]}
//! ```
//!
//! An entry is computed from its price against the account: what was paid is rounded up, what was
//! received down, to a tick or to 10^-8 coin.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use fixed::{Decimal, Rounding};
use serde::{Deserialize, Serialize};

use super::units;
pub use super::write::{write_book, write_market};
use crate::balances::Balances;
use crate::book::{Account, Balance, Book, Position, Side};
use crate::snapshot::{self, Instrument, Settlement, Snapshot};
use records::files::json;
use records::files::{At, ImportError, read_file};
use records::json::Pairs;
use records::record::{Code, Column, Kind, Record};
use records::table::{Row, Table};
use records::units::{Lots, MAX_AMOUNT};

/// Decimals of a coin entry.
pub(super) const COIN_DECIMALS: u8 = 8;

/// Reads a market.
///
/// # Errors
/// Says what is wrong where.
pub fn read_market(path: &Path) -> Result<Snapshot, ImportError> {
    let file = At::file(path);
    let snapshot: Snapshot = json(&file, &read_file(path)?)?;
    snapshot
        .validate()
        .map_err(|e| file.path(e.field).error(None, e.problem))?;
    Ok(snapshot)
}

/// Reads a book, a table or a JSON object; the format follows from the name.
///
/// # Errors
/// Says what is wrong where.
pub fn read_book(path: &Path, snapshot: &Snapshot) -> Result<Book, ImportError> {
    let file = At::file(path);
    match path.extension().and_then(|e| e.to_str()) {
        Some("json") if is_nested(&read_file(path)?) => read_json(path, &file, snapshot),
        _ => read_records(path, &file, snapshot),
    }
}

/// Whether a JSON book is one object with accounts: else it is a table of records.
fn is_nested(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let inside = text.trim_ascii_start().strip_prefix(b"{");
    inside.is_some_and(|inside| inside.trim_ascii_start().starts_with(b"\"accounts\""))
}

/// The columns of a record.
pub(super) const COLUMNS: [&str; 11] = [
    "account",
    "record",
    "name",
    "equity",
    "debt",
    "loan",
    "margin",
    "portfolio",
    "side",
    "quantity",
    "entry_price",
];
pub(super) const ENTRY_NOTIONAL: &str = "entry_notional";
pub(super) const AMOUNTS: [&str; 5] = ["equity", "debt", "loan", "margin", "portfolio"];

/// Pledges are part of equity.
fn check_pledges(at: &At, symbol: &str, amounts: &[u64; 5]) -> Result<(), ImportError> {
    let [equity, _, loan, margin, portfolio] = *amounts;
    if u128::from(loan) + u128::from(margin) + u128::from(portfolio) > u128::from(equity) {
        return Err(at.error(
            Some(symbol),
            "more is pledged (loan, margin and portfolio together) than the account has; lower a pledge",
        ));
    }
    Ok(())
}

/// What an entry was given as.
enum Entry<'a> {
    Price(&'a str),
    Notional(&'a str),
}

impl Entry<'_> {
    /// In ticks, or in units of 10^-8 coin.
    fn units(
        &self,
        at: &At,
        instrument: &Instrument,
        side: Side,
        quantity: &Decimal,
    ) -> Result<u64, ImportError> {
        match self {
            Self::Price(text) => {
                let price = at.number("entry_price", text)?;
                entry_of(instrument, side, quantity, &price)
                    .ok_or_else(|| at.error(Some("entry_price"), format!("{price} gives no entry that fits; it must be above zero and not too large")))
            }
            Self::Notional(text) => {
                let notional = at.number(ENTRY_NOTIONAL, text)?;
                let decimals = if instrument.settlement == Settlement::Linear {
                    records::units::TICK_DECIMALS
                } else {
                    COIN_DECIMALS
                };
                notional.rescale_exact(decimals).ok().and_then(|n| u64::try_from(n).ok()).filter(|n| *n < MAX_AMOUNT)
                    .ok_or_else(|| at.error(Some(ENTRY_NOTIONAL), format!("{notional} is negative, too large, or has more than {decimals} decimals")))
            }
        }
    }
}

/// Puts records together into accounts, in the order in which they first appear.
struct Builder<'a> {
    snapshot: &'a Snapshot,
    assets: HashMap<&'a str, usize>,
    instruments: HashMap<&'a str, usize>,
    accounts: Vec<Account>,
    index: HashMap<String, usize>,
    seen: HashMap<(usize, bool, usize), At>,
}

impl<'a> Builder<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let assets = snapshot
            .assets
            .iter()
            .enumerate()
            .map(|(i, a)| (a.symbol.as_str(), i))
            .collect();
        let instruments = snapshot
            .instruments
            .iter()
            .enumerate()
            .map(|(i, a)| (a.symbol.as_str(), i))
            .collect();
        Self {
            snapshot,
            assets,
            instruments,
            accounts: Vec::new(),
            index: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    fn account(&mut self, at: &At, id: &str) -> Result<usize, ImportError> {
        if id.is_empty() {
            return Err(at.error(Some("account"), "is empty; every record names its account"));
        }
        if let Some(&i) = self.index.get(id) {
            return Ok(i);
        }
        if !records::names::is_id(id) {
            let problem = format!("`{}` {}", id.escape_debug(), records::names::NO_ID);
            return Err(at.error(Some("account"), problem));
        }
        records::text::check_id(id).map_err(|e| at.error(Some("account"), e))?;
        self.index.insert(id.to_string(), self.accounts.len());
        self.accounts.push(Account {
            id: id.to_string(),
            balances: Balances::none(self.snapshot.assets.len()),
            positions: Vec::new(),
        });
        Ok(self.accounts.len() - 1)
    }

    fn once(
        &mut self,
        at: &At,
        account: usize,
        position: bool,
        name: usize,
    ) -> Result<(), ImportError> {
        if self
            .seen
            .insert((account, position, name), at.clone())
            .is_some()
        {
            return Err(at.error(
                Some("name"),
                format!(
                    "account `{}` has this {} twice; merge the two records",
                    self.accounts[account].id,
                    if position { "position" } else { "balance" }
                ),
            ));
        }
        Ok(())
    }

    fn balance(
        &mut self,
        at: &At,
        id: &str,
        asset: &str,
        amounts: [&str; 5],
    ) -> Result<(), ImportError> {
        let account = self.account(at, id)?;
        let Some(&i) = self.assets.get(asset) else {
            return Err(at.error(
                Some("name"),
                format!("asset `{asset}` is not in the market; add it there or correct the name"),
            ));
        };
        self.once(at, account, false, i)?;
        let decimals = self.snapshot.assets[i].decimals;
        let mut units = [0; 5];
        for ((unit, field), text) in units.iter_mut().zip(AMOUNTS).zip(amounts) {
            *unit = at.amount(field, text, decimals)?;
        }
        check_pledges(at, asset, &units)?;
        let [equity, debt, loan, margin, portfolio] = units;
        self.accounts[account].balances[i] = Balance {
            equity,
            debt,
            loan,
            margin,
            portfolio,
        };
        Ok(())
    }

    fn position(
        &mut self,
        at: &At,
        id: &str,
        name: &str,
        side: &str,
        quantity: &str,
        entry: &Entry<'_>,
    ) -> Result<(), ImportError> {
        let account = self.account(at, id)?;
        let Some(&i) = self.instruments.get(name) else {
            return Err(at.error(
                Some("name"),
                format!(
                    "instrument `{name}` is not in the market; add it there or correct the name"
                ),
            ));
        };
        self.once(at, account, true, i)?;
        let side = side_of(at, side)?;
        let instrument = &self.snapshot.instruments[i];
        let amount = at.number("quantity", quantity)?;
        let lots = lots_of(at, &amount, &instrument.lot)?;
        let entry = entry.units(at, instrument, side, &amount)?;
        let positions = &mut self.accounts[account].positions;
        let place = positions.partition_point(|p| p.instrument < i);
        positions.insert(
            place,
            Position {
                instrument: i,
                side,
                lots,
                entry,
            },
        );
        Ok(())
    }

    fn finish(self, file: &At) -> Result<Book, ImportError> {
        if self.accounts.is_empty() {
            return Err(file.error(None, "holds no account"));
        }
        Book::new(self.snapshot, self.accounts)
            .map_err(|e| file.error(Some("account"), e.to_string()))
    }
}

fn side_of(at: &At, text: &str) -> Result<Side, ImportError> {
    match text {
        "long" => Ok(Side::Long),
        "short" => Ok(Side::Short),
        other => Err(at.error(Some("side"), format!("'{other}' is neither long nor short"))),
    }
}

/// A quantity in lots.
fn lots_of(at: &At, quantity: &Decimal, lot: &Decimal) -> Result<Lots, ImportError> {
    units::lots(quantity, lot).map_err(|problem| at.error(Some("quantity"), problem))
}

/// The entry of a position, rounded against the account.
fn entry_of(
    instrument: &Instrument,
    side: Side,
    quantity: &Decimal,
    price: &Decimal,
) -> Option<u64> {
    if *price <= Decimal::ZERO {
        return None;
    }
    let contracts = quantity.checked_mul(&instrument.contract_size).ok()?;
    let inverse = instrument.settlement != Settlement::Linear;
    let receives = match (&instrument.kind, inverse) {
        (snapshot::Kind::Perpetual | snapshot::Kind::Future { .. }, true) => side == Side::Long,
        _ => side == Side::Short,
    };
    let rounding = if receives {
        Rounding::Floor
    } else {
        Rounding::Ceil
    };
    let units = match (&instrument.kind, inverse) {
        (_, false) => contracts
            .checked_mul(price)
            .ok()?
            .rescale(records::units::TICK_DECIMALS, rounding),
        (snapshot::Kind::Option { .. }, true) => contracts
            .checked_mul(price)
            .ok()?
            .rescale(COIN_DECIMALS, rounding),
        (_, true) => contracts
            .div(price, COIN_DECIMALS, rounding)
            .map(|d| d.units()),
    };
    u64::try_from(units.ok()?).ok().filter(|u| *u < MAX_AMOUNT)
}

/// One of the two ways to give an entry.
fn entry<'t>(at: &At, price: &'t str, notional: &'t str) -> Result<Entry<'t>, ImportError> {
    match (price.is_empty(), notional.is_empty()) {
        (false, true) => Ok(Entry::Price(price)),
        (true, false) => Ok(Entry::Notional(notional)),
        (true, true) => Err(at.error(
            Some("entry_price"),
            "is empty; a position needs the price or the notional it was entered at",
        )),
        (false, false) => Err(at.error(
            Some(ENTRY_NOTIONAL),
            "stands beside `entry_price`; give one of the two",
        )),
    }
}

/// The first of a balance's amounts.
const BALANCE: usize = 3;
/// The first of a position's columns: side, quantity, entry price and notional.
const POSITION: usize = 8;
const PRICE: usize = 10;
const NOTIONAL: usize = 11;

fn read_row(builder: &mut Builder<'_>, row: &Row<'_>) -> Result<(), ImportError> {
    let (account, name): (String, String) = (row.need(ACCOUNT)?, row.need(NAME)?);
    let is_balance = row.need::<Code>(RECORD)?.0 == 0;
    let text =
        |column| -> Result<Cow<'_, str>, ImportError> { Ok(row.text(column)?.unwrap_or_default()) };
    // What is filled in is meant: a record must not hold what its kind does not read.
    let (mut stray, kind) = match is_balance {
        true => (POSITION..NOTIONAL + 1, "balance"),
        false => (BALANCE..POSITION, "position"),
    };
    if let Some(column) = stray.find(|column| !matches!(row.text(*column), Ok(None))) {
        return Err(row.error(
            column,
            format!("does not belong in a {kind} record; leave it empty"),
        ));
    }
    let at = row.at();
    if is_balance {
        let mut texts: [Cow<'_, str>; 5] = Default::default();
        for (text_of, column) in texts.iter_mut().zip(BALANCE..POSITION) {
            *text_of = text(column)?;
        }
        return builder.balance(&at, &account, &name, texts.each_ref().map(|t| &**t));
    }
    let (side, quantity) = (text(POSITION)?, text(POSITION + 1)?);
    let (price, notional) = (text(PRICE)?, text(NOTIONAL)?);
    let entry = entry(&at, &price, &notional)?;
    builder.position(&at, &account, &name, &side, &quantity, &entry)
}

/// A balance or a position of a book.
pub fn record() -> Record {
    let amount = |name: &str, about: &str| {
        Column::new(name, Kind::number(), about)
            .unit("the asset")
            .may_be_empty()
    };
    Record::new(
        "book",
        "A book, one record a balance or a position. Empty amounts are zero; an asset without a record is held at zero. A position \
         has one of the two entry columns.",
        vec![
            Column::new("account", Kind::Account, "whose it is"),
            Column::new(
                "record",
                Kind::code(&["balance", "position"]),
                "which it is; the columns of the other are empty",
            ),
            Column::new("name", Kind::Text, "the asset or the instrument"),
            amount("equity", "what the account has"),
            amount("debt", "what it owes"),
            amount("loan", "pledged for VIP loans"),
            amount("margin", "pledged for margin"),
            amount("portfolio", "pledged for portfolio margin"),
            Column::new("side", Kind::code(&["long", "short"]), "bought or sold").may_be_empty(),
            Column::new(
                "quantity",
                Kind::number(),
                "how much, a whole number of lots",
            )
            .unit("contracts")
            .may_be_empty(),
            Column::new(
                "entry_price",
                Kind::number(),
                "what a contract was entered at",
            )
            .unit("quote currency")
            .optional(),
            Column::new(
                ENTRY_NOTIONAL,
                Kind::number(),
                "what the whole position was entered at",
            )
            .unit("quote currency, or coin if inverse")
            .optional(),
        ],
    )
}

const ACCOUNT: usize = 0;
const RECORD: usize = 1;
const NAME: usize = 2;

fn read_records(path: &Path, file: &At, snapshot: &Snapshot) -> Result<Book, ImportError> {
    let mut builder = Builder::new(snapshot);
    let mut table = Table::of(path, record())?;
    if !table.has(PRICE) && !table.has(NOTIONAL) {
        let problem =
            "the column is missing; add it, or `entry_notional`, to the header and every line";
        return Err(file.line(1).error(Some("entry_price"), problem));
    }
    while let Some(row) = table.next_row()? {
        read_row(&mut builder, &row)?;
    }
    builder.finish(file)
}
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonBook {
    pub accounts: Vec<JsonAccount>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonAccount {
    pub account: String,
    #[serde(default)]
    pub balances: Pairs<Pairs<Decimal>>,
    #[serde(default)]
    pub positions: Vec<Pairs<serde_json::Value>>,
}

fn read_json(path: &Path, file: &At, snapshot: &Snapshot) -> Result<Book, ImportError> {
    let book: JsonBook = json(file, &read_file(path)?)?;
    let mut builder = Builder::new(snapshot);
    let mut ids: HashMap<&str, usize> = HashMap::new();
    for (i, account) in book.accounts.iter().enumerate() {
        let here = file.path(format!("accounts[{i}]"));
        if let Some(first) = ids.insert(&account.account, i) {
            return Err(here.error(
                Some("account"),
                format!(
                    "duplicate account `{}`, first at accounts[{first}]; merge the two",
                    account.account
                ),
            ));
        }
        builder.account(&here, &account.account)?;
        for (asset, fields) in account.balances.iter() {
            let at = file.path(format!("accounts[{i}].balances.{asset}"));
            if let Some(unknown) = fields
                .iter()
                .map(|(k, _)| k)
                .find(|k| !AMOUNTS.contains(&k.as_str()))
            {
                return Err(at.error(
                    Some(unknown),
                    format!("is not one of {}", AMOUNTS.join(", ")),
                ));
            }
            let texts = AMOUNTS.map(|f| fields.get(f).map_or(String::new(), ToString::to_string));
            builder.balance(
                &at,
                &account.account,
                asset,
                texts.each_ref().map(String::as_str),
            )?;
        }
        for (p, fields) in account.positions.iter().enumerate() {
            let at = file.path(format!("accounts[{i}].positions[{p}]"));
            let text = |name: &str| match fields.get(name) {
                None => Ok(String::new()),
                Some(serde_json::Value::String(s)) => Ok(s.clone()),
                Some(serde_json::Value::Number(n)) if !n.is_f64() => Ok(n.to_string()),
                Some(_) => {
                    Err(at.error(Some(name), "must stand in quotes, so that no digit is lost"))
                }
            };
            let known = [
                "instrument",
                "side",
                "quantity",
                "entry_price",
                ENTRY_NOTIONAL,
            ];
            if let Some(unknown) = fields
                .iter()
                .map(|(k, _)| k)
                .find(|k| !known.contains(&k.as_str()))
            {
                return Err(at.error(Some(unknown), format!("is not one of {}", known.join(", "))));
            }
            let [name, side, quantity, price, notional] = known;
            let (price, notional) = (text(price)?, text(notional)?);
            let entry = entry(&at, &price, &notional)?;
            builder.position(
                &at,
                &account.account,
                &text(name)?,
                &text(side)?,
                &text(quantity)?,
                &entry,
            )?;
        }
    }
    builder.finish(file)
}
