//! What `verify` prints is made from all that the prover chose: a claim with any field changed is said in other words.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};
use stark::Statement;

/// Elements of a list that are changed: enough, where all are of one kind.
const ENDS: usize = 2;

/// Texts that stand for a choice among a few.
const CHOICES: [&[&str]; 6] = [
    &["maintenance", "initial", "maintenance-plus-buffer"],
    &["call", "put"],
    &["long", "short"],
    &["monthly", "quarterly", "semiannual", "annual"],
    &["30/360", "ACT/360", "ACT/365"],
    &["compounding", "carried", "none"],
];

/// A place in JSON.
type Place = Vec<String>;

fn places(value: &Value, at: &Place, found: &mut Vec<Place>) {
    let inside = |name: String| [at.clone(), vec![name]].concat();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                places(value, &inside(name.clone()), found);
            }
        }
        Value::Array(list) => {
            found.push(at.clone());
            for (i, value) in list.iter().enumerate() {
                if i < ENDS || i + ENDS >= list.len() {
                    places(value, &inside(i.to_string()), found);
                }
            }
        }
        _ => found.push(at.clone()),
    }
}

fn get<'a>(value: &'a mut Value, place: &[String]) -> &'a mut Value {
    place.iter().fold(value, |value, name| match value {
        Value::Array(list) => &mut list[name.parse::<usize>().unwrap()],
        value => &mut value[name],
    })
}

/// Other values for what stands at a place.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(b) => vec![json!(!b)],
        Value::Number(n) => n
            .as_i64()
            .map_or(vec![], |n| vec![json!(n + 1), json!(n - 1)]),
        Value::Array(list) => {
            let mut others = Vec::new();
            if let Some(last) = list.last() {
                others.push(json!(list[..list.len() - 1]));
                // A vector of rates goes on with its last one anyway.
                if !last.is_string() {
                    others.push(json!(
                        [list.as_slice(), std::slice::from_ref(last)].concat()
                    ));
                }
            }
            others
        }
        Value::String(text) => {
            let mut others: Vec<Value> = CHOICES
                .iter()
                .filter(|choices| choices.contains(&text.as_str()))
                .flat_map(|choices| choices.iter().filter(|c| *c != text).map(|c| json!(c)))
                .collect();
            // A digit or a letter more, wherever that leaves a value of its kind.
            let bytes = text.as_bytes();
            for at in (0..bytes.len()).rev() {
                let next = match bytes[at] {
                    b'9' => b'0',
                    b'f' => b'a',
                    b'z' => b'a',
                    c if c.is_ascii_alphanumeric() => c + 1,
                    _ => continue,
                };
                let mut changed = bytes.to_vec();
                changed[at] = next;
                others.push(json!(String::from_utf8(changed).unwrap()));
            }
            others
        }
        _ => Vec::new(),
    }
}

/// Changes each field of a claim and expects other words. `hidden` are the last names of fields that say nothing by themselves.
fn every_field_is_said<S: Statement>(
    claim: &S::Claim,
    words: fn(&S::Claim) -> Vec<String>,
    hidden: &[&str],
) {
    let honest = words(claim);
    let value = serde_json::to_value(claim).unwrap();
    let mut found = Vec::new();
    places(&value, &Vec::new(), &mut found);
    let (mut changes, mut silent) = (0, Vec::new());
    for place in found {
        if place.iter().any(|name| hidden.contains(&name.as_str())) {
            continue;
        }
        let claims = others(get(&mut value.clone(), &place))
            .into_iter()
            .filter_map(|other| {
                let mut changed = value.clone();
                *get(&mut changed, &place) = other;
                let changed: S::Claim = serde_json::from_value(changed).ok()?;
                (changed != *claim).then_some(changed)
            });
        for changed in claims.take(3) {
            changes += 1;
            // A claim that contradicts itself may have no words: it never gets that far.
            let said = catch_unwind(AssertUnwindSafe(|| words(&changed)));
            if said.is_ok_and(|said| said == honest) {
                silent.push(place.join("."));
                break;
            }
        }
    }
    assert!(changes > 5, "{}: only {changes} changes", S::ID);
    assert!(
        silent.is_empty(),
        "{}: changed and said alike: {}\n{}",
        S::ID,
        silent.join(", "),
        honest.join("\n")
    );
    let mut asked = value;
    asked["nonce"] = json!("asked-for");
    let asked: S::Claim = serde_json::from_value(asked).unwrap();
    assert_ne!(words(&asked), honest, "{}: the challenge is said", S::ID);
    let all = [honest.as_slice(), &words(&asked)].concat().join("");
    assert!(all.bytes().all(|b| (b' '..=b'~').contains(&b)), "{}", S::ID);
}

/// Subtree roots below a root that is said, and commitments to hidden running state.
const HIDDEN: &[&str] = &["segments", "states", "links", "lists"];

/// The recorded claims of a statement, which `statements/tests/goldens.rs` keeps.
fn recorded<S: Statement>() -> Vec<S::Claim> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../statements/tests/goldens/claims"
    );
    let mut claims = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.split_once('-').is_some_and(|(id, _)| id == S::ID) {
            claims.push(serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap());
        }
    }
    assert!(!claims.is_empty(), "no recorded claim of {}", S::ID);
    claims
}

fn all_is_said<S: Statement>(words: fn(&S::Claim) -> Vec<String>, hidden: &[&str]) {
    let hidden = [HIDDEN, hidden].concat();
    for claim in recorded::<S>() {
        every_field_is_said::<S>(&claim, words, &hidden);
    }
}

// What is left out besides: digests of what stands in the claim, which the words make from there.

#[test]
fn margin() {
    all_is_said::<statements::margin::Margin>(
        statements::margin::words,
        &["snapshot_digest", "parameters_digest"],
    );
}

#[test]
fn solvency() {
    all_is_said::<statements::solvency::Solvency>(statements::solvency::words, &[]);
}

#[test]
fn risk() {
    all_is_said::<statements::risk::Risk>(statements::risk::words, &["scenarios_digest"]);
}

#[test]
fn inventory() {
    all_is_said::<statements::inventory::Inventory>(statements::inventory::words, &[]);
}

#[test]
fn systemic() {
    all_is_said::<statements::systemic::Systemic>(
        statements::systemic::words,
        &["scenarios_digest"],
    );
}

#[test]
fn pool() {
    all_is_said::<statements::pool::Pool>(statements::pool::words, &[]);
}

#[test]
fn stress() {
    all_is_said::<statements::stress::Stressed>(statements::stress::words, &[]);
}

#[test]
fn issuance() {
    // Nullifiers mean nothing alone: `verify --issued` compares them.
    all_is_said::<statements::issuance::Issuance>(statements::issuance::words, &["nullifiers"]);
}

#[test]
fn waterfall() {
    all_is_said::<statements::waterfall::Waterfall>(statements::waterfall::words, &[]);
}
