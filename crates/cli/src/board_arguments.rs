//! The command line of the public board and of orders for it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use records::date::moment_of;

/// The public board of an auction, which someone else than the venue keeps.
#[derive(Debug, Subcommand)]
pub enum Board {
    /// The keeper makes its key. The venue gets the file --out, and names the keeper in its boards.
    Keeper(KeeperKey),
    /// The venue opens a board: it signs all that is fixed before the first order. The keeper gets the file --out.
    Open(Box<OpenBoard>),
    /// What an entry costs: tickets, which show no account.
    #[command(subcommand)]
    Tickets(Tickets),
    /// The keeper takes entries: adds them to the board, and answers each with a receipt.
    ///
    /// Exit code 1: some were refused. The others are taken all the same.
    Post(Post),
    /// The keeper closes a board: signs how many entries it has. From then on all can compute the list.
    Close(CloseBoard),
    /// Anyone computes the list of a closed board: which orders count, in which order, and why others do not.
    List(ListBoard),
    /// Make a beacon for tests. Whoever has its secret reads all orders at any time; real boards use a public beacon.
    TestBeacon(TestBeaconArguments),
    /// Say what a test beacon says in a board's round.
    TestRound(TestRound),
}

/// A keeper's key.
#[derive(Debug, Args)]
pub struct KeeperKey {
    /// The keeper's name: letters, digits or any of -_./+&#%*.
    #[arg(long)]
    pub name: String,
    /// The file of the keeper's signing key; made if it is not there.
    #[arg(long)]
    pub keeper_secret: PathBuf,
    /// Where to write the name and the public key: .json.
    #[arg(long)]
    pub out: PathBuf,
}

/// A board to open.
#[derive(Debug, Args)]
pub struct OpenBoard {
    /// What the auction is held by: .json.
    #[arg(long)]
    pub auction: PathBuf,
    /// The market: .json.
    #[arg(long)]
    pub market: PathBuf,
    /// The file of the venue's secret, from which its keys follow; made if it is not there.
    #[arg(long)]
    pub venue_secret: PathBuf,
    /// The keeper's name and public key, which `board keeper` wrote: .json.
    #[arg(long)]
    pub keeper: PathBuf,
    /// When the board opens, in UTC, such as 2026-11-27T18:00:00Z; now, if not given.
    #[arg(long, value_parser = moment)]
    pub opens: Option<u64>,
    /// When it closes, in UTC: an entry must be there before.
    #[arg(long, value_parser = moment)]
    pub closes: u64,
    /// The public randomness beacon that opens the orders: `quicknet`, or a file of another's parameters: .json.
    #[arg(long, required_unless_present = "no_beacon")]
    pub beacon: Option<PathBuf>,
    /// Seconds from the close to the beacon's round, at least: time for all to see the closed board before an order is opened.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub delay: u64,
    /// Use no beacon: the venue can read each order as soon as it is posted, and the board says so.
    #[arg(long, conflicts_with = "beacon")]
    pub no_beacon: bool,
    /// How many bids and asks an order has room for.
    #[arg(long, default_value_t = 4, value_parser = levels)]
    pub levels: u32,
    /// The epoch of tickets: they are good for all boards of an epoch, each once.
    #[arg(long, default_value_t = 1)]
    pub epoch: u64,
    /// How many tickets an account gets in an epoch.
    #[arg(long, default_value_t = 100)]
    pub tickets: u32,
    /// Where to write the board: .jsonl.
    #[arg(long)]
    pub out: PathBuf,
}

/// The steps of a ticket.
#[derive(Debug, Subcommand)]
pub enum Tickets {
    /// A trader asks the venue for tickets: best for all of an epoch at once, before knowing what to trade.
    Ask(AskTickets),
    /// The venue signs them, and cannot tell later which entry one was spent on.
    Issue(IssueTickets),
    /// The trader takes them from the venue's answer.
    Take(TakeTickets),
}

