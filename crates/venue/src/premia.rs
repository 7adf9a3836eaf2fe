//! A venue's day: EVaR of its state before the first trade and after each, what each pays, funding rates, and whether capital
//! covers the risk. EVaR is what a [`Certificate`] proves, rounded up to a tick: what is quoted is what is proven.

use fixed::{Decimal, DomainError, Interval, Rounding as Direction, mul_div};
use rayon::prelude::*;
use records::units::TICK_DECIMALS;

use crate::certificate::{Certificate, Gains, Sums, shifts, slack};
use crate::evar::{Confidence, EvarError};
use crate::rounding::{Rounding, RoundingError};
use crate::scenarios::{ScenarioError, ScenarioSet};
use crate::state::{Change, VenueError, VenueState, charge, round_up, ticks};

/// Decimals of a funding rate.
pub const RATE_DECIMALS: u8 = 12;
/// A rounded funding rate is told to so many parts of the market's largest move, or fewer.
const RATE_PARTS: u128 = 4;

/// What is said of a day.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How sure.
    pub confidence: Confidence,
    /// What to say of the states.
    pub shows: Shows,
    /// State the funding rates of the last state, unless only that capital covers EVaR.
    pub funding: bool,
    /// As of when the last state is, in milliseconds since 1970. If it is not said: as of the scenarios, or of the first
    /// state if that is later.
    pub until_ms: Option<u64>,
}

/// What to say of the states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Every EVaR and every premium.
    Prices {
        /// And the trades' sizes, which follow from them anyway.
        lots: bool,
    },
    /// EVaR at both ends and the total of premia, on a grid.
    Totals {
        /// The grid; without one, the least of 1, 2 and 5 times a power of ten that is twice the largest move of EVaR by one
        /// change, and a tenth of EVaR.
        grid: Option<Decimal>,
        /// How far a private EVaR may lie above the true one, and so a premium off what EVaR rises by; without one, a tenth of
        /// the grid. Each state's is drawn within it: the smaller it is, the more receipts tell.
        tolerance: Option<Decimal>,
    },
    /// Only that capital and the collected sum cover EVaR. No premia are collected.
    Covered,
}

/// Why a day has no prices, or is not covered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PremiaError {
    /// The scenario set is malformed.
    #[error("scenarios: {0}")]
    Scenarios(#[from] ScenarioError),
    /// The day ends before it starts.
    #[error("the last state is older than the first one")]
    Until,
    /// A state has no risk.
    #[error("{place}: {error}")]
    State {
        /// Which state.
        place: String,
        /// What is wrong.
        error: VenueError,
    },
    /// A grid or a tolerance does not fit.
    #[error(transparent)]
    Rounding(#[from] RoundingError),
    /// EVaR exceeds what covers it, where that it does not is claimed.
    #[error(transparent)]
    Uncovered(Box<Uncovered>),
}

impl PremiaError {
    /// Whether all is well-formed, and EVaR is not covered.
    pub fn is_false(&self) -> bool {
        matches!(self, Self::Uncovered(_))
    }
}

/// A state whose EVaR exceeds what covers it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: EVaR of {evar} exceeds capital and collected sum of {means} by {excess} {quote}")]
pub struct Uncovered {
    /// Which state.
    pub place: String,
    /// EVaR, rounded up.
    pub evar: Decimal,
    /// Capital and what was collected before the state.
    pub means: Decimal,
    /// The difference.
    pub excess: Decimal,
    /// The currency.
    pub quote: String,
}

/// Which state of a day this is.
pub fn place(state: usize) -> String {
    if state == 0 {
        "before the first trade".into()
    } else {
        format!("after change {state}")
    }
}

/// A state, its risk, and what the change that leads to it pays.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The state, the premium collected.
    pub state: VenueState,
    /// What leads to it.
    pub change: Option<Change>,
    /// What that pays, in ticks.
    pub premium: u64,
    /// The liability in each scenario, in ticks.
    pub liabilities: Vec<i64>,
    /// What proves EVaR.
    pub certificate: Certificate,
    /// What its weights add up to.
    pub sums: Sums,
    /// The scenarios' [`shifts`].
    pub shifts: Vec<i64>,
    /// How far above EVaR a private one is drawn, in ticks; zero where EVaR is public.
    pub lift: u64,
}

