//! Books over long lists: what is true is proven, what a dishonest venue would put into rows is refused.

use gadgets::hash::{DIGEST, Digest, Domain, hash, hash_with_head};
use gadgets::limbs::halves_of;
use market::{Account, Balance};
use stark::{TableAir, Trace, cell_test, needless, unproven, violations};

use super::claim::{Accounts, Tables, registers};
use super::fill::{after, holding, slot_rows};
use super::list::List;
use super::split::{LOG_ROWS, SlotSizes, Split};
use super::tables::register;
use super::witness::Change;
use super::*;
use crate::account::HOLDINGS;
use crate::kit::Chain;
use crate::solvency::slots::{Holding, SlotRow, SlotsTable};
use crate::trees::{log_slots, tree};

pub(super) const ASSETS: usize = 24;
/// The row of an account of three slots, and of one of two.
const THREE: usize = 40;
const TWO: usize = 41;

/// 60 accounts with so many holdings each, in the order of the tree.
fn book(held: impl Fn(usize) -> usize, uncovered: bool) -> Arc<SealedBook> {
    book_of(60, held, uncovered)
}

/// So many accounts.
pub(super) fn book_of(
    count: u64,
    held: impl Fn(usize) -> usize,
    uncovered: bool,
) -> Arc<SealedBook> {
    let snapshot = sample::listed_snapshot(ASSETS);
    let mut ids: Vec<u64> = (0..count).collect();
    ids.sort_by_key(|i| Identity::of(&format!("{i:064x}")).key());
    let account = |(place, id): (usize, &u64)| {
        let mut account = sample::listed_account(3, *id, ASSETS, held(place));
        if uncovered && (place == TWO || place == 2) {
            let debt = account.balances.held().map(|(i, _)| i).last();
            account.balances[debt.expect("it holds something")].debt = 1 << 40;
        }
        account
    };
    let accounts: Vec<Account> = ids.iter().enumerate().map(account).collect();
    SealedBook::new(&snapshot, &accounts, 4, &Secret::random()).expect("it fits")
}

/// Mostly one slot; some full, some empty, some of several slots.
fn held(place: usize) -> usize {
    match place {
        0 => 0,
        THREE => 20,
        TWO => 9,
        42 => 16,
        59 => 24,
        _ => 1 + place % 8,
    }
}

/// The row of an account's first slot.
fn row_of(place: usize) -> usize {
    (0..place).map(|i| held(i).div_ceil(HOLDINGS).max(1)).sum()
}

fn filled(book: &Arc<SealedBook>) -> (Vec<TableAir>, Vec<Trace>) {
    let prepared = Prepared::new(book, &Options::default()).expect("it is true");
    let context = Solvency::context(prepared.claim()).expect("it is well-formed");
    let tables = Solvency::part(prepared.claim(), &context, 0).tables;
    (tables, prepared.traces(0))
}

#[test]
fn honest_books_satisfy() {
    for uncovered in [false, true] {
        let (tables, traces) = filled(&book(held, uncovered));
        assert_eq!(violations(&tables, &traces), Vec::new());
        assert_eq!(unproven(&tables), Vec::new());
    }
}

/// A book with uncovered accounts has all columns.
#[test]
fn every_cell_of_slots_is_pinned() {
    let (tables, traces) = filled(&book(held, true));
    let rows = [("slots", row_of(THREE) + 1), ("assets", 24), ("pieces", 2)];
    assert_eq!(cell_test(&tables, &traces, &rows), Vec::new());
}

#[test]
fn each_constraint_of_slots_is_needed() {
    let (tables, traces) = filled(&book(held, true));
    let heavy = row_of(THREE);
    let rows = [
        heavy,
        heavy + 1,
        heavy + 2,
        row_of(TWO),
        row_of(TWO) + 1,
        3,
        80,
        100,
        200,
    ];
    let mut rows: Vec<(&str, usize)> = rows.map(|row| ("slots", row)).to_vec();
    rows.extend([("assets", 0), ("assets", 9), ("assets", 100), ("pieces", 5)]);
    let ids = [
        "SLOTS-1", "SLOTS-2", "SLOTS-3", "SLOTS-4", "SLOTS-5", "SLOTS-6", "SLOTS-7", "SLOTS-8",
        "ASSETS-1", "PIECES-1",
    ];
    assert_eq!(needless(&tables, &traces, &rows, &ids), [""; 0]);
}

