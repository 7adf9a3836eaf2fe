//! From the venues' private states to a claim and its proof.

use std::sync::Arc;

use fixed::Decimal;
use gadgets::range::RangeTable;
use rayon::prelude::*;
use stark::{Statement, Tally, Trace, fill};
use venue::evar::Confidence;
use venue::scenarios::ScenarioSet;
use venue::state::VenueState;
use venue::systemic::{SystemicError, Together};

use super::claim::{DatedState, SystemicClaim};
use super::statement::{Context, MAX_VENUES, Systemic, Tables};
use super::tables::VenueRow;
use crate::account::Secret;
use crate::kit::{self, Example, Provable, Refusal};
use crate::nonce::Nonce;
use crate::venues::commitments::{quads, salt};
use crate::venues::tables::exponential::ExponentialTable;
use crate::venues::tables::groups::{GroupRow, add_up};
use crate::venues::tables::scenarios::{BlockState, ScenarioRow};
use crate::venues::{commitment, markets_listing, scenarios_digest};

/// A venue's state and the secret of its commitment.
#[derive(Clone, Debug)]
pub struct Venue {
    /// The state.
    pub state: VenueState,
    /// The secret.
    pub secret: Secret,
}

/// What the tables are filled from.
#[derive(Debug)]
pub struct Witness {
    venues: Vec<Venue>,
    together: Together,
}

/// A true claim, ready to be proven.
pub type Prepared = kit::Prepared<Systemic>;

/// What venues risk together, if it is at most `bound`; the least provable bound if none is given.
///
/// # Errors
/// As [`venue::systemic::check`].
pub fn check<'a>(
    set: &ScenarioSet,
    venues: impl IntoIterator<Item = &'a VenueState>,
    confidence: Confidence,
    bound: Option<Decimal>,
) -> Result<Together, Refusal> {
    venue::systemic::check(set, venues, confidence, bound)
        .map_err(|e| Refusal::of(e, SystemicError::is_false))
}

impl Prepared {
    /// Claims that EVaR of the venues' sum is at most `bound`; the least provable bound if none is given.
    ///
    /// # Errors
    /// As [`check`], or if a venue is named twice.
    pub fn new(
        set: &ScenarioSet,
        venues: Vec<Venue>,
        confidence: Confidence,
        bound: Option<Decimal>,
    ) -> Result<Self, Refusal> {
        let together = check(set, venues.iter().map(|v| &v.state), confidence, bound)?;
        let dated = venues.iter().map(|v| {
            let (as_of_ms, since_ms) = (v.state.as_of_ms, v.state.collected_since_ms);
            let listing = markets_listing(&set.quote, &set.markets, as_of_ms, since_ms);
            DatedState {
                state: commitment(&v.state, &v.secret, &listing),
                as_of_ms,
                collected_since_ms: since_ms,
            }
        });
        let claim = SystemicClaim {
            scenarios: set.clone(),
            scenarios_digest: scenarios_digest(set),
            confidence,
            venues: dated.collect(),
            bound: together.bound,
            nonce: None,
        };
        let context = Systemic::context(&claim).map_err(Refusal::malformed)?;
        Ok(Self {
            claim,
            context,
            witness: Witness { venues, together },
        })
    }
}

impl Provable for Systemic {
    type Witness = Witness;

    fn traces(_: &SystemicClaim, context: &Context, witness: &Witness, _: usize) -> Vec<Trace> {
        witness.rows(context).fill(&Tables::new(context))
    }

    fn nonce_mut(claim: &mut SystemicClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The rows of the tables.
    pub(super) fn rows(&self, context: &Context) -> Rows {
        let n = context.grid.scenarios;
        let state = Arc::new(BlockState {
            digits: self
                .venues
                .iter()
                .map(|v| BlockState::digits(&v.state))
                .collect(),
            bound: self.together.certificate.bound,
            scale: self.together.certificate.scale,
        });
        let scenarios = (0..1usize << context.grid.log_block)
            .into_par_iter()
            .map(|row| {
                let mut liabilities = [0; MAX_VENUES];
                for (liability, of) in liabilities.iter_mut().zip(&self.together.liabilities) {
                    *liability = of[row.min(n - 1)].0;
                }
                let gain = liabilities.iter().map(|&x| x.max(0) as u64).sum();
                ScenarioRow {
                    state: state.clone(),
                    liabilities,
                    weight: self
                        .together
                        .certificate
                        .weight(gain, context.grid.shift(row))
                        .expect("the certificate gives every scenario a weight"),
                    padding: row >= n,
                    sums: Default::default(),
                    holdings: Vec::new(),
                }
            })
            .collect();
        let listings = &context.listings;
        let venues = self
            .venues
            .iter()
            .zip(listings)
            .map(|(venue, listing)| VenueRow {
                state: venue.state.clone(),
                salt: salt(&venue.state, &venue.secret, listing, 0),
                scale: 0,
                weights: 0,
                gains: 0,
            });
        let mut rows = Rows {
            scenarios,
            groups: Vec::new(),
            venues: venues.collect(),
        };
        rows.venues[0].scale = self.together.certificate.scale;
        rows.add_up(context.grid.log_block);
        rows
    }
}

/// The rows that hold private data; those below are padding.
#[derive(Clone)]
pub(super) struct Rows {
    pub scenarios: Vec<ScenarioRow>,
    pub groups: Vec<GroupRow>,
    pub venues: Vec<VenueRow>,
}

impl Rows {
    /// Computes the sums of the scenarios and the groups.
    pub fn add_up(&mut self, log_block: usize) {
        self.groups = add_up(&mut self.scenarios, 1, log_block);
        let [weights, gains] = self.groups[self.groups.len() - 1].after;
        (self.venues[0].weights, self.venues[0].gains) = (weights, gains);
    }

    pub fn fill(&self, tables: &Tables) -> Vec<Trace> {
        let airs = tables.airs();
        let [coarse, fine] = ExponentialTable::tallied();
        let tally = Tally::new(&[coarse, fine, RangeTable::tallied(&tables.limbs)]);
        let scenarios = fill(&tables.scenarios, &airs[0], &tally, |row| {
            self.scenarios[row].clone()
        });
        let groups = fill(&tables.groups, &airs[1], &tally, |row| {
            self.groups.get(row).cloned().unwrap_or_default()
        });
        let venues = fill(&tables.venues, &airs[2], &tally, |row| {
            self.venues.get(row).cloned()
        });
        let exponential = tables.exponential.trace(&airs[3], &tally);
        let limbs = tables.limbs.trace(&airs[4], &tally);
        let mut quads: Vec<_> = self
            .venues
            .iter()
            .zip(&tables.venues.listings)
            .flat_map(|(row, listing)| quads(&row.state, &row.salt, listing))
            .collect();
        let sponge = tables.sponge.trace(&airs[5], &mut quads);
        vec![scenarios, groups, venues, exponential, limbs, sponge]
    }
}
