//! `sealbook check systemic` and `prove systemic`: several venues together.

use std::time::Instant;

use serde_json::json;
use statements::account::Secret;
use statements::systemic::{Prepared, Systemic, SystemicError, Venue};
use venue::import::states::{read_scenarios, read_state};

use super::prove::seal;
use super::{confidence, print_json, secret};
use crate::Failure;
use crate::cli::SystemicArguments;
use crate::output::say;

impl From<SystemicError> for Failure {
    fn from(error: SystemicError) -> Self {
        match error {
            SystemicError::TooRisky(_) => Self::False(error.to_string()),
            SystemicError::Prove(_) => Self::Internal(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

fn prepared(
    arguments: &SystemicArguments,
    secrets: impl Fn(usize) -> Result<Secret, Failure>,
) -> Result<Prepared, Failure> {
    for (i, path) in arguments.state.iter().enumerate() {
        if arguments.state[..i].contains(path) {
            return Err(Failure::Input(format!(
                "{}: is given twice; give each venue's state once",
                path.display()
            )));
        }
    }
    let set = read_scenarios(&arguments.scenarios)?;
    let venues = arguments
        .state
        .iter()
        .enumerate()
        .map(|(i, path)| {
            Ok(Venue {
                state: read_state(path, &set)?,
                secret: secrets(i)?,
            })
        })
        .collect::<Result<_, Failure>>()?;
    let confidence = confidence(arguments.confidence)?;
    Ok(Prepared::new(&set, venues, confidence, arguments.bound)?
        .with_nonce(arguments.nonce.clone()))
}

/// Whether the bound holds.
pub fn check(arguments: &SystemicArguments) -> Result<(), Failure> {
    let prepared = prepared(arguments, |_| Ok(Secret::random()))?;
    let claim = prepared.claim();
    let quote = &claim.scenarios.quote;
    if arguments.json {
        print_json(&json!({ "true": true, "bound": claim.bound, "quote": quote }));
    } else {
        say!(
            "true: EVaR of what {} venue(s) owe beyond their means is at most {} {quote}",
            claim.venues.len(),
            claim.bound
        );
    }
    Ok(())
}

/// Makes a proof file.
pub fn prove(arguments: &SystemicArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let out = arguments.out.as_deref();
    let out = out.ok_or_else(|| Failure::Input("give --out FILE for the proof".into()))?;
    let (secrets, states) = (arguments.secret.len(), arguments.state.len());
    if secrets != 0 && secrets != states {
        return Err(Failure::Input(format!(
            "{secrets} secrets for {states} states; give one --secret a --state, in their order"
        )));
    }
    let prepared = prepared(arguments, |i| {
        secret(arguments.secret.get(i).map(AsRef::as_ref))
    })?;
    let parts = prepared.prove()?;
    seal::<Systemic>(out, arguments.json, prepared.claim(), parts, started)
}
