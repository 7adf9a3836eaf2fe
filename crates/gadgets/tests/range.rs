//! Range tables: boundary values, values outside, and the counter that makes the table.

use gadgets::range::{DIGITS, LIMBS, RangeTable, digit, limb};
use stark::{
    Bus, F, P, PrimeCharacteristicRing, PrimeField32, RowBuilder, Table, TableAir, Tally, Trace,
    cell_test, fill, violated, violations,
};

/// A limb and a digit on every row: columns 0 and 1.
#[derive(Clone, Copy)]
struct Values;

impl Table for Values {
    type Row = [u32; 2];
    fn name(&self) -> &'static str {
        "values"
    }
    fn log_height(&self) -> usize {
        8
    }
    fn row<B: RowBuilder<[u32; 2]>>(&self, b: &mut B) {
        let x = b.cell(|w: &[u32; 2]| F::new(w[0]));
        limb(b, x);
        let y = b.cell(|w: &[u32; 2]| F::new(w[1]));
        digit(b, &y);
    }
}

fn tables(
    limb_height: usize,
    digit_height: usize,
    row: impl Fn(usize) -> [u32; 2] + Sync,
) -> (Vec<TableAir>, Vec<Trace>) {
    let (limbs, digits) = (
        RangeTable::limbs(limb_height),
        RangeTable::digits(digit_height),
    );
    let tally = Tally::new(&[limbs.tallied(), digits.tallied()]);
    let airs = vec![
        TableAir::new(Values),
        TableAir::new(limbs),
        TableAir::new(digits),
    ];
    let traces = vec![
        fill(&Values, &airs[0], &tally, row),
        limbs.trace(&airs[1], &tally),
        digits.trace(&airs[2], &tally),
    ];
    (airs, traces)
}

// POSITIVE

#[test]
fn values_in_range_are_answered_whatever_the_height() {
    let row = |row: usize| match row {
        0 => [0, 0],
        1 => [1023, (1 << 15) - 1],
        2 => [1, 1],
        3 => [512, 1 << 14],
        _ => [(row * 37 % 1024) as u32, (row * 7919 % (1 << 15)) as u32],
    };
    for (limb_height, digit_height) in [(8, 8), (9, 12), (10, 15)] {
        let (airs, traces) = tables(limb_height, digit_height, row);
        assert!(violations(&airs, &traces).is_empty());
        // Any value in range is one: only what is out of range is noticed there.
        let mut found = cell_test(&airs, &traces, &[]);
        found.retain(|u| u.table != "values" || u.change == "random");
        assert_eq!(found, vec![]);
    }
}

#[test]
fn a_value_may_be_asked_for_on_every_row() {
    let (airs, traces) = tables(8, 9, |_| [1023, 0]);
    assert!(violations(&airs, &traces).is_empty());
}

#[test]
fn a_tally_counts_what_was_asked_for() {
    let limbs = RangeTable::limbs(8);
    assert_eq!(limbs.tallied(), (LIMBS, 1024));
    let tally = Tally::new(&[limbs.tallied(), (DIGITS, 1 << 15)]);
    let air = TableAir::new(Values);
    fill(&Values, &air, &tally, |row| [7, row as u32 % 2]);
    assert_eq!(tally.count(LIMBS, 7), 256);
    assert_eq!(tally.count(LIMBS, 8), 0);
    assert_eq!((tally.count(DIGITS, 0), tally.count(DIGITS, 1)), (128, 128));
    assert_eq!(tally.count(LIMBS, 5000), 0);
    assert_eq!(tally.count(Bus::new("other"), 0), 0);
}

// NEGATIVE

#[test]
fn values_out_of_range_are_left_over() {
    for x in [1024, 1025, 1 << 15, 1 << 30, P - 1, P - 1024, P / 2] {
        let (airs, traces) = tables(8, 8, |row| [if row == 200 { x } else { 3 }, 3]);
        assert_eq!(violated(&airs, &traces), ["bus limb"], "{x}");
    }
    for y in [1 << 15, (1 << 15) + 1, 1 << 30, P - 1, P - (1 << 15)] {
        let (airs, traces) = tables(8, 8, |row| [3, if row == 0 { y } else { 3 }]);
        assert_eq!(violated(&airs, &traces), ["bus digit"], "{y}");
    }
}

#[test]
fn a_wrong_multiplicity_is_left_over() {
    let (airs, traces) = tables(8, 8, |_| [3, 3]);
    for (row, change) in [(3, F::ONE), (3, F::NEG_ONE), (4, F::ONE), (255, F::NEG_ONE)] {
        let mut forged = traces.clone();
        forged[1].values[row * airs[1].width() + 1] += change;
        assert_eq!(violated(&airs, &forged), ["bus limb"]);
    }
}

/// The limb table with its counter changed on some rows, and a value of its own.
fn counter(change: impl Fn(usize) -> i64) -> Vec<String> {
    // Nothing is looked up, so a changed counter leaves no message over.
    let limbs = RangeTable::limbs(8);
    let airs = [TableAir::new(limbs)];
    let mut trace = limbs.trace(&airs[0], &Tally::default());
    for row in 0..256 {
        trace.values[row * airs[0].width()] += F::from_i64(change(row));
    }
    violated(&airs, &[trace])
}

#[test]
fn range_1_the_counter_starts_at_zero() {
    assert!(counter(|_| 0).is_empty());
    assert_eq!(counter(|_| 1), ["RANGE-1"]);
    assert_eq!(counter(|_| -1), ["RANGE-1"]);
}

#[test]
fn range_2_the_counter_goes_up_by_one() {
    assert_eq!(counter(|row| i64::from(row == 255)), ["RANGE-2"]);
    assert_eq!(counter(|row| i64::from(row > 9)), ["RANGE-2"]);
    // A table that holds 5000 in order to answer it.
    assert_eq!(
        counter(|row| if row == 17 { 5000 - 17 } else { 0 }),
        ["RANGE-2"]
    );
}

#[test]
fn a_forged_table_that_answers_a_forged_value_breaks_its_counter() {
    let (airs, mut traces) = tables(8, 8, |row| [if row == 200 { 5000 } else { 3 }, 3]);
    assert_eq!(
        traces[0].values[200 * airs[0].width()].as_canonical_u32(),
        5000
    );
    let width = airs[1].width();
    traces[1].values[17 * width] = F::new(5000);
    traces[1].values[17 * width + 1] = F::ONE;
    assert_eq!(violated(&airs, &traces), ["RANGE-2"]);
}
