//! Schedules of several months a step.

use super::*;
use records::units::Cents;

/// A schedule of steps is proven as one of months is, and its outcomes are those of the months it is spread over.
#[test]
fn steps_have_a_witness() {
    for (loans, detail) in [
        (1, QUARTERS),
        (150, QUARTERS),
        (256, MANY_LOANS),
        (3, MANY_LOANS),
    ] {
        let prepared = prepared_in(loans, detail);
        let (claim, monthly) = (prepared.claim(), self::prepared(loans));
        assert_eq!(claim.pool, monthly.claim().pool);
        assert!(claim.schedule.rows.len() <= monthly.claim().schedule.rows.len());
        assert!(
            claim.monthly().expect("it fits").rows.len() >= monthly.claim().schedule.rows.len()
        );
        let found = wrong(&prepared, |_| ());
        assert_eq!(found, Vec::<String>::new(), "{loans} loans");
    }
}

/// Parts of a schedule of steps, and what an issuer would change in it.
#[test]
fn changed_steps_are_rejected() {
    let prepared = prepared_in(300, QUARTERS);
    let good = prepared.claim();
    assert_eq!(good.segments.len(), 2);
    let proofs = proven(&prepared);
    let changes: Vec<(&str, Change<Stressed>)> = vec![
        ("months", |c| c.steps.clear()),
        ("a longer first step", |c| c.steps[0] += 1),
        ("a longer last step", |c| {
            *c.steps.last_mut().expect("some") += 1
        }),
        ("another place", |c| {
            c.steps[0] += 1;
            c.steps[1] -= 1;
        }),
        ("a step without months", |c| c.steps[0] = 0),
        ("a step less", |c| {
            c.steps.pop();
        }),
        ("steps without end", |c| c.steps[0] = u16::MAX),
        ("interest sooner", |c| {
            c.schedule.rows[0].interest += Cents(1);
            c.schedule.rows[1].interest -= Cents(1);
        }),
        ("principal sooner", |c| {
            c.schedule.rows[0].principal += Cents(1);
            c.schedule.rows[0].balance -= Cents(1);
            c.schedule.rows[1].principal -= Cents(1);
        }),
    ];
    for (what, change) in changes {
        let mut claim = good.clone();
        change(&mut claim);
        // With the outcomes that follow from it.
        if let Ok(monthly) = claim.monthly() {
            let terms = terms(&tape(300));
            let setting = terms.setting(&monthly, &claim.deal_state);
            claim.scenarios = terms.scenarios(&setting).expect("it runs");
            claim.models = terms.models(&setting).expect("it runs");
        }
        let outcome = verify::<Stressed>(&claim, &proofs);
        assert!(outcome.is_err(), "{what} was accepted");
        let text = format!("{outcome:?}");
        assert!(!text.contains("unexpectedly"), "{what}: {text}");
    }
}

/// A forger of a step's interest, who counts what comes in right: in another step, or more of it.
#[test]
fn forged_sums_of_steps_are_refused() {
    let prepared = prepared_in(150, QUARTERS);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let airs = tables.airs();
    let good = prepared.traces(0);
    let width = airs[2].width();
    let flows = rows(&prepared).flows(&tables.months);
    // The second step's first month: the cells of its sum start with zeros.
    let zeros = flows[3].before;
    assert_eq!(zeros, [0; 6]);
    assert_ne!(flows[4].before, zeros);
    let mut changed = 0;
    for column in 0..width {
        for row in [3, 4, 5] {
            let mut forged = good.clone();
            let cell = &mut forged[2].values[row * width + column];
            // As if the step before went on: its last month's sum in place of zeros, and the other way round.
            let other = good[2].values[(row - 1) * width + column];
            if *cell == other {
                continue;
            }
            *cell = other;
            changed += 1;
            assert!(!violated(&airs, &forged).is_empty(), "{row} {column}");
        }
    }
    assert!(changed > 30, "{changed}");
}
