//! Who may send orders for an account, and what hides its leaf in a book that goes from state to state.
//!
//! ```text
//! secrets = Merkle tree over 2^16 digests hash(OneTime, secret (8)), of which number i is that of batch i
//! hiding  = hash(Salt, what trader and venue share (8) | the epoch, zeros): another one in each epoch
//! salt    = hash(Owner, root of secrets (8) | hiding (8))
//! ```
//!
//! The trader keeps the secrets and shows the one of a batch with an order for it; it is worth nothing when the batch's list is
//! closed. Within an epoch an account has one salt, so that its leaf changes only when the account does; at the epoch's end the whole
//! book is sealed again.

use gadgets::hash::{DIGEST, Digest, Domain, hash};
use stark::{F, felt};

use crate::account::Secret;
use crate::trees::root_of;

/// log2 of the number of an account's one-time secrets.
pub const LOG_SECRETS: usize = 16;

/// What an account's salt is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The root of its one-time secrets.
    pub secrets: Digest,
    /// What hides its leaf in this epoch.
    pub hiding: Digest,
}

impl Owner {
    /// The owner of an account with these secrets, which shares a secret with its venue.
    pub fn new(secrets: Digest, shared: &Secret, epoch: u64) -> Self {
        let mut about = [F::default(); DIGEST];
        about[0] = felt(epoch);
        Self {
            secrets,
            hiding: shared.salt_for(&about),
        }
    }

    /// What is hashed into the salt.
    pub fn elements(&self) -> [F; 2 * DIGEST] {
        let mut elements = [F::default(); 2 * DIGEST];
        elements[..DIGEST].copy_from_slice(&self.secrets);
        elements[DIGEST..].copy_from_slice(&self.hiding);
        elements
    }

    /// The salt of the account's leaf.
    pub fn salt(&self) -> Digest {
        hash(Domain::Owner, &self.elements())
    }
}

/// The digest of a one-time secret: a leaf of an account's tree.
pub fn one_time(secret: &Digest) -> Digest {
    hash(Domain::OneTime, secret)
}

/// One of an account's one-time secrets and the way to their root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimePath {
    /// The digest of the secret.
    pub digest: Digest,
    /// The siblings, lowest first: [`LOG_SECRETS`] of them.
    pub siblings: Vec<Digest>,
}

impl OneTimePath {
    /// The root that it leads to as the secret of a batch.
    pub fn root(&self, batch: u64) -> Digest {
        root_of(self.digest, batch as usize, &self.siblings)
    }
}
