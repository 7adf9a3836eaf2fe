//! `sealbook demo`: three facts about one sealed book, three about a venue, four about a loan pool.

use std::sync::Arc;
use std::time::Instant;

use market::{Level, sample};
use stark::ProofFile;
use statements::account::Secret;
use statements::book::{BookRef, SealedBook, least_slots};
use statements::kit::{Prepared, Provable};
use statements::margin::{self, MarginClaim, Subject};
use statements::solvency::{self, Options};

use super::inspect::proven_bits;
use super::verify::in_words;
use super::{demo_pool, demo_venue};
use crate::Failure;
use crate::output::{say, size, time};

const ACCOUNTS: usize = 300;
const POSITIONS: usize = 12;
const BELOW: usize = 3;

/// A line of the closing table.
pub struct Row {
    pub statement: &'static str,
    pub proven: String,
    pub private: &'static str,
    pub prove_s: f64,
    pub verify_s: f64,
    pub bytes: usize,
    pub bits: f64,
}

/// Proves a claim, and verifies it through its file, as anyone else would. The row of the closing table says what was
/// proven and what stayed private.
pub fn show<S: Provable>(
    prepared: &Prepared<S>,
    started: Instant,
    statement: &'static str,
    proven: String,
    private: &'static str,
) -> Result<(Row, ProofFile), Failure> {
    let internal = |e: &dyn std::fmt::Display| Failure::Internal(e.to_string());
    let parts = prepared.prove(&mut |_, _| {}, None)?;
    let prove_s = started.elapsed().as_secs_f64();
    let file = ProofFile::new::<S>(prepared.claim(), parts);
    let bytes = file.to_bytes();
    let started = Instant::now();
    let fact = sealbook::verify(&bytes).map_err(|e| internal(&e))?;
    let verify_s = started.elapsed().as_secs_f64();
    say!("  verified from its file: {}\n", in_words(fact.as_ref()));
    let row = Row {
        statement,
        proven,
        private,
        prove_s,
        verify_s,
        bytes: bytes.len(),
        bits: proven_bits(&file).map_err(|e| internal(&e))?,
    };
    Ok((row, file))
}

pub fn run() -> Result<(), Failure> {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 2026, ACCOUNTS, POSITIONS, BELOW);
    let secret = Secret::random();
    let slots = least_slots(book.accounts());
    let sealed = SealedBook::new(&snapshot, book.accounts(), slots, &secret);
    let sealed = sealed.map_err(|e| internal(&e))?;
    say!(
        "A venue's book: {ACCOUNTS} accounts with {POSITIONS} positions each in {} perpetuals, futures and \
         options,\n{BELOW} of them below maintenance margin. It is sealed in one commitment.\n",
        snapshot.instruments.len()
    );
    let (account, first) = account(&sealed, &book.accounts()[BELOW].id)?;
    let (margin, in_book) = whole_book(&sealed, &book.accounts()[BELOW].id, &first)?;
    let solvency = solvent(&sealed, &book.accounts()[7].id, &in_book)?;
    let mut rows = vec![account, margin, solvency];
    rows.extend(demo_venue::run()?);
    rows.extend(demo_pool::run()?);

    say!("11. Someone changes one bit in the middle of the first proof.");
    let mut file = first.file;
    let middle = file.parts[0].len() / 2;
    file.parts[0][middle] ^= 1;
    match sealbook::verify(&file.to_bytes()) {
        Ok(_) => return Err(internal(&"a changed proof was accepted")),
        Err(e) => say!("  rejected: {e}\n"),
    }
    print_table(&rows);
    Ok(())
}

pub fn internal(e: &dyn std::fmt::Display) -> Failure {
    Failure::Internal(e.to_string())
}

/// The proof of one account's margin.
struct OneAccount {
    claim: MarginClaim,
    file: ProofFile,
}

fn account(book: &Arc<SealedBook>, id: &str) -> Result<(Row, OneAccount), Failure> {
    say!("1. Account `{id}` proves to a counterparty that it is margined.");
    let started = Instant::now();
    let prepared = margin::Prepared::new(book, Some(id), Level::Maintenance)?;
    let proven = "equity covers the worst of each coin".into();
    let private = "balances, positions, entries";
    let (row, file) = show(&prepared, started, "margin, one account", proven, private)?;
    let claim = prepared.claim().clone();
    Ok((row, OneAccount { claim, file }))
}

fn whole_book(
    book: &Arc<SealedBook>,
    id: &str,
    first: &OneAccount,
) -> Result<(Row, BookRef), Failure> {
    say!("2. The venue proves how many of its accounts are below maintenance margin.");
    let started = Instant::now();
    let prepared = margin::Prepared::new(book, None, Level::Maintenance)?;
    let proven = format!("exactly {BELOW} of {ACCOUNTS} are below");
    let private = "which ones, and all accounts";
    let (row, _) = show(&prepared, started, "margin, whole book", proven, private)?;
    let (Subject::Account { commitment, .. }, Subject::Book { book: in_book, .. }) =
        (&first.claim.subject, &prepared.claim().subject)
    else {
        return Err(internal(&"the claims are about others"));
    };
    let path = book.path(id).ok_or_else(|| internal(&"no such account"))?;
    path.check(commitment, &first.claim.snapshot, in_book)
        .map_err(|e| internal(&e))?;
    say!(
        "  A path without balances shows that the account of the first proof is one of these {ACCOUNTS}.\n"
    );
    Ok((row, *in_book))
}

fn solvent(book: &Arc<SealedBook>, user: &str, in_book: &BookRef) -> Result<Row, Failure> {
    say!("3. The venue proves that it is solvent.");
    let started = Instant::now();
    let first = solvency::Prepared::new(book, &Options::default())?;
    // Reserves 2% above liabilities; the totals themselves stay hidden.
    let totals = first.claim().totals.iter().flatten();
    let reserves = totals.zip(&book.snapshot().assets).map(|(t, a)| {
        let owed = t.liabilities.rescale_exact(a.decimals).unwrap_or(0) as u128;
        owed + owed / 50
    });
    let options = Options {
        publish_totals: false,
        reserves: Some(reserves.collect()),
        ..Options::default()
    };
    let prepared = solvency::Prepared::new(book, &options)?;
    let proven = "reserves cover liabilities in 4 assets".into();
    let private = "totals, balances, who they are";
    let (row, _) = show(&prepared, started, "solvency", proven, private)?;
    if *in_book != prepared.claim().book {
        return Err(internal(&"the two proofs speak of different books"));
    }
    say!("  Both proofs open the same commitment, so they speak of the same book.");
    let inclusion = book.inclusion(user);
    inclusion
        .ok_or_else(|| internal(&"no such user"))?
        .check(book.snapshot(), &prepared.claim().book)
        .map_err(|e| internal(&e))?;
    say!("  User `{user}` finds their account in it with their inclusion file.\n");
    Ok(row)
}

fn print_table(rows: &[Row]) {
    say!(
        "{:<20} {:<41} {:<31} {:>8} {:>8} {:>8} {:>5}",
        "statement",
        "what was proven",
        "what stayed private",
        "prove",
        "verify",
        "size",
        "bits"
    );
    for r in rows {
        say!(
            "{:<20} {:<41} {:<31} {:>8} {:>8} {:>8} {:>5.1}",
            r.statement,
            r.proven,
            r.private,
            time(r.prove_s),
            time(r.verify_s),
            size(r.bytes),
            r.bits
        );
    }
    say!("bits: proven soundness, without conjectures; `sealbook inspect` shows the terms.");
}
