//! Sealing an opening so that nobody can withhold it, nobody reads it early, and the venue can't call a good one bad.
//!
//! What is posted with an order before the close is
//!
//! ```text
//! sealed = TimeLock_round(Envelope_venue(opening; r); k),   (r, k) = a hash of the opening
//! ```
//!
//! - **Padding.** The opening, after two bytes of its length, is filled with zeros to the board's size. All sealed openings of a
//!   board have the same length.
//! - **Context.** Everything is bound to the digest of the board's header and to the order's commitment: a sealed opening that is
//!   copied to another board or commitment is malformed there.
//! - **Envelope.** `R = r G`, a proof that its maker knows `r`, and the padded opening plus SHAKE256 of context, `R` and `r X`, with `X`
//!   the venue's key in ristretto255: signed, hashed ElGamal. The proof is bound to context and body; without it, who copies another's
//!   `R` could make the venue show what opens both.
//! - **Time lock.** The envelope plus SHAKE256 of context, lock and a key of 16 bytes; before it the [lock](crate::timelock) of that key.
//!   Without a beacon there is the envelope alone.
//! - **No free choice.** `r`, the proof's nonce, the lock's key and its randomness are SHAKE256 of context and padded opening. So an opening has one sealed
//!   form; that is what "well formed" means, and whoever has opening and header computes it again (the transform of Fujisaki and
//!   Okamoto). There is no authentication code besides: any other bytes are malformed.
//!
//! The randomness is as secret as the opening is, so an opening must hold a secret of at least 128 bits that is used for nothing else.
//! Openings of orders hold one of 248 bits.
//!
//! # What happens at the opening
//!
//! Anyone removes the time lock with the round's signature; the venue alone opens the envelope. There are three ends:
//!
//! | end | who shows it | how |
//! |---|---|---|
//! | opened | the venue by clearing the order | |
//! | malformed | the venue to everyone | the time lock is broken, or there is no point or proof: all see it; else a [`Disclosure`]: [`Sealing::judge`] |
//! | a wrong skip | the trader to a judge | the opening, which seals to the bytes on the board: [`Sealing::dispute`] |

use std::fmt;
use std::sync::Arc;

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;

use crate::beacon::{Beacon, VerifiedRound};
use crate::bytes::{Digest, Hex, digest, mask, stream, take};
use crate::disclosure::{self, Disclosure};
use crate::file::{Commitment, Posted, Sealed};
use crate::keys::{random_seed, secret_bytes};
use crate::knowledge::{self, PROOF};
use crate::terms::{Header, Invalid};
use crate::timelock::{LOCK, RoundLock, Unlocked, unlock};

/// Bytes of an envelope's point.
const POINT: usize = 32;
/// Bytes that tell an opening's length.
const LENGTH: usize = 2;

/// The venue's secret for envelopes.
#[derive(Clone)]
pub struct VenueSecret {
    seed: [u8; 32],
    scalar: Scalar,
}

impl fmt::Debug for VenueSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VenueSecret(..)")
    }
}

impl VenueSecret {
    /// A fresh one from the operating system's generator.
    pub fn random() -> Self {
        Self::from_seed(&random_seed())
    }

    /// The one of 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let scalar = disclosure::scalar("sealbook envelopes 1", &[seed]);
        Self {
            seed: *seed,
            scalar,
        }
    }

    /// One kept by [`to_hex`](Self::to_hex).
    pub fn from_hex(text: &str) -> Option<Self> {
        secret_bytes(text).map(|seed| Self::from_seed(&seed))
    }

    /// The secret as text, for keeping.
    pub fn to_hex(&self) -> String {
        Hex(self.seed).to_string()
    }

    /// The public key, which stands in headers.
    pub fn public(&self) -> Hex<32> {
        Hex(RistrettoPoint::mul_base(&self.scalar).compress().to_bytes())
    }
}

/// An opening. It is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening(pub Vec<u8>);

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening(..)")
    }
}

/// What an entry turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Well formed, with this opening.
    Opened(Opening),
    /// Malformed.
    Malformed(Flaw),
}

/// Why an entry is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not of the length of all.
    #[error("its sealed opening has another length than the board's")]
    Length,
    /// The lock does not open.
    #[error("its time lock is broken, or was made for another round")]
    TimeLock,
    /// No point.
    #[error("its envelope holds no point of the group")]
    Point,
    /// No proof.
    #[error(
        "its envelope has no proof that its maker knows its secret; it may be another's, changed"
    )]
    Proof,
    /// Another length or other filling.
    #[error("its opening is not padded as it must be")]
    Padding,
    /// Other randomness.
    #[error("its opening seals to other bytes than those on the board")]
    Randomness,
    /// Not the commitment's.
    #[error("its opening is not that of its commitment")]
    Commitment,
}

