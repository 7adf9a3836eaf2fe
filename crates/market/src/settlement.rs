//! From one book to the next: what fills change in an account, and which orders an account may send.
//!
//! Positions are at average cost. Closing a part of one keeps as much of its entry, rounded down, as stays open, and the rest
//! less what the closed lots bring is realized in cash. So over any trades the sum of cash less signed entries stays exactly what it
//! was, whatever is rounded: the venue owes what it took in, at every mark.
//!
//! An account's orders are let in if it keeps its initial margin whatever part of them is filled. That needs no evaluation
//! after each fill, but one before: a lot can cost no more than its limit less what it is worth in the worst column of its
//! underlying, and so much is kept in reserve ([`reserve`]). Offsets between underlyings don't count towards what is free.
//!
//! An order that only reduces trades no more lots than the position has, whose other side it is. As an account's only order it
//! needs no reserve, but margin after it ([`Settlement::required`]): so whoever is short of margin can close.
//!
//! Funding is a public number of ticks a lot, `F` ([`crate::funding`]). Entries are kept at the price less `F`, and a lot counts what it is
//! worth less `F`. A position is not opened at a price of `F` or less, since its entry would not be above zero; a sweep sets `F` back to zero.
//!
//! Only instruments settled in the quote currency trade.

use fixed::Decimal;
use records::units::{Lots, MAX_AMOUNT, SUBTICKS_PER_TICK, Subticks, TICK_DECIMALS, Ticks};

use crate::array::MAX_VALUE;
use crate::auction::{Band, Fees, Fill, Ladder, Level, Quantity, Void};
use crate::book::{Account, MAX_LOTS, Position, Side};
use crate::haircut::value;
use crate::margin::{LOSSES_PER_SUBTICK, MarginTables, TooLarge, evaluate};
use crate::snapshot::{
    Asset, Instrument, Level as MarginLevel, Settlement as InstrumentSettlement, Snapshot,
    SnapshotError,
};

/// Why a market's book can't be settled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSettlement {
    /// There is no cash.
    #[error(
        "the market has no asset `{0}`, its quote currency, with six decimals and a price of 1"
    )]
    NoCash(String),
    /// Cash is worth less the more there is of it.
    #[error(
        "`{0}`, the quote currency, does not count whole, however much there is of it: give it one margin tier of 100%"
    )]
    Tiers(String),
    /// An instrument settled in a coin.
    #[error("`{0}` is settled in a coin; only instruments settled in the quote currency trade")]
    Inverse(String),
    /// Cumulative funding that does not fit.
    #[error("cumulative funding of `{0}` is too large for its lot's value; sweep the book first")]
    Funding(String),
    /// The snapshot is not valid.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// Why an account's orders are not let in, or its fills do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Below initial margin if filled.
    #[error("its orders need {}, and {} is free", needed.to_quote(), free.to_quote())]
    Margin {
        /// As [`Required::free`].
        free: Ticks<i128>,
        /// As [`Required::needed`].
        needed: Ticks<i128>,
    },
    /// More positions than a leaf has slots.
    #[error("it could have more than {0} positions; close one first")]
    Slots(usize),
    /// A position that does not fit.
    #[error(
        "its position in `{0}` could have 2^30 lots or more, or an entry of 2^60 ticks or more"
    )]
    Position(String),
    /// Cash that does not fit.
    #[error("its cash or its debt could reach 2^60 ticks")]
    Cash,
    /// A price at which a position has no entry above zero.
    #[error(
        "it could open a position in `{0}` at no more than cumulative funding; wait for the next sweep, or only reduce"
    )]
    Funding(String),
    /// A ladder that takes no part in its auction.
    #[error(transparent)]
    Void(#[from] Void),
    /// More than can be evaluated.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// A position while it trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Long or short.
    pub side: Side,
    /// Above zero.
    pub lots: Lots,
    /// What they were entered at.
    pub entry: Ticks<u128>,
}

