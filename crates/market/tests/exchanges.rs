//! Users and assets as exchanges publish them.

use std::path::Path;

use fixed::Decimal;
use market::import::exchange;
use market::{Book, Snapshot};

#[path = "../../records/tests/common/mod.rs"]
mod common;

/// 2026-11-26.
const MOMENT: u64 = 1_795_651_200_000;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Reads a user file and an asset file of these names and texts; errors without the folder.
fn read(users: (&str, &str), assets: (&str, &str)) -> Result<(Snapshot, Book), String> {
    let dir = tempfile::tempdir().unwrap();
    let path = |(name, text): (&str, &str)| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let told = |e: records::files::ImportError| {
        let folder = dir.path().join("").display().to_string();
        e.to_string().replace(&folder, "")
    };
    exchange::read(&path(users), &path(assets), MOMENT, "test").map_err(told)
}

const ASSETS: &str =
    "symbol,usdt_price,loan_tiers_ratio,margin_tiers_ratio,portfolio_tiers_ratio\n";

fn refused(users: (&str, &str), assets: (&str, &str), expected: &str) {
    let got = read(users, assets)
        .map(|(s, _)| s.assets.len())
        .unwrap_err();
    assert!(got.contains(expected), "{got}\nlacks\n{expected}");
}

/// The list of a large exchange is read whole, with the asset that is called `id`.
#[test]
fn a_published_list_of_assets_is_read_whole() {
    let Some(path) = common::data("exchange-assets-published.csv") else {
        return;
    };
    let assets = exchange::read_assets(&path).unwrap();
    assert_eq!(assets.len(), 483);
    let of = |symbol: &str| assets.iter().find(|a| a.symbol == symbol).unwrap();
    assert_eq!(of("id").price, d("0.1633"));
    assert_eq!(of("id").haircuts.portfolio[0].percent, d("30"));
    let aave = &of("aave").haircuts.loan;
    assert_eq!((aave[1].up_to, aave[1].percent), (d("1000000"), d("85")));
    // Users that hold the asset called `id`, in the columns of a prover's file for all 483.
    let dir = tempfile::tempdir().unwrap();
    let users = dir.path().join("users.csv");
    let accounts = (0..3u64).map(|i| market::Account {
        id: format!("{i:064x}"),
        balances: (0..assets.len() as u64)
            .map(|asset| market::Balance {
                equity: 100 * i + asset,
                ..market::Balance::default()
            })
            .collect(),
        positions: Vec::new(),
    });
    let accounts: Vec<_> = accounts.collect();
    exchange::write_users(&users, &assets, accounts.clone()).unwrap();
    let (snapshot, book) = exchange::read(&users, &path, MOMENT, "test").unwrap();
    assert_eq!(snapshot.assets, assets);
    assert_eq!(book.accounts(), accounts);
}

/// The balance of an asset called `id` is not the id of the user, wherever the columns stand.
#[test]
fn an_asset_called_id_has_its_own_column() {
    let assets = format!("{ASSETS}btc,65100,,,\nid,2,,,\n");
    let assets = ("assets.csv", assets.as_str());
    let held = |header: &str, line: &str| {
        let text = format!("{header}\n{line}\n");
        let (_, book) = read(("users.csv", &text), assets)?;
        let account = &book.accounts()[0];
        assert_eq!(account.balances.len(), 2);
        let [btc, id] = [&account.balances[0], &account.balances[1]];
        Ok::<_, String>((
            account.id.clone(),
            btc.equity,
            [id.equity, id.debt, id.loan],
        ))
    };
    let all = "e_btc,d_btc,btc,vl_btc,m_btc,pm_btc";
    let found = Ok(("7".to_string(), 3, [5, 1, 2]));
    assert_eq!(
        held(
            &format!("rn,id,{all},e_id,d_id,id,vl_id,m_id,pm_id"),
            "0,7,3,0,3,0,0,0,5,1,4,2,0,0"
        ),
        found
    );
    assert_eq!(
        held(
            &format!("e_id,d_id,id,vl_id,m_id,pm_id,{all},id"),
            "5,1,4,2,0,0,3,0,3,0,0,0,7"
        ),
        found
    );
    // A net that is not right is found in its own column.
    let wrong = held(
        &format!("rn,id,{all},e_id,d_id,id,vl_id,m_id,pm_id"),
        "0,7,3,0,3,0,0,0,5,1,3,2,0,0",
    );
    let wrong = wrong.unwrap_err();
    assert!(
        wrong
            .contains("users.csv:2: field `id, the net (column 11)`: 3 is not equity less debt, 4"),
        "{wrong}"
    );
    for (header, expected) in [
        // One column `id`: that of the net, or that of the users?
        (
            format!("rn,id,{all},e_id,d_id,vl_id,m_id,pm_id"),
            "users.csv:1: field `e_id`: of asset `id` the column of its net cannot be told from that of the ids; put e_id, d_id and id side \
             by side",
        ),
        (
            format!("rn,{all},e_id,d_id,id,vl_id,m_id,pm_id"),
            "users.csv:1: field `id`: the column is missing",
        ),
        (
            format!("rn,id,id,{all},e_id,d_id,id,vl_id,m_id,pm_id"),
            "users.csv:1: field `id`: the column stands twice, as columns 2 and 3",
        ),
        (
            format!("rn,id,{all},btc,e_id,d_id,id,vl_id,m_id,pm_id"),
            "the column stands twice, as columns 5 and 9; remove one, or rename it",
        ),
    ] {
        refused(("users.csv", &format!("{header}\n")), assets, expected);
    }
}

