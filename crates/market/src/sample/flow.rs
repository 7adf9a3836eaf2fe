//! Orders for an auction, the same for the same seed.

use std::collections::HashMap;

use fixed::{Decimal, Rounding};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};

use super::{d, four_coins, tiers};
use crate::auction::{Band, Level, Quantity};
use crate::book::{Account, Side};
use crate::import::auctions::{Auction, File, Named, Terms};
use crate::import::orders::{Line, MAX_LEVELS, SentOrder};
use crate::snapshot::{Settlement, Snapshot};

/// A market that trades: so many of the instruments on four coins that are settled in dollars, at most 108, as evenly by coin as can be. Dollars
/// count whole.
pub fn trading(instruments: usize) -> Snapshot {
    let mut snapshot = four_coins();
    let all = std::mem::take(&mut snapshot.instruments);
    let linear: Vec<_> = all
        .into_iter()
        .filter(|i| i.settlement == Settlement::Linear)
        .collect();
    // The first of each coin, then the second of each, and so on.
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut turns: Vec<(usize, usize)> = Vec::with_capacity(linear.len());
    for (place, instrument) in linear.iter().enumerate() {
        let turn = seen.entry(&instrument.underlying).or_default();
        turns.push((*turn, place));
        *turn += 1;
    }
    turns.sort_unstable();
    turns.truncate(instruments);
    turns.sort_unstable_by_key(|(_, place)| *place);
    snapshot.instruments = turns
        .into_iter()
        .map(|(_, place)| linear[place].clone())
        .collect();
    snapshot.assets[0].haircuts.margin = tiers(&[(2_000_000_000_000, 100)]);
    snapshot
}

/// What an auction of a market that trades may be held by: bands of 10%, steps of about a thousandth of the mark, a fee of 5 and a rebate of 2
/// hundredths of a percent.
pub fn auction(snapshot: &Snapshot, batch: u64) -> File {
    let named = snapshot.instruments.iter().map(|instrument| {
        let step = power_below(&instrument.mark);
        Named {
            step: Some(step),
            ..Named::only(&instrument.symbol)
        }
    });
    File {
        batch,
        venue: "sample".into(),
        defaults: Terms {
            band_percent: Some(d("10")),
            fee_bps: Some(d("5")),
            rebate_bps: Some(d("2")),
            ..Terms::default()
        },
        instruments: Some(named.collect()),
    }
}

/// The largest power of ten that is a thousandth of a price or less, but no less than 10^-5.
fn power_below(price: &Decimal) -> Decimal {
    let thousandth = price
        .div(&d("1000"), 12, Rounding::Floor)
        .unwrap_or(Decimal::ZERO);
    let mut power = d("10");
    while power > thousandth && power > d("0.00001") {
        power = power.checked_mul(&d("0.1")).expect("small").normalized();
    }
    power
}

/// So many orders of accounts for an auction: about six in ten one limit, others ladders of one side, quotes, orders that only reduce, cancels,
/// and some out of the band. Limits lie around the reference price, so that about half of them trade. An account that sends a second order in
/// an instrument replaces its first.
///
/// # Panics
/// If there are no accounts or no instruments.
pub fn orders(
    snapshot: &Snapshot,
    auction: &Auction,
    accounts: &[Account],
    seed: u64,
    count: usize,
) -> Vec<SentOrder> {
    let mut flow = Flow {
        rng: StdRng::seed_from_u64(seed),
        auction,
        places: (auction.instruments.iter().enumerate())
            .map(|(place, held)| (held.instrument, place))
            .collect(),
        nonces: HashMap::new(),
        ids: 0,
    };
    debug_assert!(
        auction
            .instruments
            .iter()
            .all(|h| h.instrument < snapshot.instruments.len())
    );
    (0..count).map(|_| flow.next(accounts)).collect()
}

/// What is being made.
struct Flow<'a> {
    rng: StdRng,
    auction: &'a Auction,
    /// The place of an instrument in the auction.
    places: HashMap<usize, usize>,
    /// The next nonce of an account in an instrument.
    nonces: HashMap<(String, usize), u64>,
    ids: usize,
}

/// What an order is.
enum Shape {
    /// Levels on one side.
    Ladder(usize),
    Quote(usize),
    Reduce,
    Cancel,
    Outside,
}

