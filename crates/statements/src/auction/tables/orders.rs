//! The orders of a batch, one a row, by instrument and account.

use std::sync::Arc;

use gadgets::compare::{Chunks, assert_rising};
use gadgets::hash::{DIGEST, Digest, Domain, HEAD, hash_row_with_head, wide_hash_row_with_head};
use gadgets::limbs::{Amount, Limbs, join};
use gadgets::product::{Challenge, DEGREE, Product};
use gadgets::public::Publics;
use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, Table, When, felt};

use super::ladder::{Ladder, LegRow, NONCE_LIMBS, read_ladder};
use super::markets::{Market, SUM_LIMBS, SUMS};
use super::trade::{Traded, trade};
use crate::ordered::{count_rows, nodes, slot};
use crate::orders::Status;

/// `[heap index, digest]`: nodes of the receipts' tree, from leaf to root.
pub const RECEIPTS: Bus = Bus::new("receipts");
/// Chunks of 20 bits by which rows rise.
pub const RANK: usize = 7;
/// Of these, the lowest of the account's key, and that of the instrument.
const KEY_CHUNK: usize = 3;
const INSTRUMENT_CHUNK: usize = 6;
/// Limbs of a place in the list.
const PLACE_LIMBS: usize = 2;

/// One order a row, in the order of instrument, account's key, whether it is the account's own, nonce and place in the list.
///
/// STATEMENT.md has the constraints: ORDERS-1 to ORDERS-8 here, LADDER-1 to LADDER-4 in [`super::ladder`], TRADE-1 to TRADE-8 in
/// [`super::trade`].
#[derive(Clone, Debug)]
pub struct OrdersTable {
    /// log2 of the slots for receipts, and of the rows.
    pub log_slots: usize,
    /// How many orders there are.
    pub orders: usize,
    /// Levels of an order.
    pub levels: usize,
    /// The root of the receipts' tree.
    pub receipts: Digest,
    /// What stands for venue and batch in its orders.
    pub session: [F; 2],
    /// What the product over the list is made of.
    pub challenge: Challenge,
    /// The product over the list.
    pub product: [F; DEGREE],
}

/// The private data of one row.
#[derive(Clone, Debug, Default)]
pub struct OrderRow {
    /// The row's number.
    pub index: usize,
    /// Whether there is an order. All that follows is zero otherwise, but for what runs over the rows.
    pub used: bool,
    /// The account's key.
    pub account: u64,
    /// The instrument's number.
    pub instrument: usize,
    /// Which of the account's orders it is.
    pub nonce: u64,
    /// Whether it earns the rebate, and whether it only reduces.
    pub flags: [bool; 2],
    /// Bids and asks in turn.
    pub legs: Vec<LegRow>,
    /// The account's secret for the batch.
    pub secret: Digest,
    /// The place in the list.
    pub place: usize,
    /// What became of it.
    pub status: u8,
    /// Most lots that it may buy and sell.
    pub most: [u64; 2],
    /// The [numbers](super::markets::MarketNumbers) of its instrument's auction, as a message's elements.
    pub market: Arc<[F]>,
    /// Whether it is the first order of its account in its instrument, and the first of its instrument. True where no order
    /// is followed by one: on the first row and below the last order.
    pub starts: [bool; 2],
    /// Whether it is the last.
    pub ends: [bool; 2],
    /// The rank of the order above.
    pub previous: [u64; RANK],
    /// Over the instrument's orders above, the limbs of what is bid and offered in each class.
    pub sums: [[i64; SUM_LIMBS]; SUMS],
    /// Over the instrument's orders above: marginal lots of the rationed side, and how many of them trade.
    pub rationed: [u64; 2],
    /// Its commitment, of which its product is made.
    pub commitment: Digest,
    /// The receipt's slot, and how many slots of others follow before that of the next row, if both have no order.
    pub slot: usize,
    /// See [`slot`](Self::slot).
    pub gap: usize,
    /// The digests of nodes `2 index` and `2 index + 1` of the receipts' tree.
    pub children: [Digest; 2],
    /// The product over the orders above.
    pub product: [F; DEGREE],
}

