//! From a tape and its months to a claim about what was paid, and its proof.

use std::sync::Arc;

use credit::amortization::{LoanState, Status};
use credit::pool::remittance::Rolled;
use credit::pool::{Loan, Tape};
use credit::waterfall::{Months, Terms};
use gadgets::hash::Digest;
use gadgets::limbs::limb_of;
use gadgets::sponge::QUAD;
use gadgets::totals::{COUNT_LIMBS, SALTS, TotalsTable};
use stark::{F, PrimeCharacteristicRing, Tally, Trace, fill};

use super::claim::{Context, Month, PartTables, PoolAt, Waterfall, WaterfallClaim, place};
use super::tables::amounts::{After, Amounts};
use super::tables::loans::{FIRST_SUM, LoanRow, SUMS};
use super::words::Findings;
use crate::account::Secret;
use crate::kit::{self, Chain, Example, Provable, Refusal, States};
use crate::nonce::Nonce;
use crate::ordered::{KEY_REGISTER, OrderedRow};
use crate::pools::calendar::Month as Calendar;
use crate::pools::loan::{LoanLeaf, LoanWitness, SameKey, Sealed, check_size, segments};

/// A tape's months, and what a deal paid in them.
#[derive(Clone, Debug)]
pub struct Checked<'a> {
    /// The tape before the first month.
    pub tape: &'a Tape,
    /// What is claimed.
    pub terms: &'a Terms,
    /// What came in, and what was paid.
    pub months: Months,
}

impl Checked<'_> {
    /// The tape after the last month, its loans in the order of the first tape.
    pub fn after(&self) -> &Tape {
        self.tapes().last().expect("there is the first")
    }

    /// The tapes before the first month and after each.
    fn tapes(&self) -> impl DoubleEndedIterator<Item = &Tape> {
        let rolled = self.months.rolled.iter().map(|month| &month.tape);
        std::iter::once(self.tape).chain(rolled)
    }

    /// What a claim says of the pool and the deal.
    pub fn findings(&self) -> Findings<'_> {
        let months = &self.months;
        Findings {
            template: &self.tape.template,
            loans: self.tape.loans.len() as u64,
            cut_offs: self.tapes().map(|tape| &tape.cut_off).collect(),
            collections: months.rolled.iter().map(|m| m.collections).collect(),
            deal: &self.terms.deal,
            deal_before: &months.deal_before,
            indices: &self.terms.indices,
            reports: &months.reports,
            deal_after: &months.deal_after,
        }
    }
}

/// What a tape's months brought in, and what the deal paid.
///
/// # Errors
/// If something was reported that cannot be, or the inputs do not fit each other or the statement.
pub fn check<'a>(tape: &'a Tape, terms: &'a Terms) -> Result<Checked<'a>, Refusal> {
    let months = terms.run(tape).map_err(Refusal::malformed)?;
    check_size(tape.loans.len() as u64).map_err(Refusal::malformed)?;
    Context::new(&tape.template).map_err(Refusal::malformed)?;
    Ok(Checked {
        tape,
        terms,
        months,
    })
}

/// What the tables are filled from.
pub struct Witness {
    /// The tape after the last month.
    after: Tape,
    months: Vec<SealedMonth>,
}

/// A month, loans in the order of their leaves.
struct SealedMonth {
    loans: Vec<Arc<Loan>>,
    leaves: Vec<LoanLeaf>,
    seals_after: Vec<Digest>,
    /// Per subtree, its nodes in heap order, before and after the month.
    trees: [Vec<Vec<Digest>>; 2],
    amounts: Vec<Amounts>,
    /// What each loan adds to the sums.
    sums: Vec<Adds>,
    states: States,
}

/// A true claim, ready to be proven part by part.
pub type Prepared = kit::Prepared<Waterfall>;

impl Prepared {
    /// Makes the claim of a tape's months. Loans are sorted by their keys; their order says nothing.
    ///
    /// # Errors
    /// As [`check`]; or if two loans have the same sort key.
    pub fn new(tape: &Tape, terms: &Terms, secret: &Secret) -> Result<Self, Refusal> {
        Self::unchecked(&check(tape, terms)?, secret)
    }

    /// The claim, true or not.
    pub(super) fn unchecked(checked: &Checked<'_>, secret: &Secret) -> Result<Self, Refusal> {
        let Checked {
            tape,
            terms,
            months,
        } = checked;
        let context = Context::new(&tape.template).map_err(Refusal::malformed)?;
        let sealed = checked.tapes().map(|tape| Sealed::new(tape, secret));
        let sealed = sealed.collect::<Result<Vec<Sealed>, SameKey>>();
        let sealed = sealed.map_err(Refusal::malformed)?;
        let pools = checked.tapes().zip(&sealed).map(|(tape, sealed)| PoolAt {
            cut_off: tape.cut_off.clone(),
            pool: sealed.pool.into(),
            segments: sealed.trees.iter().map(|t| t[1].into()).collect(),
        });
        let pools: Vec<PoolAt> = pools.collect();
        let before = checked.tapes().zip(sealed.windows(2)).zip(&months.rolled);
        let witnesses: Vec<SealedMonth> = before
            .enumerate()
            .map(|(i, ((tape, sealed), rolled))| {
                let chain = Chain::new::<Waterfall>(secret, &(i, &pools));
                sealed_month(&context, tape, rolled, [&sealed[0], &sealed[1]], &chain)
            })
            .collect();
        let claimed = months.rolled.iter().zip(&witnesses);
        let claim = WaterfallClaim {
            template: tape.template.clone(),
            loans: tape.loans.len() as u64,
            months: claimed
                .map(|(rolled, witness)| Month {
                    collections: rolled.collections,
                    states: witness.states.links(),
                })
                .collect(),
            pools,
            deal: terms.deal.clone(),
            deal_before: months.deal_before.clone(),
            indices: terms.indices.clone(),
            reports: months.reports.clone(),
            deal_after: months.deal_after.clone(),
            nonce: None,
        };
        Ok(Self {
            claim,
            context,
            witness: Witness {
                after: checked.after().clone(),
                months: witnesses,
            },
        })
    }

