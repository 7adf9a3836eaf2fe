//! Running totals: what a part adds to the hidden state that runs through the parts of a claim.
//!
//! The state is a list of *registers*, each a number below 2^90. Between parts it is known only as
//! `hash(State, registers)`, hiding because the first registers are a salt. A register is one of
//!
//! - salt: anything;
//! - passed: this part's tables say what it was and what it becomes (the last key of a sorted list);
//! - elements: the same for up to two field elements (a running product);
//! - counted: this part's tables send what to add.
//!
//! The first part starts from zeros; the last part does not commit but shows counted registers, or
//! shows only that they do not exceed public bounds.

use stark::{
    Bus, F, PrimeCharacteristicRing, PrimeField32, RowBuilder, Table, TableAir, Tally, Trace, fill,
};

use crate::hash::{Digest, Domain, hash};
use crate::limbs::{Limbs, join, limb_of, signed};
use crate::range::{LIMB_BITS, limb};
use crate::sponge::{QUAD, QUADS, Stream, Target};
use crate::sum::carry_of;

/// Messages `[register, c0, .., c5]`: add `sum c[i] * 2^(10 i)`, each `c` of magnitude below 2^24, to a
/// register. Coefficients may be negative; what they add may not bring the register below zero.
pub const COUNTS: Bus = Bus::new("count");
/// Messages `[register, 0, three parts]` of what a passed register was and `[register, 1, three parts]` of what it is after
/// this part. The parts of a number below 2^60 are its 20-bit chunks; those of elements the elements, then zeros.
pub const PASSES: Bus = Bus::new("pass");

/// Answers lookups of `[register, after limbs (9)]`, if the table [answers](TotalsTable::answering).
pub const TOTALS: Bus = Bus::new("total");
/// Limbs of a register.
pub const REGISTER_LIMBS: usize = 9;
/// Limbs of a field element in a register.
pub const ELEMENT_LIMBS: usize = 4;
/// Coefficients of a count.
pub const COUNT_LIMBS: usize = 6;
/// Two field elements as a register holds them.
pub fn elements_register(elements: [F; 2]) -> u128 {
    let [low, high] = elements.map(|e| u128::from(e.as_canonical_u32()));
    low | high << (LIMB_BITS * ELEMENT_LIMBS)
}

/// Salt registers: 180 bits.
pub const SALTS: usize = 2;

/// What kind of register, after the salts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// Random; hides the commitment.
    Salt,
    /// Stated by another table on [`PASSES`].
    Passed,
    /// Two field elements, stated by another table on [`PASSES`]. Each stands in four limbs, which may hold the element or
    /// the element and a multiple of p, up to 2^40: all are the same element.
    Elements,
    /// Added to by another table on [`COUNTS`].
    Counted,
}

/// How a state is shown at a part's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// As a commitment, for the next part.
    Commitment(Digest),
    /// The last part: for each register, nothing, its value, or an upper bound.
    Shown(Vec<Show>),
}

/// How a register is shown after the last part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Not at all.
    Hidden,
    /// It equals this.
    Value(Held),
    /// It does not exceed this.
    AtMost(Held),
}

/// A number that a register holds: below 2^90. What is larger can't be said of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held(u128);

/// A number that no register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is too large: totals are below 2^90 of their unit")]
pub struct TooLarge(pub u128);

