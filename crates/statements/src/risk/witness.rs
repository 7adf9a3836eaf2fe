//! From a venue's private state to a proof. What is false is refused here, in the user's words.

use std::path::Path;
use std::sync::Arc;

use fixed::Decimal;
use gadgets::hash::{Digest, Domain, hash};
use rayon::prelude::*;
use risk::certificate::{Certificate, Sums, slack};
use risk::evar::{Confidence, EvarError};
use risk::scenarios::{ScenarioError, ScenarioSet};
use risk::venue::{Change, VenueError, VenueState, ticks};
use stark::{F, PartProof, PrimeCharacteristicRing, Statement, Tally, Trace, fill};

use super::claim::{PricedChange, PublicChange, RATE_DECIMALS, RiskClaim, Shown, scenarios_digest};
use super::grid::{GROUP, Grid};
use super::statement::{Context, PartTables, Risk};
use super::tables::exponential::ExponentialTable;
use super::tables::funding::FundingRow;
use super::tables::groups::{GroupRow, add_up};
use super::tables::holdings::HoldingRow;
use super::tables::scenarios::{BlockState, MAX_VENUES, ScenarioRow, worth_len};
use super::tables::states::{StateRow, commit, markets_listing, quads, state_elements};
use super::tables::{PRODUCT_LEN, WEIGHT_LIMBS, value_of};
use crate::account::{PublicDigest, Secret};
use crate::parts::{PartsError, prove_claim};

/// What to claim.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How sure.
    pub confidence: Confidence,
    /// State EVaR and premia; otherwise only that capital covers EVaR.
    pub prices: bool,
    /// Publish the trades' sizes.
    pub show_lots: bool,
    /// State the funding rates of the last state.
    pub funding: bool,
    /// As of when the last state is, in milliseconds since 1970. If it is not said: as of the scenarios, or of the first
    /// state if that is later.
    pub until_ms: Option<u64>,
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

/// The commitment to a state under a secret. The same state of the same date has the same commitment; `listing` is the
/// digest of what its places stand for, and when.
pub fn commitment(state: &VenueState, secret: &Secret, listing: &Digest) -> PublicDigest {
    commit(state, &salt(state, secret, listing, 0), listing).into()
}

/// The commitment to a state between parts: `link` is the number of the part before it, plus one, and the same
/// state has another commitment behind another part.
pub(crate) fn link(
    state: &VenueState,
    secret: &Secret,
    listing: &Digest,
    link: usize,
) -> PublicDigest {
    commit(state, &salt(state, secret, listing, link), listing).into()
}

/// What hides the commitment to a state; `link` is zero at the ends of a claim.
pub(crate) fn salt(state: &VenueState, secret: &Secret, listing: &Digest, link: usize) -> Digest {
    let mut elements = listing.to_vec();
    elements.push(F::from_usize(link));
    elements.extend(state_elements(state));
    secret.salt_for(&hash(Domain::Venue, &elements))
}

/// An evaluated state.
struct Evaluated {
    state: VenueState,
    /// What leads to it.
    change: Option<Change>,
    liabilities: Vec<i64>,
    certificate: Certificate,
    sums: Sums,
}

/// A true claim, ready to be proven part by part.
pub struct Prepared {
    claim: RiskClaim,
    context: Context,
    secret: Secret,
    before: VenueState,
    evaluated: Vec<Evaluated>,
}

/// The EVaR of a certificate, in whole ticks, rounded up.
fn evar_ticks(certificate: &Certificate) -> u64 {
    u64::try_from(certificate.bound.div_ceil(1 << 20)).unwrap_or(u64::MAX)
}

impl Evaluated {
    fn new(
        state: VenueState,
        change: Option<Change>,
        set: &ScenarioSet,
        confidence: Confidence,
    ) -> Result<Self, VenueError> {
        let liabilities = state.liabilities(set)?;
        let gains: Vec<u64> = liabilities.iter().map(|&x| x.max(0) as u64).collect();
        let certificate = Certificate::find(&gains, confidence)?;
        let sums = certificate
            .sums(&gains)
            .ok_or(VenueError::Evar(EvarError::Range))?;
        Ok(Self {
            state,
            change,
            liabilities,
            certificate,
            sums,
        })
    }

