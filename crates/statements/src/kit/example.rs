//! Example claims: what benches measure, and what tests, goldens and attacks run over.

use std::path::Path;

use serde_json::Value;
use stark::{PartProof, ProofFile, TableAir, Trace};

use super::{Prepared, Provable, ProvingError, Refusal};
use crate::account::Secret;

/// How large an example is to be. What is not given is as large as benches take it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Accounts, where there are many.
    pub accounts: Option<usize>,
    /// Loans.
    pub loans: Option<usize>,
    /// Scenarios.
    pub scenarios: Option<usize>,
    /// Trades.
    pub trades: Option<usize>,
    /// Orders.
    pub orders: Option<usize>,
}

impl Size {
    /// As small as shows everything: for tests.
    pub fn small() -> Self {
        Self {
            accounts: Some(40),
            loans: Some(20),
            scenarios: Some(50),
            trades: Some(3),
            orders: Some(60),
        }
    }
}

/// A claim of statement `S` that is made from samples.
pub struct Example<S: Provable> {
    /// Its name, unique among the examples of all statements.
    pub name: &'static str,
    /// Makes its inputs.
    pub inputs: fn(&Size) -> Inputs<S>,
}

/// The inputs of an example.
pub struct Inputs<S: Provable> {
    /// Their sizes, by name: an object.
    pub sizes: Value,
    /// Makes the claim from them.
    pub prepare: Box<Prepare<Prepared<S>>>,
}

/// Makes a claim that is sealed under a secret.
pub type Prepare<P> = dyn Fn(&Secret) -> Result<P, Refusal> + Send + Sync;

impl<S: Provable> Inputs<S> {
    /// Inputs of these sizes, from which claims are made so.
    pub fn new(
        sizes: Value,
        prepare: impl Fn(&Secret) -> Result<Prepared<S>, Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            sizes,
            prepare: Box::new(prepare),
        }
    }
}

/// A claim ready to be proven, of any statement.
pub trait AnyPrepared: Send + Sync {
    /// How many proofs the claim takes.
    fn parts(&self) -> usize;
    /// The tables of a part.
    fn tables(&self, part: usize) -> Vec<TableAir>;
    /// The filled tables of a part.
    fn traces(&self, part: usize) -> Vec<Trace>;
    /// Proves all parts, as [`Prepared::prove`].
    ///
    /// # Errors
    /// If the proof system fails or the folder cannot be written.
    fn prove(
        &self,
        progress: &mut dyn FnMut(usize, usize),
        resume: Option<&Path>,
    ) -> Result<Vec<PartProof>, ProvingError>;
    /// The proof file of these proofs.
    fn file(&self, parts: Vec<PartProof>) -> ProofFile;
}

impl<S: Provable> AnyPrepared for Prepared<S>
where
    S::Claim: Send,
{
    fn parts(&self) -> usize {
        self.parts()
    }
    fn tables(&self, part: usize) -> Vec<TableAir> {
        self.tables(part)
    }
    fn traces(&self, part: usize) -> Vec<Trace> {
        self.traces(part)
    }
    fn prove(
        &self,
        progress: &mut dyn FnMut(usize, usize),
        resume: Option<&Path>,
    ) -> Result<Vec<PartProof>, ProvingError> {
        self.prove(progress, resume)
    }
    fn file(&self, parts: Vec<PartProof>) -> ProofFile {
        ProofFile::new::<S>(self.claim(), parts)
    }
}

/// The inputs of an example of any statement.
pub struct AnyInputs {
    /// Their sizes, by name: an object.
    pub sizes: Value,
    /// Makes the claim from them.
    pub prepare: Box<Prepare<Box<dyn AnyPrepared>>>,
}

impl<S: Provable> From<Inputs<S>> for AnyInputs
where
    S::Claim: Send,
{
    fn from(inputs: Inputs<S>) -> Self {
        let prepare = inputs.prepare;
        Self {
            sizes: inputs.sizes,
            prepare: Box::new(move |secret| {
                let prepared: Box<dyn AnyPrepared> = Box::new(prepare(secret)?);
                Ok(prepared)
            }),
        }
    }
}
