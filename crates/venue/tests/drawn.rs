//! Drawn scenarios: EVaR within its standard error, seeds from a beacon, and what is refused or warned of.

mod sets;

use fixed::Decimal;
use records::units::{Lots, Ticks};
use sets::*;
use venue::evar::Confidence;
use venue::history::PriceHistory;
use venue::precision::Precision;
use venue::premia::{Evaluated, Shows, Terms};
use venue::scenarios::ScenarioSet;
use venue::scenarios::beacon::{Beacon, Schedule, Seed};
use venue::scenarios::mixture::Shocks;
use venue::scenarios::recipe::{Forecast, Method, Recipe, RecipeError, Setting, make};
use venue::scenarios::warnings::warnings;
use venue::state::VenueState;

fn mixture(scenarios: u32, text: &str, shocks: Shocks, window: u32) -> Method {
    Method::DefensiveMixture {
        forecast: Forecast::Ewma { decay: decay() },
        shocks,
        scenarios,
        window,
        seed: Seed::Plain { text: text.into() },
    }
}

/// What a venue owes that is short one market is `-v (e^r - 1)` with a normal `r`: its EVaR is known, by an integral in floats.
/// Of 16,384 draws it is within three of the standard errors that are told, and those are small; of plain draws it is too low
/// by more than that.
#[test]
fn drawn_evar_is_within_its_standard_error() {
    let history = venue::sample::prices(3, 1, 300);
    let confidence = Confidence::try_from(Decimal::new(95, 2)).unwrap();
    let terms = Terms {
        confidence,
        shows: Shows::Prices { lots: true },
        funding: false,
        until_ms: None,
    };
    let volatility = Forecast::Ewma { decay: decay() }
        .volatilities(&history, 1)
        .unwrap()[0];
    let volatility: f64 = volatility.to_string().parse().unwrap();
    let of = |set: &ScenarioSet| {
        let now = set.markets[0].value;
        // Traders are net long at today's price.
        let state = VenueState {
            quantities: vec![Lots(1_000)],
            entry: Ticks(now as i64 * 1_000),
            ..VenueState::flat(1, Ticks(0), Ticks(0))
        };
        let state = Evaluated::new(state, None, set, &terms).unwrap();
        let precision = Precision::of(&state, set);
        let scale = now as f64 * 1_000.0;
        (
            state.evar().0 as f64 / scale,
            precision.error() / scale,
            precision.effective,
        )
    };
    // Of max(e^r - 1, 0), cut at ten deviations, by the trapezoid rule.
    let steps = 40_000;
    let grid: Vec<(f64, f64)> = (0..=steps)
        .map(|i| {
            let z = -10.0 + 20.0 * f64::from(i) / f64::from(steps);
            let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            (
                (z * volatility).exp_m1().max(0.0),
                density * 20.0 / f64::from(steps),
            )
        })
        .collect();
    let value = |z: f64| {
        let mean: f64 = grid.iter().map(|(x, p)| p * (z * x).exp()).sum();
        (mean / 0.05).ln() / z
    };
    let exact = (1..4_000).map(|i| value(f64::from(i) * 0.005 / volatility));
    let exact = exact.fold(f64::MAX, f64::min);
    for seed in ["a", "b", "c"] {
        let (evar, error, effective) = of(&made(
            &history,
            1,
            mixture(16_384, seed, Shocks::Normal, 300),
        ));
        eprintln!("{seed}: {evar:.6} +- {error:.6}, {effective:.0} effective, exact {exact:.6}");
        assert!((evar - exact).abs() < 3.0 * error && error < 0.02 * exact);
        assert!(effective > 300.0);
    }
}

