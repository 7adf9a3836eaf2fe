//! `sealbook verify`: check a proof file.

use std::path::Path;

use fixed::Decimal;
use risk::scenarios::Market;
use sealbook::attestation::Attestation;
use sealbook::{Fact, NotVerified, Unexpected};
use serde_json::json;
use statements::inclusion::Inclusion;
use statements::margin::Subject;
use statements::risk::Receipt;
use statements::words::{one_line, quoted};

use super::{issuance, print_json, read, read_json};
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
    let receipt = match &arguments.receipt {
        Some(path) => Some(check_receipt(&fact, path)?),
        None => None,
    };
    let inventory = match &arguments.inventory {
        Some(path) => Some(check_inventory(&fact, path)?),
        None => None,
    };
    let previous = match &arguments.previous {
        Some(path) => Some(check_previous(&fact, path)?),
        None => None,
    };
    let attested = match &arguments.attestation {
        Some(path) => Some(check_attestation(&fact, path, &arguments.trust)?),
        None => None,
    };
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
            "accepted": true, "fact": fact.words(), "receipt": receipt, "inventory": inventory, "previous": previous,
            "attested": attested, "issued": issued, "record": arguments.record, "account": account,
        }));
        return Ok(());
    }
    say!("accepted: {}", in_words(&fact));
    let previous = previous.map(|previous| format!("before that, {previous}"));
    let others = [receipt, inventory, previous, attested, account].into_iter();
    for line in others.flatten().chain(issued) {
        say!("accepted: {line}");
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

/// Whether another proof shows the months before a waterfall claim.
fn check_previous(fact: &Fact, path: &Path) -> Result<String, Failure> {
    let place = path.display();
    let rejected =
        |problem: &str| Failure::False(format!("{place}: rejected: {}", one_line(&problem)));
    let Fact::Waterfall(fact) = fact else {
        return Err(Failure::Input(
            "--previous goes with the proof of a waterfall claim".into(),
        ));
    };
    let other = sealbook::verify(&read(path)?).map_err(|e| rejected(&e.to_string()))?;
    let Fact::Waterfall(before) = &other else {
        return Err(rejected("is not the proof of a waterfall claim"));
    };
    fact.claim()
        .follows(before.claim())
        .map_err(|problem| rejected(&problem))?;
    Ok(in_words(&other))
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

/// Whether a trusted key signed the pool of a claim.
fn check_attestation(fact: &Fact, path: &Path, trusted: &[String]) -> Result<String, Failure> {
    let place = path.display();
    let attestation: Attestation = read_json(path)?;
    let that = || "that pool".to_string();
    let (pool, cut_off, loans, which) = match fact {
        Fact::Pool(fact) => {
            let claim = fact.claim();
            (claim.pool, &claim.cut_off, claim.loans, that())
        }
        Fact::Stress(fact) => {
            let claim = fact.claim();
            (claim.pool, &claim.cut_off, claim.loans, that())
        }
        Fact::Issuance(fact) => {
            let claim = fact.claim();
            (claim.pool, &claim.cut_off, claim.loans, that())
        }
        // Of its pools, the one that was signed; months go on from the first.
        Fact::Waterfall(fact) => {
            let claim = fact.claim();
            let signed = claim.pools.iter().position(|p| p.pool == attestation.pool);
            let number = signed.unwrap_or(0);
            let pool = &claim.pools[number];
            let when = match number {
                0 => "before the first month".to_string(),
                n if n == claim.months.len() => "after the last month, not the first one".into(),
                n => format!("after month {n}, not the first one"),
            };
            let which = format!("the pool {when} ({})", pool.pool);
            (pool.pool, &pool.cut_off, claim.loans, which)
        }
        _ => {
            return Err(Failure::Input(
                "--attestation goes with the proof of a claim about a pool".into(),
            ));
        }
    };
    attestation
        .check(&pool, &cut_off.to_string(), loans, trusted)
        .map_err(|e| Failure::False(format!("{place}: rejected: {e}")))?;
    Ok(format!(
        "key {} attests {which} on {}",
        attestation.key, attestation.cut_off
    ))
}
