//! Boards, traders and orders for tests of the program.
#![allow(dead_code)] // Each test file uses its part.

use std::path::Path;

use board::file::Board;
use market::Snapshot;
use market::import::{auctions, layout};
use market::sample as flow;
use records::files::At;

use crate::common::told;

pub const OPEN: &str = "board open --auction auction.json --market market.json --venue-secret venue.secret --keeper keeper.json \
                    --opens 2026-11-27T18:00:00Z --closes 2026-11-27T18:10:00Z --out board.jsonl";
pub const REVEAL: &str = "order reveal --board board.jsonl --venue-secret venue.secret --out openings.jsonl --skips skips.jsonl";

pub fn assert_told(told: &str, expected: &[&str]) {
    for part in expected {
        assert!(told.contains(part), "{told}\nlacks\n{part}");
    }
}

pub fn market() -> Snapshot {
    flow::trading(3)
}

/// A folder with a market, an auction, a keeper and an open board.
pub fn opened(options: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |arguments: &str| told(dir.path(), arguments, 0);
    let snapshot = market();
    layout::write_market(&dir.path().join("market.json"), &snapshot).unwrap();
    auctions::write_auction(
        &dir.path().join("auction.json"),
        &flow::auction(&snapshot, 17),
    )
    .unwrap();
    at("board keeper --name keeper --keeper-secret keeper.secret --out keeper.json");
    at("board test-beacon --beacon-secret beacon.secret --out beacon.json");
    at(&format!("{OPEN} {options}"));
    dir
}

pub fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

pub fn text(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

pub fn board(folder: &Path, file: &str) -> Board {
    Board::read(&At::file(Path::new(file)), text(folder, file).as_bytes()).unwrap()
}

/// A trader with secrets and tickets.
pub fn equip(folder: &Path, name: &str, tickets: u32) {
    let at = |arguments: &str| told(folder, arguments, 0);
    at(&format!(
        "order secrets --secrets {name}.secrets --venue sample --out {name}.owner"
    ));
    at(&format!(
        "board tickets ask --board board.jsonl --account {name} --count {tickets} --tickets {name}.tickets --out {name}.request"
    ));
    at(&format!(
        "board tickets issue --board board.jsonl --venue-secret venue.secret --request {name}.request --ledger ledger.json --out {name}.answer"
    ));
    at(&format!(
        "board tickets take --tickets {name}.tickets --answer {name}.answer"
    ));
}

pub fn seal(name: &str) -> String {
    format!(
        "order seal --board board.jsonl --market market.json --orders {name}.csv --secrets {name}.secrets --tickets {name}.tickets \
         --out {name}.posts --keep {name}.kept"
    )
}

pub fn post(name: &str, at: &str) -> String {
    format!(
        "board post --board board.jsonl --posts {name}.posts --keeper-secret keeper.secret --receipts {name}.receipts --at 2026-11-27T18:{at}Z"
    )
}

pub fn check(name: &str) -> String {
    format!("order check --board board.jsonl --kept {name}.kept --receipts {name}.receipts")
}

/// A price within the band of an instrument, some steps from the reference.
pub fn price(instrument: usize, steps: i64) -> String {
    let snapshot = market();
    let held = flow::auction(&snapshot, 17);
    let step = held.instruments.unwrap()[instrument].step.unwrap();
    let mark = snapshot.instruments[instrument].mark;
    let at = mark.div(&step, 0, fixed::Rounding::HalfEven).unwrap();
    let at = at
        .checked_add(&fixed::Decimal::from_int(steps.into()))
        .unwrap();
    at.checked_mul(&step).unwrap().normalized().to_string()
}

/// A number of contracts that is so many lots.
pub fn lots(instrument: usize, lots: i64) -> String {
    let lot = market().instruments[instrument].lot;
    lot.checked_mul(&fixed::Decimal::from_int(lots.into()))
        .unwrap()
        .normalized()
        .to_string()
}

pub fn symbol(instrument: usize) -> String {
    market().instruments[instrument].symbol.clone()
}
