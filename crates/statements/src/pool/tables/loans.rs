//! Loans, one a row: their leaves, the rules they satisfy, and what they add to each sum.

use std::collections::HashMap;

use credit::pool::Condition;
use credit::pool::measured::Quantity;
use credit::pool::rules::{Holds, Test};
use gadgets::compare::less_than;
use gadgets::limbs::{Amount, Limbs};
use gadgets::product::{Challenge, Product};
use gadgets::public::{Publics, chunk_values};
use gadgets::sum::Sum;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table};

use crate::ordered::{Ordered, OrderedRow, PUBLIC, Place, accumulate};
use crate::pool::plan::{Concentration, Plan, group};
use crate::pools::codes::CodesTable;
use crate::pools::loan::{LoanWitness, closed_owes_nothing};

/// One loan a row.
///
/// - ORDER-1 to ORDER-4: leaves in the order of their keys below the part's root, and the sums ([`crate::ordered`]).
/// - LOAN-1 to LOAN-3: the leaf ([`crate::pools::loan`]).
/// - LOANS-1: a test's outcome.
/// - LOANS-2: a condition's outcome: `and` and `or` of two bits.
/// - LOANS-3: every loan satisfies every eligibility rule, or is closed.
/// - LOANS-4: a product of weight and field.
/// - LOANS-5: the running product over the loans, for each concentration.
/// - LOANS-6: a closed loan owes nothing.
/// - LOANS-7: in a concentration, a loan that does not count weighs nothing.
/// - COMPARE-1 to COMPARE-5: a field is below a bound.
#[derive(Clone, Debug)]
pub struct LoansTable {
    /// Where the leaves stand.
    pub leaves: Ordered,
    /// What is asked.
    pub plan: std::sync::Arc<Plan>,
    /// Which sets codes belong to, if rules ask.
    pub codes: Option<CodesTable>,
    /// Per concentration, what its products are made of.
    pub challenges: Vec<Challenge>,
}

/// The private data of one row.
#[derive(Clone, Debug)]
pub struct LoanRow {
    /// The row's place.
    pub place: OrderedRow,
    /// The leaf.
    pub leaf: LoanWitness,
    /// Per sum, the limbs added up above.
    pub sums: std::sync::Arc<Vec<[i64; gadgets::totals::COUNT_LIMBS]>>,
    /// Per concentration, the product over the loans above.
    pub products: Vec<[F; 5]>,
}

/// What is known of a loan's fields on a row.
struct Fields<'a, E> {
    plan: &'a Plan,
    codes: Option<&'a CodesTable>,
    /// The limbs of the fields that are read.
    limbs: Vec<Option<Limbs<E>>>,
    /// Of optional fields that are read, whether they are present.
    present: Vec<Option<E>>,
    /// Whether a field is below a bound.
    below: HashMap<(usize, u64), E>,
    /// Whether a field's code is in its sets.
    members: HashMap<usize, Vec<E>>,
    /// Outcomes of conditions.
    outcomes: HashMap<Condition, E>,
    /// Whether the row is used and a condition holds.
    counts: HashMap<Condition, E>,
}

impl Table for LoansTable {
    type Row = LoanRow;

