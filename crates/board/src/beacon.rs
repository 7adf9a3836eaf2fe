//! A public randomness beacon: who signs what at which time, and how a round is checked.
//!
//! A beacon signs the number of each round when its time has come, and not before. The signature is a BLS signature on BLS12-381,
//! in the first group, under a key in the second, of `SHA-256(round as 8 bytes, big endian)`, hashed to the curve as RFC 9380
//! says: drand's scheme `bls-unchained-g1-rfc9380`. The randomness of a round is SHA-256 of its signature. Nobody can know a
//! signature before its time unless enough of the beacon's operators collude; of drand's, which are over a dozen organisations, more
//! than half.
//!
//! The signature of a round is also the key that opens what was [locked](crate::timelock) to it.

use ic_bls12_381::{G1Affine, G2Affine, Scalar};
use records::date::check_moment;
use records::names::{NO_NAME, is_name};
use serde::{Deserialize, Serialize};
use sha2_for_bls::{Digest as _, Sha256};

use crate::bytes::Hex;
use crate::curve;
use crate::terms::Invalid;

/// The domain in which rounds are hashed to the curve.
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// The parameters of a beacon. Whoever relies on a board relies on these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beacon {
    /// Its name.
    pub name: String,
    /// Its public key: a compressed point of the second group.
    pub key: Hex<96>,
    /// When round 1 is, in milliseconds since 1970.
    pub genesis_ms: u64,
    /// How far apart rounds are, in milliseconds.
    pub period_ms: u64,
}

/// What a beacon says in a round. This is also what drand's interface answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// The round, from 1.
    pub round: u64,
    /// The beacon's signature of it.
    pub signature: Hex<48>,
    /// SHA-256 of the signature, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub randomness: Option<Hex<32>>,
}

/// A round whose signature was checked under a beacon's key; only [`Beacon::verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedRound {
    round: u64,
    key: Hex<96>,
    bytes: Hex<48>,
    signature: G1Affine,
}

/// Why a round is not the beacon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// The beacon's key is no key.
    #[error("the beacon's key is no point of the curve; take it from the beacon's operators")]
    Key,
    /// The signature is no point of the curve.
    #[error("the signature of the round is malformed; fetch the round again from the beacon")]
    Malformed,
    /// The signature is not that of the round.
    #[error(
        "the signature is not this beacon's of this round; compare the beacon's key, and fetch the round again"
    )]
    Signature,
    /// The randomness is not that of the signature.
    #[error(
        "the randomness is not SHA-256 of the signature; fetch the round again from the beacon"
    )]
    Randomness,
}

impl Beacon {
    /// drand's network `quicknet` of the League of Entropy, with a round every three seconds since 23 August 2023. Its chain hash is
    /// 52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971.
    pub fn quicknet() -> Self {
        let key = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451\
                   0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";
        Self {
            name: "quicknet".into(),
            key: Hex::parse(key).expect("a constant"),
            genesis_ms: 1_692_803_367_000,
            period_ms: 3_000,
        }
    }

