//! Values as Python and JSON write them: numbers, texts, lists, tuples and maps, names given a value above, and what can be
//! worked out of these without running a program.

use std::collections::BTreeMap;

use super::operators::{added, key_of, merged, multiplied};
use super::value::{Json, Tree};

/// Where a text stops to be read: its line, from 1, and why.
pub(super) type SyntaxError = (u64, String);

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// How deep values may be nested: far deeper than any deal, and far from the end of the stack.
const MAX_DEPTH: usize = 64;
/// Most values that a text may have once names stand for what they were given: a few lines of names could have millions.
const MAX_VALUES: usize = 200_000;

/// The names of what makes a deal.
pub(super) const MAKERS: [&str; 3] = ["Generic", "SPV", "mkDeal"];
/// What `Generic` and `SPV` take, in their order.
const ARGUMENTS: [&str; 13] = [
    "name",
    "dates",
    "pool",
    "accounts",
    "bonds",
    "fees",
    "waterfall",
    "collect",
    "call",
    "liqFacility",
    "custom",
    "trigger",
    "status",
];

/// What names stand for; or in which line it was said what they stand for, and why it was not read.
#[derive(Default)]
pub(super) struct Names {
    pub given: BTreeMap<String, Result<Tree, SyntaxError>>,
    /// The line of the last `from ... import *`, which may have given names.
    pub star: Option<u64>,
}

