//! Receipts of the batch, and the orders that they are of.

use gadgets::compare::{Chunks, assert_at_most_less};
use gadgets::hash::{
    DIGEST, Digest, Domain, HEAD, RATE, hash_row, hash_row_with_head, wide_hash_row_with_head,
};
use gadgets::limbs::{Amount, CHUNKS, chunks_of};
use gadgets::range::limb;
use market::MAX_LOTS;
use stark::{F, Field, PrimeCharacteristicRing, RowBuilder, Table, When as Rows};

use super::prices::LotTerms;
use super::reserve::{Order, RESERVE_LIMBS};
use super::{ACCOUNTS, CLOSING, FILLS, GAPS, RESERVES, first, is_nonzero, number};
use crate::ordered::{TREE, accumulate, nodes, slot};
use crate::orders::{LEVEL, Opening, Outcome, Status};
use crate::owner::one_time;
use crate::settle::plan::{ORDERS_REGISTER, Plan, ROOM_REGISTER};

/// A slot of the part's tree of receipts a row, and, but on row 0, a node of the tree (see [`crate::ordered`]).
///
/// - ORDERS-1: the row's number, the first and the last row.
/// - ORDERS-2: whether the slot is used; an unused one holds zeros, and its receipt is a zero digest.
/// - ORDERS-3: the order's flags are bits, and its status is one of the list's.
/// - ORDERS-4: only an order that took part trades, on one side, and its fill goes to the account's position.
/// - ORDERS-5: an order is refused for its secret if and only if that is not the account's for the batch.
/// - ORDERS-6: an order of nobody has a key between those of two neighbours in the book.
/// - ORDERS-7: an order that takes part is of an account in which enough is free, one refused for its margin is not.
/// - ORDERS-8: which orders something must be free for; of these alone there are numbers.
/// - ORDERS-9: the most that may trade: what closes the position if the order only reduces, else without bound; so says its receipt.
/// - ORDERS-10: unused rows have the slots that are left, rising.
/// - ORDERS-11: lots that the account's only order closes, and whether that brings cash, are what this order says if it is that one.
/// - RESERVE-1 to RESERVE-6: what must be free (see [`super::reserve`]).
#[derive(Clone, Debug)]
pub(crate) struct OrdersTable {
    pub plan: Plan,
    /// Digits of a lot's worst value.
    pub digits: usize,
    /// The root of the part's subtree.
    pub root: Digest,
    /// What stands for venue and batch in its orders.
    pub session: [F; 2],
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderRow {
    pub row: usize,
    /// log2 of the rows.
    pub log_height: usize,
    /// Orders above, and those of them that have no room.
    pub above: [i64; 2],
    /// The receipt's slot in the part's tree, and how many slots of others follow before that of the next row, if both are unused.
    pub slot: usize,
    /// See [`slot`](Self::slot).
    pub gap: usize,
    /// The digests of nodes `2 row` and `2 row + 1`.
    pub children: [Digest; 2],
    /// `None` in an unused slot.
    pub order: Option<Placed>,
}

/// An order and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub opening: Opening,
    pub outcome: Outcome,
    /// The row of its account, if it exists; else the gap in which its key is.
    pub account: usize,
    /// The digest of the account's secret for the batch; zeros if there is no account.
    pub secret: Digest,
    /// The keys around the gap, if there is no account.
    pub gap: [Option<u64>; 2],
    /// Whether too little is free in the account for its orders.
    pub short: bool,
    /// Whether the account's only order closes, and whether that brings cash.
    pub only_closes: [bool; 2],
    /// Whether this is that order.
    pub closes: bool,
    /// If something must be free for the order: the row of its account and instrument in the table of trades, the lots whose purchase
    /// and whose sale would close its position, and what is public of the instrument.
    pub row: usize,
    pub holds: [u64; 2],
    pub terms: LotTerms,
}

