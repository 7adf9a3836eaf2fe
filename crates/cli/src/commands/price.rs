//! `sealbook price` and `check risk`: what trades and withdrawals cost, and whether the venue can bear them. No proof.

use fixed::{Decimal, Interval};
use serde_json::{Value, json};
use venue::evar::Confidence;
use venue::import::states;
use venue::scenarios::ScenarioSet;
use venue::state::{
    Change, Transfer, VenueError, VenueState, allocation, charge, funding, premium,
    providers_premium, ticks,
};

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

/// EVaR in ticks, rounded up.
fn evar(state: &VenueState, set: &ScenarioSet, confidence: Confidence) -> Result<i128, Failure> {
    let value = state.evar(set, confidence)?.value;
    value.ceil_at(0).map_err(|e| Failure::Input(e.to_string()))
}

/// How far EVaR exceeds the venue's capital and what it collected, in ticks; not positive if it does not.
fn excess(state: &VenueState, evar: i128) -> i128 {
    evar - i128::from(state.capital) - i128::from(state.collected)
}

/// A number of ticks as an amount of the quote currency, rounded down to 10^-12.
fn amount(value: &Interval) -> Result<Decimal, Failure> {
    let units = value
        .floor_at(6)
        .map_err(|e| Failure::Input(e.to_string()))?;
    Ok(Decimal::new(units, 12))
}

/// A number of ticks as an amount of the quote currency, rounded down to a tick.
fn money(value: &Interval) -> Result<Decimal, Failure> {
    let whole = value.floor_at(0);
    Ok(ticks(whole.map_err(|e| Failure::Input(e.to_string()))?))
}

/// Funding rates by market, a lot and day.
fn rates(
    state: &VenueState,
    set: &ScenarioSet,
    confidence: Confidence,
) -> Result<Vec<(String, Decimal)>, Failure> {
    let rates = funding(state, set, confidence)?;
    set.markets
        .iter()
        .zip(&rates)
        .map(|(market, rate)| Ok((market.symbol.clone(), amount(rate)?)))
        .collect()
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
    let before = evar(&state, &set, confidence)?;
    let moved = state.changed(&change, 0)?;
    let premium = premium(&state, &moved, &set, confidence)?;
    let providers = money(&providers_premium(&state, &moved, &set)?)?;
    let moved = state.changed(&change, premium)?;
    let after = evar(&moved, &set, confidence)?;
    let rates = rates(&moved, &set, confidence)?;
    let shares = allocation(&moved, &set, confidence)?;
    let shares = set
        .markets
        .iter()
        .zip(&shares.markets)
        .map(|(market, share)| Ok((market.symbol.clone(), money(share)?)))
        .chain([money(&shares.means).map(|share| ("means".to_string(), share))])
        .collect::<Result<Vec<_>, Failure>>()?;
    // The trade's own premium does not count: it is what the risk it adds is worth.
    let refused = excess(&state, after);
    if let Some(path) = &arguments.plot {
        write(path, picture(&moved, &set, confidence)?.as_bytes())?;
    }
    let quote = &set.quote;
    if arguments.json {
        let object = |pairs: &[(String, Decimal)]| -> serde_json::Map<String, Value> {
            let pairs = pairs.iter();
            pairs.map(|(name, x)| (name.clone(), json!(x))).collect()
        };
        print_json(&json!({
            "premium": ticks(premium.into()), "providers_premium": providers,
            "evar_before": ticks(before), "evar_after": ticks(after), "allocation": object(&shares),
            "accepted": refused <= 0, "funding_per_lot_and_day": object(&rates), "quote": quote,
        }));
    } else {
        say!("premium      {} {quote}", ticks(premium.into()));
        say!("providers'   {providers} {quote}, what they may lose more on average");
        say!("EVaR before  {} {quote}", ticks(before));
        say!("EVaR after   {} {quote}, of which", ticks(after));
        for (market, share) in &shares {
            say!("  {market:<10} {share} {quote}");
        }
        say!("funding after it, per lot and day; longs pay, shorts receive:");
        for (market, rate) in &rates {
            say!("  {market:<10} {rate} {quote}");
        }
    }
    refuse(refused, "after it", after, quote)
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
    let gains: Vec<i64> = state.gains(set)?.iter().map(|&x| x as i64).collect();
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
            (state.capital + state.collected) as f64,
        ),
    ]
    .map(|(name, ticks)| (name, amount(ticks)));
    let liabilities = state.liabilities(set)?;
    Ok(distribution(&Distribution {
        liabilities: &liabilities
            .iter()
            .map(|&x| amount(x as f64))
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

fn refuse(excess: i128, place: &str, evar: i128, quote: &str) -> Result<(), Failure> {
    if excess <= 0 {
        return Ok(());
    }
    Err(Failure::False(format!(
        "{place} EVaR of {} {quote} exceeds capital and collected premia by {} {quote}",
        ticks(evar),
        ticks(excess)
    )))
}
