//! The pages against the code: every numbered constraint stands on a page, with a test that breaks it.
//!
//! A page is a `STATEMENT.md` of a statement, `SHARED.md` of what several statements use, or `GADGETS.md`. Its tables of
//! constraints have a row for each number: the number, what it demands, and the tests that break it. Its table of buses
//! names the buses. This test reads pages and sources as text.
//!
//! A test that only asks [`stark::broken_alone`] for many constraints at once does not count: it shows that a constraint is
//! not idle, but not that all else would still fit. A forged witness shows that, made by hand or found by
//! [`stark::needless`]. Rows that have no such test yet stand in `tests/pages.txt`. That list only shrinks: a row that needs it no
//! longer must be taken off.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use stark::Statement;

// PAGES

/// A page: where it stands, and which folder's constraints it must hold.
struct Page {
    file: &'static str,
    /// Constraints and buses of these sources stand on this page.
    sources: &'static str,
    /// Where its tests stand, the nearest first.
    tests: &'static [&'static str],
}

/// Tests that a page of a statement may name besides its own.
const SHARED_TESTS: &str = "crates/statements/src/*.rs crates/statements/src/pools/*.rs";
const STATEMENTS_TESTS: &str = "crates/statements/tests/";
const GADGETS_TESTS: &str = "crates/gadgets/tests/";

macro_rules! statement {
    ($name:literal) => {
        Page {
            file: concat!("crates/statements/src/", $name, "/STATEMENT.md"),
            sources: concat!("crates/statements/src/", $name, "/"),
            tests: &[
                concat!("crates/statements/src/", $name, "/"),
                concat!("crates/statements/tests/", $name, ".rs"),
                SHARED_TESTS,
                STATEMENTS_TESTS,
                GADGETS_TESTS,
            ],
        }
    };
}

const PAGES: [Page; 11] = [
    statement!("inventory"),
    statement!("issuance"),
    statement!("margin"),
    statement!("pool"),
    statement!("risk"),
    statement!("solvency"),
    statement!("stress"),
    statement!("systemic"),
    statement!("waterfall"),
    Page {
        file: "crates/statements/SHARED.md",
        sources: SHARED_TESTS,
        tests: &[
            SHARED_TESTS,
            "crates/statements/src/",
            STATEMENTS_TESTS,
            GADGETS_TESTS,
        ],
    },
    Page {
        file: "crates/gadgets/GADGETS.md",
        sources: "crates/gadgets/src/",
        tests: &[
            GADGETS_TESTS,
            "crates/gadgets/src/",
            "crates/statements/src/",
            STATEMENTS_TESTS,
        ],
    },
];

/// A row of a table of constraints.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: usize,
    id: String,
    tests: Vec<String>,
}

/// What a page says.
#[derive(Debug, Default)]
struct Content {
    rows: Vec<Row>,
    buses: BTreeSet<String>,
    /// All numbers that it names, in tables or elsewhere; `X-2 to X-4` names three.
    named: BTreeMap<String, usize>,
    /// What stands in backticks and can only be a test's name.
    tests: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// Names in backticks.
fn quoted(text: &str) -> Vec<String> {
    let parts = text.split('`').skip(1).step_by(2);
    parts.map(Into::into).collect()
}

/// A test's name says what it shows; a field has fewer words.
fn is_test_name(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.bytes().all(inside) && text.matches('_').count() > 2
}

/// A constraint's number is capitals, a hyphen and a number. The permutation's has no number.
fn is_id(text: &str) -> bool {
    let numbered = text.split_once('-').is_some_and(|(name, number)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_uppercase())
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    });
    numbered || text == "POSEIDON2"
}

/// The words of a text, without the marks around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.split(move |c: char| !inside(c))
        .filter(|word| !word.is_empty())
}

