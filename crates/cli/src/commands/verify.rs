//! `sealbook verify`: check a proof file.

use std::path::Path;

use fixed::Decimal;
use sealbook::attestation::{Attestation, NotAttested, check_key};
use sealbook::{Fact, NotVerified, Unexpected, vouch};
use serde_json::json;
use statements::inclusion::{BookPath, Inclusion, holdings};
use statements::margin::Subject;
use statements::risk::Receipt;
use statements::words::{one_line, quoted};
use venue::scenarios::Market;

use super::{issuance, links, print_json, read_json, read_proof};
use crate::Failure;
use crate::cli::Verify;
use crate::output::say;

pub fn run(arguments: &Verify) -> Result<(), Failure> {
    let path = arguments.file.display();
    let bytes = read_proof(&arguments.file)?;
    let rejected =
        |e: &dyn std::fmt::Display| Failure::False(format!("{path}: rejected: {}", one_line(e)));
    let fact = accepted(&arguments.file, &bytes)?;
    if let Some(path) = &arguments.expect {
        fact.expect(&read_json(path)?).map_err(|e| match e {
            Unexpected::Empty => Failure::Input(format!("{}: {e}", path.display())),
            e => rejected(&e),
        })?;
    }
    if let Some(asked) = &arguments.nonce {
        match fact.nonce() {
            Some(nonce) if nonce == asked => {}
            Some(nonce) => {
                return Err(rejected(&format!(
                    "it answers the challenge {}, not {}",
                    quoted(nonce.as_ref()),
                    quoted(asked.as_ref())
                )));
            }
            None => {
                return Err(rejected(&format!(
                    "it answers no challenge, so it may have been made before {} was asked for",
                    quoted(asked.as_ref())
                )));
            }
        }
    }
    let account = match &arguments.inclusion {
        Some(file) => Some(check_inclusion(&fact, file)?),
        None => None,
    };
    let path = match (&arguments.path, &arguments.book_proof) {
        (Some(file), Some(proof)) => Some(check_path(&fact, file, proof)?),
        _ => None,
    };
    let receipt = match &arguments.receipt {
        Some(path) => Some(check_receipt(&fact, path)?),
        None => None,
    };
    let inventory = match &arguments.inventory {
        Some(path) => Some(check_inventory(&fact, path)?),
        None => None,
    };
    let issuance = arguments.issuance.as_deref();
    let links = links::check_links(&fact, &arguments.previous, issuance)?;
    let (attested, nobody) = check_attestations(&fact, arguments)?;
    let (others, issued) = issuance::check_issued(&fact, &arguments.issued)?;
    // Last, so that there is no record of what some check rejects.
    if let Some(path) = &arguments.record {
        issuance::write_record(&fact, &others, path)?;
    }
    if arguments.json {
        print_json(&json!({
            "accepted": true, "fact": fact.words(), "receipt": receipt, "inventory": inventory, "links": links,
            "attested": attested, "nobody_vouches": nobody, "issued": issued, "record": arguments.record,
            "account": account, "path": path,
        }));
        return Ok(());
    }
    say!("accepted: {}", in_words(&fact));
    let others = receipt.into_iter().chain(inventory).chain(links);
    for line in others
        .chain(attested)
        .chain(account)
        .chain(path)
        .chain(issued)
    {
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
pub fn accepted(path: &Path, bytes: &[u8]) -> Result<Fact, Failure> {
    let path = path.display();
    sealbook::verify(bytes).map_err(|e| match e {
        NotVerified::File(stark::FileError::Magic) => Failure::Input(format!("{path}: {e}")),
        e => Failure::False(format!("{path}: rejected: {}", one_line(&e))),
    })
}

/// What a receipt says that a change of a risk claim paid.
fn check_receipt(fact: &Fact, path: &Path) -> Result<String, Failure> {
    let Fact::Risk(risk) = fact else {
        return Err(Failure::Input(
            "--receipt goes with the proof of a risk claim".into(),
        ));
    };
    let receipt: Receipt = read_json(path)?;
    let paid = receipt.check(risk.claim());
    paid.map_err(|e| Failure::False(format!("{}: rejected: {e}", path.display())))
}

/// Whether another proof shows that a risk claim's state holds the inventory of a book.
fn check_inventory(fact: &Fact, path: &Path) -> Result<String, Failure> {
    let place = path.display();
    let rejected =
        |problem: &str| Failure::False(format!("{place}: rejected: {}", one_line(&problem)));
    let Fact::Risk(risk) = fact else {
        return Err(Failure::Input(
            "--inventory goes with the proof of a risk claim".into(),
        ));
    };
    let other = sealbook::verify(&read_proof(path)?).map_err(|e| rejected(&e.to_string()))?;
    let Fact::Inventory(inventory) = &other else {
        return Err(rejected("is not the proof of an inventory claim"));
    };
    let (risk, inventory) = (risk.claim(), inventory.claim());
    let names = |markets: &[Market]| -> Vec<(String, Decimal)> {
        let pairs = markets
            .iter()
            .map(|m| (m.symbol.clone(), m.lot.normalized()));
        pairs.collect()
    };
    if names(&risk.scenarios.markets) != names(&inventory.markets)
        || risk.scenarios.quote != inventory.snapshot.quote
    {
        return Err(rejected("its markets are not those of the risk claim"));
    }
    let when = match inventory.state {
        state if state == risk.before => "before the first change",
        state if state == risk.after => "after the last change",
        _ => return Err(rejected("it names another state than the risk claim")),
    };
    Ok(format!("{when}, {}", in_words(&other)))
}

/// Whether an account with all that its file shows is in the book of a fact; what it holds.
fn check_inclusion(fact: &Fact, file: &Path) -> Result<String, Failure> {
    let inclusion: Inclusion = read_json(file)?;
    let rejected = |e: &dyn std::fmt::Display| Failure::False(format!("{}: {e}", file.display()));
    let (book, snapshot) = fact
        .book()
        .ok_or_else(|| rejected(&"the proof is not about an account book"))?;
    let account = inclusion.check(snapshot, book).map_err(|e| rejected(&e))?;
    let about = match fact {
        Fact::Solvency(_) => "that proof says nothing about positions",
        Fact::Inventory(_) => "that proof counts positions and says nothing about balances",
        _ => {
            "that proof counts what the account owns and owes, and its positions; pledges play no part"
        }
    };
    let mut lines = vec![format!("account {} is in that book", quoted(&account.id))];
    lines.extend(holdings(&account, snapshot));
    lines.push(about.into());
    Ok(lines.join("\n  "))
}

/// Whether the account of a margin claim is in the book of another proof.
fn check_path(fact: &Fact, file: &Path, proof: &Path) -> Result<String, Failure> {
    let margin = match fact {
        Fact::Margin(margin) => margin.claim(),
        _ => return Err(no_account()),
    };
    let Subject::Account { commitment, slots } = &margin.subject else {
        return Err(no_account());
    };
    let path: BookPath = read_json(file)?;
    let other = accepted(proof, &read_proof(proof)?)?;
    let rejected = |e: &dyn std::fmt::Display| Failure::False(format!("{}: {e}", file.display()));
    let (book, _) = other.book().ok_or_else(|| {
        Failure::Input(format!("{}: is not about an account book", proof.display()))
    })?;
    if book.slots != *slots {
        return Err(rejected(&"the book has another number of position slots"));
    }
    // The book's commitment binds lists and moment: those of the account's claim must lead there.
    path.check(commitment, &margin.snapshot, book)
        .map_err(|e| rejected(&e))?;
    Ok(format!(
        "that account is one of the {} accounts of book {} of {}; of that book, {}",
        book.accounts,
        book.commitment,
        statements::book::moment(&margin.snapshot),
        in_words(&other)
    ))
}

fn no_account() -> Failure {
    Failure::Input("--path goes with the proof of a margin claim about one account".into())
}

/// A fact in words: the sentence, then its details, indented.
pub fn in_words(fact: &Fact) -> String {
    fact.words().join("\n  ")
}

/// Who vouches for what the claim takes as given, and for what of it nobody does.
fn check_attestations(
    fact: &Fact,
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
