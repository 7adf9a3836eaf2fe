//! Bids and asks of an order: where their limits stand to the price, and whether the order can take part.

use gadgets::compare::{Chunks, assert_at_most, assert_at_most_less, is_not_zero, less_than};
use gadgets::limbs::{Limbs, join};
use gadgets::sum::Sum;
use stark::{F, PrimeCharacteristicRing, PrimeField32, RowBuilder};

use super::markets::Market;
use super::orders::OrderRow;

/// Limbs of a number of lots and of a nonce: below 2^30.
pub const LOTS_LIMBS: usize = 3;
/// The same of a nonce.
pub const NONCE_LIMBS: usize = LOTS_LIMBS;
/// Limbs of a price: below 2^40.
pub const PRICE_LIMBS: usize = 4;
/// Chunks of a price.
pub const PRICE_CHUNKS: usize = PRICE_LIMBS / 2;
/// Where a limit may stand: below the band, in four classes within it, above it.
pub const CLASSES: usize = 6;

/// The private data of a bid or an ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct LegRow {
    /// Lots.
    pub lots: u64,
    /// The limit, in ticks.
    pub limit: u64,
}

/// A bid or an ask.
pub struct Leg<E> {
    /// Whether it is a bid.
    pub is_bid: bool,
    /// Lots.
    pub lots: Limbs<E>,
    /// The limit.
    pub limit: Limbs<E>,
    /// Whether it has lots.
    pub has: E,
    /// Bits of which one is 1, by rising prices. For a bid: below the band; up to a step below the price; up to the price; up to a
    /// step above; from there on; above the band. Each class of a bid begins with its price, each of an ask ends with it.
    pub classes: [E; CLASSES],
}

/// Bids and asks in turn, and what is wrong with them: bits.
pub struct Ladder<E> {
    /// Level by level, the bid first.
    pub legs: Vec<Leg<E>>,
    /// Whether there are lots.
    pub any: E,
    /// Whether a limit is outside the band.
    pub outside: E,
    /// Whether a bid is not below an ask.
    pub crossed: E,
    /// Whether there are more lots than can be settled.
    pub large: E,
}

/// Reads an order's levels.
pub fn read_ladder<B: RowBuilder<OrderRow>>(
    b: &mut B,
    levels: usize,
    active: &B::E,
    market: &Market<B::E>,
) -> Ladder<B::E> {
    let legs: Vec<Leg<B::E>> = (0..2 * levels)
        .map(|i| read_leg(b, i, active, market))
        .collect();
    let any = any_of(b, legs.iter().map(|leg| leg.has.clone()).collect());
    let outside = legs.iter().map(|leg| {
        let out = leg.classes[0].clone() + leg.classes[CLASSES - 1].clone();
        leg.has.clone() * out
    });
    let outside = any_of(b, outside.collect());
    let crossed = crossings(b, &legs);
    let crossed = any_of(b, crossed);
    let large = [true, false].map(|is_bid| {
        let side: Vec<&Leg<B::E>> = legs.iter().filter(|leg| leg.is_bid == is_bid).collect();
        let lots = match side[..] {
            [only] => only.lots.chunks(),
            _ => {
                let add = |sum: Sum<B::E>, leg: &&Leg<B::E>| sum.plus(&leg.lots.sum());
                let sum = side.iter().fold(Sum::zero(), add);
                sum.assert_non_negative(b, "LADDER-4").chunks()
            }
        };
        let mut most = market.most.to_vec();
        most.resize(lots.len(), b.constant(F::ZERO));
        let most = Chunks::declared(b, "LADDER-4", most);
        less_than(b, &most, &lots)
    });
    let large = any_of(b, large.to_vec());
    Ladder {
        legs,
        any,
        outside,
        crossed,
        large,
    }
}

/// Whether one of these bits is 1.
fn any_of<B: RowBuilder<OrderRow>>(b: &mut B, bits: Vec<B::E>) -> B::E {
    match &bits[..] {
        [bit] => bit.clone(),
        _ => is_not_zero(b, &bits.into_iter().sum()),
    }
}

