//! Realistic markets, books and orders, the same for the same seed.

mod flow;

use fixed::{Decimal, Rounding};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use records::units::Lots;

pub use flow::{auction, orders, trading};

use crate::balances::Balances;
use crate::book::{Account, Balance, Book, Position, Side};
use crate::margin::{MarginTables, evaluate};
use crate::snapshot::{
    Asset, Haircuts, Instrument, Kind, Level, MarginParameters, OffsetGroup, OptionType,
    ScenarioGrid, Settlement, Snapshot, Tier,
};

/// 2026-01-02 08:00 UTC.
const AS_OF_MS: u64 = 1_767_340_800_000;
const DAY_MS: u64 = 86_400_000;

fn d(text: &str) -> Decimal {
    text.parse().expect("a constant")
}

fn tiers(list: &[(i128, i128)]) -> Vec<Tier> {
    list.iter()
        .map(|&(up_to, percent)| Tier {
            up_to: Decimal::from_int(up_to),
            percent: Decimal::from_int(percent),
        })
        .collect()
}

fn asset(symbol: &str, price: &str, decimals: u8, list: &[(i128, i128)]) -> Asset {
    let haircuts = Haircuts {
        loan: tiers(list),
        margin: tiers(list),
        portfolio: tiers(list),
    };
    Asset {
        symbol: symbol.into(),
        price: d(price),
        decimals,
        haircuts,
    }
}

/// Four assets, and perpetuals, futures, calls and puts on two coins, linear and coin-settled: 64
/// instruments.
pub fn snapshot() -> Snapshot {
    market(&coins()[..2])
}

/// The same on four coins, which are one group with an offset of 50%: 128 instruments.
pub fn four_coins() -> Snapshot {
    let coins = coins();
    let mut snapshot = market(&coins);
    for coin in &coins[2..] {
        let tiers = [(1_000_000, 90)];
        let asset = asset(coin.symbol, &coin.price.to_string(), 8, &tiers);
        snapshot.assets.push(asset);
    }
    snapshot.parameters.offset_groups = vec![OffsetGroup {
        underlyings: coins.iter().map(|coin| coin.symbol.into()).collect(),
        offset: d("0.5"),
    }];
    snapshot
}

fn coins() -> [Coin; 4] {
    let coin = |symbol, price, lot, strikes| Coin {
        symbol,
        price: d(price),
        lot: d(lot),
        strikes,
    };
    [
        coin(
            "BTC",
            "65100.22",
            "0.001",
            [50, 55, 60, 65, 70, 75, 80].map(|k| k * 1000),
        ),
        coin(
            "ETH",
            "3620.56",
            "0.01",
            [28, 31, 34, 36, 39, 42, 46].map(|k| k * 100),
        ),
        coin("SOL", "181.4", "1", [140, 155, 170, 180, 195, 210, 230]),
        coin("LTC", "96.31", "1", [74, 82, 90, 96, 104, 112, 122]),
    ]
}

fn market(coins: &[Coin]) -> Snapshot {
    Snapshot {
        as_of_ms: AS_OF_MS,
        source: "sample".into(),
        quote: "USD".into(),
        assets: assets(),
        instruments: coins.iter().flat_map(Coin::instruments).collect(),
        grid: Default::default(),
        grids: Default::default(),
        parameters: Default::default(),
    }
}

fn assets() -> Vec<Asset> {
    vec![
        asset("USD", "1", 6, &[(100_000_000, 100)]),
        asset(
            "BTC",
            "65100.22",
            8,
            &[(1_000_000, 98), (10_000_000, 95), (50_000_000, 90)],
        ),
        asset(
            "ETH",
            "3620.56",
            8,
            &[(500_000, 96), (5_000_000, 92), (20_000_000, 85)],
        ),
        asset("SHIB", "0.00001797", 2, &[]),
    ]
}

/// A coin that instruments are on.
struct Coin {
    symbol: &'static str,
    price: Decimal,
    /// The lot of its linear perpetual and futures.
    lot: Decimal,
    /// The strikes of its options, for each expiry.
    strikes: [i128; 7],
}

