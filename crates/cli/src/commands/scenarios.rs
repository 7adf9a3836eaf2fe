//! `sealbook scenarios`: make scenario sets from price histories, and check that they were made so.

use fixed::Decimal;
use serde_json::json;
use statements::venues::scenarios_digest;
use venue::history::PriceHistory;
use venue::import::prices::read_prices;
use venue::import::states::{read_scenarios, write_scenarios};
use venue::scenarios::ScenarioSet;
use venue::scenarios::beacon::{Beacon, Draws, Schedule, Seed, policy_digest};
use venue::scenarios::mixture::Shocks;
use venue::scenarios::recipe::{
    Forecast, MAX_STEPS, Method, Recipe, RecipeError, Setting, Source, make as make_set,
};
use venue::scenarios::warnings::warnings;

use crate::Failure;
use crate::arguments::{CheckScenarios, MakeScenarios, MethodName, Scenarios};
use crate::output::{note, print_json, say};

impl From<RecipeError> for Failure {
    fn from(error: RecipeError) -> Self {
        Self::Input(error.to_string())
    }
}

pub fn run(command: &Scenarios) -> Result<(), Failure> {
    match command {
        Scenarios::Make(arguments) => make(arguments),
        Scenarios::Check(arguments) => check(arguments),
    }
}

fn make(arguments: &MakeScenarios) -> Result<(), Failure> {
    let history = windowed(read_prices(&arguments.prices)?, arguments.window)?;
    let steps = Decimal::from_int(arguments.steps.min(MAX_STEPS).into());
    let horizon_days = arguments.step_days.checked_mul(&steps);
    let setting = Setting {
        quote: arguments.quote.clone(),
        horizon_days: horizon_days
            .map_err(|e| Failure::Input(format!("--step-days {}: {e}", arguments.step_days)))?,
        lots: lots(&history, &arguments.lot)?,
    };
    let recipe = Recipe {
        prices: history.digest(),
        steps: arguments.steps,
        method: method(arguments, &history, &setting)?,
    };
    let set = make_set(&recipe, &history, &setting)?;
    warn(&recipe, &history, &setting)?;
    write_scenarios(&arguments.out, &set).map_err(|e| {
        Failure::Input(format!(
            "{}: cannot be written: {e}",
            arguments.out.display()
        ))
    })?;
    report(&set, Some(&history), None, arguments.json);
    Ok(())
}

/// The last lines of a history, if not all.
fn windowed(history: PriceHistory, window: Option<u32>) -> Result<PriceHistory, Failure> {
    let Some(window) = window else {
        return Ok(history);
    };
    let last = history.last(window as usize);
    last.map_err(|e| Failure::Input(format!("--window {window}: {e}")))
}

/// What a user should know of a set that can be used all the same.
fn warn(recipe: &Recipe, history: &PriceHistory, setting: &Setting) -> Result<(), Failure> {
    let found = warnings(recipe, history, setting);
    for warning in found.map_err(|e| Failure::Input(e.to_string()))? {
        note!("warning: {warning}");
    }
    Ok(())
}

fn method(
    arguments: &MakeScenarios,
    history: &PriceHistory,
    setting: &Setting,
) -> Result<Method, Failure> {
    let decay = arguments.decay;
    let fitted = |orthogonal| {
        let forecast = Forecast::fitted(history, orthogonal);
        forecast.map_err(|e| Failure::Input(e.to_string()))
    };
    let forecast = match arguments.method {
        MethodName::Historical => return Ok(Method::Historical),
        MethodName::FilteredHistorical => return Ok(Method::FilteredHistorical { decay }),
        MethodName::Ewma => Forecast::Ewma { decay },
        MethodName::Garch => fitted(false)?,
        MethodName::OrthogonalGarch => fitted(true)?,
    };
    let scenarios = arguments.count;
    if arguments.equally_likely {
        let seed = arguments.seed.clone();
        return Ok(Method::MonteCarlo {
            forecast,
            scenarios,
            seed,
        });
    }
    let shocks = match arguments.freedom {
        Some(freedom) => Shocks::StudentT { freedom },
        None => Shocks::Normal,
    };
    let window = history.days().len() as u32;
    let draws = Draws {
        steps: arguments.steps,
        forecast: &forecast,
        shocks: &shocks,
        scenarios,
        window,
    };
    let seed = seed(arguments, draws, history, setting)?;
    Ok(Method::DefensiveMixture {
        forecast,
        shocks,
        scenarios,
        window,
        seed,
    })
}

