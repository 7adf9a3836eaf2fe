//! A venue that is its traders' counterparty: what it owes in a scenario, and the risk of that.
//!
//! In ticks, after the horizon, with a scenario's values `S` of a lot of each market:
//!
//! ```text
//! liability X = q . S - (C + P + L)      traders' gain less the venue's capital P and its providers' L
//! risk rho    = EVaR(max(X, 0)) - collected
//! ```
//!
//! where `q` is what traders are net long in lots, `C = sum of q * entry` what they paid. The closed form for
//! normal prices that tilts `X` itself understates the risk of a well-capitalised venue; here `max(X, 0)` is
//! tilted, over explicit scenarios.

use fixed::{Decimal, DomainError, Interval};
use serde::{Deserialize, Serialize};

use crate::certificate::MAX_GAIN;
use crate::evar::{Confidence, Evar, EvarError, Losses, evar};
use crate::scenarios::ScenarioSet;
use records::units::{MAX_AMOUNT, TICK_DECIMALS};

/// Net quantities are below this many lots in magnitude.
pub const MAX_QUANTITY: i64 = 1 << 38;

/// The private state of a venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueState {
    /// As of when, in milliseconds since 1970. Its owner says so; nothing is computed from it.
    pub as_of_ms: u64,
    /// What traders are net long, per market, in lots.
    pub quantities: Vec<i64>,
    /// The signed sum of entry notionals, in ticks.
    pub entry: i64,
    /// The venue's capital, in ticks.
    pub capital: u64,
    /// Liquidity providers' capital, in ticks.
    pub providers: u64,
    /// Premia and funding collected over the last window, in ticks.
    pub collected: u64,
}

/// A trade with the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trade {
    /// The market's number in the scenario set.
    pub market: usize,
    /// What the trader buys, in lots; negative if they sell.
    pub lots: i64,
    /// What a lot costs, in ticks.
    pub price: u64,
}

/// Money that comes in, or goes out where it is negative, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The venue's own capital.
    pub capital: i64,
    /// Liquidity providers' capital.
    pub providers: i64,
    /// Collected premia and funding: negative when the window moves on.
    pub collected: i64,
}

/// What changes a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A trade.
    Trade(Trade),
    /// A transfer.
    Transfer(Transfer),
}

impl From<Trade> for Change {
    fn from(trade: Trade) -> Self {
        Self::Trade(trade)
    }
}

impl Change {
    /// The change but for what moves in the collected sum, on which EVaR does not depend.
    #[must_use]
    pub fn without_collected(&self) -> Self {
        match *self {
            Self::Transfer(transfer) => Self::Transfer(Transfer {
                collected: 0,
                ..transfer
            }),
            trade => trade,
        }
    }
}