/// Buys (`Long`) or sells lots at a price, less cumulative funding: opens, increases, reduces, closes or turns a position. Gives
/// what is left, and what is realized in cash. `None` if it would open lots at a price that is not above zero; at such a price a
/// position can be closed, but not opened.
pub fn trade(
    held: Option<Open>,
    (side, lots): (Side, Lots),
    price: Ticks<i64>,
) -> Option<(Option<Open>, Ticks<i128>)> {
    let worth = |lots: Lots| i128::from(lots.0) * i128::from(price.0);
    let closed = held.filter(|held| held.side != side);
    let closed = closed.map_or(Lots(0), |held| held.lots.min(lots));
    let added = lots - closed;
    if added > Lots(0) && price <= Ticks(0) {
        return None;
    }
    // Zero, or above zero as the price is.
    let entry = Ticks(worth(added) as u128);
    let opened = (added > Lots(0)).then_some(Open {
        side,
        lots: added,
        entry,
    });
    let Some(held) = held else {
        return Some((opened, Ticks(0)));
    };
    if held.side == side {
        let increased = Open {
            lots: held.lots + added,
            entry: held.entry + entry,
            ..held
        };
        return Some((Some(increased), Ticks(0)));
    }
    let left = held.lots - closed;
    // Rounded down; the rest of the entry is realized, so nothing is lost.
    let kept = Ticks(held.entry.0 * u128::from(left.0) / u128::from(held.lots.0));
    let gain = worth(closed) - (held.entry - kept).0 as i128;
    let cash = match held.side {
        Side::Long => gain,
        Side::Short => -gain,
    };
    let rest = match left {
        Lots(0) => opened,
        _ => Some(Open {
            lots: left,
            entry: kept,
            ..held
        }),
    };
    Some((rest, Ticks(cash)))
}

/// What settles a market: its cash and the public numbers of initial margin.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Of initial margin.
    tables: MarginTables,
    /// The place of the quote currency among the assets.
    cash: usize,
    /// Instruments by name.
    symbols: Vec<String>,
    /// Cumulative funding, by instrument.
    funding: Vec<Ticks<i64>>,
    /// Positions that fit an account.
    slots: usize,
}

/// What must be free in an account for its orders, and what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Required {
    /// Equity less the initial requirement, offsets aside, rounded down, of what is left after the close if there is one; may be negative.
    pub free: Ticks<i128>,
    /// What orders need; negative if a close brings more than it costs.
    pub needed: Ticks<i128>,
    /// What the account's only order closes, if that is how it is looked at.
    pub closing: Option<Closing>,
}

/// A position, or a part of one, that an account's only order closes at its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The instrument's number.
    pub instrument: usize,
    /// Lots that are closed.
    pub lots: Lots,
    /// What is paid for them at the limit less cumulative funding, with the fee; mostly negative if they are sold.
    pub owed: Ticks<i128>,
}

impl Closing {
    /// An account without the lots that are closed, and with what they were entered at.
    pub fn left(&self, account: &Account) -> Account {
        let mut left = account.clone();
        let mut positions = left.positions.iter_mut();
        if let Some(position) = positions.find(|p| p.instrument == self.instrument) {
            position.lots -= self.lots;
        }
        left
    }
}

/// The ladder with which an account takes part in the auction of an instrument; it has one an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The instrument's number.
    pub instrument: usize,
    /// The ladder that lives.
    pub ladder: Ladder,
    /// It may only close what the account holds.
    pub reduce_only: bool,
    /// The auction's candidate prices.
    pub band: Band,
    /// The auction's fees.
    pub fees: Fees,
}

