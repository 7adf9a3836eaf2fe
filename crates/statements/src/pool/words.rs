//! What a pool claim says.

use risk::pool::Claimed;

use super::PoolClaim;
use crate::nonce;
use crate::words::quoted;

/// What a claim's figures are.
pub fn figures(claim: &PoolClaim) -> Vec<String> {
    let words = claim.figures.iter().map(|f| {
        let measure = f.measure.in_words(&claim.template);
        let shown = match &f.shown {
            Claimed::Exact(value) => format!("is {value}"),
            Claimed::AtLeast(value) => format!("is at least {value}"),
            Claimed::AtMost(value) => format!("is at most {value}"),
        };
        format!("{}: {measure} {shown}", quoted(&f.name))
    });
    words.collect()
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &PoolClaim) -> Vec<String> {
    let mut lines = vec![format!(
        "pool {} holds {} distinct loans (template {}, cut-off {})",
        claim.pool,
        claim.loans,
        quoted(&claim.template.name),
        claim.cut_off
    )];
    let rules = claim.eligibility.iter();
    lines.extend(rules.map(|rule| format!("each loan satisfies {}", quoted(rule))));
    lines.extend(figures(claim));
    lines.extend(nonce::line(&claim.nonce));
    lines
}
