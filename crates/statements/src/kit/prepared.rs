//! A true claim with what proves it.

use std::path::Path;

use stark::{PartProof, ProveError, TableAir, Trace, prove_part};

use super::example::Example;
use super::parts::{ProvingError, prove_parts};
use super::spoken::Spoken;
use crate::nonce::Nonce;

/// A statement that this crate proves.
pub trait Provable: Spoken + Sized + 'static {
    /// What the tables of all parts are filled from: private.
    type Witness: Send + Sync;

    /// The filled tables of a part, in the order of [`Statement::part`].
    fn traces(
        claim: &Self::Claim,
        context: &Self::Context,
        witness: &Self::Witness,
        part: usize,
    ) -> Vec<Trace>;

    /// Where the claim repeats a verifier's challenge.
    fn nonce_mut(claim: &mut Self::Claim) -> &mut Option<Nonce>;

    /// Claims that are made from samples; at least one.
    fn examples() -> Vec<Example<Self>>;
}

/// A claim with its witness, ready to be proven part by part. Each statement makes it from inputs that it has checked.
#[derive(Debug)]
pub struct Prepared<S: Provable> {
    pub(crate) claim: S::Claim,
    pub(crate) context: S::Context,
    pub(crate) witness: S::Witness,
}

impl<S: Provable> Prepared<S> {
    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<Nonce>) -> Self {
        *S::nonce_mut(&mut self.claim) = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &S::Claim {
        &self.claim
    }

    /// What the claim's parts share.
    pub fn context(&self) -> &S::Context {
        &self.context
    }

    /// How many proofs the claim takes.
    pub fn parts(&self) -> usize {
        S::parts(&self.claim, &self.context)
    }

    /// The tables of a part.
    pub fn tables(&self, part: usize) -> Vec<TableAir> {
        S::part(&self.claim, &self.context, part).tables
    }

    /// The filled tables of a part, in the order of [`tables`](Self::tables).
    pub fn traces(&self, part: usize) -> Vec<Trace> {
        S::traces(&self.claim, &self.context, &self.witness, part)
    }

    /// Proves a part.
    ///
    /// # Errors
    /// If the proof system fails.
    pub fn prove_part(&self, part: usize) -> Result<PartProof, ProveError> {
        prove_part::<S>(&self.claim, &self.context, part, self.traces(part))
    }

    /// Proves all parts. `progress` is told the parts done and their number. Finished parts are kept in the folder `resume`, if
    /// given, and not made again.
    ///
    /// # Errors
    /// If the proof system fails or the folder cannot be written.
    pub fn prove(
        &self,
        progress: &mut dyn FnMut(usize, usize),
        resume: Option<&Path>,
    ) -> Result<Vec<PartProof>, ProvingError> {
        prove_parts::<S>(&self.claim, self.parts(), resume, progress, |part| {
            self.prove_part(part)
        })
    }
}
