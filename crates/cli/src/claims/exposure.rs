//! The net exposure of a book in an underlying.

use std::path::PathBuf;

use clap::Args;
use fixed::Decimal;
use market::import::layout;
use market::{Book, Snapshot};
use serde_json::json;
use statements::exposure::{self, Exposure, Terms};

use super::books::{seal, write_inclusions};
use super::{Answer, Make, Output, Sealing};
use crate::Failure;
use crate::inputs::{Origin, read_market};

/// What a book is net long of an underlying lies in an interval.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The book: .json, .csv or .parquet.
    #[arg(long)]
    pub book: PathBuf,
    /// The market: .json.
    #[arg(long)]
    pub market: PathBuf,
    #[command(flatten)]
    pub origin: Origin,
    /// An instrument whose positions count, such as BTC-PERP: a linear perpetual or future; all of one size of lot. May be given
    /// several times.
    #[arg(long, required = true)]
    pub instrument: Vec<String>,
    /// All accounts together are net long at least this much of the underlying; less than zero is net short.
    #[arg(long, allow_hyphen_values = true)]
    pub low: Decimal,
    /// And at most this much.
    #[arg(long, allow_hyphen_values = true)]
    pub high: Decimal,
    /// Write each account's inclusion file into this folder. They hold balances and positions.
    #[arg(long)]
    pub inclusions: Option<PathBuf>,
    /// Position slots of an account in the commitment; the least that fit if not given.
    #[arg(long)]
    pub slots: Option<usize>,
    #[command(flatten)]
    pub sealing: Sealing,
    #[command(flatten)]
    pub output: Output,
}

impl Make for Arguments {
    type Statement = Exposure;

    fn check(&self) -> Result<Answer, Failure> {
        let (snapshot, book) = self.inputs()?;
        let (accounts, terms) = (book.accounts(), self.terms());
        let net = exposure::check(&snapshot, accounts, &terms)?;
        let count = accounts.len();
        Ok(Answer {
            json: json!({ "accounts": count, "net": net, "low": terms.low, "high": terms.high }),
            lines: Vec::new(),
            sentence: Ok(format!(
                "{count} account(s) together are net long {net} of the underlying, between {} and {}",
                terms.low, terms.high
            )),
        })
    }

    fn prepare(&self) -> Result<exposure::Prepared, Failure> {
        let (snapshot, book) = self.inputs()?;
        let sealed = seal(&snapshot, &book, self.slots, &self.sealing.secret()?)?;
        Ok(exposure::Prepared::new(&sealed, &self.terms())?)
    }

    fn finish(&self, prepared: &exposure::Prepared) -> Result<(), Failure> {
        write_inclusions(prepared.book(), self.inclusions.as_deref())
    }

    fn output(&self) -> &Output {
        &self.output
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
    }
}

impl Arguments {
    fn inputs(&self) -> Result<(Snapshot, Book), Failure> {
        let snapshot = read_market(&self.market, &self.origin)?;
        let book = layout::read_book(&self.book, &snapshot)?;
        Ok((snapshot, book))
    }

    fn terms(&self) -> Terms {
        Terms {
            instruments: self.instrument.clone(),
            low: self.low,
            high: self.high,
        }
    }
}
