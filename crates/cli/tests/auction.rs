//! An auction from orders in a file to receipts, as a venue and its traders run it.

mod common;

use std::path::Path;

use common::{run, samples, told};

const FILES: &str = "--market trading-market.json --auction auction.json";

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).unwrap();
}

/// Orders in one instrument about its reference, at 60000 a contract.
fn batch(dir: &Path) {
    write(
        dir,
        "auction.json",
        r#"{"batch": 3, "venue": "example",
            "instruments": [{"symbol": "BTC-PERP", "low": "50000", "high": "70000", "step": "1", "reference": "60000",
                             "fee_bps": "5", "rebate_bps": "2"}]}"#,
    );
    write(
        dir,
        "orders.csv",
        "ClOrdID,Account,Symbol,Side,OrderQty,Price,flags,nonce\n\
         a-1,alice,BTC-PERP,1,2,60010,,1\n\
         b-1,bob,BTC-PERP,1,2,60000,,1\n\
         c-1,carol,BTC-PERP,2,3,60000,quote,1\n\
         d-1,dave,BTC-PERP,2,1,60500,,1\n\
         e-1,erin,BTC-PERP,1,5,60020,,1\n\
         e-2,erin,BTC-PERP,,,,cancel,2\n\
         f-1,frank,BTC-PERP,1,1,80000,,1\n",
    );
}

#[test]
fn a_batch_is_cleared_proven_and_each_trader_has_a_receipt() {
    let dir = samples("--accounts 3 --positions 2 --below 0 --loans 5");
    let dir = dir.path();
    batch(dir);
    let orders = format!("{FILES} --orders orders.csv");
    let text = run(dir, &format!("check auction {orders}"), 0);
    assert!(text.contains("true: batch 3 of venue example clears 7 order(s), 3 of them void, in 1 of 1 instrument(s)"), "{text}");
    let randomness = "7".repeat(64);
    let prove = format!(
        "prove auction {orders} --randomness {randomness} --fills fills.csv --receipts receipts --out a.proof"
    );
    run(dir, &prove, 0);
    let text = run(dir, "verify a.proof", 0);
    for part in [
        "accepted: batch 3 of venue `example` cleared the 7 commitments of the list",
        "and skipped none",
        "`BTC-PERP` (instrument 0): 3000 lots trade at 60.000000 a lot; which side had more is not said",
        "not proven: that the list is the board's",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let receipt = |place: usize| {
        let file = format!("verify a.proof --receipt receipts/receipt-{place:05}.json");
        told(dir, &file, 0)
    };
    for (place, part) in [
        (
            0,
            "bought 2000 lots at 60.000000 `USD` a lot, all that its limits allowed there; cash 120000.000000 `USD`, fee 60.000000 `USD`",
        ),
        (
            1,
            "bought 1000 of the 2000 lots that its limits allowed there, at 60.000000 `USD` a lot; lots at the price were shared pro rata",
        ),
        (
            2,
            "sold 3000 lots at 60.000000 `USD` a lot, all that its limits allowed there; cash 180000.000000 `USD`, rebate 36.000000 `USD`",
        ),
        (
            3,
            "took part and traded nothing: the price of 60.000000 `USD` is beyond its limits",
        ),
        (
            4,
            "took no part: replaced by a later order of the account in this instrument",
        ),
        (
            5,
            "took no part: it cancels what the account sent before in this instrument, and trades nothing",
        ),
        (
            6,
            "took no part: a limit of 80.000000 a lot is outside the band from 50.000000 to 70.000000",
        ),
    ] {
        let text = receipt(place);
        assert!(text.contains(part), "{place}: {text}");
    }
    let fills = std::fs::read_to_string(dir.join("fills.csv")).unwrap();
    assert_eq!(fills.lines().count(), 8, "{fills}");
    assert!(fills.starts_with("ClOrdID,Account,Symbol,Side"), "{fills}");
    // Another trader's receipt, a receipt of another batch, a receipt that says more.
    let own = dir.join("receipts/receipt-00001.json");
    let text = std::fs::read_to_string(&own).unwrap();
    write(
        dir,
        "more.json",
        &text.replace("\"bought\": 1000", "\"bought\": 2000"),
    );
    let says = told(dir, "verify a.proof --receipt more.json", 1);
    assert!(
        says.contains("what it says is not what was proven"),
        "{says}"
    );
    run(
        dir,
        &format!("prove auction {orders} --randomness {randomness} --out b.proof"),
        0,
    );
    let says = told(
        dir,
        "verify b.proof --receipt receipts/receipt-00001.json",
        1,
    );
    assert!(
        says.contains("another commitment than the receipt's order"),
        "{says}"
    );
}

#[test]
fn a_sample_batch_is_checked() {
    let dir = samples("--accounts 30 --positions 4 --below 0 --loans 5");
    let text = run(
        dir.path(),
        &format!("check auction {FILES} --orders orders.csv --json"),
        0,
    );
    assert!(text.contains("\"orders\": 100"), "{text}");
    // With the book, orders are let in as far as margin covers them.
    let all =
        format!("check auction {FILES} --orders orders.csv --book trading-book.csv --slots 16");
    let text = run(dir.path(), &all, 0);
    assert!(
        text.contains("true: batch 17 of venue sample clears 100 order(s)"),
        "{text}"
    );
}

#[test]
fn what_is_no_batch_is_refused() {
    let dir = samples("--accounts 3 --positions 2 --below 0 --loans 5");
    let dir = dir.path();
    batch(dir);
    let says = told(
        dir,
        &format!("prove auction {FILES} --orders orders.csv --randomness 12 --out x.proof"),
        2,
    );
    assert!(says.contains("64 lower-case hexadecimal digits"), "{says}");
    let says = told(dir, "verify pool.csv --receipt orders.csv", 2);
    assert!(!says.is_empty());
}
