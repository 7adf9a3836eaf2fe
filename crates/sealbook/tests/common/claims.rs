//! A small claim of every statement, from the samples.

use std::sync::Arc;

use fixed::Decimal;
use risk::evar::Confidence;
use risk::sample_deal::{sample_deal_for, sample_indices};
use risk::venue::{Change, Transfer};
use risk::{Level, sample, sample_pool, sample_venue};
use statements::account::Secret;
use statements::book::SealedBook;
use statements::risk::Shows;
use statements::{inventory, issuance, margin, pool, solvency, stress, systemic, waterfall};

/// A book of the sample market.
fn sealed(accounts: usize, below: usize) -> Arc<SealedBook> {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 3, accounts, 3, below);
    SealedBook::new(&snapshot, book.accounts(), 4, &Secret::random()).unwrap()
}

/// One account.
pub fn account() -> margin::MarginClaim {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 3, 1, 3, 0);
    let id = &book.accounts()[0].id;
    let prepared = margin::Prepared::account(&sealed(1, 0), id, Level::Maintenance);
    prepared.unwrap().claim().clone()
}

/// A whole book.
pub fn book() -> margin::MarginClaim {
    let prepared = margin::Prepared::book(&sealed(20, 2), Level::Maintenance);
    prepared.unwrap().claim().clone()
}

/// The confidence of the samples.
pub fn confidence() -> Confidence {
    "0.95".parse::<Decimal>().unwrap().try_into().unwrap()
}

/// The tape of the samples.
pub fn tape(loans: usize) -> risk::pool::Tape {
    let template = risk::import::tape::read_template("mortgage").unwrap();
    sample_pool::tape(1, loans, &template)
}

/// A book's solvency, with reserves; totals published or not.
pub fn solvency(publish_totals: bool) -> solvency::SolvencyClaim {
    let book = sealed(20, 0);
    let options = solvency::Options {
        publish_totals,
        reserves: Some(vec![1 << 80; book.snapshot().assets.len()]),
        ..solvency::Options::default()
    };
    solvency::prepare(&book, &options).unwrap().claim().clone()
}

/// A venue's day of trades and transfers.
pub fn risk(shows: Shows) -> statements::risk::RiskClaim {
    let set = sample_venue::scenarios(1, 2, 50);
    let state = sample_venue::state(&set);
    let mut changes: Vec<Change> = sample_venue::trades(1, &set, 3)
        .into_iter()
        .map(Change::from)
        .collect();
    changes.push(Change::Transfer(Transfer {
        providers: -10_000_000,
        ..Transfer::default()
    }));
    let terms = statements::risk::Terms {
        confidence: confidence(),
        shows,
        funding: shows != Shows::Covered,
        until_ms: None,
    };
    let secret = Secret::random();
    let prepared = statements::risk::Prepared::new(&set, &state, &changes, &terms, &secret);
    prepared.unwrap().claim().clone()
}

/// A venue's state and its book.
pub fn inventory() -> inventory::InventoryClaim {
    let set = sample_venue::scenarios(1, 2, 50);
    let state = sample_venue::state(&set);
    let snapshot = sample_venue::snapshot(&set);
    let book = sample_venue::book(1, &set, &state, 5);
    let secret = Secret::random();
    let sealed = SealedBook::new(&snapshot, book.accounts(), 4, &secret).unwrap();
    let prepared = inventory::Prepared::new(&sealed, &set, &state, &secret);
    prepared.unwrap().claim().clone()
}

/// Two venues.
pub fn systemic() -> systemic::SystemicClaim {
    let set = sample_venue::scenarios(1, 2, 50);
    let venue = || systemic::Venue {
        state: sample_venue::state(&set),
        secret: Secret::random(),
    };
    let prepared = systemic::Prepared::new(&set, vec![venue(), venue()], confidence(), None);
    prepared.unwrap().claim().clone()
}

/// Rules and figures of a pool.
pub fn pool() -> pool::PoolClaim {
    let terms: pool::Terms = serde_json::from_str(sample_pool::TERMS).unwrap();
    let prepared = pool::Prepared::new(&tape(500), &terms, &Secret::random());
    prepared.unwrap().claim().clone()
}

/// Stresses and a factor model.
pub fn stress() -> stress::StressClaim {
    let tape = tape(20);
    let terms = stress::Terms {
        detail: Default::default(),
        doubtful_days: 90,
        deal: sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: sample_indices(),
        stresses: serde_json::from_str(sample_pool::STRESSES).unwrap(),
        breakeven: vec!["A".into()],
    };
    let prepared = stress::Prepared::new(&tape, &terms, &Secret::random());
    prepared.unwrap().claim().clone()
}

/// What backs a deal.
pub fn issuance() -> issuance::IssuanceClaim {
    let tape = tape(20);
    let deal = sample_deal_for(sample_pool::owed(&tape));
    let key = issuance::RegistryKey::random();
    let prepared = issuance::Prepared::new(&tape, &deal, &key, &Secret::random());
    prepared.unwrap().claim().clone()
}

/// A month of a pool.
pub fn waterfall() -> waterfall::WaterfallClaim {
    let tape = tape(20);
    let terms = waterfall::Terms {
        months: vec![sample_pool::remittances(1, &tape)],
        deal: sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: sample_indices(),
    };
    let prepared = waterfall::Prepared::new(&tape, &terms, &Secret::random());
    prepared.unwrap().claim().clone()
}
