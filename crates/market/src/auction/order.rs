//! What a trader sends to an auction, and whether it takes part.

use records::units::{Lots, MAX_AMOUNT, Ticks};

use super::rule::Band;
use crate::book::MAX_LOTS;

/// So many lots, at a limit a lot or better; no lots if there is nothing to trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    /// Below 2^30.
    pub lots: Lots,
    /// The highest price to buy at, the lowest to sell at, in ticks a lot. It need not be a step of the band.
    pub limit: Ticks<u64>,
}

/// A bid and an ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// What is bought.
    pub bid: Quantity,
    /// What is sold.
    pub ask: Quantity,
}

/// Bids and asks of one account in one instrument, all bids below all asks: so an account never trades with itself, since
/// at one price only one of its sides trades.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder(pub Vec<Level>);

/// An opened order in one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The key of the account in its book.
    pub account: u64,
    /// Of several orders of an account the one with the highest nonce lives.
    pub nonce: u64,
    /// A quote: earns the rebate instead of paying the fee.
    pub quote: bool,
    /// It may only close what the account holds.
    pub reduce_only: bool,
    /// What the account book makes of it.
    pub admission: Admission,
    /// What it trades. Without lots it cancels what was sent before.
    pub ladder: Ladder,
}

/// What the account book makes of an order before the auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Why the order is not let in.
    pub refusal: Option<Refusal>,
    /// Most lots that it may buy and sell. Levels take from them in their order; what goes beyond takes no part. Other orders
    /// than those that only reduce have no such bound.
    pub most: [Lots; 2],
}

/// No bound on lots: as many as an order can have.
pub const UNBOUNDED: [Lots; 2] = [Lots(MAX_LOTS.0 - 1); 2];

impl Default for Admission {
    fn default() -> Self {
        Self {
            refusal: None,
            most: UNBOUNDED,
        }
    }
}

/// Why the account book does not let an order in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// It names an account that does not exist.
    #[error("no account has this key")]
    NoAccount,
    /// Its secret is not the one that the account committed to for this batch.
    #[error("its secret is not the account's for this batch")]
    Secret,
    /// The account's margin does not cover its orders.
    #[error("the account's initial margin does not cover what its orders may need")]
    Margin,
    /// What it could trade does not fit the account.
    #[error(
        "a position or the cash that it could lead to does not fit the account; close a position first"
    )]
    Room,
}

impl Refusal {
    /// Whether the order is the account's own: then it replaces earlier ones even if it is not let in.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Margin | Self::Room)
    }
}

/// Why an order takes no part in an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// A later order of the account in the instrument lives.
    #[error("replaced by a later order of the account in this instrument")]
    Replaced,
    /// It has no lots.
    #[error("it cancels what the account sent before in this instrument, and trades nothing")]
    Cancels,
    /// A limit that is no candidate price.
    #[error("a limit of {} a lot is outside the band from {} to {}", limit.to_quote(), low.to_quote(), high.to_quote())]
    OutsideBand {
        /// The first such limit.
        limit: Ticks<u64>,
        /// The band's lower end.
        low: Ticks<u64>,
        /// The band's upper end.
        high: Ticks<u64>,
    },
    /// It could trade with itself.
    #[error("a bid at {} is not below an ask at {}: it could trade with itself", bid.to_quote(), ask.to_quote())]
    Crossed {
        /// The highest bid.
        bid: Ticks<u64>,
        /// The lowest ask.
        ask: Ticks<u64>,
    },
    /// More than can be settled.
    #[error("{0} lots: at most 2^30 - 1 fit, worth less than 2^60 ticks at the band's upper end")]
    TooLarge(Lots),
    /// The account book does not let it in.
    #[error(transparent)]
    Refused(Refusal),
}

impl Ladder {
    /// One bid.
    pub fn bid(lots: u64, limit: u64) -> Self {
        let bid = Quantity {
            lots: Lots(lots),
            limit: Ticks(limit),
        };
        Self(vec![Level {
            bid,
            ask: Quantity::default(),
        }])
    }

    /// One ask.
    pub fn ask(lots: u64, limit: u64) -> Self {
        let ask = Quantity {
            lots: Lots(lots),
            limit: Ticks(limit),
        };
        Self(vec![Level {
            bid: Quantity::default(),
            ask,
        }])
    }

    /// What is bought, level by level.
    pub fn bids(&self) -> impl Iterator<Item = Quantity> {
        let bids = self.0.iter().map(|level| level.bid);
        bids.filter(|quantity| quantity.lots != Lots(0))
    }

    /// What is sold, level by level.
    pub fn asks(&self) -> impl Iterator<Item = Quantity> {
        let asks = self.0.iter().map(|level| level.ask);
        asks.filter(|quantity| quantity.lots != Lots(0))
    }

    /// What of it takes part if at most so many lots may be bought and sold. Limits stay.
    #[must_use]
    pub fn within(&self, most: [Lots; 2]) -> Self {
        let [mut buy, mut sell] = most;
        let take = |quantity: Quantity, rest: &mut Lots| {
            let lots = quantity.lots.min(*rest);
            *rest -= lots;
            Quantity { lots, ..quantity }
        };
        let levels = self.0.iter().map(|level| Level {
            bid: take(level.bid, &mut buy),
            ask: take(level.ask, &mut sell),
        });
        Self(levels.collect())
    }

    /// Whether it takes part under a band: whole or not at all, so that a trader knows what is in the auction. Limits of levels
    /// without lots don't matter.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self, band: &Band) -> Result<(), Void> {
        let all = || self.bids().chain(self.asks());
        if all().next().is_none() {
            return Err(Void::Cancels);
        }
        let outside = all().find(|q| q.limit < band.low() || q.limit > band.high());
        if let Some(outside) = outside {
            return Err(Void::OutsideBand {
                limit: outside.limit,
                low: band.low(),
                high: band.high(),
            });
        }
        let bid = self.bids().map(|q| q.limit).max();
        let ask = self.asks().map(|q| q.limit).min();
        if let Some((bid, ask)) = bid.zip(ask)
            && bid >= ask
        {
            return Err(Void::Crossed { bid, ask });
        }
        for side in [
            self.bids().collect::<Vec<_>>(),
            self.asks().collect::<Vec<_>>(),
        ] {
            let sum = side
                .iter()
                .fold(0u64, |sum, q| sum.saturating_add(q.lots.0));
            let cash = u128::from(sum) * u128::from(band.high().0);
            if sum >= MAX_LOTS.0 || cash >= u128::from(MAX_AMOUNT) {
                return Err(Void::TooLarge(Lots(sum)));
            }
        }
        Ok(())
    }
}
