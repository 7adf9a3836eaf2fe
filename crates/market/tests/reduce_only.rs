//! Orders that only reduce.

#[path = "common/accounts.rs"]
mod accounts;

use accounts::{account, band, booked, ladder, mark, one, quantity, reduce};
use fixed::Decimal;
use market::auction::{Fees, Ladder, Level, Quantity};
use market::margin::{MarginTables, evaluate};
use market::settlement::{Refusal, Sent, Settlement};
use market::{
    Account, Balance, Level as MarginLevel, MarginParameters, OffsetGroup, Side, Snapshot, sample,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, SUBTICKS_PER_TICK, Ticks};

/// Moves an account's dollars, so that so much is free.
fn set_free(settlement: &Settlement, account: &mut Account, free: i128) {
    let missing = free - settlement.free(account).unwrap().0;
    let balance = &mut account.balances[0];
    let net = i128::from(balance.equity) - i128::from(balance.debt) + missing;
    *balance = Balance {
        equity: net.max(0) as u64,
        debt: (-net).max(0) as u64,
        ..Balance::default()
    };
    assert_eq!(settlement.free(account).unwrap().0, free);
}

/// An order of one to three levels that reduces a position of an account, which may be larger than it.
fn reducing(rng: &mut StdRng, snapshot: &Snapshot, account: &Account) -> (Sent, bool) {
    let held = account.positions[rng.random_range(0..account.positions.len())];
    let is_bid = held.side == Side::Short;
    let mark = mark(snapshot, held.instrument);
    let (low, high) = (mark * 7 / 10, mark * 13 / 10);
    let levels: Vec<Quantity> = (0..rng.random_range(1..=3))
        .map(|_| {
            let lots = rng.random_range(1..=held.lots.0 + held.lots.0 / 4 + 1);
            let near = [
                rng.random_range(low..=high),
                rng.random_range(mark * 9 / 10..=mark * 11 / 10),
            ];
            quantity(lots, near[rng.random_range(0..2)])
        })
        .collect();
    let sent = Sent {
        instrument: held.instrument,
        ladder: ladder(is_bid, &levels),
        reduce_only: true,
        band: band(low, high),
        fees: Fees::new([0, 500, 20_000][rng.random_range(0..3)], 100).unwrap(),
    };
    (sent, is_bid)
}

/// Makes an order one of a single level, at the worst limit at which it is let in, if it is at any of its band.
fn worst_let_in(settlement: &Settlement, account: &Account, sent: &mut Sent, is_bid: bool) {
    let [low, high] = [sent.band.low().0, sent.band.high().0];
    let lots = sent
        .ladder
        .0
        .iter()
        .map(|l| l.bid.lots.0 + l.ask.lots.0)
        .sum();
    // From the best limit to the worst.
    let limit = |away: u64| if is_bid { low + away } else { high - away };
    let mut let_in = |away: u64| {
        sent.ladder = ladder(is_bid, &[quantity(lots, limit(away))]);
        settlement
            .admit(account, std::slice::from_ref(sent))
            .is_ok()
    };
    if !let_in(0) {
        return;
    }
    let (mut inside, mut outside) = (0, high - low + 1);
    while outside - inside > 1 {
        let middle = inside + (outside - inside) / 2;
        *(if let_in(middle) {
            &mut inside
        } else {
            &mut outside
        }) = middle;
    }
    assert!(let_in(inside));
}

/// How an account stands.
struct Standing {
    initial: Settlement,
    maintenance: Settlement,
    /// Of both levels, with what offsets take off; none with funding.
    offset: Vec<MarginTables>,
}

impl Standing {
    fn new(snapshot: &Snapshot, slots: usize) -> Self {
        let maintenance = Snapshot {
            parameters: MarginParameters {
                initial_factor: Decimal::ONE,
                ..snapshot.parameters.clone()
            },
            ..snapshot.clone()
        };
        let tables = [snapshot, &maintenance]
            .map(|snapshot| MarginTables::new(snapshot, MarginLevel::Initial).unwrap());
        Self {
            initial: Settlement::new(snapshot, slots).unwrap(),
            maintenance: Settlement::new(&maintenance, slots).unwrap(),
            offset: tables.into(),
        }
    }

    fn with_funding(self, funding: &[Ticks<i64>]) -> Self {
        Self {
            initial: self.initial.with_funding(funding).unwrap(),
            maintenance: self.maintenance.with_funding(funding).unwrap(),
            offset: Vec::new(),
        }
    }

    /// What is free at initial and at maintenance level, in ticks, and what margins with offsets are above zero, in subticks.
    fn of(&self, account: &Account) -> Vec<i128> {
        let free = [&self.initial, &self.maintenance].map(|s| s.free(account).unwrap().0);
        let offset = self.offset.iter();
        let excess = offset.map(|tables| evaluate(tables, account).unwrap().excess.0);
        free.into_iter().chain(excess).collect()
    }
}

