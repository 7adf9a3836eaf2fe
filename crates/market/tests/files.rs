//! Files: writers, encodings, and what the importers refuse.

use std::path::Path;
use std::sync::Arc;

use fixed::Decimal;
use market::import::{exchange, layout};
use market::{Account, Balance, Position, Side, Snapshot, sample};
use parquet::data_type::{ByteArrayType, DoubleType};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use records::units::Lots;

#[path = "../../records/tests/common/mod.rs"]
mod common;

/// 2026-11-26.
const MOMENT: u64 = 1_795_651_200_000;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn write(dir: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn exchange_files_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let (users, assets) = (dir.path().join("users.csv"), dir.path().join("assets.csv"));
    let of = sample::exchange_assets();
    let accounts: Vec<Account> = (0..200).map(|i| sample::exchange_account(9, i)).collect();
    exchange::write_assets(&assets, &of).unwrap();
    exchange::write_users(&users, &of, accounts.clone()).unwrap();
    let (snapshot, book) = exchange::read(&users, &assets, MOMENT, "test").unwrap();
    assert_eq!(snapshot.assets, of);
    assert_eq!(book.accounts(), accounts);
    for account in book.accounts() {
        account.validate(&snapshot).unwrap();
    }
}

const USERS: &str = "rn,id,e_btc,d_btc,btc,vl_btc,m_btc,pm_btc,total_net_balance_usdt\n";
const ASSETS: &str =
    "symbol,usdt_price,loan_tiers_ratio,margin_tiers_ratio,portfolio_tiers_ratio\nbtc,65100,,,\n";

fn users(lines: &str) -> Result<(Snapshot, market::Book), String> {
    let dir = tempfile::tempdir().unwrap();
    let users = write(dir.path(), "users.csv", &format!("{USERS}{lines}"));
    let assets = write(dir.path(), "assets.csv", ASSETS);
    exchange::read(&users, &assets, MOMENT, "test").map_err(|e| e.to_string())
}

#[test]
fn exchange_amounts_keep_every_digit_and_noise_is_bounded() {
    // A float that holds 123456789012.3 is off by up to 1.5e-5: noise, not another amount.
    let (snapshot, book) = users("0,u,123456789012.3,0,123456789012.30002,0,0,0,0\n").unwrap();
    assert_eq!(snapshot.assets[0].decimals, 1);
    assert_eq!(book.accounts()[0].balances[0].equity, 1_234_567_890_123);
    assert!(users("0,u,123456789012.3,0,123456789013.3,0,0,0,0\n").is_err());
    let (snapshot, book) = users("0,u,7e-05,0,0.00007,0,0,0,0\n1,v,2,0,2,0,0,0,0\n").unwrap();
    assert_eq!(snapshot.assets[0].decimals, 5);
    assert_eq!(book.accounts()[1].balances[0].equity, 200_000);
    // Pledges beyond equity are cut in the order loan, margin, portfolio.
    let (_, book) = users("0,u,10,0,10,4,8,3,0\n").unwrap();
    assert_eq!(book.accounts()[0].balances[0].pledges(), [4, 6, 0]);
    for (line, expected) in [
        (
            "0,u,0.0000000000000000001,0,0,0,0,0,0\n",
            "field `e_btc`: 0.0000000000000000001 has more than 18 decimals",
        ),
        (
            "0,u,1,0,1,0,0,0,0\n1,v,0.000000000000000001,0,0,0,0,0,0\n2,w,10,0,10,0,0,0,0\n",
            "users.csv:4: field `e_btc`: 10 is too large: with 18 decimals",
        ),
        ("0,,1,0,1,0,0,0,0\n", "users.csv:2: field `id`: is empty"),
        (
            "0,u\u{1b}[2K,1,0,1,0,0,0,0\n",
            "users.csv:2: field `id`: `u\\u{1b}[2K` is no id; write",
        ),
        (
            "0,u with 5 BTC,1,0,1,0,0,0,0\n",
            "users.csv:2: field `id`: `u with 5 BTC` is no id",
        ),
        ("", "users.csv: holds no user"),
    ] {
        let got = users(line).unwrap_err();
        assert!(got.contains(expected), "{got}\nlacks\n{expected}");
    }
}

