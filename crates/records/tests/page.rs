//! The page of all file formats, written from the definitions that read them.
//!
//! `SEALBOOK_PAGES=write cargo test -p records --test page` writes it.

use std::path::Path;

use credit::import::{remittances, tape};
use credit::pool::template::BUILT_IN;
use credit::sample_deal::{SAMPLE_DEAL, sample_deal, sample_indices};
use credit::sample_pool::{STRESSES, TERMS};
use credit::waterfall::DealState;
use market::import::{exchange, fills, layout, optionchain, orders, prints as index};
use records::record::{Others, Presence, Record};
use serde_json::Value;
use venue::import::{prices, states};

/// What JSON files hold, member by member.
const JSON_FILES: &str = include_str!("json_files.md");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/files.md");

/// The documentation at the head of a source file.
fn head(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<&str> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}

fn section(record: &Record, which: &str) -> String {
    let mut text = format!("### {which}\n\n{}\n\n", record.about);
    text += "| column | what it means | unit | cells | |\n|---|---|---|---|---|\n";
    for column in &record.columns {
        let presence = match column.presence {
            Presence::Required => "",
            Presence::MayBeEmpty => "may be empty",
            Presence::Optional => "may be missing",
        };
        let names: Vec<String> = std::iter::once(&column.name)
            .chain(&column.aliases)
            .map(|name| format!("`{name}`"))
            .collect();
        let cells = [
            &names.join(", "),
            &column.about,
            &column.unit,
            &column.kind.words(),
            presence,
        ];
        text += &format!("| {} |\n", cells.map(|c| c.replace('|', "\\|")).join(" | "));
    }
    text += match &record.others {
        Others::Ignored => "\nOther columns are not read.\n\n",
        Others::Refused(_) => "\nOther columns are refused.\n\n",
    };
    text
}

fn page() -> String {
    let mut text = String::from(
        "# Files\n\n\
         All tables that Sealbook reads (and the one that it writes, of fills), layouts of other makes, and its [JSON files](#json-files). This page is written from the definitions \
         that read them (`SEALBOOK_PAGES=write cargo test -p records --test page`).\n\n\
         A table is a CSV (`.csv`, `.tsv`, `.txt`), a Parquet (`.parquet`) or a JSON file (`.json`, `.jsonl`, `.ndjson`): all tables below are read \
         in all three.\n\n\
         - CSV: cut at `,`, `;`, a tab or `|`, which is found from the header, or said by a first line `sep=;` or by a layout. Lines end with CR \
         LF, LF or CR. A byte order mark is skipped; UTF-16 is refused.\n\
         - Parquet: uncompressed, snappy, gzip, brotli, LZ4 (both framings) or zstd. Texts, integers, decimals, dates, midnights and truths \
         are read; floats are refused where a number is needed, since they are not exact.\n\
         - JSON: a list of objects, or lines of objects. Numbers keep their digits. All objects have the members of the first; what may be \
         empty may be left out.\n\n\
         A column, or a member of a JSON object at any depth, that stands twice is refused. A file is read whole or not at all: the first \
         thing that is wrong is said with its file, line (or row, or item), column, the text as it stands and what to do.\n\n",
    );
    text += &format!("## Texts\n\n{}\n\n", head(include_str!("../src/text.rs")));
    text += &format!(
        "## Layouts\n\n{}\n\n",
        head(include_str!("../src/layout.rs"))
    );
    text += JSON_FILES;
    text += "## Tables\n\n";
    text += &section(&layout::record(), "Book");
    text += "A JSON book may also be one object, `{\"accounts\": [...]}`, with the balances and positions of each account.\n\n";
    text += &section(
        &exchange::user_record(&["btc"]),
        "Users of an exchange, here with one asset, `btc`",
    );
    let shape = head(include_str!("../../market/src/import/shape.rs"));
    text += &format!("{}\n\n", shape.trim_end());
    text += &section(&exchange::asset_record(), "Assets of an exchange");
    text += &section(&exchange::reserve_record(), "Reserves of an exchange");
    text += &section(&optionchain::record(), "Option chain");
    text += &section(&orders::record(), "Orders");
    text += &section(&fills::record(), "Fills");
    text += &section(&index::record(), "Prints");
    text += &section(
        &prices::record("date", &["BTC".to_string()]),
        "Prices, here of one market, `BTC`",
    );
    text += &section(&states::record(), "Trades");
    text += &section(&remittances::record(), "Remittances");
    for name in BUILT_IN {
        let template = tape::read_template(name).unwrap();
        text += &section(
            &tape::record(&template, false),
            &format!("Loan tape, template `{name}`"),
        );
    }
    text += "## Published tapes\n\nThe layouts that come with the program, by the name that `--layout` takes.\n\n";
    for (name, _) in tape::LAYOUTS {
        let layout = tape::read_layout(name).unwrap();
        text += &format!(
            "- `{name}`, of template `{}`: {}\n",
            layout.record, layout.about
        );
    }
    text += "\nNot read:\n\n\
             - Filings in XML (forms ABS-EE, ESMA's templates): extract them to CSV. The refusal names the columns that the layout needs.\n\
             - A second file that belongs to each loan, such as ESMA's collateral records (`RREC1` and following) or a performance file beside \
             an origination file: a tape is one table, in which a loan stands once. Join the files by the loan's number first; what a template has \
             no field for, such as a property's value, is not read.\n";
    text.trim_end().to_string() + "\n"
}

