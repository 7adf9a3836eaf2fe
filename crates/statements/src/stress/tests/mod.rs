//! Tests of the stress statement: what is true is accepted, what is false is not.

mod attack;
mod forged;
mod needed;
mod positive;
mod steps;

use credit::factor::OneFactor;
use credit::pool::states::states;
use credit::pool::{Loan, Tape};
use credit::projection::Schedule;
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::stress::{Defaults, Prepayments, Stress};
use stark::{Statement, cell_test, verify, violated};

use super::claim::PartTables;
use super::witness::Rows;
use super::*;
use crate::testing::*;

/// A sample's loans with short terms, and one of each kind.
fn tape(loans: usize) -> Tape {
    let mut tape = mortgages(3, loans);
    let template = tape.template.clone();
    let at = |name: &str| template.field(name).expect("the template has it");
    for (i, loan) in tape.loans.iter_mut().enumerate() {
        let set = |loan: &mut Loan, name: &str, value: u64| loan.values[at(name)] = Some(value);
        set(loan, "remaining_term", 1 + (i as u64 * 7) % 20);
        set(loan, "frequency", (i % 9 % 5) as u64);
        set(loan, "amortization", (i % 7 % 4) as u64);
        match i % 11 {
            3 => set(loan, "remaining_term", 0),
            4 => set(loan, "instalment", 1),
            5 => set(loan, "balance", 0),
            6 => set(loan, "rate", 0),
            7 => set(loan, "rate", 1_000_000),
            8 => set(loan, "balance", 100_000_000_000),
            9 => set(loan, "accrued", 123_456_789),
            _ => {}
        }
        if i % 11 == 5 {
            set(loan, "instalment", 0);
            set(loan, "overdue_principal", 0);
        }
    }
    tape
}

fn terms(tape: &Tape) -> Terms {
    let loans = states(tape).expect("they are loans");
    let schedule = Schedule::of_pool(&loans, 90).expect("it fits");
    let stress = |cdr: i128| Stress {
        defaults: Defaults::Cdr(vec![fixed::Decimal::from_int(cdr)]),
        prepayments: Prepayments::Cpr(vec![fixed::Decimal::from_int(6)]),
        severity: fixed::Decimal::from_int(50),
        recovery_lag: 6,
        age: 0,
        delinquency: None,
    };
    let named = |name: &str, cdr| NamedStress {
        name: name.into(),
        stress: stress(cdr),
        factor: None,
    };
    let modelled = |name: &str, cdr, correlation: i128| NamedStress {
        factor: Some(OneFactor {
            correlation: fixed::Decimal::new(correlation, 2),
            nodes: 25,
        }),
        ..named(name, cdr)
    };
    Terms {
        doubtful_days: 90,
        detail: Detail::default(),
        deal: sample_deal_for(schedule.balance + schedule.doubtful),
        deal_state: None,
        indices: sample_indices(),
        stresses: vec![
            named("mild", 1),
            modelled("joint", 6, 20),
            named("severe", 30),
            modelled("more-jointly", 6, 40),
        ],
        breakeven: vec!["A".into()],
    }
}

fn prepared(loans: usize) -> Prepared {
    prepared_in(loans, Detail::default())
}

/// With a schedule of steps.
fn prepared_in(loans: usize, detail: Detail) -> Prepared {
    let tape = tape(loans);
    let terms = Terms {
        detail,
        ..terms(&tape)
    };
    Prepared::new(&tape, &terms, &secret()).expect("it is true")
}

const MANY_LOANS: Detail = Detail {
    months: 1,
    loans: 10,
};

/// Steps of a quarter, and of as many months as it takes until ten loans end.
const QUARTERS: Detail = Detail {
    months: 3,
    loans: 0,
};

fn rows(prepared: &Prepared) -> Rows {
    let witness = &prepared.witness;
    witness.rows(prepared.claim(), prepared.context(), 0)
}

/// What is wrong with the first part's rows after a change.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut rows = rows(prepared);
    change(&mut rows);
    violated(&tables.airs(), &rows.fill(&tables))
}
