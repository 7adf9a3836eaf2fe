//! What must be free in an account for an order.
//!
//! A bid with lots needs `max(0, lots (limit - worst value of a lot held long) + fee) + 1` ticks, an ask with lots
//! `max(0, -lots (worst value of a lot held short + limit) + fee) + 1`, of the lots that may trade; an order what its bids or its asks
//! need, whichever is more. An account's only order, if it closes at one limit, needs what it costs, `lots limit + fee` or
//! `-lots limit + fee`, which may be negative: the worst value counts as zero.

use gadgets::limbs::{AMOUNT_LIMBS, Limbs, SignedLimbs, join, limb_of};
use gadgets::sum::Sum;
use market::MAX_LOTS;
use market::auction::{Level, Quantity};
use stark::{F, PrimeCharacteristicRing, RowBuilder, signed_felt};

use super::orders::{OrderRow, Placed, cell};
use super::prices::{FEE_LIMBS, PRICE_LIMBS};
use super::trades::LOT_LIMBS;
use super::{RESERVES, TERMS, is_nonzero};
use crate::orders::LEVEL;

/// Limbs of a reserve.
pub(crate) const RESERVE_LIMBS: usize = 7;
/// What fees are counted in.
const RATE: u128 = market::auction::ration::RATE as u128;
/// Limbs of a fee's rest: below [`RATE`].
const REST_LIMBS: usize = 2;

/// The numbers of one side of a level.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    limit: u64,
    /// Lots that may trade, lots that may not, and lots that may trade of the levels behind.
    lots: u64,
    short: u64,
    rest: u64,
    fee: u64,
    /// How far the fee is rounded up, in 10^-6 of a tick.
    rounded: u64,
    /// What is at stake: at least zero is kept in reserve. Of a close what it costs.
    cost: i128,
    closes: bool,
}

impl Side {
    fn cash(&self) -> u128 {
        u128::from(self.lots) * u128::from(self.limit)
    }

    fn reserve(&self) -> u128 {
        match self.closes {
            true => self.cost.unsigned_abs(),
            false => self.cost.max(0) as u128 + u128::from(self.lots > 0),
        }
    }
}

impl Placed {
    /// Most lots that the order may buy and sell.
    pub fn most(&self) -> [u64; 2] {
        match self.opening.reduce_only {
            true => self.holds,
            false => [MAX_LOTS.0 - 1; 2],
        }
    }

    /// The numbers of a side of all levels, bids or asks.
    fn side(&self, asks: bool, levels: usize) -> Vec<Side> {
        let mut rest = self.most()[usize::from(asks)];
        let level = |i: usize| {
            let Level { bid, ask } = self.opening.ladder.0.get(i).copied().unwrap_or_default();
            let Quantity { lots, limit } = if asks { ask } else { bid };
            let may = lots.0.min(rest);
            rest -= may;
            let cash = u128::from(may) * u128::from(limit.0);
            let part = cash * u128::from(self.terms.fee);
            let fee = part.div_ceil(RATE);
            let worst = match self.closes {
                true => 0,
                false => self.terms.worst[usize::from(asks)],
            };
            let worth = i128::from(may) * i128::from(worst);
            let paid = if asks { -(cash as i128) } else { cash as i128 };
            Side {
                limit: limit.0,
                lots: may,
                short: lots.0 - may,
                rest,
                fee: fee as u64,
                rounded: (fee * RATE - part) as u64,
                cost: paid - worth + fee as i128,
                closes: self.closes,
            }
        };
        (0..levels).map(level).collect()
    }

    /// Whether the order may close as an account's only one: it reduces, and no level but the first may trade.
    pub fn may_close(&self, levels: usize) -> bool {
        let trades = |asks| self.side(asks, levels)[1..].iter().any(|s| s.lots > 0);
        self.counts() && self.opening.reduce_only && !trades(false) && !trades(true)
    }

    /// Lots that the order closes as the account's only one.
    pub fn closed(&self, levels: usize) -> u64 {
        let lots = |asks| self.side(asks, levels)[0].lots;
        if self.closes {
            lots(false) + lots(true)
        } else {
            0
        }
    }

    /// Whether it brings more cash by that than it costs.
    pub fn brings(&self, levels: usize) -> bool {
        self.closes && self.side(true, levels)[0].cost < 0
    }

    /// What must be free for the order; of a close what it costs or brings.
    pub fn reserve(&self, levels: usize) -> u128 {
        let side = |asks| {
            self.side(asks, levels)
                .iter()
                .map(Side::reserve)
                .sum::<u128>()
        };
        side(false).max(side(true))
    }
}

