//! From a claim to its tables.

use fixed::Decimal;
use gadgets::hash::{Digest, Domain};
use gadgets::range::RangeTable;
use gadgets::sponge::{SpongeTable, Stream, Target};
use risk::certificate::{MAX_GAIN, budget, least, slack};
use risk::evar::Confidence;
use risk::scenarios::{MAX_VALUE, ScenarioSet};
use risk::venue::MAX_QUANTITY;
use stark::{MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};

use super::claim::{PublicChange, RATE_DECIMALS, RiskClaim, Shown, scenarios_digest, whole_ticks};
use super::grid::{Grid, log_block};
use super::tables::exponential::ExponentialTable;
use super::tables::funding::FundingTable;
use super::tables::groups::GroupsTable;
use super::tables::holdings::HoldingsTable;
use super::tables::scenarios::ScenariosTable;
use super::tables::states::{Outcome, StateStep, StatesTable, commitment_quads};

/// The risk statement.
#[derive(Clone, Copy, Debug)]
pub struct Risk;

/// log2 of the rows of the tallest table.
const LOG_ROWS: usize = 14;
/// Most trades and transfers of a claim.
pub const MAX_CHANGES: usize = 1 << 12;
/// The sizes and public numbers of a claim, derived once.
#[derive(Clone, Debug)]
pub struct Context {
    /// The scenarios.
    pub(crate) grid: Grid,
    /// What the weights may add up to, and what they must.
    pub(crate) budget: u128,
    pub(crate) least: Option<u128>,
    /// The states that are evaluated, in order, each with what leads to it.
    pub(crate) steps: Vec<StateStep>,
    /// The funding rates of the last state, if they are stated.
    pub(crate) funding: Option<FundingTable>,
    /// States per part.
    pub(crate) per_part: usize,
    /// The committed states before the first part, between parts, and after the last.
    pub(crate) commitments: Vec<Digest>,
}

impl Context {
    fn new(claim: &RiskClaim) -> Result<Self, String> {
        let set = &claim.scenarios;
        set.validate().map_err(|e| e.to_string())?;
        let (digest, grid) = rayon::join(|| scenarios_digest(set), || Grid::new(set));
        if digest != claim.scenarios_digest {
            return Err("the scenarios do not have the claimed digest".into());
        }
        let (steps, tight) = steps(set, claim.confidence, &claim.shown)?;
        let n = set.values.len();
        let per_part = Self::states_per_part(claim);
        let parts = steps.len().div_ceil(per_part);
        if claim.links.len() + 1 != parts {
            return Err(format!("{} states need {parts} parts", steps.len()));
        }
        let mut commitments = vec![claim.before.elements()];
        commitments.extend(claim.links.iter().map(|l| l.elements()));
        commitments.push(claim.after.elements());
        Ok(Self {
            grid,
            budget: budget(n, claim.confidence),
            least: tight.then(|| least(n, claim.confidence)),
            steps,
            funding: funding(claim)?,
            per_part,
            commitments,
        })
    }

    /// Whether a part proves funding rates: the last one, if any are stated.
    pub(crate) fn has_funding(&self, part: usize) -> bool {
        self.funding.is_some() && part + 1 == self.parts()
    }

    /// How many states a part evaluates.
    pub(crate) fn states_per_part(claim: &RiskClaim) -> usize {
        let log_block = log_block(claim.scenarios.values.len());
        (1 << (LOG_ROWS.max(log_block) - log_block)).min(claim.shown.changes() + 1)
    }

    /// How many proofs the claim needs.
    pub fn parts(&self) -> usize {
        self.steps.len().div_ceil(self.per_part)
    }

    /// The evaluated states of a part.
    pub(crate) fn part_steps(&self, part: usize) -> &[StateStep] {
        let start = part * self.per_part;
        &self.steps[start..self.steps.len().min(start + self.per_part)]
    }
}

