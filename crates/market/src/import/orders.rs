//! Orders for an auction: a table of records, one a limit ([`record`]), in our own names or in those and the tags of FIX.
//!
//! ```csv
//! id,account,instrument,side,quantity,limit,flags,nonce
//! a1,alice,BTC-PERP,buy,0.5,64120.5,,1
//! a2,alice,BTC-PERP,buy,0.5,64080,,1
//! b7,bob,ETH-PERP,,,,cancel,9
//! ```
//!
//! The records of an account in an instrument that have one nonce are one order, a ladder of at most four bids and four asks: here
//! alice's two bids. Of several orders of an account in an instrument the one with the highest nonce lives, so a higher nonce
//! replaces, and a record with the flag `cancel` and nothing to trade takes back.
//!
//! A record has one side (`side`, `quantity`, `limit`), or both, as a quote has (`bid_limit`, `ask_limit`, `bid_quantity`,
//! `ask_quantity`; FIX 132 to 135); then it is a quote, whatever its flags. Quantities are in contracts and whole numbers of lots,
//! limits in the quote currency a contract and whole numbers of ticks a lot. What is neither is refused with what is nearest.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use fixed::Decimal;
use records::files::{ImportError, Place};
use records::record::{Code, Column, Kind, Record};
use records::table::{Row, Table};
use records::units::Lots;

use super::units::Traded;
use crate::auction::{Level, Quantity};
use crate::snapshot::Snapshot;

/// Nonces are below this.
pub const MAX_NONCE: u64 = 1 << 30;
/// Most levels of an order.
pub const MAX_LEVELS: usize = 4;

/// An order: what an account sends for an instrument at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentOrder {
    /// The account's id, which need not be in a book.
    pub account: String,
    /// The instrument's number in the market.
    pub instrument: usize,
    /// Below [`MAX_NONCE`].
    pub nonce: u64,
    /// A quote.
    pub quote: bool,
    /// It may only close what the account holds.
    pub reduce_only: bool,
    /// At most [`MAX_LEVELS`], the first bid with the first ask and so on, in the order of the file; none if it cancels.
    pub levels: Vec<Level>,
    /// The records that it was put together from.
    pub lines: Vec<Line>,
}

/// A record of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The trader's own id of it, which an account has once in a file.
    pub id: String,
    /// The level that it bids at.
    pub bid: Option<usize>,
    /// The level that it offers at.
    pub ask: Option<usize>,
}

impl SentOrder {
    /// Whether it trades nothing, and only takes back what was sent before.
    pub fn cancels(&self) -> bool {
        self.levels.is_empty()
    }

    /// How the lots that it bought and sold fall on its levels' bids and asks: on the best limits first, and on the first of
    /// equal ones. No level gets more than it has.
    pub fn shares(&self, bought: Lots, sold: Lots) -> Vec<[Lots; 2]> {
        let mut shares = vec![[Lots(0); 2]; self.levels.len()];
        for (side, total) in [bought, sold].into_iter().enumerate() {
            let quantity = |level: usize| [self.levels[level].bid, self.levels[level].ask][side];
            let mut places: Vec<usize> = (0..self.levels.len()).collect();
            // Stable, so that equal ones keep their order.
            match side {
                0 => places.sort_by_key(|place| std::cmp::Reverse(quantity(*place).limit)),
                _ => places.sort_by_key(|place| quantity(*place).limit),
            }
            let mut rest = total;
            for place in places {
                let share = rest.min(quantity(place).lots);
                shares[place][side] = share;
                rest -= share;
            }
        }
        shares
    }
}

const ID: usize = 0;
const ACCOUNT: usize = 1;
const INSTRUMENT: usize = 2;
const SIDE: usize = 3;
const QUANTITY: usize = 4;
const LIMIT: usize = 5;
const FLAGS: usize = 6;
const NONCE: usize = 7;
const BID_LIMIT: usize = 8;
const ASK_LIMIT: usize = 9;
const BID_QUANTITY: usize = 10;
const ASK_QUANTITY: usize = 11;
const TIME_IN_FORCE: usize = 12;
const EXECUTION: usize = 13;
const TYPE: usize = 14;

