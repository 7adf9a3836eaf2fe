//! What a page says.

use std::collections::{BTreeMap, BTreeSet};

/// A row of a table of constraints.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub line: usize,
    pub id: String,
    pub tests: Vec<String>,
}

/// What a page says.
#[derive(Debug, Default)]
pub struct Content {
    pub rows: Vec<Row>,
    pub buses: BTreeSet<String>,
    /// All numbers that it names, in tables or elsewhere; `X-2 to X-4` names three.
    pub named: BTreeMap<String, usize>,
    /// What stands in backticks and can only be a test's name.
    pub tests: BTreeMap<String, usize>,
    pub wrong: Vec<String>,
}

/// Names in backticks.
pub fn quoted(text: &str) -> Vec<String> {
    let parts = text.split('`').skip(1).step_by(2);
    parts.map(Into::into).collect()
}

/// A test's name says what it shows; a field has fewer words.
pub fn is_test_name(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.bytes().all(inside) && text.matches('_').count() > 2
}

/// A constraint's number is capitals, a hyphen and a number. The permutation's has no number.
pub fn is_id(text: &str) -> bool {
    let numbered = text.split_once('-').is_some_and(|(name, number)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_uppercase())
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    });
    numbered || text == "POSEIDON2"
}

/// The words of a text, without the marks around them.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.split(move |c: char| !inside(c))
        .filter(|word| !word.is_empty())
}

/// The numbers that a line names.
pub fn named(line: &str) -> Vec<String> {
    let words: Vec<&str> = words(line).collect();
    let mut ids = Vec::new();
    for (i, word) in words.iter().enumerate() {
        if !is_id(word) {
            continue;
        }
        ids.push(word.to_string());
        let to = words.get(i + 1..i + 3).filter(|next| next[0] == "to");
        let ends = to.and_then(|next| next[1].split_once('-').zip(word.split_once('-')));
        if let Some(((name, end), (same, start))) = ends
            && name == same
            && let (Ok(start), Ok(end)) = (start.parse::<u32>(), end.parse::<u32>())
        {
            ids.extend((start + 1..end).map(|n| format!("{name}-{n}")));
        }
    }
    ids
}

pub fn read_page(file: &str, text: &str) -> Content {
    let mut content = Content::default();
    let mut header: Option<Vec<String>> = None;
    for (number, line) in text.lines().enumerate() {
        let at = number + 1;
        for id in named(line) {
            content.named.entry(id).or_insert(at);
        }
        let tests = quoted(line).into_iter().filter(|name| is_test_name(name));
        content.tests.extend(tests.map(|name| (name, at)));
        let Some(cells) = line.strip_prefix('|').and_then(|l| l.strip_suffix('|')) else {
            header = None;
            continue;
        };
        let cells: Vec<String> = cells.split('|').map(|c| c.trim().to_string()).collect();
        let Some(header) = &header else {
            header = Some(cells);
            continue;
        };
        if cells.iter().all(|cell| cell.starts_with("---")) {
            continue;
        }
        match header[0].as_str() {
            "bus" => content.buses.extend(quoted(&cells[0])),
            "number" if header.last().is_some_and(|h| h == "broken by") => {
                let id = cells[0].clone();
                if !is_id(&id) {
                    let problem = "a row stands for one number, written alone";
                    content.wrong.push(format!("{file}:{at}: {id}: {problem}"));
                    continue;
                }
                let tests = cells.last().map(|c| quoted(c)).unwrap_or_default();
                content.rows.push(Row {
                    line: at,
                    id,
                    tests,
                });
            }
            _ => {}
        }
    }
    content
}
