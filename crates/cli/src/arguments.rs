//! The command line: one definition for parsing, help and completions.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use statements::nonce::Nonce;
use statements::registry::example_names;

use crate::board_arguments::{Board, Order};
use crate::claims::{Check, Prove};
use crate::inputs::{Origin, TapeArguments, VenueArguments};

/// Proves facts about a sealed book: an account is margined, a venue is solvent, a risk price is right.
///
/// Exit codes: 0 accepted or true, 1 rejected or false, 2 bad input or usage or output that cannot be written, 3 internal error.
#[derive(Debug, Parser)]
#[command(name = "sealbook", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a sample market, books and exchange files into a folder.
    Sample(Sample),
    /// Say whether a claim is true, and if not, why. Makes no proof.
    #[command(subcommand)]
    Check(Check),
    /// Prove a claim.
    #[command(subcommand)]
    Prove(Prove),
    /// Seal orders for an auction, open them, and settle disputes about them.
    #[command(subcommand)]
    Order(Order),
    /// Keep the public board on which sealed orders stand.
    #[command(subcommand)]
    Board(Board),
    /// Sign what proofs take as given, as a servicer, a venue or an oracle.
    #[command(subcommand)]
    Attest(Attest),
    /// Check a proof file.
    Verify(Verify),
    /// Show what a proof file reveals, and its security.
    Inspect(Inspect),
    /// Check a proof about a deal and draw an investor report from its claim: one HTML page.
    Report(Report),
    /// Quote what a trade or a withdrawal costs: its premium, and the funding rates after it. Makes no proof.
    Price(Price),
    /// Make scenario sets from price histories, and check them.
    #[command(subcommand)]
    Scenarios(Scenarios),
    /// Make a book and a venue, prove facts about them, tamper with a proof.
    Demo,
    /// Measure proving and verifying.
    Bench(Bench),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where to write samples.
