//! From a tape to a claim about its schedule, and its proof.

use std::sync::Arc;

use credit::amortization::LoanState;
use credit::coarse;
use credit::pool::{Loan, Tape};
use credit::projection::Schedule;
use credit::stress::{Outcomes, Terms, Told};
use gadgets::hash::Digest;
use gadgets::limbs::limb_of;
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, TotalsTable};
use stark::{F, PrimeCharacteristicRing, Tally, Trace, fill};

use super::claim::{
    BALANCE, Context, DOUBTFUL, FIRST_STEP, LOG_SEGMENT, PartTables, StressClaim, Stressed,
};
use super::tables::loans::LoanRow;
use super::tables::months::{MonthRow, MonthsTable};
use super::tables::schedule::{Contract, PER_ROW, ScheduleRow, Standing, step};
use super::words::Findings;
use crate::account::Secret;
use crate::kit::{self, Chain, Example, Provable, Refusal, States};
use crate::nonce::Nonce;
use crate::ordered::{KEY_REGISTER, OrderedRow};
use crate::pools::calendar::{CalendarTable, Month};
use crate::pools::loan::{LoanLeaf, LoanWitness, Sealed, check_size};
use crate::pools::month::AMOUNT_LIMBS;

/// What a tape's loans bring in, and what becomes of a deal.
#[derive(Clone, Debug)]
pub struct Checked<'a> {
    /// The loans.
    pub tape: &'a Tape,
    /// What is claimed of them and of the deal.
    pub terms: &'a Terms,
    /// The schedule, and what tranches lose.
    pub outcomes: Outcomes,
}

impl Checked<'_> {
    /// What a claim says of the pool and the deal.
    pub fn findings(&self) -> Findings<'_> {
        Findings {
            template: &self.tape.template,
            cut_off: &self.tape.cut_off,
            loans: self.tape.loans.len() as u64,
            doubtful_days: self.terms.doubtful_days,
            schedule: &self.outcomes.schedule,
            steps: &self.outcomes.steps,
            deal: &self.terms.deal,
            deal_state: &self.outcomes.deal_state,
            indices: &self.terms.indices,
            scenarios: &self.outcomes.scenarios,
            models: &self.outcomes.models,
        }
    }
}

/// What a tape's loans bring in, and what becomes of the deal.
///
/// # Errors
/// If a loan's fields contradict each other, or the inputs do not fit each other or the statement.
pub fn check<'a>(tape: &'a Tape, terms: &'a Terms) -> Result<Checked<'a>, Refusal> {
    let outcomes = terms.run(tape).map_err(Refusal::malformed)?;
    check_size(tape.loans.len() as u64).map_err(Refusal::malformed)?;
    context(tape, &outcomes)?;
    Ok(Checked {
        tape,
        terms,
        outcomes,
    })
}

/// What the parts of a claim share. That of [`Stressed::context`] would compute the outcomes again.
fn context(tape: &Tape, outcomes: &Outcomes) -> Result<Context, Refusal> {
    let months = coarse::months(&outcomes.steps, outcomes.schedule.rows.len());
    let months = months.map_err(Refusal::malformed)?;
    Context::new(&tape.template, months).map_err(Refusal::malformed)
}

/// What the tables are filled from.
pub struct Witness {
    sealed: Sealed,
    /// Per part, its subtree in heap order.
    trees: Vec<Vec<Digest>>,
    states: States,
    told: Told,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Stressed>;

impl Prepared {
    /// Makes the claim of a tape's schedule. Loans are sorted by their keys; their order says nothing.
    ///
    /// # Errors
    /// As [`check`]; or if two loans have the same sort key.
    pub fn new(tape: &Tape, terms: &Terms, secret: &Secret) -> Result<Self, Refusal> {
        let outcomes = check(tape, terms)?.outcomes;
        let sealed = Sealed::new(tape, secret).map_err(Refusal::malformed)?;
        Self::unchecked(tape, sealed, terms, outcomes, secret)
    }

    /// The claim, true or not.
    pub(super) fn unchecked(
        tape: &Tape,
        sealed: Sealed,
        terms: &Terms,
        outcomes: Outcomes,
        secret: &Secret,
    ) -> Result<Self, Refusal> {
        let context = context(tape, &outcomes)?;
        let count = sealed.loans.len() as u64;
        // The nodes of 256 leaves, and below them the parts' trees.
        let trees: Vec<Vec<Digest>> = sealed
            .trees
            .iter()
            .flat_map(|nodes| {
                let leaves = nodes.len() / 2;
                (0..leaves >> LOG_SEGMENT).map(move |k| subtree(nodes, k))
            })
            .take(count.div_ceil(1 << LOG_SEGMENT) as usize)
            .collect();
        let mut claim = StressClaim {
            template: tape.template.clone(),
            cut_off: tape.cut_off.clone(),
            loans: count,
            pool: sealed.pool.into(),
            segments: trees.iter().map(|t| t[1].into()).collect(),
            // Filled in below.
            states: Vec::new(),
            doubtful_days: terms.doubtful_days,
            schedule: outcomes.schedule,
            steps: outcomes.steps,
            deal: terms.deal.clone(),
            deal_state: outcomes.deal_state,
            indices: terms.indices.clone(),
            scenarios: outcomes.scenarios,
            models: outcomes.models,
            nonce: None,
        };
        let states = running(&claim, &sealed, &outcomes.loans, secret);
        claim.states = states.links();
        Ok(Self {
            claim,
            context,
            witness: Witness {
                sealed,
                trees,
                states,
                told: outcomes.told,
            },
        })
    }

