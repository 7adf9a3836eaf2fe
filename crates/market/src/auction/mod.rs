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

pub use order::{Admission, Ladder, Level, Order, Quantity, Refusal, UNBOUNDED, Void};
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
/// others are void, also if the one that lives is. Orders that are not the account's own replace nothing.
pub fn clear(terms: &Terms, orders: &[Order]) -> Cleared {
    clear_at(terms, orders, |ladders| {
        rule::clearing_price(&terms.band, ladders)
    })
}

/// What orders trade at a price that follows from the ladders that take part, whether it is the rule's or not.
pub fn clear_at(
    terms: &Terms,
    orders: &[Order],
    price: impl FnOnce(&[Ladder]) -> Option<Ticks<u64>>,
) -> Cleared {
    let live = live(&terms.band, orders);
    let effective = orders.iter().zip(&live).map(|(order, live)| match live {
        Ok(()) => order.ladder.within(order.admission.most),
        Err(_) => Ladder::default(),
    });
    let ladders: Vec<Ladder> = effective.collect();
    let Some(price) = price(&ladders) else {
        let results = live.into_iter().map(|live| live.map(|()| Fill::default()));
        return Cleared {
            price: None,
            depth: Depth::default(),
            results: results.collect(),
        };
    };
    let fills = ration::fills(terms, price, orders, &ladders);
    let results = live.into_iter().zip(fills);
    Cleared {
        price: Some(price),
        depth: Depth::at(price, &ladders),
        results: results.map(|(live, fill)| live.map(|()| fill)).collect(),
    }
}

/// Whether each order takes part.
fn live(band: &Band, orders: &[Order]) -> Vec<Result<(), Void>> {
    let is_own = |order: &Order| order.admission.refusal.is_none_or(Refusal::is_own);
    let mut latest = BTreeMap::new();
    for (place, order) in orders.iter().enumerate().filter(|(_, o)| is_own(o)) {
        let rank = (order.nonce, place);
        let best = latest.entry(order.account).or_insert(rank);
        *best = rank.max(*best);
    }
    let check = |(place, order): (usize, &Order)| {
        let refusal = order.admission.refusal;
        match refusal {
            Some(refusal) if !refusal.is_own() => return Err(Void::Refused(refusal)),
            _ if latest[&order.account] != (order.nonce, place) => return Err(Void::Replaced),
            _ => order.ladder.check(band)?,
        }
        refusal.map_or(Ok(()), |refusal| Err(Void::Refused(refusal)))
    };
    orders.iter().enumerate().map(check).collect()
}
