//! `sealbook check waterfall` and `prove waterfall`: what a pool brought in, and what a deal paid.

use std::time::Instant;

use credit::import::deal::{read_deal, read_indices};
use credit::import::remittances::read_remittances;
use credit::import::tape::write_tape;
use credit::pool::Tape;
use credit::pool::remittance::roll_tape;
use serde_json::json;
use statements::account::Secret;
use statements::waterfall::{Prepared, Terms, Waterfall, WaterfallFailure, words};

use super::prove::{finish, out, progress, work_folder};
use super::{pool, print_json, read_json, secret, write};
use crate::Failure;
use crate::cli::WaterfallArguments;
use crate::output::say;

impl From<WaterfallFailure> for Failure {
    fn from(error: WaterfallFailure) -> Self {
        Self::Input(error.to_string())
    }
}

/// The tape before the first month, and what is to be claimed.
fn inputs(arguments: &WaterfallArguments) -> Result<(Tape, Terms), Failure> {
    let tape = pool::tape(&arguments.tape)?;
    let mut now = tape.clone();
    let mut months = Vec::new();
    for path in &arguments.remittances {
        let month = read_remittances(path, &now)?;
        (now, _) = roll_tape(&now, &month)
            .map_err(|e| Failure::Input(format!("{}: {e}", path.display())))?;
        months.push(month);
    }
    let deal_state = arguments.deal_state.as_deref().map(read_json).transpose()?;
    let indices = match &arguments.indices {
        Some(path) => read_indices(path)?,
        None => Vec::new(),
    };
    let terms = Terms {
        months,
        deal: read_deal(&arguments.deal)?,
        deal_state,
        indices,
    };
    Ok((tape, terms))
}

/// What is paid, without a proof.
pub fn check(arguments: &WaterfallArguments) -> Result<(), Failure> {
    let (tape, terms) = inputs(arguments)?;
    let prepared = Prepared::new(&tape, &terms, &Secret::random())?;
    write_after(arguments, &prepared)?;
    let claim = prepared.claim();
    if arguments.common.json {
        let collections: Vec<_> = claim.months.iter().map(|m| m.collections).collect();
        print_json(&json!({
            "true": true, "loans": claim.loans, "collections": collections, "reports": claim.reports,
        }));
    } else {
        say!("true: {}", words(claim).join("\n  "));
    }
    Ok(())
}

/// Makes a proof file.
pub fn prove(arguments: &WaterfallArguments) -> Result<(), Failure> {
    let started = Instant::now();
    out(&arguments.common)?;
    let (tape, terms) = inputs(arguments)?;
    let secret = secret(arguments.common.secret.as_deref())?;
    let prepared =
        Prepared::new(&tape, &terms, &secret)?.with_nonce(arguments.common.nonce.clone());
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove(&mut progress(), work.as_deref())?;
    write_after(arguments, &prepared)?;
    finish::<Waterfall>(&arguments.common, prepared.claim(), parts, started)
}

/// Writes what the next month starts from.
fn write_after(arguments: &WaterfallArguments, prepared: &Prepared) -> Result<(), Failure> {
    if let Some(path) = &arguments.tape_after {
        write_tape(path, prepared.after())
            .map_err(|e| Failure::Input(format!("{}: cannot be written: {e}", path.display())))?;
    }
    if let Some(path) = &arguments.deal_after {
        let state = serde_json::to_vec_pretty(&prepared.claim().deal_after)
            .map_err(|e| Failure::Internal(e.to_string()))?;
        write(path, &state)?;
    }
    Ok(())
}
