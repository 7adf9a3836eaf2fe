//! Books, markets, margins and solvency.

use std::path::Path;

use fixed::Decimal;
use market::haircut::{AssetRates, value};
use market::import::{exchange, layout, optionchain};
use market::margin::{MarginTables, evaluate, losses};
use market::{Account, Balance, Balances, Level, Position, Side, sample, solvency};
use proptest::prelude::*;
use records::units::{Lots, Subticks};

#[path = "../../records/tests/common/mod.rs"]
mod common;

/// 2026-11-26.
const MOMENT: u64 = 1_795_651_200_000;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn rates(assets: &[market::Asset]) -> Vec<AssetRates> {
    assets.iter().map(|a| AssetRates::new(a).unwrap()).collect()
}

/// Totals of the real file equal a sum of its text, digit by digit.
#[test]
fn exchange_totals_are_exact() {
    let (Some(users), Some(assets)) = (
        common::data("exchange-users.csv"),
        common::data("exchange-assets.csv"),
    ) else {
        return;
    };
    let (snapshot, book) = exchange::read(&users, &assets, MOMENT, "test").unwrap();
    let result = solvency::evaluate(&rates(&snapshot.assets), book.accounts());
    assert_eq!(book.accounts().len(), 100);
    let mut reader = csv::Reader::from_path(&users).unwrap();
    let header = reader.headers().unwrap().clone();
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    for (asset, total) in snapshot.assets.iter().zip(&result.totals) {
        for (prefix, units) in [("e_", total.equity), ("d_", total.debt)] {
            let column = header
                .iter()
                .position(|h| h == format!("{prefix}{}", asset.symbol))
                .unwrap();
            // Twelve decimals, as text: no parsing shared with the importer.
            let sum: u128 = records
                .iter()
                .map(|r| {
                    let (whole, fraction) = r[column].split_once('.').unwrap_or((&r[column], ""));
                    format!("{whole}{fraction:0<12}").parse::<u128>().unwrap()
                })
                .sum();
            assert_eq!(
                Decimal::new(sum as i128, 12),
                solvency::amount(asset, units),
                "{prefix}{}",
                asset.symbol
            );
        }
    }
}

#[test]
fn option_chain_accounts_have_margins() {
    let Some(path) = common::data("option-chain.csv") else {
        return;
    };
    let snapshot = optionchain::read(&path, d("0.1")).unwrap();
    assert_eq!(snapshot.instruments.len(), 230);
    let tables = MarginTables::new(&snapshot, Level::Maintenance).unwrap();
    let mut account = Account {
        id: "a".into(),
        balances: vec![Balance {
            equity: 500_000_000,
            ..Balance::default()
        }]
        .into(),
        positions: vec![Position {
            instrument: 3,
            side: Side::Short,
            lots: Lots(10),
            entry: 1_000_000,
        }],
    };
    let rich = evaluate(&tables, &account).unwrap();
    assert!(rich.is_met());
    account.balances[0].equity = 0;
    let poor = evaluate(&tables, &account).unwrap();
    assert!(!poor.is_met());
    assert!(poor.requirement() > Subticks(0));
}

#[test]
fn sample_books_are_as_asked() {
    for (snapshot, instruments) in [(sample::snapshot(), 64), (sample::four_coins(), 128)] {
        snapshot.validate().unwrap();
        assert_eq!(snapshot.instruments.len(), instruments);
        let book = sample::book(&snapshot, 7, 30, 8, 3);
        for level in [
            Level::Initial,
            Level::Maintenance,
            Level::MaintenancePlusBuffer,
        ] {
            let tables = MarginTables::new(&snapshot, level).unwrap();
            let accounts = book.accounts().iter();
            let met: Vec<bool> = accounts
                .map(|a| evaluate(&tables, a).unwrap().is_met())
                .collect();
            assert!(
                met[..3].iter().all(|m| !m) && met[3..].iter().all(|m| *m),
                "{level}"
            );
        }
    }
    let assets = sample::exchange_assets();
    let accounts: Vec<Account> = (0..500).map(|i| sample::exchange_account(1, i)).collect();
    assert_eq!(
        solvency::evaluate(&rates(&assets), &accounts).uncovered,
        Vec::new()
    );
}

