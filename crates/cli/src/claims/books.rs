//! What claims about account books share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use market::import::layout;
use market::{Account, Book, Snapshot};
use statements::account::Secret;
use statements::book::{SealedBook, least_slots};

use super::Sealing;
use crate::Failure;
use crate::files::{make_folder, write_private_json};
use crate::inputs::read_market;

/// Accounts that are named; the others are counted.
pub const NAMED: usize = 20;

/// A book in Sealbook's own layout, and its market.
#[derive(Debug, Args)]
pub struct BookFiles {
    /// The book: a table, .csv, .parquet or .json.
    #[arg(long)]
    pub book: PathBuf,
    /// The market: .json, or an option chain: .csv, .tsv, .txt, .parquet or .json.
    #[arg(long)]
    pub market: PathBuf,
    /// With an option chain: where prices come from, such as venue-x-mark. Other markets say so themselves.
    #[arg(long)]
    pub source: Option<String>,
}

impl BookFiles {
    /// Reads both.
    pub fn read(&self) -> Result<(Snapshot, Book), Failure> {
        let snapshot = read_market(&self.market, self.source.as_deref())?;
        let book = layout::read_book(&self.book, &snapshot)?;
        Ok((snapshot, book))
    }
}

/// How a book is sealed.
#[derive(Debug, Args)]
pub struct BookSealing {
    /// Write each account's inclusion file into this folder. They hold balances and positions.
    #[arg(long)]
    pub inclusions: Option<PathBuf>,
    /// Position slots of an account in the commitment; the least that fit if not given.
    #[arg(long)]
    pub slots: Option<usize>,
    #[command(flatten)]
    pub sealing: Sealing,
}

impl BookSealing {
    /// Seals a book.
    pub fn seal(
        &self,
        snapshot: &Snapshot,
        book: &Book,
        secret: &Secret,
    ) -> Result<Arc<SealedBook>, Failure> {
        let slots = self.slots.unwrap_or_else(|| least_slots(book.accounts()));
        SealedBook::new(snapshot, book.accounts(), slots, secret)
            .map_err(|e| Failure::Input(e.to_string()))
    }

    /// Writes the inclusion files, if they are wanted.
    pub fn write_inclusions(&self, book: &SealedBook) -> Result<(), Failure> {
        match &self.inclusions {
            Some(folder) => write_inclusions(book, folder),
            None => Ok(()),
        }
    }
}

/// Writes the inclusion file of each account into a folder.
fn write_inclusions(book: &SealedBook, folder: &Path) -> Result<(), Failure> {
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
