//! The command line of `check` and `prove`: what each claim is made from.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use statements::nonce::Nonce;

use super::Origin;

/// What to claim.
#[derive(Debug, Subcommand)]
pub enum Claim {
    /// An account, or all accounts of a book, and a margin level.
    Margin(MarginArguments),
    /// A book's liabilities, their cover, and reserves.
    Solvency(SolvencyArguments),
    /// A venue's risk, and the premia of its trades.
    Risk(RiskArguments),
    /// A venue's state holds what its account book adds up to.
    Inventory(InventoryArguments),
    /// The risk of several venues together.
    Systemic(SystemicArguments),
    /// Rules and figures of a loan pool.
    Pool(PoolArguments),
    /// What the tranches of a deal lose under stresses of its pool.
    Stress(StressArguments),
    /// The tranches of a deal are backed by a pool of which no loan is pledged twice.
    Issuance(IssuanceArguments),
    /// What a loan pool brought in month by month, and what a deal paid from it.
    Waterfall(WaterfallArguments),
}

/// An issuance claim.
#[derive(Debug, Args)]
pub struct IssuanceArguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// The deal: .json, ours or a map of AbsBox. Its `original_pool` must be what the tape's open loans owe.
    #[arg(long)]
    pub deal: PathBuf,
    /// The file of the registry's key, which all its issuers share; made if it is not there. Needed to prove.
    #[arg(long)]
    pub registry: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// A stress claim.
#[derive(Debug, Args)]
pub struct StressArguments {
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
    pub common: Common,
}

/// A waterfall claim.
#[derive(Debug, Args)]
pub struct WaterfallArguments {
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
    pub common: Common,
}

/// A loan tape.
#[derive(Debug, Args)]
pub struct TapeArguments {
    /// The loans: .csv or .parquet.
    #[arg(long)]
    pub tape: PathBuf,
    /// What fields loans have: mortgage, auto, receivable, consumer, carbon, or a .json file.
    #[arg(long, default_value = "mortgage")]
    pub template: String,
    /// Where the fields stand, if not in columns of their own names: mortgage-dataset, or a .json file.
    #[arg(long)]
    pub layout: Option<String>,
    /// The day the tape is of, such as 2026-10-31.
    #[arg(long)]
    pub cut_off: String,
}

/// A pool claim.
#[derive(Debug, Args)]
pub struct PoolArguments {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// Rules and figures: .json. Without it the claim only says that the pool's loans are distinct, and how many.
    #[arg(long)]
    pub terms: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// A venue and how sure it is to be.
#[derive(Debug, Args)]
pub struct Venue {
    /// The scenarios: .json.
    #[arg(long)]
    pub scenarios: PathBuf,
    /// The venue's state: .json.
    #[arg(long)]
    pub state: PathBuf,
    /// How sure: 0.95 means that the worst 5% count.
    #[arg(long, default_value = "0.95")]
    pub confidence: fixed::Decimal,
}

/// A risk claim.
#[derive(Debug, Args)]
pub struct RiskArguments {
    #[command(flatten)]
    pub venue: Venue,
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
    pub common: Common,
}

/// An inventory claim.
#[derive(Debug, Args)]
pub struct InventoryArguments {
    /// The book: .json, .csv or .parquet.
    #[arg(long)]
    pub book: PathBuf,
    /// The market: .json.
    #[arg(long)]
    pub market: PathBuf,
    #[command(flatten)]
    pub origin: Origin,
    /// The scenarios, whose markets the state is over: .json.
    #[arg(long)]
    pub scenarios: PathBuf,
    /// The venue's state: .json.
    #[arg(long)]
    pub state: PathBuf,
    /// Write each account's inclusion file into this folder. They hold balances and positions.
    #[arg(long)]
    pub inclusions: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// A systemic claim.
#[derive(Debug, Args)]
pub struct SystemicArguments {
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
    /// A verifier's challenge, repeated in the claim: letters, digits or any of -_./+&#%*.
    #[arg(long)]
    pub nonce: Option<Nonce>,
    /// Where to write the proof.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// A margin claim.
#[derive(Debug, Args)]
pub struct MarginArguments {
    /// The book: .json, .csv or .parquet.
    #[arg(long)]
    pub book: PathBuf,
    /// The market: .json, or the .csv of an option chain.
    #[arg(long)]
    pub market: PathBuf,
    #[command(flatten)]
    pub origin: Origin,
    /// The account; without it the claim is about the whole book.
    #[arg(long)]
    pub account: Option<String>,
    /// With --account: write the path from the account's commitment to the book into this file. It holds no balances; `verify
    /// --path` checks it against a proof about the book.
    #[arg(long, requires = "account")]
    pub path: Option<PathBuf>,
    /// Without --account: write each account's inclusion file into this folder. They hold balances and positions.
    #[arg(long, conflicts_with = "account")]
    pub inclusions: Option<PathBuf>,
    /// The requirement.
    #[arg(long, value_enum, default_value_t = LevelName::Maintenance)]
    pub level: LevelName,
    #[command(flatten)]
    pub common: Common,
}

/// A solvency claim.
#[derive(Debug, Args)]
pub struct SolvencyArguments {
    /// Users in the exchange layout.
    #[arg(long, requires = "assets", required_unless_present = "book")]
    pub users: Option<PathBuf>,
    /// Assets in the exchange layout.
    #[arg(long, requires = "users")]
    pub assets: Option<PathBuf>,
    /// A book in Sealbook's own layout.
    #[arg(long, requires = "market", conflicts_with = "users")]
    pub book: Option<PathBuf>,
    /// A market in Sealbook's own layout.
    #[arg(long, requires = "book")]
    pub market: Option<PathBuf>,
    #[command(flatten)]
    pub origin: Origin,
    /// Reserves: a CSV with columns symbol and reserve.
    #[arg(long)]
    pub reserves: Option<PathBuf>,
    /// Publish only that reserves cover liabilities, not the totals.
    #[arg(long, requires = "reserves")]
    pub hide_totals: bool,
    /// Fail if some account's debts are not covered, instead of claiming how many are not.
    #[arg(long)]
    pub require_covered: bool,
    /// Write each account's inclusion file into this folder. They hold balances and positions.
    #[arg(long)]
    pub inclusions: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// What all claims take.
#[derive(Debug, Args)]
pub struct Common {
    /// Where to write the proof.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// The file of the book's secret; made if it is not there. The same secret gives the same
    /// commitment, so that several proofs speak of one book. Without it a fresh one is used once.
    #[arg(long)]
    pub secret: Option<PathBuf>,
    /// A verifier's challenge, repeated in the claim: letters, digits or any of -_./+&#%*.
    #[arg(long)]
    pub nonce: Option<Nonce>,
    /// Position slots of an account in the commitment; the least that fit if not given.
    #[arg(long)]
    pub slots: Option<usize>,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// A margin level.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LevelName {
    /// To open positions.
    Initial,
    /// To keep them.
    Maintenance,
    /// Maintenance with the market's buffer on top.
    MaintenancePlusBuffer,
}

impl From<LevelName> for market::Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Initial => Self::Initial,
            LevelName::Maintenance => Self::Maintenance,
            LevelName::MaintenancePlusBuffer => Self::MaintenancePlusBuffer,
        }
    }
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