impl Flow<'_> {
    fn next(&mut self, accounts: &[Account]) -> SentOrder {
        let account = &accounts[self.rng.random_range(0..accounts.len())];
        let place = self.rng.random_range(0..self.auction.instruments.len());
        let shape = match self.rng.random_range(0..100) {
            0..60 => Shape::Ladder(1),
            60..74 => Shape::Ladder(self.rng.random_range(2..=MAX_LEVELS)),
            74..86 => Shape::Quote(self.rng.random_range(1..=MAX_LEVELS)),
            86..93 => Shape::Reduce,
            93..97 => Shape::Cancel,
            _ => Shape::Outside,
        };
        let held = account
            .positions
            .iter()
            .filter_map(|p| Some((p, *self.places.get(&p.instrument)?)));
        let held: Vec<_> = held.collect();
        let reduced = match shape {
            Shape::Reduce if !held.is_empty() => Some(held[self.rng.random_range(0..held.len())]),
            _ => None,
        };
        let place = reduced.map_or(place, |(_, place)| place);
        let terms = self.auction.instruments[place];
        let nonce = self
            .nonces
            .entry((account.id.clone(), terms.instrument))
            .or_default();
        *nonce += 1;
        let mut order = SentOrder {
            account: account.id.clone(),
            instrument: terms.instrument,
            nonce: *nonce,
            quote: matches!(shape, Shape::Quote(_)),
            reduce_only: reduced.is_some(),
            levels: Vec::new(),
            lines: Vec::new(),
        };
        match shape {
            Shape::Cancel => {
                let id = self.id();
                order.lines.push(Line {
                    id,
                    bid: None,
                    ask: None,
                });
            }
            Shape::Quote(levels) => self.quote(&mut order, &terms.band, levels),
            Shape::Ladder(levels) => {
                let is_bid = self.rng.random();
                self.ladder(&mut order, &terms.band, levels, is_bid);
            }
            Shape::Reduce => {
                let is_bid =
                    reduced.map_or_else(|| self.rng.random(), |(p, _)| p.side == Side::Short);
                self.ladder(&mut order, &terms.band, 1, is_bid);
            }
            Shape::Outside => {
                self.ladder(&mut order, &terms.band, 1, false);
                let beyond = terms.band.step().0 * self.rng.random_range(1..50u64);
                order.levels[0].ask.limit = Ticks(terms.band.high().0 + beyond);
            }
        }
        order
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("order-{:06}", self.ids)
    }

    fn lots(&mut self) -> Lots {
        Lots(self.rng.random_range(1..50))
    }

    /// Levels of one side, each further from the market than the one before.
    fn ladder(&mut self, order: &mut SentOrder, band: &Band, levels: usize, is_bid: bool) {
        let steps = Steps::of(band);
        // Up to a twentieth of the band on either side of the reference.
        let width = (steps.count / 20).max(1) as i64;
        let mut at = steps.reference as i64 + self.rng.random_range(-width..=width);
        for level in 0..levels {
            let quantity = Quantity {
                lots: self.lots(),
                limit: steps.price(at),
            };
            let id = self.id();
            let (bid, ask) = match is_bid {
                true => (quantity, Quantity::default()),
                false => (Quantity::default(), quantity),
            };
            order.levels.push(Level { bid, ask });
            order.lines.push(Line {
                id,
                bid: is_bid.then_some(level),
                ask: (!is_bid).then_some(level),
            });
            let further = self.rng.random_range(1..=width);
            at += if is_bid { -further } else { further };
        }
    }

    /// Bids below the reference price and asks above, each record with both.
    fn quote(&mut self, order: &mut SentOrder, band: &Band, levels: usize) {
        let steps = Steps::of(band);
        let width = (steps.count / 40).max(1) as i64;
        let middle = steps.reference as i64 + self.rng.random_range(-width..=width);
        let mut away = 0;
        for level in 0..levels {
            away += self.rng.random_range(1..=width);
            let side = |lots: Lots, at: i64| Quantity {
                lots,
                limit: steps.price(at),
            };
            let bid = side(self.lots(), middle.min(steps.count as i64 - 1) - away);
            let ask = side(self.lots(), middle.max(1) + away);
            order.levels.push(Level { bid, ask });
            let id = self.id();
            order.lines.push(Line {
                id,
                bid: Some(level),
                ask: Some(level),
            });
        }
    }
}

/// A band by its steps.
struct Steps<'a> {
    band: &'a Band,
    count: u64,
    reference: u64,
}

impl<'a> Steps<'a> {
    fn of(band: &'a Band) -> Self {
        let (low, step) = (band.low().0, band.step().0);
        let count = (band.high().0 - low) / step;
        let reference = band.reference().0.clamp(low, band.high().0);
        Self {
            band,
            count,
            reference: (reference - low) / step,
        }
    }

    /// The candidate at a step, or the nearest one.
    fn price(&self, at: i64) -> Ticks<u64> {
        let at = at.clamp(0, self.count as i64) as u64;
        Ticks(self.band.low().0 + at * self.band.step().0)
    }
}
