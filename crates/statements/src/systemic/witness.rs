//! From the venues' private states to a proof. What is false is refused here, in the user's words.

use std::sync::Arc;

use fixed::Decimal;
use gadgets::range::RangeTable;
use rayon::prelude::*;
use stark::{PartProof, ProveError, Statement, Tally, Trace, fill, prove_part};
use venue::certificate::{Certificate, MAX_GAIN};
use venue::evar::Confidence;
use venue::scenarios::{ScenarioError, ScenarioSet};
use venue::state::{VenueError, VenueState, ticks};

use super::claim::{DatedState, SystemicClaim};
use super::statement::{Context, MAX_VENUES, Systemic, Tables};
use super::tables::VenueRow;
use crate::account::Secret;
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

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum SystemicError {
    /// The scenario set is malformed.
    #[error("scenarios: {0}")]
    Scenarios(#[from] ScenarioError),
    /// A venue has no risk.
    #[error("venue {venue}: {error}")]
    Venue {
        /// From 1.
        venue: usize,
        /// What is wrong.
        error: VenueError,
    },
    /// The sum has no risk.
    #[error("the venues together: {0}")]
    Sum(VenueError),
    /// The claim is false.
    #[error(transparent)]
    TooRisky(Box<TooRisky>),
    /// The claim does not fit the statement.
    #[error("{0}")]
    Claim(String),
    /// The proof system failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// The EVaR of the venues' sum exceeds the bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "EVaR of the venues' losses together is {evar} {quote}, above the bound of {bound} {quote}"
)]
pub struct TooRisky {
    /// EVaR, rounded up.
    pub evar: Decimal,
    /// The bound.
    pub bound: Decimal,
    /// The currency.
    pub quote: String,
}

/// A true claim, ready to be proven.
pub struct Prepared {
    claim: SystemicClaim,
    context: Context,
    venues: Vec<Venue>,
    /// Per venue and scenario.
    liabilities: Vec<Vec<i64>>,
    certificate: Certificate,
}

/// What the venues owe.
struct Evaluated {
    /// Per venue and scenario.
    liabilities: Vec<Vec<i64>>,
    /// Together, per scenario.
    gains: Vec<u64>,
    certificate: Certificate,
}

fn evaluate(
    set: &ScenarioSet,
    venues: &[Venue],
    confidence: Confidence,
) -> Result<Evaluated, SystemicError> {
    let liabilities = venues
        .iter()
        .enumerate()
        .map(|(i, venue)| {
            let liabilities = venue.state.liabilities(set);
            liabilities.map_err(|error| SystemicError::Venue {
                venue: i + 1,
                error,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let gains = (0..set.values.len())
        .map(|s| {
            let sum: u64 = liabilities.iter().map(|l| l[s].max(0) as u64).sum();
            let too_large = SystemicError::Sum(VenueError::TooLarge("what they owe together"));
            if sum < MAX_GAIN {
                Ok(sum)
            } else {
                Err(too_large)
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let certificate =
        Certificate::find(&gains, confidence).map_err(|e| SystemicError::Sum(e.into()))?;
    Ok(Evaluated {
        liabilities,
        gains,
        certificate,
    })
}

impl Prepared {
    /// Evaluates the venues' sum and makes the claim that its EVaR is at most `bound`; the least provable bound if
    /// none is given.
    ///
    /// # Errors
    /// If the claim would be false or something is malformed or too large.
    pub fn new(
        set: &ScenarioSet,
        venues: Vec<Venue>,
        confidence: Confidence,
        bound: Option<Decimal>,
    ) -> Result<Self, SystemicError> {
        set.validate()?;
        if !(1..=MAX_VENUES).contains(&venues.len()) {
            let problem = format!("{} venues; 1 to {MAX_VENUES} fit", venues.len());
            return Err(SystemicError::Claim(problem));
        }
        let Evaluated {
            liabilities,
            gains,
            certificate,
        } = evaluate(set, &venues, confidence)?;
        let evar = ticks(certificate.bound.div_ceil(1 << 20) as i128);
        let bound = bound.unwrap_or(evar);
        if bound < evar {
            return Err(SystemicError::TooRisky(Box::new(TooRisky {
                evar,
                bound,
                quote: set.quote.clone(),
            })));
        }
        let claim = SystemicClaim {
            scenarios: set.clone(),
            scenarios_digest: scenarios_digest(set),
            confidence,
            venues: venues
                .iter()
                .map(|v| {
                    let as_of_ms = v.state.as_of_ms;
                    let listing = markets_listing(&set.quote, &set.markets, as_of_ms);
                    DatedState {
                        state: commitment(&v.state, &v.secret, &listing),
                        as_of_ms,
                    }
                })
                .collect(),
            bound,
            nonce: None,
        };
        let context = Systemic::context(&claim).map_err(SystemicError::Claim)?;
        let certificate = wider(&certificate, &context, &gains).ok_or_else(|| {
            SystemicError::Claim("the bound is too far above EVaR; claim a lower one".into())
        })?;
        Ok(Self {
            claim,
            context,
            venues,
            liabilities,
            certificate,
        })
    }

    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<crate::nonce::Nonce>) -> Self {
        self.claim.nonce = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &SystemicClaim {
        &self.claim
    }

    /// The public numbers of the claim.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Proves the claim.
    ///
    /// # Errors
    /// If the proof system fails.
    pub fn prove(&self) -> Result<Vec<PartProof>, SystemicError> {
        let traces = self.traces();
        Ok(vec![prove_part::<Systemic>(
            &self.claim,
            &self.context,
            0,
            traces,
        )?])
    }

    /// The filled tables, in the order of [`Statement::part`].
    pub fn traces(&self) -> Vec<Trace> {
        self.rows().fill(&Tables::new(&self.context))
    }

    /// The rows of the tables.
    pub(super) fn rows(&self) -> Rows {
        let n = self.context.grid.scenarios;
        let state = Arc::new(BlockState {
            digits: self
                .venues
                .iter()
                .map(|v| BlockState::digits(&v.state))
                .collect(),
            bound: self.certificate.bound,
            scale: self.certificate.scale,
        });
        let scenarios = (0..1usize << self.context.grid.log_block)
            .into_par_iter()
            .map(|row| {
                let mut liabilities = [0; MAX_VENUES];
                for (liability, of) in liabilities.iter_mut().zip(&self.liabilities) {
                    *liability = of[row.min(n - 1)];
                }
                let gain = liabilities.iter().map(|&x| x.max(0) as u64).sum();
                ScenarioRow {
                    state: state.clone(),
                    liabilities,
                    weight: self
                        .certificate
                        .weight(gain)
                        .expect("the certificate gives every scenario a weight"),
                    padding: row >= n,
                    sums: Default::default(),
                    holdings: Vec::new(),
                }
            })
            .collect();
        let listings = &self.context.listings;
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
        rows.venues[0].scale = self.certificate.scale;
        rows.add_up(self.context.grid.log_block);
        rows
    }
}

/// The certificate with the claim's bound. Exponents must fit, so a bound far above EVaR needs a larger scale.
fn wider(honest: &Certificate, context: &Context, gains: &[u64]) -> Option<Certificate> {
    let bound = context.bound;
    let first = honest.scale.max(bound >> 25);
    (0..8).map(|i| first << i).find_map(|scale| {
        let certificate = Certificate { bound, scale };
        let sums = certificate.sums(gains)?;
        (sums.weights <= context.budget).then_some(certificate)
    })
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
