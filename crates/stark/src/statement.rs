//! Statements: what is proven, by which tables, under which claim.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha3::{Digest, Sha3_256};

use crate::profile::Profile;
use crate::table::TableAir;

/// A kind of fact.
///
/// Everything here is a function of the claim, so that a proof file never supplies tables, keys,
/// sizes or parameters. A claim may need several proofs, its [`Part`]s, each over its own tables;
/// all of them absorb the whole claim, and what links them stands in the claim.
pub trait Statement {
    /// The statement's name, such as `margin`.
    const ID: &'static str;
    /// Raised whenever the tables, the claim or the meaning change.
    const VERSION: u32;
    /// One instance's public part: all that a verifier learns.
    type Claim: Serialize + DeserializeOwned + Clone + std::fmt::Debug + PartialEq + Sync;
    /// What the parts share and is worth deriving once, such as risk arrays.
    type Context: Send + Sync;

    /// Checks what can be checked of a claim without its proof, and derives what the parts share.
    ///
    /// # Errors
    /// Says what is wrong with the claim.
    fn context(claim: &Self::Claim) -> Result<Self::Context, String>;

    /// How many proofs the claim needs.
    fn parts(claim: &Self::Claim, context: &Self::Context) -> usize;

    /// Proof number `part` of the claim.
    fn part(claim: &Self::Claim, context: &Self::Context, part: usize) -> Part;
}

/// One proof's worth of tables.
#[derive(Clone, Debug)]
pub struct Part {
    /// How it is proven.
    pub profile: Profile,
    /// The tables, in order.
    pub tables: Vec<TableAir>,
    /// Equations over all parts at challenges that are hashed from the claim.
    pub hashed: Vec<HashedChallenge>,
}

/// An equation of polynomials that the tables of all parts check together at one point, which is a hash of all that the
/// polynomials are made of: a product that runs through the parts. It fails to notice a difference with a probability
/// of at most its degree over the size of the quintic extension, in which the point must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashedChallenge {
    /// What it compares, such as `nullifiers`.
    pub name: &'static str,
    /// The total degree of the difference in all coordinates of the point, over all parts.
    pub degree: u64,
}

/// A fact: a claim of a statement whose proof was checked. Only [`verify`](crate::verify) makes one, of proofs that hide.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified<S: Statement> {
    claim: S::Claim,
}

impl<S: Statement> Verified<S> {
    pub(crate) fn new(claim: S::Claim) -> Self {
        Self { claim }
    }
    /// The claim that holds.
    pub fn claim(&self) -> &S::Claim {
        &self.claim
    }
}

/// The canonical bytes of a claim: JSON with the fields in the order of their declaration.
pub fn claim_bytes<S: Statement>(claim: &S::Claim) -> Vec<u8> {
    serde_json::to_vec(claim).expect("a claim is plain data")
}

/// SHA3-256 of the canonical bytes of a claim.
pub fn claim_digest<S: Statement>(claim: &S::Claim) -> [u8; 32] {
    Sha3_256::digest(claim_bytes::<S>(claim)).into()
}

/// What a proof is about: a part of a claim, and its tables.
pub struct Place<'a> {
    pub(crate) statement: &'static str,
    pub(crate) version: u32,
    /// [`claim_digest`].
    pub(crate) claim: [u8; 32],
    pub(crate) part: usize,
    pub(crate) parts: usize,
    pub(crate) tables: &'a Part,
}

impl<'a> Place<'a> {
    pub(crate) fn new<S: Statement>(
        claim: [u8; 32],
        part: usize,
        parts: usize,
        tables: &'a Part,
    ) -> Self {
        Self {
            statement: S::ID,
            version: S::VERSION,
            claim,
            part,
            parts,
            tables,
        }
    }

    /// What a transcript over bytes starts from: the statement, the whole claim, the part's place, its parameters and its
    /// tables. Public values are absorbed by the proof system itself.
    pub(crate) fn transcript(&self, protocol: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Start<'a> {
            protocol: &'a str,
            statement: &'a str,
            version: u32,
            claim: &'a [u8; 32],
            part: usize,
            parts: usize,
            profile: crate::profile::ProfileParameters,
            tables: Vec<(&'a str, usize, usize, bool)>,
        }
        let tables = self.tables.tables.iter();
        let start = Start {
            protocol,
            statement: self.statement,
            version: self.version,
            claim: &self.claim,
            part: self.part,
            parts: self.parts,
            profile: self.tables.profile.parameters(),
            tables: tables
                .map(|t| (t.name(), t.log_height(), t.width(), t.uses_next()))
                .collect(),
        };
        serde_json::to_vec(&start).expect("plain data")
    }
}
