//! Running totals: without any of their constraints, somebody could forge a total.

use gadgets::hash::DIGEST;
use gadgets::range::RangeTable;
use gadgets::sponge::{QUAD, QUADS};
use gadgets::totals::{
    COUNT_LIMBS, COUNTS, End, Held, PASSES, Register, SALTS, Show, TotalsTable, elements_register,
    state_quads,
};
use stark::{
    F, PrimeCharacteristicRing, RowBuilder, Table, TableAir, Tally, Trace, fill, needless, violated,
};

/// A message of another table, which may hold anything.
#[derive(Clone, Copy)]
enum Other {
    Count([F; 1 + COUNT_LIMBS]),
    Pass([F; 5]),
    Quad([F; 1 + QUAD]),
}

/// What other tables send and take, a message a row.
#[derive(Clone)]
struct Others(Vec<Other>);

impl Table for Others {
    type Row = usize;
    fn name(&self) -> &'static str {
        "others"
    }
    fn log_height(&self) -> usize {
        8
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let is = |kind: fn(&Other) -> bool| {
            (0..256)
                .map(|row| F::from_bool(self.0.get(row).is_some_and(kind)))
                .collect()
        };
        vec![
            is(|o| matches!(o, Other::Count(_))),
            is(|o| matches!(o, Other::Pass(_))),
            is(|o| matches!(o, Other::Quad(_))),
        ]
    }
    fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
        let kinds = [0, 1, 2].map(|kind| b.pinned("OTHERS-1", kind));
        let message: [B::E; 1 + COUNT_LIMBS] = std::array::from_fn(|i| {
            b.cell(|row| {
                let message: &[F] = match self.0.get(*row) {
                    Some(Other::Count(message)) => message,
                    Some(Other::Pass(message)) => message,
                    Some(Other::Quad(message)) => message,
                    None => &[],
                };
                message.get(i).copied().unwrap_or(F::ZERO)
            })
        });
        let [counts, passes, quads] = kinds;
        b.send(COUNTS, counts, &message);
        b.receive(PASSES, passes, &message[..5]);
        b.receive(QUADS, quads, &message[..1 + QUAD]);
    }
}

const PASSED: usize = SALTS;
const ELEMENTS: usize = SALTS + 1;
const COUNTED: usize = SALTS + 2;

/// A passed register, one of elements, and two counted ones, in a part that starts from zero and shows what it ends with, or in
/// one that starts from a commitment and ends with one.
fn part(is_only: bool) -> (Vec<TableAir>, Vec<Trace>) {
    let elements = [F::from_u32(7), F::from_u32(9)];
    let (start, salt) = match is_only {
        true => (0, 0),
        false => (1000, 77),
    };
    let before = vec![salt, salt, 3 * start, 0, start, 2 * start];
    let after = vec![
        salt,
        salt,
        5000,
        elements_register(elements),
        start + 300,
        2 * start + 400,
    ];
    let value = |register: usize| Held::try_from(after[register]).expect("below 2^90");
    let (from, end) = match is_only {
        true => (
            None,
            End::Shown(vec![
                Show::Value(value(PASSED)),
                Show::Hidden,
                Show::Value(value(COUNTED)),
                Show::AtMost(Held::from(1 << 40)),
            ]),
        ),
        false => (Some([F::ZERO; DIGEST]), End::Commitment([F::ZERO; DIGEST])),
    };
    let registers = [
        Register::Passed,
        Register::Elements,
        Register::Counted,
        Register::Counted,
    ];
    let table = TotalsTable::new(&registers, from, end, 0);
    let number = |register: usize| F::from_usize(register);
    let mut others = vec![Other::Count([F::ZERO; 1 + COUNT_LIMBS]); 2];
    let mut counts = vec![[0; COUNT_LIMBS]; before.len()];
    for (i, other) in others.iter_mut().enumerate() {
        let added = after[COUNTED + i] - before[COUNTED + i];
        counts[COUNTED + i][0] = added as i64;
        let mut message = [F::ZERO; 1 + COUNT_LIMBS];
        (message[0], message[1]) = (number(COUNTED + i), F::from_u64(added as u64));
        *other = Other::Count(message);
    }
    for (side, values) in [&before, &after].into_iter().enumerate() {
        let mut message = [number(PASSED), number(side), F::ZERO, F::ZERO, F::ZERO];
        message[2] = F::from_u64(values[PASSED] as u64);
        others.push(Other::Pass(message));
        let [low, high] = if side == 0 { [F::ZERO; 2] } else { elements };
        others.push(Other::Pass([
            number(ELEMENTS),
            number(side),
            low,
            high,
            F::ZERO,
        ]));
    }
    if !is_only {
        let all = [before.clone(), after.clone()].concat();
        others.extend(state_quads(&all).iter().enumerate().map(|(address, quad)| {
            let mut message = [number(address); 1 + QUAD];
            message[1..].copy_from_slice(quad);
            Other::Quad(message)
        }));
    }
    let others = Others(others);
    let range = RangeTable::limbs(8);
    let airs = vec![
        TableAir::new(table.clone()),
        TableAir::new(others.clone()),
        TableAir::new(range),
    ];
    let tally = Tally::new(&[range.tallied()]);
    let mut quads = vec![[F::ZERO; QUAD]; TotalsTable::quads(registers.len())];
    let totals = table.trace(&airs[0], &tally, &before, &after, &counts, &mut quads);
    let sent = fill(&others, &airs[1], &tally, |row| row);
    let answers = range.trace(&airs[2], &tally);
    (airs, vec![totals, sent, answers])
}

fn rows() -> Vec<(&'static str, usize)> {
    (0..8).map(|row| ("totals", row)).collect()
}

#[test]
fn honest_totals_are_right() {
    for is_only in [true, false] {
        let (airs, traces) = part(is_only);
        assert_eq!(violated(&airs, &traces), [""; 0], "{is_only}");
    }
}

/// Each constraint is broken, and nothing else, by some forgery.
#[test]
fn every_constraint_of_totals_is_needed() {
    let (airs, traces) = part(true);
    let ids = [
        "TOTALS-1", "TOTALS-2", "TOTALS-3", "TOTALS-4", "TOTALS-5", "TOTALS-6", "TOTALS-7",
    ];
    assert_eq!(needless(&airs, &traces, &rows(), &ids), [""; 0]);
    let (airs, traces) = part(false);
    let ids = ["TOTALS-1", "TOTALS-2", "TOTALS-3", "TOTALS-7"];
    assert_eq!(needless(&airs, &traces, &rows(), &ids), [""; 0]);
}
