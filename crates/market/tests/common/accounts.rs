//! Accounts, orders and fills of tests of settlement.
#![allow(dead_code)]

use fixed::Decimal;
use market::auction::{Band, Fees, Fill, Ladder, Level, Quantity};
use market::settlement::{Sent, Settlement};
use market::{Account, Balances, Position, Side, Snapshot, sample};
use records::units::{Lots, Ticks};

/// All ticks from one price to another.
pub fn band(low: u64, high: u64) -> Band {
    Band::new([low, high].map(Ticks), Ticks(1), Ticks(low)).unwrap()
}

/// What a lot is worth at its mark, in ticks.
pub fn mark(snapshot: &Snapshot, instrument: usize) -> u64 {
    let lot = &snapshot.instruments[instrument];
    let price = lot.mark.checked_mul(&lot.lot).unwrap();
    price.rescale(6, fixed::Rounding::Floor).unwrap().max(100) as u64
}

/// So many lots at a limit.
pub fn quantity(lots: u64, limit: u64) -> Quantity {
    Quantity {
        lots: Lots(lots),
        limit: Ticks(limit),
    }
}

/// Bids or asks.
pub fn ladder(is_bid: bool, quantities: &[Quantity]) -> Ladder {
    let level = |quantity: &Quantity| match is_bid {
        true => Level {
            bid: *quantity,
            ask: Quantity::default(),
        },
        false => Level {
            bid: Quantity::default(),
            ask: *quantity,
        },
    };
    Ladder(quantities.iter().map(level).collect())
}

/// Books so many lots on one side at a price, with the fee.
pub fn booked(
    settlement: &Settlement,
    account: &Account,
    sent: &Sent,
    is_bid: bool,
    lots: u64,
    price: u64,
) -> Account {
    let (bought, sold) = if is_bid { (lots, 0) } else { (0, lots) };
    let fill = Fill {
        bought: Lots(bought),
        sold: Lots(sold),
        reached: Lots(lots),
        cash: Ticks(lots * price),
        fee: sent.fees.of(Ticks(lots * price), false).0,
        rebate: Ticks(0),
    };
    let mut after = account.clone();
    settlement
        .book(&mut after, sent.instrument, &fill, Ticks(price))
        .unwrap();
    after
}

/// An account with a position, all in dollars.
pub fn account(positions: &[(usize, Side, u64, u64)], equity: u64) -> Account {
    let mut balances = Balances::none(sample::trading(4).assets.len());
    balances[0].equity = equity;
    Account {
        id: "a".into(),
        balances,
        positions: positions
            .iter()
            .map(|&(instrument, side, lots, entry)| Position {
                instrument,
                side,
                lots: Lots(lots),
                entry,
            })
            .collect(),
    }
}

/// An order that only reduces, with a fee of 0.05%.
pub fn reduce(instrument: usize, ladder: Ladder) -> Sent {
    Sent {
        instrument,
        ladder,
        reduce_only: true,
        band: band(1, 1_000_000_000),
        fees: Fees::new(500, 0).unwrap(),
    }
}

/// One perpetual at a price, with this contingency as its only requirement.
pub fn one(price: &str, contingency: &str) -> Snapshot {
    let mut snapshot = sample::trading(4);
    snapshot.instruments.truncate(1);
    snapshot.instruments[0].mark = price.parse().unwrap();
    snapshot.instruments[0].lot = Decimal::ONE;
    snapshot.grid.price_moves = vec![Decimal::ZERO];
    snapshot.grid.volatility_shifts = vec![Decimal::ZERO];
    snapshot.grid.extremes.clear();
    snapshot.parameters.offset_groups.clear();
    snapshot.parameters.perpetual_contingency = contingency.parse().unwrap();
    snapshot.parameters.initial_factor = Decimal::ONE;
    snapshot
}
