//! Loans of mortgage tapes.
#![allow(dead_code)] // Each test file uses its part.

use credit::import::tape::read_template;
use credit::pool::{Loan, Tape, Template};

pub fn mortgage() -> Template {
    read_template("mortgage").unwrap()
}

/// A performing loan in California of 100,000.00 at 3.5% over 360 months.
pub fn loan(id: &str, template: &Template, fields: &[(&str, &str)]) -> Loan {
    let usual = [
        ("original_balance", "100000"),
        ("balance", "100000"),
        ("rate", "3.5"),
        ("remaining_term", "360"),
        ("frequency", "monthly"),
        ("amortization", "level-pay"),
        ("instalment", "449.05"),
        ("borrower", id),
        ("state", "CA"),
        ("days_past_due", "0"),
        ("status", "performing"),
    ];
    let mut values = vec![None; template.fields.len()];
    for (name, text) in usual.iter().chain(fields) {
        let field = template.field(name).unwrap();
        values[field] = (!text.is_empty()).then(|| template.fields[field].parse(text).unwrap());
    }
    Loan {
        id: id.into(),
        values,
    }
}

pub fn tape(loans: Vec<Loan>) -> Tape {
    Tape {
        template: mortgage(),
        cut_off: "2020-04-01".to_string().try_into().unwrap(),
        loans,
    }
}
