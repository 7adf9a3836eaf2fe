//! A venue's day: EVaR of its state before the first change and after each, what each pays, and funding rates; or a [`Fact`] of
//! each state. EVaR is what a [`Certificate`] proves, rounded up to a tick: what is quoted is what is proven.

use fixed::{Decimal, DomainError, Interval, Rounding as Direction, mul_div};
use rayon::prelude::*;
use records::date::moment;
use records::units::{MAX_AMOUNT, TICK_DECIMALS, Ticks};

use crate::certificate::{Certificate, Gains, MAX_GAIN, Sums, Weight, shifts, slack};
use crate::evar::{Confidence, EvarError};
use crate::fact::{Fact, Losses, Unmet};
use crate::rounding::{Rounding, RoundingError};
use crate::scenarios::{ScenarioError, ScenarioSet};
use crate::state::{Change, VenueError, VenueState, charge, gain, round_up};

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
    /// State the funding rates of the last state, unless only a fact is stated.
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
    /// Only that a fact holds of every state. No premia are collected.
    Fact(Fact),
}

/// Why a day has no prices, or not the fact that is claimed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PremiaError {
    /// The scenario set is malformed.
    #[error("scenarios: {0}")]
    Scenarios(#[from] ScenarioError),
    /// The day ends before it starts.
    #[error("the last state is older than the first one")]
    Until,
    /// A window ends outside of the day.
    #[error("a roll as of {} is not between {} and {}, the dates of the first and the last state", moment(*.at_ms), moment(*.from_ms), moment(*.until_ms))]
    RollDate {
        /// Of the roll.
        at_ms: u64,
        /// Of the first state.
        from_ms: u64,
        /// Of the last state.
        until_ms: u64,
    },
    /// A roll among changes whose premia stay private.
    #[error(
        "where only totals are stated, no window rolls into capital; claim the roll by itself, from the state behind them"
    )]
    RollAmongTotals,
    /// A state of before its own window.
    #[error("the window of what was collected starts after the state's date")]
    Since,
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
    /// A fact that is claimed does not hold.
    #[error(transparent)]
    Unmet(Box<Unmet>),
}

impl PremiaError {
    /// Whether all is well-formed, and a fact does not hold.
    pub fn is_false(&self) -> bool {
        matches!(self, Self::Unmet(_))
    }
}

