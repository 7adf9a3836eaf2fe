//! Scenario sets from price histories, so that anyone can make them again.

use fixed::{Decimal, DomainError, FRACTION_BITS, Interval, Rounding};
use serde::{Deserialize, Serialize};

use super::beacon::{Draws, Seed, policy_digest};
use super::forecast::{Processes, ewma, fits, garch, orthogonal_garch, series_of};
use super::garch::Garch;
use super::linear::{Matrix, exact, times};
use super::mixture::Shocks;
use super::values::values;
use super::{MAX_SCENARIOS, Market, ScenarioError, ScenarioSet};
use crate::history::PriceHistory;
use crate::state::ticks;
use records::units::TICK_DECIMALS;

/// Where a scenario set comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// Someone brought the values.
    Given {
        /// How they say they made them.
        note: String,
    },
    /// Made from a price history by a recipe.
    Made(Recipe),
}

/// How a scenario set is made from a price history. With the history, and the lots, horizon and quote of the set, it
/// gives the same values everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The history's [digest](PriceHistory::digest).
    pub prices: String,
    /// How many observations ahead.
    pub steps: u32,
    /// How.
    pub method: Method,
}

/// Most observations ahead.
pub const MAX_STEPS: u32 = 256;

/// How scenarios are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Method {
    /// Historical simulation: what prices did over each (overlapping) horizon of the history, from now.
    Historical,
    /// The same with log returns scaled by the market's EWMA deviation now over that before the horizon (Hull and
    /// White 1998).
    FilteredHistorical {
        /// The EWMA decay, such as 0.94.
        decay: Decimal,
    },
    /// Prices by a covariance forecast, drawn from a [defensive mixture](super::mixture): scenarios have probabilities.
    DefensiveMixture {
        /// The forecast.
        forecast: Forecast,
        /// What moves the markets.
        shocks: Shocks,
        /// How many.
        scenarios: u32,
        /// Observations that the history has, all of which are used.
        window: u32,
        /// The same seed gives the same scenarios.
        seed: Seed,
    },
    /// Log-normal prices by a covariance forecast, equally likely.
    MonteCarlo {
        /// The forecast.
        forecast: Forecast,
        /// How many.
        scenarios: u32,
        /// Public; the same seed gives the same scenarios.
        seed: String,
    },
}

impl Method {
    /// The forecast that scenarios are drawn by, if they are drawn.
    pub fn forecast(&self) -> Option<&Forecast> {
        match self {
            Self::MonteCarlo { forecast, .. } | Self::DefensiveMixture { forecast, .. } => {
                Some(forecast)
            }
            Self::Historical | Self::FilteredHistorical { .. } => None,
        }
    }
}

/// A forecast of the covariance of log returns (see the module `forecast`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Forecast {
    /// Exponentially weighted.
    Ewma {
        /// Such as 0.94.
        decay: Decimal,
    },
    /// GARCH(1,1) a market that reverts to the history's mean square, constant correlations. Only of sets that there are.
    Garch,
    /// The same a principal component. Only of sets that there are.
    OrthogonalGarch,
    /// GARCH(1,1) a market by maximum likelihood, constant correlations.
    GarchMaximumLikelihood {
        /// One a market, in their order.
        fits: Vec<Garch>,
    },
    /// GARCH(1,1) a principal component by maximum likelihood.
    OrthogonalGarchMaximumLikelihood {
        /// One a component, that of the largest variance first.
        fits: Vec<Garch>,
    },
}

impl Forecast {
    /// GARCH(1,1) with the processes that are most likely after a history: of markets, or of principal components.
    ///
    /// # Errors
    /// If a number is out of range.
    pub fn fitted(history: &PriceHistory, orthogonal: bool) -> Result<Self, DomainError> {
        let fits = fits(&series_of(&history.log_returns(1)?, orthogonal)?)?;
        Ok(if orthogonal {
            Self::OrthogonalGarchMaximumLikelihood { fits }
        } else {
            Self::GarchMaximumLikelihood { fits }
        })
    }

