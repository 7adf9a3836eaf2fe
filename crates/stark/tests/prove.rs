//! Proofs: honest ones verify; others, whatever their bytes, are refused with an error.

mod common;

use std::sync::OnceLock;

use common::{Claim, Compact, HEIGHT, Sums, prove, some_bytes, total, traces, try_prove};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;
use stark::{
    Bus, F, Part, PartProof, PrimeCharacteristicRing, Profile, ProveError, Rejection, RowBuilder,
    Statement, Table, TableAir, Tally, fill, most_part_bytes, prove_part, verify, violations,
};

/// Two parts and their proofs, made once.
fn proven() -> &'static (Claim, Vec<PartProof>) {
    static PROVEN: OnceLock<(Claim, Vec<PartProof>)> = OnceLock::new();
    PROVEN.get_or_init(|| {
        let parts = [some_bytes(200, 1), some_bytes(HEIGHT, 2)];
        (Claim::of(&parts), prove::<Compact>(&parts))
    })
}

fn invalid(part: usize) -> impl Fn(&Rejection) -> bool {
    move |r| matches!(r, Rejection::Invalid { part: p, .. } if *p == part)
}

/// Two private numbers on one bus, in messages of the given lengths.
#[derive(Clone)]
struct Lone {
    name: &'static str,
    zeros: usize,
    sends: bool,
}

impl Table for Lone {
    type Row = F;
    fn name(&self) -> &'static str {
        self.name
    }
    fn log_height(&self) -> usize {
        common::LOG_HEIGHT
    }
    fn row<B: RowBuilder<F>>(&self, b: &mut B) {
        let x = b.cell(|w: &F| *w);
        let one = b.one();
        let mut message = vec![b.constant(F::ZERO); self.zeros];
        message.push(x);
        if self.sends {
            b.send(Bus::new("lone"), one, &message);
        } else {
            b.receive(Bus::new("lone"), one, &message);
        }
    }
}

/// A sender and a receiver; the receiver's messages have `ZEROS` zeros in front.
struct Widths<const ZEROS: usize>;

impl<const ZEROS: usize> Widths<ZEROS> {
    fn tables() -> [Lone; 2] {
        [("sender", 0, true), ("receiver", ZEROS, false)].map(|(name, zeros, sends)| Lone {
            name,
            zeros,
            sends,
        })
    }
}

impl<const ZEROS: usize> Statement for Widths<ZEROS> {
    const ID: &'static str = "widths";
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
            profile: Profile::Compact,
            tables: Self::tables().into_iter().map(TableAir::new).collect(),
            hashed: Vec::new(),
        }
    }
}

// POSITIVE

#[test]
fn honest_proofs_verify_in_both_profiles() {
    let (claim, parts) = proven();
    let verified = verify::<Compact>(claim, parts).expect("an honest proof");
    assert_eq!(verified.claim(), claim);

    for bytes in [vec![], vec![255], some_bytes(HEIGHT, 3)] {
        let parts = [bytes];
        let proof = prove::<Sums<1, true>>(&parts);
        verify::<Sums<1, true>>(&Claim::of(&parts), &proof).expect("an honest proof");
    }
}

#[test]
fn a_claim_without_parts_needs_none() {
    let claim = Claim::of(&[]);
    assert!(verify::<Compact>(&claim, &[]).is_ok());
    let (_, parts) = proven();
    let expected = Rejection::Parts {
        expected: 0,
        got: 1,
    };
    assert_eq!(verify::<Compact>(&claim, &parts[..1]), Err(expected));
}

/// A part's bytes are bounded by its tables, and the bound is near: below it by less than a third, also where the tables are small and paths in trees meet often.
#[test]
fn honest_proofs_are_just_below_their_bound() {
    fn near<S: Statement<Claim = Claim, Context = ()>>(claim: &Claim, parts: &[PartProof]) {
        for (i, proof) in parts.iter().enumerate() {
            let most = most_part_bytes(&S::part(claim, &(), i));
            assert!(proof.len() <= most, "{} > {most}", proof.len());
            eprintln!("{} bytes, at most {most}", proof.len());
            assert!(proof.len() * 10 >= most * 7, "{} << {most}", proof.len());
        }
    }
    let (claim, parts) = proven();
    near::<Compact>(claim, parts);
    let bytes = [some_bytes(77, 8)];
    near::<Sums<1, true>>(&Claim::of(&bytes), &prove::<Sums<1, true>>(&bytes));
}

