//! What a claim rests on that no proof shows.

use market::Snapshot;
use records::date::moment;
use venue::scenarios::ScenarioSet;
use venue::scenarios::recipe::Source;

use crate::account::PublicDigest;
use crate::margin::snapshot_digest;
use crate::words::quoted;

/// Something that a claim takes as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What it is, in words.
    pub what: String,
    /// Whether the claim says nothing worth having if nobody vouches for it, so that this is told.
    pub told: bool,
    /// What identifies it.
    pub terms: Terms,
}

/// What identifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    /// A loan pool.
    Pool {
        /// Its commitment.
        commitment: PublicDigest,
        /// The day the tape is of.
        cut_off: String,
        /// How many loans it has.
        loans: u64,
    },
    /// A market, of which everything counts or, without a digest of the whole, its assets' prices and haircuts.
    Market {
        /// The digest of the whole.
        snapshot: Option<String>,
        /// The digest of prices and haircuts.
        prices: String,
        /// When they were taken, in milliseconds since 1970.
        as_of_ms: u64,
        /// Where they come from.
        source: String,
    },
    /// A public list of orders.
    Orders {
        /// The digest of its JSON.
        list: String,
    },
    /// Scenarios, and the digest of the price history that they say they were made from.
    Scenarios {
        /// Their digest.
        digest: String,
        /// Their moment, in milliseconds since 1970.
        as_of_ms: u64,
        /// The digest of the price history.
        history: Option<String>,
    },
}

impl Given {
    /// A pool of so many loans, called so in words.
    pub fn pool(
        commitment: PublicDigest,
        cut_off: &impl ToString,
        loans: u64,
        what: String,
        told: bool,
    ) -> Self {
        Self {
            what,
            told,
            terms: Terms::Pool {
                commitment,
                cut_off: cut_off.to_string(),
                loans,
            },
        }
    }

    /// A market: all of it, or its assets' prices and haircuts.
    pub fn market(snapshot: &Snapshot, whole: bool) -> Self {
        let source = match snapshot.source.as_str() {
            market::snapshot::UNSTATED => "source unstated".to_string(),
            source => format!("source {}", quoted(source)),
        };
        let at = moment(snapshot.as_of_ms);
        Self {
            what: match whole {
                true => format!("that market of {at} ({source}): its prices and its terms"),
                false => format!("the prices and haircuts of {at} ({source})"),
            },
            told: true,
            terms: Terms::Market {
                snapshot: whole.then(|| snapshot_digest(snapshot)),
                prices: snapshot.prices_digest(),
                as_of_ms: snapshot.as_of_ms,
                source: snapshot.source.clone(),
            },
        }
    }

    /// The list of orders of this digest. Whoever has the board compares it, so it is not told that nobody vouches for it.
    pub fn orders(list: String) -> Self {
        Self {
            what: "that list of orders".into(),
            told: false,
            terms: Terms::Orders { list },
        }
    }

    /// Scenarios of this digest.
    pub fn scenarios(set: &ScenarioSet, digest: &str) -> Self {
        Self {
            what: format!("those scenarios of {}", moment(set.as_of_ms)),
            told: true,
            terms: Terms::Scenarios {
                digest: digest.to_string(),
                as_of_ms: set.as_of_ms,
                history: match &set.source {
                    Source::Made(recipe) => Some(recipe.prices.clone()),
                    Source::Given { .. } => None,
                },
            },
        }
    }

    /// The one pool of a claim.
    pub fn that_pool(commitment: PublicDigest, cut_off: &impl ToString, loans: u64) -> Self {
        Self::pool(commitment, cut_off, loans, "that pool".into(), true)
    }
}
