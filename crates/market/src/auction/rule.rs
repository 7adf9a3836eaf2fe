//! The four-step rule of exchanges' call auctions, and how a price is recognised as the one it gives.
//!
//! Among the candidate prices, one after the other until one is left: the largest volume; the smallest imbalance between
//! demand and supply; under market pressure the highest price if demand is larger at all of them, the lowest if supply is;
//! else the one nearest to the reference price.
//!
//! Demand falls in the price and supply rises, so the imbalance falls. That is why a price can be recognised by what is bid and
//! offered at it and one step below and above ([`check`]), without a look at any other.

use records::units::{Lots, Ticks};

use super::order::{Ladder, Quantity};

/// Prices are below so many ticks a lot.
pub const MAX_PRICE: u64 = 1 << 40;
/// Most steps of a band.
pub const MAX_STEPS: u64 = 1 << 30;

/// The candidate prices of an auction, and its reference price: in ticks a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    low: u64,
    high: u64,
    step: u64,
    reference: u64,
}

/// Why prices are no band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BandError {
    /// No step, or none between the ends.
    #[error("a step of {} does not lead from {} to {}", step.to_quote(), low.to_quote(), high.to_quote())]
    Step {
        /// The lower end.
        low: Ticks<u64>,
        /// The upper end.
        high: Ticks<u64>,
        /// The step.
        step: Ticks<u64>,
    },
    /// A reference between two steps.
    #[error("the reference price {} is not a whole number of steps from the band's lower end; round it", .0.to_quote())]
    Reference(Ticks<u64>),
    /// Too high, not above zero, or too many.
    #[error("a band's prices are above zero and below 2^40 ticks a lot, and at most 2^30 steps")]
    Size,
}

impl Band {
    /// All prices from `low` to `high` in steps of `step`. The reference may lie outside, a whole number of steps away.
    ///
    /// # Errors
    /// If these are no prices, or no steps.
    pub fn new(
        [low, high]: [Ticks<u64>; 2],
        step: Ticks<u64>,
        reference: Ticks<u64>,
    ) -> Result<Self, BandError> {
        if low > high || step == Ticks(0) || !(high.0 - low.0).is_multiple_of(step.0) {
            return Err(BandError::Step { low, high, step });
        }
        let most = high.0.max(reference.0).checked_add(step.0);
        if low == Ticks(0)
            || most.is_none_or(|most| most >= MAX_PRICE)
            || (high.0 - low.0) / step.0 > MAX_STEPS
        {
            return Err(BandError::Size);
        }
        if !reference.0.abs_diff(low.0).is_multiple_of(step.0) {
            return Err(BandError::Reference(reference));
        }
        Ok(Self {
            low: low.0,
            high: high.0,
            step: step.0,
            reference: reference.0,
        })
    }

    /// The lowest candidate.
    pub fn low(&self) -> Ticks<u64> {
        Ticks(self.low)
    }

    /// The highest candidate.
    pub fn high(&self) -> Ticks<u64> {
        Ticks(self.high)
    }

    /// Between a candidate and the next.
    pub fn step(&self) -> Ticks<u64> {
        Ticks(self.step)
    }

    /// The price that decides between equals, such as the last one traded.
    pub fn reference(&self) -> Ticks<u64> {
        Ticks(self.reference)
    }

    /// Whether a price is a candidate.
    pub fn holds(&self, price: Ticks<u64>) -> bool {
        (self.low..=self.high).contains(&price.0) && (price.0 - self.low).is_multiple_of(self.step)
    }

    /// Steps above the lowest candidate.
    fn steps(&self) -> u64 {
        (self.high - self.low) / self.step
    }

    fn price(&self, steps: u64) -> u64 {
        self.low + steps * self.step
    }
}

/// What is bid for and offered at a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Lots of all bids whose limit is the price or higher.
    pub demand: Lots,
    /// Lots of all asks whose limit is the price or lower.
    pub supply: Lots,
}