/// Gate's snapshots: three columns an asset, and prices in every line; the file says all that is needed.
#[test]
fn a_gate_snapshot_is_read() {
    for (id, price) in [("id", "udst"), ("main_uid_hashed", "usdt")] {
        let text = format!(
            "rn,{id},e_1inch,d_1inch,1inch,e_btc,d_btc,btc,1inch_{price}_price,btc_{price}_price,total_net_balance_usdt\n\
             1,000005b7,12.5,0.5,12.0,0.0,0.0,0.0,0.39600000,16945.39000000,4.752\n\
             2,0000a0c1,0.0,0.0,0.0,0.0412,0.0002,0.041,0.39600000,16945.39000000,694.76\n"
        );
        let users = ("users.csv", text.as_str());
        let (snapshot, book) = read(users, ("assets.csv", text.as_str())).unwrap();
        let symbols: Vec<_> = snapshot
            .assets
            .iter()
            .map(|a| (a.symbol.as_str(), a.price))
            .collect();
        assert_eq!(symbols, [("1inch", d("0.396")), ("btc", d("16945.39"))]);
        assert!(
            snapshot.assets[0]
                .haircuts
                .all()
                .iter()
                .all(|tiers| tiers.is_empty())
        );
        let [first, second] = book.accounts() else {
            panic!("two users");
        };
        assert_eq!(
            (
                first.id.as_str(),
                first.balances[0].equity,
                first.balances[0].debt
            ),
            ("000005b7", 125, 5)
        );
        assert_eq!(
            (second.balances[1].equity, second.balances[1].debt),
            (412, 2)
        );
        assert_eq!(second.balances[1].pledges(), [0; 3]);
        // A net that does not agree, a price that changes, an asset without a price.
        let wrong = |from: &str, to: &str, expected: &str| {
            let changed = text.replacen(from, to, 1);
            refused(("users.csv", &changed), ("assets.csv", &changed), expected);
        };
        wrong(
            "0.041,",
            "0.042,",
            "users.csv:3: field `btc`: 0.042 is not equity less debt, 0.041",
        );
        wrong(
            "16945.39000000,694",
            "16945.4,694",
            &format!(
                "assets.csv:3: field `btc_{price}_price`: 16945.4 is not 16945.39000000, the price of the first line"
            ),
        );
        wrong(
            &format!(",btc_{price}_price"),
            ",price",
            "users.csv:1: field `e_btc`: asset `btc` is not in the asset file; add it there",
        );
    }
}

/// OKX's snapshots: objects of an id and what the user has of each coin, as text.
#[test]
fn an_okx_snapshot_is_read() {
    let users = r#"[{"id": "320b5ea9", "BTC": "221679", "ETH": "618742"}, {"id": "47db1d29", "ETH": "7", "BTC": "1615477"}]"#;
    let assets = format!("{ASSETS}BTC,0.0005,,,\nETH,0.00002,,,\n");
    let assets = ("assets.csv", assets.as_str());
    let (snapshot, book) = read(("batch0.json", users), assets).unwrap();
    assert_eq!(snapshot.assets[0].decimals, 0);
    let equities: Vec<_> = book
        .accounts()
        .iter()
        .map(|a| [a.balances[0].equity, a.balances[1].equity])
        .collect();
    assert_eq!(equities, [[221_679, 618_742], [1_615_477, 7]]);
    assert!(
        book.accounts()
            .iter()
            .all(|a| a.balances.iter().all(|b| b.debt == 0))
    );
    // What would be left out of all sums.
    refused(
        ("batch0.json", &users.replace("ETH", "DOGE")),
        assets,
        "field `e_ETH`: the column is missing",
    );
    let one = format!("{ASSETS}BTC,1,,,\n");
    refused(
        ("batch0.json", users),
        ("assets.csv", &one),
        "field `ETH`: asset `ETH` is not in the asset file; add it there",
    );
    refused(
        ("batch0.json", &users.replace("\"7\"", "\"-7\"")),
        assets,
        "-7 is negative; what an account owes belongs in `debt`",
    );
}

#[test]
fn pledges_are_of_all_kinds_or_none() {
    let assets = format!("{ASSETS}btc,1,,,\n");
    refused(
        ("users.csv", "id,e_btc,d_btc,btc,vl_btc,m_btc\n"),
        ("assets.csv", &assets),
        "users.csv:1: field `pm_btc`: the column is missing",
    );
}

#[test]
fn an_asset_stands_once_and_its_file_has_known_columns() {
    let dir = tempfile::tempdir().unwrap();
    let told = |text: &str| {
        let path = dir.path().join("assets.csv");
        std::fs::write(&path, text).unwrap();
        exchange::read_assets(Path::new(&path))
            .unwrap_err()
            .to_string()
    };
    let twice = told(&format!("{ASSETS}btc,1,,,\neth,1,,,\nbtc,2,,,\n"));
    assert!(
        twice.contains(
            "assets.csv:4: field `symbol`: `btc` stands twice, first as asset 1; remove one"
        ),
        "{twice}"
    );
    let other = told("coin,price\nbtc,1\n");
    assert!(
        other.contains("assets.csv:1: field `symbol`: the column is missing"),
        "{other}"
    );
    let price = told(&format!("{ASSETS}btc,-1,,,\n"));
    assert!(
        price.contains("assets.csv:2: field `price`: must not be negative"),
        "{price}"
    );
}