/// What a side is called: even ones buy.
const SIDES: [&str; 8] = ["buy", "sell", "bid", "ask", "B", "S", "1", "2"];
/// Times in force of an order that lives for one auction: FIX 2, 7 and B, and their usual letters.
const AUCTION_TIMES: [&str; 6] = ["2", "7", "B", "OPG", "ATC", "GFA"];

/// An order's record.
pub fn record() -> Record {
    let optional = |name: &str, kind: Kind, about: &str, fix: [&str; 2]| {
        Column::new(name, kind, about).also(&fix).optional()
    };
    let number = |name: &str, about: &str, unit: &str, fix: [&str; 2]| {
        optional(name, Kind::number(), about, fix).unit(unit)
    };
    const CONTRACT: &str = "quote currency a contract";
    let nonce = Kind::Whole {
        min: 0,
        max: MAX_NONCE as i128 - 1,
    };
    Record::new(
        "orders",
        "Orders for an auction, one record a limit. Records of one account, instrument and nonce are one order; of several orders the one \
         with the highest nonce lives. Names and tags of FIX are read, too.",
        vec![
            Column::new("id", Kind::Id, "the trader's id of the record").also(&["ClOrdID", "11", "QuoteID", "117"]),
            Column::new("account", Kind::Account, "whose it is").also(&["Account", "1"]),
            Column::new("instrument", Kind::Text, "what it trades").also(&["Symbol", "55"]),
            optional("side", Kind::code(&SIDES), "bought or sold", ["Side", "54"]),
            number("quantity", "how much, a whole number of lots", "contracts", ["OrderQty", "38"]),
            number("limit", "the worst price that is taken", CONTRACT, ["Price", "44"]),
            Column::new(
                "flags",
                Kind::Text,
                "any of `quote`, `reduce-only` and `cancel`, with spaces or `|` between them",
            )
            .optional(),
            Column::new("nonce", nonce, "which order of the account it belongs to; 0 if missing").optional(),
            number("bid_limit", "of a quote: what it bids", CONTRACT, ["BidPx", "132"]),
            number("ask_limit", "of a quote: what it asks", CONTRACT, ["OfferPx", "133"]),
            number("bid_quantity", "of a quote: how much it bids for", "contracts", ["BidSize", "134"]),
            number("ask_quantity", "of a quote: how much it offers", "contracts", ["OfferSize", "135"]),
            optional(
                "time_in_force",
                Kind::Text,
                "how long it lives: for one auction (`B`, `2`, `7`, `GFA`, `OPG`, `ATC`)",
                ["TimeInForce", "59"],
            ),
            optional("exec_inst", Kind::Text, "`E` (do not increase) is the flag `reduce-only`", ["ExecInst", "18"]),
            optional("ord_type", Kind::Text, "a limit order (`2` or `limit`)", ["OrdType", "40"]),
        ],
    )
    .refusing_others("is no column of an order, and may change what it means; remove it")
}

/// Reads orders, in the order in which each first stands in the file.
///
/// # Errors
/// Says what is wrong where.
pub fn read_orders(path: &Path, snapshot: &Snapshot) -> Result<Vec<SentOrder>, ImportError> {
    let mut table = Table::of(path, record())?;
    let symbols = snapshot.instruments.iter().enumerate();
    let mut builder = Builder {
        snapshot,
        instruments: symbols.map(|(i, s)| (s.symbol.as_str(), i)).collect(),
        orders: Vec::new(),
        open: HashMap::new(),
        ids: HashMap::new(),
    };
    while let Some(row) = table.next_row()? {
        builder.add(&row)?;
    }
    let orders = builder.orders.into_iter();
    Ok(orders.map(Draft::finish).collect())
}

/// An order that is being put together.
struct Draft {
    order: SentOrder,
    cancels: bool,
    /// Bids and asks.
    sides: [Vec<Quantity>; 2],
    first: Place,
}

impl Draft {
    fn finish(mut self) -> SentOrder {
        let [bids, asks] = &self.sides;
        let at = |side: &[Quantity], level: usize| side.get(level).copied().unwrap_or_default();
        self.order.levels = (0..bids.len().max(asks.len()))
            .map(|level| Level {
                bid: at(bids, level),
                ask: at(asks, level),
            })
            .collect();
        self.order
    }
}

