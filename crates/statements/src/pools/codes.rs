//! Which of the rules' sets a code belongs to.

use std::collections::BTreeSet;
use std::sync::Arc;

use stark::{
    Bus, F, MIN_LOG_HEIGHT, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace,
    fill,
};

/// `[field, code, member of set 0, member of set 1, ..]`; fields with fewer sets have zeros.
pub const CODES: Bus = Bus::new("code");

/// One code of one field a row; public.
///
/// - CODES-1: the cells are the public ones.
///
/// Multiplicities are free; a wrong one unbalances the bus.
#[derive(Clone, Debug)]
pub struct CodesTable {
    /// Field, code and memberships, row by row.
    rows: Arc<Vec<Vec<F>>>,
    /// The first row of each field.
    first: Arc<Vec<usize>>,
    /// Most sets of a field.
    sets: usize,
}

impl CodesTable {
    /// A table for sets of codes by field, each field with so many codes. `None` if there are no sets.
    pub fn new(sets: &[Vec<BTreeSet<u64>>], codes: &[usize]) -> Option<Self> {
        let most = sets.iter().map(Vec::len).max().unwrap_or(0);
        if most == 0 {
            return None;
        }
        let (mut rows, mut first) = (Vec::new(), Vec::new());
        for (field, (sets, &codes)) in sets.iter().zip(codes).enumerate() {
            first.push(rows.len());
            if sets.is_empty() {
                continue;
            }
            for code in 0..codes {
                let mut row = vec![F::from_usize(field), F::from_usize(code)];
                row.extend((0..most).map(|s| {
                    F::from_bool(sets.get(s).is_some_and(|set| set.contains(&(code as u64))))
                }));
                rows.push(row);
            }
        }
        Some(Self {
            rows: Arc::new(rows),
            first: Arc::new(first),
            sets: most,
        })
    }

    /// What a [`Tally`] must count for this table.
    pub fn tallied(&self) -> (Bus, usize) {
        (CODES, 1 << self.log_height())
    }

    /// The trace that answers what was tallied.
    pub fn trace(&self, air: &TableAir, tally: &Tally) -> Trace {
        fill(self, air, &Tally::default(), |row| tally.count(CODES, row))
    }

    /// Looks a code up and gives a bit for each set.
    pub fn look_up<W, B: RowBuilder<W>>(
        &self,
        b: &mut B,
        field: usize,
        sets: &[BTreeSet<u64>],
        code: &B::E,
    ) -> Vec<B::E> {
        let members: Vec<B::E> = sets
            .iter()
            .map(|set| {
                b.derive([code], |[c]| {
                    use stark::PrimeField32;
                    F::from_bool(set.contains(&u64::from(c.as_canonical_u32())))
                })
            })
            .collect();
        let mut message = vec![b.constant(F::from_usize(field)), code.clone()];
        message.extend(members.iter().cloned());
        message.resize(2 + self.sets, b.constant(F::ZERO));
        let index = code.clone() + F::from_usize(self.first[field]);
        let one = b.one();
        b.lookup(CODES, &index, one, &message);
        members
    }
}

impl Table for CodesTable {
    /// The multiplicity.
    type Row = u32;

    fn name(&self) -> &'static str {
        "codes"
    }

    fn log_height(&self) -> usize {
        (self.rows.len().next_power_of_two().ilog2() as usize).max(MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        // Below the last code the first is repeated: a second answer of the same.
        (0..2 + self.sets)
            .map(|column| {
                (0..1 << self.log_height())
                    .map(|row| self.rows.get(row).unwrap_or(&self.rows[0])[column])
                    .collect()
            })
            .collect()
    }

    fn row<B: RowBuilder<u32>>(&self, b: &mut B) {
        let message: Vec<B::E> = (0..2 + self.sets)
            .map(|column| b.pinned("CODES-1", column))
            .collect();
        let multiplicity = b.multiplicity(|w| F::new(*w));
        b.provide(CODES, multiplicity, &message);
    }
}
