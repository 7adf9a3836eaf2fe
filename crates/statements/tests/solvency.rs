//! The solvency statement, end to end and cell by cell.

use risk::{Account, Balance, sample};
use stark::{Statement, cell_test, verify, violations};
use statements::account::Secret;
use statements::solvency::{Options, Prepared, Solvency, prepare};

fn accounts(n: u64) -> Vec<Account> {
    (0..n).map(|i| sample::exchange_account(9, i)).collect()
}

/// An account with a debt that its worthless collateral does not cover.
fn dummy(id: &str, debt: u64) -> Account {
    let mut balances = vec![Balance::default(); 4];
    balances[0] = Balance {
        debt,
        ..Balance::default()
    };
    balances[3] = Balance {
        equity: 1 << 40,
        loan: 1 << 40,
        ..Balance::default()
    };
    Account {
        id: id.into(),
        balances,
        positions: Vec::new(),
    }
}

fn prepared(accounts: &[Account], options: &Options) -> Prepared {
    prepare(
        "USD",
        &sample::exchange_assets(),
        accounts,
        &Secret::random(),
        options,
    )
    .unwrap()
}

fn assert_sound(prepared: &Prepared) {
    let claim = prepared.claim();
    let context = Solvency::context(claim).unwrap();
    for part in 0..prepared.parts() {
        let tables = Solvency::part(claim, &context, part).tables;
        let traces = prepared.traces(part);
        assert_eq!(violations(&tables, &traces), Vec::new());
        assert_eq!(
            cell_test(&tables, &traces, &[("accounts", 200), ("totals", 40)]),
            Vec::new()
        );
    }
}

#[test]
fn every_cell_is_pinned() {
    assert_sound(&prepared(&accounts(150), &Options::default()));
    let mut some = accounts(150);
    some.extend([dummy("d1", 1_000), dummy("d2", 123_456_789)]);
    assert_sound(&prepared(&some, &Options::default()));
}

#[test]
fn proves_and_verifies() {
    let prepared = prepared(&accounts(100), &Options::default());
    let proof = prepared.prove(0).unwrap();
    let verified = verify::<Solvency>(prepared.claim(), &[proof]).unwrap();
    assert_eq!(verified.claim().accounts, 100);
}
