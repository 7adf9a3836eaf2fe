//! What a deal's tranches lose under public stresses of its pool, and what they are expected to lose over a factor.

use fixed::Decimal;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Stress, StressError};
use crate::amortization::{LoanState, RollError};
use crate::coarse::{self, Endings};
use crate::deal::{Deal, DealError};
use crate::factor::{ExpectedLoss, OneFactor, expected_losses};
use crate::pool::tape::CutOff;
use crate::pool::{StateError, Tape, TapeError, states};
use crate::projection::Schedule;
use crate::protection::{ProtectionError, TrancheOutcome, breakeven, check_dates, protect};
use crate::waterfall::{DealState, Index};

/// Most scenarios together, those of multiples included.
const MAX_SCENARIOS: usize = 100;
/// Most values of the factors of all models together: the deal is run for each.
const MAX_NODES: u64 = 200;
/// Most bytes of a deal, times how often it is run: some seconds of a verifier's time.
const MAX_DEAL_RUNS: u64 = 5_000_000;

/// A stress and its name, and the factor, if its defaults come together by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedStress {
    /// What it is called.
    pub name: String,
    /// Defaults, prepayments, severity.
    pub stress: Stress,
    /// Then the tranches' expected losses over it are claimed, in place of what the stress does to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<OneFactor>,
}

/// How much of a schedule is published: it is cut into the fewest steps that satisfy both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// A step has a multiple of so many months.
    pub months: u16,
    /// So many loans end in each step; in all of them together, if the pool has fewer.
    pub loans: u32,
}

impl Default for Detail {
    /// Month by month.
    fn default() -> Self {
        Self {
            months: 1,
            loans: 0,
        }
    }
}

/// What is to be claimed of a pool and a deal.
#[derive(Clone, Debug)]
pub struct Terms {
    /// A loan this many days past due is doubtful.
    pub doubtful_days: u16,
    /// How much of the schedule is published.
    pub detail: Detail,
    /// The deal.
    pub deal: Deal,
    /// The deal at the cut-off date; at closing, if not given.
    pub deal_state: Option<DealState>,
    /// The fixings of its indices.
    pub indices: Vec<Index>,
    /// The stresses.
    pub stresses: Vec<NamedStress>,
    /// Tranches, by name, for which the largest multiple of each stress's defaults is sought that they bear. (Over a factor
    /// there is none: losses are never sure to be zero.)
    pub breakeven: Vec<String>,
}

/// A public stress, and what becomes of each tranche.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// Defaults, prepayments, severity.
    pub stress: Stress,
    /// The tranches, in the deal's order.
    pub outcome: Vec<TrancheOutcome>,
}

/// A public one-factor Gaussian copula, and what each tranche is expected to lose over its factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it is called.
    pub name: String,
    /// Defaults without the factor, prepayments, severity.
    pub stress: Stress,
    /// Correlation, and how many values the factor takes.
    pub factor: OneFactor,
    /// The tranches, in the deal's order.
    pub expected: Vec<ExpectedLoss>,
}

/// Why it cannot be said what tranches lose, or is not what was said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeError {
    /// The tape has no loans, or two of the same id.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// A loan does not pay as loans do, or the asset class has none.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no schedule: a number is out of range, or a sum does not fit.
    #[error(transparent)]
    Schedule(#[from] RollError),
    /// The deal contradicts itself, or is too long.
    #[error("deal: {0}")]
    Deal(#[from] DealError),
    /// The deal's payment dates do not fit the cut-off date.
    #[error(transparent)]
    Dates(ProtectionError),
    /// The deal has no tranche of this name.
    #[error("the deal has no tranche `{0}`")]
    Tranche(String),
    /// A stress has no name that can be said.
    #[error("the stress `{}` {}", .0.escape_default(), records::names::NO_NAME)]
    Name(String),
    /// The deal cannot be run under a stress.
    #[error("stress `{name}`: {error}")]
    Stress {
        /// Which stress.
        name: String,
        /// What is wrong.
        error: ProtectionError,
    },
    /// More than a verifier should run.
    #[error("{0}")]
    TooMuch(String),
    /// A claimed outcome is another.
    #[error("the {what} of {of} `{name}` are not what the deal gives")]
    Other {
        /// What is claimed.
        what: &'static str,
        /// Of a scenario, or of a model.
        of: &'static str,
        /// Which.
        name: String,
    },
}

/// What a published schedule tells of few loans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many loans are doubtful: what few of them owe together is known from the schedule.
    pub doubtful_loans: u32,
    /// In how many of its steps some loans end, but less than [`coarse::FEW_LOANS`]: what those pay may be told.
    pub few_endings: usize,
}