#[test]
fn reserves_are_read_and_refused() {
    let dir = tempfile::tempdir().unwrap();
    let assets = sample::exchange_assets();
    let read = |text: &str| {
        let path = write(dir.path(), "reserves.csv", text);
        exchange::read_reserves(&path, &assets).map_err(|e| e.to_string())
    };
    let good = "symbol,reserve\nshib,1.999\nbtc,2\neth,0\nbnb,3.5\n";
    assert_eq!(
        read(good).unwrap(),
        [200_000_000, 0, 350_000_000, 199],
        "in the order of assets, cut to whole units"
    );
    for (text, expected) in [
        (
            "symbol,reserve\nbtc,1\n",
            "field `symbol`: there is no line for `eth`; add one",
        ),
        (
            "symbol,reserve\nbtc,1\nbtc,2\n",
            "reserves.csv:3: field `symbol`: `btc` stands twice",
        ),
        (
            "symbol,reserve\ndoge,1\n",
            "reserves.csv:2: field `symbol`: asset `doge`",
        ),
        ("symbol,reserve\nbtc,-1\n", "-1 is negative or too large"),
        ("symbol,reserve\nbtc,many\n", "'many' is not a number"),
        (
            "symbol,amount\nbtc,1\n",
            "reserves.csv:1: field `reserve`: the column is missing",
        ),
    ] {
        let got = read(text).unwrap_err();
        assert!(got.contains(expected), "{got}\nlacks\n{expected}");
    }
}

const BOOK: &str = "account,record,name,equity,debt,loan,margin,portfolio,side,quantity,entry_price,entry_notional\n";

#[test]
fn entries_and_stray_fields() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = sample::snapshot();
    let read = |line: &str| {
        let path = write(dir.path(), "book.csv", &format!("{BOOK}{line}\n"));
        layout::read_book(&path, &snapshot).map_err(|e| e.to_string())
    };
    let entry = |line: &str| read(line).unwrap().accounts()[0].positions[0].entry;
    // Linear: long pays, so up; short receives, so down.
    assert_eq!(
        entry("a,position,BTC-PERP,,,,,,long,0.003,0.0001,"),
        1,
        "0.3 of a tick"
    );
    assert_eq!(entry("a,position,BTC-PERP,,,,,,short,0.003,0.0001,"), 0);
    // Inverse: 10 / 64,000 coin = 15,625 units exactly; 10 / 63,000 is 15,873.01....
    assert_eq!(entry("a,position,BTC-PERP-COIN,,,,,,long,1,64000,"), 15_625);
    assert_eq!(entry("a,position,BTC-PERP-COIN,,,,,,long,1,63000,"), 15_873);
    assert_eq!(
        entry("a,position,BTC-PERP-COIN,,,,,,short,1,63000,"),
        15_874
    );
    assert_eq!(
        entry("a,position,BTC-PERP,,,,,,long,1,,65000.5"),
        65_000_500_000
    );
    for (line, expected) in [
        (
            "a,position,BTC-PERP,,,,,,long,1,1,1",
            "field `entry_notional`: stands beside `entry_price`",
        ),
        (
            "a,position,BTC-PERP,,,,,,long,1,,",
            "field `entry_price`: is empty",
        ),
        (
            "a,position,BTC-PERP,5,,,,,long,1,1,",
            "field `equity`: does not belong in a position record",
        ),
        (
            "a,balance,USD,5,,,,,long,,,",
            "field `side`: does not belong in a balance record",
        ),
        (
            "a,position,BTC-PERP,,,,,,long,1,,0.0000001",
            "field `entry_notional`: 0.0000001 is negative, too large, or has more than 6 decimals",
        ),
        (
            "a,position,BTC-PERP,,,,,,long,1,1e14,",
            "field `entry_price`: 100000000000000 gives no entry that fits",
        ),
    ] {
        let got = read(line).unwrap_err();
        assert!(got.contains(expected), "{got}\nlacks\n{expected}");
    }
}

#[test]
fn json_members_stand_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"{"accounts": [{"account": "a", "balances": {"USD": {"equity": "1"}, "USD": {"equity": "2"}}}]}"#;
    let path = write(dir.path(), "book.json", text);
    let got = layout::read_book(&path, &sample::snapshot())
        .unwrap_err()
        .to_string();
    assert!(got.contains("book.json:1: column"), "{got}");
    assert!(got.contains("`USD` stands twice in one object"), "{got}");
}

