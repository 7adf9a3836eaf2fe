//! Risk arrays: what one lot of each instrument adds to an account's margin in each scenario.
//!
//! The margin of an account at a level is, for every scenario,
//!
//! ```text
//! margin[s] = collateral + sum over positions (lots * value[side][s] + entry * entry_rate[side])
//! ```
//!
//! and the account meets the level if no margin is negative. The value of a lot folds everything
//! that is public: its mark value, the scenario's profit and loss times the level's factor, less
//! contingency add-ons. The last column is the short-option minimum: no scenario, but the minimum as
//! an add-on; so the requirement is the larger of the worst scenario loss and the minimum, plus
//! contingency. All numbers are rounded down, separately for long and short: against the account.

use fixed::{Decimal, DomainError, Interval};
use rayon::prelude::*;

use crate::pricing::{black76_ratio, years_between};
use crate::snapshot::{
    Instrument, Kind, Level, MarginParameters, Scenario, Settlement, Snapshot, SnapshotError,
};
use records::units::{SUBTICKS_PER_TICK, TICK_DECIMALS};

/// Values of lots are below this many ticks in magnitude.
pub const MAX_VALUE: i64 = 1 << 39;
/// Entry rates are below this many subticks in magnitude.
pub const MAX_ENTRY_RATE: i64 = 1 << 60;

/// The public numbers of a level: [`Snapshot`] as the proofs use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskArrays {
    /// Scenario columns, the short-option minimum included.
    pub columns: usize,
    /// For each instrument, long then short: ticks per lot in each column.
    pub values: Vec<[Vec<i64>; 2]>,
    /// For each instrument, long then short: subticks per unit of entry.
    pub entry_rates: Vec<[i64; 2]>,
}

/// The columns of a snapshot's risk arrays.
pub fn columns(snapshot: &Snapshot) -> usize {
    snapshot.grid.scenarios().len() + 1
}

/// What a column means, in words.
pub fn column_name(snapshot: &Snapshot, column: usize) -> String {
    let scenarios = snapshot.grid.scenarios();
    let percent = |d: &Decimal| {
        let p = d
            .checked_mul(&Decimal::from_int(100))
            .map(|p| p.normalized())
            .unwrap_or(*d);
        format!("{}{p}%", if p.is_negative() { "" } else { "+" })
    };
    match scenarios.get(column) {
        Some(s) => {
            let mut name = format!(
                "price {}, volatility {}",
                percent(&s.price_move),
                percent(&s.volatility_shift)
            );
            if s.fraction != Decimal::ONE {
                name += &format!(
                    ", counted at {}",
                    percent(&s.fraction).trim_start_matches('+')
                );
            }
            name
        }
        None => "short-option minimum".to_string(),
    }
}

/// What scenarios share over all instruments.
struct Move {
    /// 1 + price move.
    price: Interval,
    /// ln of it.
    log: Interval,
    /// 1 + volatility shift.
    volatility: Interval,
    /// Fraction of profit and loss times the level's factor.
    weight: Interval,
}

impl RiskArrays {
    /// The risk arrays of a snapshot at a level.
    ///
    /// # Errors
    /// Names the instrument whose numbers exceed a bound.
    pub fn new(snapshot: &Snapshot, level: Level) -> Result<Self, SnapshotError> {
        let factor = factor(&snapshot.parameters, level)
            .map_err(|e| SnapshotError::new("parameters", e.to_string()))?;
        let moves: Vec<Move> = snapshot
            .grid
            .scenarios()
            .iter()
            .map(|s| scenario_move(s, &factor))
            .collect::<Result<_, _>>()
            .map_err(|e| SnapshotError::new("grid", e.to_string()))?;
        let rows: Vec<([Vec<i64>; 2], [i64; 2])> = snapshot
            .instruments
            .par_iter()
            .enumerate()
            .map(|(i, instrument)| {
                let fail = |problem: String| {
                    SnapshotError::new(format!("instruments[{i}] `{}`", instrument.symbol), problem)
                };
                let values = Lot::new(snapshot, instrument)
                    .and_then(|lot| lot.values(&moves, &factor))
                    .map_err(|e| fail(e.to_string()))?;
                let rates = entry_rates(snapshot, instrument).map_err(|e| fail(e.to_string()))?;
                if values
                    .iter()
                    .flatten()
                    .any(|v| v.unsigned_abs() >= MAX_VALUE.unsigned_abs())
                {
                    return Err(fail(
                        "a lot is worth more than 549,755 of the quote; use a smaller lot".into(),
                    ));
                }
                if rates
                    .iter()
                    .any(|r| r.unsigned_abs() >= MAX_ENTRY_RATE.unsigned_abs())
                {
                    return Err(fail("the price of its settlement coin is too large".into()));
                }
                Ok((values, rates))
            })
            .collect::<Result<_, _>>()?;
        let (values, entry_rates) = rows.into_iter().unzip();
        Ok(Self {
            columns: columns(snapshot),
            values,
            entry_rates,
        })
    }
}

fn factor(p: &MarginParameters, level: Level) -> Result<Interval, DomainError> {
    Interval::from_decimal(&match level {
        Level::Initial => p.initial_factor,
        Level::Maintenance => Decimal::ONE,
        Level::MaintenancePlusBuffer => p.buffer.checked_add(&Decimal::ONE)?,
    })
}

fn scenario_move(s: &Scenario, factor: &Interval) -> Result<Move, DomainError> {
    let price = Interval::from_decimal(&s.price_move.checked_add(&Decimal::ONE)?)?;
    Ok(Move {
        price,
        log: price.ln()?,
        volatility: Interval::from_decimal(&s.volatility_shift.checked_add(&Decimal::ONE)?)?,
        weight: Interval::from_decimal(&s.fraction)?.mul(factor)?,
    })
}

