//! Times a proof of one wide table in every suite: `cargo run --release -p stark --example suites`. With
//! `RAYON_NUM_THREADS=1` other work on the machine disturbs least.

use std::time::Instant;

use stark::{
    Bus, F, Inner, InnerHiding, InnerKeccak, Outer, Part, PrimeCharacteristicRing, Profile,
    RowBuilder, Statement, Suite, Table, TableAir, Tally, Trace, check_with, fill, program_digest,
    prove_part_with, security_report_with, statement_digest,
};

const LOG_HEIGHT: usize = 14;
const CUBES: usize = 270;
const LIMBS: usize = 20;
const FIXED: usize = 40;
const LIMB: Bus = Bus::new("limb");

/// Cubes in a row, numbers below 2^10, and fixed columns: 300 columns with those of blinding.
#[derive(Clone)]
struct Wide;

impl Table for Wide {
    type Row = usize;
    fn name(&self) -> &'static str {
        "wide"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let value = |row: usize, column: usize| F::from_usize(row * (column + 7) % 1000);
        let column = |i| (0..1 << LOG_HEIGHT).map(|row| value(row, i)).collect();
        (0..FIXED).map(column).collect()
    }
    fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
        let mut x = b.cell(|row| F::from_usize(*row));
        for i in 0..CUBES {
            let y = x.clone() * x.clone() * x + b.fixed(i % FIXED);
            x = b.derive([&y], |[y]| y);
            b.equal("WIDE-1", x.clone(), y);
        }
        for i in 0..LIMBS {
            let limb = b.cell(|row| F::from_usize(row * (i + 3) % 1024));
            let one = b.one();
            b.lookup(LIMB, &limb, one, std::slice::from_ref(&limb));
        }
    }
}

/// All numbers below 2^10.
#[derive(Clone)]
struct Limbs;

impl Table for Limbs {
    type Row = (usize, u32);
    fn name(&self) -> &'static str {
        "limb"
    }
    fn log_height(&self) -> usize {
        10
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        vec![(0..1024).map(F::from_usize).collect()]
    }
    fn row<B: RowBuilder<(usize, u32)>>(&self, b: &mut B) {
        let limb = b.pinned("LIMB-1", 0);
        let multiplicity = b.multiplicity(|row| F::new(row.1));
        b.provide(LIMB, multiplicity, &[limb]);
    }
}

struct Timed;

impl Statement for Timed {
    const ID: &'static str = "timed";
    const VERSION: u32 = 1;
    type Claim = ();
    type Context = ();
    fn context((): &()) -> Result<(), String> {
        Ok(())
    }
    fn parts((): &(), (): &()) -> usize {
        1
    }
    fn part((): &(), (): &(), _: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: vec![TableAir::new(Wide), TableAir::new(Limbs)],
            hashed: Vec::new(),
        }
    }
}

fn traces() -> Vec<Trace> {
    let part = Timed::part(&(), &(), 0);
    let tally = Tally::new(&[(LIMB, 1024)]);
    let wide = fill(&Wide, &part.tables[0], &tally, |row| row);
    let count = |row| (row, tally.count(LIMB, row));
    let limbs = fill(&Limbs, &part.tables[1], &Tally::default(), count);
    vec![wide, limbs]
}

/// The shortest of three, in milliseconds.
fn milliseconds<T>(mut run: impl FnMut() -> T) -> f64 {
    let time = || {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3
    };
    std::iter::repeat_with(time)
        .take(3)
        .fold(f64::INFINITY, f64::min)
}

fn suite<P: Suite>(name: &str, traces: &[Trace]) {
    let prove = || prove_part_with::<Timed, P>(&(), &(), 0, traces.to_vec()).expect("a proof");
    let proven = milliseconds(prove);
    let proofs = [prove()];
    let checked = milliseconds(|| check_with::<Timed, P>(&(), &proofs).expect("it is honest"));
    let bits = security_report_with::<P>(&Timed::part(&(), &(), 0)).total_bits;
    let bytes = proofs[0].len();
    println!(
        "{name}: proven in {proven:.0} ms, checked in {checked:.1} ms, {bytes} bytes, {bits:.1} bits"
    );
}

fn main() {
    let traces = traces();
    suite::<Outer>("Outer", &traces);
    suite::<InnerKeccak>("InnerKeccak", &traces);
    suite::<Inner>("Inner", &traces);
    suite::<InnerHiding>("InnerHiding", &traces);
    let part = Timed::part(&(), &(), 0);
    let program = milliseconds(|| program_digest::<Inner>(&part));
    let statement = milliseconds(|| statement_digest::<Timed, Inner>(&(), &(), 0));
    println!("Inner: program digest in {program:.1} ms, statement digest in {statement:.1} ms");
}
