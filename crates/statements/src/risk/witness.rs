//! From a venue's private state to a proof. What is false is refused here, in the user's words.

use std::path::Path;
use std::sync::Arc;

use fixed::Decimal;
use gadgets::hash::Digest;
use rayon::prelude::*;
use stark::{PartProof, Statement, Trace};
use venue::evar::Confidence;
use venue::scenarios::{ScenarioError, ScenarioSet};
use venue::state::{Change, VenueError, VenueState, charge};

use super::claim::{RiskClaim, Shown};
use super::evaluate::{Evaluated, collect, evaluate, said};
use super::receipt::Receipt;
use super::rows::{Rows, single};
use super::statement::{Context, PartTables, Risk};
use super::tables::premia::carried;
use super::tables::states::StateRow;
use super::totals::{Lifts, Rounding};
use crate::account::{PublicDigest, Secret};
use crate::parts::{PartsError, prove_claim};
use crate::venues::commitments::{link, salt_of_link};
use crate::venues::tables::scenarios::{BlockState, ScenarioRow};
use crate::venues::tables::{PRODUCT_LEN, WEIGHT_LIMBS};
use crate::venues::{commitment, markets_listing, scenarios_digest};

/// What to claim.
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

/// What to say of the states, of which [`Shown`](super::Shown) is the public part.
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
    /// Only that capital and the collected sum cover EVaR.
    Covered,
}

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum RiskError {
    /// The scenario set is malformed.
    #[error("scenarios: {0}")]
    Scenarios(#[from] ScenarioError),
    /// A state has no risk.
    #[error("{place}: {error}")]
    State {
        /// Which state.
        place: String,
        /// What is wrong.
        error: VenueError,
    },
    /// The claim is false.
    #[error(transparent)]
    Uncovered(Box<Uncovered>),
    /// The claim does not fit the statement.
    #[error("{0}")]
    Claim(String),
}

/// A state whose EVaR exceeds what covers it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: EVaR of {evar} exceeds capital and collected sum of {means} by {excess} {quote}")]
pub struct Uncovered {
    /// Which state.
    pub place: String,
    /// EVaR, rounded up.
    pub evar: Decimal,
    /// Capital and what was collected.
    pub means: Decimal,
    /// The difference.
    pub excess: Decimal,
    /// The currency.
    pub quote: String,
}
/// A true claim, ready to be proven part by part.
pub struct Prepared {
    claim: RiskClaim,
    context: Context,
    secret: Secret,
    before: VenueState,
    evaluated: Vec<Evaluated>,
    /// The premia up to each evaluated state, in ticks.
    paid: Vec<u64>,
}
impl Prepared {
    /// Evaluates the state before the first change and after each one, and makes the claim.
    ///
    /// # Errors
    /// If the claim would be false or something is malformed or too large.
    pub fn new(
        set: &ScenarioSet,
        state: &VenueState,
        changes: &[Change],
        terms: &Terms,
        secret: &Secret,
    ) -> Result<Self, RiskError> {
        set.validate()?;
        let until_ms = terms.until_ms.unwrap_or(set.as_of_ms.max(state.as_of_ms));
        let [first, listing] =
            [state.as_of_ms, until_ms].map(|date| markets_listing(&set.quote, &set.markets, date));
        let before = commitment(state, secret, &first);
        let digest = scenarios_digest(set);
        let mut evaluated = evaluate(set, state, changes, terms)?;
        let rounding = Rounding::chosen(set, &evaluated, terms)?;
        if let Some(rounding) = &rounding {
            let lifts = Lifts::new(&before, secret, &digest, terms.confidence, rounding);
            evaluated.iter_mut().for_each(|e| e.lift = lifts.of(e));
        }
        collect(&mut evaluated, changes, terms)?;
        for e in &mut evaluated {
            e.state.as_of_ms = until_ms;
        }
        let shown = said(set, &evaluated, terms, rounding.as_ref())?;
        let last = &evaluated[evaluated.len() - 1].state;
        let mut claim = RiskClaim {
            scenarios: set.clone(),
            scenarios_digest: digest,
            confidence: terms.confidence,
            before,
            as_of_ms: state.as_of_ms,
            after: commitment(last, secret, &listing),
            until_ms,
            links: Vec::new(),
            shown,
            nonce: None,
        };
        if let Shown::Totals { receipts, .. } = &mut claim.shown {
            let opened = evaluated.iter().zip(&evaluated[1..]).enumerate();
            *receipts = opened
                .map(|(i, (before, after))| receipt(&claim.before, secret, i + 1, before, after))
                .map(|receipt| receipt.commitment().map_err(RiskError::Claim))
                .collect::<Result<_, _>>()?;
        }
        let hides = matches!(claim.shown, Shown::Totals { .. });
        let paid = paid(&evaluated);
        let ends = (Context::states_per_part(&claim)..evaluated.len())
            .step_by(Context::states_per_part(&claim));
        claim.links = ends
            .enumerate()
            .map(|(i, end)| {
                let e = &evaluated[end - 1];
                let carried = hides.then(|| carried(e.evar(), paid[end - 1]));
                link(&e.state, secret, &listing, i + 1, carried)
            })
            .collect();
        let context = Risk::context(&claim).map_err(RiskError::Claim)?;
        Ok(Self {
            claim,
            context,
            secret: secret.clone(),
            before: state.clone(),
            evaluated,
            paid,
        })
    }

    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<crate::nonce::Nonce>) -> Self {
        self.claim.nonce = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &RiskClaim {
        &self.claim
    }

    /// The public numbers of the claim.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The state after the last change.
    pub fn after(&self) -> &VenueState {
        &self.evaluated[self.evaluated.len() - 1].state
    }

    /// What opens the premium of each change, if EVaR and premia are private: for the change's own trader.
    pub fn receipts(&self) -> Vec<Receipt> {
        let Shown::Totals { .. } = self.claim.shown else {
            return Vec::new();
        };
        (1..self.evaluated.len())
            .map(|number| self.receipt(number))
            .collect()
    }

    fn receipt(&self, number: usize) -> Receipt {
        let (before, after) = (&self.evaluated[number - 1], &self.evaluated[number]);
        receipt(&self.claim.before, &self.secret, number, before, after)
    }

    /// Proves all parts. `progress` is told the parts done and their number. Finished parts are kept in the folder
    /// `resume`, if given, and not made again.
    ///
    /// # Errors
    /// If the proof system fails or the folder cannot be written.
    pub fn prove(
        &self,
        progress: &mut dyn FnMut(usize, usize),
        resume: Option<&Path>,
    ) -> Result<Vec<PartProof>, PartsError> {
        prove_claim::<Risk>(&self.claim, &self.context, resume, progress, |part| {
            self.traces(part)
        })
    }

    /// The filled tables of a part, in the order of [`Statement::part`].
    pub fn traces(&self, part: usize) -> Vec<Trace> {
        self.rows(part).fill(&PartTables::new(&self.context, part))
    }

    /// The rows of a part's tables.
    pub(super) fn rows(&self, part: usize) -> Rows {
        let start = part * self.context.per_part;
        let end = self.evaluated.len().min(start + self.context.per_part);
        let opening = match start.checked_sub(1) {
            Some(before) => &self.evaluated[before].state,
            None => &self.before,
        };
        let blocks = &self.evaluated[start..end];
        let scenarios = self.scenario_rows(blocks);
        let mut rows = Rows {
            scenarios,
            groups: Vec::new(),
            states: self.state_rows(part, opening, blocks),
            holdings: Vec::new(),
            funding: Vec::new(),
        };
        rows.add_up(blocks.len(), self.context.grid.log_block);
        if self.context.has_funding(part) {
            rows.add_up_holdings(&self.context.grid, blocks.len());
        }
        rows
    }

    fn scenario_rows(&self, blocks: &[Evaluated]) -> Vec<ScenarioRow> {
        let block = 1 << self.context.grid.log_block;
        let n = self.context.grid.scenarios;
        let states: Vec<Arc<BlockState>> = blocks
            .iter()
            .map(|e| {
                Arc::new(BlockState {
                    digits: vec![BlockState::digits(&e.state)],
                    bound: e.certificate.bound,
                    scale: e.certificate.scale,
                })
            })
            .collect();
        (0..block * blocks.len().next_power_of_two())
            .into_par_iter()
            .map(|row| {
                // Below the last block its state goes on, without weights.
                let at = (row / block).min(blocks.len() - 1);
                let scenario = row % block;
                let liability = blocks[at].liabilities[scenario.min(n - 1)];
                let certificate = &blocks[at].certificate;
                ScenarioRow {
                    state: states[at].clone(),
                    liabilities: single(liability),
                    weight: certificate
                        .weight(liability.max(0) as u64)
                        .expect("the certificate gives every scenario a weight"),
                    padding: scenario >= n || row >= blocks.len() * block,
                    sums: [0; WEIGHT_LIMBS + PRODUCT_LEN],
                    holdings: Vec::new(),
                }
            })
            .collect()
    }

    fn state_rows(&self, part: usize, opening: &VenueState, blocks: &[Evaluated]) -> Vec<StateRow> {
        let start = part * self.context.per_part;
        let hides = self.context.hidden.is_some();
        // Of the evaluated states, where the rows have a use for it: row 0 holds the state before the part.
        let evar = |row: usize| {
            let before = (start + row).saturating_sub(1);
            if hides {
                self.evaluated[before].evar()
            } else {
                0
            }
        };
        let paid = |row: usize| {
            let before = (start + row).saturating_sub(1);
            if hides { self.paid[before] } else { 0 }
        };
        let states = std::iter::once(opening).chain(blocks.iter().map(|e| &e.state));
        states
            .enumerate()
            .map(|(row, state)| {
                let own = row.checked_sub(1).map(|i| &blocks[i]);
                let next = blocks.get(row);
                let trade = next.and_then(|e| match e.change {
                    Some(Change::Trade(trade)) => Some(trade),
                    _ => None,
                });
                let after = next.map_or(state, |e| &e.state);
                let number = start + row;
                let receipted = hides && next.is_some() && number > 0;
                StateRow {
                    state: state.clone(),
                    salt: self.salt(part, row, blocks.len(), state),
                    lots: trade.map_or(0, |t| t.lots),
                    traded: trade.map_or(0, |t| after.quantities[t.market]),
                    entry_after: after.entry.into(),
                    amounts_after: [after.capital, after.providers, after.collected],
                    bound: own.map_or(0, |e| e.certificate.bound),
                    scale: own.map_or(0, |e| e.certificate.scale),
                    weights: own.map_or(0, |e| e.sums.weights),
                    gains: own.map_or(0, |e| e.sums.gains),
                    evar: evar(row),
                    evar_after: evar((row + 1).min(blocks.len())),
                    premia: paid(row),
                    receipt_salt: if receipted {
                        self.receipt(number).salt.elements()
                    } else {
                        Digest::default()
                    },
                }
            })
            .collect()
    }

    /// What hides the state of a part's row: the first and the last of so many blocks are committed to.
    fn salt(&self, part: usize, row: usize, blocks: usize, state: &VenueState) -> Digest {
        let [first, listing] = &self.context.listings;
        let is_last = part + 1 == self.context.parts();
        let (listing, link) = match row {
            0 if part == 0 => (first, 0),
            0 => (listing, part),
            row if row == blocks => (listing, if is_last { 0 } else { part + 1 }),
            _ => return Digest::default(),
        };
        let start = part * self.context.per_part;
        let carried = (self.context.hidden.is_some() && link > 0).then(|| {
            let before = start + row - 1;
            carried(self.evaluated[before].evar(), self.paid[before])
        });
        salt_of_link(state, &self.secret, listing, link, carried)
    }
}

/// The premia up to each evaluated state.
fn paid(evaluated: &[Evaluated]) -> Vec<u64> {
    let mut paid = vec![0u64];
    for pair in evaluated.windows(2) {
        let premium = charge(pair[0].evar(), pair[1].evar());
        // Beyond 2^60 no claim can be made of it, see `steps`.
        paid.push(paid[paid.len() - 1].saturating_add(premium));
    }
    paid
}

/// The receipt of the change between two states.
fn receipt(
    before: &PublicDigest,
    secret: &Secret,
    number: usize,
    from: &Evaluated,
    to: &Evaluated,
) -> Receipt {
    let change = to.change.as_ref().expect("a state behind a change");
    let premium = charge(from.evar(), to.evar());
    Receipt::new(before, secret, number, change, premium)
}
