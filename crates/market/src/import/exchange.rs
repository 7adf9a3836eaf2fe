//! The exchange layout: one line per user with six columns per asset, and an asset file.
//!
//! `users.csv`: `rn, id`, then for each asset `e_x` (equity), `d_x` (debt), `x` (net), `vl_x`, `m_x`,
//! `pm_x` (pledged for VIP loans, margin, portfolio margin), and `total_net_balance_usdt`. Other exchanges' files have fewer columns
//! ([`super::shape`] says which are read): without pledges nothing is pledged, without debts nothing is owed.
//! `assets.csv`: `symbol, usdt_price` and the three schedules `loan_tiers_ratio`,
//! `margin_tiers_ratio`, `portfolio_tiers_ratio` as `[from-to:percent,...]` in USD; empty: no
//! collateral value.
//!
//! The net column of real files carries float noise (`246.39171959000004`), so it is not read as an
//! amount: `e - d` counts, and a net that is not zero (some files leave it at zero) must agree with it
//! within 10^-6, or 10^-12 of equity and debt where these are so large that a float is coarser. The
//! total column is not read.
//! An asset's decimals are the most that any of its amounts has in the file, at most 18.
//!
//! Real files pledge the same coins more than once (the three pledges of an asset add up to more than
//! its equity). A coin can cover only one debt, so pledges are counted in the order loan, margin,
//! portfolio, each up to what is left of the equity, and committed so.

use std::collections::{HashMap, HashSet};
use std::io::{BufWriter, Write};
use std::path::Path;

use fixed::Decimal;

use super::shape;
use crate::book::{Account, Balance, Book};
use crate::snapshot::{Asset, Haircuts, MAX_DECIMALS, Snapshot, SnapshotError, Tier, check_assets};
use records::files::{At, ImportError, Place, json, plain_units};
use records::layout::Layout;
use records::record::{Column, Kind, Record};
use records::table::{Row, Table};

/// An asset of an asset file.
pub fn asset_record() -> Record {
    let tiers = |name: &str, about: &str| {
        Column::new(name, Kind::Text, about)
            .unit("USD, percent")
            .may_be_empty()
    };
    Record::new(
        "assets",
        "An exchange's assets, one record an asset. Tiers are written `[from-to:percent,from-to:percent]`, from 0 on; without \
         them an asset is no collateral.",
        vec![
            Column::new("symbol", Kind::Text, "the asset"),
            Column::new("usdt_price", Kind::number(), "its price").unit("USD"),
            tiers("loan_tiers_ratio", "what counts as collateral of VIP loans"),
            tiers("margin_tiers_ratio", "what counts as collateral of margin"),
            tiers(
                "portfolio_tiers_ratio",
                "what counts as collateral of portfolio margin",
            ),
        ],
    )
}

/// Layouts of asset files that come with Sealbook, by their names.
pub const LAYOUTS: &[(&str, &str)] = &[(
    "published-assets",
    include_str!("../../layouts/published-assets.json"),
)];

/// Opens an asset file: our own, or one of those that [`LAYOUTS`] describe.
fn open_assets(path: &Path) -> Result<Table, ImportError> {
    let own = Table::of(path, asset_record());
    let Err(error) = own else {
        return own;
    };
    for (name, text) in LAYOUTS {
        let layout: Layout = json(&At::file(Path::new(name)), text.as_bytes())?;
        if let Ok(table) = Table::open(path, Some(&layout), |_, _| Ok(asset_record())) {
            return Ok(table);
        }
    }
    Err(error)
}

/// Reads assets; their decimals are 0 until the users are read. A user file that has the assets' prices is an asset file, too, of
/// assets that are no collateral.
///
/// # Errors
/// If the file is of no known layout, names an asset twice, or has a price or a tier that cannot be.
pub fn read_assets(path: &Path) -> Result<Vec<Asset>, ImportError> {
    let mut table = match open_assets(path) {
        Ok(table) => table,
        Err(error) => return prices_of_users(path)?.ok_or(error),
    };
    let mut assets = Vec::new();
    while let Some(row) = table.next_row()? {
        let tiers = |column| -> Result<Vec<Tier>, ImportError> {
            let text = row.text(column)?.unwrap_or_default();
            parse_tiers(&row.at(), row.name(column), &text)
        };
        assets.push(Asset {
            symbol: row.need(0)?,
            price: row.need(1)?,
            decimals: 0,
            haircuts: Haircuts {
                loan: tiers(2)?,
                margin: tiers(3)?,
                portfolio: tiers(4)?,
            },
        });
        check_last(&row.at(), &assets)?;
    }
    if assets.is_empty() {
        return Err(At::file(path).error(None, "holds no asset; write one a line"));
    }
    Ok(assets)
}

