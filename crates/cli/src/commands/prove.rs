//! `sealbook prove`: make a proof file. Every proof is verified before it is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use market::import::layout;
use market::{Book, Snapshot};
use serde_json::json;
use stark::{PartProof, ProofFile, Statement};
use statements::account::Secret;
use statements::book::{BookError, SealedBook, least_slots};
use statements::inventory::{self, Inventory, InventoryFailure};
use statements::kit::Refusal;
use statements::margin::{self, Margin, MarginError};
use statements::parts::PartsError;
use statements::risk::{Prepared, Receipt, Risk, RiskError, Shows, Terms};
use statements::solvency::{self, Options, Solvency};
use venue::import::states;

use super::{
    find, print_json, read_market, read_venue, secret, size, solvency_inputs, time, write,
    write_private,
};
use crate::Failure;
use crate::cli::{Common, InventoryArguments, MarginArguments, RiskArguments, SolvencyArguments};
use crate::output::{note, say};

impl From<MarginError> for Failure {
    fn from(error: MarginError) -> Self {
        match error {
            MarginError::Undermargined(_) => Self::False(error.to_string()),
            MarginError::Prove(_) => Self::Internal(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<BookError> for Failure {
    fn from(error: BookError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::False(reason) => Self::False(reason.to_string()),
            Refusal::Input(reason) => Self::Input(reason.to_string()),
        }
    }
}

impl From<RiskError> for Failure {
    fn from(error: RiskError) -> Self {
        match error {
            RiskError::Uncovered(_) => Self::False(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<PartsError> for Failure {
    fn from(error: PartsError) -> Self {
        match error {
            PartsError::Resume(_) => Self::Input(error.to_string()),
            PartsError::Prove(_) => Self::Internal(error.to_string()),
        }
    }
}

/// A progress bar on stderr, if that is a terminal and there is more than one part.
pub fn progress() -> impl FnMut(usize, usize) {
    let mut bar: Option<ProgressBar> = None;
    move |done, parts| {
        if parts < 2 {
            return;
        }
        let bar = bar.get_or_insert_with(|| {
            let style =
                ProgressStyle::with_template("{bar:40} part {pos} of {len}, {elapsed}, {eta} left");
            ProgressBar::new(parts as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done as u64);
        if done == parts {
            bar.finish_and_clear();
        }
    }
}

pub fn out(common: &Common) -> Result<&Path, Failure> {
    common
        .out
        .as_deref()
        .ok_or_else(|| Failure::Input("give --out FILE for the proof".into()))
}

/// Where finished parts are kept until the proof is written. The same claim is needed to resume, so
/// without a kept secret there is nothing to resume.
pub fn work_folder(common: &Common) -> Result<Option<PathBuf>, Failure> {
    let mut name = out(common)?.as_os_str().to_owned();
    name.push(".sealbook-work");
    Ok(common.secret.as_ref().map(|_| name.into()))
}

/// Seals a book in the slots of the command line.
fn seal_book(
    snapshot: &Snapshot,
    book: &Book,
    common: &Common,
    secret: &Secret,
) -> Result<Arc<SealedBook>, Failure> {
    let slots = common.slots;
    let slots = slots.unwrap_or_else(|| least_slots(book.accounts()));
    Ok(SealedBook::new(snapshot, book.accounts(), slots, secret)?)
}

/// Writes the inclusion file of each account into a folder, if one is given.
fn write_inclusions(book: &SealedBook, folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::Input(format!("{}: {e}", folder.display())))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    for inclusion in book.inclusions() {
        let name: String = inclusion
            .account
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        // The index keeps names apart that differ only in unusual characters.
        let name = format!("{name}.{}.json", inclusion.place.index);
        write_file(&folder.join(name), &inclusion)?;
    }
    Ok(())
}

/// Writes a private JSON file.
fn write_file(path: &Path, value: &impl serde::Serialize) -> Result<(), Failure> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|e| Failure::Internal(e.to_string()))?;
    write_private(path, &bytes)
}

pub fn margin(arguments: &MarginArguments) -> Result<(), Failure> {
    let started = Instant::now();
    out(&arguments.common)?;
    let snapshot = read_market(&arguments.market, &arguments.origin)?;
    let book = layout::read_book(&arguments.book, &snapshot)?;
    let level = arguments.level.into();
    if let Some(id) = &arguments.account {
        find(&book, id, &arguments.book)?;
    }
    let secret = secret(arguments.common.secret.as_deref())?;
    let sealed = seal_book(&snapshot, &book, &arguments.common, &secret)?;
    let prepared = match &arguments.account {
        Some(id) => margin::Prepared::account(&sealed, id, level)?,
        None => margin::Prepared::book(&sealed, level)?,
    };
    let prepared = prepared.with_nonce(arguments.common.nonce.clone());
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove_all(&mut progress(), work.as_deref())?;
    write_inclusions(&sealed, arguments.inclusions.as_deref())?;
    let id = arguments.account.as_deref();
    if let (Some(file), Some(path)) = (&arguments.path, id.and_then(|id| sealed.path(id))) {
        write_file(file, &path)?;
    }
    finish::<Margin>(&arguments.common, prepared.claim(), parts, started)
}

pub fn solvency(arguments: &SolvencyArguments) -> Result<(), Failure> {
    let started = Instant::now();
    out(&arguments.common)?;
    let inputs = solvency_inputs(arguments)?;
    let options = Options {
        publish_totals: !arguments.hide_totals,
        require_covered: arguments.require_covered,
        reserves: inputs.reserves,
    };
    let secret = secret(arguments.common.secret.as_deref())?;
    let sealed = seal_book(&inputs.snapshot, &inputs.book, &arguments.common, &secret)?;
    let prepared =
        solvency::Prepared::new(&sealed, &options)?.with_nonce(arguments.common.nonce.clone());
    if prepared.claim().uncovered > 0 {
        note!(
            "note: the claim will say that the debts of {} account(s) are not covered; `sealbook check \
             solvency` names them",
            prepared.claim().uncovered
        );
    }
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove(&mut progress(), work.as_deref())?;
    write_inclusions(&sealed, arguments.inclusions.as_deref())?;
    finish::<Solvency>(&arguments.common, prepared.claim(), parts, started)
}

impl From<InventoryFailure> for Failure {
    fn from(error: InventoryFailure) -> Self {
        match error {
            InventoryFailure::Mismatch(_) => Self::False(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

pub fn inventory(arguments: &InventoryArguments) -> Result<(), Failure> {
    let started = Instant::now();
    out(&arguments.common)?;
    let snapshot = read_market(&arguments.market, &arguments.origin)?;
    let book = layout::read_book(&arguments.book, &snapshot)?;
    let set = states::read_scenarios(&arguments.scenarios)?;
    let state = states::read_state(&arguments.state, &set)?;
    let secret = secret(arguments.common.secret.as_deref())?;
    let sealed = seal_book(&snapshot, &book, &arguments.common, &secret)?;
    let prepared = inventory::Prepared::new(&sealed, &set, &state, &secret)?
        .with_nonce(arguments.common.nonce.clone());
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove(&mut progress(), work.as_deref())?;
    write_inclusions(&sealed, arguments.inclusions.as_deref())?;
    finish::<Inventory>(&arguments.common, prepared.claim(), parts, started)
}

pub fn risk(arguments: &RiskArguments) -> Result<(), Failure> {
    let started = Instant::now();
    out(&arguments.common)?;
    let (set, state, confidence) = read_venue(&arguments.venue)?;
    let changes = match &arguments.trades {
        Some(path) => states::read_changes(path, &set)?,
        None => Vec::new(),
    };
    let secret = secret(arguments.common.secret.as_deref())?;
    let terms = Terms {
        confidence,
        shows: if arguments.covered {
            Shows::Covered
        } else if arguments.totals {
            Shows::Totals {
                grid: arguments.grid,
                tolerance: arguments.tolerance,
            }
        } else {
            Shows::Prices {
                lots: arguments.show_lots,
            }
        },
        funding: arguments.funding,
        until_ms: arguments.until_ms,
    };
    let prepared = Prepared::new(&set, &state, &changes, &terms, &secret)?
        .with_nonce(arguments.common.nonce.clone());
    let work = work_folder(&arguments.common)?;
    let parts = prepared.prove(&mut progress(), work.as_deref())?;
    if let Some(after) = &arguments.after {
        states::write_state(after, prepared.after(), &set)
            .map_err(|e| Failure::Input(format!("{}: cannot be written: {e}", after.display())))?;
    }
    finish::<Risk>(&arguments.common, prepared.claim(), parts, started)?;
    if let Some(folder) = &arguments.receipts {
        write_receipts(folder, &prepared.receipts())?;
    }
    Ok(())
}

/// Writes each change's receipt into a file that only its owner may read.
fn write_receipts(folder: &Path, receipts: &[Receipt]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::Input(format!("{}: {e}", folder.display())))?;
    for receipt in receipts {
        let bytes =
            serde_json::to_vec_pretty(receipt).map_err(|e| Failure::Internal(e.to_string()))?;
        let name = format!("receipt-{:04}.json", receipt.number);
        write_private(&folder.join(name), &bytes)?;
    }
    Ok(())
}

/// Verifies, writes, reports, and removes the kept parts.
pub fn finish<S: Statement>(
    common: &Common,
    claim: &S::Claim,
    parts: Vec<PartProof>,
    started: Instant,
) -> Result<(), Failure> {
    seal::<S>(out(common)?, common.json, claim, parts, started)?;
    if let Some(work) = work_folder(common)?.filter(|w| w.exists()) {
        // Only a nuisance if it stays.
        let _ = std::fs::remove_dir_all(work);
    }
    Ok(())
}

/// Verifies, writes and reports.
pub fn seal<S: Statement>(
    path: &Path,
    as_json: bool,
    claim: &S::Claim,
    parts: Vec<PartProof>,
    started: Instant,
) -> Result<(), Failure> {
    let proven = started.elapsed().as_secs_f64();
    let started = Instant::now();
    stark::verify::<S>(claim, &parts)
        .map_err(|e| Failure::Internal(format!("the proof that was made does not verify: {e}")))?;
    let verified = started.elapsed().as_secs_f64();
    let bytes = ProofFile::new::<S>(claim, parts).to_bytes();
    write(path, &bytes)?;
    if as_json {
        print_json(&json!({
            "statement": S::ID, "proof": path, "bytes": bytes.len(),
            "prove_s": proven, "verify_s": verified,
        }));
    } else {
        say!(
            "{}: {} proven in {}, verified in {}, {}",
            path.display(),
            S::ID,
            time(proven),
            time(verified),
            size(bytes.len())
        );
    }
    Ok(())
}
