//! Comparison: every pair of boundary values, every constraint broken alone.

mod common;

use common::{Fixture, HEIGHT, LOG_HEIGHT};
use gadgets::compare::{
    assert_at_most, assert_less, is_negative, less_than, read_limbs, sign, signed_value,
    with_offset,
};
use stark::{F, Field, P, PrimeCharacteristicRing, RowBuilder, Table, signed_felt};

/// What a table does with its two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Task {
    Less,
    AssertLess,
    AssertAtMost,
}

/// Two numbers of `N` limbs. Columns: x (N), y (N), then for every chunk its borrow and its limbs.
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
        let x: [B::E; N] = read_limbs(b, |w: &Self::Row| w.0);
        let y: [B::E; N] = read_limbs(b, |w: &Self::Row| w.1);
        match self.0 {
            Task::Less => {
                less_than(b, &x, &y);
            }
            Task::AssertLess => assert_less(b, &x, &y),
            Task::AssertAtMost => assert_at_most(b, &x, &y),
        }
    }
}

/// A number of two limbs with offset, its value and its sign: columns 0, 1; 2; 3 sign, 4 rest.
#[derive(Clone)]
struct Signed;

impl Table for Signed {
    type Row = i64;
    fn name(&self) -> &'static str {
        "signed"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<i64>>(&self, b: &mut B) {
        let limbs: [B::E; 2] = read_limbs(b, |w: &i64| with_offset(*w, 2).expect("20 bits"));
        let value = b.cell(|w| signed_felt(*w));
        b.equal("VALUE", value, signed_value(&limbs));
        sign(b, &limbs);
    }
}

/// A small number: column 0; limbs 1, 2, 3; 4 sign, 5 rest.
#[derive(Clone)]
struct Small;

