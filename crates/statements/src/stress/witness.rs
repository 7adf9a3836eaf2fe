//! From a tape to a claim about its schedule, and its proof.

use std::path::Path;
use std::sync::Arc;

use credit::amortization::{LoanState, RollError};
use credit::coarse;
use credit::deal::Deal;
use credit::factor::{OneFactor, expected_losses};
use credit::pool::states::{StateError, states};
use credit::pool::{Loan, Tape};
use credit::projection::Schedule;
use credit::protection::{ProtectionError, breakeven, protect};
use credit::stress::Stress;
use credit::waterfall::{DealState, Index};
use gadgets::hash::{Digest, Domain};
use gadgets::limbs::limb_of;
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, TotalsTable, commit};
use serde::{Deserialize, Serialize};
use stark::{F, PartProof, PrimeCharacteristicRing, Statement, Tally, Trace, fill};

use super::claim::{
    BALANCE, Context, DOUBTFUL, FIRST_STEP, LOG_SEGMENT, Model, PartTables, Scenario, StressClaim,
    Stressed,
};
use super::tables::loans::LoanRow;
use super::tables::months::{MonthRow, MonthsTable};
use super::tables::schedule::{Contract, PER_ROW, ScheduleRow, Standing, step};
use crate::account::{Secret, text_digest};
use crate::calendar::{CalendarTable, Month};
use crate::loan::{LoanLeaf, LoanWitness, SameKey, Sealed};
use crate::month::AMOUNT_LIMBS;
use crate::ordered::{KEY_REGISTER, OrderedRow};
use crate::parts::{PartsError, prove_claim};

/// Why nothing can be proven of a pool under stress.
#[derive(Debug, thiserror::Error)]
pub enum StressFailure {
    /// A loan does not pay as loans do, or the asset class has none.
    #[error(transparent)]
    State(#[from] StateError),
    /// Two loans cannot be told apart.
    #[error(transparent)]
    SameKey(#[from] SameKey),
    /// The deal cannot be run under a stress.
    #[error("stress `{name}`: {error}")]
    Protection {
        /// Which stress.
        name: String,
        /// What is wrong.
        error: ProtectionError,
    },
    /// The inputs do not fit the statement.
    #[error("{0}")]
    Input(String),
}

/// A stress and its name, and the factor, if its defaults come together by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedStress {
    /// What it is called.
    pub name: String,
    /// Defaults, prepayments, severity.
    pub stress: Stress,
    /// Then the tranches' expected losses over it are claimed, in place of what the stress does to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<OneFactor>,
}

/// How much of a schedule is published: it is cut into the fewest steps that satisfy both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// A step has a multiple of so many months.
    pub months: u16,
    /// So many loans end in each step; in all of them together, if the pool has fewer.
    pub loans: u32,
}

impl Default for Detail {
    /// Month by month.
    fn default() -> Self {
        Self {
            months: 1,
            loans: 0,
        }
    }
}

/// What is to be claimed of a pool and a deal.
#[derive(Clone, Debug)]
pub struct Terms {
    /// A loan this many days past due is doubtful.
    pub doubtful_days: u16,
    /// How much of the schedule is published.
    pub detail: Detail,
    /// The deal.
    pub deal: Deal,
    /// The deal at the cut-off date; at closing, if not given.
    pub deal_state: Option<DealState>,
    /// The fixings of its indices.
    pub indices: Vec<Index>,
    /// The stresses.
    pub stresses: Vec<NamedStress>,
    /// Tranches, by name, for which the largest multiple of each stress's defaults is sought that they bear. (Over a factor
    /// there is none: losses are never sure to be zero.)
    pub breakeven: Vec<String>,
}

