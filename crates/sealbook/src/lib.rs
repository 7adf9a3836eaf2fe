//! Sealbook: facts about a sealed book.
//!
//! A *book* is what a financial firm keeps private. Sealbook proves facts about it while it stays
//! sealed: an account is margined, a venue is solvent, a risk price is right, a loan pool is what its issuer says. [`verify`]
//! checks a proof file; the crates
//! re-exported here make proofs.

pub mod attestation;
mod expect;
pub mod vouch;

pub use expect::Unexpected;

pub use {credit, fixed, market, records, stark, statements, venue};

use ::market::Snapshot;
use stark::{FileError, Part, ProofFile, Rejection, Statement};
use statements::book::BookRef;
use statements::inventory::Inventory;
use statements::issuance::Issuance;
use statements::margin::{Margin, Subject};
use statements::nonce::Nonce;
use statements::pool::Pool;
use statements::risk::Risk;
use statements::solvency::Solvency;
use statements::stress::Stressed;
use statements::systemic::Systemic;
use statements::waterfall::Waterfall;

/// A fact whose proof was checked.
#[derive(Debug)]
pub enum Fact {
    /// An account, or a book, and its margin.
    Margin(Box<stark::Verified<Margin>>),
    /// A book and its solvency.
    Solvency(Box<stark::Verified<Solvency>>),
    /// A venue and its risk.
    Risk(Box<stark::Verified<Risk>>),
    /// A venue's state and its account book.
    Inventory(Box<stark::Verified<Inventory>>),
    /// A pool and its figures.
    Pool(Box<stark::Verified<Pool>>),
    /// A pool, the tranches that it backs, and its loans' nullifiers.
    Issuance(Box<stark::Verified<Issuance>>),
    /// A pool, a deal, and what its tranches lose.
    Stress(Box<stark::Verified<Stressed>>),
    /// A pool, what it brought in, and what a deal paid.
    Waterfall(Box<stark::Verified<Waterfall>>),
    /// Several venues and their risk together.
    Systemic(Box<stark::Verified<Systemic>>),
}

impl Fact {
    /// The fact in words: the sentence, then its details.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Margin(fact) => statements::margin::words(fact.claim()),
            Self::Solvency(fact) => statements::solvency::words(fact.claim()),
            Self::Risk(fact) => statements::risk::words(fact.claim()),
            Self::Inventory(fact) => statements::inventory::words(fact.claim()),
            Self::Pool(fact) => statements::pool::words(fact.claim()),
            Self::Issuance(fact) => statements::issuance::words(fact.claim()),
            Self::Stress(fact) => statements::stress::words(fact.claim()),
            Self::Waterfall(fact) => statements::waterfall::words(fact.claim()),
            Self::Systemic(fact) => statements::systemic::words(fact.claim()),
        }
    }

    /// Checks that every field that `expected` names stands in the claim with the same value.
    ///
    /// # Errors
    /// Names the first field that differs.
    pub fn expect(&self, expected: &serde_json::Value) -> Result<(), Unexpected> {
        match self {
            Self::Margin(fact) => expect::expect::<Margin>(fact.claim(), expected),
            Self::Solvency(fact) => expect::expect::<Solvency>(fact.claim(), expected),
            Self::Risk(fact) => expect::expect::<Risk>(fact.claim(), expected),
            Self::Inventory(fact) => expect::expect::<Inventory>(fact.claim(), expected),
            Self::Pool(fact) => expect::expect::<Pool>(fact.claim(), expected),
            Self::Issuance(fact) => expect::expect::<Issuance>(fact.claim(), expected),
            Self::Stress(fact) => expect::expect::<Stressed>(fact.claim(), expected),
            Self::Waterfall(fact) => expect::expect::<Waterfall>(fact.claim(), expected),
            Self::Systemic(fact) => expect::expect::<Systemic>(fact.claim(), expected),
        }
    }

    /// The account book that the claim is about as a whole, with the snapshot whose lists and moment it has.
    pub fn book(&self) -> Option<(&BookRef, &Snapshot)> {
        match self {
            Self::Margin(fact) => match &fact.claim().subject {
                Subject::Book { book, .. } => Some((book, &fact.claim().snapshot)),
                Subject::Account { .. } => None,
            },
            Self::Solvency(fact) => Some((&fact.claim().book, &fact.claim().snapshot)),
            Self::Inventory(fact) => Some((&fact.claim().book, &fact.claim().snapshot)),
            Self::Risk(_)
            | Self::Systemic(_)
            | Self::Pool(_)
            | Self::Stress(_)
            | Self::Issuance(_)
            | Self::Waterfall(_) => None,
        }
    }

    /// The challenge that the claim repeats, if there is one.
    pub fn nonce(&self) -> Option<&Nonce> {
        match self {
            Self::Margin(fact) => fact.claim().nonce.as_ref(),
            Self::Solvency(fact) => fact.claim().nonce.as_ref(),
            Self::Risk(fact) => fact.claim().nonce.as_ref(),
            Self::Inventory(fact) => fact.claim().nonce.as_ref(),
            Self::Pool(fact) => fact.claim().nonce.as_ref(),
            Self::Issuance(fact) => fact.claim().nonce.as_ref(),
            Self::Stress(fact) => fact.claim().nonce.as_ref(),
            Self::Waterfall(fact) => fact.claim().nonce.as_ref(),
            Self::Systemic(fact) => fact.claim().nonce.as_ref(),
        }
    }
}

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