/// For each bid and each ask, a bit: whether both have lots, and the bid is not below the ask.
fn crossings<B: RowBuilder<OrderRow>>(b: &mut B, legs: &[Leg<B::E>]) -> Vec<B::E> {
    let id = "LADDER-3";
    let mut crossings = Vec::new();
    for bid in legs.iter().filter(|leg| leg.is_bid) {
        for ask in legs.iter().filter(|leg| !leg.is_bid) {
            let below = less_than(b, &bid.limit.chunks(), &ask.limit.chunks());
            let from = [&bid.has, &ask.has, &below];
            let crosses = b.derive(from, |[x, y, below]| x * y * (F::ONE - below));
            let both = bid.has.clone() * ask.has.clone();
            b.equal(id, crosses.clone(), both * (b.one() - below));
            crossings.push(crosses);
        }
    }
    crossings
}

/// Reads bid or ask `index`, and finds where its limit stands.
fn read_leg<B: RowBuilder<OrderRow>>(
    b: &mut B,
    index: usize,
    active: &B::E,
    market: &Market<B::E>,
) -> Leg<B::E> {
    let is_bid = index.is_multiple_of(2);
    let of = move |w: &OrderRow| w.legs.get(index).copied().unwrap_or_default();
    let lots = Limbs::read(b, LOTS_LIMBS, |w| of(w).lots.into());
    let limit = Limbs::read(b, PRICE_LIMBS, |w| of(w).limit.into());
    let unused = b.one() - active.clone();
    for cell in lots.iter().chain(&limit) {
        b.zero("ORDERS-2", unused.clone() * cell.clone());
    }
    let has = is_not_zero(b, &join(&lots));
    let thresholds = market.thresholds(is_bid);
    let classes = classify(b, is_bid, &limit, &thresholds);
    let bound = |first: B::E, at: &dyn Fn(usize) -> Option<usize>, b: &mut B| {
        let chunks = (0..PRICE_CHUNKS).map(|c| {
            let mut value = first.clone();
            for (k, class) in classes.iter().enumerate() {
                if let Some(k) = at(k) {
                    value += class.clone() * thresholds[k][c].clone();
                }
            }
            value
        });
        Chunks::declared(b, "LADDER-2", chunks.collect())
    };
    let lowest = b.constant(F::ZERO);
    let lower = bound(lowest, &|k| k.checked_sub(1), b);
    let most = classes[CLASSES - 1].clone() * F::from_u64((1 << 20) - 1);
    let upper = bound(most, &|k| (k + 1 < CLASSES).then_some(k), b);
    // A bid's class begins with its lower bound, an ask's ends with its upper one.
    let place = limit.chunks();
    if is_bid {
        assert_at_most(b, &lower, &place);
        let strict = b.one() - classes[CLASSES - 1].clone();
        assert_at_most_less(b, &place, &upper, &strict);
    } else {
        let strict = b.one() - classes[0].clone();
        assert_at_most_less(b, &lower, &place, &strict);
        assert_at_most(b, &place, &upper);
    }
    Leg {
        is_bid,
        lots,
        limit,
        has,
        classes,
    }
}

/// Bits for the classes, of which one is 1.
fn classify<B: RowBuilder<OrderRow>>(
    b: &mut B,
    is_bid: bool,
    limit: &Limbs<B::E>,
    thresholds: &[[B::E; PRICE_CHUNKS]; CLASSES - 1],
) -> [B::E; CLASSES] {
    let id = "LADDER-1";
    let mut from = limit.chunks().to_vec();
    from.extend(thresholds.iter().flatten().cloned());
    let class_of = move |values: &[F]| {
        let number = |i: usize| {
            let [low, high] = [0, 1].map(|c| values[PRICE_CHUNKS * i + c].as_canonical_u32());
            u64::from(low) + (u64::from(high) << 20)
        };
        let reached = |i: &usize| match is_bid {
            true => number(*i) <= number(0),
            false => number(*i) < number(0),
        };
        (1..CLASSES).filter(reached).count()
    };
    let classes = std::array::from_fn(|k| {
        let class = b.derive_many(&from, |values| F::from_bool(class_of(values) == k));
        b.boolean(id, &class);
        class
    });
    let all = classes.iter().cloned().sum();
    b.equal(id, all, b.one());
    classes
}