/// Which state of a day this is.
pub fn place(state: usize) -> String {
    if state == 0 {
        "before the first change".into()
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
    /// What that pays.
    pub premium: Ticks<u64>,
    /// The liability in each scenario.
    pub liabilities: Vec<Ticks>,
    /// What proves EVaR of the gains; or, if only a fact is stated, of its losses.
    pub certificate: Certificate,
    /// What its weights add up to.
    pub sums: Sums,
    /// The scenarios' [`shifts`].
    pub shifts: Vec<i64>,
    /// How far above EVaR a private one is drawn; zero where EVaR is public.
    pub lift: Ticks<u64>,
    /// The losses of the fact that is stated, if only one is.
    pub losses: Option<Losses>,
}

/// How EVaR is made up, rounded down to ticks: each market's share `q_i E_Q[1{X > 0} S_i]`, and what the means take off,
/// `-(C + P + L) Q(X > 0)`. They add up to EVaR, but for the certificate's rounding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Per market.
    pub markets: Vec<Ticks<i128>>,
    /// Of the means; not positive if they are not negative.
    pub means: Ticks<i128>,
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
        terms: &Terms,
    ) -> Result<Self, VenueError> {
        if let Shows::Fact(fact) = terms.shows {
            let losses = Losses::new(fact, &state, set, terms.confidence)?;
            return Ok(Self {
                state,
                change,
                premium: Ticks(0),
                liabilities: losses.liabilities.clone(),
                certificate: losses.certificate,
                sums: losses.sums,
                shifts: shifts(&set.probabilities),
                lift: Ticks(0),
                losses: Some(losses),
            });
        }
        let liabilities = state.liabilities(set)?;
        let gains = liabilities.iter().map(|&x| gain(x).0).collect();
        let gains = Gains::over(set, gains);
        let certificate = Certificate::find(&gains, terms.confidence)?;
        let sums = certificate
            .sums(&gains)
            .ok_or(VenueError::Evar(EvarError::Range))?;
        Ok(Self {
            state,
            change,
            premium: Ticks(0),
            liabilities,
            certificate,
            sums,
            shifts: shifts(&set.probabilities),
            lift: Ticks(0),
            losses: None,
        })
    }

    /// How the weight of a liability comes about in a scenario with this shift. `None` if the certificate gives it none.
    pub fn weight(&self, liability: Ticks, shift: i64) -> Option<Weight> {
        match &self.losses {
            Some(losses) => losses.weight(liability, shift),
            None => self.certificate.weight(gain(liability).0, shift),
        }
    }

    /// What is said of its EVaR, in public or in private: the certificate's, rounded up to a tick, and the lift.
    pub fn evar(&self) -> Ticks<u64> {
        Ticks(self.certificate.evar_ticks().saturating_add(self.lift.0))
    }

    /// How far the weights' mean gain is below the bound, rounded up.
    pub fn epsilon(&self) -> Ticks<u64> {
        self.below(self.certificate.bound)
    }

    /// How far it is below the EVaR that is not lifted, rounded up.
    pub fn gap(&self) -> Ticks<u64> {
        self.below(u128::from(self.certificate.evar_ticks()) << 20)
    }

    fn below(&self, subticks: u128) -> Ticks<u64> {
        let below = (subticks * self.sums.weights).saturating_sub(self.sums.gains << 20);
        Ticks(below.div_ceil(self.sums.weights << 20) as u64)
    }

    /// What is added to the exponent of a scenario's weight.
    pub fn shift(&self, scenario: usize) -> i64 {
        self.shifts.get(scenario).copied().unwrap_or(0)
    }

    /// A scenario's weight under the tilt that proves EVaR, in 2^-34.
    pub fn tilt(&self, scenario: usize) -> u64 {
        let weight = self.weight(self.liabilities[scenario], self.shift(scenario));
        weight.map_or(0, |weight| weight.weight)
    }

    /// The sum over the scenarios in which something is owed of the weight times `f`, at most 2^40 in magnitude.
    fn tilted(&self, f: impl Fn(usize) -> i128) -> i128 {
        let owed = self.liabilities.iter().enumerate().filter(|(_, x)| x.0 > 0);
        // Weights add up to less than 2^48.
        owed.map(|(s, _)| i128::from(self.tilt(s)) * f(s)).sum()
    }

    /// The funding rate of each market: what a lot pays per day for the risk it keeps, in the quote currency, rounded down to a
    /// multiple of `step`, in 10^-12.
    ///
    /// By the envelope theorem the risk grows with the horizon by the tilted mean of how liabilities grow. Moves
    /// grow with the root of time, `S(tau) = S_now + sqrt(tau / horizon) (S - S_now)`, so at the horizon
    /// `dS/dtau = (S - S_now) / (2 horizon)` and the rate is `E_Q[1{X > 0} (S_i - S_now_i)] / (2 horizon)`: what a lot's tilted
    /// worth grows by while the tilt `Q` is held fixed. Rates times quantities add up to the derivative of EVaR. A single market's
    /// does not give the derivative of its share in the [`allocation`](Self::allocation), in which the tilt changes, too.
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
            let share = share.map(Ticks);
            share.map_err(|_| VenueError::TooLarge("a share of EVaR"))
        };
        let quantities = self.state.quantities.iter().enumerate();
        let markets = quantities.map(|(i, &q)| {
            let worth = self.tilted(|s| i128::from(set.values[s][i]));
            share(worth, q.0.into())
        });
        Ok(Allocation {
            markets: markets.collect::<Result<_, _>>()?,
            means: share(self.tilted(|_| 1), -self.state.means().0)?,
        })
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

