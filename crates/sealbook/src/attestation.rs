//! Who says that what a proof takes as given is true: a signature of a servicer, a venue or an oracle.
//!
//! A proof shows what follows from a tape, a market, a price history or scenarios, not that these are true. Whoever knows
//! signs what names them, and a verifier accepts signatures of keys it trusts ([`crate::vouch`] says what each claim rests
//! on). What is signed names its kind, so a signature on one kind says nothing about another.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use market::snapshot::Snapshot;
use records::date::check_moment;
use records::date::{days_of, moment};
use serde::{Deserialize, Serialize};
use statements::account::PublicDigest;
use statements::margin::snapshot_digest;
use statements::venues::scenarios_digest;
use statements::words::quoted;
use venue::history::PriceHistory;
use venue::scenarios::ScenarioSet;

/// What a signature is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Subject {
    /// A loan tape.
    Pool {
        /// The commitment to the pool, as in pool claims.
        commitment: PublicDigest,
        /// The cut-off date.
        cut_off: String,
        /// How many loans there are.
        loans: u64,
    },
    /// A market at a moment.
    Market {
        /// The whole snapshot's digest, as in margin claims; absent where only assets are attested.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snapshot: Option<String>,
        /// The digest of its assets' prices and haircuts ([`Snapshot::prices_digest`]), for claims that rest on these alone.
        prices: String,
        /// When, in milliseconds since 1970.
        as_of_ms: u64,
        /// Where prices come from.
        source: String,
    },
    /// A price history.
    Prices {
        /// Its digest, as in the recipes of scenarios ([`PriceHistory::digest`]).
        history: String,
        /// Its first day, such as 2020-01-01.
        first: String,
        /// Its last day.
        last: String,
    },
    /// A scenario set.
    Scenarios {
        /// Its digest, as in premia claims.
        digest: String,
        /// When, in milliseconds since 1970.
        as_of_ms: u64,
    },
}

/// A signed [`Subject`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// What it is about.
    pub subject: Subject,
    /// The Ed25519 key that signed, in hex.
    pub key: String,
    /// The signature, in hex.
    pub signature: String,
}