/// Checks the asset that was read last.
fn check_last(at: &At, assets: &[Asset]) -> Result<(), ImportError> {
    let (last, before) = assets.split_last().expect("one was read");
    if let Some(first) = before.iter().position(|a| a.symbol == last.symbol) {
        let problem = format!(
            "`{}` stands twice, first as asset {}; remove one",
            last.symbol,
            first + 1
        );
        return Err(at.error(Some("symbol"), problem));
    }
    check_assets(std::slice::from_ref(last)).map_err(|e| {
        let field = e.field.trim_start_matches("assets[0].");
        at.error(Some(field), e.problem)
    })
}

/// The assets of a user file that has their prices, the same in every line; none of another file.
fn prices_of_users(path: &Path) -> Result<Option<Vec<Asset>>, ImportError> {
    let name = "prices of users";
    let nothing = Record::new(name, "", Vec::new());
    let looked = Table::open(path, Some(&shape::nothing(name)), |at, header| {
        let prices = header
            .iter()
            .any(|n| shape::PRICES.iter().any(|end| n.ends_with(end)));
        match prices && header.iter().any(|n| n.starts_with("e_")) {
            true => Ok(nothing.clone()),
            false => Err(at.error(None, "has no prices")),
        }
    });
    let Ok(looked) = looked else {
        return Ok(None);
    };
    let symbol = |name: &str| {
        let mut ends = shape::PRICES.iter();
        ends.find_map(|end| name.strip_suffix(end))
            .map(str::to_string)
    };
    let header = looked.header();
    let found: Vec<(usize, String)> = (header.iter().enumerate())
        .filter_map(|(place, name)| Some((place, symbol(name)?)))
        .collect();
    let column = |name: &String| Column::new(name, Kind::number(), "its price").unit("USD");
    let record = Record::new(
        name,
        "",
        found
            .iter()
            .map(|(place, _)| column(&header[*place]))
            .collect(),
    );
    let columns = found
        .iter()
        .map(|(place, _)| (header[*place].clone(), Some(*place)));
    let layout = shape::placed(name, header, columns);
    let mut table = Table::open(path, Some(&layout), |_, _| Ok(record.clone()))?;
    let mut assets: Vec<Asset> = Vec::new();
    while let Some(row) = table.next_row()? {
        let is_first = assets.is_empty();
        for (i, (_, symbol)) in found.iter().enumerate() {
            let price: Decimal = row.need(i)?;
            if !is_first {
                let first = assets[i].price;
                if price != first {
                    let problem = format!(
                        "{price} is not {first}, the price of the first line; an asset has one price"
                    );
                    return Err(row.error(i, problem));
                }
                continue;
            }
            assets.push(Asset {
                symbol: symbol.clone(),
                price,
                decimals: 0,
                haircuts: Haircuts::default(),
            });
            check_last(&row.at(), &assets)?;
        }
    }
    Ok(Some(assets).filter(|assets| !assets.is_empty()))
}

fn parse_tiers(at: &At, field: &str, text: &str) -> Result<Vec<Tier>, ImportError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = || {
        at.error(
            Some(field),
            format!("'{text}' is not a list of tiers; write [from-to:percent,from-to:percent]"),
        )
    };
    let inner = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .ok_or_else(wrong)?;
    let mut tiers: Vec<Tier> = Vec::new();
    for tier in inner.split(',') {
        let (range, percent) = tier.split_once(':').ok_or_else(wrong)?;
        let (from, to) = range.split_once('-').ok_or_else(wrong)?;
        let from = at.number(field, from.trim())?;
        if from != tiers.last().map_or(Decimal::ZERO, |t| t.up_to) {
            return Err(at.error(
                Some(field),
                format!(
                    "tier {tier} does not start where the one before ends; tiers must touch, from 0"
                ),
            ));
        }
        tiers.push(Tier {
            up_to: at.number(field, to.trim())?,
            percent: at.number(field, percent.trim())?,
        });
    }
    Ok(tiers)
}