    /// Checks the parameters by themselves.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        if !is_name(&self.name) {
            return Err(Invalid::new(
                "beacon.name",
                format!("the beacon's name {NO_NAME}"),
            ));
        }
        if curve::key_point(&self.key).is_none() {
            return Err(Invalid::new("beacon.key", RoundError::Key.to_string()));
        }
        check_moment(self.genesis_ms).map_err(|e| Invalid::new("beacon.genesis_ms", e))?;
        if !(1..=86_400_000).contains(&self.period_ms) {
            let told =
                "must be from 1 millisecond to a day; write the beacon's period in milliseconds";
            return Err(Invalid::new("beacon.period_ms", told));
        }
        Ok(())
    }

    /// When a round is, in milliseconds since 1970; none for round 0 and beyond all times.
    pub fn time_of(&self, round: u64) -> Option<u64> {
        let since = round.checked_sub(1)?.checked_mul(self.period_ms)?;
        self.genesis_ms.checked_add(since)
    }

    /// The first round whose time is after a moment: strictly, so that no round is known at it.
    pub fn round_after(&self, moment_ms: u64) -> Option<u64> {
        match moment_ms.checked_sub(self.genesis_ms) {
            None => Some(1),
            Some(since) => since.checked_div(self.period_ms)?.checked_add(2),
        }
    }

    /// Checks the signature of a round.
    ///
    /// # Errors
    /// If it is not this beacon's.
    pub fn verify(&self, round: &Round) -> Result<VerifiedRound, RoundError> {
        let key = curve::key_point(&self.key).ok_or(RoundError::Key)?;
        let signature = curve::signature_point(&round.signature).ok_or(RoundError::Malformed)?;
        if !curve::signed(&signature, &point(round.round), &key) {
            return Err(RoundError::Signature);
        }
        let verified = VerifiedRound {
            round: round.round,
            key: self.key,
            bytes: round.signature,
            signature,
        };
        match round.randomness {
            Some(told) if told != verified.randomness() => Err(RoundError::Randomness),
            _ => Ok(verified),
        }
    }

    /// The key's point.
    pub(crate) fn point(&self) -> Option<G2Affine> {
        curve::key_point(&self.key)
    }
}

impl VerifiedRound {
    /// The round.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Whether it is of this beacon.
    pub fn is_of(&self, beacon: &Beacon) -> bool {
        self.key == beacon.key
    }

    /// 32 bytes that nobody knew before the round: SHA-256 of the signature.
    pub fn randomness(&self) -> Hex<32> {
        Hex(Sha256::digest(self.bytes.0).into())
    }

    /// The signature's point.
    pub(crate) fn signature(&self) -> &G1Affine {
        &self.signature
    }
}

/// The point that a beacon signs in a round.
pub(crate) fn point(round: u64) -> G1Affine {
    curve::hash_to_point(&Sha256::digest(round.to_be_bytes()), DOMAIN)
}

/// A beacon with its secret, for tests and samples. Whoever has the seed signs any round at any time: nothing that it locks is safe.
#[derive(Clone)]
pub struct TestBeacon {
    beacon: Beacon,
    secret: Scalar,
}

impl std::fmt::Debug for TestBeacon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestBeacon({}, ..)", self.beacon.name)
    }
}

impl TestBeacon {
    /// A beacon named `test` with a key from a seed.
    pub fn new(seed: &[u8; 32], genesis_ms: u64, period_ms: u64) -> Self {
        let secret = curve::scalar("sealbook test beacon 1", &[seed]);
        let beacon = Beacon {
            name: "test".into(),
            key: curve::public_key(&secret),
            genesis_ms,
            period_ms,
        };
        Self { beacon, secret }
    }

    /// Its public parameters.
    pub fn beacon(&self) -> &Beacon {
        &self.beacon
    }

