//! Risk arrays and haircuts against independent evaluations of their formulas.

use market::array::{RiskArrays, column_name};
use market::haircut::{AssetRates, value};
use market::margin::{MarginTables, evaluate};
use market::{
    Account, Asset, Balances, Haircuts, Kind, Level, OptionType, Position, Settlement, Side,
    Snapshot, Tier, sample,
};
use proptest::prelude::*;
use records::units::{Lots, Subticks};

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

/// A level's factor.
fn factor(snapshot: &Snapshot, level: Level) -> f64 {
    match level {
        Level::Initial => f(&snapshot.parameters.initial_factor),
        Level::Maintenance => 1.0,
        Level::MaintenancePlusBuffer => 1.0 + f(&snapshot.parameters.buffer),
    }
}

/// A lot in quote, straight from the definitions: for who is long.
struct Reference {
    /// At the mark, without entry.
    value: f64,
    /// What the add-ons are fractions of.
    notional: f64,
    contingency: f64,
    minimum: f64,
    is_option: bool,
    /// Profit per scenario, before the factor and the bounds of an option.
    profits: Vec<f64>,
}

fn reference(snapshot: &Snapshot, instrument: usize) -> Reference {
    let i = &snapshot.instruments[instrument];
    let p = &snapshot.parameters;
    let units = f(&i.lot) * f(&i.contract_size);
    let mark = f(&i.mark);
    let coin = match &i.settlement {
        Settlement::Linear => 1.0,
        Settlement::Inverse(a) => f(&snapshot.assets[snapshot.asset(a).unwrap()].price),
    };
    let inverse = i.settlement != Settlement::Linear;
    let scenarios = snapshot.grid_of(&i.underlying).scenarios();
    let moves = scenarios
        .iter()
        .map(|s| (f(&s.price_move), f(&s.volatility_shift), f(&s.fraction)));
    match &i.kind {
        Kind::Option {
            option_type,
            strike,
            expiry_ms,
            implied_volatility,
        } => {
            let forward = f(i.forward.as_ref().unwrap());
            let days = expiry_ms.saturating_sub(snapshot.as_of_ms) as f64 / 86_400_000.0;
            let power = if days < 30.0 {
                f(&p.volatility_power_short)
            } else {
                f(&p.volatility_power_long)
            };
            let tenor = (30.0 / days.max(1.0)).powf(power);
            let deviation = f(implied_volatility) * (days / 365.0).sqrt();
            let at = |price: f64, shift: f64| {
                let deviation = deviation * (1.0 + shift * tenor).max(0.0);
                let quote = black76(*option_type, forward * (1.0 + price), f(strike), deviation);
                // In coin it is worth its ratio to the forward, at a coin price that moves alike.
                let moved = forward * (1.0 + price);
                if inverse {
                    quote / moved * coin * (1.0 + price)
                } else {
                    quote
                }
            };
            Reference {
                value: units * mark * coin,
                notional: units * forward,
                contingency: f(&p.option_contingency),
                minimum: f(&p.short_option_minimum),
                is_option: true,
                profits: moves
                    .map(|(price, shift, fraction)| {
                        fraction * units * (at(price, shift) - at(0.0, 0.0))
                    })
                    .collect(),
            }
        }
        kind => {
            let notional = if inverse { units } else { units * mark };
            let moved = |(price, _, fraction): (f64, f64, f64)| {
                let before = if inverse {
                    -units / mark * coin
                } else {
                    notional
                };
                let after = if inverse {
                    -units / (mark * (1.0 + price)) * (coin * (1.0 + price))
                } else {
                    units * mark * (1.0 + price)
                };
                fraction * (after - before)
            };
            Reference {
                value: if inverse {
                    -units / mark * coin
                } else {
                    notional
                },
                notional,
                contingency: match kind {
                    Kind::Perpetual => f(&p.perpetual_contingency),
                    _ => f(&p.future_contingency),
                },
                minimum: 0.0,
                is_option: false,
                profits: moves.map(moved).collect(),
            }
        }
    }
}

impl Reference {
    fn signed(side: usize) -> f64 {
        if side == 0 { 1.0 } else { -1.0 }
    }

    /// Ticks that a lot needs whatever happens.
    fn contingency(&self, side: usize, factor: f64) -> f64 {
        let needs = !self.is_option || side == 1;
        if needs {
            1e6 * self.notional * self.contingency * factor
        } else {
            0.0
        }
    }

    /// Ticks that a lot wins in a column.
    fn change(&self, side: usize, column: usize, factor: f64) -> f64 {
        let Some(profit) = self.profits.get(column) else {
            let minimum = if side == 1 {
                self.notional * self.minimum * factor
            } else {
                0.0
            };
            return -1e6 * minimum;
        };
        let change = 1e6 * Self::signed(side) * profit * factor;
        // An option loses no more than it counts: its value in whole ticks.
        let bound = match self.is_option {
            true => (1e6 * self.value + 1e-4).floor(),
            false => f64::INFINITY,
        };
        if side == 0 {
            change.max(-bound)
        } else {
            change.min(bound)
        }
    }
}