/// What a pool brings in, and what tranches lose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes {
    /// The loans at the cut-off date, in the order of the tape.
    pub loans: Vec<LoanState>,
    /// What they bring in when all but the doubtful ones pay as scheduled: a row a step.
    pub schedule: Schedule,
    /// How many months each step has; empty if each is a month.
    pub steps: Vec<u16>,
    /// What the schedule tells of few loans.
    pub told: Told,
    /// The deal at the cut-off date.
    pub deal_state: DealState,
    /// Stresses, and what becomes of the tranches under each.
    pub scenarios: Vec<Scenario>,
    /// Stresses over a factor, and what the tranches are expected to lose.
    pub models: Vec<Model>,
}

impl Terms {
    /// What a tape's loans bring in, and what the tranches lose.
    ///
    /// # Errors
    /// If a loan's fields contradict each other, the deal does not fit the pool or cannot be run, a name is none, or there is more
    /// than a verifier should run.
    pub fn run(&self, tape: &Tape) -> Result<Outcomes, OutcomeError> {
        tape.check()?;
        let loans = states(tape)?;
        let monthly = Schedule::of_pool(&loans, self.doubtful_days)?;
        let endings = Endings::of(&loans, self.doubtful_days)?;
        let steps = coarse::steps(&endings.months, self.detail.months, self.detail.loans);
        let schedule = coarse::grouped(&monthly, &steps)?;
        let monthly = coarse::spread(&schedule, &steps)?;
        let deal_state = match &self.deal_state {
            Some(state) => state.clone(),
            None => DealState::of(&self.deal.plan()?),
        };
        let nodes = self.stresses.iter().filter_map(|s| s.factor.as_ref());
        let nodes: Vec<u32> = nodes.map(|factor| factor.nodes).collect();
        let plain = self.stresses.len() - nodes.len();
        check_work(&self.deal, plain * (1 + self.breakeven.len()), nodes)?;
        let setting = self.setting(&monthly, &deal_state);
        setting.check_dates(&tape.cut_off)?;
        Ok(Outcomes {
            scenarios: self.scenarios(&setting)?,
            models: self.models(&setting)?,
            told: Told {
                doubtful_loans: endings.doubtful,
                few_endings: coarse::few(&endings.months, &steps),
            },
            loans,
            schedule,
            steps,
            deal_state,
        })
    }

    /// The deal, with this schedule and state.
    pub fn setting<'a>(&'a self, monthly: &'a Schedule, state: &'a DealState) -> Setting<'a> {
        Setting {
            deal: &self.deal,
            state,
            indices: &self.indices,
            monthly,
        }
    }

    /// What becomes of the tranches under each stress without a factor, and under the multiples that they just bear.
    ///
    /// # Errors
    /// If the deal cannot be run, or has no tranche of a name, or a name is none.
    pub fn scenarios(&self, setting: &Setting<'_>) -> Result<Vec<Scenario>, OutcomeError> {
        let mut scenarios = Vec::new();
        for stress in self.stresses.iter().filter(|s| s.factor.is_none()) {
            scenarios.push(setting.scenario(&stress.name, &stress.stress)?);
            for tranche in &self.breakeven {
                let (name, scaled) = setting.breakeven(stress, tranche)?;
                scenarios.push(setting.scenario(&name, &scaled)?);
            }
        }
        Ok(scenarios)
    }

    /// What the tranches are expected to lose under each stress with a factor.
    ///
    /// # Errors
    /// If the deal cannot be run, a factor is out of range, or a name is none.
    pub fn models(&self, setting: &Setting<'_>) -> Result<Vec<Model>, OutcomeError> {
        let named = self.stresses.iter();
        let factors = named.filter_map(|s| s.factor.as_ref().map(|factor| (s, factor)));
        let model =
            |(s, factor): (&NamedStress, &OneFactor)| setting.model(&s.name, &s.stress, factor);
        factors.map(model).collect()
    }
}

/// All that outcomes follow from, but the stress.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The deal.
    pub deal: &'a Deal,
    /// The deal at the cut-off date.
    pub state: &'a DealState,
    /// The fixings of its indices.
    pub indices: &'a [Index],
    /// What the pool is scheduled to bring in, month by month.
    pub monthly: &'a Schedule,
}