    fn evar(&self) -> u64 {
        evar_ticks(&self.certificate)
    }

    /// How far the weights' mean gain is below the bound, in ticks, rounded up.
    fn epsilon(&self) -> u64 {
        let most = self.certificate.bound * self.sums.weights;
        let below = most.saturating_sub(self.sums.gains << 20);
        below.div_ceil(self.sums.weights << 20) as u64
    }
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
        let mut evaluated = evaluate(set, state, changes, terms)?;
        for e in &mut evaluated {
            e.state.as_of_ms = until_ms;
        }
        let shown = if terms.prices {
            let tolerance = tolerance(set, &evaluated, terms.confidence)
                .map_err(|e| RiskError::Claim(e.to_string()))?;
            let priced = evaluated
                .windows(2)
                .zip(changes)
                .map(|(pair, change)| PricedChange {
                    change: public(change, terms.show_lots),
                    evar: ticks(pair[1].evar().into()),
                    premium: ticks(premium(change, &pair[0], &pair[1]).into()),
                });
            Shown::Prices {
                evar: ticks(evaluated[0].evar().into()),
                tolerance: ticks(tolerance.into()),
                changes: priced.collect(),
                funding: terms.funding.then(|| funding_rates(set, &evaluated)),
            }
        } else {
            for (i, e) in evaluated.iter().enumerate() {
                let means = i128::from(e.state.capital) + i128::from(e.state.collected);
                let evar = i128::from(e.evar());
                if evar > means {
                    return Err(RiskError::Uncovered(Box::new(Uncovered {
                        place: place(i),
                        evar: ticks(evar),
                        means: ticks(means),
                        excess: ticks(evar - means),
                        quote: set.quote.clone(),
                    })));
                }
            }
            let changes = changes.iter().map(|change| public(change, false));
            Shown::Covered {
                changes: changes.collect(),
            }
        };
        let last = &evaluated[evaluated.len() - 1].state;
        let [first, listing] = [state.as_of_ms, until_ms]
            .map(|date| markets_listing(&set.quote, &set.markets, date));
        let mut claim = RiskClaim {
            scenarios: set.clone(),
            scenarios_digest: scenarios_digest(set),
            confidence: terms.confidence,
            before: commitment(state, secret, &first),
            as_of_ms: state.as_of_ms,
            after: commitment(last, secret, &listing),
            until_ms,
            links: Vec::new(),
            shown,
            nonce: None,
        };
        let per_part = Context::states_per_part(&claim);
        claim.links = evaluated
            .chunks(per_part)
            .rev()
            .skip(1)
            .rev()
            .enumerate()
            .map(|(i, part)| link(&part[part.len() - 1].state, secret, &listing, i + 1))
            .collect();
        let context = Risk::context(&claim).map_err(RiskError::Claim)?;
        Ok(Self {
            claim,
            context,
            secret: secret.clone(),
            before: state.clone(),
            evaluated,
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
        let [first, listing] = &self.context.listings;
        let is_last = part + 1 == self.context.parts();
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
                StateRow {
                    state: state.clone(),
                    salt: if row == 0 {
                        let listing = if part == 0 { first } else { listing };
                        salt(state, &self.secret, listing, part)
                    } else if row == blocks.len() {
                        let link = if is_last { 0 } else { part + 1 };
                        salt(state, &self.secret, listing, link)
                    } else {
                        Digest::default()
                    },
                    lots: trade.map_or(0, |t| t.lots),
                    traded: trade.map_or(0, |t| after.quantities[t.market]),
                    entry_after: after.entry.into(),
                    amounts_after: [after.capital, after.providers, after.collected],
                    bound: own.map_or(0, |e| e.certificate.bound),
                    scale: own.map_or(0, |e| e.certificate.scale),
                    weights: own.map_or(0, |e| e.sums.weights),
                    gains: own.map_or(0, |e| e.sums.gains),
                }
            })
            .collect()
    }
}

/// The liabilities of one venue.
pub(super) fn single(liability: i64) -> [i64; MAX_VENUES] {
    let mut liabilities = [0; MAX_VENUES];
    liabilities[0] = liability;
    liabilities
}

