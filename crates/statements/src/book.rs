//! A book of accounts at a moment: sealed under its secret, and as claims refer to it.
//!
//! ```text
//! book     = hash(Book, listing (8) | root (8) | accounts (low 30 bits, high 30 bits) | position slots)
//! secret   = hash(Salt, hash(Salt, the kept secret | listing) | contents): others for every moment and every change
//! contents = hash(Salt, the SHA3-256 of all ids, balances and positions)
//! ```
//!
//! Listing and root are those of [`crate::account`]. The verifier computes the commitment from the claim, so one tree of
//! leaves cannot be read as other assets, at another moment, or as more or fewer accounts.

use std::collections::BTreeMap;
use std::sync::Arc;

use gadgets::hash::{Digest, Domain, hash};
use gadgets::limbs::halves_of;
use market::{Account, AccountError, Balance, Snapshot, SnapshotError};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};
use stark::felt;

use crate::account::{
    Identity, Layout, Leaf, PublicDigest, SHORT_LIST, Secret, listing, lists, text_digest,
};
use crate::inclusion::{BookPath, Inclusion};
use crate::margin::snapshot_digest;
use crate::owner::Owner;
use crate::trees::{book_root, log_slots, path, tree};
use crate::words::quoted;

/// Most accounts of a book that a claim may name; statements may have a lower bound.
pub const MAX_ACCOUNTS: u64 = 1 << 32;

/// A book as claims about it name it. Its lists and its moment are those of the claim's snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookRef {
    /// The commitment: equal in all claims about the book.
    pub commitment: PublicDigest,
    /// How many accounts it has.
    pub accounts: u64,
    /// Position slots per account in the commitment: 4, 8, 16, 32 or 64. An account has at most so many positions; how
    /// many it has stays private.
    pub slots: u32,
}

impl BookRef {
    /// The book over a snapshot's lists at its moment whose leaves have this root.
    pub fn new(listing: &Digest, root: &Digest, accounts: u64, slots: u32) -> Self {
        let mut elements = listing.to_vec();
        elements.extend(root);
        elements.extend(halves_of(accounts));
        elements.push(felt(u64::from(slots)));
        Self {
            commitment: hash(Domain::Book, &elements).into(),
            accounts,
            slots,
        }
    }

    /// Checks that the numbers of accounts and of position slots are possible.
    ///
    /// # Errors
    /// Says which is not.
    pub fn check_sizes(&self) -> Result<(), String> {
        let (accounts, slots) = (self.accounts, self.slots);
        if accounts == 0 || accounts > MAX_ACCOUNTS {
            return Err(format!(
                "a book of {accounts} accounts; 1 to {MAX_ACCOUNTS} fit"
            ));
        }
        check_slots(slots as usize)
    }

    /// Checks that this is the commitment to a tree with this root, over these lists.
    ///
    /// # Errors
    /// If it is another one.
    pub fn check(&self, listing: &Digest, root: &Digest) -> Result<(), String> {
        if *self == Self::new(listing, root, self.accounts, self.slots) {
            Ok(())
        } else {
            Err("the book is not that of its lists, date, accounts and roots".into())
        }
    }
}

/// Checks a number of position slots.
fn check_slots(slots: usize) -> Result<(), String> {
    if slots.is_power_of_two() && (4..=64).contains(&slots) {
        Ok(())
    } else {
        Err(format!(
            "{slots} position slots per account; use 4, 8, 16, 32 or 64"
        ))
    }
}

/// Why a book cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// There is nothing to seal.
    #[error("the book has no accounts")]
    Empty,
    /// The number of position slots is not one of those that fit.
    #[error("{0}")]
    Slots(String),
    /// The snapshot contradicts itself.
    #[error("snapshot: {0}")]
    Snapshot(#[from] SnapshotError),
    /// An account does not fit its snapshot.
    #[error(transparent)]
    Account(#[from] AccountError),
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
    /// Two ids share their sort key.
    #[error("accounts `{0}` and `{1}` have the same sort key; rename one of them")]
    SameKey(String, String),
}

/// An account and its leaf.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub account: Account,
    /// Its leaf.
    pub leaf: Leaf,
}

/// The least number of position slots that every account fits in.
pub fn least_slots<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> usize {
    let most = accounts.into_iter().map(|a| a.positions.len()).max();
    most.unwrap_or(0).next_power_of_two().max(4)
}

/// A book under its secret, at the moment and over the lists of a snapshot. All statements about it open the same
/// commitment.
#[derive(Debug)]
pub struct SealedBook {
    pub(crate) snapshot: Snapshot,
    /// In the order of the tree.
    pub(crate) members: Vec<Member>,
    pub(crate) listing: Digest,
    pub(crate) slots: u32,
    /// The secret of this book at this moment.
    pub(crate) secret: Secret,
    /// Of a book that goes from state to state: whose salts its leaves have, in the order of the tree. Else none.
    pub(crate) owners: Vec<Owner>,
}

