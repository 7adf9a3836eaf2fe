//! Scenario sets made from price histories: against the values published for real prices, against the formulas in
//! floats, and the same everywhere.

#[path = "../../records/tests/common/mod.rs"]
mod common;

mod sets;

use fixed::Decimal;
use sets::*;
use venue::evar::{Confidence, evar};
use venue::history::{HistoryError, PriceHistory};
use venue::import::prices::{read_prices, write_prices};
use venue::scenarios::ScenarioSet;
use venue::scenarios::beacon::Seed;
use venue::scenarios::mixture::Shocks;
use venue::scenarios::recipe::{Forecast, Method, Recipe, RecipeError, Setting, Source, make};

/// Prices in floats.
fn floats(history: &PriceHistory) -> Vec<Vec<f64>> {
    let number = |p: &Decimal| p.to_string().parse().unwrap();
    let rows = history.prices().iter();
    rows.map(|row| row.iter().map(number).collect()).collect()
}

#[test]
fn real_prices_have_the_published_evar_as_a_historical_simulation() {
    let Some(path) = common::data("stock-prices.csv") else {
        return;
    };
    let history = read_prices(&path).unwrap();
    assert_eq!((history.symbols().len(), history.prices().len()), (8, 1004));
    let set = make(
        &recipe(&history, 1, Method::Historical),
        &history,
        &setting(8, 400),
    )
    .unwrap();
    assert_eq!(set.values.len(), 1003);
    for (name, percent, expected) in [
        ("AMZN", 95, 0.0539099986),
        ("AMZN", 99, 0.0685716272),
        ("APA", 95, 0.0800069180),
        ("JPM", 95, 0.0420802843),
        ("MMC", 99, 0.0384066021),
    ] {
        let i = history.symbols().iter().position(|s| s == name).unwrap();
        let now = set.markets[i].value;
        let losses: Vec<i64> = set
            .values
            .iter()
            .map(|v| now as i64 - v[i] as i64)
            .collect();
        let confidence = Confidence::try_from(Decimal::new(percent, 2)).unwrap();
        let found = evar(&losses, confidence).unwrap().value;
        let found = found.middle().unwrap().to_string().parse::<f64>().unwrap() / now as f64;
        // Values are rounded to ticks of at least 10^10; the published numbers have ten decimals.
        assert!(
            (found - expected).abs() < 1.5e-10,
            "{name} {percent}: {found}"
        );
    }
}

/// Volatilities of the next day and of the next five by the `arch` package for Python, 8.0.0, on log returns:
///
/// ```python
/// model = arch_model(100 * np.diff(np.log(prices)), mean="Zero", vol="GARCH", p=1, q=1, rescale=False)
/// forecast = model.fit(tol=1e-10).forecast(horizon=5).variance.values[-1] / 1e4
/// np.sqrt(forecast[0]), np.sqrt(forecast.sum())
/// ```
///
/// A search by `scipy` over the same likelihood, written apart from it, gives the same to seven digits.
const VOLATILITIES: [(&str, f64, f64); 8] = [
    ("AMZN", 0.01804175, 0.04014873),
    ("APA", 0.03955600, 0.08789250),
    ("CMCSA", 0.01180307, 0.02645025),
    ("CPB", 0.01383416, 0.03370554),
    ("JCI", 0.01312145, 0.02941629),
    ("JPM", 0.01059459, 0.02545543),
    ("MMC", 0.00854734, 0.02073420),
    ("MO", 0.01012806, 0.02657380),
];

