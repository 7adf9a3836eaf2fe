//! A sample venue: scenarios, a state and a day of trades.

use fixed::Decimal;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::history::PriceHistory;
use crate::scenarios::recipe::Source;
use crate::scenarios::{Market, ScenarioSet};
use crate::state::{Trade, VenueState, ticks};
use market::{
    Account, Asset, Balance, Book, Instrument, Kind, Position, Settlement, Side, Snapshot,
};
use records::units::{Lots, Ticks};

/// Symbol, price of a lot in ticks, typical daily move in millionths.
const MARKETS: [(&str, u64, i64); 4] = [
    ("BTC", 6_400_000_000, 28_000),
    ("ETH", 3_400_000_000, 35_000),
    ("SOL", 1_500_000_000, 50_000),
    ("XRP", 500_000_000, 45_000),
];

/// About a normal number: twelve uniform ones, with a standard deviation of `scale`.
fn bell(rng: &mut StdRng, scale: i64) -> i64 {
    (0..12)
        .map(|_| rng.random_range(-scale..=scale))
        .sum::<i64>()
        / 2
}

/// So many scenarios of one day: moves share a market factor, and one day in eight is three times as wild. Made
/// with whole numbers from a seed, so that it is the same everywhere.
pub fn scenarios(seed: u64, markets: usize, count: usize) -> ScenarioSet {
    let mut rng = StdRng::seed_from_u64(seed);
    let kind = |i: usize| MARKETS[i % MARKETS.len()];
    let symbol = |i: usize| match i / MARKETS.len() {
        0 => kind(i).0.to_string(),
        n => format!("{}-{n}", kind(i).0),
    };
    let names = (0..markets).map(|i| Market {
        symbol: symbol(i),
        lot: Decimal::ONE,
        value: kind(i).1,
    });
    let names: Vec<Market> = names.collect();
    let values = (0..count)
        .map(|_| {
            let wild = if rng.random_range(0..8) == 0 { 3 } else { 1 };
            let shared = bell(&mut rng, 1_000);
            (0..markets)
                .map(|i| {
                    let (_, value, typical) = kind(i);
                    // Correlations of about 0.64.
                    let own = bell(&mut rng, 1_000);
                    let parts =
                        (typical * wild * (4 * shared + 3 * own) / 5_000).clamp(-900_000, 900_000);
                    (i128::from(value) * i128::from(1_000_000 + parts) / 1_000_000) as u64
                })
                .collect()
        })
        .collect();
    ScenarioSet {
        as_of_ms: 1_590_000_000_000,
        quote: "USD".into(),
        horizon_days: Decimal::ONE,
        source: Source::Given {
            note: format!("sample of {count} scenarios, seed {seed}"),
        },
        markets: names,
        values,
        probabilities: Vec::new(),
    }
}

/// Daily prices with the moves of [`scenarios`], which end on the day and at the prices that [`scenarios`] start from: a [`state`]
/// fits scenarios that are made from them.
///
/// # Panics
/// If there are so many days that prices grow beyond bounds.
pub fn prices(seed: u64, markets: usize, count: usize) -> PriceHistory {
    let moves = scenarios(seed, markets, count);
    let last = (moves.as_of_ms / 86_400_000) as i64;
    let mut now: Vec<u64> = moves.markets.iter().map(|m| m.value).collect();
    let mut rows: Vec<Vec<Decimal>> = Vec::with_capacity(count);
    for values in &moves.values {
        rows.push(now.iter().map(|&p| ticks(p.into())).collect());
        // The day before.
        for (now, (market, value)) in now.iter_mut().zip(moves.markets.iter().zip(values)) {
            let before = u128::from(*now) * u128::from(market.value) / u128::from(*value);
            *now = before as u64;
        }
    }
    rows.reverse();
    PriceHistory::new(
        moves.markets.iter().map(|m| m.symbol.clone()).collect(),
        (last + 1 - count as i64..=last).collect(),
        rows,
    )
    .expect("moves of at most nine tenths")
}

