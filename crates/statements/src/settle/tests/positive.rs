//! What is true is accepted, and said.

use super::*;
use crate::orders::Status;
use crate::settle::tables::orders::Placed;
use records::units::Lots;

#[test]
fn true_claims_have_a_witness() {
    let settled = Settled::new(1, 30, 20, 120);
    let prepared = settled.prepare().expect("it is true");
    assert_eq!(prepared.parts(), 1);
    for air in prepared.tables(0) {
        let (messages, widest) = air.interactions();
        println!("{air:?}: {messages} messages, {widest} elements");
    }
    assert_eq!(testing::found(&prepared, 0), Vec::new());
    let kinds = |status| {
        let entries = settled.sample.entries.iter();
        entries.filter(|e| e.outcome.status == status).count()
    };
    let statuses = [
        Status::TookPart,
        Status::NoAccount,
        Status::Secret,
        Status::Replaced,
        Status::Margin,
    ];
    for status in statuses {
        println!("{status:?}: {}", kinds(status));
    }
    // Accounts whose only order closes are let in, and refused.
    let rows = prepared.rows(0);
    let orders = rows.orders.iter().filter_map(|row| row.order.as_ref());
    let closers: Vec<_> = orders.filter(|o| o.closes).collect();
    let some = |is: &dyn Fn(&&&Placed) -> bool| closers.iter().filter(is).count() > 0;
    assert!(some(
        &|o| o.outcome.status == Status::TookPart && o.brings(1)
    ));
    assert!(some(
        &|o| o.outcome.status == Status::TookPart && !o.brings(1)
    ));
    assert!(some(&|o| o.outcome.status == Status::Margin));
    let traded = |e: &&Entry| e.outcome.fill.bought + e.outcome.fill.sold > Lots(0);
    assert!(settled.sample.entries.iter().filter(traded).count() > 10);
}

#[test]
fn declared_intervals_follow_in_settlement() {
    let prepared = small();
    let unproven = stark::unproven(&prepared.tables(0));
    assert_eq!(unproven, Vec::new());
}

#[test]
fn every_cell_is_pinned() {
    let prepared = small();
    let rows = [
        ("orders", 1),
        ("orders", 120),
        ("trades", 6),
        ("trades", 17),
        ("trades", 320),
        ("touched", 19),
        ("touched", 20),
        ("changes", 40),
    ];
    testing::assert_pinned(&prepared, &rows);
}

/// What all accounts have in cash less what they entered at, which trades don't change but for fees and rebates.
#[test]
fn a_batch_conserves_money() {
    let settled = Settled::new(3, 60, 40, 300);
    let prepared = settled.prepare().expect("it is true");
    let total = |book: &SealedBook| -> i128 {
        let members = book.members.iter();
        let of = |account: &market::Account| {
            let cash = &account.balances[0];
            let entries = account.positions.iter().map(|p| match p.side {
                market::Side::Long => i128::from(p.entry),
                market::Side::Short => -i128::from(p.entry),
            });
            i128::from(cash.equity) - i128::from(cash.debt) - entries.sum::<i128>()
        };
        members.map(|m| of(&m.account)).sum()
    };
    let lots = |book: &SealedBook, instrument: usize| -> i128 {
        let positions = book.members.iter().flat_map(|m| &m.account.positions);
        let own = positions.filter(|p| p.instrument == instrument);
        own.map(|p| match p.side {
            market::Side::Long => i128::from(p.lots.0),
            market::Side::Short => -i128::from(p.lots.0),
        })
        .sum()
    };
    let charges: i128 = settled
        .sample
        .entries
        .iter()
        .map(|e| i128::from(e.outcome.fill.fee.0) - i128::from(e.outcome.fill.rebate.0))
        .sum();
    assert!(charges > 0);
    let after = prepared.after();
    assert_eq!(total(&settled.before) - charges, total(after));
    for instrument in 0..settled.sample.snapshot.instruments.len() {
        let both = [&settled.before, after].map(|book| lots(book, instrument));
        assert_eq!(both[0], both[1], "instrument {instrument}");
    }
    assert_ne!(settled.before.members.len(), 0);
}

/// What is refused for want of room is the venue's word, so the claim says how often.
#[test]
fn orders_without_room_are_counted() {
    let Settled { sample, before } = Settled::new(5, 40, 20, 100);
    let mut entries = sample.entries.clone();
    let idle = |e: &&mut Entry| {
        let fill = e.outcome.fill;
        e.outcome.status == Status::TookPart && fill.bought + fill.sold == Lots(0)
    };
    for entry in entries.iter_mut().filter(idle).take(2) {
        entry.outcome.status = Status::Room;
        entry.outcome.most = market::auction::UNBOUNDED;
    }
    let snapshot = &sample.snapshot;
    let batch = batch_of(&before, snapshot, &sample.batch, &mut entries);
    let claimed = Prepared::new(
        &before,
        snapshot,
        &batch,
        entries,
        sample.secrets.clone(),
        &secret(),
    );
    let claimed = claimed.expect("it is true");
    assert_eq!(claimed.claim().without_room, 2);
    assert_eq!(testing::found(&claimed, 0), Vec::new());
    let words = crate::settle::words::words(claimed.claim()).join("; ");
    assert!(words.contains("2 order(s) were refused because"), "{words}");
}

/// Leaves of accounts that did not trade stay what they are, and the next batch goes on from there.
#[test]
fn books_go_from_state_to_state() {
    let settled = Settled::new(4, 50, 20, 80);
    let prepared = settled.prepare().expect("it is true");
    let after = prepared.after();
    let same = |i: &usize| settled.before.members[*i].leaf == after.members[*i].leaf;
    assert!((0..50).filter(same).count() >= 30);
    let next = market::Snapshot {
        as_of_ms: settled.sample.snapshot.as_of_ms + 60_000,
        ..settled.sample.snapshot.clone()
    };
    // The next batch has one order, of somebody unknown.
    let entries = vec![settled.sample.entries.last().cloned().map(|mut e| {
        e.outcome.place = 0;
        e
    })];
    let mut entries: Vec<Entry> = entries.into_iter().flatten().collect();
    let batch = batch_of(after, &next, &settled.sample.batch, &mut entries);
    let secrets = Secrets::new();
    let next = Prepared::new(after, &next, &batch, entries, secrets, &secret());
    let next = next.expect("it is true");
    assert_eq!(next.claim().before, prepared.claim().after);
    assert_eq!(testing::found(&next, 0), Vec::new());
    assert_eq!(next.claim().roots[0], next.claim().roots[1]);
    assert_ne!(next.claim().after, next.claim().before);
}

/// Cells of the tables of a part with a thousand accounts, by the plan alone.
#[test]
fn sizes_follow_from_the_claim() {
    let plan = crate::settle::plan::Plan::new(100_000, 10_000, 16, 4, 1);
    assert_eq!((plan.touched(), plan.receipts()), (1024, 4096));
    // All ancestors of 2^10 of 2^17 leaves.
    assert_eq!(plan.change_rows(), 8191);
    assert_eq!(
        crate::settle::plan::Plan::new(30, 120, 8, 4, 1).change_rows(),
        255
    );
}
