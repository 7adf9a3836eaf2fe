//! Layouts: files of another make, with and without a header, and how their cells are translated.

#[path = "common/files.rs"]
mod files;

use files::{Cells, Folder, layout, parquet, read_as, record, refused, texts};
use records::layout::Layout;

const AGENCY: &str = r#"{"record": "sample", "about": "Pipes, no header.", "delimiter": "|", "header": false, "count": 6, "columns": {
    "id": {"position": 2, "width": 4},
    "amount": {"position": 1, "scale": -2, "absent_if": ["9999"]},
    "day": {"position": 3, "date": "MMYYYY"},
    "kind": {"position": 4, "codes": {"P": "purchase", "C": "cash-out"}, "absent_if": ["9"]},
    "told": {"value": "yes"},
    "count": {"absent": true}}}"#;

#[test]
fn a_file_without_a_header_is_read_by_positions() {
    let folder = Folder::new();
    let read = |text: &str| {
        read_as(
            &folder.write("a.txt", text),
            &record(),
            Some(&layout(AGENCY)),
        )
    };
    let is = [
        ["0007", "1234.56", "-", "2020-03-01", "purchase", "yes", "-"],
        ["1234", "-", "-", "2021-12-01", "-", "yes", "-"],
    ];
    assert_eq!(
        read("123456|7|032020|P|x|y\n9999|1234|122021|9|x|y\n").unwrap(),
        is
    );
    for (text, says) in [
        (
            "1|7|032020|X|x|y\n",
            "a.txt:1: field `kind (column 4)`: 'X' is not one of the layout's codes C, P; add it there",
        ),
        (
            "1|7|202003|P|x|y\n",
            "field `day (column 3)`: '202003' is not a date of the layout's form MMYYYY",
        ),
        (
            "1|7|032020|P|x\n",
            "a.txt:1: has 5 columns where the layout has 6",
        ),
        (
            "1|7|032020|P|x|y\n1|8|032020|P|x\n",
            "a.txt:2: has 5 fields",
        ),
        (
            "1|12345|032020|P|x|y\n",
            "has more than the layout's 4 digits",
        ),
        (
            "1.234567|7|032020|P|x|y\n",
            "0.01234567 has more than 4 decimals",
        ),
        (
            "12a|7|032020|P|x|y\n",
            "field `amount (column 1)`: '12a' is not a number",
        ),
    ] {
        refused(read(text), says);
    }
}

#[test]
fn one_layout_reads_all_formats() {
    let folder = Folder::new();
    let fractions = layout(
        r#"{"record": "sample", "about": "Rates as fractions.", "columns": {
            "id": {"column": "loan"}, "amount": {"column": "rate", "scale": 2}, "day": {"column": "paid", "date": "DD/MM/YYYY"}}}"#,
    );
    let parquet_path = folder.path("a.parquet");
    let fields = [
        ("REQUIRED BINARY loan (STRING)", texts(&["x"])),
        (
            "REQUIRED INT32 rate (DECIMAL(9,4))",
            Cells::Int32(vec![Some(738)]),
        ),
        ("REQUIRED BINARY paid (STRING)", texts(&["03/02/2030"])),
    ];
    parquet(&parquet_path, &fields, Default::default());
    for path in [
        folder.write("a.csv", "loan;rate;paid;more\nx;0.0738;03/02/2030;y\n"),
        folder.write(
            "a.json",
            r#"[{"loan": "x", "rate": 0.0738, "paid": "03/02/2030"}]"#,
        ),
        parquet_path,
    ] {
        let rows = read_as(&path, &record(), Some(&fractions)).unwrap();
        assert_eq!(
            rows[0][..4],
            ["x", "7.38", "-", "2030-02-03"],
            "{}",
            path.display()
        );
    }
    refused(
        read_as(
            &folder.write("a.csv", "loan,rat,paid\n"),
            &record(),
            Some(&fractions),
        ),
        "a.csv:1: field `rate`: the column is missing",
    );
    refused(
        read_as(
            &folder.write("a.csv", "sep=;\nloan;rate;paid\nx;1;2030-02-03\n"),
            &record(),
            Some(&fractions),
        ),
        "a.csv:3: field `paid`: '2030-02-03' is not a date of the layout's form DD/MM/YYYY",
    );
}

#[test]
fn layouts_say_what_is_wrong_with_them() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "id,amount\nx,1\n");
    let of = |columns: &str| {
        format!(r#"{{"record": "sample", "about": "a", "columns": {{{columns}}}}}"#)
    };
    let id = r#""id": {"column": "id"}"#;
    for (columns, says) in [
        (
            r#""id": {"column": "id", "position": 1}"#.into(),
            "column `id`: give one of `column`, `position`, `value`, `absent`",
        ),
        (r#""id": {}"#.into(), "give one of"),
        (
            r#""id": {"position": 0}"#.into(),
            "positions are counted from 1",
        ),
        (r#""id": {"colunm": "id"}"#.into(), "unknown field `colunm`"),
        (
            format!(r#"{id}, "day": {{"column": "day", "date": "YYMM"}}"#),
            "is no form of a date: a year is `YYYY`",
        ),
        (format!("{id}, {id}"), "`id` stands twice in one object"),
    ] {
        let told = records::json::read::<Layout>(of(&columns).as_bytes())
            .unwrap_err()
            .to_string();
        assert!(told.contains(says), "{told}");
    }
    for (text, says) in [
        (
            r#"{"record": "sample", "about": "a", "header": false, "columns": {"id": {"column": "id"}}}"#,
            "the file has no header; give its `position`",
        ),
        (
            r#"{"record": "sample", "about": "a", "delimiter": ":", "columns": {}}"#,
            "delimiter `:` is none of",
        ),
        (
            r#"{"record": "sample", "about": "a", "decimal": ";", "columns": {}}"#,
            "is neither `.` nor `,`",
        ),
    ] {
        let told = records::json::read::<Layout>(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(told.contains(says), "{told}");
    }
    let amount = r#""amount": {"column": "amount"}"#;
    for (columns, says) in [
        (
            id.to_string(),
            "field `amount`: in the layout: is missing; say where it comes from",
        ),
        (
            format!(r#"{id}, {amount}, "more": {{"absent": true}}"#),
            "field `more`: in the layout: is no column of this record",
        ),
        (
            format!(r#"{amount}, "id": {{"absent": true}}"#),
            "field `id`: in the layout: is never absent",
        ),
        (
            format!(r#"{amount}, "id": {{"column": "id", "scale": 1}}"#),
            "`scale` is for numbers",
        ),
        (
            format!(r#"{id}, "amount": {{"column": "amount", "date": "YYYYMM"}}"#),
            "`date` is for dates",
        ),
        (
            format!(r#"{id}, "amount": {{"column": "amount", "width": 3}}"#),
            "`width` is for ids and texts",
        ),
    ] {
        refused(
            read_as(&path, &record(), Some(&layout(&of(&columns)))),
            says,
        );
    }
    let other = layout(r#"{"record": "loan", "about": "a", "columns": {}}"#);
    refused(
        read_as(&path, &record(), Some(&other)),
        "field `record`: in the layout: `loan` is not `sample`",
    );
    let tabs = layout(
        r#"{"record": "sample", "about": "a", "delimiter": "\t", "columns": {"id": {"column": "id"}, "amount": {"column": "amount"}}}"#,
    );
    refused(
        read_as(
            &folder.write("b.csv", "sep=;\nid;amount\n"),
            &record(),
            Some(&tabs),
        ),
        "b.csv:1: `sep=;` contradicts the layout's delimiter",
    );
}
