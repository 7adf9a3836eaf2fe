//! The checking reading: every constraint and every bus on a filled trace, by name and without
//! proving, and the cell test that uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use p3_matrix::Matrix;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use crate::blind;
use crate::field::{F, PrimeCharacteristicRing};
use crate::row::{Bus, RowBuilder, When};
use crate::table::{TableAir, Trace};

/// Signed net count of each message.
type Messages = BTreeMap<(&'static str, Vec<F>), F>;

/// What one row emits and which constraints it breaks.
pub(crate) struct CheckRow<'a> {
    local: &'a [F],
    next: &'a [F],
    row: usize,
    height: usize,
    fixed: &'a [Vec<F>],
    public: &'a [F],
    broken: Vec<&'static str>,
    messages: Messages,
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
        self.row.local[self.at - 1]
    }
    fn emit(&mut self, bus: Bus, count: F, message: &[F]) {
        if count != F::ZERO {
            let net = self
                .row
                .messages
                .entry((bus.name, message.to_vec()))
                .or_insert(F::ZERO);
            *net += count;
        }
    }
}

impl<W> RowBuilder<W> for RowView<'_, '_, W> {
    type E = F;

    fn cell(&mut self, _: impl FnOnce(&W) -> F) -> F {
        self.take()
    }
    fn derive<const N: usize>(&mut self, _: [&F; N], _: impl FnOnce([F; N]) -> F) -> F {
        self.take()
    }
    fn derive_many(&mut self, _: &[F], _: impl FnOnce(&[F]) -> F) -> F {
        self.take()
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
        let holds_here = match when {
            When::Always => true,
            When::First => self.row.row == 0,
            When::Transition => self.row.row + 1 < self.row.height,
            When::Last => self.row.row + 1 == self.row.height,
        };
        if holds_here && zero != F::ZERO {
            self.row.broken.push(id);
        }
    }
    fn send(&mut self, bus: Bus, count: F, message: &[F]) {
        self.emit(bus, count, message);
    }
    fn receive(&mut self, bus: Bus, count: F, message: &[F]) {
        self.emit(bus, -count, message);
    }
    fn lookup(&mut self, bus: Bus, _: &F, count: F, message: &[F]) {
        self.emit(bus, count, message);
    }
    fn send_limb(&mut self, bus: Bus, limb: F, message: &[F]) {
        self.emit(bus, limb, message);
    }
    fn provide(&mut self, bus: Bus, multiplicity: F, message: &[F]) {
        self.emit(bus, -multiplicity, message);
    }
}

fn check_row<'a>(air: &'a TableAir, local: &'a [F], next: &'a [F], row: usize) -> CheckRow<'a> {
    let mut check = CheckRow {
        local,
        next,
        row,
        height: air.height(),
        fixed: air.fixed(),
        public: air.public(),
        broken: Vec::new(),
        messages: Messages::new(),
    };
    air.eval_check(&mut check);
    check.messages.retain(|_, net| *net != F::ZERO);
    check
}

fn cells(trace: &Trace, row: usize) -> &[F] {
    let width = trace.width();
    let row = row % trace.height();
    &trace.values[row * width..(row + 1) * width]
}

/// What is wrong with a set of filled tables. Names constraints and buses, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A constraint does not hold.
    #[error("table `{table}`, row {row}: constraint {id} does not hold")]
    Constraint {
        /// The table's name.
        table: &'static str,
        /// The row.
        row: usize,
        /// The constraint's number.
        id: &'static str,
    },
    /// A bus does not balance.
    #[error("bus `{bus}` does not balance: {messages} messages are left over")]
    Bus {
        /// The bus's name.
        bus: &'static str,
        /// How many distinct messages do not cancel.
        messages: usize,
    },
}

/// Everything that is wrong with filled tables: constraints first, then buses. Empty if a proof
/// of these tables would be accepted. For tests and for the prover's own diagnosis.
pub fn violations(tables: &[TableAir], traces: &[Trace]) -> Vec<Violation> {
    let mut traces = traces.to_vec();
    blind::randomize(&mut traces, &mut StdRng::seed_from_u64(0));
    let mut found = Vec::new();
    let mut total = Messages::new();
    for (air, trace) in tables.iter().zip(&traces) {
        assert_eq!((trace.width(), trace.height()), (air.width(), air.height()));
        for row in 0..air.height() {
            let check = check_row(air, cells(trace, row), cells(trace, row + 1), row);
            found.extend(check.broken.iter().map(|id| Violation::Constraint {
                table: air.name(),
                row,
                id,
            }));
            for (message, net) in check.messages {
                *total.entry(message).or_insert(F::ZERO) += net;
            }
        }
    }
    let mut left: BTreeMap<&'static str, usize> = BTreeMap::new();
    for ((bus, _), net) in total {
        if net != F::ZERO {
            *left.entry(bus).or_default() += 1;
        }
    }
    found.extend(
        left.into_iter()
            .map(|(bus, messages)| Violation::Bus { bus, messages }),
    );
    found
}

