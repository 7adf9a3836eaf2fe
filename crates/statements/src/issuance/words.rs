//! What an issuance claim says.

use super::IssuanceClaim;
use crate::nonce;
use crate::words::{cents, quoted};

/// The tranches and where they stand in the pool.
pub fn tranches(claim: &IssuanceClaim) -> Vec<String> {
    let tranches = claim.tranches.iter().map(|t| {
        format!(
            "{}: {} {}, attaches at {}% of the pool, detaches at {}%",
            quoted(&t.tranche),
            cents(t.notional),
            quoted(&claim.deal.currency),
            t.attachment,
            t.detachment
        )
    });
    tranches.collect()
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &IssuanceClaim) -> Vec<String> {
    let mut lines = vec![format!(
        "pool {} of {} distinct loans (template {}, cut-off {}), known by their nullifiers in registry {}, owes {} {} and backs \
         the deal {} (SHA3-256 {})",
        claim.pool,
        claim.loans,
        quoted(&claim.template.name),
        claim.cut_off,
        claim.registry,
        cents(claim.balance),
        quoted(&claim.deal.currency),
        quoted(&claim.deal.name),
        claim.deal_digest()
    )];
    lines.extend(tranches(claim));
    lines.extend(nonce::line(&claim.nonce));
    lines
}
