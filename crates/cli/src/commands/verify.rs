//! `sealbook verify`: check a proof file, and what others add to it.

use std::path::Path;

use sealbook::attestation::{Attestation, NotAttested, check_key};
use sealbook::{Fact, NotVerified, Rejected, Unexpected, linked, vouch};
use serde_json::json;
use stark::Verified;
use statements::auction::{self, Auction};
use statements::inclusion::{BookPath, Inclusion, holdings};
use statements::issuance::{Issuance, Record};
use statements::kit::Anchor;
use statements::premia::{self, Premia};
use statements::words::{one_line, quoted};

use crate::Failure;
use crate::arguments::Verify;
use crate::files::{read_json, read_proof, write_json};
use crate::output::{print_json, say};

pub fn run(arguments: &Verify) -> Result<(), Failure> {
    let fact = accepted(&arguments.file)?;
    let fact = fact.as_ref();
    check_expected(fact, arguments)?;
    check_nonce(fact, arguments)?;
    let with = With::read(&arguments.with)?;
    let account = arguments.inclusion.as_deref();
    let account = account
        .map(|file| check_inclusion(fact, file))
        .transpose()?;
    let receipt = arguments.receipt.as_deref();
    let receipt = receipt.map(|file| check_receipt(fact, file)).transpose()?;
    let (path, links) = with.links(fact, arguments.path.as_deref())?;
    let (attested, nobody) = check_attestations(fact, arguments)?;
    // Last, so that there is no record of what some check rejects.
    if let Some(path) = &arguments.record {
        write_record(fact, &with, path)?;
    }
    if arguments.json {
        print_json(&json!({
            "accepted": true, "fact": fact.words(), "receipt": receipt, "links": links, "attested": attested,
            "nobody_vouches": nobody, "record": arguments.record, "account": account, "path": path,
        }));
        return Ok(());
    }
    say!("accepted: {}", in_words(fact));
    let others = [receipt, account, path].into_iter().flatten();
    for line in others.chain(links).chain(attested) {
        say!("accepted: {line}");
    }
    for line in nobody {
        say!("{line}");
    }
    if let Some(record) = &arguments.record {
        say!("{}: its record", record.display());
    }
    Ok(())
}

/// The fact that a proof file shows.
pub fn accepted(path: &Path) -> Result<Box<dyn Fact>, Failure> {
    sealbook::verify(&read_proof(path)?).map_err(|e| match e {
        NotVerified::File(stark::FileError::Magic | stark::FileError::Inner) => {
            Failure::Input(format!("{}: {e}", path.display()))
        }
        e => rejected(path, &e),
    })
}

fn rejected(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::False(format!("{}: rejected: {}", path.display(), one_line(why)))
}

/// A fact in words: the sentence, then its details, indented.
pub fn in_words(fact: &dyn Fact) -> String {
    fact.words().join("\n  ")
}

fn check_expected(fact: &dyn Fact, arguments: &Verify) -> Result<(), Failure> {
    let Some(path) = &arguments.expect else {
        return Ok(());
    };
    fact.expect(&read_json(path)?).map_err(|e| match e {
        Unexpected::Empty => Failure::Input(format!("{}: {e}", path.display())),
        e => rejected(&arguments.file, &e),
    })
}

fn check_nonce(fact: &dyn Fact, arguments: &Verify) -> Result<(), Failure> {
    let Some(asked) = &arguments.nonce else {
        return Ok(());
    };
    let asked_for = quoted(asked.as_ref());
    let why = match fact.nonce() {
        Some(nonce) if nonce == asked => return Ok(()),
        Some(nonce) => {
            let nonce = quoted(nonce.as_ref());
            format!("it answers the challenge {nonce}, not {asked_for}")
        }
        None => format!(
            "it answers no challenge, so it may have been made before {asked_for} was asked for"
        ),
    };
    Err(rejected(&arguments.file, &why))
}

/// The other proofs, each accepted by itself, with the names of their files.
struct With(Vec<(String, Box<dyn Fact>)>);

impl With {
    fn read(paths: &[std::path::PathBuf]) -> Result<Self, Failure> {
        let facts = paths
            .iter()
            .map(|path| Ok((quoted(&path.display().to_string()), accepted(path)?)));
        facts.collect::<Result<_, Failure>>().map(Self)
    }

    fn facts(&self) -> Vec<(String, &dyn Fact)> {
        let facts = self.0.iter();
        facts
            .map(|(name, fact)| (name.clone(), fact.as_ref()))
            .collect()
    }

    /// What a path leads to, and how the others are linked.
    fn links(
        &self,
        fact: &dyn Fact,
        path: Option<&Path>,
    ) -> Result<(Option<String>, Vec<String>), Failure> {
        let mut others = self.facts();
        let mut led = None;
        if let Some(file) = path {
            let (place, line) = check_path(fact, file, &others)?;
            others.remove(place);
            led = Some(line);
        }
        let lines = linked(fact, &others)
            .map_err(|Rejected { place, why }| rejected(Path::new(&others[place].0), &why))?;
        Ok((led, lines))
    }
}

