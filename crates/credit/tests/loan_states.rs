//! Loans of a tape as what pays.

use credit::amortization::{Frequency, LoanState, Rule, Status};
use credit::pool::states::{COMPUTED, fill_computed};
use credit::pool::tape::{Loan, Tape};
use credit::pool::template::{Template, built_in};
use credit::pool::{LoanFields, StateError, states};
use records::units::Cents;

/// A loan of a tape, in a template's fields.
fn tape(name: &str, values: &[(&str, &str)]) -> Tape {
    let template: Template = serde_json::from_str(built_in(name).unwrap()).unwrap();
    let value = |f: &credit::pool::Field| {
        let given = values.iter().find(|(n, _)| *n == f.name);
        given
            .map(|(_, v)| f.parse(v).unwrap())
            .or((!f.optional && !COMPUTED.contains(&f.name.as_str())).then_some(0))
    };
    let loan = Loan {
        id: "one".into(),
        values: template.fields.iter().map(value).collect(),
    };
    let cut_off = String::from("2026-11-21").try_into().unwrap();
    Tape {
        template,
        cut_off,
        loans: vec![loan],
    }
}

#[test]
fn loans_of_a_tape() {
    let fields = [
        ("balance", "123456.78"),
        ("rate", "3.625"),
        ("remaining_term", "171"),
        ("frequency", "monthly"),
        ("amortization", "level-pay"),
        ("status", "performing"),
        ("days_past_due", "0"),
    ];
    let with = |name: &str, value: &str| {
        let mut fields = fields.to_vec();
        fields.retain(|(n, _)| *n != name);
        let all = fields.iter().copied().chain([(name, value)]);
        tape("mortgage", &all.collect::<Vec<_>>())
    };
    let (balance, rule) = (Cents(12_345_678), Rule::LevelPay);
    let exact = LoanState::new(balance, 36_250, 171, Frequency::Monthly, rule).unwrap();
    assert_eq!(states(&with("rate", "3.625")).unwrap(), [exact]);
    assert_eq!(
        states(&with("days_past_due", "65")).unwrap(),
        [exact.past_due(65)]
    );
    assert_eq!(
        exact.past_due(65).overdue_interest,
        exact.month_interest() * 2
    );
    let defaulted = states(&with("status", "defaulted")).unwrap()[0];
    assert_eq!(
        (defaulted.status, defaulted.pool_balance()),
        (Status::Defaulted, Cents(0))
    );
    let error = states(&with("status", "prepaid")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("loan `one`: it is Prepaid and still owes"),
        "{error}"
    );
    for name in ["mortgage", "auto", "consumer", "receivable"] {
        states(&tape(name, &fields[..3])).unwrap();
    }
    let carbon: Template = serde_json::from_str(built_in("carbon").unwrap()).unwrap();
    assert!(matches!(
        LoanFields::new(&carbon),
        Err(StateError::Template { .. })
    ));

    // A tape that says what is paid each time.
    let mut own = with("rate", "3.625");
    let instalment = own.template.field("instalment").unwrap();
    own.loans[0].values[instalment] = Some(90_000);
    assert_eq!(states(&own).unwrap()[0].instalment, Cents(90_000));

    // And one that says what is overdue, whatever the days past due suggest.
    let mut own = with("days_past_due", "65");
    for (name, value) in [
        ("accrued", 11),
        ("overdue_interest", 22),
        ("overdue_principal", 33),
    ] {
        let field = own.template.field(name).unwrap();
        own.loans[0].values[field] = Some(value);
    }
    let state = states(&own).unwrap()[0];
    assert_eq!(
        (
            state.accrued,
            state.overdue_interest,
            state.overdue_principal
        ),
        (Cents(11), Cents(22), Cents(33))
    );
    fill_computed(&mut own.loans[0], &own.template).unwrap();
    assert_eq!(states(&own).unwrap(), [state]);
}
