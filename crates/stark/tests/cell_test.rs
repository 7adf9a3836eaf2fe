//! The cell test on small faulty tables: what a test of single cells and single messages takes for noticed.

mod common;

use stark::{
    Bus, F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace, Unpinned,
    cell_test, fill, violations,
};

use common::{BYTES, Byte, Bytes, HEIGHT, LOG_HEIGHT};

const PAIRS: Bus = Bus::new("pair");

/// What is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// The low byte of a number is not looked up.
    Range,
    /// How often a byte is looked up is no public number, and any number.
    BitOfLookup,
    /// Whether a pair is sent is any number.
    BitOfSend,
    /// A cell stands nowhere but in a multiplicity.
    Multiplicity,
    /// Only the sum of two bytes is used.
    Sum,
    /// A number that two tables hand over is in neither pinned to anything.
    Handed,
    /// Three bytes have to satisfy two equations.
    Digits,
    /// A column may start anywhere.
    Start,
    /// A cell is declared free and is not.
    Free,
}

/// - LEFT-1: two bytes are the public number.
/// - LEFT-2: how often a byte is looked up is public.
/// - LEFT-4: the row's number. LEFT-5: what is handed over is a bit.
/// - LEFT-6: three bytes satisfy two equations. LEFT-7: a counter goes up. LEFT-8: a cell is two.
#[derive(Clone)]
struct Left(Fault);

#[derive(Clone)]
struct Right(Fault);

fn number(row: usize) -> u32 {
    (row as u32 * 7919 + 300) % (1 << 16)
}

fn digits(row: usize) -> [usize; 3] {
    [1, 2, 3].map(|k| (row + k) % 4 + 2)
}

impl Table for Left {
    type Row = usize;
    fn name(&self) -> &'static str {
        "left"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let rows = 0..HEIGHT;
        vec![
            rows.clone().map(|row| F::new(number(row))).collect(),
            rows.clone().map(|row| F::from_bool(row % 3 != 0)).collect(),
            rows.clone().map(F::from_usize).collect(),
            rows.clone()
                .map(|row| F::from_usize(digits(row).iter().sum()))
                .collect(),
            rows.map(|row| {
                let [a, c, d] = digits(row);
                F::from_usize(a + 2 * c + 3 * d)
            })
            .collect(),
        ]
    }
    fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
        let fault = self.0;
        let byte = |b: &mut B, cell: &B::E, count: B::E| {
            b.lookup(BYTES, cell, count, std::slice::from_ref(cell));
        };
        let one = b.one();
        let low = b.cell(|row| F::new(number(*row) % 256));
        let high = b.cell(|row| F::new(number(*row) / 256));
        if fault != Fault::Range {
            byte(b, &low, one.clone());
        }
        byte(b, &high, one.clone());
        let whole = low.clone() + high.clone() * F::new(256);
        b.equal("LEFT-1", whole.clone(), b.fixed(0));
        let used = b.cell(|row| F::from_bool(row % 3 != 0));
        match fault {
            Fault::BitOfLookup => byte(b, &low, used),
            _ => b.equal("LEFT-2", used, b.fixed(1)),
        }

        let place = b.pinned("LEFT-4", 2);
        let handed = b.cell(|row| F::from_usize(row % 2));
        b.boolean("LEFT-5", &handed);
        let [x, y] = [3, 5].map(|k| b.cell(|row| F::from_usize(row % k + 1)));
        byte(b, &x, one.clone());
        byte(b, &y, one.clone());
        let sum = match fault {
            Fault::Sum => x + y,
            _ => x + y * F::new(256),
        };
        let sends = match fault {
            Fault::BitOfSend => b.cell(|_| F::ONE),
            _ => one.clone(),
        };
        b.send(PAIRS, sends, &[place.clone(), handed, sum]);

        if fault == Fault::Digits {
            let [a, c, d] = [0, 1, 2].map(|k| b.cell(|row| F::from_usize(digits(*row)[k])));
            byte(b, &a, one.clone());
            byte(b, &c, one.clone());
            byte(b, &d, one.clone());
            // One more of the first and the third, two less of the second.
            let sum = a.clone() + c.clone() + d.clone();
            b.equal("LEFT-6", sum, b.fixed(3));
            let weighted = a + c * F::TWO + d * F::new(3);
            b.equal("LEFT-6", weighted, b.fixed(4));
        }
        if fault == Fault::Multiplicity {
            let times = b.cell(|_| F::ZERO);
            b.provide(BYTES, times.clone() * F::new(3), &[b.constant(F::new(7))]);
        }
        if fault == Fault::Start {
            let (count, next) = b.state(|row| F::from_usize(*row));
            let step = next - count - one;
            b.assert_zero("LEFT-7", stark::When::Transition, step);
        }
        if fault == Fault::Free {
            let cell = b.free("not at all", |_| F::TWO);
            b.equal("LEFT-8", cell, b.constant(F::TWO));
        }
    }
}

