//! A batch is cleared for a book, and the book settled by it.

mod common;

use std::path::Path;

use common::{run, samples, told};
use market::auction::Ladder;
use market::sample;
use statements::account::{Identity, Secret};
use statements::orders::{About, Listed, Opening, Openings, Randomness, session};
use statements::owner::OneTimeSecrets;

const VENUE: &str = "sample";
const BATCH: u64 = 17;

/// The secret of an account whose trader made secrets for the venue.
fn secrets(dir: &Path, account: &str) -> OneTimeSecrets {
    run(
        dir,
        &format!(
            "order secrets --secrets {account}.secrets --venue {VENUE} --out owners/{account}.owner"
        ),
        0,
    );
    let kept = std::fs::read_to_string(dir.join(format!("{account}.secrets"))).unwrap();
    OneTimeSecrets::new(&Secret::from_hex(&kept).unwrap(), VENUE)
}

#[test]
fn a_book_is_settled_by_a_batch() {
    let dir = samples("--accounts 12 --positions 4 --below 0 --loans 5");
    let dir = dir.path();
    std::fs::create_dir(dir.join("owners")).unwrap();
    let market = sample::trading(8);
    let book = market::import::layout::read_book(&dir.join("trading-book.csv"), &market).unwrap();
    let ids: Vec<String> = book.accounts().iter().map(|a| a.id.clone()).collect();
    let terms = market::import::auctions::read_auction(&dir.join("auction.json"), &market).unwrap();
    let price = terms.instruments[0].band.reference().0;
    let [buyer, seller] = [0, 1].map(|i| secrets(dir, &ids[i]).secret(BATCH));
    let order = |id: &str, secret, ladder| Listed::Opened {
        ids: Vec::new(),
        order: Opening {
            account: Identity::of(id).key(),
            instrument: terms.instruments[0].instrument,
            nonce: 0,
            quote: false,
            reduce_only: false,
            ladder,
            session: session(VENUE, BATCH),
            secret,
        },
    };
    let openings = Openings {
        about: About {
            board: "0".repeat(64),
            venue: VENUE.into(),
            batch: BATCH,
            levels: 1,
            list: None,
            randomness: Some(Randomness([5; 32])),
        },
        entries: vec![
            order(&ids[0], buyer, Ladder::bid(2, price)),
            order(&ids[1], seller, Ladder::ask(3, price)),
            // In the buyer's name, with another secret; of nobody; and of an account that may not send orders.
            order(&ids[0], seller, Ladder::ask(9, price)),
            order("nobody", buyer, Ladder::bid(9, price)),
            order(&ids[2], buyer, Ladder::bid(9, price)),
        ],
    };
    std::fs::write(dir.join("openings.jsonl"), openings.text()).unwrap();
    let book = "--openings openings.jsonl --book trading-book.csv --slots 8 --owners owners --market trading-market.json";
    run(
        dir,
        &format!("prove auction --auction auction.json {book} --receipts receipts --out a.proof"),
        0,
    );
    for (place, part) in [
        (0, "bought 2 lots"),
        (1, "sold 2 of the 3 lots"),
        (2, "its secret is not the account's for this batch"),
        (3, "no account has this key"),
        (4, "its secret is not the account's for this batch"),
    ] {
        let text = told(
            dir,
            &format!("verify a.proof --receipt receipts/receipt-{place:05}.json"),
            0,
        );
        assert!(text.contains(part), "{place}: {text}");
    }
    let settle = format!("--auction a.proof {book}");
    let text = run(dir, &format!("check settle {settle}"), 0);
    assert!(text.contains("true: batch 17 moves"), "{text}");
    assert!(text.contains("by 2 fill(s) of 5 order(s)"), "{text}");
    run(
        dir,
        &format!("prove settle {settle} --secret book.secret --after after.csv --out s.proof"),
        0,
    );
    let text = run(dir, "verify s.proof --with a.proof", 0);
    assert!(text.contains("becomes book"), "{text}");
    assert!(text.contains("`a.proof`"), "{text}");
    // The book after has what was traded, and nothing else has changed.
    let after = market::import::layout::read_book(&dir.join("after.csv"), &market).unwrap();
    assert_eq!(after.accounts().len(), ids.len());
    // Other openings are not those of the proof.
    let mut other = openings.clone();
    other.entries.truncate(2);
    std::fs::write(dir.join("openings.jsonl"), other.text()).unwrap();
    let says = told(dir, &format!("check settle {settle}"), 2);
    assert!(says.contains("was proven with other openings"), "{says}");
}