/// What a receipt says: what a change of a premia claim paid, or what became of an order of an auction.
fn check_receipt(fact: &dyn Fact, path: &Path) -> Result<String, Failure> {
    if let Some(premia) = fact.of::<Premia>() {
        let receipt: premia::Receipt = read_json(path)?;
        return receipt
            .check(premia.claim())
            .map_err(|e| rejected(path, &e));
    }
    if let Some(auction) = fact.of::<Auction>() {
        let receipt: auction::Receipt = read_json(path)?;
        return receipt
            .check(auction.claim())
            .map_err(|e| rejected(path, &e));
    }
    Err(Failure::Input(
        "--receipt goes with the proof of a premia or an auction claim".into(),
    ))
}

/// Whether an account with all that its file shows is in the book of a fact; what it holds.
fn check_inclusion(fact: &dyn Fact, file: &Path) -> Result<String, Failure> {
    let inclusion: Inclusion = read_json(file)?;
    let failed = |e: &dyn std::fmt::Display| Failure::False(format!("{}: {e}", file.display()));
    let anchors = fact.anchors();
    let book = anchors.iter().find_map(|anchor| match anchor {
        Anchor::Book {
            book,
            snapshot,
            counted,
        } => Some((*book, *snapshot, *counted)),
        _ => None,
    });
    let (book, snapshot, counted) =
        book.ok_or_else(|| failed(&"the proof is not about an account book"))?;
    let account = inclusion.check(snapshot, book).map_err(|e| failed(&e))?;
    let mut lines = vec![format!("account {} is in that book", quoted(&account.id))];
    lines.extend(holdings(&account, snapshot));
    lines.push(counted.into());
    Ok(lines.join("\n  "))
}

/// Which of the other proofs is about the book that holds a claim's account, by a path.
fn check_path(
    fact: &dyn Fact,
    file: &Path,
    others: &[(String, &dyn Fact)],
) -> Result<(usize, String), Failure> {
    let path: BookPath = read_json(file)?;
    let anchors = fact.anchors();
    let account = anchors.iter().find_map(|anchor| match anchor {
        Anchor::Account {
            commitment,
            slots,
            snapshot,
        } => Some((*commitment, *slots, *snapshot)),
        _ => None,
    });
    let (commitment, slots, snapshot) = account.ok_or_else(|| {
        Failure::Input("--path goes with the proof of a margin claim about one account".into())
    })?;
    let mut why = None;
    for (place, (_, other)) in others.iter().enumerate() {
        for anchor in other.anchors() {
            let Anchor::Book { book, .. } = anchor else {
                continue;
            };
            if book.slots != slots {
                why = Some("the book has another number of position slots".to_string());
                continue;
            }
            // The book's commitment binds lists and moment: those of the account's claim must lead there.
            match path.check(commitment, snapshot, book) {
                Ok(_) => {
                    let line = format!(
                        "that account is one of the {} accounts of book {} of {}; of that book, {}",
                        book.accounts,
                        book.commitment,
                        statements::book::moment(snapshot),
                        in_words(*other)
                    );
                    return Ok((place, line));
                }
                Err(e) => why = Some(e.to_string()),
            }
        }
    }
    Err(match why {
        Some(why) => Failure::False(format!("{}: {why}", file.display())),
        None => Failure::Input(
            "--path: none of the proofs given by --with is about an account book".into(),
        ),
    })
}

/// Who vouches for what the claim takes as given, and for what of it nobody does.
fn check_attestations(
    fact: &dyn Fact,
    arguments: &Verify,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    for key in &arguments.trust {
        check_key(key).map_err(|e| Failure::Input(format!("--trust {}: {e}", quoted(key))))?;
    }
    let (mut lines, mut accepted) = (Vec::new(), Vec::new());
    for path in &arguments.attestation {
        let attestation: Attestation = read_json(path)?;
        let line = vouch::attested(fact, &attestation, &arguments.trust).map_err(|e| {
            let told = format!("{}: rejected: {}", path.display(), one_line(&e));
            match e {
                NotAttested::Kind(_) => Failure::Input(told),
                _ => Failure::False(told),
            }
        })?;
        lines.push(line);
        accepted.push(attestation);
    }
    Ok((lines, vouch::nobody_vouches(fact, &accepted)))
}

/// Writes the record of a verified issuance that shares no loan with the other issuances given.
fn write_record(fact: &dyn Fact, with: &With, path: &Path) -> Result<(), Failure> {
    let own = fact.of::<Issuance>().ok_or_else(|| {
        Failure::Input("--record goes with the proof of an issuance claim".into())
    })?;
    let others: Vec<&Verified<Issuance>> = with.0.iter().filter_map(|(_, f)| f.of()).collect();
    let record = Record::new(own, &others).map_err(|e| Failure::False(one_line(&e)))?;
    write_json(path, &record)
}
