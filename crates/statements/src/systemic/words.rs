//! What a systemic claim says.

use fixed::Decimal;
use records::date::moment;

use super::SystemicClaim;
use crate::nonce;
use crate::venues::words::{over, scenario_lines};
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &SystemicClaim) -> Vec<String> {
    let venues: Vec<String> = claim
        .venues
        .iter()
        .map(|v| format!("{} as of {}", v.state, moment(v.as_of_ms)))
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
