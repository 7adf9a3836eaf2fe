//! The page of all file formats, written from the definitions that read them.
//!
//! `SEALBOOK_PAGES=write cargo test -p records --test page` writes it.

use std::path::Path;

use credit::import::{remittances, tape};
use credit::pool::template::BUILT_IN;
use market::import::{exchange, layout, optionchain};
use records::record::{Others, Presence, Record};
use venue::import::{prices, states};

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
        let cells = [
            &format!("`{}`", column.name),
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
         All file formats that Sealbook reads. This page is written from the definitions that read them \
         (`SEALBOOK_PAGES=write cargo test -p records --test page`).\n\n\
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
    text += "## Tables\n\n";
    text += &section(&layout::record(), "Book");
    text += "A JSON book may also be one object, `{\"accounts\": [...]}`, with the balances and positions of each account.\n\n";
    text += &section(
        &exchange::user_record(&["btc"]),
        "Users of an exchange, here with one asset, `btc`",
    );
    text += &section(&exchange::asset_record(), "Assets of an exchange");
    text += &section(&exchange::reserve_record(), "Reserves of an exchange");
    text += &section(&optionchain::record(), "Option chain");
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
