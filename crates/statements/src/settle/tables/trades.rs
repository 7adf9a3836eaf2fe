//! What becomes of a touched account's positions, and the cash that comes of it.

use gadgets::compare::is_not_zero;
use gadgets::limbs::{AMOUNT_LIMBS, Amount, LIMB_MAX, Limbs, join};
use gadgets::range::limb;
use gadgets::sponge::QUADS;
use gadgets::sum::Sum;
use market::{Position, Side};
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, When as Rows};

use super::prices::PRICE_LIMBS;
use super::{CLOSING, FILLS, FLOWS, PRICES, is_nonzero, number};
use crate::margin::tables::HELD;
use crate::settle::plan::{Plan, TIMES, When};

/// Limbs of lots.
pub(crate) const LOT_LIMBS: usize = 3;
/// The bound on a coefficient of the cash of one row.
pub(crate) const FLOW_BOUND: u64 = 6 * LIMB_MAX;

/// As many rows an account as it has slots. A row is an instrument in which it has a position before or after, with numbers that rise;
/// unused rows are the last of an account.
///
/// - TRADES-1: the row's number, its account and its place in the account.
/// - TRADES-2: which rows are used, and that their instruments rise; an unused row has none.
/// - TRADES-3: a position that is not there has no lots, entry and side; a row holds or trades something, or an order asks for it.
/// - TRADES-4: a fill that is not there has no lots, cash, charge and side.
/// - TRADES-5: how many lots are left and opened, and those and the side of the position after.
/// - TRADES-6: the entry that is kept is the entry times the lots left over the lots before, rounded down.
/// - TRADES-7: the entry after is what is kept and the opened lots at the price; the fill's cash is its lots at the price.
/// - TRADES-8: the cash: what closed lots bring less the entry that is not kept, with the sign of the position, and less the charge,
///   or with it for a quote; and its sum over the rows of the account.
/// - TRADES-10: lots whose purchase and whose sale would close the position before.
/// - TRADES-11: lots do not count for what is free only if an order asks, which says how many.
/// - TRADES-9: where the positions stand in the leaves: those that are there in their order, empty slots behind.
#[derive(Clone, Debug)]
pub(crate) struct TradesTable {
    pub plan: Plan,
}

/// What an order traded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traded {
    pub side: Side,
    pub lots: u64,
    pub cash: u64,
    /// The fee, or the rebate of a quote.
    pub charge: u64,
    pub quote: bool,
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct TradeRow {
    pub row: usize,
    /// Whether the account is used.
    pub active: bool,
    /// The instrument, if the row is used.
    pub instrument: Option<usize>,
    /// How many numbers lie between it and the next row's.
    pub step: usize,
    /// The position before and after.
    pub positions: [Option<Position>; 2],
    pub fill: Option<Traded>,
    /// The instrument's price, which every fill has.
    pub price: u64,
    /// Positions before and after in the account's rows above.
    pub ranks: [usize; 2],
    /// The sum of the account's rows above.
    pub flow: [F; AMOUNT_LIMBS],
    /// How many orders ask for it.
    pub asked: u32,
    /// Lots that don't count for what is free, since the account's only order closes them.
    pub closed: u64,
}

impl TradeRow {
    fn lots(&self, when: When) -> u64 {
        self.positions[when as usize].map_or(0, |p| p.lots.0)
    }

    fn entry(&self, when: When) -> u64 {
        self.positions[when as usize].map_or(0, |p| p.entry)
    }

    fn is_short(&self, when: When) -> bool {
        self.positions[when as usize].is_some_and(|p| p.side == Side::Short)
    }

    fn fill(&self, of: impl Fn(&Traded) -> u64) -> u64 {
        self.fill.as_ref().map_or(0, of)
    }