impl OrderRow {
    /// By what rows rise.
    pub fn rank(&self) -> [u64; RANK] {
        let own = u64::from(self.status > Status::Secret as u8 || self.status == 0);
        let key = gadgets::limbs::chunks_of(self.account);
        [
            self.place as u64,
            self.nonce % (1 << 20),
            (self.nonce >> 20) + (own << 10),
            key[0],
            key[1],
            key[2],
            self.instrument as u64,
        ]
    }
}

/// What a row is of.
struct Identity<E> {
    key: Amount<E>,
    instrument: E,
    nonce: Limbs<E>,
    quote: E,
    reduce_only: E,
    place: Limbs<E>,
}

/// Where a row stands among the others.
struct Standing<E> {
    index: E,
    first: E,
    active: E,
    next_active: E,
    /// 1 on the last row of an account's orders in an instrument, and on that of an instrument.
    ends: E,
    closes: E,
}

/// What became of an order: bits of which at most one is 1.
struct Decided<E> {
    takes_part: E,
    status: E,
}

impl Table for OrdersTable {
    type Row = OrderRow;

    fn name(&self) -> &'static str {
        "orders"
    }

    fn log_height(&self) -> usize {
        self.log_slots
    }

    fn public(&self) -> Vec<F> {
        let mut public = vec![felt(self.orders as u64)];
        public.extend(self.receipts);
        public.extend(self.session);
        public.extend(self.challenge.public());
        public.extend(self.product);
        public
    }

    fn row<B: RowBuilder<OrderRow>>(&self, b: &mut B) {
        let [index, first, _] = count_rows(b, self.log_slots, |w: &OrderRow| w.index);
        let [active, next_active] = self.active(b);
        let identity = self.identity(b, &active);
        let [foreign_key, foreign_secret] = [Status::NoAccount, Status::Secret]
            .map(|status| b.bit("ORDERS-4", move |w: &OrderRow| w.status == status as u8));
        let own = active.clone() - foreign_key.clone() - foreign_secret.clone();
        b.boolean("ORDERS-4", &own);
        let [ends, closes] = self.rank(b, [&first, &active], &identity, &own);
        let standing = Standing {
            index,
            first,
            active,
            next_active,
            ends,
            closes,
        };
        let market = Market::look_up(b, &standing.active, &identity.instrument);
        let ladder = read_ladder(b, self.levels, &standing.active, &market);
        let foreign = [foreign_key, foreign_secret];
        let decided = self.decide(b, &standing, &ladder, &foreign, &own);
        let tag = self.commitment(b, &standing, &identity, &ladder);
        let bits = [
            &standing.active,
            &standing.closes,
            &decided.takes_part,
            &identity.quote,
            &identity.reduce_only,
        ];
        let traded = trade(b, bits, &identity.instrument, &market, &ladder);
        self.receipt(b, &standing, &identity, &decided, &traded, &tag);
    }
}

/// The public values, in their order.
const ORDERS: usize = 0;
const ROOT: usize = 1;
const SESSION: usize = ROOT + DIGEST;
const CHALLENGE: usize = SESSION + 2;

impl OrdersTable {
    /// Whether there is an order on the row, and on the next; how many there are.
    fn active<B: RowBuilder<OrderRow>>(&self, b: &mut B) -> [B::E; 2] {
        let id = "ORDERS-1";
        let (active, next_active) = b.state(|w| F::from_bool(w.used));
        b.boolean(id, &active);
        let orders = self.orders;
        let (above, next_above) = b.state(|w| F::from_usize(w.index.min(orders)));
        b.assert_zero(id, When::First, above.clone());
        let counted = next_above - above.clone() - active.clone();
        b.assert_zero(id, When::Transition, counted);
        let rest = b.one() - active.clone();
        b.assert_zero(id, When::Transition, next_active.clone() * rest);
        let all = b.public(ORDERS);
        b.assert_zero(id, When::Last, above + active.clone() - all);
        [active, next_active]
    }

