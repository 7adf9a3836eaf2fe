//! What a dishonest prover would try, and one broken constraint at a time.

use market::{Level, sample};
use records::units::Lots;
use stark::{F, PrimeCharacteristicRing, TableAir, Trace, broken_alone, violated, violations};

use super::*;

/// Where the tables of a part stand.
const LINES: usize = 0;
const ACCOUNTS: usize = 1;
const LOSSES: usize = 2;
const MOVES: usize = 4;

#[test]
fn every_constraint_of_an_account_breaks_alone() {
    let prepared = single();
    let (tables, traces) = separate(&prepared);
    let alone = |table: usize, rows: &[usize]| broken_alone(&tables[table], &traces[table], rows);
    expect_alone(
        &alone(LINES, &[0, 255]),
        &["LINES-1", "LINES-3", "LINES-4", "LINES-5", "LINES-6"],
    );
    expect_alone(
        &alone(ACCOUNTS, &[0, 255]),
        &["ACCOUNTS-1", "ACCOUNTS-2", "ACCOUNTS-4", "COMPARE-3"],
    );
    expect_alone(&alone(LOSSES, &[0, 255]), &["LOSSES-1", "LOSSES-4"]);
    expect_alone(&alone(3, &[3]), &["RATES-1"]);
    expect_alone(&alone(MOVES, &[3]), &["MOVES-1"]);

    // An entry in a later block of an empty slot changes no sum.
    let account = super::account(&prepared.claim().snapshot, 1, 3);
    let snapshot = &prepared.claim().snapshot;
    let prepared = super::alone(snapshot, &account, Level::Initial, 4).expect("it is met");
    let (tables, traces) = separate(&prepared);
    expect_alone(&broken_alone(&tables[0], &traces[0], &[255]), &["LINES-2"]);
}

/// Fills the first part of a prepared claim from other accounts, of which so many are said to be below the level.
fn forged(prepared: &Prepared, members: &[Member], below: u128) -> (Vec<TableAir>, Vec<Trace>) {
    filled_from(prepared.claim(), prepared.context(), members, [0, below])
}

#[test]
fn an_account_below_the_level_has_no_witness() {
    // Honest but for the claim: only the sign of a margin is wrong.
    let snapshot = sample::snapshot();
    let poor = sample::book(&snapshot, 3, 1, 16, 1).accounts()[0].clone();
    let leaf = leaf(&snapshot, 16, &poor, &Secret::random());
    let mut claim = single().claim().clone();
    claim.level = Level::Maintenance;
    claim.subject = Subject::Account {
        commitment: leaf.digest().into(),
        slots: 16,
    };
    let member = Member {
        account: poor,
        leaf,
    };
    let (airs, traces) = filled_from(&claim, &context(&claim), &[member], [0; 2]);
    assert_eq!(broken_constraints(&airs, &traces), ["ACCOUNTS-4"]);
    assert_eq!(unbalanced(&airs, &traces), [""; 0]);
}

#[test]
fn other_positions_or_balances_do_not_open_the_commitment() {
    let prepared = single();
    let honest = &prepared.witness.members()[0];
    let secret = &prepared.witness.book.secret;
    let snapshot = &prepared.claim().snapshot;
    let mut changes: Vec<Member> = Vec::new();
    let mut change = |f: &dyn Fn(&mut market::Account)| {
        let mut account = honest.account.clone();
        f(&mut account);
        let leaf = leaf(snapshot, 64, &account, secret);
        changes.push(Member { account, leaf });
    };
    change(&|a| a.balances[0].equity += 1);
    change(&|a| a.balances[1].loan += 1);
    change(&|a| a.positions[5].lots += Lots(1));
    change(&|a| a.positions[5].entry -= 1);
    change(&|a| a.positions.truncate(63));
    change(&|a| a.positions.swap(0, 1));
    change(&|a| a.id.push('x'));
    for member in changes {
        let (airs, traces) = forged(&prepared, std::slice::from_ref(&member), 0);
        assert_eq!(broken_constraints(&airs, &traces), ["SPONGE-5"]);
    }
}

