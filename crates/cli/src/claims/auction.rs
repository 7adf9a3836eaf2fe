//! A batch of orders, cleared.

use std::path::{Path, PathBuf};

use clap::Args;
use market::Snapshot;
use market::auction::{Admission, Ladder};
use market::import::auctions::{self, read_auction};
use market::import::fills::{self, Ending, FillRow};
use market::import::orders::{SentOrder, read_orders};
use serde_json::json;
use statements::account::{Identity, Secret};
use statements::auction::{self, Auction, Checked, Entry, Inputs, Instrument, Receipt};
use statements::orders::{Batch, LEVELS, Opening, Randomness, Status, session};

use super::batches::{StateBook, entries, read_openings};
use super::{Answer, Make, Output};
use crate::Failure;
use crate::files::{make_folder, write_private, write_private_json};
use crate::inputs::read_market;
use crate::output::note;

/// A batch of orders cleared at one price for each instrument, by the exchanges' four-step rule. The orders stay sealed; each gets a
/// receipt.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The market: .json.
    #[arg(long)]
    pub market: PathBuf,
    /// With an option chain: where prices come from, such as venue-x-mark. Other markets say so themselves.
    #[arg(long)]
    pub source: Option<String>,
    /// What the auction is held by: batch, venue, bands and fees: .json.
    #[arg(long)]
    pub auction: PathBuf,
    /// The orders as the venue knows them: a table, .csv, .parquet or .json. Columns of FIX are understood, too.
    #[arg(
        long,
        required_unless_present = "openings",
        conflicts_with = "openings"
    )]
    pub orders: Option<PathBuf>,
    /// The orders of a closed board, as `order reveal` wrote them.
    #[arg(long)]
    pub openings: Option<PathBuf>,
    #[command(flatten)]
    pub before: StateBook,
    /// 64 hexadecimal digits that nobody knew before the close, from which it follows where pro rata starts; drawn if not given.
    #[arg(long, value_parser = randomness)]
    pub randomness: Option<Randomness>,
    /// State what was bid for and offered at each price, and with it which side was left over.
    #[arg(long)]
    pub depth: bool,
    /// With --orders: write what each order traded into this file, as a table with FIX columns, with the reason of what did not trade.
    #[arg(long, requires = "orders")]
    pub fills: Option<PathBuf>,
    /// Write each order's receipt into this folder, for its trader alone.
    #[arg(long)]
    pub receipts: Option<PathBuf>,
}

fn randomness(text: &str) -> Result<Randomness, String> {
    Randomness::try_from(text.to_string()).map_err(str::to_string)
}

impl Make for Arguments {
    type Statement = Auction;
    const PROVING: &[&str] = &["fills", "receipts"];

    fn check(&self) -> Result<Answer, Failure> {
        let checked = self.cleared()?;
        let batch = &checked.batch;
        let rows: Vec<_> = batch
            .auctions
            .iter()
            .map(|a| {
                json!({
                    "instrument": a.symbol, "price_a_lot": a.price.map(|p| p.to_quote()), "lots": a.volume,
                })
            })
            .collect();
        let traded = batch.auctions.iter().filter(|a| a.price.is_some());
        let lines = traded.clone().map(|a| {
            let price = a.price.unwrap_or_default().to_quote();
            format!(
                "{}: {} lots at {price} {} a lot",
                a.symbol, a.volume.0, batch.quote
            )
        });
        let took_part = checked
            .entries
            .iter()
            .filter(|e| e.outcome.status == Status::TookPart)
            .count();
        let void = checked.entries.len() - took_part;
        Ok(Answer {
            json: json!({
                "venue": batch.venue, "batch": batch.number, "orders": batch.orders, "took_part": took_part,
                "void": void, "auctions": rows, "currency": batch.quote,
            }),
            lines: lines.collect(),
            sentence: Ok(format!(
                "batch {} of venue {} clears {} order(s), {void} of them void, in {} of {} instrument(s)",
                batch.number,
                batch.venue,
                batch.orders,
                traded.count(),
                batch.auctions.len()
            )),
        })
    }

    fn prepare(&self) -> Result<auction::Prepared, Failure> {
        Ok(auction::Prepared::sealed(self.cleared()?)?)
    }

    fn finish(&self, prepared: &auction::Prepared, _: &Output) -> Result<(), Failure> {
        let receipts = prepared.receipts();
        if let Some(path) = &self.fills {
            let files = self.read()?;
            let rows = receipts
                .iter()
                .map(|receipt| files.rows(receipt, &prepared.claim().batch));
            let rows = rows.collect::<Result<Vec<_>, Failure>>()?.concat();
            let text = fills::write_fills(&files.snapshot, &rows).map_err(Failure::Input)?;
            write_private(path, text.as_bytes())?;
        }
        let Some(folder) = &self.receipts else {
            return Ok(());
        };
        make_folder(folder)?;
        for receipt in &receipts {
            let name = format!("receipt-{:05}.json", receipt.place);
            write_private_json(&folder.join(name), receipt)?;
        }
        Ok(())
    }

