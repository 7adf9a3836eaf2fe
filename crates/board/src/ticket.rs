//! Tickets: a board entry costs one, and shows no account.
//!
//! A venue issues as many tickets an account and epoch as it states. A ticket is a signing key of its own, `t`, with the venue's blind
//! signature of it (Boldyreva 2003: blind BLS signatures). With `H` hashing to the first group, `y` the epoch's secret and `Y = y P`
//! its public key:
//!
//! ```text
//! account:  b random, sends B = b H(Y, t)      venue:  C = y B      account:  T = C / b = y H(Y, t), checked by e(T, P) = e(H, Y)
//! ```
//!
//! `B` is uniform whatever `t` is, so the venue cannot tell which of its answers a ticket came from: all it knows is that some account
//! with a ticket posted. Anyone checks a ticket with the public key alone. Nobody has more tickets than answers from the venue.
//!
//! An entry carries `t` and `T`, its *stamp*, and is signed by `t`: who copies a stamp from an entry on its way can't use it for
//! another. A ticket counts once in an epoch ([`crate::close`]).
//!
//! What tickets don't hide: that an account asked for tickets, and when it reaches the board over the network. An account should fetch
//! all its tickets of an epoch at once, before it knows what it will trade. A venue that gives two accounts different keys could tell
//! them apart; so the key stands in the board's header, which all see, and an account checks its tickets under that one.

use std::fmt;

use ic_bls12_381::{G1Affine, G1Projective, G2Affine, Scalar};
use serde::{Deserialize, Serialize};

use crate::bytes::{Digest, Hex, digest, stream, take};
use crate::curve;
use crate::keys::{SecretKey, random_seed, secret_bytes, signed};

/// The domain in which tickets are hashed to the curve: not a beacon's, so neither signs for the other.
const DOMAIN: &[u8] = b"SEALBOOK_TICKET_1_BLS12381G1_XMD:SHA-256_SSWU_RO_";

/// Why there is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// The account has all it gets.
    #[error("the account has had all {0} tickets of this epoch; wait for the next epoch")]
    Spent(u32),
    /// What was asked is no point.
    #[error("the request is no point of the curve; make it anew")]
    Request,
    /// What was answered is not a signature of what was asked.
    #[error(
        "the venue's answer does not fit the request under the epoch's key; keep both as evidence"
    )]
    Answer,
}

/// The venue's side: the secret of one epoch's tickets. It must serve nothing else.
#[derive(Clone)]
pub struct Issuer {
    secret: Scalar,
    each: u32,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuer(..)")
    }
}

/// What an account sends: a blinded point. It says nothing about the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The point.
    pub blinded: Hex<48>,
}

/// What the venue answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The signature of the blinded point.
    pub signed: Hex<48>,
}

impl Issuer {
    /// The issuer of an epoch with `each` tickets an account. Epochs of one venue seed have unrelated keys.
    pub fn new(seed: &[u8; 32], epoch: u64, each: u32) -> Self {
        let secret = curve::scalar("sealbook tickets 1", &[seed, &epoch.to_le_bytes()]);
        Self { secret, each }
    }

    /// The epoch's public key.
    pub fn key(&self) -> Hex<96> {
        curve::public_key(&self.secret)
    }

    /// Tickets an account.
    pub fn each(&self) -> u32 {
        self.each
    }

    /// Answers a request of an account which has had `before` tickets of this epoch. Whoever calls this keeps the count.
    ///
    /// # Errors
    /// If the account has had all, or the request is malformed.
    pub fn issue(&self, before: u32, request: &Request) -> Result<Answer, TicketError> {
        if before >= self.each {
            return Err(TicketError::Spent(self.each));
        }
        let point = curve::signature_point(&request.blinded).ok_or(TicketError::Request)?;
        let signed = curve::sign(&self.secret, &point);
        Ok(Answer { signed })
    }
}

/// A ticket that is being asked for: its secret.
#[derive(Clone)]
pub struct Wish([u8; 32]);

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wish(..)")
    }
}