/// The linear perpetual by hand: long 2 lots of 0.001 BTC at 65,100.22, entered at 64,000.
#[test]
fn a_perpetual_by_hand() {
    let snapshot = sample::snapshot();
    let tables = MarginTables::new(&snapshot, Level::Maintenance).unwrap();
    let perp = snapshot.instrument("BTC-PERP").unwrap();
    let account = Account {
        id: "a".into(),
        balances: vec![
            Balance {
                equity: 100_000_000,
                ..Balance::default()
            },
            Balance::default(),
            Balance::default(),
            Balance::default(),
        ]
        .into(),
        positions: vec![Position {
            instrument: perp,
            side: Side::Long,
            lots: Lots(2),
            entry: 128_000_000,
        }],
    };
    let result = evaluate(&tables, &account).unwrap();
    // Equity: 100 + 2 * 65.10022 - 128 = 102.20044. Worst: -15% of 130.20044, plus 0.5% contingency.
    assert_eq!(result.equity.to_quote(), d("102.20044"));
    let requirement = result.requirement().to_quote();
    let exact = d("20.18106820");
    assert!(
        requirement >= exact && requirement <= exact.checked_add(&d("0.000004")).unwrap(),
        "{requirement}"
    );
}

#[test]
fn debts_never_offset_other_claims() {
    let assets = sample::exchange_assets();
    let account = |id: &str, btc: Balance, shib: Balance| Account {
        id: id.into(),
        balances: vec![btc, Balance::default(), Balance::default(), shib].into(),
        positions: Vec::new(),
    };
    let honest = account(
        "user",
        Balance {
            equity: 10 << 20,
            ..Balance::default()
        },
        Balance::default(),
    );
    // A dummy with worthless collateral and a debt as large as the user's claim.
    let dummy = account(
        "dummy",
        Balance {
            debt: 10 << 20,
            ..Balance::default()
        },
        Balance {
            equity: 1 << 50,
            loan: 1 << 50,
            ..Balance::default()
        },
    );
    let result = solvency::evaluate(&rates(&assets), [&honest, &dummy]);
    assert_eq!(result.totals[0].liabilities, 10 << 20);
    assert_eq!(result.uncovered.len(), 1);
    assert!(
        result
            .check(&assets, Some(&[0, 0, 0, u128::MAX]), false)
            .is_err()
    );
}

fn round_trip(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 3, 20, 5, 1);
    let (market, file) = (dir.path().join("market.json"), dir.path().join(name));
    layout::write_market(&market, &snapshot).unwrap();
    layout::write_book(&file, &book, &snapshot).unwrap();
    assert_eq!(layout::read_market(&market).unwrap(), snapshot);
    assert_eq!(layout::read_book(&file, &snapshot).unwrap(), book);
}

#[test]
fn books_round_trip() {
    for name in ["book.json", "book.csv", "book.parquet"] {
        round_trip(name);
    }
}

const HEADER: &str =
    "account,record,name,equity,debt,loan,margin,portfolio,side,quantity,entry_price\n";

fn book_error(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("book.csv");
    std::fs::write(&path, text).unwrap();
    error_at(&path)
}

fn error_at(path: &Path) -> String {
    let error = layout::read_book(path, &sample::snapshot())
        .unwrap_err()
        .to_string();
    error.rsplit('/').next().unwrap().to_string()
}

