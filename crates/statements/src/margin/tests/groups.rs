//! Groups of underlyings with an offset: joint losses and what they take off.

use fixed::Decimal;
use market::margin::{MarginTables, evaluate};
use market::{Level, OffsetGroup, Snapshot, sample};
use records::units::Lots;
use stark::{
    Statement, TARGET_BITS, cell_test, needless, security_report, verify, violated, violations,
};

use super::{LEVELS, account, alone, secret, separate, set_dollars};
use crate::book::SealedBook;
use crate::margin::fill::{Filled, fill_from, fill_part};
use crate::margin::statement::PartTables;
use crate::margin::*;

fn group(underlyings: &[&str], hundredths: i128) -> OffsetGroup {
    OffsetGroup {
        underlyings: underlyings.iter().map(|u| u.to_string()).collect(),
        offset: Decimal::new(hundredths, 2),
    }
}

/// The sample market with another coin, on which there are no instruments.
fn with_doge() -> Snapshot {
    let mut snapshot = sample::snapshot();
    let mut doge = snapshot.assets[1].clone();
    doge.symbol = "DOGE".into();
    snapshot.assets.push(doge);
    snapshot
}

/// All three coins in one group.
fn market(hundredths: i128) -> Snapshot {
    let mut snapshot = with_doge();
    snapshot.parameters.offset_groups = vec![group(&["BTC", "ETH", "DOGE"], hundredths)];
    snapshot.validate().expect("it is a market");
    snapshot
}

/// A book of accounts with positions on both coins, some of which are below the level.
fn book(snapshot: &Snapshot, accounts: usize) -> Prepared {
    let book = sample::book(snapshot, 2, accounts, 4, 2);
    let sealed = SealedBook::new(snapshot, book.accounts(), 4, &secret()).expect("it fits");
    Prepared::new(&sealed, None, Level::Maintenance).expect("it is well-formed")
}

/// One rich account, long one coin and short another, with balances in all of them.
fn single(snapshot: &Snapshot, slots: usize) -> Prepared {
    let mut account = account(snapshot, 4, 0);
    account.balances.fill(market::Balance::default());
    account.balances[0].equity = 1 << 50;
    account.balances[1].equity = 1 << 28;
    account.balances[2].debt = 1 << 24;
    account.balances[4].equity = 1 << 27;
    for (symbol, side, lots, entry) in [
        ("BTC-PERP", market::Side::Long, 10_000, 651_000_000_000),
        ("ETH-PERP", market::Side::Short, 17_980, 65_000_000_000),
    ] {
        account.positions.push(market::Position {
            instrument: snapshot.instrument(symbol).expect("it is listed"),
            side,
            lots: Lots(lots),
            entry,
        });
    }
    account.positions.sort_by_key(|p| p.instrument);
    alone(snapshot, &account, Level::Initial, slots).expect("it is rich")
}

#[test]
fn groups_end_to_end() {
    let snapshot = market(60);
    for prepared in [single(&snapshot, 64), book(&snapshot, 300)] {
        let proof = vec![prepared.prove_part(0).expect("proves")];
        verify::<Margin>(prepared.claim(), &proof).expect("verifies");
        let part = Margin::part(prepared.claim(), &prepared.context, 0);
        assert!(security_report(&part).proven_bits >= TARGET_BITS);
    }
}

#[test]
fn groups_of_every_kind_have_a_witness() {
    let groups = [
        vec![group(&["BTC", "ETH"], 100)],
        vec![group(&["ETH", "DOGE"], 1)],
        vec![group(&["SHIB", "BTC"], 50), group(&["ETH", "DOGE"], 25)],
    ];
    for offset_groups in groups {
        let mut snapshot = with_doge();
        snapshot.parameters.offset_groups = offset_groups;
        let book = sample::book(&snapshot, 3, 20, 8, 2);
        let sealed = SealedBook::new(&snapshot, book.accounts(), 8, &secret()).expect("it fits");
        let one = &book.accounts()[10].id;
        for id in [None, Some(one.as_str())] {
            for level in LEVELS {
                let prepared = Prepared::new(&sealed, id, level).expect("it is true");
                let found = violations(&prepared.tables(0), &prepared.traces(0));
                assert_eq!(found, [], "{:?}", snapshot.parameters.offset_groups);
            }
        }
    }
}

