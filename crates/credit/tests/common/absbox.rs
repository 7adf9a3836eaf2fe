//! Deals in the vocabulary of AbsBox.
#![allow(dead_code)] // Each test file uses its part.

use credit::deal::Deal;
use credit::import::absbox::{Read, read_absbox};
use credit::import::deal::read_deal;
use records::files::ImportError;

/// Two bonds with equity below, a reserve, two fees. One account receives all; A and B are paid down to 70% and 20% of
/// the pool, what is left goes to equity.
pub const SEQUENTIAL: &str = include_str!("../absbox/sequential.json");

/// A capped floater and a fixed bond paid in proportion, until the pool's factor falls below a half.
pub const FLOATER: &str = include_str!("../absbox/floater.json");

/// Four bonds; the first payment date is off the cycle and pays four months; two fees that are due once; a trigger.
pub const OFF_CYCLE: &str = include_str!("../absbox/off_cycle.py");

/// Payment dates one by one; fees on certain days; a reserve.
pub const LISTED: &str = include_str!("../absbox/listed.py");

/// A deal that has paid before.
pub const UNDER_WAY: &str = include_str!("../absbox/under_way.py");

/// Rates that step up, a bond that is locked out and one with a plan.
pub const STEPS: &str = include_str!("../absbox/steps.py");

pub fn read(text: &str) -> Result<Deal, ImportError> {
    read_whole(text).map(|read| read.deal)
}

/// The deal and its state. Its amounts are in dollars, unless it says otherwise.
pub fn read_whole(text: &str) -> Result<Read, ImportError> {
    let currency = (!text.contains("currency")).then_some("USD");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deal.py");
    std::fs::write(&path, text).unwrap();
    let read = read_absbox(&path, currency);
    // What says how a file is read must not depend on how it is opened, as soon as it is one of AbsBox.
    if read.is_ok() {
        assert_eq!(read_deal(&path, currency), read);
    }
    read
}