/// Whether none of these is lower than before, unless both are at least zero; with offsets within a tick.
fn is_no_lower(before: &[i128], after: &[i128]) -> bool {
    let tick = SUBTICKS_PER_TICK;
    let both = before.iter().zip(after).enumerate();
    both.map(|(i, (before, after))| after - before.min(&0) + if i < 2 { 0 } else { tick })
        .all(|fell| fell >= 0)
}

/// 100,000 accounts around initial margin, with funding or offsets between coins, fees, coins as collateral: what is let in makes the
/// margins of none lower that is below them, and brings none below, whatever part of it is filled; filled whole, it is margined.
#[test]
fn whoever_is_short_of_margin_can_close_and_nothing_else() {
    let mut rng = StdRng::seed_from_u64(17);
    let plain = sample::trading(40);
    let mut offset = plain.clone();
    offset.parameters.offset_groups = vec![OffsetGroup {
        underlyings: ["BTC", "ETH", "SOL", "LTC"].map(String::from).to_vec(),
        offset: "0.8".parse().unwrap(),
    }];
    let (mut let_in, mut short, mut refused, mut least) = (0, 0, 0, i128::MAX);
    for (snapshot, has_funding) in [(plain, true), (offset, false)] {
        let funding: Vec<Ticks<i64>> = (0..snapshot.instruments.len())
            .map(|i| {
                let fifth = mark(&snapshot, i) as i64 / 5;
                Ticks(rng.random_range(-fifth..=fifth))
            })
            .collect();
        let mut standing = Standing::new(&snapshot, 16);
        if has_funding {
            standing = standing.with_funding(&funding);
        }
        let settlement = &standing.initial;
        let accounts = sample::book(&snapshot, 9, 500, 6, 0);
        for round in 0..50_000 {
            let mut account = accounts.accounts()[round % 500].clone();
            for balance in account.balances.iter_mut() {
                (balance.loan, balance.margin, balance.portfolio) = (0, 0, 0);
            }
            let missing = [
                0,
                1,
                rng.random_range(-100_000_000..100_000_000),
                rng.random_range(0..2_000_000_000),
            ];
            let missing = missing[rng.random_range(0..4)];
            set_free(settlement, &mut account, -missing);
            let (mut sent, is_bid) = reducing(&mut rng, &snapshot, &account);
            if round % 25 == 0 {
                worst_let_in(settlement, &account, &mut sent, is_bid);
            }
            let effective = settlement.effective(&account, &sent);
            match settlement.admit(&account, std::slice::from_ref(&sent)) {
                Err(Refusal::Margin { .. }) => {
                    refused += 1;
                    continue;
                }
                other => assert_eq!(other, Ok(())),
            }
            let_in += 1;
            short += usize::from(missing > 0);
            let before = standing.of(&account);
            let side: Vec<Quantity> = match is_bid {
                true => effective.bids().collect(),
                false => effective.asks().collect(),
            };
            let limit = side[rng.random_range(0..side.len())].limit.0;
            let better = [0, 0, 1, 1 + limit / 50][rng.random_range(0..4)];
            let price = match is_bid {
                true => (limit - better).max(sent.band.low().0),
                false => (limit + better).min(sent.band.high().0),
            };
            let reached = side.iter().filter(|q| match is_bid {
                true => q.limit.0 >= price,
                false => q.limit.0 <= price,
            });
            let reached = reached.map(|q| q.lots.0).sum::<u64>();
            for lots in [1, rng.random_range(1..=reached), reached] {
                let after = booked(settlement, &account, &sent, is_bid, lots, price);
                let after = standing.of(&after);
                let fits = is_no_lower(&before, &after);
                assert!(
                    fits,
                    "{before:?} {after:?} {lots} at {price} {sent:?} {account:?}"
                );
                if lots == reached && side.len() == 1 {
                    least = least.min(after[0]);
                }
            }
        }
    }
    assert!(
        let_in > 10_000 && short > 5_000 && refused > 20_000,
        "{let_in} {short} {refused}"
    );
    // No less would do.
    assert_eq!(least, 0);
}

