//! What a servicer reports of a pool's loans for a month, and the tape after it.

use records::units::Cents;
use std::collections::BTreeMap;

use crate::amortization::{Event, LoanState, RollError, Status, roll_pool};
use crate::collections::Collections;

use super::states::{COMPUTED, LoanFields, StateError, states};
use super::tape::{CutOff, Loan, Tape};
use super::template::Template;

/// What became of loans in a month, by their ids. A loan that is not listed paid nothing.
pub type Remittances = BTreeMap<String, Event>;

/// Why a month cannot follow a tape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemittanceError {
    /// The loans are none that pay, or their fields do not say all that a month changes.
    #[error(transparent)]
    State(#[from] StateError),
    /// Something was reported of a loan that is not on the tape.
    #[error("loan `{0}` is not on the tape")]
    Unknown(String),
    /// An event cannot be.
    #[error("loan `{loan}`: {error}")]
    Loan {
        /// The loan.
        loan: String,
        /// Why.
        error: RollError,
    },
    /// A sum does not fit.
    #[error(transparent)]
    Sum(RollError),
    /// Dates have four digits for the year.
    #[error("a month after {0} there is no cut-off date")]
    End(CutOff),
}

/// What became of each loan of a tape, in its order. `states` are those of the loans before.
fn events(
    tape: &Tape,
    states: &[LoanState],
    remittances: &Remittances,
) -> Result<Vec<Event>, RemittanceError> {
    let mut found = 0;
    let mut events = Vec::with_capacity(tape.loans.len());
    for (loan, state) in tape.loans.iter().zip(states) {
        let reported = remittances.get(&loan.id).copied();
        found += usize::from(reported.is_some());
        let silent = match state.status {
            Status::Defaulted => Event::Recovery(Cents(0)),
            _ => Event::Payment(Cents(0)),
        };
        events.push(reported.unwrap_or(silent));
    }
    if found < remittances.len() {
        let on_tape: std::collections::BTreeSet<&String> =
            tape.loans.iter().map(|l| &l.id).collect();
        let unknown = remittances.keys().find(|id| !on_tape.contains(id));
        return Err(RemittanceError::Unknown(
            unknown.cloned().unwrap_or_default(),
        ));
    }
    Ok(events)
}

/// A loan's month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoanMonth {
    /// The loan before it.
    pub before: LoanState,
    /// What became of it.
    pub event: Event,
    /// The loan after it.
    pub after: LoanState,
}

/// A tape's month.
#[derive(Clone, Debug, PartialEq)]
pub struct Rolled {
    /// The tape after it, its loans in the same order.
    pub tape: Tape,
    /// What the loans brought in together.
    pub collections: Collections,
    /// The loans, in the order of the tape.
    pub loans: Vec<LoanMonth>,
}

/// Rolls a tape over a month.
///
/// # Errors
/// If the template has not all [`COMPUTED`] fields, what was reported cannot be, or a sum does not fit.
pub fn roll_tape(tape: &Tape, remittances: &Remittances) -> Result<Rolled, RemittanceError> {
    let fields = LoanFields::new(&tape.template)?;
    let before = states(tape)?;
    let events = events(tape, &before, remittances)?;
    let (after, collections) =
        roll_pool(&before, &events).map_err(|(i, error)| match tape.loans.get(i) {
            Some(loan) => RemittanceError::Loan {
                loan: loan.id.clone(),
                error,
            },
            None => RemittanceError::Sum(error),
        })?;
    let cut_off = tape.cut_off.next();
    if CutOff::try_from(cut_off.to_string()).is_err() {
        return Err(RemittanceError::End(tape.cut_off.clone()));
    }
    let months = before.into_iter().zip(events).zip(after);
    let months = months.map(|((before, event), after)| LoanMonth {
        before,
        event,
        after,
    });
    let months: Vec<LoanMonth> = months.collect();
    let mut loans = tape.loans.clone();
    for (loan, month) in loans.iter_mut().zip(&months) {
        // Where nothing happens, the tape keeps what it says, even if the state passes over it.
        if month.before != month.after {
            fields.write(loan, &month.after, &tape.template)?;
        }
    }
    Ok(Rolled {
        tape: Tape {
            template: tape.template.clone(),
            cut_off,
            loans,
        },
        collections,
        loans: months,
    })
}

impl LoanFields {
    /// Writes what a month changes into a loan's fields.
    ///
    /// # Errors
    /// If the template lacks a field or code for it, or a field's largest value is less.
    pub fn write(
        &self,
        loan: &mut Loan,
        state: &LoanState,
        template: &Template,
    ) -> Result<(), StateError> {
        let lacks = |field: &'static str, wanted: &str| StateError::Template {
            template: template.name.clone(),
            field,
            wanted: wanted.to_string(),
        };
        let status = self.status.1.iter().position(|s| *s == state.status);
        let status = status.ok_or_else(|| lacks("status", "a code for every status"))?;
        let mut written = vec![
            (self.balance, state.balance.0),
            (self.term, state.term.into()),
            (self.days, state.days_past_due.into()),
            (self.status.0, status as u64),
        ];
        // An instalment, which comes first, stays.
        let computed = self.computed.iter().zip(COMPUTED).zip(state.computed());
        for ((field, name), value) in computed.skip(1) {
            let field = field.ok_or_else(|| lacks(name, "a number with 2 decimals"))?;
            written.push((field, value.0));
        }
        for (field, value) in written {
            let terms = &template.fields[field];
            // A commitment holds no more than that.
            if value > terms.kind.most() {
                return Err(StateError::Loan {
                    loan: loan.id.clone(),
                    problem: format!(
                        "`{}` would be {}, more than the template's largest value",
                        terms.name,
                        terms.show(value)
                    ),
                });
            }
            loan.values[field] = Some(value);
        }
        Ok(())
    }
}