/// Tickets to ask for.
#[derive(Debug, Args)]
pub struct AskTickets {
    /// A board of the epoch.
    #[arg(long)]
    pub board: PathBuf,
    /// The account.
    #[arg(long)]
    pub account: String,
    /// How many.
    #[arg(long)]
    pub count: u32,
    /// The account's tickets, a private file; made if it is not there.
    #[arg(long)]
    pub tickets: PathBuf,
    /// Where to write the request to the venue: .json.
    #[arg(long)]
    pub out: PathBuf,
}

/// Tickets to issue.
#[derive(Debug, Args)]
pub struct IssueTickets {
    /// A board of the epoch.
    #[arg(long)]
    pub board: PathBuf,
    /// The file of the venue's secret.
    #[arg(long)]
    pub venue_secret: PathBuf,
    /// The request. That it is from the account it names, the venue must know from the way it came.
    #[arg(long)]
    pub request: PathBuf,
    /// How many tickets each account has had, a private file of the venue; made if it is not there.
    #[arg(long)]
    pub ledger: PathBuf,
    /// Where to write the answer: .json.
    #[arg(long)]
    pub out: PathBuf,
}

/// Tickets to take.
#[derive(Debug, Args)]
pub struct TakeTickets {
    /// The account's tickets.
    #[arg(long)]
    pub tickets: PathBuf,
    /// The venue's answer.
    #[arg(long)]
    pub answer: PathBuf,
}

/// Entries to take.
#[derive(Debug, Args)]
pub struct Post {
    /// The board.
    #[arg(long)]
    pub board: PathBuf,
    /// The entries, which `order seal` wrote: .jsonl.
    #[arg(long)]
    pub posts: PathBuf,
    /// The file of the keeper's signing key.
    #[arg(long)]
    pub keeper_secret: PathBuf,
    /// Where to write the receipts, in the order of the entries: .jsonl.
    #[arg(long)]
    pub receipts: PathBuf,
    /// When they were received, in UTC; now, if not given.
    #[arg(long, value_parser = moment)]
    pub at: Option<u64>,
}

/// A board to close.
#[derive(Debug, Args)]
pub struct CloseBoard {
    #[command(flatten)]
    pub board: ClosedBoard,
    /// The file of the keeper's signing key.
    #[arg(long)]
    pub keeper_secret: PathBuf,
    /// The moment to sign, in UTC; now, if not given.
    #[arg(long, value_parser = moment)]
    pub at: Option<u64>,
}

/// A board, and those before it.
#[derive(Debug, Args)]
pub struct ClosedBoard {
    /// The board.
    #[arg(long)]
    pub board: PathBuf,
    /// A closed board of an earlier batch of the epoch, for the tickets that it spent; give all of them, in the order of batches.
    #[arg(long)]
    pub before: Vec<PathBuf>,
}