    /// What the schedule tells of few loans, which the claim does not say.
    pub fn told(&self) -> Told {
        self.witness.told
    }
}

impl Provable for Stressed {
    type Witness = Witness;

    fn traces(
        claim: &StressClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        let rows = witness.rows(claim, context, part);
        rows.fill(&PartTables::new(claim, context, part))
    }

    fn nonce_mut(claim: &mut StressClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The rows of a part's tables.
    pub(super) fn rows(&self, claim: &StressClaim, context: &Context, part: usize) -> Rows {
        let slots = 1 << LOG_SEGMENT;
        let sealed = &self.sealed;
        let range = part * slots..((part + 1) * slots).min(sealed.loans.len());
        let loans = sealed.loans[range.clone()].to_vec();
        let mut schedule = Vec::with_capacity(slots << context.log_rows);
        for slot in 0..slots {
            let loan = loans.get(slot).map(|l| &**l);
            schedule.extend(schedule_rows(context, claim.doubtful_days, loan));
        }
        Rows {
            loans,
            leaves: sealed.leaves[range].to_vec(),
            nodes: self.trees[part].clone(),
            schedule,
            before: self.states.before(part).to_vec(),
            after: self.states.after(part).to_vec(),
        }
    }
}

/// The tree of 256 leaves below node `k` of its level, in heap order.
fn subtree(nodes: &[Digest], k: usize) -> Vec<Digest> {
    let mut below = vec![Digest::default()];
    let (mut start, mut size) = (((nodes.len() / 2) >> LOG_SEGMENT) + k, 1);
    while size <= 1 << LOG_SEGMENT {
        below.extend_from_slice(&nodes[start..start + size]);
        (start, size) = (2 * start, 2 * size);
    }
    below
}

/// The states that the loans lead to, which are given in the order of the tape.
fn running(claim: &StressClaim, sealed: &Sealed, loans: &[LoanState], secret: &Secret) -> States {
    let about = (claim.pool, claim.doubtful_days, &claim.steps);
    let chain = Chain::new::<Stressed>(secret, &about);
    let registers = FIRST_STEP + 2 * claim.schedule.rows.len();
    chain.run(registers, claim.segments.len(), |part, state| {
        let slots = 1 << LOG_SEGMENT;
        let range = part * slots..((part + 1) * slots).min(sealed.loans.len());
        let places = sealed.places[range.clone()].iter();
        let loans: Vec<LoanState> = places.map(|place| loans[*place]).collect();
        let schedule = Schedule::of_pool(&loans, claim.doubtful_days)
            .and_then(|months| coarse::grouped(&months, &claim.steps))
            .expect("the whole pool has a schedule");
        state[KEY_REGISTER] = sealed.leaves[range.end - 1].identity.key().into();
        state[BALANCE] += u128::from(schedule.balance.0);
        state[DOUBTFUL] += u128::from(schedule.doubtful.0);
        for (sums, row) in state[FIRST_STEP..].chunks_exact_mut(2).zip(&schedule.rows) {
            sums[0] += u128::from(row.interest.0);
            sums[1] += u128::from(row.balance.0);
        }
    })
}

/// The months of a loan, or of an unused slot.
fn schedule_rows(context: &Context, doubtful_days: u16, loan: Option<&Loan>) -> Vec<ScheduleRow> {
    let fields = &context.fields;
    let value = |field: usize| loan.and_then(|l| l.values[field]).unwrap_or(0);
    let contract = Contract {
        rate: value(fields.rate),
        frequency: value(fields.frequency) as usize,
        rule: value(fields.rule) as usize,
        instalment: value(fields.instalment),
    };
    let scheduled = loan.is_some()
        && fields.open.contains(&value(fields.status))
        && value(fields.days) < doubtful_days.into()
        && value(fields.term) > 0;
    let scheduled = |field: usize| if scheduled { value(field) } else { 0 };
    let mut standing = Standing {
        balance: scheduled(fields.balance),
        accrued: scheduled(fields.accrued),
        term: value(fields.term),
    };
    (0..1 << context.log_rows)
        .map(|_| {
            let mut row = ScheduleRow {
                contract,
                standing: [standing; PER_ROW + 1],
                months: [None; PER_ROW],
            };
            for k in 0..PER_ROW {
                let month = month(&context.calendar, &contract, &standing);
                row.months[k] = Some(month);
                (_, standing) = step(&contract, &standing, &month);
                row.standing[k + 1] = standing;
            }
            row
        })
        .collect()
}

/// What happens in the next month.
fn month(calendar: &CalendarTable, contract: &Contract, standing: &Standing) -> Month {
    Month::new(
        standing.term.saturating_sub(1),
        calendar.frequencies[contract.frequency],
        calendar.rules[contract.rule],
    )
}

/// The rows of a part's tables that hold private data; those below are padding.
#[derive(Clone)]
pub(super) struct Rows {
    pub loans: Vec<Arc<Loan>>,
    pub leaves: Vec<LoanLeaf>,
    pub nodes: Vec<Digest>,
    pub schedule: Vec<ScheduleRow>,
    pub before: Vec<u128>,
    pub after: Vec<u128>,
}

impl Rows {
    pub fn fill(&self, tables: &PartTables) -> Vec<Trace> {
        let airs = tables.airs();
        let calendar = &tables.schedule.calendar;
        let tally = Tally::new(&[
            tables.limbs.tallied(),
            tables.codes.tallied(),
            calendar.tallied(),
        ]);
        let keys: Vec<u64> = self.leaves.iter().map(|l| l.identity.key()).collect();
        let start_key = self.before[SALTS + KEY_REGISTER] as u64;
        let sums = self.sums(tables);
        let loans = fill(&tables.loans, &airs[0], &tally, |i| LoanRow {
            place: OrderedRow::new(i, &keys, start_key, &self.nodes),
            leaf: LoanWitness::new(&tables.loans.layout, self.loans.get(i), self.leaves.get(i)),
            sums: sums[i.min(sums.len() - 1)],
        });
        let schedule = fill(&tables.schedule, &airs[1], &tally, |i| self.schedule[i]);
        let flows = self.flows(&tables.months);
        let months = fill(&tables.months, &airs[2], &tally, |i| {
            flows.get(i).copied().unwrap_or_default()
        });
        let mut counts = vec![[0i64; COUNT_LIMBS]; self.before.len()];
        let last = sums[sums.len() - 1];
        (counts[SALTS + BALANCE], counts[SALTS + DOUBTFUL]) = (last[0], last[1]);
        let mut end = 0;
        for (step, months) in tables.months.steps.iter().enumerate() {
            end += months;
            let last = &flows[end - 1];
            let register = SALTS + FIRST_STEP + 2 * step;
            counts[register] = last.after().map(|limb| limb as i64);
            for (count, limb) in counts[register + 1]
                .iter_mut()
                .zip(&last.counts[AMOUNT_LIMBS..])
            {
                *count = *limb as i64;
            }
        }
        let mut quads = vec![[F::ZERO; QUAD]; tables.quads];
        let codes = tables.codes.trace(&airs[3], &tally);
        let calendar = calendar.trace(&airs[4], &tally);
        let totals = TotalsTable::trace(
            &tables.totals,
            &airs[5],
            &tally,
            &self.before,
            &self.after,
            &counts,
            &mut quads,
        );
        let mut traces = vec![loans, schedule, months, codes, calendar, totals];
        if let Some(sponge) = &tables.sponge {
            traces.push(sponge.trace(&airs[6], &mut quads));
        }
        traces.push(tables.limbs.trace(&airs[airs.len() - 1], &tally));
        traces
    }

