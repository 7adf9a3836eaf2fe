//! `sealbook check pool` and `prove pool`: facts about a sealed loan tape.

use std::path::Path;
use std::time::Instant;

use credit::import::tape::{read_layout, read_tape, read_template};
use credit::pool::{Tape, template_words};
use serde_json::json;
use statements::account::Secret;
use statements::pool::{Pool, PoolFailure, Prepared, Terms, figures, standing};

use super::prove::{finish, out, progress, work_folder};
use super::{print_json, read_json, secret};
use crate::Failure;
use crate::cli::{PoolArguments, TapeArguments};
use crate::output::say;

impl From<PoolFailure> for Failure {
    fn from(error: PoolFailure) -> Self {
        match error {
            PoolFailure::Pool(e) if e.is_false() => Self::False(e.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

pub fn tape(arguments: &TapeArguments) -> Result<Tape, Failure> {
    let template = read_template(&arguments.template)?;
    let layout = arguments.layout.as_deref().map(read_layout).transpose()?;
    let cut_off = arguments
        .cut_off
        .clone()
        .try_into()
        .map_err(|e| Failure::Input(format!("--cut-off: {e}")))?;
    Ok(read_tape(
        &arguments.tape,
        &template,
        layout.as_ref(),
        cut_off,
    )?)
}

fn terms(path: Option<&Path>) -> Result<Terms, Failure> {
    path.map_or(Ok(Terms::default()), read_json)
}

/// Whether the rules and bounds hold.
pub fn check(arguments: &PoolArguments) -> Result<(), Failure> {
    let tape = tape(&arguments.tape)?;
    let terms = terms(arguments.terms.as_deref())?;
    let prepared = Prepared::new(&tape, &terms, &Secret::random())?;
    let claim = prepared.claim();
    if arguments.common.json {
        print_json(&json!({
            "true": true, "loans": claim.loans, "open": claim.open, "defaulted": claim.defaulted, "figures": claim.figures,
        }));
    } else {
        say!(
            "true: {} loan(s) ({}) satisfy {} rule(s) unless they are closed; {}",
            claim.loans,
            template_words(&claim.template),
            claim.eligibility.len(),
            standing(&claim.template, claim.loans, claim.open, claim.defaulted)
        );
        for line in figures(claim) {
            say!("  {line}");
        }
    }
    Ok(())
}

/// Makes a proof file.
pub fn prove(arguments: &PoolArguments) -> Result<(), Failure> {
    let started = Instant::now();
    out(&arguments.common)?;
    let tape = tape(&arguments.tape)?;
    let terms = terms(arguments.terms.as_deref())?;
    let secret = secret(arguments.common.secret.as_deref())?;
    let prepared =
        Prepared::new(&tape, &terms, &secret)?.with_nonce(arguments.common.nonce.clone());
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove(&mut progress(), work.as_deref())?;
    finish::<Pool>(&arguments.common, prepared.claim(), parts, started)
}
