//! Strictly increasing keys: padding, the last row, borrows, duplicates.

mod common;

use common::{Fixture, HEIGHT, LOG_HEIGHT};
use gadgets::sorted::{KEY_LIMBS, strictly_increasing};
use stark::{F, Field, P, PrimeCharacteristicRing, RowBuilder, Table};

/// Columns: used 0, key 1-6, linked 7, gap 8-9, borrow 10, gap 11-12, borrow 13, gap 14-15, halves 16-17.
#[derive(Clone)]
struct Keys;

const USED: usize = 0;
const KEY: usize = 1;
const LINKED: usize = 7;
const GAP: [usize; KEY_LIMBS] = [8, 9, 11, 12, 14, 15];
const BORROW: [usize; 2] = [10, 13];

impl Table for Keys {
    type Row = [Option<u64>; 2];
    fn name(&self) -> &'static str {
        "keys"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<Self::Row>>(&self, b: &mut B) {
        let sorted = strictly_increasing(b, |w: &Self::Row| *w);
        for half in sorted.halves() {
            let cell = b.derive([&half], |[v]| v);
            b.equal("HALF", cell, half);
        }
        // A used row is seen by the rest of a real table; here only that it is the same cell.
        let used = b.derive([&sorted.used], |[v]| v);
        b.equal("USED", used, sorted.used);
    }
}

fn table(keys: &[u64]) -> Fixture {
    let keys = keys.to_vec();
    Fixture::new(&Keys, move |row| {
        [keys.get(row).copied(), keys.get(row + 1).copied()]
    })
}

const TOP: u64 = (1 << 60) - 1;

// POSITIVE

#[test]
fn increasing_keys_are_accepted() {
    let boundaries = [
        0,
        1,
        1023,
        1024,
        (1 << 20) - 1,
        1 << 20,
        (1 << 30) - 1,
        1 << 30,
        u64::from(P) - 1,
        u64::from(P),
        (1 << 31) - 1,
        1 << 31,
        (1 << 40) - 1,
        1 << 40,
        (1 << 40) + 1,
        TOP - 1,
        TOP,
    ];
    table(&boundaries).assert_sound(&[2, 4, 6, 15, 16, 17, 18], 7);
}

#[test]
fn any_number_of_rows_is_accepted() {
    table(&[]).assert_sound(&[], 7);
    table(&[0]).assert_sound(&[], 7);
    table(&[TOP]).assert_sound(&[], 7);
    let full: Vec<u64> = (0..HEIGHT as u64)
        .map(|i| i * i * i + 1_000_003 * i)
        .collect();
    table(&full).assert_sound(&[7], 7);
    // One row is left over.
    table(&full[..HEIGHT - 1]).assert_sound(&[HEIGHT - 2], 7);
}

// NEGATIVE

#[test]
fn duplicates_and_descents_have_no_witness() {
    for keys in [
        [5, 5],
        [0, 0],
        [TOP, TOP],
        [6, 5],
        [TOP, 0],
        [1 << 20, 1],
        [1 << 40, 1 << 20],
    ] {
        assert_eq!(table(&keys).wrong(), ["SORTED-5"], "{keys:?}");
    }
}

/// 3, 5, 9 and padding.
fn three() -> Fixture {
    table(&[3, 5, 9])
}

#[test]
fn sorted_1_used_is_a_bit() {
    // Used twice.
    let t = table(&[0]);
    t.expect(&["SORTED-1"], |t| {
        t.set(0, USED, F::TWO);
        t.set(0, 18, F::TWO);
    });
}

#[test]
fn sorted_2_nothing_follows_padding() {
    // A second list below the padding: rows 4 and 5 hold 1 and 2.
    three().expect(&["SORTED-2"], |t| {
        for (row, key) in [(4, 1), (5, 2)] {
            t.set(row, USED, F::ONE);
            t.set(row, 18, F::ONE);
            t.set_limb(row, KEY, F::from_u64(key));
            t.set(row, 16, F::from_u64(key));
        }
        // Row 3 is linked to 4, and its key, zero, is less; row 4 to 5.
        t.set(3, LINKED, F::ONE);
        t.set(4, LINKED, F::ONE);
    });
}

