//! What claims say of a scenario set.

use std::collections::BTreeSet;

use records::date::moment;
use venue::scenarios::ScenarioSet;
use venue::scenarios::beacon::Seed;
use venue::scenarios::recipe::{Method, Recipe, Source};

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
    let seed = match &set.source {
        Source::Made(recipe) => seed_line(recipe, set.policy()),
        Source::Given { .. } => None,
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
    let rest = [
        format!(
            "{} of the scenarios are different; their markets are {}",
            different.len(),
            markets.join("; ")
        ),
        "quantities, entry notionals, capital and the collected sum are the venue's word, but for what an inventory proof shows"
            .into(),
    ];
    [source].into_iter().chain(seed).chain(rest).collect()
}

/// Who chose the seed of drawn scenarios.
fn seed_line(recipe: &Recipe, policy: Option<String>) -> Option<String> {
    let seed = match &recipe.method {
        Method::Historical | Method::FilteredHistorical { .. } => return None,
        Method::MonteCarlo { .. } => &Seed::Plain {
            text: String::new(),
        },
        Method::DefensiveMixture { seed, .. } => seed,
    };
    Some(match seed {
        Seed::Plain { .. } => "their seed is whoever made them's choice, who may have tried others: EVaR over other draws is another \
             one"
            .into(),
        Seed::Beacon(beacon) => format!(
            "their seed is made from what beacon {} said in round {}, the first after the prices and {} second(s), by policy {}; ask \
             the beacon whether it said so, and whoever claims this where the policy stood before",
            quoted(&beacon.schedule.network),
            beacon.round,
            beacon.schedule.delay_ms / 1000,
            policy.unwrap_or_default(),
        ),
    })
}
