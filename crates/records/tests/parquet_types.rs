//! Parquet of other writers than ours: types, encodings, compressions, and files that would fill the memory.

#[path = "common/files.rs"]
mod files;

use files::{
    COMPRESSIONS, Cells, Folder, compressed, compression, pairs, parquet, read, refused, texts,
};
use parquet::basic::Encoding;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

/// A file with a column beside an id; what is read from it.
fn with(field: &str, cells: Cells) -> Result<Vec<Vec<String>>, String> {
    let count = match &cells {
        Cells::Text(v) => v.len(),
        Cells::Int32(v) => v.len(),
        Cells::Int64(v) => v.len(),
        Cells::Int96(v) => v.len(),
        Cells::Bool(v) => v.len(),
        Cells::Float(v) => v.len(),
        Cells::Double(v) => v.len(),
        Cells::Bytes(v) | Cells::Fixed(v) => v.len(),
    };
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let ids: Vec<String> = (0..count).map(|i| format!("x{i}")).collect();
    let ids = texts(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let mut fields = vec![("REQUIRED BINARY id (STRING)", ids), (field, cells)];
    if !field.contains(" amount") {
        fields.push((
            "OPTIONAL BINARY amount (STRING)",
            Cells::Text(vec![None; count]),
        ));
    }
    parquet(&path, &fields, Default::default());
    read(&path)
}

fn column(rows: Result<Vec<Vec<String>>, String>, i: usize) -> Result<Vec<String>, String> {
    Ok(rows?.into_iter().map(|r| r[i].clone()).collect())
}

const AMOUNT: usize = 1;
const COUNT: usize = 2;
const DAY: usize = 3;
const TOLD: usize = 5;

#[test]
fn exact_numbers_of_all_types_are_read() {
    let cases: [(&str, Cells, [&str; 2]); 12] = [
        (
            "OPTIONAL INT32 amount (DECIMAL(9,2))",
            Cells::Int32(vec![Some(123_456), Some(5)]),
            ["1234.56", "0.05"],
        ),
        (
            "OPTIONAL INT64 amount (DECIMAL(18,4))",
            Cells::Int64(vec![Some(1), None]),
            ["0.0001", "-"],
        ),
        (
            "OPTIONAL FIXED_LEN_BYTE_ARRAY(16) amount (DECIMAL(38,2))",
            Cells::Fixed(vec![
                Some(
                    12_345_678_901_234_567_890_123_456_789i128
                        .to_be_bytes()
                        .to_vec(),
                ),
                None,
            ]),
            ["123456789012345678901234567.89", "-"],
        ),
        (
            "OPTIONAL FIXED_LEN_BYTE_ARRAY(3) amount (DECIMAL(6,1))",
            Cells::Fixed(vec![Some(vec![0, 1, 2]), Some(vec![0, 0, 0])]),
            ["25.8", "0"],
        ),
        (
            "OPTIONAL BINARY amount (DECIMAL(9,0))",
            Cells::Bytes(vec![Some(vec![1, 0]), Some(vec![0x7f])]),
            ["256", "127"],
        ),
        (
            "OPTIONAL INT32 amount",
            Cells::Int32(vec![Some(7), Some(i32::MAX)]),
            ["7", "2147483647"],
        ),
        (
            "OPTIONAL INT64 amount",
            Cells::Int64(vec![Some(i64::MAX), Some(0)]),
            ["9223372036854775807", "0"],
        ),
        (
            "OPTIONAL INT32 amount (INTEGER(8,true))",
            Cells::Int32(vec![Some(127), None]),
            ["127", "-"],
        ),
        (
            "OPTIONAL INT32 amount (INTEGER(32,false))",
            Cells::Int32(vec![Some(-1), Some(1)]),
            ["4294967295", "1"],
        ),
        (
            "OPTIONAL INT64 amount (INTEGER(64,false))",
            Cells::Int64(vec![Some(-1), Some(1)]),
            ["18446744073709551615", "1"],
        ),
        (
            "OPTIONAL INT64 amount (UINT_64)",
            Cells::Int64(vec![Some(-1), Some(1)]),
            ["18446744073709551615", "1"],
        ),
        (
            "OPTIONAL BINARY amount",
            Cells::Bytes(vec![Some(b"1.50".to_vec()), Some(b" ".to_vec())]),
            ["1.5", "-"],
        ),
    ];
    for (field, cells, is) in cases {
        assert_eq!(column(with(field, cells), AMOUNT).unwrap(), is, "{field}");
    }
    let negative = |bytes: &[u8]| Cells::Fixed(vec![Some(bytes.to_vec())]);
    refused(
        with(
            "REQUIRED FIXED_LEN_BYTE_ARRAY(2) amount (DECIMAL(4,1))",
            negative(&[0xff, 0xfe]),
        ),
        "row 1: field `amount`: -0.2 is negative",
    );
    assert_eq!(
        column(
            with("REQUIRED INT32 count", Cells::Int32(vec![Some(-7)])),
            COUNT
        )
        .unwrap(),
        ["-7"]
    );
    refused(
        with(
            "REQUIRED INT32 count (DECIMAL(9,1))",
            Cells::Int32(vec![Some(15)]),
        ),
        "'1.5' is not a whole number",
    );
}

#[test]
fn floats_are_refused_where_a_number_is_needed() {
    let says = "is a column of floats, which do not hold decimals exactly; cast it to a decimal, or to a text with all its digits";
    refused(
        with("REQUIRED DOUBLE amount", Cells::Double(vec![Some(0.1)])),
        &format!("a.parquet: row 1: field `amount`: {says}"),
    );
    refused(
        with("OPTIONAL FLOAT amount", Cells::Float(vec![None, Some(0.5)])),
        "a.parquet: row 2: field `amount`: is a column of floats",
    );
    // A column that no one reads may be one.
    assert!(with("REQUIRED DOUBLE other", Cells::Double(vec![Some(0.1)])).is_ok());
}

#[test]
fn days_and_midnights_are_dates() {
    const DAY_MS: i64 = 86_400_000;
    let day = |field: &str, cells: Cells| column(with(field, cells), DAY);
    let is = ["2026-11-21", "1970-01-01"];
    assert_eq!(
        day(
            "REQUIRED INT32 day (DATE)",
            Cells::Int32(vec![Some(20_778), Some(0)])
        )
        .unwrap(),
        is
    );
    for (unit, per_day) in [
        ("MILLIS", DAY_MS),
        ("MICROS", DAY_MS * 1000),
        ("NANOS", DAY_MS * 1_000_000),
    ] {
        for utc in [true, false] {
            let field = format!("REQUIRED INT64 day (TIMESTAMP({unit},{utc}))");
            let at = |time| Cells::Int64(vec![Some(time), Some(0)]);
            assert_eq!(day(&field, at(20_778 * per_day)).unwrap(), is, "{field}");
            refused(
                day(&field, at(20_778 * per_day + 1)),
                "row 1: field `day`: is a moment within a day where a day is needed",
            );
        }
    }
    let old = |nanos: u32, days: u32| Cells::Int96(vec![Some([nanos, 0, days])]);
    assert_eq!(
        day("REQUIRED INT96 day", old(0, 2_440_588 + 20_778)).unwrap(),
        ["2026-11-21"]
    );
    refused(
        day("REQUIRED INT96 day", old(5, 2_440_588)),
        "is a moment within a day",
    );
    refused(
        day("REQUIRED INT32 day (DATE)", Cells::Int32(vec![Some(-1)])),
        "is a day before 1970",
    );
    refused(
        day(
            "REQUIRED INT64 day (TIME(MICROS,true))",
            Cells::Int64(vec![Some(0)]),
        ),
        "is a time of day in this file",
    );
    refused(
        with("REQUIRED INT32 amount (DATE)", Cells::Int32(vec![Some(0)])),
        "1970-01-01 is a date where none belongs",
    );
    refused(
        day("REQUIRED INT64 day", Cells::Int64(vec![Some(20_778)])),
        "'20778' is not a date",
    );
}

#[test]
fn truths_lists_and_bytes() {
    let cells = Cells::Bool(vec![Some(true), None, Some(false)]);
    assert_eq!(
        column(with("OPTIONAL BOOLEAN told", cells), TOLD).unwrap(),
        ["yes", "-", "no"]
    );
    refused(
        with("REQUIRED BOOLEAN amount", Cells::Bool(vec![Some(true)])),
        "true stands where no yes or no belongs",
    );
    let uuid = Cells::Fixed(vec![Some(vec![7; 16])]);
    refused(
        with(
            "REQUIRED FIXED_LEN_BYTE_ARRAY(16) note (UUID)",
            uuid.clone(),
        ),
        "is a UUID in bytes in this file",
    );
    refused(
        with("REQUIRED FIXED_LEN_BYTE_ARRAY(16) note", uuid),
        "is of bytes in this file",
    );
    refused(
        with("REQUIRED BINARY note", Cells::Bytes(vec![Some(vec![0xff])])),
        "is not UTF-8 text; write the column as text",
    );
}

#[test]
fn a_whole_number_is_no_id() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    for (field, cells) in [
        ("REQUIRED INT32 id", Cells::Int32(vec![Some(7)])),
        ("REQUIRED INT64 id", Cells::Int64(vec![Some(7)])),
        (
            "REQUIRED INT32 id (DECIMAL(9,0))",
            Cells::Int32(vec![Some(7)]),
        ),
        ("REQUIRED DOUBLE id", Cells::Double(vec![Some(7.0)])),
    ] {
        parquet(
            &path,
            &[
                (field, cells),
                ("REQUIRED INT32 amount", Cells::Int32(vec![Some(1)])),
            ],
            Default::default(),
        );
        refused(read(&path), "a.parquet: row 1: field `id`");
    }
}