#[test]
fn garch_volatilities_are_those_of_the_reference() {
    let Some(path) = common::data("stock-prices.csv") else {
        return;
    };
    let history = read_prices(&path).unwrap();
    let forecast = Forecast::fitted(&history, false).unwrap();
    let Forecast::GarchMaximumLikelihood { fits } = &forecast else {
        panic!("one process a market");
    };
    assert!(
        fits.iter().all(|fit| fit.on_boundary().is_none()),
        "{fits:?}"
    );
    for (steps, of) in [(1, 1), (5, 2)] {
        let found = forecast.volatilities(&history, steps).unwrap();
        for (i, expected) in VOLATILITIES.iter().enumerate() {
            assert_eq!(history.symbols()[i], expected.0);
            let expected = if of == 1 { expected.1 } else { expected.2 };
            let found: f64 = found[i].to_string().parse().unwrap();
            let off = found / expected - 1.0;
            eprintln!(
                "{} {steps}: {found:.8}, off by {off:.1e}",
                history.symbols()[i]
            );
            // The aim is 0.5%; what is left are the reference's own last digits.
            assert!(off.abs() < 2e-4, "{} {steps}", history.symbols()[i]);
        }
    }
}

#[test]
fn historical_simulation_is_the_ratio_of_prices() {
    let history = sample();
    let set = made(&history, 5, Method::Historical);
    let prices = floats(&history);
    assert_eq!(set.values.len(), 295);
    for (t, values) in set.values.iter().enumerate() {
        for (i, &value) in values.iter().enumerate() {
            let expected = prices[299][i] * prices[t + 5][i] / prices[t][i] * 1e6;
            assert!((value as f64 - expected).abs() < 0.5 + 1e-12 * expected);
        }
    }
}

#[test]
fn filtered_simulation_scales_by_the_deviation_now_over_then() {
    let history = sample();
    let set = made(&history, 2, Method::FilteredHistorical { decay: decay() });
    let prices = floats(&history);
    for i in 0..4 {
        let daily: Vec<f64> = prices
            .windows(2)
            .map(|w| (w[1][i] / w[0][i]).ln())
            .collect();
        let mut variance = daily.iter().map(|r| r * r).sum::<f64>() / daily.len() as f64;
        let mut deviations = vec![variance.sqrt()];
        for r in &daily {
            variance = 0.94 * variance + 0.06 * r * r;
            deviations.push(variance.sqrt());
        }
        for (t, values) in set.values.iter().enumerate() {
            let r = (prices[t + 2][i] / prices[t][i]).ln() * deviations[299] / deviations[t];
            let expected = prices[299][i] * r.exp() * 1e6;
            assert!((values[i] as f64 - expected).abs() < 1.5 + 1e-9 * expected);
        }
    }
}

#[test]
fn monte_carlo_moves_have_the_forecast_covariance() {
    let history = sample();
    let prices = floats(&history);
    let returns: Vec<Vec<f64>> = prices
        .windows(2)
        .map(|w| (0..4).map(|i| (w[1][i] / w[0][i]).ln()).collect())
        .collect();
    // The EWMA forecast in floats, over nine days.
    let mut forecast = vec![vec![0.0; 4]; 4];
    let update = |c: &mut Vec<Vec<f64>>, keep: f64, add: f64, r: &[f64]| {
        for i in 0..4 {
            for j in 0..4 {
                c[i][j] = keep * c[i][j] + add * r[i] * r[j];
            }
        }
    };
    for r in &returns {
        update(&mut forecast, 1.0, 1.0 / 299.0, r);
    }
    for r in &returns {
        update(&mut forecast, 0.94, 0.06, r);
    }
    let n = 10_000;
    let set = made(
        &history,
        9,
        monte_carlo(Forecast::Ewma { decay: decay() }, n),
    );
    let moves: Vec<Vec<f64>> = set
        .values
        .iter()
        .map(|v| {
            (0..4)
                .map(|i| (v[i] as f64 / set.markets[i].value as f64).ln())
                .collect()
        })
        .collect();
    for i in 0..4 {
        for j in 0..4 {
            let expected = 9.0 * forecast[i][j];
            let found = moves.iter().map(|r| r[i] * r[j]).sum::<f64>() / f64::from(n);
            let spread = 9.0 * (forecast[i][i] * forecast[j][j] + forecast[i][j].powi(2)).sqrt();
            assert!(
                (found - expected).abs() < 4.0 * spread / f64::from(n).sqrt(),
                "{i} {j}: {found} instead of {expected}"
            );
        }
    }
}

