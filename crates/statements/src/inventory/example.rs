//! Example claims.

use serde_json::json;

use super::{Inventory, Prepared};
use crate::book::{SealedBook, least_slots};
use crate::kit::{Example, Inputs, Refusal, Size};

/// Markets of the venue.
const MARKETS: usize = 4;

/// A venue that is the counterparty of its traders.
pub(super) fn examples() -> Vec<Example<Inventory>> {
    vec![Example {
        name: "inventory",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Inventory> {
    let accounts = size.accounts.unwrap_or(10_000);
    let set = venue::sample::scenarios(1, MARKETS, 50);
    let state = venue::sample::state(&set);
    let snapshot = venue::sample::snapshot(&set);
    let book = venue::sample::book(1, &set, &state, accounts);
    let sizes = json!({ "accounts": accounts, "markets": MARKETS });
    Inputs::new(sizes, move |secret| {
        let slots = least_slots(book.accounts());
        let sealed = SealedBook::new(&snapshot, book.accounts(), slots, secret);
        Prepared::new(&sealed.map_err(Refusal::malformed)?, &set, &state, secret)
    })
}
