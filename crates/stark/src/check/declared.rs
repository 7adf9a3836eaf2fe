//! The symbolic side of the interval reading: what a row function says, as expressions.

use std::marker::PhantomData;

use p3_air::symbolic::{BaseEntry, SymbolicVariable};

use super::Kind;
use super::polynomial::Expression;
use crate::field::F;
use crate::row::{Bus, RowBuilder, When};

/// What a row function says.
#[derive(Default)]
pub(crate) struct Declared {
    pub zeros: Vec<(When, Expression)>,
    pub bits: Vec<Expression>,
    pub messages: Vec<(Kind, &'static str, Expression, Vec<Expression>)>,
    pub bounds: Vec<(&'static str, Expression, i64, i64)>,
    pub integers: Vec<(&'static str, Expression)>,
}

/// The [`RowBuilder`] that notes it.
pub(crate) struct IntervalView<'a, W> {
    declared: &'a mut Declared,
    at: usize,
    marker: PhantomData<fn(&W)>,
}

fn variable(entry: BaseEntry, index: usize) -> Expression {
    SymbolicVariable::<F>::new(entry, index).into()
}

impl<'a, W> IntervalView<'a, W> {
    pub(crate) fn run(declared: &'a mut Declared, f: impl FnOnce(&mut Self)) {
        f(&mut Self {
            declared,
            at: 0,
            marker: PhantomData,
        });
    }
    fn take(&mut self) -> Expression {
        self.at += 1;
        variable(BaseEntry::Main { offset: 0 }, self.at - 1)
    }
    fn emit(&mut self, kind: Kind, bus: Bus, count: Expression, message: &[Expression]) {
        let message = message.to_vec();
        self.declared
            .messages
            .push((kind, bus.name, count, message));
    }
}

impl<W> RowBuilder<W> for IntervalView<'_, W> {
    type E = Expression;

    fn cell(&mut self, _: impl FnOnce(&W) -> F) -> Expression {
        self.take()
    }
    fn derive<const N: usize>(
        &mut self,
        _: [&Expression; N],
        _: impl FnOnce([F; N]) -> F,
    ) -> Expression {
        self.take()
    }
    fn derive_many(&mut self, _: &[Expression], _: impl FnOnce(&[F]) -> F) -> Expression {
        self.take()
    }
    fn free(&mut self, _: &'static str, _: impl FnOnce(&W) -> F) -> Expression {
        self.take()
    }
    fn state(&mut self, _: impl FnOnce(&W) -> F) -> (Expression, Expression) {
        let next = variable(BaseEntry::Main { offset: 1 }, self.at);
        (self.take(), next)
    }
    fn fixed(&self, index: usize) -> Expression {
        variable(BaseEntry::Periodic, index)
    }
    fn public(&self, index: usize) -> Expression {
        variable(BaseEntry::Public, index)
    }
    fn assert_zero(&mut self, _: &'static str, when: When, zero: Expression) {
        self.declared.zeros.push((when, zero));
    }
    fn boolean(&mut self, _: &'static str, bit: &Expression) {
        self.declared.bits.push(bit.clone());
    }
    fn integer(&mut self, id: &'static str, zero: Expression) {
        self.declared.integers.push((id, zero.clone()));
        self.declared.zeros.push((When::Always, zero));
    }
    fn bounded(&mut self, id: &'static str, value: &Expression, low: i64, high: i64) {
        self.declared.bounds.push((id, value.clone(), low, high));
    }
    fn send(&mut self, bus: Bus, count: Expression, message: &[Expression]) {
        self.emit(Kind::Send, bus, count, message);
    }
    fn receive(&mut self, bus: Bus, count: Expression, message: &[Expression]) {
        self.emit(Kind::Receive, bus, count, message);
    }
    fn lookup(&mut self, bus: Bus, _: &Expression, count: Expression, message: &[Expression]) {
        self.emit(Kind::Lookup, bus, count, message);
    }
    fn send_limb(&mut self, bus: Bus, limb: Expression, message: &[Expression]) {
        self.emit(Kind::Limb, bus, limb, message);
    }
    fn provide(&mut self, bus: Bus, multiplicity: Expression, message: &[Expression]) {
        self.emit(Kind::Provide, bus, multiplicity, message);
    }
}
