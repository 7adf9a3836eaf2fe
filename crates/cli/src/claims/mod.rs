//! `check` and `prove`: one file a statement, driven by one list.

mod auction;
mod batches;
mod books;
mod exposure;
mod inventory;
mod issuance;
mod margin;
mod pool;
mod premia;
mod settle;
mod solvency;
mod stress;
mod systemic;
mod waterfall;

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use serde_json::{Value, json};
use stark::{PartProof, ProofFile, Statement};
use statements::account::Secret;
use statements::kit::{Prepared, Provable, ProvingError, Refusal};
use statements::nonce::Nonce;

use crate::Failure;
use crate::files::{secret, write};
use crate::output::{note, print_json, progress, say, size, time};

/// The claims that can be checked and proven. To add one, add a line.
const CLAIMS: &[&dyn Claim] = &[
    &Of::<margin::Arguments>::NEW,
    &Of::<solvency::Arguments>::NEW,
    &Of::<premia::Arguments>::NEW,
    &Of::<inventory::Arguments>::NEW,
    &Of::<exposure::Arguments>::NEW,
    &Of::<systemic::Arguments>::NEW,
    &Of::<pool::Arguments>::NEW,
    &Of::<stress::Arguments>::NEW,
    &Of::<issuance::Arguments>::NEW,
    &Of::<waterfall::Arguments>::NEW,
    &Of::<auction::Arguments>::NEW,
    &Of::<settle::Arguments>::NEW,
];

/// The command line of one statement's claims. Its first line of documentation is what help says.
trait Make: Args {
    /// The statement.
    type Statement: Provable;

    /// The options that only proving looks at, by the names of their fields. `check` says that it does not.
    const PROVING: &[&str];

    /// Reads the inputs and says whether the claim is true. Makes no proof.
    fn check(&self) -> Result<Answer, Failure>;

    /// Reads the inputs and makes the claim, which must be true.
    fn prepare(&self) -> Result<Prepared<Self::Statement>, Failure>;

    /// Writes and says what else there is, once the proof is written.
    fn finish(
        &self,
        _prepared: &Prepared<Self::Statement>,
        _output: &Output,
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// Whether the same inputs give the same claim again, so that proving can go on after a break.
    fn is_repeatable(&self) -> bool;
}

/// What `check` says.
struct Answer {
    /// Details for people, above the sentence.
    lines: Vec<String>,
    /// Details for machines: an object.
    json: Value,
    /// What is true, or why the claim is false.
    sentence: Result<String, String>,
}

// What all claims take. A doc comment here would be what the help of every claim says first.
#[derive(Debug, Args)]
pub struct Output {
    /// Where to write the proof.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// A verifier's challenge, repeated in the claim: letters, digits or any of -_./+&#%*.
    #[arg(long)]
    pub nonce: Option<Nonce>,
    /// Print JSON to stdout.
    #[arg(long)]
    pub json: bool,
}

/// Who keeps the secret of what is sealed.
#[derive(Debug, Args)]
pub struct Sealing {
    /// The file of the book's secret; made if it is not there. The same secret gives the same
    /// commitment, so that several proofs speak of one book. Without it a fresh one is used once.
    #[arg(long)]
    pub secret: Option<PathBuf>,
}

impl Sealing {
    /// The secret.
    fn secret(&self) -> Result<Secret, Failure> {
        secret(self.secret.as_deref())
    }
}

/// `check`, with a statement's name and its options.
pub type Check = ClaimCommand<false>;
/// `prove`, with a statement's name and its options.
pub type Prove = ClaimCommand<true>;

/// `prove` or `check`, with a statement's name and its options.
pub struct ClaimCommand<const PROVES: bool> {
    claim: &'static dyn Claim,
    matches: ArgMatches,
}

impl<const PROVES: bool> ClaimCommand<PROVES> {
    /// Runs it.
    pub fn run(&self) -> Result<(), Failure> {
        match PROVES {
            true => self.claim.prove(&self.matches),
            false => self.claim.check(&self.matches),
        }
    }
}

impl<const PROVES: bool> std::fmt::Debug for ClaimCommand<PROVES> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ClaimCommand")
            .field(&self.claim.id())
            .finish()
    }
}