/// Why a venue's risk has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VenueError {
    /// Other markets than the scenario set's.
    #[error("the state has {state} markets, the scenario set {set}")]
    Markets {
        /// Of the state.
        state: usize,
        /// Of the set.
        set: usize,
    },
    /// A trade in a market that is not there.
    #[error("there is no market number {0}")]
    Market(usize),
    /// A quantity or an amount does not fit.
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// More is taken out than there is.
    #[error("more {0} is taken out than there is")]
    TooLittle(&'static str),
    /// No risk measure.
    #[error(transparent)]
    Evar(#[from] EvarError),
    /// Arithmetic failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

impl VenueState {
    /// A state without positions, as of 1970.
    pub fn flat(markets: usize, capital: u64, providers: u64) -> Self {
        Self {
            as_of_ms: 0,
            quantities: vec![0; markets],
            entry: 0,
            capital,
            providers,
            collected: 0,
        }
    }

    /// `C + P + L`, in ticks.
    pub fn means(&self) -> i128 {
        i128::from(self.entry) + i128::from(self.capital) + i128::from(self.providers)
    }

    /// The liability in each scenario, in ticks.
    ///
    /// # Errors
    /// If the state does not fit the set or an amount is too large.
    pub fn liabilities(&self, set: &ScenarioSet) -> Result<Vec<i64>, VenueError> {
        self.check(set)?;
        set.values
            .iter()
            .map(|values| {
                let worth: i128 = self
                    .quantities
                    .iter()
                    .zip(values)
                    .map(|(&q, &v)| i128::from(q) * i128::from(v))
                    .sum();
                i64::try_from(worth - self.means())
                    .ok()
                    .filter(|x| x.unsigned_abs() < MAX_GAIN)
                    .ok_or(VenueError::TooLarge("a liability"))
            })
            .collect()
    }

    fn check(&self, set: &ScenarioSet) -> Result<(), VenueError> {
        if self.quantities.len() != set.markets.len() {
            return Err(VenueError::Markets {
                state: self.quantities.len(),
                set: set.markets.len(),
            });
        }
        if self
            .quantities
            .iter()
            .any(|q| q.unsigned_abs() >= MAX_QUANTITY as u64)
        {
            return Err(VenueError::TooLarge("a net quantity"));
        }
        if self.entry.unsigned_abs() >= MAX_GAIN {
            return Err(VenueError::TooLarge("the sum of entry notionals"));
        }
        if self.capital.max(self.providers).max(self.collected) >= MAX_AMOUNT {
            return Err(VenueError::TooLarge("the capital"));
        }
        Ok(())
    }

    /// What is owed beyond the venue's means in each scenario, in ticks: `max(X, 0)`.
    ///
    /// # Errors
    /// As [`liabilities`](Self::liabilities).
    pub fn gains(&self, set: &ScenarioSet) -> Result<Vec<u64>, VenueError> {
        let liabilities = self.liabilities(set)?;
        Ok(liabilities.iter().map(|&x| x.max(0) as u64).collect())
    }

    /// EVaR of `max(X, 0)`, in ticks, enclosed as tightly as numbers allow: what the certificate's EVaR, which is quoted and
    /// proven, is judged by (see [`crate::premia`]). The risk is this less what was collected.
    ///
    /// # Errors
    /// As [`liabilities`](Self::liabilities).
    pub fn evar(&self, set: &ScenarioSet, confidence: Confidence) -> Result<Evar, VenueError> {
        let gains: Vec<i64> = self.gains(set)?.iter().map(|&x| x as i64).collect();
        Ok(evar(Losses::over(set, &gains), confidence)?)
    }

    /// The state after a change. A premium that was paid is collected.
    ///
    /// # Errors
    /// If the market is not there, an amount is too large, or more is taken out than there is.
    pub fn changed(&self, change: &Change, premium: u64) -> Result<Self, VenueError> {
        let transfer = match change {
            Change::Trade(trade) => return self.after(trade, premium),
            Change::Transfer(transfer) => transfer,
        };
        let moved = |amount: u64, by: i128, name| {
            let amount = i128::from(amount) + by;
            if amount < 0 {
                return Err(VenueError::TooLittle(name));
            }
            let amount = u64::try_from(amount).ok().filter(|&x| x < MAX_AMOUNT);
            amount.ok_or(VenueError::TooLarge(name))
        };
        let collected = i128::from(transfer.collected) + i128::from(premium);
        Ok(Self {
            capital: moved(self.capital, transfer.capital.into(), "capital")?,
            providers: moved(
                self.providers,
                transfer.providers.into(),
                "providers' capital",
            )?,
            collected: moved(self.collected, collected, "of what was collected")?,
            ..self.clone()
        })
    }

    /// The state after a trade. A premium that was paid is collected.
    ///
    /// # Errors
    /// If the market is not there or an amount is too large.
    pub fn after(&self, trade: &Trade, premium: u64) -> Result<Self, VenueError> {
        let mut after = self.clone();
        let quantity = after
            .quantities
            .get_mut(trade.market)
            .ok_or(VenueError::Market(trade.market))?;
        *quantity = quantity
            .checked_add(trade.lots)
            .filter(|q| q.unsigned_abs() < MAX_QUANTITY as u64)
            .ok_or(VenueError::TooLarge("a net quantity"))?;
        let entry = i128::from(self.entry) + i128::from(trade.lots) * i128::from(trade.price);
        after.entry = i64::try_from(entry)
            .ok()
            .filter(|x| x.unsigned_abs() < MAX_GAIN)
            .ok_or(VenueError::TooLarge("the sum of entry notionals"))?;
        after.collected = self
            .collected
            .checked_add(premium)
            .filter(|&x| x < MAX_AMOUNT)
            .ok_or(VenueError::TooLarge("what was collected"))?;
        Ok(after)
    }
}

/// What a change pays, given EVaR before and after it: what it rises by. Every change pays, whoever's money moves: a
/// withdrawal of capital adds the same risk as a trade does, and if it paid nothing, a deposit before a trade and a withdrawal
/// behind it would spare the trade its premium. What only moves the collected sum leaves EVaR as it is.
pub fn charge(before: u64, after: u64) -> u64 {
    after.saturating_sub(before)
}

/// The least of 1, 2 and 5 times a power of ten that is not less.
pub fn round_up(amount: u128) -> u128 {
    let mut power = 1;
    loop {
        for step in [1, 2, 5] {
            if step * power >= amount {
                return step * power;
            }
        }
        power *= 10;
    }
}

/// What providers are owed more after a change: the value of the call spread on the inventory's worth with
/// strikes `C + P` and `C + P + L`, which is what they may lose, after less before. In ticks, the mean over
/// the scenarios.
///
/// # Errors
/// If a state does not fit the set.
pub fn providers_premium(
    before: &VenueState,
    after: &VenueState,
    set: &ScenarioSet,
) -> Result<Interval, VenueError> {
    let spread = |state: &VenueState| -> Result<Interval, VenueError> {
        let providers = i128::from(state.providers);
        let lost = |x: i64| (i128::from(x) + providers).clamp(0, providers);
        let liabilities = state.liabilities(set)?;
        Ok(set.mean(liabilities.into_iter().map(lost))?)
    };
    Ok(spread(after)?.sub(&spread(before)?)?)
}

/// Ticks as an amount of the quote currency.
pub fn ticks(amount: i128) -> Decimal {
    Decimal::new(amount, TICK_DECIMALS)
}