impl From<u64> for Held {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl TryFrom<u128> for Held {
    type Error = TooLarge;
    fn try_from(value: u128) -> Result<Self, TooLarge> {
        if value >> (LIMB_BITS * REGISTER_LIMBS) == 0 {
            Ok(Self(value))
        } else {
            Err(TooLarge(value))
        }
    }
}

/// The elements a state is committed as: one quad a register.
pub fn state_quads(registers: &[u128]) -> Vec<[F; QUAD]> {
    registers
        .iter()
        .map(|&r| std::array::from_fn(|i| if i < 3 { element(r, i) } else { F::ZERO }))
        .collect()
}

fn element(register: u128, index: usize) -> F {
    F::from_u64(((register >> (30 * index)) % (1 << 30)) as u64)
}

/// The commitment to a state.
pub fn commit(registers: &[u128]) -> Digest {
    hash(Domain::State, state_quads(registers).as_flattened())
}

/// The table: one row a register. Constraints TOTALS-1 to TOTALS-7: `GADGETS.md`.
#[derive(Clone, Debug)]
pub struct TotalsTable {
    registers: Vec<Register>,
    start: Option<Digest>,
    end: End,
    address: usize,
    answering: bool,
}

// Fixed columns.
const REGISTER: usize = 0;
const COUNTED: usize = 1;
const PASSED: usize = 2;
const USED: usize = 3;
const BEFORE: usize = 4;
const AFTER: usize = 5;
const SENDS_BEFORE: usize = 6;
const SENDS_AFTER: usize = 7;
const FROM_ZERO: usize = 8;
const IS_SHOWN: usize = 9;
const IS_BOUNDED: usize = 10;
const ELEMENTS: usize = 11;
const SHOWN: usize = 12;
const FIXED: usize = SHOWN + REGISTER_LIMBS;

impl TotalsTable {
    /// A table for `registers` (the salts are added), which start from the commitment `start` (from
    /// zeros in the first part). Its quads take `2 * (SALTS + registers)` addresses from `address`.
    pub fn new(registers: &[Register], start: Option<Digest>, end: End, address: usize) -> Self {
        let mut all = vec![Register::Salt; SALTS];
        all.extend_from_slice(registers);
        Self {
            registers: all,
            start,
            end,
            address,
            answering: false,
        }
    }

    /// Lets other tables look registers up on [`TOTALS`], as they are after this part.
    #[must_use]
    pub fn answering(self) -> Self {
        Self {
            answering: true,
            ..self
        }
    }

    /// What a [`Tally`] must count for a table that answers.
    pub fn tallied(&self) -> (Bus, usize) {
        (TOTALS, 1 << self.log_height())
    }

    /// Addresses the table's quads take.
    pub fn quads(registers: usize) -> usize {
        2 * (SALTS + registers)
    }

    /// The hashes that a [`SpongeTable`](crate::sponge::SpongeTable) must compute for this table.
    pub fn streams(&self) -> Vec<Stream> {
        let quads = self.registers.len();
        let stream = |address, digest| Stream {
            domain: Domain::State,
            address,
            quads,
            headed: false,
            target: Target::Public(digest),
        };
        let before = self.start.map(|digest| stream(self.address, digest));
        let after = match &self.end {
            End::Commitment(digest) => Some(stream(self.address + quads, *digest)),
            End::Shown(_) => None,
        };
        before.into_iter().chain(after).collect()
    }

    /// Fills the table from the whole state before and after this part and the counts added, and
    /// writes the state's quads to their addresses.
    pub fn trace(
        &self,
        air: &TableAir,
        tally: &Tally,
        before: &[u128],
        after: &[u128],
        counts: &[[i64; COUNT_LIMBS]],
        quads: &mut [[F; QUAD]],
    ) -> Trace {
        let n = self.registers.len();
        assert!(before.len() == n && after.len() == n && counts.len() == n);
        quads[self.address..self.address + n].copy_from_slice(&state_quads(before));
        quads[self.address + n..self.address + 2 * n].copy_from_slice(&state_quads(after));
        fill(self, air, tally, |row| {
            let multiplicity = if self.answering {
                tally.count(TOTALS, row)
            } else {
                0
            };
            if row < n {
                TotalsRow {
                    before: before[row],
                    after: after[row],
                    count: counts[row],
                    multiplicity,
                }
            } else {
                TotalsRow {
                    multiplicity,
                    ..TotalsRow::default()
                }
            }
        })
    }

    fn show(&self, register: usize) -> Show {
        match &self.end {
            // Nothing is committed, so nothing needs a salt.
            End::Shown(_) if register < SALTS => Show::Value(0.into()),
            End::Shown(shows) => shows[register - SALTS],
            End::Commitment(_) => Show::Hidden,
        }
    }
}

/// One register.
#[derive(Clone, Debug, Default)]
pub struct TotalsRow {
    before: u128,
    after: u128,
    count: [i64; COUNT_LIMBS],
    multiplicity: u32,
}

impl Table for TotalsTable {
    type Row = TotalsRow;

    fn name(&self) -> &'static str {
        "totals"
    }

