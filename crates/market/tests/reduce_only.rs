//! Orders that only reduce.

#[path = "common/accounts.rs"]
mod accounts;

use accounts::{account, band, booked, ladder, mark, one, quantity, reduce};
use fixed::Decimal;
use market::auction::{Fees, Ladder, Level, Quantity};
use market::settlement::{Refusal, Sent, Settlement};
use market::{Account, Balance, OffsetGroup, Side, Snapshot, sample};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};

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

/// What an account's margins at initial and maintenance level are above zero, in subticks, and its equity.
fn standing(settlement: &Settlement, account: &Account) -> [i128; 3] {
    let [initial, maintenance] = settlement.margins(account).unwrap();
    [initial.excess.0, maintenance.excess.0, initial.equity.0]
}

/// 100,000 accounts below initial margin, or without room for a reserve, with funding, fees, coins as collateral, and offsets between coins: what
/// is let in makes the margins of none lower and none bankrupt, whatever part of it is filled.
#[test]
fn whoever_is_short_of_margin_can_close_and_nothing_else() {
    let mut rng = StdRng::seed_from_u64(17);
    let plain = sample::trading(40);
    let mut offset = plain.clone();
    offset.parameters.offset_groups = vec![OffsetGroup {
        underlyings: ["BTC", "ETH", "SOL", "LTC"].map(String::from).to_vec(),
        offset: "0.8".parse().unwrap(),
    }];
    let (mut let_in, mut refused, mut least) = (0, 0, i128::MAX);
    for snapshot in [plain, offset] {
        let funding: Vec<Ticks<i64>> = (0..snapshot.instruments.len())
            .map(|i| {
                let fifth = mark(&snapshot, i) as i64 / 5;
                Ticks(rng.random_range(-fifth..=fifth))
            })
            .collect();
        let settlement = Settlement::new(&snapshot, 16).unwrap();
        let settlement = settlement.with_funding(&funding).unwrap();
        let accounts = sample::book(&snapshot, 9, 500, 6, 0);
        for round in 0..50_000 {
            let mut account = accounts.accounts()[round % 500].clone();
            for balance in account.balances.iter_mut() {
                (balance.loan, balance.margin, balance.portfolio) = (0, 0, 0);
            }
            let short = [
                0,
                1,
                rng.random_range(0..100_000_000),
                rng.random_range(0..2_000_000_000),
            ];
            let short = short[rng.random_range(0..4)];
            set_free(&settlement, &mut account, -short);
            let (mut sent, is_bid) = reducing(&mut rng, &snapshot, &account);
            if round % 25 == 0 {
                worst_let_in(&settlement, &account, &mut sent, is_bid);
            }
            let effective = settlement.effective(&account, &sent);
            let reserve = settlement.reserve(&sent, &effective);
            match settlement.admit(&account, std::slice::from_ref(&sent)) {
                Err(Refusal::Margin { free, needed }) => {
                    assert_eq!((free.0, needed), (-short, reserve));
                    refused += 1;
                    continue;
                }
                other => assert_eq!(other, Ok(())),
            }
            let_in += 1;
            let before = standing(&settlement, &account);
            if settlement.free(&account).unwrap() >= reserve {
                continue;
            }
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
            for lots in [1, rng.random_range(1..=reached)] {
                let after = booked(&settlement, &account, &sent, is_bid, lots, price);
                let after = standing(&settlement, &after);
                let gains = [after[0] - before[0], after[1] - before[1]];
                least = least.min(gains[0]).min(gains[1]);
                let fits = gains.iter().all(|gain| *gain >= 0) && after[2] >= 0;
                assert!(fits, "{gains:?} {lots} at {price} {sent:?} {account:?}");
            }
        }
    }
    assert!(let_in > 10_000 && refused > 20_000, "{let_in} {refused}");
    // No less would do: what is left is two ticks a lot, for what is rounded.
    assert!(least < 4 << 20, "{least}");
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
    // One that has nothing to reduce trades nothing.
    assert_eq!(
        settlement.admit(&account, &[reduce(1, ladder(false, &[quantity(5, 1)]))]),
        Ok(())
    );
}

