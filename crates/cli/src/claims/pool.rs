//! Rules and figures of a loan pool.

use std::path::PathBuf;

use clap::Args;

/// Rules and figures of a loan pool.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// Rules and figures: .json. Without it the claim only says that the pool's loans are distinct, and how many.
    #[arg(long)]
    pub terms: Option<PathBuf>,
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
