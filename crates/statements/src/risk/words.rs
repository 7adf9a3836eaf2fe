//! What a risk claim says.

use fixed::Decimal;
use risk::scenarios::ScenarioSet;

use super::{RiskClaim, Shown};
use crate::nonce;
use crate::words::quoted;

/// What EVaR is taken over.
pub(crate) fn over(set: &ScenarioSet, digest: &str) -> String {
    format!(
        "over {} scenarios of {} market(s) ({digest})",
        set.values.len(),
        set.markets.len(),
    )
}

/// The claim in words: the sentence, then details.
pub fn words(claim: &RiskClaim) -> Vec<String> {
    let set = &claim.scenarios;
    let confidence = Decimal::from(claim.confidence);
    let over = over(set, &claim.scenarios_digest);
    let sentence = match &claim.shown {
        Shown::Prices {
            evar,
            tolerance,
            changes,
            funding: _,
        } => {
            let last = changes.last().map_or(evar, |t| &t.evar);
            let premia = changes
                .iter()
                .try_fold(Decimal::ZERO, |sum, t| sum.checked_add(&t.premium));
            let premia = premia.map_or("too much to add up".into(), |p| p.to_string());
            format!(
                "the venue committed as {} has an EVaR of {evar} {quote} at {confidence} {over}; {} trade(s) and transfer(s) paid \
                 {premia} {quote} in premia and led to {} with an EVaR of {last} {quote}; each EVaR is at most \
                 {tolerance} {quote} too high and not too low",
                claim.before,
                changes.len(),
                claim.after,
                quote = quoted(&set.quote),
            )
        }
        Shown::Covered { changes } => format!(
            "what the venue committed as {} may owe beyond all its means has an EVaR of no more than its capital and premia \
             at {confidence} {over}, and so after each of {} trade(s) and transfer(s), to the state committed as {}",
            claim.before,
            changes.len(),
            claim.after
        ),
    };
    let mut lines = vec![sentence];
    lines.extend(nonce::line(&claim.nonce));
    lines
}
