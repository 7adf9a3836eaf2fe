//! Tests, triggers, and what a period refuses.

// The cents stand apart: 100_00 is a hundred.
#![allow(clippy::inconsistent_digit_grouping)]

#[path = "common/deals.rs"]
mod deals;

use credit::collections::Collections;
use credit::waterfall::{DealState, WaterfallError, run};
use deals::{mini, quiet};
use records::units::Cents;
use serde_json::json;

#[test]
fn tests_are_measured_before_payments() {
    let deal = mini().set("/tests", json!([
        {"name": "OC-A", "measure": {"overcollateralization": {"tranches": ["A"]}}, "passes": {"at_least": "142.85714"}},
        {"name": "OC-B", "measure": {"overcollateralization": {"tranches": ["A", "B"]}}, "passes": {"at_least": "110"}},
        {"name": "IC", "measure": {"interest_coverage": {"tranches": ["A"], "fees": ["trustee"]}}, "passes": {"at_least": "200"}},
        {"name": "loss", "measure": "cumulative_loss", "passes": {"at_most": "0.0003"}},
        {"name": "30+", "measure": {"delinquency": {"days": 30}}, "passes": {"at_most": "6"}},
        {"name": "60+", "measure": {"delinquency": {"days": 60}}, "passes": {"at_most": "4.9"}},
        {"name": "90+", "measure": {"delinquency": {"days": 90}}, "passes": {"at_most": "3"}},
        {"name": "left", "measure": "pool_factor", "passes": {"at_least": "95"}}
    ]));
    let plan = deal.deal().plan().unwrap();
    let state = DealState::of(&plan);
    let collections = Collections {
        interest: Cents(7_000_00),
        scheduled_principal: Cents(49_996_00),
        defaulted: Cents(4_00),
        balance_after: Cents(950_000_00),
        delinquent: [Cents(9_500_00), Cents(19_000_00), Cents(28_500_01)],
        ..quiet(&state)
    };
    let (_, report) = run(&plan, &state, &collections, &[]).unwrap();
    let found: Vec<(&str, String, bool)> = report
        .tests
        .iter()
        .map(|t| (t.name.as_str(), t.value.unwrap().to_string(), t.passed))
        .collect();
    // Cover is 950000 + 49996 of principal. Least values are shown rounded down, most values up.
    let expected = [
        ("OC-A", "142.8565", false),
        ("OC-B", "111.1106", true),
        ("IC", "197.1428", false),
        ("loss", "0.0004", false),
        ("30+", "6.0001", false),
        ("60+", "5.0001", false),
        ("90+", "3.0001", false),
        ("left", "95.0000", true),
    ];
    let expected: Vec<(&str, String, bool)> = expected.map(|(n, v, p)| (n, v.into(), p)).to_vec();
    assert_eq!(found, expected);
    // With nothing to divide by, a test passes.
    let gone = Collections {
        repurchased: Cents(1_000_000_00),
        balance_after: Cents(0),
        ..quiet(&state)
    };
    let (state, _) = run(&plan, &state, &gone, &[]).unwrap();
    let (_, report) = run(&plan, &state, &quiet(&state), &[]).unwrap();
    assert!(report.tests[0].passed && report.tests[0].value.is_none());
    assert!(report.tests[4].passed && report.tests[4].value.is_none());
}