impl Settlement {
    /// Of a valid snapshot whose accounts have so many slots for positions.
    ///
    /// # Errors
    /// Says why its trades can't be settled.
    pub fn new(snapshot: &Snapshot, slots: usize) -> Result<Self, NoSettlement> {
        let tables = MarginTables::new(snapshot, MarginLevel::Initial)?;
        let quote = || snapshot.quote.clone();
        let is_cash = |asset: &Asset| {
            asset.symbol == snapshot.quote
                && asset.decimals == TICK_DECIMALS
                && asset.price == Decimal::ONE
        };
        let cash = snapshot.assets.iter().position(is_cash);
        let cash = cash.ok_or_else(|| NoSettlement::NoCash(quote()))?;
        let most = MAX_AMOUNT - 1;
        let counted = value(&tables.assets[cash].schedules[1], most);
        if counted != u128::from(most) * SUBTICKS_PER_TICK as u128 {
            return Err(NoSettlement::Tiers(quote()));
        }
        let inverse = |i: &&Instrument| i.settlement != InstrumentSettlement::Linear;
        if let Some(instrument) = snapshot.instruments.iter().find(inverse) {
            return Err(NoSettlement::Inverse(instrument.symbol.clone()));
        }
        let symbols = snapshot.instruments.iter().map(|i| i.symbol.clone());
        Ok(Self {
            cash,
            symbols: symbols.collect(),
            funding: vec![Ticks(0); snapshot.instruments.len()],
            slots,
            tables,
        })
    }

    /// The same with cumulative funding, in ticks a lot, for each instrument.
    ///
    /// # Errors
    /// If a lot's value less its funding is 2^39 ticks or more.
    ///
    /// # Panics
    /// If there are more or fewer numbers than instruments.
    pub fn with_funding(mut self, funding: &[Ticks<i64>]) -> Result<Self, NoSettlement> {
        assert_eq!(funding.len(), self.funding.len(), "one for each instrument");
        for (instrument, (new, old)) in funding.iter().zip(&self.funding).enumerate() {
            let refused = || NoSettlement::Funding(self.symbols[instrument].clone());
            // What longs have paid, shorts have received.
            let more = new.0.checked_sub(old.0).ok_or_else(refused)?;
            let value = &mut self.tables.arrays.lots[instrument].value;
            let [long, short] = [value[0].checked_sub(more), value[1].checked_add(more)];
            let fits = |v: Option<i64>| v.filter(|v| v.unsigned_abs() < MAX_VALUE.unsigned_abs());
            *value = [
                fits(long).ok_or_else(refused)?,
                fits(short).ok_or_else(refused)?,
            ];
        }
        self.funding = funding.to_vec();
        Ok(self)
    }

    /// Most lots that an order that only reduces may buy and sell.
    pub fn most(&self, account: &Account, instrument: usize) -> [Lots; 2] {
        match position(account, instrument) {
            None => [Lots(0); 2],
            Some(held) if held.side == Side::Long => [Lots(0), held.lots],
            Some(held) => [held.lots, Lots(0)],
        }
    }

    /// What of a ladder takes part: of one that only reduces no more lots than there are to close, of which the first levels take
    /// first. Limits stay.
    pub fn effective(&self, account: &Account, sent: &Sent) -> Ladder {
        match sent.reduce_only {
            true => sent.ladder.within(self.most(account, sent.instrument)),
            false => sent.ladder.clone(),
        }
    }

    /// Equity less the initial requirement, without what offsets take off: ticks, rounded down.
    ///
    /// # Errors
    /// If the account has too much in one coin.
    pub fn free(&self, account: &Account) -> Result<Ticks<i128>, TooLarge> {
        let result = evaluate(&self.tables, account)?;
        // What offsets take off was rounded down.
        let credit = -(-result.credit).div_euclid(LOSSES_PER_SUBTICK);
        let free = result.excess - Subticks(credit);
        Ok(Ticks(free.0.div_euclid(SUBTICKS_PER_TICK)))
    }