impl Placed {
    /// Whether its account exists.
    pub fn is_known(&self) -> bool {
        self.outcome.status != Status::NoAccount
    }

    /// Whether something must be free for the order: it takes part, or would.
    pub fn counts(&self) -> bool {
        matches!(self.outcome.status, Status::TookPart | Status::Margin)
    }
}

// Public values: the root, what stands for venue and batch.
const ROOT: usize = 0;
const SESSION: usize = DIGEST;

/// An order's place and terms.
struct Terms<E> {
    instrument: E,
    quote: E,
    reduces: E,
    key: [E; 2],
    head: [E; HEAD],
    elements: Vec<E>,
    secret: Vec<E>,
}

impl Table for OrdersTable {
    type Row = OrderRow;

    fn name(&self) -> &'static str {
        "orders"
    }

    fn log_height(&self) -> usize {
        self.plan.log_receipts
    }

    fn public(&self) -> Vec<F> {
        self.root.into_iter().chain(self.session).collect()
    }

    fn row<B: RowBuilder<OrderRow>>(&self, b: &mut B) {
        let row = number(b, "ORDERS-1", |w: &OrderRow| w.row);
        let first = first(b, "ORDERS-1", |w: &OrderRow| w.row);
        let (used, next_used) = b.state(|w| F::from_bool(w.order.is_some()));
        b.boolean("ORDERS-2", &used);
        let last = b.cell(|w| F::from_bool(w.row + 1 == 1 << w.log_height));
        let one = b.one();
        b.assert_zero("ORDERS-1", Rows::Last, last.clone() - one);
        b.assert_zero("ORDERS-1", Rows::Transition, last.clone());
        let terms = self.terms(b, &used);
        let status = self.status(b, &used);
        let room = &status[Status::Room as usize];
        for (at, (register, counted)) in [(ORDERS_REGISTER, &used), (ROOM_REGISTER, room)]
            .into_iter()
            .enumerate()
        {
            let counted = std::slice::from_ref(counted);
            accumulate(b, &last, register, counted, |w: &OrderRow, _| w.above[at]);
        }
        let wide: [B::E; RATE] =
            wide_hash_row_with_head(b, Domain::Order, &terms.head, &terms.elements);
        let tag = &wide[DIGEST..];
        let (account, only_closes) = self.account(b, &used, &status, &terms);
        let outcome = self.outcome(b, &used, &status, &terms, &account);
        self.reserve(
            b,
            &used,
            &status,
            &terms,
            (&account, &only_closes),
            &outcome[6..],
        );
        let place = cell(b, &used, |o| F::from_usize(o.outcome.place));
        let number = status.iter().enumerate();
        let number = number.fold(b.constant(F::ZERO), |sum, (i, bit)| {
            sum + bit.clone() * F::from_usize(i)
        });
        let zero = b.constant(F::ZERO);
        let head = [number, place, zero.clone(), zero];
        let elements: Vec<B::E> = tag.iter().chain(&outcome).cloned().collect();
        let receipt = hash_row_with_head(b, Domain::Outcome, &head, &elements);
        // In the slot that the auction's tree has it in.
        let slot = slot(b, "ORDERS-10", [&used, &next_used], |w: &OrderRow| {
            [w.slot, w.gap]
        });
        let mut message = vec![slot + F::from_usize(self.plan.receipts())];
        message.extend(receipt.map(|d| d * used.clone()));
        let one = b.one();
        b.send(TREE, one, &message);
        nodes(b, TREE, ROOT, |w: &OrderRow| w.children, [&row, &first]);
    }
}

/// A cell that is zero in an unused slot.
pub(super) fn cell<B: RowBuilder<OrderRow>>(
    b: &mut B,
    used: &B::E,
    of: impl Fn(&Placed) -> F,
) -> B::E {
    let cell = b.cell(|w| w.order.as_ref().map_or(F::ZERO, of));
    b.zero("ORDERS-2", (b.one() - used.clone()) * cell.clone());
    cell
}