#[test]
fn bad_books_say_where_and_what() {
    let line = |rest: &str| book_error(&format!("{HEADER}a,balance,USD,1,0,0,0,0,,,\n{rest}\n"));
    let cases = [
        (
            line("b,balance,USD,1.2.3,0,0,0,0,,,"),
            "book.csv:3: field `equity`: '1.2.3' is not a number",
        ),
        (
            line("b,balance,USD,-1,0,0,0,0,,,"),
            "book.csv:3: field `equity`: -1 is negative",
        ),
        (
            line("b,balance,USD,1.0000001,0,0,0,0,,,"),
            "book.csv:3: field `equity`: 1.0000001 has more than the asset's 6 decimals",
        ),
        (
            line("b,balance,USD,9999999999999,0,0,0,0,,,"),
            "book.csv:3: field `equity`: 9999999999999 is too large",
        ),
        (
            line("b,balance,DOGE,1,0,0,0,0,,,"),
            "book.csv:3: field `name`: asset `DOGE` is not in the market",
        ),
        (
            line("b,position,DOGE-PERP,,,,,,long,1,1"),
            "book.csv:3: field `name`: instrument `DOGE-PERP` is not in the market",
        ),
        (
            line("a,balance,USD,1,0,0,0,0,,,"),
            "book.csv:3: field `name`: account `a` has this balance twice",
        ),
        (
            line("b,balance,USD,1,0,1,1,0,,,"),
            "book.csv:3: field `USD`: more is pledged",
        ),
        (
            line("b,position,BTC-PERP,,,,,,up,1,1"),
            "book.csv:3: field `side`: 'up' is neither long nor short",
        ),
        (
            line("b,position,BTC-PERP,,,,,,long,0.0005,1"),
            "book.csv:3: field `quantity`: 0.0005 is not a whole number of lots",
        ),
        (
            line("b,position,BTC-PERP,,,,,,long,-1,1"),
            "book.csv:3: field `quantity`: -1 must be above zero",
        ),
        (
            line("b,position,BTC-PERP,,,,,,long,99999999,1"),
            "book.csv:3: field `quantity`: 99999999 is 99999999000 lots",
        ),
        (
            line("b,position,BTC-PERP,,,,,,long,1,0"),
            "book.csv:3: field `entry_price`: 0 gives no entry",
        ),
        (
            line("b,gift,USD,1,0,0,0,0,,,"),
            "book.csv:3: field `record`: 'gift' is neither",
        ),
        (
            line(",balance,USD,1,0,0,0,0,,,"),
            "book.csv:3: field `account`: is empty",
        ),
        (
            line("b,balance,USD,1"),
            "book.csv:3: has 4 fields where the header has 11",
        ),
        (
            book_error("account,record,name\n"),
            "book.csv:1: field `equity`: the column is missing",
        ),
        (book_error(HEADER), "book.csv: holds no account"),
    ];
    for (got, expected) in cases {
        assert!(got.starts_with(expected), "{got}\nis not\n{expected}");
    }
}

#[test]
fn bad_json_and_parquet_books_say_where() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("book.json");
    let cases = [
        (
            r#"{"accounts": [{"account": "a"}, {"account": "a"}]}"#,
            "duplicate account `a`, first at accounts[0]",
        ),
        (
            r#"{"accounts": [{"account": "a", "balances": {"USD": {"equity": 1.5}}}]}"#,
            "must stand in quotes",
        ),
        (
            r#"{"accounts": [{"account": "a", "balances": {"USD": {"wealth": "1"}}}]}"#,
            "accounts[0].balances.USD: field `wealth`",
        ),
        (
            r#"{"accounts": [{"account": "a", "positions": [{"instrument": "BTC-PERP", "side": "long", "quantity": "x", "entry_price": "1"}]}]}"#,
            "accounts[0].positions[0]: field `quantity`: 'x' is not a number",
        ),
        ("{", "book.json:1: column"),
    ];
    for (text, expected) in cases {
        std::fs::write(&path, text).unwrap();
        let got = error_at(&path);
        assert!(got.contains(expected), "{got}\nlacks\n{expected}");
    }
    let path = dir.path().join("book.parquet");
    std::fs::write(&path, "PAR1 but not really").unwrap();
    assert!(error_at(&path).contains("is not a Parquet file"));
    assert!(error_at(&dir.path().join("none.csv")).contains("cannot be read"));
    assert!(error_at(&dir.path().join("book.xlsx")).contains("rename it"));
}

