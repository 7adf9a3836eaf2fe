//! A book's solvency.

use std::path::PathBuf;

use clap::Args;
use market::haircut::rates;
use market::import::{exchange, layout};
use market::solvency::{SolvencyResult, amount, evaluate};
use market::{Book, Snapshot};
use serde_json::json;
use statements::solvency::{self, Options, Solvency};

use super::books::{BookSealing, NAMED};
use super::{Answer, Make, Output};
use crate::Failure;
use crate::inputs::{Origin, origin_of_assets};
use crate::output::note;

/// A book's liabilities, their cover, and reserves.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Users in the exchange layout.
    #[arg(long, requires = "assets", required_unless_present = "book")]
    pub users: Option<PathBuf>,
    /// Assets in the exchange layout.
    #[arg(long, requires = "users")]
    pub assets: Option<PathBuf>,
    /// A book in Sealbook's own layout.
    #[arg(long, requires = "market", conflicts_with = "users")]
    pub book: Option<PathBuf>,
    /// A market in Sealbook's own layout.
    #[arg(long, requires = "book")]
    pub market: Option<PathBuf>,
    #[command(flatten)]
    pub origin: Origin,
    /// Reserves: a table (.csv, .parquet or .json) with columns symbol and reserve.
    #[arg(long)]
    pub reserves: Option<PathBuf>,
    /// Publish only that reserves cover liabilities, not the totals.
    #[arg(long, requires = "reserves")]
    pub hide_totals: bool,
    /// Fail if some account's debts are not covered, instead of claiming how many are not.
    #[arg(long)]
    pub require_covered: bool,
    #[command(flatten)]
    pub sealed: BookSealing,
}

impl Make for Arguments {
    type Statement = Solvency;
    const PROVING: &[&str] = &["hide_totals", "inclusions", "slots", "secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let inputs = self.inputs()?;
        let (assets, accounts) = (&inputs.snapshot.assets, inputs.book.accounts());
        let rates = rates(assets).map_err(|e| Failure::Input(e.to_string()))?;
        let result = evaluate(&rates, accounts);
        let Options {
            reserves,
            require_covered,
            ..
        } = &inputs.options;
        let solvent = result.check(assets, reserves.as_deref(), *require_covered);
        for account in result.uncovered.iter().take(NAMED) {
            note!("not covered: {account}");
        }
        if result.uncovered.len() > NAMED {
            note!("and {} more", result.uncovered.len() - NAMED);
        }
        let reserves = match reserves {
            Some(_) => "reserves cover liabilities; ",
            None => "",
        };
        let sentence = format!(
            "{reserves}{} account(s) with uncovered debts",
            result.uncovered.len()
        );
        let totals = assets.iter().zip(&result.totals).map(|(asset, total)| {
            json!({
                "asset": asset.symbol, "equity": amount(asset, total.equity),
                "debt": amount(asset, total.debt), "liabilities": amount(asset, total.liabilities),
            })
        });
        Ok(Answer {
            json: json!({
                "accounts": accounts.len(), "totals": totals.collect::<Vec<_>>(),
                "uncovered": result.uncovered.len(),
            }),
            lines: table(&inputs.snapshot, &result),
            sentence: solvent.map(|()| sentence).map_err(|e| e.to_string()),
        })
    }

    fn prepare(&self) -> Result<solvency::Prepared, Failure> {
        let inputs = self.inputs()?;
        let secret = self.sealed.sealing.secret()?;
        let sealed = self.sealed.seal(&inputs.snapshot, &inputs.book, &secret)?;
        let prepared = solvency::Prepared::new(&sealed, &inputs.options)?;
        if prepared.claim().uncovered > 0 {
            note!(
                "note: the claim will say that the debts of {} account(s) are not covered; `sealbook check \
                 solvency` names them",
                prepared.claim().uncovered
            );
        }
        Ok(prepared)
    }

    fn finish(&self, prepared: &solvency::Prepared, _: &Output) -> Result<(), Failure> {
        self.sealed.write_inclusions(prepared.book())
    }

    fn is_repeatable(&self) -> bool {
        self.sealed.sealing.secret.is_some()
    }
}

struct Inputs {
    snapshot: Snapshot,
    book: Book,
    options: Options,
}

impl Arguments {
    fn inputs(&self) -> Result<Inputs, Failure> {
        let (snapshot, book) = match (&self.users, &self.assets, &self.book, &self.market) {
            (Some(users), Some(assets), ..) => {
                let (as_of_ms, source) = origin_of_assets(&self.origin)?;
                exchange::read(users, assets, as_of_ms, &source)?
            }
            (_, _, Some(book), Some(market)) => {
                let snapshot = self.origin.read_market(market)?;
                let book = layout::read_book(book, &snapshot)?;
                (snapshot, book)
            }
            _ => {
                let problem = "give --users and --assets, or --book and --market";
                return Err(Failure::Input(problem.into()));
            }
        };
        let reserves = self.reserves.as_deref();
        let reserves = reserves.map(|path| exchange::read_reserves(path, &snapshot.assets));
        let options = Options {
            publish_totals: !self.hide_totals,
            require_covered: self.require_covered,
            reserves: reserves.transpose()?,
        };
        Ok(Inputs {
            snapshot,
            book,
            options,
        })
    }
}

/// What a book adds up to, a line an asset.
fn table(snapshot: &Snapshot, result: &SolvencyResult) -> Vec<String> {
    let row = |name: &str, [equity, debt, liabilities]: [String; 3]| {
        format!("{name:<10} {equity:>28} {debt:>28} {liabilities:>28}")
    };
    let mut lines = vec![row(
        "asset",
        ["equity", "debt", "liabilities"].map(String::from),
    )];
    for (asset, t) in snapshot.assets.iter().zip(&result.totals) {
        let amounts = [t.equity, t.debt, t.liabilities];
        lines.push(row(
            &asset.symbol,
            amounts.map(|units| amount(asset, units).to_string()),
        ));
    }
    lines
}
