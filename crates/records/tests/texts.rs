//! The one rule for texts: the same cell means the same in CSV, Parquet and JSON.

#[path = "common/files.rs"]
mod files;

use credit::import::tape::{read_tape, read_template};
use files::{Cells, Folder, layout, parquet, read, read_as, record, refused, texts};

/// The first cell of a file with one record in each format, or what is said of it.
fn everywhere(folder: &Folder, column: &str, text: &str) -> [Result<String, String>; 4] {
    let of = |name: &str| {
        record()
            .columns
            .iter()
            .position(|c| c.name == name)
            .unwrap()
    };
    let (id, value) = if column == "id" {
        (text, "1")
    } else {
        ("x", text)
    };
    let other = if column == "id" { "amount" } else { column };
    let quoted = |t: &str| format!("\"{}\"", t.replace('"', "\"\""));
    let csv = folder.write(
        "a.csv",
        format!(
            "id,{}\n{}",
            header(other),
            row(&quoted(id), &quoted(value), other)
        ),
    );
    let path = folder.path("a.parquet");
    let named = format!("OPTIONAL BINARY {other} (STRING)");
    let mut fields = vec![
        ("REQUIRED BINARY id (STRING)", texts(&[id])),
        (named.as_str(), texts(&[value])),
    ];
    if other != "amount" {
        fields.push(("OPTIONAL BINARY amount (STRING)", Cells::Text(vec![None])));
    }
    parquet(&path, &fields, Default::default());
    let object = serde_json::json!({"id": id, other: value});
    let list = folder.write("a.json", format!("[{object}]"));
    let lines = folder.write("a.jsonl", format!("{object}\n"));
    [csv, path, list, lines].map(|path| read(&path).map(|rows| rows[0][of(column)].clone()))
}

fn header(other: &str) -> String {
    if other == "amount" {
        "amount".into()
    } else {
        format!("amount,{other}")
    }
}

fn row(id: &str, value: &str, other: &str) -> String {
    if other == "amount" {
        format!("{id},{value}\n")
    } else {
        format!("{id},,{value}\n")
    }
}

#[test]
fn a_cell_means_the_same_in_every_format() {
    let folder = Folder::new();
    for (column, text, is) in [
        ("id", "a", "a"),
        ("id", "  a ", "a"),
        ("id", "\ta\t", "a"),
        ("id", "\u{a0}a\u{202f}", "a"),
        ("id", "\u{feff}007", "007"),
        ("id", "a b", "a b"),
        ("amount", " 1.5\u{a0}", "1.5"),
        ("amount", "7e-03", "0.007"),
        ("amount", "+2", "2"),
        ("amount", "\u{a0}", "-"),
        ("day", " 2026-11-21 ", "2026-11-21"),
        ("kind", "cash-out ", "cash-out"),
        ("count", "-7", "-7"),
        ("note", "Stra\u{df}e 5", "Stra\u{df}e 5"),
        ("note", "NA", "NA"),
    ] {
        for got in everywhere(&folder, column, text) {
            assert_eq!(got.as_deref(), Ok(is), "{column} {text:?}");
        }
    }
}

#[test]
fn a_cell_is_refused_in_every_format_with_what_to_do() {
    let folder = Folder::new();
    for (column, text, says) in [
        ("id", "", "is empty"),
        ("id", " \u{a0} ", "is empty"),
        ("id", "NULL", "'NULL' is a word for no value"),
        ("id", "N/A", "'N/A' is a word for no value"),
        (
            "id",
            "1.23E+05",
            "'1.23E+05' is a number that a spreadsheet has cut; format the column as text and export it again",
        ),
        ("id", "1E+15", "format the column as text"),
        (
            "id",
            "caf\u{e9}",
            "'caf\u{e9}' holds U+00E9; an id is printable ASCII text: replace the character",
        ),
        ("id", "l\u{430}-1", "U+0430"),
        ("id", "a\u{200b}", "'a\\u{200b}' holds U+200B"),
        ("id", "a\u{a0}b", "holds U+00A0"),
        ("id", "a\nb", "holds U+000A"),
        (
            "amount",
            "1.23E+05",
            "format the column as a number with all its digits",
        ),
        (
            "amount",
            "1E+15",
            "format the column as a number with all its digits",
        ),
        (
            "amount",
            "1,234.50",
            "write it without thousands separators",
        ),
        ("amount", "1,5", "decimal comma"),
        (
            "amount",
            "1\u{a0}234",
            "write it without thousands separators",
        ),
        ("amount", "1'234", "write it without thousands separators"),
        (
            "amount",
            "NA",
            "'NA' is not a number; leave it empty if there is no value, or list the word under `absent_if`",
        ),
        ("amount", "nan", "leave it empty"),
        ("amount", "-1", "-1 is negative"),
        (
            "amount",
            "1.00001",
            "1.00001 has more than 4 decimals; cut it",
        ),
        ("count", "1.5", "'1.5' is not a whole number"),
        ("count", "1001", "1001 is not between -1000 and 1000"),
        (
            "day",
            "21/11/2026",
            "'21/11/2026' is not a date; write it as 2026-11-21, or give its form in a layout",
        ),
        ("day", "2026-02-30", "is not a date"),
        ("day", "NULL", "list the word under `absent_if`"),
        (
            "kind",
            "Purchase",
            "'Purchase' is neither purchase nor cash-out",
        ),
        (
            "note",
            "a\u{7}b",
            "'a\\u{7}b' holds the control character U+0007; remove it, or write a space",
        ),
        (
            "note",
            "a\u{a0}b",
            "'a\\u{a0}b' holds the invisible character U+00A0",
        ),
        ("note", "a\u{200b}b", "holds the invisible character U+200B"),
        ("note", "a\nb", "holds the control character U+000A"),
    ] {
        for got in everywhere(&folder, column, text) {
            let told = got.expect_err(text);
            assert!(told.contains(&format!("field `{column}`")), "{told}");
            assert!(told.contains(says), "{told}\nlacks\n{says}");
        }
    }
    // What is shown is cut.
    let long = "x".repeat(500);
    for got in everywhere(&folder, "amount", &long) {
        let told = got.unwrap_err();
        assert!(told.contains("xxx...'") && told.len() < 250, "{told}");
    }
}

