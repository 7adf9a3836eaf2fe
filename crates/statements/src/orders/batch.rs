//! What claims about a batch of orders have in common.

use records::units::Ticks;
use serde::{Deserialize, Serialize};

use crate::account::PublicDigest;

/// A batch that was cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Its number in its epoch: below 2^16, the place of its one-time secrets.
    pub number: u64,
    /// The venue that orders are for.
    pub venue: String,
    /// Levels that orders are hashed with: 1, 2 or 4.
    pub levels: u32,
    /// How many orders its list has.
    pub orders: u64,
    /// The root of the tree of receipts. Which slot a receipt has is the prover's choice; unused slots are zero digests.
    pub receipts: PublicDigest,
    /// What traded, in the order of the market's list of instruments.
    pub instruments: Vec<Traded>,
}

/// A batch but for its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// As [`Batch::number`].
    pub number: u64,
    /// As [`Batch::venue`].
    pub venue: String,
    /// As [`Batch::levels`].
    pub levels: u32,
    /// As [`Batch::instruments`].
    pub instruments: Vec<Traded>,
}

impl Cleared {
    /// The batch of so many orders with these receipts.
    pub fn batch(&self, orders: u64, receipts: PublicDigest) -> Batch {
        Batch {
            number: self.number,
            venue: self.venue.clone(),
            levels: self.levels,
            orders,
            receipts,
            instruments: self.instruments.clone(),
        }
    }
}

/// The terms of an instrument's auction that settlement looks at, and its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traded {
    /// The least candidate price, in ticks a lot.
    pub low: Ticks<u64>,
    /// The highest one.
    pub high: Ticks<u64>,
    /// What a trade costs, in 10^-6 of its cash.
    pub fee: u32,
    /// What a quote earns, in 10^-6 of its cash.
    pub rebate: u32,
    /// The clearing price, in ticks a lot, below 2^40; none if nothing traded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Ticks<u64>>,
}
