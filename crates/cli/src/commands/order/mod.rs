//! `sealbook order`: what traders, the venue and judges do with sealed orders.

mod check;
mod claim;
mod evidence;
mod reveal;
mod seal;

use board::file::Board;
use records::files::{At, read_file};
use statements::account::Secret;
use statements::auction::Commitment;
use statements::orders::{Listed, Opening, Openings};
use statements::owner::OwnerFile;

use crate::Failure;
use crate::board_arguments::{Order as Command, Secrets};
use crate::boards::{kept_or_new, must_be_new, wrong};
use crate::files::{write, write_private};
use crate::output::say;

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Secrets(arguments) => secrets(arguments),
        Command::Seal(arguments) => seal::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Reveal(arguments) => reveal::run(arguments),
        Command::Dispute(arguments) => evidence::dispute(arguments),
        Command::Judge(arguments) => evidence::judge(arguments),
    }
}

/// Makes the secret, or takes the one that is there to write another venue's file from it.
fn secrets(arguments: &Secrets) -> Result<(), Failure> {
    let (path, venue) = (&arguments.secrets, &arguments.venue);
    if !records::names::is_name(venue) {
        let told = format!(
            "{} {}",
            statements::words::quoted(venue),
            records::names::NO_NAME
        );
        return Err(wrong("--venue", told));
    }
    let secret = kept_or_new(path, Secret::from_hex, || Secret::random().to_hex())?;
    let owner = OwnerFile::new(&secret, venue);
    let text = serde_json::to_vec(&owner).map_err(|e| Failure::Internal(e.to_string()))?;
    write(&arguments.out, &text)?;
    say!(
        "{}: keep it secret and safe: whoever has it can order in the account's name",
        path.display()
    );
    say!(
        "{}: for venue `{venue}`, which puts the root {} into the account's leaf; it says nothing of the secrets",
        arguments.out.display(),
        owner.secrets
    );
    Ok(())
}

/// An order that its trader kept.
struct Kept {
    ids: Vec<String>,
    order: Opening,
    commitment: Commitment,
}

impl Kept {
    /// How its trader knows it.
    fn name(&self) -> String {
        match self.ids.is_empty() {
            true => self.commitment.clone().into(),
            false => self.ids.join("+"),
        }
    }
}

/// The orders of a board that a trader kept.
fn read_kept(path: &std::path::Path, board: &Board) -> Result<Vec<Kept>, Failure> {
    let kept = Openings::read(&At::file(path), &read_file(path)?)?;
    if kept.about.board != board.lines()[0].to_string() {
        return Err(wrong(
            path.display(),
            "field `board`: these orders were sealed for another board",
        ));
    }
    let commitments = kept.commitments();
    let entries = kept.entries.into_iter().zip(commitments);
    let orders = entries.filter_map(|(entry, commitment)| match entry {
        Listed::Opened { ids, order } => Some(Kept {
            ids,
            order,
            commitment,
        }),
        Listed::Skipped { .. } => None,
    });
    Ok(orders.collect())
}

/// Writes a private file that must not be there yet.
fn write_new_private(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    must_be_new(path)?;
    write_private(path, text.as_bytes())
}
