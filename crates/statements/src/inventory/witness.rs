//! From a book and a state to a proof. What is false is refused here, in the user's words.

use std::path::Path;
use std::sync::Arc;

use gadgets::hash::Digest;
use rayon::prelude::*;
use stark::{F, PartProof, PrimeCharacteristicRing, Statement, Tally, Trace, fill};
use venue::certificate::MAX_GAIN;
use venue::inventory::{InventoryError, Mismatch, inventory};
use venue::scenarios::ScenarioSet;
use venue::state::{MAX_QUANTITY, VenueState};

use super::claim::InventoryClaim;
use super::statement::{Context, Inventory, PartTables, segment};
use super::tables::{LeafRow, PER_ROW, POSITION_LIMBS, PositionsRow, StateRow, limbs_of_position};
use crate::account::{Secret, position_key};
use crate::book::{Member, SealedBook};
use crate::parts::{PartsError, prove_claim};
use crate::trees::{book_root, log_slots, tree};
use crate::venues::commitments::{commitment_quads, link, quads, salt};
use crate::venues::{commitment, markets_listing};
use crate::words::quoted;

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum InventoryFailure {
    /// Instruments and markets do not correspond, or a sum is too large.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The claim is false.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The claim does not fit the statement.
    #[error("{0}")]
    Claim(String),
}

/// A true claim, ready to be proven part by part.
pub struct Prepared {
    claim: InventoryClaim,
    context: Context,
    /// The secret of the venue's states.
    secret: Secret,
    pub(super) book: Arc<SealedBook>,
    /// The states before the first part, between parts, and after the last.
    states: Vec<VenueState>,
}

impl Prepared {
    /// Prepares the claim that a state holds the inventory of a book. `secret` is that of the venue's states.
    ///
    /// # Errors
    /// If it does not, or something is malformed or too large.
    pub fn new(
        book: &Arc<SealedBook>,
        set: &ScenarioSet,
        state: &VenueState,
        secret: &Secret,
    ) -> Result<Self, InventoryFailure> {
        let (snapshot, members) = (&book.snapshot, &book.members);
        if snapshot.quote != set.quote {
            return Err(InventoryFailure::Claim(format!(
                "the book is in {} and the scenarios are in {}",
                quoted(&snapshot.quote),
                quoted(&set.quote)
            )));
        }
        let sum = |members: &[Member]| {
            let accounts = members.iter().map(|m| &m.account);
            inventory(accounts, &snapshot.instruments, &set.markets)
        };
        sum(members)?.check(state, &set.markets)?;
        let (accounts, slots) = (book.accounts(), book.slots as usize);
        let size = segment(accounts, slots);
        let mut states = vec![VenueState {
            quantities: vec![0; set.markets.len()],
            entry: 0,
            ..state.clone()
        }];
        let mut roots = Vec::new();
        for part in members.chunks(size) {
            let mut leaves: Vec<Digest> = part.par_iter().map(|m| m.leaf.digest()).collect();
            leaves.resize(size, [F::ZERO; 8]);
            roots.push(tree(leaves)[1]);
            let own = sum(part)?;
            let mut after = states[states.len() - 1].clone();
            for (sum, own) in after.quantities.iter_mut().zip(&own.quantities) {
                *sum += own;
            }
            after.entry += own.entry;
            let large = after.quantities.iter().any(|q| q.abs() >= MAX_QUANTITY);
            if large || after.entry.unsigned_abs() >= MAX_GAIN {
                return Err(InventoryError::TooLarge.into());
            }
            states.push(after);
        }
        let listing = markets_listing(&snapshot.quote, &set.markets, state.as_of_ms);
        let root = book_root(&roots, size.ilog2() as usize, log_slots(accounts));
        let claim = InventoryClaim {
            snapshot: snapshot.clone(),
            markets: set.markets.clone(),
            book: book.reference(&root),
            segments: roots.into_iter().map(Into::into).collect(),
            links: states[1..states.len() - 1]
                .iter()
                .enumerate()
                .map(|(i, s)| link(s, secret, &listing, i + 1, None))
                .collect(),
            state_as_of_ms: state.as_of_ms,
            state: commitment(state, secret, &listing),
            nonce: None,
        };
        let context = Inventory::context(&claim).map_err(InventoryFailure::Claim)?;
        Ok(Self {
            claim,
            context,
            secret: secret.clone(),
            book: book.clone(),
            states,
        })
    }

    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<crate::nonce::Nonce>) -> Self {
        self.claim.nonce = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &InventoryClaim {
        &self.claim
    }

    /// The public numbers of the claim.
    pub fn context(&self) -> &Context {
        &self.context
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
        prove_claim::<Inventory>(&self.claim, &self.context, resume, progress, |part| {
            self.traces(part)
        })
    }

    /// The filled tables of a part, in the order of [`Statement::part`].
    pub fn traces(&self, part: usize) -> Vec<Trace> {
        let tables = PartTables::new(&self.claim, &self.context, part);
        self.rows(part).fill(&tables, self.claim.markets.len())
    }

    /// The rows of a part's tables.
    pub(super) fn rows(&self, part: usize) -> Rows<'_> {
        let size = self.context.opening.accounts;
        let members = &self.book.members;
        let end = members.len().min((part + 1) * size);
        let (before, after) = (&self.states[part], &self.states[part + 1]);
        let zero = [F::ZERO; 8];
        let listing = self.context.markets;
        let is_last = part + 1 == self.claim.segments.len();
        let hides = |state, link| salt(state, &self.secret, &listing, link);
        let mut rows = Rows {
            members: &members[part * size..end],
            state: StateRow {
                before: before.clone(),
                after: after.clone(),
                salts: [
                    if part > 0 { hides(before, part) } else { zero },
                    hides(after, if is_last { 0 } else { part + 1 }),
                ],
                counts: Vec::new(),
            },
        };
        rows.state.counts = rows.counts(self.claim.snapshot.instruments.len());
        rows
    }
}

