//! `sealbook check stress` and `prove stress`: what tranches lose.

use std::time::Instant;

use credit::coarse::FEW_LOANS;
use credit::import::deal::{read_deal, read_indices};
use serde_json::json;
use statements::account::Secret;
use statements::stress::{Detail, NamedStress, Prepared, StressFailure, Stressed, Terms, words};

use super::prove::{finish, out, progress, work_folder};
use super::{pool, print_json, read_json, secret};
use crate::Failure;
use crate::cli::StressArguments;
use crate::output::{note, say};

impl From<StressFailure> for Failure {
    fn from(error: StressFailure) -> Self {
        Self::Input(error.to_string())
    }
}

fn terms(arguments: &StressArguments) -> Result<Terms, Failure> {
    let deal = read_deal(&arguments.deal)?;
    let indices = match &arguments.indices {
        Some(path) => read_indices(path)?,
        None => Vec::new(),
    };
    let deal_state = arguments.deal_state.as_deref().map(read_json).transpose()?;
    let stresses: Vec<NamedStress> = read_json(&arguments.stresses)?;
    Ok(Terms {
        doubtful_days: arguments.doubtful_days,
        detail: Detail {
            months: arguments.schedule_step.months(),
            loans: arguments.loans_per_row,
        },
        deal,
        deal_state,
        indices,
        stresses,
        breakeven: arguments.breakeven.clone(),
    })
}

/// Tells the prover, and nobody else, what the published schedule gives away.
fn warn(prepared: &Prepared) {
    let doubtful = prepared.doubtful_loans();
    if (1..FEW_LOANS).contains(&doubtful) {
        note!(
            "warning: {doubtful} loan(s) are doubtful: whoever has the proof knows what these owe together; and two proofs of one pool \
             with other --doubtful-days or other steps tell single loans by their differences"
        );
    }
    let (few, rows) = (prepared.few_endings(), prepared.claim().schedule.rows.len());
    if few > 0 {
        note!(
            "warning: in {few} of the schedule's {rows} row(s) some loans end, but fewer than {FEW_LOANS}: whoever has the proof can tell \
             what such a loan pays from differences of rows; --loans-per-row {FEW_LOANS} or a longer --schedule-step tells less"
        );
    }
}

/// What the stresses do, without a proof.
pub fn check(arguments: &StressArguments) -> Result<(), Failure> {
    let tape = pool::tape(&arguments.tape)?;
    let prepared = Prepared::new(&tape, &terms(arguments)?, &Secret::random())?;
    warn(&prepared);
    let claim = prepared.claim();
    if arguments.common.json {
        print_json(&json!({
            "true": true, "loans": claim.loans, "rows": claim.schedule.rows.len(), "steps": claim.steps, "few_endings": prepared.few_endings(),
            "scenarios": claim.scenarios, "models": claim.models,
        }));
    } else {
        say!("true: {}", words(claim).join("\n  "));
    }
    Ok(())
}

/// Makes a proof file.
pub fn prove(arguments: &StressArguments) -> Result<(), Failure> {
    let started = Instant::now();
    out(&arguments.common)?;
    let tape = pool::tape(&arguments.tape)?;
    let terms = terms(arguments)?;
    let secret = secret(arguments.common.secret.as_deref())?;
    let prepared =
        Prepared::new(&tape, &terms, &secret)?.with_nonce(arguments.common.nonce.clone());
    warn(&prepared);
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove(&mut progress(), work.as_deref())?;
    finish::<Stressed>(&arguments.common, prepared.claim(), parts, started)?;
    if !arguments.common.json {
        for line in words(prepared.claim()) {
            say!("  {line}");
        }
    }
    Ok(())
}
