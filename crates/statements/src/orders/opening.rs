//! What a commitment on the board commits to.

use gadgets::hash::{DIGEST, Digest, Domain, HEAD, wide_hash_with_head};
use gadgets::limbs::halves_of;
use market::auction::rule::MAX_PRICE;
use market::auction::{Admission, Ladder, Level, Order, Quantity};
use market::book::MAX_LOTS;
use records::units::MAX_AMOUNT;
use serde::{Deserialize, Serialize};
use stark::{F, felt};

use super::batch::Batch;
use super::file::OpeningFile;
use crate::account::text_digest;

/// Bits of the lower part of a limit.
const LIMIT_BITS: usize = 20;
/// Elements of a level.
pub const LEVEL: usize = 6;

/// An order as its trader made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OpeningFile", into = "OpeningFile")]
pub struct Opening {
    /// The key of the account in its book: below 2^60.
    pub account: u64,
    /// The number of the instrument in its market's list: below 2^10.
    pub instrument: usize,
    /// Of several orders of an account in an instrument the one with the highest nonce lives. Below 2^30.
    pub nonce: u64,
    /// Earns the rebate instead of paying the fee.
    pub quote: bool,
    /// May only close what the account holds.
    pub reduce_only: bool,
    /// Bids and asks: lots below 2^30, limits below 2^40 ticks.
    pub ladder: Ladder,
    /// The venue and the batch that it is for ([`session`]).
    pub session: [F; 2],
    /// The account's secret for the batch.
    pub secret: Digest,
}

/// Elements that are hashed of an order of so many levels.
pub fn levels_len(levels: usize) -> usize {
    LEVEL * levels + 2 + DIGEST
}

/// The elements that stand for a venue and a batch: 62 bits of a hash of both.
pub fn session(venue: &str, batch: u64) -> [F; 2] {
    let digest = text_digest(Domain::Session, &format!("{batch} {venue}"));
    [digest[0], digest[1]]
}

impl Opening {
    /// The flags' places above the instrument's number.
    pub(crate) const QUOTE: F = F::new(1 << 10);
    pub(crate) const REDUCE_ONLY: F = F::new(1 << 11);

    /// Its commitment and its tag, as an order of so many levels; fewer are followed by levels without lots.
    ///
    /// # Panics
    /// If it has more levels.
    pub fn digests(&self, levels: usize) -> [Digest; 2] {
        let wide = wide_hash_with_head(Domain::Order, &self.head(), &self.elements(levels));
        [0, 1].map(|half| std::array::from_fn(|i| wide[DIGEST * half + i]))
    }

    /// Whether it is an order of a batch.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self, batch: &Batch) -> Result<(), &'static str> {
        let quantities = self
            .ladder
            .0
            .iter()
            .flat_map(|level| [level.bid, level.ask]);
        let fits = |q: Quantity| q.lots < MAX_LOTS && q.limit.0 < MAX_PRICE;
        if self.session != batch.session() {
            Err("the order is for another batch or another venue")
        } else if !batch.has_auction(self.instrument) {
            Err("its instrument has no auction")
        } else if self.ladder.0.len() > batch.levels as usize {
            Err("the order has more levels than orders of the batch may have")
        } else if self.account >= MAX_AMOUNT || self.nonce >= 1 << 30 {
            Err("its account's key is not below 2^60, or its nonce not below 2^30")
        } else if !quantities.into_iter().all(fits) {
            Err("it has 2^30 lots or more, or a limit of 2^40 ticks or more")
        } else {
            Ok(())
        }
    }

    /// The order, as the account book lets it in.
    pub fn order(&self, admission: Admission) -> Order {
        Order {
            account: self.account,
            nonce: self.nonce,
            quote: self.quote,
            reduce_only: self.reduce_only,
            admission,
            ladder: self.ladder.clone(),
        }
    }

    /// The head of its hash.
    pub fn head(&self) -> [F; HEAD] {
        let [low, high] = halves_of(self.account);
        [low, high, self.instrument_and_flags(), felt(self.nonce)]
    }

    fn instrument_and_flags(&self) -> F {
        let flag = |is: bool, place: F| if is { place } else { F::default() };
        felt(self.instrument as u64)
            + flag(self.quote, Self::QUOTE)
            + flag(self.reduce_only, Self::REDUCE_ONLY)
    }

    /// What is hashed behind the head.
    ///
    /// # Panics
    /// If it has more than so many levels.
    pub fn elements(&self, levels: usize) -> Vec<F> {
        assert!(self.ladder.0.len() <= levels, "at most {levels} levels");
        let mut elements = Vec::with_capacity(levels_len(levels));
        for i in 0..levels {
            let Level { bid, ask } = self.ladder.0.get(i).copied().unwrap_or_default();
            for Quantity { lots, limit } in [bid, ask] {
                elements.push(felt(lots.0));
                elements.push(felt(limit.0 % (1 << LIMIT_BITS)));
                elements.push(felt(limit.0 >> LIMIT_BITS));
            }
        }
        elements.extend(self.session);
        elements.extend(self.secret);
        elements
    }
}