    /// Secrets of orders in a table are drawn anew each time.
    fn is_repeatable(&self) -> bool {
        self.openings.is_some()
    }
}

/// What a batch is made from.
struct Files {
    snapshot: Snapshot,
    terms: auctions::Auction,
    sent: Vec<SentOrder>,
}

impl Arguments {
    fn read(&self) -> Result<Files, Failure> {
        let snapshot = read_market(&self.market, self.source.as_deref())?;
        let terms = read_auction(&self.auction, &snapshot)?;
        let sent = match &self.orders {
            Some(orders) => read_orders(orders, &snapshot)?,
            None => Vec::new(),
        };
        Ok(Files {
            snapshot,
            terms,
            sent,
        })
    }

    /// The cleared batch, with receipts where a settlement of the book has them.
    fn cleared(&self) -> Result<Checked, Failure> {
        let files = self.read()?;
        let batch = match &self.openings {
            Some(openings) => files.opened(self, openings)?,
            None => files.sent(self)?,
        };
        let batch_of = (files.terms.venue.as_str(), files.terms.batch);
        match self.before.read(&files.snapshot, batch_of)? {
            None => Ok(auction::check(&batch)?),
            Some(book) => Ok(book.clear(batch, &files.snapshot)?.0),
        }
    }
}

impl Files {
    /// The orders of a table, each with a secret of its own.
    fn sent(&self, arguments: &Arguments) -> Result<Inputs, Failure> {
        let (terms, sent) = (&self.terms, &self.sent);
        let most = sent.iter().map(|order| order.levels.len()).max();
        let levels = LEVELS
            .into_iter()
            .find(|levels| *levels as usize >= most.unwrap_or(1));
        let levels =
            levels.ok_or_else(|| Failure::Internal("an order has too many levels".into()))?;
        let randomness = arguments.randomness.unwrap_or_else(|| {
            note!("note: the randomness from which pro rata starts is drawn here; give --randomness for one that nobody chose");
            Randomness::random()
        });
        let secret = Secret::random();
        let session = session(&terms.venue, terms.batch);
        let entries = sent.iter().map(|order| {
            let identity = Identity::of(&order.account);
            let opening = Opening {
                account: identity.key(),
                instrument: order.instrument,
                nonce: order.nonce,
                quote: order.quote,
                reduce_only: order.reduce_only,
                ladder: Ladder(order.levels.clone()),
                session,
                secret: secret.salt(&identity),
            };
            Entry::Opened(opening, Admission::default())
        });
        Ok(self.batch(arguments, levels, randomness, entries.collect()))
    }

    /// The orders of a closed board.
    fn opened(&self, arguments: &Arguments, path: &Path) -> Result<Inputs, Failure> {
        let openings = read_openings(path)?;
        let about = &openings.about;
        let terms = &self.terms;
        if (about.venue.as_str(), about.batch) != (terms.venue.as_str(), terms.batch) {
            return Err(Failure::Input(format!(
                "{}: the orders are of batch {} of {}, the auction is of batch {} of {}",
                path.display(),
                about.batch,
                about.venue,
                terms.batch,
                terms.venue
            )));
        }
        let randomness = match (arguments.randomness, about.randomness) {
            (Some(given), Some(other)) if given != other => {
                return Err(Failure::Input(
                    "--randomness: the file of the openings has another one; leave the option away"
                        .into(),
                ));
            }
            (given, other) => given.or(other),
        };
        let randomness = randomness.ok_or_else(|| {
            Failure::Input("--randomness: the file of the openings has none; give it".into())
        })?;
        Ok(self.batch(arguments, about.levels, randomness, entries(&openings)))
    }

    fn batch(
        &self,
        arguments: &Arguments,
        levels: u32,
        randomness: Randomness,
        entries: Vec<Entry>,
    ) -> Inputs {
        let instruments = self.terms.instruments.iter().map(|held| Instrument {
            number: held.instrument as u32,
            symbol: self.snapshot.instruments[held.instrument].symbol.clone(),
            band: held.band,
            fees: held.fees,
        });
        Inputs {
            venue: self.terms.venue.clone(),
            batch: self.terms.batch,
            quote: self.snapshot.quote.clone(),
            levels,
            instruments: instruments.collect(),
            randomness,
            entries,
            shows_depth: arguments.depth,
        }
    }

    /// The rows of the order that a receipt is of.
    fn rows(&self, receipt: &Receipt, batch: &Batch) -> Result<Vec<FillRow>, Failure> {
        let fill = receipt.fill();
        let reason = receipt.why_void(batch);
        let ending = match (&reason, receipt.price(batch)) {
            (Some(reason), _) => Ending::Void {
                status: match receipt.status {
                    Status::Replaced => fills::Status::Replaced,
                    Status::Cancels => fills::Status::Canceled,
                    _ => fills::Status::Rejected,
                },
                reason,
            },
            (None, None) => Ending::NoTrade,
            (None, Some(price)) => Ending::Cleared {
                price,
                fill: &fill,
                most: receipt.most,
            },
        };
        let order = &self.sent[receipt.place as usize];
        fills::rows(&self.snapshot, order, ending).map_err(Failure::Input)
    }
}