/// With an offset, an account at its requirement to the last subtick meets the level; a unit of dollars less and it does not.
#[test]
fn the_boundary_with_offsets_is_exact() {
    for hundredths in [0, 37, 100] {
        let snapshot = market(hundredths);
        let mut account = account(&snapshot, 3, 12);
        account.balances[0] = market::Balance {
            equity: 10_000_000_000_000,
            ..Default::default()
        };
        let tables = MarginTables::new(&snapshot, Level::Maintenance).expect("valid");
        let result = evaluate(&tables, &account).expect("it is small");
        assert_eq!(result.credit > 0, hundredths > 0);
        // A unit of dollars is a tick, 2^20 subticks.
        let dollars = 10_000_000_000_000 - (result.excess.0 >> 20);
        set_dollars(&mut account, dollars);
        let met = alone(&snapshot, &account, Level::Maintenance, 16).expect("it is met");
        assert_eq!(violations(&met.tables(0), &met.traces(0)), []);
        // The same tables filled from the poorer account: only the sign and the commitment are wrong.
        set_dollars(&mut account, dollars - 1);
        alone(&snapshot, &account, Level::Maintenance, 16).expect_err("it is below");
        let leaf = super::leaf(&snapshot, 16, &account, &secret());
        let mut claim = met.claim().clone();
        claim.subject = Subject::Account {
            commitment: leaf.digest().into(),
            slots: 16,
        };
        let member = crate::book::Member { account, leaf };
        let (airs, traces) = super::filled_from(&claim, &super::context(&claim), &[member], [0; 2]);
        let sign = match hundredths {
            0 => "ACCOUNTS-4",
            _ => "ACCOUNTS-7",
        };
        assert_eq!(violated(&airs, &traces), [sign]);
    }
}

/// Another spread of the first group, told to the account as well.
fn with_spread(change: i128) -> Vec<String> {
    let prepared = single(&market(60), 16);
    let mut margins = prepared.witness.margins.clone();
    margins[0].joint[0].apart += change;
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let (plan, members) = (&prepared.context().plan, prepared.witness.members());
    let traces = fill_part(&tables, plan, members, &margins, [&[][..]; 2]).into_vec();
    violated(&tables.airs().into_vec(), &traces)
}

/// A larger spread would take more off the requirement than the largest joint loss allows.
#[test]
fn a_smaller_joint_loss_has_no_witness() {
    assert_eq!(with_spread(0), [""; 0]);
    for more in [1, 1 << 40, 1 << 60] {
        assert_eq!(with_spread(more), ["JOINT-4", "JOINT-5"], "{more}");
    }
}

/// A smaller one would count an account that meets the level as below it.
#[test]
fn a_larger_joint_loss_has_no_witness() {
    for less in [1, 1 << 40] {
        assert_eq!(with_spread(-less), ["JOINT-5"], "{less}");
    }
}

/// A coin or an underlying that is left out of the joint scenarios would not be in the joint loss.
#[test]
fn nothing_is_left_out_of_the_joint_loss() {
    let prepared = single(&market(60), 16);
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let (plan, members) = (&prepared.context().plan, prepared.witness.members());
    let result = &prepared.witness.margins[0];
    let without = |leave: &dyn Fn(&mut Filled)| {
        let mut filled = Filled::new(plan, Some((&members[0], result)));
        leave(&mut filled);
        let traces = fill_from(&tables, plan, members, &[filled], [&[][..]; 2]);
        violated(&tables.airs().into_vec(), &traces.into_vec())
    };
    assert_eq!(without(&|_| {}), [""; 0]);
    // The coin by itself, at its largest loss: what it is worth is not zero.
    let coin = without(&|filled| {
        filled.places.retain(|place| place.row.lines);
    });
    assert!(coin.iter().any(|id| id == "COINS-3"), "{coin:?}");
    // An underlying with positions: its losses are told, and nobody takes them.
    let mut narrow = plan.clone();
    let mut offsets = (*narrow.offsets).clone();
    offsets[0].underlyings[0] = offsets[0].underlyings[2];
    narrow.offsets = std::sync::Arc::new(offsets);
    let filled = Filled::new(plan, Some((&members[0], result)));
    let traces = fill_from(&tables, &narrow, members, &[filled], [&[][..]; 2]);
    let found = violated(&tables.airs().into_vec(), &traces.into_vec());
    assert!(found.iter().any(|id| id == "bus below"), "{found:?}");
}

#[test]
fn every_cell_with_groups_is_pinned() {
    let prepared = single(&market(60), 64);
    let rows = [("joined", 7)];
    assert_eq!(
        cell_test(&prepared.tables(0), &prepared.traces(0), &rows),
        []
    );
    let prepared = book(&market(60), 300);
    let rows = [("accounts", 299), ("joint", 1199), ("losses", 3)];
    assert_eq!(
        cell_test(&prepared.tables(0), &prepared.traces(0), &rows),
        []
    );
}

/// Those of the constraints that a book's tables could do without.
fn idle(ids: &[&'static str]) -> Vec<&'static str> {
    let prepared = book(&market(60), 200);
    let (airs, traces) = separate(&prepared);
    let rows: Vec<(&str, usize)> = ["joint", "accounts"]
        .iter()
        .flat_map(|name| [2, 3, 64, 199, 200, 255].map(|row| (*name, row)))
        .collect();
    needless(&airs, &traces, &rows, ids)
}

#[test]
fn each_constraint_of_joint_is_needed() {
    let ids = ["JOINT-1", "JOINT-2", "JOINT-3", "JOINT-4", "JOINT-5"];
    assert_eq!(idle(&ids), [""; 0]);
}

#[test]
fn the_sign_after_offsets_is_needed() {
    assert_eq!(idle(&["ACCOUNTS-7"]), [""; 0]);
}
