//! From a cleared batch to filled tables.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use gadgets::hash::Digest;
use gadgets::limbs::limb_of;
use gadgets::product::{DEGREE, multiply};
use market::auction::{Cleared, Ladder};
use records::units::Lots;
use stark::{F, PrimeCharacteristicRing, Tally, Trace, felt, fill};

use super::claim::{AuctionClaim, Context};
use super::tables::ladder::{CLASSES, LegRow};
use super::tables::markets::{MarketNumbers, MarketRow, PublicMarket, SUM_LIMBS, SUMS};
use super::tables::orders::{OrderRow, OrdersTable, RANK};
use super::tables::trade::{BETTER, COUNTED, MARGINAL};
use super::witness::Opened;
use crate::ordered::gaps;
use crate::orders::{Batch, Status};

/// The private rows of a claim.
#[derive(Clone)]
pub struct Rows {
    /// The orders in the order of the list.
    pub entries: Vec<Opened>,
    /// The receipts' tree.
    pub nodes: Vec<Digest>,
    /// The orders in the order of their rows; products are filled in last.
    pub orders: Vec<OrderRow>,
    /// By the instrument's number.
    pub markets: Vec<MarketRow>,
}

impl Rows {
    /// The rows of a batch. `cleared` are the auctions by rising number.
    pub fn new(
        claim: &AuctionClaim,
        entries: Vec<Opened>,
        nodes: Vec<Digest>,
        cleared: &[Cleared],
    ) -> Self {
        let batch = &claim.batch;
        let mut rows: Vec<OrderRow> = entries.iter().map(|entry| row(batch, entry)).collect();
        rows.sort_by_key(|row| {
            let mut rank = row.rank();
            rank.reverse();
            rank
        });
        let most = batch.auctions.last().map_or(0, |a| a.number as usize + 1);
        let mut markets = vec![MarketRow::default(); most];
        let mut start = 0;
        for (auction, cleared) in batch.auctions.iter().zip(cleared) {
            let number = auction.number as usize;
            let count = rows[start..]
                .iter()
                .take_while(|row| row.instrument == number)
                .count();
            let own = &mut rows[start..start + count];
            start += count;
            if let (Ok(band), Ok(terms)) = (auction.band(), batch.terms(auction)) {
                let market = PublicMarket {
                    band,
                    fee: auction.fee,
                    rebate: auction.rebate,
                    draw: terms.draw,
                    cleared: auction.price.map(|price| (price, auction.volume)),
                    depth: auction.depth,
                };
                markets[number] = clear(&market, cleared, own);
            }
        }
        rank(&mut rows);
        Self {
            entries,
            nodes,
            orders: rows,
            markets,
        }
    }

    /// The filled tables, in the order of [`Context::airs`].
    pub fn fill(&self, context: &Context) -> Vec<Trace> {
        let airs = context.airs();
        let (table, limbs) = (&context.orders, context.limbs());
        let tally = Tally::new(&[limbs.tallied(), context.markets.tallied()]);
        let products = products(table, &self.orders);
        // Rows without an order have the slots that are left.
        let taken: BTreeSet<usize> = self.orders.iter().map(|row| row.slot).collect();
        let left: Vec<usize> = (0..1 << table.log_slots)
            .filter(|slot| !taken.contains(slot))
            .collect();
        let gaps = gaps(&left);
        let orders = fill(table, &airs[0], &tally, |i| {
            let children = match i {
                // Node 0 does not exist; its row hashes zeros.
                0 => Default::default(),
                _ => [self.nodes[2 * i], self.nodes[2 * i + 1]],
            };
            let blank = || OrderRow {
                slot: left.get(i - self.orders.len()).copied().unwrap_or(0),
                gap: gaps.get(i - self.orders.len()).copied().unwrap_or(0),
                starts: [true; 2],
                ends: [true; 2],
                previous: match i.checked_sub(1).and_then(|i| self.orders.get(i)) {
                    Some(last) => last.rank(),
                    None => [0; RANK],
                },
                ..OrderRow::default()
            };
            let row = self.orders.get(i).cloned().unwrap_or_else(blank);
            OrderRow {
                index: i,
                children,
                product: products[i.min(self.orders.len())],
                ..row
            }
        });
        let markets = context.markets.trace(&airs[1], &tally, &self.markets);
        let limbs = limbs.trace(&airs[2], &tally);
        vec![orders, markets, limbs]
    }
}

