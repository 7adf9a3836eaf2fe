//! Example claims.

use market::{Account, sample};
use serde_json::json;

use super::{Options, Prepared, Solvency};
use crate::book::SealedBook;
use crate::kit::{Example, Inputs, Refusal, Size};

/// An exchange's book over four assets: its totals published, its totals hidden, and one account whose debts its pledges do
/// not cover.
pub(super) fn examples() -> Vec<Example<Solvency>> {
    let totals = Example {
        name: "solvency",
        inputs: |size: &Size| inputs(size, &Options::default(), false),
    };
    let hidden = Example {
        name: "solvency-hidden",
        inputs: |size: &Size| {
            let options = Options {
                publish_totals: false,
                reserves: Some(vec![1 << 80; 4]),
                ..Options::default()
            };
            inputs(size, &options, false)
        },
    };
    let uncovered = Example {
        name: "solvency-uncovered",
        inputs: |size: &Size| inputs(size, &Options::default(), true),
    };
    let listed = Example {
        name: "solvency-500",
        inputs: listed,
    };
    vec![totals, hidden, uncovered, listed]
}

/// An exchange's book over a list of 500 assets, of which each account holds eight, but for every 50th, which holds twelve in
/// small books.
fn listed(size: &Size) -> Inputs<Solvency> {
    let n = size.accounts.unwrap_or(100_000) as u64;
    let small = n < 1_000;
    let assets = if small { 24 } else { 500 };
    let snapshot = sample::listed_snapshot(assets);
    let held = |i: u64| if small && i % 50 == 7 { 12 } else { 8 };
    let accounts: Vec<Account> = (0..n)
        .map(|i| sample::listed_account(1, i, assets, held(i)))
        .collect();
    let sizes = json!({ "accounts": n, "assets": assets, "held": 8 });
    Inputs::new(sizes, move |secret| {
        let sealed = SealedBook::new(&snapshot, &accounts, 4, secret);
        Prepared::new(&sealed.map_err(Refusal::malformed)?, &Options::default())
    })
}

fn inputs(size: &Size, options: &Options, uncovered: bool) -> Inputs<Solvency> {
    let snapshot = sample::exchange_snapshot();
    let n = size.accounts.unwrap_or(100_000) as u64;
    let mut accounts: Vec<Account> = (0..n).map(|i| sample::exchange_account(1, i)).collect();
    if let (true, Some(account)) = (uncovered, accounts.last_mut()) {
        account
            .balances
            .iter_mut()
            .for_each(|balance| balance.debt = 1 << 40);
    }
    let options = options.clone();
    let sizes = json!({ "accounts": n, "assets": snapshot.assets.len(), "schedules": 9 });
    Inputs::new(sizes, move |secret| {
        let sealed = SealedBook::new(&snapshot, &accounts, 4, secret);
        Prepared::new(&sealed.map_err(Refusal::malformed)?, &options)
    })
}