#[test]
fn garch_forecasts_are_near_what_the_history_shows() {
    let history = sample();
    for forecast in [Forecast::Garch, Forecast::OrthogonalGarch] {
        let set = made(&history, 1, monte_carlo(forecast.clone(), 4_000));
        let prices = floats(&history);
        for i in 0..4 {
            let deviation = |moves: &[f64]| {
                (moves.iter().map(|r| r * r).sum::<f64>() / moves.len() as f64).sqrt()
            };
            let past: Vec<f64> = prices
                .windows(2)
                .map(|w| (w[1][i] / w[0][i]).ln())
                .collect();
            let now = set.markets[i].value as f64;
            let moves: Vec<f64> = set
                .values
                .iter()
                .map(|v| (v[i] as f64 / now).ln())
                .collect();
            let ratio = deviation(&moves) / deviation(&past);
            assert!((0.4..2.5).contains(&ratio), "{forecast:?} {i}: {ratio}");
        }
    }
}

/// The same sets on every machine and in every version: a change here makes old sets irreproducible.
#[test]
fn sets_are_the_same_everywhere() {
    // Prices of a linear congruential generator, which no library changes.
    let mut state = 1u64;
    let mut prices = vec![vec![10_000i128; 3]];
    for t in 0..250 {
        let moved = |p: &i128| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            p * (1000 + i128::from(state >> 58) - 31) / 1000 + 1
        };
        let next = prices[t].iter().map(moved).collect();
        prices.push(next);
    }
    let rows = prices
        .iter()
        .map(|row| row.iter().map(|&p| Decimal::new(p, 2)).collect());
    let rows: Vec<Vec<Decimal>> = rows.collect();
    // Days count in the digest, and in what a set says of its moment, but not in its values.
    let of_days = |first: i64| {
        let symbols = ["A", "B", "C"].map(String::from).to_vec();
        PriceHistory::new(symbols, (first..first + 251).collect(), rows.clone()).unwrap()
    };
    let history = of_days(18_262);
    let ewma = || Forecast::Ewma { decay: decay() };
    let found = [
        Method::Historical,
        Method::FilteredHistorical { decay: decay() },
        monte_carlo(ewma(), 100),
        monte_carlo(Forecast::Garch, 100),
        monte_carlo(Forecast::OrthogonalGarch, 100),
        monte_carlo(Forecast::fitted(&history, false).unwrap(), 100),
        monte_carlo(Forecast::fitted(&history, true).unwrap(), 100),
        mixture(100, "2026-11-21", Shocks::Normal, 251),
        mixture(100, "2026-11-21", Shocks::StudentT { freedom: 4 }, 251),
    ]
    .map(|method| made(&history, 3, method).values.pop().unwrap());
    let expected = [
        [114_030_352, 96_054_333, 81_957_965],
        [114_027_022, 96_083_826, 81_914_575],
        [119_280_617, 92_269_277, 82_074_289],
        [119_087_759, 92_824_099, 80_571_052],
        [117_701_559, 90_370_418, 78_359_572],
        [119_152_933, 92_813_024, 80_567_815],
        [117_691_136, 90_411_332, 78_348_550],
        [115_786_281, 85_619_409, 71_307_604],
        [115_034_698, 87_751_100, 74_919_706],
    ];
    assert_eq!(found, expected.map(Vec::from));
    assert_eq!(
        of_days(0).digest(),
        "ad7392eaa281892965e5e97c7437e81558214fbe5b788b8f0eac7c785e9bd250"
    );
    // A longer set begins with the shorter one.
    let (short, long) = (monte_carlo(ewma(), 20), monte_carlo(ewma(), 50));
    assert_eq!(
        made(&history, 3, long).values[..20],
        made(&history, 3, short).values
    );
}