    /// The loadings over so many steps: log returns are these times independent normal numbers.
    pub(super) fn loadings(
        &self,
        history: &PriceHistory,
        steps: u32,
    ) -> Result<Matrix, RecipeError> {
        let returns = history.log_returns(1)?;
        Ok(match self {
            Self::Ewma { decay } => ewma(&returns, &decay_of(decay)?, steps)?,
            Self::Garch => garch(&returns, Processes::Targeted, steps)?,
            Self::OrthogonalGarch => orthogonal_garch(&returns, Processes::Targeted, steps)?,
            Self::GarchMaximumLikelihood { fits } => {
                garch(&returns, Processes::Given(fits), steps)?
            }
            Self::OrthogonalGarchMaximumLikelihood { fits } => {
                orthogonal_garch(&returns, Processes::Given(fits), steps)?
            }
        })
    }

    /// Each market's forecast volatility over so many steps: the deviation of its log return.
    ///
    /// # Errors
    /// If the forecast does not fit the history, or a number is out of range.
    pub fn volatilities(
        &self,
        history: &PriceHistory,
        steps: u32,
    ) -> Result<Vec<Decimal>, RecipeError> {
        let loadings = self.loadings(history, steps)?;
        let of = |row: &Vec<i128>| {
            let square = row.iter().map(|x| times(*x, *x)).sum();
            let deviation = exact(square)?.sqrt()?;
            Ok(Decimal::new(deviation.center().floor_at(8)?, 8))
        };
        loadings.iter().map(of).collect()
    }

    /// The forecast without numbers that were fitted to prices.
    pub(super) fn unfitted(&self) -> Self {
        let fits = Vec::new();
        match self {
            Self::GarchMaximumLikelihood { .. } => Self::GarchMaximumLikelihood { fits },
            Self::OrthogonalGarchMaximumLikelihood { .. } => {
                Self::OrthogonalGarchMaximumLikelihood { fits }
            }
            other => other.clone(),
        }
    }

    fn validate(&self) -> Result<(), RecipeError> {
        if let Self::Ewma { decay } = self {
            decay_of(decay)?;
        }
        let fits = self.processes().map_or(&[][..], |(fits, _)| fits);
        if fits.iter().all(Garch::is_valid) {
            return Ok(());
        }
        Err(RecipeError::Text(
            "GARCH takes an omega above 0, an alpha and a beta of at least 0 whose sum is at most 0.9999, all with at most nine decimals",
        ))
    }

    /// The fitted processes, and whether they are those of principal components.
    pub(super) fn processes(&self) -> Option<(&[Garch], bool)> {
        match self {
            Self::GarchMaximumLikelihood { fits } => Some((fits, false)),
            Self::OrthogonalGarchMaximumLikelihood { fits } => Some((fits, true)),
            Self::Ewma { .. } | Self::Garch | Self::OrthogonalGarch => None,
        }
    }
}

/// A lot whose scenarios would tell nothing, and one whose would.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a lot of {lot} `{symbol}` is worth {worth} {quote}, less than 1,000 ticks, so its scenarios would tell nothing; take a lot of \
     {proposed}: `--lot {symbol}={proposed}`"
)]
pub struct SmallLot {
    /// The market.
    pub symbol: String,
    /// Its lot.
    pub lot: Decimal,
    /// What that is worth now.
    pub worth: Decimal,
    /// In this currency.
    pub quote: String,
    /// A lot that is worth 1 or more.
    pub proposed: Decimal,
}