/// The numbers that a line names.
fn named(line: &str) -> Vec<String> {
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

fn read_page(file: &str, text: &str) -> Content {
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

// SOURCES

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// The tokens of a source, without comments. Enough of the language for whatever stands in this project.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut tokens) = (0, Vec::new());
    let get = |i: usize| chars.get(i).copied().unwrap_or('\0');
    while at < chars.len() {
        let c = chars[at];
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if c == '/' && get(at + 1) == '/' {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if c == '/' && get(at + 1) == '*' {
            while at < chars.len() && !(get(at) == '*' && get(at + 1) == '/') {
                at += 1;
            }
            at += 2;
        } else if c == 'r' && (get(at + 1) == '"' || get(at + 1) == '#' && get(at + 2) == '"') {
            let hashes = usize::from(get(at + 1) == '#');
            let start = at + 2 + hashes;
            let ends = |i: &usize| get(*i) == '"' && (hashes == 0 || get(*i + 1) == '#');
            let end = (start..chars.len()).find(ends).unwrap_or(chars.len());
            tokens.push(Token::Text(chars[start..end].iter().collect()));
            at = end + 1 + hashes;
        } else if c == '"' {
            let mut text = String::new();
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                if chars[at] == '\\' {
                    at += 1;
                }
                text.push(get(at));
                at += 1;
            }
            tokens.push(Token::Text(text));
            at += 1;
        } else if c == '\'' && get(at + 1) == '\\' {
            at += 3;
            at += chars[at..].iter().take_while(|c| **c != '\'').count() + 1;
        } else if c == '\'' && get(at + 2) == '\'' {
            at += 3;
        } else if word(c) {
            let length = chars[at..].iter().take_while(|c| word(**c)).count();
            tokens.push(Token::Word(chars[at..at + length].iter().collect()));
            at += length;
        } else {
            if !c.is_whitespace() {
                tokens.push(Token::Mark(c));
            }
            at += 1;
        }
    }
    tokens
}

fn is_word(token: Option<&Token>, word: &str) -> bool {
    matches!(token, Some(Token::Word(w)) if w == word)
}

fn word_at(tokens: &[Token], at: usize) -> Option<&str> {
    match tokens.get(at) {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    }
}

/// The end of the brackets that open first from `at` on, or of a `;` before them.
fn end_of_item(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(close @ (')' | ']' | '}')) => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *close == '}' {
                    return i + 1;
                }
            }
            Token::Mark(';') if depth == 0 => return i + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn is_attribute(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    let mut all = tokens[at..].iter().filter(|t| !matches!(t, Token::Mark(_)));
    tokens.get(at) == Some(&Token::Mark('#'))
        && tokens.get(at + 1) == Some(&Token::Mark('['))
        && words.iter().all(|word| is_word(all.next(), word))
}

/// A function or constant: what it says and whom it asks.
#[derive(Clone, Debug, Default)]
struct Item {
    is_test: bool,
    texts: BTreeSet<String>,
    words: BTreeSet<String>,
}

/// A source: its items by name, and the texts outside of tests.
#[derive(Debug, Default)]
struct Source {
    items: BTreeMap<String, Item>,
    texts: BTreeSet<String>,
    /// Modules in files of their own that are there for tests only.
    test_modules: BTreeSet<String>,
    buses: BTreeSet<String>,
}

fn read_source(text: &str) -> Source {
    let tokens = tokens(text);
    let mut source = Source::default();
    let mut outside = vec![true; tokens.len()];
    let mut marked = false;
    for at in 0..tokens.len() {
        if is_attribute(&tokens, at, &["cfg", "test", "mod"]) {
            let module = (at..)
                .find(|i| is_word(tokens.get(*i), "mod"))
                .unwrap_or(at);
            let end = end_of_item(&tokens, module);
            outside[at..end].fill(false);
            if tokens.get(end - 1) == Some(&Token::Mark(';')) {
                let name = word_at(&tokens, module + 1).unwrap_or_default();
                source.test_modules.insert(name.into());
            }
        }
        marked |= is_attribute(&tokens, at, &["test"]);
        let (is_fn, is_value) = (
            is_word(tokens.get(at), "fn"),
            is_word(tokens.get(at), "const") || is_word(tokens.get(at), "static"),
        );
        let Some(name) = word_at(&tokens, at + 1).filter(|_| is_fn || is_value) else {
            continue;
        };
        let end = match is_fn {
            true => end_of_item(&tokens, at),
            false => {
                // A constant ends with its semicolon, which may stand behind braces.
                let mut depth = 0i32;
                let ends = |token: &Token| {
                    match token {
                        Token::Mark('(' | '[' | '{') => depth += 1,
                        Token::Mark(')' | ']' | '}') => depth -= 1,
                        _ => {}
                    }
                    *token == Token::Mark(';') && depth == 0
                };
                let length = tokens[at..].iter().position(ends);
                length.map_or(tokens.len(), |length| at + length)
            }
        };
        let mut item = Item {
            is_test: is_fn && marked,
            ..Item::default()
        };
        for token in &tokens[at + 2..end.max(at + 2)] {
            match token {
                Token::Word(word) => item.words.insert(word.clone()),
                Token::Text(text) => item.texts.insert(text.clone()),
                Token::Mark(_) => true,
            };
        }
        marked &= !is_fn;
        source.items.insert(name.into(), item);
    }
    for (at, token) in tokens.iter().enumerate().filter(|(at, _)| outside[*at]) {
        let Token::Text(text) = token else { continue };
        source.texts.insert(text.clone());
        let declares =
            at >= 5 && is_word(tokens.get(at - 5), "Bus") && is_word(tokens.get(at - 2), "new");
        if declares {
            source.buses.insert(text.clone());
        }
    }
    source
}

impl Source {
    /// What a test says and asks, with the functions and constants of its file that it names.
    fn reach(&self, name: &str) -> Item {
        let mut reached = Item::default();
        let (mut open, mut seen) = (vec![name.to_string()], BTreeSet::new());
        while let Some(name) = open.pop() {
            let Some(item) = self.items.get(&name).filter(|_| seen.insert(name.clone())) else {
                continue;
            };
            reached.texts.extend(item.texts.iter().cloned());
            reached.words.extend(item.words.iter().cloned());
            let others = item.words.iter();
            let others = others.filter(|w| self.items.get(*w).is_some_and(|i| !i.is_test));
            open.extend(others.cloned());
        }
        reached
    }
}

/// All sources by their path in the repository.
struct Sources(BTreeMap<String, Source>);

impl Sources {
    fn read(root: &Path) -> Self {
        let mut open: Vec<PathBuf> = ["gadgets", "statements"]
            .iter()
            .flat_map(|c| ["src", "tests"].map(|d| root.join("crates").join(c).join(d)))
            .collect();
        let mut sources = BTreeMap::new();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                let entries = std::fs::read_dir(&path).expect("a folder");
                open.extend(entries.map(|e| e.expect("an entry").path()));
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                let name = path.strip_prefix(root).expect("it is below").to_str();
                sources.insert(name.expect("a plain name").into(), read_source(&text));
            }
        }
        Self(sources)
    }

    /// Whether a file is there for tests only.
    fn is_test(&self, path: &str) -> bool {
        let for_tests = |(file, source): (&String, &Source)| {
            let folder = match file.strip_suffix("mod.rs").or(file.strip_suffix("lib.rs")) {
                Some(folder) => folder.to_string(),
                None => file.replace(".rs", "/"),
            };
            source.test_modules.iter().any(|module| {
                path == format!("{folder}{module}.rs")
                    || path.starts_with(&format!("{folder}{module}/"))
            })
        };
        path.contains("/tests/") || self.0.iter().any(for_tests)
    }

    /// The sources that patterns stand for, which blanks divide: a folder, a file, or the files of a folder.
    fn matching<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = (&'a String, &'a Source)> {
        let is = |path: &str, pattern: &str| match pattern.strip_suffix("*.rs") {
            Some(folder) => path.strip_prefix(folder).is_some_and(|p| !p.contains('/')),
            None => path.starts_with(pattern),
        };
        let sources = self.0.iter();
        sources.filter(move |(path, _)| pattern.split(' ').any(|pattern| is(path, pattern)))
    }

    /// The constraints and the buses of sources, outside of tests, with a file in which they stand.
    fn declared(&self, pattern: &str) -> [BTreeMap<String, String>; 2] {
        let mut declared = [BTreeMap::new(), BTreeMap::new()];
        for (path, source) in self
            .matching(pattern)
            .filter(|(path, _)| !self.is_test(path))
        {
            let ids = source.texts.iter().filter(|text| is_id(text));
            declared[0].extend(ids.map(|id| (id.clone(), path.clone())));
            declared[1].extend(source.buses.iter().map(|bus| (bus.clone(), path.clone())));
        }
        declared
    }

    /// The tests of a name in the nearest place that has any.
    fn tests(&self, places: &[&str], name: &str) -> Vec<Item> {
        let of = |place: &&str| {
            let sources = self.matching(place);
            let found = sources.filter(|(_, s)| s.items.get(name).is_some_and(|i| i.is_test));
            found
                .map(|(_, source)| source.reach(name))
                .collect::<Vec<_>>()
        };
        places
            .iter()
            .map(of)
            .find(|tests| !tests.is_empty())
            .unwrap_or_default()
    }
}