/// A day as its terms say it: what is checked, quoted and proven. What bears its risk is checked only where a fact is stated.
///
/// # Errors
/// If a fact that is stated does not hold, or something is malformed or too large.
pub fn check(
    set: &ScenarioSet,
    state: &VenueState,
    changes: &[Change],
    terms: &Terms,
) -> Result<Day, PremiaError> {
    set.validate()?;
    check_dates(state, changes, terms.until(set, state))?;
    let rolls = changes.iter().any(|c| matches!(c, Change::Roll { .. }));
    if rolls && matches!(terms.shows, Shows::Totals { .. }) {
        return Err(PremiaError::RollAmongTotals);
    }
    let mut day = evaluate(set, state, changes, terms)?;
    day.rounding = match terms.shows {
        Shows::Totals { grid, tolerance } => Some(Rounding::chosen(
            set,
            &day.states,
            terms.confidence,
            grid,
            tolerance,
        )?),
        _ => None,
    };
    if let Some(rounding) = &day.rounding {
        day.check_draws(rounding)?;
    }
    if let Shows::Fact(fact) = terms.shows
        && let Some(unmet) = day.unmet(fact, &set.quote)
    {
        return Err(PremiaError::Unmet(unmet));
    }
    Ok(day)
}

impl Terms {
    /// As of when the last state is.
    pub fn until(&self, set: &ScenarioSet, state: &VenueState) -> u64 {
        self.until_ms.unwrap_or(set.as_of_ms.max(state.as_of_ms))
    }
}

/// Whether the dates of a day, and of its rolls, follow each other. That a window starts before it ends, each roll checks.
fn check_dates(state: &VenueState, changes: &[Change], until_ms: u64) -> Result<(), PremiaError> {
    let from_ms = state.as_of_ms;
    if until_ms < from_ms {
        return Err(PremiaError::Until);
    }
    if state.collected_since_ms > from_ms {
        return Err(PremiaError::Since);
    }
    for change in changes {
        if let Change::Roll { at_ms } = *change
            && !(from_ms..=until_ms).contains(&at_ms)
        {
            return Err(PremiaError::RollDate {
                at_ms,
                from_ms,
                until_ms,
            });
        }
    }
    Ok(())
}

