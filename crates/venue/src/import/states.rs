//! A venue's scenarios, state and trades.
//!
//! - Scenarios: JSON, a [`ScenarioSet`] as it is.
//! - State: JSON, amounts in the quote currency and quantities in lots by market, such as
//!   `{"capital": "900", "providers": "100", "entry": "12.5", "quantities": {"BTC": 5, "ETH": -12}}`; a market that is
//!   not named has none, `entry` and `collected` are zero if absent, and the state is as of `as_of_ms` (milliseconds since
//!   1970) or, if that is absent, as of the scenarios. What was collected was so since `collected_since_ms`; if that is
//!   absent, as of the state.
//! - Trades: a table with columns `market`, `lots` (negative if the trader sells) and `price` of a lot (the market's value
//!   if empty). With two more columns a line may also be a transfer: `transfer` says whose money moves (`capital`,
//!   `providers` or `collected`) and `amount` how much comes in, negative if it goes out; the other columns are empty. A line
//!   whose `transfer` is `roll` moves all that was collected into capital, and `amount` says when: `2026-11-26T18:48:06Z`.

use std::path::Path;

use fixed::Decimal;
use serde::{Deserialize, Serialize};

use crate::scenarios::{MAX_VALUE, ScenarioSet};
use crate::state::{Change, Trade, Transfer, VenueState, quantity_fits};
use records::date::moment_of;
use records::files::json;
use records::files::{At, ImportError, read_file};
use records::json::Pairs;
use records::record::{Column, Kind, Record};
use records::table::Table;
use records::units::{Lots, TICK_DECIMALS, Ticks};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    #[serde(default)]
    as_of_ms: Option<u64>,
    capital: Decimal,
    providers: Decimal,
    #[serde(default = "zero")]
    entry: Decimal,
    #[serde(default = "zero")]
    collected: Decimal,
    #[serde(default)]
    collected_since_ms: Option<u64>,
    quantities: Pairs<Lots<i64>>,
}

fn zero() -> Decimal {
    Decimal::ZERO
}

/// Reads a scenario set.
///
/// # Errors
/// Says what is wrong where.
pub fn read_scenarios(path: &Path) -> Result<ScenarioSet, ImportError> {
    let file = At::file(path);
    let set: ScenarioSet = json(&file, &read_file(path)?)?;
    set.validate()
        .map_err(|e| file.error(None, e.to_string()))?;
    Ok(set)
}

/// Writes a scenario set.
///
/// # Errors
/// If the file cannot be written.
pub fn write_scenarios(path: &Path, set: &ScenarioSet) -> std::io::Result<()> {
    std::fs::write(path, serde_json::to_vec(set)?)
}

fn market(at: &At, set: &ScenarioSet, name: &str) -> Result<usize, ImportError> {
    let found = set.markets.iter().position(|m| m.symbol == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = set.markets.iter().map(|m| m.symbol.as_str()).collect();
        at.error(
            Some("market"),
            format!(
                "there is no market `{name}` in the scenarios; they have {}",
                known.join(", ")
            ),
        )
    })
}

fn quantity(at: &At, field: &str, lots: Lots<i64>) -> Result<Lots<i64>, ImportError> {
    if quantity_fits(lots) {
        Ok(lots)
    } else {
        Err(at.error(
            Some(field),
            format!("{lots} lots do not fit; use a larger lot"),
        ))
    }
}

fn whole_ticks(at: &At, field: &str, amount: &Decimal) -> Result<Ticks, ImportError> {
    let fail = |problem: String| Err(at.error(Some(field), problem));
    match amount.rescale_exact(TICK_DECIMALS) {
        Ok(ticks) if ticks.unsigned_abs() < 1 << 58 => Ok(Ticks(ticks as i64)),
        Ok(_) => fail(format!("{amount} is too large")),
        Err(_) => fail(format!("{amount} has more than six decimals; cut it")),
    }
}

fn positive_ticks(at: &At, field: &str, amount: &Decimal) -> Result<Ticks<u64>, ImportError> {
    let ticks = whole_ticks(at, field, amount)?.narrow();
    ticks.ok_or_else(|| at.error(Some(field), format!("{amount} is negative")))
}

