//! Two lists are the same up to order, repetitions counted.
//!
//! One list sends its tuples on a bus, the other receives them; the bus balances only if every tuple
//! is in both lists equally often. The lists may stand in one table or in two, in any rows, and unused
//! rows take no part. Tuples must be equally long. All lists of a proof have fewer than `p` rows in
//! all, so counts cannot wrap.
//!
//! Constraint PERMUTATION-1: `GADGETS.md`.

use stark::{Bus, RowBuilder};

/// A row of the one list: `tuple` counts if `used` is 1.
pub fn given<W, B: RowBuilder<W>>(b: &mut B, bus: Bus, used: &B::E, tuple: &[B::E]) {
    b.boolean("PERMUTATION-1", used);
    b.send(bus, used.clone(), tuple);
}

/// A row of the other list: `tuple` counts if `used` is 1.
pub fn permuted<W, B: RowBuilder<W>>(b: &mut B, bus: Bus, used: &B::E, tuple: &[B::E]) {
    b.boolean("PERMUTATION-1", used);
    b.receive(bus, used.clone(), tuple);
}