/// A list to compute.
#[derive(Debug, Args)]
pub struct ListBoard {
    #[command(flatten)]
    pub board: ClosedBoard,
    /// Where to write the list: .json.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// A beacon to make.
#[derive(Debug, Args)]
pub struct TestBeaconArguments {
    /// The file of the beacon's secret; made if it is not there.
    #[arg(long)]
    pub beacon_secret: PathBuf,
    /// Where to write its parameters: .json.
    #[arg(long)]
    pub out: PathBuf,
}

/// A round to say.
#[derive(Debug, Args)]
pub struct TestRound {
    /// The board.
    #[arg(long)]
    pub board: PathBuf,
    /// The file of the test beacon's secret.
    #[arg(long)]
    pub beacon_secret: PathBuf,
    /// Where to write what it says: .json, as public beacons answer.
    #[arg(long)]
    pub out: PathBuf,
}

/// Sealed orders: what a trader, a venue and a judge do with them.
#[derive(Debug, Subcommand)]
pub enum Order {
    /// A trader makes an account's one-time secrets, with which its orders are its own.
    Secrets(Secrets),
    /// A trader seals orders for a board. Nobody can read them before the beacon's round, the venue included.
    Seal(Seal),
    /// A trader checks receipts, and what became of the entries on the board.
    ///
    /// Exit code 1: an order has no receipt, is not on the list, or the keeper broke its word.
    Check(CheckOrders),
    /// The venue opens the orders of a closed board, after the beacon's round.
    Reveal(Reveal),
    /// A trader whose order was skipped shows that the entry is well formed. This shows the order to whoever gets the file --out.
    ///
    /// Exit code 1: it is not, or the order is not on the list.
    Dispute(Dispute),
    /// Anyone checks evidence: of a trader, that an entry is well formed, or of a venue, that one is malformed.
    ///
    /// Exit code 1: it does not show that.
    Judge(Judge),
}

/// Secrets to make.
#[derive(Debug, Args)]
pub struct Secrets {
    /// The file of the account's secret, from which those of all batches at all venues follow; made if it is not there. Each account
    /// has its own.
    #[arg(long)]
    pub secrets: PathBuf,
    /// The venue.
    #[arg(long)]
    pub venue: String,
    /// Where to write what the venue needs, which is not secret: the digests of the secrets for its 65,536 batches and their root:
    /// .json, about 4 MB.
    #[arg(long)]
    pub out: PathBuf,
}

/// Orders to seal.
#[derive(Debug, Args)]
pub struct Seal {
    /// The board, or its first line.
    #[arg(long)]
    pub board: PathBuf,
    /// The market: .json.
    #[arg(long)]
    pub market: PathBuf,
    /// The orders of one account: a table, .csv, .parquet or .json.
    #[arg(long)]
    pub orders: PathBuf,
    /// The file of the account's secret, which `order secrets` made.
    #[arg(long)]
    pub secrets: PathBuf,
    /// The account's tickets, of which each order takes one.
    #[arg(long)]
    pub tickets: PathBuf,
    /// Where to write the entries for the board's keeper: .jsonl.
    #[arg(long)]
    pub out: PathBuf,
    /// Where to keep the orders as they were sealed, a private file for receipts and disputes: .jsonl.
    #[arg(long)]
    pub keep: PathBuf,
}

/// Orders to check.
#[derive(Debug, Args)]
pub struct CheckOrders {
    #[command(flatten)]
    pub board: ClosedBoard,
    /// The orders that `order seal` kept.
    #[arg(long)]
    pub kept: PathBuf,
    /// The keeper's receipts; may hold those of others, too.
    #[arg(long)]
    pub receipts: PathBuf,
}

/// Orders to open.
#[derive(Debug, Args)]
pub struct Reveal {
    #[command(flatten)]
    pub board: ClosedBoard,
    /// The file of the venue's secret.
    #[arg(long)]
    pub venue_secret: PathBuf,
    /// What the beacon said in the board's round: .json; none if the board has no beacon.
    #[arg(long)]
    pub round: Option<PathBuf>,
    /// Where to write the orders, a private file: .jsonl.
    #[arg(long)]
    pub out: PathBuf,
    /// Where to write the evidence for each order that is skipped, for everyone: .jsonl.
    #[arg(long)]
    pub skips: PathBuf,
}

/// An order that was skipped.
#[derive(Debug, Args)]
pub struct Dispute {
    #[command(flatten)]
    pub board: ClosedBoard,
    /// The orders that `order seal` kept.
    #[arg(long)]
    pub kept: PathBuf,
    /// Which of them: an id of a record, or the commitment.
    #[arg(long)]
    pub order: String,
    /// Where to write the evidence: .jsonl.
    #[arg(long)]
    pub out: PathBuf,
}

/// Evidence to check.
#[derive(Debug, Args)]
pub struct Judge {
    #[command(flatten)]
    pub board: ClosedBoard,
    /// What the beacon said in the board's round: .json; not needed for a trader's evidence alone.
    #[arg(long)]
    pub round: Option<PathBuf>,
    /// A proof file of the auction: its claim must be about this board, and there must be evidence for each order that it skips.
    /// Whether the proof is right, `verify` says.
    #[arg(long)]
    pub claim: Option<PathBuf>,
    /// The evidence: .jsonl.
    #[arg(long)]
    pub evidence: PathBuf,
}

fn moment(text: &str) -> Result<u64, &'static str> {
    moment_of(text).ok_or("write a moment in UTC, such as 2026-11-27T18:00:00Z")
}

fn levels(text: &str) -> Result<u32, &'static str> {
    let levels = text.parse().ok();
    levels
        .filter(|l| statements::orders::LEVELS.contains(l))
        .ok_or("must be 1, 2 or 4")
}
