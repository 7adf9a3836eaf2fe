//! Trades conserve money exactly, and what is kept in reserve covers whatever is filled.

use fixed::Decimal;
use market::auction::{Band, Fees, Fill, Ladder, Level, Quantity, Void};
use market::settlement::{NoSettlement, Open, Refusal, Sent, Settlement, trade};
use market::{Account, OffsetGroup, Position, Settlement as Kind, Side, Snapshot, Tier, sample};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};

/// The sample's linear instruments; dollars count whole.
fn linear() -> Snapshot {
    let mut snapshot = sample::snapshot();
    snapshot
        .instruments
        .retain(|i| i.settlement == Kind::Linear);
    snapshot.assets[0].haircuts.margin = vec![Tier {
        up_to: Decimal::from_int(2_000_000_000_000),
        percent: Decimal::from_int(100),
    }];
    snapshot
}

/// The same, with an offset between both coins.
fn grouped() -> Snapshot {
    let mut snapshot = linear();
    snapshot.parameters.offset_groups = vec![OffsetGroup {
        underlyings: vec!["BTC".into(), "ETH".into()],
        offset: "0.8".parse().unwrap(),
    }];
    snapshot
}

#[test]
fn a_million_random_trades_conserve_money() {
    const TRADERS: usize = 8;
    let mut rng = StdRng::seed_from_u64(3);
    let mut held: [Option<Open>; TRADERS] = [None; TRADERS];
    let mut cash = [0i128; TRADERS];
    let (mut opened, mut increased, mut reduced, mut closed, mut turned) = (0, 0, 0, 0, 0);
    for round in 0..1_000_000 {
        let mut buyer = rng.random_range(0..TRADERS);
        let mut seller = (buyer + rng.random_range(1..TRADERS)) % TRADERS;
        let is_long = |trader: usize| held[trader].is_some_and(|open| open.side == Side::Long);
        if is_long(buyer) && rng.random_bool(0.7) {
            (buyer, seller) = (seller, buyer);
        }
        let most = [2, 9, 1 << 20][rng.random_range(0..3)];
        let small = |open: &Open| open.lots < Lots(1 << 24);
        let closing = held[buyer].filter(small).filter(|_| rng.random_bool(0.1));
        let lots = closing.map_or(Lots(rng.random_range(1..=most)), |open| open.lots);
        let price = Ticks(rng.random_range(1..1i64 << 38));
        for (trader, side) in [(buyer, Side::Long), (seller, Side::Short)] {
            let before = held[trader];
            let (after, realized) = trade(before, (side, lots), price).unwrap();
            match (before, after) {
                (None, _) => opened += 1,
                (Some(_), None) => closed += 1,
                (Some(before), Some(after)) if before.side != after.side => turned += 1,
                (Some(before), Some(after)) if before.lots < after.lots => increased += 1,
                _ => reduced += 1,
            }
            held[trader] = after;
            cash[trader] += realized.0;
        }
        let signed = |open: &Open| match open.side {
            Side::Long => (i128::from(open.lots.0), open.entry.0 as i128),
            Side::Short => (-i128::from(open.lots.0), -(open.entry.0 as i128)),
        };
        let lots: i128 = held.iter().flatten().map(|o| signed(o).0).sum();
        let entries: i128 = held.iter().flatten().map(|o| signed(o).1).sum();
        assert_eq!(lots, 0, "round {round}");
        assert_eq!(cash.iter().sum::<i128>(), entries, "round {round}");
    }
    let counts = [opened, increased, reduced, closed, turned];
    assert!(counts.iter().all(|count| *count > 1_000), "{counts:?}");
}

#[test]
fn positions_open_increase_reduce_close_and_turn() {
    let open = |side, lots, entry| {
        Some(Open {
            side,
            lots: Lots(lots),
            entry: Ticks(entry),
        })
    };
    let (long, short) = (Side::Long, Side::Short);
    let five = open(long, 5, 501);
    let cases = [
        (None, (long, 5), open(long, 5, 600), 0),
        (five, (long, 5), open(long, 10, 1101), 0),
        // 2/5 of 501 is 200.4: 200 stay, and 3 * 120 - 301 is realized.
        (five, (short, 3), open(long, 2, 200), 59),
        (five, (short, 5), None, 99),
        (five, (short, 7), open(short, 2, 240), 99),
        (open(short, 5, 501), (long, 3), open(short, 2, 200), -59),
        (open(short, 5, 501), (long, 9), open(long, 4, 480), -99),
    ];
    for (held, (side, lots), left, cash) in cases {
        let traded = trade(held, (side, Lots(lots)), Ticks(120)).unwrap();
        assert_eq!(traded, (left, Ticks(cash)), "{held:?} {side:?} {lots}");
    }
    // At a price that cumulative funding has used up, what is open can be closed and nothing opened.
    for price in [0, -7] {
        let closed = trade(five, (short, Lots(5)), Ticks(price));
        assert_eq!(closed, Some((None, Ticks(5 * i128::from(price) - 501))));
        let reduced = trade(open(short, 5, 501), (long, Lots(3)), Ticks(price));
        let left = open(short, 2, 200);
        assert_eq!(reduced, Some((left, Ticks(301 - 3 * i128::from(price)))));
        assert_eq!(trade(None, (long, Lots(1)), Ticks(price)), None);
        assert_eq!(trade(five, (long, Lots(1)), Ticks(price)), None);
        assert_eq!(trade(five, (short, Lots(6)), Ticks(price)), None);
    }
}

