//! Comparison: every pair of boundary values, every constraint broken alone.

mod common;

use common::{Fixture, HEIGHT, LOG_HEIGHT};
use gadgets::compare::{Chunks, assert_at_most, assert_less, assert_sum_at_most, less_than};
use gadgets::limbs::Limbs;
use stark::{F, Field, P, PrimeCharacteristicRing, PrimeField32, RowBuilder, Table};

/// What a table does with its two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Task {
    Less,
    AssertLess,
    AssertAtMost,
}

/// Two numbers of `N` limbs. Columns: x (N), y (N), the result of `Less`, a pointer for every chunk from the
/// top, two limbs, a tag.
#[derive(Clone)]
struct Pair<const N: usize>(Task);

impl<const N: usize> Table for Pair<N> {
    type Row = (u64, u64);
    fn name(&self) -> &'static str {
        "pair"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<Self::Row>>(&self, b: &mut B) {
        let x = Limbs::read(b, N, |w: &Self::Row| w.0.into());
        let y = Limbs::read(b, N, |w: &Self::Row| w.1.into());
        let limbs = [x.to_vec(), y.to_vec()].concat();
        let (x, y) = (x.chunks(), y.chunks());
        match self.0 {
            Task::Less => {
                less_than(b, &x, &y);
            }
            Task::AssertLess => assert_less(b, &x, &y),
            Task::AssertAtMost => assert_at_most(b, &x, &y),
        }
        // Chunks below the one that decides play no part: this pins the numbers themselves.
        let tag = limbs
            .into_iter()
            .fold(b.one(), |tag, limb| tag * F::from_u64(3) + limb);
        let cell = b.derive([&tag], |[t]| t);
        b.equal("TAG", cell, tag);
    }
}

/// Three numbers and a total, of six limbs each: columns 0-17 and 18-23; then for each chunk its two
/// limbs of slack and, but for the last, two bits of borrow.
#[derive(Clone)]
struct Sums;

impl Table for Sums {
    type Row = [u64; 4];
    fn name(&self) -> &'static str {
        "sums"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<[u64; 4]>>(&self, b: &mut B) {
        let numbers: [Chunks<B::E>; 4] =
            std::array::from_fn(|i| Limbs::read(b, 6, |w: &[u64; 4]| w[i].into()).chunks());
        let (total, parts) = numbers.split_last().expect("four numbers");
        assert_sum_at_most(b, parts, total);
    }
}

const BOUNDARIES_30: [u64; 16] = [
    0,
    1,
    2,
    1023,
    1024,
    (1 << 20) - 1,
    1 << 20,
    (1 << 20) + 1,
    1 << 29,
    (1 << 29) + 1,
    (1 << 30) - (1 << 24),
    (1 << 30) - (1 << 24) - 1,
    (1 << 30) - (1 << 20),
    (1 << 30) - 1024,
    (1 << 30) - 2,
    (1 << 30) - 1,
];

fn boundaries_60() -> [u64; 16] {
    std::array::from_fn(|i| match i {
        0..5 => BOUNDARIES_30[i],
        5 => u64::from(P),
        6 => u64::from(P) - 1,
        7 => 1 << 31,
        8 => (1 << 31) - 1,
        9 => 1 << 40,
        10 => (1 << 40) - 1,
        11 => (1 << 40) + (1 << 20),
        12 => 1 << 59,
        13 => (1 << 60) - (1 << 20),
        14 => (1 << 60) - 2,
        _ => (1 << 60) - 1,
    })
}

fn pairs(values: [u64; 16]) -> impl Fn(usize) -> (u64, u64) + Sync {
    move |row| (values[row / 16], values[row % 16])
}

// POSITIVE

#[test]
fn less_than_is_right_for_all_boundary_pairs() {
    let t = Fixture::new(&Pair::<3>(Task::Less), pairs(BOUNDARIES_30));
    let (x_is_less, wide_is_less) = (6, 12);
    t.assert_sound(&[17, 200], 6);
    for row in 0..HEIGHT {
        let (x, y) = pairs(BOUNDARIES_30)(row);
        assert_eq!(t.number(row, x_is_less), u32::from(x < y), "{x} < {y}");
    }
    let wide = Fixture::new(&Pair::<6>(Task::Less), pairs(boundaries_60()));
    wide.assert_sound(&[17, 200], 12);
    assert_eq!(wide.width(), 12 + 1 + 3 + 2 + 1);
    for row in 0..HEIGHT {
        let (x, y) = pairs(boundaries_60())(row);
        let bit = wide.number(row, wide_is_less);
        assert_eq!(bit, u32::from(x < y), "{x} < {y}");
    }
}

