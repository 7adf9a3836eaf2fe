//! Columns: one that stands twice is refused in every format, as is one that is missing.

#[path = "common/files.rs"]
mod files;

use files::{Folder, layout, pairs, parquet, read, read_as, record, refused, texts};
use records::json;
use records::record::{Column, Kind, Record};

#[test]
fn a_column_that_stands_twice_is_refused_with_both_places() {
    let folder = Folder::new();
    let csv = folder.write("a.csv", "id,amount,note,amount\nx,1,,2\n");
    refused(
        read(&csv),
        "a.csv:1: field `amount`: the column stands twice, as columns 2 and 4; remove one",
    );
    // Names are trimmed, and a column that no one reads may be the wrong one, too.
    for header in [
        "id,amount, amount",
        "id,\u{feff}amount,amount\u{a0}",
        "id,amount,x,x",
        "id,amount,,",
    ] {
        let csv = folder.write("a.csv", format!("{header}\nx,1,2,2\n"));
        refused(read(&csv), "stands twice");
    }
    let path = folder.path("a.parquet");
    let fields = [
        ("REQUIRED BINARY id (STRING)", texts(&["x"])),
        ("REQUIRED BINARY amount (STRING)", texts(&["1"])),
        ("REQUIRED BINARY amount (STRING)", texts(&["2"])),
    ];
    parquet(&path, &fields, Default::default());
    refused(
        read(&path),
        "a.parquet: field `amount`: the column stands twice, as columns 2 and 3",
    );
    for (text, says) in [
        (
            "[{\"id\": \"x\", \"amount\": \"1\",\n \"amount\": \"2\"}]",
            "a.json:2: column 2: `amount` stands twice in one object, first at line 1, column 14; remove one",
        ),
        (
            "[{\"id\": \"x\"},\n{\"id\": \"y\", \"amount\": 1, \"amount\": 2}]",
            "a.json:2: column 26: `amount` stands twice",
        ),
        (
            "[{\"id\": \"x\", \"amount\": 1, \"am\\u006funt\": 2}]",
            "`amount` stands twice",
        ),
        (
            "[{\"id\": \"x\", \"amount\": 1, \" amount\": 2}]",
            "stands twice",
        ),
        (
            "[{\"id\": \"x\"}, {\"id\": \"y\", \"note\": {\"a\": 1, \"a\": 2}}]",
            "`a` stands twice",
        ),
    ] {
        refused(read(&folder.write("a.json", text)), says);
    }
}

#[test]
fn documents_name_members_once_at_any_depth() {
    type Json = serde_json::Value;
    let told = json::read::<Json>(b"{\"a\": {\"b\": [0, {\"c\": 1,\r\n\"c\": 2}]}}").unwrap_err();
    assert_eq!(
        told.to_string(),
        "line 2, column 1: `c` stands twice in one object, first at line 1, column 18; remove one"
    );
}

#[test]
fn positional_layouts_do_not_look_at_names() {
    let folder = Folder::new();
    let text = "x,x,x\na,b,1\n";
    let positions = |header| {
        layout(&format!(
            r#"{{"record": "sample", "about": "By position.", "header": {header}, "columns": {{"id": {{"position": 2}}, "amount": {{"position": 3}}}}}}"#
        ))
    };
    let got = read_as(
        &folder.write("a.csv", text),
        &record(),
        Some(&positions(true)),
    );
    assert_eq!(pairs(got).unwrap(), [("b".into(), "1".into())]);
    let bare = folder.write("b.csv", "a,b,1\na,c,2\n");
    let got = read_as(&bare, &record(), Some(&positions(false)));
    assert_eq!(
        pairs(got).unwrap(),
        [("b".into(), "1".into()), ("c".into(), "2".into())]
    );
    let got = read_as(
        &folder.write("c.csv", "a,b\n"),
        &record(),
        Some(&positions(false)),
    );
    refused(
        got,
        "field `amount`: in the layout: has position 3 where the file has 2 columns",
    );
    let got = read_as(
        &folder.write("d.csv", "a,b,1\na,b,one\n"),
        &record(),
        Some(&positions(false)),
    );
    refused(
        got,
        "d.csv:2: field `amount (column 3)`: 'one' is not a number",
    );
    let json = folder.write("a.json", "[{}]");
    refused(
        read_as(&json, &record(), Some(&positions(true))),
        "a JSON object has no positions",
    );
}

