//! The instruments of a batch, one a row: that the price of each is the one of the rule, and what its orders need to know.

use gadgets::compare::is_not_zero;
use gadgets::limbs::{Limbs, limb_of};
use gadgets::sum::Sum;
use market::auction::rule::Band;
use records::units::{Lots, Ticks};
use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace, fill};

use super::ladder::{CLASSES, LOTS_LIMBS, PRICE_CHUNKS, PRICE_LIMBS};
use super::orders::OrderRow;
use super::rule::{no_trade, optimal, ration};

/// Answers lookups of an instrument's number and all that an order needs to know of its auction.
pub const MARKETS: Bus = Bus::new("market");
/// `[instrument, sums of limbs by class]`: what is bid and offered, from the last order of an instrument.
pub const TOTALS: Bus = Bus::new("depth");
/// Classes in which lots are added up: of bids one step below the price, at it, above it; of asks below it, at it, one above.
pub const SUMS: usize = 6;
/// Limbs of what a row adds to them.
pub const SUM_LIMBS: usize = LOTS_LIMBS;
/// Limbs of what is bid or offered of an instrument: below 2^50, since fewer than 2^20 orders are.
pub const DEPTH_LIMBS: usize = 5;
/// Limbs of a rate.
const RATE_LIMBS: usize = 2;
/// Limbs of the draw: 32 bits.
pub(super) const DRAW_LIMBS: usize = 4;
/// Limbs of a number of steps: at most 2^30.
const STEP_LIMBS: usize = 4;

/// What is public of an instrument's auction.
#[derive(Clone, Debug)]
pub struct PublicMarket {
    /// The candidate prices.
    pub band: Band,
    /// Millionths.
    pub fee: u32,
    /// Millionths.
    pub rebate: u32,
    /// Where rationing starts.
    pub draw: u32,
    /// The price and the volume, if anything trades.
    pub cleared: Option<(Ticks<u64>, Lots)>,
    /// What is bid for and offered at the price, if the claim says it.
    pub depth: Option<[Lots; 2]>,
}

impl PublicMarket {
    /// Most lots of a side of an order: fewer than 2^30, worth less than 2^60 ticks at the band's upper end.
    pub fn most_lots(&self) -> u64 {
        let most = ((1u64 << 60) - 1) / self.band.high().0;
        most.min((1 << 30) - 1)
    }
}

/// One instrument a row: the row's number is the instrument's. Constraints MARKETS-1 to MARKETS-15: STATEMENT.md.
#[derive(Clone, Debug)]
pub struct MarketsTable {
    /// By the instrument's number; `None` for those that are not in the auction.
    pub markets: Vec<Option<PublicMarket>>,
    /// How many legs of one side all rows together can have, and one row more: little more than 2^16 at most.
    pub most_added: u64,
}

/// What a row of orders is told of its instrument's auction.
#[derive(Clone, Copy, Debug, Default)]
pub struct MarketNumbers {
    /// The band's lower end less one, and the lower end.
    pub low: [u64; 2],
    /// A step below the price, for asks and for bids: within the band, or just where the first's class is empty.
    pub below: [u64; 2],
    /// The price; where nothing trades, a price that shows it.
    pub price: u64,
    /// A step above the price, for asks and for bids.
    pub above: [u64; 2],
    /// The band's upper end, and the upper end and one.
    pub high: [u64; 2],
    /// Most lots of a side.
    pub most: u64,
    /// The price a lot; zero if nothing trades.
    pub cash: u64,
    /// Of the lots at the price on the rationed side: how many trade, how many there are, and where counting starts.
    pub rationing: [u64; 3],
    /// Whether asks are rationed, else bids.
    pub asks: bool,
    /// Fee and rebate.
    pub rates: [u64; 2],
}

impl MarketNumbers {
    /// As a message's elements, behind the number of the instrument.
    pub fn elements(&self) -> Vec<F> {
        let prices = [
            self.low[0],
            self.low[1],
            self.below[0],
            self.below[1],
            self.price,
            self.above[0],
            self.above[1],
            self.high[0],
            self.high[1],
            self.most,
        ];
        let chunk = |price: u64, c: usize| F::from_u64((price >> (20 * c)) % (1 << 20));
        let mut elements: Vec<F> = prices
            .iter()
            .flat_map(|&price| (0..PRICE_CHUNKS).map(move |c| chunk(price, c)))
            .collect();
        let mut limbs = |value: u64, count: usize| {
            elements.extend((0..count).map(|i| F::from_u64(limb_of(value.into(), i))));
        };
        limbs(self.cash, PRICE_LIMBS);
        for number in self.rationing {
            limbs(number, DEPTH_LIMBS);
        }
        limbs(u64::from(self.asks), 1);
        for rate in self.rates {
            limbs(rate, RATE_LIMBS);
        }
        elements
    }
}