/// Why a set cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// The history is another one.
    #[error("the recipe is for a price history with digest {expected}, this one has {found}")]
    History {
        /// In the recipe.
        expected: String,
        /// Of the file.
        found: String,
    },
    /// Too far ahead for the history.
    #[error(
        "{steps} steps ahead do not fit a history of {observations} observations (and at most {MAX_STEPS} do)"
    )]
    Steps {
        /// Ahead.
        steps: u32,
        /// In the history.
        observations: usize,
    },
    /// Not what a recipe says.
    #[error("{0}")]
    Text(&'static str),
    /// Not a decay.
    #[error("a decay must be above 0 and below 1")]
    Decay,
    /// The history is longer or shorter than the window.
    #[error("the window is {window} observations, the history has {observations}")]
    Window {
        /// Observations of the window.
        window: u32,
        /// In the history.
        observations: usize,
    },
    /// Not the beacon's round.
    #[error("the round of the beacon is {found}, the policy takes {expected}")]
    Round {
        /// By the policy.
        expected: String,
        /// In the recipe.
        found: u64,
    },
    /// Not a process a market.
    #[error("there are {got} GARCH processes for {expected} markets")]
    Fits {
        /// Processes.
        got: usize,
        /// Markets.
        expected: usize,
    },
    /// A lot is worth so little that its moves are lost.
    #[error(transparent)]
    SmallLot(Box<SmallLot>),
    /// There is one lot a market.
    #[error("there are {got} lots for {expected} markets")]
    Lots {
        /// Lots.
        got: usize,
        /// Markets.
        expected: usize,
    },
    /// The set is not valid.
    #[error(transparent)]
    Set(#[from] ScenarioError),
    /// A number is out of range.
    #[error("a number is out of range: {0}")]
    Domain(#[from] DomainError),
}

/// What a lot is worth at least when a set is made, in ticks: then rounding to a tick moves it by at most a two thousandth.
const MIN_VALUE: u64 = 1_000;
/// Most bytes of a seed or a note.
pub const MAX_TEXT: usize = 1024;

impl Source {
    /// Checks what is said of a set's making; whether it is true only making it again tells.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn validate(&self) -> Result<(), RecipeError> {
        match self {
            Self::Given { note } if note.len() > MAX_TEXT => {
                Err(RecipeError::Text("a note must be at most 1,024 bytes long"))
            }
            Self::Given { .. } => Ok(()),
            Self::Made(recipe) => recipe.validate(),
        }
    }
}

impl Recipe {
    /// Checks a recipe by itself.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn validate(&self) -> Result<(), RecipeError> {
        let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if self.prices.len() != 64 || !self.prices.chars().all(digit) {
            return Err(RecipeError::Text(
                "the digest of its prices must be 64 lowercase hexadecimal digits",
            ));
        }
        if !(1..=MAX_STEPS).contains(&self.steps) {
            return Err(RecipeError::Text("there must be 1 to 256 steps ahead"));
        }
        match &self.method {
            Method::Historical => Ok(()),
            Method::FilteredHistorical { decay } => decay_of(decay).map(|_| ()),
            Method::MonteCarlo { seed, .. } if seed.len() > MAX_TEXT => {
                Err(RecipeError::Text("a seed must be at most 1,024 bytes long"))
            }
            Method::MonteCarlo { forecast, .. } => forecast.validate(),
            Method::DefensiveMixture { shocks, .. } if !shocks.is_valid() => Err(
                RecipeError::Text("Student's t takes 3 to 30 degrees of freedom"),
            ),
            Method::DefensiveMixture { forecast, seed, .. } => {
                forecast.validate()?;
                seed.validate()
            }
        }
    }
}

/// What a set needs besides its recipe and its history.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The currency of prices.
    pub quote: String,
    /// The horizon in days, for funding rates.
    pub horizon_days: Decimal,
    /// A lot of each market.
    pub lots: Vec<Decimal>,
}

/// Makes a scenario set.
///
/// # Errors
/// If the history is not that of the recipe or is too short, or values do not fit.
pub fn make(
    recipe: &Recipe,
    history: &PriceHistory,
    setting: &Setting,
) -> Result<ScenarioSet, RecipeError> {
    check(recipe, history, setting)?;
    let markets = markets_now(history, setting)?;
    let (values, probabilities) = values(recipe, history, &markets, setting)?;
    let set = ScenarioSet {
        as_of_ms: history.as_of_ms(),
        quote: setting.quote.clone(),
        horizon_days: setting.horizon_days,
        source: Source::Made(recipe.clone()),
        markets,
        values,
        probabilities,
    };
    set.validate()?;
    Ok(set)
}

