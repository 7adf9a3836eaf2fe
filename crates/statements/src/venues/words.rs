//! What claims say of a scenario set.

use std::collections::BTreeSet;

use records::date::moment;
use venue::scenarios::ScenarioSet;
use venue::scenarios::recipe::Source;

use super::scenarios_digest;
use crate::words::quoted;

/// What EVaR is taken over: the set's number, horizon, currency, date and digest.
pub(crate) fn over(set: &ScenarioSet) -> String {
    let digest = scenarios_digest(set);
    let likely = match set.is_weighted() {
        true => "with probabilities of their own",
        false => "equally likely",
    };
    format!(
        "over these {} scenarios, {likely}, {} day(s) ahead of {}, of {} market(s) in {} ({digest})",
        set.values.len(),
        set.horizon_days,
        moment(set.as_of_ms),
        set.markets.len(),
        quoted(&set.quote),
    )
}

/// Where the scenarios come from, and what they are of.
pub(crate) fn scenario_lines(set: &ScenarioSet) -> Vec<String> {
    let source = match &set.source {
        Source::Given { note } => format!(
            "the scenarios were given, not made from prices by a recipe; their maker notes {}",
            quoted(note)
        ),
        Source::Made(recipe) => {
            let json = serde_json::to_string(recipe).expect("plain data");
            format!(
                "the scenarios name the recipe {} and the price history {}; `sealbook scenarios check` makes them again from \
                 that history",
                quoted(&json),
                quoted(&recipe.prices)
            )
        }
    };
    let markets: Vec<String> = set
        .markets
        .iter()
        .enumerate()
        .map(|(i, m)| {
            let ticks = |value: u64| venue::state::ticks(value.into());
            let values = set.values.iter().filter_map(|v| v.get(i).copied());
            let (least, most) = values.fold((u64::MAX, 0), |(l, h), v| (l.min(v), h.max(v)));
            format!(
                "{} in lots of {}, worth {} now and {} to {} in them",
                quoted(&m.symbol),
                m.lot,
                ticks(m.value),
                ticks(least),
                ticks(most)
            )
        })
        .collect();
    let different: BTreeSet<&Vec<u64>> = set.values.iter().collect();
    vec![
        source,
        format!(
            "{} of the scenarios are different; their markets are {}",
            different.len(),
            markets.join("; ")
        ),
        "quantities, entry notionals, capital and the collected sum are the venue's word, but for what an inventory proof shows"
            .into(),
    ]
}
