//! From a book to a claim and its proof.

use std::sync::Arc;

use fixed::Decimal;
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS};
use market::exposure::Exposed;
use market::{Account, Snapshot};
use stark::{F, Statement, Tally, Trace, fill};

use super::claim::{Context, Exposure, ExposureClaim, PartTables, REGISTERS};
use super::tables::{Counts, OFFSET};
use crate::book::{Member, SealedBook};
use crate::inventory::statement::segment;
use crate::inventory::tables::{LOT_LIMBS, count_positions, fill_leaves, fill_positions};
use crate::kit::{self, Chain, Example, Provable, Refusal, States};
use crate::margin::snapshot_digest;
use crate::nonce::Nonce;

/// Which exposure lies where.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The instruments that count, by their symbols.
    pub instruments: Vec<String>,
    /// At least so much of the underlying.
    pub low: Decimal,
    /// At most so much.
    pub high: Decimal,
}

/// What the tables are filled from.
pub struct Witness {
    book: Arc<SealedBook>,
    pub(super) states: States,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Exposure>;

/// What accounts are net long of the underlying, if that lies in the interval.
///
/// # Errors
/// If it does not, or the instruments or the interval do not fit.
pub fn check<'a>(
    snapshot: &Snapshot,
    accounts: impl IntoIterator<Item = &'a Account>,
    terms: &Terms,
) -> Result<Decimal, Refusal> {
    let exposed = Exposed::new(snapshot, &terms.instruments).map_err(Refusal::malformed)?;
    let interval = exposed.interval(&terms.low, &terms.high);
    let lots = exposed.lots(accounts);
    exposed
        .check(lots, interval.map_err(Refusal::malformed)?)
        .map_err(Refusal::untrue)?;
    let net = exposed.amount(lots);
    net.ok_or_else(|| Refusal::malformed("the net exposure is too large"))
}

impl Prepared {
    /// Checks a book and makes its claim.
    ///
    /// # Errors
    /// As [`check`].
    pub fn new(book: &Arc<SealedBook>, terms: &Terms) -> Result<Self, Refusal> {
        let (snapshot, members) = (&book.snapshot, &book.members);
        check(snapshot, members.iter().map(|m| &m.account), terms)?;
        let exposed = Exposed::new(snapshot, &terms.instruments).map_err(Refusal::malformed)?;
        let size = segment(book.accounts(), book.slots as usize);
        let (roots, reference) = book.segments(size);
        let about = (
            &reference.commitment,
            snapshot_digest(snapshot),
            &terms.instruments,
        );
        let chain = Chain::new::<Exposure>(&book.secret, &about);
        let states = chain.run(REGISTERS.len(), roots.len(), |part, state| {
            if part == 0 {
                state.fill(OFFSET);
            }
            let members = members.chunks(size).nth(part).into_iter().flatten();
            let lots = exposed.lots(members.map(|m| &m.account));
            // Below 2^60 lots, so far from the offset.
            state[0] = state[0].wrapping_add_signed(lots.0);
            state[1] = state[1].wrapping_add_signed(-lots.0);
        });
        let claim = ExposureClaim {
            snapshot: snapshot.clone(),
            book: reference,
            instruments: terms.instruments.clone(),
            low: terms.low,
            high: terms.high,
            segments: roots.into_iter().map(Into::into).collect(),
            states: states.links(),
            nonce: None,
        };
        let context = Exposure::context(&claim).map_err(Refusal::malformed)?;
        Ok(Self {
            claim,
            context,
            witness: Witness {
                book: book.clone(),
                states,
            },
        })
    }

    /// The sealed book.
    pub fn book(&self) -> &Arc<SealedBook> {
        &self.witness.book
    }
}

impl Provable for Exposure {
    type Witness = Witness;

    fn traces(
        claim: &ExposureClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        let tables = PartTables::new(claim, context, part);
        witness.rows(&tables, part).fill(&tables)
    }

    fn nonce_mut(claim: &mut ExposureClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The rows of a part's tables.
    pub(super) fn rows(&self, tables: &PartTables, part: usize) -> Rows<'_> {
        let size = tables.positions.opening.accounts;
        let members = self.book.members.chunks(size).nth(part).unwrap_or_default();
        Rows {
            members,
            counts: count_positions(members, tables.exposure.instruments),
            before: self.states.before(part).to_vec(),
            after: self.states.after(part).to_vec(),
        }
    }
}

/// The rows that hold private data.
pub(super) struct Rows<'a> {
    /// The accounts.
    pub members: &'a [Member],
    /// How often each limb of each key is counted.
    pub counts: Counts,
    /// The hidden state before the part.
    pub before: Vec<u128>,
    /// And after it.
    pub after: Vec<u128>,
}

impl Rows<'_> {
    pub fn fill(&self, tables: &PartTables) -> Vec<Trace> {
        let airs = tables.airs();
        let tally = Tally::new(&[tables.limbs.tallied()]);
        let opening = &tables.positions.opening;
        let positions = fill_positions(&tables.positions, &airs[0], &tally, self.members);
        let leaves = fill_leaves(&tables.leaves, &airs[1], &tally, self.members);
        let exposure = fill(&tables.exposure, &airs[2], &tally, |row| {
            (row == 0).then(|| self.counts.clone())
        });
        let opened = self.members.iter().map(|m| (&m.account, &m.leaf));
        let mut quads: Vec<[F; QUAD]> = opening.quads(opened, 2 * (SALTS + REGISTERS.len()));
        let (before, after) = (&self.before, &self.after);
        let added = added(tables, &self.counts);
        let totals = (tables.totals).trace(&airs[3], &tally, before, after, &added, &mut quads);
        let sponge = tables.sponge.trace(&airs[4], &mut quads);
        let limbs = tables.limbs.trace(&airs[5], &tally);
        vec![positions, leaves, exposure, totals, sponge, limbs]
    }
}

/// What a part adds to the registers, salts first.
pub(super) fn added(tables: &PartTables, counts: &Counts) -> Vec<[i64; COUNT_LIMBS]> {
    let mut added = vec![[0; COUNT_LIMBS]; SALTS + REGISTERS.len()];
    for (added, sign) in added[SALTS..].iter_mut().zip([1, -1]) {
        for (at, counts) in counts.iter().enumerate() {
            let sign = sign * tables.exposure.sign(at);
            for (added, count) in added.iter_mut().zip(&counts[..LOT_LIMBS]) {
                *added += sign * *count as i64;
            }
        }
        added[COUNT_LIMBS - 1] = tables.exposure.offset() as i64;
    }
    added
}