impl Wish {
    /// A fresh one from the operating system's generator.
    pub fn random() -> Self {
        Self(random_seed())
    }

    /// The wish of 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(*seed)
    }

    /// A wish kept by [`to_hex`](Self::to_hex).
    pub fn from_hex(text: &str) -> Option<Self> {
        secret_bytes(text).map(Self)
    }

    /// The secret as text, for keeping until the answer comes.
    pub fn to_hex(&self) -> String {
        Hex(self.0).to_string()
    }

    fn secret_key(&self, epoch_key: &Hex<96>) -> SecretKey {
        let parts: [&[u8]; 2] = [&self.0, &epoch_key.0];
        SecretKey::from_seed(&digest("sealbook ticket key 1", &parts).0)
    }

    fn blinding(&self, epoch_key: &Hex<96>) -> Scalar {
        curve::scalar("sealbook ticket blinding 1", &[&self.0, &epoch_key.0])
    }

    /// What to send to the venue, for tickets of the epoch with this key.
    pub fn request(&self, epoch_key: &Hex<96>) -> Request {
        let point = hashed(epoch_key, &self.secret_key(epoch_key).public());
        let blinded = Hex(G1Affine::from(point * self.blinding(epoch_key)).to_compressed());
        Request { blinded }
    }

    /// The ticket, from the venue's answer.
    ///
    /// # Errors
    /// If the answer is not the venue's signature of the request.
    pub fn finish(&self, epoch_key: &Hex<96>, answer: &Answer) -> Result<Ticket, TicketError> {
        let secret = self.secret_key(epoch_key);
        let inverse = Option::<Scalar>::from(self.blinding(epoch_key).invert());
        let point = curve::signature_point(&answer.signed).zip(inverse);
        let issued = point.map(|(point, inverse)| G1Affine::from(point * inverse));
        let key = curve::key_point(epoch_key);
        let (issued, key) = issued.zip(key).ok_or(TicketError::Answer)?;
        if !curve::signed(&issued, &hashed(epoch_key, &secret.public()), &key) {
            return Err(TicketError::Answer);
        }
        let issued = Hex(issued.to_compressed());
        Ok(Ticket { secret, issued })
    }
}

/// A ticket, with the secret that spends it.
#[derive(Clone, Debug)]
pub struct Ticket {
    secret: SecretKey,
    issued: Hex<48>,
}

/// A ticket as it stands on a board, spent on one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// The ticket's key.
    pub key: Hex<32>,
    /// The venue's signature of the key.
    pub issued: Hex<48>,
    /// The key's signature of the entry.
    pub signature: Hex<64>,
}

impl Ticket {
    /// Spends the ticket on the entry that has this digest.
    pub fn stamp(&self, entry: &Digest) -> Stamp {
        Stamp {
            key: self.secret.public(),
            issued: self.issued,
            signature: self.secret.sign(&stamped(entry)),
        }
    }

    /// The ticket as text, for keeping: the secret key, then the venue's signature.
    pub fn to_hex(&self) -> String {
        format!("{}{}", self.secret.to_hex(), self.issued)
    }

    /// A ticket kept by [`to_hex`](Self::to_hex).
    pub fn from_hex(text: &str) -> Option<Self> {
        let (secret, issued) = text.trim().split_at_checked(64)?;
        let (secret, issued) = (SecretKey::from_hex(secret)?, Hex::parse(issued)?);
        Some(Self { secret, issued })
    }
}

/// What a ticket signs.
fn stamped(entry: &Digest) -> Vec<u8> {
    [b"sealbook board entry 1\n".as_slice(), &entry.0].concat()
}

/// The point that the venue signs for a ticket.
fn hashed(epoch_key: &Hex<96>, ticket: &Hex<32>) -> G1Affine {
    curve::hash_to_point(&[epoch_key.0.as_slice(), &ticket.0].concat(), DOMAIN)
}