/// The rows that hold private data.
pub(super) struct Rows<'a> {
    pub members: &'a [Member],
    pub state: StateRow,
}

impl Rows<'_> {
    /// How often the limbs of each key's positions are counted, from key 1 on.
    pub fn counts(&self, instruments: usize) -> Vec<[u64; POSITION_LIMBS]> {
        let mut counts = vec![[0; POSITION_LIMBS]; 2 * instruments];
        for position in self.members.iter().flat_map(|m| &m.account.positions) {
            let limbs = limbs_of_position(position.lots, position.entry);
            for (count, limb) in counts[position_key(position) - 1].iter_mut().zip(limbs) {
                *count += limb;
            }
        }
        counts
    }

    pub fn fill(&self, tables: &PartTables, markets: usize) -> Vec<Trace> {
        let airs = tables.airs();
        let tally = Tally::new(&[tables.limbs.tallied()]);
        let opening = &tables.positions.opening;
        let positions = fill(&tables.positions, &airs[0], &tally, |row| {
            let slots = std::array::from_fn(|i| {
                let at = row * PER_ROW + i;
                let member = self.members.get(at / opening.slots);
                let position = member.and_then(|m| m.account.positions.get(at % opening.slots));
                position.map_or((0, 0, 0), |p| (position_key(p), p.lots, p.entry))
            });
            PositionsRow { row, slots }
        });
        let leaves = fill(&tables.leaves, &airs[1], &tally, |row| LeafRow {
            row,
            leaf: self.members.get(row).map(|m| m.leaf.clone()),
        });
        let state = fill(&tables.state, &airs[2], &tally, |row| {
            (row == 0).then(|| self.state.clone())
        });
        let opened = self.members.iter().map(|m| (&m.account, &m.leaf));
        let own = commitment_quads(markets);
        let mut all = opening.quads(opened, 2 * own);
        let ends = [&self.state.before, &self.state.after];
        for (i, (state, salt)) in ends.into_iter().zip(&self.state.salts).enumerate() {
            let start = opening.end() + i * own;
            all[start..start + own].copy_from_slice(&quads(state, salt, &tables.state.listing));
        }
        let sponge = tables.sponge.trace(&airs[3], &mut all);
        let limbs = tables.limbs.trace(&airs[4], &tally);
        vec![positions, leaves, state, sponge, limbs]
    }
}
