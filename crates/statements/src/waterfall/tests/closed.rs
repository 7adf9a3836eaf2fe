//! What a forger would put on rows of loans that are closed, and on unused rows.

use credit::amortization::{Event, LoanState, Status};
use credit::pool::Tape;
use credit::pool::states::states;
use records::units::Cents;
use stark::{Statement, violated};

use super::{prepared, rows, tape, terms};
use crate::pools::loan::Sealed;
use crate::testing::secret;
use crate::waterfall::claim::PartTables;
use crate::waterfall::tables::amounts::{After, Amounts};
use crate::waterfall::*;

/// Loans that were paid off or bought back before the month and still owe something: nothing becomes of it, and the tape contradicts
/// itself.
#[test]
fn closed_loans_owe_nothing() {
    let tape = tape(150);
    let field = tape.template.field("balance").expect("it has one");
    let terms = terms(&tape, 1);
    let good = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    let states = states(&tape).expect("they are loans");
    let gone = |status| states.iter().position(|s| s.status == status);
    for (status, cents) in [(Status::Prepaid, 1), (Status::Repurchased, 1 << 30)] {
        let loan = gone(status).expect("there is one");
        let owing = |tape: &Tape| {
            let mut tape = tape.clone();
            tape.loans[loan].values[field] = Some(cents);
            tape
        };
        let [before, after] = [&tape, good.after()].map(owing);
        let error = check(&before, &terms).expect_err("it contradicts itself");
        let error = error.to_string();
        assert!(error.contains("still owes"), "{error}");

        // The same balance before and after, sealed and claimed.
        let sealed = [&before, &after].map(|t| Sealed::new(t, &secret()).expect("ids differ"));
        let mut claim = good.claim().clone();
        for (pool, sealed) in claim.pools.iter_mut().zip(&sealed) {
            pool.pool = sealed.pool.into();
            pool.segments = sealed.trees.iter().map(|t| t[1].into()).collect();
        }
        let context = Waterfall::context(&claim).expect("it is well formed");
        let mut rows = rows(&good);
        let id = &tape.loans[loan].id;
        let at = rows
            .loans
            .iter()
            .position(|l| l.id == *id)
            .expect("it is there");
        let state = LoanState {
            balance: Cents(cents),
            ..states[loan]
        };
        let Amounts { month, after, .. } = rows.amounts[at];
        let instalment = rows.loans[at].values[context.fields.instalment].unwrap_or(0);
        let after = After {
            balance: cents,
            ..after
        };
        rows.amounts[at] = Amounts::new(&state, instalment, month, Event::Payment(Cents(0)), after);
        rows.loans = sealed[0].loans.clone();
        rows.leaves = sealed[0].leaves.clone();
        rows.seals_after = sealed[1].leaves.iter().map(|l| l.seal).collect();
        rows.nodes = sealed.map(|s| s.trees[0].clone());
        let tables = PartTables::new(&claim, &context, 0);
        let found = violated(&tables.airs(), &rows.fill(&tables));
        assert_eq!(found, ["LOANS-2"], "{status:?}");
    }
}

/// The seal of the leaf after the month, on a row without a loan.
#[test]
fn unused_rows_have_no_seal_after() {
    let prepared = prepared(150, 1);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut rows = rows(&prepared);
    rows.seals_after.push(rows.seals_after[0]);
    assert_eq!(violated(&tables.airs(), &rows.fill(&tables)), ["LOAN-3"]);
}