/// Reads a venue's state over the markets of a scenario set.
///
/// # Errors
/// Says what is wrong where.
pub fn read_state(path: &Path, set: &ScenarioSet) -> Result<VenueState, ImportError> {
    let file = At::file(path);
    let state: StateFile = json(&file, &read_file(path)?)?;
    let mut quantities = vec![Lots(0); set.markets.len()];
    for (name, lots) in state.quantities.iter() {
        let at = file.path(format!("quantities.{name}"));
        quantities[market(&at, set, name)?] = quantity(&at, name, *lots)?;
    }
    let as_of_ms = state.as_of_ms.unwrap_or(set.as_of_ms);
    let since_ms = state.collected_since_ms.unwrap_or(as_of_ms);
    if since_ms > as_of_ms {
        let problem = "is after the state's date";
        return Err(file.error(Some("collected_since_ms"), problem));
    }
    Ok(VenueState {
        as_of_ms,
        collected_since_ms: since_ms,
        quantities,
        entry: whole_ticks(&file, "entry", &state.entry)?,
        capital: positive_ticks(&file, "capital", &state.capital)?,
        providers: positive_ticks(&file, "providers", &state.providers)?,
        collected: positive_ticks(&file, "collected", &state.collected)?,
    })
}

/// Writes a venue's state.
///
/// # Errors
/// If the file cannot be written.
pub fn write_state(path: &Path, state: &VenueState, set: &ScenarioSet) -> std::io::Result<()> {
    let names = set.markets.iter().map(|m| m.symbol.clone());
    let file = StateFile {
        as_of_ms: Some(state.as_of_ms),
        capital: state.capital.to_quote(),
        providers: state.providers.to_quote(),
        entry: state.entry.to_quote(),
        collected: state.collected.to_quote(),
        collected_since_ms: Some(state.collected_since_ms),
        quantities: Pairs(names.zip(state.quantities.iter().copied()).collect()),
    };
    std::fs::write(path, serde_json::to_vec_pretty(&file)?)
}

/// A trade as it is written in files and on the command line.
///
/// # Errors
/// Says what is wrong in which field.
pub(super) fn trade(
    at: &At,
    set: &ScenarioSet,
    name: &str,
    lots: &str,
    price: &str,
) -> Result<Trade, ImportError> {
    let market = market(at, set, name)?;
    let number: i64 = lots.parse().map_err(|_| {
        at.error(
            Some("lots"),
            format!("'{lots}' is not a whole number; write -3 for a sale of three lots"),
        )
    })?;
    if number == 0 {
        let problem =
            "a trade of 0 lots is none; give a number other than 0 or leave the trade out";
        return Err(at.error(Some("lots"), problem));
    }
    let price = if price.is_empty() {
        Ticks(set.markets[market].value)
    } else {
        positive_ticks(at, "price", &at.number("price", price)?)?
    };
    if price.0 >= MAX_VALUE {
        return Err(at.error(Some("price"), "a lot costs too much; use a smaller lot"));
    }
    Ok(Trade {
        market,
        lots: quantity(at, "lots", Lots(number))?,
        price,
    })
}

const MARKET: usize = 0;
const LOTS: usize = 1;
const PRICE: usize = 2;
const TRANSFER: usize = 3;
const AMOUNT: usize = 4;

/// A trade or a transfer.
pub fn record() -> Record {
    let lots = Kind::Whole {
        min: i128::MIN,
        max: i128::MAX,
    };
    Record::new(
        "trades",
        "What changed a venue's state, one record a trade or a transfer of money.",
        vec![
            Column::new("market", Kind::Text, "the market of a trade").may_be_empty(),
            Column::new("lots", lots, "how many are bought, negative if the trader sells").unit("lots").may_be_empty(),
            Column::new("price", Kind::number(), "the price of a lot; the market's value if empty").unit("quote currency").may_be_empty(),
            Column::new("transfer", Kind::code(&["capital", "providers", "collected", "roll"]), "whose money moves; `roll` moves all that was collected into capital").optional(),
            Column::new("amount", Kind::Text, "how much comes in, negative if it goes out; of a roll when, as 2026-11-26T18:48:06Z").unit("quote currency").optional(),
        ],
    )
}

