//! From the witness of a part to its filled tables.

use std::collections::BTreeSet;

use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::{AMOUNT_LIMBS, limb_of};
use gadgets::range::RangeTable;
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS};
use market::{Account, Position, Side};
use records::units::{SUBTICKS_PER_TICK, Subticks, Ticks};
use stark::{F, PrimeCharacteristicRing, TableAir, Tally, Trace, fill};

use super::arrange::Entry;
use super::claim::SettleClaim;
use super::plan::{ORDERS_REGISTER, Plan, REGISTERS, ROOM_REGISTER, TIMES, When};
use super::statement::{Context, PartTables};
use super::tables::changes::ChangeRow;
use super::tables::orders::{OrderRow, Placed};
use super::tables::prices::LotTerms;
use super::tables::reserve::RESERVE_LIMBS;
use super::tables::secrets::SecretRow;
use super::tables::touched::{TouchedAccount, TouchedRow};
use super::tables::trades::{TradeRow, Traded};
use super::tables::{ACCOUNTS, CLOSING, GAPS, PRICES, TERMS};
use super::traded::Traded as Terms;
use super::witness::Witness;
use crate::account::position_quad;
use crate::margin::fill::{Filled, loss_row};
use crate::margin::plan::Plan as MarginPlan;
use crate::margin::tables::accounts::AccountRow;
use crate::margin::tables::lines::LineRow;
use crate::margin::tables::rates::RateRow;
use crate::margin::tables::{MOVES, RATES};
use crate::ordered::gaps;
use crate::orders::Status;
use crate::owner::{LOG_SECRETS, OneTimePath};

/// The private rows of a part.
pub(super) struct Rows {
    plan: Plan,
    pub orders: Vec<OrderRow>,
    pub trades: Vec<TradeRow>,
    /// Used rows only.
    pub touched: Vec<TouchedAccount>,
    pub changes: Vec<ChangeRow>,
    pub secrets: Vec<SecretRow>,
    /// Of each account slot, what the margin tables are filled from.
    pub margins: Vec<Filled>,
    margin: MarginPlan,
    /// The states before and after the part.
    pub states: [Vec<u128>; 2],
}

