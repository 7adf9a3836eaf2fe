//! Every suite: what it proves it checks, and it checks nothing else.

mod common;

use common::{Claim, Compact, HEIGHT, Sums, prove_with, some_bytes};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;
use stark::{
    F, Inner, InnerHiding, InnerKeccak, Outer, Part, PartProof, PrimeCharacteristicRing,
    ProgramDigest, ProofFile, Rejection, Statement, StatementDigest, Suite, TARGET_BITS,
    check_with, most_part_bytes_with, program_digest, prove_part_with, security_report_with,
    statement_digest, verify,
};

/// Runs `$run::<P>()` for every suite `P`.
macro_rules! for_suites {
    ($run:ident) => {
        $run::<Outer>();
        $run::<InnerKeccak>();
        $run::<Inner>();
        $run::<InnerHiding>();
    };
}

fn parts() -> [Vec<u32>; 2] {
    [some_bytes(200, 1), some_bytes(HEIGHT, 2)]
}

fn tables() -> Part {
    Compact::part(&Claim::of(&parts()), &(), 0)
}

// POSITIVE

#[test]
fn every_suite_checks_what_it_proves() {
    fn run<P: Suite>() {
        let claim = Claim::of(&parts());
        let proofs = prove_with::<Compact, P>(&parts());
        check_with::<Compact, P>(&claim, &proofs).expect("an honest proof");
        let fast = prove_with::<Sums<1, true>, P>(&parts());
        check_with::<Sums<1, true>, P>(&claim, &fast).expect("an honest proof");
        // The bound on a proof's bytes is near. In lower trees more paths meet.
        let most = [&proofs, &fast].map(|p| p[0].len()).into_iter().zip([
            most_part_bytes_with::<P>(&tables()),
            most_part_bytes_with::<P>(&<Sums<1, true>>::part(&claim, &(), 0)),
        ]);
        for (bytes, most) in most {
            eprintln!("{bytes} bytes, at most {most}");
            assert!(bytes <= most && bytes * 10 >= most * 6, "{bytes}, {most}");
        }
    }
    for_suites!(run);
}

/// A proof made before there were suites.
#[test]
fn a_proof_of_old_verifies() {
    let file = ProofFile::from_bytes(include_bytes!("data/sums.proof")).expect("a file");
    let claim = file.claim::<Compact>().expect("its claim");
    assert_eq!(claim, Claim::of(&[some_bytes(77, 8)]));
    verify::<Compact>(&claim, &file.parts).expect("it was accepted then");
    check_with::<Compact, Outer>(&claim, &file.parts).expect("it was accepted then");
}

#[test]
fn tables_with_fixed_columns_reach_the_target_in_every_suite() {
    fn run<P: Suite>() {
        let report = security_report_with::<P>(&tables());
        assert!(report.total_bits >= TARGET_BITS, "{}", report.total_bits);
        let committed = report.tables.iter().map(|t| t.committed_fixed);
        let expected = if report.suite.commits_fixed {
            [2, 1]
        } else {
            [0, 0]
        };
        assert!(committed.eq(expected));
    }
    for_suites!(run);
}

// NEGATIVE

#[test]
fn every_suite_refuses_other_claims_places_and_bytes() {
    fn run<P: Suite>() {
        let claim = Claim::of(&parts());
        let proofs = prove_with::<Compact, P>(&parts());
        let invalid = |claim: &Claim, proofs: &[PartProof]| {
            let refused = check_with::<Compact, P>(claim, proofs).unwrap_err();
            assert!(
                matches!(refused, Rejection::Invalid { part: 0, .. }),
                "{refused}"
            );
        };
        let changes: [fn(&mut Claim); 4] = [
            |c| c.totals[0] += 1,
            |c| c.totals[1] += 1,
            |c| c.name.push(' '),
            |c| c.totals.swap(0, 1),
        ];
        for change in changes {
            let mut other = claim.clone();
            change(&mut other);
            invalid(&other, &proofs);
        }
        invalid(&claim, &[proofs[1].clone(), proofs[0].clone()]);
        let other = check_with::<Sums<2, false>, P>(&claim, &proofs);
        assert!(matches!(other, Err(Rejection::Invalid { part: 0, .. })));
        let profile = check_with::<Sums<1, true>, P>(&claim, &proofs);
        assert!(profile.is_err());

        let n = proofs[0].len();
        let mut rng = StdRng::seed_from_u64(4);
        let mut places: Vec<usize> = (0..100).chain(n - 100..n).collect();
        places.extend((0..300).map(|_| rng.random_range(0..n)));
        places.into_par_iter().for_each(|at| {
            let mut damaged = proofs.clone();
            damaged[0][at] ^= 1 << (at % 8);
            let refused = check_with::<Compact, P>(&claim, &damaged).unwrap_err();
            assert!(!refused.to_string().contains("unexpectedly"), "{refused}");
        });
    }
    for_suites!(run);
}

