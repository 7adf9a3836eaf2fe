//! The issuer of `sealbook demo`: facts of a loan pool, and what protects the tranches of a deal.

use std::time::Instant;

use credit::deal::Deal;
use credit::import::tape::read_template;
use credit::pool::Tape;
use credit::pool::figures::check_eligibility;
use credit::sample_deal::{sample_deal_for, sample_indices};
use credit::sample_pool;
use sealbook::attestation::{Attestation, Subject, new_key, public_key};
use statements::account::Secret;
use statements::issuance::{self, RegistryKey, pledged_twice};
use statements::pool::{self, Terms};
use statements::stress;
use statements::waterfall;

use super::demo::{Row, show};
use crate::Failure;
use crate::output::say;

const LOANS: usize = 500;

/// Four facts about a sealed loan tape.
pub fn run() -> Result<[Row; 4], Failure> {
    let internal = |e: &dyn std::fmt::Display| Failure::Internal(e.to_string());
    let template = read_template("mortgage")?;
    let tape = sample_pool::tape(2026, LOANS, &template);
    let secret = Secret::random();

    say!(
        "7. An issuer proves rules and figures of a pool of {LOANS} mortgages, of which no loan is shown."
    );
    let terms: Terms = serde_json::from_str(sample_pool::TERMS).map_err(|e| internal(&e))?;
    let started = Instant::now();
    let prepared = pool::Prepared::new(&tape, &terms, &secret)?;
    let claim = prepared.claim();
    let proven = format!(
        "{} rules, {} figures of {LOANS} loans",
        claim.eligibility.len(),
        claim.figures.len()
    );
    let private = "all loans, who owes";
    let (row, _) = show(&prepared, started, "pool", proven, private)?;
    let facts = row;
    let key = new_key();
    let subject = Subject::Pool {
        commitment: claim.pool,
        cut_off: claim.cut_off.to_string(),
        loans: claim.loans,
    };
    let attestation = Attestation::sign(subject, &key).map_err(|e| internal(&e))?;
    let trusted: Vec<String> = public_key(&key).into_iter().collect();
    attestation.check(&trusted).map_err(|e| internal(&e))?;
    say!("  The servicer's signature on the pool is one that the investor trusts.");
    let strict = "ltv <= 80".to_string();
    match check_eligibility(&tape, &[strict]) {
        Ok(()) => return Err(internal(&"a rule that loans break was found to hold")),
        Err(e) => say!("  A stricter rule is refused: {e}\n"),
    }

    say!("8. The issuer proves what a deal's tranches lose under public stresses of that pool.");
    let started = Instant::now();
    let terms = stress::Terms {
        doubtful_days: 90,
        detail: stress::Detail::default(),
        deal: sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: sample_indices(),
        stresses: serde_json::from_str(sample_pool::STRESSES).map_err(|e| internal(&e))?,
        breakeven: vec!["A".into()],
    };
    let stressed = stress::Prepared::new(&tape, &terms, &secret)?;
    if stressed.claim().pool != claim.pool {
        return Err(internal(&"the two proofs speak of different pools"));
    }
    let claim = stressed.claim();
    let proven = format!(
        "{} scenarios, {} factor model, {} months",
        claim.scenarios.len(),
        claim.models.len(),
        claim.schedule.rows.len()
    );
    let private = "all loans";
    let (row, _) = show(&stressed, started, "stress", proven, private)?;
    let protection = row;
    let deal = claim.deal.clone();
    let tranches = issuance(&tape, &deal, &secret)?;
    Ok([facts, protection, tranches, month(&tape, deal, &secret)?])
}

/// What backs the deal's tranches, and whether a loan backs those of another deal, too.
fn issuance(tape: &Tape, deal: &Deal, secret: &Secret) -> Result<Row, Failure> {
    say!(
        "9. The issuer proves that the pool backs the deal's tranches, and gives every loan a nullifier: the same in any pool."
    );
    let key = RegistryKey::random();
    let started = Instant::now();
    let prepared = issuance::Prepared::new(tape, deal, &key, secret)?;
    let claim = prepared.claim();
    let proven = "3 tranches backed, no loan pledged twice".into();
    let private = "all loans";
    let (row, _) = show(&prepared, started, "issuance", proven, private)?;
    // Another pool with one loan of this one.
    let mut other = sample_pool::tape(2027, 50, &tape.template);
    for (i, loan) in other.loans.iter_mut().enumerate().skip(1) {
        loan.id = format!("lot-{i}");
    }
    let deal = sample_deal_for(sample_pool::owed(&other));
    let second = issuance::Prepared::new(&other, &deal, &key, &Secret::random())?;
    match pledged_twice(&[claim, second.claim()]) {
        Ok(()) => {
            let problem = "a loan of two pools was not found";
            return Err(Failure::Internal(problem.into()));
        }
        Err(e) => say!("  Another pool is refused: {e}\n"),
    }
    Ok(row)
}

/// What the pool brought in a month later, and what the deal paid from it.
fn month(tape: &Tape, deal: Deal, secret: &Secret) -> Result<Row, Failure> {
    say!(
        "10. A month later the servicer reports what each loan paid, and the issuer proves what the deal pays."
    );
    let terms = waterfall::Terms {
        months: vec![sample_pool::remittances(2026, tape)],
        deal,
        deal_state: None,
        indices: sample_indices(),
    };
    let started = Instant::now();
    let prepared = waterfall::Prepared::new(tape, &terms, secret)?;
    let proven = format!("a month of {LOANS} loans, what is paid");
    let private = "what each loan paid";
    let (row, _) = show(&prepared, started, "waterfall", proven, private)?;
    Ok(row)
}
