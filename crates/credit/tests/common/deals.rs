//! Small deals, and tables of what they must pay.
#![allow(dead_code)] // Each test file uses its part.

use records::units::Cents;
use std::collections::HashMap;

use credit::collections::Collections;
use credit::deal::Deal;
use credit::waterfall::{DealState, Index, Report, run};
use serde_json::{Value, json};

/// A deal's file, to be changed.
#[derive(Clone)]
pub struct ScriptedDeal(pub Value);

impl ScriptedDeal {
    /// With another value at a JSON pointer; a last part that is not there is added.
    pub fn set(mut self, pointer: &str, value: Value) -> Self {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = self.0.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
            other => other[name] = value,
        }
        self
    }

    /// With one more entry of a list.
    pub fn push(mut self, pointer: &str, value: Value) -> Self {
        let list = self.0.pointer_mut(pointer).unwrap();
        list.as_array_mut().unwrap().push(value);
        self
    }

    pub fn get(&self, pointer: &str) -> Value {
        self.0.pointer(pointer).unwrap().clone()
    }

    pub fn deal(&self) -> Deal {
        serde_json::from_value(self.0.clone()).unwrap()
    }
}

/// A pool of a million; A 700000 at 6% (0.5% a month), B 200000 at 9% (0.75%), equity 100000; a fee of 100; sequential.
pub fn mini() -> ScriptedDeal {
    ScriptedDeal(json!({
        "name": "mini",
        "currency": "USD",
        "dates": {
            "closing": "2026-12-25", "first_payment": "2027-01-25", "frequency": "monthly", "legal_final": "2032-01-25"
        },
        "original_pool": "1000000",
        "accounts": [{"name": "interest"}, {"name": "principal"}],
        "collect": {
            "interest": "interest", "principal": "principal", "recoveries": "principal", "repurchased": "principal"
        },
        "fees": [{"name": "trustee", "amount": {"fixed": "100"}}],
        "tranches": [
            {"name": "A", "balance": "700000", "coupon": {"fixed": "6"}, "day_count": "30/360", "shortfall": "compounding"},
            {"name": "B", "balance": "200000", "coupon": {"fixed": "9"}, "day_count": "30/360", "shortfall": "carried"}
        ],
        "losses": "ledgers",
        "waterfalls": {
            "interest": [
                {"account": "interest", "do": {"pay_fee": {"fees": ["trustee"]}}},
                {"account": "interest", "do": {"pay_interest": {"tranches": ["A"]}}},
                {"account": "interest", "do": {"pay_interest": {"tranches": ["B"]}}},
                {"account": "interest", "do": "pay_residual"}
            ],
            "principal": [
                {"account": "principal", "do": {"pay_principal": {"tranches": ["A", "B"]}}},
                {"account": "principal", "do": "pay_residual"}
            ]
        }
    }))
}

/// The same with C, 100000 at 9.6% (0.8% a month), instead of equity.
pub fn mini_without_equity() -> ScriptedDeal {
    mini()
        .push(
            "/tranches",
            json!({
                "name": "C", "balance": "100000", "coupon": {"fixed": "9.6"}, "day_count": "30/360", "shortfall": "carried"
            }),
        )
        .set(
            "/waterfalls/interest/3",
            json!({"account": "interest", "do": {"pay_interest": {"tranches": ["C"]}}}),
        )
        .push("/waterfalls/interest", json!({"account": "interest", "do": "pay_residual"}))
        .set(
            "/waterfalls/principal/0",
            json!({"account": "principal", "do": {"pay_principal": {"tranches": ["A", "B", "C"]}}}),
        )
}

/// An amount in cents.
fn cents(text: &str) -> u64 {
    let amount: fixed::Decimal = text.parse().unwrap();
    amount.rescale_exact(2).unwrap().try_into().unwrap()
}

/// Runs a deal from closing over the rows of a table, compares each period, and returns the last state.
pub fn check_table(deal: &Deal, indices: &[Index], table: &str) -> DealState {
    let state = DealState::of(&deal.plan().unwrap());
    check_table_from(deal, state, indices, table)
}

/// The same from a state on.
pub fn check_table_from(
    deal: &Deal,
    mut state: DealState,
    indices: &[Index],
    table: &str,
) -> DealState {
    let plan = deal.plan().unwrap();
    let mut lines = table.lines().map(str::trim).filter(|l| !l.is_empty());
    let (inputs, outputs) = lines.next().unwrap().split_once('|').unwrap();
    let inputs: Vec<&str> = inputs.split_whitespace().collect();
    let outputs: Vec<&str> = outputs.split_whitespace().collect();
    for (row, line) in lines.enumerate() {
        let (given, expected) = line.split_once('|').unwrap();
        let given: Vec<u64> = given.split_whitespace().map(cents).collect();
        let expected: Vec<u64> = expected.split_whitespace().map(cents).collect();
        assert_eq!(
            (given.len(), expected.len()),
            (inputs.len(), outputs.len()),
            "row {row}"
        );
        let given: HashMap<&str, u64> = inputs.iter().copied().zip(given).collect();
        let of = |name| given.get(name).copied().unwrap_or(0);
        let known = ["interest", "sched", "prepaid", "default", "recovered"];
        assert!(inputs.iter().all(|n| known.contains(n)));
        let collections = Collections {
            balance_before: state.pool_balance,
            balance_after: state.pool_balance
                - Cents(of("sched"))
                - Cents(of("prepaid"))
                - Cents(of("default")),
            interest: Cents(of("interest")),
            scheduled_principal: Cents(of("sched")),
            prepaid_principal: Cents(of("prepaid")),
            defaulted: Cents(of("default")),
            recoveries: Cents(of("recovered")),
            repurchased: Cents(0),
            delinquent: [Cents(0); 3],
        };
        let (next, report) = run(&plan, &state, &collections, indices).unwrap();
        for (name, expected) in outputs.iter().zip(expected) {
            assert_eq!(
                value(&report, name),
                expected,
                "{name} in period {}",
                row + 1
            );
        }
        state = next;
    }
    state
}

/// A column of a report.
fn value(report: &Report, name: &str) -> u64 {
    if let Some((tranche, column)) = name.split_once('.') {
        let t = report.tranches.iter().find(|t| t.name == tranche).unwrap();
        let cents = match column {
            "int" => t.interest_paid,
            "short" => Cents(t.interest_shortfall.0),
            "prin" => Cents(t.principal_paid.0),
            "down" => Cents(t.written_down.0),
            "up" => t.written_up,
            "bal" => t.balance,
            "ledger" => t.deficiency,
            other => panic!("no column {other}"),
        };
        return cents.0;
    }
    match name {
        "fee" => report.fees.iter().map(|f| f.paid.0).sum(),
        "equity" => report.equity.0,
        account => {
            let mut accounts = report.accounts.iter();
            accounts.find(|a| a.name == account).unwrap().after.0
        }
    }
}

/// A period in which nothing happens.
pub fn quiet(state: &DealState) -> Collections {
    Collections {
        balance_before: state.pool_balance,
        balance_after: state.pool_balance,
        ..Default::default()
    }
}
