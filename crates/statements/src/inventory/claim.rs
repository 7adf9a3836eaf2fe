//! What an inventory proof claims.

use market::Snapshot;
use serde::{Deserialize, Serialize};
use venue::scenarios::Market;

use crate::account::PublicDigest;
use crate::book::BookRef;
use crate::nonce::Nonce;

/// An inventory claim: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryClaim {
    /// The book's market: its lists and its moment are the book's. Each instrument is a market of the state; prices play no
    /// part.
    pub snapshot: Snapshot,
    /// The markets of the state, in its order, as in the scenario set of a premia claim.
    pub markets: Vec<Market>,
    /// The book.
    pub book: BookRef,
    /// The roots of the subtrees that the proof's parts are about, from left to right.
    pub segments: Vec<PublicDigest>,
    /// Commitments to states that hold the inventory of the first parts only.
    pub links: Vec<PublicDigest>,
    /// As of when the state is, in milliseconds since 1970: its commitment binds it.
    pub state_as_of_ms: u64,
    /// Since when what it collected was collected: its commitment binds it, too.
    pub state_collected_since_ms: u64,
    /// The venue's state, as in a premia claim: net quantities and net entry are those of the whole book.
    pub state: PublicDigest,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}
