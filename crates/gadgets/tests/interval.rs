//! The interval reading on small tables that declare too much.

use gadgets::limbs::{Amount, Limbs};
use gadgets::public::Publics;
use gadgets::range::{RangeTable, limb};
use gadgets::sum::Sum;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, When, unproven};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// A limb is not range-checked.
    Range,
    /// A sum of products of limbs passes the modulus.
    Modulus,
    /// A declared bound is one too small.
    Bound,
    /// A bit is no bit.
    Bit,
    /// A selector picks several.
    Selector,
    /// A public value is no limb.
    Public,
}

#[derive(Clone)]
struct Sums(Fault);

impl Table for Sums {
    type Row = u64;
    fn name(&self) -> &'static str {
        "sums"
    }
    fn log_height(&self) -> usize {
        stark::MIN_LOG_HEIGHT
    }
    fn public(&self) -> Vec<F> {
        let largest = if self.0 == Fault::Public { 1024 } else { 1023 };
        [largest, 1000, 7].map(F::from_u64).to_vec()
    }
    fn row<B: RowBuilder<u64>>(&self, b: &mut B) {
        let fault = self.0;
        let x = Amount::read(b, |w: &u64| *w).to_sum();
        let [y, z] = [1, 2].map(|k| {
            let cell = b.cell(|w| F::from_u64(w % 1000 + k));
            if fault != Fault::Range || k == 1 {
                limb(b, cell.clone());
            }
            cell
        });
        let bound = if fault == Fault::Bound { 2045 } else { 2046 };
        let two = Sum::declared(b, "TWO", vec![y.clone() + z.clone()], bound);
        Sum::product(&x, &two).assert_non_negative(b, "PRODUCT");

        let bit = match fault {
            Fault::Bit => b.cell(|_| F::ONE),
            _ => b.bit("BIT", |_| true),
        };
        let either = bit.clone() * y.clone() + (b.one() - bit) * z.clone();
        let either = Limbs::declared(b, "EITHER", vec![either]).sum();
        either.assert_non_negative(b, "EITHER");

        let one_of: [B::E; 3] = std::array::from_fn(|i| b.bit("ONE", |_| i == 1));
        let sum = one_of
            .iter()
            .fold(b.constant(F::ZERO), |sum, s| sum + s.clone());
        if fault != Fault::Selector {
            b.equal("ONE", sum, b.one());
        }
        let mut publics = Publics::from(0);
        let values = [0, 1, 2].map(|_| publics.limbs(b, "VALUES", 1));
        Sum::selected(&one_of, &values).assert_non_negative(b, "SELECTED");

        // Two thousand products are below p, five thousand are not.
        let terms = if fault == Fault::Modulus { 5000 } else { 500 };
        let many = y * z * F::from_u64(terms) + b.one();
        let cell = b.derive([&many], |[v]| v);
        b.integer("MANY", cell - many);
    }
}

fn found(fault: Fault) -> Vec<(&'static str, &'static str)> {
    let range = RangeTable::limbs(stark::MIN_LOG_HEIGHT);
    let table = Sums(fault);
    let airs = [TableAir::new(table), TableAir::new(range)];
    let found = unproven(&airs);
    found.iter().map(|u| (u.id, u.declared)).collect()
}

#[test]
fn what_is_right_is_proven() {
    assert_eq!(found(Fault::Nothing), []);
}

#[test]
fn each_fault_is_found() {
    let (bound, integer) = ("a bound", "an equation over the integers");
    for (fault, id, declared) in [
        (Fault::Range, "TWO", bound),
        (Fault::Range, "PRODUCT", bound),
        (Fault::Range, "PRODUCT", integer),
        (Fault::Bound, "TWO", bound),
        (Fault::Bit, "EITHER", bound),
        (Fault::Selector, "SELECTED", bound),
        (Fault::Public, "VALUES", bound),
        (Fault::Modulus, "MANY", integer),
    ] {
        let found = found(fault);
        assert!(found.contains(&(id, declared)), "{fault:?}: {found:?}");
    }
}

/// A running sum of limbs that a bit ends: on every fourth row, and wherever else it is one.
#[derive(Clone)]
struct Runs {
    /// The bound that is declared.
    bound: u64,
    /// Whether the bit is one on every fourth row.
    ends: bool,
}

impl Table for Runs {
    type Row = u64;
    fn name(&self) -> &'static str {
        "runs"
    }
    fn log_height(&self) -> usize {
        stark::MIN_LOG_HEIGHT
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        vec![[0, 0, 0, 1].map(F::from_u64).to_vec()]
    }
    fn row<B: RowBuilder<u64>>(&self, b: &mut B) {
        let last = b.pinned("LAST", 0);
        let ends = b.bit("ENDS", |w| *w == 1);
        if self.ends {
            b.zero("ENDS", last * (b.one() - ends.clone()));
        }
        let (term, next_term) = b.state(|w| F::from_u64(*w));
        limb(b, term.clone());
        let (sum, next_sum) = b.state(|w| F::from_u64(*w));
        b.assert_zero("SUM", When::First, sum.clone() - term);
        let goes_on = b.one() - ends;
        let step = next_sum - next_term - goes_on * sum.clone();
        b.assert_zero("SUM", When::Transition, step);
        Sum::declared(b, "SUM", vec![sum], self.bound);
    }
}

#[test]
fn sums_that_a_bit_ends_are_bounded_by_their_longest_run() {
    let proven = |bound, ends| {
        let range = RangeTable::limbs(stark::MIN_LOG_HEIGHT);
        let airs = [TableAir::new(Runs { bound, ends }), TableAir::new(range)];
        unproven(&airs).is_empty()
    };
    assert!(proven(4 * 1023, true));
    assert!(!proven(4 * 1023 - 1, true));
    // Without the constraint, a sum may run over all rows.
    assert!(!proven(4 * 1023, false));
}
