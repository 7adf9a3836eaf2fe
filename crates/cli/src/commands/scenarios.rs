//! `sealbook scenarios`: make scenario sets from price histories, and check that they were made so.

use fixed::Decimal;
use serde_json::json;
use statements::venues::scenarios_digest;
use venue::history::PriceHistory;
use venue::import::prices::read_prices;
use venue::import::states::{read_scenarios, write_scenarios};
use venue::scenarios::ScenarioSet;
use venue::scenarios::recipe::{
    Forecast, MAX_STEPS, Method, Recipe, RecipeError, Setting, Source, make as make_set,
};

use crate::Failure;
use crate::arguments::{CheckScenarios, MakeScenarios, MethodName, Scenarios};
use crate::output::{print_json, say};

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
    let history = read_prices(&arguments.prices)?;
    let decay = arguments.decay;
    let monte_carlo = |forecast| Method::MonteCarlo {
        forecast,
        scenarios: arguments.count,
        seed: arguments.seed.clone(),
    };
    let recipe = Recipe {
        prices: history.digest(),
        steps: arguments.steps,
        method: match arguments.method {
            MethodName::Historical => Method::Historical,
            MethodName::FilteredHistorical => Method::FilteredHistorical { decay },
            MethodName::Ewma => monte_carlo(Forecast::Ewma { decay }),
            MethodName::Garch => monte_carlo(Forecast::Garch),
            MethodName::OrthogonalGarch => monte_carlo(Forecast::OrthogonalGarch),
        },
    };
    let steps = Decimal::from_int(arguments.steps.min(MAX_STEPS).into());
    let horizon_days = arguments.step_days.checked_mul(&steps);
    let setting = Setting {
        quote: arguments.quote.clone(),
        horizon_days: horizon_days
            .map_err(|e| Failure::Input(format!("--step-days {}: {e}", arguments.step_days)))?,
        lots: lots(&history, &arguments.lot)?,
    };
    let set = make_set(&recipe, &history, &setting)?;
    write_scenarios(&arguments.out, &set).map_err(|e| {
        Failure::Input(format!(
            "{}: cannot be written: {e}",
            arguments.out.display()
        ))
    })?;
    report(&set, None, arguments.json);
    Ok(())
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
        let history = read_prices(path)?;
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
        made_again = Some(true);
    }
    report(&set, made_again, arguments.json);
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

fn report(set: &ScenarioSet, made_again: Option<bool>, as_json: bool) {
    let digest = scenarios_digest(set);
    if as_json {
        print_json(&json!({
            "scenarios": set.values.len(), "markets": set.markets, "quote": set.quote,
            "horizon_days": set.horizon_days, "source": set.source, "digest": digest,
            "made_again": made_again,
        }));
        return;
    }
    let names: Vec<&str> = set.markets.iter().map(|m| m.symbol.as_str()).collect();
    say!(
        "{} scenarios of {} market(s) over {} day(s), in {}: {}",
        set.values.len(),
        names.len(),
        set.horizon_days,
        set.quote,
        names.join(", ")
    );
    say!("source  {}", json!(set.source));
    say!("digest  {digest}");
    if made_again == Some(true) {
        say!("true: its recipe makes it again from these prices");
    }
}
