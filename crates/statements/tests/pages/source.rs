//! Sources, read as text: enough of the language for whatever stands in this project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::page::is_id;

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
pub struct Item {
    pub is_test: bool,
    pub texts: BTreeSet<String>,
    pub words: BTreeSet<String>,
}

/// A source: its items by name, and the texts outside of tests.
#[derive(Debug, Default)]
pub struct Source {
    items: BTreeMap<String, Item>,
    texts: BTreeSet<String>,
    /// Modules in files of their own that are there for tests only.
    test_modules: BTreeSet<String>,
    buses: BTreeSet<String>,
}

pub fn read_source(text: &str) -> Source {
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
pub struct Sources(pub BTreeMap<String, Source>);

impl Sources {
    pub fn read(root: &Path) -> Self {
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

    /// The sources that a pattern stands for: a folder, a file, or the files of a folder.
    fn matching<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = (&'a String, &'a Source)> {
        let is = move |path: &str| match pattern.strip_suffix("*.rs") {
            Some(folder) => path.strip_prefix(folder).is_some_and(|p| !p.contains('/')),
            None => path.starts_with(pattern),
        };
        self.0.iter().filter(move |(path, _)| is(path))
    }

    /// The constraints and the buses of sources, outside of tests, with a file in which they stand.
    pub fn declared(&self, patterns: &[String]) -> [BTreeMap<String, String>; 2] {
        let mut declared = [BTreeMap::new(), BTreeMap::new()];
        let sources = patterns.iter().flat_map(|pattern| self.matching(pattern));
        for (path, source) in sources.filter(|(path, _)| !self.is_test(path)) {
            let ids = source.texts.iter().filter(|text| is_id(text));
            declared[0].extend(ids.map(|id| (id.clone(), path.clone())));
            declared[1].extend(source.buses.iter().map(|bus| (bus.clone(), path.clone())));
        }
        declared
    }

    /// The tests of a name in the nearest place that has any.
    pub fn tests(&self, places: &[String], name: &str) -> Vec<Item> {
        let of = |place: &String| {
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
