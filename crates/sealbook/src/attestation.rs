//! Who says that a pool's tape is true: a servicer's or oracle's signature on the pool's commitment.
//!
//! A proof shows what follows from a tape, not that the tape is true. Whoever services the loans signs the commitment, with the
//! cut-off date and the number of loans, and a verifier accepts signatures of keys it trusts.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use statements::account::PublicDigest;

/// A signed statement that a pool is what its commitment says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The commitment to the pool, as in pool claims.
    pub pool: PublicDigest,
    /// The cut-off date.
    pub cut_off: String,
    /// How many loans there are.
    pub loans: u64,
    /// The Ed25519 key that signed, in hex.
    pub key: String,
    /// The signature, in hex.
    pub signature: String,
}

/// Why an attestation does not help a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAttested {
    /// Another pool, date or number of loans.
    #[error("it is about another pool, date or number of loans than the claim")]
    Other,
    /// Not one of the trusted keys.
    #[error("its key {0} is not one that you trust (--trust)")]
    Untrusted(String),
    /// Not hex of the right length, or not a key.
    #[error("its {0} is malformed")]
    Malformed(&'static str),
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
}

/// What is signed: a label, then the fields, each of a fixed form.
fn message(pool: &PublicDigest, cut_off: &str, loans: u64) -> Vec<u8> {
    format!("sealbook pool attestation 1\n{pool}\n{cut_off}\n{loans}").into_bytes()
}

/// A fresh signing key, in hex, from the operating system's generator.
pub fn new_key() -> String {
    use rand::RngExt;
    let mut rng: rand::rngs::StdRng = rand::make_rng();
    let bytes: [u8; 32] = rng.random();
    to_hex(&bytes)
}

/// The public key of a signing key.
pub fn public_key(key: &str) -> Option<String> {
    let key = SigningKey::from_bytes(&from_hex(key.trim())?);
    Some(to_hex(key.verifying_key().as_bytes()))
}

impl Attestation {
    /// Signs a pool's commitment with a key in hex; `None` if it is no key.
    pub fn sign(pool: PublicDigest, cut_off: &str, loans: u64, key: &str) -> Option<Self> {
        let key = SigningKey::from_bytes(&from_hex(key.trim())?);
        let signature = key.sign(&message(&pool, cut_off, loans));
        Some(Self {
            pool,
            cut_off: cut_off.to_string(),
            loans,
            key: to_hex(key.verifying_key().as_bytes()),
            signature: to_hex(&signature.to_bytes()),
        })
    }

    /// Checks that one of the trusted keys signed the pool of a claim.
    ///
    /// # Errors
    /// Says why it did not.
    pub fn check(
        &self,
        pool: &PublicDigest,
        cut_off: &str,
        loans: u64,
        trusted: &[String],
    ) -> Result<(), NotAttested> {
        if (&self.pool, self.cut_off.as_str(), self.loans) != (pool, cut_off, loans) {
            return Err(NotAttested::Other);
        }
        let key: [u8; 32] = from_hex(&self.key).ok_or(NotAttested::Malformed("key"))?;
        if !trusted.iter().any(|t| from_hex(t.trim()) == Some(key)) {
            return Err(NotAttested::Untrusted(to_hex(&key)));
        }
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NotAttested::Malformed("key"))?;
        let signature = from_hex(&self.signature).ok_or(NotAttested::Malformed("signature"))?;
        // Strict: no second signature of the same message by weak keys.
        key.verify_strict(
            &message(&self.pool, &self.cut_off, self.loans),
            &Signature::from_bytes(&signature),
        )
        .map_err(|_| NotAttested::Signature)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16)
            .ok()
            .filter(|_| !digits.starts_with('+'))?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use risk::pool::Tape;
    use risk::sample_pool;
    use statements::account::Secret;
    use statements::pool::{PoolClaim, Prepared, Terms};

    #[test]
    fn trusted_keys_attest_the_pool_of_the_claim() {
        let template = risk::import::tape::read_template("mortgage").expect("it is built in");
        let tape: Tape = sample_pool::tape(1, 5, &template);
        let secret = Secret::random();
        let prepared = Prepared::new(&tape, &Terms::default(), &secret).expect("it is true");
        let claim = prepared.claim();
        let (key, other) = (new_key(), new_key());
        let trusted = [public_key(&key).expect("a key")];
        let sign =
            |key: &str| Attestation::sign(claim.pool, &claim.cut_off.to_string(), claim.loans, key);
        let good = sign(&key).expect("a key");
        let check = |a: &Attestation, claim: &PoolClaim, trusted: &[String]| {
            a.check(
                &claim.pool,
                &claim.cut_off.to_string(),
                claim.loans,
                trusted,
            )
        };
        assert_eq!(check(&good, claim, &trusted), Ok(()));
        let untrusted = sign(&other).expect("a key");
        assert!(matches!(
            check(&untrusted, claim, &trusted),
            Err(NotAttested::Untrusted(_))
        ));
        assert!(matches!(
            check(&good, claim, &[]),
            Err(NotAttested::Untrusted(_))
        ));
        // Signed by someone else in the name of a trusted key.
        let forged = Attestation {
            key: good.key.clone(),
            ..untrusted
        };
        assert_eq!(check(&forged, claim, &trusted), Err(NotAttested::Signature));
        let mut later = good.clone();
        later.cut_off = "2026-11-30".into();
        assert_eq!(check(&later, claim, &trusted), Err(NotAttested::Other));
        let mut other = claim.clone();
        other.loans += 1;
        assert_eq!(check(&good, &other, &trusted), Err(NotAttested::Other));
        let mut broken = good.clone();
        broken.signature = "+1".repeat(64);
        assert_eq!(
            check(&broken, claim, &trusted),
            Err(NotAttested::Malformed("signature"))
        );
        broken.signature = "00".repeat(64);
        assert_eq!(check(&broken, claim, &trusted), Err(NotAttested::Signature));
    }
}