impl Rows {
    pub fn new(claim: &SettleClaim, context: &Context, witness: &Witness, part: usize) -> Self {
        let plan = context.plan;
        let of = &witness.arrangement.parts[part];
        let members = of.touched.iter().map(|index| TouchedAccount {
            index: *index,
            leaves: TIMES.map(|when| witness.member(part, *index, when).leaf.clone()),
            owner: witness.before.owners[*index],
            secret: None,
        });
        let mut touched: Vec<TouchedAccount> = members.collect();
        for entry in of.entries.iter().map(|i| &witness.entries[*i]) {
            let key = entry.opening.account;
            if let Ok(row) = touched.binary_search_by_key(&key, TouchedAccount::key) {
                touched[row].secret = Some(witness.secrets[&key].digest);
            }
        }
        let place = |entry: &Entry| {
            let terms = context.terms.get(entry.opening.instrument);
            placed(&plan, &touched, entry, terms.copied().unwrap_or_default())
        };
        let nodes = &witness.receipts[part];
        let own = of
            .entries
            .iter()
            .map(|i| witness.entries[*i].slot % plan.receipts());
        let own: Vec<usize> = own.collect();
        let taken: BTreeSet<usize> = own.iter().copied().collect();
        let free = (0..plan.receipts()).filter(|slot| !taken.contains(slot));
        let free: Vec<usize> = free.collect();
        let gaps = gaps(&free);
        let slots: Vec<usize> = own.iter().copied().chain(free).collect();
        let orders = (0..plan.receipts()).map(|row| OrderRow {
            row,
            slot: slots[row],
            gap: row.checked_sub(own.len()).map_or(0, |i| gaps[i]),
            above: [0; 2],
            log_height: 0,
            children: match row {
                0 => [Digest::default(); 2],
                _ => [nodes[2 * row], nodes[2 * row + 1]],
            },
            order: of.entries.get(row).map(|i| place(&witness.entries[*i])),
        });
        let mut orders: Vec<OrderRow> = orders.collect();
        let mut trades = Vec::with_capacity(plan.touched() * plan.slots);
        for row in 0..plan.touched() {
            let accounts = of
                .touched
                .get(row)
                .map(|index| TIMES.map(|when| &witness.member(part, *index, when).account));
            let sent: Vec<&Placed> = match accounts {
                Some(_) => sent(&orders, row),
                None => Vec::new(),
            };
            trades.extend(trade_rows(&plan, &context.traded, row, accounts, &sent));
        }
        chain(&mut trades, plan.slots);
        let margins: Vec<Filled> = (0..plan.touched())
            .map(|row| {
                let index = of.touched.get(row);
                let margin = index.map(|i| (*i, &witness.margins[&(part, *i)]));
                let account = margin.map(|(i, m)| (witness.member(part, i, When::Before), &m.left));
                let closing = margin.and_then(|(_, m)| m.closing);
                Filled::of_left(&context.margin, account, closing)
            })
            .collect();
        for order in orders.iter_mut().filter_map(|row| row.order.as_mut()) {
            find(&plan, &trades, order);
            let margin = of.touched.get(order.account).filter(|_| order.is_known());
            let closing = margin.and_then(|i| witness.margins[&(part, *i)].closing);
            order.closes = closing.is_some() && order.counts();
            let brings = closing.is_some_and(|c| c.owed < Ticks(0));
            order.only_closes = [closing.is_some(), brings];
        }
        for (row, index) in of.touched.iter().enumerate() {
            if let Some(closing) = witness.margins[&(part, *index)].closing {
                let own = &mut trades[row * plan.slots..(row + 1) * plan.slots];
                let of = |trade: &&mut TradeRow| trade.instrument == Some(closing.instrument);
                if let Some(trade) = own.iter_mut().find(of) {
                    trade.closed = closing.lots.0;
                }
            }
        }
        let excess = of
            .touched
            .iter()
            .map(|i| witness.margins[&(part, *i)].left.excess);
        mark_short(&plan, &mut orders, &excess.collect::<Vec<_>>());
        let secrets = (0..plan.touched()).flat_map(|row| {
            let account = touched.get(row).filter(|a| a.secret.is_some());
            let path = account.map(|a| &witness.secrets[&a.key()]);
            secret_rows(row, claim.batch.number, path)
        });
        Self {
            plan,
            secrets: secrets.collect(),
            margins,
            margin: context.margin.clone(),
            orders,
            trades,
            touched,
            changes: witness.changes[part].clone(),
            states: [witness.states.before(part), witness.states.after(part)].map(<[_]>::to_vec),
        }
    }

