//! Orders are read in our own names and those of FIX, exactly, or refused with what to do; what became of them is written for traders.

use std::path::Path;

use fixed::Decimal;
use market::auction::{Fees, Fill, Level, Quantity, UNBOUNDED};
use market::import::auctions::Auction;
use market::import::fills::{self, Ending, Status};
use market::import::orders::{Line, SentOrder, read_orders, write_orders};
use market::{Book, Snapshot, sample};
use records::files::At;
use records::units::{Lots, Ticks};

/// What a file of this name with this text reads as, or the error without the folder.
fn read_as(name: &str, text: &str, snapshot: &Snapshot) -> Result<Vec<SentOrder>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let prefix = format!("{}/", folder.path().display());
    read_orders(&path, snapshot).map_err(|e| e.to_string().replace(&prefix, ""))
}

fn read(text: &str) -> Result<Vec<SentOrder>, String> {
    read_as("orders.csv", text, &sample::snapshot())
}

fn quantity(lots: u64, limit: u64) -> Quantity {
    Quantity {
        lots: Lots(lots),
        limit: Ticks(limit),
    }
}

fn level(bid: (u64, u64), ask: (u64, u64)) -> Level {
    Level {
        bid: quantity(bid.0, bid.1),
        ask: quantity(ask.0, ask.1),
    }
}

fn line(id: &str, bid: Option<usize>, ask: Option<usize>) -> Line {
    Line {
        id: id.into(),
        bid,
        ask,
    }
}

const OWN: &str = "id,account,instrument,side,quantity,limit,flags,nonce,bid_limit,ask_limit,bid_quantity,ask_quantity\n\
    a1,alice,BTC-PERP,buy,0.5,64120.5,,1,,,,\n\
    b1,bob,BTC-PERP,sell,0.004,65000,reduce-only,7,,,,\n\
    a2,alice,BTC-PERP,buy,0.25,64080,,1,,,,\n\
    a3,alice,BTC-PERP,sell,0.1,66000,,1,,,,\n\
    q1,carol,ETH-PERP,,,,quote,3,3600,3640.5,1.2,0.8\n\
    a2,carol,ETH-PERP,,,,,3,3590,,2,\n\
    c1,alice,ETH-PERP,,,,cancel,2,,,,\n\
    c2,bob,ETH-PERP,buy,0,,cancel,0,,,,\n";

fn own() -> Vec<SentOrder> {
    let order = |account: &str, instrument, nonce| SentOrder {
        account: account.into(),
        instrument,
        nonce,
        quote: false,
        reduce_only: false,
        levels: Vec::new(),
        lines: Vec::new(),
    };
    let snapshot = sample::snapshot();
    let ether = snapshot.instrument("ETH-PERP").unwrap();
    vec![
        SentOrder {
            levels: vec![
                // A lot is 0.001 coins: 64.1205 dollars.
                level((500, 64_120_500), (100, 66_000_000)),
                level((250, 64_080_000), (0, 0)),
            ],
            lines: vec![
                line("a1", Some(0), None),
                line("a2", Some(1), None),
                line("a3", None, Some(0)),
            ],
            ..order("alice", 0, 1)
        },
        SentOrder {
            reduce_only: true,
            levels: vec![level((0, 0), (4, 65_000_000))],
            lines: vec![line("b1", None, Some(0))],
            ..order("bob", 0, 7)
        },
        SentOrder {
            quote: true,
            levels: vec![
                level((120, 36_000_000), (80, 36_405_000)),
                level((200, 35_900_000), (0, 0)),
            ],
            // The id of another account's record.
            lines: vec![line("q1", Some(0), Some(0)), line("a2", Some(1), None)],
            ..order("carol", ether, 3)
        },
        SentOrder {
            lines: vec![line("c1", None, None)],
            ..order("alice", ether, 2)
        },
        SentOrder {
            lines: vec![line("c2", None, None)],
            ..order("bob", ether, 0)
        },
    ]
}

#[test]
fn orders_are_read_in_our_own_names() {
    let read = read(OWN).unwrap();
    assert_eq!(read, own());
    let cancels: Vec<bool> = read.iter().map(SentOrder::cancels).collect();
    assert_eq!(cancels, [false, false, false, true, true]);
}