#[derive(Debug, Args)]
pub struct Sample {
    /// The folder.
    pub folder: PathBuf,
    /// Accounts in the book.
    #[arg(long, default_value_t = 100)]
    pub accounts: usize,
    /// Positions per account.
    #[arg(long, default_value_t = 8)]
    pub positions: usize,
    /// Accounts below maintenance margin.
    #[arg(long, default_value_t = 1)]
    pub below: usize,
    /// Loans in the pool.
    #[arg(long, default_value_t = 2_000)]
    pub loans: usize,
    /// The same seed gives the same files.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What to sign.
#[derive(Debug, Subcommand)]
pub enum Attest {
    /// The commitment to a loan tape, for claims about its pool.
    Pool(AttestPool),
    /// A market's prices and terms, for claims about margin, solvency, inventory and exposure.
    Market(AttestMarket),
    /// A price history, for claims over scenarios that say they were made from it.
    Prices(AttestPrices),
    /// A scenario set, for claims about risk.
    Scenarios(AttestScenarios),
}

/// A tape to sign.
#[derive(Debug, Args)]
pub struct AttestPool {
    #[command(flatten)]
    pub tape: TapeArguments,
    /// The file of the pool's secret, the same as for proofs; made if it is not there.
    #[arg(long)]
    pub secret: PathBuf,
    #[command(flatten)]
    pub signing: Signing,
}

/// A market to sign.
#[derive(Debug, Args)]
pub struct AttestMarket {
    /// The market: .json, or an option chain: .csv, .tsv, .txt, .parquet or .json.
    #[arg(long, required_unless_present = "assets")]
    pub market: Option<PathBuf>,
    /// Instead of a market, only assets in the exchange layout: their prices and haircuts, for claims about solvency.
    #[arg(long, conflicts_with = "market")]
    pub assets: Option<PathBuf>,
    #[command(flatten)]
    pub origin: Origin,
    #[command(flatten)]
    pub signing: Signing,
}

/// A price history to sign.
#[derive(Debug, Args)]
pub struct AttestPrices {
    /// The price history: a table (.csv, .parquet or .json) with a date column, then one column a market.
    #[arg(long)]
    pub prices: PathBuf,
    #[command(flatten)]
    pub signing: Signing,
}

/// A scenario set to sign.
#[derive(Debug, Args)]
pub struct AttestScenarios {
    /// The scenarios: .json.
    #[arg(long)]
    pub scenarios: PathBuf,
    #[command(flatten)]
    pub signing: Signing,
}

/// How to sign.
#[derive(Debug, Args)]
pub struct Signing {
    /// The file of the signing key (Ed25519, in hex); made if it is not there.
    #[arg(long)]
    pub key: PathBuf,
    /// Where to write the attestation.
    #[arg(long)]
    pub out: PathBuf,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// A trade or a withdrawal to quote.
#[derive(Debug, Args)]
pub struct Price {
    #[command(flatten)]
    pub venue: VenueArguments,
    /// MARKET:LOTS or MARKET:LOTS:PRICE, such as BTC:3 or ETH:-5:3400.25.
    #[arg(long, allow_hyphen_values = true, required_unless_present = "withdraw")]
    pub trade: Option<String>,
    /// Instead of a trade, quote a liquidity provider's withdrawal of this amount.
    #[arg(long, conflicts_with = "trade")]
    pub withdraw: Option<fixed::Decimal>,
    /// Draw the distribution of the liability after the trade, with its risk measures: .svg.
    #[arg(long)]
    pub plot: Option<PathBuf>,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// Scenario sets.
#[derive(Debug, Subcommand)]
pub enum Scenarios {
    /// Make a set from a price history, so that anyone can make it again.
    Make(Box<MakeScenarios>),
    /// Show a set and its digest; with prices, make it again and compare.
    Check(CheckScenarios),
}

/// A scenario set to make.
#[derive(Debug, Args)]
pub struct MakeScenarios {
    /// The price history: a table (.csv, .parquet or .json) with a date column, then one column a market.
    #[arg(long)]
    pub prices: PathBuf,
    /// How.
    #[arg(long, value_enum, default_value_t = MethodName::Historical)]
    pub method: MethodName,
    /// What a day's weight falls by in a volatility forecast, where the method has one.
    #[arg(long, default_value = "0.94")]
    pub decay: fixed::Decimal,
    /// Scenarios, where the method draws them.
    #[arg(long, default_value_t = 16_384)]
    pub count: u32,
    /// Degrees of freedom of Student's t, 3 to 30, for fat tails, where the method draws; normal shocks if not given.
    #[arg(long)]
    pub freedom: Option<u32>,
    /// Draw scenarios that are equally likely, from normal shocks without a bound; the tail has few of them.
    #[arg(long, conflicts_with_all = ["freedom", "beacon"])]
    pub equally_likely: bool,
    /// Only so many of the history's last lines.
    #[arg(long)]
    pub window: Option<u32>,
    /// The seed, where the method draws. Whoever chooses it may try many: a beacon's is better.
    #[arg(long, default_value = "sealbook", conflicts_with = "beacon")]
    pub seed: String,
    /// NAME:GENESIS:PERIOD of a public beacon, in milliseconds, such as quicknet:1692803367000:3000: the seed is made from its
    /// first round after the prices and the delay. Without the value, says which round that is, and the policy's digest.
    #[arg(long)]
    pub beacon: Option<String>,
    /// Seconds from the prices to the beacon's round, at least.
    #[arg(long, default_value_t = 3_600, requires = "beacon")]
    pub beacon_delay: u64,
    /// What the beacon said in that round: 64 hexadecimal digits.
    #[arg(long, requires = "beacon")]
    pub beacon_value: Option<String>,
    /// The horizon, in lines of the history.
    #[arg(long, default_value_t = 1)]
    pub steps: u32,
    /// Days from one line to the next.
    #[arg(long, default_value = "1")]
    pub step_days: fixed::Decimal,
    /// SYMBOL=AMOUNT: how much of a market a lot is; 1 if not given.
    #[arg(long)]
    pub lot: Vec<String>,
    /// The currency of the prices.
    #[arg(long, default_value = "USD")]
    pub quote: String,
    /// Where to write the set: .json.
    #[arg(long)]
    pub out: PathBuf,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// A scenario set to check.
#[derive(Debug, Args)]
pub struct CheckScenarios {
    /// The set: .json.
    pub file: PathBuf,
    /// The price history that it should be made from.
    #[arg(long)]
    pub prices: Option<PathBuf>,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// How scenarios are made.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum MethodName {
    /// What prices did over each horizon of the history.
    Historical,
    /// The same in today's volatility.
    FilteredHistorical,
    /// Drawn from an exponentially weighted covariance.
    Ewma,
    /// Drawn from GARCH(1,1) variances by maximum likelihood, with constant correlations.
    Garch,
    /// Drawn from GARCH(1,1) variances of principal components, by maximum likelihood.
    OrthogonalGarch,
}

/// A proof file to check.
#[derive(Debug, Args)]
pub struct Verify {
    /// The proof file.
    pub file: PathBuf,
    /// A JSON object; every field in it must stand in the claim with the same value.
    #[arg(long)]
    pub expect: Option<PathBuf>,
    /// The challenge that the claim must repeat.
    #[arg(long)]
    pub nonce: Option<Nonce>,
    /// An inclusion file, for a claim about a book: checked against its commitment, and shown.
    #[arg(long)]
    pub inclusion: Option<PathBuf>,
    /// A path file, for a margin claim about one account: checked against the books of the proofs given by --with.
    #[arg(long, requires = "with")]
    pub path: Option<PathBuf>,
    /// A trader's receipt, for a premia claim that states totals or an auction: it must open what the claim commits to.
    #[arg(long)]
    pub receipt: Option<PathBuf>,
    /// Another proof file, which must be linked to this one, or to one that is: the same account book, venue state, pool or
    /// deal, months that go on from each other, or loans of one registry that are pledged once. May be given several times.
    #[arg(long)]
    pub with: Vec<PathBuf>,
    /// Write the record of an issuance, from which tokens can be minted, into this file: .json. Its amounts are in cents.
    #[arg(long)]
    pub record: Option<PathBuf>,
    /// An attestation: a trusted key must have signed what the claim takes as given, such as its pool, market or scenarios; may
    /// be given several times.
    #[arg(long, requires = "trust")]
    pub attestation: Vec<PathBuf>,
    /// A public key that is trusted to sign, in hex; may be given several times.
    #[arg(long, requires = "attestation")]
    pub trust: Vec<String>,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// A proof file to show.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The proof file.
    pub file: PathBuf,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// A report to draw.
#[derive(Debug, Args)]
pub struct Report {
    /// The proof file of a stress or waterfall claim.
    pub file: PathBuf,
    /// Where to write the page: .html.
    #[arg(long)]
    pub out: PathBuf,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// What to measure.
#[derive(Debug, Args)]
pub struct Bench {
    /// The benchmark.
    #[arg(value_parser = PossibleValuesParser::new(example_names()))]
    pub name: String,
    /// Print one JSON object to stdout.
    #[arg(long)]
    pub json: bool,
    /// Measured runs, of which the median counts.
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
    /// Runs before the measured ones.
    #[arg(long, default_value_t = 1)]
    pub warmups: usize,
    /// Accounts, where the benchmark has many.
    #[arg(long)]
    pub accounts: Option<usize>,
    /// Loans, where the benchmark has them.
    #[arg(long)]
    pub loans: Option<usize>,
    /// Scenarios, where the benchmark has them.
    #[arg(long)]
    pub scenarios: Option<usize>,
    /// Trades, where the benchmark has them.
    #[arg(long)]
    pub trades: Option<usize>,
    /// Orders, where the benchmark has them.
    #[arg(long)]
    pub orders: Option<usize>,
}
