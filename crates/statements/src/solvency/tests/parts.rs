//! A book over a long list in two parts: between them no account is counted twice, left out, or goes on.

use stark::TableAir;

use super::claim::{Accounts, Parts, Tables, registers};
use super::fill::slot_rows;
use super::lists::{ASSETS, add_rows, book_of, consistent, hidden};
use super::slots::{SlotRow, SlotsTable};
use super::split::SlotSizes;
use super::tables::register;
use super::witness::Change;
use super::*;
use crate::account::HOLDINGS;
use crate::kit::Chain;

/// Accounts of the first part, and of the book.
const FIRST: usize = 72;
const ALL: usize = 100;
/// The last account of the first part and the first of the second have three slots each.
const SLOTS: usize = 3;
/// log2 of the rows of both parts: few, so that forging is quick.
const LOG_ROWS: usize = 8;

fn held(place: usize) -> usize {
    match place {
        71 | 72 => 20,
        _ => 1 + place % 8,
    }
}

/// The row, in its part, of an account's first slot.
fn row_of(place: usize) -> usize {
    let first = if place < FIRST { 0 } else { FIRST };
    let slots = (first..place).map(|i| held(i).div_ceil(HOLDINGS));
    slots.sum()
}

/// A change of the rows of both parts.
type Forge<'a> = &'a dyn Fn(&mut [Vec<SlotRow>]);
const HONEST: Forge = &|_| ();

/// What is wrong with the tables of each part, of a venue that commits to `change`, then puts `lie` into rows, and says of the
/// last key of the first part that it is `key`.
fn broken(change: Forge, lie: Forge, key: Option<u64>) -> [Vec<String>; 2] {
    let book = book_of(ALL as u64, held, false);
    let sizes = |_: &[usize]| SlotSizes {
        accounts: FIRST as u32,
        last: LOG_ROWS as u32,
    };
    let prepared = Prepared::in_parts(&book, &hidden(), sizes).expect("it is true");
    let kit::Prepared {
        mut claim,
        mut context,
        mut witness,
    } = prepared;
    let Parts::Slots(split, _) = &mut context.split else {
        panic!("the list is long");
    };
    split.log_full = LOG_ROWS;
    let split = *split;
    assert_eq!(split.count(), 2);

    let tables: Vec<SlotsTable> = (0..2)
        .map(|part| match Tables::new(&claim, &context, part).accounts {
            Accounts::Slots(table, ..) => table,
            Accounts::Rows(_) => panic!("the list is long"),
        })
        .collect();
    let leaves = book.leaves();
    let mut rows: Vec<Vec<SlotRow>> = Vec::new();
    for (part, table) in tables.iter().enumerate() {
        let accounts = split.accounts(part);
        witness.trees[part] = table.forest.nodes(&leaves[accounts.clone()]);
        let members = &book.members[accounts];
        rows.push(slot_rows(table, members, 0, &witness.trees[part]));
    }
    change(&mut rows);
    let (first, second) = rows.split_at_mut(1);
    let mut roots = consistent(&tables[0], &mut first[0], None);
    let above = first[0].iter().rfind(|row| row.active);
    roots.extend(consistent(&tables[1], &mut second[0], above));
    claim.segments = roots.into_iter().map(Into::into).collect();
    lie(&mut rows);

    let chain = Chain::new::<Solvency>(&book.secret, &"forged");
    let registers = registers(ASSETS, false).len();
    witness.states = chain.run(registers, 2, |part, state| {
        add_rows(state, &rows[part]);
        if let (0, Some(key)) = (part, key) {
            state[register::KEY] = key.into();
        }
    });
    claim.states = witness.states.links();
    [0, 1].map(|part| {
        let put = |at: &mut [SlotRow]| at.clone_from_slice(&rows[part]);
        let change = Change {
            slots: &put,
            ..Change::NONE
        };
        let tables: Vec<TableAir> = Tables::new(&claim, &context, part).airs();
        let traces = witness.traces_after(&claim, &context, part, &change);
        violated(&tables, &traces)
    })
}

/// Takes rows out of a part; unused ones stand in their place below.
fn take(rows: &mut Vec<SlotRow>, from: usize, count: usize) -> Vec<SlotRow> {
    let unused = rows[rows.len() - 1].clone();
    assert!(!unused.active);
    let taken = rows.drain(from..from + count).collect();
    rows.resize(1 << LOG_ROWS, unused);
    taken
}

#[test]
fn honest_parts_break_nothing() {
    assert_eq!(broken(HONEST, HONEST, None), [[""; 0]; 2]);
}

