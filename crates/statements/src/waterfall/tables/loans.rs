//! The loans of a month: their leaves before and after it, and what they add to the collections.

use std::sync::Arc;

use gadgets::hash::{DIGEST, Digest};
use gadgets::limbs::Limbs;
use gadgets::totals::COUNT_LIMBS;
use stark::{Bus, Expr, F, RowBuilder, Table};

use super::amounts::{After, Amounts};
use super::roll::{Contract, Flows, Kind, Loan, roll};
use crate::ordered::{Ordered, OrderedRow, Place, accumulate};
use crate::pools::calendar::CalendarTable;
use crate::pools::codes::CodesTable;
use crate::pools::loan::{Changed, LeafLayout, LoanWitness, ReadLeaf, closed_owes_nothing};
use crate::pools::month::{AMOUNT_LIMBS, BALANCE_LIMBS, DAYS_LIMBS, Fields, RATE_LIMBS};

/// `[heap index, digest]`: nodes of the tree after the month.
pub const TREE_AFTER: Bus = Bus::new("tree after");
/// Sums over the loans, in registers from [`FIRST_SUM`] on: balance before, interest, scheduled principal, prepaid principal,
/// defaulted, recoveries, repurchased, 30, 60 and 90 days past due.
pub const SUMS: usize = 10;
/// The register of the first sum, salts aside; the key's comes before it.
pub const FIRST_SUM: usize = 1;

/// One loan a row.
///
/// - ORDER-1 to ORDER-4, LOAN-1 to LOAN-3: leaves below both roots of the part ([`crate::ordered`], [`crate::pools::loan`]).
/// - LOANS-1: what became of a loan: an open one pays, defaults or is bought back; a defaulted one recovers.
/// - LOANS-2: a loan that was closed before owes nothing.
/// - ROLL-1 to ROLL-13: its month ([`super::roll`]).
///
/// What the status means, before and after, is looked up. The leaf after the month has a seal of its own and other limbs in the
/// fields that a month changes; everything else are the same cells. On an unused row all fields are zero before (LOAN-3) and after
/// (ROLL-5 to ROLL-8, ROLL-11, ROLL-13: nothing changes).
#[derive(Clone, Debug)]
pub struct LoansTable {
    /// Where the leaves stand, and their root before the month.
    pub leaves: Ordered,
    /// Their root after it.
    pub root_after: Digest,
    /// How a leaf is read.
    pub layout: LeafLayout,
    /// Which fields are read.
    pub fields: Fields,
    /// What the codes of the status mean.
    pub codes: CodesTable,
    /// When loans pay.
    pub calendar: CalendarTable,
}

/// The private data of one row.
#[derive(Clone, Debug)]
pub struct LoanRow {
    /// The row's place.
    pub place: OrderedRow,
    /// The leaf before the month.
    pub leaf: LoanWitness,
    /// The seal of the leaf after it; zeros for an unused slot.
    pub seal_after: Digest,
    /// The digests of the same nodes of the tree after it.
    pub children_after: [Digest; 2],
    /// The month.
    pub amounts: Amounts,
    /// The limbs of the sums above.
    pub sums: Arc<[[i64; COUNT_LIMBS]; SUMS]>,
}

impl Table for LoansTable {
    type Row = LoanRow;

    fn name(&self) -> &'static str {
        "loans"
    }

    fn log_height(&self) -> usize {
        self.leaves.log_height
    }

    fn public(&self) -> Vec<F> {
        let mut public = self.leaves.public();
        public.extend(self.root_after);
        public
    }

    fn row<B: RowBuilder<LoanRow>>(&self, b: &mut B) {
        let place = self.leaves.place(b, |w| &w.place);
        let unused = b.one() - place.active.clone();
        let mut read = vec![false; self.layout.fields.len()];
        self.fields.all().into_iter().for_each(|f| read[f] = true);
        let leaf = self.layout.read(b, &read, &unused, |w: &LoanRow| &w.leaf);
        let (before, contract) = self.before(&leaf);
        let (after, changed) = self.after(b);

        let sets = self.fields.each_status();
        let was = self
            .codes
            .look_up(b, self.fields.status, &sets, &before.status);
        let is = self
            .codes
            .look_up(b, self.fields.status, &sets, &after.status);
        let closed = was[3].clone() + was[4].clone();
        closed_owes_nothing(b, "LOANS-2", &closed, &before.balance);
        let kind = kind(b, &place, &was);
        let flows = roll(
            b,
            &self.calendar,
            |w: &LoanRow| &w.amounts,
            &contract,
            [&before, &after],
            &kind,
            &is,
        );
        collect(b, &place, &kind, [&before, &after], flows);

        self.leaves.tree(b, |w| &w.place, &place, &leaf.elements);
        let seal: [B::E; DIGEST] = std::array::from_fn(|i| {
            let cell = b.cell(|w| w.seal_after[i]);
            b.zero("LOAN-3", unused.clone() * cell.clone());
            cell
        });
        let elements = leaf.replaced(&self.layout, &seal, &changed);
        let children = |w: &LoanRow| w.children_after;
        let root = 1 + DIGEST;
        self.leaves
            .tree_on(b, TREE_AFTER, root, children, &place, &elements);
    }
}