impl Table for Small {
    type Row = i64;
    fn name(&self) -> &'static str {
        "small"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<i64>>(&self, b: &mut B) {
        let x = b.cell(|w| signed_felt(*w));
        is_negative(b, &x);
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
    let (x_is_less, wide_is_less) = (9, 20);
    t.assert_sound(&[17, 200]);
    for row in 0..HEIGHT {
        let (x, y) = pairs(BOUNDARIES_30)(row);
        assert_eq!(t.number(row, x_is_less), u32::from(x < y), "{x} < {y}");
    }
    let wide = Fixture::new(&Pair::<6>(Task::Less), pairs(boundaries_60()));
    wide.assert_sound(&[17, 200]);
    assert_eq!(wide.width(), 12 + 9);
    for row in 0..HEIGHT {
        let (x, y) = pairs(boundaries_60())(row);
        let bit = wide.number(row, wide_is_less - 2);
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
    Fixture::new(&Pair::<3>(Task::AssertLess), ordered).assert_sound(&[]);
    let ordered = |row: usize| {
        let (x, y) = pairs(boundaries_60())(row);
        (x.min(y), x.max(y))
    };
    Fixture::new(&Pair::<6>(Task::AssertAtMost), ordered).assert_sound(&[17]);
}

#[test]
fn signs_are_right() {
    let half = 1i64 << 19;
    let values = [
        0,
        1,
        -1,
        half - 1,
        -half,
        511,
        512,
        -512,
        -513,
        1024,
        -1024,
        7,
    ];
    let t = Fixture::new(&Signed, |row| values[row % values.len()]);
    t.assert_sound(&[4]);
    for row in 0..HEIGHT {
        assert_eq!(t.number(row, 3), u32::from(values[row % values.len()] < 0));
    }
    let half = 1i64 << 29;
    let values = [
        0,
        1,
        -1,
        half - 1,
        -half,
        half - 1024,
        -1024,
        1 << 20,
        -(1 << 20),
    ];
    let t = Fixture::new(&Small, |row| values[row % values.len()]);
    t.assert_sound(&[3, 4]);
    for row in 0..HEIGHT {
        assert_eq!(t.number(row, 4), u32::from(values[row % values.len()] < 0));
    }
}

#[test]
fn offsets_keep_the_order() {
    assert_eq!(with_offset(-512, 1), Some(0));
    assert_eq!(with_offset(511, 1), Some(1023));
    assert_eq!(with_offset(0, 6), Some(1 << 59));
    for (value, limbs) in [
        (512, 1),
        (-513, 1),
        (1 << 59, 6),
        (i64::MIN, 6),
        (0, 0),
        (0, 7),
    ] {
        assert_eq!(with_offset(value, limbs), None, "{value} in {limbs} limbs");
    }
    let values = [-(1 << 29), -1025, -1, 0, 1, 1024, (1 << 29) - 1];
    assert!(values.map(|v| with_offset(v, 3).unwrap()).is_sorted());
}

// NEGATIVE

/// 3 < 5 on every row; columns: x 0-2, y 3-5, borrow 6, gap 7-8, result 9, gap 10.
fn three_and_five() -> Fixture {
    Fixture::new(&Pair::<3>(Task::Less), |_| (3, 5))
}

#[test]
fn compare_1_borrows_are_bits() {
    // A borrow that makes the difference zero: 3 - 5 + 2^20 * (2 / 2^20) = 0.
    let borrow = F::TWO * F::from_u64(1 << 20).inverse();
    three_and_five().expect(&["COMPARE-1", "COMPARE-2"], |t| {
        t.set(9, 6, borrow);
        t.set_limb(9, 7, F::ZERO);
        t.set_limb(9, 8, F::ZERO);
    });
    // With the chunk above made to fit too, nothing but the bits is wrong.
    three_and_five().expect(&["COMPARE-1"], |t| {
        t.set(9, 6, borrow);
        t.set_limb(9, 7, F::ZERO);
        t.set_limb(9, 8, F::ZERO);
        t.set(9, 9, borrow * F::from_u64(1 << 10).inverse());
        t.set_limb(9, 10, F::ZERO);
    });
}

#[test]
fn compare_2_pins_the_result_in_both_directions() {
    three_and_five().expect(&["COMPARE-2"], |t| t.set(9, 9, F::ZERO));
    let not_less = Fixture::new(&Pair::<3>(Task::Less), |_| (5, 3));
    not_less.expect(&["COMPARE-2"], |t| t.set(9, 9, F::ONE));
    let equal = Fixture::new(&Pair::<3>(Task::Less), |_| (5, 5));
    equal.expect(&["COMPARE-2"], |t| t.set(9, 9, F::ONE));
    // Any other difference.
    equal.expect(&["COMPARE-2"], |t| t.set_limb(9, 7, F::ONE));
}

#[test]
fn a_difference_outside_its_range_unbalances_the_limbs() {
    // The result 0 fits if the top gap may be -1.
    three_and_five().expect(&["bus limb"], |t| {
        t.set(9, 9, F::ZERO);
        t.set_limb(9, 10, F::NEG_ONE);
    });
    // A limb of 2^10 is no limb.
    let carry = Fixture::new(&Pair::<3>(Task::Less), |_| (1024, 0));
    carry.expect(&["bus limb"], |t| {
        t.set_limb(3, 8, F::ZERO);
        t.set_limb(3, 7, F::from_u64(1024));
    });
}

#[test]
fn false_assertions_have_no_witness() {
    for (x, y) in [(5, 5), (5, 3), ((1 << 30) - 1, 0), (1 << 20, (1 << 20) - 1)] {
        let t = Fixture::new(&Pair::<3>(Task::AssertLess), move |_| (x, y));
        assert_eq!(t.wrong(), ["COMPARE-2"], "{x} < {y}");
    }
    for (x, y) in [(5, 3), ((1 << 60) - 1, 0), (u64::from(P), u64::from(P) - 1)] {
        let t = Fixture::new(&Pair::<6>(Task::AssertAtMost), move |_| (x, y));
        assert_eq!(t.wrong(), ["COMPARE-2"], "{x} <= {y}");
    }
}

#[test]
fn a_wrapped_difference_is_no_witness() {
    // (0 - (2^30 - 1) - 1) mod p lies below 2^30: a check of one field element would accept it.
    let x = (1u64 << 30) - 1;
    let wrapped = u64::from(P) - x - 1;
    assert!(wrapped < 1 << 30);
    let t = Fixture::new(&Pair::<3>(Task::AssertLess), move |_| (x, 0));
    let limb = |i: usize| F::from_u64(wrapped >> (10 * i) & 1023);
    // Columns of the gap: 7 and 8, then 9 (the last borrow is no cell).
    let t = t.forged(|t| {
        for row in 0..HEIGHT {
            for i in 0..3 {
                t.set_limb(row, 7 + i, limb(i));
            }
        }
    });
    assert_eq!(t.wrong(), ["COMPARE-2"]);
}

#[test]
fn compare_3_and_4_signs_are_bits_and_fit_the_top_limb() {
    let t = Fixture::new(&Signed, |_| -3);
    // Top 511, rest 511. The rest 510 fits the sign 1 - 1 / 2^9.
    t.expect(&["COMPARE-3"], |t| {
        t.set(8, 3, F::ONE - F::from_u64(512).inverse());
        t.answer(F::from_u64(2 * 511), F::NEG_ONE);
        t.set_limb(8, 4, F::from_u64(510));
        t.answer(F::from_u64(2 * 510), F::ONE);
    });
    t.expect(&["COMPARE-4"], |t| t.set(8, 3, F::ZERO));
    // With the sign 0 the rest would be -1; with the sign 1 on a positive number, 512 or more.
    t.expect(&["bus limb"], |t| {
        t.set(8, 3, F::ZERO);
        t.answer(F::from_u64(2 * 511), F::NEG_ONE);
        t.set_limb(8, 4, F::NEG_ONE);
    });
    let positive = Fixture::new(&Signed, |_| 3);
    positive.expect(&["bus limb"], |t| {
        t.set(8, 3, F::ONE);
        t.answer(F::ZERO, F::NEG_ONE);
        t.set_limb(8, 4, F::from_u64(512));
    });
}

#[test]
fn compare_5_small_numbers_only() {
    let t = Fixture::new(&Small, |_| 5);
    t.expect(&["COMPARE-5"], |t| t.set(8, 0, F::from_u64(6)));
    t.expect(&["COMPARE-5"], |t| t.set_limb(8, 1, F::from_u64(6)));
    // One beyond either end, and the numbers in the middle of the field, have no witness.
    for value in [1i64 << 29, -(1 << 29) - 1, 1_060_000_000, -1_060_000_000] {
        let t = Fixture::new(&Small, move |_| value);
        assert_eq!(t.wrong(), ["COMPARE-5"], "{value}");
    }
    // 2^29 with a top limb of 2^10.
    let t = Fixture::new(&Small, |_| 0).forged(|t| {
        t.set(8, 0, F::from_u64(1 << 29));
        t.answer(F::from_u64(0), F::NEG_ONE);
        t.set_limb(8, 3, F::from_u64(1024));
        t.set_limb(8, 5, F::from_u64(512));
    });
    assert_eq!(t.wrong(), ["bus limb"]);
}