/// Fields of a schema and their values.
type Fields = Vec<(&'static str, Cells)>;

/// Rows in which every encoding has something to do, and what is read of them.
fn many() -> (Fields, Vec<(String, String)>) {
    let rows = 0..3000usize;
    let ids: Vec<String> = rows.clone().map(|i| format!("loan-{i:06}")).collect();
    let amounts: Vec<Option<i64>> = rows
        .clone()
        .map(|i| (i % 7 != 0).then_some((i * i % 1013) as i64))
        .collect();
    let notes = rows
        .clone()
        .map(|i| (i % 3 > 0).then(|| format!("note {}", i % 11)))
        .collect();
    let is = ids
        .iter()
        .zip(&amounts)
        .map(|(id, a)| (id.clone(), a.map_or("-".into(), |a| a.to_string())));
    let is = is.collect();
    let fields = vec![
        (
            "REQUIRED BINARY id (STRING)",
            texts(&ids.iter().map(String::as_str).collect::<Vec<_>>()),
        ),
        ("OPTIONAL INT64 amount", Cells::Int64(amounts)),
        ("OPTIONAL BINARY note (STRING)", Cells::Text(notes)),
        (
            "OPTIONAL BOOLEAN told",
            Cells::Bool(rows.map(|i| (i % 5 != 1).then_some(i % 2 == 0)).collect()),
        ),
    ];
    (fields, is)
}

#[test]
fn every_compression_and_version_reads_the_same() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let (fields, is) = many();
    for name in COMPRESSIONS {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for dictionary in [true, false] {
                let properties = WriterProperties::builder()
                    .set_compression(compression(name))
                    .set_writer_version(version)
                    .set_dictionary_enabled(dictionary)
                    .set_data_page_row_count_limit(700)
                    .set_write_batch_size(100)
                    .build();
                parquet(&path, &fields, properties);
                let rows = read(&path);
                assert_eq!(rows.as_ref().map(|r| &*r[4][6]), Ok("note 4"), "{name}");
                assert_eq!(
                    rows.as_ref().map(|r| [&*r[0][5], &*r[1][5], &*r[3][5]]),
                    Ok(["yes", "-", "no"])
                );
                assert_eq!(pairs(rows).unwrap(), is, "{name} {version:?} {dictionary}");
            }
        }
    }
}