/// How EVaR is made up, in ticks rounded down: each market's share `q_i E_Q[1{X > 0} S_i]`, and what the means take off,
/// `-(C + P + L) Q(X > 0)`. They add up to EVaR, but for the certificate's rounding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Per market.
    pub markets: Vec<i128>,
    /// Of the means; not positive if they are not negative.
    pub means: i128,
}

impl Evaluated {
    /// Evaluates a state.
    ///
    /// # Errors
    /// If it does not fit the set or an amount is too large.
    pub fn new(
        state: VenueState,
        change: Option<Change>,
        set: &ScenarioSet,
        confidence: Confidence,
    ) -> Result<Self, VenueError> {
        let liabilities = state.liabilities(set)?;
        let gains = liabilities.iter().map(|&x| x.max(0) as u64).collect();
        let gains = Gains::over(set, gains);
        let certificate = Certificate::find(&gains, confidence)?;
        let sums = certificate
            .sums(&gains)
            .ok_or(VenueError::Evar(EvarError::Range))?;
        Ok(Self {
            state,
            change,
            premium: 0,
            liabilities,
            certificate,
            sums,
            shifts: shifts(&set.probabilities),
            lift: 0,
        })
    }

    /// What is said of its EVaR, in public or in private: the certificate's, rounded up to a tick, and the lift.
    pub fn evar(&self) -> u64 {
        self.certificate.evar_ticks().saturating_add(self.lift)
    }

    /// How far the weights' mean gain is below the bound, in ticks, rounded up.
    pub fn epsilon(&self) -> u64 {
        self.below(self.certificate.bound)
    }

    /// How far it is below the EVaR that is not lifted, in ticks, rounded up.
    pub fn gap(&self) -> u64 {
        self.below(u128::from(self.certificate.evar_ticks()) << 20)
    }

    fn below(&self, phi: u128) -> u64 {
        let below = (phi * self.sums.weights).saturating_sub(self.sums.gains << 20);
        below.div_ceil(self.sums.weights << 20) as u64
    }

    /// What is added to the exponent of a scenario's weight.
    pub fn shift(&self, scenario: usize) -> i64 {
        self.shifts.get(scenario).copied().unwrap_or(0)
    }

    /// A scenario's weight under the tilt that proves EVaR, in 2^-34.
    pub fn weight(&self, scenario: usize) -> u64 {
        let gain = self.liabilities[scenario].max(0) as u64;
        let weight = self.certificate.weight(gain, self.shift(scenario));
        weight.map_or(0, |weight| weight.weight)
    }

    /// The sum over the scenarios in which something is owed of the weight times `f`, at most 2^40 in magnitude.
    fn tilted(&self, f: impl Fn(usize) -> i128) -> i128 {
        let owed = self.liabilities.iter().enumerate().filter(|(_, x)| **x > 0);
        // Weights add up to less than 2^48.
        owed.map(|(s, _)| i128::from(self.weight(s)) * f(s)).sum()
    }

    /// The funding rate of each market: what a lot pays per day for the risk it keeps, in the quote currency, rounded down to a
    /// multiple of `step`, in 10^-12.
    ///
    /// By the envelope theorem the risk grows with the horizon by the tilted mean of how liabilities grow. Moves
    /// grow with the root of time, `S(tau) = S_now + sqrt(tau / horizon) (S - S_now)`, so at the horizon
    /// `dS/dtau = (S - S_now) / (2 horizon)` and the rate is `E_Q[1{X > 0} (S_i - S_now_i)] / (2 horizon)`. Rates
    /// times quantities add up to the derivative of EVaR.
    pub fn funding(&self, set: &ScenarioSet, step: impl Fn(usize) -> u128) -> Vec<Decimal> {
        let divisor = self.sums.weights as i128 * 2 * i128::from(set.horizon_micro_days());
        let markets = set.markets.iter().enumerate();
        let rate = markets.map(|(i, market)| {
            let change = self.tilted(|s| i128::from(set.values[s][i]) - i128::from(market.value));
            let rate = mul_div(change, 1_000_000_000_000, divisor, Direction::Floor);
            let (rate, step) = (rate.expect("below 2^101"), step(i) as i128);
            Decimal::new(rate.div_euclid(step) * step, RATE_DECIMALS)
        });
        rate.collect()
    }

