//! Small tables side by side.
//!
//! A table costs quotient chunks, masks and salts whatever its width. So the tables of the least
//! height are joined into one, whose row is a row of each. Constraints and messages stay what they
//! are; tables still meet on buses only.

use stark::{Bus, F, RowBuilder, Table, TableAir, Trace, When};

use crate::margin::statement::PartTables;

/// Calls `$each` with every joined table.
macro_rules! for_joined {
    ($part:expr, $table:ident => $each:expr) => {{
        let part = $part;
        for_joined!(@one part.lines, $table => $each);
        for_joined!(@one part.accounts, $table => $each);
        for_joined!(@one part.losses, $table => $each);
        for_joined!(@one part.rates, $table => $each);
        for_joined!(@one part.moves, $table => $each);
        for_joined!(@one part.sponge, $table => $each);
        for_joined!(@one part.limbs, $table => $each);
        for_joined!(@some part.joint, $table => $each);
        for_joined!(@some part.totals, $table => $each);
    }};
    (@some $field:expr, $table:ident => $each:expr) => {
        if let Some($table) = &$field
            && Self::joins($table)
        {
            $each
        }
    };
    (@one $field:expr, $table:ident => $each:expr) => {
        if Self::joins(&$field) {
            let $table = &$field;
            $each
        }
    };
}

/// The tables of a part that have the least height, in the order of the part.
pub(crate) struct JoinedTable {
    part: PartTables,
    /// The first fixed column and the first public value of each joined table.
    starts: Vec<[usize; 2]>,
}

impl JoinedTable {
    /// Joins the small tables of a part.
    pub fn new(part: PartTables) -> Self {
        let mut counts = Vec::new();
        for_joined!(&part, table => counts.push([table.fixed().len(), table.public().len()]));
        let before = |i: usize, which: usize| counts[..i].iter().map(|c| c[which]).sum();
        let starts = (0..counts.len())
            .map(|i| [before(i, 0), before(i, 1)])
            .collect();
        Self { part, starts }
    }

    fn joins<T: Table>(table: &T) -> bool {
        table.log_height() == stark::MIN_LOG_HEIGHT
    }

    /// The traces of a part, given one by one, with those of the joined tables side by side in front; blinding columns stand
    /// last in each.
    pub fn traces(part: PartTables, traces: Vec<Trace>) -> Vec<Trace> {
        let airs = part.airs().into_vec();
        let joined = TableAir::new(Self::new(part));
        let (small, tall): (Vec<_>, Vec<_>) = airs
            .iter()
            .zip(traces)
            .partition(|(air, _)| air.height() == joined.height());
        let widths: usize = small.iter().map(|(air, _)| air.width()).sum();
        let blinding = (widths - joined.width())
            .checked_div(small.len() - 1)
            .unwrap_or(0);
        let mut cells = Vec::with_capacity(joined.height() * joined.width());
        for row in 0..joined.height() {
            for (air, trace) in &small {
                let start = row * air.width();
                cells.extend_from_slice(&trace.values[start..start + air.width() - blinding]);
            }
            cells.resize((row + 1) * joined.width(), F::default());
        }
        let mut all = vec![Trace::new(cells, joined.width())];
        all.extend(tall.into_iter().map(|(_, trace)| trace));
        all
    }
}

impl Table for JoinedTable {
    type Row = ();

    fn name(&self) -> &'static str {
        "joined"
    }

    fn log_height(&self) -> usize {
        stark::MIN_LOG_HEIGHT
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let mut columns = Vec::new();
        for_joined!(&self.part, table => columns.extend(table.fixed()));
        columns
    }

    fn public(&self) -> Vec<F> {
        let mut values = Vec::new();
        for_joined!(&self.part, table => values.extend(table.public()));
        values
    }

    fn row<B: RowBuilder<()>>(&self, b: &mut B) {
        let mut starts = self.starts.iter().copied();
        for_joined!(&self.part, table => {
            let [fixed, public] = starts.next().expect("one start per joined table");
            table.row(&mut Within { b: &mut *b, fixed, public });
        });
    }
}

/// A row of one table as part of a joined row. Joined rows are read, never filled, so that a cell
/// has no hint.
struct Within<'a, B> {
    b: &'a mut B,
    /// The table's first fixed column.
    fixed: usize,
    /// Its first public value.
    public: usize,
}

impl<W, B: RowBuilder<()>> RowBuilder<W> for Within<'_, B> {
    type E = B::E;

    fn cell(&mut self, _: impl FnOnce(&W) -> F) -> B::E {
        self.b.cell(|()| F::default())
    }
    fn derive<const N: usize>(&mut self, from: [&B::E; N], hint: impl FnOnce([F; N]) -> F) -> B::E {
        self.b.derive(from, hint)
    }
    fn derive_many(&mut self, from: &[B::E], hint: impl FnOnce(&[F]) -> F) -> B::E {
        self.b.derive_many(from, hint)
    }
    fn free(&mut self, why: &'static str, _: impl FnOnce(&W) -> F) -> B::E {
        self.b.free(why, |()| F::default())
    }
    fn state(&mut self, _: impl FnOnce(&W) -> F) -> (B::E, B::E) {
        self.b.state(|()| F::default())
    }
    fn fixed(&self, index: usize) -> B::E {
        self.b.fixed(self.fixed + index)
    }
    fn public(&self, index: usize) -> B::E {
        self.b.public(self.public + index)
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