#[test]
fn numbers_are_no_ids_unless_a_layout_gives_a_width() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let fields = [
        ("REQUIRED INT64 id", Cells::Int64(vec![Some(7), Some(42)])),
        (
            "REQUIRED INT32 amount",
            Cells::Int32(vec![Some(1), Some(2)]),
        ),
    ];
    parquet(&path, &fields, Default::default());
    let json = folder.write(
        "a.json",
        r#"[{"id": 7, "amount": 1}, {"id": 42, "amount": 2}]"#,
    );
    let csv = folder.write("a.csv", "id,amount\n7,1\n42,2\n");
    let width = |n| {
        layout(&format!(
            r#"{{"record": "sample", "about": "Ids of digits.", "columns": {{"id": {{"column": "id", "width": {n}}}, "amount": {{"column": "amount"}}}}}}"#
        ))
    };
    for path in [&path, &json] {
        refused(
            read(path),
            "field `id`: 7 is a number where a text belongs, which loses zeros on the left; make the column a text, or give a layout with its `width`",
        );
    }
    for path in [&path, &json, &csv] {
        let rows = read_as(path, &record(), Some(&width(3))).unwrap();
        assert_eq!([&rows[0][0], &rows[1][0]], ["007", "042"]);
        refused(
            read_as(path, &record(), Some(&width(1))),
            "'42' has more than the layout's 1 digits",
        );
    }
    assert_eq!(read(&csv).unwrap()[0][0], "7", "a text is what it is");
}

/// An id padded with spaces was another loan in Parquet and the same in CSV: one loan could be pledged twice.
#[test]
fn a_padded_id_is_the_same_loan_so_that_no_loan_is_pledged_twice() {
    let folder = Folder::new();
    let template = read_template("carbon").unwrap();
    let cut_off = || "2020-04-01".to_string().try_into().unwrap();
    let names = [
        "id", "tonnes", "vintage", "registry", "project", "method", "status", "rating",
    ];
    let cells = [
        "c1", "10.5", "2020", "verra", "p1", "forestry", "active", "",
    ];
    let schema = names.map(|n| format!("REQUIRED BINARY {n} (STRING)"));
    for padded in ["c1 ", " c1", "c1\u{a0}", "\u{feff}c1", "c1\t"] {
        let rows = |i: usize| {
            if i == 0 {
                texts(&["c1", padded])
            } else {
                texts(&[cells[i], cells[i]])
            }
        };
        let fields: Vec<(&str, Cells)> = schema
            .iter()
            .enumerate()
            .map(|(i, f)| (f.as_str(), rows(i)))
            .collect();
        let parquet_path = folder.path("tape.parquet");
        parquet(&parquet_path, &fields, Default::default());
        let line = |id: &str| format!("{id},{}\n", cells[1..].join(","));
        let csv = folder.write(
            "tape.csv",
            names.join(",") + "\n" + &line("c1") + &line(padded),
        );
        let object = |id: &str| {
            let all = names
                .iter()
                .zip(cells)
                .map(|(n, c)| ((*n).to_string(), c.into()));
            let mut map: serde_json::Map<String, serde_json::Value> = all.collect();
            map["id"] = id.into();
            serde_json::Value::from(map)
        };
        let json = folder.write(
            "tape.json",
            serde_json::json!([object("c1"), object(padded)]).to_string(),
        );
        for path in [parquet_path, csv, json] {
            let told = read_tape(&path, &template, None, cut_off()).map_err(|e| e.to_string());
            refused(told, "field `id`: duplicate loan `c1`, first at");
        }
    }
}