/// Whether ticks are a number rounded down.
fn floored(got: i64, exact: f64) -> bool {
    let slack = 1e-4 + exact.abs() * 1e-11;
    (got as f64) <= exact + slack && (got as f64) > exact - 1.0 - slack
}

fn check_arrays(snapshot: &Snapshot) {
    let underlyings = snapshot.underlyings();
    for level in [
        Level::Initial,
        Level::Maintenance,
        Level::MaintenancePlusBuffer,
    ] {
        let factor = factor(snapshot, level);
        let arrays = RiskArrays::new(snapshot, level).unwrap();
        let most = underlyings
            .iter()
            .map(|u| snapshot.grid_of(u).scenarios().len());
        assert_eq!(arrays.columns, most.max().unwrap() + 1);
        for (i, lot) in arrays.lots.iter().enumerate() {
            let instrument = &snapshot.instruments[i];
            let symbol = &instrument.symbol;
            let exact = reference(snapshot, i);
            assert_eq!(underlyings[lot.underlying], instrument.underlying);
            assert_eq!(lot.in_coin, instrument.settlement != Settlement::Linear);
            for side in [0, 1] {
                let (contingency, value) = (lot.contingency[side], lot.value[side]);
                let reserve = exact.contingency(side, factor);
                assert!(
                    floored(-contingency, -reserve),
                    "{symbol}: {contingency}, not {reserve}"
                );
                let marked = Reference::signed(side) * exact.value * 1e6;
                assert!(
                    floored(value + contingency, marked),
                    "{symbol}: {value}, not {marked}"
                );
                assert_eq!(lot.changes[side].len(), arrays.columns);
                let own = exact.profits.len();
                for (column, &got) in lot.changes[side].iter().enumerate() {
                    // Columns that an underlying does not have repeat its last.
                    let change = exact.change(side, column.min(own), factor);
                    assert!(
                        floored(got, change),
                        "{symbol} side {side} {}: {got}, not {change}",
                        column_name(snapshot, &instrument.underlying, column)
                    );
                }
            }
        }
        for (name, sides) in underlyings.iter().zip(&arrays.moves) {
            let scenarios = snapshot.grid_of(name).scenarios();
            let exact = |column: usize| {
                let s = scenarios.get(column);
                s.map_or(0.0, |s| f(&s.price_move) * f(&s.fraction) * factor) * (1u64 << 40) as f64
            };
            for (column, (above, below)) in sides[0].iter().zip(&sides[1]).enumerate() {
                let exact = exact(column);
                // A balance above zero wins less, one below loses more: at most one step apart.
                assert!(floored(*above, exact), "{name}: {above}, not {exact}");
                assert!(floored(-below, -exact), "{name}: {below}, not {exact}");
            }
        }
    }
}

/// Every value of every instrument kind is the formula's, rounded down by less than a tick.
#[test]
fn values_are_the_formula_rounded_down() {
    let mut snapshot = sample::snapshot();
    check_arrays(&snapshot);
    // No volatility left, options in their last millisecond, a move of 90%, and more scenarios for one underlying.
    snapshot.grid.volatility_shifts[0] = fixed::Decimal::from_int(-1);
    snapshot.grid.price_moves[0] = "-0.9".parse().unwrap();
    snapshot.parameters.initial_factor = "1.11".parse().unwrap();
    let mut wide = snapshot.grid.clone();
    wide.price_moves.push("0.333333333333".parse().unwrap());
    snapshot.grids.insert("ETH".into(), wide);
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
                balances: Balances::none(snapshot.assets.len()),
                positions: vec![Position {
                    instrument: index,
                    side,
                    lots: Lots(lots),
                    entry: entry.round() as u64,
                }],
            };
            account.validate(&snapshot).unwrap();
            let result = evaluate(&tables, &account).unwrap();
            let equity = f(&result.equity.to_quote());
            // A thousand lots, each rounded by a tick at most.
            assert!(equity.abs() <= 0.003, "{} {side:?}: {equity}", i.symbol);
            assert!(result.requirement() > Subticks(0), "{} {side:?}", i.symbol);
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
            .filter(|a| !evaluate(&tables, a).unwrap().is_met())
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
            evaluate(&tables, account).unwrap(),
            evaluate(&tables, &turned).unwrap()
        );
    }
}

/// A higher level never leaves more margin.
#[test]
fn levels_are_ordered() {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 22, 20, 8, 0);
    let excess = |level| -> Vec<Subticks> {
        let tables = MarginTables::new(&snapshot, level).unwrap();
        let all = book.accounts().iter();
        all.map(|a| evaluate(&tables, a).unwrap().excess).collect()
    };
    let (initial, buffer, maintenance) = (
        excess(Level::Initial),
        excess(Level::MaintenancePlusBuffer),
        excess(Level::Maintenance),
    );
    for i in 0..initial.len() {
        assert!(initial[i] <= buffer[i] && buffer[i] <= maintenance[i]);
    }
}