/// A bit that is zero in an unused slot.
fn flag<B: RowBuilder<OrderRow>>(b: &mut B, used: &B::E, of: impl Fn(&Placed) -> bool) -> B::E {
    let bit = cell(b, used, |o| F::from_bool(of(o)));
    b.boolean("ORDERS-3", &bit);
    bit
}

impl OrdersTable {
    fn terms<B: RowBuilder<OrderRow>>(&self, b: &mut B, used: &B::E) -> Terms<B::E> {
        let key: [B::E; 2] = std::array::from_fn(|i| {
            cell(b, used, |o| gadgets::limbs::halves_of(o.opening.account)[i])
        });
        let instrument = cell(b, used, |o| F::from_usize(o.opening.instrument));
        limb(b, instrument.clone());
        let quote = flag(b, used, |o| o.opening.quote);
        let reduces = flag(b, used, |o| o.opening.reduce_only);
        let nonce = cell(b, used, |o| F::from_u64(o.opening.nonce));
        let flags = quote.clone() * Opening::QUOTE + reduces.clone() * Opening::REDUCE_ONLY;
        let levels = self.plan.levels;
        let mut elements: Vec<B::E> = (0..LEVEL * levels)
            .map(|i| cell(b, used, |o| o.opening.elements(levels)[i]))
            .collect();
        elements.extend([0, 1].map(|i| b.public(SESSION + i)));
        let secret: Vec<B::E> = (0..DIGEST)
            .map(|i| cell(b, used, |o| o.opening.secret[i]))
            .collect();
        elements.extend(secret.iter().cloned());
        let [low, high] = key.clone();
        Terms {
            head: [low, high, instrument.clone() + flags, nonce],
            instrument,
            quote,
            reduces,
            key,
            elements,
            secret,
        }
    }

    /// A bit for each status, of which a used row has one.
    fn status<B: RowBuilder<OrderRow>>(&self, b: &mut B, used: &B::E) -> Vec<B::E> {
        let bits: Vec<B::E> = Status::ALL
            .iter()
            .map(|status| flag(b, used, |o| o.outcome.status == *status))
            .collect();
        let sum = bits.iter().cloned().fold(B::E::ZERO, |sum, bit| sum + bit);
        b.zero("ORDERS-3", sum - used.clone());
        bits
    }

    /// The row of the order's account, whether its only order closes, and whether that brings cash.
    fn account<B: RowBuilder<OrderRow>>(
        &self,
        b: &mut B,
        used: &B::E,
        status: &[B::E],
        terms: &Terms<B::E>,
    ) -> (B::E, [B::E; 2]) {
        let account = cell(b, used, |o| F::from_usize(o.account));
        let unknown = &status[Status::NoAccount as usize];
        let id = "ORDERS-5";
        let digest: Vec<B::E> = (0..DIGEST)
            .map(|i| cell(b, used, |o| o.secret[i]))
            .collect();
        for element in &digest {
            b.zero(id, unknown.clone() * element.clone());
        }
        let short = flag(b, used, |o| o.short);
        b.zero(id, unknown.clone() * short.clone());
        let only_closes = [0, 1].map(|i| {
            let bit = flag(b, used, |o| o.only_closes[i]);
            b.zero(id, unknown.clone() * bit.clone());
            bit
        });
        let mut message = vec![account.clone(), b.one()];
        let told = terms.key.iter().chain([&short]).chain(&only_closes);
        message.extend(told.chain(&digest).cloned());
        let [took_part, margin] =
            [Status::TookPart, Status::Margin].map(|s| status[s as usize].clone());
        b.zero("ORDERS-7", took_part * short.clone());
        b.zero("ORDERS-7", margin * (b.one() - short));
        let known = used.clone() - unknown.clone();
        b.lookup(ACCOUNTS, &account, known.clone(), &message);

        let shown = hash_row(b, Domain::OneTime, &terms.secret);
        let differ = &status[Status::Secret as usize];
        let differences: Vec<B::E> = shown
            .iter()
            .zip(&digest)
            .map(|(s, d)| s.clone() - d.clone())
            .collect();
        let equal = known - differ.clone();
        for difference in &differences {
            b.zero(id, equal.clone() * difference.clone());
        }
        // The prover points at the first element that differs.
        let first = |w: &OrderRow| {
            let order = w.order.as_ref()?;
            let refused = order.outcome.status == Status::Secret;
            let shown = one_time(&order.opening.secret);
            (0..DIGEST).find(|i| refused && shown[*i] != order.secret[*i])
        };
        let (mut pointers, mut step) = (b.constant(F::ZERO), b.constant(F::ZERO));
        for (i, difference) in differences.iter().enumerate().rev() {
            b.zero(id, pointers.clone() * difference.clone());
            let pointer = b.bit(id, |w| first(w) == Some(i));
            step += pointer.clone() * difference.clone();
            pointers += pointer;
        }
        b.zero(id, pointers - differ.clone());
        let inverse = b.cell(|w| {
            let value = first(w).zip(w.order.as_ref());
            let value = value.map(|(i, o)| one_time(&o.opening.secret)[i] - o.secret[i]);
            value.and_then(|v| v.try_inverse()).unwrap_or(F::ZERO)
        });
        b.zero(id, step * inverse.clone() - differ.clone());
        b.zero(id, (b.one() - differ.clone()) * inverse);
        self.gap(b, used, unknown, terms, &account);
        (account, only_closes)
    }

