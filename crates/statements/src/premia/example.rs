//! Example claims.

use fixed::Decimal;
use records::units::Ticks;
use serde_json::json;
use venue::evar::Confidence;
use venue::fact::Fact;
use venue::state::Change;

use super::{Premia, Prepared, Shows, Terms};
use crate::kit::{Example, Inputs, Size};

/// Markets of the venue.
const MARKETS: usize = 32;

/// A venue's EVaR and funding rates; the premia of its trades, one by one, or in total; that it is funded, and adequate.
pub(super) fn examples() -> Vec<Example<Premia>> {
    const PRICES: Shows = Shows::Prices { lots: false };
    const TOTALS: Shows = Shows::Totals {
        grid: None,
        tolerance: None,
    };
    let state = Example {
        name: "premia",
        inputs: |size: &Size| inputs(size, [10_000, 0], PRICES, true),
    };
    let trades = Example {
        name: "premia-trades",
        inputs: |size: &Size| inputs(size, [1_024, 100], PRICES, false),
    };
    let totals = Example {
        name: "premia-totals",
        inputs: |size: &Size| inputs(size, [1_024, 100], TOTALS, true),
    };
    let funded = Example {
        name: "premia-funded",
        inputs: |size: &Size| inputs(size, [1_024, 100], Shows::Fact(Fact::Funded), false),
    };
    let adequate = Example {
        name: "premia-adequate",
        inputs: |size: &Size| {
            let fact = Fact::AdequateWithoutProviders;
            inputs(size, [1_024, 100], Shows::Fact(fact), false)
        },
    };
    vec![state, trades, totals, funded, adequate]
}

/// So many scenarios and trades, unless a size is given.
fn inputs(
    size: &Size,
    [scenarios, trades]: [usize; 2],
    shows: Shows,
    funding: bool,
) -> Inputs<Premia> {
    let scenarios = size.scenarios.unwrap_or(scenarios);
    let trades = if trades == 0 {
        0
    } else {
        size.trades.unwrap_or(trades)
    };
    let set = venue::sample::scenarios(1, MARKETS, scenarios);
    let mut state = venue::sample::state(&set);
    if let Shows::Fact(_) = shows {
        // The sample's capital and cash are those of four markets.
        state.capital = Ticks(1 << 50);
        state.collected = Ticks(1 << 50);
    }
    let changes = venue::sample::trades(1, &set, trades);
    let changes: Vec<Change> = changes.into_iter().map(Change::from).collect();
    let confidence: Confidence = Decimal::new(95, 2).try_into().expect("a constant");
    let terms = Terms {
        confidence,
        shows,
        funding,
        until_ms: None,
    };
    let sizes = json!({
        "scenarios": scenarios, "markets": MARKETS, "trades": trades, "funding": funding,
        "confidence": confidence,
    });
    Inputs::new(sizes, move |secret| {
        Prepared::new(&set, &state, &changes, &terms, secret)
    })
}