/// What a row hands to the next one of its account: the digest of its slots, its last code, its sums.
fn handed(list: &List, row: &SlotRow) -> (Digest, usize, [i128; 2]) {
    let mut elements = Vec::new();
    for holding in &row.holdings {
        elements.push(F::from_usize(holding.code));
        elements.extend(holding.amounts.into_iter().flat_map(halves_of));
    }
    elements.extend(row.before);
    let digest = hash(Domain::Holdings, &elements);
    (digest, row.holdings[HOLDINGS - 1].code, after(list, row))
}

/// Makes what follows from what stands in rows what it is: places, keys, sums, hashes; the roots of the part's granules. The
/// row above the first one is the last of the part before.
pub(super) fn consistent(
    table: &SlotsTable,
    rows: &mut [SlotRow],
    above: Option<&SlotRow>,
) -> Vec<Digest> {
    let nothing = ([F::ZERO; DIGEST], 0, [0; 2]);
    let mut leaves = Vec::new();
    let mut previous_key = above.map_or(0, |row| row.key);
    let mut hand = above.map_or(nothing, |row| handed(&table.list, row));
    for row in rows.iter_mut() {
        if !row.goes_on {
            hand = nothing;
        }
        row.above = leaves.len();
        row.previous_key = previous_key;
        (row.before, row.last_code, row.excess) = hand;
        if !row.active {
            continue;
        }
        previous_key = row.key;
        hand = handed(&table.list, row);
        if !row.more {
            let [low, high] = halves_of(row.key);
            let elements = [row.seal, hand.0].concat();
            let head = [low, high, F::ZERO, F::ZERO];
            leaves.push(hash_with_head(Domain::Account, &head, &elements));
        }
    }
    let nodes = table.forest.nodes(&leaves);
    for (number, row) in rows.iter_mut().enumerate() {
        row.row = number;
        row.children = [[F::ZERO; DIGEST]; 2];
        if table.forest.is_node(number) {
            row.children = [nodes[2 * number], nodes[2 * number + 1]];
        }
    }
    table.forest.roots(&nodes).to_vec()
}

/// A claim that any totals fit.
pub(super) fn hidden() -> Options {
    Options {
        publish_totals: false,
        reserves: Some(vec![1 << 80; ASSETS]),
        ..Options::default()
    }
}

/// Adds to a state what stands in rows.
pub(super) fn add_rows(state: &mut [u128], rows: &[SlotRow]) {
    for row in rows.iter().filter(|row| row.active) {
        state[register::KEY] = row.key.into();
    }
    for holding in rows.iter().flat_map(|row| &row.holdings) {
        let Some(asset) = holding.code.checked_sub(1) else {
            continue;
        };
        let [equity, debt, ..] = holding.amounts.map(u128::from);
        let first = register::FIRST_ASSET + register::PER_ASSET * asset;
        state[first] += equity;
        state[first + 1] += debt;
        state[first + 2] += equity.saturating_sub(debt);
    }
}

/// A change of rows.
type Forge<'a> = &'a dyn Fn(&List, &mut [SlotRow]);
const HONEST: Forge = &|_, _| ();

