//! A venue's risk and the premia of its trades.

use std::path::PathBuf;

use clap::Args;

/// A venue's risk, and the premia of its trades.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub venue: VenueArguments,
    /// The trades, in order: a CSV with columns market, lots, price; with columns transfer, amount also money that comes
    /// in or goes out.
    #[arg(long)]
    pub trades: Option<PathBuf>,
    /// Claim only that capital and collected premia cover EVaR in every state, without stating it.
    #[arg(long)]
    pub covered: bool,
    /// Publish the trades' sizes.
    #[arg(long, conflicts_with = "covered")]
    pub show_lots: bool,
    /// Keep sizes, single premia and the EVaR in between private: state EVaR at both ends, the total of premia and funding
    /// rates, all rounded. Without it and without --covered, sizes can be computed from what is stated.
    #[arg(long, conflicts_with_all = ["covered", "show_lots"])]
    pub totals: bool,
    /// What EVaR and the total of premia are rounded to, in the quote currency: more than any change moves EVaR by. Chosen from
    /// the state if not given.
    #[arg(long, requires = "totals")]
    pub grid: Option<fixed::Decimal>,
    /// How far a premium may be off what the change moves EVaR by, in the quote currency; a tenth of the grid if not given. Within
    /// it the EVaR that premia are taken from is drawn above the true one: the smaller, the more receipts tell their holders.
    #[arg(long, requires = "totals")]
    pub tolerance: Option<fixed::Decimal>,
    /// Write what opens each change's premium into this folder, a file for each trader.
    #[arg(long, requires = "totals")]
    pub receipts: Option<PathBuf>,
    /// As of when the state after the last change is, in milliseconds since 1970; the scenarios' date if not given.
    #[arg(long)]
    pub until_ms: Option<u64>,
    /// State the funding rates after the last trade.
    #[arg(long, conflicts_with = "covered")]
    pub funding: bool,
    /// Write the state after the last trade into this file.
    #[arg(long)]
    pub after: Option<PathBuf>,
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
