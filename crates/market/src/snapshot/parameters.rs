//! Stress scenarios and margin parameters.

use fixed::Decimal;
use serde::{Deserialize, Serialize};

/// Stress scenarios: every price move with every volatility shift, and extreme ones at a fraction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioGrid {
    /// Relative price moves, such as -0.15.
    pub price_moves: Vec<Decimal>,
    /// Relative volatility shifts, such as 0.25.
    pub volatility_shifts: Vec<Decimal>,
    /// Extreme scenarios.
    #[serde(default)]
    pub extremes: Vec<Extreme>,
}

/// A scenario so extreme that only a fraction of its loss counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extreme {
    /// Relative price move.
    pub price_move: Decimal,
    /// Relative volatility shift.
    pub volatility_shift: Decimal,
    /// The fraction of the loss that counts, 0 to 1.
    pub fraction: Decimal,
}

/// One scenario of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Relative price move.
    pub price_move: Decimal,
    /// Relative volatility shift.
    pub volatility_shift: Decimal,
    /// The fraction of profit and loss that counts.
    pub fraction: Decimal,
}

/// Margin requirements besides scenario losses, as fractions of a position's notional, and the
/// levels' factors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarginParameters {
    /// Contingency add-on of perpetuals.
    pub perpetual_contingency: Decimal,
    /// Contingency add-on of futures.
    pub future_contingency: Decimal,
    /// Contingency add-on of short options, of the underlying's notional. A long option can lose no more than its value.
    pub option_contingency: Decimal,
    /// Least requirement of a short option, of the underlying's notional.
    pub short_option_minimum: Decimal,
    /// Initial margin is this many times maintenance margin, at least 1.
    pub initial_factor: Decimal,
    /// The buffer above maintenance margin, 0.1 for 10%.
    pub buffer: Decimal,
    /// How fast volatility shifts grow towards expiry: a shift counts `(30 days / time to expiry)^power`. This power holds
    /// below 30 days (0.30 is usual), 0 to 1.
    #[serde(default = "zero")]
    pub volatility_power_short: Decimal,
    /// The power above 30 days (0.13 is usual), 0 to 1.
    #[serde(default = "zero")]
    pub volatility_power_long: Decimal,
    /// Whether balances and debts lose and win with the price of their coin. If not, only entries in coin do, and a balance
    /// is as safe as its haircut says.
    #[serde(default = "yes")]
    pub balances_move: bool,
    /// Assets whose price no scenario moves, besides the quote currency: other dollars. Every other balance and debt moves
    /// with its price.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stable_assets: Vec<String>,
    /// Groups of underlyings between which losses offset in part. An underlying is in one group at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offset_groups: Vec<OffsetGroup>,
}

/// Underlyings whose scenarios happen together: the group needs `1 - offset` of the sum of its largest losses, and `offset` of
/// its largest joint loss. In a joint scenario every underlying is in the scenario of that number in its own grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffsetGroup {
    /// Two or more, with grids of one shape.
    pub underlyings: Vec<String>,
    /// 0 to 1, in steps of 10^-6. With 0 there is no offset; with 1 only the joint loss counts.
    pub offset: Decimal,
}

fn yes() -> bool {
    true
}

fn zero() -> Decimal {
    Decimal::ZERO
}

impl MarginParameters {
    /// The largest factor of a level.
    pub fn largest_factor(&self) -> Decimal {
        let buffer = self.buffer.checked_add(&Decimal::ONE);
        self.initial_factor.max(buffer.unwrap_or(Decimal::ONE))
    }
}

/// Which requirement an account meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// To open positions.
    Initial,
    /// To keep them.
    Maintenance,
    /// Maintenance with the buffer on top.
    MaintenancePlusBuffer,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Initial => "initial",
            Self::Maintenance => "maintenance",
            Self::MaintenancePlusBuffer => "maintenance plus buffer",
        })
    }
}

fn hundredths(values: &[i128]) -> Vec<Decimal> {
    values.iter().map(|&v| Decimal::new(v, 2)).collect()
}

impl Default for ScenarioGrid {
    /// 11 price moves of up to 15% with 3 volatility shifts, and a move of 45% both ways at a third.
    fn default() -> Self {
        let extreme = |price| Extreme {
            price_move: Decimal::new(price, 2),
            volatility_shift: Decimal::ZERO,
            fraction: Decimal::new(33, 2),
        };
        Self {
            price_moves: hundredths(&[-15, -12, -9, -6, -3, 0, 3, 6, 9, 12, 15]),
            volatility_shifts: hundredths(&[-25, 0, 25]),
            extremes: vec![extreme(-45), extreme(45)],
        }
    }
}

impl ScenarioGrid {
    /// All scenarios: for each price move every volatility shift, then the extremes.
    pub fn scenarios(&self) -> Vec<Scenario> {
        let mut all = Vec::new();
        for price in &self.price_moves {
            for volatility in &self.volatility_shifts {
                all.push(Scenario {
                    price_move: *price,
                    volatility_shift: *volatility,
                    fraction: Decimal::ONE,
                });
            }
        }
        all.extend(self.extremes.iter().map(|e| Scenario {
            price_move: e.price_move,
            volatility_shift: e.volatility_shift,
            fraction: e.fraction,
        }));
        all
    }
}

impl Default for MarginParameters {
    fn default() -> Self {
        Self {
            perpetual_contingency: Decimal::new(5, 3),
            future_contingency: Decimal::new(5, 3),
            option_contingency: Decimal::new(3, 3),
            short_option_minimum: Decimal::new(1, 2),
            initial_factor: Decimal::new(13, 1),
            buffer: Decimal::new(1, 1),
            volatility_power_short: Decimal::new(30, 2),
            volatility_power_long: Decimal::new(13, 2),
            balances_move: true,
            stable_assets: Vec::new(),
            offset_groups: Vec::new(),
        }
    }
}
