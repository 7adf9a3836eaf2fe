//! Text with delimiters as people have it: delimiters, line ends, byte order marks, quotes, decimal commas.

#[path = "common/files.rs"]
mod files;

use files::{Folder, layout, pairs, read, read_as, record, refused};

type Pairs = Vec<(String, String)>;

fn got(text: impl AsRef<[u8]>) -> Result<Pairs, String> {
    let folder = Folder::new();
    pairs(read(&folder.write("a.csv", text)))
}

fn pair(id: &str, amount: &str) -> (String, String) {
    (id.into(), amount.into())
}

#[test]
fn delimiters_and_line_ends_are_found() {
    let is = [pair("x", "1.5"), pair("y", "-")];
    for delimiter in [",", ";", "\t", "|"] {
        for end in ["\n", "\r\n", "\r"] {
            for mark in ["", "\u{feff}"] {
                for said in ["", "sep=", "\"sep="] {
                    let said = match said {
                        "" => String::new(),
                        "sep=" => format!("sep={delimiter}{end}"),
                        _ => format!("\"sep={delimiter}\"{end}"),
                    };
                    let text = format!(
                        "{mark}{said}id{delimiter}amount{end}x{delimiter}1.5{end}{end}y{delimiter}{end}"
                    );
                    assert_eq!(got(&text).as_deref(), Ok(&is[..]), "{text:?}");
                    assert_eq!(
                        got(text.trim_end_matches(end)).as_deref(),
                        Ok(&is[..]),
                        "{text:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_may_be_cut_in_two_ways_is_refused() {
    // Only one way has the columns.
    assert_eq!(
        got("id|a;amount\nx|y;1\n").map_err(|e| e.contains("`id`")),
        Err(true)
    );
    assert_eq!(
        got("\"a;b\",id,amount\n1,x,2\n").unwrap(),
        [pair("x", "2")],
        "quotes count"
    );
    assert_eq!(got("id,amount,a;b\nx,2,1\n").unwrap(), [pair("x", "2")]);
    let both = "id,amount,x;amount\nx,1,2;3\n";
    assert_eq!(
        got(both).unwrap(),
        [pair("x", "1")],
        "by `;` there is no column `id`, but `id,amount,x`"
    );
    let both = "a;id;amount;b,id,amount,c\n1;x;2;3,y,4,5\n";
    refused(
        got(both),
        "a.csv:1: may be cut at `,` or at `;`; say which by a first line `sep=,` or a layout's `delimiter`",
    );
    assert_eq!(got(format!("sep=;\n{both}")).unwrap(), [pair("x", "2")]);
    refused(
        got("sep=:\nid,amount\n"),
        "a.csv:1: `sep=:` names none of the delimiters",
    );
}

#[test]
fn decimal_commas_are_never_dropped() {
    let folder = Folder::new();
    let text = "id;amount\nx;1,5\ny;-\n";
    refused(
        got(text),
        "a.csv:2: field `amount`: '1,5' is not a number; write it without thousands separators; if the comma is a decimal comma, write a point or give a layout with `\"decimal\": \",\"`",
    );
    refused(
        got("id,amount\nx,1,5\n"),
        "a.csv:2: has 3 fields where the header has 2",
    );
    let commas = layout(
        r#"{"record": "sample", "about": "Decimal commas.", "decimal": ",", "columns": {"id": {"column": "id"}, "amount": {"column": "amount"}}}"#,
    );
    let with = |text: &str| {
        pairs(read_as(
            &folder.write("b.csv", text),
            &record(),
            Some(&commas),
        ))
    };
    assert_eq!(
        with("id;amount\nx;1,5\ny;2\nz;,25\n").unwrap(),
        [pair("x", "1.5"), pair("y", "2"), pair("z", "0.25")]
    );
    refused(
        with("id;amount\nx;1.500,25\n"),
        "'1.500,25' has a point where the layout has decimal commas; write it without thousands separators",
    );
    refused(
        with("id;amount\nx;1.500\n"),
        "has a point where the layout has decimal commas",
    );
    refused(
        with("id;amount\nx;1,500,25\n"),
        "is not a number; write it without thousands separators",
    );
}

#[test]
fn errors_name_the_line_on_which_a_record_starts() {
    for end in ["\n", "\r\n", "\r"] {
        for (before, first) in [
            ("", 1),
            ("\u{feff}", 1),
            ("sep=,\n", 2),
            ("\u{feff}sep=,\n\n", 3),
        ] {
            let text =
                format!("{before}id,amount,extra\nx,1,\"two\nlines \"\"here\"\"\"\n\ny,one,\n")
                    .replace('\n', end);
            refused(
                got(&text),
                &format!("a.csv:{}: field `amount`: 'one' is not a number", first + 4),
            );
            let text = format!("{before}id,amount,extra\nx,1,\n\"y\n\",1,z\n").replace('\n', end);
            refused(got(&text), &format!("a.csv:{}: field `id`", first + 2));
        }
    }
}

#[test]
fn quotes_are_closed_and_lines_are_whole() {
    assert_eq!(
        got("id,amount,note\n\"x\" ,\"1\",\"a \"\"b\"\", c\"\ny,2,5\" pipe\n").unwrap(),
        [pair("x", "1"), pair("y", "2")]
    );
    let open = "id,amount,note\nx,1,a\ny,2,\"never\nclosed\nz,3,c\n";
    refused(
        got(open),
        "a.csv:3: a quote opens on this line and never closes; close it",
    );
    refused(got(format!("sep=,\n{open}")), "a.csv:4: a quote opens");
    let closed_late = "id,amount,note\nx,1,\"open\ny,2,\"b\"\n";
    refused(
        got(closed_late),
        "a.csv:2: text stands after the closing quote of a cell that opens on this line",
    );
    refused(
        got("id,amount,note\nx,1, \"a,b\"\n"),
        "a.csv:2: spaces stand before a quote",
    );
    refused(
        got("id,amount\nx,1\ny\n"),
        "a.csv:3: has 1 fields where the header has 2; check for missing or stray delimiters (`,`)",
    );
    refused(got("id,amount\nx,1,\n"), "a.csv:2: has 3 fields");
    refused(got(""), "a.csv: is empty; it needs a header");
    refused(got("\n\r\n"), "is empty");
    let long = format!("id,amount\nx,\"{}", "y\n".repeat((1 << 23) + 10));
    refused(got(long), "a.csv:2: is too long for a record");
}

#[test]
fn other_encodings_and_files_are_told() {
    let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        let text = "id,amount\nx,1\n".encode_utf16().flat_map(bytes);
        [mark.to_vec(), text.collect()].concat()
    };
    refused(
        got(utf16(b"\xff\xfe", u16::to_le_bytes)),
        "a.csv: is UTF-16 text; save the file as UTF-8",
    );
    refused(got(utf16(b"\xfe\xff", u16::to_be_bytes)), "is UTF-16 text");
    refused(got(utf16(b"", u16::to_le_bytes)), "UTF-8");
    refused(
        got(b"id,amount,note\nx,1,caf\xe9\n"),
        "a.csv:2: is not UTF-8 text; save the file as UTF-8",
    );
    refused(
        got(b"PK\x03\x04rest"),
        "is a spreadsheet or a ZIP file; export the sheet as CSV",
    );
    refused(
        got(b"\x1f\x8brest"),
        "is a compressed file; unpack it first",
    );
    let folder = Folder::new();
    refused(
        read(&folder.write("a.xlsx", "")),
        "a table is a .csv, .parquet or .json file; rename it",
    );
    refused(read(&folder.path("none.csv")), "cannot be read");
    assert_eq!(
        pairs(read(&folder.write("a.TXT", "id\tamount\nx\t1\n"))).unwrap(),
        [pair("x", "1")]
    );
}
