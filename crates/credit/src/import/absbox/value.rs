//! JSON in which numbers stay the text that the user wrote and members stay in their order.
//!
//! The usual reader of this workspace turns a number with a point into a float, which loses digits, and sorts members,
//! whose order is the tranches' seniority here.

use fixed::Decimal;
use serde_json::value::RawValue;

use super::{Checked, Refusal};
use crate::deal::CENT_DECIMALS;
use records::json::Pairs;

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

/// How deep values may be nested: far deeper than any deal, and far from the end of the stack.
const MAX_DEPTH: usize = 64;

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Json, SyntaxError> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|e| wrong(&e))?;
    value(raw, 0).map_err(|(piece, (line, problem))| {
        let before = piece.as_ptr() as usize - text.as_ptr() as usize;
        let lines = text.bytes().take(before).filter(|b| *b == b'\n').count();
        (line + lines as u64, problem)
    })
}

/// What is wrong, and in which line of what was read.
fn wrong(error: &serde_json::Error) -> SyntaxError {
    let text = error.to_string();
    // The place is said in front.
    let problem = text.split(" at line ").next().unwrap_or(&text);
    (error.line() as u64, problem.to_string())
}

/// A text as a name here: a space of AbsBox is a hyphen. None of its keywords has one.
fn named(text: String) -> String {
    text.replace(' ', "-")
}

/// A value, or the piece of the text that is none.
fn value(raw: &RawValue, depth: usize) -> Result<Json, (&str, SyntaxError)> {
    let text = raw.get();
    if depth > MAX_DEPTH {
        let problem = format!("values are nested more than {MAX_DEPTH} deep");
        return Err((text, (1, problem)));
    }
    let wrong = |e: serde_json::Error| (text, wrong(&e));
    Ok(match text.bytes().next() {
        Some(b'{') => {
            let members: Pairs<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let member = |(name, raw): (String, _)| Ok((named(name), value(raw, depth + 1)?));
            let members = members.0.into_iter().map(member);
            Json::Map(members.collect::<Result<_, _>>()?)
        }
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let values = values.into_iter().map(|raw| value(raw, depth + 1));
            Json::List(values.collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::Text(named(serde_json::from_str(text).map_err(wrong)?)),
        Some(b'n') => Json::Null,
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        _ => Json::Number(text.to_string()),
    })
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
