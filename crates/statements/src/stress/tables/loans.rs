//! The loans that are scheduled, and their leaves.

use gadgets::compare::{Chunks, less_than};
use gadgets::range::limb;
use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, Table};

use crate::ordered::{Ordered, OrderedRow, PUBLIC, accumulate};
use crate::pools::codes::CodesTable;
use crate::pools::loan::{LeafLayout, LoanWitness, closed_owes_nothing};
use crate::pools::month::{AMOUNT_LIMBS, BALANCE_LIMBS, Fields, RATE_LIMBS};
use crate::stress::claim::{BALANCE, DOUBTFUL, read_fields};

/// `[loan, balance (4), rate (2), term, frequency, rule, instalment (4), accrued (5)]`; balance and accrued interest are zero if
/// the loan is not scheduled.
pub const START: Bus = Bus::new("start");

/// One loan a row.
///
/// - ORDER-1 to ORDER-4, LOAN-1 to LOAN-3: leaves below the part's root ([`crate::ordered`], [`crate::pools::loan`]).
/// - LOANS-1: whether no month is left.
/// - LOANS-2: an open loan is scheduled unless it is doubtful.
/// - LOANS-3: a closed loan owes nothing.
///
/// Whether a status is open or closed is looked up; whether a loan is late is a comparison (COMPARE-1 to COMPARE-5).
#[derive(Clone, Debug)]
pub struct LoansTable {
    /// Where the leaves stand.
    pub leaves: Ordered,
    /// How a leaf is read.
    pub layout: LeafLayout,
    /// Which fields are read.
    pub fields: Fields,
    /// Which codes of the status are open, and which closed.
    pub codes: CodesTable,
    /// From how many days past due on a loan is doubtful.
    pub doubtful_days: u16,
}

/// The private data of one row.
#[derive(Clone, Debug)]
pub struct LoanRow {
    /// The row's place.
    pub place: OrderedRow,
    /// The leaf.
    pub leaf: LoanWitness,
    /// The limbs of the scheduled and of the doubtful balance above.
    pub sums: [[i64; 6]; 2],
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
        // At most 365, below what one limb holds.
        public.push(F::from_u64(self.doubtful_days.into()));
        public
    }

    fn row<B: RowBuilder<LoanRow>>(&self, b: &mut B) {
        let place = self.leaves.place(b, |w| &w.place);
        let unused = b.one() - place.active.clone();
        let mut read = vec![false; self.layout.fields.len()];
        read_fields(&self.fields)
            .into_iter()
            .for_each(|f| read[f] = true);
        let leaf = self.layout.read(b, &read, &unused, |w: &LoanRow| &w.leaf);
        let of = |field: usize| leaf.limbs[field].clone().expect("it is read");
        // A template may give a field fewer limbs.
        let padded = |field: usize, limbs: usize| of(field).padded(limbs);

        let fields = &self.fields;
        let status = of(fields.status);
        let sets = [fields.open.clone(), fields.closed.clone()];
        let is = self.codes.look_up(b, fields.status, &sets, &status[0]);
        let term = of(fields.term)[0].clone();
        let over = b.derive([&term], |[t]| F::from_bool(t == F::ZERO));
        b.boolean("LOANS-1", &over);
        b.zero("LOANS-1", over.clone() * term.clone());
        // Not zero, so at least one.
        let less = term.clone() - b.one() + over.clone();
        limb(b, less);
        let days = of(fields.days).chunks();
        let mut bound = vec![b.constant(F::ZERO); days.len()];
        bound[0] = b.public(PUBLIC);
        let bound = Chunks::declared(b, "LOANS-2", bound);
        let current = less_than(b, &days, &bound);

        let not_over = b.one() - over;
        let mut and = |x: B::E| {
            let cell = b.derive([&x], |[v]| v);
            b.equal("LOANS-2", cell.clone(), x);
            cell
        };
        let open = and(place.active.clone() * is[0].clone());
        let sound = and(current * not_over);
        let scheduled = and(open.clone() * sound);
        let doubtful = open - scheduled.clone();
        let balance = padded(fields.balance, BALANCE_LIMBS);
        closed_owes_nothing(b, "LOANS-3", &is[1], &balance);
        let of_balance =
            |bit: &B::E| -> Vec<B::E> { balance.iter().map(|l| bit.clone() * l.clone()).collect() };
        let start = of_balance(&scheduled);
        accumulate(b, &place.last, BALANCE, &start, |w: &LoanRow, i| {
            w.sums[0][i]
        });
        let limbs = of_balance(&doubtful);
        accumulate(b, &place.last, DOUBTFUL, &limbs, |w: &LoanRow, i| {
            w.sums[1][i]
        });

        let mut message = vec![place.index.clone()];
        message.extend(start);
        message.extend(padded(fields.rate, RATE_LIMBS));
        message.push(term);
        message.extend(of(fields.frequency));
        message.extend(of(fields.rule));
        message.extend(padded(fields.instalment, BALANCE_LIMBS));
        let accrued = padded(fields.accrued, AMOUNT_LIMBS);
        message.extend(accrued.into_iter().map(|l| scheduled.clone() * l));
        let one = b.one();
        b.send(START, one, &message);
        self.leaves.tree(b, |w| &w.place, &place, &leaf.elements);
    }
}
