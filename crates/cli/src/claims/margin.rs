//! The margin of an account or of a book.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use market::array::column_name;
use market::margin::{MarginResult, Margins};
use market::{Account, Book, Snapshot};
use serde_json::{Map, Value, json};
use statements::margin::{self, Margin};

use super::books::{BookFiles, BookSealing, NAMED, find};
use super::{Answer, Make, Output};
use crate::Failure;
use crate::files::write_private_json;

/// An account, or all accounts of a book, and a margin level.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub files: BookFiles,
    /// The account; without it the claim is about the whole book.
    #[arg(long, conflicts_with = "inclusions")]
    pub account: Option<String>,
    /// With --account: write the path from the account's commitment to the book into this file. It holds no balances; `verify
    /// --path` checks it against a proof about the book.
    #[arg(long, requires = "account")]
    pub path: Option<PathBuf>,
    /// The requirement.
    #[arg(long, value_enum, default_value_t = LevelName::Maintenance)]
    pub level: LevelName,
    #[command(flatten)]
    pub sealed: BookSealing,
}

/// A margin level.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LevelName {
    /// To open positions.
    Initial,
    /// To keep them.
    Maintenance,
    /// Maintenance with the market's buffer on top.
    MaintenancePlusBuffer,
}

impl From<LevelName> for market::Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Initial => Self::Initial,
            LevelName::Maintenance => Self::Maintenance,
            LevelName::MaintenancePlusBuffer => Self::MaintenancePlusBuffer,
        }
    }
}

impl Make for Arguments {
    type Statement = Margin;
    const PROVING: &[&str] = &["path", "inclusions", "slots", "secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let (snapshot, book) = self.files.read()?;
        match &self.account {
            Some(id) => self.check_account(&snapshot, find(&book, id, &self.files.book)?),
            None => self.check_book(&snapshot, &book),
        }
    }

    fn prepare(&self) -> Result<margin::Prepared, Failure> {
        let (snapshot, book) = self.files.read()?;
        let level = self.level.into();
        if let Some(id) = &self.account {
            find(&book, id, &self.files.book)?;
        }
        let secret = self.sealed.sealing.secret()?;
        let sealed = self.sealed.seal(&snapshot, &book, &secret)?;
        Ok(margin::Prepared::new(
            &sealed,
            self.account.as_deref(),
            level,
        )?)
    }

    fn finish(&self, prepared: &margin::Prepared, _: &Output) -> Result<(), Failure> {
        let book = prepared.book();
        self.sealed.write_inclusions(book)?;
        let path = self.account.as_deref().and_then(|id| book.path(id));
        if let (Some(file), Some(path)) = (&self.path, path) {
            write_private_json(file, &path)?;
        }
        Ok(())
    }

    fn is_repeatable(&self) -> bool {
        self.sealed.sealing.secret.is_some()
    }
}

impl Arguments {
    fn margins(&self, snapshot: &Snapshot, accounts: &[&Account]) -> Result<Margins, Failure> {
        let margins = Margins::new(snapshot, accounts, self.level.into());
        margins.map_err(|e| Failure::Input(format!("snapshot: {e}")))
    }

    fn check_account(&self, snapshot: &Snapshot, account: &Account) -> Result<Answer, Failure> {
        let margins = self.margins(snapshot, &[account])?;
        let result = &margins.results[0];
        let (id, level) = (&account.id, market::Level::from(self.level));
        let mut json = numbers(snapshot, account, result);
        json.insert("level".into(), json!(level.to_string()));
        json.insert("quote".into(), json!(snapshot.quote));
        let met = format!("account `{id}` meets {level} margin");
        Ok(Answer {
            json: json.into(),
            lines: lines(snapshot, result),
            sentence: margins.check().map(|()| met).map_err(|e| e.to_string()),
        })
    }

    fn check_book(&self, snapshot: &Snapshot, book: &Book) -> Result<Answer, Failure> {
        let accounts: Vec<&Account> = book.accounts().iter().collect();
        let margins = self.margins(snapshot, &accounts)?;
        let (count, level) = (accounts.len(), market::Level::from(self.level));
        let below = &margins.below;
        let mut named: Vec<String> = below.iter().take(NAMED).map(ToString::to_string).collect();
        if below.len() > NAMED {
            named.push(format!("and {} more", below.len() - NAMED));
        }
        let short = accounts.iter().zip(&margins.results);
        let short = short.filter(|(_, result)| !result.is_met());
        let json_of = short.map(|(account, result)| numbers(snapshot, account, result));
        Ok(Answer {
            json: json!({
                "level": level.to_string(), "quote": snapshot.quote, "accounts": count,
                "below": json_of.collect::<Vec<_>>(),
            }),
            lines: Vec::new(),
            sentence: match below.len() {
                0 => Ok(format!("all {count} accounts meet {level} margin")),
                n => Err(format!(
                    "{n} of {count} accounts do not meet {level} margin:\n{}",
                    named.join("\n")
                )),
            },
        })
    }
}

/// An account's margin for machines: what is owned is rounded down, what is needed up.
fn numbers(snapshot: &Snapshot, account: &Account, result: &MarginResult) -> Map<String, Value> {
    let losses = result.losses.iter().map(|loss| {
        let underlying = snapshot.underlyings()[loss.underlying];
        json!({
            "underlying": underlying, "scenario": column_name(snapshot, underlying, loss.column),
            "amount": loss.to_quote_up(),
        })
    });
    let members = [
        ("account", json!(account.id)),
        ("equity", json!(result.equity.to_quote())),
        ("contingency", json!(result.contingency.to_quote_up())),
        ("requirement", json!(result.requirement().to_quote_up())),
        ("excess", json!(result.excess.to_quote())),
        ("losses", json!(losses.collect::<Vec<_>>())),
        ("offset", json!(result.credit_to_quote())),
    ];
    members
        .map(|(name, value)| (name.to_string(), value))
        .into_iter()
        .collect()
}

/// The same for people.
fn lines(snapshot: &Snapshot, result: &MarginResult) -> Vec<String> {
    let quote = &snapshot.quote;
    let mut lines = vec![
        format!(
            "equity {} {quote}, requirement {} {quote}, excess {} {quote}",
            result.equity.to_quote(),
            result.requirement().to_quote_up(),
            result.excess.to_quote()
        ),
        format!(
            "the requirement is a contingency of {} {quote} and the largest loss on each underlying:",
            result.contingency.to_quote_up()
        ),
    ];
    let names = snapshot.underlyings();
    let losses = result.losses.iter().map(|loss| {
        let underlying = names[loss.underlying];
        let scenario = column_name(snapshot, underlying, loss.column);
        format!("  {underlying} {} {quote} ({scenario})", loss.to_quote_up())
    });
    lines.extend(losses);
    if result.credit > 0 {
        lines.push(format!(
            "  less {} {quote} by offsets between underlyings",
            result.credit_to_quote()
        ));
    }
    if result.losses.is_empty() {
        lines.push("  none: nothing that a scenario moves".into());
    }
    lines
}
