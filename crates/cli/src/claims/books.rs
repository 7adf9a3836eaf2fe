//! What claims about account books share.

use std::path::Path;
use std::sync::Arc;

use market::{Account, Book, Snapshot};
use statements::account::Secret;
use statements::book::{SealedBook, least_slots};

use crate::Failure;
use crate::files::{make_folder, write_private_json};

/// Accounts that are named; the others are counted.
pub const NAMED: usize = 20;

/// Seals a book in so many slots an account; the least that fit, if none are given.
pub fn seal(
    snapshot: &Snapshot,
    book: &Book,
    slots: Option<usize>,
    secret: &Secret,
) -> Result<Arc<SealedBook>, Failure> {
    let slots = slots.unwrap_or_else(|| least_slots(book.accounts()));
    SealedBook::new(snapshot, book.accounts(), slots, secret)
        .map_err(|e| Failure::Input(e.to_string()))
}

/// Writes the inclusion file of each account into a folder, if one is given.
pub fn write_inclusions(book: &SealedBook, folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        return Ok(());
    };
    make_folder(folder)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    for inclusion in book.inclusions() {
        let name: String = inclusion
            .account
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        // The index keeps names apart that differ only in unusual characters.
        let name = format!("{name}.{}.json", inclusion.place.index);
        write_private_json(&folder.join(name), &inclusion)?;
    }
    Ok(())
}

/// The account of an id.
pub fn find<'a>(book: &'a Book, id: &str, path: &Path) -> Result<&'a Account, Failure> {
    book.account(id).ok_or_else(|| {
        let hint = book.accounts().first().map_or("", |a| a.id.as_str());
        Failure::Input(format!(
            "{}: there is no account `{id}`; ids look like `{hint}`",
            path.display()
        ))
    })
}
