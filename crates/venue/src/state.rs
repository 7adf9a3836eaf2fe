//! A venue that is its traders' counterparty: what it owes in a scenario, and the risk of that.
//!
//! In ticks, after the horizon, with a scenario's values `S` of a lot of each market:
//!
//! ```text
//! liability X = q . S - (C + P + L)      traders' gain less the venue's capital P and its providers' L
//! risk        = EVaR(max(X, 0))
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
use records::date::moment;
use records::units::{Lots, MAX_AMOUNT, TICK_DECIMALS, Ticks};

/// Net quantities are below this many lots in magnitude.
pub const MAX_QUANTITY: Lots<i64> = Lots(1 << 38);

/// Whether a net quantity is below [`MAX_QUANTITY`] in magnitude.
pub fn quantity_fits(quantity: Lots<i64>) -> bool {
    -MAX_QUANTITY < quantity && quantity < MAX_QUANTITY
}

/// The private state of a venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueState {
    /// As of when, in milliseconds since 1970. Its owner says so; nothing is computed from it.
    pub as_of_ms: u64,
    /// What traders are net long, per market.
    pub quantities: Vec<Lots<i64>>,
    /// The signed sum of entry notionals.
    pub entry: Ticks,
    /// The venue's capital.
    pub capital: Ticks<u64>,
    /// Liquidity providers' capital.
    pub providers: Ticks<u64>,
    /// Premia and funding collected in the window: cash that is not in the capital yet.
    pub collected: Ticks<u64>,
    /// Since when it was collected: the window's start, in milliseconds since 1970, not after `as_of_ms`.
    pub collected_since_ms: u64,
}

/// A trade with the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trade {
    /// The market's number in the scenario set.
    pub market: usize,
    /// What the trader buys; negative if they sell.
    pub lots: Lots<i64>,
    /// What a lot costs.
    pub price: Ticks<u64>,
}

/// Money that comes in, or goes out where it is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The venue's own capital.
    pub capital: Ticks,
    /// Liquidity providers' capital.
    pub providers: Ticks,
    /// Collected premia and funding: negative where funding is paid out.
    pub collected: Ticks,
}

