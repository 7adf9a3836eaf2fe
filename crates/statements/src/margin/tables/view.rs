//! A row of one table read as a part of a wider one.

use stark::{Bus, F, RowBuilder, When};

/// Builds a part of a row: whose private data is `V`, found in that of the whole row.
pub(crate) struct View<'a, B, W, V> {
    pub b: &'a mut B,
    pub of: fn(&W) -> &V,
}

impl<W, V, B: RowBuilder<W>> RowBuilder<V> for View<'_, B, W, V> {
    type E = B::E;

    fn cell(&mut self, hint: impl FnOnce(&V) -> F) -> B::E {
        let of = self.of;
        self.b.cell(|w| hint(of(w)))
    }
    fn derive<const N: usize>(&mut self, from: [&B::E; N], hint: impl FnOnce([F; N]) -> F) -> B::E {
        self.b.derive(from, hint)
    }
    fn derive_many(&mut self, from: &[B::E], hint: impl FnOnce(&[F]) -> F) -> B::E {
        self.b.derive_many(from, hint)
    }
    fn free(&mut self, why: &'static str, hint: impl FnOnce(&V) -> F) -> B::E {
        let of = self.of;
        self.b.free(why, |w| hint(of(w)))
    }
    fn state(&mut self, hint: impl FnOnce(&V) -> F) -> (B::E, B::E) {
        let of = self.of;
        self.b.state(|w| hint(of(w)))
    }
    fn fixed(&self, index: usize) -> B::E {
        self.b.fixed(index)
    }
    fn public(&self, index: usize) -> B::E {
        self.b.public(index)
    }
    fn assert_zero(&mut self, id: &'static str, when: When, zero: B::E) {
        self.b.assert_zero(id, when, zero);
    }
    fn boolean(&mut self, id: &'static str, bit: &B::E) {
        self.b.boolean(id, bit);
    }
    fn integer(&mut self, id: &'static str, zero: B::E) {
        self.b.integer(id, zero);
    }
    fn bounded(&mut self, id: &'static str, value: &B::E, low: i64, high: i64) {
        self.b.bounded(id, value, low, high);
    }
    fn send(&mut self, bus: Bus, count: B::E, message: &[B::E]) {
        self.b.send(bus, count, message);
    }
    fn receive(&mut self, bus: Bus, count: B::E, message: &[B::E]) {
        self.b.receive(bus, count, message);
    }
    fn lookup(&mut self, bus: Bus, index: &B::E, count: B::E, message: &[B::E]) {
        self.b.lookup(bus, index, count, message);
    }
    fn send_limb(&mut self, bus: Bus, limb: B::E, message: &[B::E]) {
        self.b.send_limb(bus, limb, message);
    }
    fn provide(&mut self, bus: Bus, multiplicity: B::E, message: &[B::E]) {
        self.b.provide(bus, multiplicity, message);
    }
}
