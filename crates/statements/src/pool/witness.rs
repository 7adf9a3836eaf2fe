//! From a tape to a claim and its proof.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use credit::pool::{Facts, Loan, Tape, Terms};
use gadgets::hash::{Digest, Domain, hash};
use gadgets::limbs::limb_of;
use gadgets::product::{Challenge, DEGREE, multiply, product_of, registers_of};
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS};
use rayon::prelude::*;
use stark::{F, PrimeCharacteristicRing, Statement, Tally, Trace, fill};

use super::claim::{Context, PartTables, Pool, PoolClaim};
use super::plan::{Concentration, Plan, group};
use super::tables::groups::{GroupRow, GroupState, GroupsTable, list_quads, message_elements};
use super::tables::loans::LoanRow;
use super::words::Findings;
use crate::account::{PublicDigest, Secret};
use crate::kit::{self, Chain, Example, Provable, Refusal, States};
use crate::nonce::Nonce;
use crate::ordered::{KEY_REGISTER, OrderedRow};
use crate::pools::loan::{LoanLeaf, LoanWitness, Sealed, segments};

/// A tape that is what its terms say.
#[derive(Clone, Debug)]
pub struct Checked<'a> {
    /// The loans.
    pub tape: &'a Tape,
    /// What is claimed of them.
    pub terms: &'a Terms,
    /// What is true of them.
    pub facts: Facts,
}

impl Checked<'_> {
    /// What a claim says of the pool.
    pub fn findings(&self) -> Findings<'_> {
        Findings {
            template: &self.tape.template,
            cut_off: &self.tape.cut_off,
            loans: self.tape.loans.len() as u64,
            open: self.facts.counts.open,
            defaulted: self.facts.counts.defaulted,
            eligibility: &self.terms.eligibility,
            figures: &self.facts.figures,
        }
    }
}

/// Whether a tape is what its terms say.
///
/// # Errors
/// If it is not, naming loans, rules and figures, or the terms do not fit the statement.
pub fn check<'a>(tape: &'a Tape, terms: &'a Terms) -> Result<Checked<'a>, Refusal> {
    let facts = terms.check(tape).map_err(|e| match e.is_false() {
        true => Refusal::untrue(e),
        false => Refusal::malformed(e),
    })?;
    Plan::new(&tape.template, &terms.eligibility, &facts.figures).map_err(Refusal::malformed)?;
    Ok(Checked { tape, terms, facts })
}

/// What the tables are filled from.
pub struct Witness {
    sealed: Sealed,
    lists: Vec<List>,
    states: States,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Pool>;

/// The loans in the order of their groups, for one concentration.
#[derive(Clone)]
struct List {
    /// Group and weight.
    entries: Vec<(u64, u64)>,
    threshold: u64,
    /// The largest groups.
    chosen: BTreeSet<u64>,
    /// Per part.
    salts: Vec<[F; 2 * QUAD]>,
}

impl Prepared {
    /// Checks a tape against what is to be claimed, and makes the claim. Loans are sorted by their keys; their order says
    /// nothing.
    ///
    /// # Errors
    /// As [`check`]; or if two loans have the same sort key.
    pub fn new(tape: &Tape, terms: &Terms, secret: &Secret) -> Result<Self, Refusal> {
        let facts = check(tape, terms)?.facts;
        let sealed = Sealed::new(tape, secret).map_err(Refusal::malformed)?;
        Self::unchecked(tape, sealed, &terms.eligibility, facts, secret)
    }

    /// The claim, true or not.
    pub(super) fn unchecked(
        tape: &Tape,
        sealed: Sealed,
        eligibility: &[String],
        Facts { counts, figures }: Facts,
        secret: &Secret,
    ) -> Result<Self, Refusal> {
        let plan = Plan::new(&tape.template, eligibility, &figures).map_err(Refusal::malformed)?;
        let parts = sealed.trees.len();
        // The pool and all that is asked of it.
        let pool = PublicDigest::from(sealed.pool);
        let chain = Chain::new::<Pool>(secret, &(&pool, eligibility, &figures));
        let salts = |list: usize| (0..parts).map(|part| chain.list_salt(list, part)).collect();
        let concentrations = plan.concentrations.iter().enumerate();
        let lists: Vec<List> = concentrations
            .map(|(i, c)| List::new(&sealed.loans, c, salts(i)))
            .collect();
        let count = sealed.loans.len() as u64;
        let commitments = lists.iter().zip(&plan.concentrations).map(|(list, c)| {
            let limbs = [c.by, c.weight].map(|field| plan.layout.fields[field].1);
            list.commitments(count, limbs)
        });
        let mut claim = PoolClaim {
            template: tape.template.clone(),
            cut_off: tape.cut_off.clone(),
            loans: count,
            open: counts.open,
            defaulted: counts.defaulted,
            pool,
            segments: sealed.trees.iter().map(|t| t[1].into()).collect(),
            lists: commitments.collect(),
            // Filled in below: the products in the states depend on the rest of the claim.
            states: vec![Digest::default().into(); parts - 1],
            eligibility: eligibility.to_vec(),
            figures,
            nonce: None,
        };
        let context = Pool::context(&claim).map_err(Refusal::malformed)?;
        let states = running(&chain, &context, &sealed, &lists);
        claim.states = states.links();
        Ok(Self {
            claim,
            context,
            witness: Witness {
                sealed,
                lists,
                states,
            },
        })
    }
}

impl Provable for Pool {
    type Witness = Witness;

