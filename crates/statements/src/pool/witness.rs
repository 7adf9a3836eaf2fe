//! From a tape to a claim and its proof.

use std::path::Path;
use std::sync::Arc;

use credit::pool::figures::check_eligibility;
use credit::pool::standing::check_closed;
use credit::pool::{Claimed, Counts, Figure, Loan, PoolError, Standings, Tape, Wanted};
use gadgets::hash::{Digest, Domain, hash};
use gadgets::limbs::limb_of;
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, commit, elements_register};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stark::{F, PartProof, PrimeCharacteristicRing, Statement, Tally, Trace, felt, fill};

use super::claim::{Context, PartTables, Pool, PoolClaim};
use super::plan::{Plan, group};
use super::tables::groups::{
    Challenge, DEGREE, GroupRow, GroupState, list_quads, message_elements, multiply,
};
use super::tables::loans::LoanRow;
use crate::account::{PublicDigest, Secret, text_digest};
use crate::loan::{LoanLeaf, LoanWitness, SameKey, Sealed, segments};
use crate::ordered::{KEY_REGISTER, OrderedRow};
use crate::parts::{PartsError, prove_claim};

/// No group of loans weighs as much, in units of the weight.
const MAX_GROUP: u64 = 1 << 60;

/// What is to be claimed of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Rules that every loan satisfies unless it is closed.
    #[serde(default)]
    pub eligibility: Vec<String>,
    /// Figures, and how they are shown.
    #[serde(default)]
    pub figures: Vec<Figure<Wanted>>,
}

/// Why nothing can be proven of a pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolFailure {
    /// A rule or a figure does not hold, or is wrong.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The inputs do not fit the statement.
    #[error("{0}")]
    Input(String),
    /// Two loans cannot be told apart.
    #[error(transparent)]
    SameKey(#[from] SameKey),
}

/// A true claim, ready to be proven part by part.
pub struct Prepared {
    claim: PoolClaim,
    context: Context,
    sealed: Sealed,
    lists: Vec<List>,
    /// The state after each part, that before the first one first.
    states: Vec<Vec<u128>>,
}

/// The loans in the order of their groups, for one concentration.
#[derive(Clone)]
struct List {
    /// Group and weight.
    entries: Vec<(u64, u64)>,
    threshold: u64,
    /// The largest groups.
    chosen: std::collections::BTreeSet<u64>,
    /// Per part.
    salts: Vec<[F; 2 * QUAD]>,
}

impl Prepared {
    /// Checks a tape against what is to be claimed, and makes the claim. Loans are sorted by their keys; their order says
    /// nothing.
    ///
    /// # Errors
    /// If the claim would be false, naming loans and figures, or the inputs do not fit.
    pub fn new(tape: &Tape, terms: &Terms, secret: &Secret) -> Result<Self, PoolFailure> {
        if tape.loans.is_empty() {
            return Err(PoolFailure::Input("the pool has no loan".into()));
        }
        check_closed(tape)?;
        check_eligibility(tape, &terms.eligibility)?;
        let figures = terms
            .figures
            .iter()
            .map(|f| f.claim(tape))
            .collect::<Result<Vec<_>, _>>()?;
        let sealed = Sealed::new(tape, secret)?;
        let counts = Standings::new(&tape.template).counts(&tape.loans);
        Self::unchecked(tape, sealed, &terms.eligibility, figures, counts, secret)
    }

