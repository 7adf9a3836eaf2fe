//! Risk arrays: what one lot of each instrument, and one unit of each coin, loses or wins in each scenario.
//!
//! For an underlying `u` with the scenarios `s` of its grid, a level's factor `k` and an account,
//!
//! ```text
//! loss[u][s] = - sum over positions on u (lots * change[side][s]) - coin move[s] * balance[u]
//! ```
//!
//! where `change` is `k` times the scenario's fraction times the profit of a lot when price, volatility and coin price are as in
//! the scenario, rounded down to a tick, and `move` is `k` times the fraction times the price move. A last column holds the
//! short-option minimum instead of a scenario. An option changes by no more than it is worth: who bought it loses its value
//! at most, whatever the factor. What an account needs for an underlying is its largest loss there; see [`crate::margin`].

use fixed::{Decimal, DomainError, Interval, Rounding};
use rayon::prelude::*;

use crate::pricing::{black76_ratio, years_between};
use crate::snapshot::{
    Instrument, Kind, Level, MarginParameters, Scenario, ScenarioGrid, Settlement, Snapshot,
    SnapshotError,
};
use records::units::{SUBTICKS_PER_TICK, TICK_DECIMALS};

/// Values of lots are below this many ticks in magnitude.
pub const MAX_VALUE: i64 = 1 << 39;
/// Entry rates are below this many subticks in magnitude.
pub const MAX_ENTRY_RATE: i64 = 1 << 60;
/// A coin's moves are whole numbers of 2^-40.
pub const MOVE_BITS: u32 = 40;

/// The public numbers of a level: [`Snapshot`] as the proofs use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskArrays {
    /// Columns of the underlying with the most scenarios, the short-option minimum included. Underlyings with fewer repeat
    /// their last.
    pub columns: usize,
    /// Per instrument.
    pub lots: Vec<LotNumbers>,
    /// Per underlying, for a balance above zero, then below: the coin's move in each column, in 2^-40, rounded against the
    /// account.
    pub moves: Vec<[Vec<i64>; 2]>,
}

/// What a lot of an instrument and its entry are worth. Pairs are for a long, then for a short position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotNumbers {
    /// The number of its underlying (see [`Snapshot::underlyings`]).
    pub underlying: usize,
    /// Whether its entries are in the underlying coin.
    pub in_coin: bool,
    /// Its mark value, rounded down, less its contingency, rounded up: ticks.
    pub value: [i64; 2],
    /// What it wins in each column, rounded down: ticks.
    pub changes: [Vec<i64>; 2],
    /// Subticks per unit of entry, rounded down.
    pub entry: [i64; 2],
    /// Its contingency alone: ticks, rounded up.
    pub contingency: [i64; 2],
}

/// What a column of an underlying means, in words.
pub fn column_name(snapshot: &Snapshot, underlying: &str, column: usize) -> String {
    let scenarios = snapshot.grid_of(underlying).scenarios();
    let percent = |d: &Decimal| {
        let p = d
            .checked_mul(&Decimal::from_int(100))
            .map(|p| p.normalized())
            .unwrap_or(*d);
        format!("{}{p}%", if p.is_negative() { "" } else { "+" })
    };
    let Some(s) = scenarios.get(column) else {
        return "short-option minimum".to_string();
    };
    let mut name = format!(
        "price {}, volatility {}",
        percent(&s.price_move),
        percent(&s.volatility_shift)
    );
    if s.fraction != Decimal::ONE {
        let fraction = percent(&s.fraction);
        name += &format!(", counted at {}", fraction.trim_start_matches('+'));
    }
    name
}

/// A scenario as instruments see it.
struct Move {
    /// 1 + price move.
    price: Interval,
    /// ln of it.
    log: Interval,
    /// The volatility shift of an option that expires in 30 days.
    shift: Interval,
    /// Fraction of profit and loss times the level's factor.
    weight: Interval,
    /// The price move times that, exactly.
    counted: Decimal,
}