    /// Per row, and once more behind the last: the limbs of scheduled and doubtful balances above.
    fn sums(&self, tables: &PartTables) -> Vec<[[i64; COUNT_LIMBS]; 2]> {
        let fields = &tables.loans.fields;
        let mut sums = [[0i64; COUNT_LIMBS]; 2];
        let mut rows = vec![sums];
        for loan in &self.loans {
            let value = |field: usize| loan.values[field].unwrap_or(0);
            if fields.open.contains(&value(fields.status)) {
                let sound = value(fields.days) < tables.loans.doubtful_days.into()
                    && value(fields.term) > 0;
                for (i, sum) in sums[usize::from(!sound)].iter_mut().enumerate() {
                    *sum += limb_of(value(fields.balance).into(), i) as i64;
                }
            }
            rows.push(sums);
        }
        rows
    }

    /// How often each limb of interest and balance is counted, by month, and what steps have so far.
    pub fn flows(&self, table: &MonthsTable) -> Vec<MonthRow> {
        let mut flows = vec![MonthRow::default(); table.slots];
        let per_loan = table.slots / PER_ROW;
        for (r, row) in self.schedule.iter().enumerate() {
            for (k, month) in row.months.iter().enumerate() {
                let Some(month) = month else { continue };
                let (interest, after) = step(&row.contract, &row.standing[k], month);
                let flow = &mut flows[r % per_loan * PER_ROW + k].counts;
                let (interests, balances) = flow.split_at_mut(AMOUNT_LIMBS);
                for (i, count) in interests.iter_mut().enumerate() {
                    *count += limb_of(interest.into(), i);
                }
                for (i, count) in balances.iter_mut().enumerate() {
                    *count += limb_of(after.balance.into(), i);
                }
            }
        }
        let mut start = 0;
        for months in &table.steps {
            for month in start + 1..start + months {
                flows[month].before = flows[month - 1].after();
            }
            start += months;
        }
        flows
    }
}