impl SealedBook {
    /// Seals accounts. Their order says nothing.
    ///
    /// # Errors
    /// If the snapshot or an account is malformed, an account has more positions than slots, or two cannot be told apart.
    pub fn new(
        snapshot: &Snapshot,
        accounts: &[Account],
        slots: usize,
        secret: &Secret,
    ) -> Result<Arc<Self>, BookError> {
        Self::sealed(snapshot, accounts, slots, secret, None)
    }

    /// Seals accounts in a book that goes from state to state: an account's leaf is hidden by its [`Owner`], and stays what it is
    /// while the account does. `owner` finds it by the account's id.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn state(
        snapshot: &Snapshot,
        accounts: &[Account],
        slots: usize,
        secret: &Secret,
        owner: &dyn Fn(&str) -> Owner,
    ) -> Result<Arc<Self>, BookError> {
        Self::sealed(snapshot, accounts, slots, secret, Some(owner))
    }

    fn sealed(
        snapshot: &Snapshot,
        accounts: &[Account],
        slots: usize,
        secret: &Secret,
        owner: Option<&dyn Fn(&str) -> Owner>,
    ) -> Result<Arc<Self>, BookError> {
        check_slots(slots).map_err(BookError::Slots)?;
        snapshot.validate()?;
        if accounts.is_empty() {
            return Err(BookError::Empty);
        }
        accounts
            .par_iter()
            .try_for_each(|account| check(account, snapshot, slots))?;
        let mut sorted: Vec<(Identity, &Account)> = accounts
            .par_iter()
            .map(|account| (Identity::of(&account.id), account))
            .collect();
        sorted.par_sort_unstable_by_key(|(identity, _)| identity.key());
        let same = |w: &&[(Identity, &Account)]| w[0].0.key() == w[1].0.key();
        if let Some(w) = sorted.windows(2).find(same) {
            return Err(BookError::SameKey(w[0].1.id.clone(), w[1].1.id.clone()));
        }
        let listing = listing(snapshot);
        // An account that is the same in two books must not have the same leaf in both.
        let secret = secret
            .derived(&listing)
            .derived(&contents(sorted.iter().map(|(_, account)| *account)));
        let owners: Vec<Owner> = owner.map_or(Vec::new(), |owner| {
            sorted
                .iter()
                .map(|(_, account)| owner(&account.id))
                .collect()
        });
        let layout = Layout::new(slots, snapshot);
        let member = |(i, (identity, account)): (usize, &(Identity, &Account))| Member {
            account: (*account).clone(),
            leaf: match owners.get(i) {
                Some(owner) => layout.leaf_with(*identity, account, owner.salt()),
                None => layout.leaf(*identity, account, &secret),
            },
        };
        Ok(Arc::new(Self {
            snapshot: snapshot.clone(),
            members: sorted.par_iter().enumerate().map(member).collect(),
            listing,
            slots: slots as u32,
            secret,
            owners,
        }))
    }

    /// The book after some of its accounts changed, by their numbers in the tree, at the moment of another snapshot over the same
    /// lists. Leaves of the others stay.
    ///
    /// # Panics
    /// If it is no book that goes from state to state, the lists are others, or an account has another id.
    pub(crate) fn moved(&self, snapshot: &Snapshot, changed: &BTreeMap<usize, Account>) -> Self {
        assert_eq!(lists(snapshot), lists(&self.snapshot), "the same lists");
        let layout = Layout::new(self.slots as usize, snapshot);
        let mut members = self.members.clone();
        for (index, account) in changed {
            let member = &mut members[*index];
            assert_eq!(member.account.id, account.id, "the same account");
            let (identity, salt) = (member.leaf.identity, self.owners[*index].salt());
            member.leaf = layout.leaf_with(identity, account, salt);
            member.account = account.clone();
        }
        let listing = listing(snapshot);
        let all = contents(members.iter().map(|m| &m.account));
        Self {
            snapshot: snapshot.clone(),
            members,
            listing,
            slots: self.slots,
            secret: self.secret.derived(&listing).derived(&all),
            owners: self.owners.clone(),
        }
    }

    /// The snapshot whose lists and moment the book has.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// How many accounts it has.
    pub fn accounts(&self) -> u64 {
        self.members.len() as u64
    }

    /// Its accounts, in the order of the tree.
    pub fn accounts_in_order(&self) -> Vec<Account> {
        self.members.iter().map(|m| m.account.clone()).collect()
    }

    /// The roots of the subtrees of `size` leaves that hold its accounts, and the reference to it.
    pub(crate) fn segments(&self, size: usize) -> (Vec<Digest>, BookRef) {
        let subtree = |members: &[Member]| {
            let leaves = members.par_iter().map(|m| m.leaf.digest());
            let mut leaves: Vec<Digest> = leaves.collect();
            leaves.resize(size, Digest::default());
            tree(leaves)[1]
        };
        let roots: Vec<Digest> = self.members.chunks(size).map(subtree).collect();
        let root = book_root(&roots, size.ilog2() as usize, log_slots(self.accounts()));
        let reference = self.reference(&root);
        (roots, reference)
    }

    /// The digests of all leaves, in the order of the tree.
    pub(crate) fn leaves(&self) -> Vec<Digest> {
        self.members.par_iter().map(|m| m.leaf.digest()).collect()
    }

    /// The reference to it, if its leaves have this root.
    pub(crate) fn reference(&self, root: &Digest) -> BookRef {
        BookRef::new(&self.listing, root, self.accounts(), self.slots)
    }

    /// The number of an account in the tree.
    pub fn index(&self, id: &str) -> Option<usize> {
        let key = Identity::of(id).key();
        let index = self
            .members
            .binary_search_by_key(&key, |m| m.leaf.identity.key());
        index.ok().filter(|&i| self.members[i].account.id == id)
    }

    /// All nodes of the tree.
    pub(crate) fn tree(&self) -> Vec<Digest> {
        let mut leaves = self.leaves();
        leaves.resize(1 << log_slots(self.accounts()), Digest::default());
        tree(leaves)
    }

    /// The way from an account's leaf to the book.
    pub fn path(&self, id: &str) -> Option<BookPath> {
        let index = self.index(id)?;
        Some(BookPath::new(index, &path(&self.tree(), index)))
    }

    /// The inclusion file of an account.
    pub fn inclusion(&self, id: &str) -> Option<Inclusion> {
        let index = self.index(id)?;
        Some(self.inclusion_at(index, &self.tree()))
    }

    /// The inclusion files of all accounts.
    pub fn inclusions(&self) -> impl Iterator<Item = Inclusion> + '_ {
        let tree = self.tree();
        (0..self.members.len()).map(move |index| self.inclusion_at(index, &tree))
    }

    fn inclusion_at(&self, index: usize, tree: &[Digest]) -> Inclusion {
        let place = BookPath::new(index, &path(tree, index));
        Inclusion::new(&self.members[index], &self.snapshot, place)
    }
}