/// Floats are refused: a digit may already be lost.
#[test]
fn parquet_columns_must_be_exact() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("book.parquet");
    let names = [
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
    let put = |equity: Option<&str>| {
        let fields: Vec<String> = names
            .iter()
            .map(|n| match (*n, equity) {
                ("equity", None) => "REQUIRED DOUBLE equity;".to_string(),
                _ => format!("REQUIRED BINARY {n} (STRING);"),
            })
            .collect();
        let schema = parse_message_type(&format!("message m {{ {} }}", fields.concat())).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer =
            SerializedFileWriter::new(file, Arc::new(schema), Default::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        for name in names {
            let mut column = group.next_column().unwrap().unwrap();
            let text = match name {
                "account" => "a",
                "record" => "balance",
                "name" => "USD",
                "equity" => equity.unwrap_or(""),
                _ => "",
            };
            if name == "equity" && equity.is_none() {
                column
                    .typed::<DoubleType>()
                    .write_batch(&[1.5], None, None)
                    .unwrap();
            } else {
                column
                    .typed::<ByteArrayType>()
                    .write_batch(&[text.into()], None, None)
                    .unwrap();
            }
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        layout::read_book(&path, &sample::snapshot()).map_err(|e| e.to_string())
    };
    assert_eq!(
        put(Some("1.5")).unwrap().accounts()[0].balances[0].equity,
        1_500_000
    );
    let got = put(None).unwrap_err();
    assert!(
        got.contains("row 1: field `equity`: is a column of floats"),
        "{got}"
    );
    let got = put(Some("one")).unwrap_err();
    assert!(
        got.contains("book.parquet: row 1: field `equity`: 'one' is not a number"),
        "{got}"
    );
}

#[test]
fn a_book_is_written_in_a_format_that_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 1, 2, 2, 0);
    assert!(layout::write_book(&dir.path().join("book.txt"), &book, &snapshot).is_err());
}

#[test]
fn bad_markets_say_where() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = sample::snapshot();
        change(&mut snapshot);
        let path = dir.path().join("market.json");
        layout::write_market(&path, &snapshot).unwrap();
        layout::read_market(&path).unwrap_err().to_string()
    };
    let cases = [
        (
            refused(&|s| s.assets[1].price = d("-1")),
            "market.json: assets[1].price: must not be negative",
        ),
        (
            refused(&|s| s.assets[1].decimals = 19),
            "assets[1].decimals: must be at most 18",
        ),
        (
            refused(&|s| s.assets[1].symbol = "USD".into()),
            "assets[1].symbol: `USD` stands twice",
        ),
        (
            refused(&|s| s.assets[1].haircuts.margin[1].percent = d("99")),
            "assets[1].haircuts.margin: a larger holding",
        ),
        (
            refused(&|s| s.assets[1].price = d("0")),
            "settlement: asset `BTC` has no price",
        ),
        (
            refused(&|s| s.instruments[0].lot = d("0")),
            "instruments[0].lot: 0 must be above zero",
        ),
        (
            refused(&|s| s.instruments[3].forward = None),
            "instruments[3].forward: an option needs",
        ),
        (
            refused(&|s| s.grid.price_moves[5] = d("0.01")),
            "grid: needs the scenario without any move",
        ),
        (
            refused(&|s| s.grid.price_moves[0] = d("-1")),
            "grid: a move must be above -1",
        ),
        (
            refused(&|s| s.grid.price_moves = vec![d("0"); 100]),
            "grid: has 302 scenarios; at most 255",
        ),
        (
            refused(&|s| s.parameters.initial_factor = d("0.9")),
            "parameters.initial_factor: must be at least 1",
        ),
        (
            refused(&|s| s.parameters.volatility_power_short = d("-0.1")),
            "parameters.volatility_power_short: must not be negative",
        ),
        (
            refused(&|s| s.parameters.volatility_power_long = d("1.01")),
            "parameters.volatility_power_long: must be at most 1",
        ),
        (
            refused(&|s| s.parameters.stable_assets = vec!["USDX".into()]),
            "parameters.stable_assets: there is no asset `USDX`",
        ),
        (
            refused(&|s| s.instruments[2].underlying = "two words".into()),
            "instruments[2].underlying: is no name",
        ),
        (
            refused(&|s| s.instruments[2].underlying = "USD".into()),
            "instruments[2].underlying: prices are in `USD`; name what they are prices of",
        ),
        (
            refused(&|s| s.parameters.stable_assets = vec!["BTC".into()]),
            "instruments[0].underlying: `BTC` is among the stable assets, whose price no scenario moves; remove it there",
        ),
        (
            refused(&|s| s.instruments[1].underlying = "ETH".into()),
            "instruments[1].settlement: is in `BTC`, another coin than the underlying `ETH`; such contracts are not supported",
        ),
        (
            refused(&|s| drop(s.grids.insert("DOGE".into(), s.grid.clone()))),
            "grids: `DOGE` is no underlying of an instrument and no asset that moves",
        ),
        (
            refused(&|s| {
                let mut own = s.grid.clone();
                own.price_moves[5] = d("0.01");
                s.grids.insert("ETH".into(), own);
            }),
            "grids.ETH: needs the scenario without any move",
        ),
        (
            refused(&|s| s.instruments.swap(0, 63)),
            "instruments[32].underlying: instruments on `ETH` stand apart; sort the instruments by underlying",
        ),
        (
            refused(&|s| {
                let mut own = s.grid.clone();
                own.price_moves = vec![d("0"); 100];
                s.grids.insert("ETH".into(), own);
            }),
            "grid: has 302 scenarios; at most 255",
        ),
        (
            refused(&|s| s.grid.extremes[0].fraction = d("1.1")),
            "grid.extremes: a fraction lies between 0 and 1",
        ),
        (
            refused(&|s| s.parameters.initial_factor = d("6.67")),
            "grid: a move of -0.15 counts for more than the whole price at the factor 6.67; lower one of them",
        ),
        (
            refused(&|s| s.parameters.buffer = d("6")),
            "counts for more than the whole price at the factor 7; lower one of them",
        ),
    ];
    for (got, expected) in cases {
        assert!(got.contains(expected), "{got}\nlacks\n{expected}");
    }
    let path = write(
        dir.path(),
        "market.json",
        "{\"as_of_ms\": 1,\n \"quoth\": 2}",
    );
    let got = layout::read_market(&path).unwrap_err().to_string();
    assert!(got.contains("market.json:2: column"), "{got}");
    assert!(got.contains("unknown field `quoth`"), "{got}");
}