#[test]
fn bad_exchange_files_say_where() {
    let dir = tempfile::tempdir().unwrap();
    let (users, assets) = (dir.path().join("users.csv"), dir.path().join("assets.csv"));
    let asset_header =
        "symbol,usdt_price,loan_tiers_ratio,margin_tiers_ratio,portfolio_tiers_ratio\n";
    let header = "rn,id,e_btc,d_btc,btc,vl_btc,m_btc,pm_btc,total_net_balance_usdt\n";
    let error = |user: &str, asset: &str| {
        std::fs::write(&users, user).unwrap();
        std::fs::write(&assets, asset).unwrap();
        exchange::read(&users, &assets, MOMENT, "test")
            .unwrap_err()
            .to_string()
    };
    let good = format!("{asset_header}btc,65100.22,\"[0-10000:100,10000-20000:90]\",,\n");
    let user = |line: &str| format!("{header}0,u0,1,0,1,0,0,0,0\n{line}\n");
    let cases = [
        (
            error(&user("1,u0,1,0,1,0,0,0,0"), &good),
            "users.csv:3: field `id`: duplicate account `u0`, first on line 2",
        ),
        (
            error(&user("1,u1,1,0,0.5,0,0,0,0"), &good),
            "users.csv:3: field `btc`: 0.5 is not equity less debt",
        ),
        (
            error(&user("1,u1,-1,0,-1,0,0,0,0"), &good),
            "users.csv:3: field `e_btc`: -1 is negative",
        ),
        (
            error(&user("1,u1,x,0,1,0,0,0,0"), &good),
            "users.csv:3: field `e_btc`: 'x' is not a number",
        ),
        (
            error(
                &user(""),
                &format!("{asset_header}btc,1,\"[5-10:100]\",,\n"),
            ),
            "assets.csv:2: field `loan_tiers_ratio`",
        ),
        (
            error(
                &user(""),
                &format!("{asset_header}btc,1,\"[0-10:90,10-20:100]\",,\n"),
            ),
            "cannot count for more",
        ),
        (
            error(&user(""), &format!("{asset_header}eth,1,,,\n")),
            "users.csv:1: field `e_eth`: the column is missing",
        ),
        (
            error("rn,id,e_btc,d_btc,btc,vl_btc,m_btc,pm_btc,e_eth\n", &good),
            "field `e_eth`: asset `eth` is not in the asset file",
        ),
    ];
    for (got, expected) in cases {
        assert!(got.contains(expected), "{got}\nlacks\n{expected}");
    }
    // Windows line ends count the same lines.
    let windows = user("1,u0,1,0,1,0,0,0,0").replace('\n', "\r\n");
    assert!(error(&windows, &good).contains("users.csv:3: field `id`"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The haircut never exceeds the exact rational value and falls short by less than stated.
    #[test]
    fn haircuts_round_down(amount in 0u64..1 << 45, asset in 0usize..3) {
        let asset = &sample::exchange_assets()[asset];
        let rates = AssetRates::new(asset).unwrap();
        let got = value(&rates.schedules[0], amount) as f64;
        let quote = amount as f64 / 10f64.powi(asset.decimals.into()) * asset.price.to_string().parse::<f64>().unwrap();
        let (mut exact, mut from) = (0.0, 0.0);
        for tier in &asset.haircuts.loan {
            let to: f64 = tier.up_to.to_string().parse().unwrap();
            let percent: f64 = tier.percent.to_string().parse().unwrap();
            exact += (quote.min(to) - from).max(0.0) * percent / 100.0;
            from = to;
        }
        let phi = exact * 1e6 * f64::from(1 << 20);
        prop_assert!(got <= phi * (1.0 + 1e-12) + 1.0, "{got} exceeds {phi}");
        prop_assert!(got >= phi * (1.0 - 1e-6) - 1e10, "{got} is far below {phi}");
    }
}

/// Scaling positions and entries scales risk; permuting accounts changes no total.
#[test]
fn metamorphic() {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 11, 12, 6, 0);
    let tables = MarginTables::new(&snapshot, Level::Initial).unwrap();
    for account in book.accounts() {
        let bare = Account {
            balances: Balances::none(4),
            ..account.clone()
        };
        let mut tripled = bare.clone();
        for p in &mut tripled.positions {
            p.lots = p.lots * 3;
            p.entry *= 3;
        }
        let [one, three] = [&bare, &tripled].map(|a| evaluate(&tables, a).unwrap());
        assert_eq!(one.equity.0 * 3, three.equity.0);
        assert_eq!(one.contingency.0 * 3, three.contingency.0);
        // What is in coin is cut to a tick once, not three times.
        let [one, three] = [&bare, &tripled].map(|a| losses(&tables, a).unwrap());
        for (one, three) in one.iter().flatten().zip(three.iter().flatten()) {
            assert!((one * 3 - three).abs() <= 2 << 40, "{one} {three}");
        }
    }
    let assets = rates(&snapshot.assets);
    let forward = solvency::evaluate(&assets, book.accounts());
    let backward = solvency::evaluate(&assets, book.accounts().iter().rev());
    assert_eq!(forward.totals, backward.totals);
}