/// Checks a proof file against the code of this program. Never panics.
///
/// # Errors
/// Says why the file was not accepted.
pub fn verify(bytes: &[u8]) -> Result<Fact, NotVerified> {
    let file = ProofFile::from_bytes(bytes)?;
    match file.statement.as_str() {
        Margin::ID => Ok(Fact::Margin(Box::new(verify_as::<Margin>(&file)?))),
        Solvency::ID => Ok(Fact::Solvency(Box::new(verify_as::<Solvency>(&file)?))),
        Risk::ID => Ok(Fact::Risk(Box::new(verify_as::<Risk>(&file)?))),
        Inventory::ID => Ok(Fact::Inventory(Box::new(verify_as::<Inventory>(&file)?))),
        Pool::ID => Ok(Fact::Pool(Box::new(verify_as::<Pool>(&file)?))),
        Issuance::ID => Ok(Fact::Issuance(Box::new(verify_as::<Issuance>(&file)?))),
        Stressed::ID => Ok(Fact::Stress(Box::new(verify_as::<Stressed>(&file)?))),
        Waterfall::ID => Ok(Fact::Waterfall(Box::new(verify_as::<Waterfall>(&file)?))),
        Systemic::ID => Ok(Fact::Systemic(Box::new(verify_as::<Systemic>(&file)?))),
        other => Err(NotVerified::Unknown(other.to_string())),
    }
}

fn verify_as<S: Statement>(file: &ProofFile) -> Result<stark::Verified<S>, NotVerified> {
    Ok(stark::verify::<S>(&file.claim::<S>()?, &file.parts)?)
}

/// The parts of a proof file's claim, one after another: the tables that its proofs are about.
///
/// # Errors
/// If the file or its claim is malformed, or does not have as many proofs as the claim needs.
pub fn parts(file: &ProofFile) -> Result<Box<dyn Iterator<Item = Part>>, NotVerified> {
    fn of<S: Statement>(file: &ProofFile) -> Result<Box<dyn Iterator<Item = Part>>, NotVerified>
    where
        S::Claim: 'static,
        S::Context: 'static,
    {
        let claim = file.claim::<S>()?;
        let context = S::context(&claim).map_err(Rejection::Claim)?;
        let (expected, got) = (S::parts(&claim, &context), file.parts.len());
        if expected != got {
            return Err(Rejection::Parts { expected, got }.into());
        }
        Ok(Box::new(
            (0..expected).map(move |part| S::part(&claim, &context, part)),
        ))
    }
    match file.statement.as_str() {
        Margin::ID => of::<Margin>(file),
        Solvency::ID => of::<Solvency>(file),
        Risk::ID => of::<Risk>(file),
        Inventory::ID => of::<Inventory>(file),
        Pool::ID => of::<Pool>(file),
        Issuance::ID => of::<Issuance>(file),
        Stressed::ID => of::<Stressed>(file),
        Waterfall::ID => of::<Waterfall>(file),
        Systemic::ID => of::<Systemic>(file),
        other => Err(NotVerified::Unknown(other.to_string())),
    }
}

/// What a proof file's claim says, proven or not: its statement's words.
///
/// # Errors
/// If the file is of no known statement or its claim is malformed.
pub fn words(file: &ProofFile) -> Result<Vec<String>, NotVerified> {
    fn of<S: Statement>(
        file: &ProofFile,
        words: fn(&S::Claim) -> Vec<String>,
    ) -> Result<Vec<String>, NotVerified> {
        let claim = file.claim::<S>()?;
        S::context(&claim).map_err(Rejection::Claim)?;
        Ok(words(&claim))
    }
    match file.statement.as_str() {
        Margin::ID => of::<Margin>(file, statements::margin::words),
        Solvency::ID => of::<Solvency>(file, statements::solvency::words),
        Risk::ID => of::<Risk>(file, statements::risk::words),
        Inventory::ID => of::<Inventory>(file, statements::inventory::words),
        Pool::ID => of::<Pool>(file, statements::pool::words),
        Issuance::ID => of::<Issuance>(file, statements::issuance::words),
        Stressed::ID => of::<Stressed>(file, statements::stress::words),
        Waterfall::ID => of::<Waterfall>(file, statements::waterfall::words),
        Systemic::ID => of::<Systemic>(file, statements::systemic::words),
        other => Err(NotVerified::Unknown(other.to_string())),
    }
}
