//! Each constraint is needed: without it a forgery would pass that breaks it and nothing else.

use stark::needless;

use super::*;

/// Those of the constraints that the tables of a claim with uncovered accounts could do without.
fn idle(ids: &[&'static str]) -> Vec<&'static str> {
    let snapshot = sample::exchange_snapshot();
    let mut accounts: Vec<_> = (0..150).map(|i| sample::exchange_account(9, i)).collect();
    // Debts that a worthless asset does not cover.
    for (id, debt) in [("d1", 1_000), ("d2", 123_456_789)] {
        let mut balances = market::Balances::none(4);
        balances[0].debt = debt;
        balances[3].equity = 1 << 40;
        balances[3].loan = 1 << 40;
        accounts.push(market::Account {
            id: id.into(),
            balances,
            positions: Vec::new(),
        });
    }
    let book = SealedBook::new(&snapshot, &accounts, 4, &Secret::random()).expect("it fits");
    let prepared = Prepared::new(&book, &Options::default()).expect("it is true");
    let context = Solvency::context(prepared.claim()).expect("it is well-formed");
    let tables = Solvency::part(prepared.claim(), &context, 0).tables;
    let accounts = [90, 151, 152, 200].map(|row| ("accounts", row));
    let rows = [accounts, [2, 3, 4, 100].map(|row| ("shortfall", row))].concat();
    needless(&tables, &prepared.traces(0), &rows, ids)
}

#[test]
fn each_constraint_of_accounts_is_needed() {
    let ids = ["ACCOUNTS-1", "ACCOUNTS-2", "ACCOUNTS-3"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_leaves_is_needed() {
    let ids = ["ORDER-1", "ORDER-2", "ORDER-3", "ORDER-4"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn each_constraint_of_shortfall_is_needed() {
    let ids = ["SHORTFALL-1", "SHORTFALL-2", "SHORTFALL-3", "SHORTFALL-4"];
    assert_eq!(idle(&ids), [""; 0]);
}