/// What the order is about, in cells.
pub(super) struct Order<'a, E> {
    pub levels: usize,
    /// Digits of a lot's worst value.
    pub digits: usize,
    /// Whether something must be free for it; if not, all is zero.
    pub counts: &'a E,
    pub account: &'a E,
    pub instrument: &'a E,
    /// The levels' elements.
    pub elements: &'a [E],
    /// Most lots that may be bought and sold.
    pub most: &'a [E; 2],
    /// Whether the order only reduces.
    pub reduces: &'a E,
    /// Whether it closes as the account's only order.
    pub closes: &'a E,
}

/// What a side of an order needs, and what is said of its levels.
struct Needs<E> {
    sum: Sum<E>,
    /// Lots of the first level that may trade.
    first: E,
    /// The sum of the limbs of the other levels' lots.
    behind: E,
    /// Whether the first level costs less than nothing.
    brings: E,
}

/// What a close does.
pub(super) struct Close<E> {
    /// Lots that are closed.
    pub lots: E,
    /// Whether it brings more cash than it costs.
    pub brings: E,
}

/// Reads a number of a side of a level.
fn limbs<B: RowBuilder<OrderRow>>(
    b: &mut B,
    count: usize,
    of: impl Fn(&Placed) -> u128,
) -> Limbs<B::E> {
    Limbs::read(b, count, |w: &OrderRow| {
        w.order.as_ref().filter(|o| o.counts()).map_or(0, &of)
    })
}

