//! What a solvency claim says.

use super::SolvencyClaim;
use crate::nonce;
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &SolvencyClaim) -> Vec<String> {
    let totals = match &claim.totals {
        Some(_) => "its totals are as claimed",
        None => "its totals stay hidden",
    };
    let reserves = match &claim.reserves {
        Some(_) => "the stated reserves cover liabilities in every asset",
        None => "no reserves are stated",
    };
    let cover = if claim.uncovered == 0 {
        "every account's debts are covered".to_string()
    } else {
        format!(
            "the debts of {} account{} are not covered, negative equity {} {}",
            claim.uncovered,
            if claim.uncovered == 1 { "" } else { "s" },
            claim.negative_equity,
            quoted(&claim.quote)
        )
    };
    let mut lines = vec![format!(
        "book {} holds {} accounts; {totals}; {reserves}; {cover}",
        claim.root, claim.accounts
    )];
    lines.extend(nonce::line(&claim.nonce));
    lines
}