#[test]
fn assertions_accept_what_is_true() {
    let ordered = |row: usize| {
        let (x, y) = pairs(BOUNDARIES_30)(row);
        if x == y {
            (x, x + 1)
        } else {
            (x.min(y), x.max(y))
        }
    };
    // 2^30 - 1 has no successor in three limbs; its row compares the one below.
    let ordered = |row: usize| {
        if row == HEIGHT - 1 {
            (5, 7)
        } else {
            ordered(row)
        }
    };
    Fixture::new(&Pair::<3>(Task::AssertLess), ordered).assert_sound(&[], 6);
    let ordered = |row: usize| {
        let (x, y) = pairs(boundaries_60())(row);
        (x.min(y), x.max(y))
    };
    Fixture::new(&Pair::<6>(Task::AssertAtMost), ordered).assert_sound(&[17], 12);
}

// NEGATIVE

/// 3 < 5 on every row; columns: x 0-2, y 3-5, result 6, pointers to the upper chunk 7 and the lower 8,
/// limbs 9 and 10.
fn three_and_five() -> Fixture {
    Fixture::new(&Pair::<3>(Task::Less), |_| (3, 5))
}

/// The upper chunk differs by 4, the lower one by -2.
fn two_differences() -> Fixture {
    Fixture::new(&Pair::<3>(Task::Less), |_| ((1 << 20) + 5, (5 << 20) + 3))
}

#[test]
fn compare_1_at_most_one_chunk_is_pointed_at() {
    // Half a pointer to a chunk that differs by 4 and half of one to a chunk that differs by -2: the
    // pointers add up to 1, and the difference is 2 - 1 = 1, without limbs being wrong.
    let half = F::TWO.inverse();
    two_differences().expect(&["COMPARE-1", "COMPARE-2"], |t| {
        t.set(9, 7, half);
        t.set(9, 8, half);
        t.set_limb(9, 9, F::ZERO);
    });
    // Two pointers, where the lower chunks are equal: 4 + 0 = 2 + 2.
    let t = Fixture::new(&Pair::<3>(Task::Less), |_| (1 << 20, 5 << 20));
    t.expect(&["COMPARE-1", "COMPARE-4"], |t| {
        t.set(9, 8, F::ONE);
        t.set_limb(9, 9, F::TWO);
    });
}

#[test]
fn compare_2_chunks_above_are_equal() {
    // 2^20 + 3 is less than 5 if only the lower chunks are looked at.
    let t = Fixture::new(&Pair::<3>(Task::Less), |_| ((1 << 20) + 3, 5));
    t.expect(&["COMPARE-2"], |t| {
        t.set(9, 6, F::ONE);
        t.set(9, 7, F::ZERO);
        t.set(9, 8, F::ONE);
        t.set_limb(9, 9, F::ONE);
    });
    // Nor is it equal to anything.
    let t = Fixture::new(&Pair::<3>(Task::Less), |_| (5, 3));
    t.expect(&["COMPARE-2"], |t| {
        t.set(9, 8, F::ZERO);
        t.set_limb(9, 9, F::ZERO);
    });
}

#[test]
fn compare_3_pins_the_result_in_both_directions() {
    three_and_five().expect(&["COMPARE-3"], |t| t.set(9, 6, F::ZERO));
    let not_less = Fixture::new(&Pair::<3>(Task::Less), |_| (5, 3));
    not_less.expect(&["COMPARE-3"], |t| t.set(9, 6, F::ONE));
    // Any other difference, and any without a pointer.
    three_and_five().expect(&["COMPARE-3"], |t| t.set_limb(9, 9, F::TWO));
    let equal = Fixture::new(&Pair::<3>(Task::Less), |_| (5, 5));
    equal.expect(&["COMPARE-3"], |t| t.set_limb(9, 9, F::ONE));
    // A pointer to chunks that are equal needs a difference of -1.
    equal.expect(&["COMPARE-3"], |t| t.set(9, 8, F::ONE));
}

#[test]
fn compare_4_equal_numbers_are_not_less() {
    let equal = Fixture::new(&Pair::<3>(Task::Less), |_| (5, 5));
    equal.expect(&["COMPARE-4"], |t| t.set(9, 6, F::ONE));
}

#[test]
fn compare_5_a_result_is_a_bit() {
    // Equal numbers are equal in any direction.
    let equal = Fixture::new(&Pair::<3>(Task::AssertLess), |_| (5, 6));
    assert!(equal.wrong().is_empty());
    let equal = Fixture::new(&Pair::<3>(Task::Less), |_| (5, 5));
    equal.expect(&["COMPARE-4", "COMPARE-5"], |t| t.set(9, 6, F::TWO));
    // (2 * 3/2 - 1) * 2 = 4: the result 3/2 fits the limbs of another difference.
    let result = F::from_u64(3) * F::TWO.inverse();
    three_and_five().expect(&["COMPARE-5"], |t| {
        t.set(9, 6, result);
        t.set_limb(9, 9, F::from_u64(3));
    });
}

#[test]
fn a_difference_outside_its_range_unbalances_the_limbs() {
    // The result 0 fits if the limbs may hold -2 - 1.
    three_and_five().expect(&["bus limb"], |t| {
        t.set(9, 6, F::ZERO);
        t.set_limb(9, 9, -F::from_u64(3));
    });
    // A limb of 2^10 is no limb.
    let carry = Fixture::new(&Pair::<3>(Task::Less), |_| (0, 1025));
    carry.expect(&["bus limb"], |t| {
        t.set_limb(3, 10, F::ZERO);
        t.set_limb(3, 9, F::from_u64(1024));
    });
}

