//! What an exposure claim says.

use market::exposure::Exposed;

use super::{Exposure, ExposureClaim};
use crate::book::{market_words, moment};
use crate::kit::{Anchor, Given, Spoken};
use crate::nonce::{self, Nonce};
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &ExposureClaim) -> Vec<String> {
    let (book, snapshot) = (&claim.book, &claim.snapshot);
    // A claim whose instruments do not fit has no other words.
    let exposed = Exposed::new(snapshot, &claim.instruments);
    let (lot, underlying) = exposed.map_or_else(
        |_| ("unknown".into(), "an unknown underlying".into()),
        |exposed| (exposed.lot.to_string(), quoted(&exposed.underlying)),
    );
    let counted: Vec<String> = claim.instruments.iter().map(|s| quoted(s)).collect();
    let others = snapshot.instruments.iter().map(|i| quoted(&i.symbol));
    let others: Vec<String> = others.filter(|symbol| !counted.contains(symbol)).collect();
    let others = match others.is_empty() {
        true => "there are none".into(),
        false => others.join(", "),
    };
    let mut lines = vec![
        format!(
            "as of {}, the {} accounts of book {} together are net long at least {} and at most {} of {underlying} in {}",
            moment(snapshot),
            book.accounts,
            book.commitment,
            claim.low,
            claim.high,
            counted.join(", ")
        ),
        format!(
            "a lot of each of these is {lot} of {underlying}, which the market names as what all of them are on"
        ),
        format!("positions in other instruments do not count: {others}"),
        format!(
            "an account has at most {} positions; that accounts are distinct and of real traders is the prover's word (an \
             invented account can offset all others); nothing is said about balances",
            book.slots
        ),
        "claims about this book with other intervals or instruments hold together with this one: each narrows what is known of the exposure"
            .into(),
        format!("{}; prices play no part", market_words(snapshot)),
    ];
    lines.extend(nonce::line(&claim.nonce));
    lines
}

impl Spoken for Exposure {
    fn words(claim: &ExposureClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &ExposureClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &ExposureClaim) -> Vec<Anchor<'_>> {
        vec![Anchor::Book {
            book: &claim.book,
            snapshot: &claim.snapshot,
            counted: "that proof counts positions in some instruments and says nothing about balances",
        }]
    }

    fn given(claim: &ExposureClaim) -> Vec<Given> {
        vec![Given::market(&claim.snapshot, true)]
    }
}
