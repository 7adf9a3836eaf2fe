//! What became of each order, as a CSV file with the names of FIX: one line for each record of `orders.csv`.

use fixed::Decimal;
use records::record::{Column, Kind, Record};
use records::units::{Lots, TICK_DECIMALS, Ticks};

use super::orders::{Line, SentOrder};
use super::units::Traded;
use crate::auction::{Fill, Ladder, Level, UNBOUNDED};
use crate::book::Side;
use crate::snapshot::Snapshot;

/// What became of a record of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillRow {
    /// The trader's id of the record: `ClOrdID` (11).
    pub id: String,
    /// The account: `Account` (1).
    pub account: String,
    /// The instrument's number in the market, which `Symbol` (55) names.
    pub instrument: usize,
    /// `Side` (54): long bought, short sold; none of a cancel.
    pub side: Option<Side>,
    /// Lots that traded. `LastQty` (32) has them in contracts.
    pub filled: Lots,
    /// The clearing price, in ticks a lot, if anything traded. `LastPx` (31) has it in the quote currency a contract.
    pub price: Option<Ticks<u64>>,
    /// What the trade cost on top, in ticks; negative for a rebate. `Commission` (12) has it in the quote currency.
    pub commission: Ticks<i64>,
    /// Lots of the record that did not trade. `LeavesQty` (151) has them in contracts. They live on in no later auction.
    pub leaves: Lots,
    /// `OrdStatus` (39).
    pub status: Status,
    /// Why, in words: `Text` (58).
    pub text: String,
}

/// What an order came to; `OrdStatus` in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It traded whole.
    Filled,
    /// It traded in part.
    PartiallyFilled,
    /// It took part and did not trade.
    NotFilled,
    /// It took back what was sent before.
    Canceled,
    /// A later order took its place.
    Replaced,
    /// It took no part.
    Rejected,
}

impl Status {
    /// The words of a file.
    pub fn words(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::PartiallyFilled => "partially filled",
            Self::NotFilled => "not filled",
            Self::Canceled => "canceled",
            Self::Replaced => "replaced",
            Self::Rejected => "rejected",
        }
    }

    /// Of an order that took part.
    fn of(filled: Lots, leaves: Lots) -> Self {
        match (filled, leaves) {
            (Lots(0), _) => Self::NotFilled,
            (_, Lots(0)) => Self::Filled,
            _ => Self::PartiallyFilled,
        }
    }
}

/// How an auction ended for an order.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// It took part, and its auction cleared at a price.
    Cleared {
        /// In ticks a lot.
        price: Ticks<u64>,
        /// What it traded, all levels together.
        fill: &'a Fill,
        /// Most lots that it might buy and sell, since it only reduces; levels take from them in their order. Other orders have no such
        /// bound, so that theirs are as many as an order can have.
        most: [Lots; 2],
    },
    /// It took part, and nothing traded at any price.
    NoTrade,
    /// It took no part.
    Void {
        /// Canceled, replaced or rejected.
        status: Status,
        /// Why, in words.
        reason: &'a str,
    },
}

/// The rows of an order, one for each of its records. What it traded falls on its best limits first ([`SentOrder::shares`]); fees and
/// rebates are shared in proportion, so that the rows add up to those of the order.
///
/// # Errors
/// If its instrument does not trade.
pub fn rows(
    snapshot: &Snapshot,
    order: &SentOrder,
    ending: Ending<'_>,
) -> Result<Vec<FillRow>, String> {
    let traded = Traded::new(snapshot, order.instrument)?;
    let none = Fill::default();
    let (fill, most) = match ending {
        Ending::Cleared { fill, most, .. } => (fill, most),
        _ => (&none, UNBOUNDED),
    };
    let effective = SentOrder {
        levels: Ladder(order.levels.clone()).within(most).0,
        ..order.clone()
    };
    let shares = effective.shares(fill.bought, fill.sold);
    let total = fill.bought + fill.sold;
    let commission = i128::from(fill.fee.0) - i128::from(fill.rebate.0);
    let (mut counted, mut paid) = (0, 0);
    let mut rows = Vec::with_capacity(order.lines.len());
    for line in &order.lines {
        for (side, quantity, allowed, filled) in
            parts(line, &order.levels, &effective.levels, &shares)
        {
            // Cumulative, so that the parts add up to the whole.
            counted += i128::from(filled.0);
            let until = (commission * counted)
                .checked_div(i128::from(total.0))
                .unwrap_or(0);
            let part = until - paid;
            paid = until;
            let leaves = quantity.lots - filled;
            let (status, text) = match ending {
                Ending::Void { status, reason } => (status, reason.to_string()),
                Ending::NoTrade => (
                    Status::NotFilled,
                    "nothing traded at any price of the auction".to_string(),
                ),
                Ending::Cleared { price, .. } => {
                    let reaches = match side {
                        Side::Long => quantity.limit >= price,
                        Side::Short => quantity.limit <= price,
                    };
                    let text = words(
                        &traded,
                        price,
                        reaches,
                        [quantity.lots, allowed, filled],
                        side,
                    );
                    (Status::of(filled, leaves), text)
                }
            };
            rows.push(FillRow {
                id: line.id.clone(),
                account: order.account.clone(),
                instrument: order.instrument,
                side: Some(side),
                filled,
                price: match ending {
                    Ending::Cleared { price, .. } if filled > Lots(0) => Some(price),
                    _ => None,
                },
                // At most a tenth of what traded, which is below 2^60.
                commission: Ticks(part as i64),
                leaves,
                status,
                text,
            });
        }
        if line.bid.is_none() && line.ask.is_none() {
            rows.push(cancel(order, line, ending));
        }
    }
    Ok(rows)
}

