//! What holds of every statement, over the small examples of the registry.

mod common;

use std::sync::OnceLock;

use common::{PATH_SLACK, get, others, places, shared_words};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;
use sealbook::{Kind, STATEMENTS, kind, verify};
use serde_json::Value;
use stark::{ProofFile, TARGET_BITS, cell_test, most_part_bytes, security_report, violations};
use statements::account::Secret;
use statements::kit::{AnyPrepared, Size};

/// An example, ready to be proven.
struct Case {
    name: &'static str,
    kind: &'static dyn Kind,
    prepared: Box<dyn AnyPrepared>,
}

/// An example under a secret.
fn prepared(kind: &'static dyn Kind, name: &'static str, secret: &Secret) -> Case {
    let inputs = kind
        .example(name, &Size::small())
        .expect("it is one of its names");
    let prepared = (inputs.prepare)(secret);
    let prepared = prepared.unwrap_or_else(|e| panic!("{name}: {e}"));
    Case {
        name,
        kind,
        prepared,
    }
}

fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let secret = Secret::random();
        let of = |kind: &'static dyn Kind| {
            let names = kind.examples().into_iter();
            let secret = &secret;
            names.map(move |name| prepared(kind, name, secret))
        };
        STATEMENTS.iter().copied().flat_map(of).collect()
    })
}

/// The proof file of each example.
fn proofs() -> &'static [ProofFile] {
    static PROOFS: OnceLock<Vec<ProofFile>> = OnceLock::new();
    PROOFS.get_or_init(|| cases().iter().map(prove).collect())
}

fn prove(case: &Case) -> ProofFile {
    let parts = case.prepared.prove(&mut |_, _| {}, None);
    case.prepared.file(parts.expect("it is proven"))
}

fn rejected(file: &ProofFile) -> Result<(), &'static str> {
    match verify(&file.to_bytes()) {
        Ok(_) => Err("accepted"),
        Err(e) if e.to_string().contains("unexpectedly") => Err("the verifier panicked"),
        Err(_) => Ok(()),
    }
}