/// What of a row follows from its order alone.
fn row(batch: &Batch, entry: &Opened) -> OrderRow {
    let (opening, outcome) = (&entry.opening, &entry.outcome);
    let mut legs = vec![LegRow::default(); 2 * batch.levels as usize];
    for (level, legs) in opening.ladder.0.iter().zip(legs.chunks_mut(2)) {
        for (leg, quantity) in legs.iter_mut().zip([level.bid, level.ask]) {
            *leg = LegRow {
                lots: quantity.lots.0,
                limit: quantity.limit.0,
            };
        }
    }
    OrderRow {
        used: true,
        account: opening.account,
        instrument: opening.instrument,
        nonce: opening.nonce,
        flags: [opening.quote, opening.reduce_only],
        legs,
        secret: opening.secret,
        place: outcome.place,
        status: outcome.status as u8,
        most: outcome.most.map(|lots| lots.0),
        commitment: entry.commitment,
        slot: entry.slot,
        ..OrderRow::default()
    }
}

/// Which class a limit is in.
fn class(market: &MarketNumbers, is_bid: bool, limit: u64) -> usize {
    let [low_less, low] = market.low;
    let [high, high_more] = market.high;
    let [below_ask, below_bid] = market.below;
    let [above_ask, above_bid] = market.above;
    let reached = |threshold: &u64| match is_bid {
        true => *threshold <= limit,
        false => *threshold < limit,
    };
    let thresholds = match is_bid {
        true => [low, below_bid, market.price, above_bid, high_more],
        false => [low_less, below_ask, market.price, above_ask, high],
    };
    thresholds.iter().filter(|t| reached(t)).count()
}

/// What an order adds to each class, by limb.
fn added(market: &MarketNumbers, row: &OrderRow) -> [[i64; SUM_LIMBS]; SUMS] {
    let mut added = [[0; SUM_LIMBS]; SUMS];
    if row.status != Status::TookPart as u8 {
        return added;
    }
    let levels = row.legs.chunks(2).map(|legs| {
        let quantity = |leg: LegRow| market::auction::Quantity {
            lots: Lots(leg.lots),
            limit: records::units::Ticks(leg.limit),
        };
        market::auction::Level {
            bid: quantity(legs[0]),
            ask: quantity(legs[1]),
        }
    });
    let ladder = Ladder(levels.collect()).within(row.most.map(Lots));
    for (sum, (is_bid, of_class)) in added.iter_mut().zip(COUNTED) {
        for level in &ladder.0 {
            let quantity = if is_bid { level.bid } else { level.ask };
            if class(market, is_bid, quantity.limit.0) == of_class {
                for (i, limb) in sum.iter_mut().enumerate() {
                    *limb += limb_of(quantity.lots.0.into(), i) as i64;
                }
            }
        }
    }
    added
}

const _: () = assert!(CLASSES == 6);

