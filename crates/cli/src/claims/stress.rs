//! What tranches lose.

use std::path::PathBuf;

use clap::Args;

/// What the tranches of a deal lose under stresses of its pool.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// The deal: .json, ours or a map of AbsBox.
    #[arg(long)]
    pub deal: PathBuf,
    /// The deal's state at the cut-off date, if that is not closing: .json.
    #[arg(long)]
    pub deal_state: Option<PathBuf>,
    /// The fixings of the deal's indices: .json.
    #[arg(long)]
    pub indices: Option<PathBuf>,
    /// The stresses, a list: .json. One with a `factor`, such as {"correlation": "0.2", "nodes": 50}, says what tranches are
    /// expected to lose when its defaults come together by a Gaussian one-factor copula.
    #[arg(long)]
    pub stresses: PathBuf,
    /// A tranche for which to seek the largest multiple of each stress's defaults that it bears; may be given several times.
    #[arg(long)]
    pub breakeven: Vec<String>,
    /// A loan this many days past due defaults at once: 1 to 365.
    #[arg(long, default_value_t = 90)]
    pub doubtful_days: u16,
    /// How many months a row of the published schedule has at least: differences of rows tell what a loan pays that ends alone.
    #[arg(long, value_enum, default_value_t = StepName::Monthly)]
    pub schedule_step: StepName,
    /// Sum rows of the published schedule until so many loans end in each: with 10 or more, none is told alone.
    #[arg(long, default_value_t = 0)]
    pub loans_per_row: u32,
    #[command(flatten)]
    pub sealing: Sealing,
    #[command(flatten)]
    pub output: Output,
}

/// How many months a row of a schedule has.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StepName {
    /// One.
    Monthly,
    /// Three.
    Quarterly,
    /// Six.
    Semiannual,
    /// Twelve.
    Annual,
}

impl StepName {
    /// How many.
    pub fn months(self) -> u16 {
        match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::Semiannual => 6,
            Self::Annual => 12,
        }
    }
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
