//! Inclusion files: what a user gets to see that their account is in a proven book.

use gadgets::hash::Digest;
use serde::{Deserialize, Serialize};

use crate::account::{AMOUNTS, Identity, Leaf, PublicDigest};
use crate::trees::root_of;

/// One account's place in a book's tree. Private to its user: it holds the balances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The account's id.
    pub account: String,
    /// Its amounts per asset, in asset units: equity, debt, loan, margin, portfolio.
    pub balances: Vec<[u64; AMOUNTS]>,
    /// The digest of its positions.
    pub positions: PublicDigest,
    /// The digest of the book's lists (see [`crate::account::listing`]).
    pub listing: PublicDigest,
    /// The leaf's salt.
    pub salt: PublicDigest,
    /// The leaf's number.
    pub index: u64,
    /// The siblings on the way to the root, leaf level first.
    pub path: Vec<PublicDigest>,
}

/// Why an inclusion file does not show what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIncluded {
    /// It leads to another root.
    #[error(
        "the file does not lead to the proven root: this account, with these balances, is not in that book"
    )]
    Root,
    /// The path has the wrong length or the leaf lies beyond the accounts.
    #[error("the file's place in the tree does not fit the claim: {0}")]
    Place(&'static str),
    /// An amount out of range.
    #[error("an amount in the file is out of range")]
    Amount,
}

impl Inclusion {
    /// The file of leaf `index` of a tree.
    pub fn new(id: &str, leaf: &Leaf, index: usize, path: &[Digest]) -> Self {
        Self {
            account: id.to_string(),
            balances: leaf.balances.clone(),
            positions: leaf.positions.into(),
            listing: leaf.listing.into(),
            salt: leaf.salt.into(),
            index: index as u64,
            path: path.iter().map(|d| (*d).into()).collect(),
        }
    }

    /// Checks that the account is leaf `index` below `root`, in a tree of `2^log_slots` leaves of
    /// which the first `accounts` are used, over `assets` assets.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn check(
        &self,
        root: &PublicDigest,
        log_slots: usize,
        accounts: u64,
        assets: usize,
    ) -> Result<(), NotIncluded> {
        if self.path.len() != log_slots {
            return Err(NotIncluded::Place(
                "the path's length is not the tree's height",
            ));
        }
        if self.index >= accounts {
            return Err(NotIncluded::Place("the leaf lies beyond the last account"));
        }
        if self.balances.len() != assets {
            return Err(NotIncluded::Place(
                "the number of balances is not that of the claim's assets",
            ));
        }
        if self
            .balances
            .iter()
            .flatten()
            .any(|&a| a >= risk::MAX_AMOUNT)
        {
            return Err(NotIncluded::Amount);
        }
        let leaf = Leaf {
            identity: Identity::of(&self.account),
            positions: self.positions.elements(),
            listing: self.listing.elements(),
            salt: self.salt.elements(),
            balances: self.balances.clone(),
        };
        let path: Vec<Digest> = self.path.iter().map(PublicDigest::elements).collect();
        if PublicDigest::from(root_of(leaf.digest(), self.index as usize, &path)) == *root {
            Ok(())
        } else {
            Err(NotIncluded::Root)
        }
    }
}
