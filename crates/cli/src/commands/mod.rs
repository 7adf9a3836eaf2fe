//! One module per command.

mod attest;
mod bench;
mod check;
mod demo;
mod demo_pool;
mod demo_venue;
mod inspect;
mod issuance;
mod links;
mod pool;
mod price;
mod prove;
mod report;
mod sample;
mod scenarios;
mod stress;
mod systemic;
mod verify;
mod waterfall;

use std::path::Path;

use market::import::{exchange, layout, optionchain};
use market::{Account, Book, Snapshot};
use records::files::ImportError;
use records::json;
use serde::de::DeserializeOwned;
use stark::ProofFile;
use statements::account::Secret;
use venue::evar::Confidence;
use venue::import::states as import_venue;
use venue::scenarios::ScenarioSet;
use venue::state::VenueState;

use crate::Failure;
use crate::cli::{Arguments, Claim, Command, Origin, SolvencyArguments, Venue};
use crate::output;

/// Runs a command.
pub fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Check(Claim::Margin(arguments)) => check::margin(&arguments),
        Command::Check(Claim::Solvency(arguments)) => check::solvency(&arguments),
        Command::Check(Claim::Risk(arguments)) => price::check(&arguments),
        Command::Check(Claim::Inventory(arguments)) => check::inventory(&arguments),
        Command::Prove(Claim::Inventory(arguments)) => prove::inventory(&arguments),
        Command::Check(Claim::Systemic(arguments)) => systemic::check(&arguments),
        Command::Prove(Claim::Systemic(arguments)) => systemic::prove(&arguments),
        Command::Check(Claim::Pool(arguments)) => pool::check(&arguments),
        Command::Prove(Claim::Pool(arguments)) => pool::prove(&arguments),
        Command::Check(Claim::Stress(arguments)) => stress::check(&arguments),
        Command::Prove(Claim::Stress(arguments)) => stress::prove(&arguments),
        Command::Check(Claim::Issuance(arguments)) => issuance::check(&arguments),
        Command::Prove(Claim::Issuance(arguments)) => issuance::prove(&arguments),
        Command::Check(Claim::Waterfall(arguments)) => waterfall::check(&arguments),
        Command::Prove(Claim::Waterfall(arguments)) => waterfall::prove(&arguments),
        Command::Attest(command) => attest::run(&command),
        Command::Prove(Claim::Margin(arguments)) => prove::margin(&arguments),
        Command::Prove(Claim::Solvency(arguments)) => prove::solvency(&arguments),
        Command::Prove(Claim::Risk(arguments)) => prove::risk(&arguments),
        Command::Price(arguments) => price::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Scenarios(command) => scenarios::run(&command),
        Command::Demo => demo::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Completions { shell } => {
            use clap::CommandFactory;
            let mut command = Arguments::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "sealbook", &mut script);
            output::out(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Input(error.to_string())
    }
}

/// A market: JSON, which says itself when and where prices were taken, or a BTC option chain in CSV, in lots of a tenth, which
/// says when.
fn read_market(path: &Path, origin: &Origin) -> Result<Snapshot, Failure> {
    if origin.as_of.is_some() {
        return Err(Failure::Input(format!(
            "--as-of: {} says itself when its prices were taken; leave the option away, or correct the file",
            path.display()
        )));
    }
    if path.extension().is_some_and(|e| e == "csv") {
        let mut snapshot = optionchain::read(path, "BTC", fixed::Decimal::new(1, 1))?;
        if let Some(source) = &origin.source {
            snapshot.source = source_of(source)?;
        }
        return Ok(snapshot);
    }
    if origin.source.is_some() {
        return Err(Failure::Input(format!(
            "--source: {} says itself where its prices come from; write it into its `source`",
            path.display()
        )));
    }
    Ok(layout::read_market(path)?)
}

fn source_of(source: &str) -> Result<String, Failure> {
    if records::names::is_name(source) {
        Ok(source.to_string())
    } else {
        let source = statements::words::quoted(source);
        Err(Failure::Input(format!(
            "--source: {source} {}",
            records::names::NO_NAME
        )))
    }
}

