//! What tranches lose.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use credit::coarse::FEW_LOANS;
use serde_json::json;
use statements::stress::{self, Detail, Stressed, Terms, Told};

use super::{Answer, Make, Output, Sealing};
use crate::Failure;
use crate::files::read_json;
use crate::inputs::{DealArguments, TapeArguments, indices, tape};
use crate::output::{note, say};

/// What the tranches of a deal lose under stresses of its pool.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    #[command(flatten)]
    pub deal: DealArguments,
    /// The deal's state at the cut-off date, if that is not closing, nor what a deal of AbsBox under way says: .json.
    #[arg(long)]
    pub deal_state: Option<PathBuf>,
    /// The fixings of the deal's indices: .json.
    #[arg(long)]
    pub indices: Option<PathBuf>,
    /// The stresses, a list: .json. One with a `factor`, such as {"correlation": "0.2", "nodes": 50}, says what tranches are
    /// expected to lose when its defaults come together by a Gaussian one-factor copula.
    #[arg(long)]
    pub stresses: PathBuf,
    /// A tranche for which to seek the largest multiple of each stress's defaults that it bears; may be given several times.
    #[arg(long)]
    pub breakeven: Vec<String>,
    /// A loan this many days past due defaults at once: 1 to 365.
    #[arg(long, default_value_t = 90)]
    pub doubtful_days: u16,
    /// How many months a row of the published schedule has at least: differences of rows tell what a loan pays that ends alone.
    #[arg(long, value_enum, default_value_t = StepName::Monthly)]
    pub schedule_step: StepName,
    /// Sum rows of the published schedule until so many loans end in each: with 10 or more, none is told alone.
    #[arg(long, default_value_t = 0)]
    pub loans_per_row: u32,
    #[command(flatten)]
    pub sealing: Sealing,
}

/// How many months a row of a schedule has.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StepName {
    /// One.
    Monthly,
    /// Three.
    Quarterly,
    /// Six.
    Semiannual,
    /// Twelve.
    Annual,
}

impl StepName {
    /// How many.
    pub fn months(self) -> u16 {
        match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::Semiannual => 6,
            Self::Annual => 12,
        }
    }
}

impl Make for Arguments {
    type Statement = Stressed;
    const PROVING: &[&str] = &["secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let (tape, terms) = (tape(&self.tape)?, self.terms()?);
        let checked = stress::check(&tape, &terms)?;
        let (findings, outcomes) = (checked.findings(), &checked.outcomes);
        warn(&outcomes.told, outcomes.schedule.rows.len());
        Ok(Answer {
            json: json!({
                "loans": findings.loans, "rows": outcomes.schedule.rows.len(), "steps": outcomes.steps,
                "few_endings": outcomes.told.few_endings, "scenarios": outcomes.scenarios,
                "models": outcomes.models,
            }),
            lines: Vec::new(),
            sentence: Ok(findings.words().join("\n  ")),
        })
    }

    fn prepare(&self) -> Result<stress::Prepared, Failure> {
        let (tape, terms) = (tape(&self.tape)?, self.terms()?);
        let prepared = stress::Prepared::new(&tape, &terms, &self.sealing.secret()?)?;
        warn(&prepared.told(), prepared.claim().schedule.rows.len());
        Ok(prepared)
    }

    fn finish(&self, prepared: &stress::Prepared, output: &Output) -> Result<(), Failure> {
        if !output.json {
            for line in stress::words(prepared.claim()) {
                say!("  {line}");
            }
        }
        Ok(())
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
    }
}

impl Arguments {
    fn terms(&self) -> Result<Terms, Failure> {
        let (deal, deal_state) = self.deal.read_with(self.deal_state.as_deref())?;
        Ok(Terms {
            doubtful_days: self.doubtful_days,
            detail: Detail {
                months: self.schedule_step.months(),
                loans: self.loans_per_row,
            },
            deal,
            deal_state,
            indices: indices(self.indices.as_deref())?,
            stresses: read_json(&self.stresses)?,
            breakeven: self.breakeven.clone(),
        })
    }
}

/// Tells the prover, and nobody else, what the published schedule gives away.
fn warn(told: &Told, rows: usize) {
    let doubtful = told.doubtful_loans;
    if (1..FEW_LOANS).contains(&doubtful) {
        note!(
            "warning: {doubtful} loan(s) are doubtful: whoever has the proof knows what these owe together; and two proofs of one pool \
             with other --doubtful-days or other steps tell single loans by their differences"
        );
    }
    let few = told.few_endings;
    if few > 0 {
        note!(
            "warning: in {few} of the schedule's {rows} row(s) some loans end, but fewer than {FEW_LOANS}: whoever has the proof can tell \
             what such a loan pays from differences of rows; --loans-per-row {FEW_LOANS} or a longer --schedule-step tells less"
        );
    }
}