#[test]
fn the_page_says_what_the_code_says() {
    let page = page();
    let path = Path::new(PAGE);
    if std::env::var_os("SEALBOOK_PAGES").is_some_and(|v| v == "write") {
        std::fs::write(path, &page).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    let differs = page.lines().zip(there.lines()).find(|(a, b)| a != b);
    assert!(
        there == page,
        "docs/files.md is not what the code says, first at {differs:?}; write it with SEALBOOK_PAGES=write cargo test -p records --test page"
    );
}

/// Members whose own members are names that a file chooses.
const NAMED: [&str; 3] = ["quantities", "waterfalls", "grids"];

/// The names of all members below a value.
fn members(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.push(name.clone());
                match value {
                    Value::Object(chosen) if NAMED.contains(&name.as_str()) => {
                        chosen.values().for_each(|value| members(value, found));
                    }
                    value => members(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| members(value, found)),
        _ => {}
    }
}

/// The part of the page between a heading and the next one.
fn part<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, part) = text.split_once(heading).expect(heading);
    part.split_once("\n### ").map_or(part, |(part, _)| part)
}

#[test]
fn every_member_of_a_sample_is_on_the_page() {
    let json = |value: serde_json::Result<Value>| value.unwrap();
    let set = venue::sample::scenarios(1, 2, 2);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    states::write_state(&state, &venue::sample::state(&set), &set).unwrap();
    let state = std::fs::read_to_string(&state).unwrap();
    let closed = DealState::initial(&sample_deal()).unwrap();
    for (heading, sample) in [
        (
            "### Market\n",
            json(serde_json::to_value(market::sample::snapshot())),
        ),
        (
            "### Auction\n",
            json(serde_json::to_value(market::sample::auction(
                &market::sample::trading(2),
                1,
            ))),
        ),
        ("### Scenarios\n", json(serde_json::to_value(&set))),
        ("### State of a venue\n", json(serde_json::from_str(&state))),
        ("### Terms of a pool\n", json(serde_json::from_str(TERMS))),
        ("### Deal\n", json(serde_json::from_str(SAMPLE_DEAL))),
        ("### State of a deal\n", json(serde_json::to_value(&closed))),
        (
            "### Indices\n",
            json(serde_json::to_value(sample_indices())),
        ),
        ("### Stresses\n", json(serde_json::from_str(STRESSES))),
    ] {
        let mut names = Vec::new();
        members(&sample, &mut names);
        assert!(names.len() > 1, "{heading}");
        let part = part(JSON_FILES, heading);
        for name in names {
            let told = [format!("`{name}`"), format!("\"{name}\"")];
            assert!(told.iter().any(|t| part.contains(t)), "{heading}: {name}");
        }
    }
}