    fn traces(claim: &PoolClaim, context: &Context, witness: &Witness, part: usize) -> Vec<Trace> {
        let rows = witness.rows(context, part);
        rows.fill(&PartTables::new(claim, context, part))
    }

    fn nonce_mut(claim: &mut PoolClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The places of a part's loans.
    fn range(&self, part: usize) -> std::ops::Range<usize> {
        let loans = self.sealed.loans.len();
        let slots = segments(loans as u64).slots();
        part * slots..((part + 1) * slots).min(loans)
    }

    /// The rows of a part's tables.
    pub(super) fn rows(&self, context: &Context, part: usize) -> Rows {
        let range = self.range(part);
        let before = self.states.before(part);
        let first = SALTS + context.plan.group_register(0);
        let groups = self.lists.iter().enumerate().map(|(i, list)| {
            let state = &before[first + group::COUNT * i..];
            let (challenge, limbs) = (&context.challenges[i], context.limbs(i));
            list.rows(state, range.clone(), part, challenge, limbs)
        });
        Rows {
            plan: context.plan.clone(),
            loans: self.sealed.loans[range.clone()].to_vec(),
            leaves: self.sealed.leaves[range.clone()].to_vec(),
            nodes: self.sealed.trees[part].clone(),
            groups: groups.collect(),
            before: before.to_vec(),
            after: self.states.after(part).to_vec(),
        }
    }
}

/// The states that the loans lead to.
fn running(chain: &Chain, context: &Context, sealed: &Sealed, lists: &[List]) -> States {
    let plan = &context.plan;
    let slots = segments(sealed.loans.len() as u64).slots();
    let mut seen: Vec<BTreeSet<u64>> = vec![BTreeSet::new(); lists.len()];
    chain.run(plan.registers(), sealed.trees.len(), |part, state| {
        let range = part * slots..((part + 1) * slots).min(sealed.loans.len());
        let loans = &sealed.loans[range.clone()];
        state[KEY_REGISTER] = sealed.leaves[range.end - 1].identity.key().into();
        for (i, (quantity, condition)) in plan.sums.iter().enumerate() {
            let counted = loans.iter().filter(|l| condition.holds(l));
            let sum: u128 = counted.map(|l| u128::from(quantity.of(l))).sum();
            state[plan.sum_register(i)] += sum;
        }
        for (i, list) in lists.iter().enumerate() {
            let concentration = &plan.concentrations[i];
            let (challenge, limbs) = (&context.challenges[i], context.limbs(i));
            let state = &mut state[plan.group_register(i)..][..group::COUNT];
            let own: Vec<(u64, u64)> = loans.iter().map(|l| concentration.entry(l)).collect();
            let listed = &list.entries[range.clone()];
            for (register, entries) in [(group::LOANS, &own[..]), (group::LISTED, listed)] {
                let mut product = product_of(&state[register..]);
                for &(group, weight) in entries {
                    let message = message_elements(group, weight, limbs);
                    product = multiply(&product, &challenge.factor(&message));
                }
                state[register..register + 3].copy_from_slice(&registers_of(product));
            }
            list.run(state, range.clone(), &mut seen[i]);
        }
    })
}

impl List {
    fn new(loans: &[Arc<Loan>], concentration: &Concentration, salts: Vec<[F; 2 * QUAD]>) -> Self {
        let mut entries: Vec<(u64, u64)> = loans.iter().map(|l| concentration.entry(l)).collect();
        entries.par_sort_unstable();
        let groups = entries.chunk_by(|a, b| a.0 == b.0);
        // Below 2^60: figures with a heavier group are refused.
        let weight = |group: &[(u64, u64)]| (group.iter().map(|e| e.1).sum::<u64>(), group[0].0);
        let mut groups: Vec<(u64, u64)> = groups.map(weight).collect();
        groups.sort_unstable_by(|a, b| b.cmp(a));
        let top = concentration.top as usize;
        Self {
            threshold: groups.get(top - 1).map_or(0, |(total, _)| *total),
            chosen: groups.iter().take(top).map(|(_, group)| *group).collect(),
            salts,
            entries,
        }
    }

