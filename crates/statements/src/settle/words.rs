//! What a settlement claim says.

use super::SettleClaim;
use crate::book::market_words;
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &SettleClaim) -> Vec<String> {
    let SettleClaim {
        before,
        after,
        batch,
        snapshot,
        ..
    } = claim;
    let mut lines = vec![
        format!(
            "book {}, as of {}, becomes book {}, as of {}, by exactly what the {} orders of batch {} of venue {} traded, as the \
             receipts below {} say; nothing else changes in any of its {} accounts",
            before.commitment,
            records::date::moment(claim.before_as_of_ms),
            after.commitment,
            records::date::moment(snapshot.as_of_ms),
            batch.orders,
            batch.number,
            quoted(&batch.venue),
            batch.receipts,
            before.accounts,
        ),
        "positions are at average cost; closing keeps the entry of the lots left, rounded down, and realizes the rest in cash, from \
         which fees are taken and to which rebates are added"
            .into(),
        "an order whose secret is not its account's for the batch is refused, and no other is for that; one is refused because nobody \
         has its key only if that is so; orders that only reduce trade at most what closes a position"
            .into(),
        "of orders that are not replaced, void or refused for another reason, all of an account are let in if its initial margin, \
         without offsets, covers what they could cost, and else refused; but a single one that reduces, at its first limit alone, is \
         let in if the account has initial margin after it is filled whole at that limit, and else refused"
            .into(),
        "that receipts, prices, fills and charges are those of the batch's orders is what its auction claim says, as is that orders \
         were rightly replaced, cancelled or void"
            .into(),
        room(claim.without_room),
        format!(
            "an account has at most {} positions, on at most {} underlyings before; the books have {} accounts, and orders are hashed \
             with {} level(s)",
            before.slots, claim.underlyings, after.accounts, batch.levels
        ),
        format!(
            "the book's tree goes through {}; the receipts' tree is made of {}; last keys are committed to as {}",
            joined(&claim.roots),
            joined(&claim.segments),
            joined(&claim.states),
        ),
    ];
    let auctions = batch.auctions.iter();
    lines.extend(auctions.map(|a| crate::auction::words::auction(a, &batch.quote)));
    lines.push(format!(
        "pro rata started from the randomness {}; the receipts' tree has 2^{} slots",
        String::from(batch.randomness),
        batch.log_slots
    ));
    lines.push(market_words(snapshot));
    lines.push(format!(
        "the market's digest is {}, that of its margin rules {}",
        claim.snapshot_digest, claim.parameters_digest
    ));
    if after.slots != before.slots {
        lines.push(format!("the book after has {} slots", after.slots));
    }
    lines.extend(nonce::line(&claim.nonce));
    lines
}

/// How many orders were refused on the venue's word.
fn room(orders: u64) -> String {
    match orders {
        0 => "no order was refused because what it could trade does not fit its account".into(),
        _ => format!(
            "{orders} order(s) were refused because what they could trade does not fit their accounts, by their slots for positions or by \
             their largest amounts; that they do not is the venue's word, and not proven"
        ),
    }
}

fn joined(digests: &[crate::account::PublicDigest]) -> String {
    let digests: Vec<String> = digests.iter().map(ToString::to_string).collect();
    match digests.is_empty() {
        true => "nothing".into(),
        false => digests.join(", "),
    }
}

impl Spoken for super::Settle {
    fn words(claim: &SettleClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &SettleClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &SettleClaim) -> Vec<Anchor<'_>> {
        vec![
            Anchor::State(At::Start, claim.before.commitment),
            Anchor::State(At::End, claim.after.commitment),
            Anchor::Batch(&claim.batch),
        ]
    }

    fn given(claim: &SettleClaim) -> Vec<Given> {
        vec![Given::market(&claim.snapshot, true)]
    }
}
