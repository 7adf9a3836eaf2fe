//! A small table with the range table behind it, to be forged cell by cell.
#![allow(dead_code)] // Each test file uses its part.

use gadgets::range::RangeTable;
use stark::{F, PrimeCharacteristicRing, PrimeField32, Table, TableAir, Tally, Trace};

/// log2 of the number of rows of every table here.
pub const LOG_HEIGHT: usize = stark::MIN_LOG_HEIGHT;
/// Rows of every table here.
pub const HEIGHT: usize = 1 << LOG_HEIGHT;

/// A filled table under test (number 0) and the limb table (number 1).
#[derive(Clone)]
pub struct Fixture {
    airs: Vec<TableAir>,
    traces: Vec<Trace>,
}

impl Fixture {
    /// Fills `table`.
    pub fn new<T: Table + Clone>(table: &T, row: impl Fn(usize) -> T::Row + Sync) -> Self {
        let limbs = RangeTable::limbs(LOG_HEIGHT);
        let tally = Tally::new(&[limbs.tallied()]);
        let airs = vec![TableAir::new(table.clone()), TableAir::new(limbs)];
        let trace = stark::fill(table, &airs[0], &tally, row);
        let range = limbs.trace(&airs[1], &tally);
        Self {
            airs,
            traces: vec![trace, range],
        }
    }

    /// What is wrong: constraint ids and bus names, each once, sorted.
    pub fn wrong(&self) -> Vec<String> {
        stark::violated(&self.airs, &self.traces)
    }

    /// Nothing is wrong, and no cell of this table can be changed, on these rows and the usual ones. The first `inputs`
    /// columns are given: a gadget does not say what they are, so they may change together with what follows from them.
    pub fn assert_sound(&self, rows: &[usize], inputs: usize) {
        assert_eq!(self.wrong(), Vec::<String>::new());
        let rows: Vec<(&str, usize)> = rows.iter().map(|&r| (self.airs[0].name(), r)).collect();
        let mut found = stark::cell_test(&self.airs, &self.traces, &rows);
        found.retain(|unpinned| {
            let mut others = unpinned.with.iter().map(|(_, _, column)| *column);
            let given = unpinned.column < inputs || others.any(|column| column < inputs);
            !(given && unpinned.is_accompanied())
        });
        assert_eq!(found, vec![]);
        assert_eq!(stark::unproven(&self.airs), vec![]);
    }

    /// Width of the table under test, without the blinding columns.
    pub fn width(&self) -> usize {
        self.airs[0].width() - 7
    }

    /// A cell of the table under test.
    pub fn get(&self, row: usize, column: usize) -> F {
        self.traces[0].values[row * self.airs[0].width() + column]
    }

    /// A cell as a number.
    pub fn number(&self, row: usize, column: usize) -> u32 {
        self.get(row, column).as_canonical_u32()
    }

    /// Forges a cell.
    pub fn set(&mut self, row: usize, column: usize, value: F) {
        let width = self.airs[0].width();
        self.traces[0].values[row * width + column] = value;
    }

    /// Forges a cell that is looked up once as a limb, and the limb table's answer with it.
    pub fn set_limb(&mut self, row: usize, column: usize, value: F) {
        let old = self.get(row, column);
        self.set(row, column, value);
        self.answer(old, F::NEG_ONE);
        self.answer(value, F::ONE);
    }

    /// Changes how often the limb table answers `value`, if it holds it.
    pub fn answer(&mut self, value: F, times: F) {
        let value = value.as_canonical_u32() as usize;
        if value < 1 << gadgets::range::LIMB_BITS {
            let (row, column) = (value % HEIGHT, 1 + value / HEIGHT);
            let width = self.airs[1].width();
            self.traces[1].values[row * width + column] += times;
        }
    }

    /// A copy, forged.
    pub fn forged(&self, forge: impl FnOnce(&mut Self)) -> Self {
        let mut copy = self.clone();
        forge(&mut copy);
        copy
    }

    /// A forged copy is wrong in exactly these ways.
    #[track_caller]
    pub fn expect(&self, wrong: &[&str], forge: impl FnOnce(&mut Self)) {
        assert_eq!(self.forged(forge).wrong(), wrong);
    }
}