impl LoansTable {
    /// The loan before the month.
    fn before<E: Expr>(&self, leaf: &ReadLeaf<E>) -> (Loan<E>, Contract<E>) {
        let fields = &self.fields;
        // A template may give a field fewer limbs.
        let of = |field: usize, limbs: usize| {
            let number = leaf.limbs[field].clone().expect("it is read");
            number.padded(limbs)
        };
        let one = |field: usize| leaf.limbs[field].as_ref().expect("it is read")[0].clone();
        let before = Loan {
            balance: of(fields.balance, BALANCE_LIMBS),
            accrued: of(fields.accrued, AMOUNT_LIMBS),
            overdue_interest: of(fields.overdue_interest, AMOUNT_LIMBS),
            overdue_principal: of(fields.overdue_principal, BALANCE_LIMBS),
            days: of(fields.days, DAYS_LIMBS),
            term: one(fields.term),
            status: one(fields.status),
        };
        let contract = Contract {
            rate: of(fields.rate, RATE_LIMBS),
            instalment: of(fields.instalment, BALANCE_LIMBS),
            frequency: one(fields.frequency),
            rule: one(fields.rule),
        };
        (before, contract)
    }

    /// The loan after the month, and the limbs of the fields that changed.
    fn after<B: RowBuilder<LoanRow>>(&self, b: &mut B) -> (Loan<B::E>, Changed<B::E>) {
        let mut changed = Vec::new();
        let mut read = |field: usize, limbs: usize, of: fn(&After) -> u64| -> Limbs<B::E> {
            let own = self.layout.fields[field].1;
            let number = Limbs::read(b, own, |w: &LoanRow| of(&w.amounts.after).into());
            changed.push((field, number.clone()));
            number.padded(limbs)
        };
        let fields = &self.fields;
        let after = Loan {
            balance: read(fields.balance, BALANCE_LIMBS, |a| a.balance),
            accrued: read(fields.accrued, AMOUNT_LIMBS, |a| a.accrued),
            overdue_interest: read(fields.overdue_interest, AMOUNT_LIMBS, |a| {
                a.overdue_interest
            }),
            overdue_principal: read(fields.overdue_principal, BALANCE_LIMBS, |a| {
                a.overdue_principal
            }),
            days: read(fields.days, DAYS_LIMBS, |a| a.days),
            term: read(fields.term, 1, |a| a.term)[0].clone(),
            status: read(fields.status, 1, |a| a.status)[0].clone(),
        };
        (after, changed)
    }
}

/// What became of the loan, from what its status was.
fn kind<B: RowBuilder<LoanRow>>(b: &mut B, place: &Place<B::E>, was: &[B::E]) -> Kind<B::E> {
    let id = "LOANS-1";
    let mut used = |is: B::E| {
        let used = place.active.clone() * is;
        let cell = b.derive([&used], |[v]| v);
        b.equal(id, cell.clone(), used);
        cell
    };
    // In the order of `credit::amortization::Status`.
    let open = used(was[0].clone() + was[1].clone());
    let recovers = used(was[2].clone());
    let defaults = b.bit(id, |w| w.amounts.defaults);
    let repurchases = b.bit(id, |w| w.amounts.repurchases);
    let pays = open.clone() - defaults.clone() - repurchases.clone();
    b.boolean(id, &pays);
    let idle = b.one() - open - recovers.clone();
    // A closed loan neither defaults nor is bought back.
    for event in [&defaults, &repurchases] {
        let not_open = idle.clone() + recovers.clone();
        b.zero(id, not_open * event.clone());
    }
    Kind {
        pays,
        defaults,
        repurchases,
        recovers,
        idle,
    }
}

/// Adds the month to the collections.
fn collect<B: RowBuilder<LoanRow>>(
    b: &mut B,
    place: &Place<B::E>,
    kind: &Kind<B::E>,
    [before, after]: [&Loan<B::E>; 2],
    flows: Flows<B::E>,
) {
    let times = |bit: &B::E, limbs: &[B::E]| -> Vec<B::E> {
        limbs.iter().map(|l| bit.clone() * l.clone()).collect()
    };
    let open = kind.pays.clone() + kind.defaults.clone() + kind.repurchases.clone();
    let [once, twice, more] = &flows.late;
    let sums: [Vec<B::E>; SUMS] = [
        times(&open, &before.balance),
        flows.interest,
        flows.scheduled,
        flows.prepaid,
        times(&kind.defaults, &before.balance),
        flows.recovered,
        times(&kind.repurchases, &before.balance),
        times(once, &after.balance),
        times(twice, &after.balance),
        times(more, &after.balance),
    ];
    for (i, limbs) in sums.iter().enumerate() {
        accumulate(b, &place.last, FIRST_SUM + i, limbs, |w: &LoanRow, limb| {
            w.sums[i][limb]
        });
    }
}
