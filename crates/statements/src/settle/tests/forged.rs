//! What is false is refused.

use gadgets::hash::{Digest, node};
use records::units::{Lots, Ticks};
use stark::{F, Statement, verify};

use super::*;
use crate::orders::Status;
use crate::settle::fill::closing;
use crate::settle::tables::changes::ChangeRow;
use crate::settle::tables::orders::Placed;
use crate::settle::tables::touched::TouchedAccount;
use crate::trees::tree;

/// Requires that a change breaks these and perhaps more.
fn breaks(prepared: &Prepared, what: &str, expected: &[&str], change: impl FnOnce(&mut Rows)) {
    let found = wrong(prepared, change);
    for id in expected {
        assert!(
            found.iter().any(|f| f == id),
            "{what}: {found:?} lacks {id}"
        );
    }
}

/// The first row of orders of which something holds.
pub(super) fn order(rows: &Rows, is: impl Fn(&Placed) -> bool) -> usize {
    let mut orders = rows.orders.iter();
    let found = orders.position(|row| row.order.as_ref().is_some_and(&is));
    found.expect("the sample has such an order")
}

pub(super) fn traded(o: &Placed) -> bool {
    o.outcome.fill.bought + o.outcome.fill.sold > Lots(0)
}

#[test]
fn trees_change_below_touched_leaves_alone() {
    let prepared = small();
    assert_eq!(wrong(&prepared, |_| ()), [""; 0]);
    let changed = |rows: &Rows| {
        let lowest = rows.changes.iter().rposition(|row| row.used);
        let row = lowest.expect("something changes");
        let child = usize::from(!rows.changes[row].children[0].0);
        (row, child)
    };
    // A child that changes is closed.
    breaks(&prepared, "closed", &["bus change"], |rows| {
        let (row, child) = changed(rows);
        rows.changes[row].children[child].0 = false;
    });
    // A closed child changes.
    breaks(&prepared, "changed", &["CHANGES-2"], |rows| {
        let closed = rows.changes.iter().position(|row| !row.children[1].0);
        let row = closed.expect("not all changes");
        rows.changes[row].children[1].1[1][0] += F::new(1);
    });
    breaks(&prepared, "opened", &["bus change"], |rows| {
        let closed = rows.changes.iter().position(|row| !row.children[1].0);
        let row = closed.expect("not all changes");
        rows.changes[row].children[1].0 = true;
    });
    // Two leaves share ancestors: each by a chain of its own.
    breaks(&prepared, "two chains", &["bus change"], |rows| {
        let mut second = rows.changes[0].clone();
        second.row = rows.changes.len();
        rows.changes.push(second);
    });
    // An ancestor is left out.
    breaks(&prepared, "left out", &["bus change"], |rows| {
        rows.changes[3].used = false;
    });
    // Another leaf, or one of another depth.
    breaks(&prepared, "number", &["bus change"], |rows| {
        rows.touched[4].index += 1
    });
    breaks(&prepared, "level", &["bus change"], |rows| {
        rows.changes[2].level += 1
    });
    // An account whose key does not rise.
    breaks(&prepared, "keys", &["COMPARE-3", "bus change"], |rows| {
        rows.touched.swap(0, 1);
    });
}

/// A row of an account that held something and traded.
fn trading(rows: &Rows) -> usize {
    let mut trades = rows.trades.iter();
    let found = trades.position(|row| row.positions[0].is_some() && row.fill.is_some());
    found.expect("the sample has such a trade")
}