impl Flaw {
    /// Whether everyone sees it after the round without a word of the venue.
    pub fn is_visible(self) -> bool {
        matches!(
            self,
            Self::Length | Self::TimeLock | Self::Point | Self::Proof
        )
    }
}

/// Why an opening can't be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too long.
    #[error(
        "the opening has {0} bytes, and this board's openings have at most {1}; post it on a board with larger openings"
    )]
    Long(usize, usize),
    /// Not the commitment's.
    #[error("the opening is not that of the commitment; make both from the same order")]
    Commitment,
}

/// Why there is no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// The round's signature is missing.
    #[error(
        "the opening is locked to round {0}; fetch the signature of that round from the beacon"
    )]
    NoRound(u64),
    /// Another round's signature.
    #[error(
        "the signature is of another round or beacon; round {0} of the board's beacon is needed"
    )]
    OtherRound(u64),
    /// The secret is not the one of the header.
    #[error(
        "the secret is not that of the venue's key in the header; take the one this board was made with"
    )]
    OtherSecret,
    /// Evidence is missing.
    #[error(
        "nothing is wrong that all can see, and the venue shows no evidence; it must clear the order or show some"
    )]
    NoEvidence,
    /// The evidence is false.
    #[error("the venue's evidence is false: its shared point is not that of this entry's envelope")]
    FalseEvidence,
}

/// Why a dispute is not upheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisputeError {
    /// The opening can't be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It seals to other bytes.
    #[error(
        "the opening seals to other bytes than those on the board; the entry is malformed, or it is another's opening"
    )]
    OtherBytes,
}

type Opens = dyn Fn(&Commitment, &[u8]) -> bool + Send + Sync;

/// A board's keys, made ready.
#[derive(Clone)]
pub struct Sealing {
    header: Digest,
    venue: RistrettoPoint,
    /// Bytes of a padded opening.
    size: usize,
    lock: Option<(Beacon, u64, RoundLock)>,
    opens: Arc<Opens>,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealing({})", self.header)
    }
}

/// An envelope out of its time lock.
struct Envelope {
    context: Digest,
    point: RistrettoPoint,
    proof: [u8; PROOF],
    body: Vec<u8>,
    unlocked: Option<Unlocked>,
}

/// The randomness that follows from an opening.
struct Randomness {
    r: Scalar,
    nonce: Scalar,
    locked: Unlocked,
}

fn randomness(context: &Digest, padded: &[u8]) -> Randomness {
    let mut bytes = stream("sealbook seal 1", &[&context.0, padded]);
    Randomness {
        r: Scalar::from_bytes_mod_order_wide(&take(&mut bytes)),
        nonce: Scalar::from_bytes_mod_order_wide(&take(&mut bytes)),
        locked: Unlocked {
            key: take(&mut bytes),
            sigma: take(&mut bytes),
        },
    }
}

/// Encrypts and decrypts what is in an envelope.
fn mask_envelope(
    context: &Digest,
    point: &RistrettoPoint,
    shared: &RistrettoPoint,
    body: &mut [u8],
) {
    let points = [point, shared].map(|p| p.compress().to_bytes());
    let parts: [&[u8]; 3] = [&context.0, &points[0], &points[1]];
    mask(body, &mut stream("sealbook envelope 1", &parts));
}

/// Encrypts and decrypts what is under a time lock.
fn mask_locked(context: &Digest, lock: &[u8; LOCK], secret: &Unlocked, envelope: &mut [u8]) {
    let parts: [&[u8]; 3] = [&context.0, lock, &secret.key];
    mask(envelope, &mut stream("sealbook time lock 1", &parts));
}

impl Sealing {
    /// Makes a board's keys ready. `opens` says whether an opening is that of a commitment: what an order is, is not the board's to
    /// know. It must say the same for everyone, and the same at any time.
    ///
    /// # Errors
    /// If the header is wrong.
    pub fn new(
        header: &Header,
        opens: impl Fn(&Commitment, &[u8]) -> bool + Send + Sync + 'static,
    ) -> Result<Self, Invalid> {
        header.check()?;
        let terms = &header.terms;
        let wrong = |field| Invalid::new(field, "is no public key");
        let ready = |lock: &crate::terms::TimeLock| {
            let ready = RoundLock::new(&lock.beacon, lock.round).ok_or_else(|| wrong("beacon"))?;
            Ok((lock.beacon.clone(), lock.round, ready))
        };
        Ok(Self {
            header: header.digest(),
            venue: disclosure::point(&terms.venue.envelopes).ok_or_else(|| wrong("envelopes"))?,
            size: terms.opening_bytes as usize,
            lock: terms.lock.as_ref().map(ready).transpose()?,
            opens: Arc::new(opens),
        })
    }