    fn name(&self) -> &'static str {
        "loans"
    }

    fn log_height(&self) -> usize {
        self.leaves.log_height
    }

    /// After those of the leaves: the bounds that fields are compared with, then what the products are made of.
    fn public(&self) -> Vec<F> {
        let mut public = self.leaves.public();
        for &(field, bound) in &self.plan.bounds {
            public.extend(chunk_values(bound, self.plan.chunks(field)));
        }
        public.extend(self.challenges.iter().flat_map(Challenge::public));
        public
    }

    fn row<B: RowBuilder<LoanRow>>(&self, b: &mut B) {
        let place = self.leaves.place(b, |w| &w.place);
        let unused = b.one() - place.active.clone();
        let leaf = self
            .plan
            .layout
            .read(b, &self.plan.read, &unused, |w| &w.leaf);
        let mut fields = Fields {
            plan: &self.plan,
            codes: self.codes.as_ref(),
            limbs: leaf.limbs,
            present: leaf.present,
            below: HashMap::new(),
            members: HashMap::new(),
            outcomes: HashMap::new(),
            counts: HashMap::new(),
        };
        if let Some(balance) = self.plan.owed_by_closed() {
            let closed = fields.outcome(b, &self.plan.standings.is_closed());
            closed_owes_nothing(b, "LOANS-6", &closed, fields.limbs(balance));
        }
        for rule in &self.plan.eligibility {
            let holds = fields.outcome(b, rule);
            b.zero("LOANS-3", place.active.clone() * (b.one() - holds));
        }
        self.sums(b, &place, &mut fields);
        let mut weights = HashMap::new();
        let bounds = self.plan.bounds.iter();
        let bounds: usize = bounds.map(|(field, _)| self.plan.chunks(*field)).sum();
        let mut publics = Publics::from(PUBLIC + bounds);
        for (i, challenge) in self.challenges.iter().enumerate() {
            let challenge = &challenge.read(b, &mut publics);
            let Concentration {
                by,
                weight,
                counted,
                ..
            } = &self.plan.concentrations[i];
            let weight = weights
                .entry((weight, counted))
                .or_insert_with(|| fields.weight(b, &place, *weight, counted));
            let mut message = fields.limbs(*by).to_vec();
            message.extend(weight.iter().cloned());
            Product {
                id: "LOANS-5",
                register: self.plan.group_register(i) + group::LOANS,
                challenge,
            }
            .multiply(
                b,
                [&place.first, &place.last],
                &place.active,
                &message,
                |w: &LoanRow| w.products[i],
            );
        }
        self.leaves.tree(b, |w| &w.place, &place, &leaf.elements);
    }
}

impl LoansTable {
    /// What the loan adds to each sum.
    fn sums<B: RowBuilder<LoanRow>>(
        &self,
        b: &mut B,
        place: &Place<B::E>,
        fields: &mut Fields<'_, B::E>,
    ) {
        let mut products: HashMap<(usize, usize), Vec<B::E>> = HashMap::new();
        for (i, (quantity, condition)) in self.plan.sums.iter().enumerate() {
            let counts = fields.counts(b, place, condition);
            let limbs = match *quantity {
                Quantity::One => vec![b.one()],
                Quantity::Field(field) => fields.limbs(field).to_vec(),
                Quantity::Product(weight, field) => products
                    .entry((weight, field))
                    .or_insert_with(|| product(b, fields.limbs(weight), fields.limbs(field)))
                    .clone(),
            };
            let limbs: Vec<B::E> = limbs.into_iter().map(|l| counts.clone() * l).collect();
            let register = self.plan.sum_register(i);
            accumulate(b, &place.last, register, &limbs, |w: &LoanRow, limb| {
                w.sums[i][limb]
            });
        }
    }
}

/// The limbs of a product below 2^60.
fn product<B: RowBuilder<LoanRow>>(b: &mut B, x: &Limbs<B::E>, y: &Limbs<B::E>) -> Vec<B::E> {
    let factors: Vec<B::E> = x.iter().chain(y).cloned().collect();
    let split = x.len();
    let value = |limbs: &[F]| {
        limbs.iter().rev().fold(0u64, |v, l| {
            (v << 10) | (gadgets::limbs::signed(*l).unsigned_abs() % (1 << 10))
        })
    };
    let product = Amount::derive(b, &factors, |l| {
        value(&l[..split]).wrapping_mul(value(&l[split..])) % (1 << 60)
    });
    Sum::product(&x.sum(), &y.sum())
        .minus(&product.to_sum())
        .assert_zero(b, "LOANS-4");
    product.limbs().to_vec()
}

/// A cell that is 1 if and only if two bits are.
fn and<B: RowBuilder<LoanRow>>(b: &mut B, x: &B::E, y: &B::E) -> B::E {
    let both = x.clone() * y.clone();
    let cell = b.derive([&both], |[v]| v);
    b.equal("LOANS-2", cell.clone(), both);
    cell
}

