//! Locking 16 bytes to a round of a beacon, so that only the round's signature opens them.
//!
//! This is the identity-based encryption of Boneh and Franklin (2001) with the transform of Fujisaki and Okamoto (1999), in the form
//! of `tlock` (Gailly, Melissaris and Romailler, ePrint 2023/189): the identity is the round, the master key is the beacon's, and the
//! key of an identity is the beacon's signature of it. With `P` the generator of the second group, `X` the beacon's key, `Q` the
//! round's point and `e` the pairing:
//!
//! ```text
//! r = H3(sigma, key)      U = r P      V = sigma xor H2(e(Q, X)^r)      W = key xor H4(sigma)
//! ```
//!
//! Who has the signature `S = x Q` computes `e(S, U) = e(Q, X)^r`, then sigma, then the key, and checks that `U = r P`. So a lock
//! opens to one key or is seen to be broken, and that is the same for everyone.

use ic_bls12_381::{G2Affine, Gt, Scalar, pairing};
use sha2_for_bls::{Digest as _, Sha256};

use crate::beacon::{self, Beacon, VerifiedRound};
use crate::bytes::Hex;
use crate::curve;

/// Bytes of a key, and of the randomness that locks it.
pub const KEY: usize = 16;
/// Bytes of a lock.
pub const LOCK: usize = 96 + 2 * KEY;

/// A key, and the randomness with which it was locked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Unlocked {
    /// The key.
    pub key: [u8; KEY],
    /// The randomness.
    pub sigma: [u8; KEY],
}

impl std::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unlocked(..)")
    }
}

/// A round to come, ready to lock keys to.
#[derive(Clone)]
pub struct RoundLock(Gt);

impl std::fmt::Debug for RoundLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoundLock(..)")
    }
}

impl RoundLock {
    /// A round of a beacon; none if the beacon's key is no key.
    pub fn new(beacon: &Beacon, round: u64) -> Option<Self> {
        Some(Self(pairing(&beacon::point(round), &beacon.point()?)))
    }

    /// Locks a key with randomness that nobody else knows.
    pub fn lock(&self, secret: &Unlocked) -> [u8; LOCK] {
        let r = exponent(secret);
        let u = G2Affine::from(G2Affine::generator() * r);
        let mut bytes = [0; LOCK];
        bytes[..96].copy_from_slice(&u.to_compressed());
        bytes[96..112].copy_from_slice(&xor(&secret.sigma, &pad(&(self.0 * r))));
        bytes[112..].copy_from_slice(&xor(&secret.key, &hash("IBE-H4", &[&secret.sigma])));
        bytes
    }
}

/// Opens a lock with the signature of its round. None if it is broken, or was locked to another round.
pub fn unlock(round: &VerifiedRound, lock: &[u8; LOCK]) -> Option<Unlocked> {
    let (u, masked) = lock.split_first_chunk::<96>()?;
    let (masked_sigma, masked_key) = masked.split_first_chunk::<KEY>()?;
    let u = curve::key_point(&Hex(*u))?;
    let sigma = xor(masked_sigma, &pad(&pairing(round.signature(), &u)));
    let key = xor(masked_key.first_chunk()?, &hash("IBE-H4", &[&sigma]));
    let secret = Unlocked { key, sigma };
    let again = G2Affine::from(G2Affine::generator() * exponent(&secret));
    (again == u).then_some(secret)
}

fn xor(a: &[u8; KEY], b: &[u8; KEY]) -> [u8; KEY] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// The first bytes of SHA-256 of a tag and parts.
fn hash(tag: &str, parts: &[&[u8]]) -> [u8; KEY] {
    let digest = full_hash(tag.as_bytes(), parts);
    std::array::from_fn(|i| digest[i])
}

fn full_hash(tag: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let start = Sha256::new().chain_update(tag);
    let hashed = parts.iter().fold(start, |h, part| h.chain_update(part));
    hashed.finalize().into()
}

/// H2.
fn pad(shared: &Gt) -> [u8; KEY] {
    hash("IBE-H2", &[&shared.to_bytes()])
}

/// H3: candidates of 255 bits, big endian, until one is below the group's order. Each is with probability 0.9.
fn exponent(secret: &Unlocked) -> Scalar {
    let seed = full_hash(b"IBE-H3", &[&secret.sigma, &secret.key]);
    for count in 1..u16::MAX {
        let mut candidate = full_hash(&count.to_le_bytes(), &[&seed]);
        candidate[0] >>= 1;
        candidate.reverse();
        if let Some(r) = Scalar::from_bytes(&candidate).into() {
            return r;
        }
    }
    unreachable!("65,534 candidates of which each is too large with probability 0.1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beacon::{Round, TestBeacon};

    /// A lock that drand's own program made: the stanza of the file in `TestDecryptText` of drand/tlock, and the round's signature
    /// there. That the key is right was checked by the file's own authentication code (age: HMAC-SHA-256 under a key that HKDF
    /// derives from this one).
    #[test]
    fn a_lock_of_drands_own_program_opens() {
        let lock = "91173e30c1c4d0a33da14b4970a31f1684445b45bb44f9b79b0ea2501ba971654575dd8fa17cd2064fa74b7300ea927b\
                    19df700c77d435a35658c97aa5e6e46daf4431d6c26699c04a6f5a1e8c6347ea616943a584a662762c9da4a23e38a72d\
                    96839f388a0986482ee5216b4fc79403\
                    64fc8bb8b4a413ec2fd4980537413e8a";
        let lock = Hex::<LOCK>::parse(lock).unwrap().0;
        let signature = "929906c959032ab363c9f26570d215d66f5c06cb0c44fe508c12bb5839f04ec895bb6868e5b9ff13ab289bdb5266b394";
        let round = Round {
            round: 12_040_883,
            signature: Hex::parse(signature).unwrap(),
            randomness: None,
        };
        let beacon = Beacon::quicknet();
        let opened = unlock(&beacon.verify(&round).unwrap(), &lock).unwrap();
        assert_eq!(
            Hex(opened.key).to_string(),
            "caa8b7fcc90f85a5871c8d075310799d"
        );
        // And we lock as it does.
        let again = RoundLock::new(&beacon, round.round).unwrap().lock(&opened);
        assert_eq!(again, lock);
    }

    #[test]
    fn only_the_rounds_signature_opens_a_lock() {
        let test = TestBeacon::new(&[1; 32], 1_795_718_886_000, 3000);
        let other = TestBeacon::new(&[2; 32], 1_795_718_886_000, 3000);
        let secret = Unlocked {
            key: [3; KEY],
            sigma: [4; KEY],
        };
        let lock = RoundLock::new(test.beacon(), 7).unwrap().lock(&secret);
        let verified =
            |beacon: &TestBeacon, round| beacon.beacon().verify(&beacon.sign(round)).unwrap();
        assert_eq!(unlock(&verified(&test, 7), &lock), Some(secret));
        assert_eq!(unlock(&verified(&test, 6), &lock), None);
        assert_eq!(unlock(&verified(&other, 7), &lock), None);
        // Each part of it counts.
        for at in [0, 50, 95, 96, 111, 112, 127] {
            let mut broken = lock;
            broken[at] ^= 1;
            assert_eq!(unlock(&verified(&test, 7), &broken), None, "byte {at}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let secret = Unlocked {
            key: [0xab; KEY],
            sigma: [0xcd; KEY],
        };
        assert_eq!(format!("{secret:?}"), "Unlocked(..)");
        let lock = RoundLock::new(&Beacon::quicknet(), 7).unwrap();
        assert_eq!(format!("{lock:?}"), "RoundLock(..)");
    }
}