// NEGATIVE: other claims

#[test]
fn other_claims_are_refused() {
    let (claim, parts) = proven();
    let change = |change: fn(&mut Claim)| {
        let mut other = claim.clone();
        change(&mut other);
        verify::<Compact>(&other, parts).unwrap_err()
    };
    assert!(invalid(0)(&change(|c| c.totals[0] += 1)));
    // A field that no table looks at is bound too, and so is the claim of the other part.
    assert!(invalid(0)(&change(|c| c.name = "other bytes".into())));
    assert!(invalid(0)(&change(|c| c.totals[1] += 1)));
    assert!(invalid(0)(&change(|c| c.totals.swap(0, 1))));
    let twice = change(|c| c.totals.push(c.totals[0]));
    let expected = Rejection::Parts {
        expected: 3,
        got: 2,
    };
    assert_eq!(twice, expected);
    let malformed = change(|c| c.totals[0] = stark::P);
    assert_eq!(malformed, Rejection::Claim("a total is not below p".into()));
}

#[test]
fn parts_have_their_places() {
    let (claim, parts) = proven();
    let swapped = [parts[1].clone(), parts[0].clone()];
    assert!(invalid(0)(&verify::<Compact>(claim, &swapped).unwrap_err()));
    let repeated = [parts[0].clone(), parts[0].clone()];
    assert!(invalid(1)(
        &verify::<Compact>(claim, &repeated).unwrap_err()
    ));
    for n in [0, 1, 3] {
        let some: Vec<PartProof> = parts.iter().cycle().take(n).cloned().collect();
        let expected = Rejection::Parts {
            expected: 2,
            got: n,
        };
        assert_eq!(verify::<Compact>(claim, &some), Err(expected));
    }
    // Equal parts of one claim are not interchangeable either.
    let same = [some_bytes(9, 1), some_bytes(9, 1)];
    let (claim, parts) = (Claim::of(&same), prove::<Compact>(&same));
    verify::<Compact>(&claim, &parts).expect("an honest proof");
    let swapped = [parts[1].clone(), parts[0].clone()];
    assert!(verify::<Compact>(&claim, &swapped).is_err());
}

#[test]
fn other_versions_and_profiles_are_refused() {
    let (claim, parts) = proven();
    assert!(invalid(0)(
        &verify::<Sums<2, false>>(claim, parts).unwrap_err()
    ));
    let other = verify::<Sums<1, true>>(claim, parts).unwrap_err();
    assert!(
        matches!(
            other,
            Rejection::Invalid { .. } | Rejection::Malformed { .. }
        ),
        "{other}"
    );
}

// NEGATIVE: false witnesses

/// What proving these traces under an honest claim for `bytes` and verifying gives.
fn outcome(bytes: &[u32], forge: impl FnOnce(&mut [stark::Trace])) -> bool {
    let claim = Claim::of(&[bytes.to_vec()]);
    let mut forged = traces(bytes);
    forge(&mut forged);
    let true_by_check = violations(&common::airs(claim.totals[0]), &forged).is_empty();
    let proven = try_prove::<Compact>(&claim, 0, forged)
        .is_some_and(|proof| verify::<Compact>(&claim, &[proof]).is_ok());
    assert_eq!(
        proven, true_by_check,
        "the check and the proof system disagree"
    );
    proven
}

#[test]
fn false_witnesses_do_not_verify() {
    use common::{IS_FIRST, SALT, SUM, USED, VALUE, get, set};
    let bytes = some_bytes(100, 5);
    assert!(outcome(&bytes, |_| ()));
    // A free cell is free.
    assert!(outcome(&bytes, |t| set(&mut t[0], 7, SALT, F::new(9))));

    let cell = |table: usize, row: usize, column: usize| {
        outcome(&bytes, |t| {
            let other = get(&t[table], row, column) + F::ONE;
            set(&mut t[table], row, column, other);
        })
    };
    // First, middle, last used, padding and last rows of every column of both tables.
    let places = [
        (0, 0, VALUE),
        (0, 50, SUM),
        (0, HEIGHT - 1, SUM),
        (0, 200, USED),
        (0, 99, VALUE),
        (0, 200, VALUE),
        (0, 0, IS_FIRST),
        (1, 0, 0),
        (1, HEIGHT - 1, 0),
        // Multiplicities: of a value that is asked for, and of one that is not.
        (1, bytes[3] as usize, 1),
        (1, 255, 1),
        (1, 9, 3),
        (1, 0, 4),
    ];
    for (table, row, column) in places {
        assert!(
            !cell(table, row, column),
            "table {table}, row {row}, column {column}"
        );
    }
    // A blinding flag below the rows where the prover sets it.
    assert!(!cell(0, 5, IS_FIRST + 1));
}