// THE CHECK

/// A test that asks for many constraints at once, each broken by some change or other.
fn is_omnibus(test: &Item) -> bool {
    test.words.contains("broken_alone")
}

/// What is wrong with a page. `waiting` has the numbers that may have no test of their own yet.
fn check(page: &Page, text: &str, sources: &Sources, waiting: &BTreeSet<String>) -> Vec<String> {
    let file = page.file;
    let content = read_page(file, text);
    let mut wrong = content.wrong;
    let [ids, buses] = sources.declared(page.sources);
    let everywhere: [BTreeMap<String, String>; 2] = {
        let all = PAGES.iter().map(|page| sources.declared(page.sources));
        all.fold(Default::default(), |mut all, one| {
            let [ids, buses] = one;
            all[0].extend(ids);
            all[1].extend(buses);
            all
        })
    };
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &content.rows {
        let at = format!("{file}:{}: {}", row.line, row.id);
        if let Some(line) = rows.insert(&row.id, row.line) {
            wrong.push(format!("{at} stands in line {line}, too"));
        }
        if row.tests.is_empty() {
            wrong.push(format!("{at} names no test"));
        }
        let mut own = false;
        for name in &row.tests {
            let tests = sources.tests(page.tests, name);
            if tests.is_empty() {
                wrong.push(format!("{at}: there is no test `{name}`"));
                continue;
            }
            let mut mention = tests.iter().filter(|test| test.texts.contains(&row.id));
            match mention.next() {
                None => wrong.push(format!("{at} is not named in test `{name}`")),
                Some(test) => own |= !is_omnibus(test),
            }
        }
        match (own, waiting.contains(&row.id)) {
            (false, false) => wrong.push(format!("{at} has no test of its own")),
            (true, true) => wrong.push(format!("{at} need not be in tests/pages.txt")),
            _ => {}
        }
    }
    for id in waiting.iter().filter(|id| !rows.contains_key(id.as_str())) {
        wrong.push(format!("{file}: {id} is in tests/pages.txt, but in no row"));
    }
    for (id, source) in ids.iter().filter(|(id, _)| !rows.contains_key(id.as_str())) {
        wrong.push(format!("{file}: {id} of {source} has no row"));
    }
    for (id, line) in &content.named {
        if !everywhere[0].contains_key(id) {
            wrong.push(format!("{file}:{line}: {id} does not stand in code"));
        }
    }
    for (bus, source) in buses
        .iter()
        .filter(|(bus, _)| !content.buses.contains(*bus))
    {
        wrong.push(format!("{file}: bus `{bus}` of {source} is not named"));
    }
    // Every table has the bus of blinding, which stands with the proof system.
    let known = |bus: &String| everywhere[1].contains_key(bus) || bus == "blind";
    for bus in content.buses.iter().filter(|bus| !known(bus)) {
        wrong.push(format!("{file}: bus `{bus}` does not stand in code"));
    }
    wrong
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository")
}

