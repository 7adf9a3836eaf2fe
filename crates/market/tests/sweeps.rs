//! Funding in settlement, sweeps, and examples that venues publish.

#[path = "common/accounts.rs"]
mod accounts;

use accounts::{account, band, booked, ladder, mark, one, quantity, reduce};
use market::auction::{Fill, Ladder};
use market::settlement::{NoSettlement, Refusal, Sent, Settlement};
use market::{Account, Position, Side, Snapshot, sample};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::{Lots, Ticks};

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