/// Reads a list of trades and transfers.
///
/// # Errors
/// Says what is wrong where.
pub fn read_changes(path: &Path, set: &ScenarioSet) -> Result<Vec<Change>, ImportError> {
    let mut table = Table::of(path, record())?;
    let may_move = match [TRANSFER, AMOUNT].map(|column| table.has(column)) {
        [a, b] if a == b => a,
        _ => {
            let problem = "columns `transfer` and `amount` go together; give both or none";
            return Err(table.file().line(1).error(None, problem));
        }
    };
    let mut changes = Vec::new();
    while let Some(row) = table.next_row()? {
        let [name, lots, price] = [
            row.text(MARKET)?.unwrap_or_default(),
            row.text(LOTS)?.unwrap_or_default(),
            row.text(PRICE)?.unwrap_or_default(),
        ];
        let kind = if may_move { row.text(TRANSFER)? } else { None };
        let Some(kind) = kind else {
            if may_move && row.text(AMOUNT)?.is_some() {
                let problem =
                    "belongs to a transfer; say in `transfer` whose money moves, or leave it empty";
                return Err(row.error(AMOUNT, problem));
            }
            changes.push(trade(&row.at(), set, &name, &lots, &price)?.into());
            continue;
        };
        if [name, lots, price].iter().any(|text| !text.is_empty()) {
            let problem = "a line is a trade or a transfer; leave market, lots and price empty for a transfer";
            return Err(row.error(TRANSFER, problem));
        }
        changes.push(transfer(
            &row.at(),
            &kind,
            &row.text(AMOUNT)?.unwrap_or_default(),
        )?);
    }
    Ok(changes)
}

/// A transfer as it is written in files.
fn transfer(at: &At, kind: &str, amount: &str) -> Result<Change, ImportError> {
    if kind == "roll" {
        let at_ms = moment_of(amount).ok_or_else(|| {
            let problem = format!(
                "'{amount}' is no moment in UTC; write when the window rolls, such as 2026-11-26T18:48:06Z"
            );
            at.error(Some("amount"), problem)
        })?;
        return Ok(Change::Roll { at_ms });
    }
    let amount = whole_ticks(at, "amount", &at.number("amount", amount)?)?;
    let mut transfer = Transfer::default();
    match kind {
        "capital" => transfer.capital = amount,
        "providers" => transfer.providers = amount,
        "collected" => transfer.collected = amount,
        _ => {
            let problem = format!("'{kind}' is none of capital, providers, collected, roll");
            return Err(at.error(Some("transfer"), problem));
        }
    }
    Ok(Change::Transfer(transfer))
}

/// Reads a trade written as `MARKET:LOTS` or `MARKET:LOTS:PRICE`.
///
/// # Errors
/// Says what is wrong in which field.
pub fn parse_trade(text: &str, set: &ScenarioSet) -> Result<Trade, ImportError> {
    let at = At {
        file: format!("trade `{text}`"),
        place: None,
    };
    let mut fields = text.split(':');
    match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(name), Some(lots), price, None) => {
            trade(&at, set, name, lots, price.unwrap_or_default())
        }
        _ => Err(at.error(
            None,
            "write MARKET:LOTS or MARKET:LOTS:PRICE, such as BTC:-3",
        )),
    }
}

/// Writes a list of trades.
///
/// # Errors
/// If the file cannot be written.
pub fn write_trades(path: &Path, trades: &[Trade], set: &ScenarioSet) -> std::io::Result<()> {
    let mut text = String::from("market,lots,price\n");
    for trade in trades {
        let symbol = &set.markets[trade.market].symbol;
        text += &format!("{symbol},{},{}\n", trade.lots, trade.price.to_quote());
    }
    std::fs::write(path, text)
}
