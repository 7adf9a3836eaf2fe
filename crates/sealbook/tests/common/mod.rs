//! What the tests over all statements share.
#![allow(dead_code)] // Each test file uses its part.

use std::collections::HashMap;

use serde_json::{Value, json};

/// A proof has pruned Merkle paths, whose number depends on where the random queries fall.
pub const PATH_SLACK: usize = 40_000;

/// How many 8-byte words, at any offset, two proofs share, beyond public lengths and heights.
pub fn shared_words(a: &[u8], b: &[u8]) -> usize {
    let words = |bytes: &[u8]| -> HashMap<[u8; 8], usize> {
        let mut count = HashMap::new();
        for w in bytes.windows(8) {
            let w: [u8; 8] = w.try_into().unwrap();
            // Lengths, heights and flags are runs of small bytes; field elements and digests are not.
            if w.iter().filter(|b| **b < 32).count() < 4 {
                *count.entry(w).or_default() += 1;
            }
        }
        count
    };
    let (a, b) = (words(a), words(b));
    a.keys().filter(|w| b.contains_key(*w)).count()
}

/// Elements of a list that are changed: enough, where all are of one kind.
const ENDS: usize = 2;

/// Texts that stand for a choice among a few.
const CHOICES: [&[&str]; 6] = [
    &["maintenance", "initial", "maintenance-plus-buffer"],
    &["call", "put"],
    &["long", "short"],
    &["monthly", "quarterly", "semiannual", "annual"],
    &["30/360", "30/360 US", "ACT/360", "ACT/365"],
    &["compounding", "carried", "none"],
];

/// A place in JSON.
pub type Place = Vec<String>;

/// The places of values and lists below a place.
pub fn places(value: &Value, at: &Place, found: &mut Vec<Place>) {
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

/// What stands at a place.
pub fn get<'a>(value: &'a mut Value, place: &[String]) -> &'a mut Value {
    place.iter().fold(value, |value, name| match value {
        Value::Array(list) => &mut list[name.parse::<usize>().unwrap()],
        value => &mut value[name],
    })
}

/// Other values for what stands at a place.
pub fn others(value: &Value) -> Vec<Value> {
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
