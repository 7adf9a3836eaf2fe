//! From accounts to a claim and its proof.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use market::margin::{MarginResult, MarginTables, Margins};
use market::{Account, Level, Snapshot};
use stark::Trace;

use super::claim::{MarginClaim, Subject, parameters_digest, snapshot_digest};
use super::fill::fill_part;
use super::plan::grouped_coins;
use super::statement::{Context, Margin, PartTables, PerTable, segment};
use super::tables::joined::JoinedTable;
use crate::book::{Member, SealedBook};
use crate::kit::{self, Chain, Example, Provable, Refusal, States};
use crate::nonce::Nonce;

/// What the tables are filled from.
#[derive(Debug)]
pub struct Witness {
    pub(super) book: Arc<SealedBook>,
    /// The members that the claim is about.
    whose: Range<usize>,
    /// Their margins.
    pub(super) margins: Vec<MarginResult>,
    /// Of a book: how many accounts are below the level.
    states: States,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Margin>;

/// The book has no such account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the book has no account `{0}`")]
pub struct NoAccount(pub String);

/// The margins that a claim speaks of: of one of the accounts, which must meet the level, or, without an id, of all, of which
/// those below the level are counted. The accounts are those of a [`market::Book`] over the snapshot.
///
/// # Errors
/// If the one account does not meet the level, there is no such account, or the snapshot is malformed.
pub fn check<'a>(
    snapshot: &Snapshot,
    accounts: impl IntoIterator<Item = &'a Account>,
    id: Option<&str>,
    level: Level,
) -> Result<Margins, Refusal> {
    let accounts = accounts.into_iter();
    let accounts: Vec<_> = match id {
        None => accounts.collect(),
        Some(id) => accounts.filter(|a| a.id == id).take(1).collect(),
    };
    if let (Some(id), []) = (id, accounts.as_slice()) {
        return Err(Refusal::malformed(NoAccount(id.into())));
    }
    let margins = Margins::new(snapshot, &accounts, level).map_err(Refusal::malformed)?;
    if id.is_some() {
        margins.check().map_err(|below| Refusal::untrue(*below))?;
    }
    Ok(margins)
}

impl Prepared {
    /// Claims that one account of a book meets a level, or, without an id, exactly how many do not.
    ///
    /// # Errors
    /// As [`check`], or if something is too large for the tables.
    pub fn new(book: &Arc<SealedBook>, id: Option<&str>, level: Level) -> Result<Self, Refusal> {
        let accounts = book.members.iter().map(|m| &m.account);
        let checked = check(&book.snapshot, accounts, id, level)?;
        let (subject, whose, states) = match id {
            Some(id) => {
                let index = book.index(id);
                let index = index.ok_or_else(|| Refusal::malformed(NoAccount(id.into())))?;
                let subject = Subject::Account {
                    commitment: book.members[index].leaf.digest().into(),
                    slots: book.slots,
                };
                (subject, index..index + 1, States::default())
            }
            None => {
                let (subject, states) = whole_book(book, level, &checked.results);
                (subject, 0..book.members.len(), states)
            }
        };
        let claim = MarginClaim {
            snapshot: book.snapshot.clone(),
            snapshot_digest: snapshot_digest(&book.snapshot),
            parameters_digest: parameters_digest(&book.snapshot),
            level,
            subject,
            underlyings: underlyings(book, &checked.tables) as u32,
            nonce: None,
        };
        let context = Context::new(&claim, &checked.tables).map_err(Refusal::malformed)?;
        Ok(Self {
            claim,
            context,
            witness: Witness {
                book: book.clone(),
                whose,
                margins: checked.results,
                states,
            },
        })
    }
}

/// Places for underlyings that hold every account of the book: as many as the snapshot has if these are few, which says nothing
/// about accounts; otherwise the least power of two. Coins in groups have a place each.
pub(crate) fn underlyings(book: &SealedBook, tables: &MarginTables) -> usize {
    const FEW: usize = 8;
    let on = |index: usize| tables.arrays.lots[index].underlying;
    let coins: Vec<usize> = grouped_coins(tables).collect();
    let distinct = |underlyings: &mut dyn Iterator<Item = usize>| {
        let all: BTreeSet<usize> = underlyings.chain(coins.iter().copied()).collect();
        all.len()
    };
    let all = distinct(&mut (0..tables.arrays.lots.len()).map(on)).max(1);
    let places = book.slots as usize + coins.len();
    if all <= FEW {
        return all.min(places);
    }
    let accounts = book.members.iter().map(|m| &m.account.positions);
    let most = accounts
        .map(|p| distinct(&mut p.iter().map(|p| on(p.instrument))))
        .max();
    most.unwrap_or(1).next_power_of_two().min(places)
}

/// What is claimed of a whole book, and the hidden count of accounts below the level.
fn whole_book(book: &SealedBook, level: Level, margins: &[MarginResult]) -> (Subject, States) {
    let size = segment(book.accounts());
    let (roots, reference) = book.segments(size);
    // The market and the level, too: the same book has other accounts below another level.
    let depends_on = (
        &reference.commitment,
        snapshot_digest(&book.snapshot),
        level,
    );
    let below = |margins: &[MarginResult]| margins.iter().filter(|m| !m.is_met()).count();
    let chain = Chain::new::<Margin>(&book.secret, &depends_on);
    let states = chain.run(1, roots.len(), |part, state| {
        let end = margins.len().min((part + 1) * size);
        state[0] += below(&margins[part * size..end]) as u128;
    });
    let subject = Subject::Book {
        book: reference,
        below: below(margins) as u64,
        segments: roots.into_iter().map(Into::into).collect(),
        states: states.links(),
    };
    (subject, states)
}

impl Prepared {
    /// The sealed book.
    pub fn book(&self) -> &Arc<SealedBook> {
        &self.witness.book
    }
}

impl Provable for Margin {
    type Witness = Witness;

    fn traces(
        claim: &MarginClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        let tables = PartTables::new(claim, context, part);
        let traces = witness.separate(context, &tables, part).into_vec();
        JoinedTable::traces(tables, traces)
    }

    fn nonce_mut(claim: &mut MarginClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The accounts that the claim is about, in the order of the tree.
    pub(super) fn members(&self) -> &[Member] {
        &self.book.members[self.whose.clone()]
    }

    /// The filled tables of a part, not joined.
    pub(super) fn separate(
        &self,
        context: &Context,
        tables: &PartTables,
        part: usize,
    ) -> PerTable<Trace> {
        let size = context.plan.accounts;
        let part_of = part * size..self.whose.len().min((part + 1) * size);
        let ends = match &tables.totals {
            Some(_) => [self.states.before(part), self.states.after(part)],
            None => [&[][..]; 2],
        };
        fill_part(
            tables,
            &context.plan,
            &self.members()[part_of.clone()],
            &self.margins[part_of],
            ends,
        )
    }
}
