//! `sealbook sample`: files to try everything with.

use credit::import::deal as deals;
use credit::import::tape::read_template;
use credit::pool::remittance::roll_tape;
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use market::import::{exchange, layout};
use market::sample;
use venue::import::{prices, states};

use crate::Failure;
use crate::arguments::Sample;
use crate::output::say;

/// Exchange users in the sample.
const USERS: u64 = 1_000;

pub fn run(arguments: &Sample) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let failed =
        |e: std::io::Error| Failure::Input(format!("{}: cannot be written: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let snapshot = sample::snapshot();
    if arguments.positions > snapshot.instruments.len() || arguments.below > arguments.accounts {
        return Err(Failure::Input(format!(
            "there are {} instruments to hold, and no more accounts below margin than accounts",
            snapshot.instruments.len()
        )));
    }
    let book = sample::book(
        &snapshot,
        arguments.seed,
        arguments.accounts,
        arguments.positions,
        arguments.below,
    );
    layout::write_market(&folder.join("market.json"), &snapshot).map_err(failed)?;
    for name in ["book.csv", "book.json", "book.parquet"] {
        layout::write_book(&folder.join(name), &book, &snapshot).map_err(failed)?;
    }
    let assets = sample::exchange_assets();
    let users: Vec<_> = (0..USERS)
        .map(|i| sample::exchange_account(arguments.seed, i))
        .collect();
    let mut reserves = String::from("symbol,reserve\n");
    for (i, asset) in assets.iter().enumerate() {
        let owed: u128 = users
            .iter()
            .map(|u| u128::from(u.balances[i].equity.saturating_sub(u.balances[i].debt)))
            .sum();
        let amount = market::solvency::amount(asset, owed + owed / 50);
        reserves += &format!("{},{amount}\n", asset.symbol);
    }
    exchange::write_assets(&folder.join("assets.csv"), &assets).map_err(failed)?;
    exchange::write_users(&folder.join("users.csv"), &assets, users).map_err(failed)?;
    std::fs::write(folder.join("reserves.csv"), reserves).map_err(failed)?;
    let scenarios = venue::sample::scenarios(arguments.seed, 4, 1_000);
    let history = venue::sample::prices(arguments.seed, 4, 500);
    prices::write_prices(&folder.join("prices.csv"), &history).map_err(failed)?;
    let trades = venue::sample::trades(arguments.seed, &scenarios, 20);
    states::write_scenarios(&folder.join("scenarios.json"), &scenarios).map_err(failed)?;
    let state = venue::sample::state(&scenarios);
    states::write_state(&folder.join("venue.json"), &state, &scenarios).map_err(failed)?;
    // The first venue's account book.
    let perpetuals = venue::sample::snapshot(&scenarios);
    let traders = venue::sample::book(arguments.seed, &scenarios, &state, 50);
    layout::write_market(&folder.join("perpetuals.json"), &perpetuals).map_err(failed)?;
    layout::write_book(&folder.join("traders.csv"), &traders, &perpetuals).map_err(failed)?;
    // A second venue, which is short where the first is long.
    let mut other = state;
    other.quantities.iter_mut().for_each(|q| *q = -*q / 2);
    other.entry = -other.entry / 2;
    states::write_state(&folder.join("other-venue.json"), &other, &scenarios).map_err(failed)?;
    states::write_trades(&folder.join("trades.csv"), &trades, &scenarios).map_err(failed)?;
    std::fs::write(
        folder.join("pool.csv"),
        sample_pool::csv(arguments.seed, arguments.loans),
    )
    .map_err(failed)?;
    std::fs::write(folder.join("pool-terms.json"), sample_pool::TERMS).map_err(failed)?;
    let mut tape = sample_pool::tape(arguments.seed, arguments.loans, &read_template("mortgage")?);
    let deal = sample_deal_for(sample_pool::owed(&tape));
    deals::write_deal(&folder.join("deal.json"), &deal).map_err(failed)?;
    deals::write_indices(&folder.join("indices.json"), &sample_indices()).map_err(failed)?;
    std::fs::write(folder.join("stresses.json"), sample_pool::STRESSES).map_err(failed)?;
    for month in 1..=2 {
        let events = sample_pool::remittances(arguments.seed + month, &tape);
        let path = folder.join(format!("remittances-{month}.csv"));
        std::fs::write(path, sample_pool::remittances_csv(&events)).map_err(failed)?;
        tape = roll_tape(&tape, &events)
            .map_err(|e| Failure::Internal(e.to_string()))?
            .tape;
    }
    say!(
        "{}: market.json, book.csv, book.json, book.parquet; users.csv, assets.csv, reserves.csv; \
         prices.csv, scenarios.json, venue.json, other-venue.json, \
         trades.csv, perpetuals.json, traders.csv; pool.csv, pool-terms.json, \
         deal.json, indices.json, stresses.json, remittances-1.csv, remittances-2.csv",
        folder.display()
    );
    Ok(())
}