/// The seed that was given, or the beacon's.
fn seed(
    arguments: &MakeScenarios,
    draws: Draws,
    history: &PriceHistory,
    setting: &Setting,
) -> Result<Seed, Failure> {
    let Some(beacon) = &arguments.beacon else {
        let text = arguments.seed.clone();
        return Ok(Seed::Plain { text });
    };
    let fail = |problem: &str| Failure::Input(format!("--beacon {beacon}: {problem}"));
    let parts: Vec<&str> = beacon.split(':').collect();
    let [network, genesis, period] = parts[..] else {
        return Err(fail(
            "write NAME:GENESIS:PERIOD, such as quicknet:1692803367000:3000",
        ));
    };
    let number = |text: &str| text.parse().map_err(|_| fail("times are in milliseconds"));
    let schedule = Schedule {
        network: network.into(),
        genesis_ms: number(genesis)?,
        period_ms: number(period)?,
        delay_ms: arguments.beacon_delay.saturating_mul(1000),
    };
    let round = schedule.round_after(history.as_of_ms());
    let round = round.ok_or_else(|| fail("it has no round after these prices"))?;
    let Some(value) = &arguments.beacon_value else {
        let policy = policy_digest(draws, history.symbols(), setting, &schedule);
        return Err(fail(&format!(
            "give --beacon-value with what it says in round {round}; the policy's digest, to be published before, is {policy}"
        )));
    };
    Ok(Seed::Beacon(Beacon {
        schedule,
        round,
        value: value.to_ascii_lowercase(),
    }))
}

/// A lot of each market: one, or what `SYMBOL=AMOUNT` says.
fn lots(history: &PriceHistory, given: &[String]) -> Result<Vec<Decimal>, Failure> {
    let mut lots = vec![Decimal::ONE; history.symbols().len()];
    for text in given {
        let fail = |problem: &str| Failure::Input(format!("--lot {text}: {problem}"));
        let (symbol, amount) = text
            .split_once('=')
            .ok_or_else(|| fail("write SYMBOL=AMOUNT, such as BTC=0.1"))?;
        let market = history.symbols().iter().position(|s| s == symbol);
        let market = market.ok_or_else(|| {
            fail(&format!(
                "there is no market `{symbol}`; there are {}",
                history.symbols().join(", ")
            ))
        })?;
        let amount: Decimal = amount
            .parse()
            .map_err(|e: fixed::ParseError| fail(&e.to_string()))?;
        if amount.is_negative() || amount.is_zero() {
            return Err(fail("a lot must be positive"));
        }
        lots[market] = amount;
    }
    Ok(lots)
}

fn check(arguments: &CheckScenarios) -> Result<(), Failure> {
    let set = read_scenarios(&arguments.file)?;
    let mut made_again = None;
    if let Some(path) = &arguments.prices {
        let Source::Made(recipe) = &set.source else {
            return Err(Failure::False(
                "the set was given, not made from prices".into(),
            ));
        };
        let mut history = read_prices(path)?;
        if let Method::DefensiveMixture { window, .. } = recipe.method
            && (window as usize) < history.days().len()
        {
            history = windowed(history, Some(window))?;
        }
        let again = match make_set(recipe, &history, &set.setting()) {
            Err(RecipeError::History { expected, found }) => {
                return Err(Failure::False(format!(
                    "the set was made from a price history with digest {expected}, {} has {found}",
                    path.display()
                )));
            }
            again => again?,
        };
        if let Some(difference) = difference(&set, &again) {
            return Err(Failure::False(format!(
                "the set is not what its recipe makes of these prices: {difference}"
            )));
        }
        warn(recipe, &history, &set.setting())?;
        made_again = Some(history);
    }
    report(
        &set,
        made_again.as_ref(),
        made_again.as_ref().map(|_| true),
        arguments.json,
    );
    Ok(())
}

/// Where two sets differ first.
fn difference(set: &ScenarioSet, again: &ScenarioSet) -> Option<String> {
    if set == again {
        return None;
    }
    let pairs = set.values.iter().zip(&again.values);
    let at = pairs.enumerate().find(|(_, (a, b))| a != b);
    Some(match at {
        Some((scenario, _)) => format!("scenario {scenario} differs"),
        None if set.values.len() != again.values.len() => "their numbers differ".into(),
        None => "the time or the markets differ".into(),
    })
}

/// What a set is; with the history that it was made from, the volatilities that were forecast.
fn report(
    set: &ScenarioSet,
    history: Option<&PriceHistory>,
    made_again: Option<bool>,
    as_json: bool,
) {
    let digest = scenarios_digest(set);
    let policy = set.policy();
    if as_json {
        print_json(&json!({
            "scenarios": set.values.len(), "markets": set.markets, "quote": set.quote,
            "horizon_days": set.horizon_days, "source": set.source, "digest": digest,
            "equally_likely": !set.is_weighted(), "policy": policy, "made_again": made_again,
        }));
        return;
    }
    let names: Vec<&str> = set.markets.iter().map(|m| m.symbol.as_str()).collect();
    say!(
        "{} scenarios, {}, of {} market(s) over {} day(s), in {}: {}",
        set.values.len(),
        match set.is_weighted() {
            true => "with probabilities of their own",
            false => "equally likely",
        },
        names.len(),
        set.horizon_days,
        set.quote,
        names.join(", ")
    );
    say!("source  {}", json!(set.source));
    if let Some(policy) = policy {
        say!("policy  {policy}");
    }
    say!("digest  {digest}");
    if let (Some(history), Source::Made(recipe)) = (history, &set.source)
        && let Some(Ok(volatilities)) =
            (recipe.method.forecast()).map(|forecast| forecast.volatilities(history, recipe.steps))
    {
        for (name, volatility) in names.iter().zip(volatilities) {
            say!(
                "  {name:<10} moves by {volatility} over the horizon, one standard deviation of its log return"
            );
        }
    }
    if made_again == Some(true) {
        say!("true: its recipe makes it again from these prices");
    }
}
