//! What a margin proof claims.

use serde::{Deserialize, Serialize};

use market::{Asset, Haircuts, Level, Snapshot};

use crate::account::PublicDigest;
use crate::book::BookRef;
use crate::nonce::Nonce;
use crate::words::digest;

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
    /// Whom the claim is about.
    pub subject: Subject,
    /// The most underlyings that an account has positions on, coins in offset groups included. How many each has stays private.
    pub underlyings: u32,
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
        /// The account's leaf (see [`crate::account`]). A path shows which book it is in
        /// ([`crate::inclusion::BookPath`]).
        commitment: PublicDigest,
        /// Position slots in the commitment: 4, 8, 16, 32 or 64. The account has at most so many positions; how many it has
        /// stays private.
        slots: u32,
    },
    /// All accounts of a book.
    Book {
        /// The book.
        book: BookRef,
        /// How many of them do not meet the level. Exact: not one more, not one less.
        below: u64,
        /// The roots of the subtrees that the proof's parts are about, from left to right.
        segments: Vec<PublicDigest>,
        /// Commitments to the count of accounts below the level after each part but the last.
        states: Vec<PublicDigest>,
    },
}

impl MarginClaim {
    /// Position slots per account.
    pub fn slots(&self) -> u32 {
        match &self.subject {
            Subject::Account { slots, .. } => *slots,
            Subject::Book { book, .. } => book.slots,
        }
    }
}

/// The digest of a snapshot as it stands in claims.
pub fn snapshot_digest(snapshot: &Snapshot) -> String {
    digest(snapshot)
}

/// The digest of a snapshot's margin rules as it stands in claims: scenarios, parameters and haircuts.
pub fn parameters_digest(snapshot: &Snapshot) -> String {
    digest(&(
        &snapshot.grid,
        &snapshot.grids,
        &snapshot.parameters,
        haircuts(&snapshot.assets),
    ))
}

/// The digest of a snapshot's haircuts.
pub fn haircuts_digest(assets: &[Asset]) -> String {
    digest(&haircuts(assets))
}

fn haircuts(assets: &[Asset]) -> Vec<(&str, &Haircuts)> {
    let haircuts = assets.iter().map(|a| (a.symbol.as_str(), &a.haircuts));
    haircuts.collect()
}
