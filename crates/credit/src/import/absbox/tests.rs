//! Whatever the file, the answer is a deal or an error. In memory, since there are thousands.

use std::path::Path;

use serde_json::{Value, json};

use super::{At, from_bytes};

/// All places of a value, as JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_string());
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(n, v)| pointers(v, &format!("{at}/{n}"), found)),
        Value::Array(list) => {
            for (i, v) in list.iter().enumerate() {
                pointers(v, &format!("{at}/{i}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn nothing_panics() {
    let file = At::file(Path::new("deal.json"));
    let read = |bytes: &[u8]| from_bytes(&file, bytes, None);
    for text in [
        include_str!("../../../tests/absbox/sequential.json"),
        include_str!("../../../tests/absbox/floater.json"),
    ] {
        for end in 0..text.trim_end().len() {
            assert!(read(&text.as_bytes()[..end]).is_err(), "cut at {end}");
        }
        let whole: Value = serde_json::from_str(text).unwrap();
        let mut places = Vec::new();
        pointers(&whole, "", &mut places);
        let others = [
            json!(null),
            json!(true),
            json!(-1),
            json!(0),
            json!(1e300),
            json!(0.123_456_789),
            json!(""),
            json!("\u{7}\"é"),
            json!("2027-01-25"),
            json!([]),
            json!([[]]),
            json!({}),
            json!({"": null}),
            json!(["*", ["*", ["poolBalance"]]]),
            json!(["all"]),
            json!("A"),
        ];
        for place in &places {
            for other in &others {
                let mut changed = whole.clone();
                *changed.pointer_mut(place).unwrap() = other.clone();
                if let Ok(read) = read(changed.to_string().as_bytes()) {
                    read.deal.validate().unwrap();
                }
            }
        }
        // Bytes changed at random, always the same ones.
        let mut random = 1u64;
        for _ in 0..5000 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..3 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let place = (random >> 33) as usize % bytes.len();
                bytes[place] = b"[]{}\",:-+.eE019\\nt\xff "[(random >> 20) as usize % 20];
            }
            let _ = read(&bytes);
        }
    }
}

#[test]
fn no_program_panics() {
    const SIGNS: &[u8] = b"[]{}()\",:-+.eE019\nt\xff '#\\=*|N";
    let file = At::file(Path::new("deal.py"));
    let read = |bytes: &[u8]| {
        if let Ok(read) = from_bytes(&file, bytes, Some("USD")) {
            let plan = read.deal.plan().unwrap();
            assert!(read.state.is_none_or(|s| s.check(&plan).is_ok()));
        }
    };
    for text in [
        include_str!("../../../tests/absbox/off_cycle.py"),
        include_str!("../../../tests/absbox/listed.py"),
        include_str!("../../../tests/absbox/under_way.py"),
        include_str!("../../../tests/absbox/steps.py"),
    ] {
        for end in (0..text.len())
            .step_by(7)
            .filter(|e| text.is_char_boundary(*e))
        {
            read(&text.as_bytes()[..end]);
        }
        // Bytes changed at random, always the same ones.
        let mut random = 1u64;
        for _ in 0..1500 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..3 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let place = (random >> 33) as usize % bytes.len();
                bytes[place] = SIGNS[(random >> 20) as usize % SIGNS.len()];
            }
            read(&bytes);
        }
    }
}
