//! Tables: one AIR with its trace, described by one row function.

mod air;

#[cfg(feature = "check")]
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use p3_air::symbolic::AirLayout;
use p3_air::{Air, AirBuilder, WindowAccess};
use p3_batch_stark::folder::{
    ProverConstraintFolderWithLookups, VerifierConstraintFolderWithLookups,
};
use p3_lookup::{Count, InteractionBuilder, InteractionSymbolicBuilder};
use p3_matrix::dense::RowMajorMatrix;
use rayon::prelude::*;

use crate::blind;
#[cfg(feature = "check")]
use crate::check::{CheckRow, Declared, IntervalView, RowView};
use crate::digest::DigestRow;
use crate::field::{EF, F, PrimeCharacteristicRing};
use crate::row::{Bus, RowBuilder, When};
use crate::suite::{Config, Outer};

/// A table: its shape is public, its rows are private.
///
/// Everything but the rows must follow from the claim alone, so that prover and verifier build the
/// same table.
pub trait Table: Send + Sync + 'static {
    /// The private data of one row.
    type Row: Send + Sync;

    /// The table's name, unique within its statement.
    fn name(&self) -> &'static str;

    /// The base-two logarithm of the number of rows, at least [`MIN_LOG_HEIGHT`](crate::MIN_LOG_HEIGHT).
    fn log_height(&self) -> usize;

    /// Public values this table's constraints use; part of the claim.
    fn public(&self) -> Vec<F> {
        Vec::new()
    }

    /// Public columns. Each has a power-of-two length that divides the height and repeats with it.
    fn fixed(&self) -> Vec<Vec<F>> {
        Vec::new()
    }

    /// The row function. Called once per reading; see [`RowBuilder`].
    fn row<B: RowBuilder<Self::Row>>(&self, b: &mut B);
}

/// Counts how often each entry of each lookup table is asked for while traces are filled.
#[derive(Default)]
pub struct Tally {
    counts: Vec<(Bus, Vec<AtomicU32>)>,
}

impl Tally {
    /// A tally for lookup buses with the given numbers of entries.
    pub fn new(buses: &[(Bus, usize)]) -> Self {
        let zeros = |n: usize| (0..n).map(|_| AtomicU32::new(0)).collect();
        Self {
            counts: buses.iter().map(|&(bus, n)| (bus, zeros(n))).collect(),
        }
    }

    /// A count of its own for some rows: adding to a shared one for every lookup would make the threads
    /// wait for each other.
    fn of_some_rows(&self) -> Vec<(Bus, Vec<u32>)> {
        let zeros = |(bus, counts): &(Bus, Vec<AtomicU32>)| (*bus, vec![0; counts.len()]);
        self.counts.iter().map(zeros).collect()
    }

    fn add(&self, some_rows: &[(Bus, Vec<u32>)]) {
        for ((_, counts), (_, more)) in self.counts.iter().zip(some_rows) {
            for (count, &more) in counts.iter().zip(more).filter(|(_, more)| **more != 0) {
                count.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    /// How often entry `index` of `bus` was looked up so far.
    pub fn count(&self, bus: Bus, index: usize) -> u32 {
        self.counts
            .iter()
            .find(|(b, _)| *b == bus)
            .and_then(|(_, counts)| counts.get(index))
            .map_or(0, |c| c.load(Ordering::Relaxed))
    }
}

/// A filled table: row-major cells.
pub type Trace = RowMajorMatrix<F>;

/// The numeric reading: computes cells from the witness.
struct FillRow<'a, W> {
    cells: &'a mut [F],
    at: usize,
    witness: &'a W,
    fixed: &'a [Vec<F>],
    public: &'a [F],
    row: usize,
    lookups: &'a mut [(Bus, Vec<u32>)],
}

impl<W> FillRow<'_, W> {
    fn put(&mut self, value: F) -> F {
        self.cells[self.at] = value;
        self.at += 1;
        value
    }
}

impl<W> RowBuilder<W> for FillRow<'_, W> {
    type E = F;

