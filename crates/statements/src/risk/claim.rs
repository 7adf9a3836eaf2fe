//! What a risk proof claims.

use fixed::Decimal;
use risk::evar::Confidence;
use risk::scenarios::ScenarioSet;
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};

use crate::account::PublicDigest;
use crate::nonce::Nonce;

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
    /// The venue's state before the first change (see [`commitment`](super::commitment)).
    pub before: PublicDigest,
    /// As of when, in milliseconds since 1970: the commitment binds it.
    pub as_of_ms: u64,
    /// Its state after the last change; equal to `before` if there are none and the date is the same.
    pub after: PublicDigest,
    /// As of when, not before `as_of_ms`. The states between parts have this date too.
    pub until_ms: u64,
    /// The states between the parts of the proof.
    pub links: Vec<PublicDigest>,
    /// What is said of every state.
    pub shown: Shown,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// What a risk claim says of the states before and after each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Shown {
    /// The EVaR of `max(X, 0)` and the premia.
    Prices {
        /// EVaR before the first change: it lies in `[evar - tolerance, evar]`.
        evar: Decimal,
        /// How far below each stated EVaR the true one may lie.
        tolerance: Decimal,
        /// The trades and transfers, in order.
        changes: Vec<PricedChange>,
        /// Each market's funding rate in the last state: what a lot pays per day, rounded down to 10^-12 of the
        /// quote currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        funding: Option<Vec<Decimal>>,
    },
    /// Only that EVaR does not exceed the venue's capital and what it collected, in every state.
    Covered {
        /// The trades and transfers, in order. No premia are collected.
        changes: Vec<PublicChange>,
    },
}

impl Shown {
    /// How many trades and transfers there are.
    pub fn changes(&self) -> usize {
        match self {
            Self::Prices { changes, .. } => changes.len(),
            Self::Covered { changes } => changes.len(),
        }
    }
}

/// What is public of a change of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum PublicChange {
    /// A trade.
    Trade {
        /// The market's number in the scenario set.
        market: u32,
        /// What a lot cost.
        price: Decimal,
        /// What the trader bought, in lots; negative if they sold; absent if it stays private.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lots: Option<i64>,
    },
    /// Money that comes in, or goes out where it is negative.
    Transfer {
        /// The venue's own.
        capital: Decimal,
        /// Liquidity providers'. A withdrawal pays a premium.
        providers: Decimal,
        /// Collected premia and funding: negative when the window moves on.
        collected: Decimal,
    },
}

impl PublicChange {
    /// Whether it pays for the risk it adds: a trade, and a provider's withdrawal.
    pub fn pays(&self) -> bool {
        match self {
            Self::Trade { .. } => true,
            Self::Transfer { providers, .. } => providers.is_negative(),
        }
    }
}

/// A change and its premium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricedChange {
    /// The change.
    pub change: PublicChange,
    /// EVaR after it.
    pub evar: Decimal,
    /// The premium: what EVaR rose by, or zero. Zero also if the change [pays](PublicChange::pays) none. Collected by the
    /// venue.
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
