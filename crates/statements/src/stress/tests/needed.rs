//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use gadgets::totals::SALTS;
use records::units::Cents;
use stark::{F, PrimeCharacteristicRing};

use super::*;
use crate::stress::claim::FIRST_STEP;
use crate::stress::tables::schedule::{PER_ROW, step};

/// 120,000 at 5% for 24 months with an instalment of 300: 300 a month come in, not the 500 of interest; what is deferred is not
/// forgotten, and is due in the last month.
#[test]
fn deferred_interest_is_not_due() {
    let mut tape = tape(1);
    for (name, value) in [
        ("balance", 12_000_000),
        ("rate", 50_000),
        ("remaining_term", 24),
        ("instalment", 30_000),
        ("frequency", 0),
        ("amortization", 0),
        ("accrued", 0),
        ("overdue_interest", 0),
        ("overdue_principal", 0),
        ("days_past_due", 0),
        ("status", 0),
    ] {
        let field = tape.template.field(name).expect("it has one");
        tape.loans[0].values[field] = Some(value);
    }
    let terms = Terms {
        stresses: Vec::new(),
        ..terms(&tape)
    };
    let prepared = Prepared::new(&tape, &terms, &secret()).expect("it is true");
    let schedule = &prepared.claim().schedule.rows;
    assert_eq!(schedule.len(), 24);
    for row in &schedule[..23] {
        assert_eq!((row.interest, row.principal), (Cents(30_000), Cents(0)));
    }
    assert_eq!(schedule[23].interest, Cents(24 * 50_000 - 23 * 30_000));
    assert_eq!(wrong(&prepared, |_| ()), [""; 0]);
    // The second row of six months starts with six times 200.
    let deferred = rows(&prepared).schedule[1].standing[0].accrued;
    assert_eq!(deferred, 6 * 20_000);
    let forgotten = wrong(&prepared, |rows| rows.schedule[1].standing[0].accrued = 0);
    assert!(forgotten.contains(&"SCHEDULE-2".into()), "{forgotten:?}");
    // All interest as if it were paid in the month: no other schedule fits the loan's rows.
    let mut claim = prepared.claim().clone();
    claim.schedule.rows[0].interest += Cents(20_000);
    claim.schedule.rows[23].interest -= Cents(20_000);
    let mut rows = rows(&prepared);
    let register = SALTS + FIRST_STEP;
    rows.after[register] += 20_000;
    rows.after[register + 2 * 23] -= 20_000;
    let tables = PartTables::new(&claim, prepared.context(), 0);
    let broken = violated(&tables.airs(), &rows.fill(&tables));
    assert!(!broken.is_empty());
}

/// Those of the constraints that the tables of a claim could do without.
fn idle(ids: &[&'static str]) -> Vec<&'static str> {
    let prepared = prepared(150);
    crate::testing::idle(&prepared, &in_all_tables(&prepared, &ROWS), ids)
}

/// Of loans, of the list's end, and unused ones.
const ROWS: [usize; 8] = [2, 3, 4, 5, 90, 149, 150, 200];

#[test]
fn each_constraint_of_loans_is_needed() {
    let ids = ["LOANS-1", "LOANS-2"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_schedule_is_needed() {
    let ids = [
        "SCHEDULE-1",
        "SCHEDULE-2",
        "SCHEDULE-3",
        "SCHEDULE-4",
        "SCHEDULE-5",
        "SCHEDULE-7",
        "SCHEDULE-8",
        "SCHEDULE-9",
    ];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_months_is_needed() {
    let ids = ["MONTHS-1", "MONTHS-3"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_the_calendar_is_needed() {
    let ids = ["CALENDAR-1"];
    assert_eq!(idle(&ids), [""; 0]);
}

/// A schedule that leaves out the last month, in which loans still pay.
#[test]
fn nothing_comes_behind_the_schedule() {
    let prepared = prepared(150);
    let mut claim = prepared.claim().clone();
    claim.schedule.rows.pop();
    let tables = PartTables::new(&claim, prepared.context(), 0);
    let mut rows = rows(&prepared);
    for state in [&mut rows.before, &mut rows.after] {
        state.truncate(SALTS + FIRST_STEP + 2 * claim.schedule.rows.len());
    }
    assert_eq!(violated(&tables.airs(), &rows.fill(&tables)), ["MONTHS-2"]);
}

/// A schedule in which a loan's interest comes a month later than it is due, with that of the next month.
#[test]
fn interest_does_not_come_later() {
    let prepared = prepared(150);
    let mut rows = rows(&prepared);
    // Two months of a row in which the loan pays interest, but no instalment.
    let pays = |at: usize, k: usize| {
        let row = &rows.schedule[at];
        let owes = step(&row.contract, &row.standing[k], &row.months[k]?).0 > 0;
        (owes && row.months[k]?.pays && !row.months[k]?.level).then_some(())
    };
    let (at, k) = (0..rows.schedule.len())
        .flat_map(|at| (0..PER_ROW - 1).map(move |k| (at, k)))
        .find(|&(at, k)| pays(at, k).and(pays(at, k + 1)).is_some())
        .expect("some loan pays interest only");
    let row = &mut rows.schedule[at];
    let due = row.months[k].as_mut().expect("it is there");
    let moved = step(&row.contract, &row.standing[k], due).0;
    due.pays = false;
    row.standing[k + 1].accrued += moved;
    let month = at % (1 << prepared.context().log_rows) * PER_ROW + k;
    let mut claim = prepared.claim().clone();
    claim.schedule.rows[month].interest -= Cents(moved);
    claim.schedule.rows[month + 1].interest += Cents(moved);
    let register = SALTS + FIRST_STEP + 2 * month;
    rows.after[register] -= u128::from(moved);
    rows.after[register + 2] += u128::from(moved);

    let tables = PartTables::new(&claim, prepared.context(), 0);
    let airs = tables.airs();
    let mut traces = rows.fill(&tables);
    // So far the calendar has another answer: this loan pays. With this answer only the interest due is wrong.
    assert_eq!(violated(&airs, &traces), ["bus calendar"]);
    let width = airs[1].width();
    let cells = at * width..(at + 1) * width;
    let paying = {
        rows.schedule[at].months[k]
            .as_mut()
            .expect("it is there")
            .pays = true;
        rows.fill(&tables)
    };
    let differs = |cell: &usize| traces[1].values[*cell] != paying[1].values[*cell];
    let pays = cells.clone().find(differs).expect("it pays");
    traces[1].values[pays] = F::ONE;
    assert_eq!(violated(&airs, &traces), ["SCHEDULE-6"]);
}