#[test]
fn orders_are_read_in_the_names_and_the_tags_of_fix() {
    let names = "ClOrdID,Account,Symbol,Side,OrderQty,Price,BidPx,OfferPx,BidSize,OfferSize,TimeInForce,ExecInst,OrdType,nonce\n\
        a1,alice,BTC-PERP,1,0.5,64120.5,,,,,B,,2,1\n\
        b1,bob,BTC-PERP,2,0.004,65000,,,,,7,E,limit,7\n\
        a2,alice,BTC-PERP,bid,0.25,64080,,,,,OPG,,,1\n\
        a3,alice,BTC-PERP,S,0.1,66000,,,,,ATC,,,1\n\
        q1,carol,ETH-PERP,,,,3600,3640.5,1.2,0.8,GFA,,,3\n";
    assert_eq!(read(names).unwrap(), {
        let mut orders = own();
        orders.truncate(3);
        orders[2].levels.truncate(1);
        orders[2].lines.truncate(1);
        orders
    });
    let tags = "11,1,55,54,38,44,18,59\na1,alice,BTC-PERP,1,0.5,64120.5,E,2\n";
    let read = read(tags).unwrap();
    assert!(read[0].reduce_only);
    assert_eq!(read[0].nonce, 0);
    assert_eq!(read[0].levels, [level((500, 64_120_500), (0, 0))]);
}

#[test]
fn the_same_orders_are_read_from_json() {
    let json = r#"[{"ClOrdID": "a1", "Account": "alice", "Symbol": "BTC-PERP", "Side": 1, "OrderQty": 0.5, "Price": 64120.5, "nonce": 1},
        {"ClOrdID": "b1", "Account": "bob", "Symbol": "BTC-PERP", "Side": 2, "OrderQty": "0.004", "Price": "65000", "flags": "reduce-only", "nonce": 7}]"#;
    let read = read_as("orders.json", json, &sample::snapshot()).unwrap();
    assert_eq!(read[1], own()[1]);
    assert_eq!(read[0].levels, [level((500, 64_120_500), (0, 0))]);
}

const HEADER: &str = "id,account,instrument,side,quantity,limit,flags,nonce,bid_limit,ask_limit,bid_quantity,ask_quantity,\
    time_in_force,exec_inst,ord_type";

/// The error of the last of some records; the file's name and line are cut off.
#[track_caller]
fn refused(records: &[&str], says: &str) {
    let mut text = HEADER.to_string();
    for record in records {
        let cells = HEADER.matches(',').count();
        let given = record.matches(',').count();
        text += &format!("\n{record}{}", ",".repeat(cells - given));
    }
    let error = read(&text).expect_err(says);
    let at = format!("orders.csv:{}: field ", records.len() + 1);
    assert_eq!(error.strip_prefix(&at), Some(says), "{error}");
}