    /// Lots that stay open of the position before.
    fn left(&self) -> u64 {
        let (held, traded) = (self.lots(When::Before), self.fill(|f| f.lots));
        let opposite = self.positions[0]
            .zip(self.fill)
            .is_some_and(|(p, f)| p.side != f.side);
        match opposite {
            true => held.saturating_sub(traded),
            false => held,
        }
    }

    /// Lots that are opened by the trade.
    fn opened(&self) -> u64 {
        (self.left() + self.fill(|f| f.lots)).saturating_sub(self.lots(When::Before))
    }

    /// The entry of the lots left, and the remainder of the division.
    pub(crate) fn kept(&self) -> (u64, u64) {
        let held = u128::from(self.lots(When::Before));
        let product = u128::from(self.entry(When::Before)) * u128::from(self.left());
        match held {
            0 => (0, 0),
            _ => ((product / held) as u64, (product % held) as u64),
        }
    }
}

// Fixed columns.
/// The last row of an account.
const LAST: usize = 0;
/// Rows of the account below.
const BELOW: usize = 1;

/// Where a row stands.
struct Place<E> {
    row: E,
    account: E,
    active: E,
    used: E,
    instrument: E,
    last: E,
}

/// A position before or after.
struct Held<E> {
    present: E,
    short: E,
    lots: Limbs<E>,
    entry: Amount<E>,
}

/// A fill.
struct Fill<E> {
    sells: E,
    lots: Limbs<E>,
    cash: Amount<E>,
    charge: Amount<E>,
    quote: E,
}

impl Table for TradesTable {
    type Row = TradeRow;

    fn name(&self) -> &'static str {
        "trades"
    }

    fn log_height(&self) -> usize {
        self.plan.log_touched + self.plan.slots.ilog2() as usize
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let slots = self.plan.slots;
        let below = |row: usize| F::from_usize(slots - 1 - row);
        let last = (0..slots).map(|row| F::from_bool(row + 1 == slots));
        vec![last.collect(), (0..slots).map(below).collect()]
    }

    fn row<B: RowBuilder<TradeRow>>(&self, b: &mut B) {
        let place = self.place(b);
        let fill = self.fill(b, &place);
        let (before, closed) = self.before(b, &place, &fill);
        let price = self.price(b, &place, &fill);
        let (after, kept, opposite) = self.trade(b, &before, &fill, &price);
        self.flow(b, &place, [&before, &after], &kept, &opposite, &fill);
        self.positions(b, &place, [&before, &after], &closed);
    }
}

/// Lots, in limbs.
fn lots<B: RowBuilder<TradeRow>>(b: &mut B, of: impl Fn(&TradeRow) -> u64) -> Limbs<B::E> {
    Limbs::read(b, LOT_LIMBS, |w: &TradeRow| of(w).into())
}

impl TradesTable {
    fn place<B: RowBuilder<TradeRow>>(&self, b: &mut B) -> Place<B::E> {
        let id = "TRADES-1";
        let slots = self.plan.slots;
        let row = number(b, id, |w: &TradeRow| w.row);
        let last = b.pinned(id, LAST);
        let (account, next) = b.state(|w| F::from_usize(w.row / slots));
        b.assert_zero(id, Rows::First, account.clone());
        b.assert_zero(id, Rows::Transition, next - account.clone() - last.clone());
        let goes_on = b.one() - last.clone();

        let id = "TRADES-2";
        let (active, next) = b.state(|w| F::from_bool(w.active));
        b.boolean(id, &active);
        let change = next - active.clone();
        b.assert_zero(id, Rows::Transition, goes_on.clone() * change);
        let (used, next_used) = b.state(|w| F::from_bool(w.instrument.is_some()));
        b.boolean(id, &used);
        let unused = b.one() - used.clone();
        b.zero(id, (b.one() - active.clone()) * used.clone());
        let again = next_used.clone() * unused.clone();
        b.assert_zero(id, Rows::Transition, goes_on.clone() * again);
        let (instrument, next) = b.state(|w| F::from_usize(w.instrument.unwrap_or(0)));
        limb(b, instrument.clone());
        b.zero(id, unused * instrument.clone());
        let step = b.cell(|w| F::from_usize(w.step));
        limb(b, step.clone());
        b.zero(id, last.clone() * step.clone());
        let none = b.one() - next_used.clone();
        b.assert_zero(id, Rows::Transition, none * step.clone());
        let rise = next - instrument.clone() - b.one() - step;
        b.assert_zero(id, Rows::Transition, goes_on * next_used * rise);
        Place {
            row,
            account,
            active,
            used,
            instrument,
            last,
        }
    }

