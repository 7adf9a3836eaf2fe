//! An account book, moved by a batch of orders.

use std::path::PathBuf;

use clap::Args;
use market::import::layout;
use market::{Book, Snapshot};
use serde_json::json;
use statements::account::{Identity, Secret};
use statements::auction::{Auction, Inputs, Instrument};
use statements::book::SealedBook;
use statements::orders::Batch;
use statements::owner::{Owner, OwnerFile};
use statements::settle::{self, Entry, Prepared, Secrets, Settle};

use super::batches::{Accounts, StateBook, entries, read_openings};
use super::{Answer, Make, Output, Sealing};
use crate::Failure;
use crate::commands::verify::accepted;
use crate::inputs::read_market;

/// An account book becomes the next one by exactly what the orders of an auction traded; orders are refused for margin, or as not the
/// account's own, if and only if they must be.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The auction's proof, made with the same --book, --slots, --owners and --openings.
    #[arg(long)]
    pub auction: PathBuf,
    /// The orders of the closed board, as `order reveal` wrote them.
    #[arg(long)]
    pub openings: PathBuf,
    /// The market of the book after, whose prices decide what margin covers: .json.
    #[arg(long)]
    pub market: PathBuf,
    /// The market of the book before, of which the moment counts; that of the book after if not given.
    #[arg(long)]
    pub before_market: Option<PathBuf>,
    #[command(flatten)]
    pub before: StateBook,
    /// The number of the epoch: within one, an account that does not trade keeps its leaf.
    #[arg(long, default_value_t = 1)]
    pub epoch: u64,
    /// Write the book after into this file: .csv, .parquet or .json.
    #[arg(long)]
    pub after: Option<PathBuf>,
    #[command(flatten)]
    pub sealing: Sealing,
}

impl Make for Arguments {
    type Statement = Settle;
    const PROVING: &[&str] = &["after", "secret", "epoch", "before_market"];

    fn check(&self) -> Result<Answer, Failure> {
        let inputs = self.inputs(&Secret::random())?;
        let book = &inputs.book;
        let settled = settle::check(
            &inputs.snapshot,
            &book.accounts,
            book.slots,
            &inputs.batch,
            &inputs.entries,
            &inputs.secrets,
        )?;
        let (orders, fills) = (inputs.entries.len(), settled.fills);
        Ok(Answer {
            json: json!({ "orders": orders, "fills": fills, "accounts": settled.accounts.len() }),
            lines: Vec::new(),
            sentence: Ok(format!(
                "batch {} moves {} of {} accounts by {fills} fill(s) of {orders} order(s)",
                inputs.batch.number,
                settled.accounts.len(),
                book.accounts.len()
            )),
        })
    }

    fn prepare(&self) -> Result<Prepared, Failure> {
        let secret = self.sealing.secret()?;
        let inputs = self.inputs(&secret)?;
        let before = match &self.before_market {
            Some(path) => read_market(path, None)?,
            None => inputs.snapshot.clone(),
        };
        let owner = |id: &str| {
            let identity = Identity::of(id);
            let shared = secret.derived(&identity.0);
            let way = &inputs.secrets[&identity.key()];
            Owner::new(way.root(inputs.batch.number), &shared, self.epoch)
        };
        let book = &inputs.book;
        let before = SealedBook::state(&before, &book.accounts, book.slots, &secret, &owner);
        let before = before.map_err(|e| Failure::Input(e.to_string()))?;
        Ok(Prepared::new(
            &before,
            &inputs.snapshot,
            &inputs.batch,
            inputs.entries,
            inputs.secrets,
            &secret,
        )?)
    }

    fn finish(&self, prepared: &Prepared, _: &Output) -> Result<(), Failure> {
        let Some(path) = &self.after else {
            return Ok(());
        };
        let snapshot = prepared.after().snapshot();
        let accounts = prepared.after().accounts_in_order();
        let book = Book::new(snapshot, accounts).map_err(|e| Failure::Internal(e.to_string()))?;
        layout::write_book(path, &book, snapshot)
            .map_err(|e| Failure::Input(format!("{}: cannot be written: {e}", path.display())))
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
    }
}

struct Read {
    snapshot: Snapshot,
    batch: Batch,
    book: Accounts,
    entries: Vec<Entry>,
    secrets: Secrets,
}

impl Arguments {
    fn inputs(&self, secret: &Secret) -> Result<Read, Failure> {
        let fact = accepted(&self.auction)?;
        let proven = fact.of::<Auction>().ok_or_else(|| {
            Failure::Input(format!(
                "--auction {}: is not the proof of an auction",
                self.auction.display()
            ))
        })?;
        let batch = proven.claim().batch.clone();
        let snapshot = read_market(&self.market, None)?;
        let book = self.before.read(&snapshot, (&batch.venue, batch.number))?;
        let book = book.ok_or_else(|| Failure::Input("--book: give the accounts before".into()))?;
        let mut secrets = book.secrets.clone().ok_or_else(|| {
            Failure::Input(
                "--owners: give the folder of what traders gave for their accounts".into(),
            )
        })?;
        let openings = read_openings(&self.openings)?;
        let instruments = batch.auctions.iter().map(|auction| {
            Ok(Instrument {
                number: auction.number,
                symbol: auction.symbol.clone(),
                band: auction.band()?,
                fees: auction.fees()?,
            })
        });
        let instruments = instruments
            .collect::<Result<_, String>>()
            .map_err(Failure::Internal)?;
        let inputs = Inputs {
            venue: batch.venue.clone(),
            batch: batch.number,
            quote: batch.quote.clone(),
            levels: batch.levels,
            instruments,
            randomness: batch.randomness,
            entries: entries(&openings),
            shows_depth: batch.auctions.iter().any(|auction| auction.depth.is_some()),
        };
        let (checked, entries) = book.clear(inputs, &snapshot)?;
        // Whoever gave no secrets has those of a tree of which nobody is shown one, and so can't send orders.
        let nobody = OwnerFile::new(&secret.derived(&Identity::of("").0), &batch.venue);
        let ways = nobody.paths(&[batch.number]);
        let way = ways
            .map_err(|e| Failure::Internal(e.to_string()))?
            .swap_remove(0);
        for account in &book.accounts {
            let key = Identity::of(&account.id).key();
            secrets.entry(key).or_insert_with(|| way.clone());
        }
        if checked.cleared() != batch {
            return Err(Failure::Input(format!(
                "{}: was proven with other openings, another book, other slots or owners, or other prices; give the same here and there",
                self.auction.display()
            )));
        }
        Ok(Read {
            snapshot,
            batch,
            book,
            entries,
            secrets,
        })
    }
}