/// Between the levels, initial margin is no lower at a price that leaves the account with less than nothing.
#[test]
fn an_account_between_the_levels_can_not_give_away_more_than_it_has() {
    let snapshot = one("1000", "0.1");
    let mut snapshot = snapshot;
    snapshot.parameters.initial_factor = "1.3".parse().unwrap();
    let settlement = Settlement::new(&snapshot, 1).unwrap();
    // Equity is 10.5 a lot; maintenance needs 10% of 1,000, which is 100 for 10 lots at 100 each.
    let dollar = 1_000_000;
    let account = account(&[(0, Side::Long, 10, 10_000 * dollar)], 1_050 * dollar);
    assert_eq!(
        standing(&settlement, &account).map(|s| s >> 20),
        [-250_000_000, 50_000_000, 1_050_000_000]
    );
    let close = |limit: u64| {
        let free_of_fees = Sent {
            fees: Fees::default(),
            band: band(800 * dollar, 1_500 * dollar),
            ..reduce(0, ladder(false, &[quantity(10, limit)]))
        };
        let relieves = settlement
            .admit(&account, std::slice::from_ref(&free_of_fees))
            .is_ok();
        let after = booked(&settlement, &account, &free_of_fees, false, 10, limit);
        (relieves, standing(&settlement, &after).map(|s| s >> 20))
    };
    // At 890 all is lost and 50 more, and yet initial margin would be better by 200.
    assert_eq!(close(890 * dollar), (false, [-50_000_000; 3]));
    // At 900 and two ticks what was above maintenance is left.
    assert_eq!(close(900 * dollar + 1), (false, [50_000_010; 3]));
    assert_eq!(close(900 * dollar + 2), (true, [50_000_020; 3]));
    // Whoever is below maintenance may close, but not down to less than nothing.
    let mut account = account.clone();
    account.balances[0].equity = 950 * dollar;
    let admit = |limit: u64| {
        let sent = Sent {
            fees: Fees::default(),
            band: band(800 * dollar, 1_500 * dollar),
            ..reduce(0, ladder(false, &[quantity(10, limit)]))
        };
        settlement.admit(&account, &[sent]).is_ok()
    };
    assert_eq!([905 * dollar - 1, 905 * dollar].map(admit), [false, true]);
}

/// A few lots of a few ticks, offset in part by another coin, so that a lot changes margins by parts of a tick: where the two ticks a lot are
/// needed for what is rounded.
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
    let settlement = Settlement::new(&snapshot, 1).unwrap();
    let (mut needed, mut let_in) = (0, 0);
    for _ in 0..20_000 {
        let lots = rng.random_range(2..8);
        let (side, is_bid) = [(Side::Long, false), (Side::Short, true)][rng.random_range(0..2)];
        let mut account = account(&[(0, side, lots, 40 * lots)], 1_000_000);
        account.balances[2].equity = rng.random_range(0..4);
        let limit = rng.random_range(30..50);
        let mut sent = reduce(0, ladder(is_bid, &[quantity(lots, limit)]));
        sent.fees = Fees::new(rng.random_range(0..100_000), 0).unwrap();
        let before = standing(&settlement, &account);
        let is_no_lower = |lots: u64| {
            let after = booked(&settlement, &account, &sent, is_bid, lots, limit);
            let after = standing(&settlement, &after);
            after[0] >= before[0] && after[1] >= before[1]
        };
        let relieves = settlement.relieves(&account, &sent).unwrap();
        let part = (1..lots).all(is_no_lower);
        needed += usize::from(is_no_lower(lots) && !part);
        let_in += usize::from(relieves);
        assert!(part || !relieves, "{account:?} {sent:?}");
    }
    assert!(needed > 3 && let_in > 1_000, "{needed} {let_in}");
}

/// Without offsets a leg of a hedge looks like a relief; with them it is a burden.
#[test]
fn a_leg_of_a_hedge_is_not_closed_by_whoever_is_short_of_margin() {
    let snapshot = sample::trading(4);
    let mut offset = snapshot.clone();
    offset.parameters.offset_groups[0].offset = Decimal::ONE;
    let [apart, together] = [snapshot, offset].map(|mut snapshot| {
        if snapshot.parameters.offset_groups[0].offset != Decimal::ONE {
            snapshot.parameters.offset_groups.clear();
        }
        Settlement::new(&snapshot, 4).unwrap()
    });
    let [bitcoin, ether] = [0, 1].map(|i| mark(&sample::trading(4), i));
    let lots = 1_000 * bitcoin / ether;
    let mut account = account(
        &[
            (0, Side::Long, 1_000, 1_000 * bitcoin),
            (1, Side::Short, lots, lots * ether),
        ],
        0,
    );
    account.balances[0].equity = 5_000_000_000;
    let before = standing(&together, &account);
    assert!(before[0] > 0 && together.free(&account).unwrap() < Ticks(0));
    let mut close = reduce(1, ladder(true, &[quantity(lots, ether)]));
    close.fees = Fees::default();
    let after = booked(&together, &account, &close, true, lots, ether);
    assert!(standing(&together, &after)[1] < 0, "below maintenance");
    assert_eq!(together.relieves(&account, &close), Ok(false));
    assert_eq!(apart.relieves(&account, &close), Ok(true));
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