impl Setting<'_> {
    /// Requires the deal's payment dates to fit the cut-off date of its pool.
    ///
    /// # Errors
    /// If they do not, or the deal is wrong.
    pub fn check_dates(&self, cut_off: &CutOff) -> Result<(), OutcomeError> {
        check_dates(self.deal, self.state, cut_off).map_err(OutcomeError::Dates)
    }

    /// What becomes of the tranches under a stress.
    ///
    /// # Errors
    /// If the deal cannot be run, or the name is none.
    pub fn scenario(&self, name: &str, stress: &Stress) -> Result<Scenario, OutcomeError> {
        check_name(name)?;
        let outcome = protect(self.deal, self.state, self.indices, self.monthly, stress);
        Ok(Scenario {
            name: name.into(),
            stress: stress.clone(),
            outcome: outcome.map_err(|e| under(name, e))?,
        })
    }

    /// What the tranches are expected to lose when a stress's defaults come together by a factor.
    ///
    /// # Errors
    /// If the deal cannot be run, the factor is out of range, or the name is none.
    pub fn model(
        &self,
        name: &str,
        stress: &Stress,
        factor: &OneFactor,
    ) -> Result<Model, OutcomeError> {
        check_name(name)?;
        let (deal, state, indices) = (self.deal, self.state, self.indices);
        let expected = expected_losses(deal, state, indices, self.monthly, stress, factor);
        Ok(Model {
            name: name.into(),
            stress: stress.clone(),
            factor: factor.clone(),
            expected: expected.map_err(|e| under(name, e))?,
        })
    }

    /// The largest multiple of a stress's defaults that a tranche bears, as a stress of its own with a name.
    fn breakeven(
        &self,
        NamedStress { name, stress, .. }: &NamedStress,
        tranche: &str,
    ) -> Result<(String, Stress), OutcomeError> {
        let index = self.deal.tranches.iter().position(|t| t.name == tranche);
        let index = index.ok_or_else(|| OutcomeError::Tranche(tranche.into()))?;
        let (deal, state, indices) = (self.deal, self.state, self.indices);
        let multiple: Decimal = breakeven(deal, state, indices, self.monthly, stress, index)
            .map_err(|e| under(name, e))?;
        let scaled = stress.scaled(&multiple);
        let scaled = scaled.map_err(|e: StressError| under(name, e.into()))?;
        Ok((format!("{name}-x{multiple}-for-{tranche}"), scaled))
    }

    /// Requires outcomes to be what the deal gives: they are computed again.
    ///
    /// # Errors
    /// Names one that is another, or cannot be computed.
    pub fn confirm(&self, scenarios: &[Scenario], models: &[Model]) -> Result<(), OutcomeError> {
        self.deal.plan()?;
        let other = |what, of, name: &String| OutcomeError::Other {
            what,
            of,
            name: name.clone(),
        };
        scenarios.par_iter().try_for_each(|claimed| {
            match self.scenario(&claimed.name, &claimed.stress)? == *claimed {
                true => Ok(()),
                false => Err(other("outcomes", "scenario", &claimed.name)),
            }
        })?;
        models.par_iter().try_for_each(|claimed| {
            match self.model(&claimed.name, &claimed.stress, &claimed.factor)? == *claimed {
                true => Ok(()),
                false => Err(other("expected losses", "model", &claimed.name)),
            }
        })
    }
}

/// Bounds what a claim makes its verifier do: how large its deal is, and how often it is run, by scenarios and by the values of
/// factors, whose numbers `nodes` are.
///
/// # Errors
/// If it is too much.
pub fn check_work(
    deal: &Deal,
    scenarios: usize,
    nodes: impl IntoIterator<Item = u32>,
) -> Result<(), OutcomeError> {
    let too_much = |problem| Err(OutcomeError::TooMuch(problem));
    if scenarios > MAX_SCENARIOS {
        return too_much(format!("at most {MAX_SCENARIOS} scenarios fit"));
    }
    // At least one each, so that the number of models is bounded with them.
    let nodes: u64 = nodes.into_iter().map(|n| u64::from(n.max(1))).sum();
    if nodes > MAX_NODES {
        return too_much(format!(
            "the factors have more than {MAX_NODES} nodes together; give fewer models or nodes"
        ));
    }
    let size = deal.check_size()? as u64;
    if (nodes + scenarios as u64) * size > MAX_DEAL_RUNS {
        return too_much(format!(
            "a deal of {size} bytes is run at most {} times, by scenarios and nodes; give fewer of them",
            MAX_DEAL_RUNS / size
        ));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), OutcomeError> {
    match records::names::is_name(name) {
        true => Ok(()),
        false => Err(OutcomeError::Name(name.into())),
    }
}

fn under(name: &str, error: ProtectionError) -> OutcomeError {
    OutcomeError::Stress {
        name: name.into(),
        error,
    }
}