/// The states before the first change and after each. EVaR does not depend on what changes collect, so the states between two
/// rolls, which move that into capital, are evaluated at once.
fn evaluate(
    set: &ScenarioSet,
    state: &VenueState,
    changes: &[Change],
    terms: &Terms,
) -> Result<Day, PremiaError> {
    let mut day = Day {
        states: Vec::new(),
        rounding: None,
    };
    let (mut first, mut rest) = ((state.clone(), None), changes);
    loop {
        let done = day.states.len();
        let rolls = |change: &Change| matches!(change, Change::Roll { .. });
        let until = rest.iter().position(rolls).unwrap_or(rest.len());
        let mut states = vec![first];
        for (i, change) in rest[..until].iter().enumerate() {
            let after = states[i].0.changed(&change.without_collected(), Ticks(0));
            states.push((after.map_err(at(done + i + 1))?, Some(*change)));
        }
        let evaluated: Result<Vec<_>, _> = states
            .into_par_iter()
            .enumerate()
            .map(|(i, (state, change))| {
                Evaluated::new(state, change, set, terms).map_err(at(done + i))
            })
            .collect();
        day.states.extend(evaluated?);
        day.collect(terms)?;
        let Some(roll) = rest.get(until) else {
            return Ok(day);
        };
        let rolled = day.last().state.changed(roll, Ticks(0));
        let rolled = rolled.map_err(at(day.states.len()))?;
        (first, rest) = ((rolled, Some(*roll)), &rest[until + 1..]);
    }
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
            let change = after.change.as_ref().expect("a state behind a change");
            let premium = match (terms.shows, change) {
                (Shows::Fact(_), _) | (_, Change::Roll { .. }) => Ticks(0),
                _ => charge(before.evar(), after.evar()),
            };
            let state = before.state.changed(change, premium).map_err(at(i))?;
            (self.states[i].state, self.states[i].premium) = (state, premium);
        }
        Ok(())
    }

    /// Whether all fits wherever private EVaRs are drawn within the tolerance: each premium is then off by that, and zero or more.
    /// So whether a day can be proven does not depend on its draws.
    fn check_draws(&self, rounding: &Rounding) -> Result<(), PremiaError> {
        let tolerance = u128::from(rounding.tolerance);
        let grid = u128::from(rounding.grid);
        let [mut least, mut most] = [i128::from(self.states[0].state.collected.0); 2];
        let mut paid = 0;
        for (i, e) in self.states.iter().enumerate() {
            let stated = (u128::from(e.evar().0) + tolerance).div_ceil(grid) * grid;
            if stated >= u128::from(MAX_GAIN) {
                return Err(at(i)(VenueError::TooLarge("EVaR")));
            }
            let Some(change) = &e.change else {
                continue;
            };
            let moved = match change {
                Change::Transfer(transfer) => i128::from(transfer.collected.0),
                _ => 0,
            };
            let premium = u128::from(e.premium.0);
            paid += premium + tolerance;
            least += moved + premium.saturating_sub(tolerance) as i128;
            most += moved + (premium + tolerance) as i128;
            if least < 0 {
                return Err(at(i)(VenueError::TooLittle("of what was collected")));
            }
            if most.max(paid as i128) >= i128::from(MAX_AMOUNT) {
                return Err(at(i)(VenueError::TooLarge("what was collected")));
            }
        }
        Ok(())
    }

    /// The first state of which a fact that is claimed of all does not hold.
    fn unmet(&self, fact: Fact, quote: &str) -> Option<Box<Unmet>> {
        let states = self.states.iter().enumerate();
        let mut checked = states.filter_map(|(i, e)| {
            let losses = e.losses.as_ref()?;
            Some(losses.check(fact, &e.state, place(i), quote))
        });
        checked.find_map(Result::err)
    }

    /// The state after the last change.
    pub fn last(&self) -> &Evaluated {
        &self.states[self.states.len() - 1]
    }

    /// How far below each stated EVaR the true one may lie: a millionth of the largest EVaR, or what it takes.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn tolerance(
        &self,
        set: &ScenarioSet,
        confidence: Confidence,
    ) -> Result<Ticks<u64>, DomainError> {
        let slack = slack(set.values.len(), set.is_weighted(), confidence)?;
        let most = self.states.iter().map(Evaluated::evar).max();
        let mut tolerance = most.unwrap_or_default().0 / 1_000_000;
        for e in &self.states {
            let below = slack_ticks(&slack, e.evar())?;
            tolerance = tolerance.max(below.0 as u64 + e.epsilon().0 + 2);
        }
        Ok(Ticks(tolerance))
    }
}

/// How far a certificate's slack puts the true EVaR below this one, rounded up.
///
/// # Errors
/// If it does not fit.
pub fn slack_ticks(slack: &Interval, evar: Ticks<u64>) -> Result<Ticks<i128>, DomainError> {
    slack.times(evar.0 as i64)?.ceil_at(0).map(Ticks)
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
pub fn whole_ticks(what: &str, amount: &Decimal) -> Result<Ticks<u64>, String> {
    amount
        .rescale_exact(TICK_DECIMALS)
        .ok()
        .and_then(|ticks| u64::try_from(ticks).ok())
        .filter(|&ticks| ticks < records::units::MAX_AMOUNT)
        .map(Ticks)
        .ok_or_else(|| format!("{what} of {amount} is not a whole number of ticks below 2^60"))
}
