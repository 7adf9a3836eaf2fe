//! `sealbook price`: what a trade or a withdrawal costs, and whether the venue can bear it. No proof.

use fixed::{Decimal, Interval};
use serde_json::{Value, json};
use statements::premia;
use venue::evar::{Confidence, Losses};
use venue::import::states;
use venue::precision::{FEW, Precision};
use venue::premia::{Evaluated, Shows, Terms};
use venue::scenarios::ScenarioSet;
use venue::state::{Change, Transfer, VenueError, providers_premium, ticks};

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
        providers: -amount,
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
    if let Some(path) = &arguments.plot {
        write(path, picture(after, &set, confidence)?.as_bytes())?;
    }
    let quote = Quote::new(&set, before, after)?;
    let refused = after.check_covered("after it".into(), &set.quote);
    if arguments.json {
        let object = |pairs: &[(String, Decimal)]| -> serde_json::Map<String, Value> {
            let pairs = pairs.iter();
            pairs.map(|(name, x)| (name.clone(), json!(x))).collect()
        };
        print_json(&json!({
            "premium": quote.premium, "providers_premium": quote.providers,
            "evar_before": quote.evar[0], "evar_after": quote.evar[1], "allocation": object(&quote.shares),
            "premium_error": quote.premium_error, "evar_errors": quote.errors, "effective_scenarios": quote.effective,
            "scenarios": set.values.len(), "equally_likely": !set.is_weighted(), "confidence": Decimal::from(confidence),
            "horizon_days": set.horizon_days, "as_of_ms": set.as_of_ms, "accepted": refused.is_ok(), "funding_per_lot_and_day": object(&quote.rates), "quote": set.quote,
        }));
    } else {
        quote.say(&set, confidence);
    }
    quote.warn();
    refused.map_err(|e| Failure::False(e.to_string()))
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
        let amounts = shares.markets.into_iter().chain([shares.means]).map(ticks);
        let precision = [before, after].map(|state| Precision::of(state, set));
        // For display: floats, rounded up to a tick.
        let amount = |error: f64| ticks(error.ceil() as i128);
        Ok(Self {
            errors: [&precision[0], &precision[1]].map(|p| amount(p.error())),
            premium_error: amount(precision[1].error_of_rise(&precision[0])),
            effective: [&precision[0], &precision[1]].map(|p| p.effective.floor() as u64),
            premium: ticks(after.premium.into()),
            providers: money(&providers_premium(&before.state, &after.state, set)?)?,
            evar: [before, after].map(|state| ticks(state.evar().into())),
            shares: symbols().chain(["means".into()]).zip(amounts).collect(),
            rates: symbols().zip(after.funding(set, |_| 1)).collect(),
        })
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
            records::date::moment(set.as_of_ms),
            Decimal::from(confidence)
        );
        say!(
            "premium      {} {quote} +- {}",
            self.premium,
            self.premium_error
        );
        say!(
            "providers'   {} {quote}, what they may lose more on average",
            self.providers
        );
        say!(
            "EVaR before  {} {quote} +- {}",
            self.evar[0],
            self.errors[0]
        );
        say!(
            "EVaR after   {} {quote} +- {}, borne by {} effective scenarios, of which",
            self.evar[1],
            self.errors[1],
            self.effective[1]
        );
        for (market, share) in &self.shares {
            say!("  {market:<10} {share} {quote}");
        }
        say!("funding after it, per lot and day; longs pay, shorts receive:");
        for (market, rate) in &self.rates {
            say!("  {market:<10} {rate} {quote}");
        }
    }
}

impl Quote {
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

/// The distribution of a state's liability.
fn picture(
    after: &Evaluated,
    set: &ScenarioSet,
    confidence: Confidence,
) -> Result<String, Failure> {
    let input = |e: &dyn std::fmt::Display| Failure::Input(e.to_string());
    // Only for the eye: pixels are floats.
    let amount = |ticks: f64| ticks / 1e6;
    let middle = |x: &Interval| (x.lo() + x.width() / 2) as f64 / 2f64.powi(56);
    let gains: Vec<i64> = after.liabilities.iter().map(|&x| x.max(0)).collect();
    let losses = Losses::over(set, &gains);
    let state = &after.state;
    let marks = [
        (
            "VaR",
            venue::evar::var(losses, confidence).map_err(|e| input(&e))? as f64,
        ),
        (
            "CVaR",
            middle(&venue::evar::cvar(losses, confidence).map_err(|e| input(&e))?),
        ),
        ("EVaR", after.evar() as f64),
        (
            "capital and collected",
            (state.capital + state.collected) as f64,
        ),
    ]
    .map(|(name, ticks)| (name, amount(ticks)));
    let each = |of: &dyn Fn(usize) -> f64| (0..set.values.len()).map(of).collect::<Vec<f64>>();
    Ok(distribution(&Distribution {
        liabilities: &each(&|s| amount(after.liabilities[s] as f64)),
        probabilities: &each(&|s| set.probabilities.get(s).map_or(1.0, |&p| p as f64)),
        weights: &each(&|s| after.weight(s) as f64),
        marks: &marks,
        title: &format!(
            "What the venue owes beyond its means in {} scenarios, at {} confidence",
            set.values.len(),
            Decimal::from(confidence)
        ),
        quote: &set.quote,
    }))
}