    /// The keys around that of an order of nobody.
    fn gap<B: RowBuilder<OrderRow>>(
        &self,
        b: &mut B,
        used: &B::E,
        unknown: &B::E,
        terms: &Terms<B::E>,
        gap: &B::E,
    ) {
        let id = "ORDERS-6";
        let key = Amount::read(b, |w: &OrderRow| {
            let order = w.order.as_ref();
            order.map_or(0, |o| o.opening.account)
        });
        for (half, own) in key.halves().into_iter().zip(&terms.key) {
            b.zero(id, half - own.clone());
        }
        let key = key.chunks().times_bit(unknown);
        let mut message = vec![gap.clone()];
        for side in 0..2 {
            let end = if side == 0 { 0 } else { (1 << 60) - 1 };
            let chunks: Vec<B::E> = (0..CHUNKS)
                .map(|c| {
                    let cell = cell(b, used, |o| match o.outcome.status {
                        Status::NoAccount => F::from_u64(chunks_of(o.gap[side].unwrap_or(end))[c]),
                        _ => F::ZERO,
                    });
                    b.zero(id, (b.one() - unknown.clone()) * cell.clone());
                    cell
                })
                .collect();
            let bounded = flag(b, used, |o| o.gap[side].is_some());
            b.zero(id, (b.one() - unknown.clone()) * bounded.clone());
            message.extend(chunks.iter().chain([&bounded]).cloned());
            let other = Chunks::declared(b, id, chunks);
            match side {
                0 => assert_at_most_less(b, &other, &key, &bounded),
                _ => assert_at_most_less(b, &key, &other, &bounded),
            }
        }
        b.lookup(GAPS, gap, unknown.clone(), &message);
    }