    fn cell(&mut self, hint: impl FnOnce(&W) -> F) -> F {
        let value = hint(self.witness);
        self.put(value)
    }
    fn derive<const N: usize>(&mut self, from: [&F; N], hint: impl FnOnce([F; N]) -> F) -> F {
        let value = hint(from.map(|e| *e));
        self.put(value)
    }
    fn derive_many(&mut self, from: &[F], hint: impl FnOnce(&[F]) -> F) -> F {
        self.put(hint(from))
    }
    fn free(&mut self, _: &'static str, hint: impl FnOnce(&W) -> F) -> F {
        self.cell(hint)
    }
    fn state(&mut self, hint: impl FnOnce(&W) -> F) -> (F, F) {
        (self.cell(hint), F::ZERO)
    }
    fn fixed(&self, index: usize) -> F {
        let column = &self.fixed[index];
        column[self.row % column.len()]
    }
    fn public(&self, index: usize) -> F {
        self.public[index]
    }
    fn assert_zero(&mut self, _: &'static str, _: When, _: F) {}
    fn send(&mut self, _: Bus, _: F, _: &[F]) {}
    fn send_limb(&mut self, _: Bus, _: F, _: &[F]) {}
    fn receive(&mut self, _: Bus, _: F, _: &[F]) {}
    fn lookup(&mut self, bus: Bus, index: &F, count: F, _: &[F]) {
        use crate::field::PrimeField32;
        let counts = self.lookups.iter_mut().find(|(b, _)| *b == bus);
        let entry = counts.and_then(|(_, c)| c.get_mut(index.as_canonical_u32() as usize));
        // An index outside the table is a false witness: it fails later as an unbalanced bus.
        if let Some(entry) = entry.filter(|_| count != F::ZERO) {
            *entry += 1;
        }
    }
    fn provide(&mut self, _: Bus, _: F, _: &[F]) {}
}

/// Measures a row: its width and whether it looks at the next row.
struct Measure<W> {
    width: usize,
    uses_next: bool,
    free: Vec<(usize, &'static str)>,
    marker: std::marker::PhantomData<fn(&W)>,
}

impl<W> RowBuilder<W> for Measure<W> {
    type E = F;

    fn cell(&mut self, _: impl FnOnce(&W) -> F) -> F {
        self.width += 1;
        F::ZERO
    }
    fn derive<const N: usize>(&mut self, _: [&F; N], _: impl FnOnce([F; N]) -> F) -> F {
        self.width += 1;
        F::ZERO
    }
    fn derive_many(&mut self, _: &[F], _: impl FnOnce(&[F]) -> F) -> F {
        self.width += 1;
        F::ZERO
    }
    fn free(&mut self, why: &'static str, _: impl FnOnce(&W) -> F) -> F {
        self.free.push((self.width, why));
        self.width += 1;
        F::ZERO
    }
    fn state(&mut self, _: impl FnOnce(&W) -> F) -> (F, F) {
        self.uses_next = true;
        self.width += 1;
        (F::ZERO, F::ZERO)
    }
    fn fixed(&self, _: usize) -> F {
        F::ZERO
    }
    fn public(&self, _: usize) -> F {
        F::ZERO
    }
    fn assert_zero(&mut self, _: &'static str, _: When, _: F) {}
    fn send(&mut self, _: Bus, _: F, _: &[F]) {}
    fn send_limb(&mut self, _: Bus, _: F, _: &[F]) {}
    fn receive(&mut self, _: Bus, _: F, _: &[F]) {}
    fn lookup(&mut self, _: Bus, _: &F, _: F, _: &[F]) {}
    fn provide(&mut self, _: Bus, _: F, _: &[F]) {}
}

/// The symbolic reading, over any of the proof system's builders.
struct Symbols<'a, AB: AirBuilder> {
    air: &'a mut AB,
    main: AB::MainWindow,
    at: usize,
}

impl<'a, AB: AirBuilder<F = F>> Symbols<'a, AB> {
    fn new(air: &'a mut AB) -> Self {
        let main = air.main();
        Self { air, main, at: 0 }
    }
    fn take(&mut self) -> AB::Expr {
        let value = self
            .main
            .current(self.at)
            .expect("the row function fits the measured width");
        self.at += 1;
        value.into()
    }
}

impl<W, AB: InteractionBuilder<F = F>> RowBuilder<W> for Symbols<'_, AB> {
    type E = AB::Expr;