/// A leaf says what its places stand for: with the lists in another order, in other units or with other
/// terms, the account's numbers would be worth something else.
#[test]
fn a_commitment_does_not_open_with_other_lists() {
    let old = sample::snapshot();
    // Rich enough to meet the level whatever the lists.
    let mut account = super::account(&old, 1, 4);
    for balance in account.balances.iter_mut() {
        (balance.equity, balance.debt) = (1 << 55, 0);
    }
    let secret = Secret::random();
    let leaf = leaf(&old, 4, &account, &secret);
    type Change = fn(&mut market::Snapshot);
    let changes: [Change; 6] = [
        |s| s.assets.swap(0, 1),
        |s| s.assets[0].symbol.push('X'),
        |s| s.instruments.swap(0, 1),
        |s| {
            s.instruments[0].lot = s.instruments[0]
                .lot
                .rescale_exact(12)
                .map(|v| fixed::Decimal::new(10 * v, 12))
                .expect("it fits")
        },
        |s| s.instruments[0].symbol.push('X'),
        |s| s.quote = "EUR".into(),
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut new = old.clone();
        change(&mut new);
        let honest = alone(&new, &account, Level::Maintenance, 4);
        let honest = honest.expect("it is met");
        assert_ne!(
            honest.witness.members()[0].leaf.digest(),
            leaf.digest(),
            "change {i}"
        );
        // The old commitment in a new claim: opened as it was made, or with the new list.
        let mut claim = honest.claim().clone();
        claim.subject = Subject::Account {
            commitment: leaf.digest().into(),
            slots: 4,
        };
        let context = context(&claim);
        for (leaf, expected) in [
            (leaf.clone(), "bus quad"),
            (honest.witness.members()[0].leaf.clone(), "SPONGE-5"),
        ] {
            let member = Member {
                account: account.clone(),
                leaf,
            };
            let (airs, traces) = filled_from(&claim, &context, &[member], [0; 2]);
            assert_eq!(violated(&airs, &traces), [expected], "change {i}");
        }
    }
    // The same book may be valued at other prices.
    let mut dearer = old.clone();
    dearer.assets[0].price = fixed::Decimal::new(2, 0);
    dearer.instruments[0].mark = fixed::Decimal::new(3, 0);
    assert_eq!(leaf, super::leaf(&dearer, 4, &account, &secret));
}

/// Where an asset has no price, a debt in it would count for nothing: it is refused, and has no witness.
#[test]
fn a_debt_without_a_price_has_no_witness() {
    let mut snapshot = sample::snapshot();
    let unpriced = snapshot.assets.len();
    let mut asset = snapshot.assets[0].clone();
    asset.symbol = "VOID".into();
    asset.price = fixed::Decimal::ZERO;
    snapshot.assets.push(asset);
    let mut account = super::account(&sample::snapshot(), 1, 4);
    account.balances.push(market::Balance::default());
    let honest = alone(&snapshot, &account, Level::Maintenance, 4).expect("it owes no VOID");
    let found = violations(&honest.tables(0), &honest.traces(0));
    assert_eq!(found, []);
    account.balances[unpriced].debt = 8_000_000_000;
    let refused = alone(&snapshot, &account, Level::Maintenance, 4).expect_err("it owes VOID");
    assert!(refused.to_string().contains("VOID"), "{refused}");
    // All follows but for the claim, whose circuit has no place for the debt.
    let leaf = leaf(&snapshot, 4, &account, &Secret::random());
    let mut claim = honest.claim().clone();
    claim.subject = Subject::Account {
        commitment: leaf.digest().into(),
        slots: 4,
    };
    let member = Member { account, leaf };
    let (airs, traces) = filled_from(&claim, &context(&claim), &[member], [0; 2]);
    assert_eq!(violated(&airs, &traces), ["ACCOUNTS-5"]);
}

