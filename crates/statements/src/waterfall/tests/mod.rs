//! Tests of the waterfall statement: what is true is accepted, what is false is not.

mod attack;
mod closed;
mod forged;
mod needed;
mod positive;

use credit::amortization::{Event, Status};
use credit::import::tape::read_template;
use credit::pool::remittance::{Remittances, roll_tape};
use credit::pool::states::{COMPUTED, fill_computed, states};
use credit::pool::{Loan, Tape};
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use credit::waterfall::pay;
use records::units::Cents;
use stark::{F, PrimeCharacteristicRing, verify, violated};

use super::claim::PartTables;
use super::tables::amounts::Amounts;
use super::witness::Rows;
use super::*;
use crate::testing::*;

/// Sample loans of all frequencies, rules and states, at the edges of their numbers.
fn tape(loans: usize) -> Tape {
    let mut tape = mortgages(4, loans);
    let template = tape.template.clone();
    let at = |name: &str| template.field(name).expect("the template has it");
    for (i, loan) in tape.loans.iter_mut().enumerate() {
        for name in COMPUTED {
            loan.values[at(name)] = None;
        }
        let set = |loan: &mut Loan, name: &str, value: u64| loan.values[at(name)] = Some(value);
        set(loan, "remaining_term", 1 + (i as u64 * 7) % 20);
        set(loan, "frequency", (i % 9 % 5) as u64);
        set(loan, "amortization", (i % 7 % 4) as u64);
        match i % 13 {
            3 => set(loan, "remaining_term", 0),
            4 => set(loan, "instalment", 1),
            6 => set(loan, "rate", 0),
            7 => set(loan, "rate", 1_000_000),
            8 => set(loan, "balance", 100_000_000_000),
            9 => set(loan, "accrued", 123_456_789),
            10 => set(loan, "days_past_due", 9_990),
            11 => {
                set(loan, "status", 3 + i as u64 % 2);
                set(loan, "balance", 0);
            }
            12 => {
                set(loan, "status", 2);
                set(loan, "overdue_interest", 777);
            }
            _ => {}
        }
        fill_computed(loan, &template).expect("they are loans");
    }
    tape
}

/// A month in which everything happens.
fn month(tape: &Tape, seed: usize) -> Remittances {
    let loans = states(tape).expect("they are loans");
    let events = tape.loans.iter().zip(&loans).enumerate();
    let events = events.map(|(i, (loan, state))| {
        let due = state.due();
        let (bill, owed) = (due.interest + due.principal, state.payoff());
        let overdue = state.overdue_interest + state.overdue_principal;
        let event = match (state.status, (i * 5 + seed) % 16) {
            (Status::Defaulted, k) => {
                let owed = state.balance + state.overdue_interest;
                Event::Recovery(
                    [
                        Cents(0),
                        owed.min(Cents(1)),
                        state.balance,
                        owed,
                        owed.saturating_sub(Cents(1)),
                    ][k % 5],
                )
            }
            (status, _) if !status.is_open() => Event::Payment(Cents(0)),
            (_, 0) => Event::Payment(Cents(0)),
            (_, 1) => Event::Payment(bill.saturating_sub(Cents(1))),
            (_, 2) => Event::Payment(bill),
            (_, 3) => Event::Payment(owed),
            (_, 4) => Event::Payment(owed - owed.min(Cents(1))),
            (_, 5) => Event::Payment(state.overdue_interest),
            (_, 6) => Event::Payment((bill + overdue + Cents(1)).min(owed)),
            (_, 7) => Event::Payment(owed.min(Cents(12_345))),
            (_, 8) => Event::Default,
            (_, 9) => Event::Repurchase(owed),
            (_, 10) => Event::Repurchase(state.balance),
            (_, 11) => Event::Payment((bill + overdue).saturating_sub(Cents(1))),
            _ => Event::Payment(bill + overdue),
        };
        (loan.id.clone(), event)
    });
    events.collect()
}

fn terms(tape: &Tape, months: usize) -> Terms {
    let mut now = tape.clone();
    let mut all = Vec::new();
    for seed in 0..months {
        let events = month(&now, seed);
        now = roll_tape(&now, &events).expect("it can be").tape;
        all.push(events);
    }
    Terms {
        months: all,
        deal: sample_deal_for(sample_pool::owed(tape)),
        deal_state: None,
        indices: sample_indices(),
    }
}

fn prepared(loans: usize, months: usize) -> Prepared {
    let tape = tape(loans);
    Prepared::new(&tape, &terms(&tape, months), &secret()).expect("it is true")
}

fn rows(prepared: &Prepared) -> Rows {
    prepared.witness.rows(prepared.claim().loans, 0)
}

/// What is wrong with the first part's rows after a change.
fn wrong(prepared: &Prepared, change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let mut rows = rows(prepared);
    change(&mut rows);
    violated(&tables.airs(), &rows.fill(&tables))
}
