//! What an order trades at the price, and what that costs.

use gadgets::compare::{Chunks, assert_at_most, assert_at_most_less, less_than};
use gadgets::limbs::{AMOUNT_LIMBS, Amount, LIMB_MAX, Limbs, limb_of, number_of};
use gadgets::sum::Sum;
use market::auction::ration::RATE;
use stark::{F, PrimeCharacteristicRing, RowBuilder, When};

use super::ladder::{LOTS_LIMBS, Ladder};
use super::markets::{DEPTH_LIMBS, Market, SUMS, TOTALS};
use super::orders::OrderRow;

/// Limbs of what a charge leaves over: below a million.
const RATE_LIMBS: usize = 2;

/// What an order traded.
pub struct Traded<E> {
    /// Lots bought.
    pub bought: Limbs<E>,
    /// Lots sold.
    pub sold: Limbs<E>,
    /// Lots times price.
    pub cash: Amount<E>,
    /// Fee or rebate.
    pub charge: Amount<E>,
    /// Most lots that it may buy and sell.
    pub most: [Limbs<E>; 2],
}

/// Lots that take part, by class, in limbs that are cells.
struct Classed<E> {
    /// Of bids at classes 2, 3 and 4, of asks at 1, 2 and 3: one below the price, at it, beyond it for bids; below it, at it, one
    /// above for asks.
    sums: [Vec<E>; SUMS],
    /// No limb is larger.
    bound: u64,
}

/// Where bids and asks are counted: a bid from a step below the price on, an ask up to a step above it.
pub const COUNTED: [(bool, usize); SUMS] = [
    (true, 2),
    (true, 3),
    (true, 4),
    (false, 1),
    (false, 2),
    (false, 3),
];
/// Of these: bids beyond the price and at it, asks beyond the price and at it.
pub const BETTER: [usize; 2] = [2, 3];
/// The same at the price.
pub const MARGINAL: [usize; 2] = [1, 4];

/// What an order trades. Bits: whether there is an order, whether it is the last of its instrument, whether it takes part,
/// earns the rebate, only reduces.
pub fn trade<B: RowBuilder<OrderRow>>(
    b: &mut B,
    bits: [&B::E; 5],
    instrument: &B::E,
    market: &Market<B::E>,
    ladder: &Ladder<B::E>,
) -> Traded<B::E> {
    let [active, closes, takes_part, quote, reduce_only] = bits;
    let most = [0, 1].map(|side| most(b, side, [active, takes_part, reduce_only]));
    let classed = take_part(b, ladder, takes_part, &most);
    depth(b, [active, closes], instrument, &classed);
    let [before, after] = rationed(b, [active, closes], market, &classed);
    let [bought, sold] = [0, 1].map(|side| lots(b, side, market, &classed, [&before, &after]));
    let (cash, charge) = cost(b, quote, market, [&bought, &sold]);
    Traded {
        bought,
        sold,
        cash,
        charge,
        most,
    }
}

/// Most lots that an order may buy or sell: all that an order can have, unless it takes part and only reduces.
fn most<B: RowBuilder<OrderRow>>(
    b: &mut B,
    side: usize,
    [active, takes_part, reduce_only]: [&B::E; 3],
) -> Limbs<B::E> {
    let id = "TRADE-1";
    let most = Limbs::read(b, LOTS_LIMBS, |w: &OrderRow| w.most[side].into());
    let bounded = takes_part.clone() * reduce_only.clone();
    let unused = b.one() - active.clone();
    for limb in &most {
        let whole = limb.clone() - F::from_u64(LIMB_MAX);
        b.zero(id, (active.clone() - bounded.clone()) * whole);
        b.zero(id, unused.clone() * limb.clone());
    }
    most
}