/// The rows of a part's tables that hold private data; those below are padding.
#[derive(Clone)]
pub(super) struct Rows {
    pub scenarios: Vec<ScenarioRow>,
    pub groups: Vec<GroupRow>,
    pub states: Vec<StateRow>,
    pub holdings: Vec<HoldingRow>,
    pub funding: Vec<FundingRow>,
}

impl Rows {
    /// Computes the sums of the scenarios and the groups.
    pub fn add_up(&mut self, blocks: usize, log_block: usize) {
        self.groups = add_up(&mut self.scenarios, blocks, log_block);
    }

    /// Computes the tilted worths of the last of so many blocks.
    pub fn add_up_holdings(&mut self, grid: &Grid, blocks: usize) {
        let (block, length) = (1 << grid.log_block, worth_len(grid.value_limbs));
        // Per group: what all but its last scenario add, the last one's tilted weight, and what it adds.
        let groups: Vec<(Vec<u64>, u64, Vec<u64>)> = self
            .scenarios
            .par_chunks_mut(GROUP)
            .enumerate()
            .map(|(g, rows)| {
                let mut sums = vec![0; (grid.markets + 1) * length];
                let mut last = Vec::new();
                for (i, row) in rows.iter_mut().enumerate() {
                    row.holdings.clone_from(&sums);
                    let scenario = (g * GROUP + i) % block;
                    last = row.holding_terms(grid, scenario);
                    if i + 1 < GROUP {
                        for (sum, term) in sums.iter_mut().zip(&last) {
                            *sum += term;
                        }
                    }
                }
                (sums, rows[GROUP - 1].tilted(), last)
            })
            .collect();
        let per_block = block / GROUP;
        self.holdings.clear();
        let mut totals = Vec::new();
        for series in 0..=grid.markets {
            let own = series * length..(series + 1) * length;
            let mut before = 0;
            for (sums, last_weight, last) in &groups[(blocks - 1) * per_block..blocks * per_block] {
                let after = before + value_of(&sums[own.clone()]) + value_of(&last[own.clone()]);
                self.holdings.push(HoldingRow {
                    before,
                    after,
                    coefficients: sums[own.clone()].to_vec(),
                    last_weight: *last_weight,
                });
                before = after;
            }
            totals.push(before);
        }
        let weights = self.states[self.states.len() - 1].weights;
        self.funding = (0..1 << stark::MIN_LOG_HEIGHT)
            .map(|row| FundingRow {
                worth: totals.get(row).copied().unwrap_or(0),
                tilted: totals[grid.markets],
                weights,
            })
            .collect();
    }

    pub fn fill(&self, tables: &PartTables) -> Vec<Trace> {
        let airs = tables.airs();
        let [coarse, fine] = ExponentialTable::tallied();
        let tally = Tally::new(&[coarse, fine, tables.limbs.tallied()]);
        let scenarios = fill(&tables.scenarios, &airs[0], &tally, |row| {
            self.scenarios[row].clone()
        });
        let groups = fill(&tables.groups, &airs[1], &tally, |row| {
            self.groups.get(row).cloned().unwrap_or_default()
        });
        let last = self.states.len() - 1;
        let states = fill(&tables.states, &airs[2], &tally, |row| {
            let mut witness = self.states[row.min(last)].clone();
            if row > last {
                // The last state again, neither evaluated nor committed.
                witness.salt = Default::default();
                (witness.bound, witness.scale) = (0, 0);
                (witness.weights, witness.gains) = (0, 0);
            }
            witness
        });
        let holdings = tables.funding.as_ref().map(|(holdings, funding)| {
            let worths = fill(holdings, &airs[6], &tally, |row| {
                self.holdings.get(row).cloned().unwrap_or_default()
            });
            let rates = fill(funding, &airs[7], &tally, |row| self.funding[row].clone());
            [worths, rates]
        });
        let exponential = tables.exponential.trace(&airs[3], &tally);
        let limbs = tables.limbs.trace(&airs[4], &tally);
        let committed = [&self.states[0], &self.states[last]];
        let mut quads: Vec<_> = committed
            .into_iter()
            .zip(&tables.states.listings)
            .flat_map(|(row, listing)| quads(&row.state, &row.salt, listing))
            .collect();
        let sponge = tables.sponge.trace(&airs[5], &mut quads);
        let mut traces = vec![scenarios, groups, states, exponential, limbs, sponge];
        traces.extend(holdings.into_iter().flatten());
        traces
    }
}