    /// What must be free for what of a ladder takes part ([`Settlement::effective`]), so that the account keeps its margin whatever part of it is filled at its limits or
    /// better: of its bids together, or of its asks if these need more, since at one price only one side trades.
    ///
    /// `lots * (limit - F - worst value of a lot held long) + fee` for a bid, `lots * (-worst value of a lot held short - (limit - F)) + fee`
    /// for an ask, each at least zero, and a tick for each level, for what is rounded. The worst value is the lot's value less `F`, contingency and
    /// its largest loss in any column of its underlying.
    ///
    /// # Panics
    /// If the ladder takes no part under its band.
    pub fn reserve(&self, sent: &Sent, effective: &Ladder) -> Ticks<i128> {
        let lot = &self.tables.arrays.lots[sent.instrument];
        let funding = i128::from(self.funding[sent.instrument].0);
        let worst = |side: Side| {
            let changes = lot.changes[side.index()].iter();
            lot.value[side.index()] + changes.copied().min().unwrap_or(0)
        };
        let level = |quantity: Quantity, cost: i128, price: Ticks<u64>| {
            let lots = i128::from(quantity.lots.0);
            let cash = Ticks(quantity.lots.0 * price.0);
            let (fee, _) = sent.fees.of(cash, false);
            (lots * cost + i128::from(fee.0)).max(0) + 1
        };
        let long = i128::from(worst(Side::Long));
        let short = i128::from(worst(Side::Short));
        let at = |quantity: Quantity| i128::from(quantity.limit.0) - funding;
        let bids = effective.bids();
        let bids = bids.map(|bid| level(bid, at(bid) - long, bid.limit));
        // An ask that is filled above its limit brings more than its fee rises, which is at most 10% of that.
        let asks = effective.asks();
        let asks = asks.map(|ask| level(ask, -short - at(ask), ask.limit));
        Ticks(bids.sum::<i128>().max(asks.sum()))
    }

    /// Whether all that an account sends is let in: it has room for it, and [enough is free](Self::required).
    ///
    /// # Errors
    /// Says why nothing of it is.
    pub fn admit(&self, account: &Account, sent: &[Sent]) -> Result<(), Refusal> {
        let may_open = |s: &&Sent| !s.reduce_only && position(account, s.instrument).is_none();
        let opens = sent.iter().filter(may_open);
        if account.positions.len() + opens.count() > self.slots {
            return Err(Refusal::Slots(self.slots));
        }
        for one in sent {
            one.ladder.check(&one.band)?;
        }
        let Required { free, needed, .. } = self.required(account, sent)?;
        match free >= needed {
            true => self.check_room(account, sent),
            false => Err(Refusal::Margin { free, needed }),
        }
    }

    /// Checks that whatever is filled of what an account sends can be booked.
    fn check_room(&self, account: &Account, sent: &[Sent]) -> Result<(), Refusal> {
        let balance = &account.balances[self.cash];
        let mut cash = u128::from(balance.equity.max(balance.debt));
        for one in sent {
            let effective = self.effective(account, one);
            self.check_funding(account, one, &effective)?;
            cash += self.most_cash(account, one, &effective)?;
        }
        match cash < u128::from(MAX_AMOUNT) {
            true => Ok(()),
            false => Err(Refusal::Cash),
        }
    }

    /// What must be free in an account for the orders that it sends, and what is.
    ///
    /// Orders need what they keep in reserve ([`Settlement::reserve`]). But an only order that reduces at one limit needs no reserve:
    /// the account is looked at as if it were filled whole at its limit, with its fee. So whoever is short of margin can close, if that is enough to be
    /// margined again. No part of it makes initial margin lower than the lesser of what it was before and zero: equity is linear in the
    /// lots that are closed, losses are convex, and at a better price there is more. That is exact, since a lot changes both by whole
    /// ticks and so by no less than its fee; with offsets it is so within a tick. The same holds for maintenance margin where what is left
    /// needs no more at that level; a few hedged options, or moves below a tick, may need more there.
    ///
    /// # Errors
    /// If the account has too much in one coin.
    ///
    /// # Panics
    /// If a ladder takes no part under its band.
    pub fn required(&self, account: &Account, sent: &[Sent]) -> Result<Required, TooLarge> {
        let Some(closing) = self.closing(account, sent) else {
            let reserve = |one: &Sent| self.reserve(one, &self.effective(account, one));
            return Ok(Required {
                free: self.free(account)?,
                needed: sent.iter().map(reserve).sum(),
                closing: None,
            });
        };
        Ok(Required {
            free: self.free(&closing.left(account))?,
            needed: closing.owed,
            closing: Some(closing),
        })
    }

