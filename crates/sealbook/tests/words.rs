//! What `verify` prints is made from all that the prover chose: a claim with any field changed is said in other words.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{get, others, places};
use sealbook::{Kind, STATEMENTS};
use serde_json::{Value, json};

/// What says nothing by itself: subtree roots below a root that is said, commitments to hidden running state, and digests of
/// what stands in the claim, which the words make from there.
const HIDDEN: &[&str] = &[
    "segments",
    "states",
    "links",
    "lists",
    // They mean nothing alone: `verify --with` compares them.
    "nullifiers",
    "snapshot_digest",
    "parameters_digest",
    "scenarios_digest",
];

/// Changes each field of a claim and expects other words.
fn every_field_is_said(kind: &dyn Kind, value: &Value) {
    let own = kind.read(value).unwrap();
    let (honest, id) = (own.words(), kind.id());
    let mut found = Vec::new();
    places(value, &Vec::new(), &mut found);
    let (mut changes, mut silent) = (0, Vec::new());
    for place in found {
        if place.iter().any(|name| HIDDEN.contains(&name.as_str())) {
            continue;
        }
        let claims = others(get(&mut value.clone(), &place))
            .into_iter()
            .filter_map(|other| {
                let mut changed = value.clone();
                *get(&mut changed, &place) = other;
                let changed = kind.read(&changed).ok()?;
                (changed.bytes() != own.bytes()).then_some(changed)
            });
        for changed in claims.take(3) {
            changes += 1;
            // A claim that contradicts itself may have no words: it never gets that far.
            let said = catch_unwind(AssertUnwindSafe(|| changed.words()));
            if said.is_ok_and(|said| said == honest) {
                silent.push(place.join("."));
                break;
            }
        }
    }
    assert!(changes > 5, "{id}: only {changes} changes");
    let silent = silent.join(", ");
    assert!(
        silent.is_empty(),
        "{id}: changed and said alike: {silent}\n{}",
        honest.join("\n")
    );
    let mut asked = value.clone();
    asked["nonce"] = json!("asked-for");
    let asked = kind.read(&asked).unwrap().words();
    assert_ne!(asked, honest, "{id}: the challenge is said");
    let all = [honest, asked].concat().concat();
    assert!(all.bytes().all(|b| (b' '..=b'~').contains(&b)), "{id}");
}

#[test]
fn every_field_of_every_recorded_claim_is_said() {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    // `statements/tests/goldens.rs` keeps them.
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../statements/tests/goldens/claims"
    );
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.collect();
    for kind in STATEMENTS {
        let of = |path: &&std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.split_once('-').is_some_and(|(id, _)| id == kind.id())
        };
        let mut claims = files.iter().filter(of).peekable();
        assert!(
            claims.peek().is_some(),
            "no recorded claim of {}",
            kind.id()
        );
        for path in claims {
            let value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            every_field_is_said(*kind, &value);
        }
    }
}