impl<const PROVES: bool> FromArgMatches for ClaimCommand<PROVES> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let claim = CLAIMS.iter().find(|claim| claim.id() == name);
        Ok(Self {
            claim: *claim.ok_or_else(missing)?,
            matches: matches.clone(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<const PROVES: bool> Subcommand for ClaimCommand<PROVES> {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let command = command
            .subcommand_required(true)
            .arg_required_else_help(true);
        command.subcommands(CLAIMS.iter().map(|claim| match PROVES {
            true => claim.command(),
            false => claim.proving().fold(claim.command(), |command, option| {
                command.mut_arg(option, |arg| arg.hide(true))
            }),
        }))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        CLAIMS.iter().any(|claim| claim.id() == name)
    }
}

/// A statement's claims, whatever their options.
trait Claim: Sync {
    fn id(&self) -> &'static str;
    /// With all options.
    fn command(&self) -> clap::Command;
    /// The options that `check` does not look at, nor list.
    fn proving(&self) -> Box<dyn Iterator<Item = &'static str>>;
    fn check(&self, matches: &ArgMatches) -> Result<(), Failure>;
    fn prove(&self, matches: &ArgMatches) -> Result<(), Failure>;
}

/// The list's entry of the claims that are made from `A`.
struct Of<A>(PhantomData<fn() -> A>);

impl<A> Of<A> {
    const NEW: Self = Self(PhantomData);
}

impl<A: Make> Claim for Of<A> {
    fn id(&self) -> &'static str {
        A::Statement::ID
    }

    fn command(&self) -> clap::Command {
        Output::augment_args(A::augment_args(clap::Command::new(self.id())))
    }

    fn proving(&self) -> Box<dyn Iterator<Item = &'static str>> {
        Box::new(["out", "nonce"].iter().chain(A::PROVING).copied())
    }

    fn check(&self, matches: &ArgMatches) -> Result<(), Failure> {
        let is_given =
            |option: &&str| matches.value_source(option) == Some(ValueSource::CommandLine);
        // So `prove` with all its options can be tried as `check`.
        for option in self.proving().filter(is_given) {
            note!(
                "note: --{}: `check` makes no proof and does not look at it",
                option.replace('_', "-")
            );
        }
        let (arguments, output) = parse::<A>(matches)?;
        let mut answer = match arguments.check() {
            Err(Failure::False(why)) => Answer {
                json: json!({ "why": why }),
                lines: Vec::new(),
                sentence: Err(why),
            },
            answer => answer?,
        };
        if output.json {
            if let Value::Object(members) = &mut answer.json {
                members.insert("true".into(), answer.sentence.is_ok().into());
            }
            print_json(&answer.json);
        } else {
            answer.lines.iter().for_each(|line| say!("{line}"));
            if let Ok(sentence) = &answer.sentence {
                say!("true: {sentence}");
            }
        }
        answer.sentence.map(drop).map_err(Failure::False)
    }

    fn prove(&self, matches: &ArgMatches) -> Result<(), Failure> {
        let (arguments, output) = parse::<A>(matches)?;
        let started = Instant::now();
        let missing = || Failure::Input("give --out FILE for the proof".into());
        let out = output.out.as_deref().ok_or_else(missing)?;
        let prepared = arguments.prepare()?.with_nonce(output.nonce.clone());
        // The same claim is needed to resume, so without a kept secret there is nothing to resume.
        let work = arguments.is_repeatable().then(|| work_folder(out));
        let parts = prepared.prove(&mut progress(), work.as_deref())?;
        seal::<A::Statement>(out, output.json, prepared.claim(), parts, started)?;
        if let Some(work) = work.filter(|work| work.exists()) {
            // Only a nuisance if it stays.
            let _ = std::fs::remove_dir_all(work);
        }
        arguments.finish(&prepared, &output)
    }
}

/// A claim's own options, and what all claims take.
fn parse<A: Make>(matches: &ArgMatches) -> Result<(A, Output), Failure> {
    let refused = |e: clap::Error| Failure::Input(e.to_string());
    let arguments = A::from_arg_matches(matches).map_err(refused)?;
    Ok((
        arguments,
        Output::from_arg_matches(matches).map_err(refused)?,
    ))
}

/// Where finished parts are kept until the proof is written.
fn work_folder(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".sealbook-work");
    name.into()
}

/// Verifies, writes and reports.
fn seal<S: Statement>(
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

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::False(reason) => Self::False(reason.to_string()),
            Refusal::Input(reason) => Self::Input(reason.to_string()),
        }
    }
}

impl From<ProvingError> for Failure {
    fn from(error: ProvingError) -> Self {
        match error {
            ProvingError::Resume(_) => Self::Input(error.to_string()),
            ProvingError::Prove(_) => Self::Internal(error.to_string()),
        }
    }
}
