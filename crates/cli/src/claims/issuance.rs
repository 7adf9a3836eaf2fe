//! Tranches backed by a pool of which no loan is pledged twice.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use statements::issuance::{self, Issuance, RegistryKey};
use statements::words::cents;

use super::{Answer, Make, Sealing};
use crate::Failure;
use crate::files::secret;
use crate::inputs::{DealArguments, TapeArguments, tape};
use crate::output::note;

/// The tranches of a deal are backed by a pool of which no loan is pledged twice.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// Its `original_pool` must be what the tape's open loans owe.
    #[command(flatten)]
    pub deal: DealArguments,
    /// The file of the registry's key, which all its issuers share; made if it is not there. Needed to prove.
    #[arg(long)]
    pub registry: Option<PathBuf>,
    #[command(flatten)]
    pub sealing: Sealing,
}

impl Make for Arguments {
    type Statement = Issuance;
    const PROVING: &[&str] = &["registry", "secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let (tape, deal) = (tape(&self.tape)?, self.deal.read_at_closing()?);
        let checked = issuance::check(&tape, &deal)?;
        let findings = checked.findings();
        Ok(Answer {
            json: json!({
                "loans": findings.loans, "open": findings.open, "defaulted": findings.defaulted,
                "balance": cents(findings.balance), "tranches": findings.tranches,
            }),
            lines: Vec::new(),
            sentence: Ok(findings.words().join("\n  ")),
        })
    }

    fn prepare(&self) -> Result<issuance::Prepared, Failure> {
        // Under a key that nobody keeps no other pool could ever be compared.
        let path = self.registry.as_deref().ok_or_else(|| {
            Failure::Input(
                "give --registry FILE, the key of the registry that the loans are pledged in"
                    .into(),
            )
        })?;
        let (tape, deal) = (tape(&self.tape)?, self.deal.read_at_closing()?);
        let key = registry(path)?;
        Ok(issuance::Prepared::new(
            &tape,
            &deal,
            &key,
            &self.sealing.secret()?,
        )?)
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
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
