//! Option chains as venues and data vendors write them: units of times and volatilities, coins, what options pay in.

use fixed::Decimal;
use market::import::optionchain;
use market::{Settlement, Snapshot};

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

const HEADER: &str = "instrument_name,option_type,strike,expiration_timestamp,timestamp,underlying_price,index_price,mark_iv,mark_price";

/// A call and a put on 115 days, as 115.7 days from their time; `T` and `E` stand for the times.
const LINES: [&str; 2] = [
    "BTC-13SEP20-9000-C,call,9000,E,T,9100,9090,70,0.161",
    "BTC-13SEP20-9000-P,put,9000,E,T,9100,9090,70,0.150011",
];

fn read(text: &str) -> Result<Snapshot, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chain.csv");
    std::fs::write(&path, text).unwrap();
    let told = |e: records::files::ImportError| {
        let told = e.to_string();
        let file = dir.path().join("").display().to_string();
        told.replace(&file, "")
    };
    optionchain::read(&path, d("0.1")).map_err(told)
}

/// The two lines with other times, and whatever else is replaced.
fn chain(time: &str, expiry: &str, replaced: &[(&str, &str)]) -> Result<Snapshot, String> {
    let mut text = format!("{HEADER}\n{}\n{}\n", LINES[0], LINES[1]);
    text = text.replace(",E,T,", &format!(",{expiry},{time},"));
    for (from, to) in replaced {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    read(&text)
}

const MS: (&str, &str) = ("1590000000000", "1600000000000");

fn told(got: Result<Snapshot, String>, expected: &str) {
    let got = got.map(|s| s.as_of_ms).unwrap_err();
    assert!(got.contains(expected), "{got}\nlacks\n{expected}");
}

/// Seconds, milliseconds, microseconds and nanoseconds give the same snapshot; what is below a millisecond is cut off.
#[test]
fn times_are_read_in_the_unit_that_they_are_in() {
    let expected = chain(MS.0, MS.1, &[]).unwrap();
    assert_eq!(expected.as_of_ms, 1_590_000_000_000);
    assert_eq!(expected.assets[0].price, d("9090"));
    for (time, expiry) in [
        ("1590000000", "1600000000"),
        ("1590000000000000", "1600000000000000"),
        ("1590000000000999", "1600000000000999"),
        ("1590000000000000000", "1600000000000000000"),
    ] {
        assert_eq!(chain(time, expiry, &[]).unwrap(), expected, "{time}");
    }
}

#[test]
fn times_in_two_units_or_none_are_refused() {
    told(
        chain("1590000000000000", MS.1, &[]),
        "chain.csv:2: field `expiration_timestamp`: 1600000000000 is a time in milliseconds, and `timestamp` is in \
         microseconds; write all times in one unit",
    );
    told(
        chain(
            MS.0,
            MS.1,
            &[(
                "-P,put,9000,1600000000000,1590000000000",
                "-P,put,9000,1600000000000,1590000000",
            )],
        ),
        "chain.csv:3: field `timestamp`: 1590000000 is a time in seconds, and that of the first line is in milliseconds",
    );
    told(
        chain(MS.0, "16000000000", &[]),
        "chain.csv:2: field `expiration_timestamp`: 16000000000 is no moment between 2000-01-01 and 2100-01-01 in seconds",
    );
    told(
        chain(MS.0, "2020-09-13", &[]),
        "chain.csv:2: field `expiration_timestamp`: '2020-09-13' is not a whole number",
    );
}

#[test]
fn volatilities_as_fractions_are_refused() {
    told(
        chain(MS.0, MS.1, &[(",70,", ",0.70,")]),
        "chain.csv:2: field `mark_iv`: 0.70 would be 0.70% a year, which no coin shows; it looks like a fraction: write percent",
    );
    // Also where a reason would excuse the mark.
    let text = format!("{HEADER},mark_reason\n{},illiquid\n", LINES[0]);
    let text = text.replace(",E,T,", &format!(",{},{},", MS.1, MS.0));
    told(
        read(&text.replace(",70,", ",2.99,")),
        "field `mark_iv`: 2.99 would be",
    );
    assert!(read(&text).is_ok());
}

#[test]
fn a_chain_names_its_coin() {
    let ether = chain(MS.0, MS.1, &[("BTC-", "ETH-")]).unwrap();
    assert_eq!(ether.assets[0].symbol, "ETH");
    for instrument in &ether.instruments {
        assert_eq!(instrument.underlying, "ETH");
        assert_eq!(instrument.settlement, Settlement::Inverse("ETH".into()));
    }
    // A column says it where names do not.
    let named = chain(
        MS.0,
        MS.1,
        &[
            ("mark_price", "mark_price,base_currency"),
            ("0.161", "0.161,SOL"),
            ("0.150011", "0.150011,SOL"),
            ("BTC-13SEP20-9000-", ""),
        ],
    );
    assert_eq!(named.unwrap().instruments[0].underlying, "SOL");
    told(
        chain(MS.0, MS.1, &[("BTC-13SEP20-9000-", "")]),
        "chain.csv:2: field `instrument_name`: 'C' does not start with its coin, as BTC-22MAY20-9250-P does; rename it, or add a column \
         `base_currency`",
    );
    told(
        chain(MS.0, MS.1, &[("BTC-13SEP20-9000-P", "ETH-13SEP20-9000-P")]),
        "chain.csv:3: field `instrument_name`: 'ETH-13SEP20-9000-P' is on `ETH`, and the first line on `BTC`; split the file",
    );
}

/// Marks of options that pay dollars are in dollars, whether the name says so or a column.
#[test]
fn options_that_pay_dollars_are_linear() {
    let marks = [("0.161", "1465.1"), ("0.150011", "1365.1")];
    let named = [("BTC-", "BTC_USDC-"), marks[0], marks[1]];
    let dollars = chain(MS.0, MS.1, &named).unwrap();
    assert_eq!(dollars.quote, "USDC");
    for instrument in &dollars.instruments {
        assert_eq!(instrument.settlement, Settlement::Linear);
        assert_eq!(instrument.underlying, "BTC");
    }
    let column = [
        ("mark_price", "mark_price,settlement_currency"),
        ("0.161", "1465.1,USDT"),
        ("0.150011", "1365.1,USDT"),
    ];
    let tether = chain(MS.0, MS.1, &column).unwrap();
    assert_eq!(tether.quote, "USDT");
    assert_eq!(tether.instruments[1].settlement, Settlement::Linear);
    // Coin in one line and dollars in the other.
    told(
        chain(
            MS.0,
            MS.1,
            &[("BTC-13SEP20-9000-P", "BTC_USDC-13SEP20-9000-P"), marks[1]],
        ),
        "chain.csv:3: field `instrument_name`: 'BTC_USDC-13SEP20-9000-P' pays `USDC`, and the first line `BTC`; split the file",
    );
    // Dollars that nothing tells are no coins.
    told(
        chain(MS.0, MS.1, &marks),
        "chain.csv:2: field `mark_price`: 1465.1 coin: a call is worth at most the forward",
    );
    told(
        chain(MS.0, MS.1, &[("BTC-", "BTC_EURR-")]),
        "pays `EURR`, which is neither its coin `BTC` nor one of USD, USDC, USDT; remove the line",
    );
}

#[test]
fn lines_that_cannot_be_are_refused_with_their_places() {
    for (line, expected) in [
        (
            "BTC-B,swap,1,1600000000000,1590000000000,1,1,50,1",
            "chain.csv:4: field `option_type`: 'swap' is neither call nor put",
        ),
        (
            "BTC-B,put,x,1600000000000,1590000000000,1,1,50,1",
            "chain.csv:4: field `strike`: 'x' is not a number",
        ),
        (
            "BTC-13SEP20-9000-C,call,9500,1600000000000,1590000000000,9100,9090,70,0.161",
            "chain.csv:4: field `instrument_name`: `BTC-13SEP20-9000-C` stands twice: line 2 has this name; remove one",
        ),
        (
            "BTC-13SEP20-9000.0-C,call,9000.0,1600000000000,1590000000000,9100,9090,70,0.161",
            "chain.csv:4: field `instrument_name`: `BTC-13SEP20-9000.0-C` stands twice: line 2 has the same option; remove one",
        ),
        (
            "BTC-B,put,0,1600000000000,1590000000000,9100,9090,70,0.1",
            "chain.csv:4: field `strike`: 0 must be above zero",
        ),
        (
            "BTC-B,put,1,1590000000000,1590000000000,1,1,50,1\nBTC-C,put,1,1580000000000,1590000000000,1,1,50,1",
            "chain.csv:4: field `expiration_timestamp`: expired by 2020-05-20 18:40:00 UTC, the latest timestamp of the file; \
             remove what has expired: line(s) 4, 5",
        ),
    ] {
        let text = format!("{HEADER}\n{}\n{}\n{line}\n", LINES[0], LINES[1]);
        told(
            read(&text.replace(",E,T,", &format!(",{},{},", MS.1, MS.0))),
            expected,
        );
    }
    told(read(&format!("{HEADER}\n")), "chain.csv: holds no option");
}

/// A chain is known by what it holds, in every format of tables; a snapshot is one object.
#[test]
fn a_chain_is_told_from_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("{HEADER}\n{}\n{}\n", LINES[0], LINES[1]);
    let csv = text.replace(",E,T,", &format!(",{},{},", MS.1, MS.0));
    let rows: Vec<Vec<&str>> = csv.lines().map(|l| l.split(',').collect()).collect();
    let objects: Vec<String> = rows[1..]
        .iter()
        .map(|row| {
            let members = rows[0].iter().zip(row);
            let members: Vec<String> = members.map(|(n, c)| format!("{n:?}: {c:?}")).collect();
            format!("{{{}}}", members.join(", "))
        })
        .collect();
    let expected = read(&csv).unwrap();
    let snapshot = serde_json::to_string(&expected).unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut chains = vec![
        file("chain.csv", &csv),
        file("CHAIN.CSV", &csv),
        file("chain.tsv", &csv.replace(',', "\t")),
        file("chain.txt", &csv.replace(',', "|")),
        file("chain", &csv),
        file("chain.json", &format!("\u{feff} [{}]", objects.join(","))),
        file("lines.json", &objects.join("\n")),
        file("chain.ndjson", &objects.join("\n")),
    ];
    chains.push(dir.path().join("chain.parquet"));
    write_parquet(chains.last().unwrap(), &rows);
    for path in &chains {
        assert_eq!(optionchain::is_chain(path), Ok(true), "{path:?}");
        assert_eq!(
            optionchain::read(path, d("0.1")).as_ref(),
            Ok(&expected),
            "{path:?}"
        );
    }
    for path in [
        file("market.json", &snapshot),
        file("market.txt", &format!("\n{snapshot}")),
        file("market", &snapshot),
        file("broken.json", "{\"assets\": "),
    ] {
        assert_eq!(optionchain::is_chain(&path), Ok(false), "{path:?}");
    }
    for none in ["none.csv", "none.json"] {
        let told = optionchain::is_chain(&dir.path().join(none)).unwrap_err();
        assert!(told.problem.contains("cannot be read"), "{told}");
    }
}

/// Columns of texts.
fn write_parquet(path: &std::path::Path, rows: &[Vec<&str>]) {
    use parquet::data_type::{ByteArray, ByteArrayType};
    let fields = rows[0].iter();
    let fields: String = fields
        .map(|n| format!("REQUIRED BINARY {n} (STRING);"))
        .collect();
    let schema = format!("message chain {{ {fields} }}");
    let schema = parquet::schema::parser::parse_message_type(&schema).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer =
        parquet::file::writer::SerializedFileWriter::new(file, schema.into(), Default::default())
            .unwrap();
    let mut group = writer.next_row_group().unwrap();
    for c in 0..rows[0].len() {
        let values: Vec<ByteArray> = rows[1..].iter().map(|r| r[c].into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        let typed = column.typed::<ByteArrayType>();
        typed.write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}
