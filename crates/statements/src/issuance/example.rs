//! Example claims.

use credit::sample_deal::sample_deal_for;
use credit::sample_pool;
use serde_json::json;

use super::{Issuance, Prepared, RegistryKey};
use crate::kit::{Example, Inputs, Size};

/// A deal backed by mortgages.
pub(super) fn examples() -> Vec<Example<Issuance>> {
    vec![Example {
        name: "issuance",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Issuance> {
    let loans = size.loans.unwrap_or(10_000);
    let tape = sample_pool::mortgages(1, loans);
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let key = RegistryKey::random();
    let sizes = json!({ "loans": loans, "tranches": deal.tranches.len() });
    Inputs::new(sizes, move |secret| {
        Prepared::new(&tape, &deal, &key, secret)
    })
}