    /// What an account's only order closes, if it reduces at one limit, its first.
    fn closing(&self, account: &Account, sent: &[Sent]) -> Option<Closing> {
        let [only] = sent else { return None };
        let effective = self.effective(account, only);
        let mut behind = effective.0.iter().skip(1);
        let trades = |level: &Level| level.bid.lots + level.ask.lots > Lots(0);
        if !only.reduce_only || behind.any(trades) {
            return None;
        }
        let Level { bid, ask } = effective.0.first().copied().unwrap_or_default();
        let (Quantity { lots, limit }, sign) = match ask.lots > Lots(0) {
            true => (ask, -1),
            false => (bid, 1),
        };
        let (fee, _) = only.fees.of(Ticks(lots.0 * limit.0), false);
        let net = i128::from(limit.0) - i128::from(self.funding[only.instrument].0);
        let paid = sign * i128::from(lots.0) * net;
        Some(Closing {
            instrument: only.instrument,
            lots,
            owed: Ticks(paid + i128::from(fee.0)),
        })
    }

    /// Refuses what could open a position at no more than cumulative funding.
    fn check_funding(
        &self,
        account: &Account,
        sent: &Sent,
        effective: &Ladder,
    ) -> Result<(), Refusal> {
        let [closing_bids, closing_asks] = self.most(account, sent.instrument);
        let lots = |quantities: &mut dyn Iterator<Item = Quantity>| {
            quantities.fold(Lots(0), |sum, q| sum.saturating_add(q.lots))
        };
        let bids_open = lots(&mut effective.bids()) > closing_bids;
        let asks_open = lots(&mut effective.asks()) > closing_asks;
        // A bid may be filled at any price down to the band's end, an ask at none below its limit.
        let least_ask = effective.asks().map(|q| q.limit).min();
        let least = [
            Some(sent.band.low()).filter(|_| bids_open),
            least_ask.filter(|_| asks_open),
        ];
        let funding = i128::from(self.funding[sent.instrument].0);
        match least
            .iter()
            .flatten()
            .any(|price| i128::from(price.0) <= funding)
        {
            true => Err(Refusal::Funding(self.symbols[sent.instrument].clone())),
            false => Ok(()),
        }
    }

    /// More cash than a fill of a ladder can bring or take, at any price of the band.
    ///
    /// # Errors
    /// If the position would not fit the account.
    fn most_cash(
        &self,
        account: &Account,
        sent: &Sent,
        effective: &Ladder,
    ) -> Result<u128, Refusal> {
        let held = position(account, sent.instrument);
        let (lots, entry) = held.map_or((0, 0), |p| (p.lots.0, p.entry));
        let side = |quantities: &mut dyn Iterator<Item = Quantity>| {
            quantities.fold(0u64, |sum, q| sum.saturating_add(q.lots.0))
        };
        let most = side(&mut effective.bids()).max(side(&mut effective.asks()));
        let funding = i128::from(self.funding[sent.instrument].0);
        let [low, high] =
            [sent.band.low(), sent.band.high()].map(|end| i128::from(end.0) - funding);
        let worth = u128::from(most) * low.unsigned_abs().max(high.unsigned_abs());
        let entry = u128::from(entry) + worth;
        if lots.saturating_add(most) >= MAX_LOTS.0 || entry >= u128::from(MAX_AMOUNT) {
            return Err(Refusal::Position(self.symbols[sent.instrument].clone()));
        }
        // Realized is at most the entry and what is traded; a fee is at most a tenth of what is paid, rounded up.
        let paid = u128::from(most) * u128::from(sent.band.high().0);
        Ok(entry + paid / 10 + 1)
    }

