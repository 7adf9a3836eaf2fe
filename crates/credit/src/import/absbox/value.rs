//! Values in which numbers stay the text that the user wrote and members stay in their order, and where they stand.
//!
//! Usual readers turn a number with a point into a float, which loses digits, and sort members, whose order is the tranches'
//! seniority here.

use fixed::Decimal;

use super::program::shortened;
use super::{Checked, Refusal};
use crate::deal::CENT_DECIMALS;

/// A value. In texts a space is a hyphen, so that they can be names here; none of AbsBox's keywords has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

/// A value and the line in which it begins, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub line: u64,
    pub value: Json,
}

impl Tree {
    /// How many values it has; a long text counts for several.
    pub(super) fn size(&self) -> usize {
        1 + match &self.value {
            Json::Text(text) => text.len() / 16,
            Json::List(list) => list.iter().map(Self::size).sum(),
            Json::Map(map) => map.iter().map(|(_, v)| v.size()).sum(),
            _ => 0,
        }
    }

    /// As JSON, for a message.
    fn show(&self) -> String {
        match &self.value {
            Json::Null => "None".into(),
            Json::Bool(is_true) => if *is_true { "True" } else { "False" }.into(),
            Json::Number(text) => text.clone(),
            Json::Text(text) => format!("\"{text}\""),
            Json::List(list) => {
                let list: Vec<String> = list.iter().map(Self::show).collect();
                format!("[{}]", list.join(", "))
            }
            Json::Map(map) => {
                let map = map.iter().map(|(n, v)| format!("\"{n}\": {}", v.show()));
                format!("{{{}}}", map.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A value and where it stands, such as `bonds.A.rateType`.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub place: String,
    pub tree: &'a Tree,
}

impl<'a> Node<'a> {
    pub(super) fn refuse<T>(&self, problem: impl Into<String>) -> Checked<T> {
        let problem = problem.into();
        // What is missing does not stand there.
        let problem = match problem.starts_with("has no ") {
            true => problem,
            false => format!("{problem} (here stands `{}`)", shortened(&self.tree.show())),
        };
        Err(Refusal {
            place: self.place.clone(),
            line: self.tree.line,
            problem,
        })
    }

    fn inside(&self, name: &str, tree: &'a Tree) -> Self {
        let name = name.escape_debug();
        let place = if self.place.is_empty() {
            name.to_string()
        } else {
            format!("{}.{name}", self.place)
        };
        Self { place, tree }
    }

    pub(super) fn value(&self) -> &'a Json {
        &self.tree.value
    }

    /// The line of a place inside, or of what it is in.
    pub(super) fn line_of(&self, place: &str) -> u64 {
        let inner = match self.value() {
            Json::Map(_) => self.members().unwrap_or_default(),
            Json::List(_) => {
                let list = self.list().unwrap_or_default();
                list.into_iter().map(|n| ("", n)).collect()
            }
            _ => Vec::new(),
        };
        // A place that begins with another one's, such as `bonds.AB` with `bonds.A`, is not inside it.
        let is_inside = |n: &Self| {
            place
                .strip_prefix(n.place.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        match inner.iter().find(|(_, n)| is_inside(n)) {
            Some((_, node)) => node.line_of(place),
            None => self.tree.line,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        *self.value() == Json::Null
    }

    /// Whether there is nothing in it: `None`, an empty list or an empty map.
    pub(super) fn is_empty(&self) -> bool {
        match self.value() {
            Json::Null => true,
            Json::List(list) => list.is_empty(),
            Json::Map(map) => map.is_empty(),
            _ => false,
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value(), Json::Map(_))
    }

    /// The members of a map, whatever their names.
    pub(super) fn members(&self) -> Checked<Vec<(&'a str, Self)>> {
        match self.value() {
            Json::Map(map) => Ok(map
                .iter()
                .map(|(n, v)| (n.as_str(), self.inside(n, v)))
                .collect()),
            _ => self.refuse("is not a map; write {...}"),
        }
    }

    /// The members of a map, or of a tuple of pairs of a name and a value.
    pub(super) fn named(&self) -> Checked<Vec<(&'a str, Self)>> {
        let Json::List(list) = self.value() else {
            return self.members();
        };
        let mut named: Vec<(&str, Self)> = Vec::new();
        for (i, pair) in list.iter().enumerate() {
            let at = Self {
                place: format!("{}[{i}]", self.place),
                tree: pair,
            };
            let (name, tree) = match &pair.value {
                Json::List(pair) => match pair.as_slice() {
                    [
                        Tree {
                            value: Json::Text(name),
                            ..
                        },
                        tree,
                    ] => (name, tree),
                    _ => return at.refuse("is not a pair of a name and a map"),
                },
                _ => {
                    return at.refuse(
                        "is not a pair of a name and a map; a tuple of one pair ends with a comma: ((name, {...}),)",
                    );
                }
            };
            if named.iter().any(|(n, _)| n == name) {
                return at.refuse("has a name that stands twice; remove one");
            }
            named.push((name, self.inside(name, tree)));
        }
        Ok(named)
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
        match self.value() {
            Json::List(list) => Ok(list
                .iter()
                .enumerate()
                .map(|(i, tree)| Self {
                    place: format!("{}[{i}]", self.place),
                    tree,
                })
                .collect()),
            _ => self.refuse("is not a list; write [...]"),
        }
    }

    pub(super) fn text(&self) -> Checked<&'a str> {
        match self.value() {
            Json::Text(text) => Ok(text),
            _ => self.refuse("is not a text; write it in double quotes"),
        }
    }

    /// One name, or a list of them.
    pub(super) fn names(&self) -> Checked<Vec<(&'a str, Self)>> {
        let nodes = match self.value() {
            Json::Text(_) => vec![self.clone()],
            _ => self.list()?,
        };
        nodes.into_iter().map(|n| Ok((n.text()?, n))).collect()
    }

    pub(super) fn number(&self) -> Checked<Decimal> {
        let Json::Number(text) = self.value() else {
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