    /// Fills the tables.
    pub fn fill(&self, tables: &PartTables) -> Vec<Trace> {
        let airs = tables.airs();
        let plan = &self.plan;
        let margin = &self.margin;
        let instruments = airs[4].height();
        let buses = [
            tables.limbs.tallied(),
            (ACCOUNTS, plan.touched()),
            (GAPS, 3 * plan.touched()),
            (PRICES, instruments),
            (TERMS, instruments),
            (CLOSING, self.trades.len()),
            (RATES, margin.rates.keys),
            (MOVES, margin.moves.rows() * margin.loss_rows()),
        ];
        let carries = tables.carries.as_ref().map(RangeTable::tallied);
        let tally = Tally::new(&buses.into_iter().chain(carries).collect::<Vec<_>>());
        let mut above = vec![[0; 2]];
        for row in &self.orders {
            let [orders, room] = above[above.len() - 1];
            let own = counted(row);
            above.push([orders + own[0], room + own[1]]);
        }
        let orders = fill(&tables.orders, &airs[0], &tally, |row| OrderRow {
            above: above[row],
            log_height: plan.log_receipts,
            ..self.orders[row].clone()
        });
        let trades = fill(&tables.trades, &airs[1], &tally, |row| TradeRow {
            asked: tally.count(CLOSING, row),
            ..self.trades[row].clone()
        });
        let mut quads = self.quads(&tables.touched.margin.lists);
        let totals = tables.totals.trace(
            &airs[10],
            &tally,
            &self.states[0],
            &self.states[1],
            &self.counts(),
            &mut quads,
        );
        let sponge = tables.sponge.trace(&airs[11], &mut quads);
        let needed = needed(plan, &self.orders);
        let touched = fill(&tables.touched, &airs[2], &tally, |row| {
            let gap = |which| tally.count(GAPS, which * plan.touched() + row);
            TouchedRow {
                multiplicity: tally.count(ACCOUNTS, row),
                gaps: [0, 1, 2].map(gap),
                needed: needed[row].limbs,
                sent: needed[row].sent,
                no_room: needed[row].no_room,
                brings: needed[row].brings,
                ..self.touched_row(row, &quads, &needed)
            }
        });
        let changes = fill(&tables.changes, &airs[3], &tally, |row| {
            self.changes.get(row).cloned().unwrap_or(ChangeRow {
                row,
                ..ChangeRow::default()
            })
        });
        let prices = fill(&tables.prices, &airs[4], &Tally::default(), |row| {
            [PRICES, TERMS].map(|bus| tally.count(bus, row))
        });
        let secrets = fill(&tables.secrets, &airs[5], &tally, |row| {
            self.secrets[row].clone()
        });
        let secrets_and_margins = [vec![secrets], self.margin_traces(tables, &airs, &tally)];
        let limbs = tables.limbs.trace(&airs[12], &tally);
        let carries = tables.carries.as_ref();
        let carries = carries.map(|table| table.trace(&airs[13], &tally));
        let mut traces = vec![orders, trades, touched, changes, prices];
        traces.extend(secrets_and_margins.into_iter().flatten());
        traces.extend([totals, sponge, limbs]);
        traces.extend(carries);
        traces
    }

    /// The tables that say what is free.
    fn margin_traces(&self, tables: &PartTables, airs: &[TableAir], tally: &Tally) -> Vec<Trace> {
        let margin = &self.margin;
        let per_account = margin.slots;
        let lines = fill(&tables.lines, &airs[6], tally, |row| LineRow {
            row,
            ..self.margins[row / per_account].lines[row % per_account].clone()
        });
        let losses = fill(&tables.losses, &airs[7], tally, |row| {
            loss_row(margin, &self.margins, row)
        });
        let none = Tally::default();
        let rates = fill(&tables.rates, &airs[8], &none, |row| RateRow {
            multiplicities: vec![tally.count(RATES, row)],
        });
        let per_row = margin.loss_rows();
        let moves = fill(&tables.moves, &airs[9], &none, |row| RateRow {
            multiplicities: (0..per_row)
                .map(|i| tally.count(MOVES, row * per_row + i))
                .collect(),
        });
        vec![lines, losses, rates, moves]
    }

    /// What is added to each register.
    fn counts(&self) -> [[i64; COUNT_LIMBS]; SALTS + REGISTERS.len()] {
        let mut counts = [[0; COUNT_LIMBS]; SALTS + REGISTERS.len()];
        for [order, room] in self.orders.iter().map(counted) {
            counts[SALTS + ORDERS_REGISTER][0] += order;
            counts[SALTS + ROOM_REGISTER][0] += room;
        }
        counts
    }