    /// Most bytes of an opening.
    pub fn longest(&self) -> usize {
        self.size - LENGTH
    }

    /// Bytes of every sealed opening of the board.
    pub fn sealed_bytes(&self) -> usize {
        sealed_bytes(self.size, self.lock.is_some())
    }

    fn context(&self, commitment: &Commitment) -> Digest {
        digest(
            "sealbook seal context 1",
            &[&self.header.0, &commitment.0.0],
        )
    }

    fn pad(&self, opening: &[u8]) -> Result<Vec<u8>, SealError> {
        if opening.len() > self.longest() {
            return Err(SealError::Long(opening.len(), self.longest()));
        }
        let mut padded = vec![0; self.size];
        padded[..LENGTH].copy_from_slice(&(opening.len() as u16).to_le_bytes());
        padded[LENGTH..LENGTH + opening.len()].copy_from_slice(opening);
        Ok(padded)
    }

    /// Seals an opening: always to the same bytes.
    ///
    /// # Errors
    /// If it is too long, or not the commitment's.
    pub fn seal(&self, commitment: &Commitment, opening: &[u8]) -> Result<Sealed, SealError> {
        if !(self.opens)(commitment, opening) {
            return Err(SealError::Commitment);
        }
        let mut padded = self.pad(opening)?;
        let context = self.context(commitment);
        let Randomness { r, nonce, locked } = randomness(&context, &padded);
        let point = RistrettoPoint::mul_base(&r);
        mask_envelope(&context, &point, &(r * self.venue), &mut padded);
        let proof = knowledge::prove(&r, &nonce, &context, &padded);
        let mut envelope = [point.compress().as_bytes().as_slice(), &proof, &padded].concat();
        let Some((.., round)) = &self.lock else {
            return Ok(Sealed(envelope));
        };
        let lock = round.lock(&locked);
        mask_locked(&context, &lock, &locked, &mut envelope);
        Ok(Sealed([lock.as_slice(), &envelope].concat()))
    }

    /// Takes an entry out of its time lock: what everyone can do after the round.
    fn unlock(
        &self,
        posted: &Posted,
        round: Option<&VerifiedRound>,
    ) -> Result<Result<Envelope, Flaw>, JudgeError> {
        if let Some((beacon, number, _)) = &self.lock {
            let given = round.ok_or(JudgeError::NoRound(*number))?;
            if given.round() != *number || !given.is_of(beacon) {
                return Err(JudgeError::OtherRound(*number));
            }
        }
        Ok(self.envelope(posted, round))
    }

    fn envelope(&self, posted: &Posted, round: Option<&VerifiedRound>) -> Result<Envelope, Flaw> {
        let locked_to = self.lock.as_ref().map(|(_, number, _)| *number);
        if posted.round != locked_to {
            return Err(Flaw::TimeLock);
        }
        let mut bytes = posted.sealed.0.as_slice();
        if bytes.len() != self.sealed_bytes() {
            return Err(Flaw::Length);
        }
        let context = self.context(&posted.commitment);
        let opened = match round.filter(|_| self.lock.is_some()) {
            None => None,
            Some(round) => {
                let (lock, rest) = bytes.split_first_chunk::<LOCK>().ok_or(Flaw::Length)?;
                bytes = rest;
                Some((lock, unlock(round, lock).ok_or(Flaw::TimeLock)?))
            }
        };
        let mut envelope = bytes.to_vec();
        if let Some((lock, secret)) = &opened {
            mask_locked(&context, lock, secret, &mut envelope);
        }
        let (point, rest) = envelope.split_first_chunk::<POINT>().ok_or(Flaw::Length)?;
        let (proof, body) = rest.split_first_chunk::<PROOF>().ok_or(Flaw::Length)?;
        let point = disclosure::point(&Hex(*point)).ok_or(Flaw::Point)?;
        if !knowledge::check(&point, &context, body, proof) {
            return Err(Flaw::Proof);
        }
        Ok(Envelope {
            context,
            point,
            proof: *proof,
            body: body.to_vec(),
            unlocked: opened.map(|(_, secret)| secret),
        })
    }

