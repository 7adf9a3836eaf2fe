//! All statements of this program. To add one, add a line.

use std::any::Any;
use std::marker::PhantomData;

use serde::Deserialize;
use serde_json::Value;
use stark::{FileError, Part, ProofFile, Rejection, Verified, claim_bytes};

pub use crate::expect::Unexpected;
use crate::expect::expect;
use crate::kit::{Anchor, AnyInputs, Given, Provable, Size, Spoken};
use crate::nonce::Nonce;

/// The statements, in the order in which they are listed for people.
pub const STATEMENTS: &[&dyn Kind] = &[
    &Of::<crate::margin::Margin>::NEW,
    &Of::<crate::solvency::Solvency>::NEW,
    &Of::<crate::premia::Premia>::NEW,
    &Of::<crate::inventory::Inventory>::NEW,
    &Of::<crate::exposure::Exposure>::NEW,
    &Of::<crate::settle::Settle>::NEW,
    &Of::<crate::systemic::Systemic>::NEW,
    &Of::<crate::pool::Pool>::NEW,
    &Of::<crate::stress::Stressed>::NEW,
    &Of::<crate::issuance::Issuance>::NEW,
    &Of::<crate::waterfall::Waterfall>::NEW,
    &Of::<crate::auction::Auction>::NEW,
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

impl std::fmt::Debug for dyn Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Fact").field(&self.words()).finish()
    }
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

/// A claim of any statement, proven or not.
pub trait AnyClaim: Send + Sync {
    /// The claim in words, whether or not it contradicts itself.
    fn words(&self) -> Vec<String>;
    /// Its canonical bytes.
    fn bytes(&self) -> Vec<u8>;
    /// Its parts, one after another: the tables that its proofs are about.
    ///
    /// # Errors
    /// If the claim contradicts itself.
    fn parts(&self) -> Result<Box<dyn ExactSizeIterator<Item = Part> + '_>, Rejection>;
}

/// A statement of the registry.
pub trait Kind: Sync {
    /// Its id, as in proof files.
    fn id(&self) -> &'static str;
    /// Its version.
    fn version(&self) -> u32;
    /// A file's claim.
    ///
    /// # Errors
    /// If it is none of this statement and version, or malformed.
    fn claim(&self, file: &ProofFile) -> Result<Box<dyn AnyClaim>, FileError>;
    /// A claim from JSON, whatever the order of its members.
    ///
    /// # Errors
    /// If it is none.
    fn read(&self, json: &Value) -> Result<Box<dyn AnyClaim>, serde_json::Error>;
    /// Checks a proof file.
    ///
    /// # Errors
    /// Says why it is not accepted.
    fn verify(&self, file: &ProofFile) -> Result<Box<dyn Fact>, NotVerified>;
    /// The names of its examples.
    fn examples(&self) -> Vec<&'static str>;
    /// The inputs of one of them.
    fn example(&self, name: &str, size: &Size) -> Option<AnyInputs>;
}

/// The registry's entry of statement `S`.
struct Of<S>(PhantomData<fn() -> S>);

impl<S> Of<S> {
    const NEW: Self = Self(PhantomData);
}

impl<S: Provable + Send + Sync + 'static> Kind for Of<S>
where
    S::Claim: Send,
{
    fn id(&self) -> &'static str {
        S::ID
    }
    fn version(&self) -> u32 {
        S::VERSION
    }
    fn claim(&self, file: &ProofFile) -> Result<Box<dyn AnyClaim>, FileError> {
        Ok(Box::new(Read::<S>(file.claim::<S>()?)))
    }
    fn read(&self, json: &Value) -> Result<Box<dyn AnyClaim>, serde_json::Error> {
        Ok(Box::new(Read::<S>(S::Claim::deserialize(json)?)))
    }
    fn verify(&self, file: &ProofFile) -> Result<Box<dyn Fact>, NotVerified> {
        let fact = stark::verify::<S>(&file.claim::<S>()?, &file.parts)?;
        Ok(Box::new(fact))
    }
    fn examples(&self) -> Vec<&'static str> {
        S::examples().iter().map(|example| example.name).collect()
    }
    fn example(&self, name: &str, size: &Size) -> Option<AnyInputs> {
        let examples = S::examples();
        let example = examples.iter().find(|example| example.name == name)?;
        Some((example.inputs)(size).into())
    }
}

/// A claim of statement `S`.
struct Read<S: Spoken>(S::Claim);

impl<S: Spoken> AnyClaim for Read<S>
where
    S::Claim: Send,
{
    fn words(&self) -> Vec<String> {
        S::words(&self.0)
    }
    fn bytes(&self) -> Vec<u8> {
        claim_bytes::<S>(&self.0)
    }
    fn parts(&self) -> Result<Box<dyn ExactSizeIterator<Item = Part> + '_>, Rejection> {
        let context = S::context(&self.0).map_err(Rejection::Claim)?;
        let parts = S::parts(&self.0, &context);
        let part = move |part| S::part(&self.0, &context, part);
        Ok(Box::new((0..parts).map(part)))
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

/// The names of all examples.
pub fn example_names() -> Vec<&'static str> {
    STATEMENTS.iter().flat_map(|kind| kind.examples()).collect()
}
