//! From a tape and a deal to a claim and its proof.

use std::path::Path;
use std::sync::Arc;

use credit::deal::Deal;
use credit::issuance::{IssuanceError, PledgeFields, Pledged, backing, pledged};
use credit::pool::{Condition, Loan, Tape};
use gadgets::hash::{DIGEST, Digest, Domain};
use gadgets::limbs::limb_of;
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, commit};
use rayon::prelude::*;
use stark::{F, PartProof, PrimeCharacteristicRing, Statement, Tally, Trace, fill};

use super::claim::{
    BALANCE, COUNTED, Context, Issuance, IssuanceClaim, PRODUCT, PartTables, REGISTERS,
};
use super::registry::{Nullifier, RegistryKey, nullifier_elements};
use super::tables::{LoanRow, REST};
use crate::account::{Secret, text_digest};
use crate::loan::{LoanLeaf, LoanWitness, SameKey, Sealed, segments};
use crate::ordered::{KEY_REGISTER, OrderedRow};
use crate::parts::{PartsError, prove_claim};
use crate::pool::tables::groups::{Challenge, DEGREE, multiply};
use crate::pool::{product_of, registers_of};

/// Why nothing can be proven of a pool and a deal.
#[derive(Debug, thiserror::Error)]
pub enum IssuanceFailure {
    /// The pool does not back the deal, or the deal or the template is wrong.
    #[error(transparent)]
    Issuance(#[from] IssuanceError),
    /// Two loans cannot be told apart.
    #[error(transparent)]
    SameKey(#[from] SameKey),
    /// The inputs do not fit the statement.
    #[error("{0}")]
    Input(String),
}

/// A true claim, ready to be proven part by part.
pub struct Prepared {
    claim: IssuanceClaim,
    context: Context,
    key: RegistryKey,
    sealed: Sealed,
    /// The state after each part, that before the first one first.
    states: Vec<Vec<u128>>,
}

impl Prepared {
    /// Checks that a tape's loans back a deal, and makes the claim. Loans are sorted by their keys, nullifiers by
    /// themselves: neither order says anything.
    ///
    /// # Errors
    /// If the pool does not back the deal, two loans cannot be told apart, or the inputs do not fit.
    pub fn new(
        tape: &Tape,
        deal: &Deal,
        key: &RegistryKey,
        secret: &Secret,
    ) -> Result<Self, IssuanceFailure> {
        if tape.loans.is_empty() {
            return Err(IssuanceFailure::Input("the pool has no loan".into()));
        }
        if key.is(secret) {
            return Err(IssuanceFailure::Input(
                "the registry's key is the pool's secret: all issuers of the registry know it and could open the pool; use \
                 another secret"
                    .into(),
            ));
        }
        let Pledged { balance, counts } = pledged(tape)?;
        let tranches = backing(deal, balance)?;
        let sealed = Sealed::new(tape, secret)?;
        let mut nullifiers: Vec<Nullifier> = sealed
            .leaves
            .par_iter()
            .map(|leaf| key.nullifier(&leaf.identity))
            .collect();
        nullifiers.par_sort_unstable();
        let claim = IssuanceClaim {
            template: tape.template.clone(),
            cut_off: tape.cut_off.clone(),
            loans: sealed.loans.len() as u64,
            open: counts.open,
            defaulted: counts.defaulted,
            pool: sealed.pool.into(),
            segments: sealed.trees.iter().map(|t| t[1].into()).collect(),
            // Filled in below.
            states: vec![Digest::default().into(); sealed.trees.len() - 1],
            registry: key.registry(),
            nullifiers,
            balance,
            deal: deal.clone(),
            tranches,
            nonce: None,
        };
        Self::unchecked(claim, sealed, key, secret)
    }

    /// The claim, true or not, with the states that its parts lead to.
    pub(super) fn unchecked(
        mut claim: IssuanceClaim,
        sealed: Sealed,
        key: &RegistryKey,
        secret: &Secret,
    ) -> Result<Self, IssuanceFailure> {
        let context = Issuance::context(&claim).map_err(IssuanceFailure::Input)?;
        let states = running(&claim, &context, &sealed, key, secret);
        let last = states.len() - 1;
        claim.states = states[1..last].iter().map(|s| commit(s).into()).collect();
        Ok(Self {
            claim,
            context,
            key: key.clone(),
            sealed,
            states,
        })
    }

    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<crate::nonce::Nonce>) -> Self {
        self.claim.nonce = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &IssuanceClaim {
        &self.claim
    }

    /// What the claim's parts share.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Proves all parts. `progress` is told the parts done and their number. Finished parts are kept in the folder
    /// `resume`, if given, and not made again.
    ///
    /// # Errors
    /// If the proof system fails or the folder cannot be written.
    pub fn prove(
        &self,
        progress: &mut dyn FnMut(usize, usize),
        resume: Option<&Path>,
    ) -> Result<Vec<PartProof>, PartsError> {
        prove_claim::<Issuance>(&self.claim, &self.context, resume, progress, |part| {
            self.traces(part)
        })
    }

    /// The filled tables of a part, in the order of [`Statement::part`].
    pub fn traces(&self, part: usize) -> Vec<Trace> {
        self.rows(part)
            .fill(&PartTables::new(&self.claim, &self.context, part))
    }

    /// The rows of a part's tables.
    pub(super) fn rows(&self, part: usize) -> Rows {
        let range = range(&self.claim, part);
        Rows {
            loans: self.sealed.loans[range.clone()].to_vec(),
            leaves: self.sealed.leaves[range].to_vec(),
            nodes: self.sealed.trees[part].clone(),
            key: [self.key.elements(); 2],
            before: self.states[part].clone(),
            after: self.states[part + 1].clone(),
        }
    }
}

/// The places of a part's loans.
fn range(claim: &IssuanceClaim, part: usize) -> std::ops::Range<usize> {
    let segments = segments(claim.loans);
    let first = part * segments.slots();
    first..first + segments.used(part)
}

/// The state after each part, from zeros on.
fn running(
    claim: &IssuanceClaim,
    context: &Context,
    sealed: &Sealed,
    key: &RegistryKey,
    secret: &Secret,
) -> Vec<Vec<u128>> {
    let about = serde_json::to_string(&(Issuance::ID, &claim.pool, &claim.registry));
    let about = text_digest(Domain::Salt, &about.expect("plain data"));
    let parts = claim.segments.len();
    let mut states = vec![vec![0u128; SALTS + REGISTERS]];
    for part in 0..parts {
        let mut state = states[part].clone();
        if part + 1 < parts {
            state[..SALTS].copy_from_slice(&secret.state_salts(&about, part));
        } else {
            state[..SALTS].fill(0);
        }
        let range = range(claim, part);
        let loans = sealed.loans[range.clone()].iter();
        let mut sums = [0u128; COUNTED];
        for added in loans.map(|l| added(&context.fields, l)) {
            for (sum, added) in sums.iter_mut().zip(added) {
                *sum += u128::from(added);
            }
        }
        let leaves = &sealed.leaves[range];
        let products = products(&state, leaves, &[key.elements(); 2], &context.challenge);
        if let (Some(leaf), Some(product)) = (leaves.last(), products.last()) {
            state[SALTS + KEY_REGISTER] = leaf.identity.key().into();
            state[SALTS + PRODUCT..].copy_from_slice(&registers_of(*product));
        }
        for (register, sum) in state[SALTS + BALANCE..].iter_mut().zip(sums) {
            *register += sum;
        }
        states.push(state);
    }
    states
}

/// What a loan adds to the balance and to the numbers of open and defaulted loans.
fn added(fields: &PledgeFields, loan: &Loan) -> [u64; COUNTED] {
    let standings = &fields.standings;
    let is = |condition: Condition| u64::from(condition.holds(loan));
    [
        fields.of(loan),
        is(standings.is_open()),
        is(standings.is_defaulted()),
    ]
}

/// The product before each leaf, and once more behind the last.
fn products(
    before: &[u128],
    leaves: &[LoanLeaf],
    [first, others]: &[Digest; 2],
    challenge: &Challenge,
) -> Vec<[F; DEGREE]> {
    let factors: Vec<[F; DEGREE]> = leaves
        .par_iter()
        .enumerate()
        .map(|(i, leaf)| {
            let key = if i == 0 { first } else { others };
            challenge.factor(&nullifier_elements(key, &leaf.identity))
        })
        .collect();
    let mut product = product_of(&before[SALTS + PRODUCT..]);
    let mut products = vec![product];
    for factor in &factors {
        product = multiply(&product, factor);
        products.push(product);
    }
    products
}

/// The rows of a part's tables that hold private data; those below are padding.
#[derive(Clone)]
pub(super) struct Rows {
    pub loans: Vec<Arc<Loan>>,
    pub leaves: Vec<LoanLeaf>,
    pub nodes: Vec<Digest>,
    /// The registry's key, on the first row and on the others: the same unless a test forges it.
    pub key: [Digest; 2],
    pub before: Vec<u128>,
    pub after: Vec<u128>,
}

impl Rows {
    pub fn fill(&self, tables: &PartTables) -> Vec<Trace> {
        let airs = tables.airs();
        let table = &tables.loans;
        let tally = Tally::new(&[tables.limbs.tallied(), tables.codes.tallied()]);
        let keys: Vec<u64> = self.leaves.iter().map(|l| l.identity.key()).collect();
        let start_key = self.before[SALTS + KEY_REGISTER] as u64;
        let products = products(&self.before, &self.leaves, &self.key, &table.challenge);
        let sums = self.sums(&table.fields);
        let loans = fill(table, &airs[0], &tally, |i| {
            let leaf = self.leaves.get(i);
            let mut rest = [F::ZERO; REST];
            if let Some(leaf) = leaf {
                rest.copy_from_slice(&leaf.identity.0[2..]);
            }
            let above = i.min(self.leaves.len());
            LoanRow {
                place: OrderedRow::new(i, &keys, start_key, &self.nodes),
                leaf: LoanWitness::new(&table.layout, self.loans.get(i), leaf),
                rest,
                salt: leaf.map_or(Digest::default(), |l| l.salt),
                key: self.key[usize::from(i > 0)],
                product: products[above],
                sums: sums[above],
            }
        });
        let mut counts = vec![[0i64; COUNT_LIMBS]; self.before.len()];
        let own = SALTS + BALANCE..SALTS + BALANCE + COUNTED;
        counts[own].copy_from_slice(&sums[sums.len() - 1]);
        let mut quads = vec![[F::ZERO; QUAD]; tables.quads];
        for q in 0..DIGEST / QUAD {
            quads[table.key + q].copy_from_slice(&self.key[0][QUAD * q..QUAD * (q + 1)]);
        }
        let codes = tables.codes.trace(&airs[1], &tally);
        let totals = tables.totals.trace(
            &airs[2],
            &tally,
            &self.before,
            &self.after,
            &counts,
            &mut quads,
        );
        let sponge = tables.sponge.trace(&airs[3], &mut quads);
        let limbs = tables.limbs.trace(&airs[4], &tally);
        vec![loans, codes, totals, sponge, limbs]
    }

    /// Per row, and once more behind the last: the limbs of the sums above.
    fn sums(&self, fields: &PledgeFields) -> Vec<[[i64; COUNT_LIMBS]; COUNTED]> {
        let mut sums = [[0i64; COUNT_LIMBS]; COUNTED];
        let mut rows = vec![sums];
        for loan in &self.loans {
            for (sum, added) in sums.iter_mut().zip(added(fields, loan)) {
                for (i, limb) in sum.iter_mut().enumerate() {
                    *limb += limb_of(added.into(), i) as i64;
                }
            }
            rows.push(sums);
        }
        rows
    }
}
