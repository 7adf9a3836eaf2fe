//! Tests of the margin statement.

use risk::{Account, Level, Snapshot, sample};
use stark::{Statement, cell_test, verify, violations};

use super::*;
use crate::account::Secret;

fn secret() -> Secret {
    Secret::from_hex(&"00000007".repeat(8)).expect("a constant")
}

fn account(snapshot: &Snapshot, seed: u64, positions: usize) -> Account {
    sample::book(snapshot, seed, 1, positions, 0).accounts()[0].clone()
}

#[test]
fn an_account_end_to_end() {
    let snapshot = sample::snapshot();
    let account = account(&snapshot, 1, 64);
    let prepared =
        Prepared::account(&snapshot, &account, Level::Initial, 64, &secret()).expect("it is met");
    let (tables, traces) = (prepared.tables(0), prepared.traces(0));
    println!("{tables:?}");
    assert_eq!(violations(&tables, &traces), []);
    let proof = prepared.prove(0).expect("proves");
    println!("{} bytes", proof.len());
    let verified = verify::<Margin>(prepared.claim(), &[proof]).expect("verifies");
    assert_eq!(verified.claim(), prepared.claim());
}