/// When and where the prices of an exchange's asset file were taken: it does not say so, and a proof without is worth
/// nothing tomorrow.
fn origin_of_assets(origin: &Origin) -> Result<(u64, String), Failure> {
    let missing = |option: &str, what: &str| {
        Failure::Input(format!(
            "--assets: the file does not say {what}; give {option}"
        ))
    };
    let as_of = origin.as_of.as_deref().ok_or_else(|| {
        let what = "when balances and prices were taken";
        missing("--as-of, such as --as-of 2026-11-26T18:48:06Z", what)
    })?;
    let source = origin.source.as_deref().ok_or_else(|| {
        let what = "where prices come from";
        missing("--source, such as --source venue-x-mark", what)
    })?;
    let wrong = |problem: &str| {
        let as_of = statements::words::quoted(as_of);
        Failure::Input(format!("--as-of: {as_of} {problem}"))
    };
    let as_of_ms = records::date::moment_of(as_of).ok_or_else(|| {
        wrong("is no moment in UTC; write 2026-11-26T18:48:06Z, or 2026-11-26 for its start")
    })?;
    records::date::check_moment(as_of_ms).map_err(|_| wrong("is not between 2000 and 2100"))?;
    Ok((as_of_ms, source_of(source)?))
}

fn find<'a>(book: &'a Book, id: &str, path: &Path) -> Result<&'a Account, Failure> {
    book.account(id).ok_or_else(|| {
        let hint = book.accounts().first().map_or("", |a| a.id.as_str());
        Failure::Input(format!(
            "{}: there is no account `{id}`; ids look like `{hint}`",
            path.display()
        ))
    })
}

fn confidence(confidence: fixed::Decimal) -> Result<Confidence, Failure> {
    Confidence::try_from(confidence)
        .map_err(|e| Failure::Input(format!("--confidence {confidence}: {e}")))
}

/// The scenarios and the state of a venue.
fn read_venue(venue: &Venue) -> Result<(ScenarioSet, VenueState, Confidence), Failure> {
    let confidence = confidence(venue.confidence)?;
    let set = import_venue::read_scenarios(&venue.scenarios)?;
    let state = import_venue::read_state(&venue.state, &set)?;
    Ok((set, state, confidence))
}

/// The inputs of a solvency claim.
struct SolvencyInputs {
    snapshot: Snapshot,
    book: Book,
    reserves: Option<Vec<u128>>,
}

fn solvency_inputs(arguments: &SolvencyArguments) -> Result<SolvencyInputs, Failure> {
    let (snapshot, book) = match (
        &arguments.users,
        &arguments.assets,
        &arguments.book,
        &arguments.market,
    ) {
        (Some(users), Some(assets), ..) => {
            let (as_of_ms, source) = origin_of_assets(&arguments.origin)?;
            exchange::read(users, assets, as_of_ms, &source)?
        }
        (_, _, Some(book), Some(market)) => {
            let snapshot = read_market(market, &arguments.origin)?;
            let book = layout::read_book(book, &snapshot)?;
            (snapshot, book)
        }
        _ => {
            return Err(Failure::Input(
                "give --users and --assets, or --book and --market".into(),
            ));
        }
    };
    let reserves = arguments
        .reserves
        .as_deref()
        .map(|path| exchange::read_reserves(path, &snapshot.assets))
        .transpose()?;
    Ok(SolvencyInputs {
        snapshot,
        book,
        reserves,
    })
}

/// The book's secret: kept in a file, or fresh.
fn secret(path: Option<&Path>) -> Result<Secret, Failure> {
    let Some(path) = path else {
        return Ok(Secret::random());
    };
    let place = |e: &dyn std::fmt::Display| Failure::Input(format!("{}: {e}", path.display()));
    match std::fs::read_to_string(path) {
        Ok(text) => Secret::from_hex(&text)
            .ok_or_else(|| place(&"is not a secret; remove the file to make a new one")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let secret = Secret::random();
            write_private(path, secret.to_hex().as_bytes())?;
            Ok(secret)
        }
        Err(e) => Err(place(&e)),
    }
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|e| Failure::Input(format!("{}: cannot be written: {e}", path.display())))
}

/// Writes a file.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|e| Failure::Input(format!("{}: cannot be written: {e}", path.display())))
}

/// Reads a proof file, or only the start of a file that is none.
fn read_proof(path: &Path) -> Result<Vec<u8>, Failure> {
    ProofFile::read_bytes(path).map_err(|e| unreadable(path, &e))
}

/// Reads a file of bounded size.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    stark::read_bounded(path).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Input(format!("{}: cannot be read: {error}", path.display()))
}

/// Reads a JSON file.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    json::read(&read(path)?).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        Failure::Input(format!("{}:{line}: column {column}: {e}", path.display()))
    })
}

/// Bytes in a readable unit.
pub fn size(bytes: usize) -> String {
    if bytes < 10_000_000 {
        format!("{} KB", bytes.div_ceil(1000))
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}

/// A time in a readable unit.
fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// Prints JSON for machines, in ASCII where a character could reorder or hide text.
fn print_json(value: &serde_json::Value) {
    output::out(&statements::words::json(value));
}
