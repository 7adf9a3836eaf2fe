//! Who gets what at the clearing price, and what that costs.

use records::units::{Lots, Ticks};

use super::order::{Ladder, Quantity};
use super::rule::{Band, Depth};
use super::{Order, Terms};

/// Rates are counted in these.
pub const RATE: u64 = 1_000_000;

/// What trading costs, in 10^-6 of the cash that changes hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    fee: u32,
    rebate: u32,
}

/// A rate above [`Fees::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fee or a rebate of {0} millionths is above 10%")]
pub struct TooHigh(pub u32);

/// What an order traded at the clearing price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Lots bought. An order that bought did not sell.
    pub bought: Lots,
    /// Lots sold.
    pub sold: Lots,
    /// Lots that its limits allowed at the price.
    pub reached: Lots,
    /// Lots times price: paid if it bought, received if it sold.
    pub cash: Ticks<u64>,
    /// What it pays on top.
    pub fee: Ticks<u64>,
    /// What it receives on top.
    pub rebate: Ticks<u64>,
}

/// How a side stands to the price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marginal {
    /// Lots at the price itself: a step further they would not trade.
    lots: u64,
    /// Of these, lots that trade.
    traded: u64,
}

impl Marginal {
    /// The lots of marginal orders that trade, of the first `sum` in the order of accounts. `draw` shifts where rounding falls,
    /// by less than a lot.
    ///
    /// `floor(sum * traded / lots + draw / 2^32)`: over all orders exactly `traded`, for each within one lot of its share, and never
    /// more than it has.
    fn traded_of(&self, sum: u64, draw: u32) -> u64 {
        if self.lots == 0 {
            return 0;
        }
        let lots = u128::from(self.lots);
        // What of the draw counts: the numerator is whole.
        let shift = (u128::from(draw) * lots) >> 32;
        ((u128::from(sum) * u128::from(self.traded) + shift) / lots) as u64
    }
}

/// Whether lots trade at the price and would a step further, trade at the price alone, or don't.
enum Class {
    Better,
    Marginal,
    Away,
}

fn class(band: &Band, price: Ticks<u64>, limit: Ticks<u64>, is_bid: bool) -> Class {
    let step = band.step();
    let (reached, further) = match is_bid {
        true => (limit >= price, limit >= price + step),
        false => (limit <= price, limit + step <= price),
    };
    match (reached, further) {
        (true, true) => Class::Better,
        (true, false) => Class::Marginal,
        _ => Class::Away,
    }
}

/// The marginal lots of a side of which so many lots trade.
fn marginal<'a>(
    quantities: impl Iterator<Item = Quantity> + 'a,
    classes: impl Fn(&Quantity) -> Class,
    volume: Lots,
) -> Marginal {
    let (mut better, mut lots) = (0, 0);
    for quantity in quantities {
        match classes(&quantity) {
            Class::Better => better += quantity.lots.0,
            Class::Marginal => lots += quantity.lots.0,
            Class::Away => {}
        }
    }
    Marginal {
        lots,
        // Only at another price than the rule's can more be better than trades.
        traded: volume.0.saturating_sub(better),
    }
}

/// What each order trades at the clearing price. Better limits trade whole. What is marginal on the side that is left over
/// is rationed pro rata, in the order of accounts. `ladders` are what of the orders takes part.
pub(super) fn fills(
    terms: &Terms,
    price: Ticks<u64>,
    orders: &[Order],
    ladders: &[Ladder],
) -> Vec<Fill> {
    let Terms { band, fees, draw } = terms;
    let volume = Depth::at(price, ladders).volume();
    let sides = [true, false].map(|is_bid| {
        let quantities = ladders.iter().flat_map(|ladder| side(ladder, is_bid));
        marginal(quantities, |q| class(band, price, q.limit, is_bid), volume)
    });
    let mut places: Vec<usize> = (0..orders.len()).collect();
    places.sort_by_key(|place| orders[*place].account);
    let mut fills = vec![Fill::default(); orders.len()];
    let mut sums = [0; 2];
    for place in places {
        let fill = &mut fills[place];
        for (i, is_bid) in [true, false].into_iter().enumerate() {
            let mut traded = 0;
            for quantity in side(&ladders[place], is_bid) {
                match class(band, price, quantity.limit, is_bid) {
                    Class::Better => traded += quantity.lots.0,
                    Class::Marginal => {
                        let before = sides[i].traded_of(sums[i], *draw);
                        sums[i] += quantity.lots.0;
                        traded += sides[i].traded_of(sums[i], *draw) - before;
                    }
                    Class::Away => continue,
                }
                fill.reached += quantity.lots;
            }
            match is_bid {
                true => fill.bought = Lots(traded),
                false => fill.sold = Lots(traded),
            }
        }
        // Checked when the order was let in: below 2^60.
        fill.cash = Ticks((fill.bought + fill.sold).0 * price.0);
        (fill.fee, fill.rebate) = fees.of(fill.cash, orders[place].quote);
    }
    fills
}

fn side(ladder: &Ladder, is_bid: bool) -> Vec<Quantity> {
    match is_bid {
        true => ladder.bids().collect(),
        false => ladder.asks().collect(),
    }
}

impl Fees {
    /// The largest rates: 10%.
    pub const MOST: u32 = 100_000;

    /// A fee, and a rebate that quotes earn instead, each at most [`Fees::MOST`].
    ///
    /// # Errors
    /// Names the rate that is higher.
    pub fn new(fee: u32, rebate: u32) -> Result<Self, TooHigh> {
        match [fee, rebate].into_iter().find(|rate| *rate > Self::MOST) {
            Some(rate) => Err(TooHigh(rate)),
            None => Ok(Self { fee, rebate }),
        }
    }

    /// What an order pays, in 10^-6 of its cash.
    pub fn fee(&self) -> u32 {
        self.fee
    }

    /// What a quote earns instead, in 10^-6 of its cash.
    pub fn rebate(&self) -> u32 {
        self.rebate
    }

    /// Fee, rounded up to a tick, and rebate, rounded down, on so much cash.
    pub fn of(&self, cash: Ticks<u64>, quote: bool) -> (Ticks<u64>, Ticks<u64>) {
        let part = |rate: u32| u128::from(cash.0) * u128::from(rate);
        let rate = u128::from(RATE);
        // At most a tenth of the cash, so it fits.
        match quote {
            true => (Ticks(0), Ticks((part(self.rebate) / rate) as u64)),
            false => (Ticks(part(self.fee).div_ceil(rate) as u64), Ticks(0)),
        }
    }
}
