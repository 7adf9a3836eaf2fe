//! Measures the margin statement: `margin_probe account` or `margin_probe book ACCOUNTS POSITIONS`.

use std::time::Instant;

use risk::{Level, sample};
use stark::{Statement, security_report, verify};
use statements::account::Secret;
use statements::margin::{Margin, Prepared};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, or: usize| arguments.get(i).and_then(|a| a.parse().ok()).unwrap_or(or);
    let snapshot = sample::snapshot();
    let secret = Secret::random();
    let single = arguments.first().is_none_or(|a| a == "account");
    let positions = number(2, if single { 64 } else { 16 });
    let book = sample::book(
        &snapshot,
        1,
        if single { 1 } else { number(1, 1024) },
        positions,
        0,
    );
    for _ in 0..if single { 4 } else { 1 } {
        let start = Instant::now();
        let level = Level::Initial;
        let prepared = if single {
            Prepared::account(&snapshot, &book.accounts()[0], level, positions, &secret)
        } else {
            Prepared::book(&snapshot, &book, level, positions, &secret)
        }
        .expect("the sample book is met");
        println!("prepare {:?}", start.elapsed());
        let mut proofs = Vec::new();
        for part in 0..prepared.parts() {
            let fill = Instant::now();
            prepared.traces(part);
            let (fill, prove) = (fill.elapsed(), Instant::now());
            proofs.push(prepared.prove(part).expect("proves"));
            println!(
                "part {part}: fill {fill:?}, prove with fill {:?}",
                prove.elapsed()
            );
        }
        let all = start.elapsed();
        let bytes: usize = proofs.iter().map(Vec::len).sum();
        let start = Instant::now();
        verify::<Margin>(prepared.claim(), &proofs).expect("verifies");
        println!("all {all:?}, {bytes} bytes, verify {:?}", start.elapsed());
        let part = Margin::part(prepared.claim(), prepared.context(), 0);
        let report = security_report(&part);
        println!(
            "{:?}\n{} bits, {:?}",
            part.tables, report.proven_bits, report.tables
        );
    }
}