/// The funding rates of the last state, by its certificate's weights: `floor(10^12 (A - W v) / (2 h Y))` in 10^-12 of
/// the quote currency a lot and day (see [`FundingTable`](super::tables::funding::FundingTable)).
fn funding_rates(set: &ScenarioSet, evaluated: &[Evaluated]) -> Vec<Decimal> {
    let last = &evaluated[evaluated.len() - 1];
    let weights: Vec<u64> = last
        .liabilities
        .iter()
        .map(|&x| match last.certificate.weight(x.max(0) as u64) {
            Some(weight) if x > 0 => weight.weight,
            _ => 0,
        })
        .collect();
    let divisor = last.sums.weights as i128 * 2 * i128::from(set.horizon_micro_days());
    let rate = |i: usize| {
        // At most 2^14 times 2^47 times 2^40.
        let change: i128 = weights
            .iter()
            .zip(&set.values)
            .map(|(&w, v)| i128::from(w) * (i128::from(v[i]) - i128::from(set.markets[i].value)))
            .sum();
        let rate = fixed::mul_div(change, 1_000_000_000_000, divisor, fixed::Rounding::Floor);
        Decimal::new(rate.expect("below 2^101"), RATE_DECIMALS)
    };
    (0..set.markets.len()).map(rate).collect()
}

fn place(state: usize) -> String {
    if state == 0 {
        "before the first trade".into()
    } else {
        format!("after change {state}")
    }
}

/// What is public of a change.
fn public(change: &Change, show_lots: bool) -> PublicChange {
    match change {
        Change::Trade(trade) => PublicChange::Trade {
            market: trade.market as u32,
            price: ticks(trade.price.into()),
            lots: show_lots.then_some(trade.lots),
        },
        Change::Transfer(transfer) => PublicChange::Transfer {
            capital: ticks(transfer.capital.into()),
            providers: ticks(transfer.providers.into()),
            collected: ticks(transfer.collected.into()),
        },
    }
}

/// What a change pays, in ticks.
fn premium(change: &Change, before: &Evaluated, after: &Evaluated) -> u64 {
    if change.pays() {
        after.evar().saturating_sub(before.evar())
    } else {
        0
    }
}

/// The states before the first change and after each. Premia are collected where they are stated, so a state
/// depends on the EVaR of the one before and of its own.
fn evaluate(
    set: &ScenarioSet,
    state: &VenueState,
    changes: &[Change],
    terms: &Terms,
) -> Result<Vec<Evaluated>, RiskError> {
    // EVaR does not depend on what was collected: all states can be evaluated at once, without it.
    let at = |i: usize| {
        move |error| RiskError::State {
            place: place(i),
            error,
        }
    };
    let mut states = vec![(state.clone(), None)];
    for (i, change) in changes.iter().enumerate() {
        let after = states[i].0.changed(&change.without_collected(), 0);
        states.push((after.map_err(at(i + 1))?, Some(*change)));
    }
    let mut evaluated = states
        .into_par_iter()
        .enumerate()
        .map(|(i, (state, change))| {
            Evaluated::new(state, change, set, terms.confidence).map_err(at(i))
        })
        .collect::<Result<Vec<_>, _>>()?;
    for (i, change) in changes.iter().enumerate() {
        let premium = if terms.prices {
            premium(change, &evaluated[i], &evaluated[i + 1])
        } else {
            0
        };
        let after = evaluated[i]
            .state
            .changed(change, premium)
            .map_err(at(i + 1))?;
        evaluated[i + 1].state = after;
    }
    Ok(evaluated)
}

/// What every state's interval fits in: a millionth of the largest EVaR, or what it takes.
fn tolerance(
    set: &ScenarioSet,
    evaluated: &[Evaluated],
    confidence: Confidence,
) -> Result<u64, fixed::DomainError> {
    let slack = slack(set.values.len(), confidence)?;
    let most = evaluated.iter().map(Evaluated::evar).max().unwrap_or(0);
    let mut tolerance = most / 1_000_000;
    for e in evaluated {
        let below = slack.times(e.evar() as i64)?.ceil_at(0)?;
        tolerance = tolerance.max(below as u64 + e.epsilon() + 2);
    }
    Ok(tolerance)
}
