//! A month of a tape: what its loans paid, and the tape after it.

use credit::amortization::{Event, RollError, Status};
use credit::import::remittances::read_remittances;
use credit::import::tape::{read_tape, read_template, write_tape};
use credit::pool::remittance::{RemittanceError, Remittances, Rolled, roll_tape};
use credit::pool::tape::CutOff;
use credit::pool::{Tape, states};
use credit::sample_pool::{remittances, remittances_csv, tape};
use records::date::{days_of, next_month, written};
use records::units::Cents;

fn sample(loans: usize) -> Tape {
    tape(5, loans, &read_template("mortgage").unwrap())
}

#[test]
fn months_end_on_their_last_days() {
    for (day, next) in [
        ("2026-10-31", "2026-11-30"),
        ("2026-11-30", "2026-12-31"),
        ("2026-12-31", "2027-01-31"),
        ("2027-01-31", "2027-02-28"),
        ("2027-02-28", "2027-03-31"),
        ("2028-01-30", "2028-02-29"),
        ("2028-02-29", "2028-03-31"),
        ("2026-12-15", "2027-01-15"),
        ("2026-01-29", "2026-02-28"),
    ] {
        assert_eq!(written(next_month(days_of(day).unwrap())), next, "{day}");
    }
}

#[test]
fn a_tape_rolls_month_by_month_as_its_loans_do() {
    let mut now = sample(1_500);
    let mut statuses = std::collections::BTreeSet::new();
    for month in 0..4 {
        let events = remittances(month, &now);
        let Rolled {
            tape: after,
            collections,
            ..
        } = roll_tape(&now, &events).unwrap();
        let (before_states, after_states) = (states(&now).unwrap(), states(&after).unwrap());
        let mut interest = Cents(0);
        for (i, loan) in now.loans.iter().enumerate() {
            let (next, sum) = before_states[i].roll(events[&loan.id]).unwrap();
            // What the tape says is all that is known of the loan.
            assert_eq!(next, after_states[i], "{}", loan.id);
            interest += sum.interest;
            statuses.insert(format!("{:?}", next.status));
        }
        assert_eq!(collections.interest, interest);
        assert_eq!(
            collections.balance_after,
            after_states.iter().map(|s| s.pool_balance()).sum::<Cents>()
        );
        assert_eq!(after.cut_off, now.cut_off.next());
        now = after;
    }
    assert_eq!(statuses.len(), 5, "{statuses:?}");
    assert_eq!(now.cut_off.to_string(), "2027-02-28");
}

#[test]
fn loans_of_which_nothing_is_reported_paid_nothing() {
    let now = sample(30);
    let Rolled {
        tape: after,
        collections,
        ..
    } = roll_tape(&now, &Remittances::new()).unwrap();
    assert_eq!(
        collections.interest + collections.scheduled_principal,
        Cents(0)
    );
    for (before, after) in states(&now).unwrap().iter().zip(states(&after).unwrap()) {
        let late = before.status == Status::Performing && after.status == Status::Delinquent;
        assert_eq!(late, before.status == Status::Performing);
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let now = sample(3);
    let one = |id: &str, event| roll_tape(&now, &Remittances::from([(id.to_string(), event)]));
    let id = now.loans[1].id.clone();
    assert_eq!(
        one("nobody", Event::Payment(Cents(1))).unwrap_err(),
        RemittanceError::Unknown("nobody".into())
    );
    assert_eq!(
        one(&id, Event::Recovery(Cents(1))).unwrap_err(),
        RemittanceError::Loan {
            loan: id.clone(),
            error: RollError::NotDefaulted
        }
    );
    assert!(one(&id, Event::Payment(Cents(u64::MAX / 4))).is_err());
}

#[test]
fn files_are_read_and_their_errors_placed() {
    let folder = tempfile::tempdir().unwrap();
    let now = sample(50);
    let events = remittances(9, &now);
    let path = folder.path().join("month.csv");
    let month = now.cut_off.next();
    std::fs::write(&path, remittances_csv(&events, &month)).unwrap();
    assert_eq!(read_remittances(&path, &now, &month, None).unwrap(), events);

    // A tape that was written reads as the same one, texts included.
    let after = roll_tape(&now, &events).unwrap().tape;
    let written = folder.path().join("after.csv");
    write_tape(&written, &after).unwrap();
    let again = read_tape(&written, &after.template, None, after.cut_off.clone()).unwrap();
    assert_eq!(again, after);

    for (lines, problem) in [
        (
            "nobody,payment,1",
            "month.csv:2: field `id`: loan `nobody` is not on the tape",
        ),
        (
            "loan-000001,payment,1.001",
            "month.csv:2: field `amount`: 1.001 has more than 2 decimals",
        ),
        ("loan-000001,payment,-1", "-1 is negative"),
        ("loan-000001,payment,", "field `amount`"),
        (
            "loan-000001,paid,1",
            "'paid' is not one of payment, default",
        ),
        ("loan-000001,default,1", "nothing comes in with a default"),
        (
            "loan-000001,payment,1\nloan-000001,payment,1",
            "month.csv:3: field `id`: loan `loan-000001` stands twice",
        ),
    ] {
        std::fs::write(&path, format!("id,event,amount\n{lines}\n")).unwrap();
        let error = read_remittances(&path, &now, &month, Some(&month))
            .unwrap_err()
            .to_string();
        assert!(error.contains(problem), "{lines}: {error}");
    }
}

/// A month is read only as the one that it says it is.
#[test]
fn a_month_names_its_cut_off_date() {
    let folder = tempfile::tempdir().unwrap();
    let now = sample(3);
    let path = folder.path().join("month.csv");
    let month = now.cut_off.next();
    assert_eq!(month.to_string(), "2026-11-30");
    let read = |text: &str, named: Option<&str>| {
        std::fs::write(&path, text).unwrap();
        let named = named.map(|day| CutOff::try_from(day.to_string()).unwrap());
        read_remittances(&path, &now, &month, named.as_ref()).map_err(|e| e.to_string())
    };
    let (plain, dated) = (
        "id,event,amount\nloan-000001,payment,1\n",
        "id,event,amount,cut_off\nloan-000001,payment,1,",
    );
    assert_eq!(read(plain, Some("2026-11-30")).unwrap().len(), 1);
    assert_eq!(
        read(&format!("{dated}2026-11-30\n"), None).unwrap().len(),
        1
    );
    for (text, named, problem) in [
        (
            plain.to_string(),
            None,
            "month.csv: field `cut_off`: nothing says of which month the file is; add a column `cut_off` with 2026-11-30",
        ),
        // Without a line, a column says nothing.
        (
            "id,event,amount,cut_off\n".into(),
            None,
            "nothing says of which month",
        ),
        (
            plain.to_string(),
            Some("2026-10-31"),
            "month.csv: '2026-10-31' is not 2026-11-30, a month after the tape's cut-off date",
        ),
        (
            format!("{dated}2026-12-31\n"),
            None,
            "month.csv:2: field `cut_off`: '2026-12-31' is not 2026-11-30",
        ),
        (
            format!("{dated}2026-11-30\nloan-000002,payment,1,2026-10-31\n"),
            Some("2026-11-30"),
            "month.csv:3: field `cut_off`: '2026-10-31' is not",
        ),
        (
            format!("{dated}\n"),
            Some("2026-11-30"),
            "month.csv:2: field `cut_off`: is empty",
        ),
    ] {
        let told = read(&text, named).unwrap_err();
        assert!(told.contains(problem), "{told}");
    }
}