impl RiskArrays {
    /// The risk arrays of a snapshot at a level.
    ///
    /// # Errors
    /// Names the instrument whose numbers exceed a bound.
    pub fn new(snapshot: &Snapshot, level: Level) -> Result<Self, SnapshotError> {
        let underlyings = snapshot.underlyings();
        let factor = factor(&snapshot.parameters, level)
            .map_err(|e| SnapshotError::new("parameters", e.to_string()))?;
        let moves: Vec<Vec<Move>> = (underlyings.iter())
            .map(|u| scenario_moves(snapshot.grid_of(u), &factor))
            .collect::<Result<_, _>>()
            .map_err(|e| SnapshotError::new("grid", e.to_string()))?;
        let most = moves.iter().map(Vec::len).max();
        let columns = most.unwrap_or(0).max(snapshot.grid.scenarios().len()) + 1;
        let lots = (snapshot.instruments.par_iter().enumerate())
            .map(|(i, instrument)| {
                let fail = |problem: String| {
                    SnapshotError::new(format!("instruments[{i}] `{}`", instrument.symbol), problem)
                };
                let underlying = underlyings.iter().position(|u| *u == instrument.underlying);
                let underlying = underlying.ok_or_else(|| fail("has no underlying".into()))?;
                let lot = LotNumbers::new(
                    snapshot,
                    instrument,
                    underlying,
                    &moves[underlying],
                    &factor,
                );
                let mut lot = lot.map_err(|e| fail(e.to_string()))?;
                lot.check().map_err(fail)?;
                for changes in &mut lot.changes {
                    pad(changes, columns);
                }
                Ok(lot)
            })
            .collect::<Result<_, _>>()?;
        let moves = moves.iter().map(|m| coin_moves(m, columns));
        let moves = moves
            .collect::<Result<_, _>>()
            .map_err(|e| SnapshotError::new("grid", e.to_string()))?;
        Ok(Self {
            columns,
            lots,
            moves,
        })
    }
}

/// Repeats the last number.
fn pad(numbers: &mut Vec<i64>, columns: usize) {
    let last = numbers.last().copied().unwrap_or(0);
    numbers.resize(columns, last);
}

/// The moves of a coin in 2^-40, for a balance above zero and below. The short-option minimum moves nothing.
fn coin_moves(moves: &[Move], columns: usize) -> Result<[Vec<i64>; 2], DomainError> {
    let mut sides = [Vec::with_capacity(columns), Vec::with_capacity(columns)];
    for m in moves {
        // At most 1 in magnitude, so that the ends of the interval are below 2^57.
        let counted = Interval::from_decimal(&m.counted)?;
        let step = 1i128 << (fixed::FRACTION_BITS - MOVE_BITS);
        sides[0].push(counted.lo().div_euclid(step) as i64);
        sides[1].push(-((-counted.hi()).div_euclid(step)) as i64);
    }
    for side in &mut sides {
        side.push(0);
        pad(side, columns);
    }
    Ok(sides)
}

impl LotNumbers {
    fn new(
        snapshot: &Snapshot,
        instrument: &Instrument,
        underlying: usize,
        moves: &[Move],
        factor: &Decimal,
    ) -> Result<Self, DomainError> {
        let lot = Lot::new(snapshot, instrument)?;
        let contingency = lot.add_on(&lot.contingency, factor)?.ceil()?;
        // Of options, only what is short needs a reserve: a long one never loses more than its value.
        let contingency = match lot.option {
            Some(_) => [0, contingency],
            None => [contingency; 2],
        };
        Ok(Self {
            underlying,
            in_coin: lot.coin.is_some(),
            value: [
                lot.mark_value()?.floor()? - contingency[0],
                lot.mark_value()?.neg().floor()? - contingency[1],
            ],
            changes: lot.changes(moves, factor)?,
            entry: entry_rates(snapshot, instrument)?,
            contingency,
        })
    }