/// Why an attestation does not help a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAttested {
    /// Another kind of thing.
    #[error("it is about {0}, and the claim rests on none")]
    Kind(&'static str),
    /// Another thing of the kind.
    #[error("it is about another {0} than the claim")]
    Other(&'static str),
    /// Not one of the trusted keys.
    #[error("its key {0} is not one that you trust (--trust)")]
    Untrusted(String),
    /// Not of its form.
    #[error("its {0} is malformed")]
    Malformed(&'static str),
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
}

/// A key that cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// Not 64 digits, or no point of the curve.
    #[error("is no public key; write the 64 lowercase hexadecimal digits that `attest` prints")]
    Malformed,
    /// A point of small order, under which one signature fits many messages.
    #[error("is a weak key, under which anybody can sign; trust another")]
    Weak,
}

impl Subject {
    /// A market, whole.
    pub fn market(snapshot: &Snapshot) -> Self {
        Self::Market {
            snapshot: Some(snapshot_digest(snapshot)),
            prices: snapshot.prices_digest(),
            as_of_ms: snapshot.as_of_ms,
            source: snapshot.source.clone(),
        }
    }

    /// The prices and haircuts of a market's assets alone.
    pub fn asset_prices(snapshot: &Snapshot) -> Self {
        Self::Market {
            snapshot: None,
            prices: snapshot.prices_digest(),
            as_of_ms: snapshot.as_of_ms,
            source: snapshot.source.clone(),
        }
    }

    /// A price history.
    pub fn prices(history: &PriceHistory) -> Self {
        let day = |day: Option<&i64>| day.map_or_else(String::new, |d| records::date::written(*d));
        Self::Prices {
            history: history.digest(),
            first: day(history.days().first()),
            last: day(history.days().last()),
        }
    }

    /// A scenario set.
    pub fn scenarios(set: &ScenarioSet) -> Self {
        Self::Scenarios {
            digest: scenarios_digest(set),
            as_of_ms: set.as_of_ms,
        }
    }

    /// What kind of thing it is, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pool { .. } => "a pool",
            Self::Market { .. } => "a market",
            Self::Prices { .. } => "a price history",
            Self::Scenarios { .. } => "scenarios",
        }
    }

    /// What is attested, in words: for a subject that was signed or checked, whose fields are of their form.
    pub fn words(&self) -> String {
        match self {
            Self::Pool {
                commitment,
                cut_off,
                loans,
            } => format!("pool {commitment} of {loans} loans on {}", cut_off),
            Self::Market {
                snapshot: Some(snapshot),
                as_of_ms,
                source,
                ..
            } => format!(
                "market {} of {} from {}",
                snapshot,
                moment(*as_of_ms),
                quoted(source)
            ),
            Self::Market {
                snapshot: None,
                prices,
                as_of_ms,
                source,
            } => format!(
                "asset prices and haircuts {} of {} from {}",
                prices,
                moment(*as_of_ms),
                quoted(source)
            ),
            Self::Prices {
                history,
                first,
                last,
            } => format!("price history {} from {} to {}", history, first, last),
            Self::Scenarios { digest, as_of_ms } => {
                format!("scenarios {} of {}", digest, moment(*as_of_ms))
            }
        }
    }

    /// The first field that is not of its form: each has one that holds no line break, so that what is signed has one reading.
    fn malformed(&self) -> Option<&'static str> {
        let (hex, date) = (is_digest, |text: &str| days_of(text).is_some());
        let fields = match self {
            Self::Pool { cut_off, .. } => vec![("cut_off", date(cut_off))],
            Self::Market {
                snapshot,
                prices,
                as_of_ms,
                source,
            } => vec![
                ("snapshot", snapshot.as_deref().is_none_or(hex)),
                ("prices", hex(prices)),
                ("as_of_ms", check_moment(*as_of_ms).is_ok()),
                ("source", records::names::is_name(source)),
            ],
            Self::Prices {
                history,
                first,
                last,
            } => vec![
                ("history", hex(history)),
                ("first", date(first)),
                ("last", date(last)),
            ],
            Self::Scenarios { digest, as_of_ms } => vec![
                ("digest", hex(digest)),
                ("as_of_ms", check_moment(*as_of_ms).is_ok()),
            ],
        };
        fields
            .into_iter()
            .find(|(_, good)| !good)
            .map(|(name, _)| name)
    }

    /// What is signed: a label, the kind, then the fields, a line each.
    fn message(&self) -> Vec<u8> {
        let fields = match self {
            Self::Pool {
                commitment,
                cut_off,
                loans,
            } => format!("pool\n{commitment}\n{cut_off}\n{loans}"),
            Self::Market {
                snapshot,
                prices,
                as_of_ms,
                source,
            } => {
                let snapshot = snapshot.as_deref().unwrap_or("-");
                format!("market\n{snapshot}\n{prices}\n{as_of_ms}\n{source}")
            }
            Self::Prices {
                history,
                first,
                last,
            } => format!("prices\n{history}\n{first}\n{last}"),
            Self::Scenarios { digest, as_of_ms } => format!("scenarios\n{digest}\n{as_of_ms}"),
        };
        format!("sealbook attestation 2\n{fields}").into_bytes()
    }
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

/// A public key that can be trusted.
///
/// # Errors
/// If it is malformed or weak.
pub fn check_key(text: &str) -> Result<(), NoKey> {
    verifying_key(text).map(|_| ())
}

fn verifying_key(text: &str) -> Result<VerifyingKey, NoKey> {
    let bytes = from_hex(text).ok_or(NoKey::Malformed)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NoKey::Malformed)?;
    if key.is_weak() {
        return Err(NoKey::Weak);
    }
    Ok(key)
}

impl Attestation {
    /// Signs with a key in hex.
    ///
    /// # Errors
    /// If the key is none, or a field of the subject is malformed.
    pub fn sign(subject: Subject, key: &str) -> Result<Self, NotAttested> {
        if let Some(field) = subject.malformed() {
            return Err(NotAttested::Malformed(field));
        }
        let key = from_hex(key.trim()).ok_or(NotAttested::Malformed("signing key"))?;
        let key = SigningKey::from_bytes(&key);
        let signature = key.sign(&subject.message());
        Ok(Self {
            subject,
            key: to_hex(key.verifying_key().as_bytes()),
            signature: to_hex(&signature.to_bytes()),
        })
    }

