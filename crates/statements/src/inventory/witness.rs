//! From a book and a state to a claim and its proof.

use std::sync::Arc;

use gadgets::hash::Digest;
use market::{Account, Snapshot};
use records::units::{Lots, Ticks};
use stark::{Statement, Tally, Trace, fill};
use venue::certificate::MAX_GAIN;
use venue::inventory::{InventoryError, inventory};
use venue::scenarios::ScenarioSet;
use venue::state::{VenueState, quantity_fits};

use super::claim::InventoryClaim;
use super::statement::{Context, Inventory, PartTables, segment};
use super::tables::{StateRow, count_positions, fill_leaves, fill_positions};
use crate::account::Secret;
use crate::book::{Member, SealedBook};
use crate::kit::{self, Example, Provable, Refusal};
use crate::nonce::Nonce;
use crate::venues::commitments::{commitment_quads, link, quads, salt};
use crate::venues::{commitment, markets_listing};

/// What the tables are filled from.
#[derive(Debug)]
pub struct Witness {
    pub(super) book: Arc<SealedBook>,
    /// The secret of the venue's states.
    secret: Secret,
    /// The states before the first part, between parts, and after the last.
    states: Vec<VenueState>,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Inventory>;

/// What the accounts of a [`market::Book`] together hold, if a state holds just that.
///
/// # Errors
/// As [`venue::inventory::check`].
pub fn check<'a>(
    snapshot: &Snapshot,
    accounts: impl IntoIterator<Item = &'a Account>,
    set: &ScenarioSet,
    state: &VenueState,
) -> Result<venue::inventory::Inventory, Refusal> {
    venue::inventory::check(snapshot, accounts, set, state)
        .map_err(|e| Refusal::of(e, InventoryError::is_false))
}

impl Prepared {
    /// Claims that a state holds the inventory of a book. `secret` is that of the venue's states.
    ///
    /// # Errors
    /// As [`check`], or if something is too large for the tables.
    pub fn new(
        book: &Arc<SealedBook>,
        set: &ScenarioSet,
        state: &VenueState,
        secret: &Secret,
    ) -> Result<Self, Refusal> {
        let snapshot = &book.snapshot;
        let accounts = book.members.iter().map(|m| &m.account);
        check(snapshot, accounts, set, state)?;
        let size = segment(book.accounts(), book.slots as usize);
        let states = states(book, set, state, size).map_err(Refusal::malformed)?;
        let listing = markets_listing(
            &snapshot.quote,
            &set.markets,
            state.as_of_ms,
            state.collected_since_ms,
        );
        let (roots, reference) = book.segments(size);
        let between = states[1..states.len() - 1].iter().enumerate();
        let claim = InventoryClaim {
            snapshot: snapshot.clone(),
            markets: set.markets.clone(),
            book: reference,
            segments: roots.into_iter().map(Into::into).collect(),
            links: between
                .map(|(i, s)| link(s, secret, &listing, i + 1, None))
                .collect(),
            state_as_of_ms: state.as_of_ms,
            state_collected_since_ms: state.collected_since_ms,
            state: commitment(state, secret, &listing),
            nonce: None,
        };
        let context = Inventory::context(&claim).map_err(Refusal::malformed)?;
        Ok(Self {
            claim,
            context,
            witness: Witness {
                book: book.clone(),
                secret: secret.clone(),
                states,
            },
        })
    }
}

/// The states before the first part of `size` accounts and after each: what the accounts up to there add up to.
fn states(
    book: &SealedBook,
    set: &ScenarioSet,
    state: &VenueState,
    size: usize,
) -> Result<Vec<VenueState>, InventoryError> {
    let mut states = vec![VenueState {
        quantities: vec![Lots(0); set.markets.len()],
        entry: Ticks(0),
        ..state.clone()
    }];
    for part in book.members.chunks(size) {
        let accounts = part.iter().map(|m| &m.account);
        let own = inventory(accounts, &book.snapshot.instruments, &set.markets)?;
        let mut after = states[states.len() - 1].clone();
        for (sum, own) in after.quantities.iter_mut().zip(&own.quantities) {
            *sum += *own;
        }
        after.entry += own.entry;
        let fit = after.quantities.iter().all(|q| quantity_fits(*q));
        if !fit || after.entry.0.unsigned_abs() >= MAX_GAIN {
            return Err(InventoryError::TooLarge);
        }
        states.push(after);
    }
    Ok(states)
}

impl Prepared {
    /// The sealed book.
    pub fn book(&self) -> &Arc<SealedBook> {
        &self.witness.book
    }
}

impl Provable for Inventory {
    type Witness = Witness;

    fn traces(
        claim: &InventoryClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        let tables = PartTables::new(claim, context, part);
        let rows = witness.rows(claim, context, part);
        rows.fill(&tables, claim.markets.len())
    }

    fn nonce_mut(claim: &mut InventoryClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The rows of a part's tables.
    pub(super) fn rows(&self, claim: &InventoryClaim, context: &Context, part: usize) -> Rows<'_> {
        let size = context.opening.accounts;
        let members = &self.book.members;
        let members = &members[part * size..members.len().min((part + 1) * size)];
        let (before, after) = (&self.states[part], &self.states[part + 1]);
        let is_last = part + 1 == claim.segments.len();
        let hides = |state, link| salt(state, &self.secret, &context.markets, link);
        Rows {
            members,
            state: StateRow {
                before: before.clone(),
                after: after.clone(),
                salts: [
                    match part {
                        0 => Digest::default(),
                        _ => hides(before, part),
                    },
                    hides(after, if is_last { 0 } else { part + 1 }),
                ],
                counts: count_positions(members, claim.snapshot.instruments.len()),
            },
        }
    }
}

/// The rows that hold private data.
pub(super) struct Rows<'a> {
    pub members: &'a [Member],
    pub state: StateRow,
}

impl Rows<'_> {
    pub fn fill(&self, tables: &PartTables, markets: usize) -> Vec<Trace> {
        let airs = tables.airs();
        let tally = Tally::new(&[tables.limbs.tallied()]);
        let opening = &tables.positions.opening;
        let positions = fill_positions(&tables.positions, &airs[0], &tally, self.members);
        let leaves = fill_leaves(&tables.leaves, &airs[1], &tally, self.members);
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