#[test]
fn a_column_that_is_missing_is_named_with_what_to_do() {
    let folder = Folder::new();
    refused(
        read(&folder.write("a.csv", "\n\nid,note\nx,y\n")),
        "a.csv:3: field `amount`: the column is missing; add it",
    );
    refused(
        read(&folder.write("a.csv", "ID,amount\nx,1\n")),
        "field `id`: the column is missing; rename `ID`",
    );
    let path = folder.path("a.parquet");
    parquet(
        &path,
        &[("REQUIRED BINARY id (STRING)", texts(&["x"]))],
        Default::default(),
    );
    refused(
        read(&path),
        "a.parquet: field `amount`: the column is missing",
    );
    refused(
        read(&folder.write("a.json", r#"[{"id": "x"}, {"amount": 1}]"#)),
        "a.json:1: [1]: field `id`: is empty",
    );
    // An object may leave out what may be empty, and may not bring in what the first one lacks.
    let got = read(&folder.write("a.json", r#"[{"id": "x"}, {"id": "y", "amount": 1}]"#));
    assert_eq!(
        pairs(got).unwrap(),
        [("x".into(), "-".into()), ("y".into(), "1".into())]
    );
    refused(
        read(&folder.write("a.json", r#"[{"id": "x"}, {"id": "y", "amuont": 1}]"#)),
        "`amuont` is not in the first object",
    );
    let strict = record().refusing_others("is no column; remove it");
    refused(
        read_as(&folder.write("a.csv", "id,amount,x\n"), &strict, None),
        "a.csv:1: field `x`: is no column; remove it",
    );
    refused(
        read_as(
            &folder.write("a.json", r#"[{"id": "a", "x": 1}]"#),
            &strict,
            None,
        ),
        "field `x`: is no column; remove it",
    );
}

/// A record whose columns have the names of a standard, too.
fn aliased() -> Record {
    let columns = vec![
        Column::new("id", Kind::Id, "an id").also(&["OrderID", "37"]),
        Column::new("amount", Kind::amount(4), "an amount")
            .also(&["Qty"])
            .optional(),
    ];
    Record::new("aliased", "A record of tests.", columns).refusing_others("is unknown; remove it")
}

#[test]
fn a_column_stands_under_one_of_its_names() {
    let folder = Folder::new();
    let read = |name: &str, text: &str| read_as(&folder.write(name, text), &aliased(), None);
    let one = |id: &str, amount: &str| Ok(vec![vec![id.to_string(), amount.to_string()]]);
    assert_eq!(read("a.csv", "id,amount\nx,1\n"), one("x", "1"));
    assert_eq!(read("a.csv", "Qty,37\n1,x\n"), one("x", "1"));
    assert_eq!(read("a.csv", "OrderID\nx\n"), one("x", "-"));
    assert_eq!(
        read("a.json", r#"[{"OrderID": "x", "Qty": 1}]"#),
        one("x", "1")
    );
    let path = folder.path("a.parquet");
    let fields = [("REQUIRED BINARY OrderID (STRING)", texts(&["x"]))];
    parquet(&path, &fields, Default::default());
    assert_eq!(read_as(&path, &aliased(), None), one("x", "-"));
    refused(
        read("a.csv", "id,OrderID\nx,y\n"),
        "a.csv:1: field `id`: the column stands twice, as `id` and as `OrderID`; remove one",
    );
    refused(
        read("a.csv", "id,qty\nx,1\n"),
        "a.csv:1: field `qty`: is unknown; remove it",
    );
    refused(
        read("a.csv", "Qty\n1\n"),
        "a.csv:1: field `id`: the column is missing; add it",
    );
    // An error names the column as the file does.
    refused(
        read("a.csv", "37,Qty\nx,-1\n"),
        "a.csv:2: field `Qty`: -1 is negative",
    );
    // A later object can't take another name, which nobody would read.
    refused(
        read(
            "a.json",
            "[{\"OrderID\": \"x\"},\n{\"OrderID\": \"y\", \"Qty\": 1}]",
        ),
        "a.json:2: column 18: `Qty` is not in the first object and no column that is read",
    );
    refused(
        read("a.json", "[{\"id\": \"x\"},\n{\"OrderID\": \"y\"}]"),
        "`OrderID` is not in the first object and no column that is read",
    );
}
