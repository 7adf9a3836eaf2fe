//! Signing keys (Ed25519): of a venue, of a board, and of a ticket.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand::RngExt;

use crate::bytes::{Hex, parse};

/// 32 bytes from the operating system's generator.
pub(crate) fn random_seed() -> [u8; 32] {
    let mut rng: rand::rngs::StdRng = rand::make_rng();
    rng.random()
}

/// The 32 bytes of a secret's text, with spaces around it or without. All zeros are none: a file that nobody filled.
pub(crate) fn secret_bytes(text: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 32] = parse(text.trim())?.try_into().ok()?;
    (bytes != [0; 32]).then_some(bytes)
}

/// The secret half of a signing key.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl SecretKey {
    /// A fresh key from the operating system's generator.
    pub fn random() -> Self {
        Self::from_seed(&random_seed())
    }

    /// The key of 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// A key kept by [`to_hex`](Self::to_hex).
    pub fn from_hex(text: &str) -> Option<Self> {
        secret_bytes(text).map(|seed| Self::from_seed(&seed))
    }

    /// The secret as text, for keeping.
    pub fn to_hex(&self) -> String {
        Hex(self.0.to_bytes()).to_string()
    }

    /// The public half.
    pub fn public(&self) -> Hex<32> {
        Hex(self.0.verifying_key().to_bytes())
    }

    /// Signs.
    pub(crate) fn sign(&self, message: &[u8]) -> Hex<64> {
        Hex(self.0.sign(message).to_bytes())
    }
}

/// A public key that can be relied on: a point of the curve, and not one under which a signature fits many messages.
pub(crate) fn public_key(bytes: &Hex<32>) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(&bytes.0).ok()?;
    (!key.is_weak()).then_some(key)
}

/// Whether `signature` is that of `message` under `key`. Strict: one signature has one encoding.
pub(crate) fn signed(key: &Hex<32>, message: &[u8], signature: &Hex<64>) -> bool {
    let signature = Signature::from_bytes(&signature.0);
    public_key(key).is_some_and(|key| key.verify_strict(message, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sign_and_are_not_printed() {
        let key = SecretKey::from_seed(&[7; 32]);
        let signature = key.sign(b"a");
        assert!(signed(&key.public(), b"a", &signature));
        assert!(!signed(&key.public(), b"b", &signature));
        assert!(!signed(&SecretKey::random().public(), b"a", &signature));
        assert_eq!(format!("{key:?}"), "SecretKey(..)");
        let kept = SecretKey::from_hex(&format!(" {}\n", key.to_hex())).unwrap();
        assert_eq!(kept.public(), key.public());
        for text in ["", "00", &"0".repeat(64), &"G".repeat(64)] {
            assert!(SecretKey::from_hex(text).is_none(), "{text}");
        }
    }

    #[test]
    fn weak_keys_are_refused() {
        // The neutral element, under which R = 8 B, s = 8 signs everything loosely.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert!(public_key(&Hex(neutral)).is_none());
    }
}