/// Elements of a message behind the number of the instrument.
const ELEMENTS: usize = 10 * PRICE_CHUNKS + PRICE_LIMBS + 3 * DEPTH_LIMBS + 1 + 2 * RATE_LIMBS;

/// An instrument's auction as a row of orders knows it.
pub struct Market<E> {
    prices: [[E; PRICE_CHUNKS]; 9],
    /// Most lots of a side.
    pub most: [E; PRICE_CHUNKS],
    /// The price a lot; zero if nothing trades.
    pub price: Limbs<E>,
    /// Of the lots at the price on the rationed side: how many trade.
    pub traded: Limbs<E>,
    /// How many there are.
    pub marginal: Limbs<E>,
    /// Where counting starts.
    pub shift: Limbs<E>,
    /// Whether asks are rationed, else bids: a bit.
    pub asks: E,
    /// Millionths.
    pub fee: Limbs<E>,
    /// Millionths.
    pub rebate: Limbs<E>,
}

/// A message's elements, one after the other.
struct Elements<'a, E>(&'a [E]);

impl<E: stark::Expr> Elements<'_, E> {
    fn take<const N: usize>(&mut self) -> [E; N] {
        let (taken, left) = self.0.split_at(N);
        self.0 = left;
        std::array::from_fn(|i| taken[i].clone())
    }

    fn limbs<W, B: RowBuilder<W, E = E>, const N: usize>(&mut self, b: &mut B) -> Limbs<E> {
        Limbs::declared(b, "ORDERS-7", self.take::<N>().to_vec())
    }
}

impl<E: stark::Expr> Market<E> {
    /// Looks an instrument's auction up on a row with an order.
    pub fn look_up<B: RowBuilder<OrderRow, E = E>>(b: &mut B, active: &E, instrument: &E) -> Self {
        let unused = b.one() - active.clone();
        let elements: Vec<E> = (0..ELEMENTS)
            .map(|i| {
                let cell = b.cell(|w| w.market.get(i).copied().unwrap_or_default());
                b.zero("ORDERS-2", unused.clone() * cell.clone());
                cell
            })
            .collect();
        let mut message = vec![instrument.clone()];
        message.extend_from_slice(&elements);
        b.lookup(MARKETS, instrument, active.clone(), &message);
        let mut rest = Elements(&elements);
        let market = Self {
            prices: std::array::from_fn(|_| rest.take()),
            most: rest.take(),
            price: rest.limbs::<_, _, PRICE_LIMBS>(b),
            traded: rest.limbs::<_, _, DEPTH_LIMBS>(b),
            marginal: rest.limbs::<_, _, DEPTH_LIMBS>(b),
            shift: rest.limbs::<_, _, DEPTH_LIMBS>(b),
            asks: rest.take::<1>()[0].clone(),
            fee: rest.limbs::<_, _, RATE_LIMBS>(b),
            rebate: rest.limbs::<_, _, RATE_LIMBS>(b),
        };
        b.bounded("ORDERS-7", &market.asks, 0, 1);
        market
    }

    /// The prices at which classes of limits meet, rising: each class of a bid begins with one, each of an ask ends with one.
    pub fn thresholds(&self, is_bid: bool) -> [[E; PRICE_CHUNKS]; CLASSES - 1] {
        let places = match is_bid {
            true => [1, 3, 4, 6, 8],
            false => [0, 2, 4, 5, 7],
        };
        places.map(|i| self.prices[i].clone())
    }
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub struct MarketRow {
    /// Steps from the band's lower end to the price; where nothing trades, to a price that shows it.
    pub steps: u64,
    /// Whether it has orders.
    pub met: bool,
    /// What is bid and offered in each class: sums of limbs.
    pub sums: [[i64; SUM_LIMBS]; SUMS],
    /// Which is larger at the price, demand or supply; `None` if nothing trades.
    pub pressure: Option<std::cmp::Ordering>,
    /// Where nothing trades: whether nothing is bid at all.
    pub no_bids: bool,
    /// How often it is looked up.
    pub multiplicity: u32,
}

/// Fixed columns, in this order: numbers of so many elements.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(super) enum Column {
    Used,
    Number,
    Traded,
    /// Whether the price is below the reference, and whether it is above.
    BelowReference,
    AboveReference,
    Shown,
    /// Chunks.
    LowLess,
    Low,
    High,
    HighMore,
    Most,
    /// Limbs.
    LowLimbs,
    Step,
    Steps,
    Price,
    Volume,
    Demand,
    Supply,
    Fee,
    Rebate,
    Draw,
}