/// An expiry of the sample market.
struct Expiry {
    name: &'static str,
    ms: u64,
    /// A coin's forward over its price.
    growth: &'static str,
}

impl Coin {
    fn instruments(&self) -> Vec<Instrument> {
        let expiries = [("30JAN26", 28, "1.004"), ("27MAR26", 84, "1.012")];
        let mut all = self.perpetuals().to_vec();
        for (name, days, growth) in expiries {
            let ms = AS_OF_MS + days * DAY_MS;
            all.extend(self.expiring(&Expiry { name, ms, growth }));
        }
        all
    }

    /// One settled in dollars, and one in coin.
    fn perpetuals(&self) -> [Instrument; 2] {
        let linear = Instrument {
            symbol: format!("{}-PERP", self.symbol),
            kind: Kind::Perpetual,
            underlying: self.symbol.into(),
            settlement: Settlement::Linear,
            mark: self.price,
            forward: None,
            lot: self.lot,
            contract_size: Decimal::ONE,
            mark_reason: None,
        };
        let inverse = Instrument {
            symbol: format!("{}-PERP-COIN", self.symbol),
            settlement: Settlement::Inverse(self.symbol.into()),
            lot: Decimal::ONE,
            contract_size: d("10"),
            ..linear.clone()
        };
        [linear, inverse]
    }

    /// A future, and a call and a put at each strike.
    fn expiring(&self, expiry: &Expiry) -> Vec<Instrument> {
        let forward = (self.price.checked_mul(&d(expiry.growth)))
            .and_then(|f| f.rescale(2, Rounding::HalfEven));
        let forward = Decimal::new(forward.expect("a small number"), 2);
        let mut all = vec![Instrument {
            symbol: format!("{}-{}", self.symbol, expiry.name),
            kind: Kind::Future {
                expiry_ms: expiry.ms,
            },
            underlying: self.symbol.into(),
            settlement: Settlement::Linear,
            mark: forward,
            forward: None,
            lot: self.lot,
            contract_size: Decimal::ONE,
            mark_reason: None,
        }];
        for strike in self.strikes {
            for (option_type, letter) in [(OptionType::Call, "C"), (OptionType::Put, "P")] {
                // Fewer coin-settled ones than linear ones.
                let settlement = match strike % 2000 == 0 && self.symbol == "BTC" {
                    true => Settlement::Inverse(self.symbol.into()),
                    false => Settlement::Linear,
                };
                all.push(option(
                    format!("{}-{}-{strike}-{letter}", self.symbol, expiry.name),
                    option_type,
                    Decimal::from_int(strike),
                    expiry.ms,
                    forward,
                    self.symbol,
                    settlement,
                ));
            }
        }
        all
    }
}

/// An option marked at its Black-76 price with a volatility smile.
fn option(
    symbol: String,
    option_type: OptionType,
    strike: Decimal,
    expiry_ms: u64,
    forward: Decimal,
    underlying: &str,
    settlement: Settlement,
) -> Instrument {
    use crate::pricing::{black76_ratio, years_between};
    use fixed::Interval;
    let moneyness = strike.div(&forward, 4, Rounding::HalfEven).expect("small");
    let away = moneyness.checked_sub(&Decimal::ONE).expect("small").abs();
    let volatility = d("0.55")
        .checked_add(&away.checked_mul(&d("0.3")).expect("small"))
        .expect("small");
    let mark = (|| {
        let ratio = Interval::from_decimal(&strike)?.div(&Interval::from_decimal(&forward)?)?;
        let deviation = Interval::from_decimal(&volatility)?
            .mul(&years_between(AS_OF_MS, expiry_ms)?.sqrt()?)?;
        let coin = black76_ratio(option_type, &ratio.ln()?.neg(), &ratio, &deviation)?;
        match settlement {
            Settlement::Linear => {
                crate::pricing::shown(&coin.mul(&Interval::from_decimal(&forward)?)?, 2)
            }
            Settlement::Inverse(_) => crate::pricing::shown(&coin, 6),
        }
    })()
    .expect("sample terms are within the domain");
    Instrument {
        symbol,
        kind: Kind::Option {
            option_type,
            strike,
            expiry_ms,
            implied_volatility: volatility,
        },
        underlying: underlying.into(),
        settlement,
        mark,
        forward: Some(forward),
        lot: d("0.1"),
        contract_size: Decimal::ONE,
        mark_reason: None,
    }
}