    /// What an order of the account trades in the instrument, if one does.
    fn fill<B: RowBuilder<TradeRow>>(&self, b: &mut B, place: &Place<B::E>) -> Fill<B::E> {
        let id = "TRADES-4";
        let trades = b.bit(id, |w| w.fill.is_some());
        let none = b.one() - trades.clone();
        b.zero("TRADES-2", (b.one() - place.used.clone()) * trades.clone());
        let sells = b.bit(id, |w| w.fill.is_some_and(|f| f.side == Side::Short));
        let quote = b.bit(id, |w| w.fill.is_some_and(|f| f.quote));
        let lots = lots(b, |w| w.fill(|f| f.lots));
        let cash = Amount::read(b, |w: &TradeRow| w.fill(|f| f.cash));
        let charge = Amount::read(b, |w: &TradeRow| w.fill(|f| f.charge));
        let mut message = vec![sells.clone(), join(&lots)];
        message.extend(cash.halves().into_iter().chain(charge.halves()));
        message.push(quote.clone());
        for element in &message {
            b.zero(id, none.clone() * element.clone());
        }
        let mut whole = vec![place.account.clone(), place.instrument.clone()];
        whole.extend(message);
        b.receive(FILLS, trades.clone(), &whole);
        Fill {
            sells,
            lots,
            cash,
            charge,
            quote,
        }
    }

