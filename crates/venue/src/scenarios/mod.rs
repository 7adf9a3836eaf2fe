//! Scenario sets: futures of a few markets and how likely they are, public and reproducible.

pub mod beacon;
mod forecast;
pub mod garch;
mod linear;
pub mod mixture;
mod normal;
pub mod recipe;
mod values;
pub mod warnings;

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval, Rounding, mul_div};
use serde::{Deserialize, Serialize};

/// Most scenarios of a set.
pub const MAX_SCENARIOS: usize = 1 << 14;
/// Most markets of a set.
pub const MAX_MARKETS: usize = 64;
/// What a lot is worth is below this, in ticks (a million of the quote currency).
pub const MAX_VALUE: u64 = 1 << 40;

/// A scenario's probability is at most this many parts of all.
pub const MAX_PART: u64 = 1 << 40;

/// What a lot of each market is worth in each of a number of scenarios, and how likely these are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioSet {
    /// When, in milliseconds since 1970.
    pub as_of_ms: u64,
    /// The currency of all values.
    pub quote: String,
    /// How far ahead, in days.
    pub horizon_days: Decimal,
    /// How the set was made.
    pub source: recipe::Source,
    /// The markets.
    pub markets: Vec<Market>,
    /// Per scenario and market, what a lot is worth at the horizon, in ticks.
    pub values: Vec<Vec<u64>>,
    /// Per scenario, its probability in parts of the sum of all, 1 to 2^40; empty if all are equally likely.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probabilities: Vec<u64>,
}

/// A market of a scenario set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// Its name.
    pub symbol: String,
    /// Quantities are whole numbers of lots of this much of the underlying.
    pub lot: Decimal,
    /// What a lot is worth now, in ticks.
    pub value: u64,
}

/// What is wrong with a scenario set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Too few or too many.
    #[error("{0} scenarios; there must be 1 to {MAX_SCENARIOS}")]
    Scenarios(usize),
    /// Too few or too many.
    #[error("{0} markets; there must be 1 to {MAX_MARKETS}")]
    Markets(usize),
    /// A scenario with other markets.
    #[error("scenario {scenario} has {got} values for {expected} markets")]
    Values {
        /// The scenario, from 0.
        scenario: usize,
        /// Its values.
        got: usize,
        /// The markets.
        expected: usize,
    },
    /// Probabilities that do not fit.
    #[error(
        "there must be one probability a scenario, of 1 to 2^40 parts, or none if all are equally likely"
    )]
    Probabilities,
    /// A value that does not fit.
    #[error("{place}: a lot of `{symbol}` is worth 2^40 ticks or more; use a smaller lot")]
    TooLarge {
        /// Where.
        place: String,
        /// The market.
        symbol: String,
    },
    /// Two markets of one name.
    #[error("there are two markets `{0}`")]
    Duplicate(String),
    /// A name that cannot stand in a sentence.
    #[error("`{0}` {NO_NAME}", NO_NAME = records::names::NO_NAME)]
    Name(String),
    /// A lot of nothing.
    #[error("the lot of `{0}` must be above 0")]
    Lot(String),
    /// A moment in other units, or none.
    #[error("as_of_ms: {0}")]
    Moment(String),
    /// How it says it was made cannot be.
    #[error("source: {0}")]
    Source(String),
    /// The horizon is not positive.
    #[error("the horizon must be above 0 and at most 3650 days, with at most six decimals")]
    Horizon,
}

impl ScenarioSet {
    /// Checks that the set can be used.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        if !(1..=MAX_SCENARIOS).contains(&self.values.len()) {
            return Err(ScenarioError::Scenarios(self.values.len()));
        }
        if !(1..=MAX_MARKETS).contains(&self.markets.len()) {
            return Err(ScenarioError::Markets(self.markets.len()));
        }
        records::date::check_moment(self.as_of_ms).map_err(ScenarioError::Moment)?;
        (self.source.validate()).map_err(|e| ScenarioError::Source(e.to_string()))?;
        let expected = self.markets.len();
        let micro_days = self.horizon_days.rescale_exact(6).unwrap_or(0);
        if !(1..=3_650_000_000).contains(&micro_days) {
            return Err(ScenarioError::Horizon);
        }
        let fits = |part: &u64| (1..=MAX_PART).contains(part);
        let one_each = self.probabilities.len() == self.values.len();
        let all_fit = self.probabilities.iter().all(fits);
        if self.is_weighted() && (!one_each || !all_fit) {
            return Err(ScenarioError::Probabilities);
        }
        let check = |place: &dyn Fn() -> String, i: usize, value: u64| {
            if value < MAX_VALUE {
                return Ok(());
            }
            Err(ScenarioError::TooLarge {
                place: place(),
                symbol: self.markets[i].symbol.clone(),
            })
        };
        let names = self.markets.iter().map(|m| &m.symbol);
        if let Some(name) = names
            .chain([&self.quote])
            .find(|n| !records::names::is_name(n))
        {
            return Err(ScenarioError::Name(name.escape_debug().to_string()));
        }
        for (i, market) in self.markets.iter().enumerate() {
            if market.lot <= Decimal::ZERO {
                return Err(ScenarioError::Lot(market.symbol.clone()));
            }
            check(&|| "now".into(), i, market.value)?;
            if self.markets[..i].iter().any(|m| m.symbol == market.symbol) {
                return Err(ScenarioError::Duplicate(market.symbol.clone()));
            }
        }
        for (scenario, values) in self.values.iter().enumerate() {
            if values.len() != expected {
                return Err(ScenarioError::Values {
                    scenario,
                    got: values.len(),
                    expected,
                });
            }
            for (i, &value) in values.iter().enumerate() {
                check(&|| format!("scenario {scenario}"), i, value)?;
            }
        }
        Ok(())
    }

    /// Whether scenarios have probabilities of their own.
    pub fn is_weighted(&self) -> bool {
        !self.probabilities.is_empty()
    }

    /// Each scenario's parts, and all parts.
    fn parts(&self) -> (impl Iterator<Item = u64>, u128) {
        let count = self.values.len();
        let parts = (0..count).map(|s| self.probabilities.get(s).copied().unwrap_or(1));
        let total = parts.clone().map(u128::from).sum();
        (parts, total)
    }

    /// The mean of amounts, one a scenario, each below 2^60 in magnitude.
    ///
    /// # Errors
    /// If an amount is larger.
    pub fn mean(&self, amounts: impl Iterator<Item = i128>) -> Result<Interval, DomainError> {
        let (parts, total) = self.parts();
        // Below 2^60 * 2^40 * 2^14.
        let sum: i128 = amounts.zip(parts).map(|(x, p)| x * i128::from(p)).sum();
        let end = |rounding| mul_div(sum, 1 << FRACTION_BITS, total as i128, rounding);
        Interval::from_ends(end(Rounding::Floor)?, end(Rounding::Ceil)?)
    }

    /// The horizon in millionths of a day.
    pub fn horizon_micro_days(&self) -> u64 {
        self.horizon_days.rescale_exact(6).unwrap_or(0) as u64
    }
}