#[test]
fn positions_become_what_trades_make_of_them() {
    let prepared = small();
    // The sign turns.
    breaks(&prepared, "side", &["bus quad", "bus change"], |rows| {
        let row = trading(rows);
        let position = rows.trades[row].positions[1].as_mut().expect("not closed");
        position.side = match position.side {
            market::Side::Long => market::Side::Short,
            market::Side::Short => market::Side::Long,
        };
    });
    // Lots and entries that do not follow.
    breaks(&prepared, "lots", &["TRADES-5"], |rows| {
        let row = trading(rows);
        rows.trades[row].positions[1]
            .as_mut()
            .expect("not closed")
            .lots += Lots(1);
    });
    breaks(&prepared, "entry", &["TRADES-7", "bus change"], |rows| {
        let row = trading(rows);
        rows.trades[row].positions[1]
            .as_mut()
            .expect("not closed")
            .entry += 1;
    });
    // A position of another size was held before.
    breaks(&prepared, "held", &["bus held"], |rows| {
        let row = trading(rows);
        rows.trades[row].positions[0].as_mut().expect("held").entry += 1;
    });
    // A second row of an instrument.
    breaks(&prepared, "second row", &["TRADES-2"], |rows| {
        let row = trading(rows) / SLOTS * SLOTS;
        rows.trades[row + 1].instrument = rows.trades[row].instrument;
    });
    // A charge that nobody takes, or a price that nobody paid.
    breaks(&prepared, "charge", &["bus fill"], |rows| {
        let row = trading(rows);
        rows.trades[row].fill.as_mut().expect("traded").charge += 1;
    });
    breaks(&prepared, "price", &["bus price"], |rows| {
        let row = trading(rows);
        rows.trades[row].price += 1;
    });
    // A fill that is left out.
    breaks(&prepared, "left out", &["bus fill"], |rows| {
        let row = trading(rows);
        rows.trades[row].fill = None;
    });
    // A rebate instead of a fee.
    breaks(&prepared, "rebate", &["bus fill"], |rows| {
        let row = trading(rows);
        let fill = rows.trades[row].fill.as_mut().expect("traded");
        fill.quote = !fill.quote;
    });
}

#[test]
fn cash_is_booked_as_trades_say() {
    let prepared = small();
    let cash = prepared.context().cash;
    // One tick of a trade's cash goes elsewhere, or debts are paid with it that are not due.
    for (what, equity, debt, expected) in [
        ("siphon", 1i64, 0i64, "TOUCHED-5"),
        ("debt", 1, 1, "TOUCHED-5"),
    ] {
        breaks(&prepared, what, &[expected, "bus change"], |rows| {
            let balance = &mut rows.touched[3].leaves[1].balances[cash];
            balance.equity = balance.equity.wrapping_add_signed(equity);
            balance.debt = balance.debt.wrapping_add_signed(debt);
        });
    }
    // Another asset changes: the same cells are hashed twice, so the leaf after is the honest one.
    let leaf = |rows: &Rows| rows.touched[3].leaves[1].balances[cash ^ 1];
    let rows = prepared.rows(0);
    assert_eq!(leaf(&rows), rows.touched[3].leaves[0].balances[cash ^ 1]);
}

#[test]
fn receipts_decide_and_each_counts_once() {
    let prepared = small();
    // A fill goes to another account.
    breaks(
        &prepared,
        "another account",
        &["bus account", "bus fill"],
        |rows| {
            let row = order(rows, traded);
            let placed = rows.orders[row].order.as_mut().expect("used");
            placed.account = (placed.account + 1) % 20;
        },
    );
    // A receipt twice, one too few, another fill, another status.
    breaks(&prepared, "twice", &["bus tree", "bus fill"], |rows| {
        let row = order(rows, traded);
        let unused = rows.orders.iter().position(|row| row.order.is_none());
        rows.orders[unused.expect("a slot")].order = rows.orders[row].order.clone();
    });
    breaks(&prepared, "too few", &["bus tree"], |rows| {
        let row = order(rows, traded);
        rows.orders[row].order = None;
    });
    breaks(&prepared, "fill", &["bus tree", "bus fill"], |rows| {
        let row = order(rows, traded);
        let placed = rows.orders[row].order.as_mut().expect("used");
        placed.outcome.fill.cash += Ticks(1);
    });
    breaks(
        &prepared,
        "refused and filled",
        &["ORDERS-4", "bus tree"],
        |rows| {
            let row = order(rows, traded);
            let placed = rows.orders[row].order.as_mut().expect("used");
            placed.outcome.status = Status::Replaced;
        },
    );
}