#[test]
fn values_outside_of_the_lookup_table_do_not_verify() {
    for value in [256, 1 << 20, stark::P - 1] {
        let mut forged = traces(&[value % 1000, 3]);
        // The sums follow, so that only the lookup is false.
        let total = F::new(value) + F::new(6);
        common::set(&mut forged[0], 0, common::VALUE, F::new(value));
        common::set(&mut forged[0], 0, common::SUM, F::new(value));
        for row in 1..HEIGHT {
            common::set(&mut forged[0], row, common::SUM, total);
        }
        common::set(&mut forged[1], 0, 3, F::new(value));
        common::set(&mut forged[1], 0, 4, F::new(value) * F::new(value));
        use stark::PrimeField32;
        let claim = Claim {
            name: String::new(),
            totals: vec![total.as_canonical_u32()],
        };
        let wrong = violations(&common::airs(claim.totals[0]), &forged);
        assert!(
            wrong
                .iter()
                .all(|v| matches!(v, stark::Violation::Bus { bus: "byte", .. }))
        );
        assert!(!wrong.is_empty());
        let proof = try_prove::<Compact>(&claim, 0, forged);
        assert!(proof.is_none_or(|p| verify::<Compact>(&claim, &[p]).is_err()));
    }
}

#[test]
fn padding_may_ask_for_nothing() {
    // A used padding row with value zero, answered: the value is a byte and counts nothing, so this is true.
    use common::{USED, get, set};
    let bytes = some_bytes(100, 5);
    assert!(outcome(&bytes, |t| {
        set(&mut t[0], 200, USED, F::ONE);
        let more = get(&t[1], 0, 1) + F::ONE;
        set(&mut t[1], 0, 1, more);
    }));
    // Asking twice, or -1 times, is not.
    for times in [F::TWO, F::NEG_ONE] {
        assert!(!outcome(&bytes, |t| {
            set(&mut t[0], 200, USED, times);
            let more = get(&t[1], 0, 1) + times;
            set(&mut t[1], 0, 1, more);
        }));
    }
}

#[test]
fn messages_of_a_bus_are_equally_long() {
    // Equal lengths: fine. A message and itself with a zero in front have one fingerprint: refused.
    fn traces<const ZEROS: usize>() -> Vec<stark::Trace> {
        Widths::<ZEROS>::tables()
            .into_iter()
            .map(|table| {
                let air = TableAir::new(table.clone());
                fill(&table, &air, &Tally::default(), F::from_usize)
            })
            .collect()
    }
    let proof = prove_part::<Widths<0>>(&(), &(), 0, traces::<0>()).expect("an honest proof");
    verify::<Widths<0>>(&(), std::slice::from_ref(&proof)).expect("an honest proof");
    let refused = prove_part::<Widths<1>>(&(), &(), 0, traces::<1>());
    assert!(matches!(refused, Err(ProveError::System(_))));
    assert!(verify::<Widths<1>>(&(), &[proof]).is_err());
}

// NEGATIVE: damaged bytes

/// Checks that bytes are refused, and not because the proof system panicked: the guard in `verify`
/// is a second line of defence that nothing here may need.
fn refuse(bytes: PartProof) -> Rejection {
    let rejection = verify::<Compact>(&single().0, &[bytes]).expect_err("damaged bytes verify");
    assert!(
        !rejection.to_string().contains("unexpectedly"),
        "{rejection}"
    );
    rejection
}

/// Refuses a changed copy of one part's honest proof.
fn refused(change: &(dyn Fn(&mut Vec<u8>) + Sync)) -> Rejection {
    let honest = &single().1[0];
    let mut bytes = honest.clone();
    change(&mut bytes);
    assert_ne!(&bytes, honest, "the change does nothing");
    refuse(bytes)
}

fn single() -> &'static (Claim, Vec<PartProof>) {
    static SINGLE: OnceLock<(Claim, Vec<PartProof>)> = OnceLock::new();
    SINGLE.get_or_init(|| {
        let parts = [some_bytes(77, 8)];
        (Claim::of(&parts), prove::<Compact>(&parts))
    })
}

