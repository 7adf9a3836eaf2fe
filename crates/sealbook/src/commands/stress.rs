//! `sealbook check stress` and `prove stress`: what tranches lose.

use std::time::Instant;

use risk::import::deal::{read_deal, read_indices};
use serde_json::json;
use statements::account::Secret;
use statements::stress::{NamedStress, Prepared, StressFailure, Stressed, Terms, outcomes};

use super::prove::{finish, out, progress, work_folder};
use super::{pool, print_json, read_json, secret};
use crate::Failure;
use crate::cli::StressArguments;
use crate::output::say;

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
        deal,
        deal_state,
        indices,
        stresses,
        breakeven: arguments.breakeven.clone(),
    })
}

/// What the stresses do, without a proof.
pub fn check(arguments: &StressArguments) -> Result<(), Failure> {
    let tape = pool::tape(&arguments.tape)?;
    let prepared = Prepared::new(&tape, &terms(arguments)?, &Secret::random())?;
    let claim = prepared.claim();
    if arguments.common.json {
        print_json(&json!({
            "true": true, "loans": claim.loans, "months": claim.schedule.rows.len(),
            "scenarios": claim.scenarios, "models": claim.models,
        }));
    } else {
        say!(
            "true: {} loan(s) are scheduled over {} month(s)",
            claim.loans,
            claim.schedule.rows.len()
        );
        for line in outcomes(claim) {
            say!("  {line}");
        }
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
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove(&mut progress(), work.as_deref())?;
    finish::<Stressed>(&arguments.common, prepared.claim(), parts, started)?;
    if !arguments.common.json {
        for line in outcomes(prepared.claim()) {
            say!("  {line}");
        }
    }
    Ok(())
}