#[test]
fn false_assertions_have_no_witness() {
    for (x, y) in [(5, 3), ((1 << 30) - 1, 0), (1 << 20, (1 << 20) - 1)] {
        let t = Fixture::new(&Pair::<3>(Task::AssertLess), move |_| (x, y));
        assert_eq!(t.wrong(), ["COMPARE-3"], "{x} < {y}");
    }
    let equal = Fixture::new(&Pair::<3>(Task::AssertLess), |_| (5, 5));
    assert_eq!(equal.wrong(), ["COMPARE-4"]);
    for (x, y) in [(5, 3), ((1 << 60) - 1, 0), (u64::from(P), u64::from(P) - 1)] {
        let t = Fixture::new(&Pair::<6>(Task::AssertAtMost), move |_| (x, y));
        assert_eq!(t.wrong(), ["COMPARE-3"], "{x} <= {y}");
    }
}

const MOST: u64 = (1 << 60) - 1;

#[test]
fn sums_of_three_stay_below_their_total() {
    let rows = [
        [0, 0, 0, 0],
        [1, 2, 3, 6],
        [1, 2, 3, 1 << 20],
        [MOST / 3, MOST / 3, MOST / 3, MOST],
        [(1 << 20) - 1, (1 << 20) - 1, (1 << 20) - 1, 3 << 20],
        [(1 << 40) - 1, (1 << 40) - 1, (1 << 40) - 1, (3 << 40) - 3],
        [MOST, 0, 0, MOST],
    ];
    let t = Fixture::new(&Sums, |row| rows[row % rows.len()]);
    t.assert_sound(&[3, 4, 5], 24);
    for row in [
        [1, 2, 3, 5],
        [MOST, 1, 0, MOST],
        [MOST, MOST, MOST, 0],
        [MOST, MOST, MOST, MOST],
        [1, 0, 0, 0],
    ] {
        let t = Fixture::new(&Sums, move |_| row);
        assert_eq!(t.wrong(), ["COMPARE-7"], "{row:?}");
    }
}

#[test]
fn compare_6_borrows_are_bits() {
    // 1 + 1 + 1 of 2^20 + 2. Slack 24-25, borrow 26-27, slack 28-29, borrow 30-31, slack 32-33.
    let t = Fixture::new(&Sums, |_| [1, 1, 1, 2 + (1 << 20)]);
    // A borrow of 2^-20 leaves no slack in the lowest chunk; the others take any remainder modulo p.
    let part = F::from_u64(1 << 20).inverse();
    let rest = F::ONE - part;
    let limb = |i: usize| F::from_u64(u64::from(rest.as_canonical_u32()) >> (10 * i) & 1023);
    let middle = limb(0) + limb(1) * F::from_u64(1 << 10);
    t.expect(&["COMPARE-6"], |t| {
        t.set(5, 26, part);
        t.set_limb(5, 24, F::ZERO);
        t.set_limb(5, 25, F::ZERO);
        t.set_limb(5, 28, limb(0));
        t.set_limb(5, 29, limb(1));
        t.set(5, 30, (middle - rest) * part);
        t.set_limb(5, 32, limb(2));
        t.set_limb(5, 33, limb(3));
    });
}

/// The row's number modulo 3, and whether it is not zero.
struct NotZero;

impl Table for NotZero {
    type Row = u64;
    fn name(&self) -> &'static str {
        "numbers"
    }
    fn log_height(&self) -> usize {
        stark::MIN_LOG_HEIGHT
    }
    fn row<B: RowBuilder<u64>>(&self, b: &mut B) {
        let value = b.cell(|w| F::from_u64(*w));
        gadgets::compare::is_not_zero(b, &value);
    }
}

#[test]
fn compare_8_a_value_is_zero_or_has_an_inverse() {
    let air = stark::TableAir::new(NotZero);
    let honest = stark::fill(&NotZero, &air, &stark::Tally::default(), |row| {
        row as u64 % 3
    });
    let wrong = |row: usize, cells: [F; 2]| {
        let mut trace = honest.clone();
        let first = row * air.width() + 1;
        trace.values[first..first + 2].copy_from_slice(&cells);
        stark::violated(std::slice::from_ref(&air), std::slice::from_ref(&trace))
    };
    let half = F::TWO.inverse();
    assert_eq!(wrong(2, [half, F::ONE]), [""; 0]);
    // Said to be zero, said to be half, with an inverse of zero.
    for (row, cells) in [
        (2, [F::ZERO, F::ZERO]),
        (2, [half * half, half]),
        (0, [F::ZERO, F::ONE]),
        (0, [F::TWO, F::ZERO]),
    ] {
        assert_eq!(wrong(row, cells), ["COMPARE-8"], "{row} {cells:?}");
    }
}