/// [`violations`] by name, each once, in alphabetical order: a constraint's number, or `bus` and a bus's
/// name.
pub fn violated(tables: &[TableAir], traces: &[Trace]) -> Vec<String> {
    let names: BTreeSet<String> = violations(tables, traces)
        .into_iter()
        .map(|violation| match violation {
            Violation::Constraint { id, .. } => id.to_string(),
            Violation::Bus { bus, .. } => format!("bus {bus}"),
        })
        .collect();
    names.into_iter().collect()
}

/// A cell whose change nothing noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpinned {
    /// The table's name.
    pub table: &'static str,
    /// The row.
    pub row: usize,
    /// The column, in the order of the row function's calls.
    pub column: usize,
    /// What was done to the cell.
    pub change: &'static str,
}

/// The cell test of DESIGN section 9. For every table and every column, on the first, last, middle
/// and the given rows: changes the cell and expects a constraint to break or the row's messages to
/// change (the buses balanced before, so any net change unbalances them). Cells declared
/// [free](RowBuilder::free) must, on the contrary, be free on at least one row.
///
/// `rows` adds rows per table name, such as a padding row.
pub fn cell_test(tables: &[TableAir], traces: &[Trace], rows: &[(&str, usize)]) -> Vec<Unpinned> {
    let mut rng = StdRng::seed_from_u64(0x5ea1_b00c);
    let mut traces = traces.to_vec();
    blind::randomize(&mut traces, &mut rng);
    let mut unpinned = Vec::new();
    for (air, trace) in tables.iter().zip(&traces) {
        let last = air.height() - 1;
        let mut picks = vec![0, 1, air.height() / 2, last - 1, last];
        picks.extend(
            rows.iter()
                .filter(|(name, _)| *name == air.name())
                .map(|&(_, row)| row),
        );
        picks.push(
            (0..=last)
                .collect::<Vec<_>>()
                .choose(&mut rng)
                .copied()
                .unwrap_or(0),
        );
        for &row in &picks {
            let honest = around(air, trace, cells(trace, row), row).1;
            let seed: u64 = rng.random();
            unpinned.par_extend((0..air.width()).into_par_iter().flat_map_iter(|column| {
                let mut rng = StdRng::seed_from_u64(seed ^ column as u64);
                let honest = &honest;
                CHANGES.into_iter().filter_map(move |change| {
                    let new = changed(air, cells(trace, row), column, change, &mut rng)?;
                    let (broken, messages) = around(air, trace, &new, row);
                    let unnoticed = broken.is_empty() && messages == *honest;
                    unnoticed.then_some(Unpinned {
                        table: air.name(),
                        row,
                        column,
                        change,
                    })
                })
            }));
        }
    }
    unpinned
}

const CHANGES: [&str; 5] = ["random", "+1", "-1", "0", "swap with neighbour"];

/// The row with one change, or `None` if the change does nothing or touches a free cell.
fn changed(
    air: &TableAir,
    old: &[F],
    column: usize,
    change: &str,
    rng: &mut StdRng,
) -> Option<Vec<F>> {
    let is_free = |column: usize| air.free().iter().any(|(free, _)| *free == column);
    if is_free(column) {
        return None;
    }
    let mut new = old.to_vec();
    match change {
        "random" => new[column] = rng.random(),
        "+1" => new[column] += F::ONE,
        "-1" => new[column] -= F::ONE,
        "0" => new[column] = F::ZERO,
        _ => {
            let neighbour = if column == 0 { 1 } else { column - 1 };
            if neighbour >= new.len() || is_free(neighbour) {
                return None;
            }
            new.swap(column, neighbour);
        }
    }
    (new[..] != *old).then_some(new)
}

/// Which constraints break, and which messages are sent, on a row and the one above it, if the row
/// held these cells.
fn around(
    air: &TableAir,
    trace: &Trace,
    row_cells: &[F],
    row: usize,
) -> (Vec<&'static str>, [Messages; 2]) {
    let height = air.height();
    let above = (row + height - 1) % height;
    let here = check_row(air, row_cells, cells(trace, row + 1), row);
    let before = check_row(air, cells(trace, above), row_cells, above);
    let mut broken = here.broken;
    broken.extend(before.broken);
    (broken, [here.messages, before.messages])
}

/// The constraints that some change of one cell on the given rows breaks alone, with everything else
/// as an honest prover would have it. For tests that no numbered constraint is idle.
pub fn broken_alone(air: &TableAir, trace: &Trace, rows: &[usize]) -> BTreeSet<&'static str> {
    let mut trace = [trace.clone()];
    blind::randomize(&mut trace, &mut StdRng::seed_from_u64(0));
    let trace = &trace[0];
    let changes = rows.par_iter().flat_map(|&row| {
        (0..air.width())
            .into_par_iter()
            .flat_map_iter(move |column| {
                [F::ONE, F::NEG_ONE, F::TWO]
                    .into_iter()
                    .filter_map(move |change| {
                        let mut new = cells(trace, row).to_vec();
                        new[column] += change;
                        let mut broken = around(air, trace, &new, row).0;
                        broken.dedup();
                        if let [id] = broken[..] {
                            Some(id)
                        } else {
                            None
                        }
                    })
            })
    });
    changes.collect()
}