/// A state: traders are net long the first markets and short the last ones.
pub fn state(set: &ScenarioSet) -> VenueState {
    let n = set.markets.len() as i64;
    let mut state = VenueState::flat(
        set.markets.len(),
        Ticks(60_000_000_000),
        Ticks(120_000_000_000),
    );
    state.as_of_ms = set.as_of_ms;
    // What thirty days brought in.
    state.collected = Ticks(50_000_000_000);
    state.collected_since_ms = set.as_of_ms - 30 * 86_400_000;
    for (market, m) in set.markets.iter().enumerate() {
        let lots = Lots(30 * (n - 2 * market as i64));
        let trade = Trade {
            market,
            lots,
            price: entry_price(m),
        };
        state = state.after(&trade, Ticks(0)).expect("a small sample");
    }
    state
}

/// The market of perpetuals that a scenario set's markets stand for.
pub fn snapshot(set: &ScenarioSet) -> Snapshot {
    let instruments = set.markets.iter().map(|market| Instrument {
        symbol: market.symbol.clone(),
        kind: Kind::Perpetual,
        underlying: market.symbol.clone(),
        settlement: Settlement::Linear,
        mark: ticks(market.value.into()),
        forward: None,
        lot: market.lot,
        contract_size: Decimal::ONE,
        mark_reason: None,
    });
    Snapshot {
        as_of_ms: set.as_of_ms,
        source: "sample".into(),
        quote: set.quote.clone(),
        assets: vec![Asset {
            symbol: set.quote.clone(),
            price: Decimal::ONE,
            decimals: 6,
            haircuts: Default::default(),
        }],
        instruments: instruments.collect(),
        grid: Default::default(),
        grids: Default::default(),
        parameters: Default::default(),
    }
}

/// A book of at least two accounts that add up to a [`state`]: all trade at its prices, one evens out.
pub fn book(seed: u64, set: &ScenarioSet, state: &VenueState, accounts: usize) -> Book {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut rest: Vec<i64> = state.quantities.iter().map(|q| q.0).collect();
    let position = |instrument: usize, lots: i64| Position {
        instrument,
        side: if lots > 0 { Side::Long } else { Side::Short },
        lots: Lots(lots.unsigned_abs()),
        entry: lots.unsigned_abs() * entry_price(&set.markets[instrument]).0,
    };
    let mut made = Vec::with_capacity(accounts);
    for number in 0..accounts {
        let lots: Vec<i64> = (0..rest.len())
            .map(|market| match number + 1 {
                last if last == accounts => rest[market],
                _ if rng.random_range(0..3) == 0 => rng.random_range(-20..=20),
                _ => 0,
            })
            .collect();
        let held = lots.iter().enumerate().filter(|(_, lots)| **lots != 0);
        made.push(Account {
            id: format!("trader-{number:05}"),
            balances: vec![Balance {
                equity: rng.random_range(1_000_000..1_000_000_000_000),
                ..Balance::default()
            }]
            .into(),
            positions: held.map(|(market, &lots)| position(market, lots)).collect(),
        });
        for (rest, lots) in rest.iter_mut().zip(&lots) {
            *rest -= lots;
        }
    }
    Book::new(&snapshot(set), made).expect("they fit")
}

/// What the positions of a sample were entered at.
fn entry_price(market: &Market) -> Ticks<u64> {
    Ticks(market.value - market.value / 100)
}

/// A day of trades at prices within half a percent of the market's.
pub fn trades(seed: u64, set: &ScenarioSet, count: usize) -> Vec<Trade> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count)
        .map(|_| {
            let market = rng.random_range(0..set.markets.len());
            let value = set.markets[market].value;
            Trade {
                market,
                lots: Lots(rng.random_range(-12..=12)),
                price: Ticks(
                    value + value / 1_000_000 * rng.random_range(0..=10_000) - value / 200,
                ),
            }
        })
        .collect()
}
