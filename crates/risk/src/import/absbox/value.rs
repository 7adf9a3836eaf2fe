//! JSON in which numbers stay the text that the user wrote and members stay in their order.
//!
//! The usual reader of this workspace turns a number with a point into a float, which loses digits, and sorts members,
//! whose order is the tranches' seniority here.

use fixed::Decimal;

use super::{Checked, Refusal};
use crate::deal::CENT_DECIMALS;

/// How deep values may be nested: far deeper than any deal, and far from the end of the stack.
const MAX_DEPTH: usize = 64;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

/// Where a text stops to be JSON: its line, from 1, and why.
pub(super) type SyntaxError = (u64, String);

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Json, SyntaxError> {
    let mut reader = Reader { text, position: 0 };
    let value = reader.value(0)?;
    match reader.peek() {
        None => Ok(value),
        Some(c) => reader.error(format!("`{}` after the end", c.escape_debug())),
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The next byte, always at a character's start.
    position: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or("")
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        self.rest().chars().next()
    }

    fn error<T>(&self, problem: impl Into<String>) -> Result<T, SyntaxError> {
        let before = self.text.get(..self.position).unwrap_or(self.text);
        let line = 1 + before.matches('\n').count() as u64;
        Err((line, problem.into()))
    }

    /// Skips a character that must come.
    fn expect(&mut self, expected: char) -> Result<(), SyntaxError> {
        match self.peek() {
            Some(c) if c == expected => {
                self.position += c.len_utf8();
                Ok(())
            }
            Some(c) => self.error(format!(
                "`{expected}` expected instead of `{}`",
                c.escape_debug()
            )),
            None => self.error(format!("`{expected}` expected; the file ends too early")),
        }
    }

    /// Skips a character if it comes.
    fn skips(&mut self, c: char) -> bool {
        let comes = self.peek() == Some(c);
        if comes {
            self.position += c.len_utf8();
        }
        comes
    }

    fn value(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        if depth > MAX_DEPTH {
            return self.error(format!("values are nested more than {MAX_DEPTH} deep"));
        }
        match self.peek() {
            Some('{') => self.map(depth),
            Some('[') => self.list(depth),
            Some('"') => Ok(Json::Text(self.string()?)),
            Some(_) => self.word(),
            None => self.error("a value expected; the file ends too early"),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.expect('[')?;
        let mut list = Vec::new();
        if self.skips(']') {
            return Ok(Json::List(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            if !self.skips(',') {
                self.expect(']')?;
                return Ok(Json::List(list));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.expect('{')?;
        let mut map: Vec<(String, Json)> = Vec::new();
        if self.skips('}') {
            return Ok(Json::Map(map));
        }
        loop {
            self.peek();
            let name = self.string()?;
            // A reader that keeps the last of two would pay another bond than one that keeps the first.
            if map.iter().any(|(n, _)| *n == name) {
                let name = name.escape_debug();
                return self.error(format!("`{name}` stands twice in one object; remove one"));
            }
            self.expect(':')?;
            map.push((name, self.value(depth + 1)?));
            if !self.skips(',') {
                self.expect('}')?;
                return Ok(Json::Map(map));
            }
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        if !self.rest().starts_with('"') {
            return self.error("a text in double quotes expected");
        }
        let mut escaped = false;
        let end = self.rest().bytes().skip(1).position(|b| {
            let ends = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        let Some(end) = end else {
            return self.error("a text is not closed by a double quote");
        };
        let quoted = self.rest().get(..end + 2).unwrap_or("");
        match serde_json::from_str(quoted) {
            Ok(text) => {
                self.position += end + 2;
                Ok(text)
            }
            Err(_) => self.error("a text has a control character or an unknown escape"),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Json, SyntaxError> {
        let is_part = |c: char| c.is_alphanumeric() || "+-._".contains(c);
        let rest = self.rest();
        let word = rest.get(..rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
        let word = word.unwrap_or("").to_string();
        let value = match word.as_str() {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            // Only a number is left that the grammar knows.
            other if serde_json::from_str::<serde::de::IgnoredAny>(other).is_ok() => {
                Json::Number(other.to_string())
            }
            other => {
                let shown: String = other.chars().take(20).collect();
                return self.error(format!("`{}` is no JSON value", shown.escape_debug()));
            }
        };
        self.position += word.len();
        Ok(value)
    }
}

/// A value and where it stands, such as `bonds.A.rateType`.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub place: String,
    pub value: &'a Json,
}

impl<'a> Node<'a> {
    pub(super) fn refuse<T>(&self, problem: impl Into<String>) -> Checked<T> {
        Err(Refusal {
            place: self.place.clone(),
            problem: problem.into(),
        })
    }

    fn inside(&self, name: &str, value: &'a Json) -> Self {
        let name = name.escape_debug();
        let place = if self.place.is_empty() {
            name.to_string()
        } else {
            format!("{}.{name}", self.place)
        };
        Self { place, value }
    }

    pub(super) fn is_null(&self) -> bool {
        *self.value == Json::Null
    }

    /// Whether there is nothing in it: `None`, an empty list or an empty map.
    pub(super) fn is_empty(&self) -> bool {
        match self.value {
            Json::Null => true,
            Json::List(list) => list.is_empty(),
            Json::Map(map) => map.is_empty(),
            _ => false,
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Json::Map(_))
    }

    /// The members of a map, whatever their names.
    pub(super) fn members(&self) -> Checked<Vec<(&'a str, Self)>> {
        match self.value {
            Json::Map(map) => Ok(map
                .iter()
                .map(|(n, v)| (n.as_str(), self.inside(n, v)))
                .collect()),
            _ => self.refuse("is not a map; write {...}"),
        }
    }

    /// A map that has no other members than these.
    pub(super) fn map(&self, supported: &[&str]) -> Checked<Fields<'a>> {
        self.map_without(supported, &[])
    }

    /// A map that has no other members than some, and others with nothing in them.
    pub(super) fn map_without(&self, supported: &[&str], empty: &[&str]) -> Checked<Fields<'a>> {
        let members = self.members()?;
        for (name, node) in &members {
            if empty.contains(name) && !node.is_empty() {
                return node.refuse("is not supported; remove it and what refers to it");
            }
            if !empty.contains(name) && !supported.contains(name) {
                return node.refuse(format!(
                    "is not supported; supported here: {}",
                    supported.join(", ")
                ));
            }
        }
        Ok(Fields {
            place: self.clone(),
            // Python's `None` says what a missing key says.
            members: members.into_iter().filter(|(_, v)| !v.is_null()).collect(),
        })
    }

    pub(super) fn list(&self) -> Checked<Vec<Self>> {
        match self.value {
            Json::List(list) => Ok(list
                .iter()
                .enumerate()
                .map(|(i, value)| Self {
                    place: format!("{}[{i}]", self.place),
                    value,
                })
                .collect()),
            _ => self.refuse("is not a list; write [...]"),
        }
    }

    pub(super) fn text(&self) -> Checked<&'a str> {
        match self.value {
            Json::Text(text) => Ok(text),
            _ => self.refuse("is not a text; write it in double quotes"),
        }
    }

    /// One name, or a list of them.
    pub(super) fn names(&self) -> Checked<Vec<(&'a str, Self)>> {
        let nodes = match self.value {
            Json::Text(_) => vec![self.clone()],
            _ => self.list()?,
        };
        nodes.into_iter().map(|n| Ok((n.text()?, n))).collect()
    }

    pub(super) fn number(&self) -> Checked<Decimal> {
        let Json::Number(text) = self.value else {
            return self.refuse("is not a number");
        };
        text.parse()
            .map(|n: Decimal| n.normalized())
            .or_else(|e: fixed::ParseError| self.refuse(e.to_string()))
    }

    /// A part of one, in percent.
    pub(super) fn percent(&self) -> Checked<Decimal> {
        let percent = self.number()?.checked_mul(&Decimal::from_int(100));
        percent
            .map(|p| p.normalized())
            .or_else(|e| self.refuse(e.to_string()))
    }

    /// An amount of money.
    pub(super) fn money(&self) -> Checked<Decimal> {
        let number = self.number()?;
        match number.rescale_exact(CENT_DECIMALS) {
            Ok(units) if units >= 0 => Ok(number),
            Ok(_) => self.refuse(format!("{number} is negative")),
            Err(_) => self.refuse(format!(
                "{number} is not an amount with at most two decimals; round it"
            )),
        }
    }
}

/// The members of a map that are not `None`.
pub(super) struct Fields<'a> {
    place: Node<'a>,
    members: Vec<(&'a str, Node<'a>)>,
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }

    /// The one that stands under one of several names that mean the same.
    pub(super) fn any(&self, names: &[&str]) -> Checked<Option<&Node<'a>>> {
        let mut found = self.members.iter().filter(|(n, _)| names.contains(n));
        match (found.next(), found.next()) {
            (_, Some((_, second))) => second.refuse(format!(
                "means the same as another key ({}); remove one",
                names.join(", ")
            )),
            (first, None) => Ok(first.map(|(_, v)| v)),
        }
    }

    pub(super) fn need(&self, name: &str) -> Checked<&Node<'a>> {
        match self.get(name) {
            Some(node) => Ok(node),
            None => self.place.refuse(format!("has no `{name}`; add it")),
        }
    }

    pub(super) fn needs_any(&self, names: &[&str]) -> Checked<&Node<'a>> {
        match self.any(names)? {
            Some(node) => Ok(node),
            None => self
                .place
                .refuse(format!("has no `{}`; add it", names.join("` or `"))),
        }
    }

    pub(super) fn node(&self) -> &Node<'a> {
        &self.place
    }

    pub(super) fn first(&self) -> Option<(&'a str, &Node<'a>)> {
        self.members.first().map(|(n, v)| (*n, v))
    }
}
