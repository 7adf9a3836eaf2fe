//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use std::sync::Arc;

use gadgets::range::RangeTable;
use stark::{F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, fill, violated};

use super::*;
use crate::pools::loan::{LeafLayout, LoanWitness};

/// Those of the constraints that the tables of a claim could do without.
fn idle(ids: &[&'static str]) -> Vec<&'static str> {
    let prepared = prepared(150);
    crate::testing::idle(&prepared, &in_all_tables(&prepared, &ROWS), ids)
}

/// Of loans, of the list's end, and unused ones.
const ROWS: [usize; 8] = [2, 3, 4, 5, 90, 149, 150, 200];

#[test]
fn each_constraint_of_loans_is_needed() {
    let ids = ["LOANS-1", "LOANS-2", "LOANS-4", "LOANS-5", "LOANS-7"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_leaves_is_needed() {
    let ids = ["ORDER-1", "ORDER-2", "ORDER-3", "ORDER-4"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_loan_leaves_is_needed() {
    let ids = ["LOAN-1", "LOAN-3"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_groups_is_needed() {
    let ids = [
        "GROUPS-1",
        "GROUPS-3",
        "GROUPS-4",
        "GROUPS-5",
        "GROUPS-6",
        "GROUPS-7",
        "GROUPS-8",
        "GROUPS-9",
        "GROUPS-10",
    ];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_figures_is_needed() {
    let ids = ["FIGURES-1", "FIGURES-2", "FIGURES-3"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_codes_is_needed() {
    let ids = ["CODES-1"];
    assert_eq!(idle(&ids), [""; 0]);
}

/// A leaf a row, of which all fields are read; what is hashed is not looked at.
#[derive(Clone)]
struct Leaves(LeafLayout);

impl Table for Leaves {
    type Row = LoanWitness;
    fn name(&self) -> &'static str {
        "leaves"
    }
    fn log_height(&self) -> usize {
        stark::MIN_LOG_HEIGHT
    }
    fn row<B: RowBuilder<LoanWitness>>(&self, b: &mut B) {
        let unused = b.constant(F::ZERO);
        let read = vec![true; template().fields.len()];
        self.0.read(b, &read, &unused, |w| w);
    }
}

/// A field that is absent hides a number.
#[test]
fn what_is_absent_is_zero() {
    let (layout, absent) = (LeafLayout::new(&template()), loan(&template(), 3));
    let mut present = absent.clone();
    assert_eq!(absent.values[field("dti")], None);
    present.values[field("dti")] = Some(7);
    let broken = |limbs: Vec<u64>| {
        let witness = LoanWitness {
            limbs,
            ..LoanWitness::new(&layout, Some(&Arc::new(absent.clone())), None)
        };
        let (table, range) = (
            Leaves(layout.clone()),
            RangeTable::limbs(stark::MIN_LOG_HEIGHT),
        );
        let airs = [TableAir::new(table.clone()), TableAir::new(range)];
        let tally = Tally::new(&[range.tallied()]);
        let leaves = fill(&table, &airs[0], &tally, |_| witness.clone());
        let answers = range.trace(&airs[1], &tally);
        violated(&airs, &[leaves, answers])
    };
    assert_eq!(broken(layout.limbs(&absent)), [""; 0]);
    assert_eq!(broken(layout.limbs(&present)), ["LOAN-2"]);
}