#[test]
fn a_set_is_made_again_from_its_own_recipe() {
    let history = sample();
    let set = made(&history, 1, monte_carlo(Forecast::OrthogonalGarch, 64));
    let venue::scenarios::recipe::Source::Made(recipe) = &set.source else {
        panic!("it was made");
    };
    assert_eq!(make(recipe, &history, &set.setting()).unwrap(), set);
    let json = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<ScenarioSet>(&json).unwrap(), set);
}

#[test]
fn what_does_not_fit_is_refused() {
    let history = sample();
    let attempt = |recipe: Recipe, setting: Setting| make(&recipe, &history, &setting).unwrap_err();
    let good = recipe(&history, 1, Method::Historical);
    let other = Recipe {
        prices: "00".into(),
        ..good.clone()
    };
    assert!(matches!(
        attempt(other, setting(4, 1)),
        RecipeError::History { .. }
    ));
    for steps in [0, 299, 300, 257] {
        let recipe = recipe(&history, steps, Method::Historical);
        assert!(matches!(
            attempt(recipe, setting(4, 1)),
            RecipeError::Steps { .. }
        ));
    }
    for decay in ["0", "1", "-0.5", "2"] {
        let decay = decay.parse().unwrap();
        let recipe = recipe(&history, 1, Method::FilteredHistorical { decay });
        assert_eq!(attempt(recipe, setting(4, 1)), RecipeError::Decay);
    }
    for prices in ["", "00", &"g".repeat(64), &good.prices.to_uppercase()] {
        let mut set = make(&good, &history, &setting(4, 1)).unwrap();
        let Source::Made(recipe) = &mut set.source else {
            panic!("it was made");
        };
        recipe.prices = prices.into();
        let told = set.validate().unwrap_err().to_string();
        assert!(told.contains("64 lowercase hexadecimal digits"), "{told}");
    }
    let lots = attempt(good.clone(), setting(3, 1));
    assert_eq!(
        lots,
        RecipeError::Lots {
            got: 3,
            expected: 4
        }
    );
    assert!(matches!(
        attempt(good, setting(4, 1_000_000)),
        RecipeError::Set(_)
    ));
    let many = recipe(&history, 1, monte_carlo(Forecast::Garch, 16_385));
    assert!(matches!(attempt(many, setting(4, 1)), RecipeError::Set(_)));
    let none = recipe(&history, 1, monte_carlo(Forecast::Garch, 0));
    assert!(matches!(attempt(none, setting(4, 1)), RecipeError::Set(_)));
}

#[test]
fn bad_histories_are_refused() {
    let price = |p: &str| p.parse::<Decimal>().unwrap();
    let history = |rows: &[[&str; 2]]| {
        let prices = rows.iter().map(|r| r.iter().map(|p| price(p)).collect());
        let days = (0..rows.len() as i64).collect();
        PriceHistory::new(vec!["A".into(), "B".into()], days, prices.collect())
    };
    assert!(history(&[["1", "2"], ["64", "2"], ["1", "2"]]).is_ok());
    for bad in ["0", "-1", "64.01", "0.0156"] {
        let found = history(&[["1", "2"], [bad, "2"], ["1", "2"]]).unwrap_err();
        let symbol = "A".into();
        assert_eq!(
            found,
            HistoryError::Price {
                symbol,
                observation: 1
            },
            "{bad}"
        );
    }
    assert_eq!(
        history(&[["1", "2"]; 2]),
        Err(HistoryError::Observations(2))
    );
    let named = |symbols: &[&str], days: [i64; 3]| {
        let prices = vec![vec![Decimal::ONE; symbols.len()]; 3];
        let symbols = symbols.iter().map(|s| s.to_string()).collect();
        PriceHistory::new(symbols, days.to_vec(), prices).map(|_| ())
    };
    assert_eq!(named(&["A", "B"], [0, 1, 47_481]), Ok(()));
    for (symbols, error) in [
        (vec![], HistoryError::Markets(0)),
        (vec!["A"; 65], HistoryError::Markets(65)),
        (vec!["A", "A"], HistoryError::Duplicate("A".into())),
        (vec!["A", ""], HistoryError::Name("".into())),
        // Names stand on lines of what is digested.
        (vec!["A\nB"], HistoryError::Name("A\nB".into())),
    ] {
        assert_eq!(named(&symbols, [0, 1, 2]), Err(error));
    }
    for days in [[-1, 0, 1], [1, 2, 47_482], [1, 2, i64::MAX]] {
        assert!(matches!(named(&["A"], days), Err(HistoryError::Day(_))));
    }
}

