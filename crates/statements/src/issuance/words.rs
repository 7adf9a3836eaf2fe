//! What an issuance claim says.

use credit::pool::template_words;
use credit::waterfall::DealState;

use super::IssuanceClaim;
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::pool::standing;
use crate::words::{cents, digest, quoted};

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
    let standing = standing(&claim.template, claim.loans, claim.open, claim.defaulted);
    let mut lines = vec![
        format!(
            "pool {} of {} loans with distinct ids ({}, cut-off {}), whose open loans owe {} {}, backs the deal {} (SHA3-256 {})",
            claim.pool,
            claim.loans,
            template_words(&claim.template),
            claim.cut_off,
            cents(claim.balance),
            quoted(&claim.deal.currency),
            quoted(&claim.deal.name),
            claim.deal_digest()
        ),
        format!(
            "{standing}; the nullifiers of all {} in registry {} are listed (SHA3-256 of the list {}), and no two are the same",
            claim.loans,
            claim.registry,
            digest(&claim.nullifiers)
        ),
    ];
    lines.extend(tranches(claim));
    lines.extend(equity(claim));
    lines.push(
        "names of the deal and its tranches are the prover's; what they are stands behind them"
            .into(),
    );
    lines.extend(nonce::line(&claim.nonce));
    lines
}

/// What of the pool no tranche is owed.
fn equity(claim: &IssuanceClaim) -> Option<String> {
    let owed: Option<u64> = claim
        .tranches
        .iter()
        .try_fold(0u64, |sum, t| sum.checked_add(t.notional));
    let rest = claim.balance.checked_sub(owed?)?;
    Some(format!(
        "below all tranches: {} {} of the pool; points are balances in the deal's order, whatever its waterfalls pay first",
        cents(rest),
        quoted(&claim.deal.currency)
    ))
}

impl Spoken for super::Issuance {
    fn words(claim: &IssuanceClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &IssuanceClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &IssuanceClaim) -> Vec<Anchor<'_>> {
        let closing = DealState::initial(&claim.deal).ok();
        let deal = closing.map(|state| Anchor::deal(At::Whole, &claim.deal, &state));
        let pool = Anchor::Pool(At::Whole, claim.pool);
        [pool, Anchor::Pledges(claim)]
            .into_iter()
            .chain(deal)
            .collect()
    }

    fn given(claim: &IssuanceClaim) -> Vec<Given> {
        vec![Given::that_pool(claim.pool, &claim.cut_off, claim.loans)]
    }
}
