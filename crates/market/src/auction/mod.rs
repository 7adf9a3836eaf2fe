//! Call auctions: sealed orders in one instrument, one price for all, by the exchanges' four-step rule.
//!
//! - [`order`]: what a trader sends, a ladder of bids and asks, and whether it takes part.
//! - [`rule`]: the clearing price, and the conditions at it and its neighbours by which anyone recognises it.
//! - [`ration`]: who gets what at the price, and what that costs.
//!
//! A price is that of a lot, in ticks of 10^-6 of the quote currency. Candidates are all steps of a band, not only limits of orders
//! (as on ASX and SGX; venues that look at limits alone can come to another price).

pub mod order;
pub mod ration;
pub mod rule;

use std::collections::BTreeMap;

use records::units::Ticks;

pub use order::{Ladder, Level, Order, Quantity, Void};
pub use ration::{Fees, Fill, TooHigh};
pub use rule::{Band, Depth};

/// What is public of an instrument's auction before it clears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The candidate prices.
    pub band: Band,
    /// What trading costs.
    pub fees: Fees,
    /// Rationing begins to count at the fraction `draw / 2^32` of a lot. It comes from public randomness that nobody knew at
    /// the close, so that no order gains by its size or its account's place.
    pub draw: u32,
}

/// How an instrument cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// The price; `None` if nothing trades at any.
    pub price: Option<Ticks<u64>>,
    /// What is bid for and offered at the price. Its volume trades.
    pub depth: Depth,
    /// What became of each order, as they were given.
    pub results: Vec<Result<Fill, Void>>,
}

/// Clears one instrument. `orders` are all that were sent for it, as the public list has them.
///
/// Of several orders of an account the one with the highest nonce lives, of those with one nonce the last of the list; the
/// others are void, also if the one that lives is.
pub fn clear(terms: &Terms, orders: &[Order]) -> Cleared {
    let band = &terms.band;
    let live = live(band, orders);
    let ladders = orders.iter().zip(&live).filter(|(_, live)| live.is_ok());
    let ladders = ladders.map(|(order, _)| &order.ladder);
    let Some(price) = rule::clearing_price(band, ladders.clone()) else {
        let results = live.into_iter().map(|live| live.map(|()| Fill::default()));
        return Cleared {
            price: None,
            depth: Depth::default(),
            results: results.collect(),
        };
    };
    Cleared {
        price: Some(price),
        depth: Depth::at(price, ladders),
        results: ration::fills(band, (&terms.fees, terms.draw), price, orders, &live),
    }
}

/// Whether each order takes part.
fn live(band: &Band, orders: &[Order]) -> Vec<Result<(), Void>> {
    let mut latest = BTreeMap::new();
    for (place, order) in orders.iter().enumerate() {
        let rank = (order.nonce, place);
        let best = latest.entry(order.account).or_insert(rank);
        *best = rank.max(*best);
    }
    let check =
        |(place, order): (usize, &Order)| match latest[&order.account] == (order.nonce, place) {
            true => order.ladder.check(band),
            false => Err(Void::Replaced),
        };
    orders.iter().enumerate().map(check).collect()
}
