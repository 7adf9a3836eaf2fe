//! A small statement: "these private bytes, weighted by 1, 2, 3, 4 in turn, add up to this total".
#![allow(dead_code)] // Each test file uses its part.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use stark::{
    Bus, F, Part, PartProof, PrimeCharacteristicRing, Profile, RowBuilder, Statement, Suite, Table,
    TableAir, Tally, Trace, When, fill, prove_part, prove_part_with,
};

pub const LOG_HEIGHT: usize = stark::MIN_LOG_HEIGHT;
pub const HEIGHT: usize = 1 << LOG_HEIGHT;
/// Answers whether a number is a byte.
pub const BYTES: Bus = Bus::new("byte");
/// Carries a pair from the items' first row to the bytes' first row.
pub const HANDED: Bus = Bus::new("handed");

/// Columns of [`Items`].
pub const VALUE: usize = 0;
pub const SUM: usize = 1;
pub const USED: usize = 2;
pub const SALT: usize = 3;
pub const IS_FIRST: usize = 4;

/// - ITEMS-1: the first sum is the first term.
/// - ITEMS-2: a sum is the sum above and its term.
/// - ITEMS-3: the last sum is the total.
/// - ITEMS-4: used is a bit.
/// - ITEMS-5: an unused value is zero.
/// - ITEMS-6: the first row is the first.
#[derive(Clone)]
pub struct Items {
    pub total: u32,
}

#[derive(Clone, Copy)]
pub struct Item {
    pub value: Option<u32>,
    pub sum: u32,
    pub salt: u32,
}

pub fn weight(row: usize) -> u32 {
    row as u32 % 4 + 1
}

impl Table for Items {
    type Row = Item;
    fn name(&self) -> &'static str {
        "items"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn public(&self) -> Vec<F> {
        vec![F::new(self.total)]
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let mut first = vec![F::ZERO; HEIGHT];
        first[0] = F::ONE;
        // The weight of the row below, and which row is the first.
        vec![(0..4).map(|row| F::new(weight(row + 1))).collect(), first]
    }
    fn row<B: RowBuilder<Item>>(&self, b: &mut B) {
        let (value, next_value) = b.state(|w: &Item| F::new(w.value.unwrap_or(0)));
        let (sum, next_sum) = b.state(|w| F::new(w.sum));
        let used = b.bit("ITEMS-4", |w| w.value.is_some());
        b.free("hides nothing here; an example of a free cell", |w| {
            F::new(w.salt)
        });
        let first = b.pinned("ITEMS-6", 1);
        let (next_weight, total) = (b.fixed(0), b.public(0));
        b.assert_zero("ITEMS-1", When::First, sum.clone() - value.clone());
        let one = b.one();
        let step = next_sum - sum.clone() - next_weight * next_value;
        b.assert_zero("ITEMS-2", When::Transition, step);
        b.assert_zero("ITEMS-3", When::Last, sum - total);
        b.zero("ITEMS-5", (one - used.clone()) * value.clone());
        b.lookup(BYTES, &value, used, std::slice::from_ref(&value));
        b.send(HANDED, first, &[value.clone(), value.clone() * value]);
    }
}

/// All bytes, and the pair that the items hand over. Columns: counter, multiplicity, first, pair.
///
/// - BYTES-1: the counter starts at zero.
/// - BYTES-2: the counter goes up by one.
/// - BYTES-3: the first row is the first.
/// - BYTES-4: only the first row holds a pair.
#[derive(Clone)]
pub struct Bytes;

pub struct Byte {
    pub row: usize,
    pub multiplicity: u32,
    pub pair: [F; 2],
}

impl Table for Bytes {
    type Row = Byte;
    fn name(&self) -> &'static str {
        "bytes"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let mut first = vec![F::ZERO; HEIGHT];
        first[0] = F::ONE;
        vec![first]
    }
    fn row<B: RowBuilder<Byte>>(&self, b: &mut B) {
        let (counter, next) = b.state(|w: &Byte| F::from_usize(w.row));
        let one = b.one();
        b.assert_zero("BYTES-1", When::First, counter.clone());
        let step = next - counter.clone() - one.clone();
        b.assert_zero("BYTES-2", When::Transition, step);
        let multiplicity = b.multiplicity(|w| F::new(w.multiplicity));
        b.provide(BYTES, multiplicity, &[counter]);
        let first = b.pinned("BYTES-3", 0);
        let pair: [B::E; 2] = std::array::from_fn(|i| b.cell(|w| w.pair[i]));
        for cell in &pair {
            b.zero("BYTES-4", (one.clone() - first.clone()) * cell.clone());
        }
        b.receive(HANDED, first, &pair);
    }
}