#[test]
fn orders_are_refused_if_and_only_if_they_must_be() {
    let prepared = small();
    let status =
        |status| move |o: &crate::settle::tables::orders::Placed| o.outcome.status == status;
    // Let in though too little is free, and refused though enough is.
    breaks(&prepared, "short", &["ORDERS-7", "bus account"], |rows| {
        let row = order(rows, status(Status::Margin));
        rows.orders[row].order.as_mut().expect("used").short = false;
    });
    breaks(&prepared, "covered", &["ORDERS-7", "bus account"], |rows| {
        let row = order(rows, status(Status::TookPart));
        rows.orders[row].order.as_mut().expect("used").short = true;
    });
    breaks(&prepared, "let in", &["ORDERS-7", "bus tree"], |rows| {
        let row = order(rows, status(Status::Margin));
        rows.orders[row]
            .order
            .as_mut()
            .expect("used")
            .outcome
            .status = Status::TookPart;
    });
    // Worst values that are not the market's, so that less must be free.
    breaks(&prepared, "terms", &["bus term"], |rows| {
        let row = order(rows, status(Status::Margin));
        let placed = rows.orders[row].order.as_mut().expect("used");
        placed.terms.worst = placed.terms.worst.map(|w| w + 1);
    });
    let closes = |o: &Placed| o.closes && o.closed(1) > 0;
    // Fewer lots, or more, are closed in the margin than by the order.
    breaks(&prepared, "closed", &["bus closing", "bus held"], |rows| {
        let row = rows.trades.iter().position(|row| row.closed > 1);
        rows.trades[row.expect("somebody closes")].closed -= 1;
    });
    // An order is looked at as if it closed, and its account sent others; or the other way round.
    breaks(&prepared, "others", &["bus account"], |rows| {
        let row = order(rows, |o| o.counts() && !o.closes);
        let placed = rows.orders[row].order.as_mut().expect("used");
        (placed.closes, placed.only_closes) = (true, [true, false]);
    });
    breaks(&prepared, "reserve", &["bus account"], |rows| {
        let row = order(rows, closes);
        let placed = rows.orders[row].order.as_mut().expect("used");
        (placed.closes, placed.only_closes) = (false, [false; 2]);
    });
    // What a purchase costs comes in.
    breaks(&prepared, "brings", &["ORDERS-11", "bus account"], |rows| {
        let row = order(rows, |o| closes(o) && !o.brings(1));
        let placed = rows.orders[row].order.as_mut().expect("used");
        placed.only_closes = [true, true];
    });
    // An order that only reduces has another bound than its position.
    breaks(&prepared, "bound", &["bus closing"], |rows| {
        let row = order(rows, |o| o.counts() && o.opening.reduce_only);
        let placed = rows.orders[row].order.as_mut().expect("used");
        placed.holds = placed.holds.map(|lots| lots + 1);
    });
    // A secret that is the account's is refused, one that is not is let in.
    breaks(&prepared, "secret", &["ORDERS-5", "bus tree"], |rows| {
        let row = order(rows, |o| o.counts());
        rows.orders[row]
            .order
            .as_mut()
            .expect("used")
            .outcome
            .status = Status::Secret;
    });
    breaks(&prepared, "no secret", &["ORDERS-5", "bus tree"], |rows| {
        let row = order(rows, status(Status::Secret));
        rows.orders[row]
            .order
            .as_mut()
            .expect("used")
            .outcome
            .status = Status::Replaced;
    });
    // A digest that leads to another root.
    breaks(&prepared, "path", &["SECRETS-3"], |rows| {
        rows.secrets[3].sibling[0] += F::new(1);
    });
    // An account that exists is none.
    breaks(&prepared, "nobody", &["COMPARE-4", "bus tree"], |rows| {
        let row = order(rows, |o| o.counts());
        let placed = rows.orders[row].order.as_mut().expect("used");
        let key = placed.opening.account;
        placed.outcome.status = Status::NoAccount;
        placed.gap = [Some(key), Some(key)];
    });
    breaks(&prepared, "gap", &["bus gap"], |rows| {
        let row = order(rows, status(Status::NoAccount));
        let placed = rows.orders[row].order.as_mut().expect("used");
        placed.gap = [Some(0), Some((1 << 60) - 1)];
    });
}