    /// Decides what an envelope holds, given its shared point. It is well formed iff [`seal`](Self::seal) gives its bytes; since a lock
    /// that opens is that of its key and randomness, and a body that was decrypted encrypts to itself, comparing the randomness is
    /// enough.
    fn decide(
        &self,
        commitment: &Commitment,
        envelope: &Envelope,
        shared: &RistrettoPoint,
    ) -> Verdict {
        let context = envelope.context;
        let mut padded = envelope.body.clone();
        mask_envelope(&context, &envelope.point, shared, &mut padded);
        let length = usize::from(u16::from_le_bytes([padded[0], padded[1]]));
        let Some(opening) = padded.get(LENGTH..LENGTH + length) else {
            return Verdict::Malformed(Flaw::Padding);
        };
        if padded[LENGTH + length..].iter().any(|byte| *byte != 0) {
            return Verdict::Malformed(Flaw::Padding);
        }
        let Randomness { r, nonce, locked } = randomness(&context, &padded);
        // The proof is bound to the point, so `r` is that of the point, too.
        let same = knowledge::prove(&r, &nonce, &context, &envelope.body) == envelope.proof
            && envelope.unlocked.is_none_or(|unlocked| unlocked == locked);
        if !same {
            return Verdict::Malformed(Flaw::Randomness);
        }
        if !(self.opens)(commitment, opening) {
            return Verdict::Malformed(Flaw::Commitment);
        }
        Verdict::Opened(Opening(opening.to_vec()))
    }

    /// Opens an entry with the venue's secret. Where it is malformed and not all can see why, there is the evidence to publish.
    ///
    /// # Errors
    /// If the round's signature is missing or another's, or the secret is not the header's.
    pub fn open(
        &self,
        posted: &Posted,
        round: Option<&VerifiedRound>,
        secret: &VenueSecret,
    ) -> Result<(Verdict, Option<Disclosure>), JudgeError> {
        if RistrettoPoint::mul_base(&secret.scalar) != self.venue {
            return Err(JudgeError::OtherSecret);
        }
        let envelope = match self.unlock(posted, round)? {
            Ok(envelope) => envelope,
            Err(flaw) => return Ok((Verdict::Malformed(flaw), None)),
        };
        let (point, context) = (envelope.point, envelope.context);
        let verdict = self.decide(&posted.commitment, &envelope, &(secret.scalar * point));
        let evidence = match verdict {
            Verdict::Malformed(_) => Some(disclosure::disclose(&secret.scalar, &point, &context)),
            Verdict::Opened(_) => None,
        };
        Ok((verdict, evidence))
    }

    /// Decides, without any secret, what an entry is, given the venue's evidence. A venue that skipped an entry was right if this says
    /// that it is malformed.
    ///
    /// # Errors
    /// If the round's signature is missing or another's, evidence is needed and missing, or it is false.
    pub fn judge(
        &self,
        posted: &Posted,
        round: Option<&VerifiedRound>,
        evidence: Option<&Disclosure>,
    ) -> Result<Verdict, JudgeError> {
        let envelope = match self.unlock(posted, round)? {
            Ok(envelope) => envelope,
            Err(flaw) => return Ok(Verdict::Malformed(flaw)),
        };
        let evidence = evidence.ok_or(JudgeError::NoEvidence)?;
        let shared = disclosure::check(&self.venue, &envelope.point, &envelope.context, evidence)
            .ok_or(JudgeError::FalseEvidence)?;
        Ok(self.decide(&posted.commitment, &envelope, &shared))
    }

    /// Whether a trader is right that an entry is well formed: its opening seals to the bytes on the board. Needs neither venue nor
    /// beacon, and shows the order to whoever judges.
    ///
    /// # Errors
    /// If it is not.
    pub fn dispute(&self, posted: &Posted, opening: &[u8]) -> Result<(), DisputeError> {
        let sealed = self.seal(&posted.commitment, opening)?;
        let round = self.lock.as_ref().map(|(_, round, _)| *round);
        if sealed != posted.sealed || round != posted.round {
            return Err(DisputeError::OtherBytes);
        }
        Ok(())
    }
}

/// Bytes of a sealed opening.
pub(crate) fn sealed_bytes(size: usize, locked: bool) -> usize {
    POINT + PROOF + size + if locked { LOCK } else { 0 }
}

#[cfg(test)]
mod tests;
