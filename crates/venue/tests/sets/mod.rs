//! Sets made from a sample history, as several tests make them.
#![allow(dead_code)] // Each test file uses its part.

use fixed::Decimal;
use venue::history::PriceHistory;
use venue::scenarios::ScenarioSet;
use venue::scenarios::recipe::{Forecast, Method, Recipe, Setting, make};

pub fn recipe(history: &PriceHistory, steps: u32, method: Method) -> Recipe {
    Recipe {
        prices: history.digest(),
        steps,
        method,
    }
}

pub fn setting(markets: usize, lot: i128) -> Setting {
    Setting {
        quote: "USD".into(),
        horizon_days: Decimal::ONE,
        lots: vec![Decimal::from_int(lot); markets],
    }
}

pub fn sample() -> PriceHistory {
    venue::sample::prices(3, 4, 300)
}

pub fn made(history: &PriceHistory, steps: u32, method: Method) -> ScenarioSet {
    let n = history.symbols().len();
    make(&recipe(history, steps, method), history, &setting(n, 1)).unwrap()
}

pub fn monte_carlo(forecast: Forecast, scenarios: u32) -> Method {
    Method::MonteCarlo {
        forecast,
        scenarios,
        seed: "2026-11-21".into(),
    }
}

pub fn decay() -> Decimal {
    "0.94".parse().unwrap()
}