/// Runs a check over all changes of all proofs side by side and names those that it does not hold for.
fn none_passes(changes: impl Fn(&Case, &ProofFile, &mut StdRng) -> Vec<(String, ProofFile)>) {
    std::panic::set_hook(Box::new(|_| {}));
    let mut rng = StdRng::seed_from_u64(1);
    let pairs = cases().iter().zip(proofs());
    let changed: Vec<_> = pairs
        .flat_map(|(case, file)| {
            let changes = changes(case, file, &mut rng).into_iter();
            changes.map(|(what, file)| (format!("{}: {what}", case.name), file))
        })
        .collect();
    let _ = std::panic::take_hook();
    let wrong: Vec<String> = changed
        .par_iter()
        .filter_map(|(what, file)| rejected(file).err().map(|why| format!("{what}: {why}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = STATEMENTS.iter().map(|kind| kind.id()).collect();
    let mut examples: Vec<&str> = cases().iter().map(|case| case.name).collect();
    for all in [&mut names, &mut examples] {
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
    let unexampled = STATEMENTS.iter().find(|kind| kind.examples().is_empty());
    assert!(
        unexampled.is_none(),
        "a statement without an example is not tested here"
    );
}

#[test]
fn witnesses_satisfy_and_cells_are_pinned() {
    for case in cases() {
        for part in 0..case.prepared.parts() {
            let (tables, traces) = (case.prepared.tables(part), case.prepared.traces(part));
            assert_eq!(violations(&tables, &traces), [], "{}", case.name);
            // Besides the first, a middle and the last row, which the cell test looks at: one that is padding in small tables.
            let rows: Vec<(&str, usize)> =
                tables.iter().map(|t| (t.name(), t.height() - 2)).collect();
            assert_eq!(cell_test(&tables, &traces, &rows), [], "{}", case.name);
        }
    }
}

#[test]
fn proofs_have_a_hundred_bits_and_bounded_bytes() {
    for (case, file) in cases().iter().zip(proofs()) {
        let claim = case.kind.claim(file).unwrap();
        for (part, bytes) in claim.parts().unwrap().zip(&file.parts) {
            for theorem in &security_report(&part).theorems {
                let bits = theorem.proven_bits.min(theorem.total_bits);
                assert!(bits >= TARGET_BITS, "{}: {theorem:?}", case.name);
            }
            // The bound on a proof's bytes is near, and holds.
            let (most, len) = (most_part_bytes(&part), bytes.len());
            assert!(
                len <= most && len * 10 >= most * 7,
                "{}: {len}, at most {most}",
                case.name
            );
        }
    }
}

#[test]
fn proofs_are_accepted_as_what_they_are() {
    for (case, file) in cases().iter().zip(proofs()) {
        let fact = verify(&file.to_bytes()).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        assert_eq!(fact.id(), kind(file).unwrap().id());
        assert_eq!(fact.words(), case.kind.claim(file).unwrap().words());
        assert!(
            !fact.anchors().is_empty(),
            "{}: linked to nothing",
            case.name
        );
        assert!(
            !fact.given().is_empty(),
            "{}: takes nothing as given",
            case.name
        );
    }
}

/// The same claim proven twice: no word is published twice, and sizes do not tell the proofs apart. Nor under another secret,
/// where no commitment is the same.
#[test]
fn proofs_repeat_nothing() {
    for (case, file) in cases().iter().zip(proofs()) {
        let again = prove(case);
        assert_eq!(file.claim, again.claim);
        let other = prove(&prepared(case.kind, case.name, &Secret::random()));
        assert_ne!(file.claim, other.claim, "{}", case.name);
        for two in [&again, &other] {
            assert_eq!(file.parts.len(), two.parts.len());
            for (one, two) in file.parts.iter().zip(&two.parts) {
                assert_eq!(shared_words(one, two), 0, "{}", case.name);
                assert!(one.len().abs_diff(two.len()) < PATH_SLACK, "{}", case.name);
            }
        }
    }
}

#[test]
fn flipped_cut_and_random_bytes_are_rejected() {
    none_passes(|_, file, rng| {
        let len = file.parts[0].len();
        let mut changes = Vec::new();
        for _ in 0..100 {
            let at = rng.random_range(0..len);
            let mut flipped = file.clone();
            flipped.parts[0][at] ^= 1 << rng.random_range(0..8);
            changes.push((format!("bit flip at {at}"), flipped));
            let keep = rng.random_range(0..len);
            let mut cut = file.clone();
            cut.parts[0].truncate(keep);
            changes.push((format!("cut at {keep}"), cut.clone()));
            cut.parts[0].extend((keep..len).map(|_| rng.random::<u8>()));
            changes.push((format!("random from {keep} on"), cut));
        }
        changes
    });
}

#[test]
fn other_parts_versions_and_statements_are_rejected() {
    none_passes(|case, file, _| {
        let change = |what: &str, change: &dyn Fn(&mut ProofFile)| {
            let mut file = file.clone();
            change(&mut file);
            (what.to_string(), file)
        };
        let mut changes = vec![
            change("a trailing byte", &|f| f.parts[0].push(0)),
            change("no part", &|f| f.parts.clear()),
            change("a part too many", &|f| f.parts.push(f.parts[0].clone())),
            change("another version", &|f| f.version += 1),
            change("an unknown statement", &|f| f.statement = "anything".into()),
        ];
        if file.parts.len() > 1 {
            changes.push(change("two parts exchanged", &|f| f.parts.swap(0, 1)));
            changes.push(change("a part twice", &|f| f.parts[1] = f.parts[0].clone()));
        }
        let others = STATEMENTS.iter().filter(|kind| kind.id() != case.kind.id());
        changes.extend(others.map(|kind| {
            change(kind.id(), &|f| {
                f.statement = kind.id().into();
                f.version = kind.version();
            })
        }));
        changes
    });
}

/// Every field of a claim in turn, changed to other values that still make a claim.
#[test]
fn changed_claims_are_rejected() {
    none_passes(|case, file, rng| {
        let value: Value = serde_json::from_slice(&file.claim).unwrap();
        let own = case.kind.claim(file).unwrap().bytes();
        let mut found = Vec::new();
        places(&value, &Vec::new(), &mut found);
        let mut changes = Vec::new();
        for place in found {
            let all = others(get(&mut value.clone(), &place)).into_iter();
            let claims = all.filter_map(|other| {
                let mut changed = value.clone();
                *get(&mut changed, &place) = other;
                let mut file = file.clone();
                file.claim = case.kind.read(&changed).ok()?.bytes();
                (file.claim != own).then_some((place.join("."), file))
            });
            changes.extend(claims.take(1));
        }
        // Claims of deals and scenarios have thousands of numbers of a kind.
        while changes.len() > 150 {
            changes.swap_remove(rng.random_range(0..changes.len()));
        }
        changes
    });
}