    fn cell(&mut self, _: impl FnOnce(&W) -> F) -> Self::E {
        self.take()
    }
    fn derive<const N: usize>(&mut self, _: [&Self::E; N], _: impl FnOnce([F; N]) -> F) -> Self::E {
        self.take()
    }
    fn derive_many(&mut self, _: &[Self::E], _: impl FnOnce(&[F]) -> F) -> Self::E {
        self.take()
    }
    fn free(&mut self, _: &'static str, _: impl FnOnce(&W) -> F) -> Self::E {
        self.take()
    }
    fn state(&mut self, _: impl FnOnce(&W) -> F) -> (Self::E, Self::E) {
        let next = self
            .main
            .next(self.at)
            .expect("the row function fits the measured width");
        (self.take(), next.into())
    }
    fn fixed(&self, index: usize) -> Self::E {
        // A suite has them in one place or the other.
        match self.air.periodic_values().get(index) {
            Some(&value) => value.into(),
            None => {
                let value = self.air.preprocessed().current(index);
                value
                    .expect("the row function asks for a column there is")
                    .into()
            }
        }
    }
    fn public(&self, index: usize) -> Self::E {
        self.air.public_values()[index].into()
    }
    fn assert_zero(&mut self, _: &'static str, when: When, zero: Self::E) {
        match when {
            When::Always => self.air.assert_zero(zero),
            When::First => self.air.when_first_row().assert_zero(zero),
            When::Transition => self.air.when_transition().assert_zero(zero),
            When::Last => self.air.when_last_row().assert_zero(zero),
        }
    }
    fn send(&mut self, bus: Bus, count: Self::E, message: &[Self::E]) {
        self.air
            .push_interaction(bus.name, message.iter().cloned(), Count::bounded(count, 1));
    }
    fn send_limb(&mut self, bus: Bus, limb: Self::E, message: &[Self::E]) {
        const MOST: u32 = (1 << 10) - 1;
        self.air.push_interaction(
            bus.name,
            message.iter().cloned(),
            Count::bounded(limb, MOST),
        );
    }
    fn receive(&mut self, bus: Bus, count: Self::E, message: &[Self::E]) {
        self.air
            .push_interaction(bus.name, message.iter().cloned(), Count::bounded(-count, 1));
    }
    fn lookup(&mut self, bus: Bus, _: &Self::E, count: Self::E, message: &[Self::E]) {
        self.send_query(bus, count, message);
    }
    fn provide(&mut self, bus: Bus, multiplicity: Self::E, message: &[Self::E]) {
        self.air.push_interaction(
            bus.name,
            message.iter().cloned(),
            Count::provided(-multiplicity),
        );
    }
}

impl<AB: InteractionBuilder<F = F>> Symbols<'_, AB> {
    fn send_query(&mut self, bus: Bus, count: AB::Expr, message: &[AB::Expr]) {
        self.air
            .push_interaction(bus.name, message.iter().cloned(), Count::bounded(count, 1));
    }
}

/// A table, read together with the blinding columns that every table carries (see [`blind`]).
struct Measured<T: Table>(T);

