//! What a verifier's memory takes, whatever bytes it is given: a small multiple of their number.
//!
//! A program of its own, since it counts all that is allocated.
#![allow(unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Claim, Compact};
use stark::{ProofFile, Statement, most_part_bytes, verify};

/// What is allocated now, and the most that was.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grew(bytes: usize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: all calls are handed on to the system's allocator as they come.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One measurement at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The most that was allocated beyond what was there before.
fn peak(run: impl FnOnce()) -> usize {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    run();
    PEAK.load(Ordering::Relaxed) - before
}

const SIZE: usize = 16_000_000;
/// Tables of a part, the transcript and what else does not grow with the file, for each thread.
const BESIDE: usize = 16_000_000;

fn claim(parts: usize) -> Claim {
    Claim {
        name: "crafted".into(),
        totals: vec![1; parts],
    }
}

/// Reads and verifies a file as the program does; it must be refused.
fn refuse(bytes: &[u8]) {
    let read = ProofFile::from_bytes(bytes).and_then(|file| Ok((file.claim::<Compact>()?, file)));
    if let Ok((claim, file)) = read {
        verify::<Compact>(&claim, &file.parts).expect_err("a crafted file");
    }
}

/// Parts that swell: four roots, then lists of empty lists to the end.
fn swelling(bytes: usize) -> Vec<u8> {
    let mut part = Vec::new();
    let root = [&[1][..], &[0; 4]].concat();
    part.extend(&root);
    part.extend([&[1][..], &root].concat());
    part.extend(&root);
    part.extend([&[1][..], &root].concat());
    // No opened values; then as many rounds as fit, each without a matrix.
    part.push(0);
    let (mut n, mut length) = (bytes, Vec::new());
    while n >= 128 {
        length.push(n as u8 | 128);
        n >>= 7;
    }
    length.push(n as u8);
    part.extend(length);
    part.resize(bytes, 0);
    part
}

#[test]
fn crafted_files_take_a_small_multiple_of_their_size() {
    let _alone = ALONE.lock().unwrap();
    std::panic::set_hook(Box::new(|_| {}));
    let most = most_part_bytes(&Compact::part(&claim(1), &(), 0));
    let file = |claim: &Claim, parts| ProofFile::new::<Compact>(claim, parts).to_bytes();
    let many = SIZE / most;
    let crafted: Vec<(&str, Vec<u8>)> = vec![
        ("one part of zeros", file(&claim(1), vec![vec![0; SIZE]])),
        (
            "one part that swells",
            file(&claim(1), vec![swelling(SIZE)]),
        ),
        (
            "many parts as long as proofs that swell",
            file(&claim(many), vec![swelling(most); many]),
        ),
        ("a long claim", file(&claim(SIZE / 2), vec![swelling(most)])),
        ("as many parts as fit", {
            let mut file = ProofFile::new::<Compact>(&claim(1), vec![Vec::new(); SIZE / 4]);
            file.statement = Compact::ID.into();
            file.to_bytes()
        }),
        ("a claim of empty lists", {
            let mut file = ProofFile::new::<Compact>(&claim(1), Vec::new());
            file.claim = [&b"[[]"[..], &b",[]".repeat(SIZE / 3), &b"]"[..]].concat();
            file.to_bytes()
        }),
    ];
    for (what, bytes) in crafted {
        let taken = peak(|| refuse(&bytes));
        // A claim stands in the file, in the copy that is read, as numbers, while their list grows, and written anew.
        let allowed = 6 * bytes.len() + BESIDE;
        eprintln!(
            "{what}: {} MB of file, {} MB taken",
            bytes.len() / 1_000_000,
            taken / 1_000_000
        );
        assert!(
            taken <= allowed,
            "{what}: {taken} bytes, more than {allowed}"
        );
        // Any JSON, as `inspect` reads it.
        if let Ok(file) = ProofFile::from_bytes(&bytes) {
            let taken = peak(|| drop(file.claim_as::<serde_json::Value>()));
            let allowed = 20 * file.claim.len() + BESIDE;
            assert!(
                taken <= allowed,
                "{what}, as JSON: {taken} bytes, more than {allowed}"
            );
        }
    }
}

/// What is honest fits, and takes little more than its size.
#[test]
fn honest_files_take_a_small_multiple_of_their_size() {
    let _alone = ALONE.lock().unwrap();
    let parts: Vec<Vec<u32>> = (0..6).map(|i| common::some_bytes(100, i)).collect();
    let proofs = common::prove::<Compact>(&parts);
    let bytes = ProofFile::new::<Compact>(&Claim::of(&parts), proofs).to_bytes();
    let taken = peak(|| {
        let file = ProofFile::from_bytes(&bytes).expect("a file");
        let claim = file.claim::<Compact>().expect("its claim");
        verify::<Compact>(&claim, &file.parts).expect("an honest file");
    });
    eprintln!(
        "{} KB of file, {} KB taken",
        bytes.len() / 1000,
        taken / 1000
    );
    assert!(taken <= 2 * bytes.len() + BESIDE, "{taken} bytes");
}