#[test]
fn every_encoding_reads_the_same() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let (fields, is) = many();
    for (column, encoding) in [
        ("id", Encoding::DELTA_BYTE_ARRAY),
        ("id", Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ("id", Encoding::PLAIN),
        ("amount", Encoding::DELTA_BINARY_PACKED),
        ("amount", Encoding::BYTE_STREAM_SPLIT),
        ("told", Encoding::RLE),
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder()
                .set_writer_version(version)
                .set_column_dictionary_enabled(ColumnPath::from(column), false)
                .set_column_encoding(ColumnPath::from(column), encoding)
                .build();
            parquet(&path, &fields, properties);
            let rows = read(&path);
            assert_eq!(
                rows.as_ref().map(|r| [&*r[0][5], &*r[1][5], &*r[3][5]]),
                Ok(["yes", "-", "no"])
            );
            assert_eq!(pairs(rows).unwrap(), is, "{column} {encoding} {version:?}");
        }
    }
}

#[test]
fn a_file_that_would_fill_the_memory_is_refused() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    // One text of 300 MB of zeros packs to little, and is more than a page may have.
    let zeros = Cells::Bytes(vec![Some(vec![b'0'; 300_000_000])]);
    let fields = [
        ("REQUIRED BINARY id (STRING)", texts(&["x"])),
        ("REQUIRED BINARY amount", zeros),
    ];
    let properties = WriterProperties::builder()
        .set_compression(compression("zstd"))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    parquet(&path, &fields, properties);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 100_000, "{size}");
    refused(
        read(&path),
        "field `amount`: a page of 300000004 bytes is more than 268435456; write smaller pages",
    );
}

