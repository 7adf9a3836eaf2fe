//! The checking readings: every constraint and every message on a filled trace, by name and without
//! proving ([`violations`]), and the tests that changed cells are noticed ([`cell`], [`forge`]).

mod cell;
mod changes;
mod declared;
mod forge;
mod interval;
mod polynomial;
mod violations;

use std::collections::BTreeSet;
use std::marker::PhantomData;

use p3_matrix::Matrix;

use crate::field::{F, PrimeCharacteristicRing, PrimeField32};
use crate::row::{Bus, RowBuilder, When};
use crate::table::{TableAir, Trace};

pub use cell::{Unpinned, broken_alone, cell_test, needless};
pub(crate) use declared::{Declared, IntervalView};
pub use interval::{Unproven, unproven};
pub use violations::{Violation, violated, violations};

/// How a message stands on a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Send,
    Receive,
    Limb,
    Lookup,
    Provide,
}

/// A message of a row; its elements are a range of [`Reading::elements`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Emitted {
    pub kind: Kind,
    pub bus: &'static str,
    pub count: F,
    start: usize,
    end: usize,
}

impl Emitted {
    /// What it adds to its message's balance.
    pub fn signed(&self) -> F {
        match self.kind {
            Kind::Send | Kind::Limb | Kind::Lookup => self.count,
            Kind::Receive | Kind::Provide => -self.count,
        }
    }

    /// Whether the count is what the proof system was told: 0 or 1, or below 2^10 for a limb. The blinding's flag is -1 on the
    /// second row; it is pinned by constraints of its own.
    pub fn counts_well(&self) -> bool {
        match self.kind {
            Kind::Provide => true,
            Kind::Limb => self.count.as_canonical_u32() < 1 << 10,
            _ => {
                self.count == F::ZERO
                    || self.count == F::ONE
                    || (self.bus == crate::blind::BUS.name && self.count == F::NEG_ONE)
            }
        }
    }
}

/// What one row says: the value of each constraint, and its messages, in the order of the row function's calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// What should be zero; zero where the constraint does not hold on this row.
    pub zeros: Vec<(&'static str, F)>,
    pub messages: Vec<Emitted>,
    elements: Vec<F>,
}

impl Reading {
    /// The elements of a message.
    pub fn elements(&self, message: &Emitted) -> &[F] {
        &self.elements[message.start..message.end]
    }

    /// The constraints that do not hold.
    pub fn broken(&self) -> impl Iterator<Item = &'static str> {
        self.zeros
            .iter()
            .filter(|(_, zero)| *zero != F::ZERO)
            .map(|(id, _)| *id)
    }
}

/// A row that is read.
pub(crate) struct CheckRow<'a> {
    local: &'a [F],
    next: &'a [F],
    row: usize,
    height: usize,
    fixed: &'a [Vec<F>],
    public: &'a [F],
    /// A constraint that is taken out.
    without: Option<&'static str>,
    /// Cells that are computed anew from their hints, but for those that are held.
    refill: Option<(Vec<F>, &'a [usize])>,
    /// The columns that have a hint of other cells.
    derived: Vec<usize>,
    reading: Reading,
}

/// The [`RowBuilder`] over a [`CheckRow`].
pub(crate) struct RowView<'a, 'b, W> {
    row: &'a mut CheckRow<'b>,
    at: usize,
    marker: PhantomData<fn(&W)>,
}

impl<'a, 'b, W> RowView<'a, 'b, W> {
    pub(crate) fn run(row: &'a mut CheckRow<'b>, f: impl FnOnce(&mut Self)) {
        f(&mut Self {
            row,
            at: 0,
            marker: PhantomData,
        });
    }
    fn take(&mut self) -> F {
        self.at += 1;
        match &self.row.refill {
            Some((cells, _)) => cells[self.at - 1],
            None => self.row.local[self.at - 1],
        }
    }
    fn derived(&mut self, hint: impl FnOnce() -> F) -> F {
        let at = self.at;
        match &mut self.row.refill {
            Some((cells, held)) if !held.contains(&at) => cells[at] = hint(),
            _ => {}
        }
        self.row.derived.push(at);
        self.take()
    }
    fn emit(&mut self, kind: Kind, bus: Bus, count: F, message: &[F]) {
        let reading = &mut self.row.reading;
        let start = reading.elements.len();
        reading.elements.extend_from_slice(message);
        reading.messages.push(Emitted {
            kind,
            bus: bus.name,
            count,
            start,
            end: reading.elements.len(),
        });
    }
}