/// A book of `accounts` accounts with `positions` positions each, all above initial margin but the
/// first `below`, which are below maintenance margin.
pub fn book(
    snapshot: &Snapshot,
    seed: u64,
    accounts: usize,
    positions: usize,
    below: usize,
) -> Book {
    let mut rng = StdRng::seed_from_u64(seed);
    let initial = MarginTables::new(snapshot, Level::Initial).expect("the sample market is valid");
    let maintenance = MarginTables::new(snapshot, Level::Maintenance).expect("as above");
    let all: Vec<usize> = (0..snapshot.instruments.len()).collect();
    let accounts = (0..accounts)
        .map(|i| {
            let mut picked: Vec<usize> = all
                .sample(&mut rng, positions.min(all.len()))
                .copied()
                .collect();
            picked.sort_unstable();
            let positions = picked
                .iter()
                .map(|&p| position(snapshot, p, &mut rng))
                .collect();
            let mut account = Account {
                id: format!("acct-{i:06}"),
                balances: Balances::none(snapshot.assets.len()),
                positions,
            };
            for (asset, balance) in account.balances.iter_mut().enumerate().skip(1) {
                balance.equity = holding(snapshot, asset, rng.random_range(0..20_000));
            }
            // Dollars to the wanted side of the requirement.
            let tables = if i < below { &maintenance } else { &initial };
            let missing = -evaluate(tables, &account).expect("small balances").excess.0;
            let ticks = missing.div_euclid(records::units::SUBTICKS_PER_TICK) + 1;
            let margin = i128::from(rng.random_range(1_000_000_000i64..50_000_000_000));
            let dollars = if i < below {
                ticks - margin
            } else {
                ticks + margin
            };
            let usd = &mut account.balances[0];
            if dollars >= 0 {
                usd.equity = dollars as u64;
            } else {
                usd.debt = dollars.unsigned_abs() as u64;
            }
            for balance in account.balances.iter_mut() {
                balance.margin = balance.equity / 2;
                balance.portfolio = balance.equity - balance.margin;
            }
            account
        })
        .collect();
    Book::new(snapshot, accounts).expect("accounts fit")
}

fn position(snapshot: &Snapshot, instrument: usize, rng: &mut StdRng) -> Position {
    let i = &snapshot.instruments[instrument];
    let side = if rng.random() {
        Side::Long
    } else {
        Side::Short
    };
    let lots = rng.random_range(1..50);
    let near = Decimal::new(rng.random_range(95..105), 2);
    let price = i.mark.checked_mul(&near).expect("small").max(d("0.000001"));
    let quantity = Decimal::from_int(i128::from(lots))
        .checked_mul(&i.lot)
        .expect("small");
    let contracts = quantity.checked_mul(&i.contract_size).expect("small");
    let entry = match (&i.settlement, &i.kind) {
        (Settlement::Linear, _) => contracts
            .checked_mul(&price)
            .and_then(|n| n.rescale(6, Rounding::Ceil)),
        (_, Kind::Option { .. }) => contracts
            .checked_mul(&price)
            .and_then(|n| n.rescale(8, Rounding::Ceil)),
        _ => contracts.div(&price, 8, Rounding::Floor).map(|n| n.units()),
    };
    Position {
        instrument,
        side,
        lots: Lots(lots),
        entry: entry.expect("small") as u64,
    }
}

/// Units of an asset worth about so many dollars.
fn holding(snapshot: &Snapshot, asset: usize, dollars: i64) -> u64 {
    let asset = &snapshot.assets[asset];
    Decimal::from_int(i128::from(dollars))
        .div(&asset.price, asset.decimals, Rounding::Floor)
        .map_or(0, |amount| amount.units() as u64)
}