impl Table for Right {
    type Row = usize;
    fn name(&self) -> &'static str {
        "right"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let rows = 0..HEIGHT;
        vec![
            rows.clone().map(F::from_usize).collect(),
            rows.clone().map(|row| F::from_usize(row % 2)).collect(),
            rows.map(|row| sum(self.0, row)).collect(),
        ]
    }
    fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
        let place = b.pinned("RIGHT-1", 0);
        let handed = b.cell(|row| F::from_usize(row % 2));
        if self.0 != Fault::Handed {
            b.equal("RIGHT-2", handed.clone(), b.fixed(1));
        }
        let fault = self.0;
        let total = b.cell(|row| sum(fault, *row));
        b.equal("RIGHT-3", total.clone(), b.fixed(2));
        let one = b.one();
        b.receive(PAIRS, one, &[place, handed, total]);
    }
}

fn sum(fault: Fault, row: usize) -> F {
    let times = if fault == Fault::Sum { 1 } else { 256 };
    F::from_usize(row % 3 + 1 + (row % 5 + 1) * times)
}

fn filled(fault: Fault) -> (Vec<TableAir>, Vec<Trace>) {
    let (left, right) = (Left(fault), Right(fault));
    let airs = vec![
        TableAir::new(left.clone()),
        TableAir::new(right.clone()),
        TableAir::new(Bytes),
    ];
    let tally = Tally::new(&[(BYTES, HEIGHT)]);
    let traces = vec![
        fill(&left, &airs[0], &tally, |row| row),
        fill(&right, &airs[1], &tally, |row| row),
        fill(&Bytes, &airs[2], &Tally::default(), |row| Byte {
            row,
            multiplicity: tally.count(BYTES, row),
            pair: [F::ZERO; 2],
        }),
    ];
    (airs, traces)
}

/// What [`cell_test`] finds in the left and the right table, with the pair of bytes that no one sends taken out.
fn found(fault: Fault) -> Vec<Unpinned> {
    let (airs, traces) = filled(fault);
    let wrong = violations(&airs, &traces);
    assert!(
        wrong.iter().all(|v| v.to_string().contains("handed")),
        "{wrong:?}"
    );
    let mut found = cell_test(&airs, &traces, &[("left", 7)]);
    found.retain(|unpinned| unpinned.table != "bytes");
    found
}

/// Whether every change of one cell by one leaves something over, or breaks something, if nothing else changes: what
/// the cell test once took for noticed.
fn each_cell_alone_is_missed(fault: Fault) -> bool {
    let (airs, traces) = filled(fault);
    (0..2).all(|t| {
        (0..airs[t].width() - 7).all(|column| {
            let mut changed = traces.clone();
            changed[t].values[5 * airs[t].width() + column] += F::ONE;
            let wrong = violations(&airs, &changed);
            let handed_on = |v: &stark::Violation| !v.to_string().contains("handed");
            wrong.iter().any(handed_on)
        })
    })
}

#[test]
fn nothing_is_found_where_nothing_is_forgotten() {
    assert_eq!(found(Fault::Nothing), []);
}

/// Each fault is found, though a change of any one cell alone is missed by what is left as it was.
#[test]
fn each_fault_is_found() {
    for (fault, table, change) in [
        (Fault::Range, "left", "with cells that make up for it"),
        (Fault::BitOfLookup, "left", "to a count that is not 0 or 1"),
        (Fault::BitOfSend, "left", "to a count that is not 0 or 1"),
        (Fault::Multiplicity, "left", "+1"),
        (Fault::Sum, "left", "with cells that make up for it"),
        (Fault::Handed, "left", "+1, and what follows from it"),
        (Fault::Digits, "left", "with cells that make up for it"),
        (Fault::Start, "left", "+1 on several rows"),
        (Fault::Free, "left", "none: it is declared free"),
    ] {
        let found = found(fault);
        let is_it = |u: &&Unpinned| u.table == table && u.change == change;
        assert!(found.iter().any(|u| is_it(&u)), "{fault:?}: {found:?}");
        assert!(each_cell_alone_is_missed(fault), "{fault:?}");
    }
}

/// A forger who hands over another number changes both tables, and the test says where.
#[test]
fn both_sides_of_a_bus_are_named() {
    let found = found(Fault::Handed);
    let named = |u: &Unpinned| {
        u.with
            .iter()
            .any(|(table, row, _)| *table == "right" && *row == u.row)
    };
    assert!(found.iter().any(named), "{found:?}");
}
