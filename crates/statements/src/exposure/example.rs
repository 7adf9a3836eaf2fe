//! Example claims.

use fixed::Decimal;
use market::sample;
use serde_json::json;

use super::witness::Terms;
use super::{Exposure, Prepared};
use crate::book::{SealedBook, least_slots};
use crate::kit::{Example, Inputs, Refusal, Size};

/// A book over perpetuals, futures and options, and its exposure in one perpetual.
pub(super) fn examples() -> Vec<Example<Exposure>> {
    vec![Example {
        name: "exposure",
        inputs,
    }]
}

fn inputs(size: &Size) -> Inputs<Exposure> {
    const POSITIONS: usize = 4;
    let accounts = size.accounts.unwrap_or(10_000);
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 1, accounts, POSITIONS, 0);
    let far = Decimal::from_int(1_000_000_000);
    let terms = Terms {
        instruments: vec!["BTC-PERP".into()],
        low: far.neg(),
        high: far,
    };
    let sizes = json!({
        "accounts": accounts, "positions": POSITIONS, "instruments": snapshot.instruments.len(),
    });
    Inputs::new(sizes, move |secret| {
        let slots = least_slots(book.accounts());
        let sealed = SealedBook::new(&snapshot, book.accounts(), slots, secret);
        Prepared::new(&sealed.map_err(Refusal::malformed)?, &terms)
    })
}
