//! A venue's risk, premia, funding and allocation; and the files it is read from.

use fixed::{Decimal, FRACTION_BITS, Interval};
use market::{Instrument, Settlement};
use records::units::{Lots, Ticks};
use venue::evar::Confidence;
use venue::import::states::{
    parse_trade, read_changes, read_scenarios, read_state, write_scenarios, write_state,
    write_trades,
};
use venue::inventory::{instruments_of, inventory};
use venue::premia::{Evaluated, Shows, Terms, check};
use venue::scenarios::recipe::Source;
use venue::scenarios::{Market, ScenarioError, ScenarioSet};
use venue::state::{Change, Trade, Transfer, VenueError, VenueState, providers_premium};

fn confidence() -> Confidence {
    Decimal::new(95, 2).try_into().unwrap()
}

fn prices(lots: bool) -> Terms {
    Terms {
        confidence: confidence(),
        shows: Shows::Prices { lots },
        funding: false,
        until_ms: None,
    }
}

fn float(x: &Interval) -> f64 {
    (x.lo() + (x.hi() - x.lo()) / 2) as f64 / 2f64.powi(FRACTION_BITS as i32)
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * a.abs().max(b.abs()), "{a} {b}");
}

fn sample() -> (ScenarioSet, VenueState) {
    let set = venue::sample::scenarios(3, 4, 500);
    let state = VenueState {
        capital: Ticks(10_000_000_000),
        providers: Ticks(20_000_000_000),
        collected: Ticks(0),
        ..venue::sample::state(&set)
    };
    assert!(evar(&state, &set) > 1e9, "there is something at risk");
    (set, state)
}

fn evar(state: &VenueState, set: &ScenarioSet) -> f64 {
    float(&state.evar(set, confidence()).unwrap().value)
}

fn evaluated(state: &VenueState, set: &ScenarioSet) -> Evaluated {
    Evaluated::new(state.clone(), None, set, &prices(false)).unwrap()
}

/// Funding rates in ticks a lot and day.
fn funding(state: &VenueState, set: &ScenarioSet) -> Vec<f64> {
    let rates = evaluated(state, set).funding(set, |_| 1);
    let units = |rate: &Decimal| rate.rescale_exact(12).unwrap() as f64;
    rates.iter().map(|rate| units(rate) / 1e6).collect()
}

/// What changes pay, and the state after them.
fn paid(state: &VenueState, set: &ScenarioSet, changes: &[Change]) -> (Vec<u64>, VenueState) {
    let day = check(set, state, changes, &prices(true)).unwrap();
    let premia = day.states[1..].iter().map(|e| e.premium.0);
    (premia.collect(), day.last().state.clone())
}

/// Two markets worth 100 ticks, three scenarios.
fn tiny() -> ScenarioSet {
    let market = |symbol: &str| Market {
        symbol: symbol.into(),
        lot: Decimal::ONE,
        value: 100,
    };
    ScenarioSet {
        as_of_ms: 1_795_651_200_000,
        quote: "USD".into(),
        horizon_days: Decimal::ONE,
        source: Source::Given {
            note: "a test".into(),
        },
        markets: vec![market("A"), market("B")],
        values: vec![vec![90, 120], vec![100, 100], vec![130, 70]],
        probabilities: Vec::new(),
    }
}

#[test]
fn liabilities_by_hand() {
    let set = tiny();
    let state = VenueState {
        as_of_ms: 1_795_651_200_000,
        quantities: vec![Lots(2), Lots(-1)],
        entry: Ticks(2 * 95 - 105),
        capital: Ticks(10),
        providers: Ticks(5),
        collected: Ticks(0),
        collected_since_ms: 0,
    };
    // 2 * 90 - 120 - (85 + 15) and so on.
    assert_eq!(state.liabilities(&set).unwrap(), [-40, 0, 90].map(Ticks));
    assert_eq!(state.gains(&set).unwrap(), [0, 0, 90].map(Ticks));
    // One of three scenarios owes: more than the tail, so EVaR is what it owes.
    close(evar(&state, &set), 90.0, 1e-12);
    let bought = state
        .after(
            &Trade {
                market: 1,
                lots: Lots(3),
                price: Ticks(101),
            },
            Ticks(7),
        )
        .unwrap();
    assert_eq!(bought.quantities, [2, 2].map(Lots));
    assert_eq!(
        (bought.entry, bought.collected),
        (Ticks(85 + 303), Ticks(7))
    );
    assert_eq!(bought.liabilities(&set).unwrap(), [17, -3, -3].map(Ticks));
    // Providers may lose 0, 5 and 5 of their 5 before, and 5, 2 and 2 after: less, for which they pay nothing back.
    let less = providers_premium(&state, &bought, &set).unwrap();
    assert_eq!(less, Interval::ZERO);
    let more = providers_premium(&bought, &state, &set).unwrap();
    close(
        float(&more),
        (0.0 + 5.0 + 5.0) / 3.0 - (5.0 + 2.0 + 2.0) / 3.0,
        1e-12,
    );
}