/// What a record's flags say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    quote: bool,
    reduce_only: bool,
    cancel: bool,
}

/// Puts records together into orders.
struct Builder<'a> {
    snapshot: &'a Snapshot,
    instruments: HashMap<&'a str, usize>,
    orders: Vec<Draft>,
    open: HashMap<(String, usize, u64), usize>,
    ids: HashMap<(String, String), Place>,
}

impl Builder<'_> {
    fn add(&mut self, row: &Row<'_>) -> Result<(), ImportError> {
        let id: String = row.need(ID)?;
        let account: String = row.need(ACCOUNT)?;
        let by_account = (account.clone(), id.clone());
        if let Some(first) = self.ids.insert(by_account, row.place()) {
            let problem = format!(
                "`{id}` of `{account}` stands twice, first on {first}; give each record of an account an id of its own"
            );
            return Err(row.error(ID, problem));
        }
        let symbol: String = row.need(INSTRUMENT)?;
        let Some(&instrument) = self.instruments.get(symbol.as_str()) else {
            let problem = format!(
                "instrument `{symbol}` is not in the market; add it there or correct the name"
            );
            return Err(row.error(INSTRUMENT, problem));
        };
        let traded = Traded::new(self.snapshot, instrument);
        let traded = traded.map_err(|problem| row.error(INSTRUMENT, problem))?;
        check_type(row)?;
        check_time_in_force(row)?;
        let mut flags = flags(row)?;
        let sides = sides(row, &traded, flags.cancel)?;
        let is_two_sided = (BID_LIMIT..=ASK_QUANTITY).any(|c| !matches!(row.text(c), Ok(None)));
        flags.quote |= is_two_sided && !flags.cancel;
        let nonce = row.get::<i128>(NONCE)?.unwrap_or(0) as u64;
        let key = (account, instrument, nonce);
        let draft = match self.open.get(&key) {
            Some(place) => *place,
            None => {
                self.orders.push(draft(&key, flags, row.place()));
                self.open.insert(key, self.orders.len() - 1);
                self.orders.len() - 1
            }
        };
        self.orders[draft].add(row, id, flags, sides)
    }
}

fn draft((account, instrument, nonce): &(String, usize, u64), flags: Flags, first: Place) -> Draft {
    Draft {
        order: SentOrder {
            account: account.clone(),
            instrument: *instrument,
            nonce: *nonce,
            quote: flags.quote,
            reduce_only: flags.reduce_only,
            levels: Vec::new(),
            lines: Vec::new(),
        },
        cancels: flags.cancel,
        sides: Default::default(),
        first,
    }
}

impl Draft {
    /// Adds a record.
    fn add(
        &mut self,
        row: &Row<'_>,
        id: String,
        flags: Flags,
        sides: [Option<Quantity>; 2],
    ) -> Result<(), ImportError> {
        let first = &self.first;
        let is_first = self.order.lines.is_empty();
        if !is_first && (flags.cancel || self.cancels) {
            let problem = format!(
                "a cancel stands alone, and {first} has the same account, instrument and nonce; give the later one a higher nonce"
            );
            return Err(row.error(FLAGS, problem));
        }
        if flags.quote != self.order.quote || flags.reduce_only != self.order.reduce_only {
            let problem = format!(
                "{first} belongs to the same order and has other flags; give both the same, or another nonce"
            );
            return Err(row.error(FLAGS, problem));
        }
        let mut places = [None; 2];
        for (side, quantity) in sides.into_iter().enumerate() {
            let Some(quantity) = quantity else { continue };
            if self.sides[side].len() == MAX_LEVELS {
                let problem = format!(
                    "an order has at most {MAX_LEVELS} {}, and has these from {first} on; leave the least important one out",
                    ["bids", "asks"][side]
                );
                return Err(row.error(NONCE, problem));
            }
            places[side] = Some(self.sides[side].len());
            self.sides[side].push(quantity);
        }
        let [bid, ask] = places;
        self.order.lines.push(Line { id, bid, ask });
        Ok(())
    }
}

