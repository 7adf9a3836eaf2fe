//! What a pool brought in, and what a deal paid.

use std::path::PathBuf;

use clap::Args;
use credit::import::remittances::read_remittances;
use credit::import::tape::write_tape;
use credit::pool::Tape;
use credit::pool::remittance::Remittances;
use credit::pool::tape::CutOff;
use credit::waterfall::{DealState, MonthsError};
use serde_json::json;
use statements::kit::Refusal;
use statements::waterfall::{self, Terms, Waterfall};

use super::{Answer, Make, Output, Sealing};
use crate::Failure;
use crate::files::write_json;
use crate::inputs::{DealArguments, TapeArguments, indices, tape};

/// What a loan pool brought in month by month, and what a deal paid from it.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// What became of the loans in a month: a table (.csv, .parquet or .json) with the columns id, event, amount, cut_off; once for each month,
    /// in order.
    #[arg(long, required = true)]
    pub remittances: Vec<PathBuf>,
    /// The day on which a month ends, such as 2026-11-30, where its file has no column cut_off; once for each file, in order.
    #[arg(long)]
    pub month: Vec<String>,
    #[command(flatten)]
    pub deal: DealArguments,
    /// The deal's state before the first month, if that is not closing, nor what a deal of AbsBox under way says: .json.
    #[arg(long)]
    pub deal_state: Option<PathBuf>,
    /// The fixings of the deal's indices: .json.
    #[arg(long)]
    pub indices: Option<PathBuf>,
    /// Write the tape after the last month into this file: .csv.
    #[arg(long)]
    pub tape_after: Option<PathBuf>,
    /// Write the deal's state after the last month into this file: .json.
    #[arg(long)]
    pub deal_after: Option<PathBuf>,
    #[command(flatten)]
    pub sealing: Sealing,
}

impl Make for Arguments {
    type Statement = Waterfall;
    const PROVING: &[&str] = &["secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let (tape, terms) = self.inputs()?;
        let checked = waterfall::check(&tape, &terms).map_err(|e| self.refused(e))?;
        let findings = checked.findings();
        self.write_after(checked.after(), findings.deal_after)?;
        Ok(Answer {
            json: json!({
                "loans": findings.loans, "collections": findings.collections, "reports": findings.reports,
            }),
            lines: Vec::new(),
            sentence: Ok(findings.words().join("\n  ")),
        })
    }

    fn prepare(&self) -> Result<waterfall::Prepared, Failure> {
        let (tape, terms) = self.inputs()?;
        let secret = self.sealing.secret()?;
        waterfall::Prepared::new(&tape, &terms, &secret).map_err(|e| self.refused(e))
    }

    fn finish(&self, prepared: &waterfall::Prepared, _: &Output) -> Result<(), Failure> {
        self.write_after(prepared.after(), &prepared.claim().deal_after)
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
    }
}

impl Arguments {
    /// The tape before the first month, and what is to be claimed.
    fn inputs(&self) -> Result<(Tape, Terms), Failure> {
        let tape = tape(&self.tape)?;
        let months = self.months(&tape)?;
        let (deal, deal_state) = self.deal.read_with(self.deal_state.as_deref())?;
        let terms = Terms {
            months,
            deal,
            deal_state,
            indices: indices(self.indices.as_deref())?,
        };
        Ok((tape, terms))
    }

    /// The months after the tape's, each of which is the one that it should be.
    fn months(&self, tape: &Tape) -> Result<Vec<Remittances>, Failure> {
        if !self.month.is_empty() && self.month.len() != self.remittances.len() {
            return Err(Failure::Input(format!(
                "--month: {} day(s) for {} file(s) of --remittances; give one for each, in order, or none",
                self.month.len(),
                self.remittances.len()
            )));
        }
        let mut cut_off = tape.cut_off.clone();
        let months = self.remittances.iter().enumerate().map(|(i, path)| {
            cut_off = cut_off.next();
            let named = self.month.get(i).cloned().map(CutOff::try_from);
            let named = named
                .transpose()
                .map_err(|e| Failure::Input(format!("--month: {e}")))?;
            Ok(read_remittances(path, tape, &cut_off, named.as_ref())?)
        });
        months.collect()
    }

    /// What was wrong, with the file of the month in which it was.
    fn refused(&self, refusal: Refusal) -> Failure {
        if let Some(MonthsError::Remittance { month, error }) = refusal.reason()
            && let Some(path) = month.checked_sub(1).and_then(|i| self.remittances.get(i))
        {
            return Failure::Input(format!("{}: {error}", path.display()));
        }
        refusal.into()
    }

    /// Writes what the next month starts from.
    fn write_after(&self, tape: &Tape, deal: &DealState) -> Result<(), Failure> {
        if let Some(path) = &self.tape_after {
            write_tape(path, tape).map_err(|e| {
                Failure::Input(format!("{}: cannot be written: {e}", path.display()))
            })?;
        }
        match &self.deal_after {
            Some(path) => write_json(path, deal),
            None => Ok(()),
        }
    }
}