/// What is wrong with the tables of a venue that commits to `change`, and then puts `lie` into rows.
fn broken(change: Forge, lie: Forge) -> Vec<String> {
    let book = book(held, false);
    let prepared = Prepared::new(&book, &hidden()).expect("it is true");
    let kit::Prepared {
        mut claim,
        context,
        mut witness,
    } = prepared;
    let Accounts::Slots(table, ..) = Tables::new(&claim, &context, 0).accounts else {
        panic!("the list is long");
    };
    let mut rows = slot_rows(&table, &book.members, 0, &witness.trees[0]);
    change(&table.list, &mut rows);
    let roots = consistent(&table, &mut rows, None);
    claim.segments = roots.into_iter().map(Into::into).collect();
    lie(&table.list, &mut rows);
    let chain = Chain::new::<Solvency>(&book.secret, &"forged");
    let registers = registers(ASSETS, false).len();
    witness.states = chain.run(registers, 1, |_, state| add_rows(state, &rows));
    let put = |at: &mut [SlotRow]| at.clone_from_slice(&rows);
    let change = Change {
        slots: &put,
        ..Change::NONE
    };
    let tables: Vec<TableAir> = Tables::new(&claim, &context, 0).airs();
    violated(&tables, &witness.traces_after(&claim, &context, 0, &change))
}

/// The place of an account with six holdings.
const SIX: usize = 5;

/// So much equity of an asset, and nothing else.
fn equity(list: &List, code: usize, equity: u64) -> Holding {
    let balance = Balance {
        equity,
        ..Balance::default()
    };
    holding(list, code - 1, &balance)
}

/// Of the coins in a row, the first with ten tiers.
fn tiered(row: &SlotRow) -> usize {
    let at = row.holdings.iter().position(|h| h.code % 4 == 1);
    at.expect("it holds such a coin")
}

#[test]
fn honest_rows_break_nothing() {
    assert_eq!(broken(HONEST, HONEST), [""; 0]);
}

/// SLOTS-4: within a slot and from slot to slot. The gap between two codes is less than zero.
#[test]
fn no_asset_stands_twice() {
    let (six, heavy) = (row_of(SIX), row_of(THREE));
    let in_slot = broken(
        &|list, rows| {
            let code = rows[six].holdings[0].code;
            rows[six].holdings[1] = equity(list, code, 7);
        },
        HONEST,
    );
    assert_eq!(in_slot, ["bus limb"]);
    let in_next = broken(
        &|list, rows| {
            let code = rows[heavy].holdings[7].code;
            rows[heavy + 1].holdings[0] = equity(list, code, 7);
        },
        HONEST,
    );
    assert_eq!(in_next, ["bus limb"]);
}

/// SLOTS-4: with a gap, an asset could stand on both sides of it; so could it in slots behind one that is not full.
#[test]
fn holdings_have_no_gaps() {
    let (six, heavy, two) = (row_of(SIX), row_of(THREE), row_of(TWO));
    let changes: [Forge; 4] = [
        &|_, rows| rows[six].holdings[2] = Holding::EMPTY,
        &|_, rows| rows[heavy].holdings[7] = Holding::EMPTY,
        &|_, rows| rows[two + 1].holdings = [Holding::EMPTY; HOLDINGS],
        // An unused row.
        &|list, rows| rows[200].holdings[0] = equity(list, 3, 7),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        assert_eq!(broken(change, HONEST), ["SLOTS-4"], "{i}");
    }
}

/// What the leaf commits to is another asset.
#[test]
fn holdings_count_for_their_own_asset() {
    let six = row_of(SIX);
    let other = broken(HONEST, &|list, rows| {
        let last = &mut rows[six].holdings[5];
        // The gap before the code is as wide as is needed.
        let code = if last.code < ASSETS {
            last.code + 1
        } else {
            last.code - 1
        };
        *last = equity(list, code, last.amounts[0]);
    });
    assert!(other.contains(&"bus tree".into()), "{other:?}");
    // ASSETS-2: what has no code counts for nothing.
    let none = broken(&|_, rows| rows[six].holdings[7].amounts[0] = 5, HONEST);
    assert_eq!(none, ["ASSETS-2"]);
}