#[test]
fn the_allocation_adds_up_to_evar() {
    let (set, state) = sample();
    let parts = evaluated(&state, &set).allocation(&set).unwrap();
    let sum = parts.markets.iter().sum::<Ticks<i128>>() + parts.means;
    close(sum.0 as f64, evar(&state, &set), 1e-6);
    assert!(parts.means < Ticks(0));
}

#[test]
fn the_allocation_is_the_gradient() {
    // A hundred times as large, so that a lot is a small change.
    let (set, small) = sample();
    let state = VenueState {
        as_of_ms: 1_795_651_200_000,
        quantities: small.quantities.iter().map(|&q| q * 100).collect(),
        entry: small.entry * 100,
        capital: small.capital * 100,
        providers: small.providers * 100,
        collected: Ticks(0),
        collected_since_ms: 0,
    };
    let parts = evaluated(&state, &set).allocation(&set).unwrap();
    for market in 0..4 {
        // A lot more and a lot less, at no cost.
        let moved = |lots: i64| {
            let mut state = state.clone();
            state.quantities[market].0 += lots;
            evar(&state, &set)
        };
        let slope = (moved(1) - moved(-1)) / 2.0;
        let q = state.quantities[market].0;
        if q != 0 {
            close(slope, parts.markets[market].0 as f64 / q as f64, 1e-3);
        }
    }
}

#[test]
fn funding_is_how_evar_grows_with_the_horizon() {
    let (set, state) = sample();
    let rates = funding(&state, &set);
    let rates = rates.iter().zip(&state.quantities);
    let total: f64 = rates.map(|(rate, q)| rate * q.0 as f64).sum();
    // The set at a horizon of 1 + h days: moves scaled by the root, h = 1e-3.
    let at = |h: f64| {
        let root = (1.0 + h).sqrt();
        let mut set = set.clone();
        for values in &mut set.values {
            for (value, market) in values.iter_mut().zip(&set.markets) {
                let change = *value as f64 - market.value as f64;
                *value = (market.value as f64 + root * change).round() as u64;
            }
        }
        evar(&state, &set)
    };
    close((at(1e-3) - at(-1e-3)) / 2e-3, total, 1e-4);
}

/// Rates are taken with the tilt held fixed. Over all markets they add up to what EVaR grows by; but a market's rate times its
/// quantity is not what its share of EVaR grows by, since the tilt moves between markets as the horizon grows.
#[test]
fn a_rate_is_not_the_growth_of_a_share() {
    let set = venue::sample::scenarios(1, 4, 1_000);
    let state = venue::sample::state(&set);
    let at = |h: f64| -> Vec<f64> {
        let root = (1.0 + h).sqrt();
        let mut set = set.clone();
        for values in &mut set.values {
            for (value, market) in values.iter_mut().zip(&set.markets) {
                let change = *value as f64 - market.value as f64;
                *value = (market.value as f64 + root * change).round() as u64;
            }
        }
        let parts = evaluated(&state, &set).allocation(&set).unwrap();
        let all = parts.markets.iter().chain([&parts.means]);
        all.map(|share| share.0 as f64 / 1e6).collect()
    };
    let (more, less) = (at(1e-3), at(-1e-3));
    let growth: Vec<f64> = more.iter().zip(less).map(|(m, l)| (m - l) / 2e-3).collect();
    let rates = funding(&state, &set);
    let rates = rates.iter().zip(&state.quantities);
    let rates: Vec<f64> = rates.map(|(rate, q)| rate * q.0 as f64 / 1e6).collect();
    close(rates[0], 49_399.0, 2e-5);
    close(growth[0], 83_887.0, 2e-3);
    // Counted as moves from today's value, which leaves out how much likelier it gets that anything is owed.
    let owed = -growth[4] / (state.means().0 as f64 / 1e6);
    let worth = (state.quantities[0].0 * 6_400) as f64;
    close(growth[0] - worth * owed, 54_160.0, 4e-4);
    close(rates.iter().sum(), growth.iter().sum(), 1e-4);
}