    /// All quads that rows send; the sponge writes the digests.
    fn quads(&self, lists: &Digest) -> Vec<[F; QUAD]> {
        let plan = &self.plan;
        let mut quads = plan.quads(lists);
        for (row, trade) in self.trades.iter().enumerate() {
            for when in TIMES {
                let position = trade.positions[when as usize].as_ref();
                let rank = trade.ranks[when as usize];
                let slot = match position {
                    Some(_) => rank,
                    None => rank + plan.slots - 1 - row % plan.slots,
                };
                let at = plan.positions_address(when, row / plan.slots) + slot;
                // Rows that are forged may stand anywhere.
                if let Some(quad) = quads.get_mut(at) {
                    *quad = position_quad(position);
                }
            }
        }
        for (row, account) in self.touched.iter().enumerate() {
            for (when, leaf) in TIMES.into_iter().zip(&account.leaves) {
                plan.write_leaf(&mut quads, when, row, leaf);
            }
            plan.write_owner(&mut quads, row, &account.owner);
        }
        for row in 0..plan.touched() {
            let owner: Vec<F> = (0..2 * DIGEST / QUAD)
                .flat_map(|i| quads[plan.owner_address(row) + i])
                .collect();
            let salt = gadgets::hash::hash(gadgets::hash::Domain::Owner, &owner);
            for when in TIMES {
                super::plan::write(&mut quads, plan.seal_address(when, row) + 6, &salt);
            }
        }
        quads
    }

    fn touched_row(&self, row: usize, quads: &[[F; QUAD]], needed: &[Needed]) -> TouchedRow {
        let plan = &self.plan;
        let digest = |address: usize| -> Digest {
            std::array::from_fn(|i| quads[address + i / QUAD][i % QUAD])
        };
        let above = self.touched[..row.min(self.touched.len())].iter();
        let mut above = above.zip(needed).filter(|(_, n)| n.sent + n.no_room > 0);
        let above = above.next_back().map(|(account, _)| account);
        let last = &self.trades[(row + 1) * plan.slots - 1];
        let flow = last.flow.iter().zip(last.own_flow());
        TouchedRow {
            row,
            log_height: plan.log_touched,
            previous_key: above.map_or(self.states[0][SALTS] as u64, TouchedAccount::key),
            flow: flow.map(|(above, own)| *above + own).collect(),
            digests: [
                digest(plan.digest_address(When::Before, row)),
                digest(plan.digest_address(When::After, row)),
                digest(plan.salt_address(row)),
            ],
            next_key: self.touched.get(row + 1).map_or(0, TouchedAccount::key),
            account: self.touched.get(row).cloned(),
            margin: AccountRow {
                row,
                ..self.margins[row]
                    .account(&self.margin, self.touched.get(row).map(|a| &a.leaves[0]))
            },
            ..TouchedRow::default()
        }
    }
}

/// Whether a row has an order, and whether that has no room.
fn counted(row: &OrderRow) -> [i64; 2] {
    let status = row.order.as_ref().map(|o| o.outcome.status);
    [status.is_some(), status == Some(Status::Room)].map(i64::from)
}

/// An order with the row of its account, or the gap in which its key is.
fn placed(plan: &Plan, touched: &[TouchedAccount], entry: &Entry, terms: LotTerms) -> Placed {
    let Entry {
        opening, outcome, ..
    } = entry;
    let found = touched.binary_search_by_key(&opening.account, TouchedAccount::key);
    let (account, secret, gap) = match found {
        Ok(row) => (row, touched[row].secret.unwrap_or_default(), [None; 2]),
        Err(row) => {
            // Neighbours are touched: the first account is number 0, and behind the last one there is none.
            let key = |row: usize| touched.get(row).map(TouchedAccount::key);
            let below = row.checked_sub(1);
            let is_first = touched.get(row).is_some_and(|a| a.index == 0);
            let neighbour = below.is_some_and(|below| {
                touched
                    .get(row)
                    .is_some_and(|a| a.index == touched[below].index + 1)
            });
            match (below, neighbour) {
                (Some(below), true) => (below, Digest::default(), [key(below), key(row)]),
                _ if is_first => {
                    let gap = 2 * plan.touched() + row;
                    (gap, Digest::default(), [None, key(row)])
                }
                _ => {
                    let below = below.unwrap_or(0);
                    let gap = plan.touched() + below;
                    (gap, Digest::default(), [key(below), None])
                }
            }
        }
    };
    Placed {
        opening: opening.clone(),
        outcome: *outcome,
        account,
        secret,
        gap,
        terms,
        short: false,
        only_closes: [false; 2],
        closes: false,
        row: 0,
        holds: [0; 2],
    }
}

