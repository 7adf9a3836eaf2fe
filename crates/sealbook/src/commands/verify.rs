//! `sealbook verify`: check a proof file.

use std::path::Path;

use fixed::Decimal;
use risk::scenarios::{Market, ScenarioSet};
use sealbook::attestation::Attestation;
use sealbook::{Fact, NotVerified};
use serde_json::{Value, json};
use stark::ProofFile;
use statements::inclusion::Inclusion;
use statements::margin::Subject;
use statements::pool::PoolClaim;
use statements::risk::{RiskClaim, Shown};

use super::{issuance, print_json, read};
use crate::Failure;
use crate::cli::Verify;

pub fn run(arguments: &Verify) -> Result<(), Failure> {
    let path = arguments.file.display();
    let bytes = read(&arguments.file)?;
    let rejected =
        |e: &dyn std::fmt::Display| Failure::False(format!("{path}: rejected: {}", one_line(e)));
    let fact = accepted(&arguments.file, &bytes)?;
    if let Some(expected) = &arguments.expect {
        let claim: Value = ProofFile::from_bytes(&bytes)
            .ok()
            .and_then(|f| serde_json::from_slice(&f.claim).ok())
            .ok_or_else(|| Failure::Internal("a verified claim cannot be read".into()))?;
        let expected_path = expected.display();
        let expected: Value = serde_json::from_slice(&read(expected)?)
            .map_err(|e| Failure::Input(format!("{expected_path}: {e}")))?;
        compare("", &expected, &claim).map_err(|e| rejected(&e))?;
    }
    let inclusion = match &arguments.inclusion {
        None => None,
        Some(file) => {
            let place = file.display();
            let inclusion: Inclusion = serde_json::from_slice(&read(file)?).map_err(|e| {
                Failure::Input(format!(
                    "{place}: is not an inclusion file: {}",
                    one_line(&e)
                ))
            })?;
            check_inclusion(&fact, &inclusion)
                .map_err(|e| Failure::False(format!("{place}: {e}")))?;
            Some(inclusion)
        }
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
    if arguments.json {
        print_json(&json!({
            "accepted": true, "fact": in_words(&fact), "inventory": inventory, "previous": previous,
            "attested": attested, "issued": issued, "record": arguments.record,
        }));
    } else {
        println!("accepted: {}", in_words(&fact));
        if let Some(inventory) = inventory {
            println!("accepted: {inventory}");
        }
        if let Some(previous) = previous {
            println!("accepted: before that, {previous}");
        }
        if let Some(attested) = attested {
            println!("accepted: {attested}");
        }
        for other in issued {
            println!("accepted: {other}");
        }
        if let Some(record) = &arguments.record {
            println!("{}: its record", record.display());
        }
        if let Some(inclusion) = &inclusion {
            println!(
                "accepted: account `{}` is in that book, with {}",
                inclusion.account,
                balances(&fact, inclusion)
            );
        }
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

/// What is wrong may quote a file: it stays on one line, so that a file cannot write lines of its own.
pub fn one_line(e: &dyn std::fmt::Display) -> String {
    e.to_string().replace(['\n', '\r'], " ")
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

/// Every field of `expected` must stand in `claim` with the same value.
fn compare(place: &str, expected: &Value, claim: &Value) -> Result<(), String> {
    match (expected, claim) {
        (Value::Object(expected), Value::Object(claim)) => {
            expected.iter().try_for_each(|(name, value)| {
                let place = format!("{place}.{name}");
                match claim.get(name) {
                    Some(got) => compare(&place, value, got),
                    None => Err(format!("the claim has no field {}", &place[1..])),
                }
            })
        }
        _ if expected == claim => Ok(()),
        _ => Err(format!(
            "the claim's {} is {claim}, not {expected}",
            place.strip_prefix('.').unwrap_or("content")
        )),
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

/// A fact in one sentence.
pub fn in_words(fact: &Fact) -> String {
    match fact {
        Fact::Margin(fact) => {
            let claim = fact.claim();
            match &claim.subject {
                Subject::Account { commitment } => format!(
                    "the account committed as {commitment} meets {} margin on market {}",
                    claim.level, claim.snapshot_digest
                ),
                Subject::Book {
                    root,
                    accounts,
                    below,
                    ..
                } => format!(
                    "{below} of the {accounts} accounts in book {root} are below {} margin on market {}",
                    claim.level, claim.snapshot_digest
                ),
            }
        }
        Fact::Risk(fact) => risk_in_words(fact.claim()),
        Fact::Inventory(fact) => {
            let claim = fact.claim();
            format!(
                "the venue committed as {} holds in its {} market(s) what the {} accounts of book {} add up to",
                claim.state,
                claim.markets.len(),
                claim.accounts,
                claim.root
            )
        }
        Fact::Pool(fact) => pool_in_words(fact.claim()),
        Fact::Issuance(fact) => issuance::in_words(fact.claim()),
        Fact::Stress(fact) => {
            let claim = fact.claim();
            let mut words = format!(
                "pool {} of {} loans (template {}, cut-off {}) pays as scheduled over {} months; in the deal `{}`",
                claim.pool,
                claim.loans,
                claim.template.name,
                claim.cut_off,
                claim.schedule.rows.len(),
                claim.deal.name
            );
            for outcome in super::stress::outcomes_in_words(claim) {
                words += &format!("\n  under {outcome}");
            }
            words
        }
        Fact::Waterfall(fact) => {
            let claim = fact.claim();
            let (first, last) = (&claim.pools[0], &claim.pools[claim.months.len()]);
            let mut words = format!(
                "{} loans (template {}) rolled from pool {} of {} to pool {} of {}; what they brought in was paid by the deal \
                 `{}` ({})",
                claim.loans,
                claim.template.name,
                first.pool,
                first.cut_off,
                last.pool,
                last.cut_off,
                claim.deal.name,
                claim.deal.currency
            );
            for line in super::waterfall::in_words(claim) {
                words += &format!("\n  {line}");
            }
            words
        }
        Fact::Systemic(fact) => {
            let claim = fact.claim();
            let venues: Vec<String> = claim.venues.iter().map(ToString::to_string).collect();
            format!(
                "EVaR of what the venues committed as {} owe beyond their means, added up, is at most {} {} at {} {}",
                venues.join(", "),
                claim.bound,
                claim.scenarios.quote,
                Decimal::from(claim.confidence),
                over(&claim.scenarios, &claim.scenarios_digest),
            )
        }
        Fact::Solvency(fact) => {
            let claim = fact.claim();
            let totals = match &claim.totals {
                Some(_) => "its totals are as claimed",
                None => "its totals stay hidden",
            };
            let reserves = match &claim.reserves {
                Some(_) => "the stated reserves cover liabilities in every asset",
                None => "no reserves are stated",
            };
            let cover = if claim.uncovered == 0 {
                "every account's debts are covered".to_string()
            } else {
                format!(
                    "the debts of {} account{} are not covered, negative equity {} {}",
                    claim.uncovered,
                    if claim.uncovered == 1 { "" } else { "s" },
                    claim.negative_equity,
                    claim.quote
                )
            };
            format!(
                "book {} holds {} accounts; {totals}; {reserves}; {cover}",
                claim.root, claim.accounts
            )
        }
    }
}

fn over(set: &ScenarioSet, digest: &str) -> String {
    format!(
        "over {} scenarios of {} market(s) ({digest})",
        set.values.len(),
        set.markets.len(),
    )
}

fn pool_in_words(claim: &PoolClaim) -> String {
    let mut words = format!(
        "pool {} holds {} distinct loans (template {}, cut-off {})",
        claim.pool, claim.loans, claim.template.name, claim.cut_off
    );
    for rule in &claim.eligibility {
        words += &format!("\n  each loan satisfies `{rule}`");
    }
    for figure in super::pool::figures_in_words(claim) {
        words += &format!("\n  {figure}");
    }
    words
}

/// Whether a trusted key signed the pool of a claim.
fn check_attestation(fact: &Fact, path: &Path, trusted: &[String]) -> Result<String, Failure> {
    let place = path.display();
    let attestation: Attestation = serde_json::from_slice(&read(path)?)
        .map_err(|e| Failure::Input(format!("{place}: is not an attestation: {}", one_line(&e))))?;
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

fn risk_in_words(claim: &RiskClaim) -> String {
    let set = &claim.scenarios;
    let confidence = Decimal::from(claim.confidence);
    let over = over(set, &claim.scenarios_digest);
    match &claim.shown {
        Shown::Prices {
            evar,
            tolerance,
            changes,
            funding: _,
        } => {
            let last = changes.last().map_or(evar, |t| &t.evar);
            let premia = changes
                .iter()
                .try_fold(Decimal::ZERO, |sum, t| sum.checked_add(&t.premium));
            let premia = premia.map_or("too much to add up".into(), |p| p.to_string());
            format!(
                "the venue committed as {} has an EVaR of {evar} {quote} at {confidence} {over}; {} trade(s) and transfer(s) paid \
                 {premia} {quote} in premia and led to {} with an EVaR of {last} {quote}; each EVaR is at most \
                 {tolerance} {quote} too high and not too low",
                claim.before,
                changes.len(),
                claim.after,
                quote = set.quote,
            )
        }
        Shown::Covered { changes } => format!(
            "what the venue committed as {} may owe beyond all its means has an EVaR of no more than its capital and premia \
             at {confidence} {over}, and so after each of {} trade(s) and transfer(s), to the state committed as {}",
            claim.before,
            changes.len(),
            claim.after
        ),
    }
}
