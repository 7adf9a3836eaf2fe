//! What a registry knows loans by.
//!
//! A *registry* is a group of issuers who promise each other and their investors that no loan backs two deals. They share
//! a key. A loan's *nullifier* is a hash of that key and of the loan's whole identity: the same in every pool of the
//! registry, whatever the pool's own secret, and nothing to whoever lacks the key.
//!
//! ```text
//! registry  = hash(Registry, key (8))
//! nullifier = hash(Nullifier, key (8) | identity (8)), its first four elements
//! ```
//!
//! Four elements are 123 bits. A nullifier is a function of the loan and the registry, so an issuer cannot give a loan a
//! second one, however short it is: a shorter one can only make two loans look like one. By chance that happens among
//! 2^30 loans with a probability below 2^-64, and making a loan that collides with a given one takes 2^123 hashes.

use gadgets::hash::{DIGEST, Digest, Domain, hash};
use serde::{Deserialize, Serialize};
use stark::{F, PrimeField32, felt};

use crate::account::{Identity, PublicDigest, Secret};

/// Elements of a nullifier.
pub const NULLIFIER: usize = 4;
/// Hexadecimal digits of an element.
const DIGITS: usize = 8;

/// What a loan is known by in its registry, written in hexadecimal. Its order is that of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nullifier([u32; NULLIFIER]);

impl Nullifier {
    /// Its elements.
    pub fn elements(&self) -> [F; NULLIFIER] {
        self.0.map(|x| felt(u64::from(x)))
    }
}

impl std::fmt::Display for Nullifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|x| write!(f, "{x:08x}"))
    }
}

impl From<Nullifier> for String {
    fn from(nullifier: Nullifier) -> Self {
        nullifier.to_string()
    }
}

impl TryFrom<String> for Nullifier {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        // One text for each nullifier: no capitals, no signs, nothing from p up.
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != NULLIFIER * DIGITS || !text.bytes().all(plain) {
            return Err("a nullifier is 32 lower-case hexadecimal digits");
        }
        let mut elements = [0; NULLIFIER];
        for (i, element) in elements.iter_mut().enumerate() {
            let value = u32::from_str_radix(&text[DIGITS * i..DIGITS * (i + 1)], 16);
            *element = value
                .ok()
                .filter(|x| *x < stark::P)
                .ok_or("a nullifier's element is not below the field's modulus")?;
        }
        Ok(Self(elements))
    }
}

/// What the issuers of a registry share: 248 random bits. Whoever has it can test guesses of loan ids against published
/// nullifiers, so it is given to issuers only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryKey(Secret);

impl From<Secret> for RegistryKey {
    fn from(secret: Secret) -> Self {
        Self(secret)
    }
}

impl RegistryKey {
    /// A fresh key from the operating system's generator.
    pub fn random() -> Self {
        Self(Secret::random())
    }

    /// Whether a pool's secret is this key: whoever may have one must not have the other.
    pub fn is(&self, secret: &Secret) -> bool {
        self.0 == *secret
    }

    /// Its elements.
    pub(super) fn elements(&self) -> Digest {
        self.0.elements()
    }

    /// The commitment to the registry, by which it is known publicly.
    pub fn registry(&self) -> PublicDigest {
        hash(Domain::Registry, &self.elements()).into()
    }

    /// The nullifier of a loan.
    pub fn nullifier(&self, identity: &Identity) -> Nullifier {
        let elements = nullifier_elements(&self.elements(), identity);
        Nullifier(elements.map(|x| x.as_canonical_u32()))
    }
}

/// Whether a registry is that of a key of zeros.
pub(super) fn is_of_zeros(registry: &PublicDigest) -> bool {
    *registry == hash(Domain::Registry, &Digest::default()).into()
}

/// The elements of a nullifier under a key.
pub(super) fn nullifier_elements(key: &Digest, identity: &Identity) -> [F; NULLIFIER] {
    let mut message = [F::default(); 2 * DIGEST];
    message[..DIGEST].copy_from_slice(key);
    message[DIGEST..].copy_from_slice(&identity.0);
    let digest = hash(Domain::Nullifier, &message);
    std::array::from_fn(|i| digest[i])
}
