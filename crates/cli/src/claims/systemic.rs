//! The risk of several venues together.

use std::path::PathBuf;

use clap::Args;

/// The risk of several venues together.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The scenarios: .json.
    #[arg(long)]
    pub scenarios: PathBuf,
    /// The venues' states, one `--state` each: .json.
    #[arg(long, required = true)]
    pub state: Vec<PathBuf>,
    /// The files of the venues' secrets, in the order of their states; a missing file is made. Without any,
    /// fresh ones are used once.
    #[arg(long)]
    pub secret: Vec<PathBuf>,
    /// How sure: 0.95 means that the worst 5% count.
    #[arg(long, default_value = "0.95")]
    pub confidence: fixed::Decimal,
    /// EVaR of their losses together is at most this; the least that can be proven if not given.
    #[arg(long)]
    pub bound: Option<fixed::Decimal>,
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