impl<E: stark::Expr> Order<'_, E> {
    /// Adds what must be free for the order to what must be free in its account.
    pub fn reserve<B: RowBuilder<OrderRow, E = E>>(&self, b: &mut B, used: &E) -> Close<E> {
        let id = "RESERVE-1";
        let (worst, fee) = self.terms(b, used);
        let sides: [Needs<E>; 2] =
            [false, true].map(|asks| self.side(b, asks, &worst[usize::from(asks)], &fee));
        let levels = self.levels;
        let most = limbs(b, RESERVE_LIMBS, |o| o.reserve(levels));
        // It is as much as each side needs, and as one of them.
        let mut none = b.one();
        for (side, Needs { sum: needs, .. }) in [false, true].into_iter().zip(&sides) {
            let above = limbs(b, RESERVE_LIMBS, |o| {
                let own: u128 = o.side(side, levels).iter().map(Side::reserve).sum();
                o.reserve(levels) - own
            });
            let sum = most.sum().minus(needs);
            sum.minus(&above.sum()).assert_zero_narrow(b, id);
            let some = above.iter().cloned().fold(E::ZERO, |sum, limb| sum + limb);
            none *= some;
        }
        b.zero(id, none);
        for (i, limb) in most.into_iter().enumerate() {
            let which = b.constant(F::from_usize(i));
            b.send_limb(RESERVES, limb, &[self.account.clone(), which]);
        }

        let id = "RESERVE-6";
        let [bids, asks] = sides;
        // Sums of limbs are zero only if all limbs are.
        let behind = is_nonzero(b, id, &(bids.behind + asks.behind));
        let other = b.derive(
            [self.counts, self.reduces, &behind],
            |[counts, reduces, behind]| counts * (F::ONE - reduces * (F::ONE - behind)),
        );
        b.boolean(id, &other);
        let may_close = self.reduces.clone() * (b.one() - behind);
        let is_other = self.counts.clone() * (b.one() - may_close);
        b.zero(id, other.clone() - is_other);
        let which = b.constant(F::from_usize(RESERVE_LIMBS));
        let times = self.counts.clone() + other;
        b.send_limb(RESERVES, times, &[self.account.clone(), which]);
        Close {
            lots: self.closes.clone() * (bids.first + asks.first),
            brings: asks.brings,
        }
    }

    /// The worst values of a lot held long and short, and the fee.
    fn terms<B: RowBuilder<OrderRow, E = E>>(
        &self,
        b: &mut B,
        used: &E,
    ) -> ([SignedLimbs<E>; 2], Limbs<E>) {
        let id = "RESERVE-2";
        let none = b.one() - self.counts.clone();
        let digits = self.digits;
        let mut message = vec![self.counts.clone() * self.instrument.clone()];
        let mut gated = |b: &mut B, of: &dyn Fn(&Placed) -> F| {
            let cell = cell(b, used, |o| if o.counts() { of(o) } else { F::ZERO });
            b.zero(id, none.clone() * cell.clone());
            message.push(cell.clone());
            cell
        };
        let worst = [0, 1].map(|side| {
            let digit = |i| {
                gated(b, &|o: &Placed| {
                    let worst = o.terms.worst[side];
                    signed_felt(crate::margin::digits::balanced(worst, digits)[i])
                })
            };
            (0..digits).map(digit).collect::<Vec<E>>()
        });
        let fee: Vec<E> = (0..FEE_LIMBS)
            .map(|i| gated(b, &|o: &Placed| F::from_u64(limb_of(o.terms.fee.into(), i))))
            .collect();
        message[0] = self.instrument.clone();
        b.lookup(TERMS, self.instrument, self.counts.clone(), &message);
        let worst = worst.map(|digits| SignedLimbs::declared(b, id, digits));
        (worst, Limbs::declared(b, id, fee))
    }

    /// What a side needs.
    fn side<B: RowBuilder<OrderRow, E = E>>(
        &self,
        b: &mut B,
        asks: bool,
        worst: &SignedLimbs<E>,
        fee: &Limbs<E>,
    ) -> Needs<E> {
        let levels = self.levels;
        let at = usize::from(asks);
        let counts = self.counts;
        // Lots that may still trade.
        let id = "RESERVE-3";
        let mut rest = limbs(b, LOT_LIMBS, |o| o.most()[at].into());
        b.zero(id, join(&rest) - counts.clone() * self.most[at].clone());
        let mut needs = Needs {
            sum: Sum::zero(),
            first: E::ZERO,
            behind: E::ZERO,
            brings: E::ZERO,
        };
        for level in 0..levels {
            let of = move |o: &Placed| o.side(asks, levels)[level];
            let element = |i: usize| &self.elements[LEVEL * level + 3 * at + i];
            let lots = limbs(b, LOT_LIMBS, |o| of(o).lots.into());
            let short = limbs(b, LOT_LIMBS, |o| of(o).short.into());
            let left = limbs(b, LOT_LIMBS, |o| of(o).rest.into());
            let whole = limbs(b, LOT_LIMBS, |o| (of(o).lots + of(o).short).into());
            b.zero(id, join(&whole) - counts.clone() * element(0).clone());
            let sum = lots.sum().plus(&short.sum());
            sum.minus(&whole.sum()).assert_zero_narrow(b, id);
            let sum = lots.sum().plus(&left.sum());
            sum.minus(&rest.sum()).assert_zero_narrow(b, id);
            b.zero(id, join(&short) * join(&left));
            rest = left;

            let id = "RESERVE-4";
            let limit = limbs(b, PRICE_LIMBS, |o| of(o).limit.into());
            for half in 0..2 {
                let own = join(&limit[2 * half..2 * half + 2]);
                b.zero(id, own - counts.clone() * element(1 + half).clone());
            }
            let cash = limbs(b, AMOUNT_LIMBS, |o| of(o).cash());
            let product = Sum::product(&lots.sum(), &limit.sum());
            product.minus(&cash.sum()).assert_zero(b, id);
            let charge = limbs(b, AMOUNT_LIMBS, |o| of(o).fee.into());
            let rounded = limbs(b, REST_LIMBS, |o| of(o).rounded.into());
            let slack = Limbs::read(b, REST_LIMBS, |w: &OrderRow| {
                let order = w.order.as_ref().filter(|o| o.counts());
                RATE - 1 - order.map_or(0, |o| u128::from(of(o).rounded))
            });
            let sum = rounded.sum().plus(&slack.sum());
            sum.minus(&Sum::constant(RATE as i128 - 1))
                .assert_zero_narrow(b, id);
            Sum::product(&charge.sum(), &Sum::constant(RATE as i128))
                .minus(&Sum::product(&cash.sum(), &fee.sum()))
                .minus(&rounded.sum())
                .assert_zero(b, id);

            let id = "RESERVE-5";
            let reserved = b.one() - self.closes.clone();
            let worth = Sum::product(&lots.sum(), &worst.sum()).times_bit(&reserved);
            let paid = match asks {
                true => Sum::zero().minus(&cash.sum()),
                false => cash.sum(),
            };
            let cost = paid.plus(&charge.sum()).minus(&worth);
            let limbs = RESERVE_LIMBS.max(cost.coefficients().len());
            let (cost, negative) = cost.sign_in(b, id, limbs);
            let present = is_nonzero(b, id, &join(&lots)) * reserved.clone();
            let present = Sum::bit(b, id, present);
            // A reserve is at least zero. Of what a close costs the amount counts, and below zero the limbs are those of 2^(10 n) more.
            let brought = negative.clone() * self.closes.clone();
            let kept = b.one() - negative.clone() - brought.clone();
            let wrapped = Sum::bit(b, id, brought).shifted(limbs);
            let kept = cost.sum().times_bit(&kept).plus(&wrapped);
            needs.sum = needs.sum.plus(&kept.in_cells(b, id)).plus(&present);
            match level {
                0 => (needs.first, needs.brings) = (join(&lots), negative),
                _ => needs.behind = lots.iter().cloned().fold(needs.behind, |sum, l| sum + l),
            }
        }
        needs
    }
}
