//! Example claims.

use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use serde_json::json;

use super::{Prepared, Terms, Waterfall};
use crate::kit::{Example, Inputs, Size};

/// One month of mortgages, and what a deal pays from it.
pub(super) fn examples() -> Vec<Example<Waterfall>> {
    vec![Example {
        name: "waterfall",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Waterfall> {
    let loans = size.loans.unwrap_or(10_000);
    let tape = sample_pool::mortgages(1, loans);
    let terms = Terms {
        months: vec![sample_pool::remittances(1, &tape)],
        deal: sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: sample_indices(),
    };
    let sizes = json!({ "loans": loans, "months": 1 });
    Inputs::new(sizes, move |secret| Prepared::new(&tape, &terms, secret))
}