/// What of an order takes part, level by level as far as it may, and by class.
fn take_part<B: RowBuilder<OrderRow>>(
    b: &mut B,
    ladder: &Ladder<B::E>,
    takes_part: &B::E,
    most: &[Limbs<B::E>; 2],
) -> Classed<B::E> {
    let id = "TRADE-2";
    let mut rest = most.clone();
    let mut effective: Vec<Limbs<B::E>> = Vec::new();
    let levels = ladder.legs.len() / 2;
    for (i, leg) in ladder.legs.iter().enumerate() {
        let rest = &mut rest[usize::from(!leg.is_bid)];
        let short = less_than(b, &rest.chunks(), &leg.lots.chunks());
        let limbs = leg.lots.iter().zip(rest.iter()).map(|(lots, rest)| {
            let least = lots.clone() + short.clone() * (rest.clone() - lots.clone());
            let value = takes_part.clone() * least;
            let cell = b.derive([&value], |[v]| v);
            b.equal(id, cell.clone(), value);
            cell
        });
        let limbs: Vec<B::E> = limbs.collect();
        let limbs = Limbs::declared(b, id, limbs);
        if i / 2 + 1 < levels {
            let left = rest.sum().minus(&limbs.sum());
            *rest = left.limbs_in(b, id, LOTS_LIMBS);
        }
        effective.push(limbs);
    }
    let sums = COUNTED.map(|(is_bid, class)| {
        let side = ladder.legs.iter().zip(&effective);
        let side: Vec<_> = side.filter(|(leg, _)| leg.is_bid == is_bid).collect();
        (0..LOTS_LIMBS)
            .map(|limb| {
                let lots = side
                    .iter()
                    .map(|(leg, lots)| leg.classes[class].clone() * lots[limb].clone());
                let value: B::E = lots.sum();
                let cell = b.derive([&value], |[v]| v);
                b.equal("TRADE-3", cell.clone(), value);
                cell
            })
            .collect()
    });
    Classed {
        sums,
        bound: levels as u64 * LIMB_MAX,
    }
}

/// What is bid and offered in each class over an instrument's orders, sent to its auction.
fn depth<B: RowBuilder<OrderRow>>(
    b: &mut B,
    [active, closes]: [&B::E; 2],
    instrument: &B::E,
    classed: &Classed<B::E>,
) {
    let id = "TRADE-4";
    let goes_on = b.one() - closes.clone();
    let mut message = vec![instrument.clone()];
    for (i, limbs) in classed.sums.iter().enumerate() {
        for (j, limb) in limbs.iter().enumerate() {
            let (above, next) = b.state(|w: &OrderRow| F::from_i64(w.sums[i][j]));
            let sum = above.clone() + limb.clone();
            b.assert_zero(id, When::First, above);
            b.assert_zero(id, When::Transition, next - goes_on.clone() * sum.clone());
            message.push(sum);
        }
    }
    let sends = b.derive([active, closes], |[active, closes]| active * closes);
    b.equal(id, sends.clone(), active.clone() * closes.clone());
    b.send(TOTALS, sends, &message);
}

/// How many marginal lots of the rationed side trade, of those of the orders above and with this one:
/// `floor((lots so far * traded + shift) / marginal lots)`.
fn rationed<B: RowBuilder<OrderRow>>(
    b: &mut B,
    [active, closes]: [&B::E; 2],
    market: &Market<B::E>,
    classed: &Classed<B::E>,
) -> [Limbs<B::E>; 2] {
    let id = "TRADE-5";
    let goes_on = b.one() - closes.clone();
    let [before, traded_before] = [0, 1].map(|which| {
        let limbs = (0..DEPTH_LIMBS)
            .map(|i| b.state(|w: &OrderRow| F::from_u64(limb_of(w.rationed[which].into(), i))));
        let (limbs, next): (Vec<B::E>, Vec<B::E>) = limbs.unzip();
        for limb in &limbs {
            b.assert_zero(id, When::First, limb.clone());
        }
        (Limbs::declared(b, id, limbs), next)
    });
    // Of the side that is rationed, what of this order is marginal.
    let [bids, asks] = MARGINAL.map(|i| &classed.sums[i]);
    let own: Vec<B::E> = bids
        .iter()
        .zip(asks)
        .map(|(bid, ask)| bid.clone() + market.asks.clone() * (ask.clone() - bid.clone()))
        .collect();
    let own = Sum::declared(b, id, own, classed.bound);
    let sum = before.0.sum().plus(&own);
    let lots = sum.limbs_in(b, id, DEPTH_LIMBS);
    // Rows without an order have no auction to divide by.
    let product = Sum::product(&lots.sum(), &market.traded.sum()).plus(&market.shift.sum());
    let from: Vec<B::E> = lots
        .iter()
        .chain(&market.traded)
        .chain(&market.shift)
        .chain(&market.marginal)
        .cloned()
        .collect();
    let divide = |values: &[F]| -> [u128; 2] {
        let number = |i: usize| number_of(&values[DEPTH_LIMBS * i..DEPTH_LIMBS * (i + 1)]);
        let dividend = number(0) * number(1) + number(2);
        match number(3) {
            0 => [0, 0],
            divisor => [dividend / divisor, dividend % divisor],
        }
    };
    let traded = Limbs::derive(b, &from, DEPTH_LIMBS, |v| divide(v)[0]);
    let left = Limbs::derive(b, &from, DEPTH_LIMBS, |v| divide(v)[1]);
    let times = Sum::product(&traded.sum(), &market.marginal.sum());
    let rest = product.minus(&times).minus(&left.sum());
    rest.assert_zero(b, id);
    assert_at_most_less(b, &left.chunks(), &market.marginal.chunks(), active);
    let unused = b.one() - active.clone();
    for limb in &traded {
        b.zero(id, unused.clone() * limb.clone());
    }
    for (next, now) in [(&before.1, &lots), (&traded_before.1, &traded)] {
        for (next, limb) in next.iter().zip(now) {
            let carried = goes_on.clone() * limb.clone();
            b.assert_zero(id, When::Transition, next.clone() - carried);
        }
    }
    [traded_before.0, traded]
}