/// Finds the row of the order's account and instrument.
fn find(plan: &Plan, trades: &[TradeRow], order: &mut Placed) {
    if !order.counts() {
        return;
    }
    let first = order.account * plan.slots;
    let rows = trades[first..first + plan.slots].iter();
    let mut rows = rows.filter(|row| row.instrument == Some(order.opening.instrument));
    if let Some(row) = rows.next() {
        order.row = row.row;
        order.holds = closing(row.positions[0].as_ref());
    }
}

/// The lots whose purchase and whose sale would close a position.
pub(super) fn closing(position: Option<&Position>) -> [u64; 2] {
    match position {
        None => [0, 0],
        Some(p) if p.side == Side::Short => [p.lots.0, 0],
        Some(p) => [0, p.lots.0],
    }
}

/// Says of each order whether too little is free in its account.
fn mark_short(plan: &Plan, orders: &mut [OrderRow], excess: &[Subticks]) {
    let needed = needed(plan, orders);
    for order in orders.iter_mut().filter_map(|row| row.order.as_mut()) {
        if let Some(excess) = excess.get(order.account).filter(|_| order.is_known()) {
            order.short = excess.0 < needed[order.account].sum * SUBTICKS_PER_TICK;
        }
    }
}

/// What must be free for the orders of an account.
#[derive(Clone, Copy, Default)]
struct Needed {
    /// How often each limb is counted.
    limbs: [u64; RESERVE_LIMBS],
    sum: i128,
    /// Once for an order that may close as the only one, twice for any other.
    sent: u64,
    /// Orders that have no room.
    no_room: u64,
    /// Whether the only order brings cash.
    brings: bool,
}

/// What must be free for the orders of each account slot.
fn needed(plan: &Plan, orders: &[OrderRow]) -> Vec<Needed> {
    let mut needed = vec![Needed::default(); plan.touched()];
    let orders = orders.iter().filter_map(|row| row.order.as_ref());
    for order in orders {
        let Some(needed) = needed.get_mut(order.account) else {
            continue;
        };
        needed.no_room += u64::from(order.outcome.status == Status::Room);
        if !order.counts() {
            continue;
        }
        let reserve = order.reserve(plan.levels);
        needed.sent += if order.may_close(plan.levels) { 1 } else { 2 };
        needed.brings |= order.brings(plan.levels);
        match order.brings(plan.levels) {
            true => needed.sum -= reserve as i128,
            false => needed.sum += reserve as i128,
        }
        for (i, limb) in needed.limbs.iter_mut().enumerate() {
            *limb += limb_of(reserve, i);
        }
    }
    needed
}

/// The rows of an account's way to the root of its secrets.
fn secret_rows(row: usize, batch: u64, path: Option<&OneTimePath>) -> Vec<SecretRow> {
    let mut below = path.map_or(Digest::default(), |path| path.digest);
    let node = |level: usize| {
        let sibling = path.map_or(Digest::default(), |path| path.siblings[level]);
        let this = SecretRow {
            row: row * LOG_SECRETS + level,
            used: path.is_some(),
            below,
            sibling,
        };
        below = match batch >> level & 1 {
            0 => gadgets::hash::node(&below, &sibling),
            _ => gadgets::hash::node(&sibling, &below),
        };
        this
    };
    (0..LOG_SECRETS).map(node).collect()
}

/// The orders of an account that take part, or would.
fn sent(orders: &[OrderRow], account: usize) -> Vec<&Placed> {
    let orders = orders.iter().filter_map(|row| row.order.as_ref());
    orders
        .filter(|o| o.account == account && o.counts())
        .collect()
}