impl Terms {
    /// What becomes of the tranches under each stress without a factor, and under the multiples that they just bear.
    ///
    /// # Errors
    /// If the deal cannot be run, or has no tranche of a name.
    pub fn scenarios(
        &self,
        schedule: &Schedule,
        state: &DealState,
    ) -> Result<Vec<Scenario>, StressFailure> {
        let mut scenarios = Vec::new();
        let plain = self.stresses.iter().filter(|s| s.factor.is_none());
        for NamedStress { name, stress, .. } in plain {
            let failed = |error| StressFailure::Protection {
                name: name.clone(),
                error,
            };
            let mut add = |name: String, stress: &Stress| {
                let outcome = protect(&self.deal, state, &self.indices, schedule, stress)?;
                scenarios.push(Scenario {
                    name,
                    stress: stress.clone(),
                    outcome,
                });
                Ok::<(), ProtectionError>(())
            };
            add(name.clone(), stress).map_err(failed)?;
            for tranche in &self.breakeven {
                let index = self.deal.tranches.iter().position(|t| t.name == *tranche);
                let index = index.ok_or_else(|| {
                    StressFailure::Input(format!("the deal has no tranche `{tranche}`"))
                })?;
                let multiple = breakeven(&self.deal, state, &self.indices, schedule, stress, index)
                    .map_err(failed)?;
                let scaled = stress
                    .scaled(&multiple)
                    .map_err(|e| failed(ProtectionError::Stress(e)))?;
                let name = format!("{name}-x{multiple}-for-{tranche}");
                add(name, &scaled).map_err(failed)?;
            }
        }
        Ok(scenarios)
    }

    /// What the tranches are expected to lose under each stress with a factor.
    ///
    /// # Errors
    /// If the deal cannot be run, or a factor is out of range.
    pub fn models(
        &self,
        schedule: &Schedule,
        state: &DealState,
    ) -> Result<Vec<Model>, StressFailure> {
        let named = self.stresses.iter();
        let factors = named.filter_map(|s| s.factor.as_ref().map(|factor| (s, factor)));
        let model = |(NamedStress { name, stress, .. }, factor): (&NamedStress, &OneFactor)| {
            let (deal, indices) = (&self.deal, &self.indices);
            let expected = expected_losses(deal, state, indices, schedule, stress, factor);
            Ok(Model {
                name: name.clone(),
                stress: stress.clone(),
                factor: factor.clone(),
                expected: expected.map_err(|error| StressFailure::Protection {
                    name: name.clone(),
                    error,
                })?,
            })
        };
        factors.map(model).collect()
    }
}

/// A true claim, ready to be proven part by part.
pub struct Prepared {
    claim: StressClaim,
    context: Context,
    loans: Vec<Arc<Loan>>,
    leaves: Vec<LoanLeaf>,
    /// Per part, its subtree in heap order.
    trees: Vec<Vec<Digest>>,
    /// The state after each part, that before the first one first.
    states: Vec<Vec<u128>>,
    /// In how many of the schedule's steps some loans end, but few.
    few: usize,
    /// How many loans are doubtful.
    doubtful: u32,
}

impl Prepared {
    /// Makes the claim of a tape's schedule. Loans are sorted by their keys; their order says nothing.
    ///
    /// # Errors
    /// If a loan's fields contradict each other, or the inputs do not fit.
    pub fn new(tape: &Tape, terms: &Terms, secret: &Secret) -> Result<Self, StressFailure> {
        if tape.loans.is_empty() {
            return Err(StressFailure::Input("the pool has no loan".into()));
        }
        let sealed = Sealed::new(tape, secret)?;
        let sorted = Tape {
            template: tape.template.clone(),
            cut_off: tape.cut_off.clone(),
            loans: sealed.loans.iter().map(|l| Loan::clone(l)).collect(),
        };
        let loan_states = states(&sorted)?;
        let schedule = Schedule::of_pool(&loan_states, terms.doubtful_days)
            .map_err(|e| StressFailure::Input(e.to_string()))?;
        Self::unchecked(tape, sealed, &loan_states, terms, schedule, secret)
    }