/// The market of the sample exchange: its assets, no instruments.
pub fn exchange_snapshot() -> Snapshot {
    Snapshot {
        as_of_ms: AS_OF_MS,
        source: "sample".into(),
        quote: "USD".into(),
        assets: exchange_assets(),
        instruments: Vec::new(),
        grid: ScenarioGrid::default(),
        grids: Default::default(),
        parameters: MarginParameters::default(),
    }
}

/// The assets of an exchange's proof-of-solvency files: the schedules of its asset file.
pub fn exchange_assets() -> Vec<Asset> {
    let ten: Vec<(i128, i128)> = (1..=10).map(|i| (10_000 * i, 110 - 10 * i)).collect();
    let five: Vec<(i128, i128)> = (1..=5).map(|i| (20_000 * i, 120 - 20 * i)).collect();
    vec![
        asset("btc", "65100.22000000", 8, &ten),
        asset("eth", "3620.56000000", 8, &ten),
        asset("bnb", "610.23000000", 8, &five),
        asset("shib", "0.00001797", 2, &[]),
    ]
}

/// An account over [`exchange_assets`] with balances, debts and pledges; every debt is covered.
pub fn exchange_account(seed: u64, number: u64) -> Account {
    let mut rng = StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut balances = Vec::with_capacity(4);
    for (price, decimals) in [(65_100u64, 8u32), (3_621, 8), (610, 8)] {
        let dollars = rng.random_range(0..20_000u64);
        let equity = dollars * 10u64.pow(decimals) / price;
        let [loan, margin, portfolio] = [4, 8, 4].map(|part| equity / part);
        // Pledges count at least 50% here, and each asset's debt is below a fifth of them.
        let debt = if rng.random_range(0..4) == 0 {
            equity / 20
        } else {
            0
        };
        balances.push(Balance {
            equity,
            debt,
            loan,
            margin,
            portfolio,
        });
    }
    let equity = rng.random_range(0..10_000_000_000);
    balances.push(Balance {
        equity,
        debt: 0,
        loan: equity / 4,
        margin: 0,
        portfolio: 0,
    });
    Account {
        id: format!("{number:064x}"),
        balances: balances.into(),
        positions: Vec::new(),
    }
}

/// The market of an exchange with a long list of assets: tiers of the sample exchange, other prices, no instruments.
pub fn listed_snapshot(assets: usize) -> Snapshot {
    let kinds = exchange_assets();
    let listed = |i: usize| {
        let kind = kinds[i % kinds.len()].clone();
        let percent = Decimal::new(100 - (i / kinds.len()) as i128 % 90, 2);
        Asset {
            symbol: format!("coin{i:03}"),
            price: kind.price.checked_mul(&percent).expect("small"),
            ..kind
        }
    };
    Snapshot {
        assets: (0..assets).map(listed).collect(),
        ..exchange_snapshot()
    }
}

/// An account over [`listed_snapshot`] that holds `held` of its assets, with debts and pledges as [`exchange_account`] has
/// them; every debt is covered.
pub fn listed_account(seed: u64, number: u64, assets: usize, held: usize) -> Account {
    let mut rng = StdRng::seed_from_u64(seed ^ !number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut balances = Balances::none(assets);
    for asset in rand::seq::index::sample(&mut rng, assets, held.min(assets)) {
        // Units per thousand dollars, about, of each kind.
        let units = [1_500_000, 27_000_000, 163_000_000, 5_500_000_000][asset % 4];
        let equity = rng.random_range(1..20) * units;
        let indebted = asset % 4 != 3 && rng.random_range(0..4) == 0;
        balances[asset] = Balance {
            equity,
            debt: if indebted { equity / 20 } else { 0 },
            loan: equity / 4,
            margin: equity / 8,
            portfolio: equity / 4,
        };
    }
    Account {
        id: format!("{number:064x}"),
        balances,
        positions: Vec::new(),
    }
}