impl Depth {
    /// At a price.
    pub fn at<'a>(price: Ticks<u64>, ladders: impl IntoIterator<Item = &'a Ladder>) -> Self {
        let mut depth = Self::default();
        for ladder in ladders {
            let bids = ladder.bids().filter(|bid| bid.limit >= price);
            let asks = ladder.asks().filter(|ask| ask.limit <= price);
            depth.demand += bids.map(|bid| bid.lots).sum::<Lots>();
            depth.supply += asks.map(|ask| ask.lots).sum::<Lots>();
        }
        depth
    }

    /// What trades: the smaller of the two.
    pub fn volume(&self) -> Lots {
        self.demand.min(self.supply)
    }

    /// Demand less supply.
    pub fn imbalance(&self) -> Lots<i128> {
        Lots(i128::from(self.demand.0) - i128::from(self.supply.0))
    }
}

/// What is bid for and offered at a price and its neighbours; `None` beyond the band's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbourhood {
    /// A step below.
    pub below: Option<Depth>,
    /// At the price.
    pub at: Depth,
    /// A step above.
    pub above: Option<Depth>,
}

impl Neighbourhood {
    /// Of a candidate price.
    pub fn new<'a>(
        band: &Band,
        price: Ticks<u64>,
        ladders: impl IntoIterator<Item = &'a Ladder> + Clone,
    ) -> Self {
        let step = band.step();
        let depth = |price| Depth::at(price, ladders.clone());
        Self {
            below: (price > band.low()).then(|| depth(price - step)),
            at: depth(price),
            above: (price < band.high()).then(|| depth(price + step)),
        }
    }
}

/// Why a price is not the clearing price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClearing {
    /// Not in the band, or between two steps.
    #[error("the price is no candidate")]
    NoCandidate,
    /// Nothing would trade at it.
    #[error("nothing trades at the price")]
    NoVolume,
    /// More trades at a neighbour.
    #[error("more lots trade one step away")]
    Volume,
    /// As much trades at a neighbour, and less is left over.
    #[error("as many lots trade one step away, with a smaller imbalance")]
    Imbalance,
    /// Demand is larger one step above, too, or supply one step below.
    #[error("the pressure of what is left over moves the price further")]
    Pressure,
    /// A neighbour is nearer to the reference, and equal in all else.
    #[error("a price nearer to the reference is equal in all else")]
    Reference,
}

/// Whether the rule gives this price, by what is bid and offered at it and at its neighbours.
///
/// # Errors
/// Says which step of the rule gives another.
pub fn check(band: &Band, price: Ticks<u64>, depth: &Neighbourhood) -> Result<(), NotClearing> {
    let (at, imbalance) = (depth.at, depth.at.imbalance().0);
    if !band.holds(price)
        || depth.below.is_some() != (price > band.low())
        || depth.above.is_some() != (price < band.high())
    {
        return Err(NotClearing::NoCandidate);
    }
    if at.volume() == Lots(0) {
        return Err(NotClearing::NoVolume);
    }
    let reference = band.reference();
    if imbalance == 0 {
        let towards = match price.cmp(&reference) {
            std::cmp::Ordering::Less => depth.above,
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => depth.below,
        };
        return match towards.is_some_and(|depth| depth.imbalance().0 == 0) {
            true => Err(NotClearing::Reference),
            false => Ok(()),
        };
    }
    // With demand left over the neighbour above decides, with supply left over the one below.
    let (neighbour, wins_tie) = match imbalance > 0 {
        true => (depth.above, reference <= price),
        false => (depth.below, reference >= price),
    };
    let Some(neighbour) = neighbour else {
        return Ok(());
    };
    let (left, other) = (imbalance.abs(), neighbour.imbalance().0);
    if other == 0 || (other > 0) == (imbalance > 0) {
        return Err(NotClearing::Pressure);
    }
    match neighbour.volume().cmp(&at.volume()) {
        std::cmp::Ordering::Greater => return Err(NotClearing::Volume),
        std::cmp::Ordering::Less => return Ok(()),
        std::cmp::Ordering::Equal => {}
    }
    match other.abs().cmp(&left) {
        std::cmp::Ordering::Less => Err(NotClearing::Imbalance),
        std::cmp::Ordering::Greater => Ok(()),
        std::cmp::Ordering::Equal if wins_tie => Ok(()),
        std::cmp::Ordering::Equal => Err(NotClearing::Reference),
    }
}