#[test]
fn another_value_of_a_lot_is_not_in_the_rates() {
    // Another price in a line, with sums that follow: the lookup fails.
    let prepared = single();
    let mut lenient = prepared.claim().clone();
    lenient.snapshot.parameters.perpetual_contingency = fixed::Decimal::ZERO;
    let members = prepared.witness.members();
    let (_, mut traces) = filled_from(&lenient, &context(&lenient), members, [0; 2]);
    let (airs, honest) = separate(&prepared);
    // With the forged table of rates itself: its cells are not the public ones.
    assert_eq!(broken_constraints(&airs, &traces), ["RATES-1"]);
    // With the true one: what the lines looked up is not there.
    traces[3] = honest[3].clone();
    assert_eq!(broken_constraints(&airs, &traces), [""; 0]);
    assert_eq!(unbalanced(&airs, &traces), ["rate"]);
}

#[test]
fn the_number_below_is_exact() {
    let prepared = book(200);
    let Subject::Book { below, .. } = prepared.claim().subject else {
        panic!("a book's claim is about a book")
    };
    for wrong in [below - 1, below + 1] {
        let mut claim = prepared.claim().clone();
        if let Subject::Book { below, .. } = &mut claim.subject {
            *below = wrong;
        }
        let tables = PartTables::new(&claim, prepared.context(), 0);
        let tables = tables.airs().into_vec();
        assert_eq!(
            broken_constraints(&tables, &separate(&prepared).1),
            ["TOTALS-5"]
        );
        // Counting wrongly instead.
        let (_, traces) = forged(&prepared, prepared.witness.members(), u128::from(wrong));
        let ids = broken_constraints(&tables, &traces);
        assert_eq!(ids, ["TOTALS-2"], "{wrong}");
    }
}

#[test]
fn duplicate_and_omitted_accounts_change_the_root() {
    let prepared = book(200);
    let mut twice = prepared.witness.members().to_vec();
    twice[7] = twice[6].clone();
    let (airs, traces) = forged(&prepared, &twice, 2);
    assert!(broken_constraints(&airs, &traces).contains(&"SPONGE-5"));
    let mut swapped = prepared.witness.members().to_vec();
    swapped.swap(6, 7);
    let (airs, traces) = forged(&prepared, &swapped, 2);
    assert_eq!(broken_constraints(&airs, &traces), ["SPONGE-5"]);
    // One account fewer than claimed: its leaf's quads are missing.
    let fewer = &prepared.witness.members()[..199];
    let (airs, traces) = forged(&prepared, fewer, 2);
    assert!(!violations(&airs, &traces).is_empty());
}

#[test]
fn an_unused_slot_holds_nothing() {
    // More accounts than claimed: the extra one's rows are not zero.
    let prepared = book(200);
    let mut claim = prepared.claim().clone();
    if let Subject::Book { book, .. } = &mut claim.subject {
        book.accounts = 199;
    }
    let members = prepared.witness.members();
    let (airs, traces) = filled_from(&claim, prepared.context(), members, [0, 2]);
    let ids = broken_constraints(&airs, &traces);
    assert_eq!(ids, ["ACCOUNTS-2", "LINES-2", "SPONGE-5"]);
}

/// The tables of one rich account with positions on two underlyings and a coin, and how they are filled.
fn two_underlyings() -> (Vec<TableAir>, Vec<Trace>, Prepared) {
    let snapshot = sample::snapshot();
    let mut account = super::account(&snapshot, 4, 16);
    account.balances[0] = market::Balance {
        equity: 1 << 50,
        ..market::Balance::default()
    };
    let prepared = alone(&snapshot, &account, Level::Initial, 16).expect("it is rich");
    let (airs, traces) = separate(&prepared);
    (airs, traces, prepared)
}

/// Another largest loss in the rows of an account's first underlying, told to the account as well.
fn with_loss(change: i128) -> Vec<String> {
    let (airs, _, prepared) = two_underlyings();
    let mut margins = prepared.witness.margins.clone();
    margins[0].losses[0].amount += change;
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let members = prepared.witness.members();
    let plan = &prepared.context().plan;
    let traces = fill_part(&tables, plan, members, &margins, [&[][..]; 2]).into_vec();
    violated(&airs, &traces)
}