    /// The claim, true or not.
    pub(super) fn unchecked(
        tape: &Tape,
        sealed: Sealed,
        loan_states: &[LoanState],
        terms: &Terms,
        schedule: Schedule,
        secret: &Secret,
    ) -> Result<Self, StressFailure> {
        let deal_state = match &terms.deal_state {
            Some(state) => state.clone(),
            None => DealState::initial(&terms.deal)
                .map_err(|e| StressFailure::Input(format!("deal: {e}")))?,
        };
        let input = |e: RollError| StressFailure::Input(e.to_string());
        let endings = coarse::endings(loan_states, terms.doubtful_days).map_err(input)?;
        let steps = coarse::steps(&endings, terms.detail.months, terms.detail.loans);
        let schedule = coarse::grouped(&schedule, &steps).map_err(input)?;
        let monthly = coarse::spread(&schedule, &steps).map_err(input)?;
        let scenarios = terms.scenarios(&monthly, &deal_state)?;
        let models = terms.models(&monthly, &deal_state)?;
        let few = coarse::few(&endings, &steps);
        let is_doubtful =
            |loan: &&LoanState| Schedule::of_loan(loan, terms.doubtful_days).doubtful > 0;
        let doubtful = loan_states.iter().filter(is_doubtful).count() as u32;
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
            states: vec![Digest::default().into(); trees.len() - 1],
            doubtful_days: terms.doubtful_days,
            schedule,
            steps,
            deal: terms.deal.clone(),
            deal_state,
            indices: terms.indices.clone(),
            scenarios,
            models,
            nonce: None,
        };
        let context = Stressed::context(&claim).map_err(StressFailure::Input)?;
        let states = running(&claim, &sealed.leaves, loan_states, secret)?;
        let last = states.len() - 1;
        claim.states = states[1..last].iter().map(|s| commit(s).into()).collect();
        Ok(Self {
            claim,
            context,
            loans: sealed.loans,
            leaves: sealed.leaves,
            trees,
            states,
            few,
            doubtful,
        })
    }

    /// In how many of the schedule's steps some loans end, but less than [`coarse::FEW_LOANS`]: what those pay may be told from the
    /// claim.
    pub fn few_endings(&self) -> usize {
        self.few
    }

    /// How many loans are doubtful: what few of them owe is known from the claim.
    pub fn doubtful_loans(&self) -> u32 {
        self.doubtful
    }

    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<crate::nonce::Nonce>) -> Self {
        self.claim.nonce = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &StressClaim {
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
        prove_claim::<Stressed>(&self.claim, &self.context, resume, progress, |part| {
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
        let slots = 1 << LOG_SEGMENT;
        let range = part * slots..((part + 1) * slots).min(self.loans.len());
        let loans = self.loans[range.clone()].to_vec();
        let mut schedule = Vec::with_capacity(slots << self.context.log_rows);
        for slot in 0..slots {
            let loan = loans.get(slot).map(|l| &**l);
            schedule.extend(schedule_rows(&self.context, self.claim.doubtful_days, loan));
        }
        Rows {
            loans,
            leaves: self.leaves[range].to_vec(),
            nodes: self.trees[part].clone(),
            schedule,
            before: self.states[part].clone(),
            after: self.states[part + 1].clone(),
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

/// The state after each part, from zeros on.
fn running(
    claim: &StressClaim,
    leaves: &[LoanLeaf],
    loans: &[LoanState],
    secret: &Secret,
) -> Result<Vec<Vec<u128>>, StressFailure> {
    let about = serde_json::to_string(&("stress", claim.pool, claim.doubtful_days, &claim.steps));
    let about = text_digest(Domain::Salt, &about.expect("plain data"));
    let steps = claim.schedule.rows.len();
    let mut states = vec![vec![0u128; SALTS + FIRST_STEP + 2 * steps]];
    let parts = claim.segments.len();
    for (part, (loans, leaves)) in loans
        .chunks(1 << LOG_SEGMENT)
        .zip(leaves.chunks(1 << LOG_SEGMENT))
        .enumerate()
    {
        let mut state = states[part].clone();
        if part + 1 < parts {
            state[..SALTS].copy_from_slice(&secret.state_salts(&about, part));
        } else {
            state[..SALTS].fill(0);
        }
        let schedule = Schedule::of_pool(loans, claim.doubtful_days)
            .and_then(|months| coarse::grouped(&months, &claim.steps))
            .map_err(|e| StressFailure::Input(e.to_string()))?;
        state[SALTS + KEY_REGISTER] = leaves[leaves.len() - 1].identity.key().into();
        state[SALTS + BALANCE] += u128::from(schedule.balance);
        state[SALTS + DOUBTFUL] += u128::from(schedule.doubtful);
        for (m, row) in schedule.rows.iter().enumerate().take(steps) {
            state[SALTS + FIRST_STEP + 2 * m] += u128::from(row.interest);
            state[SALTS + FIRST_STEP + 2 * m + 1] += u128::from(row.balance);
        }
        states.push(state);
    }
    Ok(states)
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