/// A market of before instruments named their underlying: the error says which instrument, which field, and what to write.
#[test]
fn an_instrument_without_underlying_is_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let whole = serde_json::to_string(&sample::snapshot()).unwrap();
    let count = whole.matches(r#""underlying":"BTC","#).count();
    assert_eq!(count, 32);
    let without = whole.replacen(r#""underlying":"BTC","#, "", 1);
    let path = write(dir.path(), "market.json", &without);
    let got = layout::read_market(&path).unwrap_err().to_string();
    let expected = "market.json: instruments[0].underlying: is missing; name what its price follows, such as `BTC`: \
                    instruments on one underlying offset each other";
    assert!(got.ends_with(expected), "{got}");
    // Its place, where it is not the first.
    let last = whole.rfind(r#""underlying":"ETH","#).unwrap();
    let without = whole[..last].to_string() + &whole[last + r#""underlying":"ETH","#.len()..];
    let path = write(dir.path(), "market.json", &without);
    let got = layout::read_market(&path).unwrap_err().to_string();
    assert!(
        got.contains("instruments[63].underlying: is missing;"),
        "{got}"
    );
    // What may be left out: no scenarios of single underlyings, flat shifts, balances that move, no other dollars.
    let short = whole.replace(
        r#","volatility_power_short":"0.30","volatility_power_long":"0.13","balances_move":true"#,
        "",
    );
    assert_ne!(short, whole);
    let path = write(dir.path(), "market.json", &short);
    let read = layout::read_market(&path).unwrap();
    assert!(read.parameters.volatility_power_short.is_zero() && read.parameters.balances_move);
}

#[test]
fn accounts_made_by_hand_are_checked() {
    let snapshot = sample::snapshot();
    let good = sample::book(&snapshot, 1, 1, 4, 0).accounts()[0].clone();
    good.validate(&snapshot).unwrap();
    let refused = |change: &dyn Fn(&mut Account)| {
        let mut account = good.clone();
        change(&mut account);
        account.validate(&snapshot).unwrap_err().to_string()
    };
    let cases = [
        (
            refused(&|a| a.balances.truncate(3)),
            "has 3 balances where the snapshot has 4 assets",
        ),
        (
            refused(&|a| a.balances[0].debt = 1 << 60),
            "its USD is too large",
        ),
        (
            refused(&|a| {
                a.balances[1] = Balance {
                    equity: 5,
                    loan: u64::MAX,
                    ..Balance::default()
                };
            }),
            "pledges more BTC than it has",
        ),
        (
            refused(&|a| a.positions[0].instrument = 64),
            "instrument number 64, which the snapshot does not have",
        ),
        (
            refused(&|a| a.positions[0].lots = Lots(0)),
            "needs between 1 and",
        ),
        (
            refused(&|a| a.positions[1].entry = 1 << 60),
            "an entry below",
        ),
        (
            refused(&|a| a.positions.reverse()),
            "must stand in the order",
        ),
        (
            refused(&|a| {
                let first = a.positions[0];
                a.positions.insert(
                    0,
                    Position {
                        side: Side::Long,
                        ..first
                    },
                );
            }),
            "one per instrument",
        ),
    ];
    for (got, expected) in cases {
        assert!(got.contains(expected), "{got}\nlacks\n{expected}");
    }
}

/// The real file's accounts fit all bounds.
#[test]
fn real_accounts_are_valid() {
    let (Some(users), Some(assets)) = (
        common::data("exchange-users.csv"),
        common::data("exchange-assets.csv"),
    ) else {
        return;
    };
    let (snapshot, book) = exchange::read(&users, &assets, MOMENT, "test").unwrap();
    snapshot.validate().unwrap();
    for account in book.accounts() {
        account.validate(&snapshot).unwrap();
    }
}