    fn identity<B: RowBuilder<OrderRow>>(&self, b: &mut B, active: &B::E) -> Identity<B::E> {
        let id = "ORDERS-2";
        let unused = b.one() - active.clone();
        let key = Amount::read(b, |w: &OrderRow| w.account);
        let instrument = Limbs::read(b, 1, |w: &OrderRow| w.instrument as u128);
        let nonce = Limbs::read(b, NONCE_LIMBS, |w: &OrderRow| w.nonce.into());
        let place = Limbs::read(b, PLACE_LIMBS, |w: &OrderRow| w.place as u128);
        let [quote, reduce_only] = [0, 1].map(|i| b.bit(id, move |w: &OrderRow| w.flags[i]));
        let cells = key.limbs().iter().chain(&instrument).chain(&nonce);
        for cell in cells.chain(&place).chain([&quote, &reduce_only]) {
            b.zero(id, unused.clone() * cell.clone());
        }
        Identity {
            key,
            instrument: instrument[0].clone(),
            nonce,
            quote,
            reduce_only,
            place,
        }
    }

    /// Rows rise. Gives whether the row is the last of its account in its instrument, and the last of its instrument.
    fn rank<B: RowBuilder<OrderRow>>(
        &self,
        b: &mut B,
        [first, active]: [&B::E; 2],
        identity: &Identity<B::E>,
        own: &B::E,
    ) -> [B::E; 2] {
        let id = "ORDERS-3";
        let high_nonce = identity.nonce[2].clone() + own.clone() * felt(1 << 10);
        let mut rank = vec![
            join(&identity.place),
            join(&identity.nonce[..2]),
            high_nonce,
        ];
        rank.extend(identity.key.chunks().iter().cloned());
        rank.push(identity.instrument.clone());
        let (previous, next): (Vec<B::E>, Vec<B::E>) =
            (0..RANK).map(|c| b.state(|w| felt(w.previous[c]))).unzip();
        for (c, next) in next.into_iter().enumerate() {
            b.assert_zero(id, When::First, previous[c].clone());
            // Below the last order nothing is carried on.
            b.assert_zero(id, When::Transition, next - rank[c].clone());
        }
        let before = Chunks::declared(b, id, previous).times_bit(active);
        let this = Chunks::declared(b, id, rank);
        let follows = active.clone() * (b.one() - first.clone());
        let pointers = assert_rising(b, &before, &this, &follows);
        let pointers = &pointers;
        [KEY_CHUNK, INSTRUMENT_CHUNK].map(|from| {
            let other: B::E = pointers[from..].iter().cloned().sum();
            let which = usize::from(from == INSTRUMENT_CHUNK);
            let (starts, next) = b.state(|w| F::from_bool(w.starts[which]));
            // Where nothing is followed, a new one begins: on the first row, and below the last order.
            let same = follows.clone() * (b.one() - other);
            b.equal(id, starts, b.one() - same);
            let ends = b.cell(|w| F::from_bool(w.ends[which]));
            b.boolean(id, &ends);
            b.assert_zero(id, When::Transition, ends.clone() - next);
            b.assert_zero(id, When::Last, ends.clone() - b.one());
            ends
        })
    }