/// Object-safe face of a [`Measured`] table: one method per reading.
trait AnyTable: Send + Sync {
    fn eval_symbolic(&self, b: &mut InteractionSymbolicBuilder<F, EF>);
    fn eval_prover(&self, b: &mut ProverConstraintFolderWithLookups<'_, Config<Outer>>);
    fn eval_verifier(&self, b: &mut VerifierConstraintFolderWithLookups<'_, Config<Outer>>);
    #[cfg(debug_assertions)]
    fn eval_debug(&self, b: &mut p3_air::DebugConstraintBuilder<'_, F, EF>);
    #[cfg(feature = "check")]
    fn eval_check(&self, b: &mut CheckRow<'_>);
    fn eval_digest(&self, b: &mut DigestRow);
    #[cfg(feature = "check")]
    fn declared(&self, declared: &mut Declared);
}

impl<T: Table> Measured<T> {
    fn read<AB: InteractionBuilder<F = F>>(&self, air: &mut AB) {
        let mut b = Symbols::new(air);
        self.0.row(&mut b);
        blind::row::<T::Row, _>(&mut b);
    }
}

impl<T: Table> AnyTable for Measured<T> {
    fn eval_symbolic(&self, b: &mut InteractionSymbolicBuilder<F, EF>) {
        self.read(b);
    }
    fn eval_prover(&self, b: &mut ProverConstraintFolderWithLookups<'_, Config<Outer>>) {
        self.read(b);
    }
    fn eval_verifier(&self, b: &mut VerifierConstraintFolderWithLookups<'_, Config<Outer>>) {
        self.read(b);
    }
    #[cfg(debug_assertions)]
    fn eval_debug(&self, b: &mut p3_air::DebugConstraintBuilder<'_, F, EF>) {
        self.read(b);
    }
    #[cfg(feature = "check")]
    fn eval_check(&self, b: &mut CheckRow<'_>) {
        RowView::<T::Row>::run(b, |view| {
            self.0.row(view);
            blind::row::<T::Row, _>(view);
        });
    }
    fn eval_digest(&self, b: &mut DigestRow) {
        self.0.row(b);
        blind::row::<T::Row, _>(b);
    }
    #[cfg(feature = "check")]
    fn declared(&self, declared: &mut Declared) {
        IntervalView::<T::Row>::run(declared, |view| self.0.row(view));
    }
}

/// A table ready for proving or verifying. Cheap to clone.
#[derive(Clone)]
pub struct TableAir {
    name: &'static str,
    log_height: usize,
    width: usize,
    uses_next: bool,
    free: Arc<Vec<(usize, &'static str)>>,
    fixed: Arc<Vec<Vec<F>>>,
    /// Whether the proof system sees fixed columns as preprocessed ones.
    commits_fixed: bool,
    public: Arc<Vec<F>>,
    table: Arc<dyn AnyTable>,
    /// Messages a row sends or receives, and the elements of the widest.
    interactions: (usize, usize),
    /// The largest degree of a constraint, messages aside; a fixed column counts as one.
    degree: usize,
    /// A constraint that checking readings pass over. The proof has it all the same.
    #[cfg(feature = "check")]
    without: Option<&'static str>,
}

impl std::fmt::Debug for TableAir {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (2^{} x {})", self.name, self.log_height, self.width)
    }
}

impl TableAir {
    /// Measures `table` and makes it ready.
    pub fn new<T: Table>(table: T) -> Self {
        let mut measure = Measure::<T::Row> {
            width: 0,
            uses_next: false,
            free: Vec::new(),
            marker: std::marker::PhantomData,
        };
        table.row(&mut measure);
        blind::row::<T::Row, _>(&mut measure);
        let (name, log_height) = (table.name(), table.log_height());
        let (fixed, public) = (table.fixed(), table.public());
        for column in &fixed {
            assert!(
                column.len().is_power_of_two() && column.len() <= 1 << log_height,
                "{name}: a fixed column's period must be a power of two that divides the height"
            );
        }
        let Measure {
            width,
            uses_next,
            free,
            ..
        } = measure;
        let mut air = Self {
            name,
            log_height,
            width,
            uses_next,
            free: Arc::new(free),
            table: Arc::new(Measured(table)),
            fixed: Arc::new(fixed),
            commits_fixed: false,
            public: Arc::new(public),
            interactions: (0, 0),
            degree: 0,
            #[cfg(feature = "check")]
            without: None,
        };
        let mut b = InteractionSymbolicBuilder::<F, EF>::new(AirLayout::from_air(&air));
        air.eval(&mut b);
        let messages = b.global_interactions();
        air.interactions = (
            messages.len(),
            messages.iter().map(|m| m.fields.len()).max().unwrap_or(0),
        );
        let degrees = b.base_constraints();
        air.degree = degrees
            .iter()
            .map(|c| c.degree_multiple())
            .max()
            .unwrap_or(0);
        air
    }

    /// The table's name.
    pub fn name(&self) -> &'static str {
        self.name
    }
    /// log2 of the number of rows.
    pub fn log_height(&self) -> usize {
        self.log_height
    }
    /// The number of rows.
    pub fn height(&self) -> usize {
        1 << self.log_height
    }
    /// Main columns, the blinding ones included.
    pub fn width(&self) -> usize {
        self.width
    }
    /// Messages a row sends or receives, and the elements of the widest.
    pub fn interactions(&self) -> (usize, usize) {
        self.interactions
    }
    /// Public values.
    pub fn public(&self) -> &[F] {
        &self.public
    }
    /// Whether a constraint looks at the next row.
    pub fn uses_next(&self) -> bool {
        self.uses_next
    }
    /// Columns declared free, with the reason.
    pub fn free(&self) -> &[(usize, &'static str)] {
        &self.free
    }
    /// A digest of all that the table demands: its constraints and messages with their names and constants, in order, its
    /// fixed columns and public values, and its height.
    pub fn digest(&self) -> [u8; 32] {
        let mut reading = DigestRow::default();
        let items = &mut reading.items;
        items.text(self.name);
        items.number(self.log_height);
        items.number(self.public.len());
        self.public.iter().for_each(|&v| items.element(v));
        items.number(self.fixed.len());
        for column in self.fixed.iter() {
            items.number(column.len());
            column.iter().for_each(|&v| items.element(v));
        }
        self.table.eval_digest(&mut reading);
        reading.finish()
    }
    pub(crate) fn fixed(&self) -> &[Vec<F>] {
        &self.fixed
    }
}

#[cfg(feature = "check")]
impl TableAir {
    pub(crate) fn eval_check(&self, b: &mut CheckRow<'_>) {
        self.table.eval_check(b);
    }
    /// The table with a constraint taken out, as far as checking readings see.
    pub(crate) fn taking_out(&self, id: &'static str) -> Self {
        Self {
            without: Some(id),
            ..self.clone()
        }
    }
    pub(crate) fn without(&self) -> Option<&'static str> {
        self.without
    }
    /// The numbers of its constraints.
    pub fn constraints(&self) -> BTreeSet<&'static str> {
        crate::check::names(self).0
    }
    /// The names of the buses on which its messages stand.
    pub fn buses(&self) -> BTreeSet<&'static str> {
        crate::check::names(self).1
    }
    pub(crate) fn declared(&self) -> Declared {
        let mut declared = Declared::default();
        self.table.declared(&mut declared);
        declared
    }
}

/// Rows that a thread fills before it adds up their lookups.
const ROWS_AT_ONCE: usize = 64;

/// Fills a table's trace from the private data of its rows, in parallel. Blinding cells stay zero
/// until proving.
///
/// # Panics
/// If `air` was not made from `table`.
pub fn fill<T: Table>(
    table: &T,
    air: &TableAir,
    tally: &Tally,
    row: impl Fn(usize) -> T::Row + Sync,
) -> Trace {
    let mut cells = F::zero_vec(air.height() * air.width());
    let blind_width = blind::WIDTH;
    cells
        .par_chunks_mut(air.width() * ROWS_AT_ONCE)
        .enumerate()
        .for_each(|(chunk, cells)| {
            let mut lookups = tally.of_some_rows();
            for (i, cells) in cells.chunks_mut(air.width()).enumerate() {
                let i = chunk * ROWS_AT_ONCE + i;
                let witness = row(i);
                let mut b = FillRow {
                    cells,
                    at: 0,
                    witness: &witness,
                    fixed: air.fixed(),
                    public: air.public(),
                    row: i,
                    lookups: &mut lookups,
                };
                table.row(&mut b);
                assert_eq!(
                    b.at + blind_width,
                    air.width(),
                    "the row's layout depends on its witness"
                );
            }
            tally.add(&lookups);
        });
    RowMajorMatrix::new(cells, air.width())
}