    fn check(&self) -> Result<(), String> {
        let mut values = self.value.iter().chain(self.changes.iter().flatten());
        if values.any(|v| v.unsigned_abs() >= MAX_VALUE.unsigned_abs()) {
            return Err("a lot is worth more than 549,755 of the quote; use a smaller lot".into());
        }
        let mut rates = self.entry.iter();
        if rates.any(|r| r.unsigned_abs() >= MAX_ENTRY_RATE.unsigned_abs()) {
            return Err("the price of its settlement coin is too large".into());
        }
        Ok(())
    }
}

/// What a level counts losses and add-ons.
fn factor(p: &MarginParameters, level: Level) -> Result<Decimal, DomainError> {
    Ok(match level {
        Level::Initial => p.initial_factor,
        Level::Maintenance => Decimal::ONE,
        Level::MaintenancePlusBuffer => p.buffer.checked_add(&Decimal::ONE)?,
    })
}

/// A product of decimals: exact where it has few enough digits, so that what is a whole number of ticks is not rounded.
struct Product {
    exact: Option<Decimal>,
    within: Interval,
}

impl Product {
    fn of(factors: &[&Decimal]) -> Result<Self, DomainError> {
        let exact = factors.iter().try_fold(Decimal::ONE, |product, factor| {
            let product = product.checked_mul(factor).ok()?;
            Some(product.normalized())
        });
        let within = match &exact {
            Some(exact) => Interval::from_decimal(exact)?,
            None => (factors.iter()).try_fold(Interval::ONE, |product, factor| {
                product.mul(&Interval::from_decimal(factor)?)
            })?,
        };
        Ok(Self { exact, within })
    }

    fn neg(self) -> Self {
        Self {
            exact: self
                .exact
                .map(|exact| Decimal::ZERO.checked_sub(&exact).unwrap_or(exact)),
            within: self.within.neg(),
        }
    }

    /// Ticks, rounded down.
    fn floor(&self) -> Result<i64, DomainError> {
        match &self.exact {
            Some(exact) => whole(exact.rescale(TICK_DECIMALS, Rounding::Floor)?),
            None => ticks(&self.within),
        }
    }

    /// Ticks, rounded up.
    fn ceil(&self) -> Result<i64, DomainError> {
        match &self.exact {
            Some(exact) => whole(exact.rescale(TICK_DECIMALS, Rounding::Ceil)?),
            None => whole(self.within.ceil_at(TICK_DECIMALS)?),
        }
    }
}

fn whole(ticks: i128) -> Result<i64, DomainError> {
    i64::try_from(ticks).map_err(|_| DomainError::Overflow)
}

fn scenario_moves(grid: &ScenarioGrid, factor: &Decimal) -> Result<Vec<Move>, DomainError> {
    let scenarios = grid.scenarios();
    scenarios.iter().map(|s| scenario_move(s, factor)).collect()
}

fn scenario_move(s: &Scenario, factor: &Decimal) -> Result<Move, DomainError> {
    let price = Interval::from_decimal(&s.price_move.checked_add(&Decimal::ONE)?)?;
    let weight = s.fraction.checked_mul(factor)?.normalized();
    Ok(Move {
        price,
        log: price.ln()?,
        shift: Interval::from_decimal(&s.volatility_shift)?,
        counted: s.price_move.checked_mul(&weight)?.normalized(),
        weight: Interval::from_decimal(&weight)?,
    })
}

/// The price of a settlement asset.
fn settlement_price(snapshot: &Snapshot, asset: &str) -> Decimal {
    let asset = snapshot.asset(asset);
    asset.map_or(Decimal::ZERO, |a| snapshot.assets[a].price)
}

/// One lot of an instrument.
struct Lot {
    /// Contracts times contract size.
    units: Decimal,
    mark: Decimal,
    /// Value of the settlement coin, for inverse instruments.
    coin: Option<Decimal>,
    forward: Decimal,
    contingency: Decimal,
    minimum: Decimal,
    option: Option<OptionLot>,
}

/// What option prices under all scenarios share.
struct OptionLot {
    option_type: crate::snapshot::OptionType,
    strike_ratio: Interval,
    log_moneyness: Interval,
    deviation: Interval,
    /// What a volatility shift counts at its days to expiry.
    tenor: Interval,
}

