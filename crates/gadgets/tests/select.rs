//! Selection: the right one, only one, and the first of the largest.

mod common;

use common::{Fixture, HEIGHT, LOG_HEIGHT};
use gadgets::compare::read_limbs;
use gadgets::select::{maximum, one_hot, pick, select};
use stark::{F, Field, PrimeCharacteristicRing, RowBuilder, Table};

/// A one-hot choice among four public numbers. Columns: bits 0-3, chosen 4, either 5.
#[derive(Clone)]
struct Choice;

const NUMBERS: [u64; 4] = [7, 11, 13, 17];

impl Table for Choice {
    type Row = usize;
    fn name(&self) -> &'static str {
        "choice"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
        let selector = one_hot(b, NUMBERS.len(), |w| *w);
        let numbers = NUMBERS.map(|n| b.constant(F::from_u64(n)));
        let picked = pick(&selector, &numbers);
        let chosen = b.derive([&picked], |[v]| v);
        b.equal("CHOSEN", chosen, picked);
        let either = select(&selector[0], &numbers[1], &numbers[2]);
        let cell = b.derive([&either], |[v]| v);
        b.equal("CHOSEN", cell, either);
    }
}

/// The largest of three numbers of two limbs. Columns: numbers 0-5, bits 6-8, largest 9-10, then for
/// every number the two limbs of what it lacks: 11-16.
#[derive(Clone)]
struct Largest;

impl Table for Largest {
    type Row = [u64; 3];
    fn name(&self) -> &'static str {
        "largest"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<[u64; 3]>>(&self, b: &mut B) {
        let numbers: [[B::E; 2]; 3] = std::array::from_fn(|i| read_limbs(b, |w: &[u64; 3]| w[i]));
        maximum(b, &numbers);
    }
}

/// The same over numbers of six limbs and a list of one.
#[derive(Clone)]
struct Single;

impl Table for Single {
    type Row = u64;
    fn name(&self) -> &'static str {
        "single"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn row<B: RowBuilder<u64>>(&self, b: &mut B) {
        let number: [B::E; 6] = read_limbs(b, |w: &u64| *w);
        maximum(b, &[number]);
    }
}

const TOP: u64 = (1 << 20) - 1;

fn triple(row: usize) -> [u64; 3] {
    const VALUES: [u64; 6] = [0, 1, 1023, 1024, TOP - 1, TOP];
    [VALUES[row % 6], VALUES[row / 6 % 6], VALUES[row / 36 % 6]]
}

// POSITIVE

#[test]
fn the_chosen_number_is_chosen() {
    let t = Fixture::new(&Choice, |row| row % 4);
    t.assert_sound(&[1, 2, 3], 4);
    for row in 0..HEIGHT {
        assert_eq!(u64::from(t.number(row, 4)), NUMBERS[row % 4]);
        assert_eq!(t.number(row, 5), if row % 4 == 0 { 11 } else { 13 });
    }
}

#[test]
fn the_largest_is_the_first_of_the_largest() {
    let t = Fixture::new(&Largest, triple);
    t.assert_sound(&(0..HEIGHT).step_by(7).collect::<Vec<_>>(), 6);
    for row in 0..HEIGHT {
        let numbers = triple(row);
        let max = *numbers.iter().max().unwrap();
        let first = numbers.iter().position(|&n| n == max).unwrap();
        assert_eq!(
            u64::from(t.number(row, 9)) + (u64::from(t.number(row, 10)) << 10),
            max
        );
        assert_eq!(t.number(row, 6 + first), 1);
    }
    Fixture::new(
        &Single,
        |row| if row == 0 { (1 << 60) - 1 } else { row as u64 },
    )
    .assert_sound(&[], 6);
}

// NEGATIVE

#[test]
fn select_1_bits_are_bits() {
    let t = Fixture::new(&Choice, |_| 1);
    // Bits 0, -2, 3, 0 add up to one, and the choice of -22 + 39 = 17 looks honest.
    t.expect(&["SELECT-1"], |t| {
        t.set(5, 1, F::NEG_ONE.double());
        t.set(5, 2, F::from_u64(3));
        t.set(5, 4, F::from_u64(17));
    });
    // Two halves.
    t.expect(&["SELECT-1"], |t| {
        t.set(5, 1, F::TWO.inverse());
        t.set(5, 2, F::TWO.inverse());
        t.set(5, 4, F::from_u64(12));
    });
}

#[test]
fn select_2_exactly_one_is_chosen() {
    let t = Fixture::new(&Choice, |_| 1);
    t.expect(&["SELECT-2"], |t| {
        t.set(5, 1, F::ZERO);
        t.set(5, 4, F::ZERO);
    });
    t.expect(&["SELECT-2"], |t| {
        t.set(5, 2, F::ONE);
        t.set(5, 4, F::from_u64(24));
    });
    // A place outside of the list is no choice.
    let outside = Fixture::new(&Choice, |_| 4);
    assert_eq!(outside.wrong(), ["SELECT-2"]);
}

/// Numbers 3, 9, 5 on every row.
fn three_nine_five() -> Fixture {
    Fixture::new(&Largest, |_| [3, 9, 5])
}

#[test]
fn select_3_the_largest_is_attained() {
    // 10 is above all three numbers, but none of them. Each comparison has a pointer and two limbs.
    three_nine_five().expect(&["SELECT-3"], |t| {
        t.set(5, 9, F::from_u64(10));
        t.set_limb(5, 12, F::from_u64(6));
        t.set(5, 14, F::ONE);
        t.set_limb(5, 18, F::from_u64(4));
    });
}

#[test]
fn nothing_is_larger_than_the_largest() {
    // Choosing 5 would leave 9 lacking -4.
    let chosen = three_nine_five().forged(|t| {
        t.set(5, 7, F::ZERO);
        t.set(5, 8, F::ONE);
        t.set(5, 9, F::from_u64(5));
        t.set_limb(5, 12, F::ONE);
        t.set(5, 14, F::ONE);
        t.set(5, 17, F::ZERO);
        t.set_limb(5, 18, F::ZERO);
    });
    assert_eq!(chosen.wrong(), ["COMPARE-3"]);
    chosen.expect(&["bus limb"], |t| t.set_limb(5, 15, -F::from_u64(5)));
}

#[test]
fn of_equals_the_first_is_chosen() {
    let t = Fixture::new(&Largest, |_| [9, 9, 5]);
    t.expect(&["COMPARE-4"], |t| {
        t.set(5, 6, F::ZERO);
        t.set(5, 7, F::ONE);
    });
}
