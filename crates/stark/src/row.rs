//! One definition, two readings: the interface a table row is written against.
//!
//! A [`Table`](crate::Table) describes one row by one function, generic over [`RowBuilder`]. Run on
//! numbers it fills the trace; run on symbols it yields constraints and bus messages; run on a
//! finished trace it checks every constraint by name. The hint that computes a cell and the
//! constraint that pins it stand on neighbouring lines.

use crate::field::{Algebra, F};

/// An expression over the cells of one row: a number, a symbol, or a packed evaluation.
pub trait Expr: Algebra<F> + Clone {}
impl<T: Algebra<F> + Clone> Expr for T {}

/// A LogUp channel between tables. All messages sent and received on a bus must cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bus {
    /// The name under which tables meet. Two buses with one name are one bus.
    pub name: &'static str,
}

impl Bus {
    /// A bus named `name`.
    pub const fn new(name: &'static str) -> Self {
        Self { name }
    }
}

/// When a constraint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// On every row.
    Always,
    /// On the first row only.
    First,
    /// On every row but the last; may use the next row.
    Transition,
    /// On the last row only.
    Last,
}

/// What a row function is written against. `W` is the private data of one row.
///
/// The order of calls is the layout of the row: it must not depend on witness values. `cell`,
/// `derive`, `free` and `state` each add one column.
pub trait RowBuilder<W> {
    /// An expression over this row.
    type E: Expr;

    /// A witness cell. Every cell must be pinned by a constraint or a bus; the cell test checks it.
    fn cell(&mut self, hint: impl FnOnce(&W) -> F) -> Self::E;

    /// A witness cell computed from other expressions of the same row.
    fn derive<const N: usize>(
        &mut self,
        from: [&Self::E; N],
        hint: impl FnOnce([F; N]) -> F,
    ) -> Self::E;

    /// A witness cell computed from any number of expressions of the same row.
    fn derive_many(&mut self, from: &[Self::E], hint: impl FnOnce(&[F]) -> F) -> Self::E;

    /// A cell that no constraint needs to pin (a salt, a blinding element), with the reason.
    fn free(&mut self, why: &'static str, hint: impl FnOnce(&W) -> F) -> Self::E;

    /// A witness cell together with its value on the next row. While filling, the next value is
    /// not known and reads zero, so it may appear in constraints but not in hints.
    fn state(&mut self, hint: impl FnOnce(&W) -> F) -> (Self::E, Self::E);

    /// Column `index` of [`Table::fixed`](crate::Table::fixed): public data that the verifier evaluates, or commits to, itself.
    /// It may appear in constraints, not in bus messages: pin a cell to it first.
    fn fixed(&self, index: usize) -> Self::E;

    /// Entry `index` of [`Table::public`](crate::Table::public).
    fn public(&self, index: usize) -> Self::E;

    /// Requires `zero` to vanish. `id` is the constraint's number in STATEMENT.md.
    fn assert_zero(&mut self, id: &'static str, when: When, zero: Self::E);

    /// Sends `message` on `bus`, `count` times. The count must be constrained to be 0 or 1.
    fn send(&mut self, bus: Bus, count: Self::E, message: &[Self::E]);

    /// Sends `message` on `bus` as often as `limb` says, which the row must range-check to be below 2^10: a histogram. Whoever
    /// [provides](Self::provide) the message learns how often it was sent; all that is sent on the bus must stay below `p`,
    /// which the verifier checks by heights.
    fn send_limb(&mut self, bus: Bus, limb: Self::E, message: &[Self::E]);

    /// Receives `message` on `bus`, `count` times. The count must be constrained to be 0 or 1.
    fn receive(&mut self, bus: Bus, count: Self::E, message: &[Self::E]);

    /// Looks `message` up, `count` (0 or 1) times, in the table that [provides](Self::provide) it.
    /// `index` is the row of the providing table's witness that answers (see [`crate::Tally`]).
    fn lookup(&mut self, bus: Bus, index: &Self::E, count: Self::E, message: &[Self::E]);

    /// Provides `message` to lookups and limbs, `multiplicity` times. The multiplicity may be [free](Self::multiplicity): a
    /// wrong one unbalances the bus, and the sum of all lookups stays below `p`.
    fn provide(&mut self, bus: Bus, multiplicity: Self::E, message: &[Self::E]);

    /// A cell for the multiplicity of what the row [provides](Self::provide), and for nothing else.
    fn multiplicity(&mut self, hint: impl FnOnce(&W) -> F) -> Self::E {
        self.free("a wrong multiplicity unbalances the bus", hint)
    }

    /// Constant one.
    fn one(&self) -> Self::E {
        Self::E::from(F::new(1))
    }

    /// A constant.
    fn constant(&self, value: F) -> Self::E {
        Self::E::from(value)
    }

    /// Requires `zero` to vanish on every row.
    fn zero(&mut self, id: &'static str, zero: Self::E) {
        self.assert_zero(id, When::Always, zero);
    }

    /// Requires `a == b` on every row.
    fn equal(&mut self, id: &'static str, a: Self::E, b: Self::E) {
        self.assert_zero(id, When::Always, a - b);
    }

    /// Requires `bit` to be 0 or 1.
    fn boolean(&mut self, id: &'static str, bit: &Self::E) {
        let square = bit.clone() * bit.clone();
        self.assert_zero(id, When::Always, square - bit.clone());
    }

    /// Requires `zero` to vanish on every row, not only modulo `p`: as an integer. The [interval reading](crate::unproven)
    /// proves that it lies within `(-p, p)`.
    fn integer(&mut self, id: &'static str, zero: Self::E) {
        self.assert_zero(id, When::Always, zero);
    }

    /// Declares that a value lies in `[low, high]` on every row, as an integer. The [interval reading](crate::unproven) proves
    /// it; no constraint comes of it.
    fn bounded(&mut self, _id: &'static str, _value: &Self::E, _low: i64, _high: i64) {}

    /// A witness bit, constrained to be 0 or 1.
    fn bit(&mut self, id: &'static str, hint: impl FnOnce(&W) -> bool) -> Self::E {
        let bit = self.cell(|w| F::new(u32::from(hint(w))));
        self.boolean(id, &bit);
        bit
    }

    /// A cell pinned to fixed column `index`, so that it may stand in bus messages. Fixed columns
    /// are known to the filler, so no hint is needed.
    fn pinned(&mut self, id: &'static str, index: usize) -> Self::E {
        let fixed = self.fixed(index);
        let cell = self.derive([&fixed], |[v]| v);
        self.equal(id, cell.clone(), fixed);
        cell
    }
}