fn band(low: u64, high: u64) -> Band {
    Band::new([low, high].map(Ticks), Ticks(1), Ticks(low)).unwrap()
}

/// Some orders of an account near the marks.
fn orders(rng: &mut StdRng, snapshot: &Snapshot, account: &Account) -> Vec<Sent> {
    let held = |rng: &mut StdRng| {
        let held = account.positions.len();
        (held > 0).then(|| account.positions[rng.random_range(0..held)].instrument)
    };
    let mut sent: Vec<Sent> = Vec::new();
    for _ in 0..rng.random_range(1..4) {
        let any = rng.random_range(0..snapshot.instruments.len());
        let instrument = held(rng).filter(|_| rng.random_bool(0.6)).unwrap_or(any);
        if sent.iter().any(|s| s.instrument == instrument) {
            continue;
        }
        let lot = &snapshot.instruments[instrument];
        let price = lot.mark.checked_mul(&lot.lot).unwrap();
        let mark = price.rescale(6, fixed::Rounding::Floor).unwrap().max(100) as u64;
        let (low, high) = (mark * 7 / 10, mark * 13 / 10);
        let level = |rng: &mut StdRng| {
            let bid = rng.random_range(low..=mark);
            let ask = rng.random_range(mark + 1..=high);
            let lots = |rng: &mut StdRng| match rng.random_range(0..3) {
                0 => 0,
                1 => rng.random_range(1..20),
                _ => rng.random_range(1..2_000),
            };
            Level {
                bid: Quantity {
                    lots: Lots(lots(rng)),
                    limit: Ticks(bid),
                },
                ask: Quantity {
                    lots: Lots(lots(rng)),
                    limit: Ticks(ask),
                },
            }
        };
        let ladder = Ladder((0..rng.random_range(1..=2)).map(|_| level(rng)).collect());
        let band = band(low, high);
        // A ladder without lots is a cancel and takes no part.
        if ladder.check(&band).is_ok() {
            sent.push(Sent {
                instrument,
                ladder,
                reduce_only: rng.random_bool(0.2),
                band,
                fees: Fees::new([0, 500, 20_000][rng.random_range(0..3)], 100).unwrap(),
            });
        }
    }
    sent
}

/// A price within a side's limits, and a part of what it reaches.
fn filled(rng: &mut StdRng, sent: &Sent, effective: &Ladder) -> Option<(Fill, Ticks<u64>)> {
    let is_bid = rng.random_bool(0.5);
    let side: Vec<Quantity> = match is_bid {
        true => effective.bids().collect(),
        false => effective.asks().collect(),
    };
    let limit = side.get(rng.random_range(0..side.len().max(1)))?.limit.0;
    let away = [0, 0, 1, 1 + limit / 50][rng.random_range(0..4)];
    let price = Ticks(if is_bid {
        limit - away
    } else {
        (limit + away).min(sent.band.high().0)
    });
    let reached = side.iter().filter(|q| match is_bid {
        true => q.limit >= price,
        false => q.limit <= price,
    });
    let reached = reached.map(|q| q.lots).sum::<Lots>();
    let lots = match rng.random_bool(0.5) {
        true => reached,
        false => Lots(rng.random_range(0..=reached.0)),
    };
    let cash = Ticks(lots.0 * price.0);
    let (fee, rebate) = sent.fees.of(cash, rng.random_bool(0.3));
    let (bought, sold) = if is_bid {
        (lots, Lots(0))
    } else {
        (Lots(0), lots)
    };
    Some((
        Fill {
            bought,
            sold,
            reached,
            cash,
            fee,
            rebate,
        },
        price,
    ))
}