/// Of stamps and the digests of their entries: whether each is a ticket of the epoch, spent on its entry.
///
/// Signatures of the venue are checked together: a sum of them with random factors is right only if each is, but for one case in
/// 2^128. Where a sum is wrong, its halves are checked. The factors follow from all stamps, so everyone has the same.
pub(crate) fn check_all(epoch_key: &Hex<96>, stamps: &[(&Stamp, Digest)]) -> Vec<bool> {
    let Some(key) = curve::key_point(epoch_key) else {
        return vec![false; stamps.len()];
    };
    let all: Vec<u8> = stamps
        .iter()
        .flat_map(|(stamp, _)| stamp.key.0.iter().chain(&stamp.issued.0))
        .copied()
        .collect();
    let mut factors = stream("sealbook ticket factors 1", &[&epoch_key.0, &all]);
    let mut good = vec![false; stamps.len()];
    let mut claimed = Vec::new();
    for (index, (stamp, entry)) in stamps.iter().enumerate() {
        let factor = u128::from_le_bytes(take(&mut factors));
        let signed = signed(&stamp.key, &stamped(entry), &stamp.signature);
        if let Some(issued) = curve::signature_point(&stamp.issued).filter(|_| signed) {
            claimed.push(Issued {
                index,
                signature: curve::public_multiple(&issued, factor),
                hashed: curve::public_multiple(&hashed(epoch_key, &stamp.key), factor),
            });
        }
    }
    mark_issued(&claimed, &key, &mut good);
    good
}

/// A ticket's signature and its message, times the ticket's factor.
struct Issued {
    index: usize,
    signature: G1Projective,
    hashed: G1Projective,
}