/// What the columns of an asset are, those of [`shape::PREFIXES`].
const ABOUT: [&str; 6] = [
    "what the user has",
    "what the user owes",
    "pledged for VIP loans",
    "pledged for margin",
    "pledged for portfolio margin",
    "equity less debt, which is not read as an amount but must agree",
];
/// The column of the id; the six of the first asset follow.
const ID: usize = 0;

/// The first column of an asset.
const fn first_column(asset: usize) -> usize {
    1 + ABOUT.len() * asset
}

/// A user of an exchange with balances in these assets.
pub fn user_record(symbols: &[&str]) -> Record {
    let mut columns = vec![Column::new("id", Kind::Account, "the user")];
    for symbol in symbols {
        for (prefix, about) in shape::PREFIXES.into_iter().zip(ABOUT) {
            let name = format!("{prefix}{symbol}");
            columns.push(
                Column::new(name, Kind::number(), about)
                    .unit(symbol)
                    .may_be_empty(),
            );
        }
    }
    Record::new(
        "users",
        "An exchange's users, one record a user, with six columns for each asset. Empty amounts are zero.",
        columns,
    )
}

/// The record of a user file, and how the file holds it.
struct Users {
    record: Record,
    layout: Layout,
}

impl Users {
    /// Looks at a file's header.
    fn of(path: &Path, assets: &[Asset]) -> Result<Self, ImportError> {
        let symbols: Vec<&str> = assets.iter().map(|a| a.symbol.as_str()).collect();
        let record = user_record(&symbols);
        // The delimiter is the one with which the header makes sense.
        let nothing = Record::new(&record.name, &record.about, Vec::new());
        let table = Table::open(path, Some(&shape::nothing(&record.name)), |at, header| {
            shape::places(at, header, &symbols).map(|_| nothing.clone())
        })?;
        let places = shape::places(table.file(), table.header(), &symbols)?;
        // Two columns of a record have one name where an asset is called `id`, or `m_x` beside another `x`.
        let mut record = record;
        let mut seen = HashSet::new();
        for column in &mut record.columns {
            if !seen.insert(column.name.clone()) {
                column.name = format!("{}, the net", column.name);
            }
        }
        let names = record.columns.iter().map(|c| c.name.clone());
        let layout = shape::placed(&record.name, table.header(), names.zip(places));
        Ok(Self { record, layout })
    }

    fn open(&self, path: &Path) -> Result<Table, ImportError> {
        Table::open(path, Some(&self.layout), |_, _| Ok(self.record.clone()))
    }
}

/// The market of an asset file alone: its assets have no decimals, which follow from a book. These files say neither when
/// nor where prices were taken, so whoever has them does.
///
/// # Errors
/// Says what is wrong where.
pub fn read_market(path: &Path, as_of_ms: u64, source: &str) -> Result<Snapshot, ImportError> {
    let snapshot = Snapshot {
        as_of_ms,
        source: source.to_string(),
        quote: "USD".into(),
        assets: read_assets(path)?,
        instruments: Vec::new(),
        grid: Default::default(),
        grids: Default::default(),
        parameters: Default::default(),
    };
    let wrong = |e: SnapshotError| At::file(path).error(Some(&e.field), e.problem);
    snapshot.validate().map_err(wrong)?;
    Ok(snapshot)
}

/// Reads users and assets. The file is read twice: for the decimals, then for the amounts.
///
/// # Errors
/// Says what is wrong where.
pub fn read(
    users: &Path,
    assets: &Path,
    as_of_ms: u64,
    source: &str,
) -> Result<(Snapshot, Book), ImportError> {
    let mut snapshot = read_market(assets, as_of_ms, source)?;
    let assets = &mut snapshot.assets;
    let file = At::file(users);
    let shape = Users::of(users, assets)?;
    let decimals = amount_decimals(shape.open(users)?, assets)?;
    for (asset, decimals) in assets.iter_mut().zip(decimals) {
        asset.decimals = decimals;
    }
    let mut accounts = Vec::new();
    let mut places: HashMap<String, Place> = HashMap::new();
    let assets = &snapshot.assets;
    let mut table = shape.open(users)?;
    while let Some(row) = table.next_row()? {
        let id: String = row.need(ID)?;
        if let Some(first) = places.insert(id.clone(), row.place()) {
            let problem = format!("duplicate account `{id}`, first on {first}; merge the two");
            return Err(row.error(ID, problem));
        }
        let balances = (0..assets.len()).map(|i| balance(&row, i, assets[i].decimals));
        accounts.push(Account {
            id,
            balances: balances.collect::<Result<Vec<_>, _>>()?.into(),
            positions: Vec::new(),
        });
    }
    if accounts.is_empty() {
        return Err(file.error(None, "holds no user"));
    }
    let book = Book::new(&snapshot, accounts).map_err(|e| file.error(Some("id"), e.to_string()))?;
    Ok((snapshot, book))
}

