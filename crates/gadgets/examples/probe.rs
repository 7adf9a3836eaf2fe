//! Throwaway measurement.
use gadgets::{hash::*, range::*};
use stark::*;
struct Wide {
    log: usize,
    hashes: usize,
    lookups: usize,
}
impl Table for Wide {
    type Row = u64;
    fn name(&self) -> &'static str {
        "wide"
    }
    fn log_height(&self) -> usize {
        self.log
    }
    fn row<B: RowBuilder<u64>>(&self, b: &mut B) {
        for h in 0..self.hashes {
            let e: Vec<B::E> = (0..16)
                .map(|i| b.cell(|w| F::new(((w * 31 + i + h as u64) % 100000) as u32)))
                .collect();
            let d = hash_row(b, Domain::Node, &e);
            let c = b.derive([&d[0]], |[x]| x);
            b.equal("W", c, d[0].clone());
        }
        for i in 0..self.lookups {
            let x = b.cell(|w| F::new(((w * 7 + i as u64) % 1024) as u32));
            limb(b, &x);
        }
    }
}
struct S;
impl Statement for S {
    const ID: &'static str = "probe";
    const VERSION: u32 = 1;
    type Claim = (usize, usize, usize, bool);
    type Context = ();
    fn context(_: &Self::Claim) -> Result<(), String> {
        Ok(())
    }
    fn parts(_: &Self::Claim, _: &()) -> usize {
        1
    }
    fn part(c: &Self::Claim, _: &(), _: usize) -> Part {
        Part {
            profile: if c.3 { Profile::Compact } else { Profile::Fast },
            tables: vec![
                TableAir::new(Wide {
                    log: c.0,
                    hashes: c.1,
                    lookups: c.2,
                }),
                TableAir::new(RangeTable::limbs(10)),
            ],
        }
    }
}
fn main() {
    if std::env::var("TRACE").is_ok() { tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE).with_target(false).init(); }
    let a: Vec<usize> = std::env::args()
        .skip(1)
        .map(|s| s.parse().unwrap())
        .collect();
    let c = (a[0], a[1], a[2], a[3] == 1);
    let part = S::part(&c, &(), 0);
    println!("{:?}", part.tables);
    let rt = RangeTable::limbs(10);
    for _ in 0..2 {
        let t = std::time::Instant::now();
        let tally = Tally::new(&[rt.tallied()]);
        let tr = fill(
            &Wide {
                log: c.0,
                hashes: c.1,
                lookups: c.2,
            },
            &part.tables[0],
            &tally,
            |i| i as u64,
        );
        let r = rt.trace(&part.tables[1], &tally);
        println!("fill {:?}", t.elapsed());
        let t = std::time::Instant::now();
        let proof = prove_part::<S>(&c, &(), 0, vec![tr, r]).unwrap();
        let e = t.elapsed();
        let cells = part.tables[0].width() << c.0;
        println!(
            "prove {:?} {} bytes; {:.1}M main cells/s",
            e,
            proof.len(),
            cells as f64 / e.as_secs_f64() / 1e6
        );
        let t = std::time::Instant::now();
        verify::<S>(&c, &[proof]).unwrap();
        println!("verify {:?}", t.elapsed());
    }
    let t = std::time::Instant::now();
    let rep = security_report(&part);
    println!(
        "{} {} {:?} {:?} {:?}",
        rep.proven_bits,
        rep.regime,
        rep.terms,
        rep.tables,
        t.elapsed()
    );
}