    /// Commitments to the list's parts, in a claim about so many loans.
    fn commitments(&self, loans: u64, limbs: [usize; 2]) -> Vec<PublicDigest> {
        let parts = self.entries.chunks(segments(loans).slots());
        let digest = |(entries, salt): (&[(u64, u64)], &[F; 2 * QUAD])| {
            let quads = list_quads(salt, entries.iter().copied(), limbs);
            hash(Domain::List, quads.as_flattened()).into()
        };
        parts.zip(&self.salts).map(digest).collect()
    }

    /// Runs a concentration's registers over a part of the list. `seen` are the groups that have begun.
    fn run(&self, state: &mut [u128], part: Range<usize>, seen: &mut BTreeSet<u64>) {
        let above = |total: u128| total.saturating_sub(self.threshold.into());
        let mut total = state[group::TOTAL];
        for &(group, weight) in &self.entries[part] {
            let starts = seen.insert(group);
            let chosen = self.chosen.contains(&group);
            let before = if starts { 0 } else { total };
            total = before + u128::from(weight);
            state[group::EXCESS_TOTAL] += above(total) - above(before);
            if chosen {
                state[group::CHOSEN_TOTAL] += u128::from(weight);
                state[group::CHOSEN_COUNT] += u128::from(starts);
            }
            state[group::GROUP] = group.into();
            state[group::CHOSEN] = chosen.into();
        }
        state[group::THRESHOLD] = self.threshold.into();
        state[group::TOTAL] = total;
        state[group::EXCESS] = above(total);
    }

    /// The rows of a part of the list. `state` are the concentration's registers before it.
    fn rows(
        &self,
        state: &[u128],
        range: Range<usize>,
        part: usize,
        challenge: &Challenge,
        limbs: [usize; 2],
    ) -> Vec<GroupRow> {
        let mut before = GroupState {
            group: state[group::GROUP] as u64,
            total: state[group::TOTAL] as u64,
            excess: state[group::EXCESS] as u64,
            chosen: state[group::CHOSEN] != 0,
        };
        let mut product = product_of(&state[group::LISTED..]);
        let mut sums = [[0; COUNT_LIMBS]; 3];
        let mut rows = Vec::with_capacity(range.len());
        for (row, &(group, weight)) in self.entries[range].iter().enumerate() {
            let own = GroupRow {
                row,
                group,
                weight,
                starts: (part == 0 && row == 0) || group != before.group,
                before,
                chosen: self.chosen.contains(&group),
                threshold: self.threshold,
                product,
                sums,
                salt: match row {
                    0 => self.salts[part],
                    _ => Default::default(),
                },
            };
            let message = message_elements(group, weight, limbs);
            product = multiply(&product, &challenge.factor(&message));
            own.add_to(&mut sums);
            before = own.after();
            rows.push(own);
        }
        rows
    }
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
            let Some(padding) = padding(rows, table) else {
                continue;
            };
            traces.push(fill(table, air(), &tally, |i| {
                rows.get(i).cloned().unwrap_or_else(|| GroupRow {
                    row: i,
                    ..padding.clone()
                })
            }));
            let entries = rows.iter().map(|r| (r.group, r.weight));
            let list = list_quads(&rows[0].salt, entries, table.limbs);
            quads[table.address..table.address + list.len()].copy_from_slice(&list);
            let counted = [
                group::CHOSEN_TOTAL,
                group::EXCESS_TOTAL,
                group::CHOSEN_COUNT,
            ];
            for (register, sum) in counted.into_iter().zip(padding.sums) {
                counts[SALTS + table.register + register] = sum;
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
                product = multiply(&product, &table.challenge.factor(&message));
                rows.push(product);
            }
            rows
        });
        (rows, products.collect())
    }
}

/// What stands in the rows behind a list, their number aside.
fn padding(rows: &[GroupRow], table: &GroupsTable) -> Option<GroupRow> {
    let last = rows.last()?;
    let message = message_elements(last.group, last.weight, table.limbs);
    let mut padding = GroupRow {
        group: last.group,
        chosen: last.chosen,
        threshold: last.threshold,
        before: last.after(),
        product: multiply(&last.product, &table.challenge.factor(&message)),
        sums: last.sums,
        ..GroupRow::default()
    };
    last.add_to(&mut padding.sums);
    Some(padding)
}