    /// Books what an account traded in an instrument.
    ///
    /// # Errors
    /// If the account would not fit its bounds, or a position would be opened at no more than cumulative funding: never, if its orders
    /// were [let in](Self::admit). The account is then as before.
    pub fn book(
        &self,
        account: &mut Account,
        instrument: usize,
        fill: &Fill,
        price: Ticks<u64>,
    ) -> Result<(), Refusal> {
        let bought = fill.bought > Lots(0);
        let (side, lots) = match bought {
            true => (Side::Long, fill.bought),
            false => (Side::Short, fill.sold),
        };
        if lots == Lots(0) {
            return Ok(());
        }
        let held = position(account, instrument).map(|p| Open {
            side: p.side,
            lots: p.lots,
            entry: Ticks(u128::from(p.entry)),
        });
        // Both are below 2^40 in magnitude.
        let net = Ticks(price.0 as i64) - self.funding[instrument];
        let refused = || Refusal::Funding(self.symbols[instrument].clone());
        let (open, realized) = trade(held, (side, lots), net).ok_or_else(refused)?;
        let position = open.map(|open| -> Result<Position, Refusal> {
            let entry = u64::try_from(open.entry.0).ok().filter(|e| *e < MAX_AMOUNT);
            let entry = entry.filter(|_| open.lots < MAX_LOTS);
            Ok(Position {
                instrument,
                side: open.side,
                lots: open.lots,
                entry: entry.ok_or_else(|| Refusal::Position(self.symbols[instrument].clone()))?,
            })
        });
        let position = position.transpose()?;
        if held.is_none() && account.positions.len() >= self.slots {
            return Err(Refusal::Slots(self.slots));
        }
        let cash = realized.0 - i128::from(fill.fee.0) + i128::from(fill.rebate.0);
        self.pay(account, Ticks(cash))?;
        account.positions.retain(|p| p.instrument != instrument);
        let place = account
            .positions
            .partition_point(|p| p.instrument < instrument);
        account.positions.splice(place..place, position);
        Ok(())
    }

    /// Settles an account's positions to marks, in ticks a lot: what they won or lost is paid, and they are entered anew at the marks,
    /// free of funding. Cumulative funding is zero once all accounts are swept.
    ///
    /// # Errors
    /// If the account would not fit its bounds. The account is then as before.
    pub fn sweep(&self, account: &mut Account, marks: &[Ticks<u64>]) -> Result<(), Refusal> {
        let mut swept = account.clone();
        let mut cash = Ticks(0);
        for position in &mut swept.positions {
            let mark = i128::from(marks[position.instrument].0);
            let lots = i128::from(position.lots.0);
            let funding = i128::from(self.funding[position.instrument].0);
            let won = Ticks(lots * (mark - funding) - i128::from(position.entry));
            match position.side {
                Side::Long => cash += won,
                Side::Short => cash -= won,
            }
            let entry = u64::try_from(lots * mark).ok().filter(|e| *e < MAX_AMOUNT);
            let refused = || Refusal::Position(self.symbols[position.instrument].clone());
            position.entry = entry.ok_or_else(refused)?;
        }
        self.pay(&mut swept, cash)?;
        *account = swept;
        Ok(())
    }

    /// Adds cash to an account, or takes it. What comes in pays back debt first. What goes out is taken from what is not
    /// pledged, then borrowed.
    fn pay(&self, account: &mut Account, cash: Ticks<i128>) -> Result<(), Refusal> {
        let balance = &mut account.balances[self.cash];
        let (mut equity, mut debt) = (i128::from(balance.equity), i128::from(balance.debt));
        if cash.0 >= 0 {
            let back = cash.0.min(debt);
            debt -= back;
            equity += cash.0 - back;
        } else {
            let pledged: i128 = balance.pledges().iter().map(|p| i128::from(*p)).sum();
            let own = (-cash.0).min(equity - pledged);
            equity -= own;
            debt += -cash.0 - own;
        }
        let fits = |amount: i128| u64::try_from(amount).ok().filter(|a| *a < MAX_AMOUNT);
        (balance.equity, balance.debt) = fits(equity).zip(fits(debt)).ok_or(Refusal::Cash)?;
        Ok(())
    }
}

fn position(account: &Account, instrument: usize) -> Option<&Position> {
    account
        .positions
        .iter()
        .find(|p| p.instrument == instrument)
}