#[test]
fn premia_of_a_sequence_change_the_state_one_after_another() {
    let (set, first) = sample();
    let trades = venue::sample::trades(5, &set, 12);
    let changes: Vec<Change> = trades.iter().copied().map(Change::from).collect();
    let (premia, last) = paid(&first, &set, &changes);
    let (mut state, mut rise) = (first, 0.0);
    for (trade, premium) in trades.iter().zip(premia) {
        let moved = state.after(trade, Ticks(0)).unwrap();
        let (before, after) = (evar(&state, &set), evar(&moved, &set));
        let expected = (after - before).max(0.0);
        // Certificates are good to a millionth of EVaR.
        assert!(
            (premium as f64 - expected).abs() <= 1.0 + before.max(after) / 1e6,
            "{premium} {expected}"
        );
        let collected = state.collected;
        state = state.after(trade, Ticks(premium)).unwrap();
        assert_eq!(state.collected, collected + Ticks(premium));
        rise += expected;
    }
    assert_eq!(state, last);
    close(state.collected.0 as f64, rise, 1e-4);
    // A hedge costs nothing, a provider's withdrawal something.
    let hedge = Trade {
        market: 0,
        lots: Lots(-state.quantities[0].0 / 2),
        price: Ticks(set.markets[0].value),
    };
    assert_eq!(paid(&state, &set, &[hedge.into()]).0, [0]);
    let withdrawal = Change::Transfer(Transfer {
        providers: Ticks(-10_000_000_000),
        ..Transfer::default()
    });
    assert!(paid(&state, &set, &[withdrawal]).0[0] > 1_000_000_000);
}

#[test]
fn a_venue_that_owes_nothing_has_no_risk() {
    let set = tiny();
    for state in [0, 1_000].map(|c| VenueState::flat(2, Ticks(c), Ticks(0))) {
        assert_eq!(
            state.evar(&set, confidence()).unwrap().value,
            Interval::from_int(0)
        );
        assert!(evaluated(&state, &set).evar() <= Ticks(5));
        assert_eq!(funding(&state, &set), [0.0; 2]);
    }
}

