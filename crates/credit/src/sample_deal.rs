//! A sample deal: three tranches and equity over mortgages, with a reserve, tests of overcollateralization and interest
//! coverage, principal paid in proportion until losses switch it to sequential, and a clean-up call.

use fixed::Decimal;
use records::units::Cents;

use crate::deal::{Amount, Deal, FeeAmount, PERCENT_DECIMALS};
use crate::waterfall::Index;

/// The sample deal as its file writes it.
pub const SAMPLE_DEAL: &str = include_str!("../templates/deals/mortgage.json");

/// A deal of AbsBox without the amounts that depend on the pool.
const SAMPLE_ABSBOX: &str = include_str!("../templates/deals/absbox.py");

/// The sample deal.
pub fn sample_deal() -> Deal {
    serde_json::from_str(SAMPLE_DEAL).expect("the sample is a deal")
}

/// The sample deal over a pool that owes so many cents: all amounts in the proportion of the sample's, rounded down to a
/// cent.
///
/// # Panics
/// If the pool owes 2^63 cents or more.
pub fn sample_deal_for(pool: Cents) -> Deal {
    let mut deal = sample_deal();
    let cents = |amount: &Decimal| amount.rescale_exact(2).expect("samples have two decimals");
    let original = cents(&deal.original_pool);
    let scale = |amount: &mut Decimal| {
        *amount = Decimal::new(cents(amount) * i128::from(pool.0) / original, 2);
    };
    for tranche in &mut deal.tranches {
        scale(&mut tranche.balance);
    }
    for account in &mut deal.accounts {
        scale(&mut account.opening);
        if let Some(Amount::Percent {
            floor: Some(floor), ..
        }) = &mut account.target
        {
            scale(floor);
        }
    }
    for fee in &mut deal.fees {
        if let FeeAmount::Fixed(amount) = &mut fee.amount {
            scale(amount);
        }
    }
    scale(&mut deal.original_pool);
    deal
}

/// A deal as users of AbsBox write it, in Python, over a pool that owes so many cents: two bonds of 85% and 8% of it, rounded down to
/// a cent, and equity.
pub fn sample_absbox_for(pool: Cents) -> String {
    let part = |percent: u128| Decimal::new((u128::from(pool.0) * percent / 100) as i128, 2);
    format!(
        "# A deal of AbsBox over the loans of pool.csv: two bonds and equity, paid one after another.\n\
         from absbox import mkDeal\n\npool = {}\nsenior = {}\njunior = {}\n{SAMPLE_ABSBOX}",
        part(100),
        part(85),
        part(8)
    )
}

/// Fixings for all payment dates of the sample deal: 2.9% at first, 0.005 less each month down to 2.4%.
pub fn sample_indices() -> Vec<Index> {
    let fixing = |n: i128| Decimal::new((2_900_000 - 5_000 * n).max(2_400_000), PERCENT_DECIMALS);
    vec![Index {
        name: "SOFR".into(),
        fixings: (0..361).map(fixing).collect(),
    }]
}
