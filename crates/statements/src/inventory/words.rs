//! What an inventory claim says.

use super::InventoryClaim;
use crate::nonce;

/// The claim in words: the sentence, then details.
pub fn words(claim: &InventoryClaim) -> Vec<String> {
    let mut lines = vec![format!(
        "the venue committed as {} holds in its {} market(s) what the {} accounts of book {} add up to",
        claim.state,
        claim.markets.len(),
        claim.accounts,
        claim.root
    )];
    lines.extend(nonce::line(&claim.nonce));
    lines
}