/// Records behind an order of alice's, and what is said of them.
const NO_ORDERS: &[(&str, &str)] = &[
    (
        "a1,alice,ETH-PERP,buy,1,64000",
        "`id`: `a1` of `alice` stands twice, first on line 2; give each record of an account an id of its own",
    ),
    (
        "x,bob,BTC-PERPS,buy,1,64000",
        "`instrument`: instrument `BTC-PERPS` is not in the market; add it there or correct the name",
    ),
    (
        "x,bob,BTC-PERP-COIN,buy,1,64000",
        "`instrument`: `BTC-PERP-COIN` is settled in a coin; only instruments settled in the quote currency trade",
    ),
    (
        "x,b b,BTC-PERP,buy,1,64000",
        "`account`: `b b` is no id; write 1 to 128 letters, digits or any of -_./+&#%*@:=, without spaces",
    ),
    (
        "x,bob,BTC-PERP,5,1,64000",
        "`side`: '5' is not one of buy, sell, bid, ask, B, S, 1, 2",
    ),
    (
        "x,bob,BTC-PERP,,1,64000",
        "`side`: is empty; write buy or sell",
    ),
    (
        "x,bob,BTC-PERP,buy,,64000",
        "`quantity`: is empty; say how much, or take an order back with the flag `cancel`",
    ),
    (
        "x,bob,BTC-PERP,buy,0,64000",
        "`quantity`: 0 trades nothing; give a quantity, or take an order back with the flag `cancel`",
    ),
    (
        "x,bob,BTC-PERP,buy,-1,64000",
        "`quantity`: -1 must be above zero; the side says whether it is sold",
    ),
    (
        "x,bob,BTC-PERP,buy,0.0014,64000",
        "`quantity`: 0.0014 is not a whole number of lots of 0.001; the nearest are 0.001 and 0.002",
    ),
    (
        "x,bob,BTC-PERP,buy,0.0004,64000",
        "`quantity`: 0.0004 is not a whole number of lots of 0.001; the nearest is 0.001",
    ),
    (
        "x,bob,BTC-PERP,buy,1073741.824,64000",
        "`quantity`: 1073741.824 is 1073741824 lots, which must be below 1073741824; use a larger lot",
    ),
    (
        "x,bob,BTC-PERP,buy,1,",
        "`limit`: is empty; an auction takes limits only: give the worst price that you take",
    ),
    (
        "x,bob,BTC-PERP,buy,1,0",
        "`limit`: 0 is no limit; it must be above zero: give the worst price that you take",
    ),
    (
        "x,bob,BTC-PERP,buy,1,-5",
        "`limit`: -5 is no limit; it must be above zero: give the worst price that you take",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000.0005",
        "`limit`: 64000.0005 is not a whole number of ticks of 0.000001 for a lot of 0.001; the nearest are 64000 and 64000.001",
    ),
    (
        "x,bob,BTC-PERP,buy,1,1099511627.776",
        "`limit`: 1099511627.776 is 2^40 ticks a lot or more; correct it, or use a smaller lot",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,post-only",
        "`flags`: 'post-only' is none of quote, reduce-only and cancel; remove it",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,quote|quote",
        "`flags`: `quote` stands twice; remove one",
    ),
    (
        "x,bob,BTC-PERP,,,,cancel | quote",
        "`flags`: `cancel` trades nothing; remove the other flags",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,cancel",
        "`quantity`: 1 stands in a cancel, which trades nothing; remove it, or the flag `cancel`",
    ),
    (
        "x,bob,BTC-PERP,,,,cancel,1,64000,,0.5",
        "`bid_quantity`: 0.5 stands in a cancel, which trades nothing; remove it, or the flag `cancel`",
    ),
    (
        "x,alice,BTC-PERP,,,,cancel,1",
        "`flags`: a cancel stands alone, and line 2 has the same account, instrument and nonce; give the later one a higher nonce",
    ),
    (
        "x,alice,BTC-PERP,buy,1,64000,quote,1",
        "`flags`: line 2 belongs to the same order and has other flags; give both the same, or another nonce",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,,-1",
        "`nonce`: -1 is not between 0 and 1073741823",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,,1073741824",
        "`nonce`: 1073741824 is not between 0 and 1073741823",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,,1,64000,,0.5",
        "`side`: stands beside `bid_limit`; a record is an order of one side or a quote, so remove one of them",
    ),
    (
        "x,bob,BTC-PERP,,,,,1,64000,,",
        "`bid_quantity`: is empty; say how much, or take an order back with the flag `cancel`",
    ),
    (
        "x,bob,BTC-PERP,,,,,1,64000,,1,2",
        "`ask_limit`: is empty; an auction takes limits only: give the worst price that you take",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,,1,,,,,1",
        "`time_in_force`: '1' is not the time in force of an auction order, which lives for one auction: write B (good for auction), 2 (at the \
             opening) or 7 (at the close), or leave it out, and send it again for each auction",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,,1,,,,,,G",
        "`exec_inst`: 'G': an order can't be all or none, since it shares pro rata in what trades; remove it, or send a smaller quantity",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,,1,,,,,,E 6",
        "`exec_inst`: '6': there is no passive side in an auction, where all trade at one price; remove it",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,,1,,,,,,1",
        "`exec_inst`: '1': only E (do not increase) is understood; remove it",
    ),
    (
        "x,bob,BTC-PERP,buy,1,,,1,,,,,,,1",
        "`ord_type`: a market order has no limit, and an auction needs one: write 2 (limit), and as `limit` the worst price that you take",
    ),
    (
        "x,bob,BTC-PERP,buy,1,64000,,1,,,,,,,P",
        "`ord_type`: 'P' is no type of order here; only limit orders (2) trade in an auction",
    ),
];

