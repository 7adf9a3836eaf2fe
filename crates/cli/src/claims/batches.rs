//! Batches of orders and the book that they are for: what auctions and settlements share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use market::import::layout;
use market::{Account, Snapshot};
use records::files::{At, read_file};
use statements::account::Identity;
use statements::auction::{self, Checked, Entry, Inputs};
use statements::book::least_slots;
use statements::orders::{Listed, Opening, Openings};
use statements::owner::{OneTimePath, OwnerFile, one_time};
use statements::settle;

use crate::Failure;
use crate::files::read_json;

/// The accounts before a batch, and who may send orders for them.
#[derive(Debug, Args)]
pub struct StateBook {
    /// The accounts before: a table, .csv, .parquet or .json. Orders are let in as far as their margin covers them, and receipts stand
    /// where a settlement of this book has them. Without it all orders are let in, and those that only reduce are not bounded.
    #[arg(long)]
    pub book: Option<PathBuf>,
    /// With --book: position slots of an account; the least that fit if not given.
    #[arg(long, requires = "book")]
    pub slots: Option<usize>,
    /// With --book: the folder of what traders gave when their accounts began, ID.owner for each that may send orders. Without it every
    /// order counts as its account's own.
    #[arg(long, requires = "book")]
    pub owners: Option<PathBuf>,
}

/// Accounts before a batch.
pub struct Accounts {
    pub accounts: Vec<Account>,
    pub slots: usize,
    /// The way of the secret for the batch, by the account's key, if owners are known.
    pub secrets: Option<BTreeMap<u64, OneTimePath>>,
}

impl StateBook {
    /// Reads the accounts and the secrets for a batch of a venue, if there is a book.
    pub fn read(
        &self,
        snapshot: &Snapshot,
        (venue, batch): (&str, u64),
    ) -> Result<Option<Accounts>, Failure> {
        let Some(book) = &self.book else {
            return Ok(None);
        };
        let accounts = layout::read_book(book, snapshot)?.accounts().to_vec();
        let slots = self.slots.unwrap_or_else(|| least_slots(&accounts));
        let secrets = self.owners.as_deref();
        let secrets = secrets.map(|folder| secrets_for(folder, &accounts, (venue, batch)));
        Ok(Some(Accounts {
            slots,
            secrets: secrets.transpose()?,
            accounts,
        }))
    }
}

/// The ways of the secrets for a batch, of accounts that have an owner's file.
fn secrets_for(
    folder: &Path,
    accounts: &[Account],
    (venue, batch): (&str, u64),
) -> Result<BTreeMap<u64, OneTimePath>, Failure> {
    let mut secrets = BTreeMap::new();
    for account in accounts {
        let path = folder.join(format!("{}.owner", account.id));
        if !path.exists() {
            continue;
        }
        let owner: OwnerFile = read_json(&path)?;
        let wrong = |why: String| Failure::Input(format!("{}: {why}", path.display()));
        if owner.venue != venue {
            return Err(wrong(format!(
                "field `venue`: the secrets are for `{}`, the batch is of `{venue}`; ask the trader for those of this venue",
                owner.venue
            )));
        }
        let ways = owner.paths(&[batch]).map_err(|e| wrong(e.to_string()))?;
        secrets.extend(
            ways.into_iter()
                .map(|way| (Identity::of(&account.id).key(), way)),
        );
    }
    Ok(secrets)
}

impl Accounts {
    /// Clears a batch as this book lets its orders in, with receipts where a settlement of the book has them.
    pub fn clear(
        &self,
        mut batch: Inputs,
        snapshot: &Snapshot,
    ) -> Result<(Checked, Vec<settle::Entry>), Failure> {
        let openings = batch.entries.iter().filter_map(|entry| match entry {
            Entry::Opened(opening, _) => Some(opening.clone()),
            Entry::Skipped(_) => None,
        });
        let openings: Vec<Opening> = openings.collect();
        let is_own = |opening: &Opening| match &self.secrets {
            None => true,
            Some(secrets) => secrets
                .get(&opening.account)
                .is_some_and(|way| way.digest == one_time(&opening.secret)),
        };
        let admissions = settle::admissions(
            snapshot,
            &self.accounts,
            self.slots,
            &batch.instruments,
            &openings,
            is_own,
        )?;
        let mut admissions = admissions.into_iter();
        for entry in &mut batch.entries {
            if let Entry::Opened(_, admission) = entry {
                *admission = admissions.next().unwrap_or_default();
            }
        }
        let checked = auction::check(&batch)?;
        let entries = checked.entries.iter().map(|entry| settle::Entry {
            opening: entry.opening.clone(),
            outcome: entry.outcome,
            slot: entry.slot,
        });
        let mut entries: Vec<settle::Entry> = entries.collect();
        let keys = self.accounts.iter().map(|a| Identity::of(&a.id).key());
        let mut keys: Vec<u64> = keys.collect();
        keys.sort_unstable();
        let book = (&keys[..], self.slots as u32);
        let arranged = settle::arrangement(book, snapshot, &checked.batch, &entries)?;
        let slots = arranged.slots(&entries);
        for (entry, slot) in entries.iter_mut().zip(&slots) {
            entry.slot = *slot;
        }
        Ok((checked.in_slots(arranged.log_slots(), &slots), entries))
    }
}

/// The entries of a closed board, as `order reveal` wrote them; none is refused yet.
pub fn read_openings(path: &Path) -> Result<Openings, Failure> {
    Ok(Openings::read(&At::file(path), &read_file(path)?)?)
}

/// As an auction takes them.
pub fn entries(openings: &Openings) -> Vec<Entry> {
    let entries = openings.entries.iter().cloned().map(|entry| match entry {
        Listed::Opened { order, .. } => Entry::Opened(order, Default::default()),
        Listed::Skipped { commitment, .. } => Entry::Skipped(commitment),
    });
    entries.collect()
}
