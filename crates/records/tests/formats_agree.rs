//! A random table, written in every format and dialect, reads as the same values.

#[path = "common/files.rs"]
mod files;

use std::path::PathBuf;

use files::{COMPRESSIONS, Cells, Folder, compression, layout, parquet, read, read_as, record};
use parquet::file::properties::{WriterProperties, WriterVersion};
use proptest::prelude::*;
use records::date;

/// A record of [`record`] as plain values.
#[derive(Clone, Debug)]
struct Sample {
    id: String,
    /// In units of 10^-4.
    amount: Option<i64>,
    count: Option<i32>,
    day: Option<i32>,
    is_purchase: Option<bool>,
    told: Option<bool>,
    note: Option<String>,
}

const NAMES: [&str; 7] = ["id", "amount", "count", "day", "kind", "told", "note"];

fn sample() -> impl Strategy<Value = Sample> {
    let note = "[ -~éß€\u{4e2d}]{1,12}".prop_filter_map("empty", |t| {
        let t = t.trim().to_string();
        (!t.is_empty()).then_some(t)
    });
    (
        "[!-~][ -~]{0,10}[!-~]".prop_filter("no id", |t| records::text::check_id(t).is_ok()),
        proptest::option::of(0..10_000_000_000_000i64),
        proptest::option::of(-1000..=1000i32),
        proptest::option::of(0..40_000i32),
        proptest::option::of(any::<bool>()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(note),
    )
        .prop_map(|(id, amount, count, day, is_purchase, told, note)| Sample {
            id,
            amount,
            count,
            day,
            is_purchase,
            told,
            note,
        })
}

impl Sample {
    /// The cells as texts; absent ones are empty.
    fn texts(&self) -> [String; 7] {
        let or_empty = |text: Option<String>| text.unwrap_or_default();
        [
            self.id.clone(),
            or_empty(
                self.amount
                    .map(|a| format!("{}.{:04}", a / 10_000, a % 10_000)),
            ),
            or_empty(self.count.map(|c| c.to_string())),
            or_empty(self.day.map(|d| date::written(d.into()))),
            or_empty(
                self.is_purchase
                    .map(|p| if p { "purchase" } else { "cash-out" }.into()),
            ),
            or_empty(self.told.map(|t| if t { "yes" } else { "no" }.into())),
            or_empty(self.note.clone()),
        ]
    }

    /// What is to be read.
    fn read(&self) -> Vec<String> {
        let mut texts = self.texts();
        if let Some(amount) = self.amount {
            texts[1] = fixed::Decimal::new(amount.into(), 4)
                .normalized()
                .to_string();
        }
        texts
            .map(|t| if t.is_empty() { "-".into() } else { t })
            .to_vec()
    }
}

fn quoted(text: &str, always: bool, delimiter: char) -> String {
    let needs = text.contains([delimiter, '"', '\r', '\n']) || text.starts_with(['"', ' ']);
    if always || needs {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

/// How a text with delimiters is written.
#[derive(Clone, Debug)]
struct Dialect {
    delimiter: char,
    end: &'static str,
    mark: bool,
    said: bool,
    quotes: bool,
    pad: &'static str,
}

fn dialect() -> impl Strategy<Value = Dialect> {
    let delimiter = proptest::sample::select(vec![',', ';', '\t', '|']);
    let end = proptest::sample::select(vec!["\n", "\r\n", "\r"]);
    let pad = proptest::sample::select(vec!["", " ", "\u{a0}", "\u{202f} "]);
    (delimiter, end, any::<[bool; 3]>(), pad).prop_map(
        |(delimiter, end, [mark, said, quotes], pad)| Dialect {
            delimiter,
            end,
            mark,
            said,
            quotes,
            pad,
        },
    )
}

fn csv(table: &[Sample], dialect: &Dialect) -> String {
    let Dialect {
        delimiter,
        end,
        mark,
        said,
        quotes,
        pad,
    } = dialect;
    let mut text = String::from(if *mark { "\u{feff}" } else { "" });
    if *said {
        text += &format!("sep={delimiter}{end}");
    }
    let line = |cells: Vec<String>| {
        let cells = cells
            .iter()
            .map(|c| quoted(&format!("{pad}{c}{pad}"), *quotes, *delimiter));
        cells.collect::<Vec<_>>().join(&delimiter.to_string()) + end
    };
    text += &line(NAMES.map(String::from).to_vec());
    table.iter().for_each(|s| text += &line(s.texts().to_vec()));
    text
}

/// JSON with typed or with quoted cells, as a list or as lines.
fn json(table: &[Sample], typed: bool, lines: bool, leave_out: bool) -> String {
    let object = |(i, sample): (usize, &Sample)| {
        let mut members = Vec::new();
        for ((name, text), column) in NAMES.iter().zip(sample.texts()).zip(0..) {
            // The first object names all members.
            if text.is_empty() && leave_out && i > 0 {
                continue;
            }
            let value = match (text.as_str(), column) {
                ("", _) => "null".to_string(),
                (text, 1 | 2) if typed => text.to_string(),
                ("yes", 5) if typed => "true".into(),
                ("no", 5) if typed => "false".into(),
                (text, _) => serde_json::Value::from(text).to_string(),
            };
            members.push(format!("{name:?}: {value}"));
        }
        format!("{{{}}}", members.join(", "))
    };
    let objects: Vec<String> = table.iter().enumerate().map(object).collect();
    match lines {
        true => objects.join("\n"),
        false => format!("[{}]", objects.join(",\n ")),
    }
}

/// How a Parquet file is written.
#[derive(Clone, Debug)]
struct Make {
    compression: &'static str,
    second: bool,
    dictionary: bool,
    types: [usize; 5],
}

fn make() -> impl Strategy<Value = Make> {
    let compression = proptest::sample::select(COMPRESSIONS.to_vec());
    (
        compression,
        any::<[bool; 2]>(),
        [0..4usize, 0..4, 0..4, 0..4, 0..4],
    )
        .prop_map(|(compression, [second, dictionary], types)| Make {
            compression,
            second,
            dictionary,
            types,
        })
}

fn write_parquet(folder: &Folder, table: &[Sample], make: &Make) -> PathBuf {
    let all =
        |f: &dyn Fn(&Sample) -> Option<i64>| -> Vec<Option<i64>> { table.iter().map(f).collect() };
    let narrow =
        |v: Vec<Option<i64>>| Cells::Int32(v.into_iter().map(|n| n.map(|n| n as i32)).collect());
    let text = |i: usize| {
        Cells::Text(
            table
                .iter()
                .map(|s| Some(s.texts()[i].clone()).filter(|t| i == 0 || !t.is_empty()))
                .collect(),
        )
    };
    let amounts = all(&|s| s.amount);
    let fixed = |size: usize| {
        let bytes = |n: i64| i128::from(n).to_be_bytes()[16 - size..].to_vec();
        amounts.iter().map(|n| n.map(bytes)).collect::<Vec<_>>()
    };
    let amount = match make.types[0] {
        0 => (
            "OPTIONAL INT64 amount (DECIMAL(18,4))",
            Cells::Int64(amounts.clone()),
        ),
        1 => (
            "OPTIONAL FIXED_LEN_BYTE_ARRAY(9) amount (DECIMAL(20,4))",
            Cells::Fixed(fixed(9)),
        ),
        2 => (
            "OPTIONAL BINARY amount (DECIMAL(30,4))",
            Cells::Bytes(fixed(12)),
        ),
        _ => ("OPTIONAL BINARY amount (STRING)", text(1)),
    };
    let counts = all(&|s| s.count.map(i64::from));
    let count = match make.types[1] {
        0 => ("OPTIONAL INT32 count", narrow(counts)),
        1 => (
            "OPTIONAL INT64 count (INTEGER(64,true))",
            Cells::Int64(counts),
        ),
        2 => ("OPTIONAL INT32 count (INTEGER(16,true))", narrow(counts)),
        _ => ("OPTIONAL BINARY count (STRING)", text(2)),
    };
    let days = all(&|s| s.day.map(i64::from));
    let day = match make.types[2] {
        0 => ("OPTIONAL INT32 day (DATE)", narrow(days)),
        1 => (
            "OPTIONAL INT64 day (TIMESTAMP(MICROS,true))",
            Cells::Int64(days.iter().map(|d| d.map(|d| d * 86_400_000_000)).collect()),
        ),
        2 => (
            "OPTIONAL INT96 day",
            Cells::Int96(
                days.iter()
                    .map(|d| d.map(|d| [0, 0, d as u32 + 2_440_588]))
                    .collect(),
            ),
        ),
        _ => ("OPTIONAL BINARY day (STRING)", text(3)),
    };
    let told = match make.types[3] {
        0 | 1 => (
            "OPTIONAL BOOLEAN told",
            Cells::Bool(table.iter().map(|s| s.told).collect()),
        ),
        _ => ("OPTIONAL BINARY told (STRING)", text(5)),
    };
    let kind = match make.types[4] {
        0 => ("OPTIONAL BINARY kind (ENUM)", text(4)),
        _ => ("OPTIONAL BINARY kind (STRING)", text(4)),
    };
    let fields = [
        ("REQUIRED BINARY id (STRING)", text(0)),
        day,
        count,
        amount,
        ("OPTIONAL BINARY note (STRING)", text(6)),
        told,
        kind,
    ];
    let version = if make.second {
        WriterVersion::PARQUET_2_0
    } else {
        WriterVersion::PARQUET_1_0
    };
    let properties = WriterProperties::builder()
        .set_compression(compression(make.compression))
        .set_writer_version(version)
        .set_dictionary_enabled(make.dictionary)
        .set_data_page_row_count_limit(5)
        .set_write_batch_size(3)
        .build();
    let path = folder.path("a.parquet");
    parquet(&path, &fields, properties);
    path
}

/// The same table as an agency would publish it: without a header, with amounts in 10^-4, codes and dates of its own.
const AGENCY: &str = r#"{"record": "sample", "about": "An agency's.", "delimiter": "|", "header": false, "count": 8, "columns": {
    "id": {"position": 3}, "amount": {"position": 1, "scale": -4, "absent_if": ["NA"]}, "count": {"position": 2},
    "day": {"position": 5, "date": "MM/DD/YYYY"}, "kind": {"position": 6, "codes": {"P": "purchase", "R": "cash-out"}},
    "told": {"position": 7, "codes": {"Y": "yes", "N": "no"}}, "note": {"position": 8}}}"#;

fn agency(table: &[Sample]) -> String {
    let line = |s: &Sample| {
        let [id, _, count, day, kind, told, note] = s.texts();
        let word = |text: String, words: &[(&str, &str)]| {
            words
                .iter()
                .find(|(w, _)| *w == text)
                .map_or(String::new(), |(_, c)| (*c).into())
        };
        let day = if day.is_empty() {
            day
        } else {
            format!("{}/{}/{}", &day[5..7], &day[8..], &day[..4])
        };
        let cells = [
            s.amount.map_or("NA".into(), |a| a.to_string()),
            count,
            id,
            "x".into(),
            day,
            word(kind, &[("purchase", "P"), ("cash-out", "R")]),
            word(told, &[("yes", "Y"), ("no", "N")]),
            note,
        ];
        cells.map(|c| quoted(&c, false, '|')).join("|") + "\n"
    };
    table.iter().map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_table_is_the_same_in_every_format_and_dialect(
        table in proptest::collection::vec(sample(), 1..20),
        dialect in dialect(),
        ways in any::<[bool; 3]>(),
        make in make(),
    ) {
        let folder = Folder::new();
        let is: Result<Vec<Vec<String>>, String> = Ok(table.iter().map(Sample::read).collect());
        let text = csv(&table, &dialect);
        prop_assert_eq!(&read(&folder.write("a.csv", &text)), &is, "{:?}", text);
        let text = json(&table, ways[0], ways[1], ways[2]);
        prop_assert_eq!(&read(&folder.write("a.json", &text)), &is, "{}", text);
        let path = write_parquet(&folder, &table, &make);
        prop_assert_eq!(&read(&path), &is, "{:?}", make);
        let text = agency(&table);
        let got = read_as(&folder.write("a.txt", &text), &record(), Some(&layout(AGENCY)));
        prop_assert_eq!(&got, &is, "{}", text);
    }
}