    fn log_height(&self) -> usize {
        let registers = self.registers.len().next_power_of_two();
        (registers.ilog2() as usize).max(stark::MIN_LOG_HEIGHT)
    }

    fn fixed(&self) -> Vec<Vec<F>> {
        let mut columns = vec![vec![F::ZERO; 1 << self.log_height()]; FIXED];
        let n = self.registers.len();
        for (row, register) in self.registers.iter().enumerate() {
            let mut set = |column: usize, value: usize| columns[column][row] = F::from_usize(value);
            set(REGISTER, row);
            set(USED, 1);
            set(COUNTED, usize::from(*register == Register::Counted));
            let passed = matches!(register, Register::Passed | Register::Elements);
            set(PASSED, usize::from(passed));
            set(ELEMENTS, usize::from(*register == Register::Elements));
            set(BEFORE, self.address + row);
            set(AFTER, self.address + n + row);
            set(SENDS_BEFORE, usize::from(self.start.is_some()));
            set(
                SENDS_AFTER,
                usize::from(matches!(self.end, End::Commitment(_))),
            );
            set(FROM_ZERO, usize::from(self.start.is_none()));
            let (flag, value) = match self.show(row) {
                Show::Hidden => continue,
                Show::Value(v) => (IS_SHOWN, v),
                Show::AtMost(v) => (IS_BOUNDED, v),
            };
            set(flag, 1);
            for i in 0..REGISTER_LIMBS {
                set(SHOWN + i, limb_of(value.0, i) as usize);
            }
        }
        columns
    }

    fn row<B: RowBuilder<TotalsRow>>(&self, b: &mut B) {
        let [register, counted, passed, used] =
            [REGISTER, COUNTED, PASSED, USED].map(|column| b.pinned("TOTALS-1", column));
        let addresses = [BEFORE, AFTER].map(|column| b.pinned("TOTALS-1", column));
        let sends = [SENDS_BEFORE, SENDS_AFTER].map(|column| b.pinned("TOTALS-1", column));
        let before = Limbs::read(b, REGISTER_LIMBS, |w: &TotalsRow| w.before);
        let after = Limbs::read(b, REGISTER_LIMBS, |w: &TotalsRow| w.after);
        let count: [B::E; COUNT_LIMBS] =
            std::array::from_fn(|i| b.cell(|w| F::from_i64(w.count[i])));
        for cell in &count {
            b.zero("TOTALS-3", (b.one() - counted.clone()) * cell.clone());
        }
        for cell in before.iter().chain(&after) {
            b.zero("TOTALS-7", (b.one() - used.clone()) * cell.clone());
        }
        // Whether the register holds elements; no column if none does.
        let elements = if self.registers.contains(&Register::Elements) {
            b.pinned("TOTALS-1", ELEMENTS)
        } else {
            b.constant(F::ZERO)
        };
        let number = passed.clone() - elements.clone();
        assert_short(b, &number, &passed, &before);
        assert_short(b, &number, &passed, &after);
        assert_counted(b, &counted, [&before, &after], &count);

        let from_zero = b.fixed(FROM_ZERO);
        for cell in &before {
            b.zero("TOTALS-4", from_zero.clone() * cell.clone());
        }
        assert_shown(b, &after);

        if self.answering {
            // Rows below the last register answer as register 0, a salt, that nobody asks for.
            let multiplicity = b.multiplicity(|w| F::new(w.multiplicity));
            let mut message = vec![register.clone()];
            message.extend(after.iter().cloned());
            b.provide(TOTALS, multiplicity, &message);
        }
        let mut message = vec![register.clone()];
        message.extend(count);
        b.receive(COUNTS, counted, &message);
        for (side, limbs) in [&before, &after].into_iter().enumerate() {
            let mut message = vec![register.clone(), b.constant(F::from_usize(side))];
            message.extend(passed_parts(b, &elements, limbs));
            b.send(PASSES, passed.clone(), &message);
        }
        for ((address, sends), limbs) in addresses.into_iter().zip(sends).zip([&before, &after]) {
            let mut quad = vec![address];
            quad.extend((0..3).map(|i| join(&limbs[3 * i..3 * i + 3])));
            quad.push(b.constant(F::ZERO));
            b.send(QUADS, sends, &quad);
        }
    }
}

