//! The proof file, whatever its bytes; the security of every table size; the check and the cell test.

mod common;

use common::{Claim, Compact, Items, Sums, some_bytes, traces};
use proptest::prelude::*;
use stark::{
    F, FileError, Part, PrimeCharacteristicRing, Profile, ProofFile, RowBuilder, TARGET_BITS,
    Table, TableAir, Tally, cell_test, fill, security_report, violations,
};

fn file() -> ProofFile {
    let claim = Claim::of(&[some_bytes(9, 1), some_bytes(3, 2)]);
    ProofFile::new::<Compact>(&claim, vec![vec![1, 2, 3], vec![]])
}

// POSITIVE

#[test]
fn a_file_reads_as_it_was_written() {
    let file = file();
    let read = ProofFile::from_bytes(&file.to_bytes()).expect("a file");
    assert_eq!(read, file);
    let claim = read.claim::<Compact>().expect("its claim");
    assert_eq!(claim, Claim::of(&[some_bytes(9, 1), some_bytes(3, 2)]));
}

/// A table of any height whose cells are bits.
#[derive(Clone)]
struct Bits(usize);

impl Table for Bits {
    type Row = usize;
    fn name(&self) -> &'static str {
        "bits"
    }
    fn log_height(&self) -> usize {
        self.0
    }
    fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
        for i in 0..40 {
            b.bit("BITS", |w| (w >> i) & 1 == 1);
        }
    }
}

/// From the smallest table to far above the largest any statement has.
#[test]
fn both_profiles_reach_the_target_at_every_height() {
    for profile in [Profile::Fast, Profile::Compact] {
        for log_height in stark::MIN_LOG_HEIGHT..=18 {
            let part = Part {
                profile,
                tables: vec![TableAir::new(Bits(log_height))],
            };
            let report = security_report(&part);
            assert!(
                report.proven_bits >= TARGET_BITS,
                "{profile:?} at 2^{log_height}: {}",
                report.proven_bits
            );
            let least = report
                .terms
                .iter()
                .map(|t| t.1)
                .fold(f64::INFINITY, f64::min);
            assert_eq!(report.proven_bits, least);
            assert_eq!(report.tables[0].log_height, log_height);
            assert_eq!(report.tables[0].width, 40 + 7);
        }
    }
}

/// More functions to batch and more messages make a proof less safe.
#[test]
fn the_report_follows_the_shape() {
    let report = |copies: usize| {
        security_report(&Part {
            profile: Profile::Compact,
            tables: (0..copies).map(|_| TableAir::new(Bits(8))).collect(),
        })
    };
    let (one, many) = (report(1), report(40));
    assert!(many.proven_bits <= one.proven_bits);
    let term = |report: &stark::SecurityReport, word: &str| {
        let found = report.terms.iter().find(|t| t.0.contains(word));
        found.map_or(0.0, |t| t.1)
    };
    for word in ["batch", "ogup"] {
        assert!(term(&many, word) < term(&one, word), "{word}");
    }
    let labels: Vec<&str> = one.terms.iter().map(|t| t.0.as_str()).collect();
    for word in ["batch", "ogup", "ollision"] {
        assert!(
            labels.iter().any(|l| l.contains(word)),
            "{labels:?} has no {word}"
        );
    }
}

#[test]
fn honest_tables_have_no_violations_and_no_free_cell() {
    let bytes = some_bytes(100, 5);
    let airs = common::airs(common::total(&bytes));
    let traces = traces(&bytes);
    assert_eq!(violations(&airs, &traces), []);
    let mut found = cell_test(&airs, &traces, &[("items", 150)]);
    // Whether a zero is looked up as a byte is left open, below the hundredth row too.
    found.retain(|u| u.table != "items" || u.column != common::USED || u.row < 100);
    assert_eq!(found, []);
}

// NEGATIVE

