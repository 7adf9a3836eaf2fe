//! Example claims.

use credit::sample_pool;
use serde_json::json;

use super::{Pool, Prepared, Terms};
use crate::kit::{Example, Inputs, Size};

/// Rules and figures of a pool of mortgages.
pub(super) fn examples() -> Vec<Example<Pool>> {
    vec![Example {
        name: "pool",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Pool> {
    let loans = size.loans.unwrap_or(10_000);
    let tape = sample_pool::mortgages(1, loans);
    let mut terms: Terms = serde_json::from_str(sample_pool::TERMS).expect("samples");
    if loans < 500 {
        // The other bounds of the sample are meant for some hundreds of loans.
        terms.figures.truncate(3);
    }
    let sizes = json!({
        "loans": loans, "rules": terms.eligibility.len(), "figures": terms.figures.len(),
    });
    Inputs::new(sizes, move |secret| Prepared::new(&tape, &terms, secret))
}
