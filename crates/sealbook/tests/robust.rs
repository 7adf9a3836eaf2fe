//! Verification never panics and never accepts what was changed, whatever the bytes.

use credit::sample_pool;
use fixed::Decimal;
use market::{Level, sample};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sealbook::verify;
use stark::ProofFile;
use statements::account::Secret;
use statements::book::SealedBook;
use statements::margin::{self, Margin};
use statements::{inventory, issuance, pool, risk as venue_risk, stress, systemic, waterfall};
use venue::evar::Confidence;

fn proof() -> ProofFile {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 3, 1, 3, 0);
    let secret = Secret::random();
    let sealed = SealedBook::new(&snapshot, book.accounts(), 4, &secret).unwrap();
    let id = &book.accounts()[0].id;
    let prepared = margin::Prepared::account(&sealed, id, Level::Initial).unwrap();
    let parts = vec![prepared.prove(0).unwrap()];
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

/// Small proofs of the other statements.
fn other_proofs() -> [ProofFile; 7] {
    let set = venue::sample::scenarios(1, 2, 50);
    let state = venue::sample::state(&set);
    let secret = Secret::random();
    let confidence: Confidence = "0.95".parse::<Decimal>().unwrap().try_into().unwrap();
    let terms = venue_risk::Terms {
        confidence,
        shows: venue_risk::Shows::Prices { lots: false },
        funding: true,
        until_ms: None,
    };
    let day = venue_risk::Prepared::new(&set, &state, &[], &terms, &secret).unwrap();
    let day_parts = day.prove(&mut |_, _| {}, None).unwrap();
    let snapshot = venue::sample::snapshot(&set);
    let book = venue::sample::book(1, &set, &state, 5);
    let sealed = SealedBook::new(&snapshot, book.accounts(), 4, &secret).unwrap();
    let held = inventory::Prepared::new(&sealed, &set, &state, &secret).unwrap();
    let held_parts = held.prove(&mut |_, _| {}, None).unwrap();
    let venues = vec![systemic::Venue { state, secret }];
    let both = systemic::Prepared::new(&set, venues, confidence, None).unwrap();
    let template = credit::import::tape::read_template("mortgage").unwrap();
    let tape = sample_pool::tape(1, 20, &template);
    let terms: pool::Terms = serde_json::from_str(sample_pool::TERMS).unwrap();
    let terms = pool::Terms {
        eligibility: terms.eligibility,
        // The bounds are meant for more loans.
        figures: terms.figures.into_iter().take(3).collect(),
    };
    let loans = pool::Prepared::new(&tape, &terms, &Secret::random()).unwrap();
    let loans_parts = loans.prove(&mut |_, _| {}, None).unwrap();
    let terms = stress::Terms {
        doubtful_days: 90,
        detail: stress::Detail::default(),
        deal: credit::sample_deal::sample_deal_for(sample_pool::owed(&tape)),
        deal_state: None,
        indices: credit::sample_deal::sample_indices(),
        stresses: serde_json::from_str(sample_pool::STRESSES).unwrap(),
        breakeven: Vec::new(),
    };
    let deal = stress::Prepared::new(&tape, &terms, &Secret::random()).unwrap();
    let deal_parts = deal.prove(&mut |_, _| {}, None).unwrap();
    let key = issuance::RegistryKey::random();
    let issued = issuance::Prepared::new(&tape, &terms.deal, &key, &Secret::random()).unwrap();
    let issued_parts = issued.prove(&mut |_, _| {}, None).unwrap();
    let terms = waterfall::Terms {
        months: vec![sample_pool::remittances(1, &tape)],
        deal: terms.deal,
        deal_state: None,
        indices: terms.indices,
    };
    let month = waterfall::Prepared::new(&tape, &terms, &Secret::random()).unwrap();
    let month_parts = month.prove(&mut |_, _| {}, None).unwrap();
    [
        ProofFile::new::<venue_risk::Risk>(day.claim(), day_parts),
        ProofFile::new::<inventory::Inventory>(held.claim(), held_parts),
        ProofFile::new::<systemic::Systemic>(both.claim(), both.prove().unwrap()),
        ProofFile::new::<pool::Pool>(loans.claim(), loans_parts),
        ProofFile::new::<stress::Stressed>(deal.claim(), deal_parts),
        ProofFile::new::<issuance::Issuance>(issued.claim(), issued_parts),
        ProofFile::new::<waterfall::Waterfall>(month.claim(), month_parts),
    ]
}

#[test]
fn changed_proofs_of_other_statements_are_rejected() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut rng = StdRng::seed_from_u64(2);
    for good in other_proofs() {
        verify(&good.to_bytes()).unwrap();
        let (len, name) = (good.parts[0].len(), good.statement.clone());
        // The bound on a proof's bytes holds for the tables of every statement, and is near.
        for (part, bytes) in sealbook::parts(&good).unwrap().zip(&good.parts) {
            let (most, len) = (stark::most_part_bytes(&part), bytes.len());
            assert!(
                len <= most && len * 10 >= most * 7,
                "{name}: {len}, at most {most}"
            );
        }
        for i in 0..200 {
            let mut file = good.clone();
            let at = rng.random_range(0..len);
            file.parts[0][at] ^= 1 << rng.random_range(0..8);
            assert_rejected(&file, &format!("{name}: bit flip {i} at {at}"));
        }
        for i in 0..200 {
            let mut file = good.clone();
            let keep = rng.random_range(0..len);
            file.parts[0].truncate(keep);
            file.parts[0].extend((keep..len).map(|_| rng.random::<u8>()));
            assert_rejected(&file, &format!("{name}: cut {i} at {keep}"));
        }
        // Numbers of the claim, one at a time: never accepted, never a panic.
        let text = String::from_utf8(good.claim.clone()).unwrap();
        let digits: Vec<usize> = (0..text.len())
            .filter(|&at| text.as_bytes()[at].is_ascii_digit())
            .collect();
        for i in 0..200 {
            let mut file = good.clone();
            let at = digits[rng.random_range(0..digits.len())];
            let digit = rng.random_range(b'0'..=b'9');
            if file.claim[at] == digit {
                continue;
            }
            file.claim[at] = digit;
            assert_rejected(&file, &format!("{name}: digit {i} at {at}"));
        }
    }
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

/// What a file says of itself is quoted without what would move a terminal's cursor or begin another line.
#[test]
fn a_file_cannot_write_lines_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.proof");
    let mut file = proof();
    file.statement = "x\u{1b}[2K\r\naccepted: everything".into();
    std::fs::write(&path, file.to_bytes()).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sealbook"))
        .arg("verify")
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains(['\u{1b}', '\r']), "{text}");
}