fn needed(settlement: &Settlement, account: &Account, sent: &Sent) -> i128 {
    let effective = settlement.effective(account, sent);
    settlement.reserve(sent, &effective).0
}

/// Cumulative funding of up to a fifth of each lot's value, to both sides.
fn funded(rng: &mut StdRng, snapshot: &Snapshot) -> Vec<Ticks<i64>> {
    let each = snapshot.instruments.iter().map(|instrument| {
        let price = instrument.mark.checked_mul(&instrument.lot).unwrap();
        let fifth = price.rescale(6, fixed::Rounding::Floor).unwrap() as i64 / 5;
        Ticks(rng.random_range(-fifth..=fifth))
    });
    each.collect()
}

/// An account whose free margin is exactly what its orders need.
fn tight(settlement: &Settlement, account: &mut Account, sent: &[Sent]) {
    let required = settlement.required(account, sent).unwrap();
    let missing = required.needed.0 - required.free.0;
    let balance = &mut account.balances[0];
    let net = i128::from(balance.equity) - i128::from(balance.debt) + missing;
    (balance.equity, balance.debt) = (net.max(0) as u64, (-net).max(0) as u64);
    let required = settlement.required(account, sent).unwrap();
    assert_eq!(required.free, required.needed);
}

#[test]
fn what_is_kept_in_reserve_covers_whatever_is_filled() {
    let mut rng = StdRng::seed_from_u64(5);
    let (mut fills, mut used_up) = (0, 0);
    for snapshot in [linear(), grouped()] {
        let funding = funded(&mut rng, &snapshot);
        let settlement = Settlement::new(&snapshot, 16).unwrap();
        let settlement = settlement.with_funding(&funding).unwrap();
        // Coins among the collateral, so that it falls in the scenarios.
        let accounts = sample::book(&snapshot, 9, 500, 6, 0);
        for round in 0..50_000 {
            let mut account = accounts.accounts()[round % 500].clone();
            for balance in account.balances.iter_mut() {
                (balance.loan, balance.margin, balance.portfolio) = (0, 0, 0);
            }
            let sent = orders(&mut rng, &snapshot, &account);
            tight(&settlement, &mut account, &sent);
            assert_eq!(settlement.admit(&account, &sent), Ok(()));
            let mut poorer = account.clone();
            let balance = &mut poorer.balances[0];
            match balance.equity {
                0 => balance.debt += 1,
                _ => balance.equity -= 1,
            }
            let refused = settlement.admit(&poorer, &sent);
            assert!(
                matches!(refused, Err(Refusal::Margin { .. })),
                "{refused:?}"
            );
            for _ in 0..2 {
                let mut after = account.clone();
                for one in &sent {
                    let effective = settlement.effective(&account, one);
                    if let Some((fill, price)) = filled(&mut rng, one, &effective) {
                        settlement
                            .book(&mut after, one.instrument, &fill, price)
                            .unwrap();
                        fills += 1;
                    }
                }
                after.validate(&snapshot).unwrap();
                let free = settlement.free(&after).unwrap();
                used_up += usize::from(free < Ticks(10));
                // A close that is let in may not be filled.
                let least = settlement.free(&account).unwrap().min(Ticks(0));
                assert!(free >= least, "{free:?} {sent:?} {account:?} {after:?}");
            }
        }
    }
    assert!(fills > 150_000);
    // No smaller reserve would do.
    assert!(used_up > 1_000, "{used_up}");
}

#[test]
fn refusals_say_why() {
    let snapshot = linear();
    let settlement = Settlement::new(&snapshot, 1).unwrap();
    let mut account = sample::book(&snapshot, 9, 1, 1, 0).accounts()[0].clone();
    for balance in account.balances.iter_mut() {
        *balance = Default::default();
    }
    account.positions.clear();
    account.balances[0].equity = 1_000_000;
    let sent = |instrument, ladder| Sent {
        instrument,
        ladder,
        reduce_only: false,
        band: band(1, 100_000_000),
        fees: Fees::default(),
    };
    let says =
        |account: &Account, sent: &[Sent]| settlement.admit(account, sent).unwrap_err().to_string();
    // A lot is 0.001 BTC at 65,100.22: 15% of it and contingency, less 0.10022 that it is bought below its mark.
    let one = sent(0, Ladder::bid(1, 65_000_000));
    let needed = Ticks(needed(&settlement, &account, &one));
    assert!((9_000_000..14_000_000).contains(&needed.0), "{needed:?}");
    let text = format!(
        "its orders need {}, and 1.000000 is free",
        needed.to_quote()
    );
    assert_eq!(says(&account, &[one]), text);
    let two = [sent(0, Ladder::bid(1, 1)), sent(1, Ladder::bid(1, 1))];
    assert_eq!(
        says(&account, &two),
        "it could have more than 1 positions; close one first"
    );
    let large = sent(0, Ladder::bid((1 << 30) - 1, 1));
    account.positions = vec![Position {
        instrument: 0,
        side: Side::Long,
        lots: Lots(1),
        entry: 1,
    }];
    let text = "its position in `BTC-PERP` could have 2^30 lots or more, or an entry of 2^60 ticks or more";
    assert_eq!(says(&account, &[large]), text);
}

