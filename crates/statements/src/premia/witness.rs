//! From a venue's private day to a claim and its proof.

use std::sync::Arc;

use gadgets::hash::Digest;
use rayon::prelude::*;
use stark::{Statement, Trace};
use venue::premia::{Day, Evaluated, PremiaError, Terms};
use venue::scenarios::ScenarioSet;
use venue::state::{Change, VenueState};

use super::claim::{PremiaClaim, Shown};
use super::lifts::Lifts;
use super::receipt::Receipt;
use super::rows::{Rows, single};
use super::said::said;
use super::statement::{Context, PartTables, Premia};
use super::steps::{funding, hidden, steps};
use super::tables::premia::carried;
use super::tables::states::StateRow;
use crate::account::{PublicDigest, Secret};
use crate::kit::{self, Example, Provable, Refusal};
use crate::nonce::Nonce;
use crate::venues::commitments::{link, salt_of_link};
use crate::venues::tables::scenarios::{BlockState, ScenarioRow};
use crate::venues::tables::{PRODUCT_LEN, WEIGHT_LIMBS};
use crate::venues::{commitment, markets_listing, scenarios_digest};

/// What the tables are filled from.
#[derive(Debug)]
pub struct Witness {
    secret: Secret,
    before: VenueState,
    day: Day,
    /// The premia up to each evaluated state, in ticks.
    paid: Vec<u64>,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Premia>;

/// A day as its terms say it. EVaR and premia are those that a proof states, but for totals: there the private EVaR of each
/// state is drawn within the tolerance above. What this accepts has a proof, whatever is drawn.
///
/// # Errors
/// As [`venue::premia::check`], or if something is too large for the tables.
pub fn check(
    set: &ScenarioSet,
    state: &VenueState,
    changes: &[Change],
    terms: &Terms,
) -> Result<Day, Refusal> {
    let day = venue::premia::check(set, state, changes, terms).map_err(refusal)?;
    let shown = said(set, &day, terms).map_err(Refusal::malformed)?;
    let fits = || -> Result<(), String> {
        steps(set, terms.confidence, &shown)?;
        hidden(set, terms.confidence, &shown)?;
        funding(set, &shown)?;
        Ok(())
    };
    fits().map_err(Refusal::malformed)?;
    Ok(day)
}

fn refusal(error: PremiaError) -> Refusal {
    Refusal::of(error, PremiaError::is_false)
}

impl Prepared {
    /// Claims what the terms say of the state before the first change and after each one.
    ///
    /// # Errors
    /// As [`check`].
    pub fn new(
        set: &ScenarioSet,
        state: &VenueState,
        changes: &[Change],
        terms: &Terms,
        secret: &Secret,
    ) -> Result<Self, Refusal> {
        let mut day = check(set, state, changes, terms)?;
        let until_ms = terms.until(set, state);
        let dates = [
            (state.as_of_ms, state.collected_since_ms),
            (until_ms, day.last().state.collected_since_ms),
        ];
        let [first, listing] =
            dates.map(|(date, since)| markets_listing(&set.quote, &set.markets, date, since));
        let before = commitment(state, secret, &first);
        let digest = scenarios_digest(set);
        if let Some(rounding) = &day.rounding {
            let lifts = Lifts::new(&before, secret, &digest, terms.confidence, rounding);
            for e in &mut day.states {
                e.lift = lifts.of(e, state.collected);
            }
            day.collect(terms).map_err(refusal)?;
        }
        for e in &mut day.states {
            e.state.as_of_ms = until_ms;
        }
        let shown = said(set, &day, terms).map_err(Refusal::malformed)?;
        let mut claim = PremiaClaim {
            scenarios: set.clone(),
            scenarios_digest: digest,
            confidence: terms.confidence,
            before,
            as_of_ms: state.as_of_ms,
            collected_since_ms: state.collected_since_ms,
            after: commitment(&day.last().state, secret, &listing),
            until_ms,
            links: Vec::new(),
            shown,
            nonce: None,
        };
        let witness = Witness {
            secret: secret.clone(),
            before: state.clone(),
            paid: paid(&day),
            day,
        };
        let opened = witness.receipts(&claim);
        if let Shown::Totals { receipts, .. } = &mut claim.shown {
            let opened = opened.iter().map(Receipt::commitment);
            *receipts = opened
                .collect::<Result<_, _>>()
                .map_err(Refusal::malformed)?;
        }
        claim.links = witness.links(&claim, &listing);
        let context = Premia::context(&claim).map_err(Refusal::malformed)?;
        Ok(Self {
            claim,
            context,
            witness,
        })
    }

    /// The state after the last change.
    pub fn after(&self) -> &VenueState {
        &self.witness.day.last().state
    }

    /// What opens the premium of each change, if EVaR and premia are private: for the change's own trader.
    pub fn receipts(&self) -> Vec<Receipt> {
        self.witness.receipts(&self.claim)
    }
}

impl Provable for Premia {
    type Witness = Witness;

    fn traces(
        claim: &PremiaClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        let rows = witness.rows(claim, context, part);
        rows.fill(&PartTables::new(context, part))
    }

