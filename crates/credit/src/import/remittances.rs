//! Reading what a servicer reports of a month: a CSV or Parquet file with the columns `id`, `event` and `amount`.
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

use records::units::Cents;
use std::path::Path;

use crate::amortization::Event;
use crate::deal::CENT_DECIMALS;
use crate::pool::Tape;
use crate::pool::remittance::Remittances;
use records::files::{At, ImportError};
use records::table::read_table;

/// Reads a month of a tape.
///
/// # Errors
/// Says what is wrong where.
pub fn read_remittances(path: &Path, tape: &Tape) -> Result<Remittances, ImportError> {
    let on_tape: std::collections::HashSet<&str> =
        tape.loans.iter().map(|l| l.id.as_str()).collect();
    let mut remittances = Remittances::new();
    read_table(
        path,
        |at, header| {
            let [id, event, amount] = ["id", "event", "amount"].map(|name| header.column(at, name));
            Ok([id?, event?, amount?])
        },
        |columns, at, cells| {
            let [id, event, amount] = columns.map(|c| cells[c]);
            if !on_tape.contains(id) {
                let problem = format!("loan `{id}` is not on the tape");
                return Err(at.error(Some("id"), problem));
            }
            let event = event_of(at, event, amount)?;
            if remittances.insert(id.to_string(), event).is_some() {
                let problem = format!("loan `{id}` stands twice; add its payments up");
                return Err(at.error(Some("id"), problem));
            }
            Ok(())
        },
    )?;
    Ok(remittances)
}

fn event_of(at: &At, event: &str, amount: &str) -> Result<Event, ImportError> {
    let cents = || {
        let error = |problem: String| at.error(Some("amount"), problem);
        let number = at.number("amount", amount)?;
        let units = number.rescale_exact(CENT_DECIMALS).map_err(|_| {
            error(format!(
                "{amount} has more than {CENT_DECIMALS} decimals; cut it"
            ))
        })?;
        u64::try_from(units)
            .map(Cents)
            .map_err(|_| error(format!("{amount} is negative or too large")))
    };
    match event {
        "payment" => Ok(Event::Payment(cents()?)),
        "recovery" => Ok(Event::Recovery(cents()?)),
        "repurchase" => Ok(Event::Repurchase(cents()?)),
        "default" if amount.is_empty() => Ok(Event::Default),
        "default" => {
            let problem = "nothing comes in with a default; leave it empty, and list what comes in later as a recovery";
            Err(at.error(Some("amount"), problem))
        }
        _ => {
            let problem = format!("'{event}' is not one of payment, default, recovery, repurchase");
            Err(at.error(Some("event"), problem))
        }
    }
}