#[test]
fn levels_take_from_the_position_in_their_order() {
    let snapshot = sample::trading(4);
    let settlement = Settlement::new(&snapshot, 4).unwrap();
    let long = account(&[(0, Side::Long, 10, 1)], 0);
    let short = account(&[(0, Side::Short, 10, 1)], 0);
    let both = Ladder(vec![
        Level {
            bid: quantity(4, 10),
            ask: quantity(7, 30),
        },
        Level {
            bid: quantity(9, 12),
            ask: quantity(5, 20),
        },
        Level {
            bid: quantity(1, 11),
            ask: quantity(2, 25),
        },
    ]);
    let lots = |account: &Account, instrument: usize| -> Vec<[u64; 2]> {
        let effective = settlement.effective(account, &reduce(instrument, both.clone()));
        effective
            .0
            .iter()
            .map(|l| [l.bid.lots.0, l.ask.lots.0])
            .collect()
    };
    assert_eq!(lots(&long, 0), [[0, 7], [0, 3], [0, 0]]);
    assert_eq!(lots(&short, 0), [[4, 0], [6, 0], [0, 0]]);
    assert_eq!(lots(&long, 1), [[0; 2]; 3]);
    assert_eq!(settlement.most(&long, 0), [Lots(0), Lots(10)]);
    assert_eq!(settlement.most(&short, 0), [Lots(10), Lots(0)]);
    let all = Sent {
        reduce_only: false,
        ..reduce(0, both.clone())
    };
    assert_eq!(settlement.effective(&long, &all), both);
}

/// A level that never trades can't pay for one that gives the position away.
#[test]
fn a_dear_level_does_not_let_a_cheap_one_in() {
    let snapshot = sample::trading(4);
    let settlement = Settlement::new(&snapshot, 4).unwrap();
    let mark = mark(&snapshot, 0);
    let mut account = account(&[(0, Side::Long, 10, 10 * mark)], 0);
    set_free(&settlement, &mut account, -5_000_000);
    let admit = |quantities: &[Quantity]| {
        settlement.admit(&account, &[reduce(0, ladder(false, quantities))])
    };
    assert_eq!(admit(&[quantity(10, mark)]), Ok(()));
    assert!(matches!(
        admit(&[quantity(1, 1)]),
        Err(Refusal::Margin { .. })
    ));
    // Each level at its own limit: 9 lots far above the mark would bring more than the first one gives away.
    let mixed = [quantity(1, 1), quantity(9, 2 * mark)];
    assert!(matches!(admit(&mixed), Err(Refusal::Margin { .. })));
    let given = booked(
        &settlement,
        &account,
        &reduce(0, ladder(false, &mixed)),
        false,
        1,
        1,
    );
    assert!(settlement.free(&given).unwrap() < settlement.free(&account).unwrap());
    // Only one such order, and none that may open.
    let close = reduce(0, ladder(false, &[quantity(10, mark)]));
    let other = reduce(1, ladder(false, &[quantity(1, mark)]));
    let two = settlement.admit(&account, &[close.clone(), other]);
    assert!(matches!(two, Err(Refusal::Margin { .. })));
    let opens = Sent {
        reduce_only: false,
        ..close
    };
    assert!(matches!(
        settlement.admit(&account, &[opens]),
        Err(Refusal::Margin { .. })
    ));
    // One that has nothing to reduce leaves the account as short as it is.
    let nothing = reduce(1, ladder(false, &[quantity(5, 1)]));
    assert!(matches!(
        settlement.admit(&account, &[nothing]),
        Err(Refusal::Margin { .. })
    ));
    // Two levels are looked at as any orders, at one limit, too.
    let halves = [quantity(5, mark), quantity(5, mark)];
    assert!(matches!(admit(&halves), Err(Refusal::Margin { .. })));
    // A second level that nothing is left for plays no part.
    let enough = [quantity(10, mark), quantity(5, 1)];
    assert_eq!(admit(&enough), Ok(()));
}

/// Initial margin is released in full, so an account between the levels could close at a price that leaves it with less than nothing.
#[test]
fn an_account_can_not_give_away_more_than_it_has() {
    let mut snapshot = one("1000", "0.1");
    snapshot.parameters.initial_factor = "1.3".parse().unwrap();
    let standing = Standing::new(&snapshot, 1);
    let settlement = &standing.initial;
    // Equity is 105 a lot; maintenance needs 10% of 1,000, which is 100.
    let dollar = 1_000_000;
    let account = account(&[(0, Side::Long, 10, 10_000 * dollar)], 1_050 * dollar);
    assert_eq!(standing.of(&account)[..2], [-250_000_000, 50_000_000]);
    let sell = |lots: u64, limit: u64| Sent {
        fees: Fees::default(),
        band: band(800 * dollar, 1_500 * dollar),
        ..reduce(0, ladder(false, &[quantity(lots, limit)]))
    };
    let close = |lots: u64, limit: u64| {
        let sent = sell(lots, limit);
        let is_let_in = settlement
            .admit(&account, std::slice::from_ref(&sent))
            .is_ok();
        let after = booked(settlement, &account, &sent, false, lots, limit);
        (is_let_in, standing.of(&after)[..2].to_vec())
    };
    // At 890 all is lost and 50 more.
    assert_eq!(close(10, 890 * dollar), (false, vec![-50_000_000; 2]));
    // At 895 nothing is owed.
    assert_eq!(close(10, 895 * dollar - 1), (false, vec![-10; 2]));
    assert_eq!(close(10, 895 * dollar), (true, vec![0; 2]));
    // Two lots at the mark are enough: 8 lots need 130 each, and 131.25 are there for each.
    assert!(!close(1, 1_000 * dollar).0);
    assert_eq!(
        close(2, 1_000 * dollar),
        (true, vec![10_000_000, 250_000_000])
    );
    // Whoever is below maintenance may close, too.
    let mut account = account.clone();
    account.balances[0].equity = 950 * dollar;
    let admit = |limit: u64| settlement.admit(&account, &[sell(10, limit)]).is_ok();
    assert_eq!([905 * dollar - 1, 905 * dollar].map(admit), [false, true]);
}