/// What the finance crate finds wrong is refused in words, before anything is proven.
#[test]
fn receipts_that_contradict_the_book_are_refused_in_words() {
    let told = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut settled = Settled::new(1, 30, 20, 120);
        change(&mut settled.sample.entries);
        let refused = settled.prepare().map(|_| ()).expect_err("it is false");
        assert!(refused.is_false(), "{refused}");
        refused.to_string()
    };
    let find = |entries: &[Entry], is: &dyn Fn(&Entry) -> bool| {
        entries.iter().position(is).expect("there is one")
    };
    let fills = |e: &Entry| e.outcome.fill.bought + e.outcome.fill.sold > Lots(0);
    let refused = told(&|entries| {
        let at = find(entries, &|e| e.outcome.status == Status::Margin);
        entries[at].outcome.status = Status::TookPart;
        entries[at].outcome.most = most(&entries[at]);
    });
    assert!(refused.contains("free, its orders need"), "{refused}");
    let refused = told(&|entries| {
        let at = find(entries, &fills);
        entries[at].outcome.fill.cash += Ticks(1);
    });
    assert!(refused.contains("at the clearing price"), "{refused}");
    let refused = told(&|entries| {
        let at = find(entries, &|e| e.outcome.status == Status::NoAccount);
        entries[at].outcome.status = Status::Replaced;
    });
    assert!(refused.contains("the book does not have"), "{refused}");
    let refused = told(&|entries| {
        let at = find(entries, &fills);
        entries[at].outcome.status = Status::NoAccount;
    });
    assert!(
        refused.contains("says that no account has its key"),
        "{refused}"
    );
    let refused = told(&|entries| {
        let at = find(entries, &|e| e.outcome.status == Status::Secret);
        entries[at].outcome.status = Status::Replaced;
    });
    assert!(
        refused.contains("its secret is not the account's"),
        "{refused}"
    );
    let refused = told(&|entries| entries[1].outcome.place = 0);
    assert!(refused.contains("has two receipts"), "{refused}");
    let refused = told(&|entries| entries[0].opening.session[0] += F::new(1));
    assert!(refused.contains("for another batch"), "{refused}");
}

/// What closes nothing: the sample's refused orders do not only reduce, or hold nothing.
fn most(entry: &Entry) -> [Lots; 2] {
    match entry.opening.reduce_only {
        true => closing(None).map(Lots),
        false => market::auction::UNBOUNDED,
    }
}

#[test]
fn a_claim_is_proven_and_bound() {
    let prepared = small();
    let proofs = testing::proven(&prepared);
    testing::assert_100_bits(&prepared);
    let claim = prepared.claim();
    let changes: [(&str, testing::Change<Settle>); 13] = [
        ("before", |c| c.before.commitment = c.after.commitment),
        ("after", |c| c.after.commitment = c.before.commitment),
        ("accounts", |c| c.before.accounts += 1),
        ("roots", |c| c.roots.swap(0, 1)),
        ("receipts", |c| c.batch.receipts = c.roots[0]),
        ("segments", |c| c.segments.push(c.segments[0])),
        ("batch", |c| c.batch.number += 1),
        ("venue", |c| c.batch.venue.push('x')),
        ("orders", |c| c.batch.orders += 1),
        ("price", |c| {
            let mut traded = c.batch.auctions.iter_mut();
            let traded = traded.find_map(|t| t.price.as_mut()).expect("a price");
            *traded += Ticks(1);
        }),
        ("fee", |c| c.batch.auctions[0].fee += 1),
        ("moment", |c| c.before_as_of_ms += 1),
        ("room", |c| c.without_room = 1),
    ];
    testing::assert_rejected::<Settle>(claim, &proofs, &changes);
    assert!(verify::<Settle>(claim, &proofs).is_ok());
    assert_eq!(Settle::parts(claim, prepared.context()), 1);
}

/// A tree in which a closed child changes, with all that follows: the claim says its root.
#[test]
fn a_closed_child_stays() {
    let prepared = small();
    let mut tables = prepared.tables_of(0);
    let mut rows = prepared.rows(0);
    let at = rows.changes.iter().rposition(|row| !row.children[1].0);
    let at = at.expect("not all changes");
    rows.changes[at].children[1].1[1][0] += F::new(1);
    lead_up(&mut rows, &mut tables);
    assert_eq!(violated(&tables.airs(), &rows.fill(&tables)), ["CHANGES-2"]);
}

/// Makes the nodes after follow from those below them, and the claim's root from these.
fn lead_up(rows: &mut Rows, tables: &mut PartTables) {
    let rows = &mut rows.changes;
    for at in (0..rows.len()).rev() {
        let ChangeRow {
            level,
            index,
            children: [left, right],
            ..
        } = rows[at];
        let above = node(&left.1[1], &right.1[1]);
        if level == 0 {
            tables.changes.roots[1] = above;
            continue;
        }
        let parent = |row: &ChangeRow| (row.level, row.index) == (level - 1, index / 2);
        let parent = rows.iter().position(parent).expect("it is there");
        rows[parent].children[index % 2].1[1] = above;
    }
}

