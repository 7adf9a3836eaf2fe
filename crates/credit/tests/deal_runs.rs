//! Deals that run, from their files.

// The cents stand apart: 100_00 is a hundred.
#![allow(clippy::inconsistent_digit_grouping)]

#[path = "common/deals.rs"]
mod deals;

use credit::collections::Collections;
use credit::deal::Deal;
use credit::import::deal::{read_deal, read_indices, write_deal, write_indices};
use credit::sample_deal::{SAMPLE_DEAL, sample_deal, sample_indices};
use credit::waterfall::{DealState, Index, payment_date, run, run_period};
use deals::mini;
use records::units::Cents;
use serde_json::json;

#[test]
fn the_sample_runs() {
    let deal = sample_deal();
    let plan = deal.plan().unwrap();
    assert_eq!(plan.periods, 361);
    assert_eq!(payment_date(&plan, 1).unwrap(), "2027-01-25");
    assert_eq!(payment_date(&plan, 361).unwrap(), "2057-01-25");
    assert!(payment_date(&plan, 0).is_err() && payment_date(&plan, 362).is_err());
    // A steady pool: 5.7% interest, a sixtieth of it repaid each month, some defaults.
    let indices = sample_indices();
    let mut state = DealState::initial(&deal).unwrap();
    let mut calls = 0;
    for period in 1..=plan.periods {
        let paid = state.pool_balance.0 / 60;
        let defaulted = state.pool_balance.0 / 10_000;
        let collections = Collections {
            balance_before: state.pool_balance,
            balance_after: state.pool_balance - Cents(paid) - Cents(defaulted),
            interest: Cents(state.pool_balance.0 / 1000 * 57 / 12 / 10 * 10),
            scheduled_principal: Cents(paid / 2),
            prepaid_principal: Cents(paid - paid / 2),
            defaulted: Cents(defaulted),
            recoveries: Cents(defaulted / 2),
            ..Collections::default()
        };
        let called = credit::waterfall::called(&plan, &collections);
        calls += u32::from(called.is_some() && called != Some(collections));
        let (next, report) = run_period(&deal, &state, &collections, &indices).unwrap();
        assert_eq!(report.period, period);
        assert_eq!(report.tranches[0].interest_shortfall, Cents(0));
        if period == 1 {
            // 31 days at 3.8%.
            assert_eq!(report.tranches[0].rate.to_string(), "3.8");
            assert_eq!(report.tranches[0].interest, Cents(1_390_694_44));
        }
        // A round trip through the file format changes nothing.
        let text = serde_json::to_string(&(&next, &report)).unwrap();
        let (a, b) = serde_json::from_str(&text).unwrap();
        assert_eq!((&next, &report), (&a, &b));
        state = next;
    }
    assert_eq!(state.balances()[..2], [Cents(0); 2]);
    assert!(calls > 200);
    assert!(run_period(&deal, &state, &Collections::default(), &indices).is_err());
}

#[test]
fn files_are_read_and_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deal.json");
    write_deal(&path, &sample_deal()).unwrap();
    assert_eq!(read_deal(&path, None).unwrap().deal, sample_deal());
    let file = path.display();
    let told = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read_deal(&path, None).unwrap_err().to_string()
    };
    assert_eq!(
        told(&SAMPLE_DEAL.replacen("\"account\": \"interest\"", "\"account\": \"cash\"", 1)),
        format!(
            "{file}: waterfalls.interest[1].account: there is no account `cash`; the deal has interest, principal, reserve"
        )
    );
    assert!(told("{").starts_with(&format!("{file}:1: column 2: ")));
    assert!(
        told(&SAMPLE_DEAL.replacen("\"currency\"", "\"money\"", 1))
            .contains("unknown field `money`")
    );
    assert!(
        told(&SAMPLE_DEAL.replacen("pay_fee", "pay_fees", 1))
            .contains("unknown variant `pay_fees`")
    );
    assert!(told(&SAMPLE_DEAL.replacen("\"1.5\"", "1.5", 1)).contains("must stand in quotes"));
    let twice = SAMPLE_DEAL.replacen("\"clean-up\": [", "\"sequential\": [", 1);
    assert!(told(&twice).contains("`sequential` stands twice"));
    let missing = read_deal(&folder.path().join("none.json"), None).unwrap_err();
    assert!(missing.to_string().contains("cannot be read"));

    write_indices(&path, &sample_indices()).unwrap();
    assert_eq!(read_indices(&path).unwrap(), sample_indices());
    let index = |name: &str, fixing: &str| Index {
        name: name.into(),
        fixings: vec!["1".parse().unwrap(), fixing.parse().unwrap()],
    };
    for (indices, place) in [
        ([index("a", "1"), index("a", "1")], "[1].name: stands twice"),
        ([index("a", "1"), index("b\n", "1")], "[1].name: is no name"),
        (
            [index("a", "101"), index("b", "1")],
            "[0].fixings[1]: 101 is not",
        ),
        (
            [index("a", "1"), index("b", "0.0000001")],
            "[1].fixings[1]: 0.0000001 is not",
        ),
    ] {
        write_indices(&path, &indices).unwrap();
        let error = read_indices(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{file}: {place}")), "{error}");
    }
}

#[test]
fn plans_run_as_deals_do() {
    let deal: Deal = mini().deal();
    let state = DealState::initial(&deal).unwrap();
    let collections = Collections {
        balance_before: state.pool_balance,
        balance_after: state.pool_balance - Cents(1),
        scheduled_principal: Cents(1),
        ..Collections::default()
    };
    assert_eq!(
        run_period(&deal, &state, &collections, &[]).unwrap(),
        run(&deal.plan().unwrap(), &state, &collections, &[]).unwrap()
    );
    let error = DealState::initial(&mini().set("/original_pool", json!("1")).deal());
    assert_eq!(error.unwrap_err().place, "tranches");
}