/// A few lots of a few ticks, with fees of up to four ticks a lot: what is rounded makes no margin lower, but with offsets by part of a tick.
#[test]
fn what_is_rounded_makes_no_margin_lower() {
    let mut rng = StdRng::seed_from_u64(29);
    let mut snapshot = one("0.00004", "0.005");
    let moves = ["-0.15", "-0.07", "0", "0.07", "0.15"];
    snapshot.grid.price_moves = moves.map(|m| m.parse().unwrap()).to_vec();
    snapshot.parameters.offset_groups = vec![OffsetGroup {
        underlyings: vec!["BTC".into(), "ETH".into()],
        offset: "0.37".parse().unwrap(),
    }];
    let standing = Standing::new(&snapshot, 1);
    let settlement = &standing.initial;
    let (mut let_in, mut tight) = (0, 0);
    for _ in 0..20_000 {
        let lots = rng.random_range(2..8);
        let (side, is_bid) = [(Side::Long, false), (Side::Short, true)][rng.random_range(0..2)];
        let mut account = account(&[(0, side, lots, 40 * lots)], 1_000_000);
        account.balances[2].equity = rng.random_range(0..4);
        set_free(settlement, &mut account, rng.random_range(-6..6));
        let limit = rng.random_range(28..52);
        let mut sent = reduce(0, ladder(is_bid, &[quantity(lots, limit)]));
        sent.fees = Fees::new(rng.random_range(0..100_000), 0).unwrap();
        let before = standing.of(&account);
        let is_let_in = settlement
            .admit(&account, std::slice::from_ref(&sent))
            .is_ok();
        let whole = booked(settlement, &account, &sent, is_bid, lots, limit);
        let whole = settlement.free(&whole).unwrap();
        assert_eq!(is_let_in, whole >= Ticks(0));
        let_in += usize::from(is_let_in);
        tight += usize::from(whole == Ticks(0));
        let parts = (1..=lots).all(|part| {
            let after = booked(settlement, &account, &sent, is_bid, part, limit);
            is_no_lower(&before, &standing.of(&after))
        });
        assert!(parts || !is_let_in, "{account:?} {sent:?}");
    }
    assert!(let_in > 1_000 && tight > 100, "{let_in} {tight}");
}

/// A leg of a hedge is closed by none whom that brings below margin: offsets don't count before nor after.
#[test]
fn a_leg_of_a_hedge_is_not_closed_by_whoever_is_short_of_margin() {
    let mut snapshot = sample::trading(4);
    snapshot.parameters.offset_groups[0].offset = Decimal::ONE;
    let standing = Standing::new(&snapshot, 4);
    let [bitcoin, ether] = [0, 1].map(|i| mark(&snapshot, i));
    let lots = 1_000 * bitcoin / ether;
    let mut account = account(
        &[
            (0, Side::Long, 1_000, 1_000 * bitcoin),
            (1, Side::Short, lots, lots * ether),
        ],
        0,
    );
    account.balances[0].equity = 5_000_000_000;
    let before = standing.of(&account);
    assert!(before[0] < 0 && before[2] > 0, "{before:?}");
    let mut close = reduce(1, ladder(true, &[quantity(lots, ether)]));
    close.fees = Fees::default();
    let after = booked(&standing.initial, &account, &close, true, lots, ether);
    assert!(standing.of(&after)[3] < 0, "below maintenance");
    let refused = standing.initial.admit(&account, &[close]);
    assert!(matches!(refused, Err(Refusal::Margin { .. })));
}

#[test]
fn an_order_that_only_reduces_needs_no_slot() {
    let snapshot = sample::trading(4);
    let settlement = Settlement::new(&snapshot, 1).unwrap();
    let account = account(&[(0, Side::Long, 10, 1)], 1_000_000_000);
    let one = reduce(1, ladder(true, &[quantity(1, 1)]));
    assert_eq!(
        settlement.admit(&account, std::slice::from_ref(&one)),
        Ok(())
    );
    let opens = Sent {
        reduce_only: false,
        ..one
    };
    assert_eq!(settlement.admit(&account, &[opens]), Err(Refusal::Slots(1)));
}
