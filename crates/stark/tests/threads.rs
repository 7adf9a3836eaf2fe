//! Proving ends, however many threads there are.
//!
//! The proof system's hiding commitment once held a lock across parallel work inside a loop over tables: a thread that
//! waited there could take up another table's work and then wait for itself. It took at least four threads and several
//! tables.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use stark::{
    Part, Profile, RowBuilder, Statement, Table, TableAir, Tally, fill, prove_part, verify,
};

/// Tables, none of which is higher than 2^10.
const TABLES: usize = 12;
const THREADS: usize = 8;
/// An honest proof takes a tenth of a second; a busy machine may need much longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A table of bits, of one of three heights.
#[derive(Clone)]
struct Bits(usize);

impl Table for Bits {
    type Row = usize;
    fn name(&self) -> &'static str {
        "bits"
    }
    fn log_height(&self) -> usize {
        8 + self.0 % 3
    }
    fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
        for i in 0..12 {
            b.bit("BITS", |w| (w >> i) & 1 == 1);
        }
    }
}

struct Twelve;

impl Statement for Twelve {
    const ID: &'static str = "twelve";
    const VERSION: u32 = 1;
    type Claim = u32;
    type Context = ();
    fn context(_: &u32) -> Result<(), String> {
        Ok(())
    }
    fn parts(_: &u32, (): &()) -> usize {
        1
    }
    fn part(_: &u32, (): &(), _: usize) -> Part {
        Part {
            profile: Profile::Fast,
            tables: (0..TABLES).map(|i| TableAir::new(Bits(i))).collect(),
            hashed: Vec::new(),
        }
    }
}

fn prove(claim: u32) {
    let traces = (0..TABLES).map(|i| {
        let air = TableAir::new(Bits(i));
        fill(&Bits(i), &air, &Tally::default(), |row| row)
    });
    let proof = prove_part::<Twelve>(&claim, &(), 0, traces.collect()).expect("an honest proof");
    // The proof's shape was never at stake: a few are looked at.
    if claim.is_multiple_of(16) {
        verify::<Twelve>(&claim, &[proof]).expect("an honest proof");
    }
}

/// Set `SEALBOOK_PROOFS` to another number of proofs: a hang was seen in one of a hundred.
#[test]
fn proofs_with_twelve_tables_and_eight_threads_end() {
    let count = match std::env::var("SEALBOOK_PROOFS") {
        Ok(count) => count.parse().expect("SEALBOOK_PROOFS is a number"),
        Err(_) => 24,
    };
    let (done, ended) = channel();
    let start = Instant::now();
    std::thread::spawn(move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build();
        let pool = pool.expect("threads");
        for claim in 0..count {
            pool.install(|| prove(claim));
            if done.send(()).is_err() {
                return;
            }
        }
    });
    for i in 0..count {
        match ended.recv_timeout(PATIENCE) {
            Ok(()) => {}
            // A thread that waits for itself can't be joined: the process ends.
            Err(RecvTimeoutError::Timeout) => {
                eprintln!("proof {i} of {count} has not ended within {PATIENCE:?}");
                std::process::abort();
            }
            Err(RecvTimeoutError::Disconnected) => panic!("proof {i} of {count} failed"),
        }
    }
    eprintln!(
        "{count} proofs with {THREADS} threads ended in {:.1?}",
        start.elapsed()
    );
}
