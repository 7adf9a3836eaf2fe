//! CPU time of a proof of one wide table in every suite: `cargo run --release -p stark --example suites`. It is read from
//! Linux, so that other work on the machine disturbs little, with `RAYON_NUM_THREADS=1` least.

use stark::{
    Bus, F, Inner, InnerHiding, InnerKeccak, Outer, Part, PrimeCharacteristicRing, Profile,
    RowBuilder, Statement, StatementDigest, Suite, Table, TableAir, Tally, Trace, check_with, fill,
    program_digest, prove_part_with, security_report_with, statement_digest,
};

const LOG_HEIGHT: usize = 14;
const CUBES: usize = 270;
const LIMBS: usize = 20;
const FIXED: usize = 40;
const LIMB: Bus = Bus::new("limb");

/// Cubes in a row, numbers below 2^10, and fixed columns: 300 columns with those of blinding.
#[derive(Clone)]
struct Wide(u32);

impl Table for Wide {
    type Row = usize;
    fn name(&self) -> &'static str {
        "wide"
    }
    fn log_height(&self) -> usize {
        LOG_HEIGHT
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let value = |row: usize, column: usize| {
            F::from_usize((row * (column + 7) + self.0 as usize) % 1000)
        };
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
    /// What the fixed columns depend on.
    type Claim = u32;
    type Context = ();
    fn context(_: &u32) -> Result<(), String> {
        Ok(())
    }
    fn parts(_: &u32, (): &()) -> usize {
        1
    }
    fn part(claim: &u32, (): &(), _: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: vec![TableAir::new(Wide(*claim)), TableAir::new(Limbs)],
            hashed: Vec::new(),
        }
    }
}

fn traces() -> Vec<Trace> {
    let part = Timed::part(&0, &(), 0);
    let tally = Tally::new(&[(LIMB, 1024)]);
    let wide = fill(&Wide(0), &part.tables[0], &tally, |row| row);
    let count = |row| (row, tally.count(LIMB, row));
    let limbs = fill(&Limbs, &part.tables[1], &Tally::default(), count);
    vec![wide, limbs]
}

/// CPU time that this process has taken, in milliseconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let behind_name = stat.rsplit(')').next().expect("fields");
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    ticks
        .map(|t| t.parse::<f64>().expect("ticks of 10 ms") * 10.0)
        .sum()
}

/// The average of some runs, in milliseconds.
fn milliseconds<T>(runs: u32, mut run: impl FnMut(u32) -> T) -> f64 {
    let start = cpu();
    for i in 0..runs {
        run(i);
    }
    (cpu() - start) / f64::from(runs)
}

fn suite<P: Suite>(name: &str, traces: &[Trace]) {
    let prove = || prove_part_with::<Timed, P>(&0, &(), 0, traces.to_vec()).expect("a proof");
    let proven = milliseconds(3, |_| prove());
    let proofs = [prove()];
    let check = |_| check_with::<Timed, P>(&0, &proofs).expect("it is honest");
    check(0);
    let checked = milliseconds(20, check);
    let bits = security_report_with::<P>(&Timed::part(&0, &(), 0)).total_bits;
    let bytes = proofs[0].len();
    println!(
        "{name}: proven in {proven:.0} ms, checked in {checked:.1} ms, {bytes} bytes, {bits:.1} bits"
    );
}

/// A root that is not known yet is computed, one that is known is looked up.
fn statement(name: &str, digest: fn(&u32, &(), usize) -> StatementDigest) {
    let first = milliseconds(10, |i| digest(&(i + 1), &(), 0));
    let again = milliseconds(50, |_| digest(&1, &(), 0));
    println!("{name}: statement digest in {first:.0} ms, then in {again:.1} ms");
}

fn main() {
    let traces = traces();
    suite::<Outer>("Outer", &traces);
    suite::<InnerKeccak>("InnerKeccak", &traces);
    suite::<Inner>("Inner", &traces);
    suite::<InnerHiding>("InnerHiding", &traces);
    let part = Timed::part(&0, &(), 0);
    let program = milliseconds(50, |_| program_digest::<Inner>(&part));
    println!("Inner: program digest in {program:.1} ms");
    statement("Inner", statement_digest::<Timed, Inner>);
    statement("InnerHiding", statement_digest::<Timed, InnerHiding>);
}
