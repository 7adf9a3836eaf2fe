//! A sample pool: residential mortgages as an issuer might hold them, none of them real.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use records::units::Cents;

use fixed::Decimal;

use crate::amortization::{Event, LoanState, Status};
use crate::pool::remittance::Remittances;
use crate::pool::states::{fill_computed, states};
use crate::pool::tape::CutOff;
use crate::pool::{Loan, Tape, Template};
use records::date;

/// States and how often they stand on the tape.
const STATES: [(&str, u32); 10] = [
    ("CA", 18),
    ("TX", 13),
    ("FL", 12),
    ("NY", 11),
    ("IL", 9),
    ("WA", 8),
    ("OH", 8),
    ("GA", 8),
    ("CO", 7),
    ("MA", 6),
];

/// The cut-off date of samples.
pub const CUT_OFF: &str = "2026-10-31";

/// What a sample claims of its pool: rules that all loans satisfy, and figures, as the program reads them.
pub const TERMS: &str = include_str!("../templates/sample-terms.json");

/// Stresses of a sample, the last one over a factor, as the program reads them.
pub const STRESSES: &str = include_str!("../templates/sample-stresses.json");

/// What a tape's open loans owe together, in cents.
///
/// # Panics
/// If its loans are no samples.
pub fn owed(tape: &Tape) -> Cents {
    let loans = states(tape).expect("samples are loans");
    loans.iter().map(LoanState::pool_balance).sum()
}