/// The price of a settlement asset.
fn settlement_price(snapshot: &Snapshot, asset: &str) -> Result<Interval, DomainError> {
    let price = snapshot
        .asset(asset)
        .map_or(Decimal::ZERO, |a| snapshot.assets[a].price);
    Interval::from_decimal(&price)
}

/// One lot of an instrument.
struct Lot {
    /// Contracts times contract size.
    units: Interval,
    mark: Interval,
    /// Value of the settlement coin, for inverse instruments.
    coin: Option<Interval>,
    /// Notional in quote, for add-ons.
    notional: Interval,
    contingency: Interval,
    minimum: Interval,
    option: Option<OptionLot>,
}

/// What option prices under all scenarios share.
struct OptionLot {
    option_type: crate::snapshot::OptionType,
    forward: Interval,
    strike_ratio: Interval,
    log_moneyness: Interval,
    deviation: Interval,
}

impl Lot {
    fn new(snapshot: &Snapshot, instrument: &Instrument) -> Result<Self, DomainError> {
        let p = &snapshot.parameters;
        let units =
            Interval::from_decimal(&instrument.lot.checked_mul(&instrument.contract_size)?)?;
        let mark = Interval::from_decimal(&instrument.mark)?;
        let coin = match &instrument.settlement {
            Settlement::Linear => None,
            Settlement::Inverse(asset) => Some(settlement_price(snapshot, asset)?),
        };
        let forward = match &instrument.forward {
            Some(forward) => Interval::from_decimal(forward)?,
            None => mark,
        };
        let (contingency, minimum, option) = match &instrument.kind {
            Kind::Perpetual => (p.perpetual_contingency, Decimal::ZERO, None),
            Kind::Future { .. } => (p.future_contingency, Decimal::ZERO, None),
            Kind::Option {
                option_type,
                strike,
                expiry_ms,
                implied_volatility,
            } => {
                let strike_ratio = Interval::from_decimal(strike)?.div(&forward)?;
                let deviation = if *expiry_ms <= snapshot.as_of_ms {
                    Interval::ZERO
                } else {
                    let years = years_between(snapshot.as_of_ms, *expiry_ms)?;
                    Interval::from_decimal(implied_volatility)?.mul(&years.sqrt()?)?
                };
                let option = OptionLot {
                    option_type: *option_type,
                    forward,
                    log_moneyness: strike_ratio.ln()?.neg(),
                    strike_ratio,
                    deviation,
                };
                (p.option_contingency, p.short_option_minimum, Some(option))
            }
        };
        let notional = match (&instrument.kind, &coin) {
            (Kind::Option { .. }, _) => units.mul(&forward)?,
            (_, Some(_)) => units,
            (_, None) => units.mul(&mark)?,
        };
        Ok(Self {
            units,
            mark,
            coin,
            notional,
            contingency: Interval::from_decimal(&contingency)?,
            minimum: Interval::from_decimal(&minimum)?,
            option,
        })
    }

    /// What a long lot is worth at the mark, apart from what it was entered at.
    fn mark_value(&self) -> Result<Interval, DomainError> {
        match (&self.coin, &self.option) {
            // Inverse perpetual or future: coin = N / entry - N / mark.
            (Some(coin), None) => Ok(self.units.div(&self.mark)?.mul(coin)?.neg()),
            (Some(coin), Some(_)) => self.units.mul(&self.mark)?.mul(coin),
            (None, _) => self.units.mul(&self.mark),
        }
    }

    /// Profit of a long lot when the scenario happens, before weights.
    fn profit(&self, m: &Move, base: Option<&Interval>) -> Result<Interval, DomainError> {
        match (&self.coin, &self.option) {
            (coin, Some(option)) => {
                let base = base.ok_or(DomainError::Overflow)?;
                let ratio = option.ratio(Some(m))?;
                match coin {
                    // In coin an option is worth its ratio to the forward.
                    Some(coin) => ratio.sub(base)?.mul(&self.units)?.mul(coin),
                    None => {
                        let moved = option.forward.mul(&m.price)?.mul(&ratio)?;
                        moved.sub(&option.forward.mul(base)?)?.mul(&self.units)
                    }
                }
            }
            (Some(coin), None) => {
                // N / mark - N / (mark (1 + move)) = N / mark * move / (1 + move)
                let change = m.price.sub(&Interval::ONE)?.div(&m.price)?;
                self.units.div(&self.mark)?.mul(&change)?.mul(coin)
            }
            (None, None) => self
                .units
                .mul(&self.mark)?
                .mul(&m.price.sub(&Interval::ONE)?),
        }
    }

    fn values(&self, moves: &[Move], factor: &Interval) -> Result<[Vec<i64>; 2], DomainError> {
        let mark = self.mark_value()?;
        let base = self.option.as_ref().map(|o| o.ratio(None)).transpose()?;
        let contingency = self.notional.mul(&self.contingency)?.mul(factor)?;
        let minimum = self.notional.mul(&self.minimum)?.mul(factor)?;
        let mut sides = [
            Vec::with_capacity(moves.len() + 1),
            Vec::with_capacity(moves.len() + 1),
        ];
        for m in moves {
            let long = mark.add(&self.profit(m, base.as_ref())?.mul(&m.weight)?)?;
            sides[0].push(ticks(&long.sub(&contingency)?)?);
            sides[1].push(ticks(&long.neg().sub(&contingency)?)?);
        }
        sides[0].push(ticks(&mark.sub(&contingency)?)?);
        sides[1].push(ticks(&mark.neg().sub(&contingency)?.sub(&minimum)?)?);
        Ok(sides)
    }
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
                &self.deviation.mul(&m.volatility)?,
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
    let price = settlement_price(snapshot, asset)?;
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
