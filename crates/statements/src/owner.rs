//! Who may send orders for an account, and what hides its leaf in a book that goes from state to state.
//!
//! ```text
//! secrets = Merkle tree over 2^16 digests hash(OneTime, secret (8)), of which number i is that of batch i; the program makes them as
//!           secret = hash(Salt, hash(Salt, the trader's own (8) | hash(Salt, the venue's name)) | the batch, zeros)
//! hiding  = hash(Salt, what trader and venue share (8) | the epoch, zeros): another one in each epoch
//! salt    = hash(Owner, root of secrets (8) | hiding (8))
//! ```
//!
//! The trader keeps the secrets and shows the one of a batch with an order for it; it is worth nothing when the batch's list is
//! closed. Within an epoch an account has one salt, so that its leaf changes only when the account does; at the epoch's end the whole
//! book is sealed again. Batches are numbered on through all epochs: a secret that was shown is known.

use gadgets::hash::{DIGEST, Digest, Domain, hash};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stark::{F, felt};

use crate::account::{PublicDigest, Secret, text_digest};
use crate::trees::{path, root_of, tree};

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

/// An account's one-time secrets for a venue, from one secret that its trader keeps. Those for another venue have nothing in common
/// with these: a secret that was shown to one is worth nothing at another.
#[derive(Clone, Debug)]
pub struct OneTimeSecrets(Secret);

impl OneTimeSecrets {
    /// Those for a venue.
    pub fn new(kept: &Secret, venue: &str) -> Self {
        Self(kept.derived(&text_digest(Domain::Salt, venue)))
    }

    /// The secret of a batch.
    ///
    /// # Panics
    /// If there is no batch of this number: they are below `2^LOG_SECRETS`.
    pub fn secret(&self, batch: u64) -> Digest {
        assert!(batch < 1 << LOG_SECRETS, "a batch has a secret");
        let mut number = [F::default(); DIGEST];
        number[0] = felt(batch);
        self.0.salt_for(&number)
    }

    /// The digests of all of them: the leaves of their tree.
    pub fn digests(&self) -> Vec<Digest> {
        let batches = (0..1 << LOG_SECRETS).into_par_iter();
        batches.map(|batch| one_time(&self.secret(batch))).collect()
    }
}

/// What a trader gives a venue when an account begins, as it stands in a file: the digests of its one-time secrets. The venue puts
/// their root into the account's leaf. It keeps the digests, since it needs the way from each to the root to prove that an order is
/// the account's own, or is not; so it must not depend on who sends an order. Secrets do not follow from their digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerFile {
    /// The venue that they are for.
    pub venue: String,
    /// The root of their tree.
    pub secrets: PublicDigest,
    /// One a batch: `2^LOG_SECRETS` of them.
    digests: Vec<PublicDigest>,
}

/// The file of an owner contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOwner {
    /// Not one a batch.
    #[error(
        "field `digests`: there are {0}, and must be 65536; get the whole file from the trader"
    )]
    Count(usize),
    /// Another root.
    #[error("field `secrets`: is not the root of `digests`; get the file from the trader again")]
    Root,
}

impl OwnerFile {
    /// That of an account's secrets: some 200,000 hashes.
    pub fn new(kept: &Secret, venue: &str) -> Self {
        let digests = OneTimeSecrets::new(kept, venue).digests();
        Self {
            venue: venue.into(),
            digests: digests.iter().map(|d| (*d).into()).collect(),
            secrets: tree(digests)[1].into(),
        }
    }

    /// The ways of the secrets of some batches to the root.
    ///
    /// # Errors
    /// If the file contradicts itself.
    ///
    /// # Panics
    /// If there is no batch of such a number.
    pub fn paths(&self, batches: &[u64]) -> Result<Vec<OneTimePath>, BadOwner> {
        if self.digests.len() != 1 << LOG_SECRETS {
            return Err(BadOwner::Count(self.digests.len()));
        }
        let nodes = tree(self.digests.iter().map(PublicDigest::elements).collect());
        if PublicDigest::from(nodes[1]) != self.secrets {
            return Err(BadOwner::Root);
        }
        let way = |batch: &u64| OneTimePath {
            digest: self.digests[*batch as usize].elements(),
            siblings: path(&nodes, *batch as usize),
        };
        Ok(batches.iter().map(way).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(byte: &str) -> Secret {
        Secret::from_hex(&byte.repeat(32)).unwrap()
    }

    #[test]
    fn every_secret_leads_to_the_root() {
        let secrets = OneTimeSecrets::new(&kept("01"), "example");
        let mut file = OwnerFile::new(&kept("01"), "example");
        let batches = [0, 3, (1 << 16) - 1];
        for (batch, way) in batches.iter().zip(file.paths(&batches).unwrap()) {
            assert_eq!(way.digest, one_time(&secrets.secret(*batch)));
            assert_eq!(way.root(*batch), file.secrets.elements());
            assert_ne!(way.root(batch ^ 1), file.secrets.elements());
        }
        let root = file.secrets;
        file.secrets = file.digests[0];
        assert_eq!(file.paths(&batches), Err(BadOwner::Root));
        file.secrets = root;
        file.digests.swap(1, 2);
        assert_eq!(file.paths(&batches), Err(BadOwner::Root));
        file.digests.pop();
        assert_eq!(file.paths(&batches), Err(BadOwner::Count(65_535)));
    }

    #[test]
    fn secrets_have_nothing_in_common() {
        let of =
            |kept: &str, venue, batch| OneTimeSecrets::new(&self::kept(kept), venue).secret(batch);
        let all = [
            of("01", "example", 3),
            of("01", "example", 4),
            of("01", "another", 3),
            of("02", "example", 3),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one));
        }
        let shown = format!("{:?}", OneTimeSecrets::new(&kept("01"), "v"));
        assert_eq!(shown, "OneTimeSecrets(Secret(..))");
    }
}