/// Elements of each column.
const WIDTHS: [usize; 21] = [
    1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 4, 4, 4, 4, 5, 5, 5, 2, 2, 4,
];

impl Column {
    pub fn range(self) -> std::ops::Range<usize> {
        let first = WIDTHS[..self as usize].iter().sum();
        first..first + WIDTHS[self as usize]
    }
}

impl MarketsTable {
    /// What a [`Tally`] must count for this table.
    pub fn tallied(&self) -> (Bus, usize) {
        (MARKETS, 1 << self.log_height())
    }

    /// The trace that answers what was tallied.
    pub fn trace(&self, air: &TableAir, tally: &Tally, rows: &[MarketRow]) -> Trace {
        fill(self, air, tally, |row| MarketRow {
            multiplicity: tally.count(MARKETS, row),
            ..rows.get(row).cloned().unwrap_or_default()
        })
    }

    /// A row's public elements, in the order of the columns.
    fn public_elements(&self, row: usize) -> Vec<F> {
        let Some(market) = self.markets.get(row).and_then(Option::as_ref) else {
            let mut elements = vec![F::ZERO; WIDTHS.iter().sum()];
            elements[Column::Number.range().start] = F::from_usize(row);
            return elements;
        };
        let PublicMarket {
            band,
            cleared,
            depth,
            ..
        } = market;
        let (low, high) = (band.low().0, band.high().0);
        let (price, volume) = cleared.map_or((0, 0), |(price, volume)| (price.0, volume.0));
        let is = |holds: bool| u64::from(holds && cleared.is_some());
        let [demand, supply] = depth.unwrap_or_default().map(|lots| lots.0);
        let reference = band.reference().0;
        let numbers: [u64; 21] = [
            1,
            row as u64,
            is(true),
            is(price < reference),
            is(price > reference),
            is(depth.is_some()),
            low - 1,
            low,
            high,
            high + 1,
            market.most_lots(),
            low,
            band.step().0,
            (high - low) / band.step().0,
            price,
            volume,
            demand,
            supply,
            market.fee.into(),
            market.rebate.into(),
            market.draw.into(),
        ];
        let bits = |column: usize| match column {
            _ if column >= Column::LowLimbs as usize => 10,
            _ => 20,
        };
        let columns = numbers.iter().zip(WIDTHS).enumerate();
        columns
            .flat_map(|(column, (&number, width))| {
                let bits = bits(column);
                (0..width).map(move |i| F::from_u64((number >> (bits * i)) % (1 << bits)))
            })
            .collect()
    }
}

impl Table for MarketsTable {
    type Row = MarketRow;

    fn name(&self) -> &'static str {
        "markets"
    }

    fn log_height(&self) -> usize {
        let rows = self.markets.len().next_power_of_two();
        (rows.ilog2() as usize).max(stark::MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let rows: Vec<Vec<F>> = (0..1 << self.log_height())
            .map(|row| self.public_elements(row))
            .collect();
        (0..WIDTHS.iter().sum())
            .map(|column| rows.iter().map(|row| row[column]).collect())
            .collect()
    }

    fn row<B: RowBuilder<MarketRow>>(&self, b: &mut B) {
        let pin = |b: &mut B, column: Column| -> Vec<B::E> {
            let columns = column.range();
            columns.map(|i| b.pinned("MARKETS-1", i)).collect()
        };
        let number = pin(b, Column::Number);
        let [low_less, low, high, high_more, most] = [
            Column::LowLess,
            Column::Low,
            Column::High,
            Column::HighMore,
            Column::Most,
        ]
        .map(|column| pin(b, column));
        let [cash, fee, rebate] =
            [Column::Price, Column::Fee, Column::Rebate].map(|column| pin(b, column));
        let price = read_price(b);
        let [below, above] = neighbours(b, &price);
        let choose = |b: &mut B, end: &B::E, from: &[B::E], to: &[B::E]| -> Vec<B::E> {
            let pairs = from.iter().zip(to);
            pairs
                .map(|(from, to)| {
                    let value = from.clone() + end.clone() * (to.clone() - from.clone());
                    let cell = b.derive([&value], |[v]| v);
                    b.equal("MARKETS-3", cell.clone(), value);
                    cell
                })
                .collect()
        };
        let (below, above) = (below.chunks().to_vec(), above.chunks().to_vec());
        let below_ask = choose(b, &price.at_low, &below, &low_less);
        let above_bid = choose(b, &price.at_high, &above, &high_more);
        let depth = self.depth(b, &number[0]);
        let branch = optimal(b, &price, &depth);
        let no_bids = no_trade(b, &price, &depth);
        let rationing = ration(b, &branch, &no_bids, &depth);
        let mut message = number;
        for chunks in [
            low_less,
            low,
            below_ask,
            below,
            price.limbs.chunks().to_vec(),
            above,
            above_bid,
            high,
            high_more,
            most,
            cash,
        ] {
            message.extend(chunks);
        }
        message.extend(rationing);
        message.extend(fee.into_iter().chain(rebate));
        let multiplicity = b.multiplicity(|w| F::new(w.multiplicity));
        b.provide(MARKETS, multiplicity, &message);
    }
}

