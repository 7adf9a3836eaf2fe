//! Loans of a tape as what pays, month by month.

use crate::amortization::{Frequency, LoanState, RollError, Rule, Status};
use records::units::Cents;

use super::tape::{Loan, Tape};
use super::template::{Kind, Template};

/// Why a loan of a tape cannot be rolled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The asset class has no such field, or not in these units.
    #[error("template `{template}`: a loan that pays needs a field `{field}` that is {wanted}")]
    Template {
        /// The template.
        template: String,
        /// The field.
        field: &'static str,
        /// What it should be.
        wanted: String,
    },
    /// A loan's fields contradict each other or are out of range.
    #[error("loan `{loan}`: {problem}")]
    Loan {
        /// The loan.
        loan: String,
        /// What is wrong.
        problem: String,
    },
}

/// The fields that a tape need not say: they are computed from the others.
pub const COMPUTED: [&str; 4] = [
    "instalment",
    "accrued",
    "overdue_interest",
    "overdue_principal",
];

/// Computes those of the [`COMPUTED`] fields that the template has and the loan does not say.
///
/// # Errors
/// As [`LoanFields::new`] and [`LoanFields::state`].
pub fn fill_computed(loan: &mut Loan, template: &Template) -> Result<(), StateError> {
    let missing: Vec<(usize, usize)> = COMPUTED
        .iter()
        .enumerate()
        .filter_map(|(which, name)| Some((which, template.field(name)?)))
        .filter(|&(_, field)| loan.values[field].is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let state = LoanFields::new(template)?.state(loan)?;
    let computed = state.computed();
    for (which, field) in missing {
        loan.values[field] = Some(computed[which].0);
    }
    Ok(())
}

impl LoanState {
    /// The values of the [`COMPUTED`] fields.
    pub(super) fn computed(&self) -> [Cents; COMPUTED.len()] {
        [
            self.instalment,
            self.accrued,
            self.overdue_interest,
            self.overdue_principal,
        ]
    }
}

/// Where a template keeps what a loan's payments follow from.
#[derive(Clone, Debug)]
pub struct LoanFields {
    /// What is owed.
    pub balance: usize,
    /// A year's interest.
    pub rate: usize,
    /// Months to maturity.
    pub term: usize,
    /// How often it pays, and what each code means.
    pub frequency: (usize, Vec<Frequency>),
    /// The amortization rule, and what each code means.
    pub rule: (usize, Vec<Rule>),
    /// Days past due.
    pub days: usize,
    /// The status, and what each code means.
    pub status: (usize, Vec<Status>),
    /// The [`COMPUTED`] fields that the template has.
    pub computed: [Option<usize>; COMPUTED.len()],
}

impl LoanFields {
    /// The fields `balance` (2 decimals), `rate` (percent a year, 4 decimals), `remaining_term` (months),
    /// `days_past_due`, and the codes `frequency`, `amortization` and `status`, all always present. The
    /// [`COMPUTED`] fields (2 decimals) may be there; where one is missing it is computed.
    ///
    /// # Errors
    /// Names a field that the template lacks or has otherwise, as for assets that are no loans.
    pub fn new(template: &Template) -> Result<Self, StateError> {
        let error = |field, wanted: String| StateError::Template {
            template: template.name.clone(),
            field,
            wanted,
        };
        let find = |name: &str, optional: bool, fits: &dyn Fn(&Kind) -> bool| {
            let i = template.field(name)?;
            let field = &template.fields[i];
            (field.optional <= optional && fits(&field.kind)).then_some(i)
        };
        let number = |name: &'static str, wanted: u8| {
            let fits =
                |kind: &Kind| matches!(kind, Kind::Number { decimals, .. } if *decimals == wanted);
            find(name, false, &fits).ok_or_else(|| {
                let text = format!("a number with {wanted} decimals and always present");
                error(name, text)
            })
        };
        Ok(Self {
            balance: number("balance", 2)?,
            rate: number("rate", 4)?,
            term: number("remaining_term", 0)?,
            days: number("days_past_due", 0)?,
            frequency: codes(template, "frequency")?,
            rule: codes(template, "amortization")?,
            status: codes(template, "status")?,
            computed: COMPUTED.map(|name| {
                find(name, true, &|kind| {
                    matches!(kind, Kind::Number { decimals: 2, .. })
                })
            }),
        })
    }

    /// The loan at the cut-off date. Where the tape does not say what is overdue, days past due do
    /// ([`LoanState::past_due`]), and with the status whether the loan is open; a defaulted loan's balance may
    /// still be recovered. Where it does not say what accrued, interest of the current period of a loan that
    /// pays less often than monthly is counted from the cut-off date on.
    ///
    /// # Errors
    /// Says what is out of range, or that a loan that was paid off or bought back still owes something.
    pub fn state(&self, loan: &Loan) -> Result<LoanState, StateError> {
        let error = |problem: String| StateError::Loan {
            loan: loan.id.clone(),
            problem,
        };
        let value = |i: usize| {
            let value = loan.values.get(i).copied().flatten();
            value.ok_or_else(|| error("a field is missing".into()))
        };
        let range = |name| move |_| RollError::Range(name);
        let small = |i: usize, name| {
            u16::try_from(value(i)?).map_err(|e| error(range(name)(e).to_string()))
        };
        let rate =
            u32::try_from(value(self.rate)?).map_err(|e| error(range("rate")(e).to_string()))?;
        let code = |i: usize| Ok::<usize, StateError>(value(i)? as usize);
        let unknown = || error("a code is unknown".into());
        let frequency = self.frequency.1.get(code(self.frequency.0)?);
        let rule = self.rule.1.get(code(self.rule.0)?);
        let status = *self
            .status
            .1
            .get(code(self.status.0)?)
            .ok_or_else(unknown)?;
        let (frequency, rule) = (*frequency.ok_or_else(unknown)?, *rule.ok_or_else(unknown)?);
        let (balance, term) = (
            Cents(value(self.balance)?),
            small(self.term, "remaining term")?,
        );
        let [instalment, accrued, interest, principal] = self
            .computed
            .map(|field| field.and_then(|i| loan.values.get(i).copied().flatten()));
        let state = match (rule, instalment.map(Cents)) {
            (Rule::LevelPay, Some(known)) => {
                LoanState::with_instalment(balance, rate, term, frequency, rule, known)
            }
            _ => LoanState::new(balance, rate, term, frequency, rule),
        };
        let mut state = state.map_err(|e| error(e.to_string()))?;
        match status {
            Status::Prepaid | Status::Repurchased if state.balance > Cents(0) => {
                return Err(error(format!(
                    "it is {status:?} and still owes {} cents; correct the status or the balance",
                    state.balance
                )));
            }
            Status::Prepaid | Status::Repurchased => state = state.closed(status),
            Status::Defaulted => {
                state = state.past_due(small(self.days, "days past due")?);
                state.status = Status::Defaulted;
                state.overdue_principal = Cents(0);
            }
            Status::Performing | Status::Delinquent => {
                // Also if nothing is owed: its next month closes it.
                state.status = Status::Performing;
                state = state.past_due(small(self.days, "days past due")?);
            }
        }
        state.accrued = accrued.map_or(state.accrued, Cents);
        state.overdue_interest = interest.map_or(state.overdue_interest, Cents);
        state.overdue_principal = principal.map_or(state.overdue_principal, Cents);
        state.check().map_err(|e| error(e.to_string()))?;
        Ok(state)
    }
}

/// A field of codes, and what each code means.
pub(crate) fn codes<T: serde::de::DeserializeOwned>(
    template: &Template,
    field: &'static str,
) -> Result<(usize, Vec<T>), StateError> {
    let error = |wanted: String| StateError::Template {
        template: template.name.clone(),
        field,
        wanted,
    };
    let i = template.field(field);
    let i = i.filter(|i| !template.fields[*i].optional);
    let i = i.ok_or_else(|| error("a code and always present".into()))?;
    let meaning = |code: &String| {
        let known = serde_json::from_value(serde_json::Value::String(code.clone()));
        known.map_err(|_| error(format!("no `{code}`, a code without a known meaning")))
    };
    let codes = template.fields[i].kind.codes();
    if codes.is_empty() {
        return Err(error("a code".into()));
    }
    Ok((i, codes.iter().map(meaning).collect::<Result<_, _>>()?))
}

/// The loans of a tape at its cut-off date, in its order.
///
/// # Errors
/// Names the field that the template lacks, or the loan that is wrong.
pub fn states(tape: &Tape) -> Result<Vec<LoanState>, StateError> {
    let fields = LoanFields::new(&tape.template)?;
    tape.loans.iter().map(|loan| fields.state(loan)).collect()
}
