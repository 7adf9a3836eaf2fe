//! The exchange layout: one line per user with six columns per asset, and an asset file.
//!
//! `users.csv`: `rn, id`, then for each asset `e_x` (equity), `d_x` (debt), `x` (net), `vl_x`, `m_x`,
//! `pm_x` (pledged for VIP loans, margin, portfolio margin), and `total_net_balance_usdt`.
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

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use fixed::Decimal;

use crate::book::{Account, Balance, Book};
use crate::snapshot::{Asset, Haircuts, MAX_DECIMALS, Snapshot, SnapshotError, Tier, check_assets};
use records::files::{At, Header, ImportError, csv_error, csv_reader, plain_units};

/// Reads assets; their decimals are 0 until the users are read.
///
/// # Errors
/// Says what is wrong where.
pub fn read_assets(path: &Path) -> Result<Vec<Asset>, ImportError> {
    let file = At::file(path);
    let mut reader = csv_reader(path)?;
    let header = Header::new(reader.headers().map_err(|e| csv_error(&file, &e))?);
    let names = [
        "symbol",
        "usdt_price",
        "loan_tiers_ratio",
        "margin_tiers_ratio",
        "portfolio_tiers_ratio",
    ];
    let mut columns = [0; 5];
    for (column, name) in columns.iter_mut().zip(names) {
        *column = header.column(&file, name)?;
    }
    let mut assets = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(&file, &e))?;
        let at = file.line(record.position().map_or(0, csv::Position::line));
        let text = |i: usize| &record[columns[i]];
        let price = at.number(names[1], text(1))?;
        let tiers = |i: usize| parse_tiers(&at, names[i], text(i));
        let asset = Asset {
            symbol: text(0).to_string(),
            price,
            decimals: 0,
            haircuts: Haircuts {
                loan: tiers(2)?,
                margin: tiers(3)?,
                portfolio: tiers(4)?,
            },
        };
        assets.push(asset);
        check_assets(&assets).map_err(|e| at.error(Some(&e.field), e.problem))?;
    }
    if assets.is_empty() {
        return Err(file.error(None, "holds no asset"));
    }
    Ok(assets)
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

/// The six columns of an asset, in the order equity, debt, loan, margin, portfolio, net.
const PREFIXES: [&str; 6] = ["e_", "d_", "vl_", "m_", "pm_", ""];

struct Columns {
    id: usize,
    assets: Vec<AssetColumns>,
}

/// Where an asset's columns are, and their names.
struct AssetColumns {
    places: [usize; 6],
    names: [String; 6],
}

fn columns(file: &At, header: &Header, assets: &[Asset]) -> Result<Columns, ImportError> {
    let mut by_asset = Vec::new();
    for asset in assets {
        let names = PREFIXES.map(|prefix| format!("{prefix}{}", asset.symbol));
        let mut places = [0; 6];
        for (place, name) in places.iter_mut().zip(&names) {
            *place = header.column(file, name)?;
        }
        by_asset.push(AssetColumns { places, names });
    }
    // An asset that the asset file does not know would be left out of all sums.
    if let Some(unknown) = header.names().iter().find_map(|n| {
        n.strip_prefix("e_")
            .filter(|symbol| !assets.iter().any(|a| a.symbol == *symbol))
    }) {
        return Err(file.line(1).error(
            Some(&format!("e_{unknown}")),
            format!("asset `{unknown}` is not in the asset file; add it there"),
        ));
    }
    Ok(Columns {
        id: header.column(file, "id")?,
        assets: by_asset,
    })
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
    let decimals = amount_decimals(users, &file, assets)?;
    for (asset, decimals) in assets.iter_mut().zip(decimals) {
        asset.decimals = decimals;
    }
    let mut accounts = Vec::new();
    let mut lines: HashMap<String, u64> = HashMap::new();
    let assets = &snapshot.assets;
    for_each_record(users, &file, assets, |at, line, columns, record| {
        let id = record[columns.id].to_string();
        if id.is_empty() {
            return Err(at.error(Some("id"), "is empty; every user needs an id"));
        }
        if !records::names::is_id(&id) {
            let problem = format!("`{}` {}", id.escape_debug(), records::names::NO_ID);
            return Err(at.error(Some("id"), problem));
        }
        if let Some(first) = lines.insert(id.clone(), line) {
            return Err(at.error(
                Some("id"),
                format!("duplicate account `{id}`, first on line {first}; merge the two lines"),
            ));
        }
        let mut balances = Vec::with_capacity(assets.len());
        for (asset, columns) in assets.iter().zip(&columns.assets) {
            balances.push(balance(at, asset, columns, record)?);
        }
        accounts.push(Account {
            id,
            balances: balances.into(),
            positions: Vec::new(),
        });
        Ok(())
    })?;
    if accounts.is_empty() {
        return Err(file.error(None, "holds no user"));
    }
    let book = Book::new(&snapshot, accounts).map_err(|e| file.error(Some("id"), e.to_string()))?;
    Ok((snapshot, book))
}