/// `file: numbers`, with `#` before comments.
fn waiting(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (file, ids) = line.split_once(':').expect("`file: numbers`");
            (
                file.into(),
                ids.split_whitespace().map(Into::into).collect(),
            )
        })
        .collect()
}

#[test]
fn pages_and_code_agree() {
    let root = root();
    let sources = Sources::read(&root);
    let list = std::fs::read_to_string(root.join("crates/statements/tests/pages.txt"));
    let mut waiting = waiting(&list.expect("the list of rows without a test of their own"));
    let mut wrong = Vec::new();
    for page in &PAGES {
        let text = std::fs::read_to_string(root.join(page.file)).unwrap_or_default();
        let waiting = waiting.remove(page.file).unwrap_or_default();
        wrong.extend(check(page, &text, &sources, &waiting));
    }
    wrong.extend(
        waiting
            .keys()
            .map(|file| format!("tests/pages.txt: {file} is no page")),
    );
    let mut message = String::new();
    for problem in &wrong {
        writeln!(message, "  {problem}").expect("a string takes all");
    }
    assert!(wrong.is_empty(), "{} problems:\n{message}", wrong.len());
}

// THE TABLES

/// The constraints and buses of all tables of a statement's recorded claims.
fn of_tables<S: Statement>() -> [BTreeSet<&'static str>; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/claims");
    let mut names: [BTreeSet<&str>; 2] = Default::default();
    for entry in std::fs::read_dir(folder).expect("recorded claims") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|n| n.to_str()).expect("a name");
        if name.split('-').next() != Some(S::ID) {
            continue;
        }
        let json = std::fs::read(&path).expect("a claim");
        let claim: S::Claim = serde_json::from_slice(&json).expect("a claim");
        let context = S::context(&claim).expect("a claim");
        for part in 0..S::parts(&claim, &context) {
            for table in S::part(&claim, &context, part).tables {
                names[0].extend(table.constraints());
                names[1].extend(table.buses());
            }
        }
    }
    names
}