/// What is let in can be booked; what can't be booked changes nothing.
#[test]
fn cash_that_could_not_be_booked_is_not_let_in() {
    let snapshot = linear();
    let settlement = Settlement::new(&snapshot, 1).unwrap();
    let mut account = sample::book(&snapshot, 9, 1, 1, 0).accounts()[0].clone();
    for balance in account.balances.iter_mut() {
        *balance = Default::default();
    }
    account.positions.clear();
    let sent = |ladder| Sent {
        instrument: 0,
        ladder,
        reduce_only: false,
        band: band(1, 100_000_000),
        fees: Fees::new(0, 0).unwrap(),
    };
    // An ask of 10 lots is worth 10^9 ticks at most, a tenth of which a fee may be.
    let most = (1 << 60) - 1 - 1_000_000_000 - 100_000_000 - 1;
    account.balances[0].equity = most;
    assert_eq!(
        settlement.admit(&account, &[sent(Ladder::ask(10, 1))]),
        Ok(())
    );
    account.balances[0].equity = most + 1;
    let refused = settlement.admit(&account, &[sent(Ladder::ask(10, 1))]);
    assert_eq!(refused, Err(Refusal::Cash));
    let refused = settlement.admit(&account, &[sent(Ladder::default())]);
    assert_eq!(refused, Err(Refusal::Void(Void::Cancels)));
    account.balances[0].equity = 1_000;
    account.positions = vec![Position {
        instrument: 1,
        side: Side::Long,
        lots: Lots(1),
        entry: 1,
    }];
    let before = account.clone();
    let fill = Fill {
        bought: Lots(1),
        fee: Ticks(5),
        ..Fill::default()
    };
    let refused = settlement.book(&mut account, 0, &fill, Ticks(7));
    assert_eq!(refused, Err(Refusal::Slots(1)));
    assert_eq!(account, before);
}

#[test]
fn cash_pays_back_debt_first_and_leaves_what_is_pledged() {
    let snapshot = linear();
    let settlement = Settlement::new(&snapshot, 4).unwrap();
    let mut account = sample::book(&snapshot, 9, 1, 1, 0).accounts()[0].clone();
    account.positions = vec![Position {
        instrument: 0,
        side: Side::Long,
        lots: Lots(10),
        entry: 1_000,
    }];
    let after = |[equity, debt, margin]: [u64; 3], sold: u64, price: u64| {
        let mut account = account.clone();
        let balance = &mut account.balances[0];
        *balance = Default::default();
        (balance.equity, balance.debt, balance.margin) = (equity, debt, margin);
        let fill = Fill {
            sold: Lots(sold),
            fee: Ticks(3),
            ..Fill::default()
        };
        settlement
            .book(&mut account, 0, &fill, Ticks(price))
            .unwrap();
        let balance = account.balances[0];
        (
            balance.equity,
            balance.debt,
            account.positions.first().map(|p| (p.lots.0, p.entry)),
        )
    };
    assert_eq!(after([50, 30, 0], 10, 110), (50 + 67, 0, None));
    assert_eq!(after([50, 130, 0], 10, 110), (50, 33, None));
    assert_eq!(after([50, 30, 20], 5, 90), (20, 30 + 23, Some((5, 500))));
}

#[test]
fn markets_that_cannot_be_settled_are_refused() {
    let says = |snapshot: &Snapshot| Settlement::new(snapshot, 4).err();
    assert_eq!(says(&linear()), None);
    let inverse = NoSettlement::Inverse("BTC-PERP-COIN".into());
    let mut market = linear();
    market.instruments = sample::snapshot().instruments;
    assert_eq!(says(&market), Some(inverse));
    let mut market = linear();
    market.assets[0].haircuts.margin[0].up_to = Decimal::from_int(100_000_000);
    assert_eq!(says(&market), Some(NoSettlement::Tiers("USD".into())));
    let mut market = linear();
    market.assets[0].decimals = 2;
    assert_eq!(says(&market), Some(NoSettlement::NoCash("USD".into())));
}
