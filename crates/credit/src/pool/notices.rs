//! What is odd about a tape that can be used all the same: real for some products, a mistake of the file for most.

use crate::amortization::{LoanState, Rule, Status};
use fixed::Decimal;
use records::units::Cents;

use super::states::states;
use super::tape::Tape;

/// What whoever has the tape should know; nothing where its loans are none that pay.
pub fn notices(tape: &Tape) -> Vec<String> {
    let Ok(states) = states(tape) else {
        return Vec::new();
    };
    let open = || (tape.loans.iter().zip(&states)).filter(|(_, s)| s.status.is_open());
    let mut told = Vec::new();
    let short = open().filter_map(|(loan, s)| Some((loan, s, lacking(s)?)));
    let mut short = short.peekable();
    if let Some((loan, state, interest)) = short.peek() {
        let (id, instalment, interest) =
            (loan.id.clone(), shown(state.instalment), shown(*interest));
        told.push(format!(
            "{} loan(s) pay less than their interest (the first is `{id}`: instalment {instalment}, interest {interest}): the instalment is \
             all that counts as due, the rest is deferred without interest until maturity; correct the instalment if that was not agreed",
            short.count()
        ));
    }
    let is_matured =
        |s: &LoanState| s.term == 0 && s.balance > Cents(0) && s.status == Status::Performing;
    let mut matured = open().filter(|(_, s)| is_matured(s)).peekable();
    if let Some((loan, _)) = matured.peek() {
        let id = loan.id.clone();
        told.push(format!(
            "{} loan(s) are past maturity, owe something and are not late (the first is `{id}`): all of it is due in the next month, and a \
             stress counts it as doubtful; correct the remaining term if it was extended",
            matured.count()
        ));
    }
    told
}

/// A payment's interest, where the instalment is less.
fn lacking(state: &LoanState) -> Option<Cents> {
    let months = state.frequency.months()?;
    let interest = state.month_interest() * u64::from(months);
    let pays = state.rule == Rule::LevelPay && state.term > months;
    (pays && state.instalment < interest).then_some(interest)
}

fn shown(cents: Cents) -> Decimal {
    Decimal::new(cents.0.into(), crate::deal::CENT_DECIMALS)
}