    /// The tape after the last month, its loans in the order of the first tape.
    pub fn after(&self) -> &Tape {
        &self.witness.after
    }
}

impl Provable for Waterfall {
    type Witness = Witness;

    fn traces(
        claim: &WaterfallClaim,
        context: &Context,
        witness: &Witness,
        part: usize,
    ) -> Vec<Trace> {
        let rows = witness.rows(claim.loans, part);
        rows.fill(&PartTables::new(claim, context, part))
    }

    fn nonce_mut(claim: &mut WaterfallClaim) -> &mut Option<Nonce> {
        &mut claim.nonce
    }

    fn examples() -> Vec<Example<Self>> {
        super::example::examples()
    }
}

impl Witness {
    /// The rows of a part's tables, in a claim about so many loans.
    pub(super) fn rows(&self, loans: u64, part: usize) -> Rows {
        let (month, segment) = place(loans, part);
        let month = &self.months[month];
        let slots = segments(loans).slots();
        let range = segment * slots..((segment + 1) * slots).min(month.loans.len());
        Rows {
            loans: month.loans[range.clone()].to_vec(),
            leaves: month.leaves[range.clone()].to_vec(),
            seals_after: month.seals_after[range.clone()].to_vec(),
            nodes: [0, 1].map(|side| month.trees[side][segment].clone()),
            amounts: month.amounts[range.clone()].to_vec(),
            sums: month.sums[range].to_vec(),
            before: month.states.before(segment).to_vec(),
            after: month.states.after(segment).to_vec(),
        }
    }
}

/// A month of a tape, sealed before and after.
fn sealed_month(
    context: &Context,
    tape: &Tape,
    rolled: &Rolled,
    sealed: [&Sealed; 2],
    chain: &Chain,
) -> SealedMonth {
    let (mut amounts, mut sums) = (Vec::new(), Vec::new());
    for &i in &sealed[0].places {
        let value = |tape: &Tape, field: usize| tape.loans[i].values[field].unwrap_or(0);
        let month = &rolled.loans[i];
        let loan = &month.before;
        let left = u64::from(loan.term.saturating_sub(1));
        let own = Amounts::new(
            loan,
            value(tape, context.fields.instalment),
            Calendar::new(left, loan.frequency, loan.rule),
            month.event,
            After::of(&context.fields, |field| value(&rolled.tape, field)),
        );
        sums.push(adds(loan, &month.after, &own));
        amounts.push(own);
    }
    let slots = segments(sealed[0].loans.len() as u64).slots();
    let states = running(chain, slots, &sealed[0].leaves, &sums);
    SealedMonth {
        loans: sealed[0].loans.clone(),
        leaves: sealed[0].leaves.clone(),
        seals_after: sealed[1].leaves.iter().map(|l| l.seal).collect(),
        trees: sealed.map(|s| s.trees.clone()),
        amounts,
        sums,
        states,
    }
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
        only(is, after.balance.0)
    };
    let [first, second, third] = amounts.rests;
    let paid = only(pays, amounts.paid);
    let (of_pays, second) = (only(pays, first), only(pays, second));
    let (of_repurchases, third) = (only(amounts.repurchases, first), limbs(third));
    [
        only(open, before.balance.0),
        std::array::from_fn(|i| paid[i] - of_pays[i] + second[i] - third[i] + of_repurchases[i]),
        std::array::from_fn(|i| of_pays[i] - second[i]),
        third,
        only(amounts.defaults, before.balance.0),
        only(before.status == Status::Defaulted, amounts.paid),
        only(amounts.repurchases, before.balance.0),
        late(30..60),
        late(60..90),
        late(90..u16::MAX),
    ]
}

/// The states that a month's loans lead to, of which so many are a part.
fn running(chain: &Chain, slots: usize, leaves: &[LoanLeaf], sums: &[Adds]) -> States {
    let parts: Vec<_> = leaves.chunks(slots).zip(sums.chunks(slots)).collect();
    chain.run(FIRST_SUM + SUMS, parts.len(), |part, state| {
        let (leaves, sums) = parts[part];
        state[KEY_REGISTER] = leaves[leaves.len() - 1].identity.key().into();
        let mut total = [0i128; SUMS];
        for adds in sums {
            for (total, limbs) in total.iter_mut().zip(adds) {
                *total += limbs
                    .iter()
                    .rev()
                    .fold(0, |v, l| (v << 10) + i128::from(*l));
            }
        }
        for (register, total) in state[FIRST_SUM..].iter_mut().zip(total) {
            // A loan takes nothing off a sum.
            *register = register.saturating_add_signed(total);
        }
    })
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