/// Whether a recipe, a history and lots go together, and what they give has a size that fits.
fn check(recipe: &Recipe, history: &PriceHistory, setting: &Setting) -> Result<(), RecipeError> {
    let found = history.digest();
    if recipe.prices != found {
        return Err(RecipeError::History {
            expected: recipe.prices.clone(),
            found,
        });
    }
    let (observations, steps) = (history.prices().len(), recipe.steps);
    if steps == 0 || steps > MAX_STEPS || steps as usize + 1 >= observations {
        return Err(RecipeError::Steps {
            steps,
            observations,
        });
    }
    if setting.lots.len() != history.symbols().len() {
        return Err(RecipeError::Lots {
            got: setting.lots.len(),
            expected: history.symbols().len(),
        });
    }
    recipe.validate()?;
    let expected = history.symbols().len();
    let drawn = recipe.method.forecast();
    if let Some((fits, _)) = drawn.and_then(Forecast::processes)
        && fits.len() != expected
    {
        let got = fits.len();
        return Err(RecipeError::Fits { got, expected });
    }
    // What there will be, before it is made; of markets a history has no more than fit.
    let scenarios = match &recipe.method {
        Method::Historical | Method::FilteredHistorical { .. } => observations - steps as usize,
        Method::MonteCarlo { scenarios, .. } | Method::DefensiveMixture { scenarios, .. } => {
            *scenarios as usize
        }
    };
    if let Method::DefensiveMixture { window, .. } = recipe.method
        && window as usize != observations
    {
        return Err(RecipeError::Window {
            window,
            observations,
        });
    }
    if !(1..=MAX_SCENARIOS).contains(&scenarios) {
        return Err(ScenarioError::Scenarios(scenarios).into());
    }
    Ok(())
}

/// The markets with what a lot is worth at the last prices, rounded to the nearest tick.
fn markets_now(history: &PriceHistory, setting: &Setting) -> Result<Vec<Market>, RecipeError> {
    let last = &history.prices()[history.prices().len() - 1];
    let markets = history.symbols().iter().zip(&setting.lots).zip(last);
    let markets = markets.map(|((symbol, lot), price)| {
        let too_large = || ScenarioError::TooLarge {
            place: "now".into(),
            symbol: symbol.clone(),
        };
        let value = lot
            .checked_mul(price)
            .and_then(|worth| worth.rescale(TICK_DECIMALS, Rounding::HalfEven))
            .ok()
            .and_then(|ticks| u64::try_from(ticks).ok())
            .ok_or_else(too_large)?;
        if value < MIN_VALUE {
            // The price is positive, and as small as prices may be at least 10^-9.
            let power = |exponent: &u32| Decimal::from_int(10i128.pow(*exponent));
            let worth_one = |lot: &Decimal| {
                let worth = lot.checked_mul(price);
                worth.is_ok_and(|worth| worth >= Decimal::ONE)
            };
            let proposed = (0..18).map(|e| power(&e)).find(worth_one);
            return Err(RecipeError::SmallLot(Box::new(SmallLot {
                symbol: symbol.clone(),
                lot: *lot,
                worth: ticks(value.into()),
                quote: setting.quote.clone(),
                proposed: proposed.unwrap_or(power(&18)),
            })));
        }
        Ok(Market {
            symbol: symbol.clone(),
            lot: *lot,
            value,
        })
    });
    markets.collect()
}

pub(super) fn decay_of(decay: &Decimal) -> Result<Interval, RecipeError> {
    let number = Interval::from_decimal(decay)?;
    if number.lo() > 0 && number.hi() < 1 << FRACTION_BITS {
        Ok(number)
    } else {
        Err(RecipeError::Decay)
    }
}

impl ScenarioSet {
    /// The digest of the policy by which the seed was taken from a beacon, if it was.
    pub fn policy(&self) -> Option<String> {
        let Source::Made(recipe) = &self.source else {
            return None;
        };
        let Method::DefensiveMixture {
            forecast,
            shocks,
            scenarios,
            window,
            seed: Seed::Beacon(beacon),
        } = &recipe.method
        else {
            return None;
        };
        let draws = Draws {
            steps: recipe.steps,
            forecast,
            shocks,
            scenarios: *scenarios,
            window: *window,
        };
        let markets: Vec<String> = self.markets.iter().map(|m| m.symbol.clone()).collect();
        Some(policy_digest(
            draws,
            &markets,
            &self.setting(),
            &beacon.schedule,
        ))
    }

    /// What the set needs besides its recipe and its history to be made again.
    pub fn setting(&self) -> Setting {
        Setting {
            quote: self.quote.clone(),
            horizon_days: self.horizon_days,
            lots: self.markets.iter().map(|m| m.lot).collect(),
        }
    }
}