/// One total a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    pub name: String,
    pub totals: Vec<u32>,
}

impl Claim {
    pub fn of(parts: &[Vec<u32>]) -> Self {
        Self {
            name: "some bytes".into(),
            totals: parts.iter().map(|p| total(p)).collect(),
        }
    }
}

/// The statement, in any version and either profile.
#[derive(Debug, PartialEq)]
pub struct Sums<const VERSION: u32, const FAST: bool>;
pub type Compact = Sums<1, false>;

impl<const VERSION: u32, const FAST: bool> Statement for Sums<VERSION, FAST> {
    const ID: &'static str = "sums";
    const VERSION: u32 = VERSION;
    type Claim = Claim;
    type Context = ();

    fn context(claim: &Claim) -> Result<(), String> {
        if claim.totals.iter().any(|&t| t >= stark::P) {
            return Err("a total is not below p".into());
        }
        Ok(())
    }
    fn parts(claim: &Claim, (): &()) -> usize {
        claim.totals.len()
    }
    fn part(claim: &Claim, (): &(), part: usize) -> Part {
        Part {
            profile: if FAST {
                Profile::Fast
            } else {
                Profile::Compact
            },
            tables: airs(claim.totals[part]),
            hashed: Vec::new(),
        }
    }
}

pub fn airs(total: u32) -> Vec<TableAir> {
    vec![TableAir::new(Items { total }), TableAir::new(Bytes)]
}

/// The weighted sum of bytes.
pub fn total(bytes: &[u32]) -> u32 {
    let terms = bytes.iter().enumerate();
    terms.map(|(row, byte)| weight(row) * byte).sum()
}

/// `n` bytes that depend on `seed`.
pub fn some_bytes(n: usize, seed: u32) -> Vec<u32> {
    (0..n as u32)
        .map(|i| (i * 37 + seed * 101 + i * i * seed) % 256)
        .collect()
}

/// Honest traces. Values that are no bytes give traces that balance no bus.
pub fn traces(bytes: &[u32]) -> Vec<Trace> {
    let items = Items {
        total: total(bytes),
    };
    let airs = airs(items.total);
    let tally = Tally::new(&[(BYTES, HEIGHT)]);
    let first = F::new(bytes.first().copied().unwrap_or(0));
    vec![
        fill(&items, &airs[0], &tally, |row| Item {
            value: bytes.get(row).copied(),
            sum: total(&bytes[..bytes.len().min(row + 1)]),
            salt: row as u32,
        }),
        fill(&Bytes, &airs[1], &Tally::default(), |row| Byte {
            row,
            multiplicity: tally.count(BYTES, row),
            pair: if row == 0 {
                [first, first * first]
            } else {
                [F::ZERO; 2]
            },
        }),
    ]
}

/// Changes a cell.
pub fn set(trace: &mut Trace, row: usize, column: usize, value: F) {
    let width = trace.width;
    trace.values[row * width + column] = value;
}

/// A cell.
pub fn get(trace: &Trace, row: usize, column: usize) -> F {
    trace.values[row * trace.width + column]
}

/// A proof of a part, or `None` if the prover refuses. (A debug build of the proof system checks
/// the trace and stops; a release build gives a proof that does not verify.)
pub fn try_prove<S: Statement<Claim = Claim, Context = ()>>(
    claim: &Claim,
    part: usize,
    traces: Vec<Trace>,
) -> Option<PartProof> {
    catch_unwind(AssertUnwindSafe(|| {
        prove_part::<S>(claim, &(), part, traces).ok()
    }))
    .ok()
    .flatten()
}

/// Proofs of all parts.
pub fn prove<S: Statement<Claim = Claim, Context = ()>>(parts: &[Vec<u32>]) -> Vec<PartProof> {
    let claim = Claim::of(parts);
    parts
        .iter()
        .enumerate()
        .map(|(i, bytes)| prove_part::<S>(&claim, &(), i, traces(bytes)).expect("an honest proof"))
        .collect()
}

/// The same with a suite.
pub fn prove_with<S: Statement<Claim = Claim, Context = ()>, P: Suite>(
    parts: &[Vec<u32>],
) -> Vec<PartProof> {
    let claim = Claim::of(parts);
    let prove = |(i, bytes): (usize, &Vec<u32>)| {
        prove_part_with::<S, P>(&claim, &(), i, traces(bytes)).expect("an honest proof")
    };
    parts.iter().enumerate().map(prove).collect()
}
