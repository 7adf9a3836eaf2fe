//! From a tape and a deal to a claim and its proof.

use std::sync::Arc;

use credit::deal::Deal;
use credit::issuance::{Issued, PledgeFields, issue};
use credit::pool::{Condition, Loan, Tape};
use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::limb_of;
use gadgets::product::{Challenge, DEGREE, multiply, product_of, registers_of};
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS};
use rayon::prelude::*;
use stark::{F, PrimeCharacteristicRing, Statement, Tally, Trace, fill};

use super::claim::{
    BALANCE, COUNTED, Context, Issuance, IssuanceClaim, PRODUCT, PartTables, REGISTERS,
};
use super::registry::{Nullifier, RegistryKey, nullifier_elements};
use super::tables::{LoanRow, REST};
use super::words::Findings;
use crate::account::Secret;
use crate::kit::{self, Chain, Example, Provable, Refusal, States};
use crate::nonce::Nonce;
use crate::ordered::{KEY_REGISTER, OrderedRow};
use crate::pools::loan::{LoanLeaf, LoanWitness, Sealed, check_size, segments};

/// A tape whose loans back a deal.
#[derive(Clone, Debug)]
pub struct Checked<'a> {
    /// The loans.
    pub tape: &'a Tape,
    /// The deal.
    pub deal: &'a Deal,
    /// What the pool pledges, and where the tranches stand in it.
    pub issued: Issued,
}

impl Checked<'_> {
    /// What a claim says of the pool and the deal.
    pub fn findings(&self) -> Findings<'_> {
        let pledged = &self.issued.pledged;
        Findings {
            template: &self.tape.template,
            cut_off: &self.tape.cut_off,
            loans: self.tape.loans.len() as u64,
            open: pledged.counts.open,
            defaulted: pledged.counts.defaulted,
            balance: pledged.balance,
            deal: self.deal,
            tranches: &self.issued.tranches,
        }
    }
}

/// Whether a tape's loans back a deal. That no loan is pledged twice, only claims of one registry can show.
///
/// # Errors
/// If they do not, or the inputs do not fit.
pub fn check<'a>(tape: &'a Tape, deal: &'a Deal) -> Result<Checked<'a>, Refusal> {
    let issued = issue(tape, deal).map_err(|e| match e.is_false() {
        true => Refusal::untrue(e),
        false => Refusal::malformed(e),
    })?;
    check_size(tape.loans.len() as u64).map_err(Refusal::malformed)?;
    Ok(Checked { tape, deal, issued })
}

/// What the tables are filled from.
pub struct Witness {
    key: RegistryKey,
    sealed: Sealed,
    states: States,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Issuance>;

impl Prepared {
    /// Checks that a tape's loans back a deal, and makes the claim. Loans are sorted by their keys, nullifiers by
    /// themselves: neither order says anything.
    ///
    /// # Errors
    /// As [`check`]; or if two loans have the same sort key, or the registry's key is the pool's secret.
    pub fn new(
        tape: &Tape,
        deal: &Deal,
        key: &RegistryKey,
        secret: &Secret,
    ) -> Result<Self, Refusal> {
        let Issued { pledged, tranches } = check(tape, deal)?.issued;
        if key.is(secret) {
            return Err(Refusal::malformed(
                "the registry's key is the pool's secret: all issuers of the registry know it and could open the pool; use \
                 another secret",
            ));
        }
        let sealed = Sealed::new(tape, secret).map_err(Refusal::malformed)?;
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
            open: pledged.counts.open,
            defaulted: pledged.counts.defaulted,
            pool: sealed.pool.into(),
            segments: sealed.trees.iter().map(|t| t[1].into()).collect(),
            // Filled in below.
            states: vec![Digest::default().into(); sealed.trees.len() - 1],
            registry: key.registry(),
            nullifiers,
            balance: pledged.balance,
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
    ) -> Result<Self, Refusal> {
        let context = Issuance::context(&claim).map_err(Refusal::malformed)?;
        let states = running(&claim, &context, &sealed, key, secret);
        claim.states = states.links();
        Ok(Self {
            claim,
            context,
            witness: Witness {
                key: key.clone(),
                sealed,
                states,
            },
        })
    }
}

impl Provable for Issuance {
    type Witness = Witness;

    fn traces(
        claim: &IssuanceClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        let rows = witness.rows(claim, part);
        rows.fill(&PartTables::new(claim, context, part))
    }

    fn nonce_mut(claim: &mut IssuanceClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The rows of a part's tables.
    pub(super) fn rows(&self, claim: &IssuanceClaim, part: usize) -> Rows {
        let range = range(claim, part);
        Rows {
            loans: self.sealed.loans[range.clone()].to_vec(),
            leaves: self.sealed.leaves[range].to_vec(),
            nodes: self.sealed.trees[part].clone(),
            key: [self.key.elements(); 2],
            before: self.states.before(part).to_vec(),
            after: self.states.after(part).to_vec(),
        }
    }
}

/// The places of a part's loans.
fn range(claim: &IssuanceClaim, part: usize) -> std::ops::Range<usize> {
    let segments = segments(claim.loans);
    let first = part * segments.slots();
    first..first + segments.used(part)
}

/// The states that the loans lead to.
fn running(
    claim: &IssuanceClaim,
    context: &Context,
    sealed: &Sealed,
    key: &RegistryKey,
    secret: &Secret,
) -> States {
    let chain = Chain::new::<Issuance>(secret, &(&claim.pool, &claim.registry));
    chain.run(REGISTERS, claim.segments.len(), |part, state| {
        let range = range(claim, part);
        for loan in &sealed.loans[range.clone()] {
            let registers = state[BALANCE..].iter_mut();
            for (register, added) in registers.zip(added(&context.fields, loan)) {
                *register += u128::from(added);
            }
        }
        let leaves = &sealed.leaves[range];
        let before = product_of(&state[PRODUCT..]);
        let products = products(before, leaves, &[key.elements(); 2], &context.challenge);
        if let (Some(leaf), Some(product)) = (leaves.last(), products.last()) {
            state[KEY_REGISTER] = leaf.identity.key().into();
            state[PRODUCT..].copy_from_slice(&registers_of(*product));
        }
    })
}

/// What a loan adds to the balance and to the numbers of open and defaulted loans.
fn added(fields: &PledgeFields, loan: &Loan) -> [u64; COUNTED] {
    let standings = &fields.standings;
    let is = |condition: Condition| u64::from(condition.holds(loan));
    [
        fields.of(loan).0,
        is(standings.is_open()),
        is(standings.is_defaulted()),
    ]
}

/// The product before each leaf, and once more behind the last.
fn products(
    before: [F; DEGREE],
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
    let mut product = before;
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
        let before = product_of(&self.before[SALTS + PRODUCT..]);
        let products = products(before, &self.leaves, &self.key, &table.challenge);
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