/// The row of a record that trades nothing.
fn cancel(order: &SentOrder, line: &Line, ending: Ending<'_>) -> FillRow {
    let (status, text) = match ending {
        Ending::Void { status, reason } => (status, reason),
        _ => (
            Status::Canceled,
            "it takes back what the account sent before",
        ),
    };
    FillRow {
        id: line.id.clone(),
        account: order.account.clone(),
        instrument: order.instrument,
        side: None,
        filled: Lots(0),
        price: None,
        commission: Ticks(0),
        leaves: Lots(0),
        status,
        text: text.to_string(),
    }
}

/// What a record bids and asks: the side, its quantity, how much of that may trade, and what traded.
fn parts(
    line: &Line,
    levels: &[Level],
    effective: &[Level],
    shares: &[[Lots; 2]],
) -> Vec<(Side, crate::auction::Quantity, Lots, Lots)> {
    let bid = line.bid.map(|i| {
        (
            Side::Long,
            levels[i].bid,
            effective[i].bid.lots,
            shares[i][0],
        )
    });
    let ask = line.ask.map(|i| {
        (
            Side::Short,
            levels[i].ask,
            effective[i].ask.lots,
            shares[i][1],
        )
    });
    bid.into_iter().chain(ask).collect()
}

/// Why a record that took part traded so much of its lots, of which some may not have been allowed to.
fn words(
    traded: &Traded<'_>,
    price: Ticks<u64>,
    reaches: bool,
    [lots, allowed, filled]: [Lots; 3],
    side: Side,
) -> String {
    let price = traded.price(price);
    let capped = match allowed < lots {
        true => format!(
            "it only reduces, and the position leaves {} of it to trade; ",
            traded.quantity(allowed)
        ),
        false => String::new(),
    };
    let (own, other) = match side {
        Side::Long => ("bids", "offered"),
        Side::Short => ("asks", "bid for"),
    };
    let end = if !reaches {
        format!("the auction cleared at {price}, beyond its limit")
    } else if filled == allowed {
        match (capped.is_empty(), allowed) {
            (true, _) => format!("all of it traded at {price}"),
            (false, Lots(0)) => "nothing traded".into(),
            (false, _) => format!("all of that traded at {price}"),
        }
    } else {
        format!(
            "at {price} there were more {own} than was {other}, and those at the price itself shared pro rata"
        )
    };
    capped + &end
}

/// The columns of the file.
pub fn record() -> Record {
    let number = |name: &str, about: &str, unit: &str| {
        Column::new(name, Kind::number(), about)
            .unit(unit)
            .may_be_empty()
    };
    let status = [
        Status::Filled,
        Status::PartiallyFilled,
        Status::NotFilled,
        Status::Canceled,
        Status::Replaced,
        Status::Rejected,
    ];
    Record::new(
        "fills",
        "What became of each order of an auction, one record for each limit that was sent; written by the program.",
        vec![
            Column::new("ClOrdID", Kind::Id, "the trader's id (FIX 11)"),
            Column::new("Account", Kind::Account, "whose it is (1)"),
            Column::new("Symbol", Kind::Text, "the instrument (55)"),
            Column::new("Side", Kind::code(&["buy", "sell"]), "bought or sold (54)").may_be_empty(),
            number("LastQty", "what traded (32)", "contracts"),
            number(
                "LastPx",
                "the price of all that traded (31)",
                "quote currency a contract",
            ),
            number(
                "Commission",
                "the fee; negative for a rebate (12)",
                "quote currency",
            ),
            number("LeavesQty", "what did not trade (151)", "contracts"),
            Column::new(
                "OrdStatus",
                Kind::code(&status.map(Status::words)),
                "what it came to (39)",
            ),
            Column::new("Text", Kind::Text, "why (58)").may_be_empty(),
        ],
    )
}

/// The file's text.
///
/// # Errors
/// If an instrument does not trade.
pub fn write_fills(snapshot: &Snapshot, rows: &[FillRow]) -> Result<String, String> {
    let record = record();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put = |cells: &[String]| writer.write_record(cells).map_err(|e| e.to_string());
    let header: Vec<String> = record.columns.iter().map(|c| c.name.clone()).collect();
    put(&header)?;
    for row in rows {
        let traded = Traded::new(snapshot, row.instrument)?;
        let side = row.side.map(|side| match side {
            Side::Long => "buy",
            Side::Short => "sell",
        });
        let commission = Decimal::new(i128::from(row.commission.0), TICK_DECIMALS);
        put(&[
            row.id.clone(),
            row.account.clone(),
            snapshot.instruments[row.instrument].symbol.clone(),
            side.unwrap_or_default().into(),
            traded.quantity(row.filled).to_string(),
            row.price
                .map_or(String::new(), |p| traded.price(p).to_string()),
            commission.normalized().to_string(),
            traded.quantity(row.leaves).to_string(),
            row.status.words().into(),
            row.text.clone(),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}
