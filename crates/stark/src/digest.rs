//! A digest of what a table demands: all that makes a proof of it mean what it means.
//!
//! The row function is read at one point: every cell is an element of the extension that follows from the cell's place,
//! and so is every constraint and message. Two different polynomials have one value there with a probability of about
//! 2^-150, so the values, in their order and with their names, stand for the polynomials, whatever way they are written.

use sha3::{Digest, Sha3_256};

use crate::field::{EF, F, PrimeField32};
use crate::row::{Bus, RowBuilder, When};
use p3_field::BasedVectorSpace;

/// What is hashed, item by item. Each has a fixed length or tells its length first.
#[derive(Default)]
pub(crate) struct Items(Sha3_256);

impl Items {
    /// Adds a text, behind its length.
    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text);
    }

    pub(crate) fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_le_bytes());
    }

    pub(crate) fn element(&mut self, element: F) {
        self.0.update(element.as_canonical_u32().to_le_bytes());
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The reading that is digested.
#[derive(Default)]
pub(crate) struct DigestRow {
    pub(crate) items: Items,
    cells: usize,
}

/// The value of cell, fixed column or public value number `index`.
fn place(kind: &str, index: usize) -> EF {
    let coordinates: [F; 5] = std::array::from_fn(|i| {
        let digest = Sha3_256::digest(format!("sealbook table digest {kind} {index} {i}"));
        let bytes: [u8; 8] = std::array::from_fn(|i| digest[i]);
        F::new((u64::from_le_bytes(bytes) % u64::from(crate::field::P)) as u32)
    });
    EF::from_basis_coefficients_slice(&coordinates).expect("five coordinates")
}

impl DigestRow {
    fn value(&mut self, value: &EF) {
        let coordinates: &[F] = value.as_basis_coefficients_slice();
        for &coordinate in coordinates {
            self.items.element(coordinate);
        }
    }

    fn message(&mut self, kind: &str, bus: Bus, count: &EF, message: &[EF]) {
        self.items.text(kind);
        self.items.text(bus.name);
        self.value(count);
        self.items.number(message.len());
        message.iter().for_each(|m| self.value(m));
    }

    fn next(&mut self) -> EF {
        self.cells += 1;
        place("cell", self.cells - 1)
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        self.items.number(self.cells);
        self.items.finish()
    }
}

impl<W> RowBuilder<W> for DigestRow {
    type E = EF;

    fn cell(&mut self, _: impl FnOnce(&W) -> F) -> EF {
        self.next()
    }
    fn derive<const N: usize>(&mut self, _: [&EF; N], _: impl FnOnce([F; N]) -> F) -> EF {
        self.next()
    }
    fn derive_many(&mut self, _: &[EF], _: impl FnOnce(&[F]) -> F) -> EF {
        self.next()
    }
    fn free(&mut self, _: &'static str, _: impl FnOnce(&W) -> F) -> EF {
        self.next()
    }
    fn state(&mut self, _: impl FnOnce(&W) -> F) -> (EF, EF) {
        let next = place("next", self.cells);
        (self.next(), next)
    }
    fn fixed(&self, index: usize) -> EF {
        place("fixed", index)
    }
    fn public(&self, index: usize) -> EF {
        place("public", index)
    }
    fn assert_zero(&mut self, id: &'static str, when: When, zero: EF) {
        self.items.text(id);
        self.items.text(match when {
            When::Always => "always",
            When::First => "first",
            When::Transition => "transition",
            When::Last => "last",
        });
        self.value(&zero);
    }
    fn send(&mut self, bus: Bus, count: EF, message: &[EF]) {
        self.message("send", bus, &count, message);
    }
    fn send_limb(&mut self, bus: Bus, limb: EF, message: &[EF]) {
        self.message("send limb", bus, &limb, message);
    }
    fn receive(&mut self, bus: Bus, count: EF, message: &[EF]) {
        self.message("receive", bus, &count, message);
    }
    fn lookup(&mut self, bus: Bus, _: &EF, count: EF, message: &[EF]) {
        self.message("lookup", bus, &count, message);
    }
    fn provide(&mut self, bus: Bus, multiplicity: EF, message: &[EF]) {
        self.message("provide", bus, &multiplicity, message);
    }
}
