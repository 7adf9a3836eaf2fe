//! Verification never panics and never accepts what was changed, whatever the bytes.

use market::{Level, sample};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sealbook::verify;
use stark::ProofFile;
use statements::account::Secret;
use statements::book::SealedBook;
use statements::margin::{self, Margin};

fn proof() -> ProofFile {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 3, 1, 3, 0);
    let secret = Secret::random();
    let sealed = SealedBook::new(&snapshot, book.accounts(), 4, &secret).unwrap();
    let id = &book.accounts()[0].id;
    let prepared = margin::Prepared::new(&sealed, Some(id), Level::Initial).unwrap();
    let parts = vec![prepared.prove_part(0).unwrap()];
    ProofFile::new::<Margin>(prepared.claim(), parts)
}

/// Panics are caught by the verifier's guard; here even a caught one is a failure.
fn assert_rejected(file: &ProofFile, what: &str) {
    let error = verify(&file.to_bytes()).expect_err(what).to_string();
    assert!(
        !error.contains("unexpectedly"),
        "{what}: the verifier panicked"
    );
}

#[test]
fn thousands_of_changed_proofs_are_rejected() {
    std::panic::set_hook(Box::new(|_| {}));
    let good = proof();
    verify(&good.to_bytes()).unwrap();
    let mut rng = StdRng::seed_from_u64(1);
    let len = good.parts[0].len();
    for i in 0..600 {
        let mut file = good.clone();
        let at = rng.random_range(0..len);
        file.parts[0][at] ^= 1 << rng.random_range(0..8);
        assert_rejected(&file, &format!("bit flip {i} at {at}"));
    }
    for i in 0..1300 {
        let mut file = good.clone();
        let keep = rng.random_range(0..len);
        file.parts[0].truncate(keep);
        if i % 2 == 0 {
            // The right length, the end random.
            file.parts[0].extend((keep..len).map(|_| rng.random::<u8>()));
        }
        assert_rejected(&file, &format!("cut {i} at {keep}"));
    }
    for i in 0..1300 {
        let mut file = good.clone();
        let n = rng.random_range(0..5000);
        file.parts[0] = (0..n).map(|_| rng.random()).collect();
        assert_rejected(&file, &format!("random bytes {i}"));
    }
    let mut file = good.clone();
    file.parts[0].push(0);
    assert_rejected(&file, "trailing byte");
    let mut file = good.clone();
    file.parts.clear();
    assert_rejected(&file, "no part");
    let mut file = good.clone();
    file.parts.push(file.parts[0].clone());
    assert_rejected(&file, "a part too many");
    let mut file = good.clone();
    file.version += 1;
    assert_rejected(&file, "another version");
    let mut file = good.clone();
    file.statement = "solvency".into();
    assert_rejected(&file, "another statement");
    let mut file = good;
    file.statement = "anything".into();
    assert_rejected(&file, "an unknown statement");
}

#[test]
fn changed_claims_are_rejected() {
    let good = proof();
    let text = String::from_utf8(good.claim.clone()).unwrap();
    for (from, to) in [
        ("\"initial\"", "\"maintenance\""),
        ("\"slots\":4", "\"slots\":8"),
        ("65100.22", "65100.23"),
        ("\"slots\":4", "\"slots\": 4"),
        ("\"slots\":4", "\"slots\":0"),
        ("\"slots\":4", "\"slots\":4000000000"),
        ("\"initial_factor\":\"1.3\"", "\"initial_factor\":\"1.0\""),
    ] {
        assert!(text.contains(from), "{from}");
        let mut file = good.clone();
        file.claim = text.replacen(from, to, 1).into_bytes();
        assert_rejected(&file, to);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_files_are_rejected(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify(&bytes).is_err());
        let mut start = b"SEALBOOK\x02\0\0\0".to_vec();
        start.extend(bytes);
        prop_assert!(verify(&start).is_err());
    }
}