/// Reads from a text.
pub(super) struct Parser<'t> {
    pub text: &'t str,
    pub at: usize,
    pub line: u64,
    depth: usize,
    values: usize,
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            depth: 0,
            values: 0,
        }
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn error<T>(&self, problem: impl Into<String>) -> Parsed<T> {
        Err((self.line, problem.into()))
    }

    /// Passes spaces, comments and the ends of lines.
    pub(super) fn space(&mut self) {
        loop {
            match self.peek() {
                Some('#') => self.comment(),
                Some('\\') if self.rest()[1..].starts_with(['\n', '\r']) => {
                    self.next();
                }
                Some(c) if c.is_whitespace() || c == '\u{feff}' => {
                    self.next();
                }
                _ => return,
            }
        }
    }

    pub(super) fn comment(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            self.next();
        }
    }

    /// Passes a sign if it stands here.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        self.space();
        let here = self.rest().starts_with(sign);
        if here {
            self.at += sign.len();
        }
        here
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.take(sign) {
            return Ok(());
        }
        let word = self.word();
        let found = match self.peek() {
            _ if !word.is_empty() => format!("`{word}`"),
            Some(c) => format!("`{}`", c.escape_debug()),
            None => "the end".into(),
        };
        self.error(format!("`{sign}` was expected and {found} found; only values are read, not programs: write the value itself"))
    }

    /// A word, if one stands here.
    pub(super) fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let starts = rest.starts_with(|c: char| is_letter(c) && !c.is_ascii_digit());
        let end = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
        let word = if starts { &rest[..end] } else { "" };
        self.at += word.len();
        word
    }

    fn tree(&mut self, line: u64, value: Json) -> Parsed<Tree> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err((
                line,
                format!("there are more than {MAX_VALUES} values; no deal has as many"),
            ));
        }
        Ok(Tree { line, value })
    }

    /// A value, and all that is joined to it by signs.
    pub(super) fn value(&mut self, names: &Names) -> Parsed<Tree> {
        self.depth += 1;
        let tree = match self.depth > MAX_DEPTH {
            true => self.error(format!("values are nested more than {MAX_DEPTH} deep")),
            false => self.joined(names),
        };
        self.depth -= 1;
        tree
    }

    fn joined(&mut self, names: &Names) -> Parsed<Tree> {
        let mut left = self.sum(names)?;
        while self.take("|") {
            let right = self.sum(names)?;
            left = merged(left, right)?;
        }
        Ok(left)
    }

    fn sum(&mut self, names: &Names) -> Parsed<Tree> {
        let mut left = self.product(names)?;
        loop {
            let sign = match self.sign("+-") {
                Some(sign) => sign,
                None => return Ok(left),
            };
            let right = self.product(names)?;
            left = added(left, right, sign)?;
        }
    }

    fn product(&mut self, names: &Names) -> Parsed<Tree> {
        let mut left = self.signed(names)?;
        loop {
            let sign = match self.sign("*/") {
                Some(sign) => sign,
                None => return Ok(left),
            };
            let right = self.signed(names)?;
            left = multiplied(left, &right, sign)?;
        }
    }

    /// One of some signs, unless it is doubled: `**` and `//` are others.
    fn sign(&mut self, signs: &str) -> Option<char> {
        self.space();
        let mut next = self.rest().chars();
        let sign = next.next().filter(|c| signs.contains(*c))?;
        if "*/".contains(sign) && next.next() == Some(sign) {
            return None;
        }
        self.next()
    }

    fn signed(&mut self, names: &Names) -> Parsed<Tree> {
        self.space();
        let line = self.line;
        let Some(sign @ ('-' | '+')) = self.peek() else {
            return self.subscripted(names);
        };
        self.next();
        // A sign before a sign is nobody's number, and a thousand of them would be deep.
        let tree = self.subscripted(names)?;
        let Json::Number(text) = tree.value else {
            return Err((line, format!("`{sign}` stands before what is no number")));
        };
        let number = match (sign, text.strip_prefix('-')) {
            ('+', _) => text,
            (_, Some(positive)) => positive.into(),
            (_, None) => format!("-{text}"),
        };
        self.tree(line, Json::Number(number))
    }

    /// A value, and the member of it that is asked for: `dates["closing"]`.
    fn subscripted(&mut self, names: &Names) -> Parsed<Tree> {
        let mut tree = self.single(names)?;
        while self.take("[") {
            let key = self.value(names)?;
            self.expect("]")?;
            let member = match (&tree.value, &key.value) {
                (Json::Map(map), Json::Text(name)) => {
                    map.iter().find(|(n, _)| n == name).map(|(_, v)| v)
                }
                (Json::List(list), Json::Number(n)) => {
                    n.parse::<usize>().ok().and_then(|n| list.get(n))
                }
                _ => None,
            };
            tree = match member {
                Some(member) => member.clone(),
                None => return Err((key.line, "is no member of what stands before it".into())),
            };
        }
        if self.rest().starts_with('.') {
            return self.error(
                "what is asked of a value after a point is not read; write the value itself",
            );
        }
        Ok(tree)
    }

    fn single(&mut self, names: &Names) -> Parsed<Tree> {
        self.space();
        let line = self.line;
        match self.peek() {
            Some('[') => {
                self.next();
                let list = self.list("]", names)?;
                self.tree(line, Json::List(list))
            }
            Some('(') => self.parenthesis(line, names),
            Some('{') => {
                self.next();
                let map = self.map(names)?;
                self.tree(line, Json::Map(map))
            }
            Some('"' | '\'') => self.texts(line),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(line),
            Some(c) if is_letter(c) => self.named(line, names),
            Some(c) => self.error(format!("`{}` begins no value", c.escape_debug())),
            None => self.error("the text ends where a value is missing"),
        }
    }

    /// A value in parentheses, or a tuple, which is a list to us.
    fn parenthesis(&mut self, line: u64, names: &Names) -> Parsed<Tree> {
        self.next();
        if self.take(")") {
            return self.tree(line, Json::List(Vec::new()));
        }
        let first = self.value(names)?;
        if self.take(")") {
            return Ok(first);
        }
        self.expect(",")?;
        let mut list = vec![first];
        list.extend(self.list(")", names)?);
        self.tree(line, Json::List(list))
    }

    fn list(&mut self, end: &str, names: &Names) -> Parsed<Vec<Tree>> {
        let mut list = Vec::new();
        while !self.take(end) {
            list.push(self.value(names)?);
            if !self.take(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(list)
    }

    fn map(&mut self, names: &Names) -> Parsed<Vec<(String, Tree)>> {
        let mut map: Vec<(String, Tree)> = Vec::new();
        while !self.take("}") {
            if self.take("**") {
                let other = self.value(names)?;
                let line = other.line;
                let all = self.tree(line, Json::Map(std::mem::take(&mut map)))?;
                if let Json::Map(merged) = merged(all, other)?.value {
                    map = merged;
                }
            } else {
                let key = self.value(names)?;
                let line = key.line;
                let name = key_of(key.value)
                    .ok_or((line, "a key is no text; write it in quotes".to_string()))?;
                self.expect(":")?;
                let value = self.value(names)?;
                if map.iter().any(|(n, _)| *n == name) {
                    return Err((
                        line,
                        format!("`{}` stands twice; remove one", name.escape_debug()),
                    ));
                }
                map.push((name, value));
            }
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(map)
    }

    /// Texts that stand side by side are one.
    fn texts(&mut self, line: u64) -> Parsed<Tree> {
        let mut all = String::new();
        while let Some(quote @ ('"' | '\'')) = self.peek() {
            self.text(quote, &mut all)?;
            self.space();
        }
        self.tree(line, Json::Text(all.replace(' ', "-")))
    }

    fn text(&mut self, quote: char, all: &mut String) -> Parsed<()> {
        let line = self.line;
        let unended = Err((
            line,
            "a text that begins here never ends; close its quotes".into(),
        ));
        let single = quote.to_string();
        let triple = single.repeat(3);
        let end = if self.rest().starts_with(&triple) {
            triple
        } else {
            single
        };
        self.at += end.len();
        loop {
            if self.rest().starts_with(&end) {
                self.at += end.len();
                return Ok(());
            }
            match self.next() {
                None => return unended,
                Some('\n') if end.len() == 1 => return unended,
                Some('\\') => all.extend(self.escape()?),
                Some(c) => all.push(c),
            }
        }
    }

    /// What stands for one sign after a backslash; nothing, if the line goes on.
    fn escape(&mut self) -> Parsed<Option<char>> {
        let digits = match self.next() {
            Some('n') => return Ok(Some('\n')),
            Some('t') => return Ok(Some('\t')),
            Some('r') => return Ok(Some('\r')),
            Some('b') => return Ok(Some('\u{8}')),
            Some('f') => return Ok(Some('\u{c}')),
            Some('\n') => return Ok(None),
            Some(c @ ('\\' | '\'' | '"' | '/')) => return Ok(Some(c)),
            Some('u') => 4,
            Some('x') => 2,
            _ => return self.error("a backslash stands before a sign that it does not go with"),
        };
        let code = self.rest().get(..digits);
        let code = code.and_then(|c| u32::from_str_radix(c, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                self.at += digits;
                Ok(Some(c))
            }
            None => self.error("a backslash is not followed by the code of a sign"),
        }
    }

    /// The number as it is written, without underscores.
    fn number(&mut self, line: u64) -> Parsed<Tree> {
        let rest = self.rest();
        let mut end = 0;
        for (i, c) in rest.char_indices() {
            let after_e = rest[..i].ends_with(['e', 'E']);
            if !(is_letter(c) || c == '.' || after_e && (c == '-' || c == '+')) {
                break;
            }
            end = i + c.len_utf8();
        }
        self.at += end;
        self.tree(line, Json::Number(rest[..end].replace('_', "")))
    }

    /// A constant, a name, or a call.
    fn named(&mut self, line: u64, names: &Names) -> Parsed<Tree> {
        let word = self.word();
        match word {
            "None" | "null" => return self.tree(line, Json::Null),
            "True" | "true" => return self.tree(line, Json::Bool(true)),
            "False" | "false" => return self.tree(line, Json::Bool(false)),
            _ => {}
        }
        if self.peek().is_some_and(|c| c == '"' || c == '\'') {
            return self.error(format!(
                "`{word}` before a text is not read; write the text itself"
            ));
        }
        if self.take("(") {
            return self.call(word, line, names);
        }
        match (names.given.get(word), names.star) {
            (Some(Ok(tree)), _) => {
                self.values += tree.size();
                self.tree(line, Json::Null)?;
                Ok(tree.clone())
            }
            (Some(Err(error)), _) => Err(error.clone()),
            (None, Some(star)) => Err((
                line,
                format!(
                    "`{word}` has no value above, and `import *` in line {star} is not followed; write the value itself"
                ),
            )),
            (None, None) => Err((
                line,
                format!("`{word}` has no value above; write the value itself"),
            )),
        }
    }

    fn call(&mut self, name: &str, line: u64, names: &Names) -> Parsed<Tree> {
        if name != "dict" && !MAKERS.contains(&name) {
            return Err((
                line,
                format!("`{name}(...)` is not read; write what it gives"),
            ));
        }
        let mut map: Vec<(String, Tree)> = Vec::new();
        let mut place = 0;
        while !self.take(")") {
            self.space();
            let begin = (self.at, self.line);
            let word = self.word();
            let key = if self.take("**") {
                ""
            } else if !word.is_empty() && self.take("=") && !self.rest().starts_with('=') {
                if word == "collection" {
                    "collect"
                } else {
                    word
                }
            } else {
                (self.at, self.line) = begin;
                if name == "mkDeal" || name == "dict" {
                    ""
                } else {
                    place += 1;
                    ARGUMENTS
                        .get(place - 1)
                        .copied()
                        .unwrap_or("another argument")
                }
            };
            let value = self.value(names)?;
            if key.is_empty() {
                let line = value.line;
                let all = self.tree(line, Json::Map(map))?;
                map = match merged(all, value)?.value {
                    Json::Map(map) => map,
                    _ => Vec::new(),
                };
            } else if map.iter().any(|(n, _)| n == key) {
                return Err((value.line, format!("`{key}` is given twice; remove one")));
            } else {
                map.push((key.to_string(), value));
            }
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        self.tree(line, Json::Map(map))
    }
}