/// COMPARE-4, on the first row of the second part: the first part's last account stands there, too. The key between the parts
/// is one for both: whoever says another breaks `pass` in one of them.
#[test]
fn no_account_is_counted_in_two_parts() {
    let last = row_of(FIRST - 1);
    let twice: Forge = &|rows| {
        let account = rows[0][last..last + SLOTS].to_vec();
        rows[1][..SLOTS].clone_from_slice(&account);
    };
    let [first, second] = broken(twice, HONEST, None);
    assert_eq!((first, second), (vec![], vec!["COMPARE-4".into()]));

    let lower: Forge = &|rows| rows[1][0].previous_key -= 1;
    let [first, second] = broken(twice, lower, None);
    assert_eq!((first, second), (vec![], vec!["bus pass".into()]));

    let book = book_of(ALL as u64, held, false);
    let key = book.members[FIRST - 1].leaf.identity.key() - 1;
    let [first, second] = broken(twice, lower, Some(key));
    assert_eq!((first, second), (vec!["bus pass".into()], vec![]));
}

/// SLOTS-2: every part has as many accounts as the claim says, from its first place on; the tree has them, too.
#[test]
fn no_account_is_left_out_between_parts() {
    let last = row_of(FIRST - 1);
    let changes: [(usize, Forge); 2] = [
        (0, &|rows| drop(take(&mut rows[0], last, SLOTS))),
        (1, &|rows| drop(take(&mut rows[1], 0, SLOTS))),
    ];
    for (part, change) in changes {
        let mut expected = [vec![], vec![]];
        expected[part] = ["SLOTS-2", "bus tree"].map(String::from).to_vec();
        assert_eq!(broken(change, HONEST, None), expected);
    }
    // The tree has it, and the rows begin behind it.
    let behind = broken(
        HONEST,
        &|rows| {
            let children: Vec<_> = rows[1].iter().map(|row| row.children).collect();
            take(&mut rows[1], 0, SLOTS);
            rows[1][0].previous_key = rows[0][last].key;
            for (number, (row, children)) in rows[1].iter_mut().zip(children).enumerate() {
                (row.row, row.children) = (number, children);
            }
        },
        None,
    );
    let expected = ["SLOTS-2", "bus tree"].map(String::from).to_vec();
    assert_eq!(behind, [vec![], expected]);
}

/// SLOTS-2: no account goes on in the next part, neither as another leaf of the same key nor as slots of the same leaf, with
/// SLOTS-4 to SLOTS-6 for what those would be handed.
#[test]
fn no_account_goes_on_in_the_next_part() {
    let last = row_of(FIRST - 1);
    // Of one key, so that it is not compared: what it is handed is nothing.
    let same_key = broken(
        &|rows| {
            let key = rows[0][last].key;
            rows[1][..SLOTS].iter_mut().for_each(|row| row.key = key);
        },
        &|rows| rows[1][0].goes_on = true,
        None,
    );
    assert_eq!(same_key, [vec![], vec![String::from("SLOTS-2")]]);
    // With its last slot, behind those of the first part, which are an account there.
    let slots = broken(
        &|rows| {
            let rest = take(&mut rows[0], last + SLOTS - 1, 1);
            rows[0][last + SLOTS - 2].more = false;
            rows[0][last + SLOTS - 2].seal = rest[0].seal;
            let end = rows[1].iter().rposition(|row| row.active);
            take(&mut rows[1], end.expect("accounts"), 1);
            rows[1].rotate_right(1);
            rows[1][0] = rest[0].clone();
        },
        HONEST,
        None,
    );
    let handed = ["SLOTS-2", "SLOTS-4", "SLOTS-5", "SLOTS-6"];
    assert_eq!(slots, [vec![], handed.map(String::from).to_vec()]);
    // Collateral alone, for an account that does not go on.
    let richer = broken(HONEST, &|rows| rows[1][0].excess[0] += 1 << 60, None);
    assert_eq!(richer, [vec![], vec![String::from("SLOTS-6")]]);
}

/// COMPARE-3 and SLOTS-3: an account of the first part has no slot in the second, be it an account there or a slot of one.
#[test]
fn no_slot_is_named_for_an_account_of_another_part() {
    let key = |rows: &[Vec<SlotRow>]| rows[0][row_of(3)].key;
    let account = broken(&|rows| rows[1][row_of(80)].key = key(rows), HONEST, None);
    assert_eq!(account, [vec![], vec![String::from("COMPARE-3")]]);
    let slot = broken(&|rows| rows[1][1].key = key(rows), HONEST, None);
    let expected = ["COMPARE-3", "SLOTS-3"].map(String::from).to_vec();
    assert_eq!(slot, [vec![], expected]);
    // On the first row, as if it went on.
    let first = broken(
        &|rows| {
            let key = key(rows);
            rows[1][..SLOTS].iter_mut().for_each(|row| row.key = key);
        },
        &|rows| rows[1][0].goes_on = true,
        None,
    );
    let expected = ["COMPARE-3", "SLOTS-2", "SLOTS-3"];
    assert_eq!(first, [vec![], expected.map(String::from).to_vec()]);
}
