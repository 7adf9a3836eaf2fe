//! From a claim to its tables.

use gadgets::hash::{Digest, Domain};
use gadgets::range::RangeTable;
use gadgets::sponge::{SpongeTable, Stream, Target};
use stark::{MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};
use venue::certificate::{budget, least};
use venue::fact::Fact;

use super::claim::{PremiaClaim, Shown};
use super::steps::{HiddenDay, funding, hidden, steps};
use super::tables::funding::FundingTable;
use super::tables::holdings::HoldingsTable;
use super::tables::premia::{Hidden, RECEIPT_QUADS};
use super::tables::states::{StateStep, StatesTable};
use crate::venues::grid::{Grid, log_block};
use crate::venues::tables::exponential::ExponentialTable;
use crate::venues::tables::groups::GroupsTable;
use crate::venues::tables::scenarios::ScenariosTable;
use crate::venues::{markets_listing, scenarios_digest};

/// The premia statement.
#[derive(Clone, Copy, Debug)]
pub struct Premia;

/// log2 of the rows of the tallest table.
const LOG_ROWS: usize = 14;
/// Most trades and transfers of a claim.
pub const MAX_CHANGES: usize = 1 << 12;
/// The sizes and public numbers of a claim, derived once.
#[derive(Clone, Debug)]
pub struct Context {
    /// The scenarios.
    pub(crate) grid: Grid,
    /// What the markets' places stand for in the first state, and in those after it, and when.
    pub(crate) listings: [Digest; 2],
    /// What the weights may add up to, and what they must.
    pub(crate) budget: u128,
    pub(crate) least: Option<u128>,
    /// The states that are evaluated, in order, each with what leads to it.
    pub(crate) steps: Vec<StateStep>,
    /// What is public where EVaR and premia are private.
    pub(crate) hidden: Option<HiddenDay>,
    /// The funding rates of the last state, if they are stated.
    pub(crate) funding: Option<FundingTable>,
    /// The fact that is stated of every state, if only one is.
    pub(crate) fact: Option<Fact>,
    /// States per part.
    pub(crate) per_part: usize,
    /// The committed states before the first part, between parts, and after the last.
    pub(crate) commitments: Vec<Digest>,
}

impl Context {
    fn new(claim: &PremiaClaim) -> Result<Self, String> {
        let set = &claim.scenarios;
        set.validate().map_err(|e| e.to_string())?;
        let (digest, grid) = rayon::join(|| scenarios_digest(set), || Grid::new(set));
        if digest != claim.scenarios_digest {
            return Err("the scenarios do not have the claimed digest".into());
        }
        claim.check_dates()?;
        let listings = [
            (claim.as_of_ms, claim.collected_since_ms),
            (claim.until_ms, claim.until_since_ms()),
        ];
        let listings =
            listings.map(|(date, since)| markets_listing(&set.quote, &set.markets, date, since));
        let steps = steps(set, claim.confidence, &claim.shown)?;
        let fact = match claim.shown {
            Shown::Fact { fact, .. } => Some(fact),
            _ => None,
        };
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
            listings,
            budget: budget(n, claim.confidence),
            least: fact.is_none().then(|| least(n, claim.confidence)),
            steps,
            hidden: hidden(set, claim.confidence, &claim.shown)?,
            funding: funding(set, &claim.shown)?,
            fact,
            per_part,
            commitments,
        })
    }

    /// Whether a part proves funding rates: the last one, if any are stated.
    pub(crate) fn has_funding(&self, part: usize) -> bool {
        self.funding.is_some() && part + 1 == self.parts()
    }

    /// How many states a part evaluates.
    pub(crate) fn states_per_part(claim: &PremiaClaim) -> usize {
        let log_block = log_block(claim.scenarios.values.len());
        (1 << (LOG_ROWS.max(log_block) - log_block)).min(claim.shown.changes() + 1)
    }

    /// How many proofs the claim needs.
    pub fn parts(&self) -> usize {
        self.steps.len().div_ceil(self.per_part)
    }

    /// What is public of a part where EVaR and premia are private.
    fn part_hidden(&self, part: usize) -> Option<Hidden> {
        let day = self.hidden.as_ref()?;
        Some(Hidden {
            tolerance: day.tolerance,
            slack: day.slack,
            grid: day.grid,
            first: part * self.per_part,
            premia: (part + 1 == self.parts()).then_some(day.premia),
        })
    }

    /// The evaluated states of a part.
    pub(crate) fn part_steps(&self, part: usize) -> &[StateStep] {
        let start = part * self.per_part;
        &self.steps[start..self.steps.len().min(start + self.per_part)]
    }
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
        let states = StatesTable {
            markets: context.grid.markets,
            listings: [context.listings[part.min(1)], context.listings[1]],
            budget: context.budget,
            least: context.least,
            steps,
            funding: funding.is_some(),
            hidden: context.part_hidden(part),
            fact: context.fact,
        };
        let sponge = SpongeTable::new(streams(context, part, &states));
        Self {
            scenarios: ScenariosTable {
                grid: context.grid.clone(),
                blocks,
                venues: 1,
                cuts_at_zero: context.fact.is_none_or(Fact::cuts_at_zero),
                funding: funding.is_some(),
            },
            groups: GroupsTable {
                log_block: context.grid.log_block,
                blocks,
            },
            states,
            sponge,
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

/// What a part's sponge hashes: the first and the last state, and receipts.
fn streams(context: &Context, part: usize, states: &StatesTable) -> Vec<Stream> {
    let starts = [0, states.second_address()];
    let mut streams: Vec<Stream> = (0..2)
        .map(|i| Stream {
            domain: Domain::Venue,
            address: starts[i],
            quads: states.commitment_quads(i),
            headed: false,
            target: Target::Public(context.commitments[part + i]),
        })
        .collect();
    if let Some(day) = &context.hidden {
        let receipts = states.numbered_changes().enumerate();
        streams.extend(receipts.map(|(i, (number, _))| Stream {
            domain: Domain::Receipt,
            address: states.receipts_address() + i * RECEIPT_QUADS,
            quads: RECEIPT_QUADS,
            headed: false,
            target: Target::Public(day.receipts[number - 1]),
        }));
    }
    streams
}

impl Statement for Premia {
    const ID: &'static str = "premia";
    const VERSION: u32 = 3;
    type Claim = PremiaClaim;
    type Context = Context;

    fn context(claim: &PremiaClaim) -> Result<Context, String> {
        Context::new(claim)
    }

    fn parts(_: &PremiaClaim, context: &Context) -> usize {
        context.parts()
    }

    fn part(_: &PremiaClaim, context: &Context, part: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: PartTables::new(context, part).airs(),
            hashed: Vec::new(),
        }
    }
}
