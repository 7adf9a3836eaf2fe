//! Example claims.

use market::{Level, Snapshot, sample};
use serde_json::json;

use super::{Margin, Prepared};
use crate::book::SealedBook;
use crate::kit::{Example, Inputs, Refusal, Size};

/// One account with 64 positions, and books of accounts with 16 positions each, a hundredth of which do not meet the level: on two
/// coins, and on four that are a group with an offset.
pub(super) fn examples() -> Vec<Example<Margin>> {
    let example = |name, inputs| Example { name, inputs };
    vec![
        example("margin", account),
        example("book-margin", |size| book(size, sample::snapshot())),
        example("book-margin-groups", |size| {
            book(size, sample::four_coins())
        }),
    ]
}

fn account(_: &Size) -> Inputs<Margin> {
    const POSITIONS: usize = 64;
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 1, 1, POSITIONS, 0);
    let sizes = json!({
        "accounts": 1, "positions": POSITIONS, "instruments": snapshot.instruments.len(),
        "columns": snapshot.grid.scenarios().len() + 1,
        "assets": snapshot.assets.len(), "level": "maintenance",
    });
    Inputs::new(sizes, move |secret| {
        let sealed = SealedBook::new(&snapshot, book.accounts(), POSITIONS, secret);
        let id = &book.accounts()[0].id;
        Prepared::new(
            &sealed.map_err(Refusal::malformed)?,
            Some(id),
            Level::Maintenance,
        )
    })
}

fn book(size: &Size, snapshot: Snapshot) -> Inputs<Margin> {
    const POSITIONS: usize = 16;
    let accounts = size.accounts.unwrap_or(10_000);
    let below = accounts.div_ceil(100);
    let book = sample::book(&snapshot, 1, accounts, POSITIONS, below);
    let sizes = json!({
        "accounts": accounts, "positions": POSITIONS, "instruments": snapshot.instruments.len(),
        "columns": snapshot.grid.scenarios().len() + 1,
        "assets": snapshot.assets.len(), "underlyings": snapshot.underlyings().len(), "level": "maintenance",
        "below": below,
    });
    Inputs::new(sizes, move |secret| {
        let sealed = SealedBook::new(&snapshot, book.accounts(), POSITIONS, secret);
        Prepared::new(
            &sealed.map_err(Refusal::malformed)?,
            None,
            Level::Maintenance,
        )
    })
}
