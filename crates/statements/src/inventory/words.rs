//! What an inventory claim says.

use super::InventoryClaim;
use crate::book::{market_words, moment};
use crate::kit::{Anchor, At, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &InventoryClaim) -> Vec<String> {
    let book = &claim.book;
    let markets = claim.markets.iter();
    let markets: Vec<String> = markets
        .map(|m| {
            let value = fixed::Decimal::new(m.value.into(), records::units::TICK_DECIMALS);
            format!(
                "{} in lots of {} (for {value} in the scenarios)",
                quoted(&m.symbol),
                m.lot
            )
        })
        .collect();
    let mut lines = vec![
        format!(
            "the venue's state committed as {}, as of {}, holds what the {} accounts of book {}, as of {}, add up to: net \
             quantities and net entry",
            claim.state,
            records::date::moment(claim.state_as_of_ms),
            book.accounts,
            book.commitment,
            moment(&claim.snapshot)
        ),
        format!("markets: {}", markets.join(", ")),
        format!(
            "an account has at most {} positions; that accounts are of real traders and entry prices those of real trades is \
             the prover's word (an invented account can offset all others); nothing is said about balances, capital or what \
             was collected since {}",
            book.slots,
            records::date::moment(claim.state_collected_since_ms)
        ),
        format!("{}; prices play no part", market_words(&claim.snapshot)),
    ];
    lines.extend(nonce::line(&claim.nonce));
    lines
}

impl Spoken for super::Inventory {
    fn words(claim: &InventoryClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &InventoryClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &InventoryClaim) -> Vec<Anchor<'_>> {
        let book = Anchor::Book {
            book: &claim.book,
            snapshot: &claim.snapshot,
            counted: "that proof counts positions and says nothing about balances",
        };
        vec![book, Anchor::VenueState(At::Whole, claim.state)]
    }

    fn given(claim: &InventoryClaim) -> Vec<Given> {
        vec![Given::market(&claim.snapshot, true)]
    }
}
