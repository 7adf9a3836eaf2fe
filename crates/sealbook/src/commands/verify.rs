//! `sealbook verify`: check a proof file.

use std::path::Path;

use fixed::Decimal;
use risk::scenarios::Market;
use sealbook::attestation::{Attestation, NotAttested, check_key};
use sealbook::{Fact, NotVerified, Unexpected, vouch};
use serde_json::json;
use statements::inclusion::Inclusion;
use statements::margin::Subject;
use statements::words::{one_line, quoted};

use super::{issuance, links, print_json, read, read_json};
use crate::Failure;
use crate::cli::Verify;
use crate::output::say;

pub fn run(arguments: &Verify) -> Result<(), Failure> {
    let path = arguments.file.display();
    let bytes = read(&arguments.file)?;
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
    let inclusion = match &arguments.inclusion {
        None => None,
        Some(file) => {
            let place = file.display();
            let inclusion: Inclusion = read_json(file)?;
            check_inclusion(&fact, &inclusion)
                .map_err(|e| Failure::False(format!("{place}: {e}")))?;
            Some(inclusion)
        }
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
    let account = inclusion.map(|inclusion| {
        format!(
            "account {} is in that book, with {}",
            quoted(&inclusion.account),
            balances(&fact, &inclusion)
        )
    });
    if arguments.json {
        print_json(&json!({
            "accepted": true, "fact": fact.words(), "inventory": inventory, "links": links, "attested": attested,
            "nobody_vouches": nobody, "issued": issued, "record": arguments.record, "account": account,
        }));
        return Ok(());
    }
    say!("accepted: {}", in_words(&fact));
    let others = inventory.into_iter().chain(links);
    for line in others.chain(attested).chain(account).chain(issued) {
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
    let other = sealbook::verify(&read(path)?).map_err(|e| rejected(&e.to_string()))?;
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
        || risk.scenarios.quote != inventory.quote
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

/// The balances of an inclusion file in the claim's units, for its user to compare with what they know:
/// the file itself has whole units only, and says nothing of decimals.
fn balances(fact: &Fact, inclusion: &Inclusion) -> String {
    let assets = match fact {
        Fact::Solvency(fact) => &fact.claim().assets,
        Fact::Inventory(fact) => &fact.claim().assets,
        Fact::Margin(fact) => &fact.claim().snapshot.assets,
        Fact::Risk(_)
        | Fact::Systemic(_)
        | Fact::Pool(_)
        | Fact::Stress(_)
        | Fact::Issuance(_)
        | Fact::Waterfall(_) => return "no balances".into(),
    };
    let held: Vec<String> = assets
        .iter()
        .zip(&inclusion.balances)
        .filter(|(_, amounts)| amounts.iter().any(|a| *a != 0))
        .map(|(asset, [equity, debt, ..])| {
            let amount = |units: u64| risk::solvency::amount(asset, units.into());
            format!(
                "{} {} (debt {})",
                amount(*equity),
                asset.symbol,
                amount(*debt)
            )
        })
        .collect();
    if held.is_empty() {
        "no balances".into()
    } else {
        held.join(", ")
    }
}

fn check_inclusion(fact: &Fact, inclusion: &Inclusion) -> Result<(), String> {
    let (root, accounts, assets) = match fact {
        Fact::Solvency(fact) => {
            let claim = fact.claim();
            (&claim.root, claim.accounts, claim.assets.len())
        }
        Fact::Inventory(fact) => {
            let claim = fact.claim();
            (&claim.root, claim.accounts, claim.assets.len())
        }
        Fact::Margin(fact) => match &fact.claim().subject {
            Subject::Book { root, accounts, .. } => {
                (root, *accounts, fact.claim().snapshot.assets.len())
            }
            Subject::Account { .. } => {
                return Err("the proof is about one account, not a book".into());
            }
        },
        Fact::Risk(_)
        | Fact::Systemic(_)
        | Fact::Pool(_)
        | Fact::Stress(_)
        | Fact::Issuance(_)
        | Fact::Waterfall(_) => return Err("the proof is not about an account book".into()),
    };
    let log_slots = statements::trees::log_slots(accounts);
    inclusion
        .check(root, log_slots, accounts, assets)
        .map_err(|e| e.to_string())
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
