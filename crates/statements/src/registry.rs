//! All statements of this program. To add one, add a line.

use std::any::Any;
use std::marker::PhantomData;

use serde_json::Value;
use stark::{FileError, Part, ProofFile, Rejection, Verified};

pub use crate::expect::Unexpected;
use crate::expect::expect;
use crate::kit::{Anchor, Given, Spoken};
use crate::nonce::Nonce;

/// The statements, in the order in which they are listed for people.
pub const STATEMENTS: &[&dyn Kind] = &[
    &Of::<crate::margin::Margin>::NEW,
    &Of::<crate::solvency::Solvency>::NEW,
    &Of::<crate::risk::Risk>::NEW,
    &Of::<crate::inventory::Inventory>::NEW,
    &Of::<crate::systemic::Systemic>::NEW,
    &Of::<crate::pool::Pool>::NEW,
    &Of::<crate::stress::Stressed>::NEW,
    &Of::<crate::issuance::Issuance>::NEW,
    &Of::<crate::waterfall::Waterfall>::NEW,
];

/// Why a proof file was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum NotVerified {
    /// It is not a proof file of a statement this program knows.
    #[error(transparent)]
    File(#[from] FileError),
    /// A statement this program does not know.
    #[error("the proof is of statement `{0}`, which this program does not know")]
    Unknown(String),
    /// The proof does not show its claim.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

/// A fact whose proof was checked, of any statement. Only [`verify`] and [`stark::verify`] make one.
pub trait Fact: Any + Send + Sync {
    /// The statement's id.
    fn id(&self) -> &'static str;
    /// The fact in words: the sentence, then its details.
    fn words(&self) -> Vec<String>;
    /// The challenge that the claim repeats, if there is one.
    fn nonce(&self) -> Option<&Nonce>;
    /// What other claims may speak of, too.
    fn anchors(&self) -> Vec<Anchor<'_>>;
    /// What the claim takes as given and no proof shows.
    fn given(&self) -> Vec<Given>;
    /// Checks that every field that `expected` names stands in the claim with the same value.
    ///
    /// # Errors
    /// Names the first field that differs.
    fn expect(&self, expected: &Value) -> Result<(), Unexpected>;
}

impl dyn Fact {
    /// The fact, if it is one of statement `S`.
    pub fn of<S: Spoken>(&self) -> Option<&Verified<S>>
    where
        Verified<S>: Fact,
    {
        (self as &dyn Any).downcast_ref()
    }
}

impl<S: Spoken + Send + Sync + 'static> Fact for Verified<S>
where
    S::Claim: Send,
{
    fn id(&self) -> &'static str {
        S::ID
    }
    fn words(&self) -> Vec<String> {
        S::words(self.claim())
    }
    fn nonce(&self) -> Option<&Nonce> {
        S::nonce(self.claim())
    }
    fn anchors(&self) -> Vec<Anchor<'_>> {
        S::anchors(self.claim())
    }
    fn given(&self) -> Vec<Given> {
        S::given(self.claim())
    }
    fn expect(&self, expected: &Value) -> Result<(), Unexpected> {
        expect::<S>(self.claim(), expected)
    }
}

/// A statement of the registry.
pub trait Kind: Sync {
    /// Its id, as in proof files.
    fn id(&self) -> &'static str;
    /// Its version.
    fn version(&self) -> u32;
    /// Checks a proof file.
    ///
    /// # Errors
    /// Says why it is not accepted.
    fn verify(&self, file: &ProofFile) -> Result<Box<dyn Fact>, NotVerified>;
    /// The parts of a file's claim, one after another: the tables that its proofs are about.
    ///
    /// # Errors
    /// If the claim is malformed, or the file does not have as many proofs as it needs.
    fn parts(&self, file: &ProofFile) -> Result<Box<dyn Iterator<Item = Part>>, NotVerified>;
    /// What a file's claim says, proven or not.
    ///
    /// # Errors
    /// If the claim is malformed.
    fn words(&self, file: &ProofFile) -> Result<Vec<String>, NotVerified>;
}

/// The registry's entry of statement `S`.
struct Of<S>(PhantomData<fn() -> S>);

impl<S> Of<S> {
    const NEW: Self = Self(PhantomData);
}

impl<S: Spoken + Send + Sync + 'static> Kind for Of<S>
where
    S::Claim: Send,
{
    fn id(&self) -> &'static str {
        S::ID
    }
    fn version(&self) -> u32 {
        S::VERSION
    }
    fn verify(&self, file: &ProofFile) -> Result<Box<dyn Fact>, NotVerified> {
        let fact = stark::verify::<S>(&file.claim::<S>()?, &file.parts)?;
        Ok(Box::new(fact))
    }
    fn parts(&self, file: &ProofFile) -> Result<Box<dyn Iterator<Item = Part>>, NotVerified> {
        let claim = file.claim::<S>()?;
        let context = S::context(&claim).map_err(Rejection::Claim)?;
        let (expected, got) = (S::parts(&claim, &context), file.parts.len());
        if expected != got {
            return Err(Rejection::Parts { expected, got }.into());
        }
        let part = move |part| S::part(&claim, &context, part);
        Ok(Box::new((0..expected).map(part)))
    }
    fn words(&self, file: &ProofFile) -> Result<Vec<String>, NotVerified> {
        let claim = file.claim::<S>()?;
        S::context(&claim).map_err(Rejection::Claim)?;
        Ok(S::words(&claim))
    }
}

/// The statement of a proof file.
///
/// # Errors
/// If this program does not know it.
pub fn kind(file: &ProofFile) -> Result<&'static dyn Kind, NotVerified> {
    let known = STATEMENTS.iter().find(|kind| kind.id() == file.statement);
    let unknown = || NotVerified::Unknown(file.statement.clone());
    known.copied().ok_or_else(unknown)
}

/// Checks a proof file against the code of this program. Never panics.
///
/// # Errors
/// Says why the file was not accepted.
pub fn verify(bytes: &[u8]) -> Result<Box<dyn Fact>, NotVerified> {
    let file = ProofFile::from_bytes(bytes)?;
    kind(&file)?.verify(&file)
}