impl<W> RowBuilder<W> for RowView<'_, '_, W> {
    type E = F;

    fn cell(&mut self, _: impl FnOnce(&W) -> F) -> F {
        self.take()
    }
    fn derive<const N: usize>(&mut self, from: [&F; N], hint: impl FnOnce([F; N]) -> F) -> F {
        self.derived(|| hint(from.map(|e| *e)))
    }
    fn derive_many(&mut self, from: &[F], hint: impl FnOnce(&[F]) -> F) -> F {
        self.derived(|| hint(from))
    }
    fn free(&mut self, _: &'static str, _: impl FnOnce(&W) -> F) -> F {
        self.take()
    }
    fn state(&mut self, _: impl FnOnce(&W) -> F) -> (F, F) {
        let next = self.row.next[self.at];
        (self.take(), next)
    }
    fn fixed(&self, index: usize) -> F {
        let column = &self.row.fixed[index];
        column[self.row.row % column.len()]
    }
    fn public(&self, index: usize) -> F {
        self.row.public[index]
    }
    fn assert_zero(&mut self, id: &'static str, when: When, zero: F) {
        if self.row.without == Some(id) {
            return;
        }
        let holds_here = match when {
            When::Always => true,
            When::First => self.row.row == 0,
            When::Transition => self.row.row + 1 < self.row.height,
            When::Last => self.row.row + 1 == self.row.height,
        };
        let zero = if holds_here { zero } else { F::ZERO };
        self.row.reading.zeros.push((id, zero));
    }
    fn send(&mut self, bus: Bus, count: F, message: &[F]) {
        self.emit(Kind::Send, bus, count, message);
    }
    fn receive(&mut self, bus: Bus, count: F, message: &[F]) {
        self.emit(Kind::Receive, bus, count, message);
    }
    fn lookup(&mut self, bus: Bus, _: &F, count: F, message: &[F]) {
        self.emit(Kind::Lookup, bus, count, message);
    }
    fn send_limb(&mut self, bus: Bus, limb: F, message: &[F]) {
        self.emit(Kind::Limb, bus, limb, message);
    }
    fn provide(&mut self, bus: Bus, multiplicity: F, message: &[F]) {
        self.emit(Kind::Provide, bus, multiplicity, message);
    }
}

fn check_row<'a>(
    air: &'a TableAir,
    local: &'a [F],
    next: &'a [F],
    row: usize,
    refill: Option<(Vec<F>, &'a [usize])>,
) -> CheckRow<'a> {
    let mut check = CheckRow {
        local,
        next,
        row,
        height: air.height(),
        fixed: air.fixed(),
        public: air.public(),
        without: air.without(),
        refill,
        derived: Vec::new(),
        reading: Reading::default(),
    };
    air.eval_check(&mut check);
    check
}

/// Reads a row.
pub(crate) fn read_row(air: &TableAir, local: &[F], next: &[F], row: usize) -> Reading {
    check_row(air, local, next, row, None).reading
}

/// The row with every cell that has a hint of other cells computed anew, but for those that are held.
pub(crate) fn refilled(
    air: &TableAir,
    local: &[F],
    next: &[F],
    row: usize,
    held: &[usize],
) -> Vec<F> {
    let check = check_row(air, local, next, row, Some((local.to_vec(), held)));
    check.refill.expect("it was given").0
}

/// The columns that have a hint of other cells.
pub(crate) fn derived_columns(air: &TableAir) -> Vec<usize> {
    let zeros = vec![F::ZERO; air.width()];
    check_row(air, &zeros, &zeros, 0, None).derived
}

/// The numbers of a table's constraints, and the buses on which its messages stand.
pub(crate) fn names(air: &TableAir) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let zeros = vec![F::ZERO; air.width()];
    let reading = read_row(air, &zeros, &zeros, 0);
    let ids = reading.zeros.iter().map(|(id, _)| *id);
    (
        ids.collect(),
        reading.messages.iter().map(|m| m.bus).collect(),
    )
}

/// A row of a trace, cyclically.
pub(crate) fn cells(trace: &Trace, row: usize) -> &[F] {
    let width = trace.width();
    let row = row % trace.height();
    &trace.values[row * width..(row + 1) * width]
}
