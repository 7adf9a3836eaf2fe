//! Price histories in files: which column has the dates.

use venue::history::PriceHistory;
use venue::import::prices::read_prices;

fn read(name: &str, text: &str) -> Result<PriceHistory, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    let folder = dir.path().join("").display().to_string();
    read_prices(&path).map_err(|e| e.to_string().replace(&folder, ""))
}

/// Three days of two markets, however the columns stand.
#[test]
fn dates_are_known_by_their_name() {
    let expected = read(
        "a.csv",
        "date,BTC,ETH\n2026-01-01,100,10\n2026-01-02,101.5,11\n2026-01-03,99,12\n",
    )
    .unwrap();
    assert_eq!(expected.symbols(), ["BTC", "ETH"]);
    for (name, text) in [
        // The order of members says nothing, in the first object or in another.
        (
            "a.json",
            r#"[{"BTC": 100, "date": "2026-01-01", "ETH": 10}, {"ETH": "11", "BTC": 101.5, "date": "2026-01-02"},
                {"date": "2026-01-03", "BTC": 99, "ETH": 12}]"#,
        ),
        (
            "a.jsonl",
            "{\"BTC\": 100, \"ETH\": 10, \"Date\": \"2026-01-01\"}\n{\"Date\": \"2026-01-02\", \"BTC\": 101.5, \"ETH\": 11}\n\
             {\"Date\": \"2026-01-03\", \"ETH\": 12, \"BTC\": 99}\n",
        ),
        (
            "a.csv",
            "BTC;Date;ETH\n100;2026-01-01;10\n101.5;2026-01-02;11\n99;2026-01-03;12\n",
        ),
        // A table without the name has dates in its first column.
        (
            "a.tsv",
            "day\tBTC\tETH\n2026-01-01\t100\t10\n2026-01-02\t101.5\t11\n2026-01-03\t99\t12\n",
        ),
    ] {
        assert_eq!(read(name, text).as_ref(), Ok(&expected), "{name}");
    }
}

#[test]
fn objects_without_a_date_are_refused() {
    for (text, expected) in [
        (
            r#"[{"day": "2026-01-01", "BTC": 100}]"#,
            "a.json: field `date`: is no member of the first object; write the day of each object as its `date`",
        ),
        (
            "[{\"BTC\": 100, \"date\": \"2026-01-01\"},\n {\"BTC\": 101}]",
            "a.json:2: [1]: field `date`: is empty; it is needed in every record",
        ),
        (
            "[{\"BTC\": 100, \"date\": \"2026-01-01\"},\n {\"BTC\": 101, \"date\": null}]",
            "a.json:2: [1]: field `date`: is empty; it is needed in every record",
        ),
        (
            "[{\"BTC\": 100, \"date\": \"2026-01-02\"},\n {\"BTC\": 101, \"date\": \"2026-01-01\"},\n\
             {\"BTC\": 102, \"date\": \"2026-01-03\"}]",
            "a.json:2: [1]: field `date`: '2026-01-01' is before '2026-01-02' of the line before",
        ),
    ] {
        let told = read("a.json", text).unwrap_err();
        assert!(told.starts_with(expected), "{told}\nis not\n{expected}");
    }
    // What is no text is no name of a column either.
    let told = read("a.csv", "d\u{200b}ay,BTC\n2026-01-01,100\n").unwrap_err();
    assert!(
        told.contains("the name of the first column: ") && told.contains("invisible"),
        "{told}"
    );
}
