//! What a margin claim says.

use super::{MarginClaim, Subject};
use crate::nonce;
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &MarginClaim) -> Vec<String> {
    let sentence = match &claim.subject {
        Subject::Account { commitment } => format!(
            "the account committed as {commitment} meets {} margin on market {}",
            claim.level, claim.snapshot_digest
        ),
        Subject::Book {
            root,
            accounts,
            below,
            ..
        } => format!(
            "{below} of the {accounts} accounts in book {root} are below {} margin on market {}",
            claim.level, claim.snapshot_digest
        ),
    };
    let mut lines = vec![sentence];
    for (reason, options) in risk::quotes::mark_reasons(&claim.snapshot) {
        lines.push(format!(
            "{options} option(s) of that market are marked far from their model price, for the stated reason {}",
            quoted(reason)
        ));
    }
    lines.extend(nonce::line(&claim.nonce));
    lines
}