    fn nonce_mut(claim: &mut PremiaClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// What opens the premium of each change, if EVaR and premia are private.
    fn receipts(&self, claim: &PremiaClaim) -> Vec<Receipt> {
        let Shown::Totals { .. } = claim.shown else {
            return Vec::new();
        };
        let numbers = 1..self.day.states.len();
        numbers.map(|number| self.receipt(claim, number)).collect()
    }

    fn receipt(&self, claim: &PremiaClaim, number: usize) -> Receipt {
        let to = &self.day.states[number];
        let change = to.change.as_ref().expect("a state behind a change");
        Receipt::new(&claim.before, &self.secret, number, change, to.premium)
    }

    /// The commitments to the states between parts.
    fn links(&self, claim: &PremiaClaim, listing: &Digest) -> Vec<PublicDigest> {
        let hides = matches!(claim.shown, Shown::Totals { .. });
        let per_part = Context::states_per_part(claim);
        let ends = (per_part..self.day.states.len()).step_by(per_part);
        ends.enumerate()
            .map(|(i, end)| {
                let e = &self.day.states[end - 1];
                let carried = hides.then(|| carried(e.evar().0, self.paid[end - 1]));
                link(&e.state, &self.secret, listing, i + 1, carried)
            })
            .collect()
    }

    /// The number of a part's first evaluated state, and the part's states.
    fn part(&self, context: &Context, part: usize) -> (usize, &[Evaluated]) {
        let start = part * context.per_part;
        let end = self.day.states.len().min(start + context.per_part);
        (start, &self.day.states[start..end])
    }

    /// The rows of a part's tables.
    pub(super) fn rows(&self, claim: &PremiaClaim, context: &Context, part: usize) -> Rows {
        let (_, blocks) = self.part(context, part);
        let scenarios = scenario_rows(context, blocks);
        let mut rows = Rows {
            scenarios,
            groups: Vec::new(),
            states: self.state_rows(claim, context, part),
            holdings: Vec::new(),
            funding: Vec::new(),
        };
        rows.add_up(blocks.len(), context.grid.log_block);
        if context.has_funding(part) {
            rows.add_up_holdings(&context.grid, blocks.len());
        }
        rows
    }

    fn state_rows(&self, claim: &PremiaClaim, context: &Context, part: usize) -> Vec<StateRow> {
        let (start, blocks) = self.part(context, part);
        let opening = match start.checked_sub(1) {
            Some(before) => &self.day.states[before].state,
            None => &self.before,
        };
        let hides = context.hidden.is_some();
        // Of the evaluated states, where the rows have a use for it: row 0 holds the state before the part.
        let evar = |row: usize| {
            let before = (start + row).saturating_sub(1);
            if hides {
                self.day.states[before].evar().0
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
                    salt: self.salt(context, part, row, state),
                    lots: trade.map_or(0, |t| t.lots.0),
                    traded: trade.map_or(0, |t| after.quantities[t.market].0),
                    entry_after: after.entry.0.into(),
                    amounts_after: [after.capital, after.providers, after.collected].map(|x| x.0),
                    bound: own.map_or(0, |e| e.certificate.bound),
                    scale: own.map_or(0, |e| e.certificate.scale),
                    weights: own.map_or(0, |e| e.sums.weights),
                    gains: own.map_or(0, |e| e.sums.gains),
                    evar: evar(row),
                    evar_after: evar((row + 1).min(blocks.len())),
                    premia: paid(row),
                    receipt_salt: if receipted {
                        self.receipt(claim, number).salt.elements()
                    } else {
                        Digest::default()
                    },
                }
            })
            .collect()
    }

    /// What hides the state of a part's row: the first and the last are committed to.
    fn salt(&self, context: &Context, part: usize, row: usize, state: &VenueState) -> Digest {
        let (start, blocks) = self.part(context, part);
        let [first, listing] = &context.listings;
        let is_last = part + 1 == context.parts();
        let (listing, link) = match row {
            0 if part == 0 => (first, 0),
            0 => (listing, part),
            row if row == blocks.len() => (listing, if is_last { 0 } else { part + 1 }),
            _ => return Digest::default(),
        };
        let carried = (context.hidden.is_some() && link > 0).then(|| {
            let before = start + row - 1;
            carried(self.day.states[before].evar().0, self.paid[before])
        });
        salt_of_link(state, &self.secret, listing, link, carried)
    }
}

fn scenario_rows(context: &Context, blocks: &[Evaluated]) -> Vec<ScenarioRow> {
    let block = 1 << context.grid.log_block;
    let n = context.grid.scenarios;
    let counted = |state: &VenueState| match context.fact {
        Some(fact) => fact.counted(state),
        None => state.clone(),
    };
    let states: Vec<Arc<BlockState>> = blocks
        .iter()
        .map(|e| {
            Arc::new(BlockState {
                digits: vec![BlockState::digits(&counted(&e.state))],
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
            ScenarioRow {
                state: states[at].clone(),
                liabilities: single(liability),
                weight: blocks[at]
                    .weight(liability, context.grid.shift(scenario))
                    .expect("the certificate gives every scenario a weight"),
                padding: scenario >= n || row >= blocks.len() * block,
                sums: [0; WEIGHT_LIMBS + PRODUCT_LEN],
                holdings: Vec::new(),
            }
        })
        .collect()
}

/// The premia up to each evaluated state.
fn paid(day: &Day) -> Vec<u64> {
    let premia = day.states.iter().map(|e| e.premium);
    premia
        .scan(0u64, |paid, premium| {
            // Beyond 2^60 no claim can be made of it, see `steps`.
            *paid = paid.saturating_add(premium.0);
            Some(*paid)
        })
        .collect()
}
