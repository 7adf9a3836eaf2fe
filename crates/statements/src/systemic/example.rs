//! Example claims.

use fixed::Decimal;
use serde_json::json;
use venue::evar::Confidence;

use super::{Prepared, Systemic, Venue};
use crate::account::Secret;
use crate::kit::{Example, Inputs, Size};

/// Markets of the venues.
const MARKETS: usize = 4;

/// Two venues, of which one is short where the other is long.
pub(super) fn examples() -> Vec<Example<Systemic>> {
    vec![Example {
        name: "systemic",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Systemic> {
    let scenarios = size.scenarios.unwrap_or(1_000);
    let set = venue::sample::scenarios(1, MARKETS, scenarios);
    let one = venue::sample::state(&set);
    let mut other = one.clone();
    other.quantities.iter_mut().for_each(|q| q.0 = -q.0 / 2);
    other.entry.0 = -other.entry.0 / 2;
    let confidence: Confidence = Decimal::new(95, 2).try_into().expect("a constant");
    let sizes = json!({ "venues": 2, "scenarios": scenarios, "markets": MARKETS });
    Inputs::new(sizes, move |secret| {
        let venues = [(&one, secret.clone()), (&other, Secret::random())];
        let venues = venues.map(|(state, secret)| Venue {
            state: state.clone(),
            secret,
        });
        Prepared::new(&set, venues.into(), confidence, None)
    })
}
