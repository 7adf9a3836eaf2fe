//! Orders that only reduce, and funding.

use fixed::Decimal;
use market::auction::{Band, Fees, Fill, Ladder, Level, Quantity};
use market::settlement::{NoSettlement, Refusal, Sent, Settlement};
use market::{Account, Balance, Balances, OffsetGroup, Position, Side, Snapshot, sample};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};

fn band(low: u64, high: u64) -> Band {
    Band::new([low, high].map(Ticks), Ticks(1), Ticks(low)).unwrap()
}

/// What a lot is worth at its mark, in ticks.
fn mark(snapshot: &Snapshot, instrument: usize) -> u64 {
    let lot = &snapshot.instruments[instrument];
    let price = lot.mark.checked_mul(&lot.lot).unwrap();
    price.rescale(6, fixed::Rounding::Floor).unwrap().max(100) as u64
}

fn quantity(lots: u64, limit: u64) -> Quantity {
    Quantity {
        lots: Lots(lots),
        limit: Ticks(limit),
    }
}

/// Bids or asks.
fn ladder(is_bid: bool, quantities: &[Quantity]) -> Ladder {
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

/// Books so many lots on one side at a price, with the fee.
fn booked(
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

/// 100,000 accounts below initial margin, or without room for a reserve, with funding, fees, coins as collateral, and offsets between coins: what
/// is let in makes the margin of none lower, whatever part of it is filled.
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
            let short = [0, 1, rng.random_range(0..1_000_000_000)][rng.random_range(0..3)];
            set_free(&settlement, &mut account, -short);
            let (mut sent, is_bid) = reducing(&mut rng, &snapshot, &account);
            if round % 10 == 0 {
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
                let after = booked(&settlement, &account, &sent, is_bid, lots, price);
                after.validate(&snapshot).unwrap();
                let gain = settlement.free(&after).unwrap().0 + short;
                least = least.min(gain);
                assert!(gain >= 0, "{gain} {lots} at {price} {sent:?} {account:?}");
            }
        }
    }
    assert!(let_in > 20_000 && refused > 20_000, "{let_in} {refused}");
    // No less would do: what is left is two ticks a lot, for what is rounded.
    assert!(least < 4, "{least}");
}

