//! Margin by underlying: values from an independent Black-76, by the definitions.

use fixed::Decimal;
use market::margin::{MarginTables, evaluate};
use market::{
    Account, Balances, Kind, Level, OffsetGroup, OptionType, Position, Settlement, Side, Snapshot,
    sample,
};
use records::units::{Lots, Subticks};

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The sample market with volatility shifts that are the same for all expiries.
fn market() -> Snapshot {
    let mut snapshot = sample::snapshot();
    snapshot.parameters.volatility_power_short = Decimal::ZERO;
    snapshot.parameters.volatility_power_long = Decimal::ZERO;
    snapshot
}

/// A position of so many contracts, entered at the mark.
fn at_mark(snapshot: &Snapshot, symbol: &str, contracts: &str) -> Position {
    let instrument = snapshot.instrument(symbol).unwrap();
    let i = &snapshot.instruments[instrument];
    let contracts = d(contracts);
    let lots = contracts
        .abs()
        .div(&i.lot, 0, fixed::Rounding::Floor)
        .unwrap();
    let worth = contracts.abs().checked_mul(&i.contract_size).unwrap();
    let scale = if i.settlement == Settlement::Linear {
        6
    } else {
        8
    };
    let entry = worth
        .checked_mul(&i.mark)
        .unwrap()
        .rescale(scale, fixed::Rounding::Floor);
    Position {
        instrument,
        side: if contracts.is_negative() {
            Side::Short
        } else {
            Side::Long
        },
        lots: Lots(lots.units() as u64),
        entry: entry.unwrap() as u64,
    }
}

fn account(snapshot: &Snapshot, balances: &[(&str, &str)], positions: &[(&str, &str)]) -> Account {
    let mut account = Account {
        id: "a".into(),
        balances: Balances::none(snapshot.assets.len()),
        positions: positions
            .iter()
            .map(|(s, n)| at_mark(snapshot, s, n))
            .collect(),
    };
    account.positions.sort_by_key(|p| p.instrument);
    for (symbol, amount) in balances {
        let asset = snapshot.asset(symbol).unwrap();
        let units = d(amount)
            .rescale(snapshot.assets[asset].decimals, fixed::Rounding::Floor)
            .unwrap();
        let balance = &mut account.balances[asset];
        if units < 0 {
            balance.debt = units.unsigned_abs() as u64;
        } else {
            balance.equity = units as u64;
        }
    }
    account.validate(snapshot).unwrap();
    account
}

/// Within so many millionths.
fn near(got: Subticks, expected: &str, within: i128) {
    let got = got.to_quote_up().rescale(6, fixed::Rounding::Ceil).unwrap();
    let expected = d(expected).rescale(6, fixed::Rounding::Ceil).unwrap();
    assert!((got - expected).abs() <= within, "{got} is not {expected}");
}

fn requirement(snapshot: &Snapshot, account: &Account, level: Level) -> Subticks {
    let tables = MarginTables::new(snapshot, level).unwrap();
    evaluate(&tables, account).unwrap().requirement()
}

#[test]
fn different_underlyings_do_not_offset() {
    let snapshot = market();
    let hedged = account(
        &snapshot,
        &[("USD", "10000")],
        &[("BTC-PERP", "10"), ("ETH-PERP", "-179.80")],
    );
    near(
        requirement(&snapshot, &hedged, Level::Maintenance),
        "201806.73664",
        0,
    );
    // The same underlying does.
    let calendar = account(
        &snapshot,
        &[("USD", "10000")],
        &[("BTC-PERP", "10"), ("BTC-30JAN26", "-10")],
    );
    assert!(requirement(&snapshot, &calendar, Level::Maintenance).to_quote_up() < d("7000"));
}

/// The market with one group of both coins.
fn grouped(offset: &str) -> Snapshot {
    let mut snapshot = market();
    snapshot.parameters.offset_groups = vec![OffsetGroup {
        underlyings: vec!["BTC".into(), "ETH".into()],
        offset: d(offset),
    }];
    snapshot
}

#[test]
fn groups_take_part_of_the_joint_loss() {
    for (offset, expected) in [
        ("0", "201806.73664"),
        ("0.5", "104160.23344"),
        ("1", "6513.73024"),
    ] {
        let snapshot = grouped(offset);
        let hedged = account(
            &snapshot,
            &[("USD", "10000")],
            &[("BTC-PERP", "10"), ("ETH-PERP", "-179.80")],
        );
        let tables = MarginTables::new(&snapshot, Level::Maintenance).unwrap();
        let result = evaluate(&tables, &hedged).unwrap();
        near(result.requirement(), expected, 0);
        if offset != "0" {
            let [joint] = result.joint[..] else {
                panic!("one group")
            };
            assert_eq!(joint.amount, 3_826_800 << 40);
            assert_eq!(joint.apart, 195_296_833_200 << 40);
        }
    }
}

