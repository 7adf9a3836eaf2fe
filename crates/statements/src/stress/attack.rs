//! Attacks on the stress statement: claims that cost their verifier time.

use std::time::Instant;

use risk::deal::Deal;
use risk::factor::{OneFactor, expected_losses};
use risk::pool::states::states;
use risk::projection::Schedule;
use risk::protection::protect;
use risk::stress::{Defaults, Prepayments, Stress};
use risk::waterfall::DealState;
use serde_json::{Value, json};

use super::tests::tape;

/// As many entries as a deal may have, and steps that look at all of them.
fn long_deal(pool: u64) -> Deal {
    let name = |kind: &str, i: usize| format!("{kind}{i}{}", "-".repeat(40));
    let names = |kind: &str| -> Vec<String> { (0..64).map(|i| format!("{kind}{i}")).collect() };
    let cents = |v: u64| fixed::Decimal::new(v.into(), 2).to_string();
    let tranches: Vec<Value> = names("t")
        .iter()
        .map(|name| {
            json!({"name": name, "balance": cents(pool / 64), "day_count": "ACT/360", "shortfall": "compounding",
                "coupon": {"fixed": "1"}})
        })
        .collect();
    let fees: Vec<Value> = names("f")
        .iter()
        .map(|name| json!({"name": name, "amount": {"fixed": "1.00"}}))
        .collect();
    let tests: Vec<Value> = (0..64)
        .map(|i| {
            json!({"name": name("x", i), "measure": {"interest_coverage": {"tranches": names("t")[..20], "fees": names("f")[..20]}},
                "passes": {"at_least": "105"}})
        })
        .collect();
    let steps: Vec<Value> = (0..64)
        .map(|i| match i % 2 {
            0 => json!({"account": "i", "do": {"pay_interest": {"tranches": names("t"), "order": "pro_rata"}}}),
            _ => json!({"account": "i", "do": {"pay_principal": {"tranches": names("t"), "order": "pro_rata"}}}),
        })
        .collect();
    let principal: Vec<Value> = (0..64)
        .map(|i| match i % 2 {
            0 => json!({"account": "p", "do": {"pay_fee": {"fees": names("f"), "order": "pro_rata"}}}),
            _ => json!({"account": "p", "do": {"pay_principal": {"tranches": names("t"), "order": "pro_rata"}}}),
        })
        .collect();
    let deal = json!({
        "name": "long", "currency": "USD",
        "dates": {"closing": "2026-12-01", "first_payment": "2026-12-25", "frequency": "monthly", "legal_final": "2126-11-30"},
        "original_pool": cents(pool),
        "accounts": [{"name": "i"}, {"name": "p"}],
        "collect": {"interest": "i", "principal": "p", "recoveries": "p", "repurchased": "p"},
        "fees": fees, "tranches": tranches, "losses": "ledgers", "tests": tests,
        "waterfalls": {"interest": steps, "principal": principal},
    });
    println!("{} bytes", deal.to_string().len());
    serde_json::from_value(deal).expect("a deal")
}

/// What a claim of 100 scenarios and 200 nodes costs, from one run of each.
#[test]
fn long_deals() {
    let loans = states(&tape(20)).expect("they are loans");
    let schedule = Schedule::of_pool(&loans, 90).expect("it fits");
    let deal = long_deal(schedule.balance + schedule.doubtful);
    let state = DealState::initial(&deal).expect("a deal");
    let stress = Stress {
        defaults: Defaults::Cdr(vec![fixed::Decimal::from_int(30)]),
        prepayments: Prepayments::Cpr(vec![fixed::Decimal::from_int(6)]),
        severity: fixed::Decimal::from_int(100),
        recovery_lag: 120,
        age: 0,
    };
    let start = Instant::now();
    let outcome = protect(&deal, &state, &[], &schedule, &stress);
    let took = start.elapsed();
    println!(
        "a scenario {took:?}, 100: {:?} {:?}",
        took * 100,
        outcome.map(|o| o.len())
    );
    let start = Instant::now();
    let factor = OneFactor {
        correlation: fixed::Decimal::new(2, 1),
        nodes: 20,
    };
    let outcome = expected_losses(&deal, &state, &[], &schedule, &stress, &factor);
    let took = start.elapsed();
    println!(
        "20 nodes {took:?}, 200: {:?} {:?}",
        took * 10,
        outcome.map(|o| o.len())
    );
}

/// A pool of closed loans brings in nothing, so no payment date checks the deal's state: it is checked before.
#[test]
fn states_are_checked_without_a_payment() {
    let schedule = Schedule::default();
    let deal = risk::sample_deal::sample_deal();
    let indices = risk::sample_deal::sample_indices();
    let stress = Stress {
        defaults: Defaults::Cdr(vec![fixed::Decimal::from_int(1)]),
        prepayments: Prepayments::Cpr(vec![fixed::Decimal::from_int(6)]),
        severity: fixed::Decimal::from_int(100),
        recovery_lag: 0,
        age: 0,
    };
    let mut empty = DealState::initial(&deal).expect("a deal");
    empty.pool_balance = 0;
    let mut huge = empty.clone();
    empty.tranches.clear();
    for tranche in &mut huge.tranches {
        // Together zero, modulo 2^64.
        (tranche.balance, tranche.unpaid_interest) = (1 << 63, 1 << 63);
    }
    for state in [&empty, &huge] {
        let outcome = protect(&deal, state, &indices, &schedule, &stress);
        assert!(outcome.is_err(), "{outcome:?}");
        let factor = OneFactor {
            correlation: fixed::Decimal::new(2, 1),
            nodes: 20,
        };
        let expected = expected_losses(&deal, state, &indices, &schedule, &stress, &factor);
        assert!(expected.is_err(), "{expected:?}");
    }
}