fn amount_decimals(mut table: Table, assets: &[Asset]) -> Result<Vec<u8>, ImportError> {
    let mut decimals = vec![0u8; assets.len()];
    while let Some(row) = table.next_row()? {
        for (asset, most) in decimals.iter_mut().enumerate() {
            // The net's digits are no one's.
            for column in first_column(asset)..first_column(asset) + 5 {
                let Some(text) = row.text(column)? else {
                    continue;
                };
                *most = decimals_of(&row, column, &text, *most)?.max(*most);
            }
        }
    }
    Ok(decimals)
}

/// The decimals of an amount, or less if they are no more than those already seen.
fn decimals_of(row: &Row<'_>, column: usize, text: &str, most: u8) -> Result<u8, ImportError> {
    // Most amounts have a plain point; count without parsing twice.
    match text.split_once('.') {
        None if text.bytes().all(|b| b.is_ascii_digit()) => return Ok(0),
        Some((_, f)) if f.len() <= usize::from(most) && !f.contains(['e', 'E']) => return Ok(0),
        _ => {}
    }
    let number: Option<Decimal> = row.get(column)?;
    let scale = number.map_or(0, |n| n.normalized().scale());
    if scale > MAX_DECIMALS {
        let problem = format!(
            "{} has more than {MAX_DECIMALS} decimals; cut it",
            records::text::shown(text)
        );
        return Err(row.error(column, problem));
    }
    Ok(scale)
}

fn balance(row: &Row<'_>, asset: usize, decimals: u8) -> Result<Balance, ImportError> {
    let first = first_column(asset);
    let mut amounts = [0u64; 5];
    for (i, amount) in amounts.iter_mut().enumerate() {
        *amount = row.amount(first + i, decimals)?;
    }
    let [equity, debt, mut loan, mut margin, mut portfolio] = amounts;
    // No coin counts twice.
    loan = loan.min(equity);
    margin = margin.min(equity - loan);
    portfolio = portfolio.min(equity - loan - margin);
    check_net(row, first + 5, equity, debt, decimals)?;
    Ok(Balance {
        equity,
        debt,
        loan,
        margin,
        portfolio,
    })
}

/// Whether a net is equity less debt, but for a float's noise, or zero.
fn check_net(
    row: &Row<'_>,
    column: usize,
    equity: u64,
    debt: u64,
    decimals: u8,
) -> Result<(), ImportError> {
    let Some(text) = row.text(column)? else {
        return Ok(());
    };
    let size = text.strip_prefix('-').unwrap_or(&text);
    let negative = size.len() < text.len();
    if plain_units(size, decimals)
        .is_some_and(|n| n == 0 || (n == equity.abs_diff(debt) && negative == (debt > equity)))
    {
        return Ok(());
    }
    let net: Decimal = row.need(column)?;
    let exact = Decimal::new(i128::from(equity) - i128::from(debt), decimals);
    // A 10^-12th of equity and debt in asset units; a millionth of the asset at least.
    let coarse = (i128::from(equity) + i128::from(debt)) / 1_000_000_000_000;
    let allowed = Decimal::new(coarse, decimals).max(Decimal::new(1, 6));
    let agrees = net
        .checked_sub(&exact)
        .is_ok_and(|noise| noise.abs() <= allowed);
    if !net.is_zero() && !agrees {
        return Err(row.error(
            column,
            format!("{net} is not equity less debt, {exact}; correct one of the three"),
        ));
    }
    Ok(())
}