/// Whether nothing trades at any candidate price, shown at one gap: nothing is offered at `gap` or below, and nothing bid for
/// a step above it or higher. The gap is a candidate or the step below the lowest one; at the highest one there are no higher
/// bids.
pub fn check_no_trade<'a>(
    band: &Band,
    gap: Ticks<u64>,
    ladders: impl IntoIterator<Item = &'a Ladder> + Clone,
) -> bool {
    let (low, step) = (band.low(), band.step());
    let below_all = gap + step == low;
    let supply = || Depth::at(gap, ladders.clone()).supply;
    let demand = || Depth::at(gap + step, ladders.clone()).demand;
    (below_all || (band.holds(gap) && supply() == Lots(0)))
        && (gap >= band.high() || demand() == Lots(0))
}

/// Lots by limit, added up from the best limit on.
struct Side(Vec<(u64, u64)>);

impl Side {
    /// The best limit is the one with the least rank.
    fn new(mut quantities: Vec<Quantity>, rank: impl Fn(Ticks<u64>) -> i64) -> Self {
        quantities.sort_by_key(|quantity| rank(quantity.limit));
        let mut sum = 0;
        let sums = quantities.into_iter().map(|quantity| {
            sum += quantity.lots.0;
            (quantity.limit.0, sum)
        });
        Self(sums.collect())
    }

    fn lots(&self, reached: impl Fn(u64) -> bool) -> u64 {
        let count = self.0.partition_point(|(limit, _)| reached(*limit));
        count.checked_sub(1).map_or(0, |last| self.0[last].1)
    }
}

/// The price that the rule gives; `None` if nothing trades at any. Ladders are those that [take part](Ladder::check).
pub fn clearing_price<'a>(
    band: &Band,
    ladders: impl IntoIterator<Item = &'a Ladder> + Clone,
) -> Option<Ticks<u64>> {
    let bids = ladders.clone().into_iter().flat_map(Ladder::bids).collect();
    let asks = ladders.into_iter().flat_map(Ladder::asks).collect();
    let bids = Side::new(bids, |limit| -(limit.0 as i64));
    let asks = Side::new(asks, |limit| limit.0 as i64);
    let depth = |steps: u64| {
        let price = band.price(steps);
        Depth {
            demand: Lots(bids.lots(|limit| limit >= price)),
            supply: Lots(asks.lots(|limit| limit <= price)),
        }
    };
    let imbalance = |steps: u64| depth(steps).imbalance().0;
    // The imbalance falls: first come prices with demand left over, then balanced ones, then those with supply left over.
    let balanced = first(band.steps() + 1, |steps| imbalance(steps) <= 0);
    let supplied = first(band.steps() + 1, |steps| imbalance(steps) < 0);
    let steps = if balanced < supplied {
        let nearest = band.reference.saturating_sub(band.low) / band.step;
        nearest.clamp(balanced, supplied - 1)
    } else {
        let last_demanded = balanced.checked_sub(1);
        let first_supplied = (supplied <= band.steps()).then_some(supplied);
        match (last_demanded, first_supplied) {
            (Some(lower), Some(upper)) => {
                let rank = |steps: u64| (depth(steps).volume(), -imbalance(steps).abs());
                match rank(lower).cmp(&rank(upper)) {
                    std::cmp::Ordering::Greater => lower,
                    std::cmp::Ordering::Less => upper,
                    std::cmp::Ordering::Equal if band.reference <= band.price(lower) => lower,
                    std::cmp::Ordering::Equal => upper,
                }
            }
            (lower, upper) => lower.or(upper)?,
        }
    };
    (depth(steps).volume() != Lots(0)).then(|| Ticks(band.price(steps)))
}

/// The first of `0..count` of which something holds that holds of all that follow; `count` if of none.
fn first(count: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
