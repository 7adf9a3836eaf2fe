//! What an inventory proof claims.

use risk::scenarios::Market;
use risk::{Asset, Instrument};
use serde::{Deserialize, Serialize};

use crate::account::PublicDigest;
use crate::nonce::Nonce;

/// An inventory claim: all that a verifier learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryClaim {
    /// The currency of entries.
    pub quote: String,
    /// The book's assets: its leaves commit to their names and decimals.
    pub assets: Vec<Asset>,
    /// The book's instruments: its leaves commit to their terms. Each is a market.
    pub instruments: Vec<Instrument>,
    /// The markets of the state, in its order, as in the scenario set of a risk claim.
    pub markets: Vec<Market>,
    /// Position slots per account in the commitment: 4, 8, 16, 32 or 64.
    pub slots: u32,
    /// The root of the book's tree, the same as in margin and solvency claims about the book.
    pub root: PublicDigest,
    /// How many accounts the book has.
    pub accounts: u64,
    /// The roots of the subtrees that the proof's parts are about, from left to right.
    pub segments: Vec<PublicDigest>,
    /// Commitments to states that hold the inventory of the first parts only.
    pub links: Vec<PublicDigest>,
    /// As of when the state is, in milliseconds since 1970: its commitment binds it.
    pub state_as_of_ms: u64,
    /// The venue's state, as in a risk claim: net quantities and net entry are those of the whole book.
    pub state: PublicDigest,
    /// What a verifier asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}