/// An account borrows what it need not, with all that follows: the claim says the root.
#[test]
fn nothing_is_borrowed_before_cash_is_spent() {
    let prepared = small();
    let (mut tables, mut rows) = (prepared.tables_of(0), prepared.rows(0));
    let (cash, log_slots) = (prepared.context().cash, prepared.context().plan.log_slots);
    let spends = |account: &TouchedAccount| {
        let [before, after] = account.leaves.each_ref().map(|l| l.balances[cash]);
        before.equity > after.equity || before.debt > after.debt
    };
    let at = rows
        .touched
        .iter()
        .position(spends)
        .expect("somebody pays, or pays back");
    let account = &mut rows.touched[at];
    let balance = &mut account.leaves[1].balances[cash];
    balance.equity += 1;
    balance.debt += 1;
    let (digest, index) = (account.leaves[1].digest(), account.index);
    let lowest = |row: &ChangeRow| (row.level, row.index) == (log_slots - 1, index / 2);
    let row = rows.changes.iter().position(lowest).expect("it is there");
    rows.changes[row].children[index % 2].1[1] = digest;
    lead_up(&mut rows, &mut tables);
    assert_eq!(violated(&tables.airs(), &rows.fill(&tables)), ["TOUCHED-6"]);
}

/// What is wrong with other receipts of a part, over which there is a tree of their own.
fn with_receipts(change: impl FnOnce(&mut Rows)) -> Vec<String> {
    let prepared = small();
    let (mut tables, mut rows) = (prepared.tables_of(0), prepared.rows(0));
    change(&mut rows);
    tables.orders.root = receipts(&mut rows);
    violated(&tables.airs(), &rows.fill(&tables))
}

/// Makes the tree over a part's receipts anew, and gives its root.
pub(super) fn receipts(rows: &mut Rows) -> Digest {
    let receipt = |o: &Placed| o.outcome.receipt(&o.opening.digests(1)[1]);
    let mut receipts = vec![Default::default(); rows.orders.len()];
    for row in &rows.orders {
        receipts[row.slot] = row.order.as_ref().map_or(Default::default(), receipt);
    }
    let nodes = tree(receipts);
    for row in rows.orders.iter_mut().skip(1) {
        row.children = [nodes[2 * row.row], nodes[2 * row.row + 1]];
    }
    nodes[1]
}

/// Receipts that say what is not so, in a tree of their own.
#[test]
fn receipts_that_lie_are_refused() {
    assert_eq!(with_receipts(|_| ()), [""; 0]);
    // An order is let in though too little is free.
    let found = with_receipts(|rows| {
        let row = order(rows, |o| {
            o.outcome.status == Status::Margin && !o.opening.reduce_only
        });
        rows.orders[row]
            .order
            .as_mut()
            .expect("used")
            .outcome
            .status = Status::TookPart;
    });
    assert_eq!(found, ["ORDERS-7"]);
    // One is refused though enough is free.
    let found = with_receipts(|rows| {
        let row = order(rows, |o| {
            o.outcome.status == Status::TookPart && !traded(o) && !o.opening.reduce_only
        });
        rows.orders[row]
            .order
            .as_mut()
            .expect("used")
            .outcome
            .status = Status::Margin;
    });
    assert_eq!(found, ["ORDERS-7"]);
    // One is refused for want of room, though others of its account have it, and the claim does not count it.
    let found = with_receipts(|rows| {
        let row = order(rows, |o| {
            o.outcome.status == Status::TookPart && !traded(o) && !o.opening.reduce_only
        });
        let placed = rows.orders[row].order.as_mut().expect("used");
        placed.outcome.status = Status::Room;
    });
    for id in ["TOTALS-2", "TOUCHED-13"] {
        assert!(found.iter().any(|f| f == id), "{found:?}");
    }
    // Cash without a fill.
    let found = with_receipts(|rows| {
        let row = order(rows, |o| o.outcome.status == Status::Replaced);
        let placed = rows.orders[row].order.as_mut().expect("used");
        placed.outcome.fill.cash = Ticks(5);
    });
    assert_eq!(found, ["ORDERS-4"]);
    // An order that only reduces may trade more than its position.
    let found = with_receipts(|rows| {
        let row = order(rows, |o| {
            o.outcome.status == Status::TookPart && o.opening.reduce_only
        });
        let placed = rows.orders[row].order.as_mut().expect("used");
        placed.outcome.most = placed.outcome.most.map(|lots| lots + Lots(1));
    });
    assert_eq!(found, ["ORDERS-9"]);
    // An order of an account is refused for its secret, which is right.
    let found = with_receipts(|rows| {
        let row = order(rows, |o| o.outcome.status == Status::Replaced);
        rows.orders[row]
            .order
            .as_mut()
            .expect("used")
            .outcome
            .status = Status::Secret;
    });
    assert_eq!(found, ["ORDERS-5"]);
}