/// The evaluated states: the one before the first change, and the one after each.
fn steps(
    set: &ScenarioSet,
    confidence: Confidence,
    shown: &Shown,
) -> Result<(Vec<StateStep>, bool), String> {
    let market = |market: u32| {
        usize::try_from(market)
            .ok()
            .filter(|&m| m < set.markets.len())
            .ok_or_else(|| format!("there is no market number {market}"))
    };
    let price = |price: &Decimal| {
        whole_ticks("a price", price).and_then(|p| {
            if p < MAX_VALUE {
                Ok(p)
            } else {
                Err("a price is 2^40 ticks or more".into())
            }
        })
    };
    if shown.changes() > MAX_CHANGES {
        let count = shown.changes();
        return Err(format!("{count} changes; at most {MAX_CHANGES} fit"));
    }
    // A change without its premium.
    let step = |change: &PublicChange, outcome| match change {
        PublicChange::Trade {
            market: m,
            price: p,
            lots,
        } => {
            if lots.is_some_and(|l| l.unsigned_abs() >= MAX_QUANTITY as u64) {
                return Err(String::from("a trade is too large"));
            }
            Ok(StateStep {
                market: Some(market(*m)?),
                price: price(p)?,
                lots: *lots,
                changes: [0; 3],
                outcome,
            })
        }
        PublicChange::Transfer {
            capital,
            providers,
            collected,
        } => {
            let mut step = StateStep::initial(outcome);
            for (change, amount) in step.changes.iter_mut().zip([capital, providers, collected]) {
                let magnitude = whole_ticks("a transfer", &amount.abs())? as i64;
                *change = if amount.is_negative() {
                    -magnitude
                } else {
                    magnitude
                };
            }
            Ok(step)
        }
    };
    match shown {
        Shown::Covered { changes } => {
            let mut steps = vec![StateStep::initial(Outcome::Covered)];
            for change in changes {
                steps.push(step(change, Outcome::Covered)?);
            }
            Ok((steps, false))
        }
        Shown::Prices {
            evar,
            tolerance,
            changes,
            funding: _,
        } => {
            let tolerance = whole_ticks("the tolerance", tolerance)?;
            let slack = slack(set.values.len(), confidence).map_err(|e| e.to_string())?;
            let outcome = |evar: u64| {
                // (1 - slack) (t - epsilon) >= t - epsilon - slack t, and t is less than a tick below.
                let below = slack
                    .times(evar as i64)
                    .and_then(|x| x.ceil_at(0))
                    .map_err(|e| e.to_string())?;
                let epsilon = i128::from(tolerance) - below - 1;
                match u64::try_from(epsilon) {
                    Ok(epsilon) if epsilon > 0 => Ok(Outcome::Evar { evar, epsilon }),
                    _ => Err(format!(
                        "a tolerance of {tolerance} ticks is too small to prove"
                    )),
                }
            };
            let evar_ticks = |evar| {
                whole_ticks("an EVaR", evar).and_then(|x| {
                    if x < MAX_GAIN {
                        Ok(x)
                    } else {
                        Err("an EVaR is too large".into())
                    }
                })
            };
            let mut last = evar_ticks(evar)?;
            let mut steps = vec![StateStep::initial(outcome(last)?)];
            for priced in changes {
                let after = evar_ticks(&priced.evar)?;
                let premium = whole_ticks("a premium", &priced.premium)?;
                let rise = after.saturating_sub(last);
                if premium != if priced.change.pays() { rise } else { 0 } {
                    return Err("a premium is not what EVaR rose by".into());
                }
                last = after;
                let mut step = step(&priced.change, outcome(after)?)?;
                // Both are below 2^60; together they may not be, and then no state has them.
                step.changes[2] += premium as i64;
                if step.changes[2].unsigned_abs() >= risk::MAX_AMOUNT {
                    return Err("a transfer and its premium are too large".into());
                }
                steps.push(step);
            }
            Ok((steps, true))
        }
    }
}

/// The table of the stated funding rates.
fn funding(claim: &RiskClaim) -> Result<Option<FundingTable>, String> {
    let Shown::Prices {
        funding: Some(rates),
        ..
    } = &claim.shown
    else {
        return Ok(None);
    };
    let set = &claim.scenarios;
    if rates.len() != set.markets.len() {
        return Err("there must be one funding rate a market".into());
    }
    let rates = rates.iter().map(|rate| {
        rate.rescale_exact(RATE_DECIMALS)
            .ok()
            .and_then(|r| i64::try_from(r).ok())
            .filter(|r| r.unsigned_abs() < risk::MAX_AMOUNT)
            .ok_or_else(|| {
                format!("a funding rate of {rate} has more than 12 decimals or is too large")
            })
    });
    Ok(Some(FundingTable {
        values: set.markets.iter().map(|m| m.value).collect(),
        rates: rates.collect::<Result<_, _>>()?,
        horizon: set.horizon_micro_days(),
    }))
}

/// The tables of one part.
pub(crate) struct PartTables {
    pub scenarios: ScenariosTable,
    pub groups: GroupsTable,
    pub states: StatesTable,
    pub sponge: SpongeTable,
    pub exponential: ExponentialTable,
    pub limbs: RangeTable,
    /// Where funding rates are proven.
    pub funding: Option<(HoldingsTable, FundingTable)>,
}

impl PartTables {
    pub fn new(context: &Context, part: usize) -> Self {
        let steps = context.part_steps(part).to_vec();
        let blocks = steps.len();
        let funding = context
            .funding
            .clone()
            .filter(|_| context.has_funding(part));
        Self {
            scenarios: ScenariosTable {
                grid: context.grid.clone(),
                blocks,
                venues: 1,
                funding: funding.is_some(),
            },
            groups: GroupsTable {
                log_block: context.grid.log_block,
                blocks,
            },
            states: StatesTable {
                markets: context.grid.markets,
                listing: context.grid.listing,
                budget: context.budget,
                least: context.least,
                steps,
                funding: funding.is_some(),
            },
            sponge: SpongeTable::new(
                (0..2)
                    .map(|i| {
                        let quads = commitment_quads(context.grid.markets);
                        Stream {
                            domain: Domain::Venue,
                            address: i * quads,
                            quads,
                            headed: false,
                            target: Target::Public(context.commitments[part + i]),
                        }
                    })
                    .collect(),
            ),
            exponential: ExponentialTable,
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
            funding: funding.map(|funding| {
                let holdings = HoldingsTable {
                    grid: context.grid.clone(),
                };
                (holdings, funding)
            }),
        }
    }

    pub fn airs(&self) -> Vec<TableAir> {
        let mut airs = vec![
            TableAir::new(self.scenarios.clone()),
            TableAir::new(self.groups.clone()),
            TableAir::new(self.states.clone()),
            TableAir::new(self.exponential),
            TableAir::new(self.limbs),
            TableAir::new(self.sponge.clone()),
        ];
        if let Some((holdings, funding)) = &self.funding {
            airs.push(TableAir::new(holdings.clone()));
            airs.push(TableAir::new(funding.clone()));
        }
        airs
    }
}

impl Statement for Risk {
    const ID: &'static str = "risk";
    const VERSION: u32 = 1;
    type Claim = RiskClaim;
    type Context = Context;

    fn context(claim: &RiskClaim) -> Result<Context, String> {
        Context::new(claim)
    }

    fn parts(_: &RiskClaim, context: &Context) -> usize {
        context.parts()
    }

    fn part(_: &RiskClaim, context: &Context, part: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: PartTables::new(context, part).airs(),
            hashed: Vec::new(),
        }
    }
}
