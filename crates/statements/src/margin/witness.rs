//! From private accounts to proofs. What is false is refused here, in the user's words.

use std::path::Path;

use gadgets::hash::{Digest, Domain};
use gadgets::totals::{COUNT_LIMBS, SALTS};
use rayon::prelude::*;
use risk::margin::{MarginTables, Undermargined, evaluate, explain};
use risk::{Account, Book, Level, MAX_AMOUNT, MAX_LOTS, Snapshot, SnapshotError};
use stark::{
    F, PartProof, PrimeCharacteristicRing, ProveError, Statement, TableAir, Trace, prove_part,
};

use super::claim::{MarginClaim, Subject, parameters_digest, snapshot_digest};
use super::fill::fill_part;
use super::statement::{Context, Margin, PartTables, proven, segment, segments};
use super::tables::joined::JoinedTable;
use crate::account::{Layout, Leaf, Secret, text_digest};
use crate::parts::{PartsError, prove_parts};
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
    /// An account has more positions than slots.
    #[error(
        "account `{account}` has {positions} positions, more than {slots} slots; use more slots"
    )]
    TooManyPositions {
        /// The account.
        account: String,
        /// Its positions.
        positions: usize,
        /// The slots.
        slots: usize,
    },
    /// An account does not fit the snapshot or exceeds a bound.
    #[error("account `{account}`: {problem}")]
    Account {
        /// The account.
        account: String,
        /// What is wrong.
        problem: String,
    },
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

/// The least number of position slots that every account fits in.
pub fn least_slots<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> usize {
    let most = accounts
        .into_iter()
        .map(|a| a.positions.len())
        .max()
        .unwrap_or(0);
    most.next_power_of_two().max(4)
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
        check(snapshot, account, account.positions.len())?;
        let result = evaluate(snapshot, &tables, account);
        if !result.is_met() {
            below.push(explain(snapshot, &tables, account, &result));
        }
    }
    Ok(below)
}

/// Proves that one account meets a level. The commitment hides it under the book's secret.
///
/// # Errors
/// If it does not, with its worst scenario, equity, requirement and shortfall; or if something is
/// malformed or too large.
pub fn prove_account(
    snapshot: &Snapshot,
    account: &Account,
    level: Level,
    slots: usize,
    secret: &Secret,
) -> Result<(MarginClaim, Vec<PartProof>), MarginError> {
    let prepared = Prepared::account(snapshot, account, level, slots, secret)?;
    let proof = prepared.prove(0)?;
    Ok((prepared.claim, vec![proof]))
}

/// Proves how many accounts of a book do not meet a level. `progress` is told the parts done and
/// their number. Finished parts are kept in the folder `resume`, if given, and not made again.
///
/// # Errors
/// If something is malformed or too large, or the folder cannot be written.
pub fn prove_book(
    snapshot: &Snapshot,
    book: &Book,
    level: Level,
    slots: usize,
    secret: &Secret,
    progress: &mut dyn FnMut(usize, usize),
    resume: Option<&Path>,
) -> Result<(MarginClaim, Vec<PartProof>), MarginError> {
    let prepared = Prepared::book(snapshot, book, level, slots, secret)?;
    let prove = |part| prepared.prove(part);
    let proofs = prove_parts::<Margin>(&prepared.claim, prepared.parts(), resume, progress, prove)?;
    Ok((prepared.claim, proofs))
}

/// An account with all that its rows need.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub account: Account,
    pub leaf: Leaf,
}

/// A claim with its witness, ready for proving part by part.
#[derive(Debug)]
pub struct Prepared {
    claim: MarginClaim,
    pub(crate) context: Context,
    /// In the order of the tree.
    pub(crate) members: Vec<Member>,
    /// The whole running state between the parts, from the zeros before the first on.
    pub(crate) states: Vec<[u128; SALTS + 1]>,
}

fn check(snapshot: &Snapshot, account: &Account, slots: usize) -> Result<(), MarginError> {
    let fail = |problem: String| {
        Err(MarginError::Account {
            account: account.id.clone(),
            problem,
        })
    };
    if account.positions.len() > slots {
        return Err(MarginError::TooManyPositions {
            account: account.id.clone(),
            positions: account.positions.len(),
            slots,
        });
    }
    if account.balances.len() != snapshot.assets.len() {
        return fail("needs one balance per asset of the snapshot".into());
    }
    for (balance, asset) in account.balances.iter().zip(&snapshot.assets) {
        let b = balance;
        if [b.equity, b.debt, b.loan, b.margin, b.portfolio]
            .iter()
            .any(|&x| x >= MAX_AMOUNT)
        {
            return fail(format!(
                "an amount of {} is 2^60 units or more",
                asset.symbol
            ));
        }
    }
    for position in &account.positions {
        let Some(instrument) = snapshot.instruments.get(position.instrument) else {
            return fail("a position's instrument is not in the snapshot".into());
        };
        if position.lots == 0 || position.lots >= MAX_LOTS || position.entry >= MAX_AMOUNT {
            return fail(format!(
                "the position in {} is empty or too large",
                instrument.symbol
            ));
        }
    }
    Ok(())
}