/// Whole accounts: equity, contingency, every loss and excess are the formulas', never above and short by the roundings alone.
#[test]
fn excess_is_the_formula_rounded_down() {
    let mut snapshot = sample::snapshot();
    let mut narrow = snapshot.grid.clone();
    narrow.price_moves.retain(|m| f(m).abs() < 0.1);
    snapshot.grids.insert("ETH".into(), narrow);
    let mut still = snapshot.clone();
    still.parameters.balances_move = false;
    for (snapshot, seed) in [(&snapshot, 31), (&still, 32)] {
        let book = sample::book(snapshot, seed, 40, 10, 20);
        for level in [Level::Initial, Level::Maintenance] {
            let tables = MarginTables::new(snapshot, level).unwrap();
            for (number, account) in book.accounts().iter().enumerate() {
                let mut account = account.clone();
                // Some owe a coin.
                account.balances[1 + number % 2].debt = 123_456_789 * (number as u64 % 3);
                check_account(snapshot, &tables, &account, factor(snapshot, level));
            }
        }
    }
}

fn check_account(snapshot: &Snapshot, tables: &MarginTables, account: &Account, factor: f64) {
    let names = snapshot.underlyings();
    let result = evaluate(tables, account).unwrap();
    let (mut equity, mut contingency) = (0.0, 0.0);
    let mut coins = vec![0.0; names.len()];
    for (i, (asset, balance)) in snapshot
        .assets
        .iter()
        .zip(account.balances.iter())
        .enumerate()
    {
        // Haircuts and their rounding have tests of their own.
        let rates = &tables.assets[i];
        let own = value(&rates.schedules[1], balance.equity) as f64
            - balance.debt as f64 * rates.debt as f64;
        let own = own / f64::from(1 << 20) / 1e6;
        equity += own;
        let at = names.iter().position(|n| *n == asset.symbol);
        if let Some(at) = at.filter(|_| asset.symbol != snapshot.quote) {
            coins[at] += if snapshot.parameters.balances_move {
                own
            } else {
                0.0
            };
        }
    }
    let lots = account.positions.iter().map(|p| {
        let exact = reference(snapshot, p.instrument);
        (p, exact, p.lots.0 as f64)
    });
    let lots: Vec<_> = lots.collect();
    for (p, exact, count) in &lots {
        let i = &snapshot.instruments[p.instrument];
        let side = Reference::signed(p.side.index());
        contingency += count * exact.contingency(p.side.index(), factor) / 1e6;
        equity += side * count * exact.value;
        match &i.settlement {
            Settlement::Linear => equity -= side * p.entry as f64 / 1e6,
            Settlement::Inverse(coin) => {
                let coin = &snapshot.assets[snapshot.asset(coin).unwrap()];
                // A future pays N / entry - N / price coins, an option its price less its entry.
                let paid = if exact.is_option { side } else { -side };
                let entry = paid * p.entry as f64 / 1e8 * f(&coin.price);
                equity -= entry;
                coins[names.iter().position(|n| *n == i.underlying).unwrap()] -= entry;
            }
        }
    }
    let mut required = contingency;
    for (u, name) in names.iter().enumerate() {
        let scenarios = snapshot.grid_of(name).scenarios();
        let loss = |column: usize| {
            let moved = scenarios.get(column);
            let moved = moved.map_or(0.0, |s| f(&s.price_move) * f(&s.fraction) * factor);
            let on = lots
                .iter()
                .filter(|(p, ..)| snapshot.instruments[p.instrument].underlying == *name);
            let lost =
                on.map(|(p, exact, count)| count * exact.change(p.side.index(), column, factor));
            -moved * coins[u] - lost.sum::<f64>() / 1e6
        };
        let largest = (0..=scenarios.len()).map(loss).fold(0.0, f64::max);
        required += largest;
        let found = result.losses.iter().find(|l| l.underlying == u);
        let (found, column) = found.map_or((0.0, 0), |l| {
            (l.amount as f64 / 1e6 / (1u64 << 40) as f64, l.column)
        });
        let slack = 1e-6 * (4.0 + lots.iter().map(|(_, _, count)| count).sum::<f64>());
        assert!(
            found >= largest - 2e-6 && found <= largest + slack,
            "{} on {name}: {found}, not {largest}",
            account.id
        );
        // The scenario that is named loses that much.
        assert!(
            (loss(column) - found).abs() <= slack,
            "{} on {name}: column {column}",
            account.id
        );
    }
    let slack = 1e-6 * (10.0 + 3.0 * lots.iter().map(|(_, _, count)| count).sum::<f64>());
    let got = [result.equity, -result.requirement(), result.excess]
        .map(|x| x.0 as f64 / 1e6 / f64::from(1 << 20));
    for (got, exact) in got.into_iter().zip([equity, -required, equity - required]) {
        assert!(
            got <= exact + 1e-5 && got >= exact - slack,
            "{}: {got}, not {exact}",
            account.id
        );
    }
}