/// Lots that a side of the order trades: all beyond the price; of those at the price all, or on the rationed side what is
/// rationed to it.
fn lots<B: RowBuilder<OrderRow>>(
    b: &mut B,
    side: usize,
    market: &Market<B::E>,
    classed: &Classed<B::E>,
    [before, after]: [&Limbs<B::E>; 2],
) -> Limbs<B::E> {
    let id = "TRADE-6";
    let is_rationed = match side {
        0 => b.one() - market.asks.clone(),
        _ => market.asks.clone(),
    };
    let better = Sum::declared(b, id, classed.sums[BETTER[side]].clone(), classed.bound);
    let marginal = Sum::declared(b, id, classed.sums[MARGINAL[side]].clone(), classed.bound);
    let whole = marginal.times_bit(&(b.one() - is_rationed.clone()));
    let share = after.sum().minus(&before.sum()).times_bit(&is_rationed);
    better.plus(&whole).plus(&share).limbs_in(b, id, LOTS_LIMBS)
}

/// Lots times price, and the fee, rounded up, or the rebate, rounded down.
fn cost<B: RowBuilder<OrderRow>>(
    b: &mut B,
    quote: &B::E,
    market: &Market<B::E>,
    [bought, sold]: [&Limbs<B::E>; 2],
) -> (Amount<B::E>, Amount<B::E>) {
    let id = "TRADE-7";
    let lots = bought.sum().plus(&sold.sum());
    let from: Vec<B::E> = bought
        .iter()
        .chain(sold)
        .chain(&market.price)
        .cloned()
        .collect();
    let cash = Amount::derive(b, &from, |v| {
        let lots = number_of(&v[..LOTS_LIMBS]) + number_of(&v[LOTS_LIMBS..2 * LOTS_LIMBS]);
        (lots * number_of(&v[2 * LOTS_LIMBS..])) as u64
    });
    let product = Sum::product(&lots, &market.price.sum());
    product.minus(&cash.to_sum()).assert_zero(b, id);

    let id = "TRADE-8";
    let rate: Vec<B::E> = market
        .fee
        .iter()
        .zip(&market.rebate)
        .map(|(fee, rebate)| {
            let value = fee.clone() + quote.clone() * (rebate.clone() - fee.clone());
            let cell = b.derive([&value], |[v]| v);
            b.equal(id, cell.clone(), value);
            cell
        })
        .collect();
    let rate = Limbs::declared(b, id, rate);
    let up = Sum::bit(b, id, b.one() - quote.clone());
    let up = Sum::product(&up, &Sum::constant(i128::from(RATE) - 1));
    let mut from: Vec<B::E> = cash.limbs().iter().chain(&rate).cloned().collect();
    from.push(quote.clone());
    let divide = |values: &[F]| {
        let up = match values[AMOUNT_LIMBS + RATE_LIMBS] == F::ZERO {
            true => u128::from(RATE) - 1,
            false => 0,
        };
        let rate = number_of(&values[AMOUNT_LIMBS..AMOUNT_LIMBS + RATE_LIMBS]);
        let dividend = number_of(&values[..AMOUNT_LIMBS]) * rate + up;
        [dividend / u128::from(RATE), dividend % u128::from(RATE)]
    };
    let charge = Amount::derive(b, &from, |v| divide(v)[0] as u64);
    let left = Limbs::derive(b, &from, RATE_LIMBS, |v| divide(v)[1]);
    let dividend = Sum::product(&cash.to_sum(), &rate.sum()).plus(&up);
    let times = Sum::product(&charge.to_sum(), &Sum::constant(RATE.into()));
    let rest = dividend.minus(&times).minus(&left.sum());
    rest.assert_zero(b, id);
    assert_at_most(b, &left.chunks(), &Chunks::constant(RATE - 1, 1));
    (cash, charge)
}