    /// The claim, true or not.
    pub(super) fn unchecked(
        tape: &Tape,
        sealed: Sealed,
        eligibility: &[String],
        figures: Vec<Figure<Claimed>>,
        counts: Counts,
        secret: &Secret,
    ) -> Result<Self, PoolFailure> {
        let plan = Plan::new(&tape.template, eligibility, &figures).map_err(PoolFailure::Input)?;
        let parts = sealed.trees.len();
        let about = about(&sealed.pool, eligibility, &figures);
        let lists: Vec<List> = plan
            .concentrations
            .iter()
            .enumerate()
            .map(|(i, c)| {
                List::new(
                    &sealed.loans,
                    c,
                    |part| list_salt(secret, &about, i, part),
                    parts,
                )
            })
            .collect::<Result<_, _>>()?;
        let count = sealed.loans.len() as u64;
        let mut claim = PoolClaim {
            template: tape.template.clone(),
            cut_off: tape.cut_off.clone(),
            loans: count,
            open: counts.open,
            defaulted: counts.defaulted,
            pool: sealed.pool.into(),
            segments: sealed.trees.iter().map(|t| t[1].into()).collect(),
            lists: Vec::new(),
            // Filled in below: the products in the states depend on the lists.
            states: vec![Digest::default().into(); parts - 1],
            eligibility: eligibility.to_vec(),
            figures,
            nonce: None,
        };
        let layout = &plan.layout;
        claim.lists = lists
            .iter()
            .zip(&plan.concentrations)
            .map(|(list, c)| {
                let limbs = [c.by, c.weight].map(|field| layout.fields[field].1);
                let parts = list.parts(count).zip(&list.salts);
                let digest = |(entries, salt): (&[(u64, u64)], &[F; 2 * QUAD])| {
                    let quads = list_quads(salt, entries.iter().copied(), limbs);
                    hash(Domain::List, quads.as_flattened()).into()
                };
                parts.map(digest).collect()
            })
            .collect();
        let context = Pool::context(&claim).map_err(PoolFailure::Input)?;
        let mut prepared = Self {
            claim,
            context,
            sealed,
            lists,
            states: Vec::new(),
        };
        prepared.states = prepared.run(secret, &about);
        let last = prepared.states.len() - 1;
        prepared.claim.states = prepared.states[1..last]
            .iter()
            .map(|s| commit(s).into())
            .collect();
        Ok(prepared)
    }

    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<crate::nonce::Nonce>) -> Self {
        self.claim.nonce = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &PoolClaim {
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
        prove_claim::<Pool>(&self.claim, &self.context, resume, progress, |part| {
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
        let slots = segments(self.claim.loans).slots();
        let range = part * slots..((part + 1) * slots).min(self.sealed.loans.len());
        let state = &self.states[part];
        let first = SALTS + self.context.plan.group_register(0);
        let groups = self.lists.iter().enumerate().map(|(i, list)| {
            let state = &state[first + group::COUNT * i..];
            let mut rows = Vec::new();
            let (mut before, mut product) = (
                GroupState {
                    group: state[group::GROUP] as u64,
                    total: state[group::TOTAL] as u64,
                    excess: state[group::EXCESS] as u64,
                    chosen: state[group::CHOSEN] != 0,
                },
                product_of(&state[group::LISTED..]),
            );
            let mut sums = [[0; COUNT_LIMBS]; 3];
            let limbs = self.context.limbs(i);
            for (row, &(group, weight)) in list.entries[range.clone()].iter().enumerate() {
                let own = GroupRow {
                    row,
                    group,
                    weight,
                    starts: (part == 0 && row == 0) || group != before.group,
                    before,
                    chosen: list.chosen.contains(&group),
                    threshold: list.threshold,
                    product,
                    sums,
                    salt: if row == 0 {
                        list.salts[part]
                    } else {
                        Default::default()
                    },
                };
                let factor =
                    self.context.challenges[i].factor(&message_elements(group, weight, limbs));
                product = multiply(&product, &factor);
                own.add_to(&mut sums);
                before = own.after();
                rows.push(own);
            }
            rows
        });
        Rows {
            plan: self.context.plan.clone(),
            loans: self.sealed.loans[range.clone()].to_vec(),
            leaves: self.sealed.leaves[range.clone()].to_vec(),
            nodes: self.sealed.trees[part].clone(),
            groups: groups.collect(),
            before: state.clone(),
            after: self.states[part + 1].clone(),
        }
    }

    /// The state after each part, from zeros on.
    fn run(&self, secret: &Secret, about: &Digest) -> Vec<Vec<u128>> {
        let plan = &self.context.plan;
        let slots = segments(self.claim.loans).slots();
        let mut states = vec![vec![0; SALTS + plan.registers()]];
        let parts = self.claim.segments.len();
        let mut seen: Vec<std::collections::BTreeSet<u64>> =
            vec![Default::default(); self.lists.len()];
        for part in 0..parts {
            let mut state = states[part].clone();
            if part + 1 < parts {
                state[..SALTS].copy_from_slice(&secret.state_salts(about, part));
            } else {
                state[..SALTS].fill(0);
            }
            let range = part * slots..((part + 1) * slots).min(self.sealed.loans.len());
            let loans = &self.sealed.loans[range.clone()];
            let last = &self.sealed.leaves[range.end - 1];
            state[SALTS + KEY_REGISTER] = last.identity.key().into();
            for (i, (quantity, condition)) in plan.sums.iter().enumerate() {
                let counted = loans.iter().filter(|l| condition.holds(l));
                let sum: u128 = counted.map(|l| u128::from(quantity.of(l))).sum();
                state[SALTS + plan.sum_register(i)] += sum;
            }
            for (i, list) in self.lists.iter().enumerate() {
                let first = SALTS + plan.group_register(i);
                let concentration = &plan.concentrations[i];
                let (challenge, limbs) = (&self.context.challenges[i], self.context.limbs(i));
                let state = &mut state[first..first + group::COUNT];
                let entries: Vec<(u64, u64)> =
                    loans.iter().map(|l| concentration.entry(l)).collect();
                for (register, entries) in [
                    (group::LOANS, &entries[..]),
                    (group::LISTED, &list.entries[range.clone()]),
                ] {
                    let mut product = product_of(&state[register..]);
                    for &(group, weight) in entries {
                        let message = message_elements(group, weight, limbs);
                        product = multiply(&product, &challenge.factor(&message));
                    }
                    state[register..register + 3].copy_from_slice(&registers_of(product));
                }
                let mut total = state[group::TOTAL];
                for &(group, weight) in &list.entries[range.clone()] {
                    let starts = seen[i].insert(group);
                    let above = |total: u128| total.saturating_sub(list.threshold.into());
                    let before = if starts { 0 } else { total };
                    total = before + u128::from(weight);
                    state[group::EXCESS_TOTAL] += above(total) - above(before);
                    if list.chosen.contains(&group) {
                        state[group::CHOSEN_TOTAL] += u128::from(weight);
                        state[group::CHOSEN_COUNT] += u128::from(starts);
                    }
                    state[group::GROUP] = group.into();
                    state[group::CHOSEN] = u128::from(list.chosen.contains(&group));
                }
                state[group::THRESHOLD] = list.threshold.into();
                state[group::TOTAL] = total;
                state[group::EXCESS] = total.saturating_sub(list.threshold.into());
            }
            states.push(state);
        }
        states
    }
}

impl List {
    fn new(
        loans: &[Arc<Loan>],
        concentration: &super::plan::Concentration,
        salt: impl Fn(usize) -> [F; 2 * QUAD],
        parts: usize,
    ) -> Result<Self, PoolFailure> {
        let mut entries: Vec<(u64, u64)> = loans.iter().map(|l| concentration.entry(l)).collect();
        entries.par_sort_unstable();
        // The table has six limbs for what a group weighs.
        let fits = |total: &u64| *total < MAX_GROUP;
        let mut groups: Vec<(u64, u64)> = Vec::new();
        for group in entries.chunk_by(|a, b| a.0 == b.0) {
            let total = group
                .iter()
                .try_fold(0u64, |sum, (_, weight)| {
                    sum.checked_add(*weight).filter(fits)
                })
                .ok_or_else(|| {
                    PoolFailure::Input(format!(
                        "a group of loans weighs {MAX_GROUP} units or more together; split the pool"
                    ))
                })?;
            groups.push((total, group[0].0));
        }
        groups.sort_unstable_by(|a, b| b.cmp(a));
        let top = concentration.top as usize;
        Ok(Self {
            threshold: groups.get(top - 1).map_or(0, |(total, _)| *total),
            chosen: groups.iter().take(top).map(|(_, group)| *group).collect(),
            salts: (0..parts).map(salt).collect(),
            entries,
        })
    }

    /// The list in the parts of a claim about so many loans.
    fn parts(&self, loans: u64) -> std::slice::Chunks<'_, (u64, u64)> {
        self.entries.chunks(segments(loans).slots())
    }
}

/// What salts depend on besides the secret: the pool and what is asked of it, so that no two claims share them.
fn about(pool: &Digest, eligibility: &[String], figures: &[Figure<Claimed>]) -> Digest {
    let text = serde_json::to_string(&("pool", PublicDigest::from(*pool), eligibility, figures));
    text_digest(Domain::Salt, &text.expect("plain data"))
}

fn list_salt(secret: &Secret, about: &Digest, index: usize, part: usize) -> [F; 2 * QUAD] {
    let mut elements = about.to_vec();
    elements.extend([felt(index as u64), felt(part as u64)]);
    secret.salt_for(&hash(Domain::List, &elements))
}

/// A product from its registers.
pub(crate) fn product_of(registers: &[u128]) -> [F; DEGREE] {
    std::array::from_fn(|i| {
        let element = (registers[i / 2] >> (40 * (i % 2))) % (1 << 40);
        F::from_u64((element % u128::from(stark::P)) as u64) + F::from_bool(i == 0)
    })
}

/// The registers of a product: its first coordinate less one.
pub(crate) fn registers_of(product: [F; DEGREE]) -> [u128; 3] {
    let mut elements = [F::ZERO; 6];
    elements[..DEGREE].copy_from_slice(&product);
    elements[0] -= F::ONE;
    std::array::from_fn(|i| elements_register([elements[2 * i], elements[2 * i + 1]]))
}

impl GroupRow {
    /// Adds what the row counts to the sums: the chosen groups' weight, excesses, the number of chosen groups.
    pub(super) fn add_to(&self, sums: &mut [[i64; COUNT_LIMBS]; 3]) {
        let limb = |value: u64, i: usize| limb_of(value.into(), i) as i64;
        let before = if self.starts { 0 } else { self.before.excess };
        let excess = self.after().excess;
        let [chosen, excesses, count] = sums;
        if self.chosen {
            for (i, sum) in chosen.iter_mut().enumerate() {
                *sum += limb(self.weight, i);
            }
        }
        for (i, sum) in excesses.iter_mut().enumerate() {
            *sum += limb(excess, i) - limb(before, i);
        }
        count[0] += i64::from(self.chosen && self.starts);
    }
}

/// The rows of a part's tables that hold private data; those below are padding.
#[derive(Clone)]
pub(super) struct Rows {
    plan: Arc<Plan>,
    pub loans: Vec<Arc<Loan>>,
    pub leaves: Vec<LoanLeaf>,
    pub nodes: Vec<Digest>,
    /// Per concentration.
    pub groups: Vec<Vec<GroupRow>>,
    pub before: Vec<u128>,
    pub after: Vec<u128>,
}

impl Rows {
    pub fn fill(&self, tables: &PartTables) -> Vec<Trace> {
        let airs = tables.airs();
        let mut airs = airs.iter();
        let mut air = || airs.next().expect("one air per table");
        let mut tallied = vec![tables.limbs.tallied(), tables.totals.tallied()];
        tallied.extend(tables.codes.as_ref().map(|c| c.tallied()));
        let tally = Tally::new(&tallied);
        let mut counts = vec![[0i64; COUNT_LIMBS]; self.before.len()];

        let keys: Vec<u64> = self.leaves.iter().map(|l| l.identity.key()).collect();
        let start_key = self.before[SALTS + KEY_REGISTER] as u64;
        let (sums, products) = self.above(tables, &mut counts);
        let mut traces = vec![fill(&tables.loans, air(), &tally, |i| LoanRow {
            place: OrderedRow::new(i, &keys, start_key, &self.nodes),
            leaf: LoanWitness::new(&self.plan.layout, self.loans.get(i), self.leaves.get(i)),
            sums: sums[i.min(sums.len() - 1)].clone(),
            products: products.iter().map(|p| p[i.min(p.len() - 1)]).collect(),
        })];
        let mut quads = vec![[F::ZERO; QUAD]; tables.quads];
        for (rows, table) in self.groups.iter().zip(&tables.groups) {
            let Some(last) = rows.last() else { continue };
            let mut padding = GroupRow {
                group: last.group,
                chosen: last.chosen,
                threshold: last.threshold,
                before: last.after(),
                product: {
                    let message = message_elements(last.group, last.weight, table.limbs);
                    multiply(&last.product, &table.challenge.factor(&message))
                },
                sums: last.sums,
                ..GroupRow::default()
            };
            last.add_to(&mut padding.sums);
            traces.push(fill(table, air(), &tally, |i| {
                rows.get(i).cloned().unwrap_or_else(|| GroupRow {
                    row: i,
                    ..padding.clone()
                })
            }));
            let entries = rows.iter().map(|r| (r.group, r.weight));
            let list = list_quads(&rows[0].salt, entries, table.limbs);
            quads[table.address..table.address + list.len()].copy_from_slice(&list);
            let first = SALTS + table.register;
            for (register, sum) in [
                group::CHOSEN_TOTAL,
                group::EXCESS_TOTAL,
                group::CHOSEN_COUNT,
            ]
            .into_iter()
            .zip(padding.sums)
            {
                counts[first + register] = sum;
            }
        }
        let codes = tables.codes.as_ref().map(|codes| (codes, air()));
        let totals_air = air();
        // The figures' lookups come before the totals that answer them.
        let figures = tables.figures.as_ref().map(|figures| {
            fill(figures, air(), &tally, |row| {
                figures.values(row, &self.after)
            })
        });
        if let Some((codes, air)) = codes {
            traces.push(codes.trace(air, &tally));
        }
        traces.push(tables.totals.trace(
            totals_air,
            &tally,
            &self.before,
            &self.after,
            &counts,
            &mut quads,
        ));
        traces.extend(figures);
        if let Some(sponge) = &tables.sponge {
            traces.push(sponge.trace(air(), &mut quads));
        }
        traces.push(tables.limbs.trace(air(), &tally));
        traces
    }

    /// Per row, and once more behind the last: the limbs of all sums above, and the products. Notes the counts of the sums.
    #[allow(clippy::type_complexity)]
    fn above(
        &self,
        tables: &PartTables,
        counts: &mut [[i64; COUNT_LIMBS]],
    ) -> (Vec<Arc<Vec<[i64; COUNT_LIMBS]>>>, Vec<Vec<[F; DEGREE]>>) {
        let plan = &*self.plan;
        let mut sums = vec![[0i64; COUNT_LIMBS]; plan.sums.len()];
        let mut rows = vec![Arc::new(sums.clone())];
        for loan in &self.loans {
            for (sum, (quantity, condition)) in sums.iter_mut().zip(&plan.sums) {
                if condition.holds(loan) {
                    let own = quantity.of(loan);
                    for (i, limb) in sum.iter_mut().enumerate() {
                        *limb += limb_of(own.into(), i) as i64;
                    }
                }
            }
            rows.push(Arc::new(sums.clone()));
        }
        for (i, sum) in sums.iter().enumerate() {
            counts[SALTS + plan.sum_register(i)] = *sum;
        }
        let products = tables.groups.iter().enumerate().map(|(i, table)| {
            let concentration = &plan.concentrations[i];
            let mut product = product_of(&self.before[SALTS + table.register + group::LOANS..]);
            let mut rows = vec![product];
            for loan in &self.loans {
                let (group, weight) = concentration.entry(loan);
                let message = message_elements(group, weight, table.limbs);
                product = multiply(&product, &factor(&table.challenge, &message));
                rows.push(product);
            }
            rows
        });
        (rows, products.collect())
    }
}

fn factor(challenge: &Challenge, message: &[F]) -> [F; DEGREE] {
    challenge.factor(message)
}
