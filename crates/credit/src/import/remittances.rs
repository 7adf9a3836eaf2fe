//! Reading what a servicer reports of a month: a table with the columns of [`record`].
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

use std::path::Path;

use fixed::Decimal;

use crate::amortization::Event;
use crate::deal::CENT_DECIMALS;
use crate::pool::Tape;
use crate::pool::remittance::Remittances;
use crate::pool::tape::CutOff;
use records::date::written;
use records::files::{At, ImportError};
use records::record::{Code, Column, Days, Kind, Record};
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
            Column::new(
                "cut_off",
                Kind::Date,
                "the day on which the month ends; without the column, whoever has the file names the day",
            )
            .optional(),
        ],
    )
}

/// The column of the day on which the month ends.
const CUT_OFF: usize = 3;

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
    let other = |day: &str| {
        format!(
            "'{day}' is not {cut_off}, a month after the tape's cut-off date; give the months in order, and the tape of the month \
             before"
        )
    };
    if let Some(day) = named.filter(|day| *day != cut_off) {
        return Err(At::file(path).error(None, other(&day.to_string())));
    }
    let mut is_named = named.is_some();
    let on_tape: std::collections::HashSet<&str> =
        tape.loans.iter().map(|l| l.id.as_str()).collect();
    let mut remittances = Remittances::new();
    let mut table = Table::of(path, record())?;
    let table_has_day = table.has(CUT_OFF);
    while let Some(row) = table.next_row()? {
        if table_has_day {
            let day = row.need::<Days>(CUT_OFF)?;
            let day = written(day.0);
            if day != cut_off.to_string() {
                return Err(row.error(CUT_OFF, other(&day)));
            }
            is_named = true;
        }
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
    if is_named {
        return Ok(remittances);
    }
    let problem = format!(
        "nothing says of which month the file is; add a column `cut_off` with {cut_off} in every line, or name the day (--month \
         {cut_off})"
    );
    Err(At::file(path).error(Some("cut_off"), problem))
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