/// What an exchange holds of an asset.
pub fn reserve_record() -> Record {
    Record::new(
        "reserves",
        "What an exchange holds, one record an asset; every asset of the asset file must be there.",
        vec![
            Column::new("symbol", Kind::Text, "the asset"),
            Column::new(
                "reserve",
                Kind::number(),
                "what is held; what does not fill a unit does not count",
            )
            .unit("the asset"),
        ],
    )
}

/// Reads reserves: one record for each asset; every asset must be there.
///
/// # Errors
/// Says what is wrong where.
pub fn read_reserves(path: &Path, assets: &[Asset]) -> Result<Vec<u128>, ImportError> {
    let file = At::file(path);
    let mut table = Table::of(path, reserve_record())?;
    let mut reserves: Vec<Option<u128>> = vec![None; assets.len()];
    while let Some(row) = table.next_row()? {
        let name: String = row.need(0)?;
        let Some(i) = assets.iter().position(|a| a.symbol == name) else {
            let problem = format!(
                "asset `{name}` is not in the asset file; remove the line or add the asset"
            );
            return Err(row.error(0, problem));
        };
        let number: Decimal = row.need(1)?;
        // What does not fill a unit does not count.
        let units = number
            .rescale(assets[i].decimals, fixed::Rounding::Floor)
            .ok()
            .and_then(|u| u128::try_from(u).ok())
            .filter(|u| *u < 1 << 90)
            .ok_or_else(|| {
                row.error(1, format!("{number} is negative or too large; correct it"))
            })?;
        if reserves[i].replace(units).is_some() {
            return Err(row.error(0, format!("`{name}` stands twice; remove one")));
        }
    }
    reserves
        .iter()
        .zip(assets)
        .map(|(r, a)| {
            r.ok_or_else(|| {
                file.error(
                    Some("symbol"),
                    format!("there is no line for `{}`; add one", a.symbol),
                )
            })
        })
        .collect()
}

/// Writes an asset file.
///
/// # Errors
/// If the file cannot be written.
pub fn write_assets(path: &Path, assets: &[Asset]) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record([
        "symbol",
        "usdt_price",
        "loan_tiers_ratio",
        "margin_tiers_ratio",
        "portfolio_tiers_ratio",
    ])?;
    for asset in assets {
        let [loan, margin, portfolio] = asset.haircuts.all().map(tiers_text);
        writer.write_record([
            &asset.symbol,
            &asset.price.to_string(),
            &loan,
            &margin,
            &portfolio,
        ])?;
    }
    writer.flush()
}

fn tiers_text(tiers: &[Tier]) -> String {
    if tiers.is_empty() {
        return String::new();
    }
    let mut from = Decimal::ZERO;
    let mut parts = Vec::with_capacity(tiers.len());
    for tier in tiers {
        parts.push(format!("{from}-{}:{}", tier.up_to, tier.percent));
        from = tier.up_to;
    }
    format!("[{}]", parts.join(","))
}

/// Writes a user file, one account at a time: a million accounts need not be held at once. The total
/// column, which no one reads, is 0.
///
/// # Errors
/// If the file cannot be written.
pub fn write_users(
    path: &Path,
    assets: &[Asset],
    accounts: impl IntoIterator<Item = Account>,
) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut writer = csv::Writer::from_writer(&mut out);
    let mut record = vec!["rn".to_string(), "id".to_string()];
    for asset in assets {
        // The net stands third.
        for prefix in ["e_", "d_", "", "vl_", "m_", "pm_"] {
            record.push(format!("{prefix}{}", asset.symbol));
        }
    }
    record.push("total_net_balance_usdt".to_string());
    writer.write_record(&record)?;
    for (number, account) in accounts.into_iter().enumerate() {
        record.clear();
        record.extend([number.to_string(), account.id]);
        for (asset, b) in assets.iter().zip(account.balances.iter()) {
            let net = i128::from(b.equity) - i128::from(b.debt);
            let units = [b.equity, b.debt].map(i128::from);
            let pledges = b.pledges().map(i128::from);
            for amount in units.into_iter().chain([net]).chain(pledges) {
                record.push(Decimal::new(amount, asset.decimals).to_string());
            }
        }
        record.push("0".to_string());
        writer.write_record(&record)?;
    }
    writer.flush()?;
    drop(writer);
    out.flush()
}
