//! Proven intervals of EVaR against independent values: 100 random books, and real prices.

#[path = "../../records/tests/common/mod.rs"]
mod common;

use fixed::Decimal;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};
use stark::verify;
use statements::account::Secret;
use statements::premia::{Premia, PremiaClaim, Prepared, Shown, Shows, Terms};
use venue::evar::Confidence;
use venue::import::prices::read_prices;
use venue::scenarios::ScenarioSet;
use venue::scenarios::recipe::{Method, Recipe, Setting, make};
use venue::state::VenueState;

/// EVaR by golden section over ln z, in floats.
fn independent(gains: &[f64], alpha: f64) -> f64 {
    let most = gains.iter().copied().fold(f64::MIN, f64::max);
    let value = |log_z: f64| {
        let z = log_z.exp() / most;
        let mean = gains.iter().map(|x| (z * (x - most)).exp()).sum::<f64>() / gains.len() as f64;
        most + (mean / alpha).ln() / z
    };
    let (mut a, mut b) = (-12f64, 30f64);
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    while b - a > 1e-9 {
        let (c, d) = (b - ratio * (b - a), a + ratio * (b - a));
        if value(c) < value(d) {
            b = d;
        } else {
            a = c;
        }
    }
    value((a + b) / 2.0)
}

fn ticks(amount: &Decimal) -> f64 {
    amount.rescale_exact(records::units::TICK_DECIMALS).unwrap() as f64
}

/// The proven interval of a state's EVaR, in ticks.
fn proven(set: &ScenarioSet, state: &VenueState, confidence: Confidence) -> (f64, f64) {
    let terms = Terms {
        confidence,
        shows: Shows::Prices { lots: false },
        funding: false,
        until_ms: None,
    };
    let prepared = Prepared::new(set, state, &[], &terms, &Secret::random()).unwrap();
    let proof = prepared.prove(&mut |_, _| {}, None).unwrap();
    let verified = verify::<Premia>(prepared.claim(), &proof).unwrap();
    let claim: &PremiaClaim = verified.claim();
    let Shown::Prices {
        evar, tolerance, ..
    } = &claim.shown
    else {
        panic!("prices are claimed");
    };
    (ticks(evar) - ticks(tolerance), ticks(evar))
}

#[test]
fn proven_intervals_of_random_books_contain_the_reference() {
    let mut rng = StdRng::seed_from_u64(11);
    let mut widest: f64 = 0.0;
    for book in 0..100 {
        let set =
            venue::sample::scenarios(book, rng.random_range(1..=4), rng.random_range(30..=256));
        let mut state = VenueState::flat(
            set.markets.len(),
            Ticks(rng.random_range(0..1 << 36)),
            Ticks(0),
        );
        for (quantity, market) in state.quantities.iter_mut().zip(&set.markets) {
            quantity.0 = rng.random_range(-5_000..=5_000);
            state.entry.0 +=
                quantity.0 * (market.value as i64 + rng.random_range(-1_000_000..=1_000_000));
        }
        let percent = [90, 95, 99][book as usize % 3];
        let (low, high) = proven(&set, &state, Decimal::new(percent, 2).try_into().unwrap());
        let gains: Vec<f64> = state
            .gains(&set)
            .unwrap()
            .iter()
            .map(|&x| x.0 as f64)
            .collect();
        let expected = independent(&gains, 1.0 - percent as f64 / 100.0);
        // The reference in floats is good to 1e-9.
        assert!(
            low <= expected * (1.0 + 1e-9) && expected * (1.0 - 1e-9) <= high,
            "book {book}: {expected} is not in [{low}, {high}]"
        );
        widest = widest.max((high - low) / high);
    }
    assert!(widest <= 1e-6, "{widest}");
}

/// A venue whose traders are short one stock owes what it gains: a constant is added so that it always owes.
#[test]
fn proven_intervals_of_real_prices_contain_the_published_values() {
    let Some(path) = common::data("stock-prices.csv") else {
        return;
    };
    let history = read_prices(&path).unwrap();
    let recipe = Recipe {
        prices: history.digest(),
        steps: 1,
        method: Method::Historical,
    };
    let setting = Setting {
        quote: "USD".into(),
        horizon_days: Decimal::ONE,
        lots: vec![Decimal::from_int(400); 8],
    };
    let set = make(&recipe, &history, &setting).unwrap();
    for (name, percent, published) in [
        ("AMZN", 95, 0.0539099986),
        ("AMZN", 99, 0.0685716272),
        ("APA", 95, 0.0800069180),
        ("APA", 99, 0.1032755769),
        ("JPM", 95, 0.0420802843),
        ("JPM", 99, 0.0555087521),
        ("MMC", 95, 0.0302083617),
        ("MMC", 99, 0.0384066021),
    ] {
        let market = set.markets.iter().position(|m| m.symbol == name).unwrap();
        let now = set.markets[market].value as i64;
        // No stock of these rose by more than a half in a day.
        let shift = now / 2;
        let mut state = VenueState::flat(8, Ticks(0), Ticks(0));
        state.quantities[market] = Lots(-1);
        state.entry = Ticks(-now - shift);
        let (low, high) = proven(&set, &state, Decimal::new(percent, 2).try_into().unwrap());
        let expected = published * now as f64 + shift as f64;
        // The published values have ten decimals, scenarios are whole ticks.
        let digits = 5e-11 * now as f64 + 1.0;
        assert!(
            low - digits <= expected && expected <= high + digits,
            "{name} {percent}: {expected} is not in [{low}, {high}]"
        );
        assert!((high - low) / high <= 1e-6);
    }
}
