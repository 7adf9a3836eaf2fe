//! Tables in JSON: lists of objects and lines of objects.

#[path = "common/files.rs"]
mod files;

use files::{Folder, pairs, read, refused};

fn got(text: &str) -> Result<Vec<(String, String)>, String> {
    let folder = Folder::new();
    pairs(read(&folder.write("a.json", text)))
}

fn pair(id: &str, amount: &str) -> (String, String) {
    (id.into(), amount.into())
}

#[test]
fn lists_and_lines_of_objects_are_the_same_table() {
    let is = [pair("x", "1.5"), pair("y", "-"), pair("z", "2")];
    let objects = [
        r#"{"id": "x", "amount": "1.5", "other": [1, {"a": 2}]}"#,
        r#"{"amount": null, "id": "\u0079"}"#,
        r#"{"id": "z", "amount": 2}"#,
    ];
    for mark in ["", "\u{feff}"] {
        for text in [
            format!("{mark}[{}]", objects.join(",")),
            format!("{mark} [\r\n  {}\r\n]\r\n", objects.join(",\r\n  ")),
            format!("{mark}{}\n", objects.join("\n")),
            format!("{mark}{}", objects.join("\r\n\r\n")),
        ] {
            assert_eq!(got(&text).as_deref(), Ok(&is[..]), "{text}");
        }
    }
    assert_eq!(got("[]").unwrap(), []);
    assert_eq!(got("").unwrap(), []);
}

#[test]
fn numbers_keep_their_digits() {
    for (digits, is) in [
        ("0.1", "0.1"),
        ("12345678901234567.8901", "12345678901234567.8901"),
        ("7e-3", "0.007"),
        ("5", "5"),
    ] {
        assert_eq!(
            got(&format!(r#"[{{"id": "x", "amount": {digits}}}]"#)).unwrap(),
            [pair("x", is)]
        );
    }
    refused(
        got(r#"[{"id": "x", "amount": 1E+15}]"#),
        "how a spreadsheet shows a number that it has cut",
    );
    refused(
        got(r#"[{"id": 1.5, "amount": 1}]"#),
        "field `id`: 1.5 is a number with decimals where none belongs",
    );
}

#[test]
fn truths_are_yes_and_no_and_nothing_else() {
    let folder = Folder::new();
    let told = |cell: &str| {
        read(&folder.write("a.json", format!(r#"[{{"id": "x", "told": {cell}}}]"#)))
            .map(|r| r[0][5].clone())
    };
    assert_eq!(told("true").as_deref(), Ok("yes"));
    assert_eq!(told("false").as_deref(), Ok("no"));
    assert_eq!(told("\"no\"").as_deref(), Ok("no"));
    refused(told("\"true\""), "'true' is neither no nor yes");
    refused(
        got(r#"[{"id": "x", "amount": true}]"#),
        "field `amount`: true stands where no yes or no belongs",
    );
}

#[test]
fn errors_name_the_item_and_the_line() {
    for (text, says) in [
        (
            "[{\"id\": \"x\"},\n\n {\"id\": \"y\",\n\"amount\": \"one\"}]",
            "a.json:3: [1]: field `amount`: 'one' is not a number",
        ),
        (
            "{\"id\": \"x\"}\n\n{\"id\": \"y\", \"amount\": \"one\"}",
            "a.json:3: field `amount`: 'one' is not a number",
        ),
        (
            "[{\"id\": \"x\", \"amount\": [1]}]",
            "a.json:1: [0]: field `amount`: is a list or an object",
        ),
        (
            "[{\"id\": \"x\"},\n{\"id\": \"y\", \"note\": \"never",
            "a.json:2: column 21: a quote opens here and never closes",
        ),
        (
            "[{\"id\": \"x\"}",
            "a.json:1: column 13: `,` or `]` is expected here; the file was cut or is broken",
        ),
        ("[{\"id\": \"x\"}] []", "stands after the end of the list"),
        ("[{\"id\": \"x\"},]", "an object is expected here"),
        ("[1]", "an object is expected here"),
        ("7", "an object is expected here"),
        ("[{\"id\": \"x\" \"amount\": 1}]", "`}` is expected here"),
        (
            "[{\"id\": nan}]",
            "`nan` is no value; write null if there is none",
        ),
        ("[{\"id\": 01}]", "`01` is no value"),
        ("[{\"id\": \"\\ud800\"}]", "is no JSON text"),
        (
            "[{\"id\": \"a\tb\"}]",
            "a control character stands in a text",
        ),
    ] {
        refused(got(text), says);
    }
    let folder = Folder::new();
    refused(
        read(&folder.write("a.json", b"[{\"id\": \"caf\xe9\"}]")),
        "is not UTF-8 text",
    );
    let utf16: Vec<u8> = "\u{feff}[]"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    refused(
        read(&folder.write("a.json", utf16)),
        "a.json: is UTF-16 text",
    );
    refused(
        got(&format!("[{{\"id\": {}", "[".repeat(200_000))),
        "nested too deep",
    );
}
