//! The proof file, whatever its bytes; the security of every table size; the check and the cell test.

mod common;

use common::{Claim, Compact, Items, Sums, some_bytes, traces};
use proptest::prelude::*;
use stark::{
    F, FileError, HashedChallenge, Inner, InnerHiding, InnerKeccak, Outer, Part,
    PrimeCharacteristicRing, Profile, ProgramDigest, ProofFile, ProofFileOf, RowBuilder, Suite,
    TARGET_BITS, Table, TableAir, Tally, TheoremReport, When, cell_test, fill, program_digest,
    security_report, security_report_with, violations,
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
fn all_profiles_and_suites_reach_the_target_at_every_height() {
    fn reach<P: Suite>() {
        for profile in [Profile::Fast, Profile::Compact] {
            for log_height in stark::MIN_LOG_HEIGHT..=18 {
                reaches::<P>(profile, log_height);
            }
        }
    }
    reach::<Outer>();
    reach::<InnerKeccak>();
    reach::<Inner>();
    reach::<InnerHiding>();
}

fn reaches<P: Suite>(profile: Profile, log_height: usize) {
    let part = Part {
        profile,
        tables: vec![TableAir::new(Bits(log_height))],
        hashed: Vec::new(),
    };
    let report = security_report_with::<P>(&part);
    let suite = report.suite;
    // All errors added up, under the theorem that gives fewer bits.
    assert!(
        report.total_bits >= TARGET_BITS,
        "{suite:?} {profile:?} at 2^{log_height}: {}",
        report.total_bits
    );
    let mut least = f64::INFINITY;
    for theorem in &report.theorems {
        let terms = theorem.terms.iter().map(|t| t.1);
        assert_eq!(
            theorem.proven_bits,
            terms.clone().fold(f64::INFINITY, f64::min)
        );
        assert!(theorem.total_bits < theorem.proven_bits);
        assert!(
            theorem.terms.len() as f64 * (-theorem.proven_bits).exp2()
                >= (-theorem.total_bits).exp2()
        );
        let collisions = theorem.terms.iter().find(|t| t.0 == "hash collisions");
        assert_eq!(collisions.expect("the term").1, suite.collision_bits);
        least = least.min(theorem.proven_bits);
    }
    assert_eq!(report.theorems.len(), 2);
    assert_eq!(report.proven_bits, least);
    assert_eq!(report.tables[0].log_height, log_height);
    assert_eq!(report.tables[0].width, 40 + 7);
}

/// More functions to batch and more messages make a proof less safe.
#[test]
fn the_report_follows_the_shape() {
    let report = |copies: usize| {
        security_report(&Part {
            profile: Profile::Compact,
            tables: (0..copies).map(|_| TableAir::new(Bits(8))).collect(),
            hashed: vec![HashedChallenge {
                name: "products",
                degree: 1000 * copies as u64,
            }],
        })
    };
    let (one, many) = (report(1), report(40));
    assert!(many.proven_bits <= one.proven_bits);
    for (one, many) in one.theorems.iter().zip(&many.theorems) {
        let term = |theorem: &TheoremReport, word: &str| {
            let found = theorem.terms.iter().find(|t| t.0.contains(word));
            found.unwrap_or_else(|| panic!("no {word}")).1
        };
        for word in ["constraints", "openings", "messages", "products"] {
            assert!(term(many, word) < term(one, word), "{word}");
        }
        assert_eq!(term(one, "collisions"), 128.0);
        // 155 bits less those of the degree; and the messages' less those of the list, which is longer than two.
        assert!((term(one, "products") - (154.943 - 1000f64.log2())).abs() < 0.001);
        // One message with six elements on each of 2^8 rows: 2^8 * 8.
        assert!(term(one, "messages") < 154.943 - 11.0 - 1.0);
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

/// A table in variants, each of which demands something else.
#[derive(Clone, Copy)]
enum Variant {
    Plain,
    Constant,
    Order,
    When,
    Id,
    Bus,
    Count,
    Kind,
    Message,
    Fixed,
    Public,
    Height,
    Cell,
    MoreFixed,
    MorePublic,
    Name,
    Rewritten,
}

impl Table for Variant {
    type Row = ();
    fn name(&self) -> &'static str {
        if matches!(self, Self::Name) {
            "another"
        } else {
            "variant"
        }
    }
    fn log_height(&self) -> usize {
        8 + usize::from(matches!(self, Self::Height))
    }
    fn fixed(&self) -> Vec<Vec<F>> {
        let value = if matches!(self, Self::Fixed) {
            F::TWO
        } else {
            F::ONE
        };
        vec![vec![value]; 1 + usize::from(matches!(self, Self::MoreFixed))]
    }
    fn public(&self) -> Vec<F> {
        let value = if matches!(self, Self::Public) {
            F::TWO
        } else {
            F::ONE
        };
        vec![value; 1 + usize::from(matches!(self, Self::MorePublic))]
    }
    fn row<B: RowBuilder<()>>(&self, b: &mut B) {
        let (x, next) = b.state(|()| F::ONE);
        let y = b.cell(|()| F::ONE);
        if matches!(self, Self::Cell) {
            b.cell(|()| F::ONE);
        }
        let constant = F::new(5 + u32::from(matches!(self, Self::Constant)));
        let first = if matches!(self, Self::Rewritten) {
            (x.clone() + x.clone() - y.clone() + constant) - x.clone()
        } else {
            x.clone() - y.clone() + constant
        };
        let second = next * b.fixed(0) - b.public(0);
        let id = if matches!(self, Self::Id) {
            "V-2"
        } else {
            "V-1"
        };
        let when = if matches!(self, Self::When) {
            When::First
        } else {
            When::Always
        };
        if matches!(self, Self::Order) {
            b.assert_zero("V-3", When::Transition, second.clone());
        }
        b.assert_zero(id, when, first);
        if !matches!(self, Self::Order) {
            b.assert_zero("V-3", When::Transition, second);
        }
        let bus = if matches!(self, Self::Bus) {
            common::HANDED
        } else {
            common::BYTES
        };
        let count = if matches!(self, Self::Count) {
            y.clone()
        } else {
            b.one()
        };
        let message = if matches!(self, Self::Message) { y } else { x };
        if matches!(self, Self::Kind) {
            b.receive(bus, count, &[message]);
        } else {
            b.send(bus, count, &[message]);
        }
    }
}

/// Whatever changes what a table demands changes its digest, and another way to write it does not.
#[test]
fn digests_tell_tables_apart() {
    use Variant::{
        Bus, Cell, Constant, Count, Fixed, Height, Id, Kind, Message, MoreFixed, MorePublic, Name,
        Order, Plain, Public, Rewritten, When,
    };
    let digest = |v: Variant| TableAir::new(v).digest();
    let variants = [
        Plain, Constant, Order, When, Id, Bus, Count, Kind, Message, Fixed, Public, Height, Cell,
        MoreFixed, MorePublic, Name,
    ];
    let digests: std::collections::BTreeSet<_> = variants.map(digest).into();
    assert_eq!(digests.len(), variants.len());
    assert_eq!(digest(Rewritten), digest(Plain));
}

/// Whatever changes how a proof is checked changes the program, and values and names do not.
#[test]
fn programs_are_told_apart() {
    use Variant::{
        Bus, Cell, Constant, Count, Fixed, Height, Id, Kind, Message, MoreFixed, MorePublic, Name,
        Order, Plain, Public, Rewritten, When,
    };
    fn program<P: Suite>(profile: Profile, tables: &[Variant]) -> ProgramDigest {
        program_digest::<P>(&Part {
            profile,
            tables: tables.iter().map(|&t| TableAir::new(t)).collect(),
            hashed: Vec::new(),
        })
    }
    let of = |v: Variant| program::<Inner>(Profile::Compact, &[v]);
    let variants = [
        Plain, Constant, Order, When, Bus, Count, Kind, Message, Height, Cell, MoreFixed,
        MorePublic, Rewritten,
    ];
    let mut programs: std::collections::HashSet<_> = variants.map(of).into();
    programs.insert(program::<Inner>(Profile::Fast, &[Plain]));
    programs.insert(program::<Inner>(Profile::Compact, &[Plain, Plain]));
    programs.insert(program::<Inner>(Profile::Compact, &[Plain, Constant]));
    programs.insert(program::<Inner>(Profile::Compact, &[Constant, Plain]));
    programs.insert(program::<InnerHiding>(Profile::Compact, &[Plain]));
    programs.insert(program::<InnerKeccak>(Profile::Compact, &[Plain]));
    programs.insert(program::<Outer>(Profile::Compact, &[Plain]));
    assert_eq!(programs.len(), variants.len() + 7);
    for same in [Id, Fixed, Public, Name] {
        assert_eq!(of(same), of(Plain));
    }
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

/// What is no proof file may be endless, so that only its start is read.
#[test]
fn of_a_file_that_is_no_proof_only_the_start_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        ProofFile::read_bytes(&path).unwrap()
    };
    let bytes = file().to_bytes();
    assert_eq!(read(&bytes), bytes);
    // Magic and format take twelve bytes.
    for n in 0..=12 {
        assert_eq!(read(&bytes[..n]), bytes[..n]);
    }
    for (at, error) in [(0, FileError::Magic), (8, FileError::Format(3))] {
        let mut other = bytes.clone();
        other[at] ^= 1;
        let start = read(&other);
        assert_eq!(start, other[..12]);
        assert_eq!(ProofFile::from_bytes(&start), Err(error.clone()));
        assert_eq!(ProofFile::from_bytes(&other), Err(error));
    }
    assert_eq!(stark::read_bounded(&path).unwrap().len(), bytes.len());
}

/// A file of an inner proof is read for what it is, and as a published proof by no one.
#[test]
fn files_of_other_suites_are_refused() {
    fn refused<P: Suite>() {
        let claim = Claim::of(&[some_bytes(9, 1)]);
        let file = ProofFileOf::<P>::new::<Compact>(&claim, vec![vec![1, 2, 3]]);
        let bytes = file.to_bytes();
        let read = ProofFileOf::<P>::from_bytes(&bytes).expect("a file");
        assert_eq!(read.claim::<Compact>().expect("its claim"), claim);
        assert_eq!(read.parts, file.parts);
        let error = ProofFile::from_bytes(&bytes).unwrap_err();
        assert_eq!(error, FileError::Inner);
        assert!(error.to_string().contains("an inner proof"), "{error}");
        // Nothing but the start is read from disk either.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        let start = ProofFile::read_bytes(&path).unwrap();
        assert_eq!(start, bytes[..12]);
        assert_eq!(ProofFile::from_bytes(&start), Err(FileError::Inner));
        // The other way round.
        let published = self::file().to_bytes();
        let error = ProofFileOf::<P>::from_bytes(&published).unwrap_err();
        assert_eq!(error, FileError::Magic);
    }
    refused::<Inner>();
    refused::<InnerHiding>();
    refused::<InnerKeccak>();
    let claim = Claim::of(&[]);
    let other = ProofFileOf::<Inner>::new::<Compact>(&claim, Vec::new()).to_bytes();
    let error = ProofFileOf::<InnerHiding>::from_bytes(&other).unwrap_err();
    assert_eq!(error, FileError::Inner);
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
        let mut bytes = b"SEALBOOK\x02\0\0\0".to_vec();
        bytes.extend(body);
        let checksum = Sha3_256::digest(&bytes);
        bytes.extend(checksum);
        let _ = ProofFile::from_bytes(&bytes);
    }
}