/// A passed register has no limbs beyond what its message carries: six if it holds a number (`number` is 1), eight if it
/// holds elements.
fn assert_short<B: RowBuilder<TotalsRow>>(
    b: &mut B,
    number: &B::E,
    passed: &B::E,
    limbs: &Limbs<B::E>,
) {
    for (i, cell) in limbs.iter().enumerate().skip(COUNT_LIMBS) {
        let none = if i < 2 * ELEMENT_LIMBS {
            number
        } else {
            passed
        };
        b.zero("TOTALS-3", none.clone() * cell.clone());
    }
}

/// `before + count = after` on the row of a counted register, limb by limb with carries.
fn assert_counted<B: RowBuilder<TotalsRow>>(
    b: &mut B,
    counted: &B::E,
    [before, after]: [&Limbs<B::E>; 2],
    count: &[B::E; COUNT_LIMBS],
) {
    let radix = F::from_u64(1 << LIMB_BITS);
    let mut carry = b.constant(F::ZERO);
    for i in 0..REGISTER_LIMBS {
        let mut value = before[i].clone() + carry.clone();
        if let Some(c) = count.get(i) {
            value += c.clone();
        }
        value *= counted.clone();
        carry = if i + 1 == REGISTER_LIMBS {
            b.constant(F::ZERO)
        } else {
            carry_of(b, &value)
        };
        let sum = carry.clone() * radix + after[i].clone() * counted.clone();
        b.integer("TOTALS-2", value - sum);
    }
}

/// After the last part: the register is the shown value, or at most the shown bound.
fn assert_shown<B: RowBuilder<TotalsRow>>(b: &mut B, after: &Limbs<B::E>) {
    let radix = F::from_u64(1 << LIMB_BITS);
    let (shown, bounded) = (b.fixed(IS_SHOWN), b.fixed(IS_BOUNDED));
    let mut borrow = b.constant(F::ZERO);
    for (i, cell) in after.iter().enumerate() {
        let value = b.fixed(SHOWN + i);
        b.zero("TOTALS-5", shown.clone() * (cell.clone() - value.clone()));
        // bound - after - borrow = slack - 2^10 borrow'
        let slack = bounded.clone() * (value - cell.clone()) - borrow.clone();
        let low = b.derive([&slack], |[v]| {
            F::from_u64(signed(v).rem_euclid(1 << LIMB_BITS) as u64)
        });
        let low = limb(b, low).into_inner();
        borrow = if i + 1 == REGISTER_LIMBS {
            b.constant(F::ZERO)
        } else {
            let bit = b.derive([&slack], |[v]| F::from_bool(signed(v) < 0));
            b.boolean("TOTALS-6", &bit);
            bit
        };
        b.integer("TOTALS-6", slack + borrow.clone() * radix - low);
    }
}

/// The three parts of a register in a message of [`PASSES`]: chunks of a number, or two elements if `elements` is 1.
fn passed_parts<B: RowBuilder<TotalsRow>>(
    b: &B,
    elements: &B::E,
    limbs: &Limbs<B::E>,
) -> [B::E; 3] {
    let [low, middle, high] = [0, 1, 2].map(|c| join(&limbs[2 * c..2 * c + 2]));
    let second = join(&limbs[ELEMENT_LIMBS..2 * ELEMENT_LIMBS]);
    [
        low + elements.clone() * middle.clone() * F::from_u64(1 << (2 * LIMB_BITS)),
        middle.clone() + elements.clone() * (second - middle),
        (b.one() - elements.clone()) * high,
    ]
}

/// States what a passed register was, on the first row, and what it becomes, on the last.
pub fn pass<W, B: RowBuilder<W>>(
    b: &mut B,
    register: usize,
    first: &B::E,
    last: &B::E,
    before: &[B::E],
    after: &[B::E],
) {
    for (side, (count, parts)) in [(first, before), (last, after)].into_iter().enumerate() {
        let mut message = vec![
            b.constant(F::from_usize(SALTS + register)),
            b.constant(F::from_usize(side)),
        ];
        message.extend_from_slice(parts);
        message.resize(5, b.constant(F::ZERO));
        b.receive(PASSES, count.clone(), &message);
    }
}
