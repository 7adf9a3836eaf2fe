//! What a margin claim says.

use market::{ScenarioGrid, Snapshot};

use super::{MarginClaim, Subject, parameters_digest};
use crate::book::{market_words, moment};
use crate::kit::{Anchor, Given, Spoken};
use crate::nonce;
use crate::nonce::Nonce;
use crate::words::quoted;

/// The claim in words: the sentence, then details.
pub fn words(claim: &MarginClaim) -> Vec<String> {
    let (level, when) = (claim.level, moment(&claim.snapshot));
    let mut lines = match &claim.subject {
        Subject::Account { commitment, slots } => vec![
            format!("as of {when}, the account committed as {commitment} meets {level} margin"),
            format!(
                "it has at most {slots} positions; pledges play no part, and what it owes elsewhere is not known; a path shows \
                 which book it is in"
            ),
        ],
        Subject::Book { book, below, .. } => vec![
            format!(
                "as of {when}, exactly {below} of the {} accounts of book {} are below {level} margin, and the others meet it",
                book.accounts, book.commitment
            ),
            format!(
                "an account has at most {} positions; pledges play no part",
                book.slots
            ),
        ],
    };
    lines.push(market_words(&claim.snapshot));
    let prices = claim.snapshot.assets.iter();
    let prices: Vec<String> = prices
        .map(|a| format!("{} at {}", quoted(&a.symbol), a.price))
        .collect();
    lines.push(format!("assets are worth: {}", prices.join(", ")));
    lines.push(rules_words(&claim.snapshot));
    for (reason, options) in market::quotes::mark_reasons(&claim.snapshot) {
        lines.push(format!(
            "{options} option(s) of that market are marked far from their model price, for the stated reason {}",
            quoted(reason)
        ));
    }
    lines.extend(nonce::line(&claim.nonce));
    lines
}

/// The margin rules, which the prover names: their digest, and how far scenarios go.
fn rules_words(snapshot: &Snapshot) -> String {
    let ScenarioGrid {
        price_moves,
        volatility_shifts,
        extremes,
    } = &snapshot.grid;
    let range = |values: &[fixed::Decimal]| match (values.iter().min(), values.iter().max()) {
        (Some(least), Some(most)) => format!("{} from {least} to {most}", values.len()),
        _ => "none".into(),
    };
    let extremes: Vec<String> = extremes
        .iter()
        .map(|e| {
            format!(
                "{} with volatility shift {} at {} of its loss",
                e.price_move, e.volatility_shift, e.fraction
            )
        })
        .collect();
    let p = &snapshot.parameters;
    format!(
        "by the margin rules {} (scenarios, add-ons, factors and haircuts): price moves {}, each with volatility shifts {}; \
         extremes: {}; add-ons of notional: perpetuals {}, futures {}, options {}, short options at least {}; initial margin {} \
         times maintenance, a buffer of {}",
        parameters_digest(snapshot),
        range(price_moves),
        range(volatility_shifts),
        if extremes.is_empty() {
            "none".into()
        } else {
            extremes.join(", ")
        },
        p.perpetual_contingency,
        p.future_contingency,
        p.option_contingency,
        p.short_option_minimum,
        p.initial_factor,
        p.buffer
    )
}

impl Spoken for super::Margin {
    fn words(claim: &MarginClaim) -> Vec<String> {
        words(claim)
    }

    fn nonce(claim: &MarginClaim) -> Option<&Nonce> {
        claim.nonce.as_ref()
    }

    fn anchors(claim: &MarginClaim) -> Vec<Anchor<'_>> {
        let snapshot = &claim.snapshot;
        let anchor = match &claim.subject {
            Subject::Account { commitment, slots } => Anchor::Account {
                commitment,
                slots: *slots,
                snapshot,
            },
            Subject::Book { book, .. } => Anchor::Book {
                book,
                snapshot,
                counted: "that proof counts what the account owns and owes, and its positions; pledges play no part",
            },
        };
        vec![anchor]
    }

    fn given(claim: &MarginClaim) -> Vec<Given> {
        vec![Given::market(&claim.snapshot, true)]
    }
}