    /// The Euler allocation of EVaR, by homogeneity of degree one in quantities and means.
    ///
    /// # Errors
    /// If a share does not fit.
    pub fn allocation(&self, set: &ScenarioSet) -> Result<Allocation, VenueError> {
        let share = |sum: i128, times: i128| {
            let share = mul_div(sum, times, self.sums.weights as i128, Direction::Floor);
            share.map_err(|_| VenueError::TooLarge("a share of EVaR"))
        };
        let quantities = self.state.quantities.iter().enumerate();
        let markets = quantities.map(|(i, &q)| {
            let worth = self.tilted(|s| i128::from(set.values[s][i]));
            share(worth, q.into())
        });
        Ok(Allocation {
            markets: markets.collect::<Result<_, _>>()?,
            means: share(self.tilted(|_| 1), -self.state.means())?,
        })
    }

    /// Whether capital and what was collected cover EVaR. What the change to this state pays does not count: it is what the risk
    /// it adds is worth.
    ///
    /// # Errors
    /// If they do not. `place` says which state this is.
    pub fn check_covered(&self, place: String, quote: &str) -> Result<(), Box<Uncovered>> {
        let collected = i128::from(self.state.collected) - i128::from(self.premium);
        let means = i128::from(self.state.capital) + collected;
        let evar = i128::from(self.evar());
        if evar <= means {
            return Ok(());
        }
        Err(Box::new(Uncovered {
            place,
            evar: ticks(evar),
            means: ticks(means),
            excess: ticks(evar - means),
            quote: quote.into(),
        }))
    }
}

/// The states of a day.
#[derive(Clone, Debug)]
pub struct Day {
    /// The state before the first change, and after each.
    pub states: Vec<Evaluated>,
    /// What totals are rounded to, if they are what is said.
    pub rounding: Option<Rounding>,
}

/// A day as its terms say it: what is checked, quoted and proven. Without [`Shows::Covered`] EVaR need not be covered.
///
/// # Errors
/// If EVaR is not covered where that is claimed, or something is malformed or too large.
pub fn check(
    set: &ScenarioSet,
    state: &VenueState,
    changes: &[Change],
    terms: &Terms,
) -> Result<Day, PremiaError> {
    set.validate()?;
    if terms.until_ms.is_some_and(|until| until < state.as_of_ms) {
        return Err(PremiaError::Until);
    }
    let states = evaluate(set, state, changes, terms.confidence)?;
    let rounding = match terms.shows {
        Shows::Totals { grid, tolerance } => Some(Rounding::chosen(
            set,
            &states,
            terms.confidence,
            grid,
            tolerance,
        )?),
        _ => None,
    };
    let mut day = Day { states, rounding };
    day.collect(terms)?;
    if terms.shows == Shows::Covered
        && let Some(uncovered) = day.uncovered(&set.quote)
    {
        return Err(PremiaError::Uncovered(uncovered));
    }
    Ok(day)
}

