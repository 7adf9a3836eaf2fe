//! What a pool brought in, and what a deal paid.

use std::path::PathBuf;

use clap::Args;

/// What a loan pool brought in month by month, and what a deal paid from it.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// What became of the loans in a month: .csv or .parquet with the columns id, event, amount; once for each month, in
    /// order.
    #[arg(long, required = true)]
    pub remittances: Vec<PathBuf>,
    /// The deal: .json, ours or a map of AbsBox.
    #[arg(long)]
    pub deal: PathBuf,
    /// The deal's state before the first month, if that is not closing: .json.
    #[arg(long)]
    pub deal_state: Option<PathBuf>,
    /// The fixings of the deal's indices: .json.
    #[arg(long)]
    pub indices: Option<PathBuf>,
    /// Write the tape after the last month into this file: .csv.
    #[arg(long)]
    pub tape_after: Option<PathBuf>,
    /// Write the deal's state after the last month into this file: .json.
    #[arg(long)]
    pub deal_after: Option<PathBuf>,
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