#[test]
fn price_files_are_read_and_their_errors_placed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.csv");
    let history = sample();
    write_prices(&path, &history).unwrap();
    assert_eq!(read_prices(&path).unwrap(), history);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let date = |line: usize| lines[line].split(',').next().unwrap();
    let cell = |line: usize| lines[line].split(',').nth(1).unwrap();
    for (from, to, expected) in [
        (
            date(2),
            "2020-02-31",
            ":3: field `date`: '2020-02-31' is not a date",
        ),
        (
            date(3),
            date(2),
            &format!(
                ":4: field `date`: '{}' stands twice, first on line 3; remove one of the lines",
                date(2)
            ),
        ),
        (
            date(3),
            date(1),
            &format!(
                ":4: field `date`: '{}' is before '{}' of the line before; sort the lines",
                date(1),
                date(2)
            ),
        ),
        (
            date(lines.len() - 1),
            "2100-01-01",
            "field `date`: '2100-01-01' is not between 1970-01-01 and 2099-12-31",
        ),
        ("BTC", "B TC", ":1: `B TC` is no name"),
        (
            "BTC",
            "ETH",
            ":1: field `ETH`: the column stands twice, as columns 2 and 3",
        ),
        (
            lines[4],
            &lines[4].replacen(',', ",x", 1),
            ":5: field `BTC`: ",
        ),
        (
            lines[5],
            &lines[5].replacen(',', ",-", 1),
            &format!(
                ":6: field `BTC`: '-{}' is not above zero; correct it, or remove the line",
                cell(5)
            ),
        ),
        (
            lines[5],
            &lines[5].replacen(cell(5), "0", 1),
            ":6: field `BTC`: '0' is not above zero",
        ),
        // From here on in other units.
        (
            lines[5],
            &lines[5].replacen(cell(5), &format!("{}e-2", cell(5)), 1),
            &format!(
                ":6: field `BTC`: '{}e-2' is more than 64 times off '{}' of the line before; correct it, bring all lines to one unit",
                cell(5),
                cell(4)
            ),
        ),
        (
            lines[1],
            &lines[1].replacen(cell(1), "1e-9", 1),
            ":2: field `BTC`: '1e-9' is too small for a price; quote a thousand",
        ),
        (
            lines[6],
            &format!("{},1", lines[6]),
            ":7: has 6 fields where the header has 5",
        ),
    ] {
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let found = read_prices(&path).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    }
}

/// A moment in other units than milliseconds is no moment of this century.
#[test]
fn scenarios_are_of_a_moment() {
    let mut set = venue::sample::scenarios(1, 4, 50);
    set.as_of_ms = 1_795_718_886;
    let error = set.validate().unwrap_err().to_string();
    assert!(
        error.contains("as_of_ms: ") && error.contains("it looks like seconds"),
        "{error}"
    );
}

fn mixture(scenarios: u32, text: &str, shocks: Shocks, window: u32) -> Method {
    Method::DefensiveMixture {
        forecast: Forecast::Ewma { decay: decay() },
        shocks,
        scenarios,
        window,
        seed: Seed::Plain { text: text.into() },
    }
}