#[test]
fn what_is_no_order_is_refused_with_what_to_do() {
    let good = "a1,alice,BTC-PERP,buy,0.5,64120.5,,1";
    for (record, says) in NO_ORDERS {
        refused(&[good, record], says);
    }
    let five = [
        "a,z,BTC-PERP,buy,1,5",
        "b,z,BTC-PERP,buy,1,4",
        "c,z,BTC-PERP,buy,1,3",
        "d,z,BTC-PERP,buy,1,2",
        "e,z,BTC-PERP,buy,1,1",
    ];
    refused(
        &five,
        "`nonce`: an order has at most 4 bids, and has these from line 2 on; leave the least important one out",
    );
}

#[test]
fn columns_that_could_change_an_order_are_refused() {
    let header =
        |header: &str| read(&format!("{header}\nx,bob,BTC-PERP,buy,1,64000,7\n")).unwrap_err();
    assert_eq!(
        header("id,account,instrument,side,quantity,limit,StopPx"),
        "orders.csv:1: field `StopPx`: is no column of an order, and may change what it means; remove it"
    );
    assert_eq!(
        header("id,account,instrument,side,quantity,limit,Price"),
        "orders.csv:1: field `limit`: the column stands twice, as `limit` and as `Price`; remove one"
    );
    let missing = header("account,instrument,side,quantity,limit,flags,nonce");
    let says =
        "orders.csv:1: field `id`: the column is missing; add it to the header and every line";
    assert_eq!(missing, says);
}