/// What the orders of an account traded, by instrument.
fn fills(sent: &[&Placed]) -> Vec<(usize, Traded)> {
    let own = sent.iter().copied();
    let fill = |o: &Placed| {
        let fill = &o.outcome.fill;
        let lots = (fill.bought + fill.sold).0;
        let traded = Traded {
            side: match fill.sold.0 {
                0 => Side::Long,
                _ => Side::Short,
            },
            lots,
            cash: fill.cash.0,
            charge: (fill.fee + fill.rebate).0,
            quote: o.opening.quote,
        };
        (lots > 0).then_some((o.opening.instrument, traded))
    };
    own.filter_map(fill).collect()
}

/// The rows of one account.
fn trade_rows(
    plan: &Plan,
    instruments: &[Terms],
    account: usize,
    accounts: Option<[&Account; 2]>,
    sent: &[&Placed],
) -> Vec<TradeRow> {
    let fills = fills(sent);
    let held = accounts.iter().flatten().flat_map(|a| &a.positions);
    let mut all: Vec<usize> = held.map(|p| p.instrument).collect();
    all.extend(sent.iter().map(|o| o.opening.instrument));
    all.sort_unstable();
    all.dedup();
    assert!(all.len() <= plan.slots, "what is held and traded has slots");
    let position = |account: &Account, instrument: usize| -> Option<Position> {
        let mut positions = account.positions.iter();
        positions.find(|p| p.instrument == instrument).copied()
    };
    let row = |slot: usize| {
        let instrument = all.get(slot).copied();
        let price = instruments[instrument.unwrap_or(0)].price;
        let next = all.get(slot + 1);
        TradeRow {
            row: account * plan.slots + slot,
            active: accounts.is_some(),
            instrument,
            step: next
                .zip(instrument)
                .map_or(0, |(next, this)| next - this - 1),
            positions: std::array::from_fn(|when| position(accounts?[when], instrument?)),
            fill: instrument.and_then(|i| fills.iter().find(|f| f.0 == i).map(|f| f.1)),
            price: price.map_or(0, |price| price.0),
            ..TradeRow::default()
        }
    };
    (0..plan.slots).map(row).collect()
}

/// Sets what rows take from the rows of the account above them.
pub(super) fn chain(trades: &mut [TradeRow], slots: usize) {
    for account in trades.chunks_mut(slots) {
        let (mut ranks, mut flow) = ([0; 2], [F::ZERO; AMOUNT_LIMBS]);
        for row in account {
            (row.ranks, row.flow) = (ranks, flow);
            for (rank, position) in ranks.iter_mut().zip(&row.positions) {
                *rank += usize::from(position.is_some());
            }
            for (sum, own) in flow.iter_mut().zip(row.own_flow()) {
                *sum += own;
            }
        }
    }
}

impl TradeRow {
    /// The coefficients of the row's cash.
    pub(super) fn own_flow(&self) -> [F; AMOUNT_LIMBS] {
        let sign = match (self.positions[0], self.fill) {
            (Some(held), Some(fill)) if held.side != fill.side => match held.side {
                Side::Long => 1,
                Side::Short => -1,
            },
            // Nothing is traded and nothing moves; the sign counts all the same.
            (Some(held), None) if held.side == Side::Short => -1,
            _ => 0,
        };
        let fill = self.fill;
        let [cash, charge] = [fill.map_or(0, |f| f.cash), fill.map_or(0, |f| f.charge)];
        let pays = if fill.is_some_and(|f| f.quote) { -1 } else { 1 };
        let [before, after] = self.positions.map(|p| p.map_or(0, |p| p.entry));
        let kept = self.kept().0;
        std::array::from_fn(|i| {
            let limb = |amount: u64| limb_of(amount.into(), i) as i64;
            let gain = limb(cash) - limb(after) + 2 * limb(kept) - limb(before);
            F::from_i64(sign * gain - pays * limb(charge))
        })
    }
}