#[test]
fn a_seed_is_the_beacons_first_round_after_the_prices_and_the_delay() {
    let history = sample();
    let schedule = Schedule {
        network: "quicknet".into(),
        genesis_ms: history.as_of_ms() - 9_000,
        period_ms: 3_000,
        delay_ms: 3_600_000,
    };
    // Round 1 is at the genesis; 9 s and an hour later is the moment of round 1204, so the first after it is 1205.
    assert_eq!(schedule.round_after(history.as_of_ms()), Some(1205));
    assert_eq!(schedule.round_after(0), None);
    let method = |round: u64, value: &str, shocks: Shocks, scenarios: u32, delay_ms: u64| {
        Method::DefensiveMixture {
            forecast: Forecast::Ewma { decay: decay() },
            shocks,
            scenarios,
            window: 300,
            seed: Seed::Beacon(Beacon {
                schedule: Schedule {
                    delay_ms,
                    ..schedule.clone()
                },
                round,
                value: value.into(),
            }),
        }
    };
    let (ones, twos) = ("1".repeat(64), "2".repeat(64));
    let attempt = |method: Method, lot: i128| {
        make(&recipe(&history, 1, method), &history, &setting(4, lot)).map(|set| set.values)
    };
    let first = attempt(method(1205, &ones, Shocks::Normal, 50, 3_600_000), 1).unwrap();
    // Everything that the policy says is in the seed, and what the beacon said.
    let moved =
        |values: &[Vec<u64>], by: u64| values.iter().flatten().map(|v| v / by).collect::<Vec<_>>();
    for (other, lot) in [
        (method(1205, &twos, Shocks::Normal, 50, 3_600_000), 1),
        (method(1205, &ones, Shocks::Normal, 51, 3_600_000), 1),
        (method(1205, &ones, Shocks::Normal, 50, 3_600_001), 1),
        (method(1205, &ones, Shocks::Normal, 50, 3_600_000), 10),
    ] {
        let other = attempt(other, lot).unwrap();
        assert_ne!(moved(&first, 1)[..4], moved(&other, lot as u64)[..4]);
    }
    for round in [1, 1204, 1206] {
        assert!(matches!(
            attempt(method(round, &ones, Shocks::Normal, 50, 3_600_000), 1),
            Err(RecipeError::Round { .. })
        ));
    }
    let bad = attempt(method(1205, "12", Shocks::Normal, 50, 3_600_000), 1);
    assert!(matches!(bad, Err(RecipeError::Text(_))));
    let bad = attempt(
        method(1205, &ones, Shocks::StudentT { freedom: 2 }, 50, 3_600_000),
        1,
    );
    assert!(matches!(bad, Err(RecipeError::Text(_))));
    let mut short = method(1205, &ones, Shocks::Normal, 50, 3_600_000);
    if let Method::DefensiveMixture { window, .. } = &mut short {
        *window = 299;
    }
    assert!(matches!(attempt(short, 1), Err(RecipeError::Window { .. })));
}

#[test]
fn lots_that_are_worth_next_to_nothing_are_refused_with_a_proposal() {
    let price = |p: &str| p.parse::<Decimal>().unwrap();
    let rows = ["0.000000185", "0.000000187", "0.000000181", "0.000000185"];
    let rows = rows.iter().map(|p| vec![price(p)]).collect();
    let history = PriceHistory::new(vec!["PEPE".into()], (18_262..18_266).collect(), rows).unwrap();
    let attempt = |lot: Decimal| {
        let setting = Setting {
            lots: vec![lot],
            ..setting(1, 1)
        };
        make(&recipe(&history, 1, Method::Historical), &history, &setting)
    };
    let error = attempt(Decimal::ONE).unwrap_err();
    let RecipeError::SmallLot(small) = &error else {
        panic!("{error}");
    };
    assert_eq!(small.proposed.to_string(), "10000000");
    assert!(
        error.to_string().contains("`--lot PEPE=10000000`"),
        "{error}"
    );
    let set = attempt(small.proposed).unwrap();
    // 1.85 now; 1.87 by 1.85, 1.81 by 1.87 and 1.85 by 1.81 of it.
    let values: Vec<u64> = set.values.iter().map(|v| v[0]).collect();
    assert_eq!(
        (set.markets[0].value, values),
        (1_850_000, vec![1_870_000, 1_790_642, 1_890_884])
    );
}

