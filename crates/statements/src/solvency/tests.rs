//! What needs a book that cannot be sealed.

mod needed;

use std::sync::Arc;

use fixed::Decimal;
use risk::sample;
use stark::{Statement, violated};

use super::*;
use crate::account::{Identity, Layout, Secret};
use crate::book::SealedBook;

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
    });
    let published = prepare(&forged, &Options::default())
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
        let prepared = prepare(book, &hidden).expect("it is well-formed");
        let context = Solvency::context(prepared.claim()).expect("it is well-formed");
        let tables = Solvency::part(prepared.claim(), &context, 0).tables;
        violated(&tables, &prepared.traces(0))
    };
    assert_eq!(broken(&honest), [""; 0]);
    assert_eq!(broken(&forged), ["TOTALS-5"]);
}
