//! Rules and figures of a loan pool.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use statements::pool::{self, Pool, Terms};

use super::{Answer, Make, Sealing};
use crate::Failure;
use crate::files::read_json;
use crate::inputs::{TapeArguments, tape};

/// Rules and figures of a loan pool.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// Rules and figures: .json. Without it the claim only says that the pool's loans are distinct, and how many.
    #[arg(long)]
    pub terms: Option<PathBuf>,
    #[command(flatten)]
    pub sealing: Sealing,
}

impl Make for Arguments {
    type Statement = Pool;
    const PROVING: &[&str] = &["secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let (tape, terms) = (tape(&self.tape)?, self.terms()?);
        let checked = pool::check(&tape, &terms)?;
        let findings = checked.findings();
        Ok(Answer {
            json: json!({
                "loans": findings.loans, "open": findings.open, "defaulted": findings.defaulted,
                "figures": findings.figures,
            }),
            lines: Vec::new(),
            sentence: Ok(findings.words().join("\n  ")),
        })
    }

    fn prepare(&self) -> Result<pool::Prepared, Failure> {
        let (tape, terms) = (tape(&self.tape)?, self.terms()?);
        Ok(pool::Prepared::new(&tape, &terms, &self.sealing.secret()?)?)
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
    }
}

impl Arguments {
    fn terms(&self) -> Result<Terms, Failure> {
        self.terms
            .as_deref()
            .map_or(Ok(Terms::default()), read_json)
    }
}
