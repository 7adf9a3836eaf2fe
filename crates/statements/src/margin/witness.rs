//! From private accounts to proofs. What is false is refused here, in the user's words.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use gadgets::hash::{Digest, Domain};
use gadgets::totals::{COUNT_LIMBS, SALTS};
use market::margin::{MarginTables, Undermargined, evaluate, explain};
use market::{Book, Level, Snapshot, SnapshotError};
use rayon::prelude::*;
use stark::{
    F, PartProof, PrimeCharacteristicRing, ProveError, Statement, TableAir, Trace, prove_part,
};

use super::claim::{MarginClaim, Subject, parameters_digest, snapshot_digest};
use super::fill::fill_part;
use super::statement::{Context, Margin, PartTables, proven, segment, segments};
use super::tables::joined::JoinedTable;
use crate::account::{PublicDigest, text_digest};
use crate::book::{BookError, Member, SealedBook};
use crate::parts::{PartsError, prove_claim};
use crate::trees::{book_root, log_slots, tree};

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum MarginError {
    /// The snapshot contradicts itself.
    #[error("snapshot: {0}")]
    Snapshot(#[from] SnapshotError),
    /// The account does not meet the level.
    #[error(transparent)]
    Undermargined(Box<Undermargined>),
    /// The book cannot be sealed.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The book has no such account.
    #[error("the book has no account `{0}`")]
    NoAccount(String),
    /// The sizes do not fit the tables.
    #[error("{0}")]
    Size(String),
    /// Finished parts could not be kept.
    #[error("cannot keep finished parts in the resume folder: {0}")]
    Resume(std::io::Error),
    /// The proof system failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

impl From<PartsError> for MarginError {
    fn from(error: PartsError) -> Self {
        match error {
            PartsError::Resume(error) => Self::Resume(error),
            PartsError::Prove(error) => Self::Prove(error),
        }
    }
}

/// The accounts of a book that do not meet a level, each with the reason. No proof is made.
///
/// # Errors
/// If the snapshot or an account is malformed.
pub fn check_book(
    snapshot: &Snapshot,
    book: &Book,
    level: Level,
) -> Result<Vec<Undermargined>, MarginError> {
    let tables = MarginTables::new(snapshot, level)?;
    let mut below = Vec::new();
    for account in book.accounts() {
        account.validate(snapshot).map_err(BookError::Account)?;
        let result = evaluate(snapshot, &tables, account);
        if !result.is_met() {
            below.push(explain(snapshot, &tables, account, &result));
        }
    }
    Ok(below)
}

/// A claim with its witness, ready for proving part by part.
#[derive(Debug)]
pub struct Prepared {
    claim: MarginClaim,
    pub(crate) context: Context,
    pub(crate) book: Arc<SealedBook>,
    /// The members that the claim is about.
    about: Range<usize>,
    /// The whole running state between the parts, from the zeros before the first on.
    pub(crate) states: Vec<[u128; SALTS + 1]>,
}

fn claim(snapshot: &Snapshot, level: Level, subject: Subject) -> MarginClaim {
    MarginClaim {
        snapshot: snapshot.clone(),
        snapshot_digest: snapshot_digest(snapshot),
        parameters_digest: parameters_digest(snapshot),
        level,
        subject,
        nonce: None,
    }
}

impl Prepared {
    /// Prepares the claim that one account of a book meets a level.
    ///
    /// # Errors
    /// If it does not, with its worst scenario, equity, requirement and shortfall; or if there is no such account, or
    /// something is malformed or too large.
    pub fn account(book: &Arc<SealedBook>, id: &str, level: Level) -> Result<Self, MarginError> {
        let snapshot = &book.snapshot;
        let tables = MarginTables::new(snapshot, level)?;
        let no_account = || MarginError::NoAccount(id.to_string());
        let index = book.index(id).ok_or_else(no_account)?;
        let Member { account, leaf } = &book.members[index];
        let result = evaluate(snapshot, &tables, account);
        if !result.is_met() {
            let why = explain(snapshot, &tables, account, &result);
            return Err(MarginError::Undermargined(Box::new(why)));
        }
        let subject = Subject::Account {
            commitment: leaf.digest().into(),
            slots: book.slots,
        };
        let claim = claim(snapshot, level, subject);
        let context = Context::new(&claim, tables).map_err(MarginError::Size)?;
        Ok(Self {
            claim,
            context,
            book: book.clone(),
            about: index..index + 1,
            states: Vec::new(),
        })
    }

    /// Prepares the claim about all accounts of a book: exactly how many do not meet a level.
    ///
    /// # Errors
    /// If something is malformed or too large.
    pub fn book(book: &Arc<SealedBook>, level: Level) -> Result<Self, MarginError> {
        let (snapshot, members) = (&book.snapshot, &book.members);
        let tables = MarginTables::new(snapshot, level)?;
        let accounts = book.accounts();
        let size = segment(accounts);
        let leaves = book.leaves();
        let below: Vec<bool> = members
            .par_iter()
            .map(|m| !evaluate(snapshot, &tables, &m.account).is_met())
            .collect();
        let roots: Vec<Digest> = leaves.chunks(size).map(|l| tree_root(l, size)).collect();
        let root = book_root(&roots, size.ilog2() as usize, log_slots(accounts));
        let reference = book.reference(&root);
        let market = snapshot_digest(snapshot);
        let about = format!("margin {market} {level} {}", reference.commitment);
        let states = states(book, &text_digest(Domain::Salt, &about), &below, size);
        let parts = roots.len();
        debug_assert_eq!(parts, segments(accounts));
        let commit = |s: &[u128; SALTS + 1]| PublicDigest::from(gadgets::totals::commit(s));
        let subject = Subject::Book {
            book: reference,
            below: below.iter().filter(|b| **b).count() as u64,
            segments: roots.into_iter().map(Into::into).collect(),
            states: states[1..parts].iter().map(commit).collect(),
        };
        let claim = claim(snapshot, level, subject);
        let context = Context::new(&claim, tables).map_err(MarginError::Size)?;
        Ok(Self {
            claim,
            context,
            book: book.clone(),
            about: 0..members.len(),
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
    pub fn claim(&self) -> &MarginClaim {
        &self.claim
    }

    /// The accounts that the claim is about, in the order of the tree.
    pub(crate) fn members(&self) -> &[Member] {
        &self.book.members[self.about.clone()]
    }

    /// The public numbers of the claim.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// How many parts the proof has.
    pub fn parts(&self) -> usize {
        Margin::parts(&self.claim, &self.context)
    }

    /// The tables of a part.
    pub fn tables(&self, part: usize) -> Vec<TableAir> {
        proven(PartTables::new(&self.claim, &self.context, part))
    }

    /// Proves a part.
    ///
    /// # Errors
    /// If the proof system fails.
    pub fn prove(&self, part: usize) -> Result<PartProof, ProveError> {
        prove_part::<Margin>(&self.claim, &self.context, part, self.traces(part))
    }

    /// Proves all parts. `progress` is told the parts done and their number. Finished parts are kept in the folder `resume`, if
    /// given, and not made again.
    ///
    /// # Errors
    /// If the proof system fails or the folder cannot be written.
    pub fn prove_all(
        &self,
        progress: &mut dyn FnMut(usize, usize),
        resume: Option<&Path>,
    ) -> Result<Vec<PartProof>, MarginError> {
        let traces = |part| self.traces(part);
        Ok(prove_claim::<Margin>(
            &self.claim,
            &self.context,
            resume,
            progress,
            traces,
        )?)
    }

    /// The filled tables of a part, in their order.
    pub fn traces(&self, part: usize) -> Vec<Trace> {
        let tables = PartTables::new(&self.claim, &self.context, part);
        let traces = self.separate(&tables, part);
        let airs = tables.airs();
        JoinedTable::traces(&airs, &TableAir::new(JoinedTable::new(tables)), traces)
    }

    /// The filled tables of a part, not joined.
    pub(crate) fn separate(&self, tables: &PartTables, part: usize) -> Vec<Trace> {
        let plan = &self.context.plan;
        let size = plan.accounts;
        let members = self.members();
        let members = &members[part * size..members.len().min((part + 1) * size)];
        fill_part(
            tables,
            plan,
            &self.claim.snapshot,
            &self.context.tables,
            members,
            |counted| {
                let zero = [0; SALTS + 1];
                let before = self.states.get(part).copied().unwrap_or(zero);
                let after = self.states.get(part + 1).copied().unwrap_or(zero);
                let mut counts = [[0; COUNT_LIMBS]; SALTS + 1];
                counts[SALTS][0] = counted as i64;
                (before, after, counts)
            },
        )
    }
}

/// The running state before the first part, between parts and after the last. Salts are the same whenever the same claim is
/// proven, so that proving can resume; without the secret they are unknown.
fn states(
    book: &SealedBook,
    about: &Digest,
    below: &[bool],
    size: usize,
) -> Vec<[u128; SALTS + 1]> {
    let mut states = vec![[0; SALTS + 1]];
    for (part, below) in below.chunks(size).enumerate() {
        let counted = below.iter().filter(|b| **b).count() as u128;
        let [.., count] = states[part];
        let is_last = (part + 1) * size >= book.members.len();
        // The last state is not committed to, so it needs no salt.
        let [low, high] = if is_last {
            [0; SALTS]
        } else {
            book.secret.state_salts(about, part)
        };
        states.push([low, high, count + counted]);
    }
    states
}

fn tree_root(leaves: &[Digest], size: usize) -> Digest {
    let mut leaves = leaves.to_vec();
    leaves.resize(size, [F::ZERO; 8]);
    tree(leaves)[1]
}