#[test]
fn groups_count_coins_and_options() {
    let mixed = |snapshot: &Snapshot| {
        account(
            snapshot,
            &[("USD", "100000"), ("BTC", "2")],
            &[
                ("BTC-PERP", "10"),
                ("ETH-PERP", "-179.80"),
                ("BTC-30JAN26-65000-C", "-20"),
                ("ETH-27MAR26-3600-P", "100"),
            ],
        )
    };
    for (offset, level, expected) in [
        ("0", Level::Maintenance, "222134.200474"),
        ("0.5", Level::Maintenance, "196666.891021"),
        ("0.5", Level::Initial, "255666.965721"),
    ] {
        let snapshot = grouped(offset);
        near(
            requirement(&snapshot, &mixed(&snapshot), level),
            expected,
            100,
        );
    }
}

#[test]
fn what_is_no_group_is_refused() {
    let wrong = |underlyings: &[&str], offset: &str| {
        let mut snapshot = grouped(offset);
        let group = &mut snapshot.parameters.offset_groups[0];
        group.underlyings = underlyings.iter().map(|u| u.to_string()).collect();
        snapshot.validate().unwrap_err().problem
    };
    assert!(wrong(&["BTC", "ETH"], "1.1").contains("from 0 to 1"));
    assert!(wrong(&["BTC", "ETH"], "-0.1").contains("from 0 to 1"));
    assert!(wrong(&["BTC", "ETH"], "0.1234567").contains("6 decimals"));
    assert!(wrong(&["BTC"], "0.5").contains("two underlyings"));
    assert!(wrong(&["BTC", "BTC"], "0.5").contains("already"));
    assert!(wrong(&["BTC", "XRP"], "0.5").contains("no underlying"));
    let mut snapshot = grouped("0.5");
    let mut own = snapshot.grid.clone();
    own.price_moves.pop();
    snapshot.grids.insert("ETH".into(), own);
    let problem = snapshot.validate().unwrap_err().problem;
    assert!(problem.contains("different shapes"), "{problem}");
}

#[test]
fn coin_collateral_falls_with_its_price() {
    let snapshot = market();
    let long = account(&snapshot, &[("BTC", "10")], &[("BTC-PERP", "60")]);
    let tables = MarginTables::new(&snapshot, Level::Maintenance).unwrap();
    let result = evaluate(&tables, &long).unwrap();
    near(result.equity, "637982.156", 200);
    near(result.requirement(), "701129.4234", 200);
    assert!(!result.is_met());
}

#[test]
fn a_debt_in_coin_needs_margin() {
    let snapshot = market();
    let short = account(&snapshot, &[("USD", "800000"), ("BTC", "-10")], &[]);
    near(
        requirement(&snapshot, &short, Level::Maintenance),
        "97650.33",
        21,
    );
    // Where balances do not move, as a parameter may say, it needs none; other dollars never move.
    let mut still = snapshot.clone();
    still.parameters.balances_move = false;
    near(requirement(&still, &short, Level::Maintenance), "0", 0);
    let mut stable = sample::exchange_snapshot();
    stable.parameters.stable_assets = vec![stable.assets[1].symbol.clone()];
    let tables = MarginTables::new(&stable, Level::Maintenance).unwrap();
    assert_eq!(tables.coins[1], None);
}

#[test]
fn inverse_options_are_valued_at_the_shocked_coin_price() {
    let mut snapshot = market();
    let written = [("BTC-30JAN26-50000-C", "-10")];
    let mut short = account(&snapshot, &[("USD", "80000")], &written);
    // Entered at its model price, of which the mark is the sixth decimal.
    short.positions[0].entry = 238_850_346;
    near(
        requirement(&snapshot, &short, Level::Maintenance),
        "75241.91268",
        100,
    );
    // The premium taken in dollars, so that no coin entry rises with the price.
    let mut dollars = short.clone();
    let premium = dollars.positions[0].entry;
    dollars.positions[0].entry = 0;
    near(
        requirement(&snapshot, &dollars, Level::Maintenance),
        "98565.73",
        10_000,
    );
    assert!(premium > 0);
    // What is in another coin than the underlying is refused.
    let quanto = snapshot.instrument("BTC-PERP-COIN").unwrap();
    snapshot.instruments[quanto].settlement = Settlement::Inverse("ETH".into());
    assert!(
        snapshot
            .validate()
            .unwrap_err()
            .problem
            .contains("another coin than the underlying")
    );
}

#[test]
fn many_positions_on_two_underlyings() {
    let snapshot = market();
    let mixed = account(
        &snapshot,
        &[("USD", "100000"), ("BTC", "2")],
        &[
            ("BTC-PERP", "10"),
            ("ETH-PERP", "-179.80"),
            ("BTC-30JAN26-65000-C", "-20"),
            ("ETH-27MAR26-3600-P", "100"),
        ],
    );
    let tables = MarginTables::new(&snapshot, Level::Maintenance).unwrap();
    let result = evaluate(&tables, &mixed).unwrap();
    near(result.equity, "227596.4312", 50);
    near(result.contingency, "10431.54064", 0);
    near(result.requirement(), "222134.200474", 100);
    let amount = |i: usize| Subticks(result.losses[i].amount >> 20);
    near(amount(0), "88218.745634", 100);
    near(amount(1), "123483.9142", 2);
}