#[test]
fn triggers_look_at_dates_and_earlier_triggers() {
    let deal = mini()
        .set("/triggers", json!([
            {"name": "late", "when": {"any": [{"from": "2027-02-25"}]}, "curable": true},
            {"name": "window", "when": {"all": [{"tripped": "late"}, {"before": "2027-03-25"}]}, "curable": true},
            {"name": "once", "when": {"all": [{"tripped": "window"}]}, "curable": false},
            {"name": "outside", "when": {"any": [{"not_tripped": "window"}]}, "curable": true,
             "switch": {"waterfall": "interest", "to": "hold"}}
        ]))
        .set("/waterfalls/hold", json!([]));
    let plan = deal.deal().plan().unwrap();
    let mut state = DealState::of(&plan);
    for (tripped, held) in [
        ([false, false, false, true], true),
        ([true, true, true, false], false),
        ([true, false, true, true], true),
    ] {
        let (next, report) = run(&plan, &state, &quiet(&state), &[]).unwrap();
        assert_eq!(next.tripped, tripped);
        assert_eq!(report.steps.iter().all(|s| s.waterfall != "interest"), held);
        state = next;
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let deal = mini();
    let plan = deal.deal().plan().unwrap();
    let state = DealState::of(&plan);
    let told = |state: &DealState, collections| {
        run(&plan, state, &collections, &[])
            .unwrap_err()
            .to_string()
    };
    let wrong = Collections {
        balance_before: Cents(1),
        ..quiet(&state)
    };
    assert_eq!(
        told(&state, wrong),
        "collections: balance_before: loans owe 0.01, but by the deal the pool owes 1000000.00; take the tape that the deal closed over, \
         or correct what the deal says of its pool"
    );
    let (later, _) = run(&plan, &state, &quiet(&state), &[]).unwrap();
    let error = told(&later, wrong);
    assert!(
        error.contains(
            "but by the deal's state the pool owes 1000000.00; take the tape of the last month"
        ),
        "{error}"
    );
    let wrong = Collections {
        defaulted: Cents(1),
        ..quiet(&state)
    };
    assert!(told(&state, wrong).starts_with("collections: balance_after: is 100000000 cents"));
    let wrong = Collections {
        delinquent: [Cents(100_000_000), Cents(1), Cents(0)],
        ..quiet(&state)
    };
    assert!(told(&state, wrong).starts_with("collections: delinquent: are 100000001 cents"));
    let wrong = Collections {
        interest: Cents(u64::MAX),
        scheduled_principal: Cents(1),
        balance_after: state.pool_balance - Cents(1),
        ..quiet(&state)
    };
    assert!(run(&plan, &state, &wrong, &[]).is_ok());
    let wrong = Collections {
        interest: Cents(u64::MAX),
        ..quiet(&state)
    };
    let rich = DealState {
        period: 1,
        accounts: vec![Cents(1), Cents(0)],
        ..state.clone()
    };
    assert_eq!(told(&rich, wrong), "what an account holds is too large");

    let forged = |change: &dyn Fn(&mut DealState)| {
        let mut state = state.clone();
        change(&mut state);
        let error = run(&plan, &state, &quiet(&state), &[]).unwrap_err();
        assert!(matches!(error, WaterfallError::State { .. }), "{error}");
        error.to_string()
    };
    assert!(
        forged(&|s| s.accounts.push(Cents(0)))
            .starts_with("state: accounts: has 3 entries, the deal 2")
    );
    assert!(forged(&|s| s.tranches.truncate(1)).starts_with("state: tranches: has 1"));
    assert!(forged(&|s| s.fee_arrears.clear()).starts_with("state: fee_arrears: has 0"));
    assert!(forged(&|s| s.tripped.push(true)).starts_with("state: tripped: has 1"));
    assert!(
        forged(&|s| s.tranches[1].balance += Cents(1))
            .starts_with("state: tranches[1].balance: is more")
    );
    assert!(
        forged(&|s| s.tranches[0].deficiency = Cents(1))
            .starts_with("state: tranches[0].deficiency")
    );
    assert!(forged(&|s| s.pool_balance = Cents(1)).starts_with("state: tranches[0].deficiency"));
    let lower = |s: &mut DealState| {
        (s.tranches[0].balance, s.tranches[0].written_down) = (Cents(1), Cents(1))
    };
    assert!(forged(&lower).starts_with("state: tranches[0].written_down"));
    assert!(
        forged(&|s| s.tranches[0].balance = Cents(u64::MAX))
            .starts_with("state: tranches[0].balance")
    );

    // Before the first payment date there is one state: that of closing.
    let richer = |s: &mut DealState| s.accounts[0] = Cents(9_000_000_000);
    assert!(forged(&richer).starts_with("state: accounts: is not that of closing"));
    assert!(
        forged(&|s| s.fee_arrears[0] = Cents(1)).starts_with("state: fee_arrears: is not that")
    );
    assert!(forged(&|s| s.recoveries = Cents(1)).starts_with("state: recoveries: is not that of"));
    assert!(
        forged(&|s| s.tranches[0].unpaid_interest = Cents(1))
            .starts_with("state: tranches: is not that")
    );
    assert!(
        forged(&|s| s.defaulted = Cents(1)).starts_with("state: pool_balance: and what defaulted")
    );
    assert!(forged(&|s| s.period = plan.periods + 1).starts_with("state: period: is beyond"));
    let later = DealState {
        period: 1,
        accounts: vec![Cents(9_000_000_000), Cents(0)],
        ..state.clone()
    };
    assert!(run(&plan, &later, &quiet(&later), &[]).is_ok());

    let last = DealState {
        period: plan.periods,
        ..state.clone()
    };
    assert_eq!(
        told(&last, quiet(&last)),
        "the deal has 61 payment dates, all of which have passed"
    );
}