/// Days that a history lacks are told with the observations around them; weekends and holidays are not.
#[test]
fn gaps_in_a_history_are_told() {
    let told = |days: &[i64]| {
        let prices = vec![vec![Decimal::ONE]; days.len()];
        let history = PriceHistory::new(vec!["A".into()], days.to_vec(), prices).unwrap();
        let mut recipe = recipe(&history, 1, Method::Historical);
        recipe.steps = 1;
        let mut setting = setting(1, 1);
        let mut steps: Vec<i64> = days.windows(2).map(|d| d[1] - d[0]).collect();
        steps.sort_unstable();
        setting.horizon_days = Decimal::from_int(steps[steps.len() / 2].into());
        warnings(&recipe, &history, &setting).unwrap()
    };
    // 18,262 is 2020-01-01. Days with a weekend and a week of holidays; weeks; months.
    assert!(told(&[18262, 18263, 18264, 18265, 18272, 18273]).is_empty());
    assert!(told(&[18262, 18269, 18276, 18283]).is_empty());
    assert!(told(&[18262, 18293, 18322, 18353]).is_empty());
    assert_eq!(
        told(&[18262, 18263, 18264, 18272, 18273, 18274]),
        [
            "no observation lies between 2020-01-03 and 2020-01-11 (observations 3 and 4): what happened in 8 days counts as one step"
        ]
    );
    let missing = told(&[18262, 18269, 18276, 18290, 18297]);
    assert!(
        missing.len() == 1 && missing[0].contains("14 days"),
        "{missing:?}"
    );
    // Many are counted.
    let mut days: Vec<i64> = (18262..18290).collect();
    days.extend((1..9).map(|i| 18290 + 10 * i));
    let many = told(&days);
    assert_eq!(
        (many.len(), many[5].as_str()),
        (6, "3 more gap(s) count as one step each")
    );
}

#[test]
fn what_a_user_should_know_is_a_warning() {
    let history = sample();
    let one = setting(4, 1);
    let about = |recipe: &Recipe, setting: &Setting| warnings(recipe, &history, setting).unwrap();
    let daily = recipe(&history, 1, Method::Historical);
    assert!(about(&daily, &one).is_empty());
    let week = Setting {
        horizon_days: Decimal::from_int(7),
        ..one.clone()
    };
    let told = about(&daily, &week);
    assert!(
        told.len() == 1 && told[0].contains("mostly 1 day(s) apart are 1"),
        "{told:?}"
    );
    // Parameters that are not the most likely ones, and ones on a boundary.
    let Forecast::GarchMaximumLikelihood { mut fits } = Forecast::fitted(&history, false).unwrap()
    else {
        panic!("one process a market");
    };
    let with = |fits: &[venue::scenarios::garch::Garch]| {
        let forecast = Forecast::GarchMaximumLikelihood {
            fits: fits.to_vec(),
        };
        recipe(&history, 1, monte_carlo(forecast, 10))
    };
    let of = |told: &[String], what: &str| told.iter().filter(|t| t.contains(what)).count();
    assert_eq!(of(&about(&with(&fits), &one), "not the most likely"), 0);
    fits[2].alpha = Decimal::ZERO;
    fits[2].beta = "0.5".parse().unwrap();
    fits[2].omega = "0.1".parse().unwrap();
    let told = about(&with(&fits), &one);
    assert_eq!(of(&told, "`SOL` is not the most likely"), 1, "{told:?}");
    assert_eq!(of(&told, "`SOL` is on a boundary"), 1, "{told:?}");
    let three = make(&with(&fits[..3]), &history, &one).unwrap_err();
    assert_eq!(
        three,
        RecipeError::Fits {
            got: 3,
            expected: 4
        }
    );
}
