//! From a tape and its months to a claim about what was paid, and its proof.

use std::path::Path;
use std::sync::Arc;

use credit::amortization::{LoanState, Status};
use credit::collections::Collections;
use credit::deal::Deal;
use credit::pool::remittance::{RemittanceError, Remittances, events, roll_tape};
use credit::pool::states::{StateError, states};
use credit::pool::{Loan, Tape};
use credit::waterfall::{DealState, Index};
use gadgets::hash::{Digest, Domain};
use gadgets::limbs::limb_of;
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, TotalsTable, commit};
use stark::{F, PartProof, PrimeCharacteristicRing, Statement, Tally, Trace, fill};

use super::claim::{Context, Month, PartTables, PoolAt, Waterfall, WaterfallClaim, pay, place};
use super::tables::amounts::{After, Amounts};
use super::tables::loans::{FIRST_SUM, LoanRow, SUMS};
use crate::account::{Secret, text_digest};
use crate::calendar::Month as Calendar;
use crate::loan::{LoanLeaf, LoanWitness, SameKey, Sealed, segments};
use crate::ordered::{KEY_REGISTER, OrderedRow};
use crate::parts::{PartsError, prove_claim};

/// Why nothing can be proven of a pool's months.
#[derive(Debug, thiserror::Error)]
pub enum WaterfallFailure {
    /// What was reported of the loans cannot be.
    #[error(transparent)]
    Remittance(#[from] RemittanceError),
    /// A loan's fields contradict each other.
    #[error(transparent)]
    State(#[from] StateError),
    /// Two loans cannot be told apart.
    #[error(transparent)]
    SameKey(#[from] SameKey),
    /// The inputs do not fit the statement.
    #[error("{0}")]
    Input(String),
}

/// What is to be claimed of a pool and a deal.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What became of the loans, month by month.
    pub months: Vec<Remittances>,
    /// The deal.
    pub deal: Deal,
    /// The deal before the first month; at closing, if not given.
    pub deal_state: Option<DealState>,
    /// The fixings of its indices.
    pub indices: Vec<Index>,
}

/// A true claim, ready to be proven part by part.
pub struct Prepared {
    claim: WaterfallClaim,
    context: Context,
    /// The tape after the last month.
    after: Tape,
    months: Vec<Rolled>,
}

/// A month, loans in the order of their leaves.
#[derive(Clone)]
struct Rolled {
    loans: Vec<Arc<Loan>>,
    leaves: Vec<LoanLeaf>,
    seals_after: Vec<Digest>,
    /// Per subtree, its nodes in heap order, before and after the month.
    trees: [Vec<Vec<Digest>>; 2],
    amounts: Vec<Amounts>,
    /// What each loan adds to the sums.
    sums: Vec<Adds>,
    /// The state after each part, that before the first one first.
    states: Vec<Vec<u128>>,
}

impl Prepared {
    /// Makes the claim of a tape's months. Loans are sorted by their keys; their order says nothing.
    ///
    /// # Errors
    /// If something was reported that cannot be, or the inputs do not fit.
    pub fn new(tape: &Tape, terms: &Terms, secret: &Secret) -> Result<Self, WaterfallFailure> {
        let mut tapes = vec![tape.clone()];
        let mut collections = Vec::new();
        for month in &terms.months {
            let (after, sums) = roll_tape(&tapes[tapes.len() - 1], month)?;
            tapes.push(after);
            collections.push(sums);
        }
        Self::unchecked(&tapes, &collections, terms, secret)
    }

    /// The claim, true or not.
    pub(super) fn unchecked(
        tapes: &[Tape],
        collections: &[Collections],
        terms: &Terms,
        secret: &Secret,
    ) -> Result<Self, WaterfallFailure> {
        let input = WaterfallFailure::Input;
        if tapes[0].loans.is_empty() {
            return Err(input("the pool has no loan".into()));
        }
        let plan = terms.deal.plan();
        let plan = plan.map_err(|e| input(format!("deal: {e}")))?;
        let deal_before = terms
            .deal_state
            .clone()
            .unwrap_or_else(|| DealState::of(&plan));
        let cut_offs: Vec<_> = tapes.iter().map(|t| &t.cut_off).collect();
        let (deal_after, reports) = pay(
            &terms.deal,
            &plan,
            &deal_before,
            &terms.indices,
            collections,
            &cut_offs,
        )
        .map_err(input)?;

        let template = &tapes[0].template;
        let context = Context::new(template).map_err(input)?;
        let sealed = tapes.iter().map(|t| Sealed::new(t, secret));
        let sealed = sealed.collect::<Result<Vec<Sealed>, SameKey>>()?;
        let pools = tapes.iter().zip(&sealed).map(|(tape, sealed)| PoolAt {
            cut_off: tape.cut_off.clone(),
            pool: sealed.pool.into(),
            segments: sealed.trees.iter().map(|t| t[1].into()).collect(),
        });
        let pools: Vec<PoolAt> = pools.collect();
        let about = serde_json::to_string(&("waterfall", &pools));
        let about = text_digest(Domain::Salt, &about.expect("plain data"));
        let mut months = Vec::new();
        let mut claimed = Vec::new();
        let mut part = 0;
        for (i, remittances) in terms.months.iter().enumerate() {
            let mut month = rolled(
                &context,
                [&tapes[i], &tapes[i + 1]],
                [&sealed[i], &sealed[i + 1]],
                remittances,
            )?;
            month.states = running(&month, &about, &mut part, secret);
            let last = month.states.len() - 1;
            claimed.push(Month {
                collections: collections[i],
                states: month.states[1..last]
                    .iter()
                    .map(|s| commit(s).into())
                    .collect(),
            });
            months.push(month);
        }
        let claim = WaterfallClaim {
            template: template.clone(),
            loans: tapes[0].loans.len() as u64,
            pools,
            months: claimed,
            deal: terms.deal.clone(),
            deal_before,
            indices: terms.indices.clone(),
            reports,
            deal_after,
            nonce: None,
        };
        let context = Waterfall::context(&claim).map_err(input)?;
        Ok(Self {
            claim,
            context,
            after: tapes[tapes.len() - 1].clone(),
            months,
        })
    }

    /// The same, for a verifier who asked for it.
    #[must_use]
    pub fn with_nonce(mut self, nonce: Option<crate::nonce::Nonce>) -> Self {
        self.claim.nonce = nonce;
        self
    }

    /// The claim.
    pub fn claim(&self) -> &WaterfallClaim {
        &self.claim
    }

    /// What the claim's parts share.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The tape after the last month, its loans in the order of the first tape.
    pub fn after(&self) -> &Tape {
        &self.after
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
        prove_claim::<Waterfall>(&self.claim, &self.context, resume, progress, |part| {
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
        let (month, segment) = place(self.claim.loans, part);
        let month = &self.months[month];
        let slots = segments(self.claim.loans).slots();
        let range = segment * slots..((segment + 1) * slots).min(month.loans.len());
        Rows {
            loans: month.loans[range.clone()].to_vec(),
            leaves: month.leaves[range.clone()].to_vec(),
            seals_after: month.seals_after[range.clone()].to_vec(),
            nodes: [0, 1].map(|side| month.trees[side][segment].clone()),
            amounts: month.amounts[range.clone()].to_vec(),
            sums: month.sums[range].to_vec(),
            before: month.states[segment].clone(),
            after: month.states[segment + 1].clone(),
        }
    }
}

/// A month of sealed loans; states are left empty.
fn rolled(
    context: &Context,
    tapes: [&Tape; 2],
    sealed: [&Sealed; 2],
    remittances: &Remittances,
) -> Result<Rolled, WaterfallFailure> {
    let events = events(tapes[0], remittances)?;
    let of_tape = |tape: &Tape| states(tape);
    let (before, after) = (of_tape(tapes[0])?, of_tape(tapes[1])?);
    let place: std::collections::HashMap<&str, usize> = tapes[0]
        .loans
        .iter()
        .enumerate()
        .map(|(i, loan)| (loan.id.as_str(), i))
        .collect();
    let (mut amounts, mut sums) = (Vec::new(), Vec::new());
    for loan in &sealed[0].loans {
        let i = place[loan.id.as_str()];
        let value = |tape: &Tape, field: usize| tape.loans[i].values[field].unwrap_or(0);
        let loan = &before[i];
        let left = u64::from(loan.term.saturating_sub(1));
        amounts.push(Amounts::new(
            loan,
            value(tapes[0], context.fields.instalment),
            Calendar::new(left, loan.frequency, loan.rule),
            events[i],
            After::of(&context.fields, |field| value(tapes[1], field)),
        ));
        sums.push(adds(&before[i], &after[i], &amounts[amounts.len() - 1]));
    }
    Ok(Rolled {
        loans: sealed[0].loans.clone(),
        leaves: sealed[0].leaves.clone(),
        seals_after: sealed[1].leaves.iter().map(|l| l.seal).collect(),
        trees: sealed.map(|s| s.trees.clone()),
        amounts,
        sums,
        states: Vec::new(),
    })
}

/// What a loan adds to each sum, in limbs that may be negative.
type Adds = [[i64; COUNT_LIMBS]; SUMS];

/// What a loan adds to the sums, in the order of the registers.
fn adds(before: &LoanState, after: &LoanState, amounts: &Amounts) -> Adds {
    let open = before.status.is_open();
    let pays = open && !amounts.defaults && !amounts.repurchases;
    let limbs = |amount: u64| -> [i64; COUNT_LIMBS] {
        std::array::from_fn(|i| limb_of(amount.into(), i) as i64)
    };
    let only = |bit: bool, amount: u64| limbs(if bit { amount } else { 0 });
    let late = |days: std::ops::Range<u16>| {
        let is = pays && after.status.is_open() && days.contains(&after.days_past_due);
        only(is, after.balance)
    };
    let [first, second, third] = amounts.rests;
    let paid = only(pays, amounts.paid);
    let (of_pays, second) = (only(pays, first), only(pays, second));
    let (of_repurchases, third) = (only(amounts.repurchases, first), limbs(third));
    [
        only(open, before.balance),
        std::array::from_fn(|i| paid[i] - of_pays[i] + second[i] - third[i] + of_repurchases[i]),
        std::array::from_fn(|i| of_pays[i] - second[i]),
        third,
        only(amounts.defaults, before.balance),
        only(before.status == Status::Defaulted, amounts.paid),
        only(amounts.repurchases, before.balance),
        late(30..60),
        late(60..90),
        late(90..u16::MAX),
    ]
}

/// The state after each part of a month, from zeros on. `part` counts the claim's parts, so that no two states share salts.
fn running(month: &Rolled, about: &Digest, part: &mut usize, secret: &Secret) -> Vec<Vec<u128>> {
    let mut states = vec![vec![0u128; SALTS + FIRST_SUM + SUMS]];
    let slots = segments(month.loans.len() as u64).slots();
    let parts = month.leaves.len().div_ceil(slots);
    for (segment, (leaves, sums)) in month
        .leaves
        .chunks(slots)
        .zip(month.sums.chunks(slots))
        .enumerate()
    {
        let mut state = states[segment].clone();
        if segment + 1 < parts {
            state[..SALTS].copy_from_slice(&secret.state_salts(about, *part));
        } else {
            state[..SALTS].fill(0);
        }
        *part += 1;
        state[SALTS + KEY_REGISTER] = leaves[leaves.len() - 1].identity.key().into();
        let mut total = [0i128; SUMS];
        for adds in sums {
            for (total, limbs) in total.iter_mut().zip(adds) {
                *total += limbs
                    .iter()
                    .rev()
                    .fold(0, |v, l| (v << 10) + i128::from(*l));
            }
        }
        for (register, total) in state[SALTS + FIRST_SUM..].iter_mut().zip(total) {
            // A loan takes nothing off a sum.
            *register = register.saturating_add_signed(total);
        }
        states.push(state);
    }
    states
}

/// The rows of a part's tables that hold private data; those below are padding.
#[derive(Clone)]
pub(super) struct Rows {
    pub loans: Vec<Arc<Loan>>,
    pub leaves: Vec<LoanLeaf>,
    pub seals_after: Vec<Digest>,
    pub nodes: [Vec<Digest>; 2],
    pub amounts: Vec<Amounts>,
    pub sums: Vec<Adds>,
    pub before: Vec<u128>,
    pub after: Vec<u128>,
}

impl Rows {
    pub fn fill(&self, tables: &PartTables) -> Vec<Trace> {
        let airs = tables.airs();
        let tally = Tally::new(&[
            tables.limbs.tallied(),
            tables.codes.tallied(),
            tables.calendar.tallied(),
        ]);
        let keys: Vec<u64> = self.leaves.iter().map(|l| l.identity.key()).collect();
        let start_key = self.before[SALTS + KEY_REGISTER] as u64;
        let sums = self.limb_sums();
        let unused = Amounts::unused(&tables.calendar);
        let layout = &tables.loans.layout;
        let loans = fill(&tables.loans, &airs[0], &tally, |i| LoanRow {
            place: OrderedRow::new(i, &keys, start_key, &self.nodes[0]),
            leaf: LoanWitness::new(layout, self.loans.get(i), self.leaves.get(i)),
            seal_after: self.seals_after.get(i).copied().unwrap_or_default(),
            children_after: OrderedRow::new(i, &keys, start_key, &self.nodes[1]).children,
            amounts: self.amounts.get(i).copied().unwrap_or(unused),
            sums: sums[i.min(sums.len() - 1)].clone(),
        });
        let mut counts = vec![[0i64; COUNT_LIMBS]; self.before.len()];
        counts[SALTS + FIRST_SUM..].copy_from_slice(&sums[sums.len() - 1][..]);
        let mut quads = vec![[F::ZERO; QUAD]; tables.quads];
        let codes = tables.codes.trace(&airs[1], &tally);
        let calendar = tables.calendar.trace(&airs[2], &tally);
        let totals = TotalsTable::trace(
            &tables.totals,
            &airs[3],
            &tally,
            &self.before,
            &self.after,
            &counts,
            &mut quads,
        );
        let mut traces = vec![loans, codes, calendar, totals];
        if let Some(sponge) = &tables.sponge {
            traces.push(sponge.trace(&airs[4], &mut quads));
        }
        traces.push(tables.limbs.trace(&airs[airs.len() - 1], &tally));
        traces
    }

    /// Per row, and once more behind the last: the limbs of the sums above.
    fn limb_sums(&self) -> Vec<Arc<Adds>> {
        let mut sums: Adds = [[0; COUNT_LIMBS]; SUMS];
        let mut rows = vec![Arc::new(sums)];
        for adds in &self.sums {
            for (sum, add) in sums.iter_mut().flatten().zip(adds.iter().flatten()) {
                *sum += add;
            }
            rows.push(Arc::new(sums));
        }
        rows
    }
}