impl<E: stark::Expr> Fields<'_, E> {
    /// The limbs of a field that is read.
    fn limbs(&self, field: usize) -> &Limbs<E> {
        self.limbs[field].as_ref().expect("the plan reads it")
    }

    /// A bit: whether the row is used and a condition holds.
    fn counts<B: RowBuilder<LoanRow, E = E>>(
        &mut self,
        b: &mut B,
        place: &Place<E>,
        condition: &Condition,
    ) -> E {
        if *condition == Condition::always() {
            return place.active.clone();
        }
        if let Some(counts) = self.counts.get(condition) {
            return counts.clone();
        }
        let holds = self.outcome(b, condition);
        let counts = and(b, &place.active, &holds);
        self.counts.insert(condition.clone(), counts.clone());
        counts
    }

    /// The limbs of a weight, zeros where the loan does not count.
    fn weight<B: RowBuilder<LoanRow, E = E>>(
        &mut self,
        b: &mut B,
        place: &Place<E>,
        weight: usize,
        counted: &Condition,
    ) -> Vec<E> {
        if *counted == Condition::always() {
            return self.limbs(weight).to_vec();
        }
        let counts = self.counts(b, place, counted);
        // Cells, so that a factor of a product has degree 1.
        let limbs = self.limbs(weight).iter().map(|limb| {
            let value = counts.clone() * limb.clone();
            let cell = b.derive([&value], |[v]| v);
            b.equal("LOANS-7", cell.clone(), value);
            cell
        });
        limbs.collect()
    }

    /// A bit: whether a condition holds. For an unused row it may be either.
    fn outcome<B: RowBuilder<LoanRow, E = E>>(&mut self, b: &mut B, condition: &Condition) -> E {
        if let Some(outcome) = self.outcomes.get(condition) {
            return outcome.clone();
        }
        let outcome = match condition {
            Condition::All(parts) => {
                let mut all = None;
                for part in parts {
                    let part = self.outcome(b, part);
                    all = Some(match all {
                        None => part,
                        Some(all) => and(b, &all, &part),
                    });
                }
                all.unwrap_or(b.one())
            }
            Condition::Any(parts) => {
                let mut none: Option<E> = None;
                for part in parts {
                    let not = b.one() - self.outcome(b, part);
                    none = Some(match none {
                        None => not,
                        Some(none) => and(b, &none, &not),
                    });
                }
                none.map_or(b.constant(F::ZERO), |none| b.one() - none)
            }
            Condition::Test(test) => self.test(b, test),
        };
        self.outcomes.insert(condition.clone(), outcome.clone());
        outcome
    }

    fn test<B: RowBuilder<LoanRow, E = E>>(&mut self, b: &mut B, test: &Test) -> E {
        let field = test.field;
        let present = self.present[field].clone();
        let one = b.one();
        let outcome = match &test.holds {
            Holds::Present => return present.unwrap_or(one),
            Holds::Absent => return present.map_or(b.constant(F::ZERO), |p| one - p),
            Holds::Below(bound) => self.below(b, field, *bound),
            Holds::AtLeast(least) => one - self.below(b, field, *least),
            // Neither below it nor above it.
            Holds::Equal(value) => self.below(b, field, value + 1) - self.below(b, field, *value),
            Holds::NotEqual(value) => {
                one - self.below(b, field, value + 1) + self.below(b, field, *value)
            }
            Holds::OneOf(set) => {
                let sets = &self.plan.sets[field];
                let index = sets
                    .iter()
                    .position(|s| s == set)
                    .expect("the plan notes sets");
                if !self.members.contains_key(&field) {
                    let codes = self.codes.expect("the plan's sets make a table");
                    let code = self.limbs(field)[0].clone();
                    let members = codes.look_up(b, field, sets, &code);
                    self.members.insert(field, members);
                }
                self.members[&field][index].clone()
            }
        };
        match present {
            None => outcome,
            Some(present) => {
                let holds = present * outcome;
                let cell = b.derive([&holds], |[v]| v);
                b.equal("LOANS-1", cell.clone(), holds);
                cell
            }
        }
    }

    /// Whether a field is below a public bound.
    fn below<B: RowBuilder<LoanRow, E = E>>(&mut self, b: &mut B, field: usize, bound: u64) -> E {
        if let Some(below) = self.below.get(&(field, bound)) {
            return below.clone();
        }
        let bounds = &self.plan.bounds;
        let below = match bounds.iter().position(|b| *b == (field, bound)) {
            Some(at) => {
                let before = bounds[..at].iter();
                let before: usize = before.map(|(field, _)| self.plan.chunks(*field)).sum();
                let chunks = self.limbs(field).chunks();
                let mut publics = Publics::from(PUBLIC + before);
                let bound = publics.chunks(b, "LOANS-1", chunks.len());
                less_than(b, &chunks, &bound)
            }
            // Beyond what the limbs hold: every value is below.
            None => b.one(),
        };
        self.below.insert((field, bound), below.clone());
        below
    }
}