fn check(account: &Account, snapshot: &Snapshot, slots: usize) -> Result<(), BookError> {
    account.validate(snapshot)?;
    if account.positions.len() > slots {
        return Err(BookError::TooManyPositions {
            account: account.id.clone(),
            positions: account.positions.len(),
            slots,
        });
    }
    Ok(())
}

/// A digest of all that a book's accounts say, in the order of their leaves.
fn contents<'a>(accounts: impl Iterator<Item = &'a Account>) -> Digest {
    let mut hasher = Sha3_256::new();
    for account in accounts {
        hasher.update((account.id.len() as u64).to_le_bytes());
        hasher.update(&account.id);
        let amounts = |hasher: &mut Sha3_256, balance: &Balance| {
            for amount in balance.amounts() {
                hasher.update(amount.to_le_bytes());
            }
        };
        if account.balances.len() > SHORT_LIST {
            hasher.update((account.balances.held().count() as u64).to_le_bytes());
            for (asset, balance) in account.balances.held() {
                hasher.update((asset as u64).to_le_bytes());
                amounts(&mut hasher, balance);
            }
        } else {
            for balance in account.balances.iter() {
                amounts(&mut hasher, balance);
            }
        }
        hasher.update((account.positions.len() as u64).to_le_bytes());
        for p in &account.positions {
            hasher.update((p.instrument as u64).to_le_bytes());
            hasher.update([p.side.index() as u8]);
            hasher.update(p.lots.0.to_le_bytes());
            hasher.update(p.entry.to_le_bytes());
        }
    }
    let digest = hasher.finalize();
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    text_digest(Domain::Salt, &hex)
}

/// The moment of a snapshot, in UTC.
pub fn moment(snapshot: &Snapshot) -> String {
    records::date::moment(snapshot.as_of_ms)
}

/// What is said of a market: its digest, moment and source. The prover names them.
pub(crate) fn market_words(snapshot: &Snapshot) -> String {
    let source = match snapshot.source.as_str() {
        market::snapshot::UNSTATED => "from a source that is not stated".into(),
        source => format!("from {}, as the prover says", quoted(source)),
    };
    format!(
        "on market {} of {}, in {}, with prices {source}",
        snapshot_digest(snapshot),
        moment(snapshot),
        quoted(&snapshot.quote)
    )
}
