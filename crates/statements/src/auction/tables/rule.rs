//! That the price of an instrument is the one of the rule, and how much of the side that is left over trades.

use gadgets::compare::is_not_zero;
use gadgets::limbs::{Limbs, number_of};
use gadgets::sum::Sum;
use stark::{F, PrimeCharacteristicRing, RowBuilder};

use super::markets::{Column, DEPTH_LIMBS, DRAW_LIMBS, Depth, MarketRow, Price, column};
use super::trade::{BETTER, MARGINAL};

/// Whether demand and supply are equal at the price, demand is larger, or supply: bits, none of which is 1 where nothing trades.
pub(super) struct Branch<E> {
    equal: E,
    more_demand: E,
    more_supply: E,
}

/// The price is that of the rule, by what is bid and offered at it and a step away ([`market::auction::rule::check`]).
pub(super) fn optimal<B: RowBuilder<MarketRow>>(
    b: &mut B,
    price: &Price<B::E>,
    depth: &Depth<B::E>,
) -> Branch<B::E> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let id = "MARKETS-5";
    let traded = column(b, Column::Traded);
    let [equal, more_demand, more_supply] = [Equal, Greater, Less]
        .map(|which| b.bit(id, move |w: &MarketRow| w.pressure == Some(which)));
    let pressed = more_demand.clone() + more_supply.clone();
    b.boolean(id, &pressed);
    b.equal(id, equal.clone() + pressed.clone(), traded);
    let [demand, supply] = [&depth.demand, &depth.supply];
    let difference = demand[1].sum().minus(&supply[1].sum());
    difference.times_bit(&equal).assert_zero(b, id);

    // By which side is larger: the smaller side at the price and at the neighbour, the larger side at both.
    let select = |if_demand: &Limbs<B::E>, if_supply: &Limbs<B::E>| {
        let selectors = [more_demand.clone(), more_supply.clone()];
        Sum::selected(&selectors, &[if_demand.clone(), if_supply.clone()])
    };
    let small = select(&supply[1], &demand[1]);
    let large = select(&demand[1], &supply[1]);
    let small_next = select(&demand[2], &supply[0]);
    let large_next = select(&supply[2], &demand[0]);
    let left = large.minus(&small);
    let is_pressed = Sum::bit(b, "MARKETS-6", pressed);
    left.minus(&is_pressed).assert_non_negative(b, "MARKETS-6");

    // If there is a neighbour in that direction, the pressure turns there;
    let id = "MARKETS-7";
    let [not_low, not_high] = [&price.at_low, &price.at_high].map(|end| b.one() - end.clone());
    let has_next = more_demand.clone() * not_high.clone() + more_supply.clone() * not_low.clone();
    let next = b.derive([&has_next], |[v]| v);
    b.equal(id, next.clone(), has_next);
    let left_next = large_next.minus(&small_next);
    let is_next = Sum::bit(b, id, next.clone());
    let turned = left_next.times_bit(&next).minus(&is_next);
    turned.assert_non_negative(b, id);
    // no more trades there;
    let fewer = small.minus(&small_next).times_bit(&next);
    let fewer = fewer.assert_non_negative(b, "MARKETS-8");
    // and if as much does, no less is left over; if as much is, the reference is not on that side.
    let id = "MARKETS-9";
    let differs = is_not_zero(b, &fewer.into_iter().sum());
    let tie = b.derive([&next, &differs], |[next, differs]| {
        next * (F::ONE - differs)
    });
    b.equal(id, tie.clone(), next * (b.one() - differs));
    let [below, above] =
        [Column::BelowReference, Column::AboveReference].map(|which| column(b, which));
    let strict =
        tie.clone() * (more_demand.clone() * below.clone() + more_supply.clone() * above.clone());
    let strict = Sum::bit(b, id, strict);
    let more_left = left_next.minus(&left).times_bit(&tie);
    more_left.minus(&strict).assert_non_negative(b, id);

    // Where all is equal, no neighbour towards the reference is balanced, too.
    let id = "MARKETS-10";
    let [up, down] = [(below, not_high), (above, not_low)].map(|(towards, exists)| {
        let value = equal.clone() * towards * exists;
        let cell = b.derive([&value], |[v]| v);
        b.equal(id, cell.clone(), value);
        cell
    });
    let above = supply[2].sum().minus(&demand[2].sum()).times_bit(&up);
    let below = demand[0].sum().minus(&supply[0].sum()).times_bit(&down);
    let any = up + down;
    b.boolean(id, &any);
    let any = Sum::bit(b, id, any);
    above.plus(&below).minus(&any).assert_non_negative(b, id);

    let id = "MARKETS-11";
    let volume = Limbs::fixed(b, id, Column::Volume.range());
    let smaller = small.plus(&demand[1].sum().times_bit(&equal));
    smaller.minus(&volume.sum()).assert_zero(b, id);
    let shown = column(b, Column::Shown);
    for (which, side) in [(Column::Demand, demand), (Column::Supply, supply)] {
        let stated = Limbs::fixed(b, "MARKETS-12", which.range());
        let rest = side[1].sum().minus(&stated.sum()).times_bit(&shown);
        rest.assert_zero(b, "MARKETS-12");
    }
    Branch {
        equal,
        more_demand,
        more_supply,
    }
}