/// The cell test finds a cell that no constraint looks at, and a cell with two values.
#[test]
fn the_cell_test_finds_what_is_not_pinned() {
    #[derive(Clone)]
    struct Loose;
    impl Table for Loose {
        type Row = usize;
        fn name(&self) -> &'static str {
            "loose"
        }
        fn log_height(&self) -> usize {
            common::LOG_HEIGHT
        }
        fn row<B: RowBuilder<usize>>(&self, b: &mut B) {
            let pinned = b.cell(|_| F::TWO);
            b.zero("PINNED", pinned - F::TWO);
            // Forgotten.
            b.cell(|w| F::from_usize(*w));
            // Pinned to two values, none of which is a neighbour of the other.
            let root = b.cell(|_| F::ONE);
            b.zero("SQUARE", root.clone() * root - F::ONE);
        }
    }
    let air = TableAir::new(Loose);
    let trace = fill(&Loose, &air, &Tally::default(), |row| row);
    let found = cell_test(std::slice::from_ref(&air), &[trace], &[]);
    assert!(found.iter().any(|u| u.column == 1));
    assert!(
        found
            .iter()
            .all(|u| u.column != 0 || u.change == "swap with neighbour")
    );
}

#[test]
fn constraints_and_buses_are_named() {
    let bytes = some_bytes(100, 5);
    let airs = common::airs(common::total(&bytes));
    let mut forged = traces(&bytes);
    common::set(&mut forged[0], 3, common::USED, F::TWO);
    let names: Vec<String> = violations(&airs, &forged)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        names.contains(&"table `items`, row 3: constraint ITEMS-4 does not hold".to_string()),
        "{names:?}"
    );
    assert!(
        names.contains(&"bus `byte` does not balance: 1 messages are left over".to_string()),
        "{names:?}"
    );
}

/// The blinding's flag and messages are constrained like any other: a prover that sends its random
/// message twice, or on another row, unbalances the bus.
#[test]
fn blinding_cannot_carry_anything() {
    let bytes = some_bytes(100, 5);
    let items = Items {
        total: common::total(&bytes),
    };
    let air = TableAir::new(items);
    let width = air.width();
    let mut forged = traces(&bytes);
    // Rows 0 and 1 are filled again when a proof is made; the third row must stay silent.
    common::set(&mut forged[0], 2, width - 7, F::ONE);
    let wrong = violations(&common::airs(common::total(&bytes)), &forged);
    assert!(
        wrong.iter().any(|v| v.to_string().contains("BLIND-2")),
        "{wrong:?}"
    );
}

#[test]
fn other_statements_and_versions_are_named() {
    let file = file();
    let error = file.claim::<Sums<2, false>>().unwrap_err();
    assert!(matches!(
        error,
        FileError::Statement {
            got_version: 1,
            expected_version: 2,
            ..
        }
    ));
    let mut other = file.clone();
    other.statement = "other".into();
    assert!(matches!(
        other.claim::<Compact>(),
        Err(FileError::Statement { .. })
    ));
    let mut spaced = file.clone();
    spaced.claim.insert(1, b' ');
    assert!(matches!(
        spaced.claim::<Compact>(),
        Err(FileError::Claim(_))
    ));
    let mut more = file;
    more.claim.pop();
    more.claim.extend(br#","x":1}"#);
    assert!(matches!(more.claim::<Compact>(), Err(FileError::Claim(_))));
}

#[test]
fn every_cut_and_every_changed_byte_of_a_file_is_noticed() {
    let bytes = file().to_bytes();
    for n in 0..bytes.len() {
        assert!(ProofFile::from_bytes(&bytes[..n]).is_err(), "cut at {n}");
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[n] ^= 1 << bit;
            assert!(
                ProofFile::from_bytes(&changed).is_err(),
                "byte {n}, bit {bit}"
            );
        }
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(ProofFile::from_bytes(&longer).is_err());
}

proptest! {
    /// Lengths that lie are refused also when the checksum is right.
    #[test]
    fn random_bodies_with_a_right_checksum_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        use sha3::{Digest, Sha3_256};
        let mut bytes = b"SEALBOOK\x01\0\0\0".to_vec();
        bytes.extend(body);
        let checksum = Sha3_256::digest(&bytes);
        bytes.extend(checksum);
        let _ = ProofFile::from_bytes(&bytes);
    }
}
