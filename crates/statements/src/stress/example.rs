//! Example claims.

use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use serde_json::json;

use super::{Detail, NamedStress, Prepared, Stressed, Terms};
use crate::kit::{Example, Inputs, Size};

/// A deal over mortgages of up to 360 months, under three stresses and over a factor.
pub(super) fn examples() -> Vec<Example<Stressed>> {
    vec![Example {
        name: "stress",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Stressed> {
    let loans = size.loans.unwrap_or(1_000);
    let tape = sample_pool::mortgages(1, loans);
    let stresses: Vec<NamedStress> = serde_json::from_str(sample_pool::STRESSES).expect("samples");
    let sizes = json!({ "loans": loans, "stresses": stresses.len() });
    let terms = Terms {
        doubtful_days: 90,
        detail: Detail::default(),
        deal: sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: sample_indices(),
        stresses,
        breakeven: vec!["A".into()],
    };
    Inputs::new(sizes, move |secret| Prepared::new(&tape, &terms, secret))
}
