//! Example claims.

use market::{Account, sample};
use serde_json::json;

use super::{Options, Prepared, Solvency};
use crate::book::SealedBook;
use crate::kit::{Example, Inputs, Refusal, Size};

/// An exchange's book over four assets, its totals published.
pub(super) fn examples() -> Vec<Example<Solvency>> {
    vec![Example {
        name: "solvency",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Solvency> {
    let snapshot = sample::exchange_snapshot();
    let n = size.accounts.unwrap_or(100_000) as u64;
    let accounts: Vec<Account> = (0..n).map(|i| sample::exchange_account(1, i)).collect();
    let sizes = json!({ "accounts": n, "assets": snapshot.assets.len(), "schedules": 9 });
    Inputs::new(sizes, move |secret| {
        let sealed = SealedBook::new(&snapshot, &accounts, 4, secret);
        Prepared::new(&sealed.map_err(Refusal::malformed)?, &Options::default())
    })
}