/// Market orders have no place in a call auction.
fn check_type(row: &Row<'_>) -> Result<(), ImportError> {
    match row.text(TYPE)?.as_deref() {
        None | Some("2" | "limit" | "Limit") => Ok(()),
        Some("1" | "market" | "Market") => Err(row.error(
            TYPE,
            "a market order has no limit, and an auction needs one: write 2 (limit), and as `limit` the worst price that you take",
        )),
        Some(other) => {
            let problem = format!("'{}' is no type of order here; only limit orders (2) trade in an auction", records::text::shown(other));
            Err(row.error(TYPE, problem))
        }
    }
}

fn check_time_in_force(row: &Row<'_>) -> Result<(), ImportError> {
    match row.text(TIME_IN_FORCE)? {
        Some(text) if !AUCTION_TIMES.contains(&&*text) => {
            let problem = format!(
                "'{}' is not the time in force of an auction order, which lives for one auction: write B (good for auction), 2 (at the opening) or \
                 7 (at the close), or leave it out, and send it again for each auction",
                records::text::shown(&text)
            );
            Err(row.error(TIME_IN_FORCE, problem))
        }
        _ => Ok(()),
    }
}

/// The flags of a record, which may also stand as FIX's `ExecInst`.
fn flags(row: &Row<'_>) -> Result<Flags, ImportError> {
    let mut flags = Flags::default();
    let text = row.text(FLAGS)?.unwrap_or_default();
    let mut seen = BTreeSet::new();
    for word in text.split([' ', '|']).filter(|word| !word.is_empty()) {
        match word {
            "quote" => flags.quote = true,
            "reduce-only" => flags.reduce_only = true,
            "cancel" => flags.cancel = true,
            other => {
                let problem = format!(
                    "'{}' is none of quote, reduce-only and cancel; remove it",
                    records::text::shown(other)
                );
                return Err(row.error(FLAGS, problem));
            }
        }
        if !seen.insert(word) {
            return Err(row.error(FLAGS, format!("`{word}` stands twice; remove one")));
        }
    }
    if flags.cancel && (flags.quote || flags.reduce_only) {
        return Err(row.error(FLAGS, "`cancel` trades nothing; remove the other flags"));
    }
    let instructions = row.text(EXECUTION)?.unwrap_or_default();
    for word in instructions.split(' ').filter(|word| !word.is_empty()) {
        let remedy = match word {
            "E" => {
                flags.reduce_only |= !flags.cancel;
                continue;
            }
            "G" => {
                "an order can't be all or none, since it shares pro rata in what trades; remove it, or send a smaller quantity"
            }
            "6" => {
                "there is no passive side in an auction, where all trade at one price; remove it"
            }
            _ => "only E (do not increase) is understood; remove it",
        };
        let problem = format!("'{}': {remedy}", records::text::shown(word));
        return Err(row.error(EXECUTION, problem));
    }
    Ok(flags)
}

/// What a record bids and asks.
fn sides(
    row: &Row<'_>,
    traded: &Traded<'_>,
    cancels: bool,
) -> Result<[Option<Quantity>; 2], ImportError> {
    if cancels {
        return no_sides(row);
    }
    let is_absent = |column: usize| matches!(row.text(column), Ok(None));
    let mut quoted = BID_LIMIT..=ASK_QUANTITY;
    let Some(first) = quoted.find(|column| !is_absent(*column)) else {
        let side: Option<Code> = row.get(SIDE)?;
        let side = side.ok_or_else(|| row.error(SIDE, "is empty; write buy or sell"))?;
        let quantity = quantity(row, traded, QUANTITY, LIMIT)?;
        let mut sides = [None; 2];
        sides[side.0 % 2] = Some(quantity);
        return Ok(sides);
    };
    if let Some(column) = (SIDE..=LIMIT).find(|column| !is_absent(*column)) {
        let problem = format!(
            "stands beside `{}`; a record is an order of one side or a quote, so remove one of them",
            row.name(first)
        );
        return Err(row.error(column, problem));
    }
    let mut sides = [None; 2];
    let columns = [(BID_QUANTITY, BID_LIMIT), (ASK_QUANTITY, ASK_LIMIT)];
    for (side, (lots, limit)) in sides.iter_mut().zip(columns) {
        if !(is_absent(lots) && is_absent(limit)) {
            *side = Some(quantity(row, traded, lots, limit)?);
        }
    }
    Ok(sides)
}

