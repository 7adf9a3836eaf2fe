//! Tests of the premia statement: what is true is accepted, what is false is not.

mod facts;
mod forged;
mod hidden;
mod lifts;
mod needed;
mod positive;
mod weighted;

use fixed::Decimal;
use records::units::{Lots, Ticks};
use venue::scenarios::recipe::Source;
use venue::scenarios::{Market, ScenarioSet};
use venue::state::{Change, Trade, VenueState};

use super::rows::Rows;
use super::*;
use crate::account::Secret;
use crate::testing;

impl Prepared {
    fn rows(&self, part: usize) -> Rows {
        self.witness.rows(self.claim(), self.context(), part)
    }
}

fn secret() -> Secret {
    testing::secret_of('7')
}

/// A number below `n`, the same for the same seed.
fn noise(seed: u64, n: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) % n
}

/// Scenarios of moves of up to 20%, small ones more often.
fn scenarios(markets: usize, count: usize) -> ScenarioSet {
    let now = |i: usize| 50_000_000 + 13_000_000 * i as u64;
    let markets: Vec<Market> = (0..markets)
        .map(|i| Market {
            symbol: format!("M{i}"),
            lot: Decimal::ONE,
            value: now(i),
        })
        .collect();
    let values = (0..count)
        .map(|s| {
            (0..markets.len())
                .map(|i| {
                    let seed = (s * 1000 + i) as u64;
                    let move_of = |k: u64| noise(seed * 4 + k, 100_001) as i64 - 50_000;
                    let parts_per_million = (0..4).map(move_of).sum::<i64>();
                    (now(i) as i64 * (1_000_000 + parts_per_million) / 1_000_000) as u64
                })
                .collect()
        })
        .collect();
    ScenarioSet {
        as_of_ms: 1_795_651_200_000,
        quote: "USD".into(),
        horizon_days: Decimal::ONE,
        source: Source::Given {
            note: "a test".into(),
        },
        markets,
        values,
        probabilities: Vec::new(),
    }
}

fn state(set: &ScenarioSet) -> VenueState {
    let mut state = VenueState::flat(set.markets.len(), Ticks(900_000_000), Ticks(100_000_000));
    for (i, market) in set.markets.iter().enumerate() {
        let lots = noise(i as u64 + 77, 2000) as i64 - 1000;
        state = state
            .after(
                &Trade {
                    market: i,
                    lots: Lots(lots),
                    price: Ticks(market.value),
                },
                Ticks(0),
            )
            .expect("it fits");
    }
    state
}

fn trades(set: &ScenarioSet, count: usize) -> Vec<Trade> {
    (0..count)
        .map(|i| {
            let market = i % set.markets.len();
            Trade {
                market,
                lots: Lots(noise(i as u64, 400) as i64 - 200),
                price: Ticks(set.markets[market].value + i as u64),
            }
        })
        .collect()
}

fn changes(trades: &[Trade]) -> Vec<Change> {
    trades.iter().copied().map(Change::from).collect()
}

fn terms() -> Terms {
    Terms {
        confidence: testing::confidence(),
        shows: Shows::Prices { lots: false },
        funding: true,
        until_ms: None,
    }
}

fn prepared(markets: usize, count: usize, n: usize) -> Prepared {
    let set = scenarios(markets, count);
    let (state, trades) = (state(&set), trades(&set, n));
    Prepared::new(&set, &state, &changes(&trades), &terms(), &secret()).expect("it is true")
}