/// Fills in what an instrument's rows know of its auction, and gives the auction's row.
fn clear(market: &PublicMarket, cleared: &Cleared, rows: &mut [OrderRow]) -> MarketRow {
    let mut numbers = prices(market, rows);
    let mut sums = [[0i64; SUM_LIMBS]; SUMS];
    for row in rows.iter_mut() {
        row.sums = sums;
        for (sum, added) in sums.iter_mut().zip(added(&numbers, row)) {
            for (limb, added) in sum.iter_mut().zip(added) {
                *limb += added;
            }
        }
    }
    let total = |sum: &[i64; SUM_LIMBS]| -> u64 {
        let limbs = sum.iter().rev();
        limbs.fold(0u64, |n, limb| (n << 10) + *limb as u64)
    };
    let imbalance = cleared.depth.imbalance().0;
    let pressure = cleared.price.map(|_| imbalance.cmp(&0));
    // Something is offered at every candidate.
    let no_bids = pressure.is_none() && total(&sums[3]) + total(&sums[4]) > 0;
    let side = match pressure {
        Some(Ordering::Less) => 1,
        None if no_bids => 1,
        _ => 0,
    };
    let [traded, marginal] = match pressure {
        None => [0, 1],
        Some(Ordering::Equal) => [1, 1],
        Some(_) => {
            let volume = market.cleared.map_or(0, |(_, volume)| volume.0);
            // Only at another price than the rule's can more be better than trades.
            let traded = volume.saturating_sub(total(&sums[BETTER[side]]));
            [traded, total(&sums[MARGINAL[side]])]
        }
    };
    let shift = ((u128::from(market.draw) * u128::from(marginal)) >> 32) as u64;
    numbers.rationing = [traded, marginal, shift];
    numbers.asks = side == 1;
    let (mut so_far, mut rationed) = (0u64, 0u64);
    let elements: Arc<[F]> = numbers.elements().into();
    for row in rows.iter_mut() {
        row.rationed = [so_far, rationed];
        so_far += total(&added(&numbers, row)[MARGINAL[side]]);
        let dividend = u128::from(so_far) * u128::from(traded) + u128::from(shift);
        rationed = (dividend / u128::from(marginal.max(1))) as u64;
        row.market = elements.clone();
    }
    let band = market.band;
    MarketRow {
        steps: (numbers.price - band.low().0) / band.step().0,
        met: !rows.is_empty(),
        sums,
        pressure,
        no_bids,
        multiplicity: 0,
    }
}

/// The prices that classes of limits meet at. Where nothing trades, about the highest candidate at which nothing is offered; if
/// there is none, nothing is bid either, and about the lowest candidate.
fn prices(market: &PublicMarket, rows: &[OrderRow]) -> MarketNumbers {
    let band = market.band;
    let (low, high, step) = (band.low().0, band.high().0, band.step().0);
    let gap = || {
        let taking_part = rows
            .iter()
            .filter(|row| row.status == Status::TookPart as u8);
        let asks = taking_part.flat_map(|row| {
            let levels = row.legs.chunks(2).scan(row.most[1], |rest, legs| {
                let lots = legs[1].lots.min(*rest);
                *rest -= lots;
                Some((lots, legs[1].limit))
            });
            levels.filter(|(lots, _)| *lots > 0).map(|(_, limit)| limit)
        });
        match asks.min() {
            None => high,
            Some(lowest) => {
                let steps = lowest.saturating_sub(low).div_ceil(step);
                low + steps.saturating_sub(1) * step
            }
        }
    };
    let price = market.cleared.map_or_else(gap, |(price, _)| price.0);
    let (at_low, at_high) = (price == low, price == high);
    MarketNumbers {
        low: [low - 1, low],
        below: match at_low {
            true => [low - 1, low],
            false => [price - step; 2],
        },
        price,
        above: match at_high {
            true => [high, high + 1],
            false => [price + step; 2],
        },
        high: [high, high + 1],
        most: market.most_lots(),
        cash: market.cleared.map_or(0, |(price, _)| price.0),
        rates: [market.fee.into(), market.rebate.into()],
        ..MarketNumbers::default()
    }
}

/// Where accounts and instruments begin and end, and the ranks above.
fn rank(rows: &mut [OrderRow]) {
    let same = |a: &OrderRow, b: &OrderRow| {
        [
            (a.instrument, a.account) == (b.instrument, b.account),
            a.instrument == b.instrument,
        ]
    };
    for i in 0..rows.len() {
        let above = i.checked_sub(1).map(|above| &rows[above]);
        let previous = above.map_or([0; RANK], OrderRow::rank);
        let starts = above.map_or([true; 2], |above| same(above, &rows[i]).map(|same| !same));
        let next = rows.get(i + 1);
        let ends = next.map_or([true; 2], |next| same(&rows[i], next).map(|same| !same));
        let row = &mut rows[i];
        (row.previous, row.starts, row.ends) = (previous, starts, ends);
    }
}

/// The product over the orders above each row, and once more behind the last.
fn products(table: &OrdersTable, rows: &[OrderRow]) -> Vec<[F; DEGREE]> {
    let mut product = std::array::from_fn(|i| F::from_bool(i == 0));
    let mut products = vec![product];
    for row in rows {
        let mut message = vec![felt(row.place as u64)];
        message.extend(row.commitment);
        product = multiply(&product, &table.challenge.factor(&message));
        products.push(product);
    }
    products
}
