//! `sealbook demo`: three facts about one sealed book, three about a venue, four about a loan pool.

use std::time::Instant;

use market::{Level, sample};
use stark::{PartProof, ProofFile, Statement};
use statements::account::Secret;
use statements::book::{SealedBook, least_slots};
use statements::margin::{self, Margin, Subject};
use statements::solvency::{self, Options, Solvency};

use super::inspect::weakest;
use super::verify::in_words;
use super::{demo_pool, demo_venue};
use super::{size, time};
use crate::Failure;
use crate::output::say;

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

/// Verifies a proof through its file, as anyone else would.
pub fn finish<S: Statement>(
    claim: &S::Claim,
    parts: Vec<PartProof>,
    started: Instant,
) -> Result<(Vec<u8>, String, f64, f64, f64), Failure> {
    let prove_s = started.elapsed().as_secs_f64();
    let file = ProofFile::new::<S>(claim, parts);
    let bytes = file.to_bytes();
    let started = Instant::now();
    let fact = sealbook::verify(&bytes).map_err(|e| Failure::Internal(e.to_string()))?;
    let verify_s = started.elapsed().as_secs_f64();
    let tables = sealbook::parts(&file).map_err(|e| Failure::Internal(e.to_string()))?;
    let bits = weakest(tables).map_or(0.0, |r| r.proven_bits);
    let words = in_words(&fact);
    say!("  verified from its file: {words}\n");
    Ok((bytes, words, prove_s, verify_s, bits))
}

pub fn run() -> Result<(), Failure> {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 2026, ACCOUNTS, POSITIONS, BELOW);
    let secret = Secret::random();
    let slots = least_slots(book.accounts());
    let book_sealed = SealedBook::new(&snapshot, book.accounts(), slots, &secret)?;
    let level = Level::Maintenance;
    say!(
        "A venue's book: {ACCOUNTS} accounts with {POSITIONS} positions each in {} perpetuals, futures and \
         options,\n{BELOW} of them below maintenance margin. It is sealed in one commitment.\n",
        snapshot.instruments.len()
    );
    let mut rows = Vec::new();

    let account = &book.accounts()[BELOW];
    say!(
        "1. Account `{}` proves to a counterparty that it is margined.",
        account.id
    );
    let started = Instant::now();
    let prepared = margin::Prepared::account(&book_sealed, &account.id, level)?;
    let parts = prepared.prove_all(&mut |_, _| {}, None)?;
    let own = prepared.claim().clone();
    let (sealed, _, prove_s, verify_s, bits) = finish::<Margin>(&own, parts, started)?;
    rows.push(Row {
        statement: "margin, one account",
        proven: "equity covers the worst of 36 scenarios".into(),
        private: "balances, positions, entries",
        prove_s,
        verify_s,
        bytes: sealed.len(),
        bits,
    });

    say!("2. The venue proves how many of its accounts are below maintenance margin.");
    let started = Instant::now();
    let prepared = margin::Prepared::book(&book_sealed, level)?;
    let parts = prepared.prove_all(&mut |_, _| {}, None)?;
    let claim = prepared.claim();
    let (bytes, _, prove_s, verify_s, bits) = finish::<Margin>(claim, parts, started)?;
    let (Subject::Account { commitment, .. }, Subject::Book { book: in_book, .. }) =
        (&own.subject, &claim.subject)
    else {
        return Err(Failure::Internal("the claims are about others".into()));
    };
    let path = book_sealed.path(&account.id);
    path.ok_or_else(|| Failure::Internal("no such account".into()))?
        .check(commitment, &own.snapshot, in_book)
        .map_err(|e| Failure::Internal(e.to_string()))?;
    say!(
        "  A path without balances shows that the account of the first proof is one of these {ACCOUNTS}.\n"
    );
    rows.push(Row {
        statement: "margin, whole book",
        proven: format!("exactly {BELOW} of {ACCOUNTS} are below"),
        private: "which ones, and all accounts",
        prove_s,
        verify_s,
        bytes: bytes.len(),
        bits,
    });

    say!("3. The venue proves that it is solvent.");
    let started = Instant::now();
    let first = solvency::Prepared::new(&book_sealed, &Options::default())?;
    // Reserves 2% above liabilities; the totals themselves stay hidden.
    let reserves = first
        .claim()
        .totals
        .iter()
        .flatten()
        .zip(&snapshot.assets)
        .map(|(t, a)| {
            let owed = t.liabilities.rescale_exact(a.decimals).unwrap_or(0) as u128;
            owed + owed / 50
        });
    let options = Options {
        publish_totals: false,
        reserves: Some(reserves.collect()),
        ..Options::default()
    };
    let prepared = solvency::Prepared::new(&book_sealed, &options)?;
    let parts = prepared.prove(&mut |_, _| (), None)?;
    let (bytes, _, prove_s, verify_s, bits) = finish::<Solvency>(prepared.claim(), parts, started)?;
    if *in_book != prepared.claim().book {
        return Err(Failure::Internal(
            "the two proofs speak of different books".into(),
        ));
    }
    say!("  Both proofs open the same commitment, so they speak of the same book.");
    let user = &book.accounts()[7].id;
    let inclusion = book_sealed.inclusion(user);
    inclusion
        .ok_or_else(|| Failure::Internal("no such user".into()))?
        .check(&snapshot, &prepared.claim().book)
        .map_err(|e| Failure::Internal(e.to_string()))?;
    say!("  User `{user}` finds their account in it with their inclusion file.\n");
    rows.push(Row {
        statement: "solvency",
        proven: "reserves cover liabilities in 4 assets".into(),
        private: "totals, balances, who they are",
        prove_s,
        verify_s,
        bytes: bytes.len(),
        bits,
    });

    rows.extend(demo_venue::run()?);
    rows.extend(demo_pool::run()?);

    say!("11. Someone changes one bit in the middle of the first proof.");
    let mut file = ProofFile::from_bytes(&sealed).map_err(|e| Failure::Internal(e.to_string()))?;
    let middle = file.parts[0].len() / 2;
    file.parts[0][middle] ^= 1;
    match sealbook::verify(&file.to_bytes()) {
        Ok(_) => return Err(Failure::Internal("a changed proof was accepted".into())),
        Err(e) => say!("  rejected: {e}\n"),
    }
    print_table(&rows);
    Ok(())
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