/// The caution of the model: for normal X with standard deviation 1 and mean -4 at 95%, tilting X itself gives 0.026
/// where the risk of max(X, 0) is 0.418. Over a grid of 2^14 equally likely slices, whose tail ends at 3.99, it is less.
#[test]
fn positive_parts_are_tilted_not_liabilities() {
    let n = 1 << 14;
    let quantile = |u: f64| {
        let (mut lo, mut hi) = (-9f64, 9f64);
        for _ in 0..60 {
            let middle = (lo + hi) / 2.0;
            let x = (middle * 2f64.powi(56)) as i128;
            let cdf = Interval::from_ends(x, x).unwrap().normal_cdf();
            if (cdf.lo() as f64) < u * 2f64.powi(56) {
                lo = middle;
            } else {
                hi = middle;
            }
        }
        lo
    };
    // Shifted so that a scenario or two owe something on this grid: mean -3.
    let unit = 1e9;
    let losses: Vec<i64> = (0..n)
        .map(|i| ((quantile((f64::from(i) + 0.5) / f64::from(n)) - 3.0) * unit) as i64)
        .collect();
    let positive: Vec<i64> = losses.iter().map(|x| (*x).max(0)).collect();
    let tilted = float(&venue::evar::evar(&positive, confidence()).unwrap().value) / unit;
    let naive = float(&venue::evar::evar(&losses, confidence()).unwrap().value) / unit;
    // Tilting X: below zero. Tilting max(X, 0): 22 scenarios owe up to 0.99.
    assert!(naive < 0.0, "{naive}");
    assert!((0.3..0.99).contains(&tilted), "{tilted}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let set = tiny();
    let state = VenueState::flat(2, Ticks(0), Ticks(0));
    let trade = |market, lots, price| Trade {
        market,
        lots: Lots(lots),
        price: Ticks(price),
    };
    assert_eq!(
        state.after(&trade(2, 1, 1), Ticks(0)),
        Err(VenueError::Market(2))
    );
    for (lots, price) in [(1 << 38, 1), (i64::MIN, 1), ((1 << 38) - 1, 1 << 39)] {
        let refused = state.after(&trade(0, lots, price), Ticks(0));
        assert!(
            matches!(refused, Err(VenueError::TooLarge(_))),
            "{lots} {price}"
        );
    }
    assert!(state.after(&trade(0, 1, 1), Ticks(u64::MAX)).is_err());
    let mut large = state.clone();
    large.quantities[0] = Lots((1 << 38) - 1);
    let mut dear = set.clone();
    dear.values[1][0] = (1 << 40) - 1;
    assert!(matches!(
        large.liabilities(&dear),
        Err(VenueError::TooLarge(_))
    ));
    assert!(
        VenueState::flat(3, Ticks(0), Ticks(0))
            .liabilities(&set)
            .is_err()
    );
    for (change, expected) in [
        (0, ScenarioError::Scenarios(0)),
        (1, ScenarioError::Markets(0)),
        (2, ScenarioError::Duplicate("A".into())),
        (3, ScenarioError::Horizon),
        (4, ScenarioError::Lot("A".into())),
        (5, ScenarioError::Name("USD\\naccepted: all is well".into())),
    ] {
        let mut set = set.clone();
        match change {
            0 => set.values.clear(),
            1 => set.markets.clear(),
            2 => set.markets[1].symbol = "A".into(),
            4 => set.markets[0].lot = Decimal::ZERO,
            5 => set.quote = "USD\naccepted: all is well".into(),
            _ => set.horizon_days = Decimal::ZERO,
        }
        assert_eq!(set.validate(), Err(expected));
    }
}

#[test]
fn files_are_read_as_they_were_written() {
    let (set, state) = sample();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    write_scenarios(&file("s.json"), &set).unwrap();
    assert_eq!(read_scenarios(&file("s.json")).unwrap(), set);
    let state = VenueState {
        entry: Ticks(-5),
        collected: Ticks(7),
        ..state
    };
    write_state(&file("v.json"), &state, &set).unwrap();
    assert_eq!(read_state(&file("v.json"), &set).unwrap(), state);
    let trades = venue::sample::trades(1, &set, 9);
    write_trades(&file("t.csv"), &trades, &set).unwrap();
    let read = read_changes(&file("t.csv"), &set).unwrap();
    assert_eq!(
        read,
        trades.iter().copied().map(Change::from).collect::<Vec<_>>()
    );
    // With transfers and a roll.
    let text = "market,lots,price,transfer,amount\nBTC,2,10,,\n,,,providers,-1.5\n,,,collected,2\n,,,roll,2026-11-26\n";
    std::fs::write(file("c.csv"), text).unwrap();
    let read = read_changes(&file("c.csv"), &set).unwrap();
    let transfer = |providers, collected| {
        Change::Transfer(Transfer {
            capital: Ticks(0),
            providers: Ticks(providers),
            collected: Ticks(collected),
        })
    };
    let roll = Change::Roll {
        at_ms: 1_795_651_200_000,
    };
    assert_eq!(
        read[1..],
        [transfer(-1_500_000, 0), transfer(0, 2_000_000), roll]
    );
    for (line, expected) in [
        (
            "BTC,1,2,providers,3",
            ":2: field `transfer`: a line is a trade or a transfer",
        ),
        (",,,bank,3", ":2: field `transfer`: 'bank' is none of"),
        (
            ",,,roll,yesterday",
            ":2: field `amount`: 'yesterday' is no moment in UTC",
        ),
        (",,,capital,x", ":2: field `amount`: "),
    ] {
        let text = format!("market,lots,price,transfer,amount\n{line}\n");
        std::fs::write(file("c.csv"), text).unwrap();
        let found = read_changes(&file("c.csv"), &set).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    }
    std::fs::write(file("c.csv"), "market,lots,price,amount\n").unwrap();
    let found = read_changes(&file("c.csv"), &set).unwrap_err().to_string();
    assert!(found.contains("go together"), "{found}");
    let trade = parse_trade("ETH:-5", &set).unwrap();
    assert_eq!(
        (trade.market, trade.lots, trade.price),
        (1, Lots(-5), Ticks(set.markets[1].value))
    );
    assert_eq!(
        parse_trade("ETH:-5:1.5", &set).unwrap().price,
        Ticks(1_500_000)
    );
}

#[test]
fn files_that_are_wrong_say_where() {
    let (set, _) = sample();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let state = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read_state(&path, &set).unwrap_err().to_string()
    };
    let trades = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read_changes(&path, &set).unwrap_err().to_string()
    };
    for (found, expected) in [
        (state("{"), ":1: column 2"),
        (
            state(r#"{"capital":"1","providers":"1"}"#),
            "missing field `quantities`",
        ),
        (
            state(r#"{"capital":"-1","providers":"1","quantities":{}}"#),
            "field `capital`: -1 is negative",
        ),
        (
            state(r#"{"capital":"1.0000001","providers":"1","quantities":{}}"#),
            "more than six decimals",
        ),
        (
            state(r#"{"capital":"1","providers":"1","quantities":{"X":1}}"#),
            "there is no market `X`",
        ),
        (
            state(r#"{"capital":"1","providers":"1","quantities":{"BTC":1,"BTC":2}}"#),
            "`BTC` stands twice",
        ),
        (
            state(r#"{"capital":"1","providers":"1","quantities":{"BTC":1.5}}"#),
            "invalid type",
        ),
        (
            trades("market,lots\nBTC,1\n"),
            ":1: field `price`: the column is missing",
        ),
        (
            trades("market,lots,price\nBTC,1,\nBTC,x,1\n"),
            ":3: field `lots`: 'x' is not a whole number",
        ),
        (
            trades("market,lots,price\nBTC,1,-2\n"),
            ":2: field `price`: -2 is negative",
        ),
        (
            trades("market,lots,price\nBTC,1,\nETH,0,1\n"),
            ":3: field `lots`: a trade of 0 lots is none; give a number other than 0 or leave the trade out",
        ),
        (trades("market,lots,price\nBTC,1\n"), ":2: has 2 fields"),
        (
            parse_trade("BTC", &set).unwrap_err().to_string(),
            "write MARKET:LOTS",
        ),
        (
            parse_trade("BTC:0", &set).unwrap_err().to_string(),
            "a trade of 0 lots is none",
        ),
        (
            parse_trade("BTC:99999999999999", &set)
                .unwrap_err()
                .to_string(),
            "do not fit",
        ),
    ] {
        assert!(found.contains(expected), "{found}\n{expected}");
    }
    std::fs::write(&path, "{}").unwrap();
    assert!(
        read_scenarios(&path)
            .unwrap_err()
            .to_string()
            .contains("missing field")
    );
}

#[test]
fn transfers_move_money_and_nothing_else() {
    let state = VenueState {
        collected: Ticks(10),
        ..VenueState::flat(2, Ticks(100), Ticks(50))
    };
    let change = |capital, providers, collected| {
        Change::Transfer(Transfer {
            capital: Ticks(capital),
            providers: Ticks(providers),
            collected: Ticks(collected),
        })
    };
    let after = state.changed(&change(-30, 20, -12), Ticks(5)).unwrap();
    assert_eq!(
        (after.capital, after.providers, after.collected),
        (Ticks(70), Ticks(70), Ticks(3))
    );
    assert_eq!(
        (after.quantities, after.entry),
        (state.quantities.clone(), state.entry)
    );
    for bad in [change(-101, 0, 0), change(0, -51, 0), change(0, 0, -16)] {
        let refused = state.changed(&bad, Ticks(5)).unwrap_err();
        assert!(matches!(refused, VenueError::TooLittle(_)), "{refused}");
    }
    let refused = state.changed(&change(1 << 60, 0, 0), Ticks(0)).unwrap_err();
    assert!(matches!(refused, VenueError::TooLarge(_)), "{refused}");
}

#[test]
fn an_inventory_holds_every_position_or_there_is_none() {
    let set = venue::sample::scenarios(3, 3, 5);
    let state = venue::sample::state(&set);
    let snapshot = venue::sample::snapshot(&set);
    let book = venue::sample::book(1, &set, &state, 30);
    let found = inventory(book.accounts(), &snapshot.instruments, &set.markets).unwrap();
    assert_eq!(
        (&found.quantities, found.entry),
        (&state.quantities, state.entry)
    );
    found.check(&state, &set.markets).unwrap();
    // In another order of the markets.
    let mut turned = set.markets.clone();
    turned.rotate_left(1);
    let again = inventory(book.accounts(), &snapshot.instruments, &turned).unwrap();
    assert_eq!(again.quantities[0], found.quantities[1]);
    type Spoil = fn(&mut Vec<Instrument>, &mut Vec<Market>);
    let spoiled: [(Spoil, &str); 7] = [
        (|_, m| drop(m.pop()), "instrument `SOL` is not a market"),
        (|i, _| drop(i.pop()), "market `SOL` is not an instrument"),
        (
            |i, _| i[1].settlement = Settlement::Inverse("ETH".into()),
            "`ETH` is not a linear",
        ),
        (
            |i, _| i[1].lot = "0.1".parse().unwrap(),
            "a lot of `ETH` is 0.1 of the underlying",
        ),
        (
            |i, _| i.push(i[0].clone()),
            "two instruments or markets `BTC`",
        ),
        (
            |_, m| m.push(m[0].clone()),
            "two instruments or markets `BTC`",
        ),
        (
            |i, _| i[2].symbol = "X".into(),
            "instrument `X` is not a market",
        ),
    ];
    for (spoil, expected) in spoiled {
        let (mut instruments, mut markets) = (snapshot.instruments.clone(), set.markets.clone());
        spoil(&mut instruments, &mut markets);
        let refused = instruments_of(&instruments, &markets)
            .unwrap_err()
            .to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}