impl Lot {
    fn new(snapshot: &Snapshot, instrument: &Instrument) -> Result<Self, DomainError> {
        let p = &snapshot.parameters;
        let units = instrument
            .lot
            .checked_mul(&instrument.contract_size)?
            .normalized();
        let coin = match &instrument.settlement {
            Settlement::Linear => None,
            Settlement::Inverse(asset) => Some(settlement_price(snapshot, asset)),
        };
        let forward = instrument.forward.unwrap_or(instrument.mark);
        let (contingency, minimum, option) = match &instrument.kind {
            Kind::Perpetual => (p.perpetual_contingency, Decimal::ZERO, None),
            Kind::Future { .. } => (p.future_contingency, Decimal::ZERO, None),
            Kind::Option {
                option_type,
                strike,
                expiry_ms,
                implied_volatility,
            } => {
                let strike_ratio =
                    Interval::from_decimal(strike)?.div(&Interval::from_decimal(&forward)?)?;
                let (deviation, tenor) = if *expiry_ms <= snapshot.as_of_ms {
                    (Interval::ZERO, Interval::ONE)
                } else {
                    let years = years_between(snapshot.as_of_ms, *expiry_ms)?;
                    let deviation = Interval::from_decimal(implied_volatility)?;
                    (deviation.mul(&years.sqrt()?)?, tenor_factor(p, &years)?)
                };
                let option = OptionLot {
                    option_type: *option_type,
                    log_moneyness: strike_ratio.ln()?.neg(),
                    strike_ratio,
                    deviation,
                    tenor,
                };
                (p.option_contingency, p.short_option_minimum, Some(option))
            }
        };
        Ok(Self {
            units,
            mark: instrument.mark,
            coin,
            forward,
            contingency,
            minimum,
            option,
        })
    }

    /// An add-on: this fraction of the notional, times the level's factor. The notional of an option is the underlying's.
    fn add_on(&self, fraction: &Decimal, factor: &Decimal) -> Result<Product, DomainError> {
        match (&self.option, &self.coin) {
            (Some(_), _) => Product::of(&[&self.units, &self.forward, fraction, factor]),
            (None, Some(_)) => Product::of(&[&self.units, fraction, factor]),
            (None, None) => Product::of(&[&self.units, &self.mark, fraction, factor]),
        }
    }

    /// What a long lot is worth at the mark, apart from what it was entered at.
    fn mark_value(&self) -> Result<Product, DomainError> {
        match (&self.coin, &self.option) {
            // Inverse perpetual or future: coin = N / entry - N / mark.
            (Some(coin), None) => {
                let coins = self.units()?.div(&self.marked()?)?;
                Ok(Product {
                    exact: None,
                    within: coins.mul(&Interval::from_decimal(coin)?)?.neg(),
                })
            }
            (Some(coin), Some(_)) => Product::of(&[&self.units, &self.mark, coin]),
            (None, _) => Product::of(&[&self.units, &self.mark]),
        }
    }

    fn units(&self) -> Result<Interval, DomainError> {
        Interval::from_decimal(&self.units)
    }

    fn marked(&self) -> Result<Interval, DomainError> {
        Interval::from_decimal(&self.mark)
    }

