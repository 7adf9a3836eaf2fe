//! `sealbook check issuance` and `prove issuance`, and what `verify` does with issuances: tranches backed by a pool of which no
//! loan is pledged twice.

use std::path::{Path, PathBuf};
use std::time::Instant;

use credit::import::deal::read_deal;
use credit::pool::template_words;
use sealbook::Fact;
use serde_json::json;
use stark::Verified;
use statements::account::Secret;
use statements::issuance::{
    Issuance, IssuanceFailure, Prepared, Record, RegistryKey, pledged_twice, tranches,
};
use statements::pool::standing;
use statements::words::{cents, one_line, quoted};

use super::prove::{finish, out, progress, work_folder};
use super::{pool, print_json, read_proof, secret, write};
use crate::Failure;
use crate::cli::IssuanceArguments;
use crate::output::{note, say};

impl From<IssuanceFailure> for Failure {
    fn from(error: IssuanceFailure) -> Self {
        match error {
            IssuanceFailure::Issuance(e) if e.is_false() => Self::False(e.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

/// The key of a registry: kept in a file, made if it is not there.
fn registry(path: &Path) -> Result<RegistryKey, Failure> {
    let is_new = !path.exists();
    let key = RegistryKey::from(secret(Some(path))?);
    if is_new {
        note!(
            "note: {}: the key of a new registry, {}; only pools under one key can be compared",
            path.display(),
            key.registry()
        );
    }
    Ok(key)
}

/// Whether the pool backs the deal, without a proof.
pub fn check(arguments: &IssuanceArguments) -> Result<(), Failure> {
    let tape = pool::tape(&arguments.tape)?;
    let deal = read_deal(&arguments.deal)?;
    let (key, secret) = (RegistryKey::random(), Secret::random());
    let prepared = Prepared::new(&tape, &deal, &key, &secret)?;
    let claim = prepared.claim();
    if arguments.common.json {
        print_json(&json!({
            "true": true, "loans": claim.loans, "open": claim.open, "defaulted": claim.defaulted, "balance": cents(claim.balance), "tranches": claim.tranches,
        }));
    } else {
        say!(
            "true: the open ones of {} loan(s) owe {} {} ({}; {})",
            claim.loans,
            cents(claim.balance),
            quoted(&claim.deal.currency),
            template_words(&claim.template),
            standing(&claim.template, claim.loans, claim.open, claim.defaulted)
        );
        for line in tranches(claim) {
            say!("  {line}");
        }
    }
    Ok(())
}

/// Makes a proof file.
pub fn prove(arguments: &IssuanceArguments) -> Result<(), Failure> {
    let started = Instant::now();
    out(&arguments.common)?;
    // Under a key that nobody keeps no other pool could ever be compared.
    let path = arguments.registry.as_deref().ok_or_else(|| {
        Failure::Input(
            "give --registry FILE, the key of the registry that the loans are pledged in".into(),
        )
    })?;
    let tape = pool::tape(&arguments.tape)?;
    let deal = read_deal(&arguments.deal)?;
    let key = registry(path)?;
    let secret = secret(arguments.common.secret.as_deref())?;
    let prepared =
        Prepared::new(&tape, &deal, &key, &secret)?.with_nonce(arguments.common.nonce.clone());
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove(&mut progress(), work.as_deref())?;
    finish::<Issuance>(&arguments.common, prepared.claim(), parts, started)
}

/// The issuance that a fact is, for an option that needs one.
fn issuance<'a>(fact: &'a Fact, option: &str) -> Result<&'a Verified<Issuance>, Failure> {
    match fact {
        Fact::Issuance(issuance) => Ok(issuance),
        _ => Err(Failure::Input(format!(
            "{option} goes with the proof of an issuance claim"
        ))),
    }
}

/// Other issuances of the same registry, each verified, and what is known of each: that it shares no loan with the fact.
pub fn check_issued(fact: &Fact, paths: &[PathBuf]) -> Result<(Vec<Fact>, Vec<String>), Failure> {
    let (mut others, mut words) = (Vec::new(), Vec::new());
    for path in paths {
        let own = issuance(fact, "--issued")?.claim();
        let rejected = |problem: &dyn std::fmt::Display| {
            Failure::False(format!(
                "{}: rejected: {}",
                path.display(),
                one_line(problem)
            ))
        };
        let other = sealbook::verify(&read_proof(path)?).map_err(|e| rejected(&e))?;
        let Fact::Issuance(issued) = &other else {
            return Err(rejected(&"is not the proof of an issuance claim"));
        };
        let claim = issued.claim();
        pledged_twice(&[own, claim]).map_err(|e| rejected(&e))?;
        words.push(format!(
            "none of its loans stands in pool {} of {} loans (cut-off {}), which backs the deal {} (SHA3-256 {})",
            claim.pool,
            claim.loans,
            claim.cut_off,
            quoted(&claim.deal.name),
            claim.deal_digest()
        ));
        others.push(other);
    }
    Ok((others, words))
}

/// Writes the record of a verified issuance that shares no loan with others.
pub fn write_record(fact: &Fact, others: &[Fact], path: &Path) -> Result<(), Failure> {
    let own = issuance(fact, "--record")?;
    let others: Vec<&Verified<Issuance>> = others
        .iter()
        .map(|other| issuance(other, "--issued"))
        .collect::<Result<_, _>>()?;
    let record = Record::new(own, &others).map_err(|e| Failure::False(one_line(&e)))?;
    let text = serde_json::to_vec_pretty(&record).map_err(|e| Failure::Internal(e.to_string()))?;
    write(path, &text)
}
