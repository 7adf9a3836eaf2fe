//! What a systemic claim says.

use fixed::Decimal;
use records::date::moment;

use super::SystemicClaim;
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::venues::words::{over, scenario_lines};
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &SystemicClaim) -> Vec<String> {
    let venues: Vec<String> = claim
        .venues
        .iter()
        .map(|v| {
            let [when, since] = [v.as_of_ms, v.collected_since_ms].map(moment);
            format!(
                "{} as of {when} with what it collected since {since}",
                v.state
            )
        })
        .collect();
    let mut lines = vec![format!(
        "EVaR of what the venues committed as {} owe beyond their means, added up, is at most {} {} at confidence {} {}",
        venues.join(", "),
        claim.bound,
        quoted(&claim.scenarios.quote),
        Decimal::from(claim.confidence),
        over(&claim.scenarios),
    )];
    lines.extend(scenario_lines(&claim.scenarios));
    lines.extend(nonce::line(&claim.nonce));
    lines
}

impl Spoken for super::Systemic {
    fn words(claim: &SystemicClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &SystemicClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &SystemicClaim) -> Vec<Anchor<'_>> {
        let venues = claim.venues.iter();
        venues
            .map(|venue| Anchor::VenueState(At::Whole, venue.state))
            .collect()
    }

    fn given(claim: &SystemicClaim) -> Vec<Given> {
        vec![Given::scenarios(&claim.scenarios, &claim.scenarios_digest)]
    }
}
