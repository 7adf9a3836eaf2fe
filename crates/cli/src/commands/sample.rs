//! `sealbook sample`: files to try everything with.

use std::io;

use credit::import::deal as deals;
use credit::import::tape::read_template;
use credit::pool::Tape;
use credit::pool::remittance::{Remittances, roll_tape};
use credit::sample_deal::{sample_absbox_for, sample_deal_for, sample_indices};
use credit::sample_pool;
use market::import::{auctions, exchange, layout, orders};
use market::sample;
use market::snapshot::Snapshot;
use venue::import::{prices, states};

use crate::Failure;
use crate::arguments::Sample;
use crate::output::say;

/// Exchange users in the sample.
const USERS: u64 = 1_000;
/// Instruments of the market that trades, and orders of the batch.
const TRADED: usize = 8;
const ORDERS: usize = 100;

pub fn run(arguments: &Sample) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let failed =
        |e: io::Error| Failure::Input(format!("{}: cannot be written: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let snapshot = sample::snapshot();
    if arguments.positions > snapshot.instruments.len() || arguments.below > arguments.accounts {
        return Err(Failure::Input(format!(
            "there are {} instruments to hold, and no more accounts below margin than accounts",
            snapshot.instruments.len()
        )));
    }
    write_book(arguments, &snapshot).map_err(failed)?;
    write_auction(arguments)?;
    write_users(arguments).map_err(failed)?;
    write_venues(arguments).map_err(failed)?;
    let mortgages = read_template("mortgage")?;
    let tape = sample_pool::tape(arguments.seed, arguments.loans, &mortgages);
    write_deal(arguments, &tape).map_err(failed)?;
    let mut cut_off = tape.cut_off.clone();
    for (month, events) in (1..).zip(remittances(arguments.seed, tape)?) {
        cut_off = cut_off.next();
        let path = folder.join(format!("remittances-{month}.csv"));
        std::fs::write(path, sample_pool::remittances_csv(&events, &cut_off)).map_err(failed)?;
    }
    say!(
        "{}: market.json, book.csv, book.json, book.parquet; trading-market.json, trading-book.csv, auction.json, orders.csv; users.csv, assets.csv, reserves.csv; \
         prices.csv, scenarios.json, venue.json, other-venue.json, \
         trades.csv, perpetuals.json, traders.csv; pool.csv, pool-terms.json, \
         deal.json, absbox.py, indices.json, stresses.json, remittances-1.csv, remittances-2.csv",
        folder.display()
    );
    Ok(())
}

/// A market, and a book of its accounts in each format.
fn write_book(arguments: &Sample, snapshot: &Snapshot) -> io::Result<()> {
    let folder = &arguments.folder;
    let book = sample::book(
        snapshot,
        arguments.seed,
        arguments.accounts,
        arguments.positions,
        arguments.below,
    );
    layout::write_market(&folder.join("market.json"), snapshot)?;
    for name in ["book.csv", "book.json", "book.parquet"] {
        layout::write_book(&folder.join(name), &book, snapshot)?;
    }
    Ok(())
}

/// A market whose instruments trade, a book on it, and a batch of orders of its accounts.
fn write_auction(arguments: &Sample) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let failed =
        |e: io::Error| Failure::Input(format!("{}: cannot be written: {e}", folder.display()));
    let market = sample::trading(TRADED);
    let positions = arguments.positions.min(TRADED / 2);
    let book = sample::book(&market, arguments.seed, arguments.accounts, positions, 0);
    layout::write_market(&folder.join("trading-market.json"), &market).map_err(failed)?;
    layout::write_book(&folder.join("trading-book.csv"), &book, &market).map_err(failed)?;
    let file = sample::auction(&market, 17);
    auctions::write_auction(&folder.join("auction.json"), &file).map_err(failed)?;
    let terms = auctions::read_auction(&folder.join("auction.json"), &market)?;
    let sent = sample::orders(&market, &terms, book.accounts(), arguments.seed, ORDERS);
    orders::write_orders(&folder.join("orders.csv"), &sent, &market).map_err(failed)
}

/// An exchange's users, and reserves of 102% of what they are owed.
fn write_users(arguments: &Sample) -> io::Result<()> {
    let folder = &arguments.folder;
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
    exchange::write_assets(&folder.join("assets.csv"), &assets)?;
    exchange::write_users(&folder.join("users.csv"), &assets, users)?;
    std::fs::write(folder.join("reserves.csv"), reserves)
}

/// Scenarios, two venues under them, and the first one's account book and trades.
fn write_venues(arguments: &Sample) -> io::Result<()> {
    let (folder, seed) = (&arguments.folder, arguments.seed);
    let scenarios = venue::sample::scenarios(seed, 4, 1_000);
    let history = venue::sample::prices(seed, 4, 500);
    prices::write_prices(&folder.join("prices.csv"), &history)?;
    states::write_scenarios(&folder.join("scenarios.json"), &scenarios)?;
    let state = venue::sample::state(&scenarios);
    states::write_state(&folder.join("venue.json"), &state, &scenarios)?;
    let perpetuals = venue::sample::snapshot(&scenarios);
    let traders = venue::sample::book(seed, &scenarios, &state, 50);
    layout::write_market(&folder.join("perpetuals.json"), &perpetuals)?;
    layout::write_book(&folder.join("traders.csv"), &traders, &perpetuals)?;
    let trades = venue::sample::trades(seed, &scenarios, 20);
    states::write_trades(&folder.join("trades.csv"), &trades, &scenarios)?;
    // The second venue is short where the first is long.
    let mut other = state;
    other.quantities.iter_mut().for_each(|q| q.0 = -q.0 / 2);
    other.entry.0 = -other.entry.0 / 2;
    states::write_state(&folder.join("other-venue.json"), &other, &scenarios)
}

/// A pool, and two deals over it, ours and one of AbsBox.
fn write_deal(arguments: &Sample, tape: &Tape) -> io::Result<()> {
    let folder = &arguments.folder;
    let pool = sample_pool::csv(arguments.seed, arguments.loans);
    std::fs::write(folder.join("pool.csv"), pool)?;
    std::fs::write(folder.join("pool-terms.json"), sample_pool::TERMS)?;
    let owed = sample_pool::owed(tape);
    std::fs::write(folder.join("absbox.py"), sample_absbox_for(owed))?;
    let deal = sample_deal_for(owed);
    deals::write_deal(&folder.join("deal.json"), &deal)?;
    deals::write_indices(&folder.join("indices.json"), &sample_indices())?;
    std::fs::write(folder.join("stresses.json"), sample_pool::STRESSES)
}

/// What became of the pool's loans in each of two months.
fn remittances(seed: u64, mut tape: Tape) -> Result<Vec<Remittances>, Failure> {
    let months = (1..=2).map(|month| {
        let events = sample_pool::remittances(seed + month, &tape);
        tape = roll_tape(&tape, &events)
            .map_err(|e| Failure::Internal(e.to_string()))?
            .tape;
        Ok(events)
    });
    months.collect()
}
