//! Reading what a servicer reports of a month: a CSV or Parquet file with the columns `id`, `event`, `amount` and `cut_off`.
//!
//! ```csv
//! id,event,amount,cut_off
//! loan-000001,payment,2533.43,2026-11-30
//! loan-000002,default,,2026-11-30
//! loan-000003,recovery,120000.00,2026-11-30
//! loan-000004,repurchase,250310.77,2026-11-30
//! ```
//!
//! `cut_off` is the day on which the month ends. It is that of the tape a month later in every line: a month is never read as
//! another one. A file without the column is read if whoever has it names the day.
//!
//! A loan that is not listed paid nothing; `payment` is all that came in from its borrower in the month.

use records::units::Cents;
use std::path::Path;

use crate::amortization::Event;
use crate::deal::CENT_DECIMALS;
use crate::pool::Tape;
use crate::pool::remittance::Remittances;
use crate::pool::tape::CutOff;
use records::files::{At, ImportError};
use records::table::read_table;

/// The column of the day on which the month ends.
const CUT_OFF: &str = "cut_off";

/// Reads a month of a tape's loans that ends on `cut_off`. `named` is the day that whoever has the file says it is of.
///
/// # Errors
/// If the file or whoever has it names another day, or neither names one; if a loan is not on the tape or stands twice; if an event
/// or an amount cannot be read.
pub fn read_remittances(
    path: &Path,
    tape: &Tape,
    cut_off: &CutOff,
    named: Option<&CutOff>,
) -> Result<Remittances, ImportError> {
    let file = At::file(path);
    let other = |at: &At, day: &str| {
        let problem = format!(
            "'{day}' is not {cut_off}, a month after the tape's cut-off date; give the months in order, and the tape of the month \
             before"
        );
        at.error(Some(CUT_OFF), problem)
    };
    if let Some(day) = named.filter(|day| *day != cut_off) {
        return Err(other(&file, &day.to_string()));
    }
    let mut is_named = named.is_some();
    let on_tape: std::collections::HashSet<&str> =
        tape.loans.iter().map(|l| l.id.as_str()).collect();
    let mut remittances = Remittances::new();
    read_table(
        path,
        |at, header| {
            let [id, event, amount] = ["id", "event", "amount"].map(|name| header.column(at, name));
            let day = match header.names().iter().any(|name| name == CUT_OFF) {
                true => Some(header.column(at, CUT_OFF)?),
                false => None,
            };
            Ok(([id?, event?, amount?], day))
        },
        |(columns, day), at, cells| {
            let [id, event, amount] = columns.map(|c| cells[c]);
            if let Some(day) = day.map(|c| cells[c]) {
                if day != cut_off.to_string() {
                    return Err(other(at, day));
                }
                is_named = true;
            }
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
    if is_named {
        return Ok(remittances);
    }
    let problem = format!(
        "nothing says of which month the file is; add a column `{CUT_OFF}` with {cut_off} in every line, or name the day (--month \
         {cut_off})"
    );
    Err(file.error(Some(CUT_OFF), problem))
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
