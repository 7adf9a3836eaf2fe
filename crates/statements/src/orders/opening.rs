//! What a commitment on the board commits to.

use gadgets::hash::{DIGEST, Digest, Domain, HEAD, wide_hash_with_head};
use gadgets::limbs::halves_of;
use market::auction::{Ladder, Level, Quantity};
use stark::{F, felt};

use crate::account::text_digest;

/// Bits of the lower part of a limit.
const LIMIT_BITS: usize = 20;
/// Elements of a level.
pub const LEVEL: usize = 6;

/// An order as its trader made it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The batch that it is for: below 2^30.
    pub batch: u64,
    /// The venue that it is for ([`venue_element`]).
    pub venue: F,
    /// The account's secret for the batch.
    pub secret: Digest,
}

/// Elements that are hashed of an order of so many levels.
pub fn levels_len(levels: usize) -> usize {
    LEVEL * levels + 2 + DIGEST
}

/// The element that stands for a venue.
pub fn venue_element(name: &str) -> F {
    text_digest(Domain::Order, name)[0]
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
        elements.extend([felt(self.batch), self.venue]);
        elements.extend(self.secret);
        elements
    }
}
