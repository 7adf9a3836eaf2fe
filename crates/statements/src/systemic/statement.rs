//! From a claim to its tables.

use gadgets::hash::{Digest, Domain};
use gadgets::range::RangeTable;
use gadgets::sponge::{SpongeTable, Stream, Target};
use stark::{MIN_LOG_HEIGHT, Part, Profile, Statement, TableAir};
use venue::certificate::budget;
pub use venue::systemic::MAX_VENUES;
use venue::systemic::{SystemicError, bound_ticks};

use super::claim::{DatedState, SystemicClaim};
use super::tables::VenuesTable;
use crate::venues::commitments::commitment_quads;
use crate::venues::grid::Grid;
use crate::venues::tables::exponential::ExponentialTable;
use crate::venues::tables::groups::GroupsTable;
use crate::venues::tables::scenarios::ScenariosTable;
use crate::venues::{markets_listing, scenarios_digest};

/// The systemic statement.
#[derive(Clone, Copy, Debug)]
pub struct Systemic;

/// The sizes and public numbers of a claim, derived once.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) grid: Grid,
    pub(super) venues: Vec<Digest>,
    /// What the places of each venue's state stand for, and when.
    pub(super) listings: Vec<Digest>,
    /// In subticks.
    pub(super) bound: u128,
    pub(super) budget: u128,
}

/// The tables of the proof.
pub(super) struct Tables {
    pub scenarios: ScenariosTable,
    pub groups: GroupsTable,
    pub venues: VenuesTable,
    pub exponential: ExponentialTable,
    pub limbs: RangeTable,
    pub sponge: SpongeTable,
}

impl Tables {
    pub fn new(context: &Context) -> Self {
        let markets = context.grid.markets;
        let venues = VenuesTable {
            venues: context.venues.len(),
            markets,
            listings: context.listings.clone(),
            bound: context.bound,
            budget: context.budget,
        };
        let stream = |(venue, digest): (usize, &Digest)| Stream {
            domain: Domain::Venue,
            address: venues.address(venue),
            quads: commitment_quads(markets),
            headed: false,
            target: Target::Public(*digest),
        };
        Self {
            scenarios: ScenariosTable {
                grid: context.grid.clone(),
                blocks: 1,
                venues: context.venues.len(),
                cuts_at_zero: true,
                funding: false,
            },
            groups: GroupsTable {
                log_block: context.grid.log_block,
                blocks: 1,
            },
            sponge: SpongeTable::new(context.venues.iter().enumerate().map(stream).collect()),
            venues,
            exponential: ExponentialTable,
            limbs: RangeTable::limbs(MIN_LOG_HEIGHT),
        }
    }

    pub fn airs(&self) -> Vec<TableAir> {
        vec![
            TableAir::new(self.scenarios.clone()),
            TableAir::new(self.groups.clone()),
            TableAir::new(self.venues.clone()),
            TableAir::new(self.exponential),
            TableAir::new(self.limbs),
            TableAir::new(self.sponge.clone()),
        ]
    }
}

/// Requires venues to have different states: one that is named twice would count twice.
fn distinct(venues: &[DatedState]) -> Result<(), String> {
    for (i, venue) in venues.iter().enumerate() {
        if let Some(other) = venues[..i].iter().position(|v| v.state == venue.state) {
            return Err(format!(
                "venues {} and {} are one, committed as {}; name each venue once",
                other + 1,
                i + 1,
                venue.state
            ));
        }
    }
    Ok(())
}

impl Statement for Systemic {
    const ID: &'static str = "systemic";
    const VERSION: u32 = 3;
    type Claim = SystemicClaim;
    type Context = Context;

    fn context(claim: &SystemicClaim) -> Result<Context, String> {
        let set = &claim.scenarios;
        set.validate().map_err(|e| e.to_string())?;
        let (digest, grid) = rayon::join(|| scenarios_digest(set), || Grid::new(set));
        if digest != claim.scenarios_digest {
            return Err("the scenarios do not have the claimed digest".into());
        }
        if !(1..=MAX_VENUES).contains(&claim.venues.len()) {
            return Err(SystemicError::Venues(claim.venues.len()).to_string());
        }
        distinct(&claim.venues)?;
        let bound = bound_ticks(&claim.bound).map_err(|e| e.to_string())?;
        Ok(Context {
            grid,
            venues: claim.venues.iter().map(|v| v.state.elements()).collect(),
            listings: claim
                .venues
                .iter()
                .map(|v| {
                    markets_listing(&set.quote, &set.markets, v.as_of_ms, v.collected_since_ms)
                })
                .collect(),
            bound: u128::from(bound.0) << 20,
            budget: budget(set.values.len(), claim.confidence),
        })
    }

    fn parts(_: &SystemicClaim, _: &Context) -> usize {
        1
    }

    fn part(_: &SystemicClaim, context: &Context, _: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: Tables::new(context).airs(),
            hashed: Vec::new(),
        }
    }
}