/// The states before the first change and after each, but for what changes collect: EVaR does not depend on that, so all can
/// be evaluated at once.
fn evaluate(
    set: &ScenarioSet,
    state: &VenueState,
    changes: &[Change],
    confidence: Confidence,
) -> Result<Vec<Evaluated>, PremiaError> {
    let mut states = vec![(state.clone(), None)];
    for (i, change) in changes.iter().enumerate() {
        let after = states[i].0.changed(&change.without_collected(), 0);
        states.push((after.map_err(at(i + 1))?, Some(*change)));
    }
    states
        .into_par_iter()
        .enumerate()
        .map(|(i, (state, change))| Evaluated::new(state, change, set, confidence).map_err(at(i)))
        .collect()
}

fn at(i: usize) -> impl Fn(VenueError) -> PremiaError {
    move |error| PremiaError::State {
        place: place(i),
        error,
    }
}

impl Day {
    /// What each change pays and what is collected after it, by the EVaRs that are said: again, if they were lifted since.
    ///
    /// # Errors
    /// If more is taken out than was collected, or a sum is too large.
    pub fn collect(&mut self, terms: &Terms) -> Result<(), PremiaError> {
        for i in 1..self.states.len() {
            let [before, after] = [&self.states[i - 1], &self.states[i]];
            let premium = match terms.shows {
                Shows::Covered => 0,
                _ => charge(before.evar(), after.evar()),
            };
            let change = after.change.as_ref().expect("a state behind a change");
            let state = before.state.changed(change, premium).map_err(at(i))?;
            (self.states[i].state, self.states[i].premium) = (state, premium);
        }
        Ok(())
    }

    /// The first state whose EVaR is not covered.
    pub fn uncovered(&self, quote: &str) -> Option<Box<Uncovered>> {
        let states = self.states.iter().enumerate();
        let mut checked = states.map(|(i, e)| e.check_covered(place(i), quote));
        checked.find_map(Result::err)
    }

    /// The state after the last change.
    pub fn last(&self) -> &Evaluated {
        &self.states[self.states.len() - 1]
    }

    /// How far below each stated EVaR the true one may lie, in ticks: a millionth of the largest EVaR, or what it takes.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn tolerance(&self, set: &ScenarioSet, confidence: Confidence) -> Result<u64, DomainError> {
        let slack = slack(set.values.len(), set.is_weighted(), confidence)?;
        let most = self.states.iter().map(Evaluated::evar).max().unwrap_or(0);
        let mut tolerance = most / 1_000_000;
        for e in &self.states {
            let below = slack_ticks(&slack, e.evar())?;
            tolerance = tolerance.max(below as u64 + e.epsilon() + 2);
        }
        Ok(tolerance)
    }
}

/// How far a certificate's slack puts the true EVaR below this one, in ticks, rounded up.
///
/// # Errors
/// If it does not fit.
pub fn slack_ticks(slack: &Interval, evar: u64) -> Result<i128, DomainError> {
    slack.times(evar as i64)?.ceil_at(0)
}

/// What a market's funding rate is rounded to where the inventory stays private, in 10^-12 of the quote currency a lot and
/// day: at least a quarter of the largest rate that a tilt can give, `max |S - v| / (2 h)`, and 1, 2 or 5 times a power of ten.
pub fn rate_step(set: &ScenarioSet, market: usize) -> u128 {
    let now = set.markets[market].value;
    let moves = set.values.iter().map(|v| v[market].abs_diff(now));
    let most = u128::from(moves.max().unwrap_or(0));
    // A tick is 10^6 units, a day 10^6 millionths: below 2^80.
    let largest = (most * 1_000_000_000_000).div_ceil(2 * u128::from(set.horizon_micro_days()));
    round_up(largest.div_ceil(RATE_PARTS).max(1))
}

/// A decimal in whole ticks below 2^60.
///
/// # Errors
/// If it is none; `what` says what it should be.
pub fn whole_ticks(what: &str, amount: &Decimal) -> Result<u64, String> {
    amount
        .rescale_exact(TICK_DECIMALS)
        .ok()
        .and_then(|ticks| u64::try_from(ticks).ok())
        .filter(|&ticks| ticks < records::units::MAX_AMOUNT)
        .ok_or_else(|| format!("{what} of {amount} is not a whole number of ticks below 2^60"))
}