    /// What became of the order: what the book says of it, whether a later one lives, and whether it can take part.
    fn decide<B: RowBuilder<OrderRow>>(
        &self,
        b: &mut B,
        standing: &Standing<B::E>,
        ladder: &Ladder<B::E>,
        foreign: &[B::E; 2],
        own: &B::E,
    ) -> Decided<B::E> {
        let id = "ORDERS-5";
        // In the order in which reasons are told: each keeps a bit, or ends it.
        let mut left = own.clone();
        let mut status = foreign[0].clone() + foreign[1].clone() * felt(Status::Secret as u64);
        for (reason, keeps) in [
            (Status::Replaced, standing.ends.clone()),
            (Status::Cancels, ladder.any.clone()),
            (Status::OutsideBand, b.one() - ladder.outside.clone()),
            (Status::Crossed, b.one() - ladder.crossed.clone()),
            (Status::TooLarge, b.one() - ladder.large.clone()),
        ] {
            let kept = b.derive([&left, &keeps], |[left, keeps]| left * keeps);
            b.equal(id, kept.clone(), left.clone() * keeps);
            status += (left - kept.clone()) * felt(reason as u64);
            left = kept;
        }
        let refused = [Status::Margin, Status::Room]
            .map(|status| b.bit("ORDERS-4", move |w: &OrderRow| w.status == status as u8));
        let [margin, room] = refused;
        status += margin.clone() * felt(Status::Margin as u64);
        status += room.clone() * felt(Status::Room as u64);
        let takes_part = left - margin - room;
        b.boolean("ORDERS-4", &takes_part);
        Decided { takes_part, status }
    }

    /// The order's commitment stands in the list; gives its tag.
    fn commitment<B: RowBuilder<OrderRow>>(
        &self,
        b: &mut B,
        standing: &Standing<B::E>,
        identity: &Identity<B::E>,
        ladder: &Ladder<B::E>,
    ) -> Vec<B::E> {
        let [low, high] = identity.key.halves();
        let flags =
            identity.quote.clone() * felt(1 << 10) + identity.reduce_only.clone() * felt(1 << 11);
        let head: [B::E; HEAD] = [
            low,
            high,
            identity.instrument.clone() + flags,
            join(&identity.nonce),
        ];
        let mut elements = Vec::new();
        for leg in &ladder.legs {
            elements.push(join(&leg.lots));
            elements.extend(leg.limit.chunks().iter().cloned());
        }
        elements.extend(Publics::from(SESSION).elements(b, 2));
        let unused = b.one() - standing.active.clone();
        for i in 0..DIGEST {
            let cell = b.cell(|w| w.secret[i]);
            b.zero("ORDERS-2", unused.clone() * cell.clone());
            elements.push(cell);
        }
        let wide = wide_hash_row_with_head(b, Domain::Order, &head, &elements);
        let mut message = vec![join(&identity.place)];
        message.extend_from_slice(&wide[..DIGEST]);
        let mut publics = Publics::from(CHALLENGE);
        let challenge = self.challenge.read(b, &mut publics);
        let product = Product {
            id: "ORDERS-6",
            register: 0,
            challenge: &challenge,
        };
        let end = publics.elements(b, DEGREE);
        product.over_all_rows(b, &standing.active, &message, |w| w.product, &end);
        wide[DIGEST..].to_vec()
    }

    /// The receipt, a leaf of the receipts' tree in whatever slot; and a node of that tree.
    fn receipt<B: RowBuilder<OrderRow>>(
        &self,
        b: &mut B,
        standing: &Standing<B::E>,
        identity: &Identity<B::E>,
        decided: &Decided<B::E>,
        traded: &Traded<B::E>,
        tag: &[B::E],
    ) {
        let zero = b.constant(F::ZERO);
        let head: [B::E; HEAD] = [
            decided.status.clone(),
            join(&identity.place),
            zero.clone(),
            zero,
        ];
        let mut elements = tag.to_vec();
        elements.extend([&traded.bought, &traded.sold].map(|lots| join(lots)));
        elements.extend(traded.cash.halves());
        elements.extend(traded.charge.halves());
        elements.extend(traded.most.iter().map(|lots| join(lots)));
        let digest = hash_row_with_head(b, Domain::Outcome, &head, &elements);
        let used = [&standing.active, &standing.next_active];
        let slot = slot(b, "ORDERS-8", used, |w: &OrderRow| [w.slot, w.gap]);
        let slots = F::from_usize(1 << self.log_slots);
        let mut message = vec![slot + slots];
        message.extend(digest.into_iter().map(|d| d * standing.active.clone()));
        let one = b.one();
        b.send(RECEIPTS, one, &message);
        let at = [&standing.index, &standing.first];
        nodes(b, RECEIPTS, ROOT, |w: &OrderRow| w.children, at);
    }
}