#[test]
fn the_sample_flow_is_the_same_from_its_file() {
    let snapshot = sample::trading(64);
    snapshot.validate().unwrap();
    assert_eq!(snapshot.instruments.len(), 64);
    let auction = sample::auction(&snapshot, 3);
    let file = At::file(Path::new("auction.json"));
    let auction: Auction = auction.auction(&file, &snapshot).unwrap();
    let book: Book = sample::book(&snapshot, 5, 4_000, 4, 40);
    let orders = sample::orders(&snapshot, &auction, book.accounts(), 11, 10_000);
    assert_eq!(
        orders,
        sample::orders(&snapshot, &auction, book.accounts(), 11, 10_000)
    );
    assert_ne!(
        orders,
        sample::orders(&snapshot, &auction, book.accounts(), 12, 10_000)
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    write_orders(&path, &orders, &snapshot).unwrap();
    assert!(read_orders(&path, &snapshot).unwrap() == orders);
    let count = |is: &dyn Fn(&SentOrder) -> bool| orders.iter().filter(|o| is(o)).count();
    assert!(count(&|o| o.quote) > 1_000);
    assert!(count(&|o| o.reduce_only) > 500);
    assert!(count(&SentOrder::cancels) > 300);
    assert!(count(&|o| o.nonce > 1) > 100, "replaces");
    assert!(count(&|o| o.levels.len() > 1) > 1_500);
    let outside = |o: &SentOrder| {
        let held = auction.instruments[o.instrument];
        o.levels
            .iter()
            .any(|level| level.ask.limit > held.band.high())
    };
    assert!((200..500).contains(&count(&outside)));
    let mut accounts: Vec<&str> = orders.iter().map(|o| o.account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    assert!(accounts.len() > 3_500);
    for held in &auction.instruments {
        let reference = held.band.reference();
        let of = || {
            orders
                .iter()
                .filter(|o| o.instrument == held.instrument)
                .flat_map(|o| &o.levels)
        };
        let demand: u64 = of()
            .filter(|l| l.bid.limit >= reference)
            .map(|l| l.bid.lots.0)
            .sum();
        let supply: u64 = of()
            .filter(|l| l.ask.limit <= reference)
            .map(|l| l.ask.lots.0)
            .sum();
        assert!(
            demand > 100 && supply > 100,
            "{}: {demand} {supply}",
            held.instrument
        );
        // No account could trade with itself.
        for order in orders.iter().filter(|o| o.instrument == held.instrument) {
            let bid = order
                .levels
                .iter()
                .filter(|l| l.bid.lots > Lots(0))
                .map(|l| l.bid.limit)
                .max();
            let ask = order
                .levels
                .iter()
                .filter(|l| l.ask.lots > Lots(0))
                .map(|l| l.ask.limit)
                .min();
            assert!(bid.zip(ask).is_none_or(|(bid, ask)| bid < ask), "{order:?}");
        }
    }
}

#[test]
fn what_an_order_traded_falls_on_its_best_limits_first() {
    let order = SentOrder {
        levels: vec![
            level((5, 100), (4, 210)),
            level((7, 110), (6, 200)),
            level((3, 110), (0, 0)),
        ],
        ..own()[0].clone()
    };
    let shares = |bought, sold| -> Vec<[u64; 2]> {
        let shares = order.shares(Lots(bought), Lots(sold));
        shares.iter().map(|s| s.map(|lots| lots.0)).collect()
    };
    assert_eq!(shares(8, 0), [[0, 0], [7, 0], [1, 0]]);
    assert_eq!(shares(15, 0), [[5, 0], [7, 0], [3, 0]]);
    assert_eq!(shares(0, 7), [[0, 1], [0, 6], [0, 0]]);
    assert_eq!(shares(0, 0), [[0, 0]; 3]);
}

/// A fill of so many lots at a price, with its fee or rebate.
fn fill(bought: u64, sold: u64, price: u64, quote: bool) -> Fill {
    let cash = Ticks((bought + sold) * price);
    let (fee, rebate) = Fees::new(500, 200).unwrap().of(cash, quote);
    Fill {
        bought: Lots(bought),
        sold: Lots(sold),
        reached: Lots(bought + sold),
        cash,
        fee,
        rebate,
    }
}

const FILLS: &str = "ClOrdID,Account,Symbol,Side,LastQty,LastPx,Commission,LeavesQty,OrdStatus,Text\n\
a1,alice,BTC-PERP,buy,0.5,64100,16.025,0,filled,all of it traded at 64100\n\
a2,alice,BTC-PERP,buy,0,,0,0.25,not filled,\"the auction cleared at 64100, beyond its limit\"\n\
a3,alice,BTC-PERP,sell,0,,0,0.1,not filled,\"the auction cleared at 64100, beyond its limit\"\n\
b1,bob,BTC-PERP,sell,0.002,65000,0.065,0.002,partially filled,\"at 65000 there were more asks than was bid for, and those at the price itself shared pro rata\"\n\
q1,carol,ETH-PERP,buy,1.2,3590,-0.8616,0,filled,all of it traded at 3590\n\
q1,carol,ETH-PERP,sell,0,,0,0.8,not filled,\"the auction cleared at 3590, beyond its limit\"\n\
a2,carol,ETH-PERP,buy,0.01,3590,-0.00718,1.99,partially filled,\"at 3590 there were more bids than was offered, and those at the price itself shared pro rata\"\n\
c1,alice,ETH-PERP,,0,,0,0,canceled,it takes back what the account sent before\n\
b1,bob,BTC-PERP,sell,0.003,65000,0.0975,0.001,partially filled,\"it only reduces, and the position leaves 0.003 of it to trade; all of that traded at 65000\"\n\
b1,bob,BTC-PERP,sell,0,,0,0.004,not filled,\"it only reduces, and the position leaves 0 of it to trade; nothing traded\"\n\
b1,bob,BTC-PERP,sell,0,,0,0.004,not filled,nothing traded at any price of the auction\n\
b1,bob,BTC-PERP,sell,0,,0,0.004,rejected,\"=cmd|' \"\"margin\"\"\"\n\
c2,bob,ETH-PERP,,0,,0,0,replaced,a later order took its place\n";

#[test]
fn what_became_of_orders_is_written_in_words() {
    let snapshot = sample::snapshot();
    let unbounded = UNBOUNDED;
    let orders = own();
    let cleared = |price, fill, most| Ending::Cleared {
        price: Ticks(price),
        fill,
        most,
    };
    let void = |status, reason| Ending::Void { status, reason };
    let rows: Vec<fills::FillRow> = [
        (
            0,
            cleared(64_100_000, &fill(500, 0, 64_100_000, false), unbounded),
        ),
        (
            1,
            cleared(65_000_000, &fill(0, 2, 65_000_000, false), unbounded),
        ),
        (
            2,
            cleared(35_900_000, &fill(121, 0, 35_900_000, true), unbounded),
        ),
        (3, cleared(35_900_000, &Fill::default(), unbounded)),
        (
            1,
            cleared(
                65_000_000,
                &fill(0, 3, 65_000_000, false),
                [Lots(0), Lots(3)],
            ),
        ),
        (1, cleared(65_000_000, &Fill::default(), [Lots(0); 2])),
        (1, Ending::NoTrade),
        (1, void(Status::Rejected, "=cmd|' \"margin\"")),
        (4, void(Status::Replaced, "a later order took its place")),
    ]
    .into_iter()
    .flat_map(|(order, ending)| fills::rows(&snapshot, &orders[order], ending).unwrap())
    .collect();
    let text = fills::write_fills(&snapshot, &rows).unwrap();
    assert_eq!(text, FILLS);
    // The file holds what its definition says.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fills.csv");
    std::fs::write(&path, text).unwrap();
    let record = fills::record();
    let columns = record.columns.len();
    let mut table = records::table::Table::of(&path, record).unwrap();
    let mut count = 0;
    while let Some(row) = table.next_row().unwrap() {
        (0..columns).for_each(|column| drop(row.value(column).unwrap()));
        count += 1;
    }
    assert_eq!(count, rows.len());
}

/// Rows of an order add up to it.
#[test]
fn fees_of_records_add_up_to_those_of_their_order() {
    let snapshot = sample::trading(8);
    let file = At::file(Path::new("auction.json"));
    let auction = sample::auction(&snapshot, 3)
        .auction(&file, &snapshot)
        .unwrap();
    let book = sample::book(&snapshot, 5, 20, 2, 0);
    for order in sample::orders(&snapshot, &auction, book.accounts(), 2, 2_000) {
        let total: u64 = order.levels.iter().map(|level| level.bid.lots.0).sum();
        let price = auction.instruments[order.instrument].band.low();
        let fill = fill(total * 2 / 3, 0, price.0, order.quote);
        let ending = Ending::Cleared {
            price,
            fill: &fill,
            most: UNBOUNDED,
        };
        let rows = fills::rows(&snapshot, &order, ending).unwrap();
        let filled: Lots = rows.iter().map(|row| row.filled).sum();
        let commission: i64 = rows.iter().map(|row| row.commission.0).sum();
        assert_eq!(filled, fill.bought);
        assert_eq!(commission, fill.fee.0 as i64 - fill.rebate.0 as i64);
        assert!(
            rows.iter()
                .all(|row| row.filled > Lots(0) || row.commission == Ticks(0))
        );
    }
}

#[test]
fn a_price_that_is_no_finite_number_is_rounded() {
    let mut snapshot = sample::snapshot();
    snapshot.instruments[0].lot = "0.003".parse::<Decimal>().unwrap();
    let traded = market::import::Traded::new(&snapshot, 0).unwrap();
    let price = |text: &str| text.parse::<Decimal>().unwrap();
    assert_eq!(traded.price(Ticks(1)), price("0.000333333333333333"));
    assert_eq!(traded.price(Ticks(3)), price("0.001"));
    assert_eq!(traded.ticks(&price("0.001")), Ok(Ticks(3)));
    snapshot.instruments[0].lot = "0.000000000000000000000000000001".parse().unwrap();
    let refused = market::import::Traded::new(&snapshot, 0).unwrap_err();
    assert_eq!(
        refused,
        "a lot of `BTC-PERP` is too small or too large to be priced; change the lot"
    );
}