    /// What a lot wins in each scenario and in the column of the minimum, long and short, in ticks, rounded down. The price of
    /// the coin it settles in moves as the underlying does.
    fn changes(&self, moves: &[Move], factor: &Decimal) -> Result<[Vec<i64>; 2], DomainError> {
        let base = self.option.as_ref().map(|o| o.ratio(None)).transpose()?;
        let value = self.mark_value()?.floor()?;
        let mut sides = [
            Vec::with_capacity(moves.len() + 1),
            Vec::with_capacity(moves.len() + 1),
        ];
        for m in moves {
            let [long, short] = match (&self.option, &base, &self.coin) {
                (Some(option), Some(base), coin) => {
                    let ratio = option.ratio(Some(m))?;
                    // In coin an option is worth its ratio to the forward, which moves as the coin does.
                    let change = ratio.mul(&m.price)?.sub(base)?;
                    let whole = Interval::from_decimal(&coin.unwrap_or(self.forward))?;
                    let change = change.mul(&whole)?;
                    let profit = change.mul(&self.units()?)?.mul(&m.weight)?;
                    // A long option loses no more than its value, a short one wins no more.
                    [
                        ticks(&profit)?.max(-value),
                        ticks(&profit.neg())?.min(value),
                    ]
                }
                // N / price coins at a coin price that moves alike: always N. What was entered in coin moves with the balance.
                (_, _, Some(_)) => [0; 2],
                (_, _, None) => {
                    let profit = || Product::of(&[&self.units, &self.mark, &m.counted]);
                    [profit()?.floor()?, profit()?.neg().floor()?]
                }
            };
            sides[0].push(long);
            sides[1].push(short);
        }
        sides[0].push(0);
        sides[1].push(-self.add_on(&self.minimum, factor)?.ceil()?);
        Ok(sides)
    }
}

/// What a volatility shift counts for an option: `(30 days / time to expiry)^power`, with one power below 30 days and another
/// above, at least a day. Calendar risk is not in the scenarios: one shift moves all expiries; the contingency stands for it.
fn tenor_factor(p: &MarginParameters, years: &Interval) -> Result<Interval, DomainError> {
    let days = years.times(365)?;
    let month = Interval::from_int(30);
    let power = if days.lo() < month.lo() {
        p.volatility_power_short
    } else {
        p.volatility_power_long
    };
    if power.is_zero() {
        return Ok(Interval::ONE);
    }
    let days = if days.lo() < Interval::ONE.lo() {
        Interval::ONE
    } else {
        days
    };
    month
        .div(&days)?
        .ln()?
        .mul(&Interval::from_decimal(&power)?)?
        .exp()
}

/// Ticks, rounded down.
fn ticks(value: &Interval) -> Result<i64, DomainError> {
    i64::try_from(value.floor_at(TICK_DECIMALS)?).map_err(|_| DomainError::Overflow)
}

impl OptionLot {
    /// Price over forward, under a move or at the mark.
    fn ratio(&self, m: Option<&Move>) -> Result<Interval, DomainError> {
        match m {
            None => black76_ratio(
                self.option_type,
                &self.log_moneyness,
                &self.strike_ratio,
                &self.deviation,
            ),
            Some(m) => black76_ratio(
                self.option_type,
                &self.log_moneyness.add(&m.log)?,
                &self.strike_ratio.div(&m.price)?,
                &self
                    .deviation
                    .mul(&Interval::ONE.add(&m.shift.mul(&self.tenor)?)?.max_zero())?,
            ),
        }
    }
}

/// subticks per unit of entry, long and short, rounded down.
fn entry_rates(snapshot: &Snapshot, instrument: &Instrument) -> Result<[i64; 2], DomainError> {
    let Settlement::Inverse(asset) = &instrument.settlement else {
        // The unit is a tick; who is long has paid it.
        return Ok([-(SUBTICKS_PER_TICK as i64), SUBTICKS_PER_TICK as i64]);
    };
    // 10^-8 coin at a price: price * 10^6 * 2^20 / 10^8 subticks.
    let price = Interval::from_decimal(&settlement_price(snapshot, asset))?;
    let scale = Interval::from_int(SUBTICKS_PER_TICK as i64);
    let hundredth = Interval::from_decimal(&Decimal::new(1, 2))?;
    let rate = price.mul(&scale)?.mul(&hundredth)?;
    let whole = |x: &Interval| i64::try_from(x.floor_at(0)?).map_err(|_| DomainError::Overflow);
    let (received, paid) = (whole(&rate)?, whole(&rate.neg())?);
    Ok(match instrument.kind {
        Kind::Option { .. } => [paid, received],
        // coin = N / entry - N / price: who is long receives the entry.
        _ => [received, paid],
    })
}