    /// What must be free for the order.
    fn reserve<B: RowBuilder<OrderRow>>(
        &self,
        b: &mut B,
        used: &B::E,
        status: &[B::E],
        terms: &Terms<B::E>,
        (account, only_closes): (&B::E, &[B::E; 2]),
        said: &[B::E],
    ) {
        let id = "ORDERS-8";
        let took_part = status[Status::TookPart as usize].clone();
        let counts = cell(b, used, |o| F::from_bool(o.counts()));
        b.boolean(id, &counts);
        let both = took_part.clone() + status[Status::Margin as usize].clone();
        b.zero(id, counts.clone() - both);
        let not = b.one() - counts.clone();
        let gated = |b: &mut B, of: &dyn Fn(&Placed) -> F| {
            let cell = cell(b, used, |o| if o.counts() { of(o) } else { F::ZERO });
            b.zero(id, not.clone() * cell.clone());
            cell
        };
        let row = gated(b, &|o| F::from_usize(o.row));
        let holds = [0, 1].map(|side| gated(b, &|o| F::from_u64(o.holds[side])));
        let most = [0, 1].map(|side| gated(b, &|o| F::from_u64(o.most()[side])));
        let id = "ORDERS-9";
        let unbounded = b.constant(F::from_u64(MAX_LOTS.0 - 1));
        for ((most, holds), said) in most.iter().zip(&holds).zip(said) {
            let bound = holds.clone() - unbounded.clone();
            let own = counts.clone() * (most.clone() - unbounded.clone());
            b.zero(id, own - terms.reduces.clone() * bound * counts.clone());
            let own = took_part.clone() * (most.clone() - unbounded.clone());
            b.zero(id, used.clone() * (said.clone() - unbounded.clone()) - own);
        }
        let which = b.constant(F::from_usize(RESERVE_LIMBS + 1));
        let room = status[Status::Room as usize].clone();
        b.send_limb(RESERVES, room, &[account.clone(), which]);
        let id = "ORDERS-11";
        let closes = gated(b, &|o| F::from_bool(o.closes));
        b.zero(id, closes.clone() - counts.clone() * only_closes[0].clone());
        let order = Order {
            levels: self.plan.levels,
            digits: self.digits,
            counts: &counts,
            account,
            instrument: &terms.instrument,
            elements: &terms.elements,
            most: &most,
            reduces: &terms.reduces,
            closes: &closes,
        };
        let close = order.reserve(b, used);
        let levels = self.plan.levels;
        let closed = gated(b, &|o| F::from_u64(o.closed(levels)));
        b.zero(id, closed.clone() - close.lots);
        b.zero(id, closes * (only_closes[1].clone() - close.brings));
        let mut message = vec![row.clone(), account.clone(), terms.instrument.clone()];
        message.extend(holds.into_iter().chain([closed]));
        b.lookup(CLOSING, &row, counts, &message);
    }

    /// What the receipt says behind the tag. A fill goes to the account's position.
    fn outcome<B: RowBuilder<OrderRow>>(
        &self,
        b: &mut B,
        used: &B::E,
        status: &[B::E],
        terms: &Terms<B::E>,
        account: &B::E,
    ) -> Vec<B::E> {
        let id = "ORDERS-4";
        let elements: Vec<B::E> = (0..DIGEST)
            .map(|i| cell(b, used, |o| o.outcome.elements()[i]))
            .collect();
        let [bought, sold] = [&elements[0], &elements[1]];
        let lots = bought.clone() + sold.clone();
        b.zero(id, bought.clone() * sold.clone());
        let trades = is_nonzero(b, id, &lots);
        let took_part = &status[Status::TookPart as usize];
        b.zero(id, trades.clone() * (b.one() - took_part.clone()));
        let sells = b.derive([sold], |[sold]| F::from_bool(sold != F::ZERO));
        b.boolean(id, &sells);
        b.zero(id, sells.clone() * bought.clone());
        b.zero(id, (b.one() - sells.clone()) * sold.clone());
        b.zero(id, sells.clone() * (b.one() - trades.clone()));
        let mut message = vec![account.clone(), terms.instrument.clone(), sells, lots];
        message.extend(elements[2..6].iter().cloned());
        let not = b.one() - trades.clone();
        // Without a fill nothing is paid or charged.
        for element in &message[4..] {
            b.zero(id, not.clone() * element.clone());
        }
        let quote = b.derive([&trades, &terms.quote], |[trades, quote]| trades * quote);
        b.zero(id, quote.clone() - trades.clone() * terms.quote.clone());
        message.push(quote);
        b.send(FILLS, trades, &message);
        elements
    }
}
