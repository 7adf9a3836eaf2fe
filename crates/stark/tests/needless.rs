//! Which constraints could be left out.

mod common;

use stark::{
    Bus, F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, When, fill, needless,
};

const NUMBERS: Bus = Bus::new("number");

/// Rows in order that send their numbers and take them.
///
/// - ROW-1: the row's number. Without it, two rows change places.
/// - ROW-2, ROW-3: a cell is the number's square. They say the same, so either could be left out.
/// - ROW-4: a cell is the double of it.
#[derive(Clone)]
struct Rows;

impl Table for Rows {
    type Row = usize;
    fn name(&self) -> &'static str {
        "rows"
    }
    fn log_height(&self) -> usize {
        common::LOG_HEIGHT
    }
    fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
        let (row, next) = b.state(|w| F::from_usize(*w));
        b.assert_zero("ROW-1", When::First, row.clone());
        b.assert_zero("ROW-1", When::Transition, next - row.clone() - b.one());
        b.send(NUMBERS, b.one(), std::slice::from_ref(&row));
        b.receive(NUMBERS, b.one(), std::slice::from_ref(&row));
        let square = b.cell(|w| F::from_usize(*w) * F::from_usize(*w));
        b.equal("ROW-2", square.clone(), row.clone() * row.clone());
        b.equal("ROW-3", square.clone(), row.clone() * row);
        let double = b.cell(|w| F::from_usize(*w) * F::from_usize(*w) * F::TWO);
        b.equal("ROW-4", double, square * F::TWO);
    }
}

#[test]
fn only_what_others_do_not_say_is_needed() {
    let air = TableAir::new(Rows);
    let trace = fill(&Rows, &air, &Tally::default(), |row| row);
    let (airs, traces) = ([air], [trace]);
    let ids = ["ROW-1", "ROW-2", "ROW-3", "ROW-4", "ROW-5"];
    // What no table has is not needed either.
    assert_eq!(
        needless(&airs, &traces, &[], &ids),
        ["ROW-2", "ROW-3", "ROW-5"]
    );
    let mut constraints: Vec<&str> = airs[0].constraints().into_iter().collect();
    constraints.retain(|id| !id.starts_with("BLIND"));
    assert_eq!(constraints, ids[..4]);
    assert!(airs[0].buses().contains("number"));
}
