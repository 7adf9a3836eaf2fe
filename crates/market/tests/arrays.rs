//! Risk arrays and haircuts against independent evaluations of their formulas.

use market::array::{RiskArrays, column_name};
use market::haircut::{AssetRates, value};
use market::margin::{MarginTables, evaluate};
use market::{
    Account, Asset, Balance, Haircuts, Kind, Level, OptionType, Position, Settlement, Side,
    Snapshot, Tier, sample,
};
use proptest::prelude::*;

fn f(d: &fixed::Decimal) -> f64 {
    d.to_string().parse().unwrap()
}

/// The normal distribution function by its series (Marsaglia 2004), good to 1e-15.
fn cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut i) = (x, x, 1.0);
    while sum + term != sum {
        i += 2.0;
        term *= x * x / i;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

fn black76(option_type: OptionType, forward: f64, strike: f64, deviation: f64) -> f64 {
    let sign = if option_type == OptionType::Call {
        1.0
    } else {
        -1.0
    };
    if deviation <= 0.0 {
        return (sign * (forward - strike)).max(0.0);
    }
    let d1 = (forward / strike).ln() / deviation + deviation / 2.0;
    sign * (forward * cdf(sign * d1) - strike * cdf(sign * (d1 - deviation)))
}

/// What a lot adds to margin, in quote, straight from the definition.
fn reference(
    snapshot: &Snapshot,
    instrument: usize,
    short: bool,
    column: usize,
    factor: f64,
) -> f64 {
    let i = &snapshot.instruments[instrument];
    let p = &snapshot.parameters;
    let side = if short { -1.0 } else { 1.0 };
    let units = f(&i.lot) * f(&i.contract_size);
    let mark = f(&i.mark);
    let coin = match &i.settlement {
        Settlement::Linear => 1.0,
        Settlement::Inverse(a) => f(&snapshot.assets[snapshot.asset(a).unwrap()].price),
    };
    let inverse = i.settlement != Settlement::Linear;
    let scenarios = snapshot.grid.scenarios();
    let scenario = scenarios.get(column);
    let (price, volatility, fraction) = scenario.map_or((0.0, 0.0, 0.0), |s| {
        (f(&s.price_move), f(&s.volatility_shift), f(&s.fraction))
    });
    let (value, profit, notional, contingency, minimum) = match &i.kind {
        Kind::Option {
            option_type,
            strike,
            expiry_ms,
            implied_volatility,
        } => {
            let forward = f(i.forward.as_ref().unwrap());
            let years = expiry_ms.saturating_sub(snapshot.as_of_ms) as f64 / (365.0 * 86_400_000.0);
            let deviation = f(implied_volatility) * years.sqrt();
            let at = |forward: f64, deviation: f64| {
                let quote = black76(*option_type, forward, f(strike), deviation);
                if inverse { quote / forward } else { quote }
            };
            let moved = at(forward * (1.0 + price), deviation * (1.0 + volatility));
            (
                units * mark * coin,
                units * coin * (moved - at(forward, deviation)),
                units * forward,
                f(&p.option_contingency),
                f(&p.short_option_minimum),
            )
        }
        kind => {
            let rate = match kind {
                Kind::Perpetual => f(&p.perpetual_contingency),
                _ => f(&p.future_contingency),
            };
            let moved = mark * (1.0 + price);
            if inverse {
                let worth = |price: f64| -units / price * coin;
                (worth(mark), worth(moved) - worth(mark), units, rate, 0.0)
            } else {
                let notional = units * mark;
                (notional, units * moved - notional, notional, rate, 0.0)
            }
        }
    };
    let minimum = if short && scenario.is_none() {
        minimum
    } else {
        0.0
    };
    side * value + side * profit * fraction * factor - notional * (contingency + minimum) * factor
}

fn check_arrays(snapshot: &Snapshot) {
    for (level, factor) in [
        (Level::Initial, f(&snapshot.parameters.initial_factor)),
        (Level::Maintenance, 1.0),
        (
            Level::MaintenancePlusBuffer,
            1.0 + f(&snapshot.parameters.buffer),
        ),
    ] {
        let arrays = RiskArrays::new(snapshot, level).unwrap();
        assert_eq!(arrays.columns, snapshot.grid.scenarios().len() + 1);
        for (i, sides) in arrays.values.iter().enumerate() {
            for (side, row) in sides.iter().enumerate() {
                for (column, &got) in row.iter().enumerate() {
                    let exact = 1e6 * reference(snapshot, i, side == 1, column, factor);
                    let slack = 1e-4 + exact.abs() * 1e-11;
                    assert!(
                        (got as f64) <= exact + slack && (got as f64) > exact - 1.0 - slack,
                        "{} side {side} {}: {got}, not {exact}",
                        snapshot.instruments[i].symbol,
                        column_name(snapshot, column)
                    );
                }
            }
        }
    }
}

/// Every value of every instrument kind is the formula's, rounded down by less than a tick.
#[test]
fn values_are_the_formula_rounded_down() {
    let mut snapshot = sample::snapshot();
    check_arrays(&snapshot);
    // No volatility left, options in their last millisecond, and a move of 90%.
    snapshot.grid.volatility_shifts[0] = fixed::Decimal::from_int(-1);
    snapshot.grid.price_moves[0] = "-0.9".parse().unwrap();
    for i in snapshot.instruments.iter_mut().step_by(5) {
        if let Kind::Option { expiry_ms, .. } = &mut i.kind {
            *expiry_ms = snapshot.as_of_ms + 1;
            i.mark_reason = Some("expiring".into());
        }
    }
    snapshot.validate().unwrap();
    check_arrays(&snapshot);
}

/// An entry at the mark leaves nothing but the requirement, whatever the instrument.
#[test]
fn entered_at_the_mark_equity_is_nothing() {
    let snapshot = sample::snapshot();
    let tables = MarginTables::new(&snapshot, Level::Maintenance).unwrap();
    for (index, i) in snapshot.instruments.iter().enumerate() {
        for side in [Side::Long, Side::Short] {
            let lots = 1_000u64;
            let contracts = lots as f64 * f(&i.lot) * f(&i.contract_size);
            let inverse = i.settlement != Settlement::Linear;
            let entry = match i.kind {
                _ if !inverse => contracts * f(&i.mark) * 1e6,
                Kind::Option { .. } => contracts * f(&i.mark) * 1e8,
                _ => contracts / f(&i.mark) * 1e8,
            };
            let account = Account {
                id: "a".into(),
                balances: vec![Balance::default(); snapshot.assets.len()],
                positions: vec![Position {
                    instrument: index,
                    side,
                    lots,
                    entry: entry.round() as u64,
                }],
            };
            account.validate(&snapshot).unwrap();
            let result = evaluate(&snapshot, &tables, &account);
            let equity = f(&records::units::Subticks(result.equity).to_quote());
            // A thousand lots, each rounded by a tick at most.
            assert!(equity.abs() <= 0.003, "{} {side:?}: {equity}", i.symbol);
            assert!(result.requirement() > 0, "{} {side:?}", i.symbol);
            assert!(!result.is_met());
        }
    }
}

fn asset(price: u64, decimals: u8, tiers: &[(u64, u64)]) -> Asset {
    let tiers: Vec<Tier> = tiers
        .iter()
        .map(|&(up_to, percent)| Tier {
            up_to: fixed::Decimal::new(up_to.into(), 2),
            percent: fixed::Decimal::from_int(percent.into()),
        })
        .collect();
    Asset {
        symbol: "x".into(),
        price: fixed::Decimal::new(price.into(), 4),
        decimals,
        haircuts: Haircuts {
            loan: tiers.clone(),
            margin: tiers.clone(),
            portfolio: tiers,
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Exact rational evaluation: never above, and short by less than `amount + rate`, here at 100%.
    #[test]
    fn haircuts_against_exact_fractions(
        price in 1u64..1_000_000_000,
        decimals in 0u8..9,
        steps in prop::collection::vec((1u64..100_000_000, 0u64..40), 0..6),
        amounts in prop::collection::vec(0u64..1 << 40, 1..8),
    ) {
        let (mut up_to, mut percent) = (0, 100u64);
        let mut tiers = Vec::new();
        for (width, fall) in steps {
            up_to += width;
            percent = percent.saturating_sub(fall);
            tiers.push((up_to, percent));
        }
        let asset = asset(price, decimals, &tiers);
        let rates = AssetRates::new(&asset).unwrap();
        let pieces = &rates.schedules[1];
        let mut amounts = amounts;
        // Where pieces meet, and beside it.
        for p in pieces {
            amounts.extend([p.start, p.start.saturating_sub(1), p.start + 1]);
        }
        for amount in amounts {
            // In units of 10^-(4 + decimals) quote, the denominator of price times amount.
            let quote = u128::from(amount) * u128::from(price);
            let unit = 10u128.pow(u32::from(decimals) + 2);
            let (mut exact, mut from) = (0u128, 0u128);
            for &(up_to, percent) in &tiers {
                let up_to = u128::from(up_to) * unit;
                exact += quote.min(up_to).saturating_sub(from) * u128::from(percent);
                from = up_to;
            }
            // subticks = exact / (100 * 10^(4 + decimals)) * 10^6 * 2^20, compared without a division.
            let denominator = 10u128.pow(u32::from(decimals));
            let exact = exact << 20;
            let got = value(pieces, amount);
            prop_assert!(got * denominator <= exact, "{got} is above {exact} / {denominator}");
            let least = got + u128::from(amount) + u128::from(rates.equity) + 1;
            prop_assert!(least * denominator >= exact, "{got} is far below {exact} / {denominator}");
        }
        // As the circuits need it: rising starts, falling rates, continuous.
        for w in pieces.windows(2) {
            prop_assert!(w[0].start < w[1].start && w[0].rate > w[1].rate);
            let end = w[0].base + u128::from(w[0].rate) * u128::from(w[1].start - w[0].start);
            prop_assert_eq!(end, w[1].base);
        }
    }
}

/// A book in another order has the same margins, and no account touches another's.
#[test]
fn order_changes_nothing() {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 21, 20, 5, 4);
    let tables = MarginTables::new(&snapshot, Level::Maintenance).unwrap();
    let below = |accounts: &mut dyn Iterator<Item = &Account>| {
        let mut ids: Vec<String> = accounts
            .filter(|a| !evaluate(&snapshot, &tables, a).is_met())
            .map(|a| a.id.clone())
            .collect();
        ids.sort();
        ids
    };
    let forward = below(&mut book.accounts().iter());
    assert_eq!(forward, below(&mut book.accounts().iter().rev()));
    assert_eq!(forward.len(), 4);
    // Positions in another order add up to the same.
    for account in book.accounts() {
        let mut turned = account.clone();
        turned.positions.reverse();
        assert_eq!(
            evaluate(&snapshot, &tables, account),
            evaluate(&snapshot, &tables, &turned)
        );
    }
}

/// A higher level never leaves more margin.
#[test]
fn levels_are_ordered() {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 22, 20, 8, 0);
    let least = |level| -> Vec<i128> {
        let tables = MarginTables::new(&snapshot, level).unwrap();
        let all = book.accounts().iter();
        all.map(|a| evaluate(&snapshot, &tables, a).least).collect()
    };
    let (initial, buffer, maintenance) = (
        least(Level::Initial),
        least(Level::MaintenancePlusBuffer),
        least(Level::Maintenance),
    );
    for i in 0..initial.len() {
        assert!(initial[i] <= buffer[i] && buffer[i] <= maintenance[i]);
    }
}