fn for_each_record(
    path: &Path,
    file: &At,
    assets: &[Asset],
    mut each: impl FnMut(&At, u64, &Columns, &csv::StringRecord) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut reader = csv_reader(path)?;
    let header = Header::new(reader.headers().map_err(|e| csv_error(file, &e))?);
    let columns = columns(file, &header, assets)?;
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|e| csv_error(file, &e))?
    {
        let line = record.position().map_or(0, csv::Position::line);
        each(&file.line(line), line, &columns, &record)?;
    }
    Ok(())
}

fn amount_decimals(path: &Path, file: &At, assets: &[Asset]) -> Result<Vec<u8>, ImportError> {
    let mut decimals = vec![0u8; assets.len()];
    for_each_record(path, file, assets, |at, _, columns, record| {
        for (most, columns) in decimals.iter_mut().zip(&columns.assets) {
            // The net's digits are no one's.
            for (&column, field) in columns.places[..5].iter().zip(&columns.names) {
                let text = &record[column];
                if text.is_empty() {
                    continue;
                }
                // Most amounts have a plain point; count without parsing twice.
                let scale = match text.split_once('.') {
                    None if text.bytes().all(|b| b.is_ascii_digit()) => 0,
                    Some((_, f)) if f.len() <= usize::from(*most) && !f.contains(['e', 'E']) => 0,
                    _ => {
                        let scale = at.number(field, text)?.normalized().scale();
                        if scale > MAX_DECIMALS {
                            return Err(at.error(
                                Some(field),
                                format!("{text} has more than {MAX_DECIMALS} decimals; cut it"),
                            ));
                        }
                        scale
                    }
                };
                *most = (*most).max(scale);
            }
        }
        Ok(())
    })?;
    Ok(decimals)
}

fn balance(
    at: &At,
    asset: &Asset,
    columns: &AssetColumns,
    record: &csv::StringRecord,
) -> Result<Balance, ImportError> {
    let AssetColumns { places, names } = columns;
    let mut amounts = [0u64; 5];
    for (i, amount) in amounts.iter_mut().enumerate() {
        *amount = at.amount(&names[i], &record[places[i]], asset.decimals)?;
    }
    let [equity, debt, mut loan, mut margin, mut portfolio] = amounts;
    // No coin counts twice.
    loan = loan.min(equity);
    margin = margin.min(equity - loan);
    portfolio = portfolio.min(equity - loan - margin);
    check_net(
        at,
        &names[5],
        &record[places[5]],
        equity,
        debt,
        asset.decimals,
    )?;
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
    at: &At,
    field: &str,
    text: &str,
    equity: u64,
    debt: u64,
    decimals: u8,
) -> Result<(), ImportError> {
    let size = text.strip_prefix('-').unwrap_or(text);
    let negative = size.len() < text.len();
    if plain_units(size, decimals)
        .is_some_and(|n| n == 0 || (n == equity.abs_diff(debt) && negative == (debt > equity)))
    {
        return Ok(());
    }
    let net = at.number(field, text)?;
    let exact = Decimal::new(i128::from(equity) - i128::from(debt), decimals);
    // A 10^-12th of equity and debt in asset units; a millionth of the asset at least.
    let coarse = (i128::from(equity) + i128::from(debt)) / 1_000_000_000_000;
    let allowed = Decimal::new(coarse, decimals).max(Decimal::new(1, 6));
    let agrees = net
        .checked_sub(&exact)
        .is_ok_and(|noise| noise.abs() <= allowed);
    if !net.is_zero() && !agrees {
        return Err(at.error(
            Some(field),
            format!("{net} is not equity less debt, {exact}; correct one of the three"),
        ));
    }
    Ok(())
}

/// Reads reserves: `symbol, reserve`, one line per asset; every asset must be there.
///
/// # Errors
/// Says what is wrong where.
pub fn read_reserves(path: &Path, assets: &[Asset]) -> Result<Vec<u128>, ImportError> {
    let file = At::file(path);
    let mut reader = csv_reader(path)?;
    let header = Header::new(reader.headers().map_err(|e| csv_error(&file, &e))?);
    let (symbol, reserve) = (
        header.column(&file, "symbol")?,
        header.column(&file, "reserve")?,
    );
    let mut reserves: Vec<Option<u128>> = vec![None; assets.len()];
    for record in reader.records() {
        let record = record.map_err(|e| csv_error(&file, &e))?;
        let at = file.line(record.position().map_or(0, csv::Position::line));
        let name = &record[symbol];
        let Some(i) = assets.iter().position(|a| a.symbol == name) else {
            return Err(at.error(
                Some("symbol"),
                format!(
                    "asset `{name}` is not in the asset file; remove the line or add the asset"
                ),
            ));
        };
        let number = at.number("reserve", &record[reserve])?;
        // What does not fill a unit does not count.
        let units = number
            .rescale(assets[i].decimals, fixed::Rounding::Floor)
            .ok()
            .and_then(|u| u128::try_from(u).ok())
            .filter(|u| *u < 1 << 90)
            .ok_or_else(|| {
                at.error(
                    Some("reserve"),
                    format!("{number} is negative or too large"),
                )
            })?;
        if reserves[i].replace(units).is_some() {
            return Err(at.error(Some("symbol"), format!("`{name}` stands twice; remove one")));
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