#[test]
fn every_suite_refuses_the_proofs_of_the_others() {
    fn run<P: Suite>() {
        fn refuses<P: Suite, Q: Suite>(proofs: &[PartProof]) {
            let own = std::any::TypeId::of::<P>() == std::any::TypeId::of::<Q>();
            let checked = check_with::<Compact, Q>(&Claim::of(&parts()), proofs);
            assert_eq!(checked.is_ok(), own, "{checked:?}");
            if std::any::TypeId::of::<P>() != std::any::TypeId::of::<Outer>() {
                verify::<Compact>(&Claim::of(&parts()), proofs).expect_err("it is no fact");
            }
        }
        let proofs = prove_with::<Compact, P>(&parts());
        refuses::<P, Outer>(&proofs);
        refuses::<P, InnerKeccak>(&proofs);
        refuses::<P, Inner>(&proofs);
        refuses::<P, InnerHiding>(&proofs);
    }
    for_suites!(run);
}

/// A flag on one row, and its product with a column of period two.
#[derive(Clone)]
struct Flagged(usize);

impl stark::Table for Flagged {
    type Row = usize;
    fn name(&self) -> &'static str {
        "flagged"
    }
    fn log_height(&self) -> usize {
        common::LOG_HEIGHT
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let mut flags = vec![F::ZERO; HEIGHT];
        flags[self.0] = F::ONE;
        vec![flags, vec![F::ONE, F::TWO]]
    }
    fn row<B: stark::RowBuilder<usize>>(&self, b: &mut B) {
        b.pinned("FLAGGED-1", 0);
        let twice = b.fixed(1) * b.fixed(0);
        let cell = b.cell(|row| {
            let weight = row % 2 + 1;
            F::from_usize(if *row == self.0 { weight } else { 0 })
        });
        b.equal("FLAGGED-2", cell, twice);
    }
}

/// The flag stands on row `ROW`: so says whoever proves or checks.
struct Flag<const ROW: usize>;

impl<const ROW: usize> Statement for Flag<ROW> {
    const ID: &'static str = "flag";
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
            profile: stark::Profile::Compact,
            tables: vec![stark::TableAir::new(Flagged(ROW))],
            hashed: Vec::new(),
        }
    }
}

fn prove_flag<const ROW: usize, P: Suite>() -> Vec<PartProof> {
    let table = Flagged(ROW);
    let air = stark::TableAir::new(table.clone());
    let trace = stark::fill(&table, &air, &stark::Tally::default(), |row| row);
    vec![prove_part_with::<Flag<ROW>, P>(&(), &(), 0, vec![trace]).expect("an honest proof")]
}

#[test]
fn every_suite_refuses_fixed_columns_of_the_prover() {
    fn run<P: Suite>() {
        let proof = prove_flag::<3, P>();
        check_with::<Flag<3>, P>(&(), &proof).expect("an honest proof");
        let refused = check_with::<Flag<4>, P>(&(), &proof).unwrap_err();
        assert!(matches!(refused, Rejection::Invalid { part: 0, .. }));
    }
    for_suites!(run);
}

// DIGESTS

/// Digests are the same whoever computes them, also where salts of private data are random.
#[test]
fn digests_follow_from_the_claim() {
    type Digests = (StatementDigest, ProgramDigest);
    fn both<P: Suite>(
        statement: fn(&Claim, &(), usize) -> StatementDigest,
    ) -> impl Fn(&Claim, usize) -> Digests {
        move |claim, part| {
            let program = program_digest::<P>(&Compact::part(claim, &(), part));
            (statement(claim, &(), part), program)
        }
    }
    let inner = both::<Inner>(statement_digest::<Compact, Inner>);
    let hiding = both::<InnerHiding>(statement_digest::<Compact, InnerHiding>);
    let claim = Claim::of(&parts());
    let mut other = claim.clone();
    other.name.push('s');
    for digests in [&inner as &dyn Fn(&Claim, usize) -> Digests, &hiding] {
        let here = digests(&claim, 0);
        assert_eq!(here, digests(&claim, 0));
        for (claim, part) in [(&claim, 1), (&other, 0)] {
            let there = digests(claim, part);
            assert_ne!(here.0, there.0);
            assert_eq!(here.1, there.1);
        }
    }
    // The commitments to fixed columns differ.
    assert_ne!(inner(&claim, 0).0, hiding(&claim, 0).0);
    let flags = [
        statement_digest::<Flag<3>, Inner>(&(), &(), 0),
        statement_digest::<Flag<4>, Inner>(&(), &(), 0),
    ];
    assert_ne!(flags[0], flags[1]);
}