    /// The position before, and its lots that don't count for what is free.
    fn before<B: RowBuilder<TradeRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        fill: &Fill<B::E>,
    ) -> (Held<B::E>, B::E) {
        let id = "TRADES-3";
        let present = b.bit(id, |w| w.positions[0].is_some());
        let short = b.bit(id, |w| w.is_short(When::Before));
        let lots = lots(b, |w| w.lots(When::Before));
        let entry = Amount::read(b, |w: &TradeRow| w.entry(When::Before));
        let absent = b.one() - present.clone();
        let [low, high] = entry.halves();
        for value in [&short, &join(&lots), &low, &high] {
            b.zero(id, absent.clone() * value.clone());
        }
        let unused = b.one() - place.used.clone();
        b.zero(id, unused * present.clone());
        // What closes the position, for whoever asks.
        let multiplicity = b.cell(|w| F::new(w.asked));
        let whole = join(&lots);
        let buys = b.derive([&short, &whole], |[short, lots]| short * lots);
        b.zero("TRADES-10", buys.clone() - short.clone() * whole.clone());
        let mut message = vec![
            place.row.clone(),
            place.account.clone(),
            place.instrument.clone(),
        ];
        let closed = b.cell(|w| F::from_u64(w.closed));
        message.extend([buys.clone(), whole - buys, closed.clone()]);
        b.provide(CLOSING, multiplicity.clone(), &message);
        b.zero(id, (b.one() - place.used.clone()) * multiplicity.clone());
        // Lots of a fill are zero if there is none: a used row holds or trades something, or an order asks for it.
        let asked = is_nonzero(b, id, &multiplicity);
        b.zero("TRADES-11", (b.one() - asked.clone()) * closed.clone());
        let traded = is_nonzero(b, id, &join(&fill.lots));
        let idle = b.derive([&traded, &asked], |[traded, asked]| {
            (F::ONE - traded) * (F::ONE - asked)
        });
        let neither = (b.one() - traded) * (b.one() - asked);
        b.zero(id, idle.clone() - neither);
        b.zero(id, place.used.clone() * absent * idle);
        let held = Held {
            present,
            short,
            lots,
            entry,
        };
        (held, closed)
    }

    /// The instrument's price, which every fill has.
    fn price<B: RowBuilder<TradeRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        fill: &Fill<B::E>,
    ) -> Limbs<B::E> {
        let limbs: Vec<B::E> = (0..PRICE_LIMBS)
            .map(|i| b.cell(|w| F::from_u64(gadgets::limbs::limb_of(w.price.into(), i))))
            .collect();
        let mut message = vec![place.instrument.clone()];
        message.extend(limbs.iter().cloned());
        let one = b.one();
        b.lookup(PRICES, &place.instrument, one, &message);
        // Prices are above zero; zero says that nothing traded.
        let has = is_not_zero(b, &limbs.iter().cloned().sum());
        for lots in &fill.lots {
            b.zero("TRADES-7", lots.clone() * (b.one() - has.clone()));
        }
        Limbs::declared(b, "TRADES-7", limbs)
    }

    /// The position after, the entry that is kept, and whether position and fill have opposite sides.
    fn trade<B: RowBuilder<TradeRow>>(
        &self,
        b: &mut B,
        before: &Held<B::E>,
        fill: &Fill<B::E>,
        price: &Limbs<B::E>,
    ) -> (Held<B::E>, Amount<B::E>, B::E) {
        let id = "TRADES-5";
        let other = b.derive([&before.short, &fill.sells], |[a, c]| {
            a + c - F::TWO * a * c
        });
        let product = before.short.clone() * fill.sells.clone();
        let differ = before.short.clone() + fill.sells.clone() - product.clone() - product;
        b.zero(id, other.clone() - differ);
        let opposite = b.derive([&before.present, &other], |[a, c]| a * c);
        b.zero(id, opposite.clone() - before.present.clone() * other);
        let left = lots(b, TradeRow::left);
        let opened = lots(b, TradeRow::opened);
        let after_lots = lots(b, |w| w.lots(When::After));
        let sum = before.lots.sum().plus(&opened.sum());
        sum.minus(&fill.lots.sum())
            .minus(&left.sum())
            .assert_zero_narrow(b, id);
        let [held, left_lots, opened_lots] = [&before.lots, &left, &opened].map(|l| join(l));
        let same = b.one() - opposite.clone();
        b.zero(id, same * (left_lots.clone() - held));
        b.zero(id, opposite.clone() * left_lots.clone() * opened_lots);
        let sum = left.sum().plus(&opened.sum());
        sum.minus(&after_lots.sum()).assert_zero_narrow(b, id);
        let present = is_nonzero(b, id, &join(&after_lots));
        let stays = is_nonzero(b, id, &left_lots);
        let short = b.derive(
            [&stays, &before.short, &fill.sells],
            |[stays, held, sells]| sells + stays * (held - sells),
        );
        let side = stays * (before.short.clone() - fill.sells.clone()) + fill.sells.clone();
        b.zero(id, short.clone() - side);

        let id = "TRADES-6";
        let kept = Amount::read(b, |w: &TradeRow| w.kept().0);
        let rest = lots(b, |w| w.kept().1);
        let slack = lots(b, |w| w.lots(When::Before).saturating_sub(w.kept().1 + 1));
        let absent = b.one() - before.present.clone();
        for half in kept.halves() {
            b.zero(id, absent.clone() * half);
        }
        let one = Sum::bit(b, id, before.present.clone());
        let most = rest.sum().plus(&slack.sum()).plus(&one);
        most.minus(&before.lots.sum()).assert_zero_narrow(b, id);
        Sum::product(&before.entry.to_sum(), &left.sum())
            .minus(&Sum::product(&kept.to_sum(), &before.lots.sum()))
            .minus(&rest.sum())
            .assert_zero(b, id);

        let id = "TRADES-7";
        let entry = Amount::read(b, |w: &TradeRow| w.entry(When::After));
        Sum::product(&opened.sum(), &price.sum())
            .plus(&kept.to_sum())
            .minus(&entry.to_sum())
            .assert_zero(b, id);
        Sum::product(&fill.lots.sum(), &price.sum())
            .minus(&fill.cash.to_sum())
            .assert_zero(b, id);
        let after = Held {
            present,
            short,
            lots: after_lots,
            entry,
        };
        (after, kept, opposite)
    }

    /// The cash of the trade, added up over the account's rows.
    fn flow<B: RowBuilder<TradeRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        [before, after]: [&Held<B::E>; 2],
        kept: &Amount<B::E>,
        opposite: &B::E,
        fill: &Fill<B::E>,
    ) {
        let id = "TRADES-8";
        // What closed lots bring is the fill's cash less what opened lots cost: with the entry after, which is that and the kept one.
        let sign = b.derive([opposite, &before.short], |[opposite, short]| {
            opposite - F::TWO * opposite * short
        });
        let short = opposite.clone() * before.short.clone();
        b.zero(id, sign.clone() - opposite.clone() + short.clone() + short);
        let kept = kept.to_sum();
        let gain = fill.cash.to_sum().plus(&kept).plus(&kept);
        let gain = gain
            .minus(&after.entry.to_sum())
            .minus(&before.entry.to_sum());
        let pays = b.one() - fill.quote.clone() - fill.quote.clone();
        let charge = fill.charge.to_sum().times_bit(&pays);
        let flow = gain.times_bit(&sign).minus(&charge).in_cells(b, id);
        let mut message = vec![place.account.clone(), place.active.clone()];
        for (i, cell) in flow.coefficients().iter().enumerate() {
            let (sum, next) = b.state(|w| w.flow[i]);
            b.assert_zero(id, Rows::First, sum.clone());
            let total = sum + cell.clone();
            let goes_on = b.one() - place.last.clone();
            b.assert_zero(id, Rows::Transition, next - goes_on * total.clone());
            message.push(total);
        }
        b.send(FLOWS, place.last.clone(), &message);
    }

    /// Where the position stands in each leaf.
    fn positions<B: RowBuilder<TradeRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        held: [&Held<B::E>; 2],
        closed: &B::E,
    ) {
        let id = "TRADES-9";
        let below = b.pinned("TRADES-1", BELOW);
        let goes_on = b.one() - place.last.clone();
        let slots = F::from_usize(self.plan.slots);
        for (when, held) in TIMES.into_iter().zip(held) {
            let (rank, next) = b.state(|w| F::from_usize(w.ranks[when as usize]));
            b.assert_zero(id, Rows::First, rank.clone());
            let above = rank.clone() + held.present.clone();
            b.assert_zero(id, Rows::Transition, next - goes_on.clone() * above);
            // Empty slots stand behind, those of rows above last.
            let absent = b.one() - held.present.clone();
            let slot = rank + absent * below.clone();
            let slot = {
                let cell = b.derive([&slot], |[v]| v);
                b.zero(id, cell.clone() - slot);
                cell
            };
            let number = place.instrument.clone() + place.instrument.clone() + b.one();
            let key = held.present.clone() * (number + held.short.clone());
            let key = {
                let cell = b.derive([&key], |[v]| v);
                b.zero(id, cell.clone() - key);
                cell
            };
            let start = F::from_usize(self.plan.positions_address(when, 0));
            let address = place.account.clone() * slots + slot + start;
            let mut message = vec![address, key, join(&held.lots)];
            message.extend(held.entry.halves());
            let one = b.one();
            // The lines of the margin tables open the positions before, and tell them.
            match when {
                When::Before => {
                    message.push(closed.clone());
                    b.receive(HELD, one, &message);
                }
                When::After => b.send(QUADS, one, &message),
            }
        }
    }
}