/// A million rows in a kilobyte are no records: what would be made of them would fill the memory.
#[test]
fn more_rows_than_bytes_could_tell_apart_are_refused() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let fields = [
        ("REQUIRED BINARY id (STRING)", texts(&["x"; 300_000])),
        ("OPTIONAL INT32 amount", Cells::Int32(vec![None; 300_000])),
    ];
    parquet(&path, &fields, compressed("zstd"));
    let size = std::fs::metadata(&path).unwrap().len();
    refused(
        read(&path),
        &format!("a.parquet: says 300000 rows in {size} bytes, which no table of records has"),
    );
}

/// Bytes that unpack to more than their page says are refused at the first byte too many.
#[test]
fn a_page_that_lies_about_its_size_is_refused() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let (fields, _) = many();
    for name in &COMPRESSIONS[1..] {
        let properties = WriterProperties::builder()
            .set_compression(compression(name))
            .set_dictionary_enabled(false)
            .build();
        parquet(&path, &fields, properties);
        let bytes = std::fs::read(&path).unwrap();
        // The header of the first page: field 1, its type 0; field 2, its size before compression.
        assert_eq!(bytes[4..7], [0x15, 0x00, 0x15]);
        let end = (7..).find(|i| bytes[*i] < 0x80).unwrap();
        for less in [true, false] {
            let mut lying = bytes.clone();
            // The size is a zigzag number in groups of seven bits; its lowest bit is the sign.
            lying[7] = if less {
                lying[7].wrapping_sub(16) | 0x80
            } else {
                lying[7].wrapping_add(16) | 0x80
            };
            assert!(end > 7 && lying[7] & 1 == bytes[7] & 1);
            let told = read(&folder.write("b.parquet", &lying)).expect_err(name);
            assert!(told.contains("field `id`: a page"), "{name}: {told}");
        }
    }
}

#[test]
fn damage_is_found_by_checksums_and_lengths() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let fields = [
        ("REQUIRED BINARY id (STRING)", texts(&["aaaa"])),
        ("REQUIRED BINARY amount (STRING)", texts(&["1"])),
    ];
    parquet(&path, &fields, compressed("none"));
    let bytes = std::fs::read(&path).unwrap();
    for cut in [0, 3, 4, 11, 20, bytes.len() / 2, bytes.len() - 1] {
        refused(
            read(&folder.write("b.parquet", &bytes[..cut])),
            "is not a Parquet file",
        );
    }
    refused(
        read(&folder.write("b.parquet", [b"PARE", &bytes[4..]].concat())),
        "is encrypted",
    );
}