#[test]
fn sorted_3_padding_has_key_zero() {
    three().expect(&["SORTED-3"], |t| {
        t.set_limb(7, KEY, F::from_u64(4));
        t.set(7, 16, F::from_u64(4));
    });
}

#[test]
fn sorted_4_links_follow_use() {
    // A duplicate that claims not to be linked.
    let t = table(&[3, 3]);
    t.expect(&["SORTED-4"], |t| {
        t.set(0, LINKED, F::ZERO);
        for column in GAP {
            t.set_limb(0, column, F::ZERO);
        }
        for column in BORROW {
            t.set(0, column, F::ZERO);
        }
    });
    // The last row of a full table is not compared with the first.
    let full: Vec<u64> = (0..HEIGHT as u64).collect();
    let t = table(&full);
    t.expect(&["SORTED-4", "SORTED-5"], |t| {
        t.set(HEIGHT - 1, LINKED, F::ONE)
    });
}

#[test]
fn sorted_5_the_gap_is_the_difference() {
    three().expect(&["SORTED-5"], |t| t.set_limb(0, GAP[0], F::from_u64(2)));
    three().expect(&["SORTED-5"], |t| t.set(0, BORROW[0], F::ONE));
    // Padding has no gap either.
    three().expect(&["SORTED-5"], |t| t.set_limb(9, GAP[3], F::ONE));
    // Unequal keys made to look increasing need a gap that is no limb.
    let descending = table(&[5, 4]).forged(|t| {
        for column in &GAP[..5] {
            t.set_limb(0, *column, F::ZERO);
        }
        for column in BORROW {
            t.set(0, column, F::ZERO);
        }
        t.set_limb(0, GAP[5], F::ZERO);
        t.set_limb(0, GAP[0], -F::TWO);
    });
    assert_eq!(descending.wrong(), ["bus limb"]);
}

#[test]
fn sorted_6_borrows_are_bits() {
    // A duplicate: the borrow 1 / 2^20 makes the lowest gap zero, the next one 1 / 2^40, and so on up to
    // the top, where -borrow must be zero. So the chain is closed by a key whose top differs.
    let t = table(&[5, (1 << 40) + 5]);
    let first = F::from_u64(1 << 20).inverse();
    // Chunk 0: -1 + 2^20 * first = 0. Chunk 1: -first + 2^20 * second = 0. Chunk 2: 1 - second = gap: no.
    let second = first * first;
    t.expect(&["SORTED-5", "SORTED-6"], |t| {
        t.set(0, BORROW[0], first);
        t.set(0, BORROW[1], second);
        for column in GAP {
            t.set_limb(0, column, F::ZERO);
        }
    });
    // Choose the second borrow 1 instead: the middle gap is 2^20 - first, no limbs.
    t.expect(&["SORTED-6", "bus limb"], |t| {
        t.set(0, BORROW[0], first);
        t.set_limb(0, GAP[0], F::ZERO);
        t.set_limb(0, GAP[1], F::ZERO);
        t.set_limb(0, GAP[2], -first + F::from_u64(1 << 20));
        t.set_limb(0, GAP[3], F::ZERO);
    });
}

#[test]
fn a_key_has_one_encoding() {
    // v + p in other limbs is another key: 2^60 has room, so the halves differ.
    let t = table(&[7]);
    t.expect(&["bus limb"], |t| {
        // 7 + 1024 - 1024: limbs 1031 and -1.
        t.set_limb(0, KEY, F::from_u64(7 + 1024));
        t.set_limb(0, KEY + 1, F::NEG_ONE);
    });
}
