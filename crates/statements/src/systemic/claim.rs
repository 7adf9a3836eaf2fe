//! What a systemic proof claims.

use fixed::Decimal;
use serde::{Deserialize, Serialize};
use venue::evar::Confidence;
use venue::scenarios::ScenarioSet;

use crate::account::PublicDigest;
use crate::nonce::Nonce;

/// The commitment to a venue's state, and the dates that it binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedState {
    /// The commitment.
    pub state: PublicDigest,
    /// As of when, in milliseconds since 1970.
    pub as_of_ms: u64,
    /// Since when what it collected was collected, which plays no part here.
    pub collected_since_ms: u64,
}

/// A systemic claim: all that a verifier learns. Amounts are in the quote currency, in whole ticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemicClaim {
    /// The public scenarios, whole, so that the claim can be checked by itself.
    pub scenarios: ScenarioSet,
    /// SHA3-256 of their canonical JSON, in hex: what to compare with a set one trusts.
    pub scenarios_digest: String,
    /// How sure.
    pub confidence: Confidence,
    /// The venues' states, as `after` and `until_ms` of each one's premia claim.
    pub venues: Vec<DatedState>,
    /// EVaR of the sum of what the venues owe beyond their means is at most this.
    pub bound: Decimal,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}