/// What changes a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A trade.
    Trade(Trade),
    /// A transfer.
    Transfer(Transfer),
    /// All that the window collected moves into capital, and the next window starts.
    Roll {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
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
                collected: Ticks(0),
                ..transfer
            }),
            other => other,
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
    /// A window that would not be after the last one.
    #[error(
        "the window since {} can't roll into capital as of {}; each amount rolls once",
        moment(*.since_ms),
        moment(*.at_ms)
    )]
    Roll {
        /// The start of the window.
        since_ms: u64,
        /// Its end.
        at_ms: u64,
    },
    /// No risk measure.
    #[error(transparent)]
    Evar(#[from] EvarError),
    /// Arithmetic failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

impl VenueState {
    /// A state without positions, as of 1970.
    pub fn flat(markets: usize, capital: Ticks<u64>, providers: Ticks<u64>) -> Self {
        Self {
            as_of_ms: 0,
            quantities: vec![Lots(0); markets],
            entry: Ticks(0),
            capital,
            providers,
            collected: Ticks(0),
            collected_since_ms: 0,
        }
    }

    /// `C + P + L`.
    pub fn means(&self) -> Ticks<i128> {
        self.entry.widen() + self.capital.widen() + self.providers.widen()
    }

    /// The liability in each scenario.
    ///
    /// # Errors
    /// If the state does not fit the set or an amount is too large.
    pub fn liabilities(&self, set: &ScenarioSet) -> Result<Vec<Ticks>, VenueError> {
        self.check(set)?;
        set.values
            .iter()
            .map(|values| {
                let worth: i128 = self
                    .quantities
                    .iter()
                    .zip(values)
                    .map(|(&q, &v)| i128::from(q.0) * i128::from(v))
                    .sum();
                (Ticks(worth) - self.means())
                    .narrow()
                    .filter(|x: &Ticks| x.0.unsigned_abs() < MAX_GAIN)
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
        if !self.quantities.iter().all(|q| quantity_fits(*q)) {
            return Err(VenueError::TooLarge("a net quantity"));
        }
        if self.entry.0.unsigned_abs() >= MAX_GAIN {
            return Err(VenueError::TooLarge("the sum of entry notionals"));
        }
        if self.capital.max(self.providers).max(self.collected).0 >= MAX_AMOUNT {
            return Err(VenueError::TooLarge("the capital"));
        }
        Ok(())
    }

    /// What is owed beyond the venue's means in each scenario: `max(X, 0)`.
    ///
    /// # Errors
    /// As [`liabilities`](Self::liabilities).
    pub fn gains(&self, set: &ScenarioSet) -> Result<Vec<Ticks<u64>>, VenueError> {
        let liabilities = self.liabilities(set)?;
        Ok(liabilities.iter().map(|&x| gain(x)).collect())
    }

    /// EVaR of `max(X, 0)`, in ticks, enclosed as tightly as numbers allow: what the certificate's EVaR, which is quoted and
    /// proven, is judged by (see [`crate::premia`]). The risk is this less what was collected.
    ///
    /// # Errors
    /// As [`liabilities`](Self::liabilities).
    pub fn evar(&self, set: &ScenarioSet, confidence: Confidence) -> Result<Evar, VenueError> {
        let gains: Vec<i64> = self.gains(set)?.iter().map(|&x| x.0 as i64).collect();
        Ok(evar(Losses::over(set, &gains), confidence)?)
    }

    /// The state after a change. A premium that was paid is collected; a roll pays none.
    ///
    /// # Errors
    /// If the market is not there, an amount is too large, or more is taken out than there is.
    pub fn changed(&self, change: &Change, premium: Ticks<u64>) -> Result<Self, VenueError> {
        let transfer = match change {
            Change::Trade(trade) => return self.after(trade, premium),
            Change::Transfer(transfer) => transfer,
            Change::Roll { at_ms } => return self.rolled(*at_ms),
        };
        let moved = |amount: Ticks<u64>, by: Ticks<i128>, name| {
            let amount = amount.widen() + by;
            if amount < Ticks(0) {
                return Err(VenueError::TooLittle(name));
            }
            let amount = amount.narrow().filter(|x: &Ticks<u64>| x.0 < MAX_AMOUNT);
            amount.ok_or(VenueError::TooLarge(name))
        };
        let collected = transfer.collected.widen() + premium.widen();
        Ok(Self {
            capital: moved(self.capital, transfer.capital.widen(), "capital")?,
            providers: moved(
                self.providers,
                transfer.providers.widen(),
                "providers' capital",
            )?,
            collected: moved(self.collected, collected, "of what was collected")?,
            ..self.clone()
        })
    }

    /// The state after all that was collected moved into capital: each amount once, since the next window starts then.
    ///
    /// # Errors
    /// If the window starts at that moment or later, or the capital is too large.
    pub fn rolled(&self, at_ms: u64) -> Result<Self, VenueError> {
        if at_ms <= self.collected_since_ms {
            return Err(VenueError::Roll {
                since_ms: self.collected_since_ms,
                at_ms,
            });
        }
        let capital = self.capital + self.collected;
        if capital.0 >= MAX_AMOUNT {
            return Err(VenueError::TooLarge("capital"));
        }
        Ok(Self {
            capital,
            collected: Ticks(0),
            collected_since_ms: at_ms,
            ..self.clone()
        })
    }

    /// The state after a trade. A premium that was paid is collected.
    ///
    /// # Errors
    /// If the market is not there or an amount is too large.
    pub fn after(&self, trade: &Trade, premium: Ticks<u64>) -> Result<Self, VenueError> {
        let mut after = self.clone();
        let quantity = after
            .quantities
            .get_mut(trade.market)
            .ok_or(VenueError::Market(trade.market))?;
        *quantity = quantity
            .0
            .checked_add(trade.lots.0)
            .map(Lots)
            .filter(|q| quantity_fits(*q))
            .ok_or(VenueError::TooLarge("a net quantity"))?;
        let notional = Ticks(i128::from(trade.lots.0) * i128::from(trade.price.0));
        after.entry = (self.entry.widen() + notional)
            .narrow()
            .filter(|x: &Ticks| x.0.unsigned_abs() < MAX_GAIN)
            .ok_or(VenueError::TooLarge("the sum of entry notionals"))?;
        after.collected = self
            .collected
            .0
            .checked_add(premium.0)
            .filter(|&x| x < MAX_AMOUNT)
            .map(Ticks)
            .ok_or(VenueError::TooLarge("what was collected"))?;
        Ok(after)
    }
}

/// What a change pays, given EVaR before and after it: what it rises by. Every change pays, whoever's money moves: a
/// withdrawal of capital adds the same risk as a trade does, and if it paid nothing, a deposit before a trade and a withdrawal
/// behind it would spare the trade its premium. What only moves the collected sum leaves EVaR as it is.
pub fn charge(before: Ticks<u64>, after: Ticks<u64>) -> Ticks<u64> {
    Ticks(after.0.saturating_sub(before.0))
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
/// strikes `C + P` and `C + P + L`, which is what they may lose, after less before, or zero where they may lose less. In ticks, the mean
/// over the scenarios.
///
/// # Errors
/// If a state does not fit the set.
pub fn providers_premium(
    before: &VenueState,
    after: &VenueState,
    set: &ScenarioSet,
) -> Result<Interval, VenueError> {
    let spread = |state: &VenueState| -> Result<Interval, VenueError> {
        let providers = i128::from(state.providers.0);
        let lost = |x: Ticks| (i128::from(x.0) + providers).clamp(0, providers);
        let liabilities = state.liabilities(set)?;
        Ok(set.mean(liabilities.into_iter().map(lost))?)
    };
    let more = spread(after)?.sub(&spread(before)?)?;
    Ok(Interval::from_ends(more.lo().max(0), more.hi().max(0))?)
}

/// A plain number of ticks as an amount of the quote currency.
pub fn ticks(amount: i128) -> Decimal {
    Decimal::new(amount, TICK_DECIMALS)
}

/// What is owed of a liability: nothing where it is negative.
pub fn gain(liability: Ticks) -> Ticks<u64> {
    Ticks(liability.0.max(0) as u64)
}
