//! A sample deal: three tranches and equity over mortgages, with a reserve, tests of overcollateralization and interest
//! coverage, principal paid in proportion until losses switch it to sequential, and a clean-up call.

use fixed::Decimal;

use crate::deal::{Deal, PERCENT_DECIMALS};
use crate::waterfall::Index;

/// The sample deal as its file writes it.
pub const SAMPLE_DEAL: &str = include_str!("../templates/deals/mortgage.json");

/// The sample deal.
pub fn sample_deal() -> Deal {
    serde_json::from_str(SAMPLE_DEAL).expect("the sample is a deal")
}

/// Fixings for all payment dates of the sample deal: 4.3% at first, 0.01 less each month down to 3%.
pub fn sample_indices() -> Vec<Index> {
    let fixing = |n: i128| Decimal::new((4_300_000 - 10_000 * n).max(3_000_000), PERCENT_DECIMALS);
    vec![Index {
        name: "SOFR".into(),
        fixings: (0..361).map(fixing).collect(),
    }]
}