/// Pieces are those of the holding's own asset and schedule, and hold the pledge.
#[test]
fn haircuts_are_those_of_the_asset() {
    let six = row_of(SIX);
    for (codes, schedule) in [(4, 1), (0, 2)] {
        let of_other = broken(HONEST, &|list, rows| {
            let at = tiered(&rows[six]);
            let holding = &mut rows[six].holdings[at];
            let code = (holding.code + codes - 1) % ASSETS + 1;
            holding.pieces[1] = list.piece(code, schedule, holding.amounts[3]);
        });
        assert_eq!(of_other, ["bus piece"]);
    }
    for down in [false, true] {
        let other_tier = broken(
            &|list, rows| {
                let balance = Balance {
                    equity: 1 << 55,
                    loan: if down { 1 << 50 } else { 1 },
                    ..Balance::default()
                };
                let at = tiered(&rows[six]);
                let code = rows[six].holdings[at].code;
                rows[six].holdings[at] = holding(list, code - 1, &balance);
            },
            &|_, rows| {
                let at = tiered(&rows[six]);
                let piece = &mut rows[six].holdings[at].pieces[0];
                *piece = if down { *piece - 1 } else { *piece + 1 };
            },
        );
        assert!(!other_tier.is_empty(), "{down}");
        let compared = |id: &String| id.starts_with("COMPARE");
        assert!(other_tier.iter().all(compared), "{other_tier:?}");
    }
    let pledged = broken(
        &|_, rows| {
            let amounts = &mut rows[six].holdings[0].amounts;
            *amounts = [amounts[0], 0, amounts[0], 1, 0];
        },
        HONEST,
    );
    assert!(pledged.contains(&"COMPARE-7".into()), "{pledged:?}");
}

/// COMPARE-4: no two accounts have one key, so an account cannot be two, of which one has the debts; SLOTS-3: nor has an
/// account two keys.
#[test]
fn an_account_is_not_split() {
    let heavy = row_of(THREE);
    let split = broken(
        &|_, rows| {
            rows[heavy].more = false;
            rows[heavy + 1].goes_on = false;
            rows[heavy].seal = rows[heavy + 2].seal;
            // Another account less.
            let last = row_of(59);
            let unused = rows[255].clone();
            rows[last..last + 3].fill(unused);
        },
        HONEST,
    );
    assert_eq!(split, ["COMPARE-4"]);
    let keys = broken(&|_, rows| rows[heavy + 2].key += 1, HONEST);
    assert_eq!(keys, ["SLOTS-3"]);
}

/// SLOTS-5: an account's slots are all there; SLOTS-6: and so is what they are worth together.
#[test]
fn all_slots_of_an_account_count() {
    let heavy = row_of(THREE);
    let omitted = broken(HONEST, &|_, rows| {
        let children: Vec<[Digest; 2]> = rows.iter().map(|row| row.children).collect();
        rows[heavy..].rotate_left(1);
        let last = rows.len() - 1;
        rows[last] = rows[last - 1].clone();
        (rows[heavy].goes_on, rows[heavy].last_code) = (false, 0);
        rows[heavy].excess = [0; 2];
        rows[heavy + 1].last_code = rows[heavy].holdings[7].code;
        // The nodes stay where they were.
        for (number, (row, children)) in rows.iter_mut().zip(children).enumerate() {
            (row.row, row.children) = (number, children);
        }
    });
    assert!(omitted.contains(&"SLOTS-5".into()), "{omitted:?}");
    let richer = broken(HONEST, &|_, rows| rows[heavy + 1].excess[0] += 1 << 60);
    assert_eq!(richer, ["SLOTS-6"]);
    let indebted = broken(
        &|_, rows| {
            // Covered by no slot.
            let holdings = &mut rows[heavy + 1].holdings;
            holdings.iter_mut().for_each(|h| h.amounts[1] = 1 << 50);
        },
        HONEST,
    );
    assert_eq!(indebted, ["SLOTS-6"]);
    let sealed = broken(HONEST, &|_, rows| rows[heavy].seal[3] = F::ONE);
    assert!(sealed.contains(&"SLOTS-5".into()), "{sealed:?}");
}

