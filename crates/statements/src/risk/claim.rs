//! What a risk proof claims.

use fixed::Decimal;
use risk::evar::Confidence;
use risk::scenarios::ScenarioSet;
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};

use crate::account::PublicDigest;

/// A risk claim: all that a verifier learns. Amounts are in the quote currency, in whole ticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskClaim {
    /// The public scenarios, whole, so that the claim can be checked by itself.
    pub scenarios: ScenarioSet,
    /// SHA3-256 of their canonical JSON, in hex: what to compare with a set one trusts.
    pub scenarios_digest: String,
    /// How sure.
    pub confidence: Confidence,
    /// The venue's state before the first trade (see [`commitment`](super::commitment)).
    pub before: PublicDigest,
    /// Its state after the last trade; equal to `before` if there are none.
    pub after: PublicDigest,
    /// The states between the parts of the proof.
    pub links: Vec<PublicDigest>,
    /// What is said of every state.
    pub shown: Shown,
}

/// What a risk claim says of the states before and after each trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Shown {
    /// The EVaR of `max(X, 0)` and the premia.
    Prices {
        /// EVaR before the first trade: it lies in `[evar - tolerance, evar]`.
        evar: Decimal,
        /// How far below each stated EVaR the true one may lie.
        tolerance: Decimal,
        /// The trades, in order.
        trades: Vec<PricedTrade>,
        /// Each market's funding rate in the last state: what a lot pays per day, rounded down to 10^-12 of the
        /// quote currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        funding: Option<Vec<Decimal>>,
    },
    /// Only that EVaR does not exceed the venue's capital and what it collected, in every state.
    Covered {
        /// The markets and prices of the trades; their sizes stay private, and no premia are collected.
        trades: Vec<(u32, Decimal)>,
    },
}

/// A trade and its premium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricedTrade {
    /// The market's number in the scenario set.
    pub market: u32,
    /// What a lot cost.
    pub price: Decimal,
    /// What the trader bought, in lots; negative if they sold; absent if it stays private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lots: Option<i64>,
    /// EVaR after the trade.
    pub evar: Decimal,
    /// The premium: what EVaR rose by, or zero. Collected by the venue.
    pub premium: Decimal,
}

/// SHA3-256 of a scenario set's canonical JSON, in hex.
pub fn scenarios_digest(scenarios: &ScenarioSet) -> String {
    let json = serde_json::to_vec(scenarios).expect("plain data");
    Sha3_256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Decimals of a funding rate.
pub(super) const RATE_DECIMALS: u8 = 12;

/// A decimal in whole ticks below 2^60.
pub(super) fn whole_ticks(what: &str, amount: &Decimal) -> Result<u64, String> {
    amount
        .rescale_exact(risk::TICK_DECIMALS)
        .ok()
        .and_then(|ticks| u64::try_from(ticks).ok())
        .filter(|&ticks| ticks < risk::MAX_AMOUNT)
        .ok_or_else(|| format!("{what} of {amount} is not a whole number of ticks below 2^60"))
}