    /// Checks that one of the trusted keys signed the subject.
    ///
    /// # Errors
    /// Says why it did not.
    pub fn check(&self, trusted: &[String]) -> Result<(), NotAttested> {
        if let Some(field) = self.subject.malformed() {
            return Err(NotAttested::Malformed(field));
        }
        let key = verifying_key(&self.key).map_err(|_| NotAttested::Malformed("key"))?;
        if !trusted.iter().any(|t| t.trim() == self.key) {
            return Err(NotAttested::Untrusted(self.key.clone()));
        }
        let signature = from_hex(&self.signature).ok_or(NotAttested::Malformed("signature"))?;
        // Strict: one signature has one encoding, and no key of small order signs.
        key.verify_strict(&self.subject.message(), &Signature::from_bytes(&signature))
            .map_err(|_| NotAttested::Signature)
    }
}

/// Whether a text is a SHA3-256 digest as claims write it.
fn is_digest(text: &str) -> bool {
    from_hex::<32>(text).is_some()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes of lowercase hexadecimal digits: one text for each.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() != 2 * N || !text.bytes().all(plain) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::sample;
    use records::json::read;

    fn subjects() -> Vec<Subject> {
        let market = sample::snapshot();
        vec![
            Subject::Pool {
                commitment: "0000000100000002".repeat(4).try_into().expect("a digest"),
                cut_off: "2026-10-31".into(),
                loans: 500,
            },
            Subject::market(&market),
            Subject::asset_prices(&market),
            Subject::prices(&venue::sample::prices(1, 4, 30)),
            Subject::scenarios(&venue::sample::scenarios(1, 4, 30)),
        ]
    }

    #[test]
    fn a_trusted_key_attests_one_subject() {
        let (key, other) = (new_key(), new_key());
        let trusted = [public_key(&key).expect("a key")];
        for subject in subjects() {
            let good = Attestation::sign(subject.clone(), &key).expect("it signs");
            assert_eq!(good.check(&trusted), Ok(()));
            assert!(matches!(good.check(&[]), Err(NotAttested::Untrusted(_))));
            let untrusted = Attestation::sign(subject.clone(), &other).expect("it signs");
            let told = untrusted.check(&trusted);
            assert!(matches!(told, Err(NotAttested::Untrusted(_))));
            // Signed by someone else in the name of a trusted key.
            let forged = Attestation {
                key: good.key.clone(),
                ..untrusted
            };
            assert_eq!(forged.check(&trusted), Err(NotAttested::Signature));
            // A signature says nothing about any other subject, of its kind or another.
            for other in subjects().into_iter().filter(|s| *s != subject) {
                let moved = Attestation {
                    subject: other,
                    ..good.clone()
                };
                assert_eq!(moved.check(&trusted), Err(NotAttested::Signature));
            }
            let text = serde_json::to_string(&good).expect("plain data");
            assert_eq!(
                read::<Attestation>(text.as_bytes()).expect("it reads"),
                good
            );
        }
    }

    /// Every field of every kind is signed, and has one form.
    #[test]
    fn every_field_is_signed_and_has_one_form() {
        let key = new_key();
        let trusted = [public_key(&key).expect("a key")];
        let mut tried = 0;
        for subject in subjects() {
            let good = Attestation::sign(subject, &key).expect("it signs");
            let json = serde_json::to_value(&good).expect("plain data");
            let fields = json["subject"].as_object().expect("an object").clone();
            for (name, value) in fields.iter().filter(|(name, _)| *name != "kind") {
                let change: serde_json::Value = match (name.as_str(), value.as_str()) {
                    ("loans" | "as_of_ms", _) => (value.as_u64().expect("a number") + 1).into(),
                    ("cut_off" | "first" | "last", _) => "2026-10-30".into(),
                    (_, Some(text)) => {
                        let first = if text.starts_with('7') { "6" } else { "7" };
                        format!("{first}{}", &text[1..]).into()
                    }
                    _ => panic!("{name}"),
                };
                let mut changed = json.clone();
                changed["subject"][name] = change;
                let changed: Attestation = serde_json::from_value(changed).expect("of its form");
                assert_eq!(
                    changed.check(&trusted),
                    Err(NotAttested::Signature),
                    "{name}"
                );
                tried += 1;
                // What could stand for two lines, or has another text.
                let Some(text) = value.as_str().filter(|_| name != "commitment") else {
                    continue;
                };
                for spoiled in [format!("{text}\n1"), format!("{text} "), String::new()] {
                    let mut changed = json.clone();
                    changed["subject"][name] = spoiled.into();
                    let changed: Attestation = serde_json::from_value(changed).expect("it reads");
                    let told = changed.check(&trusted);
                    assert!(
                        matches!(told, Err(NotAttested::Malformed(n)) if n == name),
                        "{told:?}"
                    );
                    let told = Attestation::sign(changed.subject, &key);
                    assert!(matches!(told, Err(NotAttested::Malformed(_))));
                }
            }
        }
        assert_eq!(tried, 3 + 4 + 3 + 3 + 2);
    }

    #[test]
    fn weak_keys_and_other_encodings_are_refused() {
        let subject = subjects().remove(0);
        let key = new_key();
        let good = Attestation::sign(subject.clone(), &key).expect("it signs");
        let trusted = [good.key.clone()];
        let with = |key: &str, signature: &str| Attestation {
            subject: subject.clone(),
            key: key.into(),
            signature: signature.into(),
        };
        for (signature, error) in [
            ("+1".repeat(64), NotAttested::Malformed("signature")),
            (
                good.signature.to_uppercase() + "0",
                NotAttested::Malformed("signature"),
            ),
            ("00".repeat(64), NotAttested::Signature),
        ] {
            assert_eq!(with(&good.key, &signature).check(&trusted), Err(error));
        }
        // The same signature with the group's order added to its scalar: one more encoding, were it accepted.
        let mut bytes: [u8; 64] = from_hex(&good.signature).expect("hex");
        let order: [u8; 32] =
            from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
                .expect("hex");
        let mut carry = 0;
        for (byte, add) in bytes[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
        let told = with(&good.key, &to_hex(&bytes)).check(&trusted);
        assert_eq!(told, Err(NotAttested::Signature));
        // Points of small order: the neutral one signs everything with (R, s) = (neutral, 0).
        let neutral = format!("01{}", "00".repeat(31));
        for weak in [
            neutral.clone(),
            "00".repeat(32),
            format!("ec{}7f", "ff".repeat(30)),
        ] {
            assert_eq!(check_key(&weak), Err(NoKey::Weak), "{weak}");
            let signature = neutral.clone() + &"00".repeat(32);
            let told = with(&weak, &signature).check(&[weak]);
            assert_eq!(told, Err(NotAttested::Malformed("key")));
        }
        for text in [
            "",
            "7",
            &good.key.to_uppercase(),
            &format!("{}\n", good.key),
        ] {
            assert_eq!(check_key(text), Err(NoKey::Malformed), "{text}");
        }
        assert_eq!(check_key(&good.key), Ok(()));
    }

    #[test]
    fn files_with_more_or_twice_the_same_are_refused() {
        let good = Attestation::sign(subjects().remove(1), &new_key()).expect("it signs");
        let text = serde_json::to_string(&good).expect("plain data");
        let told = |text: String| {
            let error = read::<Attestation>(text.as_bytes()).err();
            error.map_or("read".into(), |e| e.to_string())
        };
        assert_eq!(told(text.clone()), "read");
        for (from, to, expected) in [
            (
                "{\"subject\"",
                "{\"note\":1,\"subject\"",
                "unknown field `note`",
            ),
            (
                "\"source\"",
                "\"note\":1,\"source\"",
                "unknown field `note`",
            ),
            (
                "\"source\"",
                "\"source\":\"a\",\"source\"",
                "`source` stands twice",
            ),
            (
                "\"kind\"",
                "\"kind\":\"pool\",\"kind\"",
                "`kind` stands twice",
            ),
            ("\"market\"", "\"pool\"", "unknown field"),
            ("\"market\"", "\"tape\"", "unknown variant `tape`"),
        ] {
            let told = told(text.replacen(from, to, 1));
            assert!(told.contains(expected), "{told}");
        }
    }
}