/// The granules of parts make the tree of the book, whatever the class of slots.
#[test]
fn parts_make_the_tree() {
    let leaf = |i: usize| -> Digest { [F::from_usize(i + 1); DIGEST] };
    for (count, slots) in [(40, 1), (300, 1), (700, 20), (1_500, 9), (2_100, 64)] {
        let slots: Vec<usize> = (0..count).map(|i| 1 + i % slots).collect();
        let sizes = Split::sizes(&slots);
        let split = Split::new(count as u64, &sizes).expect("it fits");
        let leaves: Vec<Digest> = (0..count).map(leaf).collect();
        let mut roots = Vec::new();
        for part in 0..split.count() {
            let accounts = split.accounts(part);
            let rows: usize = slots[accounts.clone()].iter().sum();
            assert!(rows <= 1 << split.log_rows(part), "{count}: part {part}");
            let forest = split.forest(part);
            roots.extend(forest.roots(&forest.nodes(&leaves[accounts])).to_vec());
        }
        assert_eq!(roots.len(), split.roots());
        let mut whole = leaves;
        whole.resize(1 << log_slots(count as u64), Digest::default());
        assert_eq!(split.root(&roots), tree(whole)[1], "{count}");
    }
}

/// Heavy accounts make parts of fewer accounts, and the heaviest fit.
#[test]
fn classes_fit() {
    let accounts = |slots: usize| Split::sizes(&vec![slots; 20_000]).accounts;
    assert_eq!(accounts(1), 1 << LOG_ROWS);
    assert_eq!(accounts(2), 1 << (LOG_ROWS - 1));
    assert_eq!(accounts(64), 128);
    let mut slots = vec![1; 20_000];
    slots[5] = 2;
    assert_eq!(Split::sizes(&slots).accounts, 15 << (LOG_ROWS - 4));
    let none = [
        (0, 8),
        (17, 8),
        (8_191, 13),
        (1 << 14, 13),
        (8_192, 7),
        (8_192, 14),
        // 3616 accounts in the last part have more places than 2^11.
        (8_192, 11),
    ];
    for (accounts, last) in none {
        assert!(Split::new(20_000, &SlotSizes { accounts, last }).is_err());
    }
    let (accounts, last) = (8_192, 12);
    assert!(Split::new(20_000, &SlotSizes { accounts, last }).is_ok());
}

/// Users find all that they hold, in however many slots; what they do not hold is not found.
#[test]
fn inclusion_files_cover_all_slots() {
    let book = book(held, false);
    let prepared = Prepared::new(&book, &Options::default()).expect("it is true");
    let claim = prepared.claim();
    for (place, file) in book.inclusions().enumerate() {
        let account = file
            .check(&claim.snapshot, &claim.book)
            .expect("it is there");
        assert_eq!(account.balances.held().count(), held(place));
    }
    let file = book.inclusions().nth(THREE).expect("it is there");
    let nothing = file
        .balances
        .iter()
        .position(|b| b[0] == 0)
        .expect("20 of 24");
    let last = file
        .balances
        .iter()
        .rposition(|b| b[0] > 0)
        .expect("20 of 24");
    for (at, amount) in [(nothing, 1), (last, 0), (last, file.balances[last][0] + 1)] {
        let mut other = file.clone();
        other.balances[at] = [amount, 0, 0, 0, 0];
        assert!(other.check(&claim.snapshot, &claim.book).is_err());
    }
}

/// Sizes of slots stand in claims about long lists, and only there.
#[test]
fn sizes_belong_to_long_lists() {
    let prepared = Prepared::new(&book(held, false), &Options::default()).expect("it is true");
    let mut claim = prepared.claim().clone();
    assert!(Solvency::context(&claim).is_ok());
    let sizes = claim.slots.take();
    assert!(Solvency::context(&claim).is_err());
    let accounts: Vec<_> = (0..40).map(|i| sample::exchange_account(9, i)).collect();
    let snapshot = sample::exchange_snapshot();
    let short = SealedBook::new(&snapshot, &accounts, 4, &Secret::random()).expect("it fits");
    let short = Prepared::new(&short, &Options::default()).expect("it is true");
    let mut claim = short.claim().clone();
    assert_eq!(claim.slots, None);
    claim.slots = sizes;
    assert!(Solvency::context(&claim).is_err());
}