fn mark_issued(claimed: &[Issued], key: &G2Affine, good: &mut [bool]) {
    if claimed.is_empty() {
        return;
    }
    let sum = |of: fn(&Issued) -> &G1Projective| {
        G1Affine::from(claimed.iter().map(of).sum::<G1Projective>())
    };
    if curve::signed(&sum(|i| &i.signature), &sum(|i| &i.hashed), key) {
        claimed.iter().for_each(|i| good[i.index] = true);
    } else if claimed.len() > 1 {
        let (left, right) = claimed.split_at(claimed.len() / 2);
        mark_issued(left, key, good);
        mark_issued(right, key, good);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(issuer: &Issuer, seed: u8) -> Ticket {
        let wish = Wish::from_seed(&[seed; 32]);
        let answer = issuer.issue(0, &wish.request(&issuer.key())).unwrap();
        wish.finish(&issuer.key(), &answer).unwrap()
    }

    #[test]
    fn an_account_gets_as_many_as_stated() {
        let issuer = Issuer::new(&[1; 32], 5, 2);
        let request = Wish::from_seed(&[2; 32]).request(&issuer.key());
        assert!(issuer.issue(1, &request).is_ok());
        let told = issuer.issue(2, &request).unwrap_err();
        assert_eq!(told, TicketError::Spent(2));
        let zero = Request {
            blinded: Hex(G1Affine::identity().to_compressed()),
        };
        assert_eq!(issuer.issue(0, &zero), Err(TicketError::Request));
    }

    #[test]
    fn a_wrong_answer_is_no_ticket() {
        let issuer = Issuer::new(&[1; 32], 5, 2);
        let (key, wish) = (issuer.key(), Wish::from_seed(&[2; 32]));
        let request = wish.request(&key);
        // The key of another epoch; another account's answer; the request itself; no point.
        let other = Issuer::new(&[1; 32], 6, 2);
        let foreign = Wish::from_seed(&[3; 32]).request(&key);
        let answers = [
            other.issue(0, &request).unwrap().signed,
            issuer.issue(0, &foreign).unwrap().signed,
            request.blinded,
            Hex([0; 48]),
        ];
        for signed in answers {
            let told = wish.finish(&key, &Answer { signed }).unwrap_err();
            assert_eq!(told, TicketError::Answer);
        }
    }

    /// What the venue saw and answered has no byte string in common with the stamp, and fits every ticket equally: for any ticket
    /// there is a blinding that makes it of this request.
    #[test]
    fn the_venue_sees_nothing_of_the_ticket() {
        let issuer = Issuer::new(&[1; 32], 5, 2);
        let (wish, other) = (Wish::from_seed(&[2; 32]), Wish::from_seed(&[3; 32]));
        let request = wish.request(&issuer.key());
        let answer = issuer.issue(0, &request).unwrap();
        let ticket = wish.finish(&issuer.key(), &answer).unwrap();
        let stamp = serde_json::to_string(&ticket.stamp(&Hex([9; 32]))).unwrap();
        for seen in [request.blinded, answer.signed] {
            assert!(!stamp.contains(&seen.to_string()));
        }
        // The other's ticket with this request: T' = y H', and C = y B. With b' such that B = b' H', C = b' T'. What the venue can
        // test is e(C, P) = e(B, Y) and e(T', P) = e(H', Y), and both hold.
        let theirs = self::ticket(&issuer, 3);
        let point = |bytes: &Hex<48>| curve::signature_point(bytes).unwrap();
        let key = curve::key_point(&issuer.key()).unwrap();
        assert!(curve::signed(
            &point(&answer.signed),
            &point(&request.blinded),
            &key
        ));
        let hashed = hashed(&issuer.key(), &other.secret_key(&issuer.key()).public());
        assert!(curve::signed(&point(&theirs.issued), &hashed, &key));
        // Two requests for the same ticket differ only by the blinding; the same wish makes the same request.
        assert_eq!(wish.request(&issuer.key()), request);
        assert_ne!(other.request(&issuer.key()), request);
    }

    #[test]
    fn stamps_are_checked_together_and_alone() {
        let issuer = Issuer::new(&[1; 32], 5, 9);
        let foreign = Issuer::new(&[2; 32], 5, 9);
        let entry = Hex([9; 32]);
        let good: Vec<Stamp> = (0..5).map(|i| ticket(&issuer, i).stamp(&entry)).collect();
        let mut stamps = good.clone();
        stamps.push(ticket(&foreign, 7).stamp(&entry));
        // Two swapped signatures, whose plain sum is right.
        let mut swapped = [good[0].clone(), good[1].clone()];
        (swapped[0].issued, swapped[1].issued) = (good[1].issued, good[0].issued);
        stamps.extend(swapped);
        // The ticket's signature is of another entry, or of none.
        stamps.push(ticket(&issuer, 8).stamp(&Hex([8; 32])));
        let mut unsigned = good[2].clone();
        unsigned.signature.0[3] ^= 1;
        stamps.push(unsigned);
        let mut unissued = good[3].clone();
        unissued.issued.0[0] ^= 0x20;
        stamps.push(unissued);
        let pairs: Vec<_> = stamps.iter().map(|stamp| (stamp, entry)).collect();
        let expected: Vec<bool> = (0..stamps.len()).map(|i| i < 5).collect();
        assert_eq!(check_all(&issuer.key(), &pairs), expected);
        assert_eq!(check_all(&issuer.key(), &pairs[..5]), [true; 5]);
        // The two swapped ones together.
        assert_eq!(check_all(&issuer.key(), &pairs[6..8]), [false; 2]);
        assert_eq!(check_all(&Hex([1; 96]), &pairs[..5]), [false; 5]);
        assert!(check_all(&issuer.key(), &[]).is_empty());
    }

    #[test]
    fn secrets_are_kept_and_not_printed() {
        let issuer = Issuer::new(&[1; 32], 5, 2);
        let wish = Wish::from_seed(&[0xab; 32]);
        let ticket = ticket(&issuer, 0xab);
        assert_eq!(format!("{issuer:?} {wish:?}"), "Issuer(..) Wish(..)");
        let told = format!("{ticket:?}");
        assert!(told.contains("SecretKey(..)"));
        assert!(!told.contains(&ticket.secret.to_hex()));
        let kept = Ticket::from_hex(&ticket.to_hex()).unwrap();
        assert_eq!(kept.stamp(&Hex([1; 32])), ticket.stamp(&Hex([1; 32])));
        let again = Wish::from_hex(&wish.to_hex()).unwrap();
        assert_eq!(again.request(&issuer.key()), wish.request(&issuer.key()));
        assert!(Ticket::from_hex("00").is_none());
    }
}