#[test]
fn a_smaller_loss_has_no_witness() {
    for smaller in [1, 1 << 40, 1 << 60] {
        // Then it also equals none.
        assert_eq!(with_loss(-smaller), ["LOSSES-4", "LOSSES-5"], "{smaller}");
    }
}

#[test]
fn a_larger_loss_has_no_witness() {
    for larger in [1, 1 << 40, 1 << 60] {
        assert_eq!(with_loss(larger), ["LOSSES-5"], "{larger}");
    }
}

/// The lines of one underlying told as those of two, so that their largest losses add up.
#[test]
fn positions_on_one_underlying_cannot_be_split() {
    let (airs, traces, prepared) = two_underlyings();
    let plan = &prepared.context().plan;
    let (width, slots) = (airs[LINES].width(), plan.slots);
    assert_eq!(violated(&airs, &traces), [""; 0]);
    // Where the lines of an underlying end is the third cell behind row, group, underlying and whether its coin moves.
    let row = |row: usize| &traces[LINES].values[row * width..(row + 1) * width];
    let ends = (0..width).find(|&cell| {
        let at = |r: usize| row(r)[cell];
        at(slots - 1) == F::ONE && (0..slots - 1).filter(|&r| at(r) == F::ONE).count() == 1
    });
    let ends = ends.expect("there is such a cell");
    let mut split = traces.clone();
    split[LINES].values[ends] = F::ONE;
    let found = violated(&airs, &split);
    assert!(found.iter().any(|id| id == "LINES-5"), "{found:?}");
}

/// A coin that moves by itself though the account has positions on it: what offsets in one scenario would be counted twice.
#[test]
fn a_coin_moves_with_the_positions_on_it() {
    let (airs, traces, _) = two_underlyings();
    let width = airs[ACCOUNTS].width();
    let mut found = std::collections::BTreeSet::new();
    for cell in 0..width {
        let mut apart = traces.clone();
        if apart[ACCOUNTS].values[cell] == F::ONE {
            apart[ACCOUNTS].values[cell] = F::ZERO;
            found.extend(unbalanced(&airs, &apart));
        }
    }
    assert!(found.contains("balance"), "{found:?}");
}

/// A coin without positions, told to two places: each would take it for its own loss.
#[test]
fn a_coin_moves_once() {
    let snapshot = sample::snapshot();
    let mut account = super::account(&snapshot, 4, 0);
    account.balances.fill(market::Balance::default());
    account.balances[0].equity = 1 << 50;
    account.balances[1].equity = 5_0000_0000;
    let prepared = alone(&snapshot, &account, Level::Initial, 4).expect("it is rich");
    let tables = PartTables::new(prepared.claim(), prepared.context(), 0);
    let (plan, members) = (&prepared.context().plan, prepared.witness.members());
    assert_eq!(plan.underlyings, 2);
    let result = &prepared.witness.margins[0];
    let loss = result.losses[0];
    let with = |places: usize| {
        let mut filled = Filled::new(plan, Some((&members[0], result)));
        // Empty lines may stand under any underlying.
        for line in &mut filled.lines {
            (line.underlying, line.moves) = (loss.underlying + 1, true);
        }
        let mut place = filled.places[0].clone();
        place.row.underlying = loss.underlying + 1;
        place.row.moves = true;
        place.row.balance = loss.balance.0;
        place.row.loss = loss.amount.unsigned_abs();
        place.column = loss.column;
        filled.places = vec![place; places];
        for place in &mut filled.places[1..] {
            place.row.lines = false;
        }
        let traces = fill_from(&tables, plan, members, &[filled], [&[][..]; 2]);
        violated(&tables.airs().into_vec(), &traces.into_vec())
    };
    // With an underlying instead of by itself: the same loss, and the same claim.
    assert_eq!(with(1), [""; 0]);
    let twice = with(2);
    assert!(twice.iter().any(|id| id == "COINS-3"), "{twice:?}");
}
