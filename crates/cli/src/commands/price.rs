//! `sealbook price`: what a trade or a withdrawal costs, and whether the venue can bear it. No proof.

use fixed::{Decimal, Interval};
use records::date::moment;
use records::units::Ticks;
use serde_json::{Map, Value, json};
use statements::premia;
use venue::evar::{Confidence, EvarError, Losses as Sample, cvar, var};
use venue::fact::{Fact, Losses, Unmet};
use venue::import::states;
use venue::precision::{FEW, Precision};
use venue::premia::{Evaluated, Shows, Terms};
use venue::scenarios::ScenarioSet;
use venue::scenarios::recipe::Source;
use venue::state::{Change, Transfer, VenueError, VenueState, providers_premium, ticks};

use crate::Failure;
use crate::arguments::Price;
use crate::files::write;
use crate::inputs::read_venue;
use crate::output::{note, print_json, say};
use crate::plot::{Distribution, distribution};

impl From<VenueError> for Failure {
    fn from(error: VenueError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<EvarError> for Failure {
    fn from(error: EvarError) -> Self {
        Self::Input(error.to_string())
    }
}

/// A number of ticks as an amount of the quote currency, rounded down to a tick.
fn money(value: &Interval) -> Result<Decimal, Failure> {
    let whole = value.floor_at(0);
    Ok(ticks(whole.map_err(|e| Failure::Input(e.to_string()))?))
}

/// What is quoted.
fn change(arguments: &Price, set: &ScenarioSet) -> Result<Change, Failure> {
    if let Some(trade) = &arguments.trade {
        return Ok(states::parse_trade(trade, set)?.into());
    }
    let amount = arguments.withdraw.unwrap_or(Decimal::ZERO);
    let amount = amount
        .rescale_exact(records::units::TICK_DECIMALS)
        .ok()
        .and_then(|ticks| i64::try_from(ticks).ok())
        .filter(|ticks| *ticks >= 0)
        .ok_or_else(|| {
            Failure::Input(format!(
                "--withdraw {amount}: give an amount that is not negative, with at most six decimals"
            ))
        })?;
    Ok(Change::Transfer(Transfer {
        providers: Ticks(-amount),
        ..Transfer::default()
    }))
}

pub fn run(arguments: &Price) -> Result<(), Failure> {
    let (set, state, confidence) = read_venue(&arguments.venue)?;
    let change = change(arguments, &set)?;
    let terms = Terms {
        confidence,
        shows: Shows::Prices { lots: false },
        funding: true,
        until_ms: None,
    };
    let day = premia::check(&set, &state, &[change], &terms)?;
    let [before, after] = &day.states[..] else {
        return Err(Failure::Internal("one change leads to one state".into()));
    };
    let decision = Decision::new(&set, after, confidence)?;
    if let Some(path) = &arguments.plot {
        write(path, decision.picture(&set, confidence)?.as_bytes())?;
    }
    let quote = Quote::new(&set, before, after)?;
    if arguments.json {
        let mut json = quote.json();
        json.extend(decision.json());
        json.extend(over_json(&set, confidence));
        print_json(&Value::Object(json));
    } else {
        quote.say(&set, confidence);
        decision.say(&set);
    }
    quote.warn();
    match &decision.facts[ADEQUATE].checked {
        Ok(()) => Ok(()),
        Err(unmet) => Err(Failure::False(unmet.to_string())),
    }
}

/// What a change costs, and what the venue's risk is before and after it.
struct Quote {
    premium: Decimal,
    providers: Decimal,
    evar: [Decimal; 2],
    /// How far each EVaR, and the premium, may be off for the draws alone: standard errors.
    errors: [Decimal; 2],
    premium_error: Decimal,
    /// How many scenarios bear each EVaR.
    effective: [u64; 2],
    /// By market, then of the means.
    shares: Vec<(String, Decimal)>,
    /// By market, a lot and day.
    rates: Vec<(String, Decimal)>,
}

impl Quote {
    fn new(set: &ScenarioSet, before: &Evaluated, after: &Evaluated) -> Result<Self, Failure> {
        let symbols = || set.markets.iter().map(|market| market.symbol.clone());
        let shares = after.allocation(set)?;
        let amounts = shares.markets.into_iter().chain([shares.means]);
        let amounts = amounts.map(|amount| amount.to_quote());
        let precision = [before, after].map(|state| Precision::of(state, set));
        // For display: floats, rounded up to a tick.
        let amount = |error: f64| ticks(error.ceil() as i128);
        Ok(Self {
            errors: [&precision[0], &precision[1]].map(|p| amount(p.error())),
            premium_error: amount(precision[1].error_of_rise(&precision[0])),
            effective: [&precision[0], &precision[1]].map(|p| p.effective.floor() as u64),
            premium: after.premium.to_quote(),
            providers: money(&providers_premium(&before.state, &after.state, set)?)?,
            evar: [before, after].map(|state| state.evar().to_quote()),
            shares: symbols().chain(["means".into()]).zip(amounts).collect(),
            rates: symbols().zip(after.funding(set, |_| 1)).collect(),
        })
    }

    fn json(&self) -> Map<String, Value> {
        let object = |pairs: &[(String, Decimal)]| -> Value {
            let pairs = pairs.iter().map(|(name, x)| (name.clone(), json!(x)));
            Value::Object(pairs.collect())
        };
        let fields = [
            ("premium", json!(self.premium)),
            ("providers_premium", json!(self.providers)),
            ("evar_before", json!(self.evar[0])),
            ("evar_after", json!(self.evar[1])),
            ("premium_error", json!(self.premium_error)),
            ("evar_errors", json!(self.errors)),
            ("effective_scenarios", json!(self.effective)),
            ("allocation", object(&self.shares)),
            ("funding_per_lot_and_day", object(&self.rates)),
        ];
        fields
            .map(|(name, x)| (name.to_string(), x))
            .into_iter()
            .collect()
    }

    fn say(&self, set: &ScenarioSet, confidence: Confidence) {
        let quote = &set.quote;
        say!(
            "over these {} scenarios, {}, {} day(s) ahead of {}, at {} confidence; +- is one standard error of the draws",
            set.values.len(),
            match set.is_weighted() {
                true => "with probabilities of their own",
                false => "equally likely",
            },
            set.horizon_days,
            moment(set.as_of_ms),
            Decimal::from(confidence)
        );
        say!(
            "premium      {} {quote} +- {}",
            self.premium,
            self.premium_error
        );
        say!(
            "providers'   {} {quote}, what they may lose more on average, or zero",
            self.providers
        );
        say!(
            "EVaR before  {} {quote} +- {}, of what it may owe beyond all capital",
            self.evar[0],
            self.errors[0]
        );
        say!(
            "EVaR after   {} {quote} +- {}, borne by {} effective scenarios; shares of it:",
            self.evar[1],
            self.errors[1],
            self.effective[1]
        );
        for (market, share) in self.shares.iter().chain([&self.rounding()]) {
            say!("  {market:<10} {share} {quote}");
        }
        say!("funding after it, per lot and day, tilt held fixed; longs pay, shorts receive:");
        for (market, rate) in &self.rates {
            say!("  {market:<10} {rate} {quote}");
        }
    }
}

impl Quote {
    /// What shares do not add up to of EVaR: it is what a certificate proves, rounded up.
    fn rounding(&self) -> (String, Decimal) {
        let rest = self
            .shares
            .iter()
            .try_fold(self.evar[1], |rest, (_, share)| rest.checked_sub(share));
        ("rounding".into(), rest.unwrap_or(Decimal::ZERO))
    }

    /// Says where few scenarios bear an EVaR.
    fn warn(&self) {
        let few = self.effective.iter().any(|&n| (n as f64) < FEW);
        if few && self.evar[1] > Decimal::ZERO {
            note!(
                "warning: EVaR is borne by {} effective scenarios before and {} after, fewer than {FEW}: it is likely too low, and so is \
                 its standard error; draw more scenarios, or with `--method garch` from a mixture",
                self.effective[0],
                self.effective[1]
            );
        }
    }
}

/// What a quote is taken over.
fn over_json(set: &ScenarioSet, confidence: Confidence) -> Map<String, Value> {
    let fields = [
        ("equally_likely", json!(!set.is_weighted())),
        ("confidence", json!(Decimal::from(confidence))),
        ("horizon_days", json!(set.horizon_days)),
        ("as_of_ms", json!(set.as_of_ms)),
        ("quote", json!(set.quote)),
    ];
    fields
        .map(|(name, x)| (name.to_string(), x))
        .into_iter()
        .collect()
}

/// The fact that decides, among all facts.
const ADEQUATE: usize = 1;

/// Whether a fact holds after the change.
struct Tested {
    fact: Fact,
    losses: Losses,
    checked: Result<(), Box<Unmet>>,
}

/// Whether the venue can bear a change. What the change itself pays does not count: it is what the risk that it adds is worth.
struct Decision {
    state: VenueState,
    facts: [Tested; 3],
    /// What is owed beyond all capital, in each scenario.
    liabilities: Vec<Ticks>,
    /// The weights that prove EVaR.
    tilt: Vec<u64>,
}

impl Decision {
    fn new(set: &ScenarioSet, after: &Evaluated, confidence: Confidence) -> Result<Self, Failure> {
        let mut state = after.state.clone();
        state.collected -= after.premium;
        let test = |fact: Fact| -> Result<Tested, Failure> {
            let losses = Losses::new(fact, &state, set, confidence)?;
            let checked = losses.check(fact, &state, "after it".into(), &set.quote);
            Ok(Tested {
                fact,
                losses,
                checked,
            })
        };
        let [funded, adequate, without] = Fact::ALL.map(test);
        Ok(Self {
            facts: [funded?, adequate?, without?],
            liabilities: after.liabilities.clone(),
            tilt: (0..set.values.len()).map(|s| after.tilt(s)).collect(),
            state,
        })
    }

    /// In how many scenarios more is owed than all capital.
    fn owing(&self) -> usize {
        self.liabilities.iter().filter(|x| x.0 > 0).count()
    }

    fn json(&self) -> Map<String, Value> {
        let held = self
            .facts
            .iter()
            .map(|t| (t.fact.key().to_string(), json!(t.checked.is_ok())));
        let fields = [
            ("accepted", json!(self.facts[ADEQUATE].checked.is_ok())),
            ("facts", Value::Object(held.collect())),
            ("scenarios", json!(self.liabilities.len())),
            ("owing_scenarios", json!(self.owing())),
        ];
        fields
            .map(|(name, x)| (name.to_string(), x))
            .into_iter()
            .collect()
    }

    fn say(&self, set: &ScenarioSet) {
        let quote = &set.quote;
        say!("over         {}", over(set));
        say!(
            "owing        {} of {} scenarios owe more than all capital",
            self.owing(),
            self.liabilities.len()
        );
        say!("after it, before what it pays is collected, the venue is");
        for tested in &self.facts {
            let evar = tested.losses.evar.to_quote();
            let not = if tested.checked.is_ok() { "" } else { "not " };
            say!(
                "  {not}{}: EVaR of what it owes beyond {} is {evar} {quote}, its cash {} {quote}",
                tested.fact,
                losses(tested.fact),
                self.state.collected.to_quote()
            );
        }
    }

    /// The distribution of what is owed, and what decides.
    fn picture(&self, set: &ScenarioSet, confidence: Confidence) -> Result<String, Failure> {
        // Only for the eye: pixels are floats.
        let amount = |ticks: f64| ticks / 1e6;
        let middle = |x: &Interval| (x.lo() + x.width() / 2) as f64 / 2f64.powi(56);
        let losses: Vec<i64> = self.liabilities.iter().map(|x| x.0).collect();
        let sample = Sample::over(set, &losses);
        let [funded, adequate, _] = &self.facts;
        let holds = |tested: &Tested| match tested.checked {
            Ok(()) => format!("{}", tested.fact),
            Err(_) => format!("not {}", tested.fact),
        };
        let marks = [
            ("VaR", var(sample, confidence)? as f64),
            ("CVaR", middle(&cvar(sample, confidence)?)),
            (
                "EVaR: adequate if it is at most the cash",
                adequate.losses.evar.0 as f64,
            ),
            (
                "EVaR with surplus as zero: funded if it is at most the cash",
                funded.losses.evar.0 as f64,
            ),
            (
                "cash: what the window collected, before what the change pays",
                self.state.collected.0 as f64,
            ),
        ]
        .map(|(name, ticks)| (name, amount(ticks)));
        let each = |of: &dyn Fn(usize) -> f64| (0..losses.len()).map(of).collect::<Vec<f64>>();
        Ok(distribution(&Distribution {
            liabilities: &each(&|s| amount(losses[s] as f64)),
            probabilities: &each(&|s| set.probabilities.get(s).map_or(1.0, |&p| p as f64)),
            weights: &each(&|s| self.tilt[s] as f64),
            marks: &marks,
            title: &format!(
                "What the venue may owe beyond all its capital: {}, {}",
                holds(adequate),
                holds(funded)
            ),
            notes: &[
                format!("{}, at confidence {}", over(set), Decimal::from(confidence)),
                format!(
                    "{} of {} scenarios owe more than all capital; shares on a logarithmic scale, so that one scenario can be seen",
                    self.owing(),
                    losses.len()
                ),
                source(set),
            ],
            quote: &set.quote,
        }))
    }
}

/// The losses that a fact is about, each other than the others'.
fn losses(fact: Fact) -> &'static str {
    match fact {
        Fact::Funded => "all capital, surplus as zero,",
        Fact::Adequate => "all capital, less surplus,",
        Fact::AdequateWithoutProviders => "its own capital, less surplus,",
    }
}

/// What EVaR is taken over.
fn over(set: &ScenarioSet) -> String {
    format!(
        "{} scenarios {} day(s) ahead of {}",
        set.values.len(),
        set.horizon_days,
        moment(set.as_of_ms)
    )
}

/// Where the scenarios come from.
fn source(set: &ScenarioSet) -> String {
    match &set.source {
        Source::Given { note } => format!("scenarios as given, noted: {note}"),
        Source::Made(recipe) => {
            let method = serde_json::to_string(&recipe.method).unwrap_or_default();
            format!(
                "scenarios made from prices {:.12}... by {method}",
                recipe.prices
            )
        }
    }
}