/// A long option cannot lose more than its value, whatever the add-ons.
#[test]
fn a_long_option_needs_its_value_at_most() {
    let mut snapshot = market();
    let far = snapshot.instrument("ETH-30JAN26-2800-P").unwrap();
    let long = account(&snapshot, &[], &[("ETH-30JAN26-2800-P", "100")]);
    for level in [Level::Initial, Level::Maintenance] {
        let tables = MarginTables::new(&snapshot, level).unwrap();
        let value = tables.arrays.lots[far].value[0] * long.positions[0].lots.0 as i64;
        let required = requirement(&snapshot, &long, level);
        assert!(required.0 <= i128::from(value) << 20, "{required}");
        assert_eq!(evaluate(&tables, &long).unwrap().contingency, Subticks(0));
    }
    // At a factor that counts losses many times, too.
    snapshot.parameters.initial_factor = d("6");
    let tables = MarginTables::new(&snapshot, Level::Initial).unwrap();
    let value = tables.arrays.lots[far].value[0] * long.positions[0].lots.0 as i64;
    assert!(requirement(&snapshot, &long, Level::Initial).0 <= i128::from(value) << 20);
}

/// Shifts grow towards expiry: (30 / days)^0.30 below 30 days, ^0.13 above, at least a day.
#[test]
fn volatility_shifts_depend_on_tenor() {
    let flat = market();
    let mut tenors = flat.clone();
    tenors.parameters.volatility_power_short = d("0.30");
    tenors.parameters.volatility_power_long = d("0.13");
    // Price unmoved, volatility a quarter higher.
    let scenarios = flat.grid.scenarios();
    let column = scenarios
        .iter()
        .position(|s| s.price_move.is_zero() && s.volatility_shift == d("0.25"))
        .unwrap();
    let change = |snapshot: &Snapshot, symbol: &str| {
        let tables = MarginTables::new(snapshot, Level::Maintenance).unwrap();
        let lot = &tables.arrays.lots[snapshot.instrument(symbol).unwrap()];
        lot.changes[0][column] as f64
    };
    // Vega is nearly constant at the money: shifts compare as the factors do.
    for (symbol, days, power) in [
        ("ETH-30JAN26-3600-C", 28.0, 0.30),
        ("ETH-27MAR26-3600-C", 84.0, 0.13),
    ] {
        let factor = (30.0f64 / days).powf(power);
        let ratio = change(&tenors, symbol) / change(&flat, symbol);
        assert!(
            (ratio - factor).abs() < 2e-3,
            "{symbol}: {ratio}, not {factor}"
        );
    }
    // An option in its last hours: the shift of a day, 30^0.30 times.
    for snapshot in [&mut tenors, &mut flat.clone()] {
        let i = snapshot.instrument("ETH-30JAN26-3600-C").unwrap();
        let as_of = snapshot.as_of_ms;
        let Kind::Option {
            expiry_ms,
            option_type,
            ..
        } = &mut snapshot.instruments[i].kind
        else {
            panic!("an option");
        };
        assert_eq!(*option_type, OptionType::Call);
        *expiry_ms = as_of + 3_600_000;
        snapshot.instruments[i].mark_reason = Some("expiring".into());
        assert!(change(snapshot, "ETH-30JAN26-3600-C").is_finite());
    }
}

/// A scenario grid of its own, with more scenarios than the others have, and one that is too wide for the factor.
#[test]
fn an_underlying_may_have_its_own_scenarios() {
    let mut snapshot = market();
    let mut wide = snapshot.grid.clone();
    wide.price_moves.extend([d("-0.30"), d("0.30")]);
    snapshot.grids.insert("ETH".into(), wide);
    snapshot.validate().unwrap();
    let both = account(
        &snapshot,
        &[],
        &[("BTC-PERP", "10"), ("ETH-PERP", "-179.80")],
    );
    let tables = MarginTables::new(&snapshot, Level::Maintenance).unwrap();
    let result = evaluate(&tables, &both).unwrap();
    near(Subticks(result.losses[0].amount >> 20), "97650.33", 0);
    near(Subticks(result.losses[1].amount >> 20), "195293.0064", 0);
    snapshot.grids.insert("DOGE".into(), snapshot.grid.clone());
    assert_eq!(snapshot.validate().unwrap_err().field, "grids");
    snapshot.grids.remove("DOGE");
    snapshot
        .grids
        .get_mut("ETH")
        .unwrap()
        .price_moves
        .push(d("0.80"));
    assert!(
        snapshot
            .validate()
            .unwrap_err()
            .problem
            .contains("more than the whole price")
    );
}

/// Price moves without volatility shifts make no scenario, whatever the words would say of them.
#[test]
fn a_list_without_the_other_makes_no_scenarios() {
    let mut snapshot = market();
    snapshot.grid.volatility_shifts.clear();
    snapshot.grid.extremes.push(market::Extreme {
        price_move: Decimal::ZERO,
        volatility_shift: Decimal::ZERO,
        fraction: Decimal::ONE,
    });
    let refused = snapshot.validate().unwrap_err();
    assert_eq!(refused.field, "grid", "{refused}");
}