/// The layout of a book's leaves over a snapshot.
pub(crate) fn layout(snapshot: &Snapshot, slots: usize) -> Layout {
    let Snapshot {
        quote,
        assets,
        instruments,
        ..
    } = snapshot;
    Layout::new(slots, quote, assets, instruments)
}

fn claim(snapshot: &Snapshot, level: Level, slots: usize, subject: Subject) -> MarginClaim {
    MarginClaim {
        snapshot: snapshot.clone(),
        snapshot_digest: snapshot_digest(snapshot),
        parameters_digest: parameters_digest(snapshot),
        level,
        slots: slots as u32,
        subject,
        nonce: None,
    }
}

impl Prepared {
    /// Prepares the claim that one account meets a level.
    ///
    /// # Errors
    /// See [`prove_account`].
    pub fn account(
        snapshot: &Snapshot,
        account: &Account,
        level: Level,
        slots: usize,
        secret: &Secret,
    ) -> Result<Self, MarginError> {
        let tables = MarginTables::new(snapshot, level)?;
        check(snapshot, account, slots)?;
        let result = evaluate(snapshot, &tables, account);
        if !result.is_met() {
            let why = explain(snapshot, &tables, account, &result);
            return Err(MarginError::Undermargined(Box::new(why)));
        }
        let leaf = layout(snapshot, slots).leaf(account, secret);
        let subject = Subject::Account {
            commitment: leaf.digest().into(),
        };
        let claim = claim(snapshot, level, slots, subject);
        let context = Context::new(&claim, tables).map_err(MarginError::Size)?;
        let members = vec![Member {
            account: account.clone(),
            leaf,
        }];
        Ok(Self {
            claim,
            context,
            members,
            states: Vec::new(),
        })
    }

    /// Prepares the claim about all accounts of a book.
    ///
    /// # Errors
    /// See [`prove_book`].
    pub fn book(
        snapshot: &Snapshot,
        book: &Book,
        level: Level,
        slots: usize,
        secret: &Secret,
    ) -> Result<Self, MarginError> {
        let tables = MarginTables::new(snapshot, level)?;
        if book.accounts().is_empty() {
            return Err(MarginError::Size("the book has no accounts".into()));
        }
        book.accounts()
            .iter()
            .try_for_each(|a| check(snapshot, a, slots))?;
        let layout = layout(snapshot, slots);
        let mut members: Vec<Member> = book
            .accounts()
            .par_iter()
            .map(|a| Member {
                account: a.clone(),
                leaf: layout.leaf(a, secret),
            })
            .collect();
        members.sort_by_key(|m| m.leaf.identity.key());
        Self::of_members(snapshot, tables, members, level, slots, secret)
    }

    /// The claim about accounts in the order they are given.
    pub(crate) fn of_members(
        snapshot: &Snapshot,
        tables: MarginTables,
        members: Vec<Member>,
        level: Level,
        slots: usize,
        secret: &Secret,
    ) -> Result<Self, MarginError> {
        let accounts = members.len() as u64;
        let size = segment(accounts);
        let leaves: Vec<Digest> = members.par_iter().map(|m| m.leaf.digest()).collect();
        let below: Vec<bool> = members
            .par_iter()
            .map(|m| !evaluate(snapshot, &tables, &m.account).is_met())
            .collect();
        let mut states = vec![[0; SALTS + 1]];
        let mut roots = Vec::new();
        let market = snapshot_digest(snapshot);
        let about = format!(
            "margin {market} {level} {slots} {}",
            hex(&tree_root(&leaves, 1 << log_slots(accounts)))
        );
        let about = text_digest(Domain::Salt, &about);
        for (part, leaves) in leaves.chunks(size).enumerate() {
            roots.push(tree_root(leaves, size));
            let counted = below[part * size..]
                .iter()
                .take(size)
                .filter(|b| **b)
                .count();
            let [.., count] = states[part];
            // The salts are the same whenever the same claim is proven, so that proving can resume;
            // without the secret they are unknown.
            let [low, high] = secret.state_salts(&about, part);
            // The last state is not committed to, so it needs no salt.
            let salts = if (part + 1) * size < members.len() {
                [low, high]
            } else {
                [0; SALTS]
            };
            states.push([salts[0], salts[1], count + counted as u128]);
        }
        let parts = roots.len();
        let subject = Subject::Book {
            root: book_root(&roots, size.ilog2() as usize, log_slots(accounts)).into(),
            accounts,
            below: below.iter().filter(|b| **b).count() as u64,
            segments: roots.into_iter().map(Into::into).collect(),
            states: states[1..parts]
                .iter()
                .map(|s| gadgets::totals::commit(s).into())
                .collect(),
        };
        debug_assert_eq!(parts, segments(accounts));
        let claim = claim(snapshot, level, slots, subject);
        let context = Context::new(&claim, tables).map_err(MarginError::Size)?;
        Ok(Self {
            claim,
            context,
            members,
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
        let members = &self.members[part * size..self.members.len().min((part + 1) * size)];
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

fn hex(digest: &Digest) -> String {
    crate::account::PublicDigest::from(*digest).to_string()
}

fn tree_root(leaves: &[Digest], size: usize) -> Digest {
    let mut leaves = leaves.to_vec();
    leaves.resize(size, [F::ZERO; 8]);
    tree(leaves)[1]
}
