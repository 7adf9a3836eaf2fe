//! What `verify` does with the proofs that a claim about a deal goes on from: the months before it, and the issuance.

use std::path::{Path, PathBuf};

use sealbook::Fact;
use statements::start::Start;
use statements::words::one_line;

use super::read_proof;
use super::verify::in_words;
use crate::Failure;

/// Where a fact about a deal starts.
fn start(fact: &Fact) -> Option<Start<'_>> {
    match fact {
        Fact::Stress(fact) => Some(fact.claim().start()),
        Fact::Waterfall(fact) => Some(fact.claim().start()),
        _ => None,
    }
}

/// A proof that another one is to fit, and the way to reject it.
fn verified(path: &Path) -> Result<(Fact, impl Fn(&str) -> Failure), Failure> {
    let place = path.display().to_string();
    let rejected =
        move |problem: &str| Failure::False(format!("{place}: rejected: {}", one_line(&problem)));
    let fact = sealbook::verify(&read_proof(path)?).map_err(|e| rejected(&e.to_string()))?;
    Ok((fact, rejected))
}

/// What is known of where a fact starts, by the proofs of the months before it, the last ones first, and of its deal's issuance, each
/// of which must fit the one after it.
pub fn check_links(
    fact: &Fact,
    previous: &[PathBuf],
    issuance: Option<&Path>,
) -> Result<Vec<String>, Failure> {
    if previous.is_empty() && issuance.is_none() {
        return Ok(Vec::new());
    }
    let none = "--previous and --issuance go with the proof of a waterfall or stress claim";
    let mut first = start(fact).ok_or_else(|| Failure::Input(none.into()))?;
    let (mut before, mut words) = (Vec::new(), Vec::new());
    for path in previous {
        let (other, rejected) = verified(path)?;
        let Fact::Waterfall(months) = &other else {
            return Err(rejected("is not the proof of a waterfall claim"));
        };
        let last = before.last().and_then(start);
        last.unwrap_or(first)
            .follows(months.claim())
            .map_err(|problem| rejected(&problem))?;
        words.push(format!("before that, {}", in_words(&other)));
        before.push(other);
    }
    if let Some(earliest) = before.last().and_then(start) {
        first = earliest;
    }
    if let Some(path) = issuance {
        let (other, rejected) = verified(path)?;
        let Fact::Issuance(issued) = &other else {
            return Err(rejected("is not the proof of an issuance claim"));
        };
        first
            .issued(issued.claim())
            .map_err(|problem| rejected(&problem))?;
        words.push(format!(
            "it starts with the pool and the deal of an issuance: {}",
            in_words(&other)
        ));
    }
    words.push(match first.state.period {
        0 => "its start follows from the deal's closing".to_string(),
        n => format!(
            "its start follows from payment date {n} on; how the deal stood after that one is the prover's word"
        ),
    });
    Ok(words)
}
