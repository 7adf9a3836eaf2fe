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

/// Orders of several levels, some of which close and some of which have levels that may not trade.
#[test]
fn orders_may_have_several_levels() {
    for levels in [2, 4] {
        let settled = Settled::of(Sample::new(6, 40, 30, 100, SLOTS, levels));
        let prepared = settled.prepare().expect("it is true");
        assert_eq!(testing::found(&prepared, 0), Vec::new());
        assert_eq!(stark::unproven(&prepared.tables(0)), Vec::new());
        let rows = prepared.rows(0);
        let orders = rows.orders.iter().filter_map(|row| row.order.as_ref());
        let reducing = orders.filter(|o| o.counts() && o.opening.reduce_only);
        let several = reducing.filter(|o| o.opening.ladder.0.len() > 1);
        let [one, more]: [Vec<&Placed>; 2] =
            several.partition(|o| o.may_close(levels as usize)).into();
        assert!(
            one.len() > 1 && more.len() > 1,
            "{} {}",
            one.len(),
            more.len()
        );
    }
}

/// A batch of so many orders in the name of one account that its own could not stand beside them, and of nobody between so many
/// neighbours that they could not be in one part: parts open accounts again.
#[test]
fn orders_in_other_names_stop_no_batch() {
    let mut sample = Sample::new(7, 1_100, 60, 200, SLOTS, 1);
    let mut keys: Vec<u64> = sample
        .accounts
        .iter()
        .map(|a| crate::account::Identity::of(&a.id).key())
        .collect();
    keys.sort_unstable();
    let of = |status| {
        let mut entries = sample.entries.iter();
        let found = entries.find(|e| e.outcome.status == status);
        found.cloned().expect("the sample has one")
    };
    let (refused, nobody) = (of(Status::Secret), of(Status::NoAccount));
    let own = sample
        .entries
        .iter()
        .find(|e| e.outcome.fill.bought > Lots(0));
    let victim = own.expect("somebody bought").opening.account;
    let mut entries = std::mem::take(&mut sample.entries);
    entries.retain(|e| e.outcome.status != Status::NoAccount);
    let mut add = |like: &Entry, account: u64| {
        let mut entry = like.clone();
        entry.opening.account = account;
        entry.outcome.place = entries.len();
        entries.push(entry);
    };
    // Secrets are looked at before nonces and lots, so any order will do.
    for _ in 0..4_000 {
        add(&refused, victim);
    }
    for key in &keys[..1_060] {
        add(&nobody, key + 1);
    }
    for (place, entry) in entries.iter_mut().enumerate() {
        entry.outcome.place = place;
    }
    let before = sample.seal(&secret()).expect("it fits");
    let batch = batch_of(&before, &sample.snapshot, &sample.batch, &mut entries);
    let secrets = sample.secrets.clone();
    let prepared = Prepared::new(
        &before,
        &sample.snapshot,
        &batch,
        entries,
        secrets,
        &secret(),
    );
    let prepared = prepared.expect("it is true");
    assert_eq!(prepared.parts(), 2);
    for part in 0..2 {
        assert_eq!(testing::found(&prepared, part), Vec::new());
    }
}

/// What is refused for want of room is the venue's word, so the claim says how often.
#[test]
fn orders_without_room_are_counted() {
    let Settled { sample, before } = Settled::new(5, 40, 20, 100);
    let mut entries = sample.entries.clone();
    // All orders of an account that took part and did not trade.
    let traded = |e: &Entry| e.outcome.fill.bought + e.outcome.fill.sold > Lots(0);
    let of = |account: u64| move |e: &&mut Entry| e.opening.account == account && e.counts();
    let idle = |account: u64| {
        let own = sample
            .entries
            .iter()
            .filter(|e| e.opening.account == account);
        own.filter(|e| traded(e)).count() == 0
    };
    let took_part = |e: &&Entry| e.outcome.status == Status::TookPart && idle(e.opening.account);
    let account = sample.entries.iter().find(took_part);
    let account = account.expect("somebody did not trade").opening.account;
    let mut refused = 0;
    for entry in entries.iter_mut().filter(of(account)) {
        entry.outcome.status = Status::Room;
        entry.outcome.most = market::auction::UNBOUNDED;
        refused += 1;
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
    assert_eq!(claimed.claim().without_room, refused);
    assert_eq!(testing::found(&claimed, 0), Vec::new());
    let words = crate::settle::words::words(claimed.claim()).join("; ");
    let says = format!("{refused} order(s) were refused because");
    assert!(words.contains(&says), "{words}");
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