#[test]
fn truncated_and_extended_proofs_are_malformed() {
    let n = single().1[0].len();
    let malformed = Rejection::Malformed { part: 0 };
    let mut lengths: Vec<usize> = (0..64).chain(n - 64..n).collect();
    lengths.extend((0..n).step_by(n / 1000));
    lengths.par_iter().for_each(|&at| {
        assert_eq!(refused(&|b| b.truncate(at)), malformed, "cut at {at}");
    });
    for extra in [&[0u8][..], &[1], &[0; 40], &[0xff; 3]] {
        assert_eq!(refused(&|b| b.extend_from_slice(extra)), malformed);
    }
    let whole = single().1[0].clone();
    let twice = refused(&|b| b.extend_from_slice(&whole));
    assert!(matches!(twice, Rejection::Size { part: 0, got, .. } if got == 2 * n));
}

#[test]
fn flipped_bits_are_refused() {
    let n = single().1[0].len();
    let mut rng = StdRng::seed_from_u64(1);
    let mut places: Vec<usize> = (0..300).chain(n - 120..n).collect();
    places.extend((0..2000).map(|_| rng.random_range(0..n)));
    let bits: Vec<(usize, u8)> = places
        .into_iter()
        .map(|at| (at, rng.random_range(0..8)))
        .collect();
    bits.par_iter().for_each(|&(at, bit)| {
        refused(&|b| b[at] ^= 1 << bit);
    });
}

#[test]
fn damaged_stretches_are_refused() {
    let n = single().1[0].len();
    let mut rng = StdRng::seed_from_u64(2);
    let cases: Vec<(usize, usize, usize, u64)> = (0..1500)
        .map(|i| {
            let length = rng.random_range(1..200);
            (i % 6, rng.random_range(0..n - 200), length, rng.random())
        })
        .collect();
    cases.par_iter().for_each(|&(kind, at, length, seed)| {
        refused(&|b| {
            let mut rng = StdRng::seed_from_u64(seed);
            let range = at..at + length;
            match kind {
                0 => b[range].fill(0),
                1 => b[range].fill(0xff),
                2 => rng.fill(&mut b[range]),
                3 => drop(b.drain(range)),
                4 => {
                    let copy = b[range].to_vec();
                    b.splice(at..at, copy);
                }
                _ => b[range].reverse(),
            }
            // Some stretches are zeros already, or read the same backwards.
            if *b == single().1[0] {
                b[at] ^= 1;
            }
        });
    });
}

#[test]
fn random_bytes_are_refused() {
    (0..3000u64).into_par_iter().for_each(|seed| {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut bytes = vec![0u8; rng.random_range(0..4000)];
        match seed % 3 {
            0 => rng.fill(&mut bytes[..]),
            // Small numbers read as plausible lengths; large ones ask for much memory.
            1 => bytes.iter_mut().for_each(|b| *b = rng.random_range(0..3)),
            _ => bytes
                .iter_mut()
                .for_each(|b| *b = rng.random_range(250..=255)),
        }
        refuse(bytes);
    });
}

#[test]
fn mixtures_of_two_honest_proofs_are_refused() {
    let (claim, parts) = single();
    let bytes = some_bytes(77, 8);
    assert_eq!(total(&bytes), claim.totals[0]);
    let other = prove_part::<Compact>(claim, &(), 0, traces(&bytes)).expect("an honest proof");
    verify::<Compact>(claim, std::slice::from_ref(&other)).expect("an honest proof");
    let n = other.len().min(parts[0].len());
    let cuts: Vec<usize> = (1..n).step_by(n / 300).collect();
    cuts.par_iter().for_each(|&at| {
        let mixed = [&parts[0][..at], &other[at..]].concat();
        // Cut where both are still, or again, the same.
        if mixed == parts[0] || mixed == other {
            return;
        }
        refuse(mixed);
    });
}

#[test]
fn tables_of_other_sizes_are_refused() {
    // The sizes stand near the end, as 2 and then each table's log of rows, plus one for hiding.
    let n = single().1[0].len();
    let sizes = [
        2,
        common::LOG_HEIGHT as u8 + 1,
        common::LOG_HEIGHT as u8 + 1,
    ];
    let at = (0..n - 3)
        .rev()
        .find(|&i| single().1[0][i..i + 3] == sizes)
        .expect("the sizes");
    for size in [0, 1, 8, 10, 30, 63, 64, 127] {
        let expected = Rejection::Shape { part: 0 };
        assert_eq!(refused(&|b| b[at + 1] = size), expected, "2^{size}");
    }
}
