//! What is false is refused.

use super::witness::Change;
use super::*;

/// One unit of an asset's amounts: equity, debt or a pledge.
fn holding_one(asset: usize, which: usize) -> Balances {
    let mut balances = Balances::none(4);
    let balance = &mut balances[asset];
    let amounts = [
        &mut balance.equity,
        &mut balance.debt,
        &mut balance.loan,
        &mut balance.margin,
        &mut balance.portfolio,
    ];
    for (i, amount) in amounts.into_iter().enumerate() {
        *amount = u64::from(i == which);
    }
    balances
}

/// A debt in an asset without a price would count for nothing. Where totals are published the claim says that there is none;
/// where they are hidden the proof shows it.
#[test]
fn a_debt_without_a_price_has_no_witness() {
    let mut snapshot = sample::exchange_snapshot();
    snapshot.assets[3].price = Decimal::ZERO;
    let mut accounts: Vec<_> = (0..50).map(|i| sample::exchange_account(9, i)).collect();
    for account in &mut accounts {
        account.balances[3].debt = 0;
    }
    let honest = SealedBook::new(&snapshot, &accounts, 4, &Secret::random()).expect("it fits");
    accounts[7].balances[3].debt = 8_000_000_000;
    let refused = SealedBook::new(&snapshot, &accounts, 4, &Secret::random());
    let refused = refused.expect_err("it has no price").to_string();
    assert!(refused.contains("has no price"), "{refused}");

    // The same book with the debt, as a dishonest venue would seal it.
    let mut members = honest.members.clone();
    let member = &mut members[11];
    member.account.balances[3].debt = 8_000_000_000;
    let identity = Identity::of(&member.account.id);
    member.leaf = Layout::new(4, &snapshot).leaf(identity, &member.account, &honest.secret);
    let forged = Arc::new(SealedBook {
        snapshot: snapshot.clone(),
        members,
        listing: honest.listing,
        slots: honest.slots,
        secret: honest.secret.clone(),
        owners: Vec::new(),
    });
    let published = Prepared::new(&forged, &Options::default())
        .err()
        .expect("it is refused");
    assert!(
        published.to_string().contains("has no price"),
        "{published}"
    );
    let hidden = Options {
        publish_totals: false,
        reserves: Some(vec![1 << 60; 4]),
        ..Options::default()
    };
    let broken = |book: &Arc<SealedBook>| {
        let prepared = Prepared::new(book, &hidden).expect("it is well-formed");
        let context = Solvency::context(prepared.claim()).expect("it is well-formed");
        let tables = Solvency::part(prepared.claim(), &context, 0).tables;
        violated(&tables, &prepared.traces(0))
    };
    assert_eq!(broken(&honest), [""; 0]);
    assert_eq!(broken(&forged), ["TOTALS-5"]);
}

/// ACCOUNTS-1, for what an account that stands in no tree would hold: hashes and sums are right, and nothing else forbids it.
#[test]
fn unused_rows_hold_nothing() {
    let snapshot = sample::exchange_snapshot();
    let accounts: Vec<_> = (0..100).map(|i| sample::exchange_account(9, i)).collect();
    let book = SealedBook::new(&snapshot, &accounts, 4, &Secret::random()).expect("it fits");
    let prepared = Prepared::new(&book, &Options::default()).expect("it is well-formed");
    let context = Solvency::context(prepared.claim()).expect("it is well-formed");
    let tables = Solvency::part(prepared.claim(), &context, 0).tables;
    let last = tables[0].height() - 1;
    let broken = |change: &(dyn Fn(&mut AccountRow) + Sync)| {
        let on_last = |i: usize, row: &mut AccountRow| {
            if i == last {
                change(row);
            }
        };
        let kit::Prepared {
            claim,
            context,
            witness,
        } = &prepared;
        let change = Change {
            account: &on_last,
            ..Change::NONE
        };
        violated(&tables, &witness.traces_after(claim, context, 0, &change))
    };
    assert_eq!(broken(&|_| ()), [""; 0]);
    assert_eq!(broken(&|row| row.seal[2] = F::ONE), ["ACCOUNTS-1"]);
    let some = &book.members[0].leaf;
    let holding = |asset: usize, which: usize| {
        broken(&move |row| {
            let mut leaf = some.clone();
            leaf.balances = holding_one(asset, which);
            row.leaf = Some(leaf);
        })
    };
    // Pledges that are worth nothing are hashed only.
    let mut idle = 0;
    for (asset, rates) in context.rates.iter().enumerate() {
        for (schedule, pieces) in rates.schedules.iter().enumerate() {
            if pieces.is_empty() {
                assert_eq!(holding(asset, 2 + schedule), ["ACCOUNTS-1"]);
                idle += 1;
            }
        }
        // Equity goes into the totals, which the claim states as they are without it.
        assert_eq!(holding(asset, 0), ["ACCOUNTS-1", "bus count"]);
        assert!(holding(asset, 1).contains(&"ACCOUNTS-1".into()));
    }
    assert!(idle > 0);
}