/// An account with a position, all in dollars.
fn account(positions: &[(usize, Side, u64, u64)], equity: u64) -> Account {
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

fn reduce(instrument: usize, ladder: Ladder) -> Sent {
    Sent {
        instrument,
        ladder,
        reduce_only: true,
        band: band(1, 1_000_000_000),
        fees: Fees::new(500, 0).unwrap(),
    }
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

#[test]
fn nothing_is_opened_at_a_price_that_funding_has_used_up() {
    let snapshot = sample::trading(4);
    let funding = [Ticks(1_000), Ticks(0), Ticks(-1_000), Ticks(0)];
    let settlement = Settlement::new(&snapshot, 4).unwrap();
    let settlement = settlement.with_funding(&funding).unwrap();
    let mut account = account(&[(0, Side::Long, 10, 5_000)], 1 << 50);
    let sent = |instrument: usize, ladder: Ladder, low: u64| Sent {
        band: band(low, 1_000_000_000),
        reduce_only: false,
        ..reduce(instrument, ladder)
    };
    let bid = |instrument, limit, low| sent(instrument, ladder(true, &[quantity(1, limit)]), low);
    let ask =
        |instrument, lots, limit| sent(instrument, ladder(false, &[quantity(lots, limit)]), 1);
    let says = |sent: Sent| {
        settlement
            .admit(&account, &[sent])
            .map_err(|e| e.to_string())
    };
    let refused = || {
        let name = &snapshot.instruments[0].symbol;
        Err(format!(
            "it could open a position in `{name}` at no more than cumulative funding; wait for the next sweep, or only reduce"
        ))
    };
    // A bid may be filled at the band's lower end, whatever its limit.
    assert_eq!(says(bid(0, 70_000_000, 1_000)), refused());
    assert_eq!(says(bid(0, 70_000_000, 1_001)), Ok(()));
    // An ask is filled at its limit or above; what it closes is not opened.
    assert_eq!(says(ask(0, 11, 1_000)), refused());
    assert_eq!(says(ask(0, 11, 1_001)), Ok(()));
    assert_eq!(says(ask(0, 10, 1)), Ok(()));
    assert_eq!(says(bid(2, 70_000_000, 1)), Ok(()));
    // Closed below funding: 10 lots at 400 - 1,000, less an entry of 5,000 and a fee.
    let after = booked(&settlement, &account, &ask(0, 10, 1), false, 10, 400);
    assert_eq!(after.balances[0].equity, (1 << 50) - 6_000 - 5_000 - 2);
    assert!(after.positions.is_empty());
    let fill = Fill {
        bought: Lots(1),
        ..Fill::default()
    };
    let before = account.clone();
    let booked = settlement.book(&mut account, 0, &fill, Ticks(1_000));
    assert_eq!(
        booked,
        Err(Refusal::Funding(snapshot.instruments[0].symbol.clone()))
    );
    assert_eq!(account, before);
    let large = [Ticks(1 << 40), Ticks(0), Ticks(0), Ticks(0)];
    let error = settlement.with_funding(&large).unwrap_err();
    assert_eq!(
        error,
        NoSettlement::Funding(snapshot.instruments[0].symbol.clone())
    );
    assert_eq!(
        error.to_string(),
        "cumulative funding of `BTC-PERP` is too large for its lot's value; sweep the book first"
    );
}

/// Cash less signed entries is what was paid in, whatever trades at whatever funding; after a sweep cash alone is.
#[test]
fn funding_moves_money_between_accounts_and_makes_none() {
    let snapshot = sample::trading(3);
    let mut settlement = Settlement::new(&snapshot, 3).unwrap();
    let mut rng = StdRng::seed_from_u64(23);
    let paid_in = 1u64 << 50;
    let mut accounts: Vec<Account> = (0..6).map(|_| account(&[], paid_in)).collect();
    let mut funding = vec![Ticks(0); 3];
    let cash = |accounts: &[Account]| -> i128 {
        let net = |a: &Account| i128::from(a.balances[0].equity) - i128::from(a.balances[0].debt);
        accounts.iter().map(net).sum()
    };
    let signed = |p: &Position, number: i128| {
        if p.side == Side::Long {
            number
        } else {
            -number
        }
    };
    let entries = |accounts: &[Account]| -> i128 {
        let positions = accounts.iter().flat_map(|a| &a.positions);
        positions.map(|p| signed(p, i128::from(p.entry))).sum()
    };
    let total = 6 * i128::from(paid_in);
    let marks: Vec<Ticks<u64>> = (0..3).map(|i| Ticks(mark(&snapshot, i))).collect();
    for round in 0..20_000 {
        if round % 10 == 0 {
            for one in &mut funding {
                one.0 += rng.random_range(-500..=500);
            }
            settlement = settlement.with_funding(&funding).unwrap();
        }
        let instrument = rng.random_range(0..3);
        let price = Ticks(marks[instrument].0 * rng.random_range(80..120) / 100);
        let buyer = rng.random_range(0..6);
        let seller = (buyer + rng.random_range(1..6)) % 6;
        let lots = Lots(rng.random_range(1..30));
        for (trader, bought, sold) in [(buyer, lots, Lots(0)), (seller, Lots(0), lots)] {
            let fill = Fill {
                bought,
                sold,
                ..Fill::default()
            };
            settlement
                .book(&mut accounts[trader], instrument, &fill, price)
                .unwrap();
        }
        assert_eq!(cash(&accounts) - entries(&accounts), total, "round {round}");
        if round % 997 == 0 {
            let free: Vec<_> = accounts
                .iter()
                .map(|a| settlement.free(a).unwrap())
                .collect();
            for account in &mut accounts {
                settlement.sweep(account, &marks).unwrap();
            }
            funding = vec![Ticks(0); 3];
            settlement = settlement.with_funding(&funding).unwrap();
            assert_eq!(cash(&accounts), total);
            // A sweep to the marks changes no one's margin.
            let swept: Vec<_> = accounts
                .iter()
                .map(|a| settlement.free(a).unwrap())
                .collect();
            assert_eq!(swept, free);
        }
    }
}

#[test]
fn a_sweep_that_does_not_fit_changes_nothing() {
    let snapshot = sample::trading(3);
    let settlement = Settlement::new(&snapshot, 3).unwrap();
    let mut account = account(&[(0, Side::Long, 1 << 29, 1)], 7);
    let before = account.clone();
    let refused = settlement.sweep(&mut account, &[Ticks(1 << 31); 3]);
    assert_eq!(refused, Err(Refusal::Position("BTC-PERP".into())));
    assert_eq!(account, before);
}

/// One perpetual at a price, with this contingency as its only requirement.
fn one(price: &str, contingency: &str) -> Snapshot {
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

/// Examples that venues publish.
#[test]
fn published_examples_of_margin() {
    let dollars = 1_000_000;
    let free = |snapshot: &Snapshot, side, lots, entry, [equity, debt]: [u64; 2]| {
        let mut account = account(&[(0, side, lots, entry)], equity);
        account.balances[0].debt = debt;
        Settlement::new(snapshot, 1)
            .unwrap()
            .free(&account)
            .unwrap()
            .0
    };
    // StarkEx: a coin at 20,000 with a risk factor of 3.5%, and nothing else: 19,300 can be withdrawn.
    let coin = one("20000", "0.035");
    assert_eq!(
        free(&coin, Side::Long, 1, 0, [0, 0]),
        19_300 * i128::from(dollars)
    );
    assert_eq!(free(&coin, Side::Long, 1, 0, [0, 19_300 * dollars]), 0);
    // dYdX: short 3 at 3,000 with 1,000 and a maintenance margin of 5% is liquidated above 3,174.60.
    let short = |price| {
        free(
            &one(price, "0.05"),
            Side::Short,
            3,
            9_000 * dollars,
            [1_000 * dollars, 0],
        )
    };
    assert!(short("3174.60") >= 0 && short("3174.61") < 0);
    // dYdX: long 500 at 1 with 100 is worth 0.50 at 0.801, less than the 12 that 3% of it are.
    let equity = |contingency| {
        free(
            &one("0.801", contingency),
            Side::Long,
            500,
            500 * dollars,
            [100 * dollars, 0],
        )
    };
    assert_eq!(equity("0"), 500_000);
    assert_eq!(equity("0.03"), 500_000 - 12_015_000);
    // dYdX: short 500 at 1 with 100 has nothing left at 1.2, the bankruptcy price.
    let bankrupt = |price| {
        free(
            &one(price, "0"),
            Side::Short,
            500,
            500 * dollars,
            [100 * dollars, 0],
        )
    };
    assert_eq!(bankrupt("1.2"), 0);
}
