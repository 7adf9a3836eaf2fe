//! `sealbook attest`: sign what proofs take as given.

use market::import::exchange;
use sealbook::attestation::{Attestation, Subject, new_key};
use serde_json::json;
use statements::pool::{Prepared, Terms};
use venue::import::prices::read_prices;
use venue::import::states::read_scenarios;

use crate::Failure;
use crate::arguments::{Attest, AttestMarket, AttestPool, Signing};
use crate::files::{read, secret, write_json, write_private};
use crate::inputs::{origin_of_assets, tape};
use crate::output::{print_json, say};

pub fn run(command: &Attest) -> Result<(), Failure> {
    match command {
        Attest::Pool(arguments) => sign(pool(arguments)?, &arguments.signing),
        Attest::Market(arguments) => sign(market(arguments)?, &arguments.signing),
        Attest::Prices(arguments) => {
            let history = read_prices(&arguments.prices)?;
            sign(Subject::prices(&history), &arguments.signing)
        }
        Attest::Scenarios(arguments) => {
            let set = read_scenarios(&arguments.scenarios)?;
            sign(Subject::scenarios(&set), &arguments.signing)
        }
    }
}

fn pool(arguments: &AttestPool) -> Result<Subject, Failure> {
    let tape = tape(&arguments.tape)?;
    let secret = secret(Some(&arguments.secret))?;
    let prepared = Prepared::new(&tape, &Terms::default(), &secret)?;
    let claim = prepared.claim();
    Ok(Subject::Pool {
        commitment: claim.pool,
        cut_off: claim.cut_off.to_string(),
        loans: claim.loans,
    })
}

fn market(arguments: &AttestMarket) -> Result<Subject, Failure> {
    match (&arguments.market, &arguments.assets) {
        (Some(path), _) => Ok(Subject::market(&arguments.origin.read_market(path)?)),
        (None, Some(path)) => {
            let (as_of_ms, source) = origin_of_assets(&arguments.origin)?;
            let market = exchange::read_market(path, as_of_ms, &source)?;
            Ok(Subject::asset_prices(&market))
        }
        (None, None) => Err(Failure::Input("give --market or --assets".into())),
    }
}

/// Signs a subject and writes the attestation.
fn sign(subject: Subject, signing: &Signing) -> Result<(), Failure> {
    let path = &signing.key;
    if !path.exists() {
        write_private(path, new_key().as_bytes())?;
    }
    let key = String::from_utf8(read(path)?).unwrap_or_default();
    let attestation = Attestation::sign(subject, &key).map_err(|e| {
        Failure::Input(format!(
            "{}: {e}; remove the file to make a new key",
            path.display()
        ))
    })?;
    write_json(&signing.out, &attestation)?;
    if signing.json {
        print_json(&json!({
            "attestation": signing.out, "subject": attestation.subject, "key": attestation.key,
        }));
    } else {
        say!(
            "{}: {} attested by key {}",
            signing.out.display(),
            attestation.subject.words(),
            attestation.key
        );
    }
    Ok(())
}