/// Where nothing trades: nothing is offered at the price or below and nothing bid for above it; or nothing is bid at all, which
/// is shown at the band's lower end. Gives whether it is the latter.
pub(super) fn no_trade<B: RowBuilder<MarketRow>>(
    b: &mut B,
    price: &Price<B::E>,
    depth: &Depth<B::E>,
) -> B::E {
    let id = "MARKETS-13";
    let none = column(b, Column::Used) - column(b, Column::Traded);
    let no_bids = b.bit(id, |w: &MarketRow| w.no_bids);
    b.zero(id, no_bids.clone() * (b.one() - none.clone()));
    b.zero(id, no_bids.clone() * (b.one() - price.at_low.clone()));
    let gap = none - no_bids.clone();
    for limb in &depth.demand[1] {
        b.zero(id, no_bids.clone() * limb.clone());
    }
    for limb in depth.supply[1].iter().chain(&depth.demand[2]) {
        b.zero(id, gap.clone() * limb.clone());
    }
    no_bids
}

/// How many of the lots at the price trade on the side that is left over, how many there are, and where counting starts: as a
/// message's elements. Where no side is rationed one lot of one trades; where nothing trades, none of one.
pub(super) fn ration<B: RowBuilder<MarketRow>>(
    b: &mut B,
    branch: &Branch<B::E>,
    no_bids: &B::E,
    depth: &Depth<B::E>,
) -> Vec<B::E> {
    let id = "MARKETS-14";
    let Branch {
        equal,
        more_demand,
        more_supply,
    } = branch;
    let pressed = more_demand.clone() + more_supply.clone();
    let pick = |bids: usize, asks: usize| {
        let bids = depth.sums[bids].times_bit(more_demand);
        bids.plus(&depth.sums[asks].times_bit(more_supply))
    };
    let [better, at] = [BETTER, MARGINAL].map(|[bid, ask]| pick(bid, ask));
    let unit = column(b, Column::Used) - pressed.clone();
    let unit = Sum::declared(b, id, vec![unit], 1);
    let marginal = at.plus(&unit).limbs_in(b, id, DEPTH_LIMBS);
    let volume = Limbs::fixed(b, id, Column::Volume.range());
    let whole = Sum::bit(b, id, equal.clone());
    let traded = volume.sum().times_bit(&pressed).minus(&better).plus(&whole);
    let traded = traded.limbs_in(b, id, DEPTH_LIMBS);

    let id = "MARKETS-15";
    let draw = Limbs::fixed(b, id, Column::Draw.range());
    let from: Vec<B::E> = draw.iter().chain(&marginal).cloned().collect();
    let product =
        |values: &[F]| number_of(&values[..DRAW_LIMBS]) * number_of(&values[DRAW_LIMBS..]);
    let shift = Limbs::derive(b, &from, DEPTH_LIMBS, |v| product(v) >> 32);
    let rest = Limbs::derive(b, &from, DRAW_LIMBS, |v| product(v) % (1 << 32));
    // 32 bits: the highest limb is below 4.
    gadgets::range::limb(b, rest[DRAW_LIMBS - 1].clone() * F::from_u64(1 << 8));
    let whole = Sum::product(&shift.sum().shifted(3), &Sum::constant(4));
    let dividend = Sum::product(&draw.sum(), &marginal.sum());
    dividend.minus(&whole).minus(&rest.sum()).assert_zero(b, id);

    // Nothing is bid only where nothing trades, so not both.
    let either = more_supply.clone() + no_bids.clone();
    let asks = b.derive([&either], |[either]| either);
    b.equal("MARKETS-14", asks.clone(), either);
    b.boolean("MARKETS-14", &asks);
    let mut message = traded.to_vec();
    message.extend(marginal.into_iter().chain(shift));
    message.push(asks);
    message
}
