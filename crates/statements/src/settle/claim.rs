//! What a settlement proof claims.

use market::Snapshot;
use serde::{Deserialize, Serialize};

use crate::account::PublicDigest;
use crate::book::BookRef;
use crate::nonce::Nonce;
use crate::orders::Batch;

/// A settlement claim: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleClaim {
    /// The market: its lists are those of both books, its moment is that of the book after. Its prices decide what is free in an
    /// account.
    pub snapshot: Snapshot,
    /// The digest of the market, as in margin claims.
    pub snapshot_digest: String,
    /// The digest of the market's margin rules, as in margin claims. Offset groups among them play no part.
    pub parameters_digest: String,
    /// The most underlyings that an account of the book before has positions on. How many each has stays private.
    pub underlyings: u32,
    /// When the book before was committed to, in milliseconds since 1970: its commitment binds it.
    pub before_as_of_ms: u64,
    /// The book before.
    pub before: BookRef,
    /// The book after, of the same accounts in the same slots.
    pub after: BookRef,
    /// The batch that was settled.
    pub batch: Batch,
    /// How many orders were refused because what they could trade does not fit their account. That each of them was
    /// refused rightly is not proven.
    pub without_room: u64,
    /// The roots of the book's tree: before the first part, and after each. Their number is a power of two, and one.
    pub roots: Vec<PublicDigest>,
    /// The roots of the subtrees of receipts, one a part.
    pub segments: Vec<PublicDigest>,
    /// Commitments to the last key of each part but the last.
    pub states: Vec<PublicDigest>,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}
