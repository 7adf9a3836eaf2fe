//! Range checks by lookup.
//!
//! A [`RangeTable`] of `2^bits` values answers "is this below `2^bits`". It may hold several values
//! per row, so that a large range does not force a tall table.

use stark::{Bus, F, PrimeCharacteristicRing, RowBuilder, Table, Tally, Trace, When, fill};

/// Bits of a limb that is multiplied: sums of hundreds of products of two limbs stay below `p`.
pub const LIMB_BITS: usize = 10;
/// Bits of a digit that is only range-checked.
pub const DIGIT_BITS: usize = 15;

/// Bits of a carry out of a sum of products of limbs.
pub const CARRY_BITS: usize = 16;

/// Answers lookups of values below `2^10`.
pub const LIMBS: Bus = Bus::new("limb");
/// Answers lookups of values below `2^15`.
pub const DIGITS: Bus = Bus::new("digit");
/// Answers lookups of values below `2^16`.
pub const CARRIES: Bus = Bus::new("carries");

/// A value below `2^10`: only [`limb`] makes one, so holding it is the evidence of its lookup.
#[derive(Clone, Debug)]
pub struct Limb<E>(E);

impl<E> Limb<E> {
    /// The value alone.
    pub fn into_inner(self) -> E {
        self.0
    }
}

impl<E> std::ops::Deref for Limb<E> {
    type Target = E;
    fn deref(&self) -> &E {
        &self.0
    }
}

/// Requires `x < 2^10`.
pub fn limb<W, B: RowBuilder<W>>(b: &mut B, x: B::E) -> Limb<B::E> {
    let one = b.one();
    b.lookup(LIMBS, &x, one, std::slice::from_ref(&x));
    Limb(x)
}

/// Requires `x < 2^15`.
pub fn digit<W, B: RowBuilder<W>>(b: &mut B, x: &B::E) {
    let one = b.one();
    b.lookup(DIGITS, x, one, std::slice::from_ref(x));
}

/// Requires `x < 2^16`.
pub fn carry<W, B: RowBuilder<W>>(b: &mut B, x: &B::E) {
    let one = b.one();
    b.lookup(CARRIES, x, one, std::slice::from_ref(x));
}

/// All values below `2^bits`, `2^(bits - log_height)` of them on each row: row `r` holds
/// `r, r + height, r + 2 height, ...`.
///
/// Constraints RANGE-1 and RANGE-2: `GADGETS.md`. Multiplicities are free; a wrong one unbalances the bus.
#[derive(Clone, Copy, Debug)]
pub struct RangeTable {
    bus: Bus,
    bits: usize,
    log_height: usize,
}

impl RangeTable {
    /// A table answering `bus` with all values below `2^bits`.
    ///
    /// # Panics
    /// If the table is taller than the range.
    pub fn new(bus: Bus, bits: usize, log_height: usize) -> Self {
        assert!(log_height <= bits, "a row holds at least one value");
        Self {
            bus,
            bits,
            log_height,
        }
    }

    /// The 10-bit table.
    pub fn limbs(log_height: usize) -> Self {
        Self::new(LIMBS, LIMB_BITS, log_height)
    }

    /// The 15-bit table.
    pub fn digits(log_height: usize) -> Self {
        Self::new(DIGITS, DIGIT_BITS, log_height)
    }

    /// The 16-bit table.
    pub fn carries(log_height: usize) -> Self {
        Self::new(CARRIES, CARRY_BITS, log_height)
    }

    /// What a [`Tally`] must count for this table.
    pub fn tallied(&self) -> (Bus, usize) {
        (self.bus, 1 << self.bits)
    }

    fn values_per_row(&self) -> usize {
        1 << (self.bits - self.log_height)
    }

    /// The trace that answers what was tallied.
    pub fn trace(&self, air: &stark::TableAir, tally: &Tally) -> Trace {
        let height = 1 << self.log_height;
        fill(self, air, &Tally::default(), |row| RangeRow {
            counter: row,
            multiplicities: (0..self.values_per_row())
                .map(|i| tally.count(self.bus, row + i * height))
                .collect(),
        })
    }
}

/// One row of a [`RangeTable`].
pub struct RangeRow {
    counter: usize,
    multiplicities: Vec<u32>,
}

impl Table for RangeTable {
    type Row = RangeRow;

    fn name(&self) -> &'static str {
        self.bus.name
    }
    fn log_height(&self) -> usize {
        self.log_height
    }
    fn row<B: RowBuilder<RangeRow>>(&self, b: &mut B) {
        let (counter, next) = b.state(|w| F::new(w.counter as u32));
        let one = b.one();
        b.assert_zero("RANGE-1", When::First, counter.clone());
        b.assert_zero("RANGE-2", When::Transition, next - counter.clone() - one);
        for i in 0..self.values_per_row() {
            let multiplicity = b.multiplicity(|w| F::new(w.multiplicities[i]));
            let value = counter.clone() + F::from_usize(i << self.log_height);
            b.provide(self.bus, multiplicity, &[value]);
        }
    }
}
