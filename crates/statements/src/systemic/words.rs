//! What a systemic claim says.

use fixed::Decimal;

use super::SystemicClaim;
use crate::nonce;
use crate::risk::over;
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &SystemicClaim) -> Vec<String> {
    let venues: Vec<String> = claim.venues.iter().map(ToString::to_string).collect();
    let mut lines = vec![format!(
        "EVaR of what the venues committed as {} owe beyond their means, added up, is at most {} {} at {} {}",
        venues.join(", "),
        claim.bound,
        quoted(&claim.scenarios.quote),
        Decimal::from(claim.confidence),
        over(&claim.scenarios, &claim.scenarios_digest),
    )];
    lines.extend(nonce::line(&claim.nonce));
    lines
}