/// What a page does not say of the tables of its statement, and buses that it names in vain: of no table, nor its own. Some
/// tables stand in claims only that are not recorded.
fn differences<S: Statement>(page: &Page, content: &Content, sources: &Sources) -> Vec<String> {
    let [ids, buses] = of_tables::<S>();
    let mut wrong = Vec::new();
    // Blinding is the proof system's.
    for id in ids.iter().filter(|id| !id.starts_with("BLIND-")) {
        if !content.named.contains_key(*id) {
            wrong.push(format!("{}: {id} of its tables is not named", page.file));
        }
    }
    for bus in buses.iter().filter(|bus| !content.buses.contains(**bus)) {
        wrong.push(format!(
            "{}: bus `{bus}` of its tables is not named",
            page.file
        ));
    }
    let [_, own] = sources.declared(page.sources);
    let known = |bus: &String| buses.contains(bus.as_str()) || own.contains_key(bus);
    for bus in content.buses.iter().filter(|bus| !known(bus)) {
        wrong.push(format!("{}: no table has bus `{bus}`", page.file));
    }
    wrong
}

/// Each page names all constraints and exactly the buses of the tables that claims of its statement have: its own, those of
/// other statements, those of gadgets.
#[test]
fn pages_name_what_tables_have() {
    type Check = fn(&Page, &Content, &Sources) -> Vec<String>;
    let checks: [Check; 9] = [
        differences::<statements::inventory::Inventory>,
        differences::<statements::issuance::Issuance>,
        differences::<statements::margin::Margin>,
        differences::<statements::pool::Pool>,
        differences::<statements::risk::Risk>,
        differences::<statements::solvency::Solvency>,
        differences::<statements::stress::Stressed>,
        differences::<statements::systemic::Systemic>,
        differences::<statements::waterfall::Waterfall>,
    ];
    let (root, mut wrong) = (root(), Vec::new());
    let sources = Sources::read(&root);
    for (page, check) in PAGES.iter().zip(checks) {
        let text = std::fs::read_to_string(root.join(page.file)).expect("a page");
        wrong.extend(check(page, &read_page(page.file, &text), &sources));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// THE CHECK ITSELF

const POOL: &str = "crates/statements/src/pool/";

/// Sources with three constraints, a bus and some tests.
fn sample_sources() -> Sources {
    let tables = r#"
        /// "COMMENT-1" is none.
        pub const HEAPS: Bus = Bus::new("heap");
        fn row<B: RowBuilder<Row>>(&self, b: &mut B) {
            b.zero("HEAP-1", zero);
            let id = "HEAP-2";
            b.zero(id, other);
            self.place(b, "HEAP-3");
        }
        #[cfg(test)]
        mod tests { const OTHER: &str = "INLINE-1"; }
    "#;
    let module = "#[cfg(test)]\nmod attack;\n#[cfg(test)]\nmod tests;\nmod tables;";
    let tests = r#"
        const FORGERIES: [&str; 1] = ["HEAP-2"];
        fn each(forgeries: &[&str]) {}
        #[test]
        fn the_first_is_broken() { assert_eq!(wrong(), ["HEAP-1"]); }
        #[test]
        fn a_table_of_cases() { each(&FORGERIES); }
        #[test]
        fn many_break() { for id in ["HEAP-1", "HEAP-3"] { assert!(broken_alone().contains(id)); } }
        fn no_test() { let id = "HEAP-3"; }
    "#;
    let files = [
        ("mod.rs", module),
        ("tables.rs", tables),
        ("attack.rs", "fn attack() { let id = \"ATTACK-1\"; }"),
        ("tests/forged.rs", tests),
    ];
    let read = |(file, text): (&str, &str)| (format!("{POOL}{file}"), read_source(text));
    Sources(files.map(read).into())
}

const GOOD_PAGE: &str = "\
| number | constraint | broken by |
|---|---|---|
| HEAP-1 | one | `the_first_is_broken` |
| HEAP-2 | two | `a_table_of_cases` |
| HEAP-3 | three | `many_break` |

HEAP-1 to HEAP-3 are all; see `a_table_of_cases`.

| bus | message |
|---|---|
| `heap`, `blind` | anything |
";

/// What is wrong with the page after a change, where HEAP-3 may wait for a test of its own.
fn changed(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD_PAGE.contains(from), "{from}");
    let page = PAGES
        .iter()
        .find(|p| p.sources == POOL)
        .expect("it has a page");
    let waiting = BTreeSet::from(["HEAP-3".to_string()]);
    let text = GOOD_PAGE.replace(from, to);
    let found = check(page, &text, &sample_sources(), &waiting);
    let own = |problem: String| {
        let place = problem.strip_prefix(page.file);
        place.expect("the page is named").to_string()
    };
    found.into_iter().map(own).collect()
}

#[test]
fn differences_are_reported_with_file_and_number() {
    assert_eq!(changed("one", "one"), Vec::<String>::new());
    let missing = format!(": HEAP-2 of {POOL}tables.rs has no row");
    for (from, to, expected) in [
        ("| HEAP-2 | two | `a_table_of_cases` |\n", "", &missing[..]),
        (
            "`a_table_of_cases`",
            "`a_tale_of_cases`",
            ":4: HEAP-2: there is no test `a_tale_of_cases`",
        ),
        (
            "`many_break`",
            "`no_test`",
            ":5: HEAP-3: there is no test `no_test`",
        ),
        ("`many_break`", "the same", ":5: HEAP-3 names no test"),
        (
            "`a_table_of_cases`",
            "`the_first_is_broken`",
            ":4: HEAP-2 is not named in test `the_first_is_broken`",
        ),
        (
            "`the_first_is_broken`",
            "`many_break`",
            ":3: HEAP-1 has no test of its own",
        ),
        (
            "all;",
            "all; not HEAP-4;",
            ":7: HEAP-4 does not stand in code",
        ),
        (
            "HEAP-1 to HEAP-3",
            "HEAP-3 to HEAP-5",
            ":7: HEAP-4 does not stand in code",
        ),
        (
            "all;",
            "all; not ATTACK-1;",
            ":7: ATTACK-1 does not stand in code",
        ),
        (
            "all;",
            "all; not INLINE-1;",
            ":7: INLINE-1 does not stand in code",
        ),
        (
            "all;",
            "all; not COMMENT-1;",
            ":7: COMMENT-1 does not stand in code",
        ),
        (
            "| HEAP-1 |",
            "| HEAP-1 to HEAP-2 |",
            ":3: HEAP-1 to HEAP-2: a row stands for one number, written alone",
        ),
        (
            "| HEAP-1 |",
            "| HEAP-2 |",
            ":4: HEAP-2 stands in line 3, too",
        ),
        ("`heap`", "`pile`", ": bus `pile` does not stand in code"),
        ("`heap`", "`pile`", "heap"),
    ] {
        let found = changed(from, to);
        let reported = found.iter().any(|problem| problem.contains(expected));
        assert!(reported, "{expected}: {found:?}");
    }
}

/// The list of rows without a test of their own only shrinks.
#[test]
fn what_waits_in_vain_is_reported() {
    let page = PAGES
        .iter()
        .find(|p| p.sources == POOL)
        .expect("it has a page");
    let waiting = waiting("# why\ncrates/x.md: HEAP-1 HEAP-3\n");
    let waiting = &waiting["crates/x.md"];
    let found = check(page, GOOD_PAGE, &sample_sources(), waiting);
    let expected = format!("{}:3: HEAP-1 need not be in tests/pages.txt", page.file);
    assert_eq!(found, [expected]);
    let gone = BTreeSet::from(["HEAP-3".to_string(), "HEAP-9".to_string()]);
    let found = check(page, GOOD_PAGE, &sample_sources(), &gone);
    let expected = format!("{}: HEAP-9 is in tests/pages.txt, but in no row", page.file);
    assert_eq!(found, [expected]);
}
