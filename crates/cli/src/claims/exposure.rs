//! The net exposure of a book in an underlying.

use clap::Args;
use fixed::Decimal;
use serde_json::json;
use statements::exposure::{self, Exposure, Terms};

use super::books::{BookFiles, BookSealing};
use super::{Answer, Make, Output};
use crate::Failure;

/// What a book is net long of an underlying lies in an interval. Each claim about a book with another interval, or of other
/// instruments, narrows what is known of its exposure.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub files: BookFiles,
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
    #[command(flatten)]
    pub sealed: BookSealing,
}

impl Make for Arguments {
    type Statement = Exposure;
    const PROVING: &[&str] = &["inclusions", "slots", "secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let (snapshot, book) = self.files.read()?;
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
        let (snapshot, book) = self.files.read()?;
        let secret = self.sealed.sealing.secret()?;
        let sealed = self.sealed.seal(&snapshot, &book, &secret)?;
        Ok(exposure::Prepared::new(&sealed, &self.terms())?)
    }

    fn finish(&self, prepared: &exposure::Prepared, _: &Output) -> Result<(), Failure> {
        self.sealed.write_inclusions(prepared.book())
    }

    fn is_repeatable(&self) -> bool {
        self.sealed.sealing.secret.is_some()
    }
}

impl Arguments {
    fn terms(&self) -> Terms {
        Terms {
            instruments: self.instrument.clone(),
            low: self.low,
            high: self.high,
        }
    }
}
