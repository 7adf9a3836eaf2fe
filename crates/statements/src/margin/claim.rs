//! What a margin proof claims.

use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};

use risk::{Level, Snapshot};

use crate::account::PublicDigest;
use crate::nonce::Nonce;

/// A margin claim: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarginClaim {
    /// The public market data, whole, so that the claim can be checked by itself.
    pub snapshot: Snapshot,
    /// SHA3-256 of the snapshot's canonical JSON, in hex: what to compare with a market one trusts.
    pub snapshot_digest: String,
    /// SHA3-256 of the scenario grid, the margin parameters and the haircuts, in hex: the venue's margin
    /// rules.
    pub parameters_digest: String,
    /// The requirement that is met.
    pub level: Level,
    /// Position slots per account in the commitment: 4, 8, 16, 32 or 64. An account has at most so
    /// many positions; how many it has stays private.
    pub slots: u32,
    /// Whom the claim is about.
    pub subject: Subject,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// Whom a margin claim is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Subject {
    /// One account, which meets the level.
    Account {
        /// The account's leaf (see [`crate::account`]).
        commitment: PublicDigest,
    },
    /// All accounts of a book.
    Book {
        /// The root of the book's tree, the same as in a solvency claim about the book.
        root: PublicDigest,
        /// How many accounts the book has.
        accounts: u64,
        /// How many of them do not meet the level. Exact: not one more, not one less.
        below: u64,
        /// The roots of the subtrees that the proof's parts are about, from left to right.
        segments: Vec<PublicDigest>,
        /// Commitments to the count of accounts below the level after each part but the last.
        states: Vec<PublicDigest>,
    },
}

/// SHA3-256 of the JSON of plain data, in hex.
fn digest(data: &impl Serialize) -> String {
    let json = serde_json::to_vec(data).expect("plain data");
    Sha3_256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The digest of a snapshot as it stands in claims.
pub fn snapshot_digest(snapshot: &Snapshot) -> String {
    digest(snapshot)
}

/// The digest of a snapshot's margin rules as it stands in claims: scenarios, parameters and haircuts.
pub fn parameters_digest(snapshot: &Snapshot) -> String {
    let haircuts: Vec<_> = snapshot
        .assets
        .iter()
        .map(|a| (&a.symbol, &a.haircuts))
        .collect();
    digest(&(&snapshot.grid, &snapshot.parameters, haircuts))
}