/// An id, and fields by name.
type Line = (String, Vec<(&'static str, String)>);

/// Mortgages of the built-in template, as [`tape`].
pub fn mortgages(seed: u64, loans: usize) -> Tape {
    let template = crate::import::tape::read_template("mortgage").expect("it comes with the crate");
    tape(seed, loans, &template)
}

/// A tape of so many mortgages. The same seed gives the same loans. Some are late, few have defaulted, and one in twenty does
/// not say what the borrower earns.
///
/// # Panics
/// If the template is not that of mortgages.
pub fn tape(seed: u64, loans: usize, template: &Template) -> Tape {
    let loans = lines(seed, loans).map(|(id, fields)| {
        let mut values = vec![None; template.fields.len()];
        for (name, text) in fields {
            let field = template.field(name).expect("the template of mortgages");
            if !text.is_empty() {
                let value = template.fields[field].parse(&text);
                values[field] = Some(value.expect("samples fit the template"));
            }
        }
        let mut loan = Loan { id, values };
        fill_computed(&mut loan, template).expect("samples are loans");
        loan
    });
    Tape {
        template: template.clone(),
        cut_off: CUT_OFF.to_string().try_into().expect("a date"),
        loans: loans.collect(),
    }
}

/// What a servicer might report of a tape's next month: most loans pay what is due, few pay nothing or part of it, pay early,
/// catch up, default, are bought back, or recover something. The same seed gives the same month.
///
/// # Panics
/// If the tape's loans are no loans.
pub fn remittances(seed: u64, tape: &Tape) -> Remittances {
    let mut rng = StdRng::seed_from_u64(seed);
    let loans = states(tape).expect("samples are loans");
    let months = tape.loans.iter().zip(&loans).map(|(loan, state)| {
        let owed = state.payoff();
        let due = state.due();
        let draw = rng.random_range(0..1_000);
        let event = match (state.status, state.as_scheduled()) {
            (Status::Defaulted, _) => match draw {
                0..200 => Event::Recovery(Cents(state.balance.0 / 3)),
                _ => Event::Recovery(Cents(0)),
            },
            (status, scheduled) if !status.is_open() => scheduled,
            (_, Event::Payment(_)) if state.days_past_due >= 150 && draw < 500 => Event::Default,
            // Late loans pay the month's instalment, or nothing.
            (Status::Delinquent, _) if draw < 400 => Event::Payment(due.interest + due.principal),
            (Status::Delinquent, _) if draw < 700 => Event::Payment(Cents(0)),
            (_, Event::Payment(scheduled)) => match draw {
                0..8 => Event::Payment(Cents(0)),
                8..12 => Event::Payment(Cents(scheduled.0 / 2)),
                12..20 => Event::Payment(owed),
                20..40 => Event::Payment((scheduled + Cents(100_000)).min(owed)),
                40..42 => Event::Repurchase(owed),
                _ => Event::Payment(scheduled),
            },
            (_, other) => other,
        };
        (loan.id.clone(), event)
    });
    months.collect()
}

/// The same month as a CSV; it ends on `cut_off`.
pub fn remittances_csv(remittances: &Remittances, cut_off: &CutOff) -> String {
    let mut text = String::from("id,event,amount,cut_off\n");
    for (id, event) in remittances {
        let (event, amount) = match event {
            Event::Payment(cents) => ("payment", Some(cents)),
            Event::Recovery(cents) => ("recovery", Some(cents)),
            Event::Repurchase(cents) => ("repurchase", Some(cents)),
            Event::Default => ("default", None),
        };
        let amount = amount.map_or(String::new(), |c| Decimal::new(c.0.into(), 2).to_string());
        text += &format!("{id},{event},{amount},{cut_off}\n");
    }
    text
}

/// The same tape as a CSV in our own layout.
pub fn csv(seed: u64, loans: usize) -> String {
    let mut text = String::new();
    for (id, fields) in lines(seed, loans) {
        if text.is_empty() {
            text.push_str("id");
            fields.iter().for_each(|(name, _)| text.extend([",", name]));
            text.push('\n');
        }
        text.push_str(&id);
        fields.iter().for_each(|(_, cell)| text.extend([",", cell]));
        text.push('\n');
    }
    text
}

fn lines(seed: u64, loans: usize) -> impl Iterator<Item = Line> {
    let mut rng = StdRng::seed_from_u64(seed);
    let today = date::days_of(CUT_OFF).expect("a date");
    (0..loans).map(move |i| {
        let term: i64 = [180, 240, 360, 360, 360][rng.random_range(0..5)];
        let age = rng.random_range(1..60i64);
        let original = Cents(rng.random_range(80..900) * 100_000u64);
        // Falls by about as much as a level payment takes off.
        let balance = original - Cents(original.0 * age as u64 / (2 * term as u64));
        let late = match rng.random_range(0..100) {
            0 => rng.random_range(90..200),
            1 => rng.random_range(60..90),
            2..=4 => rng.random_range(30..60),
            _ => 0,
        };
        let status = match late {
            180.. => "defaulted",
            30.. => "delinquent",
            _ => "performing",
        };
        let mut draw = rng.random_range(0..100);
        let state = STATES.iter().find(|(_, share)| {
            let here = draw < *share;
            draw = draw.saturating_sub(*share);
            here
        });
        let number =
            |low: u32, high: u32, rng: &mut StdRng| rng.random_range(low..high).to_string();
        let cents = |Cents(amount)| format!("{}.{:02}", amount / 100, amount % 100);
        let borrower = if rng.random_range(0..30) == 0 {
            format!("landlord {}", rng.random_range(0..20))
        } else {
            format!("borrower {i}")
        };
        let dti = if rng.random_range(0..20) == 0 {
            String::new()
        } else {
            number(15, 46, &mut rng)
        };
        let fields = vec![
            ("original_balance", cents(original)),
            ("balance", cents(balance)),
            (
                "rate",
                format!(
                    "{}.{}",
                    rng.random_range(3..7),
                    ["125", "25", "375", "5"][rng.random_range(0..4)]
                ),
            ),
            ("remaining_term", (term - age).to_string()),
            ("frequency", "monthly".into()),
            ("amortization", "level-pay".into()),
            ("origination", date::written(today - age * 30)),
            ("maturity", date::written(today + (term - age) * 30)),
            ("borrower", borrower),
            ("state", state.map_or("WA", |(s, _)| s).to_string()),
            ("fico", number(640, 830, &mut rng)),
            ("ltv", number(35, 96, &mut rng)),
            ("dti", dti),
            ("days_past_due", late.to_string()),
            ("status", status.into()),
            (
                "occupancy",
                ["primary", "primary", "primary", "second", "investment"][rng.random_range(0..5)]
                    .into(),
            ),
            (
                "purpose",
                ["purchase", "cash-out", "refinance"][rng.random_range(0..3)].into(),
            ),
        ];
        (format!("loan-{i:06}"), fields)
    })
}
