//! How long risk arrays and a large exchange file take: `cargo run --release -p venue --example
//! measure [users]`.

use std::time::Instant;

use market::array::RiskArrays;
use market::haircut::AssetRates;
use market::import::exchange;
use market::{Kind, Level, sample, solvency};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let users: u64 = std::env::args().nth(1).map_or(Ok(100_000), |n| n.parse())?;

    // 230 options, as on a venue's chain of one coin.
    let mut snapshot = sample::snapshot();
    let is_option = |kind: &Kind| matches!(kind, Kind::Option { .. });
    let options: Vec<_> = snapshot
        .instruments
        .iter()
        .filter(|i| is_option(&i.kind))
        .cloned()
        .collect();
    snapshot.instruments = options.into_iter().cycle().take(230).collect();
    let start = Instant::now();
    let arrays = RiskArrays::new(&snapshot, Level::Initial)?;
    println!(
        "risk arrays, 230 options x {} columns: {:?}",
        arrays.columns,
        start.elapsed()
    );

    let dir = std::env::temp_dir().join(format!("risk-measure-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let (user_file, asset_file) = (dir.join("users.csv"), dir.join("assets.csv"));
    let assets = sample::exchange_assets();
    let start = Instant::now();
    exchange::write_assets(&asset_file, &assets)?;
    let accounts = (0..users).map(|i| sample::exchange_account(1, i));
    exchange::write_users(&user_file, &assets, accounts)?;
    println!("{users} users made and written: {:?}", start.elapsed());

    let start = Instant::now();
    let (snapshot, book) = exchange::read(&user_file, &asset_file, 1_795_651_200_000, "sample")?;
    println!("{users} users read: {:?}", start.elapsed());
    std::fs::remove_dir_all(&dir)?;

    let start = Instant::now();
    let rates = snapshot
        .assets
        .iter()
        .map(AssetRates::new)
        .collect::<Result<Vec<_>, _>>()?;
    let result = solvency::evaluate(&rates, book.accounts());
    println!(
        "solvency of {users} users: {:?}, {} uncovered",
        start.elapsed(),
        result.uncovered.len()
    );
    Ok(())
}
