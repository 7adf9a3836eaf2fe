//! Tranches backed by a pool of which no loan is pledged twice.

use std::path::PathBuf;

use clap::Args;

/// The tranches of a deal are backed by a pool of which no loan is pledged twice.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// The deal: .json, ours or a map of AbsBox. Its `original_pool` must be what the tape's open loans owe.
    #[arg(long)]
    pub deal: PathBuf,
    /// The file of the registry's key, which all its issuers share; made if it is not there. Needed to prove.
    #[arg(long)]
    pub registry: Option<PathBuf>,
    #[command(flatten)]
    pub sealing: Sealing,
    #[command(flatten)]
    pub output: Output,
}

impl Make for Arguments {
    // later

    fn output(&self) -> &Output {
        &self.output
    }

    fn is_repeatable(&self) -> bool {
        self.sealing.secret.is_some()
    }
}