/// The price, or the one that shows that nothing trades.
pub(super) struct Price<E> {
    pub limbs: Limbs<E>,
    /// Whether it is the band's lower or upper end: bits.
    pub at_low: E,
    pub at_high: E,
}

pub(super) fn column<B: RowBuilder<MarketRow>>(b: &B, column: Column) -> B::E {
    b.fixed(column.range().start)
}

/// A candidate: the lower end and so many steps. Where something trades, the claim's.
fn read_price<B: RowBuilder<MarketRow>>(b: &mut B) -> Price<B::E> {
    let id = "MARKETS-2";
    let steps = Limbs::read(b, STEP_LIMBS, |w: &MarketRow| w.steps.into());
    let [low, step, most] = [Column::LowLimbs, Column::Step, Column::Steps]
        .map(|column| Limbs::fixed(b, id, column.range()));
    let value = low.sum().plus(&Sum::product(&steps.sum(), &step.sum()));
    let limbs = value.limbs_in(b, id, PRICE_LIMBS);
    let rest = most.sum().minus(&steps.sum()).limbs_in(b, id, STEP_LIMBS);
    let [at_low, at_high] = [steps, rest].map(|limbs| {
        // Zero only if all limbs are.
        let sum = limbs.into_iter().sum();
        let is_not = is_not_zero(b, &sum);
        b.one() - is_not
    });
    let traded = column(b, Column::Traded);
    for (limb, i) in limbs.iter().zip(Column::Price.range()) {
        let stated = b.fixed(i);
        b.zero(id, traded.clone() * (limb.clone() - stated));
    }
    Price {
        limbs,
        at_low,
        at_high,
    }
}

/// The price a step below and above; beyond the band's ends the price itself.
fn neighbours<B: RowBuilder<MarketRow>>(b: &mut B, price: &Price<B::E>) -> [Limbs<B::E>; 2] {
    let id = "MARKETS-3";
    let step = Limbs::fixed(b, id, Column::Step.range());
    let [not_low, not_high] = [&price.at_low, &price.at_high].map(|end| b.one() - end.clone());
    let below = price.limbs.sum().minus(&step.sum().times_bit(&not_low));
    let above = price.limbs.sum().plus(&step.sum().times_bit(&not_high));
    [below, above].map(|sum| sum.limbs_in(b, id, PRICE_LIMBS))
}

/// What is bid for and offered.
pub(super) struct Depth<E> {
    /// By class.
    pub sums: [Sum<E>; SUMS],
    /// A step below the price, at it, a step above.
    pub demand: [Limbs<E>; 3],
    pub supply: [Limbs<E>; 3],
}

impl MarketsTable {
    fn depth<B: RowBuilder<MarketRow>>(&self, b: &mut B, number: &B::E) -> Depth<B::E> {
        let id = "MARKETS-4";
        let used = column(b, Column::Used);
        let met = b.bit(id, |w| w.met);
        b.zero(id, met.clone() * (b.one() - used));
        let most = self.most_added * gadgets::limbs::LIMB_MAX;
        let mut message = vec![number.clone()];
        let sums = std::array::from_fn(|i| {
            let limbs: Vec<B::E> = (0..SUM_LIMBS)
                .map(|j| {
                    let cell = b.cell(|w| F::from_i64(w.sums[i][j]));
                    b.zero(id, (b.one() - met.clone()) * cell.clone());
                    cell
                })
                .collect();
            message.extend_from_slice(&limbs);
            Sum::declared(b, id, limbs, most)
        });
        b.receive(TOTALS, met, &message);
        let total = |b: &mut B, classes: std::ops::Range<usize>| {
            let classes: &[Sum<B::E>] = &sums[classes];
            let sum = classes
                .iter()
                .fold(Sum::zero(), |sum, class| sum.plus(class));
            sum.limbs_in(b, id, DEPTH_LIMBS)
        };
        let demand = [0, 1, 2].map(|from| total(b, from..3));
        let supply = [4, 5, 6].map(|to| total(b, 3..to));
        Depth {
            sums,
            demand,
            supply,
        }
    }
}
