//! `sealbook price`: what a trade or a withdrawal costs, and whether the venue can bear it. No proof.

use fixed::{Decimal, Interval};
use records::units::Ticks;
use serde_json::{Value, json};
use statements::premia;
use venue::evar::Confidence;
use venue::import::states;
use venue::premia::{Evaluated, Shows, Terms};
use venue::scenarios::ScenarioSet;
use venue::state::{Change, Transfer, VenueError, VenueState, providers_premium, ticks};

use crate::Failure;
use crate::arguments::Price;
use crate::files::write;
use crate::inputs::read_venue;
use crate::output::{print_json, say};
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
    if let Some(path) = &arguments.plot {
        write(path, picture(&after.state, &set, confidence)?.as_bytes())?;
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
            "accepted": refused.is_ok(), "funding_per_lot_and_day": object(&quote.rates), "quote": set.quote,
        }));
    } else {
        quote.say(&set.quote);
    }
    refused.map_err(|e| Failure::False(e.to_string()))
}

/// What a change costs, and what the venue's risk is before and after it.
struct Quote {
    premium: Decimal,
    providers: Decimal,
    evar: [Decimal; 2],
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
        Ok(Self {
            premium: after.premium.to_quote(),
            providers: money(&providers_premium(&before.state, &after.state, set)?)?,
            evar: [before, after].map(|state| state.evar().to_quote()),
            shares: symbols().chain(["means".into()]).zip(amounts).collect(),
            rates: symbols().zip(after.funding(set, |_| 1)).collect(),
        })
    }

    fn say(&self, quote: &str) {
        say!("premium      {} {quote}", self.premium);
        say!(
            "providers'   {} {quote}, what they may lose more on average",
            self.providers
        );
        say!("EVaR before  {} {quote}", self.evar[0]);
        say!("EVaR after   {} {quote}, of which", self.evar[1]);
        for (market, share) in &self.shares {
            say!("  {market:<10} {share} {quote}");
        }
        say!("funding after it, per lot and day; longs pay, shorts receive:");
        for (market, rate) in &self.rates {
            say!("  {market:<10} {rate} {quote}");
        }
    }
}

/// The distribution of a state's liability.
fn picture(
    state: &VenueState,
    set: &ScenarioSet,
    confidence: Confidence,
) -> Result<String, Failure> {
    let input = |e: &dyn std::fmt::Display| Failure::Input(e.to_string());
    // Only for the eye: pixels are floats.
    let amount = |ticks: f64| ticks / 1e6;
    let middle = |x: &Interval| (x.lo() + x.width() / 2) as f64 / 2f64.powi(56);
    let gains: Vec<i64> = state.gains(set)?.iter().map(|&x| x.0 as i64).collect();
    let risk = state.evar(set, confidence)?;
    let marks = [
        (
            "VaR",
            venue::evar::var(&gains, confidence).map_err(|e| input(&e))? as f64,
        ),
        (
            "CVaR",
            middle(&venue::evar::cvar(&gains, confidence).map_err(|e| input(&e))?),
        ),
        ("EVaR", middle(&risk.value)),
        (
            "capital and collected",
            (state.capital + state.collected).0 as f64,
        ),
    ]
    .map(|(name, ticks)| (name, amount(ticks)));
    let liabilities = state.liabilities(set)?;
    Ok(distribution(&Distribution {
        liabilities: &liabilities
            .iter()
            .map(|&x| amount(x.0 as f64))
            .collect::<Vec<_>>(),
        weights: &risk.weights.iter().map(|&w| w as f64).collect::<Vec<_>>(),
        marks: &marks,
        title: &format!(
            "What the venue owes beyond its means in {} scenarios, at {} confidence",
            set.values.len(),
            Decimal::from(confidence)
        ),
        quote: &set.quote,
    }))
}
