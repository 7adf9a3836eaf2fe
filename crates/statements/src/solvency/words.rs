//! What a solvency claim says.

use market::Asset;

use super::SolvencyClaim;
use crate::book::{market_words, moment};
use crate::kit::{Anchor, Given, Spoken};
use crate::margin::haircuts_digest;
use crate::nonce;
use crate::nonce::Nonce;
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &SolvencyClaim) -> Vec<String> {
    let (snapshot, book) = (&claim.snapshot, &claim.book);
    let quote = quoted(&snapshot.quote);
    let reserves = match &claim.reserves {
        Some(r) => format!(
            "in {} asset(s) liabilities are at most the reserves that the prover states",
            r.len()
        ),
        None => "no reserves are stated".into(),
    };
    let uncovered = match claim.uncovered {
        0 => "the debts of every account are covered by its pledges after haircuts".to_string(),
        count => format!(
            "the debts of exactly {count} of them are not covered by pledges after haircuts"
        ),
    };
    let uncovered = format!(
        "{uncovered}; negative equity is {} {quote}",
        claim.negative_equity
    );
    let mut lines = vec![
        format!(
            "as of {}, book {} holds {} distinct accounts; {reserves}; {uncovered}",
            moment(snapshot),
            book.commitment,
            book.accounts
        ),
        format!(
            "{}; haircuts {}",
            market_words(snapshot),
            haircuts_digest(&snapshot.assets)
        ),
    ];
    let assets = snapshot.assets.iter().enumerate();
    lines.extend(assets.map(|(i, asset)| asset_words(claim, i, asset, &quote)));
    lines.push(match &claim.totals {
        Some(totals) => format!("the totals of {} asset(s) are published", totals.len()),
        None => "the book's totals stay hidden".into(),
    });
    if claim.reserves.is_some() {
        lines.push("that reserves exist and back nothing else is not proven".into());
    }
    lines.push(format!(
        "positions, up to {} an account, are committed to; nothing is said about them",
        book.slots
    ));
    if let Some(slots) = &claim.slots {
        lines.push(format!(
            "accounts are proven in slots of eight holdings: {} accounts a part, at most 2^{} slots in the last part",
            slots.accounts, slots.last
        ));
    }
    lines.extend(nonce::line(&claim.nonce));
    lines
}

/// What is said of an asset.
fn asset_words(claim: &SolvencyClaim, index: usize, asset: &Asset, quote: &str) -> String {
    let mut words = format!("{} ", quoted(&asset.symbol));
    if asset.price.is_zero() {
        words += "has no price, and no account owes any of it";
    } else {
        words += &format!("at {} {quote}", asset.price);
    }
    if let Some(totals) = claim.totals.as_ref().and_then(|t| t.get(index)) {
        words += &format!(
            "; accounts own {} and owe {}; liabilities are {}",
            totals.equity, totals.debt, totals.liabilities
        );
    }
    if let Some(reserve) = claim.reserves.as_ref().and_then(|r| r.get(index)) {
        words += &format!("; stated reserves {reserve}");
    }
    words
}

impl Spoken for super::Solvency {
    fn words(claim: &SolvencyClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &SolvencyClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &SolvencyClaim) -> Vec<Anchor<'_>> {
        vec![Anchor::Book {
            book: &claim.book,
            snapshot: &claim.snapshot,
            counted: "that proof says nothing about positions",
        }]
    }

    fn given(claim: &SolvencyClaim) -> Vec<Given> {
        // Of its market a solvency claim takes what assets are worth.
        vec![Given::market(&claim.snapshot, false)]
    }
}
