//! Reading what a servicer reports of a month: a table with the columns of [`record`].
//!
//! ```csv
//! id,event,amount
//! loan-000001,payment,2533.43
//! loan-000002,default,
//! loan-000003,recovery,120000.00
//! loan-000004,repurchase,250310.77
//! ```
//!
//! A loan that is not listed paid nothing; `payment` is all that came in from its borrower in the month.

use std::path::Path;

use fixed::Decimal;

use crate::amortization::Event;
use crate::deal::CENT_DECIMALS;
use crate::pool::Tape;
use crate::pool::remittance::Remittances;
use records::files::ImportError;
use records::record::{Code, Column, Kind, Record};
use records::table::{Row, Table};
use records::units::Cents;

/// What a servicer reports of a loan.
pub fn record() -> Record {
    let events = ["payment", "default", "recovery", "repurchase"];
    Record::new(
        "remittance",
        "What a servicer reports of a month, one record a loan. A loan that is not listed paid nothing.",
        vec![
            Column::new("id", Kind::Id, "the loan, as the tape names it"),
            Column::new(
                "event",
                Kind::code(&events),
                "what happened; a payment is all that came in from its borrower",
            ),
            Column::new(
                "amount",
                Kind::amount(CENT_DECIMALS),
                "what came in; nothing with a default",
            )
            .unit("currency of the pool")
            .may_be_empty(),
        ],
    )
}

/// Reads a month of a tape.
///
/// # Errors
/// Says what is wrong where.
pub fn read_remittances(path: &Path, tape: &Tape) -> Result<Remittances, ImportError> {
    let on_tape: std::collections::HashSet<&str> =
        tape.loans.iter().map(|l| l.id.as_str()).collect();
    let mut remittances = Remittances::new();
    let mut table = Table::of(path, record())?;
    while let Some(row) = table.next_row()? {
        let id: String = row.need(0)?;
        if !on_tape.contains(id.as_str()) {
            return Err(row.error(
                0,
                format!("loan `{id}` is not on the tape; remove it or correct the id"),
            ));
        }
        let event = event_of(&row)?;
        if remittances.insert(id.clone(), event).is_some() {
            let problem = format!("loan `{id}` stands twice; add its payments up");
            return Err(row.error(0, problem));
        }
    }
    Ok(remittances)
}

fn event_of(row: &Row<'_>) -> Result<Event, ImportError> {
    let cents = || {
        let amount: Decimal = row.need(2)?;
        let units = amount.rescale_exact(CENT_DECIMALS).ok();
        units
            .and_then(|u| u64::try_from(u).ok())
            .map(Cents)
            .ok_or_else(|| row.error(2, format!("{amount} is too large; correct it")))
    };
    let code: Code = row.need(1)?;
    Ok(match code.0 {
        0 => Event::Payment(cents()?),
        2 => Event::Recovery(cents()?),
        3 => Event::Repurchase(cents()?),
        _ if row.text(2)?.is_none() => Event::Default,
        _ => {
            let problem = "nothing comes in with a default; leave it empty, and list what comes in later as a recovery";
            return Err(row.error(2, problem));
        }
    })
}