/// A cancel trades nothing: a quantity may be zero, or there is none.
fn no_sides(row: &Row<'_>) -> Result<[Option<Quantity>; 2], ImportError> {
    for column in [QUANTITY, BID_QUANTITY, ASK_QUANTITY] {
        let quantity: Option<Decimal> = row.get(column)?;
        if let Some(quantity) = quantity.filter(|q| !q.is_zero()) {
            let problem = format!(
                "{quantity} stands in a cancel, which trades nothing; remove it, or the flag `cancel`"
            );
            return Err(row.error(column, problem));
        }
    }
    Ok([None; 2])
}

/// Lots and their limit.
fn quantity(
    row: &Row<'_>,
    traded: &Traded<'_>,
    lots: usize,
    limit: usize,
) -> Result<Quantity, ImportError> {
    let quantity: Option<Decimal> = row.get(lots)?;
    let quantity = quantity.ok_or_else(|| {
        row.error(
            lots,
            "is empty; say how much, or take an order back with the flag `cancel`",
        )
    })?;
    if quantity.is_zero() {
        let problem =
            "0 trades nothing; give a quantity, or take an order back with the flag `cancel`";
        return Err(row.error(lots, problem));
    }
    let price: Option<Decimal> = row.get(limit)?;
    let price = price.ok_or_else(|| {
        row.error(
            limit,
            "is empty; an auction takes limits only: give the worst price that you take",
        )
    })?;
    if price <= Decimal::ZERO {
        let problem = format!(
            "{price} is no limit; it must be above zero: give the worst price that you take"
        );
        return Err(row.error(limit, problem));
    }
    Ok(Quantity {
        lots: traded
            .lots(&quantity)
            .map_err(|problem| row.error(lots, problem))?,
        limit: traded
            .ticks(&price)
            .map_err(|problem| row.error(limit, problem))?,
    })
}

/// Writes orders as a CSV file that reads as the same orders.
///
/// # Errors
/// If the file cannot be written, or an order is of an instrument that does not trade.
pub fn write_orders(path: &Path, orders: &[SentOrder], snapshot: &Snapshot) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    let is_quoted = |line: &Line| line.bid.is_some() && line.ask.is_some();
    let two_sided = orders.iter().any(|o| o.lines.iter().any(is_quoted));
    let columns = if two_sided { ASK_QUANTITY } else { NONCE };
    let record = record();
    writer.write_record(record.columns[..=columns].iter().map(|c| &c.name))?;
    for order in orders {
        let traded = Traded::new(snapshot, order.instrument).map_err(std::io::Error::other)?;
        for line in &order.lines {
            let mut cells: [String; ASK_QUANTITY + 1] = Default::default();
            cells[ID].clone_from(&line.id);
            cells[ACCOUNT].clone_from(&order.account);
            cells[INSTRUMENT].clone_from(&snapshot.instruments[order.instrument].symbol);
            cells[FLAGS] = flags_of(order);
            cells[NONCE] = order.nonce.to_string();
            let mut put = |quantity: Quantity, lots: usize, limit: usize| {
                cells[lots] = traded.quantity(quantity.lots).to_string();
                cells[limit] = traded.price(quantity.limit).to_string();
            };
            let bid = line.bid.map(|level| order.levels[level].bid);
            let ask = line.ask.map(|level| order.levels[level].ask);
            match (bid, ask) {
                (Some(bid), Some(ask)) => {
                    put(bid, BID_QUANTITY, BID_LIMIT);
                    put(ask, ASK_QUANTITY, ASK_LIMIT);
                }
                (Some(one), None) | (None, Some(one)) => {
                    put(one, QUANTITY, LIMIT);
                    cells[SIDE] = SIDES[usize::from(bid.is_none())].into();
                }
                (None, None) => {}
            }
            writer.write_record(&cells[..=columns])?;
        }
    }
    writer.flush()
}

fn flags_of(order: &SentOrder) -> String {
    let flags = [
        ("quote", order.quote),
        ("reduce-only", order.reduce_only),
        ("cancel", order.cancels()),
    ];
    let set = flags.into_iter().filter(|(_, set)| *set);
    set.map(|(word, _)| word).collect::<Vec<_>>().join(" ")
}