    /// What it says in a round.
    pub fn sign(&self, round: u64) -> Round {
        let signature = curve::sign(&self.secret, &point(round));
        Round {
            round,
            signature,
            randomness: Some(Hex(Sha256::digest(signature.0).into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rounds as drand published them: round 1000, and the one of drand/tlock's test of decryption.
    fn published() -> [Round; 2] {
        let thousand = r#"{"round":1000,"randomness":"fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd","signature":"b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"}"#;
        let later = r#"{"round":12040883,"signature":"929906c959032ab363c9f26570d215d66f5c06cb0c44fe508c12bb5839f04ec895bb6868e5b9ff13ab289bdb5266b394"}"#;
        [thousand, later].map(|text| records::json::read(text.as_bytes()).unwrap())
    }

    #[test]
    fn published_rounds_of_quicknet_verify() {
        let beacon = Beacon::quicknet();
        beacon.check().unwrap();
        for round in published() {
            let verified = beacon.verify(&round).unwrap();
            assert_eq!(verified.round(), round.round);
            assert!(verified.is_of(&beacon));
        }
    }

    /// drand names a network by a hash of its parameters: these are quicknet's.
    #[test]
    fn quicknet_has_its_chain_hash() {
        let beacon = Beacon::quicknet();
        let seconds = |ms: u64| ms / 1000;
        let group: Hex<32> =
            Hex::parse("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e").unwrap();
        let hash = Sha256::new()
            .chain_update((seconds(beacon.period_ms) as u32).to_be_bytes())
            .chain_update((seconds(beacon.genesis_ms) as i64).to_be_bytes())
            .chain_update(beacon.key.0)
            .chain_update(group.0)
            .chain_update(beacon.name.as_bytes())
            .finalize();
        assert_eq!(
            Hex::<32>(hash.into()).to_string(),
            "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
        );
    }

    #[test]
    fn every_field_of_a_round_counts() {
        let beacon = Beacon::quicknet();
        let [good, other] = published();
        let mut round = good.clone();
        round.round += 1;
        assert_eq!(beacon.verify(&round).unwrap_err(), RoundError::Signature);
        let mut round = good.clone();
        round.signature = other.signature;
        assert_eq!(beacon.verify(&round).unwrap_err(), RoundError::Signature);
        let mut round = good.clone();
        round.signature.0[0] ^= 0x20;
        assert_eq!(beacon.verify(&round).unwrap_err(), RoundError::Signature);
        let mut round = good.clone();
        round.signature.0[47] ^= 1;
        assert!(beacon.verify(&round).is_err());
        let mut round = good.clone();
        round.randomness = Some(Hex([7; 32]));
        assert_eq!(beacon.verify(&round).unwrap_err(), RoundError::Randomness);
        let test = TestBeacon::new(&[1; 32], beacon.genesis_ms, 3000);
        let told = test.beacon().verify(&good).unwrap_err();
        assert_eq!(told, RoundError::Signature);
        assert_eq!(
            beacon.verify(&test.sign(1000)).unwrap_err(),
            RoundError::Signature
        );
    }

    #[test]
    fn rounds_and_times() {
        let beacon = Beacon::quicknet();
        let genesis = beacon.genesis_ms;
        assert_eq!(beacon.time_of(0), None);
        assert_eq!(beacon.time_of(1), Some(genesis));
        // Round 1000 as drand's own clients place it.
        assert_eq!(beacon.time_of(1000), Some(1_692_806_364_000));
        assert_eq!(beacon.time_of(u64::MAX), None);
        for (moment, round) in [
            (0, 1),
            (genesis - 1, 1),
            // Round 1 is known at its time: the next is after it.
            (genesis, 2),
            (genesis + 2_999, 2),
            (genesis + 3_000, 3),
        ] {
            assert_eq!(beacon.round_after(moment), Some(round), "{moment}");
            assert!(beacon.time_of(round).unwrap() > moment);
        }
    }

    #[test]
    fn parameters_are_checked() {
        let good = Beacon::quicknet();
        let field = |change: fn(&mut Beacon)| {
            let mut beacon = good.clone();
            change(&mut beacon);
            beacon.check().unwrap_err().field
        };
        assert_eq!(field(|b| b.name = "two words".into()), "beacon.name");
        assert_eq!(field(|b| b.key.0[5] ^= 1), "beacon.key");
        assert_eq!(field(|b| b.genesis_ms /= 1000), "beacon.genesis_ms");
        assert_eq!(field(|b| b.period_ms = 0), "beacon.period_ms");
    }

    #[test]
    fn a_test_beacon_hides_its_secret() {
        let test = TestBeacon::new(&[1; 32], 1_795_718_886_000, 3000);
        assert_eq!(format!("{test:?}"), "TestBeacon(test, ..)");
        test.beacon().check().unwrap();
        test.beacon().verify(&test.sign(1)).unwrap();
    }
}
